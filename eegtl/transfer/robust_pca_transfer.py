"""Add the nearest sessions of other people, backgrounds taken off (Lin 2020)."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import InputError, TransferWarning
from .answers import DelegatingClassifier
from .base import Floats, Target
from .classifiers import unfitted_classifier
from .covariance_ranking import riemannian_distances, shrunk_covariance
from .robust_pca import (
    Background,
    check_background_parameters,
    learn_backgrounds,
    least_remainder,
    pool_backgrounds,
)
from .row_table import sitting_codes, target_sittings
from .source_weights import hard_weights, restore_classes
from .sources import RowSources


class RobustPCATransfer(DelegatingClassifier):
    """Train on the source sessions most like the wearer's, and on the wearer's labelled rows.

    Source sessions are ranked by the affine-invariant distance of their features' covariance from
    the wearer's, and the nearest `n_sources` are added to what the wearer has labelled. Features
    are the sparse parts that `RobustPCA` leaves of each session.

    Consumes: the unlabelled target rows (their background, and their covariance for the ranking);
    labelled calibration rows join the training rows. Without labels the nearest sessions alone are
    trained on.
    Before adapt: trained on all source sessions; the target is taken off their pooled background.
    Needs: for ``by="session"`` the column `session` of `rows`; without it each person's rows count
    as one session.
    Memory: the source rows (their sparse parts), a covariance for each session.

    Parameters
    ----------
    n_sources : int or None
        How many sessions are added; all when there are no more, or None. Sessions at the very same
        distance as the last one come along. 3 is what the paper's headline adds to the wearer's own
        labelled day; without any labels that is little, and None the better choice.
    estimator : classifier, optional
        Any scikit-learn classifier; None means linear discriminant analysis with OAS shrinkage.
        (The paper has a support vector machine.)
    robust : bool
        Whether features are sparse parts; False ranks and trains on the features as they are.
    lam, by, tol
        As in `RobustPCA`.

    Attributes
    ----------
    source_subjects_, source_sessions_ : ndarray of shape (n_sessions,)
        Whose and which sitting each source session is.
    distances_ : ndarray of shape (n_sessions,)
        From the target; NaN before `adapt`, infinite for sessions whose features do not vary.
    ranking_ : list of (subject, session, distance)
        Nearest first; empty before `adapt`.
    chosen_ : ndarray of bool, shape (n_sessions,)
        The sessions that are trained on.
    n_own_ : int
        Labelled rows of the wearer that are trained on.
    estimator_ : classifier
    classes_ : ndarray of shape (n_classes,)

    Notes
    -----
    d(A, B) = sqrt(sum_k ln^2 eig_k(A^-1 B)) between covariances shrunk by OAS (Chen et al. 2010).
    It uses no labels, those of the sources included. A class that no chosen session holds is
    brought back by the nearest session that does, so that every class can be predicted.

    The wearer's rows are weighted like all others, row by row. One target row has no covariance:
    all sessions are then used, and a `TransferWarning` says so.

    References
    ----------
    Lin, "Constructing a personalized cross-day EEG-based emotion-classification model using
    transfer learning", IEEE Journal of Biomedical and Health Informatics 24(5), 2020.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> y, who = np.tile([0, 1], 90), np.repeat(["near", "far", "far off"], 60)
    >>> scale = np.repeat([[1.0, 1.0], [5.0, 1.0], [1.0, 9.0]], 60, axis=0)
    >>> X = (np.outer(2 * y, [1, 1]) + rng.standard_normal((180, 2))) * scale
    >>> model = RobustPCATransfer(1, robust=False).fit(X, y, subjects=who).adapt(X[:60] + 0.1)
    >>> model.ranking_[0][0], model.score(X[:60], y[:60]) > 0.9
    ('near', True)
    """

    needs_ = "unlabelled"
    by_subject = True

    def __init__(
        self,
        n_sources: int | None = 3,
        *,
        estimator: Any = None,
        robust: bool = True,
        lam: float = 1.0,
        by: str = "session",
        tol: float = 1e-5,
    ) -> None:
        self.n_sources = n_sources
        self.estimator = estimator
        self.robust = robust
        self.lam = lam
        self.by = by
        self.tol = tol

    @property
    def reads_rows(self) -> bool:  # type: ignore[override]
        """Whether it reads the descriptions of the rows."""
        return self.by == "session"

    def _fit_source(self, X: Floats, y: NDArray[Any] | None, subjects: Any, rows: Any) -> None:
        self._check_parameters()
        classes = self._check_classes(y)
        labels = np.asarray(y)
        names, sessions, codes = sitting_codes(subjects, rows if self.reads_rows else None)
        features = X.copy()
        self.pooled_backgrounds_: list[Background] = []
        if self.robust:
            found = learn_backgrounds(X, codes, self.lam, self.tol, sparse=features)
            self.pooled_backgrounds_ = [pool_backgrounds(found, np.bincount(codes), self.lam)]
            short = np.array([background is None for background in found])[codes]
            features[short] = least_remainder(X[short], self.pooled_backgrounds_)
        covariances = np.array([shrunk_covariance(features[codes == i]) for i in range(len(names))])
        self.source_subjects_, self.source_sessions_ = names, sessions
        self.source_covariances_ = covariances
        self.class_present_ = np.array(
            [[np.any(labels[codes == i] == c) for c in classes] for i in range(len(names))]
        )
        self.sources_ = RowSources(features, labels.copy(), codes)
        self.classes_ = classes

    def _forget_target(self) -> None:
        everybody = np.ones(len(self.source_subjects_), dtype=bool)
        fitted = self._train(everybody, self.sources_.X[:0], None)
        self.target_backgrounds_ = self.pooled_backgrounds_
        self.distances_ = np.full(len(everybody), np.nan)
        self.ranking_: list[tuple[Any, Any, float]] = []
        self.chosen_, self.n_own_, self.estimator_ = everybody, 0, fitted

    def _adapt_target(self, target: Target) -> str:
        features, backgrounds = target.X, self.pooled_backgrounds_
        if self.robust:
            codes = target_sittings(target) if self.reads_rows else np.zeros(len(features), np.intp)
            features = target.X.copy()
            found = learn_backgrounds(
                target.X, codes, self.lam, self.tol, of="the target", sparse=features
            )
            backgrounds = [own for own in found if own is not None] or self.pooled_backgrounds_
            short = np.array([background is None for background in found])[codes]
            features[short] = least_remainder(target.X[short], backgrounds)
        distances = riemannian_distances(self.source_covariances_, shrunk_covariance(features))
        chosen = self._choose(distances)
        own = target.X_calib
        if self.robust and target.y_calib is not None:
            own = least_remainder(own, backgrounds)  # as `predict` will map the wearer's rows
        fitted = self._train(chosen, own, target.y_calib)
        order = np.argsort(distances, kind="stable")
        triples = (self.source_subjects_, self.source_sessions_, distances)
        self.ranking_ = list(zip(*(column[order].tolist() for column in triples), strict=True))
        self.target_backgrounds_, self.distances_, self.chosen_ = backgrounds, distances, chosen
        self.n_own_ = 0 if target.y_calib is None else len(target.y_calib)
        self.estimator_ = fitted
        return "unlabelled" if target.y_calib is None else "labelled"

    def _choose(self, distances: Floats) -> NDArray[np.bool_]:
        if not np.isfinite(distances).any():
            warnings.warn(
                "the rows of the target, or of all sources, do not vary, so that sessions cannot "
                f"be ranked: all {len(distances)} are used. Adapt to more rows.",
                TransferWarning,
                stacklevel=2,
            )
            return np.ones(len(distances), dtype=bool)
        n = len(distances) if self.n_sources is None else self.n_sources
        weights = hard_weights(distances**2, n)
        return restore_classes(weights, distances**2, self.class_present_)[0] > 0

    def _train(self, chosen: NDArray[np.bool_], own: Floats, y_calib: NDArray[Any] | None) -> Any:
        used = chosen[self.sources_.subjects]
        rows = RowSources(
            self.sources_.X[used], self.sources_.y[used], self.sources_.subjects[used]
        )
        return rows.classifier(unfitted_classifier(self.estimator), own, y_calib)

    def _delegate(self) -> Any:
        if hasattr(self, "estimator_"):
            return self.estimator_
        return unfitted_classifier(self.estimator)

    def _rows_for_delegate(self, X: ArrayLike) -> Floats:
        checked = self._check_X(X)
        return least_remainder(checked, self.target_backgrounds_) if self.robust else checked

    def _check_parameters(self) -> None:
        check_background_parameters(self.lam, self.by, self.tol)
        n = self.n_sources
        whole = isinstance(n, int | np.integer) and not isinstance(n, bool) and n >= 1
        if n is not None and not whole:
            raise InputError(
                f"n_sources must be a whole number from 1 on, or None for all sessions; got {n!r}."
            )
        if not isinstance(self.robust, bool | np.bool_):
            raise InputError(f"robust must be True or False; got {self.robust!r}.")
