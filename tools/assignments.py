"""Make the assignments: for each the student's copy, the executed solution, the edition's key and Gradescope's zip.

``python -m tools.assignments`` makes the practice variant; with a file as its argument, the variant that this secret
draws. Everything goes to ``_build/assignments``; nothing of it is ever committed.
"""

import contextlib
import sys
import time
import zipfile
from importlib.metadata import version
from pathlib import Path

import nbformat

from grading import secret
from grading.assignment import MASTERS, Assignment
from tools import notebooks, setup_cell

ROOT = notebooks.ROOT

SETUP = """\
#!/usr/bin/env bash
# Gradescope runs this once, as root, when it builds the container.
set -euo pipefail
apt-get update -q
apt-get install -q -y --no-install-recommends python3-pip
PIP_BREAK_SYSTEM_PACKAGES=1 pip3 install --quiet uv  # else newer systems refuse
export UV_PYTHON_INSTALL_DIR=/opt/python  # not in root's home, which nobody else can read
uv venv --quiet --python {python} /opt/grading
uv pip install --quiet --python /opt/grading/bin/python {packages}
chmod -R a+rX /opt /autograder/source/course
useradd --system --no-create-home student
chmod 600 /autograder/source/secret  # root alone reads the secret
"""

RUN = """\
#!/usr/bin/env bash
# Gradescope runs this, as root, for each submission. Student code then runs as the user "student".
chmod 700 /autograder/submission /autograder/results
chmod 600 /autograder/source/secret
echo '{{"output": "The grader did not run, which is not your fault. Tell your instructor."}}' \
    > /autograder/results/results.json
cd /autograder/source/course && exec /opt/grading/bin/python -m grading.gradescope {name}
"""


def make(name, key, folder, url=""):
    """Write one assignment's files below ``folder`` / ``name``; return its edition.

    Parameters
    ----------
    name : str
    key : bytes or None
        The secret; None for the practice variant, for which there are no Gradescope zip and no key.
    folder : Path
    url : str
        The repository's address, for the setup cell.
    """
    assignment = Assignment(name, key)
    for which, notebook in (("student", assignment.student), ("solution", assignment.solution)):
        notebook = nbformat.from_dict(notebook)
        setup_cell.write(notebook, url)
        path = folder / name / which / f"{name}.ipynb"
        with private(path.parent) if which == "solution" else contextlib.nullcontext():
            path.parent.mkdir(parents=True, exist_ok=True)
            if which == "solution":
                notebooks.execute(notebook, path.parent)
            nbformat.write(notebook, path)
    if key:
        own = secret.published(assignment.key, name)
        for path, write in (
            (folder / name / "gradescope" / f"{name}.zip", lambda path: gradescope_zip(assignment, own, path)),
            (folder / name / "key" / f"{name}.key", lambda path: path.write_bytes(own)),
        ):
            with private(path.parent):
                write(path)
    return assignment.edition


@contextlib.contextmanager
def private(folder):
    """Make a folder, and keep from everybody else what is written into it meanwhile."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    yield
    for file in folder.iterdir():
        file.chmod(0o600)


def gradescope_zip(assignment, own, path):
    """Write the zip that Gradescope makes an autograder of; the key of this edition is in it."""
    packages = [package for package in assignment.packages if package != "seqlib"]  # which lies beside the grader
    pinned = " ".join(f"{package}=={version(package)}" for package in packages)
    python = ".".join(map(str, sys.version_info[:2]))
    course = [*(ROOT / "seqlib").glob("*.py"), *(ROOT / "grading").glob("*.py"), *MASTERS.glob(f"{assignment.name}.*")]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for script, text in (
            ("setup.sh", SETUP.format(packages=pinned, python=python)),
            ("run_autograder", RUN.format(name=assignment.name)),
        ):
            info = zipfile.ZipInfo(script)
            info.external_attr = 0o100755 << 16
            archive.writestr(info, text)
        archive.writestr("secret", own)
        for file in course:
            archive.write(file, Path("course") / file.relative_to(ROOT))


def main(arguments, folder=ROOT / "_build" / "assignments"):
    """Make all assignments."""
    try:
        key = secret.read(arguments[0], ROOT) if arguments else None
    except ValueError as error:
        raise SystemExit(str(error)) from None
    url = setup_cell.address((ROOT / "_config.yml").read_text("utf-8"))
    began = time.perf_counter()
    names = sorted(path.stem for path in MASTERS.glob("*.ipynb"))
    if not key and any((folder / name / "gradescope").exists() for name in names):
        raise SystemExit(
            f"{folder} holds assignments that a secret drew, and the practice variant would replace them: "
            "give SECRET=FILE, or take that folder away"
        )
    for number, name in enumerate(names, 1):
        print(f"[{number}/{len(names)}] {name}: filling in, and running the solution ...", flush=True)
        print(f"      edition {make(name, key, folder, url)}", flush=True)
    kind = "the variant that the secret draws" if key else "the practice variant; for a graded one, SECRET=FILE"
    print(f"{len(names)} assignments in {time.perf_counter() - began:.0f} s, {kind}: {folder.relative_to(ROOT)}")


if __name__ == "__main__":
    main(sys.argv[1:])
