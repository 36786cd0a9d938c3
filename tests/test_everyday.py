"""What honest students do every day, and lose nothing by: each test is a way in which somebody once lost marks."""

import copy
import io
import json
import unicodedata
import zipfile

import pytest
from handed_in import A1, ALL, KEY, code, grader, lines, notebook, points, submission

from grading.assignment import Assignment
from grading.submission import collect

pytestmark = pytest.mark.slow  # student code runs apart, in processes of its own

A2 = Assignment("A2", KEY)
WORDS = "Both members hold the same frames."


def with_cells(*changes, base=A2.student):
    """A notebook as bytes in which, for each (id, where, kind, text), a cell is added or written into."""
    document = copy.deepcopy(base)
    for identity, where, kind, text in changes:
        at = next(i for i, cell in enumerate(document["cells"]) if cell["id"] == identity)
        cell = document["cells"][at]
        if where == "instead":
            cell |= {"cell_type": kind, "source": text}
        elif where == "within":
            cell["source"] = "".join(cell["source"]) + text
        else:
            new = {"cell_type": kind, "id": "new", "metadata": {}, "source": text}
            document["cells"].insert(at + (where == "after"), new | ({"outputs": []} if kind == "code" else {}))
    return json.dumps(document).encode()


def graded(data, assignment=A2, **files):
    return grader(assignment).grade(submission(data, name=f"{assignment.name}.ipynb", **files))


# Answers in words.


@pytest.mark.parametrize(
    "changes",
    [
        [("why-blind-answer", "instead", "markdown", f"### My answer\n\n{WORDS}")],
        [("why-blind-answer", "instead", "markdown", f"# Answer\n{WORDS}"), ("why-blind", "after", "markdown", "## 3")],
        [("why-blind", "within", "markdown", f"\n\n{WORDS}")],
        [("why-blind-answer", "instead", "raw", WORDS)],
        [("why-blind-answer", "instead", "code", f"# {WORDS}")],
        [("why-blind-answer", "instead", "code", f'"""{WORDS}"""')],
        [("why-blind-answer", "after", "markdown", f"## Second thoughts\n{WORDS}")],
        [("why-blind-answer", "after", "markdown", "## Beginn"), ("see", "before", "markdown", f"## Antwort\n{WORDS}")],
        [("why-blind-answer", "within", "markdown", f"\n{WORDS}")],
    ],
)
def test_an_answer_in_words_reaches_the_marker_wherever_it_stands_below_its_heading(changes):
    result = graded(with_cells(*changes))
    assert WORDS in result["written"]["why_blind"]
    assert points(result)["why_blind"] is None


def test_answers_stand_in_the_order_of_the_notebook_without_what_was_handed_out():
    changes = [
        ("why-blind", "within", "markdown", "\n\nFirst."),
        ("why-blind-answer", "instead", "markdown", "## Second\n*Your answer.*"),
        ("why-blind-answer", "after", "raw", "Third."),
    ]
    assert graded(with_cells(*changes))["written"]["why_blind"].split() == ["First.", "##", "Second", "Third."]


def test_what_cannot_be_placed_stands_elsewhere():
    changes = [
        ("imports", "after", "markdown", "Before all questions."),
        ("train", "after", "markdown", "Below the model."),
        ("make-twins-answer", "instead", "code", "def make_twins(clips): return 'code'"),
    ]
    result = graded(with_cells(*changes))
    assert [place for place, _ in result["elsewhere"]] == ["", "make_twins", "see"]
    assert [text for _, text in result["elsewhere"]][::2] == ["Before all questions.", "Below the model."]


def test_blank_is_what_was_handed_out_but_for_white_space_and_is_marked_by_nobody():
    spaced = copy.deepcopy(A2.student)
    for cell in spaced["cells"]:
        cell["source"] = "".join(cell["source"]).replace("\n", "  \n") + "\n\n"
    result = graded(json.dumps(spaced).encode())
    assert result["written"] == {"why_blind": "", "why_seeing": ""} and result["elsewhere"] == []
    assert points(result)["why_blind"] is None and "blank" in lines(result)
    changed = graded(with_cells(("why-blind-answer", "instead", "markdown", "*My answer.*")))
    assert changed["written"]["why_blind"] == "*My answer.*"


