"""The book on paper: each page as a browser prints it, and all of them as one PDF."""

import re

import pytest
from bs4 import BeautifulSoup
from pages import context, page_in
from playwright.sync_api import expect
from sphinx_external_toc.parsing import parse_toc_yaml

from tools import pdf

PAGES = list(parse_toc_yaml(pdf.ROOT / "_toc.yml"))
FEW = ["book/index", "book/how_to_use", "book/02_one_frame_at_a_time", "book/decision_guide", "book/glossary"]
SHEET = 665  # pixels between the margins of a sheet of A4
ON_SCREEN = "button, .headerlink, .clip-controls, .clip-pictures, .bd-sidebar, details.above-input > summary"
FOLDED = "article details:not(.quiz details) > :not(summary), article .toggle-hidden > :not(.admonition-title)"
SEEN = """([selector, seen]) => [...document.querySelectorAll(selector)]
    .filter((element) => element.checkVisibility({ opacityProperty: true, visibilityProperty: true }) === seen)
    .map((element) => element.outerHTML.slice(0, 200))"""
TALL = """[...document.querySelectorAll("article :is(img, .drawing)")]
    .filter((picture) => picture.getBoundingClientRect().height > 900)
    .map((picture) => picture.outerHTML.slice(0, 200))"""
CUT = """[...document.querySelectorAll("article *")]
    .filter((element) => element.getBoundingClientRect().right > innerWidth + 1)
    .map((element) => element.outerHTML.slice(0, 200))"""


@pytest.fixture(scope="module")
def paper(browser):
    """A context as wide as the text on a sheet, for a reader who likes it dark."""
    with context(browser, viewport={"width": SHEET, "height": 980}, color_scheme="dark") as opened_context:
        yield opened_context


@pytest.mark.parametrize("name", [*filter(re.compile(r"book/0|notebooks/03|book/(api|arch|named|folk)").match, PAGES)])
def test_a_page_prints_what_its_folds_hold_and_nothing_is_cut(paper, book, name):
    with page_in(paper, f"{book.url}/{name}.html") as page:
        page.emulate_media(media="print")
        assert page.evaluate(SEEN, [ON_SCREEN, True]) == []
        assert page.evaluate(SEEN, [FOLDED, False]) == []
        assert page.evaluate(CUT) == []
        assert page.evaluate(TALL) == []


def test_paper_is_light_whatever_the_screen_is(paper, book):
    with page_in(paper, f"{book.url}/book/index.html") as page:
        html = page.locator("html")
        expect(html).to_have_attribute("data-theme", "dark")
        page.evaluate("dispatchEvent(new Event('beforeprint'))")
        expect(html).to_have_attribute("data-theme", "light")
        page.evaluate("dispatchEvent(new Event('afterprint'))")
        expect(html).to_have_attribute("data-theme", "dark")


def test_sheets_have_numbers(book):
    style = (book.html / "_static" / "book.css").read_text()
    assert re.search(r"@page\s*{[^}]*@bottom-center\s*{[^}]*counter\(page\)", style)


def test_the_one_document_holds_all_pages_and_its_links_lead_somewhere(book):
    document = pdf.document(book.html, PAGES)
    assert len(re.findall("<h1", document)) == len(PAGES) + 1  # the contents
    ids = re.findall(r'\sid="([^"]+)"', document)
    assert len(ids) == len(set(ids)) and {pdf.key(name) for name in PAGES} <= set(ids)
    assert set(re.findall(r'href="#([^"]+)"', document)) <= set(ids)
    for picture in set(re.findall(r'<img[^>]* src="([^"]+)"', document)):
        assert (book.html / picture).is_file()


def test_the_pdf_has_a_bookmark_for_every_heading_and_links(browser, book, tmp_path):
    pdf.write(browser, book.html, FEW, tmp_path / "few.pdf")
    content = (tmp_path / "few.pdf").read_bytes()
    titles = re.findall(rb"/Title \(([^)]*)\)", content)
    for title in (b"How to use this book", b"Glossary", b"Know at once whether you are right"):
        assert title in titles
    assert len(re.findall(rb"/Type /Page\b", content)) > 3 * len(FEW)
    assert len(re.findall(rb"/Subtype /Link", content)) >= len(
        re.findall(r'<a [^>]*href="#', pdf.document(book.html, FEW))
    )
    assert re.search(rb"/Dest\b", content)
    sheets = pdf.find_sheets(content)
    firsts = [sheets[pdf.key(name)] for name in FEW]
    assert firsts[0] == 1 and firsts == sorted(set(firsts))
    assert sheets["book-index"] < sheets["book-index-chapter-by-chapter"] < firsts[1]


def test_the_contents_list_all_pages_and_their_sections(book):
    listed = BeautifulSoup(pdf.document(book.html, FEW), "html.parser").select(".contents a")
    places = [link["href"].removeprefix("#") for link in listed]
    assert [place for place in places if place in {pdf.key(name) for name in FEW}] == [pdf.key(name) for name in FEW]
    assert {"book-index-three-ways-in", "book-decision_guide-what-each-of-them-cannot-see"} <= set(places)
