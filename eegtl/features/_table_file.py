"""The file of a `FeatureTable`: an npz of plain arrays, read with every size checked first."""

from __future__ import annotations

import json
import os
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..errors import InputError

_FORMAT = "eegtl-features"
_VERSION = 1
_MAX_HEADER = 64 * 2**20
_PLAIN = (str, int, float, bool, type(None))


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
    arrays: dict[str, NDArray[Any]] = {"X": X}
    stored: list[dict[str, Any]] = []
    for number, name in enumerate(meta.columns):
        series = meta[name]
        if isinstance(series.dtype, np.dtype) and series.dtype.kind in "buif":
            arrays[f"meta_{number}"] = series.to_numpy()
            stored.append({"name": str(name), "kind": "array"})
        else:
            values = [v.item() if isinstance(v, np.generic) else v for v in series.tolist()]
            values = [None if v is pd.NA else v for v in values]
            odd = next((v for v in values if not isinstance(v, _PLAIN)), None)
            if odd is not None:
                raise InputError(
                    f"meta column {name!r} holds {odd!r} of type {type(odd).__name__}; only "
                    "texts, numbers and truth values can be saved"
                )
            arrays[f"meta_{number}"] = _text(json.dumps(values))
            kind = "object" if series.dtype == object else "text"
            stored.append({"name": str(name), "kind": kind})
    header = {
        "format": _FORMAT,
        "version": _VERSION,
        "causal": causal,
        "columns": [list(map(str, column)) for column in columns],
        "meta": stored,
        "info": dict(info),
    }
    try:
        arrays["header"] = _text(json.dumps(header))
    except TypeError as error:
        raise InputError(f"info cannot be saved: {error}; keep to what JSON can hold") from error
    handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            np.savez(file, allow_pickle=False, **arrays)
        os.chmod(temporary, 0o666 & ~_umask())
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
    return path


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
            meta = pd.DataFrame(
                {
                    str(column["name"]): _read_column(archive, number, column, path)
                    for number, column in enumerate(header["meta"])
                }
            )
            columns = pd.MultiIndex.from_tuples(
                [(str(f), str(c), str(b)) for f, c, b in header["columns"]],
                names=["feature", "channel", "band"],
            )
            return X, columns, meta, bool(header["causal"]), dict(header["info"])
    except (zipfile.BadZipFile, KeyError, TypeError, ValueError, EOFError, OSError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(
            f"{path.name} is not a feature table, or is damaged ({error}); "
            "extract the features again"
        ) from error


def _read_header(archive: zipfile.ZipFile, path: Path) -> dict[str, Any]:
    """Read the JSON header and check format and version."""
    if archive.getinfo("header.npy").file_size > _MAX_HEADER:
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
    archive: zipfile.ZipFile, number: int, column: dict[str, Any], path: Path
) -> pd.Series:
    """Read one column of meta with the type it had."""
    values = _read_array(archive, f"meta_{number}", path)
    if column["kind"] == "array":
        return pd.Series(values)
    texts = json.loads(values.tobytes())
    return pd.Series(texts, dtype=object if column["kind"] == "object" else "str")


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
        if not 0 <= expected <= member.file_size:
            raise InputError(
                f"{path.name}: {name} claims {expected} bytes and holds {member.file_size}"
            )
        data = bytearray(file.read(expected))
    if len(data) != expected:
        raise InputError(f"{path.name}: {name} claims {expected} bytes and holds {len(data)}")
    return np.frombuffer(data, dtype=dtype).reshape(shape)


def _read_npy_header(file: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Read the header of one npy member, of format 1.0 as numpy writes it for plain arrays."""
    version = np.lib.format.read_magic(file)
    if version != (1, 0):
        raise InputError(f"npy format {version} is not read; extract the features again")
    return np.lib.format.read_array_header_1_0(file)


def _text(text: str) -> NDArray[np.uint8]:
    """Store a text as bytes, which needs neither pickle nor padding."""
    return np.frombuffer(text.encode(), dtype=np.uint8)


def _umask() -> int:
    """Return the umask, so that the file gets the usual mode instead of mkstemp's 0600."""
    mask = os.umask(0)
    os.umask(mask)
    return mask
