"""TCA against the dense problem of the paper, and what it promises besides."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference.tca_naive import (
    absolute_mu,
    domain_vector,
    generalised_residual,
    kernel_matrix,
    tca_dense,
    tca_matrices,
    trace_ratio,
)
from transfer.transfer_problems import domains, gram, unit_scores

from eegtl.errors import InputError, TransferWarning
from eegtl.transfer import KPCA, TCA, SubjectNormalizer
from eegtl.transfer.solvers import krylov
from eegtl.transfer.solvers.eigen import effective_mu

pytestmark = pytest.mark.filterwarnings("ignore:TCA with the linear kernel keeps all")

RELATIVE_MU = (1e-4, 1e-2, 1.0, 1e2, 1e4)


SHAPES = {
    "more rows than features": domains(60, 30, 8),
    "more features than rows": domains(25, 15, 60),
    "rank 4 of 10": domains(60, 30, 10, rank=4),
    "one target row": domains(40, 1, 5),
    "one feature": domains(30, 20, 1),
}


class TestLinearKernel:
    @pytest.mark.parametrize("mu", RELATIVE_MU)
    @pytest.mark.parametrize("shape", SHAPES)
    def test_equals_the_dense_dual_problem(self, shape: str, mu: float) -> None:
        X, T = SHAPES[shape]
        rows = np.vstack([X, T])
        K = kernel_matrix(rows, rows)
        m = min(3, X.shape[1])
        tca = TCA(m, kernel="linear", mu=mu).fit(X).adapt(T)
        absolute = absolute_mu(K, len(X), mu)
        values, _, scores = tca_dense(K, len(X), m, absolute)
        assert tca.mu_ == pytest.approx(absolute, rel=1e-10)
        assert tca.n_components_ == m
        np.testing.assert_allclose(tca.eigenvalues_, values, rtol=1e-8)
        np.testing.assert_allclose(gram(unit_scores(tca, rows)), gram(scores), atol=1e-7)
        np.testing.assert_allclose(tca.transform(rows).mean(axis=0), 0.0, atol=1e-9)
        np.testing.assert_allclose(np.linalg.norm(tca.components_, axis=0), 1.0, rtol=1e-12)

    @pytest.mark.parametrize("mu", RELATIVE_MU)
    @pytest.mark.parametrize("shape", SHAPES)
    def test_residual_of_the_dual_weights(self, shape: str, mu: float) -> None:
        X, T = SHAPES[shape]
        rows = np.vstack([X, T])
        K = kernel_matrix(rows, rows)
        tca = TCA(3, kernel="linear", mu=mu).fit(X).adapt(T)
        W = np.linalg.pinv(rows, rcond=1e-10).T @ tca.components_  # minimum-norm W of A = X'W
        residual = generalised_residual(K, len(X), tca.mu_, W, tca.eigenvalues_)
        assert residual < 1e-8
        assert tca.residual_ < 1e-8

    # As many rows as a study has, and all directions kept: the last one lies along the gap, where
    # the problem is worst conditioned.
    def test_residual_of_many_rows(self) -> None:
        rng = np.random.default_rng(0)
        scale = np.arange(1, 7) ** -0.5
        X = rng.standard_normal((50_000, 6)) * scale
        T = (rng.standard_normal((3_000, 6)) + 1) * scale
        assert TCA(6, kernel="linear", mu=1e-4).fit(X).adapt(T).residual_ < 1e-8

    @pytest.mark.parametrize("mu", [1e-3, 0.5, 200.0])
    def test_absolute_mu_is_taken_as_given(self, mu: float) -> None:
        X, T = SHAPES["more rows than features"]
        rows = np.vstack([X, T])
        tca = TCA(3, kernel="linear", mu=mu, mu_scale="absolute").fit(X).adapt(T)
        values, _, scores = tca_dense(kernel_matrix(rows, rows), len(X), 3, mu)
        assert tca.mu_ == mu
        np.testing.assert_allclose(tca.eigenvalues_, values, rtol=1e-8)
        np.testing.assert_allclose(gram(unit_scores(tca, rows)), gram(scores), atol=1e-7)

    def test_rank_bounds_the_number_of_components(self) -> None:
        X, T = SHAPES["rank 4 of 10"]
        tca = TCA(30, kernel="linear").fit(X)
        assert tca.n_components_ == 4
        assert tca.adapt(T).n_components_ == 4
        assert tca.transform(T).shape == (30, 4)
        assert tca.get_feature_names_out().tolist() == ["tca0", "tca1", "tca2", "tca3"]

    def test_keeps_moments_and_no_rows(self) -> None:
        X, T = domains(500, 50, 4)
        tca = TCA(2, kernel="linear").fit(X).adapt(T)
        sizes = [np.size(value) for value in vars(tca).values() if isinstance(value, np.ndarray)]
        assert max(sizes) == 16  # d x d

    def test_is_pca_behind_z2_and_says_so(self) -> None:
        X, T = domains(60, 30, 6)
        subjects = np.arange(60) % 3
        z2 = SubjectNormalizer("z2").fit(X, subjects=subjects).adapt(T)
        Z, Z_target = z2.transform_source(X, subjects), z2.transform(T)
        message = (
            r"sources and target have \(nearly\) equal means, as they always have behind z2, so "
            r"TCA with the linear kernel is PCA of the pooled rows\."
        )
        tca = TCA(3, kernel="linear").fit(Z)
        with pytest.warns(TransferWarning, match=message):
            tca.adapt(Z_target)
        kpca = KPCA(3, kernel="linear").fit(Z).adapt(Z_target)
        rows = np.vstack([Z, Z_target])
        np.testing.assert_allclose(gram(tca.transform(rows)), gram(kpca.transform(rows)), atol=1e-8)

    def test_does_not_warn_where_the_means_differ(self) -> None:
        X, T = domains(60, 30, 6)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            TCA(3, kernel="linear").fit(X).adapt(T)


def rbf_problem(n_source: int, n_target: int, m: int, mu: float) -> tuple[TCA, Any]:
    X, T = domains(n_source, n_target, 6)
    tca = TCA(m, mu=mu).fit(X, X_target=T)
    return tca, kernel_matrix(tca.anchors_, tca.anchors_, tca.gamma_)


def check_against_dense(tca: TCA, K: np.ndarray, n_source: int, mu: float) -> None:
    m = tca.n_components_
    absolute = absolute_mu(K, n_source, mu)
    assert tca.mu_ == pytest.approx(absolute, rel=1e-10)
    values, _, scores = tca_dense(K, n_source, m, absolute)
    np.testing.assert_allclose(tca.eigenvalues_, values, rtol=1e-8)
    np.testing.assert_allclose(gram(unit_scores(tca, tca.anchors_)), gram(scores), atol=1e-7)
    lengths = np.einsum("im,im->m", tca.weights_, K @ tca.weights_)
    np.testing.assert_allclose(lengths, 1.0, rtol=1e-7)  # unit vectors of the feature space
    assert generalised_residual(K, n_source, absolute, tca.weights_, tca.eigenvalues_) < 1e-8
    assert tca.residual_ < 1e-8
    assert tca.approximation_ == "exact"


class TestGaussianKernel:
    @pytest.mark.parametrize("mu", RELATIVE_MU)
    def test_dense_solver_equals_the_dense_problem(self, mu: float) -> None:
        assert krylov.DENSE_ROWS >= 300
        tca, K = rbf_problem(200, 100, 8, mu)
        check_against_dense(tca, K, 200, mu)

    @pytest.mark.parametrize("mu", RELATIVE_MU)
    def test_krylov_solver_equals_the_dense_problem(
        self, mu: float, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(krylov, "DENSE_ROWS", 0)
        tca, K = rbf_problem(200, 100, 8, mu)
        check_against_dense(tca, K, 200, mu)

    @pytest.mark.parametrize("mu", RELATIVE_MU)
    def test_krylov_solver_equals_the_dense_problem_for_900_rows(self, mu: float) -> None:
        assert krylov.DENSE_ROWS < 900
        tca, K = rbf_problem(600, 300, 8, mu)
        check_against_dense(tca, K, 600, mu)

    def test_both_solvers_agree(self, monkeypatch: pytest.MonkeyPatch) -> None:
        X, T = domains(250, 120, 20)
        rows = np.vstack([X, T])
        dense = unit_scores(TCA(30).fit(X, X_target=T), rows)
        monkeypatch.setattr(krylov, "DENSE_ROWS", 0)
        iterated = unit_scores(TCA(30).fit(X, X_target=T), rows)
        np.testing.assert_allclose(gram(dense), gram(iterated), atol=1e-7)

    # The iterative solver gives up on flat spectra, which the dense one solves without trouble:
    # uncorrelated features in high dimension are an everyday input.
    def test_krylov_solves_a_flat_spectrum(self) -> None:
        rng = np.random.default_rng(0)
        X = rng.standard_normal((900, 300))
        kpca = KPCA(30).fit(X)
        assert kpca.n_components_ == 30
        assert kpca.residual_ < 1e-8

    # ... and on kernel matrices of fast decay: one direction carries most of the variance, as in
    # features that were not normalised.
    @pytest.mark.parametrize("method", [KPCA, TCA])
    def test_krylov_solves_a_fast_decaying_spectrum(self, method: Any) -> None:
        rng = np.random.default_rng(1)
        mix = rng.standard_normal((1, 95))
        X = rng.standard_normal((640, 1)) @ mix + 0.05 * rng.standard_normal((640, 95))
        T = rng.standard_normal((60, 1)) @ mix + 1 + 0.05 * rng.standard_normal((60, 95))
        fitted = method(30).fit(X, X_target=T)
        assert 10 < fitted.n_components_ <= 30
        assert fitted.residual_ < 1e-8

    # Components beyond the numerical rank are rounding: they must be left out by both solvers.
    @pytest.mark.parametrize("n", [300, 900])
    def test_components_beyond_the_numerical_rank_are_left_out(self, n: int) -> None:
        X = np.random.default_rng(2).standard_normal((n, 1))
        kpca = KPCA(30).fit(X)
        assert 5 < kpca.n_components_ < 30
        assert kpca.residual_ < 1e-8
        scores = unit_scores(kpca, X)
        np.testing.assert_allclose(scores.T @ scores / n, np.eye(scores.shape[1]), atol=1e-6)

    @pytest.mark.parametrize("n", [300, 900])
    def test_duplicated_rows_bound_the_rank(self, n: int) -> None:
        rng = np.random.default_rng(3)
        distinct = rng.standard_normal((20, 6))
        X = distinct[np.arange(n) % 20]
        assert KPCA(30).fit(X).n_components_ == 19  # centring takes one
        assert TCA(30).fit(X, X_target=X[:40] + 0.0).n_components_ == 19

    def test_trace_ratio_is_not_beaten(self) -> None:
        tca, K = rbf_problem(80, 40, 4, 1e-2)
        best = trace_ratio(K, 80, tca.mu_, tca.weights_)
        assert best == pytest.approx(tca.eigenvalues_.sum(), rel=1e-8)
        rng = np.random.default_rng(4)
        for size in (1e-6, 1e-3, 1e-1, 1.0, 1e2):
            for _ in range(20):
                step = rng.standard_normal(tca.weights_.shape) * np.abs(tca.weights_).mean()
                other = trace_ratio(K, 80, tca.mu_, tca.weights_ + size * step)
                assert other <= best * (1 + 1e-9)

    def test_objective_under_the_constraint_is_not_beaten(self) -> None:
        """min tr(W'KLKW) + mu tr(W'W) subject to W'KHKW = I, the form of the paper."""
        tca, K = rbf_problem(80, 40, 4, 1e-2)
        khk, klk, _ = tca_matrices(K, 80)

        def objective(W: np.ndarray) -> float:
            values, vectors = np.linalg.eigh(W.T @ khk @ W)
            W = W @ (vectors / np.sqrt(values))  # feasible
            return float(np.trace(W.T @ (klk + tca.mu_ * np.eye(len(K))) @ W))

        best = objective(tca.weights_)
        rng = np.random.default_rng(5)
        for size in (1e-6, 1e-3, 1e-1, 1.0, 1e2):
            for _ in range(20):
                step = rng.standard_normal(tca.weights_.shape) * np.abs(tca.weights_).mean()
                assert objective(tca.weights_ + size * step) >= best * (1 - 1e-9)

    def test_pooled_scores_are_centred_and_uncorrelated(self) -> None:
        X, T = domains(100, 50, 6)
        scores = unit_scores(TCA(5).fit(X, X_target=T), np.vstack([X, T]))
        np.testing.assert_allclose(scores.T @ scores / 150, np.eye(5), atol=1e-8)
        np.testing.assert_allclose(scores.mean(axis=0), 0.0, atol=1e-10)


