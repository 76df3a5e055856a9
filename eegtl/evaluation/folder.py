"""The folder of a study: what is in it, who may write there, and files that are whole or absent."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..errors import StudyError
from .facts import continued, study_differences
from .store import ResultsStore
from .store_errors import is_busy

RESULTS = "results.sqlite"
#: written beside the results, and replaced with them
_TABLES = ("table.csv", "table.md", "report.html", "recipe.toml", "distances.csv")


def refuse_existing(folder: Path | None, if_exists: str) -> None:
    """Refuse a folder that cannot take the results of a study.

    Parameters
    ----------
    folder : path or None
    if_exists : {"error", "resume", "overwrite"}

    Raises
    ------
    StudyError
        When there are results and `if_exists` is ``error``, or the folder cannot be made because
        a file is in its place.
    """
    if if_exists not in ("error", "resume", "overwrite"):
        raise StudyError(f"if_exists is {if_exists!r}; choose error, resume or overwrite.")
    if folder is None:
        return
    there = next((path for path in (folder, *folder.parents) if path.exists()), folder)
    if there.exists() and not there.is_dir():
        raise StudyError(
            f"{folder} cannot be used as the folder of a study ({there} is a file). Choose another "
            "folder with --out."
        )
    if (folder / RESULTS).is_dir():
        raise StudyError(
            f"{folder / RESULTS} is a folder, but results are kept in a file of that name. Choose "
            "another folder with --out."
        )
    if (folder / RESULTS).exists() and if_exists == "error":
        raise StudyError(
            f"{folder} already holds the results of a study. Continue it with --resume {folder}, "
            "replace it with --overwrite, or choose another folder with --out (from Python: "
            "if_exists='resume' or 'overwrite')."
        )


def open_store(folder: Path | None, facts: Mapping[str, Any], *, if_exists: str) -> ResultsStore:
    """Open the results of a study, new or to be continued, and keep other processes out.

    Parameters
    ----------
    folder : path or None
        The study's folder; made when missing. None keeps the results in memory.
    facts : mapping
        Facts of the study to run.
    if_exists : {"error", "resume", "overwrite"}
        What to do when the folder holds results.

    Returns
    -------
    ResultsStore
        Locked until it is closed; a continued study has the joined facts (see `continued`).

    Raises
    ------
    StudyError
        When there are results and `if_exists` is ``error``, when they belong to another study,
        or when another process is writing there.
    """
    refuse_existing(folder, if_exists)
    if folder is None:
        return ResultsStore(None, facts)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StudyError(
            f"{folder} cannot be used as the folder of a study ({error}). Choose another folder "
            "with --out."
        ) from error
    for path in (folder, folder / RESULTS):
        if path.exists() and not os.access(path, os.W_OK):
            raise StudyError(
                f"{path} is read-only, so no results can be kept there. Choose another folder with "
                "--out."
            )
    if if_exists == "overwrite":
        return _replaced(folder, facts)
    store = ResultsStore(folder / RESULTS, facts, exclusive=True)
    try:
        stored = store.facts()
        found = study_differences(stored, facts) if stored or store.finished() else []
        if found:
            raise StudyError(
                f"{folder} holds the results of another study; it differs in "
                f"{'; '.join(found)}. Run with the settings it was started with, or choose "
                "another folder with --out."
            )
        if stored != facts:
            store.write_facts(continued(stored, facts))
    except BaseException:
        store.close()
        raise
    return store


def _replaced(folder: Path, facts: Mapping[str, Any]) -> ResultsStore:
    """Start anew in a folder, once its file is locked; a damaged file is removed."""
    path = folder / RESULTS
    try:
        store = ResultsStore(path, facts, exclusive=True, replace=True)
    except StudyError as error:
        if is_busy(error.__cause__):
            raise
        for name in (RESULTS, f"{RESULTS}-wal", f"{RESULTS}-shm"):
            (folder / name).unlink(missing_ok=True)
        store = ResultsStore(path, facts, exclusive=True)
    for name in _TABLES:
        (folder / name).unlink(missing_ok=True)
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

    Raises
    ------
    StudyError
        When it cannot be written; a file that was there is as it was.
    """
    try:
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
                file.write(text)
            os.chmod(temporary, 0o644)
            os.replace(temporary, path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise StudyError(
            f"{path} cannot be written ({error}). Check that the disk has space and the folder is "
            "yours."
        ) from error
    return path
