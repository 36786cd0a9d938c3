"""Give each picture of a page its width and height, so that nothing moves when it arrives, and load it when needed.

A plot, which a lesson stores as SVG, has a second file for the dark page. The style sheet shows one of the two.
"""

import re
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
from matplotlib.colors import to_hex, to_rgb
from PIL import Image

from seqlib.show import CELLS, FAMILIES, MARK

GROUND = "#121212"  # the theme's dark page
SAME = {MARK, *(look.colour for look in [*FAMILIES.values(), *CELLS.values()])}  # can be seen on either page


def luminance(linear):
    """Say how light a colour is, from 0 to 1; as WCAG defines it, of linear (R, G, B)."""
    return float(linear @ (0.2126, 0.7152, 0.0722))


def linear_rgb(colour):
    """Return a colour, as Matplotlib takes it, as linear (R, G, B)."""
    rgb = np.array(to_rgb(colour))
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


# White on `GROUND` has a contrast of 19 and black on white one of 21. So a contrast c becomes c ** KEPT.
KEPT = np.log(1.05 / (luminance(linear_rgb(GROUND)) + 0.05)) / np.log(21)


def turned(colour):
    """Return the colour of the dark page for one of a white page; str. White becomes `GROUND`, and black white.

    What was dark is light, and the contrast of any two colours stays nearly the same, so words can be read in the cells
    of a matrix, too. A colour of `SAME` stays.
    """
    if colour in SAME:
        return colour
    if colour == "#ffffff":
        return GROUND
    linear = linear_rgb(colour)
    before = luminance(linear)
    after = 1.05 * ((before + 0.05) / 0.05) ** -KEPT - 0.05
    linear = linear * after / before if after < before else linear + (1 - linear) * (after - before) / (1 - before)
    return to_hex(np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055))


def darkened(svg):
    """Turn the colours of a plot over, SVG as str. Matplotlib does not write black, which SVG's shapes have anyway."""
    svg = re.sub(r"(?<=[ :])#[0-9a-f]{6}\b", lambda found: turned(found[0]), svg)
    return svg.replace("<svg ", f'<svg fill="{turned("#000000")}" ', 1)


def in_both(tag, path, folder):
    """Write a plot's ``<img>`` twice, for light pages and for dark ones, and the file for these into ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    name = f"{path.stem}-dark.svg"
    (folder / name).write_text(darkened(path.read_text("utf-8")), "utf-8")
    light, dark = (classed(tag, theme) for theme in ("in-light", "in-dark"))
    return light + complete(dark.replace(path.name, name), {}, later=True)


def classed(tag, name):
    """Give an ``<img>`` one more class."""
    if " class=" in tag:
        return tag.replace(' class="', f' class="{name} ', 1)
    return tag.replace("<img", f'<img class="{name}"', 1)


def size(path):
    """Return width and height of a picture in pixels; of a drawing, those of its viewBox."""
    if path.suffix == ".svg":
        return tuple(round(float(number)) for number in ElementTree.parse(path).getroot().get("viewBox").split()[2:])
    with Image.open(path) as picture:
        return picture.size


def complete(tag, sizes, later):
    """Add to an ``<img>`` what it lacks.

    Parameters
    ----------
    tag : str
        HTML.
    sizes : dict
        (width, height) by file name.
    later : bool
        Whether the browser may wait until the reader comes near.
    """
    name = re.search(r'src="[^"]*?([^"/]+)"', tag)[1]
    if name in sizes and " width=" not in tag:
        tag = tag.replace("<img", '<img width="{}" height="{}"'.format(*sizes[name]), 1)
    if later and " loading=" not in tag:
        tag = tag.replace("<img", '<img loading="lazy"', 1)
    return tag


def complete_all(app, pagename, templatename, context, doctree):
    """Complete each picture. The first may be seen at once; film strips are small, and players need them hidden."""
    if app.builder.format != "html" or not doctree:
        return
    paths = {name: Path(app.srcdir, path) for path, name in app.builder.images.items()}
    sizes = {name: size(path) for name, path in paths.items()}
    plots = {name: path for name, path in paths.items() if path.suffix == ".svg" and path.parent.name != "_static"}
    folder = Path(app.outdir) / app.builder.imagedir

    def finished(tag, later):
        name = re.search(r'src="[^"]*?([^"/]+)"', tag)[1]
        tag = complete(tag, sizes, later)
        return in_both(tag, plots[name], folder) if name in plots else tag

    parts = re.split(r'(<figure[^>]*class="clip.*?</figure>|<img[^>]*>)', context["body"], flags=re.DOTALL)
    seen = 0
    for place, part in enumerate(parts):
        if place % 2:
            later = seen > 0 and part.startswith("<img")
            parts[place] = re.sub("<img[^>]*>", lambda tag, later=later: finished(tag[0], later), part)
            seen += 1
    context["body"] = "".join(parts)


def setup(app):
    """Register with Sphinx."""
    app.connect("html-page-context", complete_all)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
