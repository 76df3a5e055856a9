"""Packet numbers and stamps of boards: what was lost is exactly as wide as it should be."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eegtl.streaming.packets import PacketClock


def host(n: int, sfreq: float, jitter: float, seed: int = 0) -> np.ndarray:
    """Stamps of a host that reads in batches, a little late each time."""
    times = 100 + np.arange(n) / sfreq
    return times + jitter * np.random.default_rng(seed).random(n)


@pytest.mark.parametrize("wrap", [201, 256, 65_536])
def test_numbers_wrap_around_without_loss(wrap: int) -> None:
    clock = PacketClock(250.0)
    numbers = (wrap - 30 + np.arange(60)) % wrap
    stamps = clock.stamp(numbers, 5 + np.arange(60) / 250)
    assert clock.n_lost == 0
    np.testing.assert_allclose(np.diff(stamps), 1 / 250, rtol=1e-9)


def test_lost_packets_are_gaps_of_their_width() -> None:
    sfreq = 250.0
    kept = np.r_[0:100, 112:300]
    clock = PacketClock(sfreq)
    stamps = clock.stamp(kept % 256, host(300, sfreq, 0.0)[kept])
    assert clock.n_lost == 12
    steps = np.diff(stamps)
    assert steps[99] == pytest.approx(13 / sfreq)
    np.testing.assert_allclose(np.delete(steps, 99), 1 / sfreq, rtol=1e-9)


def test_jitter_of_the_host_is_smoothed_and_its_drift_followed() -> None:
    sfreq, true = 250.0, 250.4  # the device is a little faster than it says
    times = host(20_000, true, 0.02)
    stamps = PacketClock(sfreq).stamp(np.arange(20_000) % 256, times)
    steps = np.diff(stamps)
    assert steps.min() >= 0
    assert steps.max() < 1.1 / sfreq  # the host's steps have up to 6 periods
    assert np.diff(times).max() > 5 / sfreq
    late = stamps[10_000:] - (100 + np.arange(10_000, 20_000) / true)
    assert np.abs(late).max() < 0.02


def test_a_host_that_sleeps_is_followed_at_once() -> None:
    stamps = PacketClock(100.0).stamp([1, 2, 3, 4], [1.0, 1.01, 9.0, 9.01])
    assert stamps.tolist() == pytest.approx([1.0, 1.01, 9.0, 9.01])
    # and one that sets its clock back never makes time run backwards
    stamps = PacketClock(100.0).stamp([1, 2, 3], [5.0, 1.0, 1.01])
    assert stamps.tolist() == [5.0, 5.0, 5.0]


def test_samples_may_share_a_packet() -> None:
    clock = PacketClock(256.0)
    stamps = clock.stamp(np.repeat(np.arange(10), 12), 2 + np.arange(120) / 256)
    assert clock.n_lost == 0
    np.testing.assert_allclose(np.diff(stamps), 1 / 256, rtol=1e-9)


def muse(sfreq: float, kept: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Numbers, stamps and true times of a Muse's packets of 12 samples, as BrainFlow gives them.

    It spreads the 12 over the time between a packet and the one before that came.
    """
    arrival = 50 + 12 * kept / sfreq
    before = np.append(arrival[0] - 12 / sfreq, arrival[:-1])
    share = np.arange(1, 13) / 12
    stamps = before[:, None] + (arrival - before)[:, None] * share
    true = arrival[:, None] - np.arange(11, -1, -1) / sfreq
    return np.repeat(kept % 65_536, 12), stamps.ravel(), true.ravel()


@pytest.mark.parametrize("lost", [[500], [500, 501, 502], [500, 600, 700], list(range(500, 560))])
@pytest.mark.parametrize("first", [0, 65_000])
def test_a_lost_packet_is_as_wide_as_its_samples(lost: list[int], first: int) -> None:
    """A Muse gives its 12 samples one number: a step of the number is 12 samples, not one."""
    sfreq = 256.0
    numbers, times, true = muse(sfreq, np.setdiff1d(np.arange(1000), lost) + first)
    clock = PacketClock(sfreq)
    stamps = clock.stamp(numbers, times)
    assert (clock.n_lost, clock.n_late) == (len(lost), 0)
    np.testing.assert_allclose(stamps, true, atol=2e-3)
    wide = np.diff(stamps) > 1.5 / sfreq
    gaps = [12] * 3 if lost == [500, 600, 700] else [12 * len(lost)]
    np.testing.assert_allclose(np.diff(stamps)[wide] * sfreq, np.add(gaps, 1), rtol=1e-3)
    assert np.diff(stamps).min() > 0.95 / sfreq


