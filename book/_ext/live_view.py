"""The directive ``live-view``: a film of the machine, and the scores of its watchers as the film goes on.

The scores are those of book/live_view.json (``make live``), and the frames are drawn anew, without their noise. On
paper, and without scripts, the picture of `seqlib.show.watching` stands in its place.
"""

import base64
import json
from html import escape
from pathlib import Path

import numpy as np
from clip_player import controls, film_strip, with_scripts
from docutils import nodes
from docutils.parsers.rst import directives
from lessons import keep_picture
from sphinx.util.docutils import SphinxDirective

from seqlib import alarms, machine, show

RESULTS = "book/live_view.json"
HEIGHT = 100  # of a curve's drawing, in units of its own


class LiveView(SphinxDirective):
    """``{live-view}`` has no arguments; its body is the caption."""

    has_content = True
    option_spec = {"name": directives.unchanged_required}  # noqa: RUF012 (docutils wants a dict)

    def run(self):
        """Return the figure."""
        path = Path(self.env.srcdir) / RESULTS
        run, watchers = read(path)
        still = show.watching(run.frames, watchers, run.events)
        figure = nodes.figure(classes=["clip-live"])
        figure += nodes.raw("", write(run, watchers), format="html")
        figure += nodes.image(uri=keep_picture(self.env, still.data), alt=still.metadata["alt"])
        figure += nodes.raw("", "</div>", format="html")
        if self.content:
            caption = nodes.caption()
            caption += [child for part in self.parse_content_to_nodes() for child in part.children]
            figure += caption
        self.add_name(figure)
        for dependency in (path, alarms.__file__, machine.__file__, show.__file__):
            self.env.note_dependency(str(dependency))
        return [figure]


def read(path):
    """Read the watchers' scores, and draw the film without noise.

    Returns
    -------
    seqlib.machine.Run
    dict of str to (float array (N,), float)
        As `seqlib.show.watching` takes it.
    """
    results = json.loads(path.read_text("utf-8"))
    film = results["made"]["film"]
    faults = {int(cycle): fault for cycle, fault in film["faults"].items()}
    run = machine.run(film["cycles"], film["seed"], faults, noise=0)
    return run, {kept["watcher"]: (np.array(kept["scores"]), kept["threshold"]) for kept in results["runs"]}


def distinct(frames):
    """Split frames (N, H, W, C) into those that differ, (M, H, W, C), and for each frame which of these it is, (N,)."""
    _, first, which = np.unique(frames.reshape(len(frames), -1), axis=0, return_index=True, return_inverse=True)
    return frames[first], which.ravel()


def write(run, watchers):
    """Write what live_view.js brings to life, but for the end of its outermost element; str, HTML."""
    frames, cells = distinct(run.frames)
    strip = base64.b64encode(film_strip(frames[None])).decode()
    side = run.frames.shape[1]
    spans = [event[1:] for event in run.events]
    truth = [(0, "no fault")]
    for fault, first, last in run.events:
        truth += [(first, f"fault: {fault}"), (last + 1, "no fault")]
    curves = "".join(
        f"<p><strong>{escape(name)}</strong>: {said(alarms.states(*given, spans))}</p>\n"
        f'<div class="live-score">{curve(name, *given, spans)}<span class="live-future"></span></div>\n'
        for name, given in watchers.items()
    )
    return f"""<div class="clip" data-cells="{json.dumps(cells.tolist(), separators=(",", ":"))}"
 data-rate="{machine.RATE}" data-strip="data:image/png;base64,{strip}">
<div class="clip-pictures">
<div class="clip-member"><canvas width="{side}" height="{side}" role="img" aria-label="the machine"></canvas>
{said(truth)}</div>
<div class="live-curves">
{curves}</div>
</div>
{controls(len(cells) - 1)}"""


def said(states):
    """Write words that change as the film goes on, with all that they will be, [(first frame, words), ...]."""
    return f'<span role="status" data-states="{escape(json.dumps(states))}">{escape(states[0][1])}</span>'


def curve(name, scores, threshold, spans):
    """Draw a watcher's score, its threshold, where faults are and where alarms begin; SVG, a unit across per frame."""
    low, high = min(scores.min(), threshold), max(scores.max(), threshold)
    y = HEIGHT * (0.95 - 0.9 * (np.append(scores, threshold) - low) / ((high - low) or 1))
    points = " ".join(f"{t + 0.5},{at:.1f}" for t, at in enumerate(y[:-1]))
    faults = "".join(f'<rect x="{first}" y="0" width="{last + 1 - first}" height="{HEIGHT}"/>' for first, last in spans)
    begun = "".join(
        f'<path class="live-alarm" d="M{frame + 0.5} 0V{HEIGHT}"/>' for frame in alarms.begin(scores, threshold)
    )
    return (
        f'<svg viewBox="0 0 {len(scores)} {HEIGHT}" preserveAspectRatio="none" role="img" '
        f'aria-label="score of {escape(name)}, {len(scores)} frames">{faults}'
        f'<path class="live-threshold" d="M0 {y[-1]:.1f}H{len(scores)}"/>{begun}<polyline points="{points}"/></svg>'
    )


def setup(app):
    """Register with Sphinx."""
    app.add_directive("live-view", LiveView)
    app.connect("html-page-context", with_scripts(nodes.figure, "clip-live", "live_view.js"))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
