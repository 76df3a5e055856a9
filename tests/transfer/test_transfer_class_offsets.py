"""Offsets of log-posteriors against bisection, Sinkhorn's turns and known answers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference.threshold_naive import (
    binary_offset,
    mean_posterior,
    offsets_by_turns,
    share_above_quantile,
)
from scipy.special import log_softmax, softmax

from eegtl.transfer.solvers.class_offsets import class_offsets


def rows_of(n: int, n_classes: int, scale: float, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    shift = 2 * rng.standard_normal(n_classes)
    return log_softmax(scale * (rng.standard_normal((n, n_classes)) + shift), axis=1)


class TestOffsets:
    @pytest.mark.parametrize("scale", [1e-3, 1.0, 30.0, 1e3])
    @pytest.mark.parametrize("n", [1, 2, 7, 60])
    @pytest.mark.parametrize("share", [0.5, 0.1, 0.73])
    def test_equal_bisection_for_two_classes(self, n: int, scale: float, share: float) -> None:
        rows = rows_of(n, 2, scale)
        b = class_offsets(rows, np.array([1 - share, share]))
        log_odds = (rows[:, 1] - rows[:, 0]).tolist()
        whole = scale > 3 and abs(n * share - round(n * share)) < 1e-9
        if not whole:  # else bisection cannot see where in the gap the solution lies
            expected = binary_offset(log_odds, share)
            assert b[1] - b[0] == pytest.approx(expected, rel=1e-9, abs=1e-9)
        np.testing.assert_allclose(mean_posterior(rows, b)[1], share, atol=1e-11)
        assert b.sum() == pytest.approx(0, abs=1e-9)

    @pytest.mark.parametrize("weighted", [False, True])
    @pytest.mark.parametrize(("n", "n_classes", "scale"), [(20, 3, 1.0), (9, 4, 2.0), (2, 3, 3.0)])
    def test_equal_sinkhorn_for_more_classes(
        self, n: int, n_classes: int, scale: float, weighted: bool
    ) -> None:
        rows = rows_of(n, n_classes, scale)
        prior = np.arange(1, n_classes + 1) / np.arange(1, n_classes + 1).sum()
        weight = np.linspace(0.2, 2, n) if weighted else None
        expected = offsets_by_turns(rows.tolist(), prior.tolist(), weight)
        np.testing.assert_allclose(class_offsets(rows, prior, weight), expected, atol=1e-9)

    @settings(max_examples=60, deadline=None)
    @given(
        seed=st.integers(0, 2**16),
        n=st.integers(1, 40),
        n_classes=st.integers(2, 6),
        log_scale=st.floats(-6, 4),
    )
    def test_mean_posterior_is_the_prior(
        self, seed: int, n: int, n_classes: int, log_scale: float
    ) -> None:
        rng = np.random.default_rng(seed)
        rows = rows_of(n, n_classes, 10**log_scale, seed)
        prior = rng.dirichlet(np.ones(n_classes)) * 0.99 + 0.01 / n_classes
        b = class_offsets(rows, prior)
        np.testing.assert_allclose(softmax(rows + b, axis=1).mean(axis=0), prior, atol=1e-10)
        order = rng.permutation(n)
        again = class_offsets(rows[order], prior)
        np.testing.assert_allclose(again, b, atol=1e-9 * max(1.0, np.abs(b).max()))

    @pytest.mark.parametrize("n_classes", [2, 3])
    def test_a_mix_that_is_there_changes_nothing(self, n_classes: int) -> None:
        rows = rows_of(50, n_classes, 2.0)
        prior = np.array(mean_posterior(rows, [0.0] * n_classes))
        np.testing.assert_allclose(class_offsets(rows, prior), 0.0, atol=1e-10)

    # Gradient and curvature are of the order exp(-50) here: summed naively both are rounding, and
    # 3 tenths are not .3. Known answer: n_low exp(-20 + b) = n_high exp(-80 - b).
    @pytest.mark.parametrize(("n_low", "n_high"), [(2, 2), (3, 7), (1, 5)])
    def test_between_two_groups_of_sure_rows_their_tails_balance(
        self, n_low: int, n_high: int
    ) -> None:
        d = np.array([-20.0] * n_low + [80.0] * n_high)
        prior = np.array([n_low, n_high]) / (n_low + n_high)
        b = class_offsets(log_softmax(np.column_stack([-d / 2, d / 2]), axis=1), prior)
        expected = -30 + 0.5 * np.log(n_high / n_low)
        assert b[1] - b[0] == pytest.approx(expected, abs=1e-9)

    def test_between_three_groups_what_each_class_loses_it_gains(self) -> None:
        rng = np.random.default_rng(7)
        own = np.repeat([0, 1, 2], [2, 3, 5])
        levels = -rng.uniform(30, 90, (10, 3))
        levels[np.arange(10), own] = 0
        b = class_offsets(levels, np.array([0.2, 0.3, 0.5]))
        flow = np.zeros((3, 3))
        for row, a in zip(levels, own, strict=True):
            flow[a] += np.exp(row + b - row[a] - b[a])
        np.fill_diagonal(flow, 0)
        assert flow.max() < 1e-10
        np.testing.assert_allclose(flow.sum(axis=0), flow.sum(axis=1), rtol=1e-6)

    @pytest.mark.parametrize("sharpness", [1e-4, 1e4])
    def test_blunt_rows_follow_the_mean_and_sharp_ones_the_quantile(self, sharpness: float) -> None:
        d = np.random.default_rng(3).standard_gamma(1.0, 41) * sharpness  # skewed; an odd number
        b = class_offsets(log_softmax(np.column_stack([-d / 2, d / 2]), axis=1), np.full(2, 0.5))
        mean, quantile = -d.mean(), share_above_quantile(d.tolist(), 0.5)
        expected = mean if sharpness < 1 else quantile
        assert b[1] - b[0] == pytest.approx(expected, rel=1e-3)
        assert abs(mean - quantile) > 0.1 * sharpness

    def test_weights_are_repeated_rows(self) -> None:
        rows, prior = rows_of(6, 3, 1.0), np.array([0.2, 0.3, 0.5])
        times = np.array([1, 2, 3, 1, 2, 1])
        a = class_offsets(rows, prior, times.astype(float))
        np.testing.assert_allclose(a, class_offsets(np.repeat(rows, times, axis=0), prior))

    def test_no_rows_no_offsets(self) -> None:
        assert class_offsets(np.empty((0, 3)), np.full(3, 1 / 3)).tolist() == [0, 0, 0]
