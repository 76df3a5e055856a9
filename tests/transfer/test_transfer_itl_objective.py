"""The objective of ITL and its gradient against plain loops, and the ascent."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import itl_naive as naive
from scipy.optimize import approx_fprime

from eegtl.transfer.itl import itl_ascent, itl_objective, mutual_information, on_the_sphere

SIZES = np.array([4, 3, 5])
SEEDS = st.integers(0, 10_000)


def _rows(seed=0, n=(7, 12), k=3, spread=0.8):
    """Queries, and neighbours in classes of the sizes above."""
    rng = np.random.default_rng(seed)
    return spread * rng.standard_normal((n[0], k)), spread * rng.standard_normal((n[1], k))


class TestInformation:
    @pytest.mark.parametrize("spread", [0.1, 0.8, 5.0])
    def test_equals_plain_loops(self, spread):
        V, Z = _rows(spread=spread)
        labels = np.repeat([0, 1, 2], SIZES).tolist()
        found = mutual_information(V, Z, SIZES)[0]
        assert found == pytest.approx(naive.information(V.tolist(), Z.tolist(), labels), rel=1e-9)
        found = mutual_information(Z, Z, SIZES, leave_one_out=True)[0]
        expected = naive.information(Z.tolist(), Z.tolist(), labels, leave_one_out=True)
        assert found == pytest.approx(expected, rel=1e-9)

    @settings(max_examples=20)
    @given(seed=SEEDS, spread=st.floats(0.2, 2.0))
    def test_gradients_are_those_of_finite_differences(self, seed, spread):
        V, Z = _rows(seed, spread=spread)
        _, to_queries, to_neighbours = mutual_information(V, Z, SIZES)

        def by_queries(flat):
            return mutual_information(flat.reshape(V.shape), Z, SIZES)[0]

        def by_neighbours(flat):
            return mutual_information(V, flat.reshape(Z.shape), SIZES)[0]

        def by_both(flat):
            rows = flat.reshape(Z.shape)
            return mutual_information(rows, rows, SIZES, leave_one_out=True)[0]

        for function, at, gradient in (
            (by_queries, V, to_queries),
            (by_neighbours, Z, to_neighbours),
            (by_both, Z, sum(mutual_information(Z, Z, SIZES, leave_one_out=True)[1:])),
        ):
            numeric = approx_fprime(at.ravel(), function, 1e-7).reshape(at.shape)
            np.testing.assert_allclose(gradient, numeric, atol=2e-6)

    @settings(max_examples=30)
    @given(seed=SEEDS, spread=st.floats(0.01, 100), offset=st.floats(-1e4, 1e4))
    def test_lies_between_nothing_and_the_classes_and_moves_with_both(self, seed, spread, offset):
        V, Z = _rows(seed, spread=spread)
        found, *gradients = mutual_information(V, Z, SIZES)
        assert -1e-12 <= found <= np.log(3) + 1e-12
        assert all(np.isfinite(g).all() for g in gradients)
        moved = mutual_information(V + offset, Z + offset, SIZES)[0]
        assert moved == pytest.approx(found, abs=1e-6 * max(1, spread))
        rotation = np.linalg.qr(np.random.default_rng(seed).standard_normal((3, 3)))[0]
        turned = mutual_information(V @ rotation, Z @ rotation, SIZES)[0]
        assert turned == pytest.approx(found, abs=1e-9)

    def test_known_values(self):
        Z = np.array([[0.0], [0.0], [50.0]])
        two = np.array([2, 1])
        # half of the queries at each class: ln 2; all at one: nothing; between them: nothing
        assert mutual_information(Z[[0, 2]], Z, two)[0] == pytest.approx(np.log(2))
        assert mutual_information(Z[[0, 1]], Z, two)[0] == pytest.approx(0, abs=1e-12)
        assert mutual_information(np.array([[25.0]]), Z, two)[0] == pytest.approx(0, abs=1e-12)
        # a row that is its own neighbour would be sure of itself
        twins = np.array([[0.0], [9.0], [0.1], [9.1]])
        pairs = np.array([2, 2])
        assert mutual_information(twins, twins, pairs)[0] > 0
        alone = np.array([[0.0], [0.0], [0.0], [0.0]])
        assert mutual_information(alone, alone, pairs, leave_one_out=True)[0] == pytest.approx(
            np.log(2) - (np.log(3) - 2 / 3 * np.log(2))
        )

    def test_rows_far_apart_give_finite_numbers(self):
        V, Z = _rows(spread=1e8)
        for found in (mutual_information(V, Z, SIZES),
                      mutual_information(Z, Z, SIZES, leave_one_out=True)):  # fmt: skip
            assert all(np.isfinite(part).all() for part in found)


class TestObjective:
    @pytest.mark.parametrize("lam", [0.0, 0.7, 3.0])
    def test_equals_plain_loops_and_its_gradient_finite_differences(self, lam):
        rng = np.random.default_rng(1)
        source, target = rng.standard_normal((12, 4)), rng.standard_normal((5, 4)) + 0.5
        L = rng.standard_normal((4, 2)) / 2
        labels = np.repeat([0, 1, 2], SIZES).tolist()
        value, gradient, parts = itl_objective(L, source, target, SIZES, lam)
        expected = naive.objective(L.tolist(), source.tolist(), target.tolist(), labels, lam)
        assert value == pytest.approx(expected, rel=1e-9)
        assert value == pytest.approx(parts[0] - (lam * parts[1] if lam else 0), rel=1e-12)

        def function(flat):
            return itl_objective(flat.reshape(4, 2), source, target, SIZES, lam)[0]

        numeric = approx_fprime(L.ravel(), function, 1e-7).reshape(4, 2)
        np.testing.assert_allclose(gradient, numeric, atol=2e-6)

    def test_on_the_sphere_length_is_nothing_and_the_gradient_that_of_finite_differences(self):
        rng = np.random.default_rng(2)
        source, target = rng.standard_normal((12, 4)), rng.standard_normal((5, 4)) + 0.5
        M = 3 * rng.standard_normal((4, 2))
        value, gradient, L = on_the_sphere(M, source, target, SIZES, 0.7)
        assert np.vdot(L, L) == pytest.approx(2, rel=1e-12)
        assert value == pytest.approx(itl_objective(L, source, target, SIZES, 0.7)[0])
        assert on_the_sphere(5 * M, source, target, SIZES, 0.7)[0] == pytest.approx(value)

        def function(flat):
            return on_the_sphere(flat.reshape(4, 2), source, target, SIZES, 0.7)[0]

        numeric = approx_fprime(M.ravel(), function, 1e-7).reshape(4, 2)
        np.testing.assert_allclose(gradient, numeric, atol=2e-7)

    @settings(max_examples=10)
    @given(seed=SEEDS, lam=st.sampled_from([0.0, 1.0, 5.0]))
    def test_the_ascent_never_falls_and_keeps_the_constraint(self, seed, lam):
        rng = np.random.default_rng(seed)
        source, target = rng.standard_normal((12, 4)), rng.standard_normal((9, 4)) + 0.5
        start = np.linalg.qr(rng.standard_normal((4, 2)))[0]
        L, trace = itl_ascent(start, source, target, SIZES, lam)
        assert np.vdot(L, L) == pytest.approx(2, rel=1e-12)
        assert trace[0] == pytest.approx(itl_objective(start, source, target, SIZES, lam)[0])
        assert trace[-1] == pytest.approx(itl_objective(L, source, target, SIZES, lam)[0])
        assert (np.diff(trace) >= 0).all()
        assert len(trace) > 2

    def test_ends_in_a_local_maximum(self):
        rng = np.random.default_rng(3)
        source, target = rng.standard_normal((12, 3)), rng.standard_normal((9, 3)) + 0.5
        L, trace = itl_ascent(np.eye(3)[:, :2], source, target, SIZES, 1.0)
        assert len(trace) < 100
        _, gradient, _ = itl_objective(L, source, target, SIZES, 1.0)
        tangent = gradient - np.vdot(gradient, L) / np.vdot(L, L) * L
        start = itl_objective(np.eye(3)[:, :2], source, target, SIZES, 1.0)[1]
        assert np.linalg.norm(tangent) < 0.02 * np.linalg.norm(start)
        for _ in range(50):
            other = L + 1e-2 * rng.standard_normal(L.shape)
            other *= np.sqrt(2) / np.linalg.norm(other)
            assert itl_objective(other, source, target, SIZES, 1.0)[0] < trace[-1] + 1e-4
