"""Correlation alignment with means, its noise, and how dependent windows are, written out."""

from __future__ import annotations

import numpy as np
from scipy.linalg import sqrtm


def covariance(X):
    """Unbiased covariance, row by row."""
    mean = sum(X) / len(X)
    return sum(np.outer(x - mean, x - mean) for x in X) / (len(X) - 1)


def coral(X, T, shrinkage=0.0):
    """Source rows with the target's mean, and its covariance as far as that is not shrunk."""
    C_s, C_t = covariance(X), covariance(T)
    joint = ((len(X) - 1) * C_s + (len(T) - 1) * C_t) / (len(X) + len(T) - 2)
    C_s = (1 - shrinkage) * C_s + shrinkage * joint
    C_t = (1 - shrinkage) * C_t + shrinkage * joint
    A = np.linalg.pinv(np.real(sqrtm(C_s)), rcond=1e-5) @ np.real(sqrtm(C_t))
    return (X - X.mean(axis=0)) @ A + T.mean(axis=0)


def simulated_root_noise(rank, dof, n_draws, seed):
    """Mean of |W^1/2 - I|^2 over sample covariances W of standard normal rows."""
    rng = np.random.default_rng(seed)
    total = 0.0
    for _ in range(n_draws):
        Z = rng.standard_normal((dof, rank))
        values = np.linalg.eigvalsh(Z.T @ Z / dof)
        total += float(np.sum((np.sqrt(np.clip(values, 0, None)) - 1) ** 2))
    return total / n_draws


def dependence(X, y, subjects):
    """Interaction of subject and class in the covariances, against that of independent rows."""
    people, classes = np.unique(subjects), np.unique(y)
    within = sum((np.sum(subjects == p) - 1) * covariance(X[subjects == p]) for p in people) / (
        len(X) - len(people)
    )
    values, vectors = np.linalg.eigh(within)
    R = vectors / np.sqrt(values)
    cells = {
        (p, c): R.T @ covariance(X[(subjects == p) & (y == c)]) @ R for p in people for c in classes
    }
    overall = sum(cells.values()) / len(cells)
    seen = expected = 0.0
    for p in people:
        of_person = sum(cells[p, c] for c in classes) / len(classes)
        for c in classes:
            of_class = sum(cells[q, c] for q in people) / len(people)
            W, n = cells[p, c], np.sum((subjects == p) & (y == c))
            seen += np.sum((W - of_person - of_class + overall) ** 2)
            expected += (np.trace(W) ** 2 + np.sum(overall**2)) / (n - 1)
    expected *= (1 - 1 / len(people)) * (1 - 1 / len(classes))
    return max(1.0, seen / expected)
