"""A first day and the sessions nearest to it as the sources of later days."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from evaluation.day_tables import day_table, sessions_of, with_meta
from pyriemann.geometry.distance import distance_riemann
from sklearn.covariance import OAS

from eegtl.errors import StudyError
from eegtl.evaluation import CrossDay, InformationSet
from eegtl.evaluation.folds import FoldTask, run_fold
from eegtl.evaluation.protocols import choose_protocol
from eegtl.evaluation.session_ranking import SessionRanking
from eegtl.evaluation.study_data import study_arrays
from eegtl.features import FeatureTable
from eegtl.transfer import RobustPCATransfer

ALL = ["inductive", "online", "transductive", "calibration:6", "calibration:6:labelled"]


def _folds(table, **settings):
    return {fold.name: fold for fold in CrossDay(**settings).split(table)}


def _small():
    """One window a trial: rows can be written down. A: days 1 to 3, b: days 1 and 2, c: day 1."""
    meta = pd.DataFrame(
        {
            "subject": ["a"] * 6 + ["b"] * 4 + ["c"] * 2,
            "session": [1, 1, 2, 2, 3, 3, 1, 1, 2, 2, 1, 1],
            "trial": [1, 2] * 6,
            "onset": 0.0,
            "label": ["x", "y"] * 6,
        }
    )
    return type("Table", (), {"meta": meta, "info": {"window": 1.0}})


def test_index_sets_of_a_small_table_are_exact():
    expected = {
        ("others", None): {
            "a day 2": [0, 1, 6, 7, 8, 9, 10, 11],
            "a day 3": [0, 1, 6, 7, 8, 9, 10, 11],
            "b day 2": [0, 1, 2, 3, 4, 5, 6, 7, 10, 11],
        },
        ("own", None): {"a day 2": [0, 1], "a day 3": [0, 1, 2, 3], "b day 2": [6, 7]},
        ("all", None): {
            "a day 2": [0, 1, 6, 7, 8, 9, 10, 11],
            "a day 3": [0, 1, 2, 3, 6, 7, 8, 9, 10, 11],
            "b day 2": [0, 1, 2, 3, 4, 5, 6, 7, 10, 11],
        },
        ("all", 0): {"a day 2": [0, 1], "a day 3": [0, 1], "b day 2": [6, 7]},
    }
    for (pool, n), sources in expected.items():
        folds = _folds(_small(), pool=pool, n_sources=n)
        assert {name: fold.source.tolist() for name, fold in folds.items()} == sources
        assert [fold.test.tolist() for fold in folds.values()] == [[2, 3], [4, 5], [8, 9]]
        assert [fold.subject for fold in folds.values()] == ["a", "a", "b"]


@pytest.mark.parametrize("information", ALL)
@pytest.mark.parametrize("pool", ["others", "own", "all"])
@pytest.mark.parametrize("ranking", ["unlabelled", "labelled"])
def test_neither_the_tested_day_nor_a_later_one_is_a_source(information, pool, ranking):
    table = day_table({"a": 4, "b": 3, "c": 2})
    for n in (0, 1, 2, None):
        folds = _folds(table, information=information, pool=pool, n_sources=n, ranking=ranking)
        assert len(folds) == 3 + 2 + 1
        for name, fold in folds.items():
            day = int(name[-1])
            own = [s for who, s in sessions_of(table, fold.source) if who == fold.subject]
            assert own[0] == 1
            assert max(own) < day
            if pool == "others" or n == 0:
                assert own == [1]
            for part in (fold.calibration, fold.target, fold.test):
                assert set(sessions_of(table, part)) <= {(fold.subject, day)}
            assert not set(fold.calibration) & set(fold.test)
            assert len(fold.calibration) == (3 if "calibration" in information else 0)


def test_each_sitting_is_a_domain_whatever_the_names():
    meta = pd.DataFrame(
        {"subject": ["a session 1", "a", "a", "a"], "session": ["2", "1 session 2", "1", "1"]}
    )
    assert len(set(CrossDay().domains(meta).tolist())) == 3


@pytest.mark.parametrize("ranking", ["unlabelled", "labelled"])
def test_the_choice_does_not_know_the_tested_day(ranking):
    table = day_table({"a": 2, "b": 3, "c": 3, "d": 2})
    before = _folds(table, n_sources=2, ranking=ranking)
    X = table.X.copy()
    tested = before["a day 2"].test
    X[tested] = 50 * np.random.default_rng(5).standard_normal(X[tested].shape)
    labels = table.meta["label"].to_numpy().copy()
    labels[tested] = labels[tested][::-1]
    changed = FeatureTable(X, table.columns, table.meta.assign(label=labels), info=table.info)
    after = _folds(changed, n_sources=2, ranking=ranking)
    assert after["a day 2"].source.tolist() == before["a day 2"].source.tolist()


@pytest.mark.parametrize("ranking", ["unlabelled", "labelled"])
def test_the_choice_depends_on_neither_row_order_nor_names_nor_units(ranking):
    table = day_table({"a": 2, "b": 3, "c": 3})
    settings = {"n_sources": 2, "ranking": ranking, "pool": "all"}
    expected = {n: sessions_of(table, f.source) for n, f in _folds(table, **settings).items()}
    order = np.random.default_rng(1).permutation(len(table))
    units = 10.0 ** np.arange(-3, 3)
    shuffled = FeatureTable(
        table.X[order] * units, table.columns, table.meta.iloc[order], info=table.info
    )
    folds = _folds(shuffled, **settings)
    assert {n: sessions_of(shuffled, f.source) for n, f in folds.items()} == expected
    new = {"a": "z", "b": "y", "c": "x"}
    renamed = with_meta(table, subject=table.meta["subject"].map(new))
    found = _folds(renamed, **settings)
    for name, fold in _folds(table, **settings).items():
        assert found[new[name[0]] + name[1:]].source.tolist() == fold.source.tolist()


def test_sessions_that_are_equally_far_come_along_together():
    table = day_table({"a": 2, "b": 1, "c": 1})
    X = table.X.copy()
    b, c = ((table.meta["subject"] == who).to_numpy() for who in "bc")
    X[c] = X[b] + 3.0  # an offset is no difference of covariances
    same = FeatureTable(X, table.columns, table.meta, info=table.info)
    fold = _folds(same, n_sources=1)["a day 2"]
    assert sessions_of(same, fold.source) == [("a", 1), ("b", 1), ("c", 1)]


def test_the_nearest_are_chosen_and_listed():
    table = day_table({"a": 2, "b": 1, "c": 1, "d": 1}, n_windows=40)
    X, who = table.X.copy(), table.meta["subject"].to_numpy()
    first = ((table.meta["session"] == 1) & (who == "a")).to_numpy()
    X[who == "c"] = X[first] * np.linspace(1.0, 1.1, X.shape[1])
    near = FeatureTable(X, table.columns, table.meta, info=table.info)
    for ranking in ("unlabelled", "labelled"):
        protocol = CrossDay(n_sources=1, ranking=ranking)
        fold = next(protocol.split(near))
        assert sessions_of(near, fold.source) == [("a", 1), ("c", 1)]
        listed = protocol.ranked(near)
        assert listed["subject"].tolist()[0] == "c"
        assert listed["chosen"].tolist() == [True, False, False]
        assert listed["distance"].is_monotonic_increasing
    assert CrossDay(n_sources=None).ranked(near)["distance"].isna().all()


def test_more_than_the_pool_holds_is_all_of_it_and_a_note_says_so():
    table = day_table()
    everything, more = (_folds(table, n_sources=n) for n in (None, 99))
    assert [f.source.tolist() for f in more.values()] == [
        f.source.tolist() for f in everything.values()
    ]
    note = (
        "3 of 3 days have a pool of fewer than 99 sessions of other people (the smallest: 3) and "
        "get all there are"
    )
    assert note in CrossDay(n_sources=99).notes(table)
    assert not any("pool" in text for text in CrossDay(n_sources=3).notes(table))


def test_days_that_cannot_be_scored_are_noted_whatever_is_added():
    table = day_table({"a": 3, "b": 2, "c": 1})
    meta = table.meta
    label = meta["label"].to_numpy().copy()
    label[((meta["subject"] == "b") & (meta["session"] == 1)).to_numpy()] = "calm"
    label[((meta["subject"] == "a") & (meta["session"] == 2) & (meta["trial"] == 2)).to_numpy()] = (
        "bored"
    )
    odd = with_meta(table, label=label)
    for n in (0, None):
        assert list(_folds(odd, n_sources=n)) == ["a day 3"]
        assert CrossDay(n_sources=n).notes(odd)[:3] == [
            "not scored: subject a day 2, whose first day holds no class 'bored'",
            "not scored: subject b day 2, whose first day holds only class 'calm'",
            "not scored: 1 people with one day (c)",
        ]


def test_nobody_with_two_days_is_refused():
    message = r"needs a person with two days.*; 2 people with one day \(a, b\)\. Load more days"
    with pytest.raises(StudyError, match=message):
        list(CrossDay().split(day_table({"a": 1, "b": 1})))


def test_a_column_of_days_joins_sessions():
    table = day_table({"a": 4, "b": 2})
    day = np.where(table.meta["session"] <= 2, "day 9", "day 10")
    dated = with_meta(table, day=day)
    folds = _folds(dated, n_sources=None)
    assert list(folds) == ["a day day 10"]
    fold = folds["a day day 10"]
    assert sessions_of(dated, fold.source) == [("a", 1), ("a", 2), ("b", 1), ("b", 2)]
    assert sessions_of(dated, fold.test) == [("a", 3), ("a", 4)]
    assert "days are taken in the order of their names, digits as numbers: day 9, day 10" in (
        CrossDay().notes(dated)
    )
    assert any("no column 'day'" in note for note in CrossDay().notes(table))


def test_days_without_an_order_are_refused():
    table = day_table({"a": 2, "b": 2})
    twice = with_meta(table, day=table.meta["trial"])
    with pytest.raises(StudyError, match="session 1 of subject a lies on 2 days; a session is one"):
        list(CrossDay(n_sources=0).split(twice))
    none = with_meta(table, day=table.meta["session"].astype(float).replace(2.0, np.nan))
    with pytest.raises(StudyError, match="32 windows have no day, the first is of subject a, sess"):
        list(CrossDay(n_sources=0).split(none))
    mixed = with_meta(table, day=table.meta["session"].map({1: "one", 2: 2}))
    with pytest.raises(StudyError, match=r"names of several types \(int, str\), which have no ord"):
        list(CrossDay(n_sources=0).split(mixed))
    unclear = with_meta(table, day=table.meta["session"].map({1: "d1", 2: "d01"}))
    with pytest.raises(StudyError, match="days of subject a"):
        list(CrossDay(n_sources=0).split(unclear))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"pool": "mine"}, "knows no pool 'mine'; give one of others, own, all"),
        ({"ranking": "best"}, "knows no ranking 'best'; give one of unlabelled, labelled"),
        ({"n_sources": -1}, "n_sources is -1; give a whole number from 0"),
        ({"n_sources": 1.5}, "n_sources is 1.5; give"),
        ({"n_sources": True}, "n_sources is True; give"),
    ],
)
def test_settings_that_mean_nothing_are_refused(settings, message):
    with pytest.raises(StudyError, match=message):
        CrossDay(**settings)


def test_choosing_the_protocol_keeps_its_settings():
    chosen = choose_protocol(CrossDay("online", "own", 2, "labelled"))
    assert (chosen.information.tag, chosen.settings()) == (
        "online",
        {"pool": "own", "n_sources": 2, "ranking": "labelled"},
    )
    assert choose_protocol("cross-day", "inductive").information.tag == "inductive"


def test_distances_are_pyriemanns():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((120, 4)) @ rng.standard_normal((4, 4)) + 5
    y = np.tile(["x", "y"], 60)
    X[:, 1] += y == "y"
    first, *others = np.arange(120).reshape(3, 40)
    sd = X[first].std(axis=0)

    def oas(rows):
        return OAS().fit(rows / sd).covariance_

    expected = [distance_riemann(oas(X[rows]), oas(X[first])) for rows in others]
    assert SessionRanking(X).distances(first, others) == pytest.approx(expected, rel=1e-9)

    def classes(rows):
        middle = np.mean([X[rows][y[rows] == c].mean(axis=0) for c in "xy"], axis=0)
        for c in "xy":
            own = X[rows][y[rows] == c]
            m = (own.mean(axis=0) - middle) / sd
            yield np.block([[oas(own) + np.outer(m, m), m[:, None]], [m[None], np.ones((1, 1))]])

    expected = [
        np.mean([distance_riemann(a, b) for a, b in zip(classes(r), classes(first), strict=True)])
        for r in others
    ]
    found = SessionRanking(X, y).distances(first, others)
    assert found == pytest.approx(expected, rel=1e-9)


def test_what_has_no_covariance_or_lacks_a_class_is_infinitely_far():
    X = np.random.default_rng(0).standard_normal((30, 3))
    X[20:] = 1.0
    first, other, flat = np.arange(30).reshape(3, 10)
    assert np.isfinite(SessionRanking(X).distances(first, [other, flat])).tolist() == [True, False]
    assert np.isinf(SessionRanking(X).distances(flat, [first])).all()
    y = np.array(["x", "y"] * 15)
    y[other] = "x"
    assert np.isinf(SessionRanking(X, y).distances(first, [other, flat])).all()


def test_one_ranking_serves_the_method_and_the_protocol():
    table = day_table({"a": 2, "b": 2, "c": 2})
    X = (table.X - table.X.mean(axis=0)) / table.X.std(axis=0)
    who, session = table.meta["subject"].to_numpy(), table.meta["session"].to_numpy()
    own, others = np.flatnonzero((who == "a") & (session == 1)), np.flatnonzero(who != "a")
    X = X / X[own].std(axis=0)
    model = RobustPCATransfer(1, robust=False).fit(
        X[others], table.meta["label"].to_numpy()[others], subjects=who[others]
    )
    model.adapt(X[own])
    rows = [np.flatnonzero(who == name) for name in model.source_subjects_]
    assert SessionRanking(X).distances(own, rows) == pytest.approx(model.distances_, rel=1e-9)


class _Watched:
    """Keeps all that it is handed."""

    needs_ = information_ = "unlabelled"

    def fit(self, X, y, *, subjects=None, rows=None, X_target=None, rows_target=None):
        self.seen, self.answer = [X, y, subjects, rows, X_target, rows_target], y[0]

    def adapt(self, X_target=None, **given):
        self.seen += [X_target, *given.values()]

    def predict(self, X):
        return np.full(len(X), self.answer)


@pytest.mark.parametrize("information", ["transductive", "calibration:6"])
@pytest.mark.parametrize("ranking", ["unlabelled", "labelled"])
def test_labels_of_the_tested_day_change_nothing_that_an_estimator_sees(information, ranking):
    table = day_table({"a": 2, "b": 2, "c": 1})
    tested = ((table.meta["subject"] == "a") & (table.meta["session"] == 2)).to_numpy()
    label = table.meta["label"].to_numpy().copy()
    label[tested] = label[tested][::-1]
    protocol = CrossDay(information, n_sources=1, ranking=ranking)
    before, after = (_seen(own, protocol) for own in (table, with_meta(table, label=label)))
    assert any(part is not None for part in before[4:])
    assert list(map(_text, before)) == list(map(_text, after))


def _seen(table, protocol):
    """Run the fold of a's second day as `run_study` does."""
    data = study_arrays(table, protocol)
    fold = next(protocol.split(table))
    assert fold.name == "a day 2"
    model = _Watched()
    granted = InformationSet.parse(protocol.information)
    y = data.classes[data.codes][fold.source]
    task = FoldTask("watched", 0, fold, model, "unlabelled", granted, y, None)
    run_fold(task, data.X, data.domains, data.rows, data.target_rows)
    return model.seen


def _text(part) -> str:
    if isinstance(part, pd.DataFrame):
        return part.to_csv()
    return repr(part.tolist() if isinstance(part, np.ndarray) else part)
