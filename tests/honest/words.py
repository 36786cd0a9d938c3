"""Questions in words: what students write, and where they write it. All of it has to reach the person who marks it."""
# ruff: noqa: RUF001

import base64
import functools
import struct
import zlib

from .cases import A2, A3, BLANK, CASES, Case, case
from .notebook import (
    after,
    as_file,
    before,
    code,
    edit,
    executed,
    in_lines,
    markdown,
    raw,
    replace,
    source,
    text,
    without_ids,
    write,
)

MEMBERS = "Both members hold the same frames, noise included, and differ only in the order of these frames."
LAYER = "The average over the frames' features is the same in any order, so both get the same logits."
WEIGHTS = "No weight can change that: of the two labels at most one is right."
WHOLE = f"{MEMBERS} {LAYER} {WEIGHTS}"
ALONE = A2 | {"see": 0}  # the notebook is handed in without a model
NOTHING = ALONE | {"why_blind": BLANK}
COMPARED = "| design | clips right |\n|---|---|\n| GRU | 97.5% |\n| average | 61.0% |"


def answered(edition, *cells, question="why-blind"):
    """Put cells into the place of the answer cell."""
    return as_file(replace(edition.solution, f"{question}-answer", *cells), "A2.ipynb")


def written(edition, answer):
    """Type an answer into the answer cell."""
    return as_file(write(edition.solution, "why-blind-answer", answer), "A2.ipynb")


def words(reason, *passages, **others):
    """Make a case of A2 in which these passages are the answer to `why_blind`."""
    return case(ALONE, reason, assignment="A2", reaches={"why_blind": passages}, **others)


# How it is written.


@words("It is an answer that begins with a heading.", WHOLE)
def begins_with_a_heading(edition):
    return written(edition, f"### My answer\n\n{WHOLE}")


@words("It is an answer with headings of two levels; the second is as high as a question's.", MEMBERS, LAYER, WEIGHTS)
def two_headings(edition):
    return written(
        edition, f"## What they share\n\n{MEMBERS}\n\n## What is lost\n\n{LAYER}\n\n### Weights\n\n{WEIGHTS}"
    )


@words("It is an answer, and its heading has the name of another question in backquotes.", WHOLE)
def heading_that_names_another_question(edition):
    return answered(edition, markdown("### Why `average_pooling` cannot `see` it"), markdown(WHOLE))


@words("The whole answer is a heading, by a slip.", WHOLE)
def all_of_it_a_heading(edition):
    return written(edition, f"# {WHOLE}")


@words("The placeholder was left above the answer.", WHOLE)
def placeholder_left(edition):
    return written(edition, f"*Your answer.*\n\n{WHOLE}")


@words("The answer was written into the placeholder, between its stars.", MEMBERS)
def inside_the_placeholder(edition):
    return written(edition, f"*Your answer. {MEMBERS}*")


@words(
    "Signs that HTML and Markdown use for themselves belong to the answer.",
    "mean(a) < mean(b) & never mean(b) < mean(a)",
    "f(x_1) < f(x_2)",
)
def formulas_and_brackets(edition):
    return written(edition, f"{MEMBERS} If $f(x_1) < f(x_2)$, then `mean(a) < mean(b) & never mean(b) < mean(a)`.")


@words("Length is not limited, and the last sentence counts like the first.", MEMBERS, LAYER)
def a_very_long_answer(edition):
    return written(edition, f"{MEMBERS}\n\n{'Let me say that again in other words. ' * 2000}\n\n{LAYER}")


IN_OTHER_LANGUAGES = {
    "german": "Beide Clips bestehen aus denselben Bildern, samt Rauschen; nur ihre Reihenfolge ist eine andere.",
    "french": "Les deux clips ont les mêmes images, bruit compris ; seul l'ordre change. La moyenne n'en dépend pas.",
    "chinese": "两个片段包含相同的帧（包括噪声），只是顺序不同；平均值与顺序无关，所以无论权重如何，输出都相同。",
    "arabic": "يحتوي المقطعان على الإطارات نفسها، ولا يختلفان إلا في ترتيبها، والمتوسط لا يتعلق بالترتيب.",
}
for language, answer in IN_OTHER_LANGUAGES.items():
    CASES.append(
        Case(
            f"in_{language}",
            functools.partial(written, answer=answer),
            ALONE,
            "No text asks for a language, and whether it counts is for the marker to say.",
            "A2",
            reaches={"why_blind": (answer,)},
        )
    )


# Where it is written.


@words("It was typed below the question, in the question's own cell; the answer cell is untouched.", WHOLE)
def in_the_questions_cell(edition):
    notebook = write(edition.solution, "why-blind", source(edition.solution, "why-blind") + f"\n\n**Answer:** {WHOLE}")
    return as_file(write(notebook, "why-blind-answer", "*Your answer.*"), "A2.ipynb")


@words("The cell's kind was changed to raw.", WHOLE)
def in_a_raw_cell(edition):
    return answered(edition, raw(WHOLE))


