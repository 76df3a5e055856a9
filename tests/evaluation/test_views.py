"""Methods that read features of their own, what others then read, and what a row assumes."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import pandas as pd
import pytest
from evaluation.study_tables import make_table

from eegtl.errors import StudyError
from eegtl.evaluation import InformationSet, Method, choose_rows, extra_features, run_study
from eegtl.evaluation.tags import read_tag, row_tag
from eegtl.evaluation.views import NOWHERE, Layout, layout_of, view_columns
from eegtl.features import FeatureTable, make_columns
from eegtl.report.table import sees
from eegtl.transfer import SourceOnly


class Reader(SourceOnly):
    """Keeps what it was handed.

    Consumes: nothing.
    Before adapt: the same.
    Memory: what it was handed.
    """

    seen: ClassVar[list[np.ndarray]] = []

    def __init__(self, layout: Any = None, estimator: Any = None) -> None:
        super().__init__(estimator)
        self.layout = layout

    def accepts_summary(self) -> bool:
        return False

    def _fit_source(self, X: Any, y: Any, subjects: Any, rows: Any) -> None:
        self.seen.append(X)
        super()._fit_source(X, y, subjects, rows)


def two_blocks() -> FeatureTable:
    """A table of de, whose columns a second feature encloses."""
    table = make_table(n_subjects=3)
    pairs = make_columns("cov", ["C0-C0", "C0-C1"], ["alpha", "beta"])
    columns = pairs[:2].append(table.columns).append(pairs[2:])
    cov = np.arange(4.0 * len(table)).reshape(len(table), 4)
    X = np.column_stack([cov[:, :2], table.X, cov[:, 2:]])
    return FeatureTable(X, columns, table.meta, info=table.info)


def method(view: tuple[str, ...], name: str = "reader") -> Method:
    step = (lambda seed, layout: Reader(layout.places)) if view else (lambda seed: Reader())
    return Method(name, name, ("none",), step, None, view=view)


@pytest.mark.parametrize(
    ("view", "features", "columns"),
    [
        (("cov",), ["de"], [0, 1, 8, 9]),
        ((), ["de"], [2, 3, 4, 5, 6, 7]),
        ((), None, list(range(10))),
        (("de", "cov"), ["de"], [2, 3, 4, 5, 6, 7, 0, 1, 8, 9]),
        (("cov", "de"), None, [0, 1, 8, 9, 2, 3, 4, 5, 6, 7]),
    ],
)
def test_a_row_reads_its_view_and_no_other_column(
    view: tuple[str, ...], features: list[str] | None, columns: list[int]
) -> None:
    table = two_blocks()
    Reader.seen.clear()
    run_study(table, methods=[method(view)], features=features, n_shuffles=0)
    others = (table.meta["subject"] != "s0").to_numpy()
    np.testing.assert_array_equal(Reader.seen[0], table.X[others][:, columns])


def test_further_features_leave_plain_rows_as_they_are() -> None:
    table, both = make_table(n_subjects=3), two_blocks()
    plain = run_study(table, methods=["kpca"], n_shuffles=2).table
    beside = run_study(both, methods=["kpca"], features=["de"], n_shuffles=2).table
    same = [name for name in plain if name != "seconds_per_fold"]
    pd.testing.assert_frame_equal(plain[same], beside[same])


def test_the_layout_of_a_view_follows_its_order() -> None:
    columns = two_blocks().columns
    layout = layout_of(columns, ["cov", "de"])
    assert layout == Layout({"cov": (0, 4), "de": (4, 10)}, 2)
    assert layout.columns("de") == [4, 5, 6, 7, 8, 9]


def test_features_that_are_not_there_are_named() -> None:
    table = make_table(n_subjects=3)
    with pytest.raises(StudyError, match=r"holds the features de, and not power.*extract"):
        run_study(table, features=["power"])
    with pytest.raises(StudyError, match=r"holds the features de, and not none"):
        run_study(table, features=[])
    with pytest.raises(StudyError, match=r"holds the features de, and not cov"):
        run_study(table, methods=[method(("cov",))])
    assert view_columns(table.columns, "de").tolist() == list(range(6))


def test_bands_of_one_view_must_agree() -> None:
    columns = make_columns("de", ["C0"], ["alpha"]).append(make_columns("cov", ["C0-C0"], ["b"]))
    with pytest.raises(StudyError, match="de: alpha; cov: b"):
        layout_of(columns, ["de", "cov"])


def test_methods_without_their_features_are_left_out_unless_asked_for(monkeypatch: Any) -> None:
    from eegtl.evaluation import selection

    known = (*selection.METHODS, method(("cov",), "needs cov"))
    monkeypatch.setattr(selection, "METHODS", known)
    granted, columns = InformationSet("transductive"), make_table(n_subjects=2).columns
    rows, notes = choose_rows(None, granted, columns=columns)
    assert "needs cov" not in [row.name for row in rows]
    assert any("lacks their features" in note and "needs cov (reads cov)" in note for note in notes)
    with pytest.raises(StudyError, match="not cov"):
        choose_rows(["needs cov"], granted, columns=columns)
    # before there is a table nothing is missing
    assert "needs cov" in [row.name for row in choose_rows(["needs cov"], granted)[0]]
    assert "cov" in extra_features(None, ["de"])
    assert extra_features(["needs cov"], ["de"]) == ("cov",)
    assert extra_features(["needs cov"], ["de", "cov"]) == ()
    assert extra_features({"mine": SourceOnly()}, ["de"]) == ()


def test_the_placeholder_has_every_feature_a_method_reads() -> None:
    from eegtl.evaluation import METHODS

    assert {name for known in METHODS for name in known.view} <= set(NOWHERE.places)


class Assuming(SourceOnly):
    """Takes a class mix for granted.

    Consumes: nothing.
    Before adapt: the same.
    Memory: none.
    """

    assumes_ = "class mix of the sources"


def test_what_a_row_assumes_stands_in_its_information() -> None:
    table = make_table(n_subjects=3)
    result = run_study(table, methods={"mine": Assuming()}, n_shuffles=0).table
    information = result.set_index("method")["information"]["mine"]
    assert information == "inductive+mix"
    assert sees(information) == "nothing of the target; class mix of the sources"


@pytest.mark.parametrize("assumes", ["", "class mix of the sources", "class mix given"])
@pytest.mark.parametrize("causal", [True, False])
@pytest.mark.parametrize("granted", ["calibration:6", "calibration:6:labelled", "inductive"])
def test_tags_are_read_as_they_were_written(assumes: str, causal: bool, granted: str) -> None:
    given = InformationSet.parse(granted)
    tag = read_tag(row_tag(given, given.level, causal, assumes))
    assert (tag.assumes, tag.acausal, tag.consumed) == (assumes, not causal, given)


def test_an_assumption_without_a_name_is_refused() -> None:
    with pytest.raises(StudyError, match=r"assumes_ is 'luck'.*class mix given"):
        row_tag(InformationSet("inductive"), "inductive", assumes="luck")
