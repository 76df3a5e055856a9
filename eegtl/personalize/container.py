"""A zip of one JSON manifest and npy arrays: what profiles and source files are kept in.

Nothing in it is executed on load: no pickle, no names of classes or paths that are looked up. What
the manifest says of each array (kind, shape, hash) is checked before the array is used, and sizes
are limited before anything is unpacked. Numbers of entries and bytes are looked up in the last
bytes of the file before `zipfile` builds its table of contents of them.
"""

from __future__ import annotations

import hashlib
import io
import json
import math
import os
import re
import struct
import tempfile
import zipfile
import zlib
from pathlib import Path
from typing import IO, Any, Literal

import numpy as np
from numpy.typing import NDArray

from ..errors import ContainerError

#: What a container may hold, unpacked; a profile has some megabytes.
MAX_BYTES = 512 * 2**20
MAX_MANIFEST_BYTES = 32 * 2**20
MAX_ARRAYS = 20_000
#: Levels of lists and dicts in a manifest.
MAX_DEPTH = 60

#: Rows from which symmetric matrices are kept by half.
_LEAST_HALVED = 16
_MANIFEST = "manifest.json"
_ARRAY = re.compile(r"arrays/[0-9]{5}\.npy")
#: bool, integers, floats, text; long doubles differ from machine to machine
_KIND = re.compile(r"[|<>][bu]1|\|i1|[<>][iu][248]|[<>]f[248]|[<>]U[0-9]{1,9}")
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
#: the earliest that a zip can tell: the same content gives the same bytes
_NO_TIME = (1980, 1, 1, 0, 0, 0)


def write_container(path: str | Path, tree: dict[str, Any], *, overwrite: bool = False) -> None:
    """Write a tree of plain values and arrays.

    Parameters
    ----------
    path : path
        It appears when it is complete; what was there before stays until then.
    tree : dict
        With string keys, whose order is kept: None, booleans, numbers, strings, lists, dicts,
        and arrays of numbers, booleans or text.
    overwrite : bool
        Whether a file that is there is replaced.

    Raises
    ------
    ContainerError
        When the file is there, cannot be written, would be too large to be read again, or the tree
        holds something else.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_container(Path(folder) / "x.zip", {"format": "toy", "w": np.arange(3.0)})
    ...     read_container(Path(folder) / "x.zip", "toy")["w"].tolist()
    [0.0, 1.0, 2.0]
    """
    target = Path(path)
    taken = f"{target} is there already; choose another name, or say that it shall be replaced."
    if target.exists() and not overwrite:
        raise ContainerError(taken)
    arrays: list[bytes] = []
    packed = _pack(tree, arrays, "the tree")
    try:
        # the order of keys stays: that of bands is the order of the features
        manifest = json.dumps(packed, allow_nan=False).encode()
    except ValueError as error:
        raise ContainerError(f"the tree holds what JSON cannot say ({error}).") from error
    _check_sizes(len(arrays) + 1, len(manifest), len(manifest) + sum(map(len, arrays)), "it would")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        if not _write_whole(target, [manifest, *arrays], overwrite=overwrite):
            raise ContainerError(taken)
    # a name that no file can have is a ValueError
    except (OSError, ValueError) as error:
        if isinstance(error, ContainerError):
            raise
        raise ContainerError(
            f"{target} cannot be written ({error}); check that the disk has space and the folder "
            "is yours, or choose another place."
        ) from error


def fingerprint(tree: dict[str, Any]) -> str:
    """Give the hash of what a container of a tree would hold.

    Parameters
    ----------
    tree : dict
        As for `write_container`.

    Returns
    -------
    str
        Of 64 digits; the same for the same content.

    Examples
    --------
    >>> fingerprint({"w": np.arange(3.0)}) == fingerprint({"w": np.arange(3.0)})
    True
    """
    # the manifest holds the hashes of the arrays
    return hashlib.sha256(json.dumps(_pack(tree, [], "the tree")).encode()).hexdigest()


def _write_whole(target: Path, contents: list[bytes], *, overwrite: bool) -> bool:
    """Write under a temporary name in the same folder, then give it the name, if it is free."""
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            with zipfile.ZipFile(file, "w") as archive:
                for number, content in enumerate(contents, start=-1):
                    entry = _MANIFEST if number < 0 else f"arrays/{number:05d}.npy"
                    info = zipfile.ZipInfo(entry, _NO_TIME)
                    archive.writestr(info, content, zipfile.ZIP_DEFLATED)
            file.flush()
            os.fsync(file.fileno())
        if overwrite:
            Path(name).replace(target)
            return True
        try:
            os.link(name, target)  # unlike a change of name, it never replaces a file
        except OSError:  # it exists, or this disk knows no links
            if target.exists():
                return False
            Path(name).rename(target)
        return True
    finally:
        Path(name).unlink(missing_ok=True)


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


