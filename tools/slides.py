"""Make slides of each lesson, one HTML file that needs nothing else: ``python -m tools.slides``, or ``... 02`` for one.

A slide is a section of the lesson. On it stands what comes before the first output; then one step after the other comes
the rest: first the answer, then what the lesson says of it. At the end stand the chapter's quiz and what to remember.
"""

import re
import sys
import time
from html import escape
from itertools import groupby
from pathlib import Path
from string import Template

import nbformat
from markdown_it import MarkdownIt
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

from seqlib import quizzes, show
from seqlib.checks import as_html
from tools import notebooks, setup_cell

ROOT = Path(__file__).resolve().parents[1]
TEMPLATE = Template(Path(__file__).with_suffix(".html").read_text("utf-8"))
CODE = HtmlFormatter(style="a11y-high-contrast-light", nobackground=True)
LEFT_OUT = re.compile(r"check_claims\(|\bglue\(")  # for the tests and the book, not for a class
REMEMBER = re.compile(r":class: remember\n(.*?):::", re.S)
OBJECTIVES = re.compile(r":class: objectives\n(.*?)\n\n", re.S)


def slides(notebook, chapter="", questions=()):
    """Return a lesson's slides as HTML.

    Parameters
    ----------
    notebook : nbformat.NotebookNode
        With its outputs.
    chapter : str
        The text of the chapter's page, for its objectives and what to remember; empty if it has none.
    questions : sequence of seqlib.quizzes.Question

    Returns
    -------
    str
    """
    sections = [section(cells) for cells in split(notebook.cells)]
    found = OBJECTIVES.search(chapter)
    if found:
        sections.insert(1, heading("What you will be able to do") + markdown(found[1]))
    sections += [question_slide(number, question) for number, question in enumerate(questions, 1)]
    found = REMEMBER.search(chapter)
    if found:
        sections.append(heading("What to remember") + markdown(found[1]))
    title = re.match(r"# (.*)", notebook.cells[0].source)[1]
    return TEMPLATE.substitute(
        title=escape(title),
        accent=show.FAMILIES["conv3d"].colour,
        code_style=CODE.get_style_defs("pre"),
        slides="\n".join(f"<section>\n{content}\n</section>" for content in sections),
    )


def split(cells):
    """Split a notebook's cells where a heading begins; without setup cell, links and what is for the tests alone."""
    kept = []
    for cell in cells:
        if cell.cell_type == "code" and LEFT_OUT.search(cell.source):
            if kept and kept[-1].cell_type == "markdown":
                kept.pop()  # its introduction
        elif not {"setup", setup_cell.LINKS_TAG} & set(cell.metadata.get("tags", [])):
            kept.append(cell)
    number = 0
    groups = {}
    for cell in kept:
        number += cell.cell_type == "markdown" and cell.source.startswith("#")
        groups.setdefault(number, []).append(cell)
    return list(groups.values())


def section(cells):
    """Set one section: its beginning up to the first output, and then step after step."""
    blocks = [block for cell in cells for block in parts(cell)]
    steps = [list(group) for _, group in groupby(blocks, key=lambda block: block[0])]
    began, html = False, []
    for step in steps:
        began = began or step[0][0]
        content = "\n".join(block for _, block in step)
        html.append(f'<div class="step">{content}</div>' if began else content)
    return "\n".join(html)


def parts(cell):
    """Yield what is on the slide of a cell, each as (whether it is an output, HTML)."""
    if cell.cell_type == "markdown":
        yield False, markdown(cell.source)
        return
    if "hide-input" not in cell.metadata.get("tags", []):
        yield False, highlight(cell.source, PythonLexer(), CODE)
    outputs = "".join(map(output_html, filter(shown, cell.outputs)))
    if outputs:
        yield True, f'<div class="output">{outputs}</div>'


def shown(output):
    """Tell whether an output is for readers: glued numbers are not."""
    return not any(kind.startswith("application/papermill") for kind in output.get("data", {}))


def output_html(output):
    """Return one stored output as HTML."""
    data = output.get("data", {})
    if "image/png" in data:
        picture = output.metadata["image/png"]
        size = f' width="{picture["width"]}"' if "width" in picture else ""
        return f'<img alt="{escape(picture["alt"])}"{size} src="data:image/png;base64,{data["image/png"].strip()}">'
    return data.get("text/html") or f"<pre>{escape(output.get('text') or data.get('text/plain', ''))}</pre>"


def markdown(text):
    """Turn a text cell into HTML; links into the course lose their target, which is not here."""
    html = MarkdownIt().enable("table").render(text)
    return re.sub(r'<a href="(?!https?:)[^"]*">(.*?)</a>', r"\1", html)


def heading(text):
    """Return a slide's heading."""
    return f"<h2>{text}</h2>\n"


def question_slide(number, question):
    """Set a question of the quiz: the options, and as a step why each is right or wrong."""
    options = "".join(
        f'<li>{as_html(option.say)}<div class="step"><strong>{"Right." if option.right else "Not so."}</strong> '
        f"{as_html(option.why)}</div></li>"
        for option in question.options
    )
    return f'{heading(f"Question {number}")}<p>{as_html(question.ask)}</p><ol class="options">{options}</ol>'


def main(arguments, source=ROOT, target=ROOT / "_build" / "slides"):
    """Write the slides of the lessons whose names begin with one of ``arguments``; return their paths."""
    began = time.perf_counter()
    lessons = [
        path
        for path in sorted((source / "notebooks").glob("[0-9]*.ipynb"))
        if path.name.startswith(tuple(arguments) or ("",))
    ]
    if not lessons:
        raise SystemExit(f"NB must begin the name of a lesson, not {arguments}")
    target.mkdir(parents=True, exist_ok=True)
    written = []
    for lesson in lessons:
        page = source / "book" / f"{lesson.stem}.md"
        chapter = page.read_text("utf-8") if page.exists() else ""
        questions = quizzes.quiz(int(notebooks.number(lesson))) if "```{quiz}" in chapter else ()
        written.append(target / f"{notebooks.number(lesson)}.html")
        written[-1].write_text(slides(nbformat.read(lesson, as_version=4), chapter, questions), "utf-8")
        print(f"{written[-1].relative_to(target.parents[1])}: {lesson.stem}, {written[-1].stat().st_size:,} bytes")
    print(f"{len(written)} files, {time.perf_counter() - began:.0f} s")
    return written


if __name__ == "__main__":
    main(sys.argv[1:])
