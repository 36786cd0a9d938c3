"""The directive ``quiz``: a chapter's questions, as `seqlib.quiz` shows them; on paper with a key at the end."""

import re
from string import ascii_lowercase

from docutils import nodes
from docutils.utils.smartquotes import educate_tokens
from sphinx.util.docutils import SphinxDirective

from seqlib import quizzes
from seqlib.checks import as_html


class Quiz(SphinxDirective):
    """``{quiz} 3`` shows the quiz of chapter 3."""

    required_arguments = 1

    def run(self):
        """Return the questions, and the key that only print shows."""
        try:
            questions = quizzes.quiz(int(self.arguments[0]))
        except ValueError as error:
            raise self.error(str(error)) from error
        self.env.note_dependency(str(quizzes.PATH))
        self.env.note_dependency(quizzes.__file__)
        return [nodes.raw("", curly(questions._repr_html_() + key(questions)), format="html")]


def curly(html):
    """Set quotes and apostrophes as in the rest of the book, but not within code; str, HTML."""
    parts = re.split(r"(<code.*?</code>|<[^>]*>)", html.replace("&quot;", '"').replace("&#x27;", "'"))
    return "".join(educate_tokens([("tag" if k % 2 else "plain", part) for k, part in enumerate(parts)], attr="q"))


def key(questions):
    """Say of each option, by its letter, why it is right or wrong: for paper, where nothing unfolds; str, HTML."""
    entries = []
    for question in questions:
        reasons = (
            f"<strong>{letter} is right.</strong> {as_html(option.why)}"
            if option.right
            else f"{letter}: {as_html(option.why)}"
            for letter, option in zip(ascii_lowercase, question.options, strict=False)
        )
        entries.append(f"<li>{' '.join(reasons)}</li>")
    return f'<div class="quiz-key"><p>Key to the questions</p><ol>{"".join(entries)}</ol></div>'


def setup(app):
    """Register with Sphinx."""
    app.add_directive("quiz", Quiz)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
