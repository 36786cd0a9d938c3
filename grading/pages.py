"""The pages that people read: single files without scripts and pictures, in which all that a stranger wrote is text."""

import json
from html import escape

from .questions import Written
from .totals import missing, most, number, points, so_far
from .written import rows_of

PAGE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark; }}
body {{ font: 1rem/1.6 system-ui, sans-serif; max-width: 46rem; margin: 2rem auto; padding: 0 1rem; }}
table {{ border-collapse: collapse; }}
th, td {{ text-align: left; padding: .3rem 1.2rem .3rem 0; border-bottom: 1px solid #8888; font-weight: normal; }}
td {{ font-variant-numeric: tabular-nums; }}
.sum > * {{ font-weight: bold; border-bottom: 0; }}
h1 {{ line-height: 1.2; }}
h2 {{ font-size: 1.15rem; margin: 2rem 0 .3rem; }}
ul, ol {{ margin: .3rem 0; padding-left: 1.6rem; }}
li, p, blockquote {{ overflow-wrap: anywhere; }}
blockquote {{ margin: .5rem 0; padding-left: 1rem; border-left: 3px solid #8888; white-space: pre-wrap; }}
pre {{ overflow-x: auto; padding: .6rem; border: 1px solid #8888; }}
</style>
</head>
<body>
<main>
{body}
</main>
</body>
</html>
"""


def page(title, *parts):
    """Return a page; its parts are HTML, its title is text."""
    return PAGE.format(title=escape(title), body="\n".join([f"<h1>{escape(title)}</h1>", *parts]))


def items(lines):
    """Return lines of text as a list, nothing if there are none."""
    return f"<ul>{''.join(f'<li>{escape(line)}</li>' for line in lines)}</ul>" if lines else ""


def quoted(text):
    """Return what a student wrote, nothing if it is nothing."""
    return f"<blockquote>{escape(text)}</blockquote>" if text else ""


def numbered(code):
    """Return code with the numbers of its lines."""
    return f"<pre>{escape(chr(10).join(f'{n:3}  {line}' for n, line in enumerate(code.splitlines(), 1)))}</pre>"


def feedback(assignment, submission, result):
    """Return a student's page, or what is in it, without its frame: (title, body)."""
    rows, parts = [], []
    for name, mark in result["marks"].items():
        nothing = "to be marked" if name in result["written"] else "not graded"
        reached, of = points(result, mark) or nothing, number(mark["of"])
        rows.append(f'<tr><th scope="row">{escape(name)}</th><td>{reached}</td><td>{of}</td></tr>')
        if reached != "excused":
            answer = quoted(result["written"].get(name))
            parts.append(f"<h2>{escape(name)}: {reached} of {of}</h2>\n{items(found(result, name))}{answer}")
    together = number(so_far(result)) + (f" so far, without {', '.join(missing(result))}" if missing(result) else "")
    together = "excused" if result.get("excused") else together
    rows.append(f'<tr class="sum"><th scope="row">together</th><td>{together}</td><td>{number(most(result))}</td></tr>')
    head = '<thead><tr><th scope="col">question</th><th scope="col">points</th><th scope="col">of</th></tr></thead>'
    body = [f"<table>{head}<tbody>{''.join(rows)}</tbody></table>"]
    for title, lines in (
        ("Decided by your instructor", result.get("changes", ())),
        ("Your instructor's comment", [result["comment"]] if result.get("comment") else ()),
        ("Notes", notes(submission, result)),
    ):
        body += [f"<h2>{title}</h2>\n{items(lines)}"] * bool(lines)
    body += [*parts, f"<p>Graded as edition {assignment.edition}.</p>"]
    return f"{assignment.name}: {submission.student}", body


def as_notebook(title, body):
    """Return a page as a notebook of one cell, since Canvas gives it the name of what was handed in."""
    source = "\n".join([f"<h1>{escape(title)}</h1>", *body])
    cell = {"cell_type": "markdown", "id": "feedback", "metadata": {}, "source": source}
    return json.dumps({"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}, indent=1) + "\n"


def found(result, name):
    """Return the lines on one question; none where a person gave points, and the machine's lines are not why."""
    mark = result["marks"][name]
    if mark["points"] and (mark.get("decided") or name in result.get("by_hand", ())):
        return []
    return [*(hint for hint in mark.get("hints", ()) if hint not in str(mark["lines"])), *mark["lines"]]


def notes(submission, result):
    """Return the lines on a whole submission."""
    late = ["Handed in late, says Canvas."] if submission.late else []
    looks = [
        f"{name}: {line}"
        for name, mark in result["marks"].items()
        for line in (found(result, name) and mark.get("hints")) or found(result, name)[: name in missing(result)]
        if name not in result["written"] and points(result, mark) != "excused"
    ]
    return [*late, *result["notes"], *looks]


def answers(assignment, graded):
    """Return a page with what all students wrote, question by question, for whoever marks it."""
    parts = ["<p>Give points in <code>written.csv</code>, by the rubric; then run the grader again.</p>"]
    for question in (question for question in assignment.questions if isinstance(question, Written)):
        name, read = question.name, [pair for pair in graded if question.name in pair[1]["written"]]
        wrote = [(submission, result) for submission, result in read if result["written"][name]]
        anchors = [escape(f"{name} {rows_of(submission)[0][1]}".replace(" ", "-")) for submission, _ in wrote]
        links = (f'<a href="#{a}">{escape(pair[0].student)}</a>' for a, pair in zip(anchors, wrote, strict=True))
        parts += [f'<h2 id="{name}">{escape(name)} (of {question.points})</h2>', quoted(assignment.rubric(name))]
        parts.append(f"<p>{', '.join(links)}</p>")
        for anchor, (submission, result) in zip(anchors, wrote, strict=True):
            code = [(about, result.get("code", {}).get(about)) for about in question.about]
            code = "".join(f"<p>{escape(about)}:</p>{numbered(text)}" for about, text in code if text)
            parts += [f'<h3 id="{anchor}">{escape(submission.student)}</h3>', quoted(result["written"][name])]
            parts += [f"<details><summary>The code that it is about</summary>{code}</details>"] * bool(code)
        for title, pairs in (
            ("Blank below its heading", [pair for pair in read if pair not in wrote]),
            ("Not read, see notes.csv", [pair for pair in graded if pair not in read]),
        ):
            parts.append(f"<p>{title}: {escape(', '.join(pair[0].student for pair in pairs)) or 'nobody'}.</p>")
    parts.append(
        "<h2>Elsewhere in the notebook</h2>\n<p>Everything else that is a student's own, with the question whose "
        "heading stands before it. It may contain an answer.</p>"
    )
    for submission, result in graded:
        pieces = "".join(
            f"<p>{escape(place or 'before all questions')}:</p><blockquote>{escape(text)}</blockquote>"
            for place, text in result.get("elsewhere", ())
        )
        parts += [f"<details><summary>{escape(submission.student)}</summary>{pieces}</details>"] * bool(pieces)
    return page(f"{assignment.name}: what was written", *parts)
