from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from report.study_results import make_result

from eegtl.errors import InputError
from eegtl.report.scores import (
    baselines,
    differences,
    interval_of,
    main_rows,
    row_keys,
    scores_by_person,
    scores_by_shuffle,
)

RESULT = make_result(6, n_shuffles=3)


def test_every_person_has_the_mean_of_its_folds():
    folds = RESULT.folds
    twice = pd.concat([folds, folds.assign(fold="again", accuracy=folds["accuracy"] / 2)])
    result = make_result(6, n_shuffles=3)
    scores = scores_by_person(type(result)(**{**vars(result), "folds": twice}))
    for row, fold, accuracy, repeat in folds[["row", "fold", "accuracy", "repeat"]].itertuples(
        index=False
    ):
        if repeat == 0:
            assert scores.loc[fold, row] == pytest.approx(0.75 * accuracy)
    assert "shuffled labels [z2]" not in scores
    assert list(scores.columns) == [k for k in row_keys(RESULT) if not k.startswith("shuffled")]


def test_order_of_the_folds_does_not_matter_for_the_scores():
    shuffled = RESULT.folds.sample(frac=1, random_state=3)
    other = scores_by_person(type(RESULT)(**{**vars(RESULT), "folds": shuffled}))
    own = scores_by_person(RESULT)
    pd.testing.assert_frame_equal(other.loc[own.index], own, check_names=False)


def test_shuffles_are_averaged_over_people():
    means = scores_by_shuffle(RESULT)
    for repeat in (1, 2, 3):
        own = RESULT.folds[RESULT.folds["repeat"] == repeat]["accuracy"]
        assert means[repeat] == pytest.approx(sum(own) / len(own))
    assert scores_by_shuffle(make_result(6, n_shuffles=0)).empty


def test_differences_are_to_the_row_that_the_table_compares_with():
    deltas, scores = differences(RESULT), scores_by_person(RESULT)
    assert baselines(RESULT)["tca [z2]"] == "source-only [z2]"
    assert baselines(RESULT)["source-only (svm) [z2]"] == "source-only (svm) [none]"
    assert "source-only [none]" not in deltas
    for person in scores.index:
        expected = scores.loc[person, "tca [z2]"] - scores.loc[person, "source-only [z2]"]
        assert deltas.loc[person, "tca [z2]"] == pytest.approx(expected)
    table = RESULT.table.assign(key=row_keys(RESULT)).set_index("key")["delta_accuracy"].dropna()
    assert set(table.index) == set(deltas)
    np.testing.assert_allclose(deltas.mean()[table.index], table, atol=1e-12)


def test_intervals_come_from_the_table():
    low, high = interval_of(RESULT, "tca [z2]", "delta")
    place = row_keys(RESULT).index("tca [z2]")
    assert (low, high) == tuple(RESULT.table[["delta_low", "delta_high"]].iloc[place])
    assert interval_of(RESULT, "source-only [none]", "delta") is None


def test_main_rows_do_not_depend_on_scores():
    assert main_rows(RESULT) == [
        "source-only [none]",
        "source-only [z2]",
        "tca [z2]",
        "tca (linear) [z2]",
        "kpca [z2]",
        "kpca (linear) [z2]",
    ]
    assert main_rows(make_result(6, seed=5)) == main_rows(RESULT)
    assert main_rows(RESULT, 3) == main_rows(RESULT)[:3]


def test_unknown_rows_and_scores_are_named():
    with pytest.raises(InputError, match=r"no row 'tca \[z9\]'; it has: source-only \[none\], "):
        row_keys(RESULT, ["tca [z9]", "tca [z2]"])
    with pytest.raises(InputError, match="no row of an empty list"):
        row_keys(RESULT, [])
    with pytest.raises(InputError, match="no score 'auc'; choose one of accuracy, balanced"):
        scores_by_person(RESULT, "auc")
