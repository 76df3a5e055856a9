"""Packet numbers and time stamps of a device: what was lost, and when each sample was taken."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

#: Numbers after which devices begin at 0 again: Ganglion, most boards, 16 and 32 bit.
WRAPS = (201, 256, 65_536, 2**32)
#: Numbers that a packet may be behind the newest one and be late: more is a new count.
LATE = 16
#: Share of the difference to the host's stamp that a sample's stamp takes over.
FOLLOW = 0.01
#: Seconds of difference beyond which it takes over all.
LOST_TRACK = 0.5


class PacketClock:
    """Stamps samples by their packet number, and follows the clock of the host slowly.

    Stamps of the host have the jitter of the radio and come in batches; the packet number counts
    what the device sent. A stamp is that of the sample before, plus one period, plus those of all
    samples of the packets that are missing between them, plus a hundredth of what the host's stamp
    is ahead. What was lost is therefore exactly as wide as it should be, and seen as a gap by
    whoever reads.

    How boards count is learned as they do it, from what is usual: each sample has a number of its
    own, or several share one (a Muse's 12, a Ganglion's 2), or numbers go in steps (a Daisy's, by
    2). Some begin anew elsewhere than at 0 (a Ganglion at 100 or 101): where a number leaps over
    more than can have been sent since the sample before, nothing is taken for lost. A packet that
    another one has overtaken cannot be put into its place any more, and has no stamp.

    Parameters
    ----------
    sfreq : float
        Nominal rate in Hz.

    Attributes
    ----------
    n_lost : int
        Packets that did not come in their turn.
    n_late : int
        Packets that came after their turn.

    Examples
    --------
    >>> clock = PacketClock(10.0)
    >>> clock.stamp([254, 255, 2], [5.0, 5.1, 5.4]).round(3).tolist(), clock.n_lost
    ([5.0, 5.1, 5.4], 2)
    """

    def __init__(self, sfreq: float) -> None:
        self._period = 1.0 / sfreq
        self._number: int | None = None
        self._largest = 0
        self._around = False
        self._late: int | None = None
        self._run = 0
        # ties: a first packet may be cut short, a first step may hide a loss
        self._samples, self._steps = _Usual(larger=True), _Usual(larger=False)
        self._stamp = self._host = np.nan
        self._alone = False
        self.n_lost = self.n_late = 0

    def stamp(self, numbers: Any, host: Any) -> Floats:
        """Stamp the next samples.

        Parameters
        ----------
        numbers : array-like of int, shape (n,)
            Packet numbers.
        host : array-like of shape (n,)
            Seconds of the host's clock.

        Returns
        -------
        ndarray of shape (n,)
            Never falling; NaN for samples that came after their turn.
        """
        out = np.empty(len(numbers))
        for i, (number, time) in enumerate(
            zip(np.asarray(numbers).astype(np.int64).tolist(), np.asarray(host), strict=True)
        ):
            out[i] = self._next(number, float(time))
        return out

    def _next(self, number: int, time: float) -> float:
        if self._number is None:
            self._number, self._largest, self._run = number, number, 1
            self._stamp = self._host = time
            return time
        step = self._step(number)
        if step < 0:
            self.n_late += number != self._late  # its samples share the number
            self._late = number
            return float("nan")
        lost = self._begin_packet(step, time) if step else 0
        self._run += 1
        expected = self._stamp + (lost * self._samples.value + 1) * self._period
        ahead = time - expected
        if not self._alone:
            expected += (1.0 if abs(ahead) > LOST_TRACK else FOLLOW) * ahead
        self._stamp = max(self._stamp, expected)
        self._number, self._largest = number, max(self._largest, number)
        self._host, self._late = time, None
        return self._stamp

    def _step(self, number: int) -> int:
        """Count how far a number is on; -1 where it is late."""
        assert self._number is not None
        step = number - self._number
        wrap = next((w for w in WRAPS if w > max(self._largest, number)), None)
        from_behind = step if step < 0 or wrap is None or not self._around else step - wrap
        if -LATE <= from_behind < 0:
            return -1
        if step >= 0:
            return step
        self._around = True
        return 1 if wrap is None else step + wrap  # none counts so far: it began anew

    def _begin_packet(self, step: int, time: float) -> int:
        """Learn from the packet before, and count those that are missing behind it."""
        self._samples.add(self._run)
        self._run = 0
        samples = self._samples.value
        lost = max(0, round(step / (self._steps.value or step)) - 1)
        # BrainFlow spreads the samples of a Muse's packet over all the time since the one before,
        # so that the first one's stamp shows only a part of it
        possible = samples * (time - self._host) + LOST_TRACK
        if lost * samples * self._period > possible:
            self._alone = False
            return 0
        self._steps.add(step)
        self.n_lost += lost
        # for the same reason stamps of the host are of no use within a packet behind a loss
        self._alone = lost > 0 and samples > 1
        return lost


class _Usual:
    """The most frequent of the numbers that were seen; 0 before the first."""

    def __init__(self, *, larger: bool) -> None:
        self._counts: dict[int, int] = {}
        self._sign = 1 if larger else -1
        self.value = 0

    def add(self, value: int) -> None:
        """Count one more."""
        self._counts[value] = self._counts.get(value, 0) + 1
        if self._rank(value) > self._rank(self.value):
            self.value = value

    def _rank(self, value: int) -> tuple[int, int]:
        return self._counts.get(value, 0), self._sign * value
