"""Shared fixtures: the root of the real recordings, and what happens without it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

# no test depends on time; in CI no test depends on chance either
settings.register_profile("local", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "local")

os.environ.setdefault("MPLBACKEND", "Agg")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--require-realdata",
        action="store_true",
        help="fail instead of skip when EEGTL_TEST_DATA does not name a folder",
    )


def _root() -> Path | None:
    value = os.environ.get("EEGTL_TEST_DATA")
    return Path(value) if value and Path(value).is_dir() else None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if _root() is not None:
        return
    if config.getoption("--require-realdata"):
        raise pytest.UsageError(
            "--require-realdata: the environment variable EEGTL_TEST_DATA must name the folder "
            f"of real recordings; it is {os.environ.get('EEGTL_TEST_DATA')!r}"
        )
    skip = pytest.mark.skip(reason="EEGTL_TEST_DATA is not set: no real recordings")
    for item in items:
        if "realdata" in item.keywords:
            item.add_marker(skip)


@pytest.fixture(scope="session")
def realdata() -> Path:
    root = _root()
    assert root is not None, "tests that use this fixture carry the marker realdata"
    return root


@pytest.fixture
def quick_perceptron(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the slowest of the baselines learn for two passes, where others are what is tested.

    It would take most of the time of many tests. Processes of a study do not see it.
    """
    from sklearn.neural_network import MLPClassifier

    from eegtl.evaluation.method import CLASSIFIERS

    monkeypatch.setitem(
        CLASSIFIERS,
        "mlp",
        lambda seed: MLPClassifier((4,), max_iter=2, n_iter_no_change=2, random_state=seed),
    )
