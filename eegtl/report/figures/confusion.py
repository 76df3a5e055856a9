"""Which class was taken for which."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from ...evaluation import StudyResult
from ..scores import main_rows, row_keys
from .canvas import INK, SMALL, WHITE, drawable, label, new_figure, plain_axes, write

#: with more classes than this, cells are too small for counts
_WITH_COUNTS = 5


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
    number of windows of all people.

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
        When there is no such row.
    """
    keys = main_rows(result) if rows is None else row_keys(result, rows)
    keys = [key for key in keys if (result.confusions["row"] == key).any()]
    names = classes_of(result)
    side = max(2.3, 0.42 * len(names) + 1.0)
    n_columns = min(len(keys), int(9.6 // side))
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
        _matrix(axes, counts, names, place % n_columns == 0, below_is_free)
        label(axes, title=drawable(keys[place], 28))
    figure.supxlabel("predicted class", fontsize=9, color=INK, family="DejaVu Sans")
    figure.supylabel("true class", fontsize=9, color=INK, family="DejaVu Sans")
    return figure


def _matrix(
    axes: Axes, counts: NDArray[np.int64], names: list[str], with_left: bool, with_bottom: bool
) -> None:
    """Draw one matrix."""
    totals = counts.sum(axis=1, keepdims=True)
    shares = np.divide(counts, totals, out=np.zeros(counts.shape), where=totals > 0)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1, interpolation="nearest")
    plain_axes(axes)
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)
    size = SMALL if len(names) <= _WITH_COUNTS else max(5.5, SMALL - 0.25 * len(names))
    for (i, j), share in np.ndenumerate(shares):
        text = f"{100 * share:.0f} %" if len(names) <= _WITH_COUNTS else f"{100 * share:.0f}"
        if len(names) <= _WITH_COUNTS:
            text += f"\n{counts[i, j]}"
        colour = WHITE if share > 0.55 else INK
        write(axes, j, i, text, ha="center", va="center", color=colour, fontsize=size)
    shown = [drawable(name, 14) for name in names]
    turned = 0 if sum(map(len, shown)) <= 9 * 3 - 2 and len(names) <= 3 else 60
    axes.set_xticks(range(len(names)), shown if with_bottom else [""] * len(names))
    axes.set_yticks(range(len(names)), shown if with_left else [""] * len(names))
    for tick in axes.get_xticklabels():
        tick.set_rotation(turned)
        tick.set_horizontalalignment("right" if turned else "center")
        tick.set_rotation_mode("anchor" if turned else "default")
