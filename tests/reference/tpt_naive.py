"""Transductive parameter transfer by plain loops: kernels of pairs, one regression, one refit
for each subject that is left out."""

from __future__ import annotations

import math

import numpy as np
from scipy import optimize


def pair_mean(X, Y, gamma):
    """Mean of exp(-gamma |x - y|^2) over all pairs, one pair at a time."""
    values = [math.exp(-gamma * math.dist(x, y) ** 2) for x in X for y in Y]
    return math.fsum(values) / len(values)


def similarity(X, Y, gamma):
    """The pair mean, scaled so that a set is 1 to itself."""
    own = pair_mean(X, X, gamma) * pair_mean(Y, Y, gamma)
    return pair_mean(X, Y, gamma) / math.sqrt(own)


def gaussian_pair_mean(mean, variance_x, variance_y, gamma):
    """Expected kernel value of N(0, variance_x I) and N(mean, variance_y I)."""
    spread = 1 + 2 * gamma * (variance_x + variance_y)
    return spread ** (-len(mean) / 2) * math.exp(-gamma * float(mean @ mean) / spread)


def svm_by_descent(X, signs, cost):
    """Minimise |w|^2 / 2 + cost / 2 sum max(0, 1 - y (x'w + b))^2; gives (w, b) as one vector."""

    def objective(point):
        slack = np.maximum(0.0, 1 - signs * (X @ point[:-1] + point[-1]))
        gradient = np.append(point[:-1], 0.0)
        pull = cost * slack * signs
        gradient -= np.append(pull @ X, pull.sum())
        return point[:-1] @ point[:-1] / 2 + cost / 2 * slack @ slack, gradient

    start = np.zeros(X.shape[1] + 1)
    options = {"maxiter": 5000, "maxfun": 50000, "ftol": 1e-15, "gtol": 1e-10}
    return optimize.minimize(objective, start, jac=True, method="L-BFGS-B", options=options).x


def machines(X, codes, n_classes, cost):
    """One machine a class against the rest, each as (w, b)."""
    rows = [svm_by_descent(X, np.where(codes == c, 1.0, -1.0), cost) for c in range(n_classes)]
    return np.array(rows)


def ridge_prediction(K, k, theta, alpha):
    """Parameters at similarities k: the mean, and what ridge regression adds to it."""
    mean = np.mean(theta, axis=0)
    B = np.linalg.solve(K + alpha * np.eye(len(K)), theta - mean)
    return mean + k @ B


def ridge_left_out(K, theta, alpha):
    """Each one's parameters from a regression that was fitted without it."""
    predictions = []
    for i in range(len(K)):
        rest = [j for j in range(len(K)) if j != i]
        predictions.append(ridge_prediction(K[np.ix_(rest, rest)], K[i, rest], theta[rest], alpha))
    return np.array(predictions)


def mean_gap_to_one(K):
    """Mean of 1 - K_ij over the pairs i < j."""
    gaps = [1 - K[i][j] for i in range(len(K)) for j in range(i)]
    return sum(gaps) / len(gaps)


def similarities(sets, target, gamma, kernel):
    """K between the sets and k of the target; "mmd" takes distances in units of the sets' own."""
    D = np.array([[similarity(X, Y, gamma) for Y in sets] for X in sets])
    to_target = np.array([similarity(target, X, gamma) for X in sets])
    if kernel == "density":
        return D, to_target
    width = mean_gap_to_one(D)
    return D * np.exp(-(1 - D) / width), to_target * np.exp(-(1 - to_target) / width)


def tpt_machine(sets, codes, target, n_classes, cost, gamma, alpha, kernel):
    """The target's machines (n_classes, d + 1), from the sources' rows and the target's."""
    theta = np.array(
        [machines(X, c, n_classes, cost).ravel() for X, c in zip(sets, codes, strict=True)]
    )
    K, k = similarities(sets, target, gamma, kernel)
    ridge = alpha * mean_gap_to_one(K)
    return ridge_prediction(K, k, theta, ridge).reshape(n_classes, -1)
