"""Test every page of the built book, and the clip player, in a real browser."""

import gzip
import io
import re
from contextlib import contextmanager
from pathlib import Path

import pytest
from pages import (
    COLOURS,
    MARK_NEW,
    NEW,
    ONE_TOKEN_OF_EACH_KIND,
    TWO_FRAMES,
    UNFOLD,
    WIDTH,
    context,
    findings,
    flaws,
    opened,
    page_in,
    show,
)
from PIL import Image
from playwright.sync_api import expect
from sphinx_external_toc.parsing import parse_toc_yaml

PAGES = sorted(parse_toc_yaml(Path(__file__).resolve().parents[1] / "_toc.yml"))
DESKTOP, PHONE, NARROW = 1280, 390, 360
FORMS = [(DESKTOP, "light"), (PHONE, "dark"), (DESKTOP, "dark"), (PHONE, "light"), (NARROW, "light")]
# What a phone has instead of a desktop's side bars is the same on every page of a kind: one of each gets all rules.
KINDS = ("book/01_clips_as_tensors", "notebooks/01_clips_as_tensors", "search")


@pytest.fixture(scope="module")
def shared(browser):
    """A context for all pages: what all of them have is fetched once. Without motion, colours change at once."""
    with context(browser, color_scheme="light", reduced_motion="reduce") as opened_context:
        yield opened_context


@pytest.mark.parametrize("name", [*PAGES, "search", "genindex", "404"])
def test_a_page(shared, book, name):
    """Folds open, in both widths, light and dark: each form is made of the page that is there.

    The contrast of what an article has shown in the same colours before, in another width, is not looked at again.
    """
    with page_in(shared, f"{book.url}/{name}.html") as page:
        assert page.locator(".math:not(:has(math))").count() == 0
        page.evaluate(UNFOLD)
        page.evaluate(ONE_TOKEN_OF_EACH_KIND)
        for width, scheme in FORMS:
            show(page, width, scheme)
            assert page.evaluate("document.documentElement.scrollWidth") <= width, "the page scrolls sideways"
            assert flaws(page) == []
            new = page.evaluate(MARK_NEW, scheme)
            if (width, scheme) == FORMS[0] or (name in KINDS and width == PHONE):
                assert findings(page) == []
            elif (width, scheme) == FORMS[1] or name in KINDS:
                assert findings(page, COLOURS + WIDTH) == []
            else:
                assert not new or findings(page, COLOURS, NEW) == []
                assert width != NARROW or findings(page, WIDTH) == []


def test_a_finding_is_found(shared, book):
    """A button without a name; and the last word of a page's code, grey on grey, in what was a fold."""
    with page_in(shared, f"{book.url}/notebooks/01_clips_as_tensors.html") as page:
        page.evaluate(UNFOLD)
        page.evaluate("document.querySelector('main').prepend(document.createElement('button'))")
        token = page.locator(".highlight pre span[class]:visible", has_text=re.compile(r"\w\w")).last
        token.evaluate("token => (token.style = 'color: #888; background: #999')")
        assert {"button-name", "color-contrast"} <= {rule for rule, _, _ in findings(page)}
        assert {rule for rule, _, _ in findings(page, COLOURS + WIDTH)} == {"color-contrast"}


def test_what_an_article_shows_in_one_width_alone_is_judged_there(shared, book):
    """Paragraphs that are too light on a phone, and then paragraphs that are on a phone alone."""
    with page_in(shared, f"{book.url}/{KINDS[0]}.html") as page:

        def new(width):
            show(page, width, "light")
            return page.evaluate(MARK_NEW, "light")

        assert new(DESKTOP) + new(PHONE) and not new(DESKTOP) + new(PHONE)
        page.add_style_tag(content="@media (width < 600px) { article p { color: #bbb } }")
        assert not new(DESKTOP) and new(PHONE)
        assert {rule for rule, _, _ in findings(page, COLOURS, NEW)} == {"color-contrast"}
        page.evaluate("delete window.shown")
        page.add_style_tag(content="@media (width > 600px) { article p { display: none } }")
        assert new(DESKTOP) and new(PHONE)


def test_a_flaw_is_found(shared, book):
    with page_in(shared, f"{book.url}/{KINDS[0]}.html") as page:
        page.evaluate("""() => {
            const flaw = (element, html) => document.querySelector(element).insertAdjacentHTML("afterbegin", html);
            flaw("main", "<div style='overflow-x: auto; width: 9px'>scrolls</div>");
            flaw("main", "<div tabindex='0' id='main-content'>rests</div>");
            flaw("main a", "<a href='#'>within</a>");
        }""")
        assert [flaw for flaw, _ in flaws(page)] == [
            "no keyboard scrolls it",
            "a tab stop that does not scroll",
            "a tab stop without a name",
            "a control within a control",
            "an id that is there twice",
        ]


