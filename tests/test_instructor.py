"""What an instructor does after grading: decides, uploads, gives back, asks, publishes, deletes."""

import copy
import csv
import io
import json
import re
import shutil
import zipfile

import pytest
from handed_in import A1, ALL, BY_THE_MACHINE, KEY, QUESTIONS, notebook
from honest import CASES, Edition

from grading import __main__ as command
from grading import forget, oral, overrides, reports, secret, tables, totals, uploads, written
from grading.assignment import REPOSITORY, Assignment
from grading.submission import Submission, collect

pytestmark = pytest.mark.slow  # a class is graded, once for all tests

NAMES = ["Ada King", "Jürgen Groß-Müller", "Zoë Ångström", "François L'Hôte", "李小龍", "Jo Wu", "Jo Wu", "o'neil2"]
FORTY = [case for case in CASES if case.assignment == "A1" and case.key == KEY and not case.slow][:40]


def download(path, files):
    """Pack files, student's (name, number) to {name: bytes}, as Moodle does."""
    with zipfile.ZipFile(path, "w") as archive:
        for (name, number), own in files.items():
            for file, data in own.items():
                archive.writestr(f"{name}_{number}_assignsubmission_file_/{file.rpartition('/')[2]}", data)
    return path


@pytest.fixture(scope="module")
def graded_class(tmp_path_factory):
    """Forty honest notebooks, in Moodle's download, graded once: the folder with secret, download and grades."""
    folder = tmp_path_factory.mktemp("class")
    (folder / "secret").write_bytes(KEY)
    (folder / "secret").chmod(0o600)
    edition = Edition(A1.student, A1.solution, A1.drawn)
    students = [(NAMES[i] if i < len(NAMES) else f"Student {i}", 100 + i) for i in range(len(FORTY))]
    files = {student: case.hand_in(edition) for student, case in zip(students, FORTY, strict=True)}
    download(folder / "all.zip", files)
    grade(folder)
    return folder


@pytest.fixture
def folder(graded_class, tmp_path):
    return shutil.copytree(graded_class, tmp_path / "class")


def grade(folder, *options, download="all.zip", key="secret"):
    arguments = ["A1", str(folder / download), "--secret", str(folder / key), "--out", str(folder / "A1"), *options]
    assert command.main(arguments) == 0
    return folder / "A1"


def rows(path, delimiter=","):
    return list(csv.DictReader(io.StringIO(path.read_text("utf-8-sig"), newline=""), delimiter=delimiter))


def totals_in(out):
    return {row["student"]: row["total"] for row in rows(out / "grades.csv")}


def mark_words(out, points="20"):
    table = rows(out / "written.csv")
    tables.write(out / "written.csv", list(table[0]), [[*list(row.values())[:-1], points] for row in table])


def decide(out, *lines, head="student,id,question,what,value,reason"):
    (out / "overrides.csv").write_text("\n".join([head, *lines, ""]), "utf-8")


# What Moodle and Canvas do with a file, as their sources say: not what we wish.


def moodle_reads(path, most=100):
    """The marks that Moodle takes from a worksheet, by number, if it is set to English."""
    marks = {}
    for row in rows(path):
        assert row["Last modified (grade)"]
        text = row["Grade"].replace(" ", "")
        if re.fullmatch(r"[\d.]+", text) and float(text) <= most:  # it passes over all else
            marks[row["Identifier"][len("Participant ") :]] = float(text)
    return marks


def moodle_gives(data):
    """Who gets which file of a zip, by number: a name is split at its first four underscores."""
    given = {}
    for name in zipfile.ZipFile(io.BytesIO(data)).namelist():
        assert not name.startswith((".", "~"))
        _, number, kind, plugin, file = name.split("_", 4)
        assert number.isdecimal() and (kind, plugin) == ("assignsubmission", "file") and number not in given
        given[number] = file
    return given


def canvas_gives(data):
    """Whose submission, and which of its files, the first two numbers between underscores say."""
    archive = zipfile.ZipFile(io.BytesIO(data))
    return {name: [part for part in name.split("_") if part.isdecimal()][:2] for name in archive.namelist()}


