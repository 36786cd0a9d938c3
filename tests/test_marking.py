"""What becomes of answers, words and decisions: the marks, the tables and the pages. No student code runs here."""

import copy
import csv
import functools
import io
import itertools
import json
import re

import numpy as np
import pytest
from handed_in import A1, ALL, KEY, OTHER_KEY, QUESTIONS, notebook, points, submission

from grading import __main__ as command
from grading import collector, grade, oral, overrides, pages, reports, tables, totals, uploads, written
from grading.assignment import Assignment
from grading.grade import Grader
from grading.questions import Function, Mistake, Written, same
from grading.submission import Submission, collect, order

A2 = Assignment("A2", KEY)


@functools.cache
def grader(assignment=A1):
    """A grader whose student code never runs."""
    return Grader(assignment, None)


def runs(assignment=A1, **answers):
    """What a run leaves that answers each question right, but for these: (question, answers to its cases)."""
    right = {name: expected for name, (_, expected) in grader(assignment).cases.items()} | answers
    left = grade._Runs({name: len(given) for name, given in right.items()}, {})
    left.answers = {(name, i): np.asarray(value) for name, given in right.items() for i, value in enumerate(given)}
    return left


def graded(monkeypatch, data=None, assignment=A1, **answers):
    monkeypatch.setattr(Grader, "_run", lambda *_: runs(assignment, **answers))
    monkeypatch.setattr(Grader, "_model", lambda *_: grade.Mark(0, []))
    data = json.dumps(assignment.student).encode() if data is None else data
    return grader(assignment).grade(submission(data, name=f"{assignment.name}.ipynb"))


def functions(assignment):
    return [question for question in assignment.questions if isinstance(question, Function)]


def by_kind(assignment, question):
    """What other variants answer, without those of them that are a typical mistake; and the typical mistakes."""
    others = grader(assignment)._others(question.name)
    mistakes = [answers for _, answers in grader(assignment)._mistakes(question.name)]
    as_arrays = [{i: np.asarray(value) for i, value in enumerate(answers)} for _, answers in others]
    foreign = [answers for answers in as_arrays if not any(same(wrong, answers) for wrong in mistakes)]
    return [list(answers.values()) for answers in foreign], mistakes


def page(result):
    return str(pages.feedback(A1, submission(b""), result))


# Typical mistakes, and other editions.


@pytest.mark.parametrize("assignment", [A1, A2], ids=lambda assignment: assignment.name)
def test_any_two_typical_mistakes_keep_both_parts(assignment, monkeypatch):
    mistakes = [(question, by_kind(assignment, question)[1]) for question in functions(assignment)]
    for (first, wrong_first), (second, wrong_second) in itertools.combinations(mistakes, 2):
        for wrong in itertools.product(wrong_first, wrong_second):
            result = graded(monkeypatch, None, assignment, **dict(zip((first.name, second.name), wrong, strict=True)))
            for question in (first, second):
                assert result["marks"][question.name]["points"] == 0.4 * question.points
            assert result["to_instructor"] == []


def test_a_typical_mistake_beside_another_wrong_answer_keeps_its_part(monkeypatch):
    """Beside any answer of another variant, such as the average instead of the maximum, and beside all mistakes."""
    typical = {question.name: by_kind(A1, question)[1][0] for question in functions(A1)}
    assert points(graded(monkeypatch, **typical)) == {name: most and 0.4 * most for name, most in ALL.items()}
    for question in functions(A1):
        for foreign in by_kind(A1, question)[0][:3]:
            result = graded(monkeypatch, **typical | {question.name: foreign})
            assert points(result)[question.name] == 0 and result["to_instructor"] == []
            assert all(points(result)[name] == 0.4 * ALL[name] for name in typical if name != question.name)


def test_two_answers_of_another_edition_earn_no_part_for_any_mistake_and_the_page_says_the_rule(monkeypatch):
    first, second, third, *_ = functions(A1)
    answers = {question.name: by_kind(A1, question)[0][0] for question in (first, second)}
    result = graded(monkeypatch, **answers, **{third.name: by_kind(A1, third)[1][0]})
    assert points(result) == ALL | dict.fromkeys((first.name, second.name, third.name), 0)
    assert result["to_instructor"] == [f"{first.name}, {second.name}: right for one and the same other edition."]
    assert "It earns no part: two answers or more fit another edition" in page(result)
    assert result["to_instructor"][0] not in page(result)
    for assignment in (A1, A2):
        assert re.search(r"only exception: .*\*another\* edition", json.dumps(assignment.student))


