"""Every transfer estimator, as the contract and the degenerate problems meet it."""

from __future__ import annotations

from typing import Any

from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from eegtl.transfer import (
    ASFM,
    CORAL,
    DICA,
    GFK,
    ITL,
    KPCA,
    MIDA,
    TCA,
    TPT,
    TSVM,
    UDICA,
    AdaptiveSVM,
    ConditionalTransfer,
    MatchedBaseline,
    Recenter,
    RiemannianSelector,
    RobustPCA,
    RobustPCATransfer,
    SelectColumns,
    ShiftAwareNormalizer,
    SourceOnly,
    StyleTransfer,
    SubjectNormalizer,
    SubspaceAlignment,
    ThresholdRecentring,
    TransferEnsemble,
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
    "ShiftAware": ShiftAwareNormalizer(),
    "ShiftAware-sources": ShiftAwareNormalizer("sources"),
    "ShiftAware+LDA": make_transfer_pipeline(ShiftAwareNormalizer(), default_classifier()),
    "MatchedBaseline": MatchedBaseline(),
    "MatchedBaseline-mean+LDA": make_transfer_pipeline(
        MatchedBaseline(scale=False), default_classifier()
    ),
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
    "MIDA-linear": MIDA(3),
    "MIDA-rbf": MIDA(3, kernel="rbf"),
    "MIDA-augmented": MIDA(3, augment=True),
    "DICA": DICA(3),
    "DICA-rbf": DICA(3, kernel="rbf"),
    "UDICA": UDICA(3),
    "SubspaceAlignment": SubspaceAlignment(3),
    "SubspaceAlignment-each": SubspaceAlignment(3, per_source=True),
    "GFK": GFK(3),
    "GFK-auto": GFK("auto"),
    "CORAL": CORAL(),
    "CORAL-each": CORAL(per_source=True),
    "CORAL-plain": CORAL(0.0),
    "ITL": ITL(3),
    "ASFM": ASFM(3),
    "ASFM-pooled-logistic": ASFM(
        3, per_source=False, estimator=LogisticRegression(tol=1e-12, solver="newton-cholesky")
    ),
    "TPT": TPT(),
    "TPT-msvr": TPT(regressor="msvr", alpha=0.1),
    "TPT-fourier": TPT(embedding="fourier", n_frequencies=64),
    "TSVM": TSVM(),
    "AdaptiveSVM": AdaptiveSVM(),
    "AdaptiveSVM-each": AdaptiveSVM(sources="each"),
    "StyleTransfer": StyleTransfer(),
    "StyleTransfer-supervised": StyleTransfer(variant="supervised"),
    "StyleTransfer-semi": StyleTransfer(variant="semi-supervised"),
    "ConditionalTransfer": ConditionalTransfer(),
    "ConditionalTransfer-unlabelled": ConditionalTransfer(variant="unlabelled"),
    "RobustPCA": RobustPCA(),
    "RobustPCATransfer": RobustPCATransfer(),
    "Recenter": Recenter(),
    "Recenter-euclid": Recenter("euclid"),
    "RiemannianSelector": RiemannianSelector(),
    "SelectColumns": SelectColumns(),
    "ThresholdRecentring": ThresholdRecentring(),
    "TransferEnsemble": TransferEnsemble(
        [
            ("z2", make_transfer_pipeline(SubjectNormalizer("z2"), default_classifier())),
            ("part", make_transfer_pipeline(SelectColumns([0]), TCA(2), SourceOnly())),
        ]
    ),
    "selector+z2+MIDA+LDA": make_transfer_pipeline(
        RiemannianSelector(), SubjectNormalizer("z2"), MIDA(3), default_classifier()
    ),
    "z0+CORAL+TSVM": make_transfer_pipeline(SubjectNormalizer("z0"), CORAL(), TSVM()),
    "z2+CORAL+threshold": make_transfer_pipeline(
        SubjectNormalizer("z2"), CORAL(), ThresholdRecentring()
    ),
    "scaler+z2+KPCA+SourceOnly": make_transfer_pipeline(
        StandardScaler(), SubjectNormalizer("z2"), KPCA(3, kernel="linear"), SourceOnly()
    ),
}
