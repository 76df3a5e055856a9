from __future__ import annotations

import re
import subprocess
import sys

import pandas as pd
import pytest
from recordings.recording_files import write_edf
from typer.testing import CliRunner

import eegtl
from eegtl import report
from eegtl.cli import app
from eegtl.errors import SubjectError
from eegtl.evaluation import ResultsStore, recipe, runner
from eegtl.evaluation.recipe import Recipe

pytestmark = pytest.mark.usefixtures("quick_perceptron")

PEOPLE = ["--subjects", "w01,w02,w03"]
QUICK = [*PEOPLE, "--window", "10", "--shuffles", "1", "--jobs", "1", "--methods", "kpca (linear)"]


@pytest.fixture(autouse=True)
def cache(monkeypatch, tmp_path_factory):
    """Keep features of these tests in a folder of their own."""
    monkeypatch.setenv("EEGTL_CACHE", str(tmp_path_factory.getbasetemp() / "eegtl-cache"))


@pytest.fixture
def no_report(monkeypatch):
    """Leave out the figures, which take seconds."""
    monkeypatch.setattr(report, "write_report", lambda result, path: path.write_text("a report"))


def _call(*arguments, code=0):
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exit_code == code, result.output
    assert "Traceback" not in result.output
    return result


def _error(*arguments):
    result = _call(*arguments, code=2)
    assert result.stderr.startswith("eegtl: ")
    assert len(result.stderr.splitlines()) == 1
    return result.stderr


def test_a_study_prints_its_table_and_writes_its_files(tmp_path, monkeypatch):
    out = tmp_path / "runs"
    result = _call("study", "synthetic", *QUICK, "--out", out)
    lines = result.stdout.splitlines()
    assert lines[0] == (
        "synthetic: 3 of 12 subjects, 3 of 12 recordings, 128 Hz, 14 channels; "
        "labels negative / neutral / positive (card: datasets/synthetic)"
    )
    assert "features: differential entropy, 5 bands, 10 s windows, causal  3/3" in result.stdout
    assert "protocol: leave-one-subject-out, transductive; what each row may see" in result.stdout
    assert "folds  39/39" in result.stdout  # 9 source-only, 2 kpca, majority, one shuffle
    assert re.search(r"^kpca \(linear\) +z2 +unlabelled, all windows +\d", result.stdout, re.M)
    files = f"{out}/{{report.html, table.csv, table.md, results.sqlite, recipe.toml}}"
    assert lines[-1] == f"written: {files}     resume with: eegtl study --resume {out}"
    assert sorted(p.name for p in out.iterdir()) == [
        "recipe.toml",
        "report.html",
        "results.sqlite",
        "table.csv",
        "table.md",
    ]
    assert "\x1b" not in result.output
    assert "\r" not in result.output
    table = pd.read_csv(out / "table.csv")
    assert len(table) == 13
    assert (out / "table.md").read_text().startswith("synthetic: 3 people, ")

    message = _error("study", "synthetic", *QUICK, "--out", out)
    assert f"StudyError: {out} already holds the results of a study." in message
    assert f"--resume {out}" in message
    assert "--overwrite" in message

    assert (out / "report.html").read_text().lower().startswith("<!doctype html>")
    assert Recipe.load(out / "recipe.toml").study.methods == ("kpca (linear)",)
    monkeypatch.setattr(report, "write_report", lambda result, path: path)

    again = _call("study", "--resume", out)
    assert "folds  39/39" in again.stdout
    assert "folds  0/39" not in again.stdout
    same = pd.read_csv(out / "table.csv")
    pd.testing.assert_frame_equal(table, same)  # timings too, since nothing ran again

    _call("study", "synthetic", *QUICK, "--seed", "1", "--out", out, "--overwrite")
    with ResultsStore(out / "results.sqlite") as store:
        assert store.facts()["seed"] == 1
        assert store.facts()["command"]["study"]["methods"] == ["kpca (linear)"]


