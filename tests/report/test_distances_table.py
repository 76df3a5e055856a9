"""The distances as they are printed."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest

from eegtl.evaluation.study_distances import STUDY_DISTANCES
from eegtl.report.distances_table import distances_help, format_distances


def _table(people=("02", "anna", "x"), seed=0):
    rng = np.random.default_rng(seed)
    lines = [
        (who, mode, d.name, rng.uniform(0.1, 2), rng.uniform(0.1, 1))
        for mode in ("none", "z2")
        for who in people
        for d in STUDY_DISTANCES
        if mode == "none" or d.behind_z2
    ]
    return pd.DataFrame(lines, columns=["subject", "normalization", "distance", "value", "noise"])


def _one(values, noises, name="gaussian_kl", people=None):
    people = people or [f"p{i}" for i in range(len(values))]
    return pd.DataFrame(
        {"subject": people, "normalization": "none", "distance": name, "value": values,
         "noise": noises}
    )  # fmt: skip


@pytest.mark.parametrize("width", [0, 40, 60, 80, 100, 132, 300])
def test_no_line_is_longer_than_the_terminal_and_nothing_is_lost(width):
    table = _table()
    text = format_distances(table, width)
    assert max(map(len, text.splitlines())) <= (width or 100)
    for mode, block in zip(("none", "z2"), re.split(r"\n\n(?=distances)", text), strict=True):
        headings = [line for line in block.splitlines() if line.startswith("subject")]
        for distance in STUDY_DISTANCES:
            expected = 1 if mode == "none" or distance.behind_z2 else 0
            assert sum(h.count(distance.words) for h in headings) == expected, distance
        for who in ("02", "anna", "x", "median"):
            assert sum(line.startswith(who + " ") for line in block.splitlines()) == len(headings)
    n_cells = len(table) + 9 + 6  # and the medians
    assert len(re.findall(r"\d \(\d\.\d+\)", text)) == n_cells


def test_columns_are_aligned():
    for line_block in format_distances(_table(), 90).split("\n\n"):
        lines = [line for line in line_block.splitlines() if not line.startswith("distances")]
        assert len({len(line) for line in lines}) == 1


def test_a_terminal_narrower_than_one_column_has_one():
    text = format_distances(_one([1.0], [0.5]), 5)
    assert "1.00 (0.50)" in text


def test_values_that_are_not_above_the_noise_are_marked():
    lines = format_distances(_one([1.0, 0.5, 0.4, 0.7], [0.5, 0.5, 0.5, np.nan])).splitlines()
    cells = [line.split(maxsplit=1)[1].strip() for line in lines[2:]]
    assert cells == ["1.00 (0.50)", "~0.50 (0.50)", "~0.40 (0.50)", "0.70", "0.60 (0.50)"]


def test_a_median_is_never_marked():
    # half of the people within the noise, which says nothing of the median
    lines = format_distances(_one([1.0, 0.5, 0.4], [0.5, 0.6, 0.7])).splitlines()
    assert lines[-1].split() == ["median", "0.50", "(0.60)"]


def test_the_median_is_that_of_the_people_and_of_what_is_known():
    text = format_distances(_one([1.0, np.nan, 3.0, 9.0], [0.1, np.nan, 0.3, 0.2]))
    lines = text.splitlines()
    assert lines[3].split() == ["p1", "-"]
    assert lines[-1].split() == ["median", "3.00", "(0.20)"]
    nothing = format_distances(_one([np.nan], [np.nan])).splitlines()
    assert nothing[-1].split() == ["median", "-"]


@pytest.mark.parametrize(
    ("largest", "shown"), [(266.3, "266"), (12.34, "12.3"), (1.307, "1.31"), (0.4061, "0.406"),
                           (0.00123, "0.001"), (0.0, "0.00")]
)  # fmt: skip
def test_three_digits_of_the_largest_number_are_shown(largest, shown):
    line = format_distances(_one([largest], [largest / 10])).splitlines()[2]
    assert line.split()[1].lstrip("~") == shown


def test_there_is_no_negative_zero():
    assert "-0.000" not in format_distances(_one([-0.0001, 0.5], [0.1, 0.1]))


def test_names_cannot_steer_the_terminal():
    text = format_distances(_one([1.0], [0.5], people=["a\x1b[2Jb"]))
    assert "\x1b" not in text
    assert "a\\x1b[2Jb" in text


def test_the_help_says_what_the_noise_is_and_what_z2_leaves_out():
    text = distances_help(_table())
    assert "\n" not in text
    assert "the noise is the distance between halves of the person's own trials" in text
    assert "so mean gap, MMD2 linear, proxy A say nothing behind it" in text
    assert "z2" not in distances_help(_one([1.0], [0.5]))
