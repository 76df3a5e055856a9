"""Conditional transfer with plain loops: the gate, the features, the ranking, the number."""

from __future__ import annotations

import math

import numpy as np

from .relieff_naive import relieff_loops


def bayes_fit(X, y):
    """Gaussian naive Bayes: for each class its share, and mean and variance of each feature."""
    X = np.asarray(X, dtype=float)
    floor = 1e-9 * max(float(np.var(X[:, f])) for f in range(X.shape[1]))
    model = {}
    for c in sorted(set(y)):
        rows = X[[label == c for label in y]]
        model[c] = (len(rows) / len(X), rows.mean(axis=0), rows.var(axis=0) + floor)
    return model


def bayes_predict(model, x):
    """Most probable class of one row."""

    def score(c):
        share, mean, variance = model[c]
        terms = [
            -0.5 * math.log(2 * math.pi * variance[f]) - (x[f] - mean[f]) ** 2 / (2 * variance[f])
            for f in range(len(x))
        ]
        return math.log(share) + math.fsum(terms)

    return max(sorted(model), key=score)


def tail(n, k, p):
    """Probability of k or more successes in n."""
    return math.fsum(math.comb(n, i) * p**i * (1 - p) ** (n - i) for i in range(k, n + 1))


def trial_table(person):
    """Mean, label and stimulus of each trial of (X, y, trials, stimuli)."""
    X, y, trials, stimuli = person
    table = {}
    for t in sorted(set(trials)):
        rows = [i for i in range(len(trials)) if trials[i] == t]
        labels = [y[i] for i in rows]
        label = max(sorted(set(labels)), key=labels.count)
        table[t] = (np.mean([X[i] for i in rows], axis=0), label, stimuli[rows[0]])
    return table


def group_means(table, key):
    """Average the trials of each stimulus (key 2) or class (key 1)."""
    groups = {}
    for entry in table.values():
        groups.setdefault(entry[key], []).append(entry[0])
    return {name: np.mean(rows, axis=0) for name, rows in groups.items()}


def stimulus_correlation(a, b, features):
    """Mean over features of Pearson's r over shared stimuli."""
    A, B = group_means(a, 2), group_means(b, 2)
    shared = sorted(set(A) & set(B))
    values = []
    for f in features:
        x, z = [A[s][f] for s in shared], [B[s][f] for s in shared]
        if np.ptp(x) > 0 and np.ptp(z) > 0:
            values.append(float(np.corrcoef(x, z)[0, 1]))
    return sum(values) / len(values) if values else 0.0


def class_correlation(a, b, features):
    """Correlation of all class means' deviations at once."""
    A, B = group_means(a, 1), group_means(b, 1)
    shared = sorted(set(A) & set(B))
    x, z = [], []
    for f in features:
        centre_a = sum(A[c][f] for c in shared) / len(shared)
        centre_b = sum(B[c][f] for c in shared) / len(shared)
        x += [A[c][f] - centre_a for c in shared]
        z += [B[c][f] - centre_b for c in shared]
    return float(np.dot(x, z) / (np.linalg.norm(x) * np.linalg.norm(z)))


def best_features(table, n_features, n_neighbors=10):
    entries = list(table.values())
    weights = relieff_loops([e[0] for e in entries], [e[1] for e in entries], n_neighbors)
    order = sorted(range(len(weights)), key=lambda f: -weights[f])
    return sorted(order[:n_features])


def fit_on(people, own, features):
    """Train on all rows of some people and on the wearer's own rows."""
    X = [np.asarray(row)[features] for X, _, _, _ in people for row in X]
    y = [label for _, labels, _, _ in people for label in labels]
    return bayes_fit(X + [np.asarray(r)[features] for r in own[0]], y + list(own[1]))


def choose_with_labels(people, block, grid, n_features, correlation, level=0.05):
    """Gate, features, similarities and number of people for a labelled block."""
    X, y, trials, _ = block
    table = trial_table(block)
    right, scores = 0, {n: [] for n in grid}
    for t in table:
        rest = {u: table[u] for u in table if u != t}
        features = best_features(rest, n_features)
        values = [correlation(rest, trial_table(person), features) for person in people]
        ranked = sorted(range(len(people)), key=lambda i: -values[i])
        inside = [i for i in range(len(trials)) if trials[i] != t]
        own = ([X[i] for i in inside], [y[i] for i in inside])
        held = [i for i in range(len(trials)) if trials[i] == t]
        model = fit_on([], own, features)
        answers = [bayes_predict(model, np.asarray(X[i])[features]) for i in held]
        right += max(sorted(set(answers)), key=answers.count) == table[t][1]
        for n in grid:
            model = fit_on([people[i] for i in ranked[:n]], own, features)
            hits = [bayes_predict(model, np.asarray(X[i])[features]) == y[i] for i in held]
            scores[n].append(sum(hits) / len(hits))
    labels = [entry[1] for entry in table.values()]
    chance = max(labels.count(c) for c in set(labels)) / len(labels)
    p_value = tail(len(labels), right, chance)
    features = best_features(table, n_features)
    values = [correlation(table, trial_table(person), features) for person in people]
    n = max(grid, key=lambda k: (round(sum(scores[k]) / len(labels), 10), -k))
    ranked = sorted(range(len(people)), key=lambda i: -values[i])
    return {
        "right": right,
        "p_value": p_value,
        "features": features,
        "values": values,
        "scores": [[scores[k][t] for k in grid] for t in range(len(labels))],
        "chosen": [] if p_value <= level else sorted(ranked[:n]),
    }


def discrepancy(A, B, gamma):
    """Squared maximum mean discrepancy of the Gaussian kernel, without the pairs of one row."""

    def mean(P, Q, same):
        values = [
            math.exp(-gamma * sum((a - b) ** 2 for a, b in zip(p, q, strict=True)))
            for i, p in enumerate(P)
            for j, q in enumerate(Q)
            if not (same and i == j)
        ]
        return math.fsum(values) / len(values)

    return mean(A, A, True) + mean(B, B, True) - 2 * mean(A, B, False)


def source_scores(people, grid, gamma):
    """Share of right rows of each person, trained on the n nearest of the others."""
    table = []
    for i, (X, y) in enumerate(people):
        others = [person for j, person in enumerate(people) if j != i]
        far = [discrepancy(X, other[0], gamma) for other in others]
        ranked = sorted(range(len(others)), key=lambda j: far[j])
        row = []
        for n in grid:
            near = [others[j] for j in ranked[:n]]
            model = bayes_fit([r for P, _ in near for r in P], [c for _, q in near for c in q])
            hits = [bayes_predict(model, x) == c for x, c in zip(X, y, strict=True)]
            row.append(sum(hits) / len(hits))
        table.append(row)
    return table
