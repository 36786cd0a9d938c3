"""The dev container, which cannot be started here: its file against the schema, and against the project's other files.

The schema is schemas/devContainer.base.schema.json of GitHub devcontainers/spec (MIT licence, Microsoft).
"""

import json
import re

import pytest
from jsonschema import Draft201909Validator

from tools.notebooks import ROOT

TEXT = (ROOT / ".devcontainer" / "devcontainer.json").read_text("utf-8")
SCHEMA = json.loads((ROOT / "tests" / "schemas" / "devcontainer.json").read_text("utf-8"))


def read(text):
    """The file as its readers take it: JSON with whole lines of comment."""
    return json.loads(re.sub(r"(?m)^\s*//.*$", "", text))


def findings(text):
    return [error.message for error in Draft201909Validator(SCHEMA).iter_errors(read(text))]


def test_it_follows_the_schema():
    assert findings(TEXT) == []


@pytest.mark.parametrize(
    ("text", "broken"),
    [
        ('"image": "mcr', '"picture": "mcr'),
        ('"cpus": 2', '"cpus": "two"'),
        ('"memory": "8gb"', '"memory": "much"'),
        ('"postCreateCommand"', '"postCreatedCommand"'),
    ],
)
def test_a_broken_file_is_found(text, broken):
    assert text in TEXT
    assert findings(TEXT.replace(text, broken))


def test_it_has_a_promised_python_and_makes_what_there_is():
    config = read(TEXT)
    python = re.search(r"python:(3\.\d+)", config["image"])[1]
    readme, makefile = ((ROOT / name).read_text("utf-8") for name in ("README.md", "Makefile"))
    assert python in re.search(r"Python (3\.\d+(?:(?:, | or )3\.\d+)*)", readme)[1]
    targets = re.findall(r"make (\S+)", config["postCreateCommand"])
    assert targets == [re.search(r"(?m)^READY := (\S+)", makefile)[1]]
    for module in re.findall(r"-m tools\.(\w+)", config["postCreateCommand"]):
        assert (ROOT / "tools" / f"{module}.py").is_file()
    interpreter = config["customizations"]["vscode"]["settings"]["python.defaultInterpreterPath"]
    assert interpreter == "${containerWorkspaceFolder}/.venv/bin/python"
