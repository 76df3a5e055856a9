"""Studies that are killed, and files that are full, read-only, locked or damaged.

``EEGTL_KILLS=10 pytest tests/evaluation/test_hardening.py -k killed`` kills ten studies (twice
each) at random moments; by default it is three.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from evaluation.kill_studies import SETTINGS, study
from evaluation.study_tables import make_table
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from eegtl.errors import StudyError
from eegtl.evaluation import ResultsStore, StudyResult, run_study
from eegtl.evaluation.folder import write_whole

TESTS = Path(__file__).resolve().parents[1]
TIMES = ("seconds_per_fold", "seconds")


def _same(found: StudyResult, whole: StudyResult) -> None:
    """Check that two results agree in everything but times."""
    for name in ("table", "folds", "confusions", "distances"):
        a, b = (getattr(r, name).drop(columns=list(TIMES), errors="ignore") for r in (found, whole))
        pd.testing.assert_frame_equal(a, b)
    for name in ("notes", "chance", "overview", "protocol", "information", "n_missing"):
        assert getattr(found, name) == getattr(whole, name)
    facts = [{k: v for k, v in r.facts.items() if k != "started"} for r in (found, whole)]
    assert facts[0] == facts[1]


def _content(path):
    """Give every column of a results file but times and digests."""
    db = sqlite3.connect(path)
    with contextlib.closing(db):
        tables = [
            name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type='table'")
        ]
        frames = {}
        for table in tables:
            frame = pd.read_sql(f"SELECT * FROM {table}", db)
            frame = frame.drop(columns=["seconds", "digest"], errors="ignore")
            if "key" in frame:  # the time at which it was started is a timing, too
                frame = frame[frame["key"] != "started"]
            frames[table] = frame.sort_values(list(frame.columns[:3]), ignore_index=True)
    return frames


def _script(name, *arguments, check=True):
    return subprocess.run(
        [sys.executable, str(TESTS / "evaluation" / name), *map(str, arguments)],
        env=os.environ
        | {"PYTHONPATH": os.pathsep.join([str(TESTS), os.environ.get("PYTHONPATH", "")])},
        capture_output=True,
        text=True,
        check=check,
    )


@pytest.mark.slow
def test_studies_killed_at_random_moments_end_like_the_whole_one(tmp_path):
    n_kills = int(os.environ.get("EEGTL_KILLS", "3"))
    _script("kill_studies.py", tmp_path, n_kills, n_kills)
    whole = StudyResult.load(tmp_path / "whole")
    n_before = []
    for i in range(n_kills):
        folder = tmp_path / str(i)
        assert not (folder / "table.csv").exists()
        if (folder / "results.sqlite").exists():
            with ResultsStore(folder / "results.sqlite") as store:
                n_before.append(len(store.finished()))
        _same(study(folder, if_exists="resume"), whole)
        _same(StudyResult.load(folder), whole)
        contents = [_content(path / "results.sqlite") for path in (folder, tmp_path / "whole")]
        assert list(contents[0]) == list(contents[1])
        for table, frame in contents[0].items():
            pd.testing.assert_frame_equal(frame, contents[1][table])
        csv = [pd.read_csv(path / "table.csv") for path in (folder, tmp_path / "whole")]
        pd.testing.assert_frame_equal(*(t.drop(columns="seconds_per_fold") for t in csv))
        assert sorted(p.name for p in folder.iterdir()) == ["results.sqlite", "table.csv"]
    assert any(0 < n < len(whole.folds) for n in n_before)


FULL = """
import resource, sys
from evaluation.kill_studies import study
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), int(sys.argv[2])))
from eegtl.errors import StudyError
try:
    study(sys.argv[1])
except StudyError as error:
    print(error)
