"""Every transfer estimator on problems that real recordings bring: defined results or clear errors.

A result is defined when it is finite, has one row for each row asked about and, for classifiers,
names classes of the sources. An error is clear when it is one of eegtl's own; its words are tested
beside each method.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from contract.transfer_estimators import ESTIMATORS
from sklearn.base import clone

from eegtl.errors import CalibrationError, EegtlError, InputError, TransferWarning
from eegtl.testing import toy_problem
from eegtl.testing.contract import Toy

FEATURES = {
    name: estimator
    for name, estimator in ESTIMATORS.items()
    if getattr(estimator, "row_kind", "features") == "features"
}


def few_rows(toy: Toy) -> Toy:
    """Fewer source rows than features, and than components."""
    keep = np.concatenate([np.flatnonzero(toy.subjects == who)[:2] for who in ("ann", "ben")])
    keep[1] = np.flatnonzero((toy.subjects == "ann") & (toy.y != toy.y[keep[0]]))[0]
    keep[3] = np.flatnonzero((toy.subjects == "ben") & (toy.y != toy.y[keep[2]]))[0]
    return replace(toy, X=toy.X[keep], y=toy.y[keep], subjects=toy.subjects[keep])


def rank_deficient(toy: Toy) -> Toy:
    """Six features of rank two, as after an average reference and ICA."""
    mix = np.random.default_rng(5).standard_normal((2, 6))
    return replace(toy, X=toy.X[:, :2] @ mix, T=toy.T[:, :2] @ mix)


def one_class_subject(toy: Toy) -> Toy:
    """A person of whom only one class was recorded."""
    keep = (toy.subjects != "ann") | (toy.y == "calm")
    return replace(toy, X=toy.X[keep], y=toy.y[keep], subjects=toy.subjects[keep])


def one_row_subject(toy: Toy) -> Toy:
    """A person with a single row."""
    keep = toy.subjects != "ann"
    keep[np.flatnonzero(~keep)[0]] = True
    return replace(toy, X=toy.X[keep], y=toy.y[keep], subjects=toy.subjects[keep])


def constant_feature(toy: Toy) -> Toy:
    """A dead electrode, for everybody."""
    X, T = toy.X.copy(), toy.T.copy()
    X[:, 2] = T[:, 2] = 4.0
    return replace(toy, X=X, T=T)


def dead_in_target(toy: Toy) -> Toy:
    """A dead electrode of the wearer alone."""
    T = toy.T.copy()
    T[:, 2] = 4.0
    return replace(toy, T=T)


def equal_target_rows(toy: Toy) -> Toy:
    """A wearer whose rows are all the same."""
    return replace(toy, T=np.repeat(toy.T[:1], len(toy.T), axis=0))


def far_target(toy: Toy) -> Toy:
    """A wearer far outside what the sources are like."""
    return replace(toy, T=toy.T * 1e3 + 1e4)


def small_units(toy: Toy) -> Toy:
    """Features in volts squared."""
    return replace(toy, X=toy.X * 1e-10, T=toy.T * 1e-10)


def all_constant(toy: Toy) -> Toy:
    """Nothing varies at all."""
    return replace(toy, X=np.ones_like(toy.X), T=np.ones_like(toy.T))


PROBLEMS: list[Callable[[Toy], Toy]] = [
    few_rows,
    rank_deficient,
    one_class_subject,
    one_row_subject,
    constant_feature,
    dead_in_target,
    equal_target_rows,
    far_target,
    small_units,
    all_constant,
]


def refusal(call: Callable[[], Any]) -> str | None:
    """Give the words with which eegtl refuses a call; None when it does not."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", TransferWarning)
        try:
            call()
        except EegtlError as error:
            return str(error)
    return None


def run(estimator: Any, toy: Toy) -> None:
    """Fit, adapt with all that the method needs, and look at what comes out."""
    fitted = clone(estimator).fit(toy.X, toy.y, subjects=toy.subjects)
    check_defined(fitted, toy)
    half = len(toy.T) // 2
    if estimator.needs_ == "labelled":
        fitted.adapt(toy.T[half:], X_calib=toy.T[:half], y_calib=toy.y_target[:half])
    else:
        fitted.adapt(toy.T)
    check_defined(fitted, toy)


def check_defined(fitted: Any, toy: Toy) -> None:
    for method in ("decision_function", "predict_proba", "transform"):
        if hasattr(fitted, method):
            values = np.asarray(getattr(fitted, method)(toy.T))
            assert len(values) == len(toy.T)
            assert np.isfinite(values).all(), f"{method} gives numbers that are not finite"
            if method == "predict_proba":
                np.testing.assert_allclose(values.sum(axis=1), 1.0, atol=1e-9)
    if hasattr(fitted, "predict"):
        assert set(fitted.predict(toy.T).tolist()) <= set(toy.y.tolist())


@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda p: p.__name__)
@pytest.mark.parametrize("name", list(FEATURES))
def test_a_degenerate_problem_has_a_defined_result_or_a_clear_error(
    name: str, problem: Callable[[Toy], Toy]
) -> None:
    words = refusal(lambda: run(FEATURES[name], problem(toy_problem())))
    if words is not None:
        # only what leaves nothing to work with may be refused
        assert problem in (all_constant, few_rows, equal_target_rows), words
        assert words.endswith("."), "an error is a sentence"


@pytest.mark.parametrize("name", list(FEATURES))
def test_a_target_of_other_features_is_refused_with_both_numbers(name: str) -> None:
    toy = toy_problem()
    fitted = clone(FEATURES[name])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", TransferWarning)
        fitted.fit(toy.X, toy.y, subjects=toy.subjects)
    with pytest.raises(InputError, match=r"(?s)\b3\b.*\b6\b"):
        fitted.adapt(toy.T[:, :3])


@pytest.mark.parametrize(
    "name", [n for n, estimator in FEATURES.items() if estimator.needs_ == "labelled"]
)
def test_what_cannot_work_without_labels_says_so(name: str) -> None:
    toy = toy_problem()
    fitted = clone(FEATURES[name]).fit(toy.X, toy.y, subjects=toy.subjects)
    with pytest.raises(CalibrationError, match=re.escape(f"got {len(toy.T)} unlabelled rows")):
        fitted.adapt(toy.T)


@pytest.mark.parametrize("name", list(FEATURES))
def test_a_calibration_block_of_one_class_is_used_or_refused(name: str) -> None:
    toy = toy_problem()
    own = toy.y_target == "calm"
    fitted = clone(FEATURES[name])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", TransferWarning)
        fitted.fit(toy.X, toy.y, subjects=toy.subjects)
    words = refusal(
        lambda: fitted.adapt(toy.T[~own], X_calib=toy.T[own], y_calib=toy.y_target[own])
    )
    assert words is None or "calm" in words
    check_defined(fitted, toy)
