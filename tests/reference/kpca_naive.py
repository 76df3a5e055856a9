"""Kernel PCA on the dense, centred n x n matrix."""

from __future__ import annotations

import numpy as np
from scipy import linalg


def kpca_dense(K, n_components):
    """Eigenvalues of HKH and scores of unit variance."""
    n = len(K)
    H = np.eye(n) - np.full((n, n), 1 / n)
    centred = H @ K @ H
    values, vectors = linalg.eigh((centred + centred.T) / 2)
    values, vectors = values[::-1][:n_components], vectors[:, ::-1][:, :n_components]
    return values, vectors * np.sqrt(n)


def kpca_new_rows(K, k_new, n_components):
    """Scores of rows that were not in the problem; k_new holds their kernel values."""
    values, scores = kpca_dense(K, n_components)
    out = []
    for k in k_new:
        centred = k - k.mean() - K.mean(axis=0) + K.mean()
        out.append([centred @ scores[:, j] / values[j] for j in range(n_components)])
    return np.array(out).reshape(len(k_new), n_components)
