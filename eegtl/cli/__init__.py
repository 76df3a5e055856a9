"""The command line: one file per command, which parses, calls and prints.

Nothing heavy is imported before a command runs, so that ``eegtl --help`` is quick.
"""

from __future__ import annotations

from typing import Annotated

import typer

from .. import __version__
from . import bridge, calibrate, doctor, features, record, replay, report, stream, study
from .datasets import datasets_app
from .profile import profile_app
from .sources import sources_app

app = typer.Typer(
    name="eegtl",
    help="EEG of many people -> a classifier of emotion or mental state for one person.",
    epilog="Start with: eegtl study synthetic",
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    add_completion=False,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"eegtl {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """EEG of many people -> a classifier of emotion or mental state for one person."""


app.command(epilog=study.EPILOG)(study.study)
app.command(epilog=features.EPILOG)(features.features)
app.add_typer(sources_app, name="sources")
app.command(epilog=calibrate.EPILOG)(calibrate.calibrate)
app.add_typer(profile_app, name="profile")
app.command(epilog=stream.EPILOG)(stream.stream)
app.command(epilog=replay.EPILOG)(replay.replay)
app.command(epilog=record.EPILOG)(record.record)
app.command(epilog=bridge.EPILOG)(bridge.bridge)
app.command(epilog=report.EPILOG)(report.report)
app.add_typer(datasets_app, name="datasets")
app.command(epilog=doctor.EPILOG)(doctor.doctor)


def main() -> None:
    """Run the command line; the entry point of the ``eegtl`` script."""
    app()
