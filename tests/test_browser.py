"""Test every page of the built book, and the clip player, in a real browser."""

from contextlib import contextmanager
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect
from sphinx_external_toc.parsing import parse_toc_yaml

PAGES = sorted(parse_toc_yaml(Path(__file__).resolve().parents[1] / "_toc.yml"))
DESKTOP, PHONE = 1280, 360
UNFOLD = """async () => {
    document.querySelectorAll("details").forEach((folded) => (folded.open = true));
    document.querySelectorAll(".toggle-hidden button.toggle-button").forEach((button) => button.click());
    await Promise.all(document.getAnimations().map((animation) => animation.finished));
}"""


@contextmanager
def opened(browser, address, *, clock=False, **options):
    """Open a page; at the end, nothing may have gone wrong on it or have been fetched from elsewhere."""
    home = "file:" if address.startswith("file:") else address[: address.index("/", 8)]
    wrong = []

    def asked(request):
        if not request.url.startswith((home, "data:")):
            wrong.append(f"{request.url} is elsewhere")

    def answered(response):
        if response.status >= 400:
            wrong.append(f"{response.url}: {response.status}")

    def told(message):
        if message.type == "error":
            wrong.append(message.text)

    with browser.new_context(**options) as context:
        page = context.new_page()
        page.on("request", asked)
        page.on("response", answered)
        page.on("requestfailed", lambda request: wrong.append(f"{request.url} failed"))
        page.on("console", told)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        if clock:
            page.clock.install(time=0)
            page.clock.pause_at(1000)
        page.goto(address)
        yield page
    assert not wrong, wrong


@pytest.mark.parametrize(("width", "scheme"), [(DESKTOP, "light"), (PHONE, "dark")])
@pytest.mark.parametrize("name", [*PAGES, "search", "genindex"])
def test_a_page(browser, book, name, width, scheme):
    size = {"width": width, "height": 800}
    with opened(browser, f"{book.url}/{name}.html", viewport=size, color_scheme=scheme) as page:
        page.evaluate("async () => { await window.MathJax?.startup?.promise; }")
        assert page.locator("html").get_attribute("data-theme") == scheme
        assert page.locator(".math:not(:has(mjx-container))").count() == 0
        page.evaluate(UNFOLD)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, "the page scrolls sideways"
        found = Axe().run(page, options={"resultTypes": ["violations"], "preload": False}).response["violations"]
        assert not [(rule["id"], node["html"], node["failureSummary"]) for rule in found for node in rule["nodes"]]


def test_mathjax_is_on_the_pages_that_have_math_and_on_no_other(book):
    pages = [(book.html / f"{name}.html").read_text() for name in PAGES]
    assert any('class="math' in page for page in pages)
    assert all(("/mathjax/" in page) == ('class="math' in page) for page in pages)


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
    player.page.wait_for_timeout(300)  # real time, for what watches the scrolling
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
