"""What honest students do every day, and lose nothing by: each test is a way in which somebody once lost marks."""

import ast
import copy
import csv
import io
import json
import os
import re
import subprocess
import sys
import types
import unicodedata
import zipfile
from pathlib import Path

import numpy as np
import pytest
from handed_in import A1, ALL, KEY, OTHER_KEY, code, grader, lines, notebook, points, submission

from grading import collector, gradescope, messages, pages, questions, reports, uploads
from grading.assignment import Assignment
from grading.collector import read_notebook
from grading.sandbox import Sandbox
from grading.submission import Submission, collect

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


def test_a_pasted_picture_does_not_crowd_out_the_words():
    picture = f"![a sketch](data:image/png;base64,{'iVBO' * 10**6})"
    result = graded(with_cells(("why-blind-answer", "instead", "markdown", f"{picture}\n\n{WORDS}")))
    assert result["written"]["why_blind"] == f"![a sketch](a picture, see the notebook)\n\n{WORDS}"


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
    yield "three logits", keras.Model(clip, keras.layers.Dense(3)(pooled))
    yield "logits for each frame", keras.Model(clip, keras.layers.Dense(4)(keras.layers.MaxPooling3D((1, 8, 8))(clip)))
    other = keras.Input((frames + 1, resolution, resolution, 1))
    pooled = keras.layers.GlobalMaxPooling3D()(keras.layers.Conv3D(1, 1)(other))
    yield "other clips", keras.Model(other, keras.layers.Dense(4)(pooled))


def test_a_model_of_another_shape_is_told_what_came_and_what_was_wanted(tmp_path):
    from seqlib import model_files

    for kind, model in models():
        model_files.save_model(model, tmp_path / "m.npz")
        result = graded(notebook(base=A2.solution), A2, **{"A2.npz": (tmp_path / "m.npz").read_bytes})
        assert points(result)["see"] == 0 and points(result)["make_twins"] == 10, kind
        (said,) = [line for line in result["marks"]["see"]["lines"] if "wanted is" in line]
        wanted, came = said.partition("wanted")[::-2], model.outputs[0].shape[1:]
        assert ("(4,)" in wanted[0] and str(came) in wanted[1]) or f"({A2.drawn['frames']}, " in wanted[0], (kind, said)


def test_what_rounding_may_decide_counts_for_the_student_as_long_as_it_is_rare():
    labels = np.zeros((1, 1000), int)
    logits = np.stack([labels, labels + 1], -1).astype(float)  # all wrong
    logits[0, :10, 0] = 1 - 1e-5
    assert (questions.classes(logits, labels) == 0).sum() == 10
    logits[0, :500, 0] = 1 - 1e-5  # a model that does not decide gets nothing for it
    assert not (questions.classes(logits, labels) == 0).any()
    assert (questions.classes(np.zeros((1, 9, 2)), labels[:, :9] + 1) == 0).all()
    third = np.tile([1.0, 1.0, 0.5], (1, 1000, 1)) + np.arange(1000)[None, :, None] * [0, 1, 0]
    assert questions.classes(third, labels + 2)[0, 0] != 2  # only one of the two best


# Typical mistakes.


ON_THE_OTHER_SIDE = {"(missing, 0)": "(0, missing)", "(0, missing)": "(missing, 0)"}


def solution(identity, *changes, base=A1.solution):
    """A cell of the solution with other passages; each of them must be there."""
    source = "".join(next(cell["source"] for cell in base["cells"] if cell["id"] == identity))
    for old, new in changes:
        assert old in source, source
        source = source.replace(old, new)
    return source


def mistaken():
    side = next(side for side in ON_THE_OTHER_SIDE if side in solution("to-batch-answer"))
    flipped = ("t, h, w = kernel.shape", "t, h, w = kernel.shape\n    kernel = kernel[::-1, ::-1, ::-1]")
    return {
        "to_batch": (solution("to-batch-answer", (side, ON_THE_OTHER_SIDE[side])), "the padding is on the other side"),
        "conv3d": (solution("conv3d-answer", flipped), "the kernel is flipped"),
        "frames_seen": (solution("frames-seen-answer", ("return field", "return field + 1")), "one frame too many"),
    }


