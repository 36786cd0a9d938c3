"""How an exercise is checked: on random inputs, with a hint for each typical mistake."""

from __future__ import annotations

import copy
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from html import escape
from numbers import Real
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "KINDS",
    "NOTHING_SO_FAR",
    "SEEDS",
    "Exercise",
    "Verdict",
    "as_html",
    "called",
    "changed",
    "differs",
    "function",
    "is_number",
    "same",
    "told",
    "truths",
    "value",
    "verdict",
]

SEEDS = range(3)  # of the random inputs; what is right on one may be luck
NOTHING_SO_FAR = "nothing is there so far: write it in place of the dots and check again"


@dataclass(frozen=True)
class Verdict:
    """What `seqlib.check` returns; true if the answer is right.

    Attributes
    ----------
    number : str
        The exercise's number.
    hint : str
        What is not right yet; empty if all is.
    """

    number: str
    hint: str = ""

    @property
    def right(self) -> bool:
        """Whether the answer is right."""
        return not self.hint

    def __bool__(self) -> bool:
        return self.right

    def __repr__(self) -> str:
        return f"{self._head()} {self.hint}".rstrip()

    def _repr_html_(self):
        return f"<p><strong>{self._head()}</strong> {as_html(self.hint)}</p>"

    def _head(self):
        return f"{self.number}: {'right' if self.right else 'not yet'}."


def as_html(marked: str) -> str:
    """Turn a text with `code` and *emphasis* into HTML; str.

    Examples
    --------
    >>> as_html("is `x < 1` *always* true?")
    'is <code>x &lt; 1</code> <em>always</em> true?'
    """
    html = escape(marked)
    html = re.sub(r"`([^`]+)`", r"<code>\1</code>", html)
    return re.sub(r"(?<![\w*])\*([^*<>]+)\*(?![\w*])", r"<em>\1</em>", html)


class Exercise(NamedTuple):
    """What is to be given, and who judges it.

    Attributes
    ----------
    kind : str
        A key of `KINDS`.
    form : str
        How the answer is called or written, such as ``fold(x)``; for the error message.
    judge : callable
        (answer, random generator) -> a hint, or None if the answer is right.
    """

    kind: str
    form: str
    judge: Callable[[Any, np.random.Generator], str | None]


def _is_model(value):
    return hasattr(value, "layers") and hasattr(value, "count_params") and not isinstance(value, type)


def is_number(value: Any) -> bool:
    """Tell whether a value is a finite number; True, False and text are none.

    Examples
    --------
    >>> [is_number(value) for value in (7, 0.5, np.int64(3), True, float("nan"), "7")]
    [True, True, True, False, False, False]
    """
    real = isinstance(value, Real) and not isinstance(value, (bool, np.bool_))
    return real and bool(-math.inf < value < math.inf)


def _unfinished(answer):
    """Tell whether an answer is, or holds, dots or None."""
    parts = answer.values() if isinstance(answer, dict) else answer
    inside = isinstance(answer, (list, tuple, set, dict)) and any(_unfinished(part) for part in parts)
    return answer is None or answer is ... or inside


KINDS: dict[str, Callable[[Any], bool]] = {
    "a function": lambda value: callable(value) and not _is_model(value) and not isinstance(value, type),
    "a number": lambda value: isinstance(value, Real) and not isinstance(value, (bool, np.bool_)),
    "a list": lambda value: isinstance(value, (list, tuple)),
    "a dict": lambda value: isinstance(value, dict),
    "a model": _is_model,
}


def verdict(number: str, exercise: Exercise, answer: Any) -> Verdict:
    """Judge an answer, on several random inputs; a `Verdict`.

    Raises
    ------
    TypeError
        If ``answer`` is of another kind than the exercise asks for.
    """
    if _unfinished(answer):
        return Verdict(number, _sentence(NOTHING_SO_FAR))
    if not KINDS[exercise.kind](answer):
        given = type(answer).__name__
        raise TypeError(f"answer must be {exercise.kind}, {exercise.form}, in exercise {number}, not {given}")
    if exercise.kind == "a number" and not is_number(answer):
        return Verdict(number, _sentence("it should be a finite number"))
    for seed in SEEDS:
        hint = exercise.judge(answer, np.random.default_rng(seed))
        if hint:
            return Verdict(number, _sentence(hint))
    return Verdict(number)


