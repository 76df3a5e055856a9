"""The figures of the report: which there are, what they say in words, how they are read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure

from ..evaluation import StudyResult
from ..evaluation.statistics import LEAST_PEOPLE
from .chance import chance_name, chance_row
from .embed import svg_uri
from .figures import (
    class_effect_figure,
    confusion_figure,
    differences_figure,
    distances_figure,
    shift_figure,
    subjects_figure,
)
from .figures.confusion import WITH_COUNTS, classes_of, confusion_counts
from .figures.distances import distance_panels, means_taken_away
from .figures.topography import class_effect, no_map_of
from .scores import differences, has_intervals, main_rows, row_keys, scores_by_person
from .wording import listed, percent

#: width in inches at which letters are still read on a phone
_NARROW = 5.0


@dataclass(frozen=True)
class Picture:
    """One figure of the report.

    Attributes
    ----------
    source : str
        Data URI.
    alt : str
        What it shows, for those who do not see it.
    caption : str
        How it is read.
    narrow : bool
        Whether it fits on a phone without its letters getting too small.
    """

    source: str
    alt: str
    caption: str
    narrow: bool


def pictures(result: StudyResult) -> dict[str, Picture]:
    """Draw the figures for which a study has what they need.

    Parameters
    ----------
    result : StudyResult

    Returns
    -------
    dict of str to Picture
        Keys ``subjects, differences, confusion, shift, distances, effect``; those that the
        study cannot fill are left out.
    """
    overview = result.overview or {}
    parts: list[tuple[str, bool, Callable[[StudyResult], Figure], Callable[..., tuple]]] = [
        ("subjects", True, subjects_figure, _subjects),
        ("differences", differences(result).shape[1] > 0, differences_figure, _differences),
        ("confusion", _has_confusions(result), confusion_figure, _confusion),
        ("shift", bool(overview.get("map")), shift_figure, _shift),
        ("distances", bool(distance_panels(result)), distances_figure, _distances),
        ("effect", class_effect(result) is not None, class_effect_figure, _effect),
    ]
    found = {}
    for name, there, draw, words in parts:
        if there:
            figure, (alt, caption) = draw(result), words(result)
            narrow = figure.get_figwidth() < _NARROW
            found[name] = Picture(svg_uri(figure), alt, caption, narrow)
    return found


def _has_confusions(result: StudyResult) -> bool:
    return bool(result.confusions["row"].isin(main_rows(result)).any())


def _subjects(result: StudyResult) -> tuple[str, str]:
    scores = scores_by_person(result)
    means = scores.mean()
    alt = (
        f"Strips of dots, one dot for each of {len(scores)} people, in {len(row_keys(result))} "
        f"rows. Mean accuracies: "
        + listed([f"{key} {percent(mean)} %" for key, mean in means.items()], 40)
        + "."
    )
    caption = "Accuracy of every person in every row of the table. " + _diamond(result)
    if chance_name(result):
        caption += (
            f" Grey band: shuffled labels, {chance_name(result)}; it is a band for "
            f"{chance_row(result)}, which was trained on them."
        )
    if result.chance is not None:
        caption += " In the row 'shuffled labels' a dot is one shuffle."
    return alt, caption


def _diamond(result: StudyResult) -> str:
    """Say what marks the mean."""
    if has_intervals(result):
        return "Diamond and line: mean and 95 % bootstrap interval over people."
    return f"Diamond: mean over people; an interval needs at least {LEAST_PEOPLE}."


def _differences(result: StudyResult) -> tuple[str, str]:
    deltas = differences(result)
    lost = (deltas < 0).sum()
    alt = "Strips of dots, one for each person's difference to source-only. People who lose: "
    alt += listed([f"{key} {n} of {len(deltas)}" for key, n in lost.items()], 40) + "."
    caption = (
        "Difference of every person to the row named above the strips, which has the same "
        "classifier and, for methods, the same normalisation. Triangles lose; the one who loses "
        "most is named where the loss is at least five points. Equal differences stand in one "
        "stack, as high as they are many. " + _diamond(result)
    )
    return alt, caption


def _confusion(result: StudyResult) -> tuple[str, str]:
    names, rows = classes_of(result), main_rows(result)
    shown = []
    for row in rows:
        counts = confusion_counts(result, row)
        totals = np.maximum(counts.sum(axis=1), 1)
        shares = np.diag(counts) / totals
        recalls = [f"{n} {percent(s, 0)} %" for n, s in zip(names, shares, strict=True)]
        shown.append(f"{row}: {listed(recalls, 20)}")
    alt = "Confusion matrices. Share of each class that was recognised: " + "; ".join(shown) + "."
    caption = "Windows of all people; each line is one true class and adds up to 100 %" + (
        ", with the number of windows below the share." if len(names) <= WITH_COUNTS else "."
    )
    left_out = len(row_keys(result)) - len(rows)
    if left_out:
        caption += (
            f" Shown are source-only as it is and behind its last normalisation, and each method "
            f"behind its last normalisation ({len(rows)} of {len(rows) + left_out} rows)."
        )
    return alt, caption


def _shift(result: StudyResult) -> tuple[str, str]:
    found = result.overview["map"]
    shares = {name: percent(sum(found["explained"][name]), 0) for name in ("none", "z2")}
    alt = (
        f"{len(found['subject'])} windows of {len(found['subjects'])} people on two principal "
        f"components, which hold {shares['none']} % of the variance of the features as they are "
        f"and {shares['z2']} % after z-scores by person; above coloured by person, below by class."
    )
    caption = (
        "Left: features standardised once over all windows; right: each person (or session) on a "
        "scale of its own. Where the people above lie apart, they differ by more than their "
        "classes; a name that would touch another is not written. A description that uses "
        "everybody's windows; no method saw it."
    )
    return alt, caption


def _distances(result: StudyResult) -> tuple[str, str]:
    panels = distance_panels(result)
    found = [f"{p.distance} [{p.normalization}]: {p.words}" for p in panels]
    alt = (
        "Accuracy of each person against the distance to the others. Rank correlations: "
        + "; ".join(found)
        + "."
    )
    caption = (
        "Each dot is a person: how far the windows lie from those trained on, and "
        "the accuracy of source-only with the same normalisation. rho: Spearman's rank "
        "correlation, below zero where far people score worse, with its p value (not corrected for "
        "the number of panels). Grey line from zero: what the distance is between two halves of "
        "the person's own windows; a dot that does not lie beyond its line is not farther from "
        "the others than that. Where the middle half of the people differ by less than this "
        "noise, there is nothing to correlate."
    )
    reason = means_taken_away(result)
    if reason:
        caption += f" {reason}."
    return alt, caption


def _effect(result: StudyResult) -> tuple[str, str]:
    found = class_effect(result) or {}
    effect = np.asarray(found["effect"], dtype=float)
    k, i, j = np.unravel_index(np.nanargmax(np.abs(effect)), effect.shape)
    alt = (
        f"Class effect of {found['feature']} by electrode and band. The largest is "
        f"{effect[k, i, j]:+.2f} sd: {found['classes'][k]} at {found['channels'][i]}, "
        f"{found['bands'][j]}."
    )
    caption = (
        f"Mean over people of the difference between a class and the person's other windows, in "
        f"units of the person's standard deviation within classes, feature {found['feature']}."
    )
    if len(found["classes"]) == 2:
        caption += " With two classes one is the mirror image of the other, so one is shown."
    reason = no_map_of(found)
    if reason:
        caption += f" No map of the head: {reason}."
    return alt, caption
