"""Covariances between channels in each band, and their tangent vectors.

The estimator is the ``oas`` of scikit-learn and pyriemann, for all windows at once: the covariance
about the mean of the window, shrunk towards a multiple of the identity (Chen and others 2010). A
window of T seconds holds about 2 B T
independent samples of a band of width B: below the number of channels, and behind a common
average reference in any case, the covariance has not full rank before it is shrunk, and its
least eigenvalues are the shrinkage's. Since neighbouring samples of a band are alike, the
estimator takes the window for longer than it is and shrinks too little: take fewer channels,
longer windows or wider bands where the least eigenvalues matter, as in tangent vectors.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from .._threads import one_thread
from .columns import ColumnName, block_columns
from .feature import VARIANCE_FLOOR, Floats, Layout


def shrunk_covariances(windows: Floats) -> Floats:
    """Covariance matrices, shrunk by the oracle approximating shrinkage.

    ``(1 - s) S + s m I`` with the covariance S (over n samples, about the mean), its mean variance
    ``m = tr(S) / p`` over p channels, and ``s = min(1, (tr(S^2) + tr(S)^2) / ((n + 1) (tr(S^2) -
    tr(S)^2 / p)))``: equation 23 of the source without its terms ``2 / p``, as scikit-learn has it.

    Parameters
    ----------
    windows : ndarray of shape (..., n_channels, n_times)
        In uV.

    Returns
    -------
    ndarray of shape (..., n_channels, n_channels)
        In uV^2.

    References
    ----------
    Chen, Wiesel, Eldar and Hero, Shrinkage algorithms for MMSE covariance estimation, IEEE Trans.
    Signal Process. 58(10), 2010, 5016-5029.

    Examples
    --------
    >>> x = np.random.default_rng(0).standard_normal((2, 100_000))
    >>> shrunk_covariances(x).round(1).tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """
    n_channels, n_times = windows.shape[-2:]
    centred = windows - windows.mean(axis=-1, keepdims=True)
    with one_thread():
        matrices: Floats = np.matmul(centred, centred.swapaxes(-1, -2))
    matrices /= n_times
    mean_variance = np.trace(matrices, axis1=-2, axis2=-1) / n_channels
    squared = mean_variance**2
    mean_square = np.einsum("...ij,...ij->...", matrices, matrices) / n_channels**2
    excess = (n_times + 1) * (mean_square - squared / n_channels)
    # What is a multiple of the identity already has none, or a last digit of either sign.
    whole = np.ones_like(excess)
    shrinkage = np.divide(mean_square + squared, excess, out=whole, where=excess > 0)
    np.minimum(shrinkage, 1.0, out=shrinkage)
    matrices *= (1.0 - shrinkage)[..., None, None]
    diagonal = np.arange(n_channels)
    matrices[..., diagonal, diagonal] += (shrinkage * mean_variance)[..., None]
    return matrices


def half_vectors(matrices: Floats) -> Floats:
    """Upper triangles of symmetric matrices, row by row, the diagonal included.

    Parameters
    ----------
    matrices : ndarray of shape (..., n, n)

    Returns
    -------
    ndarray of shape (..., n (n + 1) / 2)

    Examples
    --------
    >>> half_vectors(np.array([[1, 2], [2, 3]])).tolist()
    [1, 2, 3]
    """
    i, j = np.triu_indices(matrices.shape[-1])
    return matrices[..., i, j]


def tangent_vectors(matrices: Floats) -> Floats:
    """Logarithms of covariance matrices, as vectors: the tangent space at the identity.

    The upper triangle of the matrix logarithm, off the diagonal times sqrt 2, so that the
    distance of two vectors is the log-Euclidean distance of the matrices. No other window and no
    label has a part in it; re-centring a person's windows is a matter of transfer, not of
    features. Eigenvalues below 1e-6 uV^2 count as this.

    Parameters
    ----------
    matrices : ndarray of shape (n_matrices, n, n)
        Symmetric, in uV^2: the identity is 1 uV^2 in every channel.

    Returns
    -------
    ndarray of shape (n_matrices, n (n + 1) / 2)

    References
    ----------
    Barachant, Bonnet, Congedo and Jutten, Classification of covariance matrices using a
    Riemannian-based kernel for BCI applications, Neurocomputing 112, 2013, 172-178. Arsigny,
    Fillard, Pennec and Ayache, Geometric means in a novel vector space structure on symmetric
    positive-definite matrices, SIAM J. Matrix Anal. Appl. 29(1), 2007, 328-347.

    Examples
    --------
    >>> tangent_vectors(np.diag([np.e, 1.0])[None]).round(9).tolist()
    [[1.0, 0.0, 0.0]]
    """
    with one_thread():
        values, vectors = np.linalg.eigh(matrices)
        logarithms = np.log(np.maximum(values, VARIANCE_FLOOR))
        tangents = np.matmul(vectors * logarithms[:, None], vectors.transpose(0, 2, 1))
    diagonal = np.equal(*np.triu_indices(matrices.shape[-1]))
    return half_vectors(tangents) * np.where(diagonal, 1.0, np.sqrt(2.0))


def prepare_covariance(layout: Layout) -> Callable[[Floats], Floats]:
    """Prepare the half vectors of all bands, in the order of the columns."""
    return lambda windows: half_vectors(shrunk_covariances(windows)).transpose(0, 2, 1)


def prepare_tangent(layout: Layout) -> Callable[[Floats], Floats]:
    """Prepare the tangent vectors of all bands, in the order of the columns."""

    def compute(windows: Floats) -> Floats:
        matrices = shrunk_covariances(windows)
        n_windows, n_bands, n, _ = matrices.shape
        vectors = tangent_vectors(matrices.reshape(-1, n, n)).reshape(n_windows, n_bands, -1)
        return vectors.transpose(0, 2, 1)

    return compute


def pair_columns(feature: str, ch_names: Sequence[str], bands: Sequence[str]) -> list[ColumnName]:
    """Name columns such as ``Fz~Cz``: the upper triangle, row by row."""
    names = [f"{a}~{b}" for i, a in enumerate(ch_names) for b in ch_names[i:]]
    return block_columns(feature, names, bands)
