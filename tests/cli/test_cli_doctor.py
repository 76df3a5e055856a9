from __future__ import annotations

import os
import re
import subprocess
import sys
import uuid
from importlib import metadata

import pytest
from typer.testing import CliRunner

from eegtl.cli import app, findings
from eegtl.cli.findings import Finding


@pytest.fixture
def no_streams(monkeypatch):
    """Leave LSL alone: its settings count for the whole process."""
    monkeypatch.setattr(findings, "streams", lambda: iter([Finding("not looked for")]))


def _texts(found):
    return [finding.text for finding in found]


def test_a_sound_machine(no_streams, tmp_path, monkeypatch):
    monkeypatch.setenv("EEGTL_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("EEGTL_DATA", str(tmp_path / "data"))
    result = CliRunner().invoke(app, ["doctor"])
    assert result.exit_code == 0, result.output
    for title in ("versions", "threads", "kernels", "extras", "folders", "LSL streams on this"):
        assert re.search(rf"^{title}", result.stdout, re.M)
    assert f"numpy {metadata.version('numpy')}" in result.stdout
    assert f"features kept: {tmp_path / 'cache' / 'features'} (0 tables, 0 MiB)" in result.stdout
    assert f"data sets: {tmp_path / 'data'} (the environment variable EEGTL_DATA)" in result.stdout
    assert "eegmat: not found; see eegtl datasets info eegmat" in result.stdout
    assert result.stdout.endswith("all that eegtl needs is here\n")
    assert "BROKEN" not in result.stdout


def test_what_is_broken_is_said_and_counts(no_streams, monkeypatch):
    monkeypatch.setattr(findings, "kernels", lambda: [Finding("they do not run\x1b[2J", True)])
    result = CliRunner().invoke(app, ["doctor"])
    assert result.exit_code == 1
    assert "  BROKEN  they do not run\\x1b[2J\n" in result.stdout
    assert result.stdout.endswith("1 of these keep eegtl from working\n")


def test_versions_that_are_missing_or_too_old(monkeypatch):
    needed = [("numpy", "999.1", None), ("no-such-thing", "1", None), ("torch", "999", "deep")]
    monkeypatch.setattr(findings, "_requirements", lambda: iter(needed))
    found = list(findings.versions())
    assert [finding.broken for finding in found] == [False, True, True, False]
    assert found[1].text == (
        f"numpy {metadata.version('numpy')} is too old; install it with: pip install 'numpy>=999.1'"
    )
    assert found[2].text == (
        "no-such-thing is not installed; install it with: pip install no-such-thing"
    )
    assert found[3].text == f"numpy {metadata.version('numpy')}"


@pytest.mark.parametrize(
    ("lower", "higher"),
    [("1.9", "1.10"), ("2.3", "2.3.1"), ("0.17", "1.0"), ("1.2.0rc1", "1.2.1"), ("3", "3.0.1")],
)
def test_versions_compare_as_numbers(lower, higher):
    assert findings._numbers(lower) < findings._numbers(higher)
    assert findings._numbers("1.2") == findings._numbers("1.2.0") == findings._numbers("1.2.0+cpu")


def test_requirements_are_those_of_the_package():
    found = list(findings._requirements())
    assert ("typer", "0.29", None) in found
    assert ("pyxdf", "1.17", "xdf") in found
    assert ("dask", "2026.1", "distributed") in found
    assert all(re.fullmatch(r"[\w.-]+", name) for name, _, _ in found)


def test_extras_name_the_line_that_installs_them(monkeypatch):
    needed = [("numpy", "1", "here"), ("no-such-thing", "1", "gone"), ("numpy", "1", "gone"),
              ("pytest", "1", "test"), ("numpy", "1", None)]  # fmt: skip
    monkeypatch.setattr(findings, "_requirements", lambda: iter(needed))
    assert _texts(findings.extras()) == [
        f"here  numpy {metadata.version('numpy')}",
        "gone  not here (no-such-thing): pip install 'eegtl[gone]'",
    ]


def test_a_package_that_is_not_installed_has_no_requirements(monkeypatch):
    def missing(name):
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "requires", missing)
    found = list(findings.versions())
    assert found[1] == Finding(
        "eegtl is not installed as a package, so what it needs is unknown; in its folder run: "
        "pip install -e .",
        True,
    )
    assert list(findings.extras()) == []


def test_kernels_run_and_give_the_entropy_of_noise():
    (found,) = findings.kernels()
    assert not found.broken
    assert re.fullmatch(
        r"compiled or read back in \d+\.\d s; 60 s of 8 channels take \d+\.\d ms", found.text
    )


def test_kernels_that_fail_or_are_wrong_are_broken(monkeypatch):
    import numpy as np

    from eegtl import features

    monkeypatch.setattr(features, "differential_entropy", lambda *given: np.zeros((20, 8, 1)))
    (found,) = findings.kernels()
    assert found.broken
    assert found.text.startswith(
        "the entropy of white noise comes out as 0.00 nats instead of 2.19; remove numba's cache"
    )

    def fail(*given):
        raise RuntimeError("no compiler")

    monkeypatch.setattr(features, "differential_entropy", fail)
    (found,) = findings.kernels()
    assert found == Finding("the kernels do not run: RuntimeError: no compiler", True)


def test_lsl_that_does_not_load_is_broken(monkeypatch):
    monkeypatch.setitem(sys.modules, "pylsl", None)
    (found,) = findings.streams()
    assert found.broken
    assert found.text.startswith("pylsl does not work (ModuleNotFoundError: ")


OUTLET = """
import sys
import pylsl
from eegtl.streaming.lsl import configure
configure()
info = pylsl.StreamInfo(sys.argv[1], "EEG", 4, 256.0, pylsl.cf_float32, sys.argv[1])
outlet = pylsl.StreamOutlet(info)
print("out", flush=True)
sys.stdin.read()
"""


def test_streams_of_this_machine_are_seen():
    name = f"doctor-{uuid.uuid4().hex}"
    with subprocess.Popen(
        [sys.executable, "-c", OUTLET, name],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ},
    ) as outlet:
        assert outlet.stdout is not None
        assert outlet.stdout.readline() == "out\n"
        code = (
            "from eegtl.cli import findings\nfindings._LSL_WAIT = 5.0\n"
            "for finding in findings.streams(): print(finding.broken, finding.text)"
        )
        seen = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        )
        outlet.communicate("")
    lines = seen.stdout.splitlines()
    assert re.fullmatch(r"False pylsl [\d.]+, liblsl \d+\.\d+", lines[0])
    assert f"False '{name}': type EEG, 4 channels, 256 Hz" in lines


def test_folders_of_no_use_are_findings(monkeypatch):
    monkeypatch.setenv("EEGTL_CACHE", "~nobody at all/cache")
    monkeypatch.setenv("EEGTL_DATA", "x" * 5000)
    found = list(findings.folders())
    assert not any(finding.broken for finding in found)
    texts = _texts(found)
    assert texts[0] == "features kept: ~nobody at all/cache/features (0 tables, 0 MiB)"
    assert texts[1] == (
        "new features cannot be kept: there is no home folder ~nobody at all; name a folder of "
        "yours with EEGTL_CACHE"
    )
    assert "eegmat: cannot be read; see eegtl datasets info eegmat" in texts
    monkeypatch.setenv("EEGTL_DATA", "~nobody at all/data")
    assert _texts(findings.folders())[-1] == (
        "data sets: the folder ~nobody at all/data (the environment variable EEGTL_DATA) cannot be "
        "found: there is no home folder ~nobody at all; write it in full"
    )
