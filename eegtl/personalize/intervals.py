"""What to expect of one new person: an interval from the scores of others."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import stdtrit

from ..errors import InputError

#: How often the interval shall hold the next person.
LEVEL = 0.8


@dataclass(frozen=True)
class Expectation:
    """A score to expect of one new person.

    Attributes
    ----------
    mean, low, high : float
        Mean over people, and the interval that holds the next person's score.
    level : float
        How often it shall.
    coverage : float
        How often intervals from all people but one held that one's score.
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


def prediction_interval(scores: ArrayLike, level: float = LEVEL) -> tuple[float, float]:
    """Give the interval that the next person's score lies in, within 0 and 1.

    Parameters
    ----------
    scores : array-like of shape (n_people,)
        From 0 to 1, one a person.
    level : float
        Between 0 and 1.

    Returns
    -------
    low, high : float
        mean -+ t sd sqrt(1 + 1/n) with the quantile t of Student's distribution with n - 1 degrees
        of freedom: the next one differs from the mean of n by its own spread and by that of the
        mean. 0 and 1 for fewer than two people.

    Raises
    ------
    InputError
        When the level is no share, or there is no score.

    Examples
    --------
    >>> low, high = prediction_interval([0.5, 0.6, 0.7, 0.8], level=0.5)
    >>> round(low, 3), round(high, 3)
    (0.54, 0.76)
    """
    values = np.asarray(scores, dtype=np.float64)
    if not 0 < level < 1:
        raise InputError(f"level must lie between 0 and 1; got {level!r}.")
    n = len(values)
    if not n or not np.all(np.isfinite(values)):
        raise InputError(f"an interval needs finite scores of people; got {values.tolist()!r:.80}.")
    if n < 2:
        return 0.0, 1.0
    half = stdtrit(n - 1, (1 + level) / 2) * values.std(ddof=1) * np.sqrt(1 + 1 / n)
    low, high = values.mean() - half, values.mean() + half
    return float(max(0.0, low)), float(min(1.0, high))


def expectation(scores: ArrayLike, level: float = LEVEL) -> Expectation:
    """Say what to expect of one new person, and how well such intervals held here.

    Parameters
    ----------
    scores : array-like of shape (n_people,)
    level : float

    Returns
    -------
    Expectation

    Examples
    --------
    >>> str(expectation([0.5, 0.6, 0.7, 0.8]))
    '65 % (41-89)'
    """
    values = np.asarray(scores, dtype=np.float64)
    low, high = prediction_interval(values, level)
    held = []
    for i in range(len(values)):
        others = np.delete(values, i)
        if len(others) > 1:
            a, b = prediction_interval(others, level)
            held.append(a - 1e-12 <= values[i] <= b + 1e-12)
    coverage = float(np.mean(held)) if held else np.nan
    return Expectation(float(values.mean()), low, high, level, coverage, len(values))
