"""What ``eegtl study --distances`` adds: how far each person lies from those trained on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from .progress import Progress
from .say import columns_of_terminal, say

if TYPE_CHECKING:
    from ..features import FeatureTable

#: arguments of a study that say which windows are compared
_SHARED = ("protocol", "information", "features", "keep_settling", "allow_acausal")
#: the file they are written to, in the folder of the study
DISTANCES_FILE = "distances.csv"


def show_distances(table: FeatureTable, arguments: dict[str, Any], folder: Path) -> None:
    """Measure the distances of a study, print them, and write them to its folder.

    Parameters
    ----------
    table : FeatureTable
    arguments : dict
        Of `run_study`.
    folder : pathlib.Path
    """
    from ..evaluation.folder import write_whole
    from ..evaluation.study_distances import person_distances
    from ..report.distances_table import distances_help, format_distances

    given = {key: value for key, value in arguments.items() if key in _SHARED}
    with Progress("distances") as progress:
        found, notes = person_distances(table, **given, progress=progress)
    write_whole(folder / DISTANCES_FILE, found.to_csv(index=False, lineterminator="\n"))
    typer.echo("\n" + format_distances(found, columns_of_terminal()))
    for note in [distances_help(found), *notes]:
        say(note)
