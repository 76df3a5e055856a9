"""The Riemannian selector in front of other steps, and what it is good for."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score
from transfer.riemannian_problems import COV, WHO, T, X, Y

from eegtl.testing import toy_problem
from eegtl.transfer import (
    TCA,
    SourceOnly,
    SubjectNormalizer,
    default_classifier,
    make_transfer_pipeline,
)
from eegtl.transfer.recenter import Recenter
from eegtl.transfer.riemannian_selector import RiemannianSelector


@pytest.mark.parametrize(
    "classifier", [default_classifier(), LogisticRegression(), SourceOnly()], ids=str
)
class TestPipeline:
    def test_weight_0_is_a_person_that_is_absent(self, classifier: Any) -> None:
        pipeline = make_transfer_pipeline(
            RiemannianSelector(n_sources=2), SubjectNormalizer("z2"), classifier
        ).fit(X, Y, subjects=WHO, X_target=T)
        weights = pipeline.named_steps_["riemannianselector"].source_weights_
        used = weights > 0
        assert used.sum() == 80
        without = make_transfer_pipeline(SubjectNormalizer("z2"), classifier)
        without.fit(X[used], Y[used], subjects=WHO[used], X_target=T)
        np.testing.assert_allclose(
            pipeline.decision_function(T), without.decision_function(T), atol=1e-8
        )

    def test_soft_weights_reach_the_classifier(self, classifier: Any) -> None:
        pipeline = make_transfer_pipeline(RiemannianSelector(), classifier)
        pipeline.fit(X, Y, subjects=WHO, X_target=T)
        weights = pipeline.named_steps_["riemannianselector"].source_weights_
        inner = SourceOnly(getattr(classifier, "estimator", classifier))
        inner.fit(X, Y, sample_weight=weights)
        np.testing.assert_allclose(
            pipeline.decision_function(T), inner.decision_function(T), atol=1e-8
        )
        plain = make_transfer_pipeline(classifier).fit(X, Y, subjects=WHO)
        assert np.abs(pipeline.decision_function(T) - plain.decision_function(T)).max() > 1e-4


class TestChains:
    @pytest.mark.parametrize("kernel", ["linear", "rbf"])
    def test_in_front_of_tca(self, kernel: str) -> None:
        pipeline = make_transfer_pipeline(
            RiemannianSelector(n_sources=2),
            SubjectNormalizer("z0"),
            TCA(3, kernel=kernel),
            default_classifier(),
        ).fit(X, Y, subjects=WHO, X_target=T)
        used = pipeline.named_steps_["riemannianselector"].source_weights_ > 0
        z0 = SubjectNormalizer("z0").fit(X, subjects=WHO)
        tca = TCA(3, kernel=kernel).fit(z0.transform_source(X, WHO)).adapt(z0.transform(T))
        Z = tca.transform_source(z0.transform_source(X, WHO))
        lda = default_classifier().fit(Z[used], Y[used])
        expected = lda.decision_function(tca.transform(z0.transform(T)))
        np.testing.assert_allclose(pipeline.decision_function(T), expected, atol=1e-8)

    def test_rows_behind_recentring(self) -> None:
        pipeline = make_transfer_pipeline(
            Recenter(n_bands=2, output="covariances"),
            RiemannianSelector("row", n_bands=2, n_sources=0.5),
            Recenter(n_bands=2),
            default_classifier(),
        ).fit(COV.X, COV.y, subjects=COV.subjects, X_target=COV.T)
        assert pipeline.named_steps_["riemannianselector"].source_weights_.sum() == 48
        assert accuracy_score(COV.y_target, pipeline.predict(COV.T)) > 0.6

    def test_without_sample_weights(self) -> None:
        selector = RiemannianSelector().fit(X, subjects=WHO)  # no labels: nothing to bring back
        assert selector.adapt(T).source_weights_.max() == 1.0


def two_kinds(seed: int, unlike: bool) -> tuple[np.ndarray, ...]:
    """Eight people, four of whom show the classes the other way round, and a target.

    Where they do, their features correlate the other way round as well.
    """
    rng = np.random.default_rng(seed)
    y = np.tile([0, 1], 9 * 25)
    who = np.repeat(np.arange(9), 50)
    turned = np.isin(who, [0, 2, 4, 6]) if unlike else np.zeros(len(who), dtype=bool)
    rows = rng.standard_normal((len(y), 4))
    rows[:, 1] += np.where(turned, -1.0, 1.0) * rows[:, 0]
    rows[:, 2] += np.where(turned, -1.0, 1.0) * (y - 0.5)
    source = who < 8
    return rows[source], y[source], who[source], rows[~source], y[~source]


def accuracy(problem: tuple[np.ndarray, ...], *steps: Any) -> float:
    rows, y, who, target, y_target = problem
    pipeline = make_transfer_pipeline(*steps, SubjectNormalizer("z2"), default_classifier())
    pipeline.fit(rows, y, subjects=who, X_target=target)
    return float(accuracy_score(y_target, pipeline.predict(target)))


class TestPurpose:
    def test_people_of_the_same_kind_are_found(self) -> None:
        for seed in range(4):
            rows, y, who, target, _ = two_kinds(seed, True)
            selector = RiemannianSelector(n_sources=4).fit(rows, y, subjects=who).adapt(target)
            assert set(who[selector.source_weights_ > 0]) == {1, 3, 5, 7}
        problems = [two_kinds(seed, True) for seed in range(6)]
        plain, soft_, hard_ = (
            np.mean([accuracy(problem, *steps) for problem in problems])
            for steps in ([], [RiemannianSelector()], [RiemannianSelector(n_sources=4)])
        )
        assert soft_ > plain + 0.05
        assert hard_ > plain + 0.05

    def test_equal_people_are_not_harmed(self) -> None:
        problems = [two_kinds(seed, False) for seed in range(8)]
        plain, soft_, hard_ = (
            np.mean([accuracy(problem, *steps) for problem in problems])
            for steps in ([], [RiemannianSelector()], [RiemannianSelector(n_sources=4)])
        )
        assert soft_ > plain - 0.02
        assert hard_ > plain - 0.04

    def test_toy_weights_are_not_all_equal(self) -> None:
        toy = toy_problem()
        selector = RiemannianSelector().fit(toy.X, toy.y, subjects=toy.subjects).adapt(toy.T)
        assert np.ptp(selector.source_weights_) > 0.01
