"""The methods that a study knows, in the order of its table.

A new method is one more `Method` record in `METHODS`; everything else iterates over them. Settings
are the classes' own defaults, fixed before any of the data in this project was studied, unless a
record says otherwise.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..transfer import (
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
    Recenter,
    RiemannianSelector,
    RobustPCA,
    RobustPCATransfer,
    SelectColumns,
    StyleTransfer,
    SubjectNormalizer,
    SubspaceAlignment,
    ThresholdRecentring,
    TransferEnsemble,
    default_classifier,
    make_transfer_pipeline,
)
from .method import Method
from .views import Layout


def _source_only() -> Iterator[Method]:
    for classifier in ("lda", "svm", "mlp"):
        name = "source-only" if classifier == "lda" else f"source-only ({classifier})"
        yield Method(
            name,
            "source-only",
            ("none", "z0", "z2"),
            classifier=classifier,
            role="source-only",
            always=True,
        )


def _two_views(seed: int, layout: Layout) -> TransferEnsemble:
    """Average what differential entropies and covariances say, each normalised in its own way."""
    entropies = make_transfer_pipeline(
        SelectColumns(layout.columns("de")), SubjectNormalizer("z2"), default_classifier()
    )
    covariances = make_transfer_pipeline(
        SelectColumns(layout.columns("cov")),
        Recenter(n_bands=layout.n_bands),
        SubjectNormalizer("z2"),
        default_classifier(),
    )
    return TransferEnsemble([("de", entropies), ("cov", covariances)])


#: Settings that tuned rows try: few, since every one costs a fit for each source person and fold,
#: among them the default, which what is tuned must beat.
_TCA_GRID = {"n_components": (10, 30), "mu": (1e-2, 1.0)}
_KPCA_GRID = {"n_components": (10, 30, 60)}
_SUBSPACE_GRID = {"n_components": (10, 20, 40)}
_MIDA_GRID = {"mu": (0.1, 1.0)}
_DICA_GRID = {"mu": (1e-2, 1.0)}
_ADAPTIVE_GRID = {"C": (0.1, 1.0, 10.0)}
_STYLE_GRID = {"self_beta": (1.0, 2.0, 5.0)}
_METRIC_GRID = {"metric": ("riemann", "euclid")}
_SITTINGS_GRID: dict[str, tuple[Any, ...]] = {"n_sources": (3, 6, None)}
_Z0_Z2 = ("z0", "z2")

#: Every method, in the order of the table.
METHODS: tuple[Method, ...] = (
    *_source_only(),
    Method("tca", "tca", _Z0_Z2, lambda seed: TCA(random_state=seed), grid=_TCA_GRID),
    Method(
        "tca (linear)",
        "tca",
        _Z0_Z2,
        lambda seed: TCA(kernel="linear", random_state=seed),
        grid=_TCA_GRID,
    ),
    Method("kpca", "kpca", _Z0_Z2, lambda seed: KPCA(random_state=seed), grid=_KPCA_GRID),
    Method(
        "kpca (linear)",
        "kpca",
        _Z0_Z2,
        lambda seed: KPCA(kernel="linear", random_state=seed),
        grid=_KPCA_GRID,
    ),
    Method("mida", "mida", _Z0_Z2, lambda seed: MIDA(random_state=seed), grid=_MIDA_GRID),
    Method(
        "mida (rbf)",
        "mida",
        _Z0_Z2,
        lambda seed: MIDA(kernel="rbf", random_state=seed),
        grid=_MIDA_GRID,
    ),
    Method("dica", "dica", _Z0_Z2, lambda seed: DICA(random_state=seed), grid=_DICA_GRID),
    Method("udica", "dica", _Z0_Z2, lambda seed: UDICA(random_state=seed), grid=_DICA_GRID),
    Method(
        "subspace alignment",
        "subspace-alignment",
        _Z0_Z2,
        lambda seed: SubspaceAlignment(),
        grid=_SUBSPACE_GRID,
    ),
    Method(
        "subspace alignment (each)",
        "subspace-alignment",
        _Z0_Z2,
        lambda seed: SubspaceAlignment(per_source=True),
        grid=_SUBSPACE_GRID,
    ),
    Method("gfk", "gfk", _Z0_Z2, lambda seed: GFK(), grid={"n_components": (10, 20, "auto")}),
    Method("coral", "coral", _Z0_Z2, lambda seed: CORAL(), grid={"shrinkage": ("auto", 0.5, 0.9)}),
    Method(
        "coral (each)",
        "coral",
        _Z0_Z2,
        lambda seed: CORAL(per_source=True),
        grid={"shrinkage": ("auto", 0.5, 0.9)},
    ),
    Method(
        "itl", "itl", _Z0_Z2, lambda seed: ITL(random_state=seed), grid={"lam": (0.1, 1.0, 10.0)}
    ),
    Method(
        "asfm",
        "asfm",
        _Z0_Z2,
        lambda seed: ASFM(),
        None,
        baseline="lda",
        grid=_SUBSPACE_GRID,
    ),
    Method(
        "tpt",
        "tpt",
        _Z0_Z2,
        lambda seed: TPT(random_state=seed),
        None,
        baseline="svm",
        grid={"C": (0.01, 0.1, 1.0)},
    ),
    Method(
        "tsvm",
        "tsvm",
        _Z0_Z2,
        lambda seed: TSVM(),
        None,
        baseline="svm",
        grid={"C": (10.0, 100.0, 1000.0)},
    ),
    Method(
        "threshold recentring",
        "threshold-recentring",
        ("none", "z0", "z2"),
        lambda seed: ThresholdRecentring(),
        None,
        baseline="lda",
    ),
    Method(
        "riemannian selection",
        "riemannian-selection",
        _Z0_Z2,
        lambda seed: RiemannianSelector(),
        grid={"n_sources": (None, 0.5)},
    ),
    Method("robust pca", "robust-pca", _Z0_Z2, lambda seed: RobustPCA(), grid={"lam": (0.5, 1.0)}),
    Method(
        "robust pca transfer",
        "robust-pca",
        _Z0_Z2,
        lambda seed: RobustPCATransfer(),
        None,
        baseline="lda",
        grid=_SITTINGS_GRID,
    ),
    Method(
        "conditional transfer",
        "conditional-transfer",
        _Z0_Z2,
        lambda seed: ConditionalTransfer(variant="unlabelled", estimator=default_classifier()),
        None,
        baseline="lda",
    ),
    Method(
        "source-only (svm each)",
        "style-transfer",
        ("none", "z0", "z2"),
        lambda seed: StyleTransfer(n_rounds=0, random_state=seed),
        None,
        role="source-only",
        baseline="svm each",
    ),
    Method(
        "style transfer",
        "style-transfer",
        _Z0_Z2,
        lambda seed: StyleTransfer(random_state=seed),
        None,
        baseline="svm each",
        grid=_STYLE_GRID,
    ),
    Method(
        "source-only (tangent)",
        "recenter",
        ("none", "z2"),
        role="source-only",
        baseline="lda (tangent)",
        view=("tangent",),
    ),
    Method(
        "recenter",
        "recenter",
        ("none",),
        lambda seed, layout: Recenter(n_bands=layout.n_bands),
        baseline="lda (tangent)",
        view=("cov",),
        grid=_METRIC_GRID,
    ),
    Method(
        "recenter",
        "recenter",
        ("z2",),
        lambda seed, layout: [Recenter(n_bands=layout.n_bands), SubjectNormalizer("z2")],
        baseline="lda (tangent)",
        view=("cov",),
        inside=True,
        grid=_METRIC_GRID,
    ),
    Method(
        "ensemble",
        "ensemble",
        ("z2",),
        _two_views,
        None,
        baseline="lda",
        view=("de", "cov"),
        inside=True,
    ),
    Method("source+calibration", "source+calibration", ("none", "z0", "z2"), uses="labelled"),
    Method(
        "style transfer (supervised)",
        "style-transfer",
        _Z0_Z2,
        lambda seed: StyleTransfer(variant="supervised", random_state=seed),
        None,
        baseline="svm each",
        grid={"beta": ("auto", 0.2)},
    ),
    Method(
        "style transfer (semi-supervised)",
        "style-transfer",
        _Z0_Z2,
        lambda seed: StyleTransfer(variant="semi-supervised", random_state=seed),
        None,
        baseline="svm each",
        grid=_STYLE_GRID,
    ),
    Method(
        "conditional transfer (labelled)",
        "conditional-transfer",
        _Z0_Z2,
        lambda seed: ConditionalTransfer(variant="labelled", estimator=default_classifier()),
        None,
        baseline="lda",
    ),
    Method(
        "robust pca transfer (labelled)",
        "robust-pca",
        _Z0_Z2,
        lambda seed: RobustPCATransfer(),
        None,
        baseline="lda",
        grid=_SITTINGS_GRID,
        uses="labelled",
    ),
    Method(
        "adaptive svm",
        "adaptive-svm",
        _Z0_Z2,
        lambda seed: AdaptiveSVM(),
        None,
        baseline="svm",
        grid=_ADAPTIVE_GRID,
    ),
    Method(
        "adaptive svm (each)",
        "adaptive-svm",
        _Z0_Z2,
        lambda seed: AdaptiveSVM(sources="each"),
        None,
        baseline="svm",
        grid=_ADAPTIVE_GRID,
    ),
    Method(
        "majority",
        "majority",
        ("none",),
        classifier="most frequent",
        role="reference",
        always=True,
    ),
    Method(
        "shuffled labels",
        "shuffled labels",
        ("z2", "z0"),
        role="reference",
        always=True,
        shuffled=True,
    ),
)
