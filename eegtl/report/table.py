"""The table of a study as text for the terminal and as Markdown, with its footnotes."""

from __future__ import annotations

import math
from pathlib import Path

import pandas as pd

from ..evaluation import StudyResult
from ..evaluation.folder import write_whole
from ..evaluation.tags import read_tag
from .escape import markdown, printable

HEADER = ("method", "norm", "sees", "accuracy", "worst", "vs source-only", "s/fold")


def format_table(result: StudyResult, width: int = 0) -> str:
    """Lay out the table of a study for the terminal.

    Parameters
    ----------
    result : StudyResult
    width : int
        Columns of the terminal. The 95 % intervals are shown where the table then still fits; 0,
        as for text that is piped on, leaves them out.

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
    ...     "seconds_per_fold": .012, "accuracy_low": .7, "accuracy_high": .84,
    ...     "delta_low": .06, "delta_high": .19}])
    >>> result = StudyResult(table, table, [], InformationSet("transductive"))
    >>> print(format_table(result))
    method       norm  sees                     accuracy      worst  vs source-only  s/fold
    source-only  z2    unlabelled, all windows  77.5 +- 15.8  52.9   +12.7  p=.003   0.01
    """
    text = _aligned(_grid(result.table))
    if not has_intervals(result.table):
        return text
    wide = _aligned(_grid(result.table, with_intervals=True))
    return wide if max(map(len, wide.splitlines())) <= width else text


def _aligned(rows: list[tuple[str, ...]]) -> str:
    """Pad the cells of each column to one width."""
    cells = [[printable(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in cells
    )


def format_markdown(result: StudyResult, title: str = "") -> str:
    """Lay out the table of a study, with 95 % intervals and footnotes, as Markdown.

    Parameters
    ----------
    result : StudyResult
    title : str
        Line above the table, for example the name of the data set.

    Returns
    -------
    str
    """
    rows = _grid(result.table, with_intervals=has_intervals(result.table))
    lines = ["| " + " | ".join(markdown(cell) for cell in row) + " |" for row in rows]
    lines.insert(1, "|" + " --- |" * len(rows[0]))
    if title:
        lines[:0] = [markdown(title), ""]
    lines += ["", *(f"- {markdown(note)}" for note in footnotes(result))]
    return "\n".join(lines) + "\n"


def study_title(result: StudyResult) -> str:
    """Say in one line what a study was about.

    Parameters
    ----------
    result : StudyResult

    Returns
    -------
    str
        Data set, people, windows, labels, protocol and information set.
    """
    facts = result.facts
    labels = " / ".join(map(str, facts.get("classes", [])))
    return (
        f"{' + '.join(facts.get('dataset', [])) or 'a study'}: {len(facts.get('subjects', []))} "
        f"people, {facts.get('n_windows', 0)} windows; labels {labels}; {result.protocol}, "
        f"{result.information.tag}"
    )


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
    if has_intervals(table):
        notes.append(
            "95 % (where shown): bootstrap interval of a mean over people; with few people it is "
            "too short"
        )
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
            "within each person; mean +- sd over shuffles" + _band(result)
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


def has_intervals(table: pd.DataFrame) -> bool:
    """Say whether a table knows the intervals of its means.

    Parameters
    ----------
    table : pandas.DataFrame
        With the columns of ``table.csv``.

    Returns
    -------
    bool
    """
    return "accuracy_low" in table and bool(table["accuracy_low"].notna().any())


def _band(result: StudyResult) -> str:
    """Say between which values the means with shuffled labels lie."""
    if result.chance is None:
        return ""
    low, high = _percent(result.chance["low"]), _percent(result.chance["high"])
    return f"; 95 % of the {result.chance['n_shuffles']} means lie between {low} and {high}"


def _grid(table: pd.DataFrame, *, with_intervals: bool = False) -> list[tuple[str, ...]]:
    """Write the table as rows of texts, its header first."""
    rows = [HEADER, *(_cells(line) for _, line in table.iterrows())]
    if not with_intervals:
        return rows
    low_high = [("accuracy_low", "accuracy_high"), ("delta_low", "delta_high")]
    for low, high in reversed(low_high):
        place = HEADER.index("accuracy" if low == "accuracy_low" else "vs source-only") + 1
        write = _percent if low == "accuracy_low" else _points
        texts = [
            f"{write(a)} to {write(b)}" if math.isfinite(a) and math.isfinite(b) else ""
            for a, b in zip(table[low], table[high], strict=True)
        ]
        column = ["95 %", *texts]
        rows = [(*r[:place], text, *r[place:]) for r, text in zip(rows, column, strict=True)]
    return rows


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
    return f"{_points(delta)}  {_p_value(p)}"


def _points(delta: float) -> str:
    rounded = round(100 * delta, 1) + 0.0  # no negative zero
    return f"{rounded:+.1f}"


def _p_value(p: float) -> str:
    if p < 0.001:
        return "p<.001"
    return "p=1" if p > 0.9995 else f"p={p:.3f}".replace("0.", ".")
