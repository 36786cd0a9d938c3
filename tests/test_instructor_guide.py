"""The instructor guide: its minutes add up, and what it points to is there."""

import re

import nbformat
import pytest

import seqlib
from seqlib import puzzles
from tools.notebooks import ROOT

GUIDE = (ROOT / "book" / "instructor_guide.md").read_text("utf-8")
CHAPTERS = {path.name[:2]: path for path in sorted((ROOT / "book").glob("[0-9]*.md"))}
TABLES = re.findall(r"((?:^\|.*\n)+)", GUIDE, re.M)
TIMED = [table for table in TABLES if table.startswith("| minutes |")]


def test_the_minutes_add_up():
    totals = []
    for table in TIMED:
        *rows, last = table.splitlines()[2:]
        total = int(re.match(r"\| \*\*(\d+)\*\* \| in all", last)[1])
        assert sum(int(row.split("|")[1]) for row in rows) == total, rows[0]
        totals.append(total)
    assert totals[:2] == [90, 480] and set(totals[2:]) == {90} and len(totals) >= 7


@pytest.mark.parametrize("number", CHAPTERS)
def test_a_chapter_has_its_objectives_minutes_mistakes_and_questions(number):
    chapter = int(number)
    title = re.search(r"(?m)^# \d (.*)", CHAPTERS[number].read_text("utf-8"))[1]
    part = re.search(rf"(?ms)^### Chapter {chapter}: {re.escape(title)}\n(.*?)(?=^##)", GUIDE)[1]
    assert f"{{include}} {CHAPTERS[number].name}" in part
    assert "| minutes | in class |" in part and "| they say or do | you say |" in part
    assert part.count("\nTo discuss: ") == 1 and part.split("To discuss: ")[1].count("?") >= 2


def test_the_objectives_are_those_of_the_chapters(book):
    text = (book.html / "book" / "instructor_guide.html").read_text("utf-8")
    for path in CHAPTERS.values():
        first = re.search(r":class: objectives\n- (.*)", path.read_text("utf-8"))[1]
        assert re.sub(r"[*`]", "", first) in re.sub(r"<[^>]*>", "", text)


def test_every_exercise_and_puzzle_that_it_names_is_there():
    for number in re.findall(r"P\.(\d+)", GUIDE):
        assert f"P.{number}" in puzzles.PUZZLES
    for list_of in re.findall(r"[Ee]xercises? ((?:\d\.\d(?:, | and )?)+)", GUIDE):
        for number in re.findall(r"\d\.\d", list_of):
            with pytest.raises(TypeError, match="answer must be"):  # there is a check, and it wants something else
                seqlib.check(number, "an answer of no kind")


def test_every_slide_and_question_that_it_names_is_there():
    for number, names in re.findall(r"slides (\d\db?), ((?:\"[^\"]+\"(?: and )?)+)", GUIDE):
        lesson = next((ROOT / "notebooks").glob(f"{number}_*.ipynb"))
        text = "\n".join(cell.source for cell in nbformat.read(lesson, 4).cells)
        for name in re.findall(r'"([^"]+)"', names):
            assert f"## {name}\n" in text
    questions = re.findall(r"question (\d+) of quiz (\d)", GUIDE)
    assert questions and all(int(question) <= len(seqlib.quiz(int(chapter))) for question, chapter in questions)
