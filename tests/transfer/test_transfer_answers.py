"""How transfer classifiers answer: scores, probabilities, and the factor between them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference.squared_hinge_naive import sharpness_by_grid
from scipy.special import log_softmax
from sklearn.calibration import CalibratedClassifierCV
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.svm import LinearSVC

from eegtl.errors import ContractError, InputError
from eegtl.transfer import SourceOnly
from eegtl.transfer.answers import (
    DelegatingClassifier,
    ScoringClassifier,
    WeightedScoringClassifier,
    fit_sharpness,
)


def noisy_scores(n: int, n_classes: int, *, seed: int = 0, size: float = 2.0) -> Any:
    """Scores whose best factor is near 1 / size, since labels are drawn from their softmax."""
    rng = np.random.default_rng(seed)
    scores = 1.5 * rng.standard_normal((n, n_classes)) + rng.standard_normal(n_classes)
    shares = np.exp(log_softmax(scores, axis=1)).cumsum(axis=1)
    codes = np.minimum((rng.random((n, 1)) > shares).sum(axis=1), n_classes - 1)
    return size * scores, codes


def slope(scores: np.ndarray, codes: np.ndarray, s: float) -> float:
    """Derivative of the likelihood of Platt's targets, by central differences of its terms."""

    def value(at: float) -> float:
        counts = np.bincount(codes, minlength=scores.shape[1])
        terms = []
        for row, code in zip(log_softmax(at * scores, axis=1), codes, strict=True):
            sure = np.full(len(row), 1 / (counts[code] + len(row)))
            sure[code] = (counts[code] + 1) / (counts[code] + len(row))
            terms += (sure * row).tolist()
        return math.fsum(terms)

    step = 1e-5 * s
    return (value(s + step) - value(s - step)) / (2 * step)


