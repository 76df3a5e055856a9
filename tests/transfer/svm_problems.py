"""Problems for linear machines that several tests share."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from reference.squared_hinge_naive import gradient

from eegtl.transfer.solvers.squared_hinge import Hyperplane, SquaredHinge
from eegtl.transfer.tsvm import TSVM

Problem = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def problem(n: int, d: int, *, seed: int = 0, noise: float = 1.0, cost: float = 1.0) -> Problem:
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, d)) @ (rng.standard_normal((d, d)) / np.sqrt(d)) + 1.0
    scores = (X - 1.0) @ rng.standard_normal(d) + noise * rng.standard_normal(n)
    y = np.where(scores > 0.3, 1.0, -1.0)
    y[:2] = [-1.0, 1.0]
    costs = cost * rng.uniform(0.2, 2.0, size=n) * (rng.random(n) < 0.8)
    costs[:2] = cost
    return X, y, costs, 0.7 * rng.standard_normal(n)


def solve(given_problem: Problem, *, intercept: bool = True, start: Any = None) -> Hyperplane:
    X, y, cost, offset = given_problem
    return SquaredHinge(X, intercept=intercept).solve(y, cost, offset=offset, start=start)


def check_optimal(plane: Hyperplane, given_problem: Problem, *, intercept: bool = True) -> None:
    """Each derivative is zero, as far as the margins' own rounding lets it."""
    slopes, rounding = gradient(plane.coef, plane.intercept, *given_problem)
    if not intercept:
        assert plane.intercept == 0.0
        slopes, rounding = slopes[:-1], rounding[:-1]
    assert np.all(np.abs(slopes) <= 1e-12 * np.abs(plane.coef).max() + 3 * rounding)


def same(a: Hyperplane, b: Hyperplane, tolerance: float = 1e-10) -> None:
    scale = np.linalg.norm(a.coef) + abs(a.intercept)
    assert np.linalg.norm(a.coef - b.coef) <= tolerance * scale
    assert abs(a.intercept - b.intercept) <= tolerance * scale
    assert b.objective == pytest.approx(a.objective, rel=1e-12, abs=1e-300)


SHAPES = {
    "many rows": problem(120, 6),
    "one feature": problem(40, 1),
    "more features than rows": problem(15, 60),
    "as many features as rows": problem(20, 20),
    "large costs": problem(60, 5, cost=1e5),
    "small costs": problem(60, 5, cost=1e-5),
    "separable": problem(50, 8, noise=0.0, cost=1e3),
}
both = pytest.mark.parametrize("intercept", [True, False])


def shifted(
    n: int, n_target: int, *, seed: int = 0, d: int = 3, shift: float = 1.0, share: float = 0.5
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Two classes, told apart by all features; the target is shifted along some of them."""
    rng = np.random.default_rng(seed)
    y, y_target = np.arange(n) % 2, np.arange(n_target) < round(share * n_target)
    effect = 1.5 * rng.choice([-1, 1], size=d)
    move = shift * rng.standard_normal(d) * (np.arange(d) % 2)
    X = np.where(y == 1, 1, -1)[:, None] * effect / 2 + rng.standard_normal((n, d))
    T = np.where(y_target, 1, -1)[:, None] * effect / 2 + rng.standard_normal((n_target, d))
    return X, y, T + move, y_target.astype(int)


def plane_of(fitted: TSVM) -> tuple[np.ndarray, float]:
    return fitted.coef_[1], float(fitted.intercept_[1])
