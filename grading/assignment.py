"""An assignment: its master in ``assignments/``, the variant that the secret draws, and the copies made from both.

``A1.ipynb`` holds texts, stubs and solutions; ``A1.py`` says what is drawn. In the notebook, «expression» stands for
the value of a Python expression, in which every drawn choice, every solution so far and all of ``A1.py`` is known. What
stands between ``BEGIN SOLUTION`` and ``END SOLUTION`` is left out of the student's copy.
"""

import ast
import copy
import itertools
import json
import re
from pathlib import Path

import numpy as np

from seqlib.tasks import TASKS

from . import collector, secret
from .collector import NOT_GRADED
from .questions import Function, Model
from .secret import PUBLIC, Draw

REPOSITORY = Path(__file__).resolve().parents[1]
MASTERS = REPOSITORY / "assignments"
EDITION = re.compile(r"\b[Ee]dition ([0-9a-f]{6})\b")

_EXPRESSION = re.compile(r"«(.+?)»", re.S)
CHECK = """\
# Not graded: the hand-in check. Save the notebook, then run this cell. It says what the grader will find, and no marks.
#@title The hand-in check
_collector = {{"__name__": "collector"}}
_source = r'''
{source}'''.lstrip()
_form = r'''
{form}
'''
exec(_source, _collector)
_collector["check"](_collector["json"].loads(_form), _source, globals().get("__vsc_ipynb_file__"))
"""
_SOLUTION = re.compile(
    r"^([ \t]*)(?:# |<!-- )BEGIN SOLUTION.*?\n(.*?)^[ \t]*(?:# |<!-- )END SOLUTION[^\n]*", re.M | re.S
)


