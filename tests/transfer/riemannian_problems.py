"""Problems that the tests of the Riemannian selector share."""

from __future__ import annotations

import numpy as np

from eegtl.testing.toys import covariance_problem

COV = covariance_problem(n_bands=2)
FEW = COV.T[:8]


def shaped(seed: int = 0, n: int = 40, d: int = 5, n_people: int = 6) -> tuple[np.ndarray, ...]:
    """Correlated rows of people whose covariances differ, and of one more."""
    rng = np.random.default_rng(seed)
    rows = [
        rng.standard_normal((n, d)) @ (np.eye(d) + 0.5 * rng.standard_normal((d, d)))
        + rng.standard_normal(d)
        for _ in range(n_people + 1)
    ]
    names = np.array(["fay", "ann", "eve", "ben", "dot", "cid"])[:n_people]
    order = rng.permutation(n * n_people)
    return np.vstack(rows[:-1])[order], np.repeat(names, n)[order], rows[-1]


X, WHO, T = shaped()
NAMES = np.unique(WHO)
Y = np.where(np.arange(len(X)) % 2, "calm", "tense")
