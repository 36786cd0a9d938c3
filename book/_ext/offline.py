"""Keep the book within its own pages: nothing is fetched from elsewhere, and no script keeps a page waiting."""


def configure(app, config):
    """Leave out the live-code and widget scripts, which come from other sites."""
    config.nb_ipywidgets_js = {}
    app.registry.css_files[:] = [file for file in app.registry.css_files if file[0] != "sphinx-thebe.css"]
    for listeners in app.events.listeners.values():
        listeners[:] = [known for known in listeners if not known.handler.__module__.startswith("sphinx_thebe")]


def defer_scripts(app, pagename, templatename, context, doctree):
    """Run each script once the page is there. The scripts below <body> are in book/_templates."""
    scripts = context["script_files"]
    for script in scripts:
        if script.filename:
            script.attributes["defer"] = "defer"
    # It would run before the script that makes what it sets, and only a switch of versions reads it.
    scripts[:] = [script for script in scripts if "OPTIONS.pagename" not in script.attributes.get("body", "")]


def setup(app):
    """Register with Sphinx."""
    app.connect("config-inited", configure, priority=900)  # after those that set the same values
    app.connect("html-page-context", defer_scripts, priority=900)  # after those that add some
    return {"parallel_read_safe": True, "parallel_write_safe": True}
