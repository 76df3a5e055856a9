"""Earlier sessions as the sources of later ones."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from evaluation.study_tables import make_table
from reference.cross_session_loops import person_means
from reference.loso_loops import accuracies
from scipy.stats import wilcoxon

from eegtl.errors import StudyError
from eegtl.evaluation import (
    PROTOCOLS,
    CrossSession,
    InformationSet,
    LeaveOneSubjectOut,
    run_study,
)
from eegtl.evaluation.protocols import choose_protocol
from eegtl.features import FeatureTable

pytestmark = pytest.mark.usefixtures("quick_perceptron")

ALL = ["inductive", "online", "transductive", "calibration:6", "calibration:6:labelled"]


def _with_sessions(n_sessions=(3, 2, 4), *, n_trials=4, seed=0, shift=1.0, **settings):
    """People with several sittings, each with an offset of its own; trials are numbered anew."""
    n = len(n_sessions)
    table = make_table(
        n_subjects=n, n_trials=n_trials * max(n_sessions), seed=seed, effect=0.6, **settings
    )
    meta = table.meta.copy()
    meta["session"] = (meta["trial"] - 1) // n_trials + 1
    meta["trial"] = (meta["trial"] - 1) % n_trials + 1
    rng = np.random.default_rng(seed)
    X = table.X.copy()
    for _, rows in meta.groupby(["subject", "session"]).groups.items():
        X[rows] += shift * rng.standard_normal(X.shape[1])
    own = {f"s{i}": count for i, count in enumerate(n_sessions)}
    keep = (meta["session"] <= meta["subject"].map(own)).to_numpy()
    return FeatureTable(X, table.columns, meta, info=table.info).select(keep)


def _run(table, **settings):
    given = {"protocol": "cross-session", "methods": [], "n_shuffles": 0}
    return run_study(table, **given | settings)


def _line(result, method, normalization):
    table = result.table.set_index(["method", "normalization"])
    return table.loc[(method, normalization)]


@pytest.mark.parametrize("information", ALL)
def test_sources_are_the_persons_own_earlier_sessions(information):
    table = _with_sessions()
    folds = list(CrossSession(information).split(table))
    assert [fold.name for fold in folds] == [
        "s0 session 2",
        "s0 session 3",
        "s1 session 2",
        "s2 session 2",
        "s2 session 3",
        "s2 session 4",
    ]
    for fold in folds:
        source, session = table.meta.iloc[fold.source], int(fold.name[-1])
        assert set(source["subject"]) == {fold.subject}
        assert set(source["session"]) == set(range(1, session))
        for part in (fold.calibration, fold.target, fold.test):
            own = table.meta.iloc[part]
            assert set(own["session"]) <= {session}
            assert set(own["subject"]) <= {fold.subject}
        assert not set(fold.calibration) & set(fold.test)
        assert len(fold.calibration) == (3 if "calibration" in information else 0)


def test_to_the_methods_a_session_is_what_a_person_is_elsewhere():
    table = _with_sessions()
    assert CrossSession().domains(table.meta).tolist() == table.meta["session"].tolist()
    assert LeaveOneSubjectOut().domains(table.meta).tolist() == table.meta["subject"].tolist()


@pytest.mark.parametrize("normalization", ["none", "z0", "z2"])
def test_source_only_equals_the_plain_loops(normalization):
    table = _with_sessions()
    meta = table.meta
    expected = person_means(table.X, meta["label"], meta["subject"], meta["session"], normalization)
    result = _run(table)
    line = _line(result, "source-only", normalization)
    assert line["accuracy_mean"] == pytest.approx(np.mean(expected), abs=1e-12)
    assert line["accuracy_sd"] == pytest.approx(np.std(expected, ddof=1), abs=1e-12)
    assert line["worst_subject_accuracy"] == pytest.approx(min(expected), abs=1e-12)
    assert line["n_subjects"] == 3  # people, not sessions
    assert result.protocol == "cross-session"
    assert result.facts["protocol"] == "cross-session"
    assert (result.folds["row"] == "source-only [none]").sum() == 6


def test_the_test_and_the_interval_are_over_people():
    table = _with_sessions((3, 2, 2, 3, 2, 2, 3, 2))
    result = _run(table)
    people = {
        key: own.groupby("subject")["accuracy"].mean() for key, own in result.folds.groupby("row")
    }
    differences = people["source-only [z2]"] - people["source-only [none]"]
    assert len(differences) == 8
    line = _line(result, "source-only", "z2")
    assert line["delta_accuracy"] == pytest.approx(differences.mean(), abs=1e-12)
    p = wilcoxon(differences.round(10)[differences.round(10) != 0]).pvalue
    assert line["p_holm"] >= p
    assert differences.min() <= line["delta_low"] <= line["delta_accuracy"] <= line["delta_high"]


def test_leaving_people_out_counts_each_once_however_many_sessions():
    table = _with_sessions((3, 1, 2))
    result = run_study(table, methods=[], n_shuffles=0)
    expected = accuracies(table.X, table.meta["label"], table.meta["subject"], "z2")
    line = _line(result, "source-only", "z2")
    assert line["accuracy_mean"] == pytest.approx(np.mean(expected), abs=1e-12)
    assert (line["n_subjects"], len(result.folds)) == (3, 3 * len(result.table))


def test_sessions_that_cannot_be_scored_are_noted_and_those_people_left_out():
    table = _with_sessions((3, 1, 2))
    meta = table.meta
    first = (meta["subject"] == "s0") & (meta["session"] == 1)
    table.meta.loc[first, "label"] = "calm"
    table.meta.loc[
        (meta["subject"] == "s2") & (meta["trial"] == 2) & (meta["session"] == 2), "label"
    ] = "bored"
    notes = CrossSession().notes(table)
    assert notes == [
        "not scored: subject s0 session 2, whose earlier sessions hold only class 'calm'",
        "not scored: subject s2 session 2, whose earlier sessions hold no class 'bored'",
        "not scored: 1 people with one session (s1)",
    ]
    assert [fold.name for fold in CrossSession().split(table)] == ["s0 session 3"]
    assert _run(table).notes[:3] == notes


def test_nobody_with_two_sessions_is_refused():
    message = r"person with two sessions.*; 4 people with one session \(s0, s1, s2, s3\)\. Load"
    with pytest.raises(StudyError, match=message):
        _run(make_table())


def test_protocols_are_known_by_name_and_say_their_information_once():
    assert list(PROTOCOLS) == ["leave-one-subject-out", "cross-session", "cross-day"]
    table = _with_sessions()
    with pytest.raises(StudyError, match="unknown protocol 'loso'; known are: leave-one-subject-o"):
        _run(table, protocol="loso")
    with pytest.raises(StudyError, match="protocol is a int; give one of leave-one-subject-out, "):
        _run(table, protocol=3)
    with pytest.raises(StudyError, match="says information='online' and the study 'inductive'"):
        _run(table, protocol=CrossSession("online"), information="inductive")
    assert _run(table, protocol=CrossSession("inductive")).information.tag == "inductive"
    assert choose_protocol("cross-session").information == InformationSet("transductive")


def test_one_protocol_is_not_continued_by_the_other(tmp_path):
    table = _with_sessions()
    _run(table, out=tmp_path)
    with pytest.raises(StudyError, match='protocol: "cross-session" -> "leave-one-subject-out"'):
        _run(table, out=tmp_path, protocol="leave-one-subject-out", if_exists="resume")


def test_shuffles_stay_within_a_session():
    # one trial of each class in a session: across sessions, one could end up with one class only
    table = _with_sessions((3, 3, 3), n_trials=2, n_windows=4)
    result = _run(table, n_shuffles=6)
    line = _line(result, "shuffled labels", "z2")
    assert 0.3 < line["accuracy_mean"] < 0.7
    assert result.chance["n_shuffles"] == 6


def test_sessions_of_one_class_each_cannot_be_shuffled():
    table = _with_sessions((4, 4), n_trials=2)
    meta = table.meta.copy()
    meta["label"] = np.where(meta["session"] % 2 == 0, "calm", "tense")
    result = _run(FeatureTable(table.X, table.columns, meta, info=table.info), n_shuffles=2)
    assert any("there is no row 'shuffled labels'" in note for note in result.notes)
    assert result.chance is None


def test_the_future_is_nothing_to_the_past():
    table = _with_sessions((3, 3, 3))
    changed = table.select(np.ones(len(table), dtype=bool))
    late = (changed.meta["session"] == 3).to_numpy()
    changed.X[late] = np.random.default_rng(1).standard_normal(changed.X[late].shape) * 9
    a, b = (_run(t, methods=["tca"]).folds for t in (table, changed))
    early = a["fold"].str.endswith("session 2")
    columns = ["row", "fold", "accuracy", "macro_f1"]
    pd.testing.assert_frame_equal(a.loc[early, columns], b.loc[early, columns])
    assert not a.loc[~early, columns].equals(b.loc[~early, columns])


@pytest.mark.realdata
def test_muse_days_across_days(realdata):
    import warnings

    import eegtl

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what the recordings have to say is tested with them
        collection = eegtl.load("muse-days", root=realdata / "muse-days")
        table = eegtl.FeatureExtractor(window=4.0).extract(collection)
    result = _run(table, methods=["tca (linear)"])
    assert result.folds["fold"].nunique() == 2 + 4 + 1
    assert result.table["n_subjects"].unique().tolist() == [3]
    settled = table.select(~table.meta["settling"].to_numpy())
    expected = person_means(
        settled.X,
        settled.meta["label"],
        settled.meta["subject"],
        settled.meta["session"],
        "z2",
    )
    found = _line(result, "source-only", "z2")["accuracy_mean"]
    assert found == pytest.approx(np.mean(expected), abs=1e-12)
