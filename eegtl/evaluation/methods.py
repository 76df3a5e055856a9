"""The methods that a study knows, in the order of its table.

A new method is one more `Method` record in `METHODS`; everything else iterates over them.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..transfer import KPCA, TCA
from .method import Method


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


#: Settings that tuned rows try: few, since every one costs a fit for each source person and fold.
_TCA_GRID = {"n_components": (10, 30), "mu": (1e-2, 1.0)}
_KPCA_GRID = {"n_components": (10, 30, 60)}

#: All methods a study knows, in the order of its table.
METHODS: tuple[Method, ...] = (
    *_source_only(),
    Method("tca", "tca", ("z0", "z2"), lambda seed: TCA(random_state=seed), grid=_TCA_GRID),
    Method(
        "tca (linear)",
        "tca",
        ("z0", "z2"),
        lambda seed: TCA(kernel="linear", random_state=seed),
        grid=_TCA_GRID,
    ),
    Method("kpca", "kpca", ("z0", "z2"), lambda seed: KPCA(random_state=seed), grid=_KPCA_GRID),
    Method(
        "kpca (linear)",
        "kpca",
        ("z0", "z2"),
        lambda seed: KPCA(kernel="linear", random_state=seed),
        grid=_KPCA_GRID,
    ),
    Method("source+calibration", "source+calibration", ("none", "z0", "z2"), uses="labelled"),
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
