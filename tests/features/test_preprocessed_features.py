"""Features behind a chain: the same as of the processed recording, and the tables say so."""

from __future__ import annotations

import re

import numpy as np
import pytest
from features.noise_recording import make_noise_recording

import eegtl
from eegtl.errors import InputError, SignalError, SignalWarning, StudyError, SubjectError
from eegtl.features import FEATURES, LDS, FeatureExtractor, FeatureTable, differential_entropy
from eegtl.preprocessing import (
    ArtefactMarks,
    Bandpass,
    Chain,
    Channels,
    Notch,
    Reference,
    Resample,
)

BANDS = {"theta": (4.0, 8.0), "alpha": (8.0, 14.0)}
TRIALS = [(1, 2.0, 12.0), (2, 20.0, 15.0), (3, 41.0, 18.0)]
CHAIN = [Notch(50.0), Reference("average"), Resample(100.0)]


def test_the_chain_comes_first():
    recording = make_noise_recording(trials=TRIALS, sfreq=250.0)
    table = FeatureExtractor(bands=BANDS, preprocessing=CHAIN).extract([recording])
    applied = Chain.of(CHAIN).apply(recording)
    assert applied.sfreq == 100.0
    other = FeatureExtractor(bands=BANDS).extract([applied])
    np.testing.assert_allclose(table.X, other.X, rtol=0, atol=1e-9)
    np.testing.assert_array_equal(table.meta["onset"], other.meta["onset"])
    assert table.columns.equals(other.columns)


def test_features_are_those_of_a_library_behind_a_plain_reference():
    data = 1e-5 * np.random.default_rng(0).standard_normal((3, 128 * 30))
    stream = FeatureExtractor(bands=BANDS, preprocessing=Reference("average")).start(
        128.0, ["F3", "F4", "P3"]
    )
    expected = differential_entropy(data - data.mean(axis=0), 128.0, BANDS)
    np.testing.assert_allclose(stream.process(data).X.reshape(-1, 3, 2), expected, atol=1e-9)


@pytest.mark.parametrize("rate", [100.0, 120.0, 200.0, 400.0])
@pytest.mark.parametrize("name", ["power", "hjorth", "cov", "de_stft"])
def test_a_trial_stays_inside_its_times_at_any_rate(rate, name):
    """Amplitude rises tenfold within a trial; no window outside sees it, none inside misses it."""
    data = 1e-6 * np.random.default_rng(1).standard_normal((3, 250 * 60))
    data[:, 250 * 20 : 250 * 35] *= 1000.0
    recording = make_noise_recording(data, trials=TRIALS, sfreq=250.0)
    extractor = FeatureExtractor((name,), BANDS, 1.0, 0.5, Resample(rate))
    table = extractor.extract([recording])
    first = table.X[:, 0] if name != "de_stft" else np.exp(2 * table.X[:, 0])
    trial, onset = table.meta["trial"], table.meta["onset"]
    assert table.meta.groupby("trial").size().tolist() == [23, 29, 35]
    # Filters and the resampler's own length, 0.3 s, are let in and out.
    clear = (onset > 20.5) & (onset < 35) | (onset < 18.5) | (onset > 41)
    assert first[(trial == 2) & clear].min() > 100 * first[(trial == 1) & clear].max()
    np.testing.assert_allclose(onset[trial == 2] * rate, np.round(onset[trial == 2] * rate))


def test_onsets_of_trials_between_output_samples_begin_at_the_next_one():
    recording = make_noise_recording(sfreq=256.0, trials=[(1, 10 + 3 / 256, 5.0)])
    table = FeatureExtractor(bands=BANDS, preprocessing=Resample(100.0)).extract([recording])
    assert table.meta["onset"].tolist() == pytest.approx([10.02, 11.02, 12.02, 13.02, 14.02])


def test_back_to_back_trials_lose_no_window_to_resampling():
    trials = [(number + 1, number + 0.3, 1.0) for number in range(20)]
    for rate in (100.0, 120.0, 128.0, 200.0):
        recording = make_noise_recording(sfreq=256.0, trials=trials)
        table = FeatureExtractor(bands=BANDS, preprocessing=Resample(rate)).extract([recording])
        assert table.meta["trial"].tolist() == list(range(1, 21))


def test_the_tail_of_the_chain_is_not_lost():
    recording = make_noise_recording(sfreq=250.0, seconds=20.0, trials=[(1, 0.0, 20.0)])
    extractor = FeatureExtractor(bands=BANDS, preprocessing=Resample(100.0))
    assert len(extractor.extract([recording])) == 20
    stream = extractor.start(250.0, recording.ch_names)
    pushed = stream.process(recording.get_data())
    assert len(pushed.starts) == 19
    assert stream.finish().starts.tolist() == [1900]


