"""The project's own files agree with each other."""

import re
import subprocess
import sys
import tomllib

import pytest

import seqlib
from tools.notebooks import ROOT

PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
GROUPS = ("requirements", "requirements-export", "requirements-bench")  # what `make` installs, and what it does besides


def requirements(group):
    lines = (ROOT / f"{group}.txt").read_text("utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def lock(group):
    return (ROOT / f"{group}.lock").read_text("utf-8")


def test_what_a_notebook_needs_is_listed_alike_in_both_places():
    assert set(PYPROJECT["project"]["dependencies"]) <= set(requirements("requirements"))


def test_what_exporting_needs_is_listed_alike_in_both_places():
    assert PYPROJECT["project"]["optional-dependencies"]["export"] == requirements("requirements-export")


@pytest.mark.parametrize("group", GROUPS)
def test_every_requirement_has_a_range_and_is_locked(group):
    for line in requirements(group):
        package = re.match(r"[\w-]+(?=[<>=~])", line)
        assert package, f"{line} has no range"
        assert re.search(rf"(?m)^{package[0]}==", lock(group)), f"{package[0]} is not in the lock: run `make lock`"


@pytest.mark.parametrize("group", GROUPS)
def test_the_lock_has_hashes_and_names_no_host(group):
    entries = re.findall(r"(?m)^\S+==.*(?:\n    .*)*", lock(group))
    assert len(entries) > 10 and all("--hash=sha256:" in entry for entry in entries)
    assert "://" not in lock(group)


@pytest.mark.parametrize("group", GROUPS[1:])
def test_the_packages_for_exporting_and_benchmarks_move_no_other_one(group):
    versions = {name: re.findall(r"(?m)^(\S+==\S+)", lock(name)) for name in GROUPS}
    known = {entry.partition("==")[0] for entry in versions["requirements"]}
    shared = {entry for entry in versions[group] if entry.partition("==")[0] in known}
    assert {"protobuf", "numpy"} <= {entry.partition("==")[0] for entry in shared} and shared <= set(
        versions["requirements"]
    )


def test_the_version_is_told_alike():
    assert f'version: "{seqlib.__version__}"' in (ROOT / "CITATION.cff").read_text("utf-8")


def test_nobody_is_told_to_install_an_unrelated_package():
    words = "install " + "seqlib"  # that name in the package index belongs to somebody else
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split(
        "\n"
    )
    pages = [ROOT / name for name in tracked if name.endswith((".md", ".ipynb", ".py", ".toml", "Makefile"))]
    assert len(pages) > 20
    assert not [page for page in pages if words in page.read_text("utf-8")]


@pytest.mark.parametrize("command", [["check"], ["format", "--check"]], ids=" ".join)
def test_ruff_finds_nothing(command):
    done = subprocess.run([sys.executable, "-m", "ruff", *command, "."], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_make_help_explains_every_target():
    makefile = (ROOT / "Makefile").read_text("utf-8")
    targets = re.search(r"(?m)^\.PHONY: (.*)$", makefile)[1].split()
    told = subprocess.run(
        ["make", "--no-print-directory", "help"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    assert [line.split()[0] for line in told.splitlines()] == targets
    assert all(len(line.split()) > 3 for line in told.splitlines())
