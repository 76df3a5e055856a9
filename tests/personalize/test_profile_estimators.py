"""Every estimator of eegtl goes into a profile and comes back with the same predictions."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from contract.transfer_estimators import ESTIMATORS
from sklearn.base import clone

from eegtl.errors import InputError
from eegtl.features import FeatureExtractor
from eegtl.personalize import Profile, read_container, write_container
from eegtl.testing.toys import Toy, toy_for
from eegtl.transfer import default_classifier, make_transfer_pipeline
from eegtl.transfer.state import from_state, to_state


def profile_of(model: Any, **changes: Any) -> Profile:
    n = model.n_features_in_
    given: dict[str, Any] = {
        "model": model,
        "extractor": FeatureExtractor(bands={"alpha": (8, 14), "beta": (14, 31)}),
        "sfreq": 128.0,
        "ch_names": ("Fp1", "Fp2", "Cz"),
        "passband": (0.5, 45.0),
        "mean": np.linspace(-1, 1, n),
        "sd": np.ones(n),
        **changes,
    }
    return Profile(**given)


def adapt(model: Any, toy: Toy) -> Any:
    if model.needs_ == "labelled":
        return model.adapt(toy.T[15:], X_calib=toy.T[:15], y_calib=toy.y_target[:15])
    return model.adapt(toy.T)


def outputs(model: Any, rows: np.ndarray) -> list[np.ndarray]:
    names = ("predict", "predict_proba", "decision_function")
    return [getattr(model, name)(rows) for name in names if hasattr(model, name)]


# What methods say of such small problems is tested elsewhere.
@pytest.mark.filterwarnings("ignore::eegtl.errors.TransferWarning")
@pytest.mark.parametrize("labels", [("calm", "tense"), (-1, 0, 1)], ids=["texts", "numbers"])
@pytest.mark.parametrize("name", list(ESTIMATORS))
def test_round_trip(name: str, labels: tuple[Any, ...], tmp_path: Path) -> None:
    estimator = ESTIMATORS[name]
    toy = toy_for(estimator, labels)
    if not hasattr(estimator, "predict"):  # an aligner or a selector
        estimator = make_transfer_pipeline(estimator, default_classifier())
    model = adapt(clone(estimator).fit(toy.X, toy.y, subjects=toy.subjects), toy)
    path = tmp_path / "wearer.eegtl"
    compared = outputs(model, toy.T)
    assert compared
    if hasattr(model, "predict_proba"):
        profile = profile_of(model)
        profile.save(path)
        begun = time.perf_counter()
        loaded = Profile.load(path)
        print(f"{name}: {path.stat().st_size} bytes, {time.perf_counter() - begun:.3f} s")
        again = loaded.model
        assert loaded.labels == profile.labels == tuple(map(str, sorted(labels)))
        profile.save(tmp_path / "twice")
        loaded.save(tmp_path / "again")
        assert (tmp_path / "twice").read_bytes() == path.read_bytes()
        assert (tmp_path / "again").read_bytes() == path.read_bytes()
    else:
        with pytest.raises(InputError, match=rf"with predict_proba; got {type(model).__name__}\."):
            profile_of(model)
        write_container(path, {"format": "model", "model": to_state(model)})
        again = from_state(read_container(path, "model")["model"])
    assert type(again) is type(model)
    np.testing.assert_array_equal(again.classes_, model.classes_)
    assert again.classes_.dtype == model.classes_.dtype
    for got, expected in zip(outputs(again, toy.T), compared, strict=True):
        np.testing.assert_array_equal(got, expected)
    # The next day goes on from the file as it would have without it, to the last digit: the order
    # of arrays in memory, which has a part in products of matrices, is kept, too.
    shifted = Toy(toy.X, toy.y, toy.subjects, toy.T[::-1] * 1.25, toy.y_target[::-1])
    for got, expected in zip(
        outputs(adapt(again, shifted), toy.T), outputs(adapt(model, shifted), toy.T), strict=True
    ):
        np.testing.assert_array_equal(got, expected)
