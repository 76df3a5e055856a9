"""Smoothing of one column in plain loops, and the joint Gaussian solved whole."""

from __future__ import annotations

import math

import numpy as np


def moving_average(x, length):
    """Mean of the last `length` values, or of as many as there are."""
    out = []
    for t in range(len(x)):
        last = x[max(0, t - length + 1) : t + 1]
        out.append(math.fsum(last) / len(last))
    return out


def lds_filter(x, mean, q, r, v0):
    """Filtered means of a random walk seen through noise."""
    out, variance = [], v0
    for t, value in enumerate(x):
        if t:
            variance += q
        gain = variance / (variance + r)
        mean = mean + gain * (value - mean)
        variance = (1 - gain) * variance
        out.append(mean)
    return out


def lds_smooth(x, mean, q, r, v0):
    """Smoothed means: the filter forward, the corrections backward."""
    means, variances, predicted = [], [], []
    variance = v0
    for t, value in enumerate(x):
        if t:
            variance += q
        predicted.append(variance)
        gain = variance / (variance + r)
        mean = mean + gain * (value - mean)
        variance = (1 - gain) * variance
        means.append(mean)
        variances.append(variance)
    out = list(means)
    for t in range(len(x) - 2, -1, -1):
        out[t] = means[t] + variances[t] / predicted[t + 1] * (out[t + 1] - means[t])
    return out


def dense_posterior(x, mean, q, r, v0):
    """Posterior mean of all states at once, from the joint Gaussian's covariance matrices."""
    n = len(x)
    # cov(z_s, z_t) = v0 + q min(s, t), counted from 0
    states = np.array([[v0 + q * min(s, t) for t in range(n)] for s in range(n)])
    seen = states + r * np.eye(n)
    return mean + states @ np.linalg.solve(seen, np.asarray(x) - mean)
