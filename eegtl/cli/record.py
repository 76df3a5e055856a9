"""``eegtl record``: a live session into one file that can be run again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from . import live
from .problems import one_paragraph

EPILOG = (
    "Examples: eegtl record today.xdf --profile anna.eegtl --calibrate 60  |  "
    "eegtl record run2.xdf --profile anna.eegtl --markers experiment --duration 1200"
)


def record(
    out: Annotated[Path, typer.Argument(metavar="file", help="The XDF file to write.")],
    profile: Annotated[Path, typer.Option(help="The wearer's profile.", show_default=False)],
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
    find: live.Find = 10.0,
    network: live.Network = False,
) -> None:
    """Do what 'eegtl stream' does, and write signal, markers, predictions and events to a file.

    The file is XDF, which pyxdf, MNE and EEGLAB read; it is never overwritten. What a crash
    leaves is FILE.partial, which can be read as it is. eegtl.streaming.rerun gives a session the
    same samples once more.
    """
    with one_paragraph("stopped."):
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
                record=out,
            )
        )
