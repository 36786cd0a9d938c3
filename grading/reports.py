"""What the grader writes for people and for other programs: CSV files, pages of feedback, Gradescope's JSON."""

import csv
import hashlib
import io
import json
import os
import re
import tempfile
from html import escape
from pathlib import Path

from . import written

LONGEST_NAME = 120  # bytes; an encrypted home takes 143, the ending included
FOLDERS = ("results", "feedback", "gradescope")
FORMULA = re.compile(r"^([=+\-@\t\r])")
PAGE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark; }}
body {{ font: 1rem/1.6 system-ui, sans-serif; max-width: 46rem; margin: 2rem auto; padding: 0 1rem; }}
table {{ border-collapse: collapse; }}
th, td {{ text-align: left; padding: .3rem 1.2rem .3rem 0; border-bottom: 1px solid #8888; font-weight: normal; }}
td {{ font-variant-numeric: tabular-nums; }}
.sum > * {{ font-weight: bold; border-bottom: 0; }}
h1 {{ line-height: 1.2; }}
h2 {{ font-size: 1.15rem; margin: 2rem 0 .3rem; }}
ul {{ margin: .3rem 0; padding-left: 1.3rem; }}
li, p, blockquote {{ overflow-wrap: anywhere; }}
blockquote {{ margin: .5rem 0; padding-left: 1rem; border-left: 3px solid #8888; white-space: pre-wrap; }}
</style>
</head>
<body>
<main>
{body}
</main>
</body>
</html>
"""


def write(path, text, mode=0o600):
    """Write a file, whole or not at all, which nobody else can read."""
    path = Path(path)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    unfinished = path.with_name(path.name + ".unfinished")
    unfinished.unlink(missing_ok=True)
    unfinished.touch(mode)
    unfinished.write_text(text, "utf-8")
    os.replace(unfinished, path)


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


def number(points):
    """Return points as text: at most two decimals, nothing if there are none yet.

    Examples
    --------
    >>> number(12.0), number(8.333), number(None)
    ('12', '8.33', '')
    """
    return "" if points is None else f"{points:.2f}".rstrip("0").rstrip(".")


def so_far(result):
    """Add up what is marked."""
    return round(sum(mark["points"] or 0 for mark in result["marks"].values()), 2)


def missing(result):
    """Return the questions that have no mark yet."""
    return [name for name, mark in result["marks"].items() if mark["points"] is None]


def total(result):
    """Add up all marks; None while one is missing."""
    return None if missing(result) else so_far(result)


def to_look_at(result):
    """Return whether somebody has to look at a result: a mark is missing for what no person was to mark."""
    return any(mark["points"] is None and name not in result["written"] for name, mark in result["marks"].items())


def write_all(folder, assignment, graded, by_hand=(), upload=True):
    """Write every report, and take away those of an earlier run that this one has nothing for.

    Parameters
    ----------
    folder : Path
    assignment : Assignment
    graded : list of (Submission, result)
        Sorted by student.
    by_hand : list of dict
        The rows of ``written.csv``, as `written.read` found them.
    upload : bool
        Whether to write what Canvas and Moodle take.

    Returns
    -------
    tables : list of str
        Names of the CSV files.
    failed : dict of str to str
        The students whose page could not be written, and why.
    """
    questions = [question.name for question in assignment.questions]
    rows = [
        [
            submission.student,
            *(number(result["marks"][name]["points"]) for name in questions),
            number(total(result)),
            " ".join(missing(result)),
        ]
        for submission, result in graded
    ]
    _csv(folder / "grades.csv", ["student", *questions, "total", "missing"], rows, mark=True)
    failed, pages = {}, set()
    for submission, result in graded:
        name = file_name(submission.student)
        try:
            data = json.dumps(gradescope(submission, result), indent=1)
            for path, text in (
                (folder / "feedback" / f"{name}.html", feedback(assignment, submission, result)),
                (folder / "gradescope" / f"{name}.json", data + "\n"),
            ):
                pages.add(path)
                write(path, text)
        except Exception as error:  # one student's page must not stop the others
            failed[submission.student] = f"{type(error).__name__}: {error}"
    for path in (*folder.glob("feedback/*.html"), *folder.glob("gradescope/*.json")):
        if path not in pages:
            path.unlink()  # of somebody who has another name now
    in_words = [name for name in questions if any(name in result["written"] for _, result in graded)]
    if in_words:
        write(folder / "written.html", answers(assignment, graded, in_words))
    by_a_person = [
        name
        for name in questions
        if name in in_words or any(result["marks"][name]["points"] is None for _, result in graded)
    ]
    if by_a_person or by_hand:
        table, names = written.with_everybody(by_hand, graded, by_a_person)
        _csv(folder / "written.csv", names, table, mark=True)

    totals = [(submission, number(total(result))) for submission, result in graded]
    canvas = [
        [submission.student, submission.id, "", points]
        for submission, points in totals
        if upload and submission.system == "canvas" and submission.id.isdigit() and not submission.problem
    ]
    moodle = [
        [f"Participant {submission.id}", submission.student, points, "-"]
        for submission, points in totals
        if upload and submission.system == "moodle" and not submission.problem
    ]
    notes = [
        [submission.student, _cell(note)]
        for submission, result in graded
        for note in [*_notes(submission, result), *result.get("to_instructor", ())]
    ]
    tables = ["grades.csv"]
    for name, head, rows in (
        ("notes.csv", ["student", "note"], notes),
        ("canvas.csv", ["Student", "ID", "Section", assignment.name], canvas),
        ("moodle.csv", ["Identifier", "Full name", "Grade", "Last modified (grade)"], moodle),
    ):
        if rows:
            _csv(folder / name, head, rows, mark=name == "notes.csv")
            tables.append(name)
        else:
            (folder / name).unlink(missing_ok=True)
    return tables, failed


def _cell(text):
    """Return a stranger's text as one that no spreadsheet takes for a formula, whatever separates its columns."""
    return FORMULA.sub(r"'\1", text.replace(";", ","))


def _csv(path, head, rows, mark=False):
    """Write a CSV file; with a ``mark`` of its encoding for spreadsheets, which is in the way of other programs."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(head)
    writer.writerows(rows)
    write(path, ("\ufeff" if mark else "") + text.getvalue())


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


def feedback(assignment, submission, result):
    """Return a student's page."""
    rows, parts = [], []
    for name, mark in result["marks"].items():
        points = number(mark["points"]) or "to be marked"
        rows.append(f'<tr><th scope="row">{escape(name)}</th><td>{points}</td><td>{mark["of"]}</td></tr>')
        lines = "".join(f"<li>{escape(line)}</li>" for line in mark["lines"])
        answer = f"<blockquote>{escape(result['written'][name])}</blockquote>" if result["written"].get(name) else ""
        parts.append(f"<h2>{escape(name)}: {points} of {mark['of']}</h2>\n<ul>{lines}</ul>{answer}")
    most = sum(mark["of"] for mark in result["marks"].values())
    together = number(so_far(result)) + (f" so far, without {', '.join(missing(result))}" if missing(result) else "")
    rows.append(f'<tr class="sum"><th scope="row">together</th><td>{together}</td><td>{most}</td></tr>')
    notes = "".join(f"<li>{escape(note)}</li>" for note in _notes(submission, result))
    title = f"{assignment.name}: {submission.student}"
    head = '<thead><tr><th scope="col">question</th><th scope="col">points</th><th scope="col">of</th></tr></thead>'
    body = (
        f"<h1>{escape(title)}</h1>\n<table>{head}<tbody>{''.join(rows)}</tbody></table>\n"
        + (f"<h2>Notes</h2>\n<ul>{notes}</ul>\n" if notes else "")
        + "\n".join(parts).replace("<ul></ul>", "")
    )
    return PAGE.format(title=escape(title), body=body)


def _notes(submission, result):
    late = ["Handed in late, says Canvas."] if submission.late else []
    looks = [
        f"{name}: {mark['lines'][0]}"
        for name, mark in result["marks"].items()
        if mark["points"] is None and name not in result["written"] and mark["lines"]
    ]
    return [*late, *result["notes"], *looks]


def answers(assignment, graded, in_words):
    """Return a page with what all students wrote, question by question, for whoever marks it."""
    most = {question.name: question.points for question in assignment.questions}
    parts = [
        "<p>Give points in <code>written.csv</code>, by the rubric in the notebook; then run the grader again.</p>"
    ]
    for name in in_words:
        parts.append(f"<h2>{escape(name)} (of {most[name]})</h2>")
        parts += [
            f"<h3>{escape(submission.student)}</h3><blockquote>{escape(result['written'][name])}</blockquote>"
            for submission, result in graded
            if result["written"].get(name)
        ]
        blank = [submission.student for submission, result in graded if not result["written"].get(name)]
        parts.append(f"<p>Blank below its heading: {escape(', '.join(blank)) or 'nobody'}.</p>")
    parts.append(
        "<h2>Elsewhere in the notebook</h2>\n<p>What else is a student's own, each with the question whose heading "
        "stands before it. An answer may be among it.</p>"
    )
    for submission, result in graded:
        pieces = "".join(
            f"<p>{escape(place or 'before all questions')}:</p><blockquote>{escape(text)}</blockquote>"
            for place, text in result.get("elsewhere", ())
        )
        parts += [f"<details><summary>{escape(submission.student)}</summary>{pieces}</details>"] * bool(pieces)
    title = f"{assignment.name}: what was written"
    return PAGE.format(title=title, body="\n".join([f"<h1>{title}</h1>", *parts]))


def gradescope(submission, result, check=()):
    """Return a result as Gradescope reads it, a dict.

    Before the deadline students see the lines of the hand-in check and nothing else. Questions that a person marks have
    no score here. If another mark is missing nothing has one: Gradescope then says so, and takes no sum for a mark.

    Parameters
    ----------
    submission : Submission
    result : dict
    check : list of str
        What `Grader.check` says.
    """
    scored = not to_look_at(result)
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
    for name, said, seen in (
        ("notes", _notes(submission, result), "after_due_date"),
        ("for the instructor", result.get("to_instructor", ()), "hidden"),
    ):
        tests += [{"name": name, "output": "\n".join(said), "visibility": seen}] * bool(said)
    return {**({"score": so_far(result)} if scored else {}), "output": "\n".join(check), "tests": tests}
