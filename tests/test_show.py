"""Pictures: what is in them, what they weigh, and that their words are true."""

import inspect
import io
import itertools
import math
import re
import struct
import warnings
import zlib

import matplotlib.pyplot as plt
import myst_nb
import numpy as np
import pytest
from any_task import OUR_FAMILIES, OURS
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output
from matplotlib.colors import to_hex
from PIL import Image

import seqlib
from seqlib import rendering, show

SHAPES = "disc|square|triangle|cross"
WAYS = "right|left|down|up"
TASKS = tuple(seqlib.TASKS)


# Words made from pixels


@pytest.mark.parametrize("task", OURS)
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"noise": 18},
        {"noise": 0},
        {"resolution": 24},
        {"resolution": 48, "size": (10, 20)},
        {"resolution": 33, "size": (7, 16), "frames": 9},
        {"speed": (3, 11), "noise": 0},
    ],
)
def test_describe_says_what_the_labels_say(task, options):
    x, y = seqlib.clips(task, 10, 5, **options)
    frames = x.shape[1]
    for clip, label in zip(x, y, strict=True):
        words, name = show.describe(clip), seqlib.TASKS[task].classes[label]
        if task == "shape":
            assert re.fullmatch(f"{name} moves ({WAYS}), {frames} frames", words)
        elif task == "direction":
            assert re.fullmatch(f"({SHAPES}) moves {name}, {frames} frames", words)
        elif task in ("event", "duration"):
            shown = [0, 1][label] if task == "event" else frames * (1, 3, 5, 7)[label] // 8
            still = "" if "speed" in options else "| stands still"  # by default a duration may have no speed
            seen = f"({SHAPES})( moves ({WAYS}){still})?, {shown} frames?" if shown else ""
            assert re.fullmatch(f"(blank, [0-9]+ frames?(; )?)?{seen}((; )?blank, [0-9]+ frames?)?", words)
            assert sum(int(count) for count in re.findall(r"(\d+) frames?", words)) == frames
        else:
            first, second = ("disc", "cross") if name == "disc first" else ("cross", "disc")
            counts = [int(count) for count in re.findall(r"(\d+) frames?", words)]
            assert [part.split()[0].strip(",") for part in words.split("; ")] == [
                "blank",
                first,
                "blank",
                second,
                "blank",
            ]
            assert sum(counts) == frames
            assert counts[1] == counts[3] == frames // 8


@pytest.mark.parametrize("speed", [0.125, 0.25, 0.5])
def test_describe_sees_slow_motion(speed):
    x, y = seqlib.clips("direction", 12, 2, speed=speed)
    for clip, label in zip(x, y, strict=True):
        assert f"moves {seqlib.TASKS['direction'].classes[label]}," in show.describe(clip)


@pytest.mark.parametrize("noise", [0, 8])
def test_describe_looks_at_the_pixels_and_at_nothing_else(noise):
    x, y = seqlib.clips("direction", 12, 3, noise=noise)
    back = {"right": "left", "left": "right", "down": "up", "up": "down"}
    for clip, label in zip(x, y, strict=True):
        words, way = show.describe(clip), seqlib.TASKS["direction"].classes[label]
        assert show.describe(clip[::-1]) == words.replace(way, back[way])
        assert show.describe(np.repeat(clip, 3, axis=-1)) == words
        assert show.describe(clip[:5]) == words.replace("16", "5")
        shape = words.split()[0]
        assert show.describe(np.repeat(clip[4:5], 7, axis=0)) == f"{shape} stands still, 7 frames"
        assert show.describe(clip[4:5]) == f"{shape}, 1 frame"


def test_describe_says_that_a_shuffled_clip_jumps_about():
    x, _ = seqlib.clips("direction", 10, 4)
    order = np.random.default_rng(0).permutation(16)
    for clip in x:
        assert re.fullmatch(f"({SHAPES}) jumps about, 16 frames", show.describe(clip[order]))


def test_describe_says_that_nothing_is_there():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert show.describe(np.full((4, 32, 32, 1), 64, np.uint8)) == "blank, 4 frames"
        assert show.describe(np.full((1, 32, 32, 3), 64, np.uint8)) == "blank, 1 frame"
        for noise in (0, 8, 18):
            blank = seqlib.clips("order", 10, 1, onset=5, block=1, noise=noise)[0][:, :5]
            assert {show.describe(clip) for clip in blank} == {"blank, 5 frames"}


def test_describe_finds_a_dim_flash_and_none_where_there_is_none():
    """The smallest and dimmest flash answers 24 * 5 = 120, give or take the noise, 12: 3 deviations above 7 * 12.

    So it is missed once in 700 times, and others hardly ever.
    """
    x, y = seqlib.clips("event", 80, 9)
    flashes = [len(re.findall(f"({SHAPES}), 1 frame", show.describe(clip))) for clip in x]
    assert np.array_equal(flashes, y)


@pytest.mark.parametrize("clip", ["static", "photograph", "white"])
def test_describe_does_not_make_up_a_shape_or_call_a_full_frame_blank(clip):
    generator = np.random.default_rng(1)
    pixels = {
        "static": generator.integers(0, 256, (5, 32, 32, 1), np.uint8),
        "photograph": np.tile(np.linspace(0, 255, 32, dtype=np.uint8)[:, None], (5, 1, 32))[..., None],
        "white": np.full((5, 32, 32, 1), 255, np.uint8),
    }[clip]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        words = show.describe(pixels)
    assert not re.search(f"{SHAPES}|blank", words)
    assert "5 frames" in words


