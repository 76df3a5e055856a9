"""Kernel values, their products, the median width and the order of rows by content."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference.tca_naive import kernel_matrix, median_gamma_naive

from eegtl.kernels import gram
from eegtl.kernels.gram import canonical_order, median_gamma, rbf_kernel, rbf_product
from eegtl.transfer import KPCA


def rows(n: int, d: int = 4, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((n, d))


class TestKernel:
    @pytest.mark.parametrize("gamma", [1e-3, 0.3, 50.0])
    def test_equals_the_loop(self, gamma: float) -> None:
        X, Y = rows(20), rows(13, seed=1)
        np.testing.assert_allclose(
            rbf_kernel(X, Y, gamma), kernel_matrix(X, Y, gamma), rtol=1e-10, atol=1e-300
        )

    def test_of_rows_with_themselves(self) -> None:
        X = rows(20)
        K = rbf_kernel(X, X, 0.3)
        np.testing.assert_array_equal(np.diag(K), 1.0)
        np.testing.assert_allclose(K, K.T, atol=1e-15)
        np.testing.assert_allclose(K, rbf_kernel(X, X.copy(), 0.3), atol=1e-14)

    def test_a_common_offset_costs_only_the_digits_of_the_input(self) -> None:
        X, Y = rows(20), rows(13, seed=1)
        moved = rbf_kernel(X + 1e6, Y + 1e6, 0.3)
        np.testing.assert_allclose(moved, rbf_kernel(X, Y, 0.3), atol=1e-8)

    def test_never_passes_one(self) -> None:
        X = rows(50) * 1e-9 + 1e3
        assert rbf_kernel(X, X.copy(), 1e10).max() <= 1.0

    def test_writes_to_out_and_leaves_the_input(self) -> None:
        X, Y = rows(5), rows(6, seed=1)
        before = X.copy(), Y.copy()
        out = np.empty((5, 6))
        assert rbf_kernel(X, Y, 0.3, out=out) is out
        np.testing.assert_allclose(out, kernel_matrix(X, Y, 0.3))
        np.testing.assert_array_equal(X, before[0])
        np.testing.assert_array_equal(Y, before[1])

    def test_product_in_blocks(self, monkeypatch: pytest.MonkeyPatch) -> None:
        X, Y, V = rows(23), rows(13, seed=1), rows(13, 3, seed=2)
        whole = kernel_matrix(X, Y, 0.3) @ V
        np.testing.assert_allclose(rbf_product(X, Y, 0.3, V), whole, atol=1e-12)
        monkeypatch.setattr(gram, "BLOCK_ROWS", 5)
        np.testing.assert_allclose(rbf_product(X, Y, 0.3, V), whole, atol=1e-12)


class TestMedianGamma:
    def test_known_answers(self) -> None:
        # distances 1, 2, 3: median 2
        assert median_gamma(np.array([[0.0], [1.0], [3.0]])) == pytest.approx(1 / 8)
        # a square of side 1: 1 four times, sqrt(2) twice
        square = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
        assert median_gamma(square) == pytest.approx(0.5)

    @settings(max_examples=20, deadline=None)
    @given(seed=st.integers(0, 2**16), n=st.integers(2, 30))
    def test_equals_the_loop(self, seed: int, n: int) -> None:
        X = rows(n, 3, seed)
        if n * (n - 1) // 2 % 2 == 0:  # the mean of two squares is not the square of the mean
            assert median_gamma(X) == pytest.approx(median_gamma_naive(X), rel=0.2)
        else:
            assert median_gamma(X) == pytest.approx(median_gamma_naive(X), rel=1e-9)

    def test_equal_rows_do_not_count(self) -> None:
        X = np.array([[0.0]] * 50 + [[2.0]])
        assert median_gamma(X) == pytest.approx(1 / 8)
        assert median_gamma(X + 1e6) == pytest.approx(1 / 8)
        assert median_gamma(np.ones((5, 2))) == 1.0
        assert median_gamma(np.ones((1, 2))) == 1.0

    def test_compares_evenly_spread_rows_of_a_long_table(self) -> None:
        X = np.arange(2001.0)[:, None]
        assert median_gamma(X, max_rows=5) == pytest.approx(
            median_gamma(X[[0, 500, 1000, 1500, 2000]])
        )

    def test_is_that_of_the_sources_alone(self) -> None:
        X = rows(40)
        kpca = KPCA(2).fit(X)
        assert kpca.gamma_ == pytest.approx(median_gamma_naive(X), rel=0.01)
        assert kpca.gamma_ == KPCA(2).fit(X, X_target=100 * rows(30, seed=1)).gamma_
        assert KPCA(2, gamma=0.7).fit(X).gamma_ == 0.7


class TestCanonicalOrder:
    @settings(max_examples=30, deadline=None)
    @given(seed=st.integers(0, 2**16), n=st.integers(1, 30), d=st.integers(1, 4))
    def test_depends_on_the_content_alone(self, seed: int, n: int, d: int) -> None:
        rng = np.random.default_rng(seed)
        X = rng.integers(-2, 3, (n, d)).astype(float)  # with equal rows
        other = X[rng.permutation(n)]
        order = canonical_order(X)
        assert sorted(order.tolist()) == list(range(n))
        np.testing.assert_array_equal(X[order], other[canonical_order(other)])

    def test_negative_zero_is_zero(self) -> None:
        X = np.array([[0.0, 2.0], [-0.0, 1.0], [0.0, 3.0]])
        np.testing.assert_array_equal(canonical_order(X), canonical_order(np.abs(X)))

    def test_takes_columns_and_slices(self) -> None:
        X = rows(30, 6)
        expected = canonical_order(X[::2, 1:4].copy())
        np.testing.assert_array_equal(canonical_order(X[::2, 1:4]), expected)
        np.testing.assert_array_equal(canonical_order(np.asfortranarray(X)), canonical_order(X))
