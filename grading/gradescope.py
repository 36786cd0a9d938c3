"""Grades one submission on Gradescope: ``python -m grading.gradescope A1``, as the zip's run_autograder does.

There is no bubblewrap in Gradescope's containers. Student code runs as a user who can read neither the secret nor the
submission's folder and write to nothing but ``/tmp``, with the same limits; each submission has a container of its own.
"""

import json
import sys
from pathlib import Path

from . import reports, secret, tables
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
    return reports.gradescope(submission, result, grader.check(submission))


if __name__ == "__main__":
    main(sys.argv[1])