def ways(places, names):
    """The ways that a shape goes along one axis, one after the other; ``names`` are of the way up and the way down."""
    signs = np.sign(np.diff(places)).astype(int)
    signs = signs[signs != 0]
    return [names[int(sign > 0)] for sign, before in zip(signs, [0, *signs], strict=False) if sign != before]


def is_true(words, kinds, contrasts, rows, columns):
    """Whether words are true of frames whose frame table has these fields."""
    if words == "blank":
        return not contrasts.any()
    name, _, motion = words.partition(" ")
    if not contrasts.all() or (kinds != rendering.KINDS.index(name)).any():
        return False
    if motion == "stands still":
        return max(np.ptp(rows), np.ptp(columns)) < rendering.SUBPIXELS
    vertical, horizontal = ways(rows, ("up", "down")), ways(columns, ("left", "right"))
    if not motion:
        return len(rows) == 1
    if len(vertical) == len(horizontal) == 1:
        return motion == f"moves {horizontal[0]} and {vertical[0]}"
    return not (vertical and horizontal) and motion == f"moves {', then '.join(vertical + horizontal)}"


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("noise", [0, 8])
def test_what_describe_says_is_true_of_any_task(task, noise, monkeypatch):
    """Of every part, told by what was drawn and not by the label: so it holds of tasks that it has never heard of."""
    tables, render = [], rendering.render
    monkeypatch.setattr(rendering, "render", lambda table, *options: tables.append(table) or render(table, *options))
    x, _ = seqlib.clips(task, 24, 6, noise=noise, size=(8, 11))
    (table,) = tables
    for i, clip in enumerate(x):
        start = 0
        for part in show.describe(clip).split("; "):
            words, count = re.fullmatch(r"(.*), (\d+) frames?", part).groups()
            frames = slice(start, start := start + int(count))
            assert is_true(words, *(field[i, frames] for field in (table.kind, table.contrast, table.y, table.x))), part
        assert start == len(clip)


EIGHT = np.arange(8)


@pytest.mark.parametrize(
    ("words", "fields"),
    [
        ("disc moves right, then left", {"x": [0, 2, 4, 6, 8, 6, 4, 2]}),
        ("disc moves up, then down", {"y": [0, -1, -2, -3, -4, -5, -4, -3]}),
        ("disc moves right and down", {"x": 2 * EIGHT, "y": 1 * EIGHT}),
        ("disc moves about", {"x": [0, 3, 6, 6, 6, 3, 0, 0], "y": [0, 0, 0, 3, 6, 6, 6, 3]}),  # round a square
        ("disc moves about", {"x": [0, 3, 6, 3, 0, 3, 6, 3]}),
        ("disc moves right", {"x": 4 * EIGHT, "y": [0, 1, 0, 1, 0, 1, 0, 1]}),
        ("disc moves right", {"x": EIGHT**2 / 4}),  # faster and faster
        ("disc jumps about", {"x": [0, 1, 2, 14, 4, 5, 6, 7]}),
        ("changing shape moves down", {"y": EIGHT, "kind": [0, 0, 0, 0, 3, 3, 3, 3]}),
        ("changing shape stands still", {"kind": [0, 0, 0, 2, 2, 2, 1, 1]}),
    ],
)
def test_describe_says_nothing_false_of_motions_and_changes_that_no_task_has_yet(words, fields):
    assert show.describe(clip_of(**fields)) == f"{words}, 8 frames"


def clip_of(y=0, x=0, kind=0, contrast=100, size=9):
    """A clean clip of eight frames, 32 x 32, with one shape; places in pixels from the middle of the frame."""
    fields = (kind, size, 8 * (16.0 + np.array(y)), 8 * (16.0 + np.array(x)), contrast, 0)
    table = rendering.FrameTable(*(np.broadcast_to(np.round(field).astype(int), (1, 8)) for field in fields))
    return rendering.render(table, (9, 9), 32, noise=0)[0]


@pytest.mark.parametrize("apart", [13, 14, 16])
def test_describe_does_not_take_two_shapes_for_one(apart):
    """It would follow now this and now that, and say that it jumps."""
    pair = np.maximum(clip_of(x=0), clip_of(x=apart, kind=[0, 1, 2, 3, 0, 1, 2, 3], contrast=[90, 110] * 4))
    assert show.describe(pair) == "several shapes, 8 frames"
    assert show.describe(np.concatenate([pair, clip_of()])) == "several shapes, 8 frames; disc stands still, 8 frames"


@pytest.mark.parametrize("noise", [0, 8])
@pytest.mark.parametrize("task", ["direction", "shape"])
def test_describe_sees_no_shape_in_the_comb_that_a_wrong_reshape_makes(task, noise):
    """Lesson 1 shows one: each of its frames has every sixteenth pixel of the clip."""
    x, _ = seqlib.clips(task, 12, 1, noise=noise)
    for clip in x:
        comb = clip[..., 0].reshape(32, 32, 16).transpose(2, 0, 1)[..., None]
        assert not re.search(SHAPES, show.describe(comb))


def test_describe_takes_frames_that_are_not_square():
    x, _ = seqlib.clips("direction", 1)
    assert show.describe(x[0][:, :20]) == "clip, 16 frames of 20 x 32 pixels"


