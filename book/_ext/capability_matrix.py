"""The directive ``matrix``: the matrix that a lesson drew, as a table that fits a phone and follows light and dark.

Its numbers come from the alternative text that the lesson stored with its picture.
"""

import re
from html import escape

from docutils import nodes
from docutils.parsers.rst import directives
from lessons import Picture

from seqlib import TASKS

STEPS = (0.1, 0.4, 0.65, 0.9)  # of the way from chance to 100%: where one colour ends and the next begins
CELL = re.compile(r"(?:^|, )(.+?) (\d+)%(?: \((?:blind, at most (\d+)%|([^)]*))\))?(?=, |$)")


def cells(alt):
    """Read the alternative text of `seqlib.show.matrix`.

    Parameters
    ----------
    alt : str
        As in "Accuracy by family and task. max pooling: shape 100%, order 50% (blind, at most 50%).".

    Returns
    -------
    dict of str to dict of str to tuple
        By family, by task: the accuracy and the ceiling in percent, "" if there is none, and how training runs ended.
    """
    _, _, families = alt.removesuffix(".").partition(". ")
    found = {}
    for family in families.split("; "):
        name, _, accuracies = family.partition(": ")
        found[name] = {task: rest for task, *rest in CELL.findall(accuracies)}
    return found


def written_cell(task, accuracy, ceiling, outcomes):
    """Write one cell; str, HTML. What its colour and its frame say is there in words, too."""
    chance = TASKS[task.partition(",")[0]].chance
    gained = (int(accuracy) / 100 - chance) / (1 - chance)
    classes = f"level-{sum(gained >= step for step in STEPS)}{' ceiling' * bool(ceiling)}"
    words = f"at most {ceiling}% is possible" if ceiling else outcomes
    hidden = f'<span class="visually-hidden">%{", " * bool(words)}{escape(words)}</span>'
    return f'<td><span class="{classes}">{accuracy}{hidden}</span></td>'


def table(found):
    """Write the matrix; str, HTML."""
    tasks = list(next(iter(found.values())))
    heads = (f'<th scope="col"><span>{escape(task).replace(", ", ",<br>", 1)}</span></th>' for task in tasks)
    rows = (
        f'<tr><th scope="row">{escape(family)}</th>'
        f"{''.join(written_cell(task, *row[task]) if task in row else '<td></td>' for task in tasks)}</tr>\n"
        for family, row in found.items()
    )
    caption = '<caption class="visually-hidden">Accuracy in percent, by family and task</caption>'
    head = f"<thead><tr><td></td>{''.join(heads)}</tr></thead>"
    return f'<table class="matrix">{caption}{head}<tbody>\n{"".join(rows)}</tbody></table>\n'


class Matrix(Picture):
    """Show the matrix of a cell, ``notebook::id``; the body is the caption.

    With ``:picture:`` wide screens get the lesson's picture, which also holds the range over the seeds. Without it the
    figure has no number.
    """

    option_spec = Picture.option_spec | {"picture": directives.flag}

    def run(self):
        """Return the figure."""
        (figure,) = super().run()
        picture = figure.pop(0)
        figure["classes"] = ["matrix"]
        if "picture" in self.options:
            figure["classes"] += ["from-lesson", "with-picture"]
            figure.insert(0, picture)
        elif self.content:
            caption = figure.pop()
            figure += nodes.legend("", nodes.paragraph("", "", *caption.children))
        figure.insert(0, nodes.raw("", table(cells(picture["alt"])), format="html"))
        return [figure]


def setup(app):
    """Register with Sphinx."""
    app.add_directive("matrix", Matrix)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
