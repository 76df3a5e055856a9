"""A headset in a process of its own: plays an array over LSL; started as a program by the tests.

The first argument is a file of `numpy.savez` (``volts``, ``sfreq``, ``ch_names``, ``markers`` with
``times`` and ``labels``), the second the name; further ones are ``key=value`` for `Replay.run`.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np

from eegtl.streaming.faults import Fault
from eegtl.streaming.replay import CHUNK, Replay


def write(path: Path, volts: Any, ch_names: tuple[str, ...], sfreq: float, marks: Any = ()) -> Path:
    """Write what a producer plays; marks are (seconds, label)."""
    times = np.array([time for time, _ in marks], dtype=float)
    labels = np.array([label for _, label in marks], dtype=str)
    np.savez(path, volts=volts, ch_names=ch_names, sfreq=sfreq, times=times, labels=labels)
    return path


def main() -> None:
    """Play once somebody reads, or at once where ``wait=0``."""
    file, name, *more = sys.argv[1:]
    options = dict(item.split("=", 1) for item in more)
    held = np.load(file)
    marks = list(zip(held["times"].tolist(), held["labels"].tolist(), strict=True))
    names = tuple(map(str, held["ch_names"]))
    player = Replay(1e6 * held["volts"].T, float(held["sfreq"]), names, name=name, markers=marks)
    print("published", flush=True)
    if not player.wait_for_reader(float(options.get("wait", 90.0))):
        print("nobody reads", flush=True)
    print("plays", flush=True)
    player.run(
        speed=float(options.get("speed", 1.0)),
        chunk=float(options.get("chunk", CHUNK)),
        random_chunks=None if "chunk" in options else 3,
        faults=[Fault.parse(text) for text in options.get("faults", "").split(",") if text],
    )
    print(f"sent {player.n_sent} start {player.start!r}", flush=True)
    sys.stdin.readline()  # the stream stays until it is told to end


if __name__ == "__main__":
    main()
