"""Sentences of the report; every number in them is computed from the result."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from ..evaluation import StudyResult
from .chance import chance_name, chance_row
from .scores import differences, scores_by_person, study_rows
from .table import normalization_note

#: level below which the report calls a difference supported
ALPHA = 0.05


def percent(fraction: float, digits: int = 1) -> str:
    """Write a fraction in percent, without the sign.

    Parameters
    ----------
    fraction : float
    digits : int

    Returns
    -------
    str
        Empty for NaN.

    Examples
    --------
    >>> percent(0.7754)
    '77.5'
    """
    return "" if np.isnan(fraction) else f"{100 * fraction:.{digits}f}"


def signed(fraction: float) -> str:
    """Write a difference of fractions in points, with its sign.

    Parameters
    ----------
    fraction : float

    Returns
    -------
    str
        With a minus sign of full width; empty for NaN.

    Examples
    --------
    >>> signed(-0.0312)
    '−3.1'
    """
    if np.isnan(fraction):
        return ""
    rounded = round(100 * fraction, 1) + 0.0  # no negative zero
    return f"{rounded:+.1f}".replace("-", "−")


def p_value(p: float) -> str:
    """Write a p value with three decimals, or as a bound.

    Parameters
    ----------
    p : float

    Returns
    -------
    str

    Examples
    --------
    >>> p_value(0.00002), p_value(0.0312), p_value(float("nan"))
    ('< .001', '.031', '')
    """
    if np.isnan(p):
        return ""
    if p < 0.001:
        return "< .001"
    return "1" if p > 0.9995 else f"{p:.3f}".removeprefix("0")


def listed(names: Sequence[str], limit: int = 8) -> str:
    """Join names in a sentence.

    Parameters
    ----------
    names : sequence of str
    limit : int
        Further names are counted only.

    Returns
    -------
    str

    Examples
    --------
    >>> listed(["a", "b", "c"]), listed(["a", "b", "c"], 1)
    ('a, b and c', 'a and 2 more')
    """
    shown = [str(name) for name in names[:limit]]
    if len(names) > limit:
        shown.append(f"{len(names) - limit} more")
    return " and ".join(filter(None, [", ".join(shown[:-1]), shown[-1]])) if shown else "nobody"


def protocol_sentence(result: StudyResult) -> str:
    """Say in plain words who was trained on and who was scored.

    Parameters
    ----------
    result : StudyResult

    Returns
    -------
    str
    """
    n = n_people(result)
    if result.protocol == "leave-one-subject-out":
        return (
            f"Each of the {n} people is left out in turn: a method is trained on the labelled "
            f"windows of the other {n - 1} and scored on the one left out."
        )
    if result.protocol == "cross-session":
        return (
            f"Each later session of each of the {n} people is held out in turn: a method is "
            "trained on the labelled windows of the same person's earlier sessions and scored on "
            "the later one."
        )
    if result.protocol == "cross-day":
        return (
            f"Each later day of each of the {n} people is held out in turn: a method is trained on "
            f"the labelled windows of the same person's first day {_added(result)}, and scored on "
            "the later one."
        )
    return f"Scored on {n} people by the protocol {result.protocol}."


def _added(result: StudyResult) -> str:
    """Say which sessions are added to a person's first day."""
    settings = result.facts.get("protocol_settings", {})
    n, pool = settings.get("n_sources"), settings.get("pool", "others")
    if n == 0:
        return "alone"
    whose = {
        "others": "of other people",
        "own": "of the days in between",
        "all": "of other people and of the days in between",
    }[pool]
    if n is None:
        return f"and of all sessions {whose}"
    likeness = "by labelled classes" if settings.get("ranking") == "labelled" else "by covariances"
    return f"and of the {n} sessions {whose} that are nearest to it {likeness}"


def granted_sentence(result: StudyResult) -> str:
    """Say in plain words what the study granted of the person who is scored.

    Parameters
    ----------
    result : StudyResult

    Returns
    -------
    str
    """
    granted = result.information
    seen = {
        "inductive": "nothing: the model is finished before the person comes",
        "online": "the unlabelled windows that came before the one to be scored",
        "transductive": "all unlabelled windows, those that are scored among them",
    }
    if granted.kind == "calibration":
        labels = "with their labels" if granted.labelled else "without labels"
        words = f"the first {granted.seconds:g} s {labels}, which are not scored"
    else:
        words = seen[granted.kind]
    return f"Of the person who is scored, a method may see at most {words}."


