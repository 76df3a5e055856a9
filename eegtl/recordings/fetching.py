"""Getting the files of a data set: from its makers or from a folder, never without their hash."""

from __future__ import annotations

import hashlib
import logging
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from ..errors import DatasetError
from .cards import Card, card_folder

_BLOCK = 2**20
#: seconds without an answer after which a server counts as not there
_TIMEOUT = 30.0
_SUM = re.compile(r"([0-9a-f]{64}) [ *]?(\S.*)")


@dataclass(frozen=True)
class Fetched:
    """What became of the files of a list.

    Parameters
    ----------
    new : tuple of str
        Files that came now.
    kept : tuple of str
        Files that were there with the right content.
    absent : tuple of str
        Files that the folder to copy from does not have.
    """

    new: tuple[str, ...]
    kept: tuple[str, ...]
    absent: tuple[str, ...]


def file_sums(card: Card) -> dict[str, str]:
    """Read the list of checksums that belongs to a card.

    Parameters
    ----------
    card : Card
        A card with a ``[fetch]`` section.

    Returns
    -------
    dict of str to str
        Name of the file, relative to the folder of the data set -> SHA-256 in hexadecimal.

    Raises
    ------
    DatasetError
        When the card has no list, or the list is faulty; a name that leaves the folder is a fault.

    Examples
    --------
    >>> from eegtl.recordings import get_card
    >>> len(file_sums(get_card("eegmat")))
    73
    """
    if card.fetch is None:
        raise DatasetError(
            f"{card.name} has no list of files to fetch. Get the data from {card.url} (licence "
            f"{card.licence}); eegtl datasets info {card.name} says how to name the files"
        )
    path = card_folder() / card.name / card.fetch.sums
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DatasetError(f"{path}: the list of checksums cannot be read ({error})") from error
    sums: dict[str, str] = {}
    for number, line in enumerate(lines, start=1):
        match = _SUM.fullmatch(line)
        if match is None:
            raise DatasetError(
                f"{path}, line {number}: expected is a SHA-256 sum and the name of a file, "
                f"not {line[:80]!r}"
            )
        name = match[2]
        if name in sums or "\\" in name or not {"", ".", ".."}.isdisjoint(name.split("/")):
            raise DatasetError(
                f"{path}, line {number}: {name!r} is listed twice, or is no plain path inside the "
                "folder of the data set"
            )
        sums[name] = match[1]
    return sums


