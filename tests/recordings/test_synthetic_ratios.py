"""How persons, days, trials and windows differ: real recordings measured, invented ones held to it.

These numbers were measured and these bands were set before any classifier saw the invented
wearers, so that they favour no method. Two things were mended later, with the same bands: where the
blinks reach, and muse-days, whose lost packets had been measured as if they were brain
(docs/synthetic.md). Do not move them to change a study's result.
"""

from __future__ import annotations

import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import mne
import numpy as np
import pandas as pd
import pytest
from recordings.plain_study import log_variances, loso_accuracy, z_scored
from reference.ratios import (
    Trials,
    autocorrelation,
    bridge_zeros,
    components,
    cut_trials,
    sd,
    shift_correlations,
)

import eegtl
from eegtl.errors import SignalWarning
from eegtl.recordings import Recording, make_synthetic
from eegtl.recordings.channels import TEN_TWENTY, positions
from eegtl.recordings.synthetic import PRESETS, SyntheticSettings

# Differential entropy of windows of 2 s in nats, the first 28 s of every trial of eegmat (17
# persons), the first 140 s of muse-days (3 persons, 10 days; lost packets bridged), where filters
# had settled.
EEGMAT = {"person": 0.223, "class": 0.073, "trial": 0.175, "window": 0.207}
EEGMAT_LAGS = {1: 0.114, 2: -0.037, 3: -0.083}
EEGMAT_ALIKE = {"channels": 0.68, "bands": 0.55}
#: Mean correlation of samples behind the average reference, by distance of electrodes in m.
EEGMAT_NEAR = {(0.05, 0.08): 0.42, (0.08, 0.12): 0.16, (0.12, 0.16): -0.18, (0.16, 0.25): -0.36}
MUSE = {"person": 0.273, "day": 0.126, "trial": 0.204, "window": 0.395}
MUSE_LAGS = {1: 0.321, 2: 0.183, 5: 0.079, 10: 0.004, 20: -0.028}
MUSE_ALIKE = {"channels": 0.78}


def cut(collection: Any, n_windows: int) -> Trials:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "band 'gamma'", SignalWarning)
        table = eegtl.FeatureExtractor(window=2.0).extract(collection)
    return cut_trials(table.block("de"), table.meta, n_windows)


def sds(trials: Trials) -> dict[str, float]:
    return {name: sd(values) for name, values in components(trials).items()}


def near_correlations(collection: Any) -> dict[tuple[float, float], float]:
    """Correlation of electrodes by their distance, over the first minute of each recording."""
    distances, found = [], []
    for recording in collection:
        data = recording.get_data()[:, : round(60 * recording.sfreq)]
        data = data - data.mean(axis=1, keepdims=True)
        places = positions(recording.ch_names)
        pairs = np.triu_indices(len(places), 1)
        distances.append(np.linalg.norm(places[:, None] - places, axis=2)[pairs])
        found.append(np.corrcoef(data - data.mean(axis=0))[pairs])
    distance, values = np.concatenate(distances), np.concatenate(found)
    return {
        (low, high): float(values[(distance >= low) & (distance < high)].mean())
        for low, high in EEGMAT_NEAR
    }


def bridged(recording: Recording) -> Recording:
    """The recording with a straight line in place of each lost packet."""
    info = mne.create_info(list(recording.ch_names), recording.sfreq, "eeg", verbose="error")
    data = bridge_zeros(recording.get_data())
    return Recording(
        mne.io.RawArray(data, info, verbose="error"),
        subject=recording.subject,
        session=recording.session,
        trials=recording.trials,
        dataset=recording.dataset,
        file=recording.file,
    )


@pytest.fixture(scope="module")
def people() -> list[Recording]:
    return list(eegtl.load("synthetic"))


@pytest.fixture(scope="module")
def wearers(people: list[Recording]) -> Trials:
    return cut(people, 14)


