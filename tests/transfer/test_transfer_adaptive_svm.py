"""Adaptive machines against their dual, quadratic programs, and their own promises."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference.adaptive_svm_naive import dual, primal, shares_naive
from reference.squared_hinge_naive import sharpness_by_grid
from sklearn.svm import LinearSVC

from eegtl.errors import CalibrationError, InputError, TransferWarning
from eegtl.testing import check_transfer_estimator, toy_problem
from eegtl.transfer import SourceOnly, SubjectNormalizer, make_transfer_pipeline
from eegtl.transfer.adaptive_svm import AdaptiveSVM, agreement_shares
from eegtl.transfer.solvers.squared_hinge import SquaredHinge, fit_linear_svm, mean_variance

Problem = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def people(
    n_calib: int = 12, *, seed: int = 0, d: int = 6, n_classes: int = 2, own: float = 1.5
) -> Problem:
    """Five sources of 40 rows, and a wearer whose classes lie elsewhere."""
    rng = np.random.default_rng(seed)
    effect = 1.2 * rng.standard_normal((n_classes, d))
    y = np.arange(200) % n_classes
    subjects = np.array(["ann", "ben", "cid", "dot", "eve"])[np.arange(200) // 40]
    X = effect[y] + rng.standard_normal((200, d))
    y_target = np.arange(n_calib + 60) % n_classes
    T = (effect + own * rng.standard_normal((n_classes, d)))[y_target]
    return X, y, subjects, T + rng.standard_normal(T.shape), y_target


def size_of(X: np.ndarray) -> float:
    """Mean squared distance of the rows from their mean."""
    return float(np.mean(np.sum((X - X.mean(axis=0)) ** 2, axis=1)))


class TestMove:
    @pytest.mark.parametrize("C", [0.01, 1.0, 50.0])
    @pytest.mark.parametrize("seed", range(3))
    def test_equals_the_dual_and_the_program(self, C: float, seed: int) -> None:
        X, y, _, T, y_target = people(seed=seed)
        T, y_target = T[:12], y_target[:12]
        fitted = AdaptiveSVM(C).fit(X, y)
        before, offset = fitted.coef_.copy(), T @ fitted.coef_[1] + fitted.intercept_[1]
        fitted.adapt(X_calib=T, y_calib=y_target)
        move = fitted.coef_[1] - before[1]
        rows, sides, cost = T - X.mean(axis=0), 2.0 * y_target - 1, C / size_of(X)
        w, dual_value, a = dual(rows, sides, offset, cost, squared=True)
        np.testing.assert_allclose(move, w, atol=1e-6)
        slack = np.maximum(1 - sides * (offset + rows @ move), 0)
        np.testing.assert_allclose(a, cost * slack, atol=1e-6)
        w, primal_value = primal(rows, sides, offset, cost, squared=True)
        np.testing.assert_allclose(move, w, atol=1e-4)
        ours = move @ move / 2 + cost * slack @ slack / 2
        assert dual_value == pytest.approx(ours, rel=1e-8)
        assert ours <= primal_value * (1 + 1e-9)

    def test_duals_of_both_losses_have_no_equality_constraint(self) -> None:
        """The hinge of the paper has a box, its square has none; neither fixes the sum of a y."""
        X, _, _, T, y_target = people(seed=4)
        rows, sides = T[:10] - X.mean(axis=0), 2.0 * y_target[:10] - 1
        offset = rows @ np.linspace(-0.3, 0.3, 6) + 0.4
        for squared in (True, False):
            w, value, a = dual(rows, sides, offset, 0.05, squared=squared)
            again, primal_value = primal(rows, sides, offset, 0.05, squared=squared)
            assert value == pytest.approx(primal_value, rel=1e-5)
            np.testing.assert_allclose(w, again, atol=1e-3)
            assert abs(a @ sides) > 1e-3
        assert a.max() == pytest.approx(0.05)

    @pytest.mark.parametrize("n", [1, 2, 7])
    def test_equal_rows_are_moved_their_share_of_the_way(self, n: int) -> None:
        """n rows on each side, as far from the mean as the sources: 2 n C / (2 n C + 1)."""
        X, y, _, _, _ = people()
        centre, direction = X.mean(axis=0), np.array([1.0, 0, 0, 0, 0, 0])
        for C in (0.3, 1.0):
            fitted = AdaptiveSVM(C).fit(X - centre, y)
            step = np.sqrt(size_of(X)) * direction
            rows = np.repeat([step, -step], n, axis=0)
            scores = rows @ fitted.coef_[1] + fitted.intercept_[1]
            sides = -np.sign(fitted.coef_[1, 0]) * np.repeat([1.0, -1.0], n)
            assert np.all(sides * scores < 1)
            fitted.adapt(X_calib=rows, y_calib=(sides > 0).astype(int))
            moved = rows @ fitted.coef_[1] + fitted.intercept_[1] - scores
            lacking = np.mean(1 - sides * scores)  # the intercept cannot follow either side
            share = 2 * n * C / (2 * n * C + 1)
            np.testing.assert_allclose(sides * moved, share * lacking, rtol=1e-9)

    def test_small_costs_keep_the_sources_and_large_ones_fit_the_block(self) -> None:
        X, y, _, T, y_target = people(d=30)
        calib, labels = T[:12], y_target[:12]
        before = AdaptiveSVM().fit(X, y).decision_function(T)
        small = AdaptiveSVM(1e-9).fit(X, y).adapt(X_calib=calib, y_calib=labels)
        np.testing.assert_allclose(small.decision_function(T), before, atol=1e-6)
        large = AdaptiveSVM(1e7).fit(X, y).adapt(X_calib=calib, y_calib=labels)
        margins = (2.0 * labels - 1) * (calib @ large.coef_[1] + large.intercept_[1])
        assert margins.min() > 1 - 1e-4
        assert np.all(large.predict(calib) == labels)

    def test_rows_beyond_their_margin_change_nothing(self) -> None:
        X, y, _, _, _ = people()
        fitted = AdaptiveSVM().fit(X, y)
        before = fitted.coef_.copy()
        rows = X.mean(axis=0) + 50 * np.array([[-1.0], [1.0]]) * fitted.coef_[1]
        fitted.adapt(X_calib=rows, y_calib=[0, 1])
        np.testing.assert_array_equal(fitted.coef_, before)
        assert fitted.adapted_.tolist() == [True, True]

    def test_classes_are_each_against_the_rest(self) -> None:
        X, y, _, T, y_target = people(n_classes=3)
        calib, labels = T[:12], y_target[:12]
        fitted = AdaptiveSVM(2.0).fit(X, y)
        coef, intercept = fitted.coef_.copy(), fitted.intercept_.copy()
        fitted.adapt(X_calib=calib, y_calib=labels)
        for code in range(3):
            sides = np.where(labels == code, 1.0, -1.0)
            offset = calib @ coef[code] + intercept[code]
            cost = 2.0 / size_of(X)
            w, _, _ = dual(calib - X.mean(axis=0), sides, offset, cost, squared=True)
            np.testing.assert_allclose(fitted.coef_[code] - coef[code], w, atol=1e-6)
        rows = T[12:]
        np.testing.assert_allclose(
            fitted.decision_function(rows), rows @ fitted.coef_.T + fitted.intercept_
        )


class TestMissingClasses:
    def test_a_block_of_one_class_moves_nothing_and_says_so(self) -> None:
        X, y, _, T, y_target = people()
        fitted = AdaptiveSVM(1e6).fit(X, y)
        before = fitted.decision_function(T)
        fitted.adapt(X_calib=T[:12], y_calib=y_target[:12])
        message = (
            r"the 6 calibration rows are all of the class 1, which says nothing on what tells "
            r"classes apart; AdaptiveSVM keeps the sources' scores\."
        )
        with pytest.warns(TransferWarning, match=message):
            fitted.adapt(X_calib=T[1:12:2], y_calib=y_target[1:12:2])
        np.testing.assert_array_equal(fitted.decision_function(T), before)
        assert not fitted.adapted_.any()
        assert (fitted.information_, fitted.n_target_windows_) == ("labelled", 6)

    def test_a_missing_class_keeps_the_score_of_the_sources(self) -> None:
        X, y, _, T, y_target = people(24, n_classes=3)
        fitted = AdaptiveSVM(1e6).fit(X, y)
        before = fitted.decision_function(T)
        known = np.flatnonzero(y_target[:24] != 1)
        fitted.adapt(X_calib=T[known], y_calib=y_target[known])
        after = fitted.decision_function(T)
        np.testing.assert_array_equal(after[:, 1], before[:, 1])
        assert np.abs(after - before)[:, [0, 2]].max() > 0.1
        assert fitted.adapted_.tolist() == [True, False, True]
        assert 1 in fitted.predict(T)

    def test_without_labels(self) -> None:
        X, y, _, T, _ = people()
        fitted = AdaptiveSVM().fit(X, y)
        message = r"AdaptiveSVM needs labelled calibration rows of the wearer; got 72 unlabelled"
        with pytest.raises(CalibrationError, match=message):
            fitted.adapt(T)


class TestSources:
    def test_pooled_is_the_linear_machine(self) -> None:
        X, y, _, T, _ = people()
        fitted = AdaptiveSVM(C_source=4.0).fit(X, y)
        cost = 4.0 / (mean_variance(X, np.ones(200)) * 200)
        peer = LinearSVC(C=cost / 2, dual=False, tol=1e-12, intercept_scaling=1e4).fit(X, y)
        np.testing.assert_allclose(
            fitted.decision_function(T), 2 * peer.decision_function(T), atol=1e-5
        )
        assert fitted.shares_.tolist() == [1.0]
        assert fitted.information_ == "inductive"

    def test_each_is_the_mean_of_their_machines(self) -> None:
        X, y, subjects, T, _ = people()
        fitted = AdaptiveSVM(C_source=4.0, sources="each").fit(X, y, subjects=subjects)
        cost = 4.0 / (mean_variance(X, np.ones(200)) * 40)
        planes = [
            fit_linear_svm(X[subjects == s], y[subjects == s], 2, cost) for s in set(subjects)
        ]
        scores = np.mean([T @ coef.T + intercept for coef, intercept in planes], axis=0)
        np.testing.assert_allclose(fitted.decision_function(T), np.diff(scores)[:, 0], atol=1e-9)
        assert fitted.shares_.tolist() == [0.2] * 5

    def test_each_weighs_by_agreement_with_the_block(self) -> None:
        X, y, subjects, T, y_target = people(20, own=0.3)
        y = np.where(np.isin(subjects, ["ann", "cid"]), 1 - y, y)  # two who are the other way round
        fitted = AdaptiveSVM(1e-9, sources="each").fit(X, y, subjects=subjects)
        scores = np.einsum("id,kcd->kic", T[:20], fitted.source_coef_)
        said = np.argmax(scores + fitted.source_intercept_[:, None], axis=2)
        fitted.adapt(X_calib=T[:20], y_calib=y_target[:20])
        expected = shares_naive(said.tolist(), y_target[:20].tolist())
        np.testing.assert_allclose(fitted.shares_, expected)
        assert fitted.shares_[[0, 2]].tolist() == [0.0, 0.0]
        np.testing.assert_allclose(
            fitted.coef_, np.tensordot(fitted.shares_, fitted.source_coef_, 1), atol=1e-6
        )
        assert np.mean(fitted.predict(T[20:]) == y_target[20:]) > 0.8
        assert fitted.adapt().shares_.tolist() == [0.2] * 5

    @settings(max_examples=30, deadline=None)
    @given(seed=st.integers(0, 2**16), n_classes=st.integers(2, 4))
    def test_agreement(self, seed: int, n_classes: int) -> None:
        rng = np.random.default_rng(seed)
        codes = rng.integers(n_classes, size=15)
        scores = rng.standard_normal((4, 15, n_classes))
        shares = agreement_shares(scores, codes)
        assert shares.sum() == pytest.approx(1)
        assert np.all(shares >= 0)
        said = np.argmax(scores, axis=2).tolist()
        np.testing.assert_allclose(shares, shares_naive(said, codes.tolist()))

    def test_no_machine_better_than_guessing(self) -> None:
        wrong = np.tile([[0.0, 1.0], [1.0, 0.0]], (3, 1, 1))
        assert agreement_shares(wrong, np.array([0, 1])).tolist() == pytest.approx([1 / 3] * 3)

    def test_sources_of_one_class_have_no_machine(self) -> None:
        X, y, subjects, T, _ = people()
        kept = (subjects != "ben") | (y == 1)
        fitted = AdaptiveSVM(sources="each").fit(X[kept], y[kept], subjects=subjects[kept])
        assert fitted.source_coef_.shape == (4, 2, 6)
        assert np.all(np.isfinite(fitted.predict_proba(T)))
        with pytest.warns(TransferWarning, match="no source has rows of more than one class"):
            fitted = AdaptiveSVM(sources="each").fit(X, y, subjects=y)
        pooled = AdaptiveSVM().fit(X, y)
        np.testing.assert_array_equal(fitted.decision_function(T), pooled.decision_function(T))

    def test_says_whether_it_uses_subjects(self) -> None:
        assert not AdaptiveSVM().by_subject
        assert AdaptiveSVM(sources="each").by_subject

    def test_sharpness_is_that_of_machines_without_the_person(self) -> None:
        X, y, subjects, _, _ = people(n_classes=3)
        kept = (subjects != "ben") | (y == 1)  # ben has no machine, and takes part in none
        X, y, subjects = X[kept], y[kept], subjects[kept]
        fitted = AdaptiveSVM(sources="each").fit(X, y, subjects=subjects)
        able = ["ann", "cid", "dot", "eve"]
        scores = []
        for row, person in zip(X, subjects, strict=True):
            others = [k for k, name in enumerate(able) if name != person]
            mean = [fitted.source_coef_[k] @ row + fitted.source_intercept_[k] for k in others]
            scores.append(np.mean(mean, axis=0))
        grid = fitted.sharpness_ * np.linspace(0.9, 1.1, 201)
        assert sharpness_by_grid(scores, y.tolist(), grid) == pytest.approx(fitted.sharpness_)

    @pytest.mark.parametrize("sources", ["pooled", "each"])
    def test_keeps_hyperplanes_and_no_rows(self, sources: str) -> None:
        X, y, subjects, T, y_target = people()
        fitted = AdaptiveSVM(sources=sources).fit(X, y, subjects=subjects)
        fitted.adapt(X_calib=T[:12], y_calib=y_target[:12])
        sizes = [np.size(value) for value in vars(fitted).values()]
        assert max(sizes) == (60 if sources == "each" else 12)


@pytest.mark.parametrize("sources", ["pooled", "each"])
class TestInvariances:
    def test_units_zero_points_and_numbers_of_rows(self, sources: str) -> None:
        X, y, subjects, T, y_target = people()
        fitted = AdaptiveSVM(sources=sources).fit(X, y, subjects=subjects)
        fitted.adapt(X_calib=T[:12], y_calib=y_target[:12])
        scores = fitted.decision_function(T)
        for a, b in ((1e-6, 0.0), (1e3, 0.0), (1.0, 50.0)):
            again = AdaptiveSVM(sources=sources).fit(a * X + b, y, subjects=subjects)
            again.adapt(X_calib=a * T[:12] + b, y_calib=y_target[:12])
            np.testing.assert_allclose(again.decision_function(a * T + b), scores, atol=1e-8)
        rows = np.repeat(np.arange(200), 2)
        twice = AdaptiveSVM(sources=sources).fit(X[rows], y[rows], subjects=subjects[rows])
        twice.adapt(X_calib=T[:12], y_calib=y_target[:12])
        np.testing.assert_allclose(twice.decision_function(T), scores, atol=1e-8)

    def test_order_of_rows(self, sources: str) -> None:
        X, y, subjects, T, y_target = people()
        rng = np.random.default_rng(0)
        order, calib = rng.permutation(200), rng.permutation(12)
        a = AdaptiveSVM(sources=sources).fit(X, y, subjects=subjects)
        b = AdaptiveSVM(sources=sources).fit(X[order], y[order], subjects=subjects[order])
        a.adapt(X_calib=T[:12], y_calib=y_target[:12])
        b.adapt(X_calib=T[calib], y_calib=y_target[calib])
        np.testing.assert_allclose(a.decision_function(T), b.decision_function(T), atol=1e-9)

    def test_weights_are_how_often_rows_count(self, sources: str) -> None:
        X, y, subjects, T, y_target = people()
        times = np.where(subjects == "dot", 0, np.arange(200) // 2 % 3)
        rows = np.repeat(np.arange(200), times)
        a = AdaptiveSVM(sources=sources).fit(X, y, subjects=subjects, sample_weight=times)
        b = AdaptiveSVM(sources=sources).fit(X[rows], y[rows], subjects=subjects[rows])
        for fitted in (a, b):
            fitted.adapt(X_calib=T[:12], y_calib=y_target[:12])
        np.testing.assert_allclose(a.predict_proba(T), b.predict_proba(T), atol=1e-9)

    def test_unlabelled_rows_are_ignored(self, sources: str) -> None:
        X, y, subjects, T, y_target = people()
        fitted = AdaptiveSVM(sources=sources).fit(X, y, subjects=subjects)
        fitted.adapt(X_calib=T[:12], y_calib=y_target[:12])
        scores = fitted.decision_function(T)
        fitted.adapt(T[12:], X_calib=T[:12], y_calib=y_target[:12])
        np.testing.assert_array_equal(fitted.decision_function(T), scores)

    def test_rows_are_copied(self, sources: str) -> None:
        X, y, subjects, T, y_target = people()
        mine = X.copy()
        fitted = AdaptiveSVM(sources=sources).fit(mine, y, subjects=subjects)
        expected = fitted.adapt(X_calib=T[:12], y_calib=y_target[:12]).decision_function(T)
        mine[:] = 0.0
        fitted.adapt(X_calib=T[:12], y_calib=y_target[:12])
        np.testing.assert_array_equal(fitted.decision_function(T), expected)


class TestAccuracy:
    def scores_of(self, own: float, n_calib: int) -> np.ndarray:
        """Accuracy of sources alone, sources and block pooled, and A-SVM, over wearers."""
        found = []
        for seed in range(12):
            X, y, subjects, T, y_target = people(n_calib, seed=seed, own=own, d=10)
            calib = {"X_calib": T[:n_calib], "y_calib": y_target[:n_calib]}
            cost = 100 / (mean_variance(X, np.ones(200)) * 200) / 2
            plain = SourceOnly(LinearSVC(C=cost, dual=False)).fit(X, y)
            pooled = LinearSVC(C=cost, dual=False).fit(
                np.vstack([X, T[:n_calib]]), np.append(y, y_target[:n_calib])
            )
            ours = [AdaptiveSVM(sources=s).fit(X, y, subjects=subjects) for s in ("pooled", "each")]
            machines = [plain, pooled, *[m.adapt(**calib) for m in ours]]
            found.append([np.mean(m.predict(T[n_calib:]) == y_target[n_calib:]) for m in machines])
        return np.mean(found, axis=0)

    def test_a_wearer_of_its_own_is_learned_from_few_rows(self) -> None:
        plain, pooled, ours, each = self.scores_of(own=2.0, n_calib=20)
        assert ours > plain + 0.05
        assert ours > pooled + 0.005
        assert each > plain + 0.05

    def test_equal_domains_do_little_harm(self) -> None:
        plain, _, ours, each = self.scores_of(own=0.0, n_calib=20)
        assert ours > plain - 0.03
        assert each > plain - 0.03


class TestEdges:
    def test_a_row_of_each_class(self) -> None:
        X, y, _, T, _ = people(d=300)
        fitted = AdaptiveSVM().fit(X, y).adapt(X_calib=T[:2], y_calib=[1, 0])
        assert np.all(np.isfinite(fitted.predict_proba(T)))

    def test_features_that_do_not_vary(self) -> None:
        fitted = AdaptiveSVM().fit(np.ones((6, 2)), [0, 1] * 3)
        fitted.adapt(X_calib=np.ones((2, 2)), y_calib=[0, 1])
        np.testing.assert_allclose(fitted.predict_proba(np.ones((3, 2))), 0.5, atol=1e-9)

    @pytest.mark.parametrize(
        ("parameters", "message"),
        [
            ({"C": 0}, r"AdaptiveSVM: C must be a positive number; got 0\."),
            ({"C": "scale"}, r"AdaptiveSVM: C must be a positive number; got 'scale'\."),
            ({"C_source": -1.0}, r"AdaptiveSVM: C_source must be a positive number; got -1\.0\."),
            ({"sources": "all"}, r"AdaptiveSVM: sources must be 'pooled' or 'each'; got 'all'\."),
        ],
    )
    def test_parameters_are_checked(self, parameters: dict[str, Any], message: str) -> None:
        X, y, _, _, _ = people()
        with pytest.raises(InputError, match=message):
            AdaptiveSVM(**parameters).fit(X, y)

    def test_a_move_is_the_solver_s(self) -> None:
        """Two classes: the second's move, and the first's is its opposite."""
        toy = toy_problem((0, 1))
        fitted = AdaptiveSVM(3.0).fit(toy.X, toy.y)
        offset = toy.T @ fitted.coef_[1] + fitted.intercept_[1]
        solver = SquaredHinge(toy.T - toy.X.mean(axis=0), intercept=False)
        for code in (0, 1):
            sides = np.where(toy.y_target == code, 1.0, -1.0)
            move = solver.solve(sides, 3.0 / size_of(toy.X), offset=(2 * code - 1) * offset).coef
            adapted = AdaptiveSVM(3.0).fit(toy.X, toy.y).adapt(X_calib=toy.T, y_calib=toy.y_target)
            np.testing.assert_allclose(adapted.coef_[code] - fitted.coef_[code], move, atol=1e-9)


@pytest.mark.parametrize(
    "estimator",
    [
        AdaptiveSVM(),
        AdaptiveSVM(sources="each"),
        make_transfer_pipeline(SubjectNormalizer("z2"), AdaptiveSVM()),
    ],
)
def test_every_rule_of_the_contract(estimator: Any) -> None:
    check_transfer_estimator(estimator, extra_classes=[AdaptiveSVM])
