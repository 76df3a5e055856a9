"""Settings of adaptation, and the memory that bounds what one window can do."""

from __future__ import annotations

import re
from copy import deepcopy
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from personalize.played_people import sources_of

from eegtl.errors import InputError
from eegtl.personalize import calibrate
from eegtl.streaming import Adaptation, OnlineSession, SessionSettings
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


ROWS = np.random.default_rng(0).standard_normal((20, 6))
MIX = "the class mix of its calibration was given"
STATE = "its calibration was a block of one state"
LABELS = "it was calibrated with labels"


def model_of(known: str) -> Any:
    """Give a model of a calibrated profile."""
    models = sources_of().models
    if known == MIX:
        return calibrate(sources_of(), ROWS, kind="only rest").model
    if known == STATE:
        return deepcopy(models["matched baseline"]).adapt(ROWS)
    if known == LABELS:
        labels = np.array(["rest", "task"] * 10)
        return deepcopy(models["z2 + labels"]).adapt(X_calib=ROWS, y_calib=labels)
    return deepcopy(models["z2"]).adapt(ROWS)


def begin(model: Any, calibrate_for: float = 0.0, mode: str = "none") -> OnlineSession:
    profile = replace(calibrate(sources_of(), ROWS), model=model)
    return OnlineSession(profile, SessionSettings(calibrate_for, Adaptation(mode)))


class TestWhatAModelKnows:
    """Rows of unknown content take the place of no block whose content was known."""

    @pytest.mark.parametrize("known", [MIX, STATE])
    def test_no_live_calibration(self, known: str) -> None:
        text = rf"cannot be calibrated live: {known}.*--calibrate.*eegtl calibrate --update PROFILE"
        with pytest.raises(InputError, match=text):
            begin(model_of(known), 20.0)
        begin(model_of(known))

    @pytest.mark.parametrize("known", [MIX, STATE, LABELS])
    @pytest.mark.parametrize("mode", ["every", "running"])
    def test_no_following(self, known: str, mode: str) -> None:
        text = rf"cannot follow the wearer: {known}, which windows.*Leave --adapt"
        model = model_of(known)
        if mode == "running" and not hasattr(model, "partial_adapt"):
            text = "has no exact partial_adapt"
        with pytest.raises(InputError, match=text):
            begin(model, mode=mode)

    def test_others_may(self) -> None:
        for mode in ("every", "running"):
            begin(model_of("nothing more"), 20.0, mode)
            begin(model_of("nothing more"), mode=mode)
            # a new calibration takes the place of the labels, and is what is followed from
            begin(model_of(LABELS), 20.0, mode)

    def test_a_model_that_waits_for_its_block_gets_it(self) -> None:
        """Whoever fits such a model without a wearer means the live block."""
        waiting = deepcopy(sources_of().models["matched baseline"])
        assert waiting.information_ == "inductive"
        begin(waiting, 20.0)
        with pytest.raises(InputError, match="cannot follow"):
            begin(waiting, 20.0, "every")
