"""RobustPCATransfer: who is ranked where, who is trained on, and on what features."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest
from pyriemann.estimation import Covariances
from scipy import linalg
from sklearn.linear_model import LogisticRegression
from transfer.test_transfer_robust_pca import ROWS, SUBJECTS, T, X

from eegtl.errors import InputError, TransferWarning
from eegtl.testing import check_transfer_estimator
from eegtl.transfer import SourceOnly, SubjectNormalizer, default_classifier, make_transfer_pipeline
from eegtl.transfer.robust_pca import RobustPCA
from eegtl.transfer.robust_pca_transfer import RobustPCATransfer

Y = np.arange(120) % 2
Y_T = np.arange(40) % 2


def people(seed=0, n=60, scales=(1.0, 1.5, 4.0, 9.0), d=4):
    """People whose features have spreads of their own; the class is in feature 0."""
    rng = np.random.default_rng(seed)
    y = np.tile(np.arange(n) % 2, len(scales))
    rows = rng.standard_normal((n * len(scales), d)) * np.repeat(scales, n)[:, None]
    rows[:, 0] += 2 * y
    return rows, y, np.repeat([f"s{s}" for s in scales], n)


def oas_by_pyriemann(rows):
    return Covariances("oas").transform(rows.T[None])[0]


def test_distances_are_those_of_shrunk_covariances():
    rows, y, who = people()
    target = people(seed=1)[0][:60]
    model = RobustPCATransfer(2, robust=False).fit(rows, y, subjects=who).adapt(target)
    names = np.unique(who)
    for name, distance in zip(names, model.distances_, strict=True):
        values = linalg.eigvals(
            linalg.solve(oas_by_pyriemann(target), oas_by_pyriemann(rows[who == name]))
        )
        assert distance == pytest.approx(np.sqrt(np.sum(np.log(values.real) ** 2)), rel=1e-9)
    order = np.argsort(model.distances_)
    assert [entry[0] for entry in model.ranking_] == names[order].tolist()
    assert [entry[2] for entry in model.ranking_] == sorted(model.distances_.tolist())
    assert names[model.chosen_].tolist() == ["s1.0", "s1.5"]


def test_distances_do_not_depend_on_a_common_mixing_of_features():
    """Affine invariance holds up to the shrinkage, which is small with many rows."""
    rows, y, who = people(n=2000)
    target = people(seed=1, n=2000)[0][:2000]
    mixing = np.random.default_rng(2).standard_normal((4, 4)) + 2 * np.eye(4)
    a = RobustPCATransfer(robust=False).fit(rows, y, subjects=who).adapt(target)
    b = RobustPCATransfer(robust=False).fit(rows @ mixing, y, subjects=who).adapt(target @ mixing)
    np.testing.assert_allclose(a.distances_, b.distances_, atol=0.05)


@pytest.mark.parametrize("robust", [False, True])
def test_trains_on_the_nearest_and_the_wearers_own_rows(robust):
    rows, y, who = people()
    target, y_target = people(seed=1)[0][:60], y[:60]
    model = RobustPCATransfer(1, robust=robust, tol=1e-7).fit(rows, y, subjects=who)
    model.adapt(target[20:], X_calib=target[:20], y_calib=y_target[:20])
    near = who == model.ranking_[0][0]
    features, own = rows, target
    if robust:
        aligner = RobustPCA(tol=1e-7).fit(rows, subjects=who).adapt(target)
        features, own = aligner.transform_source(rows, who), aligner.transform(target)
    expected = default_classifier().fit(
        np.vstack([features[near], own[:20]]), np.concatenate([y[near], y_target[:20]])
    )
    np.testing.assert_allclose(
        model.decision_function(target), expected.decision_function(own), atol=1e-3
    )
    assert (model.information_, model.n_own_, model.chosen_.sum()) == ("labelled", 20, 1)
    # without labels, the nearest alone
    model.adapt(target)
    expected = default_classifier().fit(features[near], y[near])
    np.testing.assert_allclose(
        model.decision_function(target), expected.decision_function(own), atol=1e-3
    )
    assert (model.information_, model.n_own_) == ("unlabelled", 0)


def test_with_all_sessions_it_is_the_aligner_and_the_classifier():
    model = RobustPCATransfer(None, tol=1e-7).fit(X, Y, subjects=SUBJECTS, rows=ROWS)
    assert len(model.chosen_) == 6
    pipe = make_transfer_pipeline(RobustPCA(by="subject", tol=1e-7), default_classifier())
    other = RobustPCATransfer(99, by="subject", tol=1e-7).fit(X, Y, subjects=SUBJECTS)
    assert len(other.chosen_) == 3
    pipe.fit(X, Y, subjects=SUBJECTS)
    for adapt in (False, True):
        if adapt:
            pipe.adapt(T)
            other.adapt(T)
            assert other.chosen_.all()
        np.testing.assert_allclose(other.decision_function(T), pipe.decision_function(T), atol=1e-3)


def test_more_sessions_asked_for_than_there_are():
    rows, y, who = people()
    a = RobustPCATransfer(4, robust=False).fit(rows, y, subjects=who).adapt(rows[:60])
    b = RobustPCATransfer(50, robust=False).fit(rows, y, subjects=who).adapt(rows[:60])
    assert a.chosen_.all()
    assert b.chosen_.all()
    assert np.array_equal(a.decision_function(T[:, :4]), b.decision_function(T[:, :4]))


def test_sessions_at_the_same_distance_come_together():
    """A copy of the last chosen person is chosen with it, whatever the names."""
    rows, y, who = people(scales=(1.0, 4.0))
    twice, labels = np.vstack([rows, rows[:60]]), np.concatenate([y, 1 - y[:60]])
    scores = []
    for copy in ("a copy", "z copy"):
        names = np.concatenate([who, np.repeat(copy, 60)])
        model = RobustPCATransfer(1, robust=False).fit(twice, labels, subjects=names)
        model.adapt(rows[:60] + 0.1)
        assert model.chosen_.sum() == 2
        scores.append(model.decision_function(rows))
    np.testing.assert_allclose(scores[0], scores[1], atol=1e-10)


def test_a_class_that_the_nearest_lack_comes_from_the_nearest_who_has_it():
    rows, y, who = people(scales=(1.0, 2.0, 4.0, 8.0))
    y = np.where(np.isin(who, ["s4.0", "s8.0"]), 2, y)
    model = RobustPCATransfer(1, robust=False).fit(rows, y, subjects=who).adapt(rows[:60])
    assert np.unique(who)[model.chosen_].tolist() == ["s1.0", "s4.0"]
    assert model.estimator_.classes_.tolist() == [0, 1, 2]


def test_the_ranking_reads_no_labels():
    rows, y, who = people()
    target = people(seed=1)[0][:60]
    a = RobustPCATransfer(2).fit(rows, y, subjects=who)
    b = RobustPCATransfer(2).fit(rows, np.random.default_rng(0).permutation(y), subjects=who)
    np.testing.assert_array_equal(a.adapt(target).distances_, b.adapt(target).distances_)
    a.adapt(X_calib=target, y_calib=y[:60])
    np.testing.assert_array_equal(a.distances_, b.distances_)


@pytest.mark.parametrize("n", [1, 6])
@pytest.mark.parametrize("robust", [False, True])
def test_target_rows_that_do_not_vary_use_all_sessions(robust, n):
    """One row, or equal ones, whose mean is off by rounding."""
    rows, y, who = people()
    model = RobustPCATransfer(1, robust=robust).fit(rows, y, subjects=who)
    message = r"the rows of the target, or of all sources, do not vary, .*: all 4 are used"
    with pytest.warns(TransferWarning) as caught:
        model.adapt(np.full((n, 4), 0.1))
    messages = [str(warning.message) for warning in caught]
    assert re.search(message, messages[-1])
    assert len(messages) == (2 if robust and n == 1 else 1)
    assert model.chosen_.all()
    assert np.isinf(model.distances_).all()
    assert np.isfinite(model.predict_proba(rows[:5])).all()


def test_sessions_of_one_row_come_last():
    rows, y, who = people()
    who = who.astype(object)
    who[[0, 1]] = ["single", "other single"]
    with pytest.warns(TransferWarning, match="2 of 6 sittings of the sources have fewer than 4"):
        model = RobustPCATransfer(2).fit(rows, y, subjects=who)
    model.adapt(people(seed=1)[0][:60])
    assert np.isinf(model.distances_).sum() == 2
    assert {model.ranking_[-1][0], model.ranking_[-2][0]} == {"single", "other single"}
    assert model.chosen_.sum() == 2


def test_sittings_of_the_target_and_of_sources():
    days = pd.DataFrame({"session": np.repeat([1, 2], 20)})
    model = RobustPCATransfer(2).fit(X, Y, subjects=SUBJECTS, rows=ROWS)
    model.adapt(T, rows_target=days)
    assert len(model.target_backgrounds_) == 2
    assert [entry[:2] for entry in model.ranking_[:2]] == [
        (model.source_subjects_[i], model.source_sessions_[i])
        for i in np.argsort(model.distances_)[:2]
    ]
    before = model.decision_function(T)
    model.adapt(T[::-1], rows_target=days[::-1].reset_index(drop=True))
    np.testing.assert_allclose(model.decision_function(T), before, atol=1e-8)


def test_adapt_that_fails_leaves_it_as_it_was():
    rows, y, who = people()
    model = RobustPCATransfer(1, estimator=LogisticRegression(C=-1.0))
    with pytest.raises(ValueError, match="C"):
        model.fit(rows, y, subjects=who)
    model = RobustPCATransfer(1).fit(rows, y, subjects=who).adapt(rows[:60])
    before = (model.decision_function(rows), model.distances_.copy(), list(model.ranking_))
    model.estimator = LogisticRegression(C=-1.0)
    with pytest.raises(ValueError, match="C"):
        model.adapt(rows[60:120])
    assert np.array_equal(model.decision_function(rows), before[0])
    assert np.array_equal(model.distances_, before[1])
    assert model.ranking_ == before[2]


def test_helpful_neighbours_beat_everybody():
    """Half of the people have the classes the other way round, and another spread."""
    gains = []
    for seed in range(4):
        rows, y, who = people(seed, scales=(1.0, 1.1, 1.2, 6.0, 6.5, 7.0, 7.5))
        far = np.isin(who, ["s6.0", "s6.5", "s7.0", "s7.5"])
        rows[far, 0] -= 30 * y[far]
        target = people(seed + 50)[0][:60]
        near = RobustPCATransfer(3, robust=False).fit(rows, y, subjects=who).adapt(target)
        assert not near.chosen_[3:].any()
        gains.append(near.score(target, y[:60]) - SourceOnly().fit(rows, y).score(target, y[:60]))
    assert np.mean(gains) > 0.2


def test_equal_domains_do_little_harm():
    losses = []
    for seed in range(6):
        rows, y, who = people(seed, scales=(1.0,) * 5)
        who = np.repeat(list("abcde"), 60)
        last = who == "e"
        plain = SourceOnly().fit(rows[~last], y[~last]).score(rows[last], y[last])
        model = RobustPCATransfer(3, robust=False).fit(rows[~last], y[~last], subjects=who[~last])
        losses.append(plain - model.adapt(rows[last]).score(rows[last], y[last]))
    assert np.mean(losses) < 0.03


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"n_sources": 0}, "n_sources must be a whole number from 1 on, or None .*; got 0"),
        ({"n_sources": 1.5}, r"got 1\.5"),
        ({"n_sources": True}, "got True"),
        ({"robust": "yes"}, "robust must be True or False; got 'yes'"),
    ],
)
def test_bad_parameters(parameters, message):
    with pytest.raises(InputError, match=message):
        RobustPCATransfer(**parameters).fit(X, Y, subjects=SUBJECTS)


@pytest.mark.parametrize(
    "estimator",
    [
        RobustPCATransfer(),
        RobustPCATransfer(2, robust=False, by="subject"),
        make_transfer_pipeline(
            SubjectNormalizer("z2"), RobustPCATransfer(1, estimator=LogisticRegression(tol=1e-10))
        ),
    ],
    ids=["default", "plain", "pipeline"],
)
def test_battery(estimator):
    check_transfer_estimator(estimator, extra_classes=[RobustPCATransfer])
