"""Weights of sources from their distances: soft, hard, and no class left out."""

from __future__ import annotations

import numpy as np
import pytest

from eegtl.transfer.source_weights import hard_weights, restore_classes, soft_weights


class TestWeights:
    def test_soft(self) -> None:
        squared = np.array([4.0, 1.0, 2.0, 9.0, 3.0])
        np.testing.assert_allclose(soft_weights(squared), np.exp(-(squared - 1) / 3))
        assert soft_weights(np.array([2.0, 2.0])).tolist() == [1.0, 1.0]
        assert soft_weights(np.zeros(3)).tolist() == [1.0, 1.0, 1.0]
        # more than half at distance 0: all others are infinitely farther
        assert soft_weights(np.array([0.0, 0.0, 1.0])).tolist() == [1.0, 1.0, 0.0]
        assert soft_weights(np.array([5.0])).tolist() == [1.0]
        # 4.6 medians beyond the nearest is where weights end
        assert soft_weights(np.array([0.0, 1.0, 4.7]))[2] == 0.0
        assert soft_weights(np.array([0.0, 1.0, 4.5]))[2] > 0.01

    def test_equally_far_sources_all_count(self) -> None:
        squared = 50 + np.random.default_rng(0).standard_normal(20)
        assert soft_weights(squared).min() > 0.9

    @pytest.mark.parametrize(
        ("n", "expected"),
        [(1, [0, 1, 0, 0]), (2, [0, 1, 1, 0]), (0.25, [0, 1, 0, 0]), (0.3, [0, 1, 1, 0])],
    )
    def test_hard(self, n: float, expected: list[int]) -> None:
        assert hard_weights(np.array([3.0, 1.0, 2.0, 4.0]), n).tolist() == expected

    def test_hard_ends(self) -> None:
        squared = np.array([3.0, 1.0, 2.0, 4.0])
        assert hard_weights(squared, 1.0).tolist() == [1] * 4
        assert hard_weights(squared, 9).tolist() == [1] * 4
        # those as far as the last one cannot be told apart: names must not decide
        assert hard_weights(np.array([1.0, 2.0, 2.0, 3.0]), 2).tolist() == [1, 1, 1, 0]
        assert hard_weights(np.array([1.0, 2.0, 2.0 + 1e-12, 3.0]), 2).tolist() == [1, 1, 1, 0]
        assert hard_weights(np.zeros(3), 1).tolist() == [1, 1, 1]
        # what rounding leaves of distance 0
        assert hard_weights(np.array([0.0, 1e-30, 1e-29, 1.0]), 1).tolist() == [1, 1, 1, 0]
        assert hard_weights(np.array([0.0, 1e-12, 0.2]), 1, rounding=1e-10).tolist() == [1, 1, 0]
        assert soft_weights(np.array([1e-30, 4e-30, 9e-31])).tolist() == [1, 1, 1]
        # a share that is a whole number up to rounding
        assert [hard_weights(np.arange(50.0), share).sum() for share in (0.14, 0.28)] == [7, 14]

    def test_classes_come_back(self) -> None:
        present = np.array([[1, 0, 0], [1, 0, 1], [0, 1, 1], [0, 1, 0]], dtype=bool)
        weights, added = restore_classes(
            np.array([1.0, 0, 0, 0]), np.array([1.0, 2, 3, 4]), present
        )
        assert weights.tolist() == [1, 1, 1, 0]
        assert {label: who.tolist() for label, who in added.items()} == {1: [2], 2: [1]}
        weights, _ = restore_classes(np.array([1.0, 0, 0, 0]), np.array([1.0, 3, 3, 3]), present)
        assert weights.tolist() == [1, 1, 1, 1]  # equally far: the first name is no reason
        weights, added = restore_classes(
            np.array([1.0, 0, 0, 0]), np.array([1.0, 2, 4, 3]), present[:, :2]
        )
        assert weights.tolist() == [1, 0, 0, 1]
        weights, added = restore_classes(np.array([0.3, 0.2, 0.1, 0]), np.arange(4.0), present)
        assert weights.tolist() == [0.3, 0.2, 0.1, 0]
        assert added == {}
