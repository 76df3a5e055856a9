"""``eegtl bridge``: a board of BrainFlow as an LSL stream."""

from __future__ import annotations

import threading
from typing import Annotated

import typer

from ..errors import InputError
from .problems import one_paragraph
from .say import say
from .stopping import stop_on_signals

EPILOG = (
    "Examples: eegtl bridge --board synthetic  |  eegtl bridge --board cyton --serial-port "
    "/dev/ttyUSB0  |  eegtl bridge --board muse_2 --name Muse  |  eegtl bridge --list. Needs the "
    "extra: pip install 'eegtl[devices]'"
)


def bridge(
    board: Annotated[
        str | None, typer.Option(help="Name of the board.", show_default=False)
    ] = None,
    list_all: Annotated[bool, typer.Option("--list", help="Show the boards there are.")] = False,
    name: Annotated[
        str | None, typer.Option(help="Name of the stream.", show_default="the board's")
    ] = None,
    serial_port: Annotated[str, typer.Option(help="Such as /dev/ttyUSB0 or COM3.")] = "",
    mac_address: Annotated[str, typer.Option(help="Of a Bluetooth board.")] = "",
    serial_number: Annotated[str, typer.Option(help="Of the board.")] = "",
    ip_address: Annotated[str, typer.Option(help="Of a board on the network.")] = "",
    ip_port: Annotated[int, typer.Option(help="Of a board on the network.")] = 0,
    file: Annotated[str, typer.Option(help="Recording that playback_file plays.")] = "",
    master: Annotated[str, typer.Option(help="Board that the recording is of.")] = "",
    duration: Annotated[
        float | None, typer.Option(help="Seconds after which it stops.", show_default="never")
    ] = None,
    network: Annotated[
        bool, typer.Option("--network", help="Let other machines find it, too.")
    ] = False,
) -> None:
    """Publish a board's signal as an LSL stream of microvolts, lost packets as gaps."""
    with one_paragraph("stopped."):
        from ..streaming import boards
        from ..streaming.replay import refuse_no_name

        if list_all:
            say(", ".join(boards.board_names()))
            return
        if board is None:
            raise InputError(
                "no board is named; write for example: eegtl bridge --board synthetic. "
                "'eegtl bridge --list' shows the boards there are."
            )
        if duration is not None and not duration > 0:
            raise InputError(f"--duration must be a positive number of seconds; got {duration:g}.")
        if name is None:
            name = board
        refuse_no_name(name)  # before the board is opened, which takes seconds
        settings = boards.BoardSettings(
            board, serial_port, mac_address, serial_number, ip_address, ip_port, file, master
        )
        stop = threading.Event()
        with stop_on_signals(stop), boards.Board(settings) as open_board:
            say(
                f"{board}: {len(open_board.ch_names)} channels ({' '.join(open_board.ch_names)}), "
                f"{open_board.sfreq:g} Hz; published as {name!r}"
            )
            sent = boards.bridge(
                open_board,
                name,
                stop=stop,
                seconds=duration,
                network=network,
                tell=lambda lost, late: say(
                    f"{lost} packets lost so far" + (f", {late} came too late" if late else "")
                ),
            )
        say(f"sent {sent} samples")
