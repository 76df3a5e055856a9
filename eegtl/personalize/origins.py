"""From whom the arrays of a fitted model come: found by adapting it anew, not by their names."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import EegtlError
from ..transfer.state import to_state
from .candidates import give_mix

Floats = NDArray[np.float64]

#: Rows of an invented wearer.
_ROWS = 30


def of_the_wearer(model: Any, mean: Floats, sd: Floats, *, told_mix: bool) -> set[str]:
    """Name the arrays of a model that depend on the wearer whom it was adapted to.

    A copy is adapted to nobody, and others to two invented wearers of other rows, labels and class
    mix. What is the same to the last bit in all of them, the sources alone have made.

    Parameters
    ----------
    model : transfer classifier
        Fitted; it stays as it is.
    mean, sd : ndarray of shape (n_features,)
        Of the rows of the sources, which the invented ones are like.
    told_mix : bool
        Whether it was told the class mix of the wearer's block.

    Returns
    -------
    set of str
        Paths in the model's state. None for a model that has seen nothing of a wearer; all where
        it cannot be adapted to invented rows, since then nothing can be ruled out.
    """
    if model.information_ == "inductive":
        return set()
    kept = dict(arrays_in(to_state(model)))
    found: set[str] = set()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for other in _adapted_to_others(model, mean, sd, told_mix):
                state = dict(arrays_in(to_state(other)))
                found |= {path for path in kept if not _equal(kept[path], state.get(path))}
    # what the rows of a method must be, only the method knows
    except (EegtlError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
        return set(kept)
    return found


def _adapted_to_others(model: Any, mean: Floats, sd: Floats, told_mix: bool) -> Iterator[Any]:
    """Yield copies of a model that are adapted to nobody, and to invented wearers."""
    yield deepcopy(model).adapt()
    classes = np.asarray(model.classes_)
    n, place = len(classes), np.arange(_ROWS)
    # all classes alike, and one of them more often: at most one of these mixes is the wearer's
    for seed, codes in enumerate((place % n, np.minimum(place % (n + 1), n - 1))):
        rng = np.random.default_rng(seed)
        own = mean + sd * rng.standard_normal(len(mean))
        rows = own + sd * rng.standard_normal((_ROWS, len(mean)))
        y, other = classes[codes], deepcopy(model)
        if told_mix:
            give_mix(other, [np.mean(y == label) for label in classes])
        if model.information_ == "labelled":
            yield other.adapt(X_calib=rows, y_calib=y)
        else:
            yield other.adapt(rows)


def sizes_of_people(model: Any) -> set[int]:
    """Give how many people or sittings a model knows by name, array by array.

    Parameters
    ----------
    model : transfer classifier

    Returns
    -------
    set of int
        Numbers above 1 of different texts in an array that are not the names of classes.
    """
    classes = set(np.asarray(model.classes_).tolist())
    texts = [
        set(array.ravel().tolist())
        for _, array in arrays_in(to_state(model))
        if array.dtype.kind == "U"
    ]
    return {len(names) for names in texts if len(names) > 1 and not names <= classes}


def arrays_in(node: Any) -> Iterator[tuple[str, NDArray[Any]]]:
    """Yield the arrays of a tree.

    Parameters
    ----------
    node : tree

    Yields
    ------
    path : str
    array : ndarray
    """
    for path, value in leaves(node):
        if isinstance(value, np.ndarray):
            yield path, value


def leaves(node: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Walk through a tree.

    Parameters
    ----------
    node : tree
    path : str
        Of the node.

    Yields
    ------
    path : str
    value : plain value or ndarray
    """
    if isinstance(node, dict) and node:
        for key, value in node.items():
            yield from leaves(value, f"{path}.{key}" if path else str(key))
    elif isinstance(node, list | tuple) and node:
        for place, value in enumerate(node):
            yield from leaves(value, f"{path}[{place}]")
    else:
        yield path, node


def _equal(one: NDArray[Any], other: NDArray[Any] | None) -> bool:
    return (
        other is not None
        and one.dtype == other.dtype
        and one.shape == other.shape
        and one.tobytes() == other.tobytes()
    )
