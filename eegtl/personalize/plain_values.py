"""Values of a container's manifest, checked: it may have been tampered with."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray


def number(value: Any) -> float:
    """Give a finite number, or raise `TypeError`.

    Examples
    --------
    >>> number(3)
    3.0
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise TypeError(f"{value!r:.80} is no number")
    return float(value)


def text(value: Any) -> str:
    """Give a text, or raise `TypeError`.

    Examples
    --------
    >>> text("a")
    'a'
    """
    if not isinstance(value, str):
        raise TypeError(f"{value!r:.80} is no text")
    return value


def text_list(value: Any) -> tuple[str, ...]:
    """Give a list of texts as a tuple, or raise `TypeError`.

    Examples
    --------
    >>> text_list(["a", "b"])
    ('a', 'b')
    """
    if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
        raise TypeError(f"{value!r:.80} is no list of texts")
    return tuple(value)


def entries(value: Any) -> list[Any]:
    """Give a list, or raise `TypeError`.

    Examples
    --------
    >>> entries([1])
    [1]
    """
    if not isinstance(value, list):
        raise TypeError(f"{value!r:.80} is no list")
    return value


def table(value: Any) -> dict[str, Any]:
    """Give a table, or raise `TypeError`.

    Examples
    --------
    >>> table({"a": 1})
    {'a': 1}
    """
    if not isinstance(value, dict):
        raise TypeError(f"{value!r:.80} is no table")
    return value


def floats(value: Any, ndim: int) -> NDArray[np.float64]:
    """Give an array of float64 with so many axes, or raise `TypeError`.

    Examples
    --------
    >>> floats(np.zeros(2), 1).tolist()
    [0.0, 0.0]
    """
    if not isinstance(value, np.ndarray) or value.ndim != ndim or value.dtype != np.float64:
        raise TypeError(f"what should be an array of {ndim} axes of numbers is none")
    return value


def whole_numbers(value: Any) -> NDArray[np.int64]:
    """Give a list of whole numbers from 0 on as an array, or raise `TypeError`.

    Examples
    --------
    >>> whole_numbers(np.array([0, 0, 1])).tolist()
    [0, 0, 1]
    """
    if not isinstance(value, np.ndarray) or value.ndim != 1 or value.dtype != np.int64:
        raise TypeError("what should be a row of whole numbers is none")
    if value.min(initial=0) < 0:
        raise TypeError("what should be numbers of people are below 0")
    return value
