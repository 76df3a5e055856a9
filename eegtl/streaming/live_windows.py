"""From chunks with time stamps to windows with features, quality and labels: offline's objects."""

from __future__ import annotations

from bisect import insort
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..features.buffer import SampleBuffer
from ..features.stream import FeatureStream
from ..features.windows import Windows
from ..preprocessing import ArtefactMarks, usable_runs
from .clock import Piece, StreamClock

Floats = NDArray[np.float64]
#: (what happened, details)
Emit = Callable[[str, Mapping[str, Any]], None]
#: a mark that waits for its sample: time, its number, label, duration
_Waiting = tuple[float, int, str, float]

#: Marks that wait for their sample; further ones are lost.
MAX_MARKS = 1000
#: Seconds that a mark may lie apart from the newest sample; more is another clock.
FAR = 86_400.0
#: Faults of the signal that a channel can have in a window, besides `ArtefactMarks`' kinds.
IDENTICAL = "identical"
#: Rows of the buffer behind those of the signal, from its end.
_DATES, _STAMP, _NUMBER = 3, -3, -2
_OTHER_CLOCK = "its time is of another clock than the samples'"
#: Seconds ahead of the newest sample from which a mark is told to wait.
EARLY = 10.0


@dataclass(frozen=True, eq=False)
class LiveWindow:
    """One window, complete.

    Attributes
    ----------
    X : ndarray of shape (n_features,)
    onset, time : float
        Stamps of its first and its newest sample, in seconds of the stream's clock. Where stamps
        go back a little, each sample has the newest stamp so far.
    sample : int
        Number of its newest sample, of those taken.
    label : str or None
        The newest mark at its first sample; None where the mark's duration ends before the window.
    settling : bool
        Whether the filters had not settled when it began.
    run : int
        Windows of the same run follow each other without gap or mark.
    faults : mapping of str to tuple of str
        Channels with faults, and which.
    """

    X: Floats
    onset: float
    time: float
    sample: int
    label: str | None
    settling: bool
    run: int
    faults: Mapping[str, tuple[str, ...]]


