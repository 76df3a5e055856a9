"""The rows of two domains, checked, and their spread within."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ...errors import InputError, MemoryEstimateError

Floats = NDArray[np.float64]

#: The largest matrix that a distance forms.
MATRIX_LIMIT_BYTES = 2 * 2**30


def two_domains(A: ArrayLike, B: ArrayLike) -> tuple[Floats, Floats]:
    """Check the rows of two domains.

    Parameters
    ----------
    A, B : array-like of shape (n_rows, n_features)

    Returns
    -------
    A, B : ndarray of float64

    Raises
    ------
    InputError
        When they do not have the same features, hold fewer than two rows, or a value that is not
        finite.
    """
    A, B = np.asarray(A, dtype=np.float64), np.asarray(B, dtype=np.float64)
    if A.ndim != 2 or B.ndim != 2 or A.shape[1] != B.shape[1]:
        raise InputError(
            "a distance needs two arrays of rows with the same features; got the shapes "
            f"{A.shape} and {B.shape}."
        )
    if min(len(A), len(B)) < 2:
        raise InputError(
            f"a distance needs at least two rows of each domain; got {len(A)} and {len(B)}."
        )
    bad = [int((~np.isfinite(D).all(axis=1)).sum()) for D in (A, B)]
    if any(bad):
        raise InputError(
            f"rows hold NaN or infinite values ({bad[0]} and {bad[1]} rows); leave them out first."
        )
    return A, B


def variance_within(A: Floats, B: Floats) -> tuple[Floats, NDArray[np.bool_]]:
    """Give the variance of each feature within the domains.

    Parameters
    ----------
    A, B : ndarray of shape (n_rows, n_features)

    Returns
    -------
    variance : ndarray of shape (n_features,)
        ((n_A - 1) var A + (n_B - 1) var B) / (n_A + n_B - 2).
    varies : ndarray of bool, shape (n_features,)
        Where that is more than rounding.

    Raises
    ------
    InputError
        When no feature varies within the domains.
    """
    squares = sum(np.square(D - D.mean(axis=0)).sum(axis=0) for D in (A, B))
    variance = squares / (len(A) + len(B) - 2)
    largest = np.maximum(np.square(A).max(axis=0), np.square(B).max(axis=0))
    varies = variance > (10 * np.finfo(np.float64).eps) ** 2 * largest
    if not varies.any():
        raise InputError(
            f"none of the {A.shape[1]} features varies within the domains ({len(A)} and {len(B)} "
            "rows); check the features."
        )
    return variance, varies


def check_matrix(n_rows: int, n_columns: int, what: str, advice: str) -> None:
    """Refuse a matrix that would not fit, before it is made.

    Parameters
    ----------
    n_rows, n_columns : int
    what : str
        Names it.
    advice : str
        What to do instead.

    Raises
    ------
    MemoryEstimateError
        Above 2 GiB.

    Examples
    --------
    >>> check_matrix(1000, 1000, "the covariance", "take fewer features")
    """
    estimate = 8 * n_rows * n_columns
    if estimate > MATRIX_LIMIT_BYTES:
        raise MemoryEstimateError(
            f"{what} ({n_rows} x {n_columns}) needs {estimate / 2**30:.1f} GiB, above "
            f"{MATRIX_LIMIT_BYTES / 2**30:.0f} GiB; {advice}."
        )
