"""What `import seqlib` promises: it is light, its names resolve, and no name means two things."""

import ast
import json
import pkgutil
import subprocess
import sys
from importlib import import_module

import pytest

import seqlib
from tools.notebooks import ROOT

SUBMODULES = sorted(module.name for module in pkgutil.iter_modules(seqlib.__path__))
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


@pytest.mark.parametrize("jedi", [False, True])
def test_completion_offers_names_and_imports_nothing_heavy(jedi, monkeypatch, tmp_path):
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    code = f"""
from IPython.core.completer import provisionalcompleter
from IPython.core.interactiveshell import InteractiveShell

shell = InteractiveShell.instance()
shell.run_cell("import seqlib")
shell.Completer.use_jedi = {jedi}
with provisionalcompleter():
    for typed, offered in (("seqlib.mea", "measure"), ("seqlib.", "training"), ("seqlib.cl", "clips")):
        found = [completion.text.split(".")[-1] for completion in shell.Completer.completions(typed, len(typed))]
        assert offered in found, found
"""
    assert not modules_after(code) & {"tensorflow", "keras"}


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


def test_checkers_read_the_names_that_are_public():
    tree = ast.parse((ROOT / "seqlib" / "__init__.py").read_text("utf-8"))
    branch = next(node for node in tree.body if isinstance(node, ast.If))
    assert ast.unparse(branch.test) == "TYPE_CHECKING"
    homes = {name.name: node.module for node in branch.body for name in node.names}
    assert sorted(homes) == sorted(seqlib.__all__)
    for name, home in homes.items():
        module = import_module(f"seqlib.{home or name}")
        assert getattr(seqlib, name) is (getattr(module, name) if home else module)


@pytest.mark.parametrize("name", SUBMODULES)
def test_every_module_lists_its_public_names(name):
    module = import_module(f"seqlib.{name}")
    assert len(set(module.__all__)) == len(module.__all__)
    assert all(hasattr(module, public) for public in module.__all__)
    own = {public for public, value in vars(module).items() if getattr(value, "__module__", "") == module.__name__}
    assert {public for public in own if not public.startswith("_")} <= set(module.__all__)


def test_a_submodule_is_reached_without_an_import_of_its_own():
    assert "seqlib" in modules_after("import seqlib, sys; assert seqlib.tasks is sys.modules['seqlib.tasks']")


def test_no_submodule_shares_its_name_with_a_public_function():
    functions = {name for name in seqlib.__all__ if callable(getattr(seqlib, name))}
    assert functions >= {"clips", "twins", "dataset"}
    for module in SUBMODULES:
        assert not callable(getattr(seqlib, module, None)), module
    assert not set(SUBMODULES) & functions


@pytest.mark.parametrize("name", ["clip", "conv3d", "__path_to_nowhere__"])
def test_an_unknown_name_is_an_attribute_error_that_says_which(name):
    with pytest.raises(AttributeError, match=f"seqlib.*{name}"):
        getattr(seqlib, name)
