"""Checks of shared arguments: subjects, row descriptions, information levels."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eegtl._checks import (
    INFORMATION_LEVELS,
    ONE_SUBJECT,
    check_rows,
    check_subjects,
    highest_information,
    unique_subjects,
)
from eegtl.errors import InputError


class TestSubjects:
    def test_none_is_one_subject(self) -> None:
        assert check_subjects(None, 3).tolist() == [ONE_SUBJECT] * 3
        assert check_subjects(None, 0).shape == (0,)

    @pytest.mark.parametrize(
        "subjects",
        [
            ["ann", "ben", "ann"],
            [3, 1, 2],
            [("ann", 1), ("ann", 2), ("ben", 1)],
            [("ann",), ("ann", 2), "ben"],
            [True, False, True],
        ],
    )
    def test_are_kept_as_they_are(self, subjects: list[Any]) -> None:
        assert check_subjects(subjects, 3).tolist() == subjects
        assert check_subjects(subjects, 3).shape == (3,)

    def test_series_categories_and_arrays(self) -> None:
        names = ["ann", "ben", "ann"]
        for given_as in (
            pd.Series(names, index=[5, 6, 7]),
            pd.Series(names, dtype="category"),
            pd.Index(names),
            np.array(names),
            np.array(names, dtype=object),
            tuple(names),
        ):
            assert check_subjects(given_as, 3).tolist() == names

    # numpy turns ["1", 1] into two strings: two people become one
    def test_of_different_kinds_stay_apart(self) -> None:
        assert check_subjects(["1", 1, 1.5], 3).tolist() == ["1", 1, 1.5]
        names, codes = unique_subjects(check_subjects(["1", 1, "1"], 3))
        assert len(names) == 2
        assert codes[0] == codes[2] != codes[1]

    @pytest.mark.parametrize(
        ("subjects", "message"),
        [
            (["ann"], "subjects has 1 entries for 3 rows; give one subject a row."),
            ("ann", "one entry for each of the 3 rows; got 'ann'. For a single subject pass"),
            (7, "one entry for each of the 3 rows; got 7."),
            ([["a"], ["b"], ["c"]], "one hashable for each of the 3 rows; an entry is ['a']."),
            (np.zeros((3, 1)), "one hashable for each of the 3 rows; an entry is array([0.])."),
            (["ann", None, "ben"], "subjects holds None or NaN; every row needs a subject."),
            ([1.0, np.nan, 2.0], "subjects holds None or NaN; every row needs a subject."),
        ],
    )
    def test_that_cannot_be(self, subjects: Any, message: str) -> None:
        with pytest.raises(InputError, match=re.escape(message)):
            check_subjects(subjects, 3)

    # missing values of other kinds are missing, too
    @pytest.mark.parametrize(
        "subjects",
        [
            pd.array(["ann", pd.NA, "ben"], dtype="string"),
            np.array(["2020-01-01", "NaT", "2020-01-02"], dtype="datetime64[D]"),
        ],
    )
    def test_missing_values_of_other_libraries(self, subjects: Any) -> None:
        with pytest.raises(InputError, match="every row needs a subject"):
            check_subjects(subjects, 3)


class TestUniqueSubjects:
    @given(st.lists(st.sampled_from(["ann", "ben", "cid"]), min_size=1, max_size=20))
    def test_names_and_codes(self, subjects: list[str]) -> None:
        for array in (np.array(subjects), np.array(subjects, dtype=object)):
            names, codes = unique_subjects(array)
            assert names.tolist() == sorted(set(subjects))
            assert names[codes].tolist() == subjects

    def test_tuples_are_sorted(self) -> None:
        names, codes = unique_subjects(check_subjects([("b", 1), ("a", 2), ("b", 1)], 3))
        assert names.tolist() == [("a", 2), ("b", 1)]
        assert codes.tolist() == [1, 0, 1]

    def test_kinds_that_do_not_compare_keep_the_order_of_appearance(self) -> None:
        subjects = np.empty(3, dtype=object)
        subjects[:] = [("a", 1), "b", ("a", 1)]
        names, codes = unique_subjects(subjects)
        assert names.tolist() == [("a", 1), "b"]
        assert codes.tolist() == [0, 1, 0]


def test_rows() -> None:
    check_rows(None, 4)
    check_rows(pd.DataFrame({"session": [1, 1]}), 2)
    with pytest.raises(InputError, match=r"rows describes 2 rows, but there are 3\."):
        check_rows(pd.DataFrame({"session": [1, 1]}), 3)
    with pytest.raises(InputError, match=r"rows_target describes 1 rows, but there are 0\."):
        check_rows([0], 0, "rows_target")


def test_information_levels_are_ordered() -> None:
    assert INFORMATION_LEVELS == ("inductive", "unlabelled", "labelled")
    assert highest_information() == "inductive"
    for i, low in enumerate(INFORMATION_LEVELS):
        for high in INFORMATION_LEVELS[i:]:
            assert highest_information(low, high) == high
            assert highest_information(high, low) == high
    with pytest.raises(ValueError, match="not in"):
        highest_information("everything", "inductive")
