"""What a search inside a fold hands its source people: what the wearer gives, and no more."""

from __future__ import annotations

import numpy as np
import pytest
from evaluation.study_tables import make_table
from sklearn.base import ClassifierMixin
from sklearn.neighbors import KNeighborsClassifier

import eegtl.evaluation.criteria as criteria
from eegtl.errors import InformationError
from eegtl.evaluation import Method, TransferSearch, run_study
from eegtl.transfer import (
    KPCA,
    SubjectNormalizer,
    TransferEstimator,
    default_classifier,
    make_transfer_pipeline,
)

METHODS = [
    Method("k", "k", ("z2",), lambda seed: KPCA(kernel="linear"), grid={"n_components": (1, 3)})
]


@pytest.fixture
def inner(monkeypatch):
    """Note what each source person in the wearer's place gives."""
    seen, run_fold = set(), criteria.run_fold

    def noting(task, *arguments):
        fold = task.fold
        sizes = tuple(len(part) for part in (fold.calibration, fold.target, fold.test))
        seen.add((task.granted.tag, task.level, task.y_calib is not None, sizes))
        return run_fold(task, *arguments)

    monkeypatch.setattr(criteria, "run_fold", noting)
    return seen


@pytest.mark.parametrize(
    ("information", "expected"),
    [
        # 24 windows of 2 s a person, 6 in a trial
        ("transductive", ("transductive", "unlabelled", False, (0, 24, 24))),
        ("calibration:6", ("calibration:6", "unlabelled", False, (3, 0, 21))),
        # with labels the wearer's first trial is not scored; the method is handed no labels
        ("calibration:6:labelled", ("calibration:6", "unlabelled", False, (3, 0, 21))),
    ],
)
def test_a_tuned_row_searches_with_the_information_of_the_study(inner, information, expected):
    run_study(make_table(), methods=METHODS, tune="source", information=information, n_shuffles=0)
    assert inner == {expected}


def _search(information="transductive", criterion="source"):
    pipeline = make_transfer_pipeline(
        SubjectNormalizer("z2"), KPCA(kernel="linear"), default_classifier()
    )
    grid = {"kpca__n_components": [1, 2]}
    return TransferSearch(pipeline, grid, information=information, criterion=criterion, window=2.0)


def _inductive():
    grid = {"kneighborsclassifier__n_neighbors": [1, 3]}
    return TransferSearch(make_transfer_pipeline(KNeighborsClassifier()), grid, window=2.0)


@pytest.mark.parametrize(
    ("own", "study", "handed"),
    [
        ("transductive", "calibration:6", "calibration:6"),
        ("calibration:6", "transductive", "transductive"),
        ("calibration:12", "calibration:6", "calibration:6"),
        ("calibration:6:labelled", "calibration:6:labelled", "calibration:6"),
    ],
)
def test_a_search_for_another_wearer_is_refused(own, study, handed):
    message = (
        rf"mine \[z2\] chooses its settings with information='{own}', but is handed '{handed}' of "
        rf".* Give TransferSearch information='{handed}', or the study"
    )
    with pytest.raises(InformationError, match=message):
        run_study(make_table(), methods={"mine": _search(own)}, information=study, n_shuffles=0)


def test_a_search_for_the_same_wearer_runs(inner):
    table = make_table()
    run_study(
        table, methods={"a": _search("calibration:6")}, information="calibration:6", n_shuffles=0
    )
    assert inner == {("calibration:6", "unlabelled", False, (3, 0, 21))}


@pytest.mark.parametrize("search", [_search(criterion="reverse"), _inductive()])
def test_where_source_people_give_nothing_any_information_will_do(search):
    # other criteria put nobody in the wearer's place; an inductive method is handed nothing
    table = make_table()
    result = run_study(table, methods={"a": search}, information="calibration:6", n_shuffles=0)
    assert "a" in set(result.table["method"])


class Reader(ClassifierMixin, TransferEstimator):
    """Predicts the first class, and keeps what it could read of the wearer's rows."""

    needs_ = "unlabelled"
    reads_rows = True
    read: list = []  # noqa: RUF012

    def __init__(self, setting=1):
        self.setting = setting

    def _fit_source(self, X, y, subjects, rows):
        self.classes_ = np.unique(y)

    def _forget_target(self):
        pass

    def _adapt_target(self, target):
        self.read.append(target.rows_target)
        return "unlabelled"

    def predict(self, X):
        return np.repeat(self.classes_[:1], len(X))


def test_a_search_tells_no_more_of_the_rows_than_the_fold_does():
    table = make_table()
    meta = table.meta
    meta["onset"] += 100.0 * meta["trial"]  # the time of a trial would tell its label
    Reader.read.clear()
    search = TransferSearch(Reader(), {"setting": [1, 2]})
    run_study(table, methods={"reader": search}, n_shuffles=0)
    real = [rows for rows in Reader.read if rows is not None]
    # in each of 4 folds: 3 source people for 2 settings, and the wearer
    assert len(real) == 4 * (3 * 2 + 1)
    orders = set()
    for rows in real:
        assert list(rows.columns) == ["session", "trial", "onset"]
        assert set(rows["trial"]) == {0, 1, 2, 3}  # codes, and not the numbers 1 to 4
        assert rows.groupby("trial")["onset"].min().tolist() == [0.0] * 4
        orders.add(tuple(rows["trial"].drop_duplicates()))
    assert len(orders) > 1  # drawn for each person
