from __future__ import annotations

import re
from dataclasses import replace
from itertools import combinations

import matplotlib.pyplot as plt
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.backends.backend_agg import FigureCanvasAgg
from report.study_results import make_result

from eegtl.errors import InputError
from eegtl.recordings.channels import HEADSETS, TEN_TWENTY, left_right_pairs
from eegtl.report import figures
from eegtl.report.figures.canvas import drawable, stack
from eegtl.report.figures.confusion import confusion_counts
from eegtl.report.figures.shift import names_with_room, person_colours
from eegtl.report.figures.topography import flat_positions, no_map_of, why_no_map
from eegtl.report.scores import differences, row_keys, scores_by_person, scores_by_shuffle

SMALL, LARGE = make_result(15), make_result(100)
#: few rows and maps, where the test is not about them
BARE = {"methods": (), "n_shuffles": 0, "bands": ("theta", "alpha")}
#: those of a study
ALL = [
    getattr(figures, name)
    for name in figures.__all__
    if name not in ("calibration_figure", "cross_day_figure")
]


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


@pytest.fixture(scope="module")
def drawing():
    """All figures of 15 and of 100 people, and the global state before and after drawing."""
    before = (plt.get_fignums(), dict(plt.rcParams))
    found = {(d, len(r.facts["subjects"])): d(r) for d in ALL for r in (SMALL, LARGE)}
    return found, before, (plt.get_fignums(), dict(plt.rcParams))


@pytest.fixture
def drawn(drawing):
    return drawing[0]


@pytest.mark.parametrize("n_people", [15, 100])
@pytest.mark.parametrize("draw", ALL, ids=[draw.__name__ for draw in ALL])
def test_no_text_is_cut_off_or_written_over_another(drawn, draw, n_people):
    figure = drawn[draw, n_people]
    found = boxes(figure)
    assert found
    width, height = figure.get_size_inches() * figure.dpi
    for text, box in found:
        assert box.x0 > -1, text
        assert box.y0 > -1, text
        assert box.x1 < width + 1, text
        assert box.y1 < height + 1, text
    for (one, a), (two, b) in combinations(found, 2):
        overlap_x = min(a.x1, b.x1) - max(a.x0, b.x0)
        overlap_y = min(a.y1, b.y1) - max(a.y0, b.y0)
        assert overlap_x < 2 or overlap_y < 2, (one, two)


def test_figures_open_no_window_and_leave_the_global_state_alone(drawing):
    _, before, after = drawing
    assert before[0] == after[0] == []
    assert before[1] == after[1]


def _dots(axes, size):
    parts = [part.get_offsets() for part in axes.collections if part.get_sizes()[:1] == [size]]
    return np.ma.getdata(np.vstack([part for part in parts if len(part)]))


@pytest.mark.parametrize(("result", "size"), [(SMALL, 20), (LARGE, 9)])
def test_every_person_is_a_dot_at_the_right_place_in_every_row(drawn, result, size):
    axes = drawn[figures.subjects_figure, len(result.facts["subjects"])].axes[0]
    dots, scores = _dots(axes, size), scores_by_person(result)
    for place, key in enumerate(row_keys(result)):
        own = dots[np.abs(dots[:, 1] - place) < 0.45, 0]
        if key in scores:
            np.testing.assert_allclose(np.sort(own), np.sort(100 * scores[key]), atol=1e-9)
        else:
            assert len(own) == 20, "one dot a shuffle"


def test_the_band_of_chance_is_where_the_shuffles_are(drawn):
    axes = drawn[figures.subjects_figure, 15].axes[0]
    band = axes.patches[0]
    means = scores_by_shuffle(SMALL)
    assert band.get_x() == pytest.approx(100 * min(means))
    assert band.get_x() + band.get_width() == pytest.approx(100 * max(means))
    without = make_result(6, **BARE)
    assert not figures.subjects_figure(without).axes[0].patches


@pytest.mark.parametrize(
    ("n_shuffles", "name"),
    [(0, None), (9, None), (10, "range of 10 shuffles"), (40, "95 % of 40 shuffles")],
)
def test_the_legend_names_the_band_by_what_it_is(n_shuffles, name):
    result = make_result(5, **(BARE | {"n_shuffles": n_shuffles}))
    figure = figures.subjects_figure(result)
    texts = [text.get_text() for text in figure.legends[0].get_texts()]
    wanted = [f"shuffled labels: {name}"] if name else []
    assert texts == ["one person", "mean, 95 % interval", *wanted, "majority"]
    assert bool(figure.axes[0].patches) is bool(name)


def test_below_five_people_no_figure_speaks_of_intervals():
    result = make_result(4, **BARE)
    for draw in (figures.subjects_figure, figures.differences_figure):
        texts = [text.get_text() for text in draw(result).legends[0].get_texts()]
        assert "mean" in texts
        assert not [text for text in texts if "interval" in text]


