"""Small subject-transfer problems that the battery runs estimators on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..transfer.covariance_rows import matrices_to_rows

Floats = NDArray[np.float64]
_PEOPLE = np.repeat(np.arange(5), [24, 24, 24, 24, 30])
_NAMES = np.array(["ann", "ben", "cid", "dot", "eve"])


@dataclass(frozen=True)
class Toy:
    """A small subject-transfer problem: shifted people, one of them unlabelled.

    Attributes
    ----------
    X, y, subjects : ndarray
        96 source rows of 4 people, interleaved.
    T, y_target : ndarray
        30 rows of a fifth person.
    """

    X: Floats
    y: NDArray[Any]
    subjects: NDArray[Any]
    T: Floats
    y_target: NDArray[Any]


def toy_problem(labels: tuple[Any, ...] = ("calm", "tense"), seed: int = 0) -> Toy:
    """Make a small subject-transfer problem.

    Parameters
    ----------
    labels : tuple
        The classes.
    seed : int

    Returns
    -------
    Toy

    Examples
    --------
    >>> toy_problem().X.shape
    (96, 6)
    """
    rng = np.random.default_rng(seed)
    codes = np.arange(126) % len(labels)
    effect, shift = rng.standard_normal((len(labels), 6)), 3 * rng.standard_normal((5, 6))
    rows = effect[codes] + shift[_PEOPLE] + rng.standard_normal((126, 6))
    return _toy(rows, np.array(labels)[codes], rng)


def covariance_problem(
    labels: tuple[Any, ...] = ("calm", "tense"), seed: int = 0, n_bands: int = 1
) -> Toy:
    """Make a small subject-transfer problem whose rows are half-vectorised covariances.

    The classes differ in the power of three sources, the people in how sources are mixed.

    Parameters
    ----------
    labels : tuple
        The classes.
    seed : int
    n_bands : int

    Returns
    -------
    Toy

    Examples
    --------
    >>> covariance_problem(n_bands=2).X.shape
    (96, 12)
    """
    rng = np.random.default_rng(seed)
    codes = np.arange(126) % len(labels)
    effect = rng.standard_normal((len(labels), n_bands, 3))
    mixing = np.eye(3) + 0.4 * rng.standard_normal((5, 1, 3, 3))
    power = np.exp(effect[codes] + 0.5 * rng.standard_normal((126, n_bands, 3)))
    mixed = mixing[_PEOPLE]
    matrices = (mixed * power[:, :, None, :]) @ mixed.swapaxes(2, 3) + 0.1 * np.eye(3)
    return _toy(matrices_to_rows(matrices), np.array(labels)[codes], rng)


def _toy(rows: Floats, y: NDArray[Any], rng: np.random.Generator) -> Toy:
    order, subjects = rng.permutation(96), _NAMES[_PEOPLE]
    return Toy(rows[:96][order], y[:96][order], subjects[:96][order], rows[96:], y[96:])


def row_kind(estimator: Any) -> tuple[str, int]:
    """Say what the rows of an estimator are, and how many bands they hold.

    Parameters
    ----------
    estimator : estimator
        One that declares nothing has ``"features"``; a pipeline has what its first step has.

    Returns
    -------
    kind : {"features", "covariances"}
    n_bands : int

    Examples
    --------
    >>> from eegtl.transfer import SubjectNormalizer
    >>> row_kind(SubjectNormalizer("z2"))
    ('features', 1)
    """
    steps = getattr(estimator, "steps", None)
    if steps:
        return row_kind(steps[0][1])
    kind = str(getattr(estimator, "row_kind", "features"))
    return kind, int(getattr(estimator, "n_bands", None) or 1)


def toy_for(estimator: Any, labels: tuple[Any, ...] = ("calm", "tense"), seed: int = 0) -> Toy:
    """Make a small problem of the kind of rows that an estimator takes.

    Parameters
    ----------
    estimator : estimator
    labels : tuple
        The classes.
    seed : int

    Returns
    -------
    Toy
    """
    kind, n_bands = row_kind(estimator)
    if kind == "covariances":
        return covariance_problem(labels, seed, n_bands)
    return toy_problem(labels, seed)


def any_row_as_covariances(rows: Floats, n_bands: int) -> Floats:
    """Make rows of covariances out of rows of any numbers, one matrix a band.

    Parameters
    ----------
    rows : ndarray of shape (n_rows, n_features)
    n_bands : int

    Returns
    -------
    ndarray of shape (n_rows, n_bands * n_features * (n_features + 1) / 2)
        Half vectors of positive definite matrices that determine the row: a variance for each
        feature, and one common signal.

    Examples
    --------
    >>> any_row_as_covariances(np.array([[0.0, 0.75]]), 1).tolist()
    [[1.5, 0.5, 2.5]]
    """
    variances = rows + np.sqrt(rows**2 + 1)  # positive, and grows no faster than the row
    matrices = variances[:, :, None] * np.eye(rows.shape[1]) + 0.5
    return np.repeat(matrices_to_rows(matrices[:, None]), n_bands, axis=1)
