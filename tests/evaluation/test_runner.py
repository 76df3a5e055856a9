from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from evaluation.study_tables import make_table
from reference.loso_loops import accuracies
from sklearn.base import BaseEstimator

from eegtl.errors import StudyError, TransferWarning
from eegtl.evaluation import TABLE_COLUMNS, ResultsStore, StudyRow, run_study
from eegtl.evaluation.tags import read_tag
from eegtl.features import FeatureTable
from eegtl.transfer import SubjectNormalizer, default_classifier, make_transfer_pipeline

SCORES = [name for name in TABLE_COLUMNS if name != "seconds_per_fold"]


def _run(table, **settings):
    return run_study(table, **{"methods": [], "n_shuffles": 0} | settings)


def _line(result, method, normalization):
    table = result.table
    found = table[(table["method"] == method) & (table["normalization"] == normalization)]
    assert len(found) == 1
    return found.iloc[0]


def _relabelled(table, label):
    meta = table.meta.copy()
    meta["label"] = label
    return FeatureTable(table.X, table.columns, meta, causal=table.causal, info=table.info)


@pytest.mark.parametrize("normalization", ["none", "z0", "z2"])
def test_source_only_equals_the_plain_loops(normalization):
    table = make_table(n_subjects=5, effect=0.7)
    expected = accuracies(table.X, table.meta["label"], table.meta["subject"], normalization)
    line = _line(_run(table), "source-only", normalization)
    assert line["accuracy_mean"] == pytest.approx(np.mean(expected), abs=1e-12)
    assert line["accuracy_sd"] == pytest.approx(np.std(expected, ddof=1), abs=1e-12)
    assert line["worst_subject_accuracy"] == min(expected)
    assert line["n_subjects"] == 5
    none = accuracies(table.X, table.meta["label"], table.meta["subject"], "none")
    if normalization != "none":
        delta = np.mean(expected) - np.mean(none)
        assert line["delta_accuracy"] == pytest.approx(delta, abs=1e-12)


def test_the_columns_of_the_table_and_of_its_file(tmp_path):
    result = _run(make_table(), out=tmp_path / "a" / "b")
    names = (
        "method,normalization,information,n_subjects,accuracy_mean,accuracy_sd,"
        "balanced_accuracy_mean,macro_f1_mean,trial_accuracy_mean,worst_subject_accuracy,"
        "delta_accuracy,p_holm,seconds_per_fold,accuracy_low,accuracy_high,delta_low,delta_high"
    )
    assert ",".join(result.table.columns) == names
    text = (result.out / "table.csv").read_text()
    assert text.splitlines()[0] == names
    read = pd.read_csv(result.out / "table.csv", keep_default_na=False, na_values=[""])
    pd.testing.assert_frame_equal(read, result.table, check_dtype=False)
    assert sorted(p.name for p in result.out.iterdir()) == ["results.sqlite", "table.csv"]


def test_information_is_what_a_row_consumed_not_what_was_granted():
    result = _run(make_table(), information="calibration:6")
    found = result.table.groupby("normalization")["information"].unique()
    nothing = ["inductive (scored as calibration:6)"]
    assert found["none"].tolist() == found["z0"].tolist() == nothing
    assert found["z2"].tolist() == ["calibration:6"]


def test_rows_beside_a_labelled_block_say_which_windows_they_are_scored_on():
    result = _run(make_table(), information="calibration:6:labelled", methods=["kpca (linear)"])
    tag = _line(result, "kpca (linear)", "z2")["information"]
    assert tag == "calibration:6 (scored as calibration:6:labelled)"
    read = read_tag(tag)
    assert (read.consumed.tag, read.acausal, read.scored.tag, read.assumes) == (
        "calibration:6",
        False,
        "calibration:6:labelled",
        "",
    )
    with_labels = _run(
        make_table(), information="calibration:6:labelled", methods=["source+calibration"]
    )
    tag = _line(with_labels, "source+calibration", "z2")["information"]
    assert tag == "calibration:6:labelled"