def test_the_solution_of_another_edition_earns_no_part(monkeypatch):
    """Ten others are tried. In about one of 750, all questions but one are the same or a typical mistake away."""
    for number in range(10):
        there = Assignment("A1", f"secret {number}".encode() if number else None)
        answers = {}
        for question in functions(A1):
            with np.errstate(all="ignore"):
                answers[question.name] = _answers(there, question)
        result = graded(monkeypatch, **{name: given for name, given in answers.items() if given})
        earned = {name: mark for name, mark in result["marks"].items() if 0 < (mark["points"] or 0) < ALL[name]}
        assert not earned and result["to_instructor"], (there.drawn, earned)


def _answers(there, question):
    try:
        return [there.solutions[question.name](*copy.deepcopy(given)) for _, given in A1.cases(question)[0]]
    except Exception:
        return [np.zeros(7)] * 5


@pytest.mark.parametrize("name", ["A1", "A2", "A3"])
def test_no_question_is_drawn_among_typical_mistakes_alone(name):
    """Where every other variant was a typical mistake, nobody could tell a slip from another edition's answer."""
    for key in (None, KEY, OTHER_KEY):
        assignment = Assignment(name, key)
        for question in functions(assignment):
            foreign, mistakes = by_kind(assignment, question)
            assert foreign, question.name
            named = {mistake.choice for mistake in question.mistakes if isinstance(mistake, Mistake)} - {""}
            assert named <= set(question.choices) and len(mistakes) >= len(question.mistakes)


# Words.


HEDDA = "### 1. Padding\n\nFirst.\n\n### 2. `frames_seen`\n\nSecond.\n\n## 2. `conv3d` (20 points)\n\nThird."


def cells_with(answer, *, base=A1.student, cell="in-words-answer"):
    changed = copy.deepcopy(base)
    next(found for found in changed["cells"] if found["id"] == cell)["source"] = answer
    return collector.read_notebook(json.dumps(changed).encode())


def test_headings_of_an_answer_that_name_questions_are_part_of_it():
    """Also in cells of their own, and if the heading is copied as it was handed out."""
    for answer in (HEDDA, HEDDA.replace("\n\n##", "\n##")):
        found = collector.pieces(cells_with(answer), A1.form)
        text = collector.in_words(found, "in_words")
        assert [word for word in text.split() if word.endswith(".") and word[0].isalpha()] == [
            "First.",
            "Second.",
            "Third.",
        ]
        assert {piece.question for piece in found} == {"in_words"} and "### 2. `frames_seen`" in text
    split = [("markdown", part) for part in HEDDA.split("\n\n")]
    cells = cells_with("")
    at = next(i for i, (_, text) in enumerate(cells) if text.startswith("## 7."))
    found = collector.pieces([*cells[: at + 1], *split, *cells[at + 1 :]], A1.form)
    assert "Second." in collector.in_words(found, "in_words") and {piece.question for piece in found} == {"in_words"}


def test_a_heading_that_was_handed_out_ends_an_answer_and_so_does_another_question_in_words():
    cells = cells_with("Mine.\n\n### `why_seeing`, too\n\nThe other.", base=A2.student, cell="why-blind-answer")
    at = next(i for i, (_, text) in enumerate(cells) if text.startswith("## 4."))
    found = collector.pieces([*cells[: at + 1], ("markdown", "Of the model."), *cells[at + 1 :]], A2.form)
    assert [(piece.question, piece.text.split("\n")[-1]) for piece in found] == [
        ("why_blind", "Mine."),
        ("why_seeing", "The other."),
        ("see", "Of the model."),
    ]


def result(words="So.", **more):
    marks = {
        question.name: {
            **{"points": ALL[question.name], "of": question.points, "lines": [], "checks": [], "least": 0, "hints": []}
        }
        for question in A1.questions
    }
    return {"marks": marks, "notes": [], "written": {"in_words": words}, "code": {}, "key": 40 * "0"} | more


