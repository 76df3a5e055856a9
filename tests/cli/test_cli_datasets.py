from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from recordings.recording_files import write_edf
from typer.testing import CliRunner

from eegtl.cli import app
from eegtl.recordings import card_names, fetching, folders, get_card
from eegtl.report.escape import printable


@pytest.fixture(autouse=True)
def elsewhere(monkeypatch, tmp_path):
    """Keep the data folders of the machine out of these tests."""
    monkeypatch.delenv("EEGTL_DATA", raising=False)
    monkeypatch.setattr(folders, "user_data_path", lambda name: tmp_path / "user-data" / name)


@pytest.fixture
def store(monkeypatch, tmp_path):
    """Give a folder with two files of eegmat, and let the list name a third."""
    folder = tmp_path / "store"
    folder.mkdir()
    for k in (1, 2):
        write_edf(folder / f"Subject00_{k}.edf", seconds=62)
    sums = {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(folder.iterdir())}
    sums["Subject01_1.edf"] = "0" * 64
    monkeypatch.setattr(fetching, "file_sums", lambda card: sums)
    monkeypatch.setattr("eegtl.recordings.checking.file_sums", lambda card: sums)
    return folder


def _call(*arguments, code=0):
    result = CliRunner().invoke(app, ["datasets", *map(str, arguments)])
    assert result.exit_code == code, result.output
    assert "Traceback" not in result.output
    return result


def test_the_list_says_where_each_data_set_is(tmp_path):
    (tmp_path / "eegmat").mkdir()
    write_edf(tmp_path / "eegmat" / "Subject00_1.edf", seconds=1)
    lines = _call("list", "--root", tmp_path).stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["name", *card_names()]
    by_name = {line.split()[0]: line for line in lines}
    assert by_name["eegmat"].endswith(str(tmp_path / "eegmat"))
    assert "36      72          500 Hz  19" in by_name["eegmat"]
    assert by_name["muse-days"].endswith("not found")
    assert by_name["synthetic"].endswith("made in memory")


@pytest.mark.parametrize("name", card_names())
def test_info_shows_the_card_and_the_recipe(name):
    text = _call("info", name).stdout
    card = get_card(name)
    for fact in (card.title, f"{card.sfreq:g} Hz", card.licence, card.url, *card.citation):
        assert fact in text
    assert all(label in text for label in card.labels)
    assert f"# {name}: " in text
    assert text == "\n".join(printable(line) for line in text.splitlines()) + "\n"


def test_fetch_from_a_folder_then_check(store, tmp_path):
    target = tmp_path / "eegmat"
    text = _call("fetch", "eegmat", "--from", store, "--to", target).stdout
    assert f"eegmat: licence ODC-By-1.0; from {store} to {target}" in text
    assert "files  3/3" in text
    assert f"note: not in {store}: 1 of the files, such as Subject01_1.edf" in text
    assert text.splitlines()[-1] == f"{target}: files new 2, there before 0"
    again = _call("fetch", "eegmat", "--from", store, "--to", target).stdout
    assert again.splitlines()[-1] == f"{target}: files new 0, there before 2"

    lines = _call("check", "eegmat", "--root", target, code=1).stdout.splitlines()
    assert lines[-4:] == [
        "subjects: 1 found, 36 in the complete data set",
        "recordings: 2 found, 72 in the complete data set",
        "missing files: 1 of 3 (Subject01_1.edf)",
        "eegmat: 3 problems",
    ]
    well = _call("check", "eegmat", "--root", target, "--partial").stdout.splitlines()
    assert well[-1] == "eegmat: all is as the card says"
    assert "checking eegmat  5/5" in well[-2]


def test_fetch_goes_where_load_looks(store, tmp_path, monkeypatch):
    _call("fetch", "eegmat", "--from", store)
    assert (tmp_path / "user-data" / "eegtl" / "eegmat" / "Subject00_1.edf").is_file()
    monkeypatch.setenv("EEGTL_DATA", str(tmp_path / "mine"))
    _call("fetch", "eegmat", "--from", store)
    assert (tmp_path / "mine" / "eegmat" / "Subject00_1.edf").is_file()
    _call("check", "eegmat", "--partial")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["info", "eegmatt"], "DatasetError: the data set 'eegmatt' is unknown; did you mean 'eeg"),
        (["check", "eegmat"], "DatasetError: eegmat: the folder "),
        (["fetch", "muse-days"], "DatasetError: muse-days has no list of files to fetch. Get the "),
        (["fetch", "synthetic"], "DatasetError: synthetic has no list of files to fetch"),
        (["fetch", "eegmat", "--from", "nowhere"], "DatasetError: eegmat: nowhere has none of the"),
        (["fetch", "eegmat", "--to", ""], "DatasetError: --to is empty; name a folder or leave th"),
        (
            ["check", "eegmat", "--root", "~nobody at all/x"],
            "DatasetError: the folder ~nobody at a",
        ),
        (["check", "eegmat", "--root", "x" * 5000], "DatasetError: eegmat: the folder xxx"),
        (
            ["check", "eegmat", "--root", "a\udcff"],
            "DatasetError: eegmat: the folder a\\udcff (the",
        ),
        (
            ["fetch", "eegmat", "--to", "~nobody at all/x"],
            "DatasetError: --to is '~nobody at all/x",
        ),
        (["fetch", "eegmat", "--from", " "], "DatasetError: --from is empty; name a folder or lea"),
    ],
)
def test_mistakes_are_one_paragraph(arguments, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = _call(*arguments, code=2)
    assert result.stderr.startswith(f"eegtl: {message}")
    assert len(result.stderr.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def test_a_stopped_fetch_says_how_to_go_on(store, tmp_path, monkeypatch):
    def stop(*given):
        raise KeyboardInterrupt

    monkeypatch.setattr(fetching, "_copy", stop)
    result = _call("fetch", "eegmat", "--from", store, "--to", tmp_path / "to", code=130)
    assert result.stderr == (
        "eegtl: stopped; what is there stays. Run the same command again to go on.\n"
    )
    assert list((tmp_path / "to").iterdir()) == []


@pytest.mark.realdata
def test_the_real_data_sets(realdata: Path):
    text = _call("list", "--root", realdata).stdout
    assert f"{realdata / 'eegmat'}" in text
    assert f"{realdata / 'muse-days'}" in text


@pytest.mark.parametrize(
    ("root", "found"), [("x" * 5000, "cannot be read"), ("~nobody at all/x", "not found")]
)
def test_a_bad_folder_does_not_end_the_list(root, found):
    lines = _call("list", "--root", root).stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["name", *card_names()]
    by_name = {line.split()[0]: line for line in lines}
    assert by_name["eegmat"].endswith(found)
    assert by_name["synthetic"].endswith("made in memory")
