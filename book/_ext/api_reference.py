"""Leave out of the API reference what a NamedTuple says of its fields; the class's own docstring says it better."""


def skip_field(app, what, name, obj, skip, options):
    """Tell autodoc to skip "Alias for field number 0"; True, or None for no opinion."""
    return True if type(obj).__name__ == "_tuplegetter" else None


def setup(app):
    """Register with Sphinx."""
    app.connect("autodoc-skip-member", skip_field)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
