"""Threshold recentring: class offsets that give the wearer's rows an expected class mix."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .._checks import ONE_SUBJECT
from ..errors import ContractError
from .answers import WeightedScoringClassifier, fit_sharpness
from .base import Floats, Target
from .class_mix import Prior, assumed_mix, class_shares
from .classifiers import check_fits_from_summary, fits_from_summary, unfitted_classifier
from .log_posteriors import answers_by, class_scores, log_posteriors
from .solvers.class_offsets import class_offsets
from .sources import RowSources, SummarySources
from .summary import SourceSummary


class ThresholdRecentring(WeightedScoringClassifier):
    """Move a classifier's thresholds until the wearer's rows have the class mix of the sources.

    Consumes: the unlabelled target rows; calibration labels, where there are some.
    Before adapt: the plain classifier of the sources.
    Memory: the classifier, the moments of the sources' classes (the source rows, for an
        `estimator` that cannot be fitted from moments), and n_classes numbers a target row.

    Parameters
    ----------
    estimator : classifier, optional
        With `predict_proba` or `decision_function`; None means linear discriminant analysis with
        OAS shrinkage.
    prior : "sources", mapping or sequence
        The class mix that the wearer's rows are taken to have: that of the source rows, or the
        share of each class (positive), as a mapping, a list of (class, share), or shares in the
        order of `classes_`. (A mapping can be stored in a profile only if the classes are
        strings.)

    Attributes
    ----------
    estimator_ : classifier
    classes_ : ndarray of shape (n_classes,)
    prior_ : ndarray of shape (n_classes,)
    offsets_ : ndarray of shape (n_classes,)
        What is added to the log-posteriors; their mean is 0, and all are 0 before `adapt`.
    scale_ : float
        Factor that turns decision values into log-posteriors (see `fit_sharpness`; found on the
        source rows); 1 for a classifier with probabilities.

    Notes
    -----
    The offsets b are those for which the mean posterior of the target rows is the prior,
    mean_i softmax(log p(. | x_i) + b) = prior. They minimise the convex function
    mean_i log sum_c exp(log p(c | x_i) + b_c) - prior'b and are unique up to a constant; see
    `class_offsets`. Whatever shifts all log-odds of a wearer alike drops out. Differences between
    rows do not change: of two classes, the order of the rows and the area under the ROC curve
    stay as they are.

    With calibration labels the classifier is refitted on sources and calibration rows. If the
    block holds all classes, its rows count with weights that give it the prior's class mix; if
    it does not, it says nothing about thresholds, and only the other rows move them.

    Where the wearer's mix is another than the prior (label shift) this moves right thresholds to
    the wrong place.

    `partial_adapt` is exact; it solves for all rows so far. O(n n_classes^2) for each of about a
    dozen Newton steps.

    Examples
    --------
    >>> X, y = [[0.0], [0.4], [1.0], [1.4]], ["calm", "calm", "tense", "tense"]
    >>> model = ThresholdRecentring().fit(X, y)
    >>> wearer = [[5.1], [5.3], [6.2], [6.4]]
    >>> model.predict(wearer).tolist(), model.adapt(wearer).predict(wearer).tolist()
    (['tense', 'tense', 'tense', 'tense'], ['calm', 'calm', 'tense', 'tense'])
    """

    needs_ = "unlabelled"
    by_subject = False
    #: its scores are log-posteriors
    sharpness_ = 1.0

    def __init__(
        self,
        estimator: Any = None,
        *,
        prior: Prior = "sources",
    ) -> None:
        self.estimator = estimator
        self.prior = prior

    @property
    def assumes_(self) -> str:  # type: ignore[override]
        """What it takes for granted of the wearer."""
        return assumed_mix(self.prior)

    def accepts_summary(self) -> bool:
        """Say whether `fit_summary` gives what `fit` on the rows would give."""
        return fits_from_summary(unfitted_classifier(self.estimator))

    def fit_summary(self, summary: SourceSummary) -> Self:
        """Fit from sufficient statistics instead of rows.

        Parameters
        ----------
        summary : SourceSummary

        Returns
        -------
        self

        Raises
        ------
        ContractError
            When the classifier is not a function of class moments.
        """
        check_fits_from_summary("ThresholdRecentring", self.estimator)
        self._learn(SummarySources(summary.without_subjects()))
        self.n_features_in_ = summary.n_features
        return self._before_adapt()

    def _fit_source(self, X: Floats, y: NDArray[Any] | None, subjects: Any, rows: Any) -> None:
        self._check_classes(y)
        labels = np.asarray(y)
        if self.accepts_summary():
            summary = SourceSummary().add(X, labels, None, self._weight)
            self._learn(SummarySources(summary.without_subjects()))
        else:
            nobody = np.full(len(X), ONE_SUBJECT)  # whose rows they are plays no part
            self._learn(RowSources(X.copy(), labels.copy(), nobody, None, self._weight))

    def _learn(self, sources: RowSources | SummarySources) -> None:
        """Fit the classifier of the sources, and see how it answers."""
        unfitted = unfitted_classifier(self.estimator)
        if not hasattr(unfitted, "predict_proba") and not hasattr(unfitted, "decision_function"):
            raise ContractError(
                f"{type(unfitted).__name__} has neither predict_proba nor decision_function, whose "
                "thresholds could be moved; use a classifier that has one."
            )
        none = np.empty((0, sources.n_features))
        estimator = sources.classifier(unfitted, none, None)
        shares, means = _class_moments(sources, estimator.classes_)
        self.prior_ = class_shares(
            self.prior, estimator.classes_, shares, "ThresholdRecentring", zeros=False
        )
        self.answers_by_ = answers_by(estimator, means)
        self.sources_ = sources
        self.source_classes_ = np.unique(estimator.classes_)
        self.source_estimator_ = estimator
        self.source_scale_ = self._scale_of(estimator)

    def _scale_of(self, estimator: Any) -> float:
        """Find the factor that turns a classifier's scores into log-posteriors."""
        if self.answers_by_ != "scores":
            return 1.0
        sources = self.sources_
        assert isinstance(sources, RowSources)
        codes = np.searchsorted(estimator.classes_, sources.y)
        known = np.isin(sources.y, estimator.classes_)
        weight = None if sources.weight is None else sources.weight[known]
        return fit_sharpness(class_scores(estimator, sources.X[known]), codes[known], weight)

    def _forget_target(self) -> None:
        self.estimator_, self.scale_ = self.source_estimator_, self.source_scale_
        self.classes_ = self.estimator_.classes_
        self.offsets_ = np.zeros(len(self.classes_))
        self.target_log_posteriors_ = np.empty((0, len(self.classes_)))
        self.target_weight_ = np.empty(0)

    def _adapt_target(self, target: Target) -> str:
        estimator, scale = self.source_estimator_, self.source_scale_
        weight = np.ones(len(target.X))
        if target.y_calib is not None:
            unfitted = unfitted_classifier(self.estimator)
            estimator = self.sources_.classifier(unfitted, target.X_calib, target.y_calib)
            scale = self._scale_of(estimator)
            n_calib = len(target.y_calib)
            weight[len(weight) - n_calib :] = block_weights(
                target.y_calib, estimator.classes_, self.prior_
            )
        used = weight > 0
        answers = log_posteriors(estimator, target.X, self.answers_by_, scale)[used]
        offsets = class_offsets(answers, self.prior_, weight[used])
        self.estimator_, self.scale_, self.offsets_ = estimator, scale, offsets
        self.classes_ = estimator.classes_
        self.target_log_posteriors_, self.target_weight_ = answers, weight[used]
        return target.level

    def partial_adapt(self, X_target: ArrayLike) -> Self:
        """Take further rows of the same wearer, as they arrive.

        Parameters
        ----------
        X_target : array-like of shape (n_new, n_features)

        Returns
        -------
        self

        Notes
        -----
        Exact: ``fit.partial_adapt(A).partial_adapt(B)`` equals ``fit.adapt(A and B)``.
        """
        X = self._check_X(X_target)
        new = log_posteriors(self.estimator_, X, self.answers_by_, self.scale_)
        answers = np.vstack([self.target_log_posteriors_, new])
        weight = np.concatenate([self.target_weight_, np.ones(len(X))])
        self.offsets_ = class_offsets(answers, self.prior_, weight)
        self.target_log_posteriors_, self.target_weight_ = answers, weight
        level = "labelled" if self.information_ == "labelled" else "unlabelled"
        self._set_consumed(level, self.n_target_windows_ + len(X))
        return self

    def _class_scores(self, X: Floats) -> Floats:
        return log_posteriors(self.estimator_, X, self.answers_by_, self.scale_) + self.offsets_


