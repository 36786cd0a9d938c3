"""Keep the search's index entries of the pages that a build does not write anew: Sphinx forgets them."""

from sphinx.util.index_entries import split_index_msg


def keep_entries(app):
    """Fill in what is missing before the index of the search is written; no pages are added."""
    known = getattr(getattr(app.builder, "indexer", None), "_index_entries", None)
    if known is not None:
        for docname, entries in app.env.get_domain("index").entries.items():
            if docname not in known:
                parts = [(split_index_msg(kind, text), place or "", main) for kind, text, place, main, _ in entries]
                known[docname] = sorted({(words, place, main) for texts, place, main in parts for words in texts})
    return []


def setup(app):
    """Register with Sphinx."""
    app.connect("html-collect-pages", keep_entries)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