# From the download to the marks, with a whole class.


def test_a_class_goes_from_the_download_to_uploaded_marks_and_returned_pages(folder):
    out = folder / "A1"
    assert len(rows(out / "grades.csv")) == 40 and set(totals_in(out).values()) == {""}
    assert moodle_reads(out / "moodle.csv") == {}  # nothing is complete, so nothing is uploaded
    mark_words(out, "20,5")  # typed with a decimal comma
    grade(folder)
    marks = moodle_reads(out / "moodle.csv")
    assert len(marks) == 40 and marks["100"] == BY_THE_MACHINE + 20.5
    assert sorted(map(float, totals_in(out).values())) == sorted(marks.values())
    pages = moodle_gives((out / "feedback_moodle.zip").read_bytes())
    assert pages == dict.fromkeys(marks, "A1.html")
    archive = zipfile.ZipFile(out / "feedback_moodle.zip")
    for name in archive.namelist():
        student, number, _ = name.split("_", 2)
        page = archive.read(name).decode()
        assert student in page.replace("&#x27;", "'") and f"<td>{totals.number(marks[number])}</td><td>100</td>" in page


def test_a_regrade_keeps_points_and_decisions_and_says_what_changed_and_why(folder, capsys):
    out = folder / "A1"
    mark_words(out)
    decide(out, "Ada King,,,extra,5,found a mistake in the text", ",moodle 101,,late,10%,")
    grade(folder, "--uploaded")
    assert not (out / "changes.csv").exists()
    before = moodle_reads(out / "moodle.csv")
    assert before["100"] == 100 and before["101"] <= 0.9 * 95
    decisions, points = ((out / name).read_bytes() for name in ("overrides.csv", "written.csv"))

    shutil.rmtree(out / "results")  # as after a change of the grader
    grade(folder)
    assert (out / "overrides.csv").read_bytes() == decisions and (out / "written.csv").read_bytes() == points
    assert moodle_reads(out / "moodle.csv") == before and not (out / "changes.csv").exists()

    decide(out, "Ada King,,,extra,5,found a mistake in the text", "*,,conv3d 1,weight,0,it was unclear")
    mark = next(row for row in rows(out / "written.csv") if row["id"] == "moodle 102")
    (out / "written.csv").write_bytes(points.replace(b"moodle 102,20", b"moodle 102,25"))
    capsys.readouterr()
    grade(folder)
    changed = {(row["student"], row["question"]): row for row in rows(out / "changes.csv")}
    assert changed[mark["student"], "in_words"] == {
        **{"student": mark["student"], "question": "in_words", "uploaded": "20", "now": "25", "why": "written.csv"}
    }
    assert changed["Jürgen Groß-Müller", "total"]["why"].startswith("overrides.csv: ")
    assert "no longer: late: 10% taken off" in changed["Jürgen Groß-Müller", "total"]["why"]
    assert ("Ada King", "conv3d") not in changed  # it was right, and still is
    assert "changes.csv" in capsys.readouterr().out


def test_another_file_and_somebody_new_are_named_in_what_changed(folder):
    out = grade(folder, "--uploaded")
    files = {("Ada King", 100): {"A1.ipynb": notebook({"conv3d-answer": ""})}, ("New", 9): {"A1.ipynb": notebook()}}
    download(folder / "new.zip", files)
    grade(folder, download="new.zip")
    why = {(row["student"], row["question"]): row["why"] for row in rows(out / "changes.csv")}
    assert why["Ada King", "conv3d"] == "another file"
    assert why["New", "conv3d"] == "was not in the last upload"
    assert why["李小龍", "conv3d"] == "there is no submission here"


def test_a_second_upload_to_moodle_has_no_date_so_the_guide_names_the_box_to_tick(folder):
    out = folder / "A1"
    mark_words(out)
    grade(folder)
    assert {row["Last modified (grade)"] for row in rows(out / "moodle.csv")} == {"-"}
    guide = (REPOSITORY / "book" / "grading.md").read_text("utf-8")
    assert "Allow updating records that have been modified more recently in Moodle than in the spreadsheet" in guide


