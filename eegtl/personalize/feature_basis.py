"""What profiles and source files both say: how features are computed, and from what."""

from __future__ import annotations

import json
import math
import warnings
from collections.abc import Mapping
from contextlib import suppress
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import EegtlError, InputError, SignalWarning
from ..features.description import describe_extractor, extractor_from
from .plain_values import floats, number, text, text_list

if TYPE_CHECKING:
    from ..features import FeatureExtractor, FeatureTable
    from ..recordings.collection import Collection

# What a file may ask for; far beyond what any device and any model has. Filters, windows and names
# of columns are made before anything else can be known to be wrong with it.
MAX_CHANNELS, MAX_BANDS, MAX_STEPS, MAX_COLUMNS = 512, 64, 16, 2**20
#: Hz; samples of a window; how often the rate may change, and by how much.
MAX_RATE, MAX_WINDOW, MAX_RESAMPLINGS, MAX_RATIO = 1e5, 2**20, 2, 256.0
#: Each predicts once when a file is read.
MAX_MODELS = 64
#: What a tree of wrong values raises, where it is put together or tried.
DISTORTED = (
    ArithmeticError,
    AttributeError,
    LookupError,
    MemoryError,
    RuntimeError,
    TypeError,
    ValueError,
)


def table_of(recordings: Collection | FeatureTable, extractor: FeatureExtractor) -> FeatureTable:
    """Give the features of recordings, unless they are features already.

    Parameters
    ----------
    recordings : Collection, list of Recording or FeatureTable
    extractor : FeatureExtractor

    Returns
    -------
    FeatureTable
    """
    from ..features import FeatureTable  # asks for pandas, which a live start does without

    return recordings if isinstance(recordings, FeatureTable) else extractor.extract(recordings)


def signals_of(table: FeatureTable, extractor: FeatureExtractor) -> dict[str, Any]:
    """Give rate, channels and pass-band of the recordings that a table is of.

    The table says them, so that no recording is read for them, nor one that was left out.

    Parameters
    ----------
    table : FeatureTable
    extractor : FeatureExtractor

    Returns
    -------
    dict
        The fields ``sfreq, ch_names, passband``.

    Raises
    ------
    InputError
        When the recordings have several rates, or pass-bands to which bands are clipped unlike, or
        the table does not say, or another extractor made it.
    """
    missing = [key for key in ("sfreq", "ch_names", "passbands") if key not in table.info]
    if missing:
        raise InputError(
            f"the table of features does not say {', '.join(missing)} of its recordings; it was "
            "not made by extract of this eegtl. Extract the features anew."
        )
    for name, own in describe_extractor(extractor).items():
        found = json.loads(json.dumps(table.info.get(name)))
        if found != own:
            raise InputError(
                f"the table of features was made by another extractor: its {name} is "
                f"{found!r:.80}, that of the one that was given {own!r:.80}. Give its own one."
            )
    rates, ch_names = table.info["sfreq"], tuple(table.info["ch_names"])
    if len(rates) > 1:
        raise InputError(
            f"the recordings have the sampling rates {rates} Hz; a profile has one. Select "
            "recordings of one rate, or resample them."
        )
    passbands = [None if band is None else tuple(band) for band in table.info["passbands"]]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SignalWarning)  # extraction said it
        bands = [extractor.start(rates[0], ch_names, own).bands for own in passbands]
    if any(own != bands[0] for own in bands):
        raise InputError(
            f"the recordings have the pass-bands {', '.join(map(str, passbands))} Hz, to which the "
            "bands of the features are clipped: one name would stand for unlike frequencies. "
            "Select recordings of one pass-band, or bands that all of them hold."
        )
    return {"sfreq": float(rates[0]), "ch_names": ch_names, "passband": passbands[0]}


def basis_to_tree(owner: Any) -> dict[str, Any]:
    """Give the entries as plain values and arrays.

    Parameters
    ----------
    owner : Profile or SourceFile

    Returns
    -------
    dict
    """
    return {
        "extractor": describe_extractor(owner.extractor),
        "sfreq": owner.sfreq,
        "ch_names": list(owner.ch_names),
        "passband": None if owner.passband is None else list(owner.passband),
        "mean": owner.mean,
        "sd": owner.sd,
    }