def block_weights(labels: NDArray[Any], classes: NDArray[Any], prior: Floats) -> Floats:
    """Weigh labelled rows so that together they have a given class mix.

    Parameters
    ----------
    labels : ndarray of shape (n_rows,)
    classes, prior : ndarray of shape (n_classes,)

    Returns
    -------
    ndarray of shape (n_rows,)
        With the sum n_rows; zeros where a class has no row.

    Examples
    --------
    >>> block_weights(np.array(list("aaab")), np.array(["a", "b"]), np.array([0.5, 0.5])).round(3)
    array([0.667, 0.667, 0.667, 2.   ])
    """
    codes = np.searchsorted(classes, labels)
    counts = np.bincount(codes, minlength=len(classes))
    if np.any(counts == 0):
        return np.zeros(len(labels))
    weights: Floats = (len(labels) * prior / counts)[codes]
    return weights


def _class_moments(
    sources: RowSources | SummarySources, classes: NDArray[Any]
) -> tuple[Floats, Floats]:
    """Give each class's share of the sources, and the classes' means and their mean."""
    if isinstance(sources, SummarySources):
        pooled = [sources.summary.pooled(label=label)[:2] for label in classes.tolist()]
        counts, means = np.array([n for n, _ in pooled]), np.array([mean for _, mean in pooled])
    else:
        weight = np.ones(len(sources.y)) if sources.weight is None else sources.weight
        members = [weight * (sources.y == label) for label in classes.tolist()]
        counts = np.array([own.sum() for own in members])
        means = np.array([own @ sources.X for own in members]) / counts[:, None]
    return counts / counts.sum(), np.vstack([means, means.mean(axis=0)])
