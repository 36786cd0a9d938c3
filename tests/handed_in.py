"""Notebooks as they are handed in, made from the solutions of a test's own secret; and a grader with limits."""

import copy
import json
import time

from grading.assignment import Assignment
from grading.grade import MODEL_LIMITS, Grader
from grading.questions import Written
from grading.sandbox import Limits, Sandbox
from grading.submission import Submission

KEY = b"the tests' own secret, number 3468"
OTHER_KEY = b"last year's secret, number 30"
# No right answer comes near a limit, however slow the machine: those of time only end what would never end. A test of
# one of them makes that one small, and nothing else.
LIMITS = Limits(600, 300, 300, 300, memory=2**30, processes=40, output=2**22, disk=2**23, files=2000)
ASLEEP = "import signal, time\nsignal.setitimer(signal.ITIMER_REAL, 0)\ntime.sleep(1e6)"  # the alarm of its step is off
SLOWEST_MODEL = MODEL_LIMITS._replace(seconds=600, cpu=600)
A1 = Assignment("A1", KEY)
QUESTIONS = [question.name for question in A1.questions]
POINTS = {question.name: question.points for question in A1.questions}
ALL = {question.name: None if isinstance(question, Written) else question.points for question in A1.questions}
BY_THE_MACHINE = sum(points or 0 for points in ALL.values())


def grader(assignment=A1, limits=LIMITS, **sandbox):
    return Grader(assignment, Sandbox(**sandbox), limits, SLOWEST_MODEL)


def notebook(replaced=(), added=(), last=(), base=A1.solution):
    """The solution as bytes, with other sources for some cells (id to source) and code cells before or after it."""
    changed = copy.deepcopy(base)
    for cell in changed["cells"]:
        cell["source"] = dict(replaced).get(cell["id"], cell["source"])
    changed["cells"] = [*map(code, added), *changed["cells"], *map(code, last)]
    return json.dumps(changed).encode()


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


def wait_until(condition):
    """Wait until something is so, however long it takes; fail if it never is."""
    hangs = time.monotonic() + 300
    while not condition():
        assert time.monotonic() < hangs, condition
        time.sleep(0.02)
