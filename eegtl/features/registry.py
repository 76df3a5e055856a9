"""Every feature as a record; names, units and the table of the documentation follow from them."""

from __future__ import annotations

from collections.abc import Iterable

from ..errors import InputError
from .asymmetry import (
    asymmetry_columns,
    differences,
    front_back,
    left_right,
    prepare_asymmetry,
    ratios,
)
from .covariance import pair_columns, prepare_covariance, prepare_tangent
from .feature import Feature
from .hjorth import hjorth_columns, prepare_hjorth
from .power import band_power, entropy_of_variance, relative_power, whatever_the_layout

_DUAN = (
    "Duan, Zhu and Lu, Differential entropy feature for EEG-based emotion classification, "
    "IEEE/EMBS Neural Engineering 2013, 81-84"
)
_ZHENG = (
    "Zheng and Lu, Investigating critical frequency bands and channels for EEG-based emotion "
    "recognition with deep neural networks, IEEE Trans. Auton. Ment. Dev. 7(3), 2015, 162-175"
)
_PARSEVAL = (
    "Parseval: the variance of a band-passed signal is its spectral density integrated over the "
    "band"
)

#: What stands for a source in the documentation.
_FROM = {
    "variances": "variances by the filter bank",
    "spectrum": "variances by the STFT",
    "signal": "the signal",
    "band_signals": "the signals of the filter bank",
}

#: Every feature, by name. A new one is one more record here.
FEATURES: dict[str, Feature] = {
    record.name: record
    for record in (
        Feature("de", "nat re 1 uV", "variances", whatever_the_layout(entropy_of_variance), _DUAN),
        Feature(
            "de_stft",
            "nat re 1 uV",
            "spectrum",
            whatever_the_layout(entropy_of_variance),
            f"{_ZHENG}: Hann window, STFT of 512 points",
        ),
        Feature("power", "uV^2", "variances", whatever_the_layout(band_power), _PARSEVAL),
        Feature(
            "relative_power",
            "share of the bands asked for",
            "variances",
            whatever_the_layout(relative_power),
            f"{_PARSEVAL}; divided by the sum over the bands",
        ),
        Feature(
            "dasm",
            "nat",
            "variances",
            prepare_asymmetry("dasm", left_right, differences),
            f"{_DUAN}; left minus right",
            "left-right pair and band",
            asymmetry_columns(left_right, "-"),
        ),
        Feature(
            "rasm",
            "ratio of nat re 1 uV",
            "variances",
            prepare_asymmetry("rasm", left_right, ratios),
            f"{_DUAN}; left over right, denominators of at least 0.1 nat",
            "left-right pair and band",
            asymmetry_columns(left_right, "/"),
        ),
        Feature(
            "asm",
            "nat, then ratio",
            "variances",
            prepare_asymmetry("asm", left_right, differences, ratios),
            f"{_ZHENG}: DASM and RASM together",
            "left-right pair and band, twice",
            asymmetry_columns(left_right, "-", "/"),
        ),
        Feature(
            "dcau",
            "nat",
            "variances",
            prepare_asymmetry("dcau", front_back, differences),
            f"{_ZHENG}: front minus back",
            "front-back pair and band",
            asymmetry_columns(front_back, "-"),
        ),
        Feature(
            "hjorth",
            "uV^2, 1/s, 1",
            "signal",
            prepare_hjorth,
            "Hjorth, EEG analysis based on time domain properties, Electroencephalogr. Clin. "
            "Neurophysiol. 29(3), 1970, 306-310",
            "channel: activity, mobility, complexity",
            hjorth_columns,
        ),
        Feature(
            "cov",
            "uV^2",
            "band_signals",
            prepare_covariance,
            "Chen, Wiesel, Eldar and Hero, Shrinkage algorithms for MMSE covariance estimation, "
            "IEEE Trans. Signal Process. 58(10), 2010, 5016-5029",
            "pair of channels and band",
            pair_columns,
        ),
        Feature(
            "tangent",
            "log of uV^2",
            "band_signals",
            prepare_tangent,
            "Barachant, Bonnet, Congedo and Jutten, Classification of covariance matrices using "
            "a Riemannian-based kernel for BCI applications, Neurocomputing 112, 2013, 172-178; "
            "at the identity",
            "pair of channels and band",
            pair_columns,
        ),
    )
}


def get_features(names: Iterable[str]) -> tuple[Feature, ...]:
    """Look features up by name.

    Parameters
    ----------
    names : iterable of str
        Such as ``("de",)``.

    Returns
    -------
    tuple of Feature
        The records, in the order asked for.

    Raises
    ------
    InputError
        When a name is unknown or given twice, or there is none.

    Examples
    --------
    >>> get_features(["de"])[0].unit
    'nat re 1 uV'
    """
    wanted = (names,) if isinstance(names, str) else tuple(names)
    unknown = [name for name in wanted if name not in FEATURES]
    if unknown:
        raise InputError(f"feature {unknown[0]!r} is unknown; known are {', '.join(FEATURES)}")
    if not wanted or len(set(wanted)) != len(wanted):
        raise InputError(
            f"features is {wanted}; name each feature once, from {', '.join(FEATURES)}"
        )
    return tuple(FEATURES[name] for name in wanted)


def features_table() -> str:
    """Describe all features as a table in Markdown.

    Returns
    -------
    str
        One line a feature: name, what there is one of, unit, citation.

    Examples
    --------
    >>> print(features_table().splitlines()[0])
    | name | one for each | unit | from | citation |
    """
    lines = ["| name | one for each | unit | from | citation |", "|---|---|---|---|---|"]
    for record in FEATURES.values():
        cells = (
            f"`{record.name}`",
            record.per,
            record.unit,
            _FROM[record.source],
            record.citation,
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"
