"""The tools, tried on tiny notebooks that are broken in one way each."""

import os
import subprocess
import sys
import tomllib
from types import ModuleType

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from tools import my_lessons, notebooks, setup_cell


def printed(text, name="stdout"):
    return new_output("stream", name=name, text=text)


def picture(**metadata):
    return new_output("display_data", data={"image/png": "iVBORw0KGgo="}, metadata={"image/png": metadata})


def lesson(*cells):
    """A sound notebook: a title, the setup cell and one cell that prints; and what is asked for."""
    setup = new_code_cell(setup_cell.source(""), execution_count=1)
    setup.metadata.tags = list(setup_cell.TAGS)
    first = new_code_cell("print(1)", execution_count=2, outputs=[printed("1\n")])
    return new_notebook(cells=[new_markdown_cell("# Title"), setup, first, *cells])


def test_a_sound_notebook_has_no_problem():
    assert notebooks.problems(lesson()) == []


@pytest.mark.parametrize(
    ("cell", "problem"),
    [
        (new_code_cell("x = 1", execution_count=4), "execution counts"),
        (new_code_cell("x = 1"), "execution counts"),
        (new_code_cell("1 + 1", execution_count=3), "no output is stored"),
        (new_code_cell("for i in 'ab':\n    print(i)", execution_count=3), "no output is stored"),
        (new_code_cell("x", execution_count=3, outputs=[printed("careful\n", "stderr")]), "stderr: 'careful'"),
        (new_code_cell("x", execution_count=3, outputs=[printed("WARNING: slow\n")]), "a warning"),
        (new_code_cell("x", execution_count=3, outputs=[new_output("error", ename="KeyError")]), "error, KeyError"),
        (new_code_cell("x", execution_count=3, outputs=[printed("/home/me/x.py\n")]), "path stands in its output"),
        (new_code_cell("x", execution_count=3, outputs=[printed("missing: pip install x\n")]), "was not installed"),
        (new_code_cell("open('/home/me/x.py');", execution_count=3), "an absolute path stands in"),
        (new_markdown_cell("see C:\\Users\\me"), "an absolute path stands in"),
        (new_code_cell("x", execution_count=3, outputs=[picture()]), "no alternative text"),
        (new_code_cell("x", execution_count=3, outputs=[picture(alt="a"), picture(alt="b")]), "more than one picture"),
        (new_markdown_cell("x" * 1_000_001), "are more than 1,000,000"),
    ],
)
def test_a_broken_notebook_fails_for_its_own_reason(cell, problem):
    found = notebooks.problems(lesson(cell))
    assert len(found) == 1 and problem in found[0], found


def test_a_notebook_without_its_setup_cell_is_a_problem():
    broken = lesson()
    del broken.cells[1]
    broken.cells[1].execution_count = 1
    assert notebooks.problems(broken) == ["the first code cell is not the setup cell"]


def test_execution_stores_outputs_texts_and_versions(tmp_path):
    show = "from IPython.display import Image\nImage(b'\\x89PNG', format='png', metadata={'alt': 'a dot'})"
    notebook = lesson(new_code_cell(show))
    seen = []
    notebooks.execute(notebook, tmp_path, lambda done, of: seen.append((done, of)))
    assert [cell.execution_count for cell in notebook.cells[1:]] == [1, 2, 3]
    assert notebook.cells[-1].metadata.mystnb.image.alt == "a dot"
    assert seen == [(1, 3), (2, 3), (3, 3)]
    assert notebook.metadata.frames_in_time.seconds > 0
    assert notebooks.problems(notebook) == []
    nbformat.validate(notebook)


def test_executing_names_the_notebook_that_is_not_there(tmp_path):
    with pytest.raises(SystemExit, match="NB must begin the name of a notebook"):
        notebooks.main(["77"], tmp_path)


def test_the_setup_cell_is_written_once_below_the_title():
    notebook = new_notebook(cells=[new_markdown_cell("# Title"), new_code_cell("1")])
    for _ in range(2):
        setup_cell.write(notebook, "https://example.org/a/b")
        assert [cell.cell_type for cell in notebook.cells] == ["markdown", "code", "code"]
        assert notebook.cells[1].source == setup_cell.source("https://example.org/a/b")


