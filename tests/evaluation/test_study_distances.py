"""Distances of people to the sources, against the functions they are made of."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from evaluation.study_tables import make_table

from eegtl.errors import StudyError
from eegtl.evaluation import ResultsStore, run_study
from eegtl.evaluation.study_distances import STUDY_DISTANCES, person_distances
from eegtl.kernels.gram import canonical_order, median_gamma
from eegtl.report import report_html
from eegtl.report.distances_table import format_distances
from eegtl.report.figures import distances_figure
from eegtl.transfer.distances import (
    DISTANCES,
    domains,
    proxy_a_distance,
    split_noise,
    trial_halves,
)

pytestmark = pytest.mark.usefixtures("quick_perceptron")

NAMES = [distance.name for distance in STUDY_DISTANCES]


def _indexed(table, **settings):
    found, notes = person_distances(table, **settings)
    return found.set_index(["subject", "normalization", "distance"]), notes


def _standardised(table, who=None):
    """The rows as they are compared: once for all people, or each person by itself."""
    X, subjects = table.X.copy(), table.meta["subject"].to_numpy()
    groups = [np.full(len(X), True)] if who == "all" else [subjects == s for s in set(subjects)]
    for rows in groups:
        X[rows] = (X[rows] - X[rows].mean(axis=0)) / X[rows].std(axis=0)
    return X, subjects, table.meta["trial"].to_numpy()


@pytest.mark.parametrize("normalization", ["none", "z2"])
def test_each_distance_is_that_of_the_person_and_the_others(normalization):
    table = make_table(n_trials=6)
    found, notes = _indexed(table)
    assert notes == []
    X, subjects, trials = _standardised(table, "all" if normalization == "none" else None)
    own = subjects == "s2"
    A, B = X[own], X[~own]
    width = median_gamma(X[canonical_order(X)])
    for name, distance in DISTANCES.items():
        key = ("s2", normalization, name)
        if normalization == "z2" and name in ("mean_gap", "mmd_linear"):
            assert key not in found.index
            continue
        settings = {"gamma": width} if name in ("mmd_rbf", "mmd_multi") else {}
        assert found.loc[key, "value"] == pytest.approx(distance(A, B, **settings), rel=1e-8)
        noise = split_noise(lambda P, Q: distance(P, Q, **settings), A, trials[own])  # noqa: B023
        assert found.loc[key, "noise"] == pytest.approx(noise, rel=1e-8)


def test_the_proxy_is_split_by_trials_of_people():
    table = make_table(n_trials=6, shift=0.7)
    found, _ = _indexed(table)
    X, subjects, trials = _standardised(table, "all")
    own = subjects == "s1"
    others = np.array([f"{s} {t}" for s, t in zip(subjects, trials, strict=True)])[~own]
    line = found.loc["s1", "none", "proxy_a"]
    expected = proxy_a_distance(X[own], X[~own], trials_a=trials[own], trials_b=others)
    assert 0 < line["value"] < 2
    assert line["value"] == pytest.approx(expected, abs=1e-12)
    A, t = X[own], trials[own]
    halves = [proxy_a_distance(A[h], A[~h], trials_a=t[h], trials_b=t[~h]) for h in trial_halves(t)]
    assert line["noise"] == pytest.approx(np.sqrt(np.mean(np.square(halves))))


def test_behind_z2_distances_that_see_only_means_are_left_out():
    found, _ = person_distances(make_table())
    by = found.groupby("normalization", sort=False)["distance"].unique()
    assert list(by.index) == ["none", "z2"]
    assert list(by["none"]) == NAMES
    assert list(by["z2"]) == [n for n in NAMES if n not in ("mean_gap", "mmd_linear", "proxy_a")]
    assert len(found) == 4 * (9 + 6)


def test_those_that_every_study_keeps_are_the_same():
    table = make_table()
    kept = run_study(table, methods=[], n_shuffles=0).distances
    found, _ = person_distances(table)
    assert sorted(kept["distance"].unique()) == ["mean_gap", "mmd_linear", "mmd_rbf"]
    merged = kept.merge(found, on=["subject", "normalization", "distance"])
    assert len(merged) == len(kept) == 4 * 4
    for column in ("value", "noise"):
        np.testing.assert_allclose(merged[f"{column}_x"], merged[f"{column}_y"], rtol=1e-12)


def test_people_that_are_alike_are_not_told_apart():
    """No shift, no scale: all values near their noise, which is what the table marks."""
    table = make_table(n_subjects=4, n_trials=8, n_windows=30, shift=0.0, effect=0.5)
    rng = np.random.default_rng(0)
    table.X[:] = rng.standard_normal(table.X.shape)
    found, _ = person_distances(table)
    # what is bound to be positive stays below, what is unbiased comes close
    assert (found["value"] < 2.5 * found["noise"] + 0.02).all()
    shifted = make_table(n_subjects=4, n_trials=8, n_windows=30, shift=3.0)
    far, _ = person_distances(shifted)
    none = far[far["normalization"] == "none"]
    assert (none["value"] > 2 * none["noise"]).all()


@pytest.mark.parametrize("information", ["calibration:6", "inductive", "online"])
def test_the_order_of_rows_does_not_matter(information):
    table = make_table(n_subjects=3)
    other = table.select(np.random.default_rng(0).permutation(len(table)))
    a, b = (
        person_distances(t, information=information)[0].sort_values(
            ["subject", "normalization", "distance"], ignore_index=True
        )
        for t in (table, other)
    )
    pd.testing.assert_frame_equal(a, b, rtol=1e-7, atol=1e-10)


def test_sessions_are_averaged_within_the_person_and_progress_is_told():
    table = make_table(n_subjects=2, n_trials=6)
    table.meta["session"] = (table.meta["trial"] + 1) // 2
    told = []
    found, _ = person_distances(
        table, protocol="cross-session", progress=lambda done, total: told.append((done, total))
    )
    assert len(found) == 2 * (9 + 6)
    assert told == [(k, 8) for k in range(1, 9)]  # 4 folds, 2 normalisations


def test_a_person_with_one_trial_has_no_proxy_and_one_with_one_window_has_nothing():
    table = make_table(n_windows=8)
    meta = table.meta
    one_trial = (meta["subject"] != "s0") | (meta["trial"] == 1)
    one_window = (meta["subject"] != "s1") | ((meta["trial"] == 1) & (meta["onset"] == 0))
    found, _ = _indexed(table.select((one_trial & one_window).to_numpy()))
    assert found.loc[("s0", "none", "proxy_a"), ["value", "noise"]].isna().all()
    assert found.loc[("s0", "none", "gaussian_kl"), ["value", "noise"]].notna().all()
    assert found.loc["s1"][["value", "noise"]].isna().all().all()
    assert found.loc["s2"][["value", "noise"]].notna().all().all()


def _flat(table, own):
    table.X[np.asarray(own)] = 0.5 * np.log(2 * np.pi * np.e * 1e-6)
    return table


def test_a_flat_person_has_no_distances_and_the_study_goes_on_and_says_so(tmp_path):
    table = make_table()
    table = _flat(table, table.meta["subject"] == "s2")
    result = run_study(table, methods=["coral"], n_shuffles=0, out=tmp_path)
    note = (
        "subject s2: all 24 windows are identical (a flat signal?), so that no method can tell "
        "them apart and no distance to the others is measured; mend the recording, or leave it out"
    )
    assert result.notes.count(note) == 1
    with ResultsStore(tmp_path / "results.sqlite") as store:
        stored = store.distances()
    for kept in (result.distances, stored):
        flat = kept["subject"] == "s2"
        assert kept.loc[flat, ["value", "noise"]].isna().all(axis=None)
        assert kept.loc[~flat, ["value", "noise"]].notna().all(axis=None)
    found, notes = person_distances(table)
    assert notes == [note]
    assert (found["value"].isna() == (found["subject"] == "s2")).all()
    # what the terminal and the report make of it
    lines = format_distances(found).splitlines()
    cells = [line.split()[1:] for line in lines if line.startswith("s2")]
    assert {cell for line in cells for cell in line} == {"-"}
    assert sum(map(len, cells)) == 9 + 6
    distances_figure(result)
    assert "subject s2: all 24 windows are identical" in report_html(result)


def test_nobody_but_the_flat_person_is_noted_nor_one_with_a_single_window():
    table = make_table()
    meta = table.meta
    one_window = (meta["subject"] != "s1") | ((meta["trial"] == 1) & (meta["onset"] == 0))
    _, notes = person_distances(table.select(one_window.to_numpy()))
    assert notes == []
    # rounding is no signal
    table.X[(meta["subject"] == "s3").to_numpy()] = 0.1 + 5e-18 * np.arange(24)[:, None]
    assert [note[:11] for note in person_distances(table)[1]] == ["subject s3:"]


def test_a_flat_session_is_named_and_the_others_of_the_person_count():
    table = make_table(n_subjects=2, n_trials=6)
    table.meta["session"] = (table.meta["trial"] + 1) // 2
    plain, _ = _indexed(table, protocol="cross-session")
    own = (table.meta["subject"] == "s0") & (table.meta["session"] == 3)
    found, notes = _indexed(_flat(table, own), protocol="cross-session")
    assert [note[:20] for note in notes] == ["subject s0 session 3"]
    # session 2 still has a value, and it stands alone in the mean
    assert found["value"].notna().all()
    assert (found.xs("s0")["value"] != plain.xs("s0")["value"]).any()


def test_a_flat_person_of_many_windows_is_found_too():
    table = make_table(n_subjects=3, n_windows=500)
    table = _flat(table, table.meta["subject"] == "s1")
    found, notes = person_distances(table, distances=STUDY_DISTANCES[:2])
    assert notes[0].startswith("subject s1: all 2000 windows are identical")
    assert (found["value"].isna() == (found["subject"] == "s1")).all()


@pytest.mark.parametrize("level", [None, -1.3])
def test_a_person_whose_signal_stops_midway_has_distances_without_the_noise_that_has_none(level):
    """Each half of the own windows, or one of them, is flat: KL and mean gap have no spread."""
    table = make_table(n_trials=2, n_windows=16)
    place = table.meta.groupby(["subject", "trial"]).cumcount().to_numpy()
    own = (table.meta["subject"] == "s1").to_numpy()
    table.X[own & (place >= 8)] = -13.3
    if level is not None:
        table.X[own & (place < 8)] = level
    found, notes = _indexed(table)
    assert notes == []
    assert found["value"].notna().all()
    own = found.xs("s1").xs("none")
    missing = own.index[own["noise"].isna()].tolist()
    assert missing == (["gaussian_kl"] if level is None else ["mean_gap", "gaussian_kl"])


def test_distances_that_take_too_much_memory_are_left_out_with_a_note(monkeypatch):
    monkeypatch.setattr(domains, "MATRIX_LIMIT_BYTES", 8 * 35)  # 6 x 6 is one too many
    found, notes = person_distances(make_table())
    left = set(NAMES) - set(found["distance"])
    assert left == {"gaussian_kl", "gaussian_w2", "proxy_a"}
    assert len(notes) == 3
    assert notes[0].startswith("distance gaussian_kl is left out: the covariance of the features")


def test_only_the_features_of_the_study_are_compared():
    table = make_table()
    wide = make_table()
    columns = wide.columns.append(
        pd.MultiIndex.from_tuples([("cov", "C0-C1", "alpha")], names=wide.columns.names)
    )
    X = np.column_stack([wide.X, 1e3 * np.arange(len(wide))])
    wide = type(wide)(X, columns, wide.meta, causal=True, info=wide.info)
    a, b = person_distances(table)[0], person_distances(wide, features=["de"])[0]
    pd.testing.assert_frame_equal(a, b)
    assert not person_distances(wide)[0].equals(a)


def test_tables_that_allow_no_study_are_refused():
    table = make_table(n_subjects=1)
    with pytest.raises(StudyError, match="needs at least two people; got 1"):
        person_distances(table)
    late = make_table(causal=False)
    with pytest.raises(StudyError, match="'inductive' does not grant"):
        person_distances(late, information="inductive")
    assert len(person_distances(late, information="inductive", allow_acausal=True)[0])