@pytest.fixture(scope="module")
def days() -> Trials:
    # Trials as long as those of muse-days; half the rate of a Muse, for half the time.
    settings = replace(
        PRESETS["synthetic-days"],
        sfreq=128.0,
        n_subjects=10,
        trials_per_class=1,
        trial_seconds=142.0,
    )
    return cut(make_synthetic(settings), 70)


@pytest.mark.slow
def test_persons_classes_trials_and_windows_differ_as_in_eegmat(wearers: Trials) -> None:
    found = sds(wearers)
    for name, real in EEGMAT.items():
        assert found[name] == pytest.approx(real, rel=0.1), name
    for name in ("person", "trial", "window"):
        ratio = found[name] / found["class"]
        assert ratio == pytest.approx(EEGMAT[name] / EEGMAT["class"], rel=0.15), name


@pytest.mark.slow
def test_windows_of_a_trial_are_alike_as_in_eegmat(wearers: Trials) -> None:
    found = autocorrelation(wearers, tuple(EEGMAT_LAGS))
    for lag, real in EEGMAT_LAGS.items():
        assert abs(found[lag] - real) < 0.05, lag


@pytest.mark.slow
def test_shifts_of_a_person_are_alike_over_channels_and_bands(wearers: Trials) -> None:
    found = shift_correlations(wearers)
    for name, real in EEGMAT_ALIKE.items():
        assert abs(found[name] - real) < 0.1, name


@pytest.mark.slow
def test_near_electrodes_are_alike_as_in_eegmat() -> None:
    settings = SyntheticSettings(channels=TEN_TWENTY, n_subjects=6, trials_per_class=1)
    found = near_correlations(make_synthetic(settings))
    for distance, real in EEGMAT_NEAR.items():
        assert abs(found[distance] - real) < 0.1, distance


@pytest.mark.slow
def test_days_differ_as_in_muse_days(days: Trials) -> None:
    found = sds(days)
    # Three persons leave the ratio of the real days uncertain, so the band is wide.
    assert found["day"] / found["person"] == pytest.approx(MUSE["day"] / MUSE["person"], rel=0.25)
    assert found["trial"] == pytest.approx(MUSE["trial"], rel=0.15)
    assert found["person"] == pytest.approx(MUSE["person"], rel=0.2)
    lags = autocorrelation(days, tuple(MUSE_LAGS))
    for lag, real in MUSE_LAGS.items():
        assert abs(lags[lag] - real) < 0.05, lag
    assert abs(shift_correlations(days)["channels"] - MUSE_ALIKE["channels"]) < 0.1
    # Windows are not held to it: movement is not modelled. But they come from below.
    assert 0.7 * MUSE["window"] < found["window"] < MUSE["window"]


@pytest.mark.realdata
def test_the_frozen_numbers_are_those_of_eegmat(realdata: Path) -> None:
    collection = eegtl.load("eegmat", root=realdata)
    trials = cut(collection, 14)
    assert trials.windows.shape == (34, 14, 19, 5)
    for name, value in sds(trials).items():
        assert value == pytest.approx(EEGMAT[name], abs=0.001), name
    for lag, value in autocorrelation(trials, tuple(EEGMAT_LAGS)).items():
        assert value == pytest.approx(EEGMAT_LAGS[lag], abs=0.001), lag
    for name, value in shift_correlations(trials).items():
        assert value == pytest.approx(EEGMAT_ALIKE[name], abs=0.006), name
    for distance, value in near_correlations(collection).items():
        assert value == pytest.approx(EEGMAT_NEAR[distance], abs=0.02), distance


@pytest.mark.realdata
def test_the_frozen_numbers_are_those_of_muse_days(realdata: Path) -> None:
    trials = cut([bridged(r) for r in eegtl.load("muse-days", root=realdata)], 70)
    assert trials.windows.shape == (30, 70, 4, 5)
    found = sds(trials)
    for name, value in MUSE.items():
        assert found[name] == pytest.approx(value, abs=0.001), name
    for lag, value in autocorrelation(trials, tuple(MUSE_LAGS)).items():
        assert value == pytest.approx(MUSE_LAGS[lag], abs=0.001), lag
    assert shift_correlations(trials)["channels"] == pytest.approx(MUSE_ALIKE["channels"], abs=0.01)


