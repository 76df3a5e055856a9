from __future__ import annotations

import re

import numpy as np
import pytest
from recordings.recording_files import write_edf
from typer.testing import CliRunner

from eegtl.cli import app
from eegtl.features import FEATURES, FeatureTable

QUICK = ["--subjects", "w01,w02", "--window", "10"]


@pytest.fixture(autouse=True)
def cache(monkeypatch, tmp_path_factory):
    """Keep features of these tests in a folder of their own."""
    monkeypatch.setenv("EEGTL_CACHE", str(tmp_path_factory.getbasetemp() / "eegtl-cache"))


def _call(*arguments, code=0):
    result = CliRunner().invoke(app, ["features", *map(str, arguments)])
    assert result.exit_code == code, result.output
    assert "Traceback" not in result.output
    return result


def _error(*arguments):
    result = _call(*arguments, code=2)
    assert len(result.stderr.splitlines()) == 1
    return result.stderr


def test_a_table_is_written_and_described(tmp_path):
    out = tmp_path / "x.npz"
    lines = _call("synthetic", *QUICK, "--features", "de,hjorth", "--out", out).stdout.splitlines()
    assert lines[0].startswith("synthetic: 2 of 12 subjects, 2 of 12 recordings, 128 Hz, 14 chan")
    assert lines[1].startswith("features: differential entropy, hjorth, 5 bands, 10 s windows, cau")
    table = FeatureTable.load(out)
    n_trials = len(table.meta.groupby(["subject", "trial"]))
    settling = table.meta["settling"].sum()
    assert lines[-6] == (
        f"{len(table)} windows of 2 people in {n_trials} trials, {settling} of them while the "
        "filters settled; causal"
    )
    counts = table.meta["label"].value_counts()
    assert lines[-5].startswith("labels: ")
    assert all(f"{label} {n}" in lines[-5] for label, n in counts.items())
    assert lines[-4] == f"de: 70 columns (14 x 5), {FEATURES['de'].unit}"
    assert lines[-3] == f"hjorth: 42 columns (14 x 3), {FEATURES['hjorth'].unit}"
    assert lines[-2].startswith("flags: ")
    assert lines[-1] == f"written: {out}"
    assert table.X.shape[1] == 112


def test_a_recipe_with_steps_and_options_over_it(tmp_path):
    recipe = tmp_path / "recipe.toml"
    recipe.write_text(
        '[data]\nname = "synthetic"\nsubjects = ["w01"]\n[features]\nwindow = 10.0\n'
        '[[preprocessing]]\nstep = "reference"\n'
        '[[preprocessing]]\nstep = "artefacts"\namplitude = 1e-6\n'
    )
    out = tmp_path / "x.npz"
    text = _call(recipe, "--smoothing", "lds:mode=smooth,q=0.001", "--out", out).stdout
    assert (
        "features: differential entropy, 5 bands, 10 s windows, after reference > artefacts, "
        "smoothed by lds, not causal" in text
    )
    table = FeatureTable.load(out)
    assert f"flags: {len(table)} windows (amplitude {len(table)}" in text
    assert not table.causal
    assert table.info["smoothing"] == {"name": "lds", "mode": "smooth", "q": 1e-3, "r": 1.0, "v0": 0.01}  # fmt: skip  # noqa: E501
    assert [step["name"] for step in table.info["preprocessing"]] == ["reference", "artefacts"]


def test_kept_features_say_so_and_are_the_same(tmp_path, monkeypatch):
    from eegtl.evaluation import feature_cache

    kept = feature_cache.FeatureCache
    monkeypatch.setattr(feature_cache, "FeatureCache", lambda: kept(worth=0.0))
    monkeypatch.setenv("EEGTL_CACHE", str(tmp_path / "cache"))
    first, second, third = (tmp_path / f"{i}.npz" for i in range(3))
    assert "(cached)" not in _call("synthetic", *QUICK, "--out", first).stdout
    assert re.search(r"causal  2/2  0:00:00  \(cached\)$",
                     _call("synthetic", *QUICK, "--out", second).stdout, re.M)  # fmt: skip
    assert "(cached)" not in _call("synthetic", *QUICK, "--out", third, "--no-cache").stdout
    tables = [FeatureTable.load(path) for path in (first, second, third)]
    for table in tables[1:]:
        assert np.array_equal(table.X, tables[0].X)
        assert table.info == tables[0].info


