"""One style sheet for the book: those of the theme and the extensions in a row, without the rules that nothing uses.

A rule is used if the pages and the scripts hold each class, id and element that its selector names. Of a script every
word counts, so whatever a script may add to a page keeps its rules.
"""

import re
from base64 import b64encode
from functools import partial
from pathlib import Path

import tinycss2

BOOK, FORMULAS = "book.css", "formulas.css"
THEME = ("basic.css", "styles/bootstrap.css", "styles/pydata-sphinx-theme.css", "vendor/fontawesome/*/css/all.min.css")
FONTS = Path(__file__).parents[1] / "fonts"
ICONS = {  # family: weight, file
    "Font Awesome 6 Free": (900, "icons.woff"),
    "Font Awesome 5 Free": (900, "icons.woff"),
    "Font Awesome 6 Brands": (400, "brands.woff"),
}


def font_face(family, weight, file):
    """Write a font into a rule, so that text never waits for it or moves when it comes; str, CSS."""
    data = b64encode((FONTS / file).read_bytes()).decode()
    source = f"url(data:font/woff;base64,{data}) format('woff')"
    return f"@font-face {{ font-family: '{family}'; font-weight: {weight}; src: {source}; }}\n"


def names(pages, scripts):
    """Collect what a selector may name, a set of str: classes, ids and elements of the pages, words of the scripts."""
    found = set()
    for page in pages:
        for element, value in re.findall(r"<([a-z][\w-]*)|\s(?:class|id)=[\"']([^\"']*)", page):
            found.update([element], value.split())
        scripts = [*scripts, *re.findall(r"(?s)<script[^>]*>(.+?)</script>", page)]
    return found.union(*(re.findall(r"[a-zA-Z][\w-]*", script) for script in set(scripts)))


def is_used(selector, known):
    """Say whether all that a selector names is known; what stands in brackets and parentheses is not looked at."""
    before = None
    for token in selector:
        named = token.type == "hash" or (token.type == "ident" and before != ":")
        if named and token.value not in known:
            return False
        before = token.value if token.type == "literal" else None
    return True


def selectors(prelude):
    """Yield the selectors of a rule, a list of tokens each."""
    part = []
    for token in prelude:
        if token == ",":
            yield part
            part = []
        else:
            part.append(token)
    yield part


def keep_used(rules, known):
    """Write the rules whose selectors are used; str, CSS. Fonts are left out: the book has its own."""
    written = []
    for rule in rules:
        if rule.type == "qualified-rule":
            kept = [tinycss2.serialize(part).strip() for part in selectors(rule.prelude) if is_used(part, known)]
            if kept:
                written.append(f"{','.join(kept)}{{{tinycss2.serialize(rule.content).strip()}}}\n")
        elif rule.type == "at-rule" and rule.lower_at_keyword in ("media", "supports"):
            within = keep_used(tinycss2.parse_blocks_contents(rule.content, skip_whitespace=True), known)
            if within:
                written.append(f"@{rule.at_keyword}{tinycss2.serialize(rule.prelude)}{{\n{within}}}\n")
        elif rule.type == "at-rule" and rule.lower_at_keyword not in ("charset", "font-face", "import"):
            written.append(f"{rule.serialize()}\n")
    return "".join(written)


def slim(css, known):
    """Leave out of a style sheet comments, the rules that nothing uses and the animations that these had; str."""
    plain = re.sub(r"\s+", " ", re.sub(r"(?s)/\*.*?\*/", " ", css))
    lines = keep_used(tinycss2.parse_stylesheet(plain, skip_whitespace=True), known).splitlines(keepends=True)
    rules = "".join(line for line in lines if "@keyframes" not in line and "-keyframes" not in line)
    return rules + "".join(line for line in lines if line.startswith("@keyframes") and line.split()[1] in rules)


def link(sheets, app, pagename, templatename, context, doctree):
    """Note which sheets a page asks for, and link none but that of the formulas, where there are any.

    That of the book stands in book/_templates/static/webpack-macros.html.
    """
    sheets.update({sheet.filename: sheet.priority for sheet in context["css_files"]})
    context["css_files"].clear()  # Sphinx has a copy for the next page
    if "<math" in context.get("body", ""):
        app.add_css_file(FORMULAS)


def write_formulas(app):
    """Put the style sheet that is the formulas' font among the built pages."""
    if app.builder.format == "html":
        static = Path(app.outdir) / "_static"
        static.mkdir(parents=True, exist_ok=True)
        (static / FORMULAS).write_text(font_face("STIX Two Math", 400, "formulas.woff"), "utf-8")


def write_book(sheets, app, exception):
    """Write the book's style sheet after all pages."""
    if exception or not sheets:  # no page was written
        return
    out = Path(app.outdir)
    static = out / "_static"
    pages = [page.read_text("utf-8") for page in sorted(out.rglob("*.html")) if static not in page.parents]
    loaded = set(re.findall(r'<script[^>]* src="[./]*([^"?]+)', "".join(pages)))
    known = names(pages, [(out / script).read_text("utf-8") for script in loaded if script != "searchindex.js"])
    files = [next(static.glob(name)) for name in THEME]
    files += [out / name for name in sorted(sheets, key=sheets.get) if not str(name).endswith(FORMULAS)]
    css = "".join(file.read_text("utf-8") for file in files)
    fonts = "".join(font_face(family, *icons) for family, icons in ICONS.items())
    (static / BOOK).write_text(fonts + slim(css, known), "utf-8")


def setup(app):
    """Register with Sphinx."""
    sheets = {}  # the priority of each by its name
    app.connect("builder-inited", write_formulas)
    app.connect("html-page-context", partial(link, sheets), priority=950)  # after all that ask for a style sheet
    app.connect("build-finished", partial(write_book, sheets), priority=900)  # after the theme wrote colours of code
    return {"parallel_read_safe": True, "parallel_write_safe": False}
