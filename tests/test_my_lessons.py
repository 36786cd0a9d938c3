"""A learner's copy of a lesson: no plumbing, no answers before a cell is run, links that open, and it still runs."""

import ast
import builtins
import re
from itertools import pairwise

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from tools import my_lessons, notebooks, plumbing, setup_cell

NOTEBOOKS = sorted((notebooks.ROOT / "notebooks").glob("*.ipynb"))
LESSONS = [path for path in NOTEBOOKS if path.name[0].isdigit()]
each_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def read(path):
    return nbformat.read(path, as_version=4)


def code_of(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


@each_notebook
def test_what_is_plumbing_is_marked_as_the_tool_marks_it(path):
    stored, marked = read(path), read(path)
    plumbing.mark(marked)
    assert marked == stored


@each_notebook
def test_hidden_code_is_folded_in_the_book_in_jupyter_and_on_colab(path):
    for cell in code_of(read(path)):
        if plumbing.is_plumbing(cell) or plumbing.FOLDED in cell.metadata.get("tags", []):
            assert plumbing.FOLDED in cell.metadata.tags
            assert cell.metadata.jupyter == {"source_hidden": True}
            assert cell.metadata.cellView == "form"


@each_notebook
def test_setup_claims_glue_and_hidden_plots_are_plumbing(path):
    for cell in code_of(read(path)):
        tags = cell.metadata.get("tags", [])
        if "setup" in tags or re.search(r"check_claims\(|\bglue\(", cell.source):
            assert plumbing.is_plumbing(cell)
        if plumbing.FOLDED in tags and re.search(r"show\.picture\(", cell.source):
            assert plumbing.is_plumbing(cell), "a hidden plot defines what later cells use: define that elsewhere"


@each_notebook
def test_a_copy_has_neither_plumbing_nor_outputs(path):
    stored, copy = read(path), my_lessons.copy_of(read(path))
    nbformat.validate(copy)
    kept = [cell.source for cell in code_of(stored) if not plumbing.is_plumbing(cell)]
    assert [cell.source for cell in code_of(copy)] == kept
    for cell in code_of(copy):
        assert cell.outputs == [] and cell.execution_count is None and "mystnb" not in cell.metadata
    assert not any(cell.source.startswith("## Checked claims") for cell in copy.cells)


@each_notebook
def test_a_copy_has_every_picture_whose_code_it_leaves_out(path):
    hidden = [cell.id for cell in code_of(read(path)) if plumbing.is_plumbing(cell) and "mystnb" in cell.metadata]
    attached = [name for cell in my_lessons.copy_of(read(path)).cells for name in cell.get("attachments", {})]
    assert attached == [f"{name}.png" for name in hidden]


@each_notebook
def test_no_cell_of_a_copy_uses_a_name_that_the_copy_does_not_define(path):
    """And each name that it uses was last bound, in the lesson itself, by a cell that the copy has."""
    bound = dict.fromkeys(dir(builtins), "builtin")
    for cell in code_of(read(path)):
        uses, binds = plumbing.names(cell.source)
        if not plumbing.is_plumbing(cell):
            assert [(name, bound.get(name)) for name in uses if bound.get(name, "plumbing") == "plumbing"] == []
        bound |= dict.fromkeys(binds, "plumbing" if plumbing.is_plumbing(cell) else "lesson")


@pytest.mark.slow
def test_a_copy_runs_from_its_first_cell_to_its_last(tmp_path):
    copy = my_lessons.copy_of(read(LESSONS[1]))
    notebooks.run(copy, tmp_path)
    assert not any(output.output_type == "error" for cell in code_of(copy) for output in cell.outputs)


@each_notebook
def test_what_stands_below_a_cell_and_says_what_it_shows_is_folded(path):
    cells = my_lessons.copy_of(read(path)).cells
    for above, cell in pairwise(cells):
        if above.cell_type == "code" and cell.cell_type == "markdown" and "Go on with" not in cell.source:
            assert cell.source.startswith(("#", "<details>"))


def picture(alt):
    return new_output("display_data", data={"image/png": "iVBORw0KGgo="}, metadata={"image/png": {"alt": alt}})


def test_a_picture_joins_the_text_that_it_stands_with():
    cells = [
        new_markdown_cell("# Title"),
        new_code_cell("x = 1"),
        new_markdown_cell("It is one."),
        new_code_cell("plot(x)", id="plot", outputs=[picture('a "dot"')], metadata={"tags": ["hide-input"]}),
        new_markdown_cell("A dot."),
        new_markdown_cell("Guess again."),
        new_code_cell("x"),
        new_code_cell("show.glue(x=x)"),
    ]
    notebook = new_notebook(cells=cells)
    plumbing.mark(notebook)
    title, code, fold, question, last = my_lessons.copy_of(notebook).cells
    assert (title.source, code.source, question.source, last.source) == ("# Title", "x = 1", "Guess again.", "x")
    assert re.fullmatch(
        r"<details>\n<summary>.*</summary>\n\nIt is one\.\n\n"
        r'<img src="attachment:plot\.png" alt="a &quot;dot&quot;">\n\nA dot\.\n\n</details>',
        fold.source,
    )
    assert list(fold.attachments) == ["plot.png"]


def test_a_hidden_cell_stays_if_a_later_one_needs_it():
    hidden = {"tags": ["hide-input"]}
    notebook = new_notebook(cells=[new_code_cell("x = 1", metadata=dict(hidden)), new_code_cell("x + 1")])
    plumbing.mark(notebook)
    assert not plumbing.is_plumbing(notebook.cells[0])
    notebook.cells[1].source = "x = 2\nx + 1"
    plumbing.mark(notebook)
    assert plumbing.is_plumbing(notebook.cells[0])


@pytest.mark.parametrize(
    ("source", "uses", "binds"),
    [
        ("y = x", "x", "y"),
        ("x = x + 1", "x", "x"),
        ("x += 1", "x", "x"),
        ("x[0] = 1", "x", ""),
        ("for a in b:\n    c = a\nd = c", "b", "a c d"),
        ("with f() as g:\n    h(g)", "f h", "g"),
        ("def f(a):\n    return a + g(k)\ndef g(a):\n    return a", "k", "f g"),
        ("y = [a * z for a in x if a in z]", "x z", "y"),
        ("x = [x[i] for i in (0, 1)]", "x", "x"),
        ("import numpy as np\nfrom seqlib import show\nnp.ones(show)", "", "np show"),
        ("if a:\n    b = 1\nelse:\n    b = c", "a c", "b"),
        ("print(len(x))", "x", ""),
    ],
)
def test_names_that_code_uses_and_binds(source, uses, binds):
    assert plumbing.names(source) == (set(uses.split()), set(binds.split()))


@each_notebook
def test_lessons_use_public_names_only(path):
    for cell in code_of(read(path)):
        if "setup" in cell.metadata.get("tags", []):
            continue
        for node in ast.walk(ast.parse(cell.source)):
            names = [getattr(node, "attr", None), getattr(node, "id", None), getattr(node, "arg", None)]
            if isinstance(node, ast.ImportFrom):
                names += [*node.module.split("."), *(alias.name for alias in node.names)]
            private = [name for name in filter(None, names) if re.match(r"_(?!_)\w|__\w+(?<!__)$", name)]
            assert private == [], cell.id


LINK = re.compile(r"\]\(((?!https?:)[^)\s]+)\)")


@pytest.mark.parametrize("path", LESSONS[1:], ids=lambda path: path.stem)
def test_a_lesson_links_its_chapter_the_exercises_and_the_quiz(path):
    (chapter,) = (notebooks.ROOT / "book").glob(f"{path.name[:2]}_*.md")
    assert {"## Quiz", "## Exercises"} <= set(chapter.read_text("utf-8").splitlines())
    links = LINK.findall(read(path).cells[-1].source)
    assert links == [f"../book/{chapter.name}{part}" for part in ("#quiz", "#exercises", "")]


@each_notebook
def test_the_links_of_a_copy_lead_to_pages_that_there_are(path):
    stored = [link for cell in my_lessons.copy_of(read(path)).cells for link in LINK.findall(cell.source)]
    for link in stored:
        if not link.startswith("attachment:"):
            assert (path.parent / link.partition("#")[0]).is_file(), link
    in_lab = [
        link for cell in my_lessons.copy_of(read(path), "/at/{}.html").cells for link in LINK.findall(cell.source)
    ]
    assert in_lab == [re.sub(r"^\.\./book/(\w+)\.md", r"/at/\1.html", link) for link in stored]


def test_the_links_of_a_lesson_are_written_once():
    notebook = new_notebook(cells=[new_markdown_cell("# Title")])
    for _ in range(2):
        setup_cell.write_links(notebook, "notebooks/02_x.ipynb")
        assert len(notebook.cells) == 2
    setup_cell.write_links(notebook, "notebooks/puzzles.ipynb")
    assert [cell.source for cell in notebook.cells] == ["# Title"]
