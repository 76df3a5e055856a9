"""What calibration brings: score against seconds."""

from __future__ import annotations

import textwrap

import numpy as np
from matplotlib.figure import Figure

from ...errors import InputError
from ...personalize.candidates import SAFE
from ...personalize.choosing import choose
from ...personalize.plan import USUAL, Plan
from .canvas import CLASS_COLOURS, CLASS_MARKERS, FAINT, drawable, label, legend, new_figure
from .canvas import plain_axes as plain


def calibration_figure(
    plan: Plan, kind: str = USUAL, seconds: float | None = None, *, labelled: bool = False
) -> Figure:
    """Draw what to expect of a wearer's model against the seconds of calibration.

    Parameters
    ----------
    plan : Plan
    kind : str
        Of the block.
    seconds : float, optional
        Length of the wearer's block, shown as a line.
    labelled : bool
        Whether the block has labels.

    Returns
    -------
    matplotlib.figure.Figure
        From no calibration on: mean over source people with what all others' scores choose, the
        interval for one new person, and each of them as a thin line; dashed what the others' model
        does without calibration. Below each length the candidate that a wearer gets.

    Raises
    ------
    InputError
        When there is no score.
    """
    places = plan.places(kind)
    if not places:
        raise InputError(f"there is no score with blocks of the kind {kind!r}.")
    k = plan.kinds.index(kind)
    covered = [float(plan.covered[k, place]) for place in places]
    safe = [plan.expected_of_safe(place, kind) for place in places]
    expected = [safe[0], *(plan.expected(place, kind, labelled=labelled) for place in places)]
    names = [SAFE, *(choose(plan, s, labelled=labelled, kind=kind).name for s in covered)]
    durations = [0.0, *covered]
    figure = new_figure(5.6, 4.1)
    axes = figure.subplots()
    plain(axes, grid="y")
    axes.fill_between(
        durations,
        [100 * e.low for e in expected],
        [100 * e.high for e in expected],
        color=CLASS_COLOURS[0],
        alpha=0.15,
        linewidth=0,
        label=f"{100 * plan.level:.0f} % of new people",
    )
    own = plan.scores[plan.names.index(SAFE), k, places[:1]]
    people = np.concatenate([own, plan.nested[int(labelled), k, places]])
    axes.plot(durations, 100 * people, color=FAINT, linewidth=0.6)
    n_people = {e.n_people for e in expected}
    counted = f"{min(n_people)}" if len(n_people) == 1 else f"{min(n_people)} to {max(n_people)}"
    axes.plot(
        durations,
        [100 * e.mean for e in expected],
        color=CLASS_COLOURS[0],
        marker=CLASS_MARKERS[0],
        linewidth=1.8,
        label=f"mean of {counted} source people",
    )
    axes.plot(
        durations,
        [100 * e.mean for e in (safe[0], *safe)],
        color=CLASS_COLOURS[1],
        linestyle="--",
        label="without calibration",
    )
    if seconds:
        axes.axvline(seconds, color=FAINT, linestyle=":", label="this wearer's block")
    axes.set_xticks(
        durations,
        [
            f"{duration:g}\n" + drawable(textwrap.fill(name, 11))
            for duration, name in zip(durations, names, strict=True)
        ],
        fontsize="small",
    )
    axes.margins(x=0.08)  # room for the names below the first and the last
    label(axes, x="seconds of calibration, and the model for them", y="balanced accuracy, %")
    legend(figure, axes.get_legend_handles_labels()[0], loc="outside upper left", ncols=2)
    return figure