def test_all_in_one_cell_is_still_placed():
    merged = copy.deepcopy(A2.student)
    texts = ["".join(cell["source"]) for cell in merged["cells"] if cell["cell_type"] == "markdown"]
    text = "\n\n".join(texts).replace("*Your answer.*", WORDS)
    merged["cells"] = [{"cell_type": "markdown", "id": "all", "metadata": {}, "source": text}]
    assert graded(json.dumps(merged).encode())["written"] == {"why_blind": WORDS, "why_seeing": WORDS}


# Hidden inputs.


IN_PLACE = """
def conv3d(clip, kernel):
    clip *= 2
    clip += 1
    kernel[...] = kernel[::-1]
    return clip.view()
"""


def test_a_right_solution_may_work_in_place():
    right = "".join(next(cell["source"] for cell in A1.solution["cells"] if cell["id"] == "pool-clips-answer"))
    spoiling = right.replace("def pool_clips(", "def work(") + (
        "\n\ndef pool_clips(features, lengths):\n    features += 1\n    features -= 1\n"
        "    answer = work(features, lengths)\n    features[...] = 0\n    return answer\n"
    )
    assert points(graded(notebook({"pool-clips-answer": spoiling}), A1)) == ALL


def test_every_call_gets_writable_contiguous_copies_of_the_promised_kind():
    checking = """
def pool_clips(features, lengths):
    flags = features.flags
    assert flags.writeable and flags.c_contiguous and flags.owndata and flags.aligned, flags
    assert features.dtype == np.float64 and type(lengths) is tuple
    features.resize((3, 3), refcheck=False)
    raise KeyError("all well")
"""
    assert "all well" in lines(graded(notebook({"pool-clips-answer": checking}), A1))


# Imports, and what Colab leaves behind.


LEFT_BEHIND = {
    "an import that fails": "import nowhere_to_be_found\nimport numpy as np",
    "one import of several": "import nowhere_to_be_found, numpy as np, os",
    "names of which one is not there": "from numpy import nothing_of_this_name, pad\nimport numpy as np",
    "Colab's own": (
        "from google.colab import drive, files\ndrive.mount('/content/drive')\n"
        "uploaded = files.upload()\nprint(list(uploaded))\nimport numpy as np"
    ),
    "top-level await": "import asyncio\nawait asyncio.sleep(0)\nvalue = await asyncio.sleep(0, 5)\nimport numpy as np",
    "an await that fails": "await display\nimport numpy as np",
    "pip": "!pip install \\\n    nowhere\n!echo it's\n%pip install x\nimport numpy as np",
    "help": "np.pad?\n?np.pad\nnp.pad??\n?? np\nimport numpy as np\nnp.pa*?",
    "magics": "%load_ext autoreload\n%autoreload 2\n%matplotlib inline\nimport numpy as np",
    "a cell magic": "%%capture out\n%%time\nimport numpy as np",
    "input": "name = input('Your name: ')\nanswer = name.upper()\nimport numpy as np",
    "IPython": "get_ipython().run_line_magic('autoreload', '2')\nfrom IPython.display import Image\nimport numpy as np",
    "a picture": "import seaborn as sns\nsns.set_theme()\nimport numpy as np",
    "an assertion": "assert 1 > 2\nimport numpy as np",
    "a file that is not there": "data = open('frames.npy').read()\nimport numpy as np",
}


@pytest.mark.parametrize("kind", LEFT_BEHIND)
def test_what_fails_does_not_take_the_rest_of_its_cell_along(kind):
    result = graded(notebook({"imports": LEFT_BEHIND[kind]}), A1)
    assert points(result) == ALL, lines(result)


