"""`SampleBuffer`: the newest samples of a signal, addressed by their number."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


class SampleBuffer:
    """Keeps samples until they are forgotten; samples are numbered from the first one ever.

    Parameters
    ----------
    n_rows : int
        Rows of the signal.

    Attributes
    ----------
    first : int
        Number of the oldest sample kept.
    end : int
        Number of the sample that comes next.

    Examples
    --------
    >>> buffer = SampleBuffer(1)
    >>> buffer.append(np.arange(10.0)[None])
    >>> buffer.windows(np.array([4, 6]), 3).tolist()
    [[[4.0, 5.0, 6.0]], [[6.0, 7.0, 8.0]]]
    >>> buffer.forget(6)
    >>> buffer.first, buffer.end
    (6, 10)
    """

    def __init__(self, n_rows: int) -> None:
        self.first = 0
        self.end = 0
        self._data = np.empty((n_rows, 0))
        self._offset = 0  # column of the oldest sample kept

    def append(self, *rows: NDArray[np.float64]) -> None:
        """Add the next samples, of shape (n_rows, any number), whole or in groups of rows."""
        n = rows[0].shape[1]
        kept = self.end - self.first
        if self._offset + kept + n > self._data.shape[1]:
            # Twice the room that is needed: samples are moved once on average, whatever the
            # chunks, and the place they are moved to does not overlap the one they come from.
            room = self._data
            if 2 * (kept + n) > room.shape[1]:
                room = np.empty((len(self._data), 2 * (kept + n)))
            room[:, :kept] = self._data[:, self._offset : self._offset + kept]
            self._data, self._offset = room, 0
        at = self._offset + kept
        first = 0
        for group in rows:
            self._data[first : first + len(group), at : at + n] = group
            first += len(group)
        self.end += n

    def forget(self, before: int) -> None:
        """Drop the samples before a number; those to come cannot be dropped."""
        dropped = min(max(0, before - self.first), self.end - self.first)
        self.first += dropped
        self._offset += dropped

    def windows(self, starts: NDArray[np.int64], length: int) -> NDArray[np.float64]:
        """Copy windows that are kept whole, as (n_windows, n_rows, length)."""
        out = np.empty((len(starts), len(self._data), length))
        for window, start in zip(out, (starts + (self._offset - self.first)).tolist(), strict=True):
            window[:] = self._data[:, start : start + length]
        return out
