"""``eegtl replay``: publish a recording as an LSL stream, with a headset's faults on request."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Annotated

import typer

from .problems import one_paragraph
from .say import say
from .stopping import stop_on_signals

EPILOG = (
    "Examples: eegtl replay anna.csv.gz  |  eegtl replay session.xdf --speed 4 --name practice  |  "
    "eegtl replay anna.edf --fault gap@10:0.5 --fault die@30:5. Faults: gap (s), drop (samples), "
    "die (s), channels (s: returns in another order), reorder (samples), nan (s), jump (s)."
)


def replay(
    file: Annotated[Path, typer.Argument(metavar="file", help="A recording: EDF, FIF, XDF, CSV.")],
    speed: Annotated[float, typer.Option(help="1 is real time.")] = 1.0,
    name: Annotated[str, typer.Option(help="Name of the stream.")] = "replay",
    chunk: Annotated[float, typer.Option(help="Seconds of signal sent at a time.")] = 0.04,
    random_chunks: Annotated[
        int | None,
        typer.Option(help="Seed of chunks of random size, 0 or more.", show_default="equal chunks"),
    ] = None,
    fault: Annotated[
        list[str] | None, typer.Option(help="KIND@SECONDS[:SIZE], as often as you like.")
    ] = None,
    wait: Annotated[
        float, typer.Option(help="Seconds to wait for somebody to read before it starts.")
    ] = 10.0,
    stream: Annotated[
        str | None, typer.Option(help="Which stream of an XDF file.", show_default="the EEG")
    ] = None,
    network: Annotated[
        bool, typer.Option("--network", help="Let other machines find it, too.")
    ] = False,
) -> None:
    """Publish a recording as an LSL stream, markers included.

    Stamps keep the rate of the recording, whatever the speed. The stream stays on this machine
    unless --network is given: LSL has no passwords.
    """
    with one_paragraph("stopped."):
        from ..recordings.readers.any_file import read_signal
        from ..streaming.faults import Fault
        from ..streaming.replay import Replay
        from .progress import Progress

        faults = [Fault.parse(text) for text in fault or []]
        data, sfreq, ch_names, marks = read_signal(file, stream=stream)
        seconds = data.shape[1] / sfreq
        markers = [(mark.onset, mark.label) for mark in marks]  # LSL knows no durations
        run = Replay(1e6 * data.T, sfreq, ch_names, name=name, markers=markers, network=network)
        stop = threading.Event()
        with stop_on_signals(stop):
            say(
                f"{file.name}: {len(ch_names)} channels, {sfreq:g} Hz, {seconds:.0f} s, "
                f"{len(markers)} markers; published as {name!r}"
            )
            if wait > 0 and not run.wait_for_reader(wait, stop) and not stop.is_set():
                say("nobody reads it yet; it starts all the same")
            with Progress("seconds sent") as bar:
                run.run(
                    speed=speed,
                    chunk=chunk,
                    random_chunks=random_chunks,
                    faults=faults,
                    stop=stop,
                    progress=lambda done: bar(int(done), int(seconds)),
                )
        say(f"sent {run.n_sent} samples")
        stop.wait(0.5)  # whoever reads takes the last ones
