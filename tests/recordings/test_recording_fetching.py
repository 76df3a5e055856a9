from __future__ import annotations

import hashlib
import os
import re
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from eegtl.errors import DatasetError
from eegtl.recordings import cards as cards_module
from eegtl.recordings import fetching, get_card
from eegtl.recordings.cards import Card, card_folder
from eegtl.recordings.fetching import fetch_files, file_sums

FILES = {"Subject00_1.edf": b"first" * 1000, "Subject00_2.edf": b"second", "info.csv": b"a,b\n"}


class QuietHandler(SimpleHTTPRequestHandler):
    """Serve a folder and note what was asked for."""

    asked: list[str]

    def __init__(self, asked: list[str], *args: object, **named: object) -> None:
        self.asked = asked
        super().__init__(*args, **named)  # type: ignore[arg-type]

    def do_GET(self) -> None:
        self.asked.append(self.path)
        super().do_GET()

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """Give a folder with the right files."""
    folder = tmp_path / "store"
    folder.mkdir()
    for name, content in FILES.items():
        (folder / name).write_bytes(content)
    return folder


@pytest.fixture
def served(store: Path) -> Iterator[tuple[str, list[str]]]:
    """Serve that folder on this machine; give its address and the list of requests."""
    asked: list[str] = []
    handler = partial(QuietHandler, asked, directory=os.fspath(store))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/", asked
        server.shutdown()
        thread.join()


