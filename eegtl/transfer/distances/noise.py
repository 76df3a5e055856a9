"""What a distance makes of nothing: halves of one domain's trials."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .domains import Floats


def trial_halves(trials: ArrayLike) -> list[NDArray[np.bool_]]:
    """Halve the rows of a domain in the three ways that two halves hold the same trials.

    Parameters
    ----------
    trials : array-like of shape (n_rows,)
        The trial of each row; rows in the order of time.

    Returns
    -------
    list of ndarray of bool, shape (n_rows,)
        Three times, which rows are in the first half: each trial is cut into four quarters of
        successive rows, and two of them make one half. Empty with fewer than four rows.

    Examples
    --------
    >>> [half.astype(int).tolist() for half in trial_halves([1, 1, 1, 1])]
    [[1, 1, 0, 0], [1, 0, 1, 0], [1, 0, 0, 1]]
    """
    names, codes = np.unique(np.asarray(trials), return_inverse=True)
    quarter = np.empty(len(codes), dtype=np.intp)
    for i in range(len(names)):
        own = np.flatnonzero(codes == i)
        n = len(own)
        # trials too short for four quarters go round in turn
        quarter[own] = 4 * np.arange(n) // n if n >= 4 else (np.arange(n) + i) % 4
    if len(np.unique(quarter)) < 4:
        return []
    return [np.isin(quarter, (0, other)) for other in (1, 2, 3)]


def split_noise(
    distance: Callable[[Floats, Floats], float], X: ArrayLike, trials: ArrayLike
) -> float:
    """Say how large a distance is between halves of one domain.

    Parameters
    ----------
    distance : callable
        Takes two arrays of rows, gives a number.
    X : array-like of shape (n_rows, n_features)
        Rows of the domain, in the order of time.
    trials : array-like of shape (n_rows,)
        The trial of each row.

    Returns
    -------
    float
        Root mean square over the three halvings of `trial_halves`. All halves hold the same
        trials, hence the same classes; their distance is what drift within trials and the number
        of rows make of nothing. NaN with fewer than four rows.

    Notes
    -----
    A half has half of the domain's rows, and its counterpart no more, where a distance to other
    domains is usually measured between all rows and many: for distances that few rows make
    larger (`mean_gap`, `gaussian_kl`, `gaussian_w2`, `sliced_wasserstein`) the noise is therefore
    an upper bound.

    Examples
    --------
    >>> from eegtl.transfer.distances import mean_gap
    >>> split_noise(mean_gap, [[0.0], [1.0]] * 8, [1] * 16)
    0.0
    """
    X = np.asarray(X, dtype=np.float64)
    found = [distance(X[half], X[~half]) ** 2 for half in trial_halves(trials)]
    return float(np.sqrt(np.mean(found))) if found else float("nan")