# The tab stops of a page that show no outline once they have the focus; that of a side bar's fold is around its sign.
WITHOUT_OUTLINE = """() => {
    const outlined = (element) => {
        const { outlineStyle, outlineWidth } = getComputedStyle(element);
        return outlineStyle !== "none" && parseFloat(outlineWidth) >= 2;
    };
    const missing = [];
    for (const stop of document.querySelectorAll("a[href], button, input, summary, [tabindex='0']")) {
        if (!stop.checkVisibility({ visibilityProperty: true })) continue;
        stop.focus();
        const sign = stop.querySelector(".toctree-toggle") ?? stop;
        if (document.activeElement === stop && !outlined(sign)) missing.push(stop.outerHTML.slice(0, 200));
    }
    return missing;
}"""


@pytest.mark.parametrize("name", [*KINDS, "book/index"])
@pytest.mark.parametrize("width", [DESKTOP, PHONE])
def test_the_focus_is_seen_wherever_it_is(shared, book, name, width):
    with page_in(shared, f"{book.url}/{name}.html") as page:
        page.set_viewport_size({"width": width, "height": 800})
        page.evaluate(UNFOLD)
        page.evaluate(TWO_FRAMES)
        page.keyboard.press("Tab")  # from now on the browser shows the focus as one who uses the keyboard needs it
        assert page.evaluate(WITHOUT_OUTLINE) == []
        page.locator(".theme-switch-button").evaluate("it => it.style.setProperty('outline', 'none', 'important')")
        assert len(page.evaluate(WITHOUT_OUTLINE)) == 1


@pytest.mark.parametrize("width", [DESKTOP, PHONE])
def test_the_search_is_a_dialog(shared, book, width):
    """It keeps the focus; Escape, the shortcut and a click beside it close it; the focus returns."""
    with page_in(shared, f"{book.url}/{KINDS[0]}.html") as page:
        page.set_viewport_size({"width": width, "height": 800})
        button = page.get_by_role("button", name="Search").locator("visible=true").first
        dialog = page.get_by_role("dialog", name="Search")
        field = dialog.get_by_role("searchbox")
        for close in (lambda: page.keyboard.press("Escape"), lambda: page.keyboard.press("Control+k")):
            button.focus()
            page.keyboard.press("Enter")
            expect(field).to_be_focused()
            assert findings(page) == []
            page.keyboard.type("fra")
            for key in 4 * ["Tab"] + 4 * ["Shift+Tab"]:
                page.keyboard.press(key)
                assert page.evaluate("document.activeElement.matches('dialog *, body')")  # body: the browser's own
            field.focus()
            close()
            expect(dialog).to_be_hidden()
            expect(button).to_be_focused()
        button.click()
        page.mouse.click(width / 2, 700)
        expect(dialog).to_be_hidden()
        page.keyboard.press("Control+k")
        page.keyboard.type("frame")
        page.keyboard.press("Enter")
        expect(page.locator("ul.search li").first).to_be_visible()


def test_a_fold_does_not_move_where_reduced_motion_is_asked_for(browser, book):
    for motion, moves in [("no-preference", True), ("reduce", False)]:
        with opened(browser, f"{book.url}/{KINDS[1]}.html", reduced_motion=motion) as page:
            page.locator("details.hide > summary").first.click()
            assert (
                page.evaluate("document.getAnimations().some(({ timeline }) => timeline === document.timeline)")
                is moves
            )
            assert page.evaluate("getComputedStyle(document.documentElement).scrollBehavior === 'smooth'") is moves


def test_the_colours_of_the_families_survive_forced_colours_and_paper(browser, book):
    with opened(browser, f"{book.url}/book/06_choosing_an_architecture.html") as page:
        swatch = page.locator(".family").first
        colour = swatch.evaluate("family => getComputedStyle(family, '::before').backgroundColor")
        red_green_blue = tuple(map(int, re.findall(r"\d+", colour)))
        page.emulate_media(forced_colors="active")
        picture = Image.open(io.BytesIO(swatch.screenshot())).convert("RGB")
        assert red_green_blue in {seen for _, seen in picture.getcolors(maxcolors=100_000)}
        assert swatch.evaluate("family => getComputedStyle(family, '::before').printColorAdjust") == "exact"


