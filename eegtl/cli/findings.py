"""What ``eegtl doctor`` looks at; each function gives lines, and marks what is broken."""

from __future__ import annotations

import os
import platform
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata

#: extras that only developers use
_FOR_DEVELOPERS = ("docs", "test", "bench")
#: how long to wait for streams, in seconds
_LSL_WAIT = 1.0


@dataclass(frozen=True)
class Finding:
    """One line, and whether it says that something needed does not work."""

    text: str
    broken: bool = False


def versions() -> Iterator[Finding]:
    """Compare what is installed with what eegtl needs.

    Yields
    ------
    Finding
        Python and eegtl, then one a dependency.
    """
    from .. import __version__

    yield Finding(
        f"eegtl {__version__}, Python {platform.python_version()}, {platform.system()} "
        f"{platform.machine()}"
    )
    shown = []
    if not list(_requirements()):
        yield Finding(
            "eegtl is not installed as a package, so what it needs is unknown; in its folder run: "
            "pip install -e .",
            True,
        )
        return
    for name, least, extra in _requirements():
        if extra is not None:
            continue
        try:
            found = metadata.version(name)
        except metadata.PackageNotFoundError:
            yield Finding(f"{name} is not installed; install it with: pip install {name}", True)
            continue
        if _numbers(found) < _numbers(least):
            yield Finding(
                f"{name} {found} is too old; install it with: pip install '{name}>={least}'", True
            )
        shown.append(f"{name} {found}")
    yield Finding(", ".join(shown))


def threads() -> Iterator[Finding]:
    """List the pools of threads that the numeric libraries use.

    Yields
    ------
    Finding
        The cores, then one a library.
    """
    import joblib
    import numpy as np
    import scipy.linalg
    import threadpoolctl

    scipy.linalg.norm(np.ones((2, 2)))  # libraries are listed once they are loaded
    yield Finding(f"{joblib.cpu_count()} cores for processes (--jobs)")
    for pool in threadpoolctl.threadpool_info():
        version = pool.get("version") or "version unknown"
        yield Finding(f"{pool['internal_api']} {version}: {pool['num_threads']} threads")


def kernels() -> Iterator[Finding]:
    """Compile the filter bank and compute features of noise whose entropy is known.

    Yields
    ------
    Finding
        Broken when it fails or the entropy is wrong.
    """
    import numpy as np

    from ..features import differential_entropy

    sfreq, seconds = 256.0, 60.0
    noise = 1e-5 * np.random.default_rng(0).standard_normal((8, int(sfreq * seconds)))
    bands = {"alpha": (8.0, 14.0)}
    try:
        start = time.perf_counter()
        differential_entropy(noise[:, : int(4 * sfreq)], sfreq, bands)
        first = time.perf_counter() - start
        start = time.perf_counter()
        found = differential_entropy(noise, sfreq, bands)[10:].mean()
        then = time.perf_counter() - start
    except Exception as error:  # whatever is wrong with the compiler, it is what was looked for
        yield Finding(f"the kernels do not run: {type(error).__name__}: {error}", True)
        return
    # white noise of 10 uV has the share 6 / 128 of its 100 uV^2 in a band of 6 Hz
    wanted = 0.5 * np.log(2 * np.pi * np.e * 100 * 6 / (sfreq / 2))
    if not abs(found - wanted) < 0.25:
        yield Finding(
            f"the entropy of white noise comes out as {found:.2f} nats instead of {wanted:.2f}; "
            "remove numba's cache (the folders __pycache__ of eegtl/kernels) and try again",
            True,
        )
        return
    yield Finding(
        f"compiled or read back in {first:.1f} s; {seconds:g} s of 8 channels take "
        f"{1e3 * then:.1f} ms"
    )