def footage(frames, height, width, channels=3, middle=128, deviation=50, seed=0):
    """What drifts by like a landscape: neighbouring pixels are alike, as in a photograph; uint8 (T, H, W, C)."""
    noise = np.random.default_rng(seed).normal(size=(height, width, channels))
    frequency = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.fftfreq(width)) + 1 / (height + width)
    ground = np.fft.ifft2(np.fft.fft2(noise, axes=(0, 1)) / frequency[..., None] ** 1.5, axes=(0, 1)).real
    ground = middle + deviation * (ground - np.median(ground)) / ground.std()
    return np.stack([np.roll(ground, t, axis=1) for t in range(frames)]).clip(0, 255).astype(np.uint8)


@pytest.mark.parametrize(
    ("shape", "words"),
    [
        ((12, 32, 32, 1), "clip, 12 frames of 32 x 32 pixels"),
        ((1, 48, 48, 3), "clip, 1 frame of 48 x 48 pixels, colour"),
        ((20, 240, 320, 3), "clip, 20 frames of 240 x 320 pixels, colour"),
        ((5, 320, 120, 1), "clip, 5 frames of 320 x 120 pixels"),
        ((3, 4, 4, 1), "clip, 3 frames of 4 x 4 pixels"),
    ],
)
def test_describe_says_of_other_peoples_clips_what_is_certain(shape, words):
    assert show.describe(footage(*shape)) == words


@pytest.mark.parametrize("deviation", [12, 25, 50])
def test_describe_finds_no_shape_in_footage_as_dark_as_the_courses_background(deviation):
    for seed in range(20):
        words = show.describe(footage(6, 32, 32, 1, middle=64, deviation=deviation, seed=seed))
        assert words == "clip, 6 frames of 32 x 32 pixels"


def test_shapes_on_another_background_or_in_colour_are_not_named():
    x = seqlib.clips("direction", 1)[0][0]
    assert show.describe(255 - x) == "clip, 16 frames of 32 x 32 pixels"
    assert show.describe(x * np.array([1, 0, 1], np.uint8)) == "clip, 16 frames of 32 x 32 pixels, colour"


def test_where_a_text_was_given_nothing_is_matched(monkeypatch):
    monkeypatch.setattr(show, "describe", None)
    x = seqlib.clips("direction", 2)[0]
    assert show.film_strip(x, alt="Two cars.").metadata["alt"] == "Two cars."
    assert show.animation(x, ["a", "b"], alt="Two cars.").metadata["alt"] == "Two cars."


@pytest.mark.parametrize(
    "draw",
    [
        lambda alt: show.film_strip(constant_clips([[1, 2]]), alt=alt),
        lambda alt: show.animation(constant_clips([[1, 2]]), alt=alt),
        lambda alt: show.learning_curves({"accuracy": [0.1]}, alt=alt),
        lambda alt: show.matrix([{"row": "a", "column": "b", "chance": 0.5, "right": 1, "total": 2}], {}, alt=alt),
        lambda alt: show.arrays({"x": [1]}, alt=alt),
        lambda alt: show.watching(constant_clips([1, 2]), {"a": ([0, 1], 0.5)}, alt=alt),
    ],
)
def test_every_picture_takes_a_text(draw):
    assert draw("What I see.").metadata["alt"] == "What I see."
    with pytest.raises(TypeError, match=r"alt must be a str, not 7"):
        draw(7)


# Film strips


def decoded(picture):
    assert picture.data.startswith(b"\x89PNG\r\n\x1a\n")
    return Image.open(io.BytesIO(picture.data))


def constant_clips(levels):
    """Clips of 32 x 32 whose frames are each one grey level."""
    return np.broadcast_to(np.array(levels, np.uint8)[..., None, None, None], (*np.shape(levels), 32, 32, 1))


def where(image, level):
    """The middle (row, column) of the pixels of this grey level, and how many there are."""
    pixels = np.asarray(image.convert("RGB")).astype(int)
    rows, columns = np.nonzero((np.abs(pixels - level) <= 5).all(-1))
    return (np.median(rows), np.median(columns), len(rows)) if len(rows) else (math.nan, math.nan, 0)


@pytest.mark.parametrize("every", [1, 2, 3])
def test_a_film_strip_shows_time_to_the_right_clips_downwards_and_grey_as_it_is(every):
    levels = np.array([[0, 34, 68, 102, 136], [17, 51, 85, 119, 153]])
    image = decoded(show.film_strip(constant_clips(levels), ["one", "two"], every=every))
    places = np.array([[where(image, level) for level in row[::every]] for row in levels])
    row, column, count = places.transpose(2, 0, 1)
    assert (np.diff(column, axis=1) > 0).all()
    assert (np.abs(column[0] - column[1]) < 3).all()
    assert (row[1] > row[0]).all()
    assert (np.ptp(row, axis=1) < 3).all()
    assert count.min() > 0.9 * count.max()
    hidden = [level for t, level in enumerate(levels[0]) if t % every]
    assert all(where(image, level)[2] < 0.05 * count.min() for level in hidden)


