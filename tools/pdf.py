"""Print the built book as one PDF with bookmarks and page numbers; links within the book lead to its pages.

Run by `make pdf`, after the book is built. All pages become one document, which Chromium prints: its headings are the
bookmarks, and style.css says what a page looks like on paper.
"""

import posixpath
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


def document(html, names):
    """Write the pages as one document, each with its title at the head of its sheets; str, HTML."""
    articles = [article(html, name, names) for name in names]
    heads = ""
    for number, part in enumerate(articles):
        part["style"] = f"page: part{number}"
        title = " ".join(part.h1.get_text().split()).replace('"', r"\"")
        heads += f'@page part{number} {{ @top-right {{ content: "{escape(title, quote=False)}"; }} }}\n'
    links = "".join(f'<link rel="stylesheet" href="{sheet}">' for sheet in SHEETS)
    head = f'<meta charset="utf-8"><title>Frames in Time</title>{links}<style>{heads}</style>'
    body = "\n".join(map(str, articles))
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


def write(chromium, html, names, path):
    """Print pages of a built book, given by their names, into one file."""
    with environments.serve(html) as server, chromium.new_page() as page:
        address = f"{server.address}/all.html"
        page.set_default_timeout(0)  # a book takes a minute
        page.route(address, lambda route: route.fulfill(body=document(html, names), content_type="text/html"))
        page.goto(address)
        page.pdf(path=path, format="A4", prefer_css_page_size=False, print_background=True, outline=True, tagged=True)


def main():
    """Print the whole book."""
    names = list(parse_toc_yaml(ROOT / "_toc.yml"))
    print(f"Printing {len(names)} pages (about a minute) ...", flush=True)
    with browser() as chromium:
        write(chromium, HTML, names, PDF)
    print(f"{PDF.relative_to(ROOT)}: {PDF.stat().st_size / 2**20:.0f} MB")


if __name__ == "__main__":
    sys.exit(main())
