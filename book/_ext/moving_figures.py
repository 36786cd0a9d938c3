"""The directive ``move``: figures that a reader moves with the book's player (player.js, figures.js).

Each is written in its first state, so it stands on paper, and on the page before the scripts come.
"""

import base64

import numpy as np
from clip_player import controls, film_strip, with_scripts
from docutils import nodes
from docutils.parsers.rst import directives
from lessons import keep_picture
from sphinx.util.docutils import SphinxDirective

import seqlib
from seqlib import rendering, show, tasks

FRAMES, SIDE = 16, 16  # of the clip on the postcards
KERNEL_FRAMES = 8
PADDINGS = {"valid": "no padding (valid)", "same": "same padding", "causal": "causal padding"}
LENGTHS = [2**k for k in range(8)]  # of the films with a flash


class Move(SphinxDirective):
    """``{move} KIND`` shows one of `KINDS`; its body is the caption."""

    required_arguments = 1
    has_content = True
    option_spec = {"name": directives.unchanged_required}  # noqa: RUF012 (docutils wants a dict)

    def run(self):
        """Return the figure."""
        kind = self.arguments[0]
        if kind not in KINDS:
            raise self.error(f"{kind!r} is none of {', '.join(KINDS)}")
        figure = nodes.figure(classes=["moving", f"moving-{kind}"])
        figure += nodes.raw("", f'<div class="clip">{KINDS[kind]()}', format="html")
        if kind == "postcards":
            clip = postcards()
            pooled = np.stack([clip.mean(0), clip.max(0)])[None].astype(np.uint8)
            strip = film_strip(np.concatenate([clip[None], pooled], 1))
            alt = f"Sixteen postcards, then their average and their maximum. {show.describe(clip)}"
            figure += nodes.image(uri=keep_picture(self.env, strip), alt=alt)
        figure += nodes.raw("", "</div>", format="html")
        caption = nodes.caption()
        caption += [child for part in self.parse_content_to_nodes() for child in part.children]
        figure += caption
        self.add_name(figure)
        for file in (__file__, tasks.__file__, rendering.__file__, show.__file__):
            self.env.note_dependency(file)
        return [figure]


def postcards():
    """Draw the clip of the postcards, in which the shape stays within the frame; uint8 (T, H, W, 1)."""
    return seqlib.clips("direction", 1, 4, start=373, frames=FRAMES, resolution=SIDE, size=5, speed=0.5, noise=0)[0][0]


def button(do, text):
    """Write a button; str, HTML."""
    return f'<button type="button" data-do="{do}">{text}</button>'


def write_postcards():
    """Write sixteen postcards in any order; what an average and a maximum hold once so many of them are merged."""
    data = base64.b64encode(postcards().tobytes()).decode()
    canvas = f'<canvas width="{SIDE}" height="{SIDE}"{{}}></canvas>'
    pooled = "".join(
        f'<div class="clip-member">{canvas.format(f""" role="img" aria-label="{name}" """)}{name}</div>'
        for name in ("average", "maximum")
    )
    return f"""<div class="clip-pictures" data-frames="{data}">
<div class="postcards" role="img" aria-label="sixteen postcards">{FRAMES * canvas.format("")}</div>
{pooled}</div>
{controls(FRAMES - 1, "postcard")}
<div class="moving-choices" role="group" aria-label="order of the postcards">
{button("shuffle", "Shuffle")}{button("sort", "Put in order")}</div>
<p class="moving-said" role="status"></p>"""


def write_kernel():
    """Write a kernel three frames deep that slides over a clip, and what each output sees, for three paddings."""
    cells = ["", "", *range(KERNEL_FRAMES), "", ""]
    frames = "".join(f'<span class="kernel-cell{" kernel-pad" * (cell == "")}">{cell}</span>' for cell in cells)
    outputs = "".join(f'<span class="kernel-cell">{t}</span>' for t in range(KERNEL_FRAMES))
    choices = "".join(
        f'<label><input type="radio" name="padding" value="{padding}"{" checked" * (padding == "same")}> {text}</label>'
        for padding, text in PADDINGS.items()
    )
    return f"""<fieldset class="moving-choices"><legend>Padding in time</legend>{choices}</fieldset>
<div class="kernel-track"><p>frames</p><div class="kernel-row kernel-frames">{frames}</div>
<div class="kernel-row"><span class="kernel-window">kernel</span></div>
<p>outputs</p><div class="kernel-row kernel-outputs">{outputs}</div></div>
{controls(KERNEL_FRAMES - 1, "output")}
<p class="moving-said" role="status">Output 0 sees padding, frame 0 and frame 1. Frame 1 is later than frame 0.</p>"""


def write_dilution():
    """Write a flash in one of T frames, and what is left of it in a maximum and in an average."""
    bars = "".join(
        f'<div class="dilution-bar"><span>{name}</span><span class="dilution-share" data-of="{name}"></span></div>'
        for name in ("maximum", "average")
    )
    return f"""<div class="dilution" style="--frames: 16">
<p>a film; one of its frames flashes</p><div class="dilution-film"></div>{bars}</div>
{controls(len(LENGTHS) - 1, "length")}
<p class="moving-said" role="status">16 frames: the maximum holds all of the flash, the average 1/16 of it, 6.3%.</p>"""


KINDS = {"postcards": write_postcards, "kernel": write_kernel, "dilution": write_dilution}


def setup(app):
    """Register with Sphinx."""
    app.add_directive("move", Move)
    app.connect("html-page-context", with_scripts(nodes.figure, "moving", "figures.js"))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
