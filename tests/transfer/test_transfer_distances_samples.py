"""Distances between the rows as they are: histograms and projections."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import distances_naive as naive
from scipy.spatial.distance import jensenshannon
from scipy.stats import wasserstein_distance

from eegtl.errors import InputError
from eegtl.transfer.distances import histogram_js, sliced_wasserstein

SEEDS = st.integers(0, 10_000)


def _rows(seed=0, n=(37, 52), d=3, shift=0.7):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((n[0], d)), 1.5 * rng.standard_normal((n[1], d)) + shift


class TestJensenShannon:
    @pytest.mark.parametrize("n_bins", [2, 7, 10])
    @pytest.mark.parametrize("ties", [False, True])
    def test_equals_plain_loops(self, n_bins, ties):
        A, B = _rows()
        if ties:
            A, B = np.round(A), np.round(B)
        found = histogram_js(A, B, n_bins=n_bins, correct_bias=False)
        expected = naive.jensen_shannon(A.tolist(), B.tolist(), n_bins)
        assert found == pytest.approx(expected, rel=1e-12)

    def test_equals_scipy_on_the_same_bins(self):
        A, B = _rows(n=(40, 40), d=1)  # equally many rows: bins are quantiles of all of them
        edges = [-np.inf, *np.quantile(np.vstack([A, B]), [0.2, 0.4, 0.6, 0.8]), np.inf]
        p, q = (np.histogram(X, edges)[0] for X in (A, B))
        expected = jensenshannon(p, q, base=2) ** 2
        found = histogram_js(A, B, n_bins=5, correct_bias=False)
        assert found == pytest.approx(expected, rel=1e-12)

    @settings(max_examples=30)
    @given(seed=SEEDS)
    def test_increasing_maps_of_a_feature_change_nothing(self, seed):
        A, B = _rows(seed)
        maps = (np.exp, lambda x: x**3, lambda x: 5 * x - 2)
        moved = [np.column_stack([f(X[:, j]) for j, f in enumerate(maps)]) for X in (A, B)]
        assert histogram_js(*moved) == pytest.approx(histogram_js(A, B), rel=1e-12)

    @settings(max_examples=30)
    @given(seed=SEEDS, shift=st.floats(0, 3), correct=st.booleans())
    def test_lies_between_0_and_1_and_is_symmetric(self, seed, shift, correct):
        A, B = _rows(seed, shift=shift)
        found = histogram_js(A, B, correct_bias=correct)
        assert 0 <= found <= 1
        assert histogram_js(B, A, correct_bias=correct) == pytest.approx(found, abs=1e-12)
        assert histogram_js(A, A, correct_bias=correct) == pytest.approx(0, abs=1e-12)

    @pytest.mark.parametrize("correct", [False, True])
    def test_domains_that_share_no_bin_lie_one_bit_apart(self, correct):
        A, B = _rows(n=(30, 60))
        assert histogram_js(A, B + 100, correct_bias=correct) == pytest.approx(1.0, abs=1e-12)

    @pytest.mark.parametrize("n", [(60, 60), (50, 400), (300, 300)])
    def test_few_rows_of_equal_domains_make_the_stated_bias_which_is_taken_off(self, n):
        rng = np.random.default_rng(0)
        pairs = [(rng.standard_normal((n[0], 40)), rng.standard_normal((n[1], 40)))
                 for _ in range(20)]  # fmt: skip
        stated = 9 * (1 / n[0] + 1 / n[1]) / (8 * np.log(2))
        plain = np.mean([histogram_js(*pair, correct_bias=False) for pair in pairs])
        corrected = np.mean([histogram_js(*pair) for pair in pairs])
        assert plain == pytest.approx(stated, rel=0.1)
        assert corrected < 0.15 * stated

    def test_the_correction_holds_for_different_domains_too(self):
        rng = np.random.default_rng(0)
        truth = histogram_js(
            rng.standard_normal((200_000, 1)), rng.standard_normal((200_000, 1)) + 1
        )
        few = [
            (rng.standard_normal((60, 40)), rng.standard_normal((90, 40)) + 1) for _ in range(20)
        ]
        plain = np.mean([histogram_js(*pair, correct_bias=False) for pair in few])
        corrected = np.mean([histogram_js(*pair) for pair in few])
        assert abs(corrected - truth) < 0.3 * abs(plain - truth)
        assert corrected == pytest.approx(truth, rel=0.05)

    def test_what_only_combinations_tell_is_not_seen(self):
        rng = np.random.default_rng(0)
        A = rng.standard_normal((4000, 1)) * [1.0, 1.0]
        B = rng.standard_normal((4000, 1)) * [1.0, -1.0]
        assert histogram_js(A, B) < 0.01

    @pytest.mark.parametrize("wrong", [1, 0, 2.5, "ten"])
    def test_a_number_of_bins_that_is_none_is_refused(self, wrong):
        with pytest.raises(InputError, match=f"n_bins must be a whole number .* got {wrong!r}"):
            histogram_js(*_rows(), n_bins=wrong)


class TestSlicedWasserstein:
    @pytest.mark.parametrize("n", [(37, 52), (40, 40), (2, 97), (60, 30)])
    def test_of_one_feature_is_the_distance_of_numbers(self, n):
        A, B = _rows(n=n, d=1)
        found = sliced_wasserstein(A, B, n_projections=3)
        assert found == pytest.approx(wasserstein_distance(A[:, 0], B[:, 0]), rel=1e-12)
        assert found == pytest.approx(
            naive.wasserstein_1(A[:, 0].tolist(), B[:, 0].tolist()), rel=1e-12
        )

    def test_is_the_mean_over_directions(self):
        A, B = _rows(d=5)
        directions = np.random.default_rng(4).standard_normal((5, 33))
        directions /= np.linalg.norm(directions, axis=0)
        expected = np.mean([wasserstein_distance(A @ u, B @ u) for u in directions.T])
        found = sliced_wasserstein(A, B, n_projections=33, random_state=4)
        assert found == pytest.approx(expected, rel=1e-12)

    def test_of_moved_rows_is_the_mean_length_of_the_projected_shift(self):
        A, _ = _rows(d=5)
        shift = np.array([1.0, -2.0, 0.5, 0.0, 3.0])
        directions = np.random.default_rng(0).standard_normal((5, 200))
        directions /= np.linalg.norm(directions, axis=0)
        found = sliced_wasserstein(A, A + shift)
        assert found == pytest.approx(np.abs(shift @ directions).mean(), rel=1e-12)
        many = sliced_wasserstein(A, A + 1.0, n_projections=20_000)
        # the mean of |u_1| on the sphere in five dimensions is 3/8
        assert many == pytest.approx(np.sqrt(5) * 3 / 8, rel=0.02)

    @settings(max_examples=20)
    @given(seed=SEEDS, factor=st.floats(0.01, 100))
    def test_moving_and_scaling_both_domains(self, seed, factor):
        A, B = _rows(seed)
        found = sliced_wasserstein(factor * A + 3, factor * B + 3, n_projections=20)
        expected = factor * sliced_wasserstein(A, B, n_projections=20)
        assert found == pytest.approx(expected, rel=1e-9)
        swapped = sliced_wasserstein(B, A, n_projections=20)
        assert swapped == pytest.approx(sliced_wasserstein(A, B, n_projections=20), rel=1e-12)
        assert sliced_wasserstein(A, A, n_projections=20) == 0

    def test_rotating_both_domains_is_another_draw(self):
        A, B = _rows(n=(300, 200), d=6)
        rotation = np.linalg.qr(np.random.default_rng(1).standard_normal((6, 6)))[0]
        found = sliced_wasserstein(A @ rotation, B @ rotation, n_projections=2000)
        again = sliced_wasserstein(A, B, n_projections=2000)
        assert found == pytest.approx(again, rel=0.03)

    @settings(max_examples=20)
    @given(seed=SEEDS)
    def test_triangle_inequality(self, seed):
        rng = np.random.default_rng(seed)
        A, B, C = (rng.standard_normal((n, 3)) + rng.standard_normal(3) for n in (11, 17, 8))
        ab, bc, ac = (sliced_wasserstein(*pair, n_projections=10) for pair in
                      ((A, B), (B, C), (A, C)))  # fmt: skip
        assert ac <= ab + bc + 1e-12

    def test_few_rows_of_equal_domains_make_the_stated_bias(self):
        rng = np.random.default_rng(0)
        for n_a, n_b, d in ((60, 600, 4), (200, 200, 30)):
            found = [
                sliced_wasserstein(rng.standard_normal((n_a, d)), rng.standard_normal((n_b, d)))
                for _ in range(20)
            ]
            stated = 1.25 * np.sqrt(1 / n_a + 1 / n_b)
            assert np.mean(found) == pytest.approx(stated, rel=0.06)

    def test_the_draw_is_fixed_by_the_seed(self):
        A, B = _rows()
        assert sliced_wasserstein(A, B) == sliced_wasserstein(A, B)
        assert sliced_wasserstein(A, B) != sliced_wasserstein(A, B, random_state=1)

    @pytest.mark.parametrize("wrong", [0, -1, 1.5])
    def test_a_number_of_projections_that_is_none_is_refused(self, wrong):
        with pytest.raises(InputError, match=f"positive whole number; got {wrong!r}"):
            sliced_wasserstein(*_rows(), n_projections=wrong)