# Decisions, without student code.


def result(**points):
    marks = {
        question.name: {
            **{"points": points.get(question.name, ALL[question.name]), "of": question.points, "lines": ["x: right"]},
            **{"checks": [["x", float(i < 4), 1.0] for i in range(5)] if question.name == "conv3d" else []},
            "least": 0,
        }
        for question in A1.questions
    }
    marks["in_words"]["points"] = points.get("in_words", 25)
    return {"marks": marks, "notes": [], "written": {"in_words": "So."}, "code": {}, "key": 40 * "0"}


def person(name="ada", number="7", system="moodle", late=False):
    return Submission(name, system, number, late, {})


def decided(tmp_path, *lines, graded=None, **points):
    """The result of ada, after these decisions."""
    decide(tmp_path, *lines)
    graded = graded or [(person(), result(**points))]
    done, absent = overrides.apply(overrides.read(tmp_path / "overrides.csv", A1), graded)
    assert not absent
    return done[0]


@pytest.mark.parametrize(
    ("lines", "total"),
    [
        ([], "100"),
        (["ada,,,extra,3,"], "103"),
        (["ada,,,extra,-3,", "*,,,extra,1,"], "98"),
        (["ada,,conv3d,extra,2,"], "102"),
        (["ada,,conv3d,points,5,"], "85"),
        (["ada,,,late,10%,"], "90"),
        (["ada,,,late,10,"], "90"),
        (['ada,,,late,"2,5",'], "97.5"),
        (["*,,,late,10%,"], "100"),  # of those that Canvas calls late
        (["*,,,late,50%,", "ada,,,late,10%,"], "90"),  # her own decision counts
        (["ada,,,late,10%,", "ada,,,extension,,"], "100"),
        (["ada,,,excused,,ill"], "excused"),
        ([",moodle 7,,extra,3,"], "103"),
        (["ada,,,extra,-300,"], "0"),
    ],
)
def test_a_decision_changes_the_total(lines, total, tmp_path):
    assert totals.text(decided(tmp_path, *lines)[1]) == total


def test_late_for_everybody_is_for_those_that_canvas_calls_late_but_not_with_an_extension(tmp_path):
    for lines, total in (["*,,,late,10%,"], "90"), (["*,,,late,10%,", "ada,,,extension,,"], "100"):
        submission, changed = decided(tmp_path, *lines, graded=[(person(system="canvas", late=True), result())])
        assert totals.text(changed) == total
    assert not submission.late  # her page does not call it late


def test_an_excused_question_counts_for_nothing_and_the_others_for_all(tmp_path):
    _, changed = decided(tmp_path, "ada,,conv3d,excused,,ill that week", conv3d=0, to_batch=0)
    assert totals.text(changed) == totals.number(100 * 70 / 80)
    assert changed["changes"] == ["conv3d: excused: ill that week"]
    _, changed = decided(tmp_path, "ada,,in_words,excused,,", in_words=None)
    assert totals.text(changed) == "100" and totals.missing(changed) == []


def test_a_question_and_an_input_can_weigh_otherwise_for_everybody(tmp_path):
    _, changed = decided(tmp_path, "*,,conv3d,weight,10,", conv3d=10)  # half of it is right
    assert changed["marks"]["conv3d"]["points"] == 5 and changed["marks"]["conv3d"]["of"] == 10
    assert totals.text(changed) == totals.number(100 * 85 / 90)
    _, changed = decided(tmp_path, "*,,conv3d 5,weight,0,", conv3d=16)  # four inputs of five are right
    assert changed["marks"]["conv3d"]["points"] == 20 and totals.text(changed) == "100"
    _, changed = decided(tmp_path, "*,,conv3d 5,weight,4,", conv3d=16)
    assert changed["marks"]["conv3d"]["points"] == 10
    mistaken = result(conv3d=8)
    mistaken["marks"]["conv3d"] |= {"least": 0.4, "checks": [["x", 0.0, 1.0]] * 5}
    _, changed = decided(tmp_path, "*,,conv3d 5,weight,0,", graded=[(person(), mistaken)])
    assert changed["marks"]["conv3d"]["points"] == 8  # the part of a typical mistake stays