def test_features_from_the_future_are_refused_or_named():
    table = make_table(causal=False)
    with pytest.raises(StudyError, match=r"'calibration:6' does not grant.*allow_acausal=True"):
        _run(table, information="calibration:6")
    allowed = _run(table, information="calibration:6", allow_acausal=True).table
    assert set(allowed["information"]) == {
        "inductive+future (scored as calibration:6)",
        "calibration:6+future",
    }
    whole = _run(table).table  # all windows are granted anyhow, but not to every row
    assert set(whole["information"]) == {"inductive+future", "transductive"}


def test_majority_is_the_share_of_the_most_frequent_source_class():
    table = make_table(n_trials=3)  # two trials of calm, one of tense
    line = _line(_run(table), "majority", "none")
    assert line["accuracy_mean"] == pytest.approx(2 / 3)
    assert line["balanced_accuracy_mean"] == 0.5
    assert np.isnan(line["delta_accuracy"])
    assert np.isnan(line["p_holm"])


def test_shuffled_labels_are_at_chance_however_strong_the_effect():
    table = make_table(n_subjects=6, n_trials=8, effect=2.0)
    result = _run(table, n_shuffles=12)
    assert _line(result, "source-only", "z2")["accuracy_mean"] > 0.95
    line = _line(result, "shuffled labels", "z2")
    # trials agree within themselves here, so that a shuffle spreads by about .1
    assert line["accuracy_mean"] == pytest.approx(0.5, abs=0.1)
    means = result.folds[result.folds["repeat"] > 0].groupby("repeat")["accuracy"].mean()
    assert len(means) == 12
    assert line["accuracy_mean"] == pytest.approx(means.mean())
    assert line["accuracy_sd"] == pytest.approx(means.std())
    assert np.isnan(line["worst_subject_accuracy"])


def test_data_without_information_give_chance_everywhere():
    table = make_table(n_subjects=8, n_trials=9, effect=0.0, classes=(-1, 0, 1))
    result = _run(table, n_shuffles=5, methods=["tca (linear)"])
    assert (result.table["accuracy_mean"] - 1 / 3).abs().max() < 0.08
    assert result.table["p_holm"].dropna().min() > 0.05


def test_numbers_as_labels_work_and_minus_one_is_a_label():
    result = _run(make_table(classes=(-1, 0, 1), n_trials=6, effect=2.0))
    assert _line(result, "source-only", "z2")["accuracy_mean"] > 0.8


def test_shuffles_differ_by_seed_only():
    table = make_table()
    folds = [
        _run(table, n_shuffles=3, seed=seed).folds.query("repeat > 0")["accuracy"].tolist()
        for seed in (0, 0, 1)
    ]
    assert folds[0] == folds[1] != folds[2]


def test_processes_do_not_change_the_results(tmp_path):
    table = make_table()
    results = {n: run_study(table, n_shuffles=2, n_jobs=n, out=tmp_path / str(n)) for n in (1, 2)}
    pd.testing.assert_frame_equal(results[1].table[SCORES], results[2].table[SCORES])
    pd.testing.assert_frame_equal(
        results[1].folds.drop(columns="seconds"), results[2].folds.drop(columns="seconds")
    )
    assert results[1].notes == results[2].notes
    for row in ("source-only (mlp) [z2]", "tca [z0]", "kpca (linear) [z2]"):
        a, b = (_stored(tmp_path / str(n), row) for n in (1, 2))
        pd.testing.assert_frame_equal(a, b)


def _stored(folder, row):
    with ResultsStore(folder / "results.sqlite") as store:
        return store.predictions(row)


def test_progress_counts_every_fold_once():
    seen = []
    _run(make_table(), n_shuffles=2, progress=lambda done, total: seen.append((done, total)))
    total = (9 + 1 + 2) * 4
    assert seen == [(i, total) for i in range(total + 1)]


KILLED = """
import os, signal, sys
from evaluation.study_tables import make_table
from eegtl.evaluation import run_study
def kill(done, total):
    if done == 17:
        os.kill(os.getpid(), signal.SIGKILL)
run_study(make_table(), methods=["tca"], n_shuffles=2, out=sys.argv[1], progress=kill)
"""


