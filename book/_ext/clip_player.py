"""Clips as film strips that player.js brings to life: of the directive ``clip``, and the animations of the lessons."""

import io
import json
from html import escape
from pathlib import Path
from string import ascii_uppercase

import numpy as np
from docutils import nodes
from docutils.parsers.rst import directives
from lessons import keep_picture
from PIL import Image, ImageSequence
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

import seqlib
from seqlib import rendering, show, tasks

logger = logging.getLogger(__name__)


def controls(last, label="frame"):
    """Write what player.js needs to go through states 0 to ``last``; str, HTML."""
    return f"""<div class="clip-controls" role="group" aria-label="player">
<button type="button" class="clip-toggle">Play</button>
<button type="button" aria-label="one {label} back">&lsaquo;</button>
<button type="button" aria-label="one {label} forward">&rsaquo;</button>
<input type="range" min="0" max="{last}" value="0" aria-label="{label}">
<span class="clip-readout" aria-hidden="true">{label} 0 of 0&ndash;{last}</span>
</div>
"""


class clip(nodes.figure):  # noqa: N801 (a node's class is its name)
    """A figure whose image is a film strip: one row for each member, one column for each frame."""


class Clip(SphinxDirective):
    """Draw ``{clip} TASK``; its options are those of `seqlib.clips` and `seqlib.twins`, its body is the caption.

    With ``:letters:`` twins are called A, B and so on, where their classes would answer the caption's question. With
    ``:large:`` they fill the page.
    """

    required_arguments = 1
    has_content = True
    option_spec = {  # noqa: RUF012 (docutils wants a dict)
        "seed": directives.nonnegative_int,
        "index": directives.nonnegative_int,
        "twins": directives.unchanged_required,
        "noise": float,
        "letters": directives.flag,
        "large": directives.flag,
        "name": directives.unchanged_required,
    }

    def run(self):
        """Return the figure."""
        options = {k: v for k, v in self.options.items() if k not in ("letters", "large", "name")}
        try:
            members, names = draw(self.arguments[0], **options)
        except (TypeError, ValueError) as error:
            raise self.error(str(error)) from error
        if "letters" in self.options:
            names = list(ascii_uppercase[: len(names)])
        figure = film(self.env, members, list(zip(names, map(show.describe, members), strict=True)))
        if "large" in self.options:
            figure["classes"].append("large")
        if self.content:
            caption = nodes.caption()
            caption += [child for part in self.parse_content_to_nodes() for child in part.children]
            figure += caption
        self.add_name(figure)
        for module in (tasks, rendering, show):  # another clip, another page
            self.env.note_dependency(module.__file__)
        return [figure]


def film(env, members, described):
    """Make a clip's figure of grey members (k, T, H, W, C) and the name and description of each."""
    _, frames, side, *_ = members.shape
    figure = clip(classes=["clip"], frames=frames, side=side, members=described)
    alt = " | ".join(f"{name}: {text}" if name else text for name, text in described)
    figure += nodes.image(uri=keep_picture(env, film_strip(members)), alt=f"Film strip. {alt}")
    if len(described) > 1:
        names = "; ".join(name for name, _ in described)
        figure += nodes.paragraph("", f"From top to bottom: {names}.", classes=["clip-rows"])
    return figure


def draw(task, *, twins=None, index=0, **options):
    """Draw one clip, or the members of one twin set.

    Returns
    -------
    uint8 array (k, T, H, W, 1)
    list of str
        What distinguishes the members: their classes, or when they begin; [""] for one clip.
    """
    if twins is None:
        x, _ = seqlib.clips(task, 1, start=index, **options)
        return x, [""]
    x, y = seqlib.twins(task, twins, 1, start=index, **options)
    if len(set(y[:, 0])) > 1:
        return x[:, 0], [seqlib.TASKS[task].classes[label] for label in y[:, 0]]
    clean, _ = seqlib.twins(task, twins, 1, start=index, **options | {"noise": 0})
    begun = (clean[:, 0] != rendering.BACKGROUND).any((2, 3, 4)).argmax(1)
    return x[:, 0], [f"begun at frame {t}" for t in begun]


