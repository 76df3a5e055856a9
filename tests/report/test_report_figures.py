from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import matplotlib.pyplot as plt
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.backends.backend_agg import FigureCanvasAgg
from report.study_results import BANDS, make_result

from eegtl.errors import InputError
from eegtl.recordings.channels import HEADSETS, TEN_TWENTY, left_right_pairs
from eegtl.report import figures
from eegtl.report.figures.canvas import drawable, stack
from eegtl.report.figures.confusion import confusion_counts
from eegtl.report.figures.distances import distance_panels
from eegtl.report.figures.shift import person_colours
from eegtl.report.figures.topography import flat_positions, why_no_map
from eegtl.report.scores import differences, row_keys, scores_by_person

SMALL, LARGE = make_result(15), make_result(100)
ALL = [getattr(figures, name) for name in figures.__all__]


def boxes(figure):
    """The boxes of all texts that are shown, in pixels."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    renderer = canvas.get_renderer()
    found = []
    for axes in figure.axes:
        texts = [*axes.texts, axes.title, axes._left_title, axes.xaxis.label, axes.yaxis.label]
        if axes.axison:
            texts += [*_inside(axes.xaxis), *_inside(axes.yaxis)]
        found += [(t.get_text(), t.get_window_extent(renderer)) for t in texts if t.get_text()]
    return found


def _inside(axis):
    """The labels of the ticks that are in view."""
    low, high = sorted(axis.get_view_interval())
    ticks = [tick for tick in axis.get_major_ticks() if low <= tick.get_loc() <= high]
    return [tick.label1 for tick in ticks if tick.label1.get_visible()]


@pytest.mark.parametrize("result", [SMALL, LARGE], ids=["15 people", "100 people"])
@pytest.mark.parametrize("draw", ALL, ids=figures.__all__)
def test_no_text_is_cut_off_or_written_over_another(draw, result):
    figure = draw(result)
    found = boxes(figure)
    assert found
    width, height = figure.get_size_inches() * figure.dpi
    for text, box in found:
        assert box.x0 > -1, text
        assert box.y0 > -1, text
        assert box.x1 < width + 1, text
        assert box.y1 < height + 1, text
    # names in the clouds of the map may touch, they have a white rim
    if draw is not figures.shift_figure:
        for (one, a), (two, b) in combinations(found, 2):
            overlap_x = min(a.x1, b.x1) - max(a.x0, b.x0)
            overlap_y = min(a.y1, b.y1) - max(a.y0, b.y0)
            assert overlap_x < 2 or overlap_y < 2, (one, two)


def test_figures_open_no_window_and_leave_the_global_state_alone():
    before = dict(plt.rcParams)
    for draw in ALL:
        draw(SMALL)
    assert plt.get_fignums() == []
    assert dict(plt.rcParams) == before


def _dots(axes, size):
    parts = [part.get_offsets() for part in axes.collections if part.get_sizes()[:1] == [size]]
    return np.ma.getdata(np.vstack([part for part in parts if len(part)]))


@pytest.mark.parametrize(("result", "size"), [(SMALL, 20), (LARGE, 9)])
def test_every_person_is_a_dot_at_the_right_place_in_every_row(result, size):
    axes = figures.subjects_figure(result).axes[0]
    dots, scores = _dots(axes, size), scores_by_person(result)
    for place, key in enumerate(row_keys(result)):
        own = dots[np.abs(dots[:, 1] - place) < 0.45, 0]
        if key in scores:
            np.testing.assert_allclose(np.sort(own), np.sort(100 * scores[key]), atol=1e-9)
        else:
            assert len(own) == 20, "one dot a shuffle"


def test_the_band_of_chance_is_where_the_shuffles_are():
    axes = figures.subjects_figure(SMALL).axes[0]
    band = axes.patches[0]
    assert band.get_x() == pytest.approx(100 * SMALL.chance["low"])
    assert band.get_x() + band.get_width() == pytest.approx(100 * SMALL.chance["high"])
    without = make_result(15, n_shuffles=0)
    assert not figures.subjects_figure(without).axes[0].patches


def test_rows_and_metric_can_be_chosen():
    figure = figures.subjects_figure(SMALL, rows=["tca [z2]"], metric="macro_f1")
    axes = figure.axes[0]
    assert [t.get_text() for t in axes.get_yticklabels()] == ["tca [z2]"]
    assert axes.get_xlabel() == "macro F1 of one person, %"
    with pytest.raises(InputError, match="the study has no row 'nobody'"):
        figures.differences_figure(SMALL, rows="nobody")
    with pytest.raises(InputError, match="none of these rows is compared with a source-only row"):
        figures.differences_figure(SMALL, rows=["source-only [none]"])


def test_losses_are_counted_and_the_largest_is_named():
    deltas = differences(SMALL)
    texts = [t.get_text() for t in figures.differences_figure(SMALL).axes[0].texts]
    for key in deltas:
        lost = sum(1 for value in deltas[key] if value < 0)
        assert f"{lost} of 15 lose" in texts
        if deltas[key].min() <= -0.05:
            assert deltas[key].idxmin() in texts


def test_confusions_add_up_over_people():
    counts = confusion_counts(SMALL, "tca [z2]")
    expected = {}
    for line in SMALL.confusions.itertuples():
        if line.row == "tca [z2]":
            pair = (line.true, line.predicted)
            expected[pair] = expected.get(pair, 0) + line.n
    names = ("rest", "arithmetic")
    for i, true in enumerate(names):
        for j, predicted in enumerate(names):
            assert counts[i, j] == expected[true, predicted]
    texts = [t.get_text() for t in figures.confusion_figure(SMALL).axes[2].texts]
    share = 100 * counts[0, 0] / counts[0].sum()
    assert texts[0] == f"{share:.0f} %\n{counts[0, 0]}"


@pytest.mark.parametrize("classes", [(-1, 0, 1), tuple(f"emotion {i}" for i in range(9))])
def test_confusions_of_many_classes_are_drawn(classes):
    result = make_result(5, classes=classes)
    figure = figures.confusion_figure(result, rows=["tca [z2]", "kpca [z2]"])
    assert len(figure.axes) == 2
    assert len(figure.axes[0].texts) == len(classes) ** 2


def test_rank_correlations_are_those_of_the_ranks():
    for normalization, name, table, rho in distance_panels(SMALL):
        value = np.argsort(np.argsort(table["value"]))
        accuracy = table["accuracy"].rank().to_numpy()
        assert rho == pytest.approx(np.corrcoef(value, accuracy)[0, 1]), (normalization, name)


def test_distances_that_differ_by_rounding_only_have_no_correlation():
    rounding = 1e-15 * np.arange(len(SMALL.distances))
    result = replace(SMALL, distances=SMALL.distances.assign(value=rounding, noise=0.1))
    assert all(np.isnan(rho) for *_, rho in distance_panels(result))
    titles = [axes._left_title.get_text() for axes in figures.distances_figure(result).axes]
    assert set(titles) == {"nothing to correlate"}


def test_what_is_missing_is_said():
    bare = make_result(4, map_=False, effect=False, distances=False)
    with pytest.raises(InputError, match="kept no map of its windows"):
        figures.shift_figure(bare)
    with pytest.raises(InputError, match="kept no class effect"):
        figures.class_effect_figure(bare)
    with pytest.raises(InputError, match="no distances beside source-only accuracies"):
        figures.distances_figure(bare)


def test_people_are_named_in_the_map_only_where_there_is_room():
    few = [t.get_text() for t in figures.shift_figure(SMALL).axes[0].texts]
    many = [t.get_text() for t in figures.shift_figure(LARGE).axes[0].texts]
    assert {"s01", "s15"} <= set(few)
    assert many == ["colour: person"]


@pytest.mark.parametrize("n", [1, 2, 7, 35, 100])
def test_everybody_has_a_colour_of_its_own(n):
    assert len(np.unique(person_colours(n), axis=0)) == n


def test_electrodes_lie_where_the_system_puts_them():
    names = [*TEN_TWENTY, "Fpz", "Oz"]
    points = dict(zip(names, flat_positions(names), strict=True))
    np.testing.assert_allclose(points["Cz"], 0, atol=1e-9)
    radii = [np.linalg.norm(points[name]) for name in ("Fpz", "T7", "Oz", "T8")]
    assert np.mean(radii) == pytest.approx(0.8)
    assert max(radii) - min(radii) < 0.15
    assert points["Fpz"][1] > 0.6
    assert points["Oz"][1] < -0.6
    assert points["T7"][0] < -0.6 < 0.6 < points["T8"][0]
    # F3, C3, P3: 20 % of the arcs inside the ring
    assert np.linalg.norm(points["C3"]) == pytest.approx(0.4, abs=0.05)
    for left, right in left_right_pairs(TEN_TWENTY):
        np.testing.assert_allclose(points[left] * [-1, 1], points[right], atol=0.06)
    assert max(np.linalg.norm(p) for p in flat_positions(HEADSETS["seed62"])) < 1.1


@pytest.mark.parametrize(
    ("channels", "reason"),
    [
        (HEADSETS["seed62"], ""),
        (HEADSETS["epoc"], ""),
        (HEADSETS["muse"], "4 electrodes are too few for a map of the head (8 are needed)"),
        (
            ("Fpz", "AFz", "Fz", "FCz", "Cz", "CPz", "Pz", "POz", "Oz"),
            "the electrodes stand in one line, which gives no map of the head",
        ),
        (
            ("Fp1-Fp2", *TEN_TWENTY),
            "no standard position is known for the channels Fp1-Fp2; leave them out, or rename "
            "them to electrodes of the 10-05 system",
        ),
    ],
)
def test_a_map_of_the_head_needs_electrodes_all_over_it(channels, reason):
    assert why_no_map(channels) == reason
    figure = figures.class_effect_figure(make_result(4, channels=channels))
    panels = figure.axes[:-1]  # the last one is the scale
    assert len(panels) == (1 if reason else len(BANDS))


def test_two_classes_need_one_map_and_three_need_three():
    two = figures.class_effect_figure(make_result(4))
    three = figures.class_effect_figure(make_result(4, classes=("a", "b", "c")))
    assert two.axes[0].get_ylabel() == "arithmetic minus rest"
    assert len(three.axes) == 3 * len(BANDS) + 1


def test_channels_without_an_effect_are_left_out_of_the_map():
    result = make_result(4)
    effect = result.overview["class_effect"]["effect"]
    for line in effect:
        line[0] = [None] * len(BANDS)
    figures.class_effect_figure(result)


@given(st.lists(st.floats(0, 100), max_size=60), st.sampled_from([1, 5, 9]))
def test_dots_keep_to_their_strip_and_do_not_hide_each_other(values, n_levels):
    offsets = stack(values, 1.0, n_levels)
    assert np.abs(offsets).max(initial=0) <= 1 + 1e-12
    pairs = {(round(v), round(o, 9)) for v, o in zip(values, offsets, strict=True)}
    assert len(pairs) == len(values)
    np.testing.assert_array_equal(offsets, stack(values, 1.0, n_levels))


def test_names_from_outside_can_be_drawn():
    evil = "<b>$x^$ \x1b[2J\n中"
    assert drawable(evil) == "<b>\\$x^\\$ \\x1b[2J\\n\\u4e2d"
    assert drawable("x" * 50, 10) == "x" * 7 + "..."
    names = (evil, "$$", "_{", "\\frac", "a\u202eb")
    result = make_result(5, names=names, classes=("$\\frac{", "</svg>"))
    for draw in ALL:
        FigureCanvasAgg(draw(result)).draw()