def person(name="ada", number="7", system="moodle"):
    return Submission(name, system, number, False, {})


def rows(path):
    return list(csv.DictReader(io.StringIO(path.read_text("utf-8-sig"), newline="")))


def run(folder, *graded_students):
    """What a run of the command does with the tables, once all are graded."""
    graded = [(student, copy.deepcopy(of)) for student, of in graded_students]
    table = tables.read(folder / "written.csv", "student")
    written.add(table, written.points(table, A1), graded)
    reports.write_all(folder, A1, graded, table)
    return {student.student: of for student, of in graded}


def fill_in(folder, **cells):
    table = rows(folder / "written.csv")
    tables.write(folder / "written.csv", list(table[0]), [list((row | cells).values()) for row in table])


def test_points_for_words_that_have_changed_are_missing_until_they_are_given_again(tmp_path, capsys):
    run(tmp_path, (person(), result("Old words.")))
    fill_in(tmp_path, in_words="20", comment="Well said.")
    assert run(tmp_path, (person(), result("Old  words.")))["ada"]["marks"]["in_words"]["points"] == 20
    for _ in range(2):  # and as long as nobody has looked
        changed = run(tmp_path, (person(), result("New words.")))["ada"]
        (row,) = rows(tmp_path / "written.csv")
        assert changed["marks"]["in_words"]["points"] is None and row["in_words"] == ""
        assert row["look"] == "in_words: the words have changed since you marked them (you gave 20)"
        assert [note["note"] for note in rows(tmp_path / "notes.csv")] == [row["look"]]
        assert "Well said." not in page(changed) and row["comment"] == "Well said."
    assert "Their words have changed since you marked them: ada" in "\n".join(
        command._left_to_do([(person(), changed)], {})
    )
    fill_in(tmp_path, in_words="20")
    assert run(tmp_path, (person(), result("New words.")))["ada"]["marks"]["in_words"]["points"] == 20
    assert rows(tmp_path / "written.csv")[0]["look"] == "" and not (tmp_path / "notes.csv").exists()


def test_a_table_that_was_still_open_does_not_bring_old_points_back(tmp_path):
    run(tmp_path, (person(), result("", written={})))  # not to be read
    fill_in(tmp_path, in_words="0")
    still_open = (tmp_path / "written.csv").read_bytes()
    for _ in range(2):
        assert run(tmp_path, (person(), result("Words.")))["ada"]["marks"]["in_words"]["points"] is None
        (tmp_path / "written.csv").write_bytes(still_open)


def test_a_comment_reaches_the_student_and_is_text(tmp_path):
    run(tmp_path, (person(), result()), (person("bob", "8"), result()))
    fill_in(tmp_path, comment="Step <2> is missing; see page 3")
    assert "Step &lt;2&gt; is missing; see page 3" in page(run(tmp_path, (person(), result()))["ada"])
    assert "comment" not in page(result())


def test_written_html_has_an_anchor_for_each_student_the_rubric_and_the_code(tmp_path):
    code = {"conv3d": "def conv3d(clip, kernel):\n    return '<b>'", "output_shape": "x = 1"}
    graded = [(person("Zoë", "8"), result(code=code)), (person("no words", "9"), result(""))]
    shown = pages.answers(A1, [*graded, (person("broken", "10"), result(written={}))])
    assert '<a href="#in_words-moodle-8">Zoë</a>' in shown and '<h3 id="in_words-moodle-8">Zoë</h3>' in shown
    assert "Rubric. Padding, 7 points" in shown
    assert "  2      return &#x27;&lt;b&gt;&#x27;" in shown and "x = 1" not in shown, "the code that is asked about"
    assert "Blank below its heading: no words." in shown and "Not read, see notes.csv: broken." in shown
    for assignment in (A1, A2, Assignment("A3", KEY)):
        for question in (question for question in assignment.questions if isinstance(question, Written)):
            assert assignment.rubric(question.name).startswith("Rubric. ")
            assert set(question.about) <= {other.name for other in assignment.questions}


# Tables that people fill in.


def download(folder, *students):
    for name, number in students:
        path = folder / f"{name}_{number}_assignsubmission_file_"
        path.mkdir(parents=True)
        (path / "A1.ipynb").write_bytes(notebook())
    return folder