def basis_from_tree(tree: Mapping[str, Any]) -> dict[str, Any]:
    """Give the fields of plain values and arrays.

    Parameters
    ----------
    tree : mapping

    Returns
    -------
    dict

    Raises
    ------
    TypeError, ValueError, LookupError
        When the values are none.
    """
    passband = tree["passband"]
    basis: dict[str, Any] = {
        "extractor": extractor_from(tree["extractor"]),
        "sfreq": number(tree["sfreq"]),
        "ch_names": text_list(tree["ch_names"]),
        "passband": None if passband is None else (number(passband[0]), number(passband[1])),
        "mean": floats(tree["mean"], 1),
        "sd": floats(tree["sd"], 1),
    }
    check_extent(basis["extractor"], basis["sfreq"], len(basis["ch_names"]))
    _at_most(len(basis["mean"]), MAX_COLUMNS, "features")
    return basis


def check_extent(extractor: FeatureExtractor, sfreq: float, n_channels: int) -> None:
    """Refuse settings from a file whose filters, windows or columns would take all memory.

    Parameters
    ----------
    extractor : FeatureExtractor
    sfreq : float
    n_channels : int

    Raises
    ------
    ValueError
        When one is beyond the largest.
    """
    steps = [step.describe() for step in extractor.preprocessing.steps]
    listed = [len(value) for step in steps for value in step.values() if isinstance(value, list)]
    channels = max([n_channels, *listed])
    _at_most(channels, MAX_CHANNELS, "channels")
    _at_most(len(extractor.bands), MAX_BANDS, "bands")
    _at_most(len(steps), MAX_STEPS, "steps of preprocessing")
    pairs = channels * (channels + 1) // 2
    lines = [pairs if one.per.startswith("pair") else channels for one in extractor.features]
    # some features have three values a channel, and no bands
    _at_most(sum(lines) * max(3, len(extractor.bands)), MAX_COLUMNS, "columns of features")
    rates = [sfreq, *(step["sfreq"] for step in steps if step["name"] == "resample")]
    _at_most(len(rates) - 1, MAX_RESAMPLINGS, "changes of the sampling rate")
    _at_most(max(rates), MAX_RATE, "Hz")
    if any(not 1 / MAX_RATIO <= after / before <= MAX_RATIO for before, after in pairwise(rates)):
        raise ValueError(f"the sampling rate changes by more than {MAX_RATIO:g} times")
    _at_most(extractor.window * max(rates), MAX_WINDOW, "samples in a window")


def _at_most(found: float, most: float, what: str) -> None:
    if not found <= most:
        raise ValueError(f"{found:g} {what} are more than the {most:g} that are read")


def try_extractor(owner: Any) -> None:
    """Begin a stream as live use does: filters that cannot be used shall not be read.

    Parameters
    ----------
    owner : Profile or SourceFile

    Raises
    ------
    ValueError
        When filters never settle.
    """
    # what does not fit together says so itself, where it is used
    with warnings.catch_warnings(), suppress(EegtlError):
        warnings.simplefilter("ignore", SignalWarning)
        stream = owner.extractor.start(owner.sfreq, owner.ch_names, owner.passband)
        if not math.isfinite(stream.settling):
            raise ValueError(f"filters at {owner.sfreq:g} Hz never settle")


def try_model(model: Any, mean: NDArray[np.float64], classes: NDArray[Any]) -> None:
    """Let a model of a file predict once: what was tampered with shall fail when it is read.

    Parameters
    ----------
    model : transfer classifier
    mean : ndarray of shape (n_features,)
        A row.
    classes : ndarray of shape (n_classes,)
        That it must know.

    Raises
    ------
    ValueError, TypeError
        When it has others, gives another number of probabilities, or does not say what it sees.
    """
    own = np.asarray(model.classes_)
    if own.ndim != 1 or own.tolist() != classes.tolist():
        raise ValueError("a model knows other classes than the others")
    text(model.information_)
    # what a model says of rows that it does not like, it says itself
    with suppress(EegtlError):
        p = np.asarray(model.predict_proba(mean[None]), dtype=np.float64)
        if p.shape != (1, len(classes)):
            raise ValueError(f"the probabilities of a window have the shape {p.shape}")
