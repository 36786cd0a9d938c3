"""Make tables fit narrow screens: those with prose stack, each cell with its column's name; the others scroll.

What is done here is done when the book is built. The style sheet does the rest, so no table needs a script.
"""

import re
from itertools import chain

from bs4 import BeautifulSoup

PROSE = 20  # characters: a cell with more of them wraps
NAME = 30  # characters: what names a row, in the first column, may have as many
NARROW = 12  # characters: a column of prose is not to be narrower
GAP = 2  # characters, between two columns
SCREEN = 33  # characters: what a line holds on a phone


def needs(name, cells):
    """Return how many characters wide a column must be; int. Its numbers and short names do not wrap, prose does."""
    longest = max(map(len, cells))
    words = max(len(word) for cell in [name, *cells] for word in cell.split() or [""])
    return max(words, longest if longest <= PROSE else NARROW) + GAP


def stacks(names, columns):
    """Say whether a table has prose, and more columns than a phone has room for."""
    first, *others = columns
    has_prose = any(len(cell) > NAME for cell in first) or any(len(cell) > PROSE for cell in chain(*others))
    return has_prose and sum(map(needs, names, columns)) > SCREEN


def complete(html):
    """Add to a table its class, ``stacked`` or ``scrolled``, and to its cells what the style sheet needs.

    Where it stacks, each cell has the name of its column in ``data-label``, and short ones can share a line. Where it
    scrolls, those of a column with prose are not to be narrow.

    Parameters
    ----------
    html : str
        A ``<table>``. Without a head, or with cells that span others, it scrolls.

    Returns
    -------
    str
    """
    soup = BeautifulSoup(html, "html.parser")
    head, *rows = (row.find_all(["td", "th"]) for row in soup.find_all("tr"))
    names = [" ".join(cell.get_text().split()) for cell in head]
    regular = all(cell.name == "th" for cell in head) and {len(row) for row in rows} == {len(head)}
    cells = zip(*rows, strict=True) if regular else ()
    columns = [[cell.get_text(" ", strip=True) for cell in column] for column in cells]
    stacked = regular and stacks(names, columns)
    soup.table["class"] = [*soup.table.get("class", []), "stacked" if stacked else "scrolled"]
    for k, column in enumerate(columns):
        has_prose = max(map(len, column)) > PROSE
        kind = "short" if stacked and k > 0 and not has_prose else "prose" if has_prose else ""
        for cell in (row[k] for row in rows):
            if kind:
                cell["class"] = [*cell.get("class", []), kind]
            if stacked and (cell.get_text(strip=True) or cell.img):
                cell["data-label"] = names[k]
    return str(soup)


def complete_all(app, pagename, templatename, context, doctree):
    """Complete each table of a page."""
    if app.builder.format == "html" and doctree:
        tables = r'<table(?! class="matrix").*?</table>'  # which has a form of its own
        context["body"] = re.sub(tables, lambda table: complete(table[0]), context["body"], flags=re.DOTALL)


def setup(app):
    """Register with Sphinx."""
    app.connect("html-page-context", complete_all)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