def test_a_stopped_study_says_how_to_go_on_and_does(no_report, tmp_path, monkeypatch):
    out = tmp_path / "runs"
    whole = _call("study", "synthetic", *QUICK, "--out", tmp_path / "whole")
    n_run = 0

    def stop_at_eight(*task):
        nonlocal n_run
        n_run += 1
        if n_run == 8:
            raise KeyboardInterrupt
        return run_fold(*task)

    run_fold = runner.run_fold
    with monkeypatch.context() as patch:
        patch.setattr(runner, "run_fold", stop_at_eight)
        stopped = _call("study", "synthetic", *QUICK, "--out", out, code=130)
    assert stopped.stderr == (
        f"eegtl: stopped; 7 finished folds are kept in {out}. "
        f"Continue with: eegtl study --resume {out}\n"
    )
    resumed = _call("study", "--resume", out, "--jobs", "1")
    assert "folds  7/39" in resumed.stdout
    tables = [pd.read_csv(folder / "table.csv") for folder in (tmp_path / "whole", out)]
    for table in tables:
        del table["seconds_per_fold"]
    pd.testing.assert_frame_equal(*tables)
    assert "kpca (linear)" in whole.stdout


def test_stopping_before_the_first_fold_leaves_nothing(tmp_path, monkeypatch):
    def stop(*given, **named):
        raise KeyboardInterrupt

    monkeypatch.setattr(recipe, "load", stop)
    result = _call("study", "synthetic", "--out", tmp_path / "runs", code=130)
    assert result.stderr == "eegtl: stopped before the first fold; nothing was written.\n"
    assert not (tmp_path / "runs").exists()


