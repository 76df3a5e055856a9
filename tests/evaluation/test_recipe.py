from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path

import pytest

from eegtl.errors import DatasetError, StudyError
from eegtl.evaluation import toml_text
from eegtl.evaluation.recipe import Recipe
from eegtl.evaluation.recipe_text import dotted
from eegtl.features import BANDS, FEATURES
from eegtl.features.smoothing import LDS, SMOOTHING, MovingAverage
from eegtl.preprocessing import STEPS, Bandpass, Notch

FULL = """
[data]
name = "eegmat"
root = "data/eegmat"
channels = ["Fp1", "Fp2", "F3", "F4"]
subjects = ["02", "04"]
skip_bad = true

[[preprocessing]]
step = "notch"
frequency = 60

[[preprocessing]]
step = "bandpass"
low = 0.5
high = "none"

[features]
names = ["de", "dasm"]
window = 4
step = 1.0
smoothing = { name = "lds", mode = "smooth" }

[features.bands]
alpha = [8, 14]
beta = [14, 31]

[study]
protocol = "cross-session"
information = "calibration:60:labelled"
methods = ["tca", "kpca (linear)"]
shuffles = 3
seed = 7
keep_settling = true
allow_acausal = true
"""


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "recipe.toml"
    path.write_text(text, encoding="utf-8")
    return path


def problem(tmp_path: Path, text: str) -> str:
    with pytest.raises(StudyError) as caught:
        Recipe.load(write(tmp_path, text))
    return str(caught.value)


def test_a_full_recipe_means_what_it_says(tmp_path: Path) -> None:
    recipe = Recipe.load(write(tmp_path, FULL))
    assert recipe.chain().steps == (Notch(60.0), Bandpass(0.5, None))
    extractor = recipe.extractor()
    assert (extractor.window, extractor.step) == (4.0, 1.0)
    assert extractor.bands == {"alpha": (8.0, 14.0), "beta": (14.0, 31.0)}
    assert [feature.name for feature in extractor.features] == ["de", "dasm"]
    assert recipe.features.smoothing.make() == LDS("smooth")
    assert recipe.arguments() == {
        "protocol": "cross-session",
        "information": "calibration:60:labelled",
        "methods": ["tca", "kpca (linear)"],
        "tune": None,
        "n_shuffles": 3,
        "seed": 7,
        "features": ["de", "dasm"],
        "keep_settling": True,
        "allow_acausal": True,
        "command": recipe.as_dict(),
    }


def test_the_least_recipe_is_completed_from_card_and_defaults(tmp_path: Path) -> None:
    recipe = Recipe.load(write(tmp_path, '[data]\nname = "synthetic"\n'))
    assert recipe.features.window == 2.0
    assert recipe.features.bands == BANDS
    assert recipe.chain().steps == ()
    written = recipe.dump()
    assert "window = 2.0" in written
    assert "gamma = [31.0, 50.0]" in written
    assert 'protocol = "leave-one-subject-out"' in written


@pytest.mark.parametrize("text", [FULL, '[data]\nname = "synthetic"\n'])
def test_written_and_read_again_it_is_the_same(tmp_path: Path, text: str) -> None:
    recipe = Recipe.load(write(tmp_path, text))
    assert Recipe.load(write(tmp_path, recipe.dump())) == recipe
    assert Recipe.read(json.loads(json.dumps(recipe.as_dict()))) == recipe


@pytest.mark.parametrize(("registry", "tag"), [(STEPS, "step"), (SMOOTHING, "name")])
def test_every_registered_entry_can_be_named(registry, tag: str, tmp_path: Path) -> None:
    """Settings go through the file, with the defaults written out."""
    needed = {"resample": {"sfreq": 128.0}, "channels": {"names": ["Fz", "Cz"]},
              "harmonise": {"montage": "epoc"}, "moving_average": {"seconds": 4.0}}  # fmt: skip
    for name, kind in registry.items():
        settings = needed.get(name, {})
        table = {tag: name, **settings}
        content = {"data": {"name": "synthetic"}}
        if tag == "step":
            content["preprocessing"] = [table]
        else:
            content["features"] = {"smoothing": table}
        recipe = Recipe.read(content)
        again = Recipe.load(write(tmp_path, recipe.dump()))
        parts = [
            each.preprocessing[0] if tag == "step" else each.features.smoothing
            for each in (recipe, again)
        ]
        made = [part.make() for part in parts]
        values = {k: tuple(v) if isinstance(v, list) else v for k, v in settings.items()}
        assert made == [kind(**values)] * 2
        assert type(made[0]) is kind
        written = parts[0].model_dump()
        assert set(written) == {tag, *(field.name for field in dataclasses.fields(kind))}


