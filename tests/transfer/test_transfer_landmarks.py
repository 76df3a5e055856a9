"""Landmarks: the Nystroem approximation of the Gaussian kernel, and when it comes in."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from reference.tca_naive import absolute_mu, kernel_matrix, tca_dense
from transfer.transfer_problems import domains, gram, unit_scores

from eegtl.errors import MemoryEstimateError, TransferWarning
from eegtl.transfer import KPCA, TCA, projection


def test_as_many_landmarks_as_rows_are_exact() -> None:
    X, T = domains(40, 20, 4)
    exact = TCA(3, n_landmarks=None).fit(X, X_target=T)
    for n_landmarks in (60, 61, 1000):
        all_rows = TCA(3, n_landmarks=n_landmarks).fit(X, X_target=T)
        assert all_rows.approximation_ == "exact"
        np.testing.assert_array_equal(all_rows.transform(T), exact.transform(T))


def test_error_shrinks_with_more_landmarks() -> None:
    X, T = domains(200, 100, 4)
    exact = gram(TCA(3).fit(X, X_target=T).transform(T))
    errors = []
    for n_landmarks in (10, 30, 90, 200):
        tca = TCA(3, n_landmarks=n_landmarks).fit(X, X_target=T)
        assert tca.approximation_ == f"Nystroem, {n_landmarks} landmarks of 300 rows"
        assert tca.anchors_.shape == (n_landmarks, 4)
        errors.append(np.abs(gram(tca.transform(T)) - exact).max())
    assert np.all(np.diff(errors) < 0)
    assert errors[-1] < 1e-4 * np.abs(exact).max()


def test_landmarks_solve_the_problem_of_the_approximated_matrix() -> None:
    X, T = domains(60, 30, 4)
    tca = TCA(3, n_landmarks=20, mu=0.1).fit(X, X_target=T)
    rows = np.vstack([X, T])
    C = kernel_matrix(rows, tca.anchors_, tca.gamma_)
    middle = kernel_matrix(tca.anchors_, tca.anchors_, tca.gamma_)
    approximated = C @ np.linalg.pinv(middle, rcond=1e-10, hermitian=True) @ C.T
    mu = absolute_mu(approximated, 60, 0.1)
    values, _, scores = tca_dense(approximated, 60, 3, mu)
    np.testing.assert_allclose(tca.eigenvalues_, values, rtol=1e-6)
    np.testing.assert_allclose(gram(unit_scores(tca, rows)), gram(scores), atol=1e-5)


def test_sources_and_target_both_give_landmarks() -> None:
    X, T = domains(90, 10, 3)
    anchors = TCA(2, n_landmarks=20).fit(X, X_target=T).anchors_
    from_target = sum(bool((anchor == T).all(axis=1).any()) for anchor in anchors)
    assert from_target == 2
    few = TCA(2, n_landmarks=5).fit(X, X_target=T[:1]).anchors_
    assert (few == T[0]).all(axis=1).any()


def test_random_state_draws_them() -> None:
    X, T = domains(90, 10, 3)
    a, b, c = (
        TCA(2, n_landmarks=20, random_state=r).fit(X, X_target=T).transform(T) for r in (0, 0, 1)
    )
    np.testing.assert_array_equal(a, b)
    assert np.abs(gram(a) - gram(c)).max() > 1e-6


def test_row_order_does_not_matter() -> None:
    X, T = domains(90, 30, 3)
    order, target_order = np.random.default_rng(0).permutation(90), np.arange(30)[::-1]
    a = TCA(2, n_landmarks=20).fit(X, X_target=T)
    b = TCA(2, n_landmarks=20).fit(X[order], X_target=T[target_order])
    np.testing.assert_array_equal(a.transform(T), b.transform(T))


# Landmarks and the rows that choose gamma are drawn in the order of the rows' bytes, lowest
# first: behind any step that rounds (every normaliser) another order of the input draws
# other landmarks, and the last bit of a feature decides.
def test_a_change_in_the_last_bit_draws_the_same_landmarks() -> None:
    X, T = domains(1200, 100, 5)
    rng = np.random.default_rng(0)
    nudged = X * (1 + 4e-16 * rng.integers(-1, 2, X.shape))
    a = KPCA(3, n_landmarks=60).fit(X).adapt(T)
    b = KPCA(3, n_landmarks=60).fit(nudged).adapt(T)
    assert a.gamma_ == pytest.approx(b.gamma_, rel=1e-9)
    np.testing.assert_allclose(gram(a.transform(T)), gram(b.transform(T)), atol=1e-6)


def test_auto_changes_to_landmarks_beyond_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    X, T = domains(90, 30, 3)
    monkeypatch.setattr(projection, "AUTO_LANDMARKS", 25)
    monkeypatch.setattr(projection, "GRAM_LIMIT_BYTES", 100 * 100 * 8)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        tca = TCA(2).fit(X)  # 90 rows fit
    assert tca.approximation_ == "exact"
    message = (
        r"the kernel matrix of 120 rows would need 0\.0 GiB, above 0 GiB: 25 Nystroem "
        r"landmarks are used\. Set n_landmarks to choose their number\."
    )
    with pytest.warns(TransferWarning, match=message):
        tca.adapt(T)
    assert tca.approximation_ == "Nystroem, 25 landmarks of 120 rows"


def test_none_refuses_a_matrix_beyond_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(projection, "GRAM_LIMIT_BYTES", 2**30)
    message = (
        r"the kernel matrix of 20000 rows needs 3\.0 GiB, above 1 GiB; pass "
        r"n_landmarks=2000 for the Nystroem approximation, or kernel='linear', which needs "
        r"no such matrix\."
    )
    X = np.arange(20_000.0)[:, None]
    with pytest.raises(MemoryEstimateError, match=message):
        KPCA(2, n_landmarks=None).fit(X)


# Every allocation that grows with n^2 is preceded by an estimate, whichever option asks.
@pytest.mark.parametrize("n_landmarks", [300, 150])
def test_a_number_of_landmarks_is_held_to_the_limit_too(
    n_landmarks: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(projection, "GRAM_LIMIT_BYTES", 100 * 100 * 8)
    with pytest.raises(MemoryEstimateError, match=f"{min(n_landmarks, 200)}"):
        KPCA(2, n_landmarks=n_landmarks).fit(domains(200, 1, 3)[0])