def _pack(value: Any, arrays: list[bytes], where: str, depth: int = 0) -> Any:
    """Turn arrays into references, and what JSON cannot say into words."""
    if depth > MAX_DEPTH:
        raise ContainerError(f"{where} is nested more than {MAX_DEPTH} levels deep.")
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else {"$float": repr(value)}
    if isinstance(value, np.ndarray):
        return _pack_array(value, arrays, where)
    if isinstance(value, list):
        return [_pack(item, arrays, f"{where}[{i}]", depth + 1) for i, item in enumerate(value)]
    if isinstance(value, dict) and all(isinstance(key, str) for key in value):
        if any(key.startswith("$") for key in value):
            raise ContainerError(f"{where} has a key that begins with '$', which is reserved.")
        return {
            key: _pack(item, arrays, f"{where}[{key!r}]", depth + 1) for key, item in value.items()
        }
    raise ContainerError(
        f"{where} holds a {type(value).__name__}; only plain values, lists, dicts with string keys "
        "and arrays can be kept."
    )


def _pack_array(array: NDArray[Any], arrays: list[bytes], where: str) -> dict[str, Any]:
    if not _KIND.fullmatch(array.dtype.str):
        raise ContainerError(
            f"{where} is an array of {array.dtype}; only numbers of up to 64 bit, booleans and "
            "text can be kept."
        )
    entry: dict[str, Any] = {}
    if _is_symmetric(array):
        n = array.shape[-1]
        entry = {"symmetric": n}
        array = array[..., *np.triu_indices(n)]
    buffer = io.BytesIO()
    # the order of memory stays: BLAS adds up in another order where it is another
    if not array.flags.forc:
        array = array.copy(order="C")
    np.lib.format.write_array(buffer, array, (1, 0))
    content = buffer.getvalue()
    arrays.append(content)
    return {
        "$array": len(arrays) - 1,
        "dtype": array.dtype.str,
        "shape": list(array.shape),
        "sha256": hashlib.sha256(content).hexdigest(),
        **entry,
    }


def _is_symmetric(array: NDArray[Any]) -> bool:
    """Say whether matrices, such as covariances, are kept by half of them."""
    if array.ndim < 2 or array.dtype != np.float64 or not array.flags.c_contiguous:
        return False
    if not array.shape[-1] == array.shape[-2] >= _LEAST_HALVED:
        return False
    bits = array.view(np.int64)  # -0 is not 0, and NaN is NaN
    return bool(np.array_equal(bits, np.swapaxes(bits, -1, -2)))


def _whole(half: NDArray[Any], n: Any, number: int) -> NDArray[Any]:
    """Give the symmetric matrices of which the upper triangles were kept."""
    fits = isinstance(n, int) and not isinstance(n, bool) and _LEAST_HALVED <= n < 2**16
    if not fits or half.ndim < 1 or half.shape[-1] != n * (n + 1) // 2:
        raise ContainerError(f"the array {number} is no half of symmetric matrices.")
    whole = np.empty((*half.shape[:-1], n, n), dtype=half.dtype)
    rows, columns = np.triu_indices(n)
    whole[..., rows, columns] = half
    whole[..., columns, rows] = half
    return whole


def _check_sizes(n_entries: int, manifest: int, total: int, who: str) -> None:
    """Refuse what is too large, to be written or to be read."""
    if n_entries > MAX_ARRAYS:
        raise ContainerError(f"{who} hold {n_entries} entries; at most {MAX_ARRAYS} are read.")
    if total > MAX_BYTES or manifest > MAX_MANIFEST_BYTES:
        raise ContainerError(
            f"unpacked {who} have {total / 2**20:.0f} MiB, {manifest / 2**20:.0f} MiB of them "
            f"manifest; at most {MAX_BYTES / 2**20:.0f} MiB are read, and "
            f"{MAX_MANIFEST_BYTES / 2**20:.0f} MiB of manifest."
        )


def _check_end(file: IO[bytes]) -> None:
    """Look at the last bytes for the number of entries, before a table is made of them.

    `write_container` writes no comment, and never needs the extension for large files.
    """
    size = file.seek(0, os.SEEK_END)
    if size > MAX_BYTES + MAX_ARRAYS * _ENTRY_BYTES:
        raise ContainerError(
            f"it has {size / 2**20:.0f} MiB; at most {MAX_BYTES / 2**20:.0f} MiB are read."
        )
    file.seek(max(0, size - _END.size - 20))
    tail = file.read()
    before, end = tail[: -_END.size], tail[-_END.size :]
    if not end.startswith(_END_MARK) or len(end) < _END.size:
        raise ContainerError("it does not end as a zip does; it is cut off, or no zip.")
    n, n_in_all, n_bytes = _END.unpack(end)
    if before.startswith(_LARGE_MARK) or n != n_in_all:
        raise ContainerError("it is a zip of another kind, of parts or for large files.")
    if n > MAX_ARRAYS or n_bytes > MAX_ARRAYS * _ENTRY_BYTES:
        raise ContainerError(f"it should hold {n} entries; at most {MAX_ARRAYS} are read.")


