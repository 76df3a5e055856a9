"""CORAL against plain loops, theory and simulated domains whose covariances are known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import coral_naive
from scipy import linalg
from transfer.transfer_problems import domains, gram

from eegtl.errors import InputError
from eegtl.testing import check_transfer_estimator
from eegtl.transfer import SourceSummary, default_classifier
from eegtl.transfer.coral import CORAL
from eegtl.transfer.solvers.coral_shrinkage import (
    Whitened,
    covariance_power,
    covariance_shrinkage,
    dependence,
    mean_root,
    mean_shrinkage,
    whitener,
)


def people_rows(
    rng: np.random.Generator, n_people: int, n: int, d: int, phi: float = 0.0
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows of people in two classes, one run of windows each, autoregressive with phi."""
    rows = np.empty((n_people, 2, n, d))
    rows[:, :, 0] = rng.standard_normal((n_people, 2, d))
    for i in range(1, n):
        fresh = np.sqrt(1 - phi**2) * rng.standard_normal((n_people, 2, d))
        rows[:, :, i] = phi * rows[:, :, i - 1] + fresh
    y = np.tile(np.repeat([0, 1], n), n_people)
    return rows.reshape(-1, d), y, np.repeat(np.arange(n_people), 2 * n)


@pytest.mark.parametrize(
    "estimator",
    [CORAL(), CORAL(per_source=True), CORAL(0.0), CORAL(0.3, per_source=True), CORAL(1)],
    ids=repr,
)
def test_every_rule_holds(estimator: CORAL) -> None:
    check_transfer_estimator(estimator, extra_classes=[CORAL])


class TestGivenShrinkage:
    @pytest.mark.parametrize("shrinkage", [0.0, 0.3, 1.0])
    @pytest.mark.parametrize(("n", "n_target", "d"), [(60, 30, 8), (40, 300, 8), (60, 5, 8)])
    def test_equals_plain_loops(self, n: int, n_target: int, d: int, shrinkage: float) -> None:
        X, T = domains(n, n_target, d)
        coral = CORAL(shrinkage).fit(X).adapt(T)
        expected = coral_naive.coral(X, T, shrinkage)
        np.testing.assert_allclose(coral.transform_source(X), expected, atol=1e-7)
        np.testing.assert_array_equal(coral.transform(T), T)

    @pytest.mark.parametrize("n_target", [5, 30, 300])
    def test_zero_gives_the_mean_and_covariance_of_the_target(self, n_target: int) -> None:
        X, T = domains(60, n_target, 8)
        Z = CORAL(0.0).fit(X).adapt(T).transform_source(X)
        np.testing.assert_allclose(Z.mean(axis=0), T.mean(axis=0), atol=1e-8)
        np.testing.assert_allclose(np.cov(Z.T), np.cov(T.T), atol=1e-8)

    def test_each_source_by_itself(self) -> None:
        X, T = domains(60, 30, 5)
        people = np.repeat(["ann", "ben"], 30)
        X[30:] = 3 * X[30:] + 5
        Z = CORAL(0.0, per_source=True).fit(X, subjects=people).adapt(T).transform_source(X, people)
        for name in ("ann", "ben"):
            own = Z[people == name]
            np.testing.assert_allclose(own.mean(axis=0), T.mean(axis=0), atol=1e-8)
            np.testing.assert_allclose(np.cov(own.T), np.cov(T.T), atol=1e-8)
            np.testing.assert_allclose(own, coral_naive.coral(X[people == name], T), atol=1e-7)

    def test_rank_deficient_sources_are_mapped_on_their_range(self) -> None:
        X, _ = domains(60, 1, 8, rank=4)
        _, T = domains(1, 40, 8)
        Z = CORAL(0.0).fit(X).adapt(T).transform_source(X)
        C_s = np.cov(X.T)
        inside = C_s @ np.linalg.pinv(C_s, rcond=1e-10)
        root = np.real(linalg.sqrtm(np.cov(T.T)))
        np.testing.assert_allclose(np.cov(Z.T), root @ inside @ root, atol=1e-8)

    def test_one_moves_the_mean_alone(self) -> None:
        X, T = domains(60, 30, 8)
        Z = CORAL(1.0).fit(X).adapt(T).transform_source(X)
        np.testing.assert_allclose(Z, X - X.mean(axis=0) + T.mean(axis=0), atol=1e-12)

    @pytest.mark.parametrize("shrinkage", [0.0, 0.5])
    def test_one_target_row_moves_the_mean_alone(self, shrinkage: float) -> None:
        X, T = domains(60, 1, 8)
        coral = CORAL(shrinkage).fit(X).adapt(T)
        np.testing.assert_allclose(coral.transform_source(X), X - X.mean(axis=0) + T[0], atol=1e-12)
        assert coral.shrinkage_.tolist() == [1.0]

    def test_a_source_of_one_row_goes_to_the_targets_mean(self) -> None:
        X, T = domains(31, 30, 4)
        people = np.r_[["one"], ["many"] * 30]
        coral = CORAL(0.0, per_source=True).fit(X, subjects=people).adapt(T)
        np.testing.assert_allclose(coral.transform_source(X[:1], ["one"])[0], T.mean(axis=0))

    @settings(max_examples=20)
    @given(seed=st.integers(0, 2**16), shrinkage=st.sampled_from([0.0, 0.4, "auto"]))
    def test_turning_the_features_turns_nothing_else(self, seed: int, shrinkage: Any) -> None:
        X, T = domains(60, 30, 6, seed=seed)
        people = np.arange(60) % 3
        turn = np.linalg.qr(np.random.default_rng(seed).standard_normal((6, 6)))[0]
        a = CORAL(shrinkage).fit(X, subjects=people).adapt(T).transform_source(X, people)
        b = CORAL(shrinkage).fit(X @ turn, subjects=people).adapt(T @ turn)
        np.testing.assert_allclose(a @ turn, b.transform_source(X @ turn, people), atol=1e-6)


