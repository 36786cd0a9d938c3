"""What a case is: what is handed in, the fair mark for each question, and why it is fair."""

from collections.abc import Callable
from typing import NamedTuple

from handed_in import KEY

MARKER = "to the marker"  # a question in words: the answer reaches the person who marks it
BLANK = "blank"  # a question in words: nothing was written, and nothing reaches the marker

FUNCTIONS = {"to_batch": 10, "conv3d": 20, "output_shape": 10, "frames_seen": 10, "pool_clips": 10, "causal_conv": 15}
A1 = {**FUNCTIONS, "in_words": MARKER}
A2 = {"make_twins": 10, "count_sets": 10, "why_blind": MARKER, "see": 40, "why_seeing": MARKER}
A3 = {"cost": 25, "design": 50, "why_this": MARKER}


class Edition(NamedTuple):
    """One edition of an assignment: the copy that students get, its solution, and what was drawn."""

    student: dict
    solution: dict
    drawn: dict
    model: bytes = b""
    """The file that the solution saves once it is trained; for assignments without a model, nothing."""


class Case(NamedTuple):
    """What one honest student hands in, and what is fair.

    Parameters
    ----------
    name : str
    hand_in : function
        Takes an `Edition` and returns the files that the student hands in: bytes for each name. A name may have
        folders before it, as in a download of many submissions.
    marks : dict
        For each question: points; or (least, most), where two views are fair and every mark between them is accepted;
        or ``MARKER`` or ``BLANK``, for a question in words.
    reason : str
        One sentence.
    assignment : str
    key : bytes
        The secret of the edition.
    reaches : dict
        For a question in words: the passages that have to reach the marker, whichever question they are shown with.
        White space may differ.
    valid : bool
        Whether each notebook is one by the schema of its version. If not, notebook software opens it all the same.
    slow : bool
        Whether a limit of time has to end it, or it imports TensorFlow.
    """

    name: str
    hand_in: Callable[[Edition], dict[str, bytes]]
    marks: dict
    reason: str
    assignment: str = "A1"
    key: bytes = KEY
    reaches: dict = {}  # noqa: RUF012
    valid: bool = True
    slow: bool = False


CASES = []


def case(marks, reason, **others):
    """Make a case of the function below; it has the function's name."""

    def append(hand_in):
        CASES.append(Case(hand_in.__name__, hand_in, marks, reason, **others))
        return hand_in

    return append