class Assignment:
    """One assignment as one secret draws it.

    Parameters
    ----------
    name : str
        The name of its master, such as ``"A1"``.
    key : bytes, optional
        The secret, or the key of this assignment's edition; without one, the practice variant.
    masters : Path
        The folder with the masters.

    Attributes
    ----------
    key : bytes
        That of the edition.
    questions : tuple of Function, Model or Written
    packages : tuple of str
        What students can import beside the standard library.
    drawn, practice_drawn : dict of str to object
        The variant: one option of each of the questions' choices. And that of the practice edition.
    edition : str
        Six hexadecimal digits that tell secrets apart; the notebook carries them.
    practice : str
        The same of the practice variant.
    student, solution : dict
        The two notebooks, as JSON has them.
    form : dict
        What `collector` has to know to find answers; nothing in it is secret.
    solutions : dict
        The names that the solutions define.
    """

    def __init__(self, name, key=None, masters=MASTERS):
        known = sorted(path.stem for path in masters.glob("*.ipynb"))
        if name not in known:
            raise ValueError(f"assignment must be one of {', '.join(known)}, not {name!r}")
        self.name = name
        self.key = secret.edition(key, name) if key else PUBLIC
        self.draw = Draw(self.key, name)
        module = {"__name__": name}
        exec(compile((masters / f"{name}.py").read_text("utf-8"), f"{name}.py", "exec"), module)
        self.questions, self.packages = module["QUESTIONS"], module["PACKAGES"]
        self.drawn, self.practice_drawn = (
            {
                name: draw.under(question.name, "variant").choice(name, options)
                for question in self.questions
                for name, options in question.choices.items()
            }
            for draw in (self.draw, Draw(PUBLIC, name))
        )
        self.edition, self.practice = (draw.digest("edition").hex()[:6] for draw in (self.draw, Draw(PUBLIC, name)))
        self.solutions = {
            **module,
            **self.drawn,
            "TASKS": TASKS,
            "points": {question.name: question.points for question in self.questions},
            "edition": f"Edition {self.edition}" if key else f"Practice edition {self.edition}: not for marks",
        }
        self._master = json.loads((masters / f"{name}.ipynb").read_text("utf-8"))
        self.student, self.solution = self._copies()
        self.form = self._form()
        self.student["cells"].append(self._check())

    def _copies(self):
        """Fill in the master, define its solutions, and return the student's copy and the solution."""
        student, solution = copy.deepcopy(self._master), copy.deepcopy(self._master)
        for solved, unsolved in zip(solution["cells"], student["cells"], strict=True):
            source = "".join(solved["source"])
            source = _fill_in(source, self.solutions)
            solved["source"] = _SOLUTION.sub(lambda match: match[2].rstrip("\n"), source)
            stub = "raise NotImplementedError" if solved["cell_type"] == "code" else "*Your answer.*"
            unsolved["source"] = _SOLUTION.sub(lambda match, stub=stub: match[1] + stub, source)
            if solved["cell_type"] == "code" and not source.startswith(NOT_GRADED):
                define(solved["source"], self.solutions)
        return student, solution

    def _form(self):
        """Return what `collector` has to know of this assignment."""
        cells = [(cell["cell_type"], "".join(cell["source"])) for cell in self.student["cells"]]
        return {
            "name": self.name,
            "edition": self.edition,
            "packages": self.packages,
            "questions": [self._asked(question) for question in self.questions],
            **collector.handed_out(cells),
        }

    def _asked(self, question):
        """Return what students see of a question: its name and kind, and the shapes that are wanted."""
        if isinstance(question, Model):
            shapes = {"budget": question.budget(self.drawn), **question.shapes(self.drawn)}
            return {"name": question.name, "kind": "model", **shapes}
        if not isinstance(question, Function):
            return {"name": question.name, "kind": "written"}
        example = [
            {"shape": value.shape, "dtype": value.dtype.name} if isinstance(value, np.ndarray) else value
            for value in question.example(self.drawn)
        ]
        example = json.loads(json.dumps(example))
        shape = np.shape(self.solutions[question.name](*collector.arguments(example)))
        return {"name": question.name, "kind": "function", "example": example, "shape": shape}

    def _check(self):
        """Return the cell with the hand-in check."""
        source = CHECK.format(source=Path(collector.__file__).read_text("utf-8"), form=json.dumps(self.form))
        metadata = {"tags": ["hide-input"], "jupyter": {"source_hidden": True}, "cellView": "form"}
        return {
            **{"cell_type": "code", "id": "check", "metadata": metadata, "source": source.rstrip("\n")},
            **{"execution_count": None, "outputs": []},
        }

    def cases(self, question):
        """Return the hidden cases of a Function question, and what is right for each."""
        cases = question.cases(self.draw.under(question.name, "hidden"), self.drawn)
        return cases, _answers(self.solutions[question.name], cases)

    def others(self, question):
        """Return what other variants of a Function question answer to its hidden cases.

        Returns
        -------
        list of (dict, list)
            The variant's choices, and the answers; only where there are answers.
        """
        cases, _ = self.cases(question)
        found = []
        for options in itertools.product(*question.choices.values()):
            choices = dict(zip(question.choices, options, strict=True))
            if any(self.drawn[name] != option for name, option in choices.items()):
                try:
                    found.append((choices, _answers(self._solution(question, choices), cases)))
                except Exception:  # a variant for which these inputs have the wrong shape
                    continue
        return found

    def _solution(self, question, choices):
        """Return the solution of a question as another variant has it."""
        names = self.solutions | choices
        for cell in self._master["cells"]:
            source = "".join(cell["source"])
            if re.search(rf"(?m)^def {question.name}\(", source):
                define(_SOLUTION.sub(lambda match: match[2].rstrip("\n"), _fill_in(source, names)), names)
        return names[question.name]

    def mistakes(self, question, others):
        """Return the typical mistakes of a Function question: [(what, its answers to the hidden cases)]."""
        cases, _ = self.cases(question)
        found = []
        for mistake in question.mistakes:
            if mistake.wrong:
                right = self.solutions[question.name]
                wrong = [mistake.wrong(right, *copy.deepcopy(arguments)) for _, arguments in cases]
                found.append((mistake.what, wrong))
            else:
                found += [
                    (mistake.what, answers)
                    for choices, answers in others
                    if [name for name in choices if choices[name] != self.drawn[name]] == [mistake.choice]
                ]
        return found

    def tests(self, question):
        """Return the hidden tests of a Model question."""
        return question.tests(self.draw.under(question.name, "hidden"), self.drawn)


def _fill_in(source, names):
    """Replace each «expression» by its value."""
    return _EXPRESSION.sub(lambda match: str(eval(match[1].strip(), names)), source)


def _answers(function, cases):
    return [function(*copy.deepcopy(arguments)) for _, arguments in cases]


def define(source, names):
    """Execute what a cell imports and defines (functions, and CONSTANTS), and nothing else of it."""
    tree = ast.parse(source)
    tree.body = [
        node
        for node in tree.body
        if isinstance(node, (ast.Import, ast.ImportFrom, ast.FunctionDef))
        or (isinstance(node, ast.Assign) and all(getattr(target, "id", "").isupper() for target in node.targets))
    ]
    exec(compile(tree, "solution", "exec"), names)