class TestNoise:
    @pytest.mark.parametrize(("rank", "dof"), [(5, 50), (20, 19), (30, 56), (60, 10), (95, 55)])
    def test_noise_of_the_root_is_that_of_simulated_rows(self, rank: int, dof: int) -> None:
        simulated = coral_naive.simulated_root_noise(rank, dof, n_draws=40, seed=0)
        # what a sample covariance of the identity is like: its root is too small by this factor
        typical = mean_root(rank, dof) ** 2 * np.eye(rank)
        assert Whitened(dof + 1, typical).noise(1.0) == pytest.approx(simulated, rel=0.05)
        assert Whitened(dof + 1, 4 * typical).noise(1.0) == pytest.approx(4 * simulated, rel=0.05)

    def test_dependent_windows_count_as_fewer(self) -> None:
        assert Whitened(101, np.eye(4)).noise(5.0) == Whitened(21, np.eye(4)).noise(1.0)
        assert Whitened(5, np.eye(4)).noise(4.5) == np.inf

    def test_few_alike_rows_do_not_pass_for_sure(self) -> None:
        typical = mean_root(4, 8) ** 2 * np.eye(4)
        expected = pytest.approx(Whitened(9, typical).noise(1.0))
        assert Whitened(9, 0.01 * typical).noise(1.0) == expected
        assert Whitened(9, np.zeros((4, 4))).noise(1.0) == expected

    @pytest.mark.parametrize("phi", [0.0, 0.5, 0.8])
    def test_dependence_is_that_of_an_autoregression(self, phi: float) -> None:
        """A covariance of n windows is as sure as one of n (1 - phi^2) / (1 + phi^2)."""
        X, y, people = people_rows(np.random.default_rng(0), 12, 250, 8, phi)
        summary = SourceSummary().add(X, y, people)
        value = dependence(summary, np.eye(8))
        assert value == pytest.approx((1 + phi**2) / (1 - phi**2), rel=0.15)

    def test_dependence_equals_plain_loops(self) -> None:
        X, y, people = people_rows(np.random.default_rng(1), 4, 20, 3, 0.7)
        X[people == 2] *= [1.0, 2.0, 0.5]
        X[y == 1, 0] *= 3.0  # an effect of the class that all people share does not count
        keep = np.r_[: len(X) - 7]
        X, y, people = X[keep], y[keep], people[keep]
        coral = CORAL().fit(X, y, subjects=people)
        assert coral.dependence_ == pytest.approx(coral_naive.dependence(X, y, people), rel=1e-9)
        assert coral.dependence_ > 1.2

    @pytest.mark.parametrize("case", ["no labels", "one person", "one class"])
    def test_dependence_that_cannot_be_estimated_is_1(self, case: str) -> None:
        X, y, people = people_rows(np.random.default_rng(1), 4, 20, 3, 0.9)
        labels = None if case == "no labels" else np.zeros(len(y)) if case == "one class" else y
        coral = CORAL().fit(X, labels, subjects=None if case == "one person" else people)
        assert coral.dependence_ == 1.0

    def test_share_of_noise_in_the_difference(self) -> None:
        source, target = Whitened(1e9, np.eye(3)), Whitened(41, np.diag([1.0, 1.0, 9.0]))
        expected = (target.noise(1.0) + source.noise(1.0)) / 4  # (3 - 1)^2
        assert covariance_shrinkage(source, target, 1.0) == pytest.approx(expected)
        assert covariance_shrinkage(source, source, 1.0) == 1.0
        assert covariance_shrinkage(source, Whitened(41, np.zeros((3, 3))), 1.0) == 1.0

    def test_share_of_noise_in_the_mean(self) -> None:
        source, target = Whitened(np.inf, np.eye(2)), Whitened(10, np.diag([1.0, 3.0]))
        delta = np.array([1.0, 2.0])
        noise = (1 / 1 + 3 / 2) / 10  # the metric is the mean of the identity and W_t
        assert mean_shrinkage(delta, source, target, 1.0, 0.0) == pytest.approx(noise / (1 + 4 / 2))
        assert mean_shrinkage(delta, source, target, 1.0, 1.0) == pytest.approx(0.2 / 5)
        assert mean_shrinkage(delta, source, target, 100.0, 0.0) == 1.0
        assert mean_shrinkage(np.zeros(2), source, target, 1.0, 0.0) == 1.0

    def test_powers_stay_on_the_numerical_range(self) -> None:
        C = np.cov(domains(60, 1, 6, rank=3)[0].T)
        half = covariance_power(C, 0.5)
        np.testing.assert_allclose(half @ half, C, atol=1e-10)
        np.testing.assert_allclose(
            covariance_power(C, -1.0), np.linalg.pinv(C, rcond=1e-10), rtol=1e-7, atol=1e-8
        )
        R = whitener(C)
        np.testing.assert_allclose(R.T @ C @ R, np.eye(3), atol=1e-10)
        assert not covariance_power(np.zeros((2, 2)), -0.5).any()


