"""Grade a folder or a zip of submissions: ``python -m grading A1 submissions/ --secret FILE --out grades/``.

Each result is written as soon as it is there, under a name that its content gives it: stop it, run it again, and it
goes on. Run it again when all is done, and it writes the same reports. What a limit ended may have been ended by the
load of the others, so it is graded once more, alone, when they are done, and only that counts.
"""

import argparse
import contextlib
import json
import os
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from . import oral, overrides, reports, secret, tables, totals, uploads, written
from .assignment import REPOSITORY, Assignment
from .grade import Grader
from .sandbox import SEEN, Sandbox, end_all
from .submission import collect


def main(arguments=None):
    """Grade; return the exit code."""
    parser = argparse.ArgumentParser("python -m grading", description=__doc__.split(":")[0] + ".")
    parser.add_argument("assignment", help="its name, such as A1")
    parser.add_argument("submissions", help="a folder, or a zip as Canvas or Moodle let you download it")
    variant = parser.add_mutually_exclusive_group(required=True)
    variant.add_argument("--secret", metavar="FILE", help="the secret that made the assignment, or the edition's key")
    variant.add_argument("--practice", action="store_true", help="grade the practice variant, which has no secret")
    parser.add_argument("--out", metavar="FOLDER", required=True, help="where the results go")
    parser.add_argument("--semicolons", action="store_true", help="write tables as German and French spreadsheets do")
    parser.add_argument("--oral", type=int, default=5, help="how many students oral.html draws (default: %(default)s)")
    parser.add_argument("--uploaded", action="store_true", help="note these marks as uploaded; compare later ones")
    parser.add_argument("--without-sandbox", action="store_true", help="run student code as yourself, with limits only")
    parser.add_argument(
        "--workers", type=int, default=os.cpu_count(), help="submissions at a time (default: %(default)s)"
    )
    options = parser.parse_args(arguments)
    try:
        key = None if options.practice else secret.read(options.secret, REPOSITORY)
        assignment = Assignment(options.assignment, key)
        out = Path(options.out)
        _check_places(options)
        submissions = collect(options.submissions, options.assignment)
        reports.check_folder(out, assignment)
        rows = tables.read(out / "written.csv", "student")
        points = written.points(rows, assignment)
        decided = overrides.read(out / "overrides.csv", assignment)
    except (ValueError, OSError) as error:
        parser.error(str(error))
    sandbox = Sandbox(bubblewrap=not options.without_sandbox)
    if problem := sandbox.problem():
        print(f"The sandbox for student code does not work: {problem}.", file=sys.stderr)
        print("--without-sandbox runs it as you, with limits. It can read and change your files.", file=sys.stderr)
        return 1
    if options.without_sandbox:
        print("Without the sandbox, student code can read your files and change them.", file=sys.stderr)
    try:
        reports.check_writable(out, len(submissions))
    except ValueError as error:
        parser.error(str(error))
    for warning in _warnings(options):
        print(f"Warning: {warning}.", file=sys.stderr)
    began = time.perf_counter()
    results, new = grade_all(Grader(assignment, sandbox), submissions, out, max(1, options.workers))
    graded = list(zip(submissions, results, strict=True))
    absent = {"written.csv": written.add(rows, points, graded)}
    graded, absent["overrides.csv"] = overrides.apply(decided, graded)
    upload = 2 * len(_students(graded, "another_edition")) <= len(graded)
    try:
        names, unwritten = reports.write_all(out, assignment, graded, rows, options.semicolons)
        names += uploads.write_all(out, assignment, graded, upload, options.semicolons)
        tables.write_file(out / "oral.html", oral.page(assignment, graded, options.oral))
        if options.uploaded:
            uploads.note_upload(out, graded)
    except OSError as error:
        print(f"{out} could not be written: {error}. Run the same command again to go on.", file=sys.stderr)
        return 1
    seconds = time.perf_counter() - began
    rate = f", {60 * new / seconds:.0f} per minute" if new else ""
    count = f"{len(submissions)} submission{'s' * (len(submissions) > 1)}"
    print(f"{count}, {new} of them new, {seconds:.1f} s{rate}: see {out}, {', '.join(names)}")
    for line in _left_to_do(graded, absent):
        print(line)
    for line in _wrong(assignment, graded, unwritten, upload):
        print(line, file=sys.stderr)
    return int(bool(_students(graded, "failed") or unwritten) or not upload)


def _students(graded, what):
    return [submission.student for submission, result in graded if result.get(what)]


def _left_to_do(graded, absent):
    """Say what a person has yet to do."""
    for name, students in absent.items():
        if students:
            yield f"{name} has rows for {', '.join(students)}, who have no submission here. The rows are kept."
    if incomplete := sum(not totals.text(result) for _, result in graded):
        yield f"Students without a total, because a mark is missing: {incomplete}; grades.csv says which."
    if anonymous := sum(submission.id.startswith("anon_") for submission, _ in graded):
        yield f"Anonymous students: {anonymous}. Post the names in Canvas and download again before you upload marks."
    if right_elsewhere := _students(graded, "to_instructor"):
        yield f"Answers that are right for another edition: {', '.join(right_elsewhere)}; notes.csv says which."
    if to_look_at := [submission.student for submission, result in graded if totals.to_look_at(result)]:
        yield f"Not graded, look: {', '.join(to_look_at)}; notes.csv says why, written.csv takes their points."


