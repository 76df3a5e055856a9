"""The layout of XDF 1.0 files: chunks, their headers in XML, and looking through both."""

from __future__ import annotations

import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any
from xml.etree import ElementTree
from xml.sax.saxutils import escape

import numpy as np

from ...errors import InputError

FORMATS: dict[str, np.dtype[Any] | None] = {
    "float32": np.dtype("<f4"),
    "double64": np.dtype("<f8"),
    "int8": np.dtype("<i1"),
    "int16": np.dtype("<i2"),
    "int32": np.dtype("<i4"),
    "int64": np.dtype("<i8"),
    "string": None,
}
"""Channel formats, and how their values are stored; None for texts."""

MAGIC = b"XDF:"
"""The first bytes of every file."""

MARK = bytes.fromhex("43a546dccbf5410fb30ed5467383cbe4")
"""Content of boundary chunks; readers look for it behind damage, and go on there."""

_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")


class Tag(IntEnum):
    """What a chunk holds."""

    FILE_HEADER = 1
    STREAM_HEADER = 2
    SAMPLES = 3
    CLOCK_OFFSET = 4
    BOUNDARY = 5
    STREAM_FOOTER = 6


_OF_A_STREAM = (Tag.STREAM_HEADER, Tag.SAMPLES, Tag.CLOCK_OFFSET, Tag.STREAM_FOOTER)


def length(number: int) -> bytes:
    r"""Write a length as XDF does: the number of its bytes, and itself.

    Parameters
    ----------
    number : int
        At least 0.

    Returns
    -------
    bytes

    Examples
    --------
    >>> length(3), length(300)
    (b'\x01\x03', b'\x04,\x01\x00\x00')
    """
    if number < 2**8:
        return struct.pack("<BB", 1, number)
    return struct.pack("<BI", 4, number) if number < 2**32 else struct.pack("<BQ", 8, number)


def chunk(tag: Tag, content: bytes, stream: int | None = None) -> bytes:
    r"""Write a chunk.

    Parameters
    ----------
    tag : Tag
        What it holds.
    content : bytes
        What stands behind the tag and the number of the stream.
    stream : int, optional
        The number of the stream, for chunks of a stream.

    Returns
    -------
    bytes

    Examples
    --------
    >>> chunk(Tag.CLOCK_OFFSET, b"", 1)
    b'\x01\x06\x04\x00\x01\x00\x00\x00'
    """
    head = struct.pack("<H", tag) + (b"" if stream is None else struct.pack("<I", stream))
    return length(len(head) + len(content)) + head + content


def document(inside: str) -> bytes:
    """Write the XML of a header or footer around its elements.

    Parameters
    ----------
    inside : str
        From `element`.

    Returns
    -------
    bytes
        UTF-8.

    Examples
    --------
    >>> document(element("version", "1.0"))
    b'<?xml version="1.0"?><info><version>1.0</version></info>'
    """
    return f'<?xml version="1.0"?><info>{inside}</info>'.encode()


def element(name: str, content: Any) -> str:
    """Write an XML element.

    Parameters
    ----------
    name : str
        Letters, digits, ``_``, ``-`` and ``.``.
    content : mapping, list, str or number
        A mapping makes elements inside it, a list makes one element for each entry.

    Returns
    -------
    str

    Raises
    ------
    InputError
        When the name cannot be one, or XML cannot hold a character.

    Examples
    --------
    >>> element("cap", {"size": 56, "label": ["A<B", "C"]})
    '<cap><size>56</size><label>A&lt;B</label><label>C</label></cap>'
    """
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise InputError(
            f"{name!r} cannot name an XML element; use letters, digits, _, - and ., a letter first"
        )
    if isinstance(content, list | tuple):
        return "".join(element(name, each) for each in content)
    if isinstance(content, Mapping):
        inside = "".join(element(key, value) for key, value in content.items())
    else:
        text = "" if content is None else str(content)
        odd = _NO_XML.search(text)
        if odd:
            raise InputError(
                f"the text {text!r} of {name!r} holds {odd[0]!r}, which XML cannot hold; leave it "
                "out"
            )
        inside = escape(text, {"\r": "&#13;"})  # a bare one would be read as a new line
    return f"<{name}>{inside}</{name}>"


@dataclass(frozen=True)
class XdfStream:
    """What a file tells about one stream.

    Attributes
    ----------
    number : int
        By which the chunks of the file name it.
    name, kind : str
        Name and content type; "" where the header has none.
    source_id, uid : str
        The device, and the outlet.
    rate : float
        Nominal rate in Hz; 0 for irregular.
    format : str
        One of `FORMATS`.
    n_channels, n_samples : int
        How many channels, and how many samples all chunks together hold.
    channels : tuple of dict
        ``label``, ``type`` and ``unit`` of each channel, "" where they are missing; empty
        where the header does not describe one entry per channel.
    ended : bool
        Whether the file has its footer.
    """

    number: int
    name: str
    kind: str
    source_id: str
    uid: str
    rate: float
    format: str
    n_channels: int
    n_samples: int
    channels: tuple[dict[str, str], ...]
    ended: bool

    def __str__(self) -> str:
        rate = f"{self.rate:g} Hz" if self.rate else "irregular"
        return (
            f"stream {self.number}: {self.name!r}, type {self.kind!r}, {self.n_channels} x "
            f"{self.format}, {rate}, {self.n_samples} samples"
        )


