"""Drift from day to day: known shifts, no shift, units, and what chance makes of it."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.signal import lfilter

from eegtl.errors import InputError
from eegtl.transfer.distances import day_drift, drifts_between_days, mean_gap, usual_drift


def _windows(rng, n, d, memory):
    """Rows that follow each other are alike: autoregressive, of variance 1."""
    noise = rng.standard_normal((n + 200, d))
    return np.sqrt(1 - memory**2) * lfilter([1.0], [1.0, -memory], noise, axis=0)[200:]


@pytest.mark.parametrize("memory", [0.0, 0.5, 0.9])
def test_without_drift_nothing_is_left_on_average(memory):
    rng = np.random.default_rng(0)
    found = [
        day_drift(_windows(rng, 400, 20, memory), _windows(rng, 400, 20, memory)) for _ in range(60)
    ]
    squares = np.array([(drift.raw**2, drift.noise**2) for drift in found]).mean(axis=0)
    assert squares[1] == pytest.approx(squares[0], rel=0.15)
    truth = 2 / 400 * (1 + memory) / (1 - memory)
    assert squares[1] == pytest.approx(truth, rel=0.2)
    assert np.mean([drift.beyond_noise for drift in found]) < 0.1


@pytest.mark.parametrize(("memory", "shift"), [(0.0, 0.3), (0.9, 0.8)])
def test_a_known_shift_gives_that_drift(memory, shift):
    rng = np.random.default_rng(1)
    signs = rng.choice([-1, 1], 20)
    found = [
        day_drift(_windows(rng, 400, 20, memory), _windows(rng, 400, 20, memory) + shift * signs)
        for _ in range(40)
    ]
    squares = np.mean([drift.raw**2 - drift.noise**2 for drift in found])
    assert np.sqrt(squares) == pytest.approx(shift, rel=0.06)
    assert np.mean([drift.value for drift in found]) == pytest.approx(shift, rel=0.06)
    assert np.mean([drift.beyond_noise for drift in found]) > 0.95


def test_units_and_offsets_do_not_matter():
    rng = np.random.default_rng(2)
    a, b = _windows(rng, 100, 5, 0.5), _windows(rng, 80, 5, 0.5) + 0.4
    scale, offset = 10.0 ** np.arange(-2, 3), rng.standard_normal(5)
    one, other = day_drift(a, b), day_drift(a * scale + offset, b * scale + offset)
    for part in ("value", "raw", "noise"):
        assert getattr(other, part) == pytest.approx(getattr(one, part), rel=1e-9)
    assert one.raw == mean_gap(a, b)
    swapped = day_drift(b, a)
    assert (swapped.raw, swapped.noise) == pytest.approx((one.raw, one.noise), rel=1e-12)


def test_a_day_equals_itself_and_constant_features_are_left_out():
    rng = np.random.default_rng(3)
    day = np.column_stack([rng.standard_normal((50, 3)), np.full(50, 0.1)])
    assert (day_drift(day, day).value, day_drift(day, day).raw) == (0.0, 0.0)
    other = np.column_stack([rng.standard_normal((50, 3)), np.full(50, 7.0)])
    assert day_drift(day, other) == day_drift(day[:, :3], other[:, :3])


def test_days_of_one_person_follow_their_order_and_short_ones_are_left_out():
    rng = np.random.default_rng(4)
    X, days = rng.standard_normal((64, 3)), np.repeat([10, 9, 12, 11], [20, 20, 3, 21])
    found = drifts_between_days(X, days)
    assert [pair[:2] for pair in found] == [(9, 10), (10, 11)]
    assert found[0][2] == day_drift(X[20:40], X[:20])
    assert drifts_between_days(X[:20], days[:20]) == []
    assert usual_drift([drift.value for *_, drift in found]) >= 0
    assert np.isnan(usual_drift([]))


@pytest.mark.parametrize(
    ("earlier", "later", "message"),
    [
        (np.ones((3, 2)), np.ones((9, 2)), "the days have 3 and 9 rows; drift needs at least 4"),
        (
            np.ones((9, 2)),
            np.ones((9, 3)),
            r"the same features; got the shapes \(9, 2\) and \(9, 3",
        ),
        (np.ones((9, 2)), np.ones((9, 2)), "none of the 2 features varies within the domains"),
        (np.full((9, 2), np.nan), np.ones((9, 2)), r"NaN or infinite values \(9 and 0 rows\)"),
    ],
)
def test_what_has_no_drift_is_refused(earlier, later, message):
    with pytest.raises(InputError, match=message):
        day_drift(earlier, later)


def test_days_for_each_row():
    with pytest.raises(InputError, match=r"days has the shape \(2,\) for 9 rows; give one day for"):
        drifts_between_days(np.ones((9, 2)), [1, 2])
