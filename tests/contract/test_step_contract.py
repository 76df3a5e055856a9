"""Every step keeps every rule of steps, at all sampling rates, on real recordings, too."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import mne
import numpy as np
import pandas as pd
import pytest

import eegtl
from eegtl.errors import ContractError
from eegtl.preprocessing import (
    ASR,
    STEPS,
    ArtefactMarks,
    Bandpass,
    Channels,
    Dropouts,
    Format,
    Harmonise,
    Notch,
    Reference,
    Resample,
    RunningStep,
    Step,
)
from eegtl.recordings.channels import canonical_names
from eegtl.recordings.readers.muselsl import read_muselsl
from eegtl.testing import check_step
from eegtl.testing.steps import CH_NAMES, SFREQS, invented_signal

ANY_RATE = [
    Notch(50.0),
    Notch(50.0, width=4.0, harmonics=2, zero_phase=True),
    Bandpass(0.5, 45.0),
    Bandpass(1.0, None, order=2, zero_phase=True),
    Bandpass(None, 40.0),
    Reference("average"),
    Reference("linked"),
    Reference(("A1", "C3"), keep=True),
    Resample(128.0),
    Resample(200.0),
    Resample(250.0),
    Channels(("O2", "Fp1", "C4")),
    Harmonise(("Fp1", "Cz", "Oz", "A2")),
    ArtefactMarks(mains=50.0),
    Dropouts(),
]
HEADSET = [
    Notch(60.0),
    Bandpass(0.5, 45.0),
    Bandpass(1.0, 40.0, zero_phase=True),
    Reference("average"),
    Resample(128.0),
    Resample(200.0),
    Resample(250.0),
    ArtefactMarks(mains=60.0),
    Dropouts(),
]


@pytest.mark.parametrize("step", ANY_RATE, ids=repr)
def test_steps_keep_the_rules_at_every_rate(step):
    check_step(step, seconds=2.0)


def test_asr_keeps_the_rules():
    for sfreq in (128.0, 250.0):
        data = invented_signal(6, sfreq, 20.0, 0)
        data[:, round(17 * sfreq) : round(18 * sfreq)] *= 40
        step = ASR(cutoff=5.0, seconds=15.0)
        changed = step.start(sfreq, CH_NAMES[:6], (1.0, 45.0)).push(data)
        assert np.abs(changed - data[:, : changed.shape[1]]).max() > 1e-5, "ASR has work to do"
        check_step(step, sfreqs=[sfreq], ch_names=CH_NAMES[:6], passband=(1.0, 45.0), data=data)


def test_every_step_of_the_registry_is_held_to_the_rules():
    assert {type(step) for step in ANY_RATE} | {ASR} == set(STEPS.values())


@pytest.mark.parametrize("seed", range(1, 4))
def test_a_strange_rate_and_other_cuts(seed):
    for step in (Resample(100.0), Notch(50.0), Reference("average")):
        check_step(step, sfreqs=[2048.0, 160.0], ch_names=CH_NAMES[:3], seconds=1.0, seed=seed)


def real_signals(root):
    """A few seconds of real recordings at each rate: name, rate, channels, volts."""
    recording = eegtl.load("eegmat", root=root / "eegmat")[3]
    yield "eegmat", recording.sfreq, recording.ch_names, recording.get_data(20_000, 21_500)
    for folder in ("muse-days", "ssvep-muse"):
        path = sorted((root / folder).rglob("*.csv.gz"))[5]
        muse = read_muselsl(path, subject="x")
        yield folder, muse.sfreq, muse.ch_names[:4], muse.data[:4, 5000:5800]
    path = root / "formats/openbci_cyton_gui/cyton_same_recording_gui-v6.txt.gz"
    table = pd.read_csv(path, comment="%", usecols=range(1, 9), skiprows=5, header=None)
    names = tuple(f"E{i}" for i in range(8))
    yield "openbci", 250.0, names, 1e-6 * table.to_numpy(dtype=float)[2000:2800].T
    samples = root / "formats/edf_bdf_samples"
    for file, n_times in (
        ("edfio_short_psg.edf", 600),
        ("mne_test_edf_stim_channel.edf", 600),
        ("mne_test.edf", 1200),
        ("mne_test.bdf", 2000),
        ("pyedflib_test_generator.edf", 800),
        ("pyedflib_test_generator.bdf", 1500),
    ):
        read = mne.io.read_raw_bdf if file.endswith("bdf") else mne.io.read_raw_edf
        raw = read(samples / file, preload=True, verbose="error")
        data = raw.get_data(start=0, stop=n_times)
        good = np.flatnonzero((np.abs(data).max(axis=1) < 1) & (np.ptp(data, axis=1) > 0))[:6]
        yield file, raw.info["sfreq"], canonical_names(raw.ch_names[i] for i in good), data[good]


@pytest.mark.realdata
def test_steps_keep_the_rules_on_real_recordings(realdata):
    rates = set()
    for name, sfreq, names, data in real_signals(realdata):
        rates.add(sfreq)
        data = np.ascontiguousarray(np.nan_to_num(data))
        assert data.shape[1] >= 600, name
        for step in HEADSET:
            if step == Dropouts() and sfreq < 128:
                step = Dropouts(longest=0.5)
            if step == ArtefactMarks(mains=60.0) and sfreq / 2 <= 60:
                step = ArtefactMarks()
            if step == Notch(60.0) and sfreq / 2 <= 60:
                step = Notch(30.0)
            if step == Bandpass(0.5, 45.0) and sfreq / 2 <= 50:
                step = Bandpass(0.5, 40.0)
            check_step(step, sfreqs=[sfreq], ch_names=names, data=data)
    assert rates == {100.0, 128.0, 200.0, 250.0, 256.0, 500.0, 512.0, 1000.0, 2048.0}


@pytest.mark.realdata
def test_montages_of_a_real_cap(realdata):
    recording = eegtl.load("eegmat", root=realdata / "eegmat")[3]
    data = recording.get_data(20_000, 21_500)
    for step in (Harmonise("epoc"), Harmonise("muse"), Channels("ten-twenty"), Reference(["Cz"])):
        check_step(step, sfreqs=[recording.sfreq], ch_names=recording.ch_names, data=data)


class _Faulty:
    """An engine that breaks a rule of one's choice."""

    def __init__(self, fault):
        self.fault = fault

    def restart(self, sample, position):
        pass

    def run(self, data):
        if self.fault == "per chunk":
            return data - data.mean(axis=1, keepdims=True)
        if self.fault == "changes the input":
            data *= 0.5
            return data
        if self.fault == "loses samples":
            return data[:, 1:]
        if self.fault == "float32":
            return data.astype(np.float32)
        if self.fault == "place":
            return data * np.arange(1, len(data) + 1)[:, None]
        return data

    def finish(self):
        return np.empty((len(CH_NAMES), 0))


