"""Studies, recipes and curves by the protocol cross-day."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from evaluation.day_tables import day_table, with_meta

from eegtl.errors import InformationError, InputError, StudyError
from eegtl.evaluation import CrossDay, cross_day_curve, run_study, table_drifts
from eegtl.evaluation.recipe import Recipe
from eegtl.features import FeatureTable, make_columns
from eegtl.report.figures import cross_day_figure
from eegtl.report.wording import protocol_sentence
from eegtl.transfer import RobustPCA, SubjectNormalizer, default_classifier, make_transfer_pipeline

pytestmark = pytest.mark.usefixtures("quick_perceptron")

PEOPLE = {"a": 3, "b": 2, "c": 2, "d": 1}


def _run(table, **settings):
    given = {"protocol": "cross-day", "methods": ["robust pca"], "n_shuffles": 0}
    return run_study(table, **given | settings)


def test_a_study_runs_rows_with_and_without_robust_pca():
    table = day_table(PEOPLE)
    result = _run(table)
    assert result.protocol == "cross-day"
    rows = set(result.table["method"] + " [" + result.table["normalization"] + "]")
    assert {"source-only [z2]", "robust pca [z2]", "robust pca [z0]"} <= rows
    assert (result.table["n_subjects"] == 3).all()
    assert result.folds["fold"].unique().tolist() == ["a day 2", "a day 3", "b day 2", "c day 2"]
    assert any("drift from day to day" in note for note in result.notes)
    sentence = protocol_sentence(result)
    assert "first day and of the 3 sessions of other people that are nearest to it" in sentence
    for protocol, words in (
        (CrossDay(n_sources=0), "the same person's first day alone, and scored"),
        (CrossDay(n_sources=None, pool="own"), "and of all sessions of the days in between"),
        (CrossDay(ranking="labelled"), "that are nearest to it by labelled classes"),
    ):
        facts = result.facts | {"protocol_settings": protocol.settings()}
        assert words in protocol_sentence(replace(result, facts=facts))


def test_predictions_equal_a_plain_loop_with_a_background_for_each_sitting():
    table = day_table(PEOPLE)
    protocol = CrossDay(n_sources=2, pool="all")
    result = _run(table, protocol=protocol)
    y = table.meta["label"].to_numpy()
    for fold in protocol.split(table):
        model = make_transfer_pipeline(SubjectNormalizer("z2"), RobustPCA(), default_classifier())
        who = table.meta["subject"] + table.meta["session"].astype(str)
        model.fit(
            table.X[fold.source],
            y[fold.source],
            subjects=who.to_numpy()[fold.source],
            rows=table.meta.iloc[fold.source].reset_index(drop=True),
        )
        model.adapt(table.X[fold.test])
        line = result.folds[
            (result.folds["row"] == "robust pca [z2]") & (result.folds["fold"] == fold.name)
        ]
        expected = np.mean(model.predict(table.X[fold.test]) == y[fold.test])
        assert line["accuracy"].item() == pytest.approx(expected, abs=1e-12)
        assert len(model.steps_[1][1].source_backgrounds_) == 3  # the first day and two sessions


def test_sessions_are_ranked_by_the_features_of_the_study_only():
    table = day_table(PEOPLE)
    rng = np.random.default_rng(3)
    noise = rng.standard_normal((len(table), 2)) * rng.choice([0.1, 9], (len(table), 2))
    wide = FeatureTable(
        np.hstack([table.X, noise]),
        table.columns.append(make_columns("other", ["C0"], ["alpha", "beta"])),
        table.meta,
        info=table.info,
    )
    protocol = CrossDay(n_sources=1)
    plain = _run(table, protocol=protocol, methods=[])
    both = _run(wide, protocol=protocol, methods=[], features=["de"])
    assert plain.folds["accuracy"].tolist() == both.folds["accuracy"].tolist()


def test_a_study_of_other_settings_or_days_is_not_continued(tmp_path):
    table = day_table(PEOPLE)
    _run(table, out=tmp_path, methods=[])
    _run(table, out=tmp_path, methods=[], if_exists="resume")
    with pytest.raises(StudyError, match=r'protocol_settings\.pool: "others" -> "all"'):
        _run(table, out=tmp_path, methods=[], protocol=CrossDay(pool="all"), if_exists="resume")
    dated = with_meta(table, day=table.meta["session"])
    with pytest.raises(StudyError, match="data: "):
        _run(dated, out=tmp_path, methods=[], if_exists="resume")


def test_a_recipe_holds_the_settings():
    study = {"protocol": "cross-day", "pool": "all", "n_sources": "all", "ranking": "labelled"}
    recipe = Recipe.read({"data": {"name": "synthetic-days"}, "study": study})
    assert recipe.arguments()["protocol"] == CrossDay("transductive", "all", None, "labelled")
    assert Recipe.read(recipe.as_dict()) == recipe
    assert 'n_sources = "all"' in recipe.dump()
    plain = Recipe.read({"data": {"name": "synthetic-days"}, "study": {"protocol": "cross-day"}})
    assert plain.arguments()["protocol"] == CrossDay()
    assert "n_sources" not in plain.dump()


@pytest.mark.parametrize(
    ("study", "message"),
    [
        ({"pool": "own"}, "study.pool: is a setting of the protocol cross-day, and the protocol"),
        ({"protocol": "cross-day", "pool": "other"}, "unknown pool 'other'; did you mean 'others'"),
        ({"protocol": "cross-day", "n_sources": -2}, "is -2; give a whole number from 0"),
        ({"protocol": "cross-day", "n_sources": "some"}, "is 'some'; give a whole number from 0"),
        ({"protocol": "cross-day", "ranking": "x"}, "unknown ranking 'x'"),
    ],
)
def test_a_recipe_refuses_what_means_nothing(study, message):
    with pytest.raises(StudyError, match=message):
        Recipe.read({"data": {"name": "synthetic-days"}, "study": study})


def test_the_curve_equals_the_study_of_a_point():
    table = day_table(PEOPLE)
    curve = cross_day_curve(table, (0, 1, None), pools=("all", "own"))
    assert len(curve.table) == 3 * 2 * 2
    study = _run(table, protocol=CrossDay(pool="all", n_sources=1)).table
    study = study.set_index(["method", "normalization"])
    points = curve.table[(curve.table["pool"] == "all") & (curve.table["n_sources"] == 1)]
    for robust, method in ((False, "source-only"), (True, "robust pca")):
        line, expected = points[points["robust"] == robust].iloc[0], study.loc[(method, "z2")]
        assert line["accuracy_mean"] == pytest.approx(expected["accuracy_mean"], abs=1e-12)
        assert line["accuracy_sd"] == pytest.approx(expected["accuracy_sd"], abs=1e-12)
    own = curve.people[(curve.people["pool"] == "own") & (curve.people["n_sources"] == "all")]
    added = own[~own["robust"]].set_index("subject")["n_added"]
    assert added.to_dict() == {"a": 0.5, "b": 0.0, "c": 0.0}
    assert (curve.table["n_subjects"] == 3).all()
    assert curve.table["accuracy_low"].isna().all()  # three people
    assert curve.chance == 0.5
    figure = cross_day_figure(curve)
    assert [axes.get_title(loc="left") for axes in figure.axes] == [
        "added: sessions of others and own days",
        "added: the wearer's own days in between",
    ]
    ticks = [label.get_text() for label in figure.axes[1].get_xticklabels()]
    assert ticks == ["0", "1\n(0.167)", "all\n(0.167)"]


def test_a_curve_refuses_what_it_cannot_draw():
    table = day_table(PEOPLE)
    with pytest.raises(StudyError, match="a curve needs at least one number of sessions"):
        cross_day_curve(table, ())
    with pytest.raises(StudyError, match="unknown classifier 'tree'; known are: lda, svm"):
        cross_day_curve(table, classifier="tree")
    with pytest.raises(InformationError, match="needs unlabelled rows of the target"):
        cross_day_curve(table, (0,), information="inductive")
    curve = cross_day_curve(table, (0,), robust=(False,), pools=["own"])
    with pytest.raises(InputError, match="the curve has no point"):
        cross_day_figure(replace(curve, table=curve.table.iloc[:0]))


def test_drifts_of_a_table_follow_the_days_not_the_rows():
    table = day_table({"a": 3, "b": 2}, n_windows=40)
    drifts = table_drifts(table)
    assert drifts[["subject", "earlier", "later"]].values.tolist() == [
        ["a", 1, 2],
        ["a", 2, 3],
        ["b", 1, 2],
    ]
    order = np.random.default_rng(0).permutation(len(table))
    mixed = FeatureTable(table.X[order], table.columns, table.meta.iloc[order], info=table.info)
    found = (
        table_drifts(mixed).set_index(["subject", "earlier"]).loc[[("a", 1), ("a", 2), ("b", 1)]]
    )
    assert found["value"].to_numpy() == pytest.approx(drifts["value"].to_numpy(), abs=1e-12)
    X = table.X.copy()
    X[(table.meta["subject"] == "b").to_numpy()] = 1.0
    flat = FeatureTable(X, table.columns, table.meta, info=table.info)
    assert table_drifts(flat)["value"].isna().tolist() == [False, False, True]
    [note] = [text for text in CrossDay().notes(flat) if "drift" in text]
    listed = note.split("Usual")[0].split("taken off: ")[1]
    assert listed.startswith("a ")
    assert "b " not in listed
