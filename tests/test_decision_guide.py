"""The guide: four questions and one before them, each with two answers; families have their colours."""

import pytest
from bs4 import BeautifulSoup

from seqlib.show import FAMILIES


@pytest.fixture(scope="module")
def guide(book):
    page = BeautifulSoup((book.html / "book" / "decision_guide.html").read_text("utf-8"), "html.parser")
    return page.select_one("ol.guide")


def test_each_question_has_two_answers_and_all_but_the_last_lead_on(guide):
    questions = guide.find_all("li", recursive=False)
    assert len(questions) == 5
    for question in questions:
        assert question.p.strong.get_text().endswith("?")
        answers = [answer.get_text().partition(";")[0].partition(":")[0] for answer in question.select("dt")]
        assert sorted(answers) == ["no", "yes"]
        last = question.select("dd")[-1].get_text(strip=True)
        assert (last == "Go on.") == (question is not questions[-1])


def test_the_first_question_is_the_next_heading_too(guide):
    heading = guide.find_next("h2")
    assert heading.get_text().rstrip("#") == guide.select_one("li strong").get_text()


def test_every_family_that_is_an_answer_has_its_colour(guide):
    shown = {name.removeprefix("family-") for answer in guide.select(".family") for name in answer["class"][1:]}
    assert len(shown) == len(guide.select(".family")) == 9
    assert shown <= FAMILIES.keys()