def test_a_stand_in_says_on_use_what_is_not_there():
    cell = (
        "import numpy as np\nimport torch, torch.nn as nn\nfrom scipy.signal import convolve\n"
        "def conv3d(clip: torch.Tensor, kernel) -> nn.Module['x']:\n"
        "    if isinstance(clip, torch.Tensor): clip = None\n"
        "    return convolve(clip, kernel)"
    )
    result = graded(notebook({"conv3d-answer": cell}), A1)
    assert points(result) == ALL | {"conv3d": 0}
    assert "scipy.signal.convolve is not there when this is graded" in result["marks"]["conv3d"]["lines"][0]


def test_time_is_measured_and_what_is_timed_is_run():
    source = "".join(next(cell["source"] for cell in A1.solution["cells"] if cell["id"] == "conv3d-answer"))
    timed = f"{source.replace('def conv3d', 'def work')}\n%time conv3d = work\n%timeit 1"
    result = graded(notebook({"conv3d-answer": timed}), A1)
    assert points(result) == ALL


def test_a_training_run_at_the_top_costs_its_statement_alone():
    training = "while True:\n    pass\n"
    base = A1.solution
    merged = [training, *("".join(c["source"]) for c in base["cells"] if c["cell_type"] == "code")]
    kept = [source for source in merged if not source.startswith("# Not graded")]
    limits = grader().limits._replace(step_cpu=2)
    result = grader(limits=limits).grade(submission(json.dumps({"cells": [code("\n".join(kept))]}).encode()))
    assert points(result) == ALL and "Cell 1: it took more than 2 s and was stopped (line 1)" in lines(result)


# Several files, and their names.


def test_a_stub_beside_the_solved_notebook_is_not_graded():
    stub = notebook(base=A1.student)
    files = {"my own.ipynb": lambda: notebook()}
    result = graded(stub, A1, **files)
    assert points(result) == ALL and "my own.ipynb was graded" in lines(result)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("solved/A1.ipynb", notebook())
    assert points(graded(stub, A1, **{"A1.zip": packed.getvalue})) == ALL
    half = notebook({"conv3d-answer": "def conv3d(clip, kernel):\n    raise NotImplementedError"}, base=A1.student)
    assert points(graded(half, A1, **files)) == ALL


def test_one_students_notes_do_not_depend_on_anothers_files():
    alone = submission(notebook())
    beside = submission(notebook(), **{"draft.ipynb": lambda: notebook(base=A1.student)})
    assert grader().key(alone) != grader().key(beside)


def test_zipped_twice_and_by_a_mac():
    inner, outer = io.BytesIO(), io.BytesIO()
    with zipfile.ZipFile(inner, "w") as archive:
        archive.writestr("mine/my.ipynb", notebook())
        archive.writestr("__MACOSX/mine/._my.ipynb", b"\0\5\26\7")
    with zipfile.ZipFile(outer, "w") as archive:
        archive.writestr("A1.zip", inner.getvalue())
    assert points(grader().grade(submission(outer.getvalue(), name="A1.zip"))) == ALL


@pytest.mark.parametrize("name", ["A1.ipynb.txt", "A1.ipynb.json", "A1", "A1.IPYNB"])
def test_a_renamed_notebook_is_still_one(name):
    assert points(grader().grade(submission(notebook(), name=name))) == ALL


def test_without_a_notebook_it_is_said_what_was_handed_in():
    result = grader().grade(submission(b"%PDF-1.7", name="A1.pdf"))
    assert "no .ipynb file was handed in, but A1.pdf" in lines(result)


@pytest.mark.parametrize("kept", ["outputs", "attachments"])
def test_outputs_do_not_count(kept, tmp_path):
    document = json.loads(notebook())
    cell = document["cells"][0] if kept == "attachments" else code("1")
    cell[kept] = [{"data": {"image/png": "iVBOR\\n[" * 2**21, "outputs": [1]}}]
    document["cells"].append(cell)
    data = json.dumps(document).encode()
    assert len(data) > 2**24
    (tmp_path / "me.ipynb").write_bytes(data)
    (found,) = collect(tmp_path, "A1")
    assert points(grader().grade(found)) == ALL


