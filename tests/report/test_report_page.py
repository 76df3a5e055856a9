from __future__ import annotations

import base64
import re
from dataclasses import replace
from functools import lru_cache

import html5lib
import numpy as np
import pytest
from report.study_results import make_result

import eegtl
from eegtl.errors import StudyError
from eegtl.evaluation import StudyResult
from eegtl.evaluation.recipe import Recipe
from eegtl.recordings.channels import HEADSETS
from eegtl.report import format_table, report_html, write_report
from eegtl.report import page as page_module
from eegtl.report.content import harm_by_row, harmed_people, information_lines
from eegtl.report.figures.topography import why_no_map
from eegtl.report.pictures import pictures
from eegtl.report.scores import differences, row_keys, scores_by_person
from eegtl.report.wording import granted_sentence, harm_sentence, protocol_sentence, summary

pytestmark = pytest.mark.usefixtures("quick_perceptron")

XHTML = "{http://www.w3.org/1999/xhtml}"
RESULT = make_result(8)
PICTURES = pictures(RESULT)
with pytest.MonkeyPatch.context() as patch:  # figures are drawn once
    patch.setattr(page_module, "pictures", lambda result: PICTURES)
    PAGE = report_html(RESULT)
BARE = {"methods": (), "n_shuffles": 0, "bands": ("theta", "alpha")}


@lru_cache(maxsize=2)
def parse(page):
    """Parse a page; anything that is not valid HTML is an error."""
    return html5lib.HTMLParser(strict=True).parse(page)


@pytest.fixture
def drawn(monkeypatch):
    """Use the figures that are drawn already, where a test is about words."""
    monkeypatch.setattr(page_module, "pictures", lambda result: PICTURES)


@lru_cache(maxsize=2)
def text_of(page, tag="body"):
    return " ".join("".join(parse(page).find(f".//{XHTML}{tag}").itertext()).split())


@pytest.mark.parametrize(
    "result",
    [
        RESULT,
        make_result(100, **(BARE | {"n_shuffles": 2})),
        make_result(
            3,
            classes=(-1, 0, 1),
            channels=HEADSETS["muse"],
            notes=(),
            **(BARE | {"methods": ("tca",)}),
        ),
        make_result(4, map_=False, effect=False, distances=False, dataset="my own", n_shuffles=9),
        make_result(4, information="inductive", causal=False, bands=BARE["bands"]),
        make_result(
            4,
            information="calibration:30:labelled",
            **(BARE | {"methods": ("source+calibration",), "n_shuffles": 40}),
        ),
        make_result(4, protocol="cross-session", information="online", **BARE),
    ],
    ids=["usual", "100 people", "muse", "bare", "future", "labelled", "sessions"],
)
def test_the_page_is_valid_and_needs_nothing_else(result):
    page = PAGE if result is RESULT else report_html(result)
    tree = parse(page)
    names = [node.tag.removeprefix(XHTML) for node in tree.iter()]
    assert not {"script", "link", "iframe", "object", "embed", "form"} & set(names)
    for node in tree.iter():
        for attribute, value in node.attrib.items():
            assert not attribute.startswith("on")
            if attribute in ("src", "srcset", "data", "poster", "background"):
                assert value.startswith("data:image/svg+xml;base64,"), value[:60]
            if attribute == "href":
                assert value.startswith("#") or (node.tag == f"{XHTML}a" and "https://" in value)
    style = "".join(tree.find(f".//{XHTML}style").itertext())
    assert "url(" not in style
    assert "@import" not in style
    ids = [node.attrib["id"] for node in tree.iter() if "id" in node.attrib]
    assert len(ids) == len(set(ids))
    targets = [n.attrib["href"][1:] for n in tree.iter(f"{XHTML}a") if n.attrib["href"][0] == "#"]
    assert set(targets) <= set(ids)
    sections = [n.attrib.get("aria-labelledby") for n in tree.iter(f"{XHTML}section")]
    assert set(sections) - {None} == set(targets)
    assert len(page) < 5_000_000


