"""A wearer's calibration block: good windows of a signal, as live use would see them."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import SignalError
from ..personalize.profile import Profile
from ..preprocessing import ArtefactMarks
from ..recordings.markers import Mark
from .fitting import judged_channels, quality_of, rows_of, stream_for
from .live_windows import LiveWindow, LiveWindows

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Block:
    """Good windows in the order of time.

    Attributes
    ----------
    X : ndarray of shape (n_windows, n_features)
    labels : tuple of (str or None)
        The newest mark at the start of each window; None where its duration ends before the
        window does.
    quality : dict
        Plain values: windows seen and good, and faults by channel.
    """

    X: Floats
    labels: tuple[str | None, ...]
    quality: dict[str, Any] = field(default_factory=dict)

    def labelled(self, classes: Sequence[str]) -> tuple[Floats, list[str]]:
        """Give the windows whose mark names a class, and their labels.

        Parameters
        ----------
        classes : sequence of str

        Returns
        -------
        X : ndarray of shape (n, n_features)
        y : list of str
        """
        named = [i for i, label in enumerate(self.labels) if label in classes]
        return self.X[named], [str(self.labels[i]) for i in named]


class BlockCollector:
    """Takes a signal in chunks until there are enough good windows.

    The windows are those of live use: the same filters, settling, gaps, marks and faults.

    Parameters
    ----------
    profile : Profile
        Says which features, of which channels.
    sfreq : float
        Of the chunks, in Hz.
    ch_names : sequence of str
        Canonical names of the rows of the chunks.
    seconds : float
        How much is wanted; infinite for all there is.
    quality : ArtefactMarks, optional
        By default `quality_of` the profile.

    Raises
    ------
    SignalError
        When channels are missing, or the rate does not fit.
    """

    def __init__(
        self,
        profile: Profile,
        sfreq: float,
        ch_names: Sequence[str],
        seconds: float,
        quality: ArtefactMarks | None = None,
    ) -> None:
        self._wanted = seconds
        self._window = float(profile.extractor.window)
        self._step = min(float(profile.extractor.step), self._window)
        self._order = rows_of(profile, ch_names)
        self._judged = judged_channels(profile)
        self._windows = LiveWindows(
            stream_for(profile, sfreq),
            profile.ch_names,
            sfreq,
            quality_of(profile) if quality is None else quality,
            self._hear,
            self._judged,
        )
        self._good: list[LiveWindow] = []
        self._seen = 0
        self._faults: Counter[str] = Counter()
        self._events: Counter[str] = Counter()

    @property
    def seconds(self) -> float:
        """Seconds of good signal by now."""
        return self._window + (len(self._good) - 1) * self._step if self._good else 0.0

    @property
    def is_full(self) -> bool:
        """Whether there is as much as was wanted."""
        return self.seconds + self._step > self._wanted + 1e-6 and bool(self._good)

    def mark(self, label: str, time: float, duration: float = 0.0) -> None:
        """Take a marker, whose label holds for the windows behind it.

        Parameters
        ----------
        label : str
        time : float
            Seconds of the stamps' clock.
        duration : float
            Seconds that the label holds for; 0 for up to the next mark.
        """
        self._windows.mark(label, time, duration)

    def push(self, chunk: Floats, stamps: Floats) -> None:
        """Take the next samples; what comes when there is enough is left out.

        Parameters
        ----------
        chunk : ndarray of shape (n_channels, n)
            Volts.
        stamps : ndarray of shape (n,)
            Seconds.
        """
        for window in self._windows.push(chunk[self._order], stamps):
            if window.settling or self.is_full:
                continue
            self._seen += 1
            if not window.faults:
                self._good.append(window)
            for channel, kinds in window.faults.items():
                self._faults.update(f"{channel}: {kind}" for kind in kinds)

    def block(self) -> Block:
        """Give what there is.

        Returns
        -------
        Block
        """
        n_features = self._windows.stream.n_features
        X = np.array([window.X for window in self._good]).reshape(-1, n_features)
        quality = {
            "windows": self._seen,
            "good_windows": len(self._good),
            "faults": dict(self._faults),
            "events": dict(self._events),
        }
        return Block(X, tuple(window.label for window in self._good), quality)

    def _hear(self, event: str, details: Mapping[str, Any]) -> None:
        self._events[event] += 1


def block_of(
    profile: Profile,
    data: ArrayLike,
    sfreq: float,
    ch_names: Sequence[str],
    marks: Sequence[Mark] = (),
    *,
    seconds: float = np.inf,
    quality: ArtefactMarks | None = None,
) -> Block:
    """Take a calibration block from a recording.

    Parameters
    ----------
    profile : Profile
    data : array-like of shape (n_channels, n_times)
        Volts; NaN where samples are missing.
    sfreq : float
        Hz.
    ch_names : sequence of str
        Canonical names of the rows.
    marks : sequence of Mark
        A label holds for its duration where that is known, and up to the next mark otherwise.
        Windows are the same either way.
    seconds : float
        How much good signal is wanted, from the first on.
    quality : ArtefactMarks, optional

    Returns
    -------
    Block

    Raises
    ------
    SignalError
        When channels are missing, the rate does not fit, or no window is good.
    """
    signal = np.asarray(data, dtype=np.float64)
    collector = BlockCollector(profile, sfreq, ch_names, seconds, quality)
    waiting = deque(sorted(marks))
    step = max(1, round(sfreq))
    for start in range(0, signal.shape[1], step):
        while waiting and waiting[0][0] < (start + step) / sfreq:
            mark = waiting.popleft()
            collector.mark(mark.label, mark.onset, mark.duration)
        stamps = np.arange(start, min(start + step, signal.shape[1])) / sfreq
        collector.push(signal[:, start : start + step], stamps)
        if collector.is_full:
            break
    block = collector.block()
    if not block.quality["windows"]:
        raise SignalError(
            f"the recording has {signal.shape[1] / sfreq:.0f} s, and no window behind the settling "
            "of the filters; record at least a few seconds more than the filters need."
        )
    if not len(block.X):
        said = ", ".join(f"{what} {n}x" for what, n in list(block.quality["faults"].items())[:6])
        raise SignalError(
            f"none of the {block.quality['windows']} windows behind the settling is good"
            f"{f' ({said})' if said else ''}; check the electrodes and record again, or widen the "
            "limits, for example --amplitude 400."
        )
    return block
