"""`Feature`: the record of one kind of feature, and what it may know of its windows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from .columns import ColumnName, block_columns, column_index

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]

#: Smallest variance that is told from none, in uV^2 (1 nV rms).
VARIANCE_FLOOR = 1e-6


@dataclass(frozen=True)
class Layout:
    """What a feature may know of the windows that it gets.

    Parameters
    ----------
    ch_names : tuple of str
        Canonical names of the channels.
    bands : dict of str to (float, float)
        Band edges in Hz.
    sfreq : float
        Sampling rate in Hz.
    length : int
        Samples in a window.
    """

    ch_names: tuple[str, ...]
    bands: dict[str, tuple[float, float]]
    sfreq: float
    length: int


@dataclass(frozen=True)
class Feature:
    """One kind of feature: where its windows come from, and what it makes of them.

    Parameters
    ----------
    name : str
        Short name, as in the columns of a table.
    unit : str
        Unit of the values.
    source : str
        What it is computed from, a name in `SOURCES`: ``"variances"`` by the filter bank,
        ``"spectrum"`` (variances by the STFT), both (n_windows, n_channels, n_bands) in uV^2, at
        or above `VARIANCE_FLOOR`; ``"signal"``, windows (n_windows, n_channels, length) in uV;
        ``"band_signals"``, windows (n_windows, n_bands, n_channels, length) in uV.
    prepare : callable
        From the `Layout` to the function of the windows, whose result has n_windows rows; raises
        `SignalError` where the feature cannot be computed.
    citation : str
        Where the formula is from.
    per : str
        What there is one of, for the documentation.
    name_columns : callable
        From (name, ch_names, bands) to the names of the columns, tuples of (feature, channel,
        band), in the order of the values.
    """

    name: str
    unit: str
    source: str
    prepare: Callable[[Layout], Callable[[Floats], Floats]]
    citation: str
    per: str = "channel and band"
    name_columns: Callable[[str, Sequence[str], Sequence[str]], Iterable[ColumnName]] = (
        block_columns
    )

    def column_names(self, ch_names: Sequence[str], bands: Sequence[str]) -> list[ColumnName]:
        """Name the columns.

        Parameters
        ----------
        ch_names : sequence of str
            Canonical names of the channels.
        bands : sequence of str
            Names of the bands.

        Returns
        -------
        list of (feature, channel, band)
            All bands of a channel together.

        Raises
        ------
        SignalError
            When the channels do not allow the feature.

        Examples
        --------
        >>> from eegtl.features import FEATURES
        >>> FEATURES["cov"].column_names(["F3", "F4"], ["alpha"])[1]
        ('cov', 'F3~F4', 'alpha')
        """
        return list(self.name_columns(self.name, tuple(ch_names), tuple(bands)))

    def columns(self, ch_names: Sequence[str], bands: Sequence[str]) -> pd.MultiIndex:
        """Name the columns as a table does.

        Parameters
        ----------
        ch_names : sequence of str
            Canonical names of the channels.
        bands : sequence of str
            Names of the bands.

        Returns
        -------
        pandas.MultiIndex
            Levels ``feature, channel, band``; all bands of a channel together.

        Raises
        ------
        SignalError
            When the channels do not allow the feature.

        Examples
        --------
        >>> from eegtl.features import FEATURES
        >>> FEATURES["dasm"].columns(["F3", "F4", "Cz"], ["alpha"]).tolist()
        [('dasm', 'F3-F4', 'alpha')]
        """
        return column_index(self.column_names(ch_names, bands))
