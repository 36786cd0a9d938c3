"""What is found in a notebook: its cells, whose question each answers, what is written, and what of its code runs.

The standard library is enough for it. `grading` imports this file, and ``make assignments`` writes the same file into
each student's copy, as the hand-in check: so what the check finds is what the grader will find.
"""

import __future__

import ast
import asyncio
import builtins
import hashlib
import inspect
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

LARGEST = 2**24  # bytes of a notebook without what its cells put out
MOST_TOKENS = 4_000_000  # brackets and strings of a notebook with all that its cells put out
MOST_CELLS, MOST_LINES = 2000, 100_000
NOT_GRADED = "# Not graded"  # a cell that begins so is not run by the grader
OURS = ("# Setup, the same in every notebook", f"{NOT_GRADED}: the hand-in check")  # cells that differ by themselves
SECONDS = 120  # for the check's run of a notebook

HEADING = re.compile(r"(?m)^ {0,3}#{1,6}[ \t]*(?:\d+[.)]?[ \t]*)?`(\w+)`")  # "## 3. `why_blind` (10 points)"
PICTURE = re.compile(r"\(data:image/[^()\s]*\)")  # as Colab writes what is pasted
MAGIC = re.compile(
    r"(?P<indent>\s*+)(?:"
    r"(?P<timed>(?:[\w., ]+=\s*)?%time\s+\S.*)"  # what is timed is run all the same
    r"|[%!].*|[\w., ]+=\s*[%!].*"  # %magic, !command, files = !command
    r"|\?{1,2}\s*[\w.*%]+\s*|[\w.*%]+\?{1,2}\s*"  # ?help, help?
    r"|(?:pip|conda|mamba|cd|ls|cat|mkdir|rm|cp|mv)\s.*"  # commands that Jupyter takes as they are
    r")$"
)
HARMLESS_CELL_MAGIC = re.compile(r"\s*%%(time|timeit|capture|prun)\b")
WITHOUT_MAGIC = "its magics and shell escapes were left out"


class UnreadableError(Exception):
    """What was handed in cannot be read; the message is a line for its author."""


class TookTooLong(BaseException):
    """Raised by an alarm, with a line and the limit's name; no Exception, so that ``except Exception`` lets it pass."""


# Cells, and whose question they answer.


def read_notebook(data):
    """Return a notebook's cells as (kind, source), those of old formats too.

    Raises
    ------
    UnreadableError

    Examples
    --------
    >>> read_notebook(b'{"cells": [{"cell_type": "code", "source": ["x = ", "1"]}]}')
    [('code', 'x = 1')]
    """
    if len(data) > LARGEST:
        data = without_outputs(data)
    try:
        document = json.loads(data.decode("utf-8-sig"))
        sheets = [document] if "cells" in document else document["worksheets"]
        cells = [_cell(cell) for sheet in sheets for cell in sheet["cells"]]
        if not sheets:
            raise KeyError("cells")
        if len(cells) > MOST_CELLS:
            raise UnreadableError(f"it has more than {MOST_CELLS:,} cells")
        if sum(len(source.splitlines()) for _, source in cells) > MOST_LINES:
            raise UnreadableError(f"it has more than {MOST_LINES:,} lines")
        return cells
    except UnicodeDecodeError:
        raise UnreadableError("it is not a notebook: not UTF-8 text") from None
    except (KeyError, TypeError):
        raise UnreadableError("it is not a notebook: it has no cells as a notebook has them") from None
    except (ValueError, RecursionError):
        raise UnreadableError("it is not a notebook: not JSON") from None


def _cell(cell):
    kind = str(cell["cell_type"])
    source = cell["input"] if kind == "code" and "source" not in cell else cell["source"]
    text = source if isinstance(source, str) else "".join(source)
    if kind == "heading":  # of nbformat 3
        kind, text = "markdown", "#" * min(6, int(cell.get("level", 1))) + " " + text
    return kind, text.encode("utf-8", "replace").decode()  # no half characters


