"""What a phone shows: tables that fit or stack, and nothing that is cut without a sign."""

import re
from pathlib import Path

import pytest
from pages import TWO_FRAMES, context, opened, page_in
from sphinx_external_toc.parsing import parse_toc_yaml

PAGES = sorted(parse_toc_yaml(Path(__file__).resolve().parents[1] / "_toc.yml"))
WIDTHS = (390, 360)
UNFOLD = """() => {
    document.querySelectorAll("article details").forEach((folded) => (folded.open = true));
    document.querySelectorAll(".toggle-hidden").forEach((folded) => folded.classList.remove("toggle-hidden"));
}"""
WRONG = r"""() => {
    const wrong = [];
    if (document.documentElement.scrollWidth > innerWidth) wrong.push("the page scrolls sideways");
    for (const box of document.querySelectorAll("article, article *")) {
        const { overflowX, maskImage } = getComputedStyle(box);
        const isWider = box.clientWidth > 1 && box.scrollWidth > box.clientWidth + 1;
        const fades = maskImage !== "none" && ["auto", "scroll"].includes(overflowX);
        if (isWider && overflowX !== "visible" && !fades) wrong.push(`cut: ${box.tagName} ${box.className}`);
    }
    const pen = document.createElement("canvas").getContext("2d");
    const letters = "the quick brown fox jumps over the lazy dog";
    for (const cell of document.querySelectorAll("article table:not(.matrix) td")) {
        const { fontWeight, fontSize, fontFamily, paddingLeft, paddingRight } = getComputedStyle(cell);
        const text = cell.textContent.trim();
        if (!cell.clientWidth) continue;
        pen.font = `${fontWeight} ${fontSize} ${fontFamily}`;
        const width = cell.clientWidth - parseFloat(paddingLeft) - parseFloat(paddingRight);
        const word = Math.max(...text.split(/[\s/\u2013-]+/).map((part) => pen.measureText(part).width));
        if (word > width + 1) wrong.push(`a broken word: ${text.slice(0, 40)}`);
        const letter = pen.measureText(letters).width / letters.length;
        if (text.length > 20 && width < 12 * letter) wrong.push(`a narrow column: ${text.slice(0, 40)}`);
    }
    return wrong;
}"""


@pytest.fixture(scope="module")
def phone(browser):
    """A context that all pages share."""
    with context(browser, viewport={"width": WIDTHS[0], "height": 844}, reduced_motion="reduce") as shared:
        yield shared


def test_nothing_is_cut_without_a_sign_and_no_column_of_prose_is_narrow(phone, book):
    wrong = {}
    for name in PAGES:
        with page_in(phone, f"{book.url}/{name}.html") as page:
            page.evaluate(UNFOLD)
            for width in WIDTHS:
                page.set_viewport_size({"width": width, "height": 844})
                for _ in range(10):  # what scrolls fades from the next frame on, or a later one on a long page
                    page.evaluate(TWO_FRAMES)
                    wrong[name, width] = page.evaluate(WRONG)
                    if not wrong[name, width]:
                        break
    assert not any(wrong.values()), {place: found for place, found in wrong.items() if found}


def test_what_is_cut_or_narrow_is_found(phone, book):
    with page_in(phone, f"{book.url}/book/decision_guide.html") as page:
        page.evaluate("document.querySelector('table').classList.remove('stacked')")
        page.evaluate("document.querySelector('article p').style = 'white-space: nowrap; overflow: hidden'")
        found = " ".join(page.evaluate(WRONG))
    assert "cut: P" in found and "a narrow column" in found


def test_the_sign_goes_when_the_end_is_reached(phone, book):
    with page_in(phone, f"{book.url}/book/06_choosing_an_architecture.html") as page:
        sign = """(box, left) => {
            box.scrollLeft = left;
            return new Promise(requestAnimationFrame).then(() => getComputedStyle(box).maskImage);
        }"""
        box = page.locator(".pst-scrollable-table-container:has(table.scrolled)").first
        assert box.evaluate(sign, 0) != "none"
        assert box.evaluate(sign, 10_000) == "none"


def test_a_stacked_table_names_each_cell_without_a_script(browser, book):
    guide = f"{book.url}/book/decision_guide.html"
    with opened(browser, guide, viewport={"width": 360, "height": 800}, java_script_enabled=False) as page:
        cell = page.locator("table.stacked td").nth(1)
        assert cell.evaluate("cell => getComputedStyle(cell, '::before').content") == '"it cannot see"'
        assert not page.locator("table.stacked thead").is_visible()


@pytest.mark.parametrize("width", [390, 1280])
def test_the_button_that_shows_a_solution_is_whole_and_covers_no_word(browser, book, width):
    chapter = f"{book.url}/book/05_temporal_pooling.html"
    with opened(browser, chapter, viewport={"width": width, "height": 800}) as page:
        page.locator("article .toggle-button").first.wait_for()
        wrong = page.evaluate("""[...document.querySelectorAll("article .toggle-button")].filter((button) => {
            const { left, top, bottom } = button.getBoundingClientRect();
            const words = [...button.parentElement.querySelectorAll("a")].flatMap((link) => [...link.getClientRects()]);
            const covers = words.some((word) => word.right > left && word.bottom > top && word.top < bottom);
            return covers || bottom > button.parentElement.getBoundingClientRect().bottom + 1;
        }).map((button) => button.parentElement.textContent.trim())""")
    assert wrong == []


def test_an_empty_cell_of_a_stacked_table_has_no_name(browser, book):
    guide = f"{book.url}/book/instructor_guide.html"
    with opened(browser, guide, viewport={"width": 390, "height": 800}) as page:
        named = page.locator("table.stacked td[data-label]")
        assert named.count() and not named.filter(has_not_text=re.compile(r"\S")).count()
        assert not page.locator("table.stacked td:not([data-label])").first.is_visible()