def test_a_film_strip_shows_the_pixels_of_its_clip():
    x, _ = seqlib.clips("shape", 1, noise=0)
    image = np.asarray(decoded(show.film_strip(x[0][:1])).convert("L")).astype(float)
    bright = np.abs(image - x.max()) < 6  # the shape's inside covers as much of the frame as in the clip
    ground = np.abs(image - 64) < 6
    share = (x[0, 0] == x.max()).sum() / (x[0, 0] == 64).sum()
    assert bright.sum() / ground.sum() == pytest.approx(share, rel=0.15)


def test_a_mark_outlines_one_frame():
    clip = constant_clips([[30, 60, 90, 120]])[0]
    plain, marked = (decoded(show.film_strip(clip, mark=mark)).convert("RGB") for mark in (None, 2))
    orange = [np.abs(np.asarray(image).astype(int) - (0xE8, 0x74, 0x00)).max(-1) < 30 for image in (plain, marked)]
    assert not orange[0].any()
    columns = np.nonzero(orange[1].any(0))[0]
    assert where(marked, 60)[1] < columns.min() < where(marked, 90)[1] < columns.max() < where(marked, 120)[1]


def test_a_film_strips_words_are_made_from_its_clips():
    x, y = seqlib.twins("direction", "middle", 1, 5)
    names = [seqlib.TASKS["direction"].classes[label] for label in y[:, 0]]
    alt = show.film_strip(x[:, 0], names, every=8).metadata["alt"]
    descriptions = [show.describe(clip) for clip in x[:, 0]]
    for name, words in zip(names, descriptions, strict=True):
        assert f"{name}: {words}" in alt
    clip = x[0, 0]
    plain, marked = (show.film_strip(clip, every=8, mark=mark).metadata["alt"] for mark in (None, 8))
    assert descriptions[0] in plain
    assert "frame 8" not in plain
    assert "frame 8" in marked


def test_a_film_strip_of_more_clips_is_higher():
    x, _ = seqlib.clips("shape", 4)
    heights = [decoded(show.film_strip(x[:k], every=4)).height for k in (1, 2, 4)]
    assert heights[0] < heights[1] < heights[2]
    assert heights[1] - heights[0] == pytest.approx((heights[2] - heights[1]) / 2, abs=3)


def test_other_texts_below_the_frames_are_drawn_and_told_and_change_nothing_else():
    clip = constant_clips([[30, 90]])[0]
    plain, named = (show.film_strip(clip, below=below) for below in (None, ["before", "after"]))
    pixels = [np.asarray(decoded(picture).convert("L")).astype(int) for picture in (plain, named)]
    changed = np.nonzero((pixels[0] != pixels[1]).any(1))[0]
    assert pixels[0].shape == pixels[1].shape and len(changed)
    assert changed.min() > where(decoded(plain), 90)[0]  # below the frames' middle
    assert "below the frames: before, after" in named.metadata["alt"]
    assert "below" not in plain.metadata["alt"]
    assert show.film_strip(clip, below=["", ""], alt="Two greys.").metadata["alt"] == "Two greys."


def test_many_frames_stand_in_rows_and_none_is_left_out():
    levels = np.arange(20, 250, 6)  # 39 frames: two rows of 16, and one of 7
    picture = show.film_strip(constant_clips([levels])[0])
    row, column, count = np.array([where(decoded(picture), level) for level in levels]).T
    assert count.min() > 0.9 * np.median(count)
    rows = [row[:16], row[16:32], row[32:]]
    assert all(np.ptp(places) < 3 for places in rows) and rows[0][0] < rows[1][0] < rows[2][0]
    assert np.abs(column[:16] - column[16:32]).max() < 3
    assert "shown" not in picture.metadata["alt"]


def test_what_a_film_strip_leaves_out_its_text_and_picture_say():
    clip = constant_clips(np.full(300, 99))
    picture = show.film_strip(clip)
    assert picture.metadata["alt"].endswith(" | shown: 100 of 300 frames, every 3rd")
    assert where(decoded(picture), 99)[2] == pytest.approx(
        100 * where(decoded(show.film_strip(clip[:1])), 99)[2], rel=1
    )
    left_out, all_frames = decoded(show.film_strip(clip[:16], every=2)), decoded(show.film_strip(clip[:8]))
    assert left_out.width == all_frames.width and left_out.height > all_frames.height  # by a line of text
    assert "shown" not in show.film_strip(clip, every=1).metadata["alt"]


@pytest.mark.parametrize("shape", [(128, 240, 320, 3), (40, 1080, 1920, 3), (16, 1920, 1080, 1), (128, 64, 64, 3)])
def test_a_film_strip_of_large_or_many_frames_stays_small_and_draws_no_axes(shape, monkeypatch):
    monkeypatch.setattr(plt, "subplots", None)  # one axis for each frame took seconds
    clip = np.broadcast_to(footage(1, *shape[1:]), shape)
    picture = show.film_strip(clip)
    assert len(picture.data) < 1_000_000
    assert decoded(picture).width <= 1700
    assert picture.width == 922


@pytest.mark.parametrize("shape", [(4, 90, 120, 3), (4, 240, 320, 3), (4, 320, 240, 3), (2, 600, 5, 3)])
def test_frames_keep_their_proportions_and_colours(shape):
    clip = np.broadcast_to(np.array([200, 40, 90], np.uint8)[: shape[-1]], shape)
    pixels = np.asarray(decoded(show.film_strip(clip)).convert("RGB")).astype(int)
    rows, columns = np.nonzero((np.abs(pixels - clip[0, 0, 0]) < 9).all(-1))
    first = columns < pixels.shape[1] / shape[0]
    height, width = np.ptp(rows) + 1, np.ptp(columns[first]) + 1
    assert height / width == pytest.approx(shape[1] / shape[2], rel=0.2 if width < 10 else 0.05)
    assert decoded(show.film_strip(np.zeros((2, 1, 600, 1), np.uint8))).height < 60


