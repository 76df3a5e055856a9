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

from eegtl.errors import TransferWarning
from eegtl.transfer import squared_hinge
from eegtl.transfer.squared_hinge import Hyperplane, SquaredHinge, fit_linear_svm

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
        assert warm.objective == pytest.approx(cold.objective, rel=1e-8, abs=1e-300)

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
