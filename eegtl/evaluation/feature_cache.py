"""Keeping the features of a recipe, so that the signals need not be read again."""

from __future__ import annotations

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
    base = Path(named).expanduser() if named else user_cache_path("eegtl", appauthor=False)
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
    than `worth` seconds; when the folder grows beyond `max_bytes`, the tables that were not used
    for the longest time are removed.

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
        if path.is_file():
            try:
                table = FeatureTable.load(path)
                kept = [str(note) for note in table.info.pop(_NOTES)]
                os.utime(path)
            except (InputError, OSError, KeyError, TypeError) as error:
                notes.append(
                    f"{path} could not be read back ({error}); the features are computed anew"
                )
            else:
                return CachedFeatures(table, tuple(kept), True)
        start = time.monotonic()
        table, found = extract(recipe, collection, progress)
        if time.monotonic() - start >= self.worth:
            try:
                self._keep(path, table, found)
            except (InputError, OSError) as error:
                notes.append(f"the features could not be kept in {self.folder} ({error})")
        return CachedFeatures(table, (*found, *notes), False)

    def extent(self) -> tuple[int, int]:
        """Count the tables and their bytes.

        Returns
        -------
        n_tables, n_bytes : int
        """
        sizes = [size for _, size, _ in self._tables()]
        return len(sizes), sum(sizes)

    def _keep(self, path: Path, table: FeatureTable, notes: list[str]) -> None:
        """Write a table, then make room."""
        self.folder.mkdir(parents=True, exist_ok=True)
        info = {**table.info, _NOTES: notes}
        FeatureTable(table.X, table.columns, table.meta, causal=table.causal, info=info).save(path)
        tables = sorted(self._tables(), reverse=True)  # the latest used come first
        total = 0
        for _, size, each in tables:
            total += size
            if total > self.max_bytes:
                each.unlink(missing_ok=True)

    def _tables(self) -> list[tuple[float, int, Path]]:
        """List time of use, size and path of the tables; another process may remove some."""
        found = []
        for path in self.folder.glob("*.npz"):
            try:
                status = path.stat()
            except FileNotFoundError:
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
    files = []
    if card.folder is not None:
        for path in list_files(card, find_folder(card, recipe.data.root)):
            status = path.stat()
            files.append((path.name, status.st_size, status.st_mtime_ns))
    facts: dict[str, Any] = {
        "data": {key: value for key, value in content["data"].items() if key != "root"},
        "features": content["features"],
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
