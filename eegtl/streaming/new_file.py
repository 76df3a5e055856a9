"""Files that grow while a session goes on: never over another one, and by whole pieces."""

from __future__ import annotations

import os
from contextlib import suppress
from io import FileIO
from pathlib import Path

from ..errors import EegtlError, InputError


class WriteError(EegtlError, OSError):
    """A file that is being written cannot take more: the disk is full, or gone."""


class NewFile:
    """A file that was not there before, to which whole pieces are appended.

    Parameters
    ----------
    path : Path
    taken : str
        What to say behind its name when it is there already.

    Attributes
    ----------
    path : Path
    size : int
        Bytes of the pieces that were appended.

    Raises
    ------
    InputError
        When it is there already, or cannot be made.
    """

    def __init__(self, path: Path, *, taken: str) -> None:
        self.path, self.size, self._torn = path, 0, False
        try:
            self._file = FileIO(path, "xb")  # x refuses what is there
        except FileExistsError as error:
            raise InputError(f"{path} {taken}") from error
        except (OSError, ValueError) as error:  # the latter for what can be no name
            if isinstance(error, FileNotFoundError) and not path.parent.exists():
                raise InputError(
                    f"{path} cannot be written: the folder {path.parent} does not exist; make it"
                ) from error
            raise InputError(
                f"{path} cannot be written ({_why(error)}); check that the folder is one and is "
                "yours, or choose another name or place"
            ) from error

    @property
    def closed(self) -> bool:
        """Whether it takes no more."""
        return self._file.closed

    def append(self, piece: bytes) -> None:
        """Append a piece, or nothing: half a piece would hide those behind it.

        Parameters
        ----------
        piece : bytes

        Raises
        ------
        WriteError
            When the disk is full, or gone; it may be tried again.
        """
        rest = memoryview(piece)
        try:
            if self._torn:
                self._mend()
            self._torn = True
            while rest:
                rest = rest[self._file.write(rest) :]
        except BaseException as error:
            with suppress(OSError):  # else before the next piece
                self._mend()
            if isinstance(error, OSError):
                raise self.cannot(error) from error
            raise
        self._torn = False
        self.size += len(piece)

    def sync(self) -> None:
        """Wait until all is on the disk.

        Raises
        ------
        WriteError
            When it does not get there.
        """
        try:
            os.fsync(self._file.fileno())
        except OSError as error:
            raise self.cannot(error) from error

    def close(self) -> None:
        """Let go of it; twice does no harm."""
        with suppress(OSError):
            self._file.close()

    def discard(self) -> None:
        """Remove it."""
        self.close()
        with suppress(OSError):
            self.path.unlink()

    def cannot(self, error: OSError) -> WriteError:
        """Say in one paragraph what the operating system says.

        Parameters
        ----------
        error : OSError

        Returns
        -------
        WriteError
        """
        return WriteError(
            f"{self.path} cannot be written any more ({_why(error)}); what it holds so far can be "
            "read. Make space on the disk, or write to another one"
        )

    def _mend(self) -> None:
        """Cut off half a piece."""
        self._file.truncate(self.size)
        self._file.seek(self.size)
        self._torn = False


def _why(error: OSError | ValueError) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
