"""`FeatureStream`: chunks of signal in, features of windows out. Offline is one big chunk."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import SignalError, SignalWarning
from ..preprocessing import BandpassBank, Chain, check_chunk, design_bank, usable_runs
from ..preprocessing.gaps import UnitCheck
from .columns import ColumnName, column_index
from .feature import Feature, Layout
from .marks import MarkedWindows, flag_texts
from .smoothing import LDS, MovingAverage, RunningSmoothing
from .sources import SOURCES, Source
from .windows import SETTLING, WindowGrid, Windows, settling_time, window_samples

if TYPE_CHECKING:
    import pandas as pd

#: Numbers that are worked on at a time; 2 MiB, so that they stay in the cache.
BLOCK_VALUES = 2**18

Designer = Callable[
    [float, Mapping[str, tuple[float, float]], tuple[float, float] | None], BandpassBank
]


class FeatureStream:
    """Computes features while the signal arrives, in chunks of any size.

    The state is that of the preprocessing and the filters, and at most one window of samples or
    sums; results do not depend on how the signal was cut. Samples that are not finite, or beyond
    1 V, in some channel are a gap: filters, window grid and smoothing restart after it. A first
    second in microvolts is refused.

    Parameters
    ----------
    sfreq : float
        Sampling rate in Hz.
    ch_names : sequence of str
        Names of the channels, the rows of a chunk.
    features : sequence of Feature
        What to compute.
    bands : mapping of str to (low, high)
        Band edges in Hz.
    window, step : float
        In seconds; step None means the window.
    passband : (low, high) or None
        What is known to be left in the signal, in Hz.
    preprocessing : Chain or None
        What the signal passes first.
    smoothing : MovingAverage, LDS or None
        What the features of the windows pass last, if it is causal.
    design : callable
        Designs the filters: `design_bank`, or something that keeps its results.

    Attributes
    ----------
    column_names : list of (feature, channel, band)
        Names of the features, the columns of the windows.
    columns : pandas.MultiIndex
        The same as in `FeatureTable`; made, with pandas, when it is asked for.
    n_features : int
        Number of columns.
    ch_names : tuple of str
        Names of the channels behind the preprocessing.
    bands : dict of str to (low, high)
        The bands in Hz, as clipped to what is left in the signal.
    sfreq : float
        Sampling rate behind the preprocessing, in Hz; windows are counted in its samples.
    chain : RunningChain
        The preprocessing at work.
    delay : float
        How much later than its last sample's time a window is complete, in seconds.
    n_times : int
        Samples pushed so far, gaps included.
    settling : float
        Seconds after a restart of the filters in which a window may not begin to be trusted: 4,
        or more for slow or narrow bands or filters before them (`settling_time`).

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
        sfreq: float,
        ch_names: Sequence[str],
        *,
        features: Sequence[Feature],
        bands: Mapping[str, tuple[float, float]],
        window: float,
        step: float | None = None,
        passband: tuple[float, float] | None = None,
        preprocessing: Chain | None = None,
        smoothing: MovingAverage | LDS | None = None,
        design: Designer = design_bank,
    ) -> None:
        chain = Chain.of(preprocessing)
        self._settings: dict[str, Any] = {
            "features": features,
            "bands": bands,
            "window": window,
            "step": step,
            "passband": passband,
            "preprocessing": chain,
            "smoothing": smoothing,
            "design": design,
        }
        self.chain = chain.start(sfreq, ch_names, passband, self._keep_for_marks)
        self._has_steps = bool(chain.steps)
        self._names_in = tuple(ch_names)
        self.sfreq_in = float(sfreq)
        self.sfreq, self.ch_names = self.chain.sfreq, self.chain.ch_names
        self.delay = self.chain.delay
        # A chain looks at units itself.
        self._units = None if chain.steps else UnitCheck(sfreq)
        bank = design(self.sfreq, bands, self.chain.passband)
        self.bands = dict(bank.bands)
        self.grid = WindowGrid(*window_samples(self.sfreq, window, step))
        self.features = tuple(features)
        self.column_names: list[ColumnName] = [
            name for f in features for name in f.column_names(self.ch_names, list(bank.bands))
        ]
        self.n_features = len(self.column_names)
        layout = Layout(self.ch_names, bank.bands, self.sfreq, self.grid.length)
        self._compute = [(feature.source, feature.prepare(layout)) for feature in features]
        kinds = {feature.source: SOURCES[feature.source] for feature in features}
        n_channels = len(self.ch_names)
        self._sources: dict[str, Source] = {
            name: kind(bank, n_channels, self.grid) for name, kind in kinds.items()
        }
        filtered = any(kind.filters for kind in kinds.values())
        own = settling_time(bank) if filtered else SETTLING
        self.settling = max(own, self.chain.settling)
        self._block_in = max(1, BLOCK_VALUES // len(self._names_in))
        # Sums over segments take no memory; windows of samples do, and overlap.
        overlap = -(-self.grid.length // self.grid.stride)
        self._block = max(1, BLOCK_VALUES // (n_channels * overlap))
        if list(kinds) == ["variances"]:
            self._block = sys.maxsize
        self._marked: MarkedWindows | None = None
        if self.chain.marks is not None and self.chain.marks_format is not None:
            self._marked = MarkedWindows(
                self.chain.marks, *self.chain.marks_format, self.sfreq, self.grid.length
            )
        self._smoother: RunningSmoothing | None = None
        if smoothing is not None:
            step_seconds = self.grid.stride / self.sfreq
            self._smoother = smoothing.start(self.n_features, step_seconds)
        self._smoothed: tuple[int, bool] | None = None
        self._none = Windows.none(self.n_features)
        self.n_times = 0
        self._n_out = 0
        self._pending: list[int] = []
        self._finished = False
        self._in_gap = True
        self._filter_start = 0
        self._grid_start = 0
        self._run = 0

    @cached_property
    def columns(self) -> pd.MultiIndex:
        """Names of the features, as in `FeatureTable`."""
        return column_index(self.column_names)

    @property
    def notes(self) -> tuple[str, ...]:
        """Choices that the preprocessing made for this signal, in words."""
        return self.chain.notes

    def warm_up(self) -> None:
        """Compile, load and import now what the first window would wait for.

        Another stream with these settings computes windows of noise; this one stays as it is.
        """
        n = int(np.ceil((1.0 + self.grid.length / self.sfreq) * self.sfreq_in))
        noise = 1e-5 * np.random.default_rng(0).standard_normal((len(self._names_in), n))
        with warnings.catch_warnings():
            # What is to be said was said at the start, or is about the noise.
            warnings.simplefilter("ignore", SignalWarning)
            twin = FeatureStream(self.sfreq_in, self._names_in, **self._settings)
            twin.process(noise)
            twin.finish()

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
            When the chunk has the wrong shape or kind, or the stream was finished.
        """
        windows = self.process(chunk)
        settled = ~windows.settling
        return windows.X[settled], windows.starts[settled] / self.sfreq

    def mark(self) -> None:
        """Restart the window grid and the smoothing at the next sample, as a trial marker does."""
        self._pending.append(int(self.output_samples(np.array(self.n_times))))

    def output_samples(self, samples: NDArray[np.int64]) -> NDArray[np.int64]:
        """Give the first samples behind the preprocessing that are not before given ones.

        Parameters
        ----------
        samples : ndarray of int
            Numbers of samples pushed.

        Returns
        -------
        ndarray of int
            Of the same shape; the same numbers where the sampling rate stays.
        """
        # Rounded, so that what is a whole number but for the last digit counts as one.
        exact = np.round(samples * (self.sfreq / self.sfreq_in), 6)
        return np.asarray(np.ceil(exact), dtype=np.int64)

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
            When the chunk has the wrong shape or kind, a mark lies outside, or the stream was
            finished.
        """
        self._check_open()
        data = check_chunk(chunk, self._names_in)
        n = data.shape[1]
        cuts = sorted({int(mark) for mark in marks})
        if cuts and not 0 <= cuts[0] <= cuts[-1] < n:
            raise SignalError(f"marks are at samples {cuts[0]} to {cuts[-1]} of a chunk of {n}")
        for cut in cuts:
            self._pending.append(int(self.output_samples(np.array(self.n_times + cut))))
        self.n_times += n
        if not self._has_steps:
            return self._collect(self._take(data))
        parts: list[Windows] = []
        # Blocks bound what the steps hold between them; one is made of an empty chunk, too.
        for start in range(0, max(n, 1), self._block_in):
            parts += self._take(self.chain.push(data[:, start : start + self._block_in]))
        return self._collect(parts)

    def finish(self) -> Windows:
        """End the stream: give the windows that what the preprocessing held back completes.

        Returns
        -------
        Windows
            In order of time. Nothing may be pushed any more.

        Raises
        ------
        SignalError
            When the stream was finished before.
        """
        self._check_open()
        self._finished = True
        return self._collect(self._take(self.chain.finish()))

    def _check_open(self) -> None:
        """Refuse a stream that was finished."""
        if self._finished:
            raise SignalError("the stream was finished; begin another with start(...)")

    def _keep_for_marks(self, chunk: NDArray[np.float64]) -> None:
        """Keep what passes the artefact marks."""
        if self._marked is not None:
            self._marked.append(chunk)

    def _take(self, chunk: NDArray[np.float64]) -> list[Windows]:
        """Take the next samples behind the preprocessing."""
        # Writable and aligned: numba would compile another kernel for what is not.
        data = chunk if chunk.flags.carray else np.require(chunk, requirements=["C", "A", "W"])
        n, first = data.shape[1], self._n_out
        cuts = [mark - first for mark in self._pending if mark < first + n]
        self._pending = self._pending[len(cuts) :]
        parts: list[Windows] = []
        runs = usable_runs(data)
        if self._units is not None and not self._units.look(data, runs):
            self._units = None
        seen = 0
        for start, stop in runs:
            self._in_gap |= start > seen
            seen = stop
            bounds = [start, *sorted({cut for cut in cuts if start < cut < stop}), stop]
            for begin, end in pairwise(bounds):
                if self._in_gap:
                    self._restart(first + begin, data[:, begin])
                elif begin in cuts:
                    self._restart(first + begin)
                parts += self._windows(data, begin, end)
        self._in_gap |= seen < n
        self._n_out = first + n
        if self._marked is not None:
            # A mark may restart the grid before the window that would come next begins.
            oldest = min(self._grid_start + self.grid.next_start, self._n_out)
            self._marked.forget(self._n_out if self._in_gap else oldest)
        return parts

    def _restart(self, at: int, sample: NDArray[np.float64] | None = None) -> None:
        """Restart the window grid at a sample, and the filters, too, where its values are given."""
        for source in self._sources.values():
            if sample is None:
                source.restart_grid()
            else:
                source.restart(sample)
        if sample is not None:
            self._in_gap = False
            self._filter_start = at
        self.grid.restart()
        self._grid_start = at
        self._run += 1

    def _windows(self, data: NDArray[np.float64], begin: int, end: int) -> list[Windows]:
        """Take one stretch without gaps and marks, block by block."""
        parts = []
        for start in range(begin, end, self._block):
            stop = min(end, start + self._block)
            starts = self._grid_start + self.grid.advance(stop - start)
            values = {name: source.run(data, start, stop) for name, source in self._sources.items()}
            if len(starts):
                parts.append(self._features(starts, values))
        return parts

    def _features(
        self,
        starts: NDArray[np.int64],
        values: Mapping[str, tuple[NDArray[np.float64], NDArray[np.bool_]]],
    ) -> Windows:
        """Compute the features of windows of one run of the grid."""
        n = len(starts)
        X = np.concatenate(
            [compute(values[source][0]).reshape(n, -1) for source, compute in self._compute],
            axis=1,
        )
        settling = starts - self._filter_start < self.settling * self.sfreq
        flat = np.logical_or.reduce([flat for _, flat in values.values()])
        if self._marked is None:
            flags = flag_texts(None, (), (), flat)
        else:
            judged = self._marked.judge(starts)
            flags = flag_texts(judged, self._marked.ch_names, self._marked.kinds, flat)
        if self._smoother is not None:
            # Settling windows come first in a run; what they hold must not pass to the others.
            settled = int(settling.sum())
            for part, kind in ((slice(0, settled), True), (slice(settled, n), False)):
                if part.start < part.stop:
                    X[part] = self._smooth(X[part], (self._run, kind))
        return Windows(X, starts, settling, flat, flags, np.full(n, self._run, dtype=np.int64))

    def _smooth(self, X: NDArray[np.float64], group: tuple[int, bool]) -> NDArray[np.float64]:
        """Smooth windows with those before them in their group."""
        assert self._smoother is not None
        if group != self._smoothed:
            self._smoother.restart()
            self._smoothed = group
        return self._smoother.push(X)

    def _collect(self, parts: Sequence[Windows]) -> Windows:
        """Join the windows of one call."""
        if len(parts) > 1:
            return Windows.join(parts)
        return parts[0] if parts else self._none