@words("It stands in a code cell, as comments; the answer cell is untouched.", MEMBERS, LAYER)
def in_comments(edition):
    return answered(edition, markdown("*Your answer.*"), code(f"# {MEMBERS}\n# {LAYER}\n# {WEIGHTS}"))


@words("It stands in a code cell, as a string.", MEMBERS, LAYER)
def in_a_string(edition):
    return answered(edition, code(f'answer = """\n{MEMBERS}\n{LAYER}\n"""\nprint(answer)'))


@words("The cell's kind was changed to code by a slip, so the answer is no Python, and an answer all the same.", WHOLE)
def prose_in_a_code_cell(edition):
    return answered(edition, code(WHOLE))


@words("It is split over several cells, with a measurement between them.", MEMBERS, LAYER, WEIGHTS)
def over_several_cells(edition):
    return answered(edition, markdown(MEMBERS), code("# Not graded\nprint(1 + 1)"), markdown(LAYER), markdown(WEIGHTS))


@words("It stands in a cell above its question; the answer cell is untouched.", WHOLE)
def before_its_question(edition):
    notebook = before(edition.solution, "why-blind", markdown(WHOLE))
    return as_file(write(notebook, "why-blind-answer", "*Your answer.*"), "A2.ipynb")


@words("It stands in the last cell of the notebook; the answer cell is untouched.", WHOLE)
def at_the_end(edition):
    notebook = after(edition.solution, "end", markdown(f"**Answer to question 3.** {WHOLE}"))
    return as_file(write(notebook, "why-blind-answer", "*Your answer.*"), "A2.ipynb")


@words("The question's heading is in the student's language, without the question's name.", WHOLE)
def below_a_renamed_heading(edition):
    heading, rest = source(edition.solution, "why-blind").split("\n", 1)
    notebook = write(edition.solution, "why-blind", f"{heading.split()[0]} 3. Warum blind?\n{rest}")
    return as_file(write(notebook, "why-blind-answer", WHOLE), "A2.ipynb")


@words("The question's cell was deleted, and the answer was not.", WHOLE)
def without_its_question(edition):
    notebook = write(edition.solution, "why-blind-answer", f"3. {WHOLE}")
    return as_file(replace(notebook, "why-blind"), "A2.ipynb")


@words("Colab has taken the ids away, and the answer is where it was.", WHOLE)
def words_from_colab(edition):
    notebook = write(edition.solution, "why-blind-answer", WHOLE)
    return as_file(in_lines(without_ids(executed(notebook), 0)), "A2.ipynb")


# Pictures.


def png():
    """Return a grey picture of one pixel."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\x00\x80")) + chunk(b"IEND", b"")
    )


def attached(name):
    return {"attachments": {name: {"image/png": base64.b64encode(png()).decode()}}}


@words(
    "A picture belongs to the answer: its text has to arrive, and that there is a picture.",
    MEMBERS,
    "my sketch of the two clips",
)
def with_a_picture(edition):
    answer = f"{MEMBERS}\n\n![my sketch of the two clips](attachment:sketch.png)\n\n{LAYER}"
    return answered(edition, markdown(answer, **attached("sketch.png")))


@words("A photograph of a handwritten page is an answer: the marker has to know that there is one.", "IMG_2041")
def a_picture_alone(edition):
    return answered(edition, markdown("![IMG_2041.png](attachment:IMG_2041.png)", **attached("IMG_2041.png")))


# Nothing.


def blank(reason):
    return case(NOTHING, reason, assignment="A2", reaches={"why_blind": ()})


@blank("The answer cell is as it was handed out.")
def words_untouched(edition):
    return written(edition, source(edition.student, "why-blind-answer"))


@blank("White space is no answer.")
def white_space_changed(edition):
    return written(edition, "\n\n  *Your answer.*  \n\n")


@blank("The answer cell is empty.")
def words_emptied(edition):
    return written(edition, "")


@blank("The answer cell was deleted, and nothing was written instead.")
def words_deleted(edition):
    return answered(edition)


@case(
    A3 | {"design": 0},
    "An answer of half a page, with headings, a list and a table of what was measured, is what A3 asks for.",
    assignment="A3",
    reaches={
        "why_this": (
            "The task asks for the order of neighbouring frames.",
            "two 3D convolutions",
            "| average | 61.0% |",
        )
    },
)
def half_a_page_with_a_table(edition):
    answer = text("""
        ### What it asks

        The task asks for the order of neighbouring frames.

        - The layers that see it are two 3D convolutions.
        - Their temporal receptive field is five frames.

        ### What did worse
    """)
    return as_file(write(edition.solution, "why-this-answer", f"{answer}\n\n{COMPARED}"), "A3.ipynb")


@case(
    A3 | {"design": 0, "cost": 25},
    "The measurement stands in the text and in a cell below it, and both are the answer.",
    assignment="A3",
    reaches={"why_this": (MEMBERS, "97.5% of 600 clips")},
)
def words_with_a_measurement(edition):
    notebook = edit(edition.solution, "why-this-answer", source(edition.solution, "why-this-answer"), MEMBERS)
    return as_file(after(notebook, "why-this-answer", markdown("My GRU was right on 97.5% of 600 clips.")), "A3.ipynb")
