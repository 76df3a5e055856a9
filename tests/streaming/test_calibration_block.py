"""Blocks of a wearer: which windows are good, what their labels are, and what is told meanwhile."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from streaming.live_signals import FS, NAMES, make_profile, moods

from eegtl.errors import SignalError
from eegtl.recordings.markers import Mark
from eegtl.streaming import Event
from eegtl.streaming.calibration_block import BlockCollector, block_of

CALM = moods(40.0, seed=3)


def block(**options: Any) -> Any:
    return block_of(make_profile(), CALM, FS, NAMES, **options)


def push(collector: BlockCollector, data: np.ndarray, stamps: np.ndarray) -> None:
    collector.push(data, stamps, now=float(stamps[-1]))


def listener() -> tuple[BlockCollector, list[Event]]:
    """Give a collector of all there is, and what it tells."""
    events: list[Event] = []
    return BlockCollector(make_profile(), FS, NAMES, np.inf, None, events.append), events


def told(events: list[Event], *kinds: str) -> list[dict[str, Any]]:
    return [dict(event.details) for event in events if event.event in kinds]


class TestWindows:
    def test_they_are_those_of_live_use(self) -> None:
        profile = make_profile()
        X, _ = profile.extractor.start(FS, NAMES, profile.passband).push(CALM)
        np.testing.assert_array_equal(block().X, X)
        assert block(seconds=10.0).X.shape == (10, X.shape[1])

    def test_bad_ones_are_left_out_and_counted(self) -> None:
        data = CALM.copy()
        data[1, 10 * int(FS) : 15 * int(FS)] = 0.0
        found = block_of(make_profile(), data, FS, NAMES)
        assert found.quality["windows"] - found.quality["good_windows"] == 5
        assert found.quality["faults"] == {"F4: flat": 5}
        np.testing.assert_array_equal(found.X[:6], block().X[:6])

    def test_a_gap_restarts_and_settles(self) -> None:
        data = CALM.copy()
        data[:, 20 * int(FS)] = np.nan
        found = block_of(make_profile(), data, FS, NAMES)
        assert found.quality["events"]["no_signal"] == 1
        assert len(found.X) < len(block().X)

    def test_nothing_good(self) -> None:
        with pytest.raises(SignalError, match=r"none of the 36 windows .* is good \(F3: flat 36x"):
            block_of(make_profile(), np.full(CALM.shape, 1e-5), FS, NAMES)

    def test_a_collector_is_full_when_there_is_enough(self) -> None:
        collector = BlockCollector(make_profile(), FS, NAMES, 10.0)
        at = 0
        while not collector.is_full:
            push(collector, CALM[:, at : at + 50], np.arange(at, at + 50) / FS)
            at += 50
        assert collector.seconds == 10.0
        push(collector, CALM[:, at : at + 500], np.arange(at, at + 500) / FS)
        assert len(collector.block().X) == 10


class TestLabels:
    def test_marks_without_a_duration_hold_up_to_the_next(self) -> None:
        found = block(marks=[Mark(0.0, "0"), Mark(20.0, "1"), Mark(30.0, "x")])
        assert found.labels == ("0",) * 16 + ("1",) * 10 + ("x",) * 10
        X, y = found.labelled(make_profile().labels)
        assert (len(X), y) == (26, ["0"] * 16 + ["1"] * 10)

    def test_a_duration_ends_a_label_and_leaves_the_windows(self) -> None:
        """Of a window that the trial's end cuts, nobody knows the class."""
        held = block(marks=[Mark(10.0, "0"), Mark(25.5, "1")])
        found = block(marks=[Mark(10.0, "0", 7.5), Mark(25.5, "1", 3.0)])
        np.testing.assert_array_equal(found.X, held.X)
        # settling ends at 4 s; windows of 1 s begin anew at 10 s and 25.5 s
        none = (None,)
        assert found.labels == none * 6 + ("0",) * 7 + none * 8 + ("1",) * 3 + none * 11
        X, y = found.labelled(make_profile().labels)
        assert y == ["0"] * 7 + ["1"] * 3
        np.testing.assert_array_equal(X, held.X[[*range(6, 13), *range(21, 24)]])

    def test_a_mark_cuts_the_duration_of_the_one_before(self) -> None:
        found = block(marks=[Mark(10.0, "0", 20.0), Mark(15.0, "blink", 0.2)])
        assert found.labels == (None,) * 6 + ("0",) * 5 + (None,) * 25

    @pytest.mark.parametrize("onset", [10.0, 10.003, 10.007])
    def test_a_trial_of_whole_windows_gives_all_of_them(self, onset: float) -> None:
        """Wherever between two samples it begins."""
        found = block(marks=[Mark(onset, "0", 5.0)])
        assert found.labels.count("0") == 5

    @pytest.mark.parametrize("duration", [np.nan, np.inf, -1.0])
    def test_durations_that_are_none(self, duration: float) -> None:
        assert block(marks=[Mark(10.0, "0", duration)]).labels.count("0") == 30


