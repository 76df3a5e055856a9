"""Adaptive machines by their dual problems and by quadratic programs with slack variables."""

from __future__ import annotations

import math

import numpy as np
from scipy.optimize import minimize


def gram_naive(X):
    """Inner products of all rows."""
    return np.array([[math.fsum(a * b) for b in X] for a in X])


def dual(X, y, offset, cost, *, squared):
    """Maximise the dual; give w and the dual's value.

    Squared hinge: a >= 0, and 1 / cost on the diagonal. Hinge: 0 <= a <= cost. No sum of a y is
    fixed in either, since there is no intercept.
    """
    Q = gram_naive(X) * np.outer(y, y)
    if squared:
        Q = Q + np.eye(len(y)) / cost
    gain = 1 - y * offset

    def value(a):
        return a @ Q @ a / 2 - gain @ a, Q @ a - gain

    bounds = [(0, None if squared else cost)] * len(y)
    a = np.zeros(len(y))
    for _ in range(5):
        options = {"maxiter": 50_000, "maxfun": 100_000, "ftol": 1e-16, "gtol": 1e-13}
        a = minimize(value, a, jac=True, bounds=bounds, method="L-BFGS-B", options=options).x
    return X.T @ (a * y), -value(a)[0], a


def primal(X, y, offset, cost, *, squared):
    """Minimise |w|^2 / 2 + cost sum of slacks (or half their squares), as a program."""
    d = X.shape[1]
    power = 2 if squared else 1

    def value(z):
        return z[:d] @ z[:d] / 2 + cost * np.sum(z[d:] ** power) / power

    constraints = [
        {"type": "ineq", "fun": lambda z: y * (offset + X @ z[:d]) - 1 + z[d:]},
        {"type": "ineq", "fun": lambda z: z[d:]},
    ]
    start = np.append(np.zeros(d), np.maximum(1 - y * offset, 0))
    options = {"maxiter": 2000, "ftol": 1e-15}
    found = minimize(value, start, constraints=constraints, method="SLSQP", options=options)
    return found.x[:d], float(found.fun)


def shares_naive(predictions, labels):
    """Weights of machines by their balanced accuracy above that of saying one class always."""
    classes = sorted(set(labels))
    excess = []
    for said in predictions:
        recalls = []
        for c in classes:
            mine = [s == label for s, label in zip(said, labels, strict=True) if label == c]
            recalls.append(sum(mine) / len(mine))
        excess.append(max(0.0, sum(recalls) / len(recalls) - 1 / len(classes)))
    total = sum(excess)
    return [e / total if total else 1 / len(excess) for e in excess]
