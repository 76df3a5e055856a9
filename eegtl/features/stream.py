"""`FeatureStream`: chunks of signal in, features of windows out. Offline is one big chunk."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from ..errors import SignalError
from ..preprocessing import BandpassBank, RunningBank
from ..recordings.signals import MAX_VOLTS
from .registry import VARIANCE_FLOOR, BandFeature
from .table import make_columns
from .windows import WindowGrid, settling_time, window_samples


@dataclass(frozen=True)
class Windows:
    """Windows that a piece of signal completed.

    Parameters
    ----------
    X : ndarray of shape (n_windows, n_features)
        Features.
    starts : ndarray of shape (n_windows,)
        First sample of each window, counted from the first sample ever pushed.
    settling : ndarray of bool, shape (n_windows,)
        The window began before the filters had settled; see `FeatureStream.settling`.
    flat : ndarray of bool, shape (n_windows,)
        A channel had less variance in a band than the floor of 1e-6 uV^2.
    """

    X: NDArray[np.float64]
    starts: NDArray[np.int64]
    settling: NDArray[np.bool_]
    flat: NDArray[np.bool_]


class FeatureStream:
    """Computes features while the signal arrives, in chunks of any size.

    The state is that of the filters and at most one window of sums; results do not depend on
    how the signal was cut. Samples that are not finite, or beyond 1 V, in some channel are a gap:
    filters and window grid restart after it. (So microvolts taken for volts give next to no
    window.)

    Parameters
    ----------
    bank : BandpassBank
        The filters.
    ch_names : sequence of str
        Names of the channels, the rows of a chunk.
    features : sequence of BandFeature
        What to compute.
    window, step : float
        In seconds; step None means the window.

    Attributes
    ----------
    columns : pandas.MultiIndex
        Names of the features, as in `FeatureTable`.
    n_times : int
        Samples seen so far, gaps included.
    settling : float
        Seconds after a restart of the filters in which a window may not begin to be trusted: 4,
        or more for slow or narrow bands, as `settling_time` has it.

    Examples
    --------
    >>> from eegtl.features import FeatureExtractor
    >>> stream = FeatureExtractor(window=2.0).start(sfreq=128.0, ch_names=["Fz", "Cz"])
    >>> rng = np.random.default_rng(0)
    >>> for seconds in (3, 4):
    ...     X, onsets = stream.push(1e-5 * rng.standard_normal((2, seconds * 128)))
    >>> X.shape, onsets.tolist()
    ((1, 10), [4.0])
    """

    def __init__(
        self,
        bank: BandpassBank,
        ch_names: Sequence[str],
        features: Sequence[BandFeature],
        window: float,
        step: float | None = None,
    ) -> None:
        self.sfreq = bank.sfreq
        if isinstance(ch_names, str):
            raise SignalError(f"ch_names is {ch_names!r}; give a list of names, one per channel")
        self.ch_names = tuple(ch_names)
        if not self.ch_names or len(set(self.ch_names)) != len(self.ch_names):
            raise SignalError(f"ch_names is {self.ch_names}; name each channel once")
        self.features = tuple(features)
        self.grid = WindowGrid(*window_samples(bank.sfreq, window, step))
        self.columns = _join([make_columns(f.name, self.ch_names, bank.bands) for f in features])
        self.n_times = 0
        self.settling = settling_time(bank)
        self._running = RunningBank(bank, len(self.ch_names), self.grid.segment_samples)
        self._in_gap = True
        self._filter_start = 0
        self._grid_start = 0

    def push(self, chunk: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Take the next samples; give the windows they complete, settled ones only.

        Parameters
        ----------
        chunk : array-like of shape (n_channels, n_times)
            Samples in volts, any number of them, zero included.

        Returns
        -------
        X : ndarray of shape (n_windows, n_features)
            Features.
        onsets : ndarray of shape (n_windows,)
            Start of each window in seconds from the first sample ever pushed.

        Raises
        ------
        SignalError
            When the chunk has the wrong shape or kind.
        """
        windows = self.process(chunk)
        settled = ~windows.settling
        return windows.X[settled], windows.starts[settled] / self.sfreq

    def mark(self) -> None:
        """Restart the window grid at the next sample, as a trial marker does."""
        self._running.new_segment()
        self.grid.restart()
        self._grid_start = self.n_times

    def process(self, chunk: ArrayLike, marks: Iterable[int] = ()) -> Windows:
        """Take the next samples; give all windows they complete, with their flags.

        Parameters
        ----------
        chunk : array-like of shape (n_channels, n_times)
            Samples in volts.
        marks : iterable of int
            Samples of this chunk at which the window grid restarts.

        Returns
        -------
        Windows
            In order of time.

        Raises
        ------
        SignalError
            When the chunk has the wrong shape or kind, or a mark lies outside.
        """
        data = self._check(chunk)
        n = data.shape[1]
        cuts = sorted({int(mark) for mark in marks})
        if cuts and not 0 <= cuts[0] <= cuts[-1] < n:
            raise SignalError(f"marks are at samples {cuts[0]} to {cuts[-1]} of a chunk of {n}")
        first = self.n_times
        parts: list[tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.bool_]]] = []
        seen = 0
        for start, stop in _usable_runs(data):
            self._in_gap |= start > seen
            seen = stop
            bounds = [start, *(cut for cut in cuts if start < cut < stop), stop]
            for begin, end in pairwise(bounds):
                if begin == end:
                    continue
                self.n_times = first + begin
                if self._in_gap:
                    self._running.restart(data[:, begin])
                    self._in_gap = False
                    self._filter_start = self.n_times
                    self.mark()
                elif begin in cuts:
                    self.mark()
                parts += self._windows(data, begin, end)
        self._in_gap |= seen < n
        self.n_times = first + n
        return self._collect(parts)

    def _check(self, chunk: ArrayLike) -> NDArray[np.float64]:
        """Return the chunk as the kernel needs it, without a copy where it already is so."""
        try:
            array = np.asarray(chunk)
        except ValueError as error:
            raise SignalError(f"the chunk is no array: {error}; give equal rows") from error
        if array.dtype.kind not in "fiu":
            raise SignalError(f"the chunk has the type {array.dtype}; give real numbers in volts")
        if array.ndim != 2 or array.shape[0] != len(self.ch_names):
            raise SignalError(
                f"the chunk has the shape {array.shape}; give ({len(self.ch_names)}, any number): "
                f"one row for each of {', '.join(self.ch_names)}"
            )
        # Writable and aligned too: numba would compile another kernel for what is not.
        return np.require(array, dtype=np.float64, requirements=["C", "A", "W"])

    def _windows(
        self, data: NDArray[np.float64], begin: int, end: int
    ) -> list[tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.bool_]]]:
        """Filter one stretch without gaps and marks; return variances, starts, settling."""
        parts = []
        for sums, squares in self._running.run(data, begin, end):
            offsets, variances = self.grid.push(sums, squares)
            if len(offsets):
                starts = offsets + self._grid_start
                settling = starts - self._filter_start < self.settling * self.sfreq
                parts.append((variances, starts, settling))
        return parts

    def _collect(
        self, parts: list[tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.bool_]]]
    ) -> Windows:
        """Turn variances into features."""
        if not parts:
            nothing = np.empty(0, dtype=np.bool_)
            return Windows(
                np.empty((0, len(self.columns))), np.empty(0, dtype=np.int64), nothing, nothing
            )
        variances, starts, settling = (np.concatenate(part) for part in zip(*parts, strict=True))
        variances *= 1e12  # V^2 to uV^2
        flat = variances.reshape(len(starts), -1).min(axis=1) < VARIANCE_FLOOR
        np.maximum(variances, VARIANCE_FLOOR, out=variances)
        X = np.concatenate(
            [feature.function(variances).reshape(len(starts), -1) for feature in self.features],
            axis=1,
        )
        return Windows(X, starts, settling, flat)


def _usable_runs(data: NDArray[np.float64]) -> list[tuple[int, int]]:
    """Return start and stop of each run of samples that are finite, to 1 V, in every channel."""
    n = data.shape[1]
    # The extremes answer the usual case; NaN in the data is one of them and compares as false.
    if n and data.min() >= -MAX_VOLTS and data.max() <= MAX_VOLTS:
        return [(0, n)]
    good = np.concatenate([[False], (np.abs(data) <= MAX_VOLTS).all(axis=0), [False]])
    edges = np.flatnonzero(good[1:] != good[:-1])
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))


def _join(indexes: Sequence[pd.MultiIndex]) -> pd.MultiIndex:
    """Put the columns of several features one after the other."""
    joined = indexes[0]
    for index in indexes[1:]:
        joined = joined.append(index)
    return joined
