"""Linear support vector machines with squared hinge loss, solved to rounding by Newton steps.

The objective is piecewise quadratic, so that a Newton step with an exact line search ends after
finitely many steps at the solution itself. Results therefore depend neither on the order of the
rows nor on a tolerance. Rows may have costs of their own (weights, pseudo-labels) and decision
values that they start from (adaptive SVM), and a solver keeps what it computed for the next
problem on the same rows (label switching).
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

from ...errors import InputError, TransferWarning

Floats = NDArray[np.float64]

#: Length of the Newton step, against that of w, at which a solution counts as exact.
_TOLERANCE = 1e-12
#: Newton steps on one quadratic piece, without progress, after which rounding is what is left.
_PATIENCE = 3
#: A line search that ends this early was blocked where it began.
_BLOCKED = 1e-10
_MAX_STEPS = 500
#: A pivot of the Cholesky factor this small against its diagonal has no digits left.
_SMALLEST_PIVOT = 1e-10
#: The kept sum is counted afresh when this many times its trace was taken off.
_MOST_TAKEN_OFF = 100.0
_BLOCK_ROWS = 8192
_EPS = float(np.finfo(np.float64).eps)


@dataclass(frozen=True)
class Hyperplane:
    """The solution of one two-class problem.

    Attributes
    ----------
    coef : ndarray of shape (n_features,)
    intercept : float
    objective : float
        Value of what was minimised.
    """

    coef: Floats
    intercept: float
    objective: float


class SquaredHinge:
    """Two-class linear SVMs on fixed rows.

    Minimises |w|^2 / 2 + sum_i c_i max(0, 1 - y_i (f_i + x_i'w + b))^2 / 2 over w and b; the
    intercept is not regularised.

    Parameters
    ----------
    X : ndarray of shape (n_rows, n_features)
        Copied.
    intercept : bool
        Whether there is a b.

    Notes
    -----
    Each step solves (I + sum over active rows c_i x_i x_i') d^2 equations. The sum is kept from
    step to step and from problem to problem, and only the rows whose part in it changed are
    added or taken off: O(changed d^2 + n d + d^3) a step, memory n d + d^2. With fewer rows than
    features w lies in the span of the rows, and the problem is solved there: d is then n.

    The solution is unique except where w = 0 has no loss (for example all rows on one side):
    any b of an interval does then, and the one nearest to 0 is given.

    With an intercept the rows are centred first, which changes the intercept and nothing else.

    References
    ----------
    Keerthi and DeCoste, "A modified finite Newton method for fast solution of large scale linear
    SVMs", Journal of Machine Learning Research 6, 2005.

    Examples
    --------
    >>> solver = SquaredHinge(np.array([[-2.0], [-1.0], [1.0], [2.0]]))
    >>> plane = solver.solve(np.array([-1.0, -1.0, 1.0, 1.0]), 10.0)
    >>> round(plane.coef.item(), 3), round(plane.intercept, 3)
    (0.952, 0.0)
    """

    def __init__(self, X: Floats, *, intercept: bool = True) -> None:
        n, d = X.shape
        self._intercept = intercept
        self._centre = X.mean(axis=0) if intercept and n else np.zeros(d)
        self._basis: Floats | None = None  # of the rows' span, where that is the smaller space
        if n < d:
            self._basis, triangle = linalg.qr((X - self._centre).T, mode="economic")
            self._d = n
            self._rows = np.ones((n, n + intercept))
            self._rows[:, :n] = triangle.T
        else:
            self._d = d
            self._rows = np.ones((n, d + intercept))
            np.subtract(X, self._centre, out=self._rows[:, :d])
        squares = np.einsum("ij,ij->j", self._rows, self._rows)
        self._spread = np.sqrt(squares / max(n, 1))  # root mean square of each column
        self._used = np.zeros(n)  # what each row's outer product counts in the sum below
        self._sum = np.zeros((self._rows.shape[1],) * 2)
        self._taken_off = 0.0

    def solve(
        self,
        y: Floats,
        cost: Floats | float,
        *,
        offset: Floats | float = 0.0,
        start: Hyperplane | None = None,
    ) -> Hyperplane:
        """Solve one problem.

        Parameters
        ----------
        y : ndarray of shape (n_rows,)
            -1 or 1.
        cost : ndarray of shape (n_rows,) or float
            c_i, not negative; rows of cost 0 do not count.
        offset : ndarray of shape (n_rows,) or float
            f_i, decision values that the rows have already.
        start : Hyperplane, optional
            Where to start; it changes the number of steps only.

        Returns
        -------
        Hyperplane
        """
        costs = np.broadcast_to(np.asarray(cost, dtype=np.float64), (len(self._rows),))
        wanted = y - offset  # what x'w + b has to reach: y^2 is 1
        without_loss = self._intercept_without_loss(y[costs > 0], wanted[costs > 0])
        if without_loss is not None:
            return Hyperplane(np.zeros(len(self._centre)), without_loss, 0.0)
        return self._hyperplane(*self._descend(y, costs, wanted, self._point(start)))

    def _intercept_without_loss(self, y: Floats, wanted: Floats) -> float | None:
        """Give the b nearest to 0 with which w = 0 has no loss, or None where there is none."""
        lowest = float(np.max(wanted[y > 0], initial=-np.inf))
        highest = float(np.min(wanted[y < 0], initial=np.inf))
        if not self._intercept:
            return 0.0 if lowest <= 0 <= highest else None
        return float(np.clip(0.0, lowest, highest)) if lowest <= highest else None

    def _point(self, start: Hyperplane | None) -> Floats:
        """Express a hyperplane in the coordinates of the rows that are kept."""
        point = np.zeros(self._rows.shape[1])
        if start is not None:
            point[: self._d] = start.coef if self._basis is None else self._basis.T @ start.coef
            if self._intercept:
                point[-1] = start.intercept + self._centre @ start.coef
        return point

    def _hyperplane(self, point: Floats, objective: float) -> Hyperplane:
        w = point[: self._d].copy()
        coef = w if self._basis is None else self._basis @ w
        intercept = float(point[-1] - self._centre @ coef) if self._intercept else 0.0
        return Hyperplane(coef, intercept, objective)

    def _descend(
        self, y: Floats, costs: Floats, wanted: Floats, point: Floats
    ) -> tuple[Floats, float]:
        """Take Newton steps with exact line searches until only rounding is left."""
        d = self._d
        before: Floats | None = None
        length_before, waited, ahead = np.inf, 0, 1.0
        for _ in range(_MAX_STEPS):
            residual = wanted - self._rows @ point
            margin = y * residual
            rounding = _EPS * (np.abs(wanted) + self._spread @ np.abs(point))
            # A step of no length was stopped by rows that are about to become active.
            active = margin > (0.0 if ahead > _BLOCKED else -4 * rounding)
            loss = costs * np.maximum(margin, 0.0)
            objective = float(point[:d] @ point[:d] + loss @ np.maximum(margin, 0.0)) / 2
            gradient = -((loss * y) @ self._rows)
            gradient[:d] += point[:d]
            self._count(np.where(active, costs, 0.0))
            step = self._newton_step(point, gradient, residual)
            # Its length in the metric of the second derivative bounds the error of w.
            length = max(float(-gradient @ step), 0.0) ** 0.5
            noise = float(self._used @ rounding**2) ** 0.5
            if length <= max(_TOLERANCE * linalg.norm(point[:d]), noise):
                point = point + step
                break
            # On one quadratic piece a second step can only mend what rounding did to the first.
            stays = before is not None and np.array_equal(before, self._used)
            waited = waited + 1 if stays and length > length_before / 2 else 0
            slope, square = float(point[:d] @ step[:d]), float(step[:d] @ step[:d])
            ahead = _line_minimum(slope, square, margin, y * (self._rows @ step), costs)
            if waited == _PATIENCE:
                break
            before, length_before = self._used, length
            point = point + ahead * step
        else:
            warnings.warn(
                f"the linear SVM did not reach its solution in {_MAX_STEPS} Newton steps; the "
                "features may be scaled too differently. Put a SubjectNormalizer before it.",
                TransferWarning,
                stacklevel=3,
            )
        return point, objective

    def _newton_step(self, point: Floats, gradient: Floats, residual: Floats) -> Floats:
        """Give the way to the minimum of the quadratic piece whose rows are counted."""
        factor = self._factor()
        if factor is not None:
            return -linalg.cho_solve((factor, True), gradient, check_finite=False)
        # The sum has squared the condition of the rows; least squares on the rows has not.
        used = np.flatnonzero(self._used)
        root = np.sqrt(self._used[used])
        regular = np.eye(self._d, self._rows.shape[1])
        left = np.vstack([self._rows[used] * root[:, None], regular])
        right = np.append(root * residual[used], -point[: self._d])
        return linalg.lstsq(left, right, check_finite=False, lapack_driver="gelsy")[0]

    def _factor(self) -> Floats | None:
        """Factorise the second derivative; None where rounding has eaten it."""
        d = self._d
        matrix = self._sum.copy()
        matrix.flat[: d * len(matrix) : len(matrix) + 1] += 1.0
        diagonal = matrix.diagonal().copy()
        try:
            factor = linalg.cholesky(matrix, lower=True, overwrite_a=True, check_finite=False)
        except linalg.LinAlgError:
            return None
        return factor if np.all(factor.diagonal() ** 2 > _SMALLEST_PIVOT * diagonal) else None

    def _count(self, weights: Floats) -> None:
        """Bring the sum of c_i x_i x_i' up to date."""
        changed = np.flatnonzero(weights != self._used)
        difference = weights[changed] - self._used[changed]
        if len(changed) > np.count_nonzero(weights):
            self._count_afresh(weights)
            return
        added = difference > 0
        self._add(changed[added], difference[added], 1.0)
        self._taken_off += self._add(changed[~added], -difference[~added], -1.0)
        self._used = weights
        if self._taken_off > _MOST_TAKEN_OFF * np.trace(self._sum):
            self._count_afresh(weights)

    def _count_afresh(self, weights: Floats) -> None:
        self._sum[:] = 0.0
        self._taken_off = 0.0
        used = np.flatnonzero(weights)
        self._add(used, weights[used], 1.0)
        self._used = weights

    def _add(self, indices: NDArray[np.intp], weights: Floats, sign: float) -> float:
        """Add rows to the sum, or take them off, and give their trace."""
        trace = 0.0
        for begin in range(0, len(indices), _BLOCK_ROWS):
            block = slice(begin, begin + _BLOCK_ROWS)
            rows = self._rows[indices[block]]
            rows *= np.sqrt(weights[block])[:, None]
            product = rows.T @ rows
            trace += float(np.trace(product))
            self._sum += sign * product
        return trace


def _line_minimum(
    slope: float, square: float, margin: Floats, along: Floats, costs: Floats
) -> float:
    """Minimise slope t + square t^2 / 2 + sum c max(0, margin - t along)^2 / 2 over t >= 0.

    The derivative is piecewise linear and rises; its root is found by sorting the places where
    rows become active or cease to be.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        places = margin / along
    crossing = np.isfinite(places) & (places > 0) & (costs > 0)
    active = np.where(margin == 0, along < 0, margin > 0)
    weight = costs * along
    level = slope - np.sum((weight * margin)[active])  # derivative is level + rise t
    rise = square + np.sum((weight * along)[active])
    if level >= 0:
        return 0.0
    index = np.flatnonzero(crossing)
    index = index[np.argsort(places[index], kind="stable")]
    # active rows leave at their place, the others enter there
    sign = np.where(active[index], -1.0, 1.0)
    levels = np.append(level, level - np.cumsum(sign * (weight * margin)[index]))
    rises = np.append(rise, rise + np.cumsum(sign * (weight * along)[index]))
    begins, ends = np.append(0.0, places[index]), np.append(places[index], np.inf)
    with np.errstate(divide="ignore", invalid="ignore"):
        roots = np.where(rises > 0, -levels / rises, np.inf)
    piece = int(np.argmax(roots <= ends))
    root = float(roots[piece])
    # rounding can put the root before its piece, or leave the last piece without a rise
    return max(root, float(begins[piece])) if np.isfinite(root) else float(begins[piece])


def fit_linear_svm(
    X: Floats, codes: NDArray[np.intp], n_classes: int, C: float, weight: Floats | None = None
) -> tuple[Floats, Floats]:
    """Fit one linear SVM a class against the rest.

    Parameters
    ----------
    X : ndarray of shape (n_rows, n_features)
    codes : ndarray of int, shape (n_rows,)
        Class of each row.
    n_classes : int
    C : float
        Cost of a row; the loss is divided by nothing, as in scikit-learn's `LinearSVC`, whose
        squared hinge is C times, not C / 2 times, the square: its C is half of this one.
    weight : ndarray of shape (n_rows,), optional
        Multiplies the cost of each row.

    Returns
    -------
    coef : ndarray of shape (n_classes, n_features)
    intercept : ndarray of shape (n_classes,)
        Scores are ``X @ coef.T + intercept``. Of two classes one problem is solved, and the
        scores are opposite. A class without rows has the score -1 everywhere, what a machine
        that never saw it says.

    Examples
    --------
    >>> X, codes = np.array([[-2.0], [-1.0], [1.0], [2.0]]), np.array([0, 0, 1, 1])
    >>> fit_linear_svm(X, codes, 2, 10.0)[0].round(3).ravel().tolist()
    [-0.952, 0.952]
    """
    cost = np.full(len(X), float(C)) if weight is None else C * weight
    coef, intercept = np.zeros((n_classes, X.shape[1])), np.full(n_classes, -1.0)
    present = np.unique(codes[cost > 0])
    if len(present) == 1:
        intercept[present[0]] = 1.0
        return coef, intercept
    solver = SquaredHinge(X)
    if len(present) == 2:
        low, high = present
        plane = solver.solve(np.where(codes == high, 1.0, -1.0), cost)
        coef[high], intercept[high] = plane.coef, plane.intercept
        coef[low], intercept[low] = -plane.coef, -plane.intercept
        return coef, intercept
    for code in present:
        plane = solver.solve(np.where(codes == code, 1.0, -1.0), cost)
        coef[code], intercept[code] = plane.coef, plane.intercept
    return coef, intercept


def check_cost(owner: str, name: str, value: Any) -> float:
    """Validate the cost of a machine's loss: a finite positive number.

    Parameters
    ----------
    owner, name : str
        Class and parameter, for the message of the `InputError`.
    value

    Returns
    -------
    float
    """
    number = isinstance(value, int | float | np.integer | np.floating)
    if not number or isinstance(value, bool) or not 0 < value < np.inf:
        raise InputError(f"{owner}: {name} must be a positive number; got {value!r}.")
    return float(value)


def mean_variance(X: Floats, weight: Floats) -> float:
    """Give the mean over the features of their variances; 1 when no feature varies.

    Costs divided by it do not depend on the unit of the features.

    Parameters
    ----------
    X : ndarray of shape (n_rows, n_features)
    weight : ndarray of shape (n_rows,)
        How often each row counts.

    Returns
    -------
    float

    Examples
    --------
    >>> mean_variance(np.array([[0.0, 0.0], [2.0, 4.0]]), np.ones(2))
    2.5
    """
    share = weight / weight.sum()
    mean = share @ X
    square = 0.0
    for begin in range(0, len(X), _BLOCK_ROWS):
        block = slice(begin, begin + _BLOCK_ROWS)
        square += float(share[block] @ np.square(X[block] - mean).mean(axis=1))
    return square if square > 1e-24 * float(np.mean(mean**2)) else 1.0
