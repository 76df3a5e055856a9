"""The normalisation modes z0 to z3, one number at a time."""

from __future__ import annotations

import math

#: A column counts as constant when it spreads less than rounding.
_ROUNDING = 1e-14


def column_statistics(rows):
    """Mean and population standard deviation of each column; 0 for a constant one."""
    means, deviations = [], []
    for j in range(len(rows[0])):
        column = [float(row[j]) for row in rows]
        mean = math.fsum(column) / len(column)
        if max(column) - min(column) <= _ROUNDING * abs(mean):
            deviation = 0.0
        else:
            deviation = math.sqrt(math.fsum((v - mean) ** 2 for v in column) / len(column))
        means.append(mean)
        deviations.append(deviation)
    return means, deviations


def _standardised(rows, means, deviations, fallback):
    scales = [d if d > 0 else f for d, f in zip(deviations, fallback, strict=True)]
    return [
        [(float(v) - m) / s for v, m, s in zip(row, means, scales, strict=True)] for row in rows
    ]


def normalise(mode, source, subjects, target, target_statistics=None):
    """Standardised source rows and target rows; the latter by the rows `target_statistics`."""
    pooled_means, pooled_deviations = column_statistics(source)
    pooled = [d if d > 0 else 1.0 for d in pooled_deviations]
    source_out = [None] * len(source)
    for subject in sorted(set(subjects), key=str):
        own = [i for i in range(len(source)) if subjects[i] == subject]
        if mode in ("z1", "z2"):
            means, deviations = column_statistics([source[i] for i in own])
        else:
            means, deviations = pooled_means, pooled
        rows = _standardised([source[i] for i in own], means, deviations, pooled)
        for i, row in zip(own, rows, strict=True):
            source_out[i] = row
    if mode in ("z2", "z3") and target_statistics is not None:
        means, deviations = column_statistics(target_statistics)
    else:
        means, deviations = pooled_means, pooled
    return source_out, _standardised(target, means, deviations, pooled)
