"""``written.csv``: the points that a person gives for what students wrote.

The file belongs to whoever fills it in: it is read as spreadsheets write it, rows are added, and none is ever dropped.
"""

import csv
import io


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
    rows = list(table)
    for row in rows:
        if None in row:
            raise ValueError(f"{path}: the row of {row['student']} has more columns than the first row")
    return rows


def points(rows, assignment):
    """Return the points that a person gave: {(student, question): points}.

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
            given[row["student"], question.name] = number
    return given


def add(given, graded):
    """Add given points to results; return the students who have points and no result, whose points wait."""
    for submission, result in graded:
        for name in result["written"]:
            if (submission.student, name) in given:
                result["marks"][name]["points"] = given[submission.student, name]
    return sorted({student for student, _ in given} - {submission.student for submission, _ in graded})


def with_everybody(rows, graded, questions):
    """Return the table with a row for each student who had none, and the names of its columns."""
    known = {row["student"] for row in rows}
    new = [{"student": submission.student} for submission, _ in graded if submission.student not in known]
    names = dict.fromkeys(["student", *questions, *(name for row in rows for name in row)])
    table = sorted([*rows, *new], key=lambda row: row["student"])
    return [[row.get(name, "") for name in names] for row in table], list(names)
