"""Errors of SQLite as errors of a study that name its file."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import StudyError


@contextmanager
def naming_the_file(path: Path | None, problem: str, advice: str) -> Iterator[None]:
    """Name the file, or its folder, in the errors of SQLite.

    Parameters
    ----------
    path : path or None
        None for results in memory.
    problem, advice : str
        What is wrong, and what to do.

    Yields
    ------
    None

    Raises
    ------
    StudyError
        For errors of SQLite, and for texts that are no UTF-8, as of a damaged file.
    """
    try:
        yield
    except (sqlite3.Error, UnicodeDecodeError) as error:
        if is_busy(error) and path is not None:
            raise StudyError(
                f"another process is writing in {path.parent}, or has its results open. "
                "Wait until its study is finished, or choose another folder with --out."
            ) from error
        raise StudyError(f"{path or 'the results'} {problem} ({error}). {advice}") from error


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
