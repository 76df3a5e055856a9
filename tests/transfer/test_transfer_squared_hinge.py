"""The exact linear SVM against enumeration, general minimisers, scikit-learn and its promises."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference.squared_hinge_naive import (
    gradient,
    objective,
    solve_by_enumeration,
    solve_generally,
)
from sklearn.svm import LinearSVC
from transfer.svm_problems import SHAPES, both, check_optimal, problem, same, solve

from eegtl.transfer.solvers import squared_hinge
from eegtl.transfer.solvers.squared_hinge import Hyperplane, SquaredHinge, fit_linear_svm


class TestSolution:
    @both
    @pytest.mark.parametrize("shape", SHAPES)
    def test_equals_a_general_minimiser(self, shape: str, intercept: bool) -> None:
        X, y, cost, offset = SHAPES[shape]
        plane = solve(SHAPES[shape], intercept=intercept)
        w, b = solve_generally(X, y, cost, offset, intercept)
        value = objective(w, b, X, y, cost, offset)
        assert plane.objective == pytest.approx(
            objective(plane.coef, plane.intercept, X, y, cost, offset), rel=1e-12
        )
        assert plane.objective <= value * (1 + 1e-13)
        assert plane.objective == pytest.approx(value, rel=1e-7)
        np.testing.assert_allclose(X @ plane.coef + plane.intercept, X @ w + b, atol=2e-3)

    @both
    @pytest.mark.parametrize("seed", range(8))
    def test_equals_the_enumeration_of_active_rows(self, seed: int, intercept: bool) -> None:
        X, y, cost, offset = problem(8, 3, seed=seed, cost=2.0)
        plane = solve((X, y, cost, offset), intercept=intercept)
        w, b = solve_by_enumeration(X, y, cost, offset, intercept)
        np.testing.assert_allclose(plane.coef, w, atol=1e-10)
        assert plane.intercept == pytest.approx(b, abs=1e-10)

    @both
    @pytest.mark.parametrize("shape", SHAPES)
    def test_gradient_is_zero(self, shape: str, intercept: bool) -> None:
        check_optimal(solve(SHAPES[shape], intercept=intercept), SHAPES[shape], intercept=intercept)

    @pytest.mark.parametrize("C", [0.01, 1.0, 30.0])
    def test_is_the_machine_of_scikit_learn(self, C: float) -> None:
        """LinearSVC has C h^2 where this has C h^2 / 2, and regularises b unless it is cheap."""
        X, y, _, _ = problem(150, 5)
        peer = LinearSVC(C=C / 2, dual=False, tol=1e-12, max_iter=100_000, intercept_scaling=1e4)
        peer.fit(X, y)
        plane = SquaredHinge(X).solve(y, C)
        np.testing.assert_allclose(plane.coef, peer.coef_[0], atol=1e-6)
        assert plane.intercept == pytest.approx(peer.intercept_[0], abs=1e-6)

    @settings(max_examples=60, deadline=None)
    @given(
        seed=st.integers(0, 2**20),
        n=st.integers(2, 40),
        d=st.integers(1, 30),
        exponent=st.integers(-4, 4),
        intercept=st.booleans(),
        rounded=st.booleans(),
    )
    def test_any_problem_is_solved_from_anywhere(
        self, seed: int, n: int, d: int, exponent: int, intercept: bool, rounded: bool
    ) -> None:
        X, y, cost, offset = problem(n, d, seed=seed, cost=10.0**exponent)
        if rounded:  # ties and duplicates
            X, offset = np.round(X), np.round(offset)
        rng = np.random.default_rng(seed)
        start = Hyperplane(rng.standard_normal(d), float(rng.standard_normal()) * intercept, 0.0)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            cold = solve((X, y, cost, offset), intercept=intercept)
            warm = solve((X, y, cost, offset), intercept=intercept, start=start)
        check_optimal(cold, (X, y, cost, offset), intercept=intercept)
        scores, again = (X @ plane.coef + plane.intercept for plane in (cold, warm))
        np.testing.assert_allclose(scores, again, atol=1e-9 * (1 + np.abs(scores).max()))


class TestInvariances:
    def test_a_weight_is_how_often_a_row_is_there(self) -> None:
        X, y, _, offset = problem(40, 5)
        times = np.arange(40) % 4
        weighted = solve((X, y, 0.5 * times, offset))
        rows = np.repeat(np.arange(40), times)
        repeated = solve((X[rows], y[rows], np.full(len(rows), 0.5), offset[rows]))
        same(weighted, repeated)

    def test_rows_of_no_cost_are_not_there(self) -> None:
        X, y, cost, offset = problem(60, 4)
        kept = cost > 0
        assert 0 < kept.sum() < 60
        same(solve((X, y, cost, offset)), solve((X[kept], y[kept], cost[kept], offset[kept])))

    @pytest.mark.parametrize("shape", SHAPES)
    def test_order_of_rows(self, shape: str) -> None:
        order = np.random.default_rng(5).permutation(len(SHAPES[shape][0]))
        permuted = tuple(part[order] for part in SHAPES[shape])
        same(solve(SHAPES[shape]), solve(permuted))  # type: ignore[arg-type]

    @both
    @pytest.mark.parametrize("shape", SHAPES)
    def test_where_it_starts(self, shape: str, intercept: bool) -> None:
        rng = np.random.default_rng(6)
        start = Hyperplane(3 * rng.standard_normal(SHAPES[shape][0].shape[1]), 5.0 * intercept, 0.0)
        cold = solve(SHAPES[shape], intercept=intercept)
        same(cold, solve(SHAPES[shape], intercept=intercept, start=start))

    def test_an_offset_is_a_feature_with_a_fixed_coefficient(self) -> None:
        """Scores of a first machine as offsets: the machine of the sum is optimal around it."""
        X, y, cost, _ = problem(80, 4)
        v = np.array([0.5, -1.0, 0.2, 2.0])
        plane = solve((X, y, cost, X @ v + 0.3))
        shifted = plane.coef + v  # minimises |u - v|^2 / 2 + loss(u)
        slopes, _ = gradient(shifted, plane.intercept + 0.3, X, y, cost, np.zeros(80))
        np.testing.assert_allclose(slopes[:-1], v, atol=1e-9)
        assert slopes[-1] == pytest.approx(0.0, abs=1e-9)

    def test_a_common_offset_moves_the_intercept(self) -> None:
        X, y, cost, offset = problem(80, 4)
        a, b = solve((X, y, cost, offset)), solve((X, y, cost, offset + 3.0))
        np.testing.assert_allclose(a.coef, b.coef, atol=1e-11)
        assert b.intercept == pytest.approx(a.intercept - 3.0)

    def test_a_shift_of_the_rows_moves_the_intercept(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delattr(squared_hinge.linalg, "lstsq")  # centred rows do without it
        X, y, cost, offset = problem(80, 4)
        a, b = solve((X, y, cost, offset)), solve((X + 2.0**24, y, cost, offset))
        np.testing.assert_allclose(a.coef, b.coef, atol=1e-7)
        np.testing.assert_allclose(
            X @ a.coef + a.intercept, (X + 2.0**24) @ b.coef + b.intercept, atol=1e-6
        )

    def test_fewer_rows_than_features_are_solved_in_their_span(self) -> None:
        X, y, cost, offset = problem(15, 60)
        solver = SquaredHinge(X)
        assert solver._sum.shape == (16, 16)
        coef = solver.solve(y, cost, offset=offset).coef
        centred = X - X.mean(axis=0)
        inside = np.linalg.lstsq(centred.T, coef)[0] @ centred
        np.testing.assert_allclose(inside, coef, atol=1e-12)

    def test_rotated_rows(self) -> None:
        X, y, cost, offset = problem(30, 50)
        Q = np.linalg.qr(np.random.default_rng(0).standard_normal((50, 50)))[0]
        a, b = solve((X, y, cost, offset)), solve((X @ Q, y, cost, offset))
        np.testing.assert_allclose(Q.T @ a.coef, b.coef, atol=1e-11)

    def test_sides_swapped(self) -> None:
        X, y, cost, offset = problem(80, 4)
        a, b = solve((X, y, cost, offset)), solve((X, -y, cost, -offset))
        np.testing.assert_allclose(a.coef, -b.coef, atol=1e-12)
        assert a.intercept == pytest.approx(-b.intercept, abs=1e-12)


class TestKeptSums:
    def test_a_sequence_of_problems_equals_fresh_ones(self) -> None:
        """Label switches, rising costs and other offsets, as transductive machines make them."""
        X, y, _, offset = problem(200, 8)
        rng = np.random.default_rng(3)
        kept = SquaredHinge(X)
        start = None
        for step in range(25):
            y = y.copy()
            y[rng.integers(200, size=6)] *= -1
            cost = np.where(np.arange(200) < 120, 1.0, 10.0 ** (step / 4 - 4))
            if step % 7 == 3:
                cost = 1e4 * cost
            fresh = SquaredHinge(X).solve(y, cost, offset=offset * (step % 2))
            start = kept.solve(y, cost, offset=offset * (step % 2), start=start)
            same(fresh, start)

    def test_only_changed_rows_are_counted(self, monkeypatch: pytest.MonkeyPatch) -> None:
        X, y, cost, offset = problem(3000, 10)
        counted = []
        add = SquaredHinge._add

        def spy(self: Any, indices: Any, weights: Any, sign: float) -> float:
            counted.append(len(indices))
            return add(self, indices, weights, sign)

        monkeypatch.setattr(SquaredHinge, "_add", spy)
        solver = SquaredHinge(X)
        plane = solver.solve(y, cost, offset=offset)
        counted.clear()
        solver.solve(y, cost, offset=offset, start=plane)
        assert sum(counted) == 0
        switched = y.copy()
        switched[:10] *= -1
        solver.solve(switched, cost, offset=offset, start=plane)
        assert sum(counted) < 300

    def test_what_was_taken_off_does_not_spoil_the_sum(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A few rows of cost 1e14, then 1: the small sum is not what rounding left of the large."""
        X, y, _, _ = problem(200, 6)
        huge = np.where(np.arange(200) < 8, 1e14, 1.0)
        solver = SquaredHinge(X)
        plane = solver.solve(y, huge)
        steps = []
        newton_step = SquaredHinge._newton_step

        def spy(self: Any, *arguments: Any) -> Any:
            steps.append(self)
            return newton_step(self, *arguments)

        monkeypatch.setattr(SquaredHinge, "_newton_step", spy)
        fresh = SquaredHinge(X)
        same(fresh.solve(y, 1.0, start=plane), solver.solve(y, 1.0, start=plane))
        assert steps.count(solver) == steps.count(fresh)

    def test_rows_are_copied(self) -> None:
        X, y, cost, offset = problem(60, 4)
        mine = X.copy()
        solver = SquaredHinge(mine)
        mine[:] = 0.0
        same(solve((X, y, cost, offset)), solver.solve(y, cost, offset=offset))


