"""Time stamps of a stream as they come: gaps, late samples, jumps, and the rate that arrives."""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from math import isnan
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError

Floats = NDArray[np.float64]

#: Samples from one stamp to the next that are still no gap in a stream of regular stamps.
REGULAR = 2.5
#: Steps longer than this many times the longest usual one are a gap.
BATCHES = 1.5
#: Seconds in which the usual steps of a stream are learnt; longer steps are never usual.
LEARNING, LONGEST_USUAL = 2.0, 0.25
#: How often a step must have been so long to be usual: once or twice, it may have been a loss.
USUAL = 3
#: Seconds that a stamp may lie before the newest one; more is another clock.
LATE = 1.0
#: Gaps of which it is remembered that what is missing may yet come.
_HOLES = 16
#: Seconds a step forwards may have and be a gap; more is another clock.
LONGEST_GAP = 3600.0
#: Seconds over which the effective rate is measured.
RATE_SPAN = 10.0
_COUNT_EVERY = 0.25
_MOST_COUNTS = 60
#: Samples that are judged at once.
_BLOCK = 1024

CameBefore = Callable[[int], bool]


def _by_stamp(place: int) -> bool:
    """Take samples with the same stamp for the same sample."""
    return True


@dataclass(frozen=True)
class Piece:
    """Samples of a chunk that belong together.

    Attributes
    ----------
    start, stop : int
        Their places in the chunk.
    anomaly : str
        What happened just before the first: ``""``, ``gap``, ``clock_jump``.
    seconds : float
        By how much the stamps are off there: what a gap lasted, how far the clock jumped.
    """

    start: int
    stop: int
    anomaly: str = ""
    seconds: float = 0.0


def _join(pieces: list[Piece], piece: Piece) -> None:
    """Add a piece; one that goes on where the last ended is part of it."""
    if pieces and not piece.anomaly and pieces[-1].stop == piece.start:
        last = pieces[-1]
        piece = Piece(last.start, piece.stop, last.anomaly, last.seconds)
        del pieces[-1]
    pieces.append(piece)