def without_outputs(data):
    r"""Return a large notebook without what its cells put out and without pasted pictures: they do not count.

    Nothing is decoded before it is known to be small.

    Examples
    --------
    >>> without_outputs(b'{"outputs": [{"a": "]"}], "source": "x\\"outputs"}')
    b'{"outputs": [], "source": "x\\"outputs"}'
    """
    kept, begin, depth, left_out, key = [], 0, 0, None, False
    tokens = re.finditer(rb'"(?:[^"\\]++|\\.)*+(?:"|\Z)|[\[\]{}]', data, re.S)
    for number, token in enumerate(tokens):
        if number > MOST_TOKENS:
            raise UnreadableError("its outputs are too large; clear them and save it again")
        text = token[0]
        if text in b"[{":
            depth += 1
            if key and left_out is None:
                left_out = depth
                kept.append(data[begin : token.end()])
        elif text in b"]}":
            if depth == left_out:
                left_out, begin = None, token.start()
            depth -= 1
        named = text in (b'"outputs"', b'"attachments"')
        key = named and data[token.end() : token.end() + 9].lstrip().startswith(b":")
    kept.append(data[begin:] if left_out is None else b"")
    data = b"".join(kept)
    if len(data) > LARGEST:
        raise UnreadableError(f"without its outputs it is still larger than {LARGEST / 2**20:g} MiB")
    return data


class Piece(NamedTuple):
    """A part of a notebook that is its author's: what differs from the notebook that was handed out.

    Attributes
    ----------
    cell : int
        The cell's number, from 1.
    question : str
        The last one whose heading stands before it; "" before all headings.
    kind : str
        ``"markdown"``, ``"code"`` or ``"raw"``.
    text : str
    """

    cell: int
    question: str
    kind: str
    text: str


def digest(text):
    r"""Return a short hash of a text without its white space.

    Examples
    --------
    >>> digest("a b\n") == digest("ab")
    True
    """
    return hashlib.sha256("".join(text.split()).encode()).hexdigest()[:12]


def handed_out(cells):
    """Return what `pieces` has to know of the notebook that was handed out: hashes of its cells and of their lines."""
    texts = [source for _, source in cells]
    lines = {line for text in texts for line in text.splitlines() if line.strip()}
    return {"cells": sorted({digest(text) for text in ["", *texts]}), "lines": sorted(map(digest, lines))}


def pieces(cells, form):
    """Return what of a notebook is its author's, in its order, each under a question.

    Parameters
    ----------
    cells : list of (str, str)
    form : dict
        ``"questions"``, and what `handed_out` returns.

    Returns
    -------
    list of Piece
    """
    known_cells, known_lines = set(form["cells"]), set(form["lines"])
    names = {question["name"] for question in form["questions"]}
    found, current = [], ""
    for number, (kind, source) in enumerate(cells, 1):
        changed = digest(source) not in known_cells and not source.startswith(OURS)
        for name, part in [("", source)] if kind == "code" else _split(source, names):
            current = name or current
            text = part.strip() if kind == "code" else _own_lines(part, known_lines, bool(name))
            if changed and text:
                found.append(Piece(number, current, kind, PICTURE.sub("(a picture, see the notebook)", text)))
    return found


def _split(text, names):
    """Split a text before each heading of a question: [(the question's name, or "", its part)]."""
    at = [match for match in HEADING.finditer(text) if match[1] in names]
    ends = [*(match.start() for match in at), len(text)]
    parts = [(match[1], text[match.start() : end]) for match, end in zip(at, ends[1:], strict=True)]
    return [("", text[: ends[0]]), *parts]


def _own_lines(text, known, headed):
    """Return a text without the lines that were handed out; if it has no others, all of it, unless it is headed."""
    own = "\n".join(line for line in text.splitlines() if not line.strip() or digest(line) not in known).strip()
    return own or ("" if headed else text.strip())


def in_words(found, question):
    """Return what is written under a question, as one text."""
    return "\n\n".join(piece.text for piece in found if piece.question == question)


# Code.


def graded(cells):
    """Return the cells that are run when it is graded: [(label, source)]."""
    return [
        (f"cell {number}", source)
        for number, (kind, source) in enumerate(cells, 1)
        if kind == "code" and not source.startswith(NOT_GRADED)
    ]


