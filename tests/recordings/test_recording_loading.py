from __future__ import annotations

import re
from pathlib import Path

import pytest
from recordings.recording_files import write_edf

import eegtl
from eegtl.errors import DatasetError
from eegtl.recordings import folders

WHERE_TO_GET = "Get the data from https://physionet.org/content/eegmat/1.0.0/ (licence ODC-By-1.0)"


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("EEGTL_DATA", raising=False)
    monkeypatch.setattr(folders, "user_data_path", lambda name: tmp_path / "user-data" / name)


def put(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    write_edf(folder / "Subject01_1.edf", seconds=1)
    return folder


def test_root_is_the_folder_or_its_parent(tmp_path: Path) -> None:
    put(tmp_path / "eegmat")
    assert len(eegtl.load("eegmat", root=tmp_path)) == 1
    assert len(eegtl.load("eegmat", root=str(tmp_path / "eegmat"))) == 1


def test_environment_then_user_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path / "user-data" / "eegtl" / "eegmat")
    assert len(eegtl.load("eegmat")) == 1
    monkeypatch.setenv("EEGTL_DATA", str(tmp_path / "nowhere"))
    with pytest.raises(DatasetError, match=r"nowhere \(the environment variable EEGTL_DATA\)"):
        eegtl.load("eegmat")
    put(tmp_path / "nowhere")
    assert len(eegtl.load("eegmat")) == 1


def test_root_comes_before_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EEGTL_DATA", str(put(tmp_path / "a")))
    with pytest.raises(DatasetError, match=re.escape(f"the folder {tmp_path / 'b'} (the root")):
        eegtl.load("eegmat", root=tmp_path / "b")


def test_missing_folder_says_where_to_get_the_data(tmp_path: Path) -> None:
    with pytest.raises(DatasetError) as caught:
        eegtl.load("eegmat")
    wanted = tmp_path / "user-data" / "eegtl"
    message = str(caught.value)
    assert message.startswith(
        f"eegmat: the folder {wanted} (the user data folder) does not exist. {WHERE_TO_GET}"
    )
    assert message.endswith("with --root or the environment variable EEGTL_DATA")


def test_folder_without_matching_files(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("nothing")
    message = (
        "eegmat: no file like Subject<NN>_<k>.edf, k = 1 rest, k = 2 arithmetic in "
        f"{tmp_path} (the root that was given), nor in its sub-folder eegmat. {WHERE_TO_GET}"
    )
    with pytest.raises(DatasetError, match=re.escape(message)):
        eegtl.load("eegmat", root=tmp_path)


def test_synthetic_takes_no_root(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"made in memory and takes no root \(got '.*'\)"):
        eegtl.load("synthetic", root=tmp_path)


def test_subjects(tmp_path: Path) -> None:
    assert eegtl.load("synthetic", subjects=["w03", "w01"]).subjects == ("w01", "w03")
    with pytest.raises(DatasetError) as caught:
        eegtl.load("synthetic", subjects=["w3"])
    assert "subject 'w3' does not occur in synthetic; did you mean 'w03'?" in str(caught.value)
    assert "It has 'w01', 'w02', " in str(caught.value)


def test_unknown_channel_lists_the_known_ones() -> None:
    with pytest.raises(DatasetError) as caught:
        eegtl.load("synthetic", channels=["AF3", "Fc7"])
    message = str(caught.value)
    assert "channel 'Fc7' is unknown in synthetic" in message
    assert "It has AF3, F7, F3, FC5, T7, P7, O1, O2, P8, T8, FC6, F4, F8, AF4; 'common'" in message


@pytest.mark.parametrize(
    ("channels", "message"),
    [
        (["T3", "T7"], "channel 'T7' is named twice for synthetic"),
        ([], "no channel is named for synthetic; it has AF3"),
        (5, "channels is 5; give a list of names, the name of a headset, or 'common'"),
        ([5], "channels is [5]; give a list of names"),
        ("muse", "channel 'TP9' is unknown in synthetic"),
    ],
)
def test_useless_choice_of_channels(channels: object, message: str) -> None:
    with pytest.raises(DatasetError, match=re.escape(message)):
        eegtl.load("synthetic", channels=channels)


def test_channels_as_text_as_on_a_command_line() -> None:
    collection = eegtl.load("synthetic", channels="t3, T8 af3")
    assert collection.ch_names == ("T7", "T8", "AF3")
    assert eegtl.load("synthetic", channels="epoc").ch_names == eegtl.recordings.HEADSETS["epoc"]


def test_the_name_without_its_zeros_is_what_was_meant(tmp_path):
    for person in ("02", "12", "32"):
        write_edf(tmp_path / f"Subject{person}_1.edf", seconds=1)
    with pytest.raises(DatasetError, match="subject '2' does not occur in eegmat; did you mean '0"):
        eegtl.load("eegmat", tmp_path, subjects=["2"])


@pytest.mark.parametrize("refused", ["stat", "scandir"])
def test_a_folder_that_may_not_be_entered_is_named(tmp_path, monkeypatch, refused):
    owner = folders.Path if refused == "stat" else folders.os
    allowed = getattr(owner, refused)

    def refuse(path, **named):
        if tmp_path in (Path(path), *Path(path).parents):
            raise PermissionError(13, "Permission denied")
        return allowed(path, **named)

    monkeypatch.setattr(owner, refused, refuse)
    with pytest.raises(DatasetError) as caught:
        eegtl.load("eegmat", tmp_path)
    assert str(caught.value).startswith(
        f"eegmat: the folder {tmp_path} (the root that was given) cannot be read (Permission "
        "denied). Get the data from https://physionet.org/"
    )


def test_the_home_of_nobody(monkeypatch):
    monkeypatch.setenv("EEGTL_DATA", "~nobody at all/data")
    with pytest.raises(DatasetError) as caught:
        eegtl.load("eegmat")
    assert str(caught.value) == (
        "the folder ~nobody at all/data (the environment variable EEGTL_DATA) cannot be found: "
        "there is no home folder ~nobody at all; write it in full"
    )
