"""Principal component pursuit: recovery, optimality, symmetries; and the sparse part of one row."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import rpca_naive as naive

from eegtl.errors import InputError, TransferWarning
from eegtl.transfer.solvers import sparse_remainder as module
from eegtl.transfer.solvers.principal_component_pursuit import Pursuit, pursue
from eegtl.transfer.solvers.sparse_remainder import sparse_remainder

TESTS = Path(__file__).parents[1]


def planted(m, n, rank, share, seed):
    """A low-rank matrix, and large values at a share of the places."""
    rng = np.random.default_rng(seed)
    low = rng.standard_normal((m, rank)) @ rng.standard_normal((rank, n))
    spikes = np.where(rng.random((m, n)) < share, rng.choice([-8.0, 8.0], (m, n)), 0.0)
    return low, spikes


def eeg_like(m, n, seed=0):
    """Standardised rows with a decaying spectrum, dense noise and no planted structure."""
    rng = np.random.default_rng(seed)
    k = min(m, n)
    mix = rng.standard_normal((k, n)) / np.arange(1, k + 1)[:, None] ** 0.7
    X = rng.standard_normal((m, k)) @ mix + 0.2 * rng.standard_normal((m, n))
    return (X - X.mean(axis=0)) / X.std(axis=0)


class TestRecovery:
    @pytest.mark.parametrize("seed", [0, 1])
    @pytest.mark.parametrize(("m", "n", "rank"), [(60, 60, 2), (200, 50, 2), (60, 150, 2)])
    def test_finds_what_was_planted(self, m, n, rank, seed):
        low, spikes = planted(m, n, rank, 0.05, seed)
        found = pursue(low + spikes, tol=1e-8)
        assert np.linalg.norm(found.low_rank - low) < 1e-5 * np.linalg.norm(low)
        assert np.array_equal(np.abs(found.sparse) > 1e-4, spikes != 0)
        assert len(found.singular_values) == rank
        np.testing.assert_allclose(found.low_rank + found.sparse, low + spikes, atol=1e-6)

    def test_does_not_find_what_fills_half_of_the_places(self):
        """The theorem needs few spikes; this shows that the test above can fail."""
        low, spikes = planted(60, 60, 2, 0.6, 0)
        found = pursue(low + spikes)
        assert np.linalg.norm(found.low_rank - low) > 0.1 * np.linalg.norm(low)

    def test_background_of_a_block_goes_by_its_shape_not_its_size(self):
        """a x b equal values are low-rank when lam sqrt(a b) > 1, whatever the value."""
        for height in (0.01, 1.0, 100.0):
            for a, b, low_rank in ((8, 8, False), (20, 20, True)):
                D = np.zeros((100, 40))
                D[:a, :b] = height
                found = pursue(D)  # lam = 0.1, so that the border is at a b = 100
                part = found.low_rank if low_rank else found.sparse
                np.testing.assert_allclose(part, D, atol=2e-3 * height)


class TestOptimality:
    @pytest.mark.parametrize("factor", [0.5, 1.0, 2.0])
    @pytest.mark.parametrize("shape", [(60, 25), (25, 60), (30, 30)])
    def test_equals_the_plain_algorithm(self, shape, factor):
        D = eeg_like(*shape)
        lam = factor / np.sqrt(max(shape))
        found = pursue(D, lam, tol=1e-9, max_iter=5000)
        L, S, Y = naive.pursue_plain(D, lam)
        ours, theirs = (
            naive.objective(a, b, lam) for a, b in ((D - found.sparse, found.sparse), (L, S))
        )
        assert ours == pytest.approx(theirs, rel=1e-7)
        assert ours <= naive.lower_bound(D, Y, lam) * (1 + 1e-6)
        np.testing.assert_allclose(found.sparse, S, atol=1e-4)
        assert found.lam == lam

    @pytest.mark.parametrize("factor", [0.5, 1.0, 2.0])
    def test_subgradients(self, factor):
        """Some Y is in both subdifferentials: UV' + W of |L|_*, and lam sign(S) of lam |S|_1."""
        D = eeg_like(60, 24, seed=3)
        lam = factor / np.sqrt(60)
        found = pursue(D, lam, tol=1e-9, max_iter=5000)
        Y = naive.pursue_plain(D, lam)[2]
        V = found.components.T
        U = found.low_rank @ V / found.singular_values
        assert np.linalg.norm(Y, 2) <= 1 + 1e-6
        assert np.abs(Y).max() <= lam * (1 + 1e-6)
        np.testing.assert_allclose(U.T @ Y, V.T, atol=1e-4)
        np.testing.assert_allclose(Y @ V, U, atol=1e-4)
        clear = np.abs(found.sparse) > 1e-3
        np.testing.assert_allclose(Y[clear], lam * np.sign(found.sparse[clear]), atol=1e-6)

    def test_gap_bounds_the_distance_from_the_optimum(self):
        D = eeg_like(80, 30, seed=1)
        lam = 1 / np.sqrt(80)
        best = naive.lower_bound(D, naive.pursue_plain(D, lam)[2], lam)
        for tol in (1e-2, 1e-3, 1e-5):
            found = pursue(D, tol=tol)
            reached = naive.objective(D - found.sparse, found.sparse, lam)
            assert reached - best <= found.gap * reached * (1 + 1e-9) + 1e-9
            assert found.gap < 100 * tol

    @pytest.mark.parametrize("tol", [1e-3, 1e-5])
    def test_it_does_not_end_as_soon_as_the_parts_add_up(self, tol):
        """L + S = D comes early for noise without structure; the objective takes longer."""
        assert pursue(np.random.default_rng(0).standard_normal((400, 20)), tol=tol).gap < 2 * tol

    def test_the_growing_penalty_stops_short(self):
        """Why mu is fixed here: the usual schedule satisfies L + S = D, not the objective."""
        D = eeg_like(80, 30, seed=1)
        lam = 1 / np.sqrt(80)
        found = pursue(D, tol=1e-7)
        best = naive.objective(D - found.sparse, found.sparse, lam)
        L, S = naive.scheduled(D, lam)
        assert np.linalg.norm(D - L - S) < 1e-6 * np.linalg.norm(D)
        assert naive.objective(D - S, S, lam) > 1.0005 * best

    def test_components_are_those_of_the_low_rank_part(self):
        for shape in ((50, 20), (20, 50)):
            found = pursue(eeg_like(*shape))
            _, s, Vt = np.linalg.svd(found.low_rank)
            r = len(found.singular_values)
            assert 0 < r < 20
            np.testing.assert_allclose(s[:r], found.singular_values, rtol=1e-8)
            np.testing.assert_allclose(s[r:], 0, atol=1e-10)
            np.testing.assert_allclose(np.abs(found.components @ Vt[:r].T), np.eye(r), atol=1e-6)
            assert found.components.shape == (r, shape[1])