def test_a_killed_study_continues_to_the_same_results(tmp_path):
    table, settings = make_table(), {"methods": ["tca"], "n_shuffles": 2}
    whole = run_study(table, **settings, out=tmp_path / "whole")
    tests = Path(__file__).resolve().parents[1]
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, str(tmp_path / "killed")],
        env=os.environ | {"PYTHONPATH": str(tests)},
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL
    assert not (tmp_path / "killed" / "table.csv").exists()
    with ResultsStore(tmp_path / "killed" / "results.sqlite") as store:
        assert len(store.finished()) == 17
        first = store.folds().set_index(["row", "repeat", "fold"])["seconds"]
    seen = []
    again = run_study(
        table,
        **settings,
        out=tmp_path / "killed",
        if_exists="resume",
        progress=lambda done, total: seen.append(done),
    )
    assert seen[0] == 17
    pd.testing.assert_frame_equal(again.table[SCORES], whole.table[SCORES])
    kept = again.folds.set_index(["row", "repeat", "fold"])["seconds"].loc[first.index]
    pd.testing.assert_series_equal(kept, first)  # finished folds did not run again
    assert sorted(p.name for p in (tmp_path / "killed").iterdir()) == [
        "results.sqlite",
        "table.csv",
    ]


def test_results_are_neither_mixed_nor_replaced_unasked(tmp_path):
    table = make_table()
    _run(table, out=tmp_path)
    message = f"{tmp_path} already holds the results of a study. Continue it with --resume"
    with pytest.raises(StudyError, match=re.escape(message)):
        _run(table, out=tmp_path)
    with pytest.raises(StudyError, match=r"it differs in seed: 0 -> 1; rows\.source-only \(mlp\)"):
        _run(table, out=tmp_path, if_exists="resume", seed=1)
    with pytest.raises(StudyError, match=r"it differs in data: \"[0-9a-f]{64}\" -> "):
        _run(make_table(seed=1), out=tmp_path, if_exists="resume")
    with pytest.raises(StudyError, match=r"information: \"transductive\" -> \"inductive\""):
        _run(table, out=tmp_path, if_exists="resume", information="inductive")
    other = _run(make_table(seed=1), out=tmp_path, if_exists="overwrite")
    with ResultsStore(tmp_path / "results.sqlite") as store:
        assert len(store.finished()) == len(other.folds)
    with pytest.raises(StudyError, match="if_exists is 'append'; choose error, resume or"):
        _run(table, out=tmp_path, if_exists="append")


class Noisy(BaseEstimator):
    needs_ = "inductive"

    def __init__(self, problem=""):
        self.problem = problem

    def fit(self, X, y, **more):
        warnings.warn(f"gap of {len(X)}.25 after {X[0, 0]:.3f}", TransferWarning, stacklevel=2)
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        if self.problem == "raise":
            raise ValueError("matrix is not positive definite")
        if self.problem == "label":
            return np.repeat("bored", len(X))
        if self.problem == "number":
            return np.zeros(len(X))
        return np.repeat(self.classes_[0], len(X))


def _noisy(problem):
    return [StudyRow("noisy", "none", lambda seed: Noisy(problem))]


def test_warnings_become_one_note_with_a_count():
    notes = _run(make_table(), methods=_noisy("")).notes
    assert len(notes) == 1
    assert re.fullmatch(
        r"noisy \[none\]: TransferWarning: gap of 72\.25 after -?\d+\.\d+ \[4 x\]", notes[0]
    )


def test_a_failing_method_is_named_with_the_person(tmp_path):
    message = r"noisy \[none\] failed on subject s0: ValueError: matrix is not positive definite"
    with pytest.raises(StudyError, match=message):
        _run(make_table(), methods=_noisy("raise"), out=tmp_path)
    with ResultsStore(tmp_path / "results.sqlite") as store:
        assert len(store.finished()) == 36  # what came before it is kept


@pytest.mark.parametrize(("problem", "shown"), [("label", "bored"), ("number", r"0\.0")])
def test_predictions_that_are_no_classes_are_refused(problem, shown):
    message = rf"predicted 24 labels \({shown}\) for 24 windows of subject s0; .* are calm, tense"
    with pytest.raises(StudyError, match=message):
        _run(make_table(), methods=_noisy(problem))


