"""The record of where the course ran: it says what requirements.txt promises; and what breaks elsewhere is named.

The runs themselves take too long for a test: `make colab`, `make compatibility`. Here they run with next to nothing.
"""

import re
import sys
import time
from itertools import product

import nbformat
import pytest
from packaging.requirements import Requirement
from packaging.version import Version

from tools import compatibility, environments, freezes, gpu, notebooks, where_it_runs

RECORD = where_it_runs.read()
LESSONS = {notebooks.number(path) for path in notebooks.lessons()}


@pytest.fixture
def record(tmp_path, monkeypatch):
    """An empty record of our own."""
    monkeypatch.setattr(where_it_runs, "FILE", tmp_path / "record.json")
    return where_it_runs


def test_every_promised_python_passed_with_the_oldest_and_the_newest_packages():
    passed = [tuple(where_it_runs.name("compatibility", row)) for row in RECORD["compatibility"]]
    assert passed == sorted(
        product(compatibility.PYTHONS, compatibility.RESOLUTIONS), key=lambda pair: (pair[0], pair[1])
    )
    for versions in compatibility.RESOLUTIONS:
        rows = [row for row in RECORD["compatibility"] if row["versions"] == versions]
        lessons = {lesson for row in rows for lesson in row["lessons"]}
        assert lessons | where_it_runs.NOT_YET == LESSONS and not lessons & where_it_runs.NOT_YET
    page = (environments.ROOT / "book" / "where_it_runs.md").read_text("utf-8")
    for lesson in where_it_runs.NOT_YET:
        assert re.search(rf"Lessons? (\d+b? and )*{lesson.lstrip('0')}\b.* not been run there yet", page)
    readme = (environments.ROOT / "README.md").read_text("utf-8")
    assert re.search(r"Python (3\.\d+(?:(?:, | or )3\.\d+)*)", readme)[1] == "3.11, 3.12 or 3.13"
    assert compatibility.PYTHONS == ("3.11", "3.12", "3.13")


@pytest.mark.parametrize("need", environments.needs(), ids=lambda need: need.name)
def test_the_lower_end_of_each_range_was_run_and_the_rest_lies_in_it(need):
    (lowest,) = (Version(part.version) for part in need.specifier if part.operator == ">=")
    versions = [Version(row["packages"][need.name]) for row in RECORD["compatibility"]]
    assert versions and min(versions) == lowest, "raise the bound to what was run, or run `make compatibility`"
    assert all(need.specifier.contains(version) for version in versions)


def test_every_freeze_of_ours_passed_with_all_of_its_versions():
    rows = {row["freeze"]: row for row in RECORD["colab"]}
    assert rows.keys() == {freezes.read(path).name for path in freezes.ours()}
    for path in freezes.ours():
        freeze = freezes.read(path)
        assert rows[freeze.name]["packages"].items() <= freeze.pins.items()
        assert set(rows[freeze.name]["lessons"]) == LESSONS


def test_a_row_takes_the_place_of_the_one_before_and_what_moved_is_told(record):
    row = {"freeze": "2026-08-19", "packages": {"keras": "3.13.2", "numpy": "2.1.3"}}
    assert record.moved("colab", row) == []
    record.keep("colab", row)
    new = {"freeze": "2026-09-30", "packages": {"keras": "3.14.0", "numpy": "2.1.3", "jedi": "0.19"}}
    assert record.moved("colab", new) == ["keras 3.13.2 -> 3.14.0"]
    record.keep("colab", row | {"packages": {"keras": "3.14.0"}})
    (kept,) = record.read()["colab"]
    assert kept["packages"] == {"keras": "3.14.0"} and kept["date"] == time.strftime("%Y-%m-%d")
    for python in ("3.12.1", "3.12.9", "3.13.0"):
        record.keep("compatibility", {"python": python, "versions": "oldest", "packages": {}})
    assert [row["python"] for row in record.read()["compatibility"]] == ["3.12.9", "3.13.0"]


