"""The choices of conditional transfer: who, how many, on which features, or not at all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binom

from .relieff import relieff
from .source_pool import SourcePool, numbers_to_try
from .trial_similarity import (
    LEAST_SHARED,
    TrialMeans,
    class_similarity,
    shared_stimuli,
    stimulus_similarity,
    trial_means,
)

Floats = NDArray[np.float64]
Index = NDArray[np.intp]


@dataclass(frozen=True)
class Choice:
    """What was decided.

    Attributes
    ----------
    chosen : ndarray of bool, shape (n_people,)
        Nobody: no transfer.
    features : ndarray of int
    decision : str
        What, and why.
    values : ndarray of shape (n_people,)
        What people were ranked by; empty where they were not.
    grid : list of int
        Numbers of people that were tried.
    scores : ndarray of shape (n_held_out, n_grid)
    own_accuracy, chance, p_value : float
        Of the gate; NaN where there was none.
    """

    chosen: NDArray[np.bool_]
    features: Index
    decision: str
    values: Floats = field(default_factory=lambda: np.zeros(0))
    grid: list[int] = field(default_factory=list)
    scores: Floats = field(default_factory=lambda: np.zeros((0, 0)))
    own_accuracy: float = np.nan
    chance: float = np.nan
    p_value: float = np.nan


@dataclass(frozen=True)
class Block:
    """Labelled calibration rows of a wearer.

    Attributes
    ----------
    X : ndarray of shape (n_rows, n_features)
    y : ndarray of shape (n_rows,)
    codes : ndarray of int, shape (n_rows,)
        The classes' numbers.
    trials : ndarray of int, shape (n_rows,)
    means : TrialMeans
    classes : ndarray of shape (n_classes,)
        All that there are, those that the block lacks included.
    """

    X: Floats
    y: NDArray[Any]
    codes: Index
    trials: Index
    means: TrialMeans
    classes: NDArray[Any]

    @classmethod
    def of(
        cls,
        X: Floats,
        y: NDArray[Any],
        classes: NDArray[Any],
        trials: Index | None,
        stimuli: NDArray[Any],
    ) -> Block:
        """Make a block; without trials, each row is one.

        Parameters
        ----------
        X, y, classes, trials, stimuli
            `trials` and `stimuli` as from `read_trials`.

        Returns
        -------
        Block
        """
        codes = np.searchsorted(classes, y)
        given = np.arange(len(X)) if trials is None else trials
        return cls(X, y, codes, given, trial_means(X, codes, given, stimuli), classes)

    @property
    def can_be_nested(self) -> bool:
        """Whether two classes have two trials each, and something varies."""
        counts = np.bincount(self.means.labels, minlength=len(self.classes))
        return bool(np.count_nonzero(counts >= 2) >= 2 and np.ptp(self.X, axis=0).any())

    @property
    def present(self) -> NDArray[np.bool_]:
        """Which classes the block holds."""
        return np.bincount(self.codes, minlength=len(self.classes)) > 0


Similarity = Callable[[TrialMeans, TrialMeans, Index], float]


def common_similarity(means: TrialMeans, people: list[TrialMeans]) -> tuple[Similarity, str]:
    """Say by what all people can be compared with a wearer.

    Parameters
    ----------
    means : TrialMeans
        Of the wearer's block.
    people : list of TrialMeans

    Returns
    -------
    similarity : callable
    name : str
        In words.
    """
    held_out = [means.without(trial) for trial in range(len(means.labels))]
    # whichever trial is left out: with fewer stimuli the nested choice would follow noise
    n_shared = min(len(shared_stimuli(part, person)) for part in held_out for person in people)
    if n_shared >= LEAST_SHARED:
        return stimulus_similarity, "correlation over shared stimuli"
    return class_similarity, "correlation of class means"


def select_features(means: TrialMeans, n_features: int | None) -> Index:
    """Select the features with the largest ReliefF weights on trials.

    Parameters
    ----------
    means : TrialMeans
        Of at least two classes.
    n_features : int or None

    Returns
    -------
    ndarray of int
        Ascending; all features where there are no more, or for None.
    """
    d = means.means.shape[1]
    if n_features is None or n_features >= d:
        return np.arange(d)
    # rounding must not decide between equal features
    weights = np.round(relieff(means.means, means.labels), 12)
    return np.sort(np.argsort(-weights, kind="stable")[:n_features])


def choose_by_trials(
    pool: SourcePool,
    people: list[TrialMeans],
    block: Block,
    *,
    n_sources: int | None,
    n_features: int | None,
    gate: bool,
    significance: float,
) -> Choice:
    """Decide by leaving out one trial of the calibration block at a time.

    Parameters
    ----------
    pool : SourcePool
    people : list of TrialMeans
        The trials of each person in the pool.
    block : Block
    n_sources, n_features, gate, significance
        As in `ConditionalTransfer`.

    Returns
    -------
    Choice
    """
    everybody = np.ones(len(pool), dtype=bool)
    if not block.can_be_nested:
        counts = np.bincount(block.means.labels)
        return Choice(
            everybody,
            np.arange(block.X.shape[1]),
            f"the block has {counts.sum()} trials of {np.count_nonzero(counts)} classes, too few "
            "to choose by (two classes of two trials each are needed, and features that vary): "
            f"transfer from all {len(pool)} people",
        )
    similarity, name = common_similarity(block.means, people)
    grid = numbers_to_try(len(pool), n_sources)
    held_out = [
        score_without(pool, people, block, trial, grid, n_features, similarity)
        for trial in range(len(block.means.labels))
    ]
    right = sum(own for own, _ in held_out)
    n_trials, scores = len(held_out), np.array([shares for _, shares in held_out])
    chance = float(np.bincount(block.means.labels).max() / n_trials)
    p_value = float(binom.sf(right - 1, n_trials, chance))
    features = select_features(block.means, n_features)
    values = np.array([similarity(block.means, person, features) for person in people])
    own = (
        f"own model right in {right} of {n_trials} trials (chance {chance:.2f}, p = {p_value:.3f})"
    )
    if gate and block.present.all() and p_value <= significance:
        chosen, decision = ~everybody, f"{own}: no transfer"
    else:
        # rounding must not decide between equal scores
        n = grid[int(np.argmax(np.round(scores.mean(axis=0), 10)))]
        chosen = pool.nearest(1 - values, n, block.present)
        why = own if block.present.all() else "the block lacks a class"
        decision = f"{why}: transfer from {chosen.sum()} of {len(pool)} people ({name})"
    return Choice(
        chosen, features, decision, values, grid, scores, right / n_trials, chance, p_value
    )


def score_without(
    pool: SourcePool,
    people: list[TrialMeans],
    block: Block,
    trial: int,
    grid: list[int],
    n_features: int | None,
    similarity: Similarity,
) -> tuple[bool, list[float]]:
    """Leave one trial out of everything, and predict it.

    Parameters
    ----------
    pool, people, block, grid, n_features, similarity
        As in `choose_by_trials`.
    trial : int
        Its number in the block.

    Returns
    -------
    right : bool
        Whether most windows get the trial's label from a model of the wearer's own.
    shares : list of float
        For each number of source people, the share of windows that get their label.
    """
    held = block.trials == trial
    rest = block.means.without(trial)
    features = select_features(rest, n_features)
    values = np.array([similarity(rest, person, features) for person in people])
    X_own, y_own = block.X[~held][:, features], block.y[~held]
    selected = pool.on(features)
    has = np.bincount(block.codes[~held], minlength=len(block.classes)) > 0
    X, y = block.X[held][:, features], block.y[held]
    nobody = np.zeros(len(pool), dtype=bool)
    shares = []
    # rows that are all alike have no variance; what is predicted then counts as it falls
    with np.errstate(divide="ignore", invalid="ignore"):
        own = selected.train(nobody, X_own, y_own).predict(X)
        for n in grid:
            chosen = selected.nearest(1 - values, n, has)
            answers = selected.train(chosen, X_own, y_own).predict(X)
            shares.append(float(np.mean(answers == y)))
    names, votes = np.unique(own, return_counts=True)
    is_right = names == block.classes[block.means.labels[trial]]
    # as many votes for another class are no majority
    return bool(votes[is_right].sum() > votes[~is_right].max(initial=0)), shares
