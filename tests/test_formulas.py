"""Formulas, from LaTeX to MathML, and their font."""

import subprocess
import sys
from xml.etree import ElementTree

import pytest
from fontTools.ttLib import TTFont

from tools.fonts import FONTS, ROOT, italic

sys.path.insert(0, str(ROOT / "book" / "_ext"))
import formulas
import style_sheet

MINUS = "\N{MINUS SIGN}"


def tags(latex):
    markup = formulas.as_mathml(latex, "block")
    return [element.tag.rpartition("}")[2] for element in ElementTree.fromstring(markup).iter()]


def test_a_formula_is_mathml_and_says_its_latex():
    markup = formulas.as_mathml('\\sqrt{a < b}\n\\text{ "and" }', "inline")
    math = ElementTree.fromstring(markup)
    assert math.tag.endswith("math") and math.get("display") == "inline"
    assert math.get("alttext") == '\\sqrt{a < b} \\text{ "and" }'
    assert "msqrt" in tags(r"\sqrt{2}")


def test_aligned_rows_are_a_table():
    assert tags(r"\begin{aligned} a &= b \\ c &= d \end{aligned}").count("mtr") == 2


@pytest.mark.parametrize(
    ("latex", "message"),
    [
        (r"x + \unknown{y}", r"cannot read \\unknown in the formula x \+"),
        (r"a &= b", "cannot read & in the formula"),
        (r"a = b \\ c = d", r"several lines needs \\begin\{aligned\}"),
        (r"\frac{a}", "something is missing in the formula"),
        (r"\begin{aligned} a", "cannot read the formula"),
        (r"{a", "something is missing in the formula"),
        (r"\underbrace{a + b}_{c}", "cuts braces above or below a formula off"),
    ],
)
def test_what_is_not_understood_is_refused(latex, message):
    with pytest.raises(ValueError, match=message):
        formulas.as_mathml(latex, "block")


@pytest.mark.parametrize(("formula", "code"), [(r"\tanh(x)", 0), (r"\unknown(x)", 2)])
def test_an_unknown_command_stops_the_build(tmp_path, formula, code):
    (tmp_path / "conf.py").write_text('extensions = ["formulas"]\nhtml_math_renderer = "mathml"\n')
    (tmp_path / "index.rst").write_text(f"Title\n=====\n\n:math:`{formula}`\n")
    build = "import sys; sys.path.insert(0, sys.argv.pop(1)); from sphinx.cmd.build import main; sys.exit(main())"
    command = [sys.executable, "-c", build, str(ROOT / "book" / "_ext"), "-W", "-q", tmp_path, tmp_path / "out"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == code, done.stderr
    assert not code or rf"cannot read \unknown in the formula {formula}" in done.stderr


def test_signs_are_set_as_tex_sets_them():
    def parts(latex):
        math = ElementTree.fromstring(formulas.as_mathml(latex, "inline"))
        return [(part.tag.rpartition("}")[2], part.text, part.get("lspace")) for part in math.iter() if part.text]

    assert ("mo", "±", None) in parts(r"a \pm b")
    assert parts("1/k")[1] == ("mo", "/", "0")
    assert ("mo", MINUS, "0") in parts("h_{t-1}") and ("mo", MINUS, None) in parts("t - 1")
    assert ("mn", "1,179,648", None) in parts("1{,}179{,}648")
    assert ("mi", "pool", None) in parts(r"\operatorname{pool}(x)")
    assert tags(r"\frac{1}{r} \log x").count("mspace") == 2 and "mspace" not in tags(r"\tanh(x)")
    assert tags("b'_h").count("msubsup") == 0


def test_a_formula_keeps_the_bracket_or_comma_beside_it():
    one, two, three = (f'<span class="math notranslate"><math>{letter}</math></span>' for letter in "abc")
    context = {"body": f"<p>{one} and {two}, so ({three} is)</p>"}
    formulas.keep_together(None, "", "", context, None)
    nowrap = '<span class="text-nowrap">'
    assert context["body"] == f"<p>{one} and {nowrap}{two},</span> so {nowrap}({three}</span> is)</p>"


# The font.


@pytest.fixture(scope="module")
def font():
    with TTFont(FONTS / "formulas.woff") as opened:
        yield opened


def test_the_font_has_the_root_sign_and_the_pieces_of_what_stretches(font):
    names = font.getBestCmap()
    variants = font["MATH"].table.MathVariants
    upright = dict(zip(variants.VertGlyphCoverage.glyphs, variants.VertGlyphConstruction, strict=True))
    for character in "√()[]{}|":
        stretched = upright[names[ord(character)]]
        assert len(stretched.MathGlyphVariantRecord) > 3 or stretched.GlyphAssembly, character
    assert font["MATH"].table.MathConstants.AxisHeight.Value


@pytest.mark.parametrize(
    ("letter", "drawn"),
    [("x", "\U0001d465"), ("h", "\u210e"), ("\u03c3", "\U0001d70e"), ("\u221e", "\u221e"), ("1", "1")],
)
def test_identifiers_of_one_letter_are_italic(letter, drawn):
    assert italic(letter) == drawn


def test_the_fonts_have_their_licence_beside_them_and_no_reserved_name():
    licence = (FONTS / "OFL.txt").read_text("utf-8")
    assert "SIL OPEN FONT LICENSE Version 1.1" in licence and "STIX" in licence and "Fonticons" in licence
    for path in FONTS.glob("*.woff"):
        with TTFont(path) as font:
            assert "Awesome" not in font["name"].getDebugName(1)


# The style sheet.

STYLE = """@charset "UTF-8"; /* a note */
.a .b, .a:not(.none) > p { color: red }
.c::before, #d[data-x="e"] { content: ".;" }
.none { animation: unused }
@media print { .a { color: blue } .none { color: red } @media (width < 9px) { .none p { top: 0 } } }
.a { animation: used 1s }
@font-face { font-family: "Elsewhere"; src: url(x.woff2) }
@keyframes used { from { top: 0 } }
@keyframes unused { from { top: 0 } }
table { top: 0 }
"""


def test_a_style_sheet_keeps_the_rules_that_are_used():
    known = style_sheet.names(['<p class="a"><i id="d">'], ['x.classList.add("c");'])
    kept = style_sheet.slim(STYLE, known).split("\n")
    assert [" ".join(line.split()) for line in kept if line.strip()] == [
        ".a:not(.none) > p{color: red}",
        '.c::before,#d[data-x="e"]{content: ".;"}',
        "@media print {",
        ".a{color: blue}",
        "}",
        ".a{animation: used 1s}",
        "@keyframes used { from { top: 0 } }",
    ]
