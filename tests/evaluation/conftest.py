"""What studies in tests share."""

from __future__ import annotations

import pytest
from sklearn.neural_network import MLPClassifier

from eegtl.evaluation.method import CLASSIFIERS


@pytest.fixture
def quick_perceptron(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the slowest of the baselines learn for two passes, where others are what is tested."""
    monkeypatch.setitem(
        CLASSIFIERS,
        "mlp",
        lambda seed: MLPClassifier((4,), max_iter=2, n_iter_no_change=2, random_state=seed),
    )
