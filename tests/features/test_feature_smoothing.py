"""Smoothing of features: within trials, anew after gaps, offline = live."""

from __future__ import annotations

import re

import numpy as np
import pytest
from features.chunks import assert_same, pushed, whole
from features.noise_recording import make_noise_recording
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import smoothing_naive as naive

import eegtl
from eegtl.errors import InputError, SignalError
from eegtl.features import LDS, SMOOTHING, FeatureExtractor, FeatureTable, MovingAverage

BANDS = {"theta": (4.0, 8.0), "beta": (14.0, 28.0)}
TRIALS = [(1, 2.0, 18.0), (2, 22.0, 16.0), (3, 40.0, 20.0)]
KINDS = [MovingAverage(3.0), LDS("filter"), LDS("smooth")]


def extract(recording, smoothing, **options):
    return FeatureExtractor(bands=BANDS, smoothing=smoothing, **options).extract([recording])


def groups(table):
    """Row numbers of each trial, settling windows apart."""
    keys = table.meta[["trial", "settling"]]
    return [rows.to_numpy() for rows in keys.groupby(["trial", "settling"]).groups.values()]


@pytest.mark.parametrize("smoothing", KINDS)
@pytest.mark.parametrize("step", [1.0, 0.5])
def test_each_trial_is_smoothed_by_itself(smoothing, step):
    recording = make_noise_recording(trials=TRIALS)
    plain, smooth = extract(recording, None, step=step), extract(recording, smoothing, step=step)
    assert len(groups(plain)) == 4  # the first trial begins while the filters settle
    for rows in groups(plain):
        for column in range(plain.X.shape[1]):
            x = list(plain.X[rows, column])
            if smoothing.name == "moving_average":
                expected = naive.moving_average(x, round(3.0 / step))
            elif smoothing.mode == "filter":
                expected = naive.lds_filter(x, x[0], 1e-4, 1.0, 0.01)
            else:
                expected = naive.dense_posterior(x, np.mean(x), 1e-4, 1.0, 0.01)
            np.testing.assert_allclose(smooth.X[rows, column], expected, rtol=0, atol=1e-10)
    np.testing.assert_array_equal(smooth.meta["onset"], plain.meta["onset"])


@pytest.mark.parametrize("smoothing", KINDS)
def test_nothing_crosses_a_trial(smoothing):
    data = 1e-5 * np.random.default_rng(0).standard_normal((3, 60 * 128))
    before = extract(make_noise_recording(data, trials=TRIALS), smoothing)
    changed = data.copy()
    changed[:, 45 * 128 : 50 * 128] *= 3.0  # within the last trial
    after = extract(make_noise_recording(changed, trials=TRIALS), smoothing)
    last = before.meta["trial"].to_numpy() == 3
    np.testing.assert_array_equal(after.X[~last], before.X[~last])
    assert not np.array_equal(after.X[last], before.X[last])


@pytest.mark.parametrize("smoothing", KINDS)
def test_a_gap_begins_anew(smoothing):
    data = 1e-5 * np.random.default_rng(1).standard_normal((3, 60 * 128))
    data[1, 30 * 128] = data[1, 33 * 128] = np.nan
    trials = [(1, 10.0, 50.0)]
    plain = extract(make_noise_recording(data, trials=trials), None)
    smooth = extract(make_noise_recording(data, trials=trials), smoothing)
    onset, settling = plain.meta["onset"], plain.meta["settling"]
    between = (onset > 30) & (onset < 33)
    assert settling[between].all()  # a gap while the filters settle is one all the same
    after = onset > 33
    for part in (onset < 30, between, after & settling, after & ~settling):
        rows = np.flatnonzero(part)
        assert len(rows) >= 2
        np.testing.assert_allclose(
            smooth.X[rows], smoothing.smooth(plain.X[rows], 1.0), rtol=0, atol=1e-12
        )


def test_settling_windows_do_not_enter_settled_ones():
    data = 1e-5 * np.random.default_rng(2).standard_normal((2, 64 * 40))
    changed = data.copy()
    changed[:, : 64 * 2] += 2e-4 * np.sin(np.arange(128))
    extractor = FeatureExtractor(("hjorth",), BANDS, smoothing=LDS())
    one, other = (extractor.start(64.0, ["a", "b"]).process(d) for d in (data, changed))
    settled = ~one.settling
    np.testing.assert_array_equal(one.X[settled], other.X[settled])
    assert not np.allclose(one.X[:2], other.X[:2])


@settings(max_examples=25)
@given(
    seed=st.integers(0, 2**32 - 1),
    sizes=st.lists(st.integers(1, 200), min_size=1, max_size=6),
    smoothing=st.sampled_from(KINDS[:2]),
    marks=st.lists(st.integers(0, 1199), max_size=3),
    gap=st.integers(0, 1199),
)
def test_live_equals_offline(seed, sizes, smoothing, marks, gap):
    data = 1e-5 * np.random.default_rng(seed).standard_normal((2, 1200))
    data[0, gap : gap + 3] = np.nan
    extractor = FeatureExtractor(bands=BANDS, step=0.5, smoothing=smoothing)
    expected = whole(extractor.start(64.0, ["a", "b"]), data, marks)
    assert_same(pushed(extractor.start(64.0, ["a", "b"]), data, sizes, marks), expected)


