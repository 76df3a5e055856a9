from __future__ import annotations

import mne
import numpy as np
import pandas as pd
import pytest

import eegtl
from eegtl.errors import DatasetError, SignalError, SignalWarning, SubjectError
from eegtl.features import BANDS, FeatureExtractor, differential_entropy
from eegtl.preprocessing import Resample
from eegtl.recordings import Recording

NAMES = ("Fz", "Cz", "T7")


def make_recording(
    data=None,
    *,
    names=NAMES,
    sfreq=128.0,
    seconds=20.0,
    trials=((1, 2.0, 6.0), (2, 10.0, 8.0)),
    subject="7",
    file="a.edf",
    passband=None,
):
    """A recording of noise; trials are (number, onset, duration)."""
    if data is None:
        seed = sum(map(ord, file + subject))
        rng = np.random.default_rng(seed)
        data = 1e-5 * rng.standard_normal((len(names), round(seconds * sfreq)))
    info = mne.create_info(list(names), sfreq, "eeg")
    table = pd.DataFrame(
        {
            "trial": [trial for trial, _, _ in trials],
            "stimulus": [f"clip{trial}" for trial, _, _ in trials],
            "label": [trial - 1 for trial, _, _ in trials],
            "onset": [onset for _, onset, _ in trials],
            "duration": [duration for _, _, duration in trials],
        }
    )
    return Recording(
        mne.io.RawArray(data, info, verbose="error"),
        subject=subject,
        session=1,
        trials=table,
        dataset="noise",
        file=file,
        passband=passband,
    )


def test_rows_are_the_windows_inside_trials():
    recording = make_recording()
    table = FeatureExtractor(window=2.0).extract([recording])
    assert table.meta["onset"].tolist() == [2.0, 4.0, 6.0, 10.0, 12.0, 14.0, 16.0]
    assert table.meta["trial"].tolist() == [1, 1, 1, 2, 2, 2, 2]
    assert table.meta["label"].tolist() == [0, 0, 0, 1, 1, 1, 1]
    assert table.meta["stimulus"].tolist() == ["clip1"] * 3 + ["clip2"] * 4
    assert table.meta["settling"].tolist() == [True] + 6 * [False]
    assert set(table.meta["flags"]) == {""}
    assert table.meta[["dataset", "subject", "session"]].drop_duplicates().values.tolist() == [
        ["noise", "7", 1]
    ]
    # The grid of both trials lies on even seconds, so the plain function sees the same windows.
    expected = differential_entropy(recording.get_data(), 128.0, window=2.0)
    rows = (table.meta["onset"] / 2).astype(int)
    np.testing.assert_allclose(table.block("de"), expected[rows], rtol=0, atol=1e-12)


def test_trial_starts_restart_the_grid_and_ends_are_not_crossed():
    recording = make_recording(trials=[(1, 2.3, 3.4), (2, 10.7, 2.0)])
    table = FeatureExtractor(window=1.0, step=0.5).extract([recording])
    first, second = round(2.3 * 128) / 128, round(10.7 * 128) / 128
    np.testing.assert_array_equal(
        table.meta["onset"], [*(first + 0.5 * np.arange(5)), *(second + 0.5 * np.arange(3))]
    )


@pytest.mark.parametrize("preprocessing", [None, Resample(100.0), Resample(256.0)])
@pytest.mark.parametrize("missing", [0, 1])
def test_the_end_of_a_trial_is_the_end_of_its_last_window(preprocessing, missing):
    """One sample less than four windows gives three, and the signal behind has no part in them."""
    sfreq = 128.0 if preprocessing is None else preprocessing.sfreq
    bands, trials = {"alpha": (8.0, 14.0)}, [(1, 5.0, 4.0 - missing / sfreq)]
    data = 1e-5 * np.random.default_rng(8).standard_normal((3, 128 * 20))
    end = round(128 * (trials[0][1] + trials[0][2]))
    louder = data.copy()
    louder[:, end:] *= 100.0
    one, other = (
        FeatureExtractor(("power", "hjorth"), bands, preprocessing=preprocessing).extract(
            [make_recording(signal, trials=trials)]
        )
        for signal in (data, louder)
    )
    assert one.meta["onset"].tolist() == [5.0, 6.0, 7.0, 8.0][: 4 - missing]
    # The resampler's filter reaches 0.2 s ahead; a window that is a sample short is left out.
    clear = 4 if preprocessing is None else 3
    np.testing.assert_array_equal(one.X[:clear], other.X[:clear])


