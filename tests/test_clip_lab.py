"""The clip lab's JavaScript, in a real browser on the built page, against seqlib and Keras."""

import gzip
import re
from base64 import b64decode
from functools import cache
from itertools import groupby

import numpy as np
import pytest
from pages import context, opened
from playwright.sync_api import expect

import seqlib
from tools import clip_lab

TASKS = list(seqlib.TASKS)
LARGEST_DIFFERENCE = 1e-4  # of a logit; classes are compared where the two best are further apart
SAME = 1e-5  # of logits where the lab says that they could not change

# What the next three begin with: options as the page has them, a task's weights, random numbers, bytes to hand over.
TOOLS = """
    const tasks = JSON.parse(document.querySelector("form.clip-lab").dataset.tasks);
    const load = (task) => ClipLab.networks[task] ? null : new Promise((resolve) => {
        const src = new URL(`../_static/lab/${task}.js`, location).href;
        document.head.append(Object.assign(document.createElement("script"), { src, onload: resolve }));
    });
    const base64 = (frames) => btoa(frames.map((frame) => String.fromCharCode(...frame)).join(""));
    let state = 1;
    const random = () => {
        state = (state + 0x6d2b79f5) | 0;
        let h = Math.imul(state ^ (state >>> 15), 1 | state);
        h = (h + Math.imul(h ^ (h >>> 7), 61 | h)) ^ h;
        return ((h ^ (h >>> 14)) >>> 0) / 2 ** 32;
    };
"""
LOGITS = f"""async ([task, n]) => {{ {TOOLS}
    await load(task);
    return Array.from({{ length: n }}, (_, i) => {{
        const {{ frames }} = ClipLab.clip(task, 2, i, {{ ...tasks[task].options, onset: null }});
        const answers = ClipLab.answers(task, frames);
        return Object.fromEntries(Object.entries(answers).map(([family, logits]) => [family, Array.from(logits)]));
    }});
}}"""
EDITED = f"""async (n) => {{ {TOOLS}
    for (const task of Object.keys(tasks)) await load(task);
    const pick = (list) => list[Math.floor(random() * list.length)];
    const edits = {{
        ...ClipLab.edits,
        every: (frames, settings) => ClipLab.edits.every(frames, {{ ...settings, step: pick([2, 3]) }}),
        twin: (frames, {{ task, clip, options, index }}) => {{
            const kind = pick(tasks[task].twins);
            return pick(ClipLab.twinsOf(task, kind, {{ ...clip, seed: 3, index, options }})).frames;
        }},
        palindrome: (frames) => frames.map((frame, t) => frames[Math.min(t, frames.length - t)]),
        still: (frames) => frames.map(() => frames[0]),
    }};
    const found = [];
    for (let tried = 0; tried < n; ) {{
        const task = pick(Object.keys(tasks)), index = Math.floor(random() * 1000);
        const {{ size, speed, ...others }} = tasks[task].options, noise = pick([0, 0, 8, 3.7]);
        const options = {{ ...others, noise, size: pick([size, [5, 9]]), speed: pick([speed, [2, 12]]) }};
        const isWide = task === "order" && random() < 0.6;  // wide enough margins for the windows of the 3D CNN
        if (isWide) Object.assign(options, {{ frames: 20, onset: [4, 7], block: [2, 2], gap: pick([3, 4, 4, 5]) }});
        const clip = ClipLab.clip(task, 3, index, options);
        const settings = {{ random, at: Math.floor(random() * options.frames), noise: 8, by: pick([1, 4]), options }};
        let frames = clip.frames;
        const possible = isWide ? ["twin", "gap"] : Object.keys(edits);
        const names = Array.from({{ length: random() < 0.7 ? 1 : 2 }}, () => pick(possible));
        try {{
            for (const name of names) frames = edits[name](frames, {{ ...settings, task, clip, index }});
        }} catch {{
            continue;  // the page says why
        }}
        tried += 1;
        const same = ClipLab.cannotDiffer(clip.frames, frames);
        const longer = frames.length !== clip.frames.length && tried % 8 === 0;
        if (!same.length && !longer) continue;
        const answers = longer ? ClipLab.answers(task, frames) : {{}};
        const logits = Object.fromEntries(Object.entries(answers).map(([name, values]) => [name, Array.from(values)]));
        found.push({{ task, names, same, longer, logits, before: base64(clip.frames), after: base64(frames) }});
    }}
    return found;
}}"""


