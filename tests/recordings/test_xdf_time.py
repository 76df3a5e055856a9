"""Reading XDF: clocks, gaps, rates and markers."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from recordings.test_xdf_reader import MUSE, refusal, write_xdf

from eegtl.errors import SignalWarning
from eegtl.recordings import read_xdf
from eegtl.recordings.readers.xdf_gaps import lost_samples
from eegtl.recordings.readers.xdf_time import split_parts
from eegtl.streaming.xdf_file import XdfWriter


def trials(recording: Any) -> list[list[Any]]:
    table = recording.trials[["trial", "label", "onset", "duration"]]
    return [[n, label, round(on, 6), round(last, 6)] for n, label, on, last in table.to_numpy()]


def test_markers_open_trials_and_are_annotations(tmp_path: Path) -> None:
    path = tmp_path / "sub-7_ses-2.xdf"
    events = [(999.0, "before"), (1004.0, "fear"), (1002.0, "calm"), (1011.0, "after")]
    write_xdf(path, markers={"events": events})
    for markers in (None, "events", "markers", 2):
        (recording,) = read_xdf(path, markers=markers)
        assert trials(recording) == [[1, "calm", 2.0, 2.0], [2, "fear", 4.0, 6.0]]
    assert recording.trials["stimulus"].tolist() == ["7/2/1", "7/2/2"]
    assert recording.raw.annotations.onset.tolist() == [2.0, 4.0]
    assert recording.raw.annotations.description.tolist() == ["calm", "fear"]
    assert recording.notes[1:] == (
        "markers of stream 2: 'events', type 'Markers', 1 x string, irregular, 4 samples",
        "2 of 4 markers lie outside the signals, the first at 999.000 s",
    )
    (alone,) = read_xdf(path, markers=False)
    assert (len(alone.trials), len(alone.raw.annotations), len(alone.notes)) == (0, 0, 1)


def test_markers_at_once_and_blank_ones(tmp_path: Path) -> None:
    path = tmp_path / "a.xdf"
    events = [(1001.0, "block"), (1001.001, "calm"), (1003.0, " "), (1005.0, " fear ")]
    write_xdf(path, markers={"events": events})
    (recording,) = read_xdf(path)
    assert trials(recording) == [
        [1, "calm", pytest.approx(1.001), pytest.approx(1.999)],
        [2, "fear", 5.0, 5.0],
    ]
    assert recording.raw.annotations.description.tolist() == ["block", "calm", "", "fear"]
    assert recording.notes[-1] == (
        "2 of 4 markers are blank, or come less than a sample before the next one, and open no "
        "trial"
    )


def test_markers_of_numbers_and_of_several_channels(tmp_path: Path) -> None:
    path = tmp_path / "a.xdf"
    with XdfWriter(path) as file:
        eeg = file.add_stream("Muse", "EEG", MUSE, rate=256.0, units="uV")
        file.write(eeg, np.random.default_rng(0).normal(size=(2560, 4)), 50.0)
        codes = file.add_stream("codes", "Markers", ["code"], rate=0.0, format="int32")
        file.write(codes, [3, 4], [51.0, 52.0])
        pairs = file.add_stream("pairs", "Stimuli", ["clip", "mood"], rate=0.0, format="string")
        file.write(pairs, [["c1", "calm"]], [53.0])
    (recording,) = read_xdf(path)
    assert trials(recording) == [[1, 3, 1.0, 1.0], [2, 4, 2.0, 8.0]]
    assert isinstance(recording.trials["label"][0], int | np.integer)
    (recording,) = read_xdf(path, markers="Stimuli")
    assert trials(recording) == [[1, "c1/calm", 3.0, 7.0]]


def test_several_marker_streams_or_none(tmp_path: Path) -> None:
    path = tmp_path / "a.xdf"
    write_xdf(path, markers={"a": [(1001.0, "x")], "b": [(1002.0, "y")], "c": []})
    assert (
        "2 streams match; name one by its number, such as markers=2. They are: stream 2: 'a'"
        in (refusal(path))
    )
    assert trials(read_xdf(path, markers="b")[0]) == [[1, "y", 2.0, 8.0]]
    assert trials(read_xdf(path, markers="c")[0]) == []
    assert "no stream has the name, type or number 'd'. The file has" in refusal(path, markers="d")


def test_what_a_live_session_says_of_itself_is_no_marker(tmp_path: Path) -> None:
    path = tmp_path / "a.xdf"
    write_xdf(path, markers={"eegtl-events": [(1001.0, "{}")], "eegtl-markers": [(1002.0, "y")]})
    assert trials(read_xdf(path)[0]) == [[1, "y", 2.0, 8.0]]
    assert trials(read_xdf(path, markers="eegtl-events")[0]) == [[1, "{}", 1.0, 9.0]]


def test_markers_are_placed_by_the_effective_rate(tmp_path: Path) -> None:
    path = tmp_path / "a.xdf"
    stamps = 1000 + np.arange(256 * 120) / 255.5
    write_xdf(path, stamps=stamps, markers={"events": [(1000 + 25550 / 255.5, "calm")]})
    (recording,) = read_xdf(path)
    assert recording.sfreq == 256.0
    assert recording.trials["onset"][0] * 256 == pytest.approx(25550, abs=1e-3)
    assert "255.500 Hz by its time stamps" in recording.notes[0]


def packets(n: int, *, jitter: float) -> np.ndarray:
    """Arrivals of packets of twelve samples, jittered."""
    late = np.random.default_rng(0).uniform(0, jitter, size=n)
    return np.maximum.accumulate(1000 + np.arange(n) * 12 / 256 + late)


@pytest.mark.parametrize("stall", [0.1, 0.3, 0.8, 2.0, 4.0])
def test_jitter_and_stalls_of_the_line_move_nothing(tmp_path: Path, stall: float) -> None:
    path = tmp_path / "a.xdf"
    arrival = packets(1280, jitter=0.03)
    arrival[600] += stall  # what piles up meanwhile comes with it
    stamps = np.repeat(np.maximum.accumulate(arrival), 12)
    data = write_xdf(path, stamps=stamps, markers={"m": [(1050.0, "x")]})
    (recording,) = read_xdf(path)
    np.testing.assert_array_equal(recording.get_data(), 1e-6 * data.T)
    assert recording.trials["onset"][0] == pytest.approx(50.0, abs=0.2)


@pytest.mark.parametrize("jitter", [0.0, 0.01, 0.03])
def test_lost_packets_are_found_among_jitter(jitter: float) -> None:
    kept = np.setdiff1d(np.arange(2560), [600, 1100, 1300, 1301, 1302, 1310])
    found = lost_samples(np.repeat(packets(2560, jitter=jitter)[kept], 12), 256.0)
    assert [at for at, _ in found] == [12 * k for k in (600, 1099, 1298, 1305)]
    np.testing.assert_allclose([lost for _, lost in found], [12, 12, 36, 12], atol=1)


def test_a_wandering_rate_is_told() -> None:
    true = np.cumsum(np.r_[1000, (1 + 0.009 * np.sin(np.arange(1, 30000) / 5000)) / 256])
    with pytest.warns(
        SignalWarning, match=r"leave a line by up to 0\.\d\d s; markers may be mispl"
    ):
        parts, _ = split_parts(true, true, [], 256.0, file="a.xdf", subject="1")
    assert [part.n_times for part in parts] == [30000]


def test_stamps_that_stand_apart_are_no_gap() -> None:
    stamps = 1000 + np.arange(5000) / 256
    for off in (-5.0, 5.0, 5000.0):
        odd = stamps.copy()
        odd[[1000, 2000]] += off
        parts, left_out = split_parts(odd, odd, [], 256.0, file="a.xdf", subject="1")
        assert (len(parts), parts[0].n_times, left_out) == (1, 5000, [])


def test_a_rate_that_is_not_the_nominal_one(tmp_path: Path) -> None:
    path = tmp_path / "a.xdf"
    stamps = 1000 + np.arange(2560) / 125
    data = write_xdf(path, stamps=stamps, markers={"m": [(1010.0, "x")]})
    with pytest.warns(
        SignalWarning, match="the header says 256 Hz, and the time stamps are even a"
    ):
        (recording,) = read_xdf(path)
    assert recording.sfreq == 125.0
    np.testing.assert_array_equal(recording.get_data(), 1e-6 * data.T)
    assert trials(recording) == [[1, "x", pytest.approx(10.0), pytest.approx(10.48)]]


def test_lost_packets_are_no_other_rate(tmp_path: Path) -> None:
    path = tmp_path / "a.xdf"
    here = np.arange(12 * 600).reshape(-1, 12)
    here = here[np.arange(600) % 3 > 0].ravel()
    write_xdf(path, stamps=1000 + here / 256)
    message = refusal(path)
    assert re.search("the time stamps give 17[01].* Hz, ", message)
    assert "expected are 256 Hz within 1 %" in message


def test_a_short_gap_is_filled_and_a_long_one_parts(tmp_path: Path) -> None:
    path = tmp_path / "a.xdf"
    here = np.r_[0:2560, 2688:5120, 6400:9000]
    events = [(1005.0, "a"), (1015.0, "b"), (1022.0, "gap"), (1026.0, "c"), (1030.0, "d")]
    data = write_xdf(path, stamps=1000 + here / 256, markers={"events": events})
    first, second = read_xdf(path)
    assert (first.n_times, second.n_times) == (5120, 2600)
    found = first.get_data()
    assert np.flatnonzero(np.isnan(found).any(axis=0)).tolist() == list(range(2560, 2688))
    np.testing.assert_array_equal(found[:, 2688:], 1e-6 * data[2560:4992].T)
    np.testing.assert_array_equal(second.get_data(), 1e-6 * data[4992:].T)
    assert trials(first) == [
        [1, "a", pytest.approx(5.0), pytest.approx(10.0)],
        [2, "b", pytest.approx(15.0), pytest.approx(5.0)],
    ]
    assert trials(second) == [
        [3, "c", pytest.approx(1.0), pytest.approx(4.0)],
        [4, "d", pytest.approx(5.0), pytest.approx(2600 / 256 - 5)],
    ]
    assert first.notes[-2:] == ("128 lost samples are NaN", "part 1 of 2")
    assert second.notes[-1] == "part 2 of 2: 5.00 s (1280 samples) are missing"
    assert "1 of 5 markers lie outside the signals, the first at 1022.000 s" in second.notes


def test_an_hour_of_nothing_parts_and_a_rest_of_less_than_a_second_is_left_out(
    tmp_path: Path,
) -> None:
    path = tmp_path / "a.xdf"
    places = np.r_[np.arange(2560), 3600 * 256 + np.arange(200), 7200 * 256 + np.arange(512)]
    write_xdf(path, stamps=1000 + places / 256)
    with pytest.warns(SignalWarning, match="left out: 200 samples from sample 2560 on are fewer"):
        first, second = read_xdf(path)
    assert (first.n_times, second.n_times) == (2560, 512)
    assert "3599.22 s (921400 samples) are missing" in second.notes[-1]


def reset(path: Path, *, offsets: bool) -> np.ndarray:
    """The sender restarts after 40 s, and is back 20 s later with a clock that begins anew."""
    rng = np.random.default_rng(0)
    true = np.r_[np.arange(256 * 40), 256 * 60 + np.arange(256 * 50)] / 256 + 2000.0
    data = rng.normal(size=(len(true), 4)).astype(np.float32)
    with XdfWriter(path) as file:
        eeg = file.add_stream("Muse", "EEG", MUSE, rate=256.0, units="uV")
        keys = file.add_stream("keys", "Markers", ["key"], rate=0.0, format="string")
        here = file.add_stream("here", "Markers", ["key"], rate=0.0, format="string")
        split = 256 * 40
        for first, last, shift in ((0, split, 3000.0), (split, len(true), -2050.0)):
            file.write(eeg, data[first:last], true[first:last] + shift)
            for time in np.arange(true[first], true[last - 1], 5.0) if offsets else ():
                for number in (eeg, keys):
                    file.clock_offset(number, time + shift, -shift + rng.normal(scale=1e-5))
        file.write(keys, ["a", "b"], [2010.0 + 3000.0, 2070.0 - 2050.0])
        file.write(here, ["a", "b"], [2010.0, 2070.0])
    return data


def test_a_clock_reset_parts_and_markers_stay_in_place(tmp_path: Path) -> None:
    path = tmp_path / "a.xdf"
    data = reset(path, offsets=True)
    for markers in ("keys", "here"):
        first, second = read_xdf(path, markers=markers)
        np.testing.assert_array_equal(first.get_data(), 1e-6 * data[:10240].T.astype(float))
        np.testing.assert_array_equal(second.get_data(), 1e-6 * data[10240:].T.astype(float))
        assert trials(first) == [[1, "a", pytest.approx(10, abs=1e-3), pytest.approx(30, abs=1e-3)]]
        assert trials(second) == [
            [2, "b", pytest.approx(10, abs=1e-3), pytest.approx(40, abs=1e-3)]
        ]
    assert second.notes[-1] == (
        "part 2 of 2: the clock of the sender was reset (its stamps go from 5039.996 to 10.000 s, "
        "+20.00 s by the recorder's clock)"
    )


def test_a_clock_reset_without_offsets_places_no_markers(tmp_path: Path) -> None:
    path = tmp_path / "a.xdf"
    reset(path, offsets=False)
    assert (
        "the markers of stream 2: 'keys', type 'Markers', 1 x string, irregular, 2 samples cannot "
        "be placed in stream 1" in refusal(path, markers="keys")
    )
    assert (
        "its own clock goes back from 5040.0 to 10.0 s, and the file has no clock offsets that "
        "explain it" in refusal(path, markers="keys")
    )
    first, second = read_xdf(path, markers=False)
    assert (first.n_times, second.n_times) == (10240, 12800)
    assert (
        "the clock goes back (-5030.00 s), and the file has no clock offsets" in (second.notes[-1])
    )


def test_stamps_that_are_no_seconds(tmp_path: Path) -> None:
    stamps = 1000 + np.arange(2560) / 256
    stamps[[7, 9]] = [1e300, -1e17]
    write_xdf(tmp_path / "a.xdf", stamps=stamps)
    assert "2 time stamps of stream 1: 'Muse'" in refusal(tmp_path / "a.xdf")
    assert "samples are no seconds. Fetch or record the file again" in refusal(tmp_path / "a.xdf")


def test_time_since_1970_beside_the_local_clock(tmp_path: Path) -> None:
    path = tmp_path / "a.xdf"
    stamps = 1742953889.0 + np.arange(2560) / 256
    write_xdf(path, stamps=stamps, markers={"events": [(5000.0, "calm")]})
    message = refusal(path)
    assert "the markers of stream 2: 'events'" in message
    assert (
        "their clocks differ by 20173.0 days: 1742953889.0 s, which as time since 1970 is "
        "2025-03-26T01:51:29, against 5000.0 s, which is no time since 1970. One program stamped "
        "with the time since 1970, another with LSL's local clock, and nothing in the file says "
        "how they relate. Record with one clock, or read the signals alone with markers=False"
    ) in message
    assert len(read_xdf(path, markers=False)) == 1
    write_xdf(tmp_path / "b.xdf", stamps=stamps, markers={"events": [(stamps[256], "calm")]})
    assert trials(read_xdf(tmp_path / "b.xdf")[0]) == [
        [1, "calm", pytest.approx(1.0, abs=1e-4), pytest.approx(9.0, abs=1e-4)]
    ]
