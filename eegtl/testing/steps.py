"""The rules of preprocessing steps as checks that run on any step, ours or a user's."""

from __future__ import annotations

import json
import math
import warnings
from collections.abc import Callable, Sequence
from dataclasses import FrozenInstanceError, fields
from fractions import Fraction
from typing import Any

import mne
import numpy as np
import pandas as pd

from ..errors import ContractError, SignalError, SignalWarning
from ..preprocessing import Chain, Step
from ..recordings.recording import Recording
from .step_case import Floats, StepCase, invented_signal
from .step_time import check_fresh_start, check_lag, check_leading_gap

#: Sampling rates of headsets, amplifiers and published data sets, in Hz.
SFREQS = (128.0, 200.0, 250.0, 256.0, 500.0, 512.0, 1000.0)
#: Electrodes that suffice for every step of eegtl.
CH_NAMES = ("Fp1", "Fp2", "F3", "F4", "C3", "C4", "P3", "P4", "O1", "O2", "A1", "A2")


def check_step(
    step: Step,
    *,
    sfreqs: Sequence[float] = SFREQS,
    ch_names: Sequence[str] = CH_NAMES,
    passband: tuple[float, float] | None = None,
    seconds: float = 3.0,
    data: Floats | None = None,
    seed: int = 0,
) -> None:
    """Run every rule of preprocessing steps on a step.

    Parameters
    ----------
    step : Step
        The settings to check.
    sfreqs : sequence of float
        Sampling rates in Hz that it must accept.
    ch_names : sequence of str
        Channels that it must accept.
    passband : (float, float), optional
        What is left of the spectrum in Hz.
    seconds : float
        Length of the invented signal.
    data : ndarray of shape (n_channels, n_times), optional
        A signal in volts, without gaps, instead of an invented one.
    seed : int
        For the signal, the cuts and the gaps.

    Raises
    ------
    ContractError
        When a rule is broken; the message names it.

    Examples
    --------
    >>> from eegtl.preprocessing import Notch
    >>> check_step(Notch(50.0), sfreqs=[250.0], seconds=1.0)
    """
    if not isinstance(step, Step):
        raise ContractError(f"{step!r} is no step; derive it from eegtl.preprocessing.Step")
    names = tuple(ch_names)
    for sfreq in sfreqs:
        signal = invented_signal(len(names), sfreq, seconds, seed) if data is None else data
        case = StepCase(step, float(sfreq), names, passband, signal, seed)
        with warnings.catch_warnings():
            # what a step has to say about a short signal is not what is checked here
            warnings.simplefilter("ignore", SignalWarning)
            for rule in RULES:
                rule(case)


def check_settings(case: StepCase) -> None:
    """Hold that settings are frozen, and can be written down and read again."""
    rule, step = "settings are a frozen dataclass", case.step
    try:
        setattr(step, next((f.name for f in fields(step)), "name"), None)  # type: ignore[arg-type]
    except FrozenInstanceError:
        pass
    else:
        case.fail(rule, "they can be changed")
    description = step.describe()
    settings = json.loads(json.dumps(description))
    if settings.pop("name") != step.name or type(step)(**settings) != step:
        case.fail("a description makes the step again", f"{description} does not")


def check_format(case: StepCase) -> None:
    """Hold that outputs are float64 in C order, with a row for each channel named."""
    rule = "outputs are (n_channels, k) float64 in C order"
    running = case.start()
    outputs = [running.push(case.data[:, :0]), running.push(case.data), running.finish()]
    for out in outputs:
        if out.dtype != np.float64 or not out.flags.c_contiguous or out.ndim != 2:
            case.fail(rule, f"it is {out.dtype}, shape {out.shape}, {out.flags}")
        if len(out) != len(running.ch_names):
            case.fail(rule, f"{len(out)} rows for the channels {running.ch_names}")
    if outputs[0].shape[1]:
        case.fail(rule, "an empty chunk gives samples")
    for call in (running.finish, lambda: running.push(case.data)):
        try:
            call()
        except SignalError:
            continue
        case.fail("a finished stream is over", "it goes on")


def check_refusals(case: StepCase) -> None:
    """Hold that a chunk of another shape or kind is refused."""
    for wrong in (case.data[1:], case.data[0], case.data.astype(complex), [["a"]]):
        try:
            case.start().push(wrong)
        except SignalError:
            continue
        case.fail("wrong chunks are refused", f"{np.shape(wrong)} passes")


def check_time_grid(case: StepCase) -> None:
    """Hold that output k belongs to the time k / sfreq, so that inputs and outputs match."""
    for n in (1, 2, 17, case.data.shape[1]):
        out = case.whole(case.data[:, :n])
        ratio = Fraction(case.start().sfreq / case.sfreq).limit_denominator(10_000)
        expected = math.ceil(n * ratio)
        if out.shape[1] != expected:
            case.fail(
                "output k belongs to the time k / sfreq",
                f"{n} samples give {out.shape[1]}, not {expected}",
            )
        if not np.isfinite(out).all():
            case.fail("good samples give good samples", f"NaN among the outputs of {n} samples")


