// What the book adds to Sphinx's search (searchtools.js): people's own words are found, and excerpts are the text alone.
(() => {
  const ASIDE = `h1, nav, svg, script, style, button, .headerlink, .eqno, .clip-pictures, .clip-controls, .quiz-key, .report-link,
    .tag_setup, details.above-input > summary`;
  const BLOCKS = "p, li, dt, dd, th, td, pre, summary, figcaption, h2, h3, h4";
  const QUESTION = "any best can do does find get have how i make me much my need our should use using vs we what when which you your";
  const LENGTH = 240, BEFORE = 80; // characters of an excerpt, and of it before the first word that was found
  const stemmer = new Stemmer();

  // A file's page cannot be fetched, so its results have no excerpts.
  const fromFile = location.protocol === "file:";
  DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = !fromFile;
  document.documentElement.classList.toggle("from-file", fromFile);

  stopwords.push(...QUESTION.split(" "));

  // An excerpt is of the article, or of the place in it that was found: of a term, its definition.
  function textOf(html, anchor) {
    const article = new DOMParser().parseFromString(html, "text/html").querySelector("article");
    article.querySelectorAll(ASIDE).forEach((element) => element.remove());
    article.querySelectorAll(BLOCKS).forEach((element) => element.append(" "));
    let place = anchor ? article.querySelector(`#${CSS.escape(anchor.slice(1))}`) : article;
    if (place?.matches("dt")) place = place.closest("dl").querySelector(`#${CSS.escape(place.id)} ~ dd`);
    if (place?.matches("section")) place.querySelector("h2, h3, h4").remove();
    if (place && !place.textContent.trim()) place = place.nextElementSibling ?? place.parentElement;
    return (place ?? article).textContent.replace(/\s+/g, " ").trim();
  }

  Search.makeSearchSummary = (html, terms, anchor) => {
    const text = textOf(html, anchor);
    const found = [...terms].map((term) => text.toLowerCase().indexOf(term)).filter((place) => place > 2 * BEFORE);
    const start = found.length ? text.lastIndexOf(" ", Math.min(...found) - BEFORE) + 1 : 0;
    const end = text.length > start + LENGTH ? text.lastIndexOf(" ", start + LENGTH) : text.length;
    const summary = Object.assign(document.createElement("p"), { className: "context" });
    summary.textContent = (start ? "… " : "") + text.slice(start, end) + (end < text.length ? " …" : "");
    return summary;
  };

  const words = (text) => {
    const known = splitQuery(text.toLowerCase()).filter((word) => !stopwords.includes(word));
    return new Set(known.map((word) => stemmer.stemWord(word)));
  };

  // Both names of an entry such as "recurrent neural network (RNN)".
  const names = (entry) => [entry, ...(/^(.+) \(([^()]+)\)$/.exec(entry)?.slice(1) ?? [])];

  // The share of words that two sets have in common.
  const likeness = (one, other) => {
    const common = [...one].filter((word) => other.has(word)).length;
    return common / (one.size + other.size - common || 1);
  };

  // Entries of the index and the glossary that have most words of the question, in any order.
  function entries(asked) {
    const { indexentries, docnames, titles, filenames } = Search._index;
    return Object.entries(indexentries).flatMap(([entry, places]) => {
      if (entry.includes("seqlib")) return []; // Sphinx looks such names up by itself
      const share = Math.max(...names(entry).map((name) => likeness(asked, words(name))));
      if (share <= 0.5) return [];
      const score = Math.round(100 * share);
      return places.map(([file, id]) => [docnames[file], titles[file], id ? `#${id}` : "", null, score, filenames[file]]);
    });
  }

  // Pages that have all words; if none has, those that have most of them.
  const withAll = Search.performTermsSearch;
  Search.performTermsSearch = (terms, excluded) => {
    const found = withAll(terms, excluded);
    if (found.length || terms.size < 2) return found;
    const pages = new Map();
    for (const page of [...terms].flatMap((term) => withAll(new Set([term]), excluded))) {
      const known = pages.get(page[0]);
      if (known) known[4] += page[4];
      else pages.set(page[0], page);
    }
    return [...pages.values()];
  };

  // Each place once; and no page as a whole if a place on it is the better answer.
  const search = Search._performSearch;
  Search._performSearch = (query, ...parts) => {
    const found = [...search(query, ...parts), ...entries(words(query))].sort(_orderResultsByScoreThenName).reverse();
    const places = new Set(), pages = new Set();
    const kept = found.filter(([page, , anchor]) => {
      const known = places.has(page + anchor) || (!anchor && pages.has(page));
      places.add(page + anchor);
      pages.add(page);
      return !known;
    });
    return kept.reverse();
  };
})();
