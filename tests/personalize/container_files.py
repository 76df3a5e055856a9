"""Container files as an attacker, or a bad disk, would make them."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np


def npy(array: Any, version: tuple[int, int] = (1, 0)) -> bytes:
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, np.asarray(array), version)
    return buffer.getvalue()


def reference(number: int, content: bytes, array: Any, **changes: Any) -> dict[str, Any]:
    """What a manifest says of an array."""
    array = np.asarray(array)
    said = {
        "$array": number,
        "dtype": array.dtype.str,
        "shape": list(array.shape),
        "sha256": hashlib.sha256(content).hexdigest(),
    }
    return {**said, **changes}


def with_header(header: str, data: bytes = b"", magic: bytes = b"\x93NUMPY\x01\x00") -> bytes:
    """An npy file of any header."""
    text = header.encode()
    text += b" " * (-(len(text) + 11) % 64) + b"\n"
    return magic + len(text).to_bytes(2, "little") + text + data


def manifest_of(tree: Mapping[str, Any]) -> bytes:
    return json.dumps({"format": "toy", **tree}).encode()


def make_zip(path: Path, entries: Mapping[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return path


def with_array(path: Path, content: bytes, array: Any = (), **changes: Any) -> Path:
    """A container of one array, whatever its bytes; its hash is right."""
    said = reference(0, content, array, **changes)
    entries = {"manifest.json": manifest_of({"a": said}), "arrays/00000.npy": content}
    return make_zip(path, entries)