@pytest.mark.parametrize("name", ["to_batch", "conv3d", "frames_seen"])
def test_a_typical_mistake_is_named_and_earns_the_stated_part(name):
    source, what = mistaken()[name]
    result = graded(notebook({f"{name.replace('_', '-')}-answer": source}), A1)
    assert points(result) == ALL | {name: 0.4 * ALL[name]} and what in lines(result)
    assert "two fifths" in json.dumps(A1.student) and result["to_instructor"] == []


def test_several_typical_mistakes_are_no_other_edition():
    cells = {f"{name.replace('_', '-')}-answer": source for name, (source, _) in mistaken().items()}
    result = graded(notebook(cells), A1)
    assert points(result) == ALL | {name: 0.4 * ALL[name] for name in mistaken()}


@pytest.mark.parametrize("key", [None, OTHER_KEY], ids=["practice", "another class"])
def test_answers_of_another_edition_earn_no_part_and_only_the_instructor_sees_why(key):
    there = Assignment("A1", key)
    own = copy.deepcopy(A1.student)
    for cell in own["cells"]:
        if cell["id"].endswith("-answer"):
            cell["source"] = solution(cell["id"], base=there.solution)
    result = graded(json.dumps(own).encode(), A1)
    differing = {
        question.name
        for question in A1.questions
        if any(A1.drawn[choice] != there.drawn[choice] for choice in question.choices)
    }
    assert len(differing) > 1 and points(result) == ALL | dict.fromkeys(differing, 0)
    (told,) = result["to_instructor"]
    assert "right for" in told and "edition" not in lines(result) and "typical" not in lines(result)
    assert told not in str(pages.feedback(A1, submission(b""), result))
    assert told in str(gradescope.shown(submission(b""), result)["tests"][-1])
    assert gradescope.shown(submission(b""), result)["tests"][-1]["visibility"] == "hidden"


# The hand-in check.


def in_a_copy(data, folder, assignment=A1, *options, **files):
    """What the check prints in a student's copy: its cell, run by a Python that has nothing of the grader."""
    (folder / f"{assignment.name}.ipynb").write_bytes(data)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    (folder / "cell.py").write_text(assignment.student["cells"][-1]["source"], "utf-8")
    command = [sys.executable, "-P", "cell.py"]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return subprocess.check_output(command, cwd=folder, text=True, env=environment | dict(options))


def test_the_check_in_the_students_copy_is_the_graders_own_collector():
    own = Path(collector.__file__).read_text("utf-8")
    for assignment in (A1, A2):
        (cell,) = [cell for cell in assignment.student["cells"] if own in cell["source"]]
        assert cell is assignment.student["cells"][-1] and cell["source"].startswith("# Not graded")
        names = {}
        exec(cell["source"].partition("exec(_source")[0], names)
        assert names["_source"] == own and json.loads(names["_form"]) == json.loads(json.dumps(assignment.form))
        assert not any(own in cell["source"] for cell in assignment.solution["cells"])
    imported = {
        alias.name.partition(".")[0] if isinstance(node, ast.Import) else node.module.partition(".")[0]
        for node in ast.parse(own).body
        if isinstance(node, (ast.Import, ast.ImportFrom))
        for alias in node.names
    }
    assert imported <= sys.stdlib_module_names, "it must run where nothing is installed"


