"""Windows: which ones there are, and their variances from sums over segments."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from math import gcd
from numbers import Real

import numpy as np
from numpy.typing import NDArray

from ..errors import SignalError
from ..preprocessing import BandpassBank, decay_time

#: Least seconds after a restart of the filters in which windows may not begin to be trusted.
SETTLING = 4.0


def settling_time(bank: BandpassBank) -> float:
    """Return the seconds after a restart until the filters of a bank have settled.

    At least `SETTLING`, and until the slowest mode of the filters has decayed (`decay_time`).

    Parameters
    ----------
    bank : BandpassBank
        The filters.

    Returns
    -------
    float
        Seconds.

    Examples
    --------
    >>> from eegtl.preprocessing import design_bank
    >>> settling_time(design_bank(128.0, {"delta": (1, 4), "alpha": (8, 14)}))
    4.0
    >>> round(settling_time(design_bank(128.0, {"slow": (0.1, 0.5)})), 1)
    35.6
    """
    return max(SETTLING, decay_time(np.concatenate(bank.denominators), bank.sfreq))


def check_window(window: float, step: float | None) -> tuple[float, float]:
    """Return window and step in seconds, the step filled in.

    Parameters
    ----------
    window, step : float
        In seconds; step None means the window, so that windows touch.

    Returns
    -------
    window, step : float
        In seconds.

    Raises
    ------
    SignalError
        When one of them is not a positive number.

    Examples
    --------
    >>> check_window(2, None)
    (2.0, 2.0)
    """
    step = window if step is None else step
    for name, seconds in (("window", window), ("step", step)):
        if not (isinstance(seconds, Real) and np.isfinite(seconds) and seconds > 0):
            raise SignalError(f"{name} is {seconds!r} s; give a positive number of seconds")
    return float(window), float(step)


def window_samples(sfreq: float, window: float, step: float | None) -> tuple[int, int]:
    """Return length and step of a window in samples, rounded to whole samples.

    Parameters
    ----------
    sfreq : float
        Sampling rate in Hz.
    window, step : float
        In seconds; step None means the window, so that windows touch.

    Returns
    -------
    length, step : int
        In samples.

    Raises
    ------
    SignalError
        When window or step is not positive, a window has fewer than two samples, or a step
        fewer than one.

    Examples
    --------
    >>> window_samples(256.0, 1.0, 0.1)
    (256, 26)
    """
    window, step = check_window(window, step)
    length, stride = round(window * sfreq), round(step * sfreq)
    if length < 2:
        raise SignalError(
            f"a window of {window:g} s has {length} samples at {sfreq:g} Hz; "
            "give a window of at least two samples"
        )
    if stride < 1:
        raise SignalError(
            f"a step of {step:g} s has {stride} samples at {sfreq:g} Hz; "
            "give a step of at least one sample"
        )
    return length, stride


@dataclass(frozen=True)
class Windows:
    """Windows that a piece of signal completed.

    Parameters
    ----------
    X : ndarray of shape (n_windows, n_features)
        Features.
    starts : ndarray of shape (n_windows,)
        First sample of each window, behind the preprocessing, counted from the first one ever.
    settling : ndarray of bool, shape (n_windows,)
        The window began before the filters had settled; see `FeatureStream.settling`.
    flat : ndarray of bool, shape (n_windows,)
        A channel had less variance, in a band or in all, than the floor of 1e-6 uV^2.
    flags : ndarray of str, shape (n_windows,)
        What is unusual, such as ``"amplitude:Fp1,Fp2;mains:T7"`` or ``"flat"``; ``""`` when
        nothing is.
    runs : ndarray of int, shape (n_windows,)
        How often the grid of windows had restarted, at marks and gaps, when the window began.
    """

    X: NDArray[np.float64]
    starts: NDArray[np.int64]
    settling: NDArray[np.bool_]
    flat: NDArray[np.bool_]
    flags: NDArray[np.object_]
    runs: NDArray[np.int64]

    @classmethod
    def none(cls, n_features: int) -> Windows:
        """Give the windows of nothing.

        Parameters
        ----------
        n_features : int
            Columns.

        Returns
        -------
        Windows
        """
        truths = np.empty(0, dtype=np.bool_)
        numbers = np.empty(0, dtype=np.int64)
        texts = np.empty(0, dtype=np.object_)
        return cls(np.empty((0, n_features)), numbers, truths, truths, texts, numbers)

    @classmethod
    def join(cls, parts: Sequence[Windows]) -> Windows:
        """Put windows one after the other.

        Parameters
        ----------
        parts : sequence of Windows
            In order of time, at least one.

        Returns
        -------
        Windows
        """
        names = [field.name for field in fields(cls)]
        return cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


_NO_STARTS = np.empty(0, dtype=np.int64)
_NO_STARTS.flags.writeable = False


class WindowGrid:
    """Counts samples and says which windows they complete.

    Parameters
    ----------
    length, stride : int
        Length and step of a window in samples.

    Attributes
    ----------
    segment_samples : int
        Greatest common divisor of length and step: windows consist of whole segments.

    Examples
    --------
    >>> grid = WindowGrid(4, 2)
    >>> grid.segment_samples
    2
    >>> grid.advance(7).tolist(), grid.advance(1).tolist()
    ([0, 2], [4])
    """

    def __init__(self, length: int, stride: int) -> None:
        self.length = length
        self.stride = stride
        self.segment_samples = gcd(length, stride)
        self.restart()

    def restart(self) -> None:
        """Begin a new grid at the next sample; a window begun is dropped."""
        self._seen = 0
        self._next = 0

    @property
    def next_start(self) -> int:
        """First sample of the window that will be completed next, from the start of the grid."""
        return self._next * self.stride

    def advance(self, n_times: int) -> NDArray[np.int64]:
        """Take samples; give the windows they complete.

        Parameters
        ----------
        n_times : int
            Number of samples.

        Returns
        -------
        ndarray of shape (n_windows,)
            First sample of each window, counted from the start of the grid.
        """
        self._seen += n_times
        n_windows = (self._seen - self.next_start - self.length) // self.stride + 1
        if n_windows <= 0:
            return _NO_STARTS
        starts = (self._next + np.arange(n_windows, dtype=np.int64)) * self.stride
        self._next += n_windows
        return starts


class SegmentSums:
    """Joins sums over segments to variances of windows; holds no more than one window of them.

    Overlapping windows are exact, and each is summed in the same order however the signal was cut.

    Parameters
    ----------
    grid : WindowGrid
        Length, step and segment of the windows.

    Examples
    --------
    >>> sums = SegmentSums(WindowGrid(4, 2))
    >>> ones = np.ones((3, 1, 1))
    >>> sums.push(2 * ones, 4 * ones).ravel().tolist()
    [1.0, 1.0]
    """

    def __init__(self, grid: WindowGrid) -> None:
        self.length = grid.length
        self._per_window = grid.length // grid.segment_samples
        self._per_step = grid.stride // grid.segment_samples
        self.restart()

    def restart(self) -> None:
        """Begin anew at the next segment; a window begun is dropped."""
        self._kept: NDArray[np.float64] | None = None
        self._skip = 0

    def push(self, sums: NDArray[np.float64], squares: NDArray[np.float64]) -> NDArray[np.float64]:
        """Take segments; give the variances of the windows they complete.

        Parameters
        ----------
        sums, squares : ndarrays of shape (n_segments, n_channels, n_bands)
            Sums and sums of squares of consecutive segments.

        Returns
        -------
        ndarray of shape (n_windows, n_channels, n_bands)
            Population variance about the mean of the window, in squared units of the signal.
        """
        segments = np.stack([sums, squares])
        if self._kept is not None:
            segments = np.concatenate([self._kept, segments], axis=1)
        dropped = min(self._skip, segments.shape[1])
        self._skip -= dropped
        segments = segments[:, dropped:]
        n = segments.shape[1]
        n_windows = max(0, (n - self._per_window) // self._per_step + 1)
        last = (n_windows - 1) * self._per_step + 1
        total = np.zeros((2, n_windows, *segments.shape[2:]))
        if n_windows:
            for offset in range(self._per_window):
                total += segments[:, offset : offset + last : self._per_step]
        mean = total[0] / self.length
        variances: NDArray[np.float64] = total[1] / self.length - mean * mean
        used = n_windows * self._per_step
        self._skip += max(0, used - n)
        self._kept = segments[:, used:].copy()
        return variances
