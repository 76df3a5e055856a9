"""Whether a person far from the others scores worse."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray
from scipy.stats import spearmanr

from ...errors import InputError
from ...evaluation import StudyResult
from ..scores import scores_by_person
from .canvas import BLUE, FAINT, INK, MANY, SMALL, drawable, label, new_figure, plain_axes

#: what the panels call the distances of eegtl.transfer.distances
_WORDS = {
    "mean_gap": "gap between the means, in sd",
    "mmd_linear": "MMD², linear kernel",
    "mmd_rbf": "MMD², Gaussian kernel",
}
_N_NAMED = 3
#: fewer people have no rank correlation; smaller differences are rounding
_LEAST, _ROUNDING = 4, 1e-6


def distance_panels(result: StudyResult) -> list[tuple[str, str, pd.DataFrame, float]]:
    """Put each person's distance to the others beside the source-only accuracy.

    Parameters
    ----------
    result : StudyResult
        With ``distances``.

    Returns
    -------
    list of (normalization, distance, table, rho)
        One entry for each pair for which there is a source-only row. The table has the columns
        ``value, noise, accuracy`` by person; rho is Spearman's rank correlation of distance and
        accuracy, NaN with fewer than four people or when one of them does not vary beyond rounding
        (as the gap between the means, which z2 takes away).
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
        panels.append((str(normalization), str(name), table, _rank_correlation(table)))
    return panels


def _rank_correlation(table: pd.DataFrame) -> float:
    """Correlate distance and accuracy, unless all distances are alike up to rounding."""
    known = table.dropna(subset=["value", "accuracy"])
    scale = float(known[["value", "noise"]].abs().max(axis=None)) if len(known) else 0.0
    if len(known) < _LEAST or not np.ptp(known["value"]) > _ROUNDING * scale:
        return np.nan
    if known["accuracy"].nunique() == 1:
        return np.nan
    return float(spearmanr(known["value"], known["accuracy"]).statistic)


def distances_figure(result: StudyResult) -> Figure:
    """Draw the accuracy of each person against the distance to all others.

    One line of panels for each normalisation, one column for each distance; bars show the noise
    of a distance, rho is Spearman's rank correlation.

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
    lines = list(dict.fromkeys(normalization for normalization, *_ in panels))
    columns = list(dict.fromkeys(name for _, name, *_ in panels))
    figure = new_figure(max(3.0 * len(columns), 4.5), 2.9 * len(lines) + 0.2)
    grid = figure.subplots(len(lines), len(columns), squeeze=False, sharey=True)
    for axes in grid.flat:
        axes.set_axis_off()
    for normalization, name, table, rho in panels:
        line, column = lines.index(normalization), columns.index(name)
        axes = grid[line, column]
        axes.set_axis_on()
        _panel(axes, table)
        words = "nothing to correlate" if np.isnan(rho) else f"rho = {rho:+.2f}".replace("-", "−")
        label(
            axes,
            x=_WORDS.get(name, drawable(name)),
            y=f"accuracy of source-only [{normalization}], %" if column == 0 else "",
            title=words,
        )
    return figure


def _panel(axes: Axes, table: pd.DataFrame) -> None:
    """Draw one distance in one normalisation."""
    plain_axes(axes, grid="both")
    many = len(table) > MANY
    x, y = table["value"].to_numpy(float), 100 * table["accuracy"].to_numpy(float)
    noise = np.nan_to_num(table["noise"].to_numpy(float))
    axes.errorbar(
        x, y, xerr=noise, fmt="none", ecolor=FAINT, elinewidth=0.6, alpha=0.35 if many else 0.7
    )
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