def test_columns_are_channel_major_and_features_stand_one_after_the_other():
    table = FeatureExtractor(features=("de", "power")).extract([make_recording()])
    assert table.columns[:6].tolist() == [
        *[("de", "Fz", band) for band in BANDS],
        ("de", "Cz", "delta"),
    ]
    assert table.X.shape[1] == 2 * 3 * 5
    power = table.block("power")
    assert power.shape == (14, 3, 5)
    assert np.shares_memory(power, table.X)
    np.testing.assert_allclose(
        table.block("de"), 0.5 * np.log(2 * np.pi * np.e * power), atol=1e-12
    )


def test_live_equals_offline():
    recording = make_recording(trials=[(1, 0.0, 20.0)])
    extractor = FeatureExtractor()
    table = extractor.extract([recording])
    live = extractor.start(128.0, NAMES)
    data = recording.get_data()
    pieces = [live.push(data[:, at : at + 11]) for at in range(0, data.shape[1], 11)]
    settled = table.select(~table.meta["settling"].to_numpy())
    np.testing.assert_allclose(np.concatenate([X for X, _ in pieces]), settled.X, rtol=0, atol=1e-9)
    np.testing.assert_array_equal(
        np.concatenate([onsets for _, onsets in pieces]), settled.meta["onset"]
    )
    assert live.columns.equals(table.columns)


def test_a_gap_leaves_its_windows_out_and_settles_again():
    data = 1e-5 * np.random.default_rng(0).standard_normal((3, 20 * 128))
    data[1, 11 * 128] = np.nan
    table = FeatureExtractor().extract([make_recording(data, trials=[(1, 0.0, 20.0)])])
    after = 11 + 1 / 128
    np.testing.assert_array_equal(
        table.meta["onset"], [*np.arange(11.0), *(after + np.arange(8.0))]
    )
    np.testing.assert_array_equal(
        table.meta["settling"], [True] * 4 + [False] * 7 + [True] * 4 + [False] * 4
    )


def test_a_trial_lost_in_a_gap_is_told():
    data = 1e-5 * np.random.default_rng(0).standard_normal((3, 20 * 128))
    data[:, 2 * 128 : 8 * 128] = np.nan
    recording = make_recording(data)
    with pytest.warns(
        SignalWarning, match=r"a.edf \(subject 7\): gaps leave no whole window in trial 1"
    ):
        table = FeatureExtractor().extract([recording])
    assert set(table.meta["trial"]) == {2}


@pytest.mark.parametrize("sfreq", [125.0, 256.0, 500.0])
@pytest.mark.parametrize("shift", [0.5, 0.49999999, 1.5, 3.25])
def test_back_to_back_trials_lose_no_window_to_rounding(sfreq, shift):
    trials = [(number + 1, number + shift / sfreq, 1.0) for number in range(12)]
    table = FeatureExtractor().extract([make_recording(sfreq=sfreq, trials=trials)])
    assert table.meta["trial"].tolist() == list(range(1, 13))
    samples = table.meta["onset"] * sfreq
    np.testing.assert_allclose(np.diff(samples), sfreq)
    assert abs(samples[0] - shift) <= 0.5000001


@pytest.mark.parametrize("onset", [0.0, 0.3 / 128, 0.51 / 128, 0.7 / 128])
def test_a_trial_as_long_as_its_window_gives_it_wherever_it_begins(onset):
    table = FeatureExtractor(window=2.0).extract([make_recording(trials=[(1, onset, 1.9997)])])
    assert len(table) == 1


def test_a_trial_lost_to_rounding_is_not_blamed_on_gaps():
    trials = [(1, 0.7 / 125, 1.004), (2, 0.7 / 125 + 1.004, 2.0)]
    recording = make_recording(sfreq=125.0, trials=trials)
    with pytest.warns(
        SignalWarning, match=r"rounding to whole samples leaves no whole window in trial 1$"
    ):
        table = FeatureExtractor(window=1.004).extract([recording])
    assert set(table.meta["trial"]) == {2}


@pytest.mark.parametrize("fault", [1e300, -3.4e38, 1.5])
def test_a_sample_beyond_a_volt_is_a_gap(fault):
    data = 1e-5 * np.random.default_rng(0).standard_normal((3, 20 * 128))
    data[1, 11 * 128] = np.nan
    trials = [(1, 0.0, 20.0)]
    expected = FeatureExtractor().extract([make_recording(data, trials=trials)])
    data[1, 11 * 128] = fault
    table = FeatureExtractor().extract([make_recording(data, trials=trials)])
    np.testing.assert_array_equal(table.X, expected.X)
    pd.testing.assert_frame_equal(table.meta, expected.meta)