@pytest.fixture
def make_card(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Give a function that makes a card with an address and a list of sums."""

    def make(address: str = "http://127.0.0.1:9/", lines: str | None = None) -> Card:
        folder = tmp_path / "cards" / "eegmat"
        folder.mkdir(parents=True, exist_ok=True)
        text = (original / "card.toml").read_text()
        (folder / "card.toml").write_text(
            text.replace("https://physionet.org/files/eegmat/1.0.0/", address)
        )
        if lines is None:
            lines = "".join(
                f"{hashlib.sha256(content).hexdigest()} {name}\n" for name, content in FILES.items()
            )
        (folder / "SHA256SUMS.txt").write_text(lines)
        return get_card("eegmat")

    original = card_folder() / "eegmat"
    monkeypatch.setattr(cards_module, "card_folder", lambda: tmp_path / "cards")
    monkeypatch.setattr(fetching, "card_folder", lambda: tmp_path / "cards")
    return make


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_files_come_from_the_address_once(make_card, served, tmp_path: Path) -> None:
    address, asked = served
    card, target = make_card(address), tmp_path / "new" / "eegmat"
    seen: list[tuple[int, int]] = []
    found = fetch_files(card, target, progress=lambda *given: seen.append(given))
    assert found.new == tuple(FILES)
    assert contents(target) == FILES
    assert seen == [(1, 3), (2, 3), (3, 3)]
    assert asked == [f"/{name}" for name in FILES]
    again = fetch_files(card, target)
    assert (again.new, again.kept) == ((), tuple(FILES))
    assert len(asked) == 3


def test_a_stopped_fetch_goes_on(make_card, served, store: Path, tmp_path: Path) -> None:
    address, asked = served
    card, target = make_card(address), tmp_path / "eegmat"
    (store / "Subject00_2.edf").unlink()
    with pytest.raises(DatasetError) as caught:
        fetch_files(card, target)
    assert str(caught.value).startswith(
        f"eegmat: Subject00_2.edf could not be brought to {target} (404 Client Error: "
    )
    assert "1 of 3 files are there and stay; run the same command again to go on" in str(
        caught.value
    )
    assert set(contents(target)) == {"Subject00_1.edf"}
    (store / "Subject00_2.edf").write_bytes(FILES["Subject00_2.edf"])
    asked.clear()
    found = fetch_files(card, target)
    assert found.kept == ("Subject00_1.edf",)
    assert "/Subject00_1.edf" not in asked
    assert contents(target) == FILES


def test_what_has_another_content_never_arrives(make_card, served, store, tmp_path: Path) -> None:
    address, _ = served
    (store / "Subject00_1.edf").write_bytes(b"forged")
    for source in (None, store):
        target = tmp_path / f"from-{source is None}"
        with pytest.raises(DatasetError, match=r"Subject00_1\.edf could not be brought to .*SHA"):
            fetch_files(make_card(address), target, source=source)
        assert contents(target) == {}


def test_without_a_server_the_message_names_it(make_card, tmp_path: Path) -> None:
    with pytest.raises(DatasetError) as caught:
        fetch_files(make_card("http://127.0.0.1:9/"), tmp_path / "eegmat")
    assert str(caught.value) == (
        f"eegmat: Subject00_1.edf could not be brought to {tmp_path / 'eegmat'} (127.0.0.1:9 "
        "cannot be reached or does not answer). 0 of 3 files are there and stay; run the same "
        "command again to go on, or copy from a folder that has the files with --from"
    )


def test_a_file_in_the_way_stays_unless_told_otherwise(
    make_card, store: Path, served, tmp_path: Path
) -> None:
    address, asked = served
    card, target = make_card(address), tmp_path / "eegmat"
    target.mkdir()
    (target / "info.csv").write_bytes(b"mine")
    for source in (None, store):
        with pytest.raises(DatasetError) as caught:
            fetch_files(card, target, source=source)
        assert str(caught.value) == (
            f"eegmat: {target / 'info.csv'} is there already with another content than the list "
            "of checksums says; move it away, or replace it with --overwrite"
        )
        assert (target / "info.csv").read_bytes() == b"mine"
    assert asked == []
    fetch_files(card, target, overwrite=True)
    assert contents(target) == FILES


def test_a_folder_may_have_some_of_the_files(make_card, store: Path, tmp_path: Path) -> None:
    card, target = make_card(), tmp_path / "eegmat"
    (store / "info.csv").unlink()
    found = fetch_files(card, target, source=store)
    assert (found.new, found.absent) == (("Subject00_1.edf", "Subject00_2.edf"), ("info.csv",))
    (tmp_path / "empty").mkdir()
    with pytest.raises(DatasetError, match=re.escape("has none of the 3 files of the list, such")):
        fetch_files(card, target, source=tmp_path / "empty")


def test_a_target_that_is_a_file(make_card, store: Path, tmp_path: Path) -> None:
    (tmp_path / "eegmat").write_text("")
    with pytest.raises(DatasetError, match=r"could not be brought to .*eegmat \(.*File exists"):
        fetch_files(make_card(), tmp_path / "eegmat", source=store)


def test_a_card_without_a_list_says_where_to_get_the_data() -> None:
    with pytest.raises(DatasetError) as caught:
        file_sums(get_card("muse-days"))
    assert str(caught.value) == (
        "muse-days has no list of files to fetch. Get the data from "
        "https://github.com/JP-Vela/BioHack2025 (licence MIT); eegtl datasets info muse-days says "
        "how to name the files"
    )


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("../up.edf", "line 1: '../up.edf' is listed twice, or is no plain path"),
        ("/etc/passwd", "line 1: '/etc/passwd' is listed twice, or is no plain path"),
        ("a\\b", "line 1: 'a\\\\b' is listed twice, or is no plain path"),
        ("a//b", "line 1: 'a//b' is listed twice, or is no plain path"),
        (f"a\n{'0' * 64} a", "line 2: 'a' is listed twice"),
        ("a\nshort b", "line 2: expected is a SHA-256 sum and the name of a file, not 'short b'"),
    ],
)
def test_faulty_lists_are_refused(make_card, name: str, message: str) -> None:
    with pytest.raises(DatasetError, match=re.escape(message)):
        file_sums(make_card(lines=f"{'0' * 64} {name}\n"))


def test_a_missing_list_is_named(make_card, tmp_path: Path) -> None:
    card = make_card()
    (tmp_path / "cards" / "eegmat" / "SHA256SUMS.txt").unlink()
    with pytest.raises(DatasetError, match=r"SHA256SUMS\.txt: the list of checksums cannot be re"):
        file_sums(card)


def test_the_list_of_eegmat_is_complete() -> None:
    names = set(file_sums(get_card("eegmat")))
    wanted = {f"Subject{subject:02d}_{k}.edf" for subject in range(36) for k in (1, 2)}
    assert names == wanted | {"subject-info.csv"}


@pytest.mark.realdata
def test_the_list_is_true_of_the_real_files(realdata: Path) -> None:
    sums = file_sums(get_card("eegmat"))
    here = [path for path in sorted((realdata / "eegmat").iterdir()) if path.name in sums][:4]
    assert len(here) == 4
    for path in here:
        assert hashlib.sha256(path.read_bytes()).hexdigest() == sums[path.name]


@pytest.mark.parametrize("overwrite", [False, True])
@pytest.mark.parametrize("copied", [False, True])
def test_a_file_that_cannot_be_read_is_named(
    make_card, store: Path, monkeypatch: pytest.MonkeyPatch, overwrite: bool, copied: bool
) -> None:
    def refuse(path: Path) -> str:
        raise PermissionError(13, "Permission denied")

    card = make_card()
    monkeypatch.setattr(fetching, "sum_of", refuse)
    with pytest.raises(DatasetError) as caught:
        fetch_files(card, store, source=store if copied else None, overwrite=overwrite)
    assert str(caught.value) == (
        f"{store / 'Subject00_1.edf'} cannot be read (Permission denied); make it readable, or "
        "name another folder"
    )


def test_a_source_that_cannot_be_looked_at_is_named(make_card, tmp_path: Path) -> None:
    source = Path("x" * 5000)
    with pytest.raises(
        DatasetError, match=r"^x+/Subject00_1\.edf cannot be read \(File name too l"
    ):
        fetch_files(make_card(), tmp_path / "new", source=source)
    assert not (tmp_path / "new").exists()
