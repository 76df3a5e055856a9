"""Maximum independence domain adaptation on dense n x n matrices, as the paper writes it."""

from __future__ import annotations

import numpy as np
from scipy import linalg


def domain_columns(people):
    """One column a person, 1 on the rows of that person."""
    names = list(dict.fromkeys(people))
    return np.array([[1.0 if person == name else 0.0 for name in names] for person in people])


def standardised(values):
    """Less the mean, divided by the standard deviation."""
    values = np.asarray(values, dtype=float)
    return (values - values.mean()) / values.std()


def centring(n):
    """The matrix H."""
    return np.eye(n) - np.full((n, n), 1 / n)


def label_kernel(labels):
    """1 for two rows of the same known label, else 0; None is unknown."""
    n = len(labels)
    same = np.zeros((n, n))
    for i in range(n):
        for j in range(n):
            if labels[i] is not None and labels[i] == labels[j]:
                same[i, j] = 1.0
    return same


def mida_matrix(K, D, mu, labels=None, label_weight=0.0):
    """K (mu I - H DD' H + weight H Ky H) K with the centred K."""
    n = len(K)
    H = centring(n)
    K = H @ K @ H
    middle = mu * np.eye(n) - H @ D @ D.T @ H
    if labels is not None:
        middle = middle + label_weight * H @ label_kernel(labels) @ H
    A = K @ middle @ K
    return (A + A.T) / 2


def mida_dense(K, D, n_components, mu, labels=None, label_weight=0.0):
    """Leading positive eigenvalues, W, and the scores on unit vectors of the feature space."""
    values, W = linalg.eigh(mida_matrix(K, D, mu, labels, label_weight))
    values, W = values[::-1][:n_components], W[:, ::-1][:, :n_components]
    positive = values > 1e-9 * values[0]
    values, W = values[positive], W[:, positive]
    H = centring(len(K))
    scores = []
    for w in W.T:
        w = H @ w
        scores.append(H @ K @ w / np.sqrt(w @ K @ w))
    return values, W, np.array(scores).T


def mida_new_rows(K, k_new, W):
    """Scores of rows that were not in the problem; k_new holds their kernel values."""
    H = centring(len(K))
    out = []
    for k in k_new:
        centred = H @ (k - K.mean(axis=0))
        out.append([centred @ w / np.sqrt(w @ H @ K @ H @ w) for w in W.T])
    return np.array(out)


def mida_objective(K, D, W, mu, labels=None, label_weight=0.0):
    """What MIDA makes as large as W'W = I allows."""
    return float(np.trace(W.T @ mida_matrix(K, D, mu, labels, label_weight) @ W))
