"""The picture of the decision guide: its text tells what it shows, and families have their colours."""

import re
from xml.etree import ElementTree

from seqlib import show
from tools.notebooks import ROOT

PAGE = (ROOT / "book" / "decision_guide.md").read_text("utf-8")
PICTURE = ElementTree.parse(ROOT / "book" / "_static" / "decision_guide.svg").getroot()
SVG = "{http://www.w3.org/2000/svg}"


def test_the_alternative_text_has_every_question_and_answer_in_the_order_of_the_picture():
    alt = re.search(r"(?m)^:alt: (.*)$", PAGE)[1].lower()
    strong = [text.text.lower() for text in PICTURE.iter(f"{SVG}text") if text.get("font-weight")]
    assert strong[:3] == ["few videos, and a", "pretrained image", "network at hand?"]
    places = [alt.find(text) for text in strong]
    assert -1 not in places, strong[places.index(-1)]
    assert places == sorted(places)


def test_each_family_has_its_colour():
    shown = {}
    square = None
    for part in PICTURE:
        if part.tag == f"{SVG}rect" and part.get("width") == "12":
            square = part.get("fill").lower()
        elif part.get("font-weight") and square:
            shown[part.text], square = square, None
    colours = {family.colour.lower() for family in show.FAMILIES.values()}
    assert len(shown) == 9 and set(shown.values()) <= colours
    assert len(set(shown.values())) == 9


def test_everything_lies_within_the_picture():
    width, height = map(float, PICTURE.get("viewBox").split()[2:])
    for part in PICTURE.iter():
        assert 0 <= float(part.get("x", 0)) <= width and 0 <= float(part.get("y", 0)) <= height
