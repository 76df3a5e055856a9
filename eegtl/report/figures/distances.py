"""Whether a person far from the others scores worse."""

from __future__ import annotations

from dataclasses import dataclass
from textwrap import wrap

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray
from scipy.stats import spearmanr

from ...errors import InputError
from ...evaluation import StudyResult
from ..scores import scores_by_person
from ..wording import p_value
from .canvas import (
    BLUE,
    FAINT,
    INK,
    MANY,
    SMALL,
    drawable,
    label,
    new_figure,
    plain_axes,
    write,
)

#: what the panels call the distances of eegtl.transfer.distances
_WORDS = {
    "mean_gap": "gap between the means, in sd",
    "mmd_linear": "MMD², linear kernel",
    "mmd_rbf": "MMD², Gaussian kernel",
}
_N_NAMED = 3
#: fewer people have no rank correlation; smaller differences are rounding
_LEAST, _ROUNDING = 4, 1e-6


@dataclass(frozen=True)
class DistancePanel:
    """One distance behind one normalisation, beside the source-only accuracy.

    Attributes
    ----------
    normalization, distance : str
    table : pandas.DataFrame
        Columns ``value, noise, accuracy``, one line a person.
    n : int
        People of whom both are known.
    rho, p : float
        Spearman's rank correlation of distance and accuracy, and its two-sided p (t
        approximation). NaN when there is nothing to correlate: fewer than four people, one of the
        two does not vary, or the people's distances differ by less than the noise (the middle half
        of them lies closer together than the median noise).
    """

    normalization: str
    distance: str
    table: pd.DataFrame
    n: int
    rho: float
    p: float

    @property
    def words(self) -> str:
        """The correlation in words, such as ``rho = −0.31, p = .210, n = 17``."""
        if np.isnan(self.rho):
            return "nothing to correlate"
        p = f"p {text}" if (text := p_value(self.p)).startswith("<") else f"p = {text}"
        return f"rho = {self.rho:+.2f}, {p}, n = {self.n}".replace("-", "−")


def distance_panels(result: StudyResult) -> list[DistancePanel]:
    """Put each person's distance to the others beside the source-only accuracy.

    Parameters
    ----------
    result : StudyResult
        With ``distances``.

    Returns
    -------
    list of DistancePanel
        One for each pair of normalisation and distance for which there is a source-only row.
    """
    scores = scores_by_person(result)
    panels = []
    for (normalization, name), part in result.distances.groupby(
        ["normalization", "distance"], sort=False
    ):
        key = f"source-only [{normalization}]"
        if key not in scores:
            continue
        table = part.set_index("subject")[["value", "noise"]]
        table["accuracy"] = scores[key].reindex(table.index)
        known = table.dropna(subset=["value", "accuracy"])
        rho, p = _rank_correlation(known)
        panels.append(DistancePanel(str(normalization), str(name), table, len(known), rho, p))
    return panels


def _rank_correlation(known: pd.DataFrame) -> tuple[float, float]:
    """Correlate distance and accuracy, unless the distances differ by noise or rounding only."""
    if len(known) < _LEAST or known["accuracy"].nunique() == 1:
        return np.nan, np.nan
    rounding = _ROUNDING * known[["value", "noise"]].abs().max(axis=None)
    least = np.nanmax([known["noise"].median(), rounding])
    low, high = np.quantile(known["value"], [0.25, 0.75])
    if not high - low > least:
        return np.nan, np.nan
    found = spearmanr(known["value"], known["accuracy"])
    return float(found.statistic), float(found.pvalue)


def means_taken_away(result: StudyResult) -> str:
    """Say why distances are missing behind ``z2``, where they are.

    Parameters
    ----------
    result : StudyResult

    Returns
    -------
    str
        Empty when each normalisation has the same distances.
    """
    found: dict[str, set[str]] = {}
    for panel in distance_panels(result):
        found.setdefault(panel.normalization, set()).add(panel.distance)
    if "z2" not in found or not found.get("none", set()) - found["z2"]:
        return ""
    return (
        "z2 gives everybody the same means, so distances of means say nothing behind it and are "
        "left out"
    )


