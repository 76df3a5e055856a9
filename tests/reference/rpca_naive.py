"""Principal component pursuit by its plainest algorithm, and the problem of a single row."""

from __future__ import annotations

import math

import numpy as np


def shrink(X, t):
    """Move every entry towards 0 by t, at most to 0."""
    return np.sign(X) * np.maximum(np.abs(X) - t, 0)


def shrink_spectrum(X, t):
    """The same for singular values."""
    U, s, Vt = np.linalg.svd(X, full_matrices=False)
    return U @ np.diag(np.maximum(s - t, 0)) @ Vt


def pursue_plain(D, lam, n_steps=20000, tolerance=1e-11):
    """Alternate over L, S and the multiplier Y with a fixed penalty; give L, S, Y."""
    mu = D.size / (4 * sum(abs(v) for v in D.ravel().tolist()))
    S, Y = np.zeros(D.shape), np.zeros(D.shape)
    for _ in range(n_steps):
        L = shrink_spectrum(D - S + Y / mu, 1 / mu)
        before, S = S, shrink(D - L + Y / mu, lam / mu)
        Y = Y + mu * (D - L - S)
        if np.abs(D - L - S).max() < tolerance and np.abs(S - before).max() < tolerance:
            break
    return L, S, Y


def objective(L, S, lam):
    """Sum of singular values plus lam times the sum of absolute entries."""
    return float(np.linalg.svd(L, compute_uv=False).sum() + lam * np.abs(S).sum())


def lower_bound(D, Y, lam):
    """What no L + S = D can be below, for any Y: the dual objective of the scaled Y."""
    size = max(1.0, float(np.linalg.norm(Y, 2)), float(np.abs(Y).max()) / lam)
    return float(np.sum(D * Y)) / size


def scheduled(D, lam, growth=1.5, n_steps=1000):
    """The usual inexact method: the penalty grows in each step until D = L + S to 1e-7."""
    mu = 1.25 / np.linalg.norm(D, 2)
    top = 1e7 * mu
    Y = D / max(np.linalg.norm(D, 2), np.abs(D).max() / lam)
    S = np.zeros(D.shape)
    for _ in range(n_steps):
        L = shrink_spectrum(D - S + Y / mu, 1 / mu)
        S = shrink(D - L + Y / mu, lam / mu)
        Y = Y + mu * (D - L - S)
        mu = min(growth * mu, top)
        if np.linalg.norm(D - L - S) < 1e-7 * np.linalg.norm(D):
            break
    return L, S


def row_objective(z, components, strengths, lam, a):
    """Cost of explaining a row by coordinates a of the background."""
    left = z - np.asarray(a) @ components
    quadratic = math.fsum(float(x) ** 2 / (2 * float(s)) for x, s in zip(a, strengths, strict=True))
    return quadratic + lam * math.fsum(np.abs(left).tolist())


def row_remainder(z, components, strengths, lam, n_steps=200000):
    """Sparse part of a row by accelerated projected gradient on the dual, with its duality gap."""
    G = components.T @ np.diag(strengths) @ components
    step = 1 / max(float(np.linalg.norm(G, 2)), 1e-300)
    y = np.zeros(len(z))
    ahead, momentum = y.copy(), 1.0
    gap = np.inf
    for i in range(n_steps):
        new = np.clip(ahead + step * (z - G @ ahead), -lam, lam)
        # start the momentum anew where it leads uphill
        if np.dot(ahead - new, new - y) > 0:
            momentum = 1.0
        later = (1 + math.sqrt(1 + 4 * momentum**2)) / 2
        ahead, y, momentum = new + (momentum - 1) / later * (new - y), new, later
        if i % 100 == 0:
            a = strengths * (components @ y)
            dual = float(z @ y - y @ G @ y / 2)
            gap = row_objective(z, components, strengths, lam, a) - dual
            if gap < 1e-14 * max(1.0, abs(dual)):
                break
    return z - G @ y, gap