def test_one_file_can_be_the_work_of_several_who_have_decisions_of_their_own(tmp_path):
    graded = [(person("ada", "7"), result(conv3d=0)), (person("bob", "8"), result())]
    decide(tmp_path, "Eve,moodle 9,,group,moodle 7,", "bob,,,group,ada,one team", ",moodle 9,,extra,5,")
    done, absent = overrides.apply(overrides.read(tmp_path / "overrides.csv", A1), graded)
    assert [(submission.student, submission.id, totals.text(changed)) for submission, changed in done] == [
        ("ada", "7", "80"),
        ("bob", "8", "80"),
        ("Eve", "9", "85"),
    ]
    assert absent == [] and done[1][1]["changes"] == ["the file of ada counts: one team"]
    reports.write_all(tmp_path, A1, done)
    uploads.write_all(tmp_path, A1, done)
    assert moodle_reads(tmp_path / "moodle.csv") == {"7": 80, "8": 80, "9": 85}
    assert set(moodle_gives((tmp_path / "feedback_moodle.zip").read_bytes())) == {"7", "8", "9"}
    assert [row["id"] for row in rows(tmp_path / "written.csv")] == ["moodle 7"]  # the words are marked once


def test_rows_of_somebody_who_is_not_there_wait_and_are_named(tmp_path):
    decide(tmp_path, "eve,,,extra,5,", "bob,,,group,zoe,")
    done, absent = overrides.apply(overrides.read(tmp_path / "overrides.csv", A1), [(person(), result())])
    assert absent == ["eve", "zoe"] and len(done) == 1


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("ada,,,bonus,5,", "what must be one of group, weight, points, extra, late, extension, excused, not 'bonus'"),
        (",,,extra,5,", "student or id must name a student, or * for everybody"),
        ("ada,,,extra,five,", "value must be a number, not 'five'"),
        ("ada,,,extra,5%,", "value must be a number, not '5%'"),
        ("ada,,,extra,,", "value must be a number, not ''"),
        ("ada,,conv2d,extra,5,", "question must be one of causal_conv, conv3d, "),
        ("ada,,,points,5,", "question must name one for points"),
        ("ada,,conv3d,late,5,", "question must be empty for late"),
        ("ada,,conv3d,weight,5,", "weight must be for everybody: student must be *, not ada"),
        ("*,,conv3d,points,5,", "points must be for one student, not for *"),
        (
            "*,,conv3d one,weight,5,",
            "question must have no number after it, except for weight",
        ),
        ("*,,conv3d 1,extra,5,", "question must have no number after it, except for weight"),
        ("ada,,,late,120%,", "value must be at most 100%"),
        ("ada,,,late,-1,", "value must be at least 0"),
        ("ada,,,excused,5,", "value must be empty for excused, not '5'"),
        ("ada,,,group,,", "value must say whose file it is"),
    ],
)
def test_a_decision_that_cannot_be_names_its_row(line, message, tmp_path):
    decide(tmp_path, ",,,,,", line)
    with pytest.raises(ValueError, match=re.escape(f"overrides.csv, row 3: {message}")):
        overrides.read(tmp_path / "overrides.csv", A1)


def test_the_student_reads_what_was_decided_and_why(tmp_path):
    submission, changed = decided(tmp_path, "ada,,,extra,5,<b>good</b> question")
    reports.write_all(tmp_path, A1, [(submission, changed)])
    page = (tmp_path / "feedback" / "ada.html").read_text("utf-8")
    assert "5 extra points: &lt;b&gt;good&lt;/b&gt; question" in page and "<td>105</td><td>100</td>" in page


def test_the_file_for_decisions_is_there_and_never_written_again(tmp_path):
    reports.write_all(tmp_path, A1, [(person(), result())])
    path = tmp_path / "overrides.csv"
    assert path.read_text("utf-8-sig") == "student,id,question,what,value,reason\n"
    path.write_text("what;student;value\nextra;ada;5\n", "utf-8")
    reports.write_all(tmp_path, A1, [(person(), result())])
    assert path.read_text("utf-8") == "what;student;value\nextra;ada;5\n"
    (override,) = overrides.read(path, A1)
    assert (override.name, override.number) == ("ada", 5)


