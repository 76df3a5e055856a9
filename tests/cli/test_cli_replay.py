"""``eegtl replay``: what it refuses, and how it ends."""

from __future__ import annotations

import signal

import pytest
from streaming.transport_programs import Program, unique
from streaming.transport_signals import MUSE, noise, write_fif
from typer.testing import CliRunner

from eegtl.cli import app

SFREQ = 256.0


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    path = tmp_path_factory.mktemp("recordings") / "calm_raw.fif"
    return write_fif(path, noise(MUSE, SFREQ, 3.0, "calm", 1), MUSE, SFREQ)


def replay(*args, code=2):
    result = CliRunner().invoke(app, ["replay", *map(str, args), "--name", unique()])
    assert result.exit_code == code, (result.output, result.exception)
    return result.stderr if code else result.stdout


def test_no_such_file(tmp_path):
    assert replay(tmp_path / "no.fif") == (
        f"eegtl: DatasetError: there is no file {tmp_path / 'no.fif'}; check the path.\n"
    )


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (
            ("--fault", "explode@3"),
            "'explode@3' is no fault; write KIND@SECONDS or KIND@SECONDS:SIZE, for example "
            "gap@10:0.5. Kinds are gap, drop, die, channels, reorder, nan, jump",
        ),
        (("--fault", "gap@1:-1"), "'gap@1:-1' is no fault; write KIND@SECONDS"),
        (
            ("--fault", "gap@30"),
            "the fault gap@30 lies behind the end of the recording (3.0 s).",
        ),
        (("--speed", "0"), "speed and chunk must be positive; got 0.0 and 0.04."),
        (("--chunk", "-1"), "speed and chunk must be positive; got 1.0 and -1.0."),
        (
            ("--random-chunks", "-1"),
            "random chunks need a seed that is a whole number, 0 or more; got -1.",
        ),
    ],
)
def test_what_it_refuses(file, args, words):
    said = replay(file, "--wait", 0, *args)
    assert said.startswith("eegtl: InputError: ")
    assert words in said


@pytest.mark.parametrize("name", ["", " "])
def test_a_stream_needs_a_name(file, name):
    result = CliRunner().invoke(app, ["replay", str(file), "--wait", "0", "--name", name])
    assert result.exit_code == 2, (result.output, result.exception)
    assert result.stderr == (
        f"eegtl: InputError: a stream needs a name, by which others find it; got {name!r}. Give "
        "one by --name.\n"
    )


def test_a_file_of_another_kind(tmp_path):
    (tmp_path / "junk.txt").write_text("hello")
    assert replay(tmp_path / "junk.txt").startswith(
        f"eegtl: DatasetError: {tmp_path / 'junk.txt'} cannot be read (AssertionError); give a CSV"
    )


def test_it_plays_to_nobody_when_nobody_comes(file):
    said = replay(file, "--wait", 0.1, "--speed", 50, code=0)
    assert "calm_raw.fif: 4 channels, 256 Hz, 3 s, 0 markers; published as" in said
    assert "nobody reads it yet; it starts all the same" in said
    assert said.endswith("sent 768 samples\n")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_can_be_stopped_while_it_waits(file, number):
    args = ("replay", str(file), "--name", unique(), "--wait", "600")
    with Program("-m", "eegtl", *args) as player:
        player.wait_for("published as")
        player.signal(number)
        assert "sent 0 samples" in player.finish()
