"""Scores of predicted windows, one plain loop each."""

from __future__ import annotations

from fractions import Fraction


def accuracy(y_true, y_pred):
    return Fraction(sum(t == p for t, p in zip(y_true, y_pred, strict=True)), len(y_true))


def balanced_accuracy(y_true, y_pred):
    recalls = []
    for c in sorted(set(y_true)):
        hits = [p == c for t, p in zip(y_true, y_pred, strict=True) if t == c]
        recalls.append(Fraction(sum(hits), len(hits)))
    return sum(recalls) / len(recalls)


def macro_f1(y_true, y_pred):
    scores = []
    pairs = list(zip(y_true, y_pred, strict=True))
    for c in sorted(set(y_true) | set(y_pred)):
        tp = sum(t == c and p == c for t, p in pairs)
        fp = sum(t != c and p == c for t, p in pairs)
        fn = sum(t == c and p != c for t, p in pairs)
        scores.append(Fraction(2 * tp, 2 * tp + fp + fn))
    return sum(scores) / len(scores)


def trial_accuracy(y_true, y_pred, trials):
    """A tie is drawn by lot, so it counts by the chance of drawing the true class."""
    total = Fraction(0)
    for trial in set(trials):
        rows = [i for i, t in enumerate(trials) if t == trial]
        votes: dict = {}
        for i in rows:
            votes[y_pred[i]] = votes.get(y_pred[i], 0) + 1
        most = max(votes.values())
        winners = [c for c, n in votes.items() if n == most]
        if y_true[rows[0]] in winners:
            total += Fraction(1, len(winners))
    return total / len(set(trials))