def test_the_check_says_what_the_grader_finds(tmp_path):
    cells = {
        "imports": "import nowhere_to_be_found\nimport numpy as np",
        "to-batch-answer": "def to_batch(frames, lengths):\n    return frames",
        "conv3d-answer": "def conv_3d(clip, kernel):\n    return clip",
        "frames-seen-answer": "def frames_seen(layers):\n    raise NotImplementedError",
    }
    printed = in_a_copy(notebook(cells), tmp_path)
    assert "A1.ipynb, saved just now" in printed and "KiB" in printed
    for line in (
        r"- to_batch \(cell \d+\): the shape of its answer is \(.*\), wanted is \(2, 3, 2, 4, 1\)",
        r"- conv3d: NameError: the notebook defines no function of this name",
        r"- output_shape \(cell \d+\): the shape of its answer is \(4,\), as wanted",
        r"- frames_seen \(cell \d+\): it is not written yet",
        r"- causal_conv \(cell \d+\): .* as wanted",
        r"- Cell \d+: ModuleNotFoundError: there is no nowhere_to_be_found when this is graded \(line 1\)",
    ):
        assert re.search(line, printed), (line, printed)


def test_the_check_finds_words_and_a_model(tmp_path):
    changes = [
        ("why-blind-answer", "instead", "markdown", f"## Mine\n{WORDS}"),
        ("see", "after", "markdown", "Elsewhere."),
    ]
    printed = in_a_copy(with_cells(*changes), tmp_path, A2)
    assert re.search(r"- why_blind \(cell \d+\): \d+ characters, from .## Mine Both", printed), printed
    assert "- why_seeing: blank" in printed and "- Text elsewhere (cell " in printed
    assert "there is no A2.npz beside the notebook" in printed


def test_the_check_and_the_grader_find_the_same(tmp_path):
    """Also where files and packages are there at home that are not there when it is graded."""
    (tmp_path / "helper.py").write_text("def conv3d(clip, kernel): return clip")
    data = notebook({"conv3d-answer": "from helper import conv3d", "imports": "import numpy as np\nimport scipy"})
    printed = in_a_copy(data, tmp_path)
    lines_of_the_grader = grader().check(submission(data))
    assert printed.splitlines()[1:] == lines_of_the_grader
    assert "helper.conv3d is not there when this is graded" in printed and "there is no scipy" in printed


@pytest.mark.parametrize("answers", [True, False])
def test_the_check_asks_colab_for_the_notebook(answers, tmp_path, monkeypatch, capsys):
    reply = {"ipynb": json.loads(notebook())} if answers else None
    message = types.SimpleNamespace(blocking_request=lambda *_, **__: reply)
    monkeypatch.setitem(sys.modules, "google.colab", types.SimpleNamespace(_message=message))
    monkeypatch.chdir(tmp_path)
    collector.check(A1.form, Path(collector.__file__).read_text("utf-8"))
    printed = capsys.readouterr().out
    assert ("- causal_conv (cell" in printed) if answers else ("Colab does not return it" in printed)


