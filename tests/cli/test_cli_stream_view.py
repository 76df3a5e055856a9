"""What `eegtl stream` shows, on a terminal and elsewhere."""

from __future__ import annotations

import io
import re
import sys
from dataclasses import replace
from pathlib import Path

import pytest

import eegtl.streaming
from eegtl.cli import event_words
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
    return StreamView(
        ("calm", "tense\x1b[2J"), ("TP9", "AF7"), lambda: (23.0, 60.0), lambda: "10:42:07"
    )


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
        shown.event(Event("gap", 12.0, 30, {"seconds": 0.14}))
        shown.event(Event("strange", 12.0, 30, {"what": "\x1b[2J"}))
        shown.prediction(UNSURE)
    drawn = terminal.getvalue()
    for words in (
        "predicting",
        "TP9 good   AF7 mains/flat",
        "lag 38 ms   confidence 0.60",
        "calm         ################----  0.80",
        "####----------------  0.20",
        "abstains: bad channels: AF7",
        "10:42:07  bad: AF7 (mains, flat)",
        "10:42:07  gap of 0.14 s in the signal: filters and windows restart",
        "10:42:07  strange  what=\\x1b[2J",
    ):
        assert words in drawn, words
    assert "\x1b[2J" not in drawn


def test_the_picture_counts_the_calibration(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    monkeypatch.setenv("TERM", "xterm")
    with view() as shown:
        shown.event(Event("state", 4.0, 10, {"from": "settling", "to": "calibrating"}))
    assert "calibrating 23 of 60 s" in terminal.getvalue()


def test_every_event_of_a_session_has_words() -> None:
    """Each kind that the code tells, with the details that it tells it with."""
    source = Path(eegtl.streaming.__file__).parent
    texts = "".join(path.read_text() for path in source.glob("*.py"))
    kinds = set(re.findall(r'(?:_emit|_note)\(\s*(?:session,\s*)?"(\w+)"', texts))
    kinds |= {"gap", "clock_jump", "sink_failed", "recording_failed", "drift", "drift_over"}
    assert kinds - {"mark"} == set(event_words._SENTENCES)


@pytest.mark.parametrize(
    ("event", "details", "words"),
    [
        ("state", {"from": "settling", "to": "stale"}, "the signal is gone"),
        ("bad_channels", {}, "all channels are good again"),
        (
            "adapted",
            {"kind": "calibration", "n_windows": 30, "information": "unlabelled"},
            "the model is adapted (calibration: 30 windows, unlabelled)",
        ),
        (
            "rate",
            {"effective": 200.04, "nominal": 256.0, "usable": False},
            "200.0 samples a second instead of 256: its windows are not used",
        ),
        ("lost", {"why": "gone"}, "the stream is lost (gone); looking for it"),
        ("gap", {"seconds": "long"}, "gap  seconds=long"),
        ("gap", {}, "gap"),
    ],
)
def test_words(event: str, details: dict[str, object], words: str) -> None:
    assert event_words.in_words(Event(event, 1.0, 2, details)) == words


def test_a_terminal_that_is_closed_does_not_end_the_session_badly(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Closed(Terminal):
        gone = False

        def write(self, text: str) -> int:
            if self.gone:
                raise OSError(5, "Input/output error")
            return super().write(text)

    terminal = Closed()
    monkeypatch.setattr(sys, "stdout", terminal)
    monkeypatch.setenv("TERM", "xterm")
    with view() as shown:
        shown.prediction(SURE)
        terminal.gone = True
        shown.prediction(UNSURE)
    terminal.gone = False


def test_nothing_old_is_shown_where_there_is_no_signal(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    with view() as shown:
        shown.event(Event("state", 4.0, 10, {"from": "settling", "to": "predicting"}))
        shown.prediction(SURE)
        shown.event(Event("state", 9.0, 10, {"from": "predicting", "to": "stale"}))
        said = shown._picture().plain
    assert "the signal is gone" in said
    assert "good" not in said
    assert "confidence" not in said
