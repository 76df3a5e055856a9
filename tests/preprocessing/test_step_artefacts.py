from __future__ import annotations

import mne
import numpy as np
import pandas as pd
import pytest
from reference.steps_naive import equal_shares
from reference.steps_naive import mains_share as naive_mains_share

import eegtl
from eegtl.errors import InputError, SignalError
from eegtl.preprocessing import (
    ArtefactMarks,
    Chain,
    Channels,
    Reference,
    Resample,
    mains_share,
)
from eegtl.recordings.recording import Recording

SFREQ = 250.0


def noise(*shape, seed=0):
    return 1e-5 * np.random.default_rng(seed).standard_normal(shape)


def kinds(marks, window, sfreq=SFREQ):
    marked = marks.judge(np.asarray(window)[None, None], sfreq)[0, 0]
    return [kind for kind, bad in zip(marks.KINDS, marked, strict=True) if bad]


def test_each_kind_is_marked_alone():
    marks, t = ArtefactMarks(mains=50.0), np.arange(500) / SFREQ
    clean = noise(500)
    assert kinds(marks, clean) == []
    assert kinds(marks, clean + 2.5e-4 * (t > 1)) == ["amplitude"]
    assert kinds(marks, 1e-9 * clean / 1e-5) == ["flat"]
    assert kinds(marks, np.full(500, 3e-5)) == ["flat"]
    assert kinds(marks, np.minimum(clean, 1e-5)) == ["clipped"]
    assert kinds(marks, clean + 3e-5 * np.sin(2 * np.pi * 50 * t)) == ["mains"]
    assert kinds(marks, clean + 3e-5 * np.sin(2 * np.pi * 40 * t)) == []
    lost = clean.copy()
    lost[100:112] = 0
    assert kinds(marks, lost) == ["dropout"]
    assert kinds(marks, np.abs(lost)) == ["dropout"], "zeros at an extreme are lost, not clipped"
    lost[100:112] = lost[99]
    assert kinds(marks, lost) == ["dropout"]
    lost[100:112] = 1e-4
    assert kinds(marks, lost) == ["clipped"]


def test_runs_of_five_are_no_dropout_and_the_share_counts():
    window = noise(500)
    window[100:105] = window[200:205] = 0
    assert kinds(ArtefactMarks(dropout=1e-3), window) == []
    window[105] = window[205] = 0
    assert kinds(ArtefactMarks(dropout=12 / 500), window) == ["dropout"]
    assert kinds(ArtefactMarks(dropout=12.1 / 500), window) == []
    assert kinds(ArtefactMarks(dropout=None), window) == []


def test_power_beyond_95_hz_is_not_part_of_the_ratio():
    t = np.arange(1000) / 500
    window = 1e-5 * np.sin(2 * np.pi * 50 * t) + 5e-5 * np.sin(2 * np.pi * 120 * t)
    assert mains_share(window, 500.0, 50.0) > 0.99
    inside = 1e-5 * np.sin(2 * np.pi * 50 * t) + 1e-5 * np.sin(2 * np.pi * 90 * t)
    assert abs(mains_share(inside, 500.0, 50.0) - 0.5) < 0.01


def coloured(n_channels, n_times, seed=0):
    """Noise that falls with frequency, as EEG does."""
    frequency = np.fft.rfftfreq(n_times, 1 / SFREQ)
    spectrum = np.fft.rfft(noise(n_channels, n_times, seed=seed)) / np.sqrt(frequency.clip(1))
    signal = np.fft.irfft(spectrum, n_times)
    return 1e-5 * signal / signal.std()


@pytest.mark.parametrize("n_times", [5, 10, 25, 49, 50, 100, 250])
def test_short_windows_are_not_taken_for_mains(n_times):
    windows = coloured(1, 200 * n_times).reshape(200, 1, n_times)
    assert ArtefactMarks(mains=50.0).judge(windows, SFREQ)[:, 0, 3].mean() <= 0.02
    hum = windows + 1e-4 * np.sin(2 * np.pi * 50 * np.arange(n_times) / SFREQ)
    found = ArtefactMarks(mains=50.0, amplitude=None).judge(hum, SFREQ)[:, 0, 3]
    assert found.all() if n_times >= 50 else not found.any()


def test_limits_are_where_they_say():
    window = np.zeros(100)
    window[::2] = 2e-4
    assert kinds(ArtefactMarks(amplitude=1.99e-4, clipped=None), window) == ["amplitude"]
    assert kinds(ArtefactMarks(amplitude=2.01e-4, clipped=None), window) == []
    assert kinds(ArtefactMarks(amplitude=None, flat=1.01e-4), window) == ["flat"]
    assert kinds(ArtefactMarks(amplitude=None, flat=0.99e-4), window) == []
    plateau = noise(200)
    plateau[50:53] = 1e-4
    assert kinds(ArtefactMarks(clipped=3 / 200), plateau) == ["clipped"]
    assert kinds(ArtefactMarks(clipped=3.1 / 200), plateau) == []
    plateau[52] = 0
    assert kinds(ArtefactMarks(clipped=1 / 200), plateau) == []


