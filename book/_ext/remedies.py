"""The directive ``remedies``: what helped a network that overfits 64 clips, as a table of `book/remedies.json`."""

import json
from pathlib import Path
from statistics import mean

from sphinx.util.docutils import SphinxDirective

RESULTS = "book/remedies.json"
NAMES = {  # of the study's columns, on the page
    "Flatten": "`Flatten`, and nothing done",
    "Flatten, fewer parameters": "fewer parameters behind the `Flatten`",
    "Flatten, dropout": "dropout of 0.5 before the last layer",
    "Flatten, early stopping": "early stopping, by 16 of the 64 clips",
    "Flatten, shifted clips": "augmentation: clips shifted to random places",
    "Flatten, frozen convolutions": "frozen features, learned on `shape`",
    "maximum": "global head: a maximum in place of `Flatten`",
    "maximum, shifted clips": "global head, and shifted clips",
    "maximum, frozen convolutions": "global head, and frozen features",
}


def percent(runs):
    """Write the mean accuracy on new clips of some runs, with the lowest and the highest."""
    reached = [run["right"] / run["total"] for run in runs]
    return f"{mean(reached):.0%} ({min(reached):.0%} to {max(reached):.0%})"


def loss(runs):
    """Write the mean loss on new clips at the end of some runs."""
    return f"{mean(run['loss'][-1] for run in runs):.2f}"


class Remedies(SphinxDirective):
    """A table with a row for each remedy, and below it what it was measured on."""

    def run(self):
        """Return the table and the line."""
        path = Path(self.env.srcdir) / RESULTS
        self.env.note_dependency(str(path))
        runs = json.loads(path.read_text("utf-8"))["runs"]
        cells = {}
        for run in runs:
            cells.setdefault((run["column"], run["task"]), []).append(run)
        tasks = list(dict.fromkeys(task for _, task in cells))
        table = [["remedy", "weights trained", *(f"`{task}`, right | loss" for task in tasks)]]
        table.append([":--", *["--:"] * (1 + 2 * len(tasks))])
        for column, name in NAMES.items():
            row = [cells[column, task] for task in tasks]
            weights = f"{row[0][0]['trained_parameters']:,}"
            table.append([name, weights, *(f"{percent(cell)} | {loss(cell)}" for cell in row)])
        plain = cells["Flatten", tasks[0]]
        first = mean(run["loss"][0] for run in plain)
        lines = [f"| {' | '.join(row)} |" for row in table]
        lines += [
            "",
            f"On new clips: means of {len(plain)} seeds, in brackets the lowest and the highest. With nothing done, "
            f"the loss on new clips of `{tasks[0]}` is {first:.2f} after the first of {len(plain[0]['loss'])} epochs "
            f"and {loss(plain)} after the last.",
        ]
        return self.parse_text_to_nodes("\n".join(lines))


def setup(app):
    """Register with Sphinx."""
    app.add_directive("remedies", Remedies)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