def test_a_first_packet_that_was_cut_short_is_not_the_rule() -> None:
    numbers = np.repeat(np.r_[0:3, 5:9], 12)[7:]
    clock = PacketClock(256.0)
    stamps = clock.stamp(numbers, np.delete(np.arange(108), slice(36, 60))[7:] / 256)
    assert np.diff(stamps).max() == pytest.approx(25 / 256)
    assert clock.n_lost == 2


def test_numbers_may_go_in_steps() -> None:
    """OpenBCI's Daisy sends odd numbers; each is a sample."""
    kept = np.r_[0:200, 205:500]
    clock = PacketClock(125.0)
    stamps = clock.stamp((1 + 2 * kept) % 256, 3 + kept / 125)
    assert clock.n_lost == 5
    np.testing.assert_allclose(stamps, 3 + kept / 125, rtol=1e-12)


@pytest.mark.parametrize(
    "cycle",
    [
        np.repeat(np.arange(100), 2),
        np.repeat(np.arange(100, 200), 2),
        np.append(0, np.repeat(np.arange(1, 101), 2)),
        np.append(0, np.repeat(np.arange(101, 201), 2)),
    ],
    ids=["firmware 3, 18 bit", "firmware 3, 19 bit", "firmware 2, 18 bit", "firmware 2, 19 bit"],
)
def test_a_count_that_leaps_without_loss(cycle: np.ndarray) -> None:
    """OpenBCI's Ganglion: two samples share a number, and the count begins anew in its middle."""
    numbers = np.tile(cycle, 5)
    packet = np.cumsum(np.diff(numbers, prepend=numbers[0]) != 0)
    kept = np.flatnonzero((packet != 270) & (packet != 271))
    clock = PacketClock(200.0)
    stamps = clock.stamp(numbers[kept], 9 + kept / 200)
    assert (clock.n_lost, clock.n_late) == (2, 0)
    np.testing.assert_allclose(stamps, 9 + kept / 200, atol=1e-9)


@pytest.mark.parametrize("count", [1000, 2**33])
def test_a_board_that_begins_anew_has_lost_nothing(count: int) -> None:
    clock = PacketClock(250.0)
    numbers = np.r_[np.arange(100) + count, np.arange(100)]
    stamps = clock.stamp(numbers, np.arange(200) / 250)
    assert (clock.n_lost, clock.n_late) == (0, 0)
    np.testing.assert_allclose(stamps, np.arange(200) / 250, atol=1e-9)


@pytest.mark.parametrize("sfreq", [250.0, 1000.0])
@pytest.mark.parametrize("at", [100, 254, 255, 256, 257, 511])
@pytest.mark.parametrize("each", [1, 12])
def test_a_packet_that_another_overtook_is_late(sfreq: float, at: int, each: int) -> None:
    """It is no turn of the count, which would be 254 lost packets."""
    order = np.arange(600)
    order[[at, at + 1]] = order[[at + 1, at]]
    order = (each * order[:, None] + np.arange(each)).ravel()
    clock = PacketClock(sfreq)
    stamps = clock.stamp(order // each % 256, 5 + np.arange(len(order)) / sfreq)
    late = order // each == at
    assert (clock.n_lost, clock.n_late) == (1, 1)
    assert np.isnan(stamps).tolist() == late.tolist()
    rest = 5 + order[~late] / sfreq
    np.testing.assert_allclose(stamps[~late], rest, atol=0.5 * each / sfreq)


@given(st.lists(st.integers(1, 40), min_size=1, max_size=10), st.integers(0, 5))
def test_cutting_changes_nothing(sizes: list[int], seed: int) -> None:
    rng = np.random.default_rng(seed)
    numbers = np.cumsum(rng.choice([1, 1, 0, 0, 2, 5, -1], sum(sizes))) % 256
    times = np.sort(rng.random(sum(sizes)))
    whole = PacketClock(100.0)
    expected = whole.stamp(numbers, times)
    parts, clock, at = [], PacketClock(100.0), 0
    for size in sizes:
        parts.append(clock.stamp(numbers[at : at + size], times[at : at + size]))
        at += size
    np.testing.assert_array_equal(np.concatenate(parts), expected)
    assert clock.n_lost == whole.n_lost