@pytest.fixture(scope="module")
def page(browser, book):
    with opened(browser, f"{book.url}/book/clip_lab.html", reduced_motion="reduce") as opened_page:
        expect(opened_page.locator(".lab-bar").first).to_be_visible()
        yield opened_page


def decoded(text):
    """Frames from base64; uint8 (T, 32, 32, 1)."""
    return np.frombuffer(b64decode(text), np.uint8).reshape(-1, 32, 32, 1)


@cache
def network(task, family, frames=16):
    """Build a network for so many frames, with the weights that the browser has."""
    model = clip_lab.build(task, family, frames)
    model.set_weights(clip_lab.read(task)[family]["weights"])
    return model


@pytest.mark.parametrize("task", TASKS)
def test_the_networks_answer_as_in_keras(page, task):
    n = 1000 // len(TASKS)
    found = page.evaluate(LOGITS, [task, n])
    x, _ = seqlib.clips(task, n, 2)
    for family in clip_lab.FAMILIES:
        ours = np.array([logits[family] for logits in found])
        theirs = seqlib.measure.logits(network(task, family), x)
        assert np.abs(ours - theirs).max() <= LARGEST_DIFFERENCE, family
        first, second = np.sort(theirs, axis=1)[:, ::-1][:, :2].T
        clear = first - second >= LARGEST_DIFFERENCE
        assert (ours.argmax(1) == theirs.argmax(1))[clear].all()
        assert (~clear).sum() <= n / 100, family


def test_where_the_lab_says_that_an_answer_could_not_change_it_does_not(page):
    """1,000 random edits. Those that change the number of frames are compared with networks built for that number."""
    found = page.evaluate(EDITED, 1000)
    pairs = [[decoded(edit["before"]), decoded(edit["after"])] for edit in found]
    compared = [
        (edit["task"], family, len(before), len(after), number)
        for number, (edit, (before, after)) in enumerate(zip(found, pairs, strict=True))
        for family in clip_lab.FAMILIES
        if edit["longer"] or family in edit["same"]
    ]
    marked, resized = dict.fromkeys(clip_lab.FAMILIES, 0), 0
    for (task, family, *lengths), group in groupby(sorted(compared), key=lambda each: each[:4]):
        numbers = [number for *_, number in group]
        was, now = (
            seqlib.measure.logits(network(task, family, length), np.stack([pairs[number][k] for number in numbers]))
            for k, length in enumerate(lengths)
        )
        for number, one, other in zip(numbers, was, now, strict=True):
            edit = found[number]
            if family in edit["same"]:
                marked[family] += 1
                assert np.abs(one - other).max() <= SAME, (family, task, edit["names"])
            if edit["longer"]:
                resized += 1
                assert np.abs(other - edit["logits"][family]).max() <= LARGEST_DIFFERENCE
    assert min(marked.values()) >= 10 and resized >= 50, (marked, resized)


def test_features_of_what_has_not_changed_are_kept(page):
    """A clip of 16 frames: played backwards its windows are new to the 3D CNN, its frames to nobody."""
    computed = page.evaluate(f"""async () => {{ {TOOLS}
        const task = Object.keys(tasks)[0];
        await load(task);
        const {{ frames }} = ClipLab.clip(task, 9, 1, {{ ...tasks[task].options, noise: 0 }});
        const count = (clip) => {{
            const before = ClipLab.computed;
            ClipLab.answers(task, clip);
            return ClipLab.computed - before;
        }};
        return [frames, frames, [...frames].reverse(), frames].map(count);
    }}""")
    first, again, backwards, back = computed
    assert first == 1 + 16 * (3 + 2) and again == back == 0
    assert backwards == 1 + 16 * 2


