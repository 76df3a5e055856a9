"""People and shorthands that the tests of TPT share."""

from __future__ import annotations

from typing import Any

import numpy as np

from eegtl.transfer.tpt import TPT

Problem = tuple[np.ndarray, np.ndarray, np.ndarray]
REGRESSORS = ["krr", "msvr"]


def people(
    n_people: int = 5, n_rows: int = 20, d: int = 3, n_classes: int = 2, seed: int = 0
) -> Problem:
    """Rows of people whose offset and classes differ."""
    rng = np.random.default_rng(seed)
    y = np.tile(np.arange(n_classes), n_people * n_rows)[: n_people * n_rows]
    subjects = np.repeat(np.arange(n_people), n_rows)
    effect = 2 * rng.standard_normal((n_people, n_classes, d)) + 2 * rng.standard_normal(
        (n_classes, d)
    )
    X = effect[subjects, y] + 2 * rng.standard_normal((n_people, d))[subjects]
    return X + rng.standard_normal(X.shape), y, subjects


def moving_threshold(n_people: int, n_rows: int = 60, seed: int = 0) -> Problem:
    """The class is told by the first feature, against a threshold that the second one shows."""
    rng = np.random.default_rng(seed)
    place = np.linspace(-3, 3, n_people)
    subjects = np.repeat(np.arange(n_people), n_rows)
    y = np.tile([0, 1], len(subjects) // 2)
    X = 0.5 * rng.standard_normal((len(subjects), 2))
    X[:, 0] += 2.0 * y - 1 + place[subjects]
    X[:, 1] += place[subjects]
    return X, y, subjects


def fitted(given: Problem, **parameters: Any) -> TPT:
    X, y, subjects = given
    return TPT(**parameters).fit(X, y, subjects=subjects)


def machine(tpt: TPT) -> np.ndarray:
    return np.column_stack([tpt.coef_, tpt.intercept_])


def own_machines(tpt: TPT) -> np.ndarray:
    """The sources' machines for rows as they are, (n_subjects, n_classes, d + 1)."""
    intercept = tpt.source_intercept_ - tpt.source_coef_ @ tpt.center_
    return np.concatenate([tpt.source_coef_, intercept[:, :, None]], axis=2)
