"""Number the exercises of each chapter for themselves, as `seqlib.check` does: "3.2" is the second of chapter 3."""

from pathlib import PurePath

from docutils import nodes
from sphinx_exercise.directive import ExerciseDirective


class Exercise(ExerciseDirective):
    """``{exercise}``, numbered within its chapter; the package would number them all in one row."""

    def run(self):
        """Return the exercise, with its number in its title."""
        self.options["nonumber"] = None  # else the package's own number comes first
        count = self.env.temp_data["exercises"] = self.env.temp_data.get("exercises", 0) + 1
        chapter, _, _ = PurePath(self.env.docname).name.partition("_")
        found = super().run()
        kept = self.env.sphinx_exercise_registry[found[0]["label"]]["node"]  # a copy, for its solution
        for title in (node[0] for node in (*found, kept)):
            title[0] = nodes.Text(f"{title[0]} {int(chapter)}.{count}")
        return found


def setup(app):
    """Register with Sphinx."""
    app.setup_extension("sphinx_exercise")
    app.add_directive("exercise", Exercise, override=True)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
