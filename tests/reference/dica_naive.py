"""Domain-invariant component analysis on dense n x n matrices."""

from __future__ import annotations

import numpy as np
from scipy import linalg


def domain_matrix(people):
    """Q of the paper: (N-1)/(N^2 n_k^2) within a person, -1/(N^2 n_k n_l) between two."""
    people = list(people)
    names = list(dict.fromkeys(people))
    sizes = {name: people.count(name) for name in names}
    N, n = len(names), len(people)
    Q = np.zeros((n, n))
    for i in range(n):
        for j in range(n):
            product = N**2 * sizes[people[i]] * sizes[people[j]]
            Q[i, j] = (N - 1) / product if people[i] == people[j] else -1 / product
    return Q


def label_kernel(labels):
    """1 for two rows of the same class, else 0."""
    return np.array([[1.0 if a == b else 0.0 for b in labels] for a in labels])


def centred(K):
    """HKH."""
    n = len(K)
    H = np.eye(n) - np.full((n, n), 1 / n)
    return H @ K @ H


def label_weights(labels, epsilon):
    """L (L + n epsilon I)^-1; at epsilon 0 its limit, the projection on the classes."""
    L = label_kernel(labels)
    n = len(L)
    if epsilon == 0:
        return L @ np.linalg.pinv(L, rcond=1e-10, hermitian=True)
    return L @ np.linalg.inv(L + n * epsilon * np.eye(n))


def dica_matrices(K, people, mu, labels=None, epsilon=0.0):
    """Left and right side of the problem; the left one is symmetric. No labels: UDICA."""
    K = centred(K)
    middle = np.eye(len(K)) if labels is None else label_weights(labels, epsilon)
    left = K @ middle @ K / len(K)
    return (left + left.T) / 2, K @ domain_matrix(people) @ K + mu * K


def dica_dense(K, people, n_components, mu, labels=None, epsilon=0.0):
    """Leading eigenvalues and the scores on unit vectors of the feature space."""
    left, right = dica_matrices(K, people, mu, labels, epsilon)
    K = centred(K)
    # where K is singular both sides are: the problem lives on its range
    sizes, axes = linalg.eigh(K)
    axes = axes[:, sizes > 1e-10 * sizes[-1]]
    values, b = linalg.eigh(axes.T @ left @ axes, axes.T @ right @ axes)
    values, b = values[::-1][:n_components], (axes @ b)[:, ::-1][:, :n_components]
    return values, np.array([K @ column / np.sqrt(column @ K @ column) for column in b.T]).T


def published_dica(K, people, n_components, lam, labels, epsilon):
    """(KQK + K + lambda I)^-1 (1/n) L (L + n epsilon I)^-1 K^2, its eigenvectors, and KB."""
    K = centred(K)
    n = len(K)
    left = label_weights(labels, epsilon) @ K @ K / n
    right = K @ domain_matrix(people) @ K + K + lam * np.eye(n)
    values, B = linalg.eig(np.linalg.solve(right, left))
    order = np.argsort(-values.real)[:n_components]
    return left, K @ B[:, order].real


def domain_variance(scores, people):
    """Mean squared distance of the people's means from the mean of these means."""
    names = list(dict.fromkeys(people))
    means = [np.mean([s for s, p in zip(scores, people, strict=True) if p == n], 0) for n in names]
    middle = np.mean(means, axis=0)
    return float(np.mean([np.sum((mean - middle) ** 2) for mean in means]))
