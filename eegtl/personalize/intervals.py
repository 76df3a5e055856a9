"""What to expect of one new person: an interval from the scores of others."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import stdtrit

from ..errors import InputError

#: How often the interval shall hold the next person.
LEVEL = 0.8


@dataclass(frozen=True)
class Expectation:
    """A score to expect of one sitting of a new person.

    Attributes
    ----------
    mean, low, high : float
        Mean over people, and the interval that holds the score of a sitting of the next one.
    level : float
        How often it shall.
    coverage : float
        How often intervals from all people but one held that one's sittings.
    n_people : int
    """

    mean: float
    low: float
    high: float
    level: float
    coverage: float
    n_people: int

    def __str__(self) -> str:
        """Say it in percent."""
        return f"{100 * self.mean:.0f} % ({100 * self.low:.0f}-{100 * self.high:.0f})"


def mean_over_people(values: ArrayLike, people: ArrayLike) -> NDArray[np.float64]:
    """Give each person's mean over sittings.

    Parameters
    ----------
    values : array-like of shape (n_sittings,)
        NaN where a sitting has none.
    people : array-like of shape (n_sittings,)
        Whose each is.

    Returns
    -------
    ndarray of shape (n_people_with_values,)

    Examples
    --------
    >>> mean_over_people([0.5, 0.7, np.nan, 0.9], [0, 0, 1, 2]).tolist()
    [0.6, 0.9]
    """
    given, whose = np.asarray(values, dtype=np.float64), np.asarray(people)
    known = np.isfinite(given)
    _, codes = np.unique(whose[known], return_inverse=True)
    return np.bincount(codes, weights=given[known]) / np.bincount(codes)


def prediction_interval(
    scores: ArrayLike, level: float = LEVEL, people: ArrayLike | None = None
) -> tuple[float, float]:
    """Give the interval that the score of one sitting of the next person lies in.

    Parameters
    ----------
    scores : array-like of shape (n_sittings,)
        From 0 to 1.
    level : float
        Between 0 and 1.
    people : array-like of shape (n_sittings,), optional
        Whose each sitting is; by default each is of another person.

    Returns
    -------
    low, high : float
        Within 0 and 1; both for fewer than two people.

    Raises
    ------
    InputError
        When the level is no share, or there is no score.

    Notes
    -----
    With v the variance of the n people's means, each of k sittings, and w that of sittings within
    people, v is the variance between people and w mean(1/k); a single sitting has the variance
    v + w (1 - mean(1/k)), and the mean of people v / n. The interval is their mean -+
    t sqrt(v + w (1 - mean(1/k)) + v / n) with the quantile t of Student's distribution with n - 1
    degrees of freedom; with one sitting a person t sd sqrt(1 + 1/n).

    Examples
    --------
    >>> low, high = prediction_interval([0.5, 0.6, 0.7, 0.8], level=0.5)
    >>> round(low, 3), round(high, 3)
    (0.54, 0.76)
    """
    values = np.asarray(scores, dtype=np.float64)
    if not 0 < level < 1:
        raise InputError(f"level must lie between 0 and 1; got {level!r}.")
    if not len(values) or not np.all(np.isfinite(values)):
        raise InputError(f"an interval needs finite scores of people; got {values.tolist()!r:.80}.")
    whose = np.arange(len(values)) if people is None else np.asarray(people)
    _, codes, sittings = np.unique(whose, return_inverse=True, return_counts=True)
    means = mean_over_people(values, whose)
    n = len(means)
    if n < 2:
        return 0.0, 1.0
    between, free = means.var(ddof=1), len(values) - n
    within = float(np.square(values - means[codes]).sum()) / free if free else 0.0
    variance = between + within * (1 - np.mean(1 / sittings)) + between / n
    half = stdtrit(n - 1, (1 + level) / 2) * np.sqrt(variance)
    low, high = means.mean() - half, means.mean() + half
    return float(max(0.0, low)), float(min(1.0, high))


def expectation(
    scores: ArrayLike, level: float = LEVEL, people: ArrayLike | None = None
) -> Expectation:
    """Say what to expect of one sitting of a new person, and how well such intervals held here.

    Parameters
    ----------
    scores : array-like of shape (n_sittings,)
    level : float
    people : array-like of shape (n_sittings,), optional
        Whose each sitting is; by default each is of another person.

    Returns
    -------
    Expectation

    Examples
    --------
    >>> str(expectation([0.5, 0.6, 0.7, 0.8]))
    '65 % (41-89)'
    """
    values = np.asarray(scores, dtype=np.float64)
    whose = np.arange(len(values)) if people is None else np.asarray(people)
    low, high = prediction_interval(values, level, whose)
    names = np.unique(whose).tolist()
    held = []
    for name in names if len(names) > 2 else ():
        mine = whose == name
        a, b = prediction_interval(values[~mine], level, whose[~mine])
        held.append(np.mean((a - 1e-12 <= values[mine]) & (values[mine] <= b + 1e-12)))
    coverage = float(np.mean(held)) if held else np.nan
    mean = float(mean_over_people(values, whose).mean())
    return Expectation(mean, low, high, level, coverage, len(names))
