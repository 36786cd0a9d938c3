"""The pages that people read: single files without scripts and pictures, in which all that a stranger wrote is text."""

import json
from html import escape

from .totals import missing, most, number, so_far

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


def items(lines, kind="ul"):
    """Return lines of text as a list, nothing if there are none."""
    return f"<{kind}>{''.join(f'<li>{escape(line)}</li>' for line in lines)}</{kind}>" if lines else ""


def feedback(assignment, submission, result):
    """Return a student's page, or what is in it, without its frame: (title, body)."""
    rows, parts = [], []
    for name, mark in result["marks"].items():
        points = "excused" if mark.get("excused") else number(mark["points"]) or "to be marked"
        of = number(mark["of"])
        rows.append(f'<tr><th scope="row">{escape(name)}</th><td>{points}</td><td>{of}</td></tr>')
        each = len(mark["lines"]) == len(mark.get("checks", ()))  # a line for each hidden input, in their order
        answer = f"<blockquote>{escape(result['written'][name])}</blockquote>" if result["written"].get(name) else ""
        parts.append(
            f"<h2>{escape(name)}: {points} of {of}</h2>\n{items(mark['lines'], 'ol' if each else 'ul')}{answer}"
        )
    together = number(so_far(result)) + (f" so far, without {', '.join(missing(result))}" if missing(result) else "")
    together = "excused" if result.get("excused") else together
    rows.append(f'<tr class="sum"><th scope="row">together</th><td>{together}</td><td>{number(most(result))}</td></tr>')
    head = '<thead><tr><th scope="col">question</th><th scope="col">points</th><th scope="col">of</th></tr></thead>'
    body = [f"<table>{head}<tbody>{''.join(rows)}</tbody></table>"]
    for title, lines in (
        ("Decided by your instructor", result.get("changes", ())),
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


def notes(submission, result):
    """Return the lines on a whole submission."""
    late = ["Handed in late, says Canvas."] if submission.late else []
    looks = [
        f"{name}: {result['marks'][name]['lines'][0]}"
        for name in missing(result)
        if name not in result["written"] and result["marks"][name]["lines"]
    ]
    return [*late, *result["notes"], *looks]


def answers(assignment, graded, in_words):
    """Return a page with what all students wrote, question by question, for whoever marks it."""
    most_points = {question.name: question.points for question in assignment.questions}
    parts = [
        "<p>Give points in <code>written.csv</code>, by the rubric in the notebook; then run the grader again.</p>"
    ]
    for name in in_words:
        parts.append(f"<h2>{escape(name)} (of {most_points[name]})</h2>")
        parts += [
            f"<h3>{escape(submission.student)}</h3><blockquote>{escape(result['written'][name])}</blockquote>"
            for submission, result in graded
            if result["written"].get(name)
        ]
        blank = [submission.student for submission, result in graded if not result["written"].get(name)]
        parts.append(f"<p>Blank below its heading: {escape(', '.join(blank)) or 'nobody'}.</p>")
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