def statements(source):
    r"""Return a cell's top-level statements, a list of syntax trees, and a note on what was left out, or None.

    Raises
    ------
    SyntaxError

    Examples
    --------
    >>> tree, note = statements("%matplotlib inline\nx = 1")
    >>> [ast.unparse(statement) for statement in tree], note
    (['pass', 'x = 1'], 'its magics and shell escapes were left out')
    """
    lines, note = source.replace("\r\n", "\n").replace("\r", "\n").split("\n"), None
    first = next((number for number, line in enumerate(lines) if line.strip()), 0)
    while first < len(lines) and HARMLESS_CELL_MAGIC.match(lines[first]):
        lines[first], note = "", WITHOUT_MAGIC
        first += 1
    if first < len(lines) and lines[first].lstrip().startswith("%%"):
        return [], "a cell magic: the cell was left out"
    while True:
        try:
            return ast.parse("\n".join(lines)).body, note
        except SyntaxError as error:
            at = (error.lineno or 0) - 1
            if not 0 <= at < len(lines) or not MAGIC.match(lines[at]):
                at = next((number for number, line in enumerate(lines) if MAGIC.match(line)), None)
            if at is None:
                raise
            _leave_out(lines, at)
            note = WITHOUT_MAGIC


def _leave_out(lines, at):
    """Replace a magic or a shell escape, with the lines that continue it, by what is run of it."""
    match, last = MAGIC.match(lines[at]), at
    while lines[last].endswith("\\") and last + 1 < len(lines):
        last += 1
    what = re.sub(r"%time\s+", "", match["timed"], count=1) if match["timed"] else "pass"
    lines[at : last + 1] = [match["indent"] + what, *[""] * (last - at)]


class Session:
    """Where the statements of a notebook run, one after the other, each whatever became of the one before.

    Parameters
    ----------
    packages : collection of str, optional
        What can be imported beside the standard library; all that is there, if it is not given.
    """

    def __init__(self, packages=None):
        self.flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
        served = {"input": lambda *_: ""} | ({} if packages is None else {"__import__": _importing(packages)})
        self.names = {
            "__name__": "__main__",
            "__builtins__": vars(builtins) | served,
            "display": lambda *_, **__: None,
            "get_ipython": lambda: None,
        }

    def run(self, statement, label):
        """Run one statement; raise what it raises. What cannot be imported gets a stand-in."""
        if isinstance(statement, (ast.Import, ast.ImportFrom)):
            return self._import(statement, label)
        code = self._compile(statement, label)
        if code.co_flags & inspect.CO_COROUTINE:
            asyncio.run(eval(code, self.names))
        else:
            exec(code, self.names)

    def _compile(self, statement, label):
        return compile(ast.Module([statement], []), label, "exec", self.flags, dont_inherit=True)

    def _import(self, statement, label):
        module = f"{statement.module}." if isinstance(statement, ast.ImportFrom) else ""
        failed = None
        for alias in statement.names:
            fields = dict(ast.iter_fields(statement)) | {"names": [alias]}
            try:
                exec(self._compile(ast.copy_location(type(statement)(**fields), statement), label), self.names)
            except Exception as error:
                failed = failed or error
                if alias.name != "*":
                    name = alias.asname or alias.name.partition(".")[0]
                    self.names.setdefault(name, Missing(module + alias.name, describe(error)))
            else:
                if module == "__future__.":
                    self.flags |= getattr(__future__, alias.name).compiler_flag
        if failed:
            raise failed


def _importing(packages):
    """Return an ``__import__`` for what a student's own code imports; packages themselves import what they need."""
    known = {*sys.stdlib_module_names, *packages}

    def importing(name, globals=None, locals=None, fromlist=(), level=0):
        if not level and name.partition(".")[0] not in known:
            raise ModuleNotFoundError(f"there is no {name} when this is graded", name=name)
        return builtins.__import__(name, globals, locals, fromlist, level)

    return importing


class Missing:
    """Stands for what could not be imported, and says on use what is not there.

    Its attributes are stand-ins, too, and nothing is an instance of it: a type hint or a question does no harm.
    """

    def __init__(self, what, why):
        self.__dict__ |= {"what": what, "why": why}

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return Missing(f"{self.__dict__['what']}.{name}", self.__dict__["why"])

    def __getitem__(self, _):
        return self

    def __instancecheck__(self, _):
        return False

    def _used(self, *_, **__):
        raise ImportError(f"{self.__dict__['what']} is not there when this is graded ({self.__dict__['why']})")

    __call__ = __iter__ = __bool__ = __len__ = __enter__ = __contains__ = __array__ = __float__ = __index__ = _used
    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __rtruediv__ = __matmul__ = _used
    __mro_entries__ = __await__ = __lt__ = __gt__ = __neg__ = __mod__ = __floordiv__ = __pow__ = __setitem__ = _used


