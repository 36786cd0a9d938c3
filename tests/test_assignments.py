"""The masters, and what is made of them: stub and solution cannot drift, nothing leaks, and a copied answer fails."""

import ast
import io
import itertools
import json
import re
import subprocess
import sys
import zipfile

import nbformat
import numpy as np
import pytest
from handed_in import A1, ALL, KEY, OTHER_KEY, grader, lines, notebook, points, submission

import seqlib
from grading.assignment import MASTERS, Assignment, define
from grading.grade import Grader
from grading.questions import Function, Model, Written, difference
from grading.sandbox import Sandbox
from tools import assignments, notebooks, setup_cell
from tools.notebooks import ROOT

NAMES = sorted(path.stem for path in MASTERS.glob("*.ipynb"))
ASSIGNMENTS = [Assignment(name, key) for name in NAMES for key in (None, KEY, OTHER_KEY)]


def name(assignment):
    return f"{assignment.name} {assignment.edition}"


def text(document):
    return "\n".join(cell["source"] for cell in document["cells"])


def sources(document, kind="code"):
    return [cell["source"] for cell in document["cells"] if cell["cell_type"] == kind]


def signatures(document):
    """Name and arguments of every function, with its docstring."""
    tree = ast.parse("\n".join(sources(document)))
    return {
        node.name: (ast.unparse(node.args), ast.get_docstring(node))
        for node in tree.body
        if isinstance(node, ast.FunctionDef)
    }


def of_kind(assignment, kind):
    return [question for question in assignment.questions if isinstance(question, kind)]


def test_there_are_three_at_least():
    assert {"A1", "A2", "A3"} <= set(NAMES)


@pytest.mark.parametrize("assignment", ASSIGNMENTS, ids=name)
def test_points_and_minutes_add_up(assignment):
    table = re.findall(r"(?m)^\| (?:\d `(\w+)`|together)[^|]*\| (\d+) \| (\d+) \|$", text(assignment.student))
    *rows, (_, together, minutes) = table
    assert [(row[0], int(row[1])) for row in rows] and {row[0]: int(row[1]) for row in rows} == {
        question.name: question.points for question in assignment.questions
    }
    assert sum(int(row[1]) for row in rows) == int(together) == 100
    assert sum(int(row[2]) for row in rows) == int(minutes)


@pytest.mark.parametrize("which", NAMES)
def test_the_guide_tells_the_same(which):
    assignment = Assignment(which)
    title = re.search(r"(?m)^# (\w+) (.*)$", text(assignment.student))
    minutes = re.search(r"(?m)^\| together \| 100 \| (\d+) \|$", text(assignment.student))[1]
    guide = (ROOT / "book" / "grading.md").read_text("utf-8")
    assert re.search(rf"(?m)^\| \*\*{title[1]}\*\* {title[2]} \|.*\| {minutes} \|$", guide)
    written = sum(question.points for question in of_kind(assignment, Written))
    assert not written or re.search(rf"\b{written}( points)? of {which}\b", guide)


@pytest.mark.parametrize("assignment", ASSIGNMENTS, ids=name)
def test_stub_and_solution_have_the_same_names_arguments_and_docstrings(assignment):
    stubs, solutions = signatures(assignment.student), signatures(assignment.solution)
    assert stubs == solutions
    assert {question.name for question in of_kind(assignment, Function)} <= set(stubs)
    assert all(docstring for _, docstring in stubs.values())
    for question in of_kind(assignment, Function):
        names = {}
        defining = (source for source in sources(assignment.student) if "import" in source or source.startswith("def "))
        exec("\n".join(defining), names)
        arguments = assignment.cases(question)[0][0][1]
        with pytest.raises(NotImplementedError):
            names[question.name](*arguments)


def solution_lines(assignment):
    """Lines that stand in a solution and nowhere in the master outside of one."""
    given = set(text(assignment.student).splitlines())
    return {line for line in text(assignment.solution).splitlines() if line.strip() and line not in given}


