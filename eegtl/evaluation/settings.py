"""What an estimator is: its class and all its parameters, by which a study knows it again."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from functools import partial
from types import CodeType
from typing import Any

import numpy as np
import pandas as pd

from ..errors import StudyError


def settings_of(estimator: Any, name: str = "") -> dict[str, Any]:
    """List the class and the parameters of an estimator and of all estimators inside it.

    Parameters
    ----------
    estimator : estimator
        With ``get_params``; it need not be fitted.
    name : str, optional
        What to call it in the message; by default its class.

    Returns
    -------
    dict
        JSON-able: ``class`` with its module, then each parameter. Arrays and the code of functions
        stand as digests of their bytes. Equal dicts mean estimators that were set up alike.

    Raises
    ------
    StudyError
        When it has no ``get_params``.

    Examples
    --------
    >>> from sklearn.dummy import DummyClassifier
    >>> settings_of(DummyClassifier(strategy="prior"))["strategy"]
    "'prior'"
    """
    if not callable(getattr(estimator, "get_params", None)):
        raise StudyError(
            f"{name or type(estimator).__name__} has no get_params, so a study could not tell "
            "whether it is the same when it continues. Derive its class from "
            "sklearn.base.BaseEstimator."
        )
    values = estimator.get_params(deep=False)
    return {
        "class": _qualified(type(estimator)),
        **{key: _written(value) for key, value in sorted(values.items())},
    }


def _written(value: Any) -> Any:
    """Write down one parameter."""
    if isinstance(value, type):
        return _qualified(value)
    if callable(getattr(value, "get_params", None)):
        return settings_of(value)
    if isinstance(value, Mapping):
        return {str(key): _written(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_written(item) for item in value]
    if isinstance(value, pd.DataFrame | pd.Series):
        return _written(value.to_numpy())
    if isinstance(value, np.ndarray):
        content = repr(value.tolist()).encode() if value.dtype.hasobject else value.tobytes()
        return f"{value.dtype} {value.shape} {hashlib.sha256(content).hexdigest()}"
    if isinstance(value, partial):
        return [_written(value.func), _written(value.args), _written(value.keywords)]
    code = getattr(value, "__code__", None)
    if isinstance(code, CodeType):
        return f"{_qualified(value)} {hashlib.sha256(_code(code)).hexdigest()}"
    # the address of an object differs from run to run
    return re.sub(r" at 0x[0-9a-f]+", "", repr(value))


def _code(code: CodeType) -> bytes:
    """Give what a function does, without where it was written."""
    constants = b"".join(
        _code(c) if isinstance(c, CodeType) else repr(c).encode() for c in code.co_consts
    )
    return code.co_code + constants + repr(code.co_names).encode()


def _qualified(thing: type | Callable[..., Any]) -> str:
    return f"{thing.__module__}.{thing.__qualname__}"


def settings_text(settings: Mapping[str, Any]) -> str:
    """Write down settings as tables and messages show them.

    Parameters
    ----------
    settings : mapping of str to value

    Returns
    -------
    str

    Examples
    --------
    >>> settings_text({"tca__n_components": 5, "tca__kernel": "rbf"})
    "tca__kernel='rbf', tca__n_components=5"
    """
    return ", ".join(f"{name}={value!r}" for name, value in sorted(settings.items()))
