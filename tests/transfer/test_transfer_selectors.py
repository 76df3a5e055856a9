"""Selectors: weights of source rows on their way to the classifier."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import LogisticRegression
from sklearn.svm import LinearSVC
from transfer.transfer_problems import TOY, Weigher, fitted, values

from eegtl.errors import ContractError
from eegtl.testing import toy_problem
from eegtl.transfer import SourceOnly, SubjectNormalizer, default_classifier, make_transfer_pipeline
from eegtl.transfer.base import Aligner, Target


class TestSelector:
    @pytest.mark.parametrize(
        "classifier", [default_classifier(), LogisticRegression(), LinearSVC(), SourceOnly()]
    )
    def test_weight_0_is_a_row_that_is_absent(self, classifier: Any) -> None:
        pipeline = fitted(Weigher("ann"), SubjectNormalizer("z2"), classifier).adapt(TOY.T)
        kept = TOY.subjects != "ann"
        weights = pipeline.named_steps_["weigher"].source_weights_
        assert np.all((weights > 0) == kept)
        z2 = SubjectNormalizer("z2").fit(TOY.X[kept], subjects=TOY.subjects[kept]).adapt(TOY.T)
        Z = z2.transform_source(TOY.X[kept], TOY.subjects[kept])
        inner = SourceOnly(getattr(classifier, "estimator", classifier))
        inner.fit(Z, TOY.y[kept], sample_weight=weights[kept])
        expected = inner.decision_function(z2.transform(TOY.T))
        np.testing.assert_allclose(values(pipeline), expected, atol=1e-8)

    @pytest.mark.parametrize("classifier", [default_classifier(), LogisticRegression()])
    def test_weights_matter(self, classifier: Any) -> None:
        weighted = fitted(Weigher(None), SubjectNormalizer("z2"), classifier).adapt(TOY.T)
        plain = fitted(SubjectNormalizer("z2"), classifier).adapt(TOY.T)
        assert np.abs(values(weighted) - values(plain)).max() > 1e-3
        np.testing.assert_allclose(values(weighted.adapt()), values(plain.adapt()), atol=1e-8)

    def test_two_selectors_multiply(self) -> None:
        both = fitted(Weigher("ann"), Weigher("ben"), LogisticRegression()).adapt(TOY.T)
        first = Weigher("ann").fit(TOY.X, subjects=TOY.subjects).adapt(TOY.T).source_weights_
        second = Weigher("ben").fit(TOY.X, subjects=TOY.subjects).adapt(TOY.T).source_weights_
        used = first * second > 0
        assert set(TOY.subjects[used]) == {"cid", "dot"}
        plain = LogisticRegression().fit(TOY.X[used], TOY.y[used], (first * second)[used])
        np.testing.assert_allclose(values(both), plain.decision_function(TOY.T), atol=1e-8)

    def test_calibration_rows_count_fully(self) -> None:
        pipeline = fitted(Weigher("ann"), LogisticRegression())
        pipeline.adapt(X_calib=TOY.T, y_calib=TOY.y_target)
        weights = pipeline.named_steps_["weigher"].source_weights_
        rows = np.vstack([TOY.X, TOY.T])
        labels = np.concatenate([TOY.y, TOY.y_target])
        used = np.concatenate([weights, np.ones(len(TOY.T))])
        plain = LogisticRegression().fit(rows[used > 0], labels[used > 0], used[used > 0])
        np.testing.assert_allclose(values(pipeline), plain.decision_function(TOY.T), atol=1e-8)

    def test_classifier_without_sample_weight(self) -> None:
        pipeline = make_transfer_pipeline(Weigher(), LinearDiscriminantAnalysis())
        with pytest.raises(ContractError, match="LinearDiscriminantAnalysis takes no sample weig"):
            pipeline.fit(TOY.X, TOY.y, subjects=TOY.subjects)

    # ... which holds for a transfer classifier too: it dropped the weights without a word.
    def test_transfer_classifier_without_sample_weight(self) -> None:
        inner = make_transfer_pipeline(SubjectNormalizer("z2"), LogisticRegression())
        pipeline = make_transfer_pipeline(Weigher(), inner)
        with pytest.raises(ContractError, match="TransferPipeline takes no sample weights"):
            pipeline.fit(TOY.X, TOY.y, subjects=TOY.subjects).adapt(TOY.T)

    # With all rows of a class at 0 the classifier knows fewer classes than the pipeline says,
    # and the columns of predict_proba belong to other labels.
    def test_a_class_without_weight(self) -> None:
        toy = toy_problem(("calm", "glad", "tense"))
        pipeline = make_transfer_pipeline(DropsClass("calm"), LogisticRegression())
        pipeline.fit(toy.X, toy.y, subjects=toy.subjects)
        try:
            pipeline.adapt(toy.T)
        except ContractError as error:
            assert "calm" in str(error)  # noqa: PT017 (refusing is one of two right answers)
            return
        assert pipeline.predict_proba(toy.T).shape[1] == len(pipeline.classes_)


class DropsClass(Aligner):
    """A selector that leaves no row of one class."""

    moves_source = True

    def __init__(self, label: str) -> None:
        self.label = label

    def _fit_source(self, X: Any, y: Any, subjects: Any, rows: Any) -> None:
        self.y_ = y

    def _forget_target(self) -> None:
        self.source_weights_ = np.ones(len(self.y_))

    def _adapt_target(self, target: Target) -> str:
        self.source_weights_ = (self.y_ != self.label).astype(float)
        return "unlabelled"

    def _transform(self, X: Any) -> Any:
        return X
