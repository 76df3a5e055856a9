"""Principal bases, angles and subspace disagreement against theory, SciPy and scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference.subspaces_naive import disagreement, pca_basis, principal_angles
from scipy.linalg import subspace_angles
from sklearn.decomposition import PCA
from transfer.transfer_problems import domains

from eegtl.errors import InputError
from eegtl.transfer import SourceSummary
from eegtl.transfer.domain_aligner import domains as source_domains
from eegtl.transfer.domain_aligner import within_moments
from eegtl.transfer.moments import row_moments
from eegtl.transfer.solvers.subspaces import (
    check_n_components,
    completed_basis,
    principal_basis,
    principal_pairs,
    source_basis,
    subspace_disagreement,
)


def orthonormal(d: int, k: int, seed: int) -> np.ndarray:
    return np.linalg.qr(np.random.default_rng(seed).standard_normal((d, k)))[0]


def projector(basis: np.ndarray) -> np.ndarray:
    return basis @ basis.T


class TestPrincipalBasis:
    def test_equals_scikit_learn_and_the_plain_decomposition(self) -> None:
        X, _ = domains(60, 1, 8)
        basis = principal_basis(row_moments(X + 100), 5)
        signs = np.sign(np.sum(basis * PCA(5).fit(X).components_.T, axis=0))
        np.testing.assert_allclose(basis, PCA(5).fit(X).components_.T * signs, atol=1e-8)
        np.testing.assert_allclose(projector(basis), projector(pca_basis(X, 5)), atol=1e-10)
        assert np.all(basis[np.argmax(np.abs(basis), axis=0), range(5)] > 0)

    def test_rank_bounds_the_number(self) -> None:
        X, _ = domains(60, 1, 8, rank=3)
        assert principal_basis(row_moments(X), 5).shape == (8, 3)
        assert principal_basis(row_moments(X[:3]), 5).shape == (8, 2)
        assert principal_basis(row_moments(X[:1]), 5).shape == (8, 0)

    @pytest.mark.parametrize("value", [0.1, 1e8 / 3])
    def test_equal_rows_have_no_direction(self, value: float) -> None:
        X = np.full((7, 4), value)  # their mean is not exactly this value
        assert principal_basis(row_moments(X), 2).shape == (4, 0)


class TestCompletedBasis:
    def test_is_the_limit_of_a_vanishing_share_of_the_other_scatter(self) -> None:
        X, T = domains(60, 4, 8)
        own, other = row_moments(T), row_moments(X)
        whole = completed_basis(principal_basis(own, 6), other[2], 6)
        np.testing.assert_allclose(whole.T @ whole, np.eye(6), atol=1e-12)
        mixed = principal_basis((4.0, own[1], own[2] + 1e-9 * other[2]), 6)
        np.testing.assert_allclose(projector(whole[:, :3]), projector(mixed[:, :3]), atol=1e-6)
        np.testing.assert_allclose(projector(whole), projector(mixed), atol=1e-6)

    def test_of_nothing_is_the_other_basis(self) -> None:
        moments = row_moments(domains(60, 1, 8)[0])
        basis = principal_basis(moments, 4)
        np.testing.assert_allclose(
            completed_basis(np.empty((8, 0)), moments[2], 4), basis, atol=1e-10
        )

    def test_has_the_number_wanted_whatever_the_other_rank(self) -> None:
        basis = orthonormal(6, 2, seed=0)
        whole = completed_basis(basis, np.zeros((6, 6)), 5)
        np.testing.assert_allclose(whole.T @ whole, np.eye(5), atol=1e-12)
        assert completed_basis(basis, np.eye(6), 2) is basis


class TestPrincipalPairs:
    @settings(max_examples=30)
    @given(seed=st.integers(0, 2**16), d=st.integers(2, 12), k=st.integers(1, 6))
    def test_angles_are_those_of_scipy(self, seed: int, d: int, k: int) -> None:
        k = min(d, k)
        P, Q = orthonormal(d, k, seed), orthonormal(d, k, seed + 1)
        pairs = principal_pairs(P, Q)
        np.testing.assert_allclose(pairs.angles, subspace_angles(P, Q)[::-1], atol=1e-7)
        np.testing.assert_allclose(pairs.angles, principal_angles(P, Q), atol=1e-7)
        cosines = np.diag(np.cos(pairs.angles))
        np.testing.assert_allclose(pairs.first.T @ pairs.second, cosines, atol=1e-10)
        np.testing.assert_allclose(projector(pairs.first), projector(P), atol=1e-10)
        np.testing.assert_allclose(projector(pairs.second), projector(Q), atol=1e-10)

    def test_small_angles_keep_their_digits(self) -> None:
        P = np.eye(4)[:, :2]
        t = np.array([1e-9, 1e-4])
        Q = np.vstack([np.diag(np.cos(t)), np.diag(np.sin(t))])
        np.testing.assert_allclose(principal_pairs(P, Q).angles, t, rtol=1e-6)
        assert principal_angles(P, Q)[0] == 0.0  # what the arc cosine makes of it

    def test_a_column_of_zeros_is_at_right_angles(self) -> None:
        P = np.hstack([np.eye(3)[:, :1], np.zeros((3, 1))])
        angles = principal_pairs(P, np.eye(3)[:, :2]).angles
        np.testing.assert_allclose(angles, [0, np.pi / 2], atol=1e-12)


class TestSubspaceDisagreement:
    def test_equals_the_definition(self) -> None:
        X, T = domains(80, 40, 9)
        cov_s, cov_t = np.cov(X.T), np.cov(T.T)
        bases = [principal_basis((1.0, np.zeros(9), c), 4) for c in (cov_s, cov_t, cov_s + cov_t)]
        np.testing.assert_allclose(subspace_disagreement(*bases), disagreement(X, T, 4), atol=1e-6)

    def test_is_full_where_no_direction_is_shared(self) -> None:
        axes = np.eye(6)
        np.testing.assert_allclose(
            subspace_disagreement(axes[:, :2], axes[:, 2:4], axes[:, 4:]), [1.0, 1.0]
        )


class TestDomains:
    def test_moments_of_each_subject_and_of_the_pool(self) -> None:
        X, _ = domains(30, 1, 3)
        subjects = np.array(["b", "a", "c"])[np.arange(30) % 3]
        summary = SourceSummary().add(X, np.arange(30) % 2, subjects)
        names, moments = source_domains(summary, per_source=True)
        assert names.tolist() == ["a", "b", "c"]
        for name, (count, mean, scatter) in zip(names, moments, strict=True):
            own = X[subjects == name]
            assert count == 10
            np.testing.assert_allclose(mean, own.mean(axis=0))
            np.testing.assert_allclose(scatter, 9 * np.cov(own.T))
        dof, mean, scatter = within_moments(moments)
        assert dof == 27
        np.testing.assert_allclose(mean, X.mean(axis=0))
        np.testing.assert_allclose(scatter, sum(9 * np.cov(X[subjects == n].T) for n in names))
        _, [pool] = source_domains(summary, per_source=False)
        np.testing.assert_allclose(pool[2], 29 * np.cov(X.T))

    def test_single_rows_are_refused(self) -> None:
        one = (1.0, np.zeros(2), np.zeros((2, 2)))
        with pytest.raises(InputError, match=r"n_samples = 3 rows of 3 sources\."):
            within_moments([one] * 3)


def test_parameters_that_cannot_be_used() -> None:
    for wrong in (0, -2, 2.0, True, "all", None):
        with pytest.raises(
            InputError, match=rf"SA: n_components .* positive integer; got {wrong!r}"
        ):
            check_n_components("SA", wrong)
    check_n_components("SA", np.int64(3))
    flat = (5.0, np.ones(2), np.zeros((2, 2)))
    with pytest.raises(InputError, match="GFK found no direction in which the source rows vary"):
        source_basis("GFK", flat, 2)
