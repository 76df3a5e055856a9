"""What each person gains or loses by a method, compared with its source-only row."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from ...errors import InputError
from ...evaluation import StudyResult
from ..scores import baselines, differences, has_intervals, interval_of, row_keys
from .canvas import (
    BLACK,
    BLUE,
    INK,
    MANY,
    MEAN_BELOW,
    SHADE,
    SMALL,
    VERMILION,
    drawable,
    label,
    largest_tie,
    legend,
    line_height,
    new_figure,
    numbers_on_top,
    plain_axes,
    stack,
    write,
)

#: a loss of this many points is named
NAMED_LOSS = 5.0
#: dots closer than so many points would touch
_TOUCHING = 1.2


def differences_figure(
    result: StudyResult, *, metric: str = "accuracy", rows: Iterable[str] | None = None
) -> Figure:
    """Draw each person's difference to source-only, one strip a row of the table.

    Strips are grouped by the row they are compared with. Circles gain or stay, triangles lose;
    people whose differences are equal stand in one stack, the higher the more they are. The one
    who loses most is named where the loss is at least five points, and the number of those who
    lose stands at the right.

    Parameters
    ----------
    result : StudyResult
    metric : {"accuracy", "balanced_accuracy", "macro_f1", "trial_accuracy"}
    rows : iterable of str, optional
        Keys such as ``"tca [z2]"``; by default all that are compared with another row.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    InputError
        When no row is compared with another, or there is no such row or score.
    """
    deltas = 100 * differences(result, metric)
    asked = set(row_keys(result, rows))
    deltas = deltas[[key for key in deltas if key in asked]]
    if deltas.shape[1] == 0:
        raise InputError(
            "none of these rows is compared with a source-only row, so there are no differences "
            "to draw; choose rows whose delta_accuracy is a number."
        )
    groups = _groups(deltas, baselines(result))
    n_lines = deltas.shape[1] + len(groups)
    many = len(deltas) > MANY
    tallest = max(largest_tie(values, _TOUCHING) for _, values in deltas.items())
    figure = new_figure(9.0, line_height(tallest, many) * n_lines + 1.2)
    axes = figure.subplots()
    plain_axes(axes, grid="x")
    axes.axvline(0, color=INK, linewidth=1, zorder=2)
    place = 0
    ticks: list[tuple[int, str]] = []
    for base, keys in groups.items():
        axes.axhspan(place - 0.42, place + 0.42, color=SHADE, alpha=0.55, linewidth=0, zorder=1)
        ticks.append((place, f"compared with {drawable(base)}"))
        for key in keys:
            place += 1
            ticks.append((place, drawable(key)))
            _strip(axes, result, key, deltas[key], place, many, metric == "accuracy")
        place += 1
    axes.set_yticks([t for t, _ in ticks], [text for _, text in ticks])
    for tick, (_, text) in zip(axes.get_yticklabels(), ticks, strict=True):
        if text.startswith("compared with"):
            tick.set_fontstyle("italic")
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(place - 0.4, -0.6)
    reach = max(5.0, float(np.nanmax(np.abs(deltas.to_numpy()))))
    axes.set_xlim(-1.25 * reach, 1.08 * reach)
    numbers_on_top(axes, n_lines)
    label(axes, x=f"difference of one person, points of {metric.replace('_', ' ')}")
    _explain(figure, with_interval=metric == "accuracy" and has_intervals(result))
    return figure


def _groups(deltas: pd.DataFrame, bases: dict[str, str]) -> dict[str, list[str]]:
    """Put the rows that are compared with the same row together."""
    groups: dict[str, list[str]] = {}
    for key in deltas:
        groups.setdefault(bases[key], []).append(key)
    return groups


def _strip(
    axes: Axes,
    result: StudyResult,
    key: str,
    deltas: pd.Series,
    place: int,
    many: bool,
    with_interval: bool,
) -> None:
    """Draw one row: dots, mean and interval, the one who loses most, the number of losers."""
    values = deltas.to_numpy(dtype=float)
    heights = place - 0.08 + 0.26 * stack(values, _TOUCHING, 7 if many else 5)
    size = 9 if many else 20
    for part, colour, marker in ((values >= 0, BLUE, "o"), (values < 0, VERMILION, "v")):
        axes.scatter(
            values[part],
            heights[part],
            s=size,
            color=colour,
            marker=marker,
            alpha=0.65,
            linewidths=0,
            zorder=3,
        )
    below = place + MEAN_BELOW
    interval = interval_of(result, key, "delta") if with_interval else None
    if interval is not None:
        ends = [100 * interval[0], 100 * interval[1]]
        axes.plot(ends, [below, below], color=BLACK, linewidth=1.6, zorder=4)
    mean = float(np.nanmean(values))
    axes.scatter([mean], [below], marker="D", s=22, color=BLACK, edgecolors="white", zorder=5)
    worst = int(np.nanargmin(values))
    if values[worst] <= -NAMED_LOSS:
        axes.annotate(
            drawable(deltas.index[worst], 14),
            (values[worst], heights[worst]),
            xytext=(-5, 0),
            textcoords="offset points",
            ha="right",
            va="center",
            fontsize=SMALL - 0.5,
            color=VERMILION,
            family="DejaVu Sans",
        )
    lose = f"{int((values < 0).sum())} of {int(np.isfinite(values).sum())} lose"
    beside = axes.get_yaxis_transform()
    write(axes, 1.01, place, lose, in_layout=True, transform=beside, va="center")


def _explain(figure: Figure, *, with_interval: bool) -> None:
    """Name the marks above the strips."""
    mean = "mean, 95 % interval" if with_interval else "mean"
    handles = [
        Line2D([], [], marker="o", linestyle="", color=BLUE, markersize=5, label="gains or stays"),
        Line2D([], [], marker="v", linestyle="", color=VERMILION, markersize=5, label="loses"),
        Line2D([], [], marker="D", color=BLACK, markersize=5, markeredgecolor="white", label=mean),
    ]
    legend(figure, handles, loc="outside upper left", ncols=len(handles))
