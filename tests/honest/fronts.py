"""Right work, saved, named and packed in many ways. It is worth all points, whatever is around it."""
# ruff: noqa: RUF001

import functools
import unicodedata

import nbformat

from .cases import A1, BLANK, CASES, Case, case
from .notebook import (
    after,
    as_bytes,
    as_file,
    before,
    code,
    edit,
    executed,
    in_lines,
    replace,
    source,
    without_ids,
    write,
    zipped,
)

NONE = dict.fromkeys(A1, 0) | {"in_words": BLANK}


@case(A1, "All six functions are right, and nothing else was touched.")
def solved(edition):
    return as_file(edition.solution)


@case(NONE, "No function is written.")
def untouched(edition):
    return as_file(edition.student)


# Saved by other software.


@case(
    A1, "Colab moves ids into the metadata, adds outputs and its own fields, and says version 4.0: the work is right."
)
def colab_fields(edition):
    notebook = executed(edition.solution)
    for number, cell in enumerate(notebook["cells"]):
        cell["metadata"] = {"id": f"Xy{number:02}_w7yBQa"}
        if cell["cell_type"] == "code":
            cell["metadata"] |= {
                "colab": {"base_uri": "https://localhost:8080/"},
                "executionInfo": {
                    "status": "ok",
                    "timestamp": 1730000000000 + number,
                    "user_tz": -60,
                    "elapsed": 12,
                    "user": {"displayName": "", "userId": ""},
                },
                "outputId": f"5b0c{number:04}-7d1e-4a52-8d0f-2f1f5b0f2a11",
            }
    notebook["metadata"] = {
        "colab": {"provenance": [], "toc_visible": True},
        "kernelspec": {"name": "python3", "display_name": "Python 3"},
        "language_info": {"name": "python"},
        "accelerator": "GPU",
    }
    notebook = in_lines(without_ids(notebook, 0))
    return as_file({name: notebook[name] for name in ("nbformat", "nbformat_minor", "metadata", "cells")})


@case(A1, "Lines for the shell and magics stand beside right work, some above the imports in the same cell.")
def colab_pip_and_magics(edition):
    notebook = write(
        edition.solution, "imports", "!pip install -q --upgrade numpy\n%matplotlib inline\nimport numpy as np"
    )
    return as_file(
        before(notebook, "imports", code("!pip install einops\n%load_ext autoreload\n%autoreload 2\n!ls -la"))
    )


@case(A1, "On Colab the drive is mounted and numpy imported; elsewhere the line fails, which the student cannot see.")
def colab_drive_above_the_imports(edition):
    mount = "from google.colab import drive\ndrive.mount('/content/drive')\n%cd /content/drive/MyDrive/frames\n\n"
    return as_file(write(edition.solution, "imports", mount + source(edition.solution, "imports")))


@case(A1, "The function is right; above it in its cell stands an upload that works on Colab alone.")
def colab_upload_above_a_function(edition):
    upload = "from google.colab import files\n\nuploaded = files.upload()  # a clip to try it on\n\n\n"
    return as_file(write(edition.solution, "conv3d-answer", upload + source(edition.solution, "conv3d-answer")))


@case(A1, "VS Code says version 4.2, drops the ids and adds its own metadata: the work is right.")
def vs_code(edition):
    notebook = in_lines(without_ids(executed(edition.solution), 2))
    for cell in notebook["cells"]:
        cell["metadata"] = {"vscode": {"languageId": "python"}} if cell["cell_type"] == "code" else {}
    notebook["metadata"] = {
        "kernelspec": {"display_name": ".venv (3.12.3)", "language": "python", "name": "python3"},
        "language_info": {
            "codemirror_mode": {"name": "ipython", "version": 3},
            "file_extension": ".py",
            "mimetype": "text/x-python",
            "name": "python",
            "nbconvert_exporter": "python",
            "pygments_lexer": "ipython3",
            "version": "3.12.3",
        },
        "orig_nbformat": 4,
        "vscode": {"interpreter": {"hash": "0123456789abcdef" * 4}},
    }
    return as_file(notebook)


@case(
    A1,
    "It says version 4.2 and has ids, as some editors write it: notebooks open so, and the work is right.",
    valid=False,
)
def ids_in_a_version_without_ids(edition):
    return as_file(edition.solution | {"nbformat_minor": 2})


