"""What a page takes from a stored lesson: the directive ``picture``, and the role ``cell``, a link to one of its cells.

Both name a cell as ``notebook::id``: the notebook without its ending, the id as stored in the cell.
"""

import hashlib
import os
from base64 import b64decode
from pathlib import Path

import nbformat
from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.util import logging
from sphinx.util.docutils import ReferenceRole, SphinxDirective

logger = logging.getLogger(__name__)


def read(env, name):
    """Read a notebook and make the page depend on it; a dict of its cells by their ids, {} if there is none."""
    path = Path(env.srcdir) / "notebooks" / f"{name}.ipynb"
    env.note_dependency(path)
    return {cell.id: cell for cell in nbformat.read(path, 4).cells} if path.exists() else {}


def keep_picture(env, data, suffix=".png"):
    """Write a picture beside the built pages, named after its content; return its path as the page sees it."""
    folder = Path(env.app.outdir).parent / "pictures"
    folder.mkdir(exist_ok=True)
    path = folder / f"{hashlib.sha256(data).hexdigest()[:16]}{suffix}"
    if not path.exists():  # a new date would have every page with this picture read again
        path.write_bytes(data)
    page = Path(env.doc2path(env.docname)).parent
    return Path(os.path.relpath(path, page)).as_posix()


class Picture(SphinxDirective):
    """Show the picture that a cell stores, with its alternative text; the body is the caption."""

    required_arguments = 1
    has_content = True
    option_spec = {"name": directives.unchanged_required}  # noqa: RUF012 (docutils wants a dict)

    def run(self):
        """Return the figure."""
        name, _, cell = self.arguments[0].partition("::")
        outputs = read(self.env, name).get(cell, {}).get("outputs", [])
        found = [output for output in outputs if "image/png" in output.get("data", {})]
        if len(found) != 1:
            raise self.error(f"picture must name a cell with one picture, as in notebook::id, not {self.arguments[0]}")
        alt = found[0].metadata["image/png"]["alt"]
        width = found[0].metadata["image/png"]["width"]
        figure = nodes.figure(classes=["from-lesson"] if width < 544 else ["wide", "from-lesson"])
        if "image/svg+xml" in found[0].data:
            kept = keep_picture(self.env, found[0].data["image/svg+xml"].encode(), ".svg")
        else:
            kept = keep_picture(self.env, b64decode(found[0].data["image/png"]))
        figure += nodes.image(uri=kept, alt=alt, width=f"{width}px", classes=["no-scaled-link"])
        if self.content:
            caption = nodes.caption()
            caption += [child for part in self.parse_content_to_nodes() for child in part.children]
            figure += caption
        self.add_name(figure)
        return [figure]


class Cell(ReferenceRole):
    """Link to a cell of a lesson: {cell}`text <notebook::id>`."""

    def run(self):
        """Return the link, or a warning that stops the build."""
        name, _, cell = self.target.partition("::")
        if cell not in read(self.env, name):
            logger.warning("there is no cell %s", self.target, location=self.get_location())
        page = Path(self.env.doc2path(self.env.docname, base=False)).parent
        address = f"{Path(os.path.relpath(f'notebooks/{name}.html', page)).as_posix()}#cell-{cell}"
        return [nodes.reference(self.rawtext, self.title, refuri=address, internal=True)], []


def name_cells(app, doctree):
    """Give each code cell on a notebook's page its id, so that it can be linked to."""
    path = Path(app.env.doc2path(app.env.docname))
    if path.suffix != ".ipynb":
        return
    cells = nbformat.read(path, 4).cells
    for container in doctree.findall(nodes.container):
        if container.get("nb_element") == "cell_code":
            container["ids"].append(f"cell-{cells[container['cell_index']].id}")


def setup(app):
    """Register with Sphinx."""
    app.add_directive("picture", Picture)
    app.add_role("cell", Cell())
    app.connect("doctree-read", name_cells)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
