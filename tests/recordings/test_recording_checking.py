from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from recordings.recording_files import write_edf

from eegtl.errors import DatasetError
from eegtl.recordings import checking
from eegtl.recordings.checking import check_dataset


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a folder with two good recordings of one person, and a list of their sums."""
    folder = tmp_path / "eegmat"
    folder.mkdir()
    for k in (1, 2):
        write_edf(folder / f"Subject00_{k}.edf", seconds=62)
    sums = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}
    monkeypatch.setattr(checking, "file_sums", lambda card: sums)
    return folder


def test_a_part_of_the_data_is_right_only_as_a_part(folder: Path) -> None:
    assert check_dataset("eegmat", folder) == [
        "subjects: 1 found, 36 in the complete data set",
        "recordings: 2 found, 72 in the complete data set",
    ]
    seen: list[tuple[int, int]] = []
    found = check_dataset(
        "eegmat", folder, partial=True, progress=lambda *given: seen.append(given)
    )
    assert found == []
    assert seen == [(n, 4) for n in (1, 2, 3, 4)]


def test_each_fault_is_one_line(folder: Path) -> None:
    write_edf(folder / "Subject00_1.edf", seconds=30)
    (folder / "Subject00_2.edf").unlink()
    write_edf(folder / "Subject01_1.edf", seconds=62, names=["EEG Fp1", "EEG Fp2"])
    (folder / "Subject_x.edf").write_text("")
    lines = check_dataset("eegmat", folder, partial=True)
    assert len(lines) == 4
    assert lines[0].startswith("Subject00_1.edf (subject 00): ")
    assert lines[1].startswith("Subject01_1.edf (subject 01): channel")
    assert lines[2].startswith("Subject_x.edf (subject Subject_x): the file name cannot be read")
    assert lines[3].startswith(
        "Subject00_1.edf: the content is not that of the list of checksums (SHA-256 "
    )
    assert check_dataset("eegmat", folder)[-1] == "missing files: 1 of 2 (Subject00_2.edf)"


def test_a_recording_of_unusual_length_is_named(folder: Path) -> None:
    write_edf(folder / "Subject03_1.edf", seconds=201)
    assert check_dataset("eegmat", folder, partial=True) == [
        "Subject03_1.edf (subject 03): the recording lasts 201.0 s, those of eegmat last 60 to "
        "200 s; it may be cut, or not belong to it"
    ]


def test_a_data_set_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="does not exist"):
        check_dataset("eegmat", tmp_path / "nowhere")


@pytest.mark.realdata
def test_the_real_recordings_are_as_their_cards_say(realdata: Path) -> None:
    assert check_dataset("muse-days", realdata) == []
    assert check_dataset("eegmat", realdata, partial=True) == []


def test_a_file_that_cannot_be_read_is_one_line(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = checking.sum_of

    def refuse(path: Path) -> str:
        if path.name == "Subject00_1.edf":
            raise PermissionError(13, "Permission denied")
        return right(path)

    monkeypatch.setattr(checking, "sum_of", refuse)
    assert check_dataset("eegmat", folder, partial=True) == [
        "Subject00_1.edf: cannot be read (Permission denied)"
    ]
