"""The formulas by which settings are chosen, against loops, theory and scipy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import tuning_loops as naive
from scipy.optimize import minimize
from scipy.stats import entropy

from eegtl.errors import InputError
from eegtl.evaluation.criteria import (
    dev_risk,
    importance_weighted_risk,
    importance_weights,
    prediction_entropy,
)


def test_weighted_risks_by_hand():
    losses, weights = [1, 0, 1, 0], [0.5, 1.5, 2.0, 0.0]
    assert importance_weighted_risk(losses, weights) == pytest.approx(2.5 / 4)
    # w l = .5, 0, 2, 0: mean .625; mean w = 1, so that the control variate adds nothing
    assert dev_risk(losses, weights) == pytest.approx(0.625)
    # weights twice as large: covariance -> 4 x, variance 4 x, eta as before
    covariance = np.cov([0.5, 0, 2, 0], weights, bias=True)[0, 1]
    eta = -covariance / np.var(weights)
    assert dev_risk(losses, 2 * np.array(weights)) == pytest.approx(
        1.25 + 1.0 * eta * 1.0 * 1, rel=1e-12
    )
    assert dev_risk([1, 0], [1.0, 1.0]) == 0.5  # no spread: the plain mean


@settings(max_examples=30)
@given(
    st.lists(st.tuples(st.integers(0, 1), st.floats(0.0, 10)), min_size=2, max_size=30).filter(
        lambda rows: len({round(w, 6) for _, w in rows}) > 1
    )
)
def test_weighted_risks_equal_the_loops(rows):
    losses, weights = (list(column) for column in zip(*rows, strict=True))
    assert 1 - importance_weighted_risk(losses, weights) == pytest.approx(
        naive.weighted(losses, weights), abs=1e-9
    )
    assert 1 - dev_risk(losses, weights) == pytest.approx(naive.dev(losses, weights), abs=1e-6)


def test_the_control_variate_keeps_the_mean_and_makes_the_estimate_steadier():
    # sources N(0, 1), target N(1, 1): w = exp(x - 1/2); the loss is x > 0, of which the target
    # has P(N(1, 1) > 0) = .8413
    rng = np.random.default_rng(0)
    plain, controlled = [], []
    for _ in range(400):
        x = rng.standard_normal(400)
        weights, losses = np.exp(x - 0.5), (x > 0).astype(float)
        plain.append(np.mean(weights * losses))
        controlled.append(dev_risk(losses, weights))
    assert np.mean(controlled) == pytest.approx(0.8413, abs=0.01)
    assert np.mean(plain) == pytest.approx(0.8413, abs=0.01)
    assert np.std(controlled) < 0.5 * np.std(plain)


def test_entropy_is_that_of_scipy_in_nats():
    p = np.random.default_rng(0).dirichlet([1, 1, 1], 20)
    assert prediction_entropy(p) == pytest.approx(entropy(p, axis=1).mean(), rel=1e-12)
    assert prediction_entropy([[0.5, 0.5]]) == pytest.approx(np.log(2))
    assert prediction_entropy([[1.0, 0.0]]) == 0.0
    assert prediction_entropy([[1.0, -1e-17]]) == 0.0


@pytest.mark.parametrize("rows", [[[np.nan, np.nan]], [[0.5, 0.5], [np.nan, 1.0]]])
def test_probabilities_that_are_not_known_have_no_entropy(rows):
    assert np.isnan(prediction_entropy(rows))


def test_importance_weights_find_the_ratio_of_the_densities():
    # p_target / p_source of two Gaussians one apart is exp(x - 1/2)
    rng = np.random.default_rng(0)
    source, target = rng.standard_normal((3000, 1)), rng.standard_normal((1500, 1)) + 1
    weights, x = importance_weights(source, target), source[:, 0]
    middle = np.abs(x) < 2
    np.testing.assert_allclose(weights[middle], np.exp(x[middle] - 0.5), rtol=0.25)
    assert weights.mean() == pytest.approx(1.0, abs=0.1)
    order = rng.permutation(3000)
    np.testing.assert_allclose(importance_weights(source[order], target), weights[order], rtol=1e-6)


def test_importance_weights_are_those_of_a_logistic_regression_with_its_penalty():
    rng = np.random.default_rng(0)
    source, target = rng.standard_normal((30, 2)), rng.standard_normal((20, 2)) + 1
    rows = np.vstack([source, target])
    rows = (rows - rows.mean(axis=0)) / rows.std(axis=0)
    side = np.repeat([-1.0, 1.0], [30, 20])

    def objective(w):  # C = 0.1: half the squared length of w counts ten times
        losses = np.logaddexp(0, -side * (rows @ w[:2] + w[2]))
        return losses.sum() + 10 * 0.5 * (w[:2] @ w[:2])

    w = minimize(objective, np.zeros(3), tol=1e-12).x
    expected = np.exp(rows[:30] @ w[:2] + w[2]) * 30 / 20
    np.testing.assert_allclose(importance_weights(source, target), expected, rtol=1e-3)


def test_importance_weights_are_clipped():
    X = np.random.default_rng(0).standard_normal((2000, 2))
    weights = importance_weights(X, X[:1000] + 2)
    assert weights.max() == 20.0
    assert 0 < weights.min() < 0.1


@pytest.mark.parametrize("risk", [importance_weighted_risk, dev_risk])
def test_impossible_losses_and_weights_are_refused(risk):
    with pytest.raises(InputError, match=r"one loss and one weight a row; got the shapes \(2,\) a"):
        risk([0, 1], [1.0])
    with pytest.raises(InputError, match="must not be negative, and not all 0"):
        risk([0, 1], [1.0, -1.0])
