"""A page in the browser: move the numbers, step the model, see what changes and why."""

from sim.explorer.serve import explore

__all__ = ["explore"]
