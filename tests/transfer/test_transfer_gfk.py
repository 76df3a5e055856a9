"""The geodesic flow kernel against its integral, the paper's blocks, and its invariances."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference.gfk_naive import gfk_blocks, gfk_integral
from reference.subspaces_naive import disagreement, pca_basis
from sklearn.decomposition import PCA
from transfer.transfer_problems import domains, gram

from eegtl.errors import InputError
from eegtl.testing import check_transfer_estimator
from eegtl.transfer import (
    SourceSummary,
    default_classifier,
    make_transfer_pipeline,
)
from eegtl.transfer.gfk import GFK, first_near_maximum, flow_map
from eegtl.transfer.solvers.subspaces import principal_pairs


def orthonormal(d: int, k: int, seed: int) -> np.ndarray:
    return np.linalg.qr(np.random.default_rng(seed).standard_normal((d, k)))[0]


def kernel(P: np.ndarray, Q: np.ndarray) -> np.ndarray:
    """G by the feature map."""
    pairs = principal_pairs(P, Q)
    F = flow_map(pairs.first, pairs.second, pairs.angles)
    return F @ F.T


def tilted(d: int, angles: list[float], seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Two subspaces with these principal angles, in bases that hide them."""
    k = len(angles)
    axes, t = orthonormal(d, 2 * k, seed), np.array(angles)
    other = axes[:, :k] * np.cos(t) + axes[:, k:] * np.sin(t)
    return axes[:, :k] @ orthonormal(k, k, seed + 1), other @ orthonormal(k, k, seed + 2)


@pytest.mark.parametrize("n_components", [3, 2, 20, "auto"])
def test_every_rule_holds(n_components: int | str) -> None:
    check_transfer_estimator(GFK(n_components), extra_classes=[GFK])


class TestFlowMap:
    @pytest.mark.parametrize("seed", range(4))
    @pytest.mark.parametrize(("d", "k"), [(8, 3), (9, 4), (6, 3), (4, 1)])
    def test_equals_the_integral_over_the_geodesic(self, d: int, k: int, seed: int) -> None:
        P, Q = orthonormal(d, k, seed), orthonormal(d, k, seed + 100)
        np.testing.assert_allclose(kernel(P, Q), gfk_integral(P, Q), atol=1e-8)
        np.testing.assert_allclose(kernel(P, Q), gfk_blocks(P, Q), atol=1e-8)

    @pytest.mark.parametrize(
        "angles",
        [
            [0.0, 0.3, np.pi / 2],
            [0.0, 0.0, 0.0],
            [1e-9, 1e-6, 1e-3],
            [0.0499, 0.0501, 0.05],
            [np.pi / 2] * 3,
            [0.7, 0.7, 0.7],
        ],
    )
    def test_equals_the_integral_at_special_angles(self, angles: list[float]) -> None:
        P, Q = tilted(9, angles)
        np.testing.assert_allclose(kernel(P, Q), gfk_integral(P, Q), atol=1e-8)

    def test_weights_at_small_angles_keep_their_digits(self) -> None:
        """(1 - sin t / t) / 2 is t^2 / 12 there, far below the rounding of 1."""
        for t in (1e-6, 1e-4, 1e-2, 0.0499, 0.0501):
            values = np.linalg.svd(flow_map(*_pair(t)), compute_uv=False) ** 2
            series = t**2 / 12 * (1 - t**2 / 20 + t**4 / 840)
            np.testing.assert_allclose(values, [1 - series, series], rtol=1e-9)

    @settings(max_examples=30)
    @given(seed=st.integers(0, 2**16), k=st.integers(1, 4))
    def test_kernel_properties(self, seed: int, k: int) -> None:
        P, Q = orthonormal(9, k, seed), orthonormal(9, k, seed + 1)
        G = kernel(P, Q)
        np.testing.assert_allclose(G, kernel(Q, P), atol=1e-9)
        values = np.linalg.eigvalsh(G)
        assert values.min() > -1e-12
        assert values.max() <= 1 + 1e-12
        assert np.trace(G) == pytest.approx(k)  # every subspace on the way has k directions
        turn = orthonormal(9, 9, seed + 2)
        np.testing.assert_allclose(kernel(turn @ P, turn @ Q), turn @ G @ turn.T, atol=1e-8)
        inside = orthonormal(k, k, seed + 3)
        np.testing.assert_allclose(kernel(P @ inside, Q), G, atol=1e-8)

    def test_of_equal_subspaces_is_the_projector(self) -> None:
        P = orthonormal(8, 3, seed=0)
        pairs = principal_pairs(P, P @ orthonormal(3, 3, seed=1))
        F = flow_map(pairs.first, pairs.second, pairs.angles)
        assert F.shape == (8, 3)
        np.testing.assert_allclose(F @ F.T, P @ P.T, atol=1e-12)

    def test_columns_are_orthogonal(self) -> None:
        P, Q = orthonormal(9, 4, seed=0), orthonormal(9, 4, seed=1)
        pairs = principal_pairs(P, Q)
        inner = flow_map(pairs.first, pairs.second, pairs.angles)
        inner = inner.T @ inner
        np.testing.assert_allclose(inner, np.diag(np.diag(inner)), atol=1e-12)