def test_none_switches_a_kind_off():
    off = ArtefactMarks(amplitude=None, flat=None, clipped=None)
    for window in (np.zeros(100), 1e-2 * noise(100) / 1e-5, np.minimum(noise(100), 0)):
        assert kinds(off, window) == []


@pytest.mark.parametrize("seed", range(5))
def test_plateaus_and_mains_equal_plain_loops(seed):
    rng = np.random.default_rng(seed)
    window = np.round(rng.standard_normal(150).cumsum() / 4)
    shares = dict(zip(("clipped", "dropout"), equal_shares(window), strict=True))
    for kind, share in shares.items():
        limits = {"amplitude": None, "flat": None, "clipped": None, "dropout": None}
        if share:
            assert kinds(ArtefactMarks(**limits | {kind: share}), window * 1e-6) == [kind]
        assert kinds(ArtefactMarks(**limits | {kind: share + 1e-9}), window * 1e-6) == []
    wave = noise(150, seed=seed) + 2e-5 * np.sin(2 * np.pi * 49.5 * np.arange(150) / 128)
    expected = naive_mains_share(wave, 128.0, 50.0)
    np.testing.assert_allclose(mains_share(wave, 128.0, 50.0), expected, rtol=1e-9)


@pytest.mark.parametrize("seconds", [0.5, 1.0, 2.0, 4.0])
@pytest.mark.parametrize("mains", [50.0, 60.0])
def test_mains_share_is_the_share_of_the_power(seconds, mains):
    rng, n = np.random.default_rng(1), round(512 * seconds)
    t = np.arange(n) / 512
    shares = []
    for _ in range(200):
        hum = np.sqrt(2) * np.sin(2 * np.pi * (mains * t + rng.random()))
        other = np.sqrt(2) * np.sin(2 * np.pi * (rng.uniform(8, 30) * t + rng.random()))
        shares.append(mains_share(hum + other, 512.0, mains))
    assert abs(np.mean(shares) - 0.5) < 0.02


def test_what_is_not_finite_is_not_judged():
    windows = np.full((2, 2, 100), 1e-3)
    windows[0, 0, 3] = np.nan
    windows[1, 1, 5] = np.inf
    marked = ArtefactMarks(mains=50.0).judge(windows, SFREQ)
    assert marked.shape == (2, 2, 5)
    assert not marked[0, 0].any()
    assert not marked[1, 1].any()
    assert marked[0, 1].tolist() == marked[1, 0].tolist() == [False, True, False, False, False]


def test_units_scale_with_the_limits():
    windows = noise(20, 3, 250)
    windows[:5, 0] = np.minimum(windows[:5, 0], 1e-5)
    small = ArtefactMarks(amplitude=5e-5, flat=9.9e-6)
    large = ArtefactMarks(amplitude=5e-2, flat=9.9e-3)
    np.testing.assert_array_equal(small.judge(windows, SFREQ), large.judge(1e3 * windows, SFREQ))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"amplitude": 0}, r"amplitude is 0; give a limit in volts above 0"),
        ({"flat": "0.1 uV"}, r"flat is '0.1 uV'; give a limit in volts above 0"),
        ({"clipped": 2}, r"clipped is 2; give a share above 0, at most 1"),
        ({"mains": -50}, r"mains is -50; give a frequency in Hz above 0"),
        ({"mains_ratio": None}, r"mains_ratio is None; give a share"),
    ],
)
def test_settings_out_of_range(settings, message):
    with pytest.raises(InputError, match=message):
        ArtefactMarks(**settings)


def test_signals_that_cannot_be_judged():
    marks = ArtefactMarks(mains=60.0)
    message = r"mains at 60 Hz cannot be seen at 100 Hz, which holds 1-50 Hz; put the marks before"
    with pytest.raises(SignalError, match=message):
        marks.judge(np.zeros((1, 1, 100)), 100.0)
    with pytest.raises(SignalError, match=message):
        marks.start(100.0, ["Cz"])
    with pytest.raises(SignalError, match=r"windows have the shape \(2, 100\); give \(n_windows"):
        marks.judge(np.zeros((2, 100)), SFREQ)


def make_recording(data, sfreq=SFREQ, first=0.0, annotated=False):
    info = mne.create_info(["Fz", "TP9", "TP10"][: len(data)], sfreq, "eeg", verbose="error")
    raw = mne.io.RawArray(data, info, verbose="error")
    if annotated:
        raw.set_meas_date(1e9)
        raw.set_annotations(mne.Annotations([3.0], [0.5], ["seen"], raw.info["meas_date"]))
    raw.crop(first)
    trials = pd.DataFrame({"trial": [1], "stimulus": ["a"], "label": [0], "onset": [0.0]})
    trials["duration"] = 1.0
    return Recording(raw, subject="a", session=1, trials=trials, dataset="d", file="f")


def listed(raw):
    marks = raw.annotations
    onsets = np.round(marks.onset - raw.first_time, 6).tolist()
    kinds = marks.description.tolist()
    return list(zip(onsets, marks.duration.tolist(), kinds, marks.ch_names, strict=True))


