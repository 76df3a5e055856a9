"""Listening to a stream until there is a calibration block, or until it is clear that none comes.

No clock is read here: whoever listens hands one in.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..errors import SignalError, StreamError
from .calibration_block import BlockCollector, most_frequent
from .lsl import StreamLostError

if TYPE_CHECKING:
    from .driver import Source

#: Seconds that are listened for each second of good signal that is wanted, and at least.
PATIENCE, LEAST_PATIENCE = 5.0, 60.0
#: Seconds without samples after which nobody sends any more.
SILENT = 10.0
#: Seconds to wait for samples.
_WAIT = 0.1


def patience(collector: BlockCollector) -> float:
    """Give the seconds in which a block should be complete.

    Parameters
    ----------
    collector : BlockCollector

    Returns
    -------
    float
        Five times what is wanted and the settling of the filters, at least 60.
    """
    return max(LEAST_PATIENCE, PATIENCE * collector.wanted + collector.settling)


def collect(
    collector: BlockCollector,
    source: Source,
    markers: Any = None,
    *,
    clock: Callable[[], float],
    give_up: float,
    stop: threading.Event,
    progress: Callable[[float], None] | None = None,
) -> None:
    """Listen until there is as much good signal as is wanted, or `stop` is set.

    Parameters
    ----------
    collector : BlockCollector
    source : Source
        Open.
    markers : object with ``pull()``, optional
        Gives (label, stamp).
    clock : callable
        The time, in seconds of the clock of the stamps.
    give_up : float
        Seconds after which it is too late.
    stop : threading.Event
    progress : callable, optional
        Is called with the good seconds by now.

    Raises
    ------
    SignalError
        When there is too little good signal after so long; it says what was wrong with the rest.
    StreamError
        When no samples come for 10 s.
    StreamLostError
        When a stream is gone.
    """
    begun = heard = clock()
    while not collector.is_full and not stop.is_set():
        try:
            values, stamps = source.pull_raw(_WAIT)
            # labels would go on from the last mark, so that a loss of the markers ends it, too
            marks = [] if markers is None else markers.pull()
        except StreamLostError as error:
            raise StreamLostError(
                f"{error}, after {_share(collector)}; start it again, and calibrate anew."
            ) from error
        for label, time in marks:
            collector.mark(label, time)
        now = clock()
        if len(stamps):
            heard = now
            collector.push(values.T * source.factors[:, None], stamps, now=now)
        elif now - heard > SILENT:
            raise StreamError(
                f"no sample came for {SILENT:g} s, after {_share(collector)}; look whether the "
                "headset is on and what streams it still runs, and calibrate anew."
            )
        if progress is not None:
            progress(collector.seconds)
        if now - begun > give_up and not collector.is_full:
            raise SignalError(_too_little(collector, give_up))


def _share(collector: BlockCollector) -> str:
    labelled = "" if collector.classes is None else " with a label"
    return f"{collector.seconds:g} of {collector.wanted:g} s of good signal{labelled}"


def _too_little(collector: BlockCollector, give_up: float) -> str:
    """Say what was wrong with the signal, and what can be done."""
    block = collector.block()
    quality = block.quality
    good, n, faults = quality["good_windows"], quality["windows"], quality["faults"]
    events = {event: times for event, times in quality["events"].items() if event != "mark"}
    seen = f"{good} of {n} windows are good" if n else "no window behind the settling is complete"
    said = "".join(
        f"; {what}: {most_frequent(counts)}"
        for what, counts in (("faults", faults), ("events", events))
        if counts
    )
    fewer = f", take fewer by --seconds {collector.seconds:g}" if collector.seconds else ""
    if collector.classes is not None:
        labels = Counter("no label" if label is None else label for label in block.labels)
        said += f"; labels of the good ones: {most_frequent(labels)}" if labels else ""
        fewer += f", mark the classes ({', '.join(collector.classes)}) for longer"
    return (
        f"{give_up:g} s of listening brought {_share(collector)} ({seen}{said}). Mend the "
        "electrodes, or start the headset anew, and calibrate again; or widen the limits, for "
        f"example --amplitude 400{fewer}, or listen longer by --give-up."
    )