def refused(folder, capsys):
    (folder / "secret").write_bytes(KEY)
    with pytest.raises(SystemExit):
        command.main(["A1", str(folder / "all"), "--secret", str(folder / "secret"), "--out", str(folder / "out")])
    return capsys.readouterr().err


def test_a_row_by_a_name_that_two_students_have_is_refused_and_named(tmp_path, capsys):
    """A namesake who hands in late would else take a decision away from the student it was made for."""
    submissions = collect(download(tmp_path / "all", ("Jo Wu", 3), ("Jo Wu", 7), ("Ada", 9)), "A1")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "written.csv").write_text("student,id,in_words\nJo Wu,,20\nJo Wu (3),moodle 3,\n")
    lines = ["student,id,question,what,value,reason", "Jo Wu,,,late,10%,", "Ada,,,group,Jo Wu,", ",moodle 7,,extra,2,"]
    (tmp_path / "out" / "overrides.csv").write_text("\n".join(lines))
    message = refused(tmp_path, capsys)
    for row in ("written.csv, row 2", "overrides.csv, row 2", "overrides.csv, row 3"):
        assert f"{row}: two students have this name, Jo Wu; use the id: moodle 3 or moodle 7" in message
    assert "Nothing was graded or written" in message and "row 4" not in message
    assert not written.ambiguous("x", 2, "Ada", submissions) and not written.ambiguous("x", 2, "Jo", submissions)


def test_all_that_is_wrong_with_both_tables_is_said_at_once_with_its_rows(tmp_path, capsys):
    download(tmp_path / "all", ("Ada", 9))
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "written.csv").write_text("student,in_words\nAda,26\n\nBob,eleven\nEve,7\n")
    (tmp_path / "out" / "overrides.csv").write_text("student,what,value\nAda,bonus,1\nAda,late,ten\nAda,extra,1\n")
    message = refused(tmp_path, capsys)
    for line in (
        "written.csv, row 2: in_words of Ada must be a number from 0 to 25, not '26'",
        "written.csv, row 4: in_words of Bob must be a number from 0 to 25, not 'eleven'",
        "overrides.csv, row 2: what must be one of",
        "overrides.csv, row 3: value must be a number, not 'ten'",
    ):
        assert line in message
    assert "row 5" not in message and "overrides.csv, row 4" not in message


def test_every_table_sorts_students_alike(tmp_path):
    names = ["Zoë", "_SUM(A1)", "İpek", "eve", "Ipa", "Éloïse", "王"]
    wanted = ["Éloïse", "eve", "Ipa", "İpek", "_SUM(A1)", "Zoë", "王"]
    submissions = collect(download(tmp_path / "all", *((name, i) for i, name in enumerate(names))), "A1")
    assert [found.student for found in submissions] == wanted == sorted(names, key=order)
    for part in ("grades.csv", "written.csv"):
        run(tmp_path, *((found, result()) for found in submissions))
        assert [row["student"] for row in rows(tmp_path / part)] == wanted
    marked = [(found, result()) for found in submissions]
    uploads.note_upload(tmp_path, marked)
    for _, of in marked:
        of["marks"]["conv3d"]["points"] = 1
    assert [row[0] for row in uploads.changes(tmp_path, marked)] == wanted


def test_submissions_of_the_same_bytes_count_one_by_one(tmp_path):
    submissions = collect(download(tmp_path / "all", ("Ada", 1), ("Bob", 2), ("Eve", 3)), "A1")

    class Fake:
        assignment = A1
        key = staticmethod(lambda submission: "same" * 10)
        grade = staticmethod(lambda submission: result())

    assert command.grade_all(Fake, submissions, tmp_path, 1)[1] == 3
    assert command.grade_all(Fake, submissions, tmp_path, 1)[1] == 0


# Pages.


def decided(tmp_path, *lines, of):
    (tmp_path / "overrides.csv").write_text("\n".join(["student,question,what,value", *lines]))
    ((_, changed),), _ = overrides.apply(overrides.read(tmp_path / "overrides.csv", A1), [(person(), of)])
    return changed


