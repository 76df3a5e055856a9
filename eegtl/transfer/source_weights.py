"""Weights of sources from their distances to the target: soft, hard, and no class left out."""

from __future__ import annotations

import math
from numbers import Integral

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

#: Soft weights below this are 0: they would only pretend that a class is there.
LEAST_WEIGHT = 0.01
#: Squared distances that differ less are equal: what rounding leaves of matrices that are equal.
ROUNDING = 1e-20


def soft_weights(squared: Floats) -> Floats:
    """Weights that fall with the distance: exp(-(d^2 - min d^2) / median d^2).

    Parameters
    ----------
    squared : ndarray of shape (n_domains,)
        Squared distances from the target.

    Returns
    -------
    ndarray of shape (n_domains,)
        1 for the nearest; below 0.01 they are 0.

    Examples
    --------
    >>> soft_weights(np.array([1.0, 1.0, 2.0, 90.0])).round(3).tolist()
    [1.0, 1.0, 0.513, 0.0]
    """
    excess, scale = squared - squared.min(), float(np.median(squared))
    excess[excess <= ROUNDING] = 0.0
    # more than half of the sources may be at distance 0
    ratio = np.divide(excess, scale, out=np.where(excess > 0, np.inf, 0.0), where=scale > 0)
    weights = np.exp(-ratio)
    weights[weights < LEAST_WEIGHT] = 0.0
    return weights


def hard_weights(squared: Floats, n_sources: int | float, *, rounding: float = ROUNDING) -> Floats:
    """Weights of the nearest sources: 1 for those, 0 for the others.

    Parameters
    ----------
    squared : ndarray of shape (n_domains,)
        Squared distances from the target.
    n_sources : int or float
        How many, or which share of them (rounded up). Those as far as the last one count, too.
    rounding : float
        Differences up to this are none.

    Returns
    -------
    ndarray of shape (n_domains,)

    Examples
    --------
    >>> hard_weights(np.array([3.0, 1.0, 2.0, 4.0]), 0.5).tolist()
    [0.0, 1.0, 1.0, 0.0]
    """
    n = len(squared)
    count = int(n_sources) if isinstance(n_sources, Integral) else math.ceil(n_sources * n - 1e-9)
    last = np.sort(squared)[min(count, n) - 1]
    return (squared <= last * (1 + 1e-9) + rounding).astype(np.float64)


def restore_classes(
    weights: Floats,
    squared: Floats,
    present: NDArray[np.bool_],
    n_nearest: int = 1,
    *,
    rounding: float = ROUNDING,
) -> tuple[Floats, dict[int, NDArray[np.intp]]]:
    """Give weight 1 to the nearest sources of each class that was left without any.

    Parameters
    ----------
    weights, squared : ndarray of shape (n_domains,)
    present : ndarray of bool, shape (n_domains, n_classes)
        Which classes a source holds.
    n_nearest : int
        How many sources are added for such a class, and those as far as the last of them.
    rounding : float
        Differences up to this are none.

    Returns
    -------
    weights : ndarray of shape (n_domains,)
    added : dict of int to ndarray of int
        For each class that was missing, the sources that were added.

    Examples
    --------
    >>> present = np.array([[True, False], [True, False], [False, True]])
    >>> restore_classes(np.array([1.0, 0.0, 0.0]), np.array([1.0, 2.0, 3.0]), present)
    (array([1., 0., 1.]), {1: array([2])})
    """
    restored, added = weights.copy(), {}
    for label in range(present.shape[1]):
        have = np.flatnonzero(present[:, label])
        if len(have) and not np.any(weights[have] > 0):
            nearest = have[hard_weights(squared[have], n_nearest, rounding=rounding) > 0]
            restored[nearest] = 1.0
            added[label] = nearest
    return restored, added
