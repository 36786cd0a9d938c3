"""The set of honest notebooks itself: its files are well made, and its marks are ones that can be given."""

import functools
import io
import json
import zipfile

import pytest
from honest import BLANK, CASES, MARKER, Edition
from honest.models import small, unpacked
from nbformat.validator import iter_validate

from grading.assignment import Assignment
from grading.questions import Written

ASSIGNMENTS = {kind: Assignment(*kind) for kind in {(case.assignment, case.key) for case in CASES}}


def edition(assignment):
    model = small(assignment.drawn, 4) if "task" in assignment.drawn else b""  # in the place of a trained one
    return Edition(assignment.student, assignment.solution, assignment.drawn, model)


EDITIONS = {kind: edition(assignment) for kind, assignment in ASSIGNMENTS.items()}
HANDED_OUT = json.dumps([edition[:2] for edition in EDITIONS.values()])


@functools.cache
def handed_in(position):
    case = CASES[position]
    return case.hand_in(EDITIONS[case.assignment, case.key])


def opened(files):
    """Yield name and bytes of each file, those in zips too."""
    for name, data in files.items():
        if name.endswith(".zip"):
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                yield from opened({member: archive.read(member) for member in archive.namelist()})
        else:
            yield name, data


@functools.cache
def notebooks(position):
    """Read the notebooks among the files of a case."""
    return [
        json.loads(data.decode("utf-8-sig"))
        for name, data in opened(handed_in(position))
        if ".ipynb" in name.lower() and "__MACOSX" not in name
    ]


def faults(notebook):
    """List what the schema of its version, and software that relies on ids, find wrong with a notebook."""
    ids = [cell["id"] for cell in notebook.get("cells", ()) if "id" in cell]
    return [*iter_validate(notebook), *(name for name in {*ids} if ids.count(name) > 1)]


def each(condition=lambda case: True):
    return pytest.mark.parametrize(
        "position", [pytest.param(i, id=case.name) for i, case in enumerate(CASES) if condition(case)]
    )


def test_there_are_forty_with_names_of_their_own():
    assert len({case.name for case in CASES}) == len(CASES) >= 40


@each()
def test_files_are_bytes_and_notebooks_are_notebooks(position):
    files = handed_in(position)
    assert files and all(isinstance(name, str) and isinstance(data, bytes) for name, data in files.items())
    assert notebooks(position)
    assert all(not faults(notebook) for notebook in notebooks(position)) == CASES[position].valid


def test_no_case_changes_the_edition_that_the_others_are_made_from():
    for position in range(len(CASES)):
        handed_in(position)
    assert json.dumps([edition[:2] for edition in EDITIONS.values()]) == HANDED_OUT


@each()
def test_each_question_has_a_mark_that_can_be_given(position):
    case = CASES[position]
    questions = {question.name: question for question in ASSIGNMENTS[case.assignment, case.key].questions}
    assert set(case.marks) == set(questions)
    for name, mark in case.marks.items():
        if isinstance(questions[name], Written):
            assert mark in (MARKER, BLANK), name
        else:
            least, most = mark if isinstance(mark, tuple) else (mark, mark)
            assert 0 <= least <= most <= questions[name].points, name
    assert case.reason.endswith(".") and "\n" not in case.reason


@each(lambda case: case.reaches)
def test_what_has_to_reach_the_marker_is_handed_in(position):
    case = CASES[position]
    written = json.dumps(notebooks(position), ensure_ascii=False)
    for question, passages in case.reaches.items():
        assert bool(passages) == (case.marks[question] == MARKER)
        for passage in passages:
            for line in passage.splitlines():  # a passage may stand in a cell that is stored as a list of lines
                assert json.dumps(line, ensure_ascii=False)[1:-1] in written


def test_models_are_layers_and_weights():
    files = [file for position in range(len(CASES)) for file in opened(handed_in(position))]
    models = [unpacked(data) for name, data in files if name.endswith(".npz")]
    assert models and all(layers[0]["class"] == "InputLayer" and len(weights) >= 2 for layers, weights in models)
