"""Gaussian kernel values between rows, computed in place and block by block."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

#: Rows of a block of kernel values; bounds the temporary to this many rows.
BLOCK_ROWS = 4096


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
    |x - y|^2 = |x|^2 + |y|^2 - 2 x'y with both sides centred on the mean of Y first, so that a
    common offset does not cost digits. Time n m d, memory the result alone.

    Examples
    --------
    >>> rbf_kernel(np.zeros((1, 2)), np.ones((1, 2)), 0.5).round(4).tolist()
    [[0.3679]]
    """
    same = X is Y
    centre = Y.mean(axis=0)
    Y = Y - centre
    X = Y if same else X - centre
    out = np.empty((len(X), len(Y))) if out is None else out
    np.matmul(X, Y.T, out=out)
    out *= 2 * gamma
    out -= gamma * np.einsum("id,id->i", X, X)[:, None]
    out -= gamma * np.einsum("jd,jd->j", Y, Y)
    np.minimum(out, 0.0, out=out)  # rounding can leave a squared distance below 0
    if same:
        np.fill_diagonal(out, 0.0)
    return np.exp(out, out=out)


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
