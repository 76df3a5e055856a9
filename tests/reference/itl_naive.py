"""The informations of ITL, written as sums over rows and pairs."""

from __future__ import annotations

import math


def soft_neighbours(row, others, skip=None):
    """Weights of the other rows, proportional to exp of minus the squared distance."""
    exponents = [
        None if j == skip else -sum((a - b) ** 2 for a, b in zip(row, other, strict=True))
        for j, other in enumerate(others)
    ]
    largest = max(e for e in exponents if e is not None)
    weights = [0.0 if e is None else math.exp(e - largest) for e in exponents]
    return [w / sum(weights) for w in weights]


def entropy(shares):
    return -sum(p * math.log(p) for p in shares if p > 0)


def information(queries, neighbours, labels, leave_one_out=False):
    """Entropy of the mean guess minus the mean entropy of the guesses."""
    classes = sorted(set(labels))
    guesses = []
    for i, row in enumerate(queries):
        weights = soft_neighbours(row, neighbours, i if leave_one_out else None)
        guesses.append(
            [sum(w for w, y in zip(weights, labels, strict=True) if y == c) for c in classes]
        )
    mean = [sum(g[c] for g in guesses) / len(guesses) for c in range(len(classes))]
    return entropy(mean) - sum(map(entropy, guesses)) / len(guesses)


def objective(L, source, target, labels, lam):
    """Label information of the target minus lam times the domain information of all rows."""

    def mapped(rows):
        return [
            [sum(x * L[j][k] for j, x in enumerate(row)) for k in range(len(L[0]))] for row in rows
        ]

    z, v = mapped(source), mapped(target)
    domains = [0] * len(z) + [1] * len(v)
    return information(v, z, labels) - lam * information([*z, *v], [*z, *v], domains, True)
