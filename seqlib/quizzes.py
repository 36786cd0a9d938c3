"""The chapters' quizzes, for the book's pages and for notebooks. The questions stand in quizzes.toml."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import NamedTuple

from . import arguments
from .checks import as_html

__all__ = ["PATH", "Option", "Question", "Quiz", "quiz"]

PATH = Path(__file__).with_suffix(".toml")


class Option(NamedTuple):
    """One answer to a question: what it says, why it is right or wrong, and which of the two."""

    say: str
    why: str
    right: bool = False


class Question(NamedTuple):
    """A question of a quiz; ``again`` is the earlier chapter that it comes back to, or None."""

    ask: str
    options: tuple[Option, ...]
    again: int | None = None


class Quiz(tuple[Question, ...]):
    """A tuple of `Question`, which shows itself; each option unfolds to say whether it is right, and why."""

    def __repr__(self) -> str:
        return "\n\n".join(
            f"{number}. {question.ask}" + "".join(f"\n   - {option.say}" for option in question.options)
            for number, question in enumerate(self, 1)
        )

    def _repr_html_(self):
        """Show it without a script: on a page or in a notebook, by keyboard, to a screen reader."""
        return f'<ol class="quiz">{"".join(map(_question, self))}</ol>'


def quiz(chapter: int) -> Quiz:
    """Return a chapter's quiz; in a notebook it shows itself.

    Parameters
    ----------
    chapter : int
        The chapter's number.

    Returns
    -------
    Quiz

    Raises
    ------
    TypeError, ValueError
        If ``chapter`` is not an integer, or there is no quiz of this chapter.

    Examples
    --------
    >>> questions = quiz(1)
    >>> len(questions) >= 6, [option.say for option in questions[0].options if option.right]
    (True, ['Frame 3 of every clip, (8, 32, 32, 1).'])
    """
    known = tomllib.loads(PATH.read_text("utf-8"))
    chapter = arguments.integer("chapter", chapter, 1)
    if str(chapter) not in known:
        raise ValueError(f"chapter must be one of {', '.join(known)}, not {chapter}")
    return Quiz(
        Question(entry["ask"], tuple(Option(**option) for option in entry["options"]), entry.get("again"))
        for entry in known[str(chapter)]
    )


def _question(question):
    again = f' <em class="quiz-again">(chapter {question.again} once more)</em>' if question.again else ""
    options = "".join(
        f"<details><summary>{as_html(option.say)}</summary><p>{_told(option)}</p></details>"
        for option in question.options
    )
    return f"<li><p>{as_html(question.ask)}{again}</p>{options}</li>"


def _told(option):
    mark, word = ("right", "Right.") if option.right else ("wrong", "Not so.")
    return f'<strong class="quiz-{mark}">{word}</strong> {as_html(option.why)}'