def distances_figure(result: StudyResult) -> Figure:
    """Draw the accuracy of each person against the distance to all others.

    One line of panels for each normalisation, with one panel for each distance. A grey line from
    zero shows the noise: what the distance is within the person, between two parts of the own
    windows; a dot beside its line lies no farther from the others than that. rho is Spearman's
    rank correlation.

    Parameters
    ----------
    result : StudyResult
        With ``distances``.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    InputError
        When the study measured no distances, or has no source-only row beside them.
    """
    panels = distance_panels(result)
    if not panels:
        raise InputError(
            "this study has no distances beside source-only accuracies, so there is nothing to "
            "draw; run it again with this version of eegtl."
        )
    lines: dict[str, list[DistancePanel]] = {}
    for panel in panels:
        lines.setdefault(panel.normalization, []).append(panel)
    n_columns = max(map(len, lines.values()))
    figure = new_figure(max(3.0 * n_columns, 4.5), 2.9 * len(lines) + 0.2)
    grid = figure.subplots(len(lines), n_columns, squeeze=False, sharey=True)
    for axes in grid.flat:
        axes.set_axis_off()
    for line, (normalization, own) in enumerate(lines.items()):
        for column, panel in enumerate(own):
            axes = grid[line, column]
            axes.set_axis_on()
            _panel(axes, panel.table)
            label(
                axes,
                x=_WORDS.get(panel.distance, drawable(panel.distance)),
                y=f"accuracy of source-only [{normalization}], %" if column == 0 else "",
                title=panel.words,
            )
    reason, n_shown = means_taken_away(result), len(lines.get("z2", []))
    if reason and n_shown < n_columns:
        beside = grid[list(lines).index("z2"), n_shown]
        text = "\n".join(wrap(f"{reason}.", 36))
        write(beside, 0.02, 0.5, text, transform=beside.transAxes, va="center", fontstyle="italic")
    return figure


def _panel(axes: Axes, table: pd.DataFrame) -> None:
    """Draw one distance in one normalisation, each person's noise as a line from zero."""
    plain_axes(axes, grid="both")
    many = len(table) > MANY
    x, y = table["value"].to_numpy(float), 100 * table["accuracy"].to_numpy(float)
    noise = table["noise"].to_numpy(float)
    alpha = 0.35 if many else 0.7
    axes.hlines(y, 0, np.nan_to_num(noise), color=FAINT, linewidth=0.8, alpha=alpha)
    axes.plot(noise, y, "|", color=FAINT, markersize=4 if many else 6, alpha=alpha)
    axes.scatter(x, y, s=12 if many else 22, color=BLUE, alpha=0.75, linewidths=0, zorder=3)
    axes.locator_params(axis="x", nbins=5)
    _name_the_far(axes, table.index, x, y)


def _name_the_far(
    axes: Axes, people: pd.Index, x: NDArray[np.float64], y: NDArray[np.float64]
) -> None:
    """Name the people farthest from the others, where there is room above the dot."""
    known = np.flatnonzero(np.isfinite(x) & np.isfinite(y))
    width, height = 0.09 * np.ptp(axes.get_xlim()), 0.09 * np.ptp(axes.get_ylim())
    for i in sorted(known, key=lambda i: -x[i])[:_N_NAMED]:
        above = (np.abs(x[known] - x[i]) < width) & (y[known] > y[i] - 1e-9)
        above &= (y[known] < y[i] + 2 * height) & (known != i)
        if above.any():
            continue
        axes.annotate(
            drawable(people[i], 10),
            (x[i], y[i]),
            xytext=(0, 5),
            textcoords="offset points",
            ha="center",
            fontsize=SMALL - 0.5,
            color=INK,
            family="DejaVu Sans",
        )
