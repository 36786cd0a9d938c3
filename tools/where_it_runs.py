"""The record of where the course ran: `book/where_it_runs.json`, one row for each thing that passed.

``make colab``, ``make compatibility`` and ``make gpu`` write it, a page of the book shows it, and what is run the next
time is compared with it: a package that moved meanwhile is the first suspect.
"""

import json
from datetime import date

from tools import environments

FILE = environments.ROOT / "book" / "where_it_runs.json"
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
    same = [one for one in rows if name(kind, one) == name(kind, row)] or (rows if kind == "colab" else [])
    then, now = max(same, key=lambda one: one["date"], default=row)["packages"], row["packages"]
    return environments.moved(then, {package: now[package] for package in then if package in now})


def keep(kind, row):
    """Write a row of something that passed, in the place of the one before."""
    table = read()
    others = [one for one in table[kind] if name(kind, one) != name(kind, row)]
    table[kind] = sorted([*others, {"date": date.today().isoformat(), **row}], key=lambda one: name(kind, one))
    rows = {kind: ",\n".join(map(json.dumps, ones)) for kind, ones in table.items()}
    FILE.write_text("{\n" + ",\n".join(f'"{kind}": [\n{ones}\n]' for kind, ones in rows.items()) + "\n}\n", "utf-8")
