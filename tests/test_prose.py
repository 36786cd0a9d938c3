"""The chapters: their code runs, their numbers are quoted and not typed, and each has all of its parts."""

import ast
import re
import subprocess
import sys

import nbformat
import numpy as np
import pytest
from families import with_lengths

from seqlib import TASKS, rendering, tasks
from tools import notebooks
from tools.notebooks import ROOT

PAGES = sorted((ROOT / "book").glob("*.md"))
LESSONS = sorted((ROOT / "notebooks").glob("*.ipynb"))
CHAPTERS = [page for page in PAGES if page.name[0].isdigit()]
CODE = re.compile(r"^```(python|text)\n(.*?)^```$", re.M | re.S)
BLOCK = re.compile(r"^```python\n(.*?)^```$(?:\n\n^```text\n(\w+(?:Error|Warning): .*?)^```$)?", re.M | re.S)

# Percentages that are no measurements: chance, ceilings and the level of an interval; and a chapter's own assumptions.
EXACT = {"25%", "50%", "95%", "0%", "100%"}
ASSUMED = {
    "06_choosing_an_architecture": {"99.5%"},  # where training stops
    "how_to_use": {"60%", "69%"},
    "08_real_time": {"5%", "90%", "99.998%"},  # tails and levels; of the frames of a day, one second
    "01_clips_as_tensors": {"31%", "40%", "27%", "26%"},
}


def name(path):
    return path.stem


def write_films(folder, rooms):
    """Write films as lesson 7 does, of so many rooms."""
    lesson = notebooks.definitions(ROOT / "notebooks" / "07_your_own_video.ipynb", {"setup", "path", "write"})
    lesson["ROOMS"] = rooms
    lesson["write_folder"](folder)


def run(body, message, names):
    """Run a block of code; it must end in the error or warning that is quoted, with ... for what may differ."""
    code = compile(body, body, "exec")
    if not message:
        exec(code, names)
        return
    kind, _, words = message.strip().partition(": ")
    parts = [r"\s+".join(map(re.escape, part.split())) for part in words.split("...")]
    expected = re.compile(".*".join(parts), re.S)
    if kind.endswith("Warning"):
        with pytest.warns(Warning) as caught:
            exec(code, names)
        seen = [warning.message for warning in caught]
    else:
        with pytest.raises(Exception) as raised:
            exec(code, names)
        seen = [raised.value]
    kinds = [{parent.__name__ for parent in type(found).__mro__} for found in seen]
    assert any(kind in names and expected.search(str(found)) for names, found in zip(kinds, seen, strict=True)), seen


