"""Means of covariance matrices: of a stack, and of the rows of one person, band by band."""

from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import NDArray

from ..errors import MemoryEstimateError, TransferWarning
from .covariance_rows import Floats, count_channels, covariance_blocks

METRICS = ("riemann", "euclid", "logeuclid")
#: the Riemannian mean takes at most 5 x 20 iterations
ROUNDS, ROUND_ITERATIONS = 5, 20
#: pyriemann's iteration holds about five copies of a person's matrices
MEAN_COPIES = 5
MEAN_LIMIT_BYTES = 2 * 2**30


def mean_matrix(
    matrices: Floats, metric: str, *, weights: Floats | None = None, tolerance: float = 1e-9
) -> Floats:
    """Mean of covariance matrices.

    Parameters
    ----------
    matrices : ndarray of shape (n_matrices, n_channels, n_channels)
        Symmetric positive definite.
    metric : {"riemann", "euclid", "logeuclid"}
        ``riemann``: the minimum of the summed squared affine-invariant distances, by pyriemann's
        gradient descent; ``euclid``: arithmetic; ``logeuclid``: exp of the mean logarithm.
    weights : ndarray of shape (n_matrices,), optional
    tolerance : float
        For ``riemann``: Frobenius norm of the mean of log(M^-1/2 C M^-1/2) at which it ends.

    Returns
    -------
    ndarray of shape (n_channels, n_channels)

    Warns
    -----
    TransferWarning
        When `tolerance` was not met in 100 iterations.

    Examples
    --------
    >>> mean_matrix(np.array([[[1.0]], [[4.0]]]), "riemann").round(6).item()
    2.0
    """
    from pyriemann.geometry.mean import gmean

    if len(matrices) == 1:
        return matrices[0]
    if metric != "riemann":
        plain: Floats = gmean(matrices, metric=metric, sample_weight=weights)
        return plain
    options = {"tol": tolerance, "maxiter": ROUND_ITERATIONS, "sample_weight": weights}
    mean: Floats | None = None
    for _ in range(ROUNDS):
        # pyriemann's step becomes shorter for ever; begun anew from where it stands, it arrives
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            mean = gmean(matrices, metric="riemann", init=mean, **options)
        if not any("Convergence not reached" in str(warning.message) for warning in caught):
            return mean
    warnings.warn(
        f"the Riemannian mean of {len(matrices)} matrices did not reach the tolerance "
        f"{tolerance:.0e} in {ROUNDS * ROUND_ITERATIONS} iterations; the last iterate is used. "
        "Look for windows with artefacts, raise the tolerance, or take metric='logeuclid'.",
        TransferWarning,
        stacklevel=2,
    )
    assert mean is not None
    return mean


def domain_mean(
    rows: Floats,
    index: NDArray[np.intp],
    levels: Floats,
    *,
    metric: str,
    floor: float,
    tolerance: float,
    who: str,
) -> tuple[Floats, Floats]:
    """Mean matrix of some rows in each band.

    Parameters
    ----------
    rows : ndarray of shape (n_rows, n_columns)
        Half-vectorised covariances, band fastest.
    index : ndarray of int
        The rows of the domain.
    levels : ndarray of shape (n_bands,)
        Mean variance of the sources.
    metric, floor, tolerance
        As in `Recenter`.
    who : str
        Whose rows they are, for messages.

    Returns
    -------
    means : ndarray of shape (n_bands, n_channels, n_channels)
    ranks : ndarray of shape (n_bands,)
        Numerical rank of the matrices, averaged.

    Raises
    ------
    MemoryEstimateError
        When ``riemann`` would need more than 2 GiB at a time.
    """
    n_bands = len(levels)
    p = count_channels(rows.shape[1], n_bands)
    if metric == "riemann" and 8 * MEAN_COPIES * len(index) * p * p > MEAN_LIMIT_BYTES:
        raise MemoryEstimateError(
            f"the Riemannian mean of {len(index)} matrices of {p} channels ({who}) needs "
            f"{8 * MEAN_COPIES * len(index) * p * p / 2**30:.1f} GiB, above "
            f"{MEAN_LIMIT_BYTES / 2**30:.0f} GiB; pass the subjects, so that it is made for each "
            "person, or take metric='logeuclid', which works in blocks."
        )
    means, ranks = np.empty((n_bands, p, p)), np.empty(n_bands)
    for band in range(n_bands):
        blocks = covariance_blocks(rows, index, band, levels, floor, who)
        weights, total = None, 0
        if metric == "riemann":
            stack, place = np.empty((len(index), p, p)), 0
            for numbers, matrices, found in blocks:
                stack[place : place + len(numbers)] = matrices
                place, total = place + len(numbers), total + found.sum()
        else:
            parts = []
            for numbers, matrices, found in blocks:
                parts.append((mean_matrix(matrices, metric), len(numbers)))
                total += found.sum()
            stack = np.array([mean for mean, _ in parts])
            weights = np.array([count for _, count in parts], dtype=np.float64)
        means[band] = mean_matrix(stack, metric, weights=weights, tolerance=tolerance)
        ranks[band] = total / len(index)
    return means, ranks
