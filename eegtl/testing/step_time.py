"""The rules of steps that are about time: what gaps leave behind, and when things come out."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from .step_case import Floats, StepCase

# The rhythms of the signal that shows a lag, in Hz: what no step is meant to take out.
_SLOW = (2.0, 8.0)
_SLOW_SECONDS = 6.0
# Lags in input samples that are tried.
_MOST_LAG = 12
# Of the variance of the output: less explained at every lag, and the lag cannot be told.
_EXPLAINED = 0.5


def check_fresh_start(case: StepCase) -> None:
    """Hold that behind a gap a step is as if it had been started there.

    Steps that state what they keep across gaps (`keeps`) are left out.
    """
    if case.step.keeps:
        return
    stop = _on_grid(case, case.data.shape[1] // 2)
    data = case.data.copy()
    data[:, stop - max(1, stop // 5) : stop] = np.nan
    fresh = case.whole(case.data[:, stop:])
    case.same(
        "behind a gap a step is as if started there",
        case.whole(data)[:, -fresh.shape[1] :],
        fresh,
        "the output behind a gap, and that of the same samples alone",
    )


def check_leading_gap(case: StepCase) -> None:
    """Hold that the same signal behind a gap gives the same output: the time of day is nothing."""
    expected = case.whole(case.data)
    lost = np.full((len(case.data), _on_grid(case, 37)), np.nan)
    got = case.whole(np.concatenate([lost, case.data], axis=1))
    case.same(
        "the output does not depend on the number of samples before",
        got[:, -expected.shape[1] :],
        expected,
        f"{lost.shape[1]} lost samples before, or none",
    )


def check_lag(case: StepCase) -> None:
    """Hold that what happens at some time comes out at that time.

    Slow rhythms pass, and the outputs are fitted by the inputs of other times: those of the same
    time fit best. Causal filters, which state a `group_delay`, are left out, and so are outputs
    that the inputs of no time explain.
    """
    if case.step.causal and hasattr(case.step, "group_delay"):
        return
    n = max(case.data.shape[1], round(_SLOW_SECONDS * case.sfreq))
    data = _slow_signal(case, n)
    out = case.whole(data)
    at = np.arange(out.shape[1]) * (case.sfreq / case.start().sfreq)
    middle = (at >= n / 10) & (at <= n - 1 - n / 10)
    out, at = out[:, middle], at[middle]
    now, *beside = (_unexplained(out, data, at - lag) for lag in (0, -1, 1))
    if now <= min(beside):
        return
    unexplained = {
        lag: _unexplained(out, data, at - lag) for lag in range(-_MOST_LAG, _MOST_LAG + 1)
    }
    least = min(unexplained, key=lambda lag: unexplained[lag])
    if least and unexplained[least] < 1 - _EXPLAINED:
        case.fail(
            "what happens at some time comes out at that time",
            f"it comes {1000 * least / case.sfreq:.3g} ms {'late' if least > 0 else 'early'} "
            f"({least} samples); take the delay out of the time of the output, or state it as "
            "group_delay(frequencies, sfreq)",
        )


def _on_grid(case: StepCase, n: int) -> int:
    """Give the next number of input samples that is a whole number of output samples."""
    ratio = Fraction(case.start().sfreq / case.sfreq).limit_denominator(10_000)
    return -(-n // ratio.denominator) * ratio.denominator


def _slow_signal(case: StepCase, n: int) -> Floats:
    """Make rhythms between 2 and 8 Hz, each channel its own, as large as the signal."""
    frequencies = np.fft.rfftfreq(n, 1 / case.sfreq)
    rng = np.random.default_rng(case.seed)
    spectrum = np.fft.rfft(rng.standard_normal((len(case.data), n)), axis=1)
    spectrum[:, (frequencies < _SLOW[0]) | (frequencies > _SLOW[1])] = 0
    signal = np.fft.irfft(spectrum, n, axis=1)
    scaled: Floats = case.data.std() * signal / signal.std()
    return scaled


def _unexplained(out: Floats, data: Floats, at: Floats) -> float:
    """Give the share of the outputs' variance that the inputs at some times do not explain."""
    times = np.arange(data.shape[1])
    inputs = np.array([np.interp(at, times, row) for row in data])
    inputs -= inputs.mean(axis=1, keepdims=True)
    centred = out - out.mean(axis=1, keepdims=True)
    weights = centred @ inputs.T @ np.linalg.pinv(inputs @ inputs.T, hermitian=True)
    total = float((centred**2).sum())
    return float(((centred - weights @ inputs) ** 2).sum()) / total if total > 0 else 1.0
