"""A wearer's calibration block: good windows of a signal, as live use would see them."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import SignalError
from ..personalize.days import block_seconds
from ..personalize.profile import Profile
from ..preprocessing import ArtefactMarks
from ..recordings.markers import Mark
from .events import Event
from .fitting import judged_channels, quality_of, rows_of, stream_for
from .live_windows import LiveWindow, LiveWindows
from .stamp_watch import StampWatch

Floats = NDArray[np.float64]

#: Seconds of windows without a good one after which it is told what keeps them from being good.
TELL_AFTER = 5.0
#: The fault of windows that come while the rate is off; no channel is to blame.
_OFF_RATE = "all channels: rate"


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
        Plain values: windows seen and good, faults by channel, and events.
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


def most_frequent(counts: Mapping[str, int], n: int = 4) -> str:
    """Say what was counted most often.

    Parameters
    ----------
    counts : mapping of str to int
    n : int
        How many to name.

    Returns
    -------
    str

    Examples
    --------
    >>> most_frequent({"F3: flat": 2, "F4: flat": 7, "P3: mains": 1}, n=2)
    'F4: flat 7x, F3: flat 2x'
    """
    return ", ".join(f"{what} {times}x" for what, times in Counter(counts).most_common(n))


class BlockCollector:
    """Takes a signal in chunks until there are enough good windows.

    The windows are those of live use: the same filters, settling, gaps, marks and faults. As
    there, windows that end while samples come at another rate than was said are not good.

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
    on_event : callable, optional
        Is called with each `Event`: those of a session about stamps, gaps and marks, and
        ``bad_channels`` where for 5 s no window was good, once per change.
    classes : sequence of str, optional
        Only good windows with one of these labels count; others are kept beside them. By default
        all good windows do.

    Attributes
    ----------
    wanted : float
        How much is wanted, in seconds.
    classes : tuple of str or None

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
        on_event: Callable[[Event], None] | None = None,
        classes: Sequence[str] | None = None,
    ) -> None:
        self.wanted, self._on_event = seconds, on_event
        self.classes = None if classes is None else tuple(classes)
        self._extractor = profile.extractor
        self._step = min(float(profile.extractor.step), float(profile.extractor.window))
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
        self._stamps = StampWatch(self._windows, float(sfreq), self._hear)
        self._good: list[LiveWindow] = []
        self._seen = self._n_counted = 0
        self._faults: Counter[str] = Counter()
        self._events: Counter[str] = Counter()
        self._n_bad = 0  # windows since the last good one, or since faults were told
        self._bad: dict[str, list[str]] = {}  # their faults
        self._told: dict[str, list[str]] = {}

    def warm_up(self) -> None:
        """Compile and load now what the first samples of a stream would wait for."""
        self._windows.stream.warm_up()

    @property
    def seconds(self) -> float:
        """Seconds of good signal that count by now."""
        return block_seconds(self._n_counted, self._extractor)

    @property
    def settling(self) -> float:
        """Seconds that the filters need before the first window."""
        return self._windows.stream.settling

    @property
    def is_full(self) -> bool:
        """Whether there is as much as was wanted."""
        return self.seconds + self._step > self.wanted + 1e-6 and self._n_counted > 0

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

    def push(self, chunk: Floats, stamps: Floats, *, now: float) -> None:
        """Take the next samples; what comes when there is enough is left out.

        Parameters
        ----------
        chunk : ndarray of shape (n_channels, n)
            Volts.
        stamps : ndarray of shape (n,)
            Seconds.
        now : float
            The time, in seconds of the clock that the stamps should be of.
        """
        windows: Iterable[LiveWindow] = self._windows.push(chunk[self._order], stamps)
        if not self._stamps.knows_clock:
            windows = list(windows)
            self._stamps.look_at_clock(now)
        for window in windows:
            self._stamps.look_at_rate(window)
            if not window.settling and not self.is_full:
                self._judge(window)

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

    def _judge(self, window: LiveWindow) -> None:
        """Keep a good window; count what keeps others from being good."""
        self._seen += 1
        for channel, kinds in window.faults.items():
            self._faults.update(f"{channel}: {kind}" for kind in kinds)
        if self._stamps.rate_is_off:
            self._faults[_OFF_RATE] += 1
        elif not window.faults:
            self._good.append(window)
            self._n_counted += self.classes is None or window.label in self.classes
            self._say_bad_channels({})
            return
        self._n_bad += 1
        for channel, kinds in window.faults.items():
            known = self._bad.setdefault(channel, [])
            known += [kind for kind in kinds if kind not in known]
        # all that there was meanwhile, and not at each window: faults come and go
        if self._n_bad * self._step >= TELL_AFTER:
            self._say_bad_channels(self._bad)

    def _say_bad_channels(self, bad: dict[str, list[str]]) -> None:
        """Tell which channels have faults, where that is not what was told last."""
        if bad != self._told:
            self._tell("bad_channels", bad)
        self._told, self._bad, self._n_bad = bad, {}, 0

    def _hear(self, event: str, details: Mapping[str, Any]) -> None:
        self._events[event] += 1
        self._tell(event, details)

    def _tell(self, event: str, details: Mapping[str, Any]) -> None:
        windows = self._windows
        if self._on_event is not None:
            self._on_event(Event(event, windows.newest, windows.n_taken, dict(details)))


def block_of(
    profile: Profile,
    data: ArrayLike,
    sfreq: float,
    ch_names: Sequence[str],
    marks: Sequence[Mark] = (),
    *,
    seconds: float = np.inf,
    quality: ArtefactMarks | None = None,
    classes: Sequence[str] | None = None,
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
    classes : sequence of str, optional
        Only windows with one of these labels count, as in `BlockCollector`.

    Returns
    -------
    Block

    Raises
    ------
    SignalError
        When channels are missing, the rate does not fit, or no window is good.
    """
    signal = np.asarray(data, dtype=np.float64)
    collector = BlockCollector(profile, sfreq, ch_names, seconds, quality, classes=classes)
    waiting = deque(sorted(marks))
    step = max(1, round(sfreq))
    for start in range(0, signal.shape[1], step):
        while waiting and waiting[0][0] < (start + step) / sfreq:
            mark = waiting.popleft()
            collector.mark(mark.label, mark.onset, mark.duration)
        stamps = np.arange(start, min(start + step, signal.shape[1])) / sfreq
        collector.push(signal[:, start : start + step], stamps, now=float(stamps[-1]))
        if collector.is_full:
            break
    block = collector.block()
    if not block.quality["windows"]:
        raise SignalError(
            f"the recording has {signal.shape[1] / sfreq:.0f} s, and no window behind the settling "
            "of the filters; record at least a few seconds more than the filters need."
        )
    if not len(block.X):
        said = most_frequent(block.quality["faults"])
        raise SignalError(
            f"none of the {block.quality['windows']} windows behind the settling is good"
            f"{f' ({said})' if said else ''}; check the electrodes and record again, or widen the "
            "limits, for example --amplitude 400."
        )
    return block