def describe(error):
    """Say in one short line what went wrong."""
    if isinstance(error, MemoryError):
        return "it asked for more memory than there is"
    if isinstance(error, NotImplementedError):
        return "it is not written yet"
    if isinstance(error, TookTooLong):
        return error.args[0]
    text = " ".join(builtins.str(error).split())[:300]
    if isinstance(error, PermissionError) or "name resolution" in text:
        text += " (graded notebooks have no network, no processes of their own, and no files outside /tmp)"
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def tuples(value):
    """Return what JSON made a list of as a tuple, as the question says."""
    return tuple(map(tuples, value)) if isinstance(value, list) else value


def arguments(example):
    """Return a question's example as arguments: an array of zeros for each {"shape": ..., "dtype": ...}."""
    import numpy as np

    return [np.zeros(value["shape"], value["dtype"]) if isinstance(value, dict) else tuples(value) for value in example]


# The hand-in check.


def check(form, source, path=None):
    """Print what the grader will find in the notebook that this is called in, as it was last saved.

    Parameters
    ----------
    form : dict
        What is asked: see `grading.assignment.Assignment.form`.
    source : str
        Of this file.
    path : str, optional
        Where the notebook is, if that is known.
    """
    try:
        path, data = _this_notebook(form, path)
        cells = read_notebook(data)
    except (OSError, UnreadableError) as error:
        print(f"The hand-in check cannot read the notebook: {error}. Save it, and run this cell again.")
        return
    print(f"{path}, saved {_ago(path)}. The check now runs its cells once more, as the grader does ...", flush=True)
    tried = _tried(cells, form, source, Path(path).parent)
    print("\n".join(report(cells, form, tried)))


def _this_notebook(form, path):
    """Return the path and the bytes of the notebook that this runs in, whatever it is run by."""
    if "google.colab" in sys.modules:
        from google.colab import _message

        reply = _message.blocking_request("get_ipynb", timeout_sec=60)
        if not reply:
            raise UnreadableError("Colab does not return it")
        return f"{form['name']}.ipynb", json.dumps(reply["ipynb"]).encode()
    named = [Path(name) for name in (path, os.environ.get("JPY_SESSION_NAME")) if name]
    here = sorted(Path().glob("*.ipynb"), key=lambda path: path.stat().st_mtime, reverse=True)
    for path in [*named, *here]:
        if path.is_file() and form["edition"].encode() in (data := path.read_bytes()):
            return path, data
    raise UnreadableError(f"there is no notebook of edition {form['edition']} in {Path.cwd()}")


def _ago(path):
    """Say how long ago a file was saved."""
    try:
        minutes = (time.time() - os.stat(path).st_mtime) / 60
    except OSError:  # on Colab there is none
        return "now"
    return f"{minutes:,.0f} minutes ago" if minutes >= 2 else "just now"


def _tried(cells, form, source, folder):
    """Run a notebook in a process of its own, in an empty folder; return what came of it, as `report` takes it."""
    job = {"cells": cells, "form": form, "models": str(folder.resolve())}
    with tempfile.TemporaryDirectory() as empty:
        for name, text in (("collector.py", source), ("job.json", json.dumps(job)), ("tried.jsonl", "")):
            (Path(empty) / name).write_text(text, "utf-8")
        command = [sys.executable, "-c", "import collector; collector.try_out()"]
        end = []
        try:
            environment = os.environ | {"MPLBACKEND": "Agg"}
            subprocess.run(
                command,
                cwd=empty,
                env=environment,
                timeout=SECONDS,
                **dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.DEVNULL),
            )
        except subprocess.TimeoutExpired:
            end = [{"note": f"After {SECONDS} s the run was stopped. Begin cells that train with {NOT_GRADED}."}]
        except OSError as error:  # in a browser there are no processes
            end = [{"note": f"The cells could not be run here ({error})."}]
        return [*map(json.loads, (Path(empty) / "tried.jsonl").read_text("utf-8").splitlines()), *end]


