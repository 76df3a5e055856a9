"""The results file of a study: SQLite, one row as each fold finishes, written by one process."""

from __future__ import annotations

import json
import sqlite3
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from ..errors import StudyError

_VERSION = 1
_SCHEMA = (
    "CREATE TABLE study (key TEXT PRIMARY KEY, value TEXT NOT NULL)",
    """CREATE TABLE folds (
    row TEXT NOT NULL, repeat INTEGER NOT NULL, fold TEXT NOT NULL,
    n_source INTEGER NOT NULL, n_target_windows INTEGER NOT NULL, n_test INTEGER NOT NULL,
    accuracy REAL NOT NULL, balanced_accuracy REAL NOT NULL, macro_f1 REAL NOT NULL,
    trial_accuracy REAL NOT NULL, seconds REAL NOT NULL, warnings TEXT NOT NULL,
    window BLOB NOT NULL, trial BLOB NOT NULL, y_true BLOB NOT NULL, y_pred BLOB NOT NULL,
    PRIMARY KEY (row, repeat, fold)
)""",
)
_ELSEWHERE = "Choose another folder with --out, or --overwrite to replace it."
_WRITE = "Check that the disk has space and the folder is yours; finished folds are kept."
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
    facts : mapping, optional
        Facts of a new study, written together with the layout of the file; a file that holds a
        study keeps its own.
    exclusive : bool
        Whether to keep every other process from opening the file until it is closed.
    replace : bool
        Whether what the file holds is dropped first.

    Raises
    ------
    StudyError
        When the file is not a results file of eegtl, or another process has it open.

    Examples
    --------
    >>> with ResultsStore(None, {"seed": 0}) as store:
    ...     store.facts()
    {'seed': 0}
    """

    def __init__(
        self,
        path: Path | None = None,
        facts: Mapping[str, Any] | None = None,
        *,
        exclusive: bool = False,
        replace: bool = False,
    ) -> None:
        self.path = path
        with self._errors("cannot be used as a results file", _ELSEWHERE):
            self._db = sqlite3.connect(
                ":memory:" if path is None else path, timeout=1.0, isolation_level=None
            )
        try:
            with self._errors("cannot be used as a results file", _ELSEWHERE):
                version = self._open(facts or {}, exclusive, replace)
        except BaseException:
            self._db.close()
            raise
        if version != _VERSION:
            self._db.close()
            raise StudyError(
                f"{path} is not a results file of this version of eegtl (it has the layout "
                f"{version}, expected {_VERSION}). {_ELSEWHERE}"
            )

    def _open(self, facts: Mapping[str, Any], exclusive: bool, replace: bool) -> int:
        """Lock the file, make its layout when it is new, and give its layout's number."""
        if exclusive:
            self._db.execute("PRAGMA locking_mode=EXCLUSIVE")
        # a killed process leaves whole folds behind in either mode; WAL does it fast
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=NORMAL")
        with self._transaction("EXCLUSIVE" if exclusive else "DEFERRED"):
            if replace:
                self._drop_everything()
            version = self._db.execute("PRAGMA user_version").fetchone()[0]
            tables = self._db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
            if version == 0 and tables == 0:
                for statement in _SCHEMA:
                    self._db.execute(statement)
                self._db.execute(f"PRAGMA user_version={_VERSION}")
                self._insert_facts(facts)
                version = _VERSION
        if replace:
            self._db.execute("VACUUM")
        return version

    def _drop_everything(self) -> None:
        found = self._db.execute(
            "SELECT type, name FROM sqlite_master WHERE type IN ('table', 'view', 'trigger') "
            "AND name NOT LIKE 'sqlite!_%' ESCAPE '!'"
        ).fetchall()
        for kind, name in sorted(found, reverse=True):  # views and triggers before tables
            quoted = name.replace('"', '""')
            self._db.execute(f'DROP {kind} IF EXISTS "{quoted}"')
        self._db.execute("PRAGMA user_version=0")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; afterwards it is a single file again."""
        self._db.close()

    @contextmanager
    def _errors(self, problem: str, advice: str) -> Iterator[None]:
        """Name the file, or its folder, in the errors of SQLite."""
        try:
            yield
        except sqlite3.Error as error:
            if is_busy(error) and self.path is not None:
                raise StudyError(
                    f"another process is writing in {self.path.parent}, or has its results open. "
                    "Wait until its study is finished, or choose another folder with --out."
                ) from error
            raise StudyError(
                f"{self.path or 'the results'} {problem} ({error}). {advice}"
            ) from error

    @contextmanager
    def _transaction(self, kind: str = "IMMEDIATE") -> Iterator[None]:
        """Write all of a block or nothing."""
        self._db.execute(f"BEGIN {kind}")
        try:
            yield
        except BaseException:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def _read(self, query: str, values: tuple[Any, ...] = ()) -> list[Any]:
        with self._errors("cannot be read", "Run the study again with --overwrite."):
            return self._db.execute(query, values).fetchall()

    @contextmanager
    def _writing(self) -> Iterator[None]:
        with self._errors("cannot be written", _WRITE), self._transaction():
            yield

    def write_facts(self, facts: Mapping[str, Any]) -> None:
        """Replace the facts of the study.

        Parameters
        ----------
        facts : mapping
            JSON-able: versions, data set, information set, seed, rows ...

        Raises
        ------
        StudyError
            When the file cannot be written.
        """
        with self._writing():
            self._db.execute("DELETE FROM study")
            self._insert_facts(facts)

    def _insert_facts(self, facts: Mapping[str, Any]) -> None:
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

        Raises
        ------
        StudyError
            When they are damaged.
        """
        rows = self._read("SELECT key, value FROM study")
        try:
            return {key: json.loads(value) for key, value in rows}
        except (TypeError, ValueError) as error:
            raise StudyError(
                f"the facts in {self.path} are damaged: {error}. Run the study again with "
                "--overwrite."
            ) from error

    def finished(self) -> set[tuple[str, int, str]]:
        """Name the folds that are done.

        Returns
        -------
        set of (row, repeat, fold)
        """
        return set(self._read("SELECT row, repeat, fold FROM folds"))

    def add(self, record: FoldRecord) -> None:
        """Write one finished fold, in a transaction of its own.

        Parameters
        ----------
        record : FoldRecord

        Raises
        ------
        StudyError
            When the fold is there already, or the file cannot be written.
        """
        values = asdict(record)
        values["warnings"] = json.dumps(record.warnings)
        for name in _ARRAYS:
            values[name] = _pack(values[name])
        marks = ", ".join("?" * len(_COLUMNS))
        with self._writing():
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
        rows = self._read(f"SELECT {', '.join(names)} FROM folds")
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
        found = self._read(
            f"SELECT fold, n_test, {', '.join(_ARRAYS)} FROM folds "
            "WHERE row = ? AND repeat = ? ORDER BY fold",
            (row, repeat),
        )
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


def is_busy(error: BaseException | None) -> bool:
    """Say whether an error means that another process has locked the results.

    Parameters
    ----------
    error : exception or None

    Returns
    -------
    bool
    """
    # the lower byte is the error, the rest says more about it
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    return code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


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
