"""Rates and clocks that are not what a session was told."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from streaming.live_signals import (
    FS,
    NAMES,
    START,
    begin,
    feed,
    make_profile,
    moods,
    stamps_of,
    told,
)

from eegtl.errors import SignalError
from eegtl.preprocessing import Resample

DATA = moods(24.0, seed=9)
STAMPS = stamps_of(DATA)


class TestRates:
    def test_another_rate_is_refused(self) -> None:
        text = (
            "the stream has 256 Hz, but the profile was made from signals of 128 Hz and does not "
            "resample them. Make the profile with preprocessing=[Resample(128)], or stream at"
        )
        with pytest.raises(SignalError, match=re.escape(text)):
            begin(sfreq=256.0)
        begin(sfreq=128.0001)

    @pytest.mark.parametrize("rate", [128.0, 256.0, 250.0])
    def test_a_profile_that_resamples_takes_any(self, rate: float) -> None:
        profile = make_profile(fs=256.0, preprocessing=(Resample(64.0),))
        data = moods(24.0, seed=9, fs=rate)
        session = begin(profile, sfreq=rate)
        predictions = feed(session, data, stamps_of(data, rate))
        X, onsets = profile.extractor.start(rate, NAMES, profile.passband).push(data)
        assert len(predictions) == len(X) > 15
        got = np.array([p.probabilities for p in predictions])
        np.testing.assert_allclose(got, profile.model.predict_proba(X), atol=1e-10)
        np.testing.assert_allclose([p.onset - START for p in predictions], onsets, atol=1 / rate)

    def test_samples_that_come_too_slowly_are_told_and_abstained_from(self) -> None:
        stamps = stamps_of(DATA, fs=120.0)
        for sizes in ([16], [3072]):
            session = begin()
            predictions = feed(session, DATA, stamps, sizes)
            assert len(predictions) > 10
            assert {p.reason for p in predictions} == {
                "samples come at another rate than the stream says"
            }
            assert all(p.abstain and not p.label for p in predictions)
            [details] = told(session, "rate")
            assert details["effective"] == pytest.approx(120.0)
            assert (details["nominal"], details["usable"]) == (128.0, False)

    def test_one_percent_is_tolerated_and_recovery_is_told(self) -> None:
        session = begin()
        assert not any(p.abstain for p in feed(session, DATA, stamps_of(DATA, fs=126.8)))
        assert told(session, "rate") == []
        session = begin()
        feed(session, DATA, stamps_of(DATA, fs=120.0))
        later = stamps_of(DATA, start=START + 24.0 * 128 / 120)
        predictions = feed(session, DATA, later)
        assert [d["usable"] for d in told(session, "rate")] == [False, True]
        assert not predictions[-1].abstain


class TestOtherClock:
    def test_unix_stamps_are_told_once_and_lags_count_from_the_first_chunk(self) -> None:
        stamps = STAMPS + 1.7e9
        session = begin()
        out = []
        for at in range(0, 3072, 64):
            part = slice(at, at + 64)
            out += session.push(DATA[:, part], stamps[part], now=float(STAMPS[part][-1]) + 7)
        [details] = told(session, "foreign_clock")
        assert details["seconds"] == pytest.approx(1.7e9 - 7)
        assert "markers of other streams cannot be placed" in details["note"]
        np.testing.assert_allclose([p.lag for p in out], 0.0, atol=1e-6)
        assert session.clock_offset == pytest.approx(1.7e9 - 7)
        session.mark("1", float(STAMPS[-1]))
        assert told(session, "mark_lost")[0]["why"].startswith("its time is of another clock")

    @pytest.mark.parametrize("jump", [-10.0, -200_000.0, 200_000.0, 1.7e9])
    def test_lags_go_on_behind_a_jump(self, jump: float) -> None:
        stamps = STAMPS.copy()
        stamps[1500:] += jump
        session = begin()
        out = []
        for at in range(0, 3072, 4):
            part = slice(at, at + 4)
            out += session.push(DATA[:, part], stamps[part], now=float(STAMPS[part][-1]) + 0.03)
        assert len(out) == 15
        np.testing.assert_allclose([p.lag for p in out], 0.03, atol=4 / FS)
        assert told(session, "foreign_clock") == []
        assert session.clock_offset == pytest.approx(jump, abs=0.01)

    def test_a_first_chunk_that_jumps(self) -> None:
        stamps = STAMPS.copy()
        stamps[:2] += 1.7e9
        session = begin()
        out = []
        for at in range(0, 3072, 4):
            part = slice(at, at + 4)
            out += session.push(DATA[:, part], stamps[part], now=float(STAMPS[part][-1]) + 0.03)
        np.testing.assert_allclose([p.lag for p in out], 0.03, atol=4 / FS)
        assert session.clock_offset == 0.0

    def test_stamps_that_are_no_numbers_at_first(self) -> None:
        session = begin()
        session.push(DATA[:, :10], np.full(10, np.nan), now=START)
        assert told(session, "left_out") == [{"late": 0, "without_stamp": 10}]
        predictions = feed(session, DATA[:, 10:], STAMPS[10:], delay=0.5)
        np.testing.assert_allclose([p.lag for p in predictions], 0.5)


class TestRatesThatAreNone:
    """Stamps that hardly rise say nothing of time: nothing is predicted as if they did."""

    @pytest.mark.parametrize("factor", [0.0, 1e-3])
    def test_stamps_that_hardly_rise(self, factor: float) -> None:
        session = begin()
        stamps = START + factor * np.arange(DATA.shape[1]) / FS
        predictions = feed(session, DATA, stamps)
        assert [p.abstain for p in predictions[5:]] == [True] * len(predictions[5:])
        assert told(session, "rate")[0]["usable"] is False

    def test_calibration_takes_no_window_meanwhile(self) -> None:
        session = begin(calibrate=5.0)
        feed(session, DATA, START + np.arange(DATA.shape[1]) / (0.8 * FS))
        assert told(session, "rate")[0]["usable"] is False
        assert told(session, "adapt_requested") == []

    @given(sizes=st.lists(st.integers(1, 3000), min_size=1, max_size=4))
    @settings(max_examples=20, deadline=None)
    def test_whatever_the_chunks_the_same_windows_abstain(self, sizes: list[int]) -> None:
        steps = np.full(DATA.shape[1], 1 / FS)
        steps[8 * round(FS) :] *= 1.05
        stamps = START + np.cumsum(steps)
        whole = feed(begin(), DATA, stamps, (DATA.shape[1],))
        cut = feed(begin(), DATA, stamps, sizes)
        assert [p.abstain for p in cut] == [p.abstain for p in whole]
        assert any(p.abstain for p in whole)
        assert not whole[0].abstain


@pytest.mark.parametrize(("seconds", "foreign"), [(20.0, False), (100.0, True), (1e4, True)])
def test_a_clock_apart_from_the_drivers(seconds: float, foreign: bool) -> None:
    session = begin()
    feed(session, DATA, START + np.arange(DATA.shape[1]) / FS, delay=seconds)
    assert bool(told(session, "foreign_clock")) == foreign
