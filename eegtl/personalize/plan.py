"""What is known before a wearer comes: how each model did on people who played the wearer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import CalibrationError
from .candidates import SAFE
from .days import FIRST
from .guard import EVIDENCE, Guard, guard_from_tree, guard_to_tree
from .intervals import LEVEL, Expectation, expectation, mean_over_people
from .plain_values import entries, floats, number, table, text, text_list, whole_numbers

Floats = NDArray[np.float64]

#: Number of axes of a plan's arrays.
_AXES = {
    **dict.fromkeys(("mean", "spread", "prior"), 1),
    **dict.fromkeys(("covered", "usual_drift", "drift_limit"), 2),
    **dict.fromkeys(("scores", "safe", "nested", "nested_gain"), 4),
    "evidence": 5,
}

#: The block that wearers give: the first seconds, as the source people's recordings begin.
USUAL = FIRST


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
        Seconds that were asked for, rising.
    covered : ndarray of shape (n_kinds, n_lengths)
        Seconds that the blocks' whole windows really cover, the median over people; NaN where
        nobody has enough windows.
    people : ndarray of shape (n_sittings,)
        Whose each sitting is, by number: a wearer calibrates one sitting.
    scores : ndarray of shape (n_candidates, n_kinds, n_lengths, n_sittings)
        Balanced accuracy on the same rows for all kinds and lengths; NaN where a sitting has too
        few windows for the block.
    safe : ndarray of shape (n_candidates, n_kinds, n_lengths, n_sittings)
        What the safe candidate scored on the rows that each was scored on.
    evidence : ndarray of shape (n_candidates, n_kinds, n_lengths, n_sittings, 4)
    guards : mapping of str to Guard
        By candidate.
    nested, nested_gain : ndarray of shape (2, n_kinds, n_lengths, n_sittings)
        Score of each sitting with the candidate and the guard that the *other* people's scores
        choose (see `with_nested`), and its gain over the safe one on the same rows: without
        labels, and with.
    mean, spread : ndarray of shape (n_features,)
        Mean over the source sittings' means, and their standard deviation.
    prior : ndarray of shape (n_classes,)
        Class mix of the sources.
    usual_drift : ndarray of shape (n_kinds, n_lengths)
        Median drift of source people from block to block of following days (see
        `transfer.distances.day_drift`); NaN where there is no such pair.
    drift_limit : ndarray of shape (n_kinds, n_lengths)
        Distance from such a block that no minute of nine in ten sittings of source people reached
        (see `session_drift`; a session allows a quarter more, see `streaming.drift`); NaN where
        sittings are too short to tell.
    level : float
        Of intervals.
    left_out : mapping of str to str
        Candidates that could not be fitted on these people, and why.
    """

    names: tuple[str, ...]
    sees: tuple[str, ...]
    words: tuple[str, ...]
    kinds: tuple[str, ...]
    lengths: tuple[float, ...]
    covered: Floats
    people: NDArray[np.int64]
    scores: Floats
    safe: Floats
    evidence: Floats
    guards: Mapping[str, Guard]
    nested: Floats
    nested_gain: Floats
    mean: Floats
    spread: Floats
    prior: Floats
    usual_drift: Floats
    drift_limit: Floats
    level: float = LEVEL
    left_out: Mapping[str, str] = field(default_factory=dict)

    @property
    def n_people(self) -> int:
        """Number of source people."""
        return len(np.unique(self.people))

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

    def places(self, kind: str = USUAL) -> list[int]:
        """Give the places of the lengths that enough people have blocks of.

        Parameters
        ----------
        kind : str

        Returns
        -------
        list of int
            Of `lengths`; at least half as many people have a score there as have one anywhere.
        """
        safe = np.isfinite(self.scores[self.names.index(SAFE)])
        whose = self.people == np.unique(self.people)[:, None]
        having = (safe @ whose.T.astype(np.int64) > 0).sum(axis=-1)
        own = having[self.kinds.index(kind)]
        return np.flatnonzero((own > 0) & (2 * own >= having.max())).tolist()

    def place(self, seconds: float, kind: str = USUAL) -> int:
        """Give the place of the longest length that is not longer, among those with scores.

        Parameters
        ----------
        seconds : float
        kind : str

        Returns
        -------
        int
            The shortest, where all are longer.

        Raises
        ------
        CalibrationError
            When no block of the kind has scores.
        """
        usable = self.places(kind)
        if not usable:
            raise CalibrationError(
                f"too few source people have enough windows for a block of the kind {kind!r} "
                f"({', '.join(f'{length:g}' for length in self.lengths)} s); prepare the sources "
                "with shorter lengths."
            )
        covered = self.covered[self.kinds.index(kind)]
        fitting = [place for place in usable if covered[place] <= seconds + 1e-6]
        return fitting[-1] if fitting else usable[0]

    def guarded(self, name: str, place: int, kind: str = USUAL) -> Floats:
        """Give the scores of a candidate behind its guard.

        Parameters
        ----------
        name : str
        place : int
            In `lengths`.
        kind : str

        Returns
        -------
        ndarray of shape (n_sittings,)
            NaN where a sitting has none.
        """
        i, k = self.names.index(name), self.kinds.index(kind)
        guard = self.guards.get(name, Guard())
        fires = np.array([guard.fires(e) for e in self.evidence[i, k, place]], dtype=bool)
        return np.where(fires, self.safe[i, k, place], self.scores[i, k, place])

    def gains(
        self, place: int, *, labelled: bool, kind: str = USUAL, among: tuple[str, ...] | None = None
    ) -> dict[str, Floats]:
        """Give what each candidate that may be used gains over the safe one, behind its guard.

        Parameters
        ----------
        place : int
            In `lengths`.
        labelled : bool
            Whether labels of the block are known.
        kind : str
        among : tuple of str, optional
            The candidates there are; by default all.

        Returns
        -------
        dict of str to ndarray of shape (n_sittings,)
            Difference on the same rows; NaN where there is none. A candidate that less than half
            of the people with scores were scored with is not in it.
        """
        k = self.kinds.index(kind)
        at_all = self.scores[self.names.index(SAFE), k, place]
        enough = len(mean_over_people(at_all, self.people)) / 2
        allowed = {"inductive", "unlabelled"} | ({"labelled"} if labelled else set())
        if kind != USUAL:  # then the block's class mix is known
            allowed |= {"mix", "baseline"}
        found = {}
        for i, (name, sees) in enumerate(zip(self.names, self.sees, strict=True)):
            if sees not in allowed or (among is not None and name not in among):
                continue
            gain = self.guarded(name, place, kind) - self.safe[i, k, place]
            people = self.people[np.isfinite(gain)]
            if name == SAFE or len(np.unique(people)) >= max(2, enough):
                found[name] = gain
        return found

    def worth_keeping(self) -> tuple[str, ...]:
        """Name the candidates that a wearer may need on some day.

        Returns
        -------
        tuple of str
            The safe one, and the best, over all lengths and kinds of blocks, of those that see the
            same of the wearer.
        """
        kept = {SAFE}
        for sees in dict.fromkeys(self.sees):
            means = {}
            for i, name in enumerate(self.names):
                gain = self.scores[i] - self.safe[i]
                if self.sees[i] == sees and np.isfinite(gain).any():
                    whose = np.broadcast_to(self.people, gain.shape)
                    means[name] = float(mean_over_people(gain, whose).mean())
            if means:
                kept.add(max(means, key=lambda name: means[name]))
        return tuple(name for name in self.names if name in kept)

    def curve(self, name: str, kind: str = USUAL) -> tuple[list[float], list[Expectation]]:
        """Give how a candidate did against the seconds of calibration, behind its guard.

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
        for place in self.places(kind):
            scores = self.guarded(name, place, kind)
            if np.isfinite(scores).any():
                seconds.append(float(self.covered[self.kinds.index(kind), place]))
                expected.append(self._expectation(scores))
        return seconds, expected

    def expected(self, place: int, kind: str = USUAL, *, labelled: bool = False) -> Expectation:
        """Say what to expect of a new person with a block, whatever will be chosen.

        Parameters
        ----------
        place : int
            In `lengths`; one of `places`.
        kind : str
        labelled : bool

        Returns
        -------
        Expectation
            Of the scores that people got from what all others' scores choose.
        """
        return self._expectation(self.nested[int(labelled), self.kinds.index(kind), place])

    def expected_of_safe(self, place: int, kind: str = USUAL) -> Expectation:
        """Say what to expect of one new person without calibration.

        Parameters
        ----------
        place : int
            In `lengths`; one of `places`.
        kind : str

        Returns
        -------
        Expectation
        """
        safe = self.names.index(SAFE)
        return self._expectation(self.scores[safe, self.kinds.index(kind), place])

    def _expectation(self, scores: Floats) -> Expectation:
        known = np.isfinite(scores)
        return expectation(scores[known], self.level, self.people[known])

    def limit_for(self, kind: str, seconds: float) -> float:
        """Give the drift limit for a block; NaN where none as short or of the kind is known.

        Parameters
        ----------
        kind : str
        seconds : float

        Returns
        -------
        float
        """
        return self._of_longest(self.drift_limit, kind, seconds)

    def usual_drift_for(self, kind: str, seconds: float) -> float:
        """Give the usual drift between blocks of following days; NaN where none is known.

        Parameters
        ----------
        kind : str
        seconds : float

        Returns
        -------
        float
        """
        return self._of_longest(self.usual_drift, kind, seconds)

    def _of_longest(self, values: Floats, kind: str, seconds: float) -> float:
        """Give the value of the longest block that is not longer and has one."""
        if kind not in self.kinds:
            return np.nan
        k = self.kinds.index(kind)
        usable = np.isfinite(values[k]) & (self.covered[k] <= seconds + 1e-6)
        return float(values[k, usable][-1]) if usable.any() else np.nan

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
        tree["left_out"] = dict(self.left_out)
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
        values: dict[str, Any] = {
            "lengths": tuple(number(value) for value in entries(tree["lengths"])),
            "guards": {str(n): guard_from_tree(table(own)) for n, own in tree["guards"].items()},
            "level": number(tree["level"]),
            "left_out": {str(n): text(why) for n, why in table(tree["left_out"]).items()},
        }
        for name in ("names", "sees", "words", "kinds"):
            values[name] = text_list(tree[name])
        for name, axes in _AXES.items():
            values[name] = floats(tree[name], axes)
        found = cls(**values, people=whole_numbers(tree["people"]))
        found._check()
        return found

    def _check(self) -> None:
        """Raise `ValueError` where parts do not fit together."""
        n, shape = len(self.names), (len(self.kinds), len(self.lengths))
        scores = (n, *shape, len(self.people))
        for name in ("scores", "safe"):
            if getattr(self, name).shape != scores:
                raise ValueError(f"the {name} of the plan have another shape")
        if self.evidence.shape != (*scores, len(EVIDENCE)):
            raise ValueError("the evidence of the plan has another shape")
        for name in ("nested", "nested_gain"):
            if getattr(self, name).shape != (2, *scores[1:]):
                raise ValueError(f"the {name} scores of the plan have another shape")
        if SAFE not in self.names or not n == len(self.sees) == len(self.words):
            raise ValueError("the candidates of the plan do not fit together")
        if self.mean.shape != self.spread.shape or not len(self.people):
            raise ValueError("the people of the plan do not fit together")
        in_order = list(self.lengths) == sorted(set(self.lengths)) != []
        tables = (self.covered, self.usual_drift, self.drift_limit)
        if USUAL not in self.kinds or not in_order or any(t.shape != shape for t in tables):
            raise ValueError("the blocks of the plan are not in order")
        if not np.all(self.prior >= 0) or not abs(self.prior.sum() - 1) <= 1e-6:
            raise ValueError("the class mix of the plan is none")
        if not 0 < self.level < 1:
            raise ValueError("the level of the plan is no share")
        # where the safe candidate has a score, so have those who choose with the others
        safe = np.isfinite(self.scores[self.names.index(SAFE)])
        if not np.isfinite(self.nested[:, safe] + self.nested_gain[:, safe]).all():
            raise ValueError("the nested scores of the plan have gaps")