def test_lost_packets_are_bridged_and_all_else_is_kept() -> None:
    row = np.array([0.0] * 6 + [2.0, 0.0, 0.0, 0.0, 0.0, 0.0, 3.0] + [0.0] * 7 + [-1.0] + [0.0] * 8)
    data = np.stack([row, np.zeros(len(row)), np.arange(len(row)) - 5.0])
    found = bridge_zeros(data)
    np.testing.assert_allclose(found[0, :6], 2.0)
    np.testing.assert_array_equal(found[0, 6:13], row[6:13])
    np.testing.assert_allclose(found[0, 13:20], 3.0 - 0.5 * np.arange(1, 8))
    np.testing.assert_allclose(found[0, 20:], -1.0)
    np.testing.assert_array_equal(found[1:], data[1:])


def test_the_measure_finds_what_was_put_in() -> None:
    rng = np.random.default_rng(0)
    sizes = {"person": 0.5, "day": 0.3, "class": 0.2, "trial": 0.25, "window": 0.4}
    people, n_days, n_labels, repeats, n_windows = 60, 3, 2, 3, 20
    person = sizes["person"] * rng.normal(size=(people, 1, 1, 1, 1, 30))
    day = sizes["day"] * rng.normal(size=(people, n_days, 1, 1, 1, 30))
    label = sizes["class"] * np.array([-1, 1]).reshape(1, 1, 2, 1, 1, 1) / np.sqrt(2)
    trial = sizes["trial"] * rng.normal(size=(people, n_days, n_labels, repeats, 1, 30))
    shape = (people, n_days, n_labels, repeats, n_windows, 30)
    window = np.zeros(shape)
    noise = rng.normal(size=shape)
    for step in range(n_windows):  # each window half as the one before
        before = window[..., step - 1, :] if step else rng.normal(size=noise[..., 0, :].shape)
        window[..., step, :] = 0.5 * before + np.sqrt(0.75) * noise[..., step, :]
    values = person + day + label + trial + sizes["window"] * window
    index = np.indices(shape[:4]).reshape(4, -1)
    facts = {"subject": index[0], "session": index[1], "label": index[2]}
    trials = Trials(values.reshape(-1, n_windows, 30, 1), pd.DataFrame(facts))
    found = sds(trials)
    # Windows about the mean of their trial, exactly.
    covariance = 0.5 ** np.abs(np.subtract.outer(np.arange(20), np.arange(20)))
    centre = np.eye(20) - 1 / 20
    inner = centre @ covariance @ centre
    sizes["trial"] = np.hypot(sizes["trial"], sizes["window"] * np.sqrt(covariance.mean()))
    sizes["window"] *= np.sqrt(np.trace(inner) / 19)
    for name, size in sizes.items():
        assert found[name] == pytest.approx(size, rel=0.05), name
    for lag, value in autocorrelation(trials, (1, 3)).items():
        expected = np.diagonal(inner, lag).mean() / np.diagonal(inner).mean()
        assert value == pytest.approx(expected, abs=0.01), lag


@pytest.mark.slow
def test_own_z_scores_help_unless_everybody_feels_something_else(
    people: list[Recording],
) -> None:
    # A plain study of nine wearers in scikit-learn; what eegtl's own finds stands in
    # docs/synthetic.md.
    found = {}
    shifted = list(eegtl.load("synthetic-shift")[:9])
    for name, recordings in (("synthetic", people[:9]), ("synthetic-shift", shifted)):
        rows = [log_variances(recording) for recording in recordings]
        found[name] = loso_accuracy(rows), loso_accuracy(z_scored(rows))
    plain, scored = found["synthetic"]
    assert scored > plain + 0.08
    plain, scored = found["synthetic-shift"]
    assert scored < plain - 0.08
