"""Test the built book as files: what every page must hold, and what none may."""

import inspect
import json
import re
import sys
from functools import cache
from pathlib import Path
from urllib.parse import unquote, urlparse
from xml.etree import ElementTree

import pytest
from bs4 import BeautifulSoup
from sphinx_external_toc.parsing import parse_toc_yaml

import seqlib
from seqlib.show import FAMILIES
from tools import fonts

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "book" / "_ext"))
import typography

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted(parse_toc_yaml(ROOT / "_toc.yml"))
NOTEBOOKS = [name for name in PAGES if (ROOT / f"{name}.ipynb").exists()]
PUBLISHED = "https://example.github.io/example/"  # where GitHub shows the book of conftest.ADDRESS


@cache
def parsed(path, written):
    """Return a page, parsed, and the ids on it; parsed once, unless it is ``written`` again."""
    page = BeautifulSoup(path.read_text("utf-8"), "html.parser")
    return page, {element["id"] for element in page.find_all(id=True)}


def read(path):
    return parsed(path.resolve(), path.stat().st_mtime_ns)


def soup(book, name):
    return read(book.html / f"{name}.html")[0]


def words(text):
    return " ".join(text.split())


def outputs(name):
    """Yield a notebook's stored outputs, but those of cells whose tags leave them out of the page."""
    for cell in json.loads((ROOT / f"{name}.ipynb").read_text())["cells"]:
        if not any(tag.startswith("remove-") for tag in cell["metadata"].get("tags", [])):
            yield from cell.get("outputs", [])


def test_the_root_is_the_first_page_and_its_links_lead_somewhere(book):
    root, first = soup(book, "index"), soup(book, "book/index")
    assert words(root.article.get_text()) == words(first.article.get_text()) and root.title == first.title
    for element in root.select("[href], [src]"):
        address = (element.get("href") or element.get("src")).partition("#")[0].partition("?")[0]
        assert not address or (book.html / address).is_file(), element


def test_every_page_has_a_title_and_a_description_of_its_own(book):
    pages = [soup(book, name) for name in [*PAGES, "search", "genindex", "404"]]
    titles = [page.title.get_text() for page in pages]
    descriptions = [page.select_one("meta[name=description]")["content"] for page in pages]
    assert len(set(titles)) == len(titles) and all("Frames in Time" in title for title in titles)
    assert len(set(descriptions)) == len(descriptions)
    for description in descriptions:
        assert 25 < len(description) < 200 and description[-1] in ".?", description


def test_a_published_page_has_a_canonical_address_and_a_picture_for_links(published_book):
    for name in PAGES:
        head = soup(published_book, name).head
        canonical = head.select_one("link[rel=canonical]")["href"]
        assert canonical == PUBLISHED + ("" if name == "book/index" else f"{name}.html")
        assert head.select_one("meta[property='og:url']")["content"] == canonical
        picture = head.select_one("meta[property='og:image']")["content"]
        assert (published_book.html / picture.removeprefix(PUBLISHED)).stat().st_size < 200_000
    listed = {entry.text for entry in ElementTree.parse(published_book.html / "sitemap.xml").findall(".//{*}loc")}
    assert listed == {PUBLISHED + ("" if name == "book/index" else f"{name}.html") for name in PAGES}


def test_a_missing_page_has_links_that_work_from_any_depth(published_book):
    page, prefix = soup(published_book, "404"), urlparse(PUBLISHED).path
    assert page.h1 and page.select("article a[href]")
    for element in page.select("[href], [src]"):
        address = (element.get("href") or element.get("src")).partition("?")[0]
        if not address.startswith("#") and "://" not in address:
            assert address.startswith(prefix), element
            assert (published_book.html / address.removeprefix(prefix).partition("#")[0]).exists(), element


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_lesson_shows_its_stored_outputs(book, name):
    page = soup(book, name)
    text, pictures = words(page.get_text()), page.select(".cell_output img:not(.in-dark)")
    tables = words(" ".join(part.get_text() for part in page.select(".text_html")))
    stored = list(outputs(name))
    assert stored, "no stored output at all"
    expected_pictures = 0
    for output in stored:
        data = output.get("data", {})
        if "image/png" in data:
            expected_pictures += 1
        elif "text/html" in data:
            html = typography.set_text("".join(data["text/html"]))
            assert words(BeautifulSoup(html, "html.parser").get_text()) in tables
        else:
            assert words("".join(output.get("text", data.get("text/plain", "")))) in text
    assert len(pictures) == expected_pictures


