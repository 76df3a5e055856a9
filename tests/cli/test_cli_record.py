"""``eegtl record``: files that are there already, and a session without a single sample."""

from __future__ import annotations

import pytest
from cli.test_cli_stream import SFREQ, outlet
from streaming.transport_programs import unique
from streaming.transport_signals import MUSE, profile_of
from typer.testing import CliRunner

from eegtl.cli import app
from eegtl.streaming.rerun import rerun


@pytest.fixture(scope="module")
def profile():
    return profile_of(MUSE, SFREQ)


def record(out, kept, name, *args, code=2):
    command = ["record", out, "--profile", kept, "--name", name, "--out-name", unique("out")]
    result = CliRunner().invoke(app, [*map(str, command), *map(str, args)])
    assert result.exit_code == code, (result.output, result.exception)
    return result.stderr if code else result.stdout


def test_a_recording_is_not_overwritten(tmp_path, profile):
    kept, name, out = profile.save(tmp_path / "wearer.eegtl"), unique(), tmp_path / "day.xdf"
    alive = outlet(name)
    out.write_text("precious")
    assert f"{out} already exists; a recording is never overwritten." in record(out, kept, name)
    assert out.read_text() == "precious"
    said = record(tmp_path / "day.csv", kept, name)
    assert "the recording 'day.csv' must end in .xdf" in said
    (tmp_path / "file").write_text("no folder")
    for bad in (tmp_path / "file" / "day.xdf", tmp_path / ("a" * 300 + ".xdf")):
        said = record(bad, kept, name)
        assert f"eegtl: InputError: {bad}.partial cannot be written (" in said
        assert "choose another name or place" in said
    assert not list(tmp_path.glob("*.partial"))
    del alive


def test_predictions_need_a_name(tmp_path):
    command = ["record", str(tmp_path / "day.xdf"), "--profile", "none.eegtl", "--out-name", ""]
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 2, (result.output, result.exception)
    assert "InputError: a stream needs a name, by which others find it; got ''. " in result.stderr
    assert "Give one by --out-name." in result.stderr


def test_a_session_without_samples(tmp_path, profile):
    kept, name, out = profile.save(tmp_path / "wearer.eegtl"), unique(), tmp_path / "day.xdf"
    alive = outlet(name)
    said = record(out, kept, name, "--duration", 0.2, code=0)
    assert said.endswith(f"written: {out}\nstopped after 0 predictions\n")
    again = rerun(out, profile)
    assert again.predictions == []
    assert len(again.recorded_predictions) == 0
    del alive


def test_a_stream_that_does_not_fit_leaves_no_file(tmp_path, profile):
    kept, name, out = profile.save(tmp_path / "wearer.eegtl"), unique(), tmp_path / "day.xdf"
    alive = outlet(name, channels=("Cz",))
    assert "the stream lacks the channels" in record(out, kept, name)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["wearer.eegtl"]
    del alive
