"""The slides: what a class should see of a lesson is on them, and a browser shows them without anything else."""

import base64
import re

import nbformat
import pytest
from bs4 import BeautifulSoup
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from pages import findings, opened
from playwright.sync_api import expect

from tools import slides
from tools.notebooks import ROOT, number

LESSONS = sorted((ROOT / "notebooks").glob("[0-9]*.ipynb"))


@pytest.fixture(scope="module")
def lesson_slides(tmp_path_factory):
    """All lessons' slides: number to path."""
    paths = slides.main([], target=tmp_path_factory.mktemp("slides") / "_build" / "slides")
    return {path.stem: path for path in paths}


def pictures(notebook):
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if "image/png" in output.get("data", {}):
                yield output.metadata["image/png"]["alt"], output.data["image/png"]


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda path: path.stem)
def test_the_slides_show_the_lesson(lesson, lesson_slides):
    text = lesson_slides[number(lesson)].read_text("utf-8")
    page = BeautifulSoup(text, "html.parser")
    notebook = nbformat.read(lesson, 4)
    on_slides = [(image["alt"], image["src"].partition(",")[2]) for image in page.select("img")]
    assert on_slides == [(alt, data.strip()) for alt, data in pictures(notebook)]
    assert all(base64.b64decode(data).startswith(b"\x89PNG") for _, data in on_slides)
    assert not re.search(r"<(script|link|img)[^>]* (src|href)=\"(?!data:)", text)
    assert not re.search(r"google\.colab|check_claims|glue|\{term\}", page.get_text())
    chapter = ROOT / "book" / f"{lesson.stem}.md"
    if chapter.exists():
        headings = [heading.get_text() for heading in page.select("h2")]
        assert headings[0] == "What you will be able to do" and headings[-1] == "What to remember"
        assert len(page.select("section:last-of-type li")) == 5
        questions = [heading for heading in headings if heading.startswith("Question ")]
        assert len(questions) == len(page.select("ol.options")) >= 6


def test_what_comes_before_an_output_is_there_at_once_and_the_rest_in_steps():
    printed = new_output("stream", text="7 < 8\n")
    cells = [new_markdown_cell("# Lesson 9: Nine"), new_code_cell("import sys", metadata={"tags": ["setup"]})]
    cells += [new_markdown_cell("## Guess\n\nHow many?"), new_code_cell("print(7)", outputs=[printed])]
    cells += [new_markdown_cell("Seven. See [chapter 2](../book/02_x.md)."), new_code_cell("x = 1")]
    cells += [new_markdown_cell("## Claims"), new_code_cell("measure.check_claims()", outputs=[printed])]
    page = BeautifulSoup(slides.slides(new_notebook(cells=cells)), "html.parser")
    assert page.title.string == "Lesson 9: Nine"
    first, second = page.select("section")
    assert first.h1.string == "Lesson 9: Nine"
    steps = [step.get_text().split() for step in second.select(".step")]
    assert steps == [["7", "<", "8"], ["Seven.", "See", "chapter", "2.", "x", "=", "1"]]
    assert not second.select("a") and "How many?" in second.get_text()
    assert second.pre.get_text().strip() == "print(7)" and not second.pre.find_parent(class_="step")


def test_a_lesson_that_is_not_there_is_named(tmp_path):
    with pytest.raises(SystemExit, match="NB must begin the name of a lesson, not"):
        slides.main(["77"], target=tmp_path)


def test_one_lesson_alone(tmp_path, capsys):
    (path,) = slides.main(["02"], target=tmp_path / "a" / "b")
    assert path == tmp_path / "a" / "b" / "02.html" and path.exists()
    assert re.search(r"b/02.html: 02_one_frame_at_a_time, [\d,]+ bytes\n1 files, \d+ s", capsys.readouterr().out)


def test_the_keyboard_goes_through_all_slides_and_back(browser, lesson_slides):
    with opened(browser, lesson_slides["02"].as_uri(), viewport={"width": 1280, "height": 720}) as page:
        place, last = page.locator("#place"), page.locator("section").count()
        expect(place).to_have_text(f"1 of {last}")
        page.keyboard.press("ArrowRight")
        page.keyboard.press("ArrowRight")
        answer = page.locator("section.shown .step").first
        expect(answer).to_be_hidden()
        page.keyboard.press("Space")
        expect(answer).to_be_visible()
        page.keyboard.press("ArrowLeft")
        expect(answer).to_be_hidden()
        for _ in range(400):
            page.keyboard.press("PageDown")
            if place.text_content() == f"{last} of {last}":
                break
        expect(page.locator("section.shown h2")).to_have_text("What to remember")
        page.keyboard.press("Home")
        expect(place).to_have_text(f"1 of {last}")
        page.get_by_role("button", name="on", exact=True).press("Enter")
        expect(place).to_have_text(f"2 of {last}")
        page.reload()
        expect(place).to_have_text(f"2 of {last}")


def test_what_is_uncovered_is_on_the_screen(browser, lesson_slides):
    with opened(browser, lesson_slides["02"].as_uri(), viewport={"width": 1280, "height": 720}) as page:
        for _ in range(60):
            page.keyboard.press("ArrowRight")
            box = page.locator("section.shown > .step:not(.waiting)").last
            if box.count():
                place = box.bounding_box()
                assert place["y"] < 640 and place["y"] + place["height"] > 0


@pytest.mark.parametrize("width", [1280, 360])
def test_nothing_is_wrong_with_a_slide(browser, lesson_slides, width):
    with opened(browser, lesson_slides["03"].as_uri(), viewport={"width": width, "height": 720}) as page:
        page.evaluate("document.body.classList.remove('live')")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert findings(page) == []


def test_without_javascript_and_on_paper_all_is_there(browser, lesson_slides):
    with opened(browser, lesson_slides["02"].as_uri(), java_script_enabled=False) as page:
        expect(page.locator("section").last).to_be_visible()
        expect(page.locator(".step").first).to_be_visible()
        expect(page.locator("nav")).to_be_hidden()
    with opened(browser, lesson_slides["02"].as_uri()) as page:
        expect(page.locator("section").last).to_be_hidden()
        page.emulate_media(media="print")
        expect(page.locator("section").last).to_be_visible()
        expect(page.locator(".step").first).to_be_visible()
        expect(page.locator("nav")).to_be_hidden()
