"""Comparing the files of a data set with its card."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterable

from ..errors import DatasetError, SignalWarning
from .cards import Card, get_card
from .collection import Collection
from .fetching import file_sums, sum_of
from .folders import find_folder
from .loading import load

#: how many names a line lists before it only counts them
_LISTED = 6


def check_dataset(
    name: str,
    root: str | os.PathLike[str] | None = None,
    *,
    partial: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> list[str]:
    """Compare a data set with its card; every recording is read.

    Parameters
    ----------
    name : str
        Name of a card.
    root : path, optional
        As for `eegtl.load`.
    partial : bool
        Whether some of the people and files may be missing.
    progress : callable, optional
        Called with (recordings and files done, in all).

    Returns
    -------
    list of str
        One line a problem: people, recordings or files that are missing, names that cannot be
        read, recordings that cannot be used or last longer or shorter than those of the card,
        files whose SHA-256 differs from the list. Empty when all is well.

    Raises
    ------
    DatasetError
        When the data set or its folder is unknown.

    Examples
    --------
    >>> check_dataset("eegmat", "nowhere")
    Traceback (most recent call last):
        ...
    eegtl.errors.DatasetError: eegmat: the folder nowhere (the root that was given) does not ...
    """
    card = get_card(name)
    collection = load(name, root)
    sums = {} if card.fetch is None else file_sums(card)
    total = len(collection) + len(sums)
    problems = [] if partial else _counts(card, collection)
    for done in range(1, len(collection) + 1):
        problems += _faults(collection, done - 1)
        if progress is not None:
            progress(done, total)
    if not sums:
        return problems
    folder, missing = find_folder(card, root), []
    for done, (file, wanted) in enumerate(sums.items(), start=len(collection) + 1):
        path = folder / file
        try:
            found = sum_of(path) if path.is_file() else None
        except OSError as error:
            problems.append(f"{file}: cannot be read ({error.strerror})")
        else:
            if found is None:
                missing.append(file)
            elif found != wanted:
                problems.append(
                    f"{file}: the content is not that of the list of checksums (SHA-256 "
                    f"{found[:12]}..., not {wanted[:12]}...)"
                )
        if progress is not None:
            progress(done, total)
    if missing and not partial:
        problems.append(f"missing files: {len(missing)} of {len(sums)} ({_some(missing)})")
    return problems


def _counts(card: Card, collection: Collection) -> list[str]:
    """Compare the numbers of people and recordings with those of the complete data set."""
    pairs = (
        ("subjects", len(collection.subjects), card.checks.subjects),
        ("recordings", len(collection), card.checks.recordings),
    )
    return [
        f"{what}: {found} found, {complete} in the complete data set"
        for what, found, complete in pairs
        if found != complete
    ]


def _faults(collection: Collection, index: int) -> list[str]:
    """Read one recording; its error or its warnings are the problems."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", SignalWarning)
        try:
            collection[index]
        except DatasetError as error:
            return [str(error)]
    return [str(each.message) for each in caught if issubclass(each.category, SignalWarning)]


def _some(names: Iterable[str]) -> str:
    """List the first names."""
    names = list(names)
    return ", ".join(names[:_LISTED]) + (", ..." if len(names) > _LISTED else "")
