"""Grading as an instructor meets it: what is found, what is written, and that it goes on where it was stopped."""

import copy
import csv
import hashlib
import io
import json
import os
import re
import resource
import signal
import subprocess
import sys
import zipfile
from collections import Counter
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from bs4 import BeautifulSoup
from handed_in import (
    A1,
    ALL,
    ASLEEP,
    BY_THE_MACHINE,
    KEY,
    LIMITS,
    POINTS,
    QUESTIONS,
    grader,
    lines,
    notebook,
    points,
    submission,
    wait_until,
)
from hypothesis import given
from hypothesis import strategies as st

from grading import __main__ as command
from grading import collector, gradescope, inside, messages, pages, reports, sandbox, syscalls, tables, written
from grading import submission as submission_module
from grading.assignment import REPOSITORY, Assignment
from grading.collector import MOST_CELLS, UnreadableError, handed_out, in_words, pieces, read_notebook, tuples
from grading.grade import Grader
from grading.questions import Model, Trial, difference, mark_model, shuffled
from grading.sandbox import PYTHON, Sandbox, _environment
from grading.secret import Draw, read
from grading.submission import MOST_LOOKED_AT, Submission, collect

pytestmark = pytest.mark.slow  # student code runs apart, in processes of its own

RIGHT = notebook()


@pytest.fixture
def secret(tmp_path):
    (tmp_path / "secret").write_bytes(KEY)
    return tmp_path / "secret"


@pytest.fixture
def run(tmp_path, secret):
    """Run the command on files (name to bytes); returns its exit code, and where its results are."""

    def run(files, *options):
        folder = tmp_path / "submissions"
        for name, data in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(data)
        out = tmp_path / "grades"
        return command.main(["A1", str(folder), "--secret", str(secret), "--out", str(out), *options]), out

    return run


def rows(path):
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def for_words(out, points):
    """Give all students the same points for what they wrote in A1."""
    for_all = [[row["student"], row["id"], str(points)] for row in rows(out / "written.csv")]
    tables.write(out / "written.csv", ["student", "id", "in_words"], for_all)


def earned(out):
    """What the machine gave to each student, by name."""
    return [sum(float(row[name] or 0) for name in QUESTIONS) for row in rows(out / "grades.csv")]


# The secret.


def test_what_is_drawn_never_changes():
    """A secret kept for years must draw what it drew."""
    draw = Draw(b"secret", "A1", "conv3d")
    drawn = draw.digest("x").hex(), draw.integer("x", 0, 10**9), draw.array("x", (3,), 0, 255).tolist()
    assert hashlib.sha256(repr(drawn).encode()).hexdigest()[:16] == "f0689f7f6552eddf"
    assert draw.order("x", 5).tolist() == draw.order("x", 5).tolist() != sorted(draw.order("x", 5))


def test_draws_depend_on_the_secret_and_on_every_name_and_fill_their_range():
    names = [("a", "b", "c"), ("ab", "c"), ("a", "bc"), ("abc",)]
    assert len({Draw(b"k", *path).digest(name) for *path, name in names} | {Draw(b"l", "a", "b").digest("c")}) == 5
    values = Draw(b"k").array("values", (2000,), -1, 1)
    assert {-1, 0, 1} == set(values.tolist()) and abs(values.mean()) < 0.1
    assert "hidden" not in repr(Draw(b"hidden"))


def test_a_secret_at_home_is_found(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "mine").write_bytes(KEY)
    assert read("~/mine", REPOSITORY) == KEY


def test_a_secret_that_is_none_is_refused(tmp_path):
    (tmp_path / "empty").touch()
    (tmp_path / "link").symlink_to(REPOSITORY / "README.md")
    for path, message in (
        (REPOSITORY / "README.md", "outside the repository"),
        (tmp_path / "link", "outside the repository"),
        (tmp_path / "empty", "is empty"),
        (tmp_path / "missing", "can be read"),
        (tmp_path, "can be read"),
    ):
        with pytest.raises(ValueError, match=message):
            read(path, REPOSITORY)
    (tmp_path / "any").write_bytes(b"\0\xff\n")
    assert read(tmp_path / "any", REPOSITORY) == b"\0\xff\n"


# Messages.


@given(st.lists(st.tuples(st.sampled_from(sorted(messages.KINDS)), st.lists(st.integers(0, 3), max_size=3))))
def test_messages_come_back(kinds):
    sent = [({"n": i}, np.ones(shape, kind)) for i, (kind, shape) in enumerate(kinds)]
    received = messages.unpack(b"".join(messages.pack(head, array) for head, array in sent))
    assert [head["n"] for head, _ in received] == list(range(len(sent)))
    for (_, array), (_, again) in zip(sent, received, strict=True):
        assert array.dtype == again.dtype and np.array_equal(array, again)


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from([0, 2**31, 2**32 - 1]),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.sampled_from(["dtype", "shape"]), inner),
)
HEADS = st.fixed_dictionaries(
    {"dtype": st.sampled_from(sorted(messages.KINDS)) | ANY_JSON, "shape": st.just([0, 2**31, 2**31]) | ANY_JSON}
)
LINES = (HEADS | ANY_JSON).map(lambda value: json.dumps(value).encode() + b"\n")


@given(st.lists(st.binary() | st.text().map(str.encode) | LINES | st.just(b"[" * 10**5 + b"\n")).map(b"".join))
def test_rubbish_is_no_message_and_no_error(data):
    assert isinstance(messages.unpack(data), list)
    assert messages.unpack(messages.pack({"first": 1}) + b"\xff" + data)[0] == ({"first": 1}, None)


@given(st.data())
def test_whatever_is_changed_in_messages_they_are_read_without_an_error(data):
    packed = bytearray(b"".join(messages.pack({"n": n}, np.arange(n, dtype="uint8")) for n in range(3)))
    for at in data.draw(st.lists(st.integers(0, len(packed) - 1), max_size=5)):
        packed[at] = data.draw(st.integers(0, 255))
    for head, array in messages.unpack(bytes(packed[: data.draw(st.integers(0, len(packed)))])):
        assert isinstance(head, dict) and (array is None or isinstance(array, np.ndarray))


def test_messages_are_read_up_to_a_number_and_a_length():
    assert len(messages.unpack(b"{}\n" * (messages.MOST + 1))) == messages.MOST
    long = messages.pack({"note": "x" * 100})
    assert len(messages.unpack(long + long, longest=len(long))) == 2
    assert messages.unpack(long, longest=len(long) - 1) == []


@pytest.mark.parametrize(
    "head",
    [
        {"dtype": "object", "shape": [1]},
        {"dtype": "float64", "shape": [10**9]},
        {"dtype": "float64", "shape": [-1]},
        {"dtype": "float64", "shape": [True]},
        {"dtype": "float64", "shape": [1] * 9},
        {"dtype": "float64", "shape": "1"},
        {"dtype": "float64", "shape": ""},
        {"dtype": "float64", "shape": {}},
        {"dtype": "float64", "shape": [0, 2**32 - 1, 2**32 - 1, 2**32 - 1]},
        {"dtype": [], "shape": [1]},
        {"dtype": "float64"},
    ],
)
def test_an_array_that_is_none_is_not_read(head):
    assert messages.unpack(json.dumps(head).encode() + b"\n" + bytes(64)) == []


