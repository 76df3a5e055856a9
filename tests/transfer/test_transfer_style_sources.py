"""Which sources answer in style transfer, and what few or strange rows and people do to it."""

from __future__ import annotations

import numpy as np
import pytest
from transfer.style_problems import (
    DESTINATIONS,
    VARIANTS,
    adapted,
    fitted,
    people,
    wearer,
)

from eegtl.errors import CalibrationError, InputError, MemoryEstimateError
from eegtl.transfer import style_transfer as module
from eegtl.transfer.style_transfer import StyleTransfer


class TestWeights:
    def test_are_accuracies_above_chance(self) -> None:
        X, y, subjects = people(4, 60, seed=8)
        y = np.where(subjects == 0, (y + 1) % 3, y)  # one person's labels are all wrong
        others, T, y_target = wearer((X, y, subjects), 3)
        style = adapted(fitted(others, variant="supervised"), T, y_target, 30)
        accuracies = []
        for k in range(3):
            scores = (T[:30] - style.center_) @ style.source_coef_[k].T
            guesses = np.argmax(scores + style.source_intercept_[k], axis=1)
            accuracies.append(
                np.mean([np.mean(guesses[y_target[:30] == c] == c) for c in range(3)])
            )
        gain = np.maximum(np.array(accuracies) - 1 / 3, 0)
        np.testing.assert_allclose(style.weights_, gain / gain.sum(), atol=1e-12)
        assert style.weights_[0] == 0.0
        assert style.weights_[1] != style.weights_[2] > 0
        np.testing.assert_array_equal(style.maps_[0], np.eye(3))
        np.testing.assert_allclose(style.adapt().weights_, 1 / 3)

    @pytest.mark.parametrize(("n_sources", "n_kept"), [(1, 1), (2, 2), (9, 3), (None, 3)])
    def test_only_the_best_sources_answer(self, n_sources: int | None, n_kept: int) -> None:
        X, y, subjects = people(4, 60, seed=5)
        others, T, y_target = wearer((X, y, subjects), 3)
        everybody = adapted(fitted(others, variant="supervised"), T, y_target, 30)
        style = adapted(fitted(others, variant="supervised", n_sources=n_sources), T, y_target, 30)
        assert len(set(everybody.weights_.tolist())) == 3
        assert np.count_nonzero(style.weights_) == n_kept
        best = np.argsort(everybody.weights_)[-n_kept:]
        assert set(np.flatnonzero(style.weights_)) == set(best)

    def test_sources_as_right_as_the_last_answer_too(self) -> None:
        X, y, _ = people(1, 30)
        subjects = np.repeat([0, 1], 30)  # twice the same person
        style = fitted(
            (np.tile(X, (2, 1)), np.tile(y, 2), subjects), variant="supervised", n_sources=1
        )
        np.testing.assert_allclose(style.adapt(X_calib=X[:9], y_calib=y[:9]).weights_, 0.5)

    def test_a_block_of_one_class_chooses_nobody(self) -> None:
        """It says only to which side a classifier leans."""
        others, T, y_target = wearer(people(4, 60, seed=5), 3)
        style = fitted(others, variant="supervised", n_sources=1)
        one = y_target == 1
        style.adapt(X_calib=T[one], y_calib=y_target[one])
        np.testing.assert_allclose(style.weights_, 1 / 3)

    @pytest.mark.parametrize("labels", ["one class", "nobody is right"])
    def test_are_equal_where_labels_say_nothing(self, labels: str) -> None:
        X, y, subjects = people(4, 60, seed=3)
        others, T, y_target = wearer((X, y, subjects), 3)
        style = fitted(others, variant="supervised")
        guesses = style.predict(T)
        calib = T[y_target == 0][:5] if labels == "one class" else T
        given_labels = np.zeros(5, int) if labels == "one class" else (guesses + 1) % 3
        if labels == "nobody is right":  # rows on which all three agree
            votes = [
                np.argmax((T - style.center_) @ w.T + c, axis=1)
                for w, c in zip(style.source_coef_, style.source_intercept_, strict=True)
            ]
            same = np.flatnonzero((votes[0] == votes[1]) & (votes[1] == votes[2]))
            calib, given_labels = T[same], (votes[0][same] + 1) % 3
        style.adapt(X_calib=calib, y_calib=given_labels)
        np.testing.assert_allclose(style.weights_, 1 / 3)
        assert np.all(np.isfinite(style.predict_proba(T)))
        assert np.abs(style.maps_ - np.eye(3)).max() > 1e-3


