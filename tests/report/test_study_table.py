from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from eegtl.evaluation import TABLE_COLUMNS, InformationSet, StudyResult
from eegtl.report import footnotes, format_markdown, format_table, save_markdown, study_title
from eegtl.report.escape import markdown, printable
from eegtl.report.table import normalization_note, sees


def _line(method, normalization, information, accuracy, **more):
    line = dict.fromkeys(TABLE_COLUMNS, np.nan) | {
        "method": method,
        "normalization": normalization,
        "information": information,
        "n_subjects": 17,
        "accuracy_mean": accuracy,
        "accuracy_sd": 0.158,
        "worst_subject_accuracy": 0.412,
        "seconds_per_fold": 0.0123,
    }
    return line | more


def _result(*lines, notes=()):
    table = pd.DataFrame(lines)[list(TABLE_COLUMNS)]
    return StudyResult(table, pd.DataFrame(), list(notes), InformationSet("transductive"))


RESULT = _result(
    _line("source-only", "none", "inductive", 0.648),
    _line("source-only", "z2", "transductive", 0.775, delta_accuracy=0.127, p_holm=0.003),
    _line("tca", "z2", "transductive", 0.76, delta_accuracy=-0.0151, p_holm=0.9999),
    _line("majority", "none", "inductive", 0.5, accuracy_sd=0.0, worst_subject_accuracy=0.5),
    _line(
        "shuffled labels",
        "z2",
        "transductive",
        0.493,
        accuracy_sd=0.041,
        worst_subject_accuracy=np.nan,
    ),
    notes=["left out: a.edf"],
)


def test_the_terminal_table():
    assert (
        "\n" + format_table(RESULT)
        == """
method           norm  sees                     accuracy      worst  vs source-only  s/fold
source-only      none  nothing of the target    64.8 +- 15.8  41.2   -               0.01
source-only      z2    unlabelled, all windows  77.5 +- 15.8  41.2   +12.7  p=.003   0.01
tca              z2    unlabelled, all windows  76.0 +- 15.8  41.2   -1.5  p=1       0.01
majority         none  nothing of the target    50.0 +- 0.0   50.0                   0.01
shuffled labels  z2    unlabelled, all windows  49.3 +- 4.1                          0.01"""
    )


@pytest.mark.parametrize(
    ("delta", "p", "text"),
    [
        (0.00001, 0.5, "+0.0  p=.500"),
        (-0.00001, 0.05, "+0.0  p=.050"),
        (0.1, 0.0004, "+10.0  p<.001"),
        (-0.1, 1.0, "-10.0  p=1"),
    ],
)
def test_differences_and_their_p(delta, p, text):
    line = _line("tca", "z2", "transductive", 0.5, delta_accuracy=delta, p_holm=p)
    assert f"41.2   {text}" in format_table(_result(line))


def test_footnotes_say_what_was_computed():
    notes = footnotes(RESULT)
    assert notes[1].startswith("p: paired Wilcoxon over people, Holm over the 2 comparisons")
    assert notes[2] == (
        "'z2' alone explains most of the gain here (12.7 of 12.7 points); compare methods within "
        "one normalisation"
    )
    assert notes[-1] == "left out: a.edf"


@pytest.mark.parametrize(
    ("none", "z2", "best", "majority", "said"),
    [
        (0.6, 0.7, 0.75, 0.5, True),
        (0.6, 0.7, 0.85, 0.5, False),
        (0.6, 0.6, 0.6, 0.5, False),
        (0.6, 0.5, 0.55, 0.5, False),
        (0.6, 0.64, 0.64, 0.5, False),  # less than five points is nothing to explain
        (0.6, 0.7, 0.75, 1.0, False),  # one class is left: guessing it is better
    ],
)
def test_what_normalisation_explains_is_said_only_when_it_is_true(none, z2, best, majority, said):
    table = _result(
        _line("source-only", "none", "inductive", none),
        _line("source-only", "z2", "transductive", z2),
        _line("tca", "z0", "transductive", best),
        _line("shuffled labels", "z2", "transductive", 0.99),
        _line("majority", "none", "inductive", majority),
    ).table
    assert bool(normalization_note(table)) is said
    assert normalization_note(table.iloc[:1]) == ""


@pytest.mark.parametrize(
    ("information", "words"),
    [
        ("inductive", "nothing of the target"),
        ("calibration:60:labelled", "labelled, first 60 s"),
        ("inductive+future", "future of the trial"),
        ("online+future", "unlabelled, past windows, future of the trial"),
    ],
)
def test_the_words_of_the_column_sees(information, words):
    assert sees(information) == words


def test_markdown_is_a_table_with_footnotes(tmp_path):
    path = save_markdown(RESULT, tmp_path, "eegmat: 17 subjects")
    lines = path.read_text().splitlines()
    assert path.name == "table.md"
    assert lines[0] == "eegmat: 17 subjects"
    assert lines[2].startswith("| method | norm | sees |")
    assert lines[3] == "|" + " --- |" * 7
    assert lines[5].startswith("| source-only | z2 | unlabelled, all windows | 77.5 +- 15.8 |")
    assert lines[-1] == "- left out: a.edf"