class DamagedError(Exception):
    """Some bytes are not what the format demands; the text says where and why."""


def look_through(content: bytes) -> tuple[list[XdfStream], int]:
    r"""Look through a file without reading samples.

    Parameters
    ----------
    content : bytes
        All of the file, which begins with `MAGIC`.

    Returns
    -------
    streams : list of XdfStream
        In the order of their headers.
    whole : int
        Up to where the file consists of whole chunks; its length, where nothing is cut off.

    Raises
    ------
    DamagedError
        When something inside the file is no chunk.

    Examples
    --------
    >>> look_through(MAGIC + chunk(Tag.BOUNDARY, MARK) + b"\x01")
    ([], 24)
    """
    headers: dict[int, dict[str, Any]] = {}
    counts: dict[int, int] = {}
    ended: set[int] = set()
    at = len(MAGIC)
    while at < len(content):
        size, start = _length(content, at)
        if size is None or start + size > len(content):
            return [_describe(n, headers[n], counts[n], n in ended) for n in headers], at
        if size < 2:
            raise DamagedError(f"the chunk at byte {at} is {size} bytes long")
        tag, number = struct.unpack_from("<H", content, start)[0], -1
        if tag in _OF_A_STREAM:
            if size < 6:
                raise DamagedError(f"the chunk at byte {at} is {size} bytes long")
            number = struct.unpack_from("<I", content, start + 2)[0]
            if (tag == Tag.STREAM_HEADER) == (number in headers):
                what = "has two headers" if number in headers else "has samples but no header"
                raise DamagedError(f"stream {number} {what} (byte {at})")
        if tag == Tag.STREAM_HEADER:
            headers[number] = _header(content[start + 6 : start + size], number)
            counts[number] = 0
        elif tag == Tag.SAMPLES:
            counts[number] += _count(content, start + 6, start + size, headers[number], at)
        elif tag == Tag.STREAM_FOOTER:
            ended.add(number)
        elif not (tag in _OF_A_STREAM or 1 <= tag <= 6):
            raise DamagedError(f"the chunk at byte {at} is of the unknown kind {tag}")
        at = start + size
    return [_describe(n, headers[n], counts[n], n in ended) for n in headers], at


def _length(content: bytes, at: int) -> tuple[int | None, int]:
    """Return a length and where it ends; None where the file ends before."""
    width = content[at]
    if width not in (1, 4, 8):
        raise DamagedError(f"at byte {at} stands {width}, which begins no chunk")
    if at + 1 + width > len(content):
        return None, at
    return int.from_bytes(content[at + 1 : at + 1 + width], "little"), at + 1 + width


def _count(content: bytes, at: int, end: int, header: dict[str, Any], chunk_at: int) -> int:
    """Return how many samples a chunk claims, or say that it cannot hold them."""
    n, at = _length(content, at) if at < end else (None, at)
    dtype = FORMATS[header["format"]]
    # Without a stamp a number takes its bytes and one more, a text at least two and one more.
    least = 1 + header["n_channels"] * (2 if dtype is None else dtype.itemsize)
    if n is None or n * least > end - at:
        raise DamagedError(
            f"the chunk at byte {chunk_at} is too short for the {n or 0} samples that it claims"
        )
    return n


def _header(text: bytes, number: int) -> dict[str, Any]:
    """Return what matters of the header of a stream."""
    if b"<!" in text:  # no header declares entities, and those that would are not expanded
        raise DamagedError(f"the header of stream {number} holds declarations")
    try:
        root = ElementTree.fromstring(text.decode("utf-8", "replace"))
        found: dict[str, Any] = {
            "name": root.findtext("name") or "",
            "kind": root.findtext("type") or "",
            "source_id": root.findtext("source_id") or "",
            "uid": root.findtext("uid") or "",
            "rate": float(root.findtext("nominal_srate") or "nan"),
            "format": root.findtext("channel_format") or "",
            "n_channels": int(root.findtext("channel_count") or "0"),
        }
    except (ElementTree.ParseError, ValueError) as error:
        raise DamagedError(f"the header of stream {number} cannot be read: {error}") from error
    if found["format"] not in FORMATS or found["n_channels"] < 1 or not found["rate"] >= 0:
        raise DamagedError(
            f"the header of stream {number} names {found['n_channels']} channels of the format "
            f"{found['format']!r} at {found['rate']} Hz"
        )
    listed = root.findall("desc/channels/channel")
    keys = ("label", "type", "unit")
    found["channels"] = tuple(
        {key: (channel.findtext(key) or "").strip() for key in keys} for channel in listed
    )
    if len(listed) != found["n_channels"]:
        found["channels"] = ()
    return found


def _describe(number: int, header: dict[str, Any], count: int, ended: bool) -> XdfStream:
    return XdfStream(number=number, n_samples=count, ended=ended, **header)
