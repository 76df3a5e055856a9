from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from reference import signed_rank

from eegtl.errors import InputError
from eegtl.evaluation import holm, paired_wilcoxon


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
