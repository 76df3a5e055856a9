"""``eegtl study``: compare transfer methods on a data set, fairly."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..errors import StudyError
from . import options
from .problems import INTERRUPTED, one_paragraph
from .progress import Progress
from .say import columns_of_terminal, say

if TYPE_CHECKING:
    from ..evaluation.recipe import Recipe

EPILOG = (
    "Examples: eegtl study synthetic  |  eegtl study eegmat --root ~/data/eegmat "
    "--methods tca,kpca --out runs/first  |  eegtl study recipe.toml  |  "
    "eegtl study --resume runs/first --distances"
)


def study(
    name: options.Name = None,
    root: options.Root = None,
    protocol: Annotated[
        str | None,
        typer.Option(
            help="leave-one-subject-out; cross-session: each person's later sessions after the "
            "earlier ones; cross-day: later days after the first and the sessions nearest to it.",
            show_default="leave-one-subject-out",
        ),
    ] = None,
    methods: Annotated[
        str | None,
        typer.Option(
            help="Transfer methods, separated by commas, for example tca,kpca. The baselines "
            "(source-only, majority, shuffled labels) are always shown.",
            show_default="all",
        ),
    ] = None,
    information: Annotated[
        str | None,
        typer.Option(
            help="What methods may see of the person they are scored on: inductive, "
            "transductive, online, calibration:SECONDS or calibration:SECONDS:labelled.",
            show_default="transductive",
        ),
    ] = None,
    tune: Annotated[
        str | None,
        typer.Option(
            help="Also show methods with settings chosen inside each fold, never by labels of the "
            "person who is scored: source (each source person plays the wearer), reverse, "
            "weighted, dev or entropy.",
            show_default="no tuning",
        ),
    ] = None,
    pool: options.Pool = None,
    n_sources: options.NSources = None,
    ranking: options.Ranking = None,
    features: options.Features = None,
    window: options.Window = None,
    step: options.Step = None,
    smoothing: options.Smoothing = None,
    channels: options.Channels = None,
    subjects: options.Subjects = None,
    skip_bad: options.SkipBad = False,
    shuffles: Annotated[
        int | None,
        typer.Option(
            help="How often labels are shuffled to show chance.", show_default="20", min=0
        ),
    ] = None,
    seed: Annotated[
        int | None, typer.Option(help="Seed of all random parts.", show_default="0", min=0)
    ] = None,
    jobs: Annotated[
        int | None,
        typer.Option(help="Number of processes.", show_default="number of cores", min=1),
    ] = None,
    out: Annotated[
        str | None,
        typer.Option(help="Folder for the results.", show_default="runs/NAME-DATE"),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace the results in the folder.")
    ] = False,
    resume: Annotated[
        str | None,
        typer.Option(
            help="Continue the study in this folder, with the settings it began with; --methods "
            "may add methods or leave some out."
        ),
    ] = None,
    distances: options.Distances = False,
    no_cache: options.NoCache = False,
    dump_recipe: Annotated[
        bool, typer.Option("--dump-recipe", help="Print the recipe of the study, and run nothing.")
    ] = False,
) -> None:
    """Compare transfer methods on a data set.

    Prints a table, in which every row says what the method was allowed to see of the person it
    was scored on, and writes report.html, the results and the recipe to repeat the study.
    Finished folds are kept when the study is stopped. Options replace what a recipe says.
    """
    given: dict[str, Any] = {
        "root": root,
        "protocol": protocol,
        "methods": methods,
        "information": information,
        "tune": tune,
        "pool": pool,
        "n_sources": n_sources,
        "ranking": ranking,
        "features": features,
        "window": window,
        "step": step,
        "smoothing": smoothing,
        "channels": channels,
        "subjects": subjects,
        "skip_bad": skip_bad,
        "shuffles": shuffles,
        "seed": seed,
    }
    with one_paragraph():
        for option, text in (("out", out), ("resume", resume)):
            if text is not None and not text.strip():
                raise StudyError(f"--{option} is empty; give a value or leave the option out.")
        if resume is not None:
            if out is not None or overwrite:
                raise StudyError(
                    "--resume continues the study in its own folder; leave out --out and "
                    "--overwrite."
                )
            folder, if_exists = _folder(resume, "resume"), "resume"
            recipe = _continued(folder, {"name": name, **given})
        elif name is None:
            raise StudyError(
                "no data set is named. Write for example: eegtl study synthetic, or "
                "eegtl study --resume FOLDER."
            )
        else:
            recipe = options.recipe_of(name, given)
            folder = _default_folder(name) if out is None else _folder(out, "out")
            if_exists = "overwrite" if overwrite else "error"
        if dump_recipe:
            typer.echo(recipe.dump(), nl=False)
            return
        _run(recipe, folder, if_exists, jobs, use_cache=not no_cache, distances=distances)


def _default_folder(name: str) -> Path:
    """Name a folder after the data set or the recipe, and the day."""
    from datetime import date

    return Path("runs") / f"{Path(name).stem}-{date.today().isoformat()}"


def _folder(text: str, option: str) -> Path:
    """Refuse a folder that cannot even be looked at."""
    try:
        (Path(text) / "results.sqlite").exists()
    except OSError as error:
        raise StudyError(
            f"--{option}: {text} cannot be used ({error.strerror}); name another folder."
        ) from error
    return Path(text)


def _continued(folder: Path, given: dict[str, Any]) -> Recipe:
    """Read the recipe of a study to be continued; root and methods may be given anew."""
    from ..evaluation.folder import RESULTS
    from ..evaluation.recipe import Recipe
    from ..evaluation.store import ResultsStore

    if not (folder / RESULTS).is_file():
        raise StudyError(
            f"{folder} holds no {RESULTS}, so there is no study to continue. Start one with: "
            "eegtl study NAME --out FOLDER."
        )
    changes = options.changed({key: value for key, value in given.items() if key != "name"})
    extra = sorted(set(changes) - {"root", "methods"})
    if given["name"] is not None:
        extra.insert(0, "name")
    if extra:
        raise StudyError(
            "--resume takes the settings that the study began with; leave out "
            + ", ".join(key if key == "name" else "--" + key.replace("_", "-") for key in extra)
            + "."
        )
    with ResultsStore(folder / RESULTS) as store:
        command = store.facts().get("command") or {}
    try:
        content = Recipe.read(command).as_dict()
    except StudyError as error:
        raise StudyError(
            f"{folder / RESULTS} was not written by eegtl study ({error}); continue it from "
            "Python with run_study(..., if_exists='resume')."
        ) from error
    for option, value in changes.items():
        section, key = options.KEYS[option]
        content[section][key] = value
    return Recipe.read(content)


def _run(
    recipe: Recipe,
    folder: Path,
    if_exists: str,
    jobs: int | None,
    *,
    use_cache: bool,
    distances: bool,
) -> None:
    """Run a study from its recipe to the printed table."""
    import joblib

    from ..evaluation import InformationSet, choose_rows, run_study
    from ..evaluation.folder import refuse_existing, write_whole
    from ..report import footnotes, format_table, save_markdown, study_title, write_report
    from .extraction import describe, read_features, with_features_of_methods
    from .study_distances import DISTANCES_FILE, show_distances

    recipe = recipe.anchored()
    arguments = recipe.arguments()
    granted = InformationSet.parse(recipe.study.information)
    # what would fail in the end fails before the signals are read
    refuse_existing(folder, if_exists)
    choose_rows(
        arguments["methods"],
        granted,
        recipe.study.seed,
        tune=recipe.study.tune,
        window=recipe.features.window,
    )
    again = f"eegtl study --resume {shlex.quote(str(folder))}"
    if distances:
        again += " --distances"
    progress = Progress("folds")
    try:
        collection = recipe.collection()
        say(describe(recipe, collection))
        wide = with_features_of_methods(recipe, collection)
        table, _ = read_features(wide, collection, use_cache=use_cache)
        say(
            f"protocol: {recipe.study.protocol}, {granted.tag}; what each row may see is in the "
            "column 'sees'"
        )
        with progress:
            result = run_study(
                table,
                **arguments,
                out=folder,
                n_jobs=joblib.cpu_count() if jobs is None else jobs,
                progress=progress,
                if_exists=if_exists,
            )
        write_whole(folder / "recipe.toml", recipe.dump())
        save_markdown(result, folder, study_title(result))
        typer.echo("\n" + format_table(result, columns_of_terminal()))
        for note in footnotes(result):
            say(note)
        with Progress("report") as drawing:
            write_report(result, folder / "report.html")
            drawing(1, 1)
        if distances:
            show_distances(table, arguments, folder)
    except KeyboardInterrupt:
        _say_stopped(folder, again, ran=progress.done is not None, resumed=if_exists == "resume")
        raise typer.Exit(INTERRUPTED) from None
    names = "report.html, table.csv, table.md, results.sqlite, recipe.toml"
    files = f"{folder}/{{{names}{f', {DISTANCES_FILE}' if distances else ''}}}"
    say(f"written: {files}     resume with: {again}")


def _say_stopped(folder: Path, again: str, *, ran: bool, resumed: bool) -> None:
    """Say what is kept; results that lay in the folder before count only when continued."""
    if ran:
        from ..evaluation.folder import RESULTS
        from ..evaluation.store import ResultsStore

        with ResultsStore(folder / RESULTS) as store:
            n = len(store.finished())
        text = f"stopped; {n} finished folds are kept in {folder}. Continue with: {again}"
    elif resumed:
        text = f"stopped before a fold was run; {folder} is as it was. Continue with: {again}"
    else:
        text = "stopped before the first fold; nothing was written."
    say(f"eegtl: {text}", err=True)