def _wrong(assignment, graded, unwritten, upload):
    """Say what is not as it should be."""
    if others := _students(graded, "another_edition"):
        yield f"{len(others)} of another edition than {assignment.edition}: {', '.join(others)}"
    if not upload:
        yield "Is the secret the right one? Nothing was written for Canvas or Moodle."
    if failed := _students(graded, "failed"):
        yield f"The grader itself failed on {', '.join(failed)}; see their feedback."
    for name, count, *_, share, how in reports.failed_alike(assignment, graded):
        if share > reports.ALIKE and count >= reports.ENOUGH:
            yield f"{name}: {share:.0%} of {count} failed alike ({how}). Is it the question? See questions.csv."
    for student, why in unwritten.items():
        yield f"The page of {student} could not be written: {why}"


def _check_places(options):
    """Raise ValueError if the results go where they must not."""
    out, submissions = Path(options.out).resolve(), Path(options.submissions).resolve()
    if out.is_relative_to(submissions):
        raise ValueError(f"out must lie outside the submissions, not in them: {options.out}")
    key = options.secret and Path(options.secret).expanduser().resolve()
    for what, path in (("out", out), ("submissions", submissions), ("secret", key)):
        if path and (folder := next((folder for folder in SEEN if path.is_relative_to(folder)), None)):
            raise ValueError(f"{what} must not lie in {folder}, which student code can read: {path}")


def _warnings(options):
    """Say what is not as it should be, and does not stop the grader."""
    if Path(options.out).resolve().is_relative_to(REPOSITORY):
        yield f"{options.out} lies in the clone; keep names and marks outside of it"
    if os.getuid() == 0:
        yield "the grader runs as root; run it as an ordinary user"
    if options.secret and secret.seen_by_others(options.secret):
        yield f"other users of this machine can read the secret: chmod 600 {options.secret}"


def grade_all(grader, submissions, out, workers):
    """Grade submissions several at a time, keeping each result in a file of its own.

    Returns
    -------
    results : list of dict
        In the order of the submissions.
    new : int
        How many were not there yet.
    """
    folder, questions = out / "results", {question.name for question in grader.assignment.questions}
    keys, results, pending, limited = [], {}, {}, {}
    for submission in submissions:
        try:
            key = grader.key(submission)
            kept = _kept(folder / f"{key}.json", questions)
        except Exception as error:
            key, kept = f"failed {submission.student}", _failed(grader, error)
        keys.append(key)
        if kept:
            results[key] = kept
        else:
            pending.setdefault(key, submission)  # the same bytes are graded once
    done, stopping = len(submissions) - len(pending), threading.Event()

    def work(key, submission, alone=False):
        result = _graded(grader, submission)
        if result.get("limited") and not alone:
            limited[key] = submission
        elif not result.get("failed") and not stopping.is_set():
            with contextlib.suppress(OSError):  # then it is graded again the next time
                tables.write_file(folder / f"{key}.json", json.dumps(result))
        return result

    def show(done):
        if sys.stdout.isatty():
            bar = ("#" * round(30 * done / len(submissions))).ljust(30, ".")
            print(f"\r[{bar}] {done} of {len(submissions)}", end="", flush=True)

    with ThreadPoolExecutor(workers) as pool:
        running = {pool.submit(work, key, submission): key for key, submission in pending.items()}
        try:
            for number, future in enumerate(as_completed(running), 1):
                results[running[future]] = future.result()
                show(done + number - len(limited))
            for number, (key, submission) in enumerate(sorted(limited.items()), 1):
                results[key] = work(key, submission, alone=True)
                show(len(submissions) - len(limited) + number)
        except KeyboardInterrupt:
            stopping.set()
            print("\nStopped. Run the same command again to go on.", file=sys.stderr, flush=True)
            end_all()
            os._exit(130)  # the threads wait for what was just ended, and would begin anew
    if sys.stdout.isatty():
        print("\r" + " " * 60 + "\r", end="")
    return [json.loads(json.dumps(results[key])) | {"key": key} for key in keys], len(pending)


def _kept(path, questions):
    """Return the result of an earlier run; None if there is none, or not a whole one."""
    try:
        result = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return result if isinstance(result, dict) and set(result.get("marks", ())) == questions else None


def _graded(grader, submission):
    """Grade one; whatever goes wrong in the grader must not stop the others."""
    try:
        return grader.grade(submission)
    except Exception as error:
        return _failed(grader, error)


def _failed(grader, error):
    return grader.unmarked([f"The grader failed, not you: {type(error).__name__}: {error}"], failed=True)


if __name__ == "__main__":
    sys.exit(main())