def check_chunks(case: StepCase) -> None:
    """Hold that any cutting of the signal gives the same output, with gaps and without."""
    for data, kind in ((case.data, "without gaps"), (case.with_gaps(), "with gaps")):
        expected = case.whole(data)
        for attempt, most in enumerate((7, 60, data.shape[1] // 3)):
            rng = np.random.default_rng([case.seed, attempt])
            running, parts, start = case.start(), [], 0
            while start < data.shape[1]:
                stop = start + int(rng.integers(0, most + 1))
                parts.append(running.push(data[:, start:stop]))
                start = stop
            parts.append(running.finish())
            got = np.concatenate(parts, axis=1)
            case.same("chunk = batch", got, expected, f"{kind}, chunks of up to {most}")


def check_gaps(case: StepCase) -> None:
    """Hold that a lost sample is NaN in all channels, and that nothing crosses it."""
    data, n = case.data, case.data.shape[1]
    start, stop = n // 2, n // 2 + n // 10
    holed = data.copy()
    holed[:, start:stop] = np.nan
    expected = case.whole(holed)
    lost = np.isnan(expected)
    time = np.arange(expected.shape[1]) / case.start().sfreq * case.sfreq
    inside = (time >= start) & (time < stop)
    if not lost[:, inside].all() or lost[:, time < start].any() or lost[:, time >= stop].any():
        case.fail("a gap is NaN in all channels", "the NaN stand elsewhere, or in some channels")
    for value in (np.inf, -np.inf, 1e3, -2.0):
        holed[:, start:stop] = value
        case.same("lost samples do not matter", case.whole(holed), expected, f"{value} there")
    after = holed.copy()
    after[:, stop:] *= -0.5
    before = time < start
    case.same(
        "nothing crosses a gap backwards",
        case.whole(after)[:, before],
        expected[:, before],
        "other samples behind the gap",
    )
    if np.isfinite(case.whole(np.full_like(data, np.nan))).any():
        case.fail("a gap is NaN in all channels", "a signal of NaN gives numbers")


def check_inputs_unchanged(case: StepCase) -> None:
    """Hold that chunks are not changed, nor outputs that were given out."""
    data = case.data.copy()
    middle = data.shape[1] // 2
    running = case.start()
    first = running.push(data[:, :middle])
    kept = first.copy()
    running.push(data[:, middle:])
    running.finish()
    if not np.array_equal(data, case.data):
        case.fail("chunks are not changed", "one was")
    if not np.array_equal(first, kept):
        case.fail("outputs stay as they are", "a later push changed one")


def check_delay(case: StepCase) -> None:
    """Hold that outputs come after the stated delay at the latest, and one does so then."""
    running = case.start()
    if running.delay < 0 or (math.isinf(running.delay) and case.step.causal):
        case.fail("the delay is that stated", f"{running.delay} s, and the step is causal")
    late, k = 0.0, 0
    for n in range(case.data.shape[1]):
        n_out = running.push(case.data[:, n : n + 1]).shape[1]
        if n_out:
            late = max(late, n / case.sfreq - k / running.sfreq)
        k += n_out
    overdue = (case.data.shape[1] - 1) / case.sfreq - k / running.sfreq
    if math.isinf(running.delay):
        if k:
            case.fail("the delay is that stated", "outputs come before the end")
        return
    slack = 1 / case.sfreq
    if max(late, overdue) > running.delay + 1e-9 or late < running.delay - slack:
        case.fail(
            "the delay is that stated",
            f"{running.delay:.4f} s are stated, {max(late, overdue):.4f} s measured",
        )


def check_channel_order(case: StepCase) -> None:
    """Hold that channels are known by name, not by place."""
    order = np.random.default_rng(case.seed).permutation(len(case.ch_names))
    names = [case.ch_names[i] for i in order]
    running = case.step.start(case.sfreq, names, case.passband)
    got = np.concatenate([running.push(case.data[order]), running.finish()], axis=1)
    straight = case.start().ch_names
    if set(running.ch_names) != set(straight):
        case.fail("channels are known by name", f"{running.ch_names} instead of {straight}")
    rows = [running.ch_names.index(name) for name in straight]
    case.same("channels are known by name", got[rows], case.whole(case.data), "another order")


def check_apply(case: StepCase) -> None:
    """Hold that `apply` equals one push of everything, and keeps who, when and what."""
    data = case.with_gaps()
    info = mne.create_info(list(case.ch_names), case.sfreq, "eeg", verbose="error")
    trials = pd.DataFrame({"trial": [1], "stimulus": ["a"], "label": [0], "onset": [0.25]})
    trials["duration"] = data.shape[1] / case.sfreq - 0.5
    before = Recording(
        mne.io.RawArray(data.copy(), info, verbose="error"),
        subject="anna",
        session=2,
        trials=trials,
        dataset="invented",
        file="anna.fif",
        passband=case.passband,
    )
    after = case.step.apply(before)
    rule = "apply equals one push of everything"
    case.same(rule, after.get_data(), case.whole(data), "the samples")
    case.same(rule, before.get_data()[:, :5], data[:, :5], "the recording given")
    chained = Chain.of([case.step]).apply(before)
    case.same(rule, chained.get_data(), after.get_data(), "a chain of this step")
    running = case.start()
    expected: dict[str, Any] = {
        "sfreq": running.sfreq,
        "ch_names": running.ch_names,
        "passband": running.passband,
        "causal": case.step.causal,
        **{key: getattr(before, key) for key in ("subject", "session", "dataset", "file")},
    }
    for key, value in expected.items():
        if getattr(after, key) != value:
            case.fail(rule, f"{key} is {getattr(after, key)!r}, not {value!r}")
    if not after.trials.equals(before.trials):
        case.fail(rule, "the trials are others")


RULES: tuple[Callable[[StepCase], None], ...] = (
    check_settings,
    check_format,
    check_refusals,
    check_time_grid,
    check_chunks,
    check_gaps,
    check_fresh_start,
    check_leading_gap,
    check_lag,
    check_inputs_unchanged,
    check_delay,
    check_channel_order,
    check_apply,
)