def extras() -> Iterator[Finding]:
    """Say which extras are there, and how the others are installed.

    Yields
    ------
    Finding
        One an extra.
    """
    groups: dict[str, list[str]] = {}
    for name, _, extra in _requirements():
        if extra is not None and extra not in _FOR_DEVELOPERS:
            groups.setdefault(extra, []).append(name)
    width = max(map(len, groups), default=0)
    for extra, names in groups.items():
        found = {name: _installed(name) for name in names}
        lacking = [name for name, version in found.items() if version is None]
        if lacking:
            text = f"not here ({', '.join(lacking)}): pip install 'eegtl[{extra}]'"
        else:
            text = ", ".join(f"{name} {version}" for name, version in found.items())
        yield Finding(f"{extra:<{width}}  {text}")


def folders() -> Iterator[Finding]:
    """Say where features are kept and where data sets were found.

    Yields
    ------
    Finding
        The cache, then one a data set with files.
    """
    from ..errors import DatasetError
    from ..evaluation.feature_cache import CACHE_VARIABLE, FeatureCache
    from ..recordings import card_names, get_card
    from ..recordings.folders import ROOT_VARIABLE, data_folder, find_folder

    cache = FeatureCache()
    n_files, n_bytes = cache.extent()
    yield Finding(f"features kept: {cache.folder} ({n_files} tables, {n_bytes / 2**20:.0f} MiB)")
    if problem := cache.problem():
        yield Finding(
            f"new features cannot be kept: {problem}; name a folder of yours with {CACHE_VARIABLE}"
        )
    try:
        base, origin = data_folder()
    except DatasetError as error:
        yield Finding(f"data sets: {error}")
        return
    unset = "" if os.environ.get(ROOT_VARIABLE) else f"; {ROOT_VARIABLE} is not set"
    yield Finding(f"data sets: {base} ({origin}{unset})")
    for name in card_names():
        card = get_card(name)
        if card.folder is None:
            continue
        try:
            yield Finding(f"{name}: {find_folder(card)}")
        except DatasetError as error:
            lost = "cannot be read" if isinstance(error.__cause__, OSError) else "not found"
            yield Finding(f"{name}: {lost}; see eegtl datasets info {name}")


def streams() -> Iterator[Finding]:
    """Look for LSL streams on this machine, and nowhere else.

    Yields
    ------
    Finding
        The library, then one a stream.
    """
    try:
        import pylsl

        from ..streaming.lsl import configure

        configure()
        version = pylsl.library_version()
        found = pylsl.resolve_streams(_LSL_WAIT)
    except Exception as error:  # a missing library raises RuntimeError, an old one AttributeError
        yield Finding(
            f"pylsl does not work ({type(error).__name__}: {error}); streams cannot be read. "
            "Install it anew with: pip install --force-reinstall pylsl",
            True,
        )
        return
    yield Finding(f"pylsl {metadata.version('pylsl')}, liblsl {version // 100}.{version % 100}")
    for info in found:
        rate = info.nominal_srate()
        yield Finding(
            f"{info.name()!r}: type {info.type()}, {info.channel_count()} channels, "
            f"{f'{rate:g} Hz' if rate else 'irregular rate'}"
        )
    if not found:
        yield Finding(f"none seen in {_LSL_WAIT:g} s")


def _requirements() -> Iterator[tuple[str, str, str | None]]:
    """List the dependencies of eegtl: name, least version, extra or None."""
    try:
        lines = metadata.requires("eegtl") or []
    except metadata.PackageNotFoundError:
        return
    for line in lines:
        match = re.match(r"([\w.-]+)(?:\[[^]]*\])?(?:[^;]*?>=\s*([\w.]+))?", line)
        extra = re.search(r"extra\s*==\s*['\"]([\w-]+)['\"]", line)
        if match is not None:
            yield match[1], match[2] or "0", extra[1] if extra else None


def _numbers(version: str) -> tuple[int, ...]:
    """Give the leading numbers of a version, so that they compare; 1.2 equals 1.2.0."""
    numbers = [int(part) for part in re.findall(r"\d+", version.partition("+")[0])[:3]]
    return tuple(numbers + [0] * (3 - len(numbers)))


def _installed(name: str) -> str | None:
    """Give the version of a package, None when it is not installed."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
