"""How the pages are set: lines of a length that reads well, the signs for times and minus, and one kind of quotes."""

import re
import sys
from pathlib import Path
from statistics import median

import pytest
from bs4 import BeautifulSoup
from pages import context, page_in
from sphinx_external_toc.parsing import parse_toc_yaml

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "book" / "_ext"))
import typography

PAGES = sorted(parse_toc_yaml(Path(__file__).resolve().parents[1] / "_toc.yml"))
CHAPTERS = [name for name in PAGES if re.match(r"book/0\d_", name)]
# The characters of each line of running text, but of the last lines of paragraphs.
LINES = """() => {
    const lengths = [];
    for (const paragraph of document.querySelectorAll("article section > p:not(:has(math))")) {
        const lines = new Map();
        const texts = document.createTreeWalker(paragraph, NodeFilter.SHOW_TEXT);
        while (texts.nextNode()) {
            for (const word of texts.currentNode.data.matchAll(/\\S+\\s*/g)) {
                const range = new Range();
                range.setStart(texts.currentNode, word.index);
                range.setEnd(texts.currentNode, word.index + word[0].trimEnd().length);
                const line = Math.round(range.getBoundingClientRect().bottom / 10);
                lines.set(line, (lines.get(line) ?? 0) + word[0].length);
            }
        }
        lengths.push(...[...lines.values()].slice(0, -1));
    }
    return lengths;
}"""


def test_lines_of_running_text_have_65_to_75_characters(browser, book):
    lengths = {}
    with context(browser) as desktop:
        for name in CHAPTERS:
            with page_in(desktop, f"{book.url}/{name}.html") as page:
                for width in (1280, 1920):
                    page.set_viewport_size({"width": width, "height": 900})
                    lengths[name, width] = page.evaluate(LINES)
    assert min(map(len, lengths.values())) > 50
    middle = {place: median(lines) for place, lines in lengths.items()}
    assert all(65 <= length <= 75 for length in middle.values()), middle


def prose(html):
    """The text of a page without its code, its formulas and what its code printed."""
    html = re.sub(
        r"(?s)<(pre|code|math|dt class=\"sig|script)\b.*?</(pre|code|math|dt|script)>", "code", html
    )  # is quick
    article = BeautifulSoup(html, "html.parser").article
    for part in article.select(".cell_output, .headerlink"):
        part.replace_with("code")
    return article.get_text()


WRONG = {
    "a letter between numbers": r"\d ?x ?\d",
    "a hyphen as a minus": r"(?<!\w)-\d|\d - \w",
    "a straight quote": r"[\"']",
}


@pytest.mark.parametrize("name", PAGES)
def test_signs_and_quotes_are_those_of_print(book, name):
    text = prose((book.html / f"{name}.html").read_text("utf-8"))
    found = [
        (why, text[max(0, m.start() - 30) : m.end() + 30]) for why, p in WRONG.items() for m in re.finditer(p, text)
    ]
    assert not found


@pytest.mark.parametrize(
    "text", ["frames of 8 x 8", "16x16", "rescaled to -1", "1 - z", 'so-called "same" padding', "it's"]
)
def test_a_wrong_sign_is_found(text):
    assert any(re.search(pattern, prose(f"<article>{text}</article>")) for pattern in WRONG.values())
    assert not any(re.search(p, prose(f"<article><code>{text}</code></article>")) for p in WRONG.values())


@pytest.mark.parametrize(
    ("written", "printed"),
    [
        ("off by 5e-07 or 1.25e+03", "off by 5_*_10<sup>~7</sup> or 1.25_*_10<sup>3</sup>"),
        ("within 1e-5, 2e5 and x1e5", "within 10<sup>~5</sup>, 2_*_10<sup>5</sup> and x1e5"),
        ("<td>-0.2</td> for last - first", "<td>~0.2</td> for last_~ first"),
        ("a twenty-first e-mail, 4-5", "a twenty-first e-mail, 4-5"),
        ("T // 2 of 8 * 8 * 128 pixels", "T_//_2 of 8_*_8_*_128 pixels"),
        ("CNN + GRU, (k ~ 1) + 2 = 1,234", "CNN_+ GRU, (k_~_1)_+ 2_=_1,234"),
        ("<pre>1e-5 - 2 x</pre> <code>T // 2</code>", "<pre>1e-5 - 2 x</pre> <code>T // 2</code>"),
        ("<a>one</a> · <a>two</a>", "<a>one</a>_· <a>two</a>"),
        ("on 2026-11-30", 'on <span class="text-nowrap">2026-11-30</span>'),
    ],
)
def test_numbers_and_sums_are_set_as_in_print(written, printed):
    signs = str.maketrans({"_": typography.SPACE, "*": typography.TIMES, "~": typography.MINUS})
    assert typography.set_text(written.translate(signs)) == printed.translate(signs)


def test_only_long_code_goes_on_on_the_next_sheet():
    short, long = ('<div class="highlight"><pre>' + "x\n" * lines + "</pre></div>" for lines in (3, 40))
    assert typography.mark_long(short) == short
    assert typography.mark_long(long).startswith('<div class="highlight long"><pre>')
