"""Colab without Colab: its versions, our wheel behind the setup cell, and every lesson (``make colab``).

The environment holds what `frames-in-time` depends on and a notebook's kernel, in the versions of a freeze file, and
nothing that is not in that file: no lesson can lean on what Colab merely happens to have. (All of the file's 600 lines
would take gigabytes and prove less.)
"""

import os
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

from packaging.utils import canonicalize_name

import seqlib
from tools import environments, freezes, notebooks, setup_cell, where_it_runs
from tools.environments import BrokenError

KERNEL = ("ipykernel", "pip")  # what runs a notebook, and the setup cell's installer
OURS = "frames-in-time"
PYTHONS = ("3.11", "3.12", "3.13")


def needs():
    """List what the course needs and Colab has, for one lesson too: `Requirement` each."""
    return [*environments.needs(), *environments.needs("pictures")]


def requirements():
    """List what the environment is made of, beside what that depends on: requirements, a str each."""
    return [*map(str, needs()), *KERNEL]


def broken_promises(freeze):
    """Say which of our needs a freeze does not meet; a list of str."""
    broken = []
    for need in needs():
        pin = freeze.pins.get(canonicalize_name(need.name))
        if pin is None:
            broken.append(f"{need.name}: it is not in the freeze, and the course needs {need.name}{need.specifier}")
        elif not need.specifier.contains(pin, prereleases=True):
            broken.append(f"{need.name}: the freeze has {pin}, and the course needs {need.name}{need.specifier}")
    return broken


def nearest_python(version):
    """Return the path of the Python of a version such as "3.13.15", or of the nearest that is here."""
    minor = int(version.split(".")[1])
    for known in sorted(PYTHONS, key=lambda known: abs(int(known.split(".")[1]) - minor)):
        python = environments.find_python(known)
        if python:
            return python
    raise BrokenError(f"none of Python {', '.join(PYTHONS)} is here")


def resolve(freeze, python):
    """Resolve our needs in a freeze's versions for a Python, installing nothing; return uv's list of pins."""
    with tempfile.TemporaryDirectory() as folder:
        constraints = write_constraints(freeze, Path(folder) / "pins.txt")
        built = ("--only-binary", ":all:")  # a version without a wheel for this Python does not exist for it
        options = ("--quiet", "--python", python, "--constraint", constraints, *built)
        return environments.uv("pip", "compile", *options, "-", input="\n".join(requirements()))


def newest_python(freeze):
    """Return the path of the newest Python here for which a freeze's pins exist."""
    refusals = []
    for version in reversed(PYTHONS):
        python = environments.find_python(version)
        try:
            if python and resolve(freeze, python):
                return python
            refusals.append(f"Python {version} is not on this machine")
        except BrokenError as error:
            last = str(error).split("\n\n")[-1]  # uv's last paragraph says the most
            refusals.append(f"Python {version}: {' '.join(last.split())}")
    raise BrokenError("\n".join(["it does not say its Python, and its pins exist for none of these:", *refusals]))


def choose_python(freeze):
    """Return the path of the Python that a freeze names, or the nearest; if it names none, of one that its pins fit."""
    return nearest_python(freeze.python) if freeze.python else newest_python(freeze)


def write_constraints(freeze, path):
    """Write a freeze's pins for uv; return the path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{name}=={pin}\n" for name, pin in freeze.pins.items()), "utf-8")
    return path


def environment(freeze, python, folder, packages):
    """Make an environment in the freeze's versions, with something that answers to google.colab; return its Python."""
    constraints = write_constraints(freeze, Path(f"{folder}.txt"))
    interpreter = environments.make(folder, python, "--constraint", constraints, *packages)
    more = environments.installed(interpreter).keys() - freeze.pins.keys() - {"pip"}
    if more:  # Colab does without, so we do
        environments.uv("pip", "uninstall", "--python", interpreter, *more)
    site = Path(environments.run(interpreter, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").strip())
    (site / "google" / "colab").mkdir(parents=True, exist_ok=True)
    (site / "google" / "colab" / "__init__.py").write_text("", "utf-8")
    (site / "colab.pth").write_text("import google.colab\n", "utf-8")  # on Colab it is imported before the first cell
    return interpreter


def fetch(extras, interpreter):
    """Install what one lesson fetches on Colab by itself, since a kernel here has no network; it must move nothing."""
    before = environments.installed(interpreter)
    environments.uv("pip", "install", "--python", interpreter, *map(str, extras))
    changes = environments.moved(before, environments.installed(interpreter))
    ours = {canonicalize_name(extra.name) for extra in extras}
    others = [change for change in changes if change.split()[0] not in ours]
    if others:
        raise BrokenError(f"installing {', '.join(sorted(ours))} moved more: {', '.join(others)}")


@contextmanager
def release_page():
    """Serve the wheel where a setup cell that has the server's address looks for it; give the `Server`."""
    with tempfile.TemporaryDirectory() as folder:
        environments.build_wheel(Path(folder) / "releases" / "download" / f"v{seqlib.__version__}")
        with environments.serve(folder) as server:
            yield server


def check(freeze, folder, beginnings=()):
    """Run lessons on a freeze's versions; return the row for the record, or raise `BrokenError`."""
    began = time.perf_counter()
    print(f"Colab {freeze.name}: it has Python {freeze.python or '(not said)'}", flush=True)
    for change in where_it_runs.moved("colab", {"freeze": freeze.name, "packages": freeze.pins}):
        print(f"  since it last passed: {change}", flush=True)
    promises = broken_promises(freeze)
    if promises:
        raise BrokenError("\n".join(promises))
    python = choose_python(freeze)
    row = {"freeze": freeze.name, "python": environments.version_of(python), "colab_python": freeze.python}
    print(f"  this is Python {row['python']}", flush=True)
    interpreter = environment(freeze, python, folder, requirements())
    fetch(environments.needs("video"), interpreter)
    before = environments.installed(interpreter)
    row["packages"] = {name: version for name, version in before.items() if name in freeze.pins}

    def prepare(notebook):
        setup_cell.write(notebook, page.address)

    lessons = notebooks.lessons(beginnings)
    with release_page() as page, tempfile.TemporaryDirectory() as empty:
        failures = environments.run_lessons(lessons, interpreter, empty, prepare)
        requests = page.requests()
        if len(requests) != 1:
            failures.append(f"the setup cells made {len(requests)} requests, not one: {requests}")
    after = environments.installed(interpreter)
    changes = environments.moved(before, after)
    if changes != [f"{OURS} none -> {seqlib.__version__}"]:
        failures.append(f"installing moved more than {OURS}: {', '.join(changes)}")
    if failures:
        raise BrokenError("\n".join(failures))
    return row | {
        "lessons": [notebooks.number(path) for path in lessons],
        "seconds": round(time.perf_counter() - began),
    }


def main(arguments):
    """Check the freeze files that are named ("newest": the newest of ours), or all of ours; return how many failed."""
    ours = freezes.ours()
    files = ours[-1:] if arguments == ["newest"] else [Path(name) for name in arguments] or ours
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
        passed = f"{len(row['lessons'])} of {len(notebooks.lessons())} lessons"
        print(f"Colab {freeze.name}: {passed} were run and passed, no pin moved, {row['seconds']} s", flush=True)
        if file.resolve() in ours:
            record = where_it_runs.add if beginnings else where_it_runs.keep  # a row is of all lessons
            record("colab", row)
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]) > 0)
