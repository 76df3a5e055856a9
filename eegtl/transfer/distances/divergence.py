"""Divergences: Kullback-Leibler between Gaussians, Jensen-Shannon between histograms."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import linalg
from scipy.special import xlogy

from ...errors import InputError
from ..classifiers import oas_covariance
from .domains import Floats, check_matrix, two_domains, variance_within

_DIRECTIONS = ("symmetric", "forward", "reverse")


def kl_of_gaussians(
    mean_a: ArrayLike, covariance_a: ArrayLike, mean_b: ArrayLike, covariance_b: ArrayLike
) -> float:
    """Kullback-Leibler divergence of two Gaussians in closed form.

    Parameters
    ----------
    mean_a, mean_b : array-like of shape (n_features,)
    covariance_a, covariance_b : array-like of shape (n_features, n_features)
        Positive definite.

    Returns
    -------
    float
        KL(a | b), the mean of ln(a / b) over a, in nats: from 0 (equal) to infinity. Not
        symmetric: it is large where a has mass that b lacks.

    Raises
    ------
    InputError
        When a covariance is not positive definite.

    Notes
    -----
    KL = 1/2 [tr(S_b^-1 S_a) + (m_b - m_a)' S_b^-1 (m_b - m_a) - d + ln(|S_b| / |S_a|)], through
    Cholesky factors: time d^3, memory d^2. An affine map of both changes nothing.

    Examples
    --------
    >>> kl_of_gaussians([0.0], [[1.0]], [1.0], [[1.0]])
    0.5
    """
    mean_a, mean_b = (np.atleast_1d(np.asarray(m, dtype=np.float64)) for m in (mean_a, mean_b))
    factor_a, factor_b = (_cholesky(np.atleast_2d(S)) for S in (covariance_a, covariance_b))
    whitened = linalg.solve_triangular(factor_b, factor_a, lower=True)
    gap = linalg.solve_triangular(factor_b, mean_b - mean_a, lower=True)
    log_ratio = 2 * np.sum(np.log(np.diag(factor_b)) - np.log(np.diag(factor_a)))
    total = np.sum(whitened**2) + gap @ gap - len(mean_a) + log_ratio
    return max(0.0, float(total) / 2)


def gaussian_kl(
    A: ArrayLike,
    B: ArrayLike,
    *,
    direction: str = "symmetric",
    shrinkage: str | float = "oas",
) -> float:
    """Kullback-Leibler divergence of the Gaussians that two domains' rows suggest.

    Parameters
    ----------
    A, B : array-like of shape (n_rows, n_features)
    direction : {"symmetric", "forward", "reverse"}
        ``"forward"`` is KL(A | B), the mean over A of ln(a / b); ``"reverse"`` is KL(B | A);
        ``"symmetric"`` is half of their sum.
    shrinkage : "oas" or float
        Of each covariance S towards tr(S)/d on the diagonal: its weight, from 0 to 1, or the
        oracle approximating one.

    Returns
    -------
    float
        In nats, from 0 to infinity.

    Raises
    ------
    InputError
        When the domains do not compare (see `mean_gap`), a parameter is none of those above, or a
        covariance is singular, as it is without shrinkage when there are no more rows than
        features.
    MemoryEstimateError
        When a covariance would need more than 2 GiB.

    Notes
    -----
    Features are first brought to unit variance within the domains (those that vary in neither are
    left out), so that the shrinkage does not depend on their units: moving both domains, or
    rescaling a feature, changes nothing. Without shrinkage no affine map does.

    The estimate is biased upwards: two halves of one domain differ by about d(d + 3) / 4
    (1 / n_A + 1 / n_B) nats without shrinkage, less with it. OAS takes rows for independent;
    neighbouring windows are not, so it shrinks too little for them. Never read a value without
    its noise (`split_noise`). Time n d^2 + d^3, memory n d + d^2.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> A, B = rng.standard_normal((500, 2)), rng.standard_normal((500, 2)) + [1.0, 0.0]
    >>> round(gaussian_kl(A, B), 1)  # 0.5, and what the 500 rows add
    0.6
    """
    if direction not in _DIRECTIONS:
        raise InputError(f"direction must be one of {', '.join(_DIRECTIONS)}; got {direction!r}.")
    if shrinkage != "oas" and (isinstance(shrinkage, str) or not 0 <= shrinkage <= 1):
        raise InputError(f"shrinkage must be 'oas' or from 0 to 1; got {shrinkage!r}.")
    A, B = two_domains(A, B)
    d = A.shape[1]
    check_matrix(d, d, "the covariance of the features", "compare fewer features")
    variance, varies = variance_within(A, B)
    scale = np.sqrt(variance[varies])
    a, b = (_shrunk_moments(D[:, varies] / scale, shrinkage) for D in (A, B))
    if direction == "forward":
        return kl_of_gaussians(*a, *b)
    if direction == "reverse":
        return kl_of_gaussians(*b, *a)
    return (kl_of_gaussians(*a, *b) + kl_of_gaussians(*b, *a)) / 2


def histogram_js(
    A: ArrayLike, B: ArrayLike, *, n_bins: int = 10, correct_bias: bool = True
) -> float:
    """Jensen-Shannon divergence of the features' histograms, mean over the features.

    Parameters
    ----------
    A, B : array-like of shape (n_rows, n_features)
    n_bins : int
        Bins of each feature, equally full in the mixture of both domains (each with half of the
        weight).
    correct_bias : bool
        Subtract what the number of rows adds, to first order.

    Returns
    -------
    float
        In bits: 0 for equal histograms, 1 where no bin of any feature holds rows of both.

    Raises
    ------
    InputError
        When the domains do not compare (see `mmd_linear`) or there are fewer than two bins.

    Notes
    -----
    JS = 1/2 KL(p | m) + 1/2 KL(q | m) with m = (p + q) / 2 and base 2, for each feature by itself:
    what only combinations of features tell is not seen. (Between Gaussians there is no closed
    form.) Any increasing map of a feature leaves its bins as they are, and so the result.

    Of equal domains n independent rows make about (n_bins - 1) (1 / n_A + 1 / n_B) / (8 ln 2)
    bits. `correct_bias` subtracts [(K_p - 1) / n_A + (K_q - 1) / n_B] / (4 ln 2) - sum_b [p(1 - p)
    / n_A + q(1 - q) / n_B] / m / (8 ln 2), K the bins in use: the same for equal domains, and
    nothing for those that share no bin. The mean is cut at 0. Neighbouring windows that are alike
    add more than this; `split_noise` shows how much.
    Time n d log n, memory n d.

    References
    ----------
    Lin, "Divergence measures based on the Shannon entropy", IEEE Transactions on Information
    Theory 37(1), 1991. Miller, "Note on the bias of information estimates", 1955 (the first order
    for one entropy).

    Examples
    --------
    >>> histogram_js([[0.0], [1.0]], [[5.0], [6.0]])
    1.0
    """
    if not isinstance(n_bins, int | np.integer) or n_bins < 2:
        raise InputError(f"n_bins must be a whole number of at least 2; got {n_bins!r}.")
    A, B = two_domains(A, B)
    P, Q = _histograms(A, B, int(n_bins))
    p, q = P / len(A), Q / len(B)
    m = (p + q) / 2
    used = np.where(m > 0, m, 1.0)
    divergence = (xlogy(p, p / used) + xlogy(q, q / used)).sum(axis=1) / 2
    if correct_bias:
        entropies = ((P > 0).sum(axis=1) - 1) / len(A) + ((Q > 0).sum(axis=1) - 1) / len(B)
        mixture = ((p * (1 - p) / len(A) + q * (1 - q) / len(B)) / used).sum(axis=1)
        divergence = divergence - entropies / 4 + mixture / 8
    return min(1.0, max(0.0, float(divergence.mean() / np.log(2))))


def _histograms(A: Floats, B: Floats, n_bins: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Count the rows of both domains in the bins of each feature: two (n_features, n_bins)."""
    n_a, n_b = len(A), len(B)
    rows = np.vstack([A, B])
    order = np.argsort(rows, axis=0, kind="stable")
    from_a = order < n_a
    # whole numbers: a row of A weighs n_b, one of B n_a, so that each domain has half
    below = np.cumsum(np.where(from_a, n_b, n_a), axis=0)
    # the bin of the mass up to and including the row; equal values go where the last of them goes
    bins = (below * n_bins - 1) // (2 * n_a * n_b)
    counts_a = np.zeros((rows.shape[1], n_bins), dtype=np.intp)
    counts_b = np.zeros_like(counts_a)
    for j in range(rows.shape[1]):
        values = rows[order[:, j], j]
        last = np.searchsorted(values, values, side="right") - 1
        place = bins[last, j]
        counts_a[j] = np.bincount(place[from_a[:, j]], minlength=n_bins)
        counts_b[j] = np.bincount(place[~from_a[:, j]], minlength=n_bins)
    return counts_a, counts_b


def _shrunk_moments(X: Floats, shrinkage: str | float) -> tuple[Floats, Floats]:
    """Give the mean and the shrunk covariance of rows."""
    mean = X.mean(axis=0)
    centred = X - mean
    covariance = centred.T @ centred / len(X)
    if shrinkage == "oas":
        return mean, oas_covariance(covariance, len(X))
    weight, d = float(shrinkage), len(covariance)
    shrunk = (1 - weight) * covariance
    shrunk.flat[:: d + 1] += weight * np.trace(covariance) / d
    return mean, shrunk


def _cholesky(covariance: ArrayLike) -> Floats:
    S = np.asarray(covariance, dtype=np.float64)
    try:
        factor = linalg.cholesky(S, lower=True)
    except linalg.LinAlgError:
        factor = np.zeros_like(S)
    diagonal = np.diag(factor)
    # a pivot of rounding only: the logarithm of the determinant would be arbitrary
    if not np.all(diagonal**2 > 10 * np.finfo(np.float64).eps * np.diag(S)):
        raise InputError(
            f"a covariance of the {len(S)} features is singular, so that the divergence is not "
            "finite; shrink it, or take fewer features or more rows."
        )
    return factor