def test_names_that_are_longer_than_their_frames_are_not_cut():
    clip = constant_clips([[64]])
    for draw in (show.film_strip, show.animation):
        short, long = (decoded(draw(clip, [name])) for name in ("a", "a name that is longer than its frame is wide"))
        ink = np.nonzero((np.asarray(long.convert("L"))[: long.height // 3] < 60).any(0))[0]
        assert long.width > short.width and ink.max() < long.width - 1


def test_an_animation_of_large_frames_or_of_many_is_made_smaller():
    large = decoded(show.animation(np.broadcast_to(footage(1, 1080, 1920), (3, 1080, 1920, 3))))
    assert large.size == (480, 270)
    many = decoded(show.animation(np.broadcast_to(footage(1, 120, 160), (300, 120, 160, 3))))
    assert many.n_frames >= 1 and many.width * many.height * 300 <= 2_100_000
    assert decoded(show.animation(constant_clips([[1, 2]])[0])).size == (128, 128)


@pytest.mark.parametrize("task", TASKS)
def test_pictures_of_a_default_clip_weigh_less_than_100_kb(task):
    x, _ = seqlib.clips(task, 1)
    for picture in (show.film_strip(x[0]), show.animation(x[0])):
        assert len(picture.data) < 100_000
        assert picture.metadata["alt"]


def test_pictures_leave_no_figure_open():
    before = plt.get_fignums()  # other tests in this process may have left theirs
    show.film_strip(seqlib.clips("shape", 2)[0], every=8)
    show.learning_curves({"accuracy": [0.1, 0.2]})
    assert plt.get_fignums() == before


# Animations


def chunks(data):
    """The chunks of a PNG, (type, content), their checksums verified."""
    at = 8
    while at < len(data):
        (length,) = struct.unpack(">I", data[at : at + 4])
        kind, content = data[at + 4 : at + 8], data[at + 8 : at + 8 + length]
        assert struct.unpack(">I", data[at + 8 + length : at + 12 + length]) == (zlib.crc32(kind + content),)
        yield kind, content
        at += 12 + length
    assert kind == b"IEND"


def timing(picture):
    """(number of plays, [seconds of each frame]) of an animated PNG."""
    parts = list(chunks(picture.data))
    (frames, plays), *_ = (struct.unpack(">II", content) for kind, content in parts if kind == b"acTL")
    delays = [struct.unpack(">HH", content[20:24]) for kind, content in parts if kind == b"fcTL"]
    assert len(delays) == frames
    return plays, [numerator / (denominator or 100) for numerator, denominator in delays]


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("options", [{}, {"frames": 8}, {"frames": 40}])
def test_an_animation_has_every_frame_and_stops_within_five_seconds(task, options):
    x, _ = seqlib.clips(task, 1, **options)
    plays, seconds = timing(show.animation(x[0]))
    assert len(seconds) == x.shape[1]
    assert seconds == pytest.approx([1 / 8] * x.shape[1])
    assert plays >= 1  # 0 would be for ever
    assert plays * sum(seconds) <= 5
    assert (plays + 1) * sum(seconds) > 5


@pytest.mark.parametrize(("frames", "rate"), [(64, 8), (16, 0.5)])
def test_an_animation_longer_than_five_seconds_plays_once(frames, rate):
    x, _ = seqlib.clips("shape", 1, frames=frames)
    plays, seconds = timing(show.animation(x[0], frames_per_second=rate, scale=1))
    assert plays == 1
    assert sum(seconds) == pytest.approx(frames / rate)


@pytest.mark.parametrize("rate", [7, 12.5, 30, 50])
def test_an_animation_runs_at_the_asked_rate(rate):
    x, _ = seqlib.clips("shape", 1)
    _, seconds = timing(show.animation(x[0], frames_per_second=rate))
    assert sum(seconds) == pytest.approx(16 / rate, rel=0.03)


def test_frames_that_repeat_keep_their_time():
    x, _ = seqlib.clips("order", 1, noise=0)
    plays, seconds = timing(show.animation(x[0]))
    assert sum(seconds) == pytest.approx(2)
    assert plays == 2


def test_an_animation_shows_the_frames_in_order_side_by_side():
    levels = np.array([[0, 40, 80, 120], [250, 200, 150, 100]])
    image = decoded(show.animation(constant_clips(levels), scale=2))
    assert image.format == "PNG"
    assert image.n_frames == 4
    for t in range(4):
        image.seek(t)
        frame = np.asarray(image.convert("RGB"))
        assert (frame[:64, :64] == levels[0, t]).all()
        assert (frame[:64, -64:] == levels[1, t]).all()


def test_an_animation_shows_pixels_as_squares():
    x, _ = seqlib.clips("direction", 1)
    image = decoded(show.animation(x[0], scale=3))
    for t in range(16):
        image.seek(t)
        frame = np.asarray(image.convert("RGB"))
        assert np.array_equal(frame, np.broadcast_to(x[0, t].repeat(3, 0).repeat(3, 1), (96, 96, 3)))


def test_names_are_written_above_and_told():
    x, _ = seqlib.clips("direction", 2)
    plain, named = show.animation(x), show.animation(x, ["first", "second"])
    higher = decoded(named).height - decoded(plain).height
    assert higher > 0
    head = np.asarray(decoded(named).convert("L"))[:higher]
    left, right = np.split(head, 2, axis=1)
    assert (left < 128).any()
    assert (right < 128).any()
    assert f"first: {show.describe(x[0])}" in named.metadata["alt"]
    assert f"second: {show.describe(x[1])}" in named.metadata["alt"]


@pytest.mark.parametrize("frames", [1, 4])
def test_a_clip_in_which_nothing_changes_is_still_a_picture(frames):
    picture = show.animation(constant_clips([[64] * frames])[0])
    list(chunks(picture.data))
    assert (np.asarray(decoded(picture).convert("L")) == 64).all()
    assert "blank" in picture.metadata["alt"]


# Learning curves


def test_learning_curves_words_are_made_from_the_numbers():
    alt = show.learning_curves({"accuracy": [0.25, 0.5, 0.987], "val_accuracy": [0.31, 0.62, 0.8], "loss": [1, 1, 1]})
    words = alt.metadata["alt"].replace(" %", "%")
    for part in ("3 epochs", "training goes from 25% to 99%", "validation from 31% to 80%"):
        assert part in words
    only = show.learning_curves({"val_accuracy": [0.31, 0.62]}).metadata["alt"].replace(" %", "%")
    assert "training" not in only
    assert "validation goes from 31% to 62%" in only


@pytest.mark.parametrize("family", list(show.FAMILIES))
def test_learning_curves_are_drawn_in_the_familys_colour(family):
    picture = show.learning_curves({"accuracy": [0.2, 0.9], "val_accuracy": [0.3, 0.7]}, family=family, chance=0.25)
    pixels = np.asarray(decoded(picture).convert("RGB")).astype(int)
    near = {name: (np.abs(pixels - rgb(row.colour)).max(-1) < 12).sum() for name, row in show.FAMILIES.items()}
    assert max(near, key=near.get) == family
    assert near[family] > 300


def test_one_small_mark_of_each_family_and_cell_keeps_its_colour():
    looks = show.FAMILIES | show.CELLS
    figure, axis = plt.subplots(figsize=(7.2, 4.4))
    for place, look in enumerate(looks.values()):
        axis.plot(place, place, look.marker, color=look.colour, markersize=10)
    pixels = np.asarray(decoded(show.picture(figure, "Marks.")).convert("RGB")).astype(int)
    for name, look in looks.items():
        assert (np.abs(pixels - rgb(look.colour)).max(-1) <= 3).sum() > 20, name


def test_a_higher_accuracy_is_drawn_higher():
    colour = rgb(show.FAMILIES["conv3d"].colour)

    def height(value):
        picture = show.learning_curves({"accuracy": [value] * 3}, family="conv3d")
        pixels = np.asarray(decoded(picture).convert("RGB")).astype(int)[:, :600]  # without the legend
        rows = np.nonzero((np.abs(pixels - colour).max(-1) < 12).any(1))[0]
        return -np.median(rows)

    low, middle, high = height(0.1), height(0.5), height(0.9)
    assert low < middle < high
    assert high - middle == pytest.approx(middle - low, abs=4)  # on a scale that is not cut


# The palette


def rgb(colour):
    return np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)])


