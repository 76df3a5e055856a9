"""Where features get their windows from: the signal, its bands, and the variances of bands.

A source takes stretches of good samples in volts and gives, for each window that they complete,
what a feature is made of, in microvolts. All sources of a stream get the same stretches and
are told of the same restarts, so that they complete the same windows.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import signal

from ..preprocessing import BandpassBank, RunningBank
from .buffer import SampleBuffer
from .feature import VARIANCE_FLOOR, Floats
from .spectral import band_bins, spectral_variances, taper
from .windows import SegmentSums, WindowGrid

_UV = 1e6  # microvolts in a volt


Flat = NDArray[np.bool_]


class Source(Protocol):
    """What a stream asks of a source."""

    def restart(self, sample: Floats) -> None:
        """Forget everything; `sample` (n_channels,) is the first one after a gap."""

    def restart_grid(self) -> None:
        """Begin a new grid of windows at the next sample; filters run on."""

    def run(self, data: Floats, begin: int, end: int) -> tuple[Floats, Flat]:
        """Take the samples begin..end of (n_channels, n_times); give the windows they complete.

        For each window it says, too, whether a channel has less variance than the floor.
        """


class BandVariances:
    """Variances of the bands by the filter bank, (n_windows, n_channels, n_bands) in uV^2."""

    filters = True

    def __init__(self, bank: BandpassBank, n_channels: int, grid: WindowGrid) -> None:
        self._running = RunningBank(bank, n_channels, grid.segment_samples)
        self._sums = SegmentSums(grid)
        self._shape = (0, n_channels, len(bank.bands))

    def restart(self, sample: Floats) -> None:
        """Put the filters in the steady state of the sample."""
        self._running.restart(sample)
        self._sums.restart()

    def restart_grid(self) -> None:
        """Begin a new segment."""
        self._running.new_segment()
        self._sums.restart()

    def run(self, data: Floats, begin: int, end: int) -> tuple[Floats, Flat]:
        """Filter, and join the sums of segments."""
        parts = [self._sums.push(*sums) for sums in self._running.run(data, begin, end)]
        if not parts:
            return np.empty(self._shape), np.empty(0, dtype=np.bool_)
        return _floored(np.concatenate(parts) * _UV**2)


class SignalWindows:
    """Windows of the signal, (n_windows, n_channels, length) in uV."""

    filters = False

    def __init__(self, bank: BandpassBank, n_channels: int, grid: WindowGrid) -> None:
        self._cutter = _Cutter(n_channels, grid)

    def restart(self, sample: Floats) -> None:
        """Drop what is kept."""
        self._cutter.restart()

    def restart_grid(self) -> None:
        """Drop what is kept."""
        self._cutter.restart()

    def run(self, data: Floats, begin: int, end: int) -> tuple[Floats, Flat]:
        """Cut windows."""
        windows = self._cutter.push(data[:, begin:end])
        return windows, _flat(windows.var(axis=-1))


class SpectrumVariances:
    """Variances of the bands by the STFT, (n_windows, n_channels, n_bands) in uV^2."""

    filters = False

    def __init__(self, bank: BandpassBank, n_channels: int, grid: WindowGrid) -> None:
        self._cutter = _Cutter(n_channels, grid)
        self._taper = taper(grid.length)
        self._weights = band_bins(grid.length, bank.sfreq, bank.bands)

    def restart(self, sample: Floats) -> None:
        """Drop what is kept."""
        self._cutter.restart()

    def restart_grid(self) -> None:
        """Drop what is kept."""
        self._cutter.restart()

    def run(self, data: Floats, begin: int, end: int) -> tuple[Floats, Flat]:
        """Cut windows and transform them."""
        windows = self._cutter.push(data[:, begin:end])
        return _floored(spectral_variances(windows, self._taper, self._weights))


class BandSignals:
    """Windows of the band-passed signal, (n_windows, n_bands, n_channels, length) in uV."""

    filters = True

    def __init__(self, bank: BandpassBank, n_channels: int, grid: WindowGrid) -> None:
        self._sos = bank.sos()
        self._steady = [signal.sosfilt_zi(sos)[:, None, :] for sos in self._sos]
        self._shape = (len(self._sos), n_channels, grid.length)
        self._cutter = _Cutter(len(self._sos) * n_channels, grid)
        self.restart(np.zeros(n_channels))

    def restart(self, sample: Floats) -> None:
        """Put the filters in the steady state of the sample."""
        self._states = [steady * sample[None, :, None] for steady in self._steady]
        self._cutter.restart()

    def restart_grid(self) -> None:
        """Drop what is kept; the filters run on."""
        self._cutter.restart()

    def run(self, data: Floats, begin: int, end: int) -> tuple[Floats, Flat]:
        """Filter and cut windows."""
        n_bands, n_channels, _ = self._shape
        filtered = np.empty((n_bands, n_channels, end - begin))
        for band, sos in enumerate(self._sos):
            filtered[band], self._states[band] = signal.sosfilt(
                sos, data[:, begin:end], axis=1, zi=self._states[band]
            )
        windows = self._cutter.push(filtered.reshape(n_bands * n_channels, -1))
        windows = windows.reshape(-1, *self._shape)
        return windows, _flat(windows.var(axis=-1))


#: Every source, by the name that records of features have for it.
SOURCES: dict[str, type[BandVariances | SignalWindows | SpectrumVariances | BandSignals]] = {
    "variances": BandVariances,
    "spectrum": SpectrumVariances,
    "signal": SignalWindows,
    "band_signals": BandSignals,
}


class _Cutter:
    """Cuts windows from a signal that comes in pieces; holds no more than one window of it."""

    def __init__(self, n_rows: int, grid: WindowGrid) -> None:
        self._grid = WindowGrid(grid.length, grid.stride)
        self._n_rows = n_rows
        self.restart()

    def restart(self) -> None:
        """Begin a new grid at the next sample."""
        self._grid.restart()
        self._buffer = SampleBuffer(self._n_rows)

    def push(self, data: Floats) -> Floats:
        """Take samples (n_rows, n_times) in volts; give the windows they complete in uV."""
        self._buffer.append(data)
        starts = self._grid.advance(data.shape[1])
        if not len(starts):
            return np.empty((0, self._n_rows, self._grid.length))
        windows = self._buffer.windows(starts, self._grid.length)
        self._buffer.forget(self._grid.next_start)
        windows *= _UV
        return windows


def _floored(variances: Floats) -> tuple[Floats, Flat]:
    """Raise variances to the floor, and mark the windows in which one was below."""
    flat = _flat(variances)
    np.maximum(variances, VARIANCE_FLOOR, out=variances)
    return variances, flat


def _flat(variances: Floats) -> Flat:
    """Mark windows in which a variance is below the floor."""
    return np.asarray((variances < VARIANCE_FLOOR).any(axis=tuple(range(1, variances.ndim))))
