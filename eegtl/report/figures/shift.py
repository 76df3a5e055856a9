"""The windows of all people in two dimensions, before and after z-scores by person."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke
from numpy.typing import NDArray

from ...errors import InputError
from ...evaluation import StudyResult
from .canvas import (
    CLASS_COLOURS,
    CLASS_MARKERS,
    FAINT,
    INK,
    MANY,
    NORMAL,
    WHITE,
    drawable,
    label,
    legend,
    new_figure,
    plain_axes,
    write,
)

#: inches: a panel, a letter's width and a line's height in a name, the note in the upper left
_PANEL, _CORNER = np.array([4.1, 3.6]), np.array([1.1, 0.25])
_LETTER, _LINE = 0.092, 0.15
_TITLES = {"none": "before: everybody on one scale", "z2": "after z2: each person on an own scale"}


def shift_figure(result: StudyResult) -> Figure:
    """Draw the windows on the first two principal components, before and after ``z2``.

    Above, colours are people; below, they are classes, which have a marker each in all panels.
    Where the clouds above lie apart, people differ by more than their classes do; then people are
    named, except where a name would be written over another.

    Parameters
    ----------
    result : StudyResult
        With ``overview["map"]``.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    InputError
        When the study kept no map.
    """
    found = result.overview.get("map") if result.overview else None
    if not found:
        raise InputError(
            "this study kept no map of its windows (overview['map'] is empty), so the shift "
            "cannot be drawn; run it again with this version of eegtl."
        )
    figure = new_figure(9.0, 8.4)
    grid = figure.subplots(2, 2, squeeze=False)
    subject, labels = np.asarray(found["subject"]), np.asarray(found["label"])
    for column, name in enumerate(_TITLES):
        points = np.column_stack([found[name]["x"], found[name]["y"]])
        for line, by_person in enumerate((True, False)):
            axes = grid[line, column]
            _cloud(axes, points, subject, labels, found, by_person)
            _limits(axes, points)
            if by_person:
                label(axes, title=_TITLES[name])
                _names(axes, points, subject, found["subjects"])
            share = [100 * value for value in found["explained"][name]]
            below = f"component 1, {share[0]:.0f} % of the variance"
            label(axes, x=below if line else "", y=f"component 2, {share[1]:.0f} %")
    style: dict[str, Any] = {"va": "top", "fontstyle": "italic", "fontsize": NORMAL}
    for axes, words in zip(grid[:, 0], ("colour: person", "colour: class"), strict=True):
        write(axes, 0.01, 0.99, words, transform=axes.transAxes, **style)
    _explain(figure, found["classes"])
    return figure


def _cloud(
    axes: Axes,
    points: NDArray[np.float64],
    subject: NDArray[Any],
    labels: NDArray[Any],
    found: dict[str, Any],
    by_person: bool,
) -> None:
    """Scatter the windows; the points become a picture, so that the file stays small."""
    plain_axes(axes)
    axes.tick_params(labelbottom=False, labelleft=False, length=0)
    colours = (
        person_colours(len(found["subjects"]))[subject]
        if by_person
        else np.array([CLASS_COLOURS[i % len(CLASS_COLOURS)] for i in labels])
    )
    for code in np.unique(labels):
        part = labels == code
        axes.scatter(
            points[part, 0],
            points[part, 1],
            c=colours[part],
            marker=CLASS_MARKERS[code % len(CLASS_MARKERS)],
            s=11,
            alpha=0.55,
            linewidths=0,
            rasterized=True,
        )


def person_colours(n_people: int) -> NDArray[np.float64]:
    """Give each person a colour; neighbours in the order of the study differ.

    Parameters
    ----------
    n_people : int

    Returns
    -------
    ndarray of shape (n_people, 4)
        Along a colour map whose lightness rises, so that it can be told apart by every kind of
        colour vision; with many people colours come close, and only the clouds count.
    """
    stride = next(k for k in (7, 5, 3, 2, 1) if np.gcd(k, n_people) == 1 or k == 1)
    places = (stride * np.arange(n_people)) % max(n_people, 1)
    return np.asarray(colormaps["viridis"](0.97 * places / max(n_people - 1, 1)))


def _limits(axes: Axes, points: NDArray[np.float64]) -> None:
    """Leave the utmost half percent of the windows outside, so that none stretches the panel."""
    low, high = np.quantile(points, [0.005, 0.995], axis=0)
    margin = 0.12 * np.maximum(high - low, 1e-9)
    axes.set_xlim(low[0] - margin[0], high[0] + margin[0])
    axes.set_ylim(low[1] - margin[1], high[1] + margin[1])


def _names(
    axes: Axes, points: NDArray[np.float64], subject: NDArray[Any], people: list[str]
) -> None:
    """Write people's names at the middle of their clouds, where clouds and names lie apart."""
    middles = np.array([np.median(points[subject == i], axis=0) for i in range(len(people))])
    spread = np.median([points[subject == i].std(axis=0).mean() for i in range(len(people))])
    apart = middles.std(axis=0).mean() > spread
    if len(people) > MANY or not apart:
        return
    style: dict[str, Any] = {"ha": "center", "va": "center", "fontweight": "bold", "clip_on": True}
    halo = [withStroke(linewidth=2.2, foreground=WHITE)]
    shown = [drawable(name, 10) for name in people]
    for i in names_with_room(middles, shown, axes.get_xlim(), axes.get_ylim()):
        write(axes, middles[i, 0], middles[i, 1], shown[i], path_effects=halo, **style)


def names_with_room(
    middles: NDArray[np.float64],
    names: list[str],
    x_limits: tuple[float, float],
    y_limits: tuple[float, float],
) -> list[int]:
    """Choose the names that can be written without touching each other.

    Parameters
    ----------
    middles : ndarray of shape (n_people, 2)
        Where they would be written.
    names : list of str
    x_limits, y_limits : (float, float)
        Of the panel.

    Returns
    -------
    list of int
        Those farthest from the middle of all come first, since they stand out.

    Examples
    --------
    >>> middles = np.array([[0.2, 0.2], [0.21, 0.2], [0.7, 0.7]])
    >>> names_with_room(middles, ["a", "b", "c"], (0.0, 1.0), (0.0, 1.0))
    [2, 0]
    """
    low, high = np.array([x_limits, y_limits]).T
    places = (middles - low) / (high - low) * _PANEL  # in inches
    sizes = np.array([(_LETTER * len(name), _LINE) for name in names])
    boxes, chosen = [(_CORNER / 2 + [0, _PANEL[1] - _CORNER[1]], _CORNER)], []
    for i in np.argsort(-np.linalg.norm(places - np.median(places, axis=0), axis=1), kind="stable"):
        inside = (places[i] > sizes[i] / 2).all() and (places[i] < _PANEL - sizes[i] / 2).all()
        free = all((np.abs(places[i] - at) > (sizes[i] + size) / 2).any() for at, size in boxes)
        if inside and free:
            boxes.append((places[i], sizes[i]))
            chosen.append(int(i))
    return chosen


def _explain(figure: Figure, classes: list[str]) -> None:
    """Name the markers of the classes."""
    handles = [
        Line2D(
            [],
            [],
            linestyle="",
            marker=CLASS_MARKERS[i % len(CLASS_MARKERS)],
            color=CLASS_COLOURS[i % len(CLASS_COLOURS)],
            markeredgecolor=INK if i >= len(CLASS_COLOURS) else FAINT,
            markeredgewidth=0.3,
            markersize=6,
            label=drawable(name, 20),
        )
        for i, name in enumerate(classes)
    ]
    legend(figure, handles, loc="outside upper right", ncols=min(len(handles), 6))
