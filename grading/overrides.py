"""``overrides.csv``: what the instructor decided, one decision a row. It is only read, and holds for every run.

==========  =========================  ================  ===============================================================
what        whose (student or id)      question          value
==========  =========================  ================  ===============================================================
points      a student                  a question        its points, in place of those that were given
extra       a student, or ``*``        one, or empty     points to add: to that question, or to the total
late        a student, or ``*``                          ``10%`` of the total to take off, or points; ``*`` stands for
                                                         all that Canvas calls late
extension   a student                                    handed in late, and in time
excused     a student, or ``*``        one, or empty     the question does not count; or nothing does
weight      ``*``                      one, or an input  the points of the question; or how much one hidden input of
                                                         it counts, 0 for not at all: ``conv3d 3`` is the third
group       who is to get the mark                       whose file it is
==========  =========================  ================  ===============================================================

The column ``reason`` is for the student, who reads it with the rest.
"""

import copy
from typing import NamedTuple

from . import tables
from .questions import share
from .submission import Submission, clean
from .totals import most, number
from .written import rows_of, whose

COLUMNS = ["student", "id", "question", "what", "value", "reason"]
EVERYBODY = ("student", "*")
KINDS = {  # in the order in which they are applied: may it be everybody's, is it a question's (None: both), a value?
    "group": (False, False, True),
    "weight": (True, True, True),
    "points": (False, True, True),
    "extra": (True, None, True),
    "late": (True, False, True),
    "extension": (False, False, False),
    "excused": (True, None, False),
}


class Override(NamedTuple):
    """One row.

    Attributes
    ----------
    whose : (str, str)
        As `written.whose` says it, or `EVERYBODY`.
    name : str
        The student's, as it is written there.
    what, question, value, reason : str
    input : int
        The number of a hidden input, from 1; 0 for the whole question.
    """

    whose: tuple
    name: str
    what: str
    question: str
    value: str
    reason: str
    input: int = 0

    @property
    def number(self):
        """The value as a number, and without its percent sign."""
        return tables.number(self.value.removesuffix("%"))


def read(path, assignment):
    """Read the file; nothing if there is none.

    Raises
    ------
    ValueError
        Naming the row, and what is allowed.
    """
    questions, found = {question.name for question in assignment.questions}, []
    for line, row in enumerate(tables.read(path, "what"), 2):
        row = {name: (text or "").strip() for name, text in row.items()}
        if not any(row.values()):
            continue
        question, _, at = row.get("question", "").partition(" ")
        at = 0 if not at else int(at) if at.isdecimal() else -1
        name, value, reason = (row.get(column, "") for column in ("student", "value", "reason"))
        owner = whose({"student": name, **row})
        override = Override(owner, name or owner[1], row["what"], question, value, reason, at)
        if problem := _problem(override, questions):
            raise ValueError(f"{path.name}, row {line}: {problem}")
        found.append(override)
    return found


def _problem(override, questions):
    """Say what is wrong with a row, or nothing."""
    what, value = override.what, override.number
    if what not in KINDS:
        return f"what must be one of {', '.join(KINDS)}, not {what!r}"
    everybody, of_question, valued = KINDS[what]
    if not override.name:
        return "student or id must name a student, or * for everybody"
    if override.whose == EVERYBODY and not everybody:
        return f"{what} must be for one student, not for *"
    if what == "weight" and override.whose != EVERYBODY:
        return f"weight must be for everybody: student must be *, not {override.name}"
    if of_question is not None and bool(override.question) != of_question:
        return f"question must name one for {what}" if of_question else f"question must be empty for {what}"
    if override.question and override.question not in questions:
        return f"question must be one of {', '.join(sorted(questions))}, not {override.question!r}"
    if override.input and (what != "weight" or override.input < 0):
        return "question must have no number after it, except for weight, where it is that of a hidden input"
    if not valued and override.value:
        return f"value must be empty for {what}, not {override.value!r}"
    if what == "group":
        return "" if override.value else "value must say whose file it is"
    if valued and (value is None or ("%" in override.value and what != "late")):
        return f"value must be a number, not {override.value!r}"
    if what != "extra" and (value or 0) < 0:
        return f"value must be at least 0, not {override.value!r}"
    return f"value must be at most 100%, not {override.value!r}" if "%" in override.value and value > 100 else ""