def test_a_kernel_is_rounded_to_a_byte_and_a_bias_is_kept():
    random = np.random.default_rng(0)
    weights = [random.normal(size=shape).astype(np.float32) for shape in [(3, 3, 8, 16), (16,), (128, 48), (2, 48)]]
    weights[0][..., 3] = 0
    data = clip_lab.pack(weights)
    again = clip_lab.unpack(data, [weight.shape for weight in weights])
    assert len(data) == 3 * 3 * 8 * 16 + 128 * 48 + 4 * (16 + 16 + 48 + 96)
    for weight, kept in zip(weights[::2], again[::2], strict=True):
        step = np.abs(weight).max(tuple(range(weight.ndim - 1))) / 127
        assert kept.dtype == np.float32 and (np.abs(weight - kept) <= 0.501 * step).all()
    assert all(np.array_equal(*pair) for pair in zip(weights[1::2], again[1::2], strict=True))


def test_the_weights_are_small():
    """Compressed as on the way; first task and all code, and each further task."""
    code = [clip_lab.SCRIPTS / name for name in ("clips.js", "networks.js", "edits.js", "lab.js")]
    code.append(clip_lab.SCRIPTS.parent / "player.js")
    sizes = {path.stem: len(gzip.compress(path.read_bytes())) for path in [*code, *clip_lab.SCRIPTS.glob("*.js")]}
    for task in TASKS:
        assert sizes[task] <= 45_000
        assert sum(sizes[path.stem] for path in code) + sizes[task] <= 90_000


@pytest.mark.parametrize("task", TASKS)
def test_an_edit_keeps_the_right_answer_or_swaps_it_or_it_is_not_known(page, task):
    def after(edit, label):
        return page.evaluate("(given) => ClipLab.labelAfter(...given)", [edit, task, label])

    for label in range(len(seqlib.TASKS[task].classes)):
        assert after("noise", label) == label
        assert after("gap", label) == (label if task == "order" else None)
        assert after("freeze", label) == after("every", label) == (label if task == "shape" else None)
        assert after("shuffle", label) == (None if task in ("direction", "order") else label)
        if task not in ("direction", "order"):
            assert after("reverse", label) == label
    if task in ("direction", "order"):  # of the twins that are each other's reverse
        _, y = seqlib.twins(task, "reverse" if task == "direction" else "swap", 8, 1)
        assert [after("reverse", int(label)) for label in y[0]] == y[1].tolist()
    assert page.evaluate("(task) => ClipLab.labelAfter('reverse', task, undefined) === undefined", task)


@pytest.fixture
def lab(browser, book):
    with opened(browser, f"{book.url}/book/clip_lab.html", reduced_motion="reduce") as page:
        expect(page.locator(".lab-bar").first).to_be_visible()
        yield page


def press(page, name):
    page.get_by_role("button", name=name, exact=True).click()


def outcome(page, family):
    """What is said of a family."""
    said = page.locator(f"[data-family={family}] > p:not(.family):visible")
    assert said.count() == 1
    return said.inner_text()


def test_a_reader_finds_out_who_cannot_tell_left_from_right(lab):
    status, label = lab.get_by_role("status"), lab.locator(".lab-label")

    def verdict(family):
        return lab.locator(f"[data-family={family}] .lab-verdict").inner_text()

    assert outcome(lab, "conv3d").startswith("Correct on ") and "of 1,000 new clips" in outcome(lab, "conv3d")
    assert label.all_inner_texts() == ["left", "left"]
    assert {verdict(family) for family in clip_lab.FAMILIES} == {"✓ correct"}
    press(lab, "Reverse")
    assert label.all_inner_texts() == ["left", "right"]
    assert outcome(lab, "average_pooling").startswith("Could not change.")
    assert {verdict(family) for family in ("single_frame", "average_pooling", "cnn_rnn_pooled")} == {"✗ wrong"}
    for family in ("conv3d", "cnn_rnn"):
        assert outcome(lab, family) == "Changed from left." and verdict(family) == "✓ correct"
    expect(status).to_contain_text("Could not change: Average pooling.")
    expect(status).to_contain_text("Changed: 3D CNN; CNN + GRU.")
    press(lab, "Start again")
    for direction in ("down", "up", "right"):
        press(lab, "Twin: same middle frame")
        assert label.all_inner_texts() == ["left", direction]
        assert outcome(lab, "single_frame").startswith("Could not change.") and verdict("single_frame") == "✗ wrong"
        assert not outcome(lab, "average_pooling").startswith("Could not change.")
        assert verdict("conv3d") == "✓ correct"
    press(lab, "Keep every 2nd frame")
    expect(status).to_contain_text("The same weights run on 8 frames. Early fusion could not answer")
    assert {verdict(family) for family in clip_lab.FAMILIES} == {""}
    expect(lab.get_by_role("slider")).to_have_attribute("max", "7")
    press(lab, "Undo")
    expect(lab.get_by_role("slider")).to_have_attribute("max", "15")


