"""Colab without Colab: what `make colab` does, with one lesson on the newest freeze; and that what breaks is named."""

import http.server
import threading
import time
from functools import partial

import nbformat
import pytest
from packaging.utils import canonicalize_name

import seqlib
from tools import colab, environments, freezes, notebooks, setup_cell

QUICK = "00"  # the lesson that trains three families
NEWEST = freezes.read(freezes.ours()[-1])
SENTENCE = "The course has no address yet: Colab cannot fetch its package.\n"
SECONDS = "print(time.perf_counter() - began)"


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    """An environment with Colab's versions; its Python."""
    python = colab.nearest_python(NEWEST.python)
    return colab.environment(NEWEST, python, tmp_path_factory.mktemp("colab") / "env")


def run(python, folder, *sources):
    """What code cells print that run one after the other in Colab's kernel, a list of str."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in sources])
    notebooks.run(notebook, folder, kernel=environments.kernel_of(python))
    return ["".join(output.get("text", "") for output in cell.outputs) for cell in notebook.cells]


def doctored(**pins):
    """The newest freeze with other versions; a version of "" takes the package out."""
    names = {name.replace("_", "-"): pin for name, pin in pins.items()}
    return NEWEST._replace(name="doctored", pins={n: pin for n, pin in (NEWEST.pins | names).items() if pin})


def test_the_environment_has_colabs_versions_and_nothing_that_colab_has_not(environment):
    there = environments.installed(environment)
    assert there.pop("pip")
    assert {canonicalize_name(need.name) for need in environments.needs()} <= there.keys()
    assert there == {name: NEWEST.pins[name] for name in there}


def test_the_setup_cell_says_so_without_an_address_asks_once_with_one_and_then_never_again(environment, tmp_path):
    before = environments.installed(environment)
    assert run(environment, tmp_path, setup_cell.source("")) == [SENTENCE]
    assert environments.installed(environment) == before
    with colab.release_page() as page:
        setup = setup_cell.source(page.address)
        for _ in range(2):
            timed = "import time; began = time.perf_counter()"
            told = run(environment, tmp_path, setup, timed, setup, SECONDS, "import seqlib; print(seqlib.__version__)")
            assert told[0] == told[2] == "" and told[4] == f"{seqlib.__version__}\n"
            assert float(told[3]) < 1, "the setup cell must be quick where nothing is left to do"
        assert page.asked == [
            setup.split('WHEEL = "')[1].split('"')[0].removeprefix(page.address.removesuffix("/course"))
        ]
    changed = environments.moved(before, environments.installed(environment))
    assert changed == [f"frames-in-time none -> {seqlib.__version__}"]


def test_a_lesson_runs_from_its_setup_cell_and_no_pin_moves(tmp_path, capsys):
    with capsys.disabled():
        row = colab.check(NEWEST, tmp_path / "env", [QUICK])
    assert row["lessons"] == [QUICK] and row["packages"]["keras"] == NEWEST.pins["keras"]


@pytest.mark.parametrize("path", freezes.ours(), ids=lambda path: path.stem)
def test_each_freeze_of_ours_has_what_the_course_needs_and_can_be_made(path, tmp_path):
    freeze = freezes.read(path)
    assert colab.broken_promises(freeze) == [] and freeze.python
    constraints = colab.write_constraints(freeze, tmp_path / "pins.txt")
    (tmp_path / "needs.txt").write_text("\n".join(map(str, environments.needs())), "utf-8")
    python = colab.nearest_python(freeze.python)
    chosen = environments.uv("pip", "compile", "--python", python, "--constraint", constraints, tmp_path / "needs.txt")
    assert f"tensorflow=={freeze.pins['tensorflow']}" in chosen


@pytest.mark.parametrize(
    ("pins", "said"),
    [
        ({"keras": "3.5.0"}, "keras: the freeze has 3.5.0, and the course needs keras<4,>=3.8"),
        ({"numpy": ""}, "numpy: it is not in the freeze, and the course needs numpy"),
        ({"ml_dtypes": "0.2.0"}, "ml-dtypes"),  # what TensorFlow needs in turn
        ({"tensorflow": "2.999"}, "tensorflow"),
    ],
)
def test_a_broken_pin_fails_with_a_message_that_names_it(pins, said, tmp_path, capsys, monkeypatch):
    file = tmp_path / "freeze-doctored.txt"
    lines = [f"{name}=={pin}" for name, pin in doctored(**pins).pins.items()]
    file.write_text("\n".join([f"# Python {NEWEST.python}", *lines]), "utf-8")
    monkeypatch.setattr(environments, "FOLDER", tmp_path)
    assert colab.main([str(file)]) == 1
    told = capsys.readouterr().out
    assert "Colab doctored is broken:" in told and said in told.partition("is broken:")[2]


def test_a_lesson_that_fails_is_named_with_its_error_and_the_others_are_run(environment, tmp_path, capsys):
    for name, source in (("01_a.ipynb", "1 / 0"), ("02_b.ipynb", "print('fine')")):
        cells = [nbformat.v4.new_code_cell(source)]
        nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / name)
    paths = sorted(tmp_path.glob("*.ipynb"))
    assert environments.run_lessons(paths, environment, tmp_path) == ["01_a.ipynb: ZeroDivisionError: division by zero"]
    assert [line.split()[-1] for line in capsys.readouterr().out.strip().split("\n")] == ["zero", "passed"]


@pytest.fixture
def github(tmp_path):
    """What Colab publishes, on a server of this machine; its address and its folder."""
    folder = tmp_path / "github"
    past = "0123456789abcdef" * 2 + "01234567"
    for commit, python, keras in (("main", "3.14.1", "3.15.0"), (past, "3.13.15", "3.13.2")):
        (folder / commit).mkdir(parents=True)
        (folder / commit / "os-info.txt").write_text(
            f"# made by a script\nUbuntu 22.04\nPython {python}\nR version 4\n"
        )
        pins = f"# a comment\nkeras=={keras}\nnumpy==2.1.3\ntorch @ https://example.org/torch.whl\n"
        (folder / commit / "pip-freeze.txt").write_text(pins)
    link = "https://github.com/googlecolab/backend-info/tree"
    readme = f"# Info\n\n### 2026.10\n\nsee [commit]({link}/{past}).\n\n### 2026.07\n\n[commit]({link}/{'f' * 40})\n"
    (folder / "main" / "README.md").write_text(readme)
    handler = partial(http.server.SimpleHTTPRequestHandler, directory=folder)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", folder
        server.shutdown()


def test_the_freeze_files_are_renewed_and_stay_as_they_are_while_nothing_is_new(github, tmp_path, capsys):
    address, source = github
    ours = tmp_path / "freezes"
    ours.mkdir()
    (ours / "freeze-2026.07.txt").write_text("# Python 3.12.13\nkeras==3.10.0\n")
    freezes.renew(ours, address)
    today = time.strftime("%Y-%m-%d")
    assert {path.name for path in ours.iterdir()} == {f"freeze-{today}.txt", "freeze-2026.10.txt"}
    new = freezes.read(ours / f"freeze-{today}.txt")
    assert new == (today, "3.14.1", {"keras": "3.15.0", "numpy": "2.1.3"})
    assert freezes.read(ours / "freeze-2026.10.txt").python == "3.13.15"

    before = {path.name: path.stat().st_mtime_ns for path in ours.iterdir()}
    freezes.renew(ours, address)
    assert {path.name: path.stat().st_mtime_ns for path in ours.iterdir()} == before
    (source / "main" / "pip-freeze.txt").write_text("keras==3.16.0\n")
    freezes.renew(ours, address)
    assert freezes.read(ours / f"freeze-{today}.txt").pins == {"keras": "3.16.0"}
    assert "freeze-2026.10.txt: as it was" in capsys.readouterr().out


def test_the_newest_freeze_is_the_last_of_ours(tmp_path):
    for name in ("2026-08-19", "2026.07", "2026.10", "2026-11-02"):
        (tmp_path / f"freeze-{name}.txt").write_text("")
    assert [path.stem for path in freezes.ours(tmp_path)] == [
        "freeze-2026.07",
        "freeze-2026-08-19",
        "freeze-2026.10",
        "freeze-2026-11-02",
    ]
