"""``eegtl bridge``: BrainFlow's synthetic board as a stream that others can use."""

from __future__ import annotations

import threading
import time
from typing import Any

import numpy as np
import pytest
from streaming.transport_programs import eegtl, unique
from typer.testing import CliRunner

from eegtl.cli import app
from eegtl.errors import InputError
from eegtl.streaming import boards
from eegtl.streaming.inlets import SignalInlet
from eegtl.streaming.lsl import Search


def bridge(*args: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["bridge", *args])
    return result.exit_code, result.stdout + result.stderr


def test_boards_are_listed() -> None:
    code, said = bridge("--list")
    assert code == 0
    assert {"synthetic", "cyton", "muse_2"} <= set(said.strip().split(", "))


@pytest.mark.parametrize(
    ("args", "words"),
    [
        ((), "eegtl: InputError: no board is named; write for example: eegtl bridge --board"),
        (("--board", "x"), "eegtl: InputError: BrainFlow knows no board 'x'; it knows "),
        (
            ("--board", "synthetic", "--duration", "-5"),
            "eegtl: InputError: --duration must be a positive number of seconds; got -5.",
        ),
        (
            ("--board", "synthetic", "--duration", "nan"),
            "eegtl: InputError: --duration must be a positive number of seconds; got nan.",
        ),
        (
            ("--board", "synthetic", "--name", ""),
            "eegtl: InputError: a stream needs a name, by which others find it; got ''. Give one",
        ),
        (("--board", "cyton", "--serial-port", "/dev/none"), "'cyton' cannot be opened ("),
    ],
)
def test_errors(args: tuple[str, ...], words: str) -> None:
    code, said = bridge(*args)
    assert code == 2
    assert words in said


def test_a_board_is_a_stream_of_microvolts() -> None:
    name = unique("board")
    with eegtl("bridge", "--board", "synthetic", "--name", name) as program:
        program.wait_for(rf"synthetic: 16 channels \(Fz C3 .*\), 250 Hz; published as '{name}'")
        inlet = SignalInlet(Search().find(name=name, seconds=60.0))
        inlet.open()
        said = inlet.description
        assert (said.type, said.sfreq, said.manufacturer) == ("EEG", 250.0, "BrainFlow synthetic")
        assert set(said.units) == {"microvolts"}
        assert said.source_id == f"brainflow-synthetic-{name}"
        values, stamps = np.empty((0, 16)), np.empty(0)
        end = time.monotonic() + 60
        while len(stamps) < 500 and time.monotonic() < end:
            new, times = inlet.pull_raw(0.2)
            values, stamps = np.vstack([values, new]), np.append(stamps, times)
        inlet.close()
        assert program.stop().strip().endswith("samples")
    assert len(stamps) >= 500
    assert 1.0 < np.abs(values).max() < 1e4
    steps = np.diff(stamps)
    assert steps.min() >= 0
    # evenly spaced by the packets' numbers, whatever the batches in which the board was read
    assert np.median(steps) == pytest.approx(1 / 250, rel=0.05)
    assert (len(stamps) - 1) / (stamps[-1] - stamps[0]) == pytest.approx(250, rel=0.1)


class Numbered:
    """A board that has lost and mixed up some packets."""

    name, sfreq, ch_names = "numbered", 250.0, ("a",)

    def __init__(self, *missed: tuple[int, int]) -> None:
        self._missed = list(missed)
        self.n_lost = self.n_late = 0

    def pull(self) -> tuple[np.ndarray, np.ndarray]:
        if self._missed:
            self.n_lost, self.n_late = self._missed.pop(0)
        return np.zeros((2, 1)), np.zeros(2)


def test_what_is_lost_or_late_is_told_once_each_time() -> None:
    told = []
    stop = threading.Event()

    def tell(lost: int, late: int) -> None:
        told.append((lost, late))
        if late == 2:
            stop.set()

    board: Any = Numbered((0, 0), (3, 0), (3, 0), (3, 1), (4, 2))
    assert boards.bridge(board, unique("board"), stop=stop, tell=tell) == 10
    assert told == [(3, 0), (3, 1), (4, 2)]
    with pytest.raises(InputError, match=r"seconds must be positive; got -5\.0\."):
        boards.bridge(board, unique("board"), stop=stop, seconds=-5.0)
    with pytest.raises(InputError, match=r"a stream needs a name, .* got ''"):
        boards.bridge(board, "", stop=stop)


def test_channels_without_names_are_numbered(monkeypatch: pytest.MonkeyPatch) -> None:
    shim = boards._brainflow().BoardShim
    monkeypatch.setattr(shim, "get_eeg_names", lambda board: ["Fz"])
    named = boards.Board(boards.BoardSettings("synthetic")).ch_names
    assert named == tuple(f"channel {i + 1}" for i in range(16))
