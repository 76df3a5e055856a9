"""BrainFlow's synthetic and playback boards through the bridge."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest
from brainflow.board_shim import BoardIds, BoardShim, BrainFlowInputParams

from eegtl.errors import InputError, StreamError
from eegtl.streaming.boards import Board, BoardSettings, board_names
from eegtl.streaming.lsl import local_clock


def pull_some(board: Board, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Wait for some samples."""
    parts = []
    end = time.monotonic() + 20
    while sum(len(stamps) for _, stamps in parts) < n and time.monotonic() < end:
        parts.append(board.pull())
        time.sleep(0.02)
    values = np.vstack([values for values, _ in parts])
    return values, np.concatenate([stamps for _, stamps in parts])


def test_synthetic_board() -> None:
    assert {"synthetic", "cyton", "muse_2", "playback_file"} <= set(board_names())
    with Board(BoardSettings("synthetic")) as board:
        assert board.sfreq == 250.0
        assert len(board.ch_names) == 16
        assert board.ch_names[:2] == ("Fz", "C3")
        values, stamps = pull_some(board, 200)
        now = local_clock()
    assert values.shape == (len(stamps), 16)
    assert 1.0 < np.abs(values).max() < 1e4  # microvolts
    assert np.diff(stamps).min() >= 0
    assert abs(now - stamps[-1]) < 5.0
    assert np.median(np.diff(stamps)) == pytest.approx(1 / 250, rel=0.2)
    assert board.n_lost == 0


def test_playback_board(tmp_path: Path) -> None:
    """What is played is what was recorded."""
    file = tmp_path / "synthetic.csv"
    shim = BoardShim(BoardIds.SYNTHETIC_BOARD.value, BrainFlowInputParams())
    shim.prepare_session()
    try:
        shim.add_streamer(f"file://{file}:w")
        shim.start_stream()
        end = time.monotonic() + 20
        while shim.get_board_data_count() < 300 and time.monotonic() < end:
            time.sleep(0.05)
        shim.stop_stream()
    finally:
        shim.release_session()
    recorded = np.loadtxt(file, delimiter="\t")[:, BoardShim.get_eeg_channels(-1)]
    with Board(BoardSettings("playback_file", file=str(file), master="synthetic")) as board:
        values, _ = pull_some(board, 100)
    assert len(values) >= 100
    np.testing.assert_allclose(values[:100], recorded[:100], atol=1e-5)


def test_packets_that_were_overtaken_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    board = Board(BoardSettings("synthetic"))
    monkeypatch.setattr(board, "_offset", 0.0, raising=False)
    data = np.zeros((40, 6))
    data[board._number] = [100, 101, 103, 102, 104, 106]
    data[board._time] = 9 + np.arange(6) / 250
    data[board._channels] = np.arange(6)
    monkeypatch.setattr(board._board, "get_board_data", lambda: data)
    values, stamps = board.pull()
    assert values.shape == (5, 16)
    assert values[:, 0].tolist() == [0, 1, 2, 4, 5]
    assert np.diff(stamps).min() > 0
    assert (board.n_lost, board.n_late) == (2, 1)


def test_errors_say_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"knows no board 'headset'; it knows .*synthetic"):
        Board(BoardSettings("headset"))
    with pytest.raises(InputError, match=r"'playback_file' gives no EEG .* by --master"):
        Board(BoardSettings("playback_file"))
    missing = BoardSettings("playback_file", file=str(tmp_path / "no.csv"), master="synthetic")
    message = r"'playback_file' cannot be opened \(.*\)\. Check that it is on"
    with pytest.raises(StreamError, match=message), Board(missing):
        pass
