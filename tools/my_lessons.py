"""Copy the lessons, without outputs and plumbing, to where a learner may do with them as they like.

Outputs give the answers away, and a notebook that is opened is soon changed: `make lab` works on these copies, which
git ignores. A copy that exists is left alone; delete it to begin anew. What `tools.plumbing` has marked is left out; of
a plot whose code is hidden, the picture stays. Text that says what a cell has shown is folded until it is wanted.
"""

import re
from html import escape
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from tools import plumbing, setup_cell

ROOT = Path(__file__).resolve().parents[1]
FOLD = "<details>\n<summary>Run the cells above, then read on</summary>\n\n{}\n\n</details>"
PAGE = re.compile(r"\]\(\.\./book/(\w+)\.md")
OF_A_FOLDED_CELL = ("jupyter", "cellView")  # what of a cell's metadata a copy keeps


def copy_of(notebook, book="../book/{}.md"):
    """Return a learner's copy of a lesson; in ``book``, the address of a page of the book, {} stands for its name."""
    cells, folds, open_fold, below_output = [], [], None, False
    for cell in notebook.cells:
        picture = hidden_picture(cell)
        if picture or (below_output and is_reading(cell)):
            if open_fold is None:
                open_fold = new_markdown_cell("", id=cell.id)
                cells.append(open_fold)
                folds.append(open_fold)
            add(open_fold, picture or cell)
            below_output = picture is not None
        elif not plumbing.is_plumbing(cell):
            cells.append(bare(cell))
            open_fold, below_output = None, cell.cell_type == "code"
    for fold in folds:
        fold.source = FOLD.format(fold.source)
    for cell in cells:
        if cell.cell_type == "markdown":
            cell.source = PAGE.sub(lambda link: f"]({book.format(link[1])}", cell.source)
    return new_notebook(cells=cells, metadata=notebook.metadata)


def bare(cell):
    """Return a cell without outputs, tags and texts of its pictures."""
    if cell.cell_type == "markdown":
        return new_markdown_cell(cell.source, id=cell.id)
    metadata = {name: cell.metadata[name] for name in OF_A_FOLDED_CELL if name in cell.metadata}
    return new_code_cell(cell.source, id=cell.id, metadata=metadata)


def is_reading(cell):
    """Tell whether a cell, if it stands below an output, is about it: it is text, and begins nothing new."""
    begins = cell.source.startswith(("#", "<details>")) or setup_cell.LINKS_TAG in cell.metadata.get("tags", [])
    return cell.cell_type == "markdown" and not begins and not plumbing.is_plumbing(cell)


def hidden_picture(cell):
    """Return the picture that plumbing has drawn, as a text cell; None for any other cell."""
    outputs = cell.get("outputs", []) if plumbing.is_plumbing(cell) else []
    for output in outputs:
        if "image/png" in output.get("data", {}):
            name, shown = f"{cell.id}.png", output.metadata["image/png"]
            width = f' width="{shown["width"]}"' if "width" in shown else ""
            text = new_markdown_cell(f'<img src="attachment:{name}"{width} alt="{escape(shown["alt"])}">')
            text.attachments = {name: {"image/png": output.data["image/png"]}}
            return text
    return None


def add(fold, cell):
    """Put a text cell, and the pictures that are attached to it, to the end of another one."""
    fold.source = "\n\n".join(filter(None, (fold.source, cell.source)))
    if "attachments" in cell:
        fold.attachments = fold.get("attachments", {}) | cell.attachments


def main(source=ROOT / "notebooks", target=ROOT / "my_lessons", **options):
    """Copy what is not there yet, with the options of `copy_of`; return how many lessons that were."""
    target.mkdir(exist_ok=True)
    missing = [path for path in sorted(source.glob("*.ipynb")) if not (target / path.name).exists()]
    for path in missing:
        nbformat.write(copy_of(nbformat.read(path, as_version=4), **options), target / path.name)
    print(f"Your copies of the lessons are in {target.name}/: {len(missing)} new, the others as you left them.")
    return len(missing)


if __name__ == "__main__":
    main()
