"""The direction of imports, and the length of files."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
#: left never imports right
ORDER = [
    "errors",
    "_checks",
    "_optional",
    "_threads",
    "kernels",
    "recordings",
    "preprocessing",
    "features",
    "transfer",
    "evaluation",
    "personalize",
    "streaming",
    "report",
    "testing",
    "cli",
    "__main__",
]
MODULES = sorted((ROOT / "eegtl").rglob("*.py"))


def layer(parts: tuple[str, ...]) -> str:
    return parts[0].removesuffix(".py")


def imported(path: Path) -> set[str]:
    """Give the layers of eegtl that a module imports, inside functions, too."""
    package = path.relative_to(ROOT).parts[:-1]
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = list(package[: len(package) - node.level + 1]) if node.level else []
            module = [*base, *(node.module or "").split(".")]
            names = [".".join(filter(None, [*module, alias.name])) for alias in node.names]
        for name in names:
            parts = name.split(".")
            if parts[0] == "eegtl" and len(parts) > 1:
                found.add(parts[1])
    return found


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(ROOT)))
def test_left_never_imports_right(path: Path) -> None:
    relative = path.relative_to(ROOT / "eegtl")
    if relative.name == "__init__.py" and len(relative.parts) == 1:
        return  # the package itself re-exports lazily
    own = layer(relative.parts)
    assert own in ORDER, f"{own} has no place in the order of layers"
    wrong = {name for name in imported(path) if name in ORDER[ORDER.index(own) + 1 :]}
    assert not wrong, f"{relative} imports {wrong}, which come after {own}"


def test_the_order_is_seen() -> None:
    """The test above sees real imports: transfer uses kernels, the battery uses transfer."""
    assert "kernels" in imported(ROOT / "eegtl/transfer/projection.py")
    assert "transfer" in imported(ROOT / "eegtl/testing/contract.py")


@pytest.mark.parametrize(
    "path",
    [*MODULES, *sorted((ROOT / "tests").rglob("*.py"))],
    ids=lambda p: str(p.relative_to(ROOT)),
)
def test_files_are_short(path: Path) -> None:
    n_lines = len(path.read_text().splitlines())
    assert n_lines <= 420, f"{path.relative_to(ROOT)} has {n_lines} lines: one concept a file"
