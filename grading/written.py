"""``written.csv``: the points that a person gives, for what students wrote and for what could not be graded.

The file belongs to whoever fills it in: it is read as spreadsheets write it, rows are added, and none is ever dropped.
A row is found by its column ``id``, for names move from one student to another; a row without an id, by its name. The
column ``words`` says for which words points are given: points for other words are taken back, and stand in ``look``.
"""

import re

from . import tables
from .collector import digest
from .submission import order

AFTER_POINTS = ("comment", "look", "words")
CHANGED = "the words have changed since you marked them"


def points(rows, assignment):
    """Return the points that a person gave: {(whose row, question): points}.

    Raises
    ------
    ValueError
        Naming each row, its student and the question whose points are none.
    """
    given, problems = {}, []
    for at, row in rows.items():
        for question in assignment.questions:
            if not (text := row.get(question.name)):
                continue
            given[whose(row), question.name] = number = tables.number(text)
            if number is None or not 0 <= number <= question.points:
                where = f"written.csv, row {at}: {question.name} of {row['student'] or row.get('id')}"
                problems.append(f"{where} must be a number from 0 to {question.points}, not {text!r}")
    if problems:
        raise ValueError("\n".join(problems))
    return given


def add(rows, given, graded):
    """Add given points and comments to results; take back, in the rows, points that were given for other words.

    Returns
    -------
    list of str
        The students who have points and no result, whose points wait.
    """
    by_whose, found = {whose(row): row for row in rows.values()}, set()
    for submission, result in graded:
        result |= {"by_hand": {}, "words_changed": [], "comment": ""}
        found.update(rows_of(submission))
        for row in [by_whose[own] for own in reversed(rows_of(submission)) if own in by_whose]:
            marked = row.get("words", "").split()
            marked, look = dict(zip(marked[::2], marked[1::2], strict=False)), row.get("look", "").split("; ")
            for name, mark in result["marks"].items():
                number = given.get((whose(row), name))
                by_a_person = name in result["written"] or mark["points"] is None or name in result["by_hand"]
                if number is None or not by_a_person:
                    continue
                if marked.get(name, _words(result, name)) == _words(result, name):
                    mark["points"] = result["by_hand"][name] = number
                else:
                    look.append(f"{name}: {CHANGED} (you gave {row[name]})")
                    row[name] = ""
            look = [note for note in look if note and not row.get(note.partition(":")[0])]
            row["look"] = "; ".join(look)
            result["words_changed"] += look
            result["comment"] = ("" if look else row.get("comment")) or result["comment"]
    waiting = {own for own, _ in given} - found
    return sorted({row["student"] or row["id"] for row in rows.values() if whose(row) in waiting}, key=order)


def _words(result, name):
    """Return a short hash of what a person marks; of what could not be graded, that of the file."""
    return digest(result["written"].get(name, result.get("key", "")[:20]))


def with_everybody(rows, graded, questions):
    """Return the table with a row for each student who had none, and the names of its columns."""
    by_whose = {whose(row): dict(row) for row in rows.values()}
    others = [dict(row) for row in rows.values() if row != by_whose[whose(row)]]  # twice one student: none is dropped
    for submission, result in graded:
        by_id, by_name = rows_of(submission)
        row = by_whose.get(by_id) or by_whose.get(by_name) or by_whose.setdefault(by_id, {})
        words = " ".join(f"{name} {_words(result, name)}" for name in questions)
        row |= {"student": submission.student, "id": by_id[1], "words": words}
    columns = ["student", "id", *questions, *AFTER_POINTS, *(name for row in rows.values() for name in row)]
    table = sorted([*by_whose.values(), *others], key=lambda row: order(row["student"]))
    return [[row.get(name, "") for name in dict.fromkeys(columns)] for row in table], list(dict.fromkeys(columns))


def ambiguous(file, at, name, submissions):
    """Say that a row does not say which of several students of one name it is for; "" if it does."""
    ids = [rows_of(submission)[0][1] for submission in submissions if _named(submission, name)]
    if len(ids) < 2 or any(submission.student == name for submission in submissions):
        return ""
    count = {2: "two"}.get(len(ids), len(ids))
    return f"{file}, row {at}: {count} students have this name, {name}; use the id: {' or '.join(ids)}"


def _named(submission, name):
    return submission.student.casefold() == f"{name} ({submission.id})".casefold()


def whose(row):
    """Return whose a row is: ("id", its id), or ("student", the name) where no id stands."""
    return ("id", row["id"].strip()) if (row.get("id") or "").strip() else ("student", row["student"].strip())


def rows_of(submission):
    """Return what `whose` says of a submission's row, with its id and without.

    The id begins with a word and has no separators, so no spreadsheet takes it for a number or a formula.
    """
    identity = re.sub(r"[^\w .'-]", lambda match: f"%{ord(match[0]):x}", submission.id)
    return ("id", f"{submission.system or 'name'} {identity}"), ("student", submission.student)
