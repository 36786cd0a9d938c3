"""Every promised Python, with the oldest and the newest packages that the ranges allow (``make compatibility``).

In each, seqlib's quick tests and some lessons are run, the lessons without network and compared with their stored
outputs. The lessons are dealt out over the Pythons, so that each is run once with the oldest and once with the newest;
``PYTHONS=3.12`` names one alone, which then runs all of them; ``NB=02`` leaves out the lessons that do not begin so.
"""

import os
import re
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path

from packaging.utils import canonicalize_name

from tools import environments, notebooks, where_it_runs
from tools.environments import ROOT, BrokenError

PYTHONS = ("3.11", "3.12", "3.13")
RESOLUTIONS = {"oldest": "lowest-direct", "newest": "highest"}
RUNNERS = ("pytest", "nbval", "hypothesis", "nbclient", "ipykernel")  # in the versions that .venv has
QUIETLY = ("-p", "no:cacheprovider", "-q", "-rfE", "-W", "ignore", "--tb=short")
TESTS = ("import", "measure", "rendering", "training", "widgets")  # what leans most on versions; lessons do the rest


def environment(python, versions, folder):
    """Make an environment with the oldest or the newest versions, and our wheel; return its Python."""
    extras = (need for extra in ("video", "pictures") for need in environments.needs(extra))
    needs = [str(need) for need in (*environments.needs(), *extras)]
    runners = [f"{name}=={version(name)}" for name in RUNNERS]
    built = ("--only-binary", ":all:")  # an old release without a wheel for this Python is none
    resolution = ("--resolution", RESOLUTIONS[versions])
    interpreter = environments.make(folder, python, *resolution, *built, *needs, *runners)
    environments.install_wheel(interpreter)
    return interpreter


def check(python, versions, folder, lessons):
    """Run tests and lessons in one environment; return the row for the record, or raise `BrokenError`."""
    began = time.perf_counter()
    interpreter = environment(python, versions, folder)
    packages = environments.installed(interpreter)
    ours = [canonicalize_name(need.name) for need in environments.needs()]
    row = {"python": environments.version_of(interpreter), "versions": versions, "packages": packages}
    print(f"Python {row['python']}, {versions}: {', '.join(f'{name} {packages[name]}' for name in ours)}", flush=True)
    for change in where_it_runs.moved("compatibility", row):
        print(f"  since it last passed: {change}", flush=True)
    log = Path(f"{folder}.log")
    tests = [f"tests/test_{name}.py" for name in TESTS]
    with log.open("w", encoding="utf-8") as file:
        command = [interpreter, "-m", "pytest", *QUIETLY, *tests, *lessons]
        done = subprocess.run(command, cwd=ROOT, stdout=file, stderr=subprocess.STDOUT)
    output = log.read_text("utf-8")
    if done.returncode:
        failures = [*re.findall(r"(?m)^(?:FAILED|ERROR) .*", output), *re.findall(r"(?m)^E   .*", output)]
        failures = failures or output.splitlines()[-20:]
        raise BrokenError("\n".join([*failures[:20], f"(all of it stands in {log.relative_to(ROOT)})"]))
    passed, seconds = re.search(r"(\d+) passed", output.splitlines()[-1])[1], round(time.perf_counter() - began)
    numbers = [notebooks.number(path) for path in lessons]
    print(f"  {passed} tests and cells of the lessons {', '.join(numbers)} passed, {seconds} s", flush=True)
    return row | {"lessons": numbers, "seconds": seconds}


def main(pythons=PYTHONS):
    """Check all of it, or the Pythons that are named; return how many environments failed."""
    found = {minor: python for minor in pythons if (python := environments.find_python(minor))}
    for minor in pythons:
        if minor not in found:
            print(f"Python {minor} is not on this machine: left out")
    if not found:
        raise SystemExit(f"PYTHONS must name a Python of this machine, not {' '.join(pythons)}")
    beginnings = os.environ.get("NB", "").split()
    failed, lessons = 0, notebooks.lessons(beginnings)
    for versions in RESOLUTIONS:
        for turn, (minor, python) in enumerate(found.items()):
            folder, dealt = environments.FOLDER / f"{minor}-{versions}", lessons[turn :: len(found)]
            try:
                row = check(python, versions, folder, dealt)
            except BrokenError as error:
                failed += 1
                print(f"Python {minor}, {versions} versions, is broken:\n{error}\n", flush=True)
                continue
            record = where_it_runs.add if beginnings else where_it_runs.keep  # a row is of all lessons
            record("compatibility", row)
    return failed


if __name__ == "__main__":
    sys.exit(main(os.environ.get("PYTHONS", "").split() or PYTHONS) > 0)
