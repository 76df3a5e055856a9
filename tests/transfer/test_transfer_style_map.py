"""The style map against its own objective, least squares and known styles."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference.style_transfer_naive import (
    absolute_weights,
    gradients,
    least_squares_map,
    nearest,
    objective,
    on_shell,
)
from sklearn.covariance import OAS

from eegtl.transfer.solvers.style_map import (
    class_prototypes,
    clear_rows,
    fit_style_map,
    nearest_prototypes,
    towards_gaussian,
    whitening,
)

Rows = tuple[np.ndarray, np.ndarray, np.ndarray]
SHAPES = {"more rows": (40, 5), "more features": (6, 12), "one row": (1, 4), "one feature": (9, 1)}


def rows(n: int, d: int, seed: int = 0) -> Rows:
    rng = np.random.default_rng(seed)
    S = rng.standard_normal((n, d)) + rng.standard_normal(d)
    return S, S + rng.standard_normal((n, d)), rng.random(n)


class TestClosedForm:
    @pytest.mark.parametrize("shape", SHAPES)
    @pytest.mark.parametrize(("beta", "gamma"), [(0.2, 2.0), (1e-3, 0.0), (3.0, 3.0)])
    def test_equals_least_squares(self, shape: str, beta: float, gamma: float) -> None:
        S, T, f = rows(*SHAPES[shape])
        A, b = fit_style_map(S, T, f, beta, gamma)
        expected = least_squares_map(S, T, f, *absolute_weights(S, f, beta, gamma))
        np.testing.assert_allclose(A, expected[0], atol=1e-8)
        np.testing.assert_allclose(b, expected[1], atol=1e-8)

    @pytest.mark.parametrize("shape", SHAPES)
    def test_gradient_is_zero(self, shape: str) -> None:
        S, T, f = rows(*SHAPES[shape])
        A, b = fit_style_map(S, T, f, 0.2, 2.0)
        weights = absolute_weights(S, f, 0.2, 2.0)
        by_A, by_b = gradients(A, b, S, T, f, *weights)
        size = np.abs(gradients(np.zeros_like(A), b + 1, S, T, f, *weights)[0]).max()
        assert np.abs(by_A).max() < 1e-12 * size
        assert np.abs(by_b).max() < 1e-12 * size

    def test_no_step_goes_down(self) -> None:
        S, T, f = rows(10, 3)
        A, b = fit_style_map(S, T, f, 0.2, 2.0)
        weights = absolute_weights(S, f, 0.2, 2.0)
        lowest = objective(A, b, S, T, f, *weights)
        h = 1e-4
        for i in range(3):
            move_b = np.eye(3)[i] * h
            around = [objective(A, b + sign * move_b, S, T, f, *weights) for sign in (-1, 1)]
            assert min(around) > lowest
            assert (around[1] - around[0]) / (2 * h) == pytest.approx(0.0, abs=1e-6)
            for j in range(3):
                move = np.outer(np.eye(3)[i], np.eye(3)[j]) * h
                around = [objective(A + sign * move, b, S, T, f, *weights) for sign in (-1, 1)]
                assert min(around) > lowest
                assert (around[1] - around[0]) / (2 * h) == pytest.approx(0.0, abs=1e-6)

    def test_strong_penalties_give_the_identity(self) -> None:
        S, T, f = rows(30, 4)
        way = f @ (T - S) / f.sum()
        for gamma in (0.0, 2.0, 50.0):
            A, b = fit_style_map(S, T, f, 1e9, gamma)
            np.testing.assert_allclose(A, np.eye(4), atol=1e-7)
            np.testing.assert_allclose(b, way / (1 + gamma), atol=1e-7)
        A, b = fit_style_map(S, T, f, 1e9, 1e9)
        np.testing.assert_allclose(b, 0.0, atol=1e-7)

    def test_a_known_style_is_found(self) -> None:
        rng = np.random.default_rng(2)
        style, offset = rng.standard_normal((6, 6)), rng.standard_normal(6)
        S = rng.standard_normal((50, 6))
        A, b = fit_style_map(S, S @ style.T + offset, np.ones(50), 1e-10, 0.0)
        np.testing.assert_allclose(A, style, atol=1e-7)
        np.testing.assert_allclose(b, offset, atol=1e-7)

    def test_directions_without_rows_are_left_alone(self) -> None:
        """Far fewer rows than features: only what they span can change."""
        S, T, f = rows(4, 60)
        A, _ = fit_style_map(S, T, f, 0.2, 2.0)
        outside = np.linalg.svd(S)[2][4:]
        np.testing.assert_allclose(A @ outside.T, outside.T, atol=1e-10)
        assert np.linalg.matrix_rank(A - np.eye(60), tol=1e-8) <= 4
        # and nowhere further than the destinations themselves ask for
        assert np.linalg.norm(A - np.eye(60), 2) < np.linalg.norm(T - S) / np.linalg.svd(S)[1][-1]

    def test_rows_that_are_there_already_stay(self) -> None:
        S, _, f = rows(12, 4)
        A, b = fit_style_map(S, S, f, 0.2, 2.0)
        np.testing.assert_allclose(A, np.eye(4), atol=1e-12)
        np.testing.assert_allclose(b, 0.0, atol=1e-12)

    @settings(max_examples=20, deadline=None)
    @given(seed=st.integers(0, 2**16), unit=st.floats(1e-6, 1e6))
    def test_order_unit_and_confidence_scale(self, seed: int, unit: float) -> None:
        rng = np.random.default_rng(seed)
        S, T, f = rows(int(rng.integers(1, 20)), int(rng.integers(1, 8)), seed)
        A, b = fit_style_map(S, T, f, 0.2, 2.0)
        order = rng.permutation(len(S))
        A2, b2 = fit_style_map(unit * S[order], unit * T[order], 7 * f[order], 0.2, 2.0)
        np.testing.assert_allclose(A2, A, atol=1e-7)
        np.testing.assert_allclose(b2 / unit, b, atol=1e-7)

    def test_rows_without_confidence_do_not_count(self) -> None:
        S, T, f = rows(20, 3)
        f[:5] = 0.0
        A, b = fit_style_map(S, T, f, 0.2, 2.0)
        expected = fit_style_map(S[5:], T[5:], f[5:], 0.2, 2.0)
        np.testing.assert_allclose(A, expected[0], atol=1e-12)
        np.testing.assert_allclose(b, expected[1], atol=1e-12)

    def test_nothing_to_go_by(self) -> None:
        S, T, _ = rows(5, 3)
        for nothing in ((S, T, np.zeros(5)), (S[:0], T[:0], np.zeros(0))):
            A, b = fit_style_map(*nothing, 0.2, 2.0)
            np.testing.assert_array_equal(A, np.eye(3))
            np.testing.assert_array_equal(b, 0.0)
        # rows at the origin say nothing about A, but where they should go
        A, b = fit_style_map(np.zeros((2, 3)), np.ones((2, 3)), np.ones(2), 0.2, 2.0)
        np.testing.assert_array_equal(A, np.eye(3))
        np.testing.assert_allclose(b, 1 / 3)

    def test_penalty_within_rounding_of_nothing(self) -> None:
        S, T, f = rows(3, 10)
        A, b = fit_style_map(S, T, f, 1e-30, 0.0)
        assert np.all(np.isfinite(A))
        np.testing.assert_allclose(S @ A.T + b, T, atol=1e-6)


class TestDestinations:
    def test_nearest_prototype(self) -> None:
        S, T, _ = rows(30, 3)
        expected = [nearest(z, T) for z in S]
        np.testing.assert_array_equal(nearest_prototypes(S, T), expected)
        assert nearest_prototypes(S[:0], T).shape == (0, 3)

    def test_shell_of_a_gaussian(self) -> None:
        rng = np.random.default_rng(0)
        X = rng.standard_normal((60, 4)) @ rng.standard_normal((4, 4))
        covariance = OAS().fit(X).covariance_
        Z = np.vstack([X[:20], 3 * X[:20] + 1])
        root = whitening(X, 0.0)
        out = towards_gaussian(Z, X.mean(axis=0), root, 0.8)
        expected = [on_shell(z, X.mean(axis=0), covariance, 0.8) for z in Z]
        np.testing.assert_allclose(out, expected, atol=1e-10)
        stayed = np.isclose(out, Z, atol=1e-12).all(axis=1)
        assert 0 < stayed.sum() < 20  # rows inside stay, the others move
        distance = np.linalg.norm((out - X.mean(axis=0)) @ root, axis=1)
        assert distance.max() == pytest.approx(0.8 * 2, rel=1e-9)

    def test_typical_rows_lie_on_the_shell_of_radius_one(self) -> None:
        X = np.random.default_rng(0).standard_normal((4000, 30))
        squares = np.square((X - X.mean(axis=0)) @ whitening(X, 0.0)).sum(axis=1)
        assert np.sqrt(np.mean(squares) / 30) == pytest.approx(1.0, abs=0.01)

    def test_coinciding_rows_have_a_gaussian(self) -> None:
        root = whitening(np.ones((3, 2)), 1e-9)
        out = towards_gaussian(np.array([[1.0, 1.0], [5.0, 1.0]]), np.ones(2), root, 1.0)
        np.testing.assert_allclose(out, 1.0, atol=1e-3)
        np.testing.assert_allclose(whitening(np.ones((1, 2)), 4.0), np.eye(2) / 2)

    def test_support_vectors_are_ambiguous(self) -> None:
        margins = np.array([0.5, 1.0, 2.0, -1.0, 0.9, 3.0])
        assert clear_rows(margins, 2).tolist() == [1, 2, 5]
        assert clear_rows(margins, 4).tolist() == [1, 2, 4, 5]
        assert clear_rows(margins, 15).tolist() == [0, 1, 2, 3, 4, 5]
        assert clear_rows(margins[:1], 15).tolist() == [0]

    def test_prototypes_are_means_of_their_rows(self) -> None:
        rng = np.random.default_rng(0)
        X = np.vstack([rng.standard_normal((30, 3)) * 0.1 + 5 * c for c in np.eye(3)])
        centres = class_prototypes(X, 3, 0)
        expected = X.reshape(3, 30, 3).mean(axis=1)
        np.testing.assert_allclose(sorted(centres.tolist()), sorted(expected.tolist()))

    def test_prototypes_of_few_or_equal_rows(self) -> None:
        X = np.array([[1.0, 2.0], [3.0, 4.0]])
        assert sorted(class_prototypes(X, 15, 0).tolist()) == X.tolist()
        np.testing.assert_allclose(class_prototypes(np.ones((8, 2)), 5, 0), [[1.0, 1.0]])

    @settings(max_examples=10, deadline=None)
    @given(seed=st.integers(0, 2**16))
    def test_order_of_the_rows_does_not_matter(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        X = rng.standard_normal((40, 3))
        np.testing.assert_allclose(
            class_prototypes(X, 6, 0), class_prototypes(rng.permutation(X), 6, 0), atol=1e-12
        )
