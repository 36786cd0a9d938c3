"""The directive ``clip-lab``: clips that a reader changes, and five trained networks that answer in the browser.

Everything that a reader may read stands in the page, so that it is tested, searched and linked like the rest; the
scripts show and hide it. tools/clip_lab.py trains the networks, and writes a script for each task.
"""

import json
from html import escape
from pathlib import Path

from clip_player import controls
from docutils import nodes
from sphinx.util.docutils import SphinxDirective

import seqlib
from seqlib import rendering, tasks

STATIC = Path(__file__).parents[1] / "_static"
SCRIPTS = ("player.js", "lab/clips.js", "lab/networks.js", "lab/edits.js", "lab/lab.js")
OWN = {"duration": {"onset": 1}}  # so that a clip belongs to a set of ``stretch``
FAMILIES = {  # name and colour; what decides, and where the book says so
    "single_frame": (
        "Single frame",
        "single_frame",
        "It reads one frame, number T // 2, and this frame is the same.",
        ("02_one_frame_at_a_time", "where-one-frame-cannot-be-enough"),
    ),
    "average_pooling": (
        "Average pooling",
        "average_pooling",
        "It averages the features of the frames, and these are the same frames in another order.",
        ("05_temporal_pooling", "blind-in-two-lines"),
    ),
    "conv3d": (
        "3D CNN",
        "conv3d",
        "It keeps the maximum over all windows of five frames, and both clips have the same windows.",
        ("03_3d_convolutions", "beyond-the-receptive-field"),
    ),
    "cnn_rnn": (
        "CNN + GRU",
        "cnn_rnn",
        "It reads the frames in order, and this is the same clip again.",
        ("04_cnn_rnn_hybrids", "the-hybrid-in-full-view"),
    ),
    "cnn_rnn_pooled": (
        "CNN + GRU, pooled features",
        "cnn_rnn",
        "It reads the frames in order, and this is the same clip again.",
        ("04_cnn_rnn_hybrids", "average-over-space-and-translation-is-gone"),
    ),
}
TWINS = {
    "middle": "Same middle frame, next direction",
    "reverse": "Twin: played backwards",
    "swap": "Twin: blocks swapped",
    "stretch": "Twin: next duration",
    "shift": "Twin: begun later",
}
EDITS = {
    "reverse": "Reverse",
    "shuffle": "Shuffle",
    "freeze": "Freeze from this frame on",
    "every-2": "Keep every 2nd frame",
    "every-3": "Keep every 3rd frame",
    "noise": "Add noise",
    "gap": "Lengthen the gap",
}
STEPS = {"left": "\u2190", "right": "\u2192", "up": "\u2191", "down": "\u2193"}


class ClipLab(SphinxDirective):
    """``{clip-lab}`` shows the lab, with every task that has a script."""

    def run(self):
        """Return the form, as HTML."""
        for file in (__file__, tasks.__file__, rendering.__file__):
            self.env.note_dependency(file)
        return [nodes.raw("", lab(), format="html", classes=["clip-lab"])]


def trained():
    """List the tasks that have a script, in the order of a reader's interest."""
    return [task for task in ("direction", "order", "event", "duration", "shape") if script(task).exists()]


def script(task):
    """Return the path of a task's script."""
    return STATIC / "lab" / f"{task}.js"


def resolved(task):
    """Return what the scripts need to know of a task."""
    given = dict.fromkeys(tasks.DEFAULTS) | OWN.get(task, {})
    options = tasks._options(seqlib.TASKS[task], None, *given.values())
    return {"twins": seqlib.TASKS[task].twins, "options": options._asdict()}


def button(do, text):
    """Write a button; str, HTML."""
    return f'<button type="button" data-do="{do}">{escape(text)}</button>'


def answers(family):
    """Write what a family answers: its name, a place for the bars, and what may be said of a change; str, HTML."""
    name, colour, why, (page, place) = FAMILIES[family]
    return f"""<li class="lab-answer family-{colour}" data-family="{family}">
<p class="family">{name}</p>
<ul class="lab-bars"></ul>
<p class="lab-new" hidden>Right for <span class="lab-right"></span> of 1,000 new clips.</p>
<p class="lab-same" hidden><strong>Could not change.</strong> {why} <a href="{page}.html#{place}">Why?</a></p>
<p class="lab-stayed" hidden><strong>Did not change.</strong> It could have.</p>
<p class="lab-changed" hidden><strong>Changed.</strong></p>
</li>"""


def lab():
    """Write the lab; str, HTML."""
    known = {task: resolved(task) for task in trained()}
    choices = "".join(f'<option value="{task}">{seqlib.TASKS[task].question}</option>' for task in known)
    twins = "".join(button(f"twin-{kind}", text) for kind, text in TWINS.items())
    kinds = "".join(f'<option value="{i}">{kind}</option>' for i, kind in enumerate(rendering.KINDS))
    steps = "".join(
        f'<button type="button" data-do="step-{way}" aria-label="one step {way}">{sign}</button>'
        for way, sign in STEPS.items()
    )
    canvas = '<canvas width="32" height="32" role="img" aria-label="{0}"></canvas>'
    return f"""<form class="clip-lab" data-tasks="{escape(json.dumps(known))}" aria-label="The clip lab">
<div class="lab-row"><label>Question <select name="task">{choices}</select></label>
{button("next", "Another clip")}
<label><input type="checkbox" name="noise" checked> with noise</label></div>
<div class="clip lab-film">
<div class="clip-pictures">
<div class="clip-member">{canvas.format("the clip")}<span>The clip<span class="lab-label"></span></span></div>
<div class="clip-member">{canvas.format("your version")}<span>Your version<span class="lab-label"></span></span></div>
</div>
{controls(15)}</div>
<fieldset><legend>Change the clip</legend><div class="lab-row">
{"".join(button(do, text) for do, text in EDITS.items())}{twins}
{button("undo", "Undo")}{button("restart", "Start again")}</div></fieldset>
<details><summary>Draw a path for a shape</summary>
<p>Drag over the left picture, or press the arrows. Each press is a step of four pixels.</p>
<div class="lab-row"><label>Shape <select name="kind">{kinds}</select></label>{steps}</div></details>
<p class="lab-said" role="status"></p>
<ul class="lab-answers">{"".join(map(answers, FAMILIES))}</ul>
</form>
<p class="lab-needs">The lab needs JavaScript and a screen. Everything else in the book can be read without.</p>
"""


def add_scripts(app, pagename, templatename, context, doctree):
    """Load the lab's scripts on the pages that hold it; a task's weights come when it is chosen."""
    if doctree and any("clip-lab" in raw["classes"] for raw in doctree.findall(nodes.raw)):
        for name in SCRIPTS:
            app.add_js_file(name, loading_method="defer")


def setup(app):
    """Register with Sphinx."""
    app.add_directive("clip-lab", ClipLab)
    app.connect("html-page-context", add_scripts)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