def test_the_3d_cnn_cannot_notice_a_longer_gap(lab):
    lab.get_by_role("combobox", name="Question").select_option("order")
    expect(lab.locator(".lab-bar span").first).to_have_text("disc first")
    lab.get_by_role("checkbox", name="with noise").uncheck()
    press(lab, "Lengthen the gap")
    assert outcome(lab, "conv3d").startswith("Could not change.")
    assert not outcome(lab, "cnn_rnn").startswith("Could not change.")
    press(lab, "Start again")
    press(lab, "Twin: blocks swapped")
    assert not outcome(lab, "conv3d").startswith("Could not change.")
    assert outcome(lab, "average_pooling").startswith("Could not change.")


def test_what_an_edit_cannot_do_is_said(lab):
    press(lab, "Lengthen the gap")
    expect(lab.get_by_role("status")).to_contain_text("This clip has no gap")
    for _ in range(3):
        press(lab, "Keep every 3rd frame")
    expect(lab.get_by_role("status")).to_contain_text("a clip needs two")
    press(lab, "Start again")
    press(lab, "Undo")
    expect(lab.get_by_role("status")).to_contain_text("nothing to undo")
    press(lab, "Twin: begun later")
    expect(lab.get_by_role("status")).to_contain_text("cannot begin later")


def last_frame_shows(page, x, y):
    """Whether a shape is at these pixels, or one further, in the last frame of the reader's version."""
    page.get_by_role("slider").fill("15")
    where = f"frame 15 of 0 to 15, a shape, ({x}|{x + 1}) pixels from the left and ({y}|{y + 1}) from the top"
    expect(page.get_by_role("slider")).to_have_attribute("aria-valuetext", re.compile(where))


def test_a_path_is_drawn_with_the_mouse_and_with_the_keyboard_alone(lab):
    lab.get_by_role("checkbox", name="with noise").uncheck()
    lab.locator("form.clip-lab summary").focus()
    lab.keyboard.press("Enter")
    lab.get_by_role("button", name="one step right").focus()
    for _ in range(2):
        lab.keyboard.press("Enter")
    expect(lab.get_by_role("status")).to_contain_text("Your path.")
    last_frame_shows(lab, 23, 15)
    box = lab.locator(".lab-film canvas").first.bounding_box()
    lab.mouse.move(box["x"] + box["width"] / 4, box["y"] + box["height"] / 4)
    lab.mouse.down()
    lab.mouse.move(box["x"] + box["width"] / 4, box["y"] + 3 * box["height"] / 4, steps=4)
    lab.mouse.up()
    last_frame_shows(lab, 7, 23)
    press(lab, "Reverse")
    assert not outcome(lab, "cnn_rnn").startswith("Could not change.")
    press(lab, "Twin: played backwards")
    expect(lab.get_by_role("status")).to_contain_text("has no twin")