# What is handed in.


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["alice.ipynb", "Bob.ipynb"], [("alice", "", "alice"), ("Bob", "", "Bob")]),
        (["alice/A1.ipynb", "alice/A1.npz", "bob/A1.ipynb"], [("alice", "", "alice"), ("bob", "", "bob")]),
        (["week 3/alice.ipynb", "week 3/bob.ipynb"], [("alice", "", "alice"), ("bob", "", "bob")]),
        (["lovelaceada_12345_67890_A1.ipynb"], [("lovelaceada", "canvas", "12345")]),
        (["lovelaceada_LATE_12345_67890_A1-1.ipynb"], [("lovelaceada", "canvas", "12345")]),
        (["o_neil2_5_6_A1.ipynb", "o_neil2_5_7_A1.npz"], [("o_neil2", "canvas", "5")]),
        (["anon_x7Yz2_678_A1.ipynb"], [("anon_x7Yz2", "canvas", "anon_x7Yz2")]),
        (["Ada King_123_assignsubmission_file_/A1.ipynb"], [("Ada King", "moodle", "123")]),
        (["Ada King_123_assignsubmission_file/A1.ipynb"], [("Ada King", "moodle", "123")]),
        (["Ada King_123_assignsubmission_file_A1.ipynb"], [("Ada King", "moodle", "123")]),
        (["Jo Wu_1_assignsubmission_file_/A1.ipynb", "Jo Wu_2_assignsubmission_file_/A1.ipynb"], None),
        # Whose it is stands at the top of the path and at the front of the name; a student chooses all that follows.
        (["Ada King_123_assignsubmission_file_x_9_assignsubmission_file_A1.ipynb"], [("Ada King", "moodle", "123")]),
        (
            ["x_9_assignsubmission_file__123_assignsubmission_file_/A1.ipynb"],
            [("x_9_assignsubmission_file_", "moodle", "123")],
        ),
        (["lovelaceada_12345_67890_x_9_8_A1.ipynb"], [("lovelaceada", "canvas", "12345")]),
        (["99_12345_67890_A1.ipynb"], [("99", "canvas", "12345")]),
        (
            ["alice/x_9_assignsubmission_file_/A1.ipynb", "bob/x_9_8_A1.ipynb"],
            [("alice", "", "alice"), ("bob", "", "bob")],
        ),
        (["=1+1.ipynb", "@x.ipynb"], [("_1+1", "", "=1+1"), ("x", "", "@x")]),
        (
            [".DS_Store", "__MACOSX/._alice.ipynb", ".ipynb_checkpoints/a.ipynb", "alice.ipynb"],
            [("alice", "", "alice")],
        ),
    ],
)
@pytest.mark.parametrize("zipped", [False, True], ids=["folder", "zip"])
def test_students_are_found_by_the_names_of_their_files(names, expected, zipped, tmp_path):
    source = tmp_path / ("all.zip" if zipped else "all")
    if zipped:
        with zipfile.ZipFile(source, "w") as archive:
            for name in names:
                archive.writestr(name, "x")
    else:
        for name in names:
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            (source / name).write_text("x")
    submissions = collect(source, "A1")
    students = [(submission.student, submission.system, submission.id) for submission in submissions]
    if expected is None:  # two of one name
        assert [(system, identity) for _, system, identity in students] == [("moodle", "1"), ("moodle", "2")]
        assert [name for name, *_ in students] == ["Jo Wu (1)", "Jo Wu (2)"]
    else:
        assert students == expected
    assert any(submission.late for submission in submissions) == any("LATE" in name for name in names)


@pytest.mark.parametrize(
    "names",
    [
        ["Ada King_9_assignsubmission_file_A1.ipynb", "Eve_9_assignsubmission_file__3_assignsubmission_file_A1.ipynb"],
        ["Ada King_9_assignsubmission_file_/A1.ipynb", "Eve_9_assignsubmission_file_A1.ipynb"],
        ["king_9_101_A1.ipynb", "eve_9_103_A1.ipynb"],
        ["king/A1.ipynb", "king.ipynb"],
    ],
)
def test_two_sources_for_one_number_are_refused_and_named_and_nobody_else_is(names, run, capsys):
    exit_code, out = run(dict.fromkeys([*names, "zoe/A1.ipynb"], RIGHT))
    assert exit_code == 0
    totals = dict(zip((row["student"] for row in rows(out / "grades.csv")), earned(out), strict=True))
    assert totals.pop("zoe") == BY_THE_MACHINE and len(totals) == 2 and set(totals.values()) == {0}
    assert f"Not graded, look: {', '.join(totals)};" in capsys.readouterr().out
    notes = {row["student"]: row["note"] for row in rows(out / "notes.csv")}
    assert set(notes) == set(totals) and all("not graded: look" in note for note in notes.values())
    assert all("have the same number or name, " in note for note in notes.values())
    assert not (out / "moodle.csv").exists() and not (out / "canvas.csv").exists()


def test_names_with_accents_and_names_that_clean_up_alike_stay_apart(tmp_path):
    for name in ("Zoë Ångström", "a?", "a*", "A_"):
        (tmp_path / f"{name}.ipynb").write_text(name)
    submissions = collect(tmp_path, "A1")
    students = {submission.student for submission in submissions}
    assert len({student.casefold() for student in students}) == 4
    assert "Zoë Ångström" in students
    texts = {submission.file(".ipynb", "A1")[1].decode() for submission in submissions}
    assert texts == {"Zoë Ångström", "a?", "a*", "A_"}


def test_one_notebook_by_itself_and_nothing_at_all(tmp_path):
    (tmp_path / "me.ipynb").write_bytes(RIGHT)
    assert [submission.student for submission in collect(tmp_path / "me.ipynb", "A1")] == ["me"]
    (tmp_path / "empty").mkdir()
    (tmp_path / "bad.zip").write_bytes(b"PK")
    for path, message in (("nowhere", "there is no"), ("empty", "at least one file"), ("bad.zip", "not a zip")):
        with pytest.raises(ValueError, match=message):
            collect(tmp_path / path, "A1")


def test_of_several_notebooks_the_one_named_like_the_assignment_is_graded():
    files = {"draft.ipynb": lambda: b"{}", "A1-2.ipynb": lambda: RIGHT, "other.ipynb": lambda: b"{}"}
    several = submission(b"", name="notes.txt", **files)
    assert several.file(".ipynb", "A1")[0] == "A1-2.ipynb"
    result = grader().grade(several)
    assert points(result) == ALL and "Several notebooks" in lines(result)


def test_a_notebook_is_read_with_whatever_sources_it_has():
    cells = [{"cell_type": "code", "source": ["a\n", "b"]}, {"cell_type": "markdown", "source": "\ud800"}]
    data = json.dumps({"cells": cells}).encode()
    assert read_notebook(data) == [("code", "a\nb"), ("markdown", "?")]
    assert read_notebook(b"\xef\xbb\xbf" + data)
    with pytest.raises(UnreadableError):
        read_notebook(b"{")


def test_cells_without_an_end_are_no_notebook():
    data = json.dumps({"cells": [{"cell_type": "code", "source": ""}] * (MOST_CELLS + 1)}).encode()
    with pytest.raises(UnreadableError, match="more than 2,000 cells"):
        read_notebook(data)


def test_of_many_files_few_are_read():
    opened = []

    def bomb(name):
        opened.append(name)
        raise UnreadableError("it is larger than 128 MiB")

    files = {f"{number}.ipynb": partial(bomb, number) for number in range(100)}
    with pytest.raises(UnreadableError, match="larger than"):
        submission(b"", name="notes.txt", **files).file(".ipynb", "A1")
    assert len(opened) == MOST_LOOKED_AT


