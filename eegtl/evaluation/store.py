"""The results file of a study: SQLite, one row as each fold finishes, written by one process."""

from __future__ import annotations

import json
import os
import sqlite3
import tempfile
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from ..errors import StudyError

RESULTS = "results.sqlite"
#: all files of a study folder that a new study replaces
STUDY_FILES = (RESULTS, f"{RESULTS}-wal", f"{RESULTS}-shm", "table.csv", "table.md")
_VERSION = 1
_SCHEMA = """
CREATE TABLE study (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE folds (
    row TEXT NOT NULL, repeat INTEGER NOT NULL, fold TEXT NOT NULL,
    n_source INTEGER NOT NULL, n_target_windows INTEGER NOT NULL, n_test INTEGER NOT NULL,
    accuracy REAL NOT NULL, balanced_accuracy REAL NOT NULL, macro_f1 REAL NOT NULL,
    trial_accuracy REAL NOT NULL, seconds REAL NOT NULL, warnings TEXT NOT NULL,
    window BLOB NOT NULL, trial BLOB NOT NULL, y_true BLOB NOT NULL, y_pred BLOB NOT NULL,
    PRIMARY KEY (row, repeat, fold)
);
"""
_ARRAYS = ("window", "trial", "y_true", "y_pred")


@dataclass(frozen=True)
class FoldRecord:
    """One finished fold.

    Attributes
    ----------
    row, repeat, fold : str, int, str
        The study row's key, the number of the shuffle (0: true labels), the fold's name.
    n_source, n_target_windows, n_test : int
        Rows trained on, rows of the target handed over, rows scored.
    accuracy, balanced_accuracy, macro_f1, trial_accuracy : float
        As in `eegtl.evaluation.metrics.Scores`.
    seconds : float
        Time of fit, adapt and predict.
    warnings : tuple of str
        Messages given meanwhile.
    window, trial, y_true, y_pred : ndarray of int, shape (n_test,)
        Row number in the study's table, number of the trial, codes of the labels.
    """

    row: str
    repeat: int
    fold: str
    n_source: int
    n_target_windows: int
    n_test: int
    accuracy: float
    balanced_accuracy: float
    macro_f1: float
    trial_accuracy: float
    seconds: float
    warnings: tuple[str, ...]
    window: NDArray[np.intp]
    trial: NDArray[np.intp]
    y_true: NDArray[np.intp]
    y_pred: NDArray[np.intp]


_COLUMNS = tuple(field.name for field in fields(FoldRecord))


