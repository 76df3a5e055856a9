"""``eegtl calibrate``: a wearer's profile, from others and the first minute of today."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..errors import EegtlError, InputError
from . import live
from .blocks import block_of_file, block_of_stream, rows_of
from .problems import one_paragraph
from .say import say

if TYPE_CHECKING:
    from ..personalize.profile import Profile
    from ..personalize.source_file import SourceFile
    from ..streaming.calibration_block import Block

EPILOG = (
    "Examples: eegtl calibrate --sources seed.eegsrc --wearer morning.xdf --out anna.eegtl  |  "
    "eegtl calibrate --sources eegmat.eegsrc --name Muse --block 'only rest' --out anna.eegtl  |  "
    "eegtl calibrate --update anna.eegtl --wearer tuesday.xdf --day Tuesday  |  "
    "eegtl calibrate --update anna.eegtl --roll-back Monday"
)

#: Options that nothing reads where there is no stream.
_ABOUT_STREAMS = ("--markers", "--unit", "--channels", "--give-up")


def calibrate(
    sources: Annotated[
        Path | None, typer.Option(help="File of 'eegtl sources prepare'.", show_default=False)
    ] = None,
    wearer: Annotated[
        Path | None, typer.Option(help="A recording of the wearer.", show_default="none")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Profile to write.", show_default=False)] = None,
    update: Annotated[
        Path | None, typer.Option(help="Profile that begins a new day; no sources are needed.")
    ] = None,
    day: Annotated[
        str | None, typer.Option(help="Name of the day.", show_default="the date")
    ] = None,
    roll_back: Annotated[
        str | None, typer.Option(help="With --update: return to this day.")
    ] = None,
    seconds: Annotated[
        float,
        typer.Option(
            help="Good signal to use, from the first on (with --labels only what has one counts); "
            "0 for all there is."
        ),
    ] = 60.0,
    block: Annotated[
        str,
        typer.Option(
            help="What the block holds: first (unknown), balanced (all classes alike), or "
            "'only CLASS', such as 'only rest'."
        ),
    ] = "first",
    labels: Annotated[
        bool, typer.Option("--labels", help="Marks that name a class are labels.")
    ] = False,
    name: live.Name = None,
    type_: live.Type = None,
    source_id: live.SourceId = None,
    markers: live.Markers = None,
    unit: live.Unit = None,
    channels: live.Channels = None,
    mains: live.Mains = None,
    amplitude: live.Amplitude = None,
    find: live.Find = 10.0,
    give_up: Annotated[
        float | None,
        typer.Option(
            help="Seconds after which a stream that has not given enough good signal is left.",
            show_default="5 x --seconds + settling, at least 60",
        ),
    ] = None,
    network: live.Network = False,
    picture: Annotated[
        Path | None, typer.Option(help="Draw what calibration brings: PNG, SVG or PDF.")
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace the profile when it is there.")
    ] = False,
) -> None:
    """Make a profile from other people and a first minute of the wearer, or begin a new day.

    The minute comes from a recording (--wearer), from a stream (--name, --type or --source-id), or
    there is none. --update changes the profile in place; earlier days stay in it.
    """
    with one_paragraph("stopped; nothing was written."):
        from ..personalize import calibration

        asked = {"name": name, "type": type_, "source_id": source_id}
        streams = any(asked.values())
        _refuse_what_cannot_apply(
            {
                "--wearer": wearer is not None,
                "a stream (--name, --type, --source-id)": streams,
                "--markers": markers is not None,
                "--unit": unit is not None,
                "--channels": channels is not None,
                "--give-up": give_up is not None,
                "--labels": labels,
                "--picture": picture is not None,
                "--block": block != "first",
                "--day": day is not None,
            },
            roll_back=roll_back is not None,
        )
        if picture is not None:
            from ..report.figures.files import check_name

            check_name(picture)
        base, others, target = _base(sources, update, out, overwrite)
        if roll_back is not None:
            if update is None:
                raise InputError("--roll-back needs --update, the profile that has the day.")
            made = calibration.roll_back(base, roll_back)
            made.save(target, overwrite=overwrite or target == update)
            say(f"rolled back to {roll_back}: {_model_of(made)}")
            say(f"written: {target}")
            return
        limits = live.limits_of(mains, amplitude)
        today = _today() if day is None else day
        if base.plan is not None and block not in base.plan.kinds:
            raise InputError(
                f"--block is {block!r}; it may be: {', '.join(map(repr, base.plan.kinds))}."
            )
        if any(known.name == today for known in base.days) and update is not None:
            raise InputError(f"the profile has a day {today!r} already; name this one by --day.")
        if labels and streams and markers is None:
            raise InputError("--labels needs the stream of the marks: --markers NAME.")
        found: Block | None = None
        classes = base.labels if labels else None
        if wearer is not None:
            found = block_of_file(base, wearer, seconds, limits, classes)
        elif streams:
            found = block_of_stream(
                base,
                asked,
                markers=markers,
                unit=unit,
                channels=channels,
                seconds=seconds,
                limits=limits,
                find=find,
                give_up=give_up,
                network=network,
                classes=classes,
            )
        X, y = rows_of(found, base, labels)
        quality = {} if found is None else found.quality
        if update is not None:
            if X is None:
                raise InputError(
                    "--update needs the first minutes of the new day: --wearer FILE, or a stream "
                    "by --name."
                )
            made = calibration.update(base, X, y, day=today, kind=block, quality=quality)
        else:
            assert others is not None
            made = calibration.calibrate(others, X, y, day=today, kind=block, quality=quality)
        made.save(target, overwrite=overwrite or target == update)
        _tell(made)
        say(f"written: {target}")
        if picture is not None:
            _draw(made, picture, target)


def _refuse_what_cannot_apply(given: dict[str, bool], *, roll_back: bool) -> None:
    """Refuse options that nothing would read."""
    stream = "a stream (--name, --type, --source-id)"
    about_streams = [o for o in _ABOUT_STREAMS if given[o]]
    if roll_back and any(given.values()):
        named = ", ".join(option for option, is_given in given.items() if is_given)
        raise InputError(f"--roll-back makes an earlier day again, and reads no {named}.")
    if given["--wearer"] and (given[stream] or about_streams):
        named = ", ".join([stream] * given[stream] + about_streams)
        raise InputError(f"--wearer is a recording; {named} cannot apply beside it.")
    if about_streams and not given[stream]:
        raise InputError(
            f"{', '.join(about_streams)} is about a stream; say which by --name, --type or "
            "--source-id."
        )
    if given["--labels"] and given["--block"]:
        raise InputError(
            "--labels and --block both say what the block holds; leave one of them out."
        )


def _base(
    sources: Path | None, update: Path | None, out: Path | None, overwrite: bool
) -> tuple[Profile, SourceFile | None, Path]:
    """Give what says which features are wanted, the sources of a new profile, where to write."""
    from ..personalize.calibration import calibrate as make
    from ..personalize.profile import Profile
    from ..personalize.source_file import SourceFile

    if (sources is None) == (update is None):
        raise InputError(
            "give --sources for a new profile, or --update for a new day of one; write for "
            "example: eegtl calibrate --sources seed.eegsrc --wearer morning.xdf --out anna.eegtl."
        )
    if update is not None:
        if out is not None and out != update and out.exists() and not overwrite:
            raise InputError(f"{out} is there already; choose another --out, or --overwrite.")
        return Profile.load(update), None, update if out is None else out
    if out is None:
        raise InputError("--out is missing: the profile to write, for example --out anna.eegtl.")
    if out.exists() and not overwrite:
        raise InputError(f"{out} is there already; choose another --out, or --overwrite.")
    assert sources is not None
    others = SourceFile.load(sources)
    return make(others), others, out


def _tell(made: Profile) -> None:
    """Print what was chosen, why, and what to expect."""
    entry = made.history[-1]
    seen = "labelled" if entry["labelled"] else "without labels"
    if entry["n_windows"]:
        say(f"{entry['seconds']:g} s {seen}, block: {entry['kind']}.")
    else:
        say("no signal of the wearer: the others' model.")
    expected = entry["expected"]
    if expected:
        held = expected["coverage"]
        known = (
            f"; such intervals held {100 * held:.0f} % of {expected['n_people']} people left out"
            if held == held  # NaN of two people
            else f"; of {expected['n_people']} people"
        )
        say(
            f"expected for a new wearer: {100 * expected['mean']:.0f} % balanced accuracy "
            f"({100 * expected['low']:.0f}-{100 * expected['high']:.0f}{known})."
        )
        _tell_more(made, entry)
    for reason in entry["reasons"]:
        say(f"- {reason}")
    drift = entry.get("drift")
    if drift:
        usual = drift["usual"]
        known = "" if usual != usual else f" (usual from day to day: {usual:.2f})"
        if not drift["same_kind"]:
            known = " (the two blocks hold unlike classes, which is part of it)"
        say(f"drift since {drift['since']}: {drift['value']:.2f} spreads within a day{known}.")
    if len(made.days) > 1:
        say(
            f"days: {', '.join(d.name for d in made.days)}; return by --update PROFILE "
            "--roll-back DAY."
        )


def _tell_more(made: Profile, entry: Any) -> None:
    """Say what a longer block would bring."""
    from ..personalize.choosing import choose, longer_block

    plan = made.plan
    if plan is None:
        return
    kind, labelled = entry["kind"], entry["labelled"]
    longer = longer_block(plan, entry["seconds"], kind, labelled=labelled)
    if longer is not None:
        seconds, gain, n_people = longer
        name = choose(plan, seconds, labelled=labelled, kind=kind).name
        say(
            f"{seconds:g} s would change that by {100 * gain:+.1f} points (mean of {n_people} "
            f"source people), with {name}."
        )


def _draw(made: Profile, picture: Path, target: Path) -> None:
    """Draw what calibration brings; the wearer's minute is kept by now, whatever comes of it."""
    entry = made.history[-1]
    assert made.plan is not None
    with one_paragraph(f"stopped; {target} is written, and no picture."):
        from ..report.figures import calibration_figure
        from ..report.figures.files import save_figure

        try:
            figure = calibration_figure(
                made.plan, entry["kind"], entry["seconds"] or None, labelled=entry["labelled"]
            )
            save_figure(figure, picture)
        except EegtlError as error:
            raise InputError(
                f"{target} is written, but the picture was not drawn: {error}"
            ) from error
    say(f"written: {picture}")


def _model_of(made: Profile) -> str:
    return f"{made.name} of {made.day}" if made.name else "its model"


def _today() -> str:
    from datetime import date

    return date.today().isoformat()
