"""Where marks restart windows, and what becomes of those that come late or never fit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from streaming.live_signals import FS, START
from streaming.live_windows_fed import DATA, EXTRACTORS, STAMPS, begin, feed

from eegtl.streaming.live_windows import MAX_MARKS


class TestMarks:
    def place(self, time: float, sizes: Sequence[int] = (128,), label: str = "calm") -> Any:
        live, events = begin(EXTRACTORS["plain"])
        return feed(live, DATA, STAMPS, sizes, [(time, label)]), events

    @pytest.mark.parametrize("number", [0, 1, 127, 128, 129, 1000])
    @pytest.mark.parametrize("sizes", [[1], [128], [300]])
    def test_windows_restart_at_the_sample_of_a_mark(self, number: int, sizes: Any) -> None:
        windows, events = self.place(float(STAMPS[number]), sizes)
        onsets = [w.onset for w in windows]
        assert STAMPS[number] in onsets
        expected = {t: "calm" if t >= STAMPS[number] else None for t in onsets}
        assert {w.onset: w.label for w in windows} == expected
        assert events == [("mark", {"label": "calm", "mark_time": STAMPS[number]})]

    def test_a_mark_between_samples_belongs_to_the_next(self) -> None:
        windows, events = self.place(float(STAMPS[499]) + 0.001)
        assert STAMPS[500] in [w.onset for w in windows]
        assert events[0][1]["mark_time"] == STAMPS[499] + 0.001

    def test_a_mark_before_the_first_sample(self) -> None:
        windows, events = self.place(START - 5)
        assert {w.label for w in windows} == {"calm"}
        assert [event for event, _ in events] == ["mark"]

    @pytest.mark.parametrize(("number", "late"), [(127, 1), (100, 28), (0, 128)])
    def test_a_late_mark_is_placed_at_the_next_sample_and_told(
        self, number: int, late: int
    ) -> None:
        live, events = begin(EXTRACTORS["plain"])
        feed(live, DATA[:, :128], STAMPS[:128], [128])
        live.mark("calm", float(STAMPS[number]))
        windows = feed(live, DATA[:, 128:], STAMPS[128:], [50])
        assert events[0] == ("late_mark", {"label": "calm", "seconds": pytest.approx(late / FS)})
        assert events[1] == ("mark", {"label": "calm", "mark_time": STAMPS[number]})
        assert windows[0].onset == STAMPS[128]
        assert windows[0].label == "calm"

    def test_a_mark_of_before_a_gap_is_late_behind_it_and_one_within_is_not(self) -> None:
        stamps = STAMPS.copy()
        stamps[1000:] += 5.0
        for time, expected in (
            (stamps[990], ["gap", "late_mark", "mark"]),
            (stamps[999] + 2, ["gap", "mark"]),
        ):
            live, events = begin(EXTRACTORS["plain"])
            feed(live, DATA[:, :1000], stamps[:1000], [100])
            live.mark("calm", float(time))
            windows = feed(live, DATA[:, 1000:], stamps[1000:], [100])
            assert [event for event, _ in events] == expected
            assert windows[0].label == "calm"

    def test_several_at_one_sample_the_last_counts(self) -> None:
        live, _ = begin(EXTRACTORS["plain"])
        for label in ("a", "b", "c"):
            live.mark(label, float(STAMPS[700]))
        windows = feed(live, DATA, STAMPS, [90])
        assert [w.label for w in windows if w.onset == STAMPS[700]] == ["c"]

    def test_marks_in_any_order(self) -> None:
        live, _ = begin(EXTRACTORS["plain"])
        for number, label in ((1500, "b"), (300, "a"), (2000, "c")):
            live.mark(label, float(STAMPS[number]))
        windows = feed(live, DATA, STAMPS, [90])
        found = {w.onset: w.label for w in windows}
        assert [found[STAMPS[n]] for n in (300, 1500, 2000)] == ["a", "b", "c"]

    @pytest.mark.parametrize("time", [np.nan, np.inf, -np.inf])
    def test_a_time_that_is_no_number_is_lost_and_blocks_nothing(self, time: float) -> None:
        live, events = begin(EXTRACTORS["plain"])
        live.mark("bad", time)
        live.mark("good", float(STAMPS[500]))
        windows = feed(live, DATA, STAMPS, [90])
        assert {w.label for w in windows} == {None, "good"}
        assert events[0][0] == "mark_lost"
        assert events[0][1]["why"] == "its time is no number"

    @pytest.mark.parametrize("apart", [-1.7e9, 1.7e9])
    @pytest.mark.parametrize("early", [False, True])
    def test_a_mark_of_another_clock_is_lost(self, apart: float, early: bool) -> None:
        """Years apart, it is not moved to the next sample."""
        live, events = begin(EXTRACTORS["plain"])
        if not early:
            feed(live, DATA[:, :100], STAMPS[:100], [100])
        live.mark("calm", START + apart)
        windows = feed(live, DATA[:, 100:], STAMPS[100:], [100])
        assert {w.label for w in windows} == {None}
        lost = [details for event, details in events if event == "mark_lost"]
        if not early or apart < 0:  # before the first sample, what lies ahead may yet come
            assert [details["why"] for details in lost] == [
                "its time is of another clock than the samples'"
            ]

    def test_waiting_marks_are_bounded(self) -> None:
        live, events = begin(EXTRACTORS["plain"])
        feed(live, DATA[:, :100], STAMPS[:100], [100])
        for number in range(MAX_MARKS + 5):
            live.mark(str(number), START + 1000 + number)
        assert [event for event, _ in events] == ["early_mark"] * MAX_MARKS + ["mark_lost"] * 5
        assert events[0][1] == {"label": "0", "seconds": pytest.approx(1000, abs=1)}
        assert events[-1][1]["why"] == f"{MAX_MARKS} marks wait for their samples already"


def test_waiting_marks_do_not_pass_a_jump_of_the_clock() -> None:
    live, events = begin(EXTRACTORS["plain"])
    feed(live, DATA[:, :640], STAMPS[:640], [64])
    live.mark("calm", float(STAMPS[640]) + 0.05)
    windows = feed(live, DATA[:, 640:], STAMPS[640:] - 8.0, [64])
    assert [d["why"] for event, d in events if event == "mark_lost"] == [
        "the clock jumped before its sample came"
    ]
    assert {w.label for w in windows} == {None}


def test_marks_before_the_first_sample_wait_for_their_own_clock_only() -> None:
    live, events = begin(EXTRACTORS["plain"])
    live.mark("unix", START + 1e9)
    live.mark("calm", START)
    assert events == []
    windows = feed(live, DATA, STAMPS, [64])
    assert [d["label"] for event, d in events if event == "mark_lost"] == ["unix"]
    assert {w.label for w in windows} == {"calm"}