def apply(overrides, graded):
    """Return the results with all decisions in them, and the names in the file of whom there is no submission.

    Parameters
    ----------
    overrides : list of Override
    graded : list of (Submission, result)
        Sorted by student; the results are changed.
    """
    graded, absent = _with_members(overrides, graded)
    known = {whose for submission, _ in graded for whose in rows_of(submission)} | {EVERYBODY}
    absent += [override.name for override in overrides if override.whose not in known and override.what != "group"]
    done = []
    for submission, result in graded:
        own = [o for o in overrides if o.whose in (EVERYBODY, *rows_of(submission)) and o.what != "group"]
        own.sort(key=lambda o: (list(KINDS).index(o.what), o.whose != EVERYBODY))
        in_time = any(o.what == "extension" for o in own)
        late = [o for o in own if o.what == "late" and (submission.late or o.whose != EVERYBODY) and not in_time]
        result["most"] = most(result)
        for override in own:
            if override.what != "late" or override in late[-1:]:
                _change(override, result)
        done.append((submission._replace(late=submission.late and not in_time), result))
    return done, sorted(set(absent))


def _with_members(overrides, graded):
    """Return the results with one for each member of a group, and the names of the files that are not there."""
    by_whose = {whose: pair for pair in graded for whose in rows_of(pair[0])}
    members, missing, graded = [], [], list(graded)
    for override in overrides:
        if override.what != "group":
            continue
        file = by_whose.get(("id", override.value)) or by_whose.get(("student", override.value))
        if not file:
            missing.append(override.value)
            continue
        own = by_whose.get(override.whose)
        member = own[0] if own else _member(override)
        members.append((member._replace(files={}), copy.deepcopy(file[1]) | {"group": file[0].student}))
        _note(members[-1][1], override, f"the file of {file[0].student} counts")
        graded = [pair for pair in graded if pair is not own]
    taken = {submission.student.casefold() for submission, _ in graded}
    for member, result in members:
        name = member.student
        while name.casefold() in taken:
            name += " (2)"
        taken.add(name.casefold())
        graded.append((member._replace(student=name), result))
    return sorted(graded, key=lambda pair: (pair[0].student.casefold(), pair[0].id)), missing


def _member(override):
    """Return a submission without files, of somebody who handed in nothing."""
    kind, identity = override.whose
    system, _, digits = identity.partition(" ") if kind == "id" else ("", "", identity)
    system = system if system in ("canvas", "moodle") and digits.isdecimal() else ""
    return Submission(clean(override.name), system, digits if system else identity.removeprefix("name "), False, {})


def _change(override, result):
    """Put one decision into one result."""
    what, value, question = override.what, override.number, override.question
    mark = result["marks"].get(question)
    of = f"{question}: " if question else ""
    if what == "weight" and override.input:
        _weigh_input(override, mark, result)
    elif what == "weight":
        _note(result, override, f"{question}: counts {number(value)} points instead of {number(mark['of'])}")
        if mark["points"] is not None:
            mark["points"] = round(mark["points"] * value / mark["of"], 2) if mark["of"] else 0
        mark["of"] = value
    elif what == "points":
        _note(result, override, f"{of}{number(value)} points instead of {number(mark['points']) or 'none yet'}")
        mark["points"] = value
    elif what == "extra" and mark:
        _note(result, override, f"{of}{number(value)} extra points")
        mark["points"] = None if mark["points"] is None else max(0, mark["points"] + value)
    elif what == "extra":
        _note(result, override, f"{number(value)} extra points")
        result["extra"] = result.get("extra", 0) + value
    elif what == "late":
        result["late"] = (value / 100, 0) if "%" in override.value else (0, value)
        _note(result, override, f"late: {override.value}{'' if '%' in override.value else ' points'} taken off")
    elif what == "extension":
        _note(result, override, "handed in late, with an extension")
    elif what == "excused":
        _note(result, override, f"{of}excused")
        (mark if mark else result)["excused"] = True


def _weigh_input(override, mark, result):
    """Let one hidden input of a question count more, less, or not at all."""
    at, checks = override.input - 1, mark["checks"]
    counts = f"counts {number(override.number)} times" if override.number else "does not count"
    _note(result, override, f"{override.question}, input {override.input}: {counts}")
    if at < len(checks):
        checks = [(what, reached, override.number if i == at else w) for i, (what, reached, w) in enumerate(checks)]
        mark["checks"] = checks
        if mark["points"] is not None:
            mark["points"] = round(mark["of"] * share(checks, mark["least"]), 2)


def _note(result, override, line):
    result["changes"] = [*result.get("changes", ()), f"{line}{': ' if override.reason else ''}{override.reason}"]
