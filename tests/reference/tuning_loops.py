"""Choosing the k of nearest neighbours without labels of the wearer, written as plain loops."""

from __future__ import annotations

import math

import numpy as np
from sklearn.neighbors import KNeighborsClassifier


def _fit(k, X, y):
    return KNeighborsClassifier(k).fit(X, y)


def _z(X):
    return (X - X.mean(axis=0)) / X.std(axis=0)


def source(k, X, y, subjects):
    """Behind z2: fit on the others, standardise the person by itself, score."""
    scores = []
    for who in sorted(set(subjects)):
        own = subjects == who
        Z = np.array(X)
        for other in sorted(set(subjects)):
            Z[subjects == other] = _z(X[subjects == other])
        scores.append(float(np.mean(_fit(k, Z[~own], y[~own]).predict(Z[own]) == y[own])))
    return float(np.mean(scores))


def reverse(k, X, y, subjects, T):
    """Label the target by all but one, learn from it, score the one left out."""
    scores = []
    for who in sorted(set(subjects)):
        own = subjects == who
        labels = _fit(k, X[~own], y[~own]).predict(T)
        back = _fit(k, T, labels).predict(X[own])
        scores.append(float(np.mean(back == y[own])))
    return float(np.mean(scores))


def losses(k, X, y, subjects):
    """Error of each row under the model of the other people, in the order of the rows."""
    found = np.empty(len(X))
    for who in sorted(set(subjects)):
        own = subjects == who
        found[own] = _fit(k, X[~own], y[~own]).predict(X[own]) != y[own]
    return found


def weighted(losses, weights):
    return 1 - sum(w * x for w, x in zip(weights, losses, strict=True)) / sum(weights)


def dev(losses, weights):
    n = len(losses)
    products = [w * x for w, x in zip(weights, losses, strict=True)]
    mean_product, mean_weight = sum(products) / n, sum(weights) / n
    covariance = (
        sum((p - mean_product) * (w - mean_weight) for p, w in zip(products, weights, strict=True))
        / n
    )
    variance = sum((w - mean_weight) ** 2 for w in weights) / n
    eta = -covariance / variance
    return 1 - (mean_product + eta * mean_weight - eta)


def entropy(k, X, y, T):
    total = 0.0
    probabilities = _fit(k, X, y).predict_proba(T)
    for row in probabilities:
        total -= sum(p * math.log(p) for p in row if p > 0)
    return -total / len(probabilities)
