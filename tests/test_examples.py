"""The examples run as they are, in order of the data's path, and the documents' links hold."""

import re
import runpy
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


@pytest.mark.usefixtures("quick_perceptron")
@pytest.mark.filterwarnings("default", "error::FutureWarning")
@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_example_runs(path, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", [str(path)])
    runpy.run_path(str(path), run_name="__main__")
    said = capsys.readouterr().out
    assert said.strip()
    assert not said.startswith("left out")  # what it needs is a test dependency


def test_examples_are_numbered_along_the_data_s_path():
    numbers = [int(path.stem.split("_")[0]) for path in EXAMPLES]
    assert numbers == sorted(set(numbers))
    assert len(numbers) >= 9


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_between_documents_hold(page):
    text = page.read_text(encoding="utf-8")
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", text):
        assert (page.parent / target).exists(), f"{page.name} links to {target}"


@pytest.mark.parametrize("page", ["quickstart.md", "concepts.md", "features.md"])
def test_python_in_the_documents_runs(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / page).read_text(), re.DOTALL)
    assert blocks
    for block in blocks:
        exec(compile(block, page, "exec"), {"__name__": "documents"})


def test_every_page_is_in_a_table_of_contents():
    listed = set()
    for page in (ROOT / "docs" / "index.md", ROOT / "docs" / "methods" / "index.md"):
        trees = re.findall(r"```{toctree}\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
        for name in re.findall(r"^([a-z_/-]+)$", "\n".join(trees), re.MULTILINE):
            listed.add((page.parent / name).relative_to(ROOT / "docs").as_posix())
    pages = {page.relative_to(ROOT / "docs").with_suffix("").as_posix() for page in PAGES[1:]}
    assert pages - {"index"} == listed