def test_a_window_comes_as_late_as_the_delay_says():
    extractor = FeatureExtractor(bands=BANDS, preprocessing=Resample(100.0))
    stream = extractor.start(250.0, ["F3"])
    data = 1e-5 * np.random.default_rng(2).standard_normal((1, 250 * 8))
    arrived = {}
    for at in range(data.shape[1]):
        for onset in stream.push(data[:, at : at + 1])[1]:
            arrived[float(onset)] = at / 250
    assert stream.delay > 0
    for onset, time in arrived.items():
        last = onset + 0.99  # time of its last sample
        # Up to one sample earlier, where the window ends between two samples.
        assert last + stream.delay - 1 / 250 < time <= last + stream.delay + 1e-9
    table = extractor.extract([make_noise_recording(sfreq=250.0, trials=TRIALS)])
    assert table.info["delay"] == stream.delay


def test_marks_of_a_live_session_are_input_samples():
    extractor = FeatureExtractor(bands=BANDS, preprocessing=Resample(100.0))
    recording = make_noise_recording(sfreq=256.0, trials=[(1, 10 + 3 / 256, 5.0)])
    table = extractor.extract([recording])
    stream, data = extractor.start(256.0, recording.ch_names), recording.get_data()
    stream.push(data[:, : 2560 + 3])
    stream.mark()
    X, onsets = stream.push(data[:, 2560 + 3 : 2560 + 3 + 6 * 256])
    chosen = np.isin(onsets, table.meta["onset"])
    np.testing.assert_allclose(X[chosen], table.X, rtol=0, atol=1e-9)


def test_tables_say_what_was_done(tmp_path):
    recording = make_noise_recording(sfreq=250.0, trials=TRIALS)
    chain = [ArtefactMarks(), *CHAIN]
    table = FeatureExtractor(bands=BANDS, preprocessing=chain).extract([recording])
    assert [step["name"] for step in table.info["preprocessing"]] == [
        "artefacts",
        "notch",
        "reference",
        "resample",
    ]
    assert Chain.from_description(table.info["preprocessing"]) == Chain.of(chain)
    assert table.info["sfreq"] == [250.0]
    assert table.info["filters"][0]["sfreq"] == 100.0
    assert table.causal
    assert FeatureTable.load(table.save(tmp_path / "table.npz")).info == table.info
    plain = FeatureExtractor(bands=BANDS).extract([recording])
    assert (plain.info["preprocessing"], plain.info["delay"]) == ([], 0.0)


def test_the_future_makes_tables_that_are_not_causal():
    zero_phase = Bandpass(1.0, 40.0, zero_phase=True)
    recording = make_noise_recording(trials=TRIALS)
    extractor = FeatureExtractor(bands=BANDS, preprocessing=[zero_phase])
    table = extractor.extract([recording])
    assert not table.causal
    message = (
        "the preprocessing 'bandpass' needs the future of the signal, which a stream has not; "
        "use it with extract only, or choose settings that are causal"
    )
    with pytest.raises(SignalError, match=message):
        extractor.start(128.0, ["F3"])
    # The recording remembers it, too.
    applied = Chain.of([zero_phase]).apply(recording)
    other = FeatureExtractor(bands=BANDS).extract([applied])
    assert not other.causal
    np.testing.assert_allclose(table.X, other.X, rtol=0, atol=1e-9)


def test_a_study_that_grants_no_future_refuses_such_a_table():
    recordings = [make_noise_recording(trials=TRIALS, subject=str(n)) for n in range(3)]
    table = FeatureExtractor(bands=BANDS, smoothing=LDS("smooth")).extract(recordings)
    with pytest.raises(StudyError, match="the features used samples after their window"):
        eegtl.run_study(table, methods={"m": "source-only"}, information="inductive")


