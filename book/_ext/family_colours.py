"""Each family's colour on the pages: CSS variables such as --family-conv3d, and the role {family}`3D CNN <conv3d>`."""

from pathlib import Path

from docutils import nodes
from sphinx.util.docutils import ReferenceRole

from seqlib.show import FAMILIES

STYLE_SHEET = "family_colours.css"


class Family(ReferenceRole):
    """A family's name after a swatch of its colour; the swatch is drawn by the style sheet."""

    def run(self):
        """Return the inline node, or an error that lists the families."""
        if self.target not in FAMILIES:
            known = ", ".join(FAMILIES)
            return [], [self.inliner.reporter.error(f"unknown family {self.target!r}; known are {known}")]
        name = self.title if self.has_explicit_title else self.target.replace("_", " ")
        return [nodes.inline(self.rawtext, name, classes=["family", f"family-{self.target}"])], []


def style_sheet():
    """Write the palette as CSS; str."""
    variables = "".join(f"  --family-{name.replace('_', '-')}: {look.colour};\n" for name, look in FAMILIES.items())
    swatches = "".join(f".family-{name} {{ --swatch: var(--family-{name.replace('_', '-')}); }}\n" for name in FAMILIES)
    return f":root {{\n{variables}}}\n{swatches}"


def write_style_sheet(app):
    """Put the style sheet among the built pages."""
    if app.builder.format == "html":
        static = Path(app.outdir) / "_static"
        static.mkdir(parents=True, exist_ok=True)
        (static / STYLE_SHEET).write_text(style_sheet(), "utf-8")


def setup(app):
    """Register with Sphinx."""
    app.add_role("family", Family())
    app.add_css_file(STYLE_SHEET)
    app.connect("builder-inited", write_style_sheet)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
