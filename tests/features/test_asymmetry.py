from __future__ import annotations

import numpy as np
import pytest

from eegtl.errors import SignalError
from eegtl.features import FEATURES, FeatureExtractor
from eegtl.features.asymmetry import ratios
from eegtl.recordings.channels import HEADSETS, front_back_pairs, left_right_pairs

# Written down from the published description, not from the code.
FRONT_BACK = [
    "FT7-TP7",
    "FC5-CP5",
    "FC3-CP3",
    "FC1-CP1",
    "FCz-CPz",
    "FC2-CP2",
    "FC4-CP4",
    "FC6-CP6",
    "FT8-TP8",
    "F7-P7",
    "F5-P5",
    "F3-P3",
    "F1-P1",
    "Fz-Pz",
    "F2-P2",
    "F4-P4",
    "F6-P6",
    "F8-P8",
    "Fp1-O1",
    "Fp2-O2",
    "Fpz-Oz",
    "AF3-CB1",
    "AF4-CB2",
]
LEFT_RIGHT = [
    "Fp1-Fp2",
    "F7-F8",
    "F3-F4",
    "T7-T8",
    "P7-P8",
    "C3-C4",
    "P3-P4",
    "O1-O2",
    "AF3-AF4",
    "F5-F6",
    "F1-F2",
    "FT7-FT8",
    "FC5-FC6",
    "FC3-FC4",
    "FC1-FC2",
    "C5-C6",
    "C1-C2",
    "TP7-TP8",
    "CP5-CP6",
    "CP3-CP4",
    "CP1-CP2",
    "P5-P6",
    "P1-P2",
    "PO7-PO8",
    "PO5-PO6",
    "PO3-PO4",
    "CB1-CB2",
]


def test_the_published_pairs_by_count_and_name():
    cap = HEADSETS["seed62"]
    assert ["-".join(pair) for pair in front_back_pairs(cap)] == FRONT_BACK
    assert {"-".join(pair) for pair in left_right_pairs(cap)} == set(LEFT_RIGHT)
    assert (len(FRONT_BACK), len(LEFT_RIGHT), len(left_right_pairs(cap))) == (23, 27, 27)


@pytest.mark.parametrize(
    ("headset", "left_right", "front_back"),
    [("muse", 2, 0), ("epoc", 7, 2), ("ten-twenty", 8, 7), ("deap32", 14, 11)],
)
def test_pairs_of_other_caps(headset, left_right, front_back):
    names = HEADSETS[headset]
    assert (len(left_right_pairs(names)), len(front_back_pairs(names))) == (left_right, front_back)
    for first, second in (*left_right_pairs(names), *front_back_pairs(names)):
        assert {first, second} <= set(names)


def test_columns_say_what_is_compared():
    names, bands = ["F4", "F3", "Fz", "Pz"], ["alpha", "beta"]
    assert FEATURES["dasm"].columns(names, bands).tolist() == [
        ("dasm", "F3-F4", "alpha"),
        ("dasm", "F3-F4", "beta"),
    ]
    channels = FEATURES["asm"].columns(names, bands).get_level_values("channel")
    assert channels.tolist() == ["F3-F4", "F3-F4", "F3/F4", "F3/F4"]
    assert FEATURES["dcau"].columns(names, bands)[0] == ("dcau", "Fz-Pz", "alpha")


def test_asymmetries_are_differences_and_ratios_of_entropy():
    rng = np.random.default_rng(0)
    names = HEADSETS["epoc"]
    data = 5e-5 * np.exp(0.3 * rng.standard_normal((14, 1))) * rng.standard_normal((14, 2560))
    extractor = FeatureExtractor(("de", "dasm", "rasm", "asm", "dcau"), window=2.0)
    stream = extractor.start(256.0, names)
    X, columns = stream.process(data).X, stream.columns
    at = {column: number for number, column in enumerate(columns)}
    for (feature, channel, band), number in at.items():
        if feature == "de":
            continue
        sign = "-" if "-" in channel else "/"
        first, second = (X[:, at["de", name, band]] for name in channel.split(sign))
        assert np.abs(second).min() > 0.1
        expected = first - second if sign == "-" else first / second
        np.testing.assert_allclose(X[:, number], expected, rtol=1e-12, atol=1e-12)
    features = columns.get_level_values("feature")
    assert [int((features == name).sum()) for name in ("dasm", "rasm", "asm", "dcau")] == [
        35,
        35,
        70,
        10,
    ]


def test_asymmetry_turns_its_sign_with_the_sides():
    data = 1e-5 * np.random.default_rng(1).standard_normal((2, 1280)) * [[1.0], [3.0]]
    one = FeatureExtractor(("dasm",)).start(128.0, ["F3", "F4"]).process(data).X
    other = FeatureExtractor(("dasm",)).start(128.0, ["F3", "F4"]).process(data[::-1]).X
    np.testing.assert_allclose(one, -other, rtol=0, atol=1e-12)


def test_small_denominators_keep_their_sign():
    below = np.array([2.0, 0.1, 0.05, 0.0, -0.05, -0.1, -2.0])
    entropy = np.stack([np.ones(7), below])[None]
    got = ratios(entropy, np.array([0]), np.array([1]))[0, 0]
    np.testing.assert_allclose(got, [0.5, 10.0, 10.0, 10.0, -10.0, -10.0, -0.5])


@pytest.mark.parametrize("name", ["dasm", "rasm", "asm"])
def test_numbered_channels_have_no_sides(name):
    message = (
        f"{name} compares left with right, and no pair such as F3 and F4 is among the channels "
        "E1, E2, EXG1, EXG2; leave the feature out, or choose other channels"
    )
    with pytest.raises(SignalError, match=message):
        FeatureExtractor((name,)).start(256.0, ["E1", "E2", "EXG1", "EXG2"])
