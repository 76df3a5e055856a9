"""Packet numbers and time stamps of a device: what was lost, and when each sample was taken."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

#: Numbers after which devices begin at 0 again: Ganglion, most boards, 16 and 32 bit.
WRAPS = (201, 256, 65_536, 2**32)
#: Share of the difference to the host's stamp that a sample's stamp takes over.
FOLLOW = 0.01
#: Seconds of difference beyond which it takes over all.
LOST_TRACK = 0.5


class PacketClock:
    """Stamps samples by their packet number, and follows the clock of the host slowly.

    Stamps of the host have the jitter of the radio and come in batches; the packet number counts
    the device's own samples. A stamp is that of the sample before, plus one period for each
    packet, plus a hundredth of what the host's stamp is ahead. What was lost is therefore
    exactly as wide as it should be, and seen as a gap by whoever reads.

    Parameters
    ----------
    sfreq : float
        Nominal rate in Hz.

    Attributes
    ----------
    n_lost : int
        Packets that never came.

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
        self._stamp = np.nan
        self.n_lost = 0

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
            Never falling.
        """
        out = np.empty(len(numbers))
        for i, (number, time) in enumerate(
            zip(np.asarray(numbers).astype(np.int64).tolist(), np.asarray(host), strict=True)
        ):
            out[i] = self._next(number, float(time))
        return out

    def _next(self, number: int, time: float) -> float:
        if self._number is None:
            self._number, self._largest, self._stamp = number, number, time
            return time
        step = number - self._number
        if step < 0:
            wrap = next(w for w in WRAPS if w > max(self._largest, number))
            step += wrap
        # several samples may share a packet number; each is one period on
        self.n_lost += max(0, step - 1)
        expected = self._stamp + max(1, step) * self._period
        ahead = time - expected
        follow = 1.0 if abs(ahead) > LOST_TRACK else FOLLOW
        self._stamp = max(self._stamp, expected + follow * ahead)
        self._number, self._largest = number, max(self._largest, number)
        return self._stamp
