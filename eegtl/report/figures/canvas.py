"""What all figures share: the sheet, the colours, text that is safe to draw."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont, get_font
from numpy.typing import ArrayLike, NDArray

from ..escape import printable

#: Okabe and Ito's palette: told apart by all common kinds of colour vision
BLUE, ORANGE, GREEN, VERMILION = "#0072B2", "#E69F00", "#009E73", "#D55E00"
PURPLE, SKY, YELLOW, BLACK = "#CC79A7", "#56B4E9", "#F0E442", "#000000"
CLASS_COLOURS = (BLUE, ORANGE, GREEN, PURPLE, VERMILION, SKY, YELLOW, BLACK)
CLASS_MARKERS = ("o", "^", "s", "D", "v", "P", "X", "*")
INK, FAINT, SHADE, WHITE = "#222222", "#767676", "#D9D9D9", "#FFFFFF"
SMALL, NORMAL, LARGE = 8.0, 9.0, 10.0
#: from this number of people on, names are drawn only where they stand out
MANY = 25
#: from this number of strips on, the foot of a plot is out of sight at its head
TALL = 20
#: how far below the middle of a strip its mean stands, where it hides no dot
MEAN_BELOW = 0.31
_FONT = "DejaVu Sans"


def new_figure(width: float, height: float) -> Figure:
    """Make a white sheet that belongs to no window and no global state.

    Parameters
    ----------
    width, height : float
        In inches.

    Returns
    -------
    matplotlib.figure.Figure
    """
    return Figure(figsize=(width, height), layout="constrained", facecolor=WHITE)


def drawable(text: object, limit: int = 40) -> str:
    r"""Make a name from outside fit to be drawn.

    Parameters
    ----------
    text : object
    limit : int
        Longer names are cut.

    Returns
    -------
    str
        On one line; what the font lacks is written as an escape, and a dollar sign starts no
        formula.

    Examples
    --------
    >>> drawable("$a$" + chr(0x4E2D))
    '\\$a\\$\\u4e2d'
    """
    known = _characters()
    shown = "".join(c if ord(c) in known else ascii(c)[1:-1] for c in printable(text))
    if len(shown) > limit:
        shown = shown[: limit - 3] + "..."
    return shown.replace("$", r"\$")


@lru_cache(maxsize=1)
def _characters() -> frozenset[int]:
    """Give the code points that the figures' font can draw."""
    return frozenset(get_font(findfont(FontProperties(family=_FONT))).get_charmap())


def plain_axes(axes: Axes, *, grid: str = "") -> None:
    """Take away the frame where it says nothing, and set legible ticks.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
    grid : {"", "x", "y", "both"}
        Direction of faint lines behind the data.
    """
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color(FAINT)
    axes.tick_params(labelsize=SMALL, colors=INK, labelfontfamily=_FONT)
    axes.set_axisbelow(True)
    if grid:
        axes.grid(True, axis=grid, color=SHADE, linewidth=0.6)  # type: ignore[arg-type]


def numbers_on_top(axes: Axes, n_strips: int) -> None:
    """Repeat the numbers of the x axis above a plot so tall that its foot is out of sight.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
    n_strips : int
        How many lines of dots lie above each other.
    """
    if n_strips > TALL:
        axes.tick_params(axis="x", top=True, labeltop=True)


def label(axes: Axes, *, x: str = "", y: str = "", title: str = "") -> None:
    """Write the names of axes and panel.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
    x, y, title : str
        What is empty is not written.
    """
    if x:
        axes.set_xlabel(x, fontsize=NORMAL, color=INK, fontfamily=_FONT)
    if y:
        axes.set_ylabel(y, fontsize=NORMAL, color=INK, fontfamily=_FONT)
    if title:
        axes.set_title(title, fontsize=LARGE, color=INK, fontfamily=_FONT, loc="left")


def write(
    axes: Axes, x: float, y: float, text: str, *, in_layout: bool = False, **style: Any
) -> None:
    """Write a text into or beside a panel.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
    x, y : float
        In data coordinates unless `style` says otherwise.
    text : str
        Names from outside go through `drawable` before.
    in_layout : bool
        Whether room is made for it, as for a text beside the panel.
    **style
        As for ``Axes.text``.
    """
    defaults: dict[str, Any] = {"fontsize": SMALL, "color": INK, "fontfamily": _FONT}
    axes.text(x, y, text, **(defaults | style)).set_in_layout(in_layout)


def legend(owner: Axes | Figure, handles: list[Any], **style: Any) -> None:
    """Explain marks beside or above the data, never on them.

    Parameters
    ----------
    owner : matplotlib.axes.Axes or matplotlib.figure.Figure
    handles : list
        Artists with labels.
    **style
        As for ``legend``.
    """
    defaults: dict[str, Any] = {
        "frameon": False,
        "prop": FontProperties(family=_FONT, size=SMALL),
        "handletextpad": 0.4,
        "columnspacing": 1.2,
    }
    owner.legend(handles=handles, **(defaults | style))


def stack(values: ArrayLike, width: float, n_levels: int) -> NDArray[np.float64]:
    """Move equal values apart, so that each dot of a strip is seen.

    Parameters
    ----------
    values : array-like of shape (n,)
        Positions along the strip.
    width : float
        Two values closer than this would touch.
    n_levels : int
        How many dots may stand side by side across the strip, unless more values are equal:
        then the largest stack fills the strip, and the others are in proportion to it.

    Returns
    -------
    ndarray of shape (n,)
        Offsets across the strip between -1 and 1, the same on every call: values that touch are
        spread evenly around the middle.

    Examples
    --------
    >>> stack([0.0, 1.0, 1.0], 0.1, 5).tolist()
    [0.0, -0.25, 0.25]
    """
    values = np.asarray(values, dtype=np.float64)
    offsets = np.zeros(len(values))
    finite = np.flatnonzero(np.isfinite(values))
    bins = np.round(values[finite] / width)
    step = 2 / max(n_levels - 1, largest_tie(values, width) - 1, 1)
    for place in np.unique(bins):
        members = finite[bins == place]
        members = members[np.argsort(values[members], kind="stable")]
        n = len(members)
        offsets[members] = step * (np.arange(n) - (n - 1) / 2)
    return offsets


def line_height(tallest: int, many: bool) -> float:
    """Choose the height of one strip, so that its largest stack is more than a solid bar.

    Parameters
    ----------
    tallest : int
        Dots in the largest stack of all strips, see `largest_tie`.
    many : bool
        Whether there are more than `MANY` people.

    Returns
    -------
    float
        In inches.

    Examples
    --------
    >>> line_height(3, many=False), line_height(100, many=True)
    (0.38, 0.8)
    """
    usual = 0.5 if many else 0.38
    return min(max(usual, 0.025 * tallest), 0.8)


def largest_tie(values: ArrayLike, width: float) -> int:
    """Count the dots of the largest stack.

    Parameters
    ----------
    values : array-like of shape (n,)
    width : float
        As in `stack`.

    Returns
    -------
    int

    Examples
    --------
    >>> largest_tie([0.0, 1.0, 1.0, float("nan")], 0.1)
    2
    """
    values = np.asarray(values, dtype=np.float64)
    places = np.round(values[np.isfinite(values)] / width)
    return int(np.unique(places, return_counts=True)[1].max(initial=0))