def try_out():
    """Do what `_tried` asks for, in the process that it started: run the cells, and call functions on examples."""
    job = json.loads(Path("job.json").read_text("utf-8"))
    session = Session(job["form"]["packages"])
    file = Path("tried.jsonl").resolve()

    def tell(**what):
        with file.open("a", encoding="utf-8") as lines:
            lines.write(json.dumps(what) + "\n")

    for label, source in graded(job["cells"]):
        try:
            found, note = statements(source)
        except Exception as error:
            found, note = [], describe(error)
        if note:
            tell(note=f"{label.capitalize()}: {note}.")
        for statement in found:
            try:
                session.run(statement, label)
            except BaseException as error:
                tell(note=f"{label.capitalize()}: {describe(error)} (line {statement.lineno}).")
    for question in job["form"]["questions"]:
        try:
            if question["kind"] == "function":
                if not callable(function := session.names.get(question["name"])):
                    raise NameError("the notebook defines no function of this name")
                tell(question=question["name"], shape=_shape(function(*arguments(question["example"]))))
            elif question["kind"] == "model":
                tell(question=question["name"], **_model(Path(job["models"]) / f"{job['form']['name']}.npz"))
        except BaseException as error:
            tell(question=question["name"], problem=describe(error))


def _shape(value):
    import numpy as np

    if value is None:
        raise TypeError("it returned None")
    return np.asarray(value).shape


def _model(path):
    if not path.exists():
        raise FileNotFoundError(f"there is no {path.name} beside the notebook")
    from seqlib import model_files

    return facts(model_files.load_model(path))


def facts(network):
    """Return a model's shapes and costs."""
    from seqlib import measure

    cost = {"parameters": measure.parameters(network), "multiply_adds": measure.multiply_adds(network)}
    return {"clip": network.inputs[0].shape[1:], "shape": network.outputs[0].shape[1:], "cost": cost}


def report(cells, form, tried):
    """Say what is found, in lines.

    Parameters
    ----------
    cells : list of (str, str)
    form : dict
    tried : list of dict
        What came of running the cells: {"note": a line} or {"question": its name, "shape" or "problem": ...}.
    """
    found = pieces(cells, form)
    results = {result["question"]: result for result in tried if "question" in result}
    size = sum(len(source.encode()) for _, source in cells)
    lines = [f"{len(cells)} cells, {size / 1024:,.0f} of at most {LARGEST / 1024:,.0f} KiB without their outputs."]
    for question in form["questions"]:
        name = question["name"]
        if question["kind"] == "written":
            where = [piece.cell for piece in found if piece.question == name]
            text = " ".join(in_words(found, name).split())
            what = f"{len(text):,} characters, from “{text[:30]}” to “{text[-30:]}”" if text else "blank"
        else:
            where = defining(cells, name) if question["kind"] == "function" else []
            result = results.get(name, {"problem": "it was not tried"})
            what = result.get("problem") or "; ".join(line for line, _ in compared(question, result))
        lines.append(f"- {name}{_in_cells(where)}: {what}")
    placed = {question["name"] for question in form["questions"] if question["kind"] == "written"}
    elsewhere = [piece.cell for piece in found if piece.question not in placed and piece.kind != "code"]
    if elsewhere:
        lines.append(
            f"- Text elsewhere{_in_cells(elsewhere)}: a person sees it, but not as the answer to a question in words."
        )
    return [*lines, *(f"- {result['note']}" for result in tried if "note" in result)]


def defining(cells, name):
    """Return the numbers of the cells that define a function of this name."""
    pattern = re.compile(rf"(?m)^[ \t]*(?:async[ \t]+)?def[ \t]+{name}\b|^{name}\s*=")
    sources = dict(graded(cells))
    return [number for number in range(1, len(cells) + 1) if pattern.search(sources.get(f"cell {number}", ""))]


def _in_cells(numbers):
    numbers = list(dict.fromkeys(numbers))
    return f" (cell{'s' * (len(numbers) > 1)} {', '.join(map(str, numbers))})" if numbers else ""


def compared(question, found):
    """Compare the shapes and costs of an answer with what its question wants: [(a line, whether it fits)]."""
    lines = []
    for what, key in (("the model takes clips of shape", "clip"), ("the shape of its answer is", "shape")):
        if key in question and key in found:
            given, wanted = tuple(found[key]), tuple(question[key])
            fits = len(given) == len(wanted)
            fits &= all(length in (None, want) for length, want in zip(given, wanted, strict=False))
            lines.append((f"{what} {given}, " + ("as wanted" if fits else f"wanted is {wanted}"), fits))
    for name, cost in found.get("cost", {}).items():
        most = question["budget"][name]
        lines.append((f"{cost:,} of at most {most:,} {name.replace('_', '-')}", cost <= most))
    return lines
