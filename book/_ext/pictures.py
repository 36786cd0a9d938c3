"""Give each picture of a page its width and height, so that nothing moves when it arrives, and load it when needed."""

import re
from pathlib import Path
from xml.etree import ElementTree

from PIL import Image


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
    sizes = {name: size(Path(app.srcdir, path)) for path, name in app.builder.images.items()}
    parts = re.split(r'(<figure[^>]*class="clip.*?</figure>|<img[^>]*>)', context["body"], flags=re.DOTALL)
    seen = 0
    for place, part in enumerate(parts):
        if place % 2:
            later = seen > 0 and part.startswith("<img")
            parts[place] = re.sub("<img[^>]*>", lambda tag, later=later: complete(tag[0], sizes, later), part)
            seen += 1
    context["body"] = "".join(parts)


def setup(app):
    """Register with Sphinx."""
    app.connect("html-page-context", complete_all)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