def test_no_text_takes_longer_than_its_length():
    """Each would take hours if one of its lines were searched from every place in it to its end."""
    for text in ("(data:image/" * 300_000, "# " + " " * 10**6, "# " + "1" * 10**6, "\n" * 30_000 + "x", "`" * 10**6):
        cells = [("markdown", text), ("code", text), ("raw", text)]
        assert read_notebook(json.dumps({"cells": [{"cell_type": k, "source": s} for k, s in cells]}).encode()) == cells
        assert collector.report(cells, A1.form, [])


def test_a_list_of_members_that_would_fill_memory_is_not_read(monkeypatch):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for number in range(10_001):
            archive.writestr(f"{number}", b"")
    monkeypatch.setattr(zipfile, "ZipFile", None)
    with pytest.raises(UnreadableError, match="more than 100 files"):
        submission(packed.getvalue(), name="A1.zip").file(".ipynb", "A1")


def test_what_is_written_is_found_below_its_heading():
    asked = [
        ("markdown", "## 3. `why` (10 points)\nWhy?"),
        ("markdown", "*Your answer.*"),
        ("markdown", "## 4. `other`"),
    ]
    form = {"questions": [{"name": name} for name in ("why", "other", "absent")], **handed_out(asked)}
    cells = [
        ("markdown", "## 3. `why` (10 points)\nWhy?"),
        ("markdown", "Because\nof it."),
        ("code", "1"),
        ("markdown", "### And `that`."),
        ("markdown", "## 4. `other`"),
        ("markdown", " *Your  answer.*"),
    ]
    found = pieces(cells, form)
    assert in_words(found, "why") == "Because\nof it.\n\n1\n\n### And `that`."
    assert in_words(found, "other") == in_words(found, "absent") == ""


# Judging.


def test_a_difference_is_told_without_what_is_right():
    right = np.arange(12.0).reshape(3, 4)
    assert difference(right, right + 1e-9) == "" == difference(right, right.astype("float32"))
    assert difference(np.int64(3), np.array(3.0)) == "" and difference((1, 2), np.array([1, 2])) == ""
    assert difference(right, right.T) == "the shape is (4, 3), wanted is (3, 4)"
    assert difference(right, right * [[1], [1], [2]]) == "4 of 12 values are wrong, in the first axis at 2"
    assert difference(right, right + 1) == "12 of 12 values are wrong"
    assert difference(right, np.full_like(right, np.nan)).startswith("12 of 12")
    assert difference(np.int64(3), np.array(4)) == "the number is wrong"


def test_members_of_a_set_come_apart_and_their_answers_back():
    x = np.arange(2 * 50, dtype=np.uint8).reshape(2, 50, 1, 1, 1, 1)
    tests = [
        Trial("sets", 0.5, 0, 1, x, np.zeros((2, 50), int)),
        Trial("clips", 0.5, 0, 1, x[:1], np.ones((1, 50), int)),
    ]
    clips, back = shuffled(Draw(b"k"), tests)
    assert clips.shape == (150, 1, 1, 1, 1)
    neighbours = np.abs(np.diff(clips[:, 0, 0, 0, 0].astype(int)))
    assert np.median(neighbours) > 20
    sets, single = back(clips[:, 0, 0, 0, 0])
    assert np.array_equal(sets, x[..., 0, 0, 0, 0]) and np.array_equal(single, x[:1, :, 0, 0, 0, 0])


@pytest.mark.parametrize(("right", "worth"), [(0, 0), (50, 0), (70, 10), (90, 20), (100, 20)])
def test_points_grow_between_none_and_full(right, worth):
    y = np.zeros((2, 100), int)
    answers = y.copy()
    answers[1, right:] = 1  # one member of each of the others is wrong
    question = Model("see", 20, {}, None, None, None)
    mark = mark_model(question, [Trial("sets", 1, 0.5, 0.9, None, y)], [answers])
    assert mark.points == worth and f"{right / 100:.1%}" in mark.lines[0]


# What runs in the sandbox, tried here, where its lines are counted.


def sent_by(job, inputs):
    """Return what `inside` sends as it does a job, a function of that module, on inputs: pairs of head and array."""
    sent = []
    job(inputs, lambda head, array=None: sent.append((head, array)))
    return sent


def ran(cells, functions=(), inputs=(), **limits):
    """Run cells and functions; return what is sent but for the beginnings and ends of cells, which hold statements."""
    job = {"cells": cells, "functions": functions, "skip": [], "limits": LIMITS._replace(**limits)._asdict()}
    sent = sent_by(partial(inside.notebook, job), inputs)
    whole = {label for label, _ in cells}
    return [
        (head, array)
        for head, array in sent
        if head.get("note") or (head.get("begin") not in whole and head.get("end") not in whole)
    ]


@pytest.mark.parametrize(
    ("source", "note"),
    [
        ("x = 1", None),
        ("%matplotlib inline\nx = 1\n!ls -l\nfiles = !ls\nhelp?\nif True:\n    %time x = 2", "left out"),
        ("%%time\nx = 1", "left out"),
        ("%%bash\nls", "the cell was left out"),
        ("x = (7\n     % 4)", None),
        ("1 / 0", "ZeroDivisionError: division by zero"),
        ("raise NotImplementedError", "it is not written yet"),
        ("raise MemoryError", "more memory"),
        ("class E(BaseException): pass\nraise E", "E"),
        ("x = (", "SyntaxError"),
    ],
)
def test_a_cell_is_run_without_what_is_no_python(source, note):
    notes = [(head["end"], head["note"]) for head, _ in ran([("cell 1", source)]) if head.get("note")]
    if note is None:
        assert not notes
    else:
        ((place, told),) = notes
        assert place.startswith("cell 1") and note in told


def test_functions_are_called_with_what_is_given():
    cells = [("cell 1", "import numpy as np\ndef f(x, y): return x * len(y)\ndef g(x): return ['a']\ndef h(x): pass")]
    inputs = [({"to": name, "case": 0}, np.arange(3)) for name in "fgh"]
    inputs.append(({"to": "f", "case": 0, "value": [[1, 2], 3]}, None))
    outcome = {
        head.get("answer", head.get("failed", head.get("missing"))): (head, array)
        for head, array in ran(cells, ["f", "g", "h", "ff"], inputs)
    }
    assert outcome["f"][1].tolist() == [0, 2, 4]
    assert outcome["g"][0]["why"] == "what it returned is not an array of numbers"
    assert outcome["h"][0]["why"] == "it returned None"
    assert outcome["ff"][0] == {"missing": "ff", "like": "f"}
    assert tuples([[1, [2]], 3]) == ((1, (2,)), 3)


def test_what_only_computes_is_stopped_and_the_next_step_goes_on():
    sent = ran([("cell 1", "while True: pass"), ("cell 2", "x = 1")], step_cpu=0.5)
    assert "took more than 0.5 s" in sent[1][0]["note"] and sent[3][0] == {"end": "cell 2, line 1", "note": None}


def test_what_only_waits_is_stopped():
    *_, (end, _) = ran([("cell 1", "import time\ntime.sleep(1e6)")], step=0.5)
    assert "took more than 0.5 s" in end["note"]


def test_each_step_has_both_alarms_of_its_own():
    alarms = "raise ValueError([signal.getitimer(which)[0] for which in (signal.ITIMER_REAL, signal.ITIMER_PROF)])"
    sent = ran([(f"cell {number}", f"import signal\n{alarms}") for number in (1, 2)])
    for end, _ in sent[3::4]:  # of the second statement of each cell
        waiting, computing = map(int, re.findall(r"(\d+)\.\d+", end["note"]))
        assert 0 < waiting <= LIMITS.step and 0 < computing <= LIMITS.step_cpu
    assert signal.getitimer(signal.ITIMER_REAL) == signal.getitimer(signal.ITIMER_PROF) == (0, 0)


