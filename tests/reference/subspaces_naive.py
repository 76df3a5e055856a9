"""Principal subspaces and their alignment, by plain loops and the singular value decomposition."""

from __future__ import annotations

import numpy as np


def centred(X):
    """Rows less their mean, feature by feature."""
    return np.array([[value - np.mean(column) for value in column] for column in X.T]).T


def pca_basis(X, k):
    """The first k principal directions of rows, as columns."""
    return np.linalg.svd(centred(X), full_matrices=False)[2][:k].T


def sa_scores(X, T, k):
    """Aligned rows of one source and of the target."""
    P_s, P_t = pca_basis(X, k), pca_basis(T, k)
    M = P_s.T @ P_t
    source = np.array([row @ P_s @ M for row in centred(X)])
    return source, np.array([row @ P_t for row in centred(T)])


def principal_angles(P, Q):
    """Angles whose cosines are the singular values of P'Q, rising."""
    return np.arccos(np.clip(np.linalg.svd(P.T @ Q)[1], 0.0, 1.0))


def disagreement(X, T, most):
    """(sin a_k + sin b_k) / 2 for k = 1, 2, ..., of each domain against both, weighed alike."""
    cov_s = np.cov(X.T)
    cov_t = np.cov(T.T)

    def leading(matrix, k):
        values, vectors = np.linalg.eigh(matrix)
        return vectors[:, np.argsort(values)[::-1][:k]]

    out = []
    for k in range(1, most + 1):
        joint = leading(cov_s + cov_t, k)
        a = principal_angles(leading(cov_s, k), joint)[-1]
        b = principal_angles(leading(cov_t, k), joint)[-1]
        out.append((np.sin(a) + np.sin(b)) / 2)
    return np.array(out)