def _sentence(hint):
    hint = " ".join(hint.split())
    return hint[:1].upper() + hint[1:] + "." * (hint[-1] not in ".?!")


def function(
    form: str,
    inputs: Callable[[np.random.Generator], tuple[Any, ...]],
    right: Callable[..., Any],
    *mistakes: tuple[Callable[..., Any], str],
) -> Exercise:
    """Make an exercise out of a right function and typical wrong ones.

    Parameters
    ----------
    form : str
        How it is called, such as ``fold(x)``.
    inputs : callable
        Random generator -> tuple of arguments.
    right : callable
        Arguments -> what is asked for.
    *mistakes : (callable, str)
        A wrong function, and the hint for whoever has written it.

    Returns
    -------
    Exercise

    Examples
    --------
    >>> double = function(
    ...     "double(x)",
    ...     lambda random: (random.integers(1, 9, 4),),
    ...     lambda x: 2 * x,
    ...     (lambda x: x**2, "that is the square"),
    ... )
    >>> verdict("0.1", double, lambda x: x * x)
    0.1: not yet. That is the square.
    >>> verdict("0.1", double, lambda x: x[:3] * 2)
    0.1: not yet. Its shape is (3,) and should be (4,), where x has the shape (4,).
    >>> verdict("0.1", double, lambda x: x + x)
    0.1: right.
    """

    def judge(answer, random):
        arguments = inputs(random)
        wanted = right(*copy.deepcopy(arguments))
        given = copy.deepcopy(arguments)
        got, hint = called(answer, *given)
        if hint:
            return hint
        if same(got, wanted):
            return changed(given, arguments, form)
        for wrong, hint in mistakes:
            if same(got, wrong(*copy.deepcopy(arguments))):
                return hint
        return differs(got, wanted, told(form, arguments))

    return Exercise("a function", form, judge)


def called(answer: Callable[..., Any], *arguments: Any) -> tuple[NDArray[Any], None] | tuple[None, str]:
    """Call a learner's function; (what it returns, None), or (None, a hint) if it returns nothing or fails."""
    try:
        got = answer(*arguments)
    except Exception as error:
        return None, f"it raises {type(error).__name__}: {error}"
    if _unfinished(got):
        return None, NOTHING_SO_FAR
    try:
        array = np.asarray(got)
    except Exception:
        return None, f"it should return one array or number, not {type(got).__name__} of parts with different shapes"
    if array.dtype.kind not in "biuf":
        what = "text" if array.dtype.kind in "SU" else f"{type(got).__name__} of {array.dtype}"
        return None, f"it should return numbers or truth values, not {what}"
    return array, None


def told(form: str, arguments: tuple[Any, ...]) -> str:
    """Say what a function was called with: the shapes of its arrays, the values of the rest."""
    names = form[form.index("(") + 1 : -1].split(", ")
    parts = (
        f"{name} has the shape {value.shape}" if isinstance(value, np.ndarray) and value.ndim else f"{name} is {value}"
        for name, value in zip(names, arguments, strict=False)
    )
    return "where " + ", ".join(parts)


def same(got: Any, wanted: Any) -> bool:
    """Tell whether two arrays are equal but for rounding: shapes, truth values as such, numbers; bool."""
    got, wanted = np.asarray(got), np.asarray(wanted)
    if got.shape != wanted.shape or (got.dtype == bool) != (wanted.dtype == bool):
        return False
    if got.dtype.kind not in "biuf":
        return bool((got == wanted).all())
    return bool(np.allclose(got.astype(float), wanted.astype(float), rtol=1e-4, atol=1e-4))