@pytest.mark.parametrize("name", PAGES)
def test_every_picture_has_alternative_text(book, name):
    for picture in soup(book, name).select("main img"):
        alt = picture.get("alt", "").strip()
        assert alt, picture
        assert not re.search(r"\.(png|svg|gif|jpe?g)$|^<", alt), f"not a text: {alt}"


@pytest.mark.parametrize("name", PAGES)
def test_every_picture_has_its_size_and_those_below_the_first_wait(book, name):
    page = soup(book, name)
    for picture in page.select("img"):
        assert int(picture["width"]) > 0 and int(picture["height"]) > 0, picture
    for picture in page.select("main figure:not(.clip) img, main .cell_output img")[1:]:
        assert picture.get("loading") == "lazy", picture


@pytest.mark.parametrize("name", [*PAGES, "search", "genindex"])
def test_no_script_keeps_a_page_waiting_and_two_style_sheets_are_all(book, name):
    page = soup(book, name)
    assert page.select("script[src]") and not page.select("script[src]:not([defer])")
    sheets = [Path(link["href"].partition("?")[0]).name for link in page.select("link[rel=stylesheet]")]
    assert sheets == ["book.css", "formulas.css"][: 2 if page.math else 1]


def test_the_style_sheet_keeps_what_scripts_add_and_leaves_out_what_nothing_uses(book):
    style = (book.html / "_static" / "book.css").read_text()
    for added in ("copybtn", "toggle-button", "toggle-hidden", "highlighted", "tooltip-inner", "family-conv3d"):
        assert f".{added}" in style, added
    assert not re.search(r"\.(accordion|sd-tab-set|fa-accessible-icon|spinner-border)\b", style)
    assert len(style) < 200_000  # without a filter they are 500,000


@pytest.mark.parametrize("name", PAGES)
def test_every_formula_is_mathml_with_its_latex_as_text_alternative(book, name):
    page = soup(book, name)
    for formula in page.select(".math"):
        assert formula.math["alttext"] and "\\(" not in formula.get_text()
        assert not [part for part in formula.select("mi") if re.search(r"[\\&]", part.get_text())], formula


@pytest.mark.parametrize("built", ["book", "published_book"])
def test_the_fonts_hold_every_character_that_the_pages_show(built, request):
    html = request.getfixturevalue(built).html
    missing = {
        "icons": fonts.icons(html) - fonts.held("icons.woff") - fonts.held("brands.woff"),
        "formulas": fonts.characters(html) - fonts.held("formulas.woff"),
    }
    assert not any(missing.values()), f"{missing} are in no font of the book: make fonts"


@pytest.mark.parametrize("name", PAGES)
def test_every_link_within_the_book_leads_somewhere(book, name):
    for link in soup(book, name).select("article a[href]"):
        address, _, place = link["href"].partition("#")
        if "://" in address or address.startswith("mailto:"):
            continue
        page = (book.html / name).parent / address if address else book.html / f"{name}.html"
        assert page.is_file(), link
        if place and page.suffix == ".html":
            assert unquote(place) in read(page)[1], link


def test_each_claim_of_the_folklore_has_a_verdict_a_figure_and_the_cell_that_measured_it(book):
    rows = soup(book, "book/folklore").select("table.folklore tbody tr")
    assert [row.td.get_text(strip=True) for row in rows] == [f"C{number}" for number in range(1, 18)]
    for row in rows:
        _, claim, verdict, measured, cell = row.select("td")
        assert claim.get_text(strip=True)
        assert re.match("Holds only if|Holds|False as listed|No verdict|Not tested", verdict.strong.get_text())
        assert measured.select(".pasted-text, a") or "144,842" in measured.get_text()
        links = cell.select("a[href]")
        assert links and all(re.search(r"notebooks/0\d_\w+\.html#cell-", link["href"]) for link in links)