@pytest.mark.parametrize("draw", [figures.subjects_figure, figures.differences_figure])
def test_a_tall_figure_has_its_numbers_at_both_ends(draw, monkeypatch):
    def on_top(figure):
        return figure.axes[0].xaxis.get_tick_params()["labeltop"]

    assert not on_top(draw(SMALL, rows=["tca [z2]", "tca [z0]"]))
    monkeypatch.setattr("eegtl.report.figures.canvas.TALL", 2)
    assert on_top(draw(SMALL))


def test_rows_and_metric_can_be_chosen():
    figure = figures.subjects_figure(SMALL, rows=["tca [z2]"], metric="macro_f1")
    axes = figure.axes[0]
    assert [t.get_text() for t in axes.get_yticklabels()] == ["tca [z2]"]
    assert axes.get_xlabel() == "macro F1 of one person, %"
    with pytest.raises(InputError, match="the study has no row 'nobody'"):
        figures.differences_figure(SMALL, rows="nobody")
    with pytest.raises(InputError, match="none of these rows is compared with a source-only row"):
        figures.differences_figure(SMALL, rows=["source-only [none]"])


def test_losses_are_counted_and_the_largest_is_named(drawn):
    deltas = differences(SMALL)
    texts = [t.get_text() for t in drawn[figures.differences_figure, 15].axes[0].texts]
    for key in deltas:
        lost = sum(1 for value in deltas[key] if value < 0)
        assert f"{lost} of 15 lose" in texts
        if deltas[key].min() <= -0.05:
            assert deltas[key].idxmin() in texts


def test_confusions_add_up_over_people(drawn):
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
    texts = [t.get_text() for t in drawn[figures.confusion_figure, 15].axes[2].texts]
    share = 100 * counts[0, 0] / counts[0].sum()
    assert texts[0] == f"{share:.0f} %\n{counts[0, 0]}"


@pytest.mark.parametrize("classes", [(-1, 0, 1), tuple(f"emotion {i}" for i in range(9))])
def test_confusions_of_many_classes_are_drawn(classes):
    result = make_result(5, classes=classes)
    figure = figures.confusion_figure(result, rows=["tca [z2]", "kpca [z2]"])
    assert len(figure.axes) == 2
    assert len(figure.axes[0].texts) == len(classes) ** 2


@pytest.mark.parametrize("n_classes", [12, 13, 21, 60])
def test_very_many_classes_have_shades_instead_of_numbers(n_classes):
    names = tuple(f"class {i}" for i in range(n_classes))
    result = make_result(3, classes=names, **BARE)
    figure = figures.confusion_figure(result, rows=["source-only [none]", "source-only [z2]"])
    with_numbers = n_classes <= 12
    assert len(figure.axes[0].texts) == (n_classes**2 if with_numbers else 0)
    assert len(figure.axes) == (2 if with_numbers else 3), "the last one is the scale"
    assert max(figure.get_size_inches()) < 12
    named = [t.get_text() for t in figure.axes[0].get_yticklabels()]
    assert set(named) <= set(names)
    assert (len(named) == n_classes) is (n_classes <= 21)
    found = boxes(figure)
    for (one, a), (two, b) in combinations(found, 2):
        if one in named and two in named and max(a.x1, b.x1) < figure.axes[0].bbox.x0:
            assert min(a.y1, b.y1) - max(a.y0, b.y0) < 2, (one, two)


def test_rows_without_a_confusion_matrix_are_refused():
    message = (
        "the rows asked for have no confusion matrix (shuffled labels have no true classes), so "
        "there is nothing to draw; rows that have one: source-only [none], source-only [z0], "
    )
    with pytest.raises(InputError, match=re.escape(message)):
        figures.confusion_figure(SMALL, rows=["shuffled labels [z2]"])
    bare = replace(SMALL, confusions=SMALL.confusions.iloc[:0])
    with pytest.raises(InputError, match=r"the rows of this study have no .* have one: none\."):
        figures.confusion_figure(bare)


def test_what_is_missing_is_said():
    bare = make_result(4, map_=False, effect=False, distances=False, **BARE)
    with pytest.raises(InputError, match="kept no map of its windows"):
        figures.shift_figure(bare)
    with pytest.raises(InputError, match="kept no class effect"):
        figures.class_effect_figure(bare)
    with pytest.raises(InputError, match="no distances beside source-only accuracies"):
        figures.distances_figure(bare)