class TestAuto:
    @settings(max_examples=20)
    @given(seed=st.integers(0, 2**16), per_source=st.booleans())
    def test_no_mixing_of_the_features_changes_the_shares(
        self, seed: int, per_source: bool
    ) -> None:
        rng = np.random.default_rng(seed)
        X, y, people = people_rows(rng, 3, 12, 4, 0.3)
        T = 1.5 * rng.standard_normal((20, 4)) + 0.3
        mix = rng.standard_normal((4, 4)) + 3 * np.eye(4)
        a = CORAL(per_source=per_source).fit(X, y, subjects=people).adapt(T)
        b = CORAL(per_source=per_source).fit(X @ mix + 5, y, subjects=people).adapt(T @ mix + 5)
        np.testing.assert_allclose(a.shrinkage_, b.shrinkage_, rtol=1e-6)
        np.testing.assert_allclose(a.mean_shrinkage_, b.mean_shrinkage_, rtol=1e-6)
        assert np.all(a.mean_shrinkage_ <= 1)

    def test_before_adapt_it_is_the_identity(self) -> None:
        X, T = domains(60, 30, 4)
        coral = CORAL().fit(X)
        for _ in range(2):
            np.testing.assert_array_equal(coral.transform_source(X), X)
            assert coral.shrinkage_.tolist() == coral.mean_shrinkage_.tolist() == [1.0]
            coral.adapt(T).adapt()

    def test_fades_to_plain_coral_as_rows_come_in(self) -> None:
        rng = np.random.default_rng(0)
        X, y, people = people_rows(rng, 12, 100, 6)
        T = rng.standard_normal((20_000, 6)) * [3, 2, 1, 1, 0.5, 0.3] + 1
        coral = CORAL().fit(X, y, subjects=people)
        shares = [coral.adapt(T[:n]).shrinkage_[0] for n in (1, 5, 50, 500, 20_000)]
        assert np.all(np.diff(shares) <= 0)
        assert shares[0] == 1.0
        assert shares[-1] < 0.01

    def test_between_people_nothing_can_be_in_one_persons_covariance(self) -> None:
        """Offsets of people are in the pool's covariance, and no reason to stretch anything."""
        rng = np.random.default_rng(0)
        X, y, people = people_rows(rng, 12, 60, 6)
        X += 3 * rng.standard_normal((12, 6))[people]
        T = rng.standard_normal((120, 6)) + 2
        coral = CORAL().fit(X, y, subjects=people).adapt(T)
        assert coral.shrinkage_[0] > 0.7
        assert coral.mean_shrinkage_[0] < 0.1

    @pytest.mark.parametrize("per_source", [False, True])
    def test_dead_and_frozen_targets_leave_the_covariance(self, per_source: bool) -> None:
        rng = np.random.default_rng(0)
        X, y, people = people_rows(rng, 4, 30, 5)
        coral = CORAL(per_source=per_source).fit(X, y, subjects=people)
        frozen = np.full((500, 5), 0.1)
        assert np.all(coral.adapt(frozen).shrinkage_ == 1.0)
        alike = 2 + 1e-3 * rng.standard_normal((3, 5))
        assert np.all(coral.adapt(alike).shrinkage_ == 1.0)
        assert coral.adapt(np.tile(X[:1], (4, 1))).shrinkage_.tolist() == [1.0] * len(
            coral.subjects_
        )

    def test_from_a_summary_as_from_rows(self) -> None:
        X, y, people = people_rows(np.random.default_rng(0), 4, 15, 5, 0.3)
        T = 2 * np.random.default_rng(1).standard_normal((40, 5)) + 1
        summary = SourceSummary().add(X, y, people)
        for parameters in ({}, {"per_source": True}, {"shrinkage": 0.2, "per_source": True}):
            a = CORAL(**parameters).fit(X, y, subjects=people)
            b = CORAL(**parameters).fit_summary(summary)
            for _ in range(2):
                Z = a.transform_source(X, people)
                np.testing.assert_allclose(Z, b.transform_source(X, people), atol=1e-8)
                mapped = b.map_summary(summary)
                expected = SourceSummary().add(Z, y, people)
                for name in ("counts", "means", "scatters"):
                    np.testing.assert_allclose(
                        getattr(mapped, name), getattr(expected, name), atol=1e-8
                    )
                a.adapt(T)
                b.adapt(T)

    def test_keeps_no_rows(self) -> None:
        X, T = domains(500, 300, 4)
        coral = CORAL().fit(X).adapt(T)
        sizes = [value.size for value in vars(coral).values() if isinstance(value, np.ndarray)]
        assert max(sizes) == 16  # d x d


