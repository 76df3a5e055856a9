"""Conditional transfer where votes are tied and people equally alike: names decide nothing."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from transfer.test_transfer_conditional import person

from eegtl.errors import InputError
from eegtl.transfer.conditional import ConditionalTransfer
from eegtl.transfer.conditional_choice import common_similarity
from eegtl.transfer.row_table import read_trials
from eegtl.transfer.trial_similarity import TrialMeans


class TestNamesDecideNothing:
    @staticmethod
    def of_two_windows(seed, names):
        """Trials of two windows, whose votes are often tied."""
        rng = np.random.default_rng(seed)
        y = np.repeat([0, 1] * 4, 2)
        own = rng.standard_normal((16, 2)) + 0.8 * y[:, None]
        labels = np.tile(y, 3)
        X = rng.standard_normal((48, 2)) + 0.8 * labels[:, None]
        rows = pd.DataFrame({"trial": np.arange(48) // 2})
        model = ConditionalTransfer()
        model.fit(X, names[labels], subjects=np.repeat([1, 2, 3], 16), rows=rows)
        return model.adapt(X_calib=own, y_calib=names[y], rows_calib=rows[:16])

    @pytest.mark.parametrize("seed", range(15))
    def test_a_tied_vote_is_no_majority_for_anybody(self, seed):
        one = self.of_two_windows(seed, np.array(["a", "b"]))
        other = self.of_two_windows(seed, np.array(["z", "b"]))
        assert one.own_accuracy_ == other.own_accuracy_
        assert one.transfers_ == other.transfers_
        assert one.chosen_.tolist() == other.chosen_.tolist()

    def test_people_as_like_as_rounding_can_tell_are_chosen_together(self):
        """With two classes and one feature the similarity is 1 or -1."""
        people = [person(scale, 8, seed=i) for i, scale in enumerate((1.0, 0.5, 3.0, -1.0, 0.7))]
        X = np.vstack([own[:, :1] for own, _, _ in people])
        y = np.concatenate([labels for _, labels, _ in people])
        who = np.repeat(np.arange(5), [len(own) for own, _, _ in people])
        rows = pd.concat([table[["trial"]] for _, _, table in people], ignore_index=True)
        own, y_own, table = person(1.0, 8, seed=9)
        for seed in range(4):
            order = np.random.default_rng(seed).permutation(len(X))
            model = ConditionalTransfer(n_sources=1, gate=False)
            model.fit(X[order], y[order], subjects=who[order], rows=rows.iloc[order])
            model.adapt(X_calib=own[:, :1], y_calib=y_own, rows_calib=table[["trial"]])
            like = {name for name, value in model.ranking_ if value > 1 - 1e-12}
            assert set(model.subjects_[model.chosen_]) == like
            assert len(like) == 4

    def test_shared_stimuli_must_suffice_for_each_trial_left_out(self):
        """Three shared stimuli are two when one is left out, whose correlation is 1 or -1."""
        trials = TrialMeans(np.zeros((5, 1)), np.arange(5) % 2, np.array(list("abcde")))
        others = [trials._replace(stimuli=np.array(list("abcxy")))]
        assert common_similarity(trials, others)[1] == "correlation of class means"
        others = [trials._replace(stimuli=np.array(list("abcdy")))]
        assert common_similarity(trials, others)[1] == "correlation over shared stimuli"

    def test_rows_without_a_trial_are_refused(self):
        rows = pd.DataFrame({"trial": [1, np.nan, np.nan, 2, np.nan]})
        message = r"column 'trial' of the rows lacks 3 of 5 values \(the first: row 1\)"
        with pytest.raises(InputError, match=message):
            read_trials(rows, 5)