def test_the_page_shows_what_was_measured_of_each_remedy(book):
    runs = json.loads((ROOT / "book" / "remedies.json").read_text())["runs"]
    page = soup(book, "book/when_it_does_not_work")
    (table,) = (table for table in page.select("table") if "weights trained" in table.get_text())
    rows = [[cell.get_text() for cell in row.select("td")] for row in table.select("tbody tr")]
    assert len(rows) == len({run["column"] for run in runs})
    plain = [run for run in runs if (run["column"], run["task"]) == ("Flatten", "direction")]
    right = [run["right"] / run["total"] for run in plain]
    loss = sum(run["loss"][-1] for run in plain) / len(plain)
    assert rows[0][2:4] == [f"{sum(right) / len(right):.0%} ({min(right):.0%} to {max(right):.0%})", f"{loss:.2f}"]
    assert f"means of {len(plain)} seeds" in words(page.get_text())


def test_the_page_shows_what_one_frame_of_a_stream_costs(book):
    runs = json.loads((ROOT / "book" / "stream_costs.json").read_text())["runs"]
    (table,) = (
        table for table in soup(book, "book/04_cnn_rnn_hybrids").select("table") if "LiteRT" in table.get_text()
    )
    rows = [[words(cell.get_text()) for cell in row.select("td")] for row in table.select("tbody tr")]
    assert [row[0].replace(" ,", ",") for row in rows] == [run["column"] for run in runs]
    for row, run in zip(rows, runs, strict=True):
        assert row[2:] == [f"{half:.2f} ({most:.2f})" for half, most in run["milliseconds"].values()]


def test_a_picture_of_a_lesson_stands_on_a_page_with_its_own_text(book):
    figures = soup(book, "book/06_choosing_an_architecture").select("figure.from-lesson")
    assert len(figures) >= 4
    stored = json.loads((ROOT / "notebooks" / "06_choosing_an_architecture.ipynb").read_text())["cells"]
    alts = {
        output["metadata"]["image/png"]["alt"]
        for cell in stored
        for output in cell.get("outputs", [])
        if "image/png" in output.get("data", {})
    }
    assert {figure.img["alt"] for figure in figures} <= alts


@pytest.mark.parametrize("name", ["book/index", "book/06_choosing_an_architecture"])
def test_the_matrix_is_a_table_with_the_numbers_of_the_lessons_picture(book, name):
    figure = soup(book, name).select_one("figure.matrix")
    caption = "" if figure.img else figure.figcaption.select_one(".legend").get_text()
    alt = soup(book, "notebooks/06_choosing_an_architecture").select_one("[alt^='Accuracy by family and task']")["alt"]
    _, *tasks = [head.get_text(" ", strip=True) for head in figure.select("thead tr > *")]
    rows = figure.select("tbody tr")
    assert len(tasks) == 7 and len(rows) == alt.count(";") + 1 == 13
    assert "Fig." not in caption
    for row, family in zip(rows, alt.removesuffix(".").partition(". ")[2].split("; "), strict=True):
        cells = row.select("td")
        assert family.startswith(f"{words(row.th.get_text())}: ") and len(cells) == len(tasks)
        for task, cell in zip(tasks, cells, strict=True):
            accuracy, hidden = cell.get_text().split("%", 1)
            assert f"{task} {accuracy}%" in family
            assert (
                bool(cell.select(".ceiling"))
                == hidden.endswith("is possible")
                == (f"{task} {accuracy}% (blind" in family)
            )


def test_no_page_names_a_path_of_this_machine(book):
    private = {str(book.folder), str(ROOT), sys.prefix}
    for file in book.html.rglob("*"):
        if file.suffix in {".html", ".js", ".css", ".md", ".ipynb", ".inv", ".txt"}:
            text = file.read_bytes().decode(errors="replace")
            assert not [path for path in private if path in text], file


def test_a_clip_says_in_words_what_it_shows(book):
    figures = [figure for name in PAGES for figure in soup(book, name).select("figure.clip")]
    assert figures
    for figure in figures:
        members = json.loads(figure["data-members"])
        assert all(answer in figure.img["alt"] for _, answer in members)
        assert len(members) == 1 or all(name in figure.select_one(".clip-rows").text for name, _ in members)


def test_the_landing_page_does_not_name_the_answer_above_its_question(book):
    figure = soup(book, "book/index").select_one("figure.clip")
    assert [name for name, _ in json.loads(figure["data-members"])] == ["A", "B"]
    assert "up" not in figure.select_one(".clip-rows").text


