"""Environments beside .venv: another Python, other versions, and lessons that run there.

What `make colab`, `make compatibility` and `make gpu` have in common.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import nbformat
from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tools import notebooks

ROOT = notebooks.ROOT
FOLDER = ROOT / "_build" / "environments"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
MAC_BROWSERS = (
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
)
OFFLINE = Path(__file__).with_name("offline")  # on the PYTHONPATH of a Python that must not reach the network


class BrokenError(Exception):
    """Something does not run elsewhere; the message names it."""


def run(*command, **options):
    """Run a command and return what it prints; raise `BrokenError` with what it says if it fails."""
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, **options)
    if done.returncode:
        raise BrokenError((done.stderr or done.stdout).strip())
    return done.stdout


def uv(*arguments, **options):
    """Run the uv that is installed in .venv."""
    return run(sys.executable, "-m", "uv", *arguments, **options)


def needs(extra=None):
    """List what the package needs, or one of its extras, as pyproject.toml says it: `Requirement` each.

    Examples
    --------
    >>> [need.name for need in needs("video")]
    ['av']
    """
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    return [
        Requirement(line) for line in (project["optional-dependencies"][extra] if extra else project["dependencies"])
    ]


def find_python(version):
    """Return the path of a Python of a version such as "3.13", from PATH or from what pyenv keeps; or None."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    for places in (*(str(found.parent) for found in pyenv.glob(f"{version}.*/bin/python")), os.environ["PATH"]):
        command = [sys.executable, "-m", "uv", "python", "find", "--no-python-downloads", "--no-project", version]
        found = subprocess.run(command, capture_output=True, text=True, env=os.environ | {"PATH": places})
        if found.returncode == 0:
            return found.stdout.strip()
    return None


def find_browser():
    """Return the path of a Chromium or Chrome of this machine, or None."""
    return next(filter(None, map(shutil.which, (*BROWSERS, *MAC_BROWSERS))), None)


def make(folder, python, *arguments):
    """Make an environment anew and install into it (``arguments`` are those of uv's install); return its Python."""
    uv("venv", "--clear", "--python", python, folder)
    interpreter = Path(folder).resolve() / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    uv("pip", "install", "--python", interpreter, *arguments)
    return interpreter


def build_wheel(folder):
    """Build the package into ``folder``; return the wheel's path."""
    uv("build", "--wheel", "--no-build-isolation", "--out-dir", folder, ROOT)
    return next(Path(folder).glob("*.whl"))


def install_wheel(python):
    """Build the package and install it, alone, for another Python."""
    with tempfile.TemporaryDirectory() as folder:
        uv("pip", "install", "--python", python, "--no-deps", build_wheel(folder))


def installed(python):
    """Return what `pip list` shows of another Python: names and versions, a dict."""
    packages = json.loads(uv("pip", "list", "--format", "json", "--python", python))
    return {canonicalize_name(package["name"]): package["version"] for package in packages}


def moved(before, after):
    """Say what differs between two dicts of names and versions; a list of str.

    Examples
    --------
    >>> moved({"keras": "3.13.2", "jedi": "0.19"}, {"keras": "3.14.0", "numpy": "2.1.3"})
    ['jedi 0.19 -> none', 'keras 3.13.2 -> 3.14.0', 'numpy none -> 2.1.3']
    """
    names = sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))
    return [f"{name} {before.get(name, 'none')} -> {after.get(name, 'none')}" for name in names]


def version_of(python):
    """Return another Python's version, such as "3.13.0"."""
    return run(python, "-c", "import platform; print(platform.python_version())").strip()


class Server(NamedTuple):
    """A web server on this machine.

    Attributes
    ----------
    address : str
        Such as "http://127.0.0.1:40123".
    log : pathlib.Path
        Where it writes a line for each request.
    """

    address: str
    log: Path

    def requests(self):
        """List the paths that were requested so far."""
        return re.findall(r'"[A-Z]+ (\S+) HTTP', self.log.read_text("utf-8"))


@contextmanager
def serve(folder, compressed=False):
    """Serve a folder to this machine alone, text compressed if asked for; give the `Server`.

    From a process of its own that starts without `site`, so that neither coverage nor anything else comes into it. It
    ends with this one, however this one ends.
    """
    command = [sys.executable, "-I", "-S", Path(__file__).with_name("serve.py"), folder, *["compressed"] * compressed]
    with tempfile.TemporaryDirectory() as place:
        log = Path(place) / "requests.log"
        with log.open("w", encoding="utf-8") as requests:
            pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": requests}
            with subprocess.Popen(command, **pipes, text=True) as process:
                port = process.stdout.readline().strip()
                if not port:
                    raise BrokenError(f"no server starts on this machine: {log.read_text('utf-8').strip()}")
                yield Server(f"http://127.0.0.1:{port}", log)


def kernel_of(python):
    """Return a manager that starts the kernel of another Python, which reaches nothing but this machine."""
    argv = [str(python), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    argv.append("--IPKernelApp.log_level=40")  # no warning about the transport on loopback
    specs = KernelSpecManager()
    env = {"PYTHONPATH": str(OFFLINE), "PYDEVD_DISABLE_FILE_VALIDATION": "1"}  # the latter silences older kernels
    specs.get_kernel_spec = lambda name: KernelSpec(argv=argv, env=env, display_name="Python 3", language="python")
    return AsyncKernelManager(kernel_spec_manager=specs)


def run_lessons(paths, python, folder, prepare=lambda notebook: None):
    """Run lessons in ``folder`` with the kernel of another Python; return what failed, a list of str.

    ``prepare`` may change a lesson before it is run. Each lesson prints a line as soon as it is done.
    """
    failures = []
    for number, path in enumerate(paths, 1):
        label = f"  [{number}/{len(paths)}] {path.name}"
        notebook = nbformat.read(path, as_version=4)
        prepare(notebook)
        began = time.perf_counter()
        try:
            notebooks.run(notebook, folder, notebooks.cell_counter(label), kernel_of(python))
            end = "passed"
        except CellExecutionError as error:
            end = f"{error.ename}: {error.evalue}"
        except (CellTimeoutError, DeadKernelError) as error:
            end = str(error)
        if end != "passed":
            failures.append(f"{path.name}: {end}")
        print(f"\r{label}: {time.perf_counter() - began:.0f} s, {end.splitlines()[0]}", flush=True)
    return failures
