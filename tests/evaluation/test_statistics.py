from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from reference import signed_rank
from scipy.stats import t, wilcoxon

from eegtl.errors import InputError
from eegtl.evaluation import holm, paired_wilcoxon
from eegtl.evaluation.statistics import bootstrap_interval, paired_differences


@given(st.lists(st.integers(-6, 6), min_size=1, max_size=9))
def test_wilcoxon_equals_the_listing_of_all_signs(steps):
    scores = np.array(steps) / 40 + 0.5
    found = paired_wilcoxon(scores, np.full(len(steps), 0.5))
    assert found == pytest.approx(signed_rank.exact_p([s / 40 for s in steps]), abs=1e-12)


def test_wilcoxon_known_values():
    base = np.zeros(6)
    assert paired_wilcoxon([0.1, 0.2, 0.3, 0.4, 0.5, 0.6], base) == 2 / 2**6
    # rank sums 20 and 1: one of 64 sign patterns is as small, one smaller, both sides
    assert paired_wilcoxon([-0.1, 0.2, 0.3, 0.4, 0.5, 0.6], base) == 4 / 2**6


def test_people_without_a_difference_are_left_out():
    assert paired_wilcoxon([0.6, 0.7, 0.8, 0.5, 0.5], [0.5] * 5) == paired_wilcoxon(
        [0.6, 0.7, 0.8], [0.5] * 3
    )


def test_no_difference_at_all_gives_one():
    assert paired_wilcoxon([0.5, 0.7], [0.5, 0.7]) == 1.0


def test_differences_that_are_equal_on_paper_tie():
    assert 0.8 - 0.7 != 0.9 - 0.8
    found = paired_wilcoxon([0.8, 0.9, 0.3], [0.7, 0.8, 0.4])
    assert found == pytest.approx(signed_rank.exact_p([0.1, 0.1, -0.1]))


@pytest.mark.parametrize("seed", range(4))
def test_with_ties_all_signs_count_beyond_thirteen_people(seed):
    steps = np.random.default_rng(seed).integers(-3, 6, 15)
    steps[steps == 0] = 1
    found = paired_wilcoxon(steps / 40, np.zeros(15))
    assert found == pytest.approx(signed_rank.exact_p((steps / 40).tolist()), rel=1e-12)
    asymptotic = wilcoxon(steps, method="asymptotic").pvalue
    assert abs(found - asymptotic) > 1e-4  # so the comparison above can tell


@pytest.mark.parametrize("n", [14, 51, 100])
def test_without_ties_p_is_that_of_scipys_exact_test(n):
    difference = np.random.default_rng(n).normal(0.03, 0.1, n)
    expected = wilcoxon(difference, method="exact").pvalue
    assert paired_wilcoxon(difference, np.zeros(n)) == pytest.approx(expected, rel=1e-9)
    everyone = paired_wilcoxon(np.arange(1.0, n + 1), np.zeros(n))
    assert everyone == pytest.approx(2.0 ** (1 - n), rel=1e-9)


def test_beyond_a_hundred_people_p_is_the_normal_approximation():
    steps = np.random.default_rng(0).integers(-3, 5, 140)
    steps[steps == 0] = 1
    expected = wilcoxon(steps, method="asymptotic", correction=False).pvalue
    assert paired_wilcoxon(steps / 10, np.zeros(140)) == pytest.approx(expected, rel=1e-9)
    exact = paired_wilcoxon(steps[:100] / 10, np.zeros(100))
    assert exact == pytest.approx(
        wilcoxon(steps[:100], method="asymptotic", correction=False).pvalue, rel=0.2
    )


def test_differences_are_nothing_where_they_are_nothing_on_paper():
    found = paired_differences([(0.1 + 0.7) / 2, 0.9, 0.2], [(0.3 + 0.5) / 2, 0.8, 0.3])
    assert found.tolist() == [0.0, 0.1, -0.1]
    assert not np.signbit(found[0])


def test_wilcoxon_refuses_what_is_not_paired():
    with pytest.raises(InputError, match=r"got shapes \(2,\) and \(3,\)"):
        paired_wilcoxon([0.1, 0.2], [0.1, 0.2, 0.3])
    with pytest.raises(InputError, match="got NaN or infinity"):
        paired_wilcoxon([0.1, np.nan], [0.1, 0.2])


@given(st.lists(st.floats(0, 1), max_size=8))
def test_holm_equals_the_sorting_loop(p_values):
    assert holm(p_values).tolist() == pytest.approx(signed_rank.holm(p_values))


def test_holm_known_values_and_rows_without_a_test():
    found = holm([0.01, np.nan, 0.04, 0.03, 0.005])
    assert found[[0, 2, 3, 4]].tolist() == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert np.isnan(found[1])


def test_a_bootstrap_interval_equals_resampling_by_hand():
    values = np.array([0.5, 0.6, 0.65, 0.8, 0.9, 0.55])
    low, high = bootstrap_interval(values, seed=3)
    rng = np.random.default_rng(5)
    means = [values[rng.integers(0, 6, 6)].mean() for _ in range(20000)]
    # another stream: the ends of both vary by about .002
    assert (low, high) == pytest.approx(np.percentile(means, [2.5, 97.5]), abs=0.008)
    assert (low, high) == bootstrap_interval(values, seed=3)
    assert bootstrap_interval(values + 1.0, seed=3) == pytest.approx((low + 1, high + 1))
    assert bootstrap_interval(-values, seed=3) == pytest.approx((-high, -low), abs=0.008)


def test_bootstrap_intervals_cover_the_mean_about_as_often_as_theory_says():
    rng = np.random.default_rng(0)
    n_people, n_studies = 15, 300
    covered = 0
    for i in range(n_studies):
        low, high = bootstrap_interval(rng.normal(0.7, 0.1, n_people), seed=i)
        covered += low <= 0.7 <= high
    # of normal values the interval is mean +- 1.96 sd sqrt((n - 1) / n) / sqrt(n), so that
    # the t distribution gives its coverage; 300 studies vary by 1.6 points
    expected = 1 - 2 * t.sf(1.96 * np.sqrt((n_people - 1) / n_people), n_people - 1)
    assert covered / n_studies == pytest.approx(expected, abs=0.05)
    assert 0.9 < expected < 0.93


def test_bootstraps_of_equal_few_and_impossible_values():
    assert bootstrap_interval([0.5] * 5) == (0.5, 0.5)
    for n in range(1, 5):
        assert np.isnan(bootstrap_interval([0.5, 0.6, 0.7, 0.8][:n])).all()
    with pytest.raises(InputError, match=r"one finite score a person; got the shape \(2,\) with 1"):
        bootstrap_interval([0.5, np.nan])
    with pytest.raises(InputError, match=r"got the shape \(0,\) with 0 values"):
        bootstrap_interval([])
