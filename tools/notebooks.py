"""Execute notebooks in place, and say what is wrong with a stored one.

``python -m tools.notebooks`` executes all of them, ``python -m tools.notebooks 02`` those whose names begin so.
"""

import ast
import re
import sys
import time
from datetime import date
from importlib.metadata import version
from pathlib import Path

import nbformat
from nbclient import NotebookClient

from tools import kernels, setup_cell

ROOT = Path(__file__).resolve().parents[1]
TIMEOUT = 600  # seconds for one cell
LARGEST = 1_000_000  # bytes
SECONDS = {"06": 90}  # what a lesson may take on two idle cores; any other 60, all of them together 300
ABSOLUTE_PATH = re.compile(r"(?<![\w.:/])/(?:home|root|tmp|usr|opt|var|work|Users|content)/|\b[A-Z]:\\\\?\w")
WIDGET = "application/vnd.jupyter.widget-view+json"
SHOWING = {"print", "display", "glue"}


def run(notebook, folder, progress=lambda done, of: None, kernel=None):
    """Execute a notebook (changed in place) in ``folder``; return the seconds.

    The kernel is that of `tools.kernels`; ``kernel`` is the manager of another one, see `tools.environments.kernel_of`.
    """
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    done = []
    kernels.use()

    def one_more(cell, cell_index, execute_reply=None):
        done.append(cell)
        progress(len(done), len(code))

    began = time.perf_counter()
    client = NotebookClient(
        notebook,
        km=kernel,
        timeout=TIMEOUT,
        resources={"metadata": {"path": str(folder)}},
        record_timing=False,
        coalesce_streams=True,
        on_cell_executed=one_more,
    )
    client.execute(cleanup_kc=True)
    return time.perf_counter() - began


def execute(notebook, folder, progress=lambda done, of: None):
    """Execute a notebook (changed in place) in ``folder`` and note when, how long and with which versions."""
    seconds = run(notebook, folder, progress)
    notebook.metadata = nbformat.from_dict(
        {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
            "frames_in_time": {
                "date": date.today().isoformat(),
                "seconds": round(seconds, 1),
                "python": ".".join(map(str, sys.version_info[:3])),
                **{name: version(name) for name in ("tensorflow", "keras", "numpy", "matplotlib")},
            },
        }
    )
    for cell in notebook.cells:
        if cell.cell_type != "code":
            continue
        for output in cell.outputs:
            output.get("data", {}).pop(WIDGET, None)  # a stored widget is megabytes of state; its picture stays
        text = alternative_text(cell)
        if text:  # myst-nb reads it from here
            cell.metadata["mystnb"] = {"image": {"alt": " ".join(text)}}


def alternative_text(cell):
    """List the alternative texts of a code cell's pictures; an empty text stands for a picture that has none."""
    pictures = [output for output in cell.outputs if "image/png" in output.get("data", {})]
    return [output.metadata.get("image/png", {}).get("alt", "") for output in pictures]


def problems(notebook):
    """Say in words all that is wrong with a stored notebook; a list of str, empty if nothing is.

    A lesson begins with the setup cell, was run from top to bottom with all that it can use, shows what its code shows,
    writes no error and nothing to stderr, names no absolute path, and has an alternative text for each of its pictures.
    """
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    if not code:
        return ["there is no code cell"]
    found = []
    if "setup" not in code[0].metadata.get("tags", []):
        found.append("the first code cell is not the setup cell")
    if [cell.execution_count for cell in code] != list(range(1, len(code) + 1)):
        found.append(f"execution counts are not 1, 2, 3, ...: {[cell.execution_count for cell in code]}")
    for cell in code:
        found.extend(f"cell {cell.execution_count}: {problem}" for problem in cell_problems(cell))
    sources = [cell.source for cell in notebook.cells]
    found.extend(f"an absolute path stands in: {text[:60]!r}" for text in sources if ABSOLUTE_PATH.search(text))
    size = len(nbformat.writes(notebook).encode())
    if size > LARGEST:
        found.append(f"{size:,} bytes are more than {LARGEST:,}")
    return found


