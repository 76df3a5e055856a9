"""Which class was taken for which."""

from __future__ import annotations

from collections.abc import Iterable
from math import ceil

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from numpy.typing import NDArray

from ...errors import InputError
from ...evaluation import StudyResult
from ..scores import main_rows, row_keys
from .canvas import INK, SMALL, WHITE, drawable, label, new_figure, plain_axes, write

#: with more classes than this, cells are too small for counts, and for any number
WITH_COUNTS, _WITH_SHARES = 5, 12
#: inches: the width of the page, of one matrix at most, of its margin, of one name beside it
_WIDTH, _WIDEST, _MARGIN, _NAME = 9.6, 4.7, 1.0, 0.13


def confusion_counts(result: StudyResult, row: str) -> NDArray[np.int64]:
    """Count the windows of all people by true and predicted class.

    Parameters
    ----------
    result : StudyResult
    row : str
        Key such as ``"tca [z2]"``.

    Returns
    -------
    ndarray of int, shape (n_classes, n_classes)
        Rows are the true classes, columns the predicted ones, in the order of ``classes_of``.
    """
    places = {name: i for i, name in enumerate(classes_of(result))}
    counts = np.zeros((len(places), len(places)), dtype=np.int64)
    own = result.confusions[result.confusions["row"] == row]
    for true, predicted, n in zip(own["true"], own["predicted"], own["n"], strict=True):
        counts[places[str(true)], places[str(predicted)]] += n
    return counts


def classes_of(result: StudyResult) -> list[str]:
    """Name the classes of a study in their order.

    Parameters
    ----------
    result : StudyResult

    Returns
    -------
    list of str
    """
    stated = [str(name) for name in result.facts.get("classes", [])]
    found = map(str, (*result.confusions["true"], *result.confusions["predicted"]))
    return list(dict.fromkeys([*stated, *found]))


def confusion_figure(result: StudyResult, *, rows: Iterable[str] | None = None) -> Figure:
    """Draw confusion matrices side by side.

    Every line of a matrix is one true class and adds up to 100 %; under the share stands the
    number of windows of all people. More than five classes leave no room for those numbers, more
    than twelve none for the shares, and with very many not every class is named.

    Parameters
    ----------
    result : StudyResult
    rows : iterable of str, optional
        Keys such as ``"tca [z2]"``; by default those of `eegtl.report.scores.main_rows`.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    InputError
        When there is no such row, or none of them has a confusion matrix: rows with shuffled
        labels have none.
    """
    keys = main_rows(result) if rows is None else row_keys(result, rows)
    keys = [key for key in keys if (result.confusions["row"] == key).any()]
    if not keys:
        asked = "the rows of this study" if rows is None else "the rows asked for"
        have = [key for key in row_keys(result) if (result.confusions["row"] == key).any()]
        raise InputError(
            f"{asked} have no confusion matrix (shuffled labels have no true classes), so there is "
            f"nothing to draw; rows that have one: {', '.join(have) or 'none'}."
        )
    names = classes_of(result)
    side = min(max(2.3, 0.42 * len(names) + _MARGIN), _WIDEST)
    n_columns = max(1, min(len(keys), int(_WIDTH // side)))
    n_lines = -(-len(keys) // n_columns)
    n_columns = -(-len(keys) // n_lines)
    figure = new_figure(max(side * n_columns, 4.5), (side + 0.25) * n_lines + 0.5)
    grid = figure.subplots(n_lines, n_columns, squeeze=False)
    for place, axes in enumerate(grid.flat):
        if place >= len(keys):
            axes.set_axis_off()
            continue
        below_is_free = place + n_columns >= len(keys)
        counts = confusion_counts(result, keys[place])
        every = ceil(len(names) * _NAME / (side - _MARGIN))
        image = _matrix(axes, counts, names, every, place % n_columns == 0, below_is_free)
        label(axes, title=drawable(keys[place], 28))
    if len(names) > _WITH_SHARES:
        bar = figure.colorbar(image, ax=grid, shrink=min(0.8, 2.5 / n_lines), aspect=25, pad=0.02)
        bar.set_label("share of the true class", fontsize=9, color=INK, family="DejaVu Sans")
        bar.ax.tick_params(labelsize=SMALL)
        bar.outline.set_visible(False)
    figure.supxlabel("predicted class", fontsize=9, color=INK, family="DejaVu Sans")
    figure.supylabel("true class", fontsize=9, color=INK, family="DejaVu Sans")
    return figure


def _matrix(
    axes: Axes,
    counts: NDArray[np.int64],
    names: list[str],
    every: int,
    with_left: bool,
    with_bottom: bool,
) -> AxesImage:
    """Draw one matrix; of the classes, the first of each `every` is named."""
    totals = counts.sum(axis=1, keepdims=True)
    shares = np.divide(counts, totals, out=np.zeros(counts.shape), where=totals > 0)
    image = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1, interpolation="nearest")
    plain_axes(axes)
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)
    size = SMALL if len(names) <= WITH_COUNTS else max(5.5, SMALL - 0.25 * len(names))
    for (i, j), share in np.ndenumerate(shares) if len(names) <= _WITH_SHARES else ():
        text = f"{100 * share:.0f} %" if len(names) <= WITH_COUNTS else f"{100 * share:.0f}"
        if len(names) <= WITH_COUNTS:
            text += f"\n{counts[i, j]}"
        colour = WHITE if share > 0.55 else INK
        write(axes, j, i, text, ha="center", va="center", color=colour, fontsize=size)
    shown = [drawable(name, 14) for name in names]
    turned = 0 if sum(map(len, shown)) <= 9 * 3 - 2 and len(names) <= 3 else 60
    places, shown = range(0, len(names), every), shown[::every]
    axes.set_xticks(places, shown if with_bottom else [""] * len(shown))
    axes.set_yticks(places, shown if with_left else [""] * len(shown))
    for tick in axes.get_xticklabels():
        tick.set_rotation(turned)
        tick.set_horizontalalignment("right" if turned else "center")
        tick.set_rotation_mode("anchor" if turned else "default")
    return image
