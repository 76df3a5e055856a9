"""Tables that a study refuses, and what its notes say of those it takes."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from evaluation.study_tables import make_table

from eegtl.errors import StudyError
from eegtl.evaluation import LeaveOneSubjectOut, run_study
from eegtl.features import FeatureTable, make_columns
from eegtl.transfer import default_classifier, make_transfer_pipeline

pytestmark = pytest.mark.usefixtures("quick_perceptron")


def _run(table, **settings):
    return run_study(table, **{"methods": [], "n_shuffles": 0} | settings)


def _changed(table, **columns):
    meta = table.meta.assign(**columns)
    return FeatureTable(table.X, table.columns, meta, info=table.info)


def test_an_empty_table_is_refused():
    table = make_table()
    with pytest.raises(StudyError, match=r"the table holds no windows\. Check the selection"):
        _run(table.select(np.zeros(len(table), dtype=bool)))


@pytest.mark.parametrize("column", ["subject", "session", "trial"])
@pytest.mark.parametrize("nothing", [None, np.nan])
def test_a_missing_name_is_refused(column, nothing):
    table = make_table()
    values = table.meta[column].astype(object).to_numpy(copy=True)
    values[24:30] = nothing
    message = rf"6 windows have no {column}, the first is of subject "
    with pytest.raises(StudyError, match=message):
        _run(_changed(table, **{column: values}))


@pytest.mark.parametrize(
    ("column", "names", "shown"),
    [
        ("subject", {"s0": 1, "s1": "1", "s2": 2, "s3": 3}, r"1 \(int\), '1' \(str\)"),
        ("label", {"calm": 1, "tense": "1"}, r"1 \(int\), '1' \(str\)"),
        ("label", {"calm": 1, "tense": True}, r"1 \(int\), True \(bool\)"),
        ("trial", {1: 1, 2: "2", 3: 3, 4: 4}, r"1 \(int\), '2' \(str\)"),
    ],
)
def test_names_of_several_types_are_refused(column, names, shown):
    table = make_table()
    values = pd.Series([names[name] for name in table.meta[column]], dtype=object)
    with pytest.raises(StudyError, match=rf"the column '{column}' holds .* types: {shown}"):
        _run(_changed(table, **{column: values}))


@pytest.mark.parametrize("column", ["subject", "session", "trial", "label", "stimulus", "dataset"])
def test_names_that_no_file_can_hold_are_refused(column, tmp_path):
    table = make_table()
    table.meta[column] = [f"{value}\ud800" for value in table.meta[column]]
    message = rf"the column '{column}' holds the name '.*\\ud800', which is no valid text"
    with pytest.raises(StudyError, match=message):
        run_study(table, methods=[], n_shuffles=0, out=tmp_path / "study")


def test_features_and_methods_that_no_file_can_hold_are_refused():
    table = make_table()
    columns = make_columns("de", ["C0", "C1", "C\udfff"], ["alpha", "beta"])
    with pytest.raises(StudyError, match=r"index of the features holds the name 'C\\udfff', which"):
        run_study(FeatureTable(table.X, columns, table.meta, info=table.info), methods=[])
    with pytest.raises(StudyError, match=r"list of methods holds the name 'm\\ud800 \[none\]', wh"):
        run_study(table, methods={"m\ud800": make_transfer_pipeline(default_classifier())})


def test_labels_that_are_no_texts_or_numbers_are_refused():
    table = make_table()
    labels = pd.Series([(name, 1) for name in table.meta["label"]])
    with pytest.raises(StudyError, match=r"no texts or numbers, for example \('calm', 1\)"):
        _run(_changed(table, label=labels))


def test_people_and_trials_without_a_settled_window_are_named():
    table = make_table(n_subjects=5)
    meta = table.meta
    settling = (meta["subject"] == "s1") | ((meta["subject"] == "s3") & (meta["trial"] <= 2))
    result = _run(_changed(table, settling=settling))
    reason = "left out, since the filters had not settled in any of their windows"
    assert result.notes == [
        f"{reason}: 1 people (s1)",
        f"{reason}: 2 trials (s3 session 1 trial 1, s3 session 1 trial 2)",
    ]
    assert result.table["n_subjects"].tolist() == [4] * len(result.table)


def _one_class_for(people, **settings):
    table = make_table(**settings)
    fixed = table.meta["subject"].isin(people)
    label = np.where(fixed, "calm", table.meta["label"])
    return _changed(table, label=label)


def test_people_whose_labels_no_shuffle_can_change_are_named():
    result = _run(_one_class_for(["s1", "s4"], n_subjects=6), n_shuffles=2)
    assert result.notes[-1] == (
        "shuffling cannot change the labels of 2 of 6 people (s1, s4), whose trials are all of "
        "one class: 'shuffled labels' is no chance level for them"
    )
    assert "shuffled labels" in set(result.table["method"])
    assert not any("shuffling" in n for n in _run(make_table(), n_shuffles=2).notes)
    assert not any("shuffling" in n for n in _run(_one_class_for(["s1"])).notes)


def test_a_comparison_between_people_has_no_shuffled_row():
    table = make_table(effect=3.0)
    label = np.where(table.meta["subject"].isin(["s0", "s1"]), "calm", "tense")
    result = _run(_changed(table, label=label), n_shuffles=2)
    assert "shuffled labels" not in set(result.table["method"])
    assert result.folds["repeat"].tolist() == [0] * len(result.folds)
    assert result.notes[-1] == (
        "shuffling cannot change the labels of 4 of 4 people (s0, s1, s2, ...), whose trials are "
        "all of one class: there is no row 'shuffled labels', look at 'majority' for chance"
    )


def _backwards(**columns):
    """Trial 4 came first: its number is that of the clip."""
    table = make_table()
    onset = (4 - table.meta["trial"]) * 100.0 + table.meta["onset"]
    return _changed(table, onset=onset, **columns)


@pytest.mark.parametrize("information", ["calibration:6", "online"])
def test_trials_numbered_against_the_time_of_their_recording_are_refused(information):
    message = (
        r"subject s0, session 1: trial 2 begins at 200 s, before trial 1 at 300 s of the same "
        r"recording\. Number the trials in the order in which they were presented"
    )
    with pytest.raises(StudyError, match=message):
        _run(_backwards(recording="run 1"), information=information)
    each_its_own = [f"run {n}" for n in make_table().meta["trial"]]
    assert _run(_backwards(recording=each_its_own), information=information).notes == []
    _run(_backwards(recording="run 1"))  # all windows are granted at once, so order is no matter


def test_an_order_that_the_table_does_not_tell_is_noted():
    notes = _run(_backwards(), information="calibration:6").notes
    assert len(notes) == 1
    assert notes[0].startswith(
        "subject s0, session 1: trial 2 begins at 200 s, before trial 1 at 300 s [12 such trials "
        "in all]. Unless they are of different recordings"
    )
    assert _run(_backwards()).notes == []
    # onsets that restart with each trial are of a recording each
    assert _run(make_table(n_settling=2), information="calibration:6").notes == []
    folds = LeaveOneSubjectOut("online").split(_backwards())
    assert len(list(folds)) == 4


@pytest.mark.parametrize(("name", "value"), [("seed", 2**32), ("n_jobs", True)])
def test_settings_out_of_range_are_refused(name, value):
    with pytest.raises(StudyError, match=f"{name} is {value!r}; give a whole number of at "):
        _run(make_table(), **{name: value})