SIZES = (1, 2, 6, 20, 60, 1000)
SHARES = (0.0, 0.3, 0.7, 0.9, 1.0)


def simulated_domains(
    n_target: int, seed: int, *, change: float, shift: float, phi: float, people: float
) -> tuple[np.ndarray, ...]:
    """Twelve source people and a target whose rows are a linear map of one population's.

    `people` and `change` are the spread of the logarithms of the maps' principal stretches, of
    each person and of the target besides; both are maps of one covariance to another, as CORAL
    supposes.
    """
    rng = np.random.default_rng(seed)
    d, n = 16, 30
    base = np.linalg.qr(rng.standard_normal((d, d)))[0] * np.arange(1, d + 1) ** -0.7
    effect = 4 / np.sqrt(d) * base @ rng.standard_normal(d)
    covariance = base @ base.T + np.outer(effect, effect) / 4
    half, inverse = covariance_power(covariance, 0.5), covariance_power(covariance, -0.5)

    def stretch(size: float) -> np.ndarray:
        G = rng.standard_normal((d, d))
        other = half @ linalg.expm(size * (G + G.T) * np.sqrt(2 / d)) @ half
        return inverse @ covariance_power(other, 0.5)

    def rows(Z: np.ndarray, y: np.ndarray, A: np.ndarray) -> np.ndarray:
        return (Z @ base.T + (y[:, None] - 0.5) * effect) @ A

    Z, y, subjects = people_rows(rng, 12, n, d, phi)
    X = np.vstack([rows(Z[subjects == i], y[subjects == i], stretch(people)) for i in range(12)])
    own = stretch(people) @ stretch(change)
    offset = shift * base @ rng.standard_normal(d)
    Z_t, y_t, _ = people_rows(rng, 1, max(n_target // 2, 1), d, phi)
    T = rows(Z_t, y_t, own)[:n_target] + offset
    y_test = np.arange(1000) % 2
    X_test = rows(rng.standard_normal((1000, d)), y_test, own) + offset
    return X, y, subjects, T, X_test, y_test


def scores(problem: tuple[np.ndarray, ...], *estimators: CORAL | None) -> list[float]:
    """Accuracy on new target rows behind each of these; None is source-only."""
    X, y, subjects, T, X_test, y_test = problem
    out = []
    for coral in estimators:
        Z = X
        if coral is not None:
            Z = coral.fit(X, y, subjects=subjects).adapt(T).transform_source(X, subjects)
        out.append(default_classifier().fit(Z, y).score(X_test, y_test))
    return out


@pytest.mark.parametrize("per_source", [False, True])
@pytest.mark.parametrize("phi", [0.0, 0.8])
def test_equal_domains_do_no_harm(phi: float, per_source: bool) -> None:
    """Down to a single row; of few, plain CORAL makes 5 points of harm and more."""
    for n_target in SIZES:
        results = np.mean(
            [
                scores(
                    simulated_domains(n_target, seed, change=0, shift=0, phi=phi, people=0.0),
                    None,
                    CORAL(per_source=per_source),
                    CORAL(0.0, per_source=per_source),
                )
                for seed in range(5)
            ],
            axis=0,
        )
        assert results[1] > results[0] - 0.015, n_target
        assert n_target > 6 or results[2] < results[0] - 0.05, n_target


@pytest.mark.parametrize(
    ("change", "people", "phi", "per_source"),
    [(0.6, 0.0, 0.0, False), (0.6, 0.3, 0.6, False), (0.4, 0.3, 0.0, True)],
)
def test_auto_is_near_the_best_fixed_share_at_every_sample_size(
    change: float, people: float, phi: float, per_source: bool
) -> None:
    estimators = [CORAL(a, per_source=per_source) for a in (*SHARES, "auto")]
    best_shares = []
    for n_target in SIZES:
        results = np.mean(
            [
                scores(
                    simulated_domains(
                        n_target, seed, change=change, shift=1.0, phi=phi, people=people
                    ),
                    *estimators,
                )
                for seed in range(5)
            ],
            axis=0,
        )
        best_shares.append(SHARES[int(np.argmax(results[:-1]))])
        assert results[-1] > results[:-1].max() - 0.025, n_target
    # and no fixed share would do: the best one falls as rows come in
    assert max(best_shares[1:4]) >= 0.7
    assert best_shares[-1] <= 0.3


def test_parameters_that_cannot_be_used() -> None:
    X, _ = domains(20, 1, 3)
    for wrong in (-0.1, 1.5, "ledoit-wolf", None, True, float("nan")):
        with pytest.raises(InputError, match=rf"'auto' or a number from 0 to 1; got {wrong!r}\."):
            CORAL(wrong).fit(X)  # type: ignore[arg-type]
    with pytest.raises(InputError, match=r"per_source must be True or False; got 1\."):
        CORAL(per_source=1).fit(X)  # type: ignore[arg-type]
    with pytest.raises(InputError, match=r"n_samples = 1 rows of 1 source\."):
        CORAL().fit(X[:1])


def test_sources_that_do_not_vary_stay_where_they_are() -> None:
    X, T = np.ones((20, 3)), domains(1, 30, 3)[1]
    np.testing.assert_allclose(CORAL().fit(X).adapt(T).transform_source(X), X)
    moved = CORAL(0.0).fit(X).adapt(T).transform_source(X)
    np.testing.assert_allclose(moved, np.tile(T.mean(axis=0), (20, 1)), atol=1e-12)


def test_rows_of_the_sources_are_copies() -> None:
    X, T = domains(20, 10, 3)
    coral = CORAL().fit(X)
    coral.transform_source(X)[:] = 0
    coral.transform(X)[:] = 0
    assert X.any()
    assert gram(T).any()
