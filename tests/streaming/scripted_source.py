"""A headset, its clock and its loss, as a script: no network, no waiting."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from streaming.live_signals import FS, NAMES, START

from eegtl.streaming.driver import Driver
from eegtl.streaming.lsl import StreamDescription, StreamLostError


def description_of(names: Sequence[str] = NAMES, **changes: Any) -> StreamDescription:
    given: dict[str, Any] = {
        "name": "headset",
        "type": "EEG",
        "source_id": "id",
        "host": "here",
        "sfreq": FS,
        "ch_names": tuple(names),
        "units": ("microvolts",) * len(names),
        "manufacturer": "nobody",
        "channel_format": "float32",
        **changes,
    }
    return StreamDescription(**given)


@dataclass
class Chunk:
    """Samples in microvolts (n, n_channels) that arrive `late` seconds behind their stamps."""

    values: np.ndarray
    stamps: np.ndarray
    late: float = 0.02
    marks: list[tuple[str, float]] = field(default_factory=list)


@dataclass
class Lost:
    """The stream ends, and returns with these channels after so many looks."""

    names: tuple[str, ...] = NAMES
    seconds: float = 3.0
    looks: int = 1


class Headset:
    """Source, markers and clock for `Driver`; when the script ends it sets `stop`."""

    changes = ""

    def __init__(
        self,
        script: Sequence[Chunk | Lost | Callable[[], None]],
        names: Sequence[str] = NAMES,
        sfreq: float = FS,
    ) -> None:
        self.script, self.ch_names, self.sfreq = list(script), tuple(names), sfreq
        self.time = START - 1.0
        self.stop = threading.Event()
        self.uid = "0"
        self._marks: list[tuple[str, float]] = []
        self._lost: Lost | None = None

    @property
    def factors(self) -> np.ndarray:
        return np.full(len(self.ch_names), 1e-6)

    def open(self) -> None: ...

    def close(self) -> None: ...

    def clock(self) -> float:
        self.time += 1e-4
        return self.time

    def pull_raw(self, seconds: float) -> tuple[np.ndarray, np.ndarray]:
        nothing = np.empty((0, len(self.ch_names))), np.empty(0)
        if not self.script:
            self.stop.set()
            return nothing
        step = self.script.pop(0)
        if callable(step):
            step()
            return nothing
        if isinstance(step, Lost):
            self._lost = step
            raise StreamLostError("the headset is gone")
        finite = step.stamps[np.isfinite(step.stamps)]
        if len(finite) and abs(finite[-1] - self.time) < 1e5:
            self.time = max(self.time, float(finite[-1]) + step.late)
        self._marks += step.marks
        return np.asarray(step.values, dtype=np.float64), step.stamps

    def pull(self) -> list[tuple[str, float]]:
        marks, self._marks = self._marks, []
        return marks

    def again(self) -> Headset | None:
        assert self._lost is not None
        self.time += self._lost.seconds / self._lost.looks
        self._lost.looks -= 1
        if self._lost.looks:
            return None
        self.ch_names, self.uid = self._lost.names, self.uid + "+"
        return self

    def driver(self, **options: Any) -> Driver:
        return Driver(self, self.again, clock=self.clock, markers=self, **options)


def chunks(
    data: np.ndarray,
    stamps: np.ndarray,
    size: int = 16,
    marks: Sequence[tuple[str, float]] = (),
    **options: Any,
) -> list[Chunk]:
    """Cut volts (n_channels, n) into chunks as a headset sends them."""
    values = (data.T * 1e6).astype(np.float32)
    out = []
    for at in range(0, len(stamps), size):
        part = slice(at, at + size)
        times = stamps[part][np.isfinite(stamps[part])]
        here = [m for m in marks if len(times) and times[0] <= m[1] <= times[-1] + 1 / FS]
        out.append(Chunk(values[part], stamps[part], marks=list(here), **options))
    return out
