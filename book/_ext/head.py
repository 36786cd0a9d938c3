"""What other programs read of a page: its description and, once the book has an address, what a link to it shows.

Then there is a sitemap, too. Also the two pages at the root that are no sources: index.html, which is the first page,
and 404.html, which servers show in place of a page that is not there.
"""

import posixpath
import re
from html import escape
from pathlib import Path
from urllib.parse import urljoin, urlparse

from clip_player import draw
from docutils import nodes
from PIL import Image, ImageDraw, ImageFont
from repository_links import address

LENGTH = 160  # characters that search engines show of a description
SOCIAL = "_static/social.png"
SOCIAL_ALT = "A film strip of a moving shape, and the same strip played backwards: can a CNN tell them apart?"
QUESTION = "How can a sequence of images be fed into a CNN?"
DESCRIPTIONS = {  # of the pages that have no source
    "404": "There is no page at this address.",
    "genindex": "All index terms of the course, in alphabetical order.",
    "py-modindex": "The modules of seqlib, the course's helper package.",
    "search": "Search all pages of the course.",
}
ASIDE = nodes.Admonition | nodes.figure | nodes.table | nodes.footnote | nodes.raw | nodes.container
MISSING = """<h1>This page is not there</h1>
<p>The address may be misspelt, or the page has moved. <a href="book/index.html">The first page</a> leads to every
chapter, and the <a href="search.html">search</a> finds words on all pages.</p>"""


def set_address(app, config):
    """Let the book's address follow from that of a repository on GitHub, unless one is set; it ends in a slash."""
    if not config.html_baseurl and address(config).startswith("https://github.com/"):
        owner, name = urlparse(address(config)).path.strip("/").split("/")[:2]
        config.html_baseurl = f"https://{owner.lower()}.github.io/{name}/"


def summary(doctree):
    """Return a page's first sentences outside of blocks and figures, as many as are shown; str."""
    for paragraph in doctree.findall(nodes.paragraph):
        parent = paragraph.parent
        while parent and not isinstance(parent, ASIDE):
            parent = parent.parent
        text = " ".join(paragraph.astext().split())
        if parent is None and len(text) > 40:
            break
    else:
        return ""
    first, *more = re.split(r"(?<=[.?!]) (?=[A-Z])", text)
    for sentence in more:
        if len(first) + 1 + len(sentence) > LENGTH:
            break
        first += f" {sentence}"
    return first


def tag(kind, name, value):
    """Write a line of a page's head; str, HTML."""
    return f'\n    <meta {kind}="{name}" content="{escape(value)}" />'


def add_tags(app, pagename, templatename, context, doctree):
    """Give a page its title, its description, its canonical address and what a link to it shows elsewhere."""
    base = app.config.html_baseurl
    if pagename == app.config.root_doc:
        context["title"], context["pageurl"] = QUESTION, base
    written = (context.get("meta") or {}).get("description") or DESCRIPTIONS.get(pagename)
    description = written or summary(doctree)
    tags = tag("name", "description", description)
    if base and doctree:
        shown = {
            "type": "website",
            "site_name": app.config.project,
            "title": re.sub("<[^>]*>", "", context["title"]),
            "description": description,
            "url": context["pageurl"],
            "image": urljoin(base, SOCIAL),
            "image:alt": SOCIAL_ALT,
        }
        tags += tag("name", "twitter:card", "summary_large_image")
        tags += "".join(tag("property", f"og:{name}", value) for name, value in shown.items())
    context["metatags"] = context.get("metatags", "") + tags


def draw_social(path):
    """Draw what a link to the book shows: its question, and below it the twins of the first page."""
    members, _ = draw("direction", twins="reverse", seed=12, index=1)
    picture = Image.new("RGB", (1200, 630), "white")
    pen = ImageDraw.Draw(picture)
    pen.text((42, 70), "Frames in Time", "#24242c", ImageFont.load_default(92))
    pen.text((42, 200), QUESTION, "#4646c4", ImageFont.load_default(46))
    for row, member in enumerate(members):
        for t, frame in enumerate(member[..., 0]):
            enlarged = Image.fromarray(frame).resize((64, 64), Image.Resampling.NEAREST)
            picture.paste(enlarged, (42 + 70 * t, 340 + 90 * row))
    pen.text(
        (42, 540), "Two clips of sixteen frames. Can a CNN tell them apart?", "#55555f", ImageFont.load_default(32)
    )
    picture.save(path, optimize=True)


def moved(html, folder):
    """Rewrite a page's links as if it stood at the root; it was written for a folder there, "" or a path or address."""

    def rewrite(link):
        name, target = link.groups()
        if re.match(r"#|/|[a-z]+:", target):
            return link[0]
        path, hash_sign, place = target.partition("#")
        path = posixpath.normpath(posixpath.join(folder, path)) + "/" * path.endswith("/")
        return f'{name}="{path}{hash_sign}{place}"'

    return re.sub(r'\b(href|src|action|data-content_root)="([^"]+)"', rewrite, html)


def add_missing(app):
    """Write the page for addresses that are not there."""
    yield "404", {"title": "Page not found", "body": MISSING}, "page.html"


def copy_first(app, exception):
    """Write the first page a second time, to the root."""
    root, out = app.config.root_doc, Path(app.outdir)
    if not exception and (out / f"{root}.html").exists():  # there is none where no HTML is built
        html = (out / f"{root}.html").read_text("utf-8")
        (out / "index.html").write_text(moved(html, posixpath.dirname(root)), "utf-8")


def publish(app, exception):
    """Once the book has an address: make the links of the 404 page absolute; draw the picture; write the sitemap."""
    base, out = app.config.html_baseurl, Path(app.outdir)
    if exception or not base or app.builder.format != "html":
        return
    missing = out / "404.html"
    missing.write_text(moved(missing.read_text("utf-8"), urlparse(base).path), "utf-8")
    draw_social(out / SOCIAL)
    pages = ["" if name == app.config.root_doc else f"{name}.html" for name in sorted(app.env.found_docs)]
    entries = "".join(f"<url><loc>{urljoin(base, page)}</loc></url>\n" for page in pages)
    head = '<?xml version="1.0" encoding="utf-8"?>\n<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n'
    (out / "sitemap.xml").write_text(f"{head}{entries}</urlset>\n", "utf-8")


def setup(app):
    """Register with Sphinx."""
    app.connect("config-inited", set_address)
    app.connect("html-page-context", add_tags)
    app.connect("html-collect-pages", add_missing)
    app.connect("build-finished", copy_first, priority=400)  # before sphinx-external-toc writes a bare index.html
    app.connect("build-finished", publish, priority=950)  # after style_sheet.py has read the pages
    return {"parallel_read_safe": True, "parallel_write_safe": True}
