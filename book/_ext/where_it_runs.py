"""The directive ``where-it-runs``: what `make colab`, `make compatibility` or `make gpu` found, as a table."""

import json
import re
from pathlib import Path

from sphinx.util.docutils import SphinxDirective

RECORD = "book/where_it_runs.json"
PACKAGES = {"tensorflow": "TensorFlow", "keras": "Keras", "numpy": "NumPy"}
FIRST = {  # what names a row: its heading, and where it stands in the record
    "colab": {"runtime": "freeze", "its Python": "colab_python", "Python here": "python"},
    "compatibility": {"Python": "python", "packages": "versions"},
    "gpu": {"GPU": "device", "Python": "python"},
}


class WhereItRuns(SphinxDirective):
    """A table of what passed, and when; where nothing did, a line that says so."""

    required_arguments = 1

    def run(self):
        """Return the table."""
        path = Path(self.env.srcdir) / RECORD
        self.env.note_dependency(str(path))
        (kind,) = self.arguments
        rows = json.loads(path.read_text("utf-8"))[kind]
        if not rows:
            return self.parse_text_to_nodes("*Not tried yet.*")
        table = [[*FIRST[kind], *PACKAGES.values(), "lessons", "date"]]
        table.append([":--"] * len(table[0]))
        for row in rows:
            versions = [row["packages"][name] for name in PACKAGES]
            names = [re.sub(r"^0(?=\d)", "", lesson) for lesson in row["lessons"]]
            lessons = ", ".join("puzzles" if name == "pu" else name for name in names)
            first = [row[key] for key in FIRST[kind].values()]
            table.append([*first, *versions, lessons, row["date"]])
        return self.parse_text_to_nodes("\n".join(f"| {' | '.join(row)} |" for row in table))


def setup(app):
    """Register with Sphinx."""
    app.add_directive("where-it-runs", WhereItRuns)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
