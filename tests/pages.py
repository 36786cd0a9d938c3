"""Pages in a real browser: opened so that nothing may go wrong on them, and looked through by axe."""

import os
from contextlib import contextmanager
from pathlib import Path

from axe_playwright_python.base import AXE_FILE_PATH

AXE = Path(os.environ.get("AXE", AXE_FILE_PATH)).read_text("utf-8")  # `make audit` names a newer one

UNFOLD = """async () => {
    document.querySelectorAll("details").forEach((folded) => (folded.open = true));
    document.querySelectorAll(".toggle-hidden button.toggle-button").forEach((button) => button.click());
    const timed = document.getAnimations().filter(({ timeline }) => timeline === document.timeline); // not by scrolling
    await Promise.all(timed.map((animation) => animation.finished));
}"""
TWO_FRAMES = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
FLAWS = """() => {
    const seen = [...document.querySelectorAll("body *")].filter((element) => element.checkVisibility());
    const control = ":is(a[href], button, input, summary)";
    const overflows = (element) => element.scrollWidth > element.clientWidth;
    const scrolls = (element) => overflows(element) && /auto|scroll/.test(getComputedStyle(element).overflowX);
    const stops = seen.filter((element) => element.getAttribute("tabindex") === "0");
    const ids = [...document.querySelectorAll("[id]")].map((element) => element.id);
    const flaws = {
        "no keyboard scrolls it": seen.filter(scrolls).filter(
            (element) => element.tabIndex < 0 && !element.querySelector(control)
        ),
        "a tab stop that does not scroll": stops.filter((element) => !scrolls(element)),
        "a tab stop without a name": stops.filter((element) => !element.getAttribute("aria-label")),
        "a control within a control": [...document.querySelectorAll(`${control} ${control}`)],
        "an id that is there twice": ids.filter((id, place) => ids.indexOf(id) < place),
    };
    const outer = (element) => element.outerHTML?.slice(0, 200) ?? element;
    return Object.entries(flaws).flatMap(([flaw, elements]) => elements.map((element) => [flaw, outer(element)]));
}"""
# What the colours and the width of the screen can change. The other rules are about the elements themselves.
COLOURS, WIDTH = ("color-contrast", "link-in-text-block"), ("scrollable-region-focusable",)
# Marks in an article the elements that it has not shown before in this scheme, or in other colours; returns how many.
MARK_NEW = """(scheme) => {
    const shown = ((window.shown ??= {})[scheme] ??= new Set());
    const elements = [...document.querySelectorAll("article *")];
    const isNew = elements.map((element, place) => {
        if (!element.checkVisibility()) return false;
        const { color, backgroundColor, backgroundImage, opacity, fontSize, fontWeight } = getComputedStyle(element);
        const colours = [place, color, backgroundColor, backgroundImage, opacity].join();
        const isLarge = parseFloat(fontSize) >= (fontWeight >= 700 ? 18.66 : 24); // it needs less contrast
        if (shown.has(colours) || (isLarge && shown.has(`${colours} large`))) return false;
        shown.add(isLarge ? `${colours} large` : colours);
        return true;
    });
    elements.forEach((element, place) => element.toggleAttribute("data-new", isNew[place]));
    return isNew.filter(Boolean).length;
}"""
NEW = "[data-new]"
# Axe judges the contrast of each element by itself, for eight seconds on a page with much code. But the colours of a
# token follow from its block, which is code or a signature, its parent's class, its own class and its own style. So one
# token of each kind stays, the longest, as axe does not judge single characters; the others become text of their block.
ONE_TOKEN_OF_EACH_KIND = """() => {
    for (const block of document.querySelectorAll(".highlight pre, dt.sig")) {
        const kinds = {};
        for (const token of block.querySelectorAll("span[class]")) {
            token.kind ??= `${token.parentElement.className} > ${token.className} ${token.style.cssText}`;
            (kinds[token.kind] ??= []).push(token); // of those that stay it is the same the next time
        }
        for (const tokens of Object.values(kinds)) {
            const [, ...others] = tokens.sort((a, b) => b.textContent.length - a.textContent.length);
            others.forEach((token) => token.replaceWith(...token.childNodes));
        }
        block.normalize();
    }
}"""


@contextmanager
def context(browser, **options):
    """Open a context of a browser that ends only what hangs."""
    with browser.new_context(**options) as opened_context:
        opened_context.set_default_timeout(300_000)
        yield opened_context


@contextmanager
def page_in(opened_context, address, *, clock=False):
    """Open a page; at the end, nothing may have gone wrong on it or have been fetched from elsewhere."""
    home = "file:" if address.startswith("file:") else address[: address.index("/", 8)]
    wrong = []

    def look_at_request(request):
        if not request.url.startswith((home, "data:")):
            wrong.append(f"{request.url} is elsewhere")

    def look_at_response(response):
        if response.status >= 400:
            wrong.append(f"{response.url}: {response.status}")

    def look_at_failure(request):
        if request.failure != "net::ERR_ABORTED":  # given up because the page was left
            wrong.append(f"{request.url} failed: {request.failure}")

    def look_at_message(message):
        if message.type == "error":
            wrong.append(message.text)

    with opened_context.new_page() as page:
        page.on("request", look_at_request)
        page.on("response", look_at_response)
        page.on("requestfailed", look_at_failure)
        page.on("console", look_at_message)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        if clock:
            page.clock.install(time=0)
            page.clock.pause_at(1000)
        page.goto(address)
        yield page
    assert not wrong, wrong


@contextmanager
def opened(browser, address, *, clock=False, **options):
    """Open a page in a context of its own."""
    with context(browser, **options) as fresh, page_in(fresh, address, clock=clock) as page:
        yield page


def show(page, width, scheme):
    """Give an opened page another width and other colours, and wait until it has them."""
    page.set_viewport_size({"width": width, "height": 800})
    page.emulate_media(color_scheme=scheme)
    page.evaluate(TWO_FRAMES)
    assert page.locator("html").get_attribute("data-theme") == scheme


def findings(page, rules=(), within="html"):
    """Return what axe finds on a page or in some of its elements, (rule, element, why) each; by all rules or some."""
    page.evaluate(ONE_TOKEN_OF_EACH_KIND)
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE)
    options = {"resultTypes": ["violations"], "preload": False}
    if rules:
        options["runOnly"] = {"type": "rule", "values": list(rules)}
    violations = page.evaluate("([within, options]) => axe.run(within, options)", [within, options])["violations"]
    return [(rule["id"], node["html"], node["failureSummary"]) for rule in violations for node in rule["nodes"]]


def flaws(page):
    """Return what axe does not look for, (flaw, element) each.

    Scrolling sideways without the keyboard, tab stops that do not scroll or have no name, ids that are there twice,
    and controls within controls.
    """
    return page.evaluate(FLAWS)
