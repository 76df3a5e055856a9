"""The data sets of invented wearers: who, when, which clips, and one seed for all of it."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import eegtl
from eegtl.errors import DatasetError, InputError, SignalError
from eegtl.recordings import HEADSETS, SyntheticSettings, get_card, make_synthetic
from eegtl.recordings.readers.wearers import list_wearers
from eegtl.recordings.synthetic import PRESETS, draw_wearer
from eegtl.recordings.synthetic.plan import class_counts, plan_trials

SMALL = SyntheticSettings(n_subjects=3, trials_per_class=2, trial_seconds=6.0, pause_seconds=2.0)


def close(a: np.ndarray, b: np.ndarray) -> None:
    """The same signal but for rounding."""
    np.testing.assert_allclose(a, b, rtol=0, atol=1e-9 * float(np.abs(b).max()))


def test_default_data_set() -> None:
    collection = eegtl.load("synthetic")
    assert collection.subjects == tuple(f"w{i:02d}" for i in range(1, 13))
    recording = collection[4]
    assert (recording.sfreq, recording.duration, recording.session) == (128.0, 425.0, 1)
    assert recording.ch_names == HEADSETS["epoc"]
    trials = recording.trials
    assert trials["trial"].tolist() == list(range(1, 13))
    assert trials["label"].value_counts().to_dict() == {"negative": 4, "neutral": 4, "positive": 4}
    assert trials["onset"].tolist() == [5.0 + 35.0 * i for i in range(12)]
    assert set(trials["duration"]) == {30.0}
    assert 425.0 - (trials["onset"] + trials["duration"]).iloc[-1] == 5.0


@pytest.mark.parametrize("name", sorted(PRESETS))
def test_every_preset_has_a_card_that_repeats_it(name: str) -> None:
    card, settings = get_card(name), PRESETS[name]
    assert card.reader == "synthetic"
    assert card.channels == settings.channels
    assert card.labels == settings.classes
    assert card.sfreq == settings.sfreq
    assert card.checks.subjects == settings.n_subjects
    assert card.checks.recordings == settings.n_subjects * settings.n_sessions
    collection = eegtl.load(name)
    assert len(collection) == card.checks.recordings
    seconds = settings.pause_seconds + settings.n_trials * (
        settings.trial_seconds + settings.pause_seconds
    )
    assert card.checks.seconds[0] < seconds < card.checks.seconds[1]
    recording = collection[-1]  # warns when its length is not that of the card
    assert recording.duration == seconds
    assert 3e-6 < np.median(recording.get_data().std(axis=1)) < 3e-5


def test_a_card_without_settings_is_refused() -> None:
    card = get_card("synthetic").model_copy(update={"name": "synthetic-moon"})
    with pytest.raises(DatasetError, match="the card 'synthetic-moon' asks for invented wearers"):
        list_wearers(card, None)


def test_days_of_a_wearer() -> None:
    collection = make_synthetic(replace(SMALL, n_sessions=2))
    index = collection.index
    assert index["session"].tolist() == [1, 2] * 3
    assert index["file"].tolist()[:3] == ["w01-day1", "w01-day2", "w02-day1"]
    one, two = collection[0], collection[1]
    assert (one.subject, one.session, two.subject, two.session) == ("w01", 1, "w01", 2)
    assert set(one.trials["stimulus"]) == set(two.trials["stimulus"])
    assert one.trials["stimulus"].tolist() != two.trials["stimulus"].tolist()
    assert abs(np.corrcoef(one.get_data()[0], two.get_data()[0])[0, 1]) < 0.3


def test_clips_mean_the_same_to_everybody_in_another_order() -> None:
    recordings = list(make_synthetic(SMALL))
    meanings = [dict(zip(r.trials["stimulus"], r.trials["label"], strict=True)) for r in recordings]
    assert len(meanings[0]) == 6
    assert meanings[0] == meanings[1] == meanings[2]
    orders = {tuple(r.trials["stimulus"]) for r in recordings}
    assert len(orders) == 3


def test_one_wearer_and_one_day_do_not_depend_on_the_others() -> None:
    a, b = make_synthetic(SMALL), make_synthetic(SMALL)
    last = a[2].get_data()
    np.testing.assert_array_equal(b[0].get_data(), a[0].get_data())
    np.testing.assert_array_equal(b[2].get_data(), last)
    more = replace(SMALL, n_subjects=5, n_sessions=3)
    np.testing.assert_array_equal(make_synthetic(more)[6].get_data(), last)
    other = make_synthetic(replace(SMALL, seed=1))[2].get_data()
    assert abs(np.corrcoef(other[0], last[0])[0, 1]) < 0.3
    assert draw_wearer(SMALL, 3) == draw_wearer(more, 3) != draw_wearer(more, 2)


def test_an_electrode_does_not_depend_on_the_others() -> None:
    everything = eegtl.load("synthetic", subjects=["w02"])[0]
    some = eegtl.load("synthetic", subjects=["w02"], channels=["O2", "T7"])[0]
    rows = [everything.ch_names.index(name) for name in ("O2", "T7")]
    close(some.get_data(), everything.get_data()[rows])
    # The wearer may even put on another headset.
    cap = make_synthetic(replace(SMALL, channels=HEADSETS["deap32"]))[1]
    headset = make_synthetic(SMALL)[1]
    shared = [name for name in headset.ch_names if name in cap.ch_names]
    assert len(shared) == 14
    close(
        cap.get_data()[[cap.ch_names.index(name) for name in shared]],
        headset.get_data()[[headset.ch_names.index(name) for name in shared]],
    )


def test_nothing_is_made_before_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    module = "eegtl.recordings.synthetic.make.brain"
    monkeypatch.setattr(module, lambda *a: made.append(a[1:3]) or np.zeros((14, a[-1])))
    collection = make_synthetic(SMALL)
    assert len(collection) == len(collection.index) == 3
    assert collection.select(subjects=["w02"], labels=["neutral"]).subjects == ("w02",)
    assert made == []
    assert collection[1].subject == "w02"
    assert made == [(2, 1)]


@given(
    label_shift=st.floats(0, 1),
    trials_per_class=st.integers(1, 9),
    n_classes=st.integers(2, 6),
    number=st.integers(1, 50),
)
def test_label_shift_moves_trials_to_the_favoured_class(
    label_shift: float, trials_per_class: int, n_classes: int, number: int
) -> None:
    settings = SyntheticSettings(
        label_shift=label_shift,
        trials_per_class=trials_per_class,
        classes=tuple("abcdef"[:n_classes]),
    )
    counts = class_counts(settings, number)
    favoured = (number - 1) % n_classes
    share = (1 - label_shift) / n_classes + label_shift
    assert counts.sum() == settings.n_trials
    assert abs(counts[favoured] - share * settings.n_trials) < 1
    others = np.delete(counts, favoured)
    assert (np.ptp(others) if len(others) else 0) <= 1
    trials = plan_trials(settings, number, 1)
    assert trials["stimulus"].is_unique
    found = trials["label"].value_counts().reindex(settings.classes, fill_value=0)
    assert found.tolist() == counts.tolist()


def test_label_shift_of_the_card() -> None:
    collection = eegtl.load("synthetic-shift")
    found = [r.trials["label"].value_counts().to_dict() for r in collection[:3]]
    assert found[0] == {"negative": 10, "neutral": 1, "positive": 1}
    assert found[2] == {"negative": 1, "neutral": 1, "positive": 10}
    only = make_synthetic(replace(SMALL, label_shift=1.0))
    assert set(only[1].trials["label"]) == {"neutral"}
    # Who has no trial of a class is left out without being made.
    assert only.select(labels=["positive"]).subjects == ("w03",)


def test_the_shortest_trials_without_pauses() -> None:
    recording = make_synthetic(replace(SMALL, trial_seconds=1.0, pause_seconds=0.0))[0]
    assert recording.duration == 6.0
    assert np.isfinite(recording.get_data()).all()


def test_a_channel_without_a_place_is_refused_at_once() -> None:
    with pytest.raises(SignalError, match="no standard position is known for the channels Nose"):
        make_synthetic(SyntheticSettings(channels=("Cz", "Nose")))


def test_a_root_is_not_taken(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="synthetic-days is made in memory and takes no root"):
        eegtl.load("synthetic-days", root=tmp_path)


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"n_subjects": 0}, "n_subjects must be a number of at least 1, not 0"),
        ({"n_sessions": 0}, "n_sessions must be a number of at least 1, not 0"),
        ({"trials_per_class": 0}, "trials_per_class must be a number of at least 1, not 0"),
        ({"seed": -1}, "seed must be a number of at least 0, not -1"),
        ({"class_effect": -0.1}, "class_effect must be a number of at least 0, not -0.1"),
        ({"subject_shift": float("nan")}, "subject_shift must be a number of at least 0, not nan"),
        ({"day_shift": "1"}, "day_shift must be a number of at least 0, not '1'"),
        ({"trial_effect": -1}, "trial_effect must be a number of at least 0, not -1"),
        ({"drift": -0.5}, "drift must be a number of at least 0, not -0.5"),
        ({"stimulus_effect": -1}, "stimulus_effect must be a number of at least 0, not -1"),
        ({"label_shift": 1.5}, "label_shift must be a number from 0 to 1, not 1.5"),
        ({"alpha_hz": 7.5}, "alpha_hz must lie from 8 to 14 Hz, not 7.5"),
        ({"alpha_hz": None}, "alpha_hz must lie from 8 to 14 Hz, not None"),
        ({"alpha_spread": -1}, "alpha_spread must be a number of at least 0, not -1"),
        ({"blinks": -2}, "blinks must be a number of at least 0, not -2"),
        (
            {"mains": 64.0},
            "mains must lie below half the sampling rate, 64 Hz, not 64.0; give 0 for no hum",
        ),
        ({"pause_seconds": -1}, "pause_seconds must be a number of at least 0, not -1"),
        ({"trial_seconds": 1e-9}, "trial_seconds must be a number of at least 1, not 1e-09"),
        ({"blinks": 60.0}, "blinks must be at most 50 per minute, since some wearers blink"),
        ({"drift": True}, "drift must be a number of at least 0, not True"),
        ({"sfreq": "fast"}, "sfreq must be a number above 100 Hz, so that the band up to 50 Hz"),
        (
            {"sfreq": 100.0},
            "sfreq must be a number above 100 Hz, so that the band up to 50 Hz fits, not",
        ),
        ({"classes": ("a",)}, "classes must be at least 2 different names, not ('a',)"),
        ({"classes": ("a", "b", "a")}, "classes must be at least 2 different names"),
        ({"channels": ()}, "channels must be at least 1 different names, not ()"),
        ({"channels": ("Cz", "Cz")}, "channels must be at least 1 different names"),
        ({"channels": "Cz"}, "channels must be a tuple of names, not 'Cz'"),
        ({"channels": ("t3",)}, "channels holds 't3'; write 'T7'"),
        ({"classes": "ab"}, "classes must be a tuple of names, not 'ab'"),
        ({"n_subjects": 2.5}, "n_subjects must be a whole number, not 2.5"),
        ({"trials_per_class": True}, "trials_per_class must be a whole number, not True"),
        ({"seed": "x"}, "seed must be a whole number, not 'x'"),
        ({"class_effect": float("inf")}, "class_effect must be a number of at least 0, not inf"),
        ({"trial_seconds": float("inf")}, "trial_seconds must be a number of at least 1, not inf"),
    ],
)
def test_settings_out_of_range(setting: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=re.escape(message)):
        SyntheticSettings(**setting)
