"""A recording as an LSL stream, in real time or faster, with the faults of a headset on request."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from .faults import Fault
from .lsl import _pylsl, configure
from .outlets import signal_outlet

#: Seconds of signal sent at a time, unless asked otherwise.
CHUNK = 0.04


@dataclass(frozen=True, eq=False)
class Packet:
    """Samples that are sent together.

    Attributes
    ----------
    values : ndarray of shape (n, n_channels), float32
        Microvolts.
    stamps : ndarray of shape (n,)
        Seconds from the first sample of the recording.
    due : float
        When it is sent, in seconds of the recording.
    outage : float
        Seconds for which the stream is gone before it; 0 for none.
    reverse : bool
        Whether the stream returns with its channels in reverse order.
    """

    values: NDArray[np.float32]
    stamps: NDArray[np.float64]
    due: float
    outage: float = 0.0
    reverse: bool = False


def packets(
    values: NDArray[np.float32],
    sfreq: float,
    sizes: Iterator[int],
    faults: Sequence[Fault] = (),
) -> Iterator[Packet]:
    """Cut a recording into packets, and do to them what the faults say.

    Parameters
    ----------
    values : ndarray of shape (n, n_channels), float32
    sfreq : float
    sizes : iterator of int
        Samples of each packet.
    faults : sequence of Fault

    Yields
    ------
    Packet

    Raises
    ------
    InputError
        When a fault lies behind the end, or is shorter than a sample.

    Examples
    --------
    >>> from itertools import repeat
    >>> signal = np.zeros((20, 1), dtype=np.float32)
    >>> [len(p.values) for p in packets(signal, 10.0, repeat(8), [Fault("drop", 0.8, 4)])]
    [8, 8]
    """
    n = len(values)
    values = values.copy()
    stamps = np.arange(n) / sfreq
    due, kept = stamps.copy(), np.ones(n, dtype=bool)
    order = np.arange(n)
    outages: list[tuple[int, float, bool]] = []
    for fault in sorted(faults, key=lambda fault: fault.at):
        # rounded, so that what is a whole number but for the last digit counts as one
        first = int(np.ceil(round(fault.at * sfreq, 6)))
        if first >= n:
            raise InputError(
                f"the fault {fault.kind}@{fault.at:g} lies behind the end of the recording "
                f"({n / sfreq:.1f} s)."
            )
        seconds = fault.size if fault.kind in ("gap", "nan", "die", "channels") else 0.0
        size = round(seconds * sfreq) if seconds else round(fault.size)
        if size < 1 and fault.kind != "jump":
            raise InputError(
                f"the fault {fault.kind}@{fault.at:g}:{fault.size:g} is shorter than a sample, "
                f"which lasts {1 / sfreq:g} s; make it longer."
            )
        last = min(n, first + size)
        if fault.kind in ("gap", "drop", "die", "channels"):
            kept[first:last] = False
            if fault.kind in ("die", "channels"):
                outages.append((last, seconds, fault.kind == "channels"))
        elif fault.kind == "nan":
            values[first:last] = np.nan
        elif fault.kind == "jump":
            stamps[first:] += fault.size
        elif fault.kind == "reorder":
            size = min(size, (n - first) // 2)
            order[first : first + 2 * size] = np.roll(order[first : first + 2 * size], size)
    order = order[kept[order]]
    start = 0
    while start < len(order):
        size = max(1, next(sizes))
        stop = start + size
        # a packet never spans what was left out
        rows = order[start:stop]
        breaks = np.flatnonzero(np.diff(rows) != 1)
        if len(breaks):
            rows = rows[: breaks[0] + 1]
        # the first samples behind an outage need not be those just behind it: faults overlap
        over = [o for o in outages if o[0] <= rows[0]]
        outages = [o for o in outages if o[0] > rows[0]]
        outage, reverse = sum(o[1] for o in over), sum(o[2] for o in over) % 2 == 1
        yield Packet(values[rows], stamps[rows], float(due[rows].max()), outage, reverse)
        start += len(rows)


class Replay:
    """Publishes a recording.

    Parameters
    ----------
    values : ndarray of shape (n, n_channels)
        Microvolts; sent as float32.
    sfreq : float
    ch_names : sequence of str
    name : str
        Of the stream; its source id is ``<name>-replay``.
    markers : sequence of (float, str)
        Seconds of the recording, and labels; sent as the stream ``<name>-markers``.
    network : bool

    Attributes
    ----------
    start : float
        Stamp of the first sample, once it runs.
    n_sent : int

    Raises
    ------
    InputError
        When the name is empty.
    """

    def __init__(
        self,
        values: NDArray[Any],
        sfreq: float,
        ch_names: Sequence[str],
        *,
        name: str = "replay",
        markers: Sequence[tuple[float, str]] = (),
        network: bool = False,
    ) -> None:
        refuse_no_name(name)
        configure(network=network)
        self._values = np.ascontiguousarray(values, dtype=np.float32)
        self._sfreq, self._ch_names, self._name = float(sfreq), tuple(ch_names), name
        self._marks = sorted(markers)
        self.start, self.n_sent = np.nan, 0
        self._signal = self._outlet(self._ch_names)
        pylsl = _pylsl()
        self._markers = pylsl.StreamOutlet(
            pylsl.StreamInfo(
                f"{name}-markers", "Markers", 1, pylsl.IRREGULAR_RATE, "string", f"{name}-markers"
            )
        )

    def _outlet(self, ch_names: Sequence[str]) -> Any:
        return signal_outlet(
            self._name,
            self._sfreq,
            ch_names,
            source_id=f"{self._name}-replay",
            manufacturer="eegtl replay",
        )

    def wait_for_reader(self, seconds: float, stop: threading.Event | None = None) -> bool:
        """Wait until somebody reads the signal.

        Parameters
        ----------
        seconds : float
        stop : threading.Event, optional
            Ends it early.

        Returns
        -------
        bool
        """
        end = time.monotonic() + seconds
        while not self._signal.wait_for_consumers(0.1):
            if time.monotonic() >= end or (stop is not None and stop.is_set()):
                return False
        return True

    def run(
        self,
        *,
        speed: float = 1.0,
        chunk: float = CHUNK,
        random_chunks: int | None = None,
        faults: Sequence[Fault] = (),
        stop: threading.Event | None = None,
        progress: Callable[[float], None] | None = None,
    ) -> None:
        """Send everything once.

        Parameters
        ----------
        speed : float
            1 for real time; stamps keep the recording's rate whatever the speed.
        chunk : float
            Seconds of signal sent at a time.
        random_chunks : int, optional
            A seed, 0 or more: packets then have 1 to twice as many samples.
        faults : sequence of Fault
        stop : threading.Event, optional
        progress : callable, optional
            Is called with the seconds sent.

        Raises
        ------
        InputError
            When speed or chunk is not positive, the seed negative, or a fault lies behind the end.
        """
        if not 0 < speed < np.inf or not 0 < chunk < np.inf:
            raise InputError(f"speed and chunk must be positive; got {speed!r} and {chunk!r}.")
        if random_chunks is not None and random_chunks < 0:
            raise InputError(
                "random chunks need a seed that is a whole number, 0 or more; got "
                f"{random_chunks!r}."
            )
        pylsl = _pylsl()
        stop = stop or threading.Event()
        sizes = _sizes(max(1, round(chunk * self._sfreq)), random_chunks)
        begun, self.start = time.monotonic(), pylsl.local_clock()
        marks = list(self._marks)
        reverse = False
        for packet in packets(self._values, self._sfreq, sizes, faults):
            if packet.outage:
                self._signal = None
                stop.wait(packet.outage / speed)
                reverse ^= packet.reverse
                self._signal = self._outlet(self._ch_names[::-1] if reverse else self._ch_names)
            wait = begun + packet.due / speed - time.monotonic()
            if stop.wait(max(0.0, wait)):
                return
            # before the samples that they belong to; stamps may have jumped
            while marks and marks[0][0] <= packet.due:
                at, label = marks.pop(0)
                self._markers.push_sample([label], self.start + at)
            values = packet.values[:, ::-1] if reverse else packet.values
            self._signal.push_chunk(np.ascontiguousarray(values), self.start + packet.stamps)
            self.n_sent += len(values)
            if progress is not None:
                progress(packet.due)
        for at, label in marks:
            self._markers.push_sample([label], self.start + at)


def refuse_no_name(name: str, option: str = "--name") -> None:
    """Refuse a name for a stream that is none, as LSL does, but say so.

    Parameters
    ----------
    name : str
    option : str
        What gives it.

    Raises
    ------
    InputError
        When it is empty.
    """
    if not name.strip():
        raise InputError(
            f"a stream needs a name, by which others find it; got {name!r}. Give one by {option}."
        )


def _sizes(size: int, seed: int | None) -> Iterator[int]:
    rng = None if seed is None else np.random.default_rng(seed)
    while True:
        yield size if rng is None else int(rng.integers(1, 2 * size + 1))
