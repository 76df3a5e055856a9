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

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

from ..errors import TransferWarning

Floats = NDArray[np.float64]

#: Relative length of the gradient at which a solution counts as exact.
_TOLERANCE = 1e-11
_MAX_STEPS = 200


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
        Kept by reference; it must not change.
    intercept : bool
        Whether there is a b.

    Notes
    -----
    Each step solves (I + sum over active rows c_i x_i x_i') d^2 equations. The sum is kept from
    step to step and from problem to problem, and only the rows whose part in it changed are
    added or taken off: O(changed d^2 + n d + d^3) a step, memory d^2 besides the rows.

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
        self._X = X
        self._intercept = intercept
        p = X.shape[1] + intercept
        self._used = np.zeros(len(X))  # what each row's outer product counts in the sum below
        self._sum = np.zeros((p, p))

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
        costs = np.broadcast_to(np.asarray(cost, dtype=np.float64), (len(self._X),))
        d = self._X.shape[1]
        point = np.zeros(d + self._intercept)
        if start is not None:
            point[:d] = start.coef
            if self._intercept:
                point[d] = start.intercept
        margin = 1 - y * (offset + self._apply(point))
        for _ in range(_MAX_STEPS):
            active = margin > 0
            pull = self._transposed(np.where(active, costs * margin * y, 0.0))
            regular = point.copy()
            regular[d:] = 0.0
            gradient = regular - pull
            # at the solution both parts are equal; their size is what rounding is relative to
            size = linalg.norm(regular) + linalg.norm(pull) + 1e-300
            if linalg.norm(gradient) <= _TOLERANCE * size:
                break
            self._count(np.where(active, costs, 0.0))
            step = -self._newton(gradient)
            along = y * self._apply(step)
            slope, square = float(regular @ step), float(step[:d] @ step[:d])
            length = _line_minimum(slope, square, margin, along, costs)
            if not length > 0:  # rounding: no descent is left
                break
            point = point + length * step
            margin = 1 - y * (offset + self._apply(point))
        else:
            warnings.warn(
                f"the linear SVM did not reach its solution in {_MAX_STEPS} Newton steps; the "
                "features may be scaled too differently. Put a SubjectNormalizer before it.",
                TransferWarning,
                stacklevel=2,
            )
        loss = float(costs @ np.square(np.maximum(margin, 0.0))) / 2
        objective = float(point[:d] @ point[:d]) / 2 + loss
        return Hyperplane(point[:d], float(point[d]) if self._intercept else 0.0, objective)

    def _apply(self, point: Floats) -> Floats:
        d = self._X.shape[1]
        values = self._X @ point[:d]
        return values + point[d] if self._intercept else values

    def _transposed(self, values: Floats) -> Floats:
        product = values @ self._X
        return np.append(product, values.sum()) if self._intercept else product

    def _count(self, wanted: Floats) -> None:
        """Bring the sum of c_i x_i x_i' up to date."""
        if np.count_nonzero(wanted != self._used) > np.count_nonzero(wanted):
            self._sum[:] = 0.0  # counting afresh is cheaper, and sheds what rounding left
            self._used[:] = 0.0
        changed = np.flatnonzero(wanted != self._used)
        difference = wanted[changed] - self._used[changed]
        for sign in (1.0, -1.0):
            part = changed[sign * difference > 0]
            if len(part):
                root = np.sqrt(sign * difference[sign * difference > 0])
                rows = self._X[part] * root[:, None]
                if self._intercept:
                    rows = np.column_stack([rows, root])
                self._sum += sign * (rows.T @ rows)
        self._used = wanted

    def _newton(self, gradient: Floats) -> Floats:
        d = self._X.shape[1]
        matrix = self._sum.copy()
        matrix.flat[: d * len(matrix) : len(matrix) + 1] += 1.0
        if self._intercept:  # with no active row nothing holds the intercept
            matrix[d, d] += 1e-12 * (1.0 + matrix[d, d])
        try:
            return linalg.solve(matrix, gradient, assume_a="pos", check_finite=False)
        except linalg.LinAlgError:  # rounding of sums taken off; a descent direction all the same
            return linalg.lstsq(matrix, gradient)[0]


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
    ends = np.append(places[index], np.inf)
    with np.errstate(divide="ignore", invalid="ignore"):
        roots = np.where(rises > 0, -levels / rises, np.inf)
    first = int(np.argmax(roots <= ends))
    return float(roots[first]) if np.isfinite(roots[first]) else 0.0


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
