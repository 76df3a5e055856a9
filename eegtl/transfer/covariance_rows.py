"""Rows that hold covariance matrices: half vectors and stacks, and which eigenvalues count as zero.

The layout is that of the feature ``cov``: the upper triangle of each band's matrix row by row, the
diagonal included, and the band running fastest (pair 0 in all bands, pair 1 in all bands, ...).
"""

from __future__ import annotations

from collections.abc import Iterator
from math import isqrt
from numbers import Integral

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..features.covariance import half_vectors

Floats = NDArray[np.float64]

#: Matrices that are worked on at a time take about this much; bounds the copies.
BLOCK_BYTES = 2**25


def count_channels(n_columns: int, n_bands: int) -> int:
    """Give the number of channels of half-vectorised covariances.

    Parameters
    ----------
    n_columns : int
        Columns of the rows.
    n_bands : int
        Matrices in a row.

    Returns
    -------
    int

    Raises
    ------
    InputError
        When there is no such number of channels, or `n_bands` is none.

    Examples
    --------
    >>> count_channels(950, 5)
    19
    """
    if not isinstance(n_bands, Integral) or isinstance(n_bands, bool) or n_bands < 1:
        raise InputError(f"n_bands must be a whole number from 1 on; got {n_bands!r}.")
    n_channels = (isqrt(8 * (n_columns // n_bands) + 1) - 1) // 2
    if n_columns != n_bands * n_channels * (n_channels + 1) // 2 or not n_channels:
        sizes = [n_bands * p * (p + 1) // 2 for p in (n_channels, n_channels + 1)]
        raise InputError(
            f"rows of {n_columns} columns cannot hold {n_bands} covariance "
            f"matri{'x' if n_bands == 1 else 'ces'}: n_bands x p (p + 1) / 2 columns make p "
            f"channels, such as {sizes[0]} for {n_channels} or {sizes[1]} for {n_channels + 1}. "
            "Set n_bands to the number of bands, and give the columns of the covariances alone."
        )
    return n_channels


def rows_to_matrices(rows: Floats, n_bands: int = 1) -> Floats:
    """Give the covariance matrices that rows hold.

    Parameters
    ----------
    rows : ndarray of shape (n_rows, n_columns)
        In the layout of the feature ``cov``.
    n_bands : int

    Returns
    -------
    ndarray of shape (n_rows, n_bands, n_channels, n_channels)
        Symmetric; a copy.

    Raises
    ------
    InputError
        When the columns make no matrices.

    Examples
    --------
    >>> rows_to_matrices(np.array([[1.0, 10.0, 2.0, 20.0, 3.0, 30.0]]), 2)[0, 1].tolist()
    [[10.0, 20.0], [20.0, 30.0]]
    """
    p = count_channels(rows.shape[1], n_bands)
    i, j = np.triu_indices(p)
    pairs = rows.reshape(len(rows), len(i), n_bands).transpose(0, 2, 1)
    matrices = np.empty((len(rows), n_bands, p, p))
    matrices[..., i, j] = pairs
    matrices[..., j, i] = pairs
    return matrices


def matrices_to_rows(matrices: Floats) -> Floats:
    """Give the rows that hold covariance matrices, the inverse of `rows_to_matrices`.

    Parameters
    ----------
    matrices : ndarray of shape (n_rows, n_bands, n_channels, n_channels)

    Returns
    -------
    ndarray of shape (n_rows, n_columns)

    Examples
    --------
    >>> matrices_to_rows(np.array([[[[1.0, 2.0], [2.0, 3.0]]]])).tolist()
    [[1.0, 2.0, 3.0]]
    """
    pairs = half_vectors(matrices).transpose(0, 2, 1)
    return pairs.reshape(len(matrices), pairs.shape[1] * pairs.shape[2])


def mean_variances(rows: Floats, n_bands: int) -> Floats:
    """Give the variance in each band, averaged over channels and rows.

    Parameters
    ----------
    rows : ndarray of shape (n_rows, n_columns)
    n_bands : int

    Returns
    -------
    ndarray of shape (n_bands,)

    Raises
    ------
    InputError
        When a band has none, or a negative one.

    Examples
    --------
    >>> mean_variances(np.array([[1.0, 2.0, 3.0]]), 1).tolist()
    [2.0]
    """
    p = count_channels(rows.shape[1], n_bands)
    diagonal = np.flatnonzero(np.equal(*np.triu_indices(p)))
    levels: Floats = rows.reshape(len(rows), -1, n_bands)[:, diagonal].mean(axis=(0, 1))
    wrong = np.flatnonzero(levels <= 0)
    if len(wrong):
        raise InputError(
            f"the mean variance of band {wrong[0]} is {levels[wrong[0]]:.3g}: the rows are no "
            "covariance matrices (half vectors, band fastest), or all are zero. Give the feature "
            "'cov', and n_bands as it was extracted."
        )
    return levels


def raise_eigenvalues(
    matrices: Floats, level: float, floor: float, numbers: NDArray[np.intp], where: str
) -> tuple[Floats, NDArray[np.intp]]:
    """Raise eigenvalues that are zero as far as one can tell.

    Parameters
    ----------
    matrices : ndarray of shape (n_matrices, n_channels, n_channels)
        Covariance matrices of one band.
    level : float
        Mean variance of the sources in this band; a matrix below `floor` times it (a flat window)
        counts as that large.
    floor : float
        Smallest eigenvalue, as a share of the matrix's mean eigenvalue.
    numbers : ndarray of int, shape (n_matrices,)
        The rows' numbers, for the message.
    where : str
        Whose rows and which band, for the message.

    Returns
    -------
    matrices : ndarray of shape (n_matrices, n_channels, n_channels)
        All eigenvalues at least `floor` times the mean; matrices that have them are unchanged.
    ranks : ndarray of int, shape (n_matrices,)
        How many eigenvalues were not raised.

    Raises
    ------
    InputError
        When an eigenvalue is negative by more than that; the row and the value are named.

    Examples
    --------
    >>> flat = np.array([[[2.0, 2.0], [2.0, 2.0]]])
    >>> raised, ranks = raise_eigenvalues(flat, 1.0, 1e-6, np.arange(1), "source")
    >>> float(np.linalg.eigvalsh(raised)[0, 0].round(12)), ranks.tolist()
    (2e-06, [1])
    """
    p = matrices.shape[-1]
    mean = np.trace(matrices, axis1=1, axis2=2) / p
    least = floor * np.maximum(mean, floor * level)
    try:  # ten times as fast as eigenvalues, and the usual case
        np.linalg.cholesky(matrices - least[:, None, None] * np.eye(p))
        return matrices, np.full(len(matrices), p, dtype=np.intp)
    except np.linalg.LinAlgError:
        values, vectors = np.linalg.eigh(matrices)
    wrong = np.flatnonzero(values[:, 0] < -least)
    if len(wrong):
        i = wrong[0]
        raise InputError(
            f"{where}: row {numbers[i]} is no covariance matrix: its smallest eigenvalue is "
            f"{values[i, 0]:.3g} at a mean variance of {mean[i]:.3g}. Give half-vectorised "
            "covariances, band fastest, such as the feature 'cov', and the right n_bands."
        )
    low = values[:, 0] < least
    raised = matrices.copy()
    some, V = np.maximum(values[low], least[low, None]), vectors[low]
    raised[low] = (V * some[:, None]) @ V.transpose(0, 2, 1)
    return raised, np.sum(values >= least[:, None], axis=1)


def covariance_blocks(
    rows: Floats,
    index: NDArray[np.intp],
    band: int,
    levels: Floats,
    floor: float,
    who: str,
) -> Iterator[tuple[NDArray[np.intp], Floats, NDArray[np.intp]]]:
    """Yield the matrices of one band of some rows, block by block, with no eigenvalue near zero.

    Parameters
    ----------
    rows : ndarray of shape (n_rows, n_columns)
    index : ndarray of int
        The rows wanted.
    band : int
    levels : ndarray of shape (n_bands,)
        Mean variance of the sources.
    floor : float
        As in `raise_eigenvalues`.
    who : str
        Whose rows they are, for the message.

    Yields
    ------
    numbers : ndarray of int, shape (n_block,)
        Part of `index`.
    matrices : ndarray of shape (n_block, n_channels, n_channels)
    ranks : ndarray of int, shape (n_block,)
        Numerical ranks before eigenvalues were raised.
    """
    n_bands = len(levels)
    p = count_channels(rows.shape[1], n_bands)
    step = max(1, BLOCK_BYTES // (8 * p * p))
    for start in range(0, len(index), step):
        numbers = index[start : start + step]
        matrices = rows_to_matrices(rows[numbers, band::n_bands])[:, 0]
        where = f"{who}, band {band}"
        yield (numbers, *raise_eigenvalues(matrices, levels[band], floor, numbers, where))
