"""Calibration of a session, marks that name classes, resets, and how a model follows its wearer."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from sklearn.svm import LinearSVC
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

from eegtl.cli.event_words import in_words
from eegtl.errors import InputError
from eegtl.streaming import Adaptation, OnlineSession
from eegtl.streaming.adaptation import Memory
from eegtl.transfer import (
    SubjectNormalizer,
    ThresholdRecentring,
    default_classifier,
    make_transfer_pipeline,
)
from eegtl.transfer.state import to_state

DATA = moods(60.0, seed=9)
STAMPS = stamps_of(DATA)
N = 128


def rows(data: np.ndarray) -> np.ndarray:
    profile = make_profile()
    return profile.extractor.start(FS, NAMES, profile.passband).push(data)[0]


def part(session: OnlineSession, start: float, stop: float, data: np.ndarray = DATA, **more: Any):
    s = slice(round(start * FS), round(stop * FS))
    return feed(session, data[:, s], STAMPS[s], **more)


def probabilities(predictions: Any) -> np.ndarray:
    return np.array([p.probabilities for p in predictions])


class TestUnlabelled:
    def test_the_model_is_adapted_to_the_block_and_predicts_from_then_on(self) -> None:
        session = begin(calibrate=10.0)
        assert part(session, 0, 14) == []
        assert session.request is not None
        assert session.request.describe() == {
            "kind": "calibration",
            "unlabelled": 10,
            "labelled": 0,
        }
        assert session.calibrated == 10.0
        assert told(session, "adapt_requested") == [session.request.describe()]
        # until it is installed nothing is predicted, and no window more is taken
        assert part(session, 14, 16) == []
        assert session.calibrated == 10.0
        session.adapt_now()
        predictions = part(session, 16, 30)
        X = rows(DATA[:, : 30 * N])
        expected = deepcopy(make_profile().model).adapt(X[:10])
        assert len(predictions) == 14
        np.testing.assert_allclose(
            probabilities(predictions), expected.predict_proba(X[12:]), rtol=1e-12
        )
        assert all(p.adapted for p in predictions)
        assert told(session, "adapted") == [
            {"kind": "calibration", "n_windows": 10, "information": "unlabelled"}
        ]

    def test_windows_with_bad_channels_do_not_count(self) -> None:
        data = DATA.copy()
        data[1, 6 * N : 9 * N] = 0.0
        session = begin(calibrate=5.0)
        part(session, 0, 12, data)
        assert session.request is not None
        good = [0, 1, 5, 6, 7]
        np.testing.assert_array_equal(session.request.X_target, rows(data[:, : 12 * N])[good])
        assert told(session, "bad_channels") == [{"F4": ["flat", "clipped"][:1]}, {}]

    def test_a_gap_does_not_end_it(self) -> None:
        session = begin(calibrate=5.0)
        part(session, 0, 7)
        part(session, 8, 20)
        assert session.request is not None
        assert session.request.X_target is not None
        assert len(session.request.X_target) == 5
        assert states(session) == ["settling", "calibrating", "settling", "calibrating"]

    def test_what_predicts_meanwhile_is_not_touched(self) -> None:
        session = begin(calibrate=5.0)
        part(session, 0, 10)
        before = repr(to_state(session.model))
        assert session.request is not None
        session.request.run()
        assert repr(to_state(session.model)) == before


class TestLabelled:
    def marks(self) -> list[tuple[float, str]]:
        return [(START + 10.0 * i, str(i % 2)) for i in range(6)]

    def test_marks_that_name_classes_are_labels(self) -> None:
        session = begin(calibrate=16.0)
        part(session, 0, 20, marks=self.marks())
        request = session.request
        assert request is not None
        assert request.describe() == {"kind": "calibration", "unlabelled": 0, "labelled": 16}
        assert request.y_calib is not None
        assert request.y_calib.tolist() == [0] * 6 + [1] * 10  # the model's own kind of labels
        session.adapt_now()
        predictions = part(session, 20, 30, marks=self.marks()[2:])
        X = rows(DATA[:, : 30 * N])
        expected = deepcopy(make_profile().model).adapt(X_calib=X[:16], y_calib=request.y_calib)
        np.testing.assert_allclose(
            probabilities(predictions), expected.predict_proba(X[16:26]), rtol=1e-12
        )
        assert told(session, "adapted")[0]["information"] == "labelled"

    def test_other_marks_are_no_labels(self) -> None:
        marks = [(START + 5, "0"), (START + 8, "break"), (START + 11, "1")]
        session = begin(calibrate=10.0)
        part(session, 0, 20, marks=marks)
        request = session.request
        assert request is not None
        assert request.describe() == {"kind": "calibration", "unlabelled": 4, "labelled": 6}
        assert request.y_calib is not None
        assert request.y_calib.tolist() == [0] * 3 + [1] * 3
        X = rows(DATA[:, : 20 * N])
        assert request.X_target is not None
        np.testing.assert_array_equal(request.X_target, X[[0, 4, 5, 6]])
        session.adapt_now()
        predictions = part(session, 20, 25)
        calib = X[[1, 2, 3, 7, 8, 9]]
        expected = deepcopy(make_profile().model).adapt(
            X[[0, 4, 5, 6]], X_calib=calib, y_calib=request.y_calib
        )
        X = rows(DATA[:, : 25 * N])
        np.testing.assert_allclose(
            probabilities(predictions), expected.predict_proba(X[16:]), rtol=1e-12
        )

    def test_a_refused_adaptation_leaves_the_model_and_goes_on(self) -> None:
        model = make_transfer_pipeline(SubjectNormalizer("z2"), ThresholdRecentring())
        profile = make_profile(model)
        session = begin(profile, calibrate=4.0)

        def fail(*_: Any, **__: Any) -> None:
            raise InputError("no labels came")

        part(session, 0, 10)
        assert session.request is not None
        object.__setattr__(session.request, "model", type("M", (), {"adapt": fail})())
        session.adapt_now()
        assert told(session, "adaptation_failed") == [{"error": "InputError: no labels came"}]
        assert session.state == "predicting"
        assert session.request is None
        predictions = part(session, 10, 15)
        assert len(predictions) == 5
        assert not predictions[0].adapted


class TestLabelsOfTheProfile:
    def labelled(self) -> Any:
        model = deepcopy(make_profile().model)
        X = rows(DATA)[:20]
        return replace(make_profile(), model=model.adapt(X_calib=X, y_calib=np.arange(20) % 2))

    def test_it_is_told_that_a_live_calibration_replaces_them(self) -> None:
        session = begin(self.labelled(), calibrate=10.0)
        part(session, 0, 14)
        session.adapt_now()
        assert session.model.information_ == "unlabelled"
        assert told(session, "labels_replaced") == [{}]
        event = next(e for e in session.events if e.event == "labels_replaced")
        assert in_words(event).startswith("the labels of the profile's calibration count no more")

    def test_and_not_where_it_has_labels_of_its_own(self) -> None:
        for profile, marks in ((self.labelled(), [(START, "0"), (START + 10, "1")]), (None, [])):
            session = begin(profile, calibrate=10.0)
            part(session, 0, 16, marks=marks)
            session.adapt_now()
            assert len(told(session, "adapted")) == 1
            assert told(session, "labels_replaced") == []

    @pytest.mark.parametrize("mode", ["running", "every"])
    def test_where_it_fails_they_stay_and_nothing_follows(self, mode: str) -> None:
        session = begin(self.labelled(), calibrate=4.0, adaptation=Adaptation(mode, every=4))
        part(session, 0, 10)
        session.refuse(ValueError("singular"))
        assert told(session, "cannot_follow") == [{"why": "it was calibrated with labels"}]
        before = repr(to_state(session.model))
        assert part(session, 10, 30)
        assert session.request is None
        assert repr(to_state(session.model)) == before


class TestReset:
    def test_a_marker_forgets_the_wearer_and_calibrates_anew(self) -> None:
        session = begin(calibrate=5.0)
        part(session, 0, 9)
        session.adapt_now()
        assert part(session, 9, 12)[0].adapted
        session.mark("eegtl:reset", 0.0)
        assert session.state == "settling"  # no window of both wearers
        assert told(session, "reset") == [{}]
        assert repr(to_state(session.model)) == repr(to_state(make_profile().model))
        assert part(session, 12, 20) == []
        assert session.calibrated == 4.0
        part(session, 20, 21)
        session.adapt_now()
        predictions = part(session, 21, 26)
        X = rows(DATA[:, 12 * N : 26 * N])
        expected = deepcopy(make_profile().model).adapt(X[:5])
        np.testing.assert_allclose(
            probabilities(predictions), expected.predict_proba(X[5:]), rtol=1e-12
        )

    def test_marks_of_the_wearer_before_label_nothing(self) -> None:
        session = begin(calibrate=5.0)
        session.mark("1", START)
        session.mark("0", START + 14.5)
        part(session, 0, 9)
        session.adapt_now()
        session.reset()
        part(session, 9, 20)
        assert told(session, "adapt_requested")[-1] == {
            "kind": "calibration", "unlabelled": 5, "labelled": 0
        }  # fmt: skip

    def test_without_calibration_it_goes_on_predicting(self) -> None:
        session = begin(adaptation=Adaptation("running"))
        assert part(session, 0, 10)[-1].adapted
        session.reset()
        first = part(session, 10, 16)[0]
        assert not first.adapted
        assert session.state == "predicting"

    def test_a_request_that_waits_is_dropped(self) -> None:
        session = begin(calibrate=5.0)
        part(session, 0, 9)
        session.reset()
        assert session.request is None
        session.adapt_now()
        assert told(session, "adapted") == []
        part(session, 9, 18)
        assert session.request is not None


class TestInstall:
    def test_any_model_from_outside(self) -> None:
        session = begin(calibrate=100.0)
        part(session, 0, 8)
        model = deepcopy(make_profile().model).adapt(rows(DATA))
        session.install(model)
        assert session.state == "predicting"
        assert told(session, "adapted")[0]["kind"] == "model"
        X = rows(DATA[:, : 12 * N])
        np.testing.assert_allclose(
            probabilities(part(session, 8, 12)), model.predict_proba(X[4:]), rtol=1e-12
        )


class TestFollowing:
    def test_none_stays_as_it_is(self) -> None:
        session = begin()
        part(session, 0, 30)
        assert repr(to_state(session.model)) == repr(to_state(make_profile().model))
        assert told(session, "adapt_requested") == []

    def test_running_is_the_exact_partial_adapt_each_window_behind_its_prediction(self) -> None:
        session = begin(adaptation=Adaptation("running", clip=np.inf))
        predictions = part(session, 0, 40)
        X = rows(DATA[:, : 40 * N])
        model = deepcopy(make_profile().model)
        for row, prediction in zip(X, predictions, strict=True):
            np.testing.assert_array_equal(
                prediction.probabilities, model.predict_proba(row[None])[0]
            )
            model.partial_adapt(row[None])
        whole = deepcopy(make_profile().model).adapt(X)
        np.testing.assert_allclose(
            session.model.predict_proba(X), whole.predict_proba(X), rtol=1e-9
        )
        assert [p.adapted for p in predictions] == [False] + [True] * 35

    def test_running_with_bounds(self) -> None:
        data = DATA.copy()
        data[:, 35 * N : 36 * N] *= 2.0  # within the limits of the quality, far from the rest
        session = begin(adaptation=Adaptation("running", clip=2.0))
        part(session, 0, 40, data)
        memory, model = Memory(300, 2.0), deepcopy(make_profile().model)
        X = rows(data[:, : 40 * N])
        for row in X:
            model.partial_adapt(memory.take(row)[None])
        np.testing.assert_array_equal(session.model.predict_proba(X), model.predict_proba(X))
        unbounded = deepcopy(make_profile().model).adapt(X)
        assert np.abs(model.predict_proba(X) - unbounded.predict_proba(X)).max() > 1e-4

    def test_running_goes_on_as_every_when_the_memory_is_full(self) -> None:
        session = begin(adaptation=Adaptation("running", every=5, memory=10, clip=np.inf))
        part(session, 0, 14)
        assert session.request is None
        part(session, 14, 19)
        assert session.request is not None
        X = rows(DATA[:, : 19 * N])
        assert session.request.kind == "memory"
        np.testing.assert_array_equal(session.request.X_target, X[5:15])
        session.adapt_now()
        expected = deepcopy(make_profile().model).adapt(X[5:15])
        np.testing.assert_allclose(
            session.model.predict_proba(X), expected.predict_proba(X), rtol=1e-12
        )

    def test_every_asks_after_so_many_good_windows_for_the_newest(self) -> None:
        data = DATA.copy()
        data[0, 10 * N : 12 * N] = 0.0
        session = begin(adaptation=Adaptation("every", every=4, memory=6, clip=np.inf))
        seen = []
        for second in range(40):
            part(session, second, second + 1, data)
            if session.request is not None:
                assert session.request.X_target is not None
                seen.append((second, session.request.X_target))
                session.adapt_now()
        assert [second for second, _ in seen] == [7, 13, 17, 21, 25, 29, 33, 37]
        X = np.delete(rows(data[:, : 40 * N]), [6, 7], axis=0)
        for i, (_, got) in enumerate(seen):
            np.testing.assert_array_equal(got, X[max(0, 4 * i - 2) : 4 * i + 4])

    def test_a_request_at_a_time(self) -> None:
        session = begin(adaptation=Adaptation("every", every=4, memory=6))
        part(session, 0, 30)
        assert len(told(session, "adapt_requested")) == 1
        session.adapt_now()
        part(session, 30, 31)
        assert len(told(session, "adapt_requested")) == 2

    @pytest.mark.parametrize("mode", ["running", "every"])
    def test_labels_of_the_calibration_are_not_forgotten(self, mode: str) -> None:
        """Behind them there is no exact partial adaptation: the model follows in blocks."""
        session = begin(calibrate=16.0, adaptation=Adaptation(mode, every=4, clip=np.inf))
        part(session, 0, 20, marks=[(START, "0"), (START + 10, "1"), (START + 20, "x")])
        calibration = session.request
        assert calibration is not None
        session.adapt_now()
        assert len(part(session, 20, 26)) == 6
        request = session.request
        assert request is not None
        assert request.describe() == {"kind": "memory", "unlabelled": 4, "labelled": 16}
        session.adapt_now()
        X = rows(DATA[:, : 30 * N])
        expected = deepcopy(make_profile().model).adapt(
            X[16:20], X_calib=X[:16], y_calib=calibration.y_calib
        )
        np.testing.assert_allclose(
            session.model.predict_proba(X), expected.predict_proba(X), rtol=1e-12
        )
        session.reset()
        part(session, 26, 47)
        assert session.request is not None
        assert session.request.describe()["labelled"] == 0

    def test_windows_of_the_calibration_are_the_first_in_memory(self) -> None:
        session = begin(calibrate=8.0, adaptation=Adaptation("every", every=4, memory=10))
        part(session, 0, 12)
        session.adapt_now()
        part(session, 12, 16)
        assert session.request is not None
        np.testing.assert_array_equal(session.request.X_target, rows(DATA[:, : 16 * N])[2:12])

    def test_running_behind_an_unlabelled_calibration_is_exact(self) -> None:
        session = begin(calibrate=8.0, adaptation=Adaptation("running", clip=np.inf))
        part(session, 0, 12)
        session.adapt_now()
        part(session, 12, 30)
        X = rows(DATA[:, : 30 * N])
        expected = deepcopy(make_profile().model).adapt(X)
        np.testing.assert_allclose(
            session.model.predict_proba(X), expected.predict_proba(X), rtol=1e-9
        )

    def test_a_method_that_fails_leaves_the_model(self) -> None:
        session = begin(adaptation=Adaptation("every", every=4))
        part(session, 0, 9)
        before = session.model
        session.refuse(ValueError("singular"))
        assert session.model is before
        assert told(session, "adaptation_failed") == [{"error": "ValueError: singular"}]
        part(session, 9, 20)
        assert session.request is not None


def test_a_classifier_that_only_labels_is_no_profile() -> None:
    with pytest.raises(InputError, match="needs a fitted classifier with predict_proba"):
        make_profile(make_transfer_pipeline(SubjectNormalizer("z2"), LinearSVC()))


def test_noise_alone_is_calibrated_and_predicted_without_warning() -> None:
    session = begin(make_profile(make_transfer_pipeline(default_classifier())), calibrate=4.0)
    feed(session, signal(10.0, seed=3))
    session.adapt_now()
    assert session.state == "predicting"