def sum_of(path: Path) -> str:
    """Compute the SHA-256 of a file.

    Parameters
    ----------
    path : Path

    Returns
    -------
    str
        In hexadecimal.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def fetch_files(
    card: Card,
    target: Path,
    *,
    source: Path | None = None,
    overwrite: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> Fetched:
    """Bring the files of a data set into a folder, each only with the content of the list.

    A file that is there already is kept, so that an interrupted fetch goes on where it stopped. A
    file is written under a temporary name, compared with its sum and then renamed.

    Parameters
    ----------
    card : Card
        A card with a ``[fetch]`` section.
    target : Path
        Where the files shall be; made when missing.
    source : Path, optional
        Folder to copy from; by default the address on the card.
    overwrite : bool
        Replace files of the same name whose content differs from the list.
    progress : callable, optional
        Called with (files done, files in all) after each file.

    Returns
    -------
    Fetched
        From a folder that has only some of the files, these are taken.

    Raises
    ------
    DatasetError
        When the address cannot be reached, a file has another content than the list says, or
        cannot be read or written.
    """
    sums = file_sums(card)
    if source is not None:
        _check_source(card, source, sums)
    elif target.is_dir() and not overwrite:
        _refuse_others(card, target, sums)
    new: list[str] = []
    kept: list[str] = []
    absent: list[str] = []
    for done, (name, wanted) in enumerate(sums.items(), start=1):
        path = target / name
        if _is_right(path, wanted):
            kept.append(name)
        elif source is not None and not _is_file(source / name):
            absent.append(name)
        else:
            if path.exists() and not overwrite:
                raise _other(card, path)
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                if source is not None:
                    _copy(source / name, path, wanted)
                else:
                    _download(card, name, path, wanted)
            except (OSError, ValueError) as error:
                here = sum((target / each).is_file() for each in sums)
                raise DatasetError(
                    f"{card.name}: {name} could not be brought to {target} ({_reason(error)}). "
                    f"{here} of {len(sums)} files are there and stay; run the same command again "
                    "to go on, or copy from a folder that has the files with --from"
                ) from error
            new.append(name)
        if progress is not None:
            progress(done, len(sums))
    return Fetched(tuple(new), tuple(kept), tuple(absent))


def _check_source(card: Card, source: Path, sums: Mapping[str, str]) -> None:
    """Refuse a folder that has nothing to copy."""
    if not any(_is_file(source / name) for name in sums):
        raise DatasetError(
            f"{card.name}: {source} has none of the {len(sums)} files of the list, such as "
            f"{next(iter(sums))}; name the folder in which they lie with --from"
        )


def _refuse_others(card: Card, target: Path, sums: Mapping[str, str]) -> None:
    """Find files with another content before the first of the others is fetched."""
    for name, wanted in sums.items():
        path = target / name
        if not _is_right(path, wanted) and path.exists():
            raise _other(card, path)


def _is_file(path: Path) -> bool:
    """Say whether a file is there."""
    try:
        return path.is_file()
    except OSError as error:
        raise _unreadable(path, error) from error


def _is_right(path: Path, wanted: str) -> bool:
    """Say whether a file is there with the content of the list."""
    try:
        return path.is_file() and sum_of(path) == wanted
    except OSError as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: OSError) -> DatasetError:
    """Say that it cannot be seen what is at a place."""
    return DatasetError(
        f"{path} cannot be read ({error.strerror}); make it readable, or name another folder"
    )


def _other(card: Card, path: Path) -> DatasetError:
    """Say that a file is in the way."""
    return DatasetError(
        f"{card.name}: {path} is there already with another content than the list of checksums "
        "says; move it away, or replace it with --overwrite"
    )


def _reason(error: Exception) -> str:
    """Say why a file did not come, without the inner life of the network library."""
    request = getattr(error, "request", None)
    if request is not None and getattr(error, "response", None) is None:
        return f"{urlsplit(request.url).netloc} cannot be reached or does not answer"
    return " ".join(str(error).split())


def _copy(source: Path, path: Path, wanted: str) -> None:
    """Copy a file and rename the copy once its sum is right."""
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as copy, source.open("rb") as file:
            shutil.copyfileobj(file, copy, _BLOCK)
        found = sum_of(Path(temporary))
        if found != wanted:
            raise ValueError(
                f"{source} has the SHA-256 {found[:12]}..., the list says {wanted[:12]}..."
            )
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _download(card: Card, name: str, path: Path, wanted: str) -> None:
    """Let pooch fetch, compare and rename; what is there under the name is replaced."""
    import pooch

    assert card.fetch is not None, "a card without an address has no list of sums either"
    logger = pooch.get_logger()
    level = logger.level
    logger.setLevel(logging.WARNING)
    try:
        pooch.retrieve(
            card.fetch.base_url + name,
            known_hash=f"sha256:{wanted}",
            fname=path.name,
            path=path.parent,
            downloader=_stream,
        )
    finally:
        logger.setLevel(level)


def _stream(url: str, output_file: str, pooch: object) -> None:
    """Write what an address gives to a file; pooch's own way leaves refused connections open."""
    import requests  # comes with pooch

    with requests.get(url, stream=True, timeout=_TIMEOUT) as response:
        response.raise_for_status()
        with open(output_file, "wb") as file:
            for block in response.iter_content(_BLOCK):
                file.write(block)
