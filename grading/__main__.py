"""Grade a folder or a zip of submissions: ``python -m grading A1 submissions/ --secret FILE --out grades/``.

Each result is written as soon as it is there, under a name that its content gives it: stop it, run it again, and it
goes on. Run it again when all is done, and it writes the same reports.
"""

import argparse
import json
import os
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from . import reports, secret, written
from .assignment import REPOSITORY, Assignment
from .grade import Grader
from .sandbox import Sandbox, end_all
from .submission import collect


def main(arguments=None):
    """Grade; return the exit code."""
    parser = argparse.ArgumentParser("python -m grading", description=__doc__.split(":")[0] + ".")
    parser.add_argument("assignment", help="its name, such as A1")
    parser.add_argument("submissions", help="a folder, or a zip as Canvas or Moodle let you download it")
    variant = parser.add_mutually_exclusive_group(required=True)
    variant.add_argument("--secret", metavar="FILE", help="the file that the assignment was made with")
    variant.add_argument("--practice", action="store_true", help="grade the practice variant, which has no secret")
    parser.add_argument("--out", metavar="FOLDER", required=True, help="where the results go")
    parser.add_argument(
        "--without-sandbox", action="store_true", help="run student code as yourself, with limits alone"
    )
    parser.add_argument(
        "--workers", type=int, default=os.cpu_count(), help="submissions at a time (default: %(default)s)"
    )
    options = parser.parse_args(arguments)
    try:
        key = None if options.practice else secret.read(options.secret, REPOSITORY)
        assignment = Assignment(options.assignment, key)
        if Path(options.out).resolve().is_relative_to(Path(options.submissions).resolve()):
            raise ValueError(f"out must lie outside the submissions, not in them: {options.out}")
        submissions = collect(options.submissions, options.assignment)
        out = Path(options.out)
        reports.check_folder(out, assignment)
        rows = written.read(out / "written.csv")
        points = written.points(rows, assignment)
    except ValueError as error:
        parser.error(str(error))
    sandbox = Sandbox(bubblewrap=not options.without_sandbox)
    if problem := sandbox.problem():
        print(f"Student code cannot be kept apart: {problem}.", file=sys.stderr)
        print(
            "--without-sandbox runs it as yourself: limited in time and memory, free to read and to send.",
            file=sys.stderr,
        )
        return 1
    if options.without_sandbox:
        print("Without the sandbox: student code can read your files and reach the network.", file=sys.stderr)
    began = time.perf_counter()
    results, new = grade_all(Grader(assignment, sandbox), submissions, out, max(1, options.workers))
    graded = list(zip(submissions, results, strict=True))
    absent = written.add(points, graded)
    of_another_edition = [submission.student for submission, result in graded if result.get("another_edition")]
    upload = 2 * len(of_another_edition) <= len(graded)
    tables = reports.write_all(out, assignment, graded, rows, upload)
    seconds = time.perf_counter() - began
    rate = f", {60 * new / seconds:.0f} a minute" if new else ""
    print(f"{len(submissions)} submissions, {new} of them new, {seconds:.1f} s{rate}: see {out}, {', '.join(tables)}")
    if absent:
        print(f"written.csv has points for {', '.join(absent)}, of whom there is no submission here: they wait.")
    if of_another_edition:
        students = ", ".join(of_another_edition)
        print(f"{len(of_another_edition)} of another edition than {assignment.edition}: {students}", file=sys.stderr)
    if not upload:
        print("Is the secret the right one? Nothing was written for Canvas or Moodle.", file=sys.stderr)
    failed = [submission.student for submission, result in graded if result.get("failed")]
    if failed:
        print(f"The grader itself failed on {', '.join(failed)}; see their feedback.", file=sys.stderr)
    return int(bool(failed) or not upload)


def grade_all(grader, submissions, out, workers):
    """Grade submissions several at a time, keeping each result in a file of its own.

    Returns
    -------
    results : list of dict
        In the order of the submissions.
    new : int
        How many were not there yet.
    """
    folder = out / "results"
    folder.mkdir(parents=True, exist_ok=True)
    results, pending = {}, {}
    keys = [grader.key(submission) for submission in submissions]
    for key, submission in zip(keys, submissions, strict=True):
        path = folder / f"{key}.json"
        if path.exists():
            results[key] = json.loads(path.read_text("utf-8"))
        else:
            pending.setdefault(key, submission)  # the same bytes are graded once
    done, stopping = len(submissions) - len(pending), threading.Event()

    def work(key, submission):
        result = _graded(grader, submission)
        if not result.get("failed") and not stopping.is_set():
            reports.write(folder / f"{key}.json", json.dumps(result))
        return result

    with ThreadPoolExecutor(workers) as pool:
        running = {pool.submit(work, key, submission): key for key, submission in pending.items()}
        try:
            for future in as_completed(running):
                results[running[future]] = future.result()
                done += 1
                if sys.stdout.isatty():
                    bar = ("#" * round(30 * done / len(submissions))).ljust(30, ".")
                    print(f"\r[{bar}] {done} of {len(submissions)}", end="", flush=True)
        except KeyboardInterrupt:
            stopping.set()
            print("\nStopped. The same command goes on from here.", file=sys.stderr, flush=True)
            end_all()
            os._exit(130)  # the threads wait for what was just ended, and would begin anew
    if sys.stdout.isatty():
        print("\r" + " " * 60 + "\r", end="")
    return [json.loads(json.dumps(results[key])) for key in keys], len(pending)


def _graded(grader, submission):
    """Grade one; whatever goes wrong in the grader must not stop the others."""
    try:
        return grader.grade(submission)
    except Exception as error:
        questions = grader.assignment.questions
        return {
            "failed": True,
            "marks": {question.name: {"points": None, "of": question.points, "lines": []} for question in questions},
            "notes": [f"The grader failed, not you: {type(error).__name__}: {error}"],
            "written": {},
        }


if __name__ == "__main__":
    sys.exit(main())
