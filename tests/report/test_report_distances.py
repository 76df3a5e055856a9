from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import scipy.stats
from matplotlib.collections import LineCollection
from report.study_results import make_result

from eegtl.report.figures import distances_figure
from eegtl.report.figures.distances import distance_panels, means_taken_away
from eegtl.report.scores import scores_by_person

SMALL = make_result(15, methods=())


def test_rank_correlations_are_those_of_the_ranks():
    panels = distance_panels(SMALL)
    assert [(panel.normalization, panel.distance) for panel in panels] == [
        ("none", "mean_gap"),
        ("none", "mmd_rbf"),
        ("z2", "mmd_rbf"),
    ]
    titles = [axes._left_title.get_text() for axes in distances_figure(SMALL).axes]
    for panel, title in zip(panels, titles, strict=False):
        value = np.argsort(np.argsort(panel.table["value"]))
        accuracy = panel.table["accuracy"].rank().to_numpy()
        r = np.corrcoef(value, accuracy)[0, 1]
        assert panel.rho == pytest.approx(r), panel
        p = 2 * scipy.stats.t.sf(abs(r) * np.sqrt(13 / (1 - r**2)), 13)
        assert panel.p == pytest.approx(p)
        shown = "p < .001" if p < 0.001 else f"p = {p:.3f}".replace("0.", ".")
        assert title == f"rho = {r:+.2f}, ".replace("-", "−") + f"{shown}, n = 15"


def test_distances_within_the_noise_have_no_correlation():
    def found(noise):
        own = SMALL.distances.assign(noise=noise)
        return [np.isnan(p.rho) for p in distance_panels(replace(SMALL, distances=own))]

    values = SMALL.distances.groupby(["normalization", "distance"], sort=False)["value"]
    middle = [np.subtract(*np.quantile(part, [0.75, 0.25])) for _, part in values]
    assert found(0.999 * min(middle)) == [False] * 3
    assert found(1.001 * max(middle)) == [True] * 3
    assert sum(found(1.001 * min(middle))) == 1


def test_noise_is_a_line_from_zero_and_no_error_bar():
    axes = distances_figure(SMALL).axes[0]
    own = SMALL.distances.query("normalization == 'none' and distance == 'mean_gap'")
    lines = next(c for c in axes.collections if isinstance(c, LineCollection)).get_segments()
    accuracy = 100 * scores_by_person(SMALL)["source-only [none]"]
    for segment, (who, noise) in zip(lines, own[["subject", "noise"]].to_numpy(), strict=True):
        np.testing.assert_allclose(segment[:, 0], [0, noise])
        np.testing.assert_allclose(segment[:, 1], accuracy[who])


def test_missing_distances_behind_z2_are_explained():
    reason = "z2 gives everybody the same means, so distances of means say nothing behind it"
    figure = distances_figure(SMALL)
    texts = [" ".join(t.get_text().split()) for axes in figure.axes for t in axes.texts]
    assert sum(text.startswith(reason) for text in texts) == 1
    own = SMALL.distances[SMALL.distances["distance"] == "mmd_rbf"]
    whole = replace(SMALL, distances=own)
    assert means_taken_away(whole) == ""
    assert len(distances_figure(whole).axes) == 2
    only_z2 = replace(SMALL, distances=own[own["normalization"] == "z2"])
    assert len(distances_figure(only_z2).axes) == 1


def test_distances_that_differ_by_rounding_only_have_no_correlation():
    rounding = 1e-15 * np.arange(len(SMALL.distances))
    result = replace(SMALL, distances=SMALL.distances.assign(value=1 + rounding, noise=np.nan))
    assert all(np.isnan(panel.rho) for panel in distance_panels(result))
    titles = [axes._left_title.get_text() for axes in distances_figure(result).axes]
    assert titles == ["nothing to correlate"] * 3 + [""]
