"""Style transfer mapping by plain loops: the objective as it is written, the map as an ordinary
least squares problem, and the ensemble with its rounds of self-training, row by row."""

from __future__ import annotations

import math

import numpy as np
from scipy import linalg


def objective(A, b, S, T, f, beta, gamma):
    """sum_i f_i |A s_i + b - t_i|^2 + beta |A - I|^2 + gamma |b|^2 (absolute weights)."""
    total = beta * float(np.sum((A - np.eye(len(A))) ** 2)) + gamma * float(b @ b)
    for s, t, weight in zip(S, T, f, strict=True):
        gap = A @ s + b - t
        total += weight * float(gap @ gap)
    return total


def gradients(A, b, S, T, f, beta, gamma):
    """Derivatives of the objective by A and b."""
    by_A, by_b = 2 * beta * (A - np.eye(len(A))), 2 * gamma * b
    for s, t, weight in zip(S, T, f, strict=True):
        gap = A @ s + b - t
        by_A = by_A + 2 * weight * np.outer(gap, s)
        by_b = by_b + 2 * weight * gap
    return by_A, by_b


def absolute_weights(S, f, beta, gamma):
    """What the relative weights stand for."""
    d = S.shape[1]
    mean_square = sum(w * float(s @ s) for s, w in zip(S, f, strict=True)) / d
    return beta * mean_square, gamma * sum(f)


def least_squares_map(S, T, f, beta, gamma):
    """Solve the problem as least squares with rows for the penalties (absolute weights)."""
    d = S.shape[1]
    root = np.sqrt(f)[:, None]
    data = np.hstack([root * S, root])
    to_identity = math.sqrt(beta) * np.hstack([np.eye(d), np.zeros((d, 1))])
    to_zero = math.sqrt(gamma) * np.hstack([np.zeros((1, d)), np.ones((1, 1))])
    left = np.vstack([data, to_identity, to_zero])
    right = np.vstack([root * T, math.sqrt(beta) * np.eye(d), np.zeros((1, d))])
    solution = linalg.lstsq(left, right)[0]
    return solution[:d].T, solution[d]


def nearest(z, prototypes):
    """The nearest of some points."""
    return min(prototypes, key=lambda p: math.dist(z, p))


def on_shell(z, mean, covariance, radius):
    """z, or where the line from the mean to z leaves the ellipsoid of Mahalanobis radius."""
    away = z - mean
    distance = math.sqrt(away @ np.linalg.solve(covariance, away))
    reach = radius * math.sqrt(len(z))
    return z if distance <= reach else mean + away * reach / distance


def source_probabilities(z, source, n_classes):
    """What one source's classifier makes of one row in its style.

    `source` has "classes", "coef", "intercept" (rows in the order of "classes"), "sharpness".
    """
    scores = [
        source["sharpness"] * (float(w @ z) + c)
        for w, c in zip(source["coef"], source["intercept"], strict=True)
    ]
    top = max(scores)
    exponentials = [math.exp(s - top) for s in scores]
    share = len(source["classes"]) / n_classes
    p = np.full(n_classes, 1 / n_classes)
    for c, value in zip(source["classes"], exponentials, strict=True):
        p[c] = share * value / sum(exponentials)
    return p


def ensemble(rows, sources, maps, weights, n_classes):
    """Weighted mean of the sources' probabilities, row by row."""
    return np.array(
        [
            sum(
                weight * source_probabilities(A @ x + b, source, n_classes)
                for source, (A, b), weight in zip(sources, maps, weights, strict=True)
            )
            for x in rows
        ]
    )


def fit_maps(rows, codes, f, sources, start, current, beta, gamma):
    """Each source's map: the one it starts from, and behind it one to the destinations."""
    maps = []
    for source, (A0, b0), (A1, b1) in zip(sources, start, current, strict=True):
        S, T, sure = [], [], []
        for x, c, weight in zip(rows, codes, f, strict=True):
            if c in source["classes"]:
                S.append(A0 @ x + b0)
                T.append(nearest(A1 @ x + b1, source["prototypes"][c]))
                sure.append(weight)
        S, T, sure = np.array(S), np.array(T), np.array(sure)
        A, b = least_squares_map(S, T, sure, *absolute_weights(S, sure, beta, gamma))
        maps.append((A @ A0, A @ b0 + b))
    return maps


def self_train(rows, known, sources, start, weights, n_classes, beta, gamma, n_rounds):
    """Rounds on the ensemble's own predictions; `known` holds labels or -1."""
    maps = start
    for _ in range(n_rounds):
        p = ensemble(rows, sources, maps, weights, n_classes)
        codes, sure = [], []
        for row, label in zip(p, known, strict=True):
            codes.append(int(np.argmax(row)) if label < 0 else int(label))
            top = (n_classes * max(row) - 1) / (n_classes - 1)
            sure.append(top if label < 0 else 1.0)
        maps = fit_maps(rows, codes, sure, sources, start, maps, beta, gamma)
    return maps
