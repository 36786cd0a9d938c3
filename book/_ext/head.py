"""What other programs read of a page: its description and, once the book has an address, canonical links and a sitemap.

Also the two pages at the root that are no sources: index.html, which is the first page, and 404.html, which servers show
in place of a page that is not there.
"""

import posixpath
import re
from html import escape
from pathlib import Path
from urllib.parse import urljoin, urlparse

from docutils import nodes
from repository_links import address

LENGTH = 160  # characters that search engines show of a description
SOCIAL = "_static/social.png"
SOCIAL_ALT = "A film strip of a moving shape, and the same strip played backwards: can a CNN tell them apart?"
ASIDE = nodes.Admonition | nodes.figure | nodes.table | nodes.footnote | nodes.raw | nodes.container
MISSING = """<h1>This page is not there</h1>
<p>The address may be misspelt, or the page has moved. <a href="book/index.html">The first page</a> leads to every chapter,
and the <a href="search.html">search</a> finds words on all pages.</p>"""


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


def add_tags(app, pagename, templatename, context, doctree):
    """Give a page its description, its canonical address and what a link to it shows elsewhere."""
    root, base = app.config.root_doc, app.config.html_baseurl
    if pagename == root:
        context["title"] = "How can a sequence of images be fed into a CNN?"
        context["pageurl"] = base
    if not doctree:
        return
    description = (context["meta"] or {}).get("description") or summary(doctree)
    tags = {"name": {"description": description}}
    if base:
        tags["property"] = {
            "og:type": "website",
            "og:site_name": app.config.project,
            "og:title": context["title"],
            "og:description": description,
            "og:url": context["pageurl"],
            "og:image": urljoin(base, SOCIAL),
            "og:image:alt": SOCIAL_ALT,
        }
        tags["name"]["twitter:card"] = "summary_large_image"
    for kind, values in tags.items():
        for name, value in values.items():
            context["metatags"] += f'\n    <meta {kind}="{name}" content="{escape(value)}" />'


def moved(html, folder):
    """Rewrite a page's links as if it stood at the root; it was written for a folder there, "" or a path or address."""

    def rewrite(link):
        name, target = link.groups()
        if re.match(r"#|/|[a-z]+:", target):
            return link[0]
        path = posixpath.normpath(posixpath.join(folder, target.partition("#")[0]))
        return f'{name}="{path}{target[target.find("#"):] if "#" in target else ""}"'

    return re.sub(r'\b(href|src|action|data-content_root)="([^"]+)"', rewrite, html)


def add_missing(app):
    """Write the page for addresses that are not there."""
    yield "404", {"title": "Page not found", "body": MISSING}, "page.html"


def finish(app, exception):
    """Write the first page a second time, to the root; make links of the 404 page absolute; write the sitemap."""
    if exception or app.builder.format != "html":
        return
    out, root, base = Path(app.outdir), app.config.root_doc, app.config.html_baseurl
    first = out / f"{root}.html"
    if first.exists():
        (out / "index.html").write_text(moved(first.read_text("utf-8"), posixpath.dirname(root)), "utf-8")
    if base:
        missing = out / "404.html"
        missing.write_text(moved(missing.read_text("utf-8"), urlparse(base).path), "utf-8")
        pages = ["" if name == root else f"{name}.html" for name in sorted(app.env.found_docs)]
        entries = "".join(f"<url><loc>{urljoin(base, page)}</loc></url>\n" for page in pages)
        head = '<?xml version="1.0" encoding="utf-8"?>\n<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n'
        (out / "sitemap.xml").write_text(f"{head}{entries}</urlset>\n", "utf-8")


def setup(app):
    """Register with Sphinx."""
    app.connect("config-inited", set_address)
    app.connect("html-page-context", add_tags)
    app.connect("html-collect-pages", add_missing)
    app.connect("build-finished", finish, priority=400)  # before sphinx-external-toc writes a bare index.html
    return {"parallel_read_safe": True, "parallel_write_safe": True}
