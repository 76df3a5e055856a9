"""Subspace alignment against plain loops, its own optimality, and what it promises besides."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference.subspaces_naive import pca_basis, principal_angles, sa_scores
from sklearn.decomposition import PCA
from transfer.transfer_problems import domains, gram

from eegtl.errors import InputError
from eegtl.testing import check_transfer_estimator
from eegtl.transfer import (
    SourceSummary,
    default_classifier,
    make_transfer_pipeline,
)
from eegtl.transfer.subspace_alignment import SubspaceAlignment

PEOPLE = np.repeat(["ann", "ben", "cid"], 20)


def three_people(d: int = 6, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows of three people with means and axes of their own, their classes, a target."""
    rng = np.random.default_rng(seed)
    X = np.vstack([domains(20, 1, d, seed=seed + i)[0] + 3 * i for i in range(3)])
    return X, rng.permutation(60) % 2, domains(1, 30, d, seed=seed + 9)[1]


def both_sides(sa: SubspaceAlignment, X: np.ndarray, T: np.ndarray, subjects: Any = None) -> Any:
    return np.vstack([sa.transform_source(X, subjects), sa.transform(T)])


@pytest.mark.parametrize("per_source", [False, True])
def test_every_rule_holds(per_source: bool) -> None:
    for n_components in (3, 20):
        check_transfer_estimator(
            SubspaceAlignment(n_components, per_source=per_source),
            extra_classes=[SubspaceAlignment],
        )


class TestPooled:
    @pytest.mark.parametrize(("n", "n_target", "d"), [(60, 30, 8), (25, 15, 40), (50, 9, 8)])
    def test_equals_plain_loops(self, n: int, n_target: int, d: int) -> None:
        X, T = domains(n, n_target, d)
        sa = SubspaceAlignment(4).fit(X).adapt(T)
        expected = np.vstack(sa_scores(X, T, 4))
        np.testing.assert_allclose(gram(both_sides(sa, X, T)), gram(expected), atol=1e-8)
        angles = principal_angles(pca_basis(X, 4), pca_basis(T, 4))
        np.testing.assert_allclose(sa.principal_angles_, [angles], atol=1e-7)

    def test_no_other_matrix_brings_the_bases_closer(self) -> None:
        X, T = domains(60, 30, 8)
        sa = SubspaceAlignment(4).fit(X).adapt(T)
        P_s, P_t = sa.source_bases_[0], sa.target_basis_
        M = P_s.T @ P_t
        np.testing.assert_allclose(sa.source_map_[0], P_s @ M, atol=1e-12)
        best = np.linalg.norm(P_s @ M - P_t)
        rng = np.random.default_rng(0)
        for size in (1e-6, 1e-3, 0.1, 1.0):
            for _ in range(20):
                other = M + size * rng.standard_normal(M.shape)
                assert np.linalg.norm(P_s @ other - P_t) > best

    def test_before_adapt_it_is_pca_of_the_sources(self) -> None:
        X, T = domains(60, 30, 8)
        pca = PCA(4).fit(X)
        sa = SubspaceAlignment(4).fit(X)
        for _ in range(2):
            scores = sa.transform(T)
            np.testing.assert_allclose(gram(scores), gram(pca.transform(T)), atol=1e-8)
            np.testing.assert_allclose(sa.transform_source(X), sa.transform(X), atol=1e-10)
            np.testing.assert_allclose(sa.principal_angles_, 0.0, atol=1e-7)
            assert sa.adapt(T).information_ == "unlabelled"
            sa.adapt()

    def test_a_turned_and_shifted_copy_is_turned_back(self) -> None:
        X, _ = domains(200, 1, 8)
        turn = np.linalg.qr(np.random.default_rng(1).standard_normal((8, 8)))[0]
        sa = SubspaceAlignment(8).fit(X).adapt(X @ turn + 5)
        # all components: P_sP_s' is the identity, and source rows are the target's axes' view
        np.testing.assert_allclose(
            sa.transform_source(X), (X - X.mean(axis=0)) @ sa.target_basis_, atol=1e-8
        )
        assert sa.principal_angles_.max() < 1e-7

    def test_deterministic_signs(self) -> None:
        X, T = domains(60, 30, 8)
        order = np.random.default_rng(0).permutation(60)
        a = SubspaceAlignment(4).fit(X).adapt(T)
        b = SubspaceAlignment(4).fit(X[order]).adapt(T[::-1])
        np.testing.assert_allclose(both_sides(a, X, T), both_sides(b, X, T), atol=1e-8)


