"""Scores of one person's windows and trials, and their summary over people."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import InputError


@dataclass(frozen=True)
class Scores:
    """The scores of one fold, all as fractions.

    Attributes
    ----------
    accuracy : float
        Share of windows that are right.
    balanced_accuracy : float
        Mean recall over the classes that occur among the true labels.
    macro_f1 : float
        Mean F1 over the classes that occur among true or predicted labels.
    trial_accuracy : float
        Share of trials that are right after a majority vote of their windows.
    """

    accuracy: float
    balanced_accuracy: float
    macro_f1: float
    trial_accuracy: float


def score(y_true: ArrayLike, y_pred: ArrayLike, trials: ArrayLike) -> Scores:
    """Score the predicted windows of one fold.

    Parameters
    ----------
    y_true, y_pred : array-like of shape (n_windows,)
        Labels.
    trials : array-like of shape (n_windows,)
        The trial of each window.

    Returns
    -------
    Scores

    Raises
    ------
    InputError
        When there are no windows or the lengths differ.

    Examples
    --------
    >>> score([0, 0, 1, 1], [0, 1, 1, 0], [1, 1, 2, 2])
    Scores(accuracy=0.5, balanced_accuracy=0.5, macro_f1=0.5, trial_accuracy=0.5)
    """
    counts, _ = confusion(y_true, y_pred)
    return Scores(
        accuracy=float(np.trace(counts) / counts.sum()),
        balanced_accuracy=balanced_accuracy(counts),
        macro_f1=macro_f1(counts),
        trial_accuracy=trial_accuracy(y_true, y_pred, trials),
    )


def confusion(y_true: ArrayLike, y_pred: ArrayLike) -> tuple[NDArray[np.intp], NDArray[Any]]:
    """Count how often each true class was predicted as each class.

    Parameters
    ----------
    y_true, y_pred : array-like of shape (n_windows,)

    Returns
    -------
    counts : ndarray of int, shape (n_classes, n_classes)
        Rows are the true classes, columns the predicted ones.
    classes : ndarray of shape (n_classes,)
        All that occur, sorted.

    Raises
    ------
    InputError
        When there are no windows or the lengths differ.
    """
    y_true, y_pred = np.asarray(y_true), np.asarray(y_pred)
    if len(y_true) != len(y_pred) or len(y_true) == 0:
        raise InputError(
            f"scores need one prediction a window; got {len(y_true)} true labels and "
            f"{len(y_pred)} predictions."
        )
    classes, codes = np.unique(np.concatenate([y_true, y_pred]), return_inverse=True)
    counts = np.zeros((len(classes), len(classes)), dtype=np.intp)
    np.add.at(counts, (codes[: len(y_true)], codes[len(y_true) :]), 1)
    return counts, classes


def balanced_accuracy(counts: NDArray[np.intp]) -> float:
    """Mean recall over the classes that occur among the true labels.

    Parameters
    ----------
    counts : ndarray of int, shape (n_classes, n_classes)
        From `confusion`.

    Returns
    -------
    float
    """
    n_true = counts.sum(axis=1)
    seen = n_true > 0
    return float(np.mean(np.diag(counts)[seen] / n_true[seen]))


def macro_f1(counts: NDArray[np.intp]) -> float:
    """Mean over the classes of F1 = 2 TP / (2 TP + FP + FN).

    Parameters
    ----------
    counts : ndarray of int, shape (n_classes, n_classes)
        From `confusion`.

    Returns
    -------
    float
    """
    return float(np.mean(2 * np.diag(counts) / (counts.sum(axis=0) + counts.sum(axis=1))))


def trial_accuracy(y_true: ArrayLike, y_pred: ArrayLike, trials: ArrayLike) -> float:
    """Share of trials whose windows vote for the right class.

    Parameters
    ----------
    y_true, y_pred : array-like of shape (n_windows,)
    trials : array-like of shape (n_windows,)
        The trial of each window; all windows of a trial have one true label.

    Returns
    -------
    float

    Raises
    ------
    InputError
        When a trial has several true labels.

    Notes
    -----
    When k classes share the most votes, the trial counts 1/k if the true one is among them:
    the expected score of drawing one of them, without favouring a label by its place.

    Examples
    --------
    >>> trial_accuracy(["b", "b"], ["a", "b"], [1, 1])
    0.5
    """
    y_true, y_pred = np.asarray(y_true), np.asarray(y_pred)
    names, trial_codes = np.unique(np.asarray(trials), return_inverse=True)
    classes, codes = np.unique(np.concatenate([y_true, y_pred]), return_inverse=True)
    truth = np.zeros((len(names), len(classes)), dtype=np.intp)
    votes = np.zeros_like(truth)
    np.add.at(truth, (trial_codes, codes[: len(y_true)]), 1)
    np.add.at(votes, (trial_codes, codes[len(y_true) :]), 1)
    mixed = (truth > 0).sum(axis=1) > 1
    if mixed.any():
        first = int(np.flatnonzero(mixed)[0])
        raise InputError(
            f"trial {names[first].item()!r} has several true labels "
            f"({classes[truth[first] > 0].tolist()}); a trial has one."
        )
    winners = votes == votes.max(axis=1, keepdims=True)
    right = winners[np.arange(len(names)), truth.argmax(axis=1)]
    return float(np.mean(right / winners.sum(axis=1)))


@dataclass(frozen=True)
class OverSubjects:
    """Summary of one score per person.

    Attributes
    ----------
    mean, sd, worst : float
        Mean, standard deviation (n - 1 in the denominator; NaN for one person), smallest.
    """

    mean: float
    sd: float
    worst: float


def over_subjects(values: ArrayLike) -> OverSubjects:
    """Summarise one score per person.

    Parameters
    ----------
    values : array-like of shape (n_subjects,)

    Returns
    -------
    OverSubjects

    Raises
    ------
    InputError
        When there are no values.

    Examples
    --------
    >>> over_subjects([0.5, 0.75, 1.0])
    OverSubjects(mean=0.75, sd=0.25, worst=0.5)
    """
    array = np.asarray(values, dtype=np.float64)
    if array.size == 0:
        raise InputError("a summary over people needs at least one value; got none.")
    sd = float(array.std(ddof=1)) if array.size > 1 else float("nan")
    return OverSubjects(float(array.mean()), sd, float(array.min()))
