"""The kinds of questions, and how an answer is judged: here, where what is right is known, and on arrays alone."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

PART = 0.4  # of a question's points, for an answer that makes one typical mistake in all cases
CLOSE, RARE = 1e-4, 0.01  # logits that rounding may exchange; the share of clips up to which that is believed


class Mistake(NamedTuple):
    """A typical mistake, by what it answers.

    Attributes
    ----------
    what : str
        For the student.
    choice : str
        The mistake is to answer as another option of this choice asks.
    wrong : callable, optional
        In place of a choice: (the right function, *arguments) -> the wrong answer.
    """

    what: str
    choice: str = ""
    wrong: Callable | None = None


class Function(NamedTuple):
    """A question that is answered by a function of its name, tried on hidden arguments.

    Attributes
    ----------
    name : str
    points : int
        The same share of them for each case.
    choices : dict
        Name to options: one of each is drawn from the secret. What is drawn for all questions is the variant,
        a dict.
    cases : callable
        (Draw, the variant) -> list of (what the case tries, tuple of arguments).
    example : callable
        The variant -> arguments of which students see the shape that is right. The hand-in check calls their function
        on them, with zeros in all arrays.
    mistakes : tuple of Mistake
        That earn a part of the points.
    oral : tuple of str
        What to ask its author while both look at the answer.
    """

    name: str
    points: int
    choices: dict
    cases: Callable
    example: Callable
    mistakes: tuple = ()
    oral: tuple = ()


class Trial(NamedTuple):
    """Clips that a model is tried on. A set counts if all of its members are right.

    Attributes
    ----------
    what : str
        What is counted.
    share : float
        Of the question's points.
    none, full : float
        Share of right sets up to which there are no points, and from which on there are all.
    x : uint8 array (k, n, T, H, W, C)
    y : int array (k, n)
    """

    what: str
    share: float
    none: float
    full: float
    x: np.ndarray
    y: np.ndarray


class Model(NamedTuple):
    """A question that is answered by a trained model, handed in as a file that `seqlib.model_files.save_model` wrote.

    Attributes
    ----------
    name, points, choices, oral
        As in `Function`.
    budget : callable
        The variant -> {"parameters": most, "multiply_adds": most}.
    tests : callable
        (Draw, the variant) -> list of Trial.
    shapes : callable
        The variant -> {"clip": (T, H, W, C), "shape": (classes,)}: what a model takes and gives for a clip.
    """

    name: str
    points: int
    choices: dict
    budget: Callable
    tests: Callable
    shapes: Callable
    oral: tuple = ()


class Written(NamedTuple):
    """A question that is answered in words, and marked by a person with the rubric in the notebook."""

    name: str
    points: int
    choices: dict = {}  # noqa: RUF012 - no such question has any
    oral: tuple = ()


class Mark(NamedTuple):
    """What an answer is worth, and why.

    Attributes
    ----------
    points : float or None
        None for what a person has yet to mark.
    lines : list of str
    checks : list of (str, float, float)
        What was tried, the share that was reached, and how much that weighs; nothing if nothing could be tried.
    least : float
        The share of the points that a typical mistake earns.
    """

    points: float | None
    lines: list
    checks: list = []  # noqa: RUF012 - never changed
    least: float = 0


def mark_function(question, cases, expected, answers, failures, mistakes=()):
    """Compare what a student's function returned with what is right.

    Parameters
    ----------
    question : Function
    cases : list of (str, tuple)
    expected : list of arrays
    answers : dict of int to array
        By the number of the case.
    failures : dict of int to str
        Why a case has no answer.
    mistakes : iterable of (str, list of arrays)
        Typical ones, and what they answer.
    """
    lines, checks, least = [], [], 0
    for number, (what, _) in enumerate(cases):
        wrong = (
            difference(expected[number], answers[number]) if number in answers else failures.get(number, "no answer")
        )
        checks.append((what, float(not wrong), 1.0))
        lines.append(f"{what}: {wrong or 'right'}")
    if share(checks) < PART and (what := next((what for what, wrong in mistakes if same(wrong, answers)), "")):
        least, lines = PART, [f"a typical mistake: {what}. It earns {PART:.0%} of the points"]
    return Mark(round(question.points * share(checks, least), 2), lines, checks, least)


def share(checks, least=0):
    """Return the share of a question's points that its checks earn, and at least ``least``."""
    weight = sum(weight for *_, weight in checks)
    return max(least, sum(reached * weight for _, reached, weight in checks) / weight) if weight else least


