"""`eegtl sources prepare --skip-bad`: what is bad is left out, and read no second time."""

from __future__ import annotations

from collections import Counter

import pytest
from recordings.recording_files import write_edf
from typer.testing import CliRunner

from eegtl.cli import app
from eegtl.personalize import SourceFile
from eegtl.recordings import Collection


@pytest.fixture
def folder(tmp_path):
    """Three people as eegmat has them; of the first, one recording cannot be read."""
    for person in ("00", "01", "02"):
        for k in (1, 2):
            path = tmp_path / f"Subject{person}_{k}.edf"
            if (person, k) == ("00", 1):
                path.symlink_to(tmp_path / "nowhere")
            else:
                write_edf(path, seconds=62, seed=10 * int(person) + k)
    return tmp_path


def prepare(folder, *more):
    return CliRunner().invoke(app, [
        "sources", "prepare", "eegmat", "--root", str(folder), "--channels", "Fp1,Fz",
        "--window", "2", "--lengths", "10", "--candidates", "z2", "--no-cache",
        "--out", str(folder / "x.eegsrc"), *more,
    ])  # fmt: skip


def test_a_bad_recording_is_left_out_and_named(folder, monkeypatch):
    read = Counter()
    one = Collection._recording

    def counted(self, entry):
        read[entry.file] += 1
        return one(self, entry)

    monkeypatch.setattr(Collection, "_recording", counted)
    result = prepare(folder, "--skip-bad")
    assert result.exit_code == 0, result.output
    assert "left out: Subject00_1.edf (subject 00): " in result.stdout
    assert len(read) == 6
    assert set(read.values()) == {1}
    made = SourceFile.load(folder / "x.eegsrc")
    assert (made.sfreq, made.ch_names, made.passband) == (500.0, ("Fp1", "Fz"), (0.5, 45.0))
    assert made.plan.n_people == 3


def test_without_skip_bad_it_ends_the_command(folder):
    result = prepare(folder)
    assert result.exit_code == 2
    assert "SubjectError in Subject00_1.edf (subject 00): " in result.stderr
    assert not (folder / "x.eegsrc").exists()
