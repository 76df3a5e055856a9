"""Adaptive subspace feature matching (Chai et al. 2017): subspace alignment, then self-training."""

from __future__ import annotations

from copy import copy
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import InputError
from ..kernels.gram import canonical_order
from .answers import DelegatingClassifier
from .base import Floats, Target
from .classifiers import check_fits_from_summary, fits_from_summary, unfitted_classifier
from .sources import RowSources, SummarySources
from .subspace_alignment import SubspaceAlignment
from .summary import SourceSummary

#: Least probability of a pseudo-label in the first rounds; the last holds for all later ones.
CONFIDENCES = (0.9, 0.8, 0.7, 0.6, 0.5)


class ASFM(DelegatingClassifier):
    """Align the sources' subspaces to the target's, then train on what the target seems to be.

    Consumes: the unlabelled target rows; with `y_calib` the labels of the calibration rows, too.
    Before adapt: the classifier on the sources' principal components.
    Memory: a summary of the sources (with another `estimator` than the default their rows), and
    the target rows given so far, for `partial_adapt`.

    Parameters
    ----------
    n_components : int
        Dimension of the subspaces.
    per_source : bool
        Whether each source subject is aligned by itself; see `SubspaceAlignment`. The paper
        pools the sources.
    estimator : classifier, optional
        Any scikit-learn classifier with `predict_proba`; None means linear discriminant analysis
        with OAS shrinkage, which needs a summary of the sources only. The paper has logistic
        regression.
    max_rounds : int
        Most rounds of self-training; 0 is subspace alignment and the classifier.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
    class_mix_ : ndarray of shape (n_classes,)
        Share of each class in the sources.
    n_rounds_ : int
        How often the classifier was fitted with pseudo-labels.
    pseudo_counts_ : ndarray of shape (n_classes,)
        Target rows of each class that had a pseudo-label in the last of these fits.
    aligner_ : SubspaceAlignment
        Stage 1, adapted.
    estimator_ : classifier
        Stage 2, fitted on aligned sources and pseudo-labelled target rows.
    sources_ : SummarySources or RowSources
    target_rows_, calibration_rows_ : ndarray of shape (n, n_features)
        Rows of the target without and with labels.
    calibration_labels_ : ndarray of shape (n,)
    assumes_ : str
        What it takes for granted of the target: that its classes are mixed as the sources' are.

    Notes
    -----
    A round gives each target row the class that the current classifier finds most probable, if
    the probability is at least .9 in the first round, then .8, .7, .6, and .5 from the fifth on.
    Of these rows those of each class that are furthest ahead of the next class are kept, so many
    that the classes stand in the proportion they have in the sources: class c with mix m_c and
    n_c such rows gets floor(m_c min_j(n_j / m_j)), and if a class gets none, no class does. The
    classifier is then fitted anew on the aligned sources and these rows. The rounds end when, at
    .5, the pseudo-labels are those of the round before. Self-training cannot collapse into one
    class this way, but it pulls towards the sources' class mix: `assumes_`.

    Rows of a labelled calibration block keep their labels throughout; the others are
    pseudo-labelled.

    The paper alternates between classifier and pseudo-labels, too; thresholds, class balance and
    the number of rounds are choices made here, fixed before any result was seen.

    Adapt O(n_t d^2 + d^3 + g d^2 k) for g (subject, class) groups and k components, and
    max_rounds fits of the classifier in k dimensions. `partial_adapt` solves everything anew from
    all rows so far, so that it is exact.

    References
    ----------
    Chai, Wang, Zhao, Li, Liu, Liu, Bai, "A fast, efficient domain adaptation technique for
    cross-domain electroencephalography (EEG)-based emotion recognition", Sensors 17(5):1014, 2017.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> y = np.arange(80) % 2
    >>> X = rng.standard_normal((80, 4)) * [3, 1, 1, 1]
    >>> X[:, 0] += 8 * y
    >>> T = X[:40, ::-1] + 5
    >>> float(ASFM(1).fit(X, y).adapt(T).score(T, y[:40])) > 0.85
    True
    """

    needs_ = "unlabelled"
    assumes_ = "class mix of the sources"

    def __init__(
        self,
        n_components: int = 20,
        *,
        per_source: bool = True,
        estimator: Any = None,
        max_rounds: int = 10,
    ) -> None:
        self.n_components = n_components
        self.per_source = per_source
        self.estimator = estimator
        self.max_rounds = max_rounds

    @property
    def by_subject(self) -> bool:
        """Whether it uses who a source row is from."""
        return bool(self.per_source)

    def _fit_source(self, X: Floats, y: NDArray[Any] | None, subjects: Any, rows: Any) -> None:
        classes = self._check_classes(y)
        labels = np.asarray(y)
        sources: RowSources | SummarySources
        if self.accepts_summary():
            people = subjects if self.by_subject else None
            sources = SummarySources(SourceSummary().add(X, labels, people))
        else:
            # copies: `adapt` reads them again, and the caller may have changed his by then
            sources = RowSources(X.copy(), labels.copy(), subjects)
        mix = np.array([np.mean(labels == label) for label in classes.tolist()])
        self._learn(sources, classes, mix)

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
        check_fits_from_summary("ASFM", self.estimator)
        classes = summary.classes
        if len(classes) < 2:
            raise InputError(
                f"the summary holds {len(classes)} classes ({classes.tolist()}); at least two are "
                "needed. Add labelled rows of the sources."
            )
        counts = np.array([summary.pooled(label=label)[0] for label in classes.tolist()])
        self.n_features_in_ = summary.n_features
        self._learn(SummarySources(summary.copy()), classes, counts / counts.sum())
        return self._before_adapt()

    def _learn(
        self, sources: RowSources | SummarySources, classes: NDArray[Any], mix: Floats
    ) -> None:
        whole = isinstance(self.max_rounds, int | np.integer)
        if not whole or isinstance(self.max_rounds, bool) or self.max_rounds < 0:
            raise InputError(
                f"ASFM: max_rounds must be an integer of at least 0; got {self.max_rounds!r}."
            )
        unfitted = unfitted_classifier(self.estimator)
        if not hasattr(unfitted, "predict_proba"):
            raise InputError(
                f"ASFM: the estimator {unfitted!r} has no predict_proba, which tells how sure a "
                "pseudo-label is; use one that has, for example LogisticRegression, or None."
            )
        aligner = SubspaceAlignment(self.n_components, per_source=self.per_source)
        sources.fit(aligner, {})
        self.aligner_, self.sources_ = aligner, sources
        self.classes_, self.class_mix_ = classes, mix

    def _forget_target(self) -> None:
        nothing = np.empty((0, self.aligner_.n_features_in_))
        self._train(nothing, nothing, self.classes_[:0])

    def _adapt_target(self, target: Target) -> str:
        if target.y_calib is None:
            return self._train(target.X.copy(), target.X[:0], self.classes_[:0])
        n_open = len(target.X) - len(target.X_calib)
        return self._train(target.X[:n_open].copy(), target.X_calib.copy(), target.y_calib)

    def partial_adapt(self, X_target: ArrayLike) -> Self:
        """Take further unlabelled rows of the same wearer, as they arrive.

        Parameters
        ----------
        X_target : array-like of shape (n_new, n_features)

        Returns
        -------
        self

        Notes
        -----
        Exact: ``fit.partial_adapt(A).partial_adapt(B)`` equals ``fit.adapt(A and B)``, also
        behind a labelled calibration. All rows so far are kept for that.
        """
        new = self._check_X(X_target)
        rows = np.vstack([self.target_rows_, new])
        level = self._train(rows, self.calibration_rows_, self.calibration_labels_)
        self._set_consumed(level, len(rows) + len(self.calibration_rows_))
        return self

    def _train(self, rows: Floats, labelled: Floats, labels: NDArray[Any]) -> str:
        """Align to all rows, then self-train on those without labels."""
        aligner = copy(self.aligner_)  # adapt works on copies: an error leaves everything as it was
        seen = np.vstack([rows, labelled])
        aligner.adapt(seen if len(seen) else None)
        mapped = self.sources_.through(aligner).without_subjects()
        Z = np.empty((0, mapped.n_features))
        if len(rows):  # in an order of their content, which then decides between equally sure ones
            Z = aligner.transform(rows[canonical_order(rows)])
        Z_labelled = aligner.transform(labelled) if len(labelled) else Z[:0]

        def fitted(chosen: NDArray[np.intp], codes: NDArray[np.intp]) -> Any:
            X = np.vstack([Z_labelled, Z[chosen]])
            y = np.concatenate([labels, self.classes_[codes[chosen]]])
            unfitted = unfitted_classifier(self.estimator)
            return mapped.classifier(unfitted, X, y if len(y) else None)

        none = np.empty(0, dtype=np.intp)
        estimator, n_rounds = fitted(none, none), 0
        before = np.full(len(Z), -1)
        for i in range(self.max_rounds if len(Z) else 0):
            least = CONFIDENCES[min(i, len(CONFIDENCES) - 1)]
            chosen, codes = confident_rows(estimator, Z, least, self.class_mix_)
            now = np.full(len(Z), -1)
            now[chosen] = codes[chosen]
            if not np.array_equal(now, before):
                estimator, n_rounds = fitted(chosen, codes), n_rounds + 1
            elif least == CONFIDENCES[-1]:
                break
            before = now
        self.aligner_, self.estimator_, self.n_rounds_ = aligner, estimator, n_rounds
        self.pseudo_counts_ = np.bincount(before[before >= 0], minlength=len(self.classes_))
        self.target_rows_, self.calibration_rows_ = rows, labelled
        self.calibration_labels_ = labels
        if len(labels):
            return "labelled"
        return "unlabelled" if len(rows) else "inductive"

    def _delegate(self) -> Any:
        if hasattr(self, "estimator_"):
            return self.estimator_
        return unfitted_classifier(self.estimator)

    def _rows_for_delegate(self, X: ArrayLike) -> Floats:
        checked = self._check_X(X)
        return self.aligner_.transform(checked)


