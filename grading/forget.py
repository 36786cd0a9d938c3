"""Delete the names, marks and answers of a class: ``python -m grading.forget ~/frames-grades/A1``.

All that the grader wrote into its folder goes, and ``written.csv`` and ``overrides.csv`` with it. Other files stay, and
are named.
"""

import shutil
import sys
from pathlib import Path

from .reports import FOLDERS

FILES = (
    *("grades.csv", "notes.csv", "questions.csv", "changes.csv", "written.csv", "overrides.csv", "canvas.csv"),
    *("moodle.csv", "written.html", "oral.html", "uploaded.json", "feedback_canvas.zip", "feedback_moodle.zip"),
)


def forget(folder):
    """Delete what the grader wrote into a folder; return the names of what is left in it.

    Raises
    ------
    ValueError
        If it holds nothing that the grader writes first.
    """
    folder = Path(folder)
    if not (folder / "results").is_dir():
        raise ValueError(f"folder must be one that the grader wrote to, with results in it, not {folder}")
    for name in FILES:
        for path in (folder / name, folder / f"{name}.unfinished"):
            path.unlink(missing_ok=True)
    for name in FOLDERS:
        path = folder / name
        if path.is_symlink():
            path.unlink()
        elif path.exists():
            shutil.rmtree(path)
    left = sorted(path.name for path in folder.iterdir())
    if not left:
        folder.rmdir()
    return left


def main(folders):
    """Delete; return the exit code."""
    if not folders:
        print(__doc__, file=sys.stderr)
    for folder in folders:
        try:
            left = forget(folder)
        except (OSError, ValueError) as error:
            print(error, file=sys.stderr)
            return 1
        print(f"{folder}: deleted" + (f", except {', '.join(left)}, which the grader did not write" if left else ""))
    return int(not folders)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