def _read(archive: zipfile.ZipFile) -> dict[str, Any]:
    """Check the table of contents, then read the manifest, then the arrays."""
    entries = archive.infolist()
    names = {entry.filename for entry in entries}
    strange = sorted(name for name in names if name != _MANIFEST and not _ARRAY.fullmatch(name))
    if strange or _MANIFEST not in names or len(names) != len(entries):
        what = f"a foreign entry {strange[0]!r}" if strange else "no manifest, or an entry twice"
        raise ContainerError(f"it holds {what}.")
    # other methods unpack without a limit; an encrypted entry is none of ours
    if any(entry.compress_type not in _METHODS or entry.flag_bits & 1 for entry in entries):
        raise ContainerError("an entry is packed in another way than deflated.")
    total = sum(entry.file_size for entry in entries)
    _check_sizes(len(entries), archive.getinfo(_MANIFEST).file_size, total, "it would")
    try:
        manifest = json.loads(_unpacked(archive, _MANIFEST))
    except (ValueError, RecursionError) as error:
        raise ContainerError(f"its manifest is no JSON ({type(error).__name__}).") from error
    if not isinstance(manifest, dict):
        raise ContainerError("its manifest is no table.")
    # each array once: a manifest that names one again and again would fill the memory
    names.discard(_MANIFEST)
    tree = _unpack(manifest, archive, names)
    if names:
        raise ContainerError(f"its manifest does not name the entry {min(names)!r}.")
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


def _unpack(value: Any, archive: zipfile.ZipFile, names: set[str], depth: int = 0) -> Any:
    if depth > MAX_DEPTH:
        raise ContainerError(f"its manifest is nested more than {MAX_DEPTH} levels deep.")
    if isinstance(value, list):
        return [_unpack(item, archive, names, depth + 1) for item in value]
    if not isinstance(value, dict):
        return value
    if "$array" in value:
        return _unpack_array(value, archive, names)
    if "$float" in value:
        if value["$float"] not in ("nan", "inf", "-inf"):
            raise ContainerError(f"its manifest holds the number {value['$float']!r}.")
        return float(value["$float"])
    return {key: _unpack(item, archive, names, depth + 1) for key, item in value.items()}


def _unpack_array(entry: dict[str, Any], archive: zipfile.ZipFile, names: set[str]) -> NDArray[Any]:
    """Read an array whose name is among those not yet read."""
    number = entry["$array"]
    if not isinstance(number, int) or isinstance(number, bool) or not 0 <= number < MAX_ARRAYS:
        raise ContainerError(f"its manifest names the array {number!r:.40}.")
    name = f"arrays/{number:05d}.npy"
    if name not in names:
        raise ContainerError(f"the array {number} is missing, or named twice.")
    names.remove(name)
    content = _unpacked(archive, name)
    if hashlib.sha256(content).hexdigest() != entry.get("sha256"):
        raise ContainerError(f"the array {number} is not the one that was written (its hash).")
    found = _HEADER.match(content)
    if found is None or int.from_bytes(found[1], "little") != found.end() - 10:
        raise ContainerError(f"the array {number} is of another version of npy, or none.")
    kind, shape = found[2].decode(), [int(n) for n in found[4].split(b",") if n.strip()]
    if not _KIND.fullmatch(kind) or (kind, shape) != (entry.get("dtype"), entry.get("shape")):
        raise ContainerError(f"the array {number} is not of the kind or shape that it should be.")
    dtype, rest = np.dtype(kind), content[found.end() :]
    if len(rest) != dtype.itemsize * math.prod(shape):
        raise ContainerError(f"the array {number} is longer or shorter than its shape.")
    # what no array of this kind can hold: a boolean of 2, a character that there is not
    bits = np.frombuffer(rest, {"b": "u1", "U": f"{kind[0]}u4"}.get(dtype.kind, dtype))
    if dtype.kind in "bU" and bits.max(initial=0) > (1 if dtype.kind == "b" else 0x10FFFF):
        raise ContainerError(f"the array {number} holds what is no {dtype.name}.")
    order: Literal["C", "F"] = "F" if found[3] == b"True" else "C"
    array = np.frombuffer(rest, dtype).reshape(shape, order=order).copy(order=order)
    return _whole(array, entry["symmetric"], number) if "symmetric" in entry else array