@case(A1, "Two cells have the same id, as after copying: notebooks open so, and the work is right.", valid=False)
def a_cell_copied_with_its_id(edition):
    cell = edition.solution["cells"][-1]
    return as_file(after(edition.solution, cell["id"], cell))


def in_minor_version(edition, minor):
    notebook = executed(edition.solution)
    for cell in notebook["cells"]:
        cell["metadata"] = {"collapsed": False, "scrolled": True} if cell["cell_type"] == "code" else {}
    return as_file(in_lines(notebook if minor == 5 else without_ids(notebook, minor)))


for minor in range(6):
    hand_in = functools.partial(in_minor_version, minor=minor)
    reason = f"Saved as version 4.{minor}, tags dropped and outputs added: the work is right."
    CASES.append(Case(f"jupyter_version_4_{minor}", hand_in, A1, reason))


@case(A1, "Version 3 has worksheets and inputs instead of cells and sources: Jupyter reads it, and the work is right.")
def jupyter_version_3(edition):
    return as_file(nbformat.convert(nbformat.from_dict(edition.solution), 3))


@case(A1, "An editor on Windows has put a byte order mark first: the work is right.")
def byte_order_mark(edition):
    return {"A1.ipynb": b"\xef\xbb\xbf" + as_bytes(edition.solution)}


@case(A1, "All lines, those of the file and those of the cells, end as on Windows: the work is right.")
def lines_of_windows(edition):
    notebook = edition.solution
    for cell in edition.solution["cells"]:
        notebook = write(notebook, cell["id"], cell["source"].replace("\n", "\r\n"))
    return {"A1.ipynb": as_bytes(notebook).replace(b"\n", b"\r\n")}


