"""How much of a feature's spread is person, day, class, trial and window: variance components.

Every trial is cut to the same number of windows, so that data sets with short and long trials are
measured alike. Values are (n_windows, n_channels, n_bands); a component is averaged as a variance
over the features asked for, and given as a standard deviation in the unit of the features.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd


def bridge_zeros(data: np.ndarray, least: int = 6) -> np.ndarray:
    """Draw a straight line over runs of exact zeros in a channel, which stand for lost samples.

    A wireless headset that loses a packet of one electrode fills it with zeros; filters ring from
    their edges. At the ends of the recording the line is level.
    """
    bridged = data.copy()
    for row in bridged:
        zero = np.concatenate([[False], row == 0, [False]])
        edges = np.flatnonzero(zero[1:] != zero[:-1])
        for start, stop in edges.reshape(-1, 2):
            if least <= stop - start < len(row):
                before = row[start - 1] if start else row[stop]
                after = row[stop] if stop < len(row) else before
                row[start:stop] = np.linspace(before, after, stop - start + 2)[1:-1]
    return bridged


@dataclass(frozen=True)
class Trials:
    """Trials of equal length: windows (n_trials, n_windows, n_channels, n_bands) and facts."""

    windows: np.ndarray
    facts: pd.DataFrame  # subject, session, label


def cut_trials(values: np.ndarray, meta: pd.DataFrame, n_windows: int) -> Trials:
    """The first windows of every trial in which the filters had settled."""
    cut, facts = [], []
    for (subject, session, _), rows in meta.groupby(["subject", "session", "trial"], sort=False):
        rows = rows[~rows["settling"]]
        if len(rows) < n_windows:
            continue
        cut.append(values[rows.index[:n_windows]])
        facts.append((subject, session, rows["label"].iloc[0]))
    return Trials(np.array(cut), pd.DataFrame(facts, columns=["subject", "session", "label"]))


def components(trials: Trials) -> dict[str, np.ndarray]:
    """Variance components of each feature, by the method of moments; classes must be balanced.

    Every trial mean is person + day + class + trial. ``person`` includes the day where everybody
    has one. Single components may come out below zero; averages over features rarely do.
    """
    means = trials.windows.mean(axis=1)
    facts = trials.facts
    sittings = facts.groupby(["subject", "session"], sort=False).indices
    within = means.copy()
    for rows in sittings.values():
        within[rows] -= means[rows].mean(axis=0)
    classes = list(facts.groupby("label", sort=False).indices.values())
    class_means = np.array([within[rows].mean(axis=0) for rows in classes])
    residual = within.copy()
    for rows, mean in zip(classes, class_means, strict=True):
        residual[rows] -= mean
    df = len(means) - len(sittings) - (len(classes) - 1)
    trial = (residual**2).sum(axis=0) / df
    per_class = len(means) / len(classes)
    label = class_means.var(axis=0, ddof=1) - trial / per_class

    by_person: dict[str, list[np.ndarray]] = {}
    for (subject, _), rows in sittings.items():
        by_person.setdefault(subject, []).append(means[rows].mean(axis=0))
    per_sitting = len(means) / len(sittings)
    people = [np.array(sittings) for sittings in by_person.values()]
    n_days = sum(len(days) for days in people)
    person_means = np.array([days.mean(axis=0) for days in people])
    result = {
        "window": trials.windows.var(axis=1, ddof=1).mean(axis=0),
        "trial": trial,
        "class": label,
    }
    spread = person_means.var(axis=0, ddof=1)
    if n_days > len(people):
        squares = sum(((days - days.mean(axis=0)) ** 2).sum(axis=0) for days in people)
        sitting = squares / (n_days - len(people))
        result["day"] = sitting - trial / per_sitting
        result["person"] = spread - sitting * np.mean([1 / len(days) for days in people])
    else:
        result["person"] = spread - trial / per_sitting
    return result


def sd(variances: np.ndarray) -> float:
    """Root of the mean variance over features; zero where the mean is below zero."""
    return float(np.sqrt(max(variances.mean(), 0.0)))


def autocorrelation(trials: Trials, lags: tuple[int, ...]) -> dict[int, float]:
    """Correlation of windows some steps apart about the mean of their (cut) trial."""
    x = trials.windows - trials.windows.mean(axis=1, keepdims=True)
    variance = (x**2).mean(axis=(0, 1))
    found = {}
    for lag in lags:
        product = (x[:, lag:] * x[:, :-lag]).mean(axis=(0, 1))
        found[lag] = float((product / variance).mean())
    return found


def shift_correlations(trials: Trials) -> dict[str, float]:
    """Correlation of persons' shifts between channels of a band, and between bands of a channel."""
    persons = trials.facts.groupby("subject", sort=False).indices
    means = np.array([trials.windows[rows].mean(axis=(0, 1)) for rows in persons.values()])
    z = (means - means.mean(axis=0)) / means.std(axis=0)
    n, n_channels, n_bands = z.shape
    channels = np.einsum("pcb,pdb->cd", z, z) / (n * n_bands)
    bands = np.einsum("pcb,pcd->bd", z, z) / (n * n_channels)
    return {
        "channels": float(channels[~np.eye(n_channels, dtype=bool)].mean()),
        "bands": float(bands[~np.eye(n_bands, dtype=bool)].mean()),
    }
