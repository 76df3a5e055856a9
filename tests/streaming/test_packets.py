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


@given(st.lists(st.integers(1, 40), min_size=1, max_size=10), st.integers(0, 5))
def test_cutting_changes_nothing(sizes: list[int], seed: int) -> None:
    rng = np.random.default_rng(seed)
    numbers = np.cumsum(rng.integers(1, 3, sum(sizes))) % 256
    times = np.sort(rng.random(sum(sizes)))
    whole = PacketClock(100.0)
    expected = whole.stamp(numbers, times)
    parts, clock, at = [], PacketClock(100.0), 0
    for size in sizes:
        parts.append(clock.stamp(numbers[at : at + size], times[at : at + size]))
        at += size
    np.testing.assert_array_equal(np.concatenate(parts), expected)
    assert clock.n_lost == whole.n_lost
