"""The honest notebooks of `honest`, marked by the grader as an instructor runs it, against the marks that are fair."""

import functools
import pickle
import types

import pytest
from handed_in import KEY, lines
from honest import BLANK, CASES, MARKER, Edition

from grading.assignment import Assignment
from grading.grade import Grader
from grading.sandbox import LIMITS, Sandbox
from grading.submission import collect

pytestmark = pytest.mark.slow  # student code runs apart, in processes of its own

# The texts have said since that a typical mistake earns two fifths of the points.
STATED_PARTS = {"padding_on_the_other_side", "kernel_flipped"}
SMALL_LIMITS = {"long_training": {"step_cpu": 5}}  # what never ends meets it a little earlier


@functools.cache
def run_once(job):
    """Run what is pickled. What was run once is not run again: many cases differ only in what is around the code."""
    return Sandbox().run(*pickle.loads(job))


SANDBOX = types.SimpleNamespace(run=lambda *job: run_once(pickle.dumps(job)))


@functools.cache
def grader(name, key, **limits):
    return Grader(Assignment(name, key), SANDBOX, LIMITS._replace(**limits))


def edition(case, model=b""):
    assignment = grader(case.assignment, case.key).assignment
    return Edition(assignment.student, assignment.solution, assignment.drawn, model)


def marked(case, files, folder):
    """Grade files as they lie in a folder of submissions, beside those of somebody else."""
    (folder / "other").mkdir()
    (folder / "other" / "A1.ipynb").write_text("{}")
    for name, data in files.items():
        path = folder / (name if "/" in name else f"somebody/{name}")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    (found,) = (submission for submission in collect(folder, case.assignment) if submission.student != "other")
    return grader(case.assignment, case.key, **SMALL_LIMITS.get(case.name, {})).grade(found)


def disagreements(case, result):
    """List where a result is not what is fair."""
    for name, mark in result["marks"].items():
        fair = case.marks[name]
        if fair in (MARKER, BLANK):
            if mark["points"] is not None or (fair == BLANK and result["written"][name]):
                yield name, fair, mark, result["written"][name][:200]
            continue
        least, most = fair if isinstance(fair, tuple) else (fair, fair)
        if case.name in STATED_PARTS and fair == 0:
            most = 0.4 * mark["of"]
        if mark["points"] is None or not least <= mark["points"] <= most:
            yield name, fair, mark
    shown = "\n".join([*result["written"].values(), *(text for _, text in result.get("elsewhere", ()))])
    for passages in case.reaches.values():
        yield from (passage for passage in passages if " ".join(passage.split()) not in " ".join(shown.split()))


@pytest.mark.parametrize("case", [pytest.param(case, id=case.name) for case in CASES if not case.slow])
def test_an_honest_notebook_gets_the_fair_mark(case, tmp_path):
    result = marked(case, case.hand_in(edition(case)), tmp_path)
    assert not list(disagreements(case, result)), (case.reason, lines(result))


@pytest.mark.parametrize("case", [pytest.param(case, id=case.name) for case in CASES if case.slow])
def test_an_honest_notebook_that_takes_its_time_gets_the_fair_mark(case, executed_solution, tmp_path):
    model = b""
    if "see" in case.marks and case.key == KEY:
        _, folder = executed_solution(grader(case.assignment, case.key).assignment)
        model = (folder / f"{case.assignment}.npz").read_bytes()
    result = marked(case, case.hand_in(edition(case, model)), tmp_path)
    assert not list(disagreements(case, result)), (case.reason, lines(result))
