"""The README keeps its word: its example runs, its table is that of the command."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")


def python_example() -> str:
    blocks = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
    assert len(blocks) == 1, "the README has one Python example"
    return blocks[0]


def readme_table() -> dict[tuple[str, str], float]:
    """Give the accuracy of each row of the table in the README, in percent."""
    block = README.split("<!-- table: eegtl study synthetic -->")[1].split("```")[1]
    row = re.compile(r"^(\S.*?)\s{2,}(none|z\d)\s{2,}.*?(\d+\.\d) \+- ", flags=re.MULTILINE)
    return {(m[1], m[2]): float(m[3]) for m in row.finditer(block)}


@pytest.mark.usefixtures("quick_perceptron")
def test_the_python_example_runs(capsys: pytest.CaptureFixture[str]) -> None:
    names: dict[str, Any] = {}
    exec(compile(python_example(), "README.md", "exec"), names)
    table = names["study"].table
    assert isinstance(table, pd.DataFrame)
    mine = table[table["method"] == "mine"].iloc[0]
    assert mine["information"] == "transductive"
    assert mine["accuracy_mean"] > 0.6
    assert names["accuracy"] > 0.5
    assert "mine" in capsys.readouterr().out
    shown = readme_table()
    for row in table.itertuples():
        key = (row.method, row.normalization)
        if key in shown and "mlp" not in row.method:  # a network's last digits vary by machine
            assert shown[key] == pytest.approx(100 * row.accuracy_mean, abs=0.15), key
    assert len(shown) == 19


def test_the_example_is_about_ten_lines() -> None:
    lines = [line for line in python_example().splitlines() if line.strip()]
    assert len(lines) <= 12
