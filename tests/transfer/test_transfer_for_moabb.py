"""Our methods as MOABB's cross-subject evaluation calls them, by scikit-learn's own routing.

What MOABB 1.7 does for each fold (`moabb/evaluations/base.py`) is in `moabb_fit`: it offers all it
has, keeps what the pipeline asks for, and fits with routing switched on.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
import sklearn
from pyriemann.estimation import Covariances
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import LinearSVC
from sklearn.utils.estimator_checks import check_estimator
from sklearn.utils.metadata_routing import get_routing_for_object
from transfer.transfer_problems import HALF, TOY, NeedsLabels

from eegtl.errors import TransferWarning
from eegtl.features.covariance import half_vectors
from eegtl.transfer import (
    Recenter,
    SourceOnly,
    SubjectNormalizer,
    default_classifier,
    make_transfer_pipeline,
)
from eegtl.transfer.interop import ForMoabb

TRANSFORM = ["X_target_unlabeled", "X_target_labeled"]
CALIBRATION = {"X_target_labeled": TOY.T[:HALF], "y_target_labeled": TOY.y_target[:HALF]}
REST = {"X_target_unlabeled": TOY.T[HALF:]}


def z2() -> Any:
    return make_transfer_pipeline(SubjectNormalizer("z2"), default_classifier())


def moabb_fit(pipeline: Any, **offered: Any) -> Any:
    """Fit as MOABB does."""
    offered["subjects"] = TOY.subjects
    with sklearn.config_context(enable_metadata_routing=True):
        asked = get_routing_for_object(pipeline).consumes("fit", set(offered))
        given = {name: value for name, value in offered.items() if name in asked}
        return clone(pipeline).fit(TOY.X, TOY.y, **given)


def expected(**adapt: Any) -> np.ndarray:
    return z2().fit(TOY.X, TOY.y, subjects=TOY.subjects).adapt(**adapt).predict_proba(TOY.T)


@pytest.mark.parametrize(
    ("offered", "adapt"),
    [
        (REST, {"X_target": TOY.T[HALF:]}),
        (CALIBRATION, {"X_calib": TOY.T[:HALF], "y_calib": TOY.y_target[:HALF]}),
        (
            REST | CALIBRATION,
            {"X_target": TOY.T[HALF:], "X_calib": TOY.T[:HALF], "y_calib": TOY.y_target[:HALF]},
        ),
    ],
    ids=["unlabelled", "labelled", "both"],
)
@pytest.mark.parametrize("inside", [False, True], ids=["alone", "in a pipeline"])
def test_what_is_routed_reaches_fit_and_adapt(offered: Any, adapt: Any, inside: bool) -> None:
    method: Any = ForMoabb(z2())
    if inside:
        method = make_pipeline(FunctionTransformer(), method)
    model = moabb_fit(method, **offered)
    np.testing.assert_allclose(model.predict_proba(TOY.T), expected(**adapt), atol=1e-12)


def test_earlier_steps_map_the_rows_of_the_held_out_person() -> None:
    scaler = StandardScaler().fit(TOY.X)
    pipeline = make_pipeline(
        StandardScaler(),
        ForMoabb(make_transfer_pipeline(default_classifier())),
        transform_input=TRANSFORM,
    )
    model = moabb_fit(pipeline, **CALIBRATION)
    plain = make_transfer_pipeline(default_classifier()).fit(scaler.transform(TOY.X), TOY.y)
    plain.adapt(X_calib=scaler.transform(TOY.T[:HALF]), y_calib=TOY.y_target[:HALF])
    np.testing.assert_allclose(
        model.predict_proba(TOY.T), plain.predict_proba(scaler.transform(TOY.T)), atol=1e-9
    )


def test_signals_become_covariance_rows_on_the_way() -> None:
    rng = np.random.default_rng(0)
    X, y, people = rng.standard_normal((60, 4, 100)), np.arange(60) % 2, np.arange(60) // 20
    X[y == 1, 0] *= 3
    X[people == 2] *= 10
    known, own = people < 2, people == 2
    pipeline = make_pipeline(
        Covariances("oas"),
        FunctionTransformer(half_vectors),
        ForMoabb(make_transfer_pipeline(Recenter(), default_classifier())),
        transform_input=TRANSFORM,
    )
    with sklearn.config_context(enable_metadata_routing=True):
        pipeline.fit(X[known], y[known], subjects=people[known], X_target_unlabeled=X[own])
    assert pipeline.score(X[own], y[own]) > 0.95
    assert pipeline[-1].estimator_.n_target_windows_ == 20


def test_a_method_gets_no_more_than_it_can_use() -> None:
    """Plain pipelines ask for nothing, and the classifier's own fit takes no such words."""
    model = moabb_fit(make_pipeline(StandardScaler(), LogisticRegression()), **REST)
    assert model.score(TOY.X, TOY.y) > 0.5


@pytest.mark.parametrize(
    ("method", "offered", "message"),
    [
        (z2(), {}, r"TransferPipeline needs unlabelled rows .* the protocol grants inductive ones"),
        (NeedsLabels(), REST, r"NeedsLabels needs labelled rows .* grants unlabelled ones"),
    ],
    ids=["nothing", "no labels"],
)
def test_less_than_a_method_needs_leaves_it_before_adapt(
    method: Any, offered: Any, message: str
) -> None:
    with pytest.warns(TransferWarning, match=message):
        model = moabb_fit(ForMoabb(method), **offered)
    before = clone(method).fit(TOY.X, TOY.y, subjects=TOY.subjects)
    np.testing.assert_array_equal(model.predict_proba(TOY.T), before.predict_proba(TOY.T))
    assert model.estimator_.information_ == "inductive"


def test_a_method_that_needs_nothing_is_silent_without() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        moabb_fit(ForMoabb(SourceOnly()))


def test_answers_are_those_of_the_method() -> None:
    assert hasattr(ForMoabb(z2()), "decision_function")
    svm = ForMoabb(make_transfer_pipeline(SubjectNormalizer(), LinearSVC()))
    assert not hasattr(svm, "predict_proba")
    model = moabb_fit(svm, **REST)
    assert not hasattr(model, "predict_proba")
    assert model.decision_function(TOY.T).shape == (len(TOY.T),)


def test_grid_search_routes_through() -> None:
    search = GridSearchCV(
        ForMoabb(z2()), {"estimator__subjectnormalizer__mode": ["z2", "z3"]}, cv=2
    )
    model = moabb_fit(search, **REST)
    assert set(model.cv_results_["params"][0]) == {"estimator__subjectnormalizer__mode"}
    assert model.best_estimator_.estimator_.information_ == "unlabelled"


def test_works_without_routing() -> None:
    model = ForMoabb(z2()).fit(TOY.X, TOY.y, TOY.subjects, TOY.T)
    np.testing.assert_allclose(model.predict_proba(TOY.T), expected(X_target=TOY.T), atol=1e-12)
    assert not sklearn.get_config()["enable_metadata_routing"]


@pytest.mark.filterwarnings("ignore::eegtl.errors.TransferWarning")
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning")
def test_scikit_learn_s_checks() -> None:
    check_estimator(ForMoabb(z2()), on_skip=None)
