"""The directive ``clip-lab``: clips that a reader changes, and five trained networks that answer in the browser.

With a task it writes a small form for a chapter, which loads the networks when the reader presses a button. Everything
that a reader may read stands in the page, so that it is tested, searched and linked like the rest; the scripts show and
hide it. tools/clip_lab.py trains the networks, and writes a script for each task.
"""

import hashlib
import json
from html import escape
from pathlib import Path

from clip_player import controls, with_scripts
from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.util.docutils import SphinxDirective

import seqlib
from seqlib import rendering, tasks

STATIC = Path(__file__).parents[1] / "_static"
SCRIPT = "lab/lab.js"  # which loads the others of the folder when they are needed
OWN = {"duration": {"onset": 1}}  # so that a clip belongs to a set of ``stretch``
FIRST = {"direction": 45, "order": 2}  # the clip to begin with, well in view
FAMILIES = {  # name and colour; what decides, and where the book says so
    "single_frame": (
        "Single frame",
        "single_frame",
        "It reads only frame T // 2, and this frame is the same.",
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
    "middle": "Twin: same middle frame",
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
SCRIPT_FILES = sorted((STATIC / "lab").glob("*.js"))
STEPS = {"left": "\u2190", "right": "\u2192", "up": "\u2191", "down": "\u2193"}


class ClipLab(SphinxDirective):
    """``{clip-lab}`` shows the lab with every task that has a script, ``{clip-lab} TASK`` a form for a chapter.

    Such a form has the ``:families:`` and the ``:edits:`` that are named, and clips with these ``:options:`` (JSON) of
    `seqlib.clips`; its body is the caption.
    """

    optional_arguments = 1
    has_content = True
    option_spec = {  # noqa: RUF012 (docutils wants a dict)
        "families": directives.unchanged_required,
        "edits": directives.unchanged_required,
        "options": json.loads,
    }

    def run(self):
        """Return the form, as HTML, and its caption."""
        for file in (__file__, tasks.__file__, rendering.__file__, *SCRIPT_FILES):
            self.env.note_dependency(str(file))
        if not self.arguments:
            return [nodes.raw("", whole(), format="html", classes=["clip-lab"])]
        families, edits = (self.options.get(name, "").split() for name in ("families", "edits"))
        try:
            form = small(self.arguments[0], families, edits, self.options.get("options"))
        except (KeyError, TypeError, ValueError) as error:
            raise self.error(f"{type(error).__name__}: {error}") from error
        figure = nodes.figure(classes=["clip-lab"])
        figure += nodes.raw("", form, format="html", classes=["clip-lab"])
        caption = nodes.caption()
        caption += [child for part in self.parse_content_to_nodes() for child in part.children]
        figure += caption
        return [figure]


def trained():
    """List the tasks that have a script, in the order of a reader's interest."""
    return [task for task in ("direction", "order", "event", "duration", "shape") if script(task).exists()]


def script(task):
    """Return the path of a task's script."""
    return STATIC / "lab" / f"{task}.js"


def resolved(task, given=None):
    """Return what the scripts need to know of a task, whose clips have some given options."""
    given = dict.fromkeys(tasks.DEFAULTS) | OWN.get(task, {}) | (given or {})
    options = tasks._options(seqlib.TASKS[task], None, *given.values())
    return {"twins": seqlib.TASKS[task].twins, "options": options._asdict(), "first": FIRST.get(task, 0)}


def button(do, text):
    """Write a button; str, HTML."""
    return f'<button type="button" data-do="{do}">{escape(text)}</button>'


def answers(family):
    """Write what a family answers: its name, a place for the bars, and what may be said of a change; str, HTML."""
    name, colour, why, (page, place) = FAMILIES[family]
    return f"""<li class="lab-answer family-{colour}" data-family="{family}">
<p class="family">{name}<span class="lab-verdict"></span></p>
<ul class="lab-bars"></ul>
<p class="lab-new" hidden>Correct on <span class="lab-right"></span> of 1,000 new clips.</p>
<p class="lab-same" hidden><strong>Could not change.</strong> {why} <a href="{page}.html#{place}">Why?</a></p>
<p class="lab-stayed" hidden><strong>Did not change.</strong> It could have.</p>
<p class="lab-changed" hidden><strong>Changed</strong> from <span class="lab-from"></span>.</p>
</li>"""


def film(frames):
    """Write the places of a clip and of the reader's version, with the player's controls; str, HTML."""
    canvas = '<canvas width="32" height="32" role="img" aria-label="{0}"></canvas>'
    return f"""<div class="clip lab-film">
<div class="clip-pictures">
<div class="clip-member">{canvas.format("the clip")}<span>The clip<span class="lab-label"></span></span></div>
<div class="clip-member">{canvas.format("your version")}<span>Your version<span class="lab-label"></span></span></div>
</div>
{controls(frames - 1)}</div>"""


def opening(known, waits=False):
    """Write the tag that begins a form; str, HTML."""
    data = escape(json.dumps(known))
    waiting = " data-waits" if waits else ""
    return f'<form class="clip-lab" data-tasks="{data}" data-version="{version()}"{waiting} aria-label="The clip lab">'


def version():
    """Return a few letters that change with the scripts, so that a browser does not mix old ones and new ones; str."""
    return hashlib.sha256(b"".join(file.read_bytes() for file in SCRIPT_FILES)).hexdigest()[:8]


def whole():
    """Write the lab; str, HTML."""
    known = {task: resolved(task) for task in trained()}
    choices = "".join(f'<option value="{task}">{seqlib.TASKS[task].question}</option>' for task in known)
    twins = "".join(button(f"twin-{kind}", text) for kind, text in TWINS.items())
    kinds = "".join(f'<option value="{i}">{kind}</option>' for i, kind in enumerate(rendering.KINDS))
    steps = "".join(
        f'<button type="button" data-do="step-{way}" aria-label="one step {way}">{sign}</button>'
        for way, sign in STEPS.items()
    )
    return f"""{opening(known)}
<div class="lab-row"><label>Question <select name="task">{choices}</select></label>
{button("next", "Another clip")}
<label><input type="checkbox" name="noise" checked> with noise</label></div>
<div class="lab-work">{film(16)}
<fieldset><legend>Change the clip</legend><div class="lab-row">
{"".join(button(do, text) for do, text in EDITS.items())}{twins}</div>
<div class="lab-row lab-back">{button("undo", "Undo")}{button("restart", "Start again")}</div>
<details><summary>Draw a path for a shape</summary>
<p>Drag over the left picture, or press the arrows. Each press is a step of four pixels.</p>
<div class="lab-row"><label>Shape <select name="kind">{kinds}</select></label>{steps}</div></details></fieldset></div>
<p class="lab-said" role="status"></p>
<ul class="lab-answers">{"".join(map(answers, FAMILIES))}</ul>
</form>
<p class="lab-needs">The lab needs JavaScript and a screen. Everything else in the book can be read without.</p>
"""


def small(task, families, edits, options):
    """Write a form for a chapter: a clip, some edits, and some families, which answer when asked; str, HTML."""
    known = {task: resolved(task, options)}
    question = f"{seqlib.TASKS[task].question} Trained networks are loaded when you press a button."
    texts = EDITS | {f"twin-{kind}": text for kind, text in TWINS.items()}
    return f"""{opening(known, waits=True)}
<div class="lab-work">{film(known[task]["options"]["frames"])}
<div><div class="lab-row">{button("ask", "Ask the networks")}{"".join(button(do, texts[do]) for do in edits)}</div>
<div class="lab-row lab-back">{button("restart", "Start again")}{button("next", "Another clip")}</div>
<p class="lab-said" role="status">{escape(question)}</p></div></div>
<ul class="lab-answers">{"".join(map(answers, families))}</ul>
</form>
<p class="lab-needs">On a screen you can change this clip here, and trained networks answer.</p>
"""


def setup(app):
    """Register with Sphinx."""
    app.add_directive("clip-lab", ClipLab)
    app.connect("html-page-context", with_scripts(nodes.raw, "clip-lab", SCRIPT))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
