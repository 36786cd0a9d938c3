"""What holds for every task and every option, and how what is drawn is spread."""

import math
import re
from collections import Counter
from decimal import Decimal
from fractions import Fraction
from itertools import count

import numpy as np
import pytest
from any_task import ALL_LABELS, EVERY_KIND, OURS, lengths, members
from hypothesis import given, settings
from hypothesis import strategies as st

import seqlib
from seqlib import rendering, tasks

pytestmark = pytest.mark.slow  # hundreds of random options each

TASKS = tuple(seqlib.TASKS)
LAST = 2**32 - 1


def examples(count):
    """The same examples every time, and none kept on disk."""
    return settings(max_examples=count, derandomize=True, deadline=None, database=None)


# Any options that are allowed


def corner(low, high):
    """The least, the most, and what lies beside them and between."""
    return st.sampled_from(sorted({low, min(low + 1, high), (low + high) // 2, max(low, high - 1), high}))


@st.composite
def spans(draw, low, high):
    first = draw(corner(low, high))
    return draw(st.sampled_from([first, (first, draw(corner(first, high)))]))


@st.composite
def allowed(draw, task, kind=None):
    """Options that `clips`, or `twins` of this kind, must take; clips are small, so that it is quick."""
    task = seqlib.TASKS[task]
    blank = kind == "shift"  # it takes a blank frame to shift the block into

    def default(frames):
        block, gap = task.layout(frames)
        return block, gap, isinstance(block, tuple)

    def shortest(frames):
        block, gap, fixed = default(frames)
        return max(block) if fixed else task.least_block if gap is None else 2 * task.least_block + 1

    least = next(frames for frames in count(task.least_frames) if shortest(frames) + blank <= frames)
    options = {"frames": draw(corner(least, max(17, least))), "resolution": draw(corner(8, 17))}
    options["size"] = draw(spans(2, options["resolution"] // 2))

    def maybe(name, values):
        if draw(st.booleans()):
            options[name] = draw(values)

    eighths = spans(int(task.needs_motion), 4 * options["resolution"] - 1)
    maybe("speed", eighths.map(lambda e: e / 8 if isinstance(e, int) else tuple(v / 8 for v in e)))
    maybe("brightness", spans(65, 191))
    maybe("noise", st.sampled_from([0, 18, 0.001, 8, np.float32(2.5)]))
    frames = options["frames"]
    block, gap, fixed = default(frames)
    if fixed:  # the block is the answer
        length = max(block)
    elif gap is None:
        length = max(task.least_block, frames // 2) if blank else block
        if draw(st.booleans()):
            length = options["block"] = draw(corner(task.least_block, frames - blank))
    else:
        if draw(st.booleans()):
            block = options["block"] = draw(corner(task.least_block, (frames - 1 - blank) // 2))
        room = frames - 2 * block - blank
        if gap > room or draw(st.booleans()):
            gap = options["gap"] = draw(corner(1, room))
        length = 2 * block + gap
    room = frames - length
    if blank:
        first = draw(corner(0, room - 1))
        maybe("onset", st.tuples(st.just(first), corner(first + 1, room)))
    else:
        maybe("onset", spans(0, room))
    return options


def same(drawn, others):
    return all(np.array_equal(a, b) for a, b in zip(drawn, others, strict=True))


def shown(function, *arguments, **options):
    """Which frames hold a shape; where and when is the same whatever the noise and the brightness."""
    return (function(*arguments, **(options | {"noise": 0, "brightness": 191}))[0] > 64).any((-3, -2, -1))


@pytest.mark.parametrize("task", TASKS)
@examples(100)
@given(data=st.data())
def test_any_allowed_options_give_balanced_pure_clips_of_the_right_type(task, data):
    options, seed = data.draw(allowed(task)), data.draw(st.sampled_from([0, 1, 2**31, LAST]))
    classes = len(seqlib.TASKS[task].classes)
    n = 2 * classes
    start = data.draw(st.sampled_from([0, classes, 2**31, LAST + 1 - n]))  # all of them multiples of classes
    x, y = seqlib.clips(task, n, seed, start=start, **options)
    side = options["resolution"]
    assert (x.dtype, x.shape) == (np.uint8, (n, options["frames"], side, side, 1))
    assert (y.dtype, y.shape) == (np.int64, (n,))
    assert x.min() > 0
    assert x.max() < 255
    assert (np.sort(y.reshape(2, classes), axis=1) == np.arange(classes)).all()
    first, length = data.draw(st.sampled_from([(0, 1), (1, n - 1), (n // 2, 1), (n - 1, 1)]))
    part = slice(first, first + length)
    assert same(seqlib.clips(task, length, seed, start=start + first, **options), (x[part], y[part]))


@pytest.mark.parametrize(("task", "kind"), EVERY_KIND)
@examples(60)
@given(data=st.data())
def test_any_allowed_options_give_exact_twins(task, kind, data):
    options, seed = data.draw(allowed(task, kind)), data.draw(st.sampled_from([0, 1, 2**31, LAST]))
    start = data.draw(st.sampled_from([0, 3, LAST - 4]))
    x, y = seqlib.twins(task, kind, 5, seed, start=start, **options)
    classes = len(seqlib.TASKS[task].classes)
    frames, side = options["frames"], options["resolution"]
    assert (x.dtype, x.shape) == (np.uint8, (members(task, kind), 5, frames, side, side, 1))
    assert (y.dtype, y.shape) == (np.int64, (members(task, kind), 5))
    assert x.min() > 0
    assert x.max() < 255
    assert same(seqlib.twins(task, kind, 2, seed, start=start + 3, **options), (x[:, 3:], y[:, 3:]))
    if kind in ALL_LABELS:
        assert (y == np.arange(classes)[:, None]).all()
    if kind == "middle":
        assert (x[:, :, frames // 2] == x[0, :, frames // 2]).all()
    elif kind == "reverse":
        assert np.array_equal(x[1], x[0][:, ::-1])
        assert np.array_equal(y[1], y[0] ^ 1)
    elif kind == "swap":
        lit = shown(seqlib.twins, task, kind, 5, seed, start=start, **options)[0]
        assert np.array_equal(y[1], 1 - y[0])
        for clip, twin, held in zip(*x, lit, strict=True):
            first, second = np.split(np.flatnonzero(held), 2)
            order = np.arange(frames)
            order[[*first, *second]] = [*second, *first]
            assert np.array_equal(twin, clip[order])
    elif kind == "stretch":
        lit = shown(seqlib.twins, task, kind, 5, seed, start=start, **options)
        assert np.array_equal(lit.sum(-1), np.tile(lengths(task, frames)[:, None], 5))
        for a in range(len(x)):
            for b in range(a):
                alike = lit[a] == lit[b]
                assert np.array_equal(x[a][alike], x[b][alike])
        if options.get("speed") in (0, (0, 0)) and options.get("noise") == 0:
            held = [{frame.tobytes() for frame in member[0]} for member in x]
            assert held == [held[0]] * 4
    else:
        assert np.array_equal(y[0], y[1])
        lit = shown(seqlib.twins, task, kind, 5, seed, start=start, **options)
        something = lit.any(-1)
        early, late = np.where(something, lit.argmax(-1), 0)
        later = set((late - early)[something[0]])
        assert len(later) == 1
        assert min(later) > 0
        assert np.array_equal(x[1], np.roll(x[0], later.pop(), axis=1))


# Any options that are not


ALWAYS_WRONG = {
    "n": [0, -1, 2**32 + 1, 1.0, "3", None, True, (3, 3)],
    "seed": [-1, 2**32, 0.0, "0", None, False, np.array([1])],
    "start": [-1, 2**32, 0.0, "0", None, True],
    "frames": [0, -8, 4097, 10**6, 8.0, "8", True, (8, 8), math.nan],
    "resolution": [0, 7, 513, 10**9, 16.0, "16", True, (16, 16), math.inf],
    "size": [0, 1, 513, -3, 4.5, (5, 4), (2, 3, 4), (), "4", True, (True, 3), 4j, math.nan, (2, math.inf), {3}],
    "speed": [-0.125, 256, 0.1, (2, 1), (1,), "1", True, 1j, math.nan, (0.5, math.inf), Decimal(1), {}],
    "brightness": [64, 192, 0, 255, -100, 99.5, (120, 100), (64, 100), (), "100", True, math.nan, (100, None)],
    "noise": [-0.001, 18.001, math.nan, math.inf, "8", True, (0, 8), 8j, Decimal(8), np.array([8.0])],
    "block": [0, -1, 4097, 1.0, "1", True, (1, 1), math.nan],
    "gap": [0, -1, 4097, 1.0, "1", True, (1, 1), math.nan],
    "onset": [-1, 4097, 0.5, (1, 0), (0, 1, 2), "0", True, math.nan, (0, math.inf), {0}],
    "colour": [0, None],
}


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("name", ALWAYS_WRONG)
@examples(12)
@given(data=st.data())
def test_one_wrong_option_among_allowed_ones_is_named(task, name, data):
    kind = data.draw(st.sampled_from([None, *seqlib.TASKS[task].twins]))
    options = (
        {"task": task, "n": 3} | data.draw(allowed(task, kind)) | {name: data.draw(st.sampled_from(ALWAYS_WRONG[name]))}
    )
    with pytest.raises((TypeError, ValueError), match=rf"\A{name} must|unexpected keyword argument '{name}'"):
        seqlib.twins(kind=kind, **options) if kind else seqlib.clips(**options)


numbers = st.one_of(
    st.integers(-2, 20),
    st.sampled_from([64, 65, 100, 191, 192, 4097, 10**10, 10**400]),
    st.sampled_from([0.0, 0.125, 0.5, 1.5, 2.0, 8.0, -1.0, 17.9, 1e308, math.nan, math.inf, -math.inf]),
    st.sampled_from([np.int8(3), np.uint8(9), np.uint64(16), np.float16(1.5), np.float32(0.1), np.float64(8)]),
    st.sampled_from([Fraction(1, 8), Fraction(1, 3), Decimal(2), 3j, True, np.False_]),
)
anything = st.one_of(
    numbers,
    st.none(),
    st.text(max_size=3),
    st.tuples(numbers, numbers),
    st.lists(numbers, max_size=3),
    st.sampled_from([b"8", {}, {3}, object, np.array([3, 4]), np.array(5), range(3, 5)]),
)
ONE_OF_THEM = rf"\A({'|'.join([*tasks.DEFAULTS, 'n', 'seed', 'start', 'task', 'kind'])}) |'nonsense'$"


@examples(600)
@given(data=st.data())
def test_whatever_is_given_there_are_clips_or_an_error_that_names_an_option(data):
    """Three options are replaced by anything at all; what is then drawn must be clips like any others."""
    task, kind = data.draw(st.sampled_from([*((task, None) for task in TASKS), *EVERY_KIND]))
    options = {"task": task, "n": 2, "seed": 0, "start": 0} | data.draw(allowed(task, kind))
    options |= {"kind": kind} if kind else {}
    names = st.sampled_from([*tasks.DEFAULTS, *options, "nonsense"])
    options |= data.draw(st.dictionaries(names, anything, max_size=3))
    try:
        x, y = seqlib.twins(**options) if kind else seqlib.clips(**options)
    except (TypeError, ValueError) as error:
        assert re.search(ONE_OF_THEM, str(error)), error
    else:
        assert x.dtype == np.uint8
        frames, side = (options[name] or tasks.DEFAULTS[name] for name in ("frames", "resolution"))  # None: the default
        assert x.shape[-4:-1] == (frames, side, side)
        assert 0 < x.min() <= x.max() < 255
        assert y.max() < len(seqlib.TASKS[task].classes)


# How what is drawn is spread


SPREAD_SEEDS = (0, 1, 2, 12345, LAST)
DRAWS = 20_000


@pytest.fixture
def drawn(monkeypatch):
    """`clips`, but for its pixels: the frame table that is rendered, and the labels."""

    def table(task, n, seed, **options):
        kept = []
        with monkeypatch.context() as context:
            context.setattr(rendering, "render", lambda table, *_: kept.append(table))
            _, y = seqlib.clips(task, n, seed, **options)
        return kept[0], y

    return table


def too_far(counts):
    """How many normal deviations the chi-squared of counts is away from that of equally likely cells.

    By the cube root of Wilson and Hilferty (1931), which is good to a hundredth of a deviation for 3 cells or more.
    """
    counts = np.asarray(counts).ravel()
    mean, free = counts.mean(), len(counts) - 1
    chi_squared = ((counts - mean) ** 2).sum() / mean
    spread = 2 / (9 * free)
    return abs((chi_squared / free) ** (1 / 3) - (1 - spread)) / math.sqrt(spread)


def what_was_drawn(task, table, label, options):
    """Yield, for each thing that is drawn, its name, its values counted from 0, and how many values there are.

    Of clips that show something; read off at the first frame that shows it, and the label tells nothing about it.
    """
    clip = np.arange(len(label))
    lit = table.contrast > 0
    begun = np.diff(lit, axis=1, prepend=False) & lit
    side = options["resolution"] * rendering.SUBPIXELS
    slowest, fastest = (round(8 * speed) for speed in options["speed"])
    for appearance in range(2 if task == "order" else 1):
        at = clip, (begun.cumsum(1) > appearance).argmax(1)
        after = clip, at[1] + 1
        for name, (low, high) in (("size", options["size"]), ("brightness", options["brightness"])):
            value = table.size if name == "size" else table.contrast + 64
            yield name, value[at] - low, high - low + 1
        for name, position in (("y", table.y), ("x", table.x)):
            yield f"{name} position", position[at] % side, side
            yield f"{name} phase", position[at] % 8, 8
        if task not in ("shape", "order"):
            yield "kind", table.kind[at], 4
        if task != "event":  # there it is seen in one frame only
            down, right = table.y[after] - table.y[at], table.x[after] - table.x[at]
            yield "speed", abs(down) + abs(right) - slowest, fastest - slowest + 1
            if task != "direction":
                yield "direction", 2 * (down != 0) + (down + right > 0), 4
    if task == "order":
        yield "onset", begun.argmax(1) - 1, 5  # 16 frames, less blocks of 2 and a gap of 6, and a blank one at the end
    if task == "event":
        yield "onset", begun.argmax(1) - 1, 14


@pytest.mark.parametrize("task", OURS)
@pytest.mark.parametrize(
    "options",
    [
        {"resolution": 32, "size": (8, 11), "speed": (1, 2), "brightness": (128, 191)},
        {"resolution": 20, "size": (2, 8), "speed": (0.125, 3), "brightness": (65, 84)},
    ],
)
def test_everything_that_is_drawn_is_uniform_for_each_label(task, options, drawn):
    """At most 4.5 deviations: in the 340 counts made here, chance alone exceeds that with p = 0.003."""
    counts = 0
    for seed in SPREAD_SEEDS:
        table, label = drawn(task, DRAWS, seed, **options)
        seen = (table.contrast > 0).any(1)
        assert np.array_equal(seen, label == 1) if task == "event" else seen.all()
        table, label = type(table)(*(field[seen] for field in table)), label[seen]
        labels = np.unique(label, return_inverse=True)[1]
        for name, value, levels in what_was_drawn(task, table, label, options):
            assert (value.min(), value.max()) == (0, levels - 1), (name, seed)
            joint = np.bincount(labels * levels + value, minlength=(labels.max() + 1) * levels)
            assert too_far(joint) < 4.5, (name, seed)
            counts += 1
    assert counts >= 5 * 7


@pytest.mark.parametrize("task", TASKS)
def test_runs_of_labels_begin_with_each_class_equally_often(task, drawn):
    classes = len(seqlib.TASKS[task].classes)
    for seed in SPREAD_SEEDS:
        first = drawn(task, DRAWS, seed)[1][::classes]
        assert too_far(np.bincount(first, minlength=classes)) < 4.5
        pairs = first[:-1:2] * classes + first[1::2]
        assert too_far(np.bincount(pairs, minlength=classes**2)) < 4.5


@pytest.mark.parametrize("frames", [16, 32])
def test_durations_begin_at_any_frame_that_leaves_a_blank_one_at_either_end(frames, drawn):
    for seed in SPREAD_SEEDS:
        table, label = drawn("duration", DRAWS, seed, frames=frames)
        onset = (table.contrast > 0).argmax(1) - 1
        for answer, eighths in enumerate((1, 3, 5, 7)):
            places = frames - frames * eighths // 8 - 1
            counts = np.bincount(onset[label == answer], minlength=places)
            assert len(counts) == places
            assert places == 1 or too_far(counts) < 4.5, (seed, answer)


def test_too_far_tells_what_is_uneven_and_what_is_too_even():
    """Else the tests above could not fail."""
    generator = np.random.default_rng(0)
    random, counted = generator.integers(0, 64, DRAWS), np.arange(DRAWS) % 64
    one_in_65_again = generator.integers(0, 65, DRAWS) % 64
    assert too_far(np.bincount(random)) < 4.5
    assert too_far(np.bincount(one_in_65_again)) > 4.5
    assert too_far(np.bincount(counted)) > 4.5


MANY = 100_000
SMALL = {"resolution": 16, "size": (5, 8), "brightness": (128, 191), "speed": (1, 2)}


def repeats(x):
    """How many pairs of clips are the same, blank ones aside."""
    pixels = x.reshape(len(x), -1)
    counts = Counter(clip.tobytes() for clip in pixels[pixels.max(1) > 64])
    return counts.total(), sum(count * (count - 1) // 2 for count in counts.values())


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("seed", [0, LAST])
def test_no_noisy_clip_occurs_twice_in_100_000(task, seed):
    """No two clips of a seed share the noise of a frame t: the hash maps their indices one to one to its key."""
    x, _ = seqlib.clips(task, MANY, seed, frames=seqlib.TASKS[task].least_frames, resolution=8, size=(2, 4))
    assert repeats(x) == (MANY, 0)


@pytest.mark.parametrize("seed", [0, LAST])
def test_no_two_clips_have_the_same_noise_in_another_order(seed):
    """Sixteen frames of one clip are not those of another put elsewhere, though single ones are (2**32 keys)."""
    draw = tasks.Draw("event", seed, np.arange(MANY), tasks._options(seqlib.TASKS["event"]))
    keys = np.sort(draw.appearance("shape", np.zeros(MANY, int), np.ones(MANY, int)).noise, 1)
    assert len(np.unique(keys, axis=0)) == len(keys) == MANY
    assert (np.diff(keys, axis=1) != 0).all(1).mean() > 0.999


@pytest.mark.parametrize("task", OURS)
@pytest.mark.parametrize("seed", [0, LAST])
def test_clean_clips_repeat_no_more_often_than_birthdays_do(task, seed):
    """Of n draws from N equally likely scenes n (n - 1) / 2 N pairs are the same, give or take its square root.

    Five of these are allowed. A still picture is of one of so many kinds, sizes, brightnesses and places; one that
    moves, also of 4 directions and 9 speeds.
    """
    frames = seqlib.TASKS[task].least_frames + (task == "shape")
    x, _ = seqlib.clips(task, MANY, seed, frames=frames, noise=0, **SMALL)
    still = 4 * 4 * 64 * (16 * 8) ** 2
    scenes = {
        "shape": 36 * still,
        "direction": 36 * still,
        "order": 2 * (still // 4) ** 2,
        "event": still,
        "duration": 6 * still,  # the quarter that is seen in one frame of 8 begins in any of 6; others hardly repeat
    }[task]
    shown, same_pairs = repeats(x)
    assert shown == (MANY // 2 if task == "event" else MANY)
    n = MANY // 4 if task == "duration" else shown
    expected = n * (n - 1) / (2 * scenes) + (3 * n * (n - 1) / (2 * 36 * still) if task == "duration" else 0)
    assert same_pairs <= expected + 5 * math.sqrt(expected)