"""


@pytest.mark.slow
def test_a_file_that_may_not_grow_keeps_the_folds_that_fitted(tmp_path):
    run = subprocess.run(
        [sys.executable, "-c", FULL, str(tmp_path / "full"), "150000"],
        env=os.environ
        | {"PYTHONPATH": os.pathsep.join([str(TESTS), os.environ.get("PYTHONPATH", "")])},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "results.sqlite cannot be written (" in run.stdout, run.stdout + run.stderr
    assert "Check that the disk has space and the folder is yours; finished folds" in run.stdout
    whole = study(tmp_path / "whole")
    part = StudyResult.load(tmp_path / "full")
    assert 0 < part.n_missing < len(whole.folds)
    kept = part.folds.set_index(["row", "repeat", "fold"])["accuracy"]
    expected = whole.folds.set_index(["row", "repeat", "fold"])["accuracy"].loc[kept.index]
    pd.testing.assert_series_equal(kept, expected)
    _same(study(tmp_path / "full", if_exists="resume"), whole)


def test_a_full_database_is_an_error_and_loses_no_fold(tmp_path, monkeypatch):
    write = ResultsStore.add

    def fill(self, record):
        if len(self.finished()) == 5:
            pages = self._db.execute("PRAGMA page_count").fetchone()[0]
            self._db.execute(f"PRAGMA max_page_count={pages}")
        write(self, record)

    with monkeypatch.context() as patch:
        patch.setattr(ResultsStore, "add", fill)
        with pytest.raises(
            StudyError, match=r"cannot be written \(database or disk is full\)\. Ch"
        ):
            study(tmp_path / "full")
    with ResultsStore(tmp_path / "full" / "results.sqlite") as store:
        assert len(store.finished()) >= 5
    _same(study(tmp_path / "full", if_exists="resume"), study(tmp_path / "whole"))


def _read_only(monkeypatch):
    """Make every file that SQLite opens read-only, also for root, whom modes do not stop."""
    connect = sqlite3.connect

    def read_only(path, **settings):
        given = str(path)
        uri = given if given.startswith("file:") else f"{Path(given).absolute().as_uri()}?mode=ro"
        return connect(uri, **settings | {"uri": True})

    monkeypatch.setattr(sqlite3, "connect", read_only)


def test_a_folder_that_cannot_be_written(tmp_path, monkeypatch):
    whole = study(tmp_path)
    before = {p.name: p.read_bytes() for p in tmp_path.iterdir()}
    with monkeypatch.context() as patch:
        _read_only(patch)
        with pytest.raises(
            StudyError, match=r"results\.sqlite cannot be used as a results file \("
        ):
            study(tmp_path, if_exists="resume")
        _same(StudyResult.load(tmp_path), whole)
        with pytest.raises(StudyError, match=r"cannot be used .*unable to open database file"):
            study(tmp_path / "new")
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir() if p.is_file()} == before


@pytest.mark.parametrize("what", ["", "results.sqlite"])
def test_what_is_known_to_be_read_only_is_said_before_anything_else(tmp_path, monkeypatch, what):
    study(tmp_path)
    access = os.access
    monkeypatch.setattr(
        os, "access", lambda path, mode: Path(path) != tmp_path / what and access(path, mode)
    )
    for if_exists in ("resume", "overwrite"):
        message = re.escape(f"{tmp_path / what} is read-only, so no results can be kept there.")
        with pytest.raises(StudyError, match=message):
            study(tmp_path, if_exists=if_exists)
    assert StudyResult.load(tmp_path).n_missing == 0


def test_reading_leaves_nothing_beside_the_file(tmp_path):
    study(tmp_path)
    (tmp_path / "table.csv").unlink()
    before = (tmp_path / "results.sqlite").stat().st_mtime_ns
    StudyResult.load(tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["results.sqlite"]
    assert (tmp_path / "results.sqlite").stat().st_mtime_ns == before


def test_a_table_that_cannot_be_written_is_an_error_and_the_results_stay(tmp_path):
    (tmp_path / "table.csv").mkdir()
    with pytest.raises(StudyError, match=r"table\.csv cannot be written \(.*Check that the disk"):
        study(tmp_path)
    (tmp_path / "table.csv").rmdir()
    assert StudyResult.load(tmp_path).n_missing == 0
    with pytest.raises(StudyError, match=r"nowhere.table\.csv cannot be written \(.*No such file"):
        write_whole(tmp_path / "nowhere" / "table.csv", "a")


def test_results_that_are_being_written_are_not_read(tmp_path):
    study(tmp_path)
    with ResultsStore(tmp_path / "results.sqlite", exclusive=True) as store:
        store.write_facts(store.facts())
        with pytest.raises(StudyError, match="another process is writing in"):
            StudyResult.load(tmp_path)
    assert StudyResult.load(tmp_path).n_missing == 0


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("finished")
    return study(folder)


def _content_of(result):
    return (result.out / "results.sqlite").read_bytes()


def _damaged(folder, content):
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    (folder / "results.sqlite").write_bytes(content)
    return folder


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(share=st.floats(0, 1, exclude_max=True))
def test_a_file_that_was_cut_is_an_error(finished, tmp_path, share):
    content = _content_of(finished)
    folder = _damaged(tmp_path / "cut", content[: int(share * len(content))])
    with pytest.raises(StudyError):
        StudyResult.load(folder)


def test_an_empty_file_is_a_new_study(finished, tmp_path):
    _same(study(_damaged(tmp_path / "empty", b""), if_exists="resume"), finished)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    places=st.lists(st.floats(0, 1, exclude_max=True), min_size=1, max_size=4),
    patch=st.binary(min_size=1, max_size=40),
)
def test_bytes_that_were_overwritten_are_an_error_or_change_nothing(
    finished, tmp_path, places, patch
):
    content = bytearray(_content_of(finished))
    for place in places:
        start = int(place * (len(content) - len(patch)))
        content[start : start + len(patch)] = patch
    folder = _damaged(tmp_path / "patched", bytes(content))
    with contextlib.suppress(StudyError):
        _same(StudyResult.load(folder), finished)


@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.floats(0, 1, exclude_max=True), patch=st.binary(min_size=8, max_size=200))
def test_a_damaged_study_is_not_continued_to_something_else(finished, tmp_path, place, patch):
    content = bytearray(_content_of(finished))
    start = int(place * (len(content) - len(patch)))
    content[start : start + len(patch)] = patch
    folder = _damaged(tmp_path / "patched", bytes(content))
    with contextlib.suppress(StudyError):
        _same(study(folder, if_exists="resume"), finished)


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("UPDATE folds SET accuracy = 1.0 WHERE fold = 's1'", "is not as it was written"),
        ("UPDATE folds SET y_pred = y_true", "is not as it was written"),
        ("UPDATE distances SET value = value + 1", "is not as it was written"),
        ("DELETE FROM distances", r"damaged \(it holds 0 of \d+ distances\)"),
        ("DELETE FROM distances WHERE rowid = 2", r"damaged \(it holds \d+ of \d+ distances\)"),
        ("UPDATE study SET value = '7' WHERE key = 'seed'", "facts in .* 'seed' is not as it was"),
        ("UPDATE description SET value = '[1]' WHERE key = 'notes'", "descriptions in .* 'notes'"),
        ("DELETE FROM description", r"does not describe a study \(KeyError: 'rows'\)"),
        (
            "PRAGMA user_version = 1",
            r"earlier version of eegtl \(it has the layout 1, this one rea",
        ),
        ("PRAGMA user_version = 9", "not a results file of this version of eegtl .* layout 9, exp"),
    ],
)
def test_every_changed_part_is_noticed(finished, tmp_path, statement, message):
    folder = _damaged(tmp_path / "changed", _content_of(finished))
    db = sqlite3.connect(folder / "results.sqlite")
    with contextlib.closing(db), db:
        db.execute(statement)
    with pytest.raises(StudyError, match=message):
        StudyResult.load(folder)


def test_nothing_to_load_is_an_error(tmp_path):
    with pytest.raises(
        StudyError, match=r"there is no file .*results\.sqlite\. Name the folder of"
    ):
        StudyResult.load(tmp_path)


def test_a_damaged_layout_that_sqlite_cannot_even_quote_is_an_error(finished, tmp_path):
    content = _content_of(finished).replace(b"NOT NULL", b"NOT \x80ULL", 1)
    with pytest.raises(StudyError, match=r"results\.sqlite cannot be used .*decode byte 0x80"):
        StudyResult.load(_damaged(tmp_path / "patched", content))


def test_overwriting_a_damaged_file_works(finished, tmp_path):
    folder = _damaged(tmp_path / "patched", _content_of(finished)[:5000])
    _same(study(folder, if_exists="overwrite"), finished)


def test_an_unfinished_study_shows_its_complete_rows_and_says_so(tmp_path, finished):
    class Stop(Exception):
        pass

    def stop(done, total):
        if done == 14:
            raise Stop

    with pytest.raises(Stop):
        run_study(make_table(n_subjects=3, n_windows=4), **SETTINGS, out=tmp_path, progress=stop)
    part, whole = StudyResult.load(tmp_path), finished
    assert part.n_missing == len(whole.folds) - 14
    assert part.notes[0].startswith(
        f"unfinished: {part.n_missing} of {len(whole.folds)} folds have not run; not in the table: "
        "source-only (svm) [z0], "
    )
    assert len(part.table) == 4
    scores = ["method", "normalization", "accuracy_mean", "accuracy_low"]
    pd.testing.assert_frame_equal(part.table[scores], whole.table[scores].iloc[:4])
    assert part.overview == whole.overview
    assert part.chance is None
    assert set(part.confusions["row"]) == set(part.folds["row"])


def test_a_study_stopped_before_its_first_fold_has_an_empty_table(tmp_path):
    def stop(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        study(tmp_path, progress=stop)
    part = StudyResult.load(tmp_path)
    assert len(part.table) == len(part.folds) == len(part.confusions) == 0
    assert "n_subjects" in part.table.columns
    assert part.overview["windows"]["subjects"] == ["s0", "s1", "s2"]
    assert "unfinished: " in str(part)
