"""What is known before a wearer comes: how each model did on people who played the wearer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import CalibrationError
from .candidates import SAFE
from .days import FIRST
from .guard import EVIDENCE, Guard, evidence_of, guard_from_tree, guard_to_tree
from .intervals import LEVEL, Expectation, expectation
from .plain_values import entries, floats, number, table, text_list

Floats = NDArray[np.float64]

#: The block that wearers give: the first seconds, as the source people's recordings begin.
USUAL = FIRST


@dataclass(frozen=True)
class Choice:
    """Which model a wearer gets, and why.

    Attributes
    ----------
    name : str
        Of the candidate.
    seconds : float
        Length of the blocks that it was chosen on.
    expected : Expectation or None
        Score (mean of the classes' shares found) to expect; None for a plan without scores.
    reasons : tuple of str
        Sentences.
    guarded : bool
        Whether the guard chose.
    """

    name: str
    seconds: float
    expected: Expectation | None
    reasons: tuple[str, ...]
    guarded: bool = False


@dataclass(frozen=True, eq=False)
class Plan:
    """Scores of candidates on source people who played the wearer, and what follows from them.

    Attributes
    ----------
    names, sees, words : tuple of str
        Of the candidates: what each is given of the wearer, and what it does.
    kinds : tuple of str
        Of the blocks.
    lengths : tuple of float
        Seconds, rising.
    scores : ndarray of shape (n_candidates, n_kinds, n_lengths, n_people)
        Balanced accuracy on the same rows for all kinds and lengths; NaN where a person has too
        few windows for the block.
    evidence : ndarray of shape (n_candidates, n_kinds, n_lengths, n_people, 4)
    guards : mapping of str to Guard
        By candidate.
    mean, spread : ndarray of shape (n_features,)
        Mean over the source people's means, and their standard deviation.
    prior : ndarray of shape (n_classes,)
        Class mix of the sources.
    level : float
        Of intervals.
    usual_drift : float
        Median drift of source people from day to day (see `transfer.distances.day_drift`); NaN
        where each has one day.
    drift_limit : float
        Distance from a calibration block that nine in ten sittings of source people never reached
        (see `session_drift`); NaN where sittings are too short to tell.
    """

    names: tuple[str, ...]
    sees: tuple[str, ...]
    words: tuple[str, ...]
    kinds: tuple[str, ...]
    lengths: tuple[float, ...]
    scores: Floats
    evidence: Floats
    guards: Mapping[str, Guard]
    mean: Floats
    spread: Floats
    prior: Floats
    level: float = LEVEL
    usual_drift: float = np.nan
    drift_limit: float = np.nan

    @property
    def n_people(self) -> int:
        """Number of source people."""
        return int(self.scores.shape[-1])

    def is_told_mix(self, name: str) -> bool:
        """Say whether a candidate is told the class mix of the wearer's block.

        Parameters
        ----------
        name : str
            Any name; one that is no candidate's is told nothing.

        Returns
        -------
        bool
        """
        return (name, "mix") in zip(self.names, self.sees, strict=True)

    def nearest_length(self, seconds: float, kind: str = USUAL) -> int:
        """Give the place of the longest length that is not longer, among those with scores.

        Parameters
        ----------
        seconds : float
        kind : str

        Returns
        -------
        int
        """
        own = self.scores[:, self.kinds.index(kind)]
        scored = np.asarray(np.isfinite(own).any(axis=(0, 2))).tolist()
        usable = [i for i in range(len(self.lengths)) if scored[i]]
        if not usable:
            raise CalibrationError(
                f"no source person has enough windows for any block of the kind {kind!r} "
                f"({', '.join(f'{length:g}' for length in self.lengths)} s); prepare the sources "
                "with shorter lengths."
            )
        fitting = [i for i in usable if self.lengths[i] <= seconds + 1e-6]
        return fitting[-1] if fitting else usable[0]

    def worth_keeping(self) -> set[str]:
        """Name the candidates that a wearer may need on some day.

        Returns
        -------
        set of str
            The safe one, and the best, over all lengths and kinds of blocks, of those that see the
            same of the wearer.
        """
        kept = {SAFE}
        for sees in dict.fromkeys(self.sees):
            named = [name for name, own in zip(self.names, self.sees, strict=True) if own == sees]
            means = {}
            for name in named:
                own = self.scores[self.names.index(name)]
                if np.isfinite(own).any():
                    means[name] = float(np.nanmean(own))
            if means:
                kept.add(max(means, key=lambda name: means[name]))
        return kept

    def scores_of(self, name: str, length: int, kind: str = USUAL) -> Floats:
        """Give the scores of a candidate behind its guard, one a person that has some.

        Parameters
        ----------
        name : str
        length : int
            Place in `lengths`.
        kind : str

        Returns
        -------
        ndarray of shape (n_people_with_scores,)
        """
        guarded = self.guarded(name, length, kind)
        return guarded[np.isfinite(guarded)]

    def guarded(self, name: str, length: int, kind: str = USUAL) -> Floats:
        """Give the scores of a candidate behind its guard.

        Parameters
        ----------
        name : str
        length : int
            Place in `lengths`.
        kind : str

        Returns
        -------
        ndarray of shape (n_people,)
            NaN where a person has none.
        """
        i, k = self.names.index(name), self.kinds.index(kind)
        own = self.scores[i, k, length]
        guard = self.guards.get(name, Guard())
        safe = self.scores[self.names.index(SAFE), k, length]
        fires = np.array([guard.fires(e) for e in self.evidence[i, k, length]], dtype=bool)
        return np.where(fires, safe, own)

    def curve(self, name: str, kind: str = USUAL) -> tuple[list[float], list[Expectation]]:
        """Give what to expect of a candidate against the seconds of calibration.

        Parameters
        ----------
        name : str
        kind : str

        Returns
        -------
        seconds : list of float
        expected : list of Expectation
        """
        seconds, expected = [], []
        for length, duration in enumerate(self.lengths):
            scores = self.scores_of(name, length, kind)
            if len(scores):
                seconds.append(duration)
                expected.append(expectation(scores, self.level))
        return seconds, expected

    def choose(
        self,
        seconds: float,
        *,
        labelled: bool,
        kind: str = USUAL,
        among: tuple[str, ...] | None = None,
    ) -> Choice:
        """Choose the candidate that did best on the source people with as long a block.

        Parameters
        ----------
        seconds : float
            Of the wearer's block; 0 for none.
        labelled : bool
            Whether its labels are known, of two classes at least.
        kind : str
        among : tuple of str, optional
            The candidates there are; by default all.

        Returns
        -------
        Choice
            Before the guard has looked at the wearer's block.
        """
        try:
            length = self.nearest_length(seconds, kind)
        except CalibrationError as error:
            return Choice(SAFE, 0.0, None, (f"{error} Until then the others' model is used.",))
        shortest = self.lengths[length]
        if 0 < seconds < shortest - 1e-6:
            reason = (
                f"a block of {seconds:g} s is shorter than any that was tried ({shortest:g} s): "
                "the others' model stays as it is"
            )
            expected = expectation(self.scores_of(SAFE, length, kind), self.level)
            return Choice(SAFE, shortest, expected, (reason,))
        if seconds <= 0:
            expected = expectation(self.scores_of(SAFE, length, kind), self.level)
            reason = "without a signal of the wearer the others' model is used as it is"
            return Choice(SAFE, shortest, expected, (reason,))
        allowed = {"inductive", "unlabelled"} | ({"labelled"} if labelled else set())
        if kind != USUAL:  # then the block's class mix is known
            allowed |= {"mix", "baseline"}
        means = {}
        for name, sees in zip(self.names, self.sees, strict=True):
            scores = self.scores_of(name, length, kind)
            if sees in allowed and len(scores) and (among is None or name in among):
                means[name] = float(scores.mean())
        # of equal ones the first, which is the safer
        best = max(means, key=lambda name: means[name])
        ranked = sorted(means, key=lambda name: -means[name])
        reasons = [
            f"{best} ({self.words[self.names.index(best)]}) did best on {self.n_people} source "
            f"people with {self.lengths[length]:g} s: "
            + ", ".join(f"{name} {100 * means[name]:.0f} %" for name in ranked[:4])
        ]
        expected = expectation(self.scores_of(best, length, kind), self.level)
        return Choice(best, self.lengths[length], expected, tuple(reasons))

    def look(self, choice: Choice, safe: Any, adapted: Any, X: Floats, kind: str = USUAL) -> Choice:
        """Let the guard look at the wearer's block.

        Parameters
        ----------
        choice : Choice
        safe, adapted : classifier
        X : ndarray of shape (n_rows, n_features)
        kind : str

        Returns
        -------
        Choice
            The safe one, where the guard of the chosen candidate fires.
        """
        guard = self.guards.get(choice.name)
        if guard is None:
            return choice
        evidence = evidence_of(safe, adapted, X, self.mean, self.spread, self.prior)
        said = guard.words(evidence)
        if not guard.fires(evidence):
            return Choice(
                choice.name, choice.seconds, choice.expected, (*choice.reasons, f"guard: {said}")
            )
        length = self.lengths.index(choice.seconds)
        expected = expectation(self.scores_of(SAFE, length, kind), self.level)
        reasons = (*choice.reasons, f"guard: {said}, so that {SAFE} is used")
        return Choice(SAFE, choice.seconds, expected, reasons, guarded=True)

    def to_tree(self) -> dict[str, Any]:
        """Give it as plain values and arrays.

        Returns
        -------
        dict
        """
        tree = dict(vars(self))
        for name in ("names", "sees", "words", "kinds", "lengths"):
            tree[name] = list(tree[name])
        tree["guards"] = {name: guard_to_tree(guard) for name, guard in self.guards.items()}
        return tree

    @classmethod
    def from_tree(cls, tree: Mapping[str, Any]) -> Plan:
        """Give the plan of plain values and arrays.

        Parameters
        ----------
        tree : mapping

        Returns
        -------
        Plan

        Raises
        ------
        TypeError, ValueError, LookupError
            When the values are none of a plan.
        """
        names, sees, words, kinds = (
            text_list(tree[name]) for name in ("names", "sees", "words", "kinds")
        )
        lengths = tuple(number(value) for value in entries(tree["lengths"]))
        scores, evidence = floats(tree["scores"], 4), floats(tree["evidence"], 5)
        if scores.shape[:3] != (len(names), len(kinds), len(lengths)):
            raise ValueError("the scores of the plan have another shape")
        if evidence.shape != (*scores.shape, len(EVIDENCE)):
            raise ValueError("the evidence of the plan has another shape")
        if SAFE not in names or not len(names) == len(sees) == len(words):
            raise ValueError("the candidates of the plan do not fit together")
        mean, spread = floats(tree["mean"], 1), floats(tree["spread"], 1)
        prior = floats(tree["prior"], 1)
        if mean.shape != spread.shape or not scores.shape[3]:
            raise ValueError("the people of the plan do not fit together")
        if USUAL not in kinds or list(lengths) != sorted(set(lengths)) or not lengths:
            raise ValueError("the blocks of the plan are not in order")
        if not np.all(prior >= 0) or not abs(prior.sum() - 1) <= 1e-6:
            raise ValueError("the class mix of the plan is none")
        level = number(tree["level"])
        if not 0 < level < 1:
            raise ValueError("the level of the plan is no share")
        guards = {str(name): guard_from_tree(table(own)) for name, own in tree["guards"].items()}
        return cls(
            names,
            sees,
            words,
            kinds,
            lengths,
            scores,
            evidence,
            guards,
            mean,
            spread,
            prior,
            level,
            float(tree["usual_drift"]),
            float(tree["drift_limit"]),
        )
