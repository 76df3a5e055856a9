"""Maximum mean discrepancy: the distance of two domains' means in a kernel's feature space."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike

from ...errors import InputError
from ...kernels.gram import canonical_order, median_gamma, rbf_kernel
from .domains import Floats, two_domains

#: rows of one side whose kernel values are formed at a time
_BLOCK = 512
#: widths of `mmd_multi`: s times 2^-2 ... 2^2
_WIDTHS = 5


def mmd_linear(A: ArrayLike, B: ArrayLike) -> float:
    """Squared maximum mean discrepancy of the linear kernel, unbiased.

    Parameters
    ----------
    A, B : array-like of shape (n_rows, n_features)

    Returns
    -------
    float
        Estimate of the squared distance of the domains' means, in squared units of the features.
        It is unbiased for independent rows, and so may be negative where the means are equal.

    Raises
    ------
    InputError
        When the domains do not have the same features or fewer than two rows, or a value is not
        finite.

    Notes
    -----
    With k(x, y) = x'y the U-statistic of `mmd_rbf` is |mean A - mean B|^2 - tr S_A / n_A -
    tr S_B / n_B, where S has n - 1 in its denominator: O(n d) for any number of rows.

    References
    ----------
    Gretton, Borgwardt, Rasch, Schoelkopf, Smola, "A kernel two-sample test", Journal of Machine
    Learning Research 13, 2012, eq. 3.

    Examples
    --------
    >>> mmd_linear([[0.0], [2.0]], [[3.0], [5.0]])
    7.0
    """
    A, B = two_domains(A, B)
    gap = A.mean(axis=0) - B.mean(axis=0)
    within = sum(D.var(axis=0, ddof=1).sum() / len(D) for D in (A, B))
    return float(gap @ gap - within)


def mmd_rbf(A: ArrayLike, B: ArrayLike, *, gamma: str | float = "median") -> float:
    """Squared maximum mean discrepancy of the Gaussian kernel, unbiased.

    Parameters
    ----------
    A, B : array-like of shape (n_rows, n_features)
    gamma : "median" or float
        k(x, y) = exp(-gamma |x - y|^2); ``"median"`` is 1 / (2 s^2) with s the median distance
        between rows of both domains (of at most 1000).

    Returns
    -------
    float
        Between about 0 (may be negative, since it is unbiased for independent rows) and 2.
        Neither the order of the rows nor the order of the domains matters.

    Raises
    ------
    InputError
        As in `mmd_linear`, or when gamma is not ``"median"`` or a positive number.

    Notes
    -----
    Mean of k over the pairs of different rows of A, plus the same of B, minus twice the mean over
    pairs of one row of each. Rotating or moving both domains changes nothing; with ``"median"``
    scaling them does not, either. All pairs count, so that time grows as n^2 d; kernel values are
    formed 512 rows at a time (memory 512 n).

    References
    ----------
    Gretton et al. 2012, as in `mmd_linear`, eq. 3.

    Examples
    --------
    >>> round(mmd_rbf([[0.0], [0.0]], [[1.0], [1.0]], gamma=1.0), 6)
    1.264241
    """
    A, B = two_domains(A, B)
    return _unbiased(A, B, kernel_width(A, B, gamma), 1)


def mmd_multi(A: ArrayLike, B: ArrayLike, *, gamma: str | float = "median") -> float:
    """Squared maximum mean discrepancy of a mean of Gaussian kernels, unbiased.

    Parameters
    ----------
    A, B : array-like of shape (n_rows, n_features)
    gamma : "median" or float
        Of the kernel in the middle, as in `mmd_rbf`.

    Returns
    -------
    float
        Between about 0 (may be negative) and 2.

    Raises
    ------
    InputError
        As in `mmd_rbf`.

    Notes
    -----
    The kernel is the mean of five with the widths s / 4, s / 2, s, 2 s and 4 s, so that
    differences are seen that are much finer or coarser than the median distance. One matrix
    product gives all five: a kernel of half the width is the fourth power of the wider one. Else
    as `mmd_rbf`, and about twice its time.

    References
    ----------
    Gretton, Sriperumbudur, Sejdinovic, Strathmann, Balakrishnan, Pontil, Fukumizu, "Optimal
    kernel choice for large-scale two-sample tests", NIPS 2012 (there with learned weights).

    Examples
    --------
    >>> round(mmd_multi([[0.0], [0.0]], [[1.0], [1.0]], gamma=1.0), 6)
    1.158236
    """
    A, B = two_domains(A, B)
    return _unbiased(A, B, kernel_width(A, B, gamma), _WIDTHS)


def kernel_width(A: Floats, B: Floats, gamma: str | float) -> float:
    """Give the gamma of a Gaussian kernel between two domains.

    Parameters
    ----------
    A, B : ndarray of shape (n_rows, n_features)
    gamma : "median" or float
        As in `mmd_rbf`.

    Returns
    -------
    float

    Raises
    ------
    InputError
        When it is not ``"median"`` or a positive number.
    """
    if gamma == "median":
        rows = np.vstack([A, B])
        return median_gamma(rows[canonical_order(rows)])
    if isinstance(gamma, str) or not 0 < gamma < np.inf:
        raise InputError(f"gamma must be 'median' or a positive number; got {gamma!r}.")
    return float(gamma)


def kernel_blocks(X: Floats, Y: Floats, gamma: float, n_widths: int) -> Iterator[Floats]:
    """Give the values of a mean of Gaussian kernels, 512 rows of X at a time.

    Parameters
    ----------
    X, Y : ndarray of shape (n_rows, n_features)
    gamma : float
        Of the kernel in the middle.
    n_widths : {1, 5}
        How many kernels, each half as wide as the one before.

    Yields
    ------
    ndarray of shape (512 or fewer, n_rows of Y)
    """
    widest = gamma / 4 ** (n_widths // 2)
    for start in range(0, len(X), _BLOCK):
        kernel = rbf_kernel(X[start : start + _BLOCK], Y, widest)
        total = kernel
        for _ in range(n_widths - 1):
            kernel = np.square(np.square(kernel))
            total += kernel
        total /= n_widths
        yield total


def _unbiased(A: Floats, B: Floats, gamma: float, n_widths: int) -> float:
    n_a, n_b = len(A), len(B)
    sums = [
        sum(float(block.sum()) for block in kernel_blocks(X, Y, gamma, n_widths))
        for X, Y in ((A, A), (B, B), (A, B))
    ]
    # the diagonal of ones is taken off
    within_a = (sums[0] - n_a) / (n_a * (n_a - 1))
    within_b = (sums[1] - n_b) / (n_b * (n_b - 1))
    return within_a + within_b - 2 * sums[2] / (n_a * n_b)
