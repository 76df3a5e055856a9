"""Multi-output support vector regression: its objective, a direct minimiser, reweighting."""

from __future__ import annotations

import numpy as np
from scipy import optimize


def objective(K, Y, B, cost, epsilon):
    """tr(B'KB) / 2 + cost sum_i max(0, |Y_i - K_i B| - epsilon)^2, point by point."""
    total = 0.5 * np.trace(B.T @ K @ B)
    for i in range(len(K)):
        excess = np.linalg.norm(Y[i] - K[i] @ B) - epsilon
        if excess > 0:
            total += cost * excess**2
    return float(total)


def gradient(K, Y, B, cost, epsilon):
    """Derivative of the objective by B."""
    total = K @ B
    for i in range(len(K)):
        residual = Y[i] - K[i] @ B
        length = np.linalg.norm(residual)
        if length > epsilon:
            total -= 2 * cost * (length - epsilon) / length * np.outer(K[i], residual)
    return total


def minimise(K, Y, cost, epsilon):
    """Minimise by a general method that knows nothing of the problem's form."""
    shape = Y.shape
    found = optimize.minimize(
        lambda b: objective(K, Y, b.reshape(shape), cost, epsilon),
        np.zeros(Y.size),
        jac=lambda b: gradient(K, Y, b.reshape(shape), cost, epsilon).ravel(),
        method="L-BFGS-B",
        options={"maxiter": 1500, "maxfun": 5000, "ftol": 1e-16, "gtol": 1e-11},
    )
    return found.x.reshape(shape)


def reweighted(K, Y, cost, epsilon, n_steps):
    """Iteratively reweighted least squares as published: active set, system, halved steps."""
    B = np.zeros_like(Y)
    values = [objective(K, Y, B, cost, epsilon)]
    for _ in range(n_steps):
        lengths = np.linalg.norm(Y - K @ B, axis=1)
        active = np.flatnonzero(lengths > epsilon)
        solution = np.zeros_like(B)
        if len(active):
            a = 2 * cost * (lengths[active] - epsilon) / lengths[active]
            system = K[np.ix_(active, active)] + np.diag(1 / a)
            solution[active] = np.linalg.solve(system, Y[active])
        step = 1.0
        while step > 1e-12:
            trial = B + step * (solution - B)
            value = objective(K, Y, trial, cost, epsilon)
            if value < values[-1]:
                B = trial
                values.append(value)
                break
            step /= 2
        else:
            break
    return B, values
