"""Events and predictions as lines of JSON."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from streaming.full_disk import full_disk
from streaming.live_signals import begin, feed, moods

from eegtl.errors import InputError
from eegtl.streaming import Event
from eegtl.streaming.events import plain
from eegtl.streaming.listeners import Listeners
from eegtl.streaming.log import JsonLog
from eegtl.streaming.new_file import WriteError


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (np.float64(0.5), 0.5),
        (np.float32(0.5), 0.5),
        (np.int16(3), 3),
        (np.bool_(True), True),
        (float("nan"), None),
        (np.float32("inf"), None),
        ((1, [2.0, float("-inf")]), [1, [2.0, None]]),
        ({1: {"a": (None, "x")}}, {"1": {"a": [None, "x"]}}),
        (True, True),
    ],
)
def test_plain_values(value: Any, expected: Any) -> None:
    assert plain(value) == expected
    assert json.loads(json.dumps(plain(value), allow_nan=False)) == expected


def test_an_event_before_the_first_sample_has_no_time() -> None:
    text = Event("lost", float("nan"), 0, {"why": 'a "stream"\n', "n": np.int64(3)}).to_json()
    assert "\n" not in text
    assert json.loads(text) == {
        "event": "lost", "time": None, "sample": 0, "why": 'a "stream"\n', "n": 3
    }  # fmt: skip


class TestLog:
    def test_each_line_is_written_as_it_comes(self, tmp_path: Path) -> None:
        session = begin()
        predictions = feed(session, moods(8.0, seed=9))
        with JsonLog(tmp_path / "x.jsonl", ("0", "1")) as log:
            for number, prediction in enumerate(predictions, start=1):
                log.prediction(prediction)
                lines = (tmp_path / "x.jsonl").read_text().splitlines()
                assert len(lines) == number
            for event in session.events:
                log.event(event)
        lines = [json.loads(line) for line in (tmp_path / "x.jsonl").read_text().splitlines()]
        assert lines[len(predictions) :] == [json.loads(e.to_json()) for e in session.events]
        first = lines[0]["prediction"]
        p = predictions[0]
        assert first["probabilities"] == dict(zip(("0", "1"), p.probabilities, strict=True))
        kept = {key: value for key, value in vars(p).items() if key != "probabilities"}
        assert {key: first[key] for key in kept} == kept

    def test_is_never_overwritten(self, tmp_path: Path) -> None:
        (tmp_path / "x").write_text("precious")
        with pytest.raises(InputError, match="is there already, and a log is never overwritten"):
            JsonLog(tmp_path / "x", ())
        assert (tmp_path / "x").read_text() == "precious"

    def test_a_full_disk(self, tmp_path: Path) -> None:
        """It is told each time, half a line is none, and ending the log does no harm."""
        event = Event("lost", 1.0, 5, {"why": "x"})
        with JsonLog(tmp_path / "x", ()) as log:
            log.event(event)
            message = r"x cannot be written any more \(No space left on device\); what it holds so"
            with full_disk(log._file):
                for _ in range(2):
                    with pytest.raises(WriteError, match=message):
                        log.event(event)
        assert (tmp_path / "x").read_text() == event.to_json() + "\n"
        log = JsonLog(tmp_path / "y", ())
        with full_disk(log._file), pytest.raises(WriteError, match="cannot be written"), log:
            log.event(event)
        log.close()
        assert (tmp_path / "y").read_text() == ""

    def test_a_place_that_is_none(self, tmp_path: Path) -> None:
        text = f"{tmp_path / 'no' / 'x'} cannot be written"
        with pytest.raises(InputError, match=re.escape(text)):
            JsonLog(tmp_path / "no" / "x", ())
        for name in ("x" * 300, "a\0b"):
            with pytest.raises(InputError, match=r"cannot be written \(.*choose another name or p"):
                JsonLog(tmp_path / name, ())


def test_details_do_not_take_the_place_of_what_an_event_is() -> None:
    said = json.loads(Event("bad_channels", 1.5, 7, {"time": ["flat"], "F3": ["flat"]}).to_json())
    assert said == {
        "event": "bad_channels", "time": 1.5, "sample": 7, "time_": ["flat"], "F3": ["flat"]
    }  # fmt: skip


class Kept:
    def __init__(self, fails: bool = False) -> None:
        self.heard: list[Any] = []
        self.fails = fails

    def prediction(self, prediction: Any) -> None:
        self.event(prediction)

    def event(self, event: Any) -> None:
        if self.fails:
            raise OSError(28, "No space left on device")
        self.heard.append(event)


def test_a_listener_that_fails_is_left_out_and_the_others_are_told() -> None:
    full, view = Kept(), Kept()
    listeners = Listeners([full, view])
    reset = Event("reset", 1.0, 2)
    listeners.event(reset)
    full.fails = True
    listeners.event(reset)
    full.fails = False
    listeners.event(reset)
    assert full.heard == [reset]
    assert [event.event for event in view.heard] == ["reset", "sink_failed", "reset", "reset"]
    assert view.heard[1].details == {"what": "Kept", "why": "[Errno 28] No space left on device"}
