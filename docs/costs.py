"""Measure what things cost and draw docs/images/cost_*.svg; prints the tables of performance.md.

Run with one thread and nothing else on the machine: OMP_NUM_THREADS=1 python docs/costs.py
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from eegtl.errors import EegtlWarning
from eegtl.features import FeatureExtractor
from eegtl.recordings.channels import HEADSETS
from eegtl.transfer import KPCA, TCA, SubjectNormalizer, default_classifier, make_transfer_pipeline

IMAGES = Path(__file__).parent / "images"
CAPS = {4: "muse", 14: "epoc", 32: "deap32", 62: "seed62"}
FEATURES = ("de", "de_stft", "hjorth", "dasm", "cov", "tangent")
METHODS = {
    "z2 + LDA": lambda: make_transfer_pipeline(SubjectNormalizer("z2"), default_classifier()),
    "linear TCA": lambda: TCA(kernel="linear"),
    "linear KPCA": lambda: KPCA(kernel="linear"),
    "Gaussian TCA": lambda: TCA(),
    "Gaussian KPCA": lambda: KPCA(),
}


def seconds(work: Callable[[], object], repeats: int = 3) -> float:
    """Give the shortest of some runs: what the work costs, without what else the machine does."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
        if times[-1] > 5:
            break
    return min(times)


def features_against_channels(sfreq: float = 250.0) -> dict[str, list[float]]:
    """Seconds for 10 minutes of signal, without reading it."""
    rng = np.random.default_rng(0)
    costs: dict[str, list[float]] = {}
    for feature in FEATURES:
        costs[feature] = []
        for n_channels, cap in CAPS.items():
            data = 1e-5 * rng.normal(size=(n_channels, int(600 * sfreq)))
            extractor = FeatureExtractor(features=(feature,))
            # the first call compiles or loads the kernels
            extractor.start(sfreq, HEADSETS[cap]).push(data[:, :2000])

            def work(
                data: np.ndarray = data, extractor: object = extractor, cap: str = cap
            ) -> None:
                extractor.start(sfreq, HEADSETS[cap]).push(data)

            costs[feature].append(seconds(work))
    return costs


def people(n: int, d: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Rows of 14 invented people and a wearer, with a shift each: n rows in all."""
    rng = np.random.default_rng(0)
    subjects = np.arange(n) % 15
    # Features of EEG go together: their variances along principal axes fall off.
    scales = np.arange(1, d + 1) ** -0.75
    axes = np.linalg.qr(rng.normal(size=(d, d)))[0] * (scales * np.sqrt(d / np.sum(scales**2)))
    X = rng.normal(size=(n, d)) @ axes.T + 2 * rng.normal(size=(15, d))[subjects]
    y = np.arange(n) // 15 % 3
    X[:, :3] += np.eye(3)[y]
    own = subjects == 14
    return X[~own], y[~own], subjects[~own], X[own]


def transfer(sizes: list[tuple[int, int]]) -> dict[str, list[float]]:
    """Seconds of fit and adapt for each (n, d)."""
    costs: dict[str, list[float]] = {name: [] for name in METHODS}
    for n, d in sizes:
        X, y, subjects, target = people(n, d)
        for name, build in METHODS.items():

            def work(build: Callable[[], object] = build, data: tuple = (X, y, subjects)) -> None:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore", EegtlWarning)
                    build().fit(data[0], data[1], subjects=data[2]).adapt(target)  # noqa: B023

            costs[name].append(seconds(work, 2))
    return costs


def draw(name: str, x: list[int], costs: dict[str, list[float]], xlabel: str, ylabel: str) -> None:
    """Draw one picture, both axes logarithmic."""
    figure = Figure(figsize=(6.4, 3.8), layout="constrained")
    axes = figure.subplots()
    for (label, values), marker in zip(costs.items(), "osD^vP", strict=False):
        axes.loglog(x, values, marker=marker, label=label)
    axes.set_xticks(x, [f"{value:,}" for value in x], minor=False)
    axes.minorticks_off()
    axes.set(xlabel=xlabel, ylabel=ylabel)
    axes.grid(alpha=0.3)
    axes.legend(frameon=False, fontsize=8, loc="center left", bbox_to_anchor=(1, 0.5))
    IMAGES.mkdir(exist_ok=True)
    figure.savefig(IMAGES / f"{name}.svg", metadata={"Date": None})


def show(x: list[int], costs: dict[str, list[float]], first: str) -> None:
    """Print one table as Markdown."""
    print(f"| {first} | " + " | ".join(f"{value:,}" for value in x) + " |")
    print("|---" * (len(x) + 1) + "|")
    for label, values in costs.items():
        print(f"| {label} | " + " | ".join(f"{value:.2g}" for value in values) + " |")
    print()


def main() -> None:
    """Measure and draw everything."""
    channels = list(CAPS)
    costs = features_against_channels()
    draw("cost_channels", channels, costs, "channels", "s for 10 min at 250 Hz")
    show(channels, costs, "feature \\ channels")
    rows = [1000, 2000, 4000, 8000, 16000, 50000]
    costs = transfer([(n, 310) for n in rows])
    draw("cost_rows", rows, costs, "rows (d = 310)", "s, fit and adapt")
    show(rows, costs, "method \\ rows")
    widths = [20, 70, 160, 310, 620]
    costs = transfer([(4000, d) for d in widths])
    draw("cost_features", widths, costs, "features (n = 4000)", "s, fit and adapt")
    show(widths, costs, "method \\ features")


if __name__ == "__main__":
    main()
