"""ReliefF: how well each feature tells near rows of different classes apart."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial.distance import cdist

from ..errors import InputError
from ..kernels.gram import canonical_order

Floats = NDArray[np.float64]

#: Values of distances and of differences that are held at a time; 32 MiB each.
_BLOCK_VALUES = 2**22


def relieff(X: ArrayLike, y: ArrayLike, *, n_neighbors: int = 10) -> Floats:
    """Weigh features by ReliefF.

    Parameters
    ----------
    X : array-like of shape (n_rows, n_features)
        Numbers; a feature's scale does not matter.
    y : array-like of shape (n_rows,)
        Their classes.
    n_neighbors : int
        How many nearest rows of each class are compared with a row; all where a class has no more.

    Returns
    -------
    ndarray of shape (n_features,)
        Between -1 and 1; near 0 for a feature that has nothing to do with the classes, and 0 for
        a constant one.

    Raises
    ------
    InputError
        When X is not a matrix of finite numbers, y does not fit, or there is one class only.

    Notes
    -----
    With diff_f(r, q) = |r_f - q_f| / (max_f - min_f) and nearness by the sum of diff_f,

        w_f = mean over rows r of [ sum over classes c other than r's own of
              p_c / (1 - p_own) mean over the nearest q in c of diff_f(r, q)
              - mean over the nearest q in r's own class of diff_f(r, q) ],

    with p the shares of the classes. All rows take part, none are drawn. A row that is alone in its
    class has no neighbour there, and the last term is 0. Rows at the same distance are taken in an
    order of their content.

    O(n^2 d) time; memory for blocks of rows, O(n d) besides.

    References
    ----------
    Robnik-Sikonja, Kononenko, "Theoretical and empirical analysis of ReliefF and RReliefF",
    Machine Learning 53, 2003, figure 2.

    Examples
    --------
    >>> X = [[0.0, 5.0], [0.1, 3.0], [1.0, 4.9], [0.9, 3.1]]
    >>> relieff(X, [0, 0, 1, 1], n_neighbors=1).round(2).tolist()
    [0.8, -0.9]
    """
    rows, labels = _check(X, y, n_neighbors)
    order = canonical_order(rows)
    rows, (classes, codes) = rows[order], np.unique(labels[order], return_inverse=True)
    span = rows.max(axis=0) - rows.min(axis=0)
    varies = span > 0
    scaled = np.divide(rows - rows.min(axis=0), span, out=np.zeros(rows.shape), where=varies)
    shares = np.bincount(codes) / len(codes)
    weights = np.zeros(rows.shape[1])
    for c in range(len(classes)):
        members = np.flatnonzero(codes == c)
        size = max(1, _BLOCK_VALUES // max(len(members), n_neighbors * rows.shape[1]))
        for start in range(0, len(rows), size):
            block = np.arange(start, min(start + size, len(rows)))
            own = codes[block] == c
            share = np.where(own, -1.0, shares[c] / (1 - shares[codes[block]]))
            weights += share @ _nearest_differences(scaled, block, members, n_neighbors)
    return weights / len(rows)


def _nearest_differences(
    X: Floats, block: NDArray[np.intp], members: NDArray[np.intp], n_neighbors: int
) -> Floats:
    """Give, feature by feature, how far each row of a block is from its nearest of one class."""
    distances = cdist(X[block], X[members], "cityblock")
    distances[block[:, None] == members] = np.inf  # a row is no neighbour of itself
    nearest = np.argsort(distances, axis=1, kind="stable")[:, :n_neighbors]
    counted = np.isfinite(np.take_along_axis(distances, nearest, axis=1))
    differences = np.abs(X[members[nearest]] - X[block][:, None])
    totals = np.einsum("bkf,bk->bf", differences, counted.astype(np.float64))
    return totals / np.maximum(counted.sum(axis=1), 1)[:, None]


def _check(X: ArrayLike, y: ArrayLike, n_neighbors: int) -> tuple[Floats, NDArray[Any]]:
    rows, labels = np.asarray(X, dtype=np.float64), np.asarray(y)
    if rows.ndim != 2 or labels.shape != rows.shape[:1]:
        raise InputError(
            f"ReliefF takes a matrix and one class a row; got the shapes {rows.shape} and "
            f"{labels.shape}."
        )
    if not np.isfinite(rows).all():
        raise InputError(
            f"{np.count_nonzero(~np.isfinite(rows))} of {rows.size} values are not finite; drop or "
            "fill their rows."
        )
    classes = np.unique(labels).tolist()
    if len(classes) < 2:
        raise InputError(
            f"ReliefF needs rows of at least two classes; got {len(rows)} rows of {classes}."
        )
    if not isinstance(n_neighbors, int | np.integer) or n_neighbors < 1:
        raise InputError(f"n_neighbors must be a positive integer; got {n_neighbors!r}.")
    return rows, labels
