"""What points to the repository: its buttons, Colab's, and a link to report an error; none while it has no address."""

from urllib.parse import urlencode


def address(config):
    """Return the repository's address, or "" while nobody has published it; str."""
    return (config.html_theme_options.get("repository_url") or "").rstrip("/")


def add_buttons(app, config):
    """Ask the theme for its repository and Colab buttons, which it cannot make without an address."""
    if address(config):
        config.html_theme_options |= {"use_repository_button": True, "use_issues_button": True}
    if address(config).startswith("https://github.com/"):  # Colab opens notebooks from there alone
        config.html_theme_options["launch_buttons"] = {"colab_url": "https://colab.research.google.com"}


def add_report_link(app, pagename, templatename, context, doctree):
    """End each page that has a source with a link to report an error on it."""
    if doctree and address(app.config):
        link = f"{address(app.config)}/issues/new?{urlencode({'title': f'Error on the page {pagename}'})}"
        context["body"] += f'<p class="report-link">Found an error on this page? <a href="{link}">Report it</a>.</p>'


def setup(app):
    """Register with Sphinx."""
    app.connect("config-inited", add_buttons)
    app.connect("html-page-context", add_report_link)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
