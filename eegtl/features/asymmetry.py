"""Asymmetries of differential entropy between pairs of electrodes.

The pairs are those of the published lists of which both electrodes are present: 27 pairs left
and right, and 23 front and back, on the 62 channels of the SEED data sets.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from ..errors import SignalError
from ..recordings.channels import front_back_pairs, left_right_pairs
from .columns import ColumnName, block_columns
from .feature import Floats, Layout
from .power import entropy_of_variance

#: Least magnitude of a denominator of RASM in nats; smaller ones count as this, sign kept.
LEAST_ENTROPY = 0.1

Pairs = tuple[tuple[str, str], ...]


def differences(entropy: Floats, first: NDArray[np.intp], second: NDArray[np.intp]) -> Floats:
    """Differences between the channels of pairs.

    Parameters
    ----------
    entropy : ndarray of shape (n_windows, n_channels, n_bands)
        In nats.
    first, second : ndarray of int, shape (n_pairs,)
        Rows of the channels of each pair.

    Returns
    -------
    ndarray of shape (n_windows, n_pairs, n_bands)
        In nats; free of the unit of the signal.

    Examples
    --------
    >>> differences(np.array([[[3.0], [1.0]]]), np.array([0]), np.array([1])).tolist()
    [[[2.0]]]
    """
    return entropy[:, first] - entropy[:, second]


def ratios(entropy: Floats, first: NDArray[np.intp], second: NDArray[np.intp]) -> Floats:
    """Ratios between the channels of pairs.

    An entropy has a sign, and near zero a ratio would explode: a denominator d below 0.1 nat in
    magnitude counts as 0.1 nat with the sign of d (positive when it is zero).

    Parameters
    ----------
    entropy : ndarray of shape (n_windows, n_channels, n_bands)
        In nats relative to 1 uV, on which the ratio depends.
    first, second : ndarray of int, shape (n_pairs,)
        Rows of the channels of each pair.

    Returns
    -------
    ndarray of shape (n_windows, n_pairs, n_bands)

    Examples
    --------
    >>> ratios(np.array([[[3.0], [-0.01]]]), np.array([0]), np.array([1])).round(9).tolist()
    [[[-30.0]]]
    """
    below = entropy[:, second]
    magnitude = np.maximum(np.abs(below), LEAST_ENTROPY)
    return entropy[:, first] / np.where(below < 0, -magnitude, magnitude)


def left_right(feature: str, ch_names: Sequence[str]) -> Pairs:
    """Pair left and right, or say that there is no pair."""
    pairs = left_right_pairs(ch_names)
    if not pairs:
        raise SignalError(
            f"{feature} compares left with right, and no pair such as F3 and F4 is among the "
            f"channels {', '.join(ch_names)}; leave the feature out, or choose other channels"
        )
    return pairs


def front_back(feature: str, ch_names: Sequence[str]) -> Pairs:
    """Pair front and back, or say that there is no pair."""
    pairs = front_back_pairs(ch_names)
    if not pairs:
        raise SignalError(
            f"{feature} compares front with back, and no pair such as F3 and P3 is among the "
            f"channels {', '.join(ch_names)}; leave the feature out, or choose other channels"
        )
    return pairs


def prepare_asymmetry(
    feature: str,
    pair: Callable[[str, Sequence[str]], Pairs],
    *functions: Callable[[Floats, NDArray[np.intp], NDArray[np.intp]], Floats],
) -> Callable[[Layout], Callable[[Floats], Floats]]:
    """Prepare functions of pairs; where there are several, their values follow each other."""

    def prepare(layout: Layout) -> Callable[[Floats], Floats]:
        rows = np.array(
            [
                [layout.ch_names.index(name) for name in names]
                for names in pair(feature, layout.ch_names)
            ]
        )

        def compute(variance: Floats) -> Floats:
            entropy = entropy_of_variance(variance)
            values = [function(entropy, rows[:, 0], rows[:, 1]) for function in functions]
            return np.concatenate(values, axis=1)

        return compute

    return prepare


def asymmetry_columns(
    pair: Callable[[str, Sequence[str]], Pairs], *signs: str
) -> Callable[[str, Sequence[str], Sequence[str]], list[ColumnName]]:
    """Name columns such as ``Fp1-Fp2``, one block for each sign."""

    def name_columns(
        feature: str, ch_names: Sequence[str], bands: Sequence[str]
    ) -> list[ColumnName]:
        pairs = pair(feature, ch_names)
        names = [f"{first}{sign}{second}" for sign in signs for first, second in pairs]
        return block_columns(feature, names, bands)

    return name_columns
