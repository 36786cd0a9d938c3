"""The figures that a reader moves, and the clip lab's film: one player, one set of tests for all."""

import re

import pytest
from pages import COLOURS, TWO_FRAMES, WIDTH, context, findings, flaws, opened, page_in
from playwright.sync_api import expect

FIGURES = {  # selector, page, the slider's name, where it begins, a text that follows the state
    "postcards": ("figure.moving-postcards", "book/05_temporal_pooling", "postcard", 15, ".clip-readout"),
    "kernel": ("figure.moving-kernel", "book/03_3d_convolutions", "output", 3, ".moving-said"),
    "dilution": ("figure.moving-dilution", "book/05_temporal_pooling", "length", 4, ".moving-said"),
    "lab": (".lab-film", "book/clip_lab", "frame", 0, ".clip-readout"),
    "lab of a chapter": (".lab-film", "book/05_temporal_pooling", "frame", 0, ".clip-readout"),
}
LABS = ("lab", "lab of a chapter")
figures = pytest.mark.parametrize("name", FIGURES)
FRAME = 125  # milliseconds


@pytest.fixture(scope="module")
def touched(browser):
    """A narrow screen that is touched, for a reader who wants no motion."""
    options = {"viewport": {"width": 320, "height": 800}, "has_touch": True, "reduced_motion": "reduce"}
    with context(browser, **options) as opened_context:
        yield opened_context


class Figure:
    def __init__(self, page, name):
        selector, _, slider, self.first, self.text = FIGURES[name]
        self.page, self.root = page, page.locator(selector)
        self.slider = self.root.get_by_role("slider", name=slider)
        self.toggle = self.root.locator(".clip-toggle")
        expect(self.slider).to_have_value(str(self.first))
        self.last = int(self.slider.get_attribute("max"))
        self.root.scroll_into_view_if_needed()
        if name in LABS:
            expect(self.root.locator("canvas").first).to_have_attribute("aria-label", re.compile("The clip: "))

    def is_at(self, state):
        expect(self.slider).to_have_value(str(state))

    def words(self):
        return self.slider.get_attribute("aria-valuetext"), self.root.locator(self.text).inner_text()


@figures
def test_the_keyboard_alone_moves_it_and_words_say_where_it_is(browser, book, name):
    with opened(browser, f"{book.url}/{FIGURES[name][1]}.html", clock=True, reduced_motion="reduce") as page:
        figure = Figure(page, name)
        figure.slider.focus()
        said = set()
        for key, state in [("Home", 0), ("ArrowRight", 1), ("ArrowLeft", 0), ("End", figure.last)]:
            page.keyboard.press(key)
            figure.is_at(state)
            said.add(figure.words())
        assert len(said) == 3
        page.keyboard.press("Home")
        page.keyboard.press("Space")
        expect(figure.toggle).to_have_text("Pause")
        page.clock.run_for(2 * FRAME)
        figure.is_at(2)
        page.keyboard.press("Space")
        expect(figure.toggle).to_have_text("Play")


@figures
def test_a_finger_moves_it_on_a_narrow_screen(touched, book, name):
    with page_in(touched, f"{book.url}/{FIGURES[name][1]}.html") as page:
        figure = Figure(page, name)
        page.clock.install()
        assert page.evaluate("document.documentElement.scrollWidth") <= 320
        figure.root.get_by_role("button", name=re.compile("forward")).tap()
        figure.is_at((figure.first + 1) % (figure.last + 1))
        figure.toggle.tap()
        expect(figure.toggle).to_have_text("Pause")
        figure.toggle.tap()
        for button in figure.root.locator("button, label:visible").all():
            assert button.bounding_box()["height"] >= 24


@pytest.mark.parametrize("name", ["kernel", "dilution"])
def test_it_is_dragged(browser, book, name):
    with opened(browser, f"{book.url}/{FIGURES[name][1]}.html", reduced_motion="reduce") as page:
        figure = Figure(page, name)
        box = figure.root.locator(".kernel-track, .dilution").bounding_box()
        page.mouse.move(box["x"] + 2, box["y"] + 20)
        page.mouse.down()
        figure.is_at(0)
        page.mouse.move(box["x"] + box["width"] - 2, box["y"] + 20, steps=3)
        figure.is_at(figure.last)
        page.mouse.up()
        page.mouse.move(box["x"] + 2, box["y"] + 20)
        figure.is_at(figure.last)


@figures
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_after_it_was_moved(browser, book, name, scheme):
    options = {"color_scheme": scheme, "reduced_motion": "reduce", "viewport": {"width": 320, "height": 800}}
    with opened(browser, f"{book.url}/{FIGURES[name][1]}.html", **options) as page:
        figure = Figure(page, name)
        figure.slider.fill("1")
        assert flaws(page) == []
        assert findings(page, COLOURS + WIDTH if scheme == "dark" else ()) == []


