"""From whom the arrays of a profile are said to come, against wearers of the same sources."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from contract.transfer_estimators import ESTIMATORS
from personalize.played_people import people, sources_of
from personalize.test_profile_estimators import adapt, profile_of
from sklearn.base import clone

from eegtl.personalize import Profile, calibrate, update
from eegtl.personalize.calibration import _adapted
from eegtl.personalize.candidates import CANDIDATES
from eegtl.personalize.days import Day
from eegtl.personalize.inspection import arrays_of
from eegtl.personalize.origins import leaves
from eegtl.testing.toys import Toy, toy_for
from eegtl.transfer import Recenter, default_classifier, make_transfer_pipeline

CLASSES = ("rest", "task", "talk")


def blocks() -> list[Day]:
    """Blocks of wearers whom the sources do not hold: of each kind, with labels and without."""
    X, meta = people(12, CLASSES)
    made = []
    for name in ("n8", "n9", "n10"):
        own = (meta["subject"] == name).to_numpy()
        rows, y = X[own], meta["label"].to_numpy()[own].astype(str)
        one = y == y[{"n8": 0, "n9": 20, "n10": 40}[name]]
        made += [
            Day("first", rows[:17]),
            Day("even", rows[::6], kind="balanced"),
            Day("state", rows[one], kind=f"only {y[one][0]}"),
            Day("labels", rows[:40], y[:40]),
            Day("all labels", rows, y, kind="balanced"),
        ]
    return made


def profile(name: str, day: Day) -> Profile:
    """Give a wearer the candidate of a name, whatever the plan would choose."""
    model = _adapted(sources_of(CLASSES).models[name], name, sources_of(CLASSES).plan, day)
    return replace(calibrate(sources_of(CLASSES)), model=model, name=name, others={}, days=(day,))


def said(one: Profile) -> dict[str, str]:
    return {line.path: line.people for line in arrays_of(one)}


def arrays(one: Profile) -> dict[str, Any]:
    found = {path: array for path, array in leaves(one._content()) if hasattr(array, "nbytes")}
    return {path: (array.dtype, array.shape, array.tobytes()) for path, array in found.items()}


def different(left: dict[str, Any], right: dict[str, Any]) -> set[str]:
    return {path for path in left if left[path] != right.get(path)}


@pytest.mark.parametrize("name", list(CANDIDATES))
def test_what_differs_between_wearers_is_said_to_be_theirs(name: str) -> None:
    sees = sources_of(CLASSES).plan.sees[sources_of(CLASSES).plan.names.index(name)]
    days = [day for day in blocks() if sees != "labelled" or day.y is not None]
    made = [profile(name, day) for day in days]
    theirs = [{p for p, people in said(one).items() if "the wearer" in people} for one in made]
    kept, differed = [arrays(one) for one in made], set()
    for i, k in combinations(range(len(made)), 2):
        found = different(kept[i], kept[k])
        assert found <= theirs[i], (days[i], days[k])
        differed |= found
    # and no more than that: what is the same for all of these wearers is the sources'
    assert set.union(*theirs) <= differed


@pytest.mark.parametrize(
    ("name", "ending"),
    [
        ("z2", ".target_mean_.values"),
        ("shift-aware", ".mix_.values"),
        ("mix known", ".given_mix_.values"),
        ("threshold recentring", ".offsets_.values"),
        ("z2 + tpt", ".blend_.values"),
        ("z2 + labels", "[1].items[1].fitted.coef_.values"),
    ],
)
def test_a_wearer_s_arrays_need_no_telling_name(name: str, ending: str) -> None:
    for day in blocks()[:5]:
        if name != "z2 + labels" or day.y is not None:
            (whose,) = {p for path, p in said(profile(name, day)).items() if path.endswith(ending)}
            assert whose.startswith("the wearer and up to 8 people")


def may_be_of_a_profile(estimator: Any) -> bool:
    """Say whether it is a step, which a classifier follows, or gives probabilities."""
    return not hasattr(estimator, "predict") or hasattr(estimator, "predict_proba")


@pytest.mark.filterwarnings("ignore::eegtl.errors.TransferWarning")
@pytest.mark.parametrize("name", [n for n, e in ESTIMATORS.items() if may_be_of_a_profile(e)])
def test_any_estimator(name: str) -> None:
    estimator = ESTIMATORS[name]
    toy = toy_for(estimator, ("calm", "tense"))
    if not hasattr(estimator, "predict"):
        estimator = make_transfer_pipeline(estimator, default_classifier())
    other = Toy(toy.X, toy.y, toy.subjects, toy.T[::-1] * 1.25, toy.y_target[::-1])
    fitted = [clone(estimator).fit(toy.X, toy.y, subjects=toy.subjects) for _ in range(2)]
    about = {"mean": toy.X.mean(axis=0), "sd": toy.X.std(axis=0)}
    mine = profile_of(adapt(fitted[0], toy), **about)
    yours = profile_of(adapt(fitted[1], other), **about)
    theirs = {path for path, people in said(mine).items() if "the wearer" in people}
    assert different(arrays(mine), arrays(yours)) <= theirs
    assert bool(theirs) == (mine.model.information_ != "inductive")


def test_a_profile_of_nobody_and_one_of_two_days() -> None:
    nobody = calibrate(sources_of(CLASSES))
    assert {p for p, people in said(nobody).items() if "wearer" in people} == {"days[0].X"}
    first, _, state, labelled, _ = blocks()[:5]
    # as if choosing without knowing the block had brought something
    plan = replace(
        sources_of(CLASSES).plan,
        nested_gain=np.full_like(sources_of(CLASSES).plan.nested_gain, 0.1),
    )
    monday = calibrate(replace(sources_of(CLASSES), plan=plan), first.X, day="Monday")
    tuesday = update(monday, state.X, day="Tuesday", kind=state.kind)
    assert tuesday.name != monday.name
    # the model of Monday stands among the others, and is still of the wearer
    of_monday = [
        path for path, people in said(tuesday).items()
        if path.startswith(f"others.{monday.name}.") and "the wearer" in people
    ]  # fmt: skip
    assert of_monday
    assert set(said(tuesday)) >= {"days[0].X", "days[1].X"}
    wednesday = update(tuesday, labelled.X, labelled.y, day="Wednesday")
    assert said(wednesday)["days[2].y"] == "the wearer"
    assert {p for path, p in said(wednesday).items() if path.startswith("days")} == {"the wearer"}


def test_what_may_be_one_person_s_is_said() -> None:
    found = said(profile("z2 + tpt", blocks()[0]))
    model = "model.fitted.steps_.items[1].items[1].fitted"
    assert found[f"{model}.source_coef_.values"] == "up to 8 people, perhaps one a line"
    assert found[f"{model}.center_.values"] == "up to 8 people"
    assert found["plan.scores"] == found["plan.evidence"] == "8 people, one by one"
    assert found["plan.prior"] == found["mean"] == "8 people"
    # sittings are known by name, too, where they are more than people
    two = replace(profile("z2", blocks()[0]), provenance={"n_people": 4})
    names = "model.fitted.steps_.items[0].items[1].fitted.subjects_.values"
    assert said(two)[names] == "up to 4 people, perhaps one a line"


def test_where_nothing_can_be_ruled_out() -> None:
    estimator = Recenter()
    toy = toy_for(estimator, ("calm", "tense"))
    model = make_transfer_pipeline(estimator, default_classifier())
    model.fit(toy.X, toy.y, subjects=toy.subjects).adapt(toy.T)
    # its rows are covariances, which the invented ones are not
    found = said(profile_of(model, mean=toy.X.mean(axis=0), sd=100 * np.ones(toy.X.shape[1])))
    assert {p.split(", perhaps")[0] for path, p in found.items() if path.startswith("model.")} == {
        "the wearer and an unknown number of people"
    }