def _pair(t: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return np.array([[1.0], [0.0]]), np.array([[np.cos(t)], [np.sin(t)]]), np.array([t])


class TestEstimator:
    @pytest.mark.parametrize(("n", "n_target", "d"), [(60, 30, 8), (25, 15, 40)])
    def test_inner_products_are_those_of_the_kernel(self, n: int, n_target: int, d: int) -> None:
        X, T = domains(n, n_target, d)
        gfk = GFK(3).fit(X).adapt(T)
        G = gfk_integral(pca_basis(X, 3), pca_basis(T, 3))
        rows = np.vstack([X - X.mean(axis=0), T - T.mean(axis=0)])
        scores = np.vstack([gfk.transform_source(X), gfk.transform(T)])
        assert scores.shape[1] == 6  # not d
        np.testing.assert_allclose(gram(scores), rows @ G @ rows.T, atol=1e-7)

    def test_before_adapt_it_is_pca_of_the_sources(self) -> None:
        X, T = domains(60, 30, 8)
        gfk = GFK(3).fit(X)
        for _ in range(2):
            expected = PCA(3).fit(X).transform(T)
            np.testing.assert_allclose(gram(gfk.transform(T)), gram(expected), atol=1e-8)
            np.testing.assert_allclose(gfk.principal_angles_, 0.0, atol=1e-7)
            gfk.adapt(T).adapt()

    def test_dimension_is_at_most_half_the_features(self) -> None:
        X, T = domains(60, 30, 7)
        gfk = GFK(20).fit(X).adapt(T)
        assert gfk.n_components_ == 3
        assert gfk.get_feature_names_out().tolist() == [f"gfk{i}" for i in range(6)]
        X, T = domains(60, 30, 1)
        np.testing.assert_allclose(GFK().fit(X).adapt(T).transform(T).var(), T.var())

    def test_from_a_summary_as_from_rows(self) -> None:
        X, T = domains(60, 30, 8)
        y, people = np.arange(60) % 2, np.arange(60) % 3
        summary = SourceSummary().add(X, y, people)
        for n_components in (3, "auto"):
            a = GFK(n_components).fit(X).adapt(T)
            b = GFK(n_components).fit_summary(summary).adapt(T)
            np.testing.assert_allclose(a.components_, b.components_, atol=1e-8)
            mapped = b.map_summary(summary)
            expected = SourceSummary().add(a.transform_source(X), y, people)
            np.testing.assert_allclose(mapped.means, expected.means, atol=1e-8)
            np.testing.assert_allclose(mapped.scatters, expected.scatters, atol=1e-8)

    def test_keeps_no_rows(self) -> None:
        X, T = domains(500, 300, 4)
        gfk = GFK(2).fit(X).adapt(T)
        sizes = [value.size for value in vars(gfk).values() if isinstance(value, np.ndarray)]
        assert max(sizes) == 16  # d x d

    def test_one_target_row_only_moves_the_mean(self) -> None:
        X, T = domains(60, 30, 8)
        gfk = GFK(3).fit(X)
        before = gfk.transform_source(X)
        gfk.adapt(T[:1])
        np.testing.assert_allclose(gram(gfk.transform_source(X)), gram(before), atol=1e-8)
        np.testing.assert_allclose(gfk.transform(T[:1]), 0.0, atol=1e-12)

    def test_the_sources_rank_bounds_the_dimension(self) -> None:
        X, T = domains(60, 30, 12, rank=4)
        assert GFK(6).fit(X).adapt(T).n_components_ == 4


class TestAuto:
    def test_takes_the_first_number_near_the_largest_disagreement(self) -> None:
        X, T = domains(200, 100, 12)
        gfk = GFK("auto").fit(X).adapt(T)
        measured = disagreement(X, T, 6)
        np.testing.assert_allclose(gfk.disagreement_, measured, atol=1e-6)
        assert gfk.n_components_ == 1 + np.flatnonzero(measured >= 0.99 * measured.max())[0]
        assert gfk.adapt().n_components_ == 6
        assert gfk.disagreement_.size == 0

    def test_stops_where_the_domains_share_no_more(self) -> None:
        """Three strong directions in common, a fourth of each domain's own."""
        rng = np.random.default_rng(0)
        X, T = rng.standard_normal((2, 3000, 10)) * 0.01
        X[:, :3] += rng.standard_normal((3000, 3)) * [9, 7, 5]
        T[:, :3] += rng.standard_normal((3000, 3)) * [9, 7, 5]
        X[:, 3] += rng.standard_normal(3000)
        T[:, 4] += 2 * rng.standard_normal(3000)
        gfk = GFK("auto").fit(X).adapt(T)
        assert gfk.disagreement_[:3].max() < 0.1
        # the joint fourth direction is the target's, at right angles to the source's
        assert gfk.n_components_ >= 4

    def test_of_one_row_there_is_nothing_to_disagree_with(self) -> None:
        X, T = domains(60, 30, 12)
        assert GFK("auto").fit(X).adapt(T[:1]).n_components_ == 6

    def test_first_near_maximum(self) -> None:
        assert first_near_maximum(np.array([0.2, 0.5, 0.496, 0.4])) == 2
        assert first_near_maximum(np.array([0.2, 0.495, 0.5])) == 2
        assert first_near_maximum(np.full(4, 1e-9)) == 4


def accuracy(step: GFK | None, problem: tuple[np.ndarray, ...], *, adapt: bool = True) -> float:
    X, y, T, y_target = problem
    steps = [*([step] if step is not None else []), default_classifier()]
    pipeline = make_transfer_pipeline(*steps).fit(X, y, X_target=T if adapt else None)
    return float(pipeline.score(T, y_target))


def two_classes(seed: int, shift: float) -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng(seed)
    y, y_target = np.arange(300) % 2, np.arange(200) % 2
    mix = rng.standard_normal((10, 10)) * np.arange(1, 11)[:, None] ** -0.7
    effect = rng.standard_normal(4) @ mix[:4]
    X, T = (rng.standard_normal((len(v), 10)) @ mix + v[:, None] * effect for v in (y, y_target))
    return X, y, T + shift * rng.standard_normal(10), y_target


def test_equal_domains_do_no_harm() -> None:
    """Fewer components can cost accuracy; looking at the target must not."""
    problems = [two_classes(seed, 0.0) for seed in range(10)]
    plain = np.mean([accuracy(None, p) for p in problems])
    for n_components in (3, 5, "auto"):
        adapted = np.mean([accuracy(GFK(n_components), p) for p in problems])
        pca = np.mean([accuracy(GFK(n_components), p, adapt=False) for p in problems])
        assert adapted > pca - 0.02, n_components
        assert adapted > plain - 0.06, n_components


def test_a_shift_is_made_good() -> None:
    problems = [two_classes(seed, 2.0) for seed in range(10)]
    plain = np.mean([accuracy(None, p) for p in problems])
    unshifted = np.mean([accuracy(None, two_classes(seed, 0.0)) for seed in range(10)])
    aligned = np.mean([accuracy(GFK(5), p) for p in problems])
    assert plain < unshifted - 0.1
    assert aligned > unshifted - 0.03


def test_parameters_that_cannot_be_used() -> None:
    X, _ = domains(20, 1, 4)
    with pytest.raises(InputError, match=r"GFK: n_components must be a positive integer; got 0\."):
        GFK(0).fit(X)
    with pytest.raises(InputError, match=r"must be 'auto' or a positive integer; got 'most'\."):
        GFK("most").fit(X)
    with pytest.raises(InputError, match="GFK found no direction in which the source rows vary"):
        GFK().fit(np.ones((20, 4)))
    with pytest.raises(InputError, match=r"n_samples = 1 rows of 1 source\."):
        GFK().fit(X[:1])
