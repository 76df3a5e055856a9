"""A chain on a whole recording, in blocks, so that the memory is that of input and output."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import mne
import numpy as np

from ..errors import SignalError, SignalWarning, SubjectError
from ..recordings.recording import Recording
from ..recordings.signals import check_signals
from .artefacts import Annotator
from .format import Floats, join_pieces

if TYPE_CHECKING:
    from .chain import Chain, RunningChain

# Of all channels together. A block is 1 MB: it stays in the cache from step to step.
_BLOCK_SAMPLES = 2**17


def apply_chain(chain: Chain, recording: Recording) -> Recording:
    """Process a whole recording; see `Chain.apply`.

    Parameters
    ----------
    chain : Chain
        What to do.
    recording : Recording
        What to do it to.

    Returns
    -------
    Recording
        A new one.

    Raises
    ------
    SubjectError
        When a step cannot work on this recording, or nothing but gaps is left of it.

    Warns
    -----
    SignalWarning
        When a channel marked bad enters others.

    Examples
    --------
    >>> import eegtl
    >>> from eegtl.preprocessing import Chain
    >>> recording = eegtl.load("synthetic")[0]
    >>> bool((apply_chain(Chain(), recording).get_data() == recording.get_data()).all())
    True
    """
    annotator = Annotator()
    try:
        running = chain.start(
            recording.sfreq, recording.ch_names, recording.passband, annotator.push
        )
        warn_of_bads(recording, running)
        annotator.begin(running.marks, running.marks_format)
        data = _process(running, recording)
        annotator.finish()
    except SignalError as error:
        raise SubjectError(str(error), file=recording.file, subject=recording.subject) from error
    _check_left(data, recording)
    raw = mne.io.RawArray(data, _info(recording.raw, running), verbose="error")
    _annotate(raw, recording.raw, annotator, running)
    return Recording(
        raw,
        subject=recording.subject,
        session=recording.session,
        trials=recording.trials,
        dataset=recording.dataset,
        file=recording.file,
        passband=running.passband,
        causal=recording.causal and chain.causal,
        notes=(*recording.notes, *running.notes),
    )


def warn_of_bads(recording: Recording, running: RunningChain) -> None:
    """Say which channels are marked bad and enter others all the same.

    Parameters
    ----------
    recording : Recording
        Its raw names the bad channels.
    running : RunningChain
        What the recording passes.

    Warns
    -----
    SignalWarning
        When a channel marked bad is part of a reference or interpolates others.
    """
    bads = [name for name in recording.raw.info["bads"] if name in running.spread]
    if bads:
        warnings.warn(
            f"{recording.file} (subject {recording.subject}): {', '.join(bads)} "
            f"{'is' if len(bads) == 1 else 'are'} marked bad and enter"
            f"{'s' if len(bads) == 1 else ''} other channels by a reference or by interpolation; "
            "keep the others with Channels before, and let Harmonise behind it interpolate what "
            "is missing",
            SignalWarning,
            stacklevel=4,
        )


def _check_left(data: Floats, recording: Recording) -> None:
    """Refuse a result that is one gap, and name the channel that made it so."""
    if not data.shape[1] or any(np.isfinite(row).any() for row in data):
        return
    names = recording.ch_names
    rows = (recording.raw.get_data(picks=[i])[0] for i in range(len(names)))
    check_signals(rows, names, file=recording.file, subject=recording.subject)
    zero = [name for i, name in enumerate(names) if not recording.raw.get_data(picks=[i]).any()]
    why = (
        f"zero throughout: {', '.join(zero)}, which Dropouts takes for lost"
        if zero
        else ("at every moment some channel has no sample")
    )
    raise SubjectError(
        f"nothing but a gap is left ({why}). Leave such channels out with Channels",
        file=recording.file,
        subject=recording.subject,
    )


def _process(running: RunningChain, recording: Recording) -> Floats:
    """Push the recording in blocks."""
    block = max(1, _BLOCK_SAMPLES // len(recording.ch_names))
    parts = [
        running.push(recording.get_data(start, start + block))
        for start in range(0, recording.n_times, block)
    ]
    parts.append(running.finish())
    return join_pieces(parts, len(running.ch_names))


def _info(before: Any, running: RunningChain) -> Any:
    """Describe the new channels; what MNE knew of those that stay, it keeps."""
    info = mne.create_info(list(running.ch_names), running.sfreq, "eeg", verbose="error")
    known = dict(zip(before.ch_names, before.info["chs"], strict=True))
    for channel in info["chs"]:
        if channel["ch_name"] in known:
            channel["loc"] = known[channel["ch_name"]]["loc"].copy()
    info["bads"] = [name for name in before.info["bads"] if name in running.kept]
    info.set_meas_date(before.info["meas_date"])
    return info


def _annotate(raw: Any, before: Any, annotator: Annotator, running: RunningChain) -> None:
    """Carry annotations over, and add those of the marks; times count from the first sample."""
    old = before.annotations
    rows = [
        (onset - before.first_time, duration, kind, _still_marked(names, running, running.spread))
        for onset, duration, kind, names in zip(
            old.onset, old.duration, old.description, old.ch_names, strict=True
        )
    ]
    rows += [
        (onset, duration, kind, _still_marked(names, running, running.spread_behind_marks))
        for onset, duration, kind, names in annotator.rows
    ]
    rows = [row for row in rows if row[3] is not None]
    if rows:
        onsets, durations, kinds, channels = zip(*rows, strict=True)
        raw.set_annotations(
            mne.Annotations(onsets, durations, kinds, raw.annotations.orig_time, channels)
        )


def _still_marked(
    names: tuple[str, ...], running: RunningChain, spread: frozenset[str]
) -> tuple[str, ...] | None:
    """Give the channels a mark is about behind the chain: () for all, None for none that is left.

    A channel that left and was mixed into others before, a reference say, marks all of them.
    """
    left = tuple(name for name in names if name in running.kept)
    if len(left) < len(names):
        if spread.intersection(names).difference(left):
            return ()
        return left or None
    return left
