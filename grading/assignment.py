"""An assignment: its master in ``assignments/``, the variant that the secret draws, and the copies made from both.

``A1.ipynb`` holds texts, stubs and solutions; ``A1.py`` says what is drawn. In the notebook, «expression» stands for
the value of a Python expression, in which every drawn choice, every solution so far and all of ``A1.py`` is known. What
stands between ``BEGIN SOLUTION`` and ``END SOLUTION`` is left out of the student's copy.
"""

import ast
import copy
import json
import re
from pathlib import Path

from seqlib.tasks import TASKS

from .secret import PUBLIC, Draw

REPOSITORY = Path(__file__).resolve().parents[1]
MASTERS = REPOSITORY / "assignments"
NOT_GRADED = "# Not graded"  # a cell that begins so is not run by the grader
EDITION = re.compile(r"\b[Ee]dition ([0-9a-f]{6})\b")

_EXPRESSION = re.compile(r"«(.+?)»", re.S)
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
        The secret; without one, the practice variant.
    masters : Path
        The folder with the masters.

    Attributes
    ----------
    questions : tuple of Function, Model or Written
    drawn : dict of str to object
        The variant: one option of each of the questions' choices.
    edition : str
        Six hexadecimal digits that tell secrets apart; the notebook carries them.
    practice : str
        The same of the practice variant.
    student, solution : dict
        The two notebooks, as JSON has them.
    solutions : dict
        The names that the solutions define.
    """

    def __init__(self, name, key=None, masters=MASTERS):
        known = sorted(path.stem for path in masters.glob("*.ipynb"))
        if name not in known:
            raise ValueError(f"assignment must be one of {', '.join(known)}, not {name!r}")
        self.name = name
        self.draw = Draw(key or PUBLIC, name)
        module = {"__name__": name}
        exec(compile((masters / f"{name}.py").read_text("utf-8"), f"{name}.py", "exec"), module)
        self.questions = module["QUESTIONS"]
        self.drawn = {
            name: self.draw.under(question.name, "variant").choice(name, options)
            for question in self.questions
            for name, options in question.choices.items()
        }
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

    def _copies(self):
        """Fill in the master, define its solutions, and return the student's copy and the solution."""
        student, solution = copy.deepcopy(self._master), copy.deepcopy(self._master)
        for solved, unsolved in zip(solution["cells"], student["cells"], strict=True):
            source = "".join(solved["source"])
            source = _EXPRESSION.sub(lambda match: str(eval(match[1].strip(), self.solutions)), source)
            solved["source"] = _SOLUTION.sub(lambda match: match[2].rstrip("\n"), source)
            stub = "raise NotImplementedError" if solved["cell_type"] == "code" else "*Your answer.*"
            unsolved["source"] = _SOLUTION.sub(lambda match, stub=stub: match[1] + stub, source)
            if solved["cell_type"] == "code" and not source.startswith(NOT_GRADED):
                define(solved["source"], self.solutions)
        return student, solution

    def cases(self, question):
        """Return the hidden cases of a Function question, and what is right for each."""
        cases = question.cases(self.draw.under(question.name, "hidden"), self.drawn)
        return cases, [self.solutions[question.name](*copy.deepcopy(arguments)) for _, arguments in cases]

    def tests(self, question):
        """Return the hidden tests of a Model question."""
        return question.tests(self.draw.under(question.name, "hidden"), self.drawn)


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