def test_a_model_that_is_handed_in_is_built_and_asked(tmp_path):
    from seqlib import model_files, models

    model_files.save_model(models.average_pooling(2, (4, 8, 8, 1)), tmp_path / "m.npz")
    data = np.frombuffer((tmp_path / "m.npz").read_bytes(), np.uint8)
    clips = ({"name": "clips"}, np.zeros((3, 4, 8, 8, 1), np.uint8))
    for most, sent, is_asked in ((10**9, [clips], True), (10**9, [], False), (5, [clips], False)):
        wanted = {"budget": {"parameters": most, "multiply_adds": 10**9}, "clip": [4, 8, 8, 1], "shape": [2]}
        job = partial(inside.model, {"wanted": wanted})
        (head, _), *answers = sent_by(job, [({"name": "file"}, data), *sent])
        assert set(head["facts"]) == {"clip", "shape", "cost"}
        assert ["answer" in head for head, _ in answers] == [True] * is_asked
    ((head, _),) = sent_by(partial(inside.model, {}), [({"name": "file"}, data[:50]), clips])
    assert "save_model wrote" in head["refused"]


@pytest.mark.parametrize("grader_is_there", [True, False])
def test_without_its_grader_nothing_is_run(grader_is_there):
    lifeline, held = os.pipe()
    if not grader_is_there:
        os.close(held)
    job = {"do": "notebook", "cells": [("cell 1", "1")], "functions": [], "skip": [], "limits": LIMITS._asdict()}
    done = subprocess.run(
        [PYTHON, inside.__file__, str(os.getpid()), str(lifeline)],
        input=messages.pack(job),
        stdout=subprocess.PIPE,
        pass_fds=[lifeline],
        env=_environment(),
    )
    os.close(lifeline)
    if grader_is_there:
        os.close(held)
    assert any("finished" in head for head, _ in messages.unpack(done.stdout)) == grader_is_there


def test_the_filter_of_system_calls_has_the_form_that_the_kernel_takes():
    for machine in syscalls.NUMBERS:
        code = syscalls.program(machine)
        assert len(code) % 8 == 0 and len(code) // 8 < 256
        for at in range(0, len(code), 8):  # no jump leads beyond the end
            instruction, yes, no = code[at], code[at + 2], code[at + 3]
            if instruction in (syscalls.IF_EQUAL, syscalls.IF_AT_LEAST, syscalls.IF_BIT):
                assert at // 8 + 1 + max(yes, no) < len(code) // 8
        assert code[-8:-4] == bytes([syscalls.RETURN, 0, 0, 0])


# The command.


def test_a_class_is_graded_and_everything_is_written(run):
    files = {
        "lovelaceada_11_101_A1.ipynb": RIGHT,
        "hoppergrace_LATE_12_102_A1.ipynb": notebook({"conv3d-answer": "def conv3d(clip, kernel):\n    1 / 0"}),
        "Zoë O'Neil_21_assignsubmission_file_/A1.ipynb": RIGHT + b" ",
        "noether/A1.ipynb": b"no notebook <b>at all</b>",
    }
    exit_code, out = run(files)
    assert exit_code == 0
    graded = {row["student"]: row for row in rows(out / "grades.csv")}
    assert list(next(iter(graded.values()))) == ["student", *QUESTIONS, "total", "missing"]
    assert earned(out) == [55, 75, 0, 75] and {row["total"] for row in graded.values()} == {""}
    for_words(out, 25)
    assert run({})[0] == 0
    assert [row["total"] for row in rows(out / "grades.csv")] == ["80", "100", "", "100"]  # by name
    assert rows(out / "canvas.csv") == [
        {"Student": "hoppergrace", "ID": "12", "Section": "", "A1": "80"},
        {"Student": "lovelaceada", "ID": "11", "Section": "", "A1": "100"},
    ]
    (row,) = rows(out / "moodle.csv")
    assert row["Identifier"] == "Participant 21" and row["Grade"] == "100" and "Last modified (grade)" in row
    page = BeautifulSoup((out / "feedback" / "hoppergrace.html").read_text("utf-8"), "html.parser")
    assert page.html["lang"] == "en" and "hoppergrace" in page.title.text
    assert "Handed in late" in page.text and "ZeroDivisionError: division by zero" in page.text
    assert [cell.text for cell in page.select("tr.sum > *")] == ["together", "80", "100"]


def test_a_second_run_grades_nothing_and_writes_the_same(run, capsys):
    _, out = run({f"{name}.ipynb": RIGHT + b" " * i for i, name in enumerate("abc")})
    first = {path: path.read_bytes() for path in sorted(out.rglob("*")) if path.is_file()}
    assert "3 of them new" in capsys.readouterr().out
    run({})
    assert "0 of them new" in capsys.readouterr().out
    assert {path: path.read_bytes() for path in sorted(out.rglob("*")) if path.is_file()} == first
    run({"b.ipynb": notebook({"conv3d-answer": ""})})
    assert "1 of them new" in capsys.readouterr().out
    assert earned(out) == [75, 55, 75]


def with_two_results(files, tmp_path, secret, workers):
    """Start the command on files, in a process of its own, and return it when two results are there."""
    folder, results = tmp_path / "submissions", tmp_path / "grades" / "results"
    folder.mkdir()
    for name, data in files.items():
        (folder / name).write_bytes(data)
    options = ["--secret", str(secret), "--out", str(results.parent), "--workers", str(workers)]
    command_line = [sys.executable, "-m", "grading", "A1", str(folder), *options]
    process = subprocess.Popen(
        command_line,
        cwd=REPOSITORY,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a shell starts what runs behind without it
    )
    wait_until(lambda: process.poll() is not None or len(list(results.glob("*.json"))) == 2)
    return process, results


def test_it_goes_on_where_it_was_killed(run, tmp_path, secret, capsys):
    """Killed between two results, it keeps what it has; nothing half-written is taken for a result."""
    right = {f"{name}.ipynb": RIGHT + b" " * number for number, name in enumerate("abcde")}
    process, results = with_two_results(right | {"c.ipynb": notebook(added=[ASLEEP])}, tmp_path, secret, workers=1)
    process.kill()
    process.communicate()
    assert len(list(results.glob("*.json"))) == 2 and not (results.parent / "grades.csv").exists()
    (results / "0123.json.unfinished").write_text("{")
    _, out = run(right)
    assert "3 of them new" in capsys.readouterr().out
    assert earned(out) == [BY_THE_MACHINE] * 5


def test_stopped_by_hand_it_ends_at_once_and_keeps_what_it_has(run, tmp_path, secret, capsys):
    """A notebook that never ends would hold it: it is ended, and has no result."""
    files = {"a.ipynb": notebook(added=[ASLEEP]), "b.ipynb": RIGHT, "c.ipynb": RIGHT + b" "}
    process, results = with_two_results(files, tmp_path, secret, workers=2)
    process.send_signal(signal.SIGINT)
    _, message = process.communicate(timeout=300)
    assert process.returncode == 130 and message.endswith("\nStopped. Run the same command again to go on.\n")
    assert len(list(results.glob("*.json"))) == 2 and not (results.parent / "grades.csv").exists()
    (tmp_path / "submissions" / "a.ipynb").unlink()
    _, out = run({})
    assert "0 of them new" in capsys.readouterr().out
    assert earned(out) == [75, 75]


def test_on_a_terminal_a_bar_counts_the_submissions(run, monkeypatch, capsys):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    run({f"{name}.ipynb": RIGHT + b" " * i for i, name in enumerate("ab")})
    printed = capsys.readouterr().out
    assert f"[{'#' * 15}{'.' * 15}] 1 of 2" in printed and f"[{'#' * 30}] 2 of 2" in printed