class TestPerSource:
    def test_equals_plain_loops_for_each_source(self) -> None:
        X, _, T = three_people()
        sa = SubspaceAlignment(3, per_source=True).fit(X, subjects=PEOPLE).adapt(T)
        parts = [sa_scores(X[name == PEOPLE], T, 3) for name in ("ann", "ben", "cid")]
        expected = np.vstack([source for source, _ in parts] + [parts[0][1]])
        np.testing.assert_allclose(gram(both_sides(sa, X, T, PEOPLE)), gram(expected), atol=1e-8)
        for name, angles in zip(sa.subjects_, sa.principal_angles_, strict=True):
            bases = pca_basis(X[name == PEOPLE], 3), pca_basis(T, 3)
            np.testing.assert_allclose(angles, principal_angles(*bases), atol=1e-7)

    def test_of_one_source_is_the_pooled_one(self) -> None:
        X, _, T = three_people()
        a = SubspaceAlignment(3, per_source=True).fit(X).adapt(T)
        b = SubspaceAlignment(3).fit(X).adapt(T)
        np.testing.assert_array_equal(both_sides(a, X, T), both_sides(b, X, T))

    def test_before_adapt_sources_are_centred_by_themselves(self) -> None:
        X, _, T = three_people()
        sa = SubspaceAlignment(3, per_source=True).fit(X, subjects=PEOPLE)
        Z = sa.transform_source(X, PEOPLE)
        for name in sa.subjects_:
            np.testing.assert_allclose(Z[name == PEOPLE].mean(axis=0), 0.0, atol=1e-10)
        own = np.vstack(
            [X[name == PEOPLE] - X[name == PEOPLE].mean(axis=0) for name in sa.subjects_]
        )
        expected = (T - X.mean(axis=0)) @ pca_basis(own, 3)
        np.testing.assert_allclose(gram(sa.transform(T)), gram(expected), atol=1e-8)

    def test_a_source_of_few_rows_keeps_what_it_has(self) -> None:
        X, _, T = three_people()
        keep = np.r_[0, 20:60]  # one row of ann
        sa = SubspaceAlignment(3, per_source=True).fit(X[keep], subjects=PEOPLE[keep]).adapt(T)
        np.testing.assert_allclose(sa.transform_source(X[:1], ["ann"]), 0.0, atol=1e-12)
        np.testing.assert_allclose(sa.principal_angles_[0], np.pi / 2)
        assert np.abs(sa.transform_source(X[20:40], PEOPLE[20:40])).max() > 0.1

    def test_unknown_and_missing_subjects_are_named(self) -> None:
        X, _, _ = three_people()
        sa = SubspaceAlignment(3, per_source=True).fit(X, subjects=PEOPLE)
        with pytest.raises(
            InputError, match=r"got the subjects eve, which .*there: ann, ben, cid\)"
        ):
            sa.transform_source(X[:2], ["eve", "ann"])
        with pytest.raises(
            InputError, match=r"SubspaceAlignment maps each of the 3 source subjects"
        ):
            sa.transform_source(X)


