"""Kernels between sets of rows, against plain loops, theory and another library."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference.tpt_naive import gaussian_pair_mean, pair_mean
from sklearn.metrics.pairwise import rbf_kernel as sklearn_rbf_kernel

from eegtl.transfer import distribution_kernel as module
from eegtl.transfer.distribution_kernel import (
    fourier_frequencies,
    kernel_mean,
    kernel_means,
    mean_embedding,
    self_kernel_mean,
)


def sets(*sizes: int, d: int = 4, seed: int = 0) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    return [rng.standard_normal((n, d)) + rng.standard_normal(d) for n in sizes]


class TestMeans:
    @pytest.mark.parametrize(("n", "m"), [(1, 1), (1, 7), (23, 5), (8, 30)])
    def test_equals_plain_loops(self, n: int, m: int) -> None:
        X, Y = sets(n, m)
        assert kernel_mean(X, Y, 0.3) == pytest.approx(pair_mean(X, Y, 0.3), rel=1e-12)
        assert kernel_mean(Y, X, 0.3) == pytest.approx(pair_mean(X, Y, 0.3), rel=1e-12)
        assert self_kernel_mean(X, 0.3) == pytest.approx(pair_mean(X, X, 0.3), rel=1e-12)

    @pytest.mark.parametrize("values", [1, 10, 37, 100])
    def test_blocks_change_nothing(self, values: int, monkeypatch: pytest.MonkeyPatch) -> None:
        X, Y = sets(23, 11)
        across, within = pair_mean(X, Y, 0.2), pair_mean(X, X, 0.2)
        monkeypatch.setattr(module, "_BLOCK_VALUES", values)
        assert kernel_mean(X, Y, 0.2) == pytest.approx(across, rel=1e-12)
        assert kernel_mean(Y, X, 0.2) == pytest.approx(across, rel=1e-12)
        assert self_kernel_mean(X, 0.2) == pytest.approx(within, rel=1e-12)

    def test_blocks_stay_small(self, monkeypatch: pytest.MonkeyPatch) -> None:
        X, Y = sets(200, 50)
        sizes = []
        original = module.rbf_kernel

        def spy(A: np.ndarray, B: np.ndarray, gamma: float, out: object = None) -> np.ndarray:
            sizes.append(len(A) * len(B))
            return original(A, B, gamma, out)

        monkeypatch.setattr(module, "_BLOCK_VALUES", 1000)
        monkeypatch.setattr(module, "rbf_kernel", spy)
        kernel_mean(X, Y, 0.1)
        self_kernel_mean(X, 0.1)
        assert max(sizes) <= 1000

    def test_another_library_agrees(self) -> None:
        X, Y = sets(400, 300, d=20)
        expected = sklearn_rbf_kernel(X, Y, gamma=0.02).mean()
        assert kernel_mean(X, Y, 0.02) == pytest.approx(expected, rel=1e-12)
        assert self_kernel_mean(X, 0.02) == pytest.approx(
            sklearn_rbf_kernel(X, gamma=0.02).mean(), rel=1e-12
        )

    def test_gaussians_have_the_mean_that_theory_gives(self) -> None:
        rng = np.random.default_rng(1)
        mean = np.array([0.5, -1.0, 0.0])
        X = rng.standard_normal((2000, 3))
        Y = mean + 2 * rng.standard_normal((2000, 3))
        expected = gaussian_pair_mean(mean, 1.0, 4.0, 0.3)
        assert kernel_mean(X, Y, 0.3) == pytest.approx(expected, rel=0.05)
        assert kernel_mean(X, Y, 0.3) != pytest.approx(
            gaussian_pair_mean(mean, 1.0, 1.0, 0.3), rel=0.05
        )

    @settings(max_examples=20, deadline=None)
    @given(seed=st.integers(0, 2**16), gamma=st.floats(1e-3, 10.0))
    def test_order_and_origin_do_not_matter(self, seed: int, gamma: float) -> None:
        rng = np.random.default_rng(seed)
        X, Y = sets(int(rng.integers(1, 20)), int(rng.integers(1, 20)), seed=seed)
        value, own = kernel_mean(X, Y, gamma), self_kernel_mean(X, gamma)
        moved = 100 * rng.standard_normal(4)
        again = kernel_mean(rng.permutation(X) + moved, rng.permutation(Y) + moved, gamma)
        assert again == pytest.approx(value, rel=1e-8, abs=1e-12)
        assert self_kernel_mean(rng.permutation(X) + moved, gamma) == pytest.approx(own, rel=1e-8)

    def test_kernel_is_symmetric_and_positive(self) -> None:
        group = sets(5, 30, 1, 12)
        K = kernel_means([*group, group[0][::-1]], 0.3)
        np.testing.assert_array_equal(K, K.T)
        expected = [[pair_mean(X, Y, 0.3) for Y in group] for X in group]
        np.testing.assert_allclose(K[:4, :4], expected, rtol=1e-12)
        np.testing.assert_allclose(K[4], K[0], rtol=1e-12)  # the same rows in another order
        assert np.linalg.eigvalsh(K).min() > -1e-12


class TestFourier:
    def test_estimates_the_mean_without_bias(self) -> None:
        X, Y = sets(15, 25)
        exact = kernel_mean(X, Y, 0.2)
        estimates = [
            mean_embedding(X, w) @ mean_embedding(Y, w)
            for w in (fourier_frequencies(4, 100, 0.2, seed) for seed in range(200))
        ]
        error = np.std(estimates) / np.sqrt(200)
        assert np.mean(estimates) == pytest.approx(exact, abs=4 * error)
        assert error < 0.01

    @pytest.mark.parametrize("t", [0.1, 0.2, 0.3])
    def test_hoeffding_bounds_the_error(self, t: float) -> None:
        """Two single rows: the widest spread of the estimate that there is."""
        X, Y = np.zeros((1, 2)), np.array([[3.0, 0.0]])
        exact, n_frequencies = kernel_mean(X, Y, 1.0), 50
        errors = np.array(
            [
                abs(mean_embedding(X, w) @ mean_embedding(Y, w) - exact)
                for w in (fourier_frequencies(2, n_frequencies, 1.0, s) for s in range(1000))
            ]
        )
        assert np.mean(errors > t) <= 2 * np.exp(-n_frequencies * t**2 / 2)
        assert errors.max() > 0.2  # the errors are there to be bounded

    def test_error_falls_with_the_root_of_the_number(self) -> None:
        X, Y = sets(10, 10)
        exact = kernel_mean(X, Y, 0.3)
        rms = []
        for n_frequencies in (64, 1024):
            estimates = [
                mean_embedding(X, w) @ mean_embedding(Y, w)
                for w in (fourier_frequencies(4, n_frequencies, 0.3, s) for s in range(100))
            ]
            rms.append(np.sqrt(np.mean((np.array(estimates) - exact) ** 2)))
        assert rms[0] / rms[1] == pytest.approx(4.0, rel=0.35)

    def test_one_row_is_one_to_itself(self) -> None:
        embedded = mean_embedding(np.array([[1.0, 2.0]]), fourier_frequencies(2, 64, 0.5, 0))
        assert embedded @ embedded == pytest.approx(1.0, rel=1e-12)

    def test_blocks_of_rows_are_averaged(self) -> None:
        X = sets(3000, d=3)[0]
        w = fourier_frequencies(3, 1000, 0.1, 0)  # 2097 rows a block
        features = np.hstack([np.cos(X @ w.T), np.sin(X @ w.T)]) / np.sqrt(1000)
        np.testing.assert_allclose(mean_embedding(X, w), features.mean(axis=0), atol=1e-14)
        np.testing.assert_array_equal(w, fourier_frequencies(3, 1000, 0.1, 0))
        assert not np.array_equal(w, fourier_frequencies(3, 1000, 0.1, 1))
