"""``eegtl stream``: from a headset's LSL stream to calibrated probabilities on LSL."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..errors import InputError
from . import live
from .problems import one_paragraph
from .say import say

EPILOG = (
    "Examples: eegtl stream --profile anna.eegtl --calibrate 60  |  eegtl stream --list  |  "
    "eegtl stream --profile anna.eegtl --name Muse --duration 600 --log today.jsonl. "
    "Without a headset: eegtl replay FILE in another terminal."
)


def stream(
    profile: Annotated[
        Path | None, typer.Option(help="The wearer's profile.", show_default=False)
    ] = None,
    list_all: Annotated[bool, typer.Option("--list", help="Show the streams there are.")] = False,
    name: live.Name = None,
    type_: live.Type = None,
    source_id: live.SourceId = None,
    markers: live.Markers = None,
    unit: live.Unit = None,
    channels: live.Channels = None,
    calibrate: live.Calibrate = 0.0,
    adapt: live.Adapt = "none",
    every: live.Every = 30,
    bad_channels: live.BadChannels = "abstain",
    mains: live.Mains = None,
    amplitude: live.Amplitude = None,
    least_confidence: live.LeastConfidence = 0.0,
    drift: live.DriftReaction = "tell",
    out_name: live.OutName = "eegtl",
    duration: live.Duration = None,
    log: Annotated[
        Path | None, typer.Option(help="Write predictions and events as JSON lines.")
    ] = None,
    find: live.Find = 10.0,
    network: live.Network = False,
) -> None:
    """Read a signal, predict every window, and publish the probabilities.

    Is announced on this machine only, unless --network is given: LSL has no passwords. Ctrl-C ends
    it, with everything written.
    """
    with one_paragraph("stopped."):
        if list_all:
            _list(network)
            return
        if profile is None:
            raise InputError(
                "no profile is named; write for example: eegtl stream --profile anna.eegtl "
                "--calibrate 60. 'eegtl stream --list' shows the streams there are."
            )
        live.run_live(
            live.Wanted(
                profile,
                {"name": name, "type": type_, "source_id": source_id},
                markers,
                unit,
                live.channels_of(channels),
                live.settings_of(calibrate, adapt, every, bad_channels, least_confidence, drift),
                live.limits_of(mains, amplitude),
                out_name,
                duration,
                find,
                network,
                log=log,
            )
        )


def _list(network: bool) -> None:
    from ..streaming import lsl

    found = lsl.find_streams(2.0, network=network)
    for description in found:
        say(str(description))
    if not found:
        say("there are no streams; start a headset's stream, or 'eegtl replay FILE'")