class TestSymmetries:
    D = eeg_like(50, 20, seed=5)

    @pytest.mark.parametrize("scale", [1e-200, 1e-6, 3.0, -7.0, 1e150])
    def test_scale(self, scale):
        one, other = pursue(self.D), pursue(scale * self.D)
        np.testing.assert_allclose(other.sparse / scale, one.sparse, atol=1e-9)
        np.testing.assert_allclose(other.low_rank / scale, one.low_rank, atol=1e-9)
        assert other.n_iter == one.n_iter

    def test_order_of_rows_and_columns(self):
        rng = np.random.default_rng(0)
        rows, columns = rng.permutation(50), rng.permutation(20)
        one, other = pursue(self.D), pursue(self.D[rows][:, columns])
        np.testing.assert_allclose(other.sparse, one.sparse[rows][:, columns], atol=1e-9)
        np.testing.assert_allclose(other.low_rank, one.low_rank[rows][:, columns], atol=1e-9)

    def test_transpose(self):
        one, other = pursue(self.D), pursue(self.D.T)
        np.testing.assert_allclose(other.sparse, one.sparse.T, atol=1e-12)
        np.testing.assert_allclose(other.singular_values, one.singular_values, rtol=1e-12)

    @given(
        st.integers(1, 12),
        st.integers(1, 12),
        st.sampled_from([0.05, 0.4, 1.5]),
        st.integers(0, 2**16),
    )
    @settings(max_examples=30)
    def test_parts_sum_to_the_matrix(self, m, n, lam, seed):
        D = np.random.default_rng(seed).standard_normal((m, n))
        found = pursue(D, lam, tol=1e-6, max_iter=20000)
        assert found.residual < 1e-6
        assert np.linalg.norm(D - found.low_rank - found.sparse) < 1e-6 * np.linalg.norm(D)
        assert -1e-9 < found.gap < 1e-3