def linear(colour):
    share = rgb(colour) / 255
    return np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)


def contrast(*colours):
    """Contrast of two colours as WCAG 2 defines it, from 1 to 21."""
    dark, light = sorted(linear(colour) @ [0.2126, 0.7152, 0.0722] for colour in colours)
    return (light + 0.05) / (dark + 0.05)


def lab(light):
    """CIE L*a*b* (D65) of linear sRGB."""
    xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]) @ light
    x, y, z = np.cbrt(xyz / [0.9505, 1, 1.089])  # no colour here is so dark that the linear part matters
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


SIGHT = {  # G. M. Machado, M. M. Oliveira, L. A. F. Fernandes, IEEE TVCG 15 (2009) 1291-1298: severity 1
    "normal": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}


@pytest.mark.parametrize("sight", SIGHT)
def test_any_two_families_differ_in_colour_for_every_kind_of_sight(sight):
    """No tenth colour is 24 from those of the course's nine; 18 can still be told apart, with another marker."""
    seen = {name: lab(np.clip(SIGHT[sight] @ linear(family.colour), 0, 1)) for name, family in show.FAMILIES.items()}
    for pair in itertools.combinations(seen, 2):
        apart = np.linalg.norm(seen[pair[0]] - seen[pair[1]])
        assert apart >= (24 if set(pair) <= set(OUR_FAMILIES) else 18), pair


@pytest.mark.parametrize("sight", SIGHT)
def test_the_cells_differ_in_colour_from_each_other_and_from_every_family(sight):
    """No colour kin to their family's is 18 from all nine; these are a little nearer, and have markers of their own."""
    ours = {name: show.FAMILIES[name] for name in OUR_FAMILIES} | {
        name: show.CELLS[name] for name in ("simple", "lstm")
    }
    seen = {name: lab(np.clip(SIGHT[sight] @ linear(look.colour), 0, 1)) for name, look in ours.items()}
    for cell in ("simple", "lstm"):
        apart = {name: np.linalg.norm(seen[cell] - other) for name, other in seen.items() if name != cell}
        assert min(apart.values()) >= 16, apart
    assert np.linalg.norm(seen["simple"] - seen["lstm"]) >= 36