# What goes back.


def test_canvas_reads_marks_by_id_excused_as_ex_and_pages_by_two_numbers(tmp_path):
    names = ["kingada_7_501_A1.ipynb", "wujo_LATE_8_502_A1-1.ipynb", "anon_x7Yz2_503_A1.ipynb", "l_hote_9_504_A1.npz"]
    (tmp_path / "all").mkdir()
    for name in [*names, "l_hote_9_505_A1.ipynb"]:
        (tmp_path / "all" / name).write_text(name)
    graded = [(submission, result()) for submission in collect(tmp_path / "all", "A1")]
    decide(tmp_path, "kingada,,,excused,,", "wujo,,,extra,5,")
    done, _ = overrides.apply(overrides.read(tmp_path / "overrides.csv", A1), graded)
    uploads.write_all(tmp_path, A1, done)
    assert {row["ID"]: row["A1"] for row in rows(tmp_path / "canvas.csv")} == {"7": "EX", "8": "105", "9": "100"}
    packed = tmp_path / "feedback_canvas.zip"
    assert canvas_gives(packed.read_bytes()) == {
        "kingada_7_501_A1.ipynb": ["7", "501"],
        "wujo_LATE_8_502_A1.ipynb": ["8", "502"],
        "anon_x7Yz2_503_A1.ipynb": ["503"],
        "l_hote_9_505_A1.ipynb": ["9", "505"],
    }
    cell = json.loads(zipfile.ZipFile(packed).read("kingada_7_501_A1.ipynb"))["cells"][0]
    assert cell["cell_type"] == "markdown" and "<h1>A1: kingada</h1>" in cell["source"]


def test_anonymous_students_of_moodle_have_marks_and_pages_by_number(tmp_path):
    """In English, French and German, where an oblique was left out of the name."""
    files = {(name, i): {"A1.ipynb": b"{}"} for i, name in enumerate(["Participant", "Participant", "Teilnehmerin"], 7)}
    graded = [(submission, result()) for submission in collect(download(tmp_path / "all.zip", files), "A1")]
    assert [submission.student for submission, _ in graded] == ["Participant (7)", "Participant (8)", "Teilnehmerin"]
    uploads.write_all(tmp_path, A1, graded)
    assert moodle_reads(tmp_path / "moodle.csv") == dict.fromkeys("789", 100)
    assert set(moodle_gives((tmp_path / "feedback_moodle.zip").read_bytes())) == set("789")


def test_moodle_gets_no_more_than_the_most_which_it_would_pass_over_and_nobody_who_is_excused(tmp_path):
    graded = [(person(), result()), (person("bob", "8"), result())]
    decide(tmp_path, "ada,,,extra,5,", "bob,,,excused,,")
    done, _ = overrides.apply(overrides.read(tmp_path / "overrides.csv", A1), graded)
    uploads.write_all(tmp_path, A1, done)
    assert moodle_reads(tmp_path / "moodle.csv") == {"7": 100}


def test_a_name_with_underscores_is_given_to_its_number_all_the_same(tmp_path):
    source = download(tmp_path / "all.zip", {("_a_b_9", 7): {"A1.ipynb": b"{}"}})
    (submission,) = collect(source, "A1")
    data = uploads.feedback_zip(A1, [(submission, result())])
    assert moodle_gives(data) == {"7": "A1.html"}


def test_whose_number_is_claimed_twice_gets_no_page_from_us(tmp_path):
    for name in ("king_9_101_A1.ipynb", "eve_9_103_A1.ipynb"):
        (tmp_path / name).touch()
    graded = [(submission, result()) for submission in collect(tmp_path, "A1")]
    uploads.write_all(tmp_path / "out", A1, graded)
    assert list((tmp_path / "out").glob("*.zip")) == list((tmp_path / "out").glob("canvas.csv")) == []


