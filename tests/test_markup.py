"""Parse every page of the built book as the standard says, whoever wrote its parts: theme, extensions or course."""

import re

import pytest
from tinyhtml5.parser import HTMLParser


def wrong(page):
    """List the errors that a parser notes on its way: line and column, error, what it is about.

    The words of code, which are most of what there is to parse, become text.
    """
    parser = HTMLParser()
    parser.parse(re.sub(r'<span class="\w{1,3}">([^<]*)</span>', r"\1", page))
    return parser.errors


def test_every_page_is_valid(book):
    pages = [page for page in book.html.rglob("*.html") if book.html / "_static" not in page.parents]
    found = {str(page.relative_to(book.html)): wrong(page.read_text("utf-8")) for page in pages}
    assert len(found) > 30
    assert {name: errors for name, errors in found.items() if errors} == {}


@pytest.mark.parametrize(
    "text", ["<p><ul><li>a</ul></p>", "<b><i>a</b></i>", "<a><a>b</a></a>", "<p id='a' id='b'></p>"]
)
def test_what_is_wrong_is_found(text):
    assert wrong(f"<!DOCTYPE html><title>a</title>{text}")
    assert not wrong("<!DOCTYPE html><title>a</title><p>b")