@pytest.mark.parametrize("kernel", ["linear", "rbf"])
class TestBothKernels:
    def test_gap_shrinks_with_less_regularisation(self, kernel: str) -> None:
        X, T = domains(120, 60, 8, seed=6)
        tca = TCA(3, kernel=kernel)
        gaps = []
        for mu in (1e4, 1e2, 1.0, 1e-2, 1e-4):
            tca.set_params(mu=mu).fit(X).adapt(T)
            means = tca.transform(X).mean(axis=0) - tca.transform(T).mean(axis=0)
            deviations = np.std(tca.transform(np.vstack([X, T])), axis=0)
            against_spread = np.linalg.norm(means) / np.linalg.norm(deviations)
            assert tca.gap_ == pytest.approx(float(against_spread), rel=1e-6, abs=1e-10)
            gaps.append(float(np.linalg.norm(means / deviations)))
        assert np.all(np.diff(gaps) < 0)
        assert gaps[-1] < 1e-3 < 0.5 < gaps[0]

    def test_maps_sources_and_target_alike(self, kernel: str) -> None:
        X, T = domains(50, 20, 5)
        tca = TCA(3, kernel=kernel).fit(X).adapt(T)
        np.testing.assert_array_equal(tca.transform(X), tca.transform_source(X))
        one_by_one = np.vstack([tca.transform(T[i : i + 1]) for i in range(20)])
        np.testing.assert_allclose(one_by_one, tca.transform(T), atol=1e-10)

    def test_out_of_sample_map_equals_the_scores_of_rows_that_were_in(self, kernel: str) -> None:
        X, T = domains(50, 20, 5)
        rows = np.vstack([X, T])
        tca = TCA(3, kernel=kernel).fit(X).adapt(T)
        gamma = None if kernel == "linear" else tca.gamma_
        K = kernel_matrix(rows, rows, gamma)
        _, W, scores = tca_dense(K, 50, 3, tca.mu_)
        ours = unit_scores(tca, rows)
        signs = np.sign(np.sum(scores * ours, axis=0))
        np.testing.assert_allclose(ours, scores * signs, atol=1e-7)
        new = domains(1, 10, 5, seed=9)[1]
        expected = (kernel_matrix(new, rows, gamma) - K.mean(axis=0)) @ W * signs
        np.testing.assert_allclose(unit_scores(tca, rows, new), expected, atol=1e-7)

    @settings(max_examples=10, deadline=None)
    @given(seed=st.integers(0, 2**16))
    def test_permuting_the_rows_permutes_the_output(self, kernel: str, seed: int) -> None:
        rng = np.random.default_rng(seed)
        X, T = domains(40, 20, 4, seed=seed)
        order, target_order = rng.permutation(40), rng.permutation(20)
        a = TCA(3, kernel=kernel).fit(X).adapt(T)
        b = TCA(3, kernel=kernel).fit(X[order]).adapt(T[target_order])
        np.testing.assert_allclose(
            gram(a.transform_source(X)[order]), gram(b.transform_source(X[order])), atol=1e-8
        )
        np.testing.assert_array_equal(b.transform_source(X[order]), b.transform_source(X)[order])

    def test_scaling_the_features_changes_nothing(self, kernel: str) -> None:
        """Relative mu and the median width leave nothing that has a unit."""
        X, T = domains(50, 20, 5)
        a = unit_scores(TCA(3, kernel=kernel).fit(X).adapt(T), T)
        b = unit_scores(TCA(3, kernel=kernel).fit(X * 1e-6).adapt(T * 1e-6), T * 1e-6)
        np.testing.assert_allclose(gram(a), gram(b), atol=1e-7)

    def test_before_adapt_it_is_kpca_of_the_sources(self, kernel: str) -> None:
        X, T = domains(50, 20, 5)
        tca, kpca = TCA(3, kernel=kernel).fit(X), KPCA(3, kernel=kernel).fit(X)
        np.testing.assert_array_equal(tca.transform(T), kpca.transform(T))
        assert np.isnan(tca.mu_)
        assert np.isnan(tca.gap_)
        assert tca.information_ == "inductive"
        tca.adapt(T)
        assert tca.mu_ > 0
        assert (tca.information_, tca.n_target_windows_) == ("unlabelled", 20)
        np.testing.assert_array_equal(tca.adapt().transform(T), kpca.transform(T))
        assert np.isnan(tca.mu_)
        assert np.isnan(tca.gap_)

    def test_equal_rows_are_refused(self, kernel: str) -> None:
        message = (
            r"TCA found no direction in which the rows vary; all rows are equal\. Check the "
            r"features\."
        )
        with pytest.raises(InputError, match=message):
            TCA(3, kernel=kernel).fit(np.ones((10, 3)))