class TestDegenerate:
    def test_a_subject_of_one_class_is_left_out(self) -> None:
        (X, y, subjects), T, y_target = wearer(people(5), 4)
        keep = (subjects != 1) | (y == 0)
        style = fitted((X[keep], y[keep], subjects[keep]), variant="supervised")
        assert style.subjects_.tolist() == [0, 2, 3]
        p = adapted(style, T, y_target).predict_proba(T)
        assert np.all(np.isfinite(p))

    def test_a_lacking_class_gets_its_share(self) -> None:
        X, y, subjects = people(2)
        keep = (subjects != 0) | (y != 2)
        style = fitted((X[keep], y[keep], subjects[keep]))
        style.weights_ = np.array([1.0, 0.0])  # the one who lacks it, alone
        p = style.predict_proba(X)
        np.testing.assert_allclose(p[:, 2], 1 / 3)
        np.testing.assert_allclose(p.sum(axis=1), 1.0)

    def test_a_class_that_nobody_has_beside_another_is_refused(self) -> None:
        X, y, subjects = people(3)
        keep = np.where(y == 2, subjects == 2, subjects != 2)
        message = (
            r"no source subject has rows of \[2\] beside another class \(3 subjects\)\. Give more "
            r"sources, and one subject for each row\."
        )
        with pytest.raises(InputError, match=message):
            fitted((X[keep], y[keep], subjects[keep]))

    @pytest.mark.parametrize("destinations", DESTINATIONS)
    @pytest.mark.parametrize("variant", VARIANTS)
    def test_one_target_row_and_constant_features(self, variant: str, destinations: str) -> None:
        (X, y, subjects), T, y_target = wearer(people(), 3)
        X, T = (np.column_stack([Z, np.ones(len(Z)), np.zeros(len(Z))]) for Z in (X, T))
        style = fitted((X, y, subjects), variant=variant, destinations=destinations)
        before = style.predict_proba(T)
        if variant == "unlabelled":
            style.adapt(T[:1])
        else:
            style.adapt(X_calib=T[:1], y_calib=y_target[:1])
        assert np.all(np.isfinite(style.predict_proba(T)))
        assert np.abs(style.predict_proba(T) - before).max() < 0.9
        at_origin = style.center_[None]
        if variant == "unlabelled":
            style.adapt(at_origin)
        else:
            style.adapt(X_calib=at_origin, y_calib=y_target[:1])
        assert np.all(np.isfinite(style.predict_proba(T)))

    def test_one_subject(self) -> None:
        X, y, _ = people(1, 60)
        style = StyleTransfer().fit(X, y).adapt(X + 0.1)
        assert np.mean(style.predict(X) == y) > 0.85
        np.testing.assert_array_equal(style.weights_, [1.0])

    @pytest.mark.parametrize("destinations", DESTINATIONS)
    def test_rows_that_all_coincide(self, destinations: str) -> None:
        style = StyleTransfer(destinations=destinations).fit(
            np.ones((8, 2)), [0, 1] * 4, subjects=[0] * 4 + [1] * 4
        )
        assert np.all(np.isfinite(style.adapt([[1.0, 1.0]]).predict_proba([[1.0, 2.0]])))

    @pytest.mark.parametrize(("destinations", "n_matrices"), [("prototypes", 9), ("gaussian", 18)])
    def test_maps_that_would_not_fit_are_refused(
        self, destinations: str, n_matrices: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        needed = 8 * n_matrices * 9
        monkeypatch.setattr(module, "MAPS_LIMIT_BYTES", needed)
        fitted(people(3), destinations=destinations)
        monkeypatch.setattr(module, "MAPS_LIMIT_BYTES", needed - 1)
        message = (
            rf"the style maps of 3 source subjects need {n_matrices} matrices of 3 x 3, 0\.0 GiB, "
            r"above 0 GiB; put a step before it that leaves fewer features"
        )
        with pytest.raises(MemoryEstimateError, match=message):
            fitted(people(3), destinations=destinations)

    def test_refitting_forgets_other_destinations(self) -> None:
        X, y, subjects = people(3)
        style = fitted((X, y, subjects))
        style.set_params(destinations="gaussian").fit(X, y, subjects=subjects)
        assert all(len(p) == 0 for person in style.prototypes_ for p in person)
        assert style.class_roots_.shape == (3, 3, 3, 3)
        style.set_params(destinations="prototypes").fit(X, y, subjects=subjects)
        assert style.class_roots_.size == 0

    def test_a_refused_calibration_changes_nothing(self) -> None:
        others, T, y = wearer(people(), 3)
        style = adapted(fitted(others, variant="supervised"), T, y)
        before = style.predict_proba(T)
        with pytest.raises(CalibrationError, match=r"calibration labels hold \[7\]"):
            style.adapt(X_calib=T[:2], y_calib=[0, 7])
        np.testing.assert_array_equal(style.predict_proba(T), before)
