"""Distances between Gaussians: closed forms, metric, invariances, and what few rows do."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import distances_naive as naive
from scipy import linalg
from scipy.stats import multivariate_normal

from eegtl.errors import InputError, MemoryEstimateError
from eegtl.transfer.distances import (
    domains,
    gaussian_kl,
    gaussian_w2,
    kl_of_gaussians,
    w2_of_gaussians,
)

SEEDS = st.integers(0, 10_000)


def _gaussian(rng, d=4, rank=None):
    F = rng.standard_normal((d, rank or 3 * d)) / np.sqrt(d)
    return rng.standard_normal(d), F @ F.T


def _rows(seed=0, n=(60, 80), d=4, shift=0.7):
    rng = np.random.default_rng(seed)
    mix = rng.standard_normal((d, d))
    return rng.standard_normal((n[0], d)), rng.standard_normal((n[1], d)) @ mix + shift


def _w2_by_roots(mean_a, S_a, mean_b, S_b):
    root = linalg.sqrtm(S_a)
    middle = linalg.sqrtm(root @ S_b @ root)
    squared = np.sum((mean_a - mean_b) ** 2) + np.trace(S_a + S_b - 2 * middle).real
    return np.sqrt(squared)


class TestKullbackLeibler:
    @given(m=st.floats(-5, 5), s=st.floats(0.1, 10))
    def test_of_two_normal_distributions(self, m, s):
        expected = 0.5 * (1 / s**2 + m**2 / s**2 - 1) + np.log(s)
        assert kl_of_gaussians([0], [[1]], [m], [[s**2]]) == pytest.approx(expected, abs=1e-12)

    def test_of_diagonal_gaussians_is_the_sum_over_features(self):
        args = ([0.0, 1.0, 2.0], [1.0, 4.0, 0.5]), ([0.5, 1.0, 3.0], [2.0, 1.0, 0.7])
        expected = naive.kl_of_diagonal_gaussians(*args[0], *args[1])
        (ma, va), (mb, vb) = args
        found = kl_of_gaussians(ma, np.diag(va), mb, np.diag(vb))
        assert found == pytest.approx(expected, rel=1e-12)

    def test_is_the_mean_logarithm_of_the_ratio_over_the_first(self):
        rng = np.random.default_rng(0)
        (ma, Sa), (mb, Sb) = _gaussian(rng, 3), _gaussian(rng, 3)
        a, b = multivariate_normal(ma, Sa), multivariate_normal(mb, Sb)
        x = a.rvs(200_000, random_state=1)
        log_ratio = a.logpdf(x) - b.logpdf(x)
        error = log_ratio.std() / np.sqrt(len(x))
        assert kl_of_gaussians(ma, Sa, mb, Sb) == pytest.approx(log_ratio.mean(), abs=4 * error)
        assert kl_of_gaussians(mb, Sb, ma, Sa) != pytest.approx(log_ratio.mean(), rel=0.05)

    @settings(max_examples=30)
    @given(seed=SEEDS)
    def test_is_never_negative_and_nothing_for_equal_gaussians(self, seed):
        rng = np.random.default_rng(seed)
        a, b = _gaussian(rng), _gaussian(rng)
        assert kl_of_gaussians(*a, *b) > 0
        assert kl_of_gaussians(*a, *a) == pytest.approx(0, abs=1e-10)

    @settings(max_examples=30)
    @given(seed=SEEDS)
    def test_no_affine_map_of_both_changes_it(self, seed):
        rng = np.random.default_rng(seed)
        (ma, Sa), (mb, Sb) = _gaussian(rng), _gaussian(rng)
        M, shift = rng.standard_normal((4, 4)) + 3 * np.eye(4), rng.standard_normal(4)
        before = kl_of_gaussians(ma, Sa, mb, Sb)
        after = kl_of_gaussians(M @ ma + shift, M @ Sa @ M.T, M @ mb + shift, M @ Sb @ M.T)
        assert after == pytest.approx(before, rel=1e-6)

    def test_rows_without_shrinkage_are_their_moments(self):
        A, B = _rows()
        moments = [(X.mean(axis=0), np.cov(X.T, bias=True)) for X in (A, B)]
        forward, reverse = (
            kl_of_gaussians(*moments[0], *moments[1]),
            kl_of_gaussians(*moments[1], *moments[0]),
        )
        assert gaussian_kl(A, B, direction="forward", shrinkage=0.0) == pytest.approx(forward)
        assert gaussian_kl(A, B, direction="reverse", shrinkage=0.0) == pytest.approx(reverse)
        both = gaussian_kl(A, B, shrinkage=0.0)
        assert both == pytest.approx((forward + reverse) / 2)
        assert abs(forward - reverse) > 0.1 * both

    @settings(max_examples=20)
    @given(seed=SEEDS)
    def test_rows_keep_their_divergence_under_affine_maps(self, seed):
        A, B = _rows(seed)
        M = np.random.default_rng(seed).standard_normal((4, 4)) + 3 * np.eye(4)
        moved = gaussian_kl(A @ M + 5, B @ M + 5, shrinkage=0.0)
        assert moved == pytest.approx(gaussian_kl(A, B, shrinkage=0.0), rel=1e-6)
        # with shrinkage, no unit of a feature matters
        scales = np.array([1e-6, 1.0, 10.0, 1e4])
        assert gaussian_kl(A * scales - 3, B * scales - 3) == pytest.approx(
            gaussian_kl(A, B), rel=1e-6
        )

    def test_converges_to_the_closed_form(self):
        rng = np.random.default_rng(0)
        (ma, Sa), (mb, Sb) = _gaussian(rng, 3), _gaussian(rng, 3)
        A, B = (rng.multivariate_normal(m, S, 40_000) for m, S in ((ma, Sa), (mb, Sb)))
        expected = kl_of_gaussians(ma, Sa, mb, Sb)
        assert gaussian_kl(A, B, direction="forward") == pytest.approx(expected, rel=0.03)

    def test_few_rows_of_equal_domains_make_the_stated_bias(self):
        rng = np.random.default_rng(0)
        d, n_a, n_b = 6, 150, 300
        found = [
            gaussian_kl(rng.standard_normal((n_a, d)), rng.standard_normal((n_b, d)), shrinkage=0.0)
            for _ in range(100)
        ]
        stated = d * (d + 3) / 4 * (1 / n_a + 1 / n_b)
        assert np.mean(found) == pytest.approx(stated, rel=0.1)

    def test_fewer_rows_than_features_are_shrunk_or_refused(self):
        A, B = _rows(n=(5, 6), d=20)
        assert 0 < gaussian_kl(A, B) < np.inf
        assert gaussian_kl(A, A) == pytest.approx(0, abs=1e-9)
        with pytest.raises(InputError, match=r"a covariance of the 20 features is singular"):
            gaussian_kl(A, B, shrinkage=0.0)

    def test_features_constant_in_both_domains_are_left_out(self):
        A, B = _rows()
        held = [np.column_stack([A, np.full(60, 1.0)]), np.column_stack([B, np.full(80, 2.0)])]
        assert gaussian_kl(*held) == pytest.approx(gaussian_kl(A, B), rel=1e-12)
        with pytest.raises(InputError, match=r"none of the 2 features varies"):
            gaussian_kl(np.ones((3, 2)), np.zeros((4, 2)))

    def test_wrong_settings_are_refused(self):
        A, B = _rows()
        with pytest.raises(InputError, match=r"one of symmetric, forward, reverse; got 'both'"):
            gaussian_kl(A, B, direction="both")
        for wrong in ("lw", -0.1, 1.5, np.nan):
            with pytest.raises(InputError, match=f"'oas' or from 0 to 1; got {wrong!r}"):
                gaussian_kl(A, B, shrinkage=wrong)

    def test_full_shrinkage_leaves_the_total_variance(self):
        A, B = _rows()
        scale = np.sqrt(domains.variance_within(A, B)[0])
        parts = []
        for X in (A / scale, B / scale):
            parts += [X.mean(axis=0), X.var(axis=0).mean() * np.eye(4)]
        expected = kl_of_gaussians(*parts)
        found = gaussian_kl(A, B, direction="forward", shrinkage=1.0)
        assert found == pytest.approx(expected, rel=1e-12)

    def test_too_many_features_are_refused_before_memory_is_taken(self, monkeypatch):
        monkeypatch.setattr(domains, "MATRIX_LIMIT_BYTES", 8 * 15)
        with pytest.raises(MemoryEstimateError, match=r"covariance of the features \(4 x 4\) need"):
            gaussian_kl(*_rows())


class TestWasserstein2:
    @given(m=st.floats(-5, 5), s=st.floats(0, 10))
    def test_of_two_normal_distributions(self, m, s):
        expected = np.hypot(m, s - 1)
        assert w2_of_gaussians([0], [[1]], [m], [[s**2]]) == pytest.approx(expected, abs=1e-9)

    @settings(max_examples=30)
    @given(seed=SEEDS)
    def test_equals_the_formula_with_matrix_roots(self, seed):
        rng = np.random.default_rng(seed)
        a, b = _gaussian(rng), _gaussian(rng)
        assert w2_of_gaussians(*a, *b) == pytest.approx(_w2_by_roots(*a, *b), rel=1e-7)

    @settings(max_examples=50)
    @given(seed=SEEDS, ranks=st.tuples(*[st.integers(1, 4)] * 3))
    def test_is_a_metric_for_singular_covariances_too(self, seed, ranks):
        rng = np.random.default_rng(seed)
        a, b, c = (_gaussian(rng, 4, rank) for rank in ranks)
        ab, bc, ac = w2_of_gaussians(*a, *b), w2_of_gaussians(*b, *c), w2_of_gaussians(*a, *c)
        assert ac <= ab + bc + 1e-9
        assert w2_of_gaussians(*b, *a) == pytest.approx(ab, rel=1e-9)
        assert ab > 0
        assert w2_of_gaussians(*a, *a) == pytest.approx(0, abs=1e-6)

    def test_orthogonal_subspaces_lie_apart_by_all_of_both_variances(self):
        S_a, S_b = np.diag([3.0, 0.0]), np.diag([0.0, 5.0])
        assert w2_of_gaussians([0, 0], S_a, [0, 0], S_b) == pytest.approx(np.sqrt(8.0))

    @pytest.mark.parametrize(("n", "d"), [((60, 80), 4), ((9, 30), 12), ((7, 5), 30)])
    def test_rows_are_their_moments_whatever_the_rank(self, n, d):
        A, B = _rows(n=n, d=d)
        moments = [(X.mean(axis=0), np.cov(X.T)) for X in (A, B)]
        assert gaussian_w2(A, B) == pytest.approx(w2_of_gaussians(*moments[0], *moments[1]))
        assert gaussian_w2(A, A) < 1e-12
        assert gaussian_w2(A, A + 2.0) == pytest.approx(2 * np.sqrt(d), rel=1e-12)

    def test_blocks_of_rows_do_not_change_it(self, monkeypatch):
        from eegtl.transfer.distances import wasserstein

        A, B = _rows(n=(200, 150), d=6)
        whole = gaussian_w2(A, B)
        monkeypatch.setattr(wasserstein, "_BLOCK", 4)  # fewer rows than features in a block
        assert gaussian_w2(A, B) == pytest.approx(whole, rel=1e-12)

    @settings(max_examples=20)
    @given(seed=SEEDS, factor=st.floats(0.01, 100))
    def test_moving_rotating_and_scaling_both_domains(self, seed, factor):
        A, B = _rows(seed)
        rotation = np.linalg.qr(np.random.default_rng(seed).standard_normal((4, 4)))[0]
        moved = gaussian_w2(factor * A @ rotation - 4, factor * B @ rotation - 4)
        assert moved == pytest.approx(factor * gaussian_w2(A, B), rel=1e-7)

    def test_few_rows_of_equal_domains_make_the_stated_bias(self):
        rng = np.random.default_rng(0)
        d, n_a, n_b = 5, 150, 300
        found = [
            gaussian_w2(rng.standard_normal((n_a, d)), rng.standard_normal((n_b, d))) ** 2
            for _ in range(200)
        ]
        stated = d * (d + 5) / 4 * (1 / n_a + 1 / n_b)
        assert np.mean(found) == pytest.approx(stated, rel=0.1)

    def test_too_many_features_are_refused_before_memory_is_taken(self, monkeypatch):
        monkeypatch.setattr(domains, "MATRIX_LIMIT_BYTES", 8 * 15)
        assert gaussian_w2(*_rows(n=(3, 3))) > 0  # 3 x 3
        with pytest.raises(MemoryEstimateError, match=r"product of two factors \(4 x 4\) needs"):
            gaussian_w2(*_rows())
