"""What the documents list is what the registries hold."""

from pathlib import Path

from eegtl.features import SMOOTHING, features_table
from eegtl.preprocessing import STEPS

PAGE = (Path(__file__).parents[1] / "docs" / "features.md").read_text(encoding="utf-8")


def test_the_table_of_features_is_the_registry_s():
    assert features_table() in PAGE


def test_every_step_and_smoothing_is_on_the_page():
    for name, step in STEPS.items():
        assert f"| `{step.__name__}` | `{name}` |" in PAGE
    for name in SMOOTHING:
        assert f"`{name}`" in PAGE
