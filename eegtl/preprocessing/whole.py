"""A chain on a whole recording, in blocks, so that the memory is that of input and output."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import mne

from ..errors import SignalError, SubjectError
from ..recordings.recording import Recording
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
        When a step cannot work on this recording.

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
        annotator.begin(running.marks, running.marks_format)
        data = _process(running, recording)
        annotator.finish()
    except SignalError as error:
        raise SubjectError(str(error), file=recording.file, subject=recording.subject) from error
    raw = mne.io.RawArray(data, _info(recording.raw, running), verbose="error")
    _annotate(raw, recording.raw, annotator)
    return Recording(
        raw,
        subject=recording.subject,
        session=recording.session,
        trials=recording.trials,
        dataset=recording.dataset,
        file=recording.file,
        passband=running.passband,
        causal=recording.causal and chain.causal,
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
    info["bads"] = [name for name in before.info["bads"] if name in info.ch_names]
    info.set_meas_date(before.info["meas_date"])
    return info


def _annotate(raw: Any, before: Any, annotator: Annotator) -> None:
    """Carry annotations over, and add those of the marks; times count from the first sample."""
    old = before.annotations
    onsets = [*(old.onset - before.first_time), *annotator.onsets]
    durations = [*old.duration, *annotator.durations]
    kinds = [*old.description, *annotator.kinds]
    channels = [*old.ch_names, *annotator.channels]
    present = set(raw.ch_names)
    channels = [tuple(name for name in names if name in present) for names in channels]
    if onsets:
        raw.set_annotations(
            mne.Annotations(onsets, durations, kinds, raw.annotations.orig_time, channels)
        )
