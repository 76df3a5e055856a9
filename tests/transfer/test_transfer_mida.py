"""MIDA against the dense problem of the paper, and what it promises besides."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference.mida_naive import (
    domain_columns,
    mida_dense,
    mida_matrix,
    mida_new_rows,
    mida_objective,
)
from reference.tca_naive import kernel_matrix
from transfer.people import fitted, people, pooled
from transfer.transfer_problems import gram

from eegtl.errors import TransferWarning
from eegtl.transfer import (
    KPCA,
    MIDA,
    SourceSummary,
    SubjectNormalizer,
    default_classifier,
    make_transfer_pipeline,
)
from eegtl.transfer.solvers import krylov

pytestmark = pytest.mark.filterwarnings("ignore:MIDA with the linear kernel keeps all")

SHAPES = {
    "more rows than features": people((20, 25, 15, 30), 8),
    "more features than rows": people((8, 9, 7, 10), 40),
    "rank 5 of 10": people((20, 25, 15, 30), 10, rank=5),
    "one target row": people((20, 15, 25, 1), 6),
    "far from the origin": tuple(
        x + 50 if x.dtype == float else x for x in people((20, 25, 15, 30), 8)
    ),
}


def check_scores(mida: MIDA, rows: Any, expected: tuple[Any, Any, Any]) -> None:
    values, _, scores = expected
    np.testing.assert_allclose(mida.eigenvalues_, values, rtol=1e-7)
    np.testing.assert_allclose(gram(mida.transform(rows)), gram(scores), atol=1e-7)
    assert mida.residual_ < 1e-8


class TestLinearKernel:
    @pytest.mark.parametrize("mu", [1e-2, 1.0, 100.0])
    @pytest.mark.parametrize("shape", SHAPES)
    def test_equals_the_dense_problem(self, shape: str, mu: float) -> None:
        X, s, T = SHAPES[shape]
        rows, D = pooled(X, s, T)
        mida = fitted(MIDA(3, mu=mu), X, s, T)
        K = kernel_matrix(rows, rows)
        values, W, scores = mida_dense(K, D, 3, mu)
        assert mida.n_components_ == len(values)
        check_scores(mida, rows, (values, W, scores))
        np.testing.assert_allclose(np.linalg.norm(mida.components_, axis=0), 1.0, rtol=1e-12)
        np.testing.assert_allclose(mida.transform(rows).mean(axis=0), 0.0, atol=1e-9)
        new = people((3, 3, 12), X.shape[1], seed=9)[2]
        expected = mida_new_rows(K, kernel_matrix(new, rows), W)
        np.testing.assert_allclose(gram(mida.transform(new)), gram(expected), atol=1e-6)

    @pytest.mark.parametrize("mu", [1e-2, 1.0])
    def test_residual_of_the_dual_weights(self, mu: float) -> None:
        X, s, T = SHAPES["more rows than features"]
        rows, D = pooled(X, s, T)
        mida = fitted(MIDA(3, mu=mu), X, s, T)
        centred = rows - rows.mean(axis=0)
        W = np.linalg.pinv(centred).T @ mida.components_  # least W of A = X'W
        A = mida_matrix(kernel_matrix(rows, rows), D, mu)
        for w, value in zip(W.T, mida.eigenvalues_, strict=True):
            error = np.linalg.norm(A @ w - value * w)
            assert error < 1e-8 * (np.linalg.norm(A @ w) + value * np.linalg.norm(w))

    # As many rows as a study has: there the domains outweigh the variance by their rows.
    @pytest.mark.parametrize("mu", [1e-4, 1.0])
    def test_residual_of_many_rows(self, mu: float) -> None:
        scale = np.arange(1, 9) ** -1.5
        X, s, T = people((10_000, 12_000, 9_000, 3_000), 8)
        mida = fitted(MIDA(5, mu=mu), X * scale, s, T * scale)
        assert mida.n_components_ == 5
        assert mida.residual_ < 1e-8
        assert mida.gap_ < 1e-3 * MIDA(5, mu=1e9).fit(X * scale, subjects=s).gap_

    def test_the_origin_does_not_matter(self) -> None:
        X, s, T = people((20, 25, 15, 30), 6)
        a, b = fitted(MIDA(3), X, s, T), fitted(MIDA(3), X + 1e3, s, T + 1e3)
        np.testing.assert_allclose(gram(a.transform(T)), gram(b.transform(T + 1e3)), atol=1e-8)

    def test_is_kpca_behind_z2_window_for_window_and_says_so(self) -> None:
        X, s, T = people((40, 30, 50, 30), 7)
        z2 = SubjectNormalizer("z2").fit(X, subjects=s).adapt(T)
        Z, Z_target = z2.transform_source(X, s), z2.transform(T)
        message = (
            r"all people have \(nearly\) equal means, as they always have behind z2, so MIDA with "
            r"the linear kernel is PCA of the pooled rows\."
        )
        mida = MIDA(4).fit(Z, subjects=s)
        with pytest.warns(TransferWarning, match=message):
            mida.adapt(Z_target)
        kpca = KPCA(4, kernel="linear").fit(Z).adapt(Z_target)
        rows = np.vstack([Z, Z_target])
        np.testing.assert_allclose(
            gram(mida.transform(rows)), gram(kpca.transform(rows)), atol=1e-8
        )
        assert mida.gap_ < 1e-12

    def test_keeps_moments_and_no_rows(self) -> None:
        X, s, T = people((200, 300, 50), 4)
        mida = fitted(MIDA(2), X, s, T)
        sizes = [np.size(value) for value in vars(mida).values() if isinstance(value, np.ndarray)]
        assert max(sizes) == (4 + 3) ** 2  # features and domains

    def test_in_a_pipeline_it_needs_no_rows(self) -> None:
        X, s, T = people((40, 30, 20), 5)
        y = np.arange(70) % 2
        steps = (SubjectNormalizer("z0"), MIDA(3), default_classifier())
        pipeline = make_transfer_pipeline(*steps).fit(X, y, subjects=s)
        summary = SourceSummary().add(X[:30], y[:30], s[:30]).add(X[30:], y[30:], s[30:])
        blocks = make_transfer_pipeline(*steps).fit_summary(summary)
        assert type(pipeline.sources_).__name__ == "SummarySources"
        for chain in (pipeline, blocks):
            z0 = SubjectNormalizer("z0").fit(X)
            mida = fitted(MIDA(3), z0.transform(X), s, z0.transform(T))
            lda = default_classifier().fit(mida.transform(z0.transform(X)), y)
            np.testing.assert_allclose(
                chain.adapt(T).decision_function(T),
                lda.decision_function(mida.transform(z0.transform(T))),
                atol=1e-8,
            )


class TestGaussianKernel:
    @pytest.mark.parametrize("mu", [1e-2, 1.0, 100.0])
    @pytest.mark.parametrize(("sizes", "dense_rows"), [((60, 70, 50, 40), 600), ((60, 70, 50), 0)])
    def test_equals_the_dense_problem(
        self, sizes: Any, dense_rows: int, mu: float, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(krylov, "DENSE_ROWS", dense_rows)
        X, s, T = people(sizes, 6)
        mida = fitted(MIDA(5, kernel="rbf", mu=mu), X, s, T)
        rows, D = pooled(X, s, T)
        K = kernel_matrix(rows, rows, mida.gamma_)
        expected = mida_dense(K, D, 5, mu)
        assert (mida.n_components_, mida.approximation_) == (5, "exact")
        check_scores(mida, rows, expected)
        new = people((3, 12), 6, seed=9)[2]
        scores = mida_new_rows(K, kernel_matrix(new, rows, mida.gamma_), expected[1])
        np.testing.assert_allclose(gram(mida.transform(new)), gram(scores), atol=1e-7)

    def test_krylov_solves_more_rows_than_are_solved_densely(self) -> None:
        X, s, T = people((150, 250, 200, 100), 5)
        assert len(X) + len(T) > krylov.DENSE_ROWS
        mida = fitted(MIDA(8, kernel="rbf", mu=1e-2), X, s, T)
        rows, D = pooled(X, s, T)
        K = kernel_matrix(rows, rows, mida.gamma_)
        check_scores(mida, rows, mida_dense(K, D, 8, 1e-2))

    def test_landmarks_solve_the_problem_of_the_approximated_matrix(self) -> None:
        X, s, T = people((30, 40, 20), 4)
        mida = fitted(MIDA(3, kernel="rbf", n_landmarks=20), X, s, T)
        rows, D = pooled(X, s, T)
        C = kernel_matrix(rows, mida.anchors_, mida.gamma_)
        middle = kernel_matrix(mida.anchors_, mida.anchors_, mida.gamma_)
        K = C @ np.linalg.pinv(middle, rcond=1e-10, hermitian=True) @ C.T
        assert mida.approximation_ == "Nystroem, 20 landmarks of 90 rows"
        values, _, scores = mida_dense(K, D, 3, 1.0)
        np.testing.assert_allclose(mida.eigenvalues_, values, rtol=1e-6)
        np.testing.assert_allclose(gram(mida.transform(rows)), gram(scores), atol=1e-6)

    def test_tells_domains_apart_that_z2_has_made_equal_in_the_mean(self) -> None:
        X, s, T = people((60, 60, 60), 3)
        X[s == "p0"] *= [4.0, 1.0, 0.3]
        z2 = SubjectNormalizer("z2").fit(X, subjects=s).adapt(T)
        Z, Z_target = z2.transform_source(X, s) ** 3, z2.transform(T)
        mida, kpca = MIDA(3, kernel="rbf"), KPCA(3)
        a = gram(fitted(mida, Z, s, Z_target).transform(Z_target))
        b = gram(kpca.fit(Z).adapt(Z_target).transform(Z_target))
        assert np.abs(a - b).max() > 0.05 * np.abs(b).max()


@pytest.mark.parametrize("kernel", ["linear", "rbf"])
class TestBothKernels:
    @settings(max_examples=10, deadline=None)
    @given(seed=st.integers(0, 2**16))
    def test_no_feasible_weights_beat_it(self, kernel: str, seed: int) -> None:
        X, s, T = people((12, 9, 11, 8), 8, seed=seed)
        mida = fitted(MIDA(3, kernel=kernel, mu=2.0), X, s, T)
        rows, D = pooled(X, s, T)
        if kernel == "rbf":  # the weights stand in the order of the anchors
            order = [int(np.argmin(np.abs(rows - a).sum(axis=1))) for a in mida.anchors_]
            rows, D = rows[order], D[order]
        K = kernel_matrix(rows, rows, mida.gamma_ if kernel == "rbf" else None)
        if kernel == "linear":
            centred = rows - rows.mean(axis=0)
            W = np.linalg.pinv(centred).T @ mida.components_
            W /= np.linalg.norm(W, axis=0)
        else:
            W = mida.weights_ / np.linalg.norm(mida.weights_, axis=0)
        np.testing.assert_allclose(W.T @ W, np.eye(3), atol=1e-6)
        best = mida_objective(K, D, W, 2.0)
        assert best == pytest.approx(mida.eigenvalues_.sum(), rel=1e-7)
        rng = np.random.default_rng(seed)
        for size in (1e-4, 1e-2, 1.0, 1e2):
            for _ in range(10):
                other = np.linalg.qr(W + size * rng.standard_normal(W.shape))[0]
                assert mida_objective(K, D, other, 2.0) <= best * (1 + 1e-9)

    def test_with_one_domain_it_is_kpca(self, kernel: str) -> None:
        X, _, T = people((60, 10), 6)
        mida, kpca = MIDA(4, kernel=kernel).fit(X + 5), KPCA(4, kernel=kernel).fit(X + 5)
        np.testing.assert_allclose(gram(mida.transform(T)), gram(kpca.transform(T)), atol=1e-8)
        np.testing.assert_allclose(mida.eigenvalues_, kpca.eigenvalues_**2, rtol=1e-8)
        assert mida.gap_ < 1e-12

    @pytest.mark.parametrize("augment", [False, True])
    @pytest.mark.parametrize("n_landmarks", ["auto", 30])
    def test_names_and_order_do_not_matter(
        self, kernel: str, augment: bool, n_landmarks: Any
    ) -> None:
        X, s, T = people((20, 25, 15, 12), 6)
        order = np.random.default_rng(1).permutation(len(X))
        other = np.array([{"p0": 7, "p1": -2, "p2": 3}[name] for name in s])[order]
        mida = MIDA(3, kernel=kernel, augment=augment, n_landmarks=n_landmarks)
        a = fitted(mida, X, s, T).transform(T)
        from_source = mida.transform_source(X, s)
        b = fitted(mida, X[order], other, T[::-1]).transform(T)
        np.testing.assert_allclose(gram(a), gram(b), atol=1e-8)
        again = mida.transform_source(X[order], other)
        np.testing.assert_allclose(gram(from_source[order]), gram(again), atol=1e-8)

    def test_gap_shrinks_with_mu(self, kernel: str) -> None:
        X, s, T = people((40, 30, 50, 30), 8)
        gaps = []
        for mu in (1e4, 1e2, 1.0, 1e-2):
            mida = fitted(MIDA(3, kernel=kernel, mu=mu), X, s, T)
            scores = [*(mida.transform_source(X[s == name]) for name in np.unique(s))]
            scores.append(mida.transform(T))
            between = sum(len(z) * np.sum(z.mean(axis=0) ** 2) for z in scores)
            assert mida.gap_ == pytest.approx(
                np.sqrt(between / np.sum(np.vstack(scores) ** 2)), rel=1e-6
            )
            gaps.append(mida.gap_)
        assert np.all(np.diff(gaps) < 0)
        assert gaps[-1] < 1e-2 < 0.3 < gaps[0]

    def test_before_adapt_it_is_mida_of_the_sources(self, kernel: str) -> None:
        X, s, T = people((40, 30, 50, 30), 8)
        mida = MIDA(3, kernel=kernel).fit(X, subjects=s)
        K = kernel_matrix(X, X, mida.gamma_ if kernel == "rbf" else None)
        values, _, scores = mida_dense(K, domain_columns(s.tolist()), 3, 1.0)
        np.testing.assert_allclose(mida.eigenvalues_, values, rtol=1e-8)
        np.testing.assert_allclose(gram(mida.transform(X)), gram(scores), atol=1e-7)
        before = mida.transform(T)
        assert (mida.information_, mida.n_target_windows_) == ("inductive", 0)
        mida.adapt(T)
        assert (mida.information_, mida.n_target_windows_) == ("unlabelled", 30)
        assert np.abs(gram(mida.transform(T)) - gram(before)).max() > 1e-3
        np.testing.assert_array_equal(mida.adapt().transform(T), before)

    def test_mu_by_rows(self, kernel: str) -> None:
        X, s, T = people((20, 10, 30, 20), 6)
        by_rows = fitted(MIDA(3, kernel=kernel, mu_scale="rows"), X, s, T)
        assert by_rows.mu_ == pytest.approx(80 / 4)
        assert MIDA(3, kernel=kernel, mu_scale="rows").fit(X, subjects=s).mu_ == pytest.approx(20)
        rows, D = pooled(X, s, T)
        K = kernel_matrix(rows, rows, by_rows.gamma_ if kernel == "rbf" else None)
        check_scores(by_rows, rows, mida_dense(K, D, 3, 20.0))
        given = fitted(MIDA(3, kernel=kernel), X, s, T)
        assert given.mu_ == 1.0
        twice = (np.vstack([X, X]), np.tile(s, 2), np.vstack([T, T]))
        gamma = 0.1  # the median distance itself depends a little on the copies
        for scale, same in (("rows", True), ("absolute", False)):
            mida = MIDA(3, kernel=kernel, gamma=gamma, mu_scale=scale)
            a = gram(fitted(mida, X, s, T).transform(T))
            b = gram(fitted(mida, *twice).transform(T))
            assert (np.abs(a - b).max() < 1e-7) == same


def test_with_mu_one_by_rows_a_direction_counts_by_its_variance_within_the_domains() -> None:
    X, s, T = people((30, 30, 30, 30), 6)
    mida = fitted(MIDA(4, mu_scale="rows"), X, s, T)
    parts = [*(X[s == name] for name in np.unique(s)), T]
    within = sum((part - part.mean(axis=0)).T @ (part - part.mean(axis=0)) for part in parts)
    rows = np.vstack(parts)
    total = (rows - rows.mean(axis=0)).T @ (rows - rows.mean(axis=0))
    values = np.linalg.eigvals(total @ within).real
    np.testing.assert_allclose(mida.eigenvalues_, 30 * np.sort(values)[::-1][:4], rtol=1e-9)
