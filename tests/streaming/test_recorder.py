"""The file of a session: read as a recording, and on a disk that is full."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import pyxdf
from streaming.full_disk import full_disk
from streaming.live_signals import FS, NAMES, begin, feed, make_profile
from streaming.scripted_source import Lost, chunks
from streaming.test_rerun import DATA, STAMPS, assert_repeated, record, recorder_of

from eegtl.recordings.readers.any_file import read_signal
from eegtl.streaming import Event
from eegtl.streaming.new_file import NewFile, WriteError
from eegtl.streaming.rerun import rerun


class TestReadAsRecording:
    """What a session was recorded from is a recording, whatever its stream said of itself."""

    @pytest.mark.parametrize(
        ("units", "volts", "written"),
        [
            ("", 1e-6, "microvolts"),  # --unit uV
            ("volts", 1e-6, "microvolts"),
            ("-6", 1e-6, "microvolts"),  # as MNE-LSL has it
            ("-3", 1e-3, "millivolts"),
            ("microvolts", 1e-9, "nanovolts"),
            ("", 1.0, "volts"),
        ],
    )
    def test_units_are_those_of_the_session(
        self, tmp_path: Path, units: str, volts: float, written: str
    ) -> None:
        script = chunks(DATA * (1e-6 / volts), STAMPS)
        factors = np.full(4, volts)
        described = {"units": (units,) * 4, "type": "eeg"}
        listener = record(tmp_path / "x.xdf", script, description=described, factors=factors)
        data, sfreq, names, _ = read_signal(tmp_path / "x.xdf")
        np.testing.assert_allclose(data, DATA, rtol=1e-6)
        assert (sfreq, names) == (FS, NAMES)
        info = pyxdf.load_xdf(tmp_path / "x.xdf")[0][0]["info"]
        each = info["desc"][0]["channels"][0]["channel"]
        assert {channel["unit"][0] for channel in each} == {written}
        assert_repeated(listener, rerun(tmp_path / "x.xdf", make_profile()))

    def test_channels_that_the_session_did_not_need(self, tmp_path: Path) -> None:
        names = ("AUX", *NAMES, "AUX", "AUX 2", "TRIGGER", "TRIGGER")
        rows = [1e-5 * np.full(DATA.shape[1], k) for k in range(5)]
        data = np.vstack([rows[0], DATA, *rows[1:]])
        factors = np.array([1e-6] * 7 + [np.nan] * 2)
        described = {"units": ("",) * 7 + ("", "bits")}
        listener = record(
            tmp_path / "x.xdf",
            [*chunks(data[:, :2000], STAMPS[:2000]), Lost(names), *chunks(data, STAMPS)[125:]],
            names=names,
            description=described,
            factors=factors,
        )
        read, _, found, _ = read_signal(tmp_path / "x.xdf")
        assert found == ("AUX", *NAMES, "AUX 3", "AUX 2")
        np.testing.assert_allclose(read, data[:7], rtol=1e-6)
        info = pyxdf.load_xdf(tmp_path / "x.xdf")[0][0]["info"]
        each = info["desc"][0]["channels"][0]["channel"]
        assert [channel["type"][0] for channel in each] == ["EEG"] * 7 + ["Misc"] * 2
        assert [channel["unit"][0] for channel in each[-2:]] == ["unknown", "bits"]
        assert [channel["label"][0] for channel in each[-2:]] == ["TRIGGER", "TRIGGER 2"]
        assert_repeated(listener, rerun(tmp_path / "x.xdf", make_profile()))


class TestFullDisk:
    def test_a_recording_with_a_hole_is_none(self, tmp_path: Path) -> None:
        """It stays a partial, with all that came before, and ending it does no harm."""
        values, stamps = 1e6 * DATA.T, STAMPS
        prediction = feed(begin(), DATA[:, :1000])[0]
        message = r"x\.xdf\.partial cannot be written any more \(No space left on device\)"
        with recorder_of(tmp_path / "x.xdf") as recorder:
            recorder.push(values[:1000], stamps[:1000], now=float(stamps[999]))
            # more than is held back
            with full_disk(recorder._file._file), pytest.raises(WriteError, match=message):
                recorder.push(values[1000:], stamps[1000:], now=float(stamps[-1]))
            # there is space again, but something is missing
            for call in (
                lambda: recorder.push(values[4000:], stamps[4000:], now=float(stamps[-1])),
                lambda: recorder.tick(0.0),
                lambda: recorder.mark("0", 1.0),
                recorder.install,
                lambda: recorder.connect(NAMES),
                lambda: recorder.note("lost", {}),
                lambda: recorder.event(Event("lost", 1.0, 5)),
                lambda: recorder.prediction(prediction),
            ):
                with pytest.raises(WriteError, match=message):
                    call()
        assert [path.name for path in tmp_path.iterdir()] == ["x.xdf.partial"]
        assert len(rerun(tmp_path / "x.xdf.partial", make_profile()).predictions) == 3

    def test_it_leaves_nothing_where_it_cannot_begin(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        true, pieces = NewFile.append, []

        def full(self: NewFile, piece: bytes) -> None:
            pieces.append(piece)
            if len(pieces) > 3:
                raise self.cannot(OSError(28, "No space left on device"))
            true(self, piece)

        monkeypatch.setattr(NewFile, "append", full)
        with pytest.raises(WriteError, match="No space left on device"):
            recorder_of(tmp_path / "x.xdf")
        assert list(tmp_path.iterdir()) == []
