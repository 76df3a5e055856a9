"""The distances of each person to the sources, as text for the terminal."""

from __future__ import annotations

import math
from statistics import median
from textwrap import wrap

import pandas as pd

from ..evaluation.study_distances import STUDY_DISTANCES
from .escape import printable

#: columns of a page where the width of the terminal is not known
_PAGE = 100
_GAP = "  "
_WORDS = {distance.name: distance.words for distance in STUDY_DISTANCES}
_BEHIND = {
    "none": "distances to the sources, features standardised once",
    "z2": "distances to the sources behind z2",
}


def format_distances(table: pd.DataFrame, width: int = 0) -> str:
    """Lay out the distances of people for the terminal.

    Parameters
    ----------
    table : pandas.DataFrame
        As `eegtl.evaluation.study_distances.person_distances` gives it.
    width : int
        Columns of the terminal; 0, as for text that is piped on, stands for 100. Distances that
        do not fit side by side go below each other.

    Returns
    -------
    str
        One block for each normalisation, in it a line for each person and one for their medians.
        Each cell is ``value (noise)``, marked with ``~`` where the value is not above the noise;
        ``-`` where nothing could be measured. The decimals of a column show three digits of its
        largest number. Control characters in names are escaped.

    Examples
    --------
    >>> table = pd.DataFrame({"subject": ["a", "b"], "normalization": "none",
    ...                       "distance": "mean_gap", "value": [1.31, 0.2], "noise": [0.37, 0.31]})
    >>> print(format_distances(table))
    distances to the sources, features standardised once
    subject  mean gap, sd
    a         1.31 (0.37)
    b        ~0.20 (0.31)
    median    0.76 (0.34)
    """
    blocks = []
    for normalization, part in table.groupby("normalization", sort=False):
        names = ["subject", *map(printable, dict.fromkeys(part["subject"])), "median"]
        left = max(map(len, names))
        first = [name.ljust(left) for name in names]
        lines = wrap(_BEHIND.get(str(normalization), printable(normalization)), width or _PAGE)
        for place, columns in enumerate(_pages(_columns(part), (width or _PAGE) - left)):
            lines += [""] * bool(place)
            lines += [_GAP.join(cells) for cells in zip(first, *columns, strict=True)]
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks)


def distances_help(table: pd.DataFrame) -> str:
    """Say in one line how to read the distances.

    Parameters
    ----------
    table : pandas.DataFrame
        As `format_distances` takes it.

    Returns
    -------
    str
    """
    text = (
        "distances: value (noise); the noise is the distance between halves of the person's own "
        "trials (an upper bound for mean gap, KL, W2 and sliced W1, which few windows make "
        "larger), and a value that is not above it (~) shows no distance"
    )
    behind = set(table.loc[table["normalization"] == "z2", "distance"])
    if behind:
        missing = [d.words.split(",")[0] for d in STUDY_DISTANCES if d.name not in behind]
        if missing:
            text += (
                f"; z2 gives everybody equal means, so {', '.join(missing)} say nothing behind it"
            )
    return text


def _columns(part: pd.DataFrame) -> list[list[str]]:
    """Write each distance as a column of texts of equal length, its heading first."""
    people = list(dict.fromkeys(part["subject"]))
    columns = []
    for name, own in part.groupby("distance", sort=False):
        own = own.set_index("subject")[["value", "noise"]].reindex(people)
        pairs = list(zip(own["value"].tolist(), own["noise"].tolist(), strict=True))
        pairs.append((_median(own["value"]), _median(own["noise"])))
        decimals = _decimals([number for pair in pairs for number in pair])
        cells = [_WORDS.get(str(name), printable(name))]
        cells += [_cell(value, noise, decimals) for value, noise in pairs[:-1]]
        # whether a median lies above the median noise says nothing of any person
        cells.append(_cell(*pairs[-1], decimals).lstrip("~"))
        wide = max(map(len, cells))
        columns.append([cell.rjust(wide) for cell in cells])
    return columns


def _pages(columns: list[list[str]], width: int) -> list[list[list[str]]]:
    """Divide columns into groups that fit side by side, one at least."""
    pages: list[list[list[str]]] = []
    taken = width + 1
    for column in columns:
        own = len(_GAP) + len(column[0])
        if taken + own > width:
            pages.append([])
            taken = 0
        pages[-1].append(column)
        taken += own
    return pages


def _median(numbers: pd.Series) -> float:
    known = numbers.dropna().tolist()
    return float(median(known)) if known else math.nan


def _decimals(numbers: list[float]) -> int:
    """Give the decimals with which the largest number has three digits, three at most."""
    largest = max((abs(x) for x in numbers if math.isfinite(x)), default=0.0)
    if largest == 0:
        return 2
    return min(3, max(0, 2 - math.floor(math.log10(largest))))


def _cell(value: float, noise: float, decimals: int) -> str:
    if math.isnan(value):
        return "-"
    shown = f"{round(value, decimals) + 0.0:.{decimals}f}"  # no negative zero
    if math.isnan(noise):
        return shown
    mark = "" if value > noise else "~"
    return f"{mark}{shown} ({noise:.{decimals}f})"
