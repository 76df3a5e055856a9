"""How far the covariances of source sessions lie from one of the wearer's (Lin 2020)."""

from __future__ import annotations

import numpy as np

from .._threads import one_thread
from .base import Floats
from .classifiers import oas_covariance
from .moments import Moments, row_moments

#: What rounding leaves of the spread of rows that are equal, relative to their mean.
_ROUNDING = 10 * np.finfo(np.float64).eps


def shrunk_covariance(rows: Floats | Moments) -> Floats:
    """Give the covariance of rows, shrunk by OAS.

    Parameters
    ----------
    rows : ndarray of shape (n, d), or their moments
        As `row_moments` gives them.

    Returns
    -------
    ndarray of shape (d, d)
        0 for rows that are equal to rounding: they have no covariance.

    Examples
    --------
    >>> shrunk_covariance(np.array([[1.0, 5.0]] * 9)).tolist()
    [[0.0, 0.0], [0.0, 0.0]]
    """
    count, mean, scatter = rows if isinstance(rows, tuple) else row_moments(rows)
    covariance = scatter / max(count, 1.0)
    if np.trace(covariance) <= _ROUNDING**2 * (mean @ mean):
        return np.zeros_like(covariance)
    return oas_covariance(covariance, count)


def riemannian_distances(matrices: Floats, reference: Floats) -> Floats:
    """Give the affine-invariant distance of each matrix from one.

    Parameters
    ----------
    matrices : ndarray of shape (n, d, d)
        Positive definite, or 0 for what has no covariance.
    reference : ndarray of shape (d, d)
        The same.

    Returns
    -------
    ndarray of shape (n,)
        sqrt(sum_k ln^2 eig_k(A^-1 B)); infinite where a side has no covariance.

    Examples
    --------
    >>> riemannian_distances(np.array([np.eye(2), np.e * np.eye(2)]), np.eye(2)).round(3).tolist()
    [0.0, 1.414]
    """
    from pyriemann.geometry.distance import distance_riemann

    distances = np.full(len(matrices), np.inf)
    if not len(matrices) or np.trace(reference) <= 0:
        return distances
    varies = np.trace(matrices, axis1=1, axis2=2) > 0
    if varies.any():
        with one_thread():
            distances[varies] = distance_riemann(matrices[varies], reference)
    return distances
