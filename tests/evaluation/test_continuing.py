"""Which studies may be continued, and that one folder belongs to one process."""

from __future__ import annotations

import re
import sqlite3
import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from evaluation.study_tables import make_table
from sklearn.base import BaseEstimator
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier
from sklearn.preprocessing import FunctionTransformer

from eegtl.errors import StudyError
from eegtl.evaluation import ResultsStore, StudyRow, run_study
from eegtl.evaluation.facts import study_differences
from eegtl.evaluation.folder import open_store
from eegtl.evaluation.settings import settings_of
from eegtl.features import FeatureTable
from eegtl.transfer import (
    SourceOnly,
    SubjectNormalizer,
    default_classifier,
    make_transfer_pipeline,
)

pytestmark = pytest.mark.usefixtures("quick_perceptron")


def _run(table, out=None, **settings):
    return run_study(table, **{"methods": [], "n_shuffles": 0, "out": out} | settings)


def _changed(table, **columns):
    return FeatureTable(table.X, table.columns, table.meta.assign(**columns), info=table.info)


def _behind_z2(classifier):
    return {"own": make_transfer_pipeline(SubjectNormalizer("z2"), classifier)}


@pytest.mark.parametrize("column", ["onset", "stimulus", "session", "trial"])
def test_another_description_of_the_windows_is_another_study(tmp_path, column):
    table = make_table()
    _run(table, tmp_path)
    values = table.meta[column].to_numpy()
    other = values[::-1].copy() if column != "session" else values + 1
    if column == "trial":
        other = values + 10
    with pytest.raises(StudyError, match="it differs in data: "):
        _run(_changed(table, **{column: other}), tmp_path, if_exists="resume")


def test_another_class_of_classifier_is_another_study(tmp_path):
    table = make_table()
    forest = RandomForestClassifier(5, bootstrap=True, random_state=0)
    trees = ExtraTreesClassifier(5, bootstrap=True, random_state=0)
    _run(table, tmp_path, methods=_behind_z2(forest))
    message = r"rows\.own \[z2\]\.estimator\.steps.* -> "
    with pytest.raises(StudyError, match=message):
        _run(table, tmp_path, methods=_behind_z2(trees), if_exists="resume")


def _plain(seed):
    return make_transfer_pipeline(default_classifier())


def test_another_use_of_labels_is_another_study(tmp_path):
    table = make_table()
    settings = {"information": "calibration:6:labelled"}
    _run(table, tmp_path, methods=[StudyRow("own", "none", _plain)], **settings)
    labelled = [StudyRow("own", "none", _plain, uses="labelled")]
    message = r"rows\.own \[none\]\.level: \"inductive\" -> \"labelled\"; .*\.uses: \(none\) -> "
    with pytest.raises(StudyError, match=message):
        _run(table, tmp_path, methods=labelled, if_exists="resume", **settings)


def test_settings_tell_arrays_and_functions_apart():
    def settings(value):
        return settings_of(FunctionTransformer(kw_args={"a": value}))

    long = np.zeros(5000)
    other = long.copy()
    other[2500] = 1e-9
    assert settings(long) == settings(long.copy())
    assert settings(long) != settings(other)
    assert settings(long) != settings(long.astype("f4"))
    assert settings(np.array(["a", None], dtype=object)) == settings(np.array(["a", None]))
    first, same, second = (lambda x: x + 1), (lambda x: x + 1), (lambda x: x + 2)
    assert settings(first) == settings(same)
    assert settings(first) != settings(second)
    assert settings(partial(first, 1)) != settings(partial(first, 2))
    assert settings(RandomForestClassifier) != settings(ExtraTreesClassifier)
    assert settings(object()) == settings(object())  # the address does not count
    nested = settings_of(SourceOnly(default_classifier()))
    assert nested["estimator"]["class"].endswith("LinearDiscriminantAnalysis")
    assert nested["estimator"]["solver"] == "'lsqr'"


class Failing(BaseEstimator):
    needs_ = "inductive"

    def fit(self, X, y, **more):
        raise ValueError("boom.")

    def predict(self, X):
        raise AssertionError


def test_a_study_with_a_failing_row_continues_without_it_and_with_another(tmp_path):
    table = make_table()
    bad = StudyRow("bad", "none", lambda seed: Failing())
    message = r"bad \[none\] failed on subject s0: ValueError: boom\. Finished folds are kept"
    with pytest.raises(StudyError, match=message):
        _run(table, tmp_path, methods=["kpca (linear)", bad])
    seen = []
    again = _run(
        table,
        tmp_path,
        methods=["kpca (linear)"],
        if_exists="resume",
        progress=lambda done, total: seen.append((done, total)),
    )
    assert seen[0] == (44, 48)  # only 'majority' comes after the failing row
    assert "bad" not in set(again.table["method"])
    more = _run(table, tmp_path, methods=["tca (linear)"], if_exists="resume")
    whole = _run(table, methods=["tca (linear)"])
    scores = [name for name in whole.table.columns if name != "seconds_per_fold"]
    assert more.table[scores].equals(whole.table[scores])
    with ResultsStore(tmp_path / "results.sqlite") as store:
        rows = store.facts()["rows"]
        assert {"kpca (linear) [z2]", "tca (linear) [z2]"} <= set(rows)
        assert len(store.predictions("kpca (linear) [z2]")) == 96


