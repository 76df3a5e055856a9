from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import mne
import numpy as np
import pandas as pd
import pytest

import eegtl
from eegtl.errors import DatasetError, InputError, SignalWarning, SubjectError


def raw(
    names: tuple[str, ...] = ("EEG T3", "Cz"),
    *,
    sd: float = 1e-5,
    seconds: float = 20.0,
    types: Any = "eeg",
    seed: int = 0,
) -> Any:
    info = mne.create_info(list(names), 100.0, types, verbose="error")
    data = sd * np.random.default_rng(seed).normal(size=(len(names), round(100 * seconds)))
    return mne.io.RawArray(data, info, verbose="error")


def table(**columns: Any) -> pd.DataFrame:
    base = {"label": ["x", "y"], "onset": [0.0, 10.0], "duration": [10.0, 10.0]}
    return pd.DataFrame(base | columns)


def test_one_table_with_the_column_recording() -> None:
    raws = [raw(), raw(seed=1)]
    trials = pd.DataFrame(
        {
            "recording": [1, 0, 0],
            "trial": [4, 1, 2],
            "stimulus": ["u", "u", "v"],
            "label": ["x", "x", "y"],
            "onset": [5.0, 0.0, 10.0],
            "duration": [5.0, 10.0, 10.0],
        }
    )
    collection = eegtl.from_raws(raws, trials, subjects=["a", "b"], sessions=[1, 2], name="mine")
    assert (collection.name, collection.card, collection.subjects) == ("mine", None, ("a", "b"))
    assert collection.index.to_numpy().tolist() == [["a", 1, "raw 0"], ["b", 2, "raw 1"]]
    assert collection[0].trials["stimulus"].tolist() == ["u", "v"]
    assert collection[1].trials.to_numpy().tolist() == [[4, "u", "x", 5.0, 5.0]]
    np.testing.assert_array_equal(collection[1].get_data(), raws[1].get_data())
    assert collection[0].ch_names == ("T7", "Cz")
    assert collection.select(labels=["y"]).index["subject"].tolist() == ["a"]


def test_the_users_objects_stay_as_they_are() -> None:
    given, trials = raw(), table()
    eegtl.from_raws([given], trials, subjects=["a"], channels=["Cz"])[0]
    assert given.ch_names == ["EEG T3", "Cz"]
    assert trials.columns.tolist() == ["label", "onset", "duration"]


def test_trials_are_numbered_through_a_session_and_share_no_stimulus() -> None:
    collection = eegtl.from_raws(
        [raw(), raw(), raw()], [table()] * 3, subjects=["a", "a", "b"], sessions=[1, 1, 1]
    )
    assert [r.trials["trial"].tolist() for r in collection] == [[1, 2], [3, 4], [1, 2]]
    stimuli = [stimulus for r in collection for stimulus in r.trials["stimulus"]]
    assert stimuli == ["a/1/1", "a/1/2", "a/1/3", "a/1/4", "b/1/1", "b/1/2"]


def test_only_eeg_channels_in_the_order_of_the_first_recording() -> None:
    first = raw(("Fz", "EOG", "C3"), types=["eeg", "eog", "eeg"])
    second = raw(("c3", "FZ", "Pz"))
    collection = eegtl.from_raws([first, second], [table()] * 2, subjects=["a", "b"])
    assert [r.ch_names for r in collection] == [("Fz", "C3")] * 2
    np.testing.assert_array_equal(collection[1].get_data(), second.get_data()[[1, 0]])


def test_lazy_file_keeps_its_name_and_is_not_loaded(tmp_path: Path) -> None:
    path = tmp_path / "anna_raw.fif"
    raw().save(path, verbose="error")
    given = mne.io.read_raw_fif(path, preload=False, verbose="error")
    collection = eegtl.from_raws([given], table(), subjects=["anna"])
    assert collection[0].file == "anna_raw.fif"
    assert not given.preload


def test_missing_channel_and_common() -> None:
    raws = [raw(("Fz", "Cz", "Pz")), raw(("Fz", "Pz"))]
    trials = [table()] * 2
    message = "channel 'Cz' is missing (found 2 of 3: Fz, Pz). Re-run with --channels common"
    with pytest.raises(SubjectError, match=re.escape(message)) as caught:
        eegtl.from_raws(raws, trials, subjects=["a", "b"])[1]
    assert (caught.value.file, caught.value.subject) == ("raw 1", "b")
    common = eegtl.from_raws(raws, trials, subjects=["a", "b"], channels="common")
    assert [r.ch_names for r in common] == [("Fz", "Pz")] * 2


def test_two_spellings_of_one_electrode() -> None:
    collection = eegtl.from_raws([raw(("T3", "T7"))], table(), subjects=["a"])
    with pytest.raises(SubjectError, match="channel 'T7' occurs 2 times"):
        collection[0]


def test_microvolts_taken_for_volts() -> None:
    collection = eegtl.from_raws([raw(sd=10.0)], table(), subjects=["a"])
    with pytest.raises(SubjectError, match=r"^raw 0 \(subject a\): .*were taken for volts"):
        collection[0]


