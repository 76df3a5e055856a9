"""The signed-rank test by listing all signs, and Holm's rule by sorting."""

from __future__ import annotations

from itertools import product


def exact_p(differences):
    """Two-sided p of the rank sum of the positive differences, without zeros."""
    d = [round(x, 10) for x in differences if round(x, 10) != 0]
    if not d:
        return 1.0
    size = [abs(x) for x in d]
    ranks = [
        sum(other < s for other in size) + (sum(other == s for other in size) + 1) / 2 for s in size
    ]
    observed = sum(r for r, x in zip(ranks, d, strict=True) if x > 0)
    sums = [
        sum(r for r, up in zip(ranks, signs, strict=True) if up)
        for signs in product((False, True), repeat=len(d))
    ]
    low = sum(s <= observed + 1e-9 for s in sums) / len(sums)
    high = sum(s >= observed - 1e-9 for s in sums) / len(sums)
    return min(1.0, 2 * min(low, high))


def holm(p_values):
    order = sorted(range(len(p_values)), key=lambda i: p_values[i])
    adjusted = [0.0] * len(p_values)
    largest = 0.0
    for place, i in enumerate(order):
        largest = max(largest, p_values[i] * (len(p_values) - place))
        adjusted[i] = min(1.0, largest)
    return adjusted
