"""GitHub's workflows, which cannot run here: well-formed, modest in what they ask for, and true to the Makefile."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from check_jsonschema.builtin_schemas import get_builtin_schema
from jsonschema import Draft7Validator

from tools import environments, where_it_runs
from tools.notebooks import ROOT

WORKFLOWS = {path.name: path.read_text("utf-8") for path in sorted((ROOT / ".github" / "workflows").iterdir())}
MAKEFILE, README = ((ROOT / name).read_text("utf-8") for name in ("Makefile", "README.md"))
SCRIPT = ROOT / ".ci" / "run"
SCHEMAS = [get_builtin_schema(name) for name in ("vendor.github-workflows", "custom.github-workflows-require-timeout")]
PINNED = r"actions/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+"  # an official action, its commit, and which release that is
OURS = "$/.github/workflows/issue.yml"
MAY_WRITE = re.compile(r": write\b|\bsecrets\.|\bgithub\.token\b|\bGITHUB_TOKEN\b")
NOT_GITHUBS = re.compile(r"\bactions/checkout\b|\b(?:make|pip|python3?|uv)\b|(?<!\$)\./")  # code of ours or of others


def read(text):
    """A workflow as GitHub reads it, to whom "on" is a word and not a truth value."""
    return {"on" if key is True else key: value for key, value in yaml.safe_load(text).items()}


def jobs(text):
    """The jobs of a workflow that have steps of their own: those that call another workflow have none."""
    return {name: job for name, job in read(text)["jobs"].items() if "steps" in job}


def steps(text):
    return [step for job in jobs(text).values() for step in job["steps"]]


def scripts(text):
    return [step["run"] for step in steps(text) if "run" in step]


def targets(script):
    """The targets that a script makes."""
    commands = re.findall(r"\bmake ([^\n;&|>]+)", re.sub(r"#.*|\$\{\{.*?\}\}", "", script))
    return [word for command in commands for word in command.split() if "=" not in word]


def known(target):
    return re.search(rf"(?m)^{target}:", MAKEFILE.replace("$(READY):", ".venv/ready:"))


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
    if workflow.get("permissions") not in ({}, {"contents": "read"}):
        yield "permissions must be given, and be no more than to read contents"
    for name, job in jobs(text).items():
        defined = {f"matrix.{name}" for name in job.get("strategy", {}).get("matrix", {})}
        defined |= {f"steps.{step['id']}" for step in job["steps"] if "id" in step}
        used = set(re.findall(r"\$\{\{ *((?:matrix|steps)\.\w+)", yaml.safe_dump(job)))
        yield from (f"{name} is not defined" for name in used - defined)
        if MAY_WRITE.search(yaml.safe_dump(job)) and (code := NOT_GITHUBS.search(yaml.safe_dump(job))):
            yield f"the job {name} may write, and it runs {code[0]}"
    for action in re.findall(r"(?m)^[ -]+uses: (.*)", text):
        if action != OURS and not re.fullmatch(PINNED, action):
            yield f"{action} is not an official action at a commit, with its release as a comment"
    for script in scripts(text):
        shell = subprocess.run(["bash", "-n"], input=script, capture_output=True, text=True)
        if shell.returncode:
            yield f"not a script: {shell.stderr}"
        yield from (f"{target} is not a target of the Makefile" for target in targets(script) if not known(target))


@pytest.mark.parametrize("name", WORKFLOWS)
def test_a_workflow_is_sound(name):
    assert list(findings(WORKFLOWS[name])) == []


CHECKOUT = re.search(r"actions/checkout@.*", WORKFLOWS["tests.yml"])[0]
TOKEN = '{GH_TOKEN: "${{ github.token }}"}'


@pytest.mark.parametrize(
    ("name", "text", "broken", "finding"),
    [
        ("tests.yml", "runs-on:", "run-on:", "run-on"),
        ("tests.yml", "cancel-in-progress:", "cancel:", "cancel"),
        ("tests.yml", "    timeout-minutes: 120\n", "", "timeout-minutes"),
        ("tests.yml", "contents: read", "contents: write", "no more than to read"),
        ("tests.yml", "permissions:\n  contents: read\n", "", "permissions must be given"),
        ("tests.yml", "matrix.python", "matrix.version", "matrix.version is not defined"),
        ("tests.yml", "id: deployment", "id: deploy", "steps.deployment is not defined"),
        ("tests.yml", "actions/deploy-pages@", "somebody/deploy@", "is not an official action"),
        ("tests.yml", CHECKOUT, "actions/checkout@v7", "actions/checkout@v7 is not an official action at a commit"),
        ("tests.yml", CHECKOUT, CHECKOUT.partition(" #")[0], "is not an official action at a commit"),
        ("tests.yml", "make book", "make books", "books is not a target"),
        ("links.yml", "          { echo", "          ( echo", "not a script"),
        ("colab.yml", OURS, "./.github/workflows/issue.yml", "is not an official action"),
        ("colab.yml", "- run: make freezes", f"- run: make freezes\n        env: {TOKEN}", "the job colab may write"),
        ("issue.yml", "  number=$(", "  pip install gh; number=$(", "may write, and it runs pip"),
        (
            "issue.yml",
            "    steps:\n",
            f"    steps:\n      - uses: {CHECKOUT}\n",
            "it runs actions/",
        ),
    ],
)
def test_a_broken_workflow_is_found(name, text, broken, finding):
    assert text in WORKFLOWS[name]
    found = list(findings(WORKFLOWS[name].replace(text, broken)))
    assert found and all(finding in message for message in found), found


def test_zizmor_finds_nothing():
    zizmor = Path(sys.executable).with_name("zizmor")
    done = subprocess.run([zizmor, "--offline", "--quiet", "."], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_actions_are_moved_by_an_update_file():
    config = yaml.safe_load((ROOT / ".github" / "dependabot.yml").read_text("utf-8"))
    assert list(Draft7Validator(get_builtin_schema("vendor.dependabot")).iter_errors(config)) == []
    assert [update["package-ecosystem"] for update in config["updates"]] == ["github-actions"]


def test_the_tests_run_on_every_promised_python():
    tests = jobs(WORKFLOWS["tests.yml"])
    versions = [step.get("with", {}).get("python-version", "") for step in tests["full"]["steps"]]
    newest = " ".join(versions).split()[-1]  # the one that `make` uses
    pythons = [*tests["light"]["strategy"]["matrix"]["python"], newest]
    assert pythons == promised_by(README) == promised_by(MAKEFILE)
    first, last = (f"({version.replace('.', ', ')})" for version in (pythons[0], pythons[-1]))
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


def test_the_book_is_published_from_a_commit_of_main_whose_tests_passed():
    tests = jobs(WORKFLOWS["tests.yml"])
    assert {*tests["book"]["needs"]} == {"full", "light"} and tests["publish"]["needs"] == "book"
    assert tests["book"]["if"] == "github.ref == 'refs/heads/main'"
    publishing = [name for name, text in WORKFLOWS.items() if "actions/deploy-pages" in text]
    assert publishing == ["tests.yml"]


@pytest.mark.parametrize("kind", ["colab", "compatibility"])
def test_a_limit_is_above_what_the_record_says_the_lessons_take(kind):
    seconds = sum(row["seconds"] for row in where_it_runs.read()[kind])
    assert jobs(WORKFLOWS[f"{kind}.yml"])[kind]["timeout-minutes"] > seconds / 60


def test_a_browser_is_installed_only_where_there_is_none():
    names = re.search(r"(?m)^BROWSERS = \$\(shell which (.*)\)$", MAKEFILE)[1].split()
    assert tuple(names) == environments.BROWSERS
    for found, installed in (("/usr/bin/google-chrome", False), ("", True)):
        command = ["make", "--dry-run", "system", f"BROWSERS={found}"]
        commands = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
        assert bool(re.search(r"install .*\bchromium\b", commands)) == installed
        assert re.search(r"install .*\bbubblewrap iproute2\b", commands)


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


@pytest.fixture
def ci_run(tmp_path, commands):
    """Run .ci/run with stand-ins; what it prints, its exit code, and the calls of make and for a namespace."""

    def ci_run(make="", unshare='shift && exec "$@"', user=0):
        enter = 'while [ "${1#-}" != "$1" ]; do shift; done; exec "$@"'
        for name, script in (("make", make), ("unshare", unshare), ("ip", ""), ("setpriv", enter), ("sudo", enter)):
            commands(name, script)
        commands("id", f"echo {user}")
        done = subprocess.run([SCRIPT], capture_output=True, text=True)
        calls = (tmp_path / "calls").read_text("utf-8").splitlines()
        return done, [call for call in calls if re.match(r"(make|ip|setpriv|sudo) ", call)]

    return ci_run


@pytest.mark.parametrize("user", [0, 1000])
def test_what_lands_is_tested_without_a_network_and_then_with_one(ci_run, user):
    done, calls = ci_run(user=user)
    assert done.returncode == 0, done.stderr
    assert [call for call in calls if call.startswith("make")] == [
        "make system",
        "make .venv/export",
        "make test",
        "make colab FREEZE=newest NB=00",
        "make index",
    ]
    before = calls[: calls.index("make test")]
    assert before[-2:] == ["ip link set lo up", f"setpriv --reuid={user} --regid={user} --init-groups make test"]
    assert any(call.startswith("sudo ") for call in calls) == (user != 0)
    assert calls[calls.index("make test") + 1] == "make colab FREEZE=newest NB=00"  # outside of the namespace


def test_where_no_namespace_can_be_made_it_says_so_and_tests(ci_run):
    done, calls = ci_run(unshare="exit 1")
    assert done.returncode == 0 and "make test" in calls
    assert "No network namespace can be made here: the tests run with the network." in done.stdout


@pytest.mark.parametrize("target", ["system", ".venv/export", "test", "colab", "index"])
def test_nothing_lands_if_a_part_fails(ci_run, target):
    done, calls = ci_run(make=f'[ "$1" != {target} ]')
    assert done.returncode != 0 and calls[-1].startswith(f"make {target}")


def test_every_test_is_run_by_one_of_the_two():
    """What `make test` leaves out is what `make index` runs; a skipped test fails in both."""
    assert "export CI=true" in SCRIPT.read_text("utf-8") and all(map(known, targets(SCRIPT.read_text("utf-8"))))
    assert re.search(r'(?m)^test: .*\n.* pytest (.* )?-m "not network" ', MAKEFILE)
    assert re.search(r"(?m)^index: .*\n.* pytest (.* )?-m network ", MAKEFILE)
    assert [script for script in scripts(WORKFLOWS["tests.yml"]) if "book" not in script] == [
        ".ci/run",
        "make system check",
    ]


MOVED = "Colab 2026-12-01\n  since it last passed: keras 3.13.2 -> 3.20.0\n03.ipynb: AttributeError: gone\n"


def run_step(name, folder):
    """Run the last script of a workflow in a folder, as GitHub would."""
    return subprocess.run(
        ["bash", "-e", "-c", scripts(WORKFLOWS[name])[-1]], cwd=folder, capture_output=True, text=True
    )


@pytest.mark.parametrize("exit_code", [0, 2])
def test_what_moved_on_colab_is_written_down_if_the_lessons_fail(exit_code, tmp_path, commands):
    commands("make", f"printf '{MOVED}' && exit {exit_code}")
    done = run_step("colab.yml", tmp_path)
    assert "keras 3.13.2 -> 3.20.0" in done.stdout  # in the log in any case
    assert (done.returncode == 0) == (exit_code == 0)
    assert (tmp_path / "calls").read_text("utf-8") == "make colab\n"
    assert (tmp_path / "issue.md").exists() == (exit_code != 0)
    if exit_code:
        assert "since it last passed: keras 3.13.2 -> 3.20.0" in (tmp_path / "issue.md").read_text("utf-8")


def test_the_colab_workflow_takes_the_newest_freeze_first():
    assert [targets(script) for script in scripts(WORKFLOWS["colab.yml"])] == [["freezes"], ["colab"]]


DEAD = "book/a.md:3: [broken] https://example.org/gone: 404 Client Error: Not Found for url: https://example.org/gone\n"
SLOW = "book/a.md:4: [timeout] https://example.org/slow: Read timed out. (read timeout=30)\n"
SHY = "book/a.md:5: [broken] https://example.org/shy: 403 Client Error: Forbidden for url: https://example.org/shy\n"
REDIRECTED = "book/a.md:6: [redirected with Found] https://example.org/old to https://example.org/new\n"


@pytest.mark.parametrize(
    ("output", "dead"), [("", ""), (SHY + REDIRECTED, ""), (REDIRECTED + DEAD + SHY + SLOW, DEAD + SLOW)]
)
def test_dead_links_are_written_down(output, dead, tmp_path):
    (tmp_path / "_build" / "html").mkdir(parents=True)
    (tmp_path / "_build" / "html" / "output.txt").write_text(output, "utf-8")
    assert run_step("links.yml", tmp_path).returncode == 0
    assert (tmp_path / "issue.md").exists() == bool(dead)
    if dead:
        assert f"```text\n{dead}```" in (tmp_path / "issue.md").read_text("utf-8")


@pytest.mark.parametrize("name", ["colab", "links"])
def test_what_was_written_down_is_handed_to_the_one_workflow_that_may_write(name):
    workflow = read(WORKFLOWS[f"{name}.yml"])
    issue, (file,) = (
        workflow["jobs"]["issue"],
        [step["with"] for step in steps(WORKFLOWS[f"{name}.yml"]) if "id" in step],
    )
    assert issue["needs"] == name and issue["if"].endswith(f"needs.{name}.outputs.issue")
    assert workflow["jobs"][name]["outputs"] == {"issue": "${{ steps.issue.outputs.artifact-id }}"}
    assert file == {"name": "issue", "path": "issue.md", "if-no-files-found": "ignore"}
    download, _ = steps(WORKFLOWS["issue.yml"])
    assert download["with"] == {"name": "issue"}


@pytest.mark.parametrize(
    ("open_issue", "call"),
    [
        ("", "gh issue create --title What's broken --body-file issue.md"),
        ("7", "gh issue edit 7 --body-file issue.md"),
    ],
)
def test_there_is_one_issue_of_a_title(open_issue, call, tmp_path, commands, monkeypatch):
    monkeypatch.setenv("TITLE", "What's broken")
    commands("gh", f'[ "$2" != list ] || echo "{open_issue}"')
    assert run_step("issue.yml", tmp_path).returncode == 0
    search, filing = (tmp_path / "calls").read_text("utf-8").splitlines()
    assert 'select(.title == "What\'s broken")' in search and filing == call
