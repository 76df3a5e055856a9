"""Stamps as devices, drivers and networks deliver them."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from eegtl.errors import InputError
from eegtl.streaming.clock import Piece, StreamClock

FS = 256.0
START = 5000.0


def regular(seconds: float, fs: float = FS, start: float = START) -> np.ndarray:
    return start + np.arange(round(seconds * fs)) / fs


def kinds(pieces: list[Piece]) -> list[tuple[int, int, str]]:
    return [(piece.start, piece.stop, piece.anomaly) for piece in pieces]


def backdated(
    n_packets: int, size: int, jitter: float, seed: int = 0, fs: float = FS
) -> np.ndarray:
    """Packets stamped on arrival, the samples counted backwards from there."""
    rng = np.random.default_rng(seed)
    arrival = START + size * np.arange(n_packets) / fs + jitter * rng.random(n_packets)
    return (arrival[:, None] - np.arange(size)[::-1] / fs).ravel()


def batches(n_packets: int, size: int = 12, fs: float = FS) -> np.ndarray:
    """One stamp for all samples of a packet."""
    return np.repeat(START + size * np.arange(n_packets) / fs, size)


def in_chunks(clock: StreamClock, stamps: np.ndarray, sizes: list[int]) -> list[Piece]:
    """Pieces of chunks, joined where a piece goes on."""
    out: list[Piece] = []
    at, turn = 0, 0
    while at < len(stamps):
        size = sizes[turn % len(sizes)]
        for piece in clock.take(stamps[at : at + size]):
            start, stop = piece.start + at, piece.stop + at
            if out and not piece.anomaly and out[-1].stop == start:
                out[-1] = Piece(out[-1].start, stop, out[-1].anomaly, out[-1].seconds)
            else:
                out.append(Piece(start, stop, piece.anomaly, piece.seconds))
        at, turn = at + size, turn + 1
    return out


@pytest.mark.parametrize("rate", [0.0, -1.0, np.nan, np.inf])
def test_a_rate_is_positive(rate: float) -> None:
    with pytest.raises(InputError, match=rf"a positive sampling rate; got {rate!r} Hz"):
        StreamClock(rate)


class TestGaps:
    @pytest.mark.parametrize("at", [100, 2000])
    @pytest.mark.parametrize("lost", [1, 2, 3, 12, 100, 1000])
    def test_what_is_lost_is_a_gap_from_two_samples_on(self, at: int, lost: int) -> None:
        stamps = np.delete(regular(20), slice(at, at + lost))
        clock = StreamClock(FS)
        pieces = clock.take(stamps)
        learning = at < 512 and lost < 64
        if lost == 1 or learning:
            assert kinds(pieces) == [(0, len(stamps), "")]
        else:
            assert kinds(pieces) == [(0, at, ""), (at, len(stamps), "gap")]
            assert pieces[1].seconds == pytest.approx((lost + 1) / FS)
        assert (clock.n_late, clock.n_unusable, clock.newest) == (0, 0, stamps[-1])

    @pytest.mark.parametrize("n_losses", [1, 2])
    def test_a_loss_at_the_beginning_makes_no_later_loss_usual(self, n_losses: int) -> None:
        stamps = regular(20)
        for loss in range(n_losses):
            stamps = np.delete(stamps, slice(100 + 100 * loss, 130 + 100 * loss))
        stamps = np.delete(stamps, slice(2000, 2020))
        pieces = StreamClock(FS).take(stamps)
        assert [piece.anomaly for piece in pieces] == ["", "gap"]
        assert pieces[1].seconds == pytest.approx(21 / FS)

    def test_a_long_gap_at_the_beginning_is_one(self) -> None:
        stamps = np.delete(regular(5), slice(100, 200))
        assert kinds(StreamClock(FS).take(stamps))[1][2] == "gap"

    def test_each_of_many(self) -> None:
        keep = np.ones(20_000, dtype=bool)
        places = np.arange(1000, 20_000, 1000)
        for place in places:
            keep[place : place + 5] = False
        pieces = StreamClock(FS).take(regular(20_000 / FS)[keep])
        assert [piece.anomaly for piece in pieces] == ["", *["gap"] * len(places)]

    def test_a_rate_that_is_slightly_off_gives_none(self) -> None:
        stamps = regular(3600, fs=256.0001)
        assert kinds(StreamClock(FS).take(stamps)) == [(0, len(stamps), "")]


class TestBatches:
    def test_equal_stamps_of_whole_packets_are_usual(self) -> None:
        stamps = batches(400)
        assert kinds(StreamClock(FS).take(stamps)) == [(0, len(stamps), "")]

    @pytest.mark.parametrize("lost", [1, 2, 10])
    def test_a_lost_packet_is_a_gap(self, lost: int) -> None:
        stamps = np.delete(batches(400), slice(2400, 2400 + 12 * lost))
        pieces = StreamClock(FS).take(stamps)
        assert kinds(pieces) == [(0, 2400, ""), (2400, len(stamps), "gap")]
        assert pieces[1].seconds == pytest.approx(12 * (lost + 1) / FS)

    def test_uneven_arrival_is_usual(self) -> None:
        rng = np.random.default_rng(0)
        arrival = START + 12 / FS * (np.arange(2000) + 0.3 * rng.random(2000))
        assert len(StreamClock(FS).take(np.repeat(arrival, 12))) == 1

    def test_packets_of_a_quarter_second_are_learnt_and_longer_ones_are_gaps(self) -> None:
        assert len(StreamClock(FS).take(batches(60, size=64))) == 1
        slow = StreamClock(FS).take(batches(60, size=128))
        assert [piece.anomaly for piece in slow[1:]] == ["gap"] * 59

    def test_packets_that_are_learnt_after_a_jump_are_learnt_anew(self) -> None:
        stamps = np.concatenate([regular(10), batches(200) + 1e6])
        assert [piece.anomaly for piece in StreamClock(FS).take(stamps)] == ["", "clock_jump"]


class TestJitter:
    @pytest.mark.parametrize("size", [4, 10, 12, 25])
    @pytest.mark.parametrize("jitter", [0.002, 0.01, 0.03])
    def test_packets_stamped_on_arrival_lose_nothing(self, size: int, jitter: float) -> None:
        stamps = backdated(round(60 * FS / size), size, jitter)
        assert (np.diff(stamps) < 0).any() == (jitter > 1 / FS)
        clock = StreamClock(FS)
        pieces = clock.take(stamps)
        assert sum(piece.stop - piece.start for piece in pieces) == len(stamps)
        assert clock.n_late == 0
        assert [piece.anomaly for piece in pieces] == [""]
        assert clock.newest == stamps.max()

    def test_noise_of_less_than_a_sample(self) -> None:
        rng = np.random.default_rng(1)
        stamps = regular(60) + 0.8 / FS * rng.random(round(60 * FS))
        clock = StreamClock(FS)
        assert kinds(clock.take(stamps)) == [(0, len(stamps), "")]
        assert clock.effective_rate() == pytest.approx(FS, rel=1e-3)

    def test_a_clock_set_back_by_half_a_second_loses_nothing(self) -> None:
        """The samples go on without a hole, whatever their stamps; the rate is measured anew."""
        stamps = regular(20)
        stamps[1280:] -= 0.5003
        clock = StreamClock(FS)
        assert kinds(clock.take(stamps[:3000])) == [(0, 3000, "")]
        assert clock.newest == stamps[2999]
        assert clock.effective_rate() == pytest.approx(FS)
        clock = StreamClock(FS)
        clock.take(stamps[:1290])
        assert np.isnan(clock.effective_rate())


class TestLate:
    @pytest.mark.parametrize("size", [2, 3, 12, 40, 200])
    @pytest.mark.parametrize("at", [300, 1500])
    def test_a_packet_that_comes_twice_is_left_out_and_is_no_gap(self, size: int, at: int) -> None:
        stamps = regular(10)
        twice = np.insert(stamps, at, stamps[at - size : at])
        clock = StreamClock(FS)
        pieces = clock.take(twice)
        assert kinds(pieces) == [(0, at, ""), (at + size, len(twice), "")]
        assert clock.n_late == size
        assert clock.effective_rate() == pytest.approx(FS)

    def test_an_older_packet_that_comes_again(self) -> None:
        stamps = regular(10)
        twice = np.insert(stamps, 1500, stamps[1400:1412])
        assert kinds(StreamClock(FS).take(twice)) == [(0, 1500, ""), (1512, len(twice), "")]

    def test_packets_in_the_wrong_order(self) -> None:
        """The second is seen to be missing, and comes when its place is taken."""
        stamps = regular(10)
        order = np.arange(len(stamps))
        order[1200:1224] = np.roll(order[1200:1224], 12)
        clock = StreamClock(FS)
        pieces = clock.take(stamps[order])
        assert kinds(pieces) == [(0, 1200, ""), (1200, 1212, "gap"), (1224, 2560, "")]
        assert clock.n_late == 12
        assert pieces[1].seconds == pytest.approx(13 / FS)

    def test_a_missing_packet_that_comes_twice_and_late(self) -> None:
        stamps = regular(10)
        missing = stamps[1200:1212]
        sent = np.concatenate([stamps[:1200], stamps[1212:1300], missing, missing, stamps[1300:]])
        clock = StreamClock(FS)
        assert kinds(clock.take(sent)) == [(0, 1200, ""), (1200, 1288, "gap"), (1312, 2572, "")]
        assert clock.n_late == 24

    def test_a_packet_of_one_stamp_that_comes_later_than_the_next(self) -> None:
        stamps = batches(200)
        order = np.arange(len(stamps))
        order[1200:1224] = np.roll(order[1200:1224], 12)
        clock = StreamClock(FS)
        pieces = clock.take(stamps[order])
        assert [piece.anomaly for piece in pieces] == ["", "gap", ""]
        assert clock.n_late == 12


class TestJumps:
    @pytest.mark.parametrize("jump", [-10.0, -200_000.0, 200_000.0, 3601.0, 1.7e9, -1.1])
    @pytest.mark.parametrize("at", [100, 1500])
    def test_time_starts_anew(self, jump: float, at: int) -> None:
        stamps = regular(10)
        stamps[at:] += jump
        clock = StreamClock(FS)
        pieces = clock.take(stamps)
        assert kinds(pieces) == [(0, at, ""), (at, 2560, "clock_jump")]
        assert pieces[1].seconds == pytest.approx(jump + 1 / FS)
        assert clock.newest == stamps[-1]
        assert clock.effective_rate() == pytest.approx(FS)

    def test_ten_seconds_forwards_are_a_gap(self) -> None:
        stamps = regular(10)
        stamps[1500:] += 10
        pieces = StreamClock(FS).take(stamps)
        assert kinds(pieces) == [(0, 1500, ""), (1500, 2560, "gap")]
        assert pieces[1].seconds == pytest.approx(10 + 1 / FS)

    def test_unix_time_mixed_in(self) -> None:
        stamps = regular(20)
        stamps[1000:1012] += 1.7e9
        stamps[3000:3012] += 1.7e9
        pieces = StreamClock(FS).take(stamps)
        assert [piece.start for piece in pieces] == [0, 1000, 1012, 3000, 3012]
        assert [piece.anomaly for piece in pieces] == ["", *["clock_jump"] * 4]

    def test_stamps_of_before_the_jump_are_forgotten(self) -> None:
        """The same stamps once more, after a jump back, are no repetition."""
        stamps = regular(10)
        clock = StreamClock(FS)
        clock.take(stamps)
        assert kinds(clock.take(stamps)) == [(0, 2560, "clock_jump")]
        assert clock.n_late == 0


class TestUnusable:
    @pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
    def test_samples_whose_stamp_is_no_number_are_left_out(self, bad: float) -> None:
        stamps = regular(10)
        stamps[[0, 1, 700, 1500, 1501, 1502]] = bad
        clock = StreamClock(FS)
        pieces = clock.take(stamps)
        assert kinds(pieces) == [(2, 700, ""), (701, 1500, ""), (1503, 2560, "gap")]
        assert clock.n_unusable == 6

    def test_nothing_else_than_such(self) -> None:
        clock = StreamClock(FS)
        assert clock.take(np.full(10, np.nan)) == []
        assert clock.take([]) == []
        assert np.isnan(clock.newest)
        assert np.isnan(clock.effective_rate())


def spoil(stamps: np.ndarray, faults: list[tuple[str, int, int]]) -> np.ndarray:
    for kind, place, size in faults:
        at = place % len(stamps)
        size = min(size, len(stamps) - at)
        if kind == "gap":
            stamps = np.delete(stamps, slice(at, at + size))
        elif kind == "twice":
            stamps = np.insert(stamps, at, stamps[max(0, at - size) : at])
        elif kind == "order" and size > 1:
            stamps[at : at + size] = np.roll(stamps[at : at + size], size // 2)
        elif kind == "nan":
            stamps[at : at + min(size, 5)] = np.nan
        elif kind == "jump":
            stamps[at:] += (size - 60) ** 3
        elif kind == "back":
            stamps[at:] -= size / FS
        if not len(stamps):
            return regular(1)
    return stamps


FAULTS = st.lists(
    st.tuples(
        st.sampled_from(["gap", "twice", "order", "nan", "jump", "back"]),
        st.integers(0, 2000),
        st.integers(1, 150),
    ),
    max_size=6,
)
STREAMS = st.sampled_from(
    [regular(6), batches(128), backdated(128, 12, 0.02), backdated(150, 10, 0.05, seed=5)]
)


@given(stream=STREAMS, faults=FAULTS, sizes=st.lists(st.integers(1, 400), min_size=1, max_size=5))
@example(stream=backdated(128, 12, 0.02), faults=[("back", 1371, 200)], sizes=[1])
def test_chunks_make_no_difference(stream: Any, faults: Any, sizes: list[int]) -> None:
    stamps = spoil(stream.copy(), faults)
    whole, cut, single = StreamClock(FS), StreamClock(FS), StreamClock(FS)
    expected = in_chunks(whole, stamps, [len(stamps)])
    assert in_chunks(cut, stamps, sizes) == expected
    assert in_chunks(single, stamps, [1]) == expected
    rates = [clock.effective_rate() for clock in (whole, cut, single)]
    np.testing.assert_equal(rates[1:], rates[:1] * 2)
    for clock in (cut, single):
        np.testing.assert_equal(vars(clock), vars(whole))


@given(stream=STREAMS, faults=FAULTS)
def test_every_sample_is_in_one_piece_or_counted(stream: Any, faults: Any) -> None:
    stamps = spoil(stream.copy(), faults)
    clock = StreamClock(FS)
    pieces = clock.take(stamps)
    n_taken = sum(piece.stop - piece.start for piece in pieces)
    assert n_taken + clock.n_late + clock.n_unusable == len(stamps)
    edges = [edge for piece in pieces for edge in (piece.start, piece.stop)]
    assert edges == sorted(edges)
    assert all((piece.seconds != 0) == bool(piece.anomaly) for piece in pieces)


class TestRate:
    @pytest.mark.parametrize("fs", [250.0, 253.0, 256.0001, 512.0])
    @pytest.mark.parametrize("sizes", [[1], [7, 40], [10_000]])
    def test_is_that_of_the_stamps(self, fs: float, sizes: list[int]) -> None:
        clock = StreamClock(FS)
        in_chunks(clock, regular(15, fs=fs), sizes)
        assert clock.effective_rate() == pytest.approx(fs, rel=1e-9)

    def test_is_told_from_two_seconds_on_and_anew_after_a_gap(self) -> None:
        clock = StreamClock(FS)
        clock.take(regular(1.9))
        assert np.isnan(clock.effective_rate())
        clock.take(regular(1, start=START + 1.9))
        assert clock.effective_rate() == pytest.approx(FS, rel=2e-3)
        clock.take(regular(1, start=START + 10))
        assert np.isnan(clock.effective_rate())

    def test_follows_a_change_within_ten_seconds(self) -> None:
        clock = StreamClock(FS)
        clock.take(regular(30))
        clock.take(regular(11, fs=200.0, start=START + 30))
        assert clock.effective_rate() == pytest.approx(200.0, rel=0.01)

    def test_of_batches_and_of_packets_stamped_on_arrival(self) -> None:
        for stamps in (batches(400), backdated(400, 12, 0.02)):
            clock = StreamClock(FS)
            clock.take(stamps)
            assert clock.effective_rate() == pytest.approx(FS, rel=5e-3)


def size_of(clock: StreamClock) -> int:
    return sum(
        sys.getsizeof(value) + 32 * (len(value) if hasattr(value, "__len__") else 1)
        for value in vars(clock).values()
    )


def test_memory_is_bounded() -> None:
    clock = StreamClock(FS)
    at, sizes = 0, []
    for _ in range(100):
        clock.take(START + np.arange(at, at + 10_000) / FS)
        at += 10_000
        sizes.append(size_of(clock))
    assert max(sizes[1:]) <= 1.2 * sizes[1]
    assert at == 1_000_000


def test_a_usual_million_of_samples_is_judged_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sample by sample it would take seconds; only the first two seconds are."""
    calls = 0
    judge = StreamClock._judge

    def counted(clock: StreamClock, *given: Any) -> Any:
        nonlocal calls
        calls += 1
        return judge(clock, *given)

    monkeypatch.setattr(StreamClock, "_judge", counted)
    clock = StreamClock(FS)
    in_chunks(clock, regular(1_000_000 / FS), [10])
    assert 512 <= calls <= 530


def test_stamps_that_agree_by_chance_are_asked_for() -> None:
    """Packets of whole milliseconds overlap: only samples that came before are left out."""
    clock = StreamClock(FS)
    clock.take(regular(5))
    stamps = regular(5)[-8:]
    asked: list[int] = []

    def came_before(place: int) -> bool:
        asked.append(place)
        return place >= 4

    pieces = clock.take(stamps, came_before)
    assert clock.n_late == 4
    assert sum(piece.stop - piece.start for piece in pieces) == 4
    assert asked == list(range(8))
