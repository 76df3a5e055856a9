"""A zip of one JSON manifest and npy arrays: what profiles and source files are kept in.

`container_reading` reads them.
"""

from __future__ import annotations

import hashlib
import io
import json
import math
import os
import tempfile
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ContainerError
from . import container_limits as limits

#: the earliest that a zip can tell: the same content gives the same bytes
_NO_TIME = (1980, 1, 1, 0, 0, 0)


@dataclass
class _Kept:
    """Arrays to be written, by hash: models that differ in what they are given hold the same."""

    contents: dict[str, bytes] = field(default_factory=dict)
    numbers: dict[str, int] = field(default_factory=dict)
    total: int = 0

    def add(self, digest: str, content: bytes, whole: int = 0) -> int:
        """Keep an array once; give its number. The whole of a half is counted as it is read."""
        self.contents[digest] = content
        self.total += len(content) + whole
        return self.numbers.setdefault(digest, len(self.numbers))


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
    >>> from eegtl.personalize import read_container
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_container(Path(folder) / "x.zip", {"format": "toy", "w": np.arange(3.0)})
    ...     read_container(Path(folder) / "x.zip", "toy")["w"].tolist()
    [0.0, 1.0, 2.0]
    """
    target = Path(path)
    taken = f"{target} is there already; choose another name, or say that it shall be replaced."
    if target.exists() and not overwrite:
        raise ContainerError(taken)
    kept = _Kept()
    packed = _pack(tree, kept, "the tree")
    arrays = list(kept.contents.values())
    try:
        # the order of keys stays: that of bands is the order of the features
        manifest = json.dumps(packed, allow_nan=False).encode()
    except ValueError as error:
        raise ContainerError(f"the tree holds what JSON cannot say ({error}).") from error
    limits.check_sizes(len(arrays) + 1, len(manifest), len(manifest) + kept.total, "it would")
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
    return hashlib.sha256(json.dumps(_pack(tree, _Kept(), "the tree")).encode()).hexdigest()


def _write_whole(target: Path, contents: list[bytes], *, overwrite: bool) -> bool:
    """Write under a temporary name in the same folder, then give it the name, if it is free."""
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            with zipfile.ZipFile(file, "w") as archive:
                for number, content in enumerate(contents, start=-1):
                    entry = limits.MANIFEST if number < 0 else f"arrays/{number:05d}.npy"
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


def _pack(value: Any, arrays: _Kept, where: str, depth: int = 0) -> Any:
    """Turn arrays into references, and what JSON cannot say into words."""
    if depth > limits.MAX_DEPTH:
        raise ContainerError(f"{where} is nested more than {limits.MAX_DEPTH} levels deep.")
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, str):
        return _text(value, where)
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
            _text(key, where): _pack(item, arrays, f"{where}[{key!r}]", depth + 1)
            for key, item in value.items()
        }
    raise ContainerError(
        f"{where} holds a {type(value).__name__}; only plain values, lists, dicts with string keys "
        "and arrays can be kept."
    )


def _text(value: str, where: str) -> str:
    if not limits.is_text(value):
        raise ContainerError(f"{where} holds {value!r:.80}, which is no text; write it anew.")
    return value


def _pack_array(array: NDArray[Any], arrays: _Kept, where: str) -> dict[str, Any]:
    if not limits.KIND.fullmatch(array.dtype.str):
        raise ContainerError(
            f"{where} is an array of {array.dtype}; only numbers of up to 64 bit, booleans and "
            "text can be kept."
        )
    if not array.size:
        limits.check_axes(array.shape, array.itemsize, where)
    if array.dtype.kind == "U" and not limits.are_texts(array):
        raise ContainerError(f"{where} holds what is no text; write it anew.")
    entry: dict[str, Any] = {}
    whole = 0
    if _is_symmetric(array):
        n, whole = array.shape[-1], array.nbytes
        entry = {"symmetric": n}
        array = array[..., *np.triu_indices(n)]
    buffer = io.BytesIO()
    # the order of memory stays: BLAS adds up in another order where it is another
    if not array.flags.forc:
        array = array.copy(order="C")
    np.lib.format.write_array(buffer, array, (1, 0))
    content = buffer.getvalue()
    digest = hashlib.sha256(content).hexdigest()
    return {
        "$array": arrays.add(digest, content, whole),
        "dtype": array.dtype.str,
        "shape": list(array.shape),
        "sha256": digest,
        **entry,
    }


def _is_symmetric(array: NDArray[Any]) -> bool:
    """Say whether matrices, such as covariances, are kept by half of them."""
    if array.ndim < 2 or array.dtype != np.float64 or not array.flags.c_contiguous:
        return False
    if not array.size:  # there is nothing to be saved
        return False
    if not array.shape[-1] == array.shape[-2] >= limits.LEAST_HALVED:
        return False
    bits = array.view(np.int64)  # -0 is not 0, and NaN is NaN
    return bool(np.array_equal(bits, np.swapaxes(bits, -1, -2)))
