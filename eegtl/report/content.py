"""What the report shows as tables: plain lists and texts, escaped only by the template."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from ..errors import DatasetError
from ..evaluation import StudyResult
from ..evaluation.tags import read_tag
from ..recordings import Card
from ..recordings.cards import get_card
from .scores import baselines, differences, scores_by_person, study_rows
from .table import interval, sees
from .wording import p_value, percent, signed

#: a loss of this share of the windows is named
NAMED_LOSS = 0.05
#: what a method may see, least first, as the columns of the report's table
INFORMATION = (
    "nothing",
    "first seconds, unlabelled",
    "past windows, unlabelled",
    "all windows, unlabelled",
    "class mix taken for granted",
    "labels of the first seconds",
    "future of the trial",
)


def information_lines(result: StudyResult) -> list[dict[str, Any]]:
    """Say which rows saw what of the person they are scored on.

    Parameters
    ----------
    result : StudyResult

    Returns
    -------
    list of dict
        One entry for each different amount of information, least first: ``sees`` (words),
        ``marks`` (one bool for each of `INFORMATION`), ``rows`` (such as ``tca [z0, z2]``).
    """
    lines: dict[tuple[bool, ...], dict[str, Any]] = {}
    for row in study_rows(result):
        tag = read_tag(row.information)
        consumed = tag.consumed
        acausal = tag.acausal or not result.facts.get("causal", True)
        marks = (
            consumed.kind == "inductive" and not acausal,
            consumed.kind == "calibration",
            consumed.kind == "online",
            consumed.kind == "transductive",
            bool(tag.assumes),
            consumed.labelled,
            acausal,
        )
        line = lines.setdefault(marks, {"sees": sees(row.information), "marks": marks, "names": {}})
        line["names"].setdefault(row.name, []).append(row.normalization)
    for line in lines.values():
        line["rows"] = [f"{name} [{', '.join(modes)}]" for name, modes in line["names"].items()]
    return [lines[marks] for marks in sorted(lines, key=lambda m: (m[::-1], m[0]))]


def result_lines(result: StudyResult) -> list[dict[str, str]]:
    """Write the table of the study as text.

    Parameters
    ----------
    result : StudyResult

    Returns
    -------
    list of dict
        One entry a row: method, norm, sees, accuracy, interval, sd, balanced, f1, trial, worst,
        delta, delta_interval, p, seconds. Percent and points with one decimal; what does not
        apply is empty, an interval of too few people is ``-``.
    """
    roles = [row.role for row in study_rows(result)]
    return [
        {
            "method": str(line.method),
            "norm": str(line.normalization),
            "role": role,
            "sees": sees(str(line.information)),
            "accuracy": percent(line.accuracy_mean),
            "interval": interval(
                percent(line.accuracy_low),
                percent(line.accuracy_high),
                np.nan if line.method == "shuffled labels" else line.accuracy_mean,
            ),
            "sd": percent(line.accuracy_sd),
            "balanced": percent(line.balanced_accuracy_mean),
            "f1": percent(line.macro_f1_mean),
            "trial": percent(line.trial_accuracy_mean),
            "worst": percent(line.worst_subject_accuracy),
            "delta": signed(line.delta_accuracy),
            "delta_interval": interval(
                signed(line.delta_low), signed(line.delta_high), line.delta_accuracy
            ),
            "p": p_value(line.p_holm),
            "seconds": f"{line.seconds_per_fold:.2f}",
        }
        for line, role in zip(result.table.itertuples(), roles, strict=True)
    ]


def harm_by_row(result: StudyResult) -> list[dict[str, str]]:
    """Count for each row how many people it harms, and name the one it harms most.

    Parameters
    ----------
    result : StudyResult

    Returns
    -------
    list of dict
        One entry a row that is compared with another: row, base, lose, share, large (losses of at
        least `NAMED_LOSS`), mean (of those who lose), worst, person.
    """
    deltas, bases = differences(result), baselines(result)
    lines = []
    for key in deltas:
        values = deltas[key].dropna()
        lost = values[values < 0]
        lines.append(
            {
                "row": key,
                "base": bases[key],
                "lose": f"{len(lost)} of {len(values)}",
                "share": percent(len(lost) / len(values), 0) if len(values) else "",
                "large": str(int((values <= -NAMED_LOSS).sum())),
                "mean": signed(lost.mean()) if len(lost) else "",
                "worst": signed(lost.min()) if len(lost) else "",
                "person": str(lost.idxmin()) if len(lost) else "",
            }
        )
    return lines


def harmed_people(result: StudyResult) -> list[dict[str, Any]]:
    """Name the people who lose clearly in at least one row.

    Parameters
    ----------
    result : StudyResult

    Returns
    -------
    list of dict
        The largest loss first: person, n (rows with a loss of at least `NAMED_LOSS`), of (rows
        compared), mean (difference over all rows), losses (pairs of row and points).
    """
    deltas = differences(result)
    lines = []
    for person, values in deltas.iterrows():
        clear = values[values <= -NAMED_LOSS].sort_values(kind="stable")
        if len(clear):
            losses = [(key, signed(value)) for key, value in clear.items()]
            lines.append(
                {
                    "person": str(person),
                    "n": len(clear),
                    "of": int(values.notna().sum()),
                    "mean": signed(values.mean()),
                    "losses": losses,
                    "worst": float(clear.iloc[0]),
                }
            )
    return sorted(lines, key=lambda line: line["worst"])


def everyone(result: StudyResult) -> dict[str, Any]:
    """Lay out the accuracy of every person in every row.

    Parameters
    ----------
    result : StudyResult

    Returns
    -------
    dict
        ``rows`` (keys) and ``people``: name, number of windows by class, and for each row a
        text and a shade from 0 (worst) to 10 (best).
    """
    scores = scores_by_person(result)
    values = scores.to_numpy(dtype=float)
    low, high = np.nanmin(values, initial=1.0), np.nanmax(values, initial=0.0)
    shades = np.nan_to_num(np.round(10 * (values - low) / max(high - low, 1e-9)))
    counts = _window_counts(result)
    people = [
        {
            "name": str(person),
            "windows": counts.get(str(person), ""),
            "cells": [(percent(v), int(s)) for v, s in zip(values[i], shades[i], strict=True)],
        }
        for i, person in enumerate(scores.index)
    ]
    return {"rows": list(scores.columns), "people": people}


def _window_counts(result: StudyResult) -> dict[str, str]:
    """Write the number of windows of each person, class by class."""
    found = (result.overview or {}).get("windows")
    if not found:
        return {}
    return {
        str(name): " / ".join(map(str, counts))
        for name, counts in zip(found["subjects"], found["counts"], strict=True)
    }


def class_counts(result: StudyResult) -> list[tuple[str, int]]:
    """Count the windows of each class over all people.

    Parameters
    ----------
    result : StudyResult

    Returns
    -------
    list of (str, int)
        Empty when the study kept no counts.
    """
    found = (result.overview or {}).get("windows")
    if not found:
        return []
    totals = np.sum(found["counts"], axis=0).tolist()
    return list(zip(map(str, found["classes"]), totals, strict=True))


def cards_of(result: StudyResult) -> list[Card]:
    """Find the cards of the data sets of a study.

    Parameters
    ----------
    result : StudyResult

    Returns
    -------
    list of Card
        Data sets without a card, such as recordings of one's own, are left out.
    """
    cards = []
    for name in result.facts.get("dataset", []):
        try:
            cards.append(get_card(name))
        except DatasetError:
            continue
    return cards


def setting_lines(result: StudyResult) -> list[dict[str, str]]:
    """Write what each row runs and how.

    Parameters
    ----------
    result : StudyResult

    Returns
    -------
    list of dict
        One entry a row: row, level, settings (JSON).
    """
    known = result.facts.get("rows", {})
    return [
        {
            "row": row.key,
            "level": str(known.get(row.key, {}).get("level", "")),
            "settings": json.dumps(
                known.get(row.key, {}).get("estimator"), sort_keys=True, ensure_ascii=False
            ),
        }
        for row in study_rows(result)
    ]
