"""MIDA against the dense problem of the paper, and what it promises besides."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference.mida_naive import (
    domain_columns,
    mida_dense,
    mida_matrix,
    mida_new_rows,
    mida_objective,
    standardised,
)
from reference.tca_naive import kernel_matrix
from transfer.transfer_problems import gram

from eegtl.errors import InputError, TransferWarning
from eegtl.testing import check_transfer_estimator
from eegtl.transfer import (
    KPCA,
    SourceSummary,
    SubjectNormalizer,
    default_classifier,
    krylov,
    make_transfer_pipeline,
)
from eegtl.transfer.column_pairs import difference_pairs
from eegtl.transfer.mida import MIDA

pytestmark = pytest.mark.filterwarnings("ignore:MIDA with the linear kernel keeps all")

TARGET = "(target)"


def people(
    sizes: tuple[int, ...], d: int, *, rank: int | None = None, seed: int = 0, shift: float = 1.0
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Source rows, their subjects and target rows; the last size is the target's."""
    rng = np.random.default_rng(seed)
    mix = rng.standard_normal((rank or d, d)) / np.sqrt(rank or d)
    names = np.array([f"p{i}" for i in range(len(sizes) - 1)] + [TARGET])
    who = np.repeat(names, sizes)
    offsets = shift * rng.standard_normal((len(sizes), len(mix)))
    rows = (rng.standard_normal((len(who), len(mix))) + np.repeat(offsets, sizes, axis=0)) @ mix
    source = who != TARGET
    order = rng.permutation(source.sum())
    return rows[source][order], who[source][order], rows[~source]


SHAPES = {
    "more rows than features": people((20, 25, 15, 30), 8),
    "more features than rows": people((8, 9, 7, 10), 40),
    "rank 5 of 10": people((20, 25, 15, 30), 10, rank=5),
    "one target row": people((20, 15, 25, 1), 6),
    "far from the origin": tuple(
        x + 50 if x.dtype == float else x for x in people((20, 25, 15, 30), 8)
    ),
}


def fitted(mida: MIDA, X: Any, s: Any, T: Any, **extra: Any) -> MIDA:
    return mida.fit(X, subjects=s, **extra).adapt(T)