def test_a_path_is_drawn_with_a_finger_while_that_part_of_the_form_is_open(browser, book):
    """A finger on the clip scrolls the page otherwise."""
    options = {"viewport": {"width": 390, "height": 800}, "has_touch": True, "reduced_motion": "reduce"}
    with opened(browser, f"{book.url}/book/clip_lab.html", **options) as page:
        expect(page.locator(".lab-bar").first).to_be_visible()
        page.get_by_role("checkbox", name="with noise").uncheck()
        devtools = page.context.new_cdp_session(page)
        clip = page.locator(".lab-film canvas").first

        def drag():
            clip.scroll_into_view_if_needed()
            box = clip.bounding_box()
            for step in range(6):
                point = {"x": box["x"] + box["width"] / 4, "y": box["y"] + box["height"] * (0.25 + 0.1 * step)}
                kind = "touchMove" if step else "touchStart"
                devtools.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [point]})
            devtools.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})

        drag()
        expect(page.get_by_role("status")).to_contain_text("Without noise.")
        page.locator("form.clip-lab summary").tap()
        clip.scroll_into_view_if_needed()
        before = page.evaluate("scrollY")
        drag()
        expect(page.get_by_role("status")).to_contain_text("Your path.")
        assert page.evaluate("scrollY") == before
        last_frame_shows(page, 7, 23)


def test_each_task_is_loaded_when_it_is_chosen_from_a_file_too(browser, book):
    with opened(browser, (book.html / "book" / "clip_lab.html").as_uri(), reduced_motion="reduce") as page:
        choice, loaded = page.get_by_role("combobox", name="Question"), page.locator("script[src*='_static/lab/']")
        expect(page.locator(".lab-bar").first).to_be_visible()
        assert loaded.count() == 5  # the lab's four scripts and the first task
        assert choice.locator("option").count() == len(TASKS)
        for task in TASKS:
            choice.select_option(task)
            expect(page.locator(".lab-bar span:first-child").first).to_have_text(seqlib.TASKS[task].classes[0])
        assert loaded.count() == 4 + len(TASKS)


@pytest.mark.parametrize(
    ("chapter", "edit", "blind", "sighted"),
    [
        ("02_one_frame_at_a_time", "Twin: same middle frame", "single_frame", "conv3d"),
        ("03_3d_convolutions", "Twin: blocks swapped", "conv3d", "cnn_rnn"),
        ("04_cnn_rnn_hybrids", "Reverse", None, "cnn_rnn"),
        ("05_temporal_pooling", "Shuffle", "average_pooling", "cnn_rnn"),
    ],
)
@pytest.mark.parametrize("from_file", [False, True])
def test_a_form_in_a_chapter_loads_its_networks_when_a_button_is_pressed(
    browser, book, chapter, edit, blind, sighted, from_file
):
    address = f"{book.html.as_uri() if from_file else book.url}/book/{chapter}.html"
    with opened(browser, address, reduced_motion="reduce") as page:
        form, loaded = page.locator("form.clip-lab"), page.locator("script[src*='_static/lab/']")
        assert loaded.count() == 1  # it loads the others when the reader comes near
        form.scroll_into_view_if_needed()
        expect(form.locator("canvas").first).to_have_attribute("aria-label", re.compile("The clip: "))
        assert loaded.count() == 4 and form.locator(".lab-bar").count() == 0
        form.get_by_role("button", name="Another clip").click()
        assert loaded.count() == 4
        form.get_by_role("button", name="Ask the networks").click()
        expect(form.locator(".lab-bar").first).to_be_visible()
        assert loaded.count() == 5
        form.get_by_role("button", name=edit).click()
        if blind:
            assert outcome(form, blind).startswith("Could not change.")
        assert not outcome(form, sighted).startswith("Could not change.")
        if chapter.startswith("03"):
            form.get_by_role("button", name="Add noise").click()
            assert not outcome(form, blind).startswith("Could not change.")


def test_a_network_that_does_not_arrive_is_said_and_can_be_asked_for_again(browser, book):
    with context(browser, reduced_motion="reduce") as fresh, fresh.new_page() as page:
        page.route("**/direction.js*", lambda route: route.abort())
        page.goto(f"{book.url}/book/05_temporal_pooling.html")
        form = page.locator("form.clip-lab")
        form.scroll_into_view_if_needed()
        ask = form.get_by_role("button", name="Ask the networks")
        expect(form.locator("canvas").first).to_have_attribute("aria-label", re.compile("The clip: "))
        ask.click()
        expect(form.get_by_role("status")).to_contain_text("did not arrive")
        page.unroute_all()
        ask.click()
        expect(form.locator(".lab-bar").first).to_be_visible()
