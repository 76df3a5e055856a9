"""Windows of a stream are those of the recording: features, labels, gaps, times."""

from __future__ import annotations

import tracemalloc
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from streaming.live_signals import FS, NAMES, START, person, signal, stamps_of
from streaming.live_windows_fed import (
    DATA,
    EXTRACTORS,
    STAMPS,
    assert_equal,
    assert_same,
    begin,
    feed,
    with_gaps,
)

from eegtl.preprocessing import ArtefactMarks

GAPS = st.lists(st.tuples(st.integers(0, 2500), st.integers(70, 200)), max_size=3)
MARKS = st.lists(st.integers(0, 2559), max_size=4)
SIZES = st.lists(st.integers(1, 700), min_size=1, max_size=5).filter(lambda s: sum(s) > 40 * len(s))


@pytest.mark.parametrize("name", list(EXTRACTORS))
@settings(max_examples=12)
@given(gaps=GAPS, places=MARKS, sizes=SIZES)
def test_chunks_make_no_difference(name: str, gaps: Any, places: Any, sizes: Any) -> None:
    """To the bit: features, labels, times, faults, and the events on the way."""
    data, stamps = with_gaps(DATA, STAMPS, gaps)
    marks = [(float(STAMPS[place]), f"m{place % 3}") for place in places]
    live, events = begin(EXTRACTORS[name])
    expected = feed(live, data, stamps, [len(stamps)], marks)
    cut, cut_events = begin(EXTRACTORS[name])
    assert_same(feed(cut, data, stamps, sizes, marks), expected, name)
    assert cut_events == events


@pytest.mark.parametrize("name", list(EXTRACTORS))
def test_neither_do_single_samples(name: str) -> None:
    data, stamps = with_gaps(DATA, STAMPS, [(1300, 90)])
    marks = [(float(STAMPS[700]), "a"), (float(STAMPS[1900]), "b")]
    live, events = begin(EXTRACTORS[name])
    single, single_events = begin(EXTRACTORS[name])
    expected = feed(live, data, stamps, [len(stamps)], marks)
    assert_same(feed(single, data, stamps, [1], marks), expected, name)
    assert single_events == events


@pytest.mark.parametrize("name", list(EXTRACTORS))
@settings(max_examples=12)
@given(gaps=GAPS, places=MARKS, sizes=SIZES)
def test_features_are_those_of_the_feature_stream(
    name: str, gaps: Any, places: Any, sizes: Any
) -> None:
    """A gap is one sample that is no number there, a mark a mark."""
    data, stamps = with_gaps(DATA, STAMPS, gaps)
    jumps = np.flatnonzero(np.diff(stamps) > 0.3) + 1
    numbers = np.searchsorted(stamps, STAMPS[places] if places else [])
    numbers = [int(n) for n in numbers if n < len(stamps)]
    whole = np.insert(data, jumps, np.nan, axis=1)
    moved = [n + int((jumps <= n).sum()) for n in numbers]
    stream = EXTRACTORS[name].start(FS, NAMES)
    expected = stream.process(whole, marks=moved)
    live, _ = begin(EXTRACTORS[name])
    marks = [(float(stamps[n]), "x") for n in numbers]
    got = feed(live, data, stamps, sizes, marks)
    assert_equal([w.X for w in got] or np.empty((0, stream.n_features)), expected.X, name)
    assert [w.settling for w in got] == expected.settling.tolist()
    assert [w.run for w in got] == expected.runs.tolist()


@pytest.mark.parametrize("name", list(EXTRACTORS))
def test_windows_and_labels_of_trials_are_those_offline(name: str) -> None:
    recording = person(7)
    trials = recording.trials
    marks = [
        (START + float(onset), str(label))
        for onset, label in zip(trials["onset"], trials["label"], strict=True)
    ]
    table = EXTRACTORS[name].extract([recording])
    data = recording.get_data()
    live, _ = begin(EXTRACTORS[name])
    got = feed(live, data, stamps_of(data), [37, 4], marks)
    # the end of a trial is no mark of a stream: the window across it is live only
    offline = table.meta["onset"].to_numpy() + START
    onsets = np.array([w.onset for w in got])
    nearest = np.abs(onsets[:, None] - offline).argmin(axis=0)
    matched = [got[i] for i, t in zip(nearest, offline, strict=True) if abs(onsets[i] - t) < 0.1]
    assert len(matched) >= len(table.meta) - 1  # the last may wait for the filters' delay
    n = len(matched)
    assert_equal([w.X for w in matched], table.X[:n], name)
    assert [w.label for w in matched] == table.meta["label"].astype(str).tolist()[:n]
    assert [w.settling for w in matched] == table.meta["settling"].tolist()[:n]
    np.testing.assert_allclose([w.onset for w in matched], offline[:n], atol=0.6 / FS)


