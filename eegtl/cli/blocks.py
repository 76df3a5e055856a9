"""Where `eegtl calibrate` takes a wearer's block from: a recording, or a stream."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import InputError
from . import live
from .say import say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..personalize.profile import Profile
    from ..streaming.calibration_block import Block
    from ..streaming.events import Event


def block_of_file(
    base: Profile,
    wearer: Path,
    seconds: float,
    limits: dict[str, float],
    classes: Sequence[str] | None,
) -> Block:
    """Take a block from a recording, and say how good it is.

    Parameters
    ----------
    base : Profile
        Says which features are wanted.
    wearer : Path
    seconds : float
        How much good signal; 0 for all there is.
    limits : dict
        What takes the place of the profile's limits.
    classes : sequence of str or None
        Only windows that a mark puts into one of them count; None for all.

    Returns
    -------
    Block
    """
    from dataclasses import replace

    from ..recordings.readers.any_file import read_signal
    from ..streaming.calibration_block import block_of
    from ..streaming.fitting import quality_of

    data, sfreq, ch_names, marks = read_signal(wearer)
    found = block_of(
        base,
        data,
        sfreq,
        ch_names,
        marks,
        seconds=float("inf") if seconds <= 0 else seconds,
        quality=replace(quality_of(base), **limits),
        classes=classes,
    )
    _say_block(found, wearer.name)
    return found


def block_of_stream(
    base: Profile,
    asked: dict[str, str | None],
    *,
    markers: str | None,
    unit: str | None,
    channels: str | None,
    seconds: float,
    limits: dict[str, float],
    find: float,
    give_up: float | None,
    network: bool,
    classes: Sequence[str] | None,
) -> Block:
    """Listen until there is enough good signal, and tell meanwhile what happens in the stream.

    Parameters
    ----------
    base : Profile
        Says which features are wanted.
    asked : dict
        ``name``, ``type`` and ``source_id`` of the stream.
    markers, unit, channels, seconds, find, give_up, network
        As in the options.
    limits : dict
        What takes the place of the profile's limits.
    classes : sequence of str or None
        Only windows that a mark puts into one of them count; None for all.

    Returns
    -------
    Block
    """
    import threading
    from contextlib import ExitStack, closing
    from dataclasses import replace

    from ..streaming import lsl
    from ..streaming.calibration_block import BlockCollector
    from ..streaming.collecting import collect, patience
    from ..streaming.fitting import quality_of
    from ..streaming.inlets import MarkerInlet, SignalInlet
    from .progress import Progress
    from .stopping import stop_on_signals

    if not 0 < seconds < float("inf"):
        raise InputError("--seconds must be a number above 0 where a stream is listened to.")
    if give_up is not None and not give_up > 0:
        raise InputError(f"--give-up must be a positive number of seconds; got {give_up:g}.")
    search = lsl.Search(network=network)
    inlet = SignalInlet(
        search.find(**asked, seconds=find),
        unit=unit,
        ch_names=live.channels_of(channels),
        needed=base.ch_names,
    )
    say(f"found {inlet.description}")
    # the last label would go on for ever behind a loss that nobody tells
    marks = (
        None
        if markers is None
        else MarkerInlet(search.find(name=markers, seconds=find), recover=False)
    )
    del search  # it would look on as long as the stream is listened to
    collector = BlockCollector(
        base,
        inlet.sfreq,
        inlet.ch_names,
        seconds,
        replace(quality_of(base), **limits),
        _say_event,
        classes,
    )
    collector.warm_up()
    limit = patience(collector) if give_up is None else give_up
    labelled = "" if classes is None else " and labelled"
    say(f"listening until {seconds:g} s are good{labelled}, for at most {limit:g} s")
    stop = threading.Event()
    inlet.open()
    with ExitStack() as stack:
        stack.enter_context(closing(inlet))
        if marks is not None:
            stack.enter_context(closing(marks))
        stack.enter_context(stop_on_signals(stop))
        bar = stack.enter_context(Progress("good seconds"))
        collect(
            collector,
            inlet,
            marks,
            clock=lsl.local_clock,
            give_up=limit,
            stop=stop,
            progress=lambda good: bar(int(min(good, seconds)), int(seconds)),
        )
    if stop.is_set():
        raise KeyboardInterrupt
    found = collector.block()
    _say_block(found, inlet.description.name)
    return found


def rows_of(found: Block | None, base: Profile, labels: bool) -> tuple[Any, Any]:
    """Give rows, and labels where they are asked for: then only of windows that have one.

    Parameters
    ----------
    found : Block or None
    base : Profile
    labels : bool

    Returns
    -------
    X : ndarray of shape (n_windows, n_features) or None
    y : list of str or None
    """
    if found is None:
        if labels:
            raise InputError("--labels needs a recording or a stream with marks.")
        return None, None
    if not labels:
        return found.X, None
    X, y = found.labelled(base.labels)
    if not y:
        others = sorted({label for label in found.labels if label is not None})
        n_lost = found.quality["events"].get("mark_lost", 0)
        raise InputError(
            f"no window has a mark that names a class ({', '.join(base.labels)}); they have: "
            f"{', '.join(others) or 'no mark'}{f'; {n_lost} marks were lost' if n_lost else ''}. "
            "Leave --labels out, or mark the classes, each for longer than a window of "
            f"{base.extractor.window:g} s."
        )
    return X, y


def _say_block(found: Block, where: str) -> None:
    from ..streaming.calibration_block import most_frequent

    quality = found.quality
    said = f"{where}: {quality['good_windows']} good windows of {quality['windows']}"
    if quality["faults"]:
        said += f"; faults: {most_frequent(quality['faults'])}"
    say(said)


def _say_event(event: Event) -> None:
    """Tell the wearer what happens in the stream, as ``eegtl stream`` does."""
    from .event_words import QUIET, in_words

    if event.event not in QUIET:
        say(in_words(event))
