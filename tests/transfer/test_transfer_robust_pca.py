"""The aligner RobustPCA: what it keeps, for whom, and that a row's result is its own."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from reference import rpca_naive as naive
from transfer.test_transfer_principal_component_pursuit import eeg_like

from eegtl.errors import InputError, TransferWarning
from eegtl.evaluation import TransferSearch
from eegtl.testing import check_transfer_estimator
from eegtl.transfer import SourceOnly, SubjectNormalizer, default_classifier, make_transfer_pipeline
from eegtl.transfer.robust_pca import RobustPCA
from eegtl.transfer.robust_pca_transfer import RobustPCATransfer
from eegtl.transfer.solvers.principal_component_pursuit import pursue

SUBJECTS = np.repeat(["ann", "ben", "cid"], 40)
ROWS = pd.DataFrame({"session": np.tile(np.repeat(["mon", "tue"], 20), 3)})


def rows_of(n=120, d=8, seed=0):
    """Rows of three people with a background of their own each, and days that differ."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, d))
    for start in range(0, n, 20):
        X[start : start + 20] += 3 * np.outer(rng.standard_normal(20), rng.standard_normal(d))
        X[start : start + 20] += 4 * rng.standard_normal(d)
    return X


X = rows_of()
T = rows_of(40, seed=9)


def alone(D, lam=1.0):
    """The sparse part of a session that is decomposed by itself."""
    return pursue(D - D.mean(axis=0), lam / np.sqrt(max(D.shape)), tol=1e-8, max_iter=20000).sparse


@pytest.mark.parametrize("lam", [0.6, 1.0])
def test_each_person_is_decomposed_by_itself(lam):
    robust = RobustPCA(lam=lam, tol=1e-7).fit(X, subjects=SUBJECTS)
    S = robust.transform_source(X, SUBJECTS)
    for who in np.unique(SUBJECTS):
        np.testing.assert_allclose(S[who == SUBJECTS], alone(X[who == SUBJECTS], lam), atol=1e-3)
    assert robust.source_subjects_.tolist() == ["ann", "ben", "cid"]
    assert robust.source_sessions_.tolist() == [0, 0, 0]


def test_each_sitting_is_decomposed_by_itself():
    robust = RobustPCA(tol=1e-7).fit(X, subjects=SUBJECTS, rows=ROWS)
    S = robust.transform_source(X, SUBJECTS, rows=ROWS)
    for who in np.unique(SUBJECTS):
        for day in ("mon", "tue"):
            index = (who == SUBJECTS) & (ROWS["session"] == day).to_numpy()
            np.testing.assert_allclose(S[index], alone(X[index]), atol=1e-3)
    assert robust.source_subjects_.tolist() == ["ann", "ann", "ben", "ben", "cid", "cid"]
    assert robust.source_sessions_.tolist() == ["mon", "tue"] * 3
    # by subject, the days are one
    both = RobustPCA(by="subject", tol=1e-7).fit(X, subjects=SUBJECTS, rows=ROWS)
    assert len(both.source_backgrounds_) == 3
    assert not both.reads_rows
    np.testing.assert_allclose(
        both.transform_source(X, SUBJECTS, rows=ROWS)[:40], alone(X[:40]), atol=1e-3
    )


