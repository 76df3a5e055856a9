"""What `StudyResult` holds, from the run and read back."""

from __future__ import annotations

import pandas as pd
import pytest
from evaluation.study_tables import make_table
from sklearn.metrics import confusion_matrix

from eegtl.evaluation import ResultsStore, StudyResult, run_study
from eegtl.evaluation.statistics import bootstrap_interval, paired_differences


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    folder = tmp_path_factory.mktemp("study")
    table = make_table(n_subjects=5, effect=0.7)
    result = run_study(table, methods=["tca (linear)"], n_shuffles=4, out=folder)
    return result, StudyResult.load(folder)


@pytest.mark.parametrize("name", ["table", "folds", "confusions", "distances"])
def test_the_tables_read_back_are_those_of_the_run(pair, name):
    pd.testing.assert_frame_equal(getattr(pair[0], name), getattr(pair[1], name))


@pytest.mark.parametrize(
    "name", ["notes", "information", "out", "protocol", "facts", "chance", "overview", "n_missing"]
)
def test_the_words_read_back_are_those_of_the_run(pair, name):
    assert getattr(pair[0], name) == getattr(pair[1], name)
    assert getattr(pair[1], name) not in (None, {}, "")


def test_confusions_count_the_predictions_of_each_person(pair):
    result, _ = pair
    with ResultsStore(result.out / "results.sqlite") as store:
        windows = store.predictions("tca (linear) [z2]")
    own = result.confusions[result.confusions["row"] == "tca (linear) [z2]"]
    for subject, part in windows.groupby("subject"):
        counts = own[own["subject"] == subject].pivot(index="true", columns="predicted", values="n")
        assert counts.index.tolist() == counts.columns.tolist() == ["calm", "tense"]
        expected = confusion_matrix(part["y_true"], part["y_pred"], labels=[0, 1])
        assert counts.to_numpy().tolist() == expected.tolist()
    rows = result.folds.loc[result.folds["repeat"] == 0, "row"].unique()
    assert set(result.confusions["row"]) == set(rows)
    assert result.confusions["n"].sum() == len(rows) * 5 * 24


def test_the_level_of_chance_is_that_of_the_shuffled_means(pair):
    result, _ = pair
    shuffled = result.folds[result.folds["repeat"] > 0]
    means = shuffled.groupby("repeat")["accuracy"].mean()
    assert result.chance == {
        "low": None,  # four shuffles have no band
        "high": None,
        "kind": "none",
        "mean": pytest.approx(means.mean()),
        "n_shuffles": 4,
    }


def test_intervals_are_those_of_the_people(pair):
    result, _ = pair
    table = result.table.set_index(["method", "normalization"])
    own = result.folds[result.folds["row"] == "tca (linear) [z0]"].set_index("subject")["accuracy"]
    base = result.folds[result.folds["row"] == "source-only [z0]"].set_index("subject")["accuracy"]
    line = table.loc[("tca (linear)", "z0")]
    assert (line["accuracy_low"], line["accuracy_high"]) == bootstrap_interval(own)
    assert (line["delta_low"], line["delta_high"]) == bootstrap_interval(
        paired_differences(own, base.loc[own.index])
    )
    intervals = ["accuracy_low", "accuracy_high", "delta_low", "delta_high"]
    assert table.loc[("shuffled labels", "z2"), intervals].isna().all()
    assert table.loc[("majority", "none"), intervals[2:]].isna().all()


def test_a_study_in_memory_gives_the_same_as_one_in_a_folder(pair):
    table = make_table(n_subjects=5, effect=0.7)
    memory = run_study(table, methods=["tca (linear)"], n_shuffles=4)
    assert memory.out is None
    for name in ("table", "folds"):
        a, b = (
            getattr(r, name).drop(columns=["seconds", "seconds_per_fold"], errors="ignore")
            for r in (memory, pair[0])
        )
        pd.testing.assert_frame_equal(a, b)
    assert memory.overview == pair[0].overview


def test_what_is_shown_is_plain_and_safe(pair):
    result, _ = pair
    text = str(result)
    assert text.startswith("<StudyResult: 13 rows, 5 people, leave-one-subject-out, transductive>")
    assert "tca (linear)" in text
    assert repr(result) == text.splitlines()[0]
    shown = StudyResult(
        result.table.assign(method="<script>"), result.folds, ["<b>"], result.information
    )._repr_html_()
    assert "<script>" not in shown
    assert "&lt;script&gt;" in shown
    assert "<b>" not in shown


def test_folds_name_the_person_and_continuing_keeps_the_descriptions(tmp_path):
    table = make_table()
    first = run_study(table, methods=[], n_shuffles=0, out=tmp_path)
    assert first.folds["subject"].tolist() == first.folds["fold"].tolist()
    more = run_study(
        table, methods=["kpca (linear)"], n_shuffles=0, out=tmp_path, if_exists="resume"
    )
    assert more.overview == first.overview
    assert len(more.table) == len(first.table) + 2
    loaded = StudyResult.load(tmp_path)
    pd.testing.assert_frame_equal(loaded.table, more.table)
