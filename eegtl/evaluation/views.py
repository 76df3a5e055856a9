"""Views: which columns of a study's table a row reads.

Plain methods read the features that the study is about. A method may name features of its own,
such as covariances, which a table holds beside them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..errors import StudyError


@dataclass(frozen=True)
class Layout:
    """Where the features of a view lie among its columns.

    Attributes
    ----------
    places : dict of str to (int, int)
        First column and the one behind the last of each feature.
    n_bands : int
        Bands of each channel, or pair of channels; band fastest.
    """

    places: dict[str, tuple[int, int]]
    n_bands: int

    def columns(self, feature: str) -> list[int]:
        """List the columns of a feature.

        Parameters
        ----------
        feature : str

        Returns
        -------
        list of int

        Examples
        --------
        >>> Layout({"de": (0, 2), "cov": (2, 5)}, 1).columns("cov")
        [2, 3, 4]
        """
        return list(range(*self.places[feature]))


#: Stands for a view as long as there is no table; only what a method needs is read off it.
NOWHERE = Layout({"de": (0, 1), "cov": (1, 2), "tangent": (2, 3)}, 1)


def view_columns(columns: pd.MultiIndex, features: Sequence[str] | str | None) -> NDArray[np.intp]:
    """Find the columns of some features in a table.

    Parameters
    ----------
    columns : pandas.MultiIndex
        With the level ``feature``.
    features : sequence of str, str or None
        None means all.

    Returns
    -------
    ndarray of int
        The columns of the first feature, then those of the second, and so on.

    Raises
    ------
    StudyError
        When the table lacks a feature, or none is named.

    Examples
    --------
    >>> from eegtl.features.table import make_columns
    >>> both = make_columns("de", ["Fz"], ["a"]).append(make_columns("cov", ["Fz-Cz"], ["a"]))
    >>> view_columns(both, ["cov"]).tolist()
    [1]
    """
    if features is None:
        return np.arange(len(columns))
    of = columns.get_level_values("feature")
    known = list(dict.fromkeys(of))
    names = [features] if isinstance(features, str) else list(features)
    missing = [name for name in names if name not in known]
    if missing or not names:
        raise StudyError(
            f"the table holds the features {', '.join(map(str, known))}, and not "
            f"{', '.join(map(str, missing)) or 'none'}. Name features of the table, or extract "
            "them, too: FeatureExtractor(features=(...))."
        )
    return np.concatenate([np.flatnonzero(of == name) for name in names])


def layout_of(columns: pd.MultiIndex, features: Sequence[str]) -> Layout:
    """Say where the features of a view lie among its columns.

    Parameters
    ----------
    columns : pandas.MultiIndex
        Of the table.
    features : sequence of str

    Returns
    -------
    Layout

    Raises
    ------
    StudyError
        When the table lacks a feature, or one has other bands than the others.
    """
    places: dict[str, tuple[int, int]] = {}
    bands: dict[str, list[Any]] = {}
    start = 0
    for name in features:
        own = columns[view_columns(columns, [name])]
        places[name] = (start, start + len(own))
        bands[name] = list(own.get_level_values("band").unique())
        start += len(own)
    if len({tuple(names) for names in bands.values()}) > 1:
        raise StudyError(
            "the features of one view have different bands: "
            + "; ".join(f"{name}: {', '.join(map(str, names))}" for name, names in bands.items())
            + ". Extract them with the same bands."
        )
    return Layout(places, len(next(iter(bands.values()))))
