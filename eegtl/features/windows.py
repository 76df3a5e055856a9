"""Windows: their length in samples, and their variances from sums over segments."""

from __future__ import annotations

from math import gcd
from numbers import Real

import numpy as np
from numpy.typing import NDArray

from ..errors import SignalError
from ..preprocessing import BandpassBank

#: Least seconds after a restart of the filters in which windows may not begin to be trusted.
SETTLING = 4.0
#: What may be left of the slowest mode of the filters when they count as settled. In 4 s the
#: slowest of the default bands, 1-4 Hz, decays to 0.23 % or 0.235 %, depending on the rate.
RESIDUE = 0.0025


def settling_time(bank: BandpassBank) -> float:
    """Return the seconds after a restart until the filters of a bank have settled.

    At least `SETTLING`, and until the slowest mode of the filters has decayed to `RESIDUE`: a
    mode with a pole of radius r decays as r^n in n samples.

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
    radius = max(
        abs(np.roots([1.0, *section])).max() for section in np.concatenate(bank.denominators)
    )
    return max(SETTLING, float(np.log(RESIDUE) / np.log(radius)) / bank.sfreq)


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


class WindowGrid:
    """Joins segments to windows; holds no more than one window of segments.

    A segment is the greatest common divisor of length and step, so overlapping windows are
    exact, and each is summed in the same order however the signal was cut.

    Parameters
    ----------
    length, stride : int
        Length and step of a window in samples.

    Examples
    --------
    >>> grid = WindowGrid(4, 2)
    >>> grid.segment_samples
    2
    >>> ones = np.ones((3, 1, 1))
    >>> starts, variances = grid.push(2 * ones, 4 * ones)
    >>> starts.tolist(), variances.ravel().tolist()
    ([0, 2], [1.0, 1.0])
    """

    def __init__(self, length: int, stride: int) -> None:
        self.length = length
        self.stride = stride
        self.segment_samples = gcd(length, stride)
        self._per_window = length // self.segment_samples
        self._per_step = stride // self.segment_samples
        self.restart()

    def restart(self) -> None:
        """Begin a new grid at the next segment; a window begun is dropped."""
        self._kept: NDArray[np.float64] | None = None
        self._skip = 0
        self._next = 0

    def push(
        self, sums: NDArray[np.float64], squares: NDArray[np.float64]
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Take segments; give the windows they complete.

        Parameters
        ----------
        sums, squares : ndarrays of shape (n_segments, n_channels, n_bands)
            Sums and sums of squares of consecutive segments.

        Returns
        -------
        starts : ndarray of shape (n_windows,)
            First sample of each window, counted from the start of the grid.
        variances : ndarray of shape (n_windows, n_channels, n_bands)
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
        variances = total[1] / self.length - mean * mean
        starts = (self._next + np.arange(n_windows, dtype=np.int64)) * self.stride
        self._next += n_windows
        used = n_windows * self._per_step
        self._skip += max(0, used - n)
        self._kept = segments[:, used:].copy()
        return starts, variances
