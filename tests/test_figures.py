"""The book's drawings follow the page's theme and can be read; its animations are clips in the player."""

import io
import json
import re
import sys
from xml.etree import ElementTree

import matplotlib.pyplot as plt
import numpy as np
import pytest
from pages import opened
from PIL import Image
from sphinx_external_toc.parsing import parse_toc_yaml

import seqlib
from seqlib import show
from tools.notebooks import ROOT

sys.path.insert(0, str(ROOT / "book" / "_ext"))
import clip_player
import drawings
import pictures

PAGES = sorted(parse_toc_yaml(ROOT / "_toc.yml"))
DRAWINGS = [path for path in sorted(ROOT.glob("book/_static/*.svg")) if path.stem not in ("logo", "favicon")]
WITH_DRAWINGS = [
    path.relative_to(ROOT).with_suffix("").as_posix()
    for path in sorted(ROOT.glob("book/*.md"))
    if "{figure} _static/" in path.read_text("utf-8")
]


@pytest.mark.parametrize("path", DRAWINGS, ids=lambda path: path.stem)
def test_a_drawing_has_a_title_fits_a_phone_and_uses_colours_that_follow_the_theme(path):
    svg = path.read_text("utf-8")
    picture = ElementTree.fromstring(svg)
    assert picture[0].tag.endswith("title") and picture[0].text
    assert float(picture.get("viewBox").split()[2]) <= 440
    assert min(float(size) for size in re.findall(r'font-size="([^"]*)"', svg)) >= 11
    assert set(re.findall(r'(?:fill|stroke)="([^"]*)"', svg)) - {"none"} <= set(drawings.COLOURS)
    assert "style" not in svg and len(svg) < 20_000


def test_a_colour_that_would_not_follow_the_theme_is_reported(caplog):
    assert drawings.coloured('<path stroke="#5151d1"/>', "x.svg") != '<path stroke="#5151d1"/>'
    assert not caplog.records
    assert drawings.coloured('<path fill="#123456"/>', "x.svg") == '<path fill="#123456"/>'
    assert "x.svg: #123456 is none of the colours" in caplog.text


# Each text of the drawings, with the colour of what lies below it, and the page's own; all as a browser computes them.
COMPUTED = """() => {
    const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
    const rgb = (colour) => {
        canvas.clearRect(0, 0, 1, 1);
        canvas.fillStyle = colour;
        canvas.fillRect(0, 0, 1, 1);
        return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3);
    };
    const below = (text) => {
        text.scrollIntoView({ block: "center", behavior: "instant" });
        const { left, top, width, height } = text.getBoundingClientRect();
        const stack = document.elementsFromPoint(left + width / 2, top + height / 2);
        return stack.find((shape) => !shape.closest("text") && shape.closest(".drawing"));
    };
    const root = getComputedStyle(document.documentElement);
    return [...document.querySelectorAll(".drawing")].map((drawing) => ({
        label: drawing.getAttribute("aria-label"),
        page: rgb(root.getPropertyValue("--pst-color-background")),
        ground: rgb(getComputedStyle(drawing.querySelector("rect")).fill),
        width: drawing.getBoundingClientRect().width,
        texts: [...drawing.querySelectorAll("text")].filter((text) => text.textContent).map((text) => [
            text.textContent, rgb(getComputedStyle(text).fill), rgb(getComputedStyle(below(text)).fill),
        ]),
    }));
}"""


def contrast(one, other):
    """The contrast of two colours, as WCAG defines it."""
    linear = [np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4) for c in np.array([one, other]) / 255]
    dark, light = sorted(float(c @ (0.2126, 0.7152, 0.0722)) for c in linear)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("name", WITH_DRAWINGS)
def test_drawings_follow_the_pages_theme_whatever_the_system_prefers(browser, book, name):
    phone = {"viewport": {"width": 390, "height": 844}, "color_scheme": "light"}
    with opened(browser, f"{book.url}/{name}.html", **phone) as page:
        seen = {}
        for theme in ("light", "dark"):
            page.evaluate("theme => (document.documentElement.dataset.theme = theme)", theme)
            seen[theme] = page.evaluate(COMPUTED)
            for drawing in seen[theme]:
                assert drawing["label"] and drawing["width"] <= 390
                assert drawing["ground"] == drawing["page"]
                for words, ink, below in drawing["texts"]:
                    assert contrast(ink, below) >= 4.5, (theme, drawing["label"], words, ink, below)
        assert len(seen["light"]) == (ROOT / f"{name}.md").read_text("utf-8").count("{figure} _static/")
        assert all(light["ground"] != dark["ground"] for light, dark in zip(*seen.values(), strict=True))
        page.emulate_media(media="print")
        assert {tuple(drawing["ground"]) for drawing in page.evaluate(COMPUTED)} == {(255, 255, 255)}


