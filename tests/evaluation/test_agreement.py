"""Accuracies on eegmat against those of an independent plain implementation, settings equal.

Its features are made anew here by scipy: 500 to 128 Hz, fourth-order zero-phase filters, log
variance of 2 s windows, 60 s of rest and 60 s of arithmetic. Differences of .03 are what filters of
another order or a window more make.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.signal import butter, resample_poly, sosfiltfilt
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.svm import LinearSVC

import eegtl
from eegtl.transfer import (
    ASFM,
    GFK,
    KPCA,
    MIDA,
    TCA,
    TPT,
    TSVM,
    SubjectNormalizer,
    SubspaceAlignment,
    make_transfer_pipeline,
)

pytestmark = [
    pytest.mark.realdata,
    pytest.mark.filterwarnings("ignore::eegtl.errors.TransferWarning"),
]
BANDS = ((1, 4), (4, 8), (8, 13), (13, 30), (30, 45))
RATE, SECONDS, WINDOW = 128, 60, 256


@pytest.fixture(scope="module")
def features() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows, labels and subjects: 60 windows a person."""
    from conftest import _root

    root = _root()
    assert root is not None
    X, y, who = [], [], []
    for recording in eegtl.load("eegmat", root / "eegmat"):
        label = str(recording.trials["label"].iloc[0])
        start = 30 * RATE if label == "rest" else 0
        data = resample_poly(1e6 * recording.raw.get_data(), 32, 125, axis=1)
        columns = []
        for band in BANDS:
            filtered = sosfiltfilt(butter(4, band, "bandpass", fs=RATE, output="sos"), data)
            cut = filtered[:, start : start + SECONDS * RATE]
            variance = cut.reshape(len(cut), -1, WINDOW).var(axis=2)
            columns.append(0.5 * np.log(2 * np.pi * np.e * variance.T))
        X.append(np.stack(columns, axis=2).reshape(SECONDS * RATE // WINDOW, -1))
        y += [label] * len(X[-1])
        who += [recording.subject] * len(X[-1])
    return np.vstack(X), np.array(y), np.array(who)


def lda() -> LinearDiscriminantAnalysis:
    """Give the classifier of the other implementation."""
    return LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto")


def predictions(features: Any, *steps: Any) -> tuple[np.ndarray, float]:
    """Leave one person out; all windows of the person, without labels."""
    X, y, who = features
    said = np.empty(len(y), dtype=y.dtype)
    for person in np.unique(who):
        own = who == person
        model = make_transfer_pipeline(*steps).fit(X[~own], y[~own], subjects=who[~own])
        said[own] = model.adapt(X[own]).predict(X[own])
    return said, float(np.mean(said == y))


@pytest.mark.parametrize(
    ("name", "mode", "steps", "expected"),
    [
        ("lda", "z0", (lda(),), 0.649),
        ("lda", "z2", (lda(),), 0.775),
        ("svm", "z0", (LinearSVC(C=0.1, dual=False),), 0.625),
        ("svm", "z2", (LinearSVC(C=0.1, dual=False),), 0.771),
        ("linear tca", "z0", (TCA(20, mu=1e-2, kernel="linear"), lda()), 0.764),
        ("linear tca", "z2", (TCA(20, mu=1e-2, kernel="linear"), lda()), 0.767),
        ("tca", "z0", (TCA(20, mu=1e-2), lda()), 0.753),
        ("tca", "z2", (TCA(20, mu=1e-2), lda()), 0.793),
        ("kpca", "z0", (KPCA(20), lda()), 0.664),
        ("kpca", "z2", (KPCA(20), lda()), 0.795),
        ("mida", "z0", (MIDA(20), lda()), 0.717),
        ("mida", "z2", (MIDA(20), lda()), 0.767),
        ("subspace alignment", "z0", (SubspaceAlignment(20), lda()), 0.633),
        ("subspace alignment", "z2", (SubspaceAlignment(20), lda()), 0.691),
        ("alignment of each", "z0", (SubspaceAlignment(20, per_source=True), lda()), 0.735),
        ("alignment of each", "z2", (SubspaceAlignment(20, per_source=True), lda()), 0.747),
        ("asfm", "z0", (ASFM(20, per_source=False, estimator=lda()),), 0.640),
        ("tpt", "z0", (TPT(alpha=0.1, distribution_kernel="density"),), 0.609),
        ("tsvm", "z0", (TSVM(prior=[0.5, 0.5]),), 0.718),
        ("tsvm", "z2", (TSVM(prior=[0.5, 0.5]),), 0.778),
    ],
)
def test_accuracy(features: Any, name: str, mode: str, steps: tuple, expected: float) -> None:
    _, accuracy = predictions(features, SubjectNormalizer(mode), *steps)
    assert accuracy == pytest.approx(expected, abs=0.03)


@pytest.mark.parametrize(("mode", "expected"), [("z0", 0.733), ("z2", 0.800)])
def test_gfk_agrees_where_rows_are_mapped_by_the_kernel(
    features: Any, mode: str, expected: float
) -> None:
    """XG in all 95 columns, where eegtl gives XF with FF' = G, whose inner product is the kernel.

    Columns and weights are others, and so is what the classifier's shrinkage makes of them.
    """
    X, y, who = features
    right = []
    for person in np.unique(who):
        own = who == person
        normal = SubjectNormalizer(mode).fit(X[~own], subjects=who[~own]).adapt(X[own])
        sources, target = normal.transform_source(X[~own], who[~own]), normal.transform(X[own])
        gfk = GFK(20).fit(sources).adapt(target)
        back = gfk.components_.T
        model = lda().fit(gfk.transform_source(sources) @ back, y[~own])
        right.append(model.score(gfk.transform(target) @ back, y[own]))
    assert np.mean(right) == pytest.approx(expected, abs=0.03)


def test_linear_tca_kpca_and_mida_are_one_method_behind_z2(features: Any) -> None:
    """Everybody's mean is 0 there: all three are the principal components of the pool."""
    z2 = SubjectNormalizer("z2")
    tca, _ = predictions(features, z2, TCA(20, kernel="linear"), lda())
    kpca, _ = predictions(features, z2, KPCA(20, kernel="linear"), lda())
    mida, _ = predictions(features, z2, MIDA(20), lda())
    assert tca.tolist() == kpca.tolist()
    assert mida.tolist() == kpca.tolist()
