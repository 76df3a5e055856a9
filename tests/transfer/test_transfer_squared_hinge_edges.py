"""The exact linear SVM where a solution is not unique, or where numbers run out of digits."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from reference.squared_hinge_naive import gradient, objective, solve_generally
from transfer.svm_problems import SHAPES, both, check_optimal, problem, solve

from eegtl.errors import TransferWarning
from eegtl.transfer.solvers import squared_hinge
from eegtl.transfer.solvers.squared_hinge import Hyperplane, SquaredHinge


class TestDegenerate:
    @pytest.mark.parametrize("side", [1.0, -1.0])
    def test_all_rows_on_one_side(self, side: float) -> None:
        """Any b of at least 1 has no loss; the smallest is given, wherever it starts."""
        X = problem(20, 3)[0]
        solver = SquaredHinge(X)
        start = Hyperplane(np.ones(3), 7.0 * side, 0.0)
        for plane in (
            solver.solve(np.full(20, side), 3.0),
            solver.solve(np.full(20, side), 3.0, start=start),
        ):
            assert plane.coef.tolist() == [0.0, 0.0, 0.0]
            assert plane.intercept == side
            assert plane.objective == 0.0

    def test_offsets_that_need_nothing(self) -> None:
        X, y, cost, _ = problem(20, 3)
        plane = solve((X, y, cost, 5.0 * y))
        assert np.all(plane.coef == 0)
        assert plane.intercept == 0.0
        plane = solve((X, y, cost, 5.0 * y + 10.0))
        assert np.all(plane.coef == 0)
        assert plane.intercept == pytest.approx(-6.0)  # the nearest to 0 of -14 to -6
        plane = solve((X, y, cost, 5.0 * y), intercept=False)
        assert np.all(plane.coef == 0)

    def test_one_side_without_an_intercept(self) -> None:
        X = problem(20, 3)[0]
        one = (X, np.ones(20), np.full(20, 2.0), np.zeros(20))
        plane = solve(one, intercept=False)
        assert np.linalg.norm(plane.coef) > 0.1
        check_optimal(plane, one, intercept=False)

    def test_no_row_counts(self) -> None:
        X, y, _, offset = problem(20, 3)
        plane = solve((X, y, np.zeros(20), offset))
        assert (plane.coef.tolist(), plane.intercept, plane.objective) == ([0.0] * 3, 0.0, 0.0)

    def test_one_row(self) -> None:
        plane = SquaredHinge(np.array([[2.0, 0.0]])).solve(np.array([1.0]), 1.0)
        assert (plane.coef.tolist(), plane.intercept) == ([0.0, 0.0], 1.0)
        # without b: minimise w^2 / 2 + (1 - 2 w)^2 / 2
        plane = SquaredHinge(np.array([[2.0, 0.0]]), intercept=False).solve(np.array([1.0]), 1.0)
        np.testing.assert_allclose(plane.coef, [0.4, 0.0], atol=1e-15)

    def test_rows_that_are_all_equal(self) -> None:
        """Only b is left: the weighted mean of the labels, as both sides stay active."""
        plane = SquaredHinge(np.full((4, 2), 3.0)).solve(np.array([1.0, 1.0, 1.0, -1.0]), 2.0)
        np.testing.assert_allclose(plane.coef, 0.0, atol=1e-12)
        assert plane.intercept == pytest.approx(0.5)

    def test_duplicate_features_share_the_weight(self) -> None:
        X, y, cost, offset = problem(60, 3)
        plane = solve((np.column_stack([X, X[:, 0]]), y, cost, offset))
        assert plane.coef[3] == pytest.approx(plane.coef[0], rel=1e-10)
        # two copies count as one feature that is sqrt(2) times as large
        large = solve((X * [np.sqrt(2), 1.0, 1.0], y, cost, offset))
        np.testing.assert_allclose(plane.coef[:3], large.coef * [np.sqrt(0.5), 1, 1], rtol=1e-9)

    @both
    @pytest.mark.parametrize("scale", [1e-6, 1e6])
    def test_features_of_any_scale(self, scale: float, intercept: bool) -> None:
        X, y, cost, offset = problem(80, 6)
        X = X * np.where(np.arange(6) % 2, scale, 1.0)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            plane = solve((X, y, cost, offset), intercept=intercept)
        slopes, rounding = gradient(plane.coef, plane.intercept, X, y, cost, offset)
        assert np.all((np.abs(slopes) <= 10 * rounding)[: 6 + intercept])

    @pytest.mark.parametrize("copies", [2, 5])
    def test_features_that_are_all_but_equal(self, copies: int) -> None:
        X, y, cost, _ = problem(60, 3, cost=1e6)
        X = np.column_stack([1e5 * X] * copies)
        X += 1e-3 * np.random.default_rng(1).standard_normal(X.shape)
        plane = solve((X, y, cost, np.zeros(60)))
        w, b = solve_generally(X, y, cost, np.zeros(60))
        assert plane.objective <= objective(w, b, X, y, cost, np.zeros(60)) * (1 + 1e-9)
        assert plane.objective < 0.5 * cost.sum() / 2

    # Named seeds: the squares of the rows have no digits left (first five), steps that only
    # rounding moves (next three), steps blocked by rows on their margin (last four, one-sided).
    @pytest.mark.parametrize("one_sided", [False, True])
    @pytest.mark.parametrize(
        "seed", [620, 923, 1138, 1189, 1363, 71, 715, 1375, 291, 304, 399, 3350, *range(30)]
    )
    def test_condition_beyond_double_precision(self, seed: int, one_sided: bool) -> None:
        rng = np.random.default_rng(seed)
        n, d = int(rng.integers(2, 60)), int(rng.integers(1, 30))
        scale = 10.0 ** rng.uniform(-3, 3, size=d if rng.integers(2) else 1)
        X = rng.standard_normal((n, d)) * scale
        X += 10.0 ** rng.uniform(0, 5) * rng.standard_normal(d)
        if rng.integers(2):
            X = np.round(X)
        if rng.integers(2):
            X = X[rng.integers(n, size=n)]
        y = np.ones(n) if one_sided else np.where(rng.random(n) < rng.random(), 1.0, -1.0)
        cost = 10.0 ** rng.uniform(2, 6)
        offset = 0.0 if rng.integers(2) else rng.standard_normal(n) * 10.0 ** rng.uniform(-2, 2)
        start = Hyperplane(rng.standard_normal(d) * 10.0 ** rng.uniform(-4, 0), 0.0, 0.0)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            cold = SquaredHinge(X, intercept=False).solve(y, cost, offset=offset)
            warm = SquaredHinge(X, intercept=False).solve(y, cost, offset=offset, start=start)
        # losses are differences from 1: below the rounding of their sum at w = 0 are no digits
        rounding = np.finfo(float).eps * cost * n / 2
        assert warm.objective == pytest.approx(cold.objective, rel=1e-8, abs=rounding)

    def test_rows_that_all_cross_at_once(self) -> None:
        """The rises of the line search cancel to rounding where the last row leaves."""
        for seed in range(30):
            rng = np.random.default_rng(seed)
            X = 8e3 + 3e-3 * rng.standard_normal((56, 26))
            start = Hyperplane(1e-4 * rng.standard_normal(26), 0.0, 0.0)
            solver = SquaredHinge(X, intercept=False)
            warm = solver.solve(np.ones(56), 7e5, start=start)
            assert warm.objective < 1e-7

    def test_says_when_it_ran_out_of_steps(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(squared_hinge, "_MAX_STEPS", 1)
        with pytest.warns(TransferWarning, match="did not reach its solution in 1 Newton steps"):
            solve(SHAPES["many rows"])
