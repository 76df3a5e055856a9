from __future__ import annotations

import re

import pytest

from eegtl.errors import InformationError, StudyError
from eegtl.evaluation import InformationSet, check
from eegtl.evaluation.information import needs_of


class Estimator:
    def __init__(self, needs, online=False):
        self.needs_ = needs
        if online:
            self.partial_adapt = lambda X: self


@pytest.mark.parametrize(
    ("text", "level", "words"),
    [
        ("inductive", "inductive", "nothing of the target"),
        ("transductive", "unlabelled", "unlabelled, all windows"),
        ("online", "unlabelled", "unlabelled, past windows"),
        ("calibration:60", "unlabelled", "unlabelled, first 60 s"),
        ("calibration:7.5", "unlabelled", "unlabelled, first 7.5 s"),
        ("calibration:60:labelled", "labelled", "labelled, first 60 s"),
    ],
)
def test_every_form_has_a_level_and_words_and_its_tag_reads_back(text, level, words):
    granted = InformationSet.parse(text)
    assert granted.level == level
    assert granted.sees(level) == words
    assert granted.tag == text
    assert InformationSet.parse(granted.tag) == granted
    assert granted.sees("inductive") == "nothing of the target"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "transductiv",
        "calibration",
        "calibration:",
        "calibration:x",
        "calibration:60:labels",
        "calibration:60:labelled:now",
        "online:60",
        "inductive:labelled",
    ],
)
def test_other_forms_are_refused_with_what_came(text):
    with pytest.raises(StudyError, match=re.escape(f"unknown information set {text!r}; write")):
        InformationSet.parse(text)


@pytest.mark.parametrize("seconds", [0.0, -3.0, float("inf"), float("nan"), None])
def test_a_calibration_block_has_a_positive_length(seconds):
    with pytest.raises(StudyError, match=f"positive length in seconds; got {seconds}"):
        InformationSet("calibration", seconds)


def test_only_a_calibration_block_has_seconds_and_labels():
    with pytest.raises(StudyError, match=r"'online' takes neither .* got seconds=5, labelled=Fal"):
        InformationSet("online", 5)
    with pytest.raises(StudyError, match=r"'transductive' takes neither .*labelled=True"):
        InformationSet("transductive", labelled=True)


def test_consumed_is_never_more_than_granted():
    granted = InformationSet.parse("calibration:60:labelled")
    assert granted.consumed("inductive").tag == "inductive"
    assert granted.consumed("unlabelled").tag == "calibration:60"
    assert granted.consumed("labelled") is granted


@pytest.mark.parametrize(
    ("needs", "text", "allowed"),
    [
        ("inductive", "inductive", True),
        ("inductive", "online", True),
        ("unlabelled", "inductive", False),
        ("unlabelled", "transductive", True),
        ("unlabelled", "calibration:60", True),
        ("unlabelled", "online", False),
        ("labelled", "transductive", False),
        ("labelled", "calibration:60", False),
        ("labelled", "calibration:60:labelled", True),
    ],
)
def test_check_compares_needs_with_the_grant(needs, text, allowed):
    granted = InformationSet.parse(text)
    if allowed:
        check(Estimator(needs), granted)
        return
    with pytest.raises(InformationError) as caught:
        check(Estimator(needs), granted, name="tca [z2]")
    assert f"tca [z2] needs {needs} rows of the target" in str(caught.value)
    assert repr(text) in str(caught.value)


def test_online_takes_estimators_that_learn_piece_by_piece():
    check(Estimator("unlabelled", online=True), InformationSet("online"))
    with pytest.raises(InformationError, match=r"it has no partial_adapt"):
        check(Estimator("unlabelled"), InformationSet("online"))


def test_an_estimator_that_does_not_say_what_it_needs_is_refused():
    with pytest.raises(InformationError, match=r"Estimator does not say .* needs_ is 'all'"):
        needs_of(Estimator("all"))
