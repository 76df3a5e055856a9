"""What `eegtl stream` and `eegtl record` share: a profile, a stream, a session, and who listens."""

from __future__ import annotations

import re
import threading
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..errors import InputError, StreamError
from .say import say
from .stopping import stop_on_signals

if TYPE_CHECKING:
    from ..streaming.listeners import Listeners
    from ..streaming.lsl import Search

Name = Annotated[str | None, typer.Option(help="Name of the stream.")]
Type = Annotated[str | None, typer.Option("--type", help="Type of the stream.", show_default="EEG")]
SourceId = Annotated[str | None, typer.Option(help="Source id of the stream.")]
Markers = Annotated[str | None, typer.Option(help="Name of a stream of markers.")]
Unit = Annotated[str | None, typer.Option(help="Unit of the samples, whatever the stream says.")]
Channels = Annotated[
    str | None,
    typer.Option(
        help="Names of all its channels, separated by commas, or a headset such as muse.",
        show_default="as the stream says",
    ),
]
Calibrate = Annotated[
    float, typer.Option(help="Seconds of good signal to adapt to before predicting.")
]
Adapt = Annotated[str, typer.Option(help="How the model follows later: none, running or every.")]
Every = Annotated[int, typer.Option(help="Windows between two adaptations.")]
BadChannels = Annotated[str, typer.Option(help="Windows with bad channels: abstain or replace.")]
Mains = Annotated[float | None, typer.Option(help="Mains frequency, 50 or 60 Hz: hum is a fault.")]
Amplitude = Annotated[
    float | None,
    typer.Option(
        help="Microvolts from peak to peak beyond which a channel is bad; blinks have 100 to 400.",
        show_default="the profile's, or 200",
    ),
]
LeastConfidence = Annotated[float, typer.Option(help="Abstain below this confidence (0 to 1).")]
DriftReaction = Annotated[
    str,
    typer.Option(
        help="When the signal leaves the calibration's range for three minutes: tell, follow or "
        "ask."
    ),
]
OutName = Annotated[str, typer.Option(help="Name of the stream of predictions.")]
Duration = Annotated[
    float | None, typer.Option(help="Seconds after which it stops.", show_default="never")
]
Find = Annotated[float, typer.Option(help="Seconds to look for the stream.")]
Network = Annotated[bool, typer.Option("--network", help="Also streams of other machines.")]


#: Source ids that pylsl makes up where a program gives none: others at each start of it.
_MADE_UP = re.compile(r"-?[0-9]{15,20}")


@dataclass(frozen=True)
class Wanted:
    """What the options say.

    Attributes
    ----------
    profile : Path
    stream : dict
        ``name``, ``type`` and ``source_id``.
    markers, unit : str or None
    channels : list of str or None
        Names of all channels, whatever the stream says.
    session : dict
        Settings of the session.
    quality : dict
        Limits that take the place of the profile's.
    out_name : str
    seconds : float or None
    find : float
    network : bool
    log, record : Path or None
    """

    profile: Path
    stream: dict[str, str | None]
    markers: str | None
    unit: str | None
    channels: list[str] | None
    session: dict[str, Any]
    quality: dict[str, float]
    out_name: str
    seconds: float | None
    find: float
    network: bool
    log: Path | None = None
    record: Path | None = None


def settings_of(
    calibrate: float,
    adapt: str,
    every: int,
    bad_channels: str,
    least_confidence: float,
    drift: str,
) -> dict[str, Any]:
    """Give the settings of a session.

    Parameters
    ----------
    calibrate, adapt, every, bad_channels, least_confidence, drift
        As in the options.

    Returns
    -------
    dict
    """
    from ..streaming.adaptation import Adaptation
    from ..streaming.drift import Drift

    if not 0 <= least_confidence <= 1:
        raise InputError(
            f"--least-confidence is {least_confidence:g}; confidence goes from 0 to 1, write for "
            "example 0.5."
        )
    return {
        "calibrate": calibrate,
        "adaptation": Adaptation(adapt, every=every),
        "bad_channels": bad_channels,
        "least_confidence": least_confidence,
        "drift": Drift(drift),
    }


def channels_of(text: str | None) -> list[str] | None:
    """Give names of channels.

    Parameters
    ----------
    text : str or None
        Separated by commas, or the name of a headset.

    Returns
    -------
    list of str or None
    """
    from ..recordings.channels import HEADSETS

    if text is None:
        return None
    names = [name.strip() for name in text.split(",")]
    if not all(names):
        raise InputError(
            f"--channels is {text!r}, which has an empty name; write TP9,AF7,AF8,TP10."
        )
    if len(names) == 1 and names[0] in HEADSETS:
        return list(HEADSETS[names[0]])
    return names


def limits_of(mains: float | None, amplitude: float | None) -> dict[str, float]:
    """Give the limits of the signal that were asked for.

    Parameters
    ----------
    mains : float or None
        Hz.
    amplitude : float or None
        Microvolts.

    Returns
    -------
    dict
        Of `ArtefactMarks`.
    """
    given = {"mains": mains, "amplitude": None if amplitude is None else amplitude / 1e6}
    return {name: value for name, value in given.items() if value is not None}


