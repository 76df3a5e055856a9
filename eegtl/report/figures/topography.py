"""Where on the head, and in which band, the classes differ."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from numpy.typing import NDArray

from ...errors import InputError, SignalError
from ...evaluation import StudyResult
from ...recordings.channels import TEN_TWENTY, positions
from .canvas import INK, NORMAL, SMALL, WHITE, drawable, label, new_figure, plain_axes, write

#: fewer electrodes than this give no map
MIN_ELECTRODES = 8
#: the electrodes' smaller extent on the head must be at least this share of the larger one
_MIN_WIDTH = 0.1
#: the widest ring of the 10-20 system, and how much wider the rim of the head is
_RING, _RIM = ("Fpz", "T7", "Oz", "T8"), 1.25
_COLOURS = "RdBu_r"


def class_effect_figure(result: StudyResult) -> Figure:
    """Draw the effect of each class on each channel and band.

    The effect is the mean over people of (windows of the class - the person's other windows) in
    units of that person's standard deviation within classes. With two classes one says all. A
    montage of at least eight electrodes that do not stand in one line gives maps of the head,
    any other a table of colours.

    Parameters
    ----------
    result : StudyResult
        With ``overview["class_effect"]``.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    InputError
        When the study kept no class effect.
    """
    found = class_effect(result)
    if found is None:
        raise InputError(
            "this study kept no class effect (its features are no full block of channels and "
            "bands, or nobody has several classes), so there is no map to draw; extract a feature "
            "such as 'de' for all bands."
        )
    effect, names = _shown_classes(found)
    reach = max(float(np.nanmax(np.abs(effect))), 1e-6)
    draw = _tables if no_map_of(found) else _maps
    figure, image = draw(effect, names, found, reach)
    bar = figure.colorbar(image, ax=figure.axes, shrink=0.8, aspect=25, pad=0.02)
    bar.set_label("class effect, sd", fontsize=NORMAL, color=INK, family="DejaVu Sans")
    bar.ax.tick_params(labelsize=SMALL)
    bar.outline.set_visible(False)
    return figure


def class_effect(result: StudyResult) -> dict[str, Any] | None:
    """Give the class effect that a study kept, unless it holds no number.

    Parameters
    ----------
    result : StudyResult

    Returns
    -------
    dict or None
        ``overview["class_effect"]``. None also where everybody has one class, such as patients
        and controls: then nobody's classes can be compared.
    """
    found = result.overview.get("class_effect") if result.overview else None
    if not found or not np.isfinite(np.asarray(found["effect"], dtype=float)).any():
        return None
    return dict(found)


def _shown_classes(found: dict[str, Any]) -> tuple[NDArray[np.float64], list[str]]:
    """Leave out the classes that nobody has beside others, and the mirror image of two."""
    effect = np.asarray(found["effect"], dtype=float)
    names = [drawable(name, 20) for name in found["classes"]]
    known = [i for i in range(len(names)) if np.isfinite(effect[i]).any()]
    if len(names) == 2 and known[-1] == 1:
        return effect[1:], [f"{names[1]} minus {names[0]}"]
    return effect[known], [f"{names[i]} minus the rest" for i in known]


def no_map_of(found: dict[str, Any]) -> str:
    """Say why a class effect gives no map of the head.

    Parameters
    ----------
    found : dict
        As `class_effect` gives it.

    Returns
    -------
    str
        Empty when it gives one. Electrodes without a value in some panel do not count.
    """
    effect, _ = _shown_classes(found)
    known = np.flatnonzero(np.isfinite(effect).all(axis=(0, 2)))
    reason = why_no_map([found["channels"][i] for i in known])
    return reason or why_no_map(found["channels"])


def why_no_map(ch_names: Sequence[str]) -> str:
    """Say why a montage gives no map of the head.

    Parameters
    ----------
    ch_names : sequence of str

    Returns
    -------
    str
        Empty when it gives one.

    Examples
    --------
    >>> why_no_map(["TP9", "AF7", "AF8", "TP10"])
    '4 electrodes are too few for a map of the head (8 are needed)'
    >>> why_no_map(TEN_TWENTY)
    ''
    """
    if len(ch_names) < MIN_ELECTRODES:
        return (
            f"{len(ch_names)} electrodes are too few for a map of the head "
            f"({MIN_ELECTRODES} are needed)"
        )
    try:
        points = flat_positions(ch_names)
    except SignalError as error:
        return str(error)
    extents = np.linalg.svd(points - points.mean(axis=0), compute_uv=False)
    if extents[1] < _MIN_WIDTH * extents[0]:
        return "the electrodes stand in one line, which gives no map of the head"
    return ""


def flat_positions(ch_names: Sequence[str]) -> NDArray[np.float64]:
    """Lay the electrodes flat: angle from the top of the head becomes distance from the middle.

    Parameters
    ----------
    ch_names : sequence of str
        Canonical names.

    Returns
    -------
    ndarray of shape (n_channels, 2)
        x to the right, y to the front; azimuthal equidistant projection of the sphere that fits
        the 10-20 electrodes best, with Cz at the top. The circle of radius 1 goes through nasion,
        inion and ears; the ring of Fpz, T7, Oz and T8 is at 0.8, since on the arc from nasion to
        inion the 10-20 system puts it at 40 % from Cz, and the nasion at 50 %.

    Raises
    ------
    SignalError
        When a name has no standard position.
    """
    # |p|^2 = 2 p.c + (r^2 - |c|^2) is linear in the centre c
    frame = positions(TEN_TWENTY)
    system = np.column_stack([2 * frame, np.ones(len(frame))])
    centre = np.linalg.lstsq(system, (frame**2).sum(axis=1), rcond=None)[0][:3]
    up = positions(["Cz"])[0] - centre
    up /= np.linalg.norm(up)
    right = np.array([1.0, 0.0, 0.0])
    right -= (right @ up) * up
    right /= np.linalg.norm(right)
    front = np.cross(up, right)
    rays = positions([*ch_names, *_RING]) - centre
    rays /= np.linalg.norm(rays, axis=1, keepdims=True)
    angle = np.arccos(np.clip(rays @ up, -1, 1))
    radius = angle / (_RIM * angle[len(ch_names) :].mean())
    flat = np.column_stack([rays @ right, rays @ front])
    norm = np.linalg.norm(flat, axis=1, keepdims=True)
    directions = np.divide(flat, norm, out=np.zeros_like(flat), where=norm > 1e-12)
    return (radius[:, None] * directions)[: len(ch_names)]


def _maps(
    effect: NDArray[np.float64], names: list[str], found: dict[str, Any], reach: float
) -> tuple[Figure, AxesImage]:
    """Draw one head a class and band."""
    import mne

    points = flat_positions(found["channels"])
    n_lines, n_columns = len(names), len(found["bands"])
    figure = new_figure(1.75 * n_columns + 1.2, 2.0 * n_lines + 0.4)
    grid = figure.subplots(n_lines, n_columns, squeeze=False)
    for (line, column), axes in np.ndenumerate(grid):
        values = effect[line, :, column]
        known = np.isfinite(values)
        with warnings.catch_warnings():
            # MNE asks matplotlib for a tight layout, which this sheet makes itself
            warnings.filterwarnings("ignore", message=".*layout.*")
            image, _ = mne.viz.plot_topomap(
                values[known],
                points[known],
                axes=axes,
                show=False,
                sphere=(0.0, 0.0, 0.0, 1.0),
                extrapolate="head",
                contours=4,
                cmap=_COLOURS,
                vlim=(-reach, reach),
            )
        if line == 0:
            axes.set_title(drawable(found["bands"][column], 14), fontsize=NORMAL, color=INK)
        if column == 0:
            axes.set_ylabel(names[line], fontsize=NORMAL, color=INK)
    return figure, image


def _tables(
    effect: NDArray[np.float64], names: list[str], found: dict[str, Any], reach: float
) -> tuple[Figure, AxesImage]:
    """Draw one table of channels and bands a class."""
    n_channels, n_bands = effect.shape[1:]
    width, height = 0.62 * n_bands + 1.0, 0.26 * n_channels + 0.9
    n_columns = max(1, min(len(names), int(9.0 // width)))
    n_lines = -(-len(names) // n_columns)
    figure = new_figure(max(width * n_columns + 1.0, 4.2), max(height, 1.8) * n_lines)
    grid = figure.subplots(n_lines, n_columns, squeeze=False)
    for place, axes in enumerate(grid.flat):
        if place >= len(names):
            axes.set_axis_off()
            continue
        image = _table(axes, effect[place], found, reach)
        label(axes, title=names[place])
    return figure, image


def _table(
    axes: Axes, effect: NDArray[np.float64], found: dict[str, Any], reach: float
) -> AxesImage:
    """Draw one table of colours with its numbers."""
    image = axes.imshow(
        effect, cmap=_COLOURS, vmin=-reach, vmax=reach, aspect="auto", interpolation="nearest"
    )
    plain_axes(axes)
    axes.tick_params(length=0)
    bands = [drawable(name, 10) for name in found["bands"]]
    axes.set_xticks(range(len(bands)), bands, rotation=45, ha="right", rotation_mode="anchor")
    axes.set_yticks(range(len(effect)), [drawable(name, 10) for name in found["channels"]])
    for (i, j), value in np.ndenumerate(effect):
        text = f"{round(value, 2) + 0.0:+.2f}" if np.isfinite(value) else ""  # no negative zero
        colour = WHITE if abs(value) > 0.65 * reach else INK
        write(axes, j, i, text, ha="center", va="center", fontsize=6.5, color=colour)
    return image
