"""How far recent windows lie from a calibration block, and how far is usual within a sitting."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

#: Seconds of recent windows that are compared with the calibration.
SPAN = 60.0
#: Share of source sittings that stay within the limit from their start to their end.
WITHIN = 0.9
#: A feature's spread in the block counts as this share of its usual one at least.
_LEAST_SPREAD = 0.2


def block_scale(block: Floats, sd: Floats) -> tuple[Floats, Floats]:
    """Give mean and spread of a block, which a few equal rows do not make tiny.

    Parameters
    ----------
    block : ndarray of shape (n_rows, n_features)
    sd : ndarray of shape (n_features,)
        Usual spread of the features.

    Returns
    -------
    mean, spread : ndarray of shape (n_features,)
    """
    spread = np.maximum(block.std(axis=0), _LEAST_SPREAD * sd)
    return block.mean(axis=0), np.where(spread > 0, spread, 1.0)


def distance_from_block(recent: Floats, mean: Floats, spread: Floats) -> float:
    """Give the root mean square over the features of the change of the mean, in spreads.

    Parameters
    ----------
    recent : ndarray of shape (n_rows, n_features)
    mean, spread : ndarray of shape (n_features,)
        Of `block_scale`.

    Returns
    -------
    float

    Examples
    --------
    >>> distance_from_block(np.full((3, 2), 2.0), np.zeros(2), np.ones(2))
    2.0
    """
    return float(np.sqrt(np.mean(((recent.mean(axis=0) - mean) / spread) ** 2)))


def distances_from_block(rows: Floats, n_recent: int, block: tuple[Floats, Floats]) -> Floats:
    """Give `distance_from_block` of all `n_recent` rows in a row.

    Parameters
    ----------
    rows : ndarray of shape (n_rows, n_features)
        In the order of time.
    n_recent : int
    block : tuple of ndarray
        Mean and spread, of `block_scale`.

    Returns
    -------
    ndarray of shape (n_rows - n_recent + 1,)

    Examples
    --------
    >>> distances_from_block(np.array([[0.0], [2.0], [4.0]]), 2, (np.zeros(1), np.ones(1))).tolist()
    [1.0, 3.0]
    """
    mean, spread = block
    sums = np.cumsum(np.vstack([np.zeros(rows.shape[1]), rows]), axis=0)
    means = (sums[n_recent:] - sums[:-n_recent]) / n_recent
    return np.asarray(np.sqrt((((means - mean) / spread) ** 2).mean(axis=1)))


def drift_limit(sittings: Iterable[tuple[Floats, Floats]], n_recent: int, sd: Floats) -> float:
    """Find the distance that most sittings of source people never reach.

    Parameters
    ----------
    sittings : iterable of (block, other rows)
        Of a sitting, in the order of time.
    n_recent : int
        Rows that are compared with the block.
    sd : ndarray of shape (n_features,)

    Returns
    -------
    float
        The 90 % quantile over sittings of the largest distance; NaN of fewer than three.
    """
    largest = []
    for block, others in sittings:
        if len(block) < 2 or len(others) < n_recent:
            continue
        distances = distances_from_block(others, n_recent, block_scale(block, sd))
        largest.append(float(distances.max()))
    return float(np.quantile(largest, WITHIN)) if len(largest) > 2 else np.nan
