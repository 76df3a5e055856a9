"""How samples stand in the chunks of an XDF file."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import InputError
from .xdf_chunks import FORMATS, length


@dataclass
class OpenStream:
    """A stream of a file that is being written, and its samples that are not in the file yet.

    Parameters
    ----------
    number : int
        By which the chunks of the file name it.
    name : str
        Named in errors.
    n_channels : int
        Values in a sample.
    format : str
        One of `FORMATS`.
    rate : float
        Nominal rate in Hz; 0 for irregular.
    count : int
        Samples so far.
    first, last : float
        The stamps of the first and the latest, in seconds.
    held, n_held, held_bytes
        Packed samples that are not in the file yet: themselves, their number and size.
    """

    number: int
    name: str
    n_channels: int
    format: str
    rate: float
    count: int = 0
    first: float = 0.0
    last: float = 0.0
    held: list[bytes] = field(default_factory=list)
    n_held: int = 0
    held_bytes: int = 0


def pack(
    stream: OpenStream, samples: Any, stamps: Any, limit: int
) -> Iterator[tuple[bytes, NDArray[np.float64]]]:
    r"""Pack samples for chunks; all are checked before the first are packed.

    Parameters
    ----------
    stream : OpenStream
        Says what they must be; it is not changed.
    samples : array-like, shape (n_samples, n_channels)
        Values or texts; (n_samples,) will do for one channel.
    stamps : array-like, shape (n_samples,), or float
        Seconds; or the first alone, which the others follow at the nominal rate.
    limit : int
        About how many bytes to pack at a time.

    Yields
    ------
    bytes
        Some samples.
    ndarray, shape (n,)
        Their stamps.

    Raises
    ------
    InputError
        When shapes do not fit, a value does not fit the format, or a stamp is not finite.

    Examples
    --------
    >>> stream = OpenStream(1, "keys", 1, "string", 0.0)
    >>> [packed for packed, _ in pack(stream, ["up"], [1.0], 100)]
    [b'\x08\x00\x00\x00\x00\x00\x00\xf0?\x01\x02up']
    """
    rows = _texts(stream, samples) if stream.format == "string" else _values(stream, samples)
    times, explicit = _times(stream, stamps, len(rows))
    size = 9 + stream.n_channels * (rows.itemsize if isinstance(rows, np.ndarray) else 8)
    step = max(1, limit // size)
    for start in range(0, len(times), step):
        part = slice(start, start + step)
        yield _pack(rows[part], times[part], explicit), times[part]


def _texts(stream: OpenStream, samples: Any) -> list[list[bytes]]:
    """Return the texts of each sample in UTF-8."""
    rows = samples.tolist() if isinstance(samples, np.ndarray) else samples
    if isinstance(rows, str):
        raise InputError(f"stream {stream.name!r}: give a list of samples, not the text {rows!r}")
    packed = []
    for row in rows:
        texts = [row] if isinstance(row, str) else list(row)
        if len(texts) != stream.n_channels or not all(isinstance(text, str) for text in texts):
            raise InputError(
                f"stream {stream.name!r} takes {stream.n_channels} texts a sample; got {row!r}"
            )
        try:
            packed.append([text.encode() for text in texts])
        except UnicodeEncodeError as error:
            raise InputError(
                f"stream {stream.name!r}: {row!r} holds half a character, which UTF-8 cannot store"
            ) from error
    return packed


def _values(stream: OpenStream, samples: Any) -> NDArray[Any]:
    """Return the values, (n_samples, n_channels), in the format of the stream."""
    try:
        array = np.asarray(samples)
    except ValueError as error:
        raise InputError(f"stream {stream.name!r}: the samples differ in length") from error
    if array.ndim == 1 and (stream.n_channels == 1 or not array.size):
        array = array.reshape(-1, stream.n_channels)
    if array.ndim != 2 or array.shape[1] != stream.n_channels:
        raise InputError(
            f"stream {stream.name!r} takes samples of shape (n_samples, {stream.n_channels}); "
            f"got {array.shape}"
        )
    dtype = FORMATS[stream.format]
    assert dtype is not None, "texts go another way"
    if not array.size:
        return array.astype(dtype)
    if array.dtype.kind not in ("fiu" if dtype.kind == "f" else "iu"):
        raise InputError(
            f"stream {stream.name!r} stores {stream.format}; got values of type {array.dtype}"
        )
    with np.errstate(over="ignore"):
        stored: NDArray[Any] = array.astype(dtype)
    if dtype.kind == "f":
        changed = np.isinf(stored) & np.isfinite(array)
    else:
        changed = (array < np.iinfo(dtype).min) | (array > np.iinfo(dtype).max)
    if changed.any():
        raise InputError(
            f"stream {stream.name!r}: {array[changed][0]!r} is too large for {stream.format}"
        )
    return stored


def _times(stream: OpenStream, stamps: Any, n: int) -> tuple[NDArray[np.float64], bool]:
    """Return a stamp for each sample, and whether all of them are stored."""
    times = np.asarray(stamps, dtype=np.float64)
    if not np.isfinite(times).all():
        raise InputError(
            f"stream {stream.name!r}: a time stamp is not finite; no reader could place the sample"
        )
    if times.ndim:
        if times.shape != (n,):
            raise InputError(
                f"stream {stream.name!r}: {n} samples need {n} time stamps, or the first alone; "
                f"got shape {times.shape}"
            )
        return times, True
    if not stream.rate and n > 1:
        raise InputError(
            f"stream {stream.name!r} is irregular, so its {n} samples need a time stamp each"
        )
    steps = np.full(n, 1.0 / stream.rate if stream.rate else 0.0)
    steps[:1] = times
    return np.cumsum(steps), False  # adds one by one, as readers do


def _pack(rows: Any, times: NDArray[np.float64], explicit: bool) -> bytes:
    """Return samples as they stand in a chunk, the first always with its stamp."""
    stamped = len(times) if explicit else 1
    if isinstance(rows, list):
        heads = [b"\x08" + struct.pack("<d", time) for time in times[:stamped]]
        heads += [b"\x00"] * (len(times) - stamped)
        texts = [b"".join(length(len(text)) + text for text in row) for row in rows]
        return b"".join(part for pair in zip(heads, texts, strict=True) for part in pair)
    value = ("values", rows.dtype, rows.shape[1:])
    with_stamp = np.zeros(stamped, dtype=[("bytes", "u1"), ("stamp", "<f8"), value])
    with_stamp["bytes"], with_stamp["stamp"] = 8, times[:stamped]
    with_stamp["values"] = rows[:stamped]
    without = np.zeros(len(times) - stamped, dtype=[("bytes", "u1"), value])
    without["values"] = rows[stamped:]
    return with_stamp.tobytes() + without.tobytes()