def same(expected, answers):
    """Tell whether all answers, a dict by number, are those of a list."""
    return all(i in answers and not difference(value, answers[i]) for i, value in enumerate(expected))


def difference(expected, given):
    """Say how an answer differs from what is right, without saying what is right; "" if it does not.

    Examples
    --------
    >>> difference(np.arange(6).reshape(2, 3), np.array([[0, 1, 2], [3, 4, 6]]))
    '1 of 6 values is wrong, in the first axis at 1'
    >>> difference(np.zeros((2, 3)), np.zeros((3, 2)))
    'the shape is (3, 2), and not the right one'
    """
    expected = np.asarray(expected)
    if given.shape != expected.shape:
        return f"the shape is {given.shape}, and not the right one"
    with np.errstate(all="ignore"):
        wrong = ~np.isclose(given.astype(np.float64), expected.astype(np.float64), rtol=1e-6, atol=1e-6)
    count = int(wrong.sum())
    if not count:
        return ""
    if expected.ndim == 0:
        return "the number is wrong"
    where = np.flatnonzero(wrong.reshape(len(wrong), -1).any(1))
    shown = ", ".join(map(str, where[:8])) + (", ..." if len(where) > 8 else "")
    place = f", {'' if wrong.ndim == 1 else 'in the first axis '}at {shown}" if len(where) < len(wrong) else ""
    return f"{count:,} of {wrong.size:,} values {'is' if count == 1 else 'are'} wrong{place}"


def shuffled(draw, tests):
    """Return the clips of all tests in one drawn order, and the function that puts their answers back.

    So the members of a twin set come apart, and nothing tells which belong together.
    """
    clips = np.concatenate([test.x.reshape(-1, *test.x.shape[2:]) for test in tests])
    order = draw.order("clips", len(clips))

    def back(answers):
        sorted_back = np.empty_like(answers)
        sorted_back[order] = answers
        parts = np.split(sorted_back, np.cumsum([test.y.size for test in tests])[:-1])
        return [part.reshape(*test.y.shape, *answers.shape[1:]) for part, test in zip(parts, tests, strict=True)]

    return clips[order], back


def classes(logits, labels):
    """Return a model's classes; where rounding may have decided between two, the right one if it is one of them.

    A mark must not depend on the machine that computes it. A model that decides hardly any clip is not meant.

    Parameters
    ----------
    logits : float array (k, n, classes)
    labels : int array (k, n)

    Returns
    -------
    int array (k, n)

    Examples
    --------
    >>> logits = np.full((1, 200, 2), [0.0, 1.0])
    >>> logits[0, 7] = [1 - 1e-6, 1]
    >>> int(classes(logits, np.zeros((1, 200), int)).argmin())
    7
    """
    answers = logits.argmax(-1)
    second, best = np.partition(logits, -2, axis=-1)[..., -2:].transpose(2, 0, 1)
    near = best - second < CLOSE
    if near.mean() > RARE:
        return answers
    of_the_right = np.take_along_axis(logits, labels[..., None], -1)[..., 0]
    return np.where(near & (best - of_the_right < CLOSE), labels, answers)


def mark_model(question, tests, answers):
    """Count the sets of which a model is right on every member.

    Parameters
    ----------
    question : Model
    tests : list of Trial
    answers : list of int arrays (k, n)
        A class for each clip.
    """
    checks, lines = [], []
    for test, given in zip(tests, answers, strict=True):
        right = float((given == test.y).all(0).mean())
        reached = min(1.0, max(0.0, (right - test.none) / (test.full - test.none)))
        checks.append((test.what, reached, test.share))
        lines.append(f"{test.what}: {right:.1%} (no points up to {test.none:.0%}, all from {test.full:.0%} on)")
    return Mark(round(question.points * share(checks), 2), lines, checks)