def test_figures_are_pictures_in_the_page_with_words_for_them():
    images = parse(PAGE).findall(f".//{XHTML}img")
    assert len(images) == 6
    for image in images:
        svg = base64.b64decode(image.attrib["src"].split(",")[1]).decode()
        html5lib.parse(svg)
        assert "<svg" in svg
        assert "<dc:date>" not in svg
        assert not re.search(r'(href|src)="(?!#|data:)', svg)
        assert len(image.attrib["alt"]) > 60
    best = scores_by_person(RESULT).mean()
    assert f"tca [z2] {100 * best['tca [z2]']:.1f} %" in images[0].attrib["alt"]


def test_the_same_result_gives_the_same_bytes():
    assert report_html(make_result(8)) == PAGE


def test_numbers_in_the_table_are_those_of_the_result():
    rows = parse(PAGE).findall(f".//{XHTML}table[@class='results']/{XHTML}tbody/{XHTML}tr")
    shown = [["".join(cell.itertext()) for cell in row] for row in rows]
    assert len(shown) == len(RESULT.table)
    for cells, line in zip(shown, RESULT.table.itertuples(), strict=True):
        assert cells[:2] == [line.method, line.normalization]
        accuracy = f"{100 * line.accuracy_mean:.1f}"
        if line.method != "shuffled labels":
            accuracy += f"{100 * line.accuracy_low:.1f} to {100 * line.accuracy_high:.1f}"
        assert cells[3].strip() == accuracy
    assert all(line.split()[0] in text_of(PAGE) for line in format_table(RESULT).splitlines()[1:])


def test_the_summary_says_what_the_numbers_say():
    means = RESULT.table.assign(key=row_keys(RESULT)).set_index("key")["accuracy_mean"]
    own = means.drop(["majority [none]", "shuffled labels [z2]"])
    first, chance, *_ = summary(RESULT)
    assert first.startswith(f"The highest mean accuracy is that of {own.idxmax()}: ")
    assert f"{100 * own.max():.1f} %" in first
    assert f"the best of {len(own)} rows after the fact" in first
    low, high = (f"{100 * RESULT.chance[end]:.1f}" for end in ("low", "high"))
    assert chance.startswith("Chance: with shuffled labels the mean accuracy of source-only [z2] ")
    assert chance.endswith(f" %; range of 20 shuffles: {low} to {high} %.")
    passed = int((RESULT.table["p_holm"] < 0.05).sum())
    tested = int(RESULT.table["p_holm"].notna().sum())
    wanted = f"{passed} of the {tested}" if passed else f"None of the {tested}"
    assert summary(RESULT)[-1].startswith(wanted)


def test_the_harmed_are_counted_and_named():
    deltas = differences(RESULT)
    by_row = {line["row"]: line for line in harm_by_row(RESULT)}
    for key in deltas:
        values = deltas[key].tolist()
        lost = [v for v in values if v < 0]
        assert by_row[key]["lose"] == f"{len(lost)} of 8"
        assert by_row[key]["large"] == str(sum(v <= -0.05 for v in values))
        if lost:
            assert by_row[key]["person"] == deltas.index[values.index(min(values))]
    people = harmed_people(RESULT)
    assert [line["worst"] for line in people] == sorted(line["worst"] for line in people)
    assert {line["person"] for line in people} == {
        who for who in deltas.index if (deltas.loc[who] <= -0.05).any()
    }
    worst = deltas.min().idxmin()
    assert f"person {deltas[worst].idxmin()} with {worst}." in harm_sentence(RESULT)
    assert harm_sentence(RESULT) in text_of(PAGE)


@pytest.mark.parametrize(
    ("options", "marks"),
    [
        ({}, {(1, 0, 0, 0, 0, 0, 0), (0, 0, 0, 1, 0, 0, 0)}),
        (
            {"information": "online", "causal": False},
            {(0, 0, 0, 0, 0, 0, 1), (0, 0, 1, 0, 0, 0, 1)},
        ),
        ({"information": "inductive"}, {(1, 0, 0, 0, 0, 0, 0)}),
        (
            {"information": "calibration:9:labelled", "methods": ("source+calibration",)},
            {(1, 0, 0, 0, 0, 0, 0), (0, 1, 0, 0, 0, 0, 0), (0, 1, 0, 0, 0, 1, 0)},
        ),
        ({"causal": False}, {(0, 0, 0, 0, 0, 0, 1), (0, 0, 0, 1, 0, 0, 1)}),
    ],
)
def test_what_each_row_saw_is_marked(options, marks):
    result = make_result(3, n_shuffles=2, **options)
    lines = information_lines(result)
    assert {line["marks"] for line in lines} == marks
    named = " ".join(row for line in lines for row in line["rows"])
    assert all(str(method) in named for method in result.table["method"])


