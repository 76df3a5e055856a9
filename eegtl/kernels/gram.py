"""Gaussian kernel values between rows, computed in place and block by block."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

#: Rows of a block of kernel values; bounds the temporary to this many rows.
BLOCK_ROWS = 4096
#: Kernel values that are worked on at a time; 16 MiB.
CACHE_VALUES = 2**21


def rbf_kernel(X: Floats, Y: Floats, gamma: float, out: Floats | None = None) -> Floats:
    """Give exp(-gamma |x - y|^2) for all pairs of rows.

    Parameters
    ----------
    X : ndarray of shape (n, d)
    Y : ndarray of shape (m, d)
    gamma : float
        Inverse squared width, 1 / (2 s^2).
    out : ndarray of shape (n, m), optional
        Where to write.

    Returns
    -------
    ndarray of shape (n, m)

    Notes
    -----
    The exponent -gamma (|x|^2 + |y|^2 - 2 x'y) is one product of rows to which their squared
    lengths are appended, with both sides centred on the mean of Y first, so that a common offset
    does not cost digits. It is formed and exponentiated in blocks that stay in the cache. Time
    n m d, memory the result alone.

    Examples
    --------
    >>> rbf_kernel(np.zeros((1, 2)), np.ones((1, 2)), 0.5).round(4).tolist()
    [[0.3679]]
    """
    same = X is Y
    centre = Y.mean(axis=0)
    right = _exponent_rows(Y - centre, gamma, last=True)
    left = _exponent_rows(X - centre, gamma, last=False)
    out = np.empty((len(X), len(Y))) if out is None else out
    step = max(1, CACHE_VALUES // max(len(Y), 1))
    for start in range(0, len(X), step):
        block = out[start : start + step]
        np.matmul(left[start : start + step], right.T, out=block)
        np.minimum(block, 0.0, out=block)  # rounding can leave a squared distance below 0
        np.exp(block, out=block)
    if same:
        np.fill_diagonal(out, 1.0)
    return out


def _exponent_rows(X: Floats, gamma: float, *, last: bool) -> Floats:
    """Append the columns that turn a product of rows into the exponent."""
    lengths = -gamma * np.einsum("id,id->i", X, X)
    ones = np.ones(len(X))
    columns = (ones, lengths) if last else (lengths, ones)
    return np.column_stack([np.sqrt(2 * gamma) * X, *columns])


def rbf_product(X: Floats, Y: Floats, gamma: float, V: Floats) -> Floats:
    """Give K V with K = rbf_kernel(X, Y, gamma) without holding K.

    Parameters
    ----------
    X : ndarray of shape (n, d)
    Y : ndarray of shape (m, d)
    gamma : float
    V : ndarray of shape (m, k)

    Returns
    -------
    ndarray of shape (n, k)

    Notes
    -----
    Memory: a block of 4096 rows of K.

    Examples
    --------
    >>> rbf_product(np.zeros((1, 2)), np.zeros((3, 2)), 1.0, np.ones((3, 1))).tolist()
    [[3.0]]
    """
    out = np.empty((len(X), V.shape[1]))
    for start in range(0, len(X), BLOCK_ROWS):
        block = slice(start, start + BLOCK_ROWS)
        np.matmul(rbf_kernel(X[block], Y, gamma), V, out=out[block])
    return out


def median_gamma(X: Floats, max_rows: int = 1000) -> float:
    """Give gamma = 1 / (2 s^2) with s the median distance between rows.

    Parameters
    ----------
    X : ndarray of shape (n, d)
        Rows in an order that does not depend on the caller; at most `max_rows` of them, evenly
        spread, are compared.
    max_rows : int
        The largest number of rows whose pairs are formed.

    Returns
    -------
    float

    Notes
    -----
    When more than half of the pairs coincide the median of the non-zero distances is taken,
    and 1 when all rows are equal.

    Examples
    --------
    >>> median_gamma(np.array([[0.0], [2.0]]))
    0.125
    """
    if len(X) > max_rows:
        X = X[np.linspace(0, len(X) - 1, max_rows).astype(np.intp)]
    X = X - X.mean(axis=0)
    squares = np.einsum("id,id->i", X, X)
    i, j = np.triu_indices(len(X), 1)
    distances = np.maximum((squares[:, None] + squares - 2 * X @ X.T)[i, j], 0.0)
    # pairs closer than rounding are equal rows
    distances = distances[distances > 1e-12 * max(squares.max(initial=0.0), 1e-300)]
    return float(1 / (2 * np.median(distances))) if len(distances) else 1.0


def canonical_order(X: Floats) -> NDArray[np.intp]:
    """Give an order of the rows that depends on their content alone.

    Parameters
    ----------
    X : ndarray of shape (n, d)

    Returns
    -------
    ndarray of shape (n,)
        Indices that sort the rows by a fixed random combination of their standardised
        features. Rounding in the last digits can only swap rows that are all but equal.

    Examples
    --------
    >>> a = np.array([[3.0, 1.0], [2.0, 5.0]])
    >>> (a[canonical_order(a)] == a[::-1][canonical_order(a[::-1])]).all().item()
    True
    """
    spread = X.std(axis=0)
    direction = np.random.default_rng(0).standard_normal(X.shape[1])
    weights = np.divide(direction, spread, out=np.zeros_like(direction), where=spread > 0)
    return np.argsort((X - X.mean(axis=0)) @ weights, kind="stable")
