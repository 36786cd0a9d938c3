"""Notebooks as text: the cells, their outputs in short, and a real `git diff`."""

import json
import re
import subprocess

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from seqlib import show
from tools import notebook_text
from tools.notebooks import ROOT

GUIDE = (ROOT / "contributing" / "notebooks.md").read_text("utf-8")


def shown(data, **metadata):
    return new_output("display_data", data=data, metadata=metadata)


@pytest.mark.parametrize(
    ("output", "text"),
    [
        (new_output("stream", name="stderr", text="careful\n\n"), "stderr\ncareful"),
        (new_output("error", ename="KeyError", evalue="'x'"), "error\nKeyError: 'x'"),
        (shown({"text/plain": "7", "text/html": "<b>7</b>"}), "text\n7"),
        (shown({"text/html": "<table>\n <tr><td>a</td><td>b</td></tr></table>"}), "HTML\na b"),
        (shown({"text/plain": "<Image>", "image/png": "iVB"}, **{"image/png": {"alt": "a dot"}}), "picture\na dot"),
        (shown({"image/png": "iVBORw0KGgo="}), "picture\nwithout alternative text"),
        (shown({"application/javascript": "1"}), "application/javascript"),
        (new_output("stream", text="x\n" * 15), "stdout\n" + "x\n" * 10 + "... and 5 lines more"),
        (new_output("stream", text="x" * 500), "stdout\n" + "x" * 400 + " ..."),
    ],
)
def test_an_output_becomes_a_few_lines(output, text):
    assert notebook_text.output_text(output) == f"── output, {text}"


def test_glued_numbers_are_shown_with_their_names_below_what_readers_see(monkeypatch):
    records = []
    monkeypatch.setattr(show, "display", lambda data, metadata, raw: records.append(shown(data, **metadata)))
    show.glue(on_shape=0.25, seen=1 / 3, runs=91, kind="a disc")
    cell = new_code_cell("glue()", id="glue", outputs=[*records, new_output("stream", text="done")])
    text = notebook_text.notebook_text(new_notebook(cells=[cell]))
    assert text == (
        "── code glue\nglue()\n── output, stdout\ndone\n"
        "── glued\non_shape = 0.25\nseen = 0.333333\nruns = 91\nkind = 'a disc'"
    )


@pytest.mark.parametrize("path", sorted((ROOT / "notebooks").glob("*.ipynb")), ids=lambda path: path.stem)
def test_a_lesson_is_shown_whole_and_short(path):
    stored = path.read_text("utf-8")
    text = notebook_text.notebook_text(json.loads(stored))
    cells = json.loads(stored)["cells"]
    for cell in cells:
        assert f"── {cell['cell_type']} {cell['id']}" in text
        assert "".join(cell["source"]) in text
    assert "without alternative text" not in text
    assert "iVBOR" not in text
    outputs = re.sub(r"── glued\n(?:\S+ = .*\n?)+", "", text)  # of these a chapter needs as many as it quotes
    assert len(outputs) < sum(len("".join(cell["source"])) for cell in cells) + 13_000


def git(folder, *arguments):
    command = ["git", "-c", "user.name=a", "-c", "user.email=a@example.org", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout


def lesson(source, answer, picture):
    output = shown({"image/png": picture}, **{"image/png": {"alt": "a dot"}})
    code = new_code_cell(source, id="sum", execution_count=2, outputs=[new_output("stream", text=answer), output])
    return json.dumps(new_notebook(cells=[new_markdown_cell("# Title", id="title"), code]), indent=1)


def test_git_shows_what_a_reader_would_see_change(tmp_path):
    """With this repository's .gitattributes, its tool, and the line that the guide to notebooks tells one to type."""
    for name in (".gitattributes", "tools/notebook_text.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text((ROOT / name).read_text("utf-8"), "utf-8")
    notebook = tmp_path / "notebooks" / "a b.ipynb"
    notebook.parent.mkdir()
    git(tmp_path, "init", "-q")
    key, command = re.search(r'git config (diff\.notebook\.textconv) "(.*)"', GUIDE).groups()
    git(tmp_path, "config", key, command)

    notebook.write_text(lesson("print(3 + 4)", "7\n", "iVBORw0"), "utf-8")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-qm", "one")
    notebook.write_text(lesson("print(3 + 5)", "8\n", "iVBORw1"), "utf-8")
    diff = git(notebook.parent, "diff", "--unified=0").splitlines()
    changed = [line for line in diff if line[0] in "+-" and not line.startswith(("---", "+++"))]
    assert changed == ["-print(3 + 4)", "+print(3 + 5)", "-7", "+8"]

    notebook.write_text("<<<<<<< ours\n{}\n", "utf-8")  # a conflict: no notebook, and still shown
    assert "+<<<<<<< ours" in git(tmp_path, "diff").splitlines()


@pytest.mark.parametrize(
    ("path", "attributes"),
    [
        ("notebooks/a.ipynb", {"text": "set", "eol": "lf", "diff": "notebook"}),
        ("book/a.md", {"text": "auto", "eol": "lf", "diff": "unspecified"}),
        ("book/_static/a.png", {"text": "unset", "diff": "unset"}),
    ],
)
def test_the_attributes_are_as_git_reads_them(path, attributes):
    for name, value in attributes.items():
        assert git(ROOT, "check-attr", name, path) == f"{path}: {name}: {value}\n"