# What a browser fetches before the reader scrolls, on the way: compressed as a web server does it.
LIGHT = 300_000  # bytes, pictures and fonts included
FEW = 20  # requests for anything but pictures
STILL = 0.05  # of the layout shifts' sum
SHIFTS = """window.shifts = [];
new PerformanceObserver((list) => window.shifts.push(...list.getEntries()))
    .observe({ type: "layout-shift", buffered: true });"""
SHIFTED = """async () => {
    const frame = () => new Promise(requestAnimationFrame);
    for (let k = 0; k < 3; k++) await frame();
    return window.shifts.map(({ value, sources }) => [value, sources.map(({ node }) => node?.className).join()]);
}"""


def weight(response):
    """The bytes of an answer on the way."""
    body, kind = response.body(), response.headers.get("content-type", "")
    packed = response.request.resource_type in ("image", "font") and "svg" not in kind
    return len(body if packed else gzip.compress(body))


@contextmanager
def arriving(browser, address, **options):
    """A page, and the answers that it got; scripts, pictures and fonts come only after its text is on the screen."""
    answers, held = [], []

    def hold(route):
        if held is not None and route.request.resource_type in ("script", "image", "font"):
            held.append(route)
        else:
            route.continue_()

    with context(browser, **options) as fresh, fresh.new_page() as page:
        page.add_init_script(SHIFTS)
        page.on("response", lambda answer: answers.append(answer))
        page.route(lambda _: True, hold)
        page.goto(address, wait_until="commit")
        page.wait_for_function("performance.getEntriesByName('first-contentful-paint').length")
        waiting, held = held, None
        for route in waiting:
            route.continue_()
        page.wait_for_load_state("networkidle")
        yield page, answers


@pytest.mark.parametrize("name", [*PAGES, "search?q=frame", "genindex"])
@pytest.mark.parametrize("width", [DESKTOP, PHONE])
def test_a_page_is_light_and_nothing_moves_while_it_arrives(browser, book, name, width):
    address = f"{book.url}/{name}.html".replace("?q=frame.html", ".html?q=frame")
    with arriving(browser, address, viewport={"width": width, "height": 844}) as (page, answers):
        shifts = page.evaluate(SHIFTED)
        assert sum(value for value, _ in shifts) < STILL, shifts
        if "search" not in name:  # which fetches the pages that it found
            weights = {answer.url: weight(answer) for answer in answers}
            assert sum(weights.values()) < LIGHT, sorted(weights.items(), key=lambda item: -item[1])[:8]
            assert len([answer for answer in answers if answer.request.resource_type != "image"]) <= FEW


def test_the_search_finds_a_word(browser, book):
    with opened(browser, f"{book.url}/search.html?q=frame") as page:
        expect(page.locator("ul.search li").first).to_be_visible()


class Player:
    """The first clip on a page, as a reader operates it; time passes when the test says so."""

    FRAME = 125  # milliseconds

    def __init__(self, page):
        self.page = page
        self.figure = page.locator("figure.clip").first
        self.toggle = self.figure.locator(".clip-toggle")
        self.slider = self.figure.get_by_role("slider", name="frame")
        self.last = int(self.figure.get_attribute("data-frames")) - 1

    def wait(self, frames):
        self.page.clock.run_for(frames * self.FRAME)

    def is_at(self, frame):
        expect(self.slider).to_have_value(str(frame))
        expect(self.slider).to_have_attribute("aria-valuetext", f"frame {frame} of 0 to {self.last}")
        expect(self.figure.locator(".clip-readout")).to_contain_text(f"frame {frame} of")

    def plays(self, yes=True):
        expect(self.toggle).to_have_text("Pause" if yes else "Play")

    def pictures(self):
        pictures = self.figure.get_by_role("img")
        return [pictures.nth(k).evaluate("canvas => canvas.toDataURL()") for k in range(pictures.count())]


# Resolves when half of a picture is on the screen, and with it all who watched for that earlier: the player among them.
SEEN = """picture => new Promise((resolve) => {
    const watch = ([entry]) => entry.isIntersecting && resolve();
    new IntersectionObserver(watch, { threshold: 0.5 }).observe(picture);
})"""


@pytest.fixture(scope="module")
def clip_page(book):
    return next(f"{name}.html" for name in PAGES if '<figure class="clip' in (book.html / f"{name}.html").read_text())


@pytest.fixture
def player(browser, book, clip_page):
    """A player at rest on frame 0: reduced motion is asked for."""
    with opened(browser, f"{book.url}/{clip_page}", clock=True, reduced_motion="reduce") as page:
        player = Player(page)
        player.figure.scroll_into_view_if_needed()
        yield player


