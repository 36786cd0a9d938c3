"""What the grader writes for people and for other programs: CSV files, pages of feedback, Gradescope's JSON."""

import csv
import io
import json
import os
import re
from html import escape
from pathlib import Path

from . import written

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


def write(path, text):
    """Write a file, whole or not at all."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(path.name + ".unfinished")
    unfinished.write_text(text, "utf-8")
    os.replace(unfinished, path)


def number(points):
    """Return points as text: at most two decimals, nothing if there are none yet.

    Examples
    --------
    >>> number(12.0), number(8.333), number(None)
    ('12', '8.33', '')
    """
    return "" if points is None else f"{points:.2f}".rstrip("0").rstrip(".")


def total(result):
    """Add up what is marked."""
    return round(sum(mark["points"] or 0 for mark in result["marks"].values()), 2)


def write_all(folder, assignment, graded, by_hand=(), upload=True):
    """Write every report, and take away those of an earlier run that this one has no rows for.

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
    list of str
        Names of the CSV files.
    """
    questions = [question.name for question in assignment.questions]
    rows = [
        [submission.student, *(number(result["marks"][name]["points"]) for name in questions), number(total(result))]
        for submission, result in graded
    ]
    _csv(folder / "grades.csv", ["student", *questions, "total"], rows, mark=True)
    for submission, result in graded:
        name, data = submission.student, gradescope(submission, result)
        write(folder / "feedback" / f"{name}.html", feedback(assignment, submission, result))
        write(folder / "gradescope" / f"{name}.json", json.dumps(data, indent=1) + "\n")
    in_words = [name for name in questions if any(name in result["written"] for _, result in graded)]
    if in_words:
        write(folder / "written.html", answers(assignment, graded, in_words))
        table, names = written.with_everybody(by_hand, graded, in_words)
        _csv(folder / "written.csv", names, table, mark=True)

    totals = [(submission, number(total(result))) for submission, result in graded]
    canvas = [
        [submission.student, submission.id, "", points]
        for submission, points in totals
        if upload and submission.system == "canvas" and submission.id.isdigit()
    ]
    moodle = [
        [f"Participant {submission.id}", submission.student, points, "-"]
        for submission, points in totals
        if upload and submission.system == "moodle"
    ]
    notes = [[submission.student, note] for submission, result in graded for note in _notes(submission, result)]
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
    return tables


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
    columns = ["student", *(question.name for question in assignment.questions), "total"]
    if set(re.split("[,;\t]", header)) != set(columns):
        raise ValueError(
            f"out must be a folder of its own for each assignment; {path} has the columns {header}, and "
            f"{assignment.name} has {','.join(columns)}"
        )


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
    rows.append(f'<tr class="sum"><th scope="row">together</th><td>{number(total(result))}</td><td>{most}</td></tr>')
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
    return [*(["Handed in late, says Canvas."] if submission.late else []), *result["notes"]]


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
    title = f"{assignment.name}: what was written"
    return PAGE.format(title=title, body="\n".join([f"<h1>{title}</h1>", *parts]))


def gradescope(submission, result):
    """Return a result as Gradescope reads it, a dict."""
    return {
        "score": total(result),
        "output": "\n".join(_notes(submission, result)),
        "visibility": "visible",
        "tests": [
            {
                "name": name,
                "score": mark["points"] or 0,
                "max_score": mark["of"],
                "output": "\n".join(mark["lines"]) if mark["points"] is not None else "to be marked by a person",
                "visibility": "visible",
            }
            for name, mark in result["marks"].items()
        ],
    }
