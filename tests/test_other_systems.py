"""Windows and macOS, which nobody could try here: what can be asked of the files all the same."""

import ast
import os
import re
import subprocess
import sys

import pytest

from tools import lab
from tools.notebooks import ROOT

PAGE = (ROOT / "book" / "where_it_runs.md").read_text("utf-8")
COMMANDS = re.findall(r"(?m)^(?:py -3|\.venv\\Scripts\\python).*", PAGE)
DEVICES = {"con", "prn", "aux", "nul", *(f"{kind}{i}" for kind in ("com", "lpt") for i in range(1, 10))}
CODE = [path for folder in ("seqlib", "tools", "book/_ext") for path in sorted((ROOT / folder).glob("*.py"))]


def tracked(*options):
    return subprocess.check_output(["git", "ls-files", "-z", *options], cwd=ROOT, text=True).split("\0")[:-1]


def problems_with_names(names):
    """Yield why Windows could not check out files of these names."""
    lower = [name.lower() for name in names]
    for name in names:
        if lower.count(name.lower()) > 1:
            yield f"{name}: differs from another by its case alone"
        if re.search(r'[<>:"|?*\\]', name) or any(part.endswith((".", " ")) for part in name.split("/")):
            yield f"{name}: a character that is not allowed"
        if DEVICES & {part.split(".")[0].lower() for part in name.split("/")}:
            yield f"{name}: a name that is reserved"
        if len(name) > 150:
            yield f"{name}: too long"


def test_every_file_can_be_checked_out():
    names = tracked()
    assert len(names) > 100 and list(problems_with_names(names)) == []


@pytest.mark.parametrize("names", [["a", "A"], ["a:b"], ["x/aux.py"], ["dir./a"], ["n" * 151]])
def test_a_name_that_windows_refuses_is_found(names):
    assert list(problems_with_names(names))


def test_line_ends_are_the_same_on_every_machine():
    ends = [line.split("\t")[0].split() for line in tracked("--eol")]
    text = [(index, attribute) for index, _, *attribute in ends if index != "i/-text"]
    assert len(text) > 100
    for index, attribute in text:
        assert index in ("i/lf", "i/none") and "eol=lf" in " ".join(attribute)


def machine_dependent(code):
    """Yield the calls that read or write text in the code page of the machine, or that need a shell."""
    for call in (node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Call)):
        name = ast.unparse(call.func)
        values = [getattr(part, "value", None) for part in (*call.args, *(word.value for word in call.keywords))]
        mode = next((value for value in values if isinstance(value, str) and re.fullmatch("[rwax][bt]?", value)), None)
        text = (
            name.endswith((".read_text", ".write_text"))
            or (name == "open" and mode is None)
            or (name.split(".")[-1] in ("open", "fdopen") and mode is not None and "b" not in mode)
        )
        if text and "utf-8" not in values:
            yield ast.unparse(call)
        if name == "os.system" or any(word.arg == "shell" for word in call.keywords):
            yield ast.unparse(call)


@pytest.mark.parametrize("path", CODE, ids=lambda path: path.name)
def test_code_asks_for_no_shell_and_for_no_code_page(path):
    assert list(machine_dependent(path.read_text("utf-8"))) == []


def test_code_that_depends_on_the_machine_is_found():
    for code in (
        "p.read_text()",
        "open('file')",
        "p.open('w')",
        "p.write_text(s)",
        "os.system('ls')",
        "run('ls', shell=True)",
    ):
        assert list(machine_dependent(code)) == [code]
    for code in (
        "Image.open(a)",
        "p.read_text('utf-8')",
        "open('file', 'rb')",
        "open('file', encoding='utf-8')",
        "p.write_text(s, 'utf-8')",
    ):
        assert list(machine_dependent(code)) == []


def test_the_commands_without_make_do_what_make_does():
    """One block installs, one opens the lessons, one builds the book and opens it; what they name is there."""
    install, start = COMMANDS[:3], COMMANDS[3:]
    assert install[0] == "py -3.13 -m venv .venv"
    assert install[1].endswith("-m pip install -r requirements.lock") and (ROOT / "requirements.lock").is_file()
    assert install[2].endswith("-m pip install --no-deps --no-build-isolation -e .")
    makefile = (ROOT / "Makefile").read_text("utf-8")
    assert start == [r".venv\Scripts\python -m tools.lab"] and "$(IN_VENV) tools.lab" in makefile
    build, page = re.search(r"(?m)^\.venv\\Scripts\\jupyter-book (.*)\nstart (.*)$", PAGE).groups()
    assert build == "build ." and ".venv/bin/jupyter-book build " in makefile
    assert ROOT / page.replace("\\", "/") == lab.BOOK / "index.html"


@pytest.mark.network
@pytest.mark.parametrize("python", ["3.11", "3.13"])
@pytest.mark.parametrize("system", ["x86_64-pc-windows-msvc", "aarch64-apple-darwin", "aarch64-unknown-linux-gnu"])
@pytest.mark.parametrize(
    ("lock", "package"), [("requirements.lock", "tensorflow"), ("requirements-export.lock", "onnx")]
)
def test_the_locked_packages_exist_for_other_systems(lock, package, system, python, tmp_path):
    """Asks the package index, and installs nothing."""
    elsewhere = ["--python-platform", system, "--python-version", python, "--target", tmp_path]
    locked = ["--only-binary", ":all:", "--require-hashes", "-r", ROOT / lock]
    command = [sys.executable, "-m", "uv", "pip", "install", "--dry-run", *elsewhere, *locked]
    oldest = {"MACOSX_DEPLOYMENT_TARGET": "14.0"}  # PyAV has wheels from there on
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | oldest)
    assert done.returncode == 0 and f"{package}==" in done.stderr, done.stderr