ADDRESS = "https://github.com/team/course"
COLAB = "https://colab.research.google.com/github/team/course/blob/main/notebooks"


@pytest.mark.parametrize("url", ["", "https://example.org/team/course"])
def test_without_an_address_on_github_there_is_no_badge(url):
    notebook, config = lesson(), f'repository:\n  url: "{url}"\n  branch: main\n'
    assert setup_cell.colab_link(config, "notebooks/01.ipynb") == ""
    setup_cell.write_head(notebook, config, "notebooks/01.ipynb")
    assert [cell.cell_type for cell in notebook.cells] == ["markdown", "code", "code"]
    assert "colab.research" not in nbformat.writes(notebook)


def test_one_badge_stands_below_the_title_and_goes_with_the_address():
    notebook, config = lesson(), f"repository:\n  url: {ADDRESS}\n  branch: main\n"
    for _ in range(2):
        setup_cell.write_head(notebook, config, "notebooks/01.ipynb")
        assert [cell.cell_type for cell in notebook.cells] == ["markdown", "markdown", "code", "code"]
        assert f"]({COLAB}/01.ipynb)" in notebook.cells[1].source
        assert "remove-cell" in notebook.cells[1].metadata.tags  # the book has its own button
        assert notebook.cells[2].source == setup_cell.source(ADDRESS)
        assert notebooks.problems(notebook) == []
        nbformat.validate(notebook)
    setup_cell.write_badge(notebook, "")
    assert [cell.source for cell in notebook.cells][::2] == [cell.source for cell in lesson().cells][::2]


def test_one_command_writes_the_address_everywhere(tmp_path):
    for name in ("_config.yml", "CITATION.cff", "pyproject.toml"):
        (tmp_path / name).write_text((notebooks.ROOT / name).read_text("utf-8"), "utf-8")
    (tmp_path / "notebooks").mkdir()
    nbformat.write(lesson(), tmp_path / "notebooks" / "01.ipynb")

    setup_cell.main([""], tmp_path)
    unset = {path.name: path.read_text("utf-8") for path in tmp_path.glob("*.*")}
    assert "urls" not in tomllib.loads(unset["pyproject.toml"])["project"]
    for _ in range(2):
        setup_cell.main([ADDRESS], tmp_path)
        assert setup_cell.address((tmp_path / "_config.yml").read_text("utf-8")) == ADDRESS
        assert f'repository-code: "{ADDRESS}"' in (tmp_path / "CITATION.cff").read_text("utf-8")
        project = tomllib.loads((tmp_path / "pyproject.toml").read_text("utf-8"))["project"]
        assert project["urls"] == {"Repository": ADDRESS}
    stored = nbformat.read(tmp_path / "notebooks" / "01.ipynb", 4)
    assert f"]({COLAB}/01.ipynb)" in stored.cells[1].source
    assert f"{ADDRESS}/releases/download/" in stored.cells[2].source

    setup_cell.main([""], tmp_path)
    assert {name: (tmp_path / name).read_text("utf-8") for name in unset} == unset
    assert nbformat.read(tmp_path / "notebooks" / "01.ipynb", 4).cells[1].source == setup_cell.source("")


@pytest.mark.parametrize(
    "url",
    [
        "example.org/a/b",
        "http://example.org/a/b",
        "https://example.org/a/b/",
        "https://example.org/a/b.git",
        "https://x y/z",
    ],
)
def test_a_bad_address_is_refused_by_name(url, tmp_path):
    with pytest.raises(SystemExit, match="URL must look like"):
        setup_cell.set_address(url, tmp_path)


FOREIGN = {  # what else may answer to the name: a package, a module, a folder that holds neither
    "a package": ("seqlib/__init__.py", "def to_fasta(): pass"),
    "a module in another encoding": ("seqlib.py", "# Frames \N{MIDDLE DOT} Time"),
    "a folder": ("seqlib/notes.txt", "Frames in Time"),
}


