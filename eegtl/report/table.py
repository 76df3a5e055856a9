"""The table of a study as text for the terminal and as Markdown, with its footnotes."""

from __future__ import annotations

import math
from pathlib import Path

import pandas as pd

from ..evaluation import StudyResult
from ..evaluation.folder import write_whole
from ..evaluation.statistics import LEAST_PEOPLE
from ..evaluation.tags import read_tag
from .chance import chance_name, chance_row
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
    if not shows_intervals(result.table):
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
    rows = _grid(result.table, with_intervals=shows_intervals(result.table))
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
    if shows_intervals(table):
        notes.append(
            "95 % (where shown): bootstrap interval of a mean over people; with few people it is "
            f"too short, below {LEAST_PEOPLE} there is none (-)"
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
            "within each person; mean +- sd over shuffles" + chance_note(result)
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


def shows_intervals(table: pd.DataFrame) -> bool:
    """Say whether a table has a place for the intervals of its means.

    Parameters
    ----------
    table : pandas.DataFrame
        With the columns of ``table.csv``.

    Returns
    -------
    bool
        Also where there are too few people for any, so that this is seen.
    """
    if "accuracy_low" not in table:
        return False
    return bool(table["accuracy_low"].notna().any() or (table["n_subjects"] < LEAST_PEOPLE).any())


def interval(low: str, high: str, mean: float) -> str:
    """Write an interval.

    Parameters
    ----------
    low, high : str
        Its ends; empty where there is none.
    mean : float
        Of what it is the interval; NaN where there is nothing.

    Returns
    -------
    str
        ``-`` for a mean of too few people, empty where there is no mean.

    Examples
    --------
    >>> interval("60.1", "70.2", 0.65), interval("", "", 0.65), interval("", "", math.nan)
    ('60.1 to 70.2', '-', '')
    """
    if low and high:
        return f"{low} to {high}"
    return "" if math.isnan(mean) else "-"


def chance_note(result: StudyResult) -> str:
    """Say between which values the means with shuffled labels lie.

    Parameters
    ----------
    result : StudyResult

    Returns
    -------
    str
        To follow what is said of that row; empty without shuffles.
    """
    chance = result.chance
    if chance is None:
        return ""
    if not chance_name(result):
        return f"; {chance['n_shuffles']} shuffles are too few for a band"
    low, high = _percent(chance["low"]), _percent(chance["high"])
    return (
        f"; {chance_name(result)}: {low} to {high}, which is a band for {chance_row(result)} and "
        "for no other row"
    )


def _grid(table: pd.DataFrame, *, with_intervals: bool = False) -> list[tuple[str, ...]]:
    """Write the table as rows of texts, its header first."""
    rows = [HEADER, *(_cells(line) for _, line in table.iterrows())]
    if not with_intervals:
        return rows
    low_high = [("accuracy_low", "accuracy_high"), ("delta_low", "delta_high")]
    for low, high in reversed(low_high):
        place = HEADER.index("accuracy" if low == "accuracy_low" else "vs source-only") + 1
        write = _percent if low == "accuracy_low" else _points
        means = table["accuracy_mean" if low == "accuracy_low" else "delta_accuracy"]
        means = means.mask(table["method"] == "shuffled labels")  # not of people
        texts = [
            interval(write(a), write(b), mean)
            for a, b, mean in zip(table[low], table[high], means, strict=True)
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
    tag = read_tag(information)
    consumed = tag.consumed
    words = consumed.sees(consumed.level)
    if tag.assumes:
        words += f"; {tag.assumes}"
    if not tag.acausal:
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
    if math.isnan(delta):
        return ""
    rounded = round(100 * delta, 1) + 0.0  # no negative zero
    return f"{rounded:+.1f}"


def _p_value(p: float) -> str:
    if p < 0.001:
        return "p<.001"
    return "p=1" if p > 0.9995 else f"p={p:.3f}".replace("0.", ".")
