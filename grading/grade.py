"""Grades one submission: runs what is in it apart, and judges what comes back."""

import hashlib
import re
import time
from pathlib import Path

import numpy as np

from . import questions
from .assignment import EDITION, MASTERS, NOT_GRADED
from .questions import Function, Mark, Model
from .sandbox import LIMITS, Limits
from .submission import UnreadableError, read_notebook

MOST_RUNS = 12  # of one notebook: each begins anew after the cell or the question that ended the one before
RUNS_SECONDS = 2  # in all, in multiples of what one run may take
MOST_NOTES = 50  # of one notebook
NOT_GRADED_LOOK = "not graded: look"  # instead of points, where a limit ended what ran
MODEL_LIMITS = Limits(seconds=180, cpu=180, memory=2**33, processes=256)
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
        sources = sorted([*HERE.glob("*.py"), *MASTERS.glob(f"{assignment.name}.*")])
        self._version = hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()

    def key(self, submission):
        """Return what a submission's result is filed under: a hash of its content, the secret and the grader."""
        content = hashlib.sha256(self._version.encode())
        for suffix in (".ipynb", ".npz"):
            try:
                name, data = submission.file(suffix, self.assignment.name)
            except UnreadableError as error:
                name, data = "", str(error).encode()
            for part in (name.encode("utf-8", "replace"), data):
                content.update(hashlib.sha256(part).digest())
        return self.assignment.draw.digest(f"result {content.hexdigest()}").hex()[:40]

    def grade(self, submission):
        """Return a result: {"marks": {question: {"points", "of", "lines"}}, "notes": [...], "written": {...}, ...}.

        If it is ``"limited"``, a limit or something outside of the grader ended a part of it: try it once more, alone.
        """
        if submission.problem:
            return self.unmarked([f"{NOT_GRADED_LOOK}: {submission.problem}"])
        notes, written, runs, another_edition = [], {}, None, False
        try:
            name, data = submission.file(".ipynb", self.assignment.name)
            cells = read_notebook(data)
        except UnreadableError as error:
            cells, problem = [], f"The notebook: {error}."
            notes.append(problem)
        else:
            if any(other.lower().endswith(".ipynb") and other != name for other in submission.files):
                notes.append(f"Several notebooks were handed in; {name} was graded.")
            editions = {found for kind, text in cells if kind == "markdown" for found in EDITION.findall(text)}
            another_edition = bool(editions) and self.assignment.edition not in editions
            if another_edition:
                edition = f"edition {', '.join(sorted(editions))}"
                if self.assignment.practice in editions:
                    edition = "the practice edition, whose solutions are public,"
                notes.append(
                    f"This notebook is of {edition} and was graded as edition {self.assignment.edition}, which asks "
                    "other questions."
                )
            runs = self._run(cells)
            notes += runs.notes
        marks, limited = {}, runs is not None and runs.limited
        for question in self.assignment.questions:
            if isinstance(question, Function):
                marks[question.name] = self._function(question, runs)
            elif isinstance(question, Model):
                marks[question.name] = self._model(question, submission)
                limited |= marks[question.name].points is None
            else:
                written[question.name] = answer_in_words(cells, question.name)
                marks[question.name] = Mark(None, []) if written[question.name] else Mark(0, ["nothing is written"])
        return {
            "marks": {
                question.name: {
                    "points": mark.points,
                    "of": question.points,
                    "lines": [plain(line) for line in mark.lines],
                }
                for question, mark in zip(self.assignment.questions, marks.values(), strict=True)
            },
            "notes": [plain(note) for note in notes],
            "written": written,
            "another_edition": another_edition,
            "limited": limited,
        }

    def unmarked(self, notes, **more):
        """Return a result without any mark."""
        marks = {
            question.name: {"points": None, "of": question.points, "lines": []}
            for question in self.assignment.questions
        }
        return {"marks": marks, "notes": [plain(note) for note in notes], "written": {}, **more}

    def _function(self, question, runs):
        cases, expected = self.cases[question.name]
        if runs is None:
            return Mark(0, ["there is no notebook that can be read"])
        failures = dict.fromkeys(range(len(cases)), runs.ended.get(question.name, "no answer came"))
        failures |= {case: why for (name, case), why in runs.failures.items() if name == question.name}
        answers = {case: array for (name, case), array in runs.answers.items() if name == question.name}
        mark = questions.mark_function(question, cases, expected, answers, failures)
        whys = {line.partition(": ")[2] for line in mark.lines}
        mark = mark if len(whys) > 1 else Mark(mark.points, [f"all {len(cases)} inputs: {whys.pop()}"])
        if question.name in runs.unmarked:
            return Mark(None, [f"{NOT_GRADED_LOOK}: {runs.ended[question.name]}", *mark.lines])
        if runs.doubt and mark.points < question.points:
            return Mark(None, [f"{NOT_GRADED_LOOK}: {runs.doubt}", *mark.lines])
        return mark

    def _run(self, cells):
        """Run a notebook; again, from the start, without the cell or the question that ended it."""
        runs = _Runs({name: len(cases) for name, (cases, _) in self.cases.items()})
        code = [
            (f"cell {number}", source)
            for number, (kind, source) in enumerate(cells, 1)
            if kind == "code" and not source.startswith(NOT_GRADED)
        ]
        inputs = []
        for name, (cases, _) in self.cases.items():
            for number, (_, arguments) in enumerate(cases):
                head = {"to": name, "case": number}
                inputs += [(head, v) if isinstance(v, np.ndarray) else (head | {"value": v}, None) for v in arguments]
        remaining, skip = list(self.functions), []
        until = time.monotonic() + RUNS_SECONDS * self.limits.seconds
        for _ in range(MOST_RUNS):
            if time.monotonic() > until:
                for name in remaining:
                    runs.end(name, "the notebook's time was used up", limit="clock")
                break
            job = {"do": "notebook", "cells": code, "functions": remaining, "skip": skip}
            messages, end = self.sandbox.run(job, inputs, self.limits)
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
        try:
            name, data = submission.file(".npz", self.assignment.name)
        except UnreadableError as error:
            return Mark(0, [f"the model: {error}"])
        budget = question.budget(self.assignment.drawn)
        tests = self.assignment.tests(question)
        draw = self.assignment.draw.under(question.name, "shuffled")
        clips, back = questions.shuffled(draw, tests)
        inputs = [({"name": "file"}, np.frombuffer(data, "uint8")), ({"name": "clips"}, clips)]
        messages, end = self.sandbox.run({"do": "model", "budget": budget}, inputs, self.model_limits)
        limit = end or ("" if messages else NOT_STARTED)
        if limit:
            return Mark(None, [f"{NOT_GRADED_LOOK}: {limit}"])
        heads = {key: value for head, _ in messages for key, value in head.items()}
        if "refused" in heads:
            return Mark(0, [f"{name}: {heads['refused']}"])
        if "cost" not in heads:
            return Mark(0, [f"{name}: the model could not be built; it ended Python"])
        lines = [
            f"{cost.replace('_', '-')}: {heads['cost'][cost]:,} of at most {most:,}" for cost, most in budget.items()
        ]
        if any(heads["cost"][cost] > most for cost, most in budget.items()):
            return Mark(0, [*lines, "over the budget, so it was not tried"])
        logits = next((array for head, array in messages if "answer" in head), None)
        if logits is None:
            return Mark(0, [*lines, "the model gave no answers; it ended Python"])
        mark = questions.mark_model(question, tests, back(logits.argmax(-1)))
        return Mark(mark.points, [*lines, *mark.lines])


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
        self.limited, self.unmarked, self.doubt = False, set(), ""
        self._notes = {}  # as keys: each once, in order

    @property
    def notes(self):
        return list(self._notes)

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
            elif isinstance(head.get("begin"), str) and head["begin"] in labels:
                running = head["begin"]
            elif head.get("end") == running is not None:
                if head.get("note"):
                    self.end(running, plain(head["note"]), limit, passed_over="")
                running = None
        return False, running

    def end(self, label, why, limit, passed_over=" It was passed over."):
        """Keep what ended a question, a cell, or neither (None), and which limit it was, if it was one."""
        self.limited |= limit is not None
        if label in self.cases:
            self.ended[label] = why
            if limit not in (None, "memory"):
                self.unmarked.add(label)
            return
        if limit not in (None, "memory", "computing"):
            self.doubt = f"{label or 'the notebook'}: {why}"
        if label and len(self._notes) < MOST_NOTES:
            self._notes[plain(f"{label.capitalize()}: {why}.{passed_over}")] = None


def answer_in_words(cells, name):
    """Return what stands in text cells below the heading that names a written question, up to the next heading.

    Examples
    --------
    >>> answer_in_words([("markdown", "## 3. `why`"), ("markdown", "Because."), ("markdown", "## End")], "why")
    'Because.'
    """
    found, inside = [], False
    for kind, source in cells:
        if kind == "markdown" and re.match(r"#+ ", source):
            inside = f"`{name}`" in source.splitlines()[0]
        elif kind == "markdown" and inside:
            found.append(source.strip())
    text = "\n\n".join(found).replace("*Your answer.*", "").strip()
    return text[:20_000]


def plain(text):
    """Return a line as printable characters, and not too many."""
    text = ADDRESS.sub("0x...", str(text)[:500])
    return "".join(character if character.isprintable() else " " for character in text)
