"""Distances of sources from a target, by generalised eigenvalues, one source at a time."""

from __future__ import annotations

import math

import numpy as np
from scipy import linalg


def affine_invariant_squared(A, B):
    return math.fsum(math.log(value) ** 2 for value in linalg.eigh(A, B, eigvals_only=True))


def scatter(rows):
    """Mean, and the sum of outer products about it."""
    mean = sum(rows) / len(rows)
    return mean, sum(np.outer(row - mean, row - mean) for row in rows)


def feature_distances(domains, target, *, with_mean=False):
    """Squared distances of the target from each domain, both lists of rows.

    Whitened by a Cholesky factor of the pooled covariance within the domains: which root is taken
    is a rotation, to which the prior and the distance are indifferent.
    """
    n_rows = sum(len(rows) for rows in domains)
    pooled = sum(scatter(rows)[1] for rows in domains) / n_rows
    factor = np.linalg.cholesky(pooled)

    def describe(rows):
        white = [np.linalg.solve(factor, row) for row in rows]
        mean, about = scatter(white)
        n, k = len(white), 0.1 * len(factor)
        covariance = n / (n + k) * (about / n) + k / (n + k) * np.eye(len(factor))
        if not with_mean:
            return covariance
        top = np.hstack([covariance + np.outer(mean, mean), mean[:, None]])
        return np.vstack([top, np.append(mean, 1.0)])

    described = describe(target)
    return np.array([affine_invariant_squared(describe(rows), described) for rows in domains])


def soft(squared):
    nearest, middle = min(squared), float(np.median(squared))
    weights = [math.exp(-(value - nearest) / middle) for value in squared]
    return np.array([weight if weight >= 0.01 else 0.0 for weight in weights])


def hard(squared, n):
    chosen = sorted(range(len(squared)), key=lambda i: squared[i])[:n]
    return np.array([1.0 if i in chosen else 0.0 for i in range(len(squared))])