@figures
def test_it_can_be_seen_in_forced_colours(browser, book, name):
    """What changes with the state changes on the screen, too."""
    with opened(
        browser, f"{book.url}/{FIGURES[name][1]}.html", forced_colors="active", reduced_motion="reduce"
    ) as page:
        figure = Figure(page, name)
        pictures = []
        for state in (0, 2):
            figure.slider.fill(str(state))
            page.evaluate(TWO_FRAMES)
            shown = figure.root.locator(".clip-pictures, .kernel-track, .dilution").first
            pictures.append(shown.screenshot())
        assert pictures[0] != pictures[1]


@figures
def test_on_paper_and_without_scripts_it_stands_still(browser, book, name):
    selector, page_name, *_ = FIGURES[name]
    controls = "button:visible, input:visible"
    with opened(browser, f"{book.url}/{page_name}.html", java_script_enabled=False) as page:
        if name in LABS:
            expect(page.locator(".lab-needs")).to_be_visible()
        else:
            assert page.locator(selector).locator("img:visible, .kernel-track:visible, .dilution:visible").count() == 1
        assert page.locator(selector).locator(controls).count() == 0
    with opened(browser, f"{book.url}/{page_name}.html") as page:
        page.emulate_media(media="print")
        assert page.locator(selector).locator(controls).count() == 0
        still = ".lab-needs" if name in LABS else f"{selector} :is(img, .kernel-track, .dilution)"
        expect(page.locator(still).first).to_be_visible()


def test_shuffled_postcards_have_the_same_average_and_maximum(browser, book):
    with opened(browser, f"{book.url}/{FIGURES['postcards'][1]}.html", reduced_motion="reduce") as page:
        figure = Figure(page, "postcards")
        pooled = (
            "() => [...document.querySelectorAll('.moving-postcards .clip-member canvas')].map((it) => it.toDataURL())"
        )
        cards = page.get_by_role("img", name="postcards from left to right")
        as_drawn = page.evaluate(pooled)
        figure.root.get_by_role("button", name="Shuffle").click()
        assert page.evaluate(pooled) == as_drawn and len(set(as_drawn)) == 2
        assert "frames 0, 1, 2, 3, 4, 5, 6" not in cards.get_attribute("aria-label")
        figure.slider.fill("7")
        assert page.evaluate(pooled) != as_drawn
        figure.root.get_by_role("button", name="Put in order").click()
        assert "frames 0, 1, 2, 3, 4, 5, 6" in cards.get_attribute("aria-label")
        assert page.evaluate(pooled) == as_drawn


@pytest.mark.parametrize(
    ("padding", "output", "words"),
    [
        ("valid", 0, "Output 0 sees frames 0, 1 and 2. Later than frame 0: 1 and 2."),
        ("valid", 5, "Output 5 sees frames 5, 6 and 7. Later than frame 5: 6 and 7."),
        ("same", 3, "Output 3 sees frames 2, 3 and 4. Later than frame 3: 4."),
        ("same", 0, "it can tell that this is an end of the clip. Later than frame 0: 1."),
        ("causal", 7, "Output 7 sees frames 5, 6 and 7. Nothing is later than frame 7."),
        ("causal", 0, "Output 0 sees frame 0, and otherwise padding"),
    ],
)
def test_what_an_output_of_the_kernel_sees(browser, book, padding, output, words):
    with opened(browser, f"{book.url}/{FIGURES['kernel'][1]}.html", reduced_motion="reduce") as page:
        figure = Figure(page, "kernel")
        figure.root.get_by_role("radio", name=re.compile(padding)).check()
        figure.slider.fill(str(output))
        expect(figure.root.locator(".moving-said")).to_contain_text(words)
        later = figure.root.locator(".kernel-later").all_inner_texts()
        assert later == re.findall(r"\d+", words.partition("Later than frame ")[2])[1:]
        expect(figure.slider).to_have_attribute("max", "5" if padding == "valid" else "7")


def test_the_average_keeps_a_share_of_the_flash(browser, book):
    with opened(browser, f"{book.url}/{FIGURES['dilution'][1]}.html", reduced_motion="reduce") as page:
        figure = Figure(page, "dilution")
        share = """(name) => {
            const bar = document.querySelector(`.dilution-share[data-of=${name}]`);
            return parseFloat(getComputedStyle(bar, "::before").width) / bar.clientWidth;
        }"""
        for state, frames in [(0, 1), (4, 16), (7, 128)]:
            figure.slider.fill(str(state))
            assert page.evaluate(share, "maximum") == pytest.approx(1)
            assert page.evaluate(share, "average") == pytest.approx(1 / frames, abs=0.002)
            expect(figure.root.locator(".moving-said")).to_contain_text(f"{frames} frame")
