"""What calibration brings: score against seconds."""

from __future__ import annotations

from matplotlib.figure import Figure

from ...errors import InputError
from ...personalize.candidates import SAFE
from ...personalize.plan import USUAL, Plan
from .canvas import CLASS_COLOURS, CLASS_MARKERS, FAINT, drawable, label, legend, new_figure
from .canvas import plain_axes as plain


def calibration_figure(
    plan: Plan, name: str, kind: str = USUAL, seconds: float | None = None
) -> Figure:
    """Draw what to expect of a candidate against the seconds of calibration.

    Parameters
    ----------
    plan : Plan
    name : str
        The candidate.
    kind : str
        Of the block.
    seconds : float, optional
        Length of the wearer's block, shown as a line.

    Returns
    -------
    matplotlib.figure.Figure
        Mean over source people who played the wearer, the interval for one new person, and each
        of them as a thin line; dashed what the others' model does without calibration.

    Raises
    ------
    InputError
        When there is no score.
    """
    durations, expected = plan.curve(name, kind)
    if not durations:
        raise InputError(f"there is no score of {name!r} with blocks of the kind {kind!r}.")
    figure = new_figure(5.6, 3.9)
    axes = figure.subplots()
    plain(axes, grid="y")
    level = 100 * expected[0].level
    low, high = ([100 * getattr(e, end) for e in expected] for end in ("low", "high"))
    axes.fill_between(
        durations,
        low,
        high,
        color=CLASS_COLOURS[0],
        alpha=0.15,
        linewidth=0,
        label=f"{level:.0f} % of new people",
    )
    for person in range(plan.n_people):
        own = [
            plan.guarded(name, plan.lengths.index(duration), kind)[person] for duration in durations
        ]
        axes.plot(durations, [100 * score for score in own], color=FAINT, linewidth=0.6)
    mean = [100 * e.mean for e in expected]
    axes.plot(
        durations,
        mean,
        color=CLASS_COLOURS[0],
        marker=CLASS_MARKERS[0],
        linewidth=1.8,
        label=drawable(f"{name}: mean of {plan.n_people} source people"),
    )
    safe_at, safe = plan.curve(SAFE, kind)
    axes.plot(
        safe_at,
        [100 * e.mean for e in safe],
        color=CLASS_COLOURS[1],
        linestyle="--",
        label="without calibration",
    )
    if seconds:
        axes.axvline(seconds, color=FAINT, linestyle=":", label="this wearer's block")
    axes.set_xticks(durations)
    label(axes, x="seconds of calibration", y="balanced accuracy, %")
    legend(figure, axes.get_legend_handles_labels()[0], loc="outside upper left", ncols=2)
    return figure