def test_a_live_session_gives_the_rows_of_the_table():
    recording = make_noise_recording(trials=TRIALS)
    extractor = FeatureExtractor(bands=BANDS, smoothing=MovingAverage(5.0))
    table = extractor.extract([recording])
    stream, data = extractor.start(128.0, recording.ch_names), recording.get_data()
    X, onsets, at = [], [], 0
    for _, onset, duration in TRIALS:
        begin, end = round(onset * 128), round((onset + duration) * 128)
        stream.push(data[:, at:begin])
        stream.mark()
        for start in range(begin, end, 37):
            rows, times = stream.push(data[:, start : min(start + 37, end)])
            X.append(rows)
            onsets.append(times)
        at = end
    settled = ~table.meta["settling"].to_numpy()
    np.testing.assert_allclose(np.concatenate(X), table.X[settled], rtol=0, atol=1e-9)
    np.testing.assert_array_equal(np.concatenate(onsets), table.meta["onset"][settled])


def test_white_noise_is_smoothed_as_the_time_constant_says():
    """On 235 windows of noise: correlation of mid-trial values with the trial's mean."""
    trials = np.random.default_rng(3).standard_normal((235, 2000))
    mean = trials.mean(axis=0)
    smooth = np.corrcoef(LDS("smooth").smooth(trials, 1.0)[117], mean)[0, 1]
    assert smooth == pytest.approx(0.98, abs=0.01)
    last = np.corrcoef(trials[117], mean)[0, 1]
    assert last < 0.15


def test_tables_say_what_was_done(tmp_path):
    recording = make_noise_recording(trials=TRIALS)
    average, filtered, smooth = (extract(recording, kind) for kind in KINDS)
    assert average.causal
    assert filtered.causal
    assert not smooth.causal
    assert average.info["smoothing"] == {"name": "moving_average", "seconds": 3.0}
    assert smooth.info["smoothing"] == {
        "name": "lds",
        "mode": "smooth",
        "q": 1e-4,
        "r": 1.0,
        "v0": 0.01,
    }
    assert extract(recording, None).info["smoothing"] is None
    read = FeatureTable.load(smooth.save(tmp_path / "table.npz"))
    assert not read.causal
    assert read.info == smooth.info


def test_descriptions_make_the_settings_again():
    for kind in KINDS:
        described = kind.describe()
        assert SMOOTHING[described.pop("name")](**described) == kind


def test_no_windows_stay_no_windows():
    for kind in KINDS:
        assert kind.smooth(np.empty((0, 3)), 1.0).shape == (0, 3)


@pytest.mark.parametrize(
    ("seconds", "step", "windows"),
    [(2.5, 1.0, 2), (3.5, 1.0, 3), (3.9, 1.0, 3), (0.3, 0.1, 3), (0.6, 0.2, 3), (0.5, 1.0, 1)],
)
def test_an_average_is_over_as_many_windows_as_have_steps_in_it(seconds, step, windows):
    impulse = np.zeros((8, 1))
    impulse[0] = 1.0
    expected = [1 / (row + 1) if row < windows else 0.0 for row in range(8)]
    got = MovingAverage(seconds).smooth(impulse, step)
    np.testing.assert_allclose(got.ravel(), expected, rtol=0, atol=1e-15)


@pytest.mark.parametrize("smoothing", KINDS)
def test_lists_are_smoothed_and_other_shapes_refused(smoothing):
    rows = [[0.0, 1.0], [3.0, 1.0], [6.0, 4.0]]
    np.testing.assert_array_equal(
        smoothing.smooth(rows, 1.0), smoothing.smooth(np.array(rows), 1.0)
    )
    for shape in ((3,), (3, 2, 1), ()):
        message = f"X has the shape {shape}; give (n_windows, n_features), the windows of one"
        with pytest.raises(InputError, match=re.escape(message)):
            smoothing.smooth(np.zeros(shape), 1.0)
    message = r"X cannot be read as numbers \(.*'a'.*\); give \(n_windows, n_features\)"
    with pytest.raises(InputError, match=message):
        smoothing.smooth([["a"]], 1.0)


def test_the_future_is_not_on_a_stream():
    message = "the smoothing 'lds' needs the future of the signal, which a stream has not"
    with pytest.raises(SignalError, match=message):
        FeatureExtractor(smoothing=LDS("smooth")).start(128.0, ["Fz"])
    with pytest.raises(InputError, match=r"LDS\(mode='smooth'\) needs all windows of a trial"):
        LDS("smooth").start(3, 1.0)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: MovingAverage(0.0), "seconds is 0.0; give a positive number"),
        (lambda: MovingAverage("3"), "seconds is '3'; give a positive number"),
        (lambda: LDS("both"), "mode is 'both'; give 'filter' (causal) or 'smooth' (uses"),
        (lambda: LDS(q=-1e-4), "q is -0.0001; give a positive number"),
        (lambda: LDS(r=np.inf), "r is inf; give a positive number"),
        (lambda: LDS(v0=np.nan), "v0 is nan; give a positive number"),
        (
            lambda: FeatureExtractor(smoothing="lds"),
            "smoothing is 'lds'; give None, or one of MovingAverage, LDS with its settings",
        ),
    ],
)
def test_wrong_settings_are_named(make, message):
    with pytest.raises(InputError, match=re.escape(message)):
        make()


@pytest.mark.realdata
def test_smoothing_on_real_trials(realdata):
    """The smoother makes the windows of a trial alike; the filter does so more slowly."""
    muse = eegtl.load("muse-days", root=realdata / "muse-days").select(subjects=["S1"])
    bands = {"theta": (4.0, 8.0), "alpha": (8.0, 14.0)}
    spread = {}
    for name, kind in (("none", None), ("filter", LDS("filter")), ("smooth", LDS("smooth"))):
        table = FeatureExtractor(bands=bands, smoothing=kind).extract(muse)
        table = table.select(~table.meta["settling"].to_numpy())
        rows = table.meta.groupby(["session", "trial"]).indices.values()
        spread[name] = np.mean([table.X[i].std(axis=0).mean() for i in rows if len(i) > 10])
    assert spread["smooth"] < 0.3 * spread["none"]
    assert spread["filter"] < 0.8 * spread["none"]
