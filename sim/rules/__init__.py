"""One process a file: pure functions, arrays in and new arrays out.

All arrays have the axes (state, power, domain, replicate); an axis of length 1 means "the same for
all". Equation numbers are those of ``sim/MODEL.md``.
"""
