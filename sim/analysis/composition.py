"""Compositions: shares of a whole, in log-ratio coordinates.

Shares of J partners carry J - 1 pieces of information, and only their ratios mean anything: a
composition times a number is the same composition. The isometric log-ratio (ilr) maps it to J - 1
free coordinates in which straight lines, distances and Gaussians are those of compositions
(Aitchison 1986; Egozcue et al. 2003). Nothing that is computed from distances in these coordinates
depends on the choice of the basis or on the order of the partners.

A logarithm knows no zero. What a zero share stands for (no trade, or trade too small to be counted)
is known to whoever has the data: zeros are refused here and must be replaced beforehand.
"""

from __future__ import annotations

import numpy as np

from sim.axes import FloatArray
from sim.errors import InputError


def closure(parts: FloatArray, axis: int = -1) -> FloatArray:
    """Divide parts by their sum, so that they are shares of 1; parts may be 0 but not all of them.

    Parameters
    ----------
    parts : amounts in any one unit, not negative, (..., J, ...). axis : of the J parts.

    Returns
    -------
    Shares of 1, of the same shape.

    Raises
    ------
    InputError
        A part is negative or no number, or all parts of a composition are 0.
    """
    amounts = np.asarray(parts, dtype=float)
    if not (np.isfinite(amounts) & (amounts >= 0)).all():
        raise InputError("composition: each part must be a finite number, 0 or more")
    whole = amounts.sum(axis=axis, keepdims=True)
    if (whole == 0).any():
        raise InputError("composition: all parts are 0, so that they have no shares")
    shares: FloatArray = amounts / whole
    return shares


def basis(parts: int) -> FloatArray:
    """Orthonormal basis of the log-ratios, one coordinate a row, (J - 1, J).

    Row i (from 1) sets the geometric mean of the first i parts against part i + 1,
    ``z_i = sqrt(i/(i+1)) ln(g(x_1..x_i) / x_(i+1))``: the Helmert contrasts.

    Source: Egozcue et al. 2003, Mathematical Geology 35(3), 279-300.
    """
    from scipy.linalg import helmert

    if parts < 2:
        raise InputError(f"composition: must have at least 2 parts, not {parts}")
    rows: FloatArray = helmert(parts)
    return rows


def ilr(shares: FloatArray, axis: int = -1) -> FloatArray:
    """Isometric log-ratio coordinates ``z = V ln x`` of compositions, V the ``basis``.

    Parameters
    ----------
    shares : positive, in any scale, (..., J, ...). axis : of the J parts.

    Returns
    -------
    Coordinates without unit, (..., J - 1, ...), on the same axis.

    Raises
    ------
    InputError
        A share is 0, negative or no number.
    """
    logs = np.moveaxis(np.log(_positive(shares)), axis, -1)
    return np.moveaxis(logs @ basis(logs.shape[-1]).T, -1, axis)


def ilr_inverse(coordinates: FloatArray, axis: int = -1) -> FloatArray:
    """Shares of 1 with given isometric log-ratio coordinates, ``x = C(exp(V' z))``, C the closure.

    Parameters
    ----------
    coordinates : (..., J - 1, ...). axis : of the J - 1 coordinates.

    Returns
    -------
    Shares, (..., J, ...). A share below the smallest number that a computer holds comes out as 0.

    Raises
    ------
    InputError
        A coordinate is no finite number.
    """
    z = np.moveaxis(np.asarray(coordinates, dtype=float), axis, -1)
    if not np.isfinite(z).all():
        raise InputError("composition: each coordinate must be a finite number")
    logs = z @ basis(z.shape[-1] + 1)
    # The largest becomes exp(0) = 1, so that no exponential overflows.
    parts = np.exp(logs - logs.max(axis=-1, keepdims=True))
    return np.moveaxis(parts / parts.sum(axis=-1, keepdims=True), -1, axis)


def aitchison(x: FloatArray, y: FloatArray, axis: int = -1) -> FloatArray:
    """Aitchison distance of compositions.

    ``d² = 1/(2J) Σ_ij (ln(x_i/x_j) - ln(y_i/y_j))²``, the Euclidean distance of the ilr
    coordinates.

    Parameters
    ----------
    x, y : positive, in any scale, (..., J, ...), broadcast against each other. axis : of the parts.

    Returns
    -------
    Distances without unit, of the shape without the axis.

    Raises
    ------
    InputError
        A share is 0, negative or no number.

    Source: Aitchison 1986, The Statistical Analysis of Compositional Data; model, section 4.
    """
    distance: FloatArray = np.linalg.norm(ilr(x, axis) - ilr(y, axis), axis=axis)
    return distance


def shrunk_covariance(deviations: FloatArray, freedom: int) -> FloatArray:
    """Covariance of deviations, drawn towards equal and uncorrelated coordinates.

    With ``S = Σ_t e_t e_t' / f``, D coordinates and f degrees of freedom,
    ``(1 - ρ) S + ρ tr(S)/D I``, where ρ is the oracle approximating shrinkage
    ``((1 - 2/D) tr(S²) + tr²(S)) / ((f + 1 - 2/D) (tr(S²) - tr²(S)/D))``, at most 1. It vanishes as
    f grows, keeps the total variance, makes the covariance of a few deviations invertible, and
    turns with the basis.

    Parameters
    ----------
    deviations : from their mean or forecast, (sample, D).
    freedom : degrees of freedom, the number of samples less those spent on estimates.

    Returns
    -------
    Covariance, (D, D); all 0 only if all deviations are.

    Source: Chen, Wiesel, Eldar & Hero 2010, IEEE Trans. Signal Processing 58(10), equation 23.
    """
    if freedom < 1:
        raise InputError(f"covariance: needs at least 1 degree of freedom, not {freedom}")
    d = deviations.shape[1]
    raw = deviations.T @ deviations / freedom
    trace, square = np.trace(raw), np.sum(raw**2)
    above = (1 - 2 / d) * square + trace**2
    below = (freedom + 1 - 2 / d) * (square - trace**2 / d)
    weight = above / below if above < below else 1.0
    covariance: FloatArray = (1 - weight) * raw + weight * trace / d * np.eye(d)
    return covariance


def _positive(shares: FloatArray) -> FloatArray:
    """Shares as an array; the first that has no logarithm is named."""
    array = np.asarray(shares, dtype=float)
    bad = ~(np.isfinite(array) & (array > 0))
    if bad.any():
        place = tuple(int(index) for index in np.argwhere(bad)[0])
        raise InputError(
            f"composition: {array[place]:g} at {list(place)} ({int(bad.sum())} of {array.size} "
            "shares): each must be a positive number; replace zeros beforehand"
        )
    return array