class TestRate:
    def test_windows_of_another_rate_are_not_good(self) -> None:
        """Ten seconds are right, then all comes a tenth too slowly."""
        steps = np.full(CALM.shape[1], 1 / FS)
        steps[10 * int(FS) :] *= 1.1
        collector, events = listener()
        push(collector, CALM, 1000.0 + np.cumsum(steps))
        [details] = told(events, "rate")
        assert details["usable"] is False
        quality = collector.block().quality
        assert quality["events"]["rate"] == 1
        # 2 % over the last 10 s are reached within some three
        assert 6 <= quality["good_windows"] <= 10
        off = quality["windows"] - quality["good_windows"]
        assert quality["faults"] == {"all channels: rate": off}

    def test_one_percent_is_tolerated(self) -> None:
        collector, events = listener()
        push(collector, CALM, 1000.0 + 1.01 * np.arange(CALM.shape[1]) / FS)
        assert events == []
        assert len(collector.block().X) == len(block().X)


class TestTelling:
    def test_what_keeps_windows_from_being_good_once_per_change(self) -> None:
        data = CALM.copy()
        second = int(FS)
        data[1, 10 * second : 30 * second] = 0.0
        data[2, 20 * second : 30 * second] *= 100
        collector, events = listener()
        for at in range(0, data.shape[1], 50):
            part = slice(at, at + 50)
            push(collector, data[:, part], np.arange(data.shape[1])[part] / FS)
        assert told(events, "bad_channels") == [
            {"F4": ["flat"]},
            {"F4": ["flat"], "P3": ["amplitude"]},
            {},
        ]
        times = [event.time for event in events]
        # five windows behind the first bad one, five behind the change, and with the first good one
        assert times == pytest.approx([15.0, 25.0, 31.0], abs=0.5)
        assert collector.block().quality["events"] == {}

    def test_nothing_of_a_few_bad_windows(self) -> None:
        data = CALM.copy()
        for start in (10, 16, 22):
            data[1, start * int(FS) : (start + 4) * int(FS)] = 0.0
        collector, events = listener()
        push(collector, data, np.arange(data.shape[1]) / FS)
        assert collector.block().quality["faults"] == {"F4: flat": 12}
        assert events == []

    def test_another_clock_and_the_marks_that_are_lost_by_it(self) -> None:
        collector, events = listener()
        stamps = 1.7e9 + np.arange(CALM.shape[1]) / FS
        collector.push(CALM[:, :512], stamps[:512], now=1004.0)
        collector.mark("1", 1005.0)
        collector.push(CALM[:, 512:], stamps[512:], now=1040.0)
        [clock] = told(events, "foreign_clock")
        assert clock["seconds"] == pytest.approx(1.7e9 - 1000.0, abs=1.0)
        [lost] = told(events, "mark_lost")
        assert (lost["label"], lost["why"][:24]) == ("1", "its time is of another c")
        found = collector.block()
        assert set(found.labels) == {None}
        assert found.quality["events"] == {"foreign_clock": 1, "mark_lost": 1}