@pytest.mark.parametrize("assignment", ASSIGNMENTS, ids=name)
def test_nothing_of_the_solution_is_left_in_the_students_copy(assignment):
    hidden = solution_lines(assignment)
    assert len(hidden) >= len(assignment.questions)
    words = json.dumps(assignment.student, ensure_ascii=False)
    assert not [line for line in hidden if len(line.strip()) > 8 and line.strip() in words]
    for mark in ("SOLUTION", "«", "»"):
        assert mark not in words and mark not in text(assignment.solution)
    assert not any(cell.get("outputs") for cell in assignment.student["cells"])
    master = text(joined(json.loads((MASTERS / f"{assignment.name}.ipynb").read_text("utf-8"))))
    assert master.count("BEGIN SOLUTION") == master.count("END SOLUTION")


def joined(master):
    return {"cells": [cell | {"source": "".join(cell["source"])} for cell in master["cells"]]}


@pytest.mark.parametrize("assignment", ASSIGNMENTS, ids=name)
def test_no_hidden_value_and_nothing_of_the_secret_is_in_any_copy(assignment):
    for copied in (assignment.student, assignment.solution):
        words = json.dumps(copied, ensure_ascii=False)
        for key in (KEY, OTHER_KEY):
            assert key.decode() not in words and key.hex() not in words
        for question in of_kind(assignment, Function):
            cases, expected = assignment.cases(question)
            for value in itertools.chain(expected, *(arguments for _, arguments in cases)):
                flat = np.ravel(np.array(value, object))
                if len({*map(str, flat[:8])}) > 4:  # three small numbers may stand anywhere
                    assert str(flat[:8].tolist())[1:-1] not in words, question.name
        for question in of_kind(assignment, Model):
            draw = assignment.draw.under(question.name, "hidden")
            assert not any(str(draw.integer(what, 0, 2**32 - 1)) in words for what in ("clips", "twins"))


@pytest.mark.parametrize("assignment", ASSIGNMENTS, ids=name)
def test_the_copies_are_notebooks_that_say_their_edition(assignment):
    for copied in (assignment.student, assignment.solution):
        nbformat.validate(nbformat.from_dict(copied))
        assert sources(copied)[0] == setup_cell.source(""), "the setup cell is the first"
        assert f"dition {assignment.edition}" in copied["cells"][0]["source"]
    assert ("not for marks" in text(assignment.student)) == (assignment.edition == Assignment(assignment.name).edition)


def test_each_secret_draws_its_own_variant():
    drawn = {str(Assignment("A1", f"secret {i}".encode()).drawn) for i in range(20)}
    assert len(drawn) == 20
    assert Assignment("A1", KEY).drawn == A1.drawn and Assignment("A1", KEY).student == A1.student


def answers(assignment, question, cases):
    """What a solution answers to each case, None where it fails."""
    for _, arguments in cases:
        try:
            yield np.asarray(assignment.solutions[question.name](*arguments))
        except Exception:
            yield None


@pytest.mark.parametrize("which", NAMES)
def test_a_solution_is_right_on_its_own_variant_and_on_no_case_of_another(which):
    editions = [Assignment(which, f"secret {i}".encode()) for i in range(14)]
    met = set()
    for question in of_kind(editions[0], Function):
        own = set(question.choices) | ({"task", "frames"} if question.name == "make_twins" else set())
        for here in editions:
            cases, expected = here.cases(question)
            for there in editions:
                pairs = zip(expected, answers(there, question, cases), strict=True)
                right = [answer is not None and not difference(wanted, answer) for wanted, answer in pairs]
                same = all(here.drawn[choice] == there.drawn[choice] for choice in own)
                if same:
                    assert all(right), question.name
                elif question.name != "make_twins" or here.drawn["task"] == "order":  # backwards is backwards
                    assert not any(right), (question.name, here.drawn, there.drawn)
                met.add((question.name, same))
    assert len(met) == 2 * len(of_kind(editions[0], Function))


def test_a_copied_notebook_of_another_edition_gets_nothing_and_is_told_why():
    there = Assignment("A1", OTHER_KEY)
    differing = {
        question.name
        for question in A1.questions
        if any(A1.drawn[choice] != there.drawn[choice] for choice in question.choices)
    }
    assert len(differing) >= 5
    result = grader().grade(submission(notebook(base=there.solution)))
    assert points(result) == ALL | dict.fromkeys(differing, 0)
    assert f"edition {there.edition} and was graded as edition {A1.edition}" in lines(result)


