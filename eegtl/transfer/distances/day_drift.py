"""How far a person's features moved from one day to another, in that person's own spread."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ...errors import InputError
from .domains import two_domains, variance_within
from .mean import mean_gap

Floats = NDArray[np.float64]
#: Pieces of a day whose means tell how uncertain the day's mean is; few and long, since windows
#: are alike over many seconds, and averaged over features.
N_BLOCKS = 8
#: Fewer rows of a day cannot be cut into pieces of two.
LEAST_ROWS = 4


@dataclass(frozen=True)
class Drift:
    """How far one day lies from another.

    Attributes
    ----------
    value : float
        Root mean square over the features of the change of the mean, in standard deviations
        within a day, after what chance makes of it was taken off: sqrt(max(0, raw^2 - noise^2)).
    raw : float
        The same with nothing taken off.
    noise : float
        Root of what raw^2 is expected to be between two days of which nothing changed.

    Examples
    --------
    >>> Drift(0.3, 0.5, 0.4).beyond_noise
    False
    """

    value: float
    raw: float
    noise: float

    @property
    def beyond_noise(self) -> bool:
        """Whether raw^2 is more than twice what chance makes of it on average."""
        return self.raw**2 > 2 * self.noise**2


def day_drift(earlier: ArrayLike, later: ArrayLike) -> Drift:
    """Measure how far the mean of each feature moved between two days of a person.

    Parameters
    ----------
    earlier, later : array-like of shape (n_windows, n_features)
        Rows of the days, each in the order of time, since neighbours are alike.

    Returns
    -------
    Drift
        In standard deviations within a day.

    Raises
    ------
    InputError
        When a day has fewer than 4 rows, or as in `mean_gap`.

    Notes
    -----
    raw is `mean_gap`: raw^2 = mean over the features j of ((m2_j - m1_j) / s_j)^2, where s_j^2 is
    the variance within the two days pooled; features that do not vary within them are left out.
    Units and offsets of features do not matter.

    A day's mean is uncertain, and windows that follow each other are no independent rows. The
    variance of the mean is estimated by batch means: of 8 pieces of the day and of 16 half as
    long, 2 V_8 - V_16, which leaves little of the bias that pieces shorter than the memory of the
    signal have (lugsail batch means, Vats and Flegal 2022); never below that of independent rows.
    noise^2 is the mean over the features of both days' together. What lasts for a whole day by
    chance (the clips of that day, its mix of classes) cannot be told from drift: compare days of
    the same design. Where trials of several classes make the pieces differ, the noise is too
    large rather than too small.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> day = rng.standard_normal((400, 20))
    >>> drift = day_drift(day, rng.standard_normal((400, 20)) + 0.5)
    >>> round(drift.value, 1), drift.noise < 0.1
    (0.5, True)
    """
    days = two_domains(earlier, later)
    short = min(map(len, days))
    if short < LEAST_ROWS:
        raise InputError(
            f"the days have {len(days[0])} and {len(days[1])} rows; drift needs at least "
            f"{LEAST_ROWS} of each day."
        )
    variance, varies = variance_within(*days)
    sd = np.sqrt(variance[varies])
    raw = mean_gap(*days)
    noise = sum(_variance_of_mean(day[:, varies] / sd) for day in days)
    return Drift(float(np.sqrt(max(0.0, raw**2 - noise))), raw, float(np.sqrt(noise)))


def drifts_between_days(X: ArrayLike, days: ArrayLike) -> list[tuple[Any, Any, Drift]]:
    """Measure the drift of one person from each day to the next.

    Parameters
    ----------
    X : array-like of shape (n_windows, n_features)
        Rows of one person, those of a day in the order of time.
    days : array-like of shape (n_windows,)
        The day of each row; what sorts first came first.

    Returns
    -------
    list of (earlier day, later day, Drift)
        Days of fewer than 4 rows are left out.

    Examples
    --------
    >>> X = np.random.default_rng(0).standard_normal((90, 3))
    >>> [pair[:2] for pair in drifts_between_days(X, np.repeat([3, 1, 2], 30))]
    [(1, 2), (2, 3)]
    """
    rows, which = np.asarray(X, dtype=np.float64), np.asarray(days)
    if which.shape != (len(rows),):
        raise InputError(
            f"days has the shape {which.shape} for {len(rows)} rows; give one day for each row."
        )
    names = [name for name in np.unique(which) if np.sum(which == name) >= LEAST_ROWS]
    return [
        (_plain(a), _plain(b), day_drift(rows[which == a], rows[which == b]))
        for a, b in pairwise(names)
    ]


def usual_drift(drifts: ArrayLike) -> float:
    """Give the drift that is usual: the median.

    Parameters
    ----------
    drifts : array-like of shape (n,)
        Values of `Drift` from day to day, of one person or of many.

    Returns
    -------
    float
        NaN of none.

    Examples
    --------
    >>> usual_drift([0.2, 0.9, 0.3])
    0.3
    """
    values = np.asarray(drifts, dtype=np.float64)
    return float(np.median(values)) if values.size else float("nan")


def _plain(name: Any) -> Any:
    return name.item() if isinstance(name, np.generic) else name


def _variance_of_mean(rows: Floats) -> float:
    """Give the variance of the mean of rows in the order of time, averaged over the features."""
    independent = float(rows.var(axis=0, ddof=1).mean() / len(rows))
    coarse = min(N_BLOCKS, len(rows) // 2)
    fine = min(2 * coarse, len(rows))
    return max(2 * _batch_means(rows, coarse) - _batch_means(rows, fine), independent)


def _batch_means(rows: Floats, n: int) -> float:
    """Estimate the same from the means of so many pieces, of lengths as equal as can be."""
    edges = np.linspace(0, len(rows), n + 1).round().astype(np.intp)
    sums = np.add.reduceat(rows, edges[:-1], axis=0)
    means = sums / np.diff(edges)[:, None]
    return float(means.var(axis=0, ddof=1).mean() / n)
