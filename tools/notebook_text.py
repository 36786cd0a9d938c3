"""Print a notebook as text, so that `git diff` of one can be read.

Standard library only: git runs it as ``python3 tools/notebook_text.py FILE`` once the line in contributing/notebooks.md
has switched it on. Each cell appears with its kind and id, each output in a few lines, each picture as its alternative
text.
"""

import json
import re
import sys
from contextlib import suppress
from pathlib import Path

LINES, COLUMNS = 10, 400  # of an output; what is beyond is left out
GLUED = "application/papermill.record/text/plain"


def notebook_text(notebook):
    r"""Return a notebook (a dict, as its JSON has it) as text.

    Examples
    --------
    >>> output = {"output_type": "stream", "name": "stdout", "text": ["7\n"]}
    >>> cell = {"cell_type": "code", "id": "sum", "source": ["print(3 + 4)"], "metadata": {}, "outputs": [output]}
    >>> print(notebook_text({"cells": [cell], "metadata": {}}))
    ── code sum
    print(3 + 4)
    ── output, stdout
    7
    """
    parts = []
    for cell in notebook["cells"]:
        tags = "".join(f" #{tag}" for tag in cell["metadata"].get("tags", []))
        parts.append(f"── {cell['cell_type']} {cell.get('id', '')}{tags}\n{_joined(cell['source'])}")
        outputs = cell.get("outputs", [])
        parts.extend(output_text(output) for output in outputs if not _glued(output))
        numbers = [_glued(output) for output in outputs if _glued(output)]
        if numbers:  # one heading for all of them: a lesson stores a hundred and more
            parts.append("\n".join(["── glued", *numbers]))
    run = notebook["metadata"].get("frames_in_time")
    if run:
        parts.append(f"── run\n{', '.join(f'{key} {value}' for key, value in run.items())}")
    return "\n".join(parts)


def output_text(output):
    """Return one output of a code cell as text: its kind, and the first lines of what it shows."""
    if output["output_type"] == "stream":
        return _told(output["name"], output["text"])
    if output["output_type"] == "error":
        return _told("error", f"{output['ename']}: {output['evalue']}")
    data, metadata = output["data"], output.get("metadata", {})
    for kind in data:
        if kind.startswith("image/"):
            return _told("picture", metadata.get(kind, {}).get("alt") or "without alternative text")
    if "text/plain" in data:
        return _told("text", data["text/plain"])
    if "text/html" in data:
        return _told("HTML", re.sub(r"(<[^>]*>|\s)+", " ", _joined(data["text/html"])).strip())
    return _told(", ".join(data), "")


def _glued(output):
    """Return a number that the lesson stored for its chapter, as ``name = value``; None if the output is another."""
    value = output.get("data", {}).get(GLUED)
    if value is None:
        return None
    value = _joined(value)
    with suppress(ValueError):
        value = f"{float(value):.6g}" if "." in value else value
    return f"{output['metadata']['scrapbook']['name']} = {value}"


def _joined(text):
    """Return a text that JSON may hold as a list of lines."""
    return text if isinstance(text, str) else "".join(text)


def _told(kind, text):
    lines = _joined(text).rstrip().splitlines()
    shown = [line if len(line) <= COLUMNS else f"{line[:COLUMNS]} ..." for line in lines[:LINES]]
    if len(lines) > LINES:
        shown.append(f"... and {len(lines) - LINES} lines more")
    return "\n".join([f"── output, {kind}", *shown])


def main(path):
    """Print the notebook at ``path``; whatever is none, such as a file with marks of a conflict, as it is."""
    text = Path(path).read_text("utf-8", errors="replace")
    with suppress(ValueError, KeyError, TypeError, AttributeError):  # git would show nothing if this failed
        text = notebook_text(json.loads(text))
    sys.stdout.buffer.write(f"{text}\n".encode())


if __name__ == "__main__":
    main(sys.argv[1])
