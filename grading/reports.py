"""What the grader writes for people: tables for a spreadsheet, and pages."""

import hashlib
import re
import tempfile
from collections import Counter

from . import overrides, pages, tables, written
from .questions import Model
from .totals import missing, number, text

LONGEST_NAME = 120  # bytes; an encrypted home takes 143, the ending included
FOLDERS = ("results", "feedback")
ALIKE, ENOUGH = 0.6, 5  # the share of a class that fails alike from which on it is said, and of how many at least


def file_name(student):
    """Return a student's name as one that fits every file system, with what it is written beside.

    Examples
    --------
    >>> file_name("Ada King"), file_name(80 * "王")
    ('Ada King', '王王王王王王王王王王王王王王王王王王王王王王王王王王王王王王王王王王王王王 60d00f1f')
    """
    name = student.encode()
    if len(name) <= LONGEST_NAME:
        return student
    return f"{name[: LONGEST_NAME - 9].decode('utf-8', 'ignore')} {hashlib.sha256(name).hexdigest()[:8]}"


def write_all(folder, assignment, graded, by_hand=(), semicolons=False):
    """Write what people read, and take away what of an earlier run this one has nothing for.

    Parameters
    ----------
    folder : Path
    assignment : Assignment
    graded : list of (Submission, result)
        Sorted by student.
    by_hand : list of dict
        The rows of ``written.csv``, as `tables.read` found them.
    semicolons : bool
        Whether spreadsheets here expect semicolons and decimal commas.

    Returns
    -------
    names : list of str
        Of the files that are worth a look.
    failed : dict of str to str
        The students whose page could not be written, and why.
    """
    questions = [question.name for question in assignment.questions]
    rows = [
        [
            submission.student,
            *("excused" if mark.get("excused") else number(mark["points"]) for mark in result["marks"].values()),
            text(result),
            " ".join(missing(result)),
        ]
        for submission, result in graded
    ]
    tables.write(folder / "grades.csv", ["student", *questions, "total", "missing"], rows, semicolons)
    failed = _write_pages(folder, assignment, graded)

    own = [(submission, result) for submission, result in graded if "group" not in result]
    in_words = [name for name in questions if any(name in result["written"] for _, result in own)]
    if in_words:
        tables.write_file(folder / "written.html", pages.answers(assignment, own, in_words))
    by_a_person = [
        name
        for name in questions
        if name in in_words or any(result["marks"][name]["points"] is None for _, result in own)
    ]
    if by_a_person or by_hand:
        table, names = written.with_everybody(by_hand, own, by_a_person)
        tables.write(folder / "written.csv", names, table, semicolons)
    if not (folder / "overrides.csv").exists():
        tables.write(folder / "overrides.csv", overrides.COLUMNS, [], semicolons)
    notes = [
        [submission.student, tables.cell(note)]
        for submission, result in graded
        for note in [*pages.notes(submission, result), *result.get("to_instructor", ())]
    ]
    alike = [
        [name, str(count), number(mean), f"{right:.0%}", f"{share:.0%}", tables.cell(how)]
        for name, count, mean, right, share, how in failed_alike(assignment, own)
    ]
    wanted = {
        "notes.csv": (["student", "note"], notes),
        "questions.csv": (["question", "marked", "mean", "all points", "failed alike", "how"], alike),
    }
    return ["grades.csv", *write_or_remove(folder, wanted, semicolons)], failed


def write_or_remove(folder, wanted, semicolons=None):
    """Write tables, name to (columns, rows), and take away those that have no rows; return the names of the others."""
    for name, (head, rows) in wanted.items():
        if rows:
            tables.write(folder / name, head, rows, semicolons)
        else:
            (folder / name).unlink(missing_ok=True)
    return [name for name, (_, rows) in wanted.items() if rows]


def _write_pages(folder, assignment, graded):
    """Write a page for each student; return those who have none, and why."""
    failed, there = {}, set()
    for submission, result in graded:
        path = folder / "feedback" / f"{file_name(submission.student)}.html"
        there.add(path)
        try:
            title, body = pages.feedback(assignment, submission, result)
            tables.write_file(path, pages.page(title, *body))
        except Exception as error:  # one student's page must not stop the others
            failed[submission.student] = f"{type(error).__name__}: {error}"
    for path in set(folder.glob("feedback/*.html")) - there:
        path.unlink()  # of somebody who has another name now
    return failed


def failed_alike(assignment, graded):
    """Return for each question the machine marks how many have a mark, and what most of them failed by.

    Returns
    -------
    list of (str, int, float, float, float, str)
        The question, how many have a mark, the mean of their points, the share of those with all points, the largest
        share of those that one and the same thing is wrong for, and what it is.
    """
    found = []
    for question in assignment.questions:
        marks = [result["marks"][question.name] for _, result in graded if question.name not in result["written"]]
        marks = [mark for mark in marks if mark["points"] is not None]
        if marks:
            wrong = Counter(line for mark in marks for line in _wrong(question, mark))
            how, count = max(wrong.items(), key=lambda item: (item[1], item[0]), default=("", 0))
            mean = sum(mark["points"] for mark in marks) / len(marks)
            right = sum(mark["points"] >= mark["of"] for mark in marks) / len(marks)
            found.append((question.name, len(marks), mean, right, count / len(marks), how))
    return found


def _wrong(question, mark):
    """Return what is wrong with an answer, as a set of lines that are the same wherever the same is wrong."""
    if isinstance(question, Model) and mark["checks"]:
        return {f"{what}: no points" for what, reached, _ in mark["checks"] if not reached}
    return {line for line in mark["lines"] if not line.endswith(": right")}


def check_folder(folder, assignment):
    """Raise ValueError if a folder holds the grades of another assignment."""
    path = folder / "grades.csv"
    if not path.exists():
        return
    header = path.read_text("utf-8", errors="replace").lstrip("\ufeff").partition("\n")[0].strip()
    columns = ["student", *(question.name for question in assignment.questions), "total", "missing"]
    if set(re.split("[,;\t]", header)) | {"missing"} != set(columns):
        raise ValueError(
            f"out must be a folder of its own for each assignment; {path} has the columns {header}, and "
            f"{assignment.name} has {','.join(columns)}"
        )


def check_writable(folder, submissions):
    """Raise ValueError if a folder does not take what will be written: about 20 KB for each submission."""
    try:
        for part in (folder, *(folder / name for name in FOLDERS)):
            part.mkdir(mode=0o700, parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=part) as trial:
                trial.write(bytes(20_000 * submissions if part == folder else 1))
    except OSError as error:
        raise ValueError(f"out must be a folder that can be written to, not {folder}: {error.strerror}") from None
