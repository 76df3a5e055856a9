"""The estimator that the contributing guide shows holds every rule."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

from eegtl.testing import check_transfer_estimator
from eegtl.transfer import Aligner  # noqa: F401  the guide's example derives from it

GUIDE = Path(__file__).parents[2] / "docs" / "contributing.md"


def test_the_method_shown_holds_every_rule() -> None:
    block = re.search(r"```python\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
    assert block is not None
    # in this module's own names, since scikit-learn pickles the class by its module
    exec(compile(textwrap.dedent(block[1]), str(GUIDE), "exec"), globals())
    check_transfer_estimator(globals()["MeanShift"]())
