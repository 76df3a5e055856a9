"""The adaptive support vector machine: machines of the sources, moved by a labelled calibration."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._checks import unique_subjects
from .._threads import in_one_thread
from ..errors import InputError, TransferWarning
from .answers import WeightedScoringClassifier, fit_sharpness
from .base import Floats, Target
from .solvers.squared_hinge import SquaredHinge, check_cost, fit_linear_svm, mean_variance


class AdaptiveSVM(WeightedScoringClassifier):
    """Adaptive support vector machine (A-SVM), linear, with squared hinge loss.

    Adds to the scores of the sources' machines the least that brings the calibration rows to
    their margins.

    Consumes: labelled calibration rows; unlabelled rows are ignored.
    Before adapt: the linear machine of the pooled sources, or the mean of their machines.
    Memory: the sources' hyperplanes; no rows.

    Parameters
    ----------
    C : float
        Weight of a calibration row's loss against |w|^2 / 2, where the mean squared distance of
        the source rows from their mean is 1. With 1, a single such row is moved half of the way
        to its margin, n equal ones n / (n + 1) of it; towards 0 nothing changes.
    C_source : float
        Weight of the mean loss of the source rows, as `C` of `TSVM`.
    sources : {"pooled", "each"}
        One machine of all sources, or one of each source; their sum is then weighted by how well
        each agrees with the calibration labels.

    Attributes
    ----------
    coef_ : ndarray of shape (n_classes, n_features)
    intercept_ : ndarray of shape (n_classes,)
        Scores are ``X @ coef_.T + intercept_``.
    shares_ : ndarray of shape (n_machines,)
        Weights of the sources' machines; equal before `adapt`.
    adapted_ : ndarray of bool, shape (n_classes,)
        Whose scores the calibration rows changed.

    Notes
    -----
    For each class against the rest (once, for two classes), with f_s the sources' score, m and
    r^2 the mean of the source rows and their mean squared distance from it, and
    h(z) = max(0, 1 - z)^2 / 2, minimises over w

        |w|^2 / 2 + C / r^2 sum h(y (f_s(x) + w'(x - m)))

    over the calibration rows; the score is f_s(x) + w'(x - m). There is no intercept besides
    that of f_s, as in the paper: it would move freely, and a block of one class would take
    everything for that class. The paper's rows are not centred; here m keeps the zero point of
    the features from mattering. The dual is: maximise
    sum (1 - y_i f_i) a_i - (1/2) sum a_i a_j (y_i y_j K_ij + [i = j] r^2 / C) over a >= 0.

    A class is moved only if the block holds rows of it and of another class; all others keep the
    sources' scores. A block of one class says nothing on what tells classes apart: nothing is
    moved then, and a `TransferWarning` says so.

    ``sources="each"``: a machine weighs its balanced accuracy on the block less that of guessing,
    if that is positive; all weigh the same if none is. Sources of one class have no machine.

    Time of `fit` O(n d^2), of `adapt` O(c d^2 + d^3) for c calibration rows, c for d where there
    are fewer.

    References
    ----------
    Yang, Yan, Hauptmann, "Cross-domain video concept detection using adaptive SVMs", ACM
    Multimedia 2007 (there with hinge loss).

    Examples
    --------
    >>> X, y = [[0.0, 0.0], [0.2, 0.1], [1.0, 1.0], [1.2, 0.9]], [0, 0, 1, 1]
    >>> C, y_calib = [[3.0, 0.0], [4.0, 1.0]], [0, 1]
    >>> asvm = AdaptiveSVM().fit(X, y)
    >>> asvm.predict(C).tolist(), asvm.adapt(X_calib=C, y_calib=y_calib).predict(C).tolist()
    ([1, 1], [0, 1])
    """

    needs_ = "labelled"

    def __init__(self, C: float = 1.0, *, C_source: float = 100.0, sources: str = "pooled") -> None:
        self.C = C
        self.C_source = C_source
        self.sources = sources

    @property
    def by_subject(self) -> bool:
        """Whether it uses `subjects`."""
        return self.sources == "each"

    @in_one_thread
    def _fit_source(self, X: Floats, y: NDArray[Any] | None, subjects: Any, rows: Any) -> None:
        C = check_cost("AdaptiveSVM", "C", self.C)
        C_source = check_cost("AdaptiveSVM", "C_source", self.C_source)
        if self.sources not in ("pooled", "each"):
            raise InputError(
                f"AdaptiveSVM: sources must be 'pooled' or 'each'; got {self.sources!r}."
            )
        self.classes_ = self._check_classes(y)
        codes = np.searchsorted(self.classes_, np.asarray(y))
        weight = np.ones(len(X)) if self._weight is None else self._weight
        variance = mean_variance(X, weight)
        self.centre_ = weight @ X / weight.sum()
        self.cost_ = C / (variance * X.shape[1])
        machine = self._machines(subjects, codes, weight)
        parts = [np.flatnonzero(machine == k) for k in range(machine.max() + 1)]
        planes = [
            fit_linear_svm(
                X[part],
                codes[part],
                len(self.classes_),
                C_source / (variance * float(weight[part].sum())),
                weight[part],
            )
            for part in parts
        ]
        self.source_coef_ = np.array([coef for coef, _ in planes])
        self.source_intercept_ = np.array([intercept for _, intercept in planes])
        self.sharpness_ = fit_sharpness(self._held_out_scores(X, machine), codes, weight)

    def _machines(
        self, subjects: NDArray[Any], codes: NDArray[np.intp], weight: Floats
    ) -> NDArray[np.intp]:
        """Say which machine each source row goes into; -1 for none."""
        pooled = np.zeros(len(codes), dtype=np.intp)
        if self.sources == "pooled":
            return pooled
        names, people = unique_subjects(subjects)
        used = weight > 0
        pairs = np.unique(np.column_stack([people[used], codes[used]]), axis=0)
        able = np.bincount(pairs[:, 0], minlength=len(names)) > 1
        if not able.any():
            warnings.warn(
                "AdaptiveSVM(sources='each'): no source has rows of more than one class, so that "
                "none has a machine of its own; all are pooled.",
                TransferWarning,
                stacklevel=2,
            )
            return pooled
        return np.where(able, np.cumsum(able) - 1, -1)[people]

    def _held_out_scores(self, X: Floats, machine: NDArray[np.intp]) -> Floats:
        """Give the mean scores of the machines that a row had no part in; of one, its own."""
        n_machines = len(self.source_coef_)
        total = X @ self.source_coef_.sum(axis=0).T + self.source_intercept_.sum(axis=0)
        if n_machines == 1:
            return total
        for k in range(n_machines):
            part = machine == k
            total[part] -= X[part] @ self.source_coef_[k].T + self.source_intercept_[k]
        return total / (n_machines - (machine >= 0))[:, None]

    def _forget_target(self) -> None:
        n_machines = len(self.source_coef_)
        self.shares_ = np.full(n_machines, 1 / n_machines)
        self.coef_, self.intercept_ = self._mixed(self.shares_)
        self.adapted_ = np.zeros(len(self.classes_), dtype=bool)

    def _mixed(self, shares: Floats) -> tuple[Floats, Floats]:
        return np.tensordot(shares, self.source_coef_, 1), shares @ self.source_intercept_

    def _n_consumed(self, target: Target) -> int:
        return len(target.X_calib)

    @in_one_thread
    def _adapt_target(self, target: Target) -> str:
        X, n_classes = target.X_calib, len(self.classes_)
        codes = np.searchsorted(self.classes_, np.asarray(target.y_calib))
        present = np.unique(codes)
        if len(present) == 1:
            warnings.warn(
                f"the {len(X)} calibration rows are all of the class "
                f"{self.classes_[present].tolist()[0]!r}, which says nothing on what tells classes "
                "apart; AdaptiveSVM keeps the sources' scores. Calibrate with two classes or more.",
                TransferWarning,
                stacklevel=2,
            )
            self._forget_target()
            return "labelled"
        scores = np.einsum("id,kcd->kic", X, self.source_coef_, optimize=True)
        shares = agreement_shares(scores + self.source_intercept_[:, None], codes)
        coef, intercept = self._mixed(shares)
        offsets = X @ coef.T + intercept
        solver = SquaredHinge(X - self.centre_, intercept=False)
        for code in [1] if n_classes == 2 else present:
            y = np.where(codes == code, 1.0, -1.0)
            move = solver.solve(y, self.cost_, offset=offsets[:, code]).coef
            coef[code] += move
            intercept[code] -= move @ self.centre_
        if n_classes == 2:
            coef[0], intercept[0] = -coef[1], -intercept[1]
        self.shares_, self.coef_, self.intercept_ = shares, coef, intercept
        self.adapted_ = np.isin(np.arange(n_classes), present)
        return "labelled"

    def _class_scores(self, X: Floats) -> Floats:
        return X @ self.coef_.T + self.intercept_


def agreement_shares(scores: Floats, codes: NDArray[np.intp]) -> Floats:
    """Weigh machines by how much better than guessing they tell the classes of labelled rows.

    Parameters
    ----------
    scores : ndarray of shape (n_machines, n_rows, n_classes)
    codes : ndarray of int, shape (n_rows,)
        The class of each row.

    Returns
    -------
    ndarray of shape (n_machines,)
        Proportional to the balanced accuracy over the classes that occur, less its value for a
        machine that always says one of them; all equal where none exceeds that. The sum is 1.

    Examples
    --------
    >>> right, always = [[1.0, 0.0], [0.0, 1.0]], [[1.0, 0.0], [1.0, 0.0]]
    >>> agreement_shares(np.array([right, always]), np.array([0, 1])).tolist()
    [1.0, 0.0]
    """
    hit = np.argmax(scores, axis=2) == codes
    recalls = np.array([hit[:, codes == code].mean(axis=1) for code in np.unique(codes)])
    excess = np.maximum(recalls.mean(axis=0) - 1 / len(recalls), 0.0)
    total = excess.sum()
    return excess / total if total > 0 else np.full(len(scores), 1 / len(scores))
