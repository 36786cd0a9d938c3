"""The first hour: what `make lab` sets up, says and opens, its kernels, and a real browser that follows the links."""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urljoin
from urllib.request import urlopen

import nbformat
import pytest
from jupyter_client.manager import KernelManager
from pages import context, page_in
from playwright.sync_api import expect

from tools import kernels, lab, notebooks

ROOT = notebooks.ROOT
HANGS = 300  # seconds: a limit that only ends what would never end


# Kernels


@contextmanager
def kernel(log):
    """A fresh kernel of the project; its own stdout and stderr go to a file. Gives its client."""
    manager = KernelManager(kernel_name="python3")
    with log.open("w") as file:
        manager.start_kernel(stdout=file, stderr=file)
    client = manager.client()
    client.start_channels()
    try:
        client.wait_for_ready(timeout=HANGS)
        yield client
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


ASK = """
from tensorflow.python.util._pywrap_util_port import IsMklEnabled
print(seqlib.measure.ROUNDING == 0, IsMklEnabled() and seqlib.backend.platform.machine() in ("x86_64", "AMD64"))
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    "order", ["keras tensorflow seqlib", "tensorflow seqlib keras", "seqlib keras tensorflow"], ids=str.split
)
def test_a_kernel_imports_without_a_log_line_in_any_order(order, tmp_path, monkeypatch):
    for name in ("TF_CPP_MIN_LOG_LEVEL", "TF_ENABLE_ONEDNN_OPTS"):  # this process has imported seqlib
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("JUPYTER_PATH", "")
    kernels.use()
    shown = []
    with kernel(tmp_path / "log") as client:
        for code in (*(f"import {name}" for name in order.split()), ASK):
            client.execute_interactive(
                code, timeout=HANGS, output_hook=lambda message: shown.append((message["msg_type"], message["content"]))
            )
    outputs = [(kind, content) for kind, content in shown if kind in ("stream", "error")]
    assert [kind for kind, _ in outputs] == ["stream"] and outputs[0][1]["name"] == "stdout", outputs
    rounds_to_zero, sums_alike = outputs[0][1]["text"].split()
    assert rounds_to_zero == sums_alike
    assert (tmp_path / "log").read_text() == ""


PRINT_HOOK = 'import sys; print(any("QuietTensorFlow" in str(finder) for finder in sys.meta_path))'


@pytest.mark.slow
def test_make_notebooks_and_nbval_start_the_same_kernel(tmp_path):
    output = nbformat.v4.new_output("stream", text="True\n")
    cell = nbformat.v4.new_code_cell(PRINT_HOOK, execution_count=1, outputs=[output])
    notebook = nbformat.v4.new_notebook(cells=[cell])
    nbformat.write(notebook, tmp_path / "a.ipynb")
    notebooks.run(notebook, tmp_path)
    assert notebook.cells[0].outputs == [output]

    shutil.copy(ROOT / "conftest.py", tmp_path)
    assert "--nbval-kernel-name=python3" in (ROOT / "pyproject.toml").read_text("utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "--nbval", "--nbval-kernel-name=python3", "-p", "no:cacheprovider"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("JUPYTER")}
    places = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment["PYTHONPATH"] = os.pathsep.join(places)
    done = subprocess.run(
        [*command, "a.ipynb"],
        cwd=tmp_path,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert "1 passed" in done.stdout, done.stdout


def test_the_projects_kernel_is_found_before_any_other(monkeypatch):
    monkeypatch.setenv("JUPYTER_PATH", "/elsewhere")
    for _ in range(2):
        kernels.use()
        assert os.environ["JUPYTER_PATH"] == os.pathsep.join([str(kernels.JUPYTER), "/elsewhere"])
    spec = json.loads((kernels.JUPYTER / "kernels" / "python3" / "kernel.json").read_text("utf-8"))
    assert spec["argv"][0] == "python"  # which Jupyter takes for its own
    assert "--IPKernelApp.log_level=40" in spec["argv"]  # no warning about TCP


# The command


def test_a_home_that_cannot_be_written_to_gets_a_sentence(monkeypatch):
    monkeypatch.setattr(Path, "home", lambda: Path("/nowhere"))
    with pytest.raises(SystemExit, match=r"^JupyterLab keeps files in your home folder, and \S+ cannot be written to"):
        lab.main([])


@pytest.fixture
def set_up(tmp_path):
    """Run make for .venv in a folder that has what set-up needs, and nothing else; return what it prints."""
    for name in ("Makefile", "requirements.lock", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)

    def run(*arguments, **environment):
        command = ["make", f"PYTHON={sys.executable}", *arguments, ".venv/ready"]
        done = subprocess.run(
            command,
            cwd=tmp_path,
            env=os.environ | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        return done.returncode, done.stdout

    return run


def test_set_up_says_that_home_cannot_be_written_to(set_up, tmp_path):
    code, said = set_up(HOME="/dev/null", UV_CACHE_DIR="")
    assert code and "Your home folder, HOME=/dev/null, cannot be written to" in said
    assert not (tmp_path / ".venv").exists()


@pytest.mark.slow
def test_set_up_names_the_network(set_up, tmp_path):
    nowhere = {
        "PIP_INDEX_URL": "http://127.0.0.1:9/simple",
        "PIP_RETRIES": "0",
        "PIP_FIND_LINKS": "",
        "PIP_NO_INDEX": "",
    }
    code, said = set_up(**nowhere, PIP_CONFIG_FILE=os.devnull)
    assert code and "Setting up .venv" in said and "Set-up needs the network, once" in said
    assert not (tmp_path / ".venv" / "ready").exists()


@pytest.mark.parametrize("place", ["here", "elsewhere", "unknown"])
def test_a_clone_that_was_moved_says_so_and_sets_up_again(set_up, tmp_path, place):
    ready = tmp_path / ".venv" / "ready"
    ready.parent.mkdir()
    ready.write_text({"here": f"{tmp_path}\n", "elsewhere": f"{tmp_path}/old name\n", "unknown": ""}[place])
    code, said = set_up("--dry-run")
    assert code == 0
    assert ("This clone was moved" in said and f"{tmp_path}/old name" in said) == (place == "elsewhere")
    assert ("Setting up .venv" in said) == (place == "elsewhere")


def test_set_up_notes_where_it_was_made_and_shows_how_far_uv_is():
    makefile = (ROOT / "Makefile").read_text("utf-8")
    assert 'echo "$(CURDIR)" > $(READY)' in makefile
    (install,) = re.findall(r".*uv pip install .*requirements\.lock.*", makefile)
    assert "--quiet" not in install


# What it opens


@pytest.fixture(scope="module")
def opened_lab(book, tmp_path_factory):
    """JupyterLab as `make lab` starts it, in a copy of the tree and with an empty home; its address and token."""
    home = tmp_path_factory.mktemp("home")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = ["--no-browser", f"--ServerApp.port={port}", "--IdentityProvider.token=hour", "--allow-root"]
    places = [str(book.folder), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = os.environ | {"HOME": str(home), "PYTHONPATH": os.pathsep.join(places)}
    for name in [name for name in environment if name.startswith(("JUPYTER", "XDG_"))]:
        del environment[name]
    with (home / "log").open("w") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "tools.lab", *options], cwd=book.folder, env=environment, stdout=log, stderr=log
        )
    address, began = f"http://127.0.0.1:{port}", time.monotonic()
    try:
        while True:
            try:
                urlopen(f"{address}/api?token=hour").close()
                break
            except OSError:
                assert server.poll() is None and time.monotonic() - began < HANGS, (home / "log").read_text()
                time.sleep(0.2)
        yield address
    finally:
        server.terminate()
        server.wait(HANGS)


def ask(address, path):
    with urlopen(f"{address}/{path}?token=hour") as answer:
        return json.load(answer)


def test_the_lab_uses_the_projects_kernel_and_asks_nothing_about_news(opened_lab):
    found = ask(opened_lab, "api/kernelspecs")
    assert found["default"] == "python3" and found["kernelspecs"]["python3"]["spec"]["display_name"] == "Python 3"
    assert any("quiet_kernel.py" in part for part in found["kernelspecs"]["python3"]["spec"]["argv"])
    news = ask(opened_lab, "lab/api/settings/@jupyterlab/apputils-extension:notification")["schema"]["properties"]
    assert news["fetchNews"]["default"] == "false" and news["checkForUpdates"]["default"] is False


def test_a_browser_opens_at_the_copies_and_the_links_of_page_0_open_pages(opened_lab, browser, book):
    with context(browser, viewport={"width": 1280, "height": 900}) as fresh:
        page = fresh.new_page()
        page.goto(f"{opened_lab}/?token=hour")
        expect(page.locator(".jp-DirListing-item", has_text="00_the_answer_on_one_page")).to_be_visible()
        page.goto(f"{opened_lab}/lab/tree/my_lessons/00_the_answer_on_one_page.ipynb?token=hour")
        notebook = page.locator(".jp-NotebookPanel")
        expect(notebook.get_by_role("heading", name="The answer on one page")).to_be_visible()
        copy = nbformat.read(book.folder / "my_lessons" / "00_the_answer_on_one_page.ipynb", 4)
        links = re.findall(r"\[([^\]]+)\]\((/static/[^)]+)\)", "\n".join(cell.source for cell in copy.cells))
        assert len(links) >= 9
        notebook.locator(".jp-WindowedPanel-outer").evaluate("panel => panel.scrollTo(0, panel.scrollHeight)")
        target = links[-1][1]
        with fresh.expect_page() as opening:
            notebook.locator(f'a[href="{target}"]').last.click()
        chapter = opening.value
        expect(chapter.locator("article.bd-article h1").first).to_be_visible()
        assert chapter.url == urljoin(opened_lab, target)
        for _, target in links:
            with page_in(fresh, urljoin(opened_lab, target)) as chapter:  # nothing that it asks for is missing
                expect(chapter.locator("article.bd-article h1").first).to_be_visible()