def cell_problems(cell):
    """Yield what is wrong with one code cell and its outputs."""
    if shows_something(cell.source) and not cell.outputs:
        yield "its code shows something, but no output is stored"
    for output in cell.outputs:
        if output.output_type == "error":
            yield f"it stores an error, {output.ename}"
        if output.get("name") == "stderr":
            yield f"it writes to stderr: {output.text.strip().splitlines()[0]!r}"
        text = output.get("text", "") + "".join(
            str(value) for kind, value in output.get("data", {}).items() if not kind.startswith("image/")
        )
        if "WARNING" in text:
            yield f"it shows a warning: {text[text.index('WARNING') :].splitlines()[0]!r}"
        if ABSOLUTE_PATH.search(text):
            yield "an absolute path stands in its output"
        if "pip install" in text:
            yield "what it needs was not installed: run it with make notebooks"
    pictures = alternative_text(cell)
    if len(pictures) > 1:
        yield "it shows more than one picture; the book can tell the alternative text of one"
    if "" in pictures:
        yield "its picture has no alternative text"


def shows_something(source):
    r"""Tell whether a cell's code must leave an output: it ends in an expression, or it prints.

    Examples
    --------
    >>> shows_something("x = 1"), shows_something("x = 1\nx"), shows_something("for i in x:\n    print(i)")
    (False, True, True)
    """
    tree = ast.parse(source)
    if tree.body and isinstance(tree.body[-1], ast.Expr) and not source.rstrip().endswith(";"):
        return True
    outside = [node for node in tree.body if not isinstance(node, (ast.FunctionDef, ast.ClassDef, ast.If))]
    calls = [node.func for top in outside for node in ast.walk(top) if isinstance(node, ast.Call)]
    return any(getattr(call, "id", getattr(call, "attr", None)) in SHOWING for call in calls)


def definitions(path, ids=None):
    """Execute what a notebook imports and defines (functions, and CONSTANTS), and nothing else of it.

    Parameters
    ----------
    path : Path
    ids : collection of str, optional
        Only cells with these ids; by default all.

    Returns
    -------
    dict of str to object
        What the names stand for.
    """
    names = {}
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type == "code" and (ids is None or cell.id in ids):
            tree = ast.parse(cell.source)
            tree.body = [statement for statement in tree.body if defines(statement)]
            exec(compile(tree, str(path), "exec"), names)
    return names


def defines(statement):
    """Tell whether a statement imports, defines a function or sets a constant; all else in a lesson computes.

    Examples
    --------
    >>> [defines(statement) for statement in ast.parse("import os; SIZE = 3; x = 1; print(x)").body]
    [True, True, False, False]
    """
    if isinstance(statement, ast.Assign):
        return all(isinstance(target, ast.Name) and target.id.isupper() for target in statement.targets)
    return isinstance(statement, (ast.Import, ast.ImportFrom, ast.FunctionDef))


def cell_counter(label):
    """Return a ``progress`` that keeps one line of a terminal up to date, and prints nothing elsewhere."""

    def show(done, of):
        if sys.stdout.isatty():
            print(f"\r{label}: cell {done} of {of}", end="", flush=True)

    return show


def number(path):
    """Say which notebook a path is of, by the beginning of its name.

    Examples
    --------
    >>> [number(Path(name)) for name in ("07_your_own_video.ipynb", "07b_pretrained_network.ipynb", "puzzles.ipynb")]
    ['07', '07b', 'pu']
    """
    return re.match(r"\d+b?|..", path.name)[0]


def lessons(beginnings=(), folder=ROOT / "notebooks"):
    """List the notebooks, or those whose names begin with one of ``beginnings``, which must be of some."""
    known = sorted(folder.glob("*.ipynb"))
    chosen = [path for path in known if path.name.startswith(tuple(beginnings) or ("",))]
    if not chosen:
        raise SystemExit(f"NB must begin the name of a notebook, not {beginnings}: {[path.name for path in known]}")
    return chosen


def main(arguments, folder=ROOT / "notebooks"):
    """Execute and store the notebooks whose names begin with one of ``arguments``; return how many failed."""
    paths = lessons(arguments, folder)
    config = (ROOT / "_config.yml").read_text("utf-8")
    failed, began = 0, time.perf_counter()
    for count, path in enumerate(paths, 1):
        label = f"[{count}/{len(paths)}] {path.name}"
        notebook = nbformat.read(path, as_version=4)
        setup_cell.write_head(notebook, config, f"notebooks/{path.name}")
        execute(notebook, folder, cell_counter(label))
        wrong = problems(notebook)
        nbformat.write(notebook, path)
        seconds, budget = notebook.metadata.frames_in_time.seconds, SECONDS.get(number(path), 60)
        slow = f", and its budget on an idle machine is {budget} s" if seconds > budget else ""
        print(f"\r{label}: {seconds} s{slow}{' ' * 12}")
        for problem in wrong:
            print(f"  {problem}")
        failed += bool(wrong)
    print(f"{len(paths)} notebooks, {failed} with problems, {time.perf_counter() - began:.0f} s")
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]) > 0)
