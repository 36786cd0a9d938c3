"""``oral.html``: for a drawn sample of students, questions about their own submissions, five minutes for each."""

import ast
from html import escape

from . import pages
from .questions import Written

EACH = 2  # questions with code that a student is asked about, beside one in words
ANY_LINE = (
    "What does line {line} do? Say the shape of each array in it for the example below the function in the notebook.",
    "Leave line {line} out. What comes out then, and for which inputs would nobody notice?",
    "Write line {line} in another way that gives the same result.",
)


def sample(draw, graded, size):
    """Draw students who handed in code or words; who is drawn depends on the secret and on nobody else's submission."""
    there = [pair for pair in graded if pair[1].get("code") or any(pair[1]["written"].values())]
    drawn = sorted(there, key=lambda pair: draw.digest(f"oral {pair[0].system} {pair[0].id}"))[:size]
    return sorted(drawn, key=lambda pair: pair[0].student.casefold())


def page(assignment, graded, size):
    """Return the page; ``size`` is how many students are drawn."""
    parts = [f"<p>{len(graded)} handed in. Only the secret decides who is drawn.</p>"]
    for submission, result in sample(assignment.draw, graded, size):
        draw = assignment.draw.under("oral", submission.system, submission.id)
        parts.append(f"<h2>{escape(submission.student)}</h2>")
        for question in _asked(draw, assignment, result):
            parts.append(f"<h3>{escape(question.name)}</h3>")
            if isinstance(question, Written):
                parts.append(f"<blockquote>{escape(result['written'][question.name])}</blockquote>")
                parts.append(pages.items(question.oral))
            else:
                code = result["code"][question.name]
                line = draw.choice(f"line {question.name}", worth_asking(code))
                any_line = draw.choice(f"about {question.name}", ANY_LINE).format(line=line)
                own = [draw.choice(f"own {question.name}", question.oral)] if question.oral else []
                numbered = (f"{number:3}  {text}" for number, text in enumerate(code.splitlines(), 1))
                parts += ["<pre>" + escape("\n".join(numbered)) + "</pre>", pages.items([any_line, *own])]
    return pages.page(f"{assignment.name}: five minutes with each", *parts)


def _asked(draw, assignment, result):
    """Draw the questions that a student is asked about: some with code, and one in words, of those they answered."""
    order = [assignment.questions[i] for i in draw.order("questions", len(assignment.questions))]
    coded = [question for question in order if result["code"].get(question.name, "").strip()][:EACH]
    words = [question for question in order if result["written"].get(question.name)][:1]
    return [*coded, *words]


def worth_asking(code):
    r"""Return the numbers of the lines that do something; of code that is no Python, of all lines that are not empty.

    Examples
    --------
    >>> worth_asking('def f(x):\n    "Say."\n    y = x\n\n    return y'), worth_asking("def f(:\n\n1")
    ([3, 5], [1, 3])
    """
    doing = (ast.Assign, ast.AugAssign, ast.AnnAssign, ast.Return, ast.For, ast.If, ast.While, ast.With)
    try:
        found = {node.lineno for node in ast.walk(ast.parse(code)) if isinstance(node, doing)}
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        found = ()
    return sorted(found) or [number for number, line in enumerate(code.splitlines(), 1) if line.strip()]
