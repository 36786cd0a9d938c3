"""GitHub's workflows, which cannot run here: well-formed, modest in what they ask for, and true to the Makefile."""

import os
import re
import subprocess

import pytest
import yaml
from check_jsonschema.builtin_schemas import get_builtin_schema
from jsonschema import Draft7Validator

from tools.notebooks import ROOT

WORKFLOWS = {path.name: path.read_text("utf-8") for path in sorted((ROOT / ".github" / "workflows").iterdir())}
MAKEFILE, README = ((ROOT / name).read_text("utf-8") for name in ("Makefile", "README.md"))
SCRIPT = (ROOT / ".ci" / "run").read_text("utf-8")
SCHEMAS = [get_builtin_schema(name) for name in ("vendor.github-workflows", "custom.github-workflows-require-timeout")]


def read(text):
    """A workflow as GitHub reads it, to whom "on" is a word and not a truth value."""
    return {"on" if key is True else key: value for key, value in yaml.safe_load(text).items()}


def steps(text):
    return [step for job in read(text)["jobs"].values() for step in job["steps"]]


def made(text):
    """The targets that a script makes."""
    return re.findall(r"\bmake ([\w-]+)", re.sub(r"#.*", "", text))


def known(target):
    return re.search(rf"(?m)^{target}:", MAKEFILE)


def promised_by(text):
    """The Pythons that a text names, such as "Python 3.11, 3.12 or 3.13"."""
    return re.findall(r"3\.\d+", re.search(r"Python (3\.\d+(?:(?:, | or )3\.\d+)*)", text)[1])


def messages(errors):
    for error in errors:
        yield from messages(error.context) if error.context else [error.message]


def findings(text):
    """Yield what is wrong with a workflow: against GitHub's own rules, or else against ours."""
    workflow = read(text)
    broken = [message for schema in SCHEMAS for message in messages(Draft7Validator(schema).iter_errors(workflow))]
    if broken:
        yield "; ".join(broken)
        return
    if workflow.get("permissions", {}).get("contents") != "read":
        yield "permissions must be given, and contents must be no more than read"
    for job in workflow["jobs"].values():
        defined = {f"matrix.{name}" for name in job.get("strategy", {}).get("matrix", {})}
        defined |= {f"steps.{step['id']}" for step in job["steps"] if "id" in step}
        used = set(re.findall(r"\$\{\{ *((?:matrix|steps)\.\w+)", yaml.safe_dump(job)))
        yield from (f"{name} is not defined" for name in used - defined)
    for step in steps(text):
        if "uses" in step and not re.fullmatch(r"actions/[\w-]+@v\d+", step["uses"]):
            yield f"{step['uses']} is not an official action at a major version"
        shell = subprocess.run(["bash", "-n"], input=step.get("run", ""), capture_output=True, text=True)
        if shell.returncode:
            yield f"not a script: {shell.stderr}"
        yield from (
            f"{target} is not a target of the Makefile" for target in made(step.get("run", "")) if not known(target)
        )


@pytest.mark.parametrize("name", WORKFLOWS)
def test_a_workflow_is_sound(name):
    assert list(findings(WORKFLOWS[name])) == []


@pytest.mark.parametrize(
    ("name", "text", "broken", "finding"),
    [
        ("tests.yml", "runs-on:", "run-on:", "run-on"),
        ("tests.yml", "cancel-in-progress:", "cancel:", "cancel"),
        ("tests.yml", "    timeout-minutes: 60\n", "", "timeout-minutes"),
        ("tests.yml", "contents: read", "contents: write", "no more than read"),
        ("tests.yml", "matrix.python", "matrix.version", "matrix.version is not defined"),
        ("pages.yml", "id: deployment", "id: deploy", "steps.deployment is not defined"),
        ("pages.yml", "actions/cache@v6", "somebody/cache@v6", "somebody/cache@v6 is not an official action"),
        ("pages.yml", "actions/cache@v6", "actions/cache@main", "actions/cache@main is not an official action"),
        ("pages.yml", "make book", "make books", "books is not a target"),
        ("links.yml", "          fi\n", "", "not a script"),
    ],
)
def test_a_broken_workflow_is_found(name, text, broken, finding):
    assert text in WORKFLOWS[name]
    found = list(findings(WORKFLOWS[name].replace(text, broken)))
    assert len(found) == 1 and finding in found[0], found


def test_the_tests_run_on_every_promised_python():
    matrix = read(WORKFLOWS["tests.yml"])["jobs"]["test"]["strategy"]["matrix"]["python"]
    assert matrix == promised_by(README) == promised_by(MAKEFILE)
    first, last = (f"({version.replace('.', ', ')})" for version in (matrix[0], matrix[-1]))
    assert f"not {first} <= sys.version_info[:2] <= {last}" in MAKEFILE  # what it refuses is what it says


def test_the_other_workflows_run_on_one_of_those():
    for text in WORKFLOWS.values():
        for step in steps(text):
            versions = step.get("with", {}).get("python-version", "").split("\n")
            assert {*versions} <= {"", "${{ matrix.python }}", *promised_by(README)}


