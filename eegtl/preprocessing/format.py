"""What is known of a signal before its first sample, and the checks of what arrives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import InputError, SignalError
from ..recordings.channels import duplicates

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Format:
    """What is known of a signal before its first sample.

    Parameters
    ----------
    sfreq : float
        Sampling rate in Hz.
    ch_names : tuple of str
        The rows of a chunk.
    passband : (float, float) or None
        What is left of the spectrum in Hz; None where only the Nyquist frequency limits it.

    Raises
    ------
    SignalError
        When the rate is not positive, a channel is named twice or none is, or the pass-band does
        not rise.

    Examples
    --------
    >>> Format(256, ("TP9", "TP10")).sfreq
    256.0
    """

    sfreq: float
    ch_names: tuple[str, ...]
    passband: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        check_sfreq(self.sfreq)
        names = self.ch_names
        if not names or duplicates(names):
            raise SignalError(f"ch_names is {names}; name each channel once")
        band = self.passband
        if band is not None and not (len(band) == 2 and 0 <= band[0] < band[1]):
            raise SignalError(
                f"passband is {tuple(band)}; give (low, high) in Hz with 0 <= low < high"
            )
        object.__setattr__(self, "sfreq", float(self.sfreq))
        if band is not None:
            object.__setattr__(self, "passband", (float(band[0]), float(band[1])))


def name_tuple(ch_names: Sequence[str]) -> tuple[str, ...]:
    """Give names as a tuple; refuse a single text, whose letters would be taken for names.

    Parameters
    ----------
    ch_names : sequence of str
        What the user gave.

    Returns
    -------
    tuple of str

    Raises
    ------
    SignalError
        When it is one text.

    Examples
    --------
    >>> name_tuple(["TP9", "TP10"])
    ('TP9', 'TP10')
    """
    if isinstance(ch_names, str):
        raise SignalError(f"ch_names is {ch_names!r}; give a list of names, one per channel")
    return tuple(ch_names)


def plain(value: Any) -> Any:
    """Give a NumPy scalar as the Python number it stands for, so that settings can be written.

    Parameters
    ----------
    value : object
        A setting.

    Returns
    -------
    object

    Examples
    --------
    >>> plain(np.int64(50)), plain("average")
    (50, 'average')
    """
    return value.item() if isinstance(value, np.generic) else value


def is_whole(value: Any, least: int, most: float = np.inf) -> bool:
    """Say whether a setting is a whole number in a range; True and False are none.

    Parameters
    ----------
    value : object
        What the user gave.
    least, most : int
        The range, both included.

    Returns
    -------
    bool

    Examples
    --------
    >>> is_whole(4, 1, 10), is_whole(True, 1), is_whole(2.0, 1)
    (True, False, False)
    """
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most


def check_switch(name: str, value: Any) -> None:
    """Refuse a switch that is neither on nor off.

    Parameters
    ----------
    name : str
        The setting, for the message.
    value : object
        What the user gave.

    Raises
    ------
    InputError
        When it is not True or False: any text would count as on.

    Examples
    --------
    >>> check_switch("keep", True)
    """
    if not isinstance(value, bool):
        raise InputError(f"{name} is {value!r}; give True or False (in recipes true or false)")


def is_number(value: Any) -> bool:
    """Say whether a setting is a finite real number.

    Parameters
    ----------
    value : object
        What the user gave.

    Returns
    -------
    bool

    Examples
    --------
    >>> is_number(50), is_number("50"), is_number(True), is_number(float("nan"))
    (True, False, False, False)
    """
    return (
        isinstance(value, Real) and not isinstance(value, bool) and bool(np.isfinite(float(value)))
    )


def check_sfreq(sfreq: Any) -> None:
    """Refuse what is no sampling rate.

    Parameters
    ----------
    sfreq : object
        Hopefully a positive number of Hz.

    Raises
    ------
    SignalError
        When it is none.
    """
    if not is_number(sfreq) or sfreq <= 0:
        raise SignalError(f"sfreq is {sfreq!r}; give the sampling rate in Hz")


def check_chunk(chunk: ArrayLike, ch_names: Sequence[str]) -> Floats:
    """Give a chunk of signal as float64, without a copy where it already is so.

    Parameters
    ----------
    chunk : array-like of shape (n_channels, n_times)
        Samples in volts, any number of them.
    ch_names : sequence of str
        The rows it must have.

    Returns
    -------
    ndarray of shape (n_channels, n_times), float64, C-contiguous

    Raises
    ------
    SignalError
        When it has the wrong shape or kind.

    Examples
    --------
    >>> check_chunk([[1, 2, 3]], ["Cz"]).dtype.name
    'float64'
    """
    try:
        array = np.asarray(chunk)
    except ValueError as error:
        raise SignalError(f"the chunk is no array: {error}; give equal rows") from error
    if array.dtype.kind not in "fiu":
        raise SignalError(f"the chunk has the type {array.dtype}; give real numbers in volts")
    if array.ndim != 2 or array.shape[0] != len(ch_names):
        raise SignalError(
            f"the chunk has the shape {array.shape}; give ({len(ch_names)}, any number): "
            f"one row for each of {', '.join(ch_names)}"
        )
    return np.ascontiguousarray(array, dtype=np.float64)


def join_pieces(pieces: list[Floats], n_channels: int) -> Floats:
    """Put pieces of signal one behind the other, and let each go as soon as it is copied.

    Parameters
    ----------
    pieces : list of ndarray of shape (n_channels, any)
        The list is empty afterwards.
    n_channels : int
        Rows, for the case of no pieces.

    Returns
    -------
    ndarray of shape (n_channels, n_times)

    Examples
    --------
    >>> join_pieces([np.zeros((2, 3)), np.ones((2, 1))], 2).shape
    (2, 4)
    """
    joined = np.empty((n_channels, sum(piece.shape[1] for piece in pieces)))
    pieces.reverse()
    done = 0
    while pieces:
        piece = pieces.pop()
        joined[:, done : done + piece.shape[1]] = piece
        done += piece.shape[1]
    return joined
