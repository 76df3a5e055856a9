"""`Dropouts`: packets that a wireless headset lost and filled with zeros."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError, SignalError
from .format import Floats, Format, is_number, is_whole
from .step import RunningStep, Step


@dataclass(frozen=True)
class Dropouts(Step):
    """Bridge runs of exact zeros on single channels by straight lines; make long ones gaps.

    A wireless headset that loses a packet of one electrode may write zeros in its place, in a
    signal that is nowhere near zero: the steps up and down are broad-band power that no brain
    made. Put this step first; behind a filter or another reference the zeros are zeros no more.

    A line runs from the last sample before the zeros to the first one behind them; at an end of
    the signal, or at a gap, the one neighbour is continued. Zeros that are too long for a line,
    or have no neighbour, become a gap: NaN in all channels. All other samples pass unchanged.

    Parameters
    ----------
    samples : int
        Least number of zeros in a row that count as lost. Fewer occur by chance where the signal
        is stored in coarse steps: in steps of q volts, a share q / (sd sqrt(2 pi)) of the samples
        of a channel with that standard deviation is zero.
    longest : float
        The longest run in seconds that is bridged.

    Raises
    ------
    InputError
        When a setting is out of range.

    Notes
    -----
    The running step states `longest` as its delay: it must see the end of a run. A reference
    electrode stored as zeros throughout would make everything a gap; leave it out with
    `Channels`.

    Examples
    --------
    >>> chunk = np.r_[3.0, np.zeros(6), 10.0, np.full(90, 9.0)][None] * 1e-6
    >>> (1e6 * Dropouts().start(256.0, ["TP9"]).push(chunk)[0, :8]).round(6).tolist()
    [3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0]
    """

    samples: int = 6
    longest: float = 0.25
    name: ClassVar[str] = "dropouts"

    def __post_init__(self) -> None:
        super().__post_init__()
        if not is_whole(self.samples, 2):
            raise InputError(
                f"samples is {self.samples!r}; give a whole number of at least 2, for example 6"
            )
        if not is_number(self.longest) or self.longest <= 0:
            raise InputError(f"longest is {self.longest!r}; give seconds above 0, for example 0.25")

    def _begin(self, before: Format) -> RunningStep:
        """Count the longest run in samples."""
        longest = round(self.longest * before.sfreq)
        if longest < self.samples:
            raise SignalError(
                f"longest is {self.longest:g} s, which at {before.sfreq:g} Hz holds {longest} "
                f"samples, and runs count from {self.samples} samples on; choose a longer one, "
                f"such as {self.samples / before.sfreq:.2g} s, or fewer samples"
            )
        engine = DropoutEngine(self.samples, longest, len(before.ch_names))
        return RunningStep(engine, before, before, delay=longest / before.sfreq)


class DropoutEngine:
    """Holds `longest` samples back, so that every run is decided on before it leaves."""

    def __init__(self, samples: int, longest: int, n_channels: int) -> None:
        self._samples, self._longest = samples, longest
        self._n_channels = n_channels
        self.restart(np.zeros(n_channels), 0)

    def restart(self, sample: Floats, position: int) -> None:
        """Begin another run of samples."""
        self._held = np.empty((self._n_channels, 0))
        self._lost = np.zeros(0, dtype=np.bool_)  # of the samples held, those that become a gap
        self._zeros = np.zeros(self._n_channels, dtype=np.intp)  # in a row at the end, so far
        self._left = np.full(self._n_channels, np.nan)  # the last sample that left

    def run(self, data: Floats) -> Floats:
        """Decide on the runs that end, and on those that are too long; give what is due."""
        n_held = self._held.shape[1]
        signal = np.concatenate([self._held, data], axis=1)
        self._lost = np.concatenate([self._lost, np.zeros(data.shape[1], dtype=np.bool_)])
        zero = data == 0
        for row in np.flatnonzero(zero.any(axis=1) | (self._zeros > 0)):
            self._look(row, signal, zero[row], n_held)
        return self._give(signal, max(0, signal.shape[1] - self._longest))

    def finish(self) -> Floats:
        """Decide on the runs that are open at the end; give the rest."""
        signal, n = self._held, self._held.shape[1]
        for row in np.flatnonzero(self._zeros):
            self._mend(row, signal, n - self._zeros[row], n)
        return self._give(signal, n)

    def _look(self, row: np.intp, signal: Floats, zero: NDArray[np.bool_], n_held: int) -> None:
        """Find the runs of one channel that end in the new samples, or are too long already."""
        edges = np.flatnonzero(np.diff(np.concatenate([[False], zero, [False]]))) + n_held
        starts, stops = edges[::2].tolist(), edges[1::2].tolist()
        if self._zeros[row]:  # a run was open: it goes on, or it ended with the samples held
            if starts and starts[0] == n_held:
                starts.pop(0)
            else:
                stops.insert(0, n_held)
            starts.insert(0, n_held - int(self._zeros[row]))
        n = signal.shape[1]
        self._zeros[row] = n - starts[-1] if zero[-1] else 0
        for start, stop in zip(starts, stops, strict=True):
            if stop < n or stop - start > self._longest:
                self._mend(row, signal, start, stop)

    def _mend(self, row: np.intp, signal: Floats, start: int, stop: int) -> None:
        """Bridge the zeros start..stop of a channel, or give them up."""
        length = stop - start
        if length < self._samples:
            return
        before = signal[row, start - 1] if start > 0 else self._left[row]
        after = signal[row, stop] if stop < signal.shape[1] else before
        before = after if np.isnan(before) else before
        if length > self._longest or np.isnan(before):
            self._lost[max(0, start) : stop] = True
            return
        signal[row, start:stop] = before + (after - before) * np.arange(1, length + 1) / (
            length + 1
        )

    def _give(self, signal: Floats, due: int) -> Floats:
        """Let the first samples leave; keep the others."""
        if due:
            self._left = signal[:, due - 1].copy()
        out = signal[:, :due].copy()
        out[:, self._lost[:due]] = np.nan
        self._held, self._lost = signal[:, due:].copy(), self._lost[due:].copy()
        return out