@pytest.mark.parametrize(
    "options",
    [
        {"methods": ("asfm", "source+calibration"), "information": "calibration:9:labelled"},
        {"causal": False},
    ],
)
def test_what_deserves_care_is_a_square(options, drawn):
    result = make_result(3, n_shuffles=0, **options)
    marks = np.array([line["marks"] for line in information_lines(result)])
    page = report_html(result)
    assert page.count('class="dot care"') == marks[:, 4:].sum() > 0
    assert page.count('class="dot"') == marks[:, :4].sum()


def test_protocols_are_said_in_plain_words():
    assert protocol_sentence(RESULT) == (
        "Each of the 8 people is left out in turn: a method is trained on the labelled windows of "
        "the other 7 and scored on the one left out."
    )
    sessions = make_result(3, protocol="cross-session", information="calibration:60")
    assert "the same person's earlier sessions" in protocol_sentence(sessions)
    assert granted_sentence(sessions) == (
        "Of the person who is scored, a method may see at most the first 60 s without labels, "
        "which are not scored."
    )
    assert protocol_sentence(replace(RESULT, protocol="mine")) == (
        "Scored on 8 people by the protocol mine."
    )


EVIL = "</title><script>alert('1')</script>\x1b[2J\x00\u202e"


def test_names_from_outside_stay_text():
    names = (EVIL, '" onload="x', "a&amp;b")
    result = make_result(
        3,
        names=names,
        classes=(EVIL, "{{ 7 * 7 }}"),
        dataset=EVIL,
        notes=(EVIL,),
        **(BARE | {"methods": ("tca",), "n_shuffles": 2}),
    )
    result.facts["features"]["<script>"] = EVIL
    result.facts["command"] = {"own": EVIL}
    page = report_html(result)
    tree = parse(page)
    assert tree.find(f".//{XHTML}script") is None
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f\u202e]", page)
    assert "49" not in text_of(page, "title")
    shown = "</title><script>alert('1')</script>\\x1b[2J\\x00\\u202e"
    assert text_of(page, "title") == f"{shown}: subject transfer compared"
    assert text_of(page).count(shown) > 6
    assert '" onload="x' in text_of(page)
    assert "{{ 7 * 7 }}" in text_of(page)
    assert not [n for n in tree.iter() if "onload" in n.attrib]


def test_few_shuffles_give_no_band_and_many_a_band_of_95_percent(spared):
    for n_shuffles, end in (
        (9, "9 shuffles are too few for a band."),
        (40, "; 95 % of 40 shuffles: {:.1f} to {:.1f} %."),
    ):
        result = make_result(5, **(BARE | {"n_shuffles": n_shuffles}))
        ends = [100 * (result.chance[name] or 0) for name in ("low", "high")]
        assert summary(result)[1].endswith(end.format(*ends))
        caption = pictures(result)["subjects"].caption
        assert ("Grey band" in caption) is (n_shuffles == 40)
        assert ("95 % of 40 shuffles; it is a band for source-only [z2]" in caption) is (
            n_shuffles == 40
        )


def test_below_five_people_the_page_shows_a_dash_and_says_why(spared):
    page = report_html(make_result(4, **BARE))
    rows = parse(page).findall(f".//{XHTML}table[@class='results']/{XHTML}tbody/{XHTML}tr")
    for row in rows:
        cells = ["".join(cell.itertext()).strip() for cell in row]
        assert re.fullmatch(r"\d+\.\d-", cells[3])
        assert cells[9] == "" or re.fullmatch(r"[+−]\d+\.\d-", cells[9])
    assert "below 5 there is none (-)" in text_of(page)
    assert "Diamond: mean over people; an interval needs at least 5." in text_of(page)


def test_a_study_in_which_nobody_loses_names_nobody():
    folds = RESULT.folds.assign(accuracy=0.75)
    assert harm_sentence(replace(RESULT, folds=folds)) == (
        f"Nobody loses accuracy in any of {differences(RESULT).shape[1]} rows."
    )
    assert harmed_people(replace(RESULT, folds=folds)) == []


