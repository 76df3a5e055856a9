from __future__ import annotations

import sqlite3
import zlib
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from eegtl.errors import StudyError
from eegtl.evaluation import ResultsStore
from eegtl.evaluation.facts import differences
from eegtl.evaluation.folder import open_store, write_whole
from eegtl.evaluation.layout import FoldRecord, unpack


def _record(fold="s0", **changes):
    n = 5
    record = FoldRecord(
        row="tca [z2]",
        repeat=0,
        fold=fold,
        subject=fold,
        n_source=10,
        n_target_windows=n,
        n_test=n,
        accuracy=0.6,
        balanced_accuracy=0.5,
        macro_f1=0.4,
        trial_accuracy=1.0,
        seconds=0.1,
        warnings=("TransferWarning: a",),
        chosen="",
        window=np.arange(n),
        trial=np.repeat(3, n),
        y_true=np.zeros(n, int),
        y_pred=np.array([0, 1, 0, 1, 0]),
    )
    return replace(record, **changes)


def test_what_is_written_is_read_back_from_the_file(tmp_path):
    path = tmp_path / "results.sqlite"
    with ResultsStore(path) as store:
        store.write_facts({"seed": 3, "features": {"window": 2.0}})
        store.add(_record("s1"))
        store.add(_record("s0"))
    assert [p.name for p in tmp_path.iterdir()] == ["results.sqlite"]
    with ResultsStore(path) as store:
        assert store.facts() == {"seed": 3, "features": {"window": 2.0}}
        assert store.finished() == {("tca [z2]", 0, "s0"), ("tca [z2]", 0, "s1")}
        folds = store.folds()
        assert folds["accuracy"].tolist() == [0.6, 0.6]
        assert folds["warnings"].tolist() == [["TransferWarning: a"]] * 2
        predictions = store.predictions("tca [z2]")
    assert predictions["fold"].tolist() == ["s0"] * 5 + ["s1"] * 5
    assert predictions["y_pred"].tolist() == [0, 1, 0, 1, 0] * 2
    assert predictions["trial"].tolist() == [3] * 10


def test_lost_distances_stay_lost_however_often_the_study_is_continued():
    distances = pd.DataFrame(
        [("a", "none", "mean_gap", 1.0, 0.5), ("b", "none", "mean_gap", 2.0, np.nan)],
        columns=["subject", "normalization", "distance", "value", "noise"],
    )
    with ResultsStore() as store:
        assert len(store.distances()) == 0
        store.describe({"notes": []}, distances)
        pd.testing.assert_frame_equal(store.distances(), distances)
        store.describe({"notes": ["more"]})
        assert store.description() == {"notes": ["more"]}
        pd.testing.assert_frame_equal(store.distances(), distances)
        store._db.execute("DELETE FROM distances WHERE subject = 'b'")
        store.describe({"notes": ["even more"]})
        with pytest.raises(StudyError, match=r"damaged \(it holds 1 of 2 distances\)\. Run the"):
            store.distances()


def test_a_fold_is_written_once():
    with ResultsStore() as store:
        store.add(_record())
        with pytest.raises(StudyError, match=r"cannot be written \(UNIQUE constraint failed"):
            store.add(_record(accuracy=0.9))
        assert store.folds()["accuracy"].tolist() == [0.6]


def test_a_row_that_is_not_there_is_refused_with_those_that_are():
    with ResultsStore() as store:
        store.add(_record())
        with pytest.raises(StudyError, match=r"no row 'kpca \[z2\]' \(repeat 0\); .*: tca \[z2\]"):
            store.predictions("kpca [z2]")


def test_other_files_are_refused(tmp_path):
    path = tmp_path / "results.sqlite"
    path.write_text("method,accuracy\n" * 100)
    with pytest.raises(StudyError, match=r"results\.sqlite cannot be used as a results file \("):
        ResultsStore(path)
    other = tmp_path / "other.sqlite"
    with sqlite3.connect(other) as db:
        db.execute("CREATE TABLE something (a)")
    db.close()
    with pytest.raises(StudyError, match=r"other\.sqlite is not a results file .* layout 0, exp"):
        ResultsStore(other)


@pytest.mark.parametrize("blob", [b"no zlib", b"", b"x\x9c\x03\x00\x00\x00\x00\x01"])
def test_damaged_arrays_are_refused(tmp_path, blob):
    path = tmp_path / "results.sqlite"
    with ResultsStore(path) as store:
        store.add(_record())
    db = sqlite3.connect(path)
    with db:
        db.execute("UPDATE folds SET y_pred = ?", (blob,))
    db.close()
    with ResultsStore(path) as store, pytest.raises(StudyError, match="results file is damaged"):
        store.predictions("tca [z2]")


def test_a_blob_that_would_unpack_to_more_is_refused_early():
    with pytest.raises(StudyError, match="damaged: 21 bytes instead of 20"):
        unpack(zlib.compress(bytes(50_000_000)), 5)
    with pytest.raises(StudyError, match=r"damaged: Error -3 .*incorrect header"):
        unpack(b"no zlib", 5)


def test_differences_name_what_differs():
    stored = {"seed": 0, "rows": {"tca [z2]": {"mu": "0.01"}}, "data": "x" * 100}
    current = {"seed": 0, "rows": {"tca [z2]": {"mu": "0.1"}, "kpca [z2]": {}}, "data": "y" * 100}
    found = differences(stored, current)
    assert found[0] == 'rows.tca [z2].mu: "0.01" -> "0.1"'
    assert found[1] == "rows.kpca [z2]: (none) -> {}"
    assert found[2].startswith('data: "xxx')
    assert "..." in found[2]


def test_a_folder_that_cannot_be_made_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StudyError, match=r"file.runs cannot be used as the folder of a study"):
        open_store(tmp_path / "file" / "runs", {}, if_exists="error")


def test_overwriting_leaves_other_files_alone(tmp_path):
    for name in ("results.sqlite", "table.csv", "notes.txt"):
        (tmp_path / name).write_text("old")
    open_store(tmp_path, {"seed": 0}, if_exists="overwrite").close()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["notes.txt", "results.sqlite"]


def test_a_file_is_whole_or_not_there(tmp_path):
    path = write_whole(tmp_path / "table.csv", "a,b\n")
    assert path.read_text() == "a,b\n"
    with pytest.raises(UnicodeEncodeError):
        write_whole(path, "new \ud800")
    assert path.read_text() == "a,b\n"
    assert [p.name for p in tmp_path.iterdir()] == ["table.csv"]
