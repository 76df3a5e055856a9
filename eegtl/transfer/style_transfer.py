"""Multi-source style transfer mapping (Li, Qiu, Shen, Liu, He 2020)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_softmax, logsumexp

from .._checks import unique_subjects
from .._threads import in_one_thread
from ..errors import InputError, MemoryEstimateError
from .answers import ScoringClassifier, fit_sharpness
from .base import Floats, Target
from .solvers.squared_hinge import fit_linear_svm
from .solvers.style_map import (
    class_prototypes,
    clear_rows,
    fit_style_map,
    nearest_prototypes,
    towards_gaussian,
    whitening,
)

#: The most that maps and Gaussians may take.
MAPS_LIMIT_BYTES = 2 * 2**30
VARIANTS = ("unlabelled", "supervised", "semi-supervised")


class StyleTransfer(ScoringClassifier):
    """Style transfer mapping: bring the wearer's rows into each source person's style.

    Each source subject keeps a classifier and a few destinations of each class. For each of them an
    affine map of the wearer's rows is fitted that stays near the identity; the sources' classifiers
    then answer together on the mapped rows.

    Consumes: ``supervised`` the labelled calibration rows alone, ``semi-supervised`` the unlabelled
    target rows besides, ``unlabelled`` the target rows without any label.
    Before adapt: all sources' classifiers together, on the rows as they are.
    Memory: of each source subject a linear classifier and prototypes or Gaussians; no rows.

    Parameters
    ----------
    variant : {"unlabelled", "supervised", "semi-supervised"}
    destinations : {"prototypes", "gaussian"}
        Where a row of a class goes: to the nearest of the class's prototypes, or, if it is far
        off, to the shell of the class's Gaussian.
    C : float
        Cost of a row in the sources' machines, as in `fit_linear_svm`.
    n_prototypes : int
        Of each source subject and class.
    radius : float
        Of the shell, in units of the root mean square distance of the class's own rows.
    n_sources : int, optional
        With labels: only this many sources answer, those whose classifiers are right most often
        on the calibration rows as they are (and all that are right as often as the last).
        None means all. Without labels nothing says who fits, and all sources answer.
    beta : "auto" or float
        How strongly the map fitted to labelled rows is held to the identity; relative, see
        `fit_style_map`. ``"auto"`` is 10 n_features / n_calib, but at least 0.2 (Notes).
    gamma_b : float
        How strongly the offset of that map is held to 0.
    self_beta, self_gamma_b : float
        The same for maps fitted to the classifier's own predictions.
    n_rounds : int
        Rounds of self-training of the variants that use unlabelled rows; 0 fits nothing to
        them.
    random_state : int
        Starts k-means.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
    subjects_ : ndarray of shape (n_subjects,)
        The source subjects with at least two classes; others have no classifier.
    weights_ : ndarray of shape (n_subjects,)
        How much each source's answer counts; they sum to 1.
    maps_ : ndarray of shape (n_subjects, n_features, n_features)
    offsets_ : ndarray of shape (n_subjects, n_features)
        A row x stands for ``A @ (x - center_) + b`` in a source's style.
    source_coef_, source_intercept_ : ndarray, (n_subjects, n_classes[, n_features])
        The sources' classifiers of such rows; `source_sharpness_` makes log-probabilities of
        their scores, `has_class_` says which classes a source has.
    coef_, intercept_ : ndarray, (n_subjects, n_classes[, n_features])
        The same, of ``x - center_``.
    prototypes_ : list of list of ndarray of shape (n_centres, n_features)
        Of each source and class; empty with Gaussians.
    class_means_, class_roots_ : ndarray, (n_subjects, n_classes, n_features[, n_features])
        Means and whitening matrices; without entries with prototypes.
    center_ : ndarray of shape (n_features,)
        Mean of the source rows, the origin of all maps.

    Notes
    -----
    Answer of a source: the softmax of its machine's scores, times a factor that is fitted on the
    rows of all other people. The ensemble's probabilities are the weighted mean. A source that
    lacks a class gives it 1 / n_classes and shares out the rest.

    With labels, a source's weight is its balanced accuracy on the calibration rows above chance,
    before any mapping. A block of one class says only to which side a classifier leans:
    weights are then equal. So they are where no source is better than chance.

    Self-training: the ensemble's predictions p give each row a class and the confidence
    (n_classes max p - 1) / (n_classes - 1); calibration rows keep their labels and confidence 1.
    Each source's map is fitted again on rows that have been through the map of the labelled
    rows (A0, b0), and what predicts is the composition A A0, A b0 + b. Rows are sent to the
    destination that is nearest to where the last round put them.

    Prototypes are k-means centres of the rows that are no support vectors of the source's
    machines (ambiguous rows), or of the `n_prototypes` rows of largest margin where there are
    fewer of those.

    The published code has beta 0.2 however few the labelled rows are, and the map then
    memorises them. ``"auto"`` is the ridge of least mean square error if styles differ from the
    identity by a tenth of its energy and rows scatter about their destinations as features vary.
    It takes rows for independent; windows of few trials are not, and a larger beta is then
    better still. The other three weights are those of the published code.

    Cost of `adapt`: per source and round m d^2 + d^3 for m target rows.

    References
    ----------
    Li, Qiu, Shen, Liu, He, "Multisource transfer learning for cross-subject EEG emotion
    recognition", IEEE Transactions on Cybernetics 50(7), 2020.
    Zhang, Liu, "Writer adaptation with style transfer mapping", IEEE Transactions on Pattern
    Analysis and Machine Intelligence 35(7), 2013.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> y, subjects = np.tile([0, 1], 60), np.repeat(["a", "b", "c"], 40)
    >>> X = 8.0 * np.outer(y, [1, 0]) + rng.standard_normal((120, 2))
    >>> T = X[:40] + [8, 0]  # a wearer whose class 0 lies beyond the others' class 1
    >>> style = StyleTransfer(variant="supervised", gamma_b=0.1).fit(X, y, subjects=subjects)
    >>> before = style.predict(T) == y[:40]
    >>> after = style.adapt(X_calib=T[:10], y_calib=y[:10]).predict(T) == y[:40]
    >>> before.mean().item(), after.mean().item()
    (0.5, 1.0)
    """

    by_subject = True
    sharpness_ = 1.0  # the scores are log-probabilities

    def __init__(
        self,
        *,
        variant: str = "unlabelled",
        destinations: str = "prototypes",
        C: float = 0.1,
        n_prototypes: int = 15,
        radius: float = 1.0,
        n_sources: int | None = None,
        beta: str | float = "auto",
        gamma_b: float = 2.0,
        self_beta: float = 2.0,
        self_gamma_b: float = 2.0,
        n_rounds: int = 5,
        random_state: int = 0,
    ) -> None:
        self.variant = variant
        self.destinations = destinations
        self.C = C
        self.n_prototypes = n_prototypes
        self.radius = radius
        self.n_sources = n_sources
        self.beta = beta
        self.gamma_b = gamma_b
        self.self_beta = self_beta
        self.self_gamma_b = self_gamma_b
        self.n_rounds = n_rounds
        self.random_state = random_state

    @property
    def needs_(self) -> str:  # type: ignore[override]
        """The least information with which the variant deserves its name."""
        if self.variant == "unlabelled":
            return "unlabelled" if self.n_rounds else "inductive"
        return "labelled"

    @in_one_thread
    def _fit_source(self, X: Floats, y: NDArray[Any] | None, subjects: Any, rows: Any) -> None:
        self._check_parameters()
        self.classes_ = self._check_classes(y)
        codes = np.unique(np.asarray(y), return_inverse=True)[1]
        names, people = unique_subjects(subjects)
        has = np.zeros((len(names), len(self.classes_)), dtype=bool)
        has[people, codes] = True
        usable = np.flatnonzero(has.sum(axis=1) >= 2)
        missing = self.classes_[~has[usable].any(axis=0)].tolist()
        if missing:
            raise InputError(
                "StyleTransfer needs classifiers of single people, but no source subject has rows "
                f"of {missing} beside another class ({len(names)} subjects). Give more sources, "
                "and one subject for each row."
            )
        self._check_memory(len(usable), X.shape[1])
        self.subjects_, self.has_class_ = names[usable], has[usable]
        self.center_ = X.mean(axis=0)
        R = X - self.center_
        shape = (len(usable), len(self.classes_), X.shape[1])
        self.source_coef_, self.source_intercept_ = np.zeros(shape), np.zeros(shape[:2])
        self.source_sharpness_ = np.zeros(len(usable))
        for k, person in enumerate(usable.tolist()):
            own = people == person
            coef, intercept = fit_linear_svm(R[own], codes[own], len(self.classes_), float(self.C))
            self.source_coef_[k], self.source_intercept_[k] = coef, intercept
            new = ~own & self.has_class_[k, codes]  # people whom this classifier never saw
            judged = new if new.any() else own
            self._sharpen(k, R[judged], codes[judged])
        self._keep_destinations(R, codes, people, usable)

    def _check_memory(self, n_people: int, d: int) -> None:
        """Refuse maps (three sets while they are fitted) and Gaussians that would not fit."""
        n_matrices = n_people * (3 + len(self.classes_) * (self.destinations == "gaussian"))
        if 8 * n_matrices * d * d > MAPS_LIMIT_BYTES:
            raise MemoryEstimateError(
                f"the style maps of {n_people} source subjects need {n_matrices} matrices of {d} x "
                f"{d}, {8 * n_matrices * d * d / 2**30:.1f} GiB, above "
                f"{MAPS_LIMIT_BYTES / 2**30:.0f} GiB; put a step before it that leaves fewer "
                "features (KPCA, TCA), or take fewer sources."
            )

    def _sharpen(self, k: int, R: Floats, codes: NDArray[np.intp]) -> None:
        """Set the factor that makes log-probabilities of a source's scores."""
        known = np.flatnonzero(self.has_class_[k])
        scores = R @ self.source_coef_[k, known].T + self.source_intercept_[k, known]
        self.source_sharpness_[k] = fit_sharpness(scores, np.searchsorted(known, codes))

    def _keep_destinations(
        self, R: Floats, codes: NDArray[np.intp], people: NDArray[np.intp], usable: NDArray[np.intp]
    ) -> None:
        """Keep the prototypes or Gaussians of each source and class."""
        n_classes, d = len(self.classes_), R.shape[1]
        n_gaussians = len(usable) if self.destinations == "gaussian" else 0
        self.prototypes_ = [[np.zeros((0, d))] * n_classes for _ in usable]
        self.class_means_ = np.zeros((n_gaussians, n_classes, d))
        self.class_roots_ = np.zeros((n_gaussians, n_classes, d, d))
        for k, person in enumerate(usable.tolist()):
            own = np.flatnonzero(people == person)
            known = np.flatnonzero(self.has_class_[k])
            scores = R[own] @ self.source_coef_[k, known].T + self.source_intercept_[k, known]
            margins = np.where(codes[own, None] == known, scores, -scores).min(axis=1)
            floor = 1e-9 * (float(R[own].var(axis=0).mean()) or 1.0)
            for c in known.tolist():
                rows = R[own][codes[own] == c]
                if self.destinations == "prototypes":
                    clear = clear_rows(margins[codes[own] == c], self.n_prototypes)
                    self.prototypes_[k][c] = class_prototypes(
                        rows[clear], self.n_prototypes, self.random_state
                    )
                else:
                    self.class_means_[k, c] = rows.mean(axis=0)
                    self.class_roots_[k, c] = whitening(rows, floor)

    def _forget_target(self) -> None:
        self._set_maps(*self._identity(), self._equal_weights())

    def _n_consumed(self, target: Target) -> int:
        return len(target.X_calib) if self.variant == "supervised" else len(target.X)

    @in_one_thread
    def _adapt_target(self, target: Target) -> str:
        maps = self._identity()
        weights = self._equal_weights()
        labels = np.full(len(target.X), -1)
        if self.variant != "unlabelled":
            calibration = target.X_calib - self.center_
            codes = np.searchsorted(self.classes_, np.asarray(target.y_calib))
            labels[len(labels) - len(codes) :] = codes  # the last of target.X
            weights = self._weigh(calibration, codes)
            sure = np.ones(len(codes))
            beta = self._beta(len(codes))
            strength = (beta, float(self.gamma_b))
            maps = self._fit_maps(calibration, codes, sure, maps, maps, weights, strength)
        if self.variant != "supervised":
            maps = self._self_train(target.X - self.center_, labels, maps, weights)
        self._set_maps(*maps, weights)
        return self.needs_

    def _self_train(
        self, R: Floats, labels: NDArray[np.intp], start: tuple[Floats, Floats], weights: Floats
    ) -> tuple[Floats, Floats]:
        """Fit the maps to the ensemble's own predictions; known labels (not -1) stay."""
        n_classes = len(self.classes_)
        strength = (float(self.self_beta), float(self.self_gamma_b))
        maps = start
        for _ in range(int(self.n_rounds)):
            log_p = self._ensemble(R, *self._classifiers(*maps), weights)
            codes = np.argmax(log_p, axis=1)
            sure = (n_classes * np.exp(log_p.max(axis=1)) - 1) / (n_classes - 1)
            sure = np.where(labels >= 0, 1.0, np.maximum(sure, 0.0))
            codes = np.where(labels >= 0, labels, codes)
            maps = self._fit_maps(R, codes, sure, start, maps, weights, strength)
        return maps

    def _fit_maps(
        self,
        R: Floats,
        codes: NDArray[np.intp],
        confidence: Floats,
        start: tuple[Floats, Floats],
        current: tuple[Floats, Floats],
        weights: Floats,
        strength: tuple[float, float],
    ) -> tuple[Floats, Floats]:
        """Give each source's map: `start`, and behind it a new one to the rows' destinations.

        Destinations are those nearest to where `current` puts the rows. Sources without weight
        keep `start`.
        """
        maps, offsets = start[0].copy(), start[1].copy()
        for k in np.flatnonzero(weights).tolist():
            T = self._destinations(k, R @ current[0][k].T + current[1][k], codes)
            known = confidence * self.has_class_[k, codes]
            A0, b0 = start[0][k], start[1][k]
            A, b = fit_style_map(R @ A0.T + b0, T, known, *strength)
            maps[k], offsets[k] = A @ A0, A @ b0 + b
        return maps, offsets

    def _beta(self, n_rows: int) -> float:
        if self.beta != "auto":
            return float(self.beta)
        return max(0.2, 10 * len(self.center_) / n_rows)

    def _destinations(self, k: int, Z: Floats, codes: NDArray[np.intp]) -> Floats:
        """Say where rows go in a source's style; rows of a class that it lacks stay."""
        T = Z.copy()
        for c in np.flatnonzero(self.has_class_[k]).tolist():
            rows = codes == c
            if self.destinations == "prototypes":
                T[rows] = nearest_prototypes(Z[rows], self.prototypes_[k][c])
            else:
                mean, root = self.class_means_[k, c], self.class_roots_[k, c]
                T[rows] = towards_gaussian(Z[rows], mean, root, float(self.radius))
        return T

    def _weigh(self, R: Floats, codes: NDArray[np.intp]) -> Floats:
        """Weigh the sources by what their classifiers make of the calibration rows."""
        present = np.unique(codes)
        if len(present) < 2:
            return self._equal_weights()
        scores = R @ self.source_coef_.swapaxes(1, 2) + self.source_intercept_[:, None]
        guesses = np.argmax(np.where(self.has_class_[:, None], scores, -np.inf), axis=2)
        accuracy = np.mean([np.mean(guesses[:, codes == c] == c, axis=1) for c in present], axis=0)
        n_sources = len(accuracy) if self.n_sources is None else int(self.n_sources)
        kept = accuracy >= np.sort(accuracy)[-min(n_sources, len(accuracy))] - 1e-12
        gain = np.where(kept, accuracy - 1 / len(present), 0.0)
        gain[gain < 1e-12] = 0.0
        weights = gain if gain.any() else kept.astype(np.float64)
        return weights / weights.sum()

    def _equal_weights(self) -> Floats:
        return np.full(len(self.subjects_), 1 / len(self.subjects_))

    def _identity(self) -> tuple[Floats, Floats]:
        n, _, d = self.source_coef_.shape
        return np.tile(np.eye(d), (n, 1, 1)), np.zeros((n, d))

    def _classifiers(self, maps: Floats, offsets: Floats) -> tuple[Floats, Floats]:
        """Give the sources' classifiers of rows that have not been mapped yet."""
        moved = np.einsum("kcd,kd->kc", self.source_coef_, offsets)
        return self.source_coef_ @ maps, self.source_intercept_ + moved

    def _set_maps(self, maps: Floats, offsets: Floats, weights: Floats) -> None:
        self.maps_, self.offsets_, self.weights_ = maps, offsets, weights
        self.coef_, self.intercept_ = self._classifiers(maps, offsets)

    def _ensemble(self, R: Floats, coef: Floats, intercept: Floats, weights: Floats) -> Floats:
        """Give the log-probabilities that the sources' classifiers agree on."""
        n_sources, n_classes, d = coef.shape
        scores = (R @ coef.reshape(-1, d).T).reshape(len(R), n_sources, n_classes) + intercept
        scores = np.where(self.has_class_, self.source_sharpness_[:, None] * scores, -np.inf)
        share = np.log(self.has_class_.sum(axis=1, keepdims=True) / n_classes)
        log_p = log_softmax(scores, axis=2) + share
        log_p = np.where(self.has_class_, log_p, -np.log(n_classes))
        return logsumexp(log_p, axis=1, b=weights[:, None])

    def _class_scores(self, X: Floats) -> Floats:
        return self._ensemble(X - self.center_, self.coef_, self.intercept_, self.weights_)

    def _check_parameters(self) -> None:
        for name, choices in (
            ("variant", VARIANTS),
            ("destinations", ("prototypes", "gaussian")),
        ):
            value = getattr(self, name)
            if value not in choices:
                words = " or ".join(map(repr, choices))
                raise InputError(f"StyleTransfer: {name} must be {words}; got {value!r}.")
        for name in ("C", "radius", "beta", "self_beta", "gamma_b", "self_gamma_b"):
            value, least = getattr(self, name), "gamma_b" in name
            if name == "beta" and isinstance(value, str) and value == "auto":
                continue
            number = isinstance(value, int | float | np.number) and not isinstance(value, bool)
            if not (number and (0 < value < np.inf or (least and value == 0))):
                kind = "a number of at least 0" if least else "a positive number"
                kind = f"'auto' or {kind}" if name == "beta" else kind
                raise InputError(f"StyleTransfer: {name} must be {kind}; got {value!r}.")
        for name, lowest in (("n_prototypes", 1), ("n_rounds", 0), ("n_sources", 1)):
            value = getattr(self, name)
            if name == "n_sources" and value is None:
                continue
            if not isinstance(value, int | np.integer) or value < lowest:
                raise InputError(
                    f"StyleTransfer: {name} must be an integer of at least {lowest}; got {value!r}."
                )
