from __future__ import annotations

import re
from dataclasses import asdict
from pathlib import Path

import pytest

from eegtl.errors import DatasetError
from eegtl.recordings import SyntheticSettings, card_names, get_card, load
from eegtl.recordings import cards as cards_module
from eegtl.recordings.cards import card_folder, read_card
from eegtl.recordings.readers import READERS


@pytest.fixture
def card_text() -> str:
    return (card_folder() / "eegmat" / "card.toml").read_text(encoding="utf-8")


def faulty(tmp_path: Path, text: str, old: str, new: str) -> Path:
    assert text.count(old) == 1
    path = tmp_path / "card.toml"
    path.write_text(text.replace(old, new), encoding="utf-8")
    return path


def test_shipped_cards() -> None:
    assert {"eegmat", "muse-days", "synthetic"} <= set(card_names())


@pytest.mark.parametrize("name", card_names())
def test_every_shipped_card_is_valid_and_has_its_recipe(name: str) -> None:
    card = get_card(name)
    assert card.name == name
    assert card.reader in READERS
    low, high = card.checks.seconds
    assert 0 < low < high
    recipe = (card_folder() / name / "recipe.md").read_text(encoding="utf-8")
    assert recipe.startswith(f"# {name}: ")


def test_eegmat_card_says_what_the_issue_asks() -> None:
    card = get_card("eegmat")
    assert (card.sfreq, len(card.channels), card.labels) == (500.0, 19, ("rest", "arithmetic"))
    assert card.trials.seconds == 60.0
    assert card.passband == (0.5, 45.0)


def test_synthetic_card_repeats_the_default_settings() -> None:
    card, settings = get_card("synthetic"), SyntheticSettings()
    assert card.channels == settings.channels
    assert card.labels == settings.classes
    assert card.sfreq == settings.sfreq
    assert card.checks.subjects == card.checks.recordings == asdict(settings)["n_subjects"]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("sfreq = 500.0", 'sfreq = "500"', "sfreq: Input should be a valid number (got '500')"),
        ("sfreq = 500.0", "sfreq = 0.0", "sfreq: Input should be greater than 0 (got 0.0)"),
        ("sfreq = 500.0", "", "sfreq: Field required"),
        ("subjects = 36", "subjects = 36.5", "checks.subjects: Input should be a valid integer"),
        ("window = 2.0", "window = 2.0\nstep = 1.0", "study.step: Extra inputs are not permitted"),
        ('"header"', '"mV"', "unit: Input should be 'uV', 'V' or 'header' (got 'mV')"),
        ('"T7", ', '"T3", ', "channels: Value error, 'T3' must be written 'T7'"),
        ('"T7", ', '"Fp1", ', "channels: Value error, 'Fp1' is listed twice"),
        ("[0.5, 45.0]", "[45.0, 0.5]", "must rise from at least 0, not 45 to 0.5"),
        ("seconds = 60.0", "", "'seconds' belongs to the rule 'first-seconds', and only to it"),
        ("(?P<label>[12])", "[12]", "folder.pattern: Value error, lacks the named groups label"),
        ("(?P<label>[12])", "(", "folder.pattern: Value error, is no regular expression"),
        (
            'eegmat/1.0.0/"\nsums',
            'eegmat"\nsums',
            "fetch.base_url: Value error, must begin with http",
        ),
        (
            "https://physionet.org/files",
            "file:///etc",
            "must begin with https:// or http:// and end",
        ),
        (
            "SHA256SUMS.txt",
            "../SHA256SUMS.txt",
            "fetch.sums: Value error, must be the plain name of",
        ),
        ('["rest", "arithmetic"]', '["rest", 1]', "labels.1: Input should be a valid string"),
    ],
)
def test_faulty_card_names_file_key_and_value(
    tmp_path: Path, card_text: str, old: str, new: str, message: str
) -> None:
    path = faulty(tmp_path, card_text, old, new)
    with pytest.raises(DatasetError, match=re.escape(message)) as caught:
        read_card(path)
    assert str(caught.value).startswith(f"{path}: ")


def test_card_that_is_no_toml(tmp_path: Path) -> None:
    path = tmp_path / "card.toml"
    path.write_text("name = eegmat\n")
    with pytest.raises(DatasetError, match=r"card\.toml: not valid TOML: .*line 1"):
        read_card(path)


def test_unknown_data_set_lists_the_known_ones() -> None:
    with pytest.raises(DatasetError) as caught:
        load("eegmatt")
    message = str(caught.value)
    assert "the data set 'eegmatt' is unknown; did you mean 'eegmat'?" in message
    assert f"Known are {', '.join(card_names())}" in message


def test_name_is_no_path() -> None:
    with pytest.raises(DatasetError, match=re.escape("'../datasets/eegmat' is unknown")):
        load("../datasets/eegmat")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('name = "eegmat"', 'name = "other"', "name: 'other' differs from the name of its folder"),
        ('reader = "eegmat"', 'reader = "os.system"', "names the reader 'os.system', which does"),
    ],
)
def test_card_that_contradicts_its_place(
    tmp_path: Path,
    card_text: str,
    monkeypatch: pytest.MonkeyPatch,
    old: str,
    new: str,
    message: str,
) -> None:
    (tmp_path / "eegmat").mkdir()
    faulty(tmp_path / "eegmat", card_text, old, new)
    monkeypatch.setattr(cards_module, "card_folder", lambda: tmp_path)
    with pytest.raises(DatasetError, match=re.escape(message)):
        load("eegmat", root=tmp_path)
