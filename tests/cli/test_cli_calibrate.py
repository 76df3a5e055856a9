"""From the command line: sources, a profile, the next day, and what is in it."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import numpy as np
import pytest
from streaming import transport_producer
from streaming.test_transport_faults import producer
from streaming.transport_programs import Program, unique
from typer.testing import CliRunner

import eegtl
from eegtl.cli import app
from eegtl.errors import InputError
from eegtl.personalize import Profile, SourceFile
from eegtl.personalize.guard import Guard

PEOPLE = "w01,w02,w03,w04"
SHORT_LIVED = """
import os, sys, time
import pylsl
outlet = pylsl.StreamOutlet(pylsl.StreamInfo(sys.argv[1], "Markers", 1, 0.0, "string", sys.argv[2]))
outlet.wait_for_consumers(60)
outlet.push_sample(["sad"])
time.sleep(1)
os._exit(1)
"""


def run(*args, code=0):
    """Run a command; give what it says."""
    result = CliRunner().invoke(app, list(map(str, args)))
    assert result.exit_code == code, (result.output, result.exception)
    return result.stderr if code else result.stdout


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("calibrate")
    run(
        "sources", "prepare", "synthetic-days", "--subjects", PEOPLE, "--window", 2, "--lengths",
        "10,20", "--candidates", "z2,mix known", "--out", made / "x.eegsrc", "--no-cache",
    )  # fmt: skip
    for recording in eegtl.load("synthetic-days").select(subjects=["w08"]):
        recording.raw.save(made / f"day{recording.session}_raw.fif", verbose="error")
    return made


def new(folder, out, *more):
    return run("calibrate", "--sources", folder / "x.eegsrc", "--out", folder / out, *more)


def test_sources(folder):
    sources = SourceFile.load(folder / "x.eegsrc")
    assert sources.plan.n_people == 4
    assert list(sources.models) == ["source-only", "z2", "mix known"]
    said = run("sources", "show", folder / "x.eegsrc", "--picture", folder / "x.png")
    assert "4 people and 1080 windows of synthetic-days" in said
    assert re.search(r"z2 +unlabelled +10 s \d+ % \(\d+-\d+\) +20 s", said)
    assert (folder / "x.png").read_bytes().startswith(b"\x89PNG")
    assert "'only sad'" in run("sources", "show", folder / "x.eegsrc", "--kind", "only sad", code=2)
    assert "is there already" in run(
        "sources", "prepare", "synthetic", "--out", folder / "x.eegsrc", code=2
    )
    assert "--lengths is 'a,b'" in run(
        "sources", "prepare", "synthetic", "--subjects", PEOPLE, "--lengths", "a,b",
        "--out", folder / "y.eegsrc", code=2,
    )  # fmt: skip
    assert "a picture cannot be 'x.txt'" in run(
        "sources", "show", folder / "x.eegsrc", "--picture", folder / "x.txt", code=2
    )


def test_what_a_file_of_sources_says_of_itself(folder):
    """What was left out, where the guard looks, and a kind of block that nobody has enough of."""
    sources = SourceFile.load(folder / "x.eegsrc")
    plan = sources.plan
    scores = plan.scores.copy()
    scores[:, plan.kinds.index("balanced")] = np.nan
    told = replace(
        sources,
        provenance={**sources.provenance, "n_flagged": 7},
        plan=replace(
            plan,
            scores=scores,
            guards={"z2": Guard("skew", 0.3, 0.021, 4)},
            left_out={"z2 + tpt": "too few people."},
        ),
    )
    told.save(folder / "told.eegsrc")
    said = run("sources", "show", folder / "told.eegsrc")
    assert "7 windows with artefact marks were left out" in said
    assert "left out: z2 + tpt, which cannot be fitted on these people (too few people.)" in said
    assert "guard of z2: skew above 0.30 means source-only; it brought 2.1 points" in said
    assert re.search(r"what others' scores choose +10 s \d+ % \(", said)
    said = run("sources", "show", folder / "told.eegsrc", "--kind", "balanced")
    assert "too few people have enough windows for blocks of the kind 'balanced'" in said
    assert "10 s" not in said


def test_days(folder):
    said = new(folder, "me.eegtl", "--wearer", folder / "day1_raw.fif", "--seconds", 20,
               "--day", "Monday", "--picture", folder / "me.svg")  # fmt: skip
    assert "day1_raw.fif: 10 good windows of 10" in said
    assert "20 s without labels, block: first." in said
    assert re.search(r"expected for a new wearer: \d+ % balanced accuracy \(\d+-\d+; such", said)
    monday = Profile.load(folder / "me.eegtl")
    update = ("calibrate", "--update", folder / "me.eegtl")
    said = run(*update, "--wearer", folder / "day2_raw.fif", "--day", "Tuesday",
               "--block", "only neutral", "--seconds", 20)  # fmt: skip
    assert re.search(r"drift since Monday: \d\.\d\d .*\(the two blocks hold unlike", said)
    assert "days: Monday, Tuesday; return by --update PROFILE --roll-back DAY." in said
    shown = run("profile", "show", folder / "me.eegtl", "--arrays")
    assert re.search(r"- Tuesday: [\w -]+, 20 s, block only neutral", shown)
    assert re.search(r"days\[0\].X  \(10, 20\)  1600 bytes  of the wearer", shown)
    assert re.search(r"plan.scores .* of 4 people", shown)
    said = run(*update, "--wearer", folder / "day1_raw.fif", "--day", "Wednesday",
               "--block", "only neutral", "--seconds", 20)  # fmt: skip
    assert re.search(r"drift since Tuesday: \d\.\d\d spreads within a day \(usual from day", said)
    run(*update, "--roll-back", "Monday")
    back = Profile.load(folder / "me.eegtl")
    X = np.random.default_rng(0).standard_normal((5, 20)) + monday.mean
    np.testing.assert_array_equal(back.model.predict_proba(X), monday.model.predict_proba(X))
    new(folder, "other.eegtl", "--wearer", folder / "day1_raw.fif", "--seconds", 20,
        "--day", "Monday")  # fmt: skip
    assert "day: " not in run("profile", "diff", folder / "other.eegtl", folder / "other.eegtl")
    assert "days[1].X: only in the second" in run(
        "profile", "diff", folder / "other.eegtl", folder / "me.eegtl"
    )
    run("profile", "export", folder / "me.eegtl", "--out", folder / "me.json")
    assert json.loads((folder / "me.json").read_text())["day"] == "Monday"


def test_labels_and_nothing(folder):
    marks = eegtl.load("synthetic-days").select(subjects=["w08"])[0]
    raw = marks.raw.copy().load_data()
    from mne import Annotations

    trials = marks.trials
    raw.set_annotations(
        Annotations(trials["onset"], trials["duration"], [str(label) for label in trials["label"]])
    )
    raw.save(folder / "marked_raw.fif", verbose="error", overwrite=True)
    said = new(folder, "labelled.eegtl", "--wearer", folder / "marked_raw.fif", "--labels",
               "--seconds", 0)  # fmt: skip
    assert "s labelled, block: balanced." in said
    assert "no signal of the wearer: the others' model." in new(folder, "nobody.eegtl")
    assert "no window has a mark that names a class" in run(
        "calibrate", "--sources", folder / "x.eegsrc", "--out", folder / "no.eegtl",
        "--wearer", folder / "day1_raw.fif", "--labels", code=2,
    )  # fmt: skip
    assert not (folder / "no.eegtl").exists()


def test_a_picture_that_cannot_be_drawn_takes_nothing_away(folder, monkeypatch):
    def fail(*_, **__):
        raise InputError("there is no score.")

    monkeypatch.setattr("eegtl.report.figures.calibration_figure", fail)
    said = run(
        "calibrate", "--sources", folder / "x.eegsrc", "--out", folder / "drawn.eegtl",
        "--wearer", folder / "day1_raw.fif", "--picture", folder / "drawn.png", code=2,
    )  # fmt: skip
    assert "drawn.eegtl is written, but the picture was not drawn: there is no score." in said
    assert len(Profile.load(folder / "drawn.eegtl").days) == 1
    assert not (folder / "drawn.png").exists()


def wearer_s_signal(folder, n_flat=0):
    """Write what a headset plays: some channels may be flat."""
    wearer = eegtl.load("synthetic-days").select(subjects=["w07"])[0]
    data = wearer.raw.get_data()
    data[:n_flat] = 0.0
    file = folder / f"w07-{n_flat}.npz"
    return transport_producer.write(file, data, tuple(wearer.ch_names), float(wearer.sfreq))


def test_from_a_stream(folder):
    name = unique()
    with producer(wearer_s_signal(folder), name, speed=8, wait=0) as headset:
        headset.wait_for("plays")
        said = new(folder, "stream.eegtl", "--name", name, "--seconds", 10, "--find", 60)
    assert "listening until 10 s are good, for at most" in said
    assert f"{name}: 5 good windows of 5" in said
    assert len(Profile.load(folder / "stream.eegtl").days[0].X) == 5


def test_a_stream_that_does_not_get_good(folder):
    """It tells what is wrong while it listens, gives up, and says what to do."""
    name, base = unique(), ("--sources", folder / "x.eegsrc", "--out", folder / "bad.eegtl")
    with producer(wearer_s_signal(folder, n_flat=1), name, speed=8) as headset:
        result = CliRunner().invoke(
            app, ["calibrate", *map(str, base), "--name", name, "--find", "60", "--give-up", "2.5"]
        )
        headset.wait_for("plays")
    assert result.exit_code == 2, result.output
    channel = eegtl.load("synthetic-days")[0].ch_names[0]
    assert re.search(rf"^bad: {channel} \(flat\)$", result.stdout, re.M)
    message = (
        r"SignalError: 2\.5 s of listening brought 0 of 60 s of good signal \(0 of \d+ windows"
    )
    assert re.search(rf"{message} are good; faults: {channel}: flat \d+x", result.stderr)
    assert not (folder / "bad.eegtl").exists()


def test_a_stream_that_ends(folder):
    name, base = unique(), ("--sources", folder / "x.eegsrc", "--out", folder / "bad.eegtl")
    with producer(wearer_s_signal(folder), name, speed=8, faults="die@4:60") as headset:
        said = run("calibrate", *base, "--name", name, "--find", 60, code=2)
        headset.wait_for("plays")
    assert re.search(
        r"StreamLostError: the stream .* is gone \(.*\), after 0 of 60 s of good", said
    )
    assert not (folder / "bad.eegtl").exists()


def test_markers_that_end(folder):
    """Their sender could come back, and the last label would hold until then."""
    name, marks, sender = unique(), unique("marks"), unique("box")
    base = ("--sources", folder / "x.eegsrc", "--out", folder / "bad.eegtl", "--give-up", 9)
    with producer(wearer_s_signal(folder), name, wait=60) as headset:
        headset.wait_for("published")
        with Program("-c", SHORT_LIVED, marks, sender):
            said = run(
                "calibrate", *base, "--name", name, "--markers", marks, "--labels", "--find", 60,
                code=2,
            )  # fmt: skip
    assert re.search(
        rf"StreamLostError: the stream '{marks}' is gone .*, after 0 of 60 s of good signal with a",
        said,
    )
    assert not (folder / "bad.eegtl").exists()


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ([], "give --sources for a new profile, or --update for a new day of one"),
        (["--sources", "x", "--update", "y"], "give --sources for a new profile"),
        (["--sources", "x"], "--out is missing"),
        (["--sources", "nowhere", "--out", "a"], "there is no file nowhere"),
        (
            ["--update", "x", "--roll-back", "M", "--labels"],
            "day again, and reads no --lab",
        ),
        (["--wearer", "x", "--unit", "uV"], "--unit cannot apply beside it"),
        (["--wearer", "x", "--name", "y"], "a stream (--name, --type, --source-id) cannot apply"),
        (["--channels", "muse"], "--channels is about a stream; say which by --name"),
        (["--wearer", "x", "--give-up", "9"], "--give-up cannot apply beside it"),
        (["--wearer", "x", "--picture", "x.doc"], "a picture cannot be 'x.doc'"),
        (["--update", "x", "--roll-back", "M", "--day", "T"], "day again, and reads no --day"),
        (
            ["--wearer", "x", "--labels", "--block", "only rest"],
            "--labels and --block both say what the block holds",
        ),
    ],
)
def test_what_is_refused(args, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert message in run("calibrate", *args, code=2)


def test_what_does_not_fit(folder):
    me, new_one = folder / "nobody2.eegtl", folder / "a.eegtl"
    run("calibrate", "--sources", folder / "x.eegsrc", "--out", me)
    base = ("calibrate", "--sources", folder / "x.eegsrc", "--out")
    assert "is there already" in run(*base, me, code=2)
    assert "--block is 'only sad'; it may be: 'first', 'balanced'" in run(
        *base,
        folder / "a.eegtl",
        "--wearer",
        folder / "day1_raw.fif",
        "--block",
        "only sad",
        code=2,
    )
    assert "--roll-back needs --update" in run(
        *base, folder / "a.eegtl", "--roll-back", "M", code=2
    )
    assert "there is no day 'M'" in run("calibrate", "--update", me, "--roll-back", "M", code=2)
    assert "--update needs the first minutes" in run(
        "calibrate", "--update", me, "--day", "Tue", code=2
    )
    assert "name this one by --day" in run("calibrate", "--update", me, code=2)
    assert "--labels needs the stream of the marks" in run(
        *base, new_one, "--name", "x", "--labels", code=2
    )
    assert "--give-up must be a positive number of seconds; got -1" in run(
        *base, new_one, "--name", "x", "--give-up", -1, code=2
    )
    assert "StreamNotFoundError" in run(*base, new_one, "--name", unique(), "--find", 0.1, code=2)
    assert not new_one.exists()