def test_rows_that_only_one_study_has_do_not_differ_but_common_ones_do():
    stored = {"seed": 0, "rows": {"a": {"mu": 1}, "b": {"mu": 1}}, "python": "3.11"}
    current = {"seed": 0, "rows": {"b": {"mu": 2}, "c": {}}, "python": "3.12"}
    assert study_differences(stored, current) == ["rows.b.mu: 1 -> 2"]


def test_facts_with_nan_do_not_keep_a_study_from_going_on(tmp_path):
    table = make_table()
    table.info["gap"] = float("nan")
    _run(table, tmp_path)
    _run(table, tmp_path, if_exists="resume")
    table.info["gap"] = np.arange(3)
    message = r"facts of the table cannot be written down \(.*ndarray.*\); keep texts, numbers"
    with pytest.raises(StudyError, match=message):
        _run(table, tmp_path, if_exists="resume")


WRITER = """
import sys
from pathlib import Path
from eegtl.evaluation.folder import open_store
with open_store(Path(sys.argv[1]), {"seed": 7}, if_exists="error") as store:
    print("locked", flush=True)
    sys.stdin.readline()
"""


@pytest.mark.parametrize("if_exists", ["resume", "overwrite"])
def test_a_folder_in_use_is_refused_and_left_as_it_is(tmp_path, if_exists):
    table = make_table()
    (tmp_path / "table.csv").write_text("theirs")
    command = [sys.executable, "-c", WRITER, str(tmp_path)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout.readline() == "locked\n"
        message = re.escape(f"another process is writing in {tmp_path}, or has its results open.")
        with pytest.raises(StudyError, match=message):
            _run(table, tmp_path, if_exists=if_exists)
        with pytest.raises(StudyError, match=message):
            ResultsStore(tmp_path / "results.sqlite")
        other.communicate("done\n")
    assert other.returncode == 0
    assert (tmp_path / "table.csv").read_text() == "theirs"
    with ResultsStore(tmp_path / "results.sqlite") as store:
        assert store.facts() == {"seed": 7}
    assert sorted(p.name for p in tmp_path.iterdir()) == ["results.sqlite", "table.csv"]


def test_the_lock_is_held_from_before_the_old_results_go(tmp_path):
    open_store(tmp_path, {"seed": 0}, if_exists="error").close()
    with open_store(tmp_path, {"seed": 1}, if_exists="overwrite") as store:
        assert store.facts() == {"seed": 1}
        assert store.finished() == set()
        with pytest.raises(StudyError, match="another process is writing in"):
            open_store(tmp_path, {"seed": 2}, if_exists="overwrite")
        assert store.facts() == {"seed": 1}


def test_the_facts_are_there_as_soon_as_the_layout(tmp_path, monkeypatch):
    def killed(self, table, facts):
        raise KeyboardInterrupt

    path = tmp_path / "results.sqlite"
    with monkeypatch.context() as patch:
        patch.setattr(ResultsStore, "_insert", killed)
        with pytest.raises(KeyboardInterrupt):
            open_store(tmp_path, {"seed": 0}, if_exists="error")
    with sqlite3.connect(path) as db:
        assert db.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,)
    db.close()
    with open_store(tmp_path, {"seed": 0}, if_exists="resume") as store:
        assert store.facts() == {"seed": 0}


def test_results_that_are_a_folder_are_refused(tmp_path):
    (tmp_path / "results.sqlite").mkdir()
    for if_exists in ("error", "resume", "overwrite"):
        with pytest.raises(StudyError, match=r"results\.sqlite is a folder, but results are kept"):
            _run(make_table(), tmp_path, if_exists=if_exists)
    with pytest.raises(StudyError, match=r"results\.sqlite cannot be used as a results file \("):
        ResultsStore(tmp_path / "results.sqlite")


def test_facts_that_are_damaged_are_refused(tmp_path):
    with open_store(tmp_path, {"seed": 0}, if_exists="error"):
        pass
    db = sqlite3.connect(tmp_path / "results.sqlite")
    with db:
        db.execute("UPDATE study SET value = '{'")
    db.close()
    with (
        ResultsStore(tmp_path / "results.sqlite") as store,
        pytest.raises(StudyError, match=r"the facts in .*results\.sqlite are damaged: "),
    ):
        store.facts()
    with open_store(tmp_path, {"seed": 1}, if_exists="overwrite") as store:
        assert store.facts() == {"seed": 1}


def test_every_error_of_the_file_names_it(tmp_path):
    path = tmp_path / "results.sqlite"
    with ResultsStore(path, {"seed": 0}) as store:
        store._db.execute("DROP TABLE folds")
        for read in (store.finished, store.folds, partial(store.predictions, "tca [z2]")):
            with pytest.raises(StudyError, match=r"results\.sqlite cannot be read \(no such table"):
                read()


@pytest.mark.parametrize("place", ["file", "file/below/it"])
def test_a_file_in_the_place_of_the_folder_is_refused(tmp_path, place):
    (tmp_path / "file").write_text("")
    message = rf"{place} cannot be used as the folder of a study \(.*file is a file\)"
    with pytest.raises(StudyError, match=message):
        _run(make_table(), Path(tmp_path / place))