def test_a_model_of_another_variant_does_not_fit():
    """Another variant is another task or another shape of clips: a file trained for one is refused or wrong."""
    for which in ("A2", "A3"):
        question = of_kind(Assignment(which), Model)[0]
        choices = [question.choices[choice] for choice in ("task", "frames", "resolution")]
        assert np.prod([len(options) for options in choices]) >= 12


# What the solutions say, against Keras and against the course's own measurements.


def variants(*names):
    """A few assignments among which every option of these choices is drawn."""
    missing = {
        (choice, option)
        for question in A1.questions
        for choice in set(names) & set(question.choices)
        for option in question.choices[choice]
    }
    chosen = []
    for i in itertools.count():
        assignment = Assignment("A1", f"oracle {i}".encode())
        if drawn := missing & {(choice, assignment.drawn[choice]) for choice in names}:
            missing -= drawn
            chosen.append(assignment)
        if not missing:
            return chosen


def test_conv3d_is_what_keras_computes():
    from seqlib.backend import keras

    for assignment in variants("time", "space", "stride_t", "stride_s"):
        question, drawn = assignment.questions[1], assignment.drawn
        for (_, (clip, kernel)), expected in zip(*assignment.cases(question), strict=True):
            t, h, w = (size // 2 for size in kernel.shape)
            zeros = np.zeros((2 * t, *clip.shape[1:]))
            clip = {
                "causal": lambda clip=clip, zeros=zeros: [zeros, clip],
                "anticausal": lambda clip=clip, zeros=zeros: [clip, zeros],
                "centred": lambda clip=clip, zeros=zeros, t=t: [zeros[:t], clip, zeros[:t]],
                "periodic": lambda clip=clip, t=t: [clip[-t:], clip, clip[:t]],
            }[drawn["time"]]()
            border = (h, w) if drawn["space"] == "same" else (0, 0)
            layer = keras.layers.Conv3D(1, kernel.shape, (drawn["stride_t"], *[drawn["stride_s"]] * 2), use_bias=False)
            padded = keras.layers.ZeroPadding3D((0, *border))(np.concatenate(clip)[None, ..., None])
            layer.build(padded.shape)
            layer.set_weights([kernel[..., None, None]])
            assert np.array_equal(layer(padded)[0, ..., 0], expected)


def test_output_shape_is_what_keras_gives():
    from seqlib.backend import keras

    for assignment in variants("pool", "rounding", "order"):
        question, drawn = assignment.questions[2], assignment.drawn
        for (_, (shape, layers)), expected in zip(*assignment.cases(question), strict=True):
            x = keras.KerasTensor((1, *shape))
            for filters, kernel, stride, padding in layers:
                x = keras.layers.Conv3D(filters, kernel, stride, padding)(x)
            x = keras.layers.MaxPooling3D(drawn["pool"], padding="same" if drawn["rounding"] == "up" else "valid")(x)
            _, *sizes, channels = x.shape
            assert expected == ((*sizes, channels) if drawn["order"] == "last" else (channels, *sizes))


def test_frames_seen_is_what_a_gradient_finds():
    from seqlib.backend import keras

    several = (Assignment("A1", b"%d" % i) for i in itertools.count())
    assignment = next(assignment for assignment in several if assignment.drawn["every"] == 2)
    (_, (layers,)), *_ = assignment.cases(assignment.questions[3])[0]
    frames = assignment.solutions["frames_seen"](layers)
    clip = keras.Input((4 * frames, 8, 8, 1))
    x = keras.layers.MaxPooling3D((1, 1, 1), strides=(2, 1, 1))(clip)  # every second frame
    for kernel, stride, dilation in layers if assignment.drawn["layers"] == "forward" else layers[::-1]:
        # Keras has no dilation and stride at once: all places, and then every stride-th
        x = keras.layers.Conv3D(1, (kernel, 1, 1), dilation_rate=(dilation, 1, 1))(x)
        x = keras.layers.MaxPooling3D((1, 1, 1), strides=(stride, 1, 1))(x)
    assert seqlib.measure.receptive_field(keras.Model(clip, x))[0] == frames


def test_causal_conv_is_what_keras_computes():
    from seqlib.backend import keras

    for assignment in variants("dilation", "taps", "before"):
        question, drawn = assignment.questions[5], assignment.drawn
        for (_, (features, kernel)), expected in zip(*assignment.cases(question), strict=True):
            ahead = (len(kernel) - 1) * drawn["dilation"]
            if drawn["before"] == "edge":
                features = np.concatenate([features[:, :1]] * ahead + [features], axis=1)
            layer = keras.layers.Conv1D(
                kernel.shape[2], len(kernel), padding="causal", dilation_rate=drawn["dilation"], use_bias=False
            )
            layer.build(features.shape)
            layer.set_weights([kernel if drawn["taps"] == "oldest" else kernel[::-1]])
            answer = layer(features).numpy()
            assert np.array_equal(answer[:, ahead if drawn["before"] == "edge" else 0 :], expected)


def test_cost_is_what_the_courses_measure_counts():
    from seqlib.backend import keras

    for key in range(12):
        assignment = Assignment("A3", f"oracle {key}".encode())
        if assignment.drawn["kind"] == "depthwise":
            continue  # Keras has no such layer in three dimensions
        options = {"padding": assignment.drawn["padding"], "use_bias": assignment.drawn["bias"] == "biases"}
        for (_, (shape, layers)), expected in zip(*assignment.cases(assignment.questions[0]), strict=True):
            clip = x = keras.Input(shape)
            for filters, kernel, stride in layers:
                if assignment.drawn["kind"] == "whole":
                    x = keras.layers.Conv3D(filters, kernel, stride, **options)(x)
                else:
                    x = keras.layers.Conv3D(filters, (1, *kernel[1:]), (1, *stride[1:]), **options)(x)
                    x = keras.layers.Conv3D(filters, (kernel[0], 1, 1), (stride[0], 1, 1), **options)(x)
            model = keras.Model(clip, x)
            assert expected == (seqlib.measure.parameters(model), seqlib.measure.multiply_adds(model))


# Executed.


def executed(document, folder):
    document = nbformat.from_dict(document)
    notebooks.execute(document, folder)
    return document


@pytest.mark.slow
@pytest.mark.parametrize("which", NAMES)
def test_the_students_copy_runs_and_says_only_that_it_is_not_written_yet(which, tmp_path):
    ran = executed(Assignment(which, KEY).student, tmp_path)
    errors = [
        (output.ename, cell.source)
        for cell in ran.cells
        for output in cell.get("outputs", [])
        if output.output_type == "error"
    ]
    assert errors and {kind for kind, _ in errors} <= {"NotImplementedError", "NameError"}
    assert all(source.startswith("# Not graded") for _, source in errors)
    assert all("model" in source for kind, source in errors if kind == "NameError"), "no model was built"


@pytest.mark.slow
def test_the_solution_runs_without_an_error_and_gets_every_point(tmp_path):
    ran = executed(A1.solution, tmp_path)
    assert not [output for cell in ran.cells for output in cell.get("outputs", []) if output.output_type == "error"]
    assert points(grader().grade(submission(nbformat.writes(ran).encode()))) == ALL


@pytest.mark.slow
@pytest.mark.parametrize("which", [name for name in NAMES if of_kind(Assignment(name), Model)])
def test_a_trained_solution_gets_every_point_but_what_a_person_marks(which, executed_solution):
    assignment = Assignment(which, KEY)
    ran, folder = executed_solution(assignment)
    assert not [output for cell in ran.cells for output in cell.get("outputs", []) if output.output_type == "error"]
    files = {f"{which}.npz": (folder / f"{which}.npz").read_bytes}
    result = Grader(assignment, Sandbox()).grade(
        submission(nbformat.writes(ran).encode(), name=f"{which}.ipynb", **files)
    )
    written = {question.name for question in of_kind(assignment, Written)}
    assert points(result) == {
        question.name: None if question.name in written else question.points for question in assignment.questions
    }, lines(result)
    assert all(len(result["written"][question]) > 100 for question in written)


def test_the_solutions_keep_the_projects_style(tmp_path):
    for assignment in ASSIGNMENTS[::3]:
        path = tmp_path / f"{assignment.name}.ipynb"
        nbformat.write(nbformat.from_dict(assignment.solution), path)
        command = ["check", "--ignore", "E501,D,B018", str(path)]
        done = subprocess.run([sys.executable, "-m", "ruff", *command], capture_output=True, text=True, cwd=ROOT)
        assert done.returncode == 0, done.stdout


def test_only_what_defines_is_executed_when_copies_are_made():
    names = {}
    define("import os\nX = 1\ny = 2\nprint('never')\ndef f():\n    return X\nraise SystemExit", names)
    assert names["f"]() == 1 and "y" not in names


def test_an_unknown_assignment_is_told():
    with pytest.raises(ValueError, match=r"assignment must be one of A1, A2, A3.*, not 'A9'"):
        Assignment("A9")


# What `make assignments` writes.


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    parent = tmp_path_factory.mktemp("assignments")
    assignments.make("A1", KEY, parent, "https://example.org/a/b")
    return parent / "A1"


def test_what_is_written_is_where_it_is_said_to_be(folder):
    assert sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.*")) == [
        "gradescope/A1.zip",
        "key/A1.key",
        "solution/A1.ipynb",
        "student/A1.ipynb",
    ]
    student, solution = (nbformat.read(folder / which / "A1.ipynb", 4) for which in ("student", "solution"))
    assert student.cells[1].source == setup_cell.source("https://example.org/a/b")
    assert all(cell.execution_count for cell in solution.cells if cell.cell_type == "code")
    assert not any(cell.outputs or cell.execution_count for cell in student.cells if cell.cell_type == "code")
    assert student.metadata.kernelspec.name == "python3"


