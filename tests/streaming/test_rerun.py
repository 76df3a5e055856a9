"""A recorded session once more: the same windows, labels, events and probabilities."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pyxdf
from streaming.live_signals import FS, NAMES, START, make_profile, moods, signal, stamps_of
from streaming.scripted_source import Chunk, Headset, Lost, chunks, description_of

from eegtl.errors import InputError
from eegtl.personalize import Profile
from eegtl.preprocessing import ArtefactMarks, Resample
from eegtl.streaming import (
    Adaptation,
    OnlineSession,
    Prediction,
    SessionRecorder,
    SessionSettings,
    XdfWriter,
)
from eegtl.streaming import driver as driver_module
from eegtl.streaming.recorder import COLUMNS
from eegtl.streaming.rerun import Rerun, rerun

DATA = moods(40.0, seed=9)
STAMPS = stamps_of(DATA)


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(driver_module, "_LOOK", 0.001)


class Listener:
    def __init__(self) -> None:
        self.predictions: list[Prediction] = []
        self.events: list[str] = []

    def prediction(self, prediction: Prediction) -> None:
        self.predictions.append(prediction)

    def event(self, event: Any) -> None:
        self.events.append(event.to_json())


def record(
    path: Path,
    script: Sequence[Any],
    profile: Profile | None = None,
    names: Sequence[str] = NAMES,
    sfreq: float = FS,
    description: dict[str, Any] | None = None,
    factors: np.ndarray | None = None,
    **settings: Any,
) -> Listener:
    profile = profile or make_profile()
    kind = Headset if factors is None else type("Scaled", (Headset,), {"factors": factors})
    headset, listener = kind(script, names, sfreq), Listener()
    rules = SessionSettings(**settings)
    with SessionRecorder(
        path,
        description_of(names, sfreq=sfreq, **(description or {})),
        profile.labels,
        rules,
        ch_names=names,
        factors=headset.factors,
        profile=profile.fingerprint,
    ) as recorder:
        driver = headset.driver(sinks=(listener, recorder), calls=recorder)
        session = OnlineSession(profile, rules, sfreq=sfreq, ch_names=names, on_event=driver.event)
        driver.run(session, headset.stop)
    return listener


def assert_repeated(listener: Listener, again: Rerun) -> None:
    """To the bit: more than the 1e-12 that is promised."""
    assert [event.to_json() for event in again.events] == listener.events
    assert again.predictions == listener.predictions
    assert again.recorded_events == listener.events
    rows = [
        [*p.probabilities, *(float(getattr(p, column)) for column in COLUMNS)]
        for p in listener.predictions
    ]
    np.testing.assert_array_equal(again.recorded_predictions, rows)


def events_of(listener: Listener) -> str:
    return " ".join(re.findall(r'"event": "(\w+)"', " ".join(listener.events)))


class TestTheSame:
    def test_a_quiet_session(self, tmp_path: Path) -> None:
        listener = record(tmp_path / "x.xdf", chunks(DATA, STAMPS))
        assert len(listener.predictions) == 36
        assert_repeated(listener, rerun(tmp_path / "x.xdf", make_profile()))

    def test_gaps_marks_jumps_bad_channels_and_stamps_that_are_none(self, tmp_path: Path) -> None:
        data, stamps = DATA.copy(), STAMPS.copy()
        data[:, 500:520] = np.nan
        data[2, 1500:1700] = 0.0
        stamps[1000:] += 0.7
        stamps[2200:2203] = np.nan
        stamps[3000:] -= 5000.0
        twice = np.insert(np.arange(len(stamps)), 4000, np.arange(3988, 4000))
        marks = [("0", START + 6.0), ("1", START + 12.2), ("eegtl:reset", START + 20.0)]
        script = chunks(data[:, twice], stamps[twice], 23, marks)
        script[30].marks.append(("late", START + 1.0))
        script[31].marks.append(("nowhere", np.nan))
        listener = record(tmp_path / "x.xdf", script, least_confidence=0.2)
        said = events_of(listener)
        for event in (
            "gap", "no_signal", "left_out", "clock_jump", "mark", "late_mark", "mark_lost",
            "bad_channels", "reset",
        ):  # fmt: skip
            assert event in said.split(), event
        assert len(listener.predictions) > 10
        assert_repeated(listener, rerun(tmp_path / "x.xdf", make_profile()))

    def test_calibration_and_adaptation_aside(self, tmp_path: Path) -> None:
        """The model comes when it is ready, which the recording knows by the order of calls."""
        script: list[Any] = []
        for chunk in chunks(DATA, STAMPS, 16, [("0", START + 5.0), ("1", START + 8.0)]):
            script += [chunk, lambda: time.sleep(0.0005)]
        listener = record(
            tmp_path / "x.xdf",
            script,
            calibrate=5.0,
            adaptation=Adaptation("every", every=4, memory=12),
        )
        assert events_of(listener).split().count("adapted") >= 3
        assert_repeated(listener, rerun(tmp_path / "x.xdf", make_profile()))

    def test_a_model_that_follows_window_by_window(self, tmp_path: Path) -> None:
        listener = record(
            tmp_path / "x.xdf", chunks(DATA, STAMPS), adaptation=Adaptation("running", clip=2.0)
        )
        assert listener.predictions[-1].adapted
        assert_repeated(listener, rerun(tmp_path / "x.xdf", make_profile()))

    def test_it_came_back_with_its_channels_in_another_order(self, tmp_path: Path) -> None:
        names = ("ECG", *NAMES)
        back = (*reversed(NAMES), "EOG")
        heart, eyes = signal(40.0, seed=50, n=1), signal(40.0, seed=51, n=1)
        first = chunks(np.vstack([heart, DATA])[:, :2000], STAMPS[:2000])
        second = chunks(np.vstack([DATA[::-1], eyes])[:, 2600:], STAMPS[2600:])
        listener = record(
            tmp_path / "x.xdf", [*first, Lost(back, seconds=9.0, looks=3), *second], names=names
        )
        for event in ("lost", "stale", "connected"):
            assert event in events_of(listener).split()
        assert len(listener.predictions) == 11 + 15
        again = rerun(tmp_path / "x.xdf", make_profile())
        assert_repeated(listener, again)
        # other readers find each channel under its name all the same
        streams, _ = pyxdf.load_xdf(str(tmp_path / "x.xdf"), dejitter_timestamps=False)
        values = next(s for s in streams if s["info"]["name"][0] == "headset")["time_series"]
        both = np.hstack([DATA[:, :2000], DATA[:, 2600:]]) * 1e6
        np.testing.assert_array_equal(values[:, 1:].T, both.astype(np.float32))
        assert np.isnan(values[2000:, 0]).all()

    def test_samples_that_were_skipped(self, tmp_path: Path) -> None:
        pile = chunks(DATA[:, 1000:2000], STAMPS[1000:2000], 1000, late=0.0)
        script = [
            *chunks(DATA[:, :1000], STAMPS[:1000]),
            *pile,
            *chunks(DATA[:, 2000:], STAMPS[2000:]),
        ]
        listener = record(tmp_path / "x.xdf", script)
        assert "skipped" in events_of(listener).split()
        assert_repeated(listener, rerun(tmp_path / "x.xdf", make_profile()))

    def test_settings_rate_and_unix_stamps(self, tmp_path: Path) -> None:
        profile = make_profile(fs=256.0, preprocessing=(Resample(64.0),))
        data = moods(20.0, seed=4, fs=250.0)
        data[1] += 8e-5 * np.sin(2 * np.pi * 50 * np.arange(5000) / 250)
        script = chunks(data, stamps_of(data, 250.0) + 1.7e9, 25)
        listener = record(
            tmp_path / "x.xdf",
            script,
            profile,
            sfreq=250.0,
            quality=ArtefactMarks(mains=50.0, amplitude=500e-6),
            bad_channels="replace",
        )
        assert {p.reason for p in listener.predictions} == {"replaced: F4"}
        assert events_of(listener).split().count("foreign_clock") == 1
        assert_repeated(listener, rerun(tmp_path / "x.xdf", profile))

    @pytest.mark.parametrize(
        "description",
        [
            {"channel_format": "double64"},
            {"channel_format": "int16"},
            {"type": ""},
            {"type": "Mixed", "name": "eegtl-replay"},
            {"name": "eegtl"},
            {"name": "eegtl-calls", "units": ("",) * 4},
        ],
        ids=str,
    )
    def test_whatever_the_stream_is_called(self, tmp_path: Path, description: Any) -> None:
        listener = record(tmp_path / "x.xdf", chunks(DATA, STAMPS), description=description)
        assert_repeated(listener, rerun(tmp_path / "x.xdf", make_profile()))

    def test_nothing_came(self, tmp_path: Path) -> None:
        listener = record(tmp_path / "x.xdf", [lambda: None] * 3)
        again = rerun(tmp_path / "x.xdf", make_profile())
        assert (again.predictions, again.events, listener.events) == ([], [], [])


def recorder_of(path: Path) -> SessionRecorder:
    return SessionRecorder(
        path,
        description_of(),
        make_profile().labels,
        SessionSettings(),
        ch_names=NAMES,
        factors=np.full(4, 1e-6),
        profile=make_profile().fingerprint,
    )


class TestCrash:
    def test_what_was_written_is_repeated(self, tmp_path: Path) -> None:
        def crash() -> None:
            raise KeyboardInterrupt

        script = [*chunks(DATA[:, :2000], STAMPS[:2000]), crash]
        with pytest.raises(KeyboardInterrupt):
            record(tmp_path / "x.xdf", script)
        assert [p.name for p in tmp_path.iterdir()] == ["x.xdf.partial"]
        again = rerun(tmp_path / "x.xdf.partial", make_profile())
        assert len(again.predictions) == len(again.recorded_predictions) == 11
        assert [e.to_json() for e in again.events] == again.recorded_events

    def test_a_file_cut_anywhere_gives_a_beginning(self, tmp_path: Path) -> None:
        record(tmp_path / "x.xdf", chunks(DATA, STAMPS))
        whole = rerun(tmp_path / "x.xdf", make_profile())
        content = (tmp_path / "x.xdf").read_bytes()
        lengths = []
        for share in (0.3, 0.6, 0.75, 0.9, 0.99):
            (tmp_path / "y.xdf").write_bytes(content[: round(share * len(content))])
            try:
                again = rerun(tmp_path / "y.xdf", make_profile())
            except InputError as error:
                lengths.append(-1)
                said = str(error)
                if "cut off" not in said and "holds no session" not in said:
                    raise
            else:
                n = len(again.predictions)
                assert again.predictions == whole.predictions[:n]
                lengths.append(n)
        assert lengths == sorted(lengths)

    def test_calls_whose_samples_were_not_written(self, tmp_path: Path) -> None:
        recorder = recorder_of(tmp_path / "x.xdf")
        recorder.push(1e6 * DATA[:, :1000].T, STAMPS[:1000], now=float(STAMPS[999]))
        recorder._call({"push": 500, "now": 0.0})
        recorder._call({"tick": 1e9})
        recorder.__exit__(RuntimeError, RuntimeError("power cut"), None)
        again = rerun(tmp_path / "x.xdf.partial", make_profile())
        assert len(again.predictions) == 3
        assert [e.event for e in again.events] == ["state", "state"]


class TestRefusals:
    def test_a_file_that_is_no_session(self, tmp_path: Path) -> None:
        with XdfWriter(tmp_path / "x.xdf") as file:
            file.write(file.add_stream("Muse", "EEG", ["TP9"], rate=256.0), [[1.0]], [0.0])
        with pytest.raises(InputError, match=r"holds no session of eegtl \('Muse'\); give a file"):
            rerun(tmp_path / "x.xdf", make_profile())

    def test_another_profile(self, tmp_path: Path) -> None:
        record(tmp_path / "x.xdf", chunks(DATA[:, :100], STAMPS[:100]))
        other = make_profile(step=0.5)
        with pytest.raises(
            InputError, match=r"was recorded with another profile .*; give that one"
        ):
            rerun(tmp_path / "x.xdf", other)
        later = make_profile().adapted(make_profile().model, {"what": "a second day"})
        assert later.provenance == make_profile().provenance
        with pytest.raises(InputError, match="was recorded with another profile"):
            rerun(tmp_path / "x.xdf", later)

    def test_it_is_never_overwritten(self, tmp_path: Path) -> None:
        record(tmp_path / "x.xdf", chunks(DATA[:, :100], STAMPS[:100]))
        before = (tmp_path / "x.xdf").read_bytes()
        with pytest.raises(InputError, match="already exists; a recording is never overwritten"):
            record(tmp_path / "x.xdf", [])
        assert (tmp_path / "x.xdf").read_bytes() == before


def test_chunks_are_those_that_came(tmp_path: Path) -> None:
    script = [Chunk(1e6 * DATA[:, :0].T, STAMPS[:0]), *chunks(DATA, STAMPS, 200)]
    listener = record(tmp_path / "x.xdf", script)
    again = rerun(tmp_path / "x.xdf", make_profile())
    assert [p.lag for p in again.predictions] == [p.lag for p in listener.predictions]
    assert max(p.lag for p in again.predictions) > 1.0
