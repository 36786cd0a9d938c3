"""The guides: the task that they add can be added so, and the commands that they name are there."""

import re
import subprocess
import sys

import numpy as np
import pytest

import seqlib
from seqlib import tasks
from tools import setup_cell
from tools.notebooks import ROOT

PAGES = {
    path.stem: path.read_text("utf-8") for path in [*ROOT.glob("CONTRIBUTING.md"), *ROOT.glob("contributing/*.md")]
}
GUIDE = "\n".join(PAGES.values())
FUNCTION, ENTRY, TEST = re.findall(r"^```python\n(.*?)^```$", PAGES["adding_a_task"], re.M | re.S)


@pytest.fixture
def sixth(monkeypatch):
    """The guide's task, added as the guide says."""
    names = dict(vars(tasks))
    exec(FUNCTION, names)
    monkeypatch.setitem(tasks.TASKS, "turning", eval(ENTRY, names))


def test_the_sixth_task_passes_its_own_test(sixth, tmp_path):
    (tmp_path / "test_of_the_guide.py").write_text(TEST, "utf-8")
    inner = pytest.main(["-q", "-p", "no:cacheprovider", "-p", "no:cov", f"--rootdir={tmp_path}", str(tmp_path)])
    assert inner == pytest.ExitCode.OK


@pytest.mark.parametrize("command", [["check"], ["format", "--check"]], ids=" ".join)
@pytest.mark.parametrize("code", [FUNCTION, TEST], ids=["function", "test"])
def test_the_sixth_task_keeps_to_our_style(command, code):
    options = ["--ignore=F821"] if command == ["check"] else []  # the function is a part of a module
    ruff = [sys.executable, "-m", "ruff", *command, *options, "-q", "--stdin-filename=tests/test_turning.py", "-"]
    done = subprocess.run(ruff, cwd=ROOT, input=code, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("kind", ["middle", "shift"])
def test_the_sixth_task_is_like_the_others(sixth, kind):
    x, y = seqlib.clips("turning", 20)
    assert np.array_equal(seqlib.clips("turning", 5, start=10)[0], x[10:15])
    assert (np.sort(y.reshape(10, 2), axis=1) == [0, 1]).all()
    twin, labels = seqlib.twins("turning", kind, 7)
    assert twin.shape == (2, 7, *x.shape[1:])
    assert (labels[0] == labels[1]).all() == (kind == "shift")


def test_every_command_and_file_that_the_guide_names_is_there():
    targets = re.findall(r"(?m)^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"))
    assert set(re.findall(r"`make ([a-z]+)", GUIDE)) <= set(targets)
    files = re.findall(r"`((?:book|seqlib|tests|tools|notebooks)/[\w./]+\.\w+)`", GUIDE)
    allowed = {"tests/test_turning.py", "book/NN_topic.md", "notebooks/NN_topic.ipynb"}
    assert [file for file in files if file not in allowed and not (ROOT / file).exists()] == []


def test_the_release_has_the_name_that_the_setup_cells_ask_for():
    wheel = re.search(r"gh release create (\S+) dist/(\S+)", GUIDE)
    asked = f"/releases/download/{wheel[1]}/{wheel[2]}".replace("X.Y.Z", "1.2.3")
    assert asked in setup_cell.source("https://example.org/a/b", "1.2.3")
