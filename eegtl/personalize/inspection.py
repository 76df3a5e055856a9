"""What is in a profile: arrays and whose they are, differences, all of it as plain values."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from .profile import Profile


@dataclass(frozen=True)
class ArrayLine:
    """An array of a profile.

    Attributes
    ----------
    path : str
        Where it stands.
    shape : tuple of int
    bytes : int
    people : str
        From whom it comes.
    """

    path: str
    shape: tuple[int, ...]
    bytes: int
    people: str


def arrays_of(profile: Profile) -> list[ArrayLine]:
    """List the arrays of a profile, and from how many people each comes.

    Parameters
    ----------
    profile : Profile

    Returns
    -------
    list of ArrayLine
    """
    n = profile.provenance.get("n_people", "an unknown number of")
    lines = []
    for path, value in _leaves(profile._content()):
        if not isinstance(value, np.ndarray):
            continue
        if path.startswith("days"):
            people = "the wearer"
        elif "target" in path:
            people = "the wearer" if profile.days or profile.history else f"{n} people"
        else:
            people = f"{n} people"
        lines.append(ArrayLine(path, value.shape, value.nbytes, people))
    return lines


def differences(one: Profile, other: Profile) -> list[str]:
    """Say in what two profiles differ.

    Parameters
    ----------
    one, other : Profile

    Returns
    -------
    list of str
        One line a value that is not the same; arrays by their largest difference.
    """
    left, right = dict(_leaves(one._content())), dict(_leaves(other._content()))
    lines = []
    for path in sorted(set(left) | set(right)):
        if path not in left or path not in right:
            lines.append(f"{path}: only in the {'second' if path not in left else 'first'}")
            continue
        a, b = left[path], right[path]
        if isinstance(a, np.ndarray) and isinstance(b, np.ndarray):
            if a.dtype.kind != b.dtype.kind:
                lines.append(f"{path}: {a.dtype} and {b.dtype}")
            elif a.shape != b.shape:
                lines.append(f"{path}: shape {a.shape} and {b.shape}")
            elif not np.array_equal(a, b, equal_nan=a.dtype.kind == "f"):
                apart = f", by up to {np.nanmax(np.abs(a - b)):.3g}" if a.dtype.kind == "f" else ""
                lines.append(f"{path}: other values{apart}")
        elif not _same(a, b):
            lines.append(f"{path}: {a!r:.60} and {b!r:.60}")
    return lines


def as_plain(profile: Profile) -> Any:
    """Give all that a profile holds as values that JSON has.

    Parameters
    ----------
    profile : Profile

    Returns
    -------
    dict
        Arrays as nested lists; what is no finite number is null.
    """
    return _plain(profile._content())


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, np.generic):
        return _plain(value.item())
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def _leaves(node: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Walk through a tree."""
    if isinstance(node, dict) and node:
        for key, value in node.items():
            yield from _leaves(value, f"{path}.{key}" if path else str(key))
    elif isinstance(node, list | tuple) and node:
        for place, value in enumerate(node):
            yield from _leaves(value, f"{path}[{place}]")
    else:
        yield path, node


def _same(a: Any, b: Any) -> bool:
    if isinstance(a, float) and isinstance(b, float) and math.isnan(a) and math.isnan(b):
        return True
    return type(a) is type(b) and bool(np.all(a == b))