@pytest.mark.slow
@pytest.mark.parametrize("page", [*PAGES, LESSONS[0]], ids=name)
def test_the_code_on_a_page_runs_and_ends_in_the_error_that_is_quoted(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = prose(page)
    if '"my_videos"' in text:
        write_films(tmp_path / "my_videos", rooms=8)
    names = {}
    for body, message in BLOCK.findall(text):
        run(body, message, names)


@pytest.mark.parametrize(
    ("body", "message", "fits"),
    [
        ("1 / 0", "ZeroDivisionError: division by zero", True),
        ("1 / 0", "ArithmeticError: ... by ...", True),
        ("1 / 0", "ValueError: division by zero", False),
        ("1 / 0", "ZeroDivisionError: division by one", False),
        ("1 / 1", "ZeroDivisionError: division by zero", False),
        ("import warnings\nwarnings.warn('old')", "UserWarning: old", True),
        ("import warnings\nwarnings.warn('old')", "UserWarning: new", False),
        ("1 / 1", "UserWarning: old", False),
    ],
)
def test_a_quoted_message_that_does_not_come_is_noticed(body, message, fits):
    if fits:
        run(body, message, {})
    else:
        with pytest.raises((AssertionError, pytest.fail.Exception)):
            run(body, message, {})


FIXES = (ROOT / "book" / "when_it_does_not_work.md").read_text("utf-8")
ENTRIES = re.findall(r"^\((fix-[a-z-]+)\)=\n### (.*?)\n(.*?)(?=^\(fix-|^## |\Z)", FIXES, re.M | re.S)


@pytest.mark.parametrize(
    ("label", "body"), [(label, body) for label, _, body in ENTRIES], ids=[row[0] for row in ENTRIES]
)
def test_each_entry_of_what_does_not_work_has_the_same_four_parts(label, body):
    parts = re.findall(r"^\*\*(Cause|Check|Remedy)\.\*\* |^\*\*(Explained in)\*\* \[", body, re.M)
    assert [a or b for a, b in parts] == ["Cause", "Check", "Remedy", "Explained in"]
    assert re.search(r"^```\{index\} !", body, re.M) and "```python" in body
    assert FIXES.split("\n## ")[0].count(f"]({label})") == 1  # the list at the top


def test_every_entry_of_what_does_not_work_was_looked_at():
    assert len(ENTRIES) == FIXES.count("\n### ") >= 20


@pytest.mark.slow
def test_the_note_on_cuda_is_tensorflows_own():
    program = "import tensorflow as tf; print(len(tf.config.list_physical_devices('GPU')))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    (note,) = (heading for _, heading, _ in ENTRIES if "cuda" in heading)
    assert int(done.stdout) > 0 or note in done.stderr


def test_page_0_leads_from_a_folder_to_a_trained_model_in_twenty_lines():
    ((language, body),) = CODE.findall(prose(LESSONS[0]))
    lines = [line for line in body.splitlines() if line.strip()]
    assert language == "python" and len(lines) <= 20 and max(map(len, lines)) <= 84


@pytest.mark.slow
def test_the_training_in_plain_keras_ends_in_the_bits_of_fit():
    """Chapter 6 shows it with class weights, which are 1 for these clips, and early stopping, which has no occasion."""
    import seqlib

    page = (ROOT / "book" / "06_choosing_an_architecture.md").read_text("utf-8")
    (block,) = (body for language, body in CODE.findall(page) if "EarlyStopping" in body)
    names = {}
    exec(compile(block, "chapter 6", "exec"), names)
    model = seqlib.models.max_pooling(TASKS["direction"])
    before = model.get_weights()
    seqlib.training.fit(model, (names["clips"], names["labels"]), names["validation"], epochs=2)
    assert set(names["weights"].values()) == {1.0}
    for first, plain, fitted in zip(before, names["model"].get_weights(), model.get_weights(), strict=True):
        assert (plain == fitted).all()
        assert (plain != first).any()
    statements = [ast.unparse(statement) for statement in ast.parse(block).body]
    assert statements[-6].startswith("keras.utils.set_random_seed")


@pytest.mark.slow
def test_a_saved_model_is_served_where_there_is_no_seqlib(tmp_path):
    """Chapter 6 shows the lines; here another process runs them for each family, with and without lengths."""
    import seqlib
    from seqlib import measure, models, show

    page = (ROOT / "book" / "06_choosing_an_architecture.md").read_text("utf-8")
    (block,) = (body for language, body in CODE.findall(page) if "load_model" in body)
    x, _ = seqlib.clips("shape", 8, frames=4, resolution=8, size=(3, 4))
    lengths = np.array([4, 1, 2, 3] * 2)
    cases = [(name, settings, {}) for name, family in show.FAMILIES.items() for settings in family.settings]
    cases += [(name, settings, {"lengths": True}) for name, settings in with_lengths()]
    np.savez(tmp_path / "clips.npz", x=x, lengths=lengths)
    for number, (name, settings, options) in enumerate(cases):
        getattr(models, name)(4, x.shape[1:], 5, **settings, **options).save(tmp_path / f"{number}.keras")
    program = f"""
import sys
sys.modules["seqlib"] = None  # an import of it fails
import numpy as np
given = np.load("clips.npz")
for number in range({len(cases)}):
    clips = given["x"] if number < {len(cases) - len(with_lengths())} else (given["x"], given["lengths"])
    exec({block!r}.replace("direction.keras", f"{{number}}.keras"))
    np.save(f"{{number}}.npy", scores)
"""
    subprocess.run([sys.executable, "-c", program], cwd=tmp_path, check=True, capture_output=True)
    for number, (name, settings, options) in enumerate(cases):
        model = getattr(models, name)(4, x.shape[1:], 5, **settings, **options)
        scores = measure.logits(model, (x, lengths) if options else x)
        assert np.abs(scores - np.load(tmp_path / f"{number}.npy")).max() < 1e-6


def typed_numbers(text):
    """Percentages, and decimal numbers with a unit of time, that are typed into prose."""
    text = CODE.sub("", text)
    for not_prose in (r"\$\$.*?\$\$", r"\{glue:text\}`[^`]*`", r"`[^`\n]*`", r"\$[^$\n]*\$"):
        text = re.sub(not_prose, "", text, flags=re.S)
    return re.findall(r"\d+(?:\.\d+)?\s?%|\d+\.\d+\s?(?:ms|s|seconds|minutes|times)\b", text)


def prose(path):
    """A page's text; of a notebook, that of its text cells."""
    if path.suffix == ".md":
        return path.read_text("utf-8")
    return "\n".join(cell.source for cell in nbformat.read(path, 4).cells if cell.cell_type == "markdown")


@pytest.mark.parametrize("page", PAGES + LESSONS, ids=lambda path: path.name)
def test_no_measured_number_is_typed(page):
    allowed = EXACT | ASSUMED.get(page.stem, set())
    assert set(typed_numbers(prose(page))) <= allowed


def test_no_measured_number_is_typed_into_a_quiz():
    assumed = {"31%", "90%"}  # what a question supposes
    assert set(typed_numbers((ROOT / "seqlib" / "quizzes.toml").read_text("utf-8"))) <= EXACT | assumed


def test_a_number_typed_into_a_lesson_is_found(tmp_path):
    cells = [nbformat.v4.new_markdown_cell("It reaches 97.3% in 4.2 seconds."), nbformat.v4.new_code_cell("0.5 + 12.5")]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / "typed.ipynb")
    assert typed_numbers(prose(tmp_path / "typed.ipynb")) == ["97.3%", "4.2 seconds"]