class _Remembering(_Faulty):
    """A low-pass filter that goes on behind a gap with what it had before."""

    def __init__(self, fault):
        super().__init__(fault)
        self.state = np.zeros(len(CH_NAMES))

    def run(self, data):
        out = np.empty_like(data)
        for i in range(data.shape[1]):
            self.state = 0.99 * self.state + 0.01 * data[:, i]
            out[:, i] = self.state
        return out


class _Late(_Faulty):
    """Every sample comes out five samples late, and says nothing of it."""

    def restart(self, sample, position):
        self.held = np.repeat(sample[:, None], 5, axis=1)

    def run(self, data):
        both = np.concatenate([self.held, data], axis=1)
        self.held = both[:, -5:]
        return both[:, :-5].copy()


class _Clockwork(_Faulty):
    """The gain depends on the number of samples since the start."""

    def restart(self, sample, position):
        self.position = position

    def run(self, data):
        k = np.arange(self.position, self.position + data.shape[1])
        self.position += data.shape[1]
        return data * (1 + 0.1 * np.sin(k))


ENGINES = {"remembers": _Remembering, "late": _Late, "clockwork": _Clockwork}


@dataclass(frozen=True)
class Broken(Step):
    fault: str
    name: ClassVar[str] = "broken"

    def _begin(self, before: Format) -> RunningStep:
        delay = 0.1 if self.fault == "delay" else 0.0
        engine = ENGINES.get(self.fault, _Faulty)(self.fault)
        return RunningStep(engine, before, before, delay=delay)


@dataclass(frozen=True)
class OpenlyKeeping(Broken):
    keeps: ClassVar[str] = "its state"
    name: ClassVar[str] = "openly-keeping"


@dataclass(frozen=True)
class OpenlyLate(Broken):
    name: ClassVar[str] = "openly-late"

    def group_delay(self, frequencies, sfreq):
        return np.full(len(frequencies), 5 / sfreq)


@dataclass
class Loose(Step):
    fault: str = "none"
    name: ClassVar[str] = "loose"

    def _begin(self, before: Format) -> RunningStep:
        return RunningStep(_Faulty(self.fault), before, before)


@pytest.mark.parametrize(
    ("fault", "rule"),
    [
        ("per chunk", "'chunk = batch'.*the outputs differ by"),
        ("changes the input", "'chunks are not changed'|'chunk = batch'"),
        ("loses samples", "'output k belongs to the time k / sfreq': 1 samples give 0, not 1"),
        ("float32", "'outputs are .* float64 in C order': it is float32"),
        ("place", "'channels are known by name'"),
        ("remembers", r"'behind a gap a step is as if started there': .*outputs differ by"),
        ("late", r"'what happens at some time comes out .*': it comes 20 ms late \(5 samples\)"),
        ("clockwork", r"'behind a gap a step is as if started there'"),
        ("delay", r"'the delay is that stated': 0.1000 s are stated, 0.0000 s measured"),
    ],
)
def test_the_battery_names_the_rule_that_is_broken(fault, rule):
    with pytest.raises(ContractError, match=rf"Broken\(fault='{fault}'\) at 250 Hz breaks {rule}"):
        check_step(Broken(fault), sfreqs=[250.0], seconds=1.0)


def test_what_a_step_states_is_no_fault():
    check_step(OpenlyLate("late"), sfreqs=[250.0], seconds=1.0)
    # A state of its own makes the start differ, not what comes behind a gap.
    message = r"'the output does not depend on the number of samples before': 37 lost samples"
    with pytest.raises(ContractError, match=message):
        check_step(OpenlyKeeping("clockwork"), sfreqs=[250.0], seconds=1.0)


def test_the_battery_passes_a_good_step_and_refuses_what_is_none():
    check_step(Broken("none"), sfreqs=[250.0], seconds=1.0)
    with pytest.raises(ContractError, match=r"'settings are a frozen dataclass': they can be"):
        check_step(Loose(), sfreqs=[250.0], seconds=1.0)
    with pytest.raises(ContractError, match=r"'notch' is no step; derive it from"):
        check_step("notch")


def test_the_battery_covers_the_rates_of_the_field():
    assert set(SFREQS) >= {128.0, 200.0, 250.0, 256.0, 500.0, 512.0, 1000.0}
