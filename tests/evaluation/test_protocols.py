from __future__ import annotations

import numpy as np
import pytest
from evaluation.study_tables import make_table

from eegtl.errors import StudyError
from eegtl.evaluation import LeaveOneSubjectOut


def _split(information, **settings):
    table = make_table(**settings)
    return table, list(LeaveOneSubjectOut(information).split(table))


@pytest.mark.parametrize(
    "information",
    ["inductive", "online", "transductive", "calibration:6", "calibration:6:labelled"],
)
def test_the_parts_of_a_fold_keep_the_people_apart(information):
    table, folds = _split(information)
    subjects = table.meta["subject"].to_numpy()
    assert [fold.name for fold in folds] == ["s0", "s1", "s2", "s3"]
    for fold in folds:
        assert set(subjects[fold.source]) == set(subjects) - {fold.subject}
        assert len(fold.source) == (subjects != fold.subject).sum()
        for part in (fold.calibration, fold.target, fold.test):
            assert set(subjects[part]) <= {fold.subject}
        assert not set(fold.calibration) & set(fold.test)
        assert len(fold.test) == len(set(fold.test))


def test_inductive_reveals_nothing_and_transductive_all_that_is_scored():
    _, folds = _split("inductive")
    assert all(len(f.target) == len(f.calibration) == 0 and len(f.test) == 24 for f in folds)
    _, folds = _split("transductive")
    assert all((f.target == f.test).all() and len(f.test) == 24 for f in folds)


def test_online_rows_come_in_time_order_whatever_the_order_of_the_table():
    table = make_table()
    shuffled = table.select(np.random.default_rng(0).permutation(len(table)))
    for fold in LeaveOneSubjectOut("online").split(shuffled):
        own = shuffled.meta.iloc[fold.test]
        assert own.equals(own.sort_values(["session", "trial", "onset"]))
        assert (fold.target == fold.test).all()


def test_a_calibration_block_takes_the_first_seconds_across_trials():
    # trials of 6 windows of 2 s: 16 s are all of trial 1 and two windows of trial 2
    table, folds = _split("calibration:16")
    for fold in folds:
        block = table.meta.iloc[fold.calibration]
        assert block["trial"].tolist() == [1] * 6 + [2] * 2
        assert block["onset"].tolist() == [0, 2, 4, 6, 8, 10, 0, 2]
        assert len(fold.test) == 24 - 8


def test_a_calibration_block_is_never_longer_than_asked():
    table, folds = _split("calibration:15.9")
    assert all(len(fold.calibration) == 7 for fold in folds)
    assert len(table) == 96


def test_with_labels_the_rest_of_the_trials_touched_is_not_scored():
    table, folds = _split("calibration:16:labelled")
    for fold in folds:
        assert len(fold.calibration) == 8
        assert set(table.meta.iloc[fold.test]["trial"]) == {3, 4}
        assert len(fold.test) == 12


def test_settled_rows_only_count_when_the_table_holds_no_others():
    table = make_table(n_settling=2)
    kept = table.select(~table.meta["settling"].to_numpy())
    fold = next(LeaveOneSubjectOut("calibration:4").split(kept))
    assert kept.meta.iloc[fold.calibration]["onset"].tolist() == [4, 6]


def test_overlapping_windows_count_the_signal_once_and_the_overlap_is_not_scored():
    # windows of 2 s every 0.5 s: 3 s of signal hold those from 0, 0.5 and 1
    table, folds = _split("calibration:3", step=0.5, n_windows=10)
    for fold in folds:
        assert table.meta.iloc[fold.calibration]["onset"].tolist() == [0.0, 0.5, 1.0]
        scored = table.meta.iloc[fold.test]
        first = scored[scored["trial"] == 1]["onset"]
        assert first.tolist() == [3.0, 3.5, 4.0, 4.5]  # the block ends at 3 s
        assert set(scored["trial"]) == {1, 2, 3, 4}


def test_sessions_are_in_chronological_order():
    table = make_table()
    late = table.meta["trial"].to_numpy() <= 2
    table.meta.loc[late, "session"] = 2  # trials 3 and 4 are of the first sitting
    fold = next(LeaveOneSubjectOut("calibration:6").split(table))
    assert set(table.meta.iloc[fold.calibration]["trial"]) == {3}


def test_one_person_cannot_be_left_out():
    with pytest.raises(StudyError, match=r"at least two people; got 1 \(s0\)"):
        _split("transductive", n_subjects=1)


def test_a_block_shorter_than_a_window_is_refused():
    with pytest.raises(StudyError, match=r"block of 1\.5 s is shorter than one window of 2 s"):
        _split("calibration:1.5")


def test_a_block_that_leaves_nothing_to_score_is_refused():
    message = r"subject s0 has 48 s of usable windows in 4 trials; with a calibration block of 60 s"
    with pytest.raises(StudyError, match=message):
        _split("calibration:60")
    with pytest.raises(StudyError, match=r"block of 40 s the trials it touches are not scored"):
        _split("calibration:40:labelled")


def test_a_class_that_no_source_has_is_refused():
    table = make_table(n_subjects=3)
    own = (table.meta["subject"] == "s1") & (table.meta["trial"] == 2)
    table.meta.loc[own, "label"] = "bored"
    message = r"subject s1 has windows of class 'bored', .* \(they have 'calm', 'tense'\)"
    with pytest.raises(StudyError, match=message):
        list(LeaveOneSubjectOut().split(table))


def test_sources_of_one_class_are_refused():
    table = make_table(n_subjects=2)
    table.meta.loc[table.meta["subject"] == "s1", "label"] = "calm"
    with pytest.raises(StudyError, match=r"without subject s0 .* one class only \('calm'\)"):
        list(LeaveOneSubjectOut().split(table))


def test_a_block_needs_the_length_of_a_window():
    table = make_table()
    del table.info["window"]
    message = r"info\['window'\] is missing \(info has: step\)"
    with pytest.raises(StudyError, match=message):
        list(LeaveOneSubjectOut("calibration:6").split(table))
    assert len(list(LeaveOneSubjectOut("online").split(table))) == 4
