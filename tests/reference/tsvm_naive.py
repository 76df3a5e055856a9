"""Transductive machines by trying every labelling, and by switching labels in plain loops."""

from __future__ import annotations

import itertools
import math

import numpy as np
from reference.squared_hinge_naive import objective, solve_generally


def mean_variance_naive(X):
    """Mean over the features of their variances."""
    total = 0.0
    for column in X.T:
        mean = math.fsum(column) / len(column)
        total += math.fsum((v - mean) ** 2 for v in column) / len(column)
    return total / X.shape[1]


def row_costs(X, n_target, C, C_target):
    """What one source row and one target row cost."""
    v = mean_variance_naive(X)
    return C / (v * len(X)), C_target / (v * n_target)


def tsvm_objective(w, b, X, y, T, labels, C, C_target):
    """|w|^2 / 2 + C / v mean loss of the sources + C* / v mean loss of the target."""
    source, target = row_costs(X, len(T), C, C_target)
    rows, all_labels = np.vstack([X, T]), [*y, *labels]
    costs = [source] * len(X) + [target] * len(T)
    return objective(w, b, rows, all_labels, costs, [0.0] * len(rows))


def best_plane(X, y, T, labels, C, C_target):
    """The hyperplane for given labels."""
    source, target = row_costs(X, len(T), C, C_target)
    costs = np.array([source] * len(X) + [target] * len(T))
    rows, all_labels = np.vstack([X, T]), np.array([*y, *labels])
    return solve_generally(rows, all_labels, costs, np.zeros(len(rows)))


def global_optimum(X, y, T, n_positive, C, C_target):
    """Try every labelling with that many ones; give the least objective, and its labels."""
    best = (math.inf, None)
    for positive in itertools.combinations(range(len(T)), n_positive):
        labels = [1.0 if i in positive else -1.0 for i in range(len(T))]
        w, b = best_plane(X, y, T, labels, C, C_target)
        value = tsvm_objective(w, b, X, y, T, labels, C, C_target)
        if value < best[0]:
            best = (value, labels)
    return best


def switched(X, y, T, n_positive, C, C_target, shares):
    """Label switching while the target's weight rises, with sorted lists."""
    w, b = best_plane(X, y, T, [1.0] * len(T), C, 0.0)
    labels = None
    for share in shares:
        while True:
            order = sorted(range(len(T)), key=lambda i: -math.fsum(T[i] * w))
            better = [1.0 if i in order[:n_positive] else -1.0 for i in range(len(T))]
            if better == labels:
                break
            labels = better
            w, b = best_plane(X, y, T, labels, C, share * C_target)
        w, b = best_plane(X, y, T, labels, C, share * C_target)
    return w, b, labels


def least_loss(scores, n_positive, loss):
    """The least sum of loss(y f) over all labellings with that many ones."""
    values = []
    for positive in itertools.combinations(range(len(scores)), n_positive):
        terms = [loss(f if i in positive else -f) for i, f in enumerate(scores)]
        values.append(math.fsum(terms))
    return min(values)
