"""What is in a profile: arrays and whose they are, differences, all of it as plain values."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .origins import arrays_in, leaves, of_the_wearer, sizes_of_people
from .profile import Profile

#: Arrays of a plan that hold a number of each source person.
_ONE_BY_ONE = tuple(
    f"plan.{name}" for name in ("scores", "safe", "evidence", "nested", "nested_gain")
)


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
        From whom it comes at most: nobody else has a part in it.
    """

    path: str
    shape: tuple[int, ...]
    bytes: int
    people: str


def arrays_of(profile: Profile) -> list[ArrayLine]:
    """List the arrays of a profile, and from whom each comes.

    Parameters
    ----------
    profile : Profile

    Returns
    -------
    list of ArrayLine

    Notes
    -----
    What is said is an upper bound. An array of a model is said to be of the source people alone
    only if a model that saw nothing of a wearer has it, or if it stays the same to the last bit
    when the model is adapted to nobody and to invented wearers. "perhaps one a line" stands where
    an axis is as long as there are people, or names of people or sittings: such an array may hold a
    line of one person alone.
    """
    n = profile.provenance.get("n_people")
    people = "an unknown number of people" if n is None else f"{n} people"
    bound = people if n is None else f"up to {people}"
    wearers, sizes = set(), {n} - {1}
    models = [("model", profile.name, profile.model)]
    models += [(f"others.{name}", name, model) for name, model in profile.others.items()]
    for where, name, model in models:
        told_mix = profile.plan is not None and profile.plan.is_told_mix(name)
        found = of_the_wearer(model, profile.mean, profile.sd, told_mix=told_mix)
        wearers |= {f"{where}.{path}" for path in found}
        sizes |= sizes_of_people(model)
    lines = []
    for path, value in arrays_in(profile._content()):
        if path.startswith("days["):
            whose = "the wearer"
        elif path.startswith(("model.", "others.")):
            whose = f"the wearer and {bound}" if path in wearers else bound
            whose += ", perhaps one a line" if sizes.intersection(value.shape) else ""
        elif path in _ONE_BY_ONE:
            whose = f"{people}, one by one"
        elif path in ("mean", "sd") or path.startswith("plan."):
            whose = people
        else:  # nothing rules anybody out
            whose = f"the wearer and {bound}"
        lines.append(ArrayLine(path, value.shape, value.nbytes, whose))
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
    left, right = dict(leaves(one._content())), dict(leaves(other._content()))
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
                lines.append(f"{path}: other values{_apart(a, b)}")
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


def _apart(a: NDArray[Any], b: NDArray[Any]) -> str:
    """Say by how much numbers differ, where both arrays have any."""
    if a.dtype.kind != "f":
        return ""
    both = np.isfinite(a) & np.isfinite(b)
    with np.errstate(over="ignore"):
        apart = np.abs(a[both] - b[both])
    return f", by up to {apart.max():.3g}" if apart.any() else ""


def _same(a: Any, b: Any) -> bool:
    if isinstance(a, float) and isinstance(b, float) and math.isnan(a) and math.isnan(b):
        return True
    return type(a) is type(b) and bool(np.all(a == b))