def test_sittings_are_told_apart_inside_other_estimators():
    """A pipeline in a pipeline, and a search around one, hand the table of rows on."""
    y = np.tile([0, 1], len(X) // 2)
    alone_in_pipeline = make_transfer_pipeline(RobustPCA(), default_classifier())
    assert alone_in_pipeline.reads_rows
    assert not make_transfer_pipeline(RobustPCA(by="subject"), default_classifier()).reads_rows
    nested = make_transfer_pipeline(SubjectNormalizer("z2"), alone_in_pipeline)
    nested.fit(X, y, subjects=SUBJECTS, rows=ROWS)
    inner = nested.steps_[-1][1].steps_[0][1]
    assert inner.source_sessions_.tolist() == ["mon", "tue"] * 3
    searched = TransferSearch(alone_in_pipeline, {"robustpca__lam": [1.0]}, criterion="reverse")
    searched.fit(X, y, subjects=SUBJECTS, rows=ROWS)
    inner = searched.best_estimator_.steps_[0][1]
    assert inner.source_sessions_.tolist() == ["mon", "tue"] * 3


def test_the_target_is_decomposed_by_itself_and_per_sitting():
    robust = RobustPCA(tol=1e-7).fit(X, subjects=SUBJECTS, rows=ROWS)
    np.testing.assert_allclose(robust.adapt(T).transform(T), alone(T), atol=1e-3)
    days = pd.DataFrame({"session": np.repeat([1, 2], 20)})
    robust.adapt(T, rows_target=days)
    assert len(robust.target_backgrounds_) == 2
    # each row goes with the day that leaves the least of it: here its own
    S = robust.transform(T)
    np.testing.assert_allclose(S[:20], alone(T[:20]), atol=1e-3)
    np.testing.assert_allclose(S[20:], alone(T[20:]), atol=1e-3)
    # calibration rows have days, too; where some rows do not tell, all are one
    robust.adapt(T[:20], X_calib=T[20:], rows_target=days[:20], rows_calib=days[20:])
    np.testing.assert_allclose(robust.transform(T), S, atol=1e-12)
    robust.adapt(T[:20], X_calib=T[20:], rows_target=days[:20])
    assert len(robust.target_backgrounds_) == 1
    assert len(RobustPCA(by="subject").fit(X).adapt(T, rows_target=days).target_backgrounds_) == 1


def test_without_rows_a_source_row_goes_with_the_day_that_leaves_the_least():
    robust = RobustPCA().fit(X, subjects=SUBJECTS, rows=ROWS)
    told = robust.transform_source(X, SUBJECTS, rows=ROWS)
    untold = robust.transform_source(X, SUBJECTS)
    assert np.all(np.abs(untold).sum(axis=1) <= np.abs(told).sum(axis=1) + 1e-12)
    assert np.mean(np.all(untold == told, axis=1)) > 0.9


def test_a_new_row_is_explained_at_the_least_cost():
    """The sparse part of any row is the optimum of the row's own convex problem."""
    robust = RobustPCA().fit(X, subjects=SUBJECTS).adapt(T)
    b = robust.target_backgrounds_[0]
    new = rows_of(20, seed=5)[:5]
    for row, kept in zip(new, robust.transform(new), strict=True):
        expected, gap = naive.row_remainder(
            row - b["mean"], b["components"], b["strengths"], b["lam"]
        )
        assert gap < 1e-10
        np.testing.assert_allclose(kept, expected, atol=1e-5)


def test_a_row_does_not_depend_on_its_company():
    robust = RobustPCA().fit(X, subjects=SUBJECTS).adapt(T)
    together = robust.transform(T)
    for i in (0, 7, 39):
        assert np.array_equal(robust.transform(T[i : i + 1])[0], together[i])
    order = np.random.default_rng(0).permutation(len(T))
    assert np.array_equal(robust.transform(T[order]), together[order])


def test_before_adapt_the_pooled_background_of_the_sources():
    robust = RobustPCA(tol=1e-7).fit(X, subjects=SUBJECTS)
    pooled = robust.pooled_background_
    np.testing.assert_allclose(pooled["mean"], X.mean(axis=0), atol=1e-12)
    people = [X[who == SUBJECTS] for who in np.unique(SUBJECTS)]
    low = [D - D.mean(axis=0) - alone(D) for D in people]
    s = np.linalg.svd(np.vstack(low), compute_uv=False)
    np.testing.assert_allclose(pooled["strengths"], s[: len(pooled["strengths"])], rtol=1e-3)
    assert pooled["lam"] == pytest.approx(1 / np.sqrt(120))
    before = robust.transform(T)
    assert not np.allclose(before, robust.adapt(T).transform(T), atol=0.1)
    np.testing.assert_array_equal(robust.adapt().transform(T), before)
    # of one session, it is that session's own background
    one = RobustPCA(tol=1e-7).fit(X[:40])
    np.testing.assert_allclose(one.transform(X[:40]), one.transform_source(X[:40]), atol=1e-5)


def test_adapt_leaves_the_source_side():
    robust = RobustPCA().fit(X, subjects=SUBJECTS)
    before = robust.transform_source(X, SUBJECTS)
    assert np.array_equal(robust.adapt(T + 5).transform_source(X, SUBJECTS), before)
    assert not robust.moves_source


def test_keeps_no_rows():
    big = eeg_like(500, 6)
    robust = RobustPCA().fit(big).adapt(big[:200])
    backgrounds = [*robust.source_backgrounds_, robust.pooled_background_]
    sizes = [np.size(v) for b in backgrounds + robust.target_backgrounds_ for v in b.values()]
    assert max(sizes) <= 36


def test_names_and_order_do_not_matter():
    order = np.random.default_rng(1).permutation(len(X))
    names = np.array([{"ann": 7, "ben": 1, "cid": 3}[s] for s in SUBJECTS])
    a = RobustPCA().fit(X, subjects=SUBJECTS, rows=ROWS)
    days = np.where(ROWS["session"] == "mon", "b", "a")[order]
    b = RobustPCA().fit(X[order], subjects=names[order], rows=pd.DataFrame({"session": days}))
    np.testing.assert_allclose(
        b.transform_source(X[order], names[order]),
        a.transform_source(X, SUBJECTS)[order],
        atol=1e-8,
    )
    np.testing.assert_allclose(b.transform(T), a.transform(T), atol=1e-8)
    np.testing.assert_allclose(b.adapt(T[::-1]).transform(T), a.adapt(T).transform(T), atol=1e-8)


def test_scale():
    """The result scales with the features: the objective does."""
    a = RobustPCA().fit(X, subjects=SUBJECTS).adapt(T)
    b = RobustPCA().fit(1e-6 * X, subjects=SUBJECTS).adapt(1e-6 * T)
    np.testing.assert_allclose(1e6 * b.transform(T * 1e-6), a.transform(T), atol=1e-7)


def test_a_class_in_many_features_goes_into_the_background():
    """What the class docstring warns of, on rows whose only structure is the class."""
    rng = np.random.default_rng(0)
    y = np.repeat([-1.0, 1.0], 60)
    rows = 1.0 * y[:, None] + rng.standard_normal((120, 30))
    S = RobustPCA().fit(rows).adapt(rows).transform(rows)
    effect = (S[60:].mean(axis=0) - S[:60].mean(axis=0)).mean() / 2
    assert effect < 0.25
    # in a single feature it stays
    rows = rng.standard_normal((120, 30))
    rows[:, 3] += 3 * y
    S = RobustPCA().fit(rows).adapt(rows).transform(rows)
    assert (S[60:, 3].mean() - S[:60, 3].mean()) / 2 > 1.0


class TestEdges:
    def test_one_target_row(self):
        """Its own background would leave nothing of it: it stays as it was before adapt."""
        robust = RobustPCA().fit(X, subjects=SUBJECTS)
        before = robust.transform(T)
        with pytest.warns(TransferWarning, match="1 of 1 sittings of the target have fewer than 4"):
            robust.adapt(T[:1])
        np.testing.assert_array_equal(robust.transform(T), before)
        assert (robust.information_, robust.n_target_windows_) == ("inductive", 0)

    def test_short_sittings(self):
        """One row more on another day changes nothing for the others, and is not wiped out."""
        days = pd.DataFrame({"session": [1] * 39 + [2]})
        robust = RobustPCA(tol=1e-7).fit(X, subjects=SUBJECTS)
        with pytest.warns(TransferWarning, match="1 of 2 sittings of the target"):
            robust.adapt(T, rows_target=days)
        np.testing.assert_allclose(robust.transform(T)[:39], alone(T[:39]), atol=1e-3)
        assert np.abs(robust.transform(T)[39]).sum() > 0.1 * np.abs(T[39]).sum()
        with pytest.warns(TransferWarning, match="1 of 4 sittings of the sources"):
            robust.fit(np.vstack([X, T[:1]]), subjects=np.append(SUBJECTS, "eve"))
        assert robust.source_backgrounds_[3] is robust.pooled_background_
        assert np.abs(robust.transform_source(T[:1], ["eve"])).sum() > 0
        y = np.append(np.tile([0, 1], 60), 0)
        transfer = RobustPCATransfer(None)
        with pytest.warns(TransferWarning, match="1 of 4 sittings of the sources"):
            transfer.fit(np.vstack([X, T[:1]]), y, subjects=np.append(SUBJECTS, "eve"))
        assert np.abs(transfer.sources_.X[120]).sum() > 0

    def test_sessions_that_are_missing(self):
        """The rows of one that are told are no sitting, and the others none each."""
        robust = RobustPCA(tol=1e-7).fit(X, subjects=SUBJECTS)
        for missing in (np.nan, None, pd.NA):
            days = pd.DataFrame({"session": [missing, 1, 1, 1] * 10}, dtype=object)
            robust.adapt(T, rows_target=days)
            assert len(robust.target_backgrounds_) == 1
            np.testing.assert_allclose(robust.transform(T), alone(T), atol=1e-3)
        days = pd.DataFrame({"session": [1.0] * 100 + [np.nan] * 20})
        message = r"column 'session' of the rows lacks 20 of 120 values \(the first: row 100\)"
        with pytest.raises(InputError, match=message):
            robust.fit(X, subjects=SUBJECTS, rows=days)
        with pytest.raises(InputError, match=message):
            RobustPCA().fit(X, subjects=SUBJECTS, rows=ROWS).transform_source(
                X, SUBJECTS, rows=days
            )

    def test_one_row_sessions_and_constant_features(self):
        flat = X.copy()
        flat[:, 2] = 0.1  # not a sum of powers of two: its mean is off by rounding
        rows = pd.DataFrame({"session": np.arange(120)})
        message = "needs a source sitting of at least 4 rows; the longest of 120 has n_samples = 1"
        for kind in (RobustPCA, RobustPCATransfer):
            with (
                pytest.warns(TransferWarning, match="120 of 120 sittings of the sources"),
                pytest.raises(InputError, match=message),
            ):
                kind().fit(flat, np.tile([0, 1], 60), subjects=SUBJECTS, rows=rows)
        robust = RobustPCA().fit(flat, subjects=SUBJECTS).adapt(flat[:40])
        kept = robust.transform(flat[:40])
        assert np.abs(kept[:, 2]).max() < 1e-12
        assert np.abs(robust.target_backgrounds_[0]["components"][:, 2]).max() < 1e-12

    def test_more_features_than_rows(self):
        wide = eeg_like(12, 40)
        robust = RobustPCA(tol=1e-7).fit(wide).adapt(wide)
        np.testing.assert_allclose(robust.transform(wide), alone(wide), atol=1e-3)

    def test_unknown_people_and_sessions(self):
        robust = RobustPCA().fit(X, subjects=SUBJECTS, rows=ROWS)
        with pytest.raises(
            InputError, match="RobustPCA got the subjects eve, which were not in fit"
        ):
            robust.transform_source(X[:1], ["eve"])
        message = r"rows of subject ann, session wed, which was not in fit \(there: mon, tue\)"
        with pytest.raises(InputError, match=message):
            robust.transform_source(X[:1], ["ann"], rows=pd.DataFrame({"session": ["wed"]}))
        one_day = RobustPCA().fit(X, subjects=SUBJECTS, rows=pd.DataFrame({"session": [1] * 120}))
        with pytest.raises(InputError, match=r"session 99, which was not in fit \(there: 1\)"):
            one_day.transform_source(X[:1], ["ann"], rows=pd.DataFrame({"session": [99]}))
        with pytest.raises(InputError, match="rows describes 2 rows, but there are 1"):
            robust.transform_source(X[:1], ["ann"], rows=ROWS[:2])

    @pytest.mark.parametrize(
        ("parameters", "message"),
        [
            ({"lam": 0.0}, r"lam must be a positive number \(1 is the usual .*; got 0\.0"),
            ({"lam": "auto"}, "got 'auto'"),
            ({"by": "day"}, "by must be one of session, subject; got 'day'"),
            ({"tol": 2.0}, r"tol must lie between 0 and 1; got 2\.0"),
        ],
    )
    @pytest.mark.parametrize("kind", [RobustPCA, RobustPCATransfer])
    def test_bad_parameters(self, kind, parameters, message):
        with pytest.raises(InputError, match=message):
            kind(**parameters).fit(X, np.arange(120) % 2, subjects=SUBJECTS)


def test_equal_domains_lose_the_class_but_nothing_else():
    """Where nothing is to be aligned, little is lost of a class that shows in one feature."""
    losses = []
    for seed in range(4):
        rng = np.random.default_rng(seed)
        y = np.arange(240) % 2
        rows = rng.standard_normal((240, 10))
        rows[:, 0] += 2.0 * y  # in one feature: no background
        who = np.repeat(["a", "b", "c"], 80)
        plain = SourceOnly().fit(rows[:160], y[:160]).score(rows[160:], y[160:])
        pipe = make_transfer_pipeline(SubjectNormalizer("z0"), RobustPCA(), default_classifier())
        pipe.fit(rows[:160], y[:160], subjects=who[:160]).adapt(rows[160:])
        losses.append(plain - pipe.score(rows[160:], y[160:]))
    assert np.mean(losses) < 0.06


def test_battery():
    check_transfer_estimator(RobustPCA(), extra_classes=[RobustPCA])


def test_battery_in_a_pipeline():
    pipe = make_transfer_pipeline(
        SubjectNormalizer("z2"), RobustPCA(by="subject", lam=0.8), default_classifier()
    )
    check_transfer_estimator(pipe, extra_classes=[RobustPCA])


def test_a_pipeline_tells_a_person_s_sessions_apart() -> None:
    """Each source row is mapped by its own session, not by the one that fits it best."""
    import pandas as pd

    from eegtl.transfer import default_classifier, make_transfer_pipeline

    rng = np.random.default_rng(0)
    X = rng.standard_normal((80, 6)) + np.repeat(rng.standard_normal((2, 6)), 40, axis=0)
    y = np.arange(80) % 2
    rows = pd.DataFrame({"session": np.repeat([1, 2], 40)})
    mixed = rng.permutation(80)  # sessions interleaved
    X, y, rows = X[mixed], y[mixed], rows.iloc[mixed].reset_index(drop=True)
    pipeline = make_transfer_pipeline(RobustPCA(), default_classifier()).fit(X, y, rows=rows)
    step = pipeline.steps_[0][1]
    expected = default_classifier().fit(step.transform_source(X, rows=rows), y)
    np.testing.assert_allclose(pipeline.steps_[1][1].coef_, expected.coef_, atol=1e-8)
    blind = default_classifier().fit(step.transform_source(X), y)
    assert np.abs(blind.coef_ - expected.coef_).max() > 1e-6, "the case tells the two apart"
