"""The documents beside the book: they name what is there, and the package's page says what the package is."""

import ast
import re
import sys
import tomllib

import pytest
from sphinx_external_toc.parsing import parse_toc_yaml

import seqlib
from tools import setup_cell
from tools.notebooks import ROOT

GUIDES = sorted((ROOT / "contributing").glob("*.md"))
DOCUMENTS = [*(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")), *GUIDES]
README, CONTRIBUTING, CHANGELOG = (path.read_text("utf-8") for path in DOCUMENTS[:3])
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
PACKAGE_PAGE = PROJECT["readme"]["text"]
ADDRESS = setup_cell.address((ROOT / "_config.yml").read_text("utf-8"))


def file_name(path):
    return path.name


def place(heading):
    """The end of a heading's address, as GitHub makes it."""
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


@pytest.mark.parametrize("path", DOCUMENTS, ids=file_name)
def test_every_link_leads_to_a_file_and_to_a_heading_in_it(path):
    for link in re.findall(r"\]\(([^)\s]+)\)", path.read_text("utf-8")):
        name, _, heading = link.partition("#")
        target = path.parent / name
        assert "://" in link or target.is_file(), link
        if heading:
            headings = re.findall(r"(?m)^#+ (.*)$", target.read_text("utf-8"))
            assert heading in map(place, headings), link


def test_contributing_fits_on_a_screen_and_leads_to_every_guide():
    assert len(CONTRIBUTING.splitlines()) <= 45
    assert {path.name for path in GUIDES} == set(re.findall(r"\(contributing/([\w.]+)\)", CONTRIBUTING))


def test_the_readme_names_targets_and_folders_that_are_there():
    targets = re.findall(r"(?m)^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"))
    assert set(re.findall(r"(?m)(?:^|`)make ([a-z]+)", README)) <= set(targets)
    folders = re.findall(r"(?m)^\| `(\w+)/` \|", README)
    assert len(folders) >= 8 and all((ROOT / folder).is_dir() for folder in folders)


def test_the_changelog_has_this_version():
    assert re.search(rf"(?m)^## {re.escape(seqlib.__version__)}$", CHANGELOG)


# The package's page.


def test_the_package_page_promises_the_pythons_that_the_readme_promises():
    pythons = [name for name in PROJECT["classifiers"] if re.search(r"Python :: 3\.", name)]
    promised = re.findall(r"3\.\d+", re.search(r"Python (3\.\d+(?:(?:, | or )3\.\d+)*)", README)[1])
    assert pythons == [f"Programming Language :: Python :: {version}" for version in promised]
    assert PROJECT["requires-python"] == f">={promised[0]}"


def test_the_package_page_has_no_link_but_to_the_repository_once_that_has_an_address():
    assert "](" not in PACKAGE_PAGE and "http" not in PACKAGE_PAGE
    assert PROJECT.get("urls", {}) == ({"Repository": ADDRESS} if ADDRESS else {})


def test_the_example_of_the_package_page_runs(capsys):
    (example,) = re.findall(r"(?s)```python\n(.*?)```", PACKAGE_PAGE)
    quick = example.replace("n=2048", "n=32").replace("n=1000", "n=8").replace("epochs=10", "epochs=1")
    names = {}
    exec(quick, names)
    assert f"uint8 (2048, {', '.join(map(str, names['x'].shape[1:]))})" in example
    assert "of 8" in capsys.readouterr().out


# When Sphinx moves: the page names what the extensions and the style sheet lean on.

SPHINX_PAGE = (ROOT / "contributing" / "when_sphinx_moves.md").read_text("utf-8")
SPANS = " ".join(re.findall(r"`([^`]+)`", SPHINX_PAGE))  # its code
EXTENSIONS = sorted((ROOT / "book" / "_ext").glob("*.py"))
STATIC = ROOT / "book" / "_static"
OURS = {"seqlib", "matplotlib", *(path.stem for path in EXTENSIONS)}
HOSTS = {
    "app",
    "builder",
    "config",
    "env",
    "events",
    "inliner",
    "registry",
    "reporter",
    "self",
}  # whose names are theirs


def leaned_on(code):
    """What an extension's code takes from other packages, a set of str.

    What it imports or looks up by `find_spec`, the events it listens to, the attributes of what Sphinx hands to it
    (such as "registry.css_files"), the keys of a page's context, and strings that are private names.
    """
    tree, found = ast.parse(code), set()
    own = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    for node in ast.walk(tree):
        match node:
            case ast.Import():
                found |= {name.name for name in node.names}
            case ast.ImportFrom():
                found |= {f"{node.module}.{name.name}" for name in node.names}
            case ast.Call(func=ast.Name("find_spec"), args=[ast.Constant(name)]):
                found.add(name)
            case ast.Call(func=ast.Attribute(attr="connect"), args=[ast.Constant(event), *_]):
                found.add(event)
            case ast.Attribute(value=ast.Name(host) | ast.Attribute(attr=host)) if (
                host in HOSTS and node.attr not in own
            ):
                found.add(f"{host}.{node.attr}")
            case ast.Subscript(value=ast.Name("context"), slice=ast.Constant(key)):
                found.add(f'context["{key}"]')
            case ast.Constant(str(text)) if re.fullmatch(r"_[a-z]{2}\w*", text):
                found.add(text)
    return {name for name in found if name.split(".")[0] not in OURS | sys.stdlib_module_names}


def missing(names):
    """Which of some names no code on the page about Sphinx holds."""
    return {name for name in names if not re.search(rf"(?<![\w.]){re.escape(name)}(?!\w)", SPANS)}


@pytest.mark.parametrize("path", EXTENSIONS, ids=file_name)
def test_the_page_about_sphinx_names_an_extension_and_all_that_it_leans_on(path):
    names = leaned_on(path.read_text("utf-8"))
    assert names & {"app.connect", "app.add_directive", "app.add_html_math_renderer"}
    assert missing(names | {path.name}) == set()


def test_a_new_hook_is_found():
    code = """
import sphinx.jinja2glue
from docutils.writers import html5_polyglot
from seqlib import show

class A(B):
    def own(self):
        self.own(), self.env.app.tags.add("x"), self._secret, app.builder.templates
        app.connect("env-purge-doc", f), find_spec("sphinx_thebe"), context["sections"], getattr(x, "_type_")
"""
    assert leaned_on(code) == {
        *("sphinx.jinja2glue", "docutils.writers.html5_polyglot", "app.connect", "env-purge-doc", "sphinx_thebe"),
        *("self.env", "env.app", "app.tags", "self._secret", "app.builder", "builder.templates"),
        *('context["sections"]', "_type_"),
    }
    assert missing({"app.tags", "env.app"}) == {"app.tags"}


def test_the_page_about_sphinx_names_what_the_style_sheet_and_the_script_take_from_the_theme():
    style = re.sub(r"(?s)/\*.*?\*/", "", (STATIC / "style.css").read_text("utf-8"))
    selectors = " ".join(re.sub(r"(?s)\{[^{}]*\}", "{}", style).split())
    selectors += " ".join(
        re.findall(r'(?:each|querySelector(?:All)?)\("(.*?)"', (STATIC / "accessible.js").read_text("utf-8"))
    )
    classes = set(re.findall(r"\.([a-z][\w-]*)", re.sub(r'"[^"]*"', "", selectors)))
    ours = {
        "buttons",
        "ceiling",
        "drawing",
        "facts",
        "family",
        "folklore",
        "from-file",
        "from-lesson",
        "guide",
        "in-dark",
        "in-light",
        "js",
        "large",
        "level-0",
        "level-1",
        "level-2",
        "level-3",
        "level-4",
        "long",
        "matrix",
        "objectives",
        "predict",
        "prose",
        "question",
        "remember",
        "report-link",
        "scrolled",
        "search-dialog",
        "short",
        "sig-line",
        "stacked",
        "watchers",
        "wide",
        "with-picture",
    }
    theirs = {name for name in classes - ours if not re.match(r"(clip|live|quiz)\b", name)}
    assert {"bd-article", "toggle-hidden", "sidebar-primary-item"} <= theirs
    assert missing(theirs | set(re.findall(r"--pst-[\w-]+", style)) | set(re.findall(r"\\f\w{3}", style))) == set()


def test_the_first_page_says_how_many_hours_the_chapters_take():
    chapters = [path.read_text("utf-8") for path in sorted((ROOT / "book").glob("0?_*.md"))]
    lines = [re.search(r"(?s)\*\*(\d+ minutes to read.*?)You need", text)[1] for text in chapters]
    minutes = sum(int(number) for line in lines for number in re.findall(r"(\d+)(?= minutes| for )", line))
    (hours,) = re.findall(r"about (\d+) hours", (ROOT / "book" / "index.md").read_text("utf-8"))
    assert round(minutes / 60) == int(hours)


def test_every_test_that_the_page_about_sphinx_names_is_there():
    named = re.findall(r"`(test_\w+\.py)::(test_\w+)`", SPHINX_PAGE)
    assert len(named) > 10
    for file, name in named:
        assert f"def {name}(" in (ROOT / "tests" / file).read_text("utf-8"), name


def test_the_page_about_sphinx_gives_the_ranges_that_are_required():
    required = (ROOT / "requirements.txt").read_text("utf-8").splitlines()
    ranges = re.findall(r"(?m)^\| `([\w-]+)` \| `(.*?)` \|", SPHINX_PAGE)
    assert len(ranges) == 4 and all(package + versions in required for package, versions in ranges)


# What no other test would notice on the pages if a hook broke.


def test_the_api_page_leaves_out_what_a_namedtuple_says_of_its_fields(book):
    page = (book.html / "book" / "api.html").read_text("utf-8")
    assert "Wilson interval" in page and "Alias for field number" not in page


@pytest.fixture(scope="module")
def pages(book):
    """Each page's HTML by its name."""
    return {name: (book.html / f"{name}.html").read_text("utf-8") for name in parse_toc_yaml(ROOT / "_toc.yml")}


def test_every_figure_closes_its_caption(pages):
    assert any("<figcaption" in page for page in pages.values())
    for name, page in pages.items():
        tags = re.findall(r"</?fig(?:ure|caption)\b", page)
        assert "".join(tags).replace("<figcaption</figcaption", "").replace("<figure</figure", "") == "", name


def test_no_page_loads_the_icon_script_or_preloads(pages):
    for name, page in pages.items():
        assert "/book.css" in page and not re.search(r'all\.min\.js|rel="preload"', page), name