def test_slow_bands_settle_longer():
    data = 1e-5 * np.random.default_rng(0).standard_normal((3, 60 * 128))
    recording = make_recording(data, trials=[(1, 0.0, 60.0)])
    slow = FeatureExtractor(bands={"slow": (0.1, 0.5), "alpha": (8.0, 14.0)}, window=2.0)
    table = slow.extract([recording])
    assert table.meta["settling"].tolist() == [True] * 18 + [False] * 12
    X, onsets = slow.start(128.0, NAMES).push(data)
    assert onsets[0] == 36.0
    np.testing.assert_array_equal(X, table.X[18:])


@pytest.mark.parametrize("sfreq", [64.0, 128.0, 250.0, 256.0, 500.0, 1000.0, 2048.0])
def test_default_bands_settle_in_four_seconds(sfreq):
    bands = {name: edges for name, edges in BANDS.items() if edges[1] < 0.4 * sfreq}
    assert FeatureExtractor(bands=bands).start(sfreq, NAMES).settling == 4.0


def test_settled_means_that_the_start_is_forgotten():
    bands = {"slow": (0.1, 0.5)}
    stream = FeatureExtractor(features=("power",), bands=bands, window=2.0).start(128.0, ["Fz"])
    step = np.zeros((1, 120 * 128))
    step[:, 0] = 1e-4
    power = stream.process(step).X[:, 0]
    late = round(stream.settling / 2)
    assert power[late:].max() < 1e-4 * power.max()


def test_flat_windows_are_flagged():
    data = 1e-5 * np.random.default_rng(0).standard_normal((3, 60 * 128))
    data[2] = 5e-6
    table = FeatureExtractor().extract([make_recording(data, trials=[(1, 0.0, 60.0)])])
    assert set(table.meta["flags"]) == {"flat"}
    assert np.isfinite(table.X).all()


def test_rates_may_differ():
    slow, fast = (make_recording(sfreq=rate, file=f"{rate:g}.edf") for rate in (128.0, 250.0))
    table = FeatureExtractor(window=2.0).extract([slow, fast])
    assert len(table) == 14
    assert table.info["sfreq"] == [128.0, 250.0]
    assert [filters["sfreq"] for filters in table.info["filters"]] == [128.0, 250.0]


def test_a_passband_clips_once_and_is_told():
    recordings = [make_recording(file=name, passband=(0.5, 45.0)) for name in ("a.edf", "b.edf")]
    with pytest.warns(SignalWarning, match=r"'gamma' \(31-50 Hz\) is clipped to 31-45") as caught:
        table = FeatureExtractor().extract(recordings)
    assert len(caught) == 1
    assert table.info["bands"]["gamma"] == [31.0, 50.0]
    assert table.info["filters"][0]["bands"]["gamma"] == [31.0, 45.0]


def test_a_band_outside_the_passband_is_an_error():
    with pytest.raises(SignalError, match=r"band 'gamma' \(31-50 Hz\) lies outside"):
        FeatureExtractor(bands={"gamma": (31, 50)}).extract([make_recording(passband=(0.5, 30.0))])


def test_channels_follow_the_order_of_the_first_recording():
    data = 1e-5 * np.random.default_rng(0).standard_normal((3, 20 * 128))
    one = make_recording(data)
    other = make_recording(data[::-1], names=NAMES[::-1], subject="8")
    table = FeatureExtractor().extract([one, other])
    np.testing.assert_array_equal(table.X[:14], table.X[14:])


MISSING = (
    r"{file} \(subject {subject}\): channel 'T7' is missing \(found 2 of 3: Fz, Cz\). Re-run with "
    r"--channels common to use the channels all recordings share, or --skip-bad to leave this "
    r"recording out\."
)


def test_a_missing_channel_names_the_recording_that_lacks_it():
    whole, short = make_recording(), make_recording(names=("Fz", "Cz"), subject="8", file="b.edf")
    for pair in ([whole, short], [short, whole]):
        with pytest.raises(SubjectError, match=MISSING.format(file="b.edf", subject="8")):
            FeatureExtractor().extract(pair)


def test_several_missing_channels():
    two = make_recording(names=("Fz",), file="b.edf")
    message = r"b.edf .*: channels 'Cz', 'T7' are missing \(found 1 of 3: Fz\)"
    with pytest.raises(SubjectError, match=message):
        FeatureExtractor().extract([make_recording(), two])


def test_a_table_says_what_its_recordings_are():
    kept = [make_recording(subject=s, passband=(0.5, 60.0)) for s in "12"]
    kept += [make_recording(subject="3", names=NAMES[::-1]), make_recording(subject="4")]
    bad = make_recording(names=("Fz",), subject="8", file="b.edf", passband=(0.5, 50.0))
    info = FeatureExtractor().extract([bad, *kept], skip_bad=True).info
    # the order of channels is that of the first, and what was left out has no part in it
    assert info["ch_names"] == list(NAMES)
    assert info["passbands"] == [[0.5, 60.0], None]
    assert info["sfreq"] == [128.0]


