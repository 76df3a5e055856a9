"""Which model a wearer gets, why, and how well people did with what all others choose for them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import CalibrationError
from .candidates import SAFE
from .guard import Guard, evidence_of, learn_guards
from .intervals import Expectation, mean_over_people
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
        The candidates there are; by default those that a profile keeps.

    Returns
    -------
    Choice
        Before the guard has looked at the wearer's block. The safe candidate, where choosing
        brought people who were left out of it nothing, or fewer than three people can tell.
    """
    among = plan.worth_keeping() if among is None else among
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
    best, brought = _best(gains, plan.people)
    i, k = plan.names.index(best), plan.kinds.index(kind)
    n_people = len(mean_over_people(plan.scores[i, k, place], plan.people))
    reason = (
        f"{best} ({plan.words[i]}) did best on {n_people} source people with {tried:g} s: {SAFE} "
        f"{100 * plan.expected_of_safe(place, kind).mean:.0f} %"
    )
    means = {n: mean_over_people(gain, plan.people).mean() for n, gain in gains.items()}
    others = sorted((name for name in gains if name != SAFE), key=lambda name: -means[name])
    if others:
        changes = (f"{name} {100 * means[name]:+.1f}" for name in others[:4])
        reason += f"; against it on the same rows {', '.join(changes)} points"
    expected = plan.expected(place, kind, labelled=labelled)
    if best == SAFE or brought > 0:
        return Choice(best, place, expected, (reason,))
    why = f"but choosing brought people who were left out of it {100 * brought:+.1f} points"
    if np.isnan(brought):
        why = "but so few people cannot tell whether choosing brings anything"
    return Choice(SAFE, place, expected, (reason, f"{why}, so that {SAFE} is used"))


def _best(gains: dict[str, Floats], people: NDArray[np.int64]) -> tuple[str, float]:
    """Name the candidate that gains most, and say what choosing brings people left out of it.

    Of equal ones it is the first, which is the safer. Each person in turn gets what all others
    choose; NaN where fewer than three people have gains.
    """
    names = list(gains)
    each = np.array(
        [[_mean(gain[people == p]) for p in np.unique(people)] for gain in gains.values()]
    )
    known = np.isfinite(each)
    best = _of_most(each, known)
    found = []
    for p in np.flatnonzero(known[names.index(SAFE)]):
        others = np.arange(each.shape[1]) != p
        gain = each[_of_most(each[:, others], known[:, others]), p]
        found.append(gain if np.isfinite(gain) else 0.0)
    return names[best], float(np.mean(found)) if len(found) > 2 else np.nan


def _of_most(each: Floats, known: NDArray[np.bool_]) -> int:
    """Give the place of the candidate that gains most on average; nobody's is never it."""
    counts = known.sum(axis=1)
    sums = np.where(known, each, 0.0).sum(axis=1)
    means = np.divide(sums, counts, out=np.full(len(each), -np.inf), where=counts > 0)
    return int(np.argmax(means))


def _mean(values: Floats) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else np.nan


def _chosen(plan: Plan, place: int, kind: str, labelled: bool, among: tuple[str, ...]) -> str:
    """Name the candidate that `choose` gives before the guard looks."""
    best, brought = _best(plan.gains(place, labelled=labelled, kind=kind, among=among), plan.people)
    return best if brought > 0 else SAFE


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
    gain = plan.nested_gain[int(labelled), k, longer[0]]
    if longer[0] != plan.places(kind)[0]:
        gain = gain - plan.nested_gain[int(labelled), k, plan.place(seconds, kind)]
    gains = mean_over_people(gain, plan.people)
    if not len(gains):
        return None
    return float(plan.covered[k, longer[0]]), float(gains.mean()), len(gains)


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
    new one; this is not, since all of the choice, with its refusal, is made without the person. The
    models of the others have still learnt from the person who is left out, which
    docs/personalization.md does without. O(people^2 candidates cases log cases).
    """
    nested, gain = (np.full((2, *plan.scores.shape[1:]), np.nan) for _ in range(2))
    for person in np.unique(plan.people):
        others, mine = _without(plan, person), np.flatnonzero(plan.people == person)
        among = others.worth_keeping()
        for labelled, (k, kind), place in _cells(plan):
            chosen = plan.names.index(_chosen(others, place, kind, labelled, among))
            for sitting in mine:
                i = chosen
                if not np.isfinite(plan.scores[i, k, place, sitting]):
                    i = plan.names.index(SAFE)  # nobody can say how it would have done
                guard = others.guards.get(plan.names[i], Guard())
                fires = guard.fires(plan.evidence[i, k, place, sitting])
                safe = plan.safe[i, k, place, sitting]
                score = safe if fires else plan.scores[i, k, place, sitting]
                at = (int(labelled), k, place, sitting)
                nested[at], gain[at] = score, score - safe
    return replace(plan, nested=nested, nested_gain=gain)


def _cells(plan: Plan) -> list[tuple[bool, tuple[int, str], int]]:
    return [
        (labelled, kind, place)
        for labelled in (False, True)
        for kind in enumerate(plan.kinds)
        for place in range(len(plan.lengths))
    ]


def _without(plan: Plan, person: int) -> Plan:
    """Give the plan that all people but one make."""
    kept = plan.people != person
    scores, safe = plan.scores[..., kept], plan.safe[..., kept]
    evidence, people = plan.evidence[..., kept, :], plan.people[kept]
    guards = learn_guards(plan.names, plan.sees, evidence, scores, safe, people)
    return replace(plan, people=people, scores=scores, safe=safe, evidence=evidence, guards=guards)
