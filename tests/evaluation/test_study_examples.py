"""The examples in the docstrings of evaluation, report and command line run as they stand."""

from __future__ import annotations

import doctest
import importlib
import pkgutil

import pytest

import eegtl.cli
import eegtl.evaluation
import eegtl.report

MODULES = [
    f"{package.__name__}.{module.name}"
    for package in (eegtl.evaluation, eegtl.report, eegtl.cli)
    for module in pkgutil.iter_modules(package.__path__)
]


@pytest.mark.parametrize("name", MODULES)
def test_examples(name):
    found = doctest.testmod(importlib.import_module(name))
    assert found.failed == 0


def test_there_are_examples():
    finder = doctest.DocTestFinder()
    n = sum(
        bool(test.examples)
        for name in MODULES
        for test in finder.find(importlib.import_module(name))
    )
    assert n >= 20
