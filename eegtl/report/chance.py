"""What the means of shuffled labels are called: a range, a 95 % band, or nothing."""

from __future__ import annotations

from ..evaluation import StudyResult


def chance_name(result: StudyResult) -> str:
    """Name the band of the shuffled means by what it is.

    Parameters
    ----------
    result : StudyResult

    Returns
    -------
    str
        Such as ``range of 20 shuffles``, from 40 shuffles on ``95 % of 200 shuffles``; empty
        without shuffles, or with too few for a band.
    """
    chance = result.chance
    if chance is None or chance["kind"] == "none":
        return ""
    return f"{chance['kind']} of {chance['n_shuffles']} shuffles"


def chance_row(result: StudyResult) -> str:
    """Name the row whose labels were shuffled.

    Parameters
    ----------
    result : StudyResult

    Returns
    -------
    str
        Such as ``source-only [z2]``: by its normalisation, since nothing else is shuffled; empty
        without shuffles.
    """
    table = result.table
    modes = table.loc[table["method"] == "shuffled labels", "normalization"]
    return f"source-only [{modes.iloc[0]}]" if len(modes) else ""
