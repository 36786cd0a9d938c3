"""The directive ``how-fast``: what `make bench` measured, from `book/bench.json`: a table, or the growth as a plot.

A comparison that misses its goal is explained in `book/misses.toml`; without an explanation the book is not built.
"""

import json
import tomllib
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from docutils import nodes
from lessons import keep_picture
from sphinx.util.docutils import SphinxDirective

from seqlib import show

RECORD, MISSES = "book/bench.json", "book/misses.toml"
PACKAGES = {"python": "Python", "tensorflow": "TensorFlow", "keras": "Keras", "torch": "PyTorch", "numpy": "NumPy"}
PACKAGES |= {"onnxruntime": "ONNX Runtime", "ai-edge-litert": "LiteRT", "opencv-python-headless": "OpenCV"}
PACKAGES |= {"pillow": "Pillow", "tensorflow-datasets": "TensorFlow Datasets", "av": "PyAV", "imageio": "imageio"}
AXES = {"frames": "frames, T", "size": "height and width", "batch": "clips in a batch"}
EXPONENTS = {  # the head of each column, what was measured, and along which axis
    "step, T": ("step", "frames"),
    "step, size": ("step", "size"),
    "step, batch": ("step", "batch"),
    "answer, T": ("answer", "frames"),
    "answer, size": ("answer", "size"),
    "memory, T": ("memory", "frames"),
    "memory, size": ("memory", "size"),
    "memory, batch": ("memory", "batch"),
    "multiply-adds, T": ("multiply_adds", "frames"),
    "multiply-adds, size": ("multiply_adds", "size"),
}


def time(seconds):
    """Write a time with its unit; str.

    Examples
    --------
    >>> time(0.0004), time(0.0417), time(2.5)
    ('0.40 ms', '42 ms', '2.5 s')
    """
    if seconds >= 1:
        return f"{seconds:.1f} s"
    return f"{1000 * seconds:.{2 if seconds < 0.001 else 1 if seconds < 0.01 else 0}f} ms"


def ratio(numbers):
    """Write a ratio with its quartiles; str.

    Examples
    --------
    >>> ratio([0.8, 0.834, 0.9]), ratio([12.2, 13.1, 14])
    ('0.83 (0.80 to 0.90)', '13 (12 to 14)')
    """
    low, middle, high = (f"{number:.{0 if numbers[1] >= 10 else 2}f}" for number in numbers)
    return f"{middle} ({low} to {high})"


def misses_goal(one):
    """Tell whether a comparison misses its goal, by the median; one without a goal does not.

    Examples
    --------
    >>> [misses_goal({"ratio": [0.9, 1.1, 1.2], "goal": goal}) for goal in (1.0, 1.1, None)]
    [True, False, False]
    """
    return one["goal"] is not None and one["ratio"][1] > one["goal"]


def verdict(one):
    """Say whether a comparison reaches its goal; str."""
    if one["goal"] is None:
        return "none"
    return f"{one['goal']:g}: " + ("**missed**" if misses_goal(one) else "reached")


def table(rows):
    """Write a group's comparisons as lines of a table, one for each that the course is compared with."""
    head = ["what", "the course", "against", "takes", "ratio", "goal"]
    lines = [head, [":--", "--:", ":--", "--:", "--:", ":--"]]
    for row in rows:
        for one in row["against"]:
            mine, others = row["seconds"][row["ours"]][1], row["seconds"][one["best"]][1]
            numbers = [time(mine), time(others), ratio(one["ratio"]), verdict(one)]
            mine, others, times, goal = (number.replace(" ", "\u00a0") for number in numbers)  # on one line each
            lines.append([row["row"], mine, one["best"], others, times, goal])
    return [f"| {' | '.join(line)} |" for line in lines]


def stages(row):
    """Write what each stage of a row takes, and what came of it, as lines of a table with a sentence before it."""
    names = list(row["stages"][row["ours"]])
    lines = [[row["row"], *names, "right on new clips"], [":--", *["--:"] * (len(names) + 1)]]
    for who, seconds in row["stages"].items():
        lines.append([who, *map(time, seconds.values()), f"{row['accuracy'][who][1]:.0%}"])
    return ["", f"Where the time goes, {row['row']}:", "", *(f"| {' | '.join(line)} |" for line in lines)]


def explained(group, rows, misses):
    """Return the explanations of a group's misses, as lines of a list; raise LookupError for one that has none."""
    found = {}
    for row in rows:
        for one in filter(misses_goal, row["against"]):
            fits = [miss for miss in misses if miss["group"] == group and one["who"] in miss["against"]]
            why = [miss["why"] for miss in fits if row["row"] in miss["rows"]]
            if not why:
                raise LookupError(
                    f"{MISSES} must explain why {row['row']!r} misses against {one['who']!r} in {group!r}"
                )
            found |= dict.fromkeys(why)
    return [f"- {' '.join(text.split())}" for text in found]


def exponent(points, axis, measure):
    """Fit by which power of an axis a measurement grows; float. Other axes stay at their usual value."""
    xs, ys = along(points, axis, measure)
    return float(np.polyfit(np.log(xs), np.log(ys), 1)[0])


