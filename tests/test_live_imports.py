"""A live session starts fast: it needs neither MNE nor pandas, nor what reports and cards need."""

from __future__ import annotations

import re
import subprocess
import sys
import textwrap

import pytest

#: What a live session does without; importing all of it takes seconds.
HEAVY = ("mne", "pandas", "matplotlib", "jinja2", "pooch", "pydantic", "typer")

BLOCKED = f"""
import sys

class Nowhere:
    def find_spec(name, path=None, target=None):
        if name in {HEAVY}:
            raise ModuleNotFoundError(f"{{name}} is not to be had", name=name)

sys.meta_path.insert(0, Nowhere)
"""

IMPORTS = """
import sys, time
begun = time.perf_counter()
import eegtl.features.stream
from eegtl.features import (
    FEATURES, LDS, FeatureExtractor, MovingAverage, describe_extractor, extractor_from,
)
from eegtl.preprocessing import (
    ASR, STEPS, ArtefactMarks, Bandpass, Channels, Dropouts, Harmonise, Notch, Reference, Resample,
)
from eegtl.recordings.channels import HEADSETS, canonical_names
import numpy as np
print(f"signals: imported in {time.perf_counter() - begun:.2f} s")
"""

SIGNALS = """
names = canonical_names(["EEG " + name.upper() for name in HEADSETS["epoc"]])
target = [name for name in names if name != "AF3"]
chain = [
    Dropouts(), Notch(50.0), Bandpass(0.5, None), ArtefactMarks(mains=50.0), Reference("average"),
    Resample(128.0), Channels(target), Harmonise(target[::-1]), ASR(seconds=15.0),
]
assert {step.name for step in chain} == set(STEPS), "a new step is tried here, too"
rng = np.random.default_rng(0)
for smoothing in (None, MovingAverage(2.0), LDS()):
    made = FeatureExtractor(tuple(FEATURES), step=0.5, preprocessing=chain, smoothing=smoothing)
    extractor = extractor_from(describe_extractor(made))
    assert extractor.causal
    stream = extractor.start(250.0, names)
    stream.warm_up()
    X, onsets = stream.push(1e-5 * rng.standard_normal((len(names), 250 * 12)))
    assert X.shape == (len(onsets), stream.n_features) and len(X) > 5 and np.isfinite(X).all()
    assert stream.n_features == len(stream.column_names)
"""

TRANSFER = """
begun = time.perf_counter()
from eegtl.transfer import SubjectNormalizer, default_classifier, make_transfer_pipeline
from eegtl.transfer.state import from_state, to_state
print(f"transfer: imported in {time.perf_counter() - begun:.2f} s")
rows, labels = rng.standard_normal((60, X.shape[1])), np.arange(60) % 2
fitted = make_transfer_pipeline(SubjectNormalizer("z2"), default_classifier())
fitted.fit(rows + labels[:, None], labels, subjects=np.repeat(["a", "b", "c"], 20))
pipeline = from_state(to_state(fitted)).adapt(X)
assert pipeline.predict(X).shape == pipeline.predict_proba(X)[:, 0].shape == (len(X),)
"""

LOADED = f'print("loaded:", *(name for name in {HEAVY} if name in sys.modules))\n'


def run(*parts: str) -> str:
    """Run parts of a program in a fresh interpreter; give what it prints."""
    program = textwrap.dedent("".join(parts))
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    print(re.sub("(?m)^loaded:.*\n?", "", done.stdout))  # the times, for whoever asks with -s
    return done.stdout


def loaded(output: str) -> list[str]:
    """Give the heavy packages that each mention of them names, the last one."""
    return re.findall("(?m)^loaded:(.*)$", output)[-1].split()


def test_streams_import_nothing_heavy() -> None:
    assert loaded(run(IMPORTS, SIGNALS, LOADED)) == []


def test_of_the_heavy_packages_a_live_session_loads_only_what_scikit_learn_loads() -> None:
    """scikit-learn imports pandas wherever it is installed."""
    output = run(IMPORTS, SIGNALS, TRANSFER, LOADED)
    assert set(loaded(output)) <= set(loaded(run("import sys, sklearn.base\n", LOADED)))


def test_a_live_session_works_without_the_heavy_packages() -> None:
    """So nothing of eegtl asks for pandas, either: here its import fails."""
    run(BLOCKED, IMPORTS, SIGNALS, TRANSFER)


@pytest.mark.parametrize(
    "package", ["eegtl", "eegtl.recordings", "eegtl.features", "eegtl.preprocessing"]
)
def test_packages_import_nothing_heavy_and_name_all_they_have(package: str) -> None:
    output = run(f"import sys, {package} as package\nnames = dir(package)\n", LOADED)
    assert loaded(output) == []
    run(f"import {package} as package\nfor name in package.__all__: getattr(package, name)\n")


def test_only_interpolation_asks_for_mne() -> None:
    """At the start, not while samples wait."""
    program = """
extractor = FeatureExtractor(preprocessing=Harmonise(["Fz", "FCz"]))
stream = extractor.start(250.0, HEADSETS["ten-twenty"])
"""
    assert loaded(run(IMPORTS, program, LOADED)) == ["mne"]


@pytest.mark.parametrize("package", ["eegtl.recordings", "eegtl.features"])
def test_what_a_package_has_not_is_no_attribute(package: str) -> None:
    output = run(
        f"import {package} as package\n"
        "try:\n    package.nothing\nexcept AttributeError as error:\n    print(error)\n"
    )
    assert output == f"module '{package}' has no attribute 'nothing'\n"
