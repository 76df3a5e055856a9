"""The score of every person in every row of a study."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from ...evaluation import StudyResult
from ..chance import chance_name
from ..scores import (
    has_intervals,
    interval_of,
    row_keys,
    scores_by_person,
    scores_by_shuffle,
    study_rows,
)
from .canvas import (
    BLACK,
    BLUE,
    FAINT,
    MANY,
    MEAN_BELOW,
    SHADE,
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

#: dots closer than so many points would touch
_TOUCHING = 0.9
_WORDS = {
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced accuracy",
    "macro_f1": "macro F1",
    "trial_accuracy": "accuracy of whole trials",
}


def subjects_figure(
    result: StudyResult, *, metric: str = "accuracy", rows: Iterable[str] | None = None
) -> Figure:
    """Draw one dot a person in one strip a row of the table.

    The diamond is the mean over people, its line the 95 % interval of the mean (accuracy only).
    The grey band is that of the row ``shuffled labels``, in which a dot is a shuffle: the range
    of the shuffles, from 40 on the middle 95 % of them, below 10 none. The dashed line is the row
    ``majority``.

    Parameters
    ----------
    result : StudyResult
    metric : {"accuracy", "balanced_accuracy", "macro_f1", "trial_accuracy"}
    rows : iterable of str, optional
        Keys such as ``"tca [z2]"``; by default all.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    InputError
        When there is no such row or score.
    """
    scores = scores_by_person(result, metric)
    keys = row_keys(result, rows)
    shuffled = {row.key for row in study_rows(result) if row.shuffled}
    many = len(scores) > MANY
    own = [row.key for row in study_rows(result) if row.role != "reference" and row.key in keys]
    tallest = max((largest_tie(100 * scores[key], _TOUCHING) for key in own), default=0)
    figure = new_figure(9.0, (line_height(tallest, many) + 0.03) * len(keys) + 1.3)
    axes = figure.subplots()
    plain_axes(axes, grid="x")
    _chance(axes, result, scores, metric)
    low = 100.0
    for place, key in enumerate(keys):
        is_shuffled = key in shuffled
        column = scores_by_shuffle(result, metric) if is_shuffled else scores[key]
        values = 100 * column.to_numpy(dtype=float)
        low = min(low, float(np.nanmin(values, initial=100.0)))
        offsets = stack(values, _TOUCHING, 9 if many else 5)
        axes.scatter(
            values,
            place - 0.08 + 0.26 * offsets,
            s=9 if many else 20,
            color=FAINT if is_shuffled else BLUE,
            alpha=0.6,
            linewidths=0,
            zorder=3,
        )
        _mean(axes, result, key, place, values, with_interval=metric == "accuracy")
    axes.set_yticks(range(len(keys)), [drawable(key) for key in keys])
    axes.set_ylim(len(keys) - 0.4, -0.6)
    axes.set_xlim(max(0.0, min(low - 4, 40.0)), 101)
    numbers_on_top(axes, len(keys))
    label(axes, x=f"{_WORDS[metric]} of one person, %")
    _explain(figure, result, metric, many)
    return figure


def _chance(axes: Axes, result: StudyResult, scores: pd.DataFrame, metric: str) -> None:
    """Shade what shuffled labels give, and mark what guessing one class gives."""
    chance = result.chance
    if metric == "accuracy" and chance is not None and chance_name(result):
        axes.axvspan(100 * chance["low"], 100 * chance["high"], color=SHADE, zorder=1)
    if "majority [none]" in scores:
        middle = 100 * scores["majority [none]"].mean()
        axes.axvline(middle, color=FAINT, linestyle="--", linewidth=1, zorder=2)


def _mean(
    axes: Axes,
    result: StudyResult,
    key: str,
    place: int,
    values: np.ndarray,
    *,
    with_interval: bool,
) -> None:
    """Mark the mean of one row, its interval, and write both at the right edge."""
    mean, below = float(np.nanmean(values)), place + MEAN_BELOW
    interval = interval_of(result, key, "accuracy") if with_interval else None
    text = f"{mean:.1f}"
    if interval is not None:
        low, high = 100 * interval[0], 100 * interval[1]
        axes.plot([low, high], [below, below], color=BLACK, linewidth=1.6, zorder=4)
        text += f"  ({low:.1f} to {high:.1f})"
    axes.scatter([mean], [below], marker="D", s=22, color=BLACK, edgecolors="white", zorder=5)
    beside = axes.get_yaxis_transform()
    write(axes, 1.01, place, text, in_layout=True, transform=beside, va="center")


def _explain(figure: Figure, result: StudyResult, metric: str, many: bool) -> None:
    """Name the marks above the strips."""
    size, main = 4 if many else 5, metric == "accuracy"
    mean = "mean, 95 % interval" if main and has_intervals(result) else "mean"
    handles: list[Artist] = [
        Line2D([], [], marker="o", linestyle="", color=BLUE, markersize=size, label="one person"),
        Line2D([], [], marker="D", color=BLACK, markersize=5, markeredgecolor="white", label=mean),
    ]
    if main and chance_name(result):
        handles.append(Patch(color=SHADE, label=f"shuffled labels: {chance_name(result)}"))
    handles.append(Line2D([], [], color=FAINT, linestyle="--", label="majority"))
    legend(figure, handles, loc="outside upper left", ncols=len(handles))
