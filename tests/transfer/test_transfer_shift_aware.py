"""Shift-aware normalisation against plain loops, z2, and wearers whose mix is known."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference.shift_aware_naive import mix_of_one_feature, normalise_target, statistics

from eegtl.errors import CalibrationError, InputError
from eegtl.transfer import (
    ShiftAwareNormalizer,
    SourceSummary,
    SubjectNormalizer,
    default_classifier,
    make_transfer_pipeline,
)
from eegtl.transfer.solvers.mix_posterior import log_prior, mix_lattice


def people(seed=0, n_people=8, d=4, effect=2.0, shift=1.0, n=60, skew=False, n_classes=2):
    """Give rows, labels and names of people with offsets and gains, and the effect of a class."""
    rng = np.random.default_rng(seed)
    e = effect * np.linalg.qr(rng.standard_normal((d, d)))[0][:n_classes]
    e = e - e.mean(axis=0)
    X, y, who = [], [], []
    for s in range(n_people):
        shares = np.ones(n_classes) / n_classes
        if skew:
            shares = 0.2 / (n_classes - 1) * np.ones(n_classes)
            shares[s % n_classes] = 0.8
        labels = np.repeat(np.arange(n_classes), np.round(shares * n).astype(int))
        b, a = shift * rng.standard_normal(d), np.exp(0.2 * rng.standard_normal(d))
        X.append(b + a * (e[labels] + rng.standard_normal((len(labels), d))))
        y.append(labels)
        who.append(np.repeat(f"p{s}", len(labels)))
    return np.vstack(X), np.concatenate(y), np.concatenate(who), e


def wearer(e, mix, seed=100, n=60, shift=1.0):
    """Give rows of a new person with a class mix, their labels and the true offset."""
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(len(e)), np.round(np.array(mix) * n).astype(int))
    b = shift * rng.standard_normal(e.shape[1])
    return b + e[labels] + rng.standard_normal((len(labels), e.shape[1])), labels, b


def test_with_the_mix_of_the_sources_it_is_z2_exactly():
    X, y, who, e = people()
    T, _, _ = wearer(e, [0.9, 0.1])
    z2 = SubjectNormalizer("z2").fit(X, subjects=who)
    aware = ShiftAwareNormalizer("sources").fit(X, y, subjects=who)
    np.testing.assert_allclose(aware.transform(T), z2.transform(T), atol=1e-10)  # before adapt: z1
    np.testing.assert_allclose(
        aware.transform_source(X, who), z2.transform_source(X, who), atol=1e-10
    )
    for shares in ("sources", [0.5, 0.5], {0: 0.5, 1: 0.5}):
        aware = ShiftAwareNormalizer(shares).fit(X, y, subjects=who).adapt(T)
        np.testing.assert_allclose(aware.transform(T), z2.adapt(T).transform(T), atol=1e-10)


@pytest.mark.parametrize("y_given", [None, 1])
def test_without_classes_it_is_z2(y_given):
    X, _, who, e = people()
    T, _, _ = wearer(e, [0.9, 0.1])
    y = None if y_given is None else np.repeat("only", len(X))
    aware = ShiftAwareNormalizer().fit(X, y, subjects=who).adapt(T)
    expected = SubjectNormalizer("z2").fit(X, subjects=who).adapt(T).transform(T)
    np.testing.assert_allclose(aware.transform(T), expected, atol=1e-10)


@pytest.mark.parametrize("skew", [False, True])
def test_against_loops(skew):
    X, y, who, e = people(skew=skew, n_people=5)
    who = np.where(y == 0, who, np.where(who == "p4", "p1", who))  # p4 lacks class 1
    T, _, _ = wearer(e, [0.8, 0.2])
    p, centre, scale, effects = statistics(X, y, who)
    aware = ShiftAwareNormalizer([0.8, 0.2]).fit(X, y, subjects=who).adapt(T)
    np.testing.assert_allclose(aware.effects_, effects, atol=1e-5)
    for i, name in enumerate(sorted(set(who))):
        np.testing.assert_allclose(aware.subject_mean_[i], centre[name], atol=1e-5)
        np.testing.assert_allclose(aware.subject_scale_[i], scale[name], atol=1e-5)
    expected = normalise_target(T, np.array([0.8, 0.2]), p, effects)
    np.testing.assert_allclose(aware.transform(T), expected, atol=1e-5)


def test_the_estimate_against_densities_one_by_one():
    X, y, who, _e = people(d=1, effect=1.5, n_classes=1)
    y = np.tile([0, 1], len(X) // 2)
    X = X + 1.2 * y[:, None]
    T, _, _ = wearer(np.array([[-0.8], [0.8]]), [0.7, 0.3])
    aware = ShiftAwareNormalizer().fit(X, y, subjects=who).adapt(T)
    own = T.std(axis=0)
    w = float(aware.within_[0, 0])
    place = (aware.constant_ / aware.directions_[0]).item()
    expected = mix_of_one_feature(
        ((T - aware.pooled_mean_) / own)[:, 0],
        40,
        aware.source_mix_,
        aware.effects_,
        place,
        aware.spread_.item() * w,
        aware.scale_spread_,
        min(1.0, 2 / aware.noise_ / len(T)),
        w,
    )
    np.testing.assert_allclose(aware.mix_, expected, atol=1e-4)


@pytest.mark.parametrize("mix", [(1.0, 0.0), (0.0, 1.0), (0.8, 0.2), (0.3, 0.7), (0.5, 0.5)])
def test_it_finds_the_mix_in_easy_cases(mix):
    X, y, who, e = people(effect=4.0)
    for seed in range(3):
        T, _, _ = wearer(e, mix, seed)
        aware = ShiftAwareNormalizer().fit(X, y, subjects=who).adapt(T)
        np.testing.assert_allclose(aware.mix_, mix, atol=0.1)
        assert np.all(aware.mix_sd_ < 0.15)


def test_three_classes_of_which_one_is_missing():
    X, y, who, e = people(effect=5.0, n_classes=3, d=6, shift=0.7)
    T, _, _ = wearer(e, [0.0, 0.6, 0.4], shift=0.7)
    aware = ShiftAwareNormalizer().fit(X, y, subjects=who).adapt(T)
    np.testing.assert_allclose(aware.mix_, [0.0, 0.6, 0.4], atol=0.1)


def test_it_keeps_to_the_prior_where_classes_cannot_be_told_apart():
    X, _, who, e = people(n=30)
    y = np.tile(np.repeat([0, 1, 1], 1), len(X) // 3)
    T, _, _ = wearer(0 * e, [1.0, 0.0])
    aware = ShiftAwareNormalizer().fit(X, y, subjects=who).adapt(T)
    assert abs(aware.mix_[0] - 1 / 3) < 0.15
    assert np.all(aware.mix_sd_ > 0.2)
    z2 = SubjectNormalizer("z2").fit(X, subjects=who).adapt(T)
    assert np.abs(aware.transform(T) - z2.transform(T)).max() < 0.2


def test_people_far_apart_leave_only_the_shape_and_close_ones_the_place():
    for shift, sure in ((0.05, True), (20.0, False)):
        X, y, who, e = people(effect=1.5, shift=shift)
        T, _, _ = wearer(e, [1.0, 0.0], shift=shift)
        aware = ShiftAwareNormalizer().fit(X, y, subjects=who).adapt(T)
        assert (aware.mix_[0] > 0.85) == sure


def test_the_estimate_is_continuous():
    X, y, who, e = people(effect=1.5)
    T, _, _ = wearer(e, [0.8, 0.2], n=20)
    aware = ShiftAwareNormalizer().fit(X, y, subjects=who)
    step = 1e-6 * np.random.default_rng(0).standard_normal(T.shape)
    near = aware.adapt(T + step).mix_.copy()
    np.testing.assert_allclose(near, aware.adapt(T).mix_, atol=1e-4)


@settings(max_examples=15, deadline=None)
@given(
    gain=st.lists(st.floats(0.01, 100), min_size=4, max_size=4),
    offset=st.lists(st.floats(-100, 100), min_size=4, max_size=4),
    swap=st.booleans(),
)
def test_units_and_names_of_classes_do_not_matter(gain, offset, swap):
    X, y, who, e = people(effect=1.5, n=20)
    T, _, _ = wearer(e, [0.8, 0.2], n=20)
    plain = ShiftAwareNormalizer().fit(X, y, subjects=who).adapt(T)
    labels = 1 - y if swap else y
    moved = ShiftAwareNormalizer().fit(X * gain + offset, labels, subjects=who)
    moved.adapt(T * gain + offset)
    np.testing.assert_allclose(moved.mix_[::-1] if swap else moved.mix_, plain.mix_, atol=1e-6)
    np.testing.assert_allclose(moved.transform(T * gain + offset), plain.transform(T), atol=1e-6)


@settings(max_examples=15, deadline=None)
@given(
    gain=st.lists(st.floats(0.01, 100), min_size=4, max_size=4),
    offset=st.lists(st.floats(-100, 100), min_size=4, max_size=4),
)
def test_with_a_mix_given_a_person_s_own_gain_and_offset_vanish(gain, offset):
    X, y, who, e = people(effect=1.5, n=20)
    T, _, _ = wearer(e, [0.8, 0.2], n=20)
    aware = ShiftAwareNormalizer([0.8, 0.2]).fit(X, y, subjects=who)
    expected = aware.adapt(T).transform(T)
    moved = T * gain + offset
    np.testing.assert_allclose(aware.adapt(moved).transform(moved), expected, atol=1e-7)


def test_skewed_sources_do_no_harm():
    """People with four fifths of one class are placed where they would be with both alike."""
    even = people(skew=False, n=400)
    skewed = people(skew=True, n=400)
    for X, y, who, _e in (even, skewed):
        Z = ShiftAwareNormalizer().fit(X, y, subjects=who).transform_source(X, who)
        means = np.array([Z[(who == s) & (y == c)].mean(axis=0) for s in set(who) for c in (0, 1)])
        assert means[0::2].std(axis=0).max() < 0.15
    Z2 = SubjectNormalizer("z2").fit(X, subjects=who).transform_source(X, who)
    means = np.array([Z2[(who == s) & (y == 0)].mean(axis=0) for s in set(who)])
    assert means.std(axis=0).max() > 0.3


def test_each_person_with_a_class_of_its_own():
    """Nothing tells people from classes: what classes can explain is theirs."""
    X, y, who, _e = people(effect=3.0)
    keep = y == np.char.replace(who, "p", "").astype(int) % 2
    aware = ShiftAwareNormalizer().fit(X[keep], y[keep], subjects=who[keep])
    Z = aware.transform_source(X[keep], who[keep])
    gap = np.linalg.norm(Z[y[keep] == 1].mean(axis=0) - Z[y[keep] == 0].mean(axis=0))
    assert gap > 1.0


def test_labels_of_a_calibration_are_used():
    X, y, who, e = people(effect=1.5)
    T, labels, _b = wearer(e, [0.8, 0.2])
    aware = ShiftAwareNormalizer().fit(X, y, subjects=who)
    aware.adapt(X_calib=T, y_calib=labels)
    np.testing.assert_allclose(aware.mix_, [0.8, 0.2])
    assert aware.information_ == "labelled"
    by_labels = aware.transform(T)
    given_mix = ShiftAwareNormalizer([0.8, 0.2]).fit(X, y, subjects=who).adapt(T)
    np.testing.assert_allclose(by_labels, given_mix.transform(T), atol=1e-12)
    # a few labels say where the person lies, and so what the other rows are
    few = np.r_[:5, 50:55]
    miss = []
    for use in (False, True):
        rest = np.delete(T, few, axis=0)
        if use:
            aware.adapt(rest, X_calib=T[few], y_calib=labels[few])
        else:
            aware.adapt(rest, X_calib=T[few])
        miss.append(abs(aware.mix_[0] - 0.8))
    assert miss[1] < 0.12
    with pytest.raises(CalibrationError, match=re.escape("hold [7], which no source has")):
        aware.adapt(X_calib=T[:2], y_calib=[7, 7])


def test_rows_and_summary_are_the_same():
    X, y, who, e = people(skew=True)
    T, _, _ = wearer(e, [0.7, 0.3])
    rows = ShiftAwareNormalizer().fit(X, y, subjects=who).adapt(T)
    summary = SourceSummary().add(X[:99], y[:99], who[:99]).add(X[99:], y[99:], who[99:])
    other = ShiftAwareNormalizer().fit_summary(summary).adapt(T)
    np.testing.assert_allclose(other.transform(T), rows.transform(T), atol=1e-8)
    pipeline = make_transfer_pipeline(ShiftAwareNormalizer(), default_classifier())
    pipeline.fit(X, y, subjects=who)
    assert not hasattr(pipeline.sources_, "X")
    direct = default_classifier().fit(rows.transform_source(X, who), y)
    np.testing.assert_allclose(
        pipeline.adapt(T).decision_function(T),
        direct.decision_function(rows.transform(T)),
        atol=1e-7,
    )


def test_a_block_of_one_class_keeps_the_class_effect():
    X, y, who, e = people(effect=3.0)
    T, _, b = wearer(e, [1.0, 0.0])
    truth = {}
    for name, step in {
        "z2": SubjectNormalizer("z2"),
        "given": ShiftAwareNormalizer([1.0, 0.0]),
        "estimate": ShiftAwareNormalizer(),
    }.items():
        step.fit(X, y, subjects=who).adapt(T)
        truth[name] = np.linalg.norm(step.target_mean_ - b)
    assert truth["given"] < 0.3 * truth["z2"]
    assert truth["estimate"] < 0.4 * truth["z2"]


def test_what_it_takes_for_granted():
    assert ShiftAwareNormalizer().assumes_ == ""
    assert ShiftAwareNormalizer("sources").assumes_ == "class mix of the sources"
    assert ShiftAwareNormalizer([0.5, 0.5]).assumes_ == "class mix given"


def test_errors():
    X, y, who, _ = people()
    message = "mix must be 'estimate', 'sources' or the share of each class; got 'guess'."
    with pytest.raises(InputError, match=re.escape(message)):
        ShiftAwareNormalizer("guess").fit(X, y)
    with pytest.raises(InputError, match=re.escape("(mix=[0.5, 0.5]) needs y in fit")):
        ShiftAwareNormalizer([0.5, 0.5]).fit(X)
    with pytest.raises(InputError, match=r"which sum to 1\.2"):
        ShiftAwareNormalizer([0.6, 0.6]).fit(X, y)
    fitted = ShiftAwareNormalizer().fit(X, y, subjects=who)
    with pytest.raises(InputError, match="got the subjects new, which were not in fit"):
        fitted.transform_source(X[:1], ["new"])


@pytest.mark.parametrize("n_classes", [2, 3, 5, 20])
def test_the_lattice_and_its_prior(n_classes):
    lattice = mix_lattice(n_classes)
    assert len(lattice) <= 128
    np.testing.assert_allclose(lattice.sum(axis=1), 1.0)
    assert len(np.unique(lattice, axis=0)) == len(lattice)
    p = np.arange(1, n_classes + 1) / np.arange(1, n_classes + 1).sum()
    np.testing.assert_allclose(np.exp(log_prior(lattice, p)) @ lattice, p, atol=1e-12)
