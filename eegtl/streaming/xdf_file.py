"""Writing XDF 1.0 files while a recording goes on: nothing is overwritten, and little is lost."""

from __future__ import annotations

import os
import struct
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from ..errors import InputError
from ..recordings.readers.xdf_chunks import FORMATS, MAGIC, MARK, Tag, chunk, document, element
from ..recordings.readers.xdf_samples import OpenStream, pack
from .new_file import NewFile, WriteError

_CHUNK_BYTES = 2**16  # of samples held back per stream
_FLUSH_SECONDS = 1.0
_BOUNDARY_SECONDS, _BOUNDARY_BYTES = 10.0, 2**20


class XdfWriter:
    """A writer of XDF 1.0, the format of LabRecorder, for one file.

    The file is written as ``<name>.partial`` beside its place and gets its name when it is
    closed. What a crash or Ctrl-C leaves is the ``.partial``, itself an XDF file that ends with
    the latest flush: without being asked, `write` flushes once a second. Used in a ``with``
    block, an error in the block leaves the ``.partial``, too. Memory does not grow with time,
    unless the disk is full: what does not fit is held back, and `flush` may be tried again.
    One thread at a time may use it.

    Parameters
    ----------
    path : path
        The file, ending in ``.xdf``; neither it nor ``<name>.partial`` may exist.
    clock : callable
        Gives seconds that only go forward; flushes and boundary chunks go by it.

    Attributes
    ----------
    path : Path
        Where the file will be.
    partial : Path
        Where it is until it is closed.

    Raises
    ------
    InputError
        When the file or its ``.partial`` exists, it cannot be made, or the ending is another.
    WriteError
        When the disk is full, or gone; so do all methods that write.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "day1.xdf"
    >>> with XdfWriter(path) as file:
    ...     eeg = file.add_stream("Muse", "EEG", ["TP9", "TP10"], rate=256.0, units="microvolts")
    ...     file.write(eeg, [[1.0, 2.0], [3.0, 4.0]], [10.0, 10.004])
    >>> path.exists(), file.partial.exists()
    (True, False)
    """

    def __init__(
        self, path: str | os.PathLike[str], *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.path = Path(path)
        if self.path.suffix != ".xdf":
            raise InputError(
                f"the recording {self.path.name!r} must end in .xdf: readers tell packed files "
                "(.xdfz) from plain ones by it. Give it another name"
            )
        self.partial = self.path.with_name(self.path.name + ".partial")
        _refuse_existing(self.path, "a recording is never overwritten. Give another name")
        self._file = NewFile(
            self.partial,
            taken="already exists: an earlier recording did not end properly, and it can be read "
            "as it is. Rename it, or give another name",
        )
        self._clock = clock
        self._streams: list[OpenStream] = []
        self._flushed = self._bounded = clock()
        self._bounded_at = 0
        started = datetime.now().astimezone().strftime("%Y-%m-%dT%H:%M:%S%z")
        try:
            header = document(element("version", "1.0") + element("datetime", started))
            self._file.append(MAGIC + chunk(Tag.FILE_HEADER, header))
        except BaseException:
            self._file.discard()
            raise

    def add_stream(
        self,
        name: str,
        kind: str,
        channels: Sequence[str],
        *,
        rate: float,
        format: str = "float32",
        units: str | Sequence[str] = "",
        types: str | Sequence[str] = "",
        source_id: str = "",
        manufacturer: str = "",
        description: Mapping[str, Any] | None = None,
    ) -> int:
        """Begin a stream; this may be done at any time before `close`.

        Parameters
        ----------
        name, kind : str
            Name and content type, as in LSL: "EEG", "Markers", ...
        channels : sequence of str
            Their labels.
        rate : float
            Nominal rate in Hz; 0 for samples at irregular times.
        format : {"float32", "double64", "int8", "int16", "int32", "int64", "string"}
            How values are stored.
        units : str or sequence of str
            One for all channels, or one each; "" for none.
        types : str or sequence of str
            Likewise; "" for that of the stream.
        source_id, manufacturer : str
            The device; "" leaves them out.
        description : mapping, optional
            Further facts: texts, numbers, mappings, or lists of these, under names of letters,
            digits, ``_``, ``-`` and ``.``.

        Returns
        -------
        int
            The number of the stream in this file, for `write`.

        Raises
        ------
        InputError
            When the file is closed, or an argument cannot stand in a header.
        """
        self._refuse_closed()
        if isinstance(channels, str) or not len(channels):
            raise InputError(f"channels must be a list of labels, at least one; got {channels!r}")
        labels = list(channels)
        each_unit = _one_each("units", units, labels)
        each_type = _one_each("types", types, labels)
        if format not in FORMATS:
            raise InputError(f"format must be one of {', '.join(FORMATS)}; got {format!r}")
        if not (np.isfinite(rate) and rate >= 0):
            raise InputError(f"rate must be in Hz, or 0 for irregular samples; got {rate!r}")
        extra = dict(description or {})
        taken = [key for key in ("channels", "manufacturer") if key in extra]
        if taken:
            raise InputError(f"description names {taken[0]!r}, which is an argument of its own")
        listed = "".join(
            element(
                "channel",
                {"label": label, "type": own or kind, **({"unit": unit} if unit else {})},
            )
            for label, unit, own in zip(labels, each_unit, each_type, strict=True)
        )
        stream = OpenStream(len(self._streams) + 1, name, len(labels), format, float(rate))
        header = [
            element("name", name),
            element("type", kind),
            element("channel_count", len(labels)),
            element("channel_format", format),
            element("source_id", source_id) if source_id else "",
            # repr is exact: readers deduce time stamps from this number.
            element("nominal_srate", repr(stream.rate)),
            element("version", "1.1"),
            "<desc>",
            element("manufacturer", manufacturer) if manufacturer else "",
            f"<channels>{listed}</channels>",
            *(element(key, value) for key, value in extra.items()),
            "</desc>",
        ]
        self._file.append(chunk(Tag.STREAM_HEADER, document("".join(header)), stream.number))
        self._streams.append(stream)
        return stream.number

    def write(self, stream: int, samples: Any, stamps: Any) -> None:
        """Append samples to a stream; when something is wrong with them, none is kept.

        Parameters
        ----------
        stream : int
            As from `add_stream`.
        samples : array-like, shape (n_samples, n_channels)
            Values, or texts for the format "string"; (n_samples,) will do for one channel.
        stamps : array-like, shape (n_samples,), or float
            Seconds, stored as given, in any order; or the first alone, which the others follow
            at the nominal rate.

        Raises
        ------
        InputError
            When shapes do not fit, a value does not fit the format, or a stamp is not finite.
        WriteError
            When the disk is full, or gone; the samples are held back.
        """
        self._refuse_closed()
        target = self._stream(stream)
        for packed, times in pack(target, samples, stamps, _CHUNK_BYTES):
            if not target.count:
                target.first = float(times[0])
            target.last = float(times[-1])
            target.count += len(times)
            target.held.append(packed)
            target.n_held += len(times)
            target.held_bytes += len(packed)
            if target.held_bytes >= _CHUNK_BYTES:
                self._write_out(target)
        self._look_at_clock()

    def clock_offset(self, stream: int, time: float, value: float) -> None:
        """Note how the clock of a stream differs from that of this computer.

        Parameters
        ----------
        stream : int
            As from `add_stream`.
        time : float
            When it was measured, in seconds of the stream's clock.
        value : float
            Seconds to add to the stream's clock.

        Raises
        ------
        InputError
            When a number is not finite.
        """
        self._refuse_closed()
        target = self._stream(stream)
        if not (np.isfinite(time) and np.isfinite(value)):
            raise InputError(f"a clock offset must be finite; got time {time!r}, value {value!r}")
        self._write_out(target)
        self._file.append(chunk(Tag.CLOCK_OFFSET, struct.pack("<dd", time, value), stream))
        self._look_at_clock()

    def flush(self) -> None:
        """Hand all samples to the operating system, so that a crash of the program keeps them."""
        self._refuse_closed()
        for stream in self._streams:
            self._write_out(stream)
        self._flushed = self._clock()

    def close(self) -> None:
        """Write what is held and the footers, and give the file its name; twice does no harm.

        Raises
        ------
        InputError
            When a file of this name was made meanwhile; the ``.partial`` is complete then.
        WriteError
            When the disk is full, or gone; the ``.partial`` holds what fitted.
        """
        if self._file.closed:
            return
        try:
            self._end_streams()
        finally:
            self._file.close()
        try:
            os.link(self.partial, self.path)  # unlike rename, never replaces a file
        except OSError:  # it exists, or this disk knows no links
            _refuse_existing(self.path, f"it was made meanwhile; yours is {self.partial}")
            try:
                os.rename(self.partial, self.path)
            except OSError as error:
                raise self._file.cannot(error) from error
        else:
            with suppress(OSError):  # it has its name, and another one, too
                os.unlink(self.partial)

    def _end_streams(self) -> None:
        """Write what is held, and the footers."""
        self.flush()
        self._file.append(chunk(Tag.BOUNDARY, MARK))
        for stream in self._streams:
            span = stream.last - stream.first
            rate = (stream.count - 1) / span if stream.count > 1 and span > 0 else 0.0
            footer = {
                "first_timestamp": repr(stream.first),
                "last_timestamp": repr(stream.last),
                "sample_count": stream.count,
                "measured_srate": repr(rate),
            }
            text = "".join(element(key, value) for key, value in footer.items())
            self._file.append(chunk(Tag.STREAM_FOOTER, document(text), stream.number))
        self._file.sync()

    def abandon(self) -> None:
        """Write what is held, if it fits, and leave ``<name>.partial``, without footers.

        A disk that is full is not told: the error counts for which the file is abandoned.
        """
        if self._file.closed:
            return
        try:
            with suppress(WriteError):
                self.flush()
        finally:
            self._file.close()

    def discard(self) -> None:
        """Leave nothing, not even ``<name>.partial``; for a file of which nobody needs anything."""
        if not self._file.closed:
            self._file.discard()

    def __enter__(self) -> XdfWriter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None:
            self.close()
        else:
            self.abandon()

    def _refuse_closed(self) -> None:
        if self._file.closed:
            raise InputError(f"{self.path.name} is closed; begin another file")

    def _stream(self, number: int) -> OpenStream:
        """Return a stream by its number."""
        if not 1 <= number <= len(self._streams):
            raise InputError(
                f"there is no stream {number!r} in {self.path.name} (it has "
                f"{len(self._streams)}); use the number that add_stream returned"
            )
        return self._streams[number - 1]

    def _write_out(self, stream: OpenStream) -> None:
        """Write the samples of a stream that are held back, as one chunk."""
        if not stream.n_held:
            return
        body = b"".join([b"\x04", struct.pack("<I", stream.n_held), *stream.held])
        self._file.append(chunk(Tag.SAMPLES, body, stream.number))
        stream.held, stream.n_held, stream.held_bytes = [], 0, 0

    def _look_at_clock(self) -> None:
        """Flush, and write a boundary, where it is time."""
        now = self._clock()
        if now - self._flushed >= _FLUSH_SECONDS:
            self.flush()
        long = now - self._bounded >= _BOUNDARY_SECONDS
        if long or self._file.size - self._bounded_at >= _BOUNDARY_BYTES:
            self._file.append(chunk(Tag.BOUNDARY, MARK))
            self._bounded, self._bounded_at = now, self._file.size


def _one_each(what: str, given: str | Sequence[str], labels: Sequence[str]) -> list[str]:
    """Give a text for each channel."""
    each = [given] * len(labels) if isinstance(given, str) else list(given)
    if len(each) != len(labels):
        raise InputError(
            f"{what} has {len(each)} entries for {len(labels)} channels; give one each, or one "
            "text for all"
        )
    return each


def _refuse_existing(path: Path, advice: str) -> None:
    if os.path.exists(path):  # unlike Path's, takes what can be no name for what is not there
        raise InputError(f"{path} already exists; {advice}")
