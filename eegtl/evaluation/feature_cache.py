"""Keeping the features of a recipe, so that the signals need not be read again."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import os
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

from platformdirs import user_cache_path

from .. import __version__
from ..errors import InputError
from ..features import FeatureTable
from ..recordings import Collection, get_card
from ..recordings.folders import find_folder, list_files
from .recipe import Recipe

CACHE_VARIABLE = "EEGTL_CACHE"
"""Environment variable that names the folder of what is kept."""

#: what the features depend on besides the recipe and the files
_PACKAGES = ("kernels", "recordings", "preprocessing", "features")
_LIBRARIES = ("asrpy", "mne", "numba", "numpy", "pyriemann", "scipy")
_NOTES = "cached notes"


def _default_folder() -> Path:
    """Find the folder of what is kept."""
    named = os.environ.get(CACHE_VARIABLE)
    base = Path(named) if named else user_cache_path("eegtl", appauthor=False)
    try:
        return base.expanduser() / "features"
    except RuntimeError:  # the home of nobody, which `FeatureCache.problem` tells
        return base / "features"


@dataclass(frozen=True)
class CachedFeatures:
    """The features of a recipe.

    Parameters
    ----------
    table : FeatureTable
        Equal to what the extractor gives.
    notes : tuple of str
        Warnings of the extraction, and what was wrong with the cache.
    cached : bool
        Whether the table was read back.
    """

    table: FeatureTable
    notes: tuple[str, ...]
    cached: bool


@dataclass(frozen=True)
class FeatureCache:
    """A folder of feature tables, each under a name that says what it depends on.

    The name is a digest of the recipe's data, features and preprocessing, of the card, of name,
    size and time of change of all files of the data set, of eegtl's code up to the features, and
    of the versions of the numeric libraries. A table is kept only if it took longer to compute
    than `worth` seconds, has all recordings (those that were left out may be repaired without a
    trace in the name) and is no larger than `max_bytes`; when the folder grows beyond that, the
    tables that were not used for the longest time are removed.

    Parameters
    ----------
    folder : Path
        By default ``features`` in the folder named by the environment variable ``EEGTL_CACHE``,
        else in the user's cache folder.
    max_bytes : int
        Size of the folder.
    worth : float
        Seconds.

    Examples
    --------
    >>> import tempfile
    >>> recipe = Recipe.read({"data": {"name": "synthetic", "subjects": ["w01"]}})
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     cache = FeatureCache(Path(folder), worth=0.0)
    ...     first, second = cache.features(recipe), cache.features(recipe)
    >>> first.cached, second.cached, bool((first.table.X == second.table.X).all())
    (False, True, True)
    """

    folder: Path = field(default_factory=_default_folder)
    max_bytes: int = 4 * 2**30
    worth: float = 1.0

    def features(
        self,
        recipe: Recipe,
        collection: Collection | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> CachedFeatures:
        """Read the features of a recipe back, or compute and keep them.

        Parameters
        ----------
        recipe : Recipe
            Its parts data, features and preprocessing count.
        collection : Collection, optional
            The recordings, when they are listed already; else ``recipe.collection()``.
        progress : callable, optional
            Called with (recordings done, recordings in all), unless the table is read back.

        Returns
        -------
        CachedFeatures

        Raises
        ------
        SubjectError, DatasetError, SignalError
            As the extractor does. What is wrong with the cache is a note, no error.
        """
        path = self.folder / f"{recipe.data.name}-{features_key(recipe)}.npz"
        notes: list[str] = []
        try:
            found = self._read_back(path)
        except (InputError, OSError, KeyError, TypeError) as error:
            notes.append(f"{path} could not be read back ({error}); the features are computed anew")
        else:
            if found is not None:
                return found
        start = time.monotonic()
        table, warned = extract(recipe, collection, progress)
        if time.monotonic() - start >= self.worth and not table.info["skipped"]:
            try:
                self._keep(path, table, warned)
            except (InputError, OSError) as error:
                notes.append(f"the features could not be kept in {self.folder} ({error})")
        return CachedFeatures(table, (*warned, *notes), False)

    def extent(self) -> tuple[int, int]:
        """Count the tables and their bytes.

        Returns
        -------
        n_tables, n_bytes : int
        """
        sizes = [size for _, size, _ in self._tables()]
        return len(sizes), sum(sizes)

    def problem(self) -> str | None:
        """Say what keeps tables from being kept, as far as can be seen without writing.

        Returns
        -------
        str or None

        Examples
        --------
        >>> FeatureCache(Path("~nobody at all/cache")).problem()
        'there is no home folder ~nobody at all'
        """
        first = self.folder.parts[0] if self.folder.parts else ""
        if first.startswith("~"):
            return f"there is no home folder {first}"
        try:
            there = next(path for path in (self.folder, *self.folder.parents) if path.exists())
            if not there.is_dir():
                return f"{there} is no folder"
        except OSError as error:
            return str(error.strerror)
        writable = os.access(there, os.R_OK | os.W_OK | os.X_OK)
        return None if writable else f"{there} may not be written"

    def _read_back(self, path: Path) -> CachedFeatures | None:
        """Read a table, unless it is not there."""
        try:
            if not path.is_file():
                return None
        except OSError:  # the folder is of no use, which is told when a table would be kept
            return None
        table = FeatureTable.load(path, max_bytes=self.max_bytes)
        if table.info.get("skipped"):  # kept by an eegtl that did so
            return None
        notes = tuple(str(note) for note in table.info.pop(_NOTES))
        with contextlib.suppress(OSError):  # folders that others share may be read-only
            os.utime(path)
        return CachedFeatures(table, notes, True)

    def _keep(self, path: Path, table: FeatureTable, notes: list[str]) -> None:
        """Write a table, then make room; one that is too large makes none."""
        if problem := self.problem():
            raise InputError(problem)
        if table.X.nbytes > self.max_bytes:
            raise InputError(self._too_large(table.X.nbytes))
        self.folder.mkdir(parents=True, exist_ok=True)
        info = {**table.info, _NOTES: notes}
        FeatureTable(table.X, table.columns, table.meta, causal=table.causal, info=info).save(path)
        n_bytes = path.stat().st_size
        if n_bytes > self.max_bytes:
            path.unlink()
            raise InputError(self._too_large(n_bytes))
        tables = sorted(self._tables(), reverse=True)  # the latest used come first
        total = 0
        for _, size, each in tables:
            total += size
            if total > self.max_bytes:
                each.unlink(missing_ok=True)

    def _too_large(self, n_bytes: int) -> str:
        """Say that a table is larger than what is kept."""
        return f"they take {n_bytes} bytes, and no more than {self.max_bytes} are kept"

    def _tables(self) -> list[tuple[float, int, Path]]:
        """List time of use, size and path of the tables; another process may remove some."""
        found = []
        try:
            paths = list(self.folder.glob("*.npz"))
        except OSError:  # see `problem`
            return []
        for path in paths:
            try:
                status = path.stat()
            except OSError:
                continue
            found.append((status.st_mtime, status.st_size, path))
        return found


def extract(
    recipe: Recipe,
    collection: Collection | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[FeatureTable, list[str]]:
    """Compute the features of a recipe; warnings become notes.

    Parameters
    ----------
    recipe : Recipe
        What to compute.
    collection : Collection, optional
        The recordings, when they are listed already.
    progress : callable, optional
        Called with (recordings done, recordings in all).

    Returns
    -------
    table : FeatureTable
    notes : list of str
        Each once.

    Raises
    ------
    SubjectError, DatasetError, SignalError
        As the extractor does.
    """
    recordings = recipe.collection() if collection is None else collection
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        table = recipe.extractor().extract(recordings, progress, skip_bad=recipe.data.skip_bad)
    return table, list(dict.fromkeys(str(warning.message) for warning in caught))


def features_key(recipe: Recipe) -> str:
    """Digest everything that the features of a recipe depend on.

    Parameters
    ----------
    recipe : Recipe
        Where the data set lies does not matter, only what lies there.

    Returns
    -------
    str
        40 hexadecimal digits.

    Raises
    ------
    DatasetError
        When the data set is not found.
    """
    card = get_card(recipe.data.name)
    content = recipe.as_dict()
    files: list[tuple[str, int | None, int | None]] = []
    if card.folder is not None:
        for path in list_files(card, find_folder(card, recipe.data.root)):
            try:
                status = path.stat()
            except OSError:  # such as a link to nothing; whether it matters, reading tells
                files.append((path.name, None, None))
            else:
                files.append((path.name, status.st_size, status.st_mtime_ns))
    facts: dict[str, Any] = {
        "data": {key: value for key, value in content["data"].items() if key != "root"},
        # JSON sorts the keys below, and the order of the bands is that of the columns
        "features": {**content["features"], "bands": list(content["features"]["bands"].items())},
        "preprocessing": content["preprocessing"],
        "card": card.model_dump(mode="json"),
        "files": files,
        "code": _digest_of_code(),
        "versions": [__version__, *map(_version, _LIBRARIES)],
    }
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:40]


@functools.cache
def _digest_of_code() -> str:
    """Digest the code up to the features: a change of it must not meet old tables."""
    digest = hashlib.sha256()
    package = Path(__file__).parents[1]
    for name in _PACKAGES:
        for path in sorted((package / name).rglob("*.py")):
            digest.update(path.relative_to(package).as_posix().encode() + path.read_bytes())
    return digest.hexdigest()


def _version(library: str) -> str:
    """Give the version of a library, which may be an extra."""
    try:
        return metadata.version(library)
    except metadata.PackageNotFoundError:
        return "none"
