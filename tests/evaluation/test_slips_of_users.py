"""What a user gets who hands over the wrong thing, and what is said of bad signals."""

from __future__ import annotations

import re

import numpy as np
import pytest
from evaluation.study_tables import make_table

from eegtl.errors import StudyError
from eegtl.evaluation import run_study
from eegtl.transfer import TCA, SubjectNormalizer, default_classifier, make_transfer_pipeline


def test_a_matrix_instead_of_a_table():
    with pytest.raises(StudyError, match="a study takes a FeatureTable; got a ndarray"):
        run_study(np.zeros((4, 2)))


def test_continuous_labels():
    table = make_table()
    table.meta["label"] = np.linspace(1.0, 9.0, len(table)) + 0.05
    with pytest.raises(StudyError, match=r"labels are continuous .* pandas\.cut"):
        run_study(table, n_shuffles=0)


def test_an_aligner_without_a_classifier():
    message = "mine (TCA) has no predict; a study scores classifiers. Put it into"
    with pytest.raises(StudyError, match=re.escape(message)):
        run_study(make_table(), methods={"mine": TCA(2)})


def test_an_estimator_in_a_list():
    with pytest.raises(StudyError, match="methods holds a TCA; a list takes names"):
        run_study(make_table(), methods=["tca", TCA(2)])


def test_names_of_methods_may_stand_beside_estimators():
    pipeline = make_transfer_pipeline(SubjectNormalizer("z2"), default_classifier())
    methods = {"mine": pipeline, "kpca": "kpca (linear)"}
    table = run_study(make_table(), methods=methods, n_shuffles=0).table
    assert {"mine", "kpca (linear)"} <= set(table["method"])


def test_marks_of_bad_signals_are_said():
    table = make_table()
    who = table.meta["subject"].iloc[0]
    flags = np.where(table.meta["subject"] == who, "flat", "")
    flags[1:3] = ""
    table.meta["flags"] = flags
    n = int((flags == "flat").sum())
    notes = run_study(table, methods=[], n_shuffles=0).notes
    assert f"{n} windows of {who} are marked flat; they are scored all the same" in notes
