"""Colab without Colab: what `make colab` does, without TensorFlow; and that what breaks is named.

A lesson on the newest freeze is not run here: `.ci/run` does that, by `make colab` itself.
"""

import json
import sys
import time

import nbformat
import pytest

import seqlib
from tools import colab, environments, freezes, notebooks, setup_cell, where_it_runs

NEWEST = freezes.read(freezes.ours()[-1])
SENTENCE = "The course has no address yet: Colab cannot fetch its package.\n"
FORBID_PIP = "import subprocess; subprocess.check_call = None"  # from here on a setup cell that starts pip fails
SHOW_VERSION = "import seqlib; print(seqlib.__version__)"


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    """An environment with Colab's notebook kernel, and nothing of what the course needs; its Python."""
    folder = tmp_path_factory.mktemp("colab") / "env"
    return colab.environment(NEWEST, colab.choose_python(NEWEST), folder, colab.KERNEL)


def run(python, folder, *sources):
    """What code cells print that run one after the other in Colab's kernel, a list of str."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in sources])
    notebooks.run(notebook, folder, kernel=environments.kernel_of(python))
    return ["".join(output.get("text", "") for output in cell.outputs) for cell in notebook.cells]


def doctored(path, python=NEWEST.python, **pins):
    """Write the newest freeze with other versions to a file; a version of "" takes the package out."""
    changes = {name.replace("_", "-"): pin for name, pin in pins.items()}
    lines = [f"{name}=={pin}" for name, pin in (NEWEST.pins | changes).items() if pin]
    path.write_text("\n".join([f"# Python {python}" if python else "# of Colab", *lines]), "utf-8")
    return path


@pytest.mark.network
def test_the_environment_has_colabs_versions_and_nothing_that_colab_has_not(environment):
    packages = environments.installed(environment)
    assert packages.pop("pip") and "ipykernel" in packages
    assert packages == {name: NEWEST.pins[name] for name in packages}


@pytest.mark.network
def test_the_setup_cell_says_so_without_an_address_asks_once_with_one_and_then_never_again(environment, tmp_path):
    before = environments.installed(environment)
    assert run(environment, tmp_path, setup_cell.source("")) == [SENTENCE]
    assert environments.installed(environment) == before
    with colab.release_page() as page:
        setup = setup_cell.source(page.address)
        wheel = setup.split('WHEEL = "')[1].split('"')[0].removeprefix(page.address)
        for first in (setup, FORBID_PIP):  # the second notebook finds what the first has installed
            *silent, shown = run(environment, tmp_path, first, FORBID_PIP, setup, SHOW_VERSION)
            assert silent == ["", "", ""] and shown == f"{seqlib.__version__}\n"
        assert page.requests() == [wheel]
    changes = environments.moved(before, environments.installed(environment))
    assert changes == [f"frames-in-time none -> {seqlib.__version__}"]


@pytest.mark.parametrize("path", freezes.ours(), ids=lambda path: path.stem)
def test_each_freeze_of_ours_says_its_python_and_has_what_the_course_needs(path):
    freeze = freezes.read(path)
    assert freeze.python and colab.broken_promises(freeze) == []


@pytest.mark.network
@pytest.mark.parametrize("path", freezes.ours(), ids=lambda path: path.stem)
def test_each_freeze_of_ours_can_be_installed(path):
    freeze = freezes.read(path)
    assert f"tensorflow=={freeze.pins['tensorflow']}" in colab.resolve(freeze, colab.choose_python(freeze))


@pytest.mark.parametrize(
    ("pins", "message"),
    [
        ({"keras": "3.5.0"}, "keras: the freeze has 3.5.0, and the course needs keras<4,>=3.8"),
        ({"numpy": ""}, "numpy: it is not in the freeze, and the course needs numpy"),
        pytest.param({"ml_dtypes": "0.2.0"}, "ml-dtypes", marks=pytest.mark.network),  # what TensorFlow needs in turn
        pytest.param({"tensorflow": "2.999"}, "tensorflow", marks=pytest.mark.network),
    ],
)
def test_a_broken_pin_fails_with_a_message_that_names_it(pins, message, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(environments, "FOLDER", tmp_path)
    assert colab.main([str(doctored(tmp_path / "freeze-doctored.txt", **pins))]) == 1
    assert message in capsys.readouterr().out.partition("Colab doctored is broken:")[2]


@pytest.mark.network
def test_the_python_is_found_for_which_the_pins_exist(tmp_path):
    """TensorFlow 2.19 has no wheel for Python 3.13."""
    freeze = freezes.read(doctored(tmp_path / "freeze.txt", python="", tensorflow="2.19.0", tensorboard="2.19.0"))
    if not (newer := environments.find_python("3.13")) or not environments.find_python("3.12"):
        pytest.skip("this needs Python 3.12 and Python 3.13")
    with pytest.raises(environments.BrokenError, match="cp313"):
        colab.resolve(freeze, newer)
    assert environments.version_of(colab.choose_python(freeze)).startswith("3.12.")


@pytest.fixture
def three_pythons(monkeypatch):
    """Pythons 3.11 to 3.13, and a resolver that finds the pins for those in a list that starts empty."""
    fitting = []

    def resolve(freeze, python):
        if python not in fitting:
            raise environments.BrokenError(f"error: no solution\n\nhint: {python} is\n  too new")
        return "numpy==2.1.3"

    monkeypatch.setattr(environments, "find_python", lambda version: f"/python{version}")
    monkeypatch.setattr(colab, "resolve", resolve)
    return fitting


def test_a_freeze_without_a_python_gets_the_newest_for_which_its_pins_exist(three_pythons, monkeypatch):
    freeze = NEWEST._replace(python="")
    three_pythons += ["/python3.11", "/python3.12"]
    assert colab.choose_python(freeze) == "/python3.12"
    three_pythons.clear()
    with pytest.raises(environments.BrokenError) as refused:
        colab.choose_python(freeze)
    assert str(refused.value).splitlines()[1:] == [
        f"Python {version}: hint: /python{version} is too new" for version in ("3.13", "3.12", "3.11")
    ]
    monkeypatch.setattr(environments, "find_python", lambda version: None)
    with pytest.raises(environments.BrokenError, match=r"Python 3\.12 is not on this machine"):
        colab.choose_python(freeze)


@pytest.mark.parametrize(
    ("named", "nearest"), [("3.12.13", "/python3.12"), ("3.14.2", "/python3.13"), ("3.9", "/python3.11")]
)
def test_a_freeze_with_a_python_gets_that_or_the_nearest(named, nearest, three_pythons):
    assert colab.choose_python(NEWEST._replace(python=named)) == nearest


def test_only_a_run_of_all_lessons_on_a_freeze_of_ours_is_recorded(tmp_path, monkeypatch, capsys):
    def check(freeze, folder, beginnings):
        lessons = [notebooks.number(path) for path in notebooks.lessons(beginnings)]
        return {"freeze": freeze.name, "packages": {}, "lessons": lessons, "seconds": 1}

    monkeypatch.setattr(where_it_runs, "FILE", tmp_path / "record.json")
    monkeypatch.setattr(colab, "check", check)
    monkeypatch.setenv("NB", "00")
    assert colab.main(["newest"]) == 0
    assert f"Colab {NEWEST.name}: 1 of {len(notebooks.lessons())} lessons" in capsys.readouterr().out
    monkeypatch.setenv("NB", "")
    assert colab.main([str(doctored(tmp_path / "freeze-doctored.txt"))]) == 0
    assert not where_it_runs.FILE.exists()
    assert colab.main(["newest"]) == 0
    assert [row["freeze"] for row in json.loads(where_it_runs.FILE.read_text("utf-8"))["colab"]] == [NEWEST.name]


def test_a_lesson_that_fails_is_named_with_its_error_and_the_others_are_run(tmp_path, capsys):
    for name, source in (("01_a.ipynb", "1 / 0"), ("02_b.ipynb", "print('fine')")):
        cells = [nbformat.v4.new_code_cell(source)]
        nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / name)
    paths = sorted(tmp_path.glob("*.ipynb"))
    failures = environments.run_lessons(paths, sys.executable, tmp_path)
    assert failures == ["01_a.ipynb: ZeroDivisionError: division by zero"]
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
    with environments.serve(folder) as server:
        yield server.address, folder


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
