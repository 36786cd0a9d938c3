// What the theme leaves out for readers who do not see the page, or who move about it with the keyboard.
(() => {
  const each = (selector, repair) => document.querySelectorAll(selector).forEach(repair);
  each(".bd-sidebar-primary summary", (summary) => {
    summary.setAttribute("aria-label", `Pages under ${summary.closest("li").querySelector("a").textContent}`);
  });
  each(".sidebar-primary-item:has(.navbar-brand)", (item) => {
    item.setAttribute("role", "navigation");
    item.setAttribute("aria-label", "Home");
  });
  each(".citation-list, .citation", (entry) => entry.removeAttribute("role")); // a role they do not keep

  // What scrolls sideways is a tab stop with a name, for as long as it scrolls.
  const kind = (box) => {
    if (box.matches(".cell_output pre")) return "Output";
    if (box.matches("pre")) return "Code";
    if (box.querySelector("table")) return "Table";
    return box.querySelector("math") ? "Formula" : "Picture";
  };
  const name = (box) => {
    const heading = box.closest("section:has(> :is(h1, h2, h3, h4))")?.querySelector("h1, h2, h3, h4");
    return heading ? `${kind(box)} in “${heading.firstChild.textContent}”` : kind(box);
  };
  const scrolls = (box) => box.scrollWidth > box.clientWidth && /auto|scroll/.test(getComputedStyle(box).overflowX);
  const resized = new ResizeObserver((changes) => {
    for (const [box, stop] of changes.map(({ target }) => [target, scrolls(target)])) {
      const attributes = { tabindex: 0, "aria-label": name(box), role: box.matches("figure") ? "figure" : "group" };
      for (const [attribute, value] of Object.entries(attributes))
        if (stop) box.setAttribute(attribute, value);
        else box.removeAttribute(attribute);
    }
  });
  const boxes = "pre, div.math, .pst-scrollable-table-container, .cell_output, .cell_output .text_html, figure:not(.clip)";
  each(`.bd-article :is(${boxes})`, (box) => resized.observe(box));

  // The search field that every page has is in a dialog: it keeps the focus, Escape closes it, the focus returns.
  const place = document.querySelector(".search-button__wrapper");
  const dialog = document.createElement("dialog");
  if (document.querySelectorAll("form.bd-search").length === 1) {
    dialog.className = "search-dialog";
    dialog.setAttribute("aria-label", "Search");
    const close = Object.assign(document.createElement("button"), { className: "btn", textContent: "Close" });
    dialog.append(place.querySelector("form"), close);
    const toggle = () => {
      if (dialog.open) return dialog.close();
      dialog.showModal();
      dialog.querySelector("input").select();
    };
    close.addEventListener("click", toggle);
    dialog.addEventListener("click", ({ target }) => target === dialog && toggle()); // beside it
    const instead = (event) => {
      event.preventDefault();
      event.stopImmediatePropagation(); // of the theme, which would take the focus from the field
      toggle();
    };
    each(".search-button__button", (button) => button.addEventListener("click", instead, true));
    const keys = (event) => {
      const { key, ctrlKey, metaKey, shiftKey, altKey } = event;
      const shortcut = key.toLowerCase() === "k" && ctrlKey !== metaKey && !shiftKey && !altKey;
      if (shortcut || (dialog.open && key === "Escape")) instead(event);
    };
    addEventListener("keydown", keys, true);
  }
  place.replaceChildren(dialog); // on the search page, which has a field of its own, an empty one
})();
