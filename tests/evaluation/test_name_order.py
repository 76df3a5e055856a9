"""Which session and which trial came first, where names are no plain numbers."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from evaluation.study_tables import make_table
from hypothesis import given
from hypothesis import strategies as st

from eegtl.errors import StudyError
from eegtl.evaluation import CrossSession, LeaveOneSubjectOut, run_study
from eegtl.evaluation.blocks import check_order, order_note, time_order
from eegtl.evaluation.name_order import in_order, name_order_note, name_ranks

pytestmark = pytest.mark.usefixtures("quick_perceptron")


def _sittings(name, n=11):
    """Two people with many sittings of two trials each; `name` gives a number its name."""
    table = make_table(n_subjects=2, n_trials=2 * n, n_windows=2)
    number = (table.meta["trial"] + 1) // 2
    table.meta["session"] = [name(int(k)) for k in number]
    table.meta["trial"] = (table.meta["trial"] - 1) % 2 + 1
    return table, number.to_numpy()


@pytest.mark.parametrize(
    "name", [int, float, str, "S{}".format, "day{}-a".format, lambda k: f"{'sS'[k % 2]}{k}"]
)
def test_nothing_later_is_a_source_however_sessions_are_named(name):
    table, number = _sittings(name)
    folds = list(CrossSession().split(table))
    assert len(folds) == 2 * 10
    for fold in folds:
        (now,) = set(number[fold.test])
        assert set(number[fold.source]) == set(range(1, now))


def test_the_order_of_names_is_told_once_and_that_of_numbers_not():
    table, _ = _sittings("S{}".format, n=3)
    note = "sessions are taken in the order of their names, digits as numbers: S1, S2, S3"
    assert CrossSession().notes(table) == [note]
    for information in ("transductive", "calibration:2"):
        result = run_study(
            table, protocol="cross-session", information=information, methods=[], n_shuffles=0
        )
        assert result.notes.count(note) == 1
    for name in (int, str):
        assert CrossSession().notes(_sittings(name, n=3)[0]) == []
    long = name_order_note(_sittings("S{}".format, n=14)[0].meta, "session")
    assert long[0].endswith("S1, S2, S3, S4, S5, S6, S7, S8, S9, S10, S11, S12, ... [14 in all]")


def test_names_that_stand_alone_have_no_order_to_tell():
    table = make_table()
    table.meta["session"] = "the only one"
    assert name_order_note(table.meta, "session") == []
    table.meta["trial"] = [f"t{k}" for k in table.meta["trial"]]
    found = order_note(table.meta)
    assert found == ["trials are taken in the order of their names, digits as numbers: "
                     "t1, t2, t3, t4"]  # fmt: skip


def test_sessions_that_cannot_be_ordered_are_refused():
    table, _ = _sittings(lambda k: "S1" if k == 1 else "S01", n=2)
    message = r"sessions of subject s0 are named 'S01' and 'S1', which does not say which came fir"
    with pytest.raises(StudyError, match=message):
        list(CrossSession().split(table))
    # people by people, no order of sessions is needed ...
    assert len(list(LeaveOneSubjectOut().split(table))) == 2
    for information in ("online", "calibration:2"):  # ... but for what counts as the past
        with pytest.raises(StudyError, match=message):
            list(LeaveOneSubjectOut(information).split(table))


def test_trials_that_cannot_be_ordered_are_refused():
    table = make_table()
    table.meta["trial"] = table.meta["trial"].map({1: "a", 2: "A", 3: "b", 4: "c"})
    message = "trials of subject s0, session 1 are named 'A' and 'a', which does not say"
    with pytest.raises(StudyError, match=message):
        check_order(table.meta)


@pytest.mark.parametrize("information", ["online", "calibration:6"])
def test_the_block_is_of_the_first_trials_however_they_are_named(information):
    table = make_table(n_trials=12)
    plain = list(LeaveOneSubjectOut(information).split(table))
    table.meta["trial"] = [f"clip{k}" for k in table.meta["trial"]]
    for a, b in zip(plain, LeaveOneSubjectOut(information).split(table), strict=True):
        assert a.calibration.tolist() == b.calibration.tolist()
        assert a.test.tolist() == b.test.tolist()


def test_trials_are_compared_with_the_one_named_before():
    meta = pd.DataFrame(
        {"subject": "a", "session": 1, "trial": ["t9", "t10", "t11"], "onset": [0.0, 10.0, 20.0]}
    )
    assert len(order_note(meta)) == 1  # the order of names, and nothing that falls
    check_order(meta.assign(recording="r"))
    with pytest.raises(StudyError, match="trial t11 begins at 5 s, before trial t10 at 10 s of th"):
        check_order(meta.assign(recording="r", onset=[0.0, 10.0, 5.0]))


@given(st.lists(st.integers(0, 10**30), min_size=1, unique=True), st.randoms())
def test_names_are_ordered_as_their_numbers(numbers, random):
    names = [f"s{n}x" for n in numbers]
    random.shuffle(names)
    assert in_order(names) == [f"s{n}x" for n in sorted(numbers)]
    ranks = name_ranks(np.array(names, dtype=object))
    assert sorted(ranks.tolist()) == list(range(len(names)))
    meta = pd.DataFrame({"session": 1, "trial": names, "onset": 0.0})
    found = time_order(meta, np.arange(len(names)))
    assert [names[i] for i in found] == in_order(names)
