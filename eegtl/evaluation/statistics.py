"""Tests that compare two methods over the same people."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import bootstrap, rankdata, wilcoxon

from ..errors import InputError

#: Differences of scores are rounded before ranking, so that equal ones tie in spite of the last
#: bits of their floating-point form (0.7 - 0.6 and 0.6 - 0.5 differ by 1e-16).
_DECIMALS = 12
#: people whose scores differ, up to whom p is exact
_EXACT = 100
#: a bootstrap interval needs so many people
LEAST_PEOPLE = 5


def paired_differences(scores: ArrayLike, baseline: ArrayLike) -> NDArray[np.float64]:
    """Subtract paired scores; those that are equal on paper differ by exactly 0.

    Parameters
    ----------
    scores, baseline : array-like of shape (n_subjects,)
        One score per person, in the same order.

    Returns
    -------
    ndarray of shape (n_subjects,)
        Rounded to twelve decimals.

    Raises
    ------
    InputError
        When the lengths differ, or a score is not finite.

    Examples
    --------
    >>> 0.9 - 0.8 == 0.1, paired_differences([0.9], [0.8]).tolist()
    (False, [0.1])
    """
    a, b = np.asarray(scores, dtype=np.float64), np.asarray(baseline, dtype=np.float64)
    if a.shape != b.shape or a.ndim != 1:
        raise InputError(
            f"a paired test needs two scores for each person; got shapes {a.shape} and {b.shape}."
        )
    difference = np.round(a - b, _DECIMALS) + 0.0  # no -0
    if not np.isfinite(difference).all():
        raise InputError("a paired test needs finite scores; got NaN or infinity.")
    return difference


def paired_wilcoxon(scores: ArrayLike, baseline: ArrayLike) -> float:
    """Two-sided Wilcoxon signed-rank test of paired scores.

    Parameters
    ----------
    scores, baseline : array-like of shape (n_subjects,)
        One score per person, in the same order.

    Returns
    -------
    float
        The p value. People whose two scores are equal are left out (Wilcoxon's own rule);
        when that leaves nobody, the p value is 1.

    Raises
    ------
    InputError
        When the lengths differ, or a score is not finite.

    Notes
    -----
    Wilcoxon, F. (1945). Individual comparisons by ranking methods. Biometrics Bulletin 1, 80-83.
    Of the n people whose scores differ, differences of the same size share their mean rank. Up to
    n = 100 p is exact: the null distribution of the rank sum, given these ranks, over all 2^n
    signs, built up rank by rank. Beyond, it is the normal approximation of
    `scipy.stats.wilcoxon`, its variance corrected for ties and without a correction for
    continuity.

    Examples
    --------
    >>> paired_wilcoxon([0.6, 0.7, 0.8, 0.9], [0.5, 0.5, 0.5, 0.5])
    0.125
    """
    difference = paired_differences(scores, baseline)
    difference = difference[difference != 0]
    if difference.size == 0:
        return 1.0
    if difference.size > _EXACT:
        return float(wilcoxon(difference, alternative="two-sided", method="asymptotic").pvalue)
    return _exact_p(difference)


def _exact_p(difference: NDArray[np.float64]) -> float:
    """Give the two-sided p value over all signs of the differences, none of which is 0."""
    doubled = np.rint(2 * rankdata(np.abs(difference))).astype(np.intp)  # mean ranks are halves
    chance = np.zeros(doubled.sum() + 1)  # of each doubled sum of the positive ranks
    chance[0] = 1.0
    for rank in doubled:
        chance[rank:] += chance[:-rank].copy()
        chance /= 2
    positive = int(doubled[difference > 0].sum())
    smaller = min(positive, len(chance) - 1 - positive)  # the distribution is symmetric
    return min(1.0, 2 * float(chance[: smaller + 1].sum()))


def holm(p_values: ArrayLike) -> NDArray[np.float64]:
    """Adjust the p values of one family of tests by Holm's step-down rule.

    Parameters
    ----------
    p_values : array-like of shape (n_tests,)
        NaN stands for a row without a test: it stays NaN and does not count.

    Returns
    -------
    ndarray of shape (n_tests,)

    Notes
    -----
    Holm, S. (1979). A simple sequentially rejective multiple test procedure. Scandinavian
    Journal of Statistics 6, 65-70. The i-th smallest of m is multiplied by m - i + 1; adjusted
    values never fall below those of smaller p values and never exceed 1.

    Examples
    --------
    >>> holm([0.01, 0.04, 0.03]).round(2).tolist()
    [0.03, 0.06, 0.06]
    """
    p = np.asarray(p_values, dtype=np.float64)
    adjusted = np.full(p.shape, np.nan)
    order = np.argsort(p, kind="stable")[: np.isfinite(p).sum()]
    steps = p[order] * np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return adjusted


def bootstrap_interval(values: ArrayLike, seed: int = 0) -> tuple[float, float]:
    """Give the 95 % bootstrap interval of a mean over people.

    Parameters
    ----------
    values : array-like of shape (n_subjects,)
        One score, or one difference of scores, per person.
    seed : int
        Draws the 9999 resamples.

    Returns
    -------
    low, high : float
        Percentiles 2.5 and 97.5 of the resampled means; NaN for fewer than five people, whose few
        different resamples say nothing of 95 %.

    Raises
    ------
    InputError
        When there are no values, or one is not finite.

    Notes
    -----
    Efron, B., Tibshirani, R. (1993). An introduction to the bootstrap. Chapman & Hall, ch. 13.
    Whole people are drawn, since windows of one person are not independent. Percentile intervals
    of a mean are too short for few people, by about sqrt((n - 1) / n) and the missing t
    quantile: of 95 % they hold about 90 % with 10 people.

    Examples
    --------
    >>> low, high = bootstrap_interval([0.5, 0.6, 0.65, 0.7, 0.8])
    >>> 0.5 < low < 0.65 < high < 0.8
    True
    """
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1 or array.size == 0 or not np.isfinite(array).all():
        raise InputError(
            f"a bootstrap needs one finite score a person; got the shape {array.shape} with "
            f"{int((~np.isfinite(array)).sum())} values that are not finite."
        )
    if array.size < LEAST_PEOPLE:
        return float("nan"), float("nan")
    found = bootstrap(
        (array,), np.mean, n_resamples=9999, method="percentile", vectorized=True, rng=seed
    ).confidence_interval
    return float(found.low), float(found.high)
