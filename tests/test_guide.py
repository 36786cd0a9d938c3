"""The guides: a task and a family are added to a copy by the guides' own code, and what the guides name is there."""

import ast
import os
import re
import subprocess
import sys
from textwrap import indent

import numpy as np
import pytest
from any_task import OUR_FAMILIES, OURS
from test_types import FAMILIES, entries, sections

import seqlib
from conftest import copy_tree
from seqlib import tasks
from tools import setup_cell
from tools.notebooks import ROOT

PAGES = {
    path.stem: path.read_text("utf-8") for path in [*ROOT.glob("CONTRIBUTING.md"), *ROOT.glob("contributing/*.md")]
}
GUIDE = "\n".join(PAGES.values())
TASK, ENTRY, TASK_TEST, MAY_TELL = re.findall(r"^```python\n(.*?)^```$", PAGES["adding_a_task"], re.M | re.S)
FAMILY, ROW, FAMILY_TEST = re.findall(r"^```python\n(.*?)^```$", PAGES["adding_a_family"], re.M | re.S)


def insert(path, pattern, code):
    """Write code into a file where the first match of a pattern ends."""
    text = path.read_text("utf-8")
    place = re.search(pattern, text, re.M | re.S).end()
    path.write_text(text[:place] + code + text[place:], "utf-8")


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """A copy of the repository with the guides' task and family, each added as its guide says."""
    folder = copy_tree(tmp_path_factory.mktemp("copy"))
    insert(folder / "seqlib" / "tasks.py", r"^(?=TASKS\b)", f"{TASK}\n\n")
    insert(folder / "seqlib" / "tasks.py", r"^TASKS\b.*?(?=^    \)\n\})", indent(f"{ENTRY.rstrip()},\n", " " * 8))
    insert(folder / "tests" / "test_leaks.py", r"^MAY_TELL\b.*?(?=^\})", indent(MAY_TELL, " " * 4))
    (folder / "tests" / "test_turning.py").write_text(TASK_TEST, "utf-8")
    insert(folder / "seqlib" / "models.py", r"^(?=def _image_network)", f"{FAMILY}\n\n")
    insert(folder / "seqlib" / "models.py", r"^__all__\b.*?(?=^\])", '    "temporal_convolution",\n')
    insert(folder / "seqlib" / "show.py", r"^FAMILIES\b.*?(?=^\})", indent(ROW, " " * 4))
    (folder / "tests" / "test_temporal_convolution.py").write_text(FAMILY_TEST, "utf-8")
    return folder


def run(folder, *command):
    """Run a module of Python in the copy, with the copy's own packages; fail with what it printed."""
    done = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")])},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-6000:]
    return done.stdout


@pytest.mark.slow
def test_a_copy_with_the_guides_task_and_family_keeps_to_our_style_and_types(copy):
    run(copy, "ruff", "check", "--no-cache", "-q", ".")
    run(copy, "ruff", "format", "--no-cache", "--check", "-q", ".")
    run(copy, "mypy")


TESTED = (  # files of tests, or single tests
    *("turning.py", "tasks.py", "twins.py", "properties.py", "temporal_convolution.py", "models.py"),
    "leaks.py::test_statistics_that_should_not_tell_the_label_do_not",
    "lengths.py::test_a_padded_clip_is_answered_as_it_is_alone",
    "model_files.py::test_a_family_comes_back_bit_for_bit",
    "model_files.py::test_a_family_with_lengths_comes_back_bit_for_bit",
    "widgets.py::test_every_task_and_kind_can_be_looked_at",
    "study.py::test_the_matrix_has_the_tasks_and_families_that_the_course_is_about",
    "show.py::test_what_describe_says_is_true_of_any_task",
    "show.py::test_pictures_of_a_default_clip_weigh_less_than_100_kb",
    "show.py::test_learning_curves_are_drawn_in_the_familys_colour",
    "show.py::test_any_two_families_differ_in_colour_for_every_kind_of_sight",
    "show.py::test_every_family_and_cell_stands_out_on_light_and_dark",
    "show.py::test_families_differ_in_more_than_colour",
    "types.py::test_the_help_of_a_family_is_complete_and_like_that_of_the_others",
    "import.py::test_every_module_lists_its_public_names",
)


@pytest.mark.slow
def test_a_copy_with_the_guides_task_and_family_passes_the_tests_that_speak_of_tasks_and_families(copy):
    """All tests of the two, and those that are about all tasks or families; what is about one of ours is left out."""
    ours = " or ".join([*OURS, *OUR_FAMILIES])
    printed = run(
        copy,
        *("pytest", "-q", "-p", "no:cacheprovider"),
        *("-k", f"turning or temporal_convolution or not ({ours})"),
        *(f"tests/test_{name}" for name in TESTED),
    )
    assert int(re.search(r"(\d+) passed", printed)[1]) > 100


def test_the_guides_task_is_like_the_others(monkeypatch):
    """What takes no copy: quick, so that `make check` knows it."""
    names = dict(vars(tasks))
    exec(TASK, names)
    monkeypatch.setitem(tasks.TASKS, "turning", eval(ENTRY, names))
    x, y = seqlib.clips("turning", 20)
    assert np.array_equal(seqlib.clips("turning", 5, start=10)[0], x[10:15])
    assert (np.sort(y.reshape(10, 2), axis=1) == [0, 1]).all()
    for kind in ("middle", "shift"):
        twins, labels = seqlib.twins("turning", kind, 7)
        assert twins.shape == (2, 7, *x.shape[1:])
        assert (labels[0] == labels[1]).all() == (kind == "shift")


def test_the_guides_family_describes_its_arguments_as_the_others_do():
    """What takes no copy: a sentence changed in seqlib.models is changed in the guide."""
    described = [
        entries(sections(node)["Parameters"]) for node in (ast.parse(FAMILY).body[0], FAMILIES["single_frame"])
    ]
    assert described[1].items() <= described[0].items()


def test_every_command_and_file_that_the_guide_names_is_there():
    targets = re.findall(r"(?m)^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"))
    assert set(re.findall(r"`make\s([a-z]+)", GUIDE)) <= set(targets)
    files = re.findall(r"`((?:book|seqlib|tests|tools|notebooks)/[\w./]+\.\w+)`", GUIDE)
    examples = {
        "tests/test_turning.py",
        "tests/test_temporal_convolution.py",
        "book/NN_topic.md",
        "notebooks/NN_topic.ipynb",
    }
    assert [file for file in files if file not in examples and not (ROOT / file).exists()] == []


def test_the_release_has_the_name_that_the_setup_cells_ask_for():
    wheel = re.search(r"gh release create (\S+) dist/(\S+)", GUIDE)
    asset = f"/releases/download/{wheel[1]}/{wheel[2]}".replace("X.Y.Z", "1.2.3")
    assert asset in setup_cell.source("https://example.org/a/b", "1.2.3")
