"""Listening for a block: until there is enough, until it is too late, until nobody sends."""

from __future__ import annotations

import re
from copy import deepcopy
from typing import Any

import numpy as np
import pytest
from streaming.live_signals import FS, NAMES, START, make_profile, moods
from streaming.scripted_source import Chunk, Headset, Lost

from eegtl.errors import SignalError, StreamError
from eegtl.streaming.calibration_block import BlockCollector, block_of
from eegtl.streaming.collecting import collect, patience
from eegtl.streaming.lsl import StreamLostError

CALM = moods(40.0, seed=3)
SECOND = int(FS)


def chunks(data: np.ndarray, start: float = START) -> list[Any]:
    """Give quarters of a second in microvolts."""
    stamps = start + np.arange(data.shape[1]) / FS
    size = SECOND // 4
    return [
        Chunk(1e6 * data[:, at : at + size].T, stamps[at : at + size])
        for at in range(0, data.shape[1], size)
    ]


def listen(
    script: list[Any], seconds: float = 10.0, give_up: float = 60.0, markers: Any = None
) -> tuple[BlockCollector, Headset]:
    headset = Headset(script)
    collector = BlockCollector(make_profile(), FS, NAMES, seconds)
    collect(collector, headset, markers, clock=headset.clock, give_up=give_up, stop=headset.stop)
    return collector, headset


def test_enough_is_enough() -> None:
    script = chunks(CALM)
    script[30].marks.append(("1", START + 8.0))
    headset = Headset(script)
    collector, good = BlockCollector(make_profile(), FS, NAMES, 10.0), []
    collect(
        collector,
        headset,
        headset,
        clock=headset.clock,
        give_up=60.0,
        stop=headset.stop,
        progress=good.append,
    )
    found = collector.block()
    np.testing.assert_allclose(
        found.X, block_of(make_profile(), CALM, FS, NAMES, seconds=10.0).X, rtol=1e-9
    )
    assert found.labels == (None,) * 4 + ("1",) * 6
    assert good[0] == 0.0
    assert good[-1] == 10.0
    assert good == sorted(good)
    assert len(headset.script) > 90  # four seconds of settling and ten: the rest is not asked for


def test_too_little_says_what_was_wrong() -> None:
    """The first of the 20 s passes before the first sample."""
    data = CALM.copy()
    data[1, 8 * SECOND :] = 0.0
    data[2, 12 * SECOND : 20 * SECOND] *= 100
    message = (
        "20 s of listening brought 4 of 10 s of good signal (4 of 15 windows are good; faults: "
        "F4: flat 11x, P3: amplitude 7x). Mend the electrodes, or start the headset anew, and "
        "calibrate again; or widen the limits, for example --amplitude 400, take fewer by "
        "--seconds 4, or listen longer by --give-up."
    )
    with pytest.raises(SignalError, match=re.escape(message)):
        listen(chunks(data), give_up=20.0)


def test_only_labelled_windows_count_where_labels_are_asked_for() -> None:
    script = chunks(CALM)
    for at, label in ((6, "0"), (10, "break"), (15, "1"), (17, "break")):
        script[4 * at].marks.append((label, START + at))

    def listen_for(seconds: float) -> BlockCollector:
        headset = Headset(deepcopy(script))
        collector = BlockCollector(make_profile(), FS, NAMES, seconds, classes=("0", "1"))
        how = {"clock": headset.clock, "give_up": 30.0, "stop": headset.stop}
        collect(collector, headset, headset, **how)
        return collector

    collector = listen_for(5.0)
    found = collector.block()
    assert collector.seconds == 5.0
    assert found.labelled(("0", "1"))[1] == ["0"] * 4 + ["1"]
    assert found.labels[-1] == "1"  # the last that was needed
    assert len(found.labels) == 2 + 4 + 5 + 1  # others are kept beside them
    message = (
        "brought 6 of 10 s of good signal with a label (25 of 25 windows are good; labels of the "
        "good ones: break 17x, 0 4x, no label 2x, 1 2x). Mend"
    )
    with pytest.raises(SignalError, match=re.escape(message)) as raised:
        listen_for(10.0)
    assert "take fewer by --seconds 6, mark the classes (0, 1) for longer, or listen" in str(
        raised.value
    )


def test_no_window_at_all() -> None:
    """What sends no numbers has no windows; there is nothing to take fewer of."""
    message = (
        "20 s of listening brought 0 of 10 s of good signal (no window behind the settling is "
        "complete; events: no_signal 1x). Mend the electrodes, or start the headset anew, and "
        "calibrate again; or widen the limits, for example --amplitude 400, or listen longer by "
        "--give-up."
    )
    with pytest.raises(SignalError, match=re.escape(message)):
        listen(chunks(np.full_like(CALM, np.nan)), give_up=20.0)


def test_samples_that_stay_away() -> None:
    script = chunks(CALM[:, : 8 * SECOND])

    def wait() -> None:
        headset.time += 1.0

    headset = Headset([*script, *[wait] * 20])
    collector = BlockCollector(make_profile(), FS, NAMES, 10.0)
    message = "no sample came for 10 s, after 4 of 10 s of good signal; look whether the headset"
    with pytest.raises(StreamError, match=message):
        collect(collector, headset, clock=headset.clock, give_up=60.0, stop=headset.stop)
    assert len(headset.script) == 10  # it left at once
    headset = Headset([*script, *[wait] * 9, *chunks(CALM, START + 20)])
    collector = BlockCollector(make_profile(), FS, NAMES, 10.0)
    collect(collector, headset, clock=headset.clock, give_up=60.0, stop=headset.stop)
    assert collector.is_full


def test_a_stream_that_is_gone() -> None:
    message = "the headset is gone, after 2 of 10 s of good signal; start it again, and calibrate"
    with pytest.raises(StreamLostError, match=message):
        listen([*chunks(CALM[:, : 6 * SECOND]), Lost()])


def test_markers_that_are_gone() -> None:
    """The last label would go on for ever."""

    class Gone:
        def pull(self) -> list[tuple[str, float]]:
            raise StreamLostError("the stream 'marks' is gone")

    with pytest.raises(StreamLostError, match="'marks' is gone, after 0 of 10 s of good signal"):
        listen(chunks(CALM), markers=Gone())


def test_whoever_stops_it_gets_no_error() -> None:
    collector, headset = listen(chunks(CALM[:, : 6 * SECOND]))
    assert headset.stop.is_set()
    assert collector.seconds == 2.0


def test_patience() -> None:
    def of(seconds: float) -> BlockCollector:
        return BlockCollector(make_profile(), FS, NAMES, seconds)

    assert patience(of(60.0)) == 300.0 + of(60.0).settling
    assert of(60.0).settling == pytest.approx(4.0, abs=0.5)
    assert patience(of(5.0)) == 60.0