@case(A1, "Students are told of no largest file, and 17 MiB of printed lines take nothing from right work.")
def outputs_of_17_mebibytes(edition):
    line = "epoch 1: loss 0.6931\n"
    printed = {"output_type": "stream", "name": "stdout", "text": line * (17 * 2**20 // len(line))}
    return as_file(after(edition.solution, "conv3d-try", code("print('a long story')", [printed])))


# Named and packed.


def named(edition, name):
    return as_file(edition.solution, name)


NAMES = {
    "renamed": ("Assignment 1 final FINAL.ipynb", "The name is the student's own"),
    "doubled_by_the_browser": ("A1 (1).ipynb", "The browser has added a number"),
    "numbered_by_the_platform": ("A1-2.ipynb", "The platform has numbered the second upload"),
    "ends_in_txt": ("A1.ipynb.txt", "The browser has added an ending"),
    "ends_in_json": ("A1.ipynb.json", "The browser has added an ending"),
    "ends_in_capitals": ("A1.IPYNB", "The ending is in capitals"),
    "in_a_folder": ("alice/A1.ipynb", "It lies in a folder with the student's name"),
    "name_composed": (unicodedata.normalize("NFC", "Lösung für Übung 1.ipynb"), "The name has composed letters"),
    "name_decomposed": (
        unicodedata.normalize("NFD", "Lösung für Übung 1.ipynb"),
        "The name has letters and accents apart, as a Mac writes them",
    ),
    "name_in_chinese": ("学生/第一次作业.ipynb", "Folder and file are named in Chinese"),
    "name_in_japanese": ("課題１（完成）.ipynb", "The name is in Japanese, with a wide digit"),
    "name_in_arabic": ("الطالب/الواجب ١.ipynb", "Folder and file are named in Arabic, from right to left"),
}
for title, (name, what) in NAMES.items():
    CASES.append(
        Case(title, functools.partial(named, name=name), A1, f"{what}; there is one notebook, and it is right.")
    )


@case(A1, "One of the two notebooks is the untouched copy, so the other one is the work that is handed in.")
def untouched_copy_beside_it(edition):
    return as_file(edition.student) | as_file(edition.solution, "A1 (1).ipynb")


@case(A1, "One of the two notebooks is the untouched copy, so the one with the right name is the work.")
def untouched_copy_with_another_name(edition):
    return as_file(edition.student, "A1 (1).ipynb") | as_file(edition.solution)


@case(
    A1 | {"pool_clips": (0, 10), "causal_conv": (0, 15)},
    "Two versions: `A1.ipynb` has the name that was asked for, the other one is more complete; either may be meant.",
)
def two_versions(edition):
    older = edition.solution
    for name in ("pool-clips-answer", "causal-conv-answer"):
        older = write(older, name, source(edition.student, name))
    return as_file(older) | as_file(edition.solution, "A1 (1).ipynb")


@case(A1, "The notebook is in a zip: one file to open, and the work is right.")
def in_a_zip(edition):
    return {"A1.zip": zipped(as_file(edition.solution))}


@case(A1, "The notebook is in a zip in a zip: two files to open, and the work is right.")
def in_a_zip_in_a_zip(edition):
    return {"submission.zip": zipped({"A1.zip": zipped(as_file(edition.solution))})}


@case(A1, "A Mac has zipped the folder with its own files, and Jupyter's checkpoint in it is no second version.")
def in_a_zip_from_a_mac(edition):
    files = {
        "alice/": b"",
        "alice/A1.ipynb": as_bytes(edition.solution),
        "__MACOSX/alice/._A1.ipynb": b"\x00\x05\x16\x07\x00\x02\x00\x00Mac OS X        ",
        "alice/.DS_Store": b"\x00\x00\x00\x01Bud1",
        "alice/.ipynb_checkpoints/A1-checkpoint.ipynb": as_bytes(edition.student),
    }
    return {"alice.zip": zipped(files)}


# Cells around right work.


@case(A1, "Functions are called by their names, so the order of the cells does not matter.")
def cells_in_another_order(edition):
    cells = {cell["id"]: cell for cell in edition.solution["cells"]}
    names = [name for name in cells if name not in ("imports", "setup", "title")]
    return as_file(edition.solution | {"cells": [cells[name] for name in ("title", *names[::-1], "imports", "setup")]})


@case(A1, "Functions are called by their names, whatever the headings say.")
def headings_renamed(edition):
    notebook = edition.solution
    for number, name in enumerate(
        ("to-batch", "conv3d", "output-shape", "frames-seen", "pool-clips", "causal-conv"), 1
    ):
        _, rest = source(notebook, name).split("\n", 1)
        notebook = write(notebook, name, f"# Aufgabe {number}\n{rest}")
    return as_file(notebook)


@case(A1, "Title, setup, rules, imports and cells for trying out are gone; all six functions are there and right.")
def other_cells_deleted(edition):
    first = source(edition.solution, "imports") + "\n\n\n" + source(edition.solution, "to-batch-answer")
    notebook = write(edition.solution, "to-batch-answer", first)
    for name in ("title", "setup", "rules", "imports", "to-batch", "conv3d-try", "causal-conv-try", "end"):
        notebook = replace(notebook, name)
    return as_file(notebook)


@case(A1, "All that is graded stands in one cell, and is right.")
def all_in_one_cell(edition):
    cells = {cell["id"]: cell for cell in edition.solution["cells"]}
    answers = [name for name in cells if name.endswith("answer") and cells[name]["cell_type"] == "code"]
    whole = code("\n\n\n".join(cells[name]["source"] for name in ("imports", *answers)))
    return as_file(edition.solution | {"cells": [cells["title"], whole, cells["in-words"], cells["in-words-answer"]]})


@case(A1, "Each function was merged with the cell below it: the line `# Not graded` no longer begins a cell.")
def merged_with_the_cells_below(edition):
    notebook = edition.solution
    for cell in edition.solution["cells"]:
        if cell["id"].endswith("-try"):
            answer = cell["id"].replace("-try", "-answer")
            notebook = write(notebook, answer, source(notebook, answer) + "\n\n\n" + cell["source"])
            notebook = replace(notebook, cell["id"])
    return as_file(notebook)


@case(A1, "A constant and a first step were split off into cells of their own.")
def cells_split(edition):
    step = f"field, step = 1, {edition.drawn['every']}"
    notebook = edit(edition.solution, "frames-seen-answer", step, "field, step = 1, EVERY")
    constant = code(f"EVERY = {edition.drawn['every']}  # the camera's frames per frame of the network's")
    notebook = before(notebook, "frames-seen-answer", constant, code("def first(values):\n    return values[0]"))
    return as_file(edit(notebook, "conv3d-answer", "t, h, w = kernel.shape", "t, h, w = first([kernel.shape])"))