class TestParameters:
    @pytest.mark.parametrize(
        ("parameters", "message"),
        [
            ({"kernel": "poly"}, r"TCA: kernel must be 'linear' or 'rbf'; got 'poly'\."),
            ({"n_components": 0}, r"TCA: n_components must be a positive integer; got 0\."),
            ({"n_components": 2.5}, r"TCA: n_components must be a positive integer; got 2\.5\."),
            ({"gamma": "scale"}, r"TCA: gamma must be 'median' or a positive number; got 'scale'"),
            ({"gamma": 0.0}, r"TCA: gamma must be 'median' or a positive number; got 0\.0\."),
            ({"gamma": np.inf}, r"TCA: gamma must be 'median' or a positive number; got inf\."),
            (
                {"n_landmarks": 1},
                r"TCA: n_landmarks must be 'auto', None or an integer of at least 2; got 1\.",
            ),
            (
                {"n_landmarks": "all"},
                r"TCA: n_landmarks must be 'auto', None or an integer of at least 2; got 'all'\.",
            ),
        ],
    )
    def test_are_checked_in_fit(self, parameters: dict[str, Any], message: str) -> None:
        with pytest.raises(InputError, match=message):
            TCA(**parameters).fit(domains(20, 1, 3)[0])

    # mu and mu_scale are read first when a target comes: a misspelt scale passes fit.
    @pytest.mark.parametrize(
        ("parameters", "message"),
        [
            ({"mu": -1.0}, r"mu must be a positive number; got -1\.0\."),
            ({"mu": 0}, r"mu must be a positive number; got 0\."),
            ({"mu": float("nan")}, r"mu must be a positive number; got nan\."),
            ({"mu": None}, r"mu must be a positive number; got None\."),
            ({"mu": "1"}, r"mu must be a positive number; got '1'\."),
            ({"mu_scale": "rows"}, r"mu_scale must be 'trace' or 'absolute'; got 'rows'\."),
        ],
    )
    def test_of_the_regulariser_are_checked_in_fit(
        self, parameters: dict[str, Any], message: str
    ) -> None:
        with pytest.raises(InputError, match=message):
            TCA(2, kernel="linear", **parameters).fit(domains(20, 1, 3)[0])

    def test_one_source_row_is_refused(self) -> None:
        message = r"TCA needs at least 2 source rows; got n_samples = 1\."
        with pytest.raises(InputError, match=message):
            TCA().fit([[1.0, 2.0]])

    def test_effective_mu(self) -> None:
        assert effective_mu(0.1, "trace", 2.0, 1.0) == pytest.approx(0.2)
        assert effective_mu(0.1, "trace", 0.0, 5.0) == pytest.approx(0.1 * 5e-6)
        assert effective_mu(0.1, "absolute", 2.0, 1.0) == 0.1

    # its docstring promises this error
    def test_effective_mu_of_rows_that_do_not_vary(self) -> None:
        with pytest.raises(InputError, match="vary"):
            effective_mu(0.1, "trace", 0.0, 0.0)

    def test_domain_vector_has_the_mean_difference(self) -> None:
        """The reference's own sign and scale, on which all of the above rests."""
        values = np.array([1.0, 3.0, 10.0])
        assert domain_vector(2, 1) @ values == pytest.approx(2.0 - 10.0)