class TestTimes:
    @pytest.mark.parametrize("sizes", [[1], [50], [2560]])
    def test_onset_time_and_number_are_those_of_the_samples(self, sizes: list[int]) -> None:
        live, _ = begin(EXTRACTORS["plain"])
        windows = feed(live, DATA, STAMPS, sizes)
        assert [w.onset for w in windows] == STAMPS[:: int(FS)].tolist()
        assert [w.time for w in windows] == STAMPS[int(FS) - 1 :: int(FS)].tolist()
        assert [w.sample for w in windows] == list(range(127, 2560, 128))
        assert (live.n_taken, live.newest, live.offset) == (2560, STAMPS[-1], 0.0)

    def test_samples_that_were_left_out_are_not_counted(self) -> None:
        twice = np.insert(np.arange(2560), 1000, np.arange(988, 1000))
        live, events = begin(EXTRACTORS["plain"])
        windows = feed(live, DATA[:, twice], STAMPS[twice], [100])
        plain, _ = begin(EXTRACTORS["plain"])
        assert_same(windows, feed(plain, DATA, STAMPS, [100]))
        assert events == [("left_out", {"late": 12, "without_stamp": 0})]

    def test_stamps_on_arrival_lose_nothing_and_never_go_back(self) -> None:
        arrival = 0.02 * np.random.default_rng(0).random(640)
        stamps = STAMPS + np.repeat(arrival, 4)
        live, events = begin(EXTRACTORS["plain"])
        windows = feed(live, DATA, stamps, [10])
        plain, _ = begin(EXTRACTORS["plain"])
        expected = feed(plain, DATA, STAMPS, [10])
        np.testing.assert_array_equal([w.X for w in windows], [w.X for w in expected])
        times = [t for w in windows for t in (w.onset, w.time)]
        newest = np.maximum.accumulate(stamps)
        assert [w.time for w in windows] == newest[127::128].tolist()
        assert [w.onset for w in windows] == newest[::128].tolist()
        np.testing.assert_allclose(
            times, [t for w in expected for t in (w.onset, w.time)], atol=0.03
        )
        assert events == []


class TestGaps:
    @pytest.mark.parametrize("seconds", [0.05, 0.5, 30.0])
    def test_filters_restart_and_settle(self, seconds: float) -> None:
        stamps = STAMPS.copy()
        stamps[1500:] += seconds
        live, events = begin(EXTRACTORS["plain"])
        windows = feed(live, DATA, stamps, [64])
        assert events == [("gap", {"seconds": pytest.approx(seconds + 1 / FS)})]
        behind = [w for w in windows if w.onset >= stamps[1500]]
        fresh, _ = begin(EXTRACTORS["plain"])
        alone = feed(fresh, DATA[:, 1500:], stamps[1500:], [64])
        np.testing.assert_array_equal([w.X for w in behind], [w.X for w in alone])
        assert [w.settling for w in behind] == [True] * 4 + [False] * 4
        assert behind[0].onset == stamps[1500]
        assert all(w.time <= stamps[1499] or w.onset >= stamps[1500] for w in windows)
        assert {w.run for w in windows if w.onset < stamps[1500]} != {w.run for w in behind}

    @pytest.mark.parametrize("name", ["half the rate", "an odd rate", "a higher rate", "filtered"])
    @pytest.mark.parametrize("at", range(1200, 1216))
    def test_what_the_filters_held_back_comes_out_at_a_gap(self, name: str, at: int) -> None:
        stamps = STAMPS.copy()
        stamps[at:] += 1.0
        live, _ = begin(EXTRACTORS[name])
        windows = feed(live, DATA, stamps, [16])
        fresh, _ = begin(EXTRACTORS[name])
        whole = feed(fresh, DATA[:, :at], stamps[:at], [16]) + fresh.interrupt()
        before = [w for w in windows if w.time < stamps[at]]
        assert len(before) >= 8
        np.testing.assert_array_equal([w.X for w in before], [w.X for w in whole])
        assert [w.time for w in before] == [w.time for w in whole]
        assert all(np.isfinite([w.onset, w.time]).all() for w in windows)

    @pytest.mark.parametrize("bad", [np.nan, np.inf, 5.0])
    def test_samples_that_are_no_signal_are_a_gap_and_are_told_once(self, bad: float) -> None:
        data = DATA.copy()
        data[1, 1000:1100] = bad
        data[[0, 2], 1050:1100] = bad
        data[3, 2000] = bad
        for sizes in ([1], [64], [2560]):
            live, events = begin(EXTRACTORS["plain"])
            windows = feed(live, data, STAMPS, sizes)
            told = [details["channels"] for event, details in events if event == "no_signal"]
            assert len(told) == len(events) == 2
            assert told[0][:1] in (["F4"], ["F3"])
            assert told[1] == ["P4"]
            onsets = [w.onset for w in windows]
            assert STAMPS[1100] in onsets
            assert STAMPS[2001] in onsets
            assert all(np.isfinite(w.X).all() for w in windows)

    def test_a_jump_of_the_clock_is_a_gap_and_is_summed_up(self) -> None:
        stamps = STAMPS.copy()
        stamps[1000:] += 200_000
        stamps[1800:] -= 10
        live, events = begin(EXTRACTORS["plain"])
        windows = feed(live, DATA, stamps, [64])
        assert [event for event, _ in events] == ["clock_jump"] * 2
        assert live.offset == pytest.approx(199_990 + 2 / FS)
        assert [w.onset for w in windows][8:10] == stamps[[1000 + 128 * i for i in (1, 2)]].tolist()

    def test_an_interruption_gives_a_gap_at_the_next_sample(self) -> None:
        live, _ = begin(EXTRACTORS["plain"])
        feed(live, DATA[:, :1000], STAMPS[:1000], [64])
        assert live.interrupt() == []
        behind = feed(live, DATA[:, 1000:], STAMPS[1000:], [64])
        assert behind[0].onset == STAMPS[1000]
        assert behind[0].settling


