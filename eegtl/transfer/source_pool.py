"""Source people as a pool to choose from, and how many of the nearest help people like them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binom
from sklearn.base import clone

from .classifiers import fit_classifier
from .source_weights import hard_weights, restore_classes

Floats = NDArray[np.float64]
Index = NDArray[np.intp]

#: Correlations and discrepancies that differ less are equal.
ROUNDING = 1e-10


@dataclass(frozen=True)
class SourcePool:
    """Labelled rows of source people, and the classifier that is trained on some of them.

    Attributes
    ----------
    X : ndarray of shape (n_rows, n_features)
    y : ndarray of shape (n_rows,)
    members : list of ndarray of int
        The rows of each person.
    present : ndarray of bool, shape (n_people, n_classes)
        Which classes a person has.
    unfitted : classifier
    """

    X: Floats
    y: NDArray[Any]
    members: list[Index]
    present: NDArray[np.bool_]
    unfitted: Any

    def __len__(self) -> int:
        """Count the people."""
        return len(self.members)

    def on(self, features: Index) -> SourcePool:
        """Give the same people with some features only.

        Parameters
        ----------
        features : ndarray of int

        Returns
        -------
        SourcePool
        """
        if len(features) == self.X.shape[1]:
            return self
        return replace(self, X=self.X[:, features])

    def without(self, person: int) -> SourcePool:
        """Leave one person out.

        Parameters
        ----------
        person : int

        Returns
        -------
        SourcePool
        """
        members = self.members[:person] + self.members[person + 1 :]
        return replace(self, members=members, present=np.delete(self.present, person, axis=0))

    def nearest(
        self, far: Floats, n: int, own: NDArray[np.bool_] | None = None
    ) -> NDArray[np.bool_]:
        """Choose the nearest people; those as far as the last one, too.

        Parameters
        ----------
        far : ndarray of shape (n_people,)
            The larger, the less alike; infinite where nothing is known. Some must be finite.
        n : int
        own : ndarray of bool, shape (n_classes,), optional
            Classes of which the wearer has labelled rows. Each other class is brought back by the
            nearest person who has it, when none of the chosen does.

        Returns
        -------
        ndarray of bool, shape (n_people,)

        Examples
        --------
        >>> present = np.array([[True, True], [True, False], [True, True]])
        >>> pool = SourcePool(np.zeros((3, 1)), np.zeros(3), [], present, None)
        >>> pool.nearest(np.array([0.3, 0.1, 0.2]), 1).tolist()
        [False, True, True]
        """
        above = far - far.min()
        missing = self.present if own is None else self.present[:, ~own]
        weights = hard_weights(above, n, rounding=ROUNDING)
        return restore_classes(weights, above, missing, rounding=ROUNDING)[0] > 0

    def train(
        self,
        chosen: NDArray[np.bool_],
        X_own: Floats | None = None,
        y_own: NDArray[Any] | None = None,
    ) -> Any:
        """Train a classifier on the rows of some people and of the wearer.

        Parameters
        ----------
        chosen : ndarray of bool, shape (n_people,)
        X_own, y_own : ndarray, optional
            Labelled rows of the wearer.

        Returns
        -------
        classifier
        """
        rows = [index for index, used in zip(self.members, chosen, strict=True) if used]
        parts = [(self.X[index], self.y[index]) for index in rows]
        if X_own is not None and y_own is not None:
            parts.append((X_own, y_own))
        X, y = (np.concatenate(part) for part in zip(*parts, strict=True))
        return fit_classifier(clone(self.unfitted), X, y)


def numbers_to_try(n_people: int, n_sources: int | None = None) -> list[int]:
    """List how many people are tried: 1, 2, 4, ... and all, or the number that was asked for.

    Parameters
    ----------
    n_people : int
    n_sources : int or None

    Returns
    -------
    list of int

    Examples
    --------
    >>> numbers_to_try(14), numbers_to_try(14, 20)
    ([1, 2, 4, 8, 14], [14])
    """
    if n_sources is not None:
        return [min(n_sources, n_people)]
    return [2**k for k in range(n_people.bit_length()) if 2**k < n_people] + [n_people]


@dataclass(frozen=True)
class PeopleChoice:
    """How many of the nearest people to take, as the source people themselves tell.

    Attributes
    ----------
    n : int
    decision : str
        What, and why.
    grid : list of int
        What was tried.
    scores : ndarray of shape (n_people_tried, n_grid)
        Share of right windows of each source person who played the wearer.
    """

    n: int
    decision: str
    grid: list[int]
    scores: Floats


def choose_by_people(
    pool: SourcePool, distances: Floats, *, n_sources: int | None, gate: bool, significance: float
) -> PeopleChoice:
    """Decide how many people help by letting each source person play the wearer.

    Parameters
    ----------
    pool : SourcePool
    distances : ndarray of shape (n_people, n_people)
        Between the people's distributions; infinite where nothing is known.
    n_sources, gate, significance
        As in `ConditionalTransfer`.

    Returns
    -------
    PeopleChoice
        ``n`` is the whole pool where all others were best. People whose distribution is not known,
        and those without whom there is one class, play no wearer.
    """
    n_people, n_others = len(pool), len(pool) - 1
    if n_sources is not None and (not gate or n_sources >= n_others):
        n = min(n_sources, n_people)
        return PeopleChoice(n, f"the nearest {n} of {n_people} people, as asked for", [], _none())
    grid = numbers_to_try(max(n_others, 1), n_sources)
    if grid[-1] < n_others:
        grid.append(n_others)
    rows = []
    for person, index in enumerate(pool.members):
        others = pool.without(person)
        far = np.delete(distances[person], person)
        if np.isfinite(far).any() and np.count_nonzero(others.present.any(axis=0)) >= 2:
            answers = (others.train(others.nearest(far, n)).predict(pool.X[index]) for n in grid)
            rows.append([float(np.mean(answer == pool.y[index])) for answer in answers])
    if not rows:
        decision = f"all {n_people} people: none of them could play the wearer"
        return PeopleChoice(n_people, decision, [], _none())
    # rounding must not decide between equal scores
    scores = np.array(rows)
    best = int(np.argmax(np.round(scores.mean(axis=0), 10))) if n_sources is None else 0
    if grid[best] == n_others:
        decision = f"all {n_people} people: all others are best for the source people, too"
        return PeopleChoice(n_people, decision, grid, scores)
    ahead = np.round(scores[:, best] - scores[:, -1], 10)
    wins, differ = int(np.sum(ahead > 0)), int(np.count_nonzero(ahead))
    p_value = float(binom.sf(wins - 1, differ, 0.5))
    test = f"better than all others for {wins} of {differ} source people (p = {p_value:.3f})"
    if gate and p_value > significance:
        decision = f"all {n_people} people: the nearest {grid[best]} are {test}"
        return PeopleChoice(n_people, decision, grid, scores)
    decision = f"the nearest {grid[best]} of {n_people} people: {test}"
    return PeopleChoice(grid[best], decision, grid, scores)


def _none() -> Floats:
    return np.zeros((0, 0))
