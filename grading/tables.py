"""Tables as spreadsheets write and read them: CSV, whatever separates the columns, with decimal points or commas."""

import csv
import io
import os
import re
from pathlib import Path

FORMULA = re.compile(r"^([=+\-@\t\r])")
DECIMAL = re.compile(r"-?\d+\.\d+")


def read(path, column):
    """Read a table; nothing if there is none.

    Parameters
    ----------
    path : Path
    column : str
        The column that has to be there.

    Returns
    -------
    list of dict
        A row each, text by the name of its column.

    Raises
    ------
    ValueError
        If it is no table, or has no such column.
    """
    if not path.exists():
        return []
    data = path.read_bytes()
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("cp1252", "replace")  # what spreadsheets write where they do not write UTF-8
    head = text.partition("\n")[0].strip()
    table = csv.DictReader(io.StringIO(text, newline=""), delimiter=max(",;\t", key=head.count), restval="")
    if column not in (table.fieldnames or ()):
        raise ValueError(f"{path}: the first row must name the columns, and {column} must be one, not {head!r}")
    try:
        rows = list(table)
    except csv.Error as error:
        raise ValueError(f"{path} is not a table that can be read: {error}") from None
    for row in rows:
        if None in row:
            raise ValueError(f"{path}: the row of {row[column]} has more columns than the first row")
    return rows


def number(text):
    """Return a number that somebody typed, with a decimal point or comma; None if it is none.

    Examples
    --------
    >>> number(" 7,5 "), number("-2"), number("ten"), number("nan")
    (7.5, -2.0, None, None)
    """
    try:
        value = float(text.strip().replace(",", "."))
    except ValueError:
        return None
    return value if abs(value) < 1e9 else None  # no nan, no infinity


def write(path, head, rows, semicolons=None):
    """Write a table.

    Parameters
    ----------
    path : Path
    head : list of str
    rows : list of list of str
    semicolons : bool, optional
        For a spreadsheet, with a mark of the encoding: True for one that expects semicolons and decimal commas. If it
        is not given the table is for another program: commas, decimal points and no mark.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n", delimiter=";" if semicolons else ",")
    writer.writerow(head)
    writer.writerows([_with_comma(cell) for cell in row] if semicolons else row for row in rows)
    write_file(path, ("" if semicolons is None else "\ufeff") + text.getvalue())


def _with_comma(cell):
    return cell.replace(".", ",") if DECIMAL.fullmatch(cell) else cell


def cell(text):
    """Return a stranger's text as one that no spreadsheet takes for a formula, whatever separates its columns."""
    return FORMULA.sub(r"'\1", text.replace(";", ","))


def write_file(path, content, mode=0o600):
    """Write a file, text or bytes, whole or not at all, which nobody else can read."""
    path = Path(path)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    unfinished = path.with_name(path.name + ".unfinished")
    unfinished.unlink(missing_ok=True)
    unfinished.touch(mode)
    unfinished.write_bytes(content if isinstance(content, bytes) else content.encode())
    os.replace(unfinished, path)
