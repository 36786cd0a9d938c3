"""Open your copies of the lessons in JupyterLab: ``python -m tools.lab``, with any options of JupyterLab's.

JupyterLab serves the whole clone and opens at the copies. Their links to chapters open pages of the built book, which
the same server has; if there is no book yet, it is built first.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

from tools import kernels, my_lessons

ROOT = my_lessons.ROOT
BOOK = ROOT / "_build" / "html"
PAGE = "/static/book/{}.html"  # where JupyterLab has a page of the book
BUILD = "import sys; from jupyter_book.cli.main import main; sys.exit(main())"


def check_home():
    """Stop with a sentence if nothing can be written to the home folder, where JupyterLab and Keras keep files."""
    try:
        tempfile.TemporaryFile(dir=Path.home()).close()
    except OSError as error:
        raise SystemExit(
            f"JupyterLab keeps files in your home folder, and {Path.home()} cannot be written to ({error.strerror}). "
            "Name another folder: HOME=/some/folder make lab"
        ) from None


def build_book():
    """Build the book if it is not there."""
    if (BOOK / "index.html").exists():
        return
    print("Building the book, to which the lessons link (about ten seconds, once) ...", flush=True)
    command = [sys.executable, "-c", BUILD, "build", "--quiet", "."]
    if subprocess.run(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode:
        print("The book was not built, so links to its chapters do not open; make book says why.")


def options(arguments=()):
    """List the options with which JupyterLab serves clone and book, and opens at the copies; what is given goes first.

    Examples
    --------
    >>> options(["--ServerApp.root_dir=/home/me", "--no-browser"])[-3:]
    ['--LabApp.default_url=/lab/tree/my_lessons', '--ServerApp.root_dir=/home/me', '--no-browser']
    """
    ours = {
        "--log-level": "WARN",
        "--ServerApp.root_dir": ROOT,
        "--ServerApp.extra_static_paths": BOOK,
        "--LabApp.default_url": "/lab/tree/my_lessons",
    }
    given = {argument.partition("=")[0] for argument in arguments}
    return [*(f"{name}={value}" for name, value in ours.items() if name not in given), *arguments]


def main(arguments):
    """Make the copies that are missing, and run JupyterLab."""
    check_home()
    my_lessons.main(book=PAGE)
    build_book()
    kernels.use()
    from jupyterlab.labapp import main as jupyterlab

    return jupyterlab(options(arguments))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