class LiveWindows:
    """Takes chunks and their stamps; gives the windows that they complete.

    Memory is bounded: two windows of signal, and at most 1000 marks.

    Parameters
    ----------
    stream : FeatureStream
        Fresh.
    ch_names : tuple of str
        Of the chunks' rows.
    sfreq : float
        Of the chunks, in Hz.
    quality : ArtefactMarks
        What is a fault; it judges the signal as it arrives.
    emit : callable
        Is told of gaps, samples that were left out or are no signal, jumps, and marks.
    judged : tuple of str, optional
        The channels that faults are looked for in; by default all.

    Attributes
    ----------
    clock : StreamClock
    n_taken : int
        Samples taken; those that were left out do not count.
    newest : float
        Stamp of the newest sample taken; NaN before the first.
    offset : float
        By how much the clock of the stamps has jumped since the first sample, in seconds.
    """

    def __init__(
        self,
        stream: FeatureStream,
        ch_names: tuple[str, ...],
        sfreq: float,
        quality: ArtefactMarks,
        emit: Emit,
        judged: tuple[str, ...] | None = None,
    ) -> None:
        self.stream, self.ch_names, self.sfreq = stream, ch_names, float(sfreq)
        self.clock = StreamClock(sfreq)
        self.n_taken = 0
        self.newest, self.offset = np.nan, 0.0
        self._quality, self._emit = quality, emit
        self._judged = ch_names if judged is None else judged
        self._judged_rows = [ch_names.index(name) for name in self._judged]
        ratio = self.sfreq / stream.sfreq
        self._ratio = ratio
        self._length = max(2, int(np.floor(round(stream.grid.length * ratio, 6))))
        stride = int(np.ceil(stream.grid.stride * ratio))
        self._keep = self._length + stride + int(np.ceil((stream.delay + 1) * self.sfreq))
        # the signal, stamps that never go back, the number of each sample among those taken, and
        # its own stamp
        self._buffer = SampleBuffer(len(ch_names) + _DATES)
        self._waiting: list[_Waiting] = []
        self._n_marks = 0
        # the first sample of each, the one at which it ends, and what it says
        self._labels: deque[tuple[int, float, str]] = deque(maxlen=MAX_MARKS)
        self._is_usable = True

    def mark(self, label: str, time: float, duration: float = 0.0) -> None:
        """Take a mark: windows restart at the first sample that is not before it.

        Parameters
        ----------
        label : str
        time : float
            In seconds of the stream's clock. Where samples after it have been taken, windows
            restart at the next sample, and an event ``late_mark`` says by how much. A mark that
            cannot be placed is lost, and an event ``mark_lost`` says why.
        duration : float
            Seconds of signal that the label holds for, as offline a trial does; 0 for up to the
            next mark. Windows go on where it ends.
        """
        why = ""
        if not np.isfinite(time):
            why = "its time is no number"
        elif abs(time - self.newest) > FAR:
            why = _OTHER_CLOCK
        elif len(self._waiting) >= MAX_MARKS:
            why = f"{MAX_MARKS} marks wait for their samples already"
        if why:
            self._lose([(float(time), 0, str(label), duration)], why)
            return
        if time - self.newest > EARLY:
            ahead = float(time - self.newest)
            self._emit("early_mark", {"label": str(label), "seconds": ahead})
        self._n_marks += 1
        insort(self._waiting, (float(time), self._n_marks, str(label), float(duration)))

    def push(self, chunk: Floats, stamps: Floats) -> Iterator[LiveWindow]:
        """Take the next samples.

        Parameters
        ----------
        chunk : ndarray of shape (n_channels, n)
            Volts.
        stamps : ndarray of shape (n,)
            Seconds.

        Returns
        -------
        iterator of LiveWindow
            Each piece of the chunk is worked on when its windows are asked for, so that events
            and windows come in the order of time; ask for all of them.
        """
        late, unusable = self.clock.n_late, self.clock.n_unusable
        pieces = self.clock.take(stamps, lambda place: self._came_before(chunk, stamps, place))
        n_late, n_unusable = self.clock.n_late - late, self.clock.n_unusable - unusable
        if n_late or n_unusable:
            self._emit("left_out", {"late": n_late, "without_stamp": n_unusable})
        return self._windows_of(chunk, stamps, pieces)

    def forget(self) -> None:
        """Restart at the next sample, without the marks and windows there were."""
        self._waiting.clear()
        self._labels.clear()
        self.interrupt()

    def interrupt(self) -> list[LiveWindow]:
        """Restart filters and windows at the next sample, as a gap does.

        Returns
        -------
        list of LiveWindow
            Those that the preprocessing had held back.
        """
        gap = np.full((len(self.ch_names) + _DATES, 1), np.nan)
        self._buffer.append(gap)
        return self._complete(self.stream.process(gap[:-_DATES]))

    def _windows_of(
        self, chunk: Floats, stamps: Floats, pieces: list[Piece]
    ) -> Iterator[LiveWindow]:
        for piece in pieces:
            if piece.anomaly:
                yield from self.interrupt()
                self._emit(piece.anomaly, {"seconds": piece.seconds})
            if piece.anomaly == "clock_jump":
                self.offset += piece.seconds
                self.newest = np.nan
                lost, self._waiting = self._waiting, []
                self._lose(lost, "the clock jumped before its sample came")
            part = slice(piece.start, piece.stop)
            yield from self._take(chunk[:, part], stamps[part])

    def _take(self, data: Floats, stamps: Floats) -> list[LiveWindow]:
        """Take samples that follow each other."""
        # marks are placed, and windows dated, by stamps that never go back
        own = stamps
        stamps = np.maximum.accumulate(np.fmax(stamps, self.newest))
        marks = self._place_marks(stamps) if self._waiting else []
        n = data.shape[1]
        numbers = np.arange(self.n_taken, self.n_taken + n)
        self._buffer.append(data, stamps[None], numbers[None], own[None])
        self._look_at_signal(data)
        self.n_taken += n
        self.newest = float(stamps[-1])
        return self._complete(self.stream.process(data, marks))

    def _came_before(self, chunk: Floats, stamps: Floats, place: int) -> bool:
        """Say whether a sample equals an earlier one that has its stamp."""
        earlier = chunk[:, :place][:, stamps[:place] == stamps[place]]
        if (earlier == chunk[:, place, None]).all(axis=0).any():
            return True
        buffer = self._buffer
        held = buffer.windows(np.array([buffer.first]), buffer.end - buffer.first)[0]
        kept = held[:-_DATES, held[-1] == stamps[place]]
        return bool((kept == chunk[:, place, None]).all(axis=0).any())

    def _lose(self, marks: list[_Waiting], why: str) -> None:
        """Tell of marks that find no sample."""
        for time, _, label, _ in marks:
            self._emit("mark_lost", {"label": label, "mark_time": time, "why": why})

    def _place_marks(self, stamps: Floats) -> list[int]:
        """Find the samples at which windows restart."""
        if np.isnan(self.newest):  # only now it can be told whose clock they are of
            far = [entry for entry in self._waiting if entry[0] - stamps[-1] > FAR]
            self._waiting = [entry for entry in self._waiting if entry not in far]
            self._lose(far, _OTHER_CLOCK)
        marks = []
        while self._waiting and self._waiting[0][0] <= stamps[-1]:
            mark = self._waiting.pop(0)
            time, _, label, duration = mark
            if stamps[-1] - time > FAR:
                self._lose([mark], _OTHER_CLOCK)
                continue
            place = int(np.searchsorted(stamps, time))
            if place == 0 and time <= self.newest:
                self._emit("late_mark", {"label": label, "seconds": float(stamps[0] - time)})
            marks.append(place)
            begin = self._buffer.end + place
            self._labels.append((begin, begin + self._samples_of(duration), label))
            self._emit("mark", {"label": label, "mark_time": time})
        return marks

    def _look_at_signal(self, data: Floats) -> None:
        """Tell where samples begin that no feature can be made of: the signal has a gap there."""
        n = data.shape[1]
        runs = usable_runs(data)
        if self._is_usable and runs == [(0, n)]:
            return
        edges = [0, *(edge for run in runs for edge in run), n]
        for start, stop in zip(edges[::2], edges[1::2], strict=True):
            if start == stop:
                continue
            if start or self._is_usable:
                rows = zip(self.ch_names, data[:, start:stop], strict=True)
                whole = [(0, stop - start)]
                lost = [name for name, row in rows if usable_runs(row[None]) != whole]
                self._emit("no_signal", {"channels": lost})
        self._is_usable = bool(runs) and runs[-1][1] == n

    def _complete(self, windows: Windows) -> list[LiveWindow]:
        """Give the windows, and forget what no later one needs."""
        complete = self._dated(windows) if len(windows.starts) else []
        self._buffer.forget(self._buffer.end - self._keep)
        return complete

    def _dated(self, windows: Windows) -> list[LiveWindow]:
        """Add to windows what is known of their samples."""
        starts = np.round(windows.starts * self._ratio).astype(np.int64)
        cut = self._cut(starts)
        own = cut[:, :-_DATES]
        faults = self._faults(own if self._judged == self.ch_names else own[:, self._judged_rows])
        return [
            LiveWindow(
                windows.X[i],
                float(cut[i, _STAMP, 0]),
                float(cut[i, _STAMP, -1]),
                int(cut[i, _NUMBER, -1]),
                self._label_of(int(starts[i])),
                bool(windows.settling[i]),
                int(windows.runs[i]),
                faults[i],
            )
            for i in range(len(starts))
        ]

    def _cut(self, starts: NDArray[np.int64]) -> Floats:
        """Cut the samples of windows out of the buffer.

        At rates that do not divide, a window in front of a gap may lack the last one or two; the
        last that is there stands for them.
        """
        there = np.minimum(self._length, self._buffer.end - starts)
        if (there == self._length).all():
            out = self._buffer.windows(starts, self._length)
        else:
            out = np.full((len(starts), len(self.ch_names) + _DATES, self._length), np.nan)
            for window, start, length in zip(out, starts, there.tolist(), strict=True):
                window[:, :length] = self._buffer.windows(start[None], length)[0]
        for row in np.flatnonzero(np.isnan(out[:, _NUMBER]).any(axis=1)):
            end = int(np.argmax(np.isnan(out[row, _NUMBER])))
            out[row, :, end:] = out[row, :, end - 1 : end]
        return out

    def _samples_of(self, duration: float) -> float:
        """Give the samples of a duration, halves upwards as for trials; infinite if not known."""
        if not 0 < duration < np.inf:
            return np.inf
        return float(np.floor(round(duration * self.sfreq, 6) + 0.5))

    def _label_of(self, start: int) -> str | None:
        """Give the label of the window at a sample; older marks are not needed again."""
        while len(self._labels) > 1 and self._labels[1][0] <= start:
            self._labels.popleft()
        if self._labels:
            begin, end, label = self._labels[0]
            if begin <= start and start + self._length <= end:
                return label
        return None

    def _faults(self, windows: Floats) -> list[dict[str, tuple[str, ...]]]:
        """Say which channels have which faults in each window."""
        judged = self._quality.judge(windows, self.sfreq)
        kinds = self._quality.KINDS
        found = []
        for window, marks in zip(windows, judged, strict=True):
            bad = {}
            for channel in np.flatnonzero(marks.any(axis=1)).tolist():
                marked = zip(kinds, marks[channel].tolist(), strict=True)
                bad[self._judged[channel]] = tuple(kind for kind, is_bad in marked if is_bad)
            for name in _identical(window, self._judged):
                bad[name] = (*bad.get(name, ()), IDENTICAL)
            found.append(bad)
        return found


def _identical(window: Floats, ch_names: tuple[str, ...]) -> list[str]:
    """Name channels that hold the very same samples: one electrode, or one wire, for two."""
    first: dict[bytes, str] = {}
    same: dict[str, None] = {}
    ends = [row.tobytes() for row in window[:, [0, -1]]]
    if len(set(ends)) == len(ends):  # the usual case, without a look at all samples
        return []
    for name, row in zip(ch_names, window, strict=True):
        twin = first.setdefault(row.tobytes(), name)
        if twin != name:
            same.update({twin: None, name: None})
    return list(same)
