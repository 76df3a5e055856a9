"""A session from its first sample: states, predictions, channels, rates, determinism."""

from __future__ import annotations

import re
import tracemalloc
from copy import deepcopy
from dataclasses import replace
from itertools import pairwise
from typing import Any

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
    signal,
    stamps_of,
    states,
    told,
)

from eegtl.errors import EegtlError, InputError, SignalError
from eegtl.preprocessing import ArtefactMarks, Resample
from eegtl.streaming import Event, OnlineSession, SessionSettings
from eegtl.transfer import make_transfer_pipeline
from eegtl.transfer.state import to_state

DATA = moods(24.0, seed=9)
STAMPS = stamps_of(DATA)


def same_predictions(one: Any, other: Any, but: tuple[str, ...] = ()) -> None:
    assert len(one) == len(other)
    for a, b in zip(one, other, strict=True):
        assert {**vars(a), **dict.fromkeys(but)} == {**vars(b), **dict.fromkeys(but)}


class TestPredictions:
    def test_are_the_model_s_of_the_offline_features(self) -> None:
        profile = make_profile()
        session = begin()
        predictions = feed(session, DATA, delay=0.01)
        X, onsets = profile.extractor.start(FS, NAMES, profile.passband).push(DATA)
        assert len(predictions) == len(X) == 20
        np.testing.assert_array_equal(
            [p.probabilities for p in predictions],
            np.concatenate([profile.model.predict_proba(x[None]) for x in X]),
        )
        np.testing.assert_allclose([p.onset - START for p in predictions], onsets)
        for p in predictions:
            assert p.label == profile.labels[int(np.argmax(p.probabilities))]
            assert p.time == pytest.approx(p.onset + 1 - 1 / FS)
            assert p.confidence == pytest.approx(2 * max(p.probabilities) - 1)
            assert p.lag == pytest.approx(0.01)
            assert (p.quality, p.abstain, p.reason, p.adapted) == (1.0, False, "", False)

    @settings(max_examples=15)
    @given(st.lists(st.integers(1, 600), min_size=1, max_size=4).filter(lambda s: max(s) > 40))
    def test_do_not_depend_on_the_chunks(self, sizes: list[int]) -> None:
        marks = [(START + 7.3, "0"), (START + 15.0, "1")]
        same_predictions(
            feed(begin(), DATA, sizes=sizes, marks=marks),
            feed(begin(), DATA, sizes=[3072], marks=marks),
            but=("lag",),
        )

    def test_the_same_calls_give_the_same_predictions_and_events(self) -> None:
        data = DATA.copy()
        data[2, 1900:2300] = 0.0
        stamps = STAMPS.copy()
        stamps[1500:] += 1.0

        def run() -> tuple[OnlineSession, Any]:
            session = begin(calibrate=3.0, bad_channels="replace")
            out = []
            for part in (slice(0, 1000), slice(1000, 1800), slice(1800, 3072)):
                out += feed(session, data[:, part], stamps[part], marks=[(START + 5, "x")])
                session.adapt_now()
                session.tick(float(stamps[part][-1]) + 1)
            return session, out

        (one, first), (two, second) = run(), run()
        same_predictions(first, second)
        assert [e.to_json() for e in one.events] == [e.to_json() for e in two.events]
        assert len(first) > 5

    def test_two_sessions_of_a_profile_are_independent_and_leave_it_as_it_is(self) -> None:
        profile = make_profile()
        before = repr(to_state(profile.model))
        one = begin(profile, calibrate=4.0)
        feed(one, DATA[:, :1200])
        one.adapt_now()
        two = begin(profile)
        assert one.adapted
        assert not two.adapted
        alone = feed(begin(profile), DATA)
        same_predictions(feed(two, DATA), alone)
        assert repr(to_state(profile.model)) == before

    def test_a_profile_that_was_calibrated_says_so(self) -> None:
        profile = make_profile()
        noted = profile.adapted(profile.model, {"day": 1})
        assert not feed(begin(noted), DATA)[0].adapted  # it has seen nothing of the wearer
        rows = profile.extractor.start(FS, NAMES, profile.passband).push(DATA)[0]
        later = profile.adapted(deepcopy(profile.model).adapt(rows), {"day": 2})
        assert feed(begin(later), DATA)[0].adapted


