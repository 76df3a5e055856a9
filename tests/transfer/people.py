"""Shifted people for the tests of MIDA and DICA."""

from __future__ import annotations

from typing import Any

import numpy as np
from reference.mida_naive import domain_columns

TARGET = "(target)"


def people(
    sizes: tuple[int, ...], d: int, *, rank: int | None = None, seed: int = 0, shift: float = 1.0
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Source rows, their subjects and target rows; the last size is the target's."""
    rng = np.random.default_rng(seed)
    mix = rng.standard_normal((rank or d, d)) / np.sqrt(rank or d)
    names = np.array([f"p{i}" for i in range(len(sizes) - 1)] + [TARGET])
    who = np.repeat(names, sizes)
    offsets = shift * rng.standard_normal((len(sizes), len(mix)))
    rows = (rng.standard_normal((len(who), len(mix))) + np.repeat(offsets, sizes, axis=0)) @ mix
    source = who != TARGET
    order = rng.permutation(source.sum())
    return rows[source][order], who[source][order], rows[~source]


def people_with_classes(
    sizes: tuple[int, ...], d: int, *, n_classes: int = 3, seed: int = 0, shift: float = 1.0
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows, classes and subjects of shifted people, shuffled."""
    rng = np.random.default_rng(seed)
    mix = rng.standard_normal((d, d)) / np.sqrt(d)
    s = np.repeat([f"p{i}" for i in range(len(sizes))], sizes)
    y = np.array(["calm", "other", "tense", "sad"])[np.arange(len(s)) % n_classes]
    offsets = np.repeat(shift * rng.standard_normal((len(sizes), d)), sizes, axis=0)
    effect = rng.standard_normal((n_classes, d))[np.arange(len(s)) % n_classes]
    X = (rng.standard_normal((len(s), d)) + offsets + 0.5 * effect) @ mix
    order = rng.permutation(len(s))
    return X[order], y[order], s[order]


def fitted(estimator: Any, X: Any, s: Any, T: Any, **extra: Any) -> Any:
    return estimator.fit(X, subjects=s, **extra).adapt(T)


def pooled(X: Any, s: Any, T: Any) -> tuple[np.ndarray, np.ndarray]:
    """All rows, and their domains as the reference takes them."""
    return np.vstack([X, T]), domain_columns([*s.tolist(), *[TARGET] * len(T)])
