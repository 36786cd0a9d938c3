"""``written.csv``: the points that a person gives, for what students wrote and for what could not be graded.

The file belongs to whoever fills it in: it is read as spreadsheets write it, rows are added, and none is ever dropped.
A row is found by its column ``id``, for names move from one student to another; a row without an id, by its name.
"""

import re

from . import tables


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
            text = (row.get(question.name) or "").strip()
            if not text:
                continue
            number = tables.number(text)
            if number is None or not 0 <= number <= question.points:
                raise ValueError(
                    f"written.csv: {question.name} of {row['student']} must be a number from 0 to "
                    f"{question.points}, not {text!r}"
                )
            given[whose(row), question.name] = number
    return given


def add(rows, given, graded):
    """Add given points to results; return the students who have points and no result, whose points wait."""
    found = set()
    for submission, result in graded:
        result["by_hand"] = {}
        for name, mark in result["marks"].items():
            numbers = [given[whose, name] for whose in rows_of(submission) if (whose, name) in given]
            if numbers and (name in result["written"] or mark["points"] is None):
                mark["points"] = result["by_hand"][name] = numbers[0]
        found.update(rows_of(submission))
    waiting = {whose for whose, _ in given} - found
    return sorted({row["student"] for row in rows if whose(row) in waiting})


def with_everybody(rows, graded, questions):
    """Return the table with a row for each student who had none, and the names of its columns."""
    by_whose = {whose(row): dict(row) for row in rows}
    others = [dict(row) for row in rows if row != by_whose[whose(row)]]  # twice the same student: none is dropped
    for submission, _ in graded:
        by_id, by_name = rows_of(submission)
        row = by_whose.get(by_id) or by_whose.get(by_name) or by_whose.setdefault(by_id, {})
        row |= {"student": submission.student, "id": by_id[1]}
    names = dict.fromkeys(["student", "id", *questions, *(name for row in rows for name in row)])
    table = sorted([*by_whose.values(), *others], key=lambda row: row["student"])
    return [[row.get(name, "") for name in names] for row in table], list(names)


def whose(row):
    """Return whose a row is: ("id", its id), or ("student", the name) where no id stands."""
    return ("id", row["id"].strip()) if (row.get("id") or "").strip() else ("student", row["student"].strip())


def rows_of(submission):
    """Return what `whose` says of a submission's row, with its id and without.

    The id begins with a word and has no separators, so no spreadsheet takes it for a number or a formula.
    """
    identity = re.sub(r"[^\w .'-]", lambda match: f"%{ord(match[0]):x}", submission.id)
    return ("id", f"{submission.system or 'name'} {identity}"), ("student", submission.student)