class TestStates:
    def test_every_transition_has_its_event(self) -> None:
        session = begin(calibrate=3.0, stale_after=1.0)
        assert session.state == "waiting"
        session.tick(5.0)
        feed(session, DATA[:, :64])
        assert session.state == "settling"
        feed(session, DATA[:, 64:700], STAMPS[64:700])
        assert session.state == "calibrating"
        feed(session, DATA[:, 700:1024], STAMPS[700:1024])
        assert session.request is not None
        session.adapt_now()
        assert session.state == "predicting"
        assert feed(session, DATA[:, 1024:1200], STAMPS[1024:1200])
        session.tick(float(STAMPS[1199]) + 0.9)
        assert session.state == "predicting"
        session.tick(float(STAMPS[1199]) + 1.1)
        assert session.state == "stale"
        session.tick(float(STAMPS[1199]) + 9.0)
        feed(session, DATA[:, 1400:1410], STAMPS[1400:1410])
        assert session.state == "settling"
        assert feed(session, DATA[:, 1410:], STAMPS[1410:])
        changes = [(d["from"], d["to"]) for d in told(session, "state")]
        names = ["waiting", "settling", "calibrating", "predicting", "stale", "settling"]
        names.append("predicting")
        assert changes == list(pairwise(names))
        assert len(told(session, "stale")) == 1
        assert [e.event for e in session.events if e.event in ("adapt_requested", "adapted")] == [
            "adapt_requested",
            "adapted",
        ]

    def test_a_gap_settles_anew_at_once_and_withholds(self) -> None:
        stamps = STAMPS.copy()
        stamps[1500:] += 0.5
        session = begin()
        predictions = feed(session, DATA[:, :1501], stamps[:1501])
        assert session.state == "settling"
        behind = feed(session, DATA[:, 1501:], stamps[1501:])
        assert predictions[-1].time <= stamps[1499]
        assert behind[0].onset == stamps[1500 + 4 * 128]
        assert states(session) == ["settling", "predicting", "settling", "predicting"]
        event = next(e for e in session.events if e.event == "gap")
        assert (event.time, event.sample) == (stamps[1499], 1500)

    @pytest.mark.parametrize("sizes", [[16], [3072]])
    def test_samples_that_are_no_numbers_settle_anew(self, sizes: list[int]) -> None:
        data = DATA.copy()
        data[:, 1300:1400] = np.nan
        session = begin()
        predictions = feed(session, data, sizes=sizes)
        assert told(session, "no_signal") == [{"channels": list(NAMES)}]
        assert next(p.onset for p in predictions if p.time > STAMPS[1300]) == STAMPS[1400 + 512]

    def test_a_stream_of_nothing_but_such_does_not_go_on_predicting(self) -> None:
        session = begin()
        feed(session, DATA[:, :1000])
        assert session.state == "predicting"
        feed(session, np.full((4, 1000), np.nan), STAMPS[1000:2000])
        assert session.state == "settling"

    def test_empty_chunks_do_not_keep_it_alive(self) -> None:
        session = begin(stale_after=1.0)
        feed(session, DATA[:, :1000])
        for second in range(1, 4):
            assert session.push(np.empty((4, 0)), [], now=float(STAMPS[999]) + second) == []
            session.tick(float(STAMPS[999]) + second)
        assert session.state == "stale"

    def test_a_stream_that_comes_back_stays_stale_until_it_speaks(self) -> None:
        session = begin(stale_after=1.0)
        feed(session, DATA[:, :1000])
        session.tick(float(STAMPS[999]) + 2)
        session.connect(NAMES)
        session.tick(float(STAMPS[999]) + 5)
        assert session.state == "stale"
        assert len(told(session, "stale")) == 1
        feed(session, DATA[:, 1700:], STAMPS[1700:])
        assert states(session)[-2:] == ["settling", "predicting"]

    def test_one_that_comes_back_at_once_settles(self) -> None:
        session = begin()
        feed(session, DATA[:, :1000])
        session.connect(NAMES)
        assert session.state == "settling"
        behind = feed(session, DATA[:, 1000:], STAMPS[1000:])
        assert behind[0].onset == STAMPS[1000 + 512]

    def test_before_the_first_sample_nothing_is_stale(self) -> None:
        session = begin()
        session.connect(NAMES)
        session.tick(1e9)
        assert session.state == "waiting"

    def test_events_go_to_the_listener_and_the_newest_thousand_are_kept(self) -> None:
        heard: list[Event] = []
        session = OnlineSession(make_profile(), on_event=heard.append)
        session.note("hello", {"n": 1})
        assert [(e.event, dict(e.details), e.sample) for e in heard] == [("hello", {"n": 1}, 0)]
        assert np.isnan(heard[0].time)
        assert not session.events
        other = begin()
        for number in range(1500):
            other.note("n", {"n": number})
        assert [e.details["n"] for e in other.events] == list(range(500, 1500))

    def test_warming_up_changes_nothing(self) -> None:
        session = begin()
        session.warm_up()
        assert not session.events
        same_predictions(feed(session, DATA), feed(begin(), DATA))