def test_skip_bad_keeps_the_channels_most_have():
    short = make_recording(names=("Fz", "Cz"), subject="8", file="b.edf")
    long = make_recording(names=(*NAMES, "Pz"), subject="9", file="c.edf")
    good = [make_recording(subject=str(number)) for number in (1, 2)]
    table = FeatureExtractor().extract([short, long, *good], skip_bad=True)
    assert table.columns.get_level_values("channel").unique().tolist() == list(NAMES)
    assert set(table.meta["subject"]) == {"1", "2"}
    first, second = table.info["skipped"]
    assert first.startswith("b.edf (subject 8): channel 'T7' is missing (found 2 of 3: Fz, Cz)")
    assert second.startswith("c.edf (subject 9): channels 'Pz' are not in a.edf and most other")


@pytest.mark.parametrize(
    ("recording", "message"),
    [
        (
            lambda: make_recording(10 * np.random.default_rng(0).standard_normal((3, 2560))),
            r"a.edf \(subject 7\): channel '.*' has a standard deviation of .* V .*1e-6",
        ),
        (
            lambda: make_recording(np.full((3, 2560), np.nan)),
            r"a.edf \(subject 7\): all 3 channels hold only NaN",
        ),
        (
            lambda: make_recording(trials=[(1, 0.0, 5.0), (4, 6.0, 1.5)]),
            r"a.edf \(subject 7\): trial 4 lasts 1.5 s, which is shorter than a window of 2 s. "
            r"Choose a shorter window, or re-run with --skip-bad to leave this recording out",
        ),
    ],
)
def test_bad_recordings_are_named_and_can_be_skipped(recording, message):
    extractor = FeatureExtractor(window=2.0)
    good = make_recording(subject="1", file="good.edf")
    with pytest.raises(SubjectError, match=message):
        extractor.extract([good, recording()])
    seen = []
    table = extractor.extract(
        [recording(), good], lambda done, total: seen.append((done, total)), skip_bad=True
    )
    assert set(table.meta["subject"]) == {"1"}
    assert len(table.info["skipped"]) == 1
    assert seen == [(1, 2), (2, 2)]


def test_nothing_left_is_an_error():
    bad = make_recording(trials=[(1, 0.0, 1.0)])
    with pytest.raises(
        DatasetError, match=r"no recording is left .*: a.edf \(subject 7\): trial 1 lasts 1 s"
    ):
        FeatureExtractor(window=2.0).extract([bad], skip_bad=True)
    with pytest.raises(DatasetError, match="from; the collection is empty"):
        FeatureExtractor().extract([])


def test_a_generator_of_recordings_is_taken_with_progress():
    seen = []
    table = FeatureExtractor().extract(
        (make_recording(subject=str(number)) for number in range(3)),
        progress=lambda done, total: seen.append((done, total)),
    )
    assert seen == [(1, 1), (2, 2), (3, 3)]
    assert table.meta["subject"].unique().tolist() == ["0", "1", "2"]


def test_a_recording_without_trials_adds_no_rows():
    table = FeatureExtractor().extract([make_recording(trials=[]), make_recording(subject="8")])
    assert set(table.meta["subject"]) == {"8"}
    assert table.meta["label"].dtype == np.int64
    with pytest.raises(DatasetError, match="the 1 recordings give no window: they have no trials"):
        FeatureExtractor().extract([make_recording(trials=[])])


def test_extract_features_is_the_extractor_in_one_call():
    recording = make_recording()
    table = eegtl.extract_features([recording], bands={"a": (8, 14)}, window=2.0, step=1.0)
    other = FeatureExtractor(bands={"a": (8, 14)}, window=2.0, step=1.0).extract([recording])
    np.testing.assert_array_equal(table.X, other.X)
    assert table.info == other.info
    assert table.causal


@pytest.mark.realdata
def test_all_of_eegmat(realdata):
    with pytest.warns(SignalWarning, match="'gamma'"):
        table = FeatureExtractor(window=2.0).extract(eegtl.load("eegmat", root=realdata / "eegmat"))
    assert table.X.shape == (17 * 2 * 30, 19 * 5)
    assert table.meta["subject"].nunique() == 17
    assert table.meta["label"].value_counts().to_dict() == {"rest": 510, "arithmetic": 510}
    assert table.meta.groupby(["subject", "trial"]).size().eq(30).all()
    # EEG: between 0.1 and 100 uV in every band.
    assert np.log(0.1) < table.X.min()
    assert table.X.max() < np.log(100) + 1.42
