"""Colab without Colab: its versions, our wheel behind the setup cell, and every lesson (``make colab``).

The environment holds what `frames-in-time` depends on and a notebook's kernel, in the versions of a freeze file, and
nothing that is not in that file: no lesson can lean on what Colab merely happens to have. (All of the file's 600 lines
would take gigabytes and prove less.)
"""

import os
import sys
import tempfile
import threading
import time
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from packaging.utils import canonicalize_name

import seqlib
from tools import environments, freezes, notebooks, setup_cell, where_it_runs
from tools.environments import BrokenError

KERNEL = ("ipykernel", "pip")  # what runs a notebook, and the setup cell's installer
OURS = "frames-in-time"
PYTHONS = ("3.11", "3.12", "3.13")


def broken_promises(freeze):
    """Say which of our needs a freeze does not meet; a list of str."""
    found = []
    for need in environments.needs():
        pin = freeze.pins.get(canonicalize_name(need.name))
        if pin is None:
            found.append(f"{need.name}: it is not in the freeze, and the course needs {need.name}{need.specifier}")
        elif not need.specifier.contains(pin, prereleases=True):
            found.append(f"{need.name}: the freeze has {pin}, and the course needs {need.name}{need.specifier}")
    return found


def nearest_python(wanted):
    """Return the path of the Python ``wanted`` (such as "3.13.15"), or of the nearest that is here."""
    minor = int(wanted.split(".")[1]) if wanted else 13
    for version in sorted(PYTHONS, key=lambda known: abs(int(known.split(".")[1]) - minor)):
        python = environments.find_python(version)
        if python:
            return python
    raise BrokenError(f"none of Python {', '.join(PYTHONS)} is here")


def write_constraints(freeze, path):
    """Write a freeze's pins for uv; return the path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{name}=={pin}\n" for name, pin in freeze.pins.items()), "utf-8")
    return path


def environment(freeze, python, folder):
    """Make an environment in the freeze's versions, with something that answers to google.colab; return its Python."""
    constraints = write_constraints(freeze, Path(f"{folder}.txt"))
    needs = [str(need) for need in environments.needs()]
    made = environments.make(folder, python, "--constraint", constraints, *needs, *KERNEL)
    more = environments.installed(made).keys() - freeze.pins.keys() - {"pip"}
    if more:  # Colab does without, so we do
        environments.uv("pip", "uninstall", "--python", made, *more)
    site = Path(environments.run(made, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").strip())
    (site / "google" / "colab").mkdir(parents=True, exist_ok=True)
    (site / "google" / "colab" / "__init__.py").write_text("", "utf-8")
    (site / "colab.pth").write_text("import google.colab\n", "utf-8")  # on Colab it is imported before the first cell
    return made


class _ReleasePage(SimpleHTTPRequestHandler):
    """Serves a folder and remembers what was asked of it."""

    def log_message(self, *message):
        self.server.asked.append(self.path)


@contextmanager
def release_page():
    """Serve the wheel where the setup cell looks for it; give a server that knows its address and what it was asked."""
    with tempfile.TemporaryDirectory() as folder:
        environments.build_wheel(Path(folder) / "course" / "releases" / "download" / f"v{seqlib.__version__}")
        with ThreadingHTTPServer(("127.0.0.1", 0), partial(_ReleasePage, directory=folder)) as server:
            server.asked, server.address = [], f"http://127.0.0.1:{server.server_port}/course"
            threading.Thread(target=server.serve_forever, daemon=True).start()
            yield server
            server.shutdown()


def check(freeze, folder, beginnings=()):
    """Run lessons on a freeze's versions; return the row for the record, or raise `BrokenError`."""
    began = time.perf_counter()
    python = nearest_python(freeze.python)
    here = environments.version_of(python)
    print(f"Colab {freeze.name}: it has Python {freeze.python or '(not said)'}; this is {here}", flush=True)
    row = {"freeze": freeze.name, "python": here, "colab_python": freeze.python, "packages": freeze.pins}
    for change in where_it_runs.moved("colab", row):
        print(f"  since it last passed: {change}", flush=True)
    promises = broken_promises(freeze)
    if promises:
        raise BrokenError("\n".join(promises))
    colab = environment(freeze, python, folder)
    before = environments.installed(colab)
    row["packages"] = {name: version for name, version in before.items() if name in freeze.pins}

    def prepare(notebook):
        setup_cell.write(notebook, page.address)

    lessons = notebooks.lessons(beginnings)
    with release_page() as page, tempfile.TemporaryDirectory() as empty:
        wrong = environments.run_lessons(lessons, colab, empty, prepare)
        if len(page.asked) != 1:
            wrong.append(f"the setup cells made {len(page.asked)} requests, not one: {page.asked}")
    after = environments.installed(colab)
    changes = environments.moved(before, after)
    if changes != [f"{OURS} none -> {seqlib.__version__}"]:
        wrong.append(f"installing moved more than {OURS}: {', '.join(changes)}")
    if wrong:
        raise BrokenError("\n".join(wrong))
    return row | {"lessons": [path.stem[:2] for path in lessons], "seconds": round(time.perf_counter() - began)}


def main(arguments):
    """Check the freeze files that are named, or all of ours; return how many failed."""
    files = [Path(name) for name in arguments] or freezes.ours()
    beginnings = os.environ.get("NB", "").split()
    failed = 0
    for file in files:
        freeze = freezes.read(file)
        try:
            row = check(freeze, environments.FOLDER / f"colab-{freeze.name}", beginnings)
        except BrokenError as error:
            failed += 1
            print(f"Colab {freeze.name} is broken:\n{error}\n", flush=True)
            continue
        print(f"Colab {freeze.name}: {len(row['lessons'])} lessons passed, no pin moved, {row['seconds']} s")
        if file.resolve() in freezes.ours():
            where_it_runs.keep("colab", row)
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]) > 0)
