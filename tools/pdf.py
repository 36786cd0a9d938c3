"""Print the built book as one PDF with contents, bookmarks and page numbers; links within it lead to its pages.

Run by `make pdf`, after the book is built. All pages become one document, which Chromium prints: its headings are the
bookmarks, and style.css says what a page looks like on paper. A browser does not know on which sheet a heading comes to
stand, so the document is printed twice: the first time tells.
"""

import posixpath
import re
import sys
from contextlib import contextmanager
from html import escape
from pathlib import Path
from urllib.parse import unquote

from bs4 import BeautifulSoup, SoupStrainer
from sphinx_external_toc.parsing import parse_toc_yaml

from tools import environments

ROOT = Path(__file__).resolve().parents[1]
HTML = ROOT / "_build" / "html"
PDF = ROOT / "_build" / "frames_in_time.pdf"
SHEETS = ("_static/book.css", "_static/formulas.css")
ONLY_ON_SCREEN = "script, .headerlink, .clip-pictures, .clip-controls, .report-link"
STYLE = """
.contents ol { columns: 2 17rem; column-gap: 2rem; list-style: none; max-width: none !important; padding: 0; }
.contents ol ol { columns: auto; font-size: 0.9em; padding-left: 1rem; }
.contents a { color: inherit; display: flex; gap: 1rem; justify-content: space-between; text-decoration: none; }
.contents a::after { content: attr(data-sheet); }
.contents ol > li > a { break-after: avoid; font-weight: 650; }
.contents ol ol a { break-after: auto; font-weight: 400; }
"""
NUMBER_SHEETS = """sheets => document.querySelectorAll(".contents a").forEach(
    (link) => link.setAttribute("data-sheet", sheets[link.hash.slice(1)])
)"""


def key(name, place=""):
    """Return the id of a page, or of a place on it, in the one document."""
    return f"{name}/{unquote(place)}".replace("/", "-").rstrip("-")


def article(html, name, names):
    """Read a page's text as a part of the one document: its ids are its own, and its links lead within or outside."""
    page = BeautifulSoup((html / f"{name}.html").read_text("utf-8"), "html.parser", parse_only=SoupStrainer("article"))
    for element in page.select(ONLY_ON_SCREEN):
        element.decompose()
    for element in page.select("[id]"):
        element["id"] = key(name, element["id"])
    for drawn in page.select("[marker-end]"):
        drawn["marker-end"] = f"url(#{key(name, drawn['marker-end'][len('url(#') : -1])})"
    for fold in page.select("details:not(.quiz details)"):
        fold["open"] = "open"
    for picture in page.select("img[src]"):
        picture["src"] = posixpath.normpath(posixpath.join(posixpath.dirname(name), picture["src"]))
        del picture["loading"]  # all pictures are seen
    for link in page.select("a[href]"):
        path, _, place = link["href"].partition("#")
        target = posixpath.normpath(posixpath.join(posixpath.dirname(name), path)).removesuffix(".html")
        if not path or target in names:
            link["href"] = f"#{key(target if path else name, place)}"
        elif ":" not in path:  # a file or a page that is not printed
            del link["href"]
    page.article["id"] = key(name)
    return page.article


def entry(heading, place):
    """Write a line of the contents, a link; str, HTML."""
    return f'<a href="#{place}">{escape(" ".join(heading.get_text().split()))}</a>'


def contents(articles):
    """Write the list of pages and of their sections; str, HTML."""
    lines = ""
    for part in articles:
        sections = [f"<li>{entry(heading, heading.parent['id'])}</li>" for heading in part.select("section > h2")]
        lines += f"<li>{entry(part.h1, part['id'])}<ol>{''.join(sections)}</ol></li>\n"
    return f'<article class="bd-article contents"><h1>Contents</h1><ol>{lines}</ol></article>'


def document(html, names):
    """Write the pages as one document, each with its title at the head of its sheets; str, HTML.

    The contents come after the first page, which is a title page.
    """
    articles = [article(html, name, names) for name in names]
    heads = ""
    for number, part in enumerate(articles):
        part["style"] = f"page: part{number}"
        title = " ".join(part.h1.get_text().split()).replace('"', r"\"")
        heads += f'@page part{number} {{ @top-right {{ content: "{escape(title, quote=False)}"; }} }}\n'
    links = "".join(f'<link rel="stylesheet" href="{sheet}">' for sheet in SHEETS)
    head = f'<meta charset="utf-8"><title>Frames in Time</title>{links}<style>{heads}{STYLE}</style>'
    first, *others = map(str, articles)
    body = "\n".join([first, contents(articles), *others])
    return f'<!DOCTYPE html><html lang="en" data-theme="light"><head>{head}</head><body>{body}</body></html>'


@contextmanager
def browser():
    """Start a Chromium or Chrome of this machine."""
    from playwright.sync_api import sync_playwright

    found = environments.find_browser()
    if not found:
        raise environments.BrokenError("no Chromium or Chrome is installed; make system installs one")
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"], timeout=0)
        yield running
        running.close()


def find_sheets(pdf):
    """Find on which sheet each place is that a link leads to; int by id, from the bytes of a PDF by Chromium."""
    sheets = re.findall(rb"\n(\d+) 0 obj\n<</Type /Page\n", pdf)
    places = re.findall(rb"/(\S+) \[(\d+) 0 R /XYZ", pdf)
    return {place.decode(): sheets.index(sheet) + 1 for place, sheet in places}


def write(chromium, html, names, path):
    """Print pages of a built book, given by their names, into one file."""
    with environments.serve(html) as server, chromium.new_page() as page:
        address = f"{server.address}/all.html"
        page.set_default_timeout(0)  # a book takes a minute
        page.route(address, lambda route: route.fulfill(body=document(html, names), content_type="text/html"))
        page.goto(address)
        # A4 in whole pixels: otherwise the edge of a box at the head of a sheet is also drawn at the foot of the last
        options = {"width": "794px", "height": "1123px", "print_background": True, "outline": True, "tagged": True}
        page.evaluate(NUMBER_SHEETS, find_sheets(page.pdf(**options)))
        page.pdf(path=path, **options)


def main():
    """Print the whole book."""
    names = list(parse_toc_yaml(ROOT / "_toc.yml"))
    print(f"Printing {len(names)} pages (a minute or two) ...", flush=True)
    with browser() as chromium:
        write(chromium, HTML, names, PDF)
    print(f"{PDF.relative_to(ROOT)}: {PDF.stat().st_size / 2**20:.0f} MB")


if __name__ == "__main__":
    sys.exit(main())
