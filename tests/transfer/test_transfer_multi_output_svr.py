"""Multi-output support vector regression against direct minimisers of the same objective."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference.msvr_naive import gradient, minimise, objective, reweighted

from eegtl.errors import TransferWarning
from eegtl.transfer.solvers import multi_output_svr as module
from eegtl.transfer.solvers.multi_output_svr import fit_multi_output_svr


def problem(
    n: int, n_outputs: int, width: float = 0.1, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, 3))
    K = np.exp(-width * np.square(X[:, None] - X).sum(axis=2))
    Y = rng.standard_normal((n, n_outputs))
    return K, Y - Y.mean(axis=0)


def typical(Y: np.ndarray) -> float:
    """Root mean square length of the outputs."""
    return float(np.sqrt(np.mean(np.square(Y).sum(axis=1))))


@pytest.mark.parametrize("relative", [0.05, 0.5, 0.9])
@pytest.mark.parametrize("cost", [0.05, 5.0, 500.0])
@pytest.mark.parametrize("shape", [(7, 3), (5, 30), (5, 1)])
def test_equals_a_direct_minimiser(shape: tuple[int, int], cost: float, relative: float) -> None:
    K, Y = problem(*shape)
    epsilon = relative * typical(Y)
    fitted = fit_multi_output_svr(K, Y, cost, epsilon)
    B = fitted.coefficients @ Y
    found = minimise(K, Y, cost, epsilon)
    lowest = objective(K, Y, found, cost, epsilon)
    assert fitted.objective == pytest.approx(objective(K, Y, B, cost, epsilon), rel=1e-9)
    assert fitted.objective <= lowest * (1 + 1e-9)
    assert fitted.objective >= lowest * (1 - 1e-2)
    size = np.abs(gradient(K, Y, np.zeros_like(B), cost, epsilon)).max()
    assert np.abs(gradient(K, Y, B, cost, epsilon)).max() <= 1e-8 * size


def test_equals_published_reweighting_where_that_settles() -> None:
    K, Y = problem(8, 3)
    epsilon = 0.5 * typical(Y)
    B, values = reweighted(K, Y, 0.5, epsilon, 300)
    assert np.all(np.diff(values) < 0)
    ours = fit_multi_output_svr(K, Y, 0.5, epsilon).coefficients @ Y
    np.testing.assert_allclose(K @ ours, K @ B, atol=1e-6 * typical(Y))


def test_takes_few_steps_where_reweighting_takes_hundreds(monkeypatch: pytest.MonkeyPatch) -> None:
    K, Y = problem(14, 40)
    epsilon = 0.8 * typical(Y)
    steps = []
    original = module._newton_step
    monkeypatch.setattr(module, "_newton_step", lambda *given: steps.append(0) or original(*given))
    fitted = fit_multi_output_svr(K, Y, 500.0, epsilon)
    assert len(steps) < 30
    _, values = reweighted(K, Y, 500.0, epsilon, 200)
    assert values[-1] > fitted.objective * (1 + 1e-6)


@pytest.mark.parametrize("cost", [0.1, 10.0])
def test_no_insensitivity_is_ridge_regression(cost: float) -> None:
    K, Y = problem(7, 4)
    expected = np.linalg.inv(K + np.eye(7) / (2 * cost))
    np.testing.assert_allclose(
        fit_multi_output_svr(K, Y, cost, 0.0).coefficients, expected, atol=1e-9 * cost
    )


def test_solution_is_weighted_ridge_regression() -> None:
    K, Y = problem(9, 5)
    cost, epsilon = 2.0, 1.0 * typical(Y)
    C = fit_multi_output_svr(K, Y, cost, epsilon).coefficients
    lengths = np.linalg.norm(Y - K @ C @ Y, axis=1)
    active = np.flatnonzero(lengths > epsilon)
    assert 0 < len(active) < 9
    a = 2 * cost * (1 - epsilon / lengths[active])
    expected = np.linalg.inv(K[np.ix_(active, active)] + np.diag(1 / a))
    np.testing.assert_allclose(C[np.ix_(active, active)], expected, rtol=1e-7, atol=1e-9)
    inactive = np.setdiff1d(np.arange(9), active)
    assert np.abs(C[inactive]).max() < 1e-9


def test_objective_never_rises(monkeypatch: pytest.MonkeyPatch) -> None:
    K, Y = problem(12, 6, width=0.01)
    cost, epsilon = 1000.0, 0.9 * typical(Y)
    seen = []
    original = module._newton_step

    def spy(K: np.ndarray, L: np.ndarray, C: np.ndarray, *rest: object) -> np.ndarray:
        seen.append(objective(K, L, C @ L, cost, epsilon))
        return original(K, L, C, *rest)

    monkeypatch.setattr(module, "_newton_step", spy)
    fit_multi_output_svr(K, Y, cost, epsilon)
    assert len(seen) > 3
    assert np.all(np.diff(seen) <= 1e-12 * seen[0])


def test_wide_tube_gives_zero() -> None:
    K, Y = problem(6, 3)
    fitted = fit_multi_output_svr(K, Y, 10.0, 1.01 * np.linalg.norm(Y, axis=1).max())
    np.testing.assert_array_equal(fitted.coefficients, 0.0)
    assert fitted.objective == 0.0


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**16), log_cost=st.floats(-3, 3), relative=st.floats(0.0, 1.2))
def test_order_rotation_and_unit(seed: int, log_cost: float, relative: float) -> None:
    """Points may come in any order; outputs may be rotated and given in another unit."""
    rng = np.random.default_rng(seed)
    n, n_outputs = int(rng.integers(2, 9)), int(rng.integers(1, 9))
    K, Y = problem(n, n_outputs, seed=seed)
    cost, epsilon = 10**log_cost, relative * typical(Y)
    values = K @ fit_multi_output_svr(K, Y, cost, epsilon).coefficients @ Y
    order = rng.permutation(n)
    rotation = np.linalg.qr(rng.standard_normal((n_outputs, n_outputs)))[0]
    Z = 1e3 * Y[order] @ rotation
    K2 = K[np.ix_(order, order)]
    other = K2 @ fit_multi_output_svr(K2, Z, cost, 1e3 * epsilon).coefficients @ Z
    np.testing.assert_allclose(other, 1e3 * values[order] @ rotation, atol=1e-5 * 1e3 * typical(Y))


def test_equal_points_and_equal_outputs() -> None:
    C = fit_multi_output_svr(np.ones((4, 4)), np.zeros((4, 3)), 1.0, 0.0).coefficients
    assert np.all(np.isfinite(C))
    K, Y = np.ones((4, 4)), np.array([[1.0], [1.0], [-1.0], [-1.0]])
    fitted = fit_multi_output_svr(K, Y, 3.0, 0.1)
    np.testing.assert_allclose(K @ fitted.coefficients @ Y, 0.0, atol=1e-12)


def test_says_when_it_did_not_settle(monkeypatch: pytest.MonkeyPatch) -> None:
    K, Y = problem(12, 6, width=0.01)
    monkeypatch.setattr(module, "_MAX_STEPS", 2)
    with pytest.warns(
        TransferWarning, match=r"did not settle in 2 steps; choose a smaller epsilon"
    ):
        fit_multi_output_svr(K, Y, 1000.0, 0.9 * typical(Y))
