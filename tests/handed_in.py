"""Notebooks as they are handed in, made from the solutions of a test's own secret; and a grader in a hurry."""

import copy
import json

from grading.assignment import Assignment
from grading.grade import Grader
from grading.sandbox import Limits, Sandbox
from grading.submission import Submission

KEY = b"a secret of the tests, and of nobody else"
OTHER_KEY = b"last year's secret"
HURRY = Limits(seconds=8, step=3, step_cpu=2, memory=2**30, processes=40, output=2**22, disk=2**23)
A1 = Assignment("A1", KEY)
QUESTIONS = [question.name for question in A1.questions]
ALL = {question.name: question.points for question in A1.questions}


def grader(assignment=A1, limits=HURRY, **sandbox):
    return Grader(assignment, Sandbox(**sandbox), limits)


def notebook(replaced=(), added=(), last=(), base=A1.solution):
    """The solution as bytes, with other sources for some cells (id to source) and code cells before or after it."""
    made = copy.deepcopy(base)
    for cell in made["cells"]:
        cell["source"] = dict(replaced).get(cell["id"], cell["source"])
    made["cells"] = [*map(code, added), *made["cells"], *map(code, last)]
    return json.dumps(made).encode()


def code(source):
    return {
        "cell_type": "code",
        "id": "added",
        "metadata": {},
        "outputs": [],
        "execution_count": None,
        "source": source,
    }


def submission(data, student="somebody", name="A1.ipynb", **files):
    return Submission(student, "", student, False, {name: lambda: data} | files)


def points(result):
    return {name: mark["points"] for name, mark in result["marks"].items()}


def lines(result):
    return "\n".join([*result["notes"], *(line for mark in result["marks"].values() for line in mark["lines"])])