def test_the_gradescope_zip_is_one_that_gradescope_takes(folder):
    archive = zipfile.ZipFile(io.BytesIO((folder / "gradescope" / "A1.zip").read_bytes()))
    names = set(archive.namelist())
    assert {"setup.sh", "run_autograder", "secret", "course/grading/gradescope.py"} <= names
    assert {"course/assignments/A1.ipynb", "course/assignments/A1.py"} <= names
    assert not [name for name in names if "A2" in name or name.endswith((".npz", ".json", ".pyc"))]
    assert archive.read("secret") == (folder / "key" / "A1.key").read_bytes() != KEY
    assert Assignment("A1", archive.read("secret")).student == A1.student
    assert not any(KEY in archive.read(name) for name in names), "the class's secret draws other assignments, too"
    for script in ("setup.sh", "run_autograder"):
        assert archive.getinfo(script).external_attr >> 16 & 0o111, "it must be executable"
        assert subprocess.run(["bash", "-n"], input=archive.read(script)).returncode == 0
    setup = archive.read("setup.sh").decode()
    assert "chmod 600 /autograder/source/secret" in setup and "numpy==" in setup and "tensorflow" not in setup


def test_nobody_else_can_read_what_a_secret_made_but_the_students_copy(folder):
    for path in folder.rglob("*"):
        others = path.stat().st_mode & 0o077
        if "student" in path.relative_to(folder).parts:
            assert others & 0o044, f"{path} is handed out"
        else:
            assert not others, path