def test_distances_left_out_behind_z2_are_explained_below_the_figure(spared):
    picture = PICTURES["distances"]
    assert "z2 gives everybody the same means, so distances of means say nothing" in picture.caption
    assert "mean_gap [none]: rho = " in picture.alt
    assert "p " in picture.alt
    assert "mean_gap [z2]" not in picture.alt
    own = RESULT.distances[RESULT.distances["distance"] == "mmd_rbf"]
    assert "z2 gives" not in pictures(replace(RESULT, distances=own))["distances"].caption


def test_labels_between_people_leave_no_class_effect_and_a_page_all_the_same(spared):
    result = make_result(4, **BARE)
    block = np.full((2, 19, 2), None).tolist()
    result.overview["class_effect"]["effect"] = block
    assert "effect" not in pictures(result)
    assert 'id="effect"' not in report_html(result)


def test_the_card_and_the_recipe_are_on_the_page_without_folders(drawn):
    recipe = Recipe.read({"data": {"name": "eegmat", "root": "/home/anna/eeg"}})
    facts = RESULT.facts | {"command": recipe.as_dict()}
    page = report_html(replace(RESULT, facts=facts))
    text = text_of(page)
    assert "ODC-By-1.0" in text
    assert "Zyma I, Tukaev S" in text
    assert 'href="https://physionet.org/content/eegmat/1.0.0/"' in page
    assert "eegtl study recipe.toml --root FOLDER --out again eegtl report again" in text
    assert "anna" not in text
    block = next(b for b in parse(page).iter(f"{XHTML}pre") if "[data]" in "".join(b.itertext()))
    again = Recipe.read(recipe.as_dict() | {"data": recipe.as_dict()["data"] | {"root": None}})
    assert "".join(block.itertext()).strip() == again.dump().strip()


def test_a_study_from_python_says_so(drawn):
    text = text_of(report_html(replace(RESULT, facts=RESULT.facts | {"command": {}})))
    assert "The study was run from Python with eegtl.run_study" in text


def test_an_unfinished_study_says_so(drawn):
    text = text_of(report_html(replace(RESULT, n_missing=12)))
    assert "This study is not finished: folds that have not run: 12." in text
    assert "not finished" not in text_of(PAGE)


def test_a_study_without_rows_has_no_report(tmp_path):
    empty = replace(RESULT, table=RESULT.table.iloc[:0], n_missing=136, out=tmp_path)
    message = (
        "no row of the study is complete (folds that have not run: 136), so there is nothing to "
        f"report. Run it to the end with: eegtl study --resume {tmp_path}."
    )
    with pytest.raises(StudyError, match=re.escape(message)):
        write_report(empty, tmp_path / "report.html")
    assert list(tmp_path.iterdir()) == []


def test_the_file_is_written_whole(tmp_path, drawn):
    path = write_report(RESULT, str(tmp_path / "report.html"))
    assert path.read_text(encoding="utf-8") == PAGE
    assert [p.name for p in tmp_path.iterdir()] == ["report.html"]
    with pytest.raises(StudyError, match=r"the folder .*nowhere does not exist\. Make it, or"):
        write_report(RESULT, tmp_path / "nowhere" / "report.html")


def test_results_read_from_a_file_give_the_same_report(study_folder):
    result = StudyResult.load(study_folder)
    first = report_html(result)
    assert report_html(StudyResult.load(study_folder)) == first
    assert len(parse(first).findall(f".//{XHTML}img")) == 6
    assert "study of 20" in text_of(first)
    assert "tca [z2]" in text_of(first)


@pytest.mark.realdata
@pytest.mark.filterwarnings("ignore:band 'gamma':eegtl.errors.SignalWarning")
def test_real_people_make_a_valid_report(realdata):
    people = eegtl.load("eegmat", root=realdata / "eegmat")
    people = people.select(subjects=list(people.subjects)[:6])
    table = eegtl.FeatureExtractor(window=4.0).extract(people)
    result = eegtl.run_study(table, methods=[], n_shuffles=2)
    page = report_html(result)
    assert len(parse(page).findall(f".//{XHTML}img")) == 6
    effect = result.overview["class_effect"]
    assert why_no_map(effect["channels"]) == ""
    assert f"Each of the {len(people.subjects)} people is left out in turn" in text_of(page)
    assert "EEG During Mental Arithmetic Tasks" in text_of(page, "header")