def test_a_folder_holds_one_assignment_and_only_what_the_last_run_wrote(run, tmp_path, secret, capsys):
    _, out = run({"hoppergrace_LATE_12_102_A1.ipynb": RIGHT})
    assert (out / "canvas.csv").exists()
    assert rows(out / "notes.csv") == [{"student": "hoppergrace", "note": "Handed in late, says Canvas."}]
    (tmp_path / "submissions" / "hoppergrace_LATE_12_102_A1.ipynb").unlink()
    run({"ada.ipynb": RIGHT})
    assert not (out / "canvas.csv").exists() and not (out / "notes.csv").exists()
    before = (out / "grades.csv").read_bytes()
    (out / "grades.csv").write_bytes(before.replace(b",", b";"))  # saved by a spreadsheet, it is still A1's
    run({})
    with pytest.raises(SystemExit):
        command.main(["A2", str(tmp_path / "submissions"), "--secret", str(secret), "--out", str(out)])
    assert "out must be a folder of its own for each assignment" in capsys.readouterr().err
    assert (out / "grades.csv").read_bytes() == before


def test_a_class_graded_with_the_wrong_secret_is_noticed_before_its_marks_are_uploaded(run, capsys):
    practice = json.dumps(Assignment("A1").student).encode()
    other = json.dumps(Assignment("A1", b"of another class").student).encode()
    exit_code, out = run(
        {
            f"{name}_{i}_1_A1.ipynb": data
            for i, (name, data) in enumerate({"ada": practice, "bob": other, "eve": RIGHT}.items(), 1)
        }
    )
    warning = capsys.readouterr().err
    edition = Assignment("A1", KEY).edition
    assert exit_code == 1 and f"2 of another assignment or edition than {edition}: ada, bob" in warning
    assert "Is the secret the right one?" in warning and not (out / "canvas.csv").exists()
    notes = {row["student"]: row["note"] for row in rows(out / "notes.csv")}
    assert "of the practice edition, whose solutions are public, and was graded" in notes["ada"]
    assert Assignment("A1", b"of another class").edition in notes["bob"] and "eve" not in notes
    exit_code, out = run({"zoe_9_1_A1.ipynb": RIGHT})
    assert exit_code == 0 and len(rows(out / "canvas.csv")) == 4


def test_thirty_right_submissions_get_every_point_thirty_times(run, capsys):
    _, out = run({f"s{number:03}.ipynb": RIGHT + b"\n" * number for number in range(30)})
    assert "30 of them new" in capsys.readouterr().out
    assert earned(out) == [BY_THE_MACHINE] * 30


def test_when_the_grader_itself_fails_it_says_so_and_goes_on(run, monkeypatch, capsys):
    grade = Grader.grade

    def failing(self, submission):
        if submission.student == "b":
            raise RuntimeError("a bug of ours")
        return grade(self, submission)

    monkeypatch.setattr(Grader, "grade", failing)
    exit_code, out = run({f"{name}.ipynb": RIGHT + b" " * i for i, name in enumerate("abc")})
    assert exit_code == 1 and "failed on b" in capsys.readouterr().err
    assert earned(out) == [75, 0, 75]
    assert rows(out / "grades.csv")[1]["missing"] == " ".join(QUESTIONS)
    assert "not you: RuntimeError: a bug of ours" in (out / "feedback" / "b.html").read_text("utf-8")
    monkeypatch.setattr(Grader, "grade", grade)
    assert run({})[0] == 0 and earned(out) == [BY_THE_MACHINE] * 3


def test_other_secrets_and_other_graders_have_results_of_their_own(monkeypatch):
    right, another = submission(RIGHT), submission(RIGHT + b" ")
    keys = {grader().key(right), grader(Assignment("A1", b"another")).key(right), grader().key(another)}
    changed = grader()
    changed._version = "another"
    assert len(keys | {changed.key(right)}) == 4
    assert grader().key(right) in keys, "and the same has the same"


def test_without_bubblewrap_it_says_so_and_stops(run, monkeypatch, capsys):
    monkeypatch.setenv("PATH", "/nowhere")
    exit_code, out = run({"a.ipynb": RIGHT})
    assert exit_code == 1 and not out.exists()
    advice = capsys.readouterr().err
    assert "bubblewrap is not installed" in advice and "--without-sandbox" in advice
    exit_code, out = run({"a.ipynb": RIGHT}, "--without-sandbox")
    assert exit_code == 0 and earned(out) == [BY_THE_MACHINE]
    assert "can read your files" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["A9", "{folder}", "--practice", "--out", "{out}"], "assignment must be one of A1, A2, A3"),
        (["A1", "{folder}/nowhere", "--practice", "--out", "{out}"], "there is no"),
        (["A1", "{folder}", "--secret", "{folder}/nowhere", "--out", "{out}"], "can be read"),
        (["A1", "{folder}", "--practice", "--out", "{folder}/grades"], "out must lie outside the submissions"),
        (["A1", "{folder}", "--out", "{out}"], "one of the arguments --secret --practice is required"),
    ],
)
def test_what_cannot_be_done_is_told(arguments, message, tmp_path, capsys):
    with pytest.raises(SystemExit):
        command.main([text.format(folder=tmp_path, out=tmp_path / "out") for text in arguments])
    assert message in capsys.readouterr().err


# A limit, or something from outside, ended it.


def ended_by(monkeypatch, *ends):
    """Let something end a notebook that defines `unlucky` at conv3d; return whether each of its runs was alone."""
    run, ends, alone = Sandbox.run, list(ends), []
    now = Counter()

    def running(self, job, given=(), limits=LIMITS):
        now["all"] += 1
        try:
            if any("unlucky" in source for _, source in job.get("cells", ())):
                alone.append(now["all"] == 1)
                if ends and "conv3d" in job["functions"]:
                    before = job["functions"][: job["functions"].index("conv3d")]
                    sent, _ = run(self, job | {"functions": before}, given, limits)
                    return [*sent[:-1], ({"begin": "conv3d"}, None)], ends.pop(0)
            return run(self, job, given, limits)
        finally:
            now["all"] -= 1

    monkeypatch.setattr(Sandbox, "run", running)
    return alone


def test_what_was_ended_from_outside_is_tried_again_alone_and_then_counts(run, monkeypatch):
    alone = ended_by(monkeypatch, "something outside of the grader ended it")
    files = {f"{name}.ipynb": RIGHT + b" " * i for i, name in enumerate("abcd")}
    exit_code, out = run(files | {"b.ipynb": notebook(added=["unlucky = 1"])}, "--workers", "3")
    assert exit_code == 0 and earned(out) == [BY_THE_MACHINE] * 4
    assert alone[-1] and not (out / "notes.csv").exists()


def test_what_is_ended_twice_has_no_mark_and_a_person_gives_it(run, monkeypatch, capsys):
    alone = ended_by(monkeypatch, *["something outside of the grader ended it"] * 2)
    files = {"a.ipynb": RIGHT, "b.ipynb": notebook(added=["unlucky = 1"])}
    exit_code, out = run(files)
    assert exit_code == 0 and "Not graded, look: b" in capsys.readouterr().out
    assert [row["conv3d"] for row in rows(out / "grades.csv")] == ["20", ""] and alone[-1]
    assert rows(out / "grades.csv")[1]["missing"] == "conv3d in_words"
    (note,) = rows(out / "notes.csv")
    assert note["note"] == "conv3d: not graded: look: something outside of the grader ended it"
    table = (out / "written.csv").read_text("utf-8-sig")
    (out / "written.csv").write_text(table.replace("name b,", "name b,15"), "utf-8")
    assert run({})[0] == 0 and rows(out / "grades.csv")[1]["conv3d"] == "15" and not (out / "notes.csv").exists()