class StreamClock:
    """Judges the stamps of a stream, sample by sample: cutting it into chunks changes nothing.

    A step from one stamp to the next is usual up to 2.5 samples. Headsets that stamp whole batches
    have longer ones: what three steps of the first 2 s reach (at most 0.25 s) is usual, and 1.5
    times as much no gap.

    A stamp may lie up to 1 s before the newest one: packets that are stamped on arrival, and
    counted backwards, overlap. The sample is the next one all the same, unless it is late and
    left out: the same stamp was there before (a packet came twice), or it lies in a gap (packets
    came in the wrong order, and the gap was told). Steps further back, or more than an hour ahead,
    are jumps of the clock: time starts anew there. Packets of one stamp for all samples cannot be
    told from their repetition, which then is as a packet more.

    Parameters
    ----------
    sfreq : float
        Nominal sampling rate in Hz.

    Attributes
    ----------
    newest : float
        The newest stamp; NaN before the first.
    n_late, n_unusable : int
        Samples that were left out: late ones, and those whose stamp is no number.
    n_taken : int
        Samples that were not.

    Examples
    --------
    >>> clock = StreamClock(100.0)
    >>> stamps = np.array([0.0, 0.01, 0.02, 0.40, 0.41])
    >>> [(piece.start, piece.stop, piece.anomaly) for piece in clock.take(stamps)]
    [(0, 3, ''), (3, 5, 'gap')]
    """

    def __init__(self, sfreq: float) -> None:
        if not 0 < sfreq < np.inf:
            raise InputError(f"a stream needs a positive sampling rate; got {sfreq!r} Hz.")
        self.sfreq = float(sfreq)
        self.newest = np.nan
        self.n_late = self.n_unusable = self.n_taken = 0
        self._counts: deque[tuple[int, float, int]] = deque()
        self._stretch = 0  # how often counting had to begin anew
        self._restart()

    def _restart(self) -> None:
        self._begin = np.nan
        self._longest = [0.0] * USUAL  # the longest steps, rising
        self._recent: deque[float] = deque(maxlen=max(1, int(np.ceil(LATE * self.sfreq))))
        self._holes: deque[tuple[float, float]] = deque(maxlen=_HOLES)
        self._is_late = False  # the sample before was left out
        self._stretch += 1

    @property
    def tolerance(self) -> float:
        """Seconds that a step may have without being a gap."""
        return max(REGULAR / self.sfreq, BATCHES * self._longest[0])

    def take(self, stamps: Any, came_before: CameBefore = _by_stamp) -> list[Piece]:
        """Judge the stamps of the next samples.

        Parameters
        ----------
        stamps : array-like of shape (n,)
            Seconds, one a sample.
        came_before : callable
            Says of a place in `stamps` whether the sample there equals an earlier one with its
            stamp: stamps in whole milliseconds may agree by chance. By default it does.

        Returns
        -------
        list of Piece
            In order; late and unusable samples are in none.
        """
        times = np.asarray(stamps, dtype=np.float64)
        while len(self._counts) > _MOST_COUNTS:  # nobody has asked for the rate
            self._counts.popleft()
        pieces: list[Piece] = []
        # in blocks, so that one odd stamp makes a closer look at its neighbours only
        for start in range(0, len(times), _BLOCK):
            block = times[start : start + _BLOCK]
            if self._is_usual(block):
                self._advance(block)
                _join(pieces, Piece(start, start + len(block)))
                continue
            for place, time in enumerate(block.tolist(), start):
                judged = self._judge(time, place, came_before)
                if judged is not None:
                    _join(pieces, Piece(place, place + 1, *judged))
        return pieces

    def effective_rate(self, sample: int | None = None) -> float:
        """Give the rate at which samples came over the last 10 s without an anomaly.

        Counts from before those 10 s are forgotten: ask for rising samples.

        Parameters
        ----------
        sample : int, optional
            Up to which of the samples taken, numbered from 0; by default the newest.

        Returns
        -------
        float
            Hz; NaN before 2 s have passed, by the stamps or by the nominal rate: samples whose
            stamps hardly rise come at a rate far too high.
        """
        last = self.n_taken - 1 if sample is None else sample
        at = bisect_right(self._counts, (last, np.inf, 0)) - 1
        if at < 0:
            return np.nan
        number, stop, stretch = self._counts[at]
        if isnan(stop):
            return np.nan
        while self._counts[0][2] != stretch or not self._counts[0][1] >= stop - RATE_SPAN:
            self._counts.popleft()
        first, start, _ = self._counts[0]
        if stop - start >= LEARNING:
            return (number - first) / (stop - start)
        if last - first <= 2 * LEARNING * self.sfreq:
            return np.nan
        return (number - first) / (stop - start) if stop > start else np.inf

    def _is_usual(self, times: Floats) -> bool:
        """Say whether no step needs a closer look; while the usual is learnt, all do."""
        if not self.newest - self._begin > LEARNING or self._is_late:
            return False
        tolerance = self.tolerance
        # NaN compares as false
        if not 0 <= float(times[0]) - self.newest <= tolerance:
            return False
        # an infinite stamp makes an infinite step, or a NaN
        with np.errstate(invalid="ignore", over="ignore"):
            steps = times[1:] - times[:-1]
        return not len(steps) or bool(steps.min() >= 0 and steps.max() <= tolerance)

    def _judge(self, time: float, place: int, came_before: CameBefore) -> tuple[str, float] | None:
        """Give the anomaly before a sample and its size, or None for one that is left out."""
        if not np.isfinite(time):
            self.n_unusable += 1
            return None
        step = time - self.newest
        if np.isnan(step):
            self._advance(np.array([time]))
            return "", 0.0
        if -LATE <= step < 0 or (step == 0 and self._is_late):
            return self._judge_behind(time, place, came_before)
        learning = time - self._begin <= LEARNING
        anomaly = ""
        if step < 0 or step > LONGEST_GAP:
            anomaly = "clock_jump"
            self._restart()
        elif step > self.tolerance and not (learning and step <= LONGEST_USUAL):
            anomaly = "gap"
            self._holes.append((self.newest, time))
            self._stretch += 1
        elif learning:
            self._longest = sorted([*self._longest, step])[-USUAL:]
        self._is_late = False
        self._advance(np.array([time]))
        return anomaly, step if anomaly else 0.0

    def _judge_behind(
        self, time: float, place: int, came_before: CameBefore
    ) -> tuple[str, float] | None:
        """Judge a sample that is not stamped behind the newest."""
        # of a packet that came twice, the last sample may have the newest stamp
        self._is_late = any(low < time < high for low, high in self._holes) or (
            time in self._recent and came_before(place)
        )
        if self._is_late:
            self.n_late += 1
            return None
        known = not self._counts or not isnan(self._counts[-1][1])
        if known and self.newest - time > LONGEST_USUAL:
            # a clock set back a little, and no higher rate: it is unknown until stamps rise again
            self._stretch += 1
            self._counts.append((self.n_taken, np.nan, self._stretch))
        self.n_taken += 1
        self._recent.append(time)
        return "", 0.0

    def _advance(self, times: Floats) -> None:
        """Take usual stamps over, and count for the rate."""
        if np.isnan(self._begin):
            self._begin = float(times[0])
        first = self.n_taken
        self.n_taken += len(times)
        self.newest = float(times[-1])
        self._recent.extend(times[-(self._recent.maxlen or 1) :].tolist())
        counts, stretch = self._counts, self._stretch
        due = counts[-1][1] + _COUNT_EVERY if counts and counts[-1][2] == stretch else -np.inf
        if isnan(due):
            due = -np.inf
        while due <= self.newest:
            place = int(times.searchsorted(due))
            time = float(times[place])
            counts.append((first + place, time, stretch))
            due = time + _COUNT_EVERY