def pooled(X: Any, s: Any, T: Any) -> tuple[np.ndarray, np.ndarray]:
    """All rows, and their domains as the reference takes them."""
    return np.vstack([X, T]), domain_columns([*s.tolist(), *[TARGET] * len(T)])


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

    def test_a_constant_covariate_changes_nothing(self, kernel: str) -> None:
        X, s, T = people((20, 30, 20), 6)
        tables = [pd.DataFrame({"hours": np.full(n, 3.1)}) for n in (len(X), len(T))]
        mida = MIDA(2, kernel=kernel, covariates=["hours"])
        mida.fit(X, subjects=s, rows=tables[0]).adapt(T, rows_target=tables[1])
        plain = fitted(MIDA(2, kernel=kernel), X, s, T)
        np.testing.assert_allclose(gram(mida.transform(T)), gram(plain.transform(T)), atol=1e-8)

    def test_equals_the_dense_problem_with_covariates(self, kernel: str) -> None:
        X, s, T = people((20, 30, 20), 8)
        rng = np.random.default_rng(3)
        tables = [
            pd.DataFrame({"hours": 1e4 + rng.random(n), "day": rng.integers(0, 3, n)})
            for n in (len(X), len(T))
        ]
        hours, days = (
            np.concatenate([table[name] for table in tables]) for name in ("hours", "day")
        )
        mida = MIDA(3, kernel=kernel, covariates=("hours", "day"))
        assert mida.reads_rows
        assert not mida.accepts_summary()
        mida.fit(X, subjects=s, rows=tables[0])
        # target rows come in two parts, and so do their tables
        parts = slice(0, 5), slice(5, None)
        mida.adapt(
            T[parts[0]],
            X_calib=T[parts[1]],
            rows_target=tables[1].iloc[parts[0]],
            rows_calib=tables[1].iloc[parts[1]],
        )
        rows, D = pooled(X, s, T)
        D = np.column_stack([D, standardised(hours), standardised(days)])
        K = kernel_matrix(rows, rows, mida.gamma_ if kernel == "rbf" else None)
        check_scores(mida, rows, mida_dense(K, D, 3, 1.0))

    def test_equals_the_dense_problem_with_labels(self, kernel: str) -> None:
        X, s, T = people((20, 30, 20), 8)
        y = np.array(["calm", "tense", "other"])[np.arange(50) % 3]
        y_calib = ["tense"] * 4 + ["calm"] * 6
        mida = MIDA(3, kernel=kernel, label_weight=0.3)
        mida.fit(X, y, subjects=s).adapt(T)
        assert mida.information_ == "unlabelled"
        rows, D = pooled(X, s, T)
        K = kernel_matrix(rows, rows, mida.gamma_ if kernel == "rbf" else None)
        expected = mida_dense(K, D, 3, 1.0, [*y, *[None] * 20], 0.3)
        check_scores(mida, rows, expected)
        mida.adapt(T[:10], X_calib=T[10:], y_calib=y_calib)
        assert mida.information_ == "labelled"
        expected = mida_dense(K, D, 3, 1.0, [*y, *[None] * 10, *y_calib], 0.3)
        check_scores(mida, rows, expected)
        without = MIDA(3, kernel=kernel).fit(X, y, subjects=s)
        without.adapt(T[:10], X_calib=T[10:], y_calib=y_calib)
        assert without.information_ == "unlabelled"

    def test_equals_the_dense_problem_of_augmented_rows(self, kernel: str) -> None:
        X, s, T = people((20, 30, 20), 5)
        mida = fitted(MIDA(3, kernel=kernel, augment=True, mu=5.0), X, s, T)
        rows, D = pooled(X, s, T)
        spread = np.sqrt(np.mean(np.var(X, axis=0)))
        augmented = np.hstack([rows, spread * D])
        K = kernel_matrix(augmented, augmented, mida.gamma_ if kernel == "rbf" else None)
        values, W, scores = mida_dense(K, D, 3, 5.0)
        ours = np.vstack([mida.transform_source(X, s), mida.transform(T)])
        np.testing.assert_allclose(mida.eigenvalues_, values, rtol=1e-7)
        np.testing.assert_allclose(gram(ours), gram(scores), atol=1e-7)
        # before adapt, the wearer counts as the average source row
        mida.adapt()
        D = domain_columns([*s.tolist(), TARGET])[:-1]
        K = kernel_matrix(augmented[:50], augmented[:50], mida.gamma_ if kernel == "rbf" else None)
        W = mida_dense(K, D, 3, 5.0)[1]
        average = np.hstack([T, np.tile(spread * D.mean(axis=0), (len(T), 1))])
        gamma = mida.gamma_ if kernel == "rbf" else None
        expected = mida_new_rows(K, kernel_matrix(average, augmented[:50], gamma), W)
        np.testing.assert_allclose(gram(mida.transform(T)), gram(expected), atol=1e-7)

    def test_a_drift_that_a_covariate_drives_is_removed(self, kernel: str) -> None:
        X, s, T = people((80, 80, 80, 60), 6, seed=2, shift=0.2)
        rng = np.random.default_rng(2)
        hours = rng.random(300)
        drift = 6 * (hours - 0.5)[:, None] * [1.0, 0.6, 0, 0, 0, 0]
        rows, T = X + drift[:240], T + drift[240:]
        tables = pd.DataFrame({"hours": hours[:240]}), pd.DataFrame({"hours": hours[240:]})

        def largest_correlation(mida: MIDA) -> float:
            mida.fit(rows, subjects=s, rows=tables[0]).adapt(T, rows_target=tables[1])
            scores = mida.transform(np.vstack([rows, T]))
            return max(abs(np.corrcoef(scores.T, hours)[-1, :-1]))

        assert largest_correlation(MIDA(2, kernel=kernel)) > 0.7
        assert largest_correlation(MIDA(2, kernel=kernel, covariates=["hours"])) < 0.1