def test_estimators_of_ones_own_stand_in_the_table():
    own = make_transfer_pipeline(SubjectNormalizer("z3"), default_classifier())
    same = make_transfer_pipeline(SubjectNormalizer("z2"), default_classifier())
    result = _run(make_table(), methods={"z3 lda": own, "z2 lda": same})
    line = _line(result, "z3 lda", "z3")
    assert line["information"] == "transductive"
    assert np.isnan(line["delta_accuracy"])  # there is no source-only row behind z3
    line = _line(result, "z2 lda", "z2")
    assert line["accuracy_mean"] == _line(result, "source-only", "z2")["accuracy_mean"]
    assert (line["delta_accuracy"], line["p_holm"]) == (0.0, 1.0)


def test_one_class_is_refused():
    with pytest.raises(StudyError, match=r"all 96 windows have one class \('calm'\)"):
        _run(_relabelled(make_table(), "calm"))


def test_one_person_is_refused():
    with pytest.raises(StudyError, match=r"at least two people; got 1 \(s0\)"):
        _run(make_table(n_subjects=1))


def test_rows_without_label_and_features_that_are_not_finite_are_refused():
    table = make_table()
    labels = table.meta["label"].astype(object)
    labels[30] = None
    with pytest.raises(StudyError, match=r"1 windows have no label, the first of subject s1\."):
        _run(_relabelled(table, labels))
    table.X[[50, 60], 2] = np.nan
    with pytest.raises(StudyError, match=r"2 windows hold NaN .* first of subject s2, trial 1\."):
        _run(table)


def test_a_table_of_settling_windows_is_refused():
    table = make_table()
    table.meta["settling"] = True
    with pytest.raises(StudyError, match=r"all 96 windows lie where the filters had not settled"):
        _run(table)
    assert len(_run(table, keep_settling=True).table) == 10


def test_a_trial_with_two_labels_is_refused():
    table = make_table()
    labels = table.meta["label"].to_numpy(copy=True)
    labels[1] = "tense"
    with pytest.raises(StudyError, match=r"trial 1 of subject s0 has several labels \(calm, te"):
        _run(_relabelled(table, labels))


@pytest.mark.parametrize(("name", "value"), [("n_jobs", 0), ("n_shuffles", -1), ("seed", 1.5)])
def test_counts_are_whole_numbers(name, value):
    with pytest.raises(StudyError, match=f"{name} is {value!r}; give a whole number of at least"):
        _run(make_table(), **{name: value})


def test_people_with_one_class_left_are_noted():
    notes = _run(make_table(n_trials=2), information="calibration:6:labelled").notes
    assert notes[0].startswith("only one class is left to score for 4 of 4 people (s0, s1, s2, .")


def test_recordings_left_out_are_noted():
    table = make_table()
    table.info["skipped"] = ["Subject07_2.edf (subject 07): no samples"]
    assert _run(table).notes == ["left out: Subject07_2.edf (subject 07): no samples"]


@pytest.mark.realdata
def test_eegmat_gives_the_picture_known_from_elsewhere(realdata):
    import eegtl

    with warnings.catch_warnings():
        # gamma reaches above the pass-band of these recordings; tested with the features
        warnings.filterwarnings("ignore", "band 'gamma'")
        table = eegtl.FeatureExtractor(window=2.0).extract(
            eegtl.load("eegmat", realdata / "eegmat")
        )
    result = run_study(table, methods=["tca (linear)", "kpca (linear)"], n_shuffles=8)
    means = result.table.set_index(["method", "normalization"])["accuracy_mean"]
    assert result.table["n_subjects"].tolist() == [17] * len(result.table)
    assert means["majority", "none"] == 0.5
    none = means["source-only", "none"]
    assert 0.58 <= none <= 0.70
    assert means["source-only", "z2"] >= none + 0.08
    assert 0.45 <= means["shuffled labels", "z2"] <= 0.55
    # behind z2 both domains have equal means, so linear TCA is linear KPCA
    assert means["tca (linear)", "z2"] == means["kpca (linear)", "z2"]
    assert means.max() < 0.85  # more would mean a leak
