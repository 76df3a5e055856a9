"""``eegtl stream``: what it says when something does not fit, what it lists, what it loads."""

from __future__ import annotations

import re
import signal
from dataclasses import replace

import numpy as np
import pylsl
import pytest
from streaming.transport_programs import Program, unique
from streaming.transport_signals import MUSE, profile_of
from typer.testing import CliRunner

from eegtl.cli import app
from eegtl.features import FeatureExtractor
from eegtl.personalize import Profile
from eegtl.preprocessing import ArtefactMarks, Dropouts
from eegtl.streaming.lsl import configure

SFREQ = 256.0


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    return profile_of(MUSE, SFREQ).save(tmp_path_factory.mktemp("profile") / "wearer.eegtl")


def outlet(
    name,
    *,
    type="EEG",
    channels=MUSE,
    unit="microvolts",
    sfreq=SFREQ,
    format="float32",
    source_id=None,
):
    """Open a stream of this process; it lives as long as what is returned."""
    configure()
    source_id = unique("source") if source_id is None else source_id
    info = pylsl.StreamInfo(name, type, len(channels), sfreq, format, source_id)
    described = info.desc().append_child("channels")
    units = [unit] * len(channels) if isinstance(unit, str) else unit
    for channel, own in zip(channels, units, strict=True):
        one = described.append_child("channel")
        one.append_child_value("label", channel)
        if own:
            one.append_child_value("unit", own)
    return pylsl.StreamOutlet(info)


def stream(*args, code=2):
    """Run the command; give what it says on stderr where it fails, else on stdout."""
    result = CliRunner().invoke(app, ["stream", *map(str, args)])
    assert result.exit_code == code, (result.output, result.exception)
    return result.stderr if code else result.stdout


def test_no_profile_and_no_such_profile(tmp_path):
    assert stream() == (
        "eegtl: InputError: no profile is named; write for example: eegtl stream --profile "
        "anna.eegtl --calibrate 60. 'eegtl stream --list' shows the streams there are.\n"
    )
    assert f"{tmp_path / 'nobody.eegtl'}" in stream("--profile", tmp_path / "nobody.eegtl")


@pytest.mark.parametrize("option", ["--duration", "--find"])
def test_times_are_positive(kept, option):
    assert stream("--profile", kept, option, "-2") == (
        f"eegtl: InputError: {option} must be a positive number of seconds; got -2.\n"
    )


def test_no_stream_lists_those_that_there_are(kept):
    there, wanted = unique("there"), unique("wanted")
    alive = outlet(there, source_id="box-1")
    said = stream("--profile", kept, "--name", wanted, "--find", 0.1)
    assert said.startswith(
        f"eegtl: StreamNotFoundError: no stream with name {wanted!r} was found within 0.1 s. There "
    )
    assert f"{there!r} (type EEG, source id box-1, 4 channels, 256 Hz)" in said
    assert said.endswith(
        "Start the headset's stream or 'eegtl replay FILE', or ask for another; streams of other "
        "machines are found with --network.\n"
    )
    del alive


def test_streams_that_are_no_eeg_are_not_taken_unasked(kept):
    kind = unique("type")
    said = stream("--profile", kept, "--type", kind, "--find", 0.1)
    assert f"no stream with type {kind!r} was found" in said


def test_several_match(kept):
    name = unique()
    alive = [outlet(name, source_id=source) for source in ("left", "right")]
    said = stream("--profile", kept, "--name", name)
    assert said == (
        f"eegtl: StreamError: 2 streams have name {name!r}. There are: {name!r} (type EEG, source "
        f"id left, 4 channels, 256 Hz); {name!r} (type EEG, source id right, 4 channels, 256 Hz). "
        "Name one by --name or --source-id.\n"
    )
    del alive


@pytest.mark.parametrize(
    ("settings", "args", "error", "words"),
    [
        (
            {"channels": ("TP9", "AF7", "Cz", "Pz")},
            (),
            "SignalError",
            "the stream lacks the channels AF8, TP10 of the profile; it has TP9, AF7, Cz, Pz.",
        ),
        (
            {"channels": ("TP9", "AF7", "AF8", "TP10", "EEG AF8")},
            (),
            "StreamError",
            "has the channel AF8 more than once, so that nobody knows which is meant; give its "
            "channels names of their own.",
        ),
        (
            {"unit": "furlongs"},
            (),
            "StreamError",
            "has the unit 'furlongs', so that its samples cannot be turned into volts. Say what "
            "they are, for example --unit uV.",
        ),
        ({"unit": ""}, (), "StreamError", "says no unit, so that its samples cannot be turned"),
        (
            {},
            ("--unit", "furlongs"),
            "StreamError",
            "'furlongs' is no unit that is known; write uV, mV, nV or V.",
        ),
        (
            {"format": "string", "unit": ""},
            (),
            "StreamError",
            "256 Hz, no unit) holds text, no signal; choose another.",
        ),
        (
            {"sfreq": 0.0},
            (),
            "StreamError",
            "has no regular rate, which a signal needs; choose another.",
        ),
        (
            {"sfreq": 500.0},
            (),
            "SignalError",
            "the stream has 500 Hz, but the profile was made from signals of 256 Hz and does not "
            "resample them.",
        ),
    ],
    ids=["montage", "twice", "unit", "no-unit", "bad-unit", "text", "irregular", "rate"],
)
def test_a_stream_that_does_not_fit(kept, tmp_path, settings, args, error, words):
    name, log = unique(), tmp_path / "log.jsonl"
    alive = outlet(name, **settings)
    said = stream("--profile", kept, "--name", name, "--log", log, *args)
    assert said.startswith(f"eegtl: {error}: ")
    assert words in said
    assert not log.exists()  # the next try would be refused
    del alive