def test_a_bad_recording_is_named_with_file_and_subject(tmp_path, monkeypatch):
    def bad(*given, **named):
        raise SubjectError("no samples\x1b[2J.", file="Subject07_2.edf", subject="07")

    monkeypatch.setattr(recipe, "load", bad)
    message = _error("study", "eegmat", "--out", tmp_path / "runs")
    assert message == ("eegtl: SubjectError in Subject07_2.edf (subject 07): no samples\\x1b[2J.\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "StudyError: no data set is named. Write for example: eegtl study synthetic"),
        (["synthetik"], "DatasetError: the data set 'synthetik' is unknown; did you mean 'synth"),
        (
            ["synthetic", "--methods", "tca,nothing"],
            "StudyError: --methods: unknown method 'nothing'; known are sou",
        ),
        (
            ["synthetic", "--information", "all"],
            "StudyError: --information: unknown information set 'all'; wri",
        ),
        (
            ["synthetic", "--information", "inductive", "--methods", "tca"],
            "InformationError: tca [z0] needs unlabelled rows of the target, but the information "
            "set 'inductive' grants at most 'inductive'",
        ),
        (["--resume", "nowhere"], "StudyError: nowhere holds no results.sqlite, so there is no"),
        (["--resume", "nowhere", "--overwrite"], "StudyError: --resume continues the study in its"),
        (
            ["synthetic", "--window", "0"],
            "StudyError: --window: Input should be greater than 0 (got 0",
        ),
        (["synthetic", "--window", "nan"], "StudyError: --window is nan; give a number of sec"),
        (["synthetic", "--methods", ""], "StudyError: --methods is empty; give a value or leave"),
        (["synthetic", "--out", ""], "StudyError: --out is empty; give a value or leave the opt"),
        (["--resume", " "], "StudyError: --resume is empty; give a value or leave the option out"),
        (["synthetic", "--out", "x" * 5000], "StudyError: --out: xxx"),
        (["--resume", "x" * 5000], "StudyError: --resume: xxx"),
        (["eegmat", "--root", "~nobody at all/x"], "DatasetError: the folder ~nobody at all/x (t"),
        (["synthetic", "--seed", "4294967296"], "StudyError: --seed: Input should be less than 42"),
        (["synthetic", "--tune", "sauce"], "StudyError: --tune: unknown criterion 'sauce'; did yo"),
        (["synthetic", "--protocol", "loso"], "StudyError: --protocol: unknown protocol 'loso'; k"),
        (["synthetic", "--channels", "Fp1,Q9"], "DatasetError: "),
        (["eegmat", "--root", "nowhere"], "DatasetError: "),
    ],
)
def test_mistakes_are_one_paragraph(arguments, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert _error("study", *arguments).startswith(f"eegtl: {message}")
    assert list(tmp_path.iterdir()) == []


def test_what_fails_in_the_end_fails_before_signals_are_read(tmp_path, monkeypatch):
    def read(*given, **named):
        raise AssertionError("signals are read")

    monkeypatch.setattr(recipe, "load", read)
    (tmp_path / "file").write_text("")
    message = _error("study", "synthetic", "--out", tmp_path / "file")
    assert "file cannot be used as the folder of a study" in message
    (tmp_path / "runs" / "results.sqlite").mkdir(parents=True)
    message = _error("study", "synthetic", "--out", tmp_path / "runs", "--overwrite")
    assert "results.sqlite is a folder, but results are kept in a file of that name" in message


@pytest.mark.parametrize("begun", ["resume", "overwrite"])
def test_stopping_before_a_fold_does_not_call_old_results_kept(tmp_path, monkeypatch, begun):
    def stop(*given, **named):
        raise KeyboardInterrupt

    monkeypatch.setattr(recipe, "load", stop)
    with ResultsStore(tmp_path / "results.sqlite", {"command": {"data": {"name": "synthetic"}}}):
        pass
    before = (tmp_path / "results.sqlite").read_bytes()
    if begun == "resume":
        result = _call("study", "--resume", tmp_path, code=130)
        assert result.stderr == (
            f"eegtl: stopped before a fold was run; {tmp_path} is as it was. "
            f"Continue with: eegtl study --resume {tmp_path}\n"
        )
    else:
        result = _call("study", "synthetic", "--out", tmp_path, "--overwrite", code=130)
        assert result.stderr == "eegtl: stopped before the first fold; nothing was written.\n"
    assert (tmp_path / "results.sqlite").read_bytes() == before


def test_a_study_goes_on_with_other_methods(no_report, tmp_path):
    _call("study", "synthetic", *QUICK, "--out", tmp_path)
    again = _call("study", "--resume", tmp_path, "--methods", "source-only")
    assert "folds  33/33" in again.stdout
    assert "kpca (linear)" not in again.stdout
    _call("study", "--resume", tmp_path)
    with ResultsStore(tmp_path / "results.sqlite") as store:
        assert store.facts()["command"]["study"]["methods"] == ["source-only"]
        assert "kpca (linear) [z2]" in store.facts()["rows"]


@pytest.mark.parametrize(
    ("command", "shown"),
    [
        (
            {"data": {"name": "synthetic"}, "study": {"seed": "x"}},
            "(study.seed: Input should be a valid integer (got 'x'))",
        ),
        (
            {"data": {"name": "synthetic"}, "features": {"window": [2]}},
            "(features.window: Input should be a valid number (got [2]))",
        ),
        (["synthetic"], "(recipe: Input should be an object (got ['synthetic']))"),
    ],
)
def test_damaged_settings_are_refused(tmp_path, command, shown):
    with ResultsStore(tmp_path / "results.sqlite", {"command": command}):
        pass
    assert shown in _error("study", "--resume", tmp_path)


def test_settings_cannot_change_when_a_study_goes_on(tmp_path):
    with ResultsStore(tmp_path / "results.sqlite") as store:
        store.write_facts({"command": {"data": {"name": "synthetic"}}})
    message = _error("study", "eegmat", "--resume", tmp_path, "--seed", "3", "--skip-bad")
    assert "leave out name, --seed, --skip-bad." in message


def test_results_of_a_python_study_are_continued_from_python(tmp_path):
    with ResultsStore(tmp_path / "results.sqlite") as store:
        store.write_facts({"command": {}})
    message = _error("study", "--resume", tmp_path)
    assert "was not written by eegtl study" in message
    assert "if_exists='resume'" in message


def test_a_study_can_be_repeated_from_its_recipe(no_report, tmp_path):
    first, second = tmp_path / "first", tmp_path / "second"
    _call("study", "synthetic", *QUICK, "--smoothing", "lds", "--seed", "3", "--out", first)
    _call("study", first / "recipe.toml", "--jobs", "1", "--out", second)
    tables = [pd.read_csv(folder / "table.csv") for folder in (first, second)]
    for table in tables:
        del table["seconds_per_fold"]
    pd.testing.assert_frame_equal(*tables)
    assert (second / "recipe.toml").read_text() == (first / "recipe.toml").read_text()
    assert Recipe.load(first / "recipe.toml").study.seed == 3


def test_a_relative_root_is_kept_in_full(no_report, tmp_path, monkeypatch):
    data = tmp_path / "data"
    data.mkdir()
    for person in range(3):
        for k in (1, 2):
            write_edf(data / f"Subject0{person}_{k}.edf", seconds=62, seed=2 * person + k)
    quick = ["--window", "10", "--shuffles", "0", "--jobs", "1", "--methods", "kpca (linear)"]
    monkeypatch.chdir(tmp_path)
    text = _call("study", "eegmat", "--root", "data", *quick, "--out", "runs").stdout
    assert text.splitlines()[0].endswith(f"(card: datasets/eegmat, files: {data})")
    monkeypatch.chdir("/")
    _call("study", "--resume", tmp_path / "runs")
    again = _call("study", tmp_path / "runs" / "recipe.toml", "--jobs", "1",
                  "--out", tmp_path / "again")  # fmt: skip
    assert f"files: {data})" in again.stdout
    for folder in ("runs", "again"):
        assert Recipe.load(tmp_path / folder / "recipe.toml").data.root == str(data)
        with ResultsStore(tmp_path / folder / "results.sqlite") as store:
            assert store.facts()["command"]["data"]["root"] == str(data)


def test_a_criterion_adds_tuned_rows(no_report, tmp_path):
    quick = ["--subjects", "w01,w02,w03,w04", "--window", "10", "--shuffles", "0", "--jobs", "1"]
    text = _call("study", "synthetic", *quick, "--methods", "kpca (linear)", "--tune", "source",
                 "--out", tmp_path).stdout  # fmt: skip
    assert re.search(r"^kpca \(linear\), tuned +z2 ", text, re.M)
    assert Recipe.load(tmp_path / "recipe.toml").study.tune == "source"


@pytest.mark.realdata
def test_days_of_real_people(no_report, realdata, tmp_path):
    quick = ["--window", "10", "--shuffles", "0", "--jobs", "1", "--methods", "kpca (linear)"]
    text = _call("study", "muse-days", "--root", realdata, "--protocol", "cross-session", *quick,
                 "--out", tmp_path).stdout  # fmt: skip
    assert "protocol: cross-session, transductive" in text
    assert len(pd.read_csv(tmp_path / "table.csv")) == 12


def test_options_replace_what_a_recipe_says_and_the_rest_stays(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(
        '[data]\nname = "synthetic"\nsubjects = ["w01", "w02"]\n'
        "[features]\nwindow = 5.0\n[study]\nseed = 3\n"
    )
    shown = _call("study", path, "--window", "8", "--methods", "tca, kpca", "--dump-recipe").stdout
    (tmp_path / "shown.toml").write_text(shown)
    recipe = Recipe.load(tmp_path / "shown.toml")
    assert (recipe.features.window, recipe.study.seed) == (8.0, 3)
    assert recipe.study.methods == ("tca", "kpca")
    assert recipe.data.subjects == ("w01", "w02")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["mine.toml", "shown.toml"]


def test_mistakes_in_a_recipe_name_its_line(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text('[data]\nname = "synthetic"\n[study]\nsede = 3\n')
    message = _error("study", path, "--methods", "tcb")
    assert f"{path}, line 4: study.sede: unknown key; did you mean 'seed'?" in message
    assert "--methods: unknown method 'tcb'; did you mean 'tca'?" in message


def test_every_option_is_explained():
    text = _call("study", "--help").stdout
    for option in (
        "protocol",
        "tune",
        "features",
        "step",
        "smoothing",
        "subjects",
        "no-cache",
        "dump-recipe",
        "root",
        "methods",
        "information",
        "window",
        "jobs",
        "out",
        "overwrite",
        "resume",
        "channels",
        "skip-bad",
        "shuffles",
        "seed",
    ):
        assert re.search(rf"--{option}( <[^>]+>)?\s+[A-Z'l]", text), option
    assert "Examples: eegtl study synthetic" in text


@pytest.mark.parametrize(
    "command",
    ["study", "features", "report", "doctor", "datasets", "datasets list", "datasets info",
     "datasets check", "datasets fetch"],
)  # fmt: skip
def test_every_command_has_an_example(command):
    text = " ".join(_call(*command.split(), "--help").stdout.split())
    assert re.search(rf"Examples?: eegtl {command.split()[0]} ?", text)


def test_the_version():
    assert _call("--version").stdout == f"eegtl {eegtl.__version__}\n"


def test_help_imports_nothing_heavy():
    code = (
        "import sys\nfrom typer.testing import CliRunner\nfrom eegtl.cli import app\n"
        "assert CliRunner().invoke(app, ['--help']).exit_code == 0\n"
        "print(sorted({'numpy', 'mne', 'sklearn', 'pandas', 'numba', 'joblib'} & set(sys.modules)))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
