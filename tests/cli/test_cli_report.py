from __future__ import annotations

import re
import shutil
import sqlite3
import subprocess
import sys

import pytest
import typer
from evaluation.study_tables import make_table
from typer.testing import CliRunner

from eegtl.cli import app
from eegtl.evaluation import run_study
from eegtl.report import pictures

pytestmark = pytest.mark.usefixtures("quick_perceptron")


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A study that was run from Python: no report yet."""
    folder = tmp_path_factory.mktemp("finished")
    run_study(make_table(), methods=["tca"], n_shuffles=2, out=folder)
    return folder


@pytest.fixture
def study(finished, tmp_path):
    return shutil.copytree(finished, tmp_path / "study")


@pytest.fixture
def spared(monkeypatch):
    """Spare the drawing where a test is not about the page: each figure is an empty sheet."""
    monkeypatch.setattr(pictures, "svg_uri", lambda figure: "data:image/svg+xml;base64,")


def _call(*arguments, code=0):
    result = CliRunner().invoke(app, ["report", *map(str, arguments)])
    assert result.exit_code == code, result.output
    assert "Traceback" not in result.output
    return result


def test_report_and_table_are_built_from_the_results_alone(study):
    (study / "table.csv").unlink()
    before = (study / "results.sqlite").read_bytes()
    output = _call(study).stdout
    page, table = study / "report.html", study / "table.md"
    assert output == f"written: {page}, {table}\n"
    assert "Subject transfer on invented" in page.read_text(encoding="utf-8")
    title = "invented: 4 people, 96 windows; labels calm / tense; leave-one-subject-out, transduc"
    assert table.read_text(encoding="utf-8").startswith(title)
    assert (study / "results.sqlite").read_bytes() == before
    first = page.read_bytes()
    _call(study)
    assert page.read_bytes() == first


def test_the_page_can_go_elsewhere(study, tmp_path, spared):
    _call(study, "--out", tmp_path / "first.html")
    assert (tmp_path / "first.html").is_file()
    assert not (study / "report.html").exists()


def test_the_page_is_opened_only_when_asked(study, monkeypatch, spared):
    opened = []
    monkeypatch.setattr(typer, "launch", opened.append)
    _call(study)
    assert opened == []
    _call(study, "--open", "yes")
    assert opened == [(study / "report.html").resolve().as_uri()]


def test_an_unfinished_study_is_reported_with_what_is_complete(study, spared):
    with sqlite3.connect(study / "results.sqlite") as db:
        db.execute("DELETE FROM folds WHERE row = 'tca [z2]' AND fold = 's1'")
    db.close()
    output = _call(study).stdout
    assert "note: the study is not finished; folds that have not run: 1" in output
    page = (study / "report.html").read_text(encoding="utf-8")
    assert "This study is not finished:" in page


def test_errors_are_one_paragraph(tmp_path, study):
    error = _call(tmp_path / "nowhere", code=2).stderr
    assert error.startswith("eegtl: StudyError: ")
    assert "nowhere" in error
    assert _call(study, "--open", "maybe", code=2).stderr == (
        "eegtl: StudyError: --open is 'maybe'; write yes or no.\n"
    )
    error = _call(study, "--out", tmp_path / "no" / "page.html", code=2).stderr
    assert re.match(r"eegtl: StudyError: \S+page\.html cannot be written: the folder", error)
    (tmp_path / "results.sqlite").write_bytes(b"SQLite format 3\x00 but damaged")
    assert _call(tmp_path, code=2).stderr.startswith("eegtl: StudyError: ")
    assert not (tmp_path / "report.html").exists()


def test_help_has_an_example_and_imports_nothing_heavy():
    output = _call("--help").stdout
    assert "eegtl report runs/first" in output
    code = (
        "import sys; from eegtl.cli import app; from eegtl.report.escape import printable; "
        "heavy = {'matplotlib', 'mne', 'pandas', 'jinja2', 'sklearn'} & set(sys.modules); "
        "print(*sorted(heavy))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, "", "")
