"""What is known of rows besides their features, as columns: whose they are, classes, covariates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError

Floats = NDArray[np.float64]


def one_hot(codes: NDArray[np.intp], k: int) -> Floats:
    """Give one column a code, 1 where a row has it.

    Parameters
    ----------
    codes : ndarray of int, shape (n_rows,)
        Below `k`.
    k : int

    Returns
    -------
    ndarray of shape (n_rows, k)

    Examples
    --------
    >>> one_hot(np.array([1, 0]), 3).tolist()
    [[0.0, 1.0, 0.0], [1.0, 0.0, 0.0]]
    """
    columns = np.zeros((len(codes), k))
    columns[np.arange(len(codes)), codes] = 1.0
    return columns


def class_columns(labels: Any, classes: NDArray[Any]) -> Floats:
    """Give one column a class.

    Parameters
    ----------
    labels : array-like of shape (n_rows,)
        All of them among `classes`.
    classes : ndarray of shape (n_classes,)

    Returns
    -------
    ndarray of shape (n_rows, n_classes)

    Examples
    --------
    >>> class_columns(["b", "a"], np.array(["a", "b"])).tolist()
    [[0.0, 1.0], [1.0, 0.0]]
    """
    index = {label: i for i, label in enumerate(classes.tolist())}
    codes = np.array([index[label] for label in np.asarray(labels).tolist()], dtype=np.intp)
    return one_hot(codes, len(index))


def covariate_columns(rows: Any, names: Sequence[str], argument: str, method: str) -> Floats:
    """Give columns of numbers of a table.

    Parameters
    ----------
    rows : table
        With ``rows[name]`` for each of the names, usually a pandas DataFrame.
    names : sequence of str
    argument, method : str
        What the table is called, and who reads it, for the messages.

    Returns
    -------
    ndarray of shape (n_rows, n_names)

    Raises
    ------
    InputError
        When the table, a column or a value is missing, or a column does not hold numbers.

    Examples
    --------
    >>> import pandas as pd
    >>> covariate_columns(pd.DataFrame({"hours": [0, 3]}), ["hours"], "rows", "MIDA").tolist()
    [[0.0], [3.0]]
    """
    if rows is None:
        raise InputError(
            f"{method} with covariates needs {argument} with the columns {', '.join(names)}; "
            "got None."
        )
    columns = []
    for name in names:
        try:
            column = rows[name]
        except (KeyError, IndexError, TypeError, ValueError) as error:
            present = ", ".join(map(str, getattr(rows, "columns", []))) or "none by name"
            raise InputError(
                f"{argument} has no column {name!r}, which {method}'s covariates name; its columns "
                f"are {present}."
            ) from error
        try:
            values = np.asarray(column, dtype=np.float64)
        except (TypeError, ValueError) as error:
            raise InputError(
                f"the column {name!r} of {argument} must hold numbers to be a covariate of "
                f"{method}; it holds {np.asarray(column).ravel()[:1].tolist()!r}."
            ) from error
        if not np.all(np.isfinite(values)):
            raise InputError(
                f"the column {name!r} of {argument} has {np.sum(~np.isfinite(values))} missing "
                f"values; a covariate of {method} needs a number for each row."
            )
        columns.append(values)
    return np.column_stack(columns)
