"""Grades one submission: runs what is in it apart, and judges what comes back."""

import functools
import hashlib
import re
import time
from pathlib import Path

import numpy as np

from . import collector, questions
from .assignment import EDITION, MASTERS
from .collector import UnreadableError, read_notebook
from .questions import Function, Mark, Model, Written
from .sandbox import LIMITS, Limits

MOST_NOTEBOOKS = 10  # that are looked at, of one submission
LONGEST = 200_000  # characters of one answer in words, and of all that stands elsewhere
MOST_RUNS = 12  # of one notebook: each begins anew after the cell or the question that ended the one before
RUNS_SECONDS = 2  # in all, in multiples of what one run may take
MOST_NOTES = 50  # of one notebook
NOT_GRADED_LOOK = "not graded: look"  # instead of points, where a limit ended what ran
MODEL_LIMITS = Limits(seconds=180, cpu=180, memory=2**33, processes=256)
LINE = re.compile(r", line \d+$")  # of the label of a statement
NOT_STARTED = "it did not start"
ADDRESS = re.compile(r"\b0x[0-9a-f]{6,}")  # of an object in memory: another one in each run
HERE = Path(__file__).parent


class Grader:
    """Grades submissions to one assignment; the same bytes always get the same mark.

    Parameters
    ----------
    assignment : Assignment
    sandbox : Sandbox
    limits, model_limits : Limits
        For running a notebook, and for running a model.
    """

    def __init__(self, assignment, sandbox, limits=LIMITS, model_limits=MODEL_LIMITS):
        self.assignment, self.sandbox = assignment, sandbox
        self.limits, self.model_limits = limits, model_limits
        functions = [question for question in assignment.questions if isinstance(question, Function)]
        self.functions = {question.name: question for question in functions}
        self.cases = {question.name: assignment.cases(question) for question in functions}
        self._arguments = {name: [arguments for _, arguments in cases] for name, (cases, _) in self.cases.items()}
        self._wanted = {question["name"]: question for question in assignment.form["questions"]}
        # Computed once somebody's answer is wrong, by the question's name.
        self._others = functools.cache(lambda name: assignment.others(self.functions[name]))
        self._mistakes = functools.cache(lambda name: assignment.mistakes(self.functions[name], self._others(name)))
        sources = sorted([*HERE.glob("*.py"), *MASTERS.glob(f"{assignment.name}.*")])
        self._version = hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()

    def key(self, submission):
        """Return what a submission's result is filed under: two hashes of 20 letters, of its content and the grader."""
        content = hashlib.sha256(submission.problem.encode("utf-8", "replace"))
        for suffix in (".ipynb", ".npz"):
            for name, data in submission.read(suffix, self.assignment.name):
                for part in (name.encode("utf-8", "replace"), data if isinstance(data, bytes) else str(data).encode()):
                    content.update(hashlib.sha256(part).digest())
        hashes = (self.assignment.draw.digest(text).hex()[:20] for text in (content.hexdigest(), self._version))
        return "".join(hashes)

    def grade(self, submission):
        """Return a result, as JSON can hold it.

        Returns
        -------
        dict
            ``marks``: for each question {"points": None for what is not marked, "of", "lines", "checks", "least"}, as
            in `Mark`; ``notes``: lines for the student; ``to_instructor``: lines for nobody else; ``written``: answers
            in words by question; ``code``: the code by question; ``elsewhere``: [(question, text)], what else is the
            student's; ``another_edition``: whether it is of one;
            ``limited``: a limit or something outside of the grader ended a part of it; try it once more, alone.
        """
        if submission.problem:
            return self.unmarked([f"{NOT_GRADED_LOOK}: {submission.problem}"])
        notes, to_instructor, runs, another_edition, cells = [], [], None, False, []
        try:
            cells, note = self._choose(submission)
        except UnreadableError as error:
            notes.append(f"The notebook: {error}.")
        else:
            notes += [note] if note else []
            editions = _editions(cells)
            another_edition = bool(editions) and self.assignment.edition not in editions
            if another_edition:
                edition = f"edition {', '.join(sorted(editions))}"
                if self.assignment.practice in editions:
                    edition = "the practice edition, whose solutions are public,"
                notes.append(
                    f"This notebook is of {edition} and was graded as edition {self.assignment.edition}, which asks "
                    "other questions."
                )
            runs = self._run(cells, self._arguments)
            notes += runs.notes
            if foreign := self._foreign(runs):
                to_instructor.append(foreign)
        pieces = collector.pieces(cells, self.assignment.form)
        marks, written, limited = {}, {}, runs is not None and runs.limited
        for question in self.assignment.questions:
            if isinstance(question, Function):
                marks[question.name] = self._function(question, runs, parts=not (another_edition or to_instructor))
            elif isinstance(question, Model):
                marks[question.name] = self._model(question, submission)
                limited |= marks[question.name].points is None
            else:
                written[question.name] = shortened(collector.in_words(pieces, question.name))
                blank = "blank: below its heading every cell is as it was handed out"
                blank = blank if cells else "no notebook could be read"
                marks[question.name] = Mark(None, [] if written[question.name] else [blank])
        return {
            "marks": self._marks(marks.values()),
            "notes": [plain(note) for note in notes],
            "to_instructor": to_instructor,
            "written": written,
            "code": {name: shortened(code) for name, code in self._code(cells, pieces).items()},
            "elsewhere": elsewhere([piece for piece in pieces if written and piece.question not in written]),
            "another_edition": another_edition,
            "limited": limited,
        }

    def _code(self, cells, pieces):
        """Return the student's code by question: the cells that define its function, or all below its heading."""
        code = {}
        for question in self.assignment.questions:
            defining = [cells[number - 1][1] for number in collector.defining(cells, question.name)]
            below = [piece.text for piece in pieces if piece.question == question.name and piece.kind == "code"]
            if not isinstance(question, Written) and (defining or below):
                code[question.name] = "\n\n".join(defining or below)
        return code

    def check(self, submission):
        """Return what the hand-in check says of a submission, in lines: nothing hidden is tried for it."""
        try:
            cells, note = self._choose(submission)
        except UnreadableError as error:
            return [f"The notebook: {error}."]
        form = self.assignment.form
        examples = {
            question["name"]: [collector.arguments(question["example"])]
            for question in form["questions"]
            if question["kind"] == "function"
        }
        runs = self._run(cells, examples)
        tried = [{"note": line} for line in [*([note] if note else []), *runs.notes]]
        for name in examples:
            if answers := runs.answers_to(name):
                tried.append({"question": name, "shape": answers[0].shape})
            else:
                why = runs.failures.get((name, 0)) or runs.ended.get(name, "no answer came")
                tried.append({"question": name, "problem": why})
        tried += [
            {"question": question.name, **self._build(question, submission)[0]}
            for question in self.assignment.questions
            if isinstance(question, Model)
        ]
        return collector.report(cells, form, tried)

    def unmarked(self, notes, **more):
        """Return a result without any mark."""
        marks = self._marks([Mark(None, [])] * len(self.assignment.questions))
        return {"marks": marks, "notes": [plain(note) for note in notes], "written": {}, **more}

    def _marks(self, marks):
        """Return marks, one for each question, as JSON can hold them."""
        return {
            question.name: mark._asdict() | {"of": question.points, "lines": [plain(line) for line in mark.lines]}
            for question, mark in zip(self.assignment.questions, marks, strict=True)
        }

    def _choose(self, submission):
        """Return the cells of the notebook that has most answers, and a note that says which, if there are several.

        One of this edition comes before others; of equals, the one that is named like the assignment.
        """
        found, errors = [], []
        for name, data in submission.read(".ipynb", self.assignment.name)[:MOST_NOTEBOOKS]:
            try:
                if isinstance(data, UnreadableError):
                    raise data
                found.append((name, read_notebook(data)))
            except UnreadableError as error:
                errors.append(error)
        if not found:
            raise errors[0]
        name, cells = max(found, key=lambda notebook: self._answered(notebook[1])) if len(found) > 1 else found[0]
        if len(found) + len(errors) > 1:
            return cells, f"Several notebooks were handed in; {name} was graded, because it has the most answers."
        return cells, "" if name.lower().endswith(".ipynb") else f"{name} was graded: by its content it is a notebook."

    def _answered(self, cells):
        editions = _editions(cells)
        answered = {piece.question for piece in collector.pieces(cells, self.assignment.form)}
        return not editions or self.assignment.edition in editions, len(answered)

    def _function(self, question, runs, parts=True):
        cases, expected = self.cases[question.name]
        if runs is None:
            return Mark(0, ["no notebook could be read"])
        failures = dict.fromkeys(range(len(cases)), runs.ended.get(question.name, "no answer came"))
        failures |= {case: why for (name, case), why in runs.failures.items() if name == question.name}
        answers = runs.answers_to(question.name)
        right = questions.same(expected, answers)
        mistakes = self._mistakes(question.name) if parts and answers and not right else ()
        mark = questions.mark_function(question, cases, expected, answers, failures, mistakes)
        whys = {line.partition(": ")[2] for line in mark.lines}
        if len(mark.lines) == len(cases) and len(whys) == 1:
            mark = mark._replace(lines=[f"all {len(cases)} inputs: {whys.pop()}"])
        if question.name in runs.unmarked:
            return Mark(None, [f"{NOT_GRADED_LOOK}: {runs.ended[question.name]}", *mark.lines])
        if runs.doubt and mark.points < question.points:
            return Mark(None, [f"{NOT_GRADED_LOOK}: {runs.doubt}", *mark.lines])
        return mark

    def _foreign(self, runs):
        """Say of how many questions the answers are right for one and the same other edition; "" for less than two.

        Typical mistakes are those of another edition, too: of them alone nothing is said, unless it is the practice
        edition, whose solutions are public.
        """
        practice, matching, typical = [], [], []
        for question in self.functions.values():
            answers = runs.answers_to(question.name)
            if not answers or questions.same(self.cases[question.name][1], answers):
                continue
            variants = [choices for choices, others in self._others(question.name) if questions.same(others, answers)]
            if variants:
                matching.append(question.name)
                practice += [question.name] * (_of(self.assignment.practice_drawn, question) in variants)
                mistakes = self._mistakes(question.name)
                typical += [question.name] * any(questions.same(wrong, answers) for _, wrong in mistakes)
        if len(practice) > 1:
            return f"{', '.join(practice)}: right for the practice edition."
        if len(matching) > 1 and set(matching) - set(typical):
            return f"{', '.join(matching)}: right for one and the same other edition."
        return ""

    def _run(self, cells, cases):
        """Run a notebook; again, from the start, without the statement or the question that ended it.

        Parameters
        ----------
        cells : list of (str, str)
        cases : dict of str to list of tuple
            The arguments that each question's function is called with.
        """
        runs = _Runs({name: len(given) for name, given in cases.items()})
        code = collector.graded(cells)
        inputs = []
        for name, given in cases.items():
            for number, arguments in enumerate(given):
                head = {"to": name, "case": number}
                inputs += [(head, v) if isinstance(v, np.ndarray) else (head | {"value": v}, None) for v in arguments]
        remaining, skip = list(self.functions), []
        until = time.monotonic() + RUNS_SECONDS * self.limits.seconds
        for _ in range(MOST_RUNS):
            if time.monotonic() > until:
                for name in remaining:
                    runs.end(name, "the notebook's time was used up", limit="clock")
                break
            job = {"do": "notebook", "cells": code, "functions": remaining, "skip": skip + runs.slow}
            messages, end = self.sandbox.run(job | {"packages": self.assignment.packages}, inputs, self.limits)
            finished, stopped = runs.take(messages, {label for label, _ in code} | set(remaining))
            if finished:
                break
            limit = end or (None if messages else NOT_STARTED)
            runs.end(stopped, limit or "it ended Python", limit)
            if stopped in remaining:
                remaining = remaining[remaining.index(stopped) + 1 :]
            elif stopped and stopped not in skip:
                skip.append(stopped)
            else:
                break
        return runs

    def _model(self, question, submission):
        """Mark a model that was handed in; no code of its author's runs, and what is right stays here."""
        tests = self.assignment.tests(question)
        clips, back = questions.shuffled(self.assignment.draw.under(question.name, "shuffled"), tests)
        facts, logits = self._build(question, submission, clips)
        if "limit" in facts:
            return Mark(None, [f"{NOT_GRADED_LOOK}: {facts['limit']}"])
        if "cost" not in facts:
            return Mark(0, [facts["problem"]])
        compared = collector.compared(self._wanted[question.name], facts)
        lines = [line for line, _ in compared]
        if not all(fits for _, fits in compared):
            return Mark(0, [*lines, "it does not fit, so it was not tried"])
        if logits is None or logits.shape != (len(clips), *self._wanted[question.name]["shape"]):
            return Mark(0, [*lines, f"the model gave no answers; {facts.get('problem', 'it ended Python')}"])
        answers = [questions.classes(part, test.y) for part, test in zip(back(logits), tests, strict=True)]
        mark = questions.mark_model(question, tests, answers)
        return mark._replace(lines=[*lines, *mark.lines])

    def _build(self, question, submission, clips=None):
        """Build a model that was handed in, and try it on clips.

        Returns
        -------
        facts : dict
            As `collector.facts` returns them; ``"problem"`` if there was one, and ``"limit"`` if a limit ended it.
        logits : array or None
        """
        try:
            name, data = submission.file(".npz", self.assignment.name)
        except UnreadableError as error:
            return {"problem": f"the model: {error}"}, None
        given = [({"name": "file"}, np.frombuffer(data, "uint8"))]
        given += [] if clips is None else [({"name": "clips"}, clips)]
        job = {"do": "model", "wanted": self._wanted[question.name]}
        messages, end = self.sandbox.run(job, given, self.model_limits)
        heads = {key: value for head, _ in messages for key, value in head.items()}
        facts = heads.get("facts", {})
        if "refused" in heads or not facts:
            facts["problem"] = f"{name}: {heads.get('refused', 'it ended Python')}"
        if limit := end or ("" if messages else NOT_STARTED):
            facts = {"limit": limit, "problem": limit}
        return facts, next((array for head, array in messages if "answer" in head), None)


