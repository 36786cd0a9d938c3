"""Mark what of a lesson is plumbing: setup, checked claims, glued numbers, and hidden cells that no other cell needs.

Hidden code is folded: the book, Jupyter and Colab say that it is there and open it on a click. Plumbing is left out of
a learner's copy, see `tools.my_lessons`. ``python -m tools.plumbing`` marks all notebooks; so does `make notebooks`.
"""

import ast
import builtins
import re
import symtable
from copy import copy
from pathlib import Path

import nbformat

ROOT = Path(__file__).resolve().parents[1]
TAG = "plumbing"
FOLDED = "hide-input"  # the book's tag for it
CHECKS = re.compile(r"\b(?:check_claims|glue)\(")
COMPREHENSIONS = {"listcomp", "setcomp", "dictcomp", "genexpr"}  # they run at once, functions when they are called


def mark(notebook):
    """Fold a notebook's hidden code and tag its plumbing (a NotebookNode, changed in place)."""
    needed = set()  # names that are used further down
    for place, cell in reversed(list(enumerate(notebook.cells))):
        tags = [tag for tag in cell.metadata.get("tags", []) if tag != TAG]
        if cell.cell_type == "code":
            checks = checks_something(cell)
            if checks and FOLDED not in tags:
                tags.append(FOLDED)
            if FOLDED in tags:
                cell.metadata.jupyter, cell.metadata.cellView = {"source_hidden": True}, "form"  # the latter is Colab's
            uses, binds = names(cell.source)
            if checks or "setup" in tags or (FOLDED in tags and not binds & needed):
                tags.append(TAG)
            else:
                needed = needed - binds | uses
        elif introduces_checks(notebook.cells, place):
            tags.append(TAG)
        cell.metadata.pop("tags", None)
        if tags:
            cell.metadata.tags = tags


def checks_something(cell):
    """Tell whether a cell is there for the tests and for the book: it checks claims or glues numbers."""
    return cell.cell_type == "code" and bool(CHECKS.search(cell.source))


def introduces_checks(cells, place):
    """Tell whether a text has a heading and a cell of checks below it, or stands between two such cells."""
    above, text, below = cells[place - 1], cells[place], cells[place + 1] if place + 1 < len(cells) else None
    return bool(below and checks_something(below)) and (text.source.startswith("#") or checks_something(above))


def is_plumbing(cell):
    """Tell whether a cell is marked as plumbing."""
    return TAG in cell.metadata.get("tags", [])


def names(source):
    r"""List the names that a cell's code takes from cells before it, and the names that it binds; two sets.

    Examples
    --------
    >>> uses, binds = names("total = [scale * x for x in row]\ndef f(y):\n    return y + total + g(y)\nn += 1")
    >>> sorted(uses), sorted(binds)
    (['g', 'n', 'row', 'scale'], ['f', 'n', 'total'])
    >>> names("try:\n    f()\nexcept ValueError as error:\n    text = str(error)\n    print(text)")[0]
    {'f'}
    """
    uses, binds, later = set(), set(), set()
    for part in _parts(ast.parse(source).body):
        table = symtable.symtable(ast.unparse(part), "cell", "exec")
        at_once, when_called = _read(table)
        uses |= at_once - binds
        if isinstance(part, ast.AugAssign) and isinstance(part.target, ast.Name):
            uses |= {part.target.id} - binds
        binds |= {symbol.get_name() for symbol in table.get_symbols() if symbol.is_assigned() or symbol.is_imported()}
        later |= when_called
    return (uses | later - binds) - set(dir(builtins)), binds


def _parts(statements):
    """Yield statements in their order; of one that holds others first its head, then those."""
    for statement in statements:
        if isinstance(statement, (ast.For, ast.While, ast.If, ast.With)):
            head = copy(statement)
            head.body, head.orelse = [ast.Pass()], []
            yield head
            yield from _parts([*statement.body, *getattr(statement, "orelse", [])])
        elif isinstance(statement, ast.Try):
            yield from _parts(statement.body)
            for handler in statement.handlers:
                caught = handler.type or ast.Constant(None)
                yield ast.Assign([ast.Name(handler.name)], caught, lineno=0) if handler.name else ast.Expr(caught)
                yield from _parts(handler.body)
            yield from _parts([*statement.orelse, *statement.finalbody])
        else:
            yield statement


def _read(table, outermost=True):
    """Return the global names that a scope reads, and those that it reads when a function is called."""
    at_once = {
        symbol.get_name()
        for symbol in table.get_symbols()
        if symbol.is_referenced() and (outermost or symbol.is_global())
    }
    when_called = set()
    for inner in table.get_children():
        inner_at_once, inner_when_called = _read(inner, outermost=False)
        (at_once if inner.get_name() in COMPREHENSIONS else when_called).update(inner_at_once)
        when_called |= inner_when_called
    return at_once, when_called


def main(folder=ROOT / "notebooks"):
    """Mark every notebook of a folder."""
    for path in sorted(folder.glob("*.ipynb")):
        notebook = nbformat.read(path, as_version=4)
        mark(notebook)
        nbformat.write(notebook, path)


if __name__ == "__main__":
    main()
