"""Grades one submission on Gradescope: ``python -m grading.gradescope A1``, as the zip's run_autograder does.

There is no bubblewrap in Gradescope's containers. Student code runs as a user who can read neither the secret nor the
submission's folder and write to nothing but ``/tmp``, with the same limits; each submission has a container of its own.
"""

import json
import sys
from pathlib import Path

from . import pages, secret, tables, totals
from .assignment import REPOSITORY, Assignment
from .grade import Grader
from .sandbox import Sandbox
from .submission import Submission, files_in

USER = "student"


def main(name, root="/autograder", user=USER):
    """Grade what is in ``root``/submission into ``root``/results/results.json, which is written whatever happens."""
    root = Path(root)
    try:
        result = grade(name, root, user)
    except Exception as error:
        result = {"output": f"The grader failed, not you: {type(error).__name__}: {error}"}  # and no mark
    tables.write_file(root / "results" / "results.json", json.dumps(result, indent=1) + "\n", mode=0o644)


def grade(name, root, user):
    """Return what Gradescope reads; what a limit ended is tried once more."""
    assignment = Assignment(name, secret.read(root / "source" / "secret", REPOSITORY))
    files = dict(files_in(root / "submission"))
    submission = Submission("", "", "", False, files)
    grader = Grader(assignment, Sandbox(bubblewrap=False, user=user))
    result = grader.grade(submission)
    if result.get("limited"):
        result = grader.grade(submission)
    return shown(submission, result, grader.check(submission))


def shown(submission, result, check=()):
    """Return a result as Gradescope reads it, a dict.

    Before the deadline students see the lines of the hand-in check and nothing else. Questions that a person marks have
    no score here. If another mark is missing, nothing has one: Gradescope then says so, and takes no sum for a mark.

    Parameters
    ----------
    submission : Submission
    result : dict
    check : list of str
        What `Grader.check` says.
    """
    scored = not totals.to_look_at(result)
    tests = [
        {
            "name": name,
            **({"score": mark["points"]} if scored and mark["points"] is not None else {}),
            "max_score": mark["of"],
            "output": "\n".join([*mark["lines"], *["to be marked by a person"] * (mark["points"] is None)]),
            "visibility": "after_due_date",
        }
        for name, mark in result["marks"].items()
    ]
    for name, lines, visibility in (
        ("notes", pages.notes(submission, result), "after_due_date"),
        ("for the instructor", result.get("to_instructor", ()), "hidden"),
    ):
        tests += [{"name": name, "output": "\n".join(lines), "visibility": visibility}] * bool(lines)
    return {**({"score": totals.so_far(result)} if scored else {}), "output": "\n".join(check), "tests": tests}


if __name__ == "__main__":
    main(sys.argv[1])