def test_an_animation_is_taken_apart_into_its_clips():
    x, _ = seqlib.twins("direction", "reverse", n=1, seed=3)
    for clips, names in ((x[:, 0], ["up", "down"]), (x[:1, 0], None)):
        with Image.open(io.BytesIO(show.animation(clips, names).data)) as animation:
            found, named = clip_player.taken_apart(animation)
        assert (found == clips).all() and found.shape[-1] == 3 and named == bool(names)


PLAYER = ('class="clip-toggle"', 'aria-label="one frame back"', 'aria-label="one frame forward"', 'type="range"')


def test_each_animation_is_in_the_player_and_can_be_paused_and_stepped_through(book):
    for name in PAGES:
        page = (book.html / f"{name}.html").read_text("utf-8")
        for address in re.findall(r'<img[^>]* src="([^"]*\.png)"', page):
            assert b"acTL" not in (book.html / name).parent.joinpath(address).read_bytes()[:200], address  # animated
        for figure in re.findall(r'(?s)<figure class="clip.*?</figure>', page):
            assert [figure.count(part) for part in PLAYER] == [1, 1, 1, 1]
        if name.startswith("notebooks/"):
            cells = json.loads((ROOT / f"{name}.ipynb").read_text("utf-8"))["cells"]
            stored = [output.get("metadata", {}) for cell in cells for output in cell.get("outputs", [])]
            animations = [data for data in stored if data.get("image/png", {}).get("alt", "").startswith("Animation.")]
            assert page.count('<figure class="clip') == len(animations)


def test_a_plot_is_stored_as_svg_too_and_an_image_as_a_png_of_twice_the_size():
    history = {"accuracy": [0.4, 0.9], "val_accuracy": [0.5, 0.8]}
    plot, again = (show.learning_curves(history, title="words that stay words") for _ in range(2))
    data, metadata = plot._repr_mimebundle_()
    assert metadata["image/svg+xml"] == metadata["image/png"] and metadata["image/png"]["alt"] == str(plot)
    assert "words that stay words" in data["image/svg+xml"]
    assert again.svg == plot.svg
    figure, axis = plt.subplots(figsize=(3, 2))
    axis.imshow(np.random.default_rng(0).uniform(size=(99, 99)))
    noise = show.picture(figure, "Noise.")
    assert list(noise._repr_mimebundle_()[0]) == ["image/png"]
    with Image.open(io.BytesIO(noise.data)) as image:
        assert image.width == 2 * noise.width


def test_a_plots_colours_are_turned_over_for_a_dark_page_and_keep_their_contrast():
    def rgb(colour):
        return [int(colour[i : i + 2], 16) for i in (1, 3, 5)]

    for ink, ground in (("#2b2b33", "#ffffff"), ("#5b5b66", "#ffffff"), ("#000000", "#c5c5ea"), ("#ffffff", "#4848ba")):
        before = contrast(rgb(ink), rgb(ground))
        assert 0.85 < contrast(rgb(pictures.turned(ink)), rgb(pictures.turned(ground))) / before < 1.02, (ink, ground)
    assert pictures.turned("#ffffff") == pictures.GROUND
    for look in (*show.FAMILIES.values(), *show.CELLS.values()):
        assert pictures.turned(look.colour) == look.colour
    plot = '<svg id="a"><path style="fill: #ffffff; stroke: #5151d1"/><use href="#abcdef"/><text>1</text></svg>'
    dark = pictures.darkened(plot)
    assert dark.startswith('<svg fill="#ffffff" ')  # of the text, which was black
    assert f"fill: {pictures.GROUND}; stroke: #5151d1" in dark and 'href="#abcdef"' in dark


PLOTS = """() => [...document.querySelectorAll(".in-light, .in-dark")].filter((plot) => plot.checkVisibility())
    .map((plot) => plot.getAttribute("src").endsWith("-dark.svg"))"""


def test_a_page_shows_its_plots_in_the_colours_of_its_theme(browser, book):
    with opened(browser, f"{book.url}/book/06_choosing_an_architecture.html", color_scheme="dark") as page:
        plots = page.locator(".in-light").count()
        assert plots >= 4 and page.evaluate(PLOTS) == [True] * plots
        ground = page.evaluate("getComputedStyle(document.documentElement).getPropertyValue('--pst-color-background')")
        assert ground.strip() == pictures.GROUND
        page.evaluate("document.documentElement.dataset.theme = 'light'")
        assert page.evaluate(PLOTS) == [False] * plots
        page.evaluate("document.documentElement.dataset.theme = 'dark'")
        page.emulate_media(media="print")
        assert page.evaluate(PLOTS) == [False] * plots
        for source in page.evaluate("[...document.querySelectorAll('.in-dark')].map((plot) => plot.src)"):
            assert page.request.get(source).ok
