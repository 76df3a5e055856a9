"""The table of a study as text for the terminal and as Markdown, with its footnotes."""

from __future__ import annotations

import math
from pathlib import Path

import pandas as pd

from ..evaluation.folder import write_whole
from ..evaluation.runner import StudyResult
from ..evaluation.tags import read_tag
from .escape import markdown, printable

HEADER = ("method", "norm", "sees", "accuracy", "worst", "vs source-only", "s/fold")


def format_table(result: StudyResult) -> str:
    """Lay out the table of a study for the terminal.

    Parameters
    ----------
    result : StudyResult

    Returns
    -------
    str
        Percent with one decimal; mean +- standard deviation over people (over shuffles for
        shuffled labels). Control characters in names are escaped.

    Examples
    --------
    >>> from eegtl.evaluation import InformationSet
    >>> table = pd.DataFrame([{"method": "source-only", "normalization": "z2",
    ...     "information": "transductive", "accuracy_mean": .775, "accuracy_sd": .158,
    ...     "worst_subject_accuracy": .529, "delta_accuracy": .127, "p_holm": .003,
    ...     "seconds_per_fold": .012}])
    >>> print(format_table(StudyResult(table, table, [], InformationSet("transductive"))))
    method       norm  sees                     accuracy      worst  vs source-only  s/fold
    source-only  z2    unlabelled, all windows  77.5 +- 15.8  52.9   +12.7  p=.003   0.01
    """
    lines = [HEADER, *(_cells(line) for _, line in result.table.iterrows())]
    cells = [[printable(cell) for cell in line] for line in lines]
    widths = [max(len(line[i]) for line in cells) for i in range(len(HEADER))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in cells
    )


def format_markdown(result: StudyResult, title: str = "") -> str:
    """Lay out the table of a study, with footnotes, as Markdown.

    Parameters
    ----------
    result : StudyResult
    title : str
        Line above the table, for example the name of the data set.

    Returns
    -------
    str
    """
    rows = [HEADER, *(_cells(line) for _, line in result.table.iterrows())]
    lines = ["| " + " | ".join(markdown(cell) for cell in row) + " |" for row in rows]
    lines.insert(1, "|" + " --- |" * len(HEADER))
    if title:
        lines[:0] = [markdown(title), ""]
    lines += ["", *(f"- {markdown(note)}" for note in footnotes(result))]
    return "\n".join(lines) + "\n"


def save_markdown(result: StudyResult, folder: Path, title: str = "") -> Path:
    """Write ``table.md`` into the folder of a study.

    Parameters
    ----------
    result : StudyResult
    folder : pathlib.Path
    title : str
        As in `format_markdown`.

    Returns
    -------
    pathlib.Path
    """
    return write_whole(Path(folder) / "table.md", format_markdown(result, title))


def footnotes(result: StudyResult) -> list[str]:
    """Say how to read the table of a study, and only what is true of it.

    Parameters
    ----------
    result : StudyResult

    Returns
    -------
    list of str
        How p was computed, how much normalisation alone explains, what the chance rows are,
        and the notes of the study.
    """
    table = result.table
    notes = ["accuracy: windows, in percent, mean +- sd over people"]
    n_tests = int(table["p_holm"].notna().sum())
    if n_tests:
        notes.append(
            f"p: paired Wilcoxon over people, Holm over the {n_tests} comparisons; source-only "
            "is compared with no normalisation, all else with source-only of the same "
            "classifier and normalisation"
        )
    share = normalization_note(table)
    if share:
        notes.append(share)
    if (table["method"] == "shuffled labels").any():
        notes.append(
            "shuffled labels: trained and scored with the labels of whole trials permuted "
            "within each person; mean +- sd over shuffles"
        )
    if result.information.kind == "calibration":
        notes.append(
            f"all rows are scored on the windows that {result.information.tag} leaves, whatever "
            "they saw"
        )
    return [*notes, *result.notes]


def normalization_note(table: pd.DataFrame) -> str:
    """Say that 'z2' alone explains most of the gain, when it does.

    Parameters
    ----------
    table : pandas.DataFrame
        With the columns of ``table.csv``.

    Returns
    -------
    str
        Empty unless source-only gains at least five points from 'z2', at least half of what the
        best row gains over source-only without normalisation, and is better than majority.

    Examples
    --------
    >>> normalization_note(pd.DataFrame({"method": ["source-only", "source-only", "tca"],
    ...     "normalization": ["none", "z2", "z2"], "accuracy_mean": [.65, .77, .78]}))[:55]
    "'z2' alone explains most of the gain here (12.0 of 13.0"
    """
    means = table.set_index(["method", "normalization"])["accuracy_mean"].to_dict()
    none, z2 = means.get(("source-only", "none")), means.get(("source-only", "z2"))
    if none is None or z2 is None:
        return ""
    references = ("majority", "shuffled labels")
    best = table.loc[~table["method"].isin(references), "accuracy_mean"].max() - none
    gain = z2 - none
    worth_saying = gain >= 0.05 and z2 > means.get(("majority", "none"), 0.0)
    if not worth_saying or gain < best / 2:
        return ""
    return (
        f"'z2' alone explains most of the gain here ({100 * gain:.1f} of {100 * best:.1f} "
        "points); compare methods within one normalisation"
    )


def _cells(line: pd.Series) -> tuple[str, ...]:
    """Write one line of the table as text."""
    reference = line["method"] in ("majority", "shuffled labels")
    return (
        str(line["method"]),
        str(line["normalization"]),
        sees(str(line["information"])),
        _percent(line["accuracy_mean"]) + _spread(line["accuracy_sd"]),
        _percent(line["worst_subject_accuracy"]),
        "" if reference else _difference(line["delta_accuracy"], line["p_holm"]),
        f"{line['seconds_per_fold']:.2f}",
    )


def sees(information: str) -> str:
    """Say in words what the column ``information`` means.

    Parameters
    ----------
    information : str
        For example ``transductive`` or ``calibration:60:labelled``.

    Returns
    -------
    str

    Examples
    --------
    >>> sees("calibration:60")
    'unlabelled, first 60 s'
    """
    consumed, acausal, _ = read_tag(information)
    words = consumed.sees(consumed.level)
    if not acausal:
        return words
    future = "future of the trial"
    return future if consumed.kind == "inductive" else f"{words}, {future}"


def _percent(value: float) -> str:
    return "" if math.isnan(value) else f"{100 * value:.1f}"


def _spread(sd: float) -> str:
    return "" if math.isnan(sd) else f" +- {100 * sd:.1f}"


def _difference(delta: float, p: float) -> str:
    if math.isnan(delta):
        return "-"
    rounded = round(100 * delta, 1) + 0.0  # no negative zero
    return f"{rounded:+.1f}  {_p_value(p)}"


def _p_value(p: float) -> str:
    if p < 0.001:
        return "p<.001"
    return "p=1" if p > 0.9995 else f"p={p:.3f}".replace("0.", ".")