class ResultsStore:
    """Folds and facts of one study.

    Parameters
    ----------
    path : path or None
        The SQLite file; None keeps the results in memory.

    Raises
    ------
    StudyError
        When the file is not a results file of eegtl.

    Examples
    --------
    >>> with ResultsStore(None) as store:
    ...     store.write_facts({"seed": 0})
    ...     store.facts()
    {'seed': 0}
    """

    def __init__(self, path: Path | None = None) -> None:
        self.path = path
        self._db = sqlite3.connect(":memory:" if path is None else path)
        try:
            # a killed process leaves whole folds behind in either mode; WAL does it fast
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=NORMAL")
            version = self._db.execute("PRAGMA user_version").fetchone()[0]
            tables = self._db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
            if version == 0 and tables == 0:
                self._db.executescript(f"BEGIN; {_SCHEMA} PRAGMA user_version={_VERSION}; COMMIT;")
                version = _VERSION
        except sqlite3.DatabaseError as error:
            self._db.close()
            raise StudyError(
                f"{path} cannot be used as a results file ({error}). Choose another folder with "
                "--out, or --overwrite to replace it."
            ) from error
        if version != _VERSION:
            self._db.close()
            raise StudyError(
                f"{path} is not a results file of this version of eegtl (it has the layout "
                f"{version}, expected {_VERSION}). Choose another folder with --out, or "
                "--overwrite to replace it."
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; afterwards it is a single file again."""
        self._db.close()

    def write_facts(self, facts: Mapping[str, Any]) -> None:
        """Replace the facts of the study.

        Parameters
        ----------
        facts : mapping
            JSON-able: versions, data set, information set, seed, rows ...
        """
        with self._db:
            self._db.execute("DELETE FROM study")
            self._db.executemany(
                "INSERT INTO study VALUES (?, ?)",
                [(key, json.dumps(value, sort_keys=True)) for key, value in facts.items()],
            )

    def facts(self) -> dict[str, Any]:
        """Read the facts of the study.

        Returns
        -------
        dict
            Empty for a new store.
        """
        rows = self._db.execute("SELECT key, value FROM study")
        return {key: json.loads(value) for key, value in rows}

    def finished(self) -> set[tuple[str, int, str]]:
        """Name the folds that are done.

        Returns
        -------
        set of (row, repeat, fold)
        """
        return set(self._db.execute("SELECT row, repeat, fold FROM folds"))

    def add(self, record: FoldRecord) -> None:
        """Write one finished fold, in a transaction of its own.

        Parameters
        ----------
        record : FoldRecord
        """
        values = asdict(record)
        values["warnings"] = json.dumps(record.warnings)
        for name in _ARRAYS:
            values[name] = _pack(values[name])
        marks = ", ".join("?" * len(_COLUMNS))
        with self._db:
            self._db.execute(
                f"INSERT INTO folds ({', '.join(_COLUMNS)}) VALUES ({marks})",
                [values[name] for name in _COLUMNS],
            )

    def folds(self) -> pd.DataFrame:
        """Read the scores of all finished folds.

        Returns
        -------
        pandas.DataFrame
            The columns of `FoldRecord` without the arrays; ``warnings`` are lists.
        """
        names = [name for name in _COLUMNS if name not in _ARRAYS]
        rows = self._db.execute(f"SELECT {', '.join(names)} FROM folds").fetchall()
        table = pd.DataFrame(rows, columns=names)
        table["warnings"] = [json.loads(text) for text in table["warnings"]]
        return table

    def predictions(self, row: str, repeat: int = 0) -> pd.DataFrame:
        """Read the predicted windows of one study row.

        Parameters
        ----------
        row : str
            The row's key, for example ``"tca [z2]"``.
        repeat : int
            0 for the true labels, else the number of the shuffle.

        Returns
        -------
        pandas.DataFrame
            Columns ``fold, window, trial, y_true, y_pred``; labels are codes into the
            fact ``classes``.

        Raises
        ------
        StudyError
            When there is no such row, or its arrays are damaged.
        """
        found = self._db.execute(
            f"SELECT fold, n_test, {', '.join(_ARRAYS)} FROM folds "
            "WHERE row = ? AND repeat = ? ORDER BY fold",
            (row, repeat),
        ).fetchall()
        if not found:
            known = sorted({key for key, _, _ in self.finished()})
            raise StudyError(
                f"the results hold no row {row!r} (repeat {repeat}); "
                f"they hold: {', '.join(known) or 'nothing yet'}."
            )
        parts = [
            pd.DataFrame(
                {"fold": fold}
                | {name: _unpack(blob, n) for name, blob in zip(_ARRAYS, blobs, strict=True)}
            )
            for fold, n, *blobs in found
        ]
        return pd.concat(parts, ignore_index=True)


def _pack(array: ArrayLike) -> bytes:
    return zlib.compress(np.asarray(array, dtype="<i4").tobytes())


def _unpack(blob: bytes, n: int) -> NDArray[np.int32]:
    """Unpack n integers; damaged or oversized blobs are refused before they take memory."""
    try:
        unpacked = zlib.decompressobj().decompress(blob, 4 * n + 1)
    except zlib.error as error:
        raise StudyError(f"the results file is damaged: {error}. Run the study again.") from error
    if len(unpacked) != 4 * n:
        raise StudyError(
            f"the results file is damaged: {len(unpacked)} bytes instead of {4 * n}. "
            "Run the study again."
        )
    return np.frombuffer(unpacked, dtype="<i4")


def differences(stored: Mapping[str, Any], current: Mapping[str, Any]) -> list[str]:
    """Say in which facts a stored study and the one to be continued differ.

    Parameters
    ----------
    stored, current : mapping
        Facts; mappings inside are compared key by key.

    Returns
    -------
    list of str
        ``name: stored -> current`` each; empty when they agree.

    Examples
    --------
    >>> differences({"seed": 0, "a": {"b": 1}}, {"seed": 1, "a": {"b": 1}})
    ['seed: 0 -> 1']
    """
    found = []
    for key in dict.fromkeys([*stored, *current]):
        old, new = stored.get(key), current.get(key)
        if isinstance(old, Mapping) and isinstance(new, Mapping):
            found += [f"{key}.{text}" for text in differences(old, new)]
        elif old != new:
            found.append(f"{key}: {_short(old)} -> {_short(new)}")
    return found


def _short(value: Any) -> str:
    text = "(none)" if value is None else json.dumps(value, sort_keys=True)
    return text if len(text) <= 80 else text[:77] + "..."


def refuse_existing(folder: Path | None, if_exists: str) -> None:
    """Refuse a folder that already holds results, unless they are to be used or replaced.

    Parameters
    ----------
    folder : path or None
    if_exists : {"error", "resume", "overwrite"}

    Raises
    ------
    StudyError
        When there are results and `if_exists` is ``error``.
    """
    if if_exists not in ("error", "resume", "overwrite"):
        raise StudyError(f"if_exists is {if_exists!r}; choose error, resume or overwrite.")
    if folder is not None and (folder / RESULTS).exists() and if_exists == "error":
        raise StudyError(
            f"{folder} already holds the results of a study. Continue it with --resume {folder}, "
            "replace it with --overwrite, or choose another folder with --out (from Python: "
            "if_exists='resume' or 'overwrite')."
        )


def open_store(
    folder: Path | None, facts: Mapping[str, Any], *, if_exists: str, ignore: Iterable[str] = ()
) -> ResultsStore:
    """Open the results of a study, new or to be continued.

    Parameters
    ----------
    folder : path or None
        The study's folder; made when missing. None keeps the results in memory.
    facts : mapping
        Facts of the study to run.
    if_exists : {"error", "resume", "overwrite"}
        What to do when the folder holds results.
    ignore : iterable of str
        Facts that may differ from those of the results to be continued.

    Returns
    -------
    ResultsStore

    Raises
    ------
    StudyError
        When there are results and `if_exists` is ``error``, or they belong to another study.
    """
    refuse_existing(folder, if_exists)
    if folder is None:
        store = ResultsStore(None)
    else:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StudyError(
                f"{folder} cannot be used as the folder of a study ({error}). Choose another "
                "folder with --out."
            ) from error
        if if_exists == "overwrite":
            for name in STUDY_FILES:
                (folder / name).unlink(missing_ok=True)
        store = ResultsStore(folder / RESULTS)
    stored = store.facts()
    if stored:
        skip = set(ignore)
        found = differences(
            {key: value for key, value in stored.items() if key not in skip},
            {key: value for key, value in facts.items() if key not in skip},
        )
        if found:
            store.close()
            raise StudyError(
                f"{folder} holds the results of another study; it differs in "
                f"{'; '.join(found)}. Run with the settings it was started with, or choose "
                "another folder with --out."
            )
    else:
        store.write_facts(facts)
    return store


def write_whole(path: Path, text: str) -> Path:
    """Write a text file under a temporary name and rename it when it is complete.

    Parameters
    ----------
    path : path
    text : str

    Returns
    -------
    path
    """
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
            file.write(text)
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    return path
