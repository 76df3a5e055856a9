"""The report of a study: one HTML file that needs nothing else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from .. import __version__
from ..errors import EegtlError, StudyError
from ..evaluation import StudyResult
from ..evaluation.folder import write_whole
from ..evaluation.recipe import Recipe
from . import content, wording
from .escape import printable
from .pictures import pictures
from .table import footnotes, shows_intervals

#: facts that have a place of their own on the page
_ELSEWHERE = ("rows", "command", "libraries", "subjects", "features", "eegtl", "python", "started")


def write_report(result: StudyResult, path: str | Path) -> Path:
    """Write the report of a study as one HTML file.

    Parameters
    ----------
    result : StudyResult
    path : path
        Usually ``report.html`` in the study's folder; replaced when it is there.

    Returns
    -------
    pathlib.Path

    Raises
    ------
    StudyError
        When no row of the study is complete, or the file cannot be written.
    """
    path = Path(path)
    if not path.parent.is_dir():
        raise StudyError(
            f"{path} cannot be written: the folder {path.parent} does not exist. Make it, or "
            "choose another place with --out."
        )
    return write_whole(path, report_html(result))


def report_html(result: StudyResult) -> str:
    """Make the report of a study.

    Parameters
    ----------
    result : StudyResult

    Returns
    -------
    str
        A whole HTML page: no scripts, nothing to be loaded, the same on every call. Names from
        outside are escaped.

    Raises
    ------
    StudyError
        When no row of the study is complete.
    """
    if result.table.empty:
        folder = result.out or "FOLDER"
        raise StudyError(
            f"no row of the study is complete (folds that have not run: {result.n_missing}), so "
            f"there is nothing to report. Run it to the end with: eegtl study --resume {folder}."
        )
    environment = Environment(
        loader=PackageLoader("eegtl.report"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template("report.html").render(_page(result))


def _shown(value: Any) -> Any:
    """Write out control characters in whatever the template shows."""
    if isinstance(value, Markup) or value is None:
        return value
    return printable(value)


def _lines(text: str) -> Markup:
    """Escape a text of several lines."""
    return Markup("\n").join(escape(printable(line)) for line in text.splitlines())


def _page(result: StudyResult) -> dict[str, Any]:
    """Collect everything that the template shows."""
    facts = result.facts
    cards = content.cards_of(result)
    commands, recipe = _again(result)
    return {
        "result": result,
        "facts": facts,
        "cards": cards,
        "name": " + ".join(facts.get("dataset", [])) or "a study",
        "date": _date(result),
        "n_people": wording.n_people(result),
        "classes": content.class_counts(result),
        "protocol": wording.protocol_sentence(result),
        "granted": wording.granted_sentence(result),
        "summary": wording.summary(result),
        "kinds": content.INFORMATION,
        "information": content.information_lines(result),
        "lines": content.result_lines(result),
        "has_intervals": shows_intervals(result.table),
        "footnotes": [note for note in footnotes(result) if note not in result.notes],
        "pictures": pictures(result),
        "harm": wording.harm_sentence(result),
        "harm_by_row": content.harm_by_row(result),
        "harmed": content.harmed_people(result),
        "named_loss": f"{100 * content.NAMED_LOSS:g}",
        "everyone": content.everyone(result),
        "settings": content.setting_lines(result),
        "features": {k: _short(v) for k, v in facts.get("features", {}).items()},
        "commands": _lines("\n".join(commands)),
        "recipe": _lines(recipe),
        "versions": _versions(result),
        "other_facts": {k: _short(v) for k, v in facts.items() if k not in _ELSEWHERE},
    }


def _short(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _date(result: StudyResult) -> str:
    """Say on which day the study was started."""
    return str(result.facts.get("started", ""))[:10]


def _versions(result: StudyResult) -> dict[str, str]:
    """List the versions the results were computed with, and that of the report."""
    facts = result.facts
    versions = {"eegtl": facts.get("eegtl"), "Python": facts.get("python")}
    versions |= facts.get("libraries", {})
    if facts.get("eegtl") != __version__:
        versions["eegtl of this report"] = __version__
    return {name: str(version) for name, version in versions.items() if version}


def _again(result: StudyResult) -> tuple[list[str], str]:
    """Give the commands that repeat the study, and the recipe they need.

    The folder of the data is left out, since the report may be passed on.
    """
    command = result.facts.get("command")
    if not command:
        return [], ""
    try:
        content = Recipe.read(command).as_dict()
        rooted = content["data"].pop("root", None) is not None
        recipe = Recipe.read(content).dump()
    except EegtlError:
        # started from Python, with facts of its own
        return [], json.dumps(command, indent=1, ensure_ascii=False)
    study = "eegtl study recipe.toml" + (" --root FOLDER" if rooted else "") + " --out again"
    return [study, "eegtl report again"], recipe