def test_what_the_check_starts_tells_what_it_finds(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    cells = read_notebook(notebook({"conv3d-answer": "def conv3d(clip, kernel): pass"}, added=["1 / 0", "(", "%%bash"]))
    (tmp_path / "job.json").write_text(json.dumps({"cells": cells, "form": A1.form, "models": str(tmp_path)}))
    collector.try_out()
    told = [json.loads(line) for line in (tmp_path / "tried.jsonl").read_text("utf-8").splitlines()]
    assert [line["note"].partition(":")[0] for line in told if "note" in line] == ["Cell 1", "Cell 2", "Cell 3"]
    assert {"question": "conv3d", "problem": "TypeError: it returned None"} in told
    assert {"question": "output_shape", "shape": [4]} in told


def test_the_check_looks_at_a_stored_model(tmp_path):
    from seqlib import model_files

    (_, model), *_ = models()
    model_files.save_model(model, tmp_path / "A2.npz")
    (asked,) = [question for question in A2.form["questions"] if question["kind"] == "model"]
    outcome = "; ".join(line for line, _ in collector.compared(asked, collector._model(tmp_path / "A2.npz")))
    assert "is (3,), wanted is (4,)" in outcome and "as wanted" in outcome and "of at most 60,000 parameters" in outcome
    checked = "\n".join(
        grader(A2).check(submission(notebook(base=A2.solution), **{"A2.npz": (tmp_path / "A2.npz").read_bytes}))
    )
    assert "- see: " in checked and "wanted is (4,)" in checked


def test_the_check_survives_a_notebook_that_does_not(tmp_path):
    for ending in ("import os\nos._exit(1)", "raise SystemExit", "import sys\nsys.stdout = None"):
        assert "- causal_conv" in in_a_copy(notebook(last=[ending]), tmp_path)
    (tmp_path / "A1.ipynb").unlink()
    source = A1.student["cells"][-1]["source"]
    (tmp_path / "cell.py").write_text(source, "utf-8")
    printed = subprocess.check_output([sys.executable, "cell.py"], cwd=tmp_path, text=True)
    assert "cannot read the notebook: there is no notebook of edition" in printed


def test_the_check_takes_nothing_of_its_readers_names():
    names = {}
    exec(A1.student["cells"][-1]["source"].partition('_collector["check"]')[0], names)
    assert {name for name in names if not name.startswith("_")} == set()


# Before the deadline.


def test_gradescope_shows_the_check_alone_before_the_deadline(tmp_path):
    for folder in ("source", "submission", "results"):
        (tmp_path / folder).mkdir()
    (tmp_path / "source" / "secret").write_bytes(KEY)
    source, what = mistaken()["to_batch"]
    (tmp_path / "submission" / "A1.ipynb").write_bytes(notebook({"to-batch-answer": source}))
    gradescope.main("A1", tmp_path, user=None)
    result = json.loads((tmp_path / "results" / "results.json").read_text("utf-8"))
    assert "- to_batch (cell " in result["output"] and "as wanted" in result["output"]
    assert not any(word in result["output"] for word in ("right", "wrong", what))
    assert {test["visibility"] for test in result["tests"]} <= {"after_due_date", "hidden"}
    assert result["score"] == 75 - 6 and "visibility" not in result


def test_the_check_on_gradescope_is_given_nothing_hidden(monkeypatch):
    sent = []

    def run(self, job, given=(), limits=None):
        sent.extend(messages.pack(head, array) for head, array in [(job, None), *given])
        return [], ""

    monkeypatch.setattr(Sandbox, "run", run)
    grader().check(submission(notebook()))
    (clip, _), *_ = (arguments for _, arguments in A1.cases(A1.questions[1])[0])
    assert sent and clip.tobytes() not in b"".join(sent)


# Marks that are missing.


def test_a_missing_mark_is_empty_in_every_export_and_the_total_says_so(tmp_path):
    people = [Submission(name, system, "7", False, {}) for name, system in (("ada", "canvas"), ("bob", "moodle"))]
    result = graded(with_cells(("why-blind-answer", "instead", "markdown", WORDS)))
    class_of_two = [(person, copy.deepcopy(result)) for person in people]
    reports.write_all(tmp_path, A2, class_of_two)
    uploads.write_all(tmp_path, A2, class_of_two)
    rows = list(csv.DictReader((tmp_path / "grades.csv").open(encoding="utf-8-sig")))
    assert [(row["why_blind"], row["total"], row["missing"]) for row in rows] == [("", "", "why_blind why_seeing")] * 2
    assert "7,,\n" in (tmp_path / "canvas.csv").read_text() and "bob,,-" in (tmp_path / "moodle.csv").read_text()
    page = (tmp_path / "feedback" / "ada.html").read_text()
    assert "0 so far, without why_blind, why_seeing" in page
    tests = gradescope.shown(*class_of_two[0])["tests"]
    assert [test["name"] for test in tests if "score" not in test] == ["why_blind", "why_seeing"]
    for_the_marker = (tmp_path / "written.html").read_text()
    assert WORDS in for_the_marker and "Blank below its heading: ada, bob" in for_the_marker
