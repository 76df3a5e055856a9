"""What a container may hold: looked at when one is written, and before anything is unpacked."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..errors import ContainerError

#: Unpacked; a profile has some megabytes.
MAX_BYTES = 512 * 2**20
#: JSON takes fifty times as much memory; with every candidate and 100 source people a profile has
#: less than a tenth of it.
MAX_MANIFEST_BYTES = 4 * 2**20
MAX_ARRAYS = 20_000
#: Levels of lists and dicts in a manifest.
MAX_DEPTH = 60

#: Rows from which symmetric matrices are kept by half.
LEAST_HALVED = 16
MANIFEST = "manifest.json"
ARRAY = re.compile(r"arrays/[0-9]{5}\.npy")
#: bool, integers, floats, text; long doubles differ from machine to machine
KIND = re.compile(r"[|<>][bu]1|\|i1|[<>][iu][248]|[<>]f[248]|[<>]U[0-9]{1,9}")


def check_sizes(n_entries: int, manifest: int, total: int, who: str) -> None:
    """Refuse what is too large, to be written or to be read.

    Parameters
    ----------
    n_entries : int
    manifest, total : int
        Bytes, unpacked; an array counts as often as the manifest names it.
    who : str
        For the message.

    Raises
    ------
    ContainerError
        When there is too much.
    """
    if n_entries > MAX_ARRAYS:
        raise ContainerError(f"{who} hold {n_entries} entries; at most {MAX_ARRAYS} are read.")
    if total > MAX_BYTES or manifest > MAX_MANIFEST_BYTES:
        raise ContainerError(
            f"unpacked {who} have {total / 2**20:.0f} MiB, {manifest / 2**20:.0f} MiB of them "
            f"manifest; at most {MAX_BYTES / 2**20:.0f} MiB are read, and "
            f"{MAX_MANIFEST_BYTES / 2**20:.0f} MiB of manifest."
        )


def check_axes(shape: Sequence[int], itemsize: int, who: str) -> None:
    """Refuse an array without entries whose axes are so long that what is made of it is too large.

    Parameters
    ----------
    shape : sequence of int
    itemsize : int
        Bytes of an entry.
    who : str
        For the message.

    Raises
    ------
    ContainerError
        When one line of each empty axis would be too much.
    """
    if itemsize * math.prod(max(1, n) for n in shape) > MAX_BYTES:
        raise ContainerError(
            f"{who} has axes that are too long for {MAX_BYTES / 2**20:.0f} MiB; at most so much is "
            "read."
        )


def is_text(value: str) -> bool:
    """Say whether all characters are whole: halves, which Python can hold, no terminal takes."""
    return value.isascii() or not any("\ud800" <= sign <= "\udfff" for sign in value)


def are_texts(array: NDArray[np.str_]) -> bool:
    """Say the same of an array of texts."""
    signs = np.frombuffer(array.tobytes(), f"{array.dtype.str[0]}u4")
    return not np.any((signs >= 0xD800) & (signs <= 0xDFFF))