def test_killed_from_outside_for_real_it_is_tried_again(run, monkeypatch):
    watch, killed = sandbox._watch, []

    def killing(process, limits):
        if not killed and process.args[0] == "bwrap":
            killed.append(process.pid)
            wait_until(lambda: sandbox._children(process.pid) and sandbox._children(sandbox._children(process.pid)[0]))
            os.kill(sandbox._children(sandbox._children(process.pid)[0])[0], signal.SIGKILL)
        return watch(process, limits)

    monkeypatch.setattr(Sandbox, "problem", lambda self: "")
    monkeypatch.setattr(sandbox, "_watch", killing)
    exit_code, out = run({"a.ipynb": RIGHT})
    assert killed and exit_code == 0 and earned(out) == [BY_THE_MACHINE]


@pytest.mark.parametrize(
    ("code", "end"),
    [
        (0, ""),
        (1, ""),
        (-signal.SIGSEGV, ""),
        (128 + signal.SIGSEGV, ""),
        (-signal.SIGKILL, "something outside of the grader ended it"),
        (128 + signal.SIGTERM, "something outside of the grader ended it"),
        (128 + signal.SIGXCPU, "it took more than 300 s of computing"),
    ],
)
def test_an_exit_code_tells_who_ended_it(code, end):
    assert sandbox._ended(code, LIMITS) == end


def test_what_did_not_start_or_met_a_limit_in_a_cell_has_no_mark_but_what_is_right(monkeypatch):
    monkeypatch.setattr(Sandbox, "run", lambda *_: ([], ""))
    result = grader().grade(submission(RIGHT))
    assert set(points(result).values()) == {None} and "not graded: look: the notebook: it did not start" in lines(
        result
    )
    monkeypatch.undo()
    cells = [ASLEEP, "def conv3d(clip, kernel): return 0"]
    result = grader(limits=LIMITS._replace(seconds=5)).grade(submission(notebook(last=cells)))
    assert points(result) == ALL | {"conv3d": None} or not any(points(result).values())
    cell = next(note for note in result["notes"] if note.startswith("Code cell"))
    assert re.search(r"it took more than 5 s \(line 3: time.sleep\(1e6\)\). It was passed over.", cell)
    assert result["limited"]


def test_a_cell_that_computes_too_long_leaves_no_doubt():
    training = "for _ in iter(int, 1): pass"
    stub = {"conv3d-answer": "def conv3d(clip, kernel): return 0"}
    result = grader(limits=LIMITS._replace(step_cpu=2)).grade(submission(notebook(stub, added=[training])))
    assert points(result) == ALL | {"conv3d": 0} and result["limited"]
    assert f"Code cell 1: it took more than 2 s and was stopped (line 1: {training})." in result["notes"]


def test_tensorflow_needs_nothing_that_is_refused():
    cell = """
import keras, numpy as np, tensorflow as tf
x, y = np.zeros((8, 4, 8, 8, 1), "float32"), np.arange(8) % 2
model = keras.Sequential([keras.Input(x.shape[1:]), keras.layers.Conv3D(2, 3), keras.layers.Flatten(),
                          keras.layers.Dense(2, activation="softmax")])
model.compile("adam", "sparse_categorical_crossentropy")
model.fit(tf.data.Dataset.from_tensor_slices((x, y)).cache().shuffle(8).batch(4).prefetch(2), verbose=0)
model.save("/tmp/m.keras")
assert keras.models.load_model("/tmp/m.keras").predict(x, verbose=0).shape == (8, 2)
assert tf.function(lambda z: 2 * z, jit_compile=True)(tf.ones(3)).numpy().sum() == 6
np.save("/tmp/x.npy", x)
assert not np.load("/tmp/x.npy", mmap_mode="r").any()
"""
    limits = LIMITS._replace(memory=2**31, processes=64, output=2**24, disk=2**26)
    assignment = Assignment("A2", KEY)
    data = notebook(added=[cell], base=assignment.student)
    notes = grader(assignment, limits).grade(submission(data, name="A2.ipynb"))["notes"]
    assert not any(note.startswith("Code cell 1:") for note in notes), notes


# What stops nobody's report.


def test_a_long_name_a_nameless_member_and_an_empty_result_stop_nothing(tmp_path, secret, capsys):
    source, out = tmp_path / "all.zip", tmp_path / "grades"
    names = ["王" * 80, "王" * 80 + "!", "x" * 5000, "ada"]
    with zipfile.ZipFile(source, "w") as archive:
        for number, name in enumerate(names):
            archive.writestr(f"{name}.ipynb", RIGHT + b" " * number)
        for name in (".", "/", "..", "./."):
            archive.writestr(name, "x")
    arguments = ["A1", str(source), "--secret", str(secret), "--out", str(out)]
    assert command.main(arguments) == 0
    first = (out / "grades.csv").read_bytes()
    assert first.count(b",15,,,in_words\n") == 4 and len(list((out / "feedback").iterdir())) == 4
    assert "4 of them new" in capsys.readouterr().out
    for path, text in zip(sorted((out / "results").iterdir()), ("", "{", "[]"), strict=False):
        path.write_text(text)
    assert command.main(arguments) == 0
    assert "3 of them new" in capsys.readouterr().out and (out / "grades.csv").read_bytes() == first


def test_a_page_that_cannot_be_written_stops_no_other(run, monkeypatch, capsys):
    feedback = pages.feedback

    def failing(assignment, submission, result):
        if submission.student == "b":
            raise OSError("no space")
        return feedback(assignment, submission, result)

    monkeypatch.setattr(pages, "feedback", failing)
    exit_code, out = run({f"{name}.ipynb": RIGHT for name in "abc"})
    assert exit_code == 1 and "The page of b could not be written: OSError: no space" in capsys.readouterr().err
    assert {path.name for path in (out / "feedback").iterdir()} == {"a.html", "c.html"}
    assert earned(out) == [BY_THE_MACHINE] * 3


def test_results_that_cannot_be_kept_are_reported_all_the_same(run, monkeypatch):
    write = tables.write_file

    def full(path, *arguments):
        if "results" in path.parts:
            raise OSError(28, "No space left on device")
        write(path, *arguments)

    monkeypatch.setattr(tables, "write_file", full)
    exit_code, out = run({"a.ipynb": RIGHT})
    assert exit_code == 0 and earned(out) == [BY_THE_MACHINE]


def test_a_submission_that_cannot_even_be_looked_at_stops_no_other(run, monkeypatch, capsys):
    key = Grader.key
    monkeypatch.setattr(
        Grader, "key", lambda self, submission: key(self, submission) if submission.student != "b" else 1 / 0
    )
    exit_code, out = run({f"{name}.ipynb": RIGHT for name in "abc"})
    assert exit_code == 1 and "failed on b" in capsys.readouterr().err
    assert [row["conv3d"] for row in rows(out / "grades.csv")] == ["20", "", "20"]


