"""How the kernels are compiled: the same flags everywhere, and a cache where one can be written."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numba import njit

# Fused multiply-add only. The full set would also assume that there are no NaN and no infinities,
# and would let sums be reordered, so that chunked and whole results could differ.
FLAGS = frozenset({"contract"})


def kernel(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile a loop on first use; keep the machine code on disk where a folder is writable.

    Parameters
    ----------
    function : callable
        Takes arrays and numbers only.

    Returns
    -------
    callable
        The compiled function. Where neither the package nor the user's cache folder can be
        written, it is compiled anew in each process.

    Examples
    --------
    >>> @kernel
    ... def twice(x):
    ...     return 2.0 * x
    >>> twice(1.5)
    3.0
    """
    try:
        return njit(function, fastmath=set(FLAGS), nogil=True, cache=True)
    except RuntimeError:
        return njit(function, fastmath=set(FLAGS), nogil=True)
