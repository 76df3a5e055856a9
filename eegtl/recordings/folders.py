"""Finding the folder and the files of a data set on disk."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import NoReturn

from platformdirs import user_data_path

from ..errors import DatasetError, SubjectError
from .cards import Card
from .collection import Entry

ROOT_VARIABLE = "EEGTL_DATA"
"""Environment variable that names the folder of the data sets."""


def find_folder(card: Card, root: str | os.PathLike[str] | None = None) -> Path:
    """Find the folder that holds the files of a data set.

    Looked through are `root`, else the folder named by the environment variable ``EEGTL_DATA``,
    else the user data folder; in each the sub-folder named like the data set, then the folder
    itself.

    Parameters
    ----------
    card : Card
        A card with a folder.
    root : path, optional
        Where to look instead of the defaults.

    Returns
    -------
    Path
        The first of these folders that has a file matching the card.

    Raises
    ------
    DatasetError
        When the folder does not exist, has no such file or cannot be read.
    """
    assert card.folder is not None, "only cards with a folder are looked for on disk"
    base, origin = data_folder(root)
    fetch = f", with eegtl datasets fetch {card.name}," if card.fetch is not None else ""
    advice = (
        f"Get the data from {card.url} (licence {card.licence}){fetch} and name the folder with "
        f"--root or the environment variable {ROOT_VARIABLE}"
    )
    try:
        folders = [folder for folder in (base / card.name, base) if folder.is_dir()]
        for folder in folders:
            if any(path.is_file() for path in list_files(card, folder)):
                return folder
    except OSError as error:
        raise DatasetError(
            f"{card.name}: the folder {base} ({origin}) cannot be read ({error.strerror}). {advice}"
        ) from error
    if not folders:
        raise DatasetError(f"{card.name}: the folder {base} ({origin}) does not exist. {advice}")
    raise DatasetError(
        f"{card.name}: no file like {card.folder.shape} in {base} ({origin}), nor in its "
        f"sub-folder {card.name}. {advice}"
    )


def data_folder(root: str | os.PathLike[str] | None = None) -> tuple[Path, str]:
    """Say in which folder data sets are looked for, and why there.

    Parameters
    ----------
    root : path, optional
        Where to look instead of the defaults.

    Returns
    -------
    folder : Path
        `root`, else the folder named by ``EEGTL_DATA``, else the user data folder; it need not
        exist.
    origin : str
        Which of them it is, in words.

    Raises
    ------
    DatasetError
        When it begins with ``~`` and the name of nobody.

    Examples
    --------
    >>> data_folder("recordings")[1]
    'the root that was given'
    """
    variable = os.environ.get(ROOT_VARIABLE)
    if root is not None:
        base, origin = Path(root), "the root that was given"
    elif variable:
        base, origin = Path(variable), f"the environment variable {ROOT_VARIABLE}"
    else:
        base, origin = user_data_path("eegtl"), "the user data folder"
    try:
        return base.expanduser(), origin
    except RuntimeError as error:
        raise DatasetError(
            f"the folder {base} ({origin}) cannot be found: there is no home folder "
            f"{base.parts[0]}; write it in full"
        ) from error


def list_files(card: Card, folder: Path) -> list[Path]:
    """List the files that belong to a data set by the coarse pattern of its card.

    Parameters
    ----------
    card : Card
        A card with a folder.
    folder : Path
        Where they lie.

    Returns
    -------
    list of Path
        In the order of their names.

    Raises
    ------
    OSError
        When the folder cannot be listed.
    """
    assert card.folder is not None, "only cards with a folder have files"
    with os.scandir(folder):  # glob takes a folder that it may not list for an empty one
        pass
    return sorted(folder.glob(card.folder.candidates))


def split_names(card: Card, folder: Path) -> tuple[list[tuple[Path, dict[str, str]]], list[Entry]]:
    """Read the names of the files of a data set.

    Parameters
    ----------
    card : Card
        A card with a folder.
    folder : Path
        Where the files lie.

    Returns
    -------
    matched : list of (Path, dict)
        Files, and the named groups of the card's pattern.
    strays : list of Entry
        One entry for each file whose name cannot be read; reading it raises.

    Raises
    ------
    DatasetError
        When two files have the same meaning.
    """
    assert card.folder is not None, "only cards with a folder have files"
    matched: list[tuple[Path, dict[str, str]]] = []
    strays: list[Entry] = []
    seen: dict[tuple[str, ...], Path] = {}
    for path in list_files(card, folder):
        match = re.fullmatch(card.folder.pattern, path.name)
        if match is None or match["label"] not in (card.trials.labels or card.labels):
            strays.append(_stray(path, card))
            continue
        groups = match.groupdict()
        # Numbers mean the same with and without leading zeros.
        meaning = tuple(re.sub(r"\d+", lambda n: str(int(n[0])), v) for v in groups.values())
        if meaning in seen:
            raise DatasetError(
                f"{card.name}: {seen[meaning].name} and {path.name} in {folder} are the same "
                "recording by name; remove one of them"
            )
        seen[meaning] = path
        matched.append((path, groups))
    return matched, strays


def _stray(path: Path, card: Card) -> Entry:
    """Make an entry for a file whose name says nothing; it stands under its own name."""
    assert card.folder is not None, "only cards with a folder have files"
    words: Sequence[str] = tuple(card.trials.labels or card.labels)
    problem = (
        f"the file name cannot be read; expected is {card.folder.shape} "
        f"(labels in names: {', '.join(words)}). Rename the file, move it away, or re-run with "
        "--skip-bad to leave it out"
    )
    fail = partial(_fail, problem, path.name, path.name.partition(".")[0])
    return Entry(path.name.partition(".")[0], 1, path.name, channels=fail, read=fail)


def _fail(problem: str, file: str, subject: str, *_: object) -> NoReturn:
    """Raise the error of a file that was found unusable when it was listed."""
    raise SubjectError(problem, file=file, subject=subject)