@pytest.mark.parametrize("per_source", [False, True])
class TestBoth:
    def test_from_a_summary_as_from_rows(self, per_source: bool) -> None:
        X, y, T = three_people()
        summary = SourceSummary().add(X, y, PEOPLE)
        a = SubspaceAlignment(3, per_source=per_source).fit(X, y, subjects=PEOPLE)
        b = SubspaceAlignment(3, per_source=per_source).fit_summary(summary)
        for _ in range(2):
            np.testing.assert_allclose(
                both_sides(a, X, T, PEOPLE), both_sides(b, X, T, PEOPLE), atol=1e-8
            )
            mapped = b.map_summary(summary)
            expected = SourceSummary().add(a.transform_source(X, PEOPLE), y, PEOPLE)
            for name in ("counts", "means", "scatters"):
                np.testing.assert_allclose(
                    getattr(mapped, name), getattr(expected, name), atol=1e-8
                )
            a.adapt(T)
            b.adapt(T)

    def test_keeps_no_rows(self, per_source: bool) -> None:
        X, T = domains(500, 300, 4)
        sa = SubspaceAlignment(2, per_source=per_source).fit(X).adapt(T)
        sizes = [value.size for value in vars(sa).values() if isinstance(value, np.ndarray)]
        assert max(sizes) == 16  # d x d

    @settings(max_examples=20)
    @given(seed=st.integers(0, 2**16))
    def test_turning_the_features_turns_nothing_else(self, per_source: bool, seed: int) -> None:
        X, _, T = three_people(seed=seed)
        turn = np.linalg.qr(np.random.default_rng(seed).standard_normal((6, 6)))[0]
        sa = SubspaceAlignment(3, per_source=per_source)
        a = both_sides(sa.fit(X, subjects=PEOPLE).adapt(T), X, T, PEOPLE)
        b = both_sides(
            sa.fit(X @ turn, subjects=PEOPLE).adapt(T @ turn), X @ turn, T @ turn, PEOPLE
        )
        np.testing.assert_allclose(gram(a), gram(b), atol=1e-7)

    def test_few_target_rows_are_completed_from_the_sources(self, per_source: bool) -> None:
        X, _, T = three_people()
        sa = SubspaceAlignment(3, per_source=per_source).fit(X, subjects=PEOPLE)
        before = sa.transform_source(X, PEOPLE)
        one = sa.adapt(T[:1])
        np.testing.assert_allclose(one.transform_source(X, PEOPLE), before, atol=1e-8)
        np.testing.assert_allclose(one.transform(T[:1]), 0.0, atol=1e-12)
        two = sa.adapt(T[:2])
        along = np.linalg.norm((T[1] - T[0]) @ two.target_basis_)
        assert along == pytest.approx(np.linalg.norm(T[1] - T[0]))
        assert two.n_components_ == 3
        assert two.get_feature_names_out().tolist() == [f"subspacealignment{i}" for i in range(3)]

    def test_the_sources_rank_bounds_the_number(self, per_source: bool) -> None:
        X, T = domains(60, 30, 8, rank=4)
        sa = SubspaceAlignment(20, per_source=per_source).fit(X).adapt(T)
        assert sa.n_components_ == sa.transform(T).shape[1] == 4


def accuracy(step: Any, problem: tuple[np.ndarray, ...]) -> float:
    X, y, T, y_target = problem
    steps = [*([step] if step is not None else []), default_classifier()]
    return float(make_transfer_pipeline(*steps).fit(X, y, X_target=T).score(T, y_target))


def two_classes(seed: int, turn: float, shift: float) -> tuple[np.ndarray, ...]:
    """A class effect along the first principal axis; the target's axes are turned and shifted."""
    rng = np.random.default_rng(seed)
    y, y_target = np.arange(300) % 2, np.arange(200) % 2
    scale = np.array([2.0, 1.5, 1.0, 0.5, 0.4, 0.3, 0.2, 0.1])
    rows = [rng.standard_normal((len(labels), 8)) * scale for labels in (y, y_target)]
    for part, labels in zip(rows, (y, y_target), strict=True):
        part[:, 0] += 3.0 * (2 * labels - 1)
    plane = np.eye(8)
    plane[[0, 0, 1, 1], [0, 1, 0, 1]] = np.cos(turn), np.sin(turn), -np.sin(turn), np.cos(turn)
    return rows[0], y, rows[1] @ plane + shift * rng.standard_normal(8), y_target


def test_equal_domains_do_no_harm() -> None:
    problems = [two_classes(seed, 0.0, 0.0) for seed in range(8)]
    plain = np.mean([accuracy(None, p) for p in problems])
    for per_source in (False, True):
        aligned = [accuracy(SubspaceAlignment(4, per_source=per_source), p) for p in problems]
        assert np.mean(aligned) > plain - 0.02


def test_a_turned_subspace_and_a_shift_are_made_good() -> None:
    problems = [two_classes(seed, 0.9, 3.0) for seed in range(8)]
    plain = np.mean([accuracy(None, p) for p in problems])
    aligned = np.mean([accuracy(SubspaceAlignment(1), p) for p in problems])
    assert plain < 0.8 < 0.9 < aligned


def test_parameters_that_cannot_be_used() -> None:
    X, _ = domains(20, 1, 3)
    with pytest.raises(InputError, match=r"n_components must be a positive integer; got 0\."):
        SubspaceAlignment(0).fit(X)
    with pytest.raises(InputError, match=r"per_source must be True or False; got 'yes'\."):
        SubspaceAlignment(per_source="yes").fit(X)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="no direction in which the source rows vary"):
        SubspaceAlignment().fit(np.ones((20, 3)))
    with pytest.raises(InputError, match=r"n_samples = 1 rows of 1 source\."):
        SubspaceAlignment().fit(X[:1])
