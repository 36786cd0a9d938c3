"""The directive ``watchers``: which network found which fault of chapter 8's machine, as a table of the study."""

import json
from html import escape
from pathlib import Path
from statistics import median

from capability_matrix import STEPS
from docutils import nodes
from sphinx.util.docutils import SphinxDirective

from seqlib.alarms import poisson_interval

RESULTS = "book/machine.json"
ENOUGH, FALSE = 45, 3  # found of 50, and alarms in three hours: what counts as seen
ORDER = ("steps exchanged", "press late", "drift")
INVISIBLE = {  # what chapter 8 proves
    "single frame": ORDER,  # of a stuttering arm, noise shows it the same pose three times more
    "reconstruction error": ORDER,
    "average pooling": ORDER,
    "max pooling": ORDER,
    "3D CNN": ("drift",),
    "CNN + GRU": ("drift",),
    "prediction error": ("drift",),
}


def verdict(column, fault, runs):
    """Say in a word what the runs of a watcher, one per seed, show of a fault; str, empty if neither."""
    cells = [run["faults"][fault] for run in runs]
    if all(cell["found"] >= ENOUGH and run["false"] <= FALSE for cell, run in zip(cells, runs, strict=True)):
        return "seen"
    proven = fault in INVISIBLE.get(column, ())
    return "invisible" if proven and all(cell["found"] <= cell["twin_found"] for cell in cells) else ""


def by_column(runs):
    """Collect the runs of each watcher, in the order of the study; dict."""
    columns = {}
    for run in runs:
        columns.setdefault(run["column"], []).append(run)
    return columns


def cell(column, fault, runs):
    """Write one cell; str, HTML. What its colour and its frame say is there in words, too."""
    found = sum(run["faults"][fault]["found"] for run in runs)
    total = sum(run["faults"][fault]["total"] for run in runs)
    said = verdict(column, fault, runs)
    classes = f"level-{sum(found / total >= step for step in STEPS)}{' ceiling' * (said == 'invisible')}"
    hidden = f'<span class="visually-hidden">%{", " * bool(said)}{said}</span>'
    return f'<td><span class="{classes}">{100 * found / total:.0f}{hidden}</span></td>'


def alarms_row(column, runs):
    """Write what a watcher's alarms were like; str, a row of a MyST table."""
    false, hours = sum(run["false"] for run in runs), sum(run["tested_hours"] for run in runs)
    low, high = (count / hours for count in poisson_interval(false))
    delays = [delay for run in runs for fault in run["faults"].values() for delay in fault["delays"]]
    delay = f"{median(delays):.0f}" if delays else "none found"
    return f"| {column} | {false} | {low:.1f} to {high:.1f} | {delay} |"


class Watchers(SphinxDirective):
    """The matrix of watchers and faults, with false alarms and delays, and below it what it was measured on."""

    def run(self):
        """Return the figure."""
        path = Path(self.env.srcdir) / RESULTS
        self.env.note_dependency(str(path))
        runs = json.loads(path.read_text("utf-8"))["runs"]
        columns = by_column(runs)
        faults = list(runs[0]["faults"])
        head = "".join(f'<th scope="col"><span>{escape(fault)}</span></th>' for fault in faults)
        rows = "".join(
            f'<tr><th scope="row">{escape(column)}</th>{"".join(cell(column, fault, own) for fault in faults)}</tr>\n'
            for column, own in columns.items()
        )
        caption = '<caption class="visually-hidden">Found faults in percent, by watcher and fault</caption>'
        head = f"<thead><tr><td></td>{head}</tr></thead>"
        table = f'<table class="matrix watchers">{caption}{head}<tbody>\n{rows}</tbody></table>\n'
        figure = nodes.figure("", nodes.raw("", table, format="html"), classes=["matrix"])
        seeds, each = len({run["seed"] for run in runs}), runs[0]["events"]
        text = (
            f"Found faults in percent, {each} of each kind per seed, {seeds} seed{'s' * (seeds != 1)}. A frame marks "
            "what is proven to be invisible."
        )
        figure += nodes.legend("", nodes.paragraph("", "", *self.parse_inline(text)[0]))
        hours = sum(run["tested_hours"] for run in next(iter(columns.values())))
        lines = [
            f"| watcher | false alarms in {hours:.0f} h | per hour, 95% interval | median delay, in frames |",
            "|---|--:|--:|--:|",
            *(alarms_row(column, own) for column, own in columns.items()),
        ]
        return [figure, *self.parse_text_to_nodes("\n".join(lines))]


def setup(app):
    """Register with Sphinx."""
    app.add_directive("watchers", Watchers)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
