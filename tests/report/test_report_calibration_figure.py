"""The curve of calibration: what it shows, and files that are whole or not there."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from personalize.played_people import plan_and_models

from eegtl.errors import InputError
from eegtl.personalize.choosing import choose
from eegtl.report.figures import calibration_figure
from eegtl.report.figures.files import save_figure


def test_it_shows_mean_interval_and_people():
    plan, _ = plan_and_models()
    figure = calibration_figure(plan, "balanced", 25.0)
    [axes] = figure.axes
    lines = {line.get_label(): line for line in axes.lines}
    mean = lines["mean of 8 source people"]
    assert mean.get_xdata().tolist() == [0.0, 8.0, 20.0, 40.0]  # whole windows of each class
    kind = plan.kinds.index("balanced")
    safe = np.mean(plan.scores[plan.names.index("source-only"), kind, 0])
    np.testing.assert_allclose(
        mean.get_ydata(), 100 * np.append(safe, plan.nested[0, kind].mean(axis=1))
    )
    assert lines["this wearer's block"].get_xdata() == [25.0, 25.0]
    thin = [line for line in axes.lines if line.get_linewidth() < 1]
    assert len(thin) == 8
    figure.draw_without_rendering()
    below = [tick.get_text() for tick in axes.get_xticklabels()]
    chosen = choose(plan, 20.0, labelled=False, kind="balanced").name
    assert below[0] == "0\nsource-only"
    assert below[2].split("\n")[0] == "20"
    assert " ".join(below[2].split("\n")[1:]) == chosen
    assert axes.get_xlabel().startswith("seconds of calibration")


def test_labels_have_a_curve_of_their_own():
    plan, _ = plan_and_models()
    plan = replace(plan, nested=np.concatenate([plan.nested[:1], plan.nested[1:] * 0.5]))
    means = []
    for labelled in (False, True):
        [axes] = calibration_figure(plan, "balanced", labelled=labelled).axes
        [mean] = [line for line in axes.lines if line.get_label().startswith("mean of")]
        means.append(mean.get_ydata()[-1])
    assert means[1] < means[0]


def test_what_there_is_no_score_of():
    plan, _ = plan_and_models()
    empty = replace(plan, scores=np.full_like(plan.scores, np.nan))
    with pytest.raises(InputError, match="no score with blocks of the kind 'balanced'"):
        calibration_figure(empty, "balanced")


def test_files(tmp_path):
    plan, _ = plan_and_models()
    figure = calibration_figure(plan)
    for ending, begins in ((".png", b"\x89PNG"), (".svg", b"<?xml"), (".pdf", b"%PDF")):
        path = save_figure(figure, tmp_path / f"x{ending}")
        assert path.read_bytes().startswith(begins)
    assert len(list(tmp_path.iterdir())) == 3
    with pytest.raises(InputError, match=r"a picture cannot be 'x.doc'; name it .png"):
        save_figure(figure, tmp_path / "x.doc")
    with pytest.raises(InputError, match="cannot be written"):
        save_figure(figure, tmp_path / "no" / "x.png")
