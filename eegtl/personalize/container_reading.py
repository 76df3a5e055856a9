"""Reading a container: nothing is executed, and nothing is believed before it was checked.

No pickle, no names of classes or paths that are looked up. What the manifest says of each array
(kind, shape, hash) is checked before the array is used, and sizes are limited before anything is
unpacked. Numbers of entries and bytes are looked up in the last bytes of the file before `zipfile`
builds its table of contents of them.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import re
import struct
import zipfile
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Literal

import numpy as np
from numpy.typing import NDArray

from ..errors import ContainerError
from . import container_limits as limits

#: what `numpy` writes in front of an array; matched, since its own reader parses Python
_HEADER = re.compile(
    rb"\x93NUMPY\x01\x00(..)\{'descr': '([^']{3,11})', 'fortran_order': (False|True), "
    rb"'shape': \(((?:[0-9]{1,18}, ?)*[0-9]{0,18})\), \} *\n",
    re.DOTALL,
)
#: the end of a zip without comment: entries here and in all, bytes of the table of contents
_END = struct.Struct("<4x4xHHI4x2x")
_END_MARK, _LARGE_MARK = b"PK\x05\x06", b"PK\x06\x07"
_ENTRY_BYTES = 128
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


def read_container(path: str | Path, kind: str) -> dict[str, Any]:
    """Read what `write_container` wrote.

    Parameters
    ----------
    path : path
    kind : str
        What its entry ``format`` must be.

    Returns
    -------
    dict

    Raises
    ------
    ContainerError
        When the file is missing, foreign, damaged, too large, or of another kind.
    """
    target = Path(path)
    try:
        with target.open("rb") as file:
            _check_end(file)
            with zipfile.ZipFile(file) as archive:
                tree = _read(archive)
    except ContainerError as error:
        raise ContainerError(f"{target} cannot be read as {kind}: {error}") from error
    except FileNotFoundError:
        raise ContainerError(f"there is no file {target}; check the path.") from None
    except (
        zipfile.BadZipFile,
        zlib.error,
        EOFError,
        NotImplementedError,
        LookupError,
        MemoryError,
        OSError,
        OverflowError,
        RuntimeError,
        ValueError,
        struct.error,
    ) as error:
        raise ContainerError(
            f"{target} cannot be read as {kind} ({type(error).__name__}: {error}); it is damaged "
            "or another kind of file."
        ) from error
    found = tree.get("format")
    if not isinstance(found, str) or found != kind:
        raise ContainerError(
            f"{target} is of the format {found!r:.80}, not {kind!r}; give a file of the right kind."
        )
    return tree


def _check_end(file: IO[bytes]) -> None:
    """Look at the last bytes for the number of entries, before a table is made of them.

    `write_container` writes no comment, and never needs the extension for large files.
    """
    size = file.seek(0, os.SEEK_END)
    if size > limits.MAX_BYTES + limits.MAX_ARRAYS * _ENTRY_BYTES:
        raise ContainerError(
            f"it has {size / 2**20:.0f} MiB; at most {limits.MAX_BYTES / 2**20:.0f} MiB are read."
        )
    file.seek(max(0, size - _END.size - 20))
    tail = file.read()
    before, end = tail[: -_END.size], tail[-_END.size :]
    if not end.startswith(_END_MARK) or len(end) < _END.size:
        raise ContainerError("it does not end as a zip does; it is cut off, or no zip.")
    n, n_in_all, n_bytes = _END.unpack(end)
    if before.startswith(_LARGE_MARK) or n != n_in_all:
        raise ContainerError("it is a zip of another kind, of parts or for large files.")
    if n > limits.MAX_ARRAYS or n_bytes > limits.MAX_ARRAYS * _ENTRY_BYTES:
        raise ContainerError(f"it should hold {n} entries; at most {limits.MAX_ARRAYS} are read.")


@dataclass
class _Arrays:
    """The arrays of a container: those that are there, those read, and bytes given by now."""

    archive: zipfile.ZipFile
    names: set[str]
    read: dict[str, bytes] = field(default_factory=dict)
    given: int = 0

    def content(self, name: str) -> bytes:
        """Read an entry once, and refuse to give some again and again until memory is full."""
        if name not in self.read:
            self.read[name] = _unpacked(self.archive, name)
        self.count(len(self.read[name]))
        return self.read[name]

    def count(self, n_bytes: int) -> None:
        """Count what is about to be given."""
        self.given += n_bytes
        if self.given > limits.MAX_BYTES:
            raise ContainerError(
                f"its manifest names arrays of more than {limits.MAX_BYTES / 2**20:.0f} MiB, some "
                "of them again and again."
            )


def _read(archive: zipfile.ZipFile) -> dict[str, Any]:
    """Check the table of contents, then read the manifest, then the arrays."""
    entries = archive.infolist()
    names = {entry.filename for entry in entries}
    strange = sorted(
        name for name in names if name != limits.MANIFEST and not limits.ARRAY.fullmatch(name)
    )
    if strange or limits.MANIFEST not in names or len(names) != len(entries):
        what = f"a foreign entry {strange[0]!r}" if strange else "no manifest, or an entry twice"
        raise ContainerError(f"it holds {what}.")
    # other methods unpack without a limit; an encrypted entry is none of ours
    if any(entry.compress_type not in _METHODS or entry.flag_bits & 1 for entry in entries):
        raise ContainerError("an entry is packed in another way than deflated.")
    total = sum(entry.file_size for entry in entries)
    limits.check_sizes(len(entries), archive.getinfo(limits.MANIFEST).file_size, total, "it would")
    try:
        manifest = json.loads(_unpacked(archive, limits.MANIFEST))
    except (ValueError, RecursionError) as error:
        raise ContainerError(f"its manifest is no JSON ({type(error).__name__}).") from error
    if not isinstance(manifest, dict):
        raise ContainerError("its manifest is no table.")
    names.discard(limits.MANIFEST)
    arrays = _Arrays(archive, names)
    tree = _unpack(manifest, arrays)
    if names - set(arrays.read):
        unnamed = min(names - set(arrays.read))
        raise ContainerError(f"its manifest does not name the entry {unnamed!r}.")
    if not isinstance(tree, dict):
        raise ContainerError("its manifest is an array, no table.")
    return tree


def _unpacked(archive: zipfile.ZipFile, name: str) -> bytes:
    """Read an entry; never more than its table of contents says."""
    entry = archive.getinfo(name)
    with archive.open(entry) as file:
        content = file.read(entry.file_size + 1)
    if len(content) != entry.file_size:
        raise ContainerError(f"the entry {name} is longer or shorter than it says.")
    return content


def _unpack(value: Any, arrays: _Arrays, depth: int = 0) -> Any:
    if depth > limits.MAX_DEPTH:
        raise ContainerError(f"its manifest is nested more than {limits.MAX_DEPTH} levels deep.")
    if isinstance(value, list):
        return [_unpack(item, arrays, depth + 1) for item in value]
    if isinstance(value, str):
        return _text(value)
    if not isinstance(value, dict):
        return value
    if "$array" in value:
        return _unpack_array(value, arrays)
    if "$float" in value:
        if value["$float"] not in ("nan", "inf", "-inf"):
            raise ContainerError(f"its manifest holds the number {value['$float']!r}.")
        return float(value["$float"])
    return {_text(key): _unpack(item, arrays, depth + 1) for key, item in value.items()}


def _text(value: str) -> str:
    if not limits.is_text(value):
        raise ContainerError(f"its manifest holds {value!r:.80}, which is no text.")
    return value


def _unpack_array(entry: dict[str, Any], arrays: _Arrays) -> NDArray[Any]:
    """Read an array that is there; each reference gets one of its own."""
    number = entry["$array"]
    if (
        not isinstance(number, int)
        or isinstance(number, bool)
        or not 0 <= number < limits.MAX_ARRAYS
    ):
        raise ContainerError(f"its manifest names the array {number!r:.40}.")
    name = f"arrays/{number:05d}.npy"
    if name not in arrays.names:
        raise ContainerError(f"the array {number} is missing.")
    content = arrays.content(name)
    if hashlib.sha256(content).hexdigest() != entry.get("sha256"):
        raise ContainerError(f"the array {number} is not the one that was written (its hash).")
    found = _HEADER.match(content)
    if found is None or int.from_bytes(found[1], "little") != found.end() - 10:
        raise ContainerError(f"the array {number} is of another version of npy, or none.")
    kind, shape = found[2].decode(), [int(n) for n in found[4].split(b",") if n.strip()]
    if not limits.KIND.fullmatch(kind) or (kind, shape) != (entry.get("dtype"), entry.get("shape")):
        raise ContainerError(f"the array {number} is not of the kind or shape that it should be.")
    # a view: a copy of the largest array that is allowed would be as much memory again
    dtype, rest = np.dtype(kind), memoryview(content)[found.end() :]
    if len(rest) != dtype.itemsize * math.prod(shape):
        raise ContainerError(f"the array {number} is longer or shorter than its shape.")
    limits.check_axes(shape, dtype.itemsize, f"the array {number}")
    # what no array of this kind can hold: a boolean of 2, a character that there is not
    bits = np.frombuffer(rest, {"b": "u1", "U": f"{kind[0]}u4"}.get(dtype.kind, dtype))
    if dtype.kind in "bU" and bits.max(initial=0) > (1 if dtype.kind == "b" else 0x10FFFF):
        raise ContainerError(f"the array {number} holds what is no {dtype.name}.")
    order: Literal["C", "F"] = "F" if found[3] == b"True" else "C"
    array = np.frombuffer(rest, dtype).reshape(shape, order=order).copy(order=order)
    if dtype.kind == "U" and not limits.are_texts(array):
        raise ContainerError(f"the array {number} holds what is no text.")
    return _whole(array, entry["symmetric"], number, arrays) if "symmetric" in entry else array


def _whole(half: NDArray[Any], n: Any, number: int, arrays: _Arrays) -> NDArray[Any]:
    """Give the symmetric matrices of which the upper triangles were kept."""
    fits = isinstance(n, int) and not isinstance(n, bool) and limits.LEAST_HALVED <= n < 2**16
    if not fits or half.ndim < 1 or not half.size or half.shape[-1] != n * (n + 1) // 2:
        raise ContainerError(f"the array {number} is no half of symmetric matrices.")
    shape = (*half.shape[:-1], n, n)
    arrays.count(half.itemsize * math.prod(shape))
    whole = np.empty(shape, dtype=half.dtype)
    # row by row: the indices of a triangle would take as much memory as the matrix
    begin = 0
    for row in range(n):
        end = begin + n - row
        whole[..., row, row:] = whole[..., row:, row] = half[..., begin:end]
        begin = end
    return whole
