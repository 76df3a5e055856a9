"""The table from the folds: differences of equal people, and the band of chance."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from eegtl.evaluation.comparison import TableRow, chance_band, compare

BASE = TableRow("source-only [z2]", "source-only", "z2", "", "lda", "source-only", False)
OTHER = TableRow("tca [z2]", "tca", "z2", "", "lda", "transfer", False)
SHUFFLED = TableRow("shuffled labels [z2]", "shuffled labels", "z2", "", "lda", "reference", True)


def _line(row, subject, fold, accuracy, repeat=0):
    names = ("accuracy", "balanced_accuracy", "macro_f1", "trial_accuracy")
    line = {"row": row.key, "repeat": repeat, "fold": f"{subject} {fold}", "subject": subject}
    return line | dict.fromkeys(names, accuracy) | {"seconds": 0.1}


def test_people_who_are_equal_on_paper_differ_by_nothing():
    people = "abcde"
    lines = [_line(BASE, who, i, a) for who in people for i, a in enumerate((0.3, 0.5))]
    lines += [_line(OTHER, who, i, a) for who in people for i, a in enumerate((0.1, 0.7))]
    assert np.mean([0.1, 0.7]) != np.mean([0.3, 0.5])
    line = compare(pd.DataFrame(lines), [BASE, OTHER]).iloc[1]
    found = line[["delta_accuracy", "delta_low", "delta_high", "p_holm"]].tolist()
    assert found == [0.0, 0.0, 0.0, 1.0]
    assert not np.signbit(found).any()


@pytest.mark.parametrize(("n_people", "shown"), [(4, False), (5, True)])
def test_intervals_are_of_five_people_and_more(n_people, shown):
    lines = [
        _line(row, f"s{i}", 1, 0.5 + 0.01 * i * (row is OTHER))
        for row in (BASE, OTHER)
        for i in range(n_people)
    ]
    table = compare(pd.DataFrame(lines), [BASE, OTHER])
    intervals = ["accuracy_low", "accuracy_high", "delta_low", "delta_high"]
    assert table.loc[1, intervals].notna().tolist() == [shown] * 4


def _chance(n):
    means = np.random.default_rng(0).normal(0.5, 0.05, n)
    lines = [
        _line(SHUFFLED, who, 1, mean + step, repeat)
        for repeat, mean in enumerate(means, start=1)
        for who, step in (("a", 0.02), ("b", -0.02))
    ]
    return chance_band(pd.DataFrame(lines), [SHUFFLED]), means


@pytest.mark.parametrize("n", [10, 20, 39])
def test_of_some_shuffles_the_range_is_given(n):
    chance, means = _chance(n)
    assert (chance["kind"], chance["n_shuffles"]) == ("range", n)
    expected = [means.min(), means.max(), means.mean()]
    assert [chance[name] for name in ("low", "high", "mean")] == pytest.approx(expected)


@pytest.mark.parametrize("n", [40, 200])
def test_of_many_shuffles_the_middle_95_percent_are_given(n):
    chance, means = _chance(n)
    assert chance["kind"] == "95 %"
    expected = np.percentile(means, [2.5, 97.5])
    assert [chance["low"], chance["high"]] == pytest.approx(expected)


@pytest.mark.parametrize("n", [1, 9])
def test_of_few_shuffles_there_is_a_mean_and_no_band(n):
    chance, means = _chance(n)
    assert chance == {
        "low": None,
        "high": None,
        "kind": "none",
        "mean": pytest.approx(means.mean()),
        "n_shuffles": n,
    }


def test_without_shuffles_there_is_no_chance_level():
    assert chance_band(pd.DataFrame([_line(BASE, "a", 1, 0.5)]), [BASE]) is None
