"""Sphinx settings; ``make docs`` builds the pages into ``docs/_build``."""

from importlib.metadata import version as installed

project = "eegtl"
author = "The eegtl developers"
version = release = installed("eegtl")
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.autosummary", "numpydoc"]
myst_enable_extensions = ["deflist", "dollarmath"]
myst_heading_anchors = 3
numpydoc_show_class_members = False
html_theme = "pydata_sphinx_theme"
html_static_path: list[str] = []
html_show_sourcelink = False
exclude_patterns = ["_build"]
# links to files of the repository outside docs/ are for readers of the repository
suppress_warnings = ["myst.xref_missing"]
