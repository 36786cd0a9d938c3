"""Colab without Colab: its own pins, our wheel behind the setup cell, and every notebook.

The newest freeze file in tests/colab/ is used as constraints for an environment that holds only what `frames-in-time`
depends on and a notebook's kernel. (All of its 600 lines would take gigabytes and prove nothing more.)
"""

import http.server
import json
import os
import re
import shutil
import subprocess
import sys
import threading
from functools import partial
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

import seqlib
from tools import notebooks, setup_cell

ROOT = notebooks.ROOT
FREEZE = sorted((ROOT / "tests" / "colab").glob("freeze-*.txt"))[-1]
KERNEL = ["ipykernel", "pip"]


def run(*command, **options):
    return subprocess.run([str(part) for part in command], check=True, capture_output=True, text=True, **options).stdout


def python_of_the_freeze():
    """The Python that Colab has, where one runs (a pyenv shim may exist and fail); else the one that runs this."""
    wanted = re.search(r"Python (\d+\.\d+)", FREEZE.read_text("utf-8"))[1]
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    found = [shutil.which(f"python{wanted}"), *sorted(pyenv.glob(f"{wanted}.*/bin/python")), sys.executable]
    for python in filter(None, found):
        answer = subprocess.run([python, "-c", "import sys; print(sys.version)"], capture_output=True, text=True)
        if answer.returncode == 0:
            return python, f"Colab has Python {wanted}; this is {answer.stdout.split()[0]}"
    raise AssertionError("not even the running Python runs")


ASKED = []  # the paths that were asked of the release page


class ReleasePage(http.server.SimpleHTTPRequestHandler):
    """Serves a folder and remembers what was asked of it."""

    def log_message(self, *message):
        ASKED.append(self.path)


@pytest.fixture(scope="module")
def releases(tmp_path_factory):
    """A release page on this machine: its address, with the wheel where the setup cell looks for it."""
    folder = tmp_path_factory.mktemp("served")
    release = folder / "course" / "releases" / "download" / f"v{seqlib.__version__}"
    run(sys.executable, "-m", "uv", "build", "--wheel", "--no-build-isolation", "--out-dir", release, ROOT)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(ReleasePage, directory=folder)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/course"
        server.shutdown()


@pytest.fixture(scope="module")
def colab(tmp_path_factory):
    """An environment with Colab's versions and something that answers to the name google.colab; its Python."""
    folder = tmp_path_factory.mktemp("colab") / "env"
    python, _ = python_of_the_freeze()
    uv = [sys.executable, "-m", "uv"]
    run(*uv, "venv", "--python", python, folder)
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    needs = re.search(r"(?s)What a learner's notebook needs.*?\n\n", (ROOT / "requirements.txt").read_text("utf-8"))[0]
    packages = [line for line in needs.splitlines() if re.match(r"\w.*[<>=]", line)]
    run(*uv, "pip", "install", "--python", python, "--constraint", FREEZE, *packages, *KERNEL)
    site = Path(run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").strip())
    (site / "google" / "colab").mkdir(parents=True, exist_ok=True)
    (site / "google" / "colab" / "__init__.py").write_text("")
    (site / "colab.pth").write_text("import google.colab\n")  # on Colab it is imported before the first cell
    return python


def installed(python):
    listed = json.loads(run(python, "-m", "pip", "list", "--format", "json", "--disable-pip-version-check"))
    return {package["name"]: package["version"] for package in listed}


def run_notebook(notebook, python, folder, monkeypatch):
    """Execute a notebook with the kernel of another Python."""
    kernel = folder / "jupyter" / "kernels" / "colab"
    kernel.mkdir(parents=True, exist_ok=True)
    argv = [str(python), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    (kernel / "kernel.json").write_text(json.dumps({"argv": argv, "display_name": "Colab", "language": "python"}))
    monkeypatch.setenv("JUPYTER_PATH", str(folder / "jupyter"))
    resources = {"metadata": {"path": str(folder)}}
    NotebookClient(notebook, kernel_name="colab", timeout=notebooks.TIMEOUT, resources=resources).execute()


def setup_output(notebook):
    return next(cell.outputs for cell in notebook.cells if cell.cell_type == "code")


def test_without_an_address_the_setup_cell_says_so_in_one_sentence(colab, tmp_path, monkeypatch):
    before = installed(colab)
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(setup_cell.source(""))])
    run_notebook(notebook, colab, tmp_path, monkeypatch)
    (said,) = setup_output(notebook)
    assert said.text == "The course has no address yet: Colab cannot fetch its package.\n"
    assert installed(colab) == before


def test_every_notebook_runs_from_its_own_setup_cell_and_no_pin_moves(colab, releases, tmp_path, monkeypatch, capsys):
    with capsys.disabled():
        print(f"\n{FREEZE.name}: {python_of_the_freeze()[1]}")
    before = installed(colab)
    pins = dict(line.split("==") for line in FREEZE.read_text("utf-8").splitlines() if not line.startswith("#"))
    for package in ("tensorflow", "keras", "numpy", "ipython", "ipykernel", "ipywidgets"):
        assert before[package] == pins[package]
    assert "frames-in-time" not in {name.replace("_", "-") for name in before}

    ASKED.clear()
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        notebook = nbformat.read(path, as_version=4)
        setup_cell.write(notebook, releases)
        run_notebook(notebook, colab, tmp_path, monkeypatch)
        assert setup_output(notebook) == []
        assert len(ASKED) == 1, "one request in all: a second notebook finds the package installed"

    after = installed(colab)
    ours = {name for name in after if name.replace("_", "-") == "frames-in-time"}
    assert {name: after[name] for name in after if name not in ours} == before
    assert [after[name] for name in ours] == [seqlib.__version__]
