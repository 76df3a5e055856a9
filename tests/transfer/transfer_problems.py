"""Problems and steps that several tests of transfer share."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import OneToOneFeatureMixin

from eegtl.testing import toy_problem
from eegtl.transfer import SourceOnly, TransferPipeline, make_transfer_pipeline
from eegtl.transfer.base import Aligner, Target

TOY = toy_problem()
HALF = len(TOY.T) // 2


def domains(
    n_source: int, n_target: int, d: int, *, rank: int | None = None, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Two shifted domains of correlated features; of lower rank when asked."""
    rng = np.random.default_rng(seed)
    mix = rng.standard_normal((rank or d, d)) / np.sqrt(rank or d)
    source = rng.standard_normal((n_source, len(mix))) @ mix
    shift = rng.standard_normal(len(mix)) @ mix
    return source, rng.standard_normal((n_target, len(mix))) @ mix + shift


def gram(scores: np.ndarray) -> np.ndarray:
    return scores @ scores.T


def unit_scores(fitted: Any, pooled: np.ndarray, rows: np.ndarray | None = None) -> np.ndarray:
    """Scores scaled to unit variance over the pooled rows, as the reference has them."""
    deviations = np.std(fitted.transform(pooled), axis=0)
    return fitted.transform(pooled if rows is None else rows) / deviations


def fitted(*steps: Any, **extra: Any) -> TransferPipeline:
    return make_transfer_pipeline(*steps).fit(TOY.X, TOY.y, subjects=TOY.subjects, **extra)


def values(pipeline: Any) -> np.ndarray:
    return pipeline.decision_function(TOY.T)


class NeedsLabels(SourceOnly):
    """A transfer classifier that is nothing without labels of the wearer."""

    needs_ = "labelled"

    def _adapt_target(self, target: Target) -> str:
        return "labelled"


class Weigher(Aligner):
    """A selector: rows near the target's mean count, those of person `drop` do not."""

    moves_source = True
    by_subject = True

    def __init__(self, drop: str | None = "ann", scale: float = 1.0) -> None:
        self.drop = drop
        self.scale = scale

    def _fit_source(self, X: Any, y: Any, subjects: Any, rows: Any) -> None:
        self.rows_, self.subjects_ = X, subjects

    def _forget_target(self) -> None:
        self.source_weights_ = np.ones(len(self.rows_))

    def _adapt_target(self, target: Target) -> str:
        distance = np.linalg.norm(self.rows_ - target.X.mean(axis=0), axis=1)
        weights = self.scale / (1 + distance)
        weights[self.subjects_ == self.drop] = 0.0
        self.source_weights_ = weights
        return "unlabelled"

    def _transform(self, X: Any) -> Any:
        return X


class Centred(OneToOneFeatureMixin, Aligner):
    """Subtract the mean of whoever the rows are from.

    Consumes: the unlabelled target rows.
    Before adapt: subtracts the mean of the sources.
    Memory: a mean; no rows.
    """

    def _fit_source(self, X: Any, y: Any, subjects: Any, rows: Any) -> None:
        self.source_mean_ = X.mean(axis=0)

    def _forget_target(self) -> None:
        self.mean_ = self.source_mean_

    def _adapt_target(self, target: Target) -> str:
        self.mean_ = target.X.mean(axis=0)
        return "unlabelled"

    def _transform(self, X: Any) -> Any:
        return X - self.mean_

    def _transform_source(self, X: Any, subjects: Any) -> Any:
        return X - self.source_mean_
