"""One thread for linear algebra of many small steps."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import lru_cache, wraps
from typing import ParamSpec, TypeVar

from threadpoolctl import ThreadpoolController

P = ParamSpec("P")
R = TypeVar("R")


@lru_cache(maxsize=1)
def _controller() -> ThreadpoolController:
    """Find the libraries of linear algebra, once."""
    return ThreadpoolController()


def one_thread() -> AbstractContextManager[None]:
    """Keep many small steps in one thread.

    Several threads wait for each other after every product. With a free core each that costs
    more than it brings on small matrices; on a busy machine it takes up to a hundred times as long.

    Returns
    -------
    context manager

    Examples
    --------
    >>> import numpy as np
    >>> with one_thread():
    ...     values = np.linalg.eigvalsh(np.eye(3))
    """
    limits: AbstractContextManager[None] = _controller().limit(limits=1, user_api="blas")
    return limits


def in_one_thread(function: Callable[P, R]) -> Callable[P, R]:
    """Let a function that takes many small steps run in one thread.

    Parameters
    ----------
    function : callable

    Returns
    -------
    callable

    Examples
    --------
    >>> in_one_thread(abs)(-2)
    2
    """

    @wraps(function)
    def alone(*args: P.args, **kwargs: P.kwargs) -> R:
        with one_thread():
            return function(*args, **kwargs)

    return alone
