"""``eegtl study --distances``."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from eegtl import report
from eegtl.cli import app, extraction, study_distances
from eegtl.evaluation import StudyResult
from eegtl.evaluation import study_distances as measured
from eegtl.evaluation.study_distances import STUDY_DISTANCES

QUICK = ["--subjects", "w01,w02,w03", "--window", "10", "--shuffles", "0", "--jobs", "1",
         "--methods", "kpca (linear)"]  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def quick(tmp_path_factory):
    """Keep features in a folder of these tests, and leave out the figures, which take seconds."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EEGTL_CACHE", str(tmp_path_factory.getbasetemp() / "eegtl-cache"))
        patch.setattr(report, "write_report", lambda result, path: path.write_text("a report"))
        yield


@pytest.fixture(scope="module")
def finished(quick, tmp_path_factory):
    """The folder of a study without distances, and what was printed."""
    out = tmp_path_factory.mktemp("finished") / "runs"
    return out, _call("study", "synthetic", *QUICK, "--out", out).stdout


@pytest.fixture
def folder(finished, tmp_path):
    """A copy of it."""
    return Path(shutil.copytree(finished[0], tmp_path / "runs"))


def _call(*arguments, code=0):
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exit_code == code, result.output
    assert "Traceback" not in result.output
    return result


def test_a_flat_person_is_named_and_shown_without_distances(tmp_path, monkeypatch):
    def flattened(*arguments, **more):
        table, notes = read(*arguments, **more)
        table.X[(table.meta["subject"] == "w02").to_numpy()] = -5.5
        return table, notes

    read = extraction.read_features
    monkeypatch.setattr(extraction, "read_features", flattened)
    quick = [*QUICK[:-1], "coral"]
    text = _call("study", "synthetic", *quick, "--distances", "--out", tmp_path / "runs").stdout
    table, _, after = text.partition("distances to the sources, features standardised once")
    note = "subject w02: all 36 windows are identical (a flat signal?)"
    assert all(note in " ".join(part.split()) for part in (table, after))
    cells = " ".join(re.findall(r"^w02 +(.*)$", after, re.M)).split()
    assert cells == ["-"] * (9 + 6)
    written = pd.read_csv(tmp_path / "runs" / "distances.csv").set_index("subject")
    assert written.loc["w02", ["value", "noise"]].isna().all(axis=None)
    assert written.drop("w02")[["value", "noise"]].notna().all(axis=None)


def test_distances_are_printed_after_the_table_and_written(tmp_path):
    out = tmp_path / "runs"
    text = _call("study", "synthetic", *QUICK, "--distances", "--out", out).stdout
    table, _, after = text.partition("distances to the sources, features standardised once")
    assert re.search(r"^kpca \(linear\) +z2 ", table, re.M)
    assert "distances  6/6" in table
    assert re.search(r"^subject +mean gap, sd +MMD2 linear, sd2", after, re.M)
    assert "distances to the sources behind z2" in after
    assert len(re.findall(r"^w02 ", after, re.M)) >= 2
    assert "distances: value (noise); the noise is the distance between halves of the" in after
    last = text.splitlines()[-1]
    assert "results.sqlite, recipe.toml, distances.csv}" in last
    assert last.endswith(f"resume with: eegtl study --resume {out} --distances")
    assert "\x1b" not in text

    written = pd.read_csv(out / "distances.csv")
    assert list(written) == ["subject", "normalization", "distance", "value", "noise"]
    assert len(written) == 3 * (9 + 6)
    assert set(written["distance"]) == {distance.name for distance in STUDY_DISTANCES}
    assert np.isfinite(written[["value", "noise"]]).all().all()
    # those that the report draws are the same
    kept = StudyResult.load(out).distances
    merged = kept.merge(written, on=["subject", "normalization", "distance"])
    np.testing.assert_allclose(merged["value_x"], merged["value_y"], rtol=1e-12)
    # what is printed is what is written
    line = written[(written["subject"] == "w02") & (written["distance"] == "mean_gap")].iloc[0]
    assert f"{line['value']:.2f} ({line['noise']:.2f})" in after.splitlines()[3]


def test_without_the_option_nothing_is_measured(finished):
    out, text = finished
    assert "distances" not in text
    assert not (out / "distances.csv").exists()


def test_a_finished_study_is_resumed_for_its_distances(folder):
    recipe = (folder / "recipe.toml").read_bytes()
    table = pd.read_csv(folder / "table.csv")
    again = _call("study", "--resume", folder, "--distances").stdout
    assert re.search(r"folds  (\d+)/\1\b", again)
    assert re.search(r"^median ", again, re.M)
    assert len(pd.read_csv(folder / "distances.csv")) == 3 * 15
    assert (folder / "recipe.toml").read_bytes() == recipe  # how it is shown is not in it
    pd.testing.assert_frame_equal(pd.read_csv(folder / "table.csv"), table)  # nothing ran again
    before = (folder / "distances.csv").read_bytes()
    _call("study", "--resume", folder)
    assert (folder / "distances.csv").read_bytes() == before  # they are still those of the study


def test_distances_of_a_replaced_study_go_with_it(folder):
    (folder / "distances.csv").write_text("old")
    _call("study", "synthetic", *QUICK, "--out", folder, "--overwrite")
    assert not (folder / "distances.csv").exists()


def test_stopping_while_they_are_measured_keeps_all_else(folder, monkeypatch):
    def stop(*given, **named):
        raise KeyboardInterrupt

    monkeypatch.setattr(measured, "person_distances", stop)
    result = _call("study", "--resume", folder, "--distances", code=130)
    assert re.search(
        rf"stopped; \d+ finished folds are kept in {folder}\. Continue with: eegtl study "
        rf"--resume {folder} --distances\n",
        result.stderr,
    )
    assert (folder / "report.html").read_text() == "a report"
    assert not (folder / "distances.csv").exists()


def test_a_file_that_cannot_be_written_is_named_and_nothing_is_left_behind(folder):
    (folder / "distances.csv").mkdir()
    result = _call("study", "--resume", folder, "--distances", code=2)
    assert f"{folder / 'distances.csv'} cannot be written" in result.stderr
    assert not [p for p in folder.iterdir() if p.name.startswith(".")]


def test_what_is_left_out_is_said_and_the_terminal_s_width_is_kept(folder, monkeypatch):
    from eegtl.transfer.distances import domains

    monkeypatch.setattr(domains, "MATRIX_LIMIT_BYTES", 8 * 100)
    monkeypatch.setattr(study_distances, "columns_of_terminal", lambda: 72)
    text = _call("study", "--resume", folder, "--distances").stdout
    assert "distance gaussian_kl is left out: the covariance of the features (70 x 70)" in text
    block = text.partition("standardised once")[2].partition("distances: value")[0]
    assert max(map(len, block.splitlines())) <= 72


def test_the_windows_and_features_are_those_of_the_study(folder, monkeypatch):
    seen = {}

    def spy(table, **settings):
        seen.update(settings)
        return person_distances(table, **settings)

    person_distances = measured.person_distances
    monkeypatch.setattr(measured, "person_distances", spy)
    _call("study", "--resume", folder, "--distances")
    del seen["progress"]
    assert seen == {
        "protocol": "leave-one-subject-out",
        "information": "transductive",
        "features": ["de"],
        "keep_settling": False,
        "allow_acausal": False,
    }


def test_the_option_is_explained_and_has_an_example():
    text = " ".join(_call("study", "--help").stdout.split())
    assert re.search(
        r"--distances Also print how far each person's features lie from those of", text
    )
    assert "eegtl study --resume runs/first --distances" in text
