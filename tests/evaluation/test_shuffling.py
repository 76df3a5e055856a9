from __future__ import annotations

import numpy as np
import pytest

from eegtl.errors import StudyError
from eegtl.evaluation import shuffle_trial_labels


def _rows(n_subjects=3, n_trials=6, n_windows=4):
    subjects, trials = np.divmod(np.repeat(np.arange(n_subjects * n_trials), n_windows), n_trials)
    return np.where(trials % 3 == 0, "a", "b"), subjects, subjects * n_trials + trials


def test_windows_of_a_trial_keep_one_label_and_people_keep_their_counts():
    y, subjects, trials = _rows()
    shuffled = shuffle_trial_labels(y, subjects, trials, (0, 1))
    assert (shuffled != y).any()
    for trial in np.unique(trials):
        assert len(set(shuffled[trials == trial])) == 1
    for subject in np.unique(subjects):
        assert sorted(shuffled[subjects == subject]) == sorted(y[subjects == subject])


def test_one_seed_one_shuffle_and_the_labels_given_stay_as_they_are():
    y, subjects, trials = _rows()
    before = y.copy()
    shuffles = [shuffle_trial_labels(y, subjects, trials, (0, i)).tolist() for i in range(8)]
    assert len({tuple(s) for s in shuffles}) == 8
    assert shuffle_trial_labels(y, subjects, trials, (0, 3)).tolist() == shuffles[3]
    assert (y == before).all()


def test_each_trial_gets_each_label_as_often_as_it_occurs():
    y, subjects, trials = _rows()
    n = 600
    share = np.mean(
        [shuffle_trial_labels(y, subjects, trials, (7, i)) == "a" for i in range(n)], axis=0
    )
    # a third of the trials is "a"; five standard errors of a share over n shuffles
    assert np.abs(share - 1 / 3).max() < 5 * np.sqrt(1 / 3 * 2 / 3 / n)


def test_the_order_of_the_rows_does_not_matter():
    y, subjects, trials = _rows()
    order = np.random.default_rng(3).permutation(len(y))
    shuffled = shuffle_trial_labels(y, subjects, trials, (0, 1))
    found = shuffle_trial_labels(y[order], subjects[order], trials[order], (0, 1))
    assert (found == shuffled[order]).all()


def test_a_trial_with_two_labels_is_refused():
    with pytest.raises(StudyError, match=r"a trial of subject anna has several labels \(a and b\)"):
        shuffle_trial_labels(
            np.array(["a", "b"]), np.array(["anna", "anna"]), np.array([4, 4]), (0, 1)
        )