def test_with_mu_one_by_rows_a_direction_counts_by_its_variance_within_the_domains() -> None:
    X, s, T = people((30, 30, 30, 30), 6)
    mida = fitted(MIDA(4, mu_scale="rows"), X, s, T)
    parts = [*(X[s == name] for name in np.unique(s)), T]
    within = sum((part - part.mean(axis=0)).T @ (part - part.mean(axis=0)) for part in parts)
    rows = np.vstack(parts)
    total = (rows - rows.mean(axis=0)).T @ (rows - rows.mean(axis=0))
    values = np.linalg.eigvals(total @ within).real
    np.testing.assert_allclose(mida.eigenvalues_, 30 * np.sort(values)[::-1][:4], rtol=1e-9)


def test_a_target_of_few_rows_weighs_little() -> None:
    X, s, T = people((400, 400, 400, 400), 8)

    def distance(n: int) -> float:
        mida = fitted(MIDA(3), X, s, T[:n])
        own, others = mida.transform(T[:n]).mean(axis=0), mida.transform_source(X).mean(axis=0)
        return float(np.linalg.norm(own - others) / np.sqrt(mida.transform(X).var(axis=0).sum()))

    assert distance(400) < 0.05
    assert distance(4) > 0.5


class TestSummary:
    @pytest.mark.parametrize(
        "parameters", [{}, {"augment": True}, {"label_weight": 0.2}, {"mu_scale": "rows"}]
    )
    def test_equals_the_rows(self, parameters: dict[str, Any]) -> None:
        X, s, T = people((20, 31, 15, 12), 6)
        y = np.array(["a", "b"])[np.arange(len(X)) % 2]
        summary = SourceSummary()
        for part in (slice(0, 7), slice(7, 40), slice(40, None)):
            summary.add(X[part], y[part], s[part])
        mida = MIDA(3, **parameters)
        assert mida.accepts_summary()
        rows = MIDA(3, **parameters).fit(X, y, subjects=s)
        blocks = mida.fit_summary(summary)
        np.testing.assert_allclose(gram(blocks.transform(T)), gram(rows.transform(T)), atol=1e-8)
        rows.adapt(T)
        blocks.adapt(T)
        np.testing.assert_allclose(gram(blocks.transform(T)), gram(rows.transform(T)), atol=1e-8)
        mapped = rows.map_summary(summary)
        scores = rows.transform_source(X, s)
        for who, label, mean, scatter in zip(
            mapped.subjects, mapped.labels, mapped.means, mapped.scatters, strict=True
        ):
            own = scores[(s == who) & (y == label)]
            np.testing.assert_allclose(mean, own.mean(axis=0), atol=1e-9)
            np.testing.assert_allclose(scatter, np.cov(own.T, bias=True) * len(own), atol=1e-8)

    def test_is_refused_where_it_does_not_suffice(self) -> None:
        X, s, _ = people((10, 10, 1), 3)
        summary = SourceSummary().add(X, np.arange(20) % 2, s)
        with pytest.raises(InputError, match=r"MIDA with covariates \(hours\) needs rows"):
            MIDA(covariates=["hours"]).fit_summary(summary)
        with pytest.raises(InputError, match="kernel is 'rbf'"):
            MIDA(kernel="rbf").fit_summary(summary)
        assert not MIDA(kernel="rbf").accepts_summary()


