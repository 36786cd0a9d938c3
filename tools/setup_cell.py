"""Write each notebook's setup cell and Colab badge, from the one address and the one version, and its links.

The address stands in ``_config.yml`` (``repository: url:``), the version in ``seqlib/__init__.py``.
``python -m tools.setup_cell`` writes both into all notebooks; with an address as its argument it first puts that
address into ``_config.yml``, ``CITATION.cff`` and ``pyproject.toml``. While there is no address there is no badge.

The setup cell is also where a foreign ``seqlib`` is named. Our own package cannot do it, since it is not the one that
is imported then; and what runs from the repository's root (`tools`, `grading`, the tests) finds ours first.
"""

import re
import sys
from pathlib import Path

import nbformat

import seqlib
from tools import plumbing

ROOT = Path(__file__).resolve().parents[1]
ADDRESS = re.compile(r"(?m)^(repository:\n(?:  .*\n)*?  url: *)(\S*)(.*)$")
URLS = re.compile(r"(?m)^(dynamic = .*\n)(?:urls\..*\n)?")  # the address in pyproject.toml, or where it will stand
TAGS = ["setup", "hide-input"]
LINKS_TAG = "links"
BADGE_TAGS = ["badge", "remove-cell"]  # the book leaves the cell out: it has a button of its own

CELL = """\
# Setup, the same in every notebook. On Colab it fetches the course's helper
# package, and nothing else. Everywhere it checks that seqlib is that package:
# on the package index, another project has the name.
import sys
from importlib.machinery import PathFinder
from pathlib import Path

spec = PathFinder.find_spec("seqlib")
file = spec and spec.origin
ours = bool(file) and b"Frames in Time" in Path(file).read_bytes()

if "google.colab" in sys.modules:
    import subprocess
    from importlib.metadata import distributions

    VERSION = "{version}"
    WHEEL = "{wheel}"
    installed = distributions(name="frames-in-time")
    found = [package.version for package in installed if ours]
    if found != [VERSION] and WHEEL:
        pip = [sys.executable, "-m", "pip", "--quiet", "--no-input", "install"]
        alone = ["--no-index", "--no-deps", "--force-reinstall"]
        subprocess.check_call([*pip, *alone, "--root-user-action=ignore", WHEEL])
        ours = True
    elif found != [VERSION]:
        print("The course has no address yet: Colab cannot fetch its package.")

if spec and not ours:
    place = file or list(spec.submodule_search_locations)
    raise ImportError(
        f"The seqlib that Python finds here, {{place}}, is not this course's: an "
        "unrelated package has the same name. Run %pip uninstall -y seqlib, then "
        "restart the kernel and open the lessons as the course's README says."
    )
"""


def address(config):
    """Return the repository's address as ``_config.yml`` (its text) has it; empty while it is unset."""
    return ADDRESS.search(config)[2].strip("\"'")


def source(url, version=seqlib.__version__):
    """Return the setup cell's code for a repository at ``url`` (empty: unset).

    Examples
    --------
    >>> 'WHEEL = ""' in source("", "1.0")
    True
    >>> "https://example.org/a/b/releases/download/v1.0/frames_in_time-1.0-py3-none-any.whl" in source(
    ...     "https://example.org/a/b", "1.0"
    ... )
    True
    """
    wheel = f"{url}/releases/download/v{version}/frames_in_time-{version}-py3-none-any.whl" if url else ""
    return CELL.format(version=version, wheel=wheel).rstrip()


def write(notebook, url):
    """Make the setup cell the first code cell of a notebook (a NotebookNode, changed in place)."""
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    if code and "setup" in code[0].metadata.get("tags", []):
        cell = code[0]
    else:
        cell = nbformat.v4.new_code_cell(id="setup")
        notebook.cells.insert(1, cell)  # below the title
    cell.source, cell.metadata.tags = source(url), list(TAGS)
    cell.metadata.jupyter = {"source_hidden": True}


