from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import distances_naive as naive

from eegtl.errors import InputError
from eegtl.transfer.distances import (
    DISTANCES,
    mean_gap,
    mmd_linear,
    mmd_multi,
    mmd_rbf,
    split_noise,
)


def _domains(seed=0, n=(12, 10), d=4, shift=0.7):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((n[0], d)), rng.standard_normal((n[1], d)) + shift


@pytest.mark.parametrize("seed", range(3))
def test_distances_equal_the_sums_over_pairs(seed):
    A, B = _domains(seed)
    a, b = A.tolist(), B.tolist()
    assert mean_gap(A, B) == pytest.approx(naive.mean_gap(a, b), rel=1e-12)
    assert mmd_linear(A, B) == pytest.approx(naive.mmd(a, b, naive.linear), rel=1e-10)
    assert mmd_rbf(A, B, gamma=0.3) == pytest.approx(naive.mmd(a, b, naive.rbf(0.3)), rel=1e-10)
    width = naive.median_width(a, b)
    assert mmd_rbf(A, B) == pytest.approx(naive.mmd(a, b, naive.rbf(width)), rel=1e-10)
    several = naive.mmd(a, b, naive.several_rbf(width))
    assert mmd_multi(A, B) == pytest.approx(several, rel=1e-10)
    assert mmd_multi(A, B, gamma=0.3) == pytest.approx(
        naive.mmd(a, b, naive.several_rbf(0.3)), rel=1e-10
    )


def test_blocks_do_not_change_the_sum():
    A, B = _domains(n=(700, 1100))
    whole = mmd_rbf(A, B, gamma=0.2)
    K = [
        np.exp(-0.2 * np.square(X[:, None] - Y[None]).sum(-1)) for X, Y in ((A, A), (B, B), (A, B))
    ]
    within = [(k.sum() - len(k)) / (len(k) * (len(k) - 1)) for k in K[:2]]
    assert whole == pytest.approx(sum(within) - 2 * K[2].mean(), rel=1e-9)


@settings(max_examples=20)
@given(seed=st.integers(0, 99), factor=st.floats(0.1, 10), offset=st.floats(-50, 50))
def test_what_a_change_of_units_and_of_the_order_changes(seed, factor, offset):
    A, B = _domains(seed)
    moved = [factor * X + offset for X in (A, B)]
    assert mean_gap(*moved) == pytest.approx(mean_gap(A, B), rel=1e-6)
    assert mmd_linear(*moved) == pytest.approx(factor**2 * mmd_linear(A, B), rel=1e-6, abs=1e-9)
    for distance in (mmd_rbf, mmd_multi):
        assert distance(*moved) == pytest.approx(distance(A, B), rel=1e-6, abs=1e-9)
    order = np.random.default_rng(seed).permutation(len(A))
    for distance in DISTANCES.values():
        assert distance(A[order], B) == pytest.approx(distance(A, B), abs=1e-12)
        assert distance(B, A) == pytest.approx(distance(A, B), abs=1e-12)


def test_of_many_rows_the_discrepancy_is_unbiased_in_any_order():
    # of one line, so that rows drawn alike from both sides would lie closer than by chance
    found = [mmd_rbf(*_domains(seed, n=(700, 600), d=1, shift=0.0)) for seed in range(30)]
    assert abs(np.mean(found)) < 3 * np.std(found) / np.sqrt(30)
    A, B = _domains(n=(700, 600))
    order = np.random.default_rng(1).permutation(700)
    assert mmd_rbf(A[order], B) == pytest.approx(mmd_rbf(A, B), rel=1e-9)
    assert mmd_rbf(B, A) == pytest.approx(mmd_rbf(A, B), rel=1e-9)


@settings(max_examples=20)
@given(seed=st.integers(0, 99))
def test_discrepancies_do_not_change_when_both_domains_are_rotated_and_moved(seed):
    A, B = _domains(seed)
    rotation = np.linalg.qr(np.random.default_rng(seed).standard_normal((4, 4)))[0]
    moved = [X @ rotation + 7.0 for X in (A, B)]
    for distance in (mmd_linear, mmd_rbf, mmd_multi):
        assert distance(*moved) == pytest.approx(distance(A, B), rel=1e-8, abs=1e-12)