def test_smoothing_by_its_bare_name() -> None:
    content = {"data": {"name": "synthetic"}, "features": {"smoothing": "lds"}}
    assert Recipe.read(content).features.smoothing.make() == LDS()
    content["features"]["smoothing"] = {"name": "moving_average", "seconds": 8}
    assert Recipe.read(content).features.smoothing.make() == MovingAverage(8.0)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "seed = 7",
            'seed = "7"',
            "line 33: study.seed: Input should be a valid integer (got '7')",
        ),
        ("seed = 7", "seed = 1.5", "line 33: study.seed: Input should be a valid integer"),
        (
            "seed = 7",
            "seed = -1",
            "line 33: study.seed: Input should be greater than or equal to 0",
        ),
        (
            "seed = 7",
            "sede = 7",
            "line 33: study.sede: unknown key; did you mean 'seed'? Allowed a",
        ),
        (
            "window = 4",
            "window = 0",
            "line 20: features.window: Input should be greater than 0 (go",
        ),
        ("window = 4", "window = nan", "line 20: features.window: Input should be a finite number"),
        ("alpha = [8, 14]", "alpha = [8]", "line 25: features.bands.alpha[2]: is missing"),
        ("alpha = [8, 14]", "alpha = [8, true]", "line 25: features.bands.alpha[2]: Input should"),
        ('"de", "dasm"', '"de", "dsam"', "line 19: features.names: unknown feature 'dsam'; did yo"),
        ('["de", "dasm"]', "[]", "line 19: features.names: Tuple should have at least 1 item"),
        (
            'mode = "smooth"',
            'mode = "x"',
            "line 22: features.smoothing: mode is 'x'; give 'filter'",
        ),
        (
            'mode = "smooth"',
            "moode = 1",
            "line 22: features.smoothing.moode: unknown key; did you ",
        ),
        (
            '"notch"',
            '"nutch"',
            "line 10: preprocessing[1].step: 'nutch' is unknown; known are '",
        ),
        (
            'step = "notch"',
            "",
            "line 9: preprocessing[1]: 'step' is missing (got {'frequency': 60})",
        ),
        ("frequency = 60", "frequency = 0", "line 9: preprocessing[1]: frequency is 0"),
        (
            "frequency = 60",
            "freq = 60",
            "line 11: preprocessing[1].freq: unknown key; did you mean",
        ),
        ('high = "none"', 'high = "no"', "line 16: preprocessing[2].high: Input should be a valid"),
        ('high = "none"', "high = 0.2", "line 13: preprocessing[2]: low is 0.5 Hz and high is 0.2"),
        (
            '"tca", ',
            '"tka", ',
            "line 31: study.methods: unknown method 'tka'; did you mean 'tca'? kn",
        ),
        (
            "60:labelled",
            "60:all",
            "line 30: study.information: unknown information set 'calibration",
        ),
        (
            '"cross-session"',
            '"loso"',
            "line 29: study.protocol: unknown protocol 'loso'; known are",
        ),
        (
            "skip_bad = true",
            "skip_bad = 1",
            "line 7: data.skip_bad: Input should be a valid boolean",
        ),
        ('["02", "04"]', '"02"', "line 6: data.subjects: Input should be a valid array (got '02')"),
        (
            '["Fp1", "Fp2", "F3", "F4"]',
            "4",
            "line 5: data.channels: Input should be a valid string",
        ),
        ('name = "eegmat"', "", "line 2: data.name: is missing"),
        ("alpha = [8, 14]", "alpha = [14, 8]", "line 24: features.bands: band 'alpha' is (14.0, "),
        ('"de", "dasm"', '"de", "de"', "line 19: features.names: features is ('de', 'de'); name e"),
        ('["02", "04"]', "[]", "line 6: data.subjects: Tuple should have at least 1 item"),
        ('["Fp1", "Fp2", "F3", "F4"]', "[]", "line 5: data.channels: name at least one channel, "),
        ('["tca", "kpca (linear)"]', "[]", "line 31: study.methods: Tuple should have at least 1"),
        (
            '"notch"\nfrequency = 60',
            '"artefacts"\n[[preprocessing]]\nstep = "artefacts"',
            "line 9: preprocessing: a chain holds 2 ArtefactMarks",
        ),
        ("[data]", "[date]", ": data: is missing"),
        (
            "[study]",
            "[stady]",
            "line 28: stady: unknown key; did you mean 'study'? Allowed are data",
        ),
    ],
)
def test_errors_name_file_line_key_and_value(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    assert FULL.count(old) == 1
    text = problem(tmp_path, FULL.replace(old, new))
    assert f"{tmp_path / 'recipe.toml'}" in text
    assert message in text
    assert "Value error" not in text


def test_all_problems_are_told_at_once(tmp_path: Path) -> None:
    text = problem(tmp_path, FULL.replace("seed = 7", "seed = -1").replace("window = 4", "w = 1"))
    assert text.count("; ") >= 1
    assert "study.seed" in text
    assert "features.w: unknown key" in text


def test_import_paths_and_code_are_only_unknown_names(tmp_path: Path) -> None:
    for name in ("os.system", "eegtl.preprocessing.Notch", "__import__('os')"):
        assert f"{name!r} is unknown" in problem(tmp_path, FULL.replace('"notch"', f'"{name}"'))


def test_unknown_data_set() -> None:
    with pytest.raises(DatasetError, match="'eegmatt' is unknown; did you mean 'eegmat'"):
        Recipe.read({"data": {"name": "eegmatt"}})


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a = ", "recipe.toml: not valid TOML: Invalid value"),
        (b'a = "\xff"', "recipe.toml: not valid TOML: 'utf-8' codec can't decode"),
        (b"a = 1\na = 2\n", "recipe.toml: not valid TOML: Cannot overwrite a value (at line 2"),
    ],
)
def test_a_file_that_is_no_toml(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "recipe.toml"
    path.write_bytes(content)
    with pytest.raises(StudyError, match=re.escape(message)):
        Recipe.load(path)


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(StudyError) as caught:
        Recipe.load(tmp_path / "nothing.toml")
    assert str(caught.value) == (
        f"the recipe {tmp_path / 'nothing.toml'} cannot be read (No such file or directory); name "
        "a file, or a data set such as synthetic"
    )


def test_content_from_elsewhere_that_is_no_mapping() -> None:
    with pytest.raises(StudyError, match=re.escape("recipe: Input should be an object (got [1])")):
        Recipe.read([1])  # type: ignore[arg-type]


def test_places_in_lists_count_from_one() -> None:
    assert dotted(("preprocessing", 0, "low")) == "preprocessing[1].low"
    assert dotted(()) == "recipe"


def test_known_names_are_those_of_the_registries() -> None:
    with pytest.raises(StudyError) as caught:
        Recipe.read({"data": {"name": "synthetic"}, "features": {"names": ["x"]}})
    assert f"known are {', '.join(FEATURES)}" in str(caught.value)
    with pytest.raises(StudyError) as caught:
        Recipe.read({"data": {"name": "synthetic"}, "preprocessing": [{"step": "x"}]})
    assert f"known are {', '.join(map(repr, STEPS))}" in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "a = " + "[" * 5000,
        '[data]\nname = "synthetic"\n[features]\nnames = ' + "[" * 300 + "]" * 300,
        ".".join("a" * 20000) + " = 1",
        "[" + ".".join("a" * 900) + "]\n" + ".".join("b" * 900) + " = 1",
    ],
)
def test_what_is_nested_too_deep_is_refused(tmp_path: Path, text: str) -> None:
    message = problem(tmp_path, text)
    assert message.startswith(f"{tmp_path / 'recipe.toml'}: ")
    assert message.endswith("tables or lists are nested too deep; a recipe has four levels at most")


