"""What goes back to Canvas and Moodle: marks, pages in one zip; and what has changed since the last upload, and why."""

import io
import json
import zipfile

from . import pages, tables
from .reports import write_or_remove
from .totals import most, number, text, total
from .written import rows_of

UPLOADED = "uploaded.json"


def write_all(folder, assignment, graded, upload=True, semicolons=False):
    """Write the files for uploading, and take away those of an earlier run that this one has nothing for.

    Parameters
    ----------
    folder : Path
    assignment : Assignment
    graded : list of (Submission, result)
    upload : bool
        Whether to write what Canvas and Moodle take.
    semicolons : bool
        As in `reports.write_all`; it is for what people read. Canvas and Moodle get commas and decimal points.

    Returns
    -------
    list of str
        Names of the files.
    """
    known = [(submission, result) for submission, result in graded if upload and not submission.problem]
    wanted = {
        "canvas.csv": (["Student", "ID", "Section", assignment.name], _canvas(known)),
        "moodle.csv": (["Identifier", "Full name", "Grade", "Last modified (grade)"], _moodle(known)),
    }
    names = write_or_remove(folder, wanted)
    for system in ("canvas", "moodle"):
        path, pairs = folder / f"feedback_{system}.zip", [pair for pair in known if pair[0].system == system]
        if pairs:
            tables.write_file(path, feedback_zip(assignment, pairs))
            names.append(path.name)
        else:
            path.unlink(missing_ok=True)
    wanted = {"changes.csv": (["student", "question", "uploaded", "now", "why"], changes(folder, graded))}
    return names + write_or_remove(folder, wanted, semicolons)


def _canvas(graded):
    """Return the rows that Canvas reads: by the ID; EX is excused. Anonymous students have no ID."""
    return [
        [submission.student, submission.id, "", "EX" if result.get("excused") else text(result)]
        for submission, result in graded
        if submission.system == "canvas" and submission.id.isdigit()
    ]


def _moodle(graded):
    """Return the rows that Moodle reads: by the number; it passes over what is empty, or more than the most."""
    return [
        [
            f"Participant {submission.id}",
            submission.student,
            number(None if total(result) is None else min(total(result), most(result))),
            "-",
        ]
        for submission, result in graded
        if submission.system == "moodle" and not result.get("excused")
    ]


def feedback_zip(assignment, graded):
    """Return a zip of students' pages, as bytes, under names by which their system gives each to its student."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for submission, result in graded:
            title, body = pages.feedback(assignment, submission, result)
            moodle = submission.system == "moodle"
            front = submission.front or (f"{submission.student}_{submission.id}_assignsubmission_file_" * moodle)
            if front:  # Canvas takes nothing for those who handed in nothing
                info = zipfile.ZipInfo(f"{front}{assignment.name}.{'html' if moodle else 'ipynb'}")
                info.external_attr = 0o100644 << 16
                info.compress_type = zipfile.ZIP_DEFLATED
                archive.writestr(info, pages.page(title, *body) if moodle else pages.as_notebook(title, body))
    return packed.getvalue()


def note_upload(folder, graded):
    """Keep what was uploaded, for the next run to be compared with."""
    tables.write_file(folder / UPLOADED, json.dumps(_state(graded), indent=1) + "\n")


def _state(graded):
    """Return all marks, and what they depend on, by the student's id."""
    return {
        rows_of(submission)[0][1]: {
            "student": submission.student,
            "points": {name: number(mark["points"]) for name, mark in result["marks"].items()}
            | {"total": text(result)},
            "by hand": {name: number(points) for name, points in result.get("by_hand", {}).items()},
            "decided": result.get("changes", []),
            "file": result.get("key", "")[:20],
            "grader": result.get("key", "")[20:],
        }
        for submission, result in graded
    }


def changes(folder, graded):
    """Return the rows of what has changed since `note_upload`; none if there was no upload."""
    try:
        before = json.loads((folder / UPLOADED).read_text("utf-8"))
    except FileNotFoundError:
        return []
    now, rows = _state(graded), []
    for identity in sorted({*before, *now}, key=lambda identity: (before | now)[identity]["student"].casefold()):
        old, new = before.get(identity), now.get(identity)
        names = (new or old)["points"]
        for name in names:
            points = [side["points"].get(name, "") if side else "" for side in (old, new)]
            if points[0] != points[1]:
                rows.append([(new or old)["student"], name, *points, _why(old, new, name)])
    return rows


def _why(old, new, name):
    """Say why a mark is another one."""
    if not old or not new:
        return "was not in the last upload" if new else "there is no submission here"
    counted = [name] if name != "total" else list(new["points"])
    reasons = [line for line in new["decided"] if line not in old["decided"]]
    reasons += [f"no longer: {line}" for line in old["decided"] if line not in new["decided"]]
    others = tuple(f"{other}{mark}" for other in new["points"] if name not in (other, "total") for mark in ":,")
    reasons = [f"overrides.csv: {line}" for line in reasons if not line.removeprefix("no longer: ").startswith(others)]
    reasons += ["written.csv"] * any(old["by hand"].get(key) != new["by hand"].get(key) for key in counted)
    reasons += ["another file"] * (old["file"] != new["file"])
    reasons += ["another version of the grader or of the assignment"] * (old["grader"] != new["grader"])
    return "; ".join(reasons) or "graded again"