def test_channels_behind_the_chain_are_those_that_must_agree():
    long = make_noise_recording(names=("F3", "F4", "Cz"), trials=TRIALS, subject="1")
    short = make_noise_recording(names=("F4", "F3"), trials=TRIALS, subject="2", file="b.edf")
    with pytest.raises(SubjectError, match="channel 'Cz' is missing"):
        FeatureExtractor(bands=BANDS).extract([long, short])
    both = FeatureExtractor(bands=BANDS, preprocessing=Channels(("F3", "F4")))
    table = both.extract([long, short])
    assert table.columns.get_level_values("channel").unique().tolist() == ["F3", "F4"]
    alone = FeatureExtractor(bands=BANDS, preprocessing=Channels(("F3", "F4"))).extract([short])
    np.testing.assert_array_equal(table.X[len(table) // 2 :], alone.X)


def test_a_recording_that_a_step_cannot_work_on_is_named_and_can_be_skipped():
    good = make_noise_recording(trials=TRIALS, subject="1")
    bad = make_noise_recording(names=("F4", "P3"), trials=TRIALS, subject="2", file="b.edf")
    extractor = FeatureExtractor(bands=BANDS, preprocessing=Channels(("F3", "F4")))
    with pytest.raises(SubjectError, match=r"b.edf \(subject 2\): .*F3"):
        extractor.extract([good, bad])
    table = extractor.extract([good, bad], skip_bad=True)
    assert set(table.meta["subject"]) == {"1"}
    assert table.info["skipped"][0].startswith("b.edf (subject 2): ")
    # A band that the signal does not hold is nobody's fault but the settings'.
    with pytest.raises(SignalError, match=r"band 'high' .* lies outside the signal"):
        FeatureExtractor(bands={"high": (70, 80)}, preprocessing=Notch(50.0)).extract([good])


def test_what_steps_chose_is_noted():
    recording = make_noise_recording(names=("F3", "A1", "A2"), trials=TRIALS)
    table = FeatureExtractor(bands=BANDS, preprocessing=Reference("linked")).extract([recording])
    assert any("A1" in note for note in table.info["notes"])
    assert FeatureExtractor(bands=BANDS).extract([recording]).info["notes"] == []


def test_bands_are_clipped_by_what_the_chain_leaves():
    recording = make_noise_recording(trials=TRIALS, sfreq=250.0)
    extractor = FeatureExtractor(bands={"wide": (8.0, 60.0)}, preprocessing=Resample(125.0))
    with pytest.warns(SignalWarning, match=r"band 'wide' \(8-60 Hz\) is clipped to 8-50 Hz"):
        table = extractor.extract([recording, recording])
    assert table.info["filters"] == [{"sfreq": 125.0, "bands": {"wide": [8.0, 50.0]}}]


def test_a_stream_ends_once():
    for preprocessing in (None, Resample(100.0)):
        stream = FeatureExtractor(bands=BANDS, preprocessing=preprocessing).start(250.0, ["F3"])
        stream.finish()
        for again in (stream.finish, lambda stream=stream: stream.push(np.zeros((1, 5)))):
            with pytest.raises(SignalError, match="the stream was finished; begin another with"):
                again()


def test_what_is_no_step_is_named():
    message = "preprocessing is 'notch'; give a step, a list of steps, or a Chain"
    with pytest.raises(InputError, match=re.escape(message)):
        FeatureExtractor(preprocessing="notch")


def test_memory_of_long_recordings_is_bounded(monkeypatch):
    """Neither the stream nor the steps get more than a block at a time."""
    seen = []
    recording = make_noise_recording(trials=TRIALS, seconds=600.0)
    extractor = FeatureExtractor(tuple(FEATURES), BANDS, preprocessing=Resample(100.0))
    original = eegtl.features.FeatureStream.process

    def process(stream, chunk, marks=()):
        seen.append(chunk.size)
        return original(stream, chunk, marks)

    monkeypatch.setattr(eegtl.features.FeatureStream, "process", process)
    monkeypatch.setattr("eegtl.features._recording.BLOCK_VALUES", 6000)
    table = extractor.extract([recording])
    assert max(seen) <= 6000
    assert sum(seen) == 3 * 600 * 128
    monkeypatch.undo()
    np.testing.assert_allclose(table.X, extractor.extract([recording]).X, rtol=1e-9, atol=1e-9)


@pytest.mark.realdata
def test_a_laboratory_chain_on_eegmat(realdata):
    """Average reference and 128 Hz: the features of the settled windows stay those of EEG."""
    rest = eegtl.load("eegmat", root=realdata / "eegmat").select(subjects=["02", "04"])
    chain = [ArtefactMarks(), Notch(50.0), Reference("average"), Resample(128.0)]
    table = FeatureExtractor(bands=BANDS, window=2.0, preprocessing=chain).extract(rest)
    plain = FeatureExtractor(bands=BANDS, window=2.0).extract(rest)
    assert table.X.shape == plain.X.shape
    np.testing.assert_array_equal(table.meta["onset"], plain.meta["onset"])
    # The files have an average-like reference already, so little changes.
    settled = ~table.meta["settling"].to_numpy()
    correlation = [
        np.corrcoef(a, b)[0, 1] for a, b in zip(table.X[settled].T, plain.X[settled].T, strict=True)
    ]
    assert np.median(correlation) > 0.8


def test_whole_streams_of_zero_phase_are_cut_into_blocks(monkeypatch):
    """Everything comes at once in `finish`; the windows are those of small blocks."""
    recording = make_noise_recording(trials=TRIALS)
    chain = [ArtefactMarks(), Bandpass(1.0, 40.0, zero_phase=True), Resample(100.0)]
    extractor = FeatureExtractor(("hjorth", "cov"), BANDS, 1.0, 0.25, chain)
    table = extractor.extract([recording])
    monkeypatch.setattr("eegtl.features.stream.BLOCK_VALUES", 300)
    again = extractor.extract([recording])
    np.testing.assert_allclose(again.X, table.X, rtol=1e-9, atol=1e-9)
    assert again.meta.equals(table.meta)
