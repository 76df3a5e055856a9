"""Which model a wearer gets, why, and how well people did with what all others choose for them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import CalibrationError
from .candidates import SAFE
from .guard import Guard, evidence_of, learn_guards
from .intervals import Expectation
from .plan import USUAL, Plan

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Choice:
    """Which model a wearer gets, and why.

    Attributes
    ----------
    name : str
        Of the candidate.
    place : int
        Of the length, among the plan's, that it was chosen on; -1 for none.
    expected : Expectation or None
        Score (mean of the classes' shares found) to expect; None for a plan without scores.
    reasons : tuple of str
        Sentences.
    guarded : bool
        Whether the guard chose.
    """

    name: str
    place: int
    expected: Expectation | None
    reasons: tuple[str, ...]
    guarded: bool = False


def choose(
    plan: Plan,
    seconds: float,
    *,
    labelled: bool,
    kind: str = USUAL,
    among: tuple[str, ...] | None = None,
) -> Choice:
    """Choose the candidate that did best on the source people with as long a block.

    Parameters
    ----------
    plan : Plan
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
        Before the guard has looked at the wearer's block. The safe candidate, where choosing
        brought people who were left out of it nothing.
    """
    try:
        place = plan.place(seconds, kind)
    except CalibrationError as error:
        return Choice(SAFE, -1, None, (f"{error} Until then the others' model is used.",))
    tried = float(plan.covered[plan.kinds.index(kind), place])
    if seconds < tried - 1e-6:
        reason = "without a signal of the wearer the others' model is used as it is"
        if seconds > 0:
            reason = (
                f"a block of {seconds:g} s is shorter than any that was tried ({tried:g} s): "
                "the others' model stays as it is"
            )
        return Choice(SAFE, place, plan.expected_of_safe(place, kind), (reason,))
    gains = plan.gains(place, labelled=labelled, kind=kind, among=among)
    best = _best(gains)
    i, k = plan.names.index(best), plan.kinds.index(kind)
    n_people = int(np.isfinite(plan.scores[i, k, place]).sum())
    safe = plan.expected_of_safe(place, kind)
    others = sorted((name for name in gains if name != SAFE), key=lambda name: -gains[name])
    reason = (
        f"{best} ({plan.words[i]}) did best on {n_people} source people with {tried:g} s: {SAFE} "
        f"{100 * safe.mean:.0f} %"
    )
    if others:
        changes = (f"{name} {100 * gains[name]:+.1f}" for name in others[:4])
        reason += f"; against it on the same rows {', '.join(changes)} points"
    if best == SAFE:
        return Choice(SAFE, place, safe, (reason,))
    brought = _brought(plan, place, kind, labelled)
    if not brought > 0:
        doubt = (
            f"but choosing brought people who were left out of it {100 * brought:+.1f} points, so "
            f"that {SAFE} is used"
        )
        return Choice(SAFE, place, safe, (reason, doubt))
    return Choice(best, place, plan.expected(place, kind, labelled=labelled), (reason,))


def _brought(plan: Plan, place: int, kind: str, labelled: bool) -> float:
    """Give what choosing brought people left out of it, on average; 0 where nobody can tell."""
    gain = plan.nested_gain[int(labelled), plan.kinds.index(kind), place]
    gain = gain[np.isfinite(gain)]
    return float(gain.mean()) if len(gain) else 0.0


def look(
    plan: Plan, choice: Choice, safe: Any, adapted: Any, X: Floats, kind: str = USUAL
) -> Choice:
    """Let the guard look at the wearer's block.

    Parameters
    ----------
    plan : Plan
    choice : Choice
    safe, adapted : classifier
    X : ndarray of shape (n_rows, n_features)
    kind : str

    Returns
    -------
    Choice
        The safe one, where the guard of the chosen candidate fires.
    """
    guard = plan.guards.get(choice.name)
    if guard is None:
        return choice
    evidence = evidence_of(safe, adapted, X, plan.mean, plan.spread, plan.prior)
    said = guard.words(evidence)
    if not guard.fires(evidence):
        return replace(choice, reasons=(*choice.reasons, f"guard: {said}"))
    return held_back(plan, choice, f"guard: {said}, so that {SAFE} is used", kind)


def held_back(plan: Plan, choice: Choice, why: str, kind: str = USUAL) -> Choice:
    """Fall back to the safe candidate.

    Parameters
    ----------
    plan : Plan
    choice : Choice
    why : str
    kind : str

    Returns
    -------
    Choice
    """
    expected = plan.expected_of_safe(choice.place, kind)
    return Choice(SAFE, choice.place, expected, (*choice.reasons, why), guarded=True)


def longer_block(
    plan: Plan, seconds: float, kind: str = USUAL, *, labelled: bool = False
) -> tuple[float, float, int] | None:
    """Say what the next longer block that was tried would bring.

    Parameters
    ----------
    plan : Plan
    seconds : float
        Of the block there is; 0 for none.
    kind : str
    labelled : bool

    Returns
    -------
    seconds : float
        Of the longer block.
    gain : float
        Mean difference of the scores of the people who have both.
    n_people : int
        Their number. None altogether, where no longer one was tried or nobody has both.
    """
    k = plan.kinds.index(kind)
    longer = [place for place in plan.places(kind) if plan.covered[k, place] > seconds + 1e-6]
    if not longer:
        return None
    gain = _gain_of_choice(plan, longer[0], kind, labelled)
    if longer[0] != plan.places(kind)[0]:
        gain = gain - _gain_of_choice(plan, plan.place(seconds, kind), kind, labelled)
    gain = gain[np.isfinite(gain)]
    if not len(gain):
        return None
    return float(plan.covered[k, longer[0]]), float(gain.mean()), len(gain)


def _gain_of_choice(plan: Plan, place: int, kind: str, labelled: bool) -> Floats:
    """Give each person's gain with what a wearer would get: none where choosing brings nothing."""
    gain = plan.nested_gain[int(labelled), plan.kinds.index(kind), place]
    seconds = float(plan.covered[plan.kinds.index(kind), place])
    chosen = choose(plan, seconds, labelled=labelled, kind=kind).name
    return np.where(np.isfinite(gain), 0.0, np.nan) if chosen == SAFE else gain


def with_nested(plan: Plan) -> Plan:
    """Score each person with the candidate and the guard that all others' scores choose.

    Parameters
    ----------
    plan : Plan
        Its own `nested` and `nested_gain` are not read.

    Returns
    -------
    Plan
        With both; NaN where the safe candidate has no score.

    Notes
    -----
    What the best of several scored on the people it was chosen on is more than it will score on a
    new one; this is not. The models of the others have still learnt from the person who is left
    out, which docs/personalization.md does without. O(people^2 candidates cases log cases).
    """
    nested, gain = (np.full((2, *plan.scores.shape[1:]), np.nan) for _ in range(2))
    for person in range(plan.n_people):
        others = _without(plan, person)
        among = others.worth_keeping()
        for labelled, (k, kind), place in _cells(plan):
            name = _best(others.gains(place, labelled=labelled, kind=kind, among=among))
            i = plan.names.index(name)
            if not np.isfinite(plan.scores[i, k, place, person]):
                i = plan.names.index(SAFE)  # nobody can say how it would have done
            guard = others.guards.get(plan.names[i], Guard())
            fires = guard.fires(plan.evidence[i, k, place, person])
            safe = plan.safe[i, k, place, person]
            score = safe if fires else plan.scores[i, k, place, person]
            at = (int(labelled), k, place, person)
            nested[at], gain[at] = score, score - safe
    return replace(plan, nested=nested, nested_gain=gain)


def _cells(plan: Plan) -> list[tuple[bool, tuple[int, str], int]]:
    return [
        (labelled, kind, place)
        for labelled in (False, True)
        for kind in enumerate(plan.kinds)
        for place in range(len(plan.lengths))
    ]


def _best(gains: dict[str, float]) -> str:
    """Name the best; of equal ones the first, which is the safer."""
    return max(gains, key=lambda name: gains[name])


def _without(plan: Plan, person: int) -> Plan:
    """Give the plan that all people but one make."""
    scores, safe, evidence = (
        np.delete(values, person, axis=3) for values in (plan.scores, plan.safe, plan.evidence)
    )
    guards = learn_guards(plan.names, plan.sees, evidence, scores, safe)
    return replace(plan, scores=scores, safe=safe, evidence=evidence, guards=guards)
