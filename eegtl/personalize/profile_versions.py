"""Profiles of earlier versions, brought to the present one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Tree = dict[str, Any]


def of_this_version(tree: Tree, version: int) -> Tree:
    """Bring the content of a profile to a version.

    Parameters
    ----------
    tree : dict
        As it was read.
    version : int
        The present one.

    Returns
    -------
    dict

    Raises
    ------
    LookupError
        When it is of a later version, or says none.

    Examples
    --------
    >>> of_this_version({"version": 1, "history": []}, 2)["days"]
    []
    """
    found = tree.get("version")
    while not is_version(found, version):
        if isinstance(found, bool) or not isinstance(found, int):
            raise LookupError("it says no version")
        tree = _STEPS[found](tree)
        found = tree["version"]
    return tree


def is_version(found: Any, version: int) -> bool:
    """Say whether what a file says is a version, and this one."""
    return isinstance(found, int) and not isinstance(found, bool) and found == version


def _from_1(tree: Tree) -> Tree:
    """Version 2 came with the wearer's days, and with what is known of the sources."""
    new: Tree = {"name": "", "others": {}, "plan": None, "days": [], "day": ""}
    return {**tree, **new, "version": 2}


_STEPS: dict[int, Callable[[Tree], Tree]] = {1: _from_1}