def test_tables_for_german_and_french_spreadsheets_come_back_as_they_left(folder):
    out = folder / "A1"
    mark_words(out, "20.5")
    decide(out, "Ada King;;;extra;2,5;Fehler gefunden", head="student;id;question;what;value;reason")
    grade(folder, "--semicolons")
    (ada,) = (row for row in rows(out / "grades.csv", ";") if row["student"] == "Ada King")
    assert ada["total"] == "98" and ada["in_words"] == "20,5"
    assert "\nJürgen Groß-Müller;moodle 101;20,5\n" in (out / "written.csv").read_text("utf-8-sig")
    marks = moodle_reads(out / "moodle.csv")
    before = {name: (out / name).read_bytes() for name in ("grades.csv", "written.csv", "questions.csv", "moodle.csv")}
    grade(folder, "--semicolons")
    assert {name: (out / name).read_bytes() for name in before} == before
    grade(folder)  # and with commas
    assert moodle_reads(out / "moodle.csv") == marks and ",98," in (out / "grades.csv").read_text("utf-8-sig")


def test_files_as_german_and_french_systems_name_copies_are_found(tmp_path):
    files = {("Ada King", 7): {"A1 - Kopie.ipynb": b"{}"}, ("François", 8): {"A1 - Copie (2).ipynb": b"{}"}}
    found = collect(download(tmp_path / "alle Abgaben.zip", files), "A1")
    assert [submission.file(".ipynb", "A1")[1] for submission in found] == [b"{}", b"{}"]


# A class that fails alike.


def test_the_share_that_failed_alike_is_written_and_warned_of(tmp_path, capsys):
    wrong = result(conv3d=0, to_batch=8)
    wrong["marks"]["conv3d"]["lines"] = ["all 5 inputs: =IndexError; x"]
    wrong["marks"]["to_batch"]["lines"] = ["2 clips: right", "3 clips: the shape is (3,), and not the right one"]
    graded = [(person(f"s{i}", str(i)), copy.deepcopy(wrong if i < 7 else result())) for i in range(10)]
    reports.write_all(tmp_path, A1, graded)
    table = {row["question"]: row for row in rows(tmp_path / "questions.csv")}
    assert table["conv3d"] == {
        **{"question": "conv3d", "marked": "10", "mean": "6", "all points": "30%", "failed alike": "70%"},
        "how": "all 5 inputs: =IndexError, x",
    }
    assert table["to_batch"]["how"].startswith("3 clips: the shape") and table["frames_seen"]["failed alike"] == "0%"
    assert "in_words" not in table
    warned = list(command._wrong(A1, graded, {}, True))
    assert [line.partition(":")[0] for line in warned] == ["to_batch", "conv3d"]
    assert not list(command._wrong(A1, graded[:4], {}, True))  # four are no class


# Questions for five minutes.


def test_the_drawn_sample_is_asked_about_their_own_code(folder):
    out = folder / "A1"
    page = (out / "oral.html").read_text("utf-8")
    drawn = re.findall(r"<h2>(.*?)</h2>", page)
    assert len(drawn) == 5 and page.count("<pre>") == 10 and "<script" not in page
    again = (grade(folder, "--oral", "8") / "oral.html").read_text("utf-8")
    assert set(drawn) < set(re.findall(r"<h2>(.*?)</h2>", again))
    assert len(set(re.findall(r"<li>(.*?)</li>", again))) > 8


def test_who_is_drawn_depends_on_nobody_else():
    graded = [(person(f"s{i}", str(i)), result() | {"code": {"conv3d": "x = 1"}}) for i in range(30)]
    drawn = [submission.student for submission, _ in oral.sample(A1.draw, graded, 5)]
    with_one_more = [*graded, (person("late", "99"), graded[0][1])]
    assert len({*drawn} - {submission.student for submission, _ in oral.sample(A1.draw, with_one_more, 5)}) <= 1
    other = Assignment("A1", b"another class")
    assert drawn != [submission.student for submission, _ in oral.sample(other.draw, graded, 5)]


