"""What a method must say when it cannot do what its name promises, and slips of its user."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pandas as pd
import pytest
from transfer.transfer_problems import Centred, domains

from eegtl.errors import ContractError, InputError, TransferWarning
from eegtl.testing import check_transfer_estimator, toy_problem
from eegtl.transfer import (
    TCA,
    AdaptiveSVM,
    ConditionalTransfer,
    StyleTransfer,
    SubjectNormalizer,
    Target,
    default_classifier,
    make_transfer_pipeline,
)


def test_linear_tca_that_leaves_nothing_out_says_so() -> None:
    X, T = domains(60, 30, 8)
    with pytest.warns(TransferWarning, match="keeps all 8 directions in which the rows vary"):
        all_kept = TCA(30, kernel="linear", mu=1e-4).fit(X).adapt(T)
    some_kept = TCA(5, kernel="linear", mu=1e-4).fit(X).adapt(T)  # no warning: errors in tests
    assert some_kept.gap_ < 0.01 * all_kept.gap_


def test_an_empty_target_is_a_slip() -> None:
    toy = toy_problem()
    pipeline = make_transfer_pipeline(SubjectNormalizer("z2"), default_classifier())
    pipeline.fit(toy.X, toy.y, subjects=toy.subjects)
    message = "X_target holds no rows; select rows of the wearer, or call adapt() with nothing"
    with pytest.raises(InputError, match=re.escape(message)):
        pipeline.adapt(toy.T[:0])


def test_partial_adapt_after_labels_is_refused() -> None:
    toy = toy_problem()
    pipeline = make_transfer_pipeline(SubjectNormalizer("z2"), default_classifier())
    pipeline.fit(toy.X, toy.y, subjects=toy.subjects)
    pipeline.adapt(X_calib=toy.T[:8], y_calib=toy.y_target[:8])
    with pytest.raises(ContractError, match="fitted on 8 calibration rows"):
        pipeline.partial_adapt(toy.T[8:])
    pipeline.adapt(toy.T[:8]).partial_adapt(toy.T[8:])
    whole = pipeline.predict_proba(toy.T)
    np.testing.assert_allclose(whole, pipeline.adapt(toy.T).predict_proba(toy.T), atol=1e-10)


def test_transform_source_wants_the_subjects_where_they_matter() -> None:
    X = np.arange(8.0).reshape(4, 2)
    z2 = SubjectNormalizer("z2").fit(X, subjects=[0, 0, 1, 1])
    with pytest.raises(InputError, match="z2 maps each of the 2 source subjects by itself"):
        z2.transform_source(X)
    z0 = SubjectNormalizer("z0").fit(X, subjects=[0, 0, 1, 1])
    assert z0.transform_source(X).shape == X.shape
    one = SubjectNormalizer("z2").fit(X, subjects=["ann"] * 4)
    np.testing.assert_array_equal(one.transform_source(X), one.transform_source(X, ["ann"] * 4))


class MovesInSecret(Centred):
    __doc__ = Centred.__doc__

    def _transform_source(self, X: Any, subjects: Any) -> Any:
        return X - self.mean_


class SaysLabelled(MovesInSecret):
    __doc__ = MovesInSecret.__doc__
    moves_source = True

    def _adapt_target(self, target: Target) -> str:
        super()._adapt_target(target)
        return "labelled"


class SaysNothing(MovesInSecret):
    __doc__ = MovesInSecret.__doc__

    def _adapt_target(self, target: Target) -> str:  # a forgotten return
        super()._adapt_target(target)
        return None  # type: ignore[return-value]


def test_the_battery_finds_a_source_side_that_moves_in_secret() -> None:
    with pytest.raises(AssertionError, match="adapt changes transform_source; set moves_source"):
        check_transfer_estimator(MovesInSecret())


def test_the_battery_finds_labels_claimed_but_not_given() -> None:
    with pytest.raises(AssertionError, match="'labelled' after an adapt without labels"):
        check_transfer_estimator(SaysLabelled())


def test_adapt_target_must_say_what_it_consumed() -> None:
    toy = toy_problem()
    message = "SaysNothing._adapt_target returned None; it must return what it consumed"
    with pytest.raises(ContractError, match=re.escape(message)):
        SaysNothing().fit(toy.X, toy.y).adapt(toy.T)


@pytest.mark.parametrize(
    "method",
    [AdaptiveSVM(), StyleTransfer(variant="supervised"), ConditionalTransfer(variant="labelled")],
    ids=lambda method: type(method).__name__,
)
def test_rows_that_are_not_read_are_not_counted(method: Any) -> None:
    """What reads the labelled rows alone says so, whatever else it is handed."""
    rng = np.random.default_rng(0)
    y, who = np.tile([0, 1], 45), np.repeat([1, 2, 3], 30)
    X = rng.standard_normal((90, 4)) + 2 * y[:, None]
    trials = pd.DataFrame({"trial": np.arange(90)})
    method.fit(X, y, subjects=who, rows=trials)
    own = {"X_calib": X[:8], "y_calib": y[:8], "rows_calib": trials[:8]}
    proba = method.adapt(**own).predict_proba(X)
    method.adapt(X[40:80] + 5, **own)
    np.testing.assert_array_equal(method.predict_proba(X), proba)
    assert method.n_target_windows_ == 8
