"""What a type checker finds and an editor shows: hints, names, and help that stands by itself."""

import ast
import re
import subprocess
import sys

import pytest

from tools.notebooks import ROOT

PACKAGE = {path.stem: ast.parse(path.read_text("utf-8")) for path in sorted((ROOT / "seqlib").glob("*.py"))}

RIGHT = """
import numpy as np

import seqlib
from seqlib import clips, measure, models
from seqlib.training import fit

x, y = seqlib.clips("direction", n=64, seed=1, frames=16, size=(8, 11), speed=1.5, noise=0, gap=None)
turning = seqlib.tasks.Task("mine", "?", ("a", "b"), (), seqlib.TASKS["shape"].table, lambda frames: (frames, None))
own, _ = clips(turning, 8, block=4, onset=(1, 2))
pairs, labels = seqlib.twins("order", "swap", n=8, brightness=100)
model = models.cnn_rnn(seqlib.TASKS["direction"], x.shape[1:], seed=0, cell="gru")
run = fit(model, (x, y), (x[:8], y[:8]), epochs=1, stop_at=0.9)
run = seqlib.training.fit(model, seqlib.dataset("direction", n=64, batch=8), validation=(x, y))
print(run.history["loss"][-1], run.seconds)
for batch, _ in seqlib.dataset("shape", 8).take(1):
    print(batch.shape)
accuracy = measure.accuracy(model, x, y)
print(f"{accuracy.value:.1%}", accuracy.low, measure.twin_agreement(model, pairs, labels).sets)
measure.logits(model, np.zeros((2, 16, 32, 32, 1), np.uint8))
measure.check_claims(("it learns", accuracy.value, ">=", 0.5))
seqlib.show.film_strip(pairs[:, 0], [seqlib.TASKS["order"].classes[label] for label in labels[:, 0]])
seqlib.show.learning_curves(run.history, family="conv3d")
seqlib.model_files.save_model(model, "model.npz")
verdict = seqlib.check("P.1", lambda clip: clip[::-1])
print(verdict.hint or seqlib.quiz(1)[0].ask, seqlib.backend.tf.__version__)
"""

BEFORE = """
import seqlib
from seqlib import models
from seqlib.training import fit

x, y = seqlib.clips("shape", n=8)
model = models.conv3d(4)
"""
WRONG = {
    'seqlib.clip("shape", n=8)': 'no attribute "clip"',
    'seqlib.clips("shape", n=8, frame=3)': 'keyword argument "frame"',
    'seqlib.clips("shape", n="8")': 'Argument "n" to "clips" has incompatible type "str"',
    "fit(model, x, y)": 'Argument 2 to "fit"',
    'models.conv3d(4, seed="a")': 'Argument "seed" to "conv3d" has incompatible type "str"',
    'seqlib.twins("shape", "shift", n=8, nois=0)': 'keyword argument "nois"',
    'seqlib.dataset("shape", n=8, batches=4)': 'keyword argument "batches"',
    'seqlib.clips("shape", 8, 0, 16)': "Too many positional arguments",
    "fit(model, x)": 'Argument 2 to "fit"',
    "seqlib.measure.accurcy(model, x, y)": 'no attribute "accurcy"',
    "seqlib.TASKS[0]": "Invalid index type",
}


