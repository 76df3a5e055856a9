"""What a study writes down of its data for the reader, checked by hand and by other libraries."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from evaluation.study_tables import make_table
from sklearn.decomposition import PCA

from eegtl.evaluation import StudyResult, run_study
from eegtl.evaluation.overview import study_overview
from eegtl.evaluation.protocols import choose_protocol
from eegtl.evaluation.study_data import study_arrays
from eegtl.evaluation.study_distances import study_distances
from eegtl.features import FeatureTable
from eegtl.transfer.distances import mean_gap, mmd_linear, split_noise


def _data(table, protocol="leave-one-subject-out", information=None):
    chosen = choose_protocol(protocol, information)
    return study_arrays(table, chosen), list(chosen.split(table))


def _overview(table, seed=0):
    return study_overview(table, _data(table)[0], seed)


def test_the_class_effect_is_the_mean_difference_in_units_of_the_spread_within():
    table = make_table(classes=("a", "b", "c"), n_trials=6)
    found = _overview(table)["class_effect"]
    assert found["channels"] == ["C0", "C1", "C2"]
    assert found["bands"] == ["alpha", "beta"]
    assert (found["feature"], found["classes"]) == ("de", ["a", "b", "c"])
    block, meta = table.block("de"), table.meta
    people = []
    for who in ("s0", "s1", "s2", "s3"):
        own, y = block[meta["subject"] == who][:, 2, 1], meta["label"][meta["subject"] == who]
        squares = sum(((own[y == c] - own[y == c].mean()) ** 2).sum() for c in "abc")
        spread = np.sqrt(squares / (len(own) - 3))
        people.append((own[y == "b"].mean() - own[y != "b"].mean()) / spread)
    assert found["effect"][1][2][1] == pytest.approx(np.mean(people), rel=1e-12)
    assert np.array(found["effect"]).shape == (3, 3, 2)


def test_of_two_classes_the_effects_are_opposite():
    effect = np.array(_overview(make_table(effect=2.0))["class_effect"]["effect"])
    np.testing.assert_allclose(effect[0], -effect[1], atol=1e-12)
    assert np.abs(effect).max() > 1


def test_people_with_one_class_do_not_count_for_the_effect():
    table = make_table()
    meta = table.meta.copy()
    meta.loc[meta["subject"] == "s0", "label"] = "calm"
    some = FeatureTable(table.X, table.columns, meta, info=table.info)
    rest = some.select((meta["subject"] != "s0").to_numpy())
    assert _overview(some)["class_effect"] == _overview(rest)["class_effect"]


def test_groups_of_people_with_one_class_each_have_no_effect_to_show():
    table = make_table()
    patient = table.meta["subject"].isin(["s0", "s1"])
    table.meta["label"] = np.where(patient, "patient", "control")
    assert _overview(table)["class_effect"] is None


def test_a_constant_channel_has_no_effect_to_show():
    table = make_table()
    table.X[:, 2] = 5.0  # channel C1, alpha
    found = _overview(table)["class_effect"]["effect"]
    assert [row[1][0] for row in found] == [None, None]
    assert all(np.isfinite(row[0][0]) for row in found)


@pytest.mark.parametrize("n_windows", [7, 500])
def test_a_flat_person_does_not_count_for_the_effect(n_windows):
    table = make_table(n_subjects=3, n_windows=n_windows)
    flat = (table.meta["subject"] == "s1").to_numpy()
    rest = _overview(table.select(~flat))["class_effect"]
    table.X[flat] = 0.1  # the mean of so many is not 0.1
    assert _overview(table)["class_effect"] == rest


def test_features_that_are_no_block_have_no_effect_map():
    table = make_table()
    part = FeatureTable(table.X[:, :-1], table.columns[:-1], table.meta, info=table.info)
    assert _overview(part)["class_effect"] is None


def test_the_map_is_the_principal_components_of_the_standardised_features():
    table = make_table()
    found = _overview(table)["map"]
    mean, sd = table.X.mean(axis=0), table.X.std(axis=0)
    z2 = table.X.copy()
    for who in ("s0", "s1", "s2", "s3"):
        rows = (table.meta["subject"] == who).to_numpy()
        z2[rows] = (z2[rows] - z2[rows].mean(axis=0)) / z2[rows].std(axis=0)
    for name, X in (("none", (table.X - mean) / sd), ("z2", z2)):
        pca = PCA(2).fit(X)
        scores = np.column_stack([found[name]["x"], found[name]["y"]])
        np.testing.assert_allclose(np.abs(scores), np.abs(pca.transform(X)), atol=1e-9)
        np.testing.assert_allclose(found["explained"][name], pca.explained_variance_ratio_)
        assert (scores[np.abs(scores).argmax(axis=0), [0, 1]] > 0).all()
    assert [found["subjects"][i] for i in found["subject"]] == table.meta["subject"].tolist()
    assert [found["classes"][i] for i in found["label"]] == table.meta["label"].tolist()


@pytest.mark.parametrize("n_channels", [1, 40])
def test_the_map_of_few_and_of_many_features(n_channels):
    table = make_table(n_subjects=2, n_channels=n_channels)
    found = _overview(table)["map"]
    X = (table.X - table.X.mean(axis=0)) / table.X.std(axis=0)
    pca = PCA(2).fit(X)
    np.testing.assert_allclose(found["explained"]["none"], pca.explained_variance_ratio_)
    np.testing.assert_allclose(
        np.abs(found["none"]["y"]), np.abs(pca.transform(X)[:, 1]), atol=1e-9
    )


def test_one_feature_has_a_flat_map():
    table = make_table()
    one = FeatureTable(table.X[:, :1], table.columns[:1], table.meta, info=table.info)
    found = _overview(one)["map"]
    assert found["explained"]["none"] == [pytest.approx(1.0), 0.0]
    assert set(found["none"]["y"]) == {0.0}


def test_of_many_windows_the_map_draws_evenly_from_people_and_classes():
    table = make_table(n_subjects=3, n_trials=6, n_windows=200)
    meta = table.meta
    few = ((meta["subject"] == "s1") & (meta["trial"] > 2)).to_numpy()
    table = table.select(~few)  # 200 windows of each class of s1, 600 of the others
    found = _overview(table)["map"]
    counts = pd.crosstab(pd.Series(found["subject"]), pd.Series(found["label"]))
    assert counts.to_numpy().tolist() == [[400, 400], [200, 200], [400, 400]]
    again, other = _overview(table)["map"], _overview(table, seed=1)["map"]
    assert found == again
    assert found["none"] != other["none"]


def test_windows_are_counted():
    table = make_table(n_trials=3)
    assert _overview(table)["windows"] == {
        "subjects": ["s0", "s1", "s2", "s3"],
        "classes": ["calm", "tense"],
        "counts": [[12, 6]] * 4,
    }


def test_distances_are_those_between_a_person_and_the_others():
    table = make_table()
    data, folds = _data(table)
    found = study_distances(table.meta, data, folds).set_index(
        ["subject", "normalization", "distance"]
    )
    X = (table.X - table.X.mean(axis=0)) / table.X.std(axis=0)
    own = (table.meta["subject"] == "s2").to_numpy()
    line = found.loc[("s2", "none", "mean_gap")]
    assert line["value"] == pytest.approx(mean_gap(X[own], X[~own]), rel=1e-9)
    assert line["noise"] == pytest.approx(split_noise(mean_gap, X[own], data.trials[own]))
    line = found.loc[("s2", "none", "mmd_linear")]
    assert line["value"] == pytest.approx(mmd_linear(X[own], X[~own]), rel=1e-9)
    # z2 takes the means away, and with them most of this shift
    wide = found["value"].unstack("normalization").xs("mmd_rbf", level="distance")
    assert (wide["z2"] < wide["none"]).all()
    assert (found["value"].xs("none", level="normalization") > 0).all()


def test_behind_z2_no_distance_measures_the_number_of_windows():
    table = make_table(n_subjects=3, n_trials=4, n_windows=20, shift=0.0)
    few = (table.meta["subject"] == "s0") & (table.meta["onset"] >= 10)
    table = table.select(~few.to_numpy())
    found = study_distances(table.meta, *_data(table))
    names = found.groupby("normalization")["distance"].unique()
    assert list(names["none"]) == ["mean_gap", "mmd_linear", "mmd_rbf"]
    assert list(names["z2"]) == ["mmd_rbf"]


def test_of_many_windows_those_compared_are_spread_evenly():
    table = make_table(n_subjects=3, n_windows=600)  # 2400 of each person, 4800 of the others
    table.X[:] += table.meta["trial"].to_numpy()[:, None]  # the first 2000 are no fair share
    data, folds = _data(table)
    found = study_distances(table.meta, data, folds).set_index(
        ["normalization", "distance", "subject"]
    )
    X = (table.X - table.X.mean(axis=0)) / table.X.std(axis=0)
    for who in ("s0", "s1", "s2"):
        own = (table.meta["subject"] == who).to_numpy()
        half = X[own][::2]
        third = np.random.default_rng(0).choice(X[~own], 1600, replace=False)
        for function in (mean_gap, mmd_linear):
            value = found.loc[("none", function.__name__, who), "value"]
            assert value == pytest.approx(function(half, third), rel=0.03)
        noise = split_noise(mean_gap, half, data.trials[own][::2])
        assert found.loc[("none", "mean_gap", who), "noise"] == pytest.approx(noise, rel=1e-6)


@pytest.mark.parametrize("information", ["calibration:6", "calibration:6:labelled", "inductive"])
def test_distances_do_not_depend_on_the_order_of_the_rows(information):
    table = make_table(n_subjects=3)
    other = table.select(np.random.default_rng(0).permutation(len(table)))
    a, b = (
        study_distances(t.meta, *_data(t, information=information)).sort_values(
            ["subject", "normalization", "distance"], ignore_index=True
        )
        for t in (table, other)
    )
    pd.testing.assert_frame_equal(a, b, rtol=1e-8)


def test_distances_of_sessions_are_averaged_within_the_person():
    table = make_table(n_subjects=2, n_trials=6)
    meta = table.meta
    meta["session"] = (meta["trial"] + 1) // 2
    data, folds = _data(table, "cross-session")
    assert len(folds) == 4
    found = study_distances(meta, data, folds)
    assert len(found) == 2 * (3 + 1)
    X = (table.X - table.X.mean(axis=0)) / table.X.std(axis=0)
    expected = [mean_gap(X[fold.test], X[fold.source]) for fold in folds if fold.subject == "s1"]
    line = found.set_index(["subject", "normalization", "distance"]).loc[("s1", "none", "mean_gap")]
    assert line["value"] == pytest.approx(np.mean(expected))


def test_a_person_with_one_window_has_no_distance(tmp_path):
    table = make_table()
    meta = table.meta
    first = (meta["subject"] != "s0") | ((meta["trial"] == 1) & (meta["onset"] == 0))
    result = run_study(table.select(first.to_numpy()), methods=[], n_shuffles=0, out=tmp_path)
    own = result.distances["subject"] == "s0"
    assert result.distances.loc[own, ["value", "noise"]].isna().all().all()
    assert result.distances.loc[~own, ["value", "noise"]].notna().all().all()
    pd.testing.assert_frame_equal(StudyResult.load(tmp_path).distances, result.distances)


def test_the_overview_is_json_and_knows_no_estimator():
    table = make_table()
    text = json.dumps(_overview(table), allow_nan=False)
    assert json.loads(text) == _overview(table)
