"""Trials as units, and how alike two people respond to them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from eegtl.transfer.row_table import read_trials
from eegtl.transfer.trial_similarity import (
    TrialMeans,
    class_similarity,
    shared_stimuli,
    stimulus_similarity,
    trial_means,
)


class TestSimilarity:
    A = TrialMeans(
        np.random.default_rng(0).standard_normal((5, 3)),
        np.array([0, 1, 0, 1, 1]),
        np.array(["u", "v", "w", "x", ""]),
    )

    def test_is_one_with_itself_and_blind_to_gain_and_offset(self):
        features = np.arange(3)
        other = self.A._replace(means=self.A.means * [2, 0.1, 5] + [1, 2, 3])
        assert stimulus_similarity(self.A, other, features) == pytest.approx(1)
        other = self.A._replace(means=3 * self.A.means + [1, 2, 3])
        assert class_similarity(self.A, other, features) == pytest.approx(1)
        other = self.A._replace(means=-self.A.means)
        assert stimulus_similarity(self.A, other, features) == pytest.approx(-1)
        assert class_similarity(self.A, other, features) == pytest.approx(-1)

    def test_what_is_not_shared_or_does_not_vary_does_not_count(self):
        other = self.A._replace(stimuli=np.array(["u", "v", "w", "elsewhere", ""]))
        expected = np.corrcoef(self.A.means[:3, 0], self.A.means[:3, 0])[0, 1]
        assert stimulus_similarity(self.A, other, np.array([0])) == pytest.approx(expected)
        flat = self.A._replace(means=self.A.means * [0, 1, 1] + [0.1, 0, 0])
        assert stimulus_similarity(self.A, flat, np.array([0, 1])) == pytest.approx(1)
        assert stimulus_similarity(self.A, flat, np.array([0])) == 0.0
        alone = self.A._replace(stimuli=np.full(5, ""), labels=np.zeros(5, dtype=int))
        assert stimulus_similarity(self.A, alone, np.arange(3)) == 0.0
        assert class_similarity(self.A, alone, np.arange(3)) == 0.0


def test_trials_are_read_from_any_table():
    rows = pd.DataFrame(
        {"session": ["b", "b", "a", "a"], "trial": [1, 2, 1, 1], "stimulus": [3.0, np.nan, 3, 3]}
    )
    trials, stimuli = read_trials(rows, 4)
    assert trials.tolist() == [1, 2, 0, 0]
    assert stimuli.tolist() == ["3", "", "3", "3"]
    trials, stimuli = read_trials({"trial": ["x", "x"], "stimulus": [pd.NA, "clip"]}, 2)
    assert trials.tolist() == [0, 0]
    assert stimuli.tolist() == ["", "clip"]
    for rows in (None, pd.DataFrame({"session": [1, 2]}), np.zeros((2, 3))):
        trials, stimuli = read_trials(rows, 2)
        assert trials is None
        assert stimuli.tolist() == ["", ""]


def test_means_of_trials():
    rng = np.random.default_rng(0)
    X, trials = rng.standard_normal((30, 4)), rng.permutation(np.arange(30) % 7)
    codes = rng.integers(0, 3, 30)
    names = np.array([f"clip{t}" for t in trials])
    means = trial_means(X, codes, trials, names)
    for t in range(7):
        np.testing.assert_allclose(means.means[t], X[trials == t].mean(axis=0))
        assert means.labels[t] == np.bincount(codes[trials == t]).argmax()
        assert means.stimuli[t] == f"clip{t}"
    rest = means.without(2)
    assert rest.stimuli.tolist() == [f"clip{t}" for t in range(7) if t != 2]
    assert shared_stimuli(means, rest).tolist() == sorted(rest.stimuli.tolist())
