"""A disk that is full for a while."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from eegtl.streaming.new_file import NewFile


class _Full:
    """Takes seven bytes, and no more."""

    def __init__(self, true: Any, stuck: bool) -> None:
        self._true, self._stuck, self._left = true, stuck, 7

    def write(self, content: bytes) -> int:
        if not self._left:
            raise OSError(28, "No space left on device")
        taken = int(self._true.write(content[: self._left]))
        self._left -= taken
        return taken

    def truncate(self, size: int) -> int:
        if self._stuck:
            raise OSError(5, "Input/output error")
        self._left = 7
        return int(self._true.truncate(size))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._true, name)


@contextmanager
def full_disk(file: NewFile, *, stuck: bool = False) -> Iterator[None]:
    """Let a file meet a full disk; a stuck one cannot be made shorter either."""
    true = file._file
    file._file = _Full(true, stuck)  # type: ignore[assignment]
    try:
        yield
    finally:
        file._file = true
