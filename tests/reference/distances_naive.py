"""Distances between two domains, written as sums over rows and pairs."""

from __future__ import annotations

import math
from itertools import pairwise


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


def several_rbf(gamma):
    """Mean of five Gaussian kernels, each with twice the width of the one before."""
    kernels = [rbf(gamma * factor) for factor in (16, 4, 1, 1 / 4, 1 / 16)]
    return lambda a, b: sum(kernel(a, b) for kernel in kernels) / 5


def jensen_shannon(A, B, n_bins):
    """Mean over features, in bits; bins by the mixture in which both domains have half a weight."""
    total = 0.0
    for j in range(len(A[0])):
        a, b = [row[j] for row in A], [row[j] for row in B]
        counts = [[0] * n_bins for _ in range(2)]
        for side, values in enumerate((a, b)):
            for x in values:
                below_a, below_b = sum(v <= x for v in a), sum(v <= x for v in b)
                # mass up to and including x, times 2 n_a n_b
                mass = below_a * len(b) + below_b * len(a)
                counts[side][(mass * n_bins - 1) // (2 * len(a) * len(b))] += 1
        for x, y in zip(*counts, strict=True):
            p, q = x / len(a), y / len(b)
            for part in (p, q):
                if part > 0:
                    total += part * math.log2(2 * part / (p + q)) / 2
    return total / len(A[0])


def wasserstein_1(a, b):
    """Integral of the gap between two distribution functions, step by step."""
    points = sorted([*a, *b])
    total = 0.0
    for left, right in pairwise(points):
        gap = sum(x <= left for x in a) / len(a) - sum(x <= left for x in b) / len(b)
        total += abs(gap) * (right - left)
    return total


def kl_of_diagonal_gaussians(mean_a, variance_a, mean_b, variance_b):
    """Sum over features, each in closed form."""
    return sum(
        0.5 * (va / vb + (mb - ma) ** 2 / vb - 1 + math.log(vb / va))
        for ma, va, mb, vb in zip(mean_a, variance_a, mean_b, variance_b, strict=True)
    )


def permutation_p(distance, A, B, units_a, units_b, divisions):
    """p over given divisions; each is a list of the units (side, name) that go to A."""
    rows = {}
    for side, (X, units) in enumerate(((A, units_a), (B, units_b))):
        for row, unit in zip(X, units, strict=True):
            rows.setdefault((side, unit), []).append(row)
    value = distance(A, B)
    n_larger = 0
    for division in divisions:
        first = [row for unit in rows if unit in division for row in rows[unit]]
        second = [row for unit in rows if unit not in division for row in rows[unit]]
        n_larger += distance(first, second) >= value - 1e-12
    return (1 + n_larger) / (1 + len(divisions))