def test_people_are_named_in_the_map_only_where_there_is_room(drawn):
    few = [t.get_text() for t in drawn[figures.shift_figure, 15].axes[0].texts]
    many = [t.get_text() for t in drawn[figures.shift_figure, 100].axes[0].texts]
    people = [f"s{i:02d}" for i in range(1, 16)]
    assert 8 < len(set(few) & set(people)) <= 15
    assert many == ["colour: person"]


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=40))
def test_names_in_the_map_never_touch(middles):
    middles = np.array(middles)
    chosen = names_with_room(middles, ["s01"] * len(middles), (0.0, 1.0), (0.0, 1.0))
    assert len(set(chosen)) == len(chosen)
    at = middles[chosen] * [4.1, 3.6]
    for a, b in combinations(at, 2):
        assert abs(a[0] - b[0]) > 0.27 or abs(a[1] - b[1]) > 0.14
    corner = (at[:, 0] < 1.1) & (at[:, 1] > 3.35)
    assert not corner.any()


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
    figure = figures.class_effect_figure(make_result(4, channels=channels, **BARE))
    panels = figure.axes[:-1]  # the last one is the scale
    assert len(panels) == (1 if reason else 2)


def test_two_classes_need_one_map_and_three_need_three():
    two = figures.class_effect_figure(make_result(4, **BARE))
    three = figures.class_effect_figure(make_result(4, classes=("a", "b", "c"), **BARE))
    assert two.axes[0].get_ylabel() == "arithmetic minus rest"
    assert len(three.axes) == 3 * 2 + 1


def test_channels_without_an_effect_are_left_out_of_the_map():
    result = make_result(4, **BARE)
    effect = result.overview["class_effect"]["effect"]
    for line in effect:
        line[0] = [None] * 2
    assert len(figures.class_effect_figure(result).axes) == 2 + 1
    for line in effect:
        line[:12] = [[None] * 2] * 12
    assert len(figures.class_effect_figure(result).axes) == 2
    assert no_map_of(result.overview["class_effect"]).startswith("7 electrodes are too few for")


def test_a_class_that_nobody_has_beside_others_is_left_out():
    result = make_result(4, classes=("a", "b", "c"), **BARE)
    found = result.overview["class_effect"]
    found["effect"][1] = [[None] * 2] * len(TEN_TWENTY)
    axes = figures.class_effect_figure(result).axes
    assert len(axes) == 2 * 2 + 1
    names = [a.get_ylabel() for a in axes[:-1] if a.get_ylabel()]
    assert names == ["a minus the rest", "c minus the rest"]
    found["effect"] = [found["effect"][1]] * 3
    with pytest.raises(InputError, match=r"kept no class effect \(.*nobody has several classes"):
        figures.class_effect_figure(result)


@given(st.lists(st.floats(0, 100), max_size=60), st.sampled_from([1, 5, 9]))
def test_dots_keep_to_their_strip_and_do_not_hide_each_other(values, n_levels):
    offsets = stack(values, 1.0, n_levels)
    assert np.abs(offsets).max(initial=0) <= 1 + 1e-12
    pairs = {(round(v), round(o, 9)) for v, o in zip(values, offsets, strict=True)}
    assert len(pairs) == len(values)
    np.testing.assert_array_equal(offsets, stack(values, 1.0, n_levels))


def test_stacks_of_equal_values_are_as_high_as_they_are_many():
    values = [0.0] * 94 + [6.0] * 6 + [12.0]
    offsets = stack(values, 1.2, 7)
    extents = [np.ptp(offsets[np.array(values) == v]) for v in (0.0, 6.0, 12.0)]
    np.testing.assert_allclose(extents, [2.0, 2 * 5 / 93, 0.0])
    few = stack([0.0, 0.0, 6.0], 1.2, 7)
    np.testing.assert_allclose(few, [-1 / 6, 1 / 6, 0.0])


def test_people_who_are_equal_on_paper_are_not_harmed():
    folds = SMALL.folds.copy()
    pair = {"source-only [none]": 0.1 + 0.2, "source-only [z2]": 0.3}
    for row, score in pair.items():
        folds.loc[folds["row"] == row, "accuracy"] = score
    result = replace(SMALL, folds=folds)
    assert (differences(result)["source-only [z2]"] == 0).all()
    assert "0 of 15 lose" in [
        t.get_text() for t in figures.differences_figure(result).axes[0].texts
    ]


def test_names_from_outside_can_be_drawn():
    evil = "<b>$x^$ \x1b[2J\n中"
    assert drawable(evil) == "<b>\\$x^\\$ \\x1b[2J\\n\\u4e2d"
    assert drawable("x" * 50, 10) == "x" * 7 + "..."
    names = (evil, "$$", "_{", "\\frac", "a\u202eb")
    result = make_result(5, names=names, classes=("$\\frac{", "</svg>"), bands=BARE["bands"])
    for draw in ALL:
        FigureCanvasAgg(draw(result)).draw()
