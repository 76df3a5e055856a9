"""The results file of a study: SQLite, one row as each fold finishes, written by one process."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, Self

import pandas as pd

from ..errors import StudyError
from .layout import ARRAYS, COLUMNS, SCHEMA, VERSION, FoldRecord, digest, fold_windows, pack
from .store_errors import naming_the_file

_ELSEWHERE = "Choose another folder with --out, or --overwrite to replace it."
_WRITE = "Check that the disk has space and the folder is yours; finished folds are kept."
_AGAIN = "Run the study again with --overwrite."
#: description under which the number of distances is kept, so that lost ones are noticed
_COUNT = "n_distances"


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
        When the file is not a results file of eegtl, is damaged, or another process has it open.

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
                self._check_layout(self._open(facts or {}, exclusive, replace))
        except BaseException:
            self._db.close()
            raise

    @classmethod
    def reading(cls, path: Path) -> Self:
        """Open a results file to read it, also where nothing can be written.

        Parameters
        ----------
        path : path

        Returns
        -------
        ResultsStore

        Raises
        ------
        StudyError
            When there is no such file, or it cannot be used.
        """
        if not path.is_file():
            raise StudyError(
                f"there is no file {path}. Name the folder of a study; eegtl study writes one."
            )
        if path.with_name(f"{path.name}-wal").exists():
            return cls(path)  # of a study that runs, or was killed and must be put in order first
        store = cls.__new__(cls)
        store.path = path
        with store._errors("cannot be read", "Check that the file is yours."):
            # without "immutable" SQLite makes files of its own beside it
            uri = f"{path.absolute().as_uri()}?immutable=1"
            store._db = sqlite3.connect(uri, uri=True, isolation_level=None)
        try:
            with store._errors("cannot be used as a results file", _ELSEWHERE):
                store._check_layout(store._db.execute("PRAGMA user_version").fetchone()[0])
        except BaseException:
            store._db.close()
            raise
        return store

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
                for statement in SCHEMA:
                    self._db.execute(statement)
                self._db.execute(f"PRAGMA user_version={VERSION}")
                self._insert("study", facts)
                version = VERSION
        if replace:
            self._db.execute("VACUUM")
        return version

    def _check_layout(self, version: int) -> None:
        if version == 1:
            raise StudyError(
                f"{self.path} was written by an earlier version of eegtl (it has the layout 1, "
                f"this one reads {VERSION}). Run the study again with --overwrite, or in another "
                "folder with --out."
            )
        if version != VERSION:
            raise StudyError(
                f"{self.path} is not a results file of this version of eegtl (it has the layout "
                f"{version}, expected {VERSION}). {_ELSEWHERE}"
            )
        found = self._db.execute("PRAGMA integrity_check(1)").fetchone()[0]
        if found != "ok":
            raise StudyError(f"{self.path} is damaged ({found}). {_AGAIN}")

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

    def _errors(self, problem: str, advice: str) -> AbstractContextManager[None]:
        return naming_the_file(self.path, problem, advice)

    @contextmanager
    def _transaction(self, kind: str = "IMMEDIATE") -> Iterator[None]:
        """Write all of a block or nothing."""
        self._db.execute(f"BEGIN {kind}")
        try:
            yield
            self._db.execute("COMMIT")
        except BaseException:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise

    @contextmanager
    def _writing(self) -> Iterator[None]:
        with self._errors("cannot be written", _WRITE), self._transaction():
            yield

    def _read(self, query: str, values: tuple[Any, ...] = ()) -> list[Any]:
        with self._errors("cannot be read", _AGAIN):
            return self._db.execute(query, values).fetchall()

    def _checked(self, query: str, values: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        """Read rows whose last column is the digest of the others, and give the others."""
        rows = self._read(query, values)
        for *columns, expected in rows:
            if digest(columns) != expected:
                raise StudyError(
                    f"{self.path or 'the results'}: the results file is damaged (a row about "
                    f"{str(columns[0])[:40]!r} is not as it was written). {_AGAIN}"
                )
        return [tuple(columns) for *columns, _ in rows]

    def _insert(self, table: str, values: Mapping[str, Any]) -> None:
        pairs = [(key, json.dumps(value)) for key, value in values.items()]
        self._db.executemany(
            f"INSERT INTO {table} VALUES (?, ?, ?)", [(*pair, digest(pair)) for pair in pairs]
        )

    def _texts(self, table: str, what: str) -> dict[str, Any]:
        rows = self._read(f"SELECT key, value, digest FROM {table}")
        try:
            for key, value, expected in rows:
                if digest((key, value)) != expected:
                    raise ValueError(f"{str(key)[:40]!r} is not as it was written")
            return {key: json.loads(value) for key, value, _ in rows}
        except (TypeError, ValueError) as error:
            raise StudyError(f"{what} in {self.path} are damaged: {error}. {_AGAIN}") from error

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
            self._insert("study", facts)

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
        return self._texts("study", "the facts")

    def describe(
        self, description: Mapping[str, Any], distances: pd.DataFrame | None = None
    ) -> None:
        """Replace what a reader wants to know besides the facts.

        Parameters
        ----------
        description : mapping
            JSON-able: rows, folds, notes, overview.
        distances : pandas.DataFrame, optional
            Columns ``subject, normalization, distance, value, noise``; None leaves them as
            they are.

        Raises
        ------
        StudyError
            When the file cannot be written.
        """
        with self._writing():
            count = self._n_distances() if distances is None else len(distances)
            self._db.execute("DELETE FROM description")
            self._insert("description", {**description, _COUNT: count})
            if distances is None:
                return
            self._db.execute("DELETE FROM distances")
            rows = [
                # SQLite has no NaN
                (*row[:3], *(None if number != number else float(number) for number in row[3:]))
                for row in distances.itertuples(index=False, name=None)
            ]
            self._db.executemany(
                "INSERT INTO distances VALUES (?, ?, ?, ?, ?, ?)",
                [(*row, digest(row)) for row in rows],
            )

    def description(self) -> dict[str, Any]:
        """Read what `describe` wrote.

        Returns
        -------
        dict
            Empty before.
        """
        texts = self._texts("description", "the descriptions")
        return {key: value for key, value in texts.items() if key != _COUNT}

    def _n_distances(self) -> int:
        """Say how many distances were written."""
        return int(self._texts("description", "the descriptions").get(_COUNT, 0))

    def distances(self) -> pd.DataFrame:
        """Read the distances between people.

        Returns
        -------
        pandas.DataFrame
            Columns ``subject, normalization, distance, value, noise``, in the order written.

        Raises
        ------
        StudyError
            When they are damaged, or not as many as were written.
        """
        names = ["subject", "normalization", "distance", "value", "noise"]
        rows = self._checked(f"SELECT {', '.join(names)}, digest FROM distances ORDER BY rowid")
        if len(rows) != self._n_distances():
            raise StudyError(
                f"{self.path or 'the results'}: the results file is damaged (it holds {len(rows)} "
                f"of {self._n_distances()} distances). {_AGAIN}"
            )
        return pd.DataFrame(rows, columns=names).astype({"value": float, "noise": float})

    def finished(self) -> set[tuple[str, int, str]]:
        """Name the folds that are done.

        Returns
        -------
        set of (row, repeat, fold)
        """
        return {row[:3] for row in self._folds()}

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
        for name in ARRAYS:
            values[name] = pack(values[name])
        row = [values[name] for name in COLUMNS]
        marks = ", ".join("?" * (len(COLUMNS) + 1))
        with self._writing():
            self._db.execute(
                f"INSERT INTO folds ({', '.join(COLUMNS)}, digest) VALUES ({marks})",
                [*row, digest(row)],
            )

    def _folds(self, where: str = "", values: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        return self._checked(f"SELECT {', '.join(COLUMNS)}, digest FROM folds {where}", values)

    def folds(self) -> pd.DataFrame:
        """Read the scores of all finished folds.

        Returns
        -------
        pandas.DataFrame
            The columns of `FoldRecord` without the arrays; ``warnings`` are lists.
        """
        table = pd.DataFrame(self._folds(), columns=list(COLUMNS)).drop(columns=list(ARRAYS))
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
            Columns ``fold, subject, window, trial, y_true, y_pred``; labels are codes into the
            fact ``classes``.

        Raises
        ------
        StudyError
            When there is no such row, or its arrays are damaged.
        """
        found = self._folds("WHERE row = ? AND repeat = ? ORDER BY fold", (row, repeat))
        if not found:
            known = sorted({key for key, _, _ in self.finished()})
            raise StudyError(
                f"the results hold no row {row!r} (repeat {repeat}); "
                f"they hold: {', '.join(known) or 'nothing yet'}."
            )
        return pd.concat([fold_windows(values) for values in found], ignore_index=True)