def test_dots_of_a_remark_do_not_count(tmp_path: Path) -> None:
    text = f'# {"." * 2000}\n[data]\nname = "synthetic"\n'
    assert Recipe.load(write(tmp_path, text)).data.name == "synthetic"


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    text = '[data]\nname = "synthetic"\n'
    full = text + "#" * (2**20 - len(text))
    assert Recipe.load(write(tmp_path, full)).data.name == "synthetic"
    assert problem(tmp_path, full + "#") == (
        f"{tmp_path / 'recipe.toml'}: has more than 1048576 bytes, which no recipe needs; name "
        "another file"
    )


def test_of_many_problems_the_first_are_told_and_the_lines_read_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    readings = []
    read = toml_text._lines
    monkeypatch.setattr(toml_text, "_lines", lambda text: readings.append(1) or read(text))
    keys = "".join(f"key{i} = 1\n" for i in range(3000))
    message = problem(tmp_path, f'[data]\nname = "synthetic"\n{keys}')
    assert message.count(": unknown key;") == 20
    assert "line 22: data.key19: unknown key; " in message
    assert message.endswith("; and 2980 more")
    assert len(readings) == 1


def test_long_keys_and_values_are_cut(tmp_path: Path) -> None:
    long = "x" * 5000
    for text in (f"{long} = 1\n", f'[features]\nnames = ["{long}"]\n',
                 f'[[preprocessing]]\nstep = "{long}"\n'):  # fmt: skip
        assert len(problem(tmp_path, text)) < 1500


def test_the_mark_that_editors_begin_a_file_with(tmp_path: Path) -> None:
    path = tmp_path / "recipe.toml"
    path.write_bytes(b'\xef\xbb\xbf[data]\nname = "synthetic"\n')
    assert Recipe.load(path).data.name == "synthetic"


def test_an_anchored_recipe_means_the_same_from_every_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for root, wanted in (
        ("data", tmp_path / "data"),
        (str(tmp_path / "x"), tmp_path / "x"),
        ("~/data", tmp_path / "home" / "data"),
    ):
        recipe = Recipe.read({"data": {"name": "eegmat", "root": root}})
        assert recipe.anchored().data.root == str(wanted)
    recipe = Recipe.read({"data": {"name": "eegmat"}})
    assert recipe.anchored() == recipe