def film_strip(members):
    """Lay out frames, one row a member, with transparent lines between them; PNG bytes."""
    lined = np.pad(members[..., 0], ((0, 0), (0, 0), (0, 1), (0, 1)))  # with 0: no clip holds it, so it can be clear
    k, frames, height, width = lined.shape
    strip = lined.transpose(0, 2, 1, 3).reshape(k * height, frames * width)[:-1, :-1]
    png = io.BytesIO()
    Image.fromarray(strip).save(png, "PNG", transparency=0, optimize=True)
    return png.getvalue()


def taken_apart(animation):
    """Take the clips out of an animation of `seqlib.show.animation`.

    Parameters
    ----------
    animation : PIL image
        Its frames hold clips side by side, each pixel a square, on white, which may have their names at the top.

    Returns
    -------
    uint8 array (k, T, H, W, 3)
    bool
        Whether there are names.
    """
    frames = np.stack([np.asarray(frame.convert("RGB")) for frame in ImageSequence.Iterator(animation)])
    drawn = (frames < 255).any(-1)
    rows, columns = (np.flatnonzero(drawn.mean(axes) > 0.5) for axes in ((0, 2), (0, 1)))
    clips = np.split(frames[:, rows][:, :, columns], np.flatnonzero(np.diff(columns) > 1) + 1, axis=2)
    changes = np.flatnonzero((clips[0][:, 1:] != clips[0][:, :-1]).any((0, 2, 3))) + 1
    step = np.gcd.reduce([len(rows), *changes])
    return np.stack(clips)[:, :, ::step, ::step], bool(rows[0])


def play_animations(app, doctree):
    """Give the book's player to each animation that a lesson has stored."""
    for picture in list(doctree.findall(nodes.image)):
        path = Path(app.env.relfn2path(picture["uri"])[1])
        if path.suffix != ".png" or not path.is_file():
            continue
        with Image.open(path) as animation:
            if not getattr(animation, "is_animated", False):
                continue
            members, named = taken_apart(animation)
        if (members != members[..., :1]).any() or not members.all():
            logger.warning("only a grey animation without black has a player: %s", picture["alt"], location=picture)
            continue
        parts = picture["alt"].removeprefix("Animation. ").split(" | ")
        described = [part.split(": ", 1) if named else ("", part) for part in parts]
        picture.replace_self(film(app.env, members, described))


def visit_clip(self, node):
    """Open the figure, with what the player needs to know, and the player's elements, so that nothing moves later."""
    known = {"data-frames": node["frames"], "data-members": json.dumps(node["members"])}
    self.body.append(self.starttag(node, "figure", **known))
    canvas = '<canvas width="{0}" height="{0}" role="img" aria-label="{1}"></canvas>'
    pictures = [
        f'<div class="clip-member">{canvas.format(node["side"], escape(description))}{escape(name)}</div>'
        for name, description in node["members"]
    ]
    self.body.append(f'<div class="clip-pictures">{"".join(pictures)}</div>\n')
    self.body.append(controls(node["frames"] - 1))


def depart_clip(self, node):
    """Close the figure, and the caption that the writer leaves open."""
    self.body.append("</figcaption></figure>\n" if isinstance(node[-1], nodes.caption) else "</figure>\n")


def with_scripts(kind, class_name, *scripts):
    """Return what loads the player and other scripts on pages with nodes of a kind, and of a class if one is named."""

    def load(app, pagename, templatename, context, doctree):
        held = doctree.findall(kind) if doctree else ()
        if any(not class_name or class_name in node["classes"] for node in held):
            for script in ("player.js", *scripts):
                app.add_js_file(script, loading_method="defer")

    return load


def setup(app):
    """Register with Sphinx; builders other than HTML take a clip for the figure that it is."""
    app.add_node(clip, html=(visit_clip, depart_clip))
    app.add_directive("clip", Clip)
    app.connect("doctree-read", play_animations, priority=100)  # before Sphinx collects the pictures
    app.connect("html-page-context", with_scripts(clip, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
