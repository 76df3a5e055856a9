"""Transductive machines against every labelling, plain loops, and their own promises."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference.tsvm_naive import (
    best_plane,
    global_optimum,
    least_loss,
    mean_variance_naive,
    row_costs,
    switched,
    tsvm_objective,
)
from sklearn.svm import LinearSVC
from transfer.svm_problems import plane_of, shifted
from transfer.transfer_problems import Weigher

from eegtl.errors import InputError
from eegtl.testing import check_transfer_estimator, toy_problem
from eegtl.transfer import SubjectNormalizer, make_transfer_pipeline, tsvm
from eegtl.transfer.answers import fit_sharpness
from eegtl.transfer.solvers.squared_hinge import Hyperplane, SquaredHinge, mean_variance
from eegtl.transfer.tsvm import ANNEALING, TSVM, balanced_labels, switch_labels


class TestAgainstEveryLabelling:
    @pytest.mark.parametrize("seed", range(6))
    @pytest.mark.parametrize("C", [1.0, 30.0])
    def test_no_labelling_is_better_where_the_classes_lie_apart(self, seed: int, C: float) -> None:
        X, y, T, y_target = shifted(12, 6, seed=seed, shift=0.5)
        middle = (X[y == 1].mean(axis=0) - X[y == 0].mean(axis=0)) * np.where(y_target, 1, -1)[
            :, None
        ]
        T = 0.3 * T + 2 * middle  # two clusters
        found = TSVM(C, prior=[0.5, 0.5]).fit(X, y).adapt(T)
        value, _ = global_optimum(X, 2.0 * y - 1, T, 3, C, C)
        assert found.trace_[-1, 2] == pytest.approx(value, rel=1e-6)

    @pytest.mark.parametrize("seed", range(6))
    @pytest.mark.parametrize("n_positive", [1, 3])
    def test_no_solution_is_better_than_the_best_labelling(
        self, seed: int, n_positive: int
    ) -> None:
        X, y, T, _ = shifted(10, 6, seed=seed, shift=3.0)
        share = n_positive / 6
        found = TSVM(10.0, C_target=40.0, prior=[1 - share, share]).fit(X, y).adapt(T)
        value, _ = global_optimum(X, 2.0 * y - 1, T, n_positive, 10.0, 40.0)
        assert found.trace_[-1, 2] >= value * (1 - 1e-7)

    @pytest.mark.parametrize("seed", range(5))
    def test_equals_switching_in_plain_loops(self, seed: int) -> None:
        X, y, T, _ = shifted(16, 9, seed=seed, shift=2.0)
        found = TSVM(20.0, C_target=50.0, prior=[5 / 9, 4 / 9]).fit(X, y).adapt(T)
        w, b, labels = switched(X, 2.0 * y - 1, T, 4, 20.0, 50.0, ANNEALING)
        coef, intercept = plane_of(found)
        np.testing.assert_allclose(T @ coef + intercept, T @ w + b, atol=1e-4)
        value = tsvm_objective(coef, intercept, X, 2.0 * y - 1, T, labels, 20.0, 50.0)
        assert found.trace_[-1, 2] == pytest.approx(value, rel=1e-9)

    def test_objective_is_the_one_of_the_docstring(self) -> None:
        X, y, T, _ = shifted(30, 12, shift=2.0)
        found = TSVM(7.0, C_target=3.0).fit(1e3 * X, y).adapt(1e3 * T)
        coef, intercept = plane_of(found)
        labels = balanced_labels(T @ coef, 6)
        value = tsvm_objective(coef, intercept, 1e3 * X, 2 * y - 1, 1e3 * T, labels, 7.0, 3.0)
        assert found.trace_[-1, 2] == pytest.approx(value, rel=1e-10)
        w, b = best_plane(1e3 * X, 2.0 * y - 1, 1e3 * T, labels, 7.0, 3.0)
        np.testing.assert_allclose(1e3 * T @ coef + intercept, 1e3 * T @ w + b, atol=1e-3)


class TestSwitching:
    def test_objective_never_rises(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Not from solution to solution at one cost, and not by switching labels either."""
        solved: list[Any] = []
        solve = SquaredHinge.solve

        def spy(self: Any, y: Any, cost: Any, *, start: Any = None) -> Any:
            plane = solve(self, y, cost, start=start)
            solved.append((y, cost, start, plane))
            return plane

        monkeypatch.setattr(SquaredHinge, "solve", spy)
        n_switches = 0
        for seed in range(12):
            X, y, T, _ = shifted(20, 30, seed=seed, d=2, shift=4.0)
            fitted = TSVM(50.0, C_target=400.0, prior=[0.3, 0.7]).fit(X, y)
            solved.clear()
            fitted.adapt(T)
            rows = np.vstack([X, T[tsvm.canonical_order(T)]])
            for (before, cost, _, plane), (after, same_cost, start, better) in pairwise(solved):
                if not np.array_equal(cost, same_cost):
                    continue
                n_switches += 1
                assert start is plane
                assert not np.array_equal(before, after)
                margin = np.maximum(1 - after * (rows @ plane.coef + plane.intercept), 0)
                between = plane.coef @ plane.coef / 2 + cost @ margin**2 / 2
                assert plane.objective * (1 + 1e-9) >= between >= better.objective * (1 - 1e-12)
            trace = fitted.trace_
            for share in np.unique(trace[:, 1]):
                assert np.all(np.diff(trace[trace[:, 1] == share, 2]) <= 0)
        assert n_switches >= 20

    def test_cost_rises_by_doubling_to_its_full_value(self) -> None:
        X, y, T, _ = shifted(20, 10)
        shares = np.unique(TSVM().fit(X, y).adapt(T).trace_[:, 1])
        np.testing.assert_array_equal(shares, 2.0 ** np.arange(-10, 1))

    def test_labels_switch_where_the_sources_are_wrong(self) -> None:
        """The target's clusters lie across the sources' boundary."""
        X = np.array([[-1.0, -0.4], [-1.0, 0.4], [1.0, -0.4], [1.0, 0.4]])
        x = [-0.1, -0.05, 0.1, 0.12, 0.06, -0.08]
        T = np.column_stack([x, [5.0, 5.1, 5.2, -5.0, -5.1, -5.2]])
        start = Hyperplane(np.array([1.0, 0.0]), 0.0, 0.0)
        first = balanced_labels(T @ start.coef, 3)
        assert first.tolist() == [-1, -1, 1, 1, 1, -1]
        solver = SquaredHinge(np.vstack([X, T]))
        known = np.array([-1.0, -1.0, 1.0, 1.0])
        found = switch_labels(solver, T, known, np.full(4, 0.05), 5.0, 3, start)
        assert len(np.unique(found.labels[:3])) == len(np.unique(found.labels[3:])) == 1

    def test_labels_that_gain_nothing_end_the_switching(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Two labellings that mirror each other, either of which is offered each time."""
        X = np.array([[-1.0, 0.0], [1.0, 0.0], [0.5, 1.0], [0.5, -1.0]])
        offers = iter([np.array([1.0, -1.0]), np.array([-1.0, 1.0])] * 500)
        monkeypatch.setattr(tsvm, "balanced_labels", lambda scores, n_positive: next(offers))
        start = Hyperplane(np.zeros(2), 0.0, 0.0)
        known = np.array([-1.0, 1.0])
        found = switch_labels(SquaredHinge(X), X[2:], known, np.ones(2), 1.0, 1, start)
        assert len(found.trace) <= 2 * len(ANNEALING)

    def test_tied_rows_end_the_switching(self) -> None:
        """Rows of equal score that differ across the boundary: no labelling of them is better."""
        X = np.array([[-1.0, 0.0], [1.0, 0.0]])
        T = np.array([[0.0, -1.0], [0.0, 1.0], [0.0, 2.0], [0.0, -2.0]])
        fitted = TSVM(prior=[0.5, 0.5]).fit(X, [0, 1]).adapt(T)
        assert np.all(np.isfinite(fitted.coef_))
        assert len(fitted.trace_) <= 3 * len(ANNEALING)


class TestBalancedLabels:
    @settings(max_examples=60, deadline=None)
    @given(
        scores=st.lists(st.floats(-3, 3).map(lambda v: round(v, 3)), min_size=1, max_size=8),
        data=st.data(),
    )
    def test_no_labelling_has_less_loss(self, scores: list[float], data: Any) -> None:
        """For every loss that does not rise with the margin."""
        n_positive = data.draw(st.integers(0, len(scores)))
        labels = balanced_labels(np.array(scores), n_positive)
        assert set(labels.tolist()) <= {-1.0, 1.0}
        assert int(np.sum(labels == 1)) == n_positive
        for loss in (
            lambda m: max(0.0, 1 - m) ** 2,
            lambda m: max(0.0, 1 - m),
            lambda m: np.log1p(np.exp(-m)),
            lambda m: min(2.0, max(0.0, 1 - m)),
            lambda m: float(m < 0),
        ):
            ours = sum(loss(y * f) for y, f in zip(labels, scores, strict=True))
            assert ours == pytest.approx(least_loss(scores, n_positive, loss), abs=1e-9)

    def test_equal_scores_go_by_their_order(self) -> None:
        equal_but_for_rounding = np.array([0.3, 0.1 + 0.2, 3 * 0.1, 0.3])
        for order in ([0, 1, 2, 3], [1, 0, 3, 2]):
            assert balanced_labels(equal_but_for_rounding[order], 2).tolist() == [1, 1, -1, -1]
        assert balanced_labels(np.zeros(3), 1).tolist() == [1, -1, -1]


class TestMachine:
    def test_before_adapt_it_is_the_linear_machine_of_the_sources(self) -> None:
        X, y, T, _ = shifted(80, 20, shift=2.0)
        fitted = TSVM(5.0).fit(X, y)
        cost = row_costs(X, 1, 5.0, 1.0)[0]
        peer = LinearSVC(C=cost / 2, dual=False, tol=1e-12, intercept_scaling=1e4).fit(X, y)
        np.testing.assert_allclose(fitted.coef_[1], peer.coef_[0], atol=1e-6)
        np.testing.assert_allclose(
            fitted.decision_function(T), 2 * peer.decision_function(T), atol=1e-5
        )
        before = fitted.decision_function(T)
        assert (fitted.information_, fitted.n_assigned_.tolist()) == ("inductive", [0, 0])
        assert fitted.trace_.shape == (0, 3)
        fitted.adapt(T)
        assert fitted.information_ == "unlabelled"
        assert np.abs(fitted.decision_function(T) - before).max() > 0.1
        np.testing.assert_array_equal(fitted.adapt().decision_function(T), before)

    @settings(max_examples=15, deadline=None)
    @given(seed=st.integers(0, 2**16), n_classes=st.integers(2, 3), rounded=st.booleans())
    def test_order_of_rows(self, seed: int, n_classes: int, rounded: bool) -> None:
        rng = np.random.default_rng(seed)
        X, T = rng.standard_normal((40, 3)), rng.standard_normal((17, 3)) + 1
        if rounded:  # duplicates and ties
            X, T = np.round(X), np.round(T)
        y = np.arange(40) % n_classes
        order, target_order = rng.permutation(40), rng.permutation(17)
        a = TSVM().fit(X, y).adapt(T)
        b = TSVM().fit(X[order], y[order]).adapt(T[target_order])
        np.testing.assert_allclose(a.coef_, b.coef_, atol=1e-9)
        np.testing.assert_allclose(a.intercept_, b.intercept_, atol=1e-9)

    def test_units_numbers_of_rows_and_zero_points_do_not_matter(self) -> None:
        X, y, T, _ = shifted(40, 12, shift=2.0)
        scores = TSVM().fit(X, y).adapt(T).decision_function(T)
        for a, b in ((1e-6, 0.0), (1e3, 0.0), (1.0, 50.0)):
            again = TSVM().fit(a * X + b, y).adapt(a * T + b).decision_function(a * T + b)
            np.testing.assert_allclose(again, scores, atol=1e-8)
        twice = TSVM().fit(np.repeat(X, 2, axis=0), np.repeat(y, 2)).adapt(np.repeat(T, 2, axis=0))
        np.testing.assert_allclose(twice.decision_function(T), scores, atol=1e-8)

    def test_weights_are_how_often_rows_count(self) -> None:
        X, y, T, _ = shifted(40, 12, shift=2.0)
        times = np.arange(40) // 2 % 3
        rows = np.repeat(np.arange(40), times)
        a = TSVM().fit(X, y, sample_weight=times)
        b = TSVM().fit(X[rows], y[rows])
        assert len(a.X_) == np.count_nonzero(times)
        for one, other in ((a, b), (a.adapt(T), b.adapt(T))):
            np.testing.assert_allclose(one.decision_function(T), other.decision_function(T))
            np.testing.assert_allclose(one.predict_proba(T), other.predict_proba(T))

    def test_classes_are_each_against_the_rest(self) -> None:
        rng = np.random.default_rng(0)
        y = np.arange(60) % 3
        effect = 3 * rng.standard_normal((3, 4))
        X = effect[y] + rng.standard_normal((60, 4))
        T = effect[np.arange(20) % 3] + rng.standard_normal((20, 4)) + [2, 0, 0, 0]
        fitted = TSVM(30.0, prior=[0.5, 0.3, 0.2]).fit(X, y).adapt(T)
        assert fitted.n_assigned_.tolist() == [10, 6, 4]
        for code in range(3):
            share = [0.5, 0.3, 0.2][code]
            one = TSVM(30.0, prior=[1 - share, share]).fit(X, y == code).adapt(T)
            np.testing.assert_allclose(fitted.coef_[code], one.coef_[1], atol=1e-10)
            assert fitted.intercept_[code] == pytest.approx(one.intercept_[1], abs=1e-10)
            trace = fitted.trace_[fitted.trace_[:, 0] == code, 1:]
            np.testing.assert_allclose(trace, one.trace_[:, 1:])

    def test_probabilities(self) -> None:
        X, y, T, _ = shifted(60, 20, shift=2.0)
        fitted = TSVM().fit(X, y)
        before = fitted.sharpness_
        assert before == fit_sharpness(X @ fitted.coef_.T + fitted.intercept_, y)
        fitted.adapt(T)
        assert fitted.sharpness_ != before
        assert fitted.sharpness_ == fit_sharpness(X @ fitted.coef_.T + fitted.intercept_, y)
        shares = fitted.predict_proba(T)
        np.testing.assert_allclose(shares.sum(axis=1), 1.0)
        logit = np.log(shares[:, 1] / shares[:, 0])
        np.testing.assert_allclose(logit, fitted.sharpness_ * fitted.decision_function(T))
        # honest on the sources: the mean probability of a class is its share
        assert fitted.predict_proba(X)[:, 1].mean() == pytest.approx(0.5, abs=0.05)

    def test_mean_variance(self) -> None:
        X = np.random.default_rng(0).standard_normal((30, 4)) * [1, 2, 3, 4] + 100
        assert mean_variance(X, np.ones(30)) == pytest.approx(mean_variance_naive(X))
        times = np.arange(30) % 3
        repeated = mean_variance_naive(np.repeat(X, times, axis=0))
        assert mean_variance(X, times.astype(float)) == pytest.approx(repeated)
        assert mean_variance(np.full((5, 2), 0.1), np.ones(5)) == 1.0


class TestAccuracy:
    def test_equal_domains_do_no_harm(self) -> None:
        differences = []
        for seed in range(20):
            X, y, T, y_target = shifted(150, 80, seed=seed, d=8, shift=0.0)
            fitted = TSVM().fit(X, y)
            before = np.mean(fitted.predict(T) == y_target)
            differences.append(np.mean(fitted.adapt(T).predict(T) == y_target) - before)
        assert np.mean(differences) > -0.005
        assert np.min(differences) > -0.08

    def test_a_shift_of_some_features_is_mended(self) -> None:
        gains = []
        for seed in range(10):
            X, y, T, y_target = shifted(150, 80, seed=seed, d=8, shift=3.0)
            fitted = TSVM().fit(X, y)
            before = np.mean(fitted.predict(T) == y_target)
            gains.append(np.mean(fitted.adapt(T).predict(T) == y_target) - before)
        assert np.mean(gains) > 0.1


class TestEdges:
    def test_one_target_row(self) -> None:
        X, y, T, _ = shifted(30, 1)
        fitted = TSVM().fit(X, y).adapt(T)
        assert fitted.n_assigned_.sum() == 1
        assert np.all(np.isfinite(fitted.predict_proba(T)))

    def test_more_features_than_rows(self) -> None:
        X, y, T, y_target = shifted(20, 10, d=50)
        fitted = TSVM().fit(X, y).adapt(T)
        assert np.mean(fitted.predict(T) == y_target) == 1.0

    def test_features_that_do_not_vary(self) -> None:
        fitted = TSVM().fit(np.ones((6, 2)), [0, 1] * 3)
        before = fitted.decision_function(np.ones((2, 2)))
        np.testing.assert_allclose(before, 0.0, atol=1e-12)
        after = fitted.adapt(np.ones((4, 2))).predict_proba(np.ones((2, 2)))
        np.testing.assert_allclose(after, 0.5, atol=1e-9)

    def test_a_person_with_one_class(self) -> None:
        X, y, T, _ = shifted(30, 8)
        a = TSVM().fit(X, y, subjects=y).adapt(T)
        b = TSVM().fit(X, y).adapt(T)
        np.testing.assert_array_equal(a.decision_function(T), b.decision_function(T))

    def test_a_class_that_weighs_nothing(self) -> None:
        X, y, T, _ = shifted(30, 8)
        fitted = TSVM().fit(X, y, sample_weight=(y == 0).astype(float))
        assert fitted.prior_.tolist() == [1.0, 0.0]
        assert np.all(fitted.predict(T) == 0)
        assert np.all(fitted.adapt(T).predict(T) == 0)

    def test_rows_are_copied(self) -> None:
        X, y, T, _ = shifted(30, 8)
        mine = X.copy()
        fitted = TSVM().fit(mine, y)
        mine[:] = 0.0
        expected = TSVM().fit(X, y).adapt(T).decision_function(T)
        np.testing.assert_array_equal(fitted.adapt(T).decision_function(T), expected)

    @pytest.mark.parametrize("value", [0.0, -1.0, np.nan, np.inf, "1", None, True])
    def test_costs_are_checked(self, value: Any) -> None:
        X, y, _, _ = shifted(20, 5)
        with pytest.raises(InputError, match=f"TSVM: C must be a positive number; got {value!r}"):
            TSVM(value).fit(X, y)
        if value is not None:
            with pytest.raises(InputError, match="TSVM: C_target must be a positive number"):
                TSVM(C_target=value).fit(X, y)


@pytest.mark.parametrize(
    "estimator",
    [
        TSVM(),
        make_transfer_pipeline(SubjectNormalizer("z2"), TSVM()),
    ],
)
def test_every_rule_of_the_contract(estimator: Any) -> None:
    check_transfer_estimator(estimator, extra_classes=[TSVM])


def test_behind_a_selector() -> None:
    toy = toy_problem()
    pipeline = make_transfer_pipeline(Weigher("ann"), TSVM())
    pipeline.fit(toy.X, toy.y, subjects=toy.subjects).adapt(toy.T)
    assert len(pipeline.steps_[-1][1].X_) == 72
