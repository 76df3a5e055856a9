"""A small study that was really run, in a folder."""

from __future__ import annotations

from pathlib import Path

import pytest
from evaluation.study_tables import make_table

from eegtl.evaluation import run_study
from eegtl.report import pictures


@pytest.fixture
def spared(monkeypatch: pytest.MonkeyPatch) -> None:
    """Spare the drawing where a test is about words: each figure is an empty sheet."""
    monkeypatch.setattr(pictures, "svg_uri", lambda figure: "data:image/svg+xml;base64,")


@pytest.fixture(scope="session")
def study_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("study")
    run_study(make_table(), methods=["tca"], n_shuffles=2, out=folder)
    return folder