def test_old_notebooks_are_read():
    cells = []
    for cell in json.loads(notebook())["cells"]:
        source = {"input" if cell["cell_type"] == "code" else "source": cell["source"]}
        cells.append({"cell_type": cell["cell_type"], "metadata": {}} | source)
    cells.insert(0, {"cell_type": "heading", "level": 2, "source": ["My", " work"]})
    data = json.dumps({"nbformat": 3, "nbformat_minor": 0, "worksheets": [{"cells": cells}]}).encode()
    assert points(graded(data, A1)) == ALL


NAMES = [
    "Zoë Ångström",
    "नमिता शर्मा",
    "தமிழ்ச்செல்வி",
    "Nguyễn Thị Ánh",
    "김민준",
    "李小龍",
    "محمد علی‌زاده",
    "Siân O\u2019Neil",
]


@pytest.mark.parametrize("form", ["NFC", "NFD"])
@pytest.mark.parametrize("name", NAMES)
def test_names_of_any_script_and_form_come_through_whole(name, form, tmp_path):
    (tmp_path / f"{unicodedata.normalize(form, name)}.ipynb").write_text("{}")
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        archive.writestr(f"{unicodedata.normalize(form, name)}.ipynb", "{}")
    for source in (tmp_path, tmp_path / "all.zip"):
        assert unicodedata.normalize("NFC", name) in [found.student for found in collect(source, "A1")]


def test_a_zip_without_the_mark_of_its_encoding_is_read_as_utf_8(tmp_path):
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        archive.writestr("XYZ.ipynb", "{}")
    data = (tmp_path / "all.zip").read_bytes()
    (tmp_path / "all.zip").write_bytes(data.replace(b"XYZ", "Zë".encode()))  # as macOS packs it
    assert [found.student for found in collect(tmp_path / "all.zip", "A1")] == ["Zë"]


# Models.


def models():
    from seqlib.backend import keras

    frames, resolution = A2.drawn["frames"], A2.drawn["resolution"]
    clip = keras.Input((frames, resolution, resolution, 1))
    pooled = keras.layers.GlobalMaxPooling3D()(keras.layers.Conv3D(1, 1)(clip))
    four = keras.layers.Dense(4)
    yield "three logits", keras.Model(clip, keras.layers.Dense(3)(pooled))
    yield "one logit", keras.Model(clip, keras.layers.Dense(1)(pooled))
    yield "an axis more", keras.Model(clip, keras.layers.Reshape((1, 4))(four(pooled)))
    yield "logits for each frame", keras.Model(clip, keras.layers.Dense(4)(keras.layers.MaxPooling3D((1, 8, 8))(clip)))
    other = keras.Input((frames + 1, resolution, resolution, 1))
    pooled = keras.layers.GlobalMaxPooling3D()(keras.layers.Conv3D(1, 1)(other))
    yield "other clips", keras.Model(other, keras.layers.Dense(4)(pooled))


def test_a_model_of_another_shape_is_told_what_came_and_what_was_wanted(tmp_path):
    from seqlib import model_files

    for kind, model in models():
        model_files.save_model(model, tmp_path / "m.npz")
        result = graded(notebook(base=A2.solution), A2, **{"A2.npz": (tmp_path / "m.npz").read_bytes})
        assert points(result)["see"] == 0 and points(result)["make_twins"] == 15, kind
        (said,) = [line for line in result["marks"]["see"]["lines"] if "wanted" in line]
        wanted, came = said.partition("wanted")[::-2], model.outputs[0].shape[1:]
        assert ("(4,)" in wanted[0] and str(came) in wanted[1]) or f"({A2.drawn['frames']}, " in wanted[0], (kind, said)
