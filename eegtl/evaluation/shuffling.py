"""Chance level by shuffled labels: whole trials change their labels, windows do not."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import StudyError


def shuffle_trial_labels(
    labels: NDArray[Any], subjects: NDArray[Any], trials: NDArray[np.intp], seed: tuple[int, ...]
) -> NDArray[Any]:
    """Permute the labels of each person's trials.

    Windows of one trial are alike, so that shuffling windows would test against a chance level
    that is far too narrow. All windows of a trial keep one label; every person keeps the number
    of trials of each class.

    Parameters
    ----------
    labels : ndarray of shape (n_windows,)
        One label for all windows of a trial.
    subjects : ndarray of shape (n_windows,)
        Whose window it is.
    trials : ndarray of int, shape (n_windows,)
        The trial of each window; a number belongs to one trial of one person.
    seed : tuple of int
        Seed of the generator (numpy PCG64): one seed, one shuffle.

    Returns
    -------
    ndarray of shape (n_windows,)
        Labels to train *and* to score with.

    Raises
    ------
    StudyError
        When a trial has several labels.

    Examples
    --------
    >>> y, who = np.array(["a", "a", "b", "b"]), np.zeros(4, dtype=int)
    >>> shuffle_trial_labels(y, who, np.array([0, 0, 1, 1]), (0, 5)).tolist()
    ['b', 'b', 'a', 'a']
    """
    _, first, codes = np.unique(trials, return_index=True, return_inverse=True)
    of_trial, owners = labels[first], subjects[first]
    mixed = of_trial[codes] != labels
    if mixed.any():
        where = int(np.flatnonzero(mixed)[0])
        raise StudyError(
            f"a trial of subject {subjects[where]!s} has several labels "
            f"({of_trial[codes[where]]!s} and {labels[where]!s}); labels are shuffled by trial, "
            "so give each trial one label."
        )
    generator = np.random.default_rng(seed)
    shuffled = of_trial.copy()
    for subject in dict.fromkeys(owners.tolist()):
        own = np.flatnonzero(owners == subject)
        shuffled[own] = of_trial[generator.permutation(own)]
    return shuffled[codes]
