"""What the documents list is what the registries hold."""

import re
from pathlib import Path

from eegtl.evaluation.recipe import Recipe
from eegtl.features import SMOOTHING, features_table
from eegtl.preprocessing import STEPS

PAGE_FOLDER = Path(__file__).parents[1] / "docs"
PAGE = (PAGE_FOLDER / "features.md").read_text(encoding="utf-8")


def test_the_table_of_features_is_the_registry_s():
    assert features_table() in PAGE


def test_every_step_and_smoothing_is_on_the_page():
    for name, step in STEPS.items():
        assert f"| `{step.__name__}` | `{name}` |" in PAGE
    for name in SMOOTHING:
        assert f"`{name}`" in PAGE


def test_the_recipe_of_the_quick_start_is_one(tmp_path):
    text = (PAGE_FOLDER / "quickstart.md").read_text(encoding="utf-8")
    recipe = tmp_path / "mine.toml"
    recipe.write_text(re.search(r"```toml\n(.*?)```", text, re.DOTALL)[1], encoding="utf-8")
    assert [step.name for step in Recipe.load(recipe).chain().steps] == ["notch", "reference"]


def test_the_recipe_lines_of_muse_days_are_known(tmp_path):
    card = PAGE_FOLDER.parent / "datasets" / "muse-days" / "recipe.md"
    lines = re.search(r"```toml\n(.*?)```", card.read_text(encoding="utf-8"), re.DOTALL)[1]
    recipe = tmp_path / "muse.toml"
    recipe.write_text(f'[data]\nname = "muse-days"\n\n{lines}', encoding="utf-8")
    assert [step.name for step in Recipe.load(recipe).chain().steps] == ["dropouts"]
