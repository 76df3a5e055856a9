"""``eegtl study --protocol cross-day`` and its options."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from eegtl.cli import app

DAYS = ("study", "synthetic-days", "--dump-recipe")


def _call(*arguments):
    return CliRunner().invoke(app, [*DAYS, *arguments])


def test_options_become_the_settings_of_the_recipe():
    options = ("--pool", "all", "--n-sources", "2", "--ranking", "labelled")
    text = _call("--protocol", "cross-day", *options).stdout
    for line in (
        'protocol = "cross-day"',
        'pool = "all"',
        "n_sources = 2",
        'ranking = "labelled"',
    ):
        assert line in text.splitlines()
    text = _call("--protocol", "cross-day", "--n-sources", "all").stdout
    assert 'n_sources = "all"' in text.splitlines()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--pool", "own"), "--pool: is a setting of the protocol cross-day, and the protocol is"),
        (("--protocol", "cross-day", "--pool", "al"), "--pool: unknown pool 'al'; did you mean"),
        (("--protocol", "cross-day", "--n-sources", "few"), "--n-sources: is 'few'; give a whole"),
        (("--protocol", "cross-day", "--n-sources", "-1"), "--n-sources: is '-1'; give a whole"),
    ],
)
def test_mistakes_are_named_by_their_option(options, message):
    result = _call(*options)
    assert result.exit_code != 0
    assert message in " ".join(result.output.split())
