"""Smoothing of features over the windows of one trial."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from math import floor
from numbers import Real
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import InputError
from ..kernels.smoothing import lds_filter, lds_smooth, moving_average
from ..preprocessing.format import plain

Floats = NDArray[np.float64]


class RunningSmoothing(Protocol):
    """Smoothing at work on windows that arrive in order of time."""

    def restart(self) -> None:
        """Forget the windows before; the next one is the first of a trial."""

    def push(self, X: Floats) -> Floats:
        """Take the next windows (n, n_features); give them smoothed."""


@dataclass(frozen=True)
class MovingAverage:
    """Mean of the windows of the last seconds; causal.

    The first windows of a trial are means of as many as there are.

    Parameters
    ----------
    seconds : float
        Time that is averaged over; as many windows as have steps in it, at least one.

    Raises
    ------
    InputError
        When `seconds` is not a positive number.

    Examples
    --------
    >>> MovingAverage(3.0).smooth(np.array([[0.0], [3.0], [6.0], [9.0]]), step=1.0).ravel().tolist()
    [0.0, 1.5, 3.0, 6.0]
    """

    seconds: float
    name: ClassVar[str] = "moving_average"

    def __post_init__(self) -> None:
        _check_positive(self, "seconds")

    @property
    def causal(self) -> bool:
        """Whether it does without windows to come."""
        return True

    def describe(self) -> dict[str, Any]:
        """Give name and settings as they stand in recipes."""
        return {"name": self.name, **asdict(self)}

    def start(self, n_features: int, step: float) -> RunningSmoothing:
        """Begin to smooth a stream of windows.

        Parameters
        ----------
        n_features : int
            Columns.
        step : float
            Seconds from window to window.

        Returns
        -------
        RunningSmoothing
            Takes windows with ``push``.
        """
        # What is a whole number but for the last digits counts as one: 0.3 s have 3 steps of 0.1 s.
        return _RunningMean(n_features, max(1, floor(self.seconds / step + 1e-6)))

    def smooth(self, X: ArrayLike, step: float) -> Floats:
        """Smooth the windows of one trial.

        Parameters
        ----------
        X : array-like of shape (n_windows, n_features)
            In order of time.
        step : float
            Seconds from window to window.

        Returns
        -------
        ndarray of shape (n_windows, n_features)

        Raises
        ------
        InputError
            When X is not two-dimensional numbers.
        """
        rows = _as_rows(X)
        return self.start(rows.shape[1], step).push(rows)


@dataclass(frozen=True)
class LDS:
    """A linear dynamical system: the features of a trial are a random walk seen through noise.

    ``z_t = z_{t-1} + w``, ``w ~ N(0, q)``; ``x_t = z_t + v``, ``v ~ N(0, r)``;
    ``z_1 ~ N(m, v0)``, for each feature by itself. With the published constants, the default,
    the gain of the filter settles at 0.00995: a window weighs 1 %, and the time constant is
    **100 windows**, so that smoothed windows of a trial are nearly one value, the trial's.

    Parameters
    ----------
    mode : {"filter", "smooth"}
        ``"filter"``: the state given the windows so far, beginning at the first one (m is its
        value); causal. ``"smooth"``, as published: the state given all windows of the trial, m
        being the mean of the trial; it uses the future and runs offline only.
    q, r, v0 : float
        Variances of the step from window to window, of the noise, and of the first state, in
        the squared unit of the features.

    Raises
    ------
    InputError
        When the mode is unknown or a variance is not a positive number.

    References
    ----------
    Shi and Lu, Off-line and on-line vigilance estimation based on linear dynamical system and
    manifold learning, EMBC 2010, 6587-6590. Rauch, Tung and Striebel, Maximum likelihood
    estimates of linear dynamic systems, AIAA Journal 3(8), 1965, 1445-1450. Constants: the code
    that goes with the SEED data sets.

    Examples
    --------
    >>> X = np.array([[0.0], [1.0], [1.0]])
    >>> LDS("filter").smooth(X, step=1.0).round(4).ravel().tolist()
    [0.0, 0.0099, 0.0197]
    >>> LDS("smooth").smooth(X, step=1.0).round(4).ravel().tolist()
    [0.6667, 0.6667, 0.6668]
    """

    mode: str = "filter"
    q: float = 1e-4
    r: float = 1.0
    v0: float = 0.01
    name: ClassVar[str] = "lds"

    def __post_init__(self) -> None:
        if self.mode not in ("filter", "smooth"):
            raise InputError(
                f"mode is {self.mode!r}; give 'filter' (causal) or 'smooth' (uses the whole trial)"
            )
        for setting in ("q", "r", "v0"):
            _check_positive(self, setting)

    @property
    def causal(self) -> bool:
        """Whether it does without windows to come."""
        return self.mode == "filter"

    def describe(self) -> dict[str, Any]:
        """Give name and settings as they stand in recipes."""
        return {"name": self.name, **asdict(self)}

    def start(self, n_features: int, step: float) -> RunningSmoothing:
        """Begin to smooth a stream of windows.

        Parameters
        ----------
        n_features : int
            Columns.
        step : float
            Seconds from window to window; the constants are per window, whatever its step.

        Returns
        -------
        RunningSmoothing
            Takes windows with ``push``.

        Raises
        ------
        InputError
            When the mode is ``"smooth"``, which needs the windows to come.
        """
        if self.mode == "smooth":
            raise InputError(
                "LDS(mode='smooth') needs all windows of a trial at once; use mode='filter' on a "
                "stream"
            )
        return _RunningFilter(n_features, self.q, self.r, self.v0)

    def smooth(self, X: ArrayLike, step: float) -> Floats:
        """Smooth the windows of one trial.

        Parameters
        ----------
        X : array-like of shape (n_windows, n_features)
            In order of time.
        step : float
            Seconds from window to window; the constants are per window, whatever its step.

        Returns
        -------
        ndarray of shape (n_windows, n_features)

        Raises
        ------
        InputError
            When X is not two-dimensional numbers.
        """
        rows = _as_rows(X)
        if self.mode == "filter":
            return self.start(rows.shape[1], step).push(rows)
        out = np.empty(rows.shape)
        if len(rows):
            lds_smooth(rows, rows.mean(axis=0), self.v0, self.q, self.r, np.empty(len(rows)), out)
        return out


#: Every way of smoothing, by the name it has in recipes.
SMOOTHING: dict[str, type[MovingAverage] | type[LDS]] = {
    kind.name: kind for kind in (MovingAverage, LDS)
}


def _check_positive(settings: Any, name: str) -> None:
    """Refuse a setting that is no positive number; keep others as numbers of Python."""
    value = getattr(settings, name)
    if isinstance(value, bool) or not isinstance(value, Real) or not 0 < float(value) < np.inf:
        raise InputError(f"{name} is {value!r}; give a positive number")
    object.__setattr__(settings, name, plain(value))


def _as_rows(X: ArrayLike) -> Floats:
    """Give windows as rows of numbers."""
    try:
        rows = np.asarray(X, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(
            f"X cannot be read as numbers ({error}); give (n_windows, n_features)"
        ) from error
    if rows.ndim != 2:
        raise InputError(
            f"X has the shape {rows.shape}; give (n_windows, n_features), the windows of one trial "
            "in order of time"
        )
    return np.ascontiguousarray(rows)


class _RunningMean:
    """The mean of the last windows, with those that it needs."""

    def __init__(self, n_features: int, length: int) -> None:
        self._length = length
        self._n_features = n_features
        self.restart()
        self.push(np.zeros((1, n_features)))  # compiles before the first window waits
        self.restart()

    def restart(self) -> None:
        """Forget the windows before."""
        self._kept = np.empty((0, self._n_features))

    def push(self, X: Floats) -> Floats:
        """Take windows; give them smoothed."""
        padded = np.concatenate([self._kept, X])
        out = np.empty(X.shape)
        moving_average(padded, len(self._kept), self._length, out)
        self._kept = padded[max(0, len(padded) - self._length + 1) :].copy()
        return out


class _RunningFilter:
    """The Kalman filter, with its state."""

    def __init__(self, n_features: int, q: float, r: float, v0: float) -> None:
        self._q, self._r, self._v0 = q, r, v0
        self._mean = np.empty(n_features)
        self.restart()
        self.push(np.zeros((1, n_features)))  # compiles before the first window waits
        self.restart()

    def restart(self) -> None:
        """Forget the windows before."""
        self._begun = False
        self._prior = self._v0

    def push(self, X: Floats) -> Floats:
        """Take windows; give them smoothed."""
        rows = np.ascontiguousarray(X, dtype=np.float64)
        out = np.empty(rows.shape)
        if len(rows):
            if not self._begun:
                self._mean[:] = rows[0]
                self._begun = True
            self._prior = lds_filter(rows, self._mean, self._prior, self._q, self._r, out)
        return out