def test_the_cells_are_those_of_the_model_and_the_usual_one_looks_like_its_family():
    usual = inspect.signature(seqlib.models.cnn_rnn).parameters["cell"].default
    assert show.CELLS[usual] is show.FAMILIES["cnn_rnn"]
    others = {settings["cell"] for settings in show.FAMILIES["cnn_rnn"].settings if "cell" in settings}
    assert set(show.CELLS) == others | {usual}
    looks = [*show.FAMILIES.values(), *(cell for name, cell in show.CELLS.items() if name != usual)]
    assert len({look.marker for look in looks}) == len(looks)
    assert len({cell.dashes for cell in show.CELLS.values()}) == len(show.CELLS)


@pytest.mark.parametrize("page", ["#ffffff", "#121212"])
def test_every_family_and_cell_stands_out_on_light_and_dark(page):
    for name, look in (show.FAMILIES | show.CELLS).items():
        assert contrast(look.colour, page) >= 3, name


@pytest.mark.parametrize("sign", [1, -1])
def test_a_number_can_be_read_on_every_shade(sign, monkeypatch):
    monkeypatch.setattr(show, "picture", lambda figure, alt: figure)
    figure = show.arrays({"all shades": sign * np.linspace(0, 1, 101)})
    (axis,) = figure.axes
    numbers = {text.get_position(): text.get_color() for text in axis.texts}
    inks = [numbers[cell.get_x() + 0.5, cell.get_y() + 0.52] for cell in axis.patches]
    assert len(inks) == 101
    for cell, ink in zip(axis.patches, inks, strict=True):
        assert contrast(to_hex(cell.get_facecolor()), to_hex(ink)) >= 4.5
    plt.close(figure)


def test_families_differ_in_more_than_colour():
    assert len({family.marker for family in show.FAMILIES.values()}) == len(show.FAMILIES) >= len(OUR_FAMILIES)


# Glue


@pytest.fixture
def shell(tmp_path, monkeypatch):
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    yield InteractiveShell.instance()
    InteractiveShell.clear_instance()


def displayed(call):
    with capture_output() as captured:
        call()
    assert captured.stdout == captured.stderr == ""
    return [(output.data, output.metadata) for output in captured.outputs]


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        (3, 3),
        (0.25, 0.25),
        (1 / 3, 1 / 3),
        (1e-9, 1e-9),
        (-7, -7),
        (True, True),
        ("90.0% (90 of 100)", "90.0% (90 of 100)"),
        ("it's", "it's"),
        (np.float64(0.1), 0.1),
        (np.float32(0.5), 0.5),
        (np.int64(12), 12),
    ],
)
def test_glue_writes_what_myst_nb_writes(shell, value, plain):
    ours = displayed(lambda: show.glue(some_name=value))
    theirs = displayed(lambda: myst_nb.glue("some_name", plain, display=False))
    assert ours == theirs
    assert len(ours) == 1


def test_glue_takes_many(shell):
    records = displayed(lambda: show.glue(a=1, b=2.5))
    assert [metadata["scrapbook"]["name"] for _, metadata in records] == ["a", "b"]


def test_a_matrix_tells_the_mean_of_each_cell_and_what_is_blind():
    def runs(row, column, *right):
        return [{"row": row, "column": column, "chance": 0.25, "right": r, "total": 200} for r in right]

    drawn = show.matrix(
        runs("shape", "one", 190, 200) + runs("motion", "one", 50) + runs("shape", "other", 60),
        {("motion", "one"): 0.25},
    )
    alt = drawn.metadata["alt"]
    assert alt == "Accuracy by family and task. one: shape 98%, motion 25% (blind, at most 25%); other: shape 30%."
    pixels = np.asarray(Image.open(io.BytesIO(drawn.data)).convert("L"))
    assert pixels.min() < 80  # the cell that is nearly all right is dark
    assert drawn.width < 500


def test_one_run_has_no_lowest_and_highest():
    run = {"row": "shape", "column": "one", "chance": 0.5, "right": 50, "total": 100}
    alone, twice = show.matrix([run], {}), show.matrix([run, run], {})
    assert str(alone) == str(twice)
    ink = [(np.asarray(Image.open(io.BytesIO(drawn.data)).convert("L")) < 128).sum() for drawn in (alone, twice)]
    assert ink[0] < ink[1]


def outcomes(*words, row="shape", right=50):
    return [
        {"row": row, "column": "one", "chance": 0.5, "right": right, "total": 100, "outcome": word} for word in words
    ]


def test_a_matrix_counts_the_outcomes_of_a_cell_that_not_all_solved():
    alt = str(show.matrix(outcomes("collapsed", "solved", "collapsed", "hard", "memorised"), {}))
    assert alt == "Accuracy by family and task. one: shape 50% (1 solved, 1 hard, 1 memorised, 2 collapsed)."


def grey_of(*words, right=50):
    """A matrix with one cell of such outcomes, and one with all, so that the legend is the same; grey pixels."""
    every = [run | {"row": "motion"} for run in outcomes(*show.OUTCOMES)]
    return np.asarray(decoded(show.matrix(outcomes(*words, right=right) + every, {})).convert("L")).astype(int)