class TestEdges:
    def test_zero_matrix(self):
        found = pursue(np.zeros((4, 3)))
        assert isinstance(found, Pursuit)
        assert not found.low_rank.any()
        assert not found.sparse.any()
        assert (found.components.shape, found.n_iter, found.gap) == ((0, 3), 0, 0.0)

    def test_constants(self):
        """A column of zeros is zero in both parts; one value everywhere is a background."""
        found = pursue(np.column_stack([eeg_like(40, 6), np.zeros(40)]))
        assert not found.sparse[:, 6].any()
        assert np.abs(found.low_rank[:, 6]).max() < 1e-12
        found = pursue(np.full((30, 5), 2.0))
        np.testing.assert_allclose(found.low_rank, 2.0, atol=1e-3)
        assert len(found.singular_values) == 1

    def test_one_row(self):
        """For one row |L|_* is its length, and lam |S|_1 <= |S| at lam = 1 / sqrt(n)."""
        D = np.random.default_rng(0).standard_normal((1, 20))
        found = pursue(D, tol=1e-8)
        assert naive.objective(D - found.sparse, found.sparse, found.lam) == pytest.approx(
            found.lam * np.abs(D).sum(), rel=1e-6
        )
        all_sparse = pursue(D, 0.9 / np.sqrt(20))
        np.testing.assert_allclose(all_sparse.sparse, D, atol=1e-5)
        assert all_sparse.components.shape == (0, 20)

    def test_large_and_small_weights(self):
        D = eeg_like(30, 10)
        np.testing.assert_allclose(pursue(D, 1.0).low_rank, D, atol=1e-4)
        assert not pursue(D, 1.0).sparse.any()
        np.testing.assert_allclose(pursue(D, 1e-3).sparse, D, atol=1e-4)

    def test_says_that_it_is_not_done(self):
        message = r"pursuit of 50 x 20 values is not at tol=1e-10 after max_iter=5 steps: residual"
        with pytest.warns(TransferWarning, match=message):
            found = pursue(eeg_like(50, 20), tol=1e-10, max_iter=5)
        assert found.n_iter == 5
        assert found.residual > 1e-10

    @pytest.mark.parametrize(
        ("D", "arguments", "message"),
        [
            (np.ones(3), {}, r"takes a matrix; got an array of shape \(3,\)"),
            (np.ones((0, 3)), {}, r"shape \(0, 3\)"),
            ([[1.0, np.nan, np.inf]], {}, "2 of 3 values are not finite"),
            (np.ones((2, 2)), {"lam": 0.0}, r"lam must be a positive number or None; got 0\.0"),
            (np.ones((2, 2)), {"tol": 1.0}, r"tol must lie between 0 and 1; got 1\.0"),
            (np.ones((2, 2)), {"max_iter": 0}, "max_iter must be a positive integer; got 0"),
        ],
    )
    def test_bad_input(self, D, arguments, message):
        with pytest.raises(InputError, match=message):
            pursue(D, **arguments)

    def test_does_not_write_to_its_input(self):
        D = eeg_like(20, 8)
        copy = D.copy()
        pursue(D)
        pursue(D.T)
        assert np.array_equal(D, copy)


def background(n, rank, seed=0):
    rng = np.random.default_rng(seed)
    V = np.linalg.qr(rng.standard_normal((n, n)))[0][:rank]
    return V, np.sort(rng.uniform(0.5, 20, rank))[::-1]


