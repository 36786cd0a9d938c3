"""Colab's published package lists, the project's own copies of them, and the command that renews those.

``make freezes`` fetches two from GitHub (googlecolab/backend-info): the runtime of today, and the newest of the past
runtimes that one can still choose. Only the pins are kept: what Colab installs from an address nobody else can.
"""

import re
import urllib.request
from datetime import date
from pathlib import Path
from typing import NamedTuple

from packaging.utils import canonicalize_name

FOLDER = Path(__file__).resolve().with_name("freezes")
SOURCE = "https://raw.githubusercontent.com/googlecolab/backend-info"
PIN = re.compile(r"(?m)^([\w.-]+)==(\S+)$")
VERSION = re.compile(r"\bPython (\d+\.\d+(?:\.\d+)?)")
PAST_RUNTIME = re.compile(r"(?s)^### (\d{4}\.\d{2})$.*?/tree/([0-9a-f]{40})", re.M)


class Freeze(NamedTuple):
    """One of Colab's package lists.

    Attributes
    ----------
    name : str
        Of its file: a date (2026-08-19) or, of a past runtime, a month (2026.07).
    python : str
        The version of its Python; "" if the file does not say.
    pins : dict
        Names, as the index writes them, and versions.
    """

    name: str
    python: str
    pins: dict


def read(path):
    """Return the freeze in a file: its pins, and the Python that a comment names."""
    text = Path(path).read_text("utf-8")
    python = VERSION.search("".join(re.findall(r"(?m)^#.*\n", text)))
    pins = {canonicalize_name(name): version for name, version in PIN.findall(text)}
    return Freeze(Path(path).stem.removeprefix("freeze-"), python[1] if python else "", pins)


def ours(folder=FOLDER):
    """List the project's own freeze files, the newest last."""
    return sorted(folder.glob("freeze-*.txt"), key=lambda path: path.stem.replace(".", "-"))


def published(source=SOURCE):
    """Fetch today's runtime and the newest past one; yields (name, text of a freeze file)."""

    def fetch(commit, name):
        with urllib.request.urlopen(f"{source}/{commit}/{name}", timeout=60) as answer:
            return answer.read().decode()

    def freeze(title, commit):
        python = VERSION.search(fetch(commit, "os-info.txt"))[1]
        pins = "".join(f"{name}=={version}\n" for name, version in PIN.findall(fetch(commit, "pip-freeze.txt")))
        return (
            f"# Colab's CPU runtime {title}: the == pins of pip-freeze.txt in GitHub googlecolab/backend-info "
            f"(packages installed from addresses left out). Python {python}\n{pins}"
        )

    today = date.today().isoformat()
    month, commit = PAST_RUNTIME.search(fetch("main", "README.md")).groups()
    yield today, freeze(f"of {today}", "main")
    yield month, freeze(month, commit)


def renew(folder=FOLDER, source=SOURCE):
    """Put what is published in the place of the project's own files; a file whose pins are the same stays."""
    known = ours(folder)
    keep = set()
    for name, text in published(source):
        same = [path for path in known if PIN.findall(path.read_text("utf-8")) == PIN.findall(text)]
        path = same[0] if same else folder / f"freeze-{name}.txt"
        if not same:
            path.write_text(text, "utf-8")
        keep.add(path)
        print(f"{path.name}: {'as it was' if same else 'new'}")
    for path in set(known) - keep:
        path.unlink()
        print(f"{path.name}: removed")


if __name__ == "__main__":
    renew()
