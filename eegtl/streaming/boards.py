"""Boards of BrainFlow as LSL streams of microvolts."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import numpy as np

from .._optional import require
from ..errors import InputError, StreamError
from .lsl import configure, local_clock
from .outlets import signal_outlet
from .packets import PacketClock
from .replay import refuse_no_name

#: Seconds from one look at the board to the next.
_LOOK = 0.02


@dataclass(frozen=True)
class BoardSettings:
    """Which board, and how it is reached.

    Parameters
    ----------
    board : str
        Name of BrainFlow's, in lower case without ``_BOARD``: ``synthetic``, ``cyton``, ``muse_2``,
        ``ganglion``, ``playback_file``, ...
    serial_port, mac_address, serial_number, ip_address, file : str
        What the board needs.
    ip_port : int
    master : str
        For ``playback_file``: the board that the file was recorded with.
    """

    board: str
    serial_port: str = ""
    mac_address: str = ""
    serial_number: str = ""
    ip_address: str = ""
    ip_port: int = 0
    file: str = ""
    master: str = ""


def board_names() -> list[str]:
    """List the boards that BrainFlow knows.

    Returns
    -------
    list of str
    """
    ids = _brainflow().BoardIds
    return sorted(_short(each.name) for each in ids if each.name != "NO_BOARD")


class Board:
    """A board at work; used in a ``with`` block.

    Parameters
    ----------
    settings : BoardSettings

    Attributes
    ----------
    sfreq : float
    ch_names : tuple of str

    Raises
    ------
    InputError
        When the board is unknown, or has no EEG.
    StreamError
        When it cannot be opened; BrainFlow's words stand in the message.
    MissingExtraError
        When BrainFlow is not installed.
    """

    def __init__(self, settings: BoardSettings) -> None:
        shim = _brainflow()
        self._shim = shim
        shim.BoardShim.disable_board_logger()
        board = _board_id(settings.board)
        described = _board_id(settings.master) if settings.master else board
        try:
            self._channels = shim.BoardShim.get_eeg_channels(described)
            self.sfreq = float(shim.BoardShim.get_sampling_rate(described))
            self._number = shim.BoardShim.get_package_num_channel(described)
            self._time = shim.BoardShim.get_timestamp_channel(described)
        except shim.BrainFlowError as error:
            raise InputError(
                f"the board {settings.board!r} gives no EEG ({error}); choose one of "
                "'eegtl bridge --list', and for playback_file name the board of the file by "
                "--master."
            ) from error
        self.ch_names = self._names(described)
        params = shim.BrainFlowInputParams()
        for name in ("serial_port", "mac_address", "serial_number", "ip_address", "file"):
            setattr(params, name, getattr(settings, name))
        params.ip_port = settings.ip_port
        if settings.master:
            params.master_board = described
        self._board = shim.BoardShim(board, params)
        self._clock = PacketClock(self.sfreq)
        self.name = settings.board

    def __enter__(self) -> Self:
        try:
            self._board.prepare_session()
            self._board.start_stream(45_000)
        except self._shim.BrainFlowError as error:
            if self._board.is_prepared():
                self._board.release_session()
            raise StreamError(
                f"the board {self.name!r} cannot be opened ({error}). Check that it is on, that no "
                "other program holds it, and the port or address: eegtl bridge --help."
            ) from error
        # both clocks at one moment: BrainFlow stamps in Unix time, LSL in its own
        self._offset = local_clock() - time.time()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._board.is_prepared():
            self._board.stop_stream()
            self._board.release_session()

    @property
    def n_lost(self) -> int:
        """Packets that did not come in their turn."""
        return self._clock.n_lost

    @property
    def n_late(self) -> int:
        """Packets that came after their turn, and were left out."""
        return self._clock.n_late

    def pull(self) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
        """Take what has come; what another packet has overtaken is left out.

        Returns
        -------
        values : ndarray of shape (n, n_channels)
            Microvolts.
        stamps : ndarray of shape (n,)
            Seconds of this machine's LSL clock.
        """
        data = self._board.get_board_data()
        stamps = self._clock.stamp(data[self._number], data[self._time] + self._offset)
        in_turn = np.isfinite(stamps)
        return data[self._channels][:, in_turn].T, stamps[in_turn]

    def _names(self, board: int) -> tuple[str, ...]:
        try:
            names = self._shim.BoardShim.get_eeg_names(board)
        except self._shim.BrainFlowError:
            names = []
        if len(names) == len(self._channels):
            return tuple(names)
        return tuple(f"channel {i + 1}" for i in range(len(self._channels)))


def bridge(
    board: Board,
    name: str,
    *,
    stop: threading.Event,
    seconds: float | None = None,
    network: bool = False,
    tell: Callable[[int, int], None] | None = None,
) -> int:
    """Publish a board's signal until `stop` is set.

    Parameters
    ----------
    board : Board
        Entered.
    name : str
        Of the stream; its source id is ``brainflow-<board>-<name>``.
    stop : threading.Event
    seconds : float, optional
        Until it is stopped by default.
    network : bool
    tell : callable, optional
        Is called with the numbers of packets lost and late so far, whenever one grows.

    Returns
    -------
    int
        Samples sent.

    Raises
    ------
    InputError
        When the name is empty, or seconds are not positive.
    """
    refuse_no_name(name)
    if seconds is not None and not seconds > 0:
        raise InputError(f"seconds must be positive; got {seconds!r}.")
    configure(network=network)
    outlet = signal_outlet(
        name,
        board.sfreq,
        board.ch_names,
        source_id=f"brainflow-{board.name}-{name}",
        manufacturer=f"BrainFlow {board.name}",
    )
    end = np.inf if seconds is None else time.monotonic() + seconds
    sent, missed = 0, (0, 0)
    while not stop.is_set() and time.monotonic() < end:
        values, stamps = board.pull()
        if len(stamps):
            outlet.push_chunk(np.ascontiguousarray(values, dtype=np.float32), stamps)
            sent += len(stamps)
        if (board.n_lost, board.n_late) != missed and tell is not None:
            missed = board.n_lost, board.n_late
            tell(*missed)
        stop.wait(_LOOK)
    return sent


def _brainflow() -> Any:
    require("brainflow", extra="devices", purpose="read a board")
    return require("brainflow.board_shim", extra="devices", purpose="read a board")


def _short(name: str) -> str:
    return name.removesuffix("_BOARD").lower()


def _board_id(name: str) -> int:
    ids = _brainflow().BoardIds
    known = {_short(each.name): int(each.value) for each in ids}
    if name.lower() not in known:
        raise InputError(f"BrainFlow knows no board {name!r}; it knows {', '.join(sorted(known))}.")
    return known[name.lower()]
