"""Blocks of a wearer: which windows are good, what their labels are, and what is told meanwhile."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from streaming.live_signals import FS, NAMES, make_profile, moods

from eegtl.errors import SignalError
from eegtl.recordings.markers import Mark
from eegtl.streaming.calibration_block import BlockCollector, block_of

CALM = moods(40.0, seed=3)


def block(**options: Any) -> Any:
    return block_of(make_profile(), CALM, FS, NAMES, **options)


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
            collector.push(CALM[:, at : at + 50], np.arange(at, at + 50) / FS)
            at += 50
        assert collector.seconds == 10.0
        collector.push(CALM[:, at : at + 500], np.arange(at, at + 500) / FS)
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
