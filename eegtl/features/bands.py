"""The frequency bands of eegtl and the checks on bands a user gives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isfinite

from ..errors import SignalError

#: Default bands, in Hz: name -> (low, high). Those of the SEED data sets
#: (Zheng and Lu, IEEE Trans. Auton. Ment. Dev. 7(3), 2015).
BANDS: dict[str, tuple[float, float]] = {
    "delta": (1.0, 4.0),
    "theta": (4.0, 8.0),
    "alpha": (8.0, 14.0),
    "beta": (14.0, 31.0),
    "gamma": (31.0, 50.0),
}


def check_bands(bands: Mapping[str, Sequence[float]]) -> dict[str, tuple[float, float]]:
    """Return the bands as plain floats, in the order given.

    Parameters
    ----------
    bands : mapping of str to (low, high)
        Band edges in Hz.

    Returns
    -------
    dict of str to (float, float)
        The same bands; the caller may keep and change it.

    Raises
    ------
    SignalError
        When there is no band, two have the same name once written, or an edge is not finite, not
        positive, or out of order.

    Examples
    --------
    >>> check_bands({"alpha": (8, 14)})
    {'alpha': (8.0, 14.0)}
    """
    checked: dict[str, tuple[float, float]] = {}
    if not isinstance(bands, Mapping):
        raise SignalError(
            f"bands is a {type(bands).__name__}; give names and edges, such as {{'alpha': (8, 14)}}"
        )
    for name, edges in bands.items():
        try:
            values = tuple(float(edge) for edge in edges)
        except (TypeError, ValueError):
            values = ()
        if len(values) != 2 or not all(map(isfinite, values)) or not 0 < values[0] < values[1]:
            shown = tuple(edges) if isinstance(edges, list | tuple) else edges
            raise SignalError(
                f"band {str(name)!r} is {shown}; a band is (low, high) in Hz with 0 < low < high"
            )
        if str(name) in checked:
            raise SignalError(
                f"two bands are named {str(name)!r}, one of them as {type(name).__name__}; give "
                "each a name of its own"
            )
        checked[str(name)] = (values[0], values[1])
    if not checked:
        raise SignalError("bands is empty; give at least one band, such as {'alpha': (8, 14)}")
    return checked
