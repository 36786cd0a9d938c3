"""The directive ``status``: when each notebook last ran, for how long and with which versions."""

import json

from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

logger = logging.getLogger(__name__)

VERSIONS = {"python": "Python", "tensorflow": "TensorFlow", "keras": "Keras", "numpy": "NumPy"}


class Status(SphinxDirective):
    """A table with one row for each notebook of the book, read from what `make notebooks` wrote into it."""

    def run(self):
        """Return the table."""
        rows = [
            ["notebook", "last run", "seconds", *VERSIONS.values()],
            [":--", "--:", "--:", *["--:"] * len(VERSIONS)],
        ]
        rows += [self.row(name) for name in self.env.config.external_site_map if self.is_notebook(name)]
        return self.parse_text_to_nodes("\n".join(f"| {' | '.join(row)} |" for row in rows))

    def is_notebook(self, name):
        """Tell whether a page of the table of contents is a notebook; bool."""
        return self.env.doc2path(name).endswith(".ipynb")

    def row(self, name):
        """Return a notebook's cells, list of str."""
        path = self.env.doc2path(name)
        self.env.note_dependency(path)
        with open(path, encoding="utf-8") as file:
            run = json.load(file)["metadata"].get("frames_in_time")
        if run is None:
            logger.warning(
                "%s.ipynb does not say when it last ran: run `make notebooks`", name, location=self.get_location()
            )
            run = {}
        seconds = f"{run['seconds']:.0f}" if "seconds" in run else "?"
        return [f"{{doc}}`/{name}`", run.get("date", "?"), seconds, *(run.get(key, "?") for key in VERSIONS)]


def setup(app):
    """Register with Sphinx."""
    app.add_directive("status", Status)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