def test_names_from_outside_cannot_steer_terminal_or_page():
    evil = "a\x1b[2J\n|<script>\u202e*"
    result = _result(_line(evil, "z2", "transductive", 0.5), notes=[evil])
    text = format_table(result)
    assert len(text.splitlines()) == 2
    assert "\x1b" not in text
    assert "\u202e" not in text
    page = format_markdown(result, evil)
    assert "<script>" not in page
    assert "\x1b" not in page
    row = next(line for line in page.splitlines() if line.startswith("| a"))
    assert row.replace("\\|", "").count("|") == 8


def test_escaping_keeps_readable_text():
    assert printable("Zoë (µV)") == "Zoë (µV)"
    assert printable("a\tb\x07") == "a\\tb\\x07"
    assert markdown("z2 +- 1.5") == "z2 +- 1.5"
    assert markdown("a&b_c") == "a&amp;b\\_c"


INTERVALS = {"accuracy_low": 0.691, "accuracy_high": 0.842, "delta_low": -0.004, "delta_high": 0.25}


def test_intervals_are_shown_where_they_fit():
    result = _result(
        _line("source-only", "none", "inductive", 0.648, accuracy_low=0.5, accuracy_high=0.75),
        _line("tca", "z2", "transductive", 0.76, delta_accuracy=0.112, p_holm=0.04, **INTERVALS),
    )
    wide = format_table(result, 120)
    assert (
        "\n" + wide
        == """
method       norm  sees                     accuracy      95 %          worst  vs source-only  95 %           s/fold
source-only  none  nothing of the target    64.8 +- 15.8  50.0 to 75.0  41.2   -                              0.01
tca          z2    unlabelled, all windows  76.0 +- 15.8  69.1 to 84.2  41.2   +11.2  p=.040   -0.4 to +25.0  0.01"""  # noqa: E501
    )
    longest = max(map(len, wide.splitlines()))
    assert format_table(result, longest) == wide
    for width in (longest - 1, 80, 0):
        assert format_table(result, width) == format_table(result)
        assert "95 %" not in format_table(result, width)
    assert "95 % (where shown): bootstrap interval" in " ".join(footnotes(result))
    rows = format_markdown(result).splitlines()
    assert rows[1] == "|" + " --- |" * 9
    assert "| 76.0 +- 15.8 | 69.1 to 84.2 | 41.2 | +11.2 p=.040 | -0.4 to +25.0 |" in (
        rows[3].replace("  ", " ")
    )


def test_without_intervals_nothing_speaks_of_them():
    assert format_table(RESULT, 500) == format_table(RESULT)
    assert "bootstrap" not in " ".join(footnotes(RESULT))


def test_the_band_of_chance_stands_in_the_footnotes():
    def note(**chance):
        notes = footnotes(replace(RESULT, chance={"mean": 0.5} | chance))
        return next(n for n in notes if n.startswith("shuffled")).partition("over shuffles")[2]

    ends = {"low": 0.4551, "high": 0.5449}
    whose = "45.5 to 54.5, which is a band for source-only [z2] and for no other row"
    assert note(**ends, kind="range", n_shuffles=20) == f"; range of 20 shuffles: {whose}"
    assert note(**ends, kind="95 %", n_shuffles=40) == f"; 95 % of 40 shuffles: {whose}"
    few = note(low=None, high=None, kind="none", n_shuffles=9)
    assert few == "; 9 shuffles are too few for a band"
    assert not any("shuffles:" in n or "too few" in n for n in footnotes(RESULT))


def test_fewer_than_five_people_have_a_dash_for_an_interval():
    few = {"n_subjects": 4}
    result = _result(
        _line("source-only", "none", "inductive", 0.648, **few),
        _line("tca", "z2", "transductive", 0.76, delta_accuracy=0.112, p_holm=0.4, **few),
        _line("shuffled labels", "z2", "transductive", 0.5, **few),
    )
    lines = format_markdown(result).splitlines()
    assert "| 64.8 +- 15.8 | - | 41.2 | - |  |" in lines[2]
    assert "| 76.0 +- 15.8 | - | 41.2 | +11.2  p=.400 | - |" in lines[3]
    assert "| 50.0 +- 15.8 |  | 41.2 |  |  |" in lines[4]
    assert "below 5 there is none (-)" in " ".join(footnotes(result))


def test_the_title_says_what_the_study_was():
    facts = {"dataset": ["eegmat"], "subjects": list("abc"), "n_windows": 90, "classes": [0, 1]}
    assert study_title(replace(RESULT, facts=facts)) == (
        "eegmat: 3 people, 90 windows; labels 0 / 1; leave-one-subject-out, transductive"
    )