def n_people(result: StudyResult) -> int:
    """Count the people who are scored.

    Parameters
    ----------
    result : StudyResult

    Returns
    -------
    int
    """
    return len(scores_by_person(result))


def summary(result: StudyResult) -> list[str]:
    """Say in short what the study found, with what keeps it from meaning more.

    Parameters
    ----------
    result : StudyResult

    Returns
    -------
    list of str
        Sentences: the highest mean and source-only beside it, chance, what normalisation alone
        explains, which comparisons pass Holm's correction.
    """
    roles = {row.key: row.role for row in study_rows(result)}
    table = result.table.assign(key=list(roles)).set_index("key")
    own = table[[roles[key] != "reference" for key in table.index]]
    sentences = []
    if len(own):
        sentences.append(_highest(own))
    if result.chance is not None:
        sentences.append(_chance(result, result.chance))
    note = normalization_note(result.table)
    if note:
        sentences.append(f"{note[0].upper()}{note[1:]}.")
    sentences.append(_supported(own))
    return sentences


def _chance(result: StudyResult, chance: dict[str, Any]) -> str:
    """Say what the shuffled labels give, and to which row that belongs."""
    text = (
        f"Chance: with shuffled labels the mean accuracy of {chance_row(result)} is "
        f"{percent(chance['mean'])} %; "
    )
    if not chance_name(result):
        return text + f"{chance['n_shuffles']} shuffles are too few for a band."
    low, high = percent(chance["low"]), percent(chance["high"])
    return text + f"{chance_name(result)}: {low} to {high} %."


def _highest(own: pd.DataFrame) -> str:
    """Name the row with the highest mean, and source-only beside it."""
    best = own["accuracy_mean"].idxmax()
    line = own.loc[best]
    text = f"The highest mean accuracy is that of {best}: {percent(line['accuracy_mean'])} %"
    if np.isfinite(line["accuracy_low"]):
        low, high = percent(line["accuracy_low"]), percent(line["accuracy_high"])
        text += f" (95 % interval over people {low} to {high})"
    others = [key for key in own.index if key.startswith("source-only [") and key != best]
    beside = [f"{key} has {percent(own.loc[key, 'accuracy_mean'])} %" for key in others]
    if beside:
        text += f"; {listed(beside)}"
    if len(own) > 1:
        text += f". It is the best of {len(own)} rows after the fact, which flatters it"
    return text + "."


def _supported(own: pd.DataFrame) -> str:
    """Count the comparisons that pass Holm's correction."""
    tested = own[own["p_holm"].notna()]
    if tested.empty:
        return "No row is tested against another."
    passed = tested[tested["p_holm"] < ALPHA]
    if passed.empty:
        return (
            f"None of the {len(tested)} differences to source-only passes Holm's correction "
            f"(p < {ALPHA:g})."
        )
    shown = [f"{key} ({signed(delta)})" for key, delta in passed["delta_accuracy"].items()]
    return (
        f"{len(passed)} of the {len(tested)} differences to source-only pass Holm's correction "
        f"(p < {ALPHA:g}): {listed(shown, 12)}."
    )


def harm_sentence(result: StudyResult) -> str:
    """Say whom the methods harm most often.

    Parameters
    ----------
    result : StudyResult

    Returns
    -------
    str
        Empty when no row is compared with another.
    """
    deltas = differences(result)
    if deltas.shape[1] == 0:
        return ""
    lost = deltas < 0
    if not lost.to_numpy().any():
        return f"Nobody loses accuracy in any of {deltas.shape[1]} rows."
    person, row = deltas.stack().idxmin()
    return (
        f"{int(lost.any(axis=1).sum())} of {len(deltas)} people lose accuracy in at least one of "
        f"{deltas.shape[1]} rows; over people and rows, {percent(lost.to_numpy().mean(), 0)} % of "
        f"all differences are losses. The largest is {signed(deltas.loc[person, row])} points: "
        f"person {person} with {row}."
    )
