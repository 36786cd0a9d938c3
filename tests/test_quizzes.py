"""The quizzes: each chapter's page and `seqlib.quiz` ask the same questions, and every option has its reason."""

import re
from collections import Counter

import pytest
from bs4 import BeautifulSoup

import seqlib
from tools.notebooks import ROOT

PAGES = {int(path.name[:2]): path.read_text("utf-8") for path in sorted((ROOT / "book").glob("[0-9]*.md"))}
CHAPTERS = [chapter for chapter, text in PAGES.items() if "```{quiz}" in text]


def test_every_chapter_has_one():
    assert len(PAGES) >= 6 and list(PAGES) == CHAPTERS


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_a_page_asks_its_own_chapters_questions_before_the_exercises(chapter):
    assert re.findall(r"```\{quiz\} (\d+)", PAGES[chapter]) == [str(chapter)]
    headings = re.findall(r"(?m)^## (.*)", PAGES[chapter])
    assert headings.index("Quiz") + 1 == headings.index("Exercises")


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_a_quiz_has_six_questions_or_more_and_each_option_its_reason(chapter):
    quiz = seqlib.quiz(chapter)
    assert len(quiz) >= 6
    for question in quiz:
        assert [option.right for option in question.options].count(True) == 1
        assert 3 <= len(question.options) <= 4
        assert len({option.say for option in question.options}) == len(question.options)
        for option in question.options:
            assert option.why.endswith((".", "?")) and len(option.why) >= 15
            assert len(re.findall(r"[.?!](?: |$)", option.why)) <= 3, option.why


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_a_guess_at_one_place_does_not_pay(chapter):
    quiz = seqlib.quiz(chapter)
    places = Counter([option.right for option in question.options].index(True) for question in quiz)
    assert max(places.values()) <= len(quiz) / 2


@pytest.mark.parametrize("chapter", CHAPTERS[1:])
def test_later_quizzes_come_back_to_earlier_chapters(chapter):
    again = [question.again for question in seqlib.quiz(chapter) if question.again]
    assert again and all(1 <= earlier < chapter for earlier in again)


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_it_needs_no_script_and_says_right_once_a_question(chapter):
    quiz = seqlib.quiz(chapter)
    html = quiz._repr_html_()
    assert not re.search(r"<script|onclick|`", html)
    shown = BeautifulSoup(html, "html.parser")
    assert len(shown.select("ol.quiz > li")) == len(quiz)
    for item, question in zip(shown.select("ol.quiz > li"), quiz, strict=True):
        assert len(item.select("details > summary")) == len(question.options)
        answers = [folded.p.get_text() for folded in item.select("details")]
        assert [text.startswith("Right. ") for text in answers] == [option.right for option in question.options]
        assert all(text.startswith(("Right. ", "Not so. ")) for text in answers)


def test_printed_it_shows_questions_and_options_and_no_answer():
    quiz = seqlib.quiz(1)
    text = repr(quiz)
    assert all(question.ask in text for question in quiz)
    assert all(option.say in text and option.why not in text for question in quiz for option in question.options)


@pytest.mark.parametrize("chapter", [0, 99])
def test_a_chapter_without_a_quiz_is_refused_by_name(chapter):
    with pytest.raises(ValueError, match="chapter must be"):
        seqlib.quiz(chapter)


@pytest.mark.parametrize("chapter", ["3", 3.0, True, None])
def test_a_chapter_must_be_an_integer(chapter):
    with pytest.raises(TypeError, match="chapter must be an integer"):
        seqlib.quiz(chapter)


def test_the_book_shows_them_and_keeps_the_key_for_paper(book):
    for chapter in CHAPTERS:
        page = next(book.html.glob(f"book/{chapter:02}_*.html")).read_text("utf-8")
        shown = BeautifulSoup(page, "html.parser")
        quiz = seqlib.quiz(chapter)
        assert len(shown.select(".quiz details")) == sum(len(question.options) for question in quiz)
        letters = [
            "abcd"[[option.right for option in question.options].index(True)] for question in seqlib.quiz(chapter)
        ]
        assert [entry.strong.get_text()[0] for entry in shown.select(".quiz-key li")] == letters


def test_exercises_are_numbered_within_their_chapter(book):
    for chapter, text in PAGES.items():
        page = next(book.html.glob(f"book/{chapter:02}_*.html")).read_text("utf-8")
        titles = [
            title.get_text().replace("\xa0", " ")
            for title in BeautifulSoup(page, "html.parser").select(".exercise > p")
        ]
        names = re.findall(r"\{exercise\} (.*)", text)
        assert titles == [f"Exercise {chapter}.{i} ({name})" for i, name in enumerate(names, 1)]
        solutions = BeautifulSoup(page, "html.parser").select(".solution > .admonition-title")
        assert [title.get_text().replace("\xa0", " ") for title in solutions] == [
            f"Solution to {title}" for title in titles
        ]
