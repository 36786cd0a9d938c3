"""Mend what other extensions write into a page and HTML does not allow, and leave out what nobody sees."""

import re
from pathlib import Path

from sphinx.util import logging

logger = logging.getLogger(__name__)
MENDS = (
    # sphinx-exercise: one id for all exercises of a page, and one for all solutions
    (re.compile(r'<section id="(?:exercise|solution)-content">'), r"<section>"),
    # sphinx-exercise: a link that begins with a space
    (re.compile(r"Solution to(<a [^>]*>) "), r"Solution to \1"),
    # MyST-NB: paragraphs in a fold's title, and a name that hides its words
    (re.compile(r'<summary aria-label="Toggle hidden content">'), r"<summary>"),
    (re.compile(r'<p (class="(?:collapsed|expanded) admonition-title")>(.*?)</p>'), r"<span \1>\2</span>"),
    # Sphinx, of several values that a function returns: a list in a paragraph
    (re.compile(r"(?s)<p>(<ul\b[^>]*>.*?</ul>)\s*</p>"), r"\1"),
    # Pygments: elements for names, punctuation and spaces, which look like any text of the block; half of a long page
    (re.compile(r'<span class="(?:n|nn|p|w)">([^<]*)</span>'), r"\1"),
)


THEME = "_static/scripts/pydata-sphinx-theme.js"
TAB_STOPS = 'document.querySelectorAll("pre, .nboutput > .output_area, .cell_output > .output, .jp-RenderedHTMLCommon")'


def mend(app, pagename, templatename, context, doctree):
    """Replace each of them in the text of a page."""
    for pattern, replacement in MENDS:
        if "body" in context:
            context["body"] = pattern.sub(replacement, context["body"])


def mend_script(app, exception):
    """Take from the theme's script the making of tab stops, which accessible.js does: it lays out the page for each."""
    if exception or app.builder.format != "html":
        return
    script = Path(app.outdir, THEME)
    text = script.read_text("utf-8")
    if TAB_STOPS not in text and "[].forEach((e=>{e.tabIndex=" not in text:
        logger.warning("%s: the theme's script makes tab stops in another way; see markup.py", THEME)
    script.write_text(text.replace(TAB_STOPS, "[]"), "utf-8")


def setup(app):
    """Register with Sphinx."""
    app.connect("html-page-context", mend)
    app.connect("build-finished", mend_script)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