def confident_rows(
    classifier: Any, Z: Floats, least: float, mix: Floats
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Choose rows whose class is sure enough, in a given mix of the classes.

    Parameters
    ----------
    classifier : fitted classifier
        With `predict_proba`.
    Z : ndarray of shape (n_rows, n_features)
    least : float
        Least probability of the most probable class.
    mix : ndarray of shape (n_classes,)
        Shares of the classes.

    Returns
    -------
    chosen : ndarray of int, shape (n_chosen,)
        Indices of rows, rising.
    codes : ndarray of int, shape (n_rows,)
        The most probable class of every row.
    """
    probabilities = classifier.predict_proba(Z)
    codes = np.argmax(probabilities, axis=1)
    sure = probabilities[np.arange(len(Z)), codes] >= least
    return balanced(codes, sure, _margins(classifier, Z, probabilities), mix), codes


def balanced(
    codes: NDArray[np.intp], sure: NDArray[np.bool_], margins: Floats, mix: Floats
) -> NDArray[np.intp]:
    """Keep the surest rows of each class, as many as a mix of the classes allows.

    Parameters
    ----------
    codes : ndarray of int, shape (n_rows,)
        The class of each row.
    sure : ndarray of bool, shape (n_rows,)
        Which rows may be kept.
    margins : ndarray of shape (n_rows,)
        How sure each row is.
    mix : ndarray of shape (n_classes,)
        Positive shares of the classes.

    Returns
    -------
    ndarray of int, shape (n_kept,)
        Indices, rising: floor(mix_c * min_j(n_j / mix_j)) rows of class c, n_j the rows of class
        j that are sure; none at all if that is 0 for a class.

    Examples
    --------
    >>> codes, margins = np.array([0, 0, 0, 1, 1]), np.array([0.3, 0.9, 0.5, 0.4, 0.1])
    >>> balanced(codes, margins > 0.2, margins, np.array([0.5, 0.5])).tolist()
    [1, 3]
    """
    candidates = [np.flatnonzero(sure & (codes == c)) for c in range(len(mix))]
    most = min(len(rows) / share for rows, share in zip(candidates, mix, strict=True))
    # 1e-9: a share of 0.29 of 100 rows is 29 rows, which rounding would make 28
    counts = np.floor(mix * most + 1e-9).astype(np.intp)
    if not counts.all():
        return np.empty(0, dtype=np.intp)
    kept = [
        rows[np.argsort(-margins[rows], kind="stable")[:n]]
        for rows, n in zip(candidates, counts, strict=True)
    ]
    return np.sort(np.concatenate(kept))


def _margins(classifier: Any, Z: Floats, probabilities: Floats) -> Floats:
    """Say how far the most probable class is ahead of the next.

    By decision values where there are some: they tell rows apart whose probabilities are both 1
    to rounding.
    """
    if hasattr(classifier, "decision_function"):
        values = classifier.decision_function(Z)
        if values.ndim == 1:
            return np.abs(values)
        if values.shape == probabilities.shape:
            probabilities = values
    ranked = np.sort(probabilities, axis=1)
    return ranked[:, -1] - ranked[:, -2]
