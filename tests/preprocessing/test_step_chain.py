from __future__ import annotations

import json

import mne
import numpy as np
import pandas as pd
import pytest

import eegtl
from eegtl.errors import InputError, SignalError, SignalWarning, SubjectError
from eegtl.preprocessing import (
    ASR,
    STEPS,
    ArtefactMarks,
    Bandpass,
    Chain,
    Channels,
    Dropouts,
    Notch,
    Reference,
    Resample,
    Step,
    usable_runs,
)
from eegtl.recordings.recording import Recording

NAMES = ["Fz", "Cz", "Pz", "A1", "A2"]
LONG = Chain(
    (
        ArtefactMarks(),
        Notch(50.0),
        Reference("linked"),
        Resample(200.0),
        Bandpass(0.5, 45.0),
        Resample(128.0),
    )
)


def noise(n_times=3000, seed=0):
    return 1e-5 * np.random.default_rng(seed).standard_normal((5, n_times)) + 1e-4


def whole(chain, data, sfreq=500.0, **more):
    running = chain.start(sfreq, NAMES, **more)
    return np.concatenate([running.push(data), running.finish()], axis=1)


def test_a_chain_is_its_steps_one_after_the_other():
    data = noise()
    data[2, 1200:1230] = np.nan
    step_by_step, sfreq, names = data, 500.0, NAMES
    for step in LONG.steps:
        running = step.start(sfreq, names)
        step_by_step = np.concatenate([running.push(step_by_step), running.finish()], axis=1)
        sfreq, names = running.sfreq, running.ch_names
    np.testing.assert_allclose(whole(LONG, data), step_by_step, rtol=0, atol=1e-18)


def test_any_cutting_gives_the_same_and_the_delays_add_up():
    data = noise()
    data[0, 700] = np.inf
    expected = whole(LONG, data)
    rng = np.random.default_rng(1)
    running, parts, start = LONG.start(500.0, NAMES), [], 0
    while start < data.shape[1]:
        stop = start + int(rng.integers(0, 90))
        parts.append(running.push(data[:, start:stop]))
        start = stop
    parts.append(running.finish())
    np.testing.assert_allclose(np.concatenate(parts, axis=1), expected, atol=1e-15)
    delays = [Resample(200.0).start(500.0, NAMES).delay, Resample(128.0).start(200.0, NAMES).delay]
    assert running.delay == sum(delays) > 0
    assert running.passband == (0.5, 45.0)
    assert (running.sfreq, running.ch_names) == (128.0, ("Fz", "Cz", "Pz"))
    assert running.notes == ("reference: mean of A1, A2",)


def test_no_steps_pass_the_signal():
    data = noise(10)
    running = Chain().start(500.0, NAMES, (0.5, 45.0))
    assert running.push(data) is data
    assert running.finish().shape == (5, 0)
    assert (running.sfreq, running.ch_names) == (500.0, tuple(NAMES))
    assert (running.passband, running.delay, running.marks) == ((0.5, 45.0), 0.0, None)
    assert running.marks_format is None
    with pytest.raises(SignalError, match="the stream was finished; begin another with start"):
        running.push(data)
    with pytest.raises(SignalError, match="the stream was finished"):
        running.finish()


def test_chain_of_whatever_a_user_gives():
    notch = Notch(50.0)
    assert Chain.of(None) == Chain.of([]) == Chain()
    assert Chain.of(notch) == Chain.of([notch]) == Chain((notch,)) == Chain.of(Chain.of(notch))
    for wrong, message in (
        ("notch", r"preprocessing is 'notch'; give a step, a list of steps, or a Chain"),
        ({"name": "notch"}, r"preprocessing is \{'name': 'notch'\}"),
        (50, r"preprocessing is 50"),
        (["notch"], r"a chain holds a str \('notch'\); give steps such as"),
        ([Notch], r"a chain holds a ABCMeta"),
        (
            [ArtefactMarks(), ArtefactMarks()],
            r'2 ArtefactMarks \(in a recipe: steps "artefacts"\); keep one',
        ),
    ):
        with pytest.raises(InputError, match=message):
            Chain.of(wrong)


