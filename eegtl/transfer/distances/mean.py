"""The gap between the means of two domains."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from .domains import two_domains, variance_within


def mean_gap(A: ArrayLike, B: ArrayLike) -> float:
    """Distance of two domains' means in units of the spread within them.

    Parameters
    ----------
    A, B : array-like of shape (n_rows, n_features)
        Rows of the two domains.

    Returns
    -------
    float
        Root mean square over the features of (mean of A - mean of B) / s; 0 for equal means.

    Raises
    ------
    InputError
        When the domains do not have the same features or fewer than two rows, a value is not
        finite, or no feature varies within them.

    Notes
    -----
    s^2 = ((n_A - 1) var A + (n_B - 1) var B) / (n_A + n_B - 2), each feature by itself. Features
    that are constant within both domains are left out. Time and memory n d.

    Of equal means n independent rows make about sqrt(1 / n_A + 1 / n_B); more when neighbouring
    windows are alike.

    Examples
    --------
    >>> mean_gap([[0.0], [2.0]], [[3.0], [5.0]])
    2.1213203435596424
    """
    A, B = two_domains(A, B)
    variance, varies = variance_within(A, B)
    gap = A.mean(axis=0) - B.mean(axis=0)
    return float(np.sqrt(np.mean(gap[varies] ** 2 / variance[varies])))