def run_live(wanted: Wanted) -> None:
    """Find the stream, and run a session on it until it is stopped.

    Parameters
    ----------
    wanted : Wanted
    """
    from ..streaming import lsl
    from ..streaming.replay import refuse_no_name

    refuse_no_name(wanted.out_name, "--out-name")
    for option, value in (("--find", wanted.find), ("--duration", wanted.seconds)):
        if value is not None and not value > 0:
            raise InputError(f"{option} must be a positive number of seconds; got {value:g}.")
    asked_early = threading.Event()
    # an exception raised within an import may be swallowed there; an event is not
    with stop_on_signals(asked_early):
        say("looking for a stream" + ("" if wanted.network else " on this machine") + " ...")
        # looks while the imports of a model take their seconds
        search = lsl.Search(network=wanted.network)
        from ..personalize.profile import Profile
        from ..streaming.adaptation import refuse_to_forget
        from ..streaming.driver import Driver
        from ..streaming.fitting import quality_of
        from ..streaming.listeners import Listeners
        from ..streaming.prediction_outlets import PredictionOutlets
        from ..streaming.session import OnlineSession, SessionSettings
        from .stream_view import StreamView
    if asked_early.is_set():
        raise KeyboardInterrupt

    wearer = Profile.load(wanted.profile)
    quality = replace(quality_of(wearer), **wanted.quality)
    settings = SessionSettings(quality=quality, **wanted.session)
    # the session would refuse it, too, but only when a stream is there
    refuse_to_forget(wearer.model, settings.adaptation, calibrates=settings.calibrate > 0)
    inlet, markers = _connect(wanted, search, wearer.ch_names)
    sinks = Listeners()
    session = OnlineSession(
        wearer, settings, sfreq=inlet.sfreq, ch_names=inlet.ch_names, on_event=sinks.event
    )
    session.warm_up()
    search.refuse(wanted.out_name)
    del search  # it would look on as long as the session lasts
    sinks.add(PredictionOutlets(wearer.labels, wanted.out_name, network=wanted.network))
    stop = threading.Event()
    # files are begun when nothing can fail any more, and from then on a signal ends them properly
    with ExitStack() as stack:
        stack.enter_context(stop_on_signals(stop))
        recorder = _files(wanted, stack, sinks, wearer, settings, inlet)
        view = StreamView(
            wearer.labels, wearer.ch_names, lambda: (session.calibrated, settings.calibrate)
        )
        sinks.add(view)
        driver = Driver(
            inlet,
            _finder(inlet, wanted, wearer.ch_names),
            clock=lsl.local_clock,
            sinks=sinks,
            markers=markers,
            calls=recorder,
        )
        say(
            f"ready; predictions are the stream {wanted.out_name!r}: "
            f"{' '.join('p_' + label for label in wearer.labels)} confidence quality abstain lag_ms"
        )
        stack.enter_context(view)
        driver.run(session, stop, wanted.seconds)
    with suppress(OSError):  # the terminal may be gone; everything is written by now
        if recorder is not None and not driver.recording_failed:
            say(f"written: {wanted.record}")
        say(f"stopped after {driver.n_predictions} predictions")
    if driver.recording_failed:
        raise StreamError(
            f"{wanted.record} was not written to its end ({driver.recording_failed}); what there "
            f"is of it is {wanted.record}.partial, which can be read as it is."
        )


def _connect(wanted: Wanted, search: Search, needed: tuple[str, ...]) -> tuple[Any, Any]:
    """Find the signal, and the markers where they are asked for."""
    from ..streaming.inlets import MarkerInlet, SignalInlet

    found = search.find(**wanted.stream, seconds=wanted.find)
    inlet = SignalInlet(found, unit=wanted.unit, ch_names=wanted.channels, needed=needed)
    say(f"found {inlet.description}")
    if wanted.markers is None:
        return inlet, None
    return inlet, MarkerInlet(search.find(name=wanted.markers, seconds=wanted.find))


def _files(
    wanted: Wanted, stack: ExitStack, sinks: Listeners, wearer: Any, settings: Any, inlet: Any
) -> Any:
    """Begin the log and the recording; give the latter."""
    if wanted.log is not None:
        from ..streaming.log import JsonLog

        sinks.add(stack.enter_context(JsonLog(wanted.log, wearer.labels)))
    if wanted.record is None:
        return None
    from ..streaming.recorder import SessionRecorder

    recorder = stack.enter_context(
        SessionRecorder(
            wanted.record,
            inlet.description,
            wearer.labels,
            settings,
            ch_names=inlet.ch_names,
            factors=inlet.factors,
            profile=wearer.fingerprint,
        )
    )
    sinks.add(recorder)
    return recorder


def _finder(first: Any, wanted: Wanted, needed: tuple[str, ...]) -> Any:
    """Give what looks for a lost stream: the same source, or where it has no id, the same name."""
    from ..streaming import lsl
    from ..streaming.inlets import SignalInlet
    from ..streaming.lsl import StreamNotFoundError

    said = first.description
    if said.source_id and not _MADE_UP.fullmatch(said.source_id):
        like = {"source_id": said.source_id, "name": said.name}
    else:
        like = {"name": said.name, "type": said.type}

    def again() -> Any:
        try:
            found = lsl.Search(network=wanted.network).find(**like, seconds=0.5)
        except StreamNotFoundError:
            return None
        return SignalInlet(
            found,
            unit=wanted.unit,
            ch_names=wanted.channels,
            needed=needed,
            like=first,
            seconds=2.0,
        )

    return again
