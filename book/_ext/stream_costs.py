"""The directive ``stream-costs``: what one frame of a stream costs, as a table of `book/stream_costs.json`."""

import json
import math
from collections import Counter
from pathlib import Path

from sphinx.util.docutils import SphinxDirective

RESULTS = "book/stream_costs.json"
WAYS = {"model": "the model, called anew", "Stream": "`Stream`", "ONNX Runtime": "ONNX Runtime", "LiteRT": "LiteRT"}
ABOUT = {True: "since the reset", False: "last T frames"}


def name(run):
    """Write a family's name in its colour, and how it was built."""
    family, comma, how = run["column"].partition(",")
    return f"{{family}}`{family} <{run['family']}>`{comma}{how}"


def cell(times):
    """Write the median, and the 99th percentile in brackets."""
    half, most = times
    return f"{half:.2f} ({most:.2f})"


class StreamCosts(SphinxDirective):
    """A table with a row for each family, and below it how this was measured, and what came of very many frames."""

    def run(self):
        """Return the table and the lines."""
        path = Path(self.env.srcdir) / RESULTS
        self.env.note_dependency(str(path))
        stored = json.loads(path.read_text("utf-8"))
        table = [["family", "answers about", *WAYS.values()], [":--", ":--", *["--:"] * len(WAYS)]]
        for run in stored["runs"]:
            times = (cell(run["milliseconds"][way]) for way in WAYS)
            table.append([name(run), ABOUT[run["since_reset"]], *times])
        lines = [f"| {' | '.join(row)} |" for row in table]
        medians = [{way: half for way, (half, _) in run["milliseconds"].items()} for run in stored["runs"]]
        (fastest, times), *_ = Counter(min(run, key=run.get) for run in medians).most_common()
        machine, count = stored["made"]["machine"], stored["runs"][0]["timed"]
        lines += [
            "",
            f"Milliseconds for one frame: the median of {count:,} frames, and in brackets the 99th percentile. "
            f"Measured once, on one core ({machine}), on which other programs ran as well. {WAYS[fastest]} is "
            f"fastest for {times} of these {len(medians)} models. Where every tenth of a millisecond counts, write the "
            "files for both runtimes, and time them on your machine.",
        ]
        if long := [run for run in stored["runs"] if "after" in run]:
            differs = max(after["difference"] for run in long for after in run["after"].values())
            bound = 10.0 ** math.ceil(math.log10(differs))
            grown = max(0, *(run["after"]["Stream"]["megabytes"] for run in long))
            lines += [
                "",
                f"After {long[0]['frames']:,} small frames, the logits of a `Stream` and of both files differ from the "
                f"model's by at most {bound:.0e}, and the process of the `Stream` has grown by {grown:.1f} MB at "
                f"most (measured with {', '.join(run['column'] for run in long)}).",
            ]
        return self.parse_text_to_nodes("\n".join(lines))


def setup(app):
    """Register with Sphinx."""
    app.add_directive("stream-costs", StreamCosts)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
