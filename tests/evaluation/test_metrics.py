from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from reference import scores_loops
from sklearn import metrics as sklearn_metrics

from eegtl.errors import InputError
from eegtl.evaluation import score, trial_accuracy
from eegtl.evaluation.metrics import over_subjects

labels = st.sampled_from(["a", "b", "c"])


@st.composite
def folds(draw):
    trials = draw(st.lists(st.tuples(labels, st.lists(labels, min_size=1)), min_size=1))
    rows = [(t, p, i) for i, (t, ps) in enumerate(trials) for p in ps]
    order = draw(st.permutations(rows))
    return tuple(map(list, zip(*order, strict=True)))


@given(folds())
def test_scores_equal_the_plain_loops(fold):
    y_true, y_pred, trials = fold
    found = score(y_true, y_pred, trials)
    assert found.accuracy == pytest.approx(float(scores_loops.accuracy(y_true, y_pred)))
    assert found.balanced_accuracy == pytest.approx(
        float(scores_loops.balanced_accuracy(y_true, y_pred))
    )
    assert found.macro_f1 == pytest.approx(float(scores_loops.macro_f1(y_true, y_pred)))
    assert found.trial_accuracy == pytest.approx(
        float(scores_loops.trial_accuracy(y_true, y_pred, trials))
    )


def test_scores_equal_those_of_scikit_learn():
    y_true, y_pred = np.random.default_rng(1).integers(-1, 2, size=(2, 200))
    found = score(y_true, y_pred, np.arange(200))
    assert found.accuracy == sklearn_metrics.accuracy_score(y_true, y_pred)
    assert found.balanced_accuracy == pytest.approx(
        sklearn_metrics.balanced_accuracy_score(y_true, y_pred), abs=1e-12
    )
    assert found.macro_f1 == pytest.approx(
        sklearn_metrics.f1_score(y_true, y_pred, average="macro"), abs=1e-12
    )
    assert found.trial_accuracy == found.accuracy  # each window is a trial here


def test_known_values():
    y_true = ["a", "a", "a", "b"]
    y_pred = ["a", "a", "b", "b"]
    found = score(y_true, y_pred, [1, 1, 1, 2])
    assert found.accuracy == 3 / 4
    assert found.balanced_accuracy == pytest.approx((2 / 3 + 1) / 2)
    assert found.macro_f1 == pytest.approx((4 / 5 + 2 / 3) / 2)
    assert found.trial_accuracy == 1.0


@pytest.mark.parametrize("order", [("a", "b"), ("b", "a")])
def test_a_tied_vote_counts_by_its_chance_whatever_the_names(order):
    first, second = order
    assert trial_accuracy([first, first], [first, second], [1, 1]) == 0.5
    assert trial_accuracy(["c", "c"], [first, second], [1, 1]) == 0.0
    assert trial_accuracy(["c"] * 3, ["c", first, second], [1] * 3) == pytest.approx(1 / 3)


def test_a_trial_has_one_true_label():
    with pytest.raises(InputError, match=r"trial 7 has several true labels \(\['a', 'b'\]\)"):
        trial_accuracy(["a", "b"], ["a", "a"], [7, 7])


def test_scores_need_one_prediction_a_window():
    with pytest.raises(InputError, match="got 2 true labels and 1 predictions"):
        score(["a", "b"], ["a"], [1, 1])
    with pytest.raises(InputError, match="got 0 true labels and 0 predictions"):
        score([], [], [])


def test_summary_over_people():
    found = over_subjects([0.5, 0.7, 0.9])
    assert found.mean == pytest.approx(0.7)
    assert found.sd == pytest.approx(0.2)  # n - 1
    assert found.worst == 0.5
    assert np.isnan(over_subjects([0.5]).sd)
    with pytest.raises(InputError, match="at least one value; got none"):
        over_subjects([])
