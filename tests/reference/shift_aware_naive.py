"""Shift-aware normalisation by plain loops."""

from __future__ import annotations

from itertools import product
from math import exp, lgamma, log

import numpy as np


def statistics(X, y, subjects, passes=6):
    """Give p, each person's centre and scale at p, and the class effects."""
    classes, people, d = sorted(set(y)), sorted(set(subjects)), X.shape[1]
    p = np.array([np.mean(y == c) for c in classes])
    rows = {s: X[subjects == s] for s in people}
    shares = {s: np.array([np.mean(y[subjects == s] == c) for c in classes]) for s in people}
    scale = {s: rows[s].std(axis=0) for s in people}
    for _ in range(passes):
        # rows = person + class by dummy variables, one feature at a time
        design = np.array(
            [
                [s == t for t in people] + [c == k for k in classes]
                for s, c in zip(subjects, y, strict=True)
            ],
            dtype=float,
        )
        Z = np.array([x / scale[s] for x, s in zip(X, subjects, strict=True)])
        effects = np.zeros((len(classes), d))
        for j in range(d):
            effects[:, j] = np.linalg.lstsq(design, Z[:, j], rcond=None)[0][len(people) :]
        effects -= p @ effects
        for s in people:
            scale[s] = rows[s].std(axis=0) * ratio(shares[s], p, effects)
    centre = {s: rows[s].mean(axis=0) - scale[s] * (shares[s] @ effects) for s in people}
    return p, centre, scale, effects


def ratio(shares, p, effects):
    """Give a / sd: what the person's standard deviation would be at the mix p."""
    between, common = (q @ effects**2 - (q @ effects) ** 2 for q in (shares, p))
    return np.sqrt(1 / (1 - common + between))


def normalise_target(T, shares, p, effects):
    a = T.std(axis=0) * ratio(shares, p, effects)
    return (T - T.mean(axis=0) + a * (shares @ effects)) / a


def mix_of_one_feature(t, k, p, effects, place, spread, log_spread, tempering, within=1.0):
    """Weigh the mixes of two classes of one standardised feature, density by density.

    `t` are the rows in units of their own standard deviation, about the pooled centre.
    """
    total = np.zeros(2)
    weights = []
    for i, j in product(range(k + 1), repeat=2):
        if i + j != k:
            continue
        pi = np.array([i, j]) / k
        h = np.sqrt(1 / ((1 - variance(p, effects)) + variance(pi, effects)))
        e = h * effects[:, 0]
        own = h**2 * within
        middle = pi @ e
        evidence = lgamma(i + p[0]) - lgamma(i + 1) + lgamma(j + p[1]) - lgamma(j + 1)
        shape = 0.0
        for node, weight in ((-(3**0.5), 1 / 6), (0.0, 2 / 3), (3**0.5, 1 / 6)):
            v = own * exp(log_spread * node)
            likelihood = 0.0
            for x in t:
                u = x - t.mean() + middle
                density = sum(pi[c] * exp(-0.5 * (u - e[c]) ** 2 / v) / v**0.5 for c in range(2))
                likelihood += tempering * log(density)
            shape += weight * exp(likelihood)
        sd2 = spread + own / (tempering * len(t))
        miss = t.mean() - place - middle
        evidence += log(shape) - 0.5 * miss**2 / sd2 - 0.5 * log(sd2)
        weights.append((evidence, pi))
    top = max(w for w, _ in weights)
    norm = sum(exp(w - top) for w, _ in weights)
    for w, pi in weights:
        total += exp(w - top) / norm * pi
    return total


def variance(shares, effects):
    return (shares @ effects**2 - (shares @ effects) ** 2)[0]
