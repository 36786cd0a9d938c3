"""Show the API reference as the source has it: hints as they are written, and fields where the class describes them."""

import inspect
import re

from sphinx.util.inspect import stringify_signature


def skip_field(app, what, name, obj, skip, options):
    """Tell autodoc to skip "Alias for field number 0"; True, or None for no opinion."""
    return True if type(obj).__name__ == "_tuplegetter" else None


def hints_as_written(app, what, name, obj, options, signature, returns):
    """Keep ``NDArray[np.uint8]`` what it is; autodoc would write out what it stands for."""
    if what not in ("function", "method", "class") or not signature:
        return None
    written = inspect.signature(obj)
    parameters = list(written.parameters.values())
    if what == "class" and all(parameter.annotation is parameter.empty for parameter in parameters):
        return "", None  # it takes what tuple or Image takes
    if what == "method":
        written = written.replace(parameters=parameters[1:])  # without self
    arguments, _, returned = stringify_signature(written).partition(" -> ")
    return arguments.replace("<factory>", "{}"), returned if what != "class" else None


def set_signs(app, what, name, obj, options, lines):
    """Set the signs for times and minus between numbers, which the source has in ASCII; but not in examples."""
    for k, line in enumerate(lines):
        if not line.lstrip().startswith((">>>", "...")):
            line = re.sub(r"(?<=\d) x (?=\d)", " \N{MULTIPLICATION SIGN} ", line)
            lines[k] = re.sub(r"(?<=\d) - (?=\d)", " \N{MINUS SIGN} ", line)


def set_lines(app, pagename, templatename, context, doctree):
    """Set a signature's lines as spans: Sphinx makes a list of descriptions of them that describe no term."""

    def spans(signature):
        text = re.sub(r'<span class="pre">([^<]*)</span>', r"\1", signature[0])  # keeps no word together here
        text = text.replace('</span><span class="sig-name', '</span><wbr><span class="sig-name')  # a name stays whole
        text = text.replace("<dl>", '<span class="sig-lines">').replace("</dl>", "</span>")
        return text.replace("<dd>", '<span class="sig-line">').replace("</dd>", "</span>")

    if "body" in context:
        context["body"] = re.sub(r'(?s)<dt class="sig .*?</dt>', spans, context["body"])


def setup(app):
    """Register with Sphinx."""
    app.connect("autodoc-skip-member", skip_field)
    app.connect("autodoc-process-signature", hints_as_written)
    app.connect("autodoc-process-docstring", set_signs)
    app.connect("html-page-context", set_lines)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
