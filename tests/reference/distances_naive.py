"""Distances between two domains, written as sums over rows and pairs."""

from __future__ import annotations

import math


def mean_gap(A, B):
    total, n_features = 0.0, 0
    for j in range(len(A[0])):
        a, b = [row[j] for row in A], [row[j] for row in B]
        mean_a, mean_b = sum(a) / len(a), sum(b) / len(b)
        squares = sum((x - mean_a) ** 2 for x in a) + sum((x - mean_b) ** 2 for x in b)
        variance = squares / (len(a) + len(b) - 2)
        if variance > 0:
            total += (mean_a - mean_b) ** 2 / variance
            n_features += 1
    return math.sqrt(total / n_features)


def mmd(A, B, kernel):
    """Mean over pairs of different rows within A and within B, minus twice the mean across."""
    within_a = [kernel(A[i], A[j]) for i in range(len(A)) for j in range(len(A)) if i != j]
    within_b = [kernel(B[i], B[j]) for i in range(len(B)) for j in range(len(B)) if i != j]
    across = [kernel(a, b) for a in A for b in B]
    means = [sum(values) / len(values) for values in (within_a, within_b, across)]
    return means[0] + means[1] - 2 * means[2]


def linear(a, b):
    return sum(x * y for x, y in zip(a, b, strict=True))


def rbf(gamma):
    def kernel(a, b):
        return math.exp(-gamma * sum((x - y) ** 2 for x, y in zip(a, b, strict=True)))

    return kernel


def median_width(A, B):
    rows = [*A, *B]
    lengths = sorted(
        math.dist(rows[i], rows[j]) for i in range(len(rows)) for j in range(i + 1, len(rows))
    )
    middle = len(lengths) // 2
    median = lengths[middle] if len(lengths) % 2 else (lengths[middle - 1] + lengths[middle]) / 2
    return 1 / (2 * median**2)
