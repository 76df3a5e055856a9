"""Settings of adaptation, and the memory that bounds what one window can do."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

from eegtl.errors import InputError
from eegtl.streaming import Adaptation
from eegtl.streaming.adaptation import ENOUGH, Memory


class TestSettings:
    @pytest.mark.parametrize(
        ("given", "message"),
        [
            ({"mode": "often"}, "mode must be one of none, running, every; got 'often'"),
            ({"every": 0}, "every must be a whole number of windows from 1 on; got 0"),
            ({"every": 1.5}, "every must be a whole number of windows from 1 on; got 1.5"),
            ({"memory": True}, "memory must be a whole number of windows from 1 on; got True"),
            ({"clip": 0.0}, "clip must be a positive number of deviations; got 0.0"),
            ({"clip": np.nan}, "clip must be a positive number of deviations; got nan"),
        ],
    )
    def test_out_of_range(self, given: Any, message: str) -> None:
        with pytest.raises(InputError, match=re.escape(message)):
            Adaptation(**given)


class TestMemory:
    def test_keeps_the_newest_and_bounds_them(self) -> None:
        memory = Memory(30, clip=3.0)
        given = np.random.default_rng(0).standard_normal((100, 4))
        given[60] = 1e6
        kept: list[np.ndarray] = []
        for row in given:
            seen = np.array(kept[-30:])
            expected = row
            if len(seen) >= ENOUGH:
                low = seen.mean(axis=0) - 3 * seen.std(axis=0)
                high = seen.mean(axis=0) + 3 * seen.std(axis=0)
                expected = np.minimum(np.maximum(row, low), high)
            np.testing.assert_allclose(memory.take(row), expected, rtol=1e-12)
            kept.append(expected)
            assert len(memory) == min(30, len(kept))
            assert memory.full == (len(kept) >= 30)
        np.testing.assert_allclose(memory.rows, kept[-30:], rtol=1e-12)
        assert memory.rows.max() < 10
        memory.forget()
        assert len(memory) == 0

    def test_no_bound_and_features_that_do_not_move(self) -> None:
        memory = Memory(30, clip=np.inf)
        for _ in range(25):
            memory.take(np.zeros(2))
        np.testing.assert_array_equal(memory.take(np.array([5.0, -1e9])), [5.0, -1e9])