def differs(got: NDArray[Any], wanted: Any, where: str) -> str:
    """Say in what an array is not as wanted: in shape, in type, or in which places."""
    wanted = np.asarray(wanted)
    if got.shape != wanted.shape:
        shape = f"its shape is {got.shape} and should be {wanted.shape}, {where}"
        if sorted(got.shape) == sorted(wanted.shape):
            return f"{shape}: the axes stand in another order"
        return shape
    if (got.dtype == bool) != (wanted.dtype == bool):
        return f"it should hold {wanted.dtype} and holds {got.dtype}"
    if got.dtype.kind == "f" and not np.isfinite(got).all():
        return "it holds numbers that are not finite: something was divided by zero"
    wrong = got != wanted if got.dtype.kind not in "iuf" else ~np.isclose(got.astype(float), wanted, 1e-4, 1e-4)
    if not wanted.ndim:
        return f"it is {_number(got)} and should be {_number(wanted)}, {where}"
    for axis in range(wanted.ndim):
        places = np.unique(np.nonzero(wrong)[axis])
        if len(places) == 1 and wanted.shape[axis] > 2:
            return f"all is right but at index {places[0]} of axis {axis}: look at the edge"
    place = tuple(int(i) for i in np.argwhere(wrong)[0])
    share = f"{int(wrong.sum())} of {wrong.size} numbers differ, the first at index {place}"
    return f"its shape is right, but {share}: it is {_number(got[place])} and should be {_number(wanted[place])}"


def _number(value):
    value = np.asarray(value).item()
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def changed(given: tuple[Any, ...], arguments: tuple[Any, ...], form: str) -> str | None:
    """Say so if a function has changed an array that it was given; None if not."""
    for name, now, before in zip(form[form.index("(") + 1 : -1].split(", "), given, arguments, strict=False):
        if isinstance(before, np.ndarray) and not np.array_equal(now, before):
            return f"the result is right, but {name} itself has changed, and whoever uses it next is in for a surprise"
    return None


def value(form: str, right: float, *mistakes: tuple[float, str]) -> Exercise:
    """Make an exercise out of a right number and typical wrong ones.

    Parameters
    ----------
    form : str
        What the number is.
    right : float
    *mistakes : (float, str)
        A wrong number, and the hint for whoever has found it.

    Returns
    -------
    Exercise

    Examples
    --------
    >>> verdict("0.2", value("the number of frames", 16, (15, "count from 0 to 15")), 17)
    0.2: not yet. It is fewer.
    """

    def judge(answer, random):
        for wrong, hint in mistakes:
            if answer == wrong:
                return hint
        return None if answer == right else "it is more" if answer < right else "it is fewer"

    return Exercise("a number", form, judge)


def truths(wanted: Mapping[str, tuple[bool, str]]) -> Exercise:
    """Make an exercise out of statements that are to be called true or false.

    Parameters
    ----------
    wanted : dict of str to (bool, str)
        Of each statement, whether it is true, and the hint for whoever has said the opposite.

    Returns
    -------
    Exercise

    Examples
    --------
    >>> sky = truths({"blue": (True, "look up"), "green": (False, "that is the lawn")})
    >>> sky.form
    '{"blue": ..., "green": ...}'
    >>> verdict("0.3", sky, {"blue": True, "green": True})
    0.3: not yet. That is the lawn.
    >>> verdict("0.3", sky, {"blue": "yes", "green": False})
    0.3: not yet. Blue: it should be True or False, not 'yes'.
    """

    def judge(answer, random):
        if set(answer) != set(wanted):
            return f"it takes one truth value for each of {', '.join(wanted)}"
        for name, (right, hint) in wanted.items():
            if not isinstance(answer[name], (bool, np.bool_)):
                return f"{name}: it should be True or False, not {answer[name]!r}"
            if answer[name] != right:
                return hint
        return None

    form = ", ".join(f'"{name}": ...' for name in wanted)
    return Exercise("a dict", f"{{{form}}}", judge)
