"""Extractors as plain values: each comes back, and what is damaged is named."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, fields, replace
from fractions import Fraction
from typing import ClassVar

import numpy as np
import pytest

from eegtl.errors import EegtlError, InputError
from eegtl.features import (
    FEATURES,
    LDS,
    SMOOTHING,
    FeatureExtractor,
    MovingAverage,
    describe_extractor,
    extractor_from,
)
from eegtl.preprocessing import (
    ASR,
    STEPS,
    ArtefactMarks,
    Bandpass,
    Channels,
    Dropouts,
    Harmonise,
    Notch,
    Reference,
    Resample,
)

CHAINS = [
    [],
    [Notch(np.float32(50.0), width=4.0, harmonics=np.int64(2), zero_phase=True)],
    [Dropouts(8, 0.5), Bandpass(None, 40.0), Reference(("Fz", "Cz"), keep=True), Resample(100.0)],
    [Channels("muse"), Harmonise(["F3", "FCz"]), ArtefactMarks(mains=50.0, flat=None)],
    [Bandpass(0.5, None, order=2), Reference(), ASR(cutoff=10.0)],
]
SMOOTHINGS = [None, MovingAverage(3), MovingAverage(np.float32(2.5)), LDS(), LDS("smooth", q=1e-3)]
WHOLE = FeatureExtractor(
    ("de", "cov"), {"alpha": (8, 14)}, 2.0, 0.5, [Notch(50.0), Resample(100.0)], LDS()
)


def same(one: FeatureExtractor, other: FeatureExtractor) -> bool:
    names = ("features", "bands", "window", "step", "preprocessing", "smoothing")
    return all(getattr(one, name) == getattr(other, name) for name in names)


def comes_back(extractor: FeatureExtractor) -> bool:
    """Whether it comes back, through the text of a file."""
    text = json.dumps(describe_extractor(extractor), allow_nan=False)
    return same(extractor_from(json.loads(text)), extractor)


@pytest.mark.parametrize("name", FEATURES)
def test_every_feature_comes_back(name):
    assert comes_back(FeatureExtractor((name,), {"a": (1, 2.5), "Ω": (8.0, np.float64(9))}, 1, 0.1))


@pytest.mark.parametrize("chain", CHAINS, ids=repr)
@pytest.mark.parametrize("smoothing", SMOOTHINGS, ids=repr)
def test_every_step_and_smoothing_comes_back(chain, smoothing):
    assert comes_back(FeatureExtractor(preprocessing=chain, smoothing=smoothing))


def test_all_registered_are_tried():
    assert {type(step) for chain in CHAINS for step in chain} == set(STEPS.values())
    assert {type(way) for way in SMOOTHINGS if way is not None} == set(SMOOTHING.values())


def test_a_description_is_a_copy_of_plain_values():
    described = describe_extractor(WHOLE)
    assert described == {
        "features": ["de", "cov"],
        "bands": {"alpha": [8.0, 14.0]},
        "window": 2.0,
        "step": 0.5,
        "preprocessing": [
            {
                "name": "notch",
                "frequency": 50.0,
                "width": 2.0,
                "harmonics": 1,
                "zero_phase": False,
            },
            {"name": "resample", "sfreq": 100.0},
        ],
        "smoothing": {"name": "lds", "mode": "filter", "q": 1e-4, "r": 1.0, "v0": 0.01},
    }
    described["bands"]["alpha"][0] = 1.0
    assert WHOLE.bands == {"alpha": (8.0, 14.0)}


def damaged(**changes):
    return {**describe_extractor(WHOLE), **changes}


@pytest.mark.parametrize(
    ("description", "message"),
    [
        (None, "it is a NoneType, not a dict"),
        ([], "it is a list, not a dict"),
        ({"features": ["de"]}, "it lacks bands, window, step, preprocessing, smoothing"),
        (damaged(extra=1), "the extractor has no setting 'extra'; it has features, bands, window"),
        (damaged(features="de"), "features is 'de', not a list of names"),
        (damaged(features=[["de"]]), r"features is [['de']], not a list of names"),
        (damaged(features=["os.system"]), "feature 'os.system' is unknown; known are de, de_stft"),
        (damaged(features=[]), "features is (); name each feature once"),
        (damaged(bands=[1, 2]), "bands is [1, 2], not a dict of edges in Hz"),
        (damaged(bands={"a": ["8", "9"]}), "band 'a' is ['8', '9'], not a list of two numbers"),
        (damaged(bands={"a": [9, 8]}), "band 'a' is (9, 8); a band is (low, high)"),
        (damaged(bands={"a": [10**400, 8]}), "int too large to convert to float"),
        (damaged(bands={}), "bands is empty"),
        (damaged(window="1"), "window is '1', not a number of seconds"),
        (damaged(window=True), "window is True, not a number of seconds"),
        (damaged(step=None), "step is None, not a number of seconds"),
        (damaged(step=-1.0), "step is -1.0 s; give a positive number"),
        (damaged(preprocessing=None), "preprocessing is None, not a list of steps"),
        (damaged(preprocessing=["notch"]), "the description of a step is 'notch'; give its name"),
        (damaged(preprocessing=[{"name": "blur"}]), "there is no step 'blur' of preprocessing"),
        (damaged(preprocessing=[{"name": ["notch"]}]), "there is no step ['notch']"),
        (
            damaged(preprocessing=[{"name": "notch", "frequency": 50.0, "depth": 3}]),
            "the step 'notch' has no setting 'depth'; it has frequency",
        ),
        (damaged(preprocessing=[{"name": "resample"}]), "the step 'resample' cannot be made"),
        (damaged(smoothing="lds"), "smoothing is 'lds', neither null nor a name with its settings"),
        (damaged(smoothing={"mode": "filter"}), "there is no smoothing None; choose from moving"),
        (damaged(smoothing={"name": ["lds"]}), "there is no smoothing ['lds']; choose from moving"),
        (
            damaged(smoothing={"name": "lds", "s": 1}),
            "the smoothing 'lds' has no setting 's'; it has mode, q, r, v0",
        ),
        (damaged(smoothing={"name": "lds", "mode": "x"}), "mode is 'x'; give 'filter' (causal)"),
        (damaged(smoothing={"name": "moving_average"}), "missing 1 required positional argument"),
    ],
)
def test_what_is_damaged_is_named(description, message):
    begin = "the description of an extractor is damaged, or of another version: "
    with pytest.raises(InputError, match=f"^{re.escape(begin)}.*{re.escape(message)}"):
        extractor_from(description)


JUNK = [
    None,
    True,
    -1,
    0,
    10**400,
    float("nan"),
    float("inf"),
    "x",
    "",
    [],
    [[]],
    {},
    [None],
    {"a": 1},
]
ENTRIES = [
    *(("preprocessing", name, kind) for name, kind in STEPS.items()),
    *(("smoothing", name, kind) for name, kind in SMOOTHING.items()),
]


@pytest.mark.parametrize("junk", JUNK, ids=lambda junk: repr(junk)[:20])
@pytest.mark.parametrize(("part", "name", "kind"), ENTRIES, ids=lambda value: str(value)[:20])
def test_settings_of_any_kind_are_possible_or_refused(part, name, kind, junk):
    for field in fields(kind):
        entry = {"name": name, field.name: junk}
        try:
            made = extractor_from(damaged(**{part: [entry] if part == "preprocessing" else entry}))
        except InputError:
            continue
        assert comes_back(made)


@pytest.mark.parametrize("junk", JUNK, ids=lambda junk: repr(junk)[:20])
@pytest.mark.parametrize("key", list(damaged()))
def test_parts_of_any_kind_are_possible_or_refused(key, junk):
    try:
        made = extractor_from(damaged(**{key: junk}))
    except InputError:
        return
    assert comes_back(made)


@dataclass(frozen=True)
class OwnNotch(Notch):
    """A step of a user, under a name that the registry has."""

    name: ClassVar[str] = "notch"


@dataclass(frozen=True)
class OwnStep(Notch):
    """A step of a user, under a name of its own."""

    name: ClassVar[str] = "own"


@pytest.mark.parametrize(
    ("extractor", "message"),
    [
        (FeatureExtractor(preprocessing=OwnNotch(50.0)), "the step 'notch' is not the one that"),
        (
            FeatureExtractor(preprocessing=OwnStep(50.0)),
            "the step 'own' is not the one that the registry has under this name, so that no "
            "description would bring it back; register it, or choose from dropouts, notch",
        ),
    ],
)
def test_what_would_not_come_back_is_refused_at_once(extractor, message):
    with pytest.raises(InputError, match=message):
        describe_extractor(extractor)


def test_a_registered_step_of_a_user_comes_back(monkeypatch):
    monkeypatch.setitem(STEPS, "own", OwnStep)
    assert comes_back(FeatureExtractor(preprocessing=OwnStep(50.0)))


def test_a_feature_that_is_no_longer_the_registry_s_is_named(monkeypatch):
    extractor = FeatureExtractor(("de",))
    monkeypatch.setitem(FEATURES, "de", replace(FEATURES["de"], unit="bit"))
    with pytest.raises(InputError, match="the feature 'de' is not the one that the registry has"):
        describe_extractor(extractor)


def test_a_setting_that_is_no_plain_value_is_named():
    extractor = FeatureExtractor(smoothing=LDS(q=Fraction(1, 3)))
    with pytest.raises(InputError, match=r"no plain value .*Fraction.*; its settings are"):
        describe_extractor(extractor)


def test_errors_are_those_of_eegtl():
    with pytest.raises(EegtlError):
        extractor_from({})