class _Runs:
    """What the runs of one notebook left: the words of a stranger, so each is looked at before it is kept.

    Attributes
    ----------
    answers, failures : dict of (question, case) to array or str
    ended : dict of str to str
        Why a question has no more answers.
    limited : bool
        Whether a limit was met, or something outside of the grader ended a run.
    unmarked : set of str
        The questions that it ended.
    doubt : str
        What it ended outside of a question: then what is not right may be right. A cell that was stopped since it
        computed too long leaves no doubt: it would be stopped on any machine.
    """

    def __init__(self, cases):
        self.cases = cases  # question: how many
        self.answers, self.failures, self.ended = {}, {}, {}
        self.limited, self.unmarked, self.doubt, self.slow = False, set(), "", []
        self._notes = {}  # as keys: each once, in order

    @property
    def notes(self):
        return list(self._notes)

    def answers_to(self, question):
        """Return the answers to a question, by the number of the case."""
        return {case: array for (name, case), array in self.answers.items() if name == question}

    def take(self, messages, labels):
        """Keep what makes sense; return whether it came to its end, and the label that was running if it did not."""
        running = None
        for head, array in messages:
            if head.get("finished") is True:
                return True, None
            limit = head.get("limit")
            self.limited |= limit is not None
            name, case = head.get("answer", head.get("failed")), head.get("case")
            if isinstance(name, str) and type(case) is int and 0 <= case < self.cases.get(name, 0):
                if array is not None:
                    self.answers.setdefault((name, case), array)
                else:
                    self.failures.setdefault((name, case), plain(head.get("why")))
            elif isinstance(head.get("missing"), str) and head["missing"] in self.cases:
                like = head.get("like")
                hint = f"; is {like[0]} meant?" if isinstance(like, list) and like else ""
                self.ended[head["missing"]] = plain(f"the notebook defines no function of this name{hint}")
            elif isinstance(head.get("begin"), str) and LINE.sub("", head["begin"]) in labels:
                running = head["begin"]
            elif head.get("end") == running is not None:
                if head.get("note"):
                    self.end(running, plain(head["note"]), limit, passed_over="")
                running = None
        return False, running

    def end(self, label, why, limit, passed_over=" It was passed over."):
        """Keep what ended a question, a statement, or neither (None), and which limit it was, if it was one."""
        self.limited |= limit is not None
        if label in self.cases:
            self.ended[label] = why
            if limit not in (None, "memory"):
                self.unmarked.add(label)
            return
        if limit not in (None, "memory", "computing"):
            self.doubt = f"{label or 'the notebook'}: {why}"
        if limit in ("computing", "clock") and len(self.slow) < MOST_NOTES:
            self.slow.append(label)
        if label and len(self._notes) < MOST_NOTES:
            cell, _, line = label.partition(", line ")
            place = f" (line {line})" if line else ""
            self._notes[plain(f"{cell.capitalize()}: {why}{place}.{passed_over}")] = None


def _editions(cells):
    return {found for kind, text in cells if kind == "markdown" for found in EDITION.findall(text)}


def _of(drawn, question):
    """Return a question's part of a variant."""
    return {name: drawn[name] for name in question.choices}


def elsewhere(pieces):
    """Return (question, text) of pieces, as far as they are not too long together."""
    found, size = [], 0
    for piece in pieces:
        found.append((piece.question, shortened(piece.text)))
        size += len(piece.text)
        if size > LONGEST:
            return [*found, ("", "[cut here: there is more in the notebook]")]
    return found


def shortened(text):
    """Return a text that is not too long, and says so if it was."""
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}\n[cut here: the notebook has {len(text):,} characters]"


def plain(text):
    """Return a line as printable characters, and not too many."""
    text = ADDRESS.sub("0x...", str(text)[:500])
    return "".join(character if character.isprintable() else " " for character in text)
