"""The class mix that a wearer's rows are taken to have: as given, or as that of the sources."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError

Floats = NDArray[np.float64]

#: "sources", a mapping, a list of (class, share), or shares in the order of the classes
Prior = str | Mapping[Any, float] | Sequence[Any] | Floats


def assumed_mix(prior: Prior) -> str:
    """Name what a prior takes for granted of the wearer.

    Parameters
    ----------
    prior : "sources", mapping or sequence

    Returns
    -------
    {"class mix of the sources", "class mix given"}

    Examples
    --------
    >>> assumed_mix([0.5, 0.5])
    'class mix given'
    """
    given = not (isinstance(prior, str) and prior == "sources")
    return "class mix given" if given else "class mix of the sources"


def class_shares(
    prior: Prior, classes: NDArray[Any], mix: Floats, method: str, *, zeros: bool = True
) -> Floats:
    """Give the share of each class in the target.

    Parameters
    ----------
    prior : "sources", mapping, list of (class, share), or shares
        Shares alone are in the order of `classes`.
    classes : ndarray of shape (n_classes,)
    mix : ndarray of shape (n_classes,)
        How many source rows there are of each class, or their shares.
    method : str
        Who asks, for the message.
    zeros : bool
        Whether a class may have no row.

    Returns
    -------
    ndarray of shape (n_classes,)
        With the sum 1.

    Raises
    ------
    InputError
        When it does not give each class a share, or the shares do not sum to 1.

    Examples
    --------
    >>> class_shares({"calm": 0.75, "tense": 0.25}, np.array(["calm", "tense"]), np.ones(2), "TSVM")
    array([0.75, 0.25])
    """
    labels = classes.tolist()
    if isinstance(prior, str):
        if prior != "sources":
            raise InputError(
                f"{method}: prior must be 'sources' or the share of each class; got {prior!r}."
            )
        return mix / mix.sum()
    given: Any = prior
    if isinstance(prior, list | tuple) and all(
        isinstance(entry, list | tuple) and len(entry) == 2 for entry in prior
    ):
        given = dict(prior)
    if isinstance(given, Mapping):
        if set(given) != set(labels):
            raise InputError(
                f"{method}: prior names the classes {list(given)}, but the sources have {labels}; "
                "give each of these its share."
            )
        given = [given[label] for label in labels]
    try:
        shares = np.asarray(given, dtype=np.float64)
    except (TypeError, ValueError):
        raise InputError(f"{method}: prior must hold numbers; got {prior!r}.") from None
    if shares.shape != (len(labels),):
        raise InputError(
            f"{method}: prior must have one share for each of the classes {labels}; got {prior!r}."
        )
    right = np.all(shares >= 0) if zeros else np.all(shares > 0)
    if not right or not abs(shares.sum() - 1) <= 1e-6:
        raise InputError(
            f"{method}: prior must hold {'' if zeros else 'positive '}shares that sum to 1; got "
            f"{shares.tolist()} for the classes {labels}, which sum to {shares.sum():g}."
        )
    return shares / shares.sum()
