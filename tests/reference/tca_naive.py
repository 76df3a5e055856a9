"""Transfer component analysis on dense n x n matrices, as the paper writes it."""

from __future__ import annotations

import math

import numpy as np
from scipy import linalg


def kernel_matrix(X, Y, gamma=None):
    """Gaussian kernel exp(-gamma |x - y|^2) of all pairs; the inner products without gamma."""
    if gamma is None:
        return np.array([[math.fsum(a * b) for b in Y] for a in X])
    return np.array([np.exp(-gamma * np.sum((Y - x) ** 2, axis=1)) for x in X])


def median_gamma_naive(X):
    """1 / (2 s^2) with s the median distance of all pairs of different rows."""
    distances = []
    for i in range(len(X)):
        for j in range(i):
            distance = math.dist(X[i], X[j])
            if distance > 0:
                distances.append(distance)
    return 1 / (2 * float(np.median(distances)) ** 2)


def domain_vector(n_source, n_target):
    """The vector e with L = ee'."""
    return np.array([1 / n_source] * n_source + [-1 / n_target] * n_target)


def tca_matrices(K, n_source):
    """KHK, KLK and H, each formed in full."""
    n = len(K)
    H = np.eye(n) - np.full((n, n), 1 / n)
    e = domain_vector(n_source, n - n_source)
    return K @ H @ K, K @ np.outer(e, e) @ K, H


def absolute_mu(K, n_source, mu):
    """The regulariser that mu times the trace of KLK / n stands for, with its floor."""
    khk, klk, _ = tca_matrices(K, n_source)
    n = len(K)
    return mu * max(np.trace(klk) / n, 1e-6 * np.trace(khk) / n)


def tca_dense(K, n_source, n_components, mu):
    """Solve KHK w = lambda (KLK + mu I) w; give eigenvalues, W and unit-variance scores HKW."""
    khk, klk, H = tca_matrices(K, n_source)
    n = len(K)
    values, W = linalg.eigh((khk + khk.T) / 2, (klk + klk.T) / 2 + mu * np.eye(n))
    values, W = values[::-1][:n_components], W[:, ::-1][:, :n_components]
    scores = H @ K @ W
    W = W / np.sqrt(np.mean(scores**2, axis=0))
    return values, W, H @ K @ W


def generalised_residual(K, n_source, mu, W, eigenvalues):
    """Largest |Aw - lBw| / (|Aw| + |l||Bw|) over the columns, from dense matrices."""
    khk, klk, _ = tca_matrices(K, n_source)
    worst = 0.0
    for w, value in zip(np.asarray(W).T, eigenvalues, strict=True):
        left, right = khk @ w, klk @ w + mu * w
        size = linalg.norm(left) + abs(value) * linalg.norm(right)
        worst = max(worst, float(linalg.norm(left - value * right) / size))
    return worst


def trace_ratio(K, n_source, mu, W):
    """tr((W'(KLK + mu I)W)^-1 W'KHKW): what TCA makes as large as m directions can."""
    khk, klk, _ = tca_matrices(K, n_source)
    bottom = W.T @ (klk + mu * np.eye(len(K))) @ W
    return float(np.trace(np.linalg.solve(bottom, W.T @ khk @ W)))