def test_an_excused_student_sees_no_zeros_and_none_count_in_means(tmp_path):
    empty = result("")
    for mark in empty["marks"].values():
        mark |= {"points": mark["points"] and 0, "lines": ["inputs 1 to 5: it is not written yet"]}
    changed = decided(tmp_path, "ada,,excused,", of=empty)
    shown = page(changed)
    assert "to be marked" not in shown and "not written yet" not in shown and not re.search(r">0 of|<td>0</td>", shown)
    reports.write_all(tmp_path, A1, [(person(), changed), (person("bob", "8"), result())])
    (ada, _) = rows(tmp_path / "grades.csv")
    assert {value for name, value in ada.items() if name not in ("student", "missing")} == {"excused"}
    assert ada["missing"] == "" and {row["marked"] for row in rows(tmp_path / "questions.csv")} == {"1"}
    assert not (tmp_path / "notes.csv").exists()


def test_inputs_are_numbered_whether_they_agree_or_not_and_wanted_shapes_are_there(monkeypatch):
    cases, right = grader().cases["to_batch"]
    wrong = [np.zeros((1, 2)) if i in (1, 3) else value for i, value in enumerate(right)]
    lines = graded(monkeypatch, to_batch=wrong)["marks"]["to_batch"]["lines"]
    assert [line.partition(",")[0] for line in lines] == [f"input {number}" for number in range(1, 6)]
    assert lines[1] == f"input 2, {cases[1][0]}: the shape is (1, 2), wanted is {right[1].shape}"
    assert graded(monkeypatch)["marks"]["to_batch"]["lines"] == ["inputs 1 to 5: right"]
    mistake = by_kind(A1, A1.questions[0])[1][0]
    (line,) = graded(monkeypatch, to_batch=mistake)["marks"]["to_batch"]["lines"]
    assert line.startswith("inputs 1 to 5: a typical mistake: the padding")


def test_a_dropped_input_is_mentioned_where_it_was_graded_alone(tmp_path):
    there, unread = result(), result(written={})
    there["marks"]["conv3d"]["checks"] = [["x", 1.0, 1.0]] * 5
    unread["marks"] = {name: mark | {"points": None} for name, mark in unread["marks"].items()}
    assert "changes" in decided(tmp_path, "*,conv3d 3,weight,0", of=there)
    assert "changes" not in decided(tmp_path, "*,conv3d 3,weight,0", of=unread)


def test_the_machines_lines_do_not_contradict_points_that_a_person_gave(tmp_path):
    renamed = result()
    renamed["marks"]["conv3d"] |= {
        "points": 0,
        "hints": [collector.no_function("conv_3d")],
        "lines": ["inputs 1 to 5: x"],
    }
    assert "no function" in page(renamed)
    changed = decided(tmp_path, "ada,conv3d,points,20", of=copy.deepcopy(renamed))
    assert "no function" not in page(changed) and "conv3d: 20 of 20" in page(changed)
    assert "no function" in page(decided(tmp_path, "ada,conv3d,points,0", of=renamed))


def test_what_cannot_be_read_is_neither_blank_nor_zero_and_counts_in_no_mean(tmp_path, monkeypatch):
    unread = graded(monkeypatch, b"")
    assert points(unread) == dict.fromkeys(ALL) and unread["written"] == {}
    broken, fine = (person("broken", "1"), unread), (person("fine", "2"), result())
    run(tmp_path, broken, fine)
    row, _ = rows(tmp_path / "grades.csv")
    assert [row[name] for name in (*QUESTIONS, "total")] == [""] * 8 and row["missing"] == " ".join(QUESTIONS)
    assert {row["marked"] for row in rows(tmp_path / "questions.csv")} == {"1"}
    (note,) = rows(tmp_path / "notes.csv")
    assert note["note"] == "not graded: look: the notebook: it is not a notebook: not JSON"
    assert "Not graded, look: broken" in "\n".join(command._left_to_do([broken, fine], {}))
    assert "Blank below its heading: nobody." in (tmp_path / "written.html").read_text("utf-8")
    assert "to_batch" not in rows(tmp_path / "written.csv")[0], "there is nothing to mark, but a file to ask for"
    assert totals.text(decided(tmp_path, "ada,,points,0", of=unread)) == "0"