def test_each_question_with_code_has_something_to_ask_about_and_no_code_is_too_strange():
    for assignment in (A1, Assignment("A2", KEY), Assignment("A3", KEY)):
        assert all(question.oral for question in assignment.questions)
    for code in (
        "",
        "\0",
        "def conv3d(:\n" * 50,
        "(" * 5000,
        "<script>alert(1)</script>",
        "lambda: " * 3000 + "1",
        "\f\x0b",
    ):
        graded = [(person(), result() | {"code": dict.fromkeys(QUESTIONS, code)})]
        assert "<script" not in oral.page(A1, graded, 5)


# An edition's own key.


def test_an_editions_key_repeats_a_mark_and_tells_nothing_of_the_secret(folder, tmp_path):
    published = secret.published(A1.key, "A1")
    (folder / "A1.key").write_bytes(published)
    (tmp_path / "ada").mkdir()
    name = next(name for name in zipfile.ZipFile(folder / "all.zip").namelist() if "_100_" in name)
    (tmp_path / "ada" / "A1.ipynb").write_bytes(zipfile.ZipFile(folder / "all.zip").read(name))
    arguments = ["A1", str(tmp_path / "ada" / "A1.ipynb"), "--secret", str(folder / "A1.key"), "--out"]
    assert command.main([*arguments, str(tmp_path / "mine")]) == 0
    (mine,), (ada, *_) = rows(tmp_path / "mine" / "grades.csv"), rows(folder / "A1" / "grades.csv")
    assert mine | {"student": ""} == ada | {"student": ""}
    assert Assignment("A1", published).student == A1.student
    assert KEY not in published and KEY.hex().encode() not in published
    assert secret.edition(KEY, "A2").hex().encode() not in published


@pytest.mark.parametrize(
    ("key", "message"),
    [
        (secret.published(Assignment("A2", KEY).key, "A2"), "the key of A1's edition, not of A2's"),
        (secret.EDITION + b"A1 xyz\n", "begins like the key of an edition but is not one"),
        (secret.EDITION + b"\xff", "begins like the key of an edition but is not one"),
    ],
)
def test_a_key_that_is_not_this_editions_is_refused(key, message):
    with pytest.raises(ValueError, match=message):
        Assignment("A1", key)


# Deleting.


def test_all_that_the_grader_knows_of_a_class_is_deleted_with_one_command(folder, capsys):
    out = folder / "A1"
    mark_words(out)
    grade(folder, "--uploaded")
    decide(out, "Ada King,,,extra,5,")
    grade(folder)
    (out / "results" / "left.json.unfinished").touch()
    (out / "my remarks.txt").touch()
    assert forget.main([str(out)]) == 0
    assert [path.name for path in out.iterdir()] == ["my remarks.txt"]
    assert "except my remarks.txt" in capsys.readouterr().out
    assert (folder / "secret").exists() and (folder / "all.zip").exists()


def test_nothing_else_is_deleted(tmp_path, capsys):
    (tmp_path / "grades.csv").touch()
    assert forget.main([str(tmp_path)]) == 1 and (tmp_path / "grades.csv").exists()
    assert "must be one that the grader wrote to" in capsys.readouterr().err
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "keep").touch()
    (tmp_path / "out" / "results").mkdir(parents=True)
    (tmp_path / "out" / "feedback").symlink_to(tmp_path / "elsewhere")
    assert forget.main([str(tmp_path / "out")]) == 0
    assert not (tmp_path / "out").exists() and (tmp_path / "elsewhere" / "keep").exists()
    assert forget.main([]) == 1


def test_whatever_the_grader_writes_is_on_the_list_of_what_is_deleted(folder):
    out = folder / "A1"
    mark_words(out)
    grade(folder, "--uploaded")
    decide(out, "Ada King,,,extra,5,")
    grade(folder)
    there = {path.name for path in out.iterdir()}
    assert "changes.csv" in there and there <= {*forget.FILES, *reports.FOLDERS}


def test_ids_of_rows_are_those_of_submissions():
    assert written.rows_of(person())[0] == written.whose({"id": " moodle 7 ", "student": "x"})
