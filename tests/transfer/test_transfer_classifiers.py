"""LDA from moments against plain loops and scikit-learn; weights for plain classifiers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from reference.lda_naive import lda_scores, mean_and_covariance, oas
from sklearn.covariance import OAS, LedoitWolf
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier

from eegtl.errors import ContractError, InputError
from eegtl.transfer import SourceOnly, SourceSummary, default_classifier
from eegtl.transfer.classifiers import (
    class_probabilities,
    fit_classifier,
    fit_lda_from_summary,
    fits_from_summary,
    oas_covariance,
)


def problem(
    n: int = 60, d: int = 5, n_classes: int = 2, rank: int | None = None, seed: int = 0
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    y = np.arange(n) ** 2 % 7 % n_classes  # unequal class sizes
    X = rng.standard_normal((n, rank or d)) @ rng.standard_normal((rank or d, d))
    X += rng.standard_normal((n_classes, d))[y]
    return X, y, X[:7] + 0.3 * rng.standard_normal((7, d))


PROBLEMS = {
    "two classes": problem(),
    "three classes": problem(n_classes=3),
    "one feature": problem(d=1),
    "three classes, one feature": problem(d=1, n_classes=3),
    "fewer rows than features": problem(n=12, d=30),
    "rank 2 of 6": problem(d=6, rank=2),
    "large offset": tuple(
        np.asarray(a) + (1e4 if a.ndim == 2 else 0) for a in problem(n_classes=3)
    ),
}


@pytest.mark.parametrize("name", PROBLEMS)
class TestFromSummary:
    def test_equals_sklearn(self, name: str) -> None:
        X, y, new = PROBLEMS[name]
        theirs = default_classifier().fit(X, y)
        summary = SourceSummary()
        for part in np.array_split(np.arange(len(X)), 4):
            summary.add(X[part], y[part], part % 3)
        ours = fit_lda_from_summary(default_classifier(), summary)
        for attribute in ("classes_", "priors_", "means_", "covariance_"):
            np.testing.assert_allclose(
                getattr(ours, attribute), getattr(theirs, attribute), rtol=1e-10, atol=1e-10
            )
        assert ours.coef_.shape == theirs.coef_.shape
        assert ours.intercept_.shape == theirs.intercept_.shape
        size = np.abs(theirs.coef_).max()
        np.testing.assert_allclose(ours.coef_, theirs.coef_, rtol=1e-8, atol=1e-9 * size)
        np.testing.assert_allclose(
            ours.decision_function(new), theirs.decision_function(new), rtol=1e-7, atol=1e-7
        )
        np.testing.assert_allclose(ours.predict_proba(new), theirs.predict_proba(new), atol=1e-8)
        assert ours.predict(new).tolist() == theirs.predict(new).tolist()
        assert {a for a in vars(theirs) if a.endswith("_")} <= set(vars(ours))

    def test_equals_the_loop(self, name: str) -> None:
        X, y, new = PROBLEMS[name]
        ours = fit_lda_from_summary(default_classifier(), SourceSummary().add(X, y))
        scores, classes = lda_scores(X, y, new)
        assert classes == ours.classes_.tolist()
        expected = scores[:, 1] - scores[:, 0] if len(classes) == 2 else scores
        np.testing.assert_allclose(ours.decision_function(new), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("shape", [(40, 5), (40, 1), (5, 30), (3, 2)])
def test_oas_equals_sklearn_and_the_loop(shape: tuple[int, int]) -> None:
    X = np.random.default_rng(1).standard_normal(shape) * np.arange(1, shape[1] + 1)
    theirs = OAS().fit(X).covariance_
    n, _, covariance = mean_and_covariance(X)
    np.testing.assert_allclose(oas_covariance(covariance, n), theirs, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(oas(covariance, n), theirs, rtol=1e-10, atol=1e-12)


def test_oas_of_rows_that_do_not_vary() -> None:
    np.testing.assert_array_equal(oas_covariance(np.zeros((3, 3)), 5), np.zeros((3, 3)))
    np.testing.assert_allclose(oas_covariance(2 * np.eye(3), 5), 2 * np.eye(3))


def test_oas_leaves_its_argument() -> None:
    covariance = np.diag([1.0, 2.0])
    oas_covariance(covariance, 3)
    np.testing.assert_array_equal(covariance, np.diag([1.0, 2.0]))


def test_weights_that_are_integers_repeat_rows() -> None:
    X, y, new = problem(n_classes=3)
    weight = np.arange(60) % 4
    repeated = np.repeat(np.arange(60), weight)
    weighted = fit_classifier(default_classifier(), X, y, weight.astype(float))
    plain = default_classifier().fit(X[repeated], y[repeated])
    np.testing.assert_allclose(
        weighted.decision_function(new), plain.decision_function(new), rtol=1e-8
    )
    scores, _ = lda_scores(X, y, new, weight)
    np.testing.assert_allclose(weighted.decision_function(new), scores, rtol=1e-6)


def test_one_class() -> None:
    message = r"the sources hold 1 class \(\['a'\]\); at least two are needed\."
    with pytest.raises(InputError, match=message):
        fit_lda_from_summary(default_classifier(), SourceSummary().add([[1.0], [2.0]], ["a", "a"]))


def test_which_classifiers_fit_from_a_summary() -> None:
    lda = LinearDiscriminantAnalysis
    assert fits_from_summary(default_classifier())
    for other in (
        LogisticRegression(),
        lda(),
        lda(solver="lsqr", shrinkage="auto"),
        lda(solver="lsqr", covariance_estimator=LedoitWolf()),
        lda(solver="lsqr", covariance_estimator=OAS(assume_centered=True)),
        lda(solver="lsqr", covariance_estimator=OAS(), priors=[0.5, 0.5]),
        lda(solver="eigen", covariance_estimator=OAS()),
    ):
        assert not fits_from_summary(other), other


def test_classifier_without_sample_weight() -> None:
    X, y, _ = problem()
    message = (
        r"KNeighborsClassifier takes no sample weights, but a selector before it gives some; use "
        r"a classifier whose fit has sample_weight, or the default classifier\."
    )
    with pytest.raises(ContractError, match=message):
        fit_classifier(KNeighborsClassifier(), X, y, np.ones(60))
    assert fit_classifier(KNeighborsClassifier(), X, y).classes_.tolist() == [0, 1]


class TestSourceOnly:
    def test_is_the_plain_classifier(self) -> None:
        X, y, new = problem(n_classes=3)
        ours = SourceOnly(LogisticRegression()).fit(X, y, subjects=np.arange(60) % 4).adapt(new)
        theirs = LogisticRegression().fit(X, y)
        np.testing.assert_array_equal(ours.predict_proba(new), theirs.predict_proba(new))
        np.testing.assert_array_equal(ours.decision_function(new), theirs.decision_function(new))
        assert (ours.information_, ours.n_target_windows_) == ("inductive", 0)
        assert ours.needs_ == "inductive"

    def test_ignores_calibration_labels(self) -> None:
        X, y, new = problem()
        ours = SourceOnly().fit(X, y)
        before = ours.decision_function(new)
        ours.adapt(new, X_calib=new, y_calib=np.zeros(7, dtype=int))
        np.testing.assert_array_equal(ours.decision_function(new), before)
        assert ours.information_ == "inductive"

    def test_from_a_summary(self) -> None:
        X, y, new = problem(n_classes=3)
        rows = SourceOnly().fit(X, y)
        blocks = SourceOnly().fit_summary(SourceSummary().add(X, y, np.arange(60) % 4))
        np.testing.assert_allclose(
            blocks.decision_function(new), rows.decision_function(new), rtol=1e-8
        )
        assert SourceOnly().accepts_summary()
        assert not SourceOnly(LogisticRegression()).accepts_summary()

    # fit_summary of another classifier returned the numbers of LDA inside it.
    def test_of_another_classifier_refuses_a_summary(self) -> None:
        X, y, _ = problem()
        with pytest.raises((ContractError, InputError), match="LogisticRegression"):
            SourceOnly(LogisticRegression()).fit_summary(SourceSummary().add(X, y))

    def test_weights_reach_the_classifier(self) -> None:
        X, y, new = problem()
        weight = (np.arange(60) % 3 > 0).astype(float)
        for estimator in (None, LogisticRegression()):
            ours = SourceOnly(estimator).fit(X, y, sample_weight=weight)
            kept = SourceOnly(estimator).fit(X[weight > 0], y[weight > 0])
            np.testing.assert_allclose(
                ours.decision_function(new), kept.decision_function(new), rtol=1e-8
            )
            again = SourceOnly(estimator).fit(X, y)  # weights of an earlier fit are gone
            assert np.abs(again.decision_function(new) - kept.decision_function(new)).max() > 1e-6

    def test_offers_what_the_classifier_offers(self) -> None:
        from sklearn.ensemble import RandomForestClassifier
        from sklearn.svm import LinearSVC

        assert not hasattr(SourceOnly(LinearSVC()), "predict_proba")
        assert hasattr(SourceOnly(LinearSVC()), "decision_function")
        assert hasattr(SourceOnly(), "predict_proba")
        # an unfitted ensemble has a length that raises: it may not be asked whether it is true
        forest: Any = SourceOnly(RandomForestClassifier(n_estimators=2))
        assert hasattr(forest, "predict_proba")


def test_shrinking_what_is_all_but_a_multiple_of_the_identity_changes_nothing() -> None:
    """There the weight is 0 / 0 to rounding, which must not come out as a large number."""
    rng = np.random.default_rng(0)
    for p in (2, 5, 19):
        for _ in range(100):
            noise = 1e-16 * rng.standard_normal((p, p))
            scale = float(np.exp(rng.normal(0, 5)))
            covariance = scale * (np.eye(p) + noise + noise.T)
            np.testing.assert_allclose(
                oas_covariance(covariance, 50.0) / scale, np.eye(p), atol=1e-9
            )


@pytest.mark.parametrize("solver", ["lsqr", "eigen", "svd"])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_class_probabilities_are_those_of_scikit_learn_bit_for_bit(n_classes, solver):
    rng = np.random.default_rng(n_classes)
    X, y = rng.standard_normal((90, 7)), np.arange(90) % n_classes
    classifier = LinearDiscriminantAnalysis(solver=solver).fit(X + y[:, None], y)
    for rows in (X[:1], X, 1e4 * X):
        ours, theirs = class_probabilities(classifier, rows), classifier.predict_proba(rows)
        assert ours.tobytes() == np.ascontiguousarray(theirs).tobytes()
        assert ours.shape == theirs.shape
        assert ours.flags.c_contiguous


@pytest.mark.parametrize("rows", [np.full((1, 7), np.nan), np.zeros((1, 6))])
def test_rows_that_scikit_learn_refuses_are_refused(rows):
    X, y = np.random.default_rng(0).standard_normal((20, 7)), np.arange(20) % 2
    classifier = LinearDiscriminantAnalysis().fit(X, y)
    with pytest.raises(ValueError, match=r"NaN|features"):
        class_probabilities(classifier, rows)


def test_other_classifiers_are_asked_themselves():
    class Half(LinearDiscriminantAnalysis):
        def predict_proba(self, X):
            return np.full((len(X), 2), 0.5)

    X, y = np.random.default_rng(0).standard_normal((20, 7)), np.arange(20) % 2
    assert class_probabilities(Half().fit(X, y), X).tolist() == [[0.5, 0.5]] * 20
