"""The record of where the course ran: `book/where_it_runs.json`, one row for each thing that passed.

``make colab``, ``make compatibility`` and ``make gpu`` write it, a page of the book shows it, and what is run the next
time is compared with it: a package that moved meanwhile is the first suspect.
"""

import json
from datetime import date

from tools import environments

FILE = environments.ROOT / "book" / "where_it_runs.json"
NOT_YET = {"08"}  # lessons, such as "07b", that `make compatibility` has not run yet; the page says so
NAMES = {
    "colab": ("freeze",),
    "compatibility": ("python", "versions"),
    "gpu": ("device",),
}  # what names a row of each table


def read():
    """Return the rows that there are, a dict of lists of dicts."""
    known = json.loads(FILE.read_text("utf-8")) if FILE.exists() else {}
    return {kind: known.get(kind, []) for kind in NAMES}


def name(kind, row):
    """Return what names a row; of a Python, the minor version alone."""
    return [".".join(row[part].split(".")[:2]) if part == "python" else row[part] for part in NAMES[kind]]


def moved(kind, row):
    """Say which packages differ from when this passed last (of Colab: from the newest that passed); a list of str."""
    rows = read()[kind]
    same = [known for known in rows if name(kind, known) == name(kind, row)] or (rows if kind == "colab" else [])
    then, now = max(same, key=lambda known: known["date"], default=row)["packages"], row["packages"]
    return environments.moved(then, {package: now[package] for package in then if package in now})


def add(kind, row):
    """Add lessons to a row of the record, if none of the packages that the course names has moved since.

    Else only a run of all lessons is kept.
    """
    named = {need.name for need in environments.needs()}
    known = next((known for known in read()[kind] if name(kind, known) == name(kind, row)), None)
    if known and all(row["packages"].get(package) == known["packages"].get(package) for package in named):
        lessons = sorted({*known["lessons"], *row["lessons"]})
        keep(kind, known | {"packages": row["packages"] | known["packages"], "lessons": lessons})


def keep(kind, row):
    """Write a row of something that passed, in the place of the one before."""
    table = read()
    others = [known for known in table[kind] if name(kind, known) != name(kind, row)]
    table[kind] = sorted([*others, {"date": date.today().isoformat(), **row}], key=lambda known: name(kind, known))
    lines = {kind: ",\n".join(map(json.dumps, rows)) for kind, rows in table.items()}
    FILE.write_text("{\n" + ",\n".join(f'"{kind}": [\n{rows}\n]' for kind, rows in lines.items()) + "\n}\n", "utf-8")