def test_several_widths_see_what_one_cannot():
    """A comb and its gaps: the same on the scale of the kernel's width, s = 1."""
    rng = np.random.default_rng(0)
    A, B = (rng.integers(0, 20, (400, 1)) + 0.05 * rng.standard_normal((400, 1)) for _ in "AB")
    B += 0.5
    settings = {"gamma": 0.5}
    one, several = (
        (d(A, B, **settings), d(A[:200], A[200:], **settings)) for d in (mmd_rbf, mmd_multi)
    )
    assert abs(one[0]) < 2 * abs(one[1])
    assert several[0] > 4 * abs(several[1])


@pytest.mark.parametrize("name", ["mmd_linear", "mmd_rbf", "mmd_multi"])
def test_the_discrepancy_of_one_distribution_is_nothing_on_average(name):
    found = [DISTANCES[name](*_domains(seed, n=(30, 20), shift=0.0)) for seed in range(200)]
    # three standard errors of the mean of 200 values
    assert abs(np.mean(found)) < 3 * np.std(found) / np.sqrt(200)
    assert min(found) < 0  # unbiased, so it falls below zero as well


def test_linear_discrepancy_finds_the_squared_distance_of_the_means():
    A, B = _domains(n=(4000, 4000), d=3, shift=2.0)
    assert mmd_linear(A, B) == pytest.approx(3 * 2.0**2, rel=0.05)
    assert mean_gap(A, B) == pytest.approx(2.0, rel=0.05)


def test_constant_features_are_left_out_of_the_gap():
    A, B = _domains()
    held = [np.column_stack([X, np.full(len(X), 1e6)]) for X in (A, B)]
    assert mean_gap(*held) == pytest.approx(mean_gap(A, B), rel=1e-12)
    with pytest.raises(InputError, match=r"none of the 2 features varies .* \(3 and 4 rows\)"):
        mean_gap(np.ones((3, 2)), np.zeros((4, 2)))


@pytest.mark.parametrize("distance", DISTANCES.values())
def test_domains_that_do_not_compare_are_refused(distance):
    with pytest.raises(InputError, match=r"same features; got the shapes \(3, 2\) and \(3, 4\)"):
        distance(np.ones((3, 2)), np.ones((3, 4)))
    with pytest.raises(InputError, match=r"two rows of each domain; got 1 and 5\."):
        distance(np.ones((1, 2)), np.ones((5, 2)))


@pytest.mark.parametrize("distance", DISTANCES.values())
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_rows_that_are_not_finite_are_refused(distance, bad):
    A, B = _domains()
    B[[2, 5], 1] = bad
    with pytest.raises(InputError, match=r"NaN or infinite values \(0 and 2 rows\)"):
        distance(A, B)


@pytest.mark.parametrize("distance", [mmd_rbf, mmd_multi])
@pytest.mark.parametrize("gamma", ["mean", 0.0, -1.0, np.inf])
def test_a_width_that_is_none_is_refused(distance, gamma):
    with pytest.raises(InputError, match=f"'median' or a positive number; got {gamma!r}"):
        distance(*_domains(), gamma=gamma)


def test_noise_sees_drift_within_trials_but_not_the_classes():
    rng = np.random.default_rng(0)
    trials = np.repeat(np.arange(4), 40)
    still = rng.standard_normal((160, 3))
    classes = still + 20 * (trials % 2)[:, None]
    drift = still + np.tile(np.linspace(-3, 3, 40), 4)[:, None]
    quiet = split_noise(mean_gap, still, trials)
    assert quiet == pytest.approx(1 / np.sqrt(40), rel=0.7)  # what 80 rows a half make of nothing
    assert split_noise(mean_gap, classes, trials) < quiet
    assert split_noise(mean_gap, drift, trials) > 4 * quiet


def test_noise_by_hand():
    X = np.arange(8.0)[:, None]
    halves = [
        ([0, 1, 2, 3], [4, 5, 6, 7]),
        ([0, 1, 4, 5], [2, 3, 6, 7]),
        ([0, 1, 6, 7], [2, 3, 4, 5]),
    ]
    gaps = [np.mean(b) - np.mean(a) for a, b in halves]
    found = split_noise(lambda A, B: A.mean() - B.mean(), X, np.zeros(8))
    assert found == pytest.approx(np.sqrt(np.mean(np.square(gaps))))


def test_noise_of_short_trials_and_of_too_few_rows():
    X = np.random.default_rng(0).standard_normal((8, 2))
    assert np.isfinite(split_noise(mean_gap, X, np.arange(8)))  # one window a trial
    assert np.isnan(split_noise(mean_gap, X[:3], [0, 0, 0]))