@pytest.fixture(params=FOREIGN)
def foreign(request, tmp_path):
    """A folder with another project's seqlib."""
    name, text = FOREIGN[request.param]
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_bytes(text.encode("latin-1"))
    return tmp_path


def run_setup_cell(path=""):
    """Run the setup cell in a Python of its own, which finds what is in a folder and no installed package."""
    return subprocess.run(
        [sys.executable, "-S", "-c", setup_cell.source("")],
        cwd=os.sep,
        env=os.environ | {"PYTHONPATH": str(path)},
        capture_output=True,
        text=True,
    )


def test_the_setup_cell_names_a_foreign_seqlib_and_says_what_to_do(foreign):
    done = run_setup_cell(foreign)
    assert done.returncode == 1 and done.stdout == ""
    error = done.stderr.splitlines()[-1]
    assert error.startswith("ImportError: The seqlib that Python finds here, ") and str(foreign) in error
    assert "unrelated package" in error and "uninstall -y seqlib" in error and "README" in error


@pytest.mark.parametrize("path", [notebooks.ROOT, ""], ids=["ours", "none"])
def test_the_setup_cell_says_nothing_of_our_own_package_or_of_none(path):
    done = run_setup_cell(path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.fixture
def colab(monkeypatch):
    """Colab, as far as the setup cell sees it; the wheels that it has pip install."""
    installed = []
    monkeypatch.setitem(sys.modules, "google.colab", ModuleType("google.colab"))
    monkeypatch.setattr(subprocess, "check_call", lambda command: installed.append(command[-1]))
    return installed


def test_on_colab_our_package_takes_the_place_of_a_foreign_one(foreign, colab, monkeypatch, capsys):
    record = foreign / "frames_in_time-1.0.dist-info" / "METADATA"  # ours was installed, then the other over it
    record.parent.mkdir()
    record.write_text("Metadata-Version: 2.1\nName: frames-in-time\nVersion: 1.0\n", "utf-8")
    monkeypatch.setattr(sys, "path", [str(foreign)])
    exec(setup_cell.source(ADDRESS, "1.0"), {})
    assert colab == [f"{ADDRESS}/releases/download/v1.0/frames_in_time-1.0-py3-none-any.whl"]
    with pytest.raises(ImportError, match="unrelated package"):
        exec(setup_cell.source("", "1.0"), {})
    assert capsys.readouterr().out == "The course has no address yet: Colab cannot fetch its package.\n"


def test_on_colab_our_package_is_left_alone(colab, tmp_path, monkeypatch):
    record = tmp_path / "frames_in_time-1.0.dist-info" / "METADATA"
    record.parent.mkdir()
    record.write_text("Metadata-Version: 2.1\nName: frames-in-time\nVersion: 1.0\n", "utf-8")
    monkeypatch.setattr(sys, "path", [str(tmp_path), str(notebooks.ROOT)])
    for version in ("1.0", "1.1"):
        exec(setup_cell.source(ADDRESS, version), {})
    assert [wheel.split("/")[-1] for wheel in colab] == ["frames_in_time-1.1-py3-none-any.whl"]


def test_lessons_are_copied_without_their_outputs_and_only_once(tmp_path, capsys):
    (tmp_path / "notebooks").mkdir()
    nbformat.write(lesson(), tmp_path / "notebooks" / "01.ipynb")
    copy = tmp_path / "my_lessons" / "01.ipynb"
    assert my_lessons.main(tmp_path / "notebooks", copy.parent) == 1
    cells = nbformat.read(copy, 4).cells
    assert [cell.source for cell in cells] == [cell.source for cell in lesson().cells]
    assert not any(cell.outputs or cell.execution_count for cell in cells if cell.cell_type == "code")
    copy.write_text("mine")
    assert my_lessons.main(tmp_path / "notebooks", copy.parent) == 0
    assert copy.read_text() == "mine"
    assert "my_lessons/: 0 new" in capsys.readouterr().out