class TestSparseRemainder:
    @pytest.mark.parametrize("shape", [(60, 25), (25, 60)])
    @pytest.mark.parametrize("factor", [0.6, 1.0, 1.5])
    def test_gives_the_decomposed_rows_their_sparse_part_again(self, shape, factor):
        D = eeg_like(*shape)
        found = pursue(D, factor / np.sqrt(max(shape)), tol=1e-10, max_iter=20000)
        S = sparse_remainder(D, found.components, found.singular_values, found.lam)
        np.testing.assert_allclose(S, found.sparse, atol=1e-5)

    @pytest.mark.parametrize(("n", "rank"), [(1, 1), (6, 2), (8, 8), (12, 5)])
    @pytest.mark.parametrize("lam", [0.02, 0.2, 2.0])
    def test_equals_gradient_steps(self, n, rank, lam):
        V, s = background(n, rank)
        Z = np.random.default_rng(1).standard_normal((6, n))
        S = sparse_remainder(Z, V, s, lam)
        for z, row in zip(Z, S, strict=True):
            expected, gap = naive.row_remainder(z, V, s, lam)
            assert gap < 1e-10
            np.testing.assert_allclose(row, expected, atol=2e-6)

    def test_is_a_minimum(self):
        """No step of the coordinates lowers the cost of explaining the row."""
        V, s = background(30, 12)
        rng = np.random.default_rng(2)
        z = rng.standard_normal(30)
        a = V @ (z - sparse_remainder(z[None], V, s, 0.1)[0])
        np.testing.assert_allclose(a @ V, z - sparse_remainder(z[None], V, s, 0.1)[0], atol=1e-9)
        least = naive.row_objective(z, V, s, 0.1, a)
        for size in (1e-1, 1e-3, 1e-5):
            for _ in range(20):
                step = size * rng.standard_normal(12)
                assert naive.row_objective(z, V, s, 0.1, a + step) >= least - 1e-12

    def test_a_row_does_not_depend_on_its_company(self):
        V, s = background(40, 15)
        Z = np.random.default_rng(3).standard_normal((50, 40))
        together = sparse_remainder(Z, V, s, 0.1)
        for i in range(50):
            assert np.array_equal(sparse_remainder(Z[i : i + 1], V, s, 0.1)[0], together[i])
        assert np.array_equal(sparse_remainder(Z[::-1], V, s, 0.1), together[::-1])

    def test_scale_and_sign(self):
        V, s = background(20, 6)
        Z = np.random.default_rng(4).standard_normal((5, 20))
        one = sparse_remainder(Z, V, s, 0.1)
        np.testing.assert_allclose(sparse_remainder(-3 * Z, V, 3 * s, 0.1), -3 * one, atol=1e-8)
        np.testing.assert_allclose(sparse_remainder(Z, -V, s, 0.1), one, atol=1e-12)

    def test_without_a_background_all_is_left(self):
        Z = np.random.default_rng(5).standard_normal((3, 4))
        assert np.array_equal(sparse_remainder(Z, np.zeros((0, 4)), np.zeros(0), 0.1), Z)

    def test_equal_features_and_zero_rows(self):
        """A background of two equal features has a singular problem, and a unique answer."""
        V = np.array([[1.0, 1.0, 0.0]]) / np.sqrt(2)
        Z = np.array([[3.0, 3.0, 1.0], [0.0, 0.0, 0.0], [3.0, -3.0, 0.0]])
        S = sparse_remainder(Z, V, np.array([100.0]), 0.5)
        np.testing.assert_allclose(S, [[0, 0, 1], [0, 0, 0], [3, -3, 0]], atol=0.1)
        assert not S[1].any()

    def test_other_strides_and_types(self):
        V, s = background(10, 4)
        Z = np.random.default_rng(6).standard_normal((10, 7)).astype(np.float32).T
        plain = np.ascontiguousarray(Z, dtype=np.float64)
        assert np.array_equal(sparse_remainder(Z, V, s, 0.1), sparse_remainder(plain, V, s, 0.1))

    def test_nan_stays_in_its_row(self):
        V, s = background(10, 4)
        Z = np.random.default_rng(7).standard_normal((3, 10))
        clean = sparse_remainder(Z, V, s, 0.1)
        Z[1, 2] = np.nan
        S = sparse_remainder(Z, V, s, 0.1)
        assert np.array_equal(S[[0, 2]], clean[[0, 2]])
        assert np.isnan(S[1, 2])

    def test_says_that_rows_were_not_finished(self, monkeypatch):
        V, s = background(4, 2)
        monkeypatch.setattr(module, "_MAX_ROUNDS", 0)
        message = "sparse part of 2 of 2 rows was not found to 1e-09 of their largest entry in 0"
        with pytest.warns(TransferWarning, match=message):
            sparse_remainder(np.ones((2, 4)), V, s, 0.1)


SCRIPT = """
import numpy as np
from numba import config
from reference import rpca_naive as naive
from transfer.test_transfer_principal_component_pursuit import background
from eegtl.transfer.solvers.sparse_remainder import sparse_remainder

V, s = background(6, 3)
Z = np.random.default_rng(1).standard_normal((3, 6))
for z, row in zip(Z, sparse_remainder(Z, V, s, 0.2), strict=True):
    np.testing.assert_allclose(row, naive.row_remainder(z, V, s, 0.2)[0], atol=2e-6)
print("equal", int(config.DISABLE_JIT), config.BOUNDSCHECK)
"""


@pytest.mark.parametrize(
    ("variable", "words"),
    [("NUMBA_DISABLE_JIT", ["equal", "1"]), ("NUMBA_BOUNDSCHECK", ["equal", "0", "1"])],
)
def test_without_the_compiler_and_inside_the_arrays(tmp_path, variable, words):
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        env={
            **os.environ,
            "PYTHONPATH": str(TESTS),
            "NUMBA_CACHE_DIR": str(tmp_path),
            "PYTHONDONTWRITEBYTECODE": "1",
            variable: "1",
        },
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split()[: len(words)] == words
