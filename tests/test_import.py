"""What `import seqlib` promises: it is light, its names resolve, and no name means two things."""

import json
import pkgutil
import subprocess
import sys

import pytest

import seqlib

HEAVY = {"tensorflow", "keras", "matplotlib"}


def modules_after(code):
    """Return the top-level modules that a fresh interpreter holds after running ``code``."""
    program = f"{code}\nimport json, sys; print(json.dumps(sorted({{name.split('.')[0] for name in sys.modules}})))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return set(json.loads(done.stdout))


@pytest.mark.parametrize(
    "code",
    [
        "import seqlib",
        "import seqlib; dir(seqlib); seqlib.__version__",
        "import seqlib; seqlib.clips('shape', 2); seqlib.twins('order', 'swap', 2); seqlib.TASKS; seqlib.rendering",
    ],
)
def test_importing_and_drawing_clips_loads_nothing_heavy(code):
    assert not modules_after(code) & HEAVY


def test_every_public_name_resolves_and_is_listed():
    for name in seqlib.__all__:
        assert getattr(seqlib, name) is not None
        assert name in dir(seqlib)
    for name in dir(seqlib):
        getattr(seqlib, name)


def test_star_import_brings_exactly_the_public_names():
    namespace = {}
    exec("from seqlib import *", namespace)
    assert set(namespace) - {"__builtins__"} == set(seqlib.__all__)


def test_a_submodule_is_reached_without_an_import_of_its_own():
    assert "seqlib" in modules_after("import seqlib, sys; assert seqlib.tasks is sys.modules['seqlib.tasks']")


def test_no_submodule_shares_its_name_with_a_public_function():
    submodules = {module.name for module in pkgutil.iter_modules(seqlib.__path__)}
    functions = {name for name in seqlib.__all__ if callable(getattr(seqlib, name))}
    assert functions >= {"clips", "twins", "dataset"}
    for module in submodules:
        assert not callable(getattr(seqlib, module, None)), module
    assert not submodules & functions


@pytest.mark.parametrize("name", ["clip", "conv3d", "__path_to_nowhere__"])
def test_an_unknown_name_is_an_attribute_error_that_says_which(name):
    with pytest.raises(AttributeError, match=f"seqlib.*{name}"):
        getattr(seqlib, name)
