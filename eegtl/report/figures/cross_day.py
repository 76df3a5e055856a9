"""The curve of the protocol cross-day: accuracy against the sessions that are added."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from ...errors import InputError
from ...evaluation.day_curve import CrossDayCurve
from .canvas import (
    CLASS_COLOURS,
    CLASS_MARKERS,
    FAINT,
    MANY,
    drawable,
    label,
    legend,
    new_figure,
    plain_axes,
)

_POOLS = {
    "others": "sessions of other people",
    "own": "the wearer's own days in between",
    "all": "sessions of others and own days",
}


def cross_day_figure(curve: CrossDayCurve) -> Figure:
    """Draw accuracy against the number of sessions that are added to the first day.

    One panel a pool, one line with and without robust PCA and for each normalisation: the mean
    over people, with its 95 % interval where there are at least five. Thin lines are people. The
    dashed line is the most frequent class.

    Parameters
    ----------
    curve : CrossDayCurve

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    InputError
        When the curve has no point.

    Examples
    --------
    >>> import eegtl
    >>> from eegtl.evaluation import cross_day_curve
    >>> people = eegtl.load("synthetic-days").select(subjects=["w01", "w02"])
    >>> table = eegtl.FeatureExtractor(window=10.0).extract(people)
    >>> figure = cross_day_figure(cross_day_curve(table, (0, 1), pools=["others"], robust=[False]))
    >>> figure.axes[0].get_title(loc="left")
    'added: sessions of other people'
    """
    if curve.table.empty:
        raise InputError("the curve has no point; make one with cross_day_curve.")
    pools = list(dict.fromkeys(curve.table["pool"]))
    flags, modes = curve.table["robust"], curve.table["normalization"]
    kinds = list(dict.fromkeys(zip(flags, modes, strict=True)))
    figure = new_figure(4.4 * len(pools) + 0.6, 3.9)
    panels = figure.subplots(1, len(pools), sharey=True, squeeze=False)[0]
    for axes, pool in zip(panels, pools, strict=True):
        _panel(axes, curve, pool, kinds)
    label(panels[0], y="accuracy of one person, %")
    _explain(figure, curve, kinds)
    return figure


def _panel(axes: Axes, curve: CrossDayCurve, pool: str, kinds: list[tuple[bool, str]]) -> None:
    """Draw the lines of one pool."""
    plain_axes(axes, grid="y")
    points = curve.table[curve.table["pool"] == pool]
    people = curve.people[curve.people["pool"] == pool]
    numbers = list(dict.fromkeys(points["n_sources"]))
    axes.axhline(100 * curve.chance, color=FAINT, linestyle="--", linewidth=1, zorder=1)
    middle = (len(kinds) - 1) / 2
    for place, kind in enumerate(kinds):
        x = np.arange(len(numbers)) + 0.12 * (place - middle)
        colour, marker = CLASS_COLOURS[place % 8], CLASS_MARKERS[place % 8]
        if people["subject"].nunique() <= MANY:
            for _, own in _of(people, kind).groupby("subject", sort=False):
                y = 100 * own["accuracy"].to_numpy()
                axes.plot(x, y, color=colour, linewidth=0.6, alpha=0.35, zorder=2)
        own = _of(points, kind)
        mean = 100 * own["accuracy_mean"].to_numpy()
        axes.plot(x, mean, color=colour, marker=marker, markersize=5, linewidth=1.8, zorder=4)
        low, high = (100 * own[f"accuracy_{end}"].to_numpy() for end in ("low", "high"))
        if np.isfinite(low).all():
            axes.vlines(x, low, high, color=colour, linewidth=1.4, zorder=3)
    axes.set_xticks(range(len(numbers)), [_tick(points, n) for n in numbers])
    axes.set_xlim(-0.5, len(numbers) - 0.5)
    label(
        axes,
        x="sessions added to the first day (in brackets: on average)",
        title=f"added: {_POOLS[pool]}",
    )


def _of(lines: pd.DataFrame, kind: tuple[bool, str]) -> pd.DataFrame:
    robust, normalization = kind
    return lines[(lines["robust"] == robust) & (lines["normalization"] == normalization)]


def _tick(points: pd.DataFrame, n: int | str) -> str:
    """Name a point; below it the mean number that was really added, where that is another."""
    added = float(points.loc[points["n_sources"] == n, "n_added"].mean())
    return str(n) if added == n else f"{n}\n({added:.3g})"


def _explain(figure: Figure, curve: CrossDayCurve, kinds: list[tuple[bool, str]]) -> None:
    """Name the lines above the panels."""
    handles: list[Artist] = []
    for place, (robust, normalization) in enumerate(kinds):
        name = "with robust PCA" if robust else "without"
        handles.append(
            Line2D(
                [],
                [],
                color=CLASS_COLOURS[place % 8],
                marker=CLASS_MARKERS[place % 8],
                markersize=5,
                label=drawable(f"{name}, {normalization}"),
            )
        )
    n = int(curve.table["n_subjects"].max())
    interval = ", 95 % interval" if np.isfinite(curve.table["accuracy_low"]).all() else ""
    people = f"one of {n} people; thick: mean{interval}"
    handles += [
        Line2D([], [], color=FAINT, linewidth=0.6, label=people),
        Line2D([], [], color=FAINT, linestyle="--", label="most frequent class"),
    ]
    legend(figure, handles, loc="outside upper left", ncols=2)
