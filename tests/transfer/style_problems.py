"""People and shorthands that the tests of style transfer share."""

from __future__ import annotations

from typing import Any

import numpy as np

from eegtl.transfer.style_transfer import StyleTransfer

Problem = tuple[np.ndarray, np.ndarray, np.ndarray]
LABELLED = ["supervised", "semi-supervised"]
VARIANTS = ["unlabelled", *LABELLED]
DESTINATIONS = ["prototypes", "gaussian"]


def people(
    n_people: int = 4, n_rows: int = 24, d: int = 3, n_classes: int = 3, seed: int = 0
) -> Problem:
    """Rows of people with a style (a scale and an offset of each feature) of their own."""
    rng = np.random.default_rng(seed)
    y = np.tile(np.arange(n_classes), n_people * n_rows)[: n_people * n_rows]
    subjects = np.repeat(np.arange(n_people), n_rows)
    X = 3 * rng.standard_normal((n_classes, d))[y] + rng.standard_normal((len(y), d))
    scale = np.exp(0.4 * rng.standard_normal((n_people, d)))
    return X * scale[subjects] + rng.standard_normal((n_people, d))[subjects], y, subjects


def fitted(given: Problem, **parameters: Any) -> StyleTransfer:
    X, y, subjects = given
    return StyleTransfer(**parameters).fit(X, y, subjects=subjects)


def wearer(given: Problem, who: int) -> tuple[Problem, np.ndarray, np.ndarray]:
    """Split off one person: the others, and the person's rows and labels."""
    X, y, subjects = given
    own = subjects == who
    return (X[~own], y[~own], subjects[~own]), X[own], y[own]


def adapted(style: StyleTransfer, T: np.ndarray, y: np.ndarray, n_calib: int = 9) -> StyleTransfer:
    """Adapt with all that the variant reads."""
    if style.variant == "unlabelled":
        return style.adapt(T)
    return style.adapt(T[n_calib:], X_calib=T[:n_calib], y_calib=y[:n_calib])


def plain(style: StyleTransfer) -> list[dict[str, Any]]:
    """What the estimator holds of its sources, as the loops take it."""
    sources = []
    for k in range(len(style.subjects_)):
        known = np.flatnonzero(style.has_class_[k])
        sources.append(
            {
                "classes": known.tolist(),
                "coef": style.source_coef_[k, known],
                "intercept": style.source_intercept_[k, known],
                "sharpness": style.source_sharpness_[k],
                "prototypes": style.prototypes_[k],
            }
        )
    return sources


def maps(style: StyleTransfer) -> list[tuple[np.ndarray, np.ndarray]]:
    return list(zip(style.maps_, style.offsets_, strict=True))


def identity(n: int, d: int) -> list[tuple[np.ndarray, np.ndarray]]:
    return [(np.eye(d), np.zeros(d))] * n
