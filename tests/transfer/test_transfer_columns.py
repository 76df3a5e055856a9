"""`SelectColumns`: one view of the rows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from transfer.transfer_problems import TOY

from eegtl.errors import InputError
from eegtl.evaluation.views import view_columns
from eegtl.features import FeatureTable
from eegtl.features.table import META_COLUMNS, make_columns
from eegtl.testing import check_transfer_estimator
from eegtl.testing.contract import RULES, check_state
from eegtl.transfer import (
    SelectColumns,
    SourceSummary,
    SubjectNormalizer,
    default_classifier,
    make_transfer_pipeline,
)
from eegtl.transfer.columns import column_numbers


def test_columns_come_in_the_order_asked_for() -> None:
    for columns in ([4, 0, 2], np.array([4, 0, 2]), (4, 0, 2)):
        select = SelectColumns(columns).fit(TOY.X)
        np.testing.assert_array_equal(select.transform(TOY.T), TOY.T[:, [4, 0, 2]])
        np.testing.assert_array_equal(
            select.transform_source(TOY.X, TOY.subjects), TOY.X[:, [4, 0, 2]]
        )
    mask = SelectColumns([True, False, False, True, False, True]).fit(TOY.X)
    np.testing.assert_array_equal(mask.transform(TOY.T), TOY.T[:, [0, 3, 5]])
    np.testing.assert_array_equal(SelectColumns().fit(TOY.X).transform(TOY.T), TOY.T)


def test_what_is_handed_on_is_no_view_of_the_input() -> None:
    rows = TOY.T.copy()
    for columns in ("all", [1, 2]):
        SelectColumns(columns).fit(TOY.X).transform(rows)[:] = 0
    np.testing.assert_array_equal(rows, TOY.T)


@given(
    st.lists(st.integers(0, 11), min_size=1, max_size=12, unique=True),
)
def test_numbers_and_mask_name_the_same_columns(numbers: list[int]) -> None:
    mask = np.isin(np.arange(12), numbers)
    assert column_numbers(mask, 12).tolist() == sorted(numbers)
    assert column_numbers(numbers, 12).tolist() == numbers


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ([0, 6], r"columns asks for column 6 of rows of 6 columns, which are numbered 0 to 5\."),
        ([-1], r"columns asks for column -1 of rows of 6 columns"),
        ([3, 1, 3], r"columns names column 3 2 times; name each once\."),
        ([], r"columns must be 'all' or a 1-D array .* got \[\]"),
        (np.array([], dtype=int), r"columns names no column; name at least one\."),
        ([False] * 6, r"columns names no column; name at least one\."),
        ([True] * 5, r"columns has 5 True or False for rows of 6 columns; give one for each\."),
        (slice(0, 3), r"got slice\(0, 3, None\)\. For a range write np\.arange"),
        ("de", r"columns must be 'all' or a 1-D array .* got 'de'"),
        ([0.0, 1.0], r"columns must be 'all' or a 1-D array .* got \[0\.0, 1\.0\]"),
        ([[0, 1]], r"columns must be 'all' or a 1-D array .* got \[\[0, 1\]\]"),
        (2, r"columns must be 'all' or a 1-D array .* got 2"),
    ],
)
def test_what_names_no_columns_is_refused_in_fit(columns: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        SelectColumns(columns).fit(TOY.X)
    with pytest.raises(InputError, match=message):
        SelectColumns(columns).fit_summary(SourceSummary().add(TOY.X, TOY.y))


def test_a_pipeline_reads_nothing_else() -> None:
    steps = (SubjectNormalizer("z2"), default_classifier())
    chosen = [5, 1, 3]
    one = make_transfer_pipeline(SelectColumns(chosen), *steps)
    one.fit(TOY.X, TOY.y, subjects=TOY.subjects).adapt(TOY.T)
    other = make_transfer_pipeline(*steps)
    other.fit(TOY.X[:, chosen], TOY.y, subjects=TOY.subjects).adapt(TOY.T[:, chosen])
    expected = other.decision_function(TOY.T[:, chosen])
    np.testing.assert_array_equal(one.decision_function(TOY.T), expected)
    changed = TOY.T.copy()
    changed[:, [0, 2, 4]] += 100
    np.testing.assert_array_equal(one.adapt(changed).decision_function(changed), expected)


def test_the_summary_of_the_columns_is_the_summary_behind_it() -> None:
    chosen = np.array([5, 1, 3])
    whole = SourceSummary().add(TOY.X, TOY.y, TOY.subjects)
    mapped = SelectColumns(chosen).fit_summary(whole).map_summary(whole)
    direct = SourceSummary().add(TOY.X[:, chosen], TOY.y, TOY.subjects)
    for name in ("counts", "means", "scatters"):
        np.testing.assert_allclose(getattr(mapped, name), getattr(direct, name), atol=1e-10)
    pipeline = make_transfer_pipeline(SelectColumns(chosen), default_classifier())
    pipeline.fit(TOY.X, TOY.y)
    assert type(pipeline.sources_).__name__ == "SummarySources"
    assert pipeline.sources_.n_features == 3


def test_columns_of_a_feature_of_a_table() -> None:
    columns = make_columns("de", ["Fz", "Cz"], ["alpha"]).append(
        make_columns("power", ["Fz", "Cz"], ["alpha"])
    )
    meta = pd.DataFrame({name: [0, 0] for name in META_COLUMNS})
    table = FeatureTable(np.arange(8.0).reshape(2, 4), columns, meta)
    select = SelectColumns(view_columns(table.columns, "power")).fit(table.X)
    np.testing.assert_array_equal(select.transform(table.X), table.X[:, 2:])


def test_every_rule_holds() -> None:
    check_transfer_estimator(SelectColumns())


# scikit-learn's own checks have rows of as few as one column
@pytest.mark.parametrize("columns", [[4, 0], np.array([1, 2, 3]), [True, False] * 3], ids=str)
def test_every_rule_of_transfer_holds_for_chosen_columns(columns: Any) -> None:
    for rule in RULES:
        rule(SelectColumns(columns))
    check_state(SelectColumns(columns))
