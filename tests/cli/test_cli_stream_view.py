"""What `eegtl stream` shows, on a terminal and elsewhere."""

from __future__ import annotations

import io
import sys
from dataclasses import replace

import pytest

from eegtl.cli.stream_view import StreamView
from eegtl.streaming import Event, Prediction

SURE = Prediction(
    time=12.5,
    onset=10.5,
    sample=3200,
    probabilities=(0.8, 0.2),
    label="calm",
    confidence=0.6,
    quality=1.0,
    abstain=False,
    reason="",
    lag=0.038,
    adapted=True,
)
UNSURE = replace(SURE, label="", abstain=True, reason="bad channels: AF7")


def view() -> StreamView:
    return StreamView(("calm", "tense\x1b[2J"), ("TP9", "AF7"))


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def test_lines_where_there_is_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    with view() as shown:
        shown.event(Event("state", 4.0, 10, {"from": "waiting", "to": "settling"}))
        shown.event(Event("mark", 5.0, 20, {"label": "calm"}))
        shown.prediction(SURE)
        shown.prediction(UNSURE)
        shown.prediction(replace(SURE, lag=-152.2))
    lines = capsys.readouterr().out.splitlines()
    assert lines == [
        "4.000  state  from=waiting to=settling",
        "12.500  calm=0.80 tense\\x1b[2J=0.20  calm  lag 38 ms",
        "12.500  calm=0.80 tense\\x1b[2J=0.20  abstains (bad channels: AF7)  lag 38 ms",
        "12.500  calm=0.80 tense\\x1b[2J=0.20  calm  152 s ahead of time",
    ]


def test_a_picture_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "100")
    with view() as shown:
        shown.event(Event("state", 4.0, 10, {"from": "calibrating", "to": "predicting"}))
        shown.event(Event("bad_channels", 12.0, 30, {"AF7": ["mains", "flat"]}))
        shown.prediction(UNSURE)
    drawn = terminal.getvalue()
    for words in (
        "predicting",
        "TP9 good   AF7 mains/flat",
        "lag 38 ms   confidence 0.60",
        "calm         ################----  0.80",
        "####----------------  0.20",
        "abstains: bad channels: AF7",
        "12.000  bad_channels  AF7=['mains', 'flat']",
    ):
        assert words in drawn, words
    assert "\x1b[2J" not in drawn