@pytest.mark.parametrize(
    ("settings", "args"),
    [
        ({"unit": ""}, ("--unit", "uV")),
        ({"channels": (*MUSE, "TRIGGER"), "unit": [*["uV"] * 4, ""]}, ()),
        ({"channels": MUSE[::-1], "type": "eeg", "unit": "-6"}, ("--type", "EEG")),
        ({"format": "int16"}, ()),
    ],
    ids=["unit-said", "trigger-without-unit", "mne-lsl", "integers"],
)
def test_a_stream_that_fits(kept, settings, args):
    name = unique()
    alive = outlet(name, **settings)
    wanted = ("--profile", kept, "--name", name, "--out-name", unique("out"))
    said = stream(*wanted, "--duration", 0.1, *args, code=0)
    assert said.endswith("stopped after 0 predictions\n")
    del alive


def test_a_log_is_not_overwritten(kept, tmp_path):
    name, log = unique(), tmp_path / "log.jsonl"
    alive = outlet(name)
    log.write_text("precious")
    said = stream("--profile", kept, "--name", name, "--log", log, "--out-name", unique("out"))
    assert said == (
        f"eegtl: InputError: {log} is there already, and a log is never overwritten; choose "
        "another name.\n"
    )
    assert log.read_text() == "precious"
    del alive


def test_the_name_of_predictions_is_not_taken_twice(kept):
    name, out = unique(), unique("out")
    alive = [outlet(name), outlet(out, type="Emotion", sfreq=0.0)]
    assert stream("--profile", kept, "--name", name, "--out-name", out) == (
        f"eegtl: StreamError: a stream with the name {out!r} is there already, perhaps of another "
        "session; choose another by --out-name, or stop that one.\n"
    )
    del alive


def test_markers_that_are_not_there(kept):
    name, markers = unique(), unique("markers")
    alive = outlet(name)
    said = stream("--profile", kept, "--name", name, "--markers", markers, "--find", 0.1)
    assert f"no stream with name {markers!r} was found within 0.1 s." in said
    del alive


def test_settings_are_checked(kept):
    said = stream("--profile", kept, "--adapt", "often")
    assert "mode must be one of none, running, every; got 'often'." in said


def test_what_a_model_knows_is_not_forgotten(kept, tmp_path):
    """Before a stream is looked for."""
    profile = Profile.load(kept)
    X = np.random.default_rng(0).standard_normal((20, len(profile.mean)))
    labels = np.resize(profile.model.classes_, 20)
    model = profile.model.adapt(X_calib=X, y_calib=labels)
    labelled = replace(profile, model=model).save(tmp_path / "labelled.eegtl")
    said = stream("--profile", labelled, "--adapt", "every", "--name", unique(), "--find", 60)
    assert (
        "InputError: the profile's model cannot follow the wearer: it was calibrated with" in said
    )


def test_list():
    name, words = unique(), unique("words")
    alive = [outlet(name, source_id="s-1"), outlet(words, type="Markers", sfreq=0.0, unit="")]
    lines = stream("--list", code=0).splitlines()
    assert (
        f"{name!r} (type EEG, source id s-1, 4 channels: TP9 AF7 AF8 TP10; 256 Hz, microvolts)"
        in lines
    )
    assert any(line.startswith(f"{words!r} (type Markers, ") for line in lines)
    del alive


def test_ctrl_c_while_it_looks(kept):
    with Program(
        "-m", "eegtl", "stream", "--profile", str(kept), "--name", unique(), "--find", "600"
    ) as session:
        session.wait_for("looking for a stream on this machine")
        session.signal(signal.SIGINT)
        assert session.finish(130).endswith("eegtl: stopped.\n")


