"""``written.csv``: the points that a person gives, for what students wrote and for what could not be graded.

The file belongs to whoever fills it in: it is read as spreadsheets write it, rows are added, and none is ever dropped.
A row is found by its column ``id``, for names move from one student to another; a row without an id, by its name.
"""

import csv
import io
import re


def read(path):
    """Read the table, whatever separates its columns; nothing if there is none.

    Returns
    -------
    list of dict
        A row each, text by the name of its column.

    Raises
    ------
    ValueError
        If there is no column ``student``.
    """
    if not path.exists():
        return []
    data = path.read_bytes()
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("cp1252", "replace")  # what spreadsheets write where they do not write UTF-8
    head = text.partition("\n")[0].strip()
    table = csv.DictReader(io.StringIO(text, newline=""), delimiter=max(",;\t", key=head.count), restval="")
    if "student" not in (table.fieldnames or ()):
        raise ValueError(f"{path}: the first row must name the columns, and student must be one, not {head!r}")
    try:
        rows = list(table)
    except csv.Error as error:
        raise ValueError(f"{path} is not a table that can be read: {error}") from None
    for row in rows:
        if None in row:
            raise ValueError(f"{path}: the row of {row['student']} has more columns than the first row")
    return rows


def points(rows, assignment):
    """Return the points that a person gave: {(whose row, question): points}.

    Raises
    ------
    ValueError
        Naming the student and the question whose points are none.
    """
    given = {}
    for row in rows:
        for question in assignment.questions:
            text = (row.get(question.name) or "").strip().replace(",", ".")
            if not text:
                continue
            try:
                number = float(text)
            except ValueError:
                number = -1
            if not 0 <= number <= question.points:
                raise ValueError(
                    f"written.csv: {question.name} of {row['student']} must be a number from 0 to "
                    f"{question.points}, not {text!r}"
                )
            given[_whose(row), question.name] = number
    return given


def add(rows, given, graded):
    """Add given points to results; return the students who have points and no result, whose points wait."""
    found = set()
    for submission, result in graded:
        for name, mark in result["marks"].items():
            points = [given[whose, name] for whose in _rows_of(submission) if (whose, name) in given]
            if points and (name in result["written"] or mark["points"] is None):
                mark["points"] = points[0]
        found.update(_rows_of(submission))
    waiting = {whose for whose, _ in given} - found
    return sorted({row["student"] for row in rows if _whose(row) in waiting})


def with_everybody(rows, graded, questions):
    """Return the table with a row for each student who had none, and the names of its columns."""
    by_whose = {_whose(row): dict(row) for row in rows}
    others = [dict(row) for row in rows if row != by_whose[_whose(row)]]  # twice the same student: none is dropped
    for submission, _ in graded:
        by_id, by_name = _rows_of(submission)
        row = by_whose.get(by_id) or by_whose.get(by_name) or by_whose.setdefault(by_id, {})
        row |= {"student": submission.student, "id": by_id[1]}
    names = dict.fromkeys(["student", "id", *questions, *(name for row in rows for name in row)])
    table = sorted([*by_whose.values(), *others], key=lambda row: row["student"])
    return [[row.get(name, "") for name in names] for row in table], list(names)


def _whose(row):
    return ("id", row["id"]) if row.get("id") else ("student", row["student"])


def _rows_of(submission):
    """Return what `_whose` says of a submission's row, with its id and without.

    The id begins with a word and has no separators, so no spreadsheet takes it for a number or a formula.
    """
    identity = re.sub(r"[^\w .'-]", lambda match: f"%{ord(match[0]):x}", submission.id)
    return ("id", f"{submission.system or 'name'} {identity}"), ("student", submission.student)
