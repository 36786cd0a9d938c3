"""Formulas as MathML, written when the book is built: a reader's browser draws them without a script."""

import re
import unicodedata
from functools import partial
from xml.etree import ElementTree

from docutils import nodes
from latex2mathml.converter import convert
from sphinx.util import logging
from sphinx.util.math import get_node_equation_number

logger = logging.getLogger(__name__)
NAMESPACE = "{http://www.w3.org/1998/Math/MathML}"
SCRIPTS = {"msub": 2, "msup": 2, "munder": 2, "mover": 2, "msubsup": 3, "munderover": 3}  # how many parts each has
PARTS = SCRIPTS | {"mfrac": 2, "mroot": 2}
ACCENTS = {"^": "\N{MODIFIER LETTER CIRCUMFLEX ACCENT}", "~": "\N{SMALL TILDE}"}  # lower, and not as wide
BRACES = "\N{TOP CURLY BRACKET}\N{BOTTOM CURLY BRACKET}"
THIN, MEDIUM = "0.1667em", "0.2222em"  # TeX's spaces
PRIME = "\N{PRIME}"
SPACES = {"/": "0", PRIME: "0", "·": MEDIUM, "⊙": MEDIUM}


def as_mathml(latex, display):
    """Convert LaTeX into MathML that carries the LaTeX as its text alternative.

    Parameters
    ----------
    latex : str
    display : "inline" or "block"

    Returns
    -------
    str

    Raises
    ------
    ValueError
        If any of it is not understood, or would be drawn wrongly.
    """
    latex = " ".join(latex.split())
    try:
        markup = convert(latex.replace("{aligned}", "{align*}"), display=display)  # it has no rows in ``aligned``
        math = ElementTree.fromstring(re.sub("&(?!#)", "&amp;", markup))
    except Exception as error:
        raise ValueError(f"cannot read the formula {latex}: {type(error).__name__} {error}") from error
    for element in math.iter():
        element.tag = element.tag.removeprefix(NAMESPACE)
    check(math, latex)
    repair(math)
    math.set("alttext", latex)
    math.set("xmlns", NAMESPACE.strip("{}"))
    return ElementTree.tostring(math, encoding="unicode")


def check(math, latex):
    """Refuse what latex2mathml passes on without a word: it takes what it does not know for an identifier."""
    unread = [part.text for part in math.iter("mi") if re.search(r"[\\&]", part.text or "")]
    if unread:
        raise ValueError(f"cannot read {', '.join(unread)} in the formula {latex}")
    braces = re.findall(r"(?<!\\)[{}]", latex)
    if braces.count("{") != braces.count("}") or any(len(part) < PARTS.get(part.tag, 0) for part in math.iter()):
        raise ValueError(f"something is missing in the formula {latex}")
    if math.find(".//mspace[@linebreak]") is not None:
        raise ValueError(rf"a formula of several lines needs \begin{{aligned}} ... \end{{aligned}}: {latex}")
    if any(part.text and part.text in BRACES for part in math.iter("mo")):
        raise ValueError(f"Chromium cuts braces above or below a formula off; write rows with words instead: {latex}")


def repair(math):
    """Set what TeX sets otherwise than a browser: signs, accents, primes, groups of digits, spaces."""
    for parent in list(math.iter()):
        for name in parent.findall("mo"):
            if (name.text or "").isalpha():  # \operatorname
                name.tag = "mi"
        for sign in parent.findall("mi"):
            if sign.text and unicodedata.category(sign.text[0]) == "Sm" and sign.text not in "∂∇∞":
                sign.tag = "mo"
        if parent.tag == "msubsup" and parent[2].text == PRIME:  # a browser would raise it twice
            base, lower, prime = parent
            prime.tag = "mo"
            whole = ElementTree.Element("mrow")
            whole.extend([base, prime])
            parent.tag, parent[:] = "msub", [whole, lower]
        if parent.tag == "mover" and parent[1].text in ACCENTS:
            parent.set("accent", "true")
            parent[1].text = ACCENTS[parent[1].text]
            parent[1].set("stretchy", "false")
        if parent.tag in SCRIPTS:
            for operator in (operator for script in parent[1:] for operator in script.iter("mo")):
                operator.attrib |= {"lspace": "0", "rspace": "0"}
        for sign in parent.findall("mo"):
            space = SPACES.get(sign.text) if len(parent) > 1 else "0"
            if space and "lspace" not in sign.attrib:
                sign.attrib |= {"lspace": space, "rspace": space}
        space_functions(parent)
        join_digits(parent)


def space_functions(parent):
    """Set a thin space between a function's name, such as log, and what is no operator beside it."""
    for place, element in reversed(list(enumerate(parent))):
        if element.tag == "mi" and len(element.text or "") > 1:
            if place + 1 < len(parent) and parent[place + 1].tag not in ("mo", "mspace"):
                parent.insert(place + 1, ElementTree.Element("mspace", width=THIN))
            if place and parent.tag in ("mrow", "mtd") and parent[place - 1].tag not in ("mo", "mspace"):
                parent.insert(place, ElementTree.Element("mspace", width=THIN))


def join_digits(parent):
    """Make one number of groups of digits, which LaTeX writes as 1{,}179{,}648."""
    place = 0
    while place + 2 < len(parent):
        before, comma, after = parent[place : place + 3]
        if before.tag == after.tag == "mn" and comma.tag == "mrow" and "".join(comma.itertext()) == ",":
            before.text += f",{after.text}"
            del parent[place + 1 : place + 3]
        else:
            place += 1


def visit(self, node, tag, display):
    """Write the formula in its element, with its number if it has one."""
    self.body.append(self.starttag(node, tag, "", CLASS="math notranslate nohighlight"))
    if node.get("number"):
        self.body.append(f'<span class="eqno">({get_node_equation_number(self, node)})')
        self.add_permalink_ref(node, "Link to this equation")
        self.body.append("</span>")
    try:
        self.body.append(as_mathml(node.astext(), display))
    except ValueError as error:
        logger.warning(error, location=node)
    self.body.append(f"</{tag}>")
    raise nodes.SkipNode


def keep_together(app, pagename, templatename, context, doctree):
    """Let no line end between a formula and the bracket or comma beside it: browsers would let it."""
    formula = r'<span class="math[^>]*><math(?:(?!</math>).)*</math></span>'
    if "<math" in context.get("body", ""):
        context["body"] = re.sub(
            rf"(?s)[(\[]{formula}[,.;:?!)]*|{formula}[,.;:?!)]+",
            r'<span class="text-nowrap">\g<0></span>',
            context["body"],
        )


def setup(app):
    """Register with Sphinx; `html_math_renderer` in _config.yml chooses it."""
    app.connect("html-page-context", keep_together)
    inline, block = partial(visit, tag="span", display="inline"), partial(visit, tag="div", display="block")
    app.add_html_math_renderer("mathml", (inline, None), (block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