class TestClasses:
    def test_each_class_against_the_rest(self) -> None:
        X = problem(90, 4)[0]
        codes = np.arange(90) % 3
        coef, intercept = fit_linear_svm(X, codes, 3, 0.7)
        for code in range(3):
            plane = SquaredHinge(X).solve(np.where(codes == code, 1.0, -1.0), 0.7)
            np.testing.assert_allclose(coef[code], plane.coef, atol=1e-11)
            assert intercept[code] == pytest.approx(plane.intercept, abs=1e-11)

    def test_two_classes_are_one_problem(self) -> None:
        X, y, _, _ = problem(90, 4)
        coef, intercept = fit_linear_svm(X, (y > 0).astype(int), 2, 0.7)
        plane = SquaredHinge(X).solve(y, 0.7)
        np.testing.assert_array_equal(coef, [-plane.coef, plane.coef])
        np.testing.assert_array_equal(intercept, [-plane.intercept, plane.intercept])

    def test_weights_multiply_the_cost(self) -> None:
        X = problem(60, 4)[0]
        codes, weight = np.arange(60) % 3, np.arange(60) % 4
        coef, intercept = fit_linear_svm(X, codes, 3, 0.7, weight.astype(float))
        rows = np.repeat(np.arange(60), weight)
        repeated = fit_linear_svm(X[rows], codes[rows], 3, 0.7)
        np.testing.assert_allclose(coef, repeated[0], atol=1e-10)
        np.testing.assert_allclose(intercept, repeated[1], atol=1e-10)

    def test_classes_without_rows_never_win(self) -> None:
        X, y, _, _ = problem(60, 4)
        coef, intercept = fit_linear_svm(X, np.where(y > 0, 3, 1), 5, 1.0)
        assert np.all(coef[[0, 2, 4]] == 0)
        assert intercept[[0, 2, 4]].tolist() == [-1.0, -1.0, -1.0]
        scores = 100 * X @ coef.T + intercept
        assert set(np.argmax(scores, axis=1).tolist()) <= {1, 3}

    def test_a_class_whose_rows_weigh_nothing_has_none(self) -> None:
        X = problem(60, 4)[0]
        codes = np.arange(60) % 2
        coef, intercept = fit_linear_svm(X, codes, 2, 1.0, (codes == 1).astype(float))
        assert np.all(coef == 0)
        assert intercept.tolist() == [-1.0, 1.0]