@pytest.mark.parametrize("name", ["recipe", "MINE.TOML", "mine.txt", "synthetic"])
def test_any_file_is_a_recipe_unless_a_data_set_has_its_name(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    (tmp_path / name).write_text('[data]\nname = "synthetic-shift"\nsubjects = ["w01"]\n')
    text = _call(name, "--subjects", "w02,", "--window", "10", "--out", "x.npz").stdout
    wanted = "synthetic" if name == "synthetic" else "synthetic-shift"
    assert text.startswith(f"{wanted}: 1 of 12 subjects")
    assert set(FeatureTable.load(tmp_path / "x.npz").meta["subject"]) == {"w02"}


def test_skip_bad_leaves_recordings_out(tmp_path):
    for k in (1, 2):
        write_edf(tmp_path / f"Subject00_{k}.edf", seconds=62, seed=k)
    (tmp_path / "Subject01_1.edf").symlink_to(tmp_path / "nowhere")
    out, given = tmp_path / "x.npz", ["eegmat", "--root", tmp_path, "--window", "10"]
    assert "SubjectError in Subject01_1.edf (subject 01): " in _error(*given, "--out", out)
    text = _call(*given, "--skip-bad", "--out", out).stdout
    assert text.startswith("eegmat: 2 of 36 subjects, 3 of 72 recordings")
    assert f"(card: datasets/eegmat, files: {tmp_path})" in text
    assert "left out: Subject01_1.edf (subject 01): " in text
    assert set(FeatureTable.load(out).meta["subject"]) == {"00"}


def test_the_registry_is_listed():
    lines = _call("--list").stdout.splitlines()
    assert [line.split()[0] for line in lines] == list(FEATURES)
    for line, record in zip(lines, FEATURES.values(), strict=True):
        assert record.unit in line
        assert line.endswith(record.citation)


def test_a_file_that_is_there_stays(tmp_path):
    out = tmp_path / "x.npz"
    out.write_text("mine")
    assert _error("synthetic", *QUICK, "--out", out) == (
        f"eegtl: InputError: {out} is there already; replace it with --overwrite, or name another "
        "with --out.\n"
    )
    assert out.read_text() == "mine"
    _call("synthetic", *QUICK, "--out", out, "--overwrite")
    assert len(FeatureTable.load(out)) > 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "InputError: no data set is named. Write for example: eegtl features synthetic --out"),
        (["synthetik"], "DatasetError: the data set 'synthetik' is unknown; did you mean 'synthet"),
        (["x.toml"], "StudyError: the recipe x.toml cannot be read (No such file or directory); n"),
        (["synthetic", "--features", "dee"], "StudyError: --features: unknown feature 'dee'; did "),
        (["synthetic", "--features", " "], "StudyError: --features is empty; give a value or leav"),
        (["synthetic", "--step", "0"], "StudyError: --step: Input should be greater than 0 (got 0"),
        (["synthetic", "--window", "inf"], "StudyError: --window is inf; give a number of seconds"),
        (["synthetic", "--smoothing", "ldz"], "StudyError: --smoothing, name: 'ldz' is unknown; k"),
        (["synthetic", "--smoothing", "lds:x"], "StudyError: --smoothing: 'x' is no setting; writ"),
        (["synthetic", "--smoothing", "lds:mode=a"], "StudyError: --smoothing: mode is 'a'; give "),
        (
            ["synthetic", "--smoothing", "moving_average"],
            "StudyError: --smoothing, seconds: is mis",
        ),
        (["synthetic", "--subjects", "w1"], "DatasetError: subject 'w1' does not occur in synthet"),
        (["synthetic", "--out", "nowhere/x.npz"], "InputError: the folder nowhere does not exist;"),
        (["synthetic", "--out", "."], "InputError: . is a folder; name a file with --out."),
        (["synthetic", "--out", ""], "InputError: --out is empty; name a file or leave the option"),
        (
            ["synthetic", "--out", "~nobody at all/x"],
            "InputError: --out ~nobody at all/x cannot be",
        ),
        (["synthetic", "--out", "x" * 5000], "InputError: --out xxx"),
        (["synthetic", "--subjects", "w01,,w02"], "StudyError: --subjects is 'w01,,w02', which ha"),
        (["synthetic", "--features", ","], "StudyError: --features is ',', which has nothing befo"),
        (["eegmat", "--root", "a\udcff"], "StudyError: --root is 'a\\udcff', which is not UTF-8; "),
        (["eegmat", "--root", "~nobody at all"], "DatasetError: the folder ~nobody at all (the ro"),
        (["./synthetic"], "StudyError: the recipe ./synthetic cannot be read (No such file or dir"),
        (["x.TOML"], "StudyError: the recipe x.TOML cannot be read (No such file or directory); n"),
        (["x" * 5000], "DatasetError: the data set 'xxx"),
        (["synthetic", "--root", "x"], "DatasetError: synthetic is made in memory and takes no ro"),
    ],
)
def test_mistakes_are_one_paragraph(arguments, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert _error(*arguments).startswith(f"eegtl: {message}")
    assert list(tmp_path.iterdir()) == []


def test_stopping_leaves_nothing(tmp_path, monkeypatch):
    from eegtl.evaluation import recipe

    def stop(*given, **named):
        raise KeyboardInterrupt

    monkeypatch.setattr(recipe, "load", stop)
    result = _call("synthetic", *QUICK, "--out", tmp_path / "x.npz", code=130)
    assert result.stderr == "eegtl: stopped; nothing was written.\n"
    assert list(tmp_path.iterdir()) == []
