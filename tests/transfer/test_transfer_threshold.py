"""Threshold recentring: what it does to a classifier, and what it promises."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from scipy.special import softmax
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.discriminant_analysis import QuadraticDiscriminantAnalysis
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import LinearSVC
from transfer.transfer_problems import TOY, Weigher

from eegtl.errors import CalibrationError, ContractError, InputError
from eegtl.testing import check_transfer_estimator, toy_problem
from eegtl.testing.contract import RULES
from eegtl.transfer import (
    SourceSummary,
    SubjectNormalizer,
    ThresholdRecentring,
    default_classifier,
    make_transfer_pipeline,
)
from eegtl.transfer.answers import fit_sharpness
from eegtl.transfer.log_posteriors import answers_by

SVM = LinearSVC(C=0.1, dual=False)
CLASSIFIERS = {
    "log odds": (None, LogisticRegression(tol=1e-10), QuadraticDiscriminantAnalysis(reg_param=0.1)),
    "probabilities": (GaussianNB(), KNeighborsClassifier()),
    "scores": (SVM,),
}
ALL = [c for group in CLASSIFIERS.values() for c in group]
THREE = toy_problem((-1, 0, 1))


def fitted(estimator: Any = None, toy: Any = TOY, **extra: Any) -> ThresholdRecentring:
    return ThresholdRecentring(estimator, **extra).fit(toy.X, toy.y, subjects=toy.subjects)


class TestEstimator:
    @pytest.mark.parametrize("by", list(CLASSIFIERS))
    def test_how_classifiers_answer(self, by: str) -> None:
        for toy in (TOY, THREE):
            for classifier in CLASSIFIERS[by]:
                assert fitted(classifier, toy).answers_by_ == by

    def test_scores_that_are_no_log_odds_are_seen(self) -> None:
        class Doubled(LogisticRegression):
            def decision_function(self, X: Any) -> Any:
                return 2 * super().decision_function(X)

            def predict_proba(self, X: Any) -> Any:
                return softmax(super().decision_function(X), axis=1)

        model = Doubled(tol=1e-8).fit(THREE.X, THREE.y)
        assert answers_by(model, THREE.X[:5]) == "probabilities"

    @pytest.mark.parametrize("toy", [TOY, THREE], ids=["two", "three"])
    @pytest.mark.parametrize("classifier", ALL, ids=str)
    def test_before_adapt_it_is_the_plain_classifier(self, classifier: Any, toy: Any) -> None:
        model = fitted(classifier, toy)
        plain = make_transfer_pipeline(classifier or default_classifier()).fit(toy.X, toy.y)
        np.testing.assert_array_equal(model.predict(toy.T), plain.predict(toy.T))
        if hasattr(plain, "predict_proba"):
            expected = plain.predict_proba(toy.T)
            np.testing.assert_allclose(model.predict_proba(toy.T), expected, atol=1e-9)
        assert (model.offsets_ == 0).all()
        model.adapt(toy.T)
        assert np.abs(model.offsets_).max() > 0.01
        assert (model.adapt().offsets_ == 0).all()

    @pytest.mark.parametrize("toy", [TOY, THREE], ids=["two", "three"])
    @pytest.mark.parametrize("classifier", ALL, ids=str)
    def test_mean_posterior_of_the_target_is_the_mix_of_the_sources(
        self, classifier: Any, toy: Any
    ) -> None:
        model = fitted(classifier, toy).adapt(toy.T)
        shares = [np.mean(toy.y == label) for label in model.classes_]
        np.testing.assert_allclose(model.prior_, shares)
        np.testing.assert_allclose(model.predict_proba(toy.T).mean(axis=0), shares, atol=1e-10)

    @pytest.mark.parametrize("classifier", [None, SVM], ids=str)
    def test_the_order_of_rows_stays(self, classifier: Any) -> None:
        model = fitted(classifier)
        before = model.decision_function(TOY.T)
        after = model.adapt(TOY.T).decision_function(TOY.T)
        np.testing.assert_allclose(after - before, (after - before)[0], atol=1e-9)
        assert abs(after[0] - before[0]) > 0.01
        truth = TOY.y_target == "tense"
        assert roc_auc_score(truth, after) == roc_auc_score(truth, before)

    # posteriors this far out are 0 and 1 to rounding; log odds are not
    @pytest.mark.parametrize("size", [0.0, 3.0, 1e4])
    @pytest.mark.parametrize("classifier", [None, LogisticRegression(tol=1e-10), SVM], ids=str)
    def test_what_shifts_all_rows_alike_drops_out(self, classifier: Any, size: float) -> None:
        model = fitted(classifier).adapt(TOY.T)
        expected = model.decision_function(TOY.T)
        shifted = TOY.T + size * np.linspace(-1, 2, TOY.T.shape[1])
        model.adapt(shifted)
        np.testing.assert_allclose(model.decision_function(shifted), expected, atol=1e-7)

    @pytest.mark.parametrize(
        "prior",
        [
            {-1: 0.2, 0: 0.5, 1: 0.3},
            [(-1, 0.2), (0, 0.5), (1, 0.3)],
            {1: 0.3, 0: 0.5, -1: 0.2},
            [0.2, 0.5, 0.3],
        ],
        ids=["mapping", "list", "other order", "shares"],
    )
    def test_a_mix_that_is_given(self, prior: Any) -> None:
        model = fitted(None, THREE, prior=prior).adapt(THREE.T)
        mean = model.predict_proba(THREE.T).mean(axis=0)
        np.testing.assert_allclose(mean, [0.2, 0.5, 0.3], atol=1e-10)

    @pytest.mark.parametrize(
        ("prior", "message"),
        [
            ("target", r"prior must be 'sources' or the share of each class; got 'target'\."),
            (
                {"calm": 1.0},
                r"names the classes \['calm'\], but the sources have \['calm', 'tense'\]",
            ),
            ({"calm": 0.5, "tense": 0.3, "x": 0.2}, r"names the classes \['calm', 'tense', 'x'\]"),
            ([0.5, 0.3, 0.2], r"one share for each of the classes .*; got \[0\.5, 0\.3, 0\.2\]"),
            (0.5, r"got 0\.5\."),
            ({"calm": 0.0, "tense": 1.0}, r"positive shares that sum to 1; got \[0\.0, 1\.0\]"),
            ({"calm": 0.5, "tense": 0.6}, r"got \[0\.5, 0\.6\] .* which sum to 1\.1\."),
            ({"calm": np.nan, "tense": 0.6}, r"positive shares that sum to 1; got \[nan, 0\.6\]"),
        ],
    )
    def test_a_mix_that_is_none_is_refused(self, prior: Any, message: str) -> None:
        with pytest.raises(InputError, match=message):
            fitted(prior=prior)

    def test_what_it_assumes_is_readable_before_fit(self) -> None:
        assert ThresholdRecentring().assumes_ == "class mix of the sources"
        assert ThresholdRecentring(prior={"a": 0.5, "b": 0.5}).assumes_ == "class mix given"
        behind = make_transfer_pipeline(SubjectNormalizer("z0"), ThresholdRecentring())
        assert behind.assumes_ == "class mix of the sources"
        assert ThresholdRecentring().needs_ == "unlabelled"

    def test_a_classifier_without_scores_is_refused(self) -> None:
        class Bare(ClassifierMixin, BaseEstimator):
            def fit(self, X: Any, y: Any) -> Any:
                return self

            def predict(self, X: Any) -> Any:
                return X

        with pytest.raises(
            ContractError, match=r"Bare has neither predict_proba nor decision_function"
        ):
            fitted(Bare())

    def test_an_unknown_calibration_label_changes_nothing(self) -> None:
        model = fitted().adapt(TOY.T[:20])
        before = model.decision_function(TOY.T)
        with pytest.raises(CalibrationError, match="sleepy"):
            model.adapt(X_calib=TOY.T[:2], y_calib=["calm", "sleepy"])
        np.testing.assert_array_equal(model.decision_function(TOY.T), before)

    @pytest.mark.parametrize("classifier", ALL, ids=str)
    def test_with_the_target_in_fit_it_answers_the_same(self, classifier: Any) -> None:
        both = fitted(classifier).adapt(TOY.T)
        once = ThresholdRecentring(classifier).fit(TOY.X, TOY.y, X_target=TOY.T)
        np.testing.assert_array_equal(once.predict(TOY.T), both.predict(TOY.T))
        np.testing.assert_allclose(once.predict_proba(TOY.T), both.predict_proba(TOY.T), atol=1e-9)
        assert once.classes_.tolist() == both.classes_.tolist()

    def test_one_row_has_the_prior(self) -> None:
        model = fitted(None, THREE).adapt(THREE.T[:1])
        np.testing.assert_allclose(model.predict_proba(THREE.T[:1])[0], model.prior_, atol=1e-10)


class TestCalibration:
    def test_labels_refit_the_classifier(self) -> None:
        for classifier in (default_classifier(), LogisticRegression(tol=1e-10)):
            model = fitted(classifier).adapt(X_calib=TOY.T, y_calib=TOY.y_target)
            plain = make_transfer_pipeline(classifier).fit(
                np.vstack([TOY.X, TOY.T]), np.concatenate([TOY.y, TOY.y_target])
            )
            differences = model.decision_function(TOY.T) - plain.decision_function(TOY.T)
            np.testing.assert_allclose(differences, differences[0], atol=1e-8)
            assert (model.information_, model.n_target_windows_) == ("labelled", 30)
            np.testing.assert_array_equal(
                model.adapt().decision_function(TOY.T),
                fitted(classifier).decision_function(TOY.T),
            )

    def test_sharpness_is_that_of_the_refitted_classifier(self) -> None:
        model = fitted(SVM).adapt(X_calib=TOY.T, y_calib=TOY.y_target)
        d = model.estimator_.decision_function(TOY.X) / 2
        codes = np.searchsorted(model.classes_, TOY.y)
        expected = fit_sharpness(np.column_stack([-d, d]), codes)
        assert model.scale_ == pytest.approx(expected, rel=1e-6)
        assert abs(model.scale_ / model.source_scale_ - 1) > 1e-3

    def test_a_block_of_one_class_says_nothing_about_thresholds(self) -> None:
        calm = TOY.T[TOY.y_target == "calm"]
        model = fitted().adapt(X_calib=calm, y_calib=["calm"] * len(calm))
        assert (model.offsets_ == 0).all()
        rest = TOY.T[:9]
        model.adapt(rest, X_calib=calm, y_calib=["calm"] * len(calm))
        np.testing.assert_allclose(model.predict_proba(rest).mean(axis=0), model.prior_, atol=1e-10)

    def test_a_block_of_all_classes_counts_with_the_mix_of_the_prior(self) -> None:
        keep = np.flatnonzero(TOY.y_target == "calm")[:9].tolist()
        keep += np.flatnonzero(TOY.y_target == "tense")[:3].tolist()
        X, y = TOY.T[keep], TOY.y_target[keep]
        model = fitted().adapt(TOY.T[:5], X_calib=X, y_calib=y)
        p = model.predict_proba(TOY.T[:5]).sum(axis=0)
        p += 12 * model.prior_[0] * model.predict_proba(X[y == "calm"]).mean(axis=0)
        p += 12 * model.prior_[1] * model.predict_proba(X[y == "tense"]).mean(axis=0)
        np.testing.assert_allclose(p / 17, model.prior_, atol=1e-10)


class TestSources:
    def test_a_summary_gives_what_rows_give(self) -> None:
        summary = SourceSummary().add(THREE.X, THREE.y, THREE.subjects)
        a = ThresholdRecentring().fit_summary(summary).adapt(THREE.T)
        b = fitted(None, THREE).adapt(THREE.T)
        np.testing.assert_allclose(
            a.decision_function(THREE.T), b.decision_function(THREE.T), atol=1e-9
        )
        a.adapt(X_calib=THREE.T, y_calib=THREE.y_target)
        b.adapt(X_calib=THREE.T, y_calib=THREE.y_target)
        np.testing.assert_allclose(
            a.decision_function(THREE.T), b.decision_function(THREE.T), atol=1e-9
        )

    def test_no_rows_of_the_sources_are_kept_for_the_default(self) -> None:
        pipeline = make_transfer_pipeline(SubjectNormalizer("z0"), ThresholdRecentring())
        pipeline.fit(TOY.X, TOY.y, subjects=TOY.subjects)
        assert type(pipeline.sources_).__name__ == "SummarySources"
        assert type(fitted().sources_).__name__ == "SummarySources"
        assert type(fitted(SVM).sources_).__name__ == "RowSources"

    def test_a_summary_does_not_do_for_other_classifiers(self) -> None:
        summary = SourceSummary().add(TOY.X, TOY.y)
        message = re.escape("needs rows of the sources, not a summary; only LDA")
        with pytest.raises(ContractError, match=message):
            ThresholdRecentring(SVM).fit_summary(summary)

    @pytest.mark.parametrize("classifier", [None, LogisticRegression(tol=1e-10), SVM], ids=str)
    def test_weights_of_a_selector(self, classifier: Any) -> None:
        pipeline = make_transfer_pipeline(Weigher("ann"), ThresholdRecentring(classifier))
        pipeline.fit(TOY.X, TOY.y, subjects=TOY.subjects).adapt(TOY.T)
        weight = pipeline.named_steps_["weigher"].source_weights_
        kept = weight > 0
        model = ThresholdRecentring(classifier)
        model.fit(TOY.X[kept], TOY.y[kept], sample_weight=weight[kept]).adapt(TOY.T)
        expected = model.decision_function(TOY.T)
        np.testing.assert_allclose(pipeline.decision_function(TOY.T), expected, atol=1e-8)
        calm = weight[TOY.y == "calm"].sum() / weight.sum()
        assert model.prior_[0] == pytest.approx(calm)

    def test_parts_equal_the_whole_behind_labels_too(self) -> None:
        block = np.r_[0:10:2, 1]  # five of one class and one of the other
        rest = np.delete(TOY.T, block, axis=0)
        labels = {"X_calib": TOY.T[block], "y_calib": TOY.y_target[block]}
        parts = fitted().adapt(rest[:2], **labels).partial_adapt(rest[2:])
        whole = fitted().adapt(rest, **labels)
        assert np.ptp(whole.target_weight_) > 0.1
        np.testing.assert_allclose(
            parts.decision_function(TOY.T), whole.decision_function(TOY.T), atol=1e-9
        )
        assert (parts.information_, parts.n_target_windows_) == ("labelled", 30)


def shares_problem(share: float, seed: int) -> tuple[np.ndarray, ...]:
    """Sources of equal classes and a target of the same distributions, but its own class mix."""
    rng = np.random.default_rng(seed)
    y, own = np.arange(400) % 2, (rng.random(200) < share).astype(int)
    effect = np.array([0.8, 0.4, 0.0])
    X, T = (rng.standard_normal((len(c), 3)) + c[:, None] * effect for c in (y, own))
    return X, y, T, own


def accuracies(share: float, prior: Any = "sources", n_seeds: int = 20) -> np.ndarray:
    """Accuracy of the plain classifier and of the recentred one, a row a seed."""
    out = []
    for seed in range(n_seeds):
        X, y, T, own = shares_problem(share, seed)
        model = ThresholdRecentring(prior=prior).fit(X, y)
        out.append((model.score(T, own), model.adapt(T).score(T, own)))
    return np.array(out)


class TestWhenItHelps:
    def test_equal_domains_do_no_harm(self) -> None:
        plain, recentred = accuracies(0.5).T
        assert abs(plain.mean() - recentred.mean()) < 0.01

    def test_label_shift_hurts_unless_the_mix_is_given(self) -> None:
        plain, recentred = accuracies(0.9).T
        assert recentred.mean() < plain.mean() - 0.05
        known = accuracies(0.9, {0: 0.1, 1: 0.9})[:, 1]
        assert known.mean() > plain.mean() + 0.05

    def test_a_shift_of_the_threshold_is_undone(self) -> None:
        for seed in range(5):
            X, y, T, own = shares_problem(0.5, seed)
            model = ThresholdRecentring().fit(X, y)
            unshifted = model.score(T, own)
            assert model.score(T + 3, own) < 0.6 < unshifted
            assert model.adapt(T + 3).score(T + 3, own) > unshifted - 0.05


@pytest.mark.parametrize("classifier", [None, SVM, LogisticRegression(tol=1e-10)], ids=str)
def test_every_rule_holds(classifier: Any) -> None:
    check_transfer_estimator(ThresholdRecentring(classifier))


# scikit-learn's checks of sample weights fail for this classifier itself
def test_every_rule_of_transfer_holds_with_plain_probabilities() -> None:
    for rule in RULES:
        rule(ThresholdRecentring(GaussianNB()))


def test_every_rule_holds_in_a_pipeline() -> None:
    pipeline = make_transfer_pipeline(SubjectNormalizer("z0"), ThresholdRecentring())
    check_transfer_estimator(pipeline)
