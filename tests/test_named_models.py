"""The map of the named models: each has its section, its family, its sources, and no number without one."""

import re

import pytest

from seqlib.show import FAMILIES
from tools.notebooks import ROOT

PAGE = (ROOT / "book" / "named_models.md").read_text("utf-8")
ROWS = re.findall(r"(?m)^\* - \[[^]]+\]\(([\w-]+)\)$", PAGE)
SECTIONS = dict(re.findall(r"(?ms)^\(([\w-]+)\)=\n(## .*?)(?=^\(|^## |\Z)", PAGE))
PARTS = ["Family", "Adds", "Blind to", "Input", "Parameters", "Weights"]
SOURCE = r"\{cite(?::t)?\}`|\]\(https://"


def parts(section):
    """A section's definition list: a dict of texts by their terms, in order."""
    return dict(re.findall(r"(?ms)^([A-Z][a-z ]+)\n: (.*?)(?=\n\n|\Z)", section))


def test_the_table_and_the_sections_name_the_same_models():
    assert len(ROWS) == 13
    assert sorted(ROWS) == sorted(SECTIONS)


@pytest.mark.parametrize("model", ROWS)
def test_a_model_has_all_parts_a_family_with_its_chapter_and_sources(model):
    found = parts(SECTIONS[model])
    assert list(found) == PARTS
    families = re.findall(r"\{family\}`[^<`]+<(\w+)>`", found["Family"])
    chapters = re.findall(r"\[chapter \d\]\((\w+)\)", found["Family"])
    assert families and set(families) <= set(FAMILIES)
    assert chapters and all((ROOT / "book" / f"{chapter}.md").is_file() for chapter in chapters)
    assert "{cite}`" in found["Adds"]
    assert re.search(SOURCE, found["Input"])
    assert re.search(r"\]\(https://", found["Weights"]) or "—" in found["Weights"]


@pytest.mark.parametrize("model", ROWS)
def test_every_number_of_parameters_stands_beside_its_source(model):
    for sentence in re.split(r"(?<=[.)]) (?=[A-Z\d])", parts(SECTIONS[model])["Parameters"]):
        assert not re.search(r"\d M\b", sentence) or re.search(SOURCE, sentence), sentence


def test_the_theorem_needs_what_the_table_of_windows_says():
    windows = re.findall(r"(?m)^\| [^|]+ \| (\d+) \| (\d+)[^|]* \| (\d+) \|$", PAGE)
    assert len(windows) == 8
    for seen, frames, needed in windows:
        assert int(needed) == 3 * (int(seen) - 1) + 2 > int(frames)
