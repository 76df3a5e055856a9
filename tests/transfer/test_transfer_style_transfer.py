"""Style transfer against plain loops, and what it promises besides."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference.style_transfer_naive import ensemble, fit_maps, self_train
from reference.tpt_naive import machines
from transfer.style_problems import (
    DESTINATIONS,
    LABELLED,
    VARIANTS,
    adapted,
    fitted,
    identity,
    maps,
    people,
    plain,
    wearer,
)

from eegtl.errors import CalibrationError, InputError
from eegtl.testing import check_transfer_estimator
from eegtl.transfer import default_classifier
from eegtl.transfer.answers import fit_sharpness
from eegtl.transfer.style_transfer import StyleTransfer


class TestAgainstPlainLoops:
    @pytest.mark.parametrize("lacking", [False, True])
    @pytest.mark.parametrize("variant", VARIANTS)
    def test_maps_and_probabilities(self, variant: str, lacking: bool) -> None:
        X, y, subjects = people(4, 24, seed=1)
        keep = (subjects != 1) | (y != 2) if lacking else subjects >= 0
        others, T, y_target = wearer((X[keep], y[keep], subjects[keep]), 3)
        style = fitted(others, variant=variant, n_prototypes=4, beta=0.3, n_rounds=3)
        R = T - others[0].mean(axis=0)
        sources, start = plain(style), identity(3, 3)
        before = ensemble(R, sources, start, np.full(3, 1 / 3), 3)
        np.testing.assert_allclose(style.predict_proba(T), before, atol=1e-10)
        adapted(style, T, y_target)
        order, known = np.arange(24), np.full(24, -1)
        if variant != "unlabelled":
            sure = np.ones(9)
            start = fit_maps(R[:9], y_target[:9], sure, sources, start, start, 0.3, 2.0)
            order = np.roll(order, -9)  # the calibration rows come last
            known[-9:] = y_target[:9]
        if variant != "supervised":
            weights = style.weights_
            start = self_train(R[order], known, sources, start, weights, 3, 2.0, 2.0, 3)
        for ours, theirs in zip(maps(style), start, strict=True):
            np.testing.assert_allclose(ours[0], theirs[0], atol=1e-7)
            np.testing.assert_allclose(ours[1], theirs[1], atol=1e-7)
        after = ensemble(R, sources, start, style.weights_, 3)
        np.testing.assert_allclose(style.predict_proba(T), after, atol=1e-7)
        np.testing.assert_array_equal(style.predict(T), np.argmax(after, axis=1))
        assert np.abs(after - before).max() > 0.01

    def test_sources_classifiers(self) -> None:
        X, y, subjects = people(3, 21)
        style = fitted((X, y, subjects), C=0.3)
        for k in range(3):
            own = subjects == k
            expected = machines(X[own] - X.mean(axis=0), y[own], 3, 0.3)
            np.testing.assert_allclose(style.source_coef_[k], expected[:, :-1], atol=2e-5)
            np.testing.assert_allclose(style.source_intercept_[k], expected[:, -1], atol=2e-5)
            # how sure it is, is learned on people it never saw
            scores = (X[~own] - X.mean(axis=0)) @ expected[:, :-1].T + expected[:, -1]
            sharpness = fit_sharpness(scores, y[~own])
            assert style.source_sharpness_[k] == pytest.approx(sharpness, rel=1e-3)

    def test_prototypes_are_of_clear_rows_of_the_same_person(self) -> None:
        X, y, subjects = people(3, 60, seed=2)
        X[0] = X[1] - 1.0  # an ambiguous row
        style = fitted((X, y, subjects), n_prototypes=60)
        for k in range(3):
            own = subjects == k
            scores = (X[own] - style.center_) @ style.source_coef_[k].T
            scores += style.source_intercept_[k]
            for c in range(3):
                centres = style.prototypes_[k][c] + style.center_
                mine = X[own][y[own] == c]
                distances = np.linalg.norm(centres[:, None] - mine, axis=2)
                assert distances.min(axis=1).max() < 1e-9  # as many as rows: the rows themselves
                assert len(centres) == len(mine)
        style = fitted((X, y, subjects), n_prototypes=2)
        own = subjects == 1
        scores = (X[own] - style.center_) @ style.source_coef_[1].T + style.source_intercept_[1]
        signs = np.where(y[own][:, None] == np.arange(3), 1, -1)
        clear = (signs * scores).min(axis=1) >= 1
        assert 2 <= clear[y[own] == 0].sum() < 20
        mean = X[own][clear & (y[own] == 0)].mean(axis=0) - style.center_
        counted = fitted((X, y, subjects), n_prototypes=1).prototypes_[1][0]
        np.testing.assert_allclose(counted[0], mean, atol=1e-9)


class TestMaps:
    def test_what_predicts_is_the_composed_map(self) -> None:
        """Self-training starts behind the supervised map; neither of the two alone predicts."""
        others, T, y = wearer(people(seed=4), 3)
        semi = adapted(fitted(others, variant="semi-supervised", beta=0.2), T, y)
        supervised = adapted(fitted(others, variant="supervised", beta=0.2), T, y)
        R = T - semi.center_
        scores = np.array(
            [
                (R @ A.T + b) @ coef.T + intercept
                for A, b, coef, intercept in zip(
                    semi.maps_,
                    semi.offsets_,
                    semi.source_coef_,
                    semi.source_intercept_,
                    strict=True,
                )
            ]
        )
        scores *= semi.source_sharpness_[:, None, None]
        scores -= scores.max(axis=2, keepdims=True)
        p = np.exp(scores) / np.exp(scores).sum(axis=2, keepdims=True)
        np.testing.assert_allclose(
            semi.predict_proba(T), np.tensordot(semi.weights_, p, 1), atol=1e-10
        )
        assert np.abs(semi.predict_proba(T) - supervised.predict_proba(T)).max() > 0.01
        last = semi.maps_ @ np.linalg.inv(supervised.maps_)  # the self-trained part alone
        assert np.abs(last - np.eye(3)).max() > 0.01
        assert np.abs(last - semi.maps_).max() > 0.01

    def test_no_rounds_leave_the_supervised_map(self) -> None:
        others, T, y = wearer(people(), 3)
        semi = adapted(fitted(others, variant="semi-supervised", n_rounds=0), T, y)
        supervised = adapted(fitted(others, variant="supervised"), T, y)
        np.testing.assert_array_equal(semi.maps_, supervised.maps_)
        unlabelled = adapted(fitted(others, n_rounds=0), T, y)
        np.testing.assert_array_equal(unlabelled.maps_, np.tile(np.eye(3), (3, 1, 1)))
        np.testing.assert_array_equal(
            unlabelled.predict_proba(T), unlabelled.adapt().predict_proba(T)
        )

    def test_semi_supervised_reads_the_unlabelled_rows(self) -> None:
        others, T, y = wearer(people(), 3)
        semi = fitted(others, variant="semi-supervised")
        first = semi.adapt(T[9:], X_calib=T[:9], y_calib=y[:9]).predict_proba(T)
        second = semi.adapt(T[9:15], X_calib=T[:9], y_calib=y[:9]).predict_proba(T)
        assert np.abs(first - second).max() > 1e-3
        supervised = fitted(others, variant="supervised")
        first = supervised.adapt(T[9:], X_calib=T[:9], y_calib=y[:9]).predict_proba(T)
        second = supervised.adapt(X_calib=T[:9], y_calib=y[:9]).predict_proba(T)
        np.testing.assert_array_equal(first, second)

    @pytest.mark.parametrize("destinations", DESTINATIONS)
    @pytest.mark.parametrize("variant", LABELLED)
    def test_a_wearer_of_another_style_is_understood(self, variant: str, destinations: str) -> None:
        """Rotated and moved rows, and as many labels as it takes."""
        X, y, subjects = people(5, 90, d=3, seed=7)
        others, T, y_target = wearer((X, y, subjects), 4)
        angle = 2.0
        turn = np.array(
            [[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]]
        )
        T = T @ turn.T + [4.0, -4.0, 0.0]
        style = fitted(others, variant=variant, destinations=destinations, beta=0.01, gamma_b=0.01)
        assert np.mean(style.predict(T) == y_target) < 0.5
        adapted(style, T, y_target, 30)
        assert np.mean(style.predict(T[30:]) == y_target[30:]) > 0.85

    def test_few_labels_leave_most_as_it_was(self) -> None:
        others, T, y = wearer(people(d=40), 3)
        style = fitted(others, variant="supervised").adapt(X_calib=T[:6], y_calib=y[:6])
        for A in style.maps_:
            assert np.linalg.norm(A - np.eye(40)) < 0.1 * np.linalg.norm(np.eye(40))
        memorised = fitted(others, variant="supervised", beta=0.2)
        memorised.adapt(X_calib=T[:6], y_calib=y[:6])
        assert np.linalg.norm(memorised.maps_[0] - np.eye(40)) > 2 * np.linalg.norm(
            style.maps_[0] - np.eye(40)
        )

    @pytest.mark.parametrize(("n_calib", "expected"), [(6, 5.0), (60, 0.5), (600, 0.2)])
    def test_automatic_beta(self, n_calib: int, expected: float) -> None:
        given = people(3, 600)
        T, y = given[0][:n_calib], given[1][:n_calib]
        style = fitted(given, variant="supervised").adapt(X_calib=T, y_calib=y)
        same = fitted(given, variant="supervised", beta=expected).adapt(X_calib=T, y_calib=y)
        np.testing.assert_array_equal(style.maps_, same.maps_)


class TestInvariances:
    @settings(max_examples=3, deadline=None)
    @given(seed=st.integers(0, 2**16))
    @pytest.mark.parametrize("variant", VARIANTS)
    def test_rows_are_sets_and_names_are_names(self, variant: str, seed: int) -> None:
        """Every person keeps its own rows, classifier and destinations, however it is called."""
        rng = np.random.default_rng(seed)
        others, T, y_target = wearer(people(5, seed=seed), 4)
        X, y, subjects = others
        order, names = rng.permutation(len(X)), rng.permutation(4)
        a = adapted(fitted(others, variant=variant), T, y_target)
        b = adapted(
            fitted((X[order], y[order], names[subjects][order]), variant=variant), T, y_target
        )
        np.testing.assert_allclose(a.predict_proba(T), b.predict_proba(T), atol=1e-9)
        np.testing.assert_allclose(a.maps_, b.maps_[names], atol=1e-8)
        np.testing.assert_allclose(a.source_coef_, b.source_coef_[names], atol=1e-9)

    @pytest.mark.parametrize("destinations", DESTINATIONS)
    @pytest.mark.parametrize("variant", VARIANTS)
    def test_the_origin_of_the_features_does_not_matter(
        self, variant: str, destinations: str
    ) -> None:
        (X, y, subjects), T, y_target = wearer(people(), 3)
        shift = np.array([100.0, -7.0, 2e3])
        p = [
            adapted(
                fitted((X + s, y, subjects), variant=variant, destinations=destinations),
                T + s,
                y_target,
            ).predict_proba(T + s)
            for s in (0.0, shift)
        ]
        np.testing.assert_allclose(p[0], p[1], atol=1e-7)

    def test_labels_of_unlabelled_rows_cannot_matter(self) -> None:
        others, T, y = wearer(people(), 3)
        style = fitted(others)
        without = style.adapt(T).predict_proba(T)
        labelled = style.adapt(T[12:], X_calib=T[:12], y_calib=(y[:12] + 1) % 3)
        np.testing.assert_allclose(labelled.predict_proba(T), without, atol=1e-10)
        assert labelled.information_ == "unlabelled"


class TestInformation:
    def test_needs(self) -> None:
        assert [StyleTransfer(variant=v).needs_ for v in VARIANTS] == [
            "unlabelled",
            "labelled",
            "labelled",
        ]

    @pytest.mark.parametrize("variant", LABELLED)
    def test_labels_are_asked_for(self, variant: str) -> None:
        others, T, _ = wearer(people(), 3)
        with pytest.raises(CalibrationError, match=r"got 24 unlabelled rows"):
            fitted(others, variant=variant).adapt(T)

    def test_keeps_no_rows(self) -> None:
        for destinations in DESTINATIONS:
            others, T, y = wearer(people(3, 300), 2)
            style = adapted(fitted(others, destinations=destinations), T, y)
            sizes = [v.size for v in vars(style).values() if isinstance(v, np.ndarray)]
            assert max(sizes) <= 2 * 3 * 3 * 3  # a matrix of each person and class
            if destinations == "prototypes":
                assert all(len(p) <= 15 for person in style.prototypes_ for p in person)


@pytest.mark.parametrize("destinations", DESTINATIONS)
@pytest.mark.parametrize("variant", VARIANTS)
def test_does_no_harm_where_all_are_alike(variant: str, destinations: str) -> None:
    """Sources and target of one distribution: about as good as the plain classifier."""
    gains = []
    for seed in range(6):
        rng = np.random.default_rng(seed)
        y, subjects = np.tile([0, 1], 240), np.repeat(np.arange(6), 80)
        X = rng.standard_normal((480, 5)) + np.outer(y, [1.5, 0, 0, 0, 0])
        others, T, y_target = wearer((X, y, subjects), 5)
        style = adapted(fitted(others, variant=variant, destinations=destinations), T, y_target, 20)
        own = default_classifier().fit(others[0], others[1])
        right = style.predict(T[20:]) == y_target[20:]
        gains.append(np.mean(right) - np.mean(own.predict(T[20:]) == y_target[20:]))
    assert np.mean(gains) > -0.04


@pytest.mark.parametrize(
    ("variant", "destinations"),
    [
        ("unlabelled", "prototypes"),
        ("supervised", "gaussian"),
        ("semi-supervised", "gaussian"),
    ],
)
def test_keeps_the_contract(variant: str, destinations: str) -> None:
    check_transfer_estimator(StyleTransfer(variant=variant, destinations=destinations))


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        (
            {"variant": "labelled"},
            r"variant must be 'unlabelled' or 'supervised' or 'semi-supervised'; got 'labelled'\.",
        ),
        ({"destinations": "qdf"}, r"destinations must be 'prototypes' or 'gaussian'; got 'qdf'\."),
        ({"C": 0.0}, r"StyleTransfer: C must be a positive number; got 0\.0\."),
        ({"radius": -1}, r"StyleTransfer: radius must be a positive number; got -1\."),
        ({"beta": 0.0}, r"StyleTransfer: beta must be 'auto' or a positive number; got 0\.0\."),
        ({"beta": "a"}, r"StyleTransfer: beta must be 'auto' or a positive number; got 'a'\."),
        ({"self_beta": "auto"}, r"self_beta must be a positive number; got 'auto'\."),
        ({"gamma_b": -0.5}, r"gamma_b must be a number of at least 0; got -0\.5\."),
        ({"self_gamma_b": np.nan}, r"self_gamma_b must be a number of at least 0; got nan\."),
        ({"n_prototypes": 0}, r"n_prototypes must be an integer of at least 1; got 0\."),
        ({"n_rounds": -1}, r"n_rounds must be an integer of at least 0; got -1\."),
        ({"n_sources": 1.5}, r"n_sources must be an integer of at least 1; got 1\.5\."),
    ],
)
def test_parameters_are_checked(parameters: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        fitted(people(), **parameters)