def test_a_chain_is_causal_if_all_of_it_is():
    assert LONG.causal
    assert not Chain((Notch(50.0), Bandpass(1, 40, zero_phase=True), Resample(128))).causal
    assert Chain().causal


def test_a_zero_phase_step_within_a_chain_holds_all_until_the_end():
    chain = Chain((Notch(50.0), Bandpass(1, 40, zero_phase=True), Resample(125.0)))
    data = noise(1000)
    running = chain.start(500.0, NAMES)
    assert running.push(data).shape == (5, 0)
    assert running.finish().shape == (5, 250)
    assert np.isinf(running.delay)


def test_marks_see_the_signal_at_their_place():
    seen = []
    chain = Chain((Resample(250.0), ArtefactMarks(), Notch(50.0), Channels(["Cz"])))
    running = chain.start(500.0, NAMES, on_marks=seen.append)
    data = noise(1001)
    data[0, 500:510] = np.nan
    for start in range(0, 1001, 100):
        running.push(data[:, start : start + 100])
    running.finish()
    assert running.marks == ArtefactMarks()
    assert running.marks_format == (250.0, tuple(NAMES))
    np.testing.assert_allclose(
        np.concatenate(seen, axis=1), whole(Chain((chain.steps[0],)), data), atol=1e-16
    )


def test_descriptions_make_the_chain_again():
    description = json.loads(json.dumps(LONG.describe()))
    assert Chain.from_description(description) == LONG
    assert set(STEPS) == {
        "dropouts",
        "notch",
        "bandpass",
        "reference",
        "resample",
        "channels",
        "harmonise",
        "artefacts",
        "asr",
    }
    for name, step in STEPS.items():
        assert issubclass(step, Step)
        assert step.name == name
    for wrong, message in (
        (
            {"name": "nocth"},
            r"there is no step 'nocth' of preprocessing; choose from dropouts, notch",
        ),
        ({}, r"there is no step None"),
        ({"name": "notch", "hz": 50}, r"the step 'notch' has no setting 'hz'; it has frequency, "),
        ({"name": "resample"}, r"the step 'resample' cannot be made: .*sfreq"),
    ):
        with pytest.raises(InputError, match=message):
            Chain.from_description([wrong])
    for wrong, message in (
        ({"name": "notch"}, r"the description of a chain is \{'name': 'notch'\}; give a list with"),
        ("notch", r"the description of a chain is 'notch'; .* \[\{'name': 'notch', 'frequency'"),
        (None, r"the description of a chain is None; give a list"),
        (["notch"], r"the description of a step is 'notch'; give its name and settings"),
        ([None], r"the description of a step is None; give its name"),
        ([{"name": ["notch"]}], r"there is no step \['notch'\] of preprocessing"),
    ):
        with pytest.raises(InputError, match=message):
            Chain.from_description(wrong)


@pytest.mark.parametrize(
    "step",
    [
        Notch(np.int64(50), np.float32(2), np.int64(2), np.bool_(True)),
        Bandpass(np.float32(1), 40, np.int32(3)),
        Resample(np.int64(128)),
        ArtefactMarks(mains=np.int64(50), flat=np.float32(1e-7)),
        Dropouts(np.int64(6), np.float64(0.25)),
        ASR(cutoff=np.float32(20)),
        Reference("linked", keep=np.bool_(True)),
    ],
    ids=lambda step: step.name,
)
def test_settings_from_numpy_can_be_written_down(step):
    assert Chain.from_description(json.loads(json.dumps([step.describe()]))) == Chain.of(step)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Notch(zero_phase="no"), r"zero_phase is 'no'; give True or False"),
        (lambda: Bandpass(zero_phase=None), r"zero_phase is None; give True or False"),
        (lambda: Reference("linked", keep="no"), r"keep is 'no'; give True or False"),
        (lambda: Reference(keep=1), r"keep is 1; give True or False"),
        (lambda: Notch(harmonics=True), r"harmonics is True; give a whole number"),
        (lambda: Bandpass(order=True), r"order is True; give a whole number from 1 to 10"),
    ],
)
def test_switches_are_switches_and_numbers_are_numbers(make, message):
    with pytest.raises(InputError, match=message):
        make()