def along(points, axis, measure):
    """Return the values of an axis, sorted, and what was measured there, where the other axes are usual."""
    usual = {other: max(set(values), key=values.count) for other, values in columns(points).items()}
    chosen = [p for p in points if all(p[other] == usual[other] for other in AXES if other != axis)]
    chosen = sorted((p for p in chosen if p[measure] is not None), key=lambda point: point[axis])
    measured = [point[measure] for point in chosen]
    return [point[axis] for point in chosen], [number[1] if isinstance(number, list) else number for number in measured]


def columns(points):
    """Return the values of each axis; a dict of lists."""
    return {axis: [point[axis] for point in points] for axis in AXES}


def exponents(rows):
    """Write a table of exponents, a row for each family."""
    columns = EXPONENTS.values()
    cells = [[row["row"], *(f"{exponent(row['points'], axis, what):.2f}" for what, axis in columns)] for row in rows]
    lines = [["family", *EXPONENTS], [":--", *["--:"] * len(columns)], *cells]
    return [f"| {' | '.join(line)} |" for line in lines]


def look(row):
    """Return how a family is drawn; an RNN by its cell."""
    return show.CELLS.get(row["settings"].get("cell"), show.FAMILIES[row["family"]])


def plot(rows):
    """Draw the time of a step along each axis; a `seqlib.show.Picture`."""
    with plt.style.context(show.STYLE):
        figure, axes = plt.subplots(1, 3, figsize=(9, 3.9), sharey=True)
        for axis, name in zip(axes, AXES, strict=True):
            for row in rows:
                xs, ys = along(row["points"], name, "step")
                how = look(row)
                axis.plot(xs, 1000 * np.array(ys), how.dashes, marker=how.marker, color=how.colour, label=row["row"])
            axis.set(xscale="log", yscale="log", xlabel=AXES[name])
            axis.set_xticks(xs, [f"{x}" for x in xs])
            axis.minorticks_off()
        axes[0].set_ylabel("ms per training step")
        figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=4)
        slopes = {row["row"]: [f"{exponent(row['points'], axis, 'step'):.2f}" for axis in AXES] for row in rows}
        slopes = "; ".join(f"{name} {', '.join(numbers)}" for name, numbers in slopes.items())
        alt = (
            "Three plots, both axes logarithmic: the time of a training step against frames, size and batch, a line "
            f"for each family. Each rises nearly straight, with these slopes: {slopes}."
        )
        return show.picture(figure, alt)


class HowFast(SphinxDirective):
    """``{how-fast} GROUP`` shows a group's table and its misses, ``growth`` the plot, ``made`` the circumstances."""

    required_arguments = 1
    final_argument_whitespace = True

    def run(self):
        """Return the nodes."""
        for name in (RECORD, MISSES):
            self.env.note_dependency(str(Path(self.env.srcdir) / name))
        stored = json.loads((Path(self.env.srcdir) / RECORD).read_text("utf-8"))
        (group,) = self.arguments
        if group == "made":
            return self.parse_text_to_nodes(self.made(stored))
        if group not in stored["groups"]:
            raise self.error(f"{RECORD} has no group {group!r}: copy a whole run of make bench")
        rows = stored["groups"][group]["rows"]
        if group == "growth":
            return self.growth(rows)
        misses = tomllib.loads((Path(self.env.srcdir) / MISSES).read_text("utf-8"))["miss"]
        try:
            why = explained(group, rows, misses)
        except LookupError as error:
            raise self.error(str(error)) from error
        lines = table(rows) + [line for row in rows if "stages" in row for line in stages(row)]
        if why:
            lines += ["", "Why goals are missed here:", "", *why]
        return self.parse_text_to_nodes("\n".join(lines))

    def made(self, stored):
        """Say on what all this was measured."""
        made, groups = stored["made"], stored["groups"].values()
        loads = [group["load"] for group in groups]
        minutes = sum(group["seconds"] for group in groups) / 60
        versions = ", ".join(f"{name} {made[key]}" for key, name in PACKAGES.items())
        return (
            f"Measured on {made['date']} ({made['machine']}, one of them used), in {minutes:.0f} minutes, at a load of "
            f"{min(loads):g} to {max(loads):g} processes; with {versions}."
        )

    def growth(self, rows):
        """Return the figure and the table of exponents."""
        drawn = plot(rows)
        figure = nodes.figure(classes=["wide", "from-lesson"])
        kept = keep_picture(self.env, drawn.svg.encode(), ".svg")
        figure += nodes.image(uri=kept, alt=drawn.metadata["alt"], width="864px", classes=["no-scaled-link"])
        shares = {row["row"]: max(point["share"] for point in row["points"]) for row in rows}
        best = ", ".join(f"{name} {share:.0%}" for name, share in sorted(shares.items(), key=lambda pair: -pair[1]))
        words = f"The largest share of the matrix product's speed that a training step reaches: {best}."
        return [figure, *self.parse_text_to_nodes("\n".join([*exponents(rows), "", words]))]


def setup(app):
    """Register with Sphinx."""
    app.add_directive("how-fast", HowFast)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
