"""Linear discriminant analysis with OAS shrinkage, row by row."""

from __future__ import annotations

import math

import numpy as np


def mean_and_covariance(rows, weights=None):
    """Weighted mean and covariance (divided by the sum of the weights), by loops."""
    rows = [[float(v) for v in row] for row in rows]
    weights = [1.0] * len(rows) if weights is None else [float(w) for w in weights]
    total, d = math.fsum(weights), len(rows[0])
    mean = [
        math.fsum(w * r[j] for w, r in zip(weights, rows, strict=True)) / total for j in range(d)
    ]
    covariance = np.zeros((d, d))
    for i in range(d):
        for j in range(d):
            products = [
                w * (r[i] - mean[i]) * (r[j] - mean[j]) for w, r in zip(weights, rows, strict=True)
            ]
            covariance[i, j] = math.fsum(products) / total
    return total, np.array(mean), covariance


def oas(covariance, n):
    """Oracle approximating shrinkage towards the mean variance."""
    p = len(covariance)
    mu = sum(covariance[i, i] for i in range(p)) / p
    mean_square = sum(covariance[i, j] ** 2 for i in range(p) for j in range(p)) / p**2
    denominator = (n + 1) * (mean_square - mu**2 / p)
    weight = 1.0 if denominator <= 0 else min(1.0, (mean_square + mu**2) / denominator)
    return (1 - weight) * covariance + weight * mu * np.eye(p)


def lda_scores(X, y, new_rows, weights=None):
    """Log-posterior up to a constant of each class for each new row, and the classes."""
    weights = [1.0] * len(y) if weights is None else list(weights)
    classes = sorted({label for label, w in zip(y, weights, strict=True) if w > 0})
    total = math.fsum(weights)
    pooled, parts = None, []
    for label in classes:
        chosen = [i for i in range(len(y)) if y[i] == label and weights[i] > 0]
        n, mean, covariance = mean_and_covariance(
            [X[i] for i in chosen], [weights[i] for i in chosen]
        )
        shrunk = (n / total) * oas(covariance, n)
        pooled = shrunk if pooled is None else pooled + shrunk
        parts.append((n / total, mean))
    inverse = np.linalg.pinv(pooled, hermitian=True)
    out = []
    for row in new_rows:
        out.append(
            [
                float(row @ inverse @ mean - 0.5 * mean @ inverse @ mean + math.log(prior))
                for prior, mean in parts
            ]
        )
    return np.array(out), classes
