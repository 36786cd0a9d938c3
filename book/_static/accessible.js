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
  const wide = ".pst-scrollable-table-container, .cell_output .text_html, .cell_output:has(img), figure:not(.clip), div.math";
  each(wide, (scrolled) => (scrolled.tabIndex = 0));
})();
