"""The curve of calibration: what it shows, and files that are whole or not there."""

from __future__ import annotations

import numpy as np
import pytest
from personalize.played_people import plan_and_models

from eegtl.errors import InputError
from eegtl.report.figures import calibration_figure
from eegtl.report.figures.files import save_figure


def test_it_shows_mean_interval_and_people():
    plan, _ = plan_and_models()
    figure = calibration_figure(plan, "z2", "balanced", 25.0)
    [axes] = figure.axes
    seconds, expected = plan.curve("z2", "balanced")
    lines = {line.get_label(): line for line in axes.lines}
    mean = lines["z2: mean of 8 source people"]
    assert mean.get_xdata().tolist() == seconds
    np.testing.assert_allclose(mean.get_ydata(), [100 * e.mean for e in expected])
    assert lines["this wearer's block"].get_xdata() == [25.0, 25.0]
    thin = [line for line in axes.lines if line.get_linewidth() < 1]
    assert len(thin) == 8
    assert axes.get_xlabel() == "seconds of calibration"


def test_what_there_is_no_score_of():
    plan, _ = plan_and_models()
    with pytest.raises(InputError, match="no score of 'matched baseline' with blocks of the kind"):
        calibration_figure(plan, "matched baseline", "balanced")


def test_files(tmp_path):
    plan, _ = plan_and_models()
    figure = calibration_figure(plan, "z2")
    for ending, begins in ((".png", b"\x89PNG"), (".svg", b"<?xml"), (".pdf", b"%PDF")):
        path = save_figure(figure, tmp_path / f"x{ending}")
        assert path.read_bytes().startswith(begins)
    assert len(list(tmp_path.iterdir())) == 3
    with pytest.raises(InputError, match=r"a picture cannot be 'x.doc'; name it .png"):
        save_figure(figure, tmp_path / "x.doc")
    with pytest.raises(InputError, match="cannot be written"):
        save_figure(figure, tmp_path / "no" / "x.png")
