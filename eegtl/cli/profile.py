"""``eegtl profile``: what is in a wearer's profile."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..errors import InputError
from .problems import one_paragraph
from .say import say

if TYPE_CHECKING:
    from ..personalize.profile import Profile

profile_app = typer.Typer(
    help="Show, compare and export a wearer's profile.",
    epilog="Example: eegtl profile show anna.eegtl",
    rich_markup_mode=None,
    no_args_is_help=True,
)
File = Annotated[Path, typer.Argument(metavar="file", help="A profile.")]


@profile_app.command(epilog="Example: eegtl profile show anna.eegtl")
def show(
    file: File,
    arrays: Annotated[
        bool, typer.Option("--arrays", help="List every array, and from whom it comes at most.")
    ] = False,
) -> None:
    """Show where a profile comes from, its days, and what to expect of it."""
    with one_paragraph():
        from ..personalize.inspection import arrays_of
        from ..personalize.profile import Profile

        wearer = Profile.load(file)
        _tell(wearer, file)
        if arrays:
            for line in arrays_of(wearer):
                typer.echo(f"  {line.path}  {line.shape}  {line.bytes} bytes  of {line.people}")


@profile_app.command(epilog="Example: eegtl profile diff monday.eegtl tuesday.eegtl")
def diff(file: File, other: Annotated[Path, typer.Argument(help="Another profile.")]) -> None:
    """Show in what two profiles differ."""
    with one_paragraph():
        from ..personalize.inspection import differences
        from ..personalize.profile import Profile

        found = differences(Profile.load(file), Profile.load(other))
        for line in found:
            say(line)
        if not found:
            say("the profiles are the same")


@profile_app.command(epilog="Example: eegtl profile export anna.eegtl --out anna.json")
def export(
    file: File,
    out: Annotated[Path, typer.Option(help="JSON file to write.")],
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace the file when it is there.")
    ] = False,
) -> None:
    """Write all that a profile holds as JSON: for other programs, or to look at it."""
    with one_paragraph("stopped; nothing was written."):
        import json

        from ..evaluation.folder import write_whole
        from ..personalize.inspection import as_plain
        from ..personalize.profile import Profile

        if out.exists() and not overwrite:
            raise InputError(f"{out} is there already; choose another --out, or --overwrite.")
        text = json.dumps(as_plain(Profile.load(file)), indent=1, allow_nan=False)
        write_whole(out, text + "\n")
        say(f"written: {out}")


def _tell(wearer: Profile, file: Path) -> None:
    """Say what it is, where it comes from, and what was decided."""
    told = wearer.provenance
    say(
        f"{file.name}: classes {', '.join(wearer.labels)}; {len(wearer.mean)} features of "
        f"{' '.join(wearer.ch_names)} at {wearer.sfreq:g} Hz; {file.stat().st_size / 1024:.0f} "
        f"KiB, fingerprint {wearer.fingerprint[:12]}"
    )
    say(
        f"sources: {told.get('n_people', '?')} people, {told.get('n_windows', '?')} windows of "
        f"{', '.join(map(str, told.get('datasets', []))) or 'unknown origin'}"
        + (f"; file {told['sources'][:12]}" if "sources" in told else "")
    )
    model = wearer.name or type(wearer.model).__name__
    say(
        f"model: {model}, sees: {wearer.model.information_}"
        + (f", of {wearer.day}" if wearer.day else "")
    )
    for entry in wearer.history:
        say(f"- {_line(entry)}")


def _line(entry: Any) -> str:
    """Say one calibration."""
    if "candidate" not in entry:
        return ", ".join(f"{key}: {value}" for key, value in entry.items())
    said = f"{entry['day']}: {entry['candidate']}, {entry['seconds']:g} s, block {entry['kind']}"
    if entry.get("guarded"):
        said += ", by the guard"
    expected = entry.get("expected") or {}
    if expected:
        said += f", expected {100 * expected['mean']:.0f} %"
    drift = entry.get("drift")
    if drift:
        said += f", drift since {drift['since']} {drift['value']:.2f}"
    if "rolled_back_to" in entry:
        said = f"rolled back to {said}"
    return said