@pytest.mark.parametrize("annotated", [False, True])
def test_apply_annotates_each_second_and_changes_nothing(annotated):
    data = noise(3, round(6.5 * SFREQ))
    data[0, round(2.3 * SFREQ)] = 1e-3
    data[1, round(5.5 * SFREQ) :] = 4e-5
    data[2, round(5.5 * SFREQ) :] = 4e-5
    first = 1.0 if annotated else 0.0
    before = make_recording(data.copy(), first=first, annotated=annotated)
    after = ArtefactMarks(amplitude=5e-4, flat=1e-6, clipped=None).apply(before)
    np.testing.assert_array_equal(after.get_data(), before.get_data())
    expected = [(2.0 - first, 1.0, "BAD_amplitude", ("Fz",))]
    if annotated:
        expected.append((3.0 - first, 0.5, "seen", ()))
    # The last second overlaps the one before.
    expected.append((5.5 - first, 1.0, "BAD_flat", ("TP9", "TP10")))
    assert listed(after.raw) == expected
    assert len(before.raw.annotations) == annotated


def test_marks_count_time_behind_a_resampler_and_before_a_reference():
    data = noise(3, round(4 * SFREQ))
    data[2, round(2.5 * SFREQ) : round(2.6 * SFREQ)] += 1e-3
    chain = Chain((Resample(128.0), ArtefactMarks(amplitude=5e-4), Reference("linked")))
    after = chain.apply(make_recording(data))
    assert after.ch_names == ("Fz",)
    assert listed(after.raw) == [(2.0, 1.0, "BAD_amplitude", ())]


@pytest.mark.parametrize("tail", [1, 2, 5, 20, 60])
def test_a_short_tail_is_judged_as_part_of_a_second(tail):
    after = ArtefactMarks(mains=50.0, flat=1e-6).apply(
        make_recording(coloured(3, 1000 + tail, seed=tail))
    )
    assert listed(after.raw) == []
    data = coloured(3, 1000 + tail, seed=tail)
    data[1, -1] = 1e-3
    marked = listed(ArtefactMarks().apply(make_recording(data)).raw)
    assert marked == [(round(3 + tail / SFREQ, 6), 1.0, "BAD_amplitude", ("TP9",))]


def test_less_than_a_second_is_judged_as_it_is():
    data = noise(3, 300)
    data[0, 20] = 1e-3
    recording = make_recording(data)
    short = Recording(
        recording.raw.copy().crop(0, 0.396),
        subject="a",
        session=1,
        trials=recording.trials.assign(duration=0.3),
        dataset="d",
        file="f",
    )
    marked = listed(ArtefactMarks(amplitude=5e-4).apply(short).raw)
    assert marked == [(0.0, 0.4, "BAD_amplitude", ("Fz",))]


def test_marks_of_channels_that_leave_leave_too_unless_they_were_mixed_in():
    data = noise(3, round(2 * SFREQ))
    data[2, 100] = 1e-3
    before = make_recording(data)
    before.raw.set_annotations(mne.Annotations([0.0], [0.1], ["lead off"], ch_names=[("TP10",)]))
    marks, fz = ArtefactMarks(amplitude=5e-4), Channels(["Fz"])
    assert listed(Chain((marks, fz)).apply(before).raw) == []
    mixed = listed(Chain((marks, Reference("linked"), fz)).apply(before).raw)
    assert mixed == [(0.0, 0.1, "lead off", ()), (0.0, 1.0, "BAD_amplitude", ())]
    # The marks stand behind the reference that left: they are about what is left of it.
    later = listed(Chain((Reference("average"), marks, fz)).apply(before).raw)
    assert later == [(0.0, 0.1, "lead off", ())]
    kept = Chain((marks, Channels(["Fz", "TP9"]))).apply(before)
    assert listed(kept.raw) == []


def share_marked(recording, marks, seconds=2.0):
    """Share of the windows of the first two minutes in which some channel is marked."""
    n = round(seconds * recording.sfreq)
    data = recording.get_data(0, round(120 * recording.sfreq) // n * n)
    data = data[:, : data.shape[1] // n * n]
    windows = data.reshape(len(data), -1, n).transpose(1, 0, 2)
    return marks.judge(windows, recording.sfreq).any(axis=1).mean(axis=0)


@pytest.mark.realdata
def test_the_day_with_mains_is_told_from_the_others(realdata):
    people = eegtl.load("muse-days", root=realdata / "muse-days")
    marks = ArtefactMarks(mains=60.0)
    found = {entry.file: share_marked(entry, marks)[3] for entry in people}
    noisy = [share for name, share in found.items() if name.startswith("S2_20250415")]
    quiet = [share for name, share in found.items() if not name.startswith("S2_20250415")]
    assert len(noisy) == 3
    assert min(noisy) > 0.6
    assert max(quiet) == 0


@pytest.mark.realdata
def test_cleaned_eeg_is_nearly_never_marked(realdata):
    recordings = eegtl.load("eegmat", root=realdata / "eegmat")
    shares = np.array([share_marked(recordings[i], ArtefactMarks(mains=50.0)) for i in (0, 9, 20)])
    assert (shares.mean(axis=0) < 0.03).all()
