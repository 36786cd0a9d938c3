"""Changes that students make to a notebook. Each returns a new one, and fails if there is nothing to change."""

import copy
import hashlib
import io
import json
import textwrap
import zipfile


def as_file(notebook, name="A1.ipynb"):
    return {name: as_bytes(notebook)}


def as_bytes(notebook):
    return json.dumps(notebook, ensure_ascii=False, indent=1).encode()


def zipped(files):
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return data.getvalue()


def text(source):
    """Return a source that is indented in this file as it stands in a cell."""
    return textwrap.dedent(source).strip()


def code(source, outputs=()):
    cell = _cell("code", source)
    return cell | {"outputs": list(outputs), "execution_count": 1 if outputs else None}


def markdown(source, **others):
    return _cell("markdown", source) | others


def raw(source):
    return _cell("raw", source)


def _cell(kind, source):
    name = hashlib.sha256(f"{kind} {source}".encode()).hexdigest()[:8]
    return {"cell_type": kind, "id": name, "metadata": {}, "source": source}


def source(notebook, name):
    """Return the source of the cell that has this id."""
    return notebook["cells"][_index(notebook, name)]["source"]


def write(notebook, name, new):
    """Write something else into a cell."""
    return replace(notebook, name, notebook["cells"][_index(notebook, name)] | {"source": new})


def edit(notebook, name, old, new):
    """Change a passage of a cell."""
    return write(notebook, name, exchange(source(notebook, name), old, new))


def exchange(given, old, new):
    if old not in given:
        raise ValueError(f"given must hold {old!r}, and is {given!r}")
    return given.replace(old, new)


def replace(notebook, name, *cells):
    """Put other cells, or none, into a cell's place."""
    index = _index(notebook, name)
    changed = copy.deepcopy(notebook)
    changed["cells"][index : index + 1] = cells
    return changed


def before(notebook, name, *cells):
    return replace(notebook, name, *cells, notebook["cells"][_index(notebook, name)])


def after(notebook, name, *cells):
    return replace(notebook, name, notebook["cells"][_index(notebook, name)], *cells)


def _index(notebook, name):
    return [cell["id"] for cell in notebook["cells"]].index(name)


def without_ids(notebook, minor):
    """Save in a version that has no ids."""
    changed = copy.deepcopy(notebook) | {"nbformat_minor": minor}
    for cell in changed["cells"]:
        del cell["id"]
    return changed


def in_lines(notebook):
    """Save each source as a list of lines, as most software does."""
    changed = copy.deepcopy(notebook)
    for cell in changed["cells"]:
        cell["source"] = cell["source"].splitlines(keepends=True)
    return changed


def executed(notebook, printed="ran\n"):
    """Number the code cells and give each an output."""
    changed = copy.deepcopy(notebook)
    cells = [cell for cell in changed["cells"] if cell["cell_type"] == "code"]
    for number, cell in enumerate(cells, 1):
        cell["execution_count"] = number
        cell["outputs"] = [{"output_type": "stream", "name": "stdout", "text": [printed]}]
    return changed
