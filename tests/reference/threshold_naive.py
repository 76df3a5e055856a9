"""Offsets of log-posteriors by bisection and by Sinkhorn's turns, in plain loops."""

from __future__ import annotations

import math


def softmax_naive(values):
    top = max(values)
    powers = [math.exp(v - top) for v in values]
    return [p / math.fsum(powers) for p in powers]


def mean_posterior(rows, offsets, weights=None):
    """Mean over the rows of softmax(row + offsets)."""
    weights = [1.0] * len(rows) if weights is None else list(weights)
    total = math.fsum(weights)
    shares = [softmax_naive([v + b for v, b in zip(row, offsets, strict=True)]) for row in rows]
    return [
        math.fsum(w * p[c] for w, p in zip(weights, shares, strict=True)) / total
        for c in range(len(offsets))
    ]


def binary_offset(log_odds, share):
    """The b for which the mean of 1 / (1 + exp(-(d + b))) is the share, by bisection."""

    def mean(b):
        def sigmoid(d):
            return 1 / (1 + math.exp(-d)) if d > 0 else math.exp(d) / (1 + math.exp(d))

        return math.fsum(sigmoid(d + b) for d in log_odds) / len(log_odds)

    low, high = -max(log_odds) - 60, -min(log_odds) + 60
    for _ in range(300):
        middle = (low + high) / 2
        if mean(middle) < share:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def offsets_by_turns(rows, prior, weights=None, n_turns=20_000):
    """Sinkhorn's turns b_c += log(prior_c / mean_c), until nothing moves; of mean 0."""
    offsets = [0.0] * len(prior)
    for _ in range(n_turns):
        means = mean_posterior(rows, offsets, weights)
        moves = [math.log(p / m) for p, m in zip(prior, means, strict=True)]
        offsets = [b + m for b, m in zip(offsets, moves, strict=True)]
        if max(moves) - min(moves) < 1e-13:
            break
    middle = math.fsum(offsets) / len(offsets)
    return [b - middle for b in offsets]


def share_above_quantile(log_odds, share):
    """The offset by hard counts: the threshold is the quantile of the decision values."""
    ordered = sorted(log_odds)
    place = (1 - share) * (len(ordered) - 1)
    low = math.floor(place)
    high = min(low + 1, len(ordered) - 1)
    return -(ordered[low] + (place - low) * (ordered[high] - ordered[low]))