@pytest.fixture(scope="module")
def findings(tmp_path_factory):
    """What mypy says of the package and of a user's two scripts: lists of (line, message) by the file's name."""
    folder = tmp_path_factory.mktemp("types")
    scripts = {"right.py": RIGHT, "wrong.py": BEFORE + "\n".join(WRONG) + "\n"}
    for name, script in scripts.items():
        (folder / name).write_text(script, "utf-8")
    command = [
        sys.executable,
        "-m",
        "mypy",
        f"--cache-dir={folder}/cache",
        "seqlib",
        *(f"{folder}/{n}" for n in scripts),
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 1 and not done.stderr, done.stdout + done.stderr
    found = re.findall(r"(?m)^(?:.*/)?(\w+\.py):(\d+): error: (.*)$", done.stdout)
    return {name: [(int(line), text) for file, line, text in found if file == name] for name, _, _ in found}


def test_the_package_and_a_right_use_pass(findings):
    assert set(findings) == {"wrong.py"}, findings


@pytest.mark.parametrize("use", WRONG)
def test_a_wrong_use_is_found(findings, use):
    line = BEFORE.count("\n") + list(WRONG).index(use) + 1
    assert any(WRONG[use] in message for place, message in findings["wrong.py"] if place == line)


def test_nothing_else_is_found_in_the_wrong_uses(findings):
    assert {line for line, _ in findings["wrong.py"]} == {BEFORE.count("\n") + i + 1 for i in range(len(WRONG))}


def test_the_package_says_that_it_has_types():
    assert (ROOT / "seqlib" / "py.typed").read_bytes() == b""


# Hints and help, read as an editor reads them: without running anything


def functions(module):
    """The public functions of a module, and those of its public classes: {name: syntax tree}."""
    found = {}
    for node in PACKAGE[module].body:
        if isinstance(node, ast.FunctionDef):
            found[node.name] = node
        elif isinstance(node, ast.ClassDef):
            found |= {f"{node.name}.{part.name}": part for part in node.body if isinstance(part, ast.FunctionDef)}
    return {name: node for name, node in found.items() if not re.search(r"(^|\.)_(?!_(init|call)__)", name)}


FUNCTIONS = {f"{module}.{name}": node for module in PACKAGE for name, node in functions(module).items()}
FAMILIES = functions("models")


def arguments(node):
    given = node.args
    every = [*given.posonlyargs, *given.args, given.vararg, *given.kwonlyargs, given.kwarg]
    return [argument for argument in every if argument and argument.arg != "self"]


def sections(node):
    """A docstring's sections: {title: text}; what stands before them has no title."""
    head, *rest = re.split(r"(?m)^(\w+)\n-+\n", ast.get_docstring(node) or "")
    return {"": head} | dict(zip(rest[::2], rest[1::2], strict=True))


def entries(text):
    """The entries of a section: {what is described: its description}."""
    parts = [part.partition("\n") for part in re.split(r"(?m)^(?=\S)", text) if part]
    return {head: " ".join(description.split()) for head, _, description in parts}


def documented(node):
    """The names of the arguments that a docstring describes."""
    heads = [head.partition(" : ")[0] for head in entries(sections(node).get("Parameters", ""))]
    return [name.lstrip("*") for head in heads for name in head.split(", ")]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_public_function_has_hints(name):
    bare = [argument.arg for argument in arguments(FUNCTIONS[name]) if not argument.annotation]
    assert not bare
    assert FUNCTIONS[name].returns


@pytest.mark.parametrize("name", [name for name, node in FUNCTIONS.items() if documented(node)])
def test_help_describes_every_argument(name):
    assert sorted(documented(FUNCTIONS[name])) == sorted(argument.arg for argument in arguments(FUNCTIONS[name]))


def refuses(node):
    """Whether a function raises by itself, or has its arguments checked."""
    calls = [part.func for part in ast.walk(node) if isinstance(part, ast.Call)]
    checks = [call for call in calls if isinstance(call, ast.Attribute) and ast.unparse(call.value) == "arguments"]
    return checks or any(isinstance(part, ast.Raise) for part in ast.walk(node))


@pytest.mark.parametrize("name", [name for name in FUNCTIONS if not name.startswith("arguments.")])
def test_help_says_when_an_error_is_raised(name):
    raised = entries(sections(FUNCTIONS[name]).get("Raises", ""))
    assert bool(raised) or not refuses(FUNCTIONS[name])
    for error, when in raised.items():
        assert re.fullmatch(r"\w+Error(, \w+Error)*", error)
        assert re.match("(If|For) ", when)


@pytest.mark.parametrize("name", FAMILIES)
def test_the_help_of_a_family_is_complete_and_like_that_of_the_others(name):
    help, model = sections(FAMILIES[name]), sections(FAMILIES["single_frame"])
    assert list(help) == ["", "Parameters", "Returns", "Raises", "Examples"]
    own, common = entries(help["Parameters"]), entries(model["Parameters"])
    if name == "early_fusion":  # which says why it takes no lengths
        assert own.pop("lengths : bool") != common.pop("lengths : bool")
    assert common.items() <= own.items() and list(common) == [key for key in own if key in common]
    assert help["Returns"] == model["Returns"]
    assert help["Raises"].startswith(model["Raises"].rstrip(". \n"))  # some refuse more
