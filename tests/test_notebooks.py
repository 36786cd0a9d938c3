"""What is stored in the notebooks; that they still run and still say so is nbval's part (see pyproject.toml)."""

import ast

import nbformat
import numpy as np
import pytest

import seqlib
from seqlib.models import CELLS
from tools import notebooks, setup_cell

NOTEBOOKS = sorted((notebooks.ROOT / "notebooks").glob("*.ipynb"))
LESSONS = [path for path in NOTEBOOKS if path.name[0].isdigit()]  # the puzzles claim nothing
CONFIG = (notebooks.ROOT / "_config.yml").read_text("utf-8")


def read(path):
    return nbformat.read(path, as_version=4)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_stored_notebook_has_no_problem(path):
    assert notebooks.problems(read(path)) == []


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_the_setup_cell_is_the_one_that_the_address_and_the_version_give(path):
    first = next(cell for cell in read(path).cells if cell.cell_type == "code")
    assert first.source == setup_cell.source(setup_cell.address(CONFIG))
    assert first.source.count(seqlib.__version__) >= 1


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_the_badge_opens_this_lesson_and_there_is_none_without_an_address(path):
    link = setup_cell.colab_link(CONFIG, f"notebooks/{path.name}")
    badges = [cell.source for cell in read(path).cells if "colab.research" in cell.source]
    assert len(badges) == bool(link) and all(f"]({link})" in badge for badge in badges)


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_a_lesson_ends_with_checked_claims(path):
    code = [cell for cell in read(path).cells if cell.cell_type == "code"]
    claims = [cell for cell in code if "check_claims" in cell.source]
    assert len(claims) == 1 and claims[0] in code[-2:]
    assert "<th>holds</th>" in claims[0].outputs[0].data["text/html"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_the_notebook_says_when_and_with_what_it_ran(path):
    run = read(path).metadata.frames_in_time
    assert set(run) == {"date", "seconds", "python", "tensorflow", "keras", "numpy", "matplotlib"}


def test_the_listings_of_the_answer_on_one_page_have_fifteen_lines_at_most():
    code = "\n".join(cell.source for cell in read(LESSONS[0]).cells if cell.cell_type == "code")
    lengths = {
        node.name: node.end_lineno - node.lineno + 1
        for node in ast.walk(ast.parse(code))
        if isinstance(node, ast.FunctionDef)
    }
    assert set(lengths) == {"cnn_3d", "cnn_rnn", "cnn_pooling"}
    assert max(lengths.values()) <= 15


WRITTEN_OUT = {  # lesson: the families that it writes out in full
    "02": [("single_frame", {}), ("early_fusion", {})],
    "03": [("conv3d", {}), ("conv2plus1d", {})],
    "04": [
        *(("cnn_rnn", {"cell": cell, "features": kept}) for cell in CELLS for kept in ("flat", "pooled")),
        ("conv_lstm", {}),
    ],
    "05": [
        ("average_pooling", {}),
        ("max_pooling", {}),
        ("attention_pooling", {}),
        ("attention_pooling", {"positions": True}),
    ],
}


@pytest.mark.parametrize(
    ("number", "family", "settings"),
    [(number, family, settings) for number, families in WRITTEN_OUT.items() for family, settings in families],
)
def test_a_model_written_out_in_a_lesson_is_the_one_in_seqlib(number, family, settings):
    names = notebooks.definitions(next(path for path in LESSONS if path.name.startswith(number)))
    written_out, packaged = (build(4, seed=3, **settings) for build in (names[family], getattr(seqlib.models, family)))

    def described(layer):
        return type(layer).__name__, {k: v for k, v in layer.get_config().items() if k != "name"}

    assert len(written_out.layers) == len(packaged.layers)
    for layer, twin in zip(written_out.layers, packaged.layers, strict=True):
        assert described(layer) == described(twin)
        for a, b in zip(layer.get_weights(), twin.get_weights(), strict=True):
            assert np.array_equal(a, b)
    x, _ = seqlib.clips("shape", n=4)
    assert np.array_equal(seqlib.measure.logits(written_out, x), seqlib.measure.logits(packaged, x))