def test_the_status_page_lists_every_notebook(book):
    table = soup(book, "book/status").select_one("table")
    assert len(table.select("tbody tr")) == len(NOTEBOOKS)
    for name in NOTEBOOKS:
        row = [cell.text for cell in table.select_one(f"tr:has(a[href$='{name}.html'])").select("td")]
        run = json.loads((ROOT / f"{name}.ipynb").read_text())["metadata"]["frames_in_time"]
        assert row[1] == run["date"] and run["tensorflow"] in row, name


def test_the_page_of_where_it_runs_shows_everything_that_passed(book):
    record = json.loads((ROOT / "book" / "where_it_runs.json").read_text("utf-8"))
    page = soup(book, "book/where_it_runs")
    shown = [
        {cell.text.replace("\N{NON-BREAKING HYPHEN}", "-") for cell in row.select("td")}
        for row in page.select("tbody tr")
    ]
    for row in (row for rows in record.values() for row in rows):
        lessons = ", ".join({"pu": "puzzles"}.get(lesson, lesson.removeprefix("0")) for lesson in row["lessons"])
        cells = {row["date"], row["python"], row["packages"]["tensorflow"], lessons}
        assert any(cells <= shown_cells for shown_cells in shown), row["date"]
    assert (len(record["gpu"]) == 0) == ("Not tried yet" in page.text)


def test_the_api_page_shows_everything_that_is_public(book):
    shown = {entry["id"] for entry in soup(book, "book/api").select("dt.sig[id]")}
    modules = [value for value in (getattr(seqlib, name) for name in seqlib.__all__) if inspect.ismodule(value)]
    values = [getattr(module, name) for module in modules for name in module.__all__]
    homes = {f"{value.__module__}.{value.__qualname__}" for value in values if hasattr(value, "__qualname__")}
    public = {name for name in homes if name.startswith("seqlib.")}
    assert public - shown == {"seqlib.tasks.Draw", "seqlib.tasks.Options"}  # for those who write a task
    assert shown >= {
        "seqlib.tasks.TASKS",
        "seqlib.show.FAMILIES",
        "seqlib.show.CELLS",
        "seqlib.show.STYLE",
        "seqlib.model_files.LAYERS",
    }


def test_the_api_page_shows_hints_as_they_are_written(book):
    entries = soup(book, "book/api").select("dt.sig[id]")
    written = {entry["id"]: words(entry.get_text()) for entry in entries}
    assert "NDArray[np.uint8]" in written["seqlib.tasks.clips"]
    assert not [name for name, signature in written.items() if "dtype" in signature or "typing" in signature]


def test_every_family_has_its_colour_on_the_pages(book):
    style = (book.html / "_static" / "family_colours.css").read_text()
    for name, look in FAMILIES.items():
        assert f"--family-{name.replace('_', '-')}: {look.colour};" in style


def test_nothing_points_to_a_repository_without_address(book):
    for name in PAGES:
        page = soup(book, name)
        assert not page.select(".report-link, [href*='/issues'], [href*='colab.research'], [src*='colab']"), name


def test_every_page_says_where_to_report_an_error(published_book):
    address = published_book.url
    for name in PAGES:
        link = soup(published_book, name).select_one(".report-link a")["href"]
        assert link.startswith(f"{address}/issues/new?title=") and name.replace("/", "%2F") in link
    for name in NOTEBOOKS:
        colab = address.replace("github.com", "colab.research.google.com/github") + f"/blob/main/{name}.ipynb"
        page = soup(published_book, name)
        (button,) = page.select("[href*='colab.research']")  # one: the badge is for GitHub's page
        assert button["href"] == colab and not page.select("[src*='badge']"), name


def test_little_is_written_again_when_one_page_changes(published_book):
    written = {name: (published_book.html / f"{name}.html").stat().st_mtime_ns for name in PAGES}
    source = published_book.folder / "book" / "glossary.md"
    source.write_text(source.read_text() + "\nOne more line.\n")
    again = published_book.rebuild()
    assert "0 added, 1 changed, 0 removed" in again.output
    anew = {name for name in PAGES if (again.html / f"{name}.html").stat().st_mtime_ns > written[name]}
    assert anew <= {"book/glossary", "book/index"}
    assert "One more line." in soup(again, "book/glossary").text
    assert '"installation": [[' in (again.html / "searchindex.js").read_text()  # of a page that is not written anew
    for name in PAGES:
        for picture in soup(again, name).select("main img"):
            assert (again.html / name).parent.joinpath(picture["src"]).is_file()