class TestChannels:
    order = (3, 0, 2, 1)

    def test_any_order_and_others_besides(self) -> None:
        names = ("Cz", *(NAMES[i] for i in self.order), "ECG")
        others = signal(24.0, seed=77, n=2) * 1e3  # also bad ones
        data = np.vstack([others[:1], DATA[list(self.order)], others[1:]])
        same_predictions(feed(begin(ch_names=names), data), feed(begin(), DATA))

    def test_another_order_after_it_came_back(self) -> None:
        plain, session = begin(), begin()
        expected = feed(plain, DATA[:, :1000])
        plain.connect(NAMES)
        expected += feed(plain, DATA[:, 1000:], STAMPS[1000:])
        got = feed(session, DATA[:, :1000])
        session.connect(tuple(reversed(NAMES)))
        got += feed(session, DATA[::-1, 1000:], STAMPS[1000:])
        same_predictions(got, expected)
        assert told(session, "connected") == [{"channels": ["P4", "P3", "F4", "F3"]}]

    def test_missing_ones_are_named(self) -> None:
        text = (
            "the stream lacks the channels F4, P4 of the profile; it has F3, P3. Stream all of "
            "F3, F4, P3, P4, or make a profile for these channels."
        )
        with pytest.raises(SignalError, match=re.escape(text)):
            begin(ch_names=("F3", "P3"))
        with pytest.raises(SignalError, match="it has none"):
            begin(ch_names=())
        session = begin()
        with pytest.raises(SignalError, match="lacks the channels F3"):
            session.connect(NAMES[1:])
        assert len(feed(session, DATA)) == 20  # as before

    @pytest.mark.parametrize(
        ("shape", "n"), [((3, 10), 10), ((5, 10), 10), ((4, 10), 9), ((40,), 40), ((4, 2, 5), 5)]
    )
    def test_chunks_of_another_shape(self, shape: tuple[int, ...], n: int) -> None:
        text = f"a chunk of the shape {shape} came with stamps of the shape ({n},); give (4, n)"
        with pytest.raises(SignalError, match=re.escape(text)):
            begin().push(np.zeros(shape), np.zeros(n), now=0.0)


class TestSettings:
    @pytest.mark.parametrize(
        ("given", "message"),
        [
            ({"bad_channels": "drop"}, "bad_channels must be one of abstain, replace; got 'drop'"),
            ({"calibrate": -1.0}, "calibrate must be a number of at least 0; got -1.0"),
            ({"calibrate": np.nan}, "calibrate must be a number of at least 0; got nan"),
            ({"stale_after": 0.0}, "stale_after must be a number of at least 0.001; got 0.0"),
            ({"least_confidence": np.inf}, "least_confidence must be a number of at least 0; got"),
        ],
    )
    def test_out_of_range(self, given: Any, message: str) -> None:
        with pytest.raises(InputError, match=re.escape(message)):
            SessionSettings(**given)

    def test_mains_beyond_the_nyquist_frequency_are_refused_at_the_start(self) -> None:
        profile = make_profile(fs=256.0, preprocessing=(Resample(64.0),))
        with pytest.raises(EegtlError, match="mains at 60 Hz cannot be seen at 100 Hz"):
            begin(profile, sfreq=100.0, quality=ArtefactMarks(mains=60.0))

    def test_a_model_of_other_features_is_refused_at_the_start(self) -> None:
        profile = make_profile()
        wrong = replace(profile, ch_names=NAMES[:3])
        text = "the model of the profile reads 8 features, but its extractor makes 6 of its chan"
        with pytest.raises(InputError, match=re.escape(text)):
            begin(wrong)

    def test_a_model_that_cannot_run_is_refused(self) -> None:
        from eegtl.streaming import Adaptation
        from eegtl.transfer import TCA, default_classifier

        profile = make_profile(make_transfer_pipeline(TCA(3), default_classifier()))
        with pytest.raises(
            InputError, match=r"has no exact partial_adapt.*choose the mode 'every'"
        ):
            begin(profile, adaptation=Adaptation("running"))


def test_memory_stays_flat() -> None:
    """An hour in large chunks; the day is in benchmarks/test_bench_session_memory.py."""
    session = begin(calibrate=10.0)
    data = signal(60.0, seed=4)
    sizes = []
    tracemalloc.start()
    try:
        for minute in range(60):
            stamps = stamps_of(data, start=START + 60.0 * minute)
            session.push(data, stamps, now=float(stamps[-1]))
            session.adapt_now()
            session.mark("x", float(stamps[-1]) + 5)
            if minute >= 20:
                sizes.append(tracemalloc.get_traced_memory()[0])
    finally:
        tracemalloc.stop()
    # events, a thousand of them, are kept
    n_events = len(session.events)
    assert n_events < 200
    assert sizes[-1] - sizes[0] < 100_000