@pytest.mark.parametrize("face", [Notch(50.0), Chain.of([Reference("average")])])
@pytest.mark.parametrize("size", [1, 37, 2000])
def test_microvolts_taken_for_volts_are_refused_after_a_second(face, size):
    data = 2e1 * np.random.default_rng(0).standard_normal((5, 2000))
    running, n = face.start(500.0, NAMES), 0
    message = (
        r"(49\d|500) of the 500 samples of the first second lie beyond 1 V \(up to [67]\d.*micro"
    )
    while n + size < 500:
        running.push(data[:, n : n + size])
        n += size
    with pytest.raises(SignalError, match=message):
        running.push(data[:, n : n + size])


def test_a_fault_at_the_start_is_a_gap_and_no_other_unit():
    data = noise(1000)
    data[:, :390] = 3.0
    out = whole(Chain.of(Notch(50.0)), data)
    assert np.isnan(out[:, :390]).all()
    assert np.isfinite(out[:, 390:]).all()
    data[:, 390:410] = 3.0
    with pytest.raises(SignalError, match=r"410 of the 500 samples of the first second"):
        whole(Chain.of(Notch(50.0)), data)
    lost = noise(1000)
    lost[:, :900] = np.nan
    assert np.isnan(whole(Chain.of(Notch(50.0)), lost)[:, :900]).all()


def test_what_a_step_held_back_passes_the_others_in_blocks(monkeypatch):
    chain = Chain((Bandpass(1, 40, zero_phase=True), ArtefactMarks(), Resample(125.0)))
    data, seen = noise(3000), []
    data[0, 1000:1010] = np.nan
    expected = whole(chain, data)
    monkeypatch.setattr("eegtl.preprocessing.chain._HELD_SAMPLES", 500)
    np.testing.assert_allclose(whole(chain, data, on_marks=seen.append), expected, atol=1e-16)
    np.testing.assert_array_equal(np.concatenate(seen, axis=1), whole(chain.steps[0], data))


def make_recording(data, sfreq=500.0, **more):
    info = mne.create_info(NAMES, sfreq, "eeg", verbose="error")
    raw = mne.io.RawArray(data, info, verbose="error")
    trials = pd.DataFrame({"trial": [1], "stimulus": ["a"], "label": ["calm"], "onset": [0.5]})
    trials["duration"] = 3.0
    who = {"subject": "anna", "session": 3, "dataset": "d", "file": "anna.fif"}
    return Recording(raw, trials=trials, **who, **more)


def test_apply_keeps_who_and_when(monkeypatch):
    before = make_recording(noise(), passband=(0.1, 100.0))
    before.raw.info["bads"] = ["Pz", "Fz"]
    before.raw.set_meas_date(1.2e9)
    monkeypatch.setattr("eegtl.preprocessing.whole._BLOCK_SAMPLES", 1000)  # 200 samples a block
    after = LONG.apply(before)
    np.testing.assert_allclose(after.get_data(), whole(LONG, before.get_data()), rtol=0, atol=1e-15)
    assert (after.subject, after.session, after.dataset, after.file) == ("anna", 3, "d", "anna.fif")
    assert (after.sfreq, after.ch_names) == (128.0, ("Fz", "Cz", "Pz"))
    assert (after.passband, after.causal, before.causal) == ((0.5, 45.0), True, True)
    assert after.trials.equals(before.trials)
    assert after.raw.info["bads"] == ["Pz", "Fz"]
    assert after.raw.info["meas_date"] == before.raw.info["meas_date"]
    assert after.notes == ("reference: mean of A1, A2",)
    assert Channels(["Cz"]).apply(after).notes == after.notes
    assert after.duration == pytest.approx(before.duration)