def test_a_matrix_marks_each_outcome_in_a_way_of_its_own():
    cells = [grey_of(word, "hard") for word in show.OUTCOMES]
    for one, other in itertools.combinations(cells, 2):
        assert (one != other).any()


@pytest.mark.parametrize(("right", "ink"), [(50, 0), (99, 255)])
def test_each_training_has_a_mark_in_the_colour_of_the_text(right, ink):
    for word in show.OUTCOMES:
        few, many = (grey_of("hard", *[word] * count, right=right) for count in (1, 4))
        assert (np.abs(many - ink) < 8).sum() > (np.abs(few - ink) < 8).sum()  # a palette may shift it a little


def test_a_matrix_without_failures_or_without_outcomes_has_no_marks():
    solved = outcomes("solved", "solved", right=100)
    plain = [{key: run[key] for key in run if key != "outcome"} for run in solved]
    assert show.matrix(solved, {}).data == show.matrix(plain, {}).data


def test_a_cell_with_a_ceiling_has_no_marks():
    ceilings = {("shape", "one"): 0.5}
    framed = show.matrix(outcomes("hard"), ceilings)
    assert str(framed) == "Accuracy by family and task. one: shape 50% (blind, at most 50%)."


def test_a_matrix_refuses_an_outcome_that_there_is_not():
    with pytest.raises(
        ValueError, match="outcome must be one of 'solved', 'hard', 'memorised', 'collapsed', not 'bad'"
    ):
        show.matrix(outcomes("bad"), {})


# Small arrays


def test_arrays_tells_every_number_and_draws_a_cell_for_each():
    clip = np.arange(12).reshape(3, 2, 2) - 3
    picture = show.arrays({"clip": clip, "mask": np.array([True, False]), "mean(clip)": clip.mean((1, 2))})
    assert str(picture) == (
        f"clip: {clip.tolist()}; mask: [True, False]. After an arrow, mean(clip): {clip.mean((1, 2)).tolist()}."
    )
    small = show.arrays({"clip": clip[:1], "mean(clip)": clip[:1].mean((1, 2))})
    assert picture.width > small.width or len(picture.data) > len(small.data)


def test_arrays_draws_larger_numbers_darker_and_negative_ones_in_another_colour():
    def colour(values):
        cell = Image.open(io.BytesIO(show.arrays({"x": np.array(values)}).data)).convert("RGB")
        left, top = 0.1 * 0.38 * 144, (0.75 + 0.1) * 0.38 * 144  # a little inside of the first cell, in pixels
        return cell.getpixel((round(left + 4), round(top + 2)))

    light, dark, warm = colour([1, 9]), colour([9, 9]), colour([-9, 9])
    assert sum(dark) < sum(light)
    assert warm[0] > warm[2] and dark[0] < dark[2]


@pytest.mark.parametrize(("array", "shape"), [(np.zeros((1, 1, 1, 1, 1)), r"\(1, 1, 1, 1, 1\)"), ([], r"\(0,\)")])
def test_arrays_refuses_what_it_cannot_draw_by_name(array, shape):
    with pytest.raises(ValueError, match=f"drawn must hold arrays of one to four axes, not 'x' of shape {shape}"):
        show.arrays({"x": array})


def test_an_array_too_large_to_be_drawn_number_by_number_is_refused_by_name():
    with pytest.raises(ValueError, match="drawn must hold arrays of at most 2000 numbers, not 'clip' of 76800"):
        show.arrays({"clip": np.zeros((1, 240, 320))})


# Confusion matrix


def test_a_confusion_matrix_says_what_it_shows():
    drawn = show.confusion_matrix([[1200, 0, 3], [0, 0, 0], [1, 0, 4]], ["normal", "never there", "fall"])
    assert (
        drawn.metadata["alt"] == "Confusion matrix. Of 1,203 normal: 1,200 normal, 3 fall. Of 5 fall: 1 normal, 4 fall."
    )


def test_a_cell_of_a_confusion_matrix_is_the_darker_the_larger_its_share_of_the_row():
    def dark(confusion):
        """The share of the picture in the darkest shade."""
        pixels = Image.open(io.BytesIO(show.confusion_matrix(confusion, ["a", "b"]).data)).convert("L")
        return (np.asarray(pixels) < 70).mean()

    assert dark([[900, 0], [0, 4]]) > 10 * dark([[450, 450], [2, 2]])


@pytest.mark.parametrize(
    ("confusion", "classes", "error", "part"),
    [
        ([[1, 2]], ["a"], ValueError, "confusion must be a square of counts"),
        ([[0.5, 0.5], [0, 1]], ["a", "b"], ValueError, "confusion must be a square of counts"),
        ([[1, -1], [0, 1]], ["a", "b"], ValueError, "confusion must be a square of counts"),
        ([[1, 2], [3, 4]], ["a"], ValueError, "classes must be 2 names, one for each row, not 1"),
        ([[1, 2], [3, 4]], "ab", TypeError, "classes must be a sequence of str"),
    ],
)
def test_a_confusion_matrix_takes_a_square_of_counts_and_a_name_for_each_row(confusion, classes, error, part):
    with pytest.raises(error, match=part):
        show.confusion_matrix(confusion, classes)
