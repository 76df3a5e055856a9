"""Trials as units: their means, and how alike two people respond to the same ones."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

#: So many shared stimuli make a correlation over stimuli; with two it could only be 1 or -1.
LEAST_SHARED = 3


class TrialMeans(NamedTuple):
    """One row a trial.

    Attributes
    ----------
    means : ndarray of shape (n_trials, n_features)
    labels : ndarray of int, shape (n_trials,)
        Codes of the classes; of a trial that changes its class, the commonest (the first in the
        order of the classes where two are equally common).
    stimuli : ndarray of str, shape (n_trials,)
        Empty where none is known.
    """

    means: Floats
    labels: NDArray[np.intp]
    stimuli: NDArray[Any]

    def without(self, trial: int) -> TrialMeans:
        """Leave one trial out.

        Parameters
        ----------
        trial : int

        Returns
        -------
        TrialMeans
        """
        return TrialMeans(*(np.delete(part, trial, axis=0) for part in self))


def trial_means(
    X: Floats, codes: NDArray[np.intp], trials: NDArray[np.intp], stimuli: NDArray[Any]
) -> TrialMeans:
    """Average the rows of each trial.

    Parameters
    ----------
    X : ndarray of shape (n_rows, n_features)
    codes : ndarray of int, shape (n_rows,)
        The class of each row.
    trials : ndarray of int, shape (n_rows,)
        Its trial: 0, 1, ... without gaps.
    stimuli : ndarray of str, shape (n_rows,)

    Returns
    -------
    TrialMeans
        In the order of the trials' numbers.

    Examples
    --------
    >>> X = np.array([[1.0], [3.0], [5.0]])
    >>> trial_means(X, np.array([0, 0, 1]), np.array([0, 0, 1]), np.array(["a", "a", "b"])).means
    array([[2.],
           [5.]])
    """
    order = np.argsort(trials, kind="stable")
    first = np.flatnonzero(np.diff(trials[order], prepend=-1))
    counts = np.bincount(trials)
    means = np.add.reduceat(X[order], first, axis=0) / counts[:, None]
    votes = np.zeros((len(counts), int(codes.max()) + 1), dtype=np.intp)
    np.add.at(votes, (trials, codes), 1)
    return TrialMeans(means, np.argmax(votes, axis=1), stimuli[order][first])


def shared_stimuli(a: TrialMeans, b: TrialMeans) -> NDArray[Any]:
    """List the stimuli that two people both had, sorted.

    Parameters
    ----------
    a, b : TrialMeans

    Returns
    -------
    ndarray of str
    """
    shared = np.intersect1d(a.stimuli, b.stimuli)
    return shared[shared != ""]


def stimulus_similarity(a: TrialMeans, b: TrialMeans, features: NDArray[np.intp]) -> float:
    """Correlate two people's responses to the same stimuli.

    Parameters
    ----------
    a, b : TrialMeans
    features : ndarray of int
        The features that are compared.

    Returns
    -------
    float
        Pearson's correlation over the shared stimuli, averaged over the features that vary in
        both; 0 when none does. Trials of the same stimulus are averaged first.

    Examples
    --------
    >>> a = TrialMeans(np.array([[0.0], [1.0], [2.0]]), np.arange(3), np.array(["x", "y", "z"]))
    >>> round(stimulus_similarity(a, a._replace(means=-2 * a.means), np.array([0])), 6)
    -1.0
    """
    shared = shared_stimuli(a, b)
    if len(shared) < 2:
        return 0.0
    A, B = (
        _centred([trials.means[trials.stimuli == name][:, features] for name in shared])
        for trials in (a, b)
    )
    lengths = np.linalg.norm(A, axis=0) * np.linalg.norm(B, axis=0)
    varies = lengths > 0
    if not varies.any():
        return 0.0
    return float(np.mean(np.einsum("kf,kf->f", A, B)[varies] / lengths[varies]))


def class_similarity(a: TrialMeans, b: TrialMeans, features: NDArray[np.intp]) -> float:
    """Correlate how two people's features depend on the class.

    Parameters
    ----------
    a, b : TrialMeans
    features : ndarray of int
        The features that are compared.

    Returns
    -------
    float
        Correlation of the class means' deviations from their mean, over all features and shared
        classes at once: with two classes there are only two values a feature. 0 when fewer than
        two classes are shared.

    Examples
    --------
    >>> a = TrialMeans(np.array([[0.0, 1.0], [1.0, 0.0]]), np.arange(2), np.array(["", ""]))
    >>> round(class_similarity(a, a._replace(means=3 * a.means + 5), np.array([0, 1])), 6)
    1.0
    """
    shared = np.intersect1d(a.labels, b.labels)
    if len(shared) < 2:
        return 0.0
    A, B = (
        _centred([trials.means[trials.labels == label][:, features] for label in shared])
        for trials in (a, b)
    )
    length = float(np.linalg.norm(A) * np.linalg.norm(B))
    return float(np.vdot(A, B)) / length if length > 0 else 0.0


def _centred(groups: list[Floats]) -> Floats:
    """Average each group of trials, and take off the mean of the groups."""
    means = np.array([group.mean(axis=0) for group in groups])
    centred: Floats = means - means.mean(axis=0)
    # what rounding leaves of equal values is no response
    centred[:, np.abs(centred).max(axis=0) <= 1e-12 * np.abs(means).max(axis=0)] = 0.0
    return centred
