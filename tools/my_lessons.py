"""Copy the lessons, without their outputs, to where a learner may do with them as they like.

Outputs give the answers away, and a notebook that is opened is soon changed: `make lab` works on these copies, which
git ignores. A copy that exists is left alone; delete it to begin anew.
"""

from pathlib import Path

import nbformat

ROOT = Path(__file__).resolve().parents[1]


def main(source=ROOT / "notebooks", target=ROOT / "my_lessons"):
    """Copy what is not there yet; return how many lessons that were."""
    target.mkdir(exist_ok=True)
    missing = [path for path in sorted(source.glob("*.ipynb")) if not (target / path.name).exists()]
    for path in missing:
        notebook = nbformat.read(path, as_version=4)
        for cell in notebook.cells:
            if cell.cell_type == "code":
                cell.outputs, cell.execution_count = [], None
        nbformat.write(notebook, target / path.name)
    print(f"Your copies of the lessons are in {target.name}/: {len(missing)} new, the others as you left them.")
    return len(missing)


if __name__ == "__main__":
    main()