def test_where_nothing_can_be_written_it_says_so_before_it_grades(tmp_path, secret, capsys, monkeypatch):
    (tmp_path / "submissions").mkdir()
    (tmp_path / "submissions" / "a.ipynb").write_bytes(RIGHT)
    (tmp_path / "file").touch()
    monkeypatch.setattr(Grader, "grade", None)  # it is not called
    for out in ("/proc/grades", tmp_path / "file", tmp_path / "file" / "grades"):
        with pytest.raises(SystemExit):
            command.main(["A1", str(tmp_path / "submissions"), "--secret", str(secret), "--out", str(out)])
        assert "out must be a folder that can be written to" in capsys.readouterr().err
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, limit[1]))  # as full as a disk
    try:
        with pytest.raises(ValueError, match=r"out must be a folder that can be written to, not .*: File too large"):
            reports.check_writable(tmp_path / "full", 1)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)


# Who else can read it.


def test_nobody_else_can_read_what_the_grader_writes(run):
    _, out = run({"a.ipynb": RIGHT, "b_1_2_A1.ipynb": b"{}"})
    for path in (out, *out.rglob("*")):
        assert path.stat().st_mode & 0o777 == (0o700 if path.is_dir() else 0o600), path


def test_what_is_not_safe_is_warned_of(run, tmp_path, secret, monkeypatch, capsys):
    secret.chmod(0o600)
    monkeypatch.setattr(os, "getuid", lambda: 1000)
    run({"a.ipynb": RIGHT})
    assert "Warning" not in capsys.readouterr().err
    secret.chmod(0o644)
    monkeypatch.setattr(os, "getuid", lambda: 0)
    monkeypatch.setattr(command, "REPOSITORY", tmp_path / "grades")
    run({})
    warnings = capsys.readouterr().err
    for part in ("lies in the clone", "runs as root", f"can read the secret: chmod 600 {secret}"):
        assert part in warnings


def test_what_student_code_can_read_is_no_place_for_a_secret_or_for_marks(tmp_path, secret, capsys, monkeypatch):
    (tmp_path / "a.ipynb").write_bytes(RIGHT)
    monkeypatch.setattr(command, "SEEN", (tmp_path / "packages",))
    (tmp_path / "packages").mkdir()
    (tmp_path / "packages" / "secret").write_bytes(KEY)
    for key, out in (
        (secret, tmp_path / "packages" / "grades"),
        (tmp_path / "packages" / "secret", tmp_path / "grades"),
    ):
        with pytest.raises(SystemExit):
            command.main(["A1", str(tmp_path / "a.ipynb"), "--secret", str(key), "--out", str(out)])
        assert "must not lie in" in capsys.readouterr().err
    assert Path("/usr") in sandbox.SEEN and REPOSITORY / "grading" in sandbox.SEEN


# Points that a person gives.


EMPTY = ("why_blind", "why_seeing", "comment", "look")


@pytest.fixture
def with_words(tmp_path):
    """Results of A2 in which two have written something, one of them markup."""
    assignment = Assignment("A2", KEY)
    submissions = [submission(b"", name) for name in ("ada", "bob")]
    results = [
        {
            "marks": {
                question.name: {
                    **{"points": None if question.name in texts else 1.0, "of": question.points},
                    **{"lines": [], "checks": [], "least": 0},
                }
                for question in assignment.questions
            },
            "notes": [],
            "written": texts,
        }
        for texts in ({"why_blind": "<script>&", "why_seeing": "=1+1"}, {"why_blind": "", "why_seeing": "So."})
    ]
    return assignment, list(zip(submissions, results, strict=True)), tmp_path


def test_what_was_written_is_shown_on_one_page_and_as_text(with_words):
    assignment, graded, folder = with_words
    reports.write_all(folder, assignment, graded)
    for page in (folder / "written.html", folder / "feedback" / "ada.html"):
        assert "&lt;script&gt;&amp;" in page.read_text("utf-8") and "<script" not in page.read_text("utf-8")
    assert "=1+1" not in (folder / "written.csv").read_text("utf-8") + (folder / "grades.csv").read_text("utf-8")
    for row, name in zip(rows(folder / "written.csv"), ("ada", "bob"), strict=True):
        assert re.fullmatch(r"why_blind [0-9a-f]{12} why_seeing [0-9a-f]{12}", row.pop("words"))
        assert row == {"student": name, "id": f"name {name}"} | dict.fromkeys(EMPTY, "")


def test_points_that_a_person_gives_are_kept_and_added(with_words):
    assignment, graded, folder = with_words
    reports.write_all(folder, assignment, graded)
    path = folder / "written.csv"
    path.write_text(
        path.read_text("utf-8").replace("name ada,,", 'name ada,7,"8,5"'), "utf-8"
    )  # as a comma country writes it
    table = tables.read(path, "student")
    given = written.points(table, assignment)
    assert given == {(("id", "name ada"), "why_blind"): 7, (("id", "name ada"), "why_seeing"): 8.5}
    assert written.add(table, given, graded) == []
    reports.write_all(folder, assignment, graded, table)
    assert [(row["total"], row["missing"]) for row in rows(folder / "grades.csv")] == [
        ("18.5", ""),
        ("", "why_blind why_seeing"),
    ]
    assert written.points(tables.read(path, "student"), assignment) == given


def test_no_point_that_a_person_gave_is_ever_lost(with_words):
    """A download without ada, a name that is nobody's, a column of remarks: all of it is still there afterwards."""
    assignment, graded, folder = with_words
    path = folder / "written.csv"
    path.write_text("student,why_blind,remark\n\nada,7,fine\nJorg,3,\n", "utf-8")
    table = tables.read(path, "student")
    assert written.add(table, written.points(table, assignment), graded[1:]) == ["ada", "Jorg"]
    reports.write_all(folder, assignment, graded[1:], table)
    assert [(row["student"], row["why_blind"], row["remark"]) for row in rows(path)] == [
        ("ada", "7", "fine"),
        ("bob", "", ""),
        ("Jorg", "3", ""),
    ]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252"])
@pytest.mark.parametrize(
    "text", ["student;why_blind\nJörg;7,5\n", 'student,why_blind\r\nJörg,"7,5"\r\n', "student\twhy_blind\nJörg\t7.5"]
)
def test_points_are_read_as_any_spreadsheet_saves_them(text, encoding, with_words):
    assignment, _, folder = with_words
    (folder / "written.csv").write_bytes(text.encode(encoding))
    assert written.points(tables.read(folder / "written.csv", "student"), assignment) == {
        (("student", "Jörg"), "why_blind"): 7.5
    }


def test_points_stay_with_their_student_when_another_of_that_name_hands_in_late(with_words):
    """Alone, the one is *Jo Wu*; beside a namesake, whose number is lower, both have their numbers in their names."""
    assignment, ((_, result), _), folder = with_words

    def graded(*numbers):
        source = folder / f"all {len(numbers)}"
        for number in numbers:
            (source / f"Jo Wu_{number}_assignsubmission_file_").mkdir(parents=True, exist_ok=True)
            (source / f"Jo Wu_{number}_assignsubmission_file_" / "A2.ipynb").touch()
        return [(submission, copy.deepcopy(result)) for submission in collect(source, "A2")]

    def fill_in_and_write(graded):
        table = tables.read(folder / "written.csv", "student")
        assert written.add(table, written.points(table, assignment), graded) == []
        reports.write_all(folder, assignment, graded, table)
        return {row["student"]: row["why_blind"] for row in rows(folder / "grades.csv")}

    fill_in_and_write(graded(7))
    text = (folder / "written.csv").read_text("utf-8-sig")
    assert "Jo Wu,moodle 7,," in text
    (folder / "written.csv").write_text(text.replace("moodle 7,,", "moodle 7,8,"), "utf-8")
    assert fill_in_and_write(graded(7)) == {"Jo Wu": "8"}
    assert fill_in_and_write(graded(3, 7)) == {"Jo Wu (3)": "", "Jo Wu (7)": "8"}
    assert {path.stem for path in (folder / "feedback").iterdir()} == {"Jo Wu (3)", "Jo Wu (7)"}
    assert [(row["student"], row["id"]) for row in rows(folder / "written.csv")] == [
        ("Jo Wu (3)", "moodle 3"),
        ("Jo Wu (7)", "moodle 7"),
    ]


