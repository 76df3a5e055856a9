"""``eegtl features``: compute the features of a data set and write them to a file."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import InputError
from . import options
from .problems import one_paragraph
from .say import say

if TYPE_CHECKING:
    from ..features import FeatureTable

EPILOG = (
    "Examples: eegtl features synthetic --out synthetic.npz  |  eegtl features eegmat "
    "--root ~/data/eegmat --features de,dasm --window 2 --out eegmat.npz  |  "
    "eegtl features --list"
)


def features(
    name: options.Name = None,
    out: Annotated[
        str | None,
        typer.Option(
            help="File to write; FeatureTable.load reads it.", show_default="NAME-features.npz"
        ),
    ] = None,
    list_all: Annotated[
        bool, typer.Option("--list", help="Show all features with units and sources.")
    ] = False,
    root: options.Root = None,
    subjects: options.Subjects = None,
    channels: options.Channels = None,
    skip_bad: options.SkipBad = False,
    features: options.Features = None,
    window: options.Window = None,
    step: options.Step = None,
    smoothing: options.Smoothing = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace the file when it is there.")
    ] = False,
    no_cache: options.NoCache = False,
) -> None:
    """Compute the features of a data set and write them to a file.

    Preprocessing is part of a recipe: give one in place of the name.
    """
    with one_paragraph("stopped; nothing was written."):
        if list_all:
            _list()
            return
        if name is None:
            raise InputError(
                "no data set is named. Write for example: eegtl features synthetic --out x.npz, "
                "or eegtl features --list."
            )
        recipe = options.recipe_of(
            name,
            {
                "root": root,
                "subjects": subjects,
                "channels": channels,
                "skip_bad": skip_bad,
                "features": features,
                "window": window,
                "step": step,
                "smoothing": smoothing,
            },
        )
        path = _target(f"{recipe.data.name}-features.npz" if out is None else out, overwrite)
        from .extraction import describe, read_features

        collection = recipe.collection()
        say(describe(recipe, collection))
        table, _ = read_features(recipe, collection, use_cache=not no_cache)
        table.save(path)
        for line in _contents(table):
            say(line)
        say(f"written: {path}")


def _target(out: str, overwrite: bool) -> Path:
    """Refuse a file that cannot be written before the signals are read."""
    if not out.strip():
        raise InputError("--out is empty; name a file or leave the option out.")
    try:
        path = Path(out).expanduser()
        path.exists()
    except (OSError, RuntimeError) as error:
        raise InputError(f"--out {out} cannot be written ({error}); name another file.") from error
    if path.is_dir():
        raise InputError(f"{path} is a folder; name a file with --out.")
    if path.exists() and not overwrite:
        raise InputError(
            f"{path} is there already; replace it with --overwrite, or name another with --out."
        )
    if not path.parent.is_dir():
        raise InputError(f"the folder {path.parent} does not exist; make it, or change --out.")
    return path


def _contents(table: FeatureTable) -> list[str]:
    """Say what is in a table: rows, columns of each feature with their unit, flags."""
    from ..features import FEATURES

    meta = table.meta
    people = meta["subject"].nunique()
    trials = len(meta[["subject", "session", "trial"]].drop_duplicates())
    settling = int(meta["settling"].sum())
    lines = [
        f"{len(table)} windows of {people} {'person' if people == 1 else 'people'} in {trials} "
        f"trials, {settling} of them while the filters settled; "
        f"{'causal' if table.causal else 'not causal'}"
    ]
    labels = meta["label"].value_counts()
    lines.append("labels: " + ", ".join(f"{label} {n}" for label, n in labels.items()))
    of = table.columns.get_level_values("feature")
    for name in of.unique():
        part = table.columns[of == name]
        shape = " x ".join(str(part.get_level_values(i).nunique()) for i in ("channel", "band"))
        lines.append(f"{name}: {len(part)} columns ({shape}), {FEATURES[name].unit}")
    flags = [text for text in meta["flags"] if text]
    kinds = Counter(part.partition(":")[0] for text in flags for part in text.split(";"))
    shown = ", ".join(f"{kind} {n}" for kind, n in kinds.items())
    lines.append(f"flags: {len(flags)} windows" + (f" ({shown})" if shown else ""))
    return lines


def _list() -> None:
    """Print the registry."""
    from ..features import FEATURES
    from ..report.escape import printable

    names = max(map(len, FEATURES))
    units = max(len(record.unit) for record in FEATURES.values())
    for record in FEATURES.values():
        typer.echo(
            printable(
                f"{record.name:<{names}}  {record.unit:<{units}}  per {record.per}. "
                f"{record.citation}"
            )
        )