class TestFewDirections:
    def test_only_what_outweighs_the_domains_is_kept(self) -> None:
        X, s, T = people((40, 40, 40, 40), 5, shift=3.0)
        mida = fitted(MIDA(5), X, s, T)
        assert mida.n_components_ == 2  # 5 features, 4 domains: 3 directions tell them apart
        assert mida.transform(T).shape == (40, 2)
        assert mida.get_feature_names_out().tolist() == ["mida0", "mida1"]
        assert fitted(MIDA(5, mu=1e6), X, s, T).n_components_ == 5

    def test_where_nothing_does_the_nearest_is_kept_with_a_warning(self) -> None:
        X, s, T = people((40, 40, 40, 40), 2, shift=3.0)
        mida = MIDA(2)
        with pytest.warns(TransferWarning, match=r"times mu = 1, outweighs .* the 4 domains"):
            mida.fit(X, subjects=s).adapt(T)
        assert mida.n_components_ == 1
        assert mida.eigenvalues_[0] < 0
        rows, D = pooled(X, s, T)
        values = np.linalg.eigvalsh(mida_matrix(kernel_matrix(rows, rows), D, 1.0))
        inside = values[np.abs(values) > 1e-8 * np.abs(values).max()]
        assert mida.eigenvalues_[0] == pytest.approx(inside.max(), rel=1e-9)

    @pytest.mark.parametrize("kernel", ["linear", "rbf"])
    @pytest.mark.parametrize("value", [1.0, 0.1])
    def test_equal_rows_are_refused(self, kernel: str, value: float) -> None:
        with pytest.raises(InputError, match="all rows of a person are equal"):
            MIDA(3, kernel=kernel).fit(np.full((10, 7), value), subjects=np.arange(10) % 3)

    def test_a_refused_target_changes_nothing(self) -> None:
        X, s, T = people((20, 20, 20), 4)
        rows = pd.DataFrame({"hours": np.arange(40.0)})
        mida = MIDA(2, covariates=["hours"]).fit(X, subjects=s, rows=rows)
        before = mida.transform(T)
        with pytest.raises(InputError, match="needs rows_target with the columns hours; got None"):
            mida.adapt(T)
        np.testing.assert_array_equal(mida.transform(T), before)
        assert mida.information_ == "inductive"


class TestProblemsBesideLargeColumns:
    """left - CC' where CC' is up to 1e20 times what is wanted."""

    @pytest.mark.parametrize("size", [1.0, 1e3, 1e6, 1e10])
    def test_pairs_are_those_beside_the_columns(self, size: float) -> None:
        rng = np.random.default_rng(0)
        axes = np.linalg.qr(rng.standard_normal((20, 20)))[0]
        root = axes * 10.0 ** -np.linspace(0, 2, 20)
        left, columns = root @ root.T, size * rng.standard_normal((20, 4))
        pairs, products = difference_pairs(root, columns, 12)
        assert pairs.residuals.max() < 1e-11
        np.testing.assert_allclose(np.linalg.norm(pairs.vectors, axis=0), 1.0, rtol=1e-12)
        if size < 1e4:
            values = np.linalg.eigvalsh(left - columns @ columns.T)[::-1][:12]
            np.testing.assert_allclose(
                pairs.eigenvalues, values, rtol=1e-16 * size**2 * 1e5 + 1e-10
            )
            np.testing.assert_allclose(products, columns.T @ pairs.vectors, atol=1e-13 * size)
        else:  # all but orthogonal to the columns: the limit is the problem on their complement
            free = np.linalg.svd(columns)[0][:, 4:]
            values = np.linalg.eigvalsh(free.T @ left @ free)[::-1][:12]
            np.testing.assert_allclose(pairs.eigenvalues, values, rtol=1e-7)
            # C'b = s t with t from the equation along C, far below rounding of C'b as it comes
            assert np.abs(products).max() < 10 / size

    def test_nothing_at_all(self) -> None:
        pairs, products = difference_pairs(np.zeros((3, 3)), np.ones((3, 2)), 2)
        assert (pairs.vectors.shape, products.shape) == ((3, 0), (2, 0))


