"""Regions that hold a given part of the replicates in a plane of shares."""

from __future__ import annotations

from typing import Final

import numpy as np

from sim.axes import FloatArray

_PLANE: Final = np.array([[1, -1, 0], [1, 1, -2]]) / np.sqrt([[2], [6]])
"""Orthonormal directions of the plane in which three shares add up to 1."""
_FLAT: Final = 1e-6


def ellipse(shares: FloatArray, holding: float, corners: int = 90) -> FloatArray | None:
    """Outline of an ellipse around the mean that holds a given part of the replicates.

    The form is that of the covariance; the size is the quantile of the replicates' own distances,
    so that the part held does not rest on a normal distribution.

    Parameters
    ----------
    shares : (3, replicate), each column adds up to 1; columns with NaN are left out.
    holding : part of the replicates inside, 0 to 1.
    corners : number of points of the outline.

    Returns
    -------
    (3, corners + 1), closed, or None where the replicates span no area.
    """
    known = shares[:, np.isfinite(shares).all(axis=0)]
    flat = _PLANE @ known
    if flat.shape[1] <= flat.shape[0]:
        return None
    offsets = flat - flat.mean(axis=1, keepdims=True)
    spread, axes = np.linalg.eigh(offsets @ offsets.T / offsets.shape[1])
    if spread[0] < _FLAT * max(spread[-1], _FLAT):
        return None
    root = np.sqrt(spread)[:, np.newaxis]
    radius = np.quantile(np.hypot(*(axes.T @ offsets / root)), holding)
    angle = np.linspace(0, 2 * np.pi, corners + 1)
    outline = axes @ (root * radius * np.stack([np.cos(angle), np.sin(angle)]))
    return np.asarray(known.mean(axis=1, keepdims=True) + _PLANE.T @ outline)
