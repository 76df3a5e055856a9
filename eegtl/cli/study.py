"""``eegtl study``: compare transfer methods on a data set, leaving one person out at a time."""

from __future__ import annotations

import json
import shlex
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..errors import StudyError
from .problems import INTERRUPTED, one_paragraph
from .progress import Progress
from .say import say

if TYPE_CHECKING:
    from ..features import FeatureTable
    from ..recordings import Collection

EPILOG = (
    "Examples: eegtl study synthetic  |  eegtl study eegmat --root ~/data/eegmat "
    "--methods tca,kpca --out runs/first  |  eegtl study --resume runs/first"
)


@dataclass(frozen=True)
class Settings:
    """What a study is started with; kept beside its results, so that it can be continued."""

    name: str
    root: str | None = None
    methods: str | None = None
    information: str = "transductive"
    window: float | None = None
    channels: str | None = None
    skip_bad: bool = False
    shuffles: int = 20
    seed: int = 0


def study(
    name: Annotated[
        str | None, typer.Argument(help="Data set: the name of a card, for example synthetic.")
    ] = None,
    root: Annotated[
        str | None,
        typer.Option(help="Folder of the data set; else EEGTL_DATA or the user data folder."),
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
    window: Annotated[
        float | None,
        typer.Option(help="Length of a window in seconds.", show_default="as the card says"),
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
    channels: Annotated[
        str | None,
        typer.Option(
            help="'common' (those that all recordings share), a headset such as muse, or names "
            "separated by commas.",
            show_default="all of the card",
        ),
    ] = None,
    skip_bad: Annotated[
        bool, typer.Option("--skip-bad", help="Leave out recordings that cannot be used.")
    ] = False,
    shuffles: Annotated[
        int | None,
        typer.Option(
            help="How often labels are shuffled to show chance.", show_default="20", min=0
        ),
    ] = None,
    seed: Annotated[
        int | None, typer.Option(help="Seed of all random parts.", show_default="0", min=0)
    ] = None,
) -> None:
    """Compare transfer methods on a data set, leaving one person out at a time.

    Prints a table and writes results.sqlite, table.csv and table.md. Finished folds are kept
    when the study is stopped.
    """
    given: dict[str, Any] = {
        "name": name,
        "root": root,
        "methods": methods,
        "information": information,
        "window": window,
        "channels": channels,
        "skip_bad": skip_bad or None,
        "shuffles": shuffles,
        "seed": seed,
    }
    chosen = {key: value for key, value in given.items() if value is not None}
    with one_paragraph():
        _check_given(methods=methods, out=out, resume=resume, window=window)
        if resume is not None:
            if out is not None or overwrite:
                raise StudyError(
                    "--resume continues the study in its own folder; leave out --out and "
                    "--overwrite."
                )
            folder, if_exists = Path(resume), "resume"
            settings = _continued(folder, chosen)
        elif name is None:
            raise StudyError(
                "no data set is named. Write for example: eegtl study synthetic, or "
                "eegtl study --resume FOLDER."
            )
        else:
            settings = Settings(**chosen)
            folder = _default_folder(name) if out is None else Path(out)
            if_exists = "overwrite" if overwrite else "error"
        _run(settings, folder, if_exists, jobs)


def _check_given(*, window: float | None, **texts: str | None) -> None:
    """Refuse options that were given without a value, rather than take them for left out."""
    for name, text in texts.items():
        if text is not None and not text.strip():
            raise StudyError(f"--{name} is empty; give a value or leave the option out.")
    if window is not None and not 0 < window < float("inf"):
        raise StudyError(
            f"--window is {window:g}; give the length of a window in seconds, for example 2."
        )


def _default_folder(name: str) -> Path:
    from datetime import date

    return Path("runs") / f"{name}-{date.today().isoformat()}"


def _continued(folder: Path, chosen: dict[str, Any]) -> Settings:
    """Read the settings of a study to be continued; root and methods may be given anew."""
    from pydantic import TypeAdapter, ValidationError

    from ..evaluation.folder import RESULTS
    from ..evaluation.store import ResultsStore

    if not (folder / RESULTS).is_file():
        raise StudyError(
            f"{folder} holds no {RESULTS}, so there is no study to continue. Start one with: "
            "eegtl study NAME --out FOLDER."
        )
    extra = sorted(set(chosen) - {"root", "methods"})
    if extra:
        raise StudyError(
            "--resume takes the settings that the study began with; leave out "
            + ", ".join(key if key == "name" else "--" + key.replace("_", "-") for key in extra)
            + "."
        )
    with ResultsStore(folder / RESULTS) as store:
        command = store.facts().get("command") or {}
    try:
        settings = TypeAdapter(Settings).validate_json(json.dumps(command), strict=True)
    except ValidationError as error:
        first = error.errors()[0]
        raise StudyError(
            f"{folder / RESULTS} was not written by eegtl study "
            f"({'.'.join(map(str, first['loc'])) or 'command'}: {first['msg']}); continue it from "
            "Python with run_study(..., if_exists='resume')."
        ) from error
    return replace(settings, **chosen)


def _run(settings: Settings, folder: Path, if_exists: str, jobs: int | None) -> None:
    """Run a study from its settings to the printed table."""
    import joblib

    from .. import load
    from ..evaluation import InformationSet, choose_rows, run_study
    from ..evaluation.folder import refuse_existing
    from ..evaluation.runner import check_counts
    from ..report import footnotes, format_table, save_markdown

    methods = None
    if settings.methods is not None:
        methods = [name.strip() for name in settings.methods.split(",")]
    n_jobs = joblib.cpu_count() if jobs is None else jobs
    granted = InformationSet.parse(settings.information)
    # what would fail in the end fails before the signals are read
    check_counts(n_jobs=n_jobs, n_shuffles=settings.shuffles, seed=settings.seed)
    refuse_existing(folder, if_exists)
    choose_rows(methods, granted, settings.seed)
    again = f"eegtl study --resume {shlex.quote(str(folder))}"
    progress = Progress("folds")
    try:
        collection = load(settings.name, settings.root, channels=_channels(settings.channels))
        title = _describe(collection)
        say(title)
        table = _features(collection, settings)
        say(
            f"protocol: leave-one-subject-out, {granted.tag}; what each row may see is in the "
            "column 'sees'"
        )
        with progress:
            result = run_study(
                table,
                methods=methods,
                information=granted,
                out=folder,
                n_jobs=n_jobs,
                progress=progress,
                n_shuffles=settings.shuffles,
                seed=settings.seed,
                if_exists=if_exists,
                command=asdict(settings),
            )
    except KeyboardInterrupt:
        _say_stopped(folder, again, ran=progress.done is not None, resumed=if_exists == "resume")
        raise typer.Exit(INTERRUPTED) from None
    save_markdown(result, folder, title)
    typer.echo("\n" + format_table(result))
    for note in footnotes(result):
        say(note)
    files = f"{folder}/{{table.csv, table.md, results.sqlite}}"
    say(f"written: {files}     resume with: {again}")


def _channels(text: str | None) -> Any:
    if text is None or "," not in text:
        return text
    return [name.strip() for name in text.split(",")]


def _describe(collection: Collection) -> str:
    card = collection.card
    assert card is not None, "collections that load() makes have a card"
    return (
        f"{collection.name}: {collection.extent()}, {card.sfreq:g} Hz, "
        f"{len(collection.ch_names)} channels; "
        f"labels {' / '.join(map(str, card.labels))} (card: datasets/{card.name})"
    )


def _features(collection: Collection, settings: Settings) -> FeatureTable:
    """Extract the features; warnings become notes, one line each."""
    import warnings

    from ..features import BANDS, FeatureExtractor

    window = settings.window
    if window is None:
        window = collection.card.study.window if collection.card else 2.0
    title = f"features: differential entropy, {len(BANDS)} bands, {window:g} s windows, causal"
    with warnings.catch_warnings(record=True) as caught, Progress(title) as progress:
        warnings.simplefilter("always")
        extractor = FeatureExtractor(window=window)
        table = extractor.extract(collection, progress, skip_bad=settings.skip_bad)
    for message in dict.fromkeys(str(warning.message) for warning in caught):
        say(f"note: {message}")
    for problem in table.info.get("skipped", []):
        say(f"left out: {problem}")
    return table


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
