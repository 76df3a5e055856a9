"""The file of a `FeatureTable`: an npz of plain arrays, read with every size checked first."""

from __future__ import annotations

import json
import lzma
import os
import tempfile
import tokenize
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..errors import InputError

_FORMAT = "eegtl-features"
_VERSION = 2
_MAX_HEADER = 4 * 2**20
_PLAIN = (str, int, float, bool, type(None))
# What zipfile, zlib and numpy raise on damaged files; RuntimeError includes nesting too deep.
_DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    tokenize.TokenError,
    SyntaxError,
    LookupError,
    TypeError,
    ValueError,
    EOFError,
    OSError,
    RuntimeError,
)


def write_table(
    path: Path,
    X: NDArray[np.float64],
    columns: pd.MultiIndex,
    meta: pd.DataFrame,
    *,
    causal: bool,
    info: Mapping[str, Any],
) -> Path:
    """Write under a temporary name in the same folder, then rename."""
    try:
        _check_place(path)
        arrays = _as_arrays(X, columns, meta, causal, info)
        _write_whole(path, arrays)
    # A name that no file can have is a ValueError.
    except (OSError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(
            f"{path} cannot be written ({error}); check that the disk has space and the folder is "
            "yours, or choose another place"
        ) from error
    return path


def _check_place(path: Path) -> None:
    """Refuse a path that cannot be that of a new file."""
    if not path.parent.is_dir():
        raise InputError(f"the folder {path.parent} does not exist; make it first")
    if path.is_dir():
        raise InputError(f"{path} is a folder; give the name of a file")


def _as_arrays(
    X: NDArray[np.float64],
    columns: pd.MultiIndex,
    meta: pd.DataFrame,
    causal: bool,
    info: Mapping[str, Any],
) -> dict[str, NDArray[Any]]:
    """Give the members of the file."""
    arrays: dict[str, NDArray[Any]] = {"X": X}
    stored: list[dict[str, Any]] = []
    for number, name in enumerate(meta.columns):
        series = meta[name]
        if isinstance(series.dtype, np.dtype) and series.dtype.kind in "buif":
            arrays[f"meta_{number}"] = series.to_numpy()
            stored.append({"name": str(name), "kind": "array"})
        else:
            codes, words = _encode(series)
            arrays[f"meta_{number}"] = codes
            kind = "object" if series.dtype == object else "text"
            stored.append({"name": str(name), "kind": kind, "words": words})
    header = {
        "format": _FORMAT,
        "version": _VERSION,
        "causal": causal,
        "columns": [list(map(str, column)) for column in columns],
        "meta": stored,
        "info": dict(info),
    }
    try:
        text = json.dumps(header).encode()
    except (TypeError, ValueError) as error:
        raise InputError(f"info cannot be saved: {error}; keep to what JSON can hold") from error
    if len(text) > _MAX_HEADER:
        raise InputError(
            f"info and the different texts of meta take {len(text)} bytes, more than the "
            f"{_MAX_HEADER} that are read back; leave out what differs from row to row"
        )
    # Bytes need neither pickle nor padding.
    arrays["header"] = np.frombuffer(text, dtype=np.uint8)
    return arrays


def _write_whole(path: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write a complete file or none; one that was there is as it was."""
    handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            np.savez(file, allow_pickle=False, **arrays)
        os.chmod(temporary, 0o666 & ~_umask())
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _encode(series: pd.Series) -> tuple[NDArray[np.int32], list[Any]]:
    """Return the distinct values of a column and, for each row, which of them it has."""
    codes = np.empty(len(series), dtype=np.int32)
    known: dict[tuple[str, str], int] = {}
    words: list[Any] = []
    for row, item in enumerate(series.tolist()):
        value = item.item() if isinstance(item, np.generic) else item
        # In a column of texts, what is missing is NaN; JSON has a word for None only.
        if value is pd.NA or (value != value and series.dtype != object):
            value = None
        if not isinstance(value, _PLAIN):
            raise InputError(
                f"meta column {series.name!r} holds {value!r} of type {type(value).__name__}; only "
                "texts, numbers and truth values can be saved"
            )
        # 1, 1.0 and True are equal, and are three words.
        codes[row] = known.setdefault((type(value).__name__, repr(value)), len(words))
        if codes[row] == len(words):
            words.append(value)
    return codes, words


def read_table(
    path: Path, *, max_bytes: int
) -> tuple[NDArray[np.float64], pd.MultiIndex, pd.DataFrame, bool, dict[str, Any]]:
    """Read the parts of a table; every size is checked before anything is unpacked."""
    if not path.is_file():
        raise InputError(f"{path} is not a file; give the path of a saved feature table")
    try:
        with zipfile.ZipFile(path) as archive:
            total = sum(member.file_size for member in archive.infolist())
            if total > max_bytes:
                raise InputError(
                    f"{path.name} would unpack to {total} bytes, more than the limit of "
                    f"{max_bytes}; raise max_bytes if you trust the file"
                )
            header = _read_header(archive, path)
            X = _read_array(archive, "X", path)
            if X.dtype != np.float64 or X.ndim != 2:
                raise ValueError(f"X has the type {X.dtype} and {X.ndim} dimensions")
            meta = {
                name: _read_column(archive, number, column, len(X), path)
                for number, (name, column) in enumerate(_named(header["meta"]))
            }
            columns = pd.MultiIndex.from_tuples(
                [_three_texts(column) for column in _a(list, header["columns"], "columns")],
                names=["feature", "channel", "band"],
            )
            causal = _a(bool, header["causal"], "causal")
            return X, columns, pd.DataFrame(meta), causal, _a(dict, header["info"], "info")
    except _DAMAGE as error:
        if isinstance(error, InputError):
            raise
        raise InputError(
            f"{path.name} is not a feature table, or is damaged ({error}); "
            "extract the features again"
        ) from error


def _a(kind: type, value: Any, name: str) -> Any:
    """Return a value of the header that has the kind it must have."""
    if not isinstance(value, kind):
        raise ValueError(f"{name} is {str(value)[:40]!r}, which is no {kind.__name__}")
    return value


def _named(stored: Any) -> list[tuple[str, dict[str, Any]]]:
    """Return the stored columns of meta with their names, which must differ."""
    columns = [_a(dict, column, "a meta column") for column in _a(list, stored, "meta")]
    names = [_a(str, column["name"], "the name of a meta column") for column in columns]
    if len(set(names)) != len(names):
        raise ValueError("two meta columns have one name")
    return list(zip(names, columns, strict=True))


def _three_texts(column: Any) -> tuple[str, str, str]:
    """Return feature, channel and band of one column."""
    feature, channel, band = (_a(str, word, "a column") for word in _a(list, column, "a column"))
    return feature, channel, band


def _read_header(archive: zipfile.ZipFile, path: Path) -> dict[str, Any]:
    """Read the JSON header and check format and version."""
    if archive.getinfo("header.npy").file_size > _MAX_HEADER + 1024:
        raise InputError(f"{path.name} has a header of more than {_MAX_HEADER} bytes")
    header = json.loads(_read_array(archive, "header", path).tobytes())
    if not isinstance(header, dict) or header.get("format") != _FORMAT:
        raise InputError(f"{path.name} is not a feature table of eegtl")
    if header.get("version") != _VERSION:
        raise InputError(
            f"{path.name} has the format version {header.get('version')!r}; this eegtl reads "
            f"version {_VERSION}: extract the features again"
        )
    return header


def _read_column(
    archive: zipfile.ZipFile, number: int, column: dict[str, Any], n_rows: int, path: Path
) -> pd.Series:
    """Read one column of meta with the type it had."""
    name, kind = column["name"], column["kind"]
    values = _read_array(archive, f"meta_{number}", path)
    if values.shape != (n_rows,):
        raise ValueError(f"the column {name!r} has the shape {values.shape}, X has {n_rows} rows")
    if kind == "array":
        if values.dtype == bool and (values.view(np.uint8) > 1).any():
            raise ValueError(f"the column {name!r} holds truth values that are neither")
        return pd.Series(values)
    allowed = {"text": (str, type(None)), "object": _PLAIN}[kind]
    words = _a(list, column["words"], f"the words of {name!r}")
    if not all(isinstance(word, allowed) for word in words):
        raise ValueError(f"the words of {name!r} are not of the kind {kind}")
    if values.dtype.kind not in "iu" or (
        n_rows and not 0 <= int(values.min()) <= int(values.max()) < len(words)
    ):
        raise ValueError(f"the column {name!r} names words that it has not")
    vocabulary = np.empty(len(words), dtype=object)
    vocabulary[:] = words
    return pd.Series(vocabulary[values], dtype=object if kind == "object" else "str")


def _read_array(archive: zipfile.ZipFile, name: str, path: Path) -> NDArray[Any]:
    """Read one array; its declared size must be the size of its member."""
    member = archive.getinfo(f"{name}.npy")
    with archive.open(member) as file:
        shape, order, dtype = _read_npy_header(file)
        expected = int(np.prod(shape, dtype=object)) * dtype.itemsize
        if dtype.hasobject or dtype.kind not in "buif" or order:
            raise InputError(
                f"{path.name}: {name} has the type {dtype}; only plain numbers are read"
            )
        if min(shape, default=0) < 0 or expected > member.file_size:
            raise InputError(
                f"{path.name}: {name} claims {expected} bytes and holds {member.file_size}"
            )
        data = bytearray(file.read(expected))
        # Only a member that is read to its end has its check sum compared.
        held = len(data) + len(file.read(1))
    if held != expected:
        more = "more" if held > expected else held
        raise InputError(f"{path.name}: {name} claims {expected} bytes and holds {more}")
    return np.frombuffer(data, dtype=dtype).reshape(shape)


def _read_npy_header(file: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Read the header of one npy member, of format 1.0 as numpy writes it for plain arrays."""
    version = np.lib.format.read_magic(file)
    if version != (1, 0):
        raise InputError(f"npy format {version} is not read; extract the features again")
    return np.lib.format.read_array_header_1_0(file)


def _umask() -> int:
    """Return the umask, so that the file gets the usual mode instead of mkstemp's 0600."""
    mask = os.umask(0)
    os.umask(mask)
    return mask
