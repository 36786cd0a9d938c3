"""Pages in a real browser: opened so that nothing may go wrong on them, and looked through by axe."""

from contextlib import contextmanager

from axe_playwright_python.sync_playwright import Axe

UNFOLD = """async () => {
    document.querySelectorAll("details").forEach((folded) => (folded.open = true));
    document.querySelectorAll(".toggle-hidden button.toggle-button").forEach((button) => button.click());
    const timed = document.getAnimations().filter(({ timeline }) => timeline === document.timeline); // not by scrolling
    await Promise.all(timed.map((animation) => animation.finished));
}"""
# What the colours and the width of the screen can change. The other rules are about the elements themselves.
COLOURS_AND_WIDTH = ("color-contrast", "link-in-text-block", "scrollable-region-focusable")
# Axe judges the contrast of each element by itself, for eight seconds on a page with much code. But the colours of a
# token follow from its block, its parent's class, its own class and its own style. So of each kind one token stays, the
# longest, as axe does not judge single characters; the others become text of their block.
ONE_TOKEN_OF_EACH_KIND = """() => {
    for (const block of document.querySelectorAll(".highlight pre")) {
        const kinds = {};
        for (const token of block.querySelectorAll("span[class]")) {
            const kind = `${token.parentElement.className} > ${token.className} ${token.style.cssText}`;
            (kinds[kind] ??= []).push(token);
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

    def look_at_message(message):
        if message.type == "error":
            wrong.append(message.text)

    with opened_context.new_page() as page:
        page.on("request", look_at_request)
        page.on("response", look_at_response)
        page.on("requestfailed", lambda request: wrong.append(f"{request.url} failed"))
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


def findings(page, rules=()):
    """Return what axe finds on a page, (rule, element, why) each; by the whole of axe, or by some rules alone."""
    page.evaluate(ONE_TOKEN_OF_EACH_KIND)
    options = {"resultTypes": ["violations"], "preload": False}
    if rules:
        options["runOnly"] = {"type": "rule", "values": list(rules)}
    violations = Axe().run(page, options=options).response["violations"]
    return [(rule["id"], node["html"], node["failureSummary"]) for rule in violations for node in rule["nodes"]]
