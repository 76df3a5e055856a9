"""Every transfer estimator, as the contract and the degenerate problems meet it."""

from __future__ import annotations

from typing import Any

from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from eegtl.transfer import (
    KPCA,
    TCA,
    SourceOnly,
    SubjectNormalizer,
    default_classifier,
    make_transfer_pipeline,
)

ESTIMATORS: dict[str, Any] = {
    "SourceOnly": SourceOnly(),
    "SourceOnly-svm": SourceOnly(LinearSVC(C=0.1, dual=False)),
    "z0": SubjectNormalizer("z0"),
    "z1": SubjectNormalizer("z1"),
    "z2": SubjectNormalizer("z2"),
    "z3": SubjectNormalizer("z3"),
    "TCA-linear": TCA(3, kernel="linear"),
    "TCA-rbf": TCA(3),
    "TCA-landmarks": TCA(3, n_landmarks=40),
    "KPCA-linear": KPCA(3, kernel="linear"),
    "KPCA-rbf": KPCA(3),
    "KPCA-landmarks": KPCA(3, n_landmarks=40),
    "z2+LDA": make_transfer_pipeline(SubjectNormalizer("z2"), default_classifier()),
    "z0+TCA-linear+LDA": make_transfer_pipeline(
        SubjectNormalizer("z0"), TCA(3, kernel="linear"), default_classifier()
    ),
    "z2+TCA-rbf+logistic": make_transfer_pipeline(
        SubjectNormalizer("z2"), TCA(3), LogisticRegression(tol=1e-10)
    ),
    "scaler+z2+KPCA+SourceOnly": make_transfer_pipeline(
        StandardScaler(), SubjectNormalizer("z2"), KPCA(3, kernel="linear"), SourceOnly()
    ),
}