RECORDING_LSL = """
import sys
import pylsl
from pylsl import info, inlet, outlet, resolve, util

calls = []

class Recorder:
    def __init__(self, lib):
        self.__dict__["lib"] = lib

    def __getattr__(self, name):
        found = getattr(self.lib, name)
        if name == "lsl_set_config_content":
            def keep(content):
                calls.append("configured " + " ".join(content.decode().split()))
                return found(content)
            return keep
        calls.append(name)
        return found

for module in (info, inlet, outlet, resolve, util):
    module.lib = Recorder(module.lib)

from eegtl.cli import main

sys.argv = ["eegtl", *sys.argv[1:]]
try:
    main()
except SystemExit:
    pass
print("calls", calls[0])
print("streams", any(name.startswith("lsl_resolve") or "resolver" in name for name in calls))
print("loaded", *(name for name in ("mne", "pandas", "matplotlib") if name in sys.modules))
"""


def program(*args):
    with Program("-c", RECORDING_LSL, *map(str, args)) as run:
        return run.finish()


@pytest.mark.parametrize("command", ["stream", "list", "record", "doctor"])
def test_the_first_that_lsl_hears_is_to_stay_on_this_machine(kept, tmp_path, command):
    wanted = ("--profile", kept, "--name", unique(), "--find", 0.1)
    args = {
        "stream": ("stream", *wanted),
        "list": ("stream", "--list"),
        "record": ("record", tmp_path / "out.xdf", *wanted),
        "doctor": ("doctor",),
    }[command]
    said = program(*args)
    first = re.search("^calls (.*)$", said, re.M)
    assert first is not None
    assert "ResolveScope = machine" in first[1]
    assert "KnownPeers = {127.0.0.1}" in first[1]
    assert "streams True" in said


def test_the_network_is_asked_for():
    """Nothing is looked for here: the word alone is tested, and what it sets."""
    said = CliRunner().invoke(app, ["stream", "--help"]).stdout
    assert "--network" in said
    assert "Is announced on this machine only, unless --network is given" in said


def test_it_loads_nothing_heavy_and_is_ready_soon(kept):
    name = unique()
    alive = outlet(name)
    chunk = np.zeros((1, 4), dtype=np.float32)
    alive.push_chunk(chunk)
    wanted = ("--profile", kept, "--name", name, "--out-name", unique("out"), "--duration", 0.5)
    said = program("stream", *wanted)
    assert "\nready; predictions are the stream" in said
    loaded = re.search("^loaded ?(.*)$", said, re.M)
    assert loaded is not None
    with Program("-c", "import sys, sklearn.base\nprint('pandas' in sys.modules)") as bare:
        allowed = {"pandas"} if "True" in bare.finish() else set()  # whatever scikit-learn loads
    assert set(loaded[1].split()) <= allowed
    del alive


def test_names_of_channels_that_the_stream_does_not_say(kept):
    name = unique()
    alive = outlet(name, channels=["", "", "", "", ""])
    about = ("--profile", kept, "--name", name)
    assert "lacks the channels TP9, AF7, AF8, TP10" in stream(*about)
    said = stream(*about, "--channels", "muse")
    assert "4 channels are named (TP9, AF7, AF8, TP10), but the stream" in said
    assert said.endswith("has 5; name all of them, in its order.\n")
    assert "which has an empty name; write TP9,AF7,AF8,TP10." in stream(
        *about, "--channels", "TP9,"
    )
    said = stream(*about, "--channels", "tp9,af7,AF8,TP10,AUX", "--duration", 0.3, code=0)
    assert "(type EEG" in said
    assert "stopped after 0 predictions" in said
    del alive


def test_limits_of_the_signal_are_those_of_the_profile_unless_they_are_given(kept, monkeypatch):
    used = []

    class Stop(Exception):
        pass

    def session(profile, settings, **kwargs):
        used.append(settings.quality)
        raise Stop

    monkeypatch.setattr("eegtl.streaming.session.OnlineSession", session)
    name = unique()
    alive = outlet(name)
    mended = FeatureExtractor(preprocessing=[Dropouts(), ArtefactMarks(amplitude=3e-4)])
    own = profile_of(MUSE, SFREQ, mended).save(kept.with_name("own.eegtl"))
    for profile, *more in ((kept,), (own,), (own, "--amplitude", 400, "--mains", 50)):
        args = ["stream", "--profile", profile, "--name", name, *more]
        result = CliRunner().invoke(app, list(map(str, args)))
        assert isinstance(result.exception, Stop), result.output
    assert used == [
        ArtefactMarks(),
        ArtefactMarks(amplitude=3e-4, dropout=None),
        ArtefactMarks(amplitude=4e-4, dropout=None, mains=50.0),
    ]
    del alive


def test_confidence_goes_from_0_to_1(kept):
    said = stream("--profile", kept, "--least-confidence", 60)
    assert "--least-confidence is 60; confidence goes from 0 to 1" in said
