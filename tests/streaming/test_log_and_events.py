"""Events and predictions as lines of JSON."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from streaming.live_signals import begin, feed, moods

from eegtl.errors import InputError
from eegtl.streaming import Event
from eegtl.streaming.events import plain
from eegtl.streaming.log import JsonLog


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

    def test_a_place_that_is_none(self, tmp_path: Path) -> None:
        text = f"{tmp_path / 'no' / 'x'} cannot be written"
        with pytest.raises(InputError, match=re.escape(text)):
            JsonLog(tmp_path / "no" / "x", ())
