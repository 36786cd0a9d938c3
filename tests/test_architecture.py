"""The picture of the architecture tells what the modules do import."""

import ast
import re
from graphlib import TopologicalSorter
from xml.etree import ElementTree

from tools.notebooks import ROOT

MODULES = {path.stem for path in (ROOT / "seqlib").glob("*.py")} - {"__init__"}
PICTURE = ElementTree.parse(ROOT / "book" / "_static" / "architecture.svg").getroot()
PAGE = (ROOT / "book" / "architecture.md").read_text("utf-8")


def imports(module):
    """The modules of seqlib that one of them imports."""
    found = set()
    for node in ast.walk(ast.parse((ROOT / "seqlib" / f"{module}.py").read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level:
            found |= {node.module} if node.module else {name.name for name in node.names}
    return found


def drawn():
    """Each arrow, as (importing module, imported module)."""
    arrows = [shape.attrib for shape in PICTURE.iter() if "data-to" in shape.attrib]
    return {(one, arrow["data-to"]) for arrow in arrows for one in arrow["data-from"].split()}


def reached_from(module, arrows):
    beyond = {to for one, to in arrows if one == module}
    return beyond.union(*(reached_from(to, arrows) for to in beyond))


def test_every_module_is_drawn():
    named = {name for text in PICTURE.itertext() for name in re.findall(r"\w+", text)}
    assert named >= MODULES
    assert all(re.search(rf"\b{module}\b", PAGE) for module in MODULES)  # in the alternative text


def test_every_arrow_is_an_import_and_every_import_follows_arrows():
    arrows = drawn()
    assert all(to in imports(one) for one, to in arrows)
    for module in MODULES:
        assert imports(module) <= reached_from(module, arrows), module


def test_imports_go_one_way():
    TopologicalSorter({module: imports(module) for module in MODULES}).prepare()  # raises if they go in a circle


def test_the_page_is_short():
    text = re.sub(r"(?s):::.*?:::", "", PAGE)
    assert len([line for line in text.splitlines() if line.strip()]) <= 15