@pytest.mark.network
def test_a_bound_that_cannot_be_had_fails_with_a_message_that_names_it(record, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(environments, "FOLDER", tmp_path)
    monkeypatch.setattr(environments, "needs", lambda *extra: [Requirement("keras>=99")])
    here = f"3.{sys.version_info.minor}"
    assert compatibility.main([here]) == 2
    output = capsys.readouterr().out
    assert f"Python {here}, oldest versions, is broken:" in output and f"Python {here}, newest" in output
    assert "keras>=99" in output.partition("is broken:")[2]
    assert record.read()["compatibility"] == []


@pytest.mark.slow
def test_what_fails_is_named_with_the_packages_that_moved(record, tmp_path, monkeypatch, capsys):
    """With this Python's own environment, a test that passes and then one that fails."""
    (tmp_path / "tests").mkdir()
    test = tmp_path / "tests" / "test_small.py"
    test.write_text("def test_it(): pass")
    monkeypatch.setattr(compatibility, "ROOT", tmp_path)
    monkeypatch.setattr(compatibility, "TESTS", ["small"])
    monkeypatch.setattr(compatibility, "environment", lambda python, versions, folder: sys.executable)
    row = compatibility.check(sys.executable, "newest", tmp_path / "env", [])
    assert row["packages"]["pytest"] == pytest.__version__
    record.keep("compatibility", row | {"packages": row["packages"] | {"keras": "3.0.0"}})
    test.write_text("def test_it(): assert 'that which' == 'breaks'")
    capsys.readouterr()
    with pytest.raises(environments.BrokenError, match=r"(?s)FAILED tests/test_small.py::test_it.*that which"):
        compatibility.check(sys.executable, "newest", tmp_path / "env", [])
    assert f"since it last passed: keras 3.0.0 -> {row['packages']['keras']}" in capsys.readouterr().out


def test_a_run_of_some_lessons_is_added_to_one_of_all_unless_a_package_moved(record):
    row = {"python": "3.12.1", "versions": "oldest", "packages": {"keras": "3.1"}, "lessons": ["00"]}
    record.add("compatibility", row)
    assert record.read()["compatibility"] == []
    record.keep("compatibility", row)
    record.add("compatibility", row | {"packages": {"keras": "3.1", "av": "18.1.0"}, "lessons": ["07"]})
    (known,) = record.read()["compatibility"]
    assert known["lessons"] == ["00", "07"] and known["packages"] == {"keras": "3.1", "av": "18.1.0"}
    record.add("compatibility", row | {"packages": {"keras": "3.2"}, "lessons": ["08"]})
    assert record.read()["compatibility"] == [known]


def test_a_run_of_some_lessons_is_not_recorded_by_itself(record, monkeypatch):
    def check(python, versions, folder, lessons):
        numbers = [notebooks.number(path) for path in lessons]
        return {"python": "3.12.1", "versions": versions, "packages": {}, "lessons": numbers}

    monkeypatch.setattr(environments, "find_python", lambda version: "/python3.12")
    monkeypatch.setattr(compatibility, "check", check)
    monkeypatch.setenv("NB", "00")
    assert compatibility.main(["3.12"]) == 0 and record.read()["compatibility"] == []
    monkeypatch.setenv("NB", "")
    assert compatibility.main(["3.12"]) == 0
    assert [set(row["lessons"]) for row in record.read()["compatibility"]] == [LESSONS, LESSONS]


def test_a_python_that_is_missing_is_said_to_be(monkeypatch, capsys):
    monkeypatch.setattr(environments, "find_python", lambda version: None)
    with pytest.raises(SystemExit, match=r"PYTHONS must name a Python of this machine, not 3.12"):
        compatibility.main(["3.12"])
    assert "Python 3.12 is not on this machine" in capsys.readouterr().out


def test_a_python_is_found_by_its_version():
    here = f"3.{sys.version_info.minor}"
    assert environments.version_of(environments.find_python(here)).startswith(f"{here}.")
    assert environments.find_python("3.99") is None


@pytest.mark.slow
def test_without_a_gpu_make_gpu_says_so(monkeypatch):
    assert gpu.devices(sys.executable) == []
    monkeypatch.setattr(gpu.shutil, "which", lambda name: None)
    with pytest.raises(SystemExit, match="this machine has no NVIDIA driver"):
        gpu.main()


@pytest.mark.slow
def test_with_a_gpu_make_gpu_runs_the_lessons_and_keeps_the_row(record, tmp_path, monkeypatch, capsys):
    """The GPU, the driver and the CUDA libraries are made up; what is done with them is not."""
    installed = []
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("print('fine')")])
    nbformat.write(notebook, tmp_path / "07_short.ipynb")
    monkeypatch.setattr(gpu.shutil, "which", lambda name: "nvidia-smi")
    monkeypatch.setattr(environments, "make", lambda folder, python, *pins: installed.extend(pins) or python)
    monkeypatch.setattr(environments, "install_wheel", lambda python: None)
    monkeypatch.setattr(notebooks, "lessons", lambda: [tmp_path / "07_short.ipynb"])
    monkeypatch.setattr(gpu, "devices", lambda python: [])
    with pytest.raises(SystemExit, match="TensorFlow sees no GPU here"):
        gpu.main()
    monkeypatch.setattr(gpu, "devices", lambda python: ["Tesla T4"])
    assert gpu.main() == 0
    assert any(re.fullmatch(r"tensorflow\[and-cuda\]==[\d.]+", pin) for pin in installed)
    (row,) = record.read()["gpu"]
    assert row["device"] == "Tesla T4" and row["lessons"] == ["07"]
    assert "On Tesla T4: 1 of 1 lessons passed" in capsys.readouterr().out
