"""Make the book's fonts: of each, the few characters that its pages show.

Run by `make fonts`, after the book is built. The icons come from the theme, the font of the formulas from the PyPI
package ziamath, which has the whole of STIX Two Math.
"""

import re
import sys
import unicodedata
from html import unescape
from importlib.util import find_spec
from pathlib import Path

from fontTools import subset
from fontTools.ttLib import TTFont

ROOT = Path(__file__).resolve().parents[1]
FONTS = ROOT / "book" / "fonts"
ALWAYS = "".join(map(chr, range(0x20, 0x7F))) + "√"  # the root sign stands in no text: an element draws it
THEME_FONTS = "theme/pydata_sphinx_theme/static/vendor/fontawesome/*/webfonts"
ONCE_PUBLISHED = "\uf09b\uf0eb\uf013\uf135"  # what the theme shows once the repository has an address


def icons(html):
    """Collect the icons that the pages of a built book can show, those that its style sheet names; a set of str."""
    css = (html / "_static" / "book.css").read_text("utf-8")
    named = (chr(int(code, 16)) for code in re.findall(r"\\([ef][0-9a-f]{3})\b", css))
    return {*named, *re.findall("[\ue000-\uf8ff]", css)}


def italic(letter):
    """Return the italic letter that a browser draws for an identifier of one letter, or the letter if there is none."""
    if letter == "h":
        return "\N{PLANCK CONSTANT}"
    name = unicodedata.name(letter).removeprefix("LATIN ").removeprefix("GREEK ").replace(" LETTER", "")
    try:
        return unicodedata.lookup(f"MATHEMATICAL ITALIC {name}")
    except KeyError:
        return letter


def is_letter(text):
    """Say whether an identifier is a single letter, which a browser makes italic."""
    return len(text) == 1 and text.isalpha()


def characters(html):
    """Collect what the formulas of a built book show, a set of str."""
    found = set()
    for page in html.rglob("*.html"):
        for math in re.findall(r"(?s)<math.*?</math>", page.read_text("utf-8")):
            found.update(*map(unescape, re.findall(r">([^<]+)<", math)))
            found.update(map(italic, filter(is_letter, map(unescape, re.findall(r"<mi>([^<]+)</mi>", math)))))
    return {character for character in found if not character.isspace()}


def held(file):
    """Return the characters that one of the book's fonts holds, a set of str."""
    with TTFont(FONTS / file) as font:
        return set(map(chr, font.getBestCmap()))


def write(source, file, wanted, name, features=()):
    """Write the part of a font that holds some characters, under a name of its own, as the fonts' licences ask."""
    options = subset.Options(layout_features=list(features), hinting=False, name_IDs=[0, 13, 14], notdef_outline=True)
    font = TTFont(source, recalcTimestamp=False)
    part = subset.Subsetter(options)
    part.populate(text="".join(wanted))
    part.subset(font)
    for number in (1, 4, 6):
        font["name"].setName(name.replace(" ", "") if number == 6 else name, number, 3, 1, 0x409)
    font.flavor = "woff"
    font.save(FONTS / file)
    print(f"{file}: {len(held(file))} characters, {(FONTS / file).stat().st_size} bytes")


def main(html=ROOT / "_build" / "html"):
    """Write the three fonts."""
    theme = next(Path(find_spec("pydata_sphinx_theme").origin).parent.glob(THEME_FONTS))
    shown = icons(html).union(ONCE_PUBLISHED)
    write(theme / "fa-solid-900.ttf", "icons.woff", shown, "Frames in Time Icons")
    write(theme / "fa-brands-400.ttf", "brands.woff", shown, "Frames in Time Brands")
    stix = Path(find_spec("ziamath").origin).parent / "fonts" / "STIXTwoMath-Regular.ttf"
    write(stix, "formulas.woff", characters(html).union(ALWAYS), "Frames in Time Formulas", features=["ssty"])


if __name__ == "__main__":
    sys.exit(main())
