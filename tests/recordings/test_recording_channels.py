from __future__ import annotations

import re

import numpy as np
import pytest

from eegtl.errors import SignalError
from eegtl.recordings.channels import (
    HEADSETS,
    TEN_TEN,
    canonical_name,
    duplicates,
    left_right_pairs,
    positions,
)


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ("T3", "T7"),
        ("T4", "T8"),
        ("T5", "P7"),
        ("T6", "P8"),
        ("EEG Fp1", "Fp1"),
        ("EEG FP1-REF", "Fp1"),
        ("EEG T5-LE", "P7"),
        ("T3-A1", "T7"),
        ("EEG.AF3", "AF3"),
        ("eeg:fz", "Fz"),
        ("Fc5.", "FC5"),
        ("Cz..", "Cz"),
        ("FPZ", "Fpz"),
        ("  poz ", "POz"),
        ("CB1", "CB1"),
        ("Right AUX", "Right AUX"),
        ("AUX_RIGHT", "Right AUX"),
    ],
)
def test_aliases(given: str, wanted: str) -> None:
    assert canonical_name(given) == wanted


@pytest.mark.parametrize("name", ["ECG ECG", "EEG A2-A1", "Fp1-F7", "EEG Fpz-Cz", "Status", "GSR1"])
def test_other_channels_keep_their_names(name: str) -> None:
    assert canonical_name(name) == name


def test_canonical_names_are_fixed_points_whatever_the_case() -> None:
    assert len(set(TEN_TEN)) == len(TEN_TEN)
    for name in TEN_TEN:
        assert canonical_name(name) == canonical_name(name.upper()) == name


def test_headsets_are_canonical_and_complete() -> None:
    assert {name: len(channels) for name, channels in HEADSETS.items()} == {
        "muse": 4,
        "epoc": 14,
        "ten-twenty": 19,
        "deap32": 32,
        "seed62": 62,
    }
    for channels in HEADSETS.values():
        assert not duplicates(channels)
        assert [canonical_name(name) for name in channels] == list(channels)
    assert set(HEADSETS["deap32"]) < set(HEADSETS["seed62"])
    assert set(HEADSETS["epoc"]) < set(HEADSETS["seed62"])


def test_seed_has_27_left_right_pairs() -> None:
    pairs = left_right_pairs(HEADSETS["seed62"])
    assert len(pairs) == 27
    assert {("Fp1", "Fp2"), ("FT7", "FT8"), ("CB1", "CB2")} <= set(pairs)


def test_pairs_are_mirror_images() -> None:
    names = [name for name in HEADSETS["seed62"] if not name.startswith("CB")]
    for left, right in left_right_pairs(names):
        a, b = positions([left, right])
        assert a[0] < 0 < b[0]
        np.testing.assert_allclose(a * [-1, 1, 1], b, atol=0.01)


def test_positions_are_metres_on_a_head_and_cb_stands_at_po9() -> None:
    everywhere = positions(HEADSETS["seed62"])
    assert everywhere.shape == (62, 3)
    assert np.linalg.norm(everywhere, axis=1).min() > 0.05
    assert np.linalg.norm(everywhere, axis=1).max() < 0.15
    np.testing.assert_array_equal(positions(["CB1", "CB2"]), positions(["PO9", "PO10"]))


def test_unknown_position_is_named() -> None:
    message = "no standard position is known for the channels Right AUX, ECG"
    with pytest.raises(SignalError, match=re.escape(message)):
        positions(["Cz", "Right AUX", "ECG"])


@pytest.mark.parametrize(
    "names",
    [("E1", "E2"), ("Ch1", "Ch2"), ("EXG1", "EXG2"), ("VEOG1", "VEOG2"), ("F3", "EXG4"), ("Fz1",)],
)
def test_what_is_no_electrode_has_no_mirror_image(names: tuple[str, ...]) -> None:
    assert left_right_pairs(names) == ()
    assert left_right_pairs([*names, "C3", "C4"]) == (("C3", "C4"),)