class TestSharpness:
    @pytest.mark.parametrize("n_classes", [2, 3, 5])
    def test_equals_a_grid_search(self, n_classes: int) -> None:
        scores, codes = noisy_scores(150, n_classes)
        found = fit_sharpness(scores, codes)
        grid = found * np.linspace(0.5, 1.5, 401)
        assert sharpness_by_grid(scores.tolist(), codes.tolist(), grid) == pytest.approx(
            found, rel=1e-12
        )

    @pytest.mark.parametrize("n_classes", [2, 3, 5])
    def test_is_a_maximum_of_a_concave_likelihood(self, n_classes: int) -> None:
        scores, codes = noisy_scores(80, n_classes, seed=1)
        found = fit_sharpness(scores, codes)
        slopes = [slope(scores, codes, found * factor) for factor in (0.1, 0.5, 0.9, 1, 2, 10)]
        assert np.all(np.diff(slopes) < 0)
        assert abs(slopes[3]) < 1e-6 * abs(slopes[0])

    def test_two_classes_are_a_logistic_regression_on_the_difference(self) -> None:
        """Each row twice, once with each label, weighted by how sure it is."""
        scores, codes = noisy_scores(100, 2)
        counts = np.bincount(codes)[codes]
        sure = (counts + 1) / (counts + 2)
        difference = np.tile(scores[:, 1] - scores[:, 0], 2)[:, None]
        labels, weight = np.concatenate([codes, 1 - codes]), np.concatenate([sure, 1 - sure])
        peer = LogisticRegression(C=np.inf, fit_intercept=False, tol=1e-12, max_iter=1000)
        peer.fit(difference, labels, sample_weight=weight)
        assert fit_sharpness(scores, codes) == pytest.approx(peer.coef_.item(), rel=1e-6)

    def test_many_rows_are_scikit_learns_temperature(self) -> None:
        """There labels are wholly sure, which Platt's are with many rows."""
        rng = np.random.default_rng(0)
        codes = np.arange(6000) % 3
        X = rng.standard_normal((3, 4))[codes] + rng.standard_normal((6000, 4))
        machine = LinearSVC(dual=False).fit(X[:300], codes[:300])
        peer = CalibratedClassifierCV(
            FrozenEstimator(machine), method="temperature", ensemble=False
        )
        peer.fit(X, codes)
        scores = machine.decision_function(X)
        ours = log_softmax(fit_sharpness(scores, codes) * scores, axis=1)
        np.testing.assert_allclose(np.exp(ours), peer.predict_proba(X), atol=2e-3)

    def test_labels_drawn_from_the_softmax_give_its_factor(self) -> None:
        scores, codes = noisy_scores(20_000, 3, size=2.0)
        assert fit_sharpness(scores, codes) == pytest.approx(0.5, rel=0.05)

    @settings(max_examples=30, deadline=None)
    @given(seed=st.integers(0, 2**16), exponent=st.integers(-9, 9), shift=st.floats(-5, 5))
    def test_scale_shift_and_order_of_the_scores(
        self, seed: int, exponent: int, shift: float
    ) -> None:
        scores, codes = noisy_scores(40, 3, seed=seed)
        found = fit_sharpness(scores, codes)
        scaled = fit_sharpness(10.0**exponent * scores, codes)
        assert 10.0**exponent * scaled == pytest.approx(found, rel=1e-9)
        rows = np.random.default_rng(seed).standard_normal((40, 1))
        assert fit_sharpness(scores + shift * rows, codes) == pytest.approx(found, rel=1e-9)
        order = np.random.default_rng(seed).permutation(40)
        assert fit_sharpness(scores[order], codes[order]) == pytest.approx(found, rel=1e-12)

    def test_a_weight_is_how_often_a_row_counts(self) -> None:
        scores, codes = noisy_scores(60, 3)
        times = np.arange(60) % 4
        rows = np.repeat(np.arange(60), times)
        weighted = fit_sharpness(scores, codes, times.astype(float))
        assert weighted == pytest.approx(fit_sharpness(scores[rows], codes[rows]), rel=1e-12)

    @pytest.mark.parametrize("n", [2, 10, 1000])
    def test_separable_rows_stay_unsure(self, n: int) -> None:
        """One distance from the boundary: the rows are as sure as Platt's (m + 1) / (m + 2)."""
        codes = np.arange(n) % 2
        scores = np.where(codes[:, None] == [0, 1], 1.0, -1.0)
        s = fit_sharpness(scores, codes)
        assert 1 / (1 + np.exp(-2 * s)) == pytest.approx((n / 2 + 1) / (n / 2 + 2), rel=1e-10)

    def test_scores_that_are_equal(self) -> None:
        codes = np.array([0, 1, 2, 0])
        assert fit_sharpness(np.full((4, 3), 7.0), codes) == 1.0
        assert fit_sharpness(np.zeros((4, 3)), codes) == 1.0
        but_for_rounding = np.tile([0.3, 0.1 + 0.2, 0.1 * 3], (4, 1))
        assert np.ptp(but_for_rounding) > 0
        assert fit_sharpness(but_for_rounding, codes) == 1.0

    def test_bounds(self) -> None:
        codes = np.array([0, 1, 0, 1])
        away = np.where(codes[:, None] == [0, 1], -1.0, 1.0)
        assert fit_sharpness(away, codes) == pytest.approx(1e-3)
        # all rows right but one far off in the other classes' favour, and many sure ones
        towards = 1e-6 * np.where(np.arange(10**4)[:, None] % 2 == [0, 1], 1.0, -1.0)
        towards[0] = [1.0, -1.0]
        assert fit_sharpness(towards, np.arange(10**4) % 2) * 1e-2 == pytest.approx(1e3, rel=0.01)

    def test_one_class(self) -> None:
        scores = np.array([[1.0, 0.0], [2.0, 0.0]])
        assert 0 < fit_sharpness(scores, np.array([0, 0])) < 1e3


class Fixed(ScoringClassifier):
    """Scores that are the features."""

    needs_ = "inductive"
    by_subject = False

    def _fit_source(self, X: Any, y: Any, subjects: Any, rows: Any) -> None:
        self.classes_ = self._check_classes(y)
        self.sharpness_ = 0.5

    def _class_scores(self, X: Any) -> Any:
        return X


class Weighted(WeightedScoringClassifier):
    """Keeps the weights that it was given."""

    needs_ = "inductive"
    by_subject = False

    def _fit_source(self, X: Any, y: Any, subjects: Any, rows: Any) -> None:
        self.classes_ = self._check_classes(y)
        self.given_ = self._weight


