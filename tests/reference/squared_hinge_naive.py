"""Squared hinge machines in plain loops, by enumeration and by a general minimiser."""

from __future__ import annotations

import itertools
import math

import numpy as np
from scipy.optimize import minimize


def objective(w, b, X, y, cost, offset):
    """|w|^2 / 2 + sum c max(0, 1 - y (f + x'w + b))^2 / 2, term by term."""
    terms = [float(v) ** 2 / 2 for v in w]
    for row, label, c, f in zip(X, y, cost, offset, strict=True):
        score = f + math.fsum(a * v for a, v in zip(row, w, strict=True)) + b
        terms.append(c * max(0.0, 1.0 - label * score) ** 2 / 2)
    return math.fsum(terms)


def gradient(w, b, X, y, cost, offset):
    """Derivatives of the objective by w and by b, and how far from 0 rounding may leave them."""
    parts = [[float(v)] for v in w] + [[]]
    rounding = [abs(float(v)) for v in w] + [0.0]
    for row, label, c, f in zip(X, y, cost, offset, strict=True):
        products = [float(a * v) for a, v in zip(row, w, strict=True)]
        margin = 1.0 - label * (f + math.fsum(products) + b)
        inexact = 1.0 + abs(f) + sum(abs(v) for v in products) + abs(b)
        for j, a in enumerate([*row, 1.0]):
            parts[j].append(-c * max(0.0, margin) * label * a)
            if margin > -1e-12 * inexact:
                rounding[j] += c * abs(a) * (inexact + max(0.0, margin))
    return np.array([math.fsum(p) for p in parts]), 4 * 2.3e-16 * np.array(rounding)


def solve_by_enumeration(X, y, cost, offset, intercept=True):
    """Try each set of active rows: the one whose least squares solution fits it is the answer."""
    n, d = X.shape
    rows = np.column_stack([X, np.ones(n)]) if intercept else X
    regular = np.diag([1.0] * d + [0.0] * intercept)
    for size in range(n + 1):
        for active in itertools.combinations(range(n), size):
            a = list(active)
            left = regular + rows[a].T @ (cost[a, None] * rows[a])
            right = rows[a].T @ (cost[a] * (y[a] - offset[a]))
            point = np.linalg.lstsq(left, right)[0]
            margin = 1 - y * (offset + rows @ point)
            if all((margin[i] > -1e-9) == (i in active) or abs(margin[i]) < 1e-9 for i in range(n)):
                return point[:d], float(point[d]) if intercept else 0.0
    raise AssertionError("no set of active rows fits")


def solve_generally(X, y, cost, offset, intercept=True):
    """Minimise the objective by L-BFGS, which knows nothing of its pieces."""
    n, d = X.shape
    rows = np.column_stack([X, np.ones(n)]) if intercept else X

    def value(point):
        margin = np.maximum(1 - y * (offset + rows @ point), 0.0)
        slope = -rows.T @ (cost * margin * y)
        slope[:d] += point[:d]
        return point[:d] @ point[:d] / 2 + cost @ margin**2 / 2, slope

    point = np.zeros(rows.shape[1])
    for _ in range(5):  # restarts shed the poor curvature estimates
        options = {"maxiter": 20_000, "maxfun": 50_000, "ftol": 1e-16, "gtol": 1e-12}
        point = minimize(value, point, jac=True, method="L-BFGS-B", options=options).x
    return point[:d], float(point[d]) if intercept else 0.0


def sharpness_by_grid(scores, codes, grid):
    """The factor of a grid with the largest likelihood of Platt's targets, written out."""
    counts = [sum(1 for c in codes if c == k) for k in range(len(scores[0]))]
    best, best_value = None, -math.inf
    for s in grid:
        terms = []
        for row, code in zip(scores, codes, strict=True):
            top = max(s * v for v in row)
            total = top + math.log(math.fsum(math.exp(s * v - top) for v in row))
            for k, v in enumerate(row):
                sure = (counts[code] + 1 if k == code else 1) / (counts[code] + len(row))
                terms.append(sure * (s * v - total))
        value = math.fsum(terms)
        if value > best_value:
            best, best_value = s, value
    return best