def test_every_promised_python_is_tried_for_compatibility():
    workflow = read(WORKFLOWS["compatibility.yml"])
    assert workflow["jobs"]["compatibility"]["strategy"]["matrix"]["python"] == promised_by(README)
    assert steps(WORKFLOWS["compatibility.yml"])[-1]["run"] == "make compatibility PYTHONS=${{ matrix.python }}"
    assert "pyproject.toml" in workflow["on"]["pull_request"]["paths"]  # where the ranges stand


def test_what_lands_is_what_ci_run_lets_land():
    assert [step["run"] for step in steps(WORKFLOWS["tests.yml"]) if "run" in step] == [".ci/run"]
    assert os.access(ROOT / ".ci" / "run", os.X_OK)
    assert made(SCRIPT) == ["system", "test"] and "export CI=true" in SCRIPT
    assert all(known(target) for target in made(SCRIPT))


@pytest.fixture
def commands(tmp_path, monkeypatch):
    """Stand-ins for commands, first on the PATH; each writes down what it is asked to do."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")

    def stand_in(name, script=""):
        command = folder / name
        command.write_text(f'#!/bin/sh\necho "{name} $*" >> {tmp_path}/calls\n{script}\n', "utf-8")
        command.chmod(0o755)

    return stand_in


MOVED = "Colab 2026-12-01\n  since it last passed: keras 3.13.2 -> 3.20.0\n03.ipynb: AttributeError: gone\n"


@pytest.mark.parametrize(
    ("exit_code", "open_issue", "told"),
    [
        (0, "", None),
        (2, "", "gh issue create --title The lessons fail on Colab's newest versions --body-file body.md"),
        (2, "7", "gh issue edit 7 --body-file body.md"),
    ],
)
def test_what_moved_on_colab_ends_in_one_issue_that_names_it(exit_code, open_issue, told, tmp_path, commands):
    commands("make", f"printf '{MOVED}' && exit {exit_code}")
    commands("gh", f'[ "$2" != list ] || echo "{open_issue}"')
    script = steps(WORKFLOWS["colab.yml"])[-1]["run"]
    done = subprocess.run(["bash", "-e", "-c", script], cwd=tmp_path, capture_output=True, text=True)
    assert "keras 3.13.2 -> 3.20.0" in done.stdout  # in the log in any case
    assert (done.returncode == 0) == (exit_code == 0)
    calls = (tmp_path / "calls").read_text("utf-8").splitlines()
    assert calls[0] == "make colab"
    if told is None:
        assert calls == ["make colab"]
    else:
        assert calls[2:] == [told]
        assert "since it last passed: keras 3.13.2 -> 3.20.0" in (tmp_path / "body.md").read_text("utf-8")


def test_the_colab_workflow_takes_the_newest_freeze_first():
    runs = [step["run"] for step in steps(WORKFLOWS["colab.yml"]) if "run" in step]
    assert made(runs[0]) == ["freezes"] and made(runs[1])[0] == "colab"


DEAD = "book/a.md:3: [broken] https://example.org/gone: 404 Client Error: Not Found for url: https://example.org/gone\n"
SLOW = "book/a.md:4: [timeout] https://example.org/slow: Read timed out. (read timeout=30)\n"
SHY = "book/a.md:5: [broken] https://example.org/shy: 403 Client Error: Forbidden for url: https://example.org/shy\n"
REDIRECTED = "book/a.md:6: [redirected with Found] https://example.org/old to https://example.org/new\n"


@pytest.mark.parametrize(
    ("output", "open_issue", "told"),
    [
        ("", "", None),
        (SHY + REDIRECTED, "", None),
        (DEAD + SHY + SLOW, "", "issue create --title Dead links in the book --body-file body.md"),
        (REDIRECTED + DEAD + SLOW, "7", "issue edit 7 --body-file body.md"),
    ],
)
def test_dead_links_end_in_one_issue(output, open_issue, told, tmp_path):
    """The step's own script, with a `gh` that writes down what it is asked to do."""
    calls, gh = tmp_path / "calls", tmp_path / "bin" / "gh"
    gh.parent.mkdir()
    gh.write_text(f'#!/bin/sh\necho "$*" >> calls\n[ "$2" != list ] || echo "{open_issue}"\n', "utf-8")
    gh.chmod(0o755)
    (tmp_path / "_build" / "html").mkdir(parents=True)
    (tmp_path / "_build" / "html" / "output.txt").write_text(output, "utf-8")
    script = steps(WORKFLOWS["links.yml"])[-1]["run"]
    path = f"{gh.parent}{os.pathsep}{os.environ['PATH']}"
    subprocess.run(["bash", "-e", "-c", script], cwd=tmp_path, env=os.environ | {"PATH": path}, check=True)
    if told is None:
        assert not calls.exists()
    else:
        assert calls.read_text("utf-8").splitlines()[1:] == [told]
        body = (tmp_path / "body.md").read_text("utf-8")
        assert DEAD in body and SLOW in body and "403" not in body