class TestScoringClassifier:
    def test_answers(self) -> None:
        X = np.array([[0.0, 1.0, 3.0], [2.0, -1.0, 0.0], [1.0, 1.0, 1.0]])
        fitted = Fixed().fit(X, ["b", "a", "c"])
        assert fitted.predict(X).tolist() == ["c", "a", "a"]
        np.testing.assert_array_equal(fitted.decision_function(X), X)
        expected = np.exp(X / 2) / np.exp(X / 2).sum(axis=1, keepdims=True)
        np.testing.assert_allclose(fitted.predict_proba(X), expected)

    def test_two_classes_have_one_decision_value(self) -> None:
        X = np.array([[0.0, 1.0], [2.0, -1.0]])
        fitted = Fixed().fit(X, [0, 1])
        assert fitted.decision_function(X).tolist() == [1.0, -3.0]
        assert fitted.predict(X).tolist() == [1, 0]
        np.testing.assert_allclose(
            fitted.predict_proba(X)[:, 1], 1 / (1 + np.exp(-0.5 * np.array([1.0, -3.0])))
        )

    def test_large_scores_give_no_overflow(self) -> None:
        X = np.array([[1e300, 0.0], [0.0, 1e300]])
        np.testing.assert_array_equal(Fixed().fit(X, [0, 1]).predict_proba(X), np.eye(2))

    def test_without_scores_of_its_own(self) -> None:
        class Nothing(Fixed):
            _class_scores = ScoringClassifier._class_scores

        X = np.eye(2)
        with pytest.raises(ContractError, match="Nothing does not define _class_scores"):
            Nothing().fit(X, [0, 1]).predict(X)

    def test_weights_are_handed_on_and_forgotten(self) -> None:
        X, y = np.eye(3), [0, 1, 1]
        fitted = Weighted().fit(X, y, sample_weight=[1, 0, 2.5])
        assert fitted.given_.tolist() == [1.0, 0.0, 2.5]
        assert not hasattr(fitted, "_weight")
        assert fitted.fit(X, y).given_ is None
        assert fitted.fit(X, y, X_target=X).information_ == "inductive"

    def test_weights_that_cannot_be_used(self) -> None:
        X, y = np.eye(3), [0, 1, 1]
        with pytest.raises(InputError, match=r"3 finite non-negative numbers; got shape \(2,\)"):
            Weighted().fit(X, y, sample_weight=[1, 1])
        with pytest.raises(InputError, match="all sample weights are zero"):
            Weighted().fit(X, y, sample_weight=[0, 0, 0])
        estimator = Weighted()
        with pytest.raises(InputError, match="one class only"):
            estimator.fit(X, [1, 1, 1], sample_weight=[1, 2, 3])
        assert not hasattr(estimator, "_weight")


class TestDelegatingClassifier:
    def test_has_what_its_classifier_has(self) -> None:
        assert not hasattr(SourceOnly(LinearSVC()), "predict_proba")
        assert hasattr(SourceOnly(LinearSVC()), "decision_function")
        assert hasattr(SourceOnly(GaussianNB()), "predict_proba")
        assert not hasattr(SourceOnly(GaussianNB()), "decision_function")

    def test_hands_on(self) -> None:
        rng = np.random.default_rng(0)
        X, y = rng.standard_normal((30, 3)), np.arange(30) % 2
        ours, plain = SourceOnly(GaussianNB()).fit(X, y), GaussianNB().fit(X, y)
        np.testing.assert_array_equal(ours.predict(X), plain.predict(X))
        np.testing.assert_array_equal(ours.predict_proba(X), plain.predict_proba(X))

    def test_without_a_classifier(self) -> None:
        class Nothing(DelegatingClassifier):
            def _fit_source(self, X: Any, y: Any, subjects: Any, rows: Any) -> None:
                self.classes_ = self._check_classes(y)

        with pytest.raises(ContractError, match="Nothing does not define _delegate"):
            Nothing().fit(np.eye(2), [0, 1]).predict(np.eye(2))