def test_an_id_is_no_formula_and_each_name_has_its_own(with_words):
    assignment, ((_, result), _), folder = with_words
    names = ["=1", "a?", "a*", "a;=1", "name a"]
    graded = [(Submission(f"s{n}", "", name, False, {}), result) for n, name in enumerate(names)]
    reports.write_all(folder, assignment, graded)
    ids = [row["id"] for row in rows(folder / "written.csv")]
    assert ids == ["name %3d1", "name a%3f", "name a%2a", "name a%3b%3d1", "name name a"]


@pytest.mark.parametrize("text", ["=1+1", "-2", "@x", "a;=1+1", "a\t;+1"])
def test_no_note_is_a_formula_whatever_separates_the_columns(text, with_words):
    assignment, graded, folder = with_words
    graded[0][1]["notes"] = [text]
    reports.write_all(folder, assignment, graded)
    (row,) = (row for row in rows(folder / "notes.csv") if row["student"] == "ada")
    assert not re.search(r"(^|;)\s*[=+@-]", row["note"])


def test_a_row_that_is_too_long_is_told_by_its_number(with_words):
    (with_words[2] / "written.csv").write_text("student,why_blind\nada,7,5\n", "utf-8")
    with pytest.raises(ValueError, match=r"written.csv, row 2: there are more columns than in the first row"):
        tables.read(with_words[2] / "written.csv", "student")


@pytest.mark.parametrize("text", ["16", "-1", "ten", "nan"])
def test_points_that_are_none_are_told_by_name(text, with_words):
    assignment, _, folder = with_words
    (folder / "written.csv").write_text(f"student,why_blind,why_seeing\nada,{text},\n", "utf-8")
    with pytest.raises(ValueError, match=r"written.csv, row 2: why_blind of ada must be a number from 0 to 15"):
        written.points(tables.read(folder / "written.csv", "student"), assignment)
    (folder / "written.csv").write_text("name\nada\n", "utf-8")
    with pytest.raises(ValueError, match="the first row must name the columns, and student must be one, not 'name'"):
        tables.read(folder / "written.csv", "student")


def test_a_model_that_is_missing_broken_or_over_the_budget_gets_a_line(tmp_path):
    from seqlib import model_files
    from seqlib.backend import keras

    assignment = Assignment("A2", KEY)
    grade = grader(assignment).grade
    frames, resolution = assignment.drawn["frames"], assignment.drawn["resolution"]
    clip = keras.Input((frames, resolution, resolution, 1))
    small = keras.layers.GlobalMaxPooling3D()(keras.layers.Conv3D(1, 1)(clip))
    model_files.save_model(keras.Model(clip, keras.layers.Dense(4)(small)), tmp_path / "small.npz")
    large = keras.layers.Dense(4)(keras.layers.Dense(16)(keras.layers.Flatten()(clip)))
    model_files.save_model(keras.Model(clip, large), tmp_path / "large.npz")
    base = json.dumps(assignment.student).encode()
    for data, feedback in (
        (None, "the model: no .npz file was handed in"),
        (b"rubbish", "file must be one that save_model wrote"),
        ((tmp_path / "large.npz").read_bytes(), "it does not fit, so it was not tried"),
        ((tmp_path / "small.npz").read_bytes(), "twin sets that are wholly right: 0.0%"),
    ):
        files = {} if data is None else {"A2.npz": lambda data=data: data}
        result = grade(submission(base, name="A2.ipynb", **files))
        assert feedback in lines(result), lines(result)
        assert result["marks"]["see"]["points"] == 0
    assert result["marks"]["why_blind"] == {
        "points": None,
        "of": 15,
        "lines": ["blank: below its heading every cell is as it was handed out"],
        "checks": [],
        "least": 0,
        "hints": [],
    }


# Gradescope.


def test_gradescope_gets_its_results(tmp_path):
    for folder in ("source", "submission", "results"):
        (tmp_path / folder).mkdir()
    (tmp_path / "source" / "secret").write_bytes(KEY)
    (tmp_path / "submission" / "A1.ipynb").write_bytes(notebook({"to-batch-answer": ""}))
    gradescope.main("A1", tmp_path, user=None)
    result = json.loads((tmp_path / "results" / "results.json").read_text("utf-8"))
    assert result["score"] == 65 == sum(test.get("score", 0) for test in result["tests"])
    (note,) = [test for test in result["tests"] if test["name"] == "notes"]
    assert note["output"] == "to_batch: the notebook defines no function of this name"
    assert {test["name"]: test["max_score"] for test in result["tests"] if test != note} == POINTS
    assert all(test["visibility"] == "after_due_date" for test in result["tests"])


@pytest.mark.parametrize("broken", ["no secret", "too many files", "a bug"])
def test_gradescope_gets_its_results_whatever_happens(broken, tmp_path, monkeypatch):
    for folder in ("source", "submission"):
        (tmp_path / folder).mkdir()
    (tmp_path / "submission" / "A1.ipynb").write_bytes(RIGHT)
    if broken != "no secret":
        (tmp_path / "source" / "secret").write_bytes(KEY)
    if broken == "too many files":
        monkeypatch.setattr(submission_module, "MOST_FILES", 0)
    if broken == "a bug":
        monkeypatch.setattr(Grader, "grade", None)
    gradescope.main("A1", tmp_path, user=None)
    result = json.loads((tmp_path / "results" / "results.json").read_text("utf-8"))
    assert "score" not in result and result["output"].startswith("The grader failed, not you: ")


def test_gradescope_tries_once_more_what_a_limit_ended(tmp_path, monkeypatch):
    for folder in ("source", "submission"):
        (tmp_path / folder).mkdir()
    (tmp_path / "source" / "secret").write_bytes(KEY)
    (tmp_path / "submission" / "A1.ipynb").write_bytes(notebook(added=["unlucky = 1"]))
    ended_by(monkeypatch, "it took more than 120 s")
    gradescope.main("A1", tmp_path, user=None)
    assert json.loads((tmp_path / "results" / "results.json").read_text("utf-8"))["score"] == BY_THE_MACHINE


def everybody_can_read(path):
    return all(parent.stat().st_mode & 0o005 == 0o005 for parent in [path, *path.parents])


if os.getuid() == 0 and everybody_can_read(PYTHON):

    def test_on_gradescope_student_code_is_a_user_who_can_do_nothing(tmp_path):
        """Takes root, and a Python that is not in root's home."""
        for folder in ("source", "submission", "results"):
            (tmp_path / folder).mkdir()
        (tmp_path / "source" / "secret").write_bytes(KEY)
        (tmp_path / "source" / "secret").chmod(0o600)
        reading = f"print(open({str(tmp_path / 'source' / 'secret')!r}).read())"
        writing = f"open({str(tmp_path / 'results' / 'results.json')!r}, 'w').write('100')"
        unprivileged = "import os\nassert os.getuid() != 0 and os.getgroups() == []"
        (tmp_path / "submission" / "A1.ipynb").write_bytes(notebook(added=[reading, writing, unprivileged]))
        gradescope.main("A1", tmp_path, user="nobody")
        result = json.loads((tmp_path / "results" / "results.json").read_text("utf-8"))
        assert result["score"] == BY_THE_MACHINE
        assert result["output"].count("PermissionError") == 2 and "Code cell 3" not in result["output"]
