"""Set numbers and short sums as print does: powers of ten, minus signs, and nothing that a line's end would tear apart.

This is done to the finished page, so it holds for the tables that lessons show, too. Code stays as it is, but where it
is long, it may go on on the next sheet of paper.
"""

import re

KEPT = r"(?s)(<(?:pre|code|math|script|style|svg)\b.*?</(?:pre|code|math|script|style|svg)>|<[^>]*>)"
SPACE, MINUS, TIMES = "\N{NO-BREAK SPACE}", "\N{MINUS SIGN}", "\N{MULTIPLICATION SIGN}"
LONG = 24  # lines of code, a third of a sheet
SIGNS = rf"[{MINUS}{TIMES}·+=/<>≤≥]|&[lg]t;|//"


def power(number):
    """Write 5e-07 as a product with a power of ten, 1e-5 as the power alone; str, HTML."""
    factor, minus, exponent = number.groups()
    ten = f"10<sup>{MINUS if minus == '-' else ''}{exponent}</sup>"
    return ten if factor == "1" else f"{factor}{SPACE}{TIMES}{SPACE}{ten}"


RULES = (
    (re.compile(r"(?<![\w.])(\d+(?:\.\d+)?)e([-+]?)0*(\d+)\b"), power),
    (re.compile(r"\b\d{4}-\d\d-\d\d\b"), r'<span class="text-nowrap">\g<0></span>'),
    (re.compile(r"(?<![\w-])-(?=\d)|(?<=\w )-(?= \w)"), MINUS),
    (re.compile(rf"(?:^|(?<=[\w)\]}}])) (?=(?:{SIGNS}) )"), SPACE),  # no line begins with a sign
    (re.compile(rf"(?<=[\s{SPACE}])([{MINUS}{TIMES}·=/]|//) (?=\w{{1,3}}(?!\w))"), rf"\1{SPACE}"),
)


def set_text(html):
    """Apply the rules to a page's text outside of code, formulas, drawings and tags; str, HTML."""
    parts = re.split(KEPT, html)
    for place in range(0, len(parts), 2):
        for pattern, replacement in RULES:
            parts[place] = pattern.sub(replacement, parts[place])
    return "".join(parts)


def mark_long(html):
    """Give code of many lines the class ``long``; str, HTML."""

    def marked(code):
        return code[0].replace('"highlight"', '"highlight long"', 1) if code[0].count("\n") > LONG else code[0]

    return re.sub(r'(?s)<div class="highlight"><pre>.*?</pre>', marked, html)


def set_page(app, pagename, templatename, context, doctree):
    """Apply the rules to a page."""
    if app.builder.format == "html" and "body" in context:
        context["body"] = mark_long(set_text(context["body"]))


def setup(app):
    """Register with Sphinx."""
    app.connect("html-page-context", set_page, priority=600)  # after tables.py, which measures columns
    return {"parallel_read_safe": True, "parallel_write_safe": True}
