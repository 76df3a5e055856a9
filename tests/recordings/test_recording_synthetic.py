from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from recordings.plain_study import log_variances, loso_accuracy, z_scored

import eegtl
from eegtl.errors import InputError
from eegtl.recordings import SyntheticSettings, make_synthetic
from eegtl.recordings.synthetic import class_pattern

SMALL = SyntheticSettings(n_subjects=3, trials_per_class=2, trial_seconds=6.0, pause_seconds=2.0)


def test_default_data_set() -> None:
    collection = eegtl.load("synthetic")
    assert collection.subjects == tuple(f"w{i:02d}" for i in range(1, 13))
    recording = collection[4]
    assert (recording.sfreq, recording.duration) == (128.0, 425.0)
    trials = recording.trials
    assert trials["trial"].tolist() == list(range(1, 13))
    assert trials["label"].value_counts().to_dict() == {"negative": 4, "neutral": 4, "positive": 4}
    assert trials["onset"].tolist() == [5.0 + 35.0 * i for i in range(12)]
    assert set(trials["duration"]) == {30.0}
    assert 425.0 - (trials["onset"] + trials["duration"]).iloc[-1] == 5.0


def test_amplitudes_are_those_of_eeg() -> None:
    for recording in eegtl.load("synthetic"):
        deviations = recording.get_data().std(axis=1)
        assert 1e-5 < np.median(deviations) < 3e-5
        assert deviations.max() < 1e-4


def test_clips_mean_the_same_to_everybody_in_another_order() -> None:
    recordings = list(make_synthetic(SMALL))
    meanings = [dict(zip(r.trials["stimulus"], r.trials["label"], strict=True)) for r in recordings]
    assert len(meanings[0]) == 6
    assert meanings[0] == meanings[1] == meanings[2]
    orders = {tuple(r.trials["stimulus"]) for r in recordings}
    assert len(orders) == 3


def test_one_seed_gives_one_data_set_in_any_order_of_reading() -> None:
    a, b = make_synthetic(SMALL), make_synthetic(SMALL)
    last = a[2].get_data()
    np.testing.assert_array_equal(b[0].get_data(), a[0].get_data())
    np.testing.assert_array_equal(b[2].get_data(), last)
    more = SyntheticSettings(**{**vars(SMALL), "n_subjects": 5})
    np.testing.assert_array_equal(make_synthetic(more)[2].get_data(), last)
    other = SyntheticSettings(**{**vars(SMALL), "seed": 1})
    assert abs(np.corrcoef(make_synthetic(other)[2].get_data()[0], last[0])[0, 1]) < 0.1


def test_some_channels_are_rows_of_all() -> None:
    all_channels = eegtl.load("synthetic", subjects=["w02"])[0]
    some = eegtl.load("synthetic", subjects=["w02"], channels=["O2", "T7"])[0]
    rows = [all_channels.ch_names.index(name) for name in ("O2", "T7")]
    np.testing.assert_array_equal(some.get_data(), all_channels.get_data()[rows])


def test_power_lies_in_the_bands_that_were_set() -> None:
    # Without shift, effects and noise of the persons, each band has its stated amplitude.
    calm = SyntheticSettings(n_subjects=1, subject_shift=0, trial_effect=0, class_effect=0)
    data = 1e6 * make_synthetic(calm)[0].get_data()
    spectrum = 2 * np.abs(np.fft.rfft(data, axis=1)) ** 2 / data.shape[1] ** 2
    frequencies = np.fft.rfftfreq(data.shape[1], 1 / 128.0)
    for (low, high), amplitude in {(8, 14): 8.0, (14, 31): 5.0, (31, 50): 3.0}.items():
        inside = (frequencies >= low) & (frequencies < high)
        power = spectrum[:, inside].sum(axis=1).mean()
        background = 4.0 * np.log(high / low) / (1 + np.log(64 / 0.5))
        assert power == pytest.approx(amplitude**2 + background, rel=0.05)
    assert spectrum[:, frequencies > 50].sum(axis=1).mean() < 1.0


def test_class_pattern_is_odd_in_valence_but_for_the_neutral_alpha() -> None:
    names = ("AF3", "AF4", "Fz", "T7", "T8", "O1", "C3")
    up, down, middle = (class_pattern(names, valence) for valence in (1.0, -1.0, 0.0))
    assert up[:, 2].tolist() == [-1.0, 1.0, 0.0, 0.0, 0.0, -0.5, 0.0]
    np.testing.assert_array_equal(up[:5], -down[:5])
    np.testing.assert_array_equal(up[5], down[5])
    assert middle[:, 2].tolist() == [0, 0, 0, 0, 0, 0.5, 0]
    assert up[3:5, 3:].tolist() == [[0.7, 1.0], [0.7, 1.0]]
    assert not up[:, :2].any()


@pytest.mark.slow
def test_persons_differ_more_than_classes_do() -> None:
    rows = [log_variances(recording) for recording in eegtl.load("synthetic")]
    plain, scored = loso_accuracy(rows), loso_accuracy(z_scored(rows))
    assert 0.40 <= plain <= 0.55
    assert 0.65 <= scored <= 0.80


@pytest.mark.slow
def test_without_class_effect_the_labels_say_nothing() -> None:
    empty = make_synthetic(SyntheticSettings(class_effect=0.0))
    rows = [log_variances(recording) for recording in empty]
    # 144 trials decide: one standard error of the accuracy by chance is about .04.
    assert abs(loso_accuracy(rows) - 1 / 3) < 0.1
    assert abs(loso_accuracy(z_scored(rows)) - 1 / 3) < 0.1


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"n_subjects": 0}, "n_subjects must be a number of at least 1, not 0"),
        ({"trials_per_class": 0}, "trials_per_class must be a number of at least 1, not 0"),
        ({"seed": -1}, "seed must be a number of at least 0, not -1"),
        ({"class_effect": -0.1}, "class_effect must be a number of at least 0, not -0.1"),
        ({"subject_shift": float("nan")}, "subject_shift must be a number of at least 0, not nan"),
        ({"trial_effect": -1}, "trial_effect must be a number of at least 0, not -1"),
        ({"pause_seconds": -1}, "pause_seconds must be a number of at least 0, not -1"),
        ({"trial_seconds": 0.0}, "trial_seconds must be a number above 0, not 0.0"),
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
        ({"trial_seconds": float("inf")}, "trial_seconds must be a number above 0, not inf"),
    ],
)
def test_settings_out_of_range(setting: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=re.escape(message)):
        SyntheticSettings(**setting)
