"""Keep the book within its own pages: nothing is fetched from elsewhere, and nothing is fetched in vain."""

from importlib.util import find_spec
from pathlib import Path

from sphinx.util.fileutil import copy_asset

MATHJAX = "tex-chtml.js"
MATHJAX_PARTS = (MATHJAX, "input/tex/extensions", "output/chtml/fonts")
THEME_SCRIPTS = "static/webpack-macros.html"


def configure(app, config):
    """Take MathJax from our own pages, and leave out the live-code and widget scripts, which come from a CDN."""
    config.mathjax_path = f"mathjax/{MATHJAX}"
    config.mathjax3_config = {"options": {"enableMenu": False}}  # most of the menu's entries would load more files
    config.nb_ipywidgets_js = {}
    app.registry.css_files[:] = [file for file in app.registry.css_files if file[0] != "sphinx-thebe.css"]
    for listeners in app.events.listeners.values():
        listeners[:] = [known for known in listeners if not known.handler.__module__.startswith("sphinx_thebe")]


def slim_theme(app, config):
    """Leave out the theme's icon script (1.4 MB; a font has the icons) and its preloads (refused on file://)."""
    theme = Path(find_spec("pydata_sphinx_theme").origin).parent / "theme" / "pydata_sphinx_theme"
    lines = (theme / THEME_SCRIPTS).read_text("utf-8").splitlines()
    kept = "\n".join(line for line in lines if 'rel="preload"' not in line and "all.min.js" not in line)
    template = Path(app.doctreedir) / "templates" / THEME_SCRIPTS
    if not template.exists() or template.read_text("utf-8") != kept:  # a newer template makes every page out of date
        template.parent.mkdir(parents=True, exist_ok=True)
        template.write_text(kept, "utf-8")
    config.templates_path.insert(0, str(template.parent.parent))


def copy_mathjax(app):
    """Copy what a page with math loads out of the PyPI package sphinx-mathjax-offline."""
    if app.builder.format != "html":
        return
    source = Path(find_spec("sphinx-mathjax-offline").origin).parent / "static" / "mathjax"
    target = Path(app.outdir) / "_static" / "mathjax"
    for part in MATHJAX_PARTS:
        if not (target / part).exists():
            folder = target / part if (source / part).is_dir() else (target / part).parent
            folder.mkdir(parents=True, exist_ok=True)
            copy_asset(source / part, folder)


def drop_unused_math(app, pagename, templatename, context, doctree):
    """Leave MathJax (1.2 MB) off a page without math; Sphinx loads it on every page above one that has some."""
    if 'class="math' not in context.get("body", ""):
        mathjax = f"_static/{app.config.mathjax_path}"
        context["script_files"] = [script for script in context["script_files"] if script.filename != mathjax]


def setup(app):
    """Register with Sphinx."""
    app.connect("config-inited", configure, priority=900)  # after those that set the same values
    app.connect("config-inited", slim_theme, priority=900)
    app.connect("builder-inited", copy_mathjax)
    app.connect("html-page-context", drop_unused_math, priority=900)  # after Sphinx has put it there
    return {"parallel_read_safe": True, "parallel_write_safe": True}
