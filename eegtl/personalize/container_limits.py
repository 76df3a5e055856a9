"""What a container may hold: looked at when one is written, and before anything is unpacked."""

from __future__ import annotations

import re

from ..errors import ContainerError

#: Unpacked; a profile has some megabytes.
MAX_BYTES = 512 * 2**20
MAX_MANIFEST_BYTES = 32 * 2**20
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
