"""ReliefF against its pseudo-code, and what is known of it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference.relieff_naive import relieff_loops

from eegtl.errors import InputError
from eegtl.transfer import relieff as module
from eegtl.transfer.relieff import relieff


def problem(n=60, d=6, n_classes=2, seed=0):
    """Feature 0 tells the classes apart, the others nothing."""
    rng = np.random.default_rng(seed)
    y = rng.permutation(np.arange(n) % n_classes)
    X = rng.standard_normal((n, d))
    X[:, 0] = 2 * y + 0.5 * X[:, 0]
    return X, y


@pytest.mark.parametrize("n_neighbors", [1, 3, 10, 100])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_equals_the_loops(n_neighbors, n_classes):
    X, y = problem(40, 4, n_classes)
    expected = relieff_loops(X, y.tolist(), n_neighbors)
    np.testing.assert_allclose(relieff(X, y, n_neighbors=n_neighbors), expected, atol=1e-12)


def test_equals_the_loops_where_classes_differ_in_size():
    X, _ = problem(30, 3)
    y = np.array(["a"] * 20 + ["b"] * 9 + ["c"])  # nobody is near the one of class c
    np.testing.assert_allclose(
        relieff(X, y, n_neighbors=4), relieff_loops(X, y.tolist(), 4), atol=1e-12
    )


def test_equals_the_loops_in_small_blocks(monkeypatch):
    X, y = problem(30, 3)
    monkeypatch.setattr(module, "_BLOCK_VALUES", 60)
    np.testing.assert_allclose(
        relieff(X, y, n_neighbors=5), relieff_loops(X, y.tolist(), 5), atol=1e-12
    )


def test_irrelevant_features_weigh_nothing_and_the_relevant_one_much():
    weights = np.array([relieff(*problem(200, seed=seed)) for seed in range(10)])
    assert np.abs(weights[:, 1:].mean(axis=0)).max() < 0.01
    assert weights[:, 0].min() > 0.1


def test_finds_what_no_feature_tells_alone():
    """Classes of exclusive or: features 0 and 1 count together, as a correlation cannot see."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((300, 5))
    y = (X[:, 0] > 0) ^ (X[:, 1] > 0)
    weights = relieff(X, y)
    assert weights[:2].min() > 2 * np.abs(weights[2:]).max()


def test_scale_offset_and_order():
    X, y = problem()
    weights = relieff(X, y)
    scale, offset = np.array([1e-3, 5.0, 1e4, -2.0, 1.0, 7.0]), np.arange(6) * 100.0
    np.testing.assert_allclose(relieff(X * scale + offset, y), weights, atol=1e-10)
    order = np.random.default_rng(1).permutation(len(X))
    np.testing.assert_allclose(relieff(X[order], y[order]), weights, atol=1e-12)
    columns = [3, 1, 0, 5, 2, 4]
    np.testing.assert_allclose(relieff(X[:, columns], y), weights[columns], atol=1e-12)
    np.testing.assert_allclose(relieff(X, np.array(["x", "w"])[y]), weights, atol=1e-12)


def test_duplicates_weigh_the_same_and_constants_nothing():
    X, y = problem()
    weights = relieff(np.column_stack([X, X[:, 0], np.full(len(X), 3.0)]), y)
    assert weights[6] == pytest.approx(weights[0], abs=1e-14)
    assert weights[7] == 0.0
    # a constant one changes nothing for the others
    np.testing.assert_allclose(relieff(np.column_stack([X, np.ones(60)]), y)[:6], relieff(X, y))


def test_equal_distances_do_not_depend_on_the_order():
    X = np.array([[0, 0], [0, 1], [1, 0], [1, 1], [0, 2], [2, 0], [2, 2], [1, 2]], dtype=float)
    y = np.array([0, 0, 0, 0, 1, 1, 1, 1])
    weights = relieff(X, y, n_neighbors=2)
    for seed in range(5):
        order = np.random.default_rng(seed).permutation(8)
        np.testing.assert_allclose(relieff(X[order], y[order], n_neighbors=2), weights, atol=1e-12)


@given(st.integers(2, 12), st.integers(1, 4), st.integers(0, 2**16), st.integers(1, 12))
@settings(max_examples=40)
def test_weights_are_bounded(n, d, seed, n_neighbors):
    rng = np.random.default_rng(seed)
    y = rng.permutation(np.arange(n) % min(n, 3))
    weights = relieff(rng.standard_normal((n, d)), y, n_neighbors=n_neighbors)
    assert np.all(np.abs(weights) <= 1)


@pytest.mark.parametrize(
    ("X", "y", "n_neighbors", "message"),
    [
        (np.ones((3, 2)), [0, 1], 1, r"got the shapes \(3, 2\) and \(2,\)"),
        (np.ones(3), [0, 1, 1], 1, r"got the shapes \(3,\) and \(3,\)"),
        (np.ones((2, 1)), ["a", "a"], 1, r"at least two classes; got 2 rows of \['a'\]"),
        ([[np.nan], [1.0]], [0, 1], 1, "1 of 2 values are not finite"),
        (np.ones((2, 1)), [0, 1], 0, "n_neighbors must be a positive integer; got 0"),
    ],
)
def test_bad_input(X, y, n_neighbors, message):
    with pytest.raises(InputError, match=message):
        relieff(X, y, n_neighbors=n_neighbors)
