"""Channel names of many devices and eras, brought to one spelling."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import SignalError


def _split(names: str) -> tuple[str, ...]:
    """Return names written with blanks between them."""
    return tuple(names.split())


TEN_TEN = _split(
    """
    Nz Fp1 Fpz Fp2 AF9 AF7 AF5 AF3 AF1 AFz AF2 AF4 AF6 AF8 AF10
    F9 F7 F5 F3 F1 Fz F2 F4 F6 F8 F10 FT9 FT7 FC5 FC3 FC1 FCz FC2 FC4 FC6 FT8 FT10
    T9 T7 C5 C3 C1 Cz C2 C4 C6 T8 T10 TP9 TP7 CP5 CP3 CP1 CPz CP2 CP4 CP6 TP8 TP10
    P9 P7 P5 P3 P1 Pz P2 P4 P6 P8 P10 PO9 PO7 PO5 PO3 PO1 POz PO2 PO4 PO6 PO8 PO10
    O1 Oz O2 I1 Iz I2 A1 A2 M1 M2 CB1 CB2
    """
)
"""Electrode names of the 10-10 system, the ears, the mastoids and SEED's CB1 and CB2."""

TEN_TWENTY = _split("Fp1 Fp2 F3 F4 F7 F8 T7 T8 C3 C4 P7 P8 P3 P4 O1 O2 Fz Cz Pz")
"""The 19 scalp electrodes of the 10-20 system."""

HEADSETS: dict[str, tuple[str, ...]] = {
    "muse": ("TP9", "AF7", "AF8", "TP10"),
    "epoc": _split("AF3 F7 F3 FC5 T7 P7 O1 O2 P8 T8 FC6 F4 F8 AF4"),
    "ten-twenty": TEN_TWENTY,
    "deap32": _split(
        "Fp1 AF3 F3 F7 FC5 FC1 C3 T7 CP5 CP1 P3 P7 PO3 O1 Oz Pz "
        "Fp2 AF4 Fz F4 F8 FC6 FC2 Cz C4 T8 CP6 CP2 P4 P8 PO4 O2"
    ),
    "seed62": _split(
        "Fp1 Fpz Fp2 AF3 AF4 F7 F5 F3 F1 Fz F2 F4 F6 F8 FT7 FC5 FC3 FC1 FCz FC2 FC4 FC6 FT8 "
        "T7 C5 C3 C1 Cz C2 C4 C6 T8 TP7 CP5 CP3 CP1 CPz CP2 CP4 CP6 TP8 P7 P5 P3 P1 Pz P2 P4 "
        "P6 P8 PO7 PO5 PO3 POz PO4 PO6 PO8 CB1 O1 Oz O2 CB2"
    ),
}
"""Channel sets of known devices and data sets, in their usual order."""

FRONT_BACK: tuple[tuple[str, str], ...] = tuple(
    zip(
        _split(
            "FT7 FC5 FC3 FC1 FCz FC2 FC4 FC6 FT8 F7 F5 F3 F1 Fz F2 F4 F6 F8 Fp1 Fp2 Fpz AF3 AF4"
        ),
        _split("TP7 CP5 CP3 CP1 CPz CP2 CP4 CP6 TP8 P7 P5 P3 P1 Pz P2 P4 P6 P8 O1 O2 Oz CB1 CB2"),
        strict=True,
    )
)
"""The 23 pairs of frontal and posterior electrodes of Zheng and Lu (2015) on the SEED cap."""

_OLD_NAMES = {"t3": "T7", "t4": "T8", "t5": "P7", "t6": "P8"}
_OTHER_NAMES = {"rightaux": "Right AUX", "auxright": "Right AUX", "leftaux": "Left AUX"}
_OTHER_NAMES["auxleft"] = "Left AUX"
_REFERENCES = ("ref", "le", "re", "avg", "ar", "a1", "a2", "m1", "m2")
_PLACED_AT = {"CB1": "PO9", "CB2": "PO10"}
_CANONICAL = {name.lower(): name for name in TEN_TEN} | _OLD_NAMES


def canonical_name(name: str) -> str:
    """Bring one channel name to the spelling used everywhere in eegtl.

    Upper and lower case do not matter; the prefix ``EEG``, a reference behind a hyphen and the
    dots that PhysioNet pads names with are removed; the old names T3, T4, T5 and T6 become T7,
    T8, P7 and P8. A name that is no electrode of the 10-10 system is returned with its spelling,
    apart from surrounding blanks.

    Parameters
    ----------
    name : str
        The name as the file or the device has it.

    Returns
    -------
    str
        The canonical name.

    Examples
    --------
    >>> [canonical_name(n) for n in ("EEG T3", "FP1-REF", "Fc5.", "EEG.AF3", "ECG ECG")]
    ['T7', 'Fp1', 'FC5', 'AF3', 'ECG ECG']
    """
    key = name.strip().lower()
    squeezed = re.sub(r"[\s_]+", "", key)
    if squeezed in _OTHER_NAMES:
        return _OTHER_NAMES[squeezed]
    key = re.sub(r"^eeg[\s.:_-]+", "", key).rstrip(".").strip()
    if key in _CANONICAL:
        return _CANONICAL[key]
    electrode, hyphen, reference = key.partition("-")
    found = _CANONICAL.get(electrode.strip())
    # "A2-A1" is a bipolar channel between the ears, not electrode A2 with a named reference.
    if hyphen and reference.strip() in _REFERENCES and found not in (None, "A1", "A2", "M1", "M2"):
        return str(found)
    return name.strip()