def test_a_clip_plays_by_itself_and_rests_within_five_seconds(browser, book, clip_page):
    with opened(browser, f"{book.url}/{clip_page}", clock=True) as page:
        player = Player(page)
        player.figure.scroll_into_view_if_needed()
        player.plays()
        player.wait(2)
        player.is_at(2)
        player.wait(38)  # 40 frames in all are five seconds
        player.plays(False)


def test_no_clip_plays_by_itself_where_reduced_motion_is_asked_for(player):
    player.figure.locator(".clip-member").first.evaluate(SEEN)
    player.wait(8)
    player.plays(False)
    player.is_at(0)


def test_play_and_pause(player):
    player.toggle.click()
    player.plays()
    player.wait(3)
    player.is_at(3)
    player.toggle.click()
    player.wait(8)
    player.plays(False)
    player.is_at(3)
    player.toggle.click()
    player.wait(80)
    player.plays()  # what a reader started, a reader stops


def test_stepping(player):
    player.figure.get_by_role("button", name="one frame forward").click()
    player.is_at(1)
    player.figure.get_by_role("button", name="one frame back").click()
    player.is_at(0)
    player.slider.fill("5")
    player.is_at(5)


def test_the_keyboard(player):
    player.toggle.focus()
    for key, frame in [("ArrowRight", 1), ("End", player.last), ("ArrowLeft", player.last - 1), ("Home", 0)]:
        player.page.keyboard.press(key)
        player.is_at(frame)
    player.page.keyboard.press("Space")
    player.plays()
    player.page.keyboard.press("Space")
    player.plays(False)
    player.slider.focus()
    player.page.keyboard.press("ArrowRight")
    player.is_at(1)
    player.page.keyboard.press("Space")
    player.plays()


def test_a_click_on_the_picture_gives_it_the_keys(player):
    player.figure.locator("canvas").first.click()
    player.plays()
    player.page.keyboard.press("Space")
    player.plays(False)
    player.page.keyboard.press("End")
    player.is_at(player.last)


def test_the_pictures_show_the_frames(player):
    first = player.pictures()
    blank = player.page.evaluate(
        "() => Object.assign(document.createElement('canvas'), { width: 32, height: 32 }).toDataURL()"
    )
    assert first and blank not in first
    player.slider.fill(str(player.last))
    assert all(a != b for a, b in zip(first, player.pictures(), strict=True))
    assert all(picture.get_attribute("aria-label") for picture in player.figure.get_by_role("img").all())


def test_the_player_works_from_a_file(browser, book, clip_page):
    with opened(browser, (book.html / clip_page).as_uri(), clock=True, reduced_motion="reduce") as page:
        player = Player(page)
        player.toggle.click()
        player.wait(2)
        player.is_at(2)


def test_without_javascript_and_on_paper_there_is_a_film_strip(browser, book, clip_page):
    with opened(browser, f"{book.url}/{clip_page}", java_script_enabled=False) as page:
        expect(page.locator("figure.clip img").first).to_be_visible()
    with opened(browser, f"{book.url}/{clip_page}") as page:
        expect(page.locator("figure.clip img").first).to_be_hidden()
        page.emulate_media(media="print")
        expect(page.locator("figure.clip img").first).to_be_visible()
        expect(page.locator(".clip-controls").first).to_be_hidden()


@pytest.fixture(scope="module")
def quiz_page(book):
    return next(f"{name}.html" for name in PAGES if '<ol class="quiz">' in (book.html / f"{name}.html").read_text())


@pytest.mark.parametrize("javascript", [True, False])
def test_a_quiz_works_with_the_keyboard_alone(browser, book, quiz_page, javascript):
    with opened(browser, f"{book.url}/{quiz_page}", java_script_enabled=javascript) as page:
        options = page.locator(".quiz > li").first.locator("details")
        expect(options.nth(0).locator("p")).to_be_hidden()
        options.nth(0).locator("summary").focus()
        page.keyboard.press("Enter")
        expect(options.nth(0).locator("p")).to_be_visible()
        page.keyboard.press("Tab")
        expect(options.nth(1).locator("summary")).to_be_focused()
        page.keyboard.press("Space")
        expect(options.nth(1).locator("p")).to_be_visible()
        page.keyboard.press("Space")
        expect(options.nth(1).locator("p")).to_be_hidden()


def test_on_paper_a_quiz_shows_its_options_and_a_key(browser, book, quiz_page):
    with opened(browser, f"{book.url}/{quiz_page}") as page:
        key, option = page.locator(".quiz-key"), page.locator(".quiz details").first
        expect(key).to_be_hidden()
        page.emulate_media(media="print")
        expect(key).to_be_visible()
        expect(option.locator("summary")).to_be_visible()
        expect(option.locator("p")).to_be_hidden()
