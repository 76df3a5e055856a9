"""Counts, means and centred scatters of rows, and how two of them become one."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
#: count (or sum of weights), mean (d,), centred scatter (d, d)
Moments = tuple[float, Floats, Floats]

#: Rows that are centred at a time; bounds the copy.
BLOCK_ROWS = 4096


def row_moments(X: Floats, weight: Floats | None = None) -> Moments:
    """Give the count, the mean and the scatter about the mean of rows.

    Parameters
    ----------
    X : ndarray of shape (n, d)
    weight : ndarray of shape (n,), optional
        Non-negative, with a positive sum.

    Returns
    -------
    count : float
        Number of rows or sum of weights.
    mean : ndarray of shape (d,)
    scatter : ndarray of shape (d, d)
        Sum of w (x - mean)(x - mean)'.

    Examples
    --------
    >>> row_moments(np.array([[1.0], [3.0]]))[2].item()
    2.0
    """
    total: Moments | None = None
    for start in range(0, len(X), BLOCK_ROWS):
        rows = X[start : start + BLOCK_ROWS]
        if weight is None:
            count, mean = float(len(rows)), rows.mean(axis=0)
            centred = rows - mean
        else:
            w = weight[start : start + BLOCK_ROWS]
            count = float(w.sum())
            if count == 0:
                continue
            mean = w @ rows / count
            centred = (rows - mean) * np.sqrt(w)[:, None]
        block = count, mean, centred.T @ centred
        total = block if total is None else merge_moments(total, block)
    if total is None:
        return 0.0, np.zeros(X.shape[1]), np.zeros((X.shape[1],) * 2)
    return total


def merge_moments(a: Moments, b: Moments) -> Moments:
    """Give the moments of two sets of rows together.

    Parameters
    ----------
    a, b : (count, mean, scatter)

    Returns
    -------
    (count, mean, scatter)

    Notes
    -----
    Chan, Golub and LeVeque (1979): S = S_a + S_b + n_a n_b / (n_a + n_b) dd' with d = m_b - m_a,
    which does not cancel for features whose mean is large against their spread.

    Examples
    --------
    >>> one = row_moments(np.array([[1.0]]))
    >>> merge_moments(one, row_moments(np.array([[3.0]])))[2].item()
    2.0
    """
    count = a[0] + b[0]
    if count == 0:
        return a
    delta = b[1] - a[1]
    scatter = a[2] + b[2]
    scatter += np.outer(delta, delta * (a[0] * b[0] / count))
    return count, a[1] + delta * (b[0] / count), scatter
