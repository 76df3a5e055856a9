"""`MarkedWindows`: the artefact marks of windows, judged where the marks stand in the chain."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..preprocessing import ArtefactMarks
from ..recordings.signals import MAX_VOLTS
from .buffer import SampleBuffer
from .feature import Floats

Marks = NDArray[np.bool_]


class MarkedWindows:
    """Keeps the signal at the marks' place until the windows that it belongs to are complete.

    The samples of a window are those whose time lies in it, from its first sample up to its end,
    at the sampling rate of the marks' place. A window that ends at a gap, or with the
    recording, may lack the last ones of them there, fewer than one sample of the features; the
    last one that is there stands for them.

    Parameters
    ----------
    marks : ArtefactMarks
        The limits.
    sfreq : float
        Sampling rate in Hz at the marks' place.
    ch_names : sequence of str
        Channels there.
    sfreq_out : float
        Sampling rate in Hz behind the chain.
    length : int
        Samples of a window, behind the chain.
    """

    def __init__(
        self,
        marks: ArtefactMarks,
        sfreq: float,
        ch_names: Sequence[str],
        sfreq_out: float,
        length: int,
    ) -> None:
        self.ch_names = tuple(ch_names)
        self.kinds = marks.KINDS
        self._marks = marks
        self._sfreq = sfreq
        self._ratio = sfreq / sfreq_out
        # Rounded, so that what is a whole number but for the last digit counts as one.
        self._length = max(2, int(np.floor(round(length * self._ratio, 6))))
        self._buffer = SampleBuffer(len(self.ch_names))

    def append(self, chunk: Floats) -> None:
        """Take the next samples at the marks' place, of shape (n_channels, any number)."""
        self._buffer.append(chunk)

    def judge(self, starts: NDArray[np.int64]) -> Marks:
        """Give the marks of windows.

        Parameters
        ----------
        starts : ndarray of shape (n_windows,)
            First sample of each window, behind the chain, since its start.

        Returns
        -------
        ndarray of bool, shape (n_windows, n_channels, n_kinds)
        """
        n, buffer = self._length, self._buffer
        first = np.ceil(np.round(starts * self._ratio, 6)).astype(np.int64)
        whole = first + n <= buffer.end
        windows = np.empty((len(starts), len(self.ch_names), n))
        windows[whole] = buffer.windows(first[whole], n)
        for row in np.flatnonzero(~whole):
            there = buffer.end - first[row]
            windows[row, :, :there] = buffer.windows(first[row : row + 1], int(there))[0]
            windows[row, :, there:] = np.nan
        lost = np.any(~(np.abs(windows) <= MAX_VOLTS), axis=1)
        for row in np.flatnonzero(lost.any(axis=1)):
            end = max(1, int(np.argmax(lost[row])))
            windows[row, :, end:] = windows[row, :, end - 1 : end]
        return self._marks.judge(windows, self._sfreq)

    def forget(self, before: int) -> None:
        """Drop what windows that begin at this sample behind the chain, or later, do not need."""
        self._buffer.forget(int(np.floor(before * self._ratio)))


def flag_texts(
    marks: Marks | None, ch_names: Sequence[str], kinds: Sequence[str], flat: NDArray[np.bool_]
) -> NDArray[np.object_]:
    """Write the marks of windows as texts.

    Parameters
    ----------
    marks : ndarray of bool, shape (n_windows, n_channels, n_kinds), or None
        None where the chain has no artefact marks.
    ch_names, kinds : sequence of str
        What the axes stand for.
    flat : ndarray of bool, shape (n_windows,)
        A variance was below the floor, in some channel.

    Returns
    -------
    ndarray of str, shape (n_windows,)
        Such as ``"amplitude:Fp1,Fp2;mains:T7"``; ``"flat"`` where a variance was below the floor
        and no channel is marked as flat; ``""`` where nothing is.

    Examples
    --------
    >>> marks = np.array([[[True, False], [True, True]], [[False, False], [False, False]]])
    >>> flag_texts(marks, ["Fp1", "T7"], ["amplitude", "mains"], np.array([False, True])).tolist()
    ['amplitude:Fp1,T7;mains:T7', 'flat']
    """
    texts = np.full(len(flat), "", dtype=object)
    marked = flat if marks is None else flat | marks.any(axis=(1, 2))
    for row in np.flatnonzero(marked):
        found = []
        if marks is not None:
            for kind, name in enumerate(kinds):
                marked_here = zip(ch_names, marks[row, :, kind], strict=True)
                channels = [channel for channel, bad in marked_here if bad]
                if channels:
                    found.append(f"{name}:{','.join(channels)}")
        if flat[row] and not any(text.startswith("flat:") for text in found):
            found.append("flat")
        texts[row] = ";".join(found)
    return texts
