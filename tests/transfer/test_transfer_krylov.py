"""The iterative eigen-solver where spectra are flat, spaces invariant, pairs hidden by rounding."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from eegtl.errors import InputError, TransferWarning
from eegtl.transfer import MIDA, TCA
from eegtl.transfer.moments import row_moments
from eegtl.transfer.solvers import krylov
from eegtl.transfer.solvers.krylov import Pairs, largest_pairs, relative_residuals

N, M = 900, 20


def problem(values: np.ndarray) -> tuple[Callable, Callable]:
    """A diagonal operator, whose eigenpairs are known, and Rayleigh-Ritz for it."""

    def apply(V: np.ndarray) -> np.ndarray:
        return values[:, None] * V

    def ritz(V: np.ndarray, P: np.ndarray) -> Pairs:
        found, c = np.linalg.eigh(V.T @ P)
        found, c = found[::-1][:M], c[:, ::-1][:, :M]
        w = V @ c
        return Pairs(w, found, relative_residuals(apply(w), w, found))

    return apply, ritz


def solve(values: np.ndarray) -> Pairs:
    apply, ritz = problem(values)
    return largest_pairs(apply, ritz, len(values), M, np.empty((len(values), 0)))


#: evenly spread, so that a Krylov space of 640 vectors does not resolve the largest
FLAT = 1 + np.arange(N) / N


def test_a_flat_spectrum_is_solved_densely() -> None:
    np.testing.assert_allclose(solve(FLAT).eigenvalues, FLAT[::-1][:M], rtol=1e-12)


def test_a_flat_spectrum_of_too_many_rows_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(krylov, "DENSE_FALLBACK_ROWS", N - 1)
    with pytest.raises(
        InputError, match=r"component \d+ of 20 cannot be resolved: its residual is"
    ):
        solve(FLAT)


def test_an_invariant_space_is_left() -> None:
    values = np.zeros(N)
    values[:30] = 2.0  # a block of random vectors spans all it can reach after two products
    pairs = solve(values)
    np.testing.assert_allclose(pairs.eigenvalues, np.full(M, 2.0), rtol=1e-12)


def test_pairs_that_rounding_hides_are_left_out() -> None:
    vectors, values = np.eye(4), np.array([1.0, 1e-2, 1e-9, 1e-10])
    pairs = Pairs(vectors, values, np.array([0.0, 1e-9, 1e-3, 0.0]))
    assert pairs.trusted().eigenvalues.tolist() == [1.0, 1e-2]
    large = Pairs(vectors, np.array([1.0, 0.5, 0.4, 0.3]), pairs.residuals)
    with pytest.raises(InputError, match="component 3 of 4 cannot be resolved: its residual is 1"):
        large.trusted()
    rounded = Pairs(vectors, large.eigenvalues, np.array([0.0, 1e-9, 3e-8, 0.0]))
    with pytest.warns(TransferWarning, match="2 of 4 components are kept: rounding hides the"):
        assert rounded.trusted().eigenvalues.tolist() == [1.0, 0.5]
    with pytest.raises(InputError, match="component 3 of 4 cannot be resolved"):
        rounded.trusted(dense=False)
    nothing = Pairs(vectors, large.eigenvalues, np.array([3e-8, 0.0, 0.0, 0.0]))
    with pytest.raises(InputError, match="component 1 of 4 cannot be resolved"):
        nothing.trusted()


@pytest.mark.parametrize("method", [TCA(30), MIDA(30, kernel="rbf")], ids=["tca", "mida"])
def test_a_person_far_from_all_others_leaves_some_components(method: Any) -> None:
    """A dead headset: equal rows, at the floor of the features."""
    rng = np.random.default_rng(0)
    who = np.repeat(["ann", "ben", "cid"], 40)
    X = rng.standard_normal((120, 20)) @ np.diag(1 / np.arange(1, 21.0))
    X[who == "ben"] = -30.0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", TransferWarning)
        method.fit(X, np.arange(120) % 2, subjects=who).adapt(X[:40] + 0.1)
    mapped = method.transform(X[:40])
    assert 1 <= mapped.shape[1] <= 30
    assert np.isfinite(mapped).all()


def test_moments_skip_blocks_of_weight_zero() -> None:
    X = np.random.default_rng(0).standard_normal((5000, 2))
    weight = np.zeros(5000)
    weight[4500:] = 2.0  # the first block of rows has no weight at all
    count, mean, scatter = row_moments(X, weight)
    kept = X[4500:]
    assert count == 1000.0
    np.testing.assert_allclose(mean, kept.mean(axis=0), atol=1e-12)
    np.testing.assert_allclose(scatter, 2 * 500 * np.cov(kept.T, bias=True), rtol=1e-10)
    assert row_moments(X, np.zeros(5000))[0] == 0.0
