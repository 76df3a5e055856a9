from __future__ import annotations

import gzip
import re
from pathlib import Path

import numpy as np
import pytest
from recordings.recording_files import muse_text, noise, write_muse

import eegtl
from eegtl.errors import SignalWarning, SubjectError
from eegtl.recordings.readers import muselsl
from eegtl.recordings.readers.muselsl import read_muselsl
from eegtl.recordings.readers.stamps import (
    effective_rate,
    find_gaps,
    repeated_packets,
    repeated_rows,
)

DAY_1 = 1742953889.024
DAY_2 = DAY_1 + 86400.0


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two people; names sort otherwise than times and numbers do."""
    folder = tmp_path / "muse-days"
    folder.mkdir()
    write_muse(folder / "S2_20250327_control_run1.csv.gz", start=DAY_2, seed=1)
    write_muse(folder / "S2_20250326_confused_run1.csv", start=DAY_1 + 600, seed=2)
    write_muse(folder / "S2_20250326_understanding_run1.csv", start=DAY_1, seed=3)
    write_muse(folder / "S10_20250327_control_run1.csv", start=DAY_2, seed=4)
    (folder / "index.csv").write_text("subject,date_utc\n")
    return folder


def test_sessions_trials_labels_and_units(folder: Path) -> None:
    collection = eegtl.load("muse-days", root=folder)
    assert collection.index.to_numpy().tolist() == [
        ["S2", 1, "S2_20250326_confused_run1.csv"],
        ["S2", 1, "S2_20250326_understanding_run1.csv"],
        ["S2", 2, "S2_20250327_control_run1.csv.gz"],
        ["S10", 1, "S10_20250327_control_run1.csv"],
    ]
    recordings = list(collection)
    assert [r.trials["trial"].tolist() for r in recordings] == [[2], [1], [1], [1]]
    assert [r.trials["label"][0] for r in recordings] == [
        "confused",
        "understanding",
        "control",
        "control",
    ]
    assert len({r.trials["stimulus"][0] for r in recordings}) == 4
    first = recordings[0]
    assert first.ch_names == ("TP9", "AF7", "AF8", "TP10")
    assert (first.sfreq, first.duration) == (256.0, 130.0)
    assert first.trials[["onset", "duration"]].to_numpy().tolist() == [[0.0, 130.0]]
    written = write_muse(folder / "again.csv", start=DAY_1 + 600, seed=2)
    np.testing.assert_allclose(first.get_data(), 1e-6 * written[:, :4].T, rtol=1e-12)


def test_unreadable_neighbour_does_not_hinder_a_recording(folder: Path) -> None:
    (folder / "S2_20250326_understanding_run1.csv").write_bytes(b"")
    collection = eegtl.load("muse-days", root=folder)
    assert [r.trials["trial"][0] for r in collection.read(skip_bad=True)] == [1, 1, 1]
    assert [error.file for error in collection.skipped] == ["S2_20250326_understanding_run1.csv"]


def test_loading_reads_no_file(folder: Path) -> None:
    for path in folder.glob("S*"):
        path.write_bytes(b"")
    assert len(eegtl.load("muse-days", root=folder).select(labels=["control"])) == 2


def test_one_person_whatever_the_spelling_of_the_number(folder: Path) -> None:
    write_muse(folder / "S02_20250328_control_run1.csv", start=DAY_2 + 86400, seed=5)
    collection = eegtl.load("muse-days", root=folder).select(subjects=["S2"])
    assert collection.index["session"].tolist() == [1, 1, 2, 3]


def test_unknown_word_in_the_file_name(folder: Path) -> None:
    write_muse(folder / "S2_20250328_asleep_run1.csv", seconds=1)
    collection = eegtl.load("muse-days", root=folder)
    assert len(list(collection.read(skip_bad=True))) == 4
    message = "(labels in names: control, understanding, confused)"
    assert [message in str(error) for error in collection.skipped] == [True]


def test_short_file_is_doubted(tmp_path: Path) -> None:
    write_muse(tmp_path / "S1_20250326_control_run1.csv", seconds=30)
    collection = eegtl.load("muse-days", root=tmp_path)
    with pytest.warns(SignalWarning, match=r"lasts 30\.0 s, those of muse-days last 120 to 600 s"):
        assert collection[0].duration == 30.0


def read(path: Path) -> muselsl.MuseLSL:
    return read_muselsl(path, subject="S1")


def test_lost_samples_become_nan_and_time_stays_true(tmp_path: Path) -> None:
    path = tmp_path / "a.csv.gz"
    whole = write_muse(path, seconds=20)
    write_muse(path, seconds=20, lost=(2000, 36))
    content = read(path)
    assert content.gaps == ((2000 / 256, 36),)
    assert content.data.shape == (5, 5120)
    lost = np.isnan(content.data).all(axis=0)
    assert np.flatnonzero(lost).tolist() == list(range(2000, 2036))
    np.testing.assert_allclose(content.data[:, ~lost], 1e-6 * whole[~lost].T, rtol=1e-12)


def test_repeated_rows_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    whole = write_muse(path, seconds=20)
    lines = path.read_text().splitlines(keepends=True)
    for row in (12, 1297, 2582):
        lines.insert(row + 1, lines[row])
    path.write_text("".join(lines))
    content = read(path)
    assert (content.n_repeated, content.gaps) == (3, ())
    np.testing.assert_allclose(content.data, 1e-6 * whole.T, rtol=1e-12)


@pytest.mark.parametrize("length", [12, 100, 300])
def test_packets_that_arrive_again_are_left_out(tmp_path: Path, length: int) -> None:
    path = tmp_path / "a.csv"
    order = np.r_[0:2000, 2000 - length : 5120]
    values = np.round(noise(5120, 5), 3)
    markers = (order == 3000).astype(int)
    path.write_text(muse_text(values[order], order / 256, markers=markers))
    content = read(path)
    assert (content.n_repeated, content.gaps) == (length, ())
    assert content.markers["onset"].tolist() == [3000 / 256]
    np.testing.assert_allclose(content.data, 1e-6 * values.T, rtol=1e-12)


def test_an_older_packet_that_arrives_again_is_left_out() -> None:
    values = np.column_stack([np.arange(200) / 256, noise(200, 4)])
    order = np.r_[0:100, 60:72, 100:200]
    assert np.flatnonzero(repeated_packets(values[order])).tolist() == list(range(100, 112))


def test_a_dead_headset_does_not_repeat_itself() -> None:
    stamps = np.arange(100) / 256
    stamps[50:] -= 0.02
    assert not repeated_packets(np.column_stack([stamps, np.zeros((100, 4))])).any()


def test_a_clock_that_goes_back_is_told(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    stamps = np.arange(5120) / 256
    stamps[2000:] -= 0.9
    path.write_text(muse_text(noise(5120, 5), stamps))
    message = r"a.csv \(subject S1\): the clock goes back by 0.90 s at sample 2000 and the samples"
    with pytest.warns(SignalWarning, match=message):
        content = read(path)
    assert (content.gaps, content.data.shape) == ((), (5, 5120))


def test_equal_values_at_different_times_are_samples(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(muse_text(np.ones((512, 5)), np.arange(512) / 256))
    assert (read(path).n_repeated, read(path).data.shape) == (0, (5, 512))


def test_markers_and_extra_electrode(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    markers = np.zeros(5120, dtype=int)
    markers[[700, 3000]] = 1, 2
    values = noise(5120, 5)
    text = muse_text(values, 213709.598 + np.arange(5120) / 256, markers=markers)
    path.write_text(text)
    content = read(path)
    assert content.ch_names == ("TP9", "AF7", "AF8", "TP10", "Right AUX")
    assert content.markers.to_numpy().tolist() == [[700 / 256, 1], [3000 / 256, 2]]
    assert content.start == 213709.598
    raw = content.to_raw(("Right AUX", "TP9"))
    np.testing.assert_allclose(raw.get_data(), 1e-6 * np.round(values[:, [4, 0]].T, 3), rtol=1e-12)


def test_markers_move_with_the_samples_behind_a_gap(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    keep = np.r_[0:1000, 1036:5120]
    markers = (np.arange(5120) == 3000).astype(int)[keep]
    path.write_text(muse_text(noise(5084, 5), keep / 256, markers=markers))
    assert read(path).markers["onset"].tolist() == [3000 / 256]


def test_missing_values_are_a_gap(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    values = noise(5120, 5)
    values[700:720, 2] = np.nan
    path.write_text(muse_text(values, np.arange(5120) / 256))
    nan = np.isnan(read(path).data)
    assert nan.sum() == 20
    assert nan[2, 700:720].all()


HEAD = "timestamps,TP9,AF7,AF8,TP10,Right AUX\n"
ROWS = "".join(f"{i / 256:.3f},1.000,2.000,3.000,4.000,0.000\n" for i in range(512))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the file is empty (0 bytes)"),
        (HEAD, "the file is empty: a header and 0 samples"),
        (HEAD + "1.0,1,2,3,4,0\n", "the file is empty: a header and 1 samples"),
        (HEAD + ROWS + "2.000,1.0,2.", "line 514 has 3 of 6 fields (the file is cut in its last"),
        (HEAD + ROWS + "2.000,1.0,2.0,3.0,4.0,", "line 514 has 6 of 6 fields (the file is cut"),
        (HEAD + ROWS[:-5], "the file is cut in its last field: it ends with '0', without"),
        (HEAD + ROWS[:-4], "the file is cut in its last field: it ends with '0.', without"),
        ((HEAD + ROWS).replace("\n", "\r"), "its lines end with carriage returns alone"),
        (HEAD + ROWS + "2.0,1\n" + ROWS, "line 514 has 2 of 6 fields (it is damaged)"),
        (HEAD + ROWS + "2.0,1,2,3,4,0,9\n" + ROWS, "line 514 has 7 of 6 fields (it is damaged)"),
        (HEAD + ROWS + "2.0,1,2,x,4,0\n", "holds something that is no number: "),
        (HEAD + ROWS + "nan,1,2,3,4,0\n", "line 514 has no time stamp"),
        ("TimeStamp,RAW_TP9\n1,2\n", "no muselsl CSV: its first line is 'TimeStamp,RAW_TP9'"),
        ("timestamps\n1\n", "no muselsl CSV: its first line is 'timestamps'"),
    ],
)
def test_damaged_csv_is_named_with_its_fault(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "a.csv"
    path.write_text(text)
    with pytest.raises(SubjectError, match=re.escape(message)) as caught:
        read(path)
    assert str(caught.value).startswith("a.csv (subject S1): ")


def test_packed_file_that_is_cut_or_not_packed(tmp_path: Path) -> None:
    path = tmp_path / "a.csv.gz"
    write_muse(path, seconds=5)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(SubjectError, match="the packed file is truncated or damaged: "):
        read(path)
    path.write_text(HEAD + ROWS)
    with pytest.raises(SubjectError, match="truncated or damaged: Not a gzipped file"):
        read(path)


def test_size_is_capped_before_parsing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.csv.gz"
    path.write_bytes(gzip.compress((HEAD + ROWS * 100).encode()))
    monkeypatch.setattr(muselsl, "_MAX_BYTES", 10_000)
    with pytest.raises(SubjectError, match="unpacks to more than 10000 bytes"):
        read(path)


@pytest.mark.parametrize("rate", [128.0, 250.0, 260.0, 1.0])
def test_wrong_rate(tmp_path: Path, rate: float) -> None:
    path = tmp_path / "a.csv"
    write_muse(path, seconds=5000 / rate, rate=rate)
    found = rf"({rate - 1:.0f}\.9\d|{rate:.0f}\.0\d)"
    message = f"the time stamps give {found} Hz, expected are 256 Hz within 1 %"
    with pytest.raises(SubjectError, match=message):
        read(path)


@pytest.mark.parametrize("rate", [254.0, 256.2, 258.0])
def test_rate_within_one_percent_has_no_gaps(tmp_path: Path, rate: float) -> None:
    path = tmp_path / "a.csv"
    values = write_muse(path, seconds=60, rate=rate)
    content = read(path)
    assert content.gaps == ()
    assert content.data.shape[1] == len(values)


def gaps(stamps: np.ndarray) -> list[tuple[int, int]]:
    return find_gaps(stamps, 256.0, file="a.csv", subject="S1")


def test_packet_jitter_is_no_gap_and_gaps_are_seen_through_it() -> None:
    rng = np.random.default_rng(0)
    true = np.arange(20000) / 256
    late = np.repeat(rng.uniform(0, 0.02, size=20000 // 10), 10)
    assert (np.diff(true + late) < 0).any()
    assert gaps(true + late) == []
    keep = np.r_[0:9000, 9060:20000]
    ((at, lost),) = gaps((true + late)[keep])
    # The packet jitter hides where within a packet, and up to two samples of the length.
    assert at == 9000
    assert abs(lost - 60) <= 2


def test_several_gaps() -> None:
    keep = np.delete(np.arange(20000), np.r_[3000:3012, 3500:3524, 15000:15400])
    assert gaps(np.round(keep / 256, 3)) == [(3000, 12), (3488, 24), (14964, 400)]


def test_gaps_near_each_other() -> None:
    keep = np.delete(np.arange(20000), np.r_[3000:3012, 3112:3136])
    assert gaps(np.round(keep / 256, 3)) == [(3000, 12), (3100, 24)]
    # Nearer than the stretches that are compared, they are seen as one; time is true behind them.
    keep = np.delete(np.arange(20000), np.r_[3000:3012, 3020:3044])
    assert sum(lost for _, lost in gaps(np.round(keep / 256, 3))) == 36


def test_lossy_connection_takes_no_long_time_and_keeps_time() -> None:
    true = np.arange(256 * 1200)
    lost = (true // 12) % 100 == 7
    found = gaps(np.round(true[~lost] / 256, 3))
    assert {length for _, length in found} == {12}
    assert len(found) == lost.sum() // 12


def test_gap_of_a_device_that_runs_fast() -> None:
    keep = np.delete(np.arange(20000), np.r_[9000:9036])
    assert gaps(keep / 258.0) == [(9000, 36)]


def test_gap_below_the_limit_is_left() -> None:
    keep = np.delete(np.arange(5000), [2000])
    assert gaps(keep / 256) == []
    keep = np.delete(np.arange(5000), [2000, 2001])
    assert gaps(keep / 256) == [(2000, 2)]


@pytest.mark.parametrize(("jump", "shown"), [(-3.0, "-3.0"), (700.0, "+700.0")])
def test_clock_jump(jump: float, shown: str) -> None:
    stamps = np.arange(20000) / 256
    stamps[12000:] += jump
    message = f"the clock jumps by {shown} s at sample 12000 (allowed are -1 to +600 s)"
    with pytest.raises(SubjectError, match=re.escape(message)):
        gaps(stamps)


def test_one_stamp_far_off_is_told() -> None:
    stamps = np.arange(20000) / 256
    stamps[5000] = 0.0
    message = r"a.csv \(subject S1\): 1 time stamps stand more than 1 s off .* at sample 5000"
    with pytest.warns(SignalWarning, match=message):
        assert gaps(stamps) == []


@pytest.mark.parametrize("sample", [20, 5100])
@pytest.mark.parametrize("jump", [30.0, -100.0])
def test_jump_near_an_end(sample: int, jump: float) -> None:
    stamps = np.arange(5120) / 256
    stamps[sample:] += jump
    which = "first" if sample == 20 else "last"
    shown = -jump if sample == 20 else jump
    message = f"among the {which} 48 samples, time stamps stand {shown:+.1f} s off those inside"
    with pytest.raises(SubjectError, match=re.escape(message)):
        gaps(stamps)


def test_change_of_rate() -> None:
    stamps = np.cumsum(np.r_[np.full(9000, 1 / 256), np.full(6000, 1 / 128)])
    message = r"the rate changes: the time stamps give 128.0 Hz for 2560 samples from sample \d+ on"
    with pytest.raises(SubjectError, match=message):
        gaps(stamps)


def test_slow_drift_of_the_rate_is_no_change() -> None:
    assert gaps(np.cumsum(1 / np.linspace(254.5, 257.5, 60 * 256))) == []


@pytest.mark.parametrize("every", [1000, 600, 300])
def test_packets_lost_at_regular_intervals(tmp_path: Path, every: int) -> None:
    path = tmp_path / "a.csv"
    step = every + 12
    kept = np.concatenate([np.arange(start, start + every) for start in range(0, 20 * step, step)])
    path.write_text(muse_text(noise(len(kept), 5), np.round(kept / 256, 3)))
    content = read(path)
    expected = tuple(((start - 12) / 256, 12) for start in range(step, 20 * step, step))
    assert content.gaps == expected
    assert content.data.shape[1] == kept[-1] + 1


def test_effective_rate_withstands_jitter_gap_and_standstill() -> None:
    rng = np.random.default_rng(0)
    stamps = np.arange(20000) / 255.0 + rng.uniform(0, 0.03, size=20000)
    stamps[5000:] += 40.0
    assert effective_rate(stamps, 256.0) == pytest.approx(255.0, abs=0.1)
    assert effective_rate(np.zeros(10), 256.0) == float("inf")


def test_repeated_rows_keep_the_first() -> None:
    rows = np.array([[0.0, 1], [0.0, 1], [0.0, 1], [0.1, 1], [0.1, 2]])
    assert repeated_rows(rows).tolist() == [False, True, True, False, False]
