"""The names of columns: plain tuples, and the index of pandas that a table makes of them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from ..errors import InputError

if TYPE_CHECKING:
    import pandas as pd

#: Feature, channel (or pair of channels), and band of a column.
ColumnName = tuple[str, str, str]

LEVELS = ("feature", "channel", "band")


def block_columns(feature: str, channels: Iterable[str], bands: Iterable[str]) -> list[ColumnName]:
    """Name the columns of one feature, all bands of a channel together.

    Parameters
    ----------
    feature : str
        Name of the feature.
    channels, bands : iterables of str
        Their names, in order.

    Returns
    -------
    list of (feature, channel, band)

    Examples
    --------
    >>> block_columns("de", ["Fz"], ["alpha", "beta"])
    [('de', 'Fz', 'alpha'), ('de', 'Fz', 'beta')]
    """
    every_band = tuple(bands)
    return [(feature, channel, band) for channel in channels for band in every_band]


def column_index(names: Iterable[ColumnName]) -> pd.MultiIndex:
    """Make the columns of a `FeatureTable` of names.

    Parameters
    ----------
    names : iterable of (feature, channel, band)

    Returns
    -------
    pandas.MultiIndex
        With the levels ``feature, channel, band``.

    Raises
    ------
    InputError
        When a name is no tuple of three.

    Examples
    --------
    >>> column_index([("de", "Fz", "alpha")]).names
    FrozenList(['feature', 'channel', 'band'])
    """
    import pandas as pd  # streams name their columns, too, and do without it

    named = list(names)
    wrong = [name for name in named if not isinstance(name, tuple) or len(name) != len(LEVELS)]
    if wrong:
        raise InputError(
            f"a column is named {wrong[0]!r}; give (feature, channel, band), such as "
            "('de', 'Fz', 'alpha')"
        )
    return pd.MultiIndex.from_tuples(named, names=LEVELS)
