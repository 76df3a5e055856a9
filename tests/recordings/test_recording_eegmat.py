from __future__ import annotations

import re
import warnings
from pathlib import Path

import mne
import numpy as np
import pytest
from recordings.recording_files import EEGMAT_NAMES, write_edf

import eegtl
from eegtl.errors import DatasetError, SignalWarning, SubjectError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two people; the one with the higher number comes first in the alphabet."""
    folder = tmp_path / "eegmat"
    folder.mkdir()
    for subject in ("9", "10"):
        for run in (1, 2):
            write_edf(folder / f"Subject{subject}_{run}.edf", seed=run)
    (folder / "subject-info.csv").write_text("Subject,Age\n")
    return folder


def only(folder: Path, **settings: object) -> Path:
    """A folder with one file Subject07_2.edf."""
    folder.mkdir(exist_ok=True)
    write_edf(folder / "Subject07_2.edf", **settings)
    return folder


def test_reads_layout_units_names_and_trials(folder: Path) -> None:
    collection = eegtl.load("eegmat", root=folder)
    assert collection.subjects == ("09", "10")
    assert collection.index.to_numpy().tolist() == [
        ["09", 1, "Subject9_1.edf"],
        ["09", 1, "Subject9_2.edf"],
        ["10", 1, "Subject10_1.edf"],
        ["10", 1, "Subject10_2.edf"],
    ]
    assert collection.extent() == "2 of 36 subjects, 4 of 72 recordings"
    recording = collection[1]
    assert recording.ch_names == collection.card.channels
    assert (recording.sfreq, recording.n_times, recording.duration) == (500.0, 31000, 62.0)
    assert recording.passband == (0.5, 45.0)
    assert recording.trials.to_numpy().tolist() == [[2, "arithmetic", "arithmetic", 0.0, 60.0]]
    data = recording.get_data()
    assert data.dtype == np.float64
    assert data.flags.c_contiguous
    written = write_edf(folder / "again.edf", seed=2)
    # 16 bits over +-8 standard deviations of 10 uV.
    np.testing.assert_allclose(1e6 * data, written[:19], atol=160 / 65535)


def test_channels_are_chosen_by_name_whatever_their_order_in_the_file(tmp_path: Path) -> None:
    folder = only(tmp_path, names=EEGMAT_NAMES[::-1])
    written = write_edf(tmp_path / "again.edf", names=EEGMAT_NAMES[::-1])
    recording = eegtl.load("eegmat", root=folder, channels=["Fp1", "T3"])[0]
    assert recording.ch_names == ("Fp1", "T7")
    rows = [EEGMAT_NAMES[::-1].index(name) for name in ("EEG Fp1", "EEG T3")]
    np.testing.assert_allclose(1e6 * recording.get_data(), written[rows], atol=160 / 65535)


@pytest.mark.parametrize(
    ("header", "warning"),
    [
        ({"prefilters": ["HP:0.500000Hz LP:45.000000Hz RF:50Hz"]}, None),
        ({"prefilters": ["HP:1Hz LP:45Hz", "HP:2Hz LP:40Hz"]}, "Channels contain different"),
        ({"prefilters": ["HP:40Hz LP:30Hz"]}, "Highpass cutoff frequency"),
        ({"startdate": "X", "date": "31.02.12"}, "Invalid measurement date"),
        ({"prefilters": ["HP:x LP:y", "HP:z LP:w"]}, "(Channels contain different|All-NaN)"),
        ({"person": "12 M 01-JAN-1993 Subject2 shoe=44"}, "Invalid patient information"),
    ],
)
def test_header_fields_that_are_not_used_give_no_warning(
    tmp_path: Path, header: dict[str, object], warning: str | None
) -> None:
    folder = only(tmp_path, **header)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        mne.io.read_raw_edf(folder / "Subject07_2.edf", verbose="warning")
    assert bool(caught) == (warning is not None)
    assert all(re.match(str(warning), str(one.message)) for one in caught)
    assert eegtl.load("eegmat", root=folder)[0].duration == 62.0


def test_other_warnings_of_mne_are_heard(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read = mne.io.read_raw_edf

    def talkative(*args: object, **settings: object) -> object:
        warnings.warn("something new is odd", RuntimeWarning, stacklevel=1)
        return read(*args, **settings)

    monkeypatch.setattr(mne.io, "read_raw_edf", talkative)
    with pytest.warns(RuntimeWarning, match="something new is odd"):
        eegtl.load("eegmat", root=folder)[0]


def test_loading_reads_no_file(folder: Path) -> None:
    for path in folder.glob("*.edf"):
        path.write_bytes(b"")
    collection = eegtl.load("eegmat", root=folder)
    assert len(collection.select(labels=["rest"], subjects=["10"])) == 1
    with pytest.raises(SubjectError, match=r"Subject9_1\.edf \(subject 09\): the file is empty"):
        collection[0]


def test_file_is_left_as_it_is(folder: Path) -> None:
    before = {path: path.read_bytes() for path in folder.iterdir()}
    assert len(list(eegtl.load("eegmat", root=folder))) == 4
    assert {path: path.read_bytes() for path in folder.iterdir()} == before


def cut(path: Path, size: int) -> None:
    path.write_bytes(path.read_bytes()[:size])


def patch(path: Path, at: int, text: bytes) -> None:
    content = bytearray(path.read_bytes())
    content[at : at + len(text)] = text
    path.write_bytes(bytes(content))


HEADER = 256 * 23
RECORD = 2 * (21 * 500 + 57)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda path: cut(path, 0), "the file is empty (0 bytes)"),
        (lambda path: cut(path, 100), "truncated: 100 bytes, its header alone needs 256"),
        (lambda path: cut(path, 300), f"truncated: 300 bytes, its header alone needs {HEADER}"),
        (lambda path: cut(path, HEADER), "the file is empty: a header, but no data record"),
        (
            lambda path: cut(path, HEADER + 61 * RECORD),
            f"the file is truncated: its header announces 62 records, that is "
            f"{HEADER + 62 * RECORD} bytes, and it has {HEADER + 61 * RECORD}",
        ),
        (
            lambda path: path.write_bytes(path.read_bytes() + b"more"),
            f"is damaged: its header announces 62 records, that is {HEADER + 62 * RECORD} bytes, "
            f"and it has {HEADER + 62 * RECORD + 4}",
        ),
        (
            lambda path: path.write_bytes(b"<!DOCTYPE html><html>" + b" " * 1000),
            "the file is no EDF: its header begins with b'<!DOCTYPE html><'",
        ),
        (lambda path: patch(path, 252, b"0   "), "the EDF header contradicts itself: 0 signals"),
        (
            lambda path: patch(path, 256 + 22 * 216, b"many    "),
            "the EDF header holds no sample counts per record",
        ),
        (
            lambda path: patch(path, 256 + 22 * 96, b"mm      "),
            "channel 'Fp1' has the unit 'mm'; expected is uV, mV, nV or V",
        ),
        (
            lambda path: patch(path, 256 + 22 * 96, b"MV      "),
            "channel 'Fp1' has the unit 'MV'; expected is uV, mV, nV or V (MV would be megavolts)",
        ),
        (
            lambda path: patch(path, 256 + 22 * 96 + 3 * 8, b"mV      "),
            "channel 'F4' has a standard deviation of 0.01 V (1 of 19 channels are above 0.01 V",
        ),
        (lambda path: patch(path, 192, b"EDF+D"), "the recording has interruptions (EDF+D)"),
        (
            lambda path: patch(path, 244, b"nan     "),
            "the EDF header contradicts itself: 22 signals, 5888 header bytes, 62 records of nan s",
        ),
        (lambda path: patch(path, 244, b"inf     "), "contradicts itself: 22 signals, 5888 heade"),
        (lambda path: patch(path, 236, b"-7      "), "5888 header bytes, -7 records of 1 s"),
        (
            lambda path: (patch(path, 236, b"-1      "), cut(path, HEADER + 62 * RECORD - 777)),
            f"its header does not say how many records it has, and its {HEADER + 62 * RECORD - 777}"
            f" bytes are no whole number of records of {RECORD}",
        ),
        (
            lambda path: patch(path, 256 + 22 * 216, b"-500    "),
            "the EDF header announces -500 samples per record",
        ),
        (
            lambda path: (
                patch(path, 256 + 22 * 104 + 16, b"0       "),
                patch(path, 256 + 22 * 112 + 16, b"0       "),
            ),
            "channel 'F3' has the physical range 0 to 0 and the digital range -32768 to 32767, whi",
        ),
        (
            lambda path: patch(path, 256 + 22 * 104 + 16, b"low     "),
            "channel 'F3' has the physical range nan to 80",
        ),
        (
            lambda path: patch(path, 256 + 22 * 128 + 16, b"-32768  "),
            "channel 'F3' has the physical range -80 to 80 and the digital range -32768 to -32768",
        ),
        (
            lambda path: patch(path, 256, b"EEG Fp2         "),
            "channel 'Fp1' is missing (found 18 of 19: Fp2, F3, F4, F7, F8, T7, ...). Re-run with "
            "--channels common to use the channels all recordings share, or --skip-bad to leave "
            "this recording out",
        ),
        (
            lambda path: patch(path, 256 + 16 * 19, b"EEG T7          "),
            "channel 'T7' occurs 2 times",
        ),
    ],
)
def test_damaged_file_is_named_with_its_fault(tmp_path: Path, damage, message: str) -> None:
    folder = only(tmp_path)
    damage(folder / "Subject07_2.edf")
    with pytest.raises(SubjectError, match=re.escape(message)) as caught:
        eegtl.load("eegmat", root=folder)[0]
    assert str(caught.value).startswith("Subject07_2.edf (subject 07): ")
    assert (caught.value.file, caught.value.subject) == ("Subject07_2.edf", "07")


def test_number_of_records_that_the_header_leaves_open(tmp_path: Path) -> None:
    folder = only(tmp_path)
    patch(folder / "Subject07_2.edf", 236, b"-1      ")
    assert eegtl.load("eegmat", root=folder)[0].duration == 62.0


def test_ranges_of_other_channels_do_not_matter(tmp_path: Path) -> None:
    folder = only(tmp_path)
    patch(folder / "Subject07_2.edf", 256 + 22 * 104 + 20 * 8, b"0       ")
    patch(folder / "Subject07_2.edf", 256 + 22 * 112 + 20 * 8, b"0       ")
    assert len(eegtl.load("eegmat", root=folder)[0].ch_names) == 19


@pytest.mark.parametrize(
    ("unit", "sd"),
    [
        ("uv", 10.0),
        ("UV", 10.0),
        ("\u00b5V", 10.0),
        ("\u00b5v", 10.0),
        ("mV", 0.01),
        ("mv", 0.01),
        ("nV", 1e4),
        ("V", 1e-5),
    ],
)
def test_every_spelling_of_a_unit_gives_the_same_volts(
    tmp_path: Path, unit: str, sd: float
) -> None:
    folder = only(tmp_path, unit=unit, sd=sd)
    data = eegtl.load("eegmat", root=folder)[0].get_data()
    written = write_edf(tmp_path / "again.edf", sd=10.0)
    np.testing.assert_allclose(1e6 * data, written[:19], atol=0.01)


def test_one_channel_in_another_unit(tmp_path: Path) -> None:
    folder = only(tmp_path)
    patch(folder / "Subject07_2.edf", 256 + 22 * 96 + 3 * 8, b"UV      ")
    data = eegtl.load("eegmat", root=folder)[0].get_data()
    written = write_edf(tmp_path / "again.edf")
    np.testing.assert_allclose(1e6 * data, written[:19], atol=160 / 65535)


def test_one_person_whatever_the_spelling_of_the_number(tmp_path: Path) -> None:
    for name in ("Subject02_1.edf", "Subject2_2.edf", "subject002_3.edf"):
        write_edf(tmp_path / name, seconds=62)
    collection = eegtl.load("eegmat", root=tmp_path)
    assert collection.subjects[0] == "02"
    assert collection.select(subjects=["02"]).index["file"].tolist() == [
        "Subject02_1.edf",
        "Subject2_2.edf",
    ]


def test_wrong_rate(tmp_path: Path) -> None:
    folder = only(tmp_path, sfreq=250)
    message = "channel 'Fp1' is sampled at 250 Hz, the card of eegmat says 500 Hz"
    with pytest.raises(SubjectError, match=re.escape(message)):
        eegtl.load("eegmat", root=folder)[0]


def test_microvolts_taken_for_volts(tmp_path: Path) -> None:
    folder = only(tmp_path, unit="V")
    message = r"has a standard deviation of 1\d(\.\d+)? V .*microvolts were taken for volts"
    with pytest.raises(SubjectError, match=message):
        eegtl.load("eegmat", root=folder)[0]


def test_volts_taken_for_microvolts(tmp_path: Path) -> None:
    folder = only(tmp_path, sd=1e-5)
    with pytest.raises(SubjectError, match=r"e-11 V .*volts were scaled as if .* microvolts"):
        eegtl.load("eegmat", root=folder)[0]


def test_trial_beyond_the_end(tmp_path: Path) -> None:
    folder = only(tmp_path, seconds=41)
    message = "trial 2 ends at 60 s, beyond the end of the recording (41 s)"
    with (
        pytest.warns(SignalWarning, match=r"lasts 41\.0 s, those of eegmat last 60 to 200 s"),
        pytest.raises(SubjectError, match=re.escape(message)),
    ):
        eegtl.load("eegmat", root=folder)[0]


def test_length_that_no_file_of_the_set_has(tmp_path: Path) -> None:
    folder = only(tmp_path, seconds=201)
    message = "Subject07_2.edf (subject 07): the recording lasts 201.0 s, those of eegmat last 60"
    with pytest.warns(SignalWarning, match=re.escape(message)):
        eegtl.load("eegmat", root=folder)[0]


@pytest.mark.parametrize("name", ["Subject07_3.edf", "Subject_x.edf", "Subject07.edf"])
def test_file_name_that_cannot_be_read(folder: Path, name: str) -> None:
    write_edf(folder / name, seconds=1)
    collection = eegtl.load("eegmat", root=folder)
    assert len(list(collection.read(skip_bad=True))) == 4
    assert [str(error) for error in collection.skipped] == [
        f"{name} (subject {name[:-4]}): the file name cannot be read; expected is "
        "Subject<NN>_<k>.edf, k = 1 rest, k = 2 arithmetic (labels in names: 1, 2). Rename the "
        "file, move it away, or re-run with --skip-bad to leave it out"
    ]
    with pytest.raises(SubjectError, match="the file name cannot be read"):
        list(collection)


def test_two_files_with_one_meaning(folder: Path) -> None:
    write_edf(folder / "Subject09_1.edf", seconds=1)
    with pytest.raises(
        DatasetError, match=r"Subject09_1\.edf and Subject9_1\.edf in .* are the same recording"
    ):
        eegtl.load("eegmat", root=folder)


def test_skip_bad_lists_every_fault_and_starts_anew(folder: Path) -> None:
    (folder / "Subject9_2.edf").write_bytes(b"")
    cut(folder / "Subject10_1.edf", HEADER + 1)
    collection = eegtl.load("eegmat", root=folder)
    for _ in range(2):
        kept = [recording.file for recording in collection.read(skip_bad=True)]
        assert kept == ["Subject9_1.edf", "Subject10_2.edf"]
        assert [error.file for error in collection.skipped] == ["Subject9_2.edf", "Subject10_1.edf"]
    with pytest.raises(SubjectError, match=r"Subject9_2\.edf"):
        list(collection.read())


def test_common_channels(folder: Path) -> None:
    write_edf(folder / "Subject10_2.edf", names=EEGMAT_NAMES[1:])
    (folder / "Subject9_2.edf").write_bytes(b"")
    collection = eegtl.load("eegmat", root=folder, channels="common")
    wanted = eegtl.recordings.get_card("eegmat").channels[1:]
    # A selection has the channels of the whole, so that its columns do not change.
    assert collection.select(subjects=["09"])[0].ch_names == wanted
    assert [recording.ch_names for recording in collection.read(skip_bad=True)] == [wanted] * 3


def test_no_common_channel(tmp_path: Path) -> None:
    write_edf(tmp_path / "Subject01_1.edf", names=("EEG Fp1",))
    write_edf(tmp_path / "Subject01_2.edf", names=("EEG Fp2",))
    collection = eegtl.load("eegmat", root=tmp_path, channels="common")
    with pytest.raises(DatasetError, match="the recordings share no channel"):
        collection[0]


def test_file_that_is_gone(folder: Path) -> None:
    collection = eegtl.load("eegmat", root=folder)
    (folder / "Subject9_1.edf").unlink()
    with pytest.raises(SubjectError, match="the file cannot be opened: No such file or directory"):
        collection[0]