def test_channels_marked_bad_that_enter_others_are_named():
    before = make_recording(noise())
    before.raw.info["bads"] = ["Cz", "A1"]
    message = r"anna.fif \(subject anna\): Cz, A1 are marked bad and enter other channels by a ref"
    with pytest.warns(SignalWarning, match=message):
        Reference("average").apply(before)
    with pytest.warns(SignalWarning, match=r"anna\): A1 is marked bad and enters other channels"):
        Reference("linked").apply(before)
    after = Chain((Channels(["Fz", "Pz", "A2"]), Reference("average"))).apply(before)
    assert after.raw.info["bads"] == []
    assert Notch(50.0).apply(before).raw.info["bads"] == ["Cz", "A1"]


def test_a_channel_without_samples_is_named():
    data = noise()
    data[3] = np.nan
    message = r"anna.fif \(subject anna\): channel 'A1' holds only NaN \(1 of 5 channels do: A1\)"
    with pytest.raises(SubjectError, match=message):
        Notch(50.0).apply(make_recording(data))
    assert np.isfinite(Channels(["Fz"]).apply(make_recording(data)).get_data()).all()
    turns = noise()
    turns[0, ::2] = turns[1, 1::2] = np.nan
    with pytest.raises(SubjectError, match=r"nothing but a gap is left \(at every moment some"):
        Notch(50.0).apply(make_recording(turns))


def test_what_used_the_future_stays_marked():
    zero = Bandpass(1, 40, zero_phase=True).apply(make_recording(noise()))
    assert not zero.causal
    assert not Notch(50.0).apply(zero).causal


def test_apply_names_the_recording_it_cannot_process():
    with pytest.raises(SubjectError, match=r"anna.fif \(subject anna\): channel 'Oz' is missing"):
        Channels(["Oz"]).apply(make_recording(noise()))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0, NAMES), r"sfreq is 0; give the sampling rate in Hz"),
        (("500", NAMES), r"sfreq is '500'; give"),
        ((500.0, "Fz"), r"ch_names is 'Fz'; give a list of names, one per channel"),
        ((500.0, []), r"ch_names is \(\); name each channel once"),
        ((500.0, ["Fz", "Fz"]), r"ch_names is \('Fz', 'Fz'\); name each channel once"),
        ((500.0, NAMES, (40, 1)), r"passband is \(40, 1\); give \(low, high\) in Hz"),
    ],
)
def test_signals_that_are_none(arguments, message):
    for face in (Chain(), Notch(50.0)):
        with pytest.raises(SignalError, match=message):
            face.start(*arguments)


@pytest.mark.parametrize(
    ("chunk", "message"),
    [
        (np.zeros((4, 10)), r"the chunk has the shape \(4, 10\); give \(5, any number\): one row"),
        (np.zeros(10), r"the chunk has the shape \(10,\)"),
        (np.zeros((5, 10), complex), r"the chunk has the type complex128; give real numbers"),
        ([[1, 2], [3]], r"the chunk is no array: .*give equal rows"),
    ],
)
def test_chunks_that_are_none(chunk, message):
    for face in (Chain(), Notch(50.0)):
        with pytest.raises(SignalError, match=message):
            face.start(500.0, NAMES).push(chunk)


def test_any_real_array_is_taken():
    data = np.arange(50, dtype=np.int64).reshape(5, 10) * 0
    for chunk in (data, data.tolist(), data.astype(np.float32), np.zeros((10, 5)).T):
        out = Notch(50.0).start(500.0, NAMES).push(chunk)
        assert (out.dtype, out.shape, out.flags.c_contiguous) == (np.float64, (5, 10), True)


def test_usable_runs_lie_between_gaps():
    data = np.zeros((2, 8))
    assert usable_runs(data) == [(0, 8)]
    data[0, 0], data[1, 3], data[1, 7] = np.nan, -1.0001, np.inf
    assert usable_runs(data) == [(1, 3), (4, 7)]
    data[0] = np.nan
    assert usable_runs(data) == []
    assert usable_runs(np.empty((2, 0))) == []
    assert usable_runs(np.full((1, 2), 1.0)) == [(0, 2)]


def test_recordings_give_any_part_of_their_samples():
    recording = eegtl.load("synthetic")[0]
    data = recording.get_data()
    np.testing.assert_array_equal(recording.get_data(100, 200), data[:, 100:200])
    np.testing.assert_array_equal(recording.get_data(start=data.shape[1] - 5), data[:, -5:])
