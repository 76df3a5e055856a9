"""ReliefF by its pseudo-code, with plain loops."""

from __future__ import annotations


def relieff_loops(X, y, n_neighbors):
    """Weights of the features; every row takes part once."""
    rows = [[float(v) for v in row] for row in X]
    labels = list(y)
    n, d = len(rows), len(rows[0])
    low = [min(row[f] for row in rows) for f in range(d)]
    high = [max(row[f] for row in rows) for f in range(d)]

    def diff(f, i, j):
        if high[f] == low[f]:
            return 0.0
        return abs(rows[i][f] - rows[j][f]) / (high[f] - low[f])

    def distance(i, j):
        return sum(diff(f, i, j) for f in range(d))

    share = {c: labels.count(c) / n for c in set(labels)}
    weights = [0.0] * d
    for i in range(n):
        for c in sorted(share, key=str):
            near = sorted(
                (j for j in range(n) if j != i and labels[j] == c), key=lambda j: distance(i, j)
            )
            near = near[:n_neighbors]
            for j in near:
                for f in range(d):
                    if c == labels[i]:
                        weights[f] -= diff(f, i, j) / (n * len(near))
                    else:
                        factor = share[c] / (1 - share[labels[i]])
                        weights[f] += factor * diff(f, i, j) / (n * len(near))
    return weights
