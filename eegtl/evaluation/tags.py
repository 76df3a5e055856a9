"""The column ``information`` of a study's table: what a row consumed, written and read."""

from __future__ import annotations

import re
from typing import NamedTuple

from ..errors import StudyError
from .information import InformationSet

#: appended to the information of rows whose features used samples after the window
ACAUSAL = "+future"
#: appended to that of methods that take a class mix of the wearer for granted (their `assumes_`)
ASSUMED = {"class mix of the sources": "+mix", "class mix given": "+prior"}
_FORM = re.compile(
    r"(?P<consumed>\S+?)(?P<mix>\+mix|\+prior)?(?P<future>\+future)?"
    r"( \(scored as (?P<scored>\S+)\))?"
)


class RowTag(NamedTuple):
    """What the column ``information`` says of one row.

    Attributes
    ----------
    consumed : InformationSet
        What the row saw of the target.
    acausal : bool
        Whether its features used samples after the window, which `consumed` does not say.
    scored : InformationSet
        The information set whose windows it is scored on.
    assumes : str
        What it takes for granted besides, a key of `ASSUMED`; empty for nothing.
    """

    consumed: InformationSet
    acausal: bool
    scored: InformationSet
    assumes: str = ""


def row_tag(granted: InformationSet, level: str, causal: bool = True, assumes: str = "") -> str:
    """Write what a row consumed of the target.

    A study with a calibration block scores all its rows on the windows after the block, those
    that saw less of it, too. Their tag says so, since a study of their own would score them on
    more windows.

    Parameters
    ----------
    granted : InformationSet
        What the study grants.
    level : {"inductive", "unlabelled", "labelled"}
        What the row is handed.
    causal : bool
        Whether the features are.
    assumes : str
        What the method takes for granted of the wearer besides: a key of `ASSUMED`, or nothing.

    Returns
    -------
    str
        ``CONSUMED``, followed by ``+mix`` or ``+prior`` where a class mix is assumed, by
        ``+future``, and by `` (scored as GRANTED)``; both sets are in the form that
        `InformationSet.parse` reads.

    Raises
    ------
    StudyError
        When what is assumed has no name here.

    Examples
    --------
    >>> row_tag(InformationSet.parse("calibration:6:labelled"), "unlabelled")
    'calibration:6 (scored as calibration:6:labelled)'
    >>> row_tag(InformationSet("transductive"), "inductive")
    'inductive'
    """
    if assumes and assumes not in ASSUMED:
        raise StudyError(
            f"an estimator's assumes_ is {assumes!r}; a study knows {', '.join(ASSUMED)}."
        )
    consumed = granted.consumed(level)
    tag = consumed.tag + ASSUMED.get(assumes, "")
    tag += ACAUSAL if not causal and consumed.kind != "transductive" else ""
    if granted.kind == "calibration" and consumed != granted:
        tag += f" (scored as {granted.tag})"
    return tag


def read_tag(text: str) -> RowTag:
    """Read what `row_tag` wrote.

    Parameters
    ----------
    text : str
        A value of the column ``information``.

    Returns
    -------
    RowTag

    Raises
    ------
    StudyError
        When the text has another form.

    Examples
    --------
    >>> read_tag("inductive (scored as calibration:6)").scored.tag
    'calibration:6'
    """
    found = _FORM.fullmatch(text)
    consumed = InformationSet.parse(found["consumed"] if found else text)
    scored = InformationSet.parse(found["scored"]) if found and found["scored"] else consumed
    marks = {mark: text for text, mark in ASSUMED.items()}
    assumes = marks.get(found["mix"], "") if found else ""
    return RowTag(consumed, bool(found and found["future"]), scored, assumes)