def test_another_assignment_is_said_to_be_one(monkeypatch):
    handed_in = graded(monkeypatch, json.dumps(A2.student).encode())
    assert handed_in["notes"] == ["not graded: look: the notebook: it is A2, not A1"] and handed_in["another_edition"]
    assert points(handed_in) == dict.fromkeys(ALL)
    cells = collector.read_notebook(json.dumps(A2.student).encode())
    assert "- the notebook: it is A2, not A1" in collector.report(cells, A1.form, [])
    assert not collector.other_assignment(collector.read_notebook(notebook()), "A1")


def test_renamed_functions_and_code_in_cells_that_are_not_run_are_named_for_the_instructor(tmp_path, monkeypatch):
    left = runs()
    left.answers = {key: value for key, value in left.answers.items() if key[0] not in ("conv3d", "frames_seen")}
    left.take([({"missing": "conv3d", "like": "conv_3d"}, None)], ())
    left.ended["frames_seen"] = "it is not written yet"
    monkeypatch.setattr(Grader, "_run", lambda *_: left)
    tried = {"frames-seen-try": "# Not graded: for yourself.\ndef frames_seen(layers):\n    return 1"}
    handed_in = grader().grade(submission(notebook(tried)))
    run(tmp_path, (person(), handed_in))
    assert [row["note"] for row in rows(tmp_path / "notes.csv")] == [
        "conv3d: the notebook defines no function of this name, is conv_3d meant?",
        "frames_seen: code cell 10 defines it, but begins with # Not graded, so it is not run",
    ]
    assert collector.like("conv3d", {"conv_3d": len, "np": 1, "causal_conv": len}) == "conv_3d"


def test_cells_have_the_numbers_that_a_student_sees_and_the_line_is_quoted():
    cells = [
        ("markdown", "Text."),
        ("code", "a = 1"),
        ("code", " "),
        ("code", "# Not graded"),
        ("code", "b = 2\nb.c()"),
    ]
    assert [label for label, _ in collector.graded(cells)] == ["code cell 1", "code cell 3"]
    left = grade._Runs({}, dict(collector.graded(cells)))
    left.end("code cell 3, line 2", "AttributeError: c", None, passed_over="")
    left.end("code cell 3, line 7", "forged", None)
    assert left.notes == [
        "Code cell 3: AttributeError: c (line 2: b.c()).",
        "Code cell 3: forged (line 7). It was passed over.",
    ]


# Questions for five minutes, and the solution's own words.


def test_no_line_is_to_be_left_out_that_only_crashes():
    for assignment in (A1, Assignment("A1")):
        for cell in assignment.solution["cells"]:
            for question in (
                question for question in functions(assignment) if f"def {question.name}(" in cell["source"]
            ):
                for line in oral.may_go(cell["source"]):
                    lines = cell["source"].splitlines()
                    lines[line - 1] = ""
                    names = {"np": np}
                    exec("\n".join(lines), names)
                    assert any(_runs(names[question.name], given) for _, given in assignment.cases(question)[0]), line
                asked = oral.page(
                    assignment, [(person(), result(code={question.name: "def f(x):\n    y = x\n    return y"}))], 1
                )
                assert "Leave line" not in asked


def _runs(function, given):
    try:
        function(*copy.deepcopy(given))
    except Exception:
        return False
    return True


def test_the_words_of_the_solution_quote_its_code_and_its_numbers_are_right():
    for key in (None, KEY, *(b"%d" % number for number in range(12))):
        assignment = Assignment("A1", key)
        words = next(cell["source"] for cell in assignment.solution["cells"] if cell["id"] == "in-words-answer")
        code = "\n".join(cell["source"] for cell in assignment.solution["cells"] if cell["cell_type"] == "code")
        lines = re.findall(r"The line `(.*?)` in", words)
        assert len(lines) == 2 and all(line in code for line in lines)
        seen = assignment.solutions["frames_seen"]
        layers = ((3, 2, 1), (2, 1, 2), (3, 1, 1))
        assert f" = {seen(layers)}, and its stride" in words and f"So the answer is {seen(layers)}." in words
        twice = int(re.search(r"the answer is then (\d+)", words)[1])
        assert 1.9 < twice / seen(layers) < 2.3
        assert not re.search(r"frames \d+(?! ?\d*,)", words), "one frame is not frames"
        shown = re.search(r"answer is `(\[\[.*?\]\])`, and this one gives `(\[\[.*?\]\])`", words)
        assert shown[1] != shown[2]
