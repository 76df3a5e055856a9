"""What happened in a session, in a sentence for the wearer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..report.escape import printable
from ..streaming.events import Event

#: Events that are not worth a line of their own.
QUIET = ("mark",)
_STATES = {
    "waiting": "waiting for the signal",
    "settling": "filters settle",
    "calibrating": "calibrating",
    "predicting": "predicting",
    "stale": "the signal is gone",
}


def in_words(event: Event) -> str:
    """Say an event in a sentence.

    Parameters
    ----------
    event : Event

    Returns
    -------
    str
        Printable; events without a sentence of their own have their name and details.

    Examples
    --------
    >>> in_words(Event("gap", 12.0, 3000, {"seconds": 0.14}))
    'gap of 0.14 s in the signal: filters and windows restart'
    """
    known = _SENTENCES.get(event.event)
    try:
        if known is not None:
            return printable(known(event.details))
    except (KeyError, TypeError, ValueError):
        pass  # details of another kind are shown as they are
    details = " ".join(f"{key}={value}" for key, value in event.details.items())
    return printable(f"{event.event}  {details}".rstrip())


def _bad_channels(details: Mapping[str, Any]) -> str:
    if not details:
        return "all channels are good again"
    return "bad: " + ", ".join(f"{name} ({', '.join(kinds)})" for name, kinds in details.items())


def _adapted(details: Mapping[str, Any]) -> str:
    how = {"inductive": "nothing of the wearer"}.get(
        details["information"], f"{details['n_windows']} windows, {details['information']}"
    )
    return f"the model is adapted ({details['kind']}: {how})"


_SENTENCES: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "state": lambda d: _STATES[d["to"]],
    "gap": lambda d: f"gap of {d['seconds']:.2f} s in the signal: filters and windows restart",
    "clock_jump": lambda d: f"the clock jumped by {d['seconds']:+.3g} s: as after a gap",
    "left_out": lambda d: (
        f"{d['late']} late samples and {d['without_stamp']} without a stamp were left out"
    ),
    "no_signal": lambda d: f"no signal in {', '.join(d['channels']) or 'any channel'}",
    "bad_channels": _bad_channels,
    "rate": lambda d: (
        f"{d['effective']:.1f} samples a second instead of {d['nominal']:g}"
        + ("" if d["usable"] else ": its windows are not used")
    ),
    "adapt_requested": lambda d: f"adapting ({d['kind']})",
    "adapted": _adapted,
    "adaptation_failed": lambda d: f"the model stays as it was: {d['error']}",
    "reset": lambda d: "the model has forgotten the wearer",
    "stale": lambda d: f"no samples for {d['seconds']:.1f} s",
    "lost": lambda d: f"the stream is lost ({d['why']}); looking for it",
    "unusable": lambda d: f"it is back, but cannot be used: {d['why']}",
    "connected": lambda d: "the stream is back",
    "changed": lambda d: f"the stream is another: {d['what']}",
    "skipped": lambda d: f"processing fell behind: {d['seconds']:.1f} s of signal are skipped",
    "sink_failed": lambda d: f"{d['what']} cannot be written any more: {d['why']}",
    "recording_failed": lambda d: f"the recording cannot be written any more: {d['why']}",
    "drift": lambda d: (
        f"the signal has left the calibration's range for minutes ({d['distance']:.2f} spreads, "
        f"limit {d['limit']:.2f})"
    ),
    "drift_over": lambda d: f"the signal is back in range ({d['distance']:.2f} spreads)",
    "drift_unwatched": lambda d: f"drift is not watched, since {d['why']}",
    "recalibrate": lambda d: "please calibrate again",
    "labels_replaced": lambda d: (
        "the labels of the profile's calibration count no more, since this one had none"
    ),
    "follows": lambda d: f"from now on the model follows the wearer ({d['mode']})",
    "cannot_follow": lambda d: f"the model cannot follow, since {d['why']}",
    "early_mark": lambda d: f"the mark {d['label']!r} is for {d['seconds']:.0f} s from now",
    "late_mark": lambda d: f"the mark {d['label']!r} came {d['seconds']:.2f} s late",
    "mark_lost": lambda d: f"the mark {d['label']!r} is lost: {d['why']}",
    "markers_lost": lambda d: f"the markers are lost: {d['why']}",
    "foreign_clock": lambda d: f"the stamps are of another clock, {d['seconds']:.0f} s apart",
}