def colab_link(config, path):
    r"""Return the link that opens a notebook of the repository on Colab; "" without an address on GitHub.

    Examples
    --------
    >>> colab_link("repository:\n  url: https://github.com/a/b\n  branch: main", "notebooks/01.ipynb")
    'https://colab.research.google.com/github/a/b/blob/main/notebooks/01.ipynb'
    """
    place = re.fullmatch(r"https://github\.com/([\w.-]+/[\w.-]+)", address(config))
    branch = re.search(r"(?m)^  branch: *(\S+)", config)[1]
    return f"https://colab.research.google.com/github/{place[1]}/blob/{branch}/{path}" if place else ""


def write_badge(notebook, link):
    """Put a Colab badge with this link below a notebook's title, in the place of any other; none for ""."""
    notebook.cells = [cell for cell in notebook.cells if "badge" not in cell.metadata.get("tags", [])]
    if link:
        picture = "![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)"
        cell = nbformat.v4.new_markdown_cell(f"[{picture}]({link})", id="badge", metadata={"tags": list(BADGE_TAGS)})
        notebook.cells.insert(1, cell)


def write_links(notebook, path):
    """End a lesson in links to its chapter, the quiz and the exercises, in the place of any other such cell."""
    notebook.cells = [cell for cell in notebook.cells if LINKS_TAG not in cell.metadata.get("tags", [])]
    lesson = re.match(r"(\d+)b?_", Path(path).name)
    for chapter in (ROOT / "book").glob(f"{lesson[1]}_*.md") if lesson else ():
        page = f"../book/{chapter.name}"
        title = f"[chapter {int(lesson[1])}]({page})"
        text = f"Go on with the [quiz]({page}#quiz) and the [exercises]({page}#exercises) of {title}."
        cell = nbformat.v4.new_markdown_cell(text, id="links", metadata={"tags": [LINKS_TAG]})
        notebook.cells.append(cell)


def write_head(notebook, config, path):
    """Write what is the same in every notebook (changed in place), which stands at ``path`` in the repository."""
    write(notebook, address(config))
    write_badge(notebook, colab_link(config, path))
    write_links(notebook, path)
    plumbing.mark(notebook)


def set_address(url, root=ROOT):
    """Put the repository's address into ``_config.yml``, ``CITATION.cff`` and ``pyproject.toml``."""
    if url and (not re.fullmatch(r"https://[\w.-]+(/[\w.-]+)+", url) or url.endswith(".git")):
        raise SystemExit(f"URL must look like https://host/owner/name, with no slash or .git at its end, not {url!r}")
    config = root / "_config.yml"
    config.write_text(ADDRESS.sub(lambda found: f'{found[1]}"{url}"{found[3]}', config.read_text("utf-8")), "utf-8")
    citation = root / "CITATION.cff"
    lines = [line for line in citation.read_text("utf-8").splitlines() if not line.startswith("repository-code:")]
    citation.write_text("\n".join([*lines, *([f'repository-code: "{url}"'] if url else [])]) + "\n", "utf-8")
    project = root / "pyproject.toml"
    urls = f'urls.Repository = "{url}"\n' if url else ""
    project.write_text(URLS.sub(lambda found: found[1] + urls, project.read_text("utf-8")), "utf-8")


def main(arguments, root=ROOT):
    """Write the address, if one is given, the setup cell and badge of every notebook, and the cell of every master."""
    if arguments:
        set_address(arguments[0], root)
    config = (root / "_config.yml").read_text("utf-8")
    for path in sorted((root / "notebooks").glob("*.ipynb")):
        notebook = nbformat.read(path, as_version=4)
        write_head(notebook, config, path.relative_to(root).as_posix())
        nbformat.write(notebook, path)
        print(f"{path.name}: setup cell for {address(config) or 'an address that is not set yet'}")
    for path in sorted((root / "assignments").glob("*.ipynb")):  # masters: `make assignments` fills in the address
        notebook = nbformat.read(path, as_version=4)
        write(notebook, "")
        nbformat.write(notebook, path)


if __name__ == "__main__":
    main(sys.argv[1:])