def canonical_names(names: Iterable[str]) -> tuple[str, ...]:
    """Bring several channel names to the spelling used everywhere in eegtl.

    Parameters
    ----------
    names : iterable of str
        The names as the file or the device has them.

    Returns
    -------
    tuple of str
        The canonical names, in the same order.

    Examples
    --------
    >>> canonical_names(["EEG Fp1", "EEG T6"])
    ('Fp1', 'P8')
    """
    return tuple(canonical_name(name) for name in names)


def duplicates(names: Iterable[str]) -> tuple[str, ...]:
    """Find the names that occur more than once.

    Parameters
    ----------
    names : iterable of str
        Canonical names.

    Returns
    -------
    tuple of str
        Each repeated name once, in the order of its first repetition.

    Examples
    --------
    >>> duplicates(["T7", "C3", "T7"])
    ('T7',)
    """
    seen: set[str] = set()
    repeated: dict[str, None] = {}
    for name in names:
        if name in seen:
            repeated[name] = None
        seen.add(name)
    return tuple(repeated)


def left_right_pairs(ch_names: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """Pair every left electrode with its mirror image on the right.

    In the 10-10 system an odd number n stands left and n + 1 is its mirror image. Channels that
    are no electrodes of `TEN_TEN`, such as E1 and E2 or VEOG1 and VEOG2, have no side and no pair.

    Parameters
    ----------
    ch_names : sequence of str
        Canonical names.

    Returns
    -------
    tuple of (str, str)
        (left, right) for every pair of which both members are present, in the order of the left
        ones.

    Examples
    --------
    >>> left_right_pairs(["TP9", "AF7", "AF8", "TP10", "Cz", "EXG1", "EXG2"])
    (('TP9', 'TP10'), ('AF7', 'AF8'))
    """
    present = set(ch_names).intersection(TEN_TEN)
    pairs = []
    for name in ch_names:
        match = re.fullmatch(r"([A-Za-z]+)(\d+)", name)
        if name not in present or match is None or int(match[2]) % 2 == 0:
            continue
        mirror = f"{match[1]}{int(match[2]) + 1}"
        if mirror in present:
            pairs.append((name, mirror))
    return tuple(pairs)


def front_back_pairs(ch_names: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """Pair frontal with posterior electrodes as the published list does.

    Parameters
    ----------
    ch_names : sequence of str
        Canonical names.

    Returns
    -------
    tuple of (str, str)
        (front, back) for every pair of `FRONT_BACK` of which both members are present, in the
        order of that list.

    Examples
    --------
    >>> front_back_pairs(["P3", "Pz", "Fz", "F3", "F4"])
    (('F3', 'P3'), ('Fz', 'Pz'))
    """
    present = set(ch_names)
    return tuple(pair for pair in FRONT_BACK if present.issuperset(pair))


@lru_cache(maxsize=1)
def _montage_positions() -> dict[str, NDArray[Any]]:
    """Return the positions of the 10-05 system under the name that this version of MNE has."""
    from mne.channels import get_builtin_montages, make_standard_montage

    # MNE 1.13 renamed the montage and deprecates the old name; older versions have only that.
    name = "colin27_1005" if "colin27_1005" in get_builtin_montages() else "standard_1005"
    positions: dict[str, NDArray[Any]] = make_standard_montage(name).get_positions()["ch_pos"]
    return positions


def positions(ch_names: Sequence[str]) -> NDArray[np.float64]:
    """Give the standard position of each electrode on the Colin 27 head.

    CB1 and CB2 of the SEED cap, which the 10-05 system lacks, stand at PO9 and PO10.

    Parameters
    ----------
    ch_names : sequence of str
        Canonical names.

    Returns
    -------
    ndarray, shape (n_channels, 3)
        x (right), y (front), z (up) in metres.

    Raises
    ------
    SignalError
        When a name has no standard position.

    Examples
    --------
    >>> x_left, x_right = positions(["T7", "T8"])[:, 0]
    >>> bool(x_left < 0 < x_right)
    True
    """
    table = _montage_positions()
    missing = [name for name in ch_names if _PLACED_AT.get(name, name) not in table]
    if missing:
        raise SignalError(
            f"no standard position is known for the channels {', '.join(missing)}; "
            "leave them out, or rename them to electrodes of the 10-05 system"
        )
    return np.array([table[_PLACED_AT.get(name, name)] for name in ch_names]).reshape(-1, 3)
