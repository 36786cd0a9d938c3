"""Put the line drawings (book/_static/*.svg) into the pages themselves, in colours that follow the page's theme.

A file has the colours of a light page, so that it can be looked at by itself. Each is one of `COLOURS`, which says what
it is on any page; the style sheet says what the names there are in light, in dark and on paper.
"""

import re
from pathlib import Path
from xml.etree import ElementTree

from sphinx.util import logging

from seqlib.show import FAMILIES

logger = logging.getLogger(__name__)

TINTS = {"faint": 15, "mild": 30, "deep": 55}  # per cent of a family's colour on white


def tint(colour, share):
    """Mix so many per cent of a colour with white; str, as in the files."""
    parts = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return "#" + "".join(f"{round(255 - (255 - part) * share / 100):02x}" for part in parts)


COLOURS = {
    "#ffffff": "var(--drawn-ground)",
    "#2b2b33": "var(--drawn-ink)",
    "#5b5b66": "var(--drawn-muted)",
    "#b9b9c4": "var(--drawn-line)",
    "#ebebf3": "var(--drawn-soft)",
    "#b85a00": "var(--drawn-mark)",
    "#fbe3cb": "var(--drawn-mark-faint)",
}
for _name, _look in FAMILIES.items():
    _colour = f"var(--family-{_name.replace('_', '-')})"
    COLOURS[_look.colour] = f"color-mix(in srgb, {_colour} var(--drawn-full), white)"
    for _tint, _share in TINTS.items():
        COLOURS[tint(_look.colour, _share)] = f"color-mix(in srgb, {_colour} var(--drawn-{_tint}), var(--drawn-ground))"
# What is in a frame or a map is the same on every page, and so is what is written on it.
SAME = ("#40404a", "#808088", "#f2f2ee", "#1d1d24", "#dfe7f5", "#c6d6f0", "#a9c2e8", "#8cadde", "#7096d0", "#446bab")
SAME += ("#355c99", "#274a84")
COLOURS |= dict(zip(SAME, SAME, strict=True))


def coloured(svg, name):
    """Replace the colours of a drawing, SVG as str; warn of those that would not follow the theme."""

    def replaced(found):
        if found[2] not in COLOURS:
            logger.warning("%s: %s is none of the colours in book/_ext/drawings.py", name, found[2])
        return f'{found[1]}="{COLOURS.get(found[2], found[2])}"'

    return re.sub(r'(fill|stroke)="(#[^"]*)"', replaced, svg)


def inline(tag, path):
    """Write a drawing in place of an ``<img>``, with its alternative text.

    Parameters
    ----------
    tag : str
        HTML.
    path : Path
        The drawing's file.

    Returns
    -------
    str
        An ``<svg>`` as wide as it is drawn, but for what the page says.
    """
    svg = path.read_text("utf-8")
    _, _, width, height = (round(float(n)) for n in ElementTree.fromstring(svg).get("viewBox").split())
    given = dict(re.findall(r'(alt|style|class)="([^"]*)"', tag))
    classes = f"drawing {given.get('class', '')}".strip()
    style = f' style="{given["style"]}"' if "style" in given else ""
    head = f'<svg class="{classes}" role="img" aria-label="{given["alt"]}" width="{width}" height="{height}"{style}'
    svg = re.sub(r"(?s)<title>.*?</title>|<!--.*?-->", "", svg)  # its text is in the label; a title pops up
    return re.sub(r"\n\s*", "\n", coloured(svg, path.name)).replace("<svg", head, 1).strip()


def inline_all(app, pagename, templatename, context, doctree):
    """Put each drawing of a page into it."""
    if app.builder.format != "html" or not doctree:
        return
    paths = {name: Path(app.srcdir, path) for path, name in app.builder.images.items() if name.endswith(".svg")}
    drawings = {name: path for name, path in paths.items() if path.parent.name == "_static"}  # not the lessons' plots

    def replaced(tag):
        name = re.search(r'src="[^"]*?([^"/]+)"', tag[0])[1]
        return inline(tag[0], drawings[name]) if name in drawings else tag[0]

    context["body"] = re.sub("<img[^>]*>", replaced, context["body"])


def setup(app):
    """Register with Sphinx."""
    app.connect("html-page-context", inline_all, priority=400)  # before pictures.py
    return {"parallel_read_safe": True, "parallel_write_safe": True}