def test_nan_channel() -> None:
    given = raw()
    given._data[0] = np.nan
    collection = eegtl.from_raws([given], table(), subjects=["a"])
    with pytest.raises(SubjectError, match=r"channel 'T7' holds only NaN \(1 of 2 channels"):
        collection[0]


def test_unknown_channel() -> None:
    with pytest.raises(DatasetError, match=r"channel 'Oz' is unknown in custom.* It has T7, Cz"):
        eegtl.from_raws([raw()], table(), subjects=["a"], channels=["Oz"])


def test_no_eeg_channel() -> None:
    message = r"raw 0 \(subject a\): the recording has no channel of type eeg \(types: misc\)"
    with pytest.raises(SubjectError, match=message):
        eegtl.from_raws([raw(types="misc")], table(), subjects=["a"])


@pytest.mark.parametrize(
    ("raws", "trials", "more", "message"),
    [
        ([], [], {"subjects": []}, "raws is empty"),
        (["a.edf"], [table()], {"subjects": ["a"]}, "raws[0] is a str; expected is an mne.io.Base"),
        ([raw()], table(), {"subjects": ["a", "b"]}, "subjects has 2 values for 1 recordings"),
        ([raw()], table(), {"subjects": [None]}, "subjects holds None; give every recording the"),
        ([raw()], table(), {"subjects": [np.nan]}, "subjects holds nan; give every recording the"),
        ([raw()], table(), {"subjects": [" "]}, "subjects holds ' '; give every recording the nam"),
        ([raw()], table(), {"subjects": [("a", 1)]}, "subjects holds ('a', 1); give every recordi"),
        (
            [raw()],
            table(),
            {"subjects": ["a"], "sessions": [1.7]},
            "sessions holds 1.7; give whole numbers, 1 being the person's first sitting",
        ),
        (
            [raw()],
            table(),
            {"subjects": ["a"], "sessions": ["1"]},
            "sessions holds '1'; give whole numbers",
        ),
        ([raw()], None, {"subjects": ["a"]}, "trials must be a list with one value per recording"),
        ([raw()], [None], {"subjects": ["a"]}, "trials table of recording 0 is a NoneType; give a"),
        ([raw()], [{"label": ["x"]}], {"subjects": ["a"]}, "of recording 0 is a dict; give a pand"),
        (
            [raw()],
            table(label=[["x"], "y"]),
            {"subjects": ["a"]},
            "the trials table of recording 0 holds the label ['x']; labels are texts",
        ),
        (
            [raw()],
            table(recording=[0, np.nan]),
            {"subjects": ["a"]},
            "the column 'recording' holds nan; it counts raws from 0 to 0",
        ),
        ([raw()], table(), {"subjects": "a"}, "subjects must be a list with one value per record"),
        (
            [raw()],
            table(),
            {"subjects": ["a"], "sessions": [1, 2]},
            "sessions has 2 values for 1 recordings",
        ),
        (
            [raw(), raw()],
            [table()],
            {"subjects": ["a", "b"]},
            "trials has 1 values for 2 recordings",
        ),
        (
            [raw(), raw()],
            table(),
            {"subjects": ["a", "b"]},
            "needs the column 'recording' (position in raws, from 0); it has label, onset, ",
        ),
        (
            [raw(), raw()],
            table(recording=[0, 2]),
            {"subjects": ["a", "b"]},
            "the column 'recording' holds 2; it counts raws from 0 to 1",
        ),
        (
            [raw()],
            table().drop(columns="label"),
            {"subjects": ["a"]},
            "recording 0 lacks the columns label (it has onset, duration)",
        ),
        (
            [raw(), raw()],
            [table(trial=[1, 2]), table(trial=[2.0, 3.0])],
            {"subjects": ["a", "a"]},
            "trial 2 of subject a, session 1 occurs in more than one recording",
        ),
    ],
)
def test_arguments_that_do_not_fit(raws: Any, trials: Any, more: Any, message: str) -> None:
    with pytest.raises(InputError, match=re.escape(message)):
        eegtl.from_raws(raws, trials, **more)


def test_channels_marked_bad_are_used_with_a_warning():
    info = mne.create_info(["T7", "T8"], 128.0, "eeg", verbose="error")
    samples = 1e-5 * np.random.default_rng(0).standard_normal((2, 1280))
    raw = mne.io.RawArray(samples, info, verbose="error")
    raw.info["bads"] = ["T8"]
    trials = pd.DataFrame({"label": ["calm"], "onset": [0.0], "duration": [10.0]})
    with pytest.warns(SignalWarning, match=r"raws\[0\] marks T8 as bad, and all EEG channels"):
        assert eegtl.from_raws([raw], trials, subjects=["anna"])[0].ch_names == ("T7", "T8")
    assert eegtl.from_raws([raw], trials, subjects=["anna"], channels=["T7"])[0].ch_names == ("T7",)
