"""The transductive support vector machine: labels of the target that a margin likes best."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._threads import in_one_thread
from ..kernels.gram import canonical_order
from .answers import WeightedScoringClassifier, fit_sharpness
from .base import Floats, Target
from .class_mix import Prior, assumed_mix, class_shares
from .solvers.squared_hinge import (
    Hyperplane,
    SquaredHinge,
    check_cost,
    fit_linear_svm,
    mean_variance,
)

#: The target's cost rises through these shares of its final value.
ANNEALING = tuple(2.0**-k for k in range(10, -1, -1))


class TSVM(WeightedScoringClassifier):
    """Transductive support vector machine, linear, with squared hinge loss.

    Finds labels of the target rows, as many of each class as `prior` says, and the hyperplane
    that separates the sources and those labels with the least loss.

    Consumes: the unlabelled target rows, and knowledge of their class mix (see `assumes_`);
    calibration labels where there are some.
    Before adapt: the linear machine of the pooled sources.
    Memory: the source rows.

    Parameters
    ----------
    C : float
        Weight of the mean loss of the labelled rows against |w|^2 / 2, where the features' mean
        variance is 1. More rows, or features in another unit, do not change its meaning.
    C_target : float, optional
        Weight of the mean loss of the unlabelled target rows; None means `C`.
    prior : "sources", mapping or sequence
        The class mix of the target: that of the source rows, or the share of each class, as a
        mapping, a list of (class, share), or shares in the order of `classes_`. Given by you it
        is information about the wearer that other methods do not have. (A mapping can be stored
        in a profile only if the classes are strings.)

    Attributes
    ----------
    assumes_ : {"class mix of the sources", "class mix given"}
        What is taken to be known of the target's class mix; readable before `fit`.
    coef_ : ndarray of shape (n_classes, n_features)
    intercept_ : ndarray of shape (n_classes,)
        Scores are ``X @ coef_.T + intercept_``.
    prior_ : ndarray of shape (n_classes,)
    n_assigned_ : ndarray of int, shape (n_classes,)
        How many unlabelled target rows each class was given; zeros before `adapt`.
    trace_ : ndarray of shape (n_solutions, 3)
        For each solution found on the way: the class against the rest (its index), the share of
        `C_target`, and the objective. It never rises within a class and a share.

    Notes
    -----
    For each class against the rest (once, for two classes), with labels y of the l labelled
    rows, y* of the u unlabelled ones, v the mean variance of the source's features and
    h(m) = max(0, 1 - m)^2 / 2, minimises over w, b and y*

        |w|^2 / 2 + C / (v l) sum h(y f(x)) + C* / (v u) sum h(y* f(x)),  f(x) = w'x + b,

    where as many y* are 1 as the prior says (rounded; a half row is 1 if the sources' machine says
    so, which makes one row on its own keep the sources' label). The target as a whole weighs as
    much as the sources. Labels and hyperplane are found in turn, each exactly: given f, the best
    labels are 1 for the rows of largest f, and the hyperplane is solved to rounding. C* rises by
    doubling from C* / 1024. The result is a local minimum. Rows of equal f are told apart by
    their content, so that it does not depend on the order of the rows.

    Labelled calibration rows are labelled rows like those of the sources; their labels are kept,
    and count towards the class mix.

    Time O(n d^2) for the first solution and O(n d + changed d^2 + d^3) for each step of the
    others, about 80 of them a class; memory 3 n d.

    References
    ----------
    Joachims, "Transductive inference for text classification using support vector machines",
    ICML 1999. Sindhwani and Keerthi, "Large scale semi-supervised linear SVMs", SIGIR 2006
    (both means in the objective, many switches at once).

    Examples
    --------
    >>> X, y = [[0.0, 0.0], [0.2, 0.1], [1.0, 1.0], [1.2, 0.9]], [0, 0, 1, 1]
    >>> T = [[3.0, 0.0], [3.1, 0.1], [4.0, 1.0], [4.1, 0.9]]
    >>> tsvm = TSVM().fit(X, y)
    >>> tsvm.predict(T).tolist(), tsvm.adapt(T).predict(T).tolist()
    ([1, 1, 1, 1], [0, 0, 1, 1])
    """

    by_subject = False

    def __init__(
        self,
        C: float = 100.0,
        *,
        C_target: float | None = None,
        prior: Prior = "sources",
    ) -> None:
        self.C = C
        self.C_target = C_target
        self.prior = prior

    @property
    def assumes_(self) -> str:  # type: ignore[override]
        """What is taken to be known of the target's class mix."""
        return assumed_mix(self.prior)

    @in_one_thread
    def _fit_source(self, X: Floats, y: NDArray[Any] | None, subjects: Any, rows: Any) -> None:
        C = check_cost("TSVM", "C", self.C)
        C_target = C if self.C_target is None else check_cost("TSVM", "C_target", self.C_target)
        self.classes_ = self._check_classes(y)
        codes = np.searchsorted(self.classes_, np.asarray(y))
        weight = np.ones(len(X)) if self._weight is None else self._weight
        mix = np.array([weight[codes == code].sum() for code in range(len(self.classes_))])
        self.prior_ = class_shares(self.prior, self.classes_, mix, "TSVM")
        variance = mean_variance(X, weight)
        self.cost_, self.target_cost_ = C / variance, C_target / variance
        used = weight > 0
        self.X_, self.codes_, self.weight_ = X[used], codes[used], weight[used]
        planes = fit_linear_svm(
            self.X_,
            self.codes_,
            len(self.classes_),
            self.cost_ / float(weight.sum()),
            self.weight_,
        )
        self.source_coef_, self.source_intercept_ = planes
        self.source_sharpness_ = self._sharpness(*planes)

    def _forget_target(self) -> None:
        self.coef_, self.intercept_ = self.source_coef_, self.source_intercept_
        self.sharpness_ = self.source_sharpness_
        self.n_assigned_ = np.zeros(len(self.classes_), dtype=np.intp)
        self.trace_ = np.empty((0, 3))

    @in_one_thread
    def _adapt_target(self, target: Target) -> str:
        n_free = len(target.X) - (0 if target.y_calib is None else len(target.X_calib))
        free = target.X[:n_free]
        free = free[canonical_order(free)] if n_free else free
        codes, weight = self.codes_, self.weight_
        known = np.empty(0, dtype=np.intp)
        if target.y_calib is not None:
            known = np.searchsorted(self.classes_, target.y_calib)
            codes, weight = np.append(codes, known), np.append(weight, np.ones(len(known)))
        solver = SquaredHinge(np.vstack([self.X_, target.X[n_free:], free]))
        cost = self.cost_ * weight / weight.sum()
        n_classes = len(self.classes_)
        coef, intercept = self.source_coef_.copy(), self.source_intercept_.copy()
        n_known = np.bincount(known, minlength=n_classes)
        n_positive = rows_of_classes(self.prior_, n_known, free @ coef.T + intercept)
        traces = []
        for code in [1] if n_classes == 2 else range(n_classes):
            start = Hyperplane(coef[code], float(intercept[code]), np.nan)
            switched = switch_labels(
                solver,
                free,
                np.where(codes == code, 1.0, -1.0),
                cost,
                self.target_cost_ / max(n_free, 1),
                int(n_positive[code]),
                start,
            )
            coef[code], intercept[code] = switched.plane.coef, switched.plane.intercept
            traces += [(float(code), share, value) for share, value in switched.trace]
        if n_classes == 2:
            coef[0], intercept[0] = -coef[1], -intercept[1]
            n_positive[0] = n_free - n_positive[1]
        sharpness = self._sharpness(coef, intercept)
        self.coef_, self.intercept_, self.sharpness_ = coef, intercept, sharpness
        self.n_assigned_, self.trace_ = n_positive, np.array(traces)
        return target.level

    def _sharpness(self, coef: Floats, intercept: Floats) -> float:
        return fit_sharpness(self.X_ @ coef.T + intercept, self.codes_, self.weight_)

    def _class_scores(self, X: Floats) -> Floats:
        return X @ self.coef_.T + self.intercept_


def rows_of_classes(prior: Floats, n_known: NDArray[np.intp], scores: Floats) -> NDArray[np.intp]:
    """Say how many unlabelled rows each class gets.

    Parameters
    ----------
    prior : ndarray of shape (n_classes,)
    n_known : ndarray of int, shape (n_classes,)
        Labelled rows of each class.
    scores : ndarray of shape (n_free, n_classes)
        Of the unlabelled rows, each class against the rest.

    Returns
    -------
    ndarray of int, shape (n_classes,)
        With the labelled ones, the class's share of all rows, rounded. A half row goes to the
        class when the score of the row that it would be is positive: the order of the classes'
        names says nothing on it.

    Examples
    --------
    >>> scores = np.array([[-1.0, 1.0], [3.0, -3.0], [2.0, -2.0]])
    >>> rows_of_classes(np.array([0.5, 0.5]), np.zeros(2, dtype=int), scores).tolist()
    [2, 1]
    """
    n_free = len(scores)
    exact = prior * (n_free + n_known.sum()) - n_known
    counts = np.clip(np.floor(exact + 0.5), 0, n_free).astype(np.intp)
    lower = np.floor(exact)
    for code in np.flatnonzero(np.abs(exact - lower - 0.5) < 1e-9):
        k = int(lower[code])
        if 0 <= k < n_free:
            counts[code] = k + (np.sort(scores[:, code])[n_free - 1 - k] > 0)
    return counts


@dataclass(frozen=True)
class Switched:
    """The end of label switching.

    Attributes
    ----------
    plane : Hyperplane
    labels : ndarray of shape (n_free,)
        -1 or 1.
    trace : list of (float, float)
        The share of the free rows' cost and the objective, for each solution on the way.
    """

    plane: Hyperplane
    labels: Floats
    trace: list[tuple[float, float]]


def switch_labels(
    solver: SquaredHinge,
    free: Floats,
    y_known: Floats,
    cost_known: Floats,
    cost_free: float,
    n_positive: int,
    start: Hyperplane,
) -> Switched:
    """Find labels of the free rows and a hyperplane, in turn, while the free rows' cost rises.

    Parameters
    ----------
    solver : SquaredHinge
        Of the known rows followed by the free rows.
    free : ndarray of shape (n_free, n_features)
        In an order that does not depend on the caller.
    y_known : ndarray of shape (n_known,)
        -1 or 1.
    cost_known : ndarray of shape (n_known,)
    cost_free : float
        Final cost of one free row.
    n_positive : int
        How many free rows are labelled 1.
    start : Hyperplane
        Its scores give the first labels.

    Returns
    -------
    Switched

    Notes
    -----
    The objective never rises at one cost: both the labels, for a given hyperplane, and the
    hyperplane, for given labels, are the best there are. There are finitely many labellings, so
    that it ends.

    Examples
    --------
    >>> X = np.array([[-1.0], [1.0], [2.0], [3.0]])
    >>> start = Hyperplane(np.ones(1), 0.0, 0.0)
    >>> known = np.array([-1.0, 1.0])
    >>> switch_labels(SquaredHinge(X), X[2:], known, np.ones(2), 9.0, 1, start).labels.tolist()
    [-1.0, 1.0]
    """
    plane, labels = start, balanced_labels(free @ start.coef, n_positive)
    trace: list[tuple[float, float]] = []
    for share in ANNEALING if len(free) else (1.0,):
        costs = np.append(cost_known, np.full(len(free), share * cost_free))
        best = np.inf
        while True:
            plane = solver.solve(np.append(y_known, labels), costs, start=plane)
            trace.append((share, plane.objective))
            better = balanced_labels(free @ plane.coef, n_positive)
            # labels that differ and gain nothing are ties
            if np.array_equal(better, labels) or not plane.objective < best * (1 - 1e-12):
                break
            labels, best = better, plane.objective
    return Switched(plane, labels, trace)


def balanced_labels(scores: Floats, n_positive: int) -> Floats:
    """Label the rows of the largest scores 1, the others -1.

    Parameters
    ----------
    scores : ndarray of shape (n_rows,)
        Scores that differ by rounding only count as equal; the first rows then go first.
    n_positive : int

    Returns
    -------
    ndarray of shape (n_rows,)

    Notes
    -----
    These are the labels of least loss for every loss l(y f) that does not rise with its margin.
    Labelled 1 instead of -1 a row of score f costs D(f) = l(f) - l(-f) more, where neither
    l(f) nor -l(-f) rises with f; the sum of n_positive values of D is least over the
    rows of the largest f.

    Examples
    --------
    >>> balanced_labels(np.array([0.3, -2.0, 0.5]), 1).tolist()
    [-1.0, -1.0, 1.0]
    """
    size = float(np.abs(scores).max(initial=0.0))
    steps = np.round(scores / size * 1e10) if size > 0 else scores
    labels = np.full(len(scores), -1.0)
    labels[np.argsort(-steps, kind="stable")[:n_positive]] = 1.0
    return labels
