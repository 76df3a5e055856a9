from __future__ import annotations

import re
from typing import Any

import numpy as np
import pandas as pd
import pytest

from eegtl.errors import SubjectError
from eegtl.recordings.signals import check_signals
from eegtl.recordings.trials import TRIAL_COLUMNS, check_trials


def table(**columns: Any) -> pd.DataFrame:
    base: dict[str, Any] = {
        "trial": [1, 2],
        "stimulus": ["u", "v"],
        "label": ["x", "y"],
        "onset": [0.0, 10.0],
        "duration": [10.0, 5.0],
    }
    return pd.DataFrame(base | columns)


def check(trials: pd.DataFrame) -> pd.DataFrame:
    return check_trials(trials, seconds=20.0, tolerance=0.01, file="f.edf", subject="7")


def test_sorted_by_onset_without_further_columns() -> None:
    given = table(onset=[10.0, 0.0], extra=[1, 2], stimulus=[5, 6])
    before = given.copy()
    got = check(given)
    assert tuple(got.columns) == TRIAL_COLUMNS
    assert got["trial"].tolist() == [2, 1]
    assert got["stimulus"].tolist() == ["6", "5"]
    pd.testing.assert_frame_equal(given, before)


def test_labels_stay_as_given() -> None:
    assert check(table(label=[-1, 0]))["label"].tolist() == [-1, 0]


def test_no_trials_are_allowed() -> None:
    assert len(check(table().iloc[:0])) == 0


def test_rounding_of_less_than_half_a_sample_is_allowed() -> None:
    assert len(check(table(duration=[10.005, 10.005]))) == 2


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"duration": [10.0, 10.5]}, "trial 2 ends at 20.5 s, beyond the end of the recording (20"),
        ({"onset": [-1.0, 10.0]}, "trial 1 has onset -1 s and duration 10 s; the onset must be"),
        ({"duration": [10.0, 0.0]}, "trial 2 has onset 10 s and duration 0 s"),
        ({"duration": [np.nan, 5.0]}, "trial 1 has onset 0 s and duration nan s"),
        ({"label": ["x", None]}, "trials 2 have no label"),
        ({"label": [1.0, np.nan]}, "trials 2 have no label"),
        ({"trial": [3, 3]}, "trial number 3 occurs more than once"),
        ({"trial": [1, 1.5]}, "trial number 1.5 is no whole number; number the trials of one sess"),
        ({"trial": ["1", "01"]}, "trial number '1' is no whole number"),
        ({"trial": [1, np.nan]}, "trial number nan is no whole number"),
        ({"trial": [True, False]}, "trial number True is no whole number"),
        ({"stimulus": ["u", None]}, "trials 2 have no stimulus; remove them from the table or"),
        ({"stimulus": [np.nan, " "]}, "trials 1, 2 have no stimulus"),
        ({"label": [["x"], "y"]}, "the label ['x'] is a list; labels are texts, numbers or truth"),
        ({"onset": ["0", "x"]}, "the column 'onset' holds '0' and is of type str; give numbers of"),
        (
            {"duration": pd.to_timedelta([5, 5], unit="s")},
            "the column 'duration' holds Timedelta('0 days 00:00:05')",
        ),
        ({"duration": [12.0, 5.0]}, "trial 1 ends at 12 s, after trial 2 has begun at 10 s"),
    ],
)
def test_faults_are_named(columns: dict[str, Any], message: str) -> None:
    with pytest.raises(SubjectError, match=re.escape(message)) as caught:
        check(table(**columns))
    assert str(caught.value).startswith("f.edf (subject 7): ")


def test_whole_numbers_of_any_type_are_trial_numbers() -> None:
    got = check(table(trial=pd.array([2.0, 3], dtype="Float64")))["trial"]
    assert (got.tolist(), got.dtype) == ([2, 3], np.dtype("int64"))


def test_trials_that_are_no_table() -> None:
    with pytest.raises(SubjectError, match="trials is a list; give a pandas DataFrame with the co"):
        check([{"trial": 1}])  # type: ignore[arg-type]


def test_missing_columns_are_named() -> None:
    message = "the trials table lacks the columns stimulus, onset (it has trial, label, duration)"
    with pytest.raises(SubjectError, match=re.escape(message)):
        check(table().drop(columns=["stimulus", "onset"]))


def signals(data: Any, names: tuple[str, ...] = ("Fz", "Cz")) -> None:
    check_signals(np.asarray(data, dtype=float), names, file="f.edf", subject="7")


def test_usable_signals_pass() -> None:
    rng = np.random.default_rng(0)
    data = 1e-5 * rng.normal(size=(2, 100))
    signals(data)
    data[:, 10:20] = np.nan  # a gap
    data[0, 30] = np.inf
    signals(data)
    data = np.tile(data, 10)
    data[0, 31:33] = 1e300, -np.inf  # faults of the line are gaps, and no square overflows
    signals(data)
    for constant in (0.0, 0.1, 0.0012345):  # a dead electrode is for the features to flag
        data[1] = constant
        signals(data)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (np.empty((2, 0)), "the recording holds no samples (2 channels x 0 times)"),
        (np.full((2, 9), np.nan), "all 2 channels hold only NaN"),
        (
            [[np.nan] * 4, [1e-5, -1e-5, 0, 0]],
            "channel 'Fz' holds only NaN (1 of 2 channels do: Fz)",
        ),
        (
            [[20.0, -20.0], [30.0, -30.0]],
            "channel 'Cz' has a standard deviation of 30 V (2 of 2 channels are above 0.01 V, the "
            "median is 25 V), EEG has about 1e-05 V: microvolts were taken for volts",
        ),
        (
            [[1e-5, -1e-5], [0.02, -0.02]],
            "channel 'Cz' has a standard deviation of 0.02 V (1 of 2 channels are above 0.01 V",
        ),
        ([[1e-5, -1e-5], [1e300, -1e300]], "channel 'Cz' has a standard deviation of 1e+300 V"),
        ([[1e-5, -1e-5], [4.0, 4.00001]], "channel 'Cz' lies beyond 1 V in every sample"),
        ([[0.0, 0.0], [0.0, 0.0]], "all 2 channels are constant, so the recording holds no signal"),
        (np.full((2, 2560), 0.1), "all 2 channels are constant"),
        (np.full((2, 2560), 0.0012345), "all 2 channels are constant"),
        ([[2e-11, -2e-11], [0, 0]], "standard deviation of 2e-11 V (median)"),
    ],
)
def test_useless_signals(data: Any, message: str) -> None:
    with pytest.raises(SubjectError, match=re.escape(message)) as caught:
        signals(data)
    assert str(caught.value).startswith("f.edf (subject 7): ")