class TestFaults:
    def faults(self, data: np.ndarray, quality: ArtefactMarks | None = None) -> Any:
        live, _ = begin(EXTRACTORS["plain"], quality)
        return [dict(w.faults) for w in feed(live, data, STAMPS, [100])]

    def test_good_signal_has_none(self) -> None:
        assert not any(self.faults(DATA))

    def test_kinds_are_those_of_the_marks_in_the_windows_they_are_in(self) -> None:
        data = DATA.copy()
        data[0, 1280:] = 0.0
        data[2, 640:768] *= 1e3
        faults = self.faults(data)
        assert faults[5] == {"P3": ("amplitude",)}
        assert faults[9] == {}
        assert all(f == {"F3": ("flat",)} for f in faults[10:])

    def test_the_very_same_samples_in_two_or_three_channels(self) -> None:
        data = DATA.copy()
        data[2:, 1280:] = data[0, 1280:]
        assert self.faults(data)[9:11] == [
            {},
            {"F3": ("identical",), "P3": ("identical",), "P4": ("identical",)},
        ]

    def test_an_equal_end_is_not_identity(self) -> None:
        data = DATA.copy()
        data[:3, 1270:1280] = 1e-5
        data[2] = data[1]
        faults = self.faults(data, ArtefactMarks(clipped=None, dropout=None))
        assert faults[9] == {"F4": ("identical",), "P3": ("identical",)}


def test_memory_does_not_grow() -> None:
    live, _ = begin(EXTRACTORS["overlapping"])
    assert list(live.push(DATA, STAMPS))
    sizes = []
    tracemalloc.start()
    try:
        for turn in range(1, 40):
            stamps = STAMPS + 20.0 * turn
            live.mark("x", float(stamps[50]))
            for _ in feed(live, DATA, stamps, [200]):
                pass
            sizes.append(tracemalloc.get_traced_memory()[0])
    finally:
        tracemalloc.stop()
    assert sizes[-1] < sizes[8] + 30_000
    assert live.n_taken == 2560 + 39 * 2560


def test_a_signal_in_microvolts_is_refused() -> None:
    live, _ = begin(EXTRACTORS["plain"])
    with pytest.raises(ValueError, match="microvolts were taken for volts"):
        feed(live, signal(3.0) * 1e6, STAMPS[: 3 * 128], [64])


def test_only_samples_that_came_before_are_left_out() -> None:
    """Packets counted back from their arrival overlap; in whole milliseconds stamps can agree."""
    stamps = STAMPS.copy()
    for overlap in range(640, 2560, 128):
        stamps[overlap:] -= 0.01
    stamps = np.round(stamps, 3)
    live, events = begin(EXTRACTORS["plain"])
    feed(live, DATA, stamps, [12])
    assert live.n_taken == DATA.shape[1]
    assert [event for event, _ in events if event == "left_out"] == []
    live, events = begin(EXTRACTORS["plain"])
    twice = np.r_[0:1300, 1288:1300, 1300:2560]
    feed(live, DATA[:, twice], stamps[twice], [12])
    assert live.n_taken == DATA.shape[1]
    assert sum(d["late"] for event, d in events if event == "left_out") == 12