class TestParameters:
    @pytest.mark.parametrize(
        ("parameters", "message"),
        [
            ({"kernel": "poly"}, "MIDA: kernel must be 'linear' or 'rbf'; got 'poly'."),
            ({"mu": 0.0}, "MIDA: mu must be a positive number; got 0.0."),
            ({"mu": float("inf")}, "MIDA: mu must be a positive number; got inf."),
            ({"mu": "1"}, "MIDA: mu must be a positive number; got '1'."),
            ({"mu_scale": "trace"}, "MIDA: mu_scale must be 'absolute' or 'rows'; got 'trace'."),
            ({"label_weight": -1}, "MIDA: label_weight must be a number of at least 0; got -1."),
            (
                {"label_weight": None},
                "MIDA: label_weight must be a number of at least 0; got None.",
            ),
            ({"covariates": "hours"}, "a list of names of columns, or None; got 'hours'."),
            ({"covariates": [3]}, "a list of names of columns, or None; got [3]."),
            ({"n_components": 0}, "MIDA: n_components must be a positive integer; got 0."),
        ],
    )
    def test_are_checked_in_fit(self, parameters: dict[str, Any], message: str) -> None:
        X, s, _ = people((10, 10, 1), 3)
        with pytest.raises(InputError, match=re.escape(message)):
            MIDA(**parameters).fit(X, subjects=s)

    @pytest.mark.parametrize(
        ("rows", "message"),
        [
            (None, "MIDA with covariates needs rows with the columns hours; got None."),
            (
                pd.DataFrame({"day": range(20)}),
                "rows has no column 'hours', which MIDA's covariates name; its columns are day.",
            ),
            (
                pd.DataFrame({"hours": ["noon"] * 20}),
                "the column 'hours' of rows must hold numbers to be a covariate of MIDA; it holds "
                "['noon'].",
            ),
            (
                pd.DataFrame({"hours": [1.0] * 18 + [np.nan, np.inf]}),
                "the column 'hours' of rows has 2 missing values",
            ),
        ],
    )
    def test_tables_are_checked(self, rows: Any, message: str) -> None:
        X, s, _ = people((10, 10, 1), 3)
        with pytest.raises(InputError, match=re.escape(message)):
            MIDA(covariates=["hours"]).fit(X, subjects=s, rows=rows)

    def test_labels_are_needed_where_they_count(self) -> None:
        X, s, _ = people((10, 10, 1), 3)
        with pytest.raises(InputError, match="MIDA requires y to be passed"):
            MIDA(label_weight=0.1).fit(X, subjects=s)

    def test_source_rows_need_their_subject_where_the_map_depends_on_it(self) -> None:
        X, s, _ = people((10, 10, 1), 3)
        mida = MIDA(2, augment=True).fit(X, subjects=s)
        with pytest.raises(InputError, match="MIDA maps each of the 2 source subjects by itself"):
            mida.transform_source(X)
        with pytest.raises(InputError, match=r"got the subjects zoe, which were not in fit"):
            mida.transform_source(X, np.repeat("zoe", 20))
        MIDA(2).fit(X, subjects=s).transform_source(X)


@pytest.mark.parametrize(
    "mida",
    [MIDA(3), MIDA(3, kernel="rbf"), MIDA(3, augment=True), MIDA(3, label_weight=0.1)],
    ids=["linear", "rbf", "augment", "labels"],
)
def test_every_rule_of_the_contract_holds(mida: MIDA) -> None:
    check_transfer_estimator(mida, extra_classes=[MIDA])


def test_equal_domains_do_no_harm_beyond_noise() -> None:
    """Sources and target from one distribution: as good as the sources alone."""
    differences = []
    for seed in range(8):
        rng = np.random.default_rng(seed)
        y = np.arange(500) % 2
        rows = rng.standard_normal((500, 10)) * np.arange(1, 11) ** -0.5
        rows[:, :3] += 0.7 * y[:, None]
        s = np.arange(300) % 3
        X, T, y_target = rows[:300], rows[300:], y[300:]
        alone = default_classifier().fit(X, y[:300]).score(T, y_target)
        steps = MIDA(5), default_classifier()
        adapted = make_transfer_pipeline(*steps).fit(X, y[:300], subjects=s).adapt(T)
        differences.append(adapted.score(T, y_target) - alone)
    assert np.mean(differences) > -0.02