def test_a_typed_number_is_found():
    assert typed_numbers("it got 93% and took 1.5 seconds, see {glue:text}`a::b:.1%` and `50%`") == [
        "93%",
        "1.5 seconds",
    ]


@pytest.mark.parametrize("page", CHAPTERS, ids=name)
def test_a_chapter_has_all_its_parts(page):
    text = page.read_text("utf-8")
    assert text.count(":class: objectives") == 1
    assert re.search(r"\*\*\d+ minutes", text) and "You need:**" in text
    assert text.count(":class: predict") >= 2
    assert text.count(":class: remember") == 1
    assert len(re.search(r":class: remember\n(.*?):::", text, re.S)[1].strip().splitlines()) == 5
    assert "## Further reading" in text and "{cite" in text
    exercises, solutions = re.findall(r"\{exercise\}.*\n:label: (\S+)", text), re.findall(r"\{solution\} (\S+)", text)
    assert len(exercises) >= 3 and exercises == solutions
    assert text.count("{solution}") == len(re.findall(r"\{solution\} \S+\n:class: dropdown", text))
    assert f"../notebooks/{page.stem}" in text


@pytest.mark.parametrize("page", CHAPTERS, ids=name)
def test_the_promised_minutes_fit_the_words(page):
    """150 words a minute, and a minute for each question and each figure; within a fifth, or five minutes."""
    text = page.read_text("utf-8")
    body = re.sub(r"\{glue:text\}`[^`]*`|\]\([^)]*\)", "", CODE.sub("", text.partition("## Quiz")[0]))
    asked = body.count(":class: predict")
    drawn = len(re.findall(r"^:::\{(?:clip|picture|figure)\}", body, re.M))
    promised = int(re.search(r"\*\*(\d+) minutes to read", text)[1])
    minutes = len(re.findall(r"[A-Za-z][\w'-]*", body)) / 150 + asked + drawn
    assert abs(promised - minutes) <= max(5, minutes / 5), minutes


def test_chapter_1_tells_the_defaults_that_the_code_has():
    text = (ROOT / "book" / "01_clips_as_tensors.md").read_text("utf-8")
    options = tasks._options(TASKS["direction"])
    per_pixel = rendering.SUBPIXELS
    for default in (
        "{} to {} pixels: the side".format(*options.size),
        f"{options.speed[0] // per_pixel} to {options.speed[1] // per_pixel} pixels per frame",
        "{} to {} on a background of {}".format(*rendering.BRIGHTNESS, rendering.BACKGROUND),
        f"standard deviation {options.noise:g}",
    ):
        assert default in text
