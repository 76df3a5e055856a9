"""``eegtl sources``: other people, distilled into one small file without any of their signals."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import InputError
from . import options
from .problems import one_paragraph
from .progress import Progress
from .say import say

if TYPE_CHECKING:
    from ..personalize.source_file import SourceFile

sources_app = typer.Typer(
    help="Distil other people into one small file, without any of their signals.",
    epilog="Example: eegtl sources prepare seed --root ~/SEED --channels muse --out seed.eegsrc",
    rich_markup_mode=None,
    no_args_is_help=True,
)

Kind = Annotated[str, typer.Option(help="Block of the curve: first, balanced, or 'only CLASS'.")]


@sources_app.command(
    epilog="Examples: eegtl sources prepare eegmat --root ~/data/eegmat --window 2 --baseline rest "
    "--out eegmat.eegsrc  |  eegtl sources prepare seed --channels muse --out seed-muse.eegsrc"
)
def prepare(
    name: options.Name = None,
    out: Annotated[
        Path | None, typer.Option(help="File to write.", show_default="NAME.eegsrc")
    ] = None,
    root: options.Root = None,
    subjects: options.Subjects = None,
    channels: options.Channels = None,
    skip_bad: options.SkipBad = False,
    features: options.Features = None,
    window: options.Window = None,
    step: options.Step = None,
    lengths: Annotated[
        str, typer.Option(help="Seconds of calibration that are tried, separated by commas.")
    ] = "10,20,30,60",
    baseline: Annotated[
        str | None,
        typer.Option(help="A class that is a state which every wearer can record, such as rest."),
    ] = None,
    candidates: Annotated[
        str | None,
        typer.Option(help="Models to try, separated by commas.", show_default="all"),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace the file when it is there.")
    ] = False,
    no_cache: options.NoCache = False,
) -> None:
    """Let each person play the wearer, find what works, and keep models, no rows and no signals.

    Preprocessing is part of a recipe: give one in place of the name.
    """
    with one_paragraph("stopped; nothing was written."):
        if name is None:
            raise InputError(
                "no data set is named. Write for example: eegtl sources prepare synthetic "
                "--window 2 --out synthetic.eegsrc."
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
            },
        )
        path = Path(f"{recipe.data.name}.eegsrc") if out is None else out
        if path.exists() and not overwrite:
            raise InputError(f"{path} is there already; choose another --out, or --overwrite.")
        from ..personalize.prepare import prepare_sources
        from .extraction import describe, read_features

        collection = recipe.collection()
        say(describe(recipe, collection))
        table, _ = read_features(recipe, collection, use_cache=not no_cache)
        with Progress("each person plays the wearer") as progress:
            made = prepare_sources(
                table,
                recipe.extractor(),
                candidates=None if candidates is None else _words(candidates),
                lengths=_numbers(lengths),
                baseline=baseline,
                progress=progress,
            )
        made.save(path, overwrite=overwrite)
        _say_curves(made, "first")
        say(f"written: {path} ({path.stat().st_size / 2**20:.1f} MiB; no row of anybody in it)")


@sources_app.command(epilog="Example: eegtl sources show seed-muse.eegsrc --kind balanced")
def show(
    file: Annotated[Path, typer.Argument(metavar="file", help="A file of sources.")],
    kind: Kind = "first",
    picture: Annotated[
        Path | None, typer.Option(help="Draw what calibration brings: PNG, SVG or PDF.")
    ] = None,
) -> None:
    """Show what a file of sources holds, and what calibration brings."""
    with one_paragraph():
        from ..personalize.source_file import SourceFile

        made = SourceFile.load(file)
        _tell(made, file, kind)
        if picture is not None:
            from ..report.figures import calibration_figure
            from ..report.figures.files import save_figure

            save_figure(calibration_figure(made.plan, kind), picture)
            say(f"written: {picture}")


def _tell(made: SourceFile, file: Path, kind: str) -> None:
    """Say what it holds, and what calibration brings."""
    told = made.provenance
    say(
        f"{file.name}: {told.get('n_people')} people and {told.get('n_windows')} windows of "
        f"{', '.join(told.get('datasets', []))}; classes {', '.join(made.labels)}; "
        f"{len(made.mean)} features of {' '.join(made.ch_names)} at {made.sfreq:g} Hz"
    )
    if told.get("n_flagged"):
        say(f"{told['n_flagged']} windows with artefact marks were left out")
    _say_curves(made, kind)
    for name, guard in made.plan.guards.items():
        if guard.evidence:
            say(
                f"guard of {name}: {guard.evidence} above {guard.limit:.2f} means "
                f"source-only; it brought {100 * guard.gain:.1f} points on people left out"
            )


def _say_curves(made: SourceFile, kind: str) -> None:
    """Print what to expect of each candidate at each length."""
    plan = made.plan
    if kind not in plan.kinds:
        raise InputError(
            f"there are no blocks of the kind {kind!r}; there are: {', '.join(plan.kinds)}."
        )
    for name, why in plan.left_out.items():
        say(f"left out: {name}, which cannot be fitted on these people ({why})")
    places = plan.places(kind)
    if not places:
        say(f"too few people have enough windows for blocks of the kind {kind!r}")
        return
    say(
        f"balanced accuracy of {plan.n_people} people who played the wearer (block: {kind}; in "
        f"brackets where {100 * plan.level:.0f} % of new people lie):"
    )
    chosen = "what others' scores choose"
    width = max(len(name) for name in (*plan.names, chosen))
    for name, sees in zip(plan.names, plan.sees, strict=True):
        durations, expected = plan.curve(name, kind)
        cells = [f"{d:g} s {e}" for d, e in zip(durations, expected, strict=True)]
        typer.echo(f"  {name:<{width}}  {sees:<10}  " + ("   ".join(cells) or "no such block"))
    covered = plan.covered[plan.kinds.index(kind)]
    cells = [f"{covered[place]:g} s {plan.expected(place, kind)}" for place in places]
    typer.echo(f"  {chosen:<{width}}  {'':<10}  " + "   ".join(cells))


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


def _numbers(text: str) -> list[float]:
    try:
        return [float(word) for word in _words(text)]
    except ValueError:
        raise InputError(
            f"--lengths is {text!r}; write seconds separated by commas, such as 10,20,30,60."
        ) from None
