"""The facts of a study: what must agree for it to be continued, and what a reader wants to know."""

from __future__ import annotations

import hashlib
import json
import re
from importlib.metadata import version
from typing import Any

import numpy as np
import pandas as pd

from .. import __version__
from .information import InformationSet
from .methods import StudyRow
from .study_data import StudyData

_LIBRARIES = ("numpy", "scipy", "scikit-learn", "mne", "pandas")


def study_facts(
    table: Any, data: StudyData, rows: list[StudyRow], granted: InformationSet, seed: int
) -> dict[str, Any]:
    """Collect the facts of a study.

    Parameters
    ----------
    table : FeatureTable
    data : StudyData
    rows : list of StudyRow
    granted : InformationSet
    seed : int

    Returns
    -------
    dict
        As it comes back from JSON: versions, data set and a digest of its arrays, settings of
        every row.
    """
    digest = hashlib.sha256(data.X.tobytes())
    for part in (data.codes, data.trials, pd.factorize(data.subjects)[0]):
        digest.update(np.asarray(part, dtype=np.int64).tobytes())
    names = table.meta["dataset"].drop_duplicates().tolist()
    facts = {
        "eegtl": __version__,
        "libraries": {name: version(name) for name in _LIBRARIES},
        "dataset": [str(name) for name in names],
        "features": table.info,
        "causal": bool(table.causal),
        "data": digest.hexdigest(),
        "n_windows": len(data.X),
        "subjects": list(dict.fromkeys(map(str, data.subjects))),
        "classes": data.classes.tolist(),
        "information": granted.tag,
        "seed": seed,
        "rows": {row.key: _settings(row.build(seed)) for row in rows},
    }
    return json.loads(json.dumps(facts))


def _settings(estimator: Any) -> dict[str, str]:
    """List the parameters of an estimator, by which a continued study knows that it is the same."""
    values = {"class": type(estimator).__name__}
    for name, value in sorted(estimator.get_params(deep=True).items()):
        if not hasattr(value, "get_params") and name != "steps":
            # the address of a function differs from run to run
            values[name] = re.sub(r" at 0x[0-9a-f]+", "", repr(value))
    return values