@pytest.mark.parametrize("python_starts", [True, False])
def test_gradescope_finds_a_result_even_if_python_does_not_start(python_starts, folder, tmp_path):
    script = zipfile.ZipFile(folder / "gradescope" / "A1.zip").read("run_autograder").decode()
    for name in ("source/course", "submission", "results"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "source" / "secret").write_bytes(KEY)
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\necho '{}' > ../../results/results.json\n")
    script = script.replace("/opt/grading/bin/python", str(python if python_starts else tmp_path / "nowhere"))
    python.chmod(0o755)
    done = subprocess.run(["bash"], input=script.replace("/autograder", str(tmp_path)), text=True, capture_output=True)
    result = json.loads((tmp_path / "results" / "results.json").read_text("utf-8"))
    assert (done.returncode == 0) == python_starts and ("did not run" in result.get("output", "")) != python_starts
    assert (tmp_path / "source" / "secret").stat().st_mode & 0o777 == 0o600


def test_a_practice_edition_does_not_replace_what_a_secret_drew(folder):
    before = (folder / "student" / "A1.ipynb").read_bytes()
    with pytest.raises(SystemExit, match="give SECRET=FILE, or take that folder away"):
        assignments.main([], folder.parent)
    assert (folder / "student" / "A1.ipynb").read_bytes() == before


def test_the_secret_must_not_lie_in_the_repository(tmp_path):
    with pytest.raises(SystemExit, match="outside the repository"):
        assignments.main([str(ROOT / "README.md")], tmp_path)
    assert not list(tmp_path.iterdir())
