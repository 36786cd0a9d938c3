"""Clips: their bytes, their randomness, and what they show, read from the pixels alone."""

import hashlib
import math

import numpy as np
import pytest
from any_task import OURS, enough_frames, lengths

import seqlib
from seqlib import rendering

TASKS = tuple(seqlib.TASKS)
BACKGROUND = 64
DOWN, RIGHT = {"down": 1, "up": -1}, {"right": 1, "left": -1}

# Clip i of a seed is for ever the same bytes. If one of these changes, every number in the course may change.
FROZEN = [
    ("clips", ("shape", 5), {}, "9c9b3251966f10ab2451ec76edd1a780fb16714be1a155ed555f53ede77d58f0"),
    ("clips", ("direction", 5), {}, "986448f0b55723effbeacd2d7badd6db16c968c53b50393929b8728dbcaa6f22"),
    ("clips", ("order", 5), {}, "bb59ca76dcbf2e1212dbd1ef645d9995fe36b08bf50c1e40d5706a9751a6f091"),
    (
        "clips",
        ("shape", 3, 2**32 - 1),
        {"frames": 7, "noise": 0},
        "125954a0b26cd406c1e9ff3cd74dd063011866a501330eab52f653de3cc6e2be",
    ),
    (
        "clips",
        ("direction", 3, 1),
        {"start": 2**32 - 3, "resolution": 24, "noise": 2.5},
        "87a25b15bec6d2205f14284a2c87611146a27732928e927eec24b23e9da1bc7c",
    ),
    (
        "clips",
        ("order", 3, 2),
        {"start": 10**6, "frames": 7, "resolution": 33, "size": (3, 9), "speed": (0.125, 4), "noise": 18},
        "f8aeac417b6e1b6dfc650d86489b95ce6149783eb13de63bcd8824988ea285ef",
    ),
    (
        "clips",
        ("direction", 2, 3),
        {"resolution": 48, "size": 16, "speed": 1.5, "block": 5, "onset": (2, 9)},
        "49da7547cce4823d487e3a6be54ad32d5d04357b1c9d2e4a91ad3b35dc9e81ba",
    ),
    (
        "clips",
        ("order", 2, 4),
        {"frames": 32, "block": 2, "gap": 10, "onset": 9, "noise": 0},
        "9fe6363ffb0040ec51c6388d47326965cbd1048cd986122bcf305e4fd74934b0",
    ),
    ("clips", ("shape", 2, 5), {"frames": 1}, "5b0ef8cc48b7bc5897d95f4f6a519ac12dd640bde0b870f084582e861c22f11b"),
    ("twins", ("direction", "middle", 3, 6), {}, "437f774ba48b46fd79d16b806d63e61e37c1e7c25a2a533ac053e98d2ea62009"),
    (
        "twins",
        ("direction", "reverse", 3, 2**32 - 1),
        {"start": 77, "frames": 9, "resolution": 27},
        "7ab44194e2faa8b431dc4222bc087c6ce8dffc82f03699f1a4bd20781c8c9710",
    ),
    (
        "twins",
        ("order", "swap", 3, 7),
        {"frames": 12, "noise": 0},
        "9129e3e4523d53c980abb4d0e9a433b42fff4bd56f186dd3ded8570bebb7a6b5",
    ),
    (
        "twins",
        ("shape", "shift", 3, 8),
        {"onset": (1, 5)},
        "91f0be7d9bc7e2682591af64ced023ba99365c34572c1bd4e1fbfc9b1efa5b27",
    ),
    (
        "twins",
        ("order", "shift", 3, 9),
        {"start": 5},
        "3246158756ab8dbbc6396d8cab132ffd9e444ccbd00efd9d2c065e9d9d186fb2",
    ),
    ("clips", ("event", 6), {}, "80bf60a8826d64d6685a34d1e9351c90a0e866b1fe314ef7c584b79134538ebc"),
    (
        "clips",
        ("event", 4, 2**32 - 1),
        {"start": 2**32 - 4, "frames": 5, "resolution": 16, "size": (2, 8), "noise": 0},
        "fee1bb7db6b7ee2e1a17ade94fd35a9ad322267c8146c4b7f81f804eb4cdeae0",
    ),
    (
        "clips",
        ("event", 4, 1),
        {"brightness": (65, 191), "speed": 0, "onset": (0, 15), "noise": 18},
        "84d7ce233f6e2daf6cb4d64dd22c053ca2c34cc88e52dcabd118d2d09012d682",
    ),
    ("clips", ("duration", 5), {}, "ca17e147aaa2a3ef87b32eb3deea80d2f1fb5918ecfeb44fd12be9db4a512646"),
    (
        "clips",
        ("duration", 8, 3),
        {"start": 9, "frames": 11, "resolution": 23, "size": 7, "speed": (0, 0.5), "noise": 3},
        "de2fc71e42375af155111e7afe837fee27385b7e1d297958f5f201f1f799acfc",
    ),
    (
        "clips",
        ("duration", 4, 4),
        {"frames": 24, "brightness": 150, "onset": (0, 3), "noise": 0},
        "219e2699fa21a8a77d93bc20c9603563670e70459601c57ba443ec3dccdd2f13",
    ),
    (
        "clips",
        ("order", 3, 5),
        {"brightness": (65, 70), "noise": 1},
        "310e9a9395b845a4b812e79fcf8b50dc2c2408295216bd151cf87aceb802cbe6",
    ),
    ("twins", ("duration", "stretch", 3, 6), {}, "c4aae4d72e22a99a04cb530bdfdd8d8459e59e4037cfcef3de9e94140bd0eaad"),
    (
        "twins",
        ("duration", "stretch", 3, 7),
        {"start": 8, "frames": 8, "speed": 0, "noise": 0},
        "8f19fd48855bde44a1f236d39b23dcbef0eeacf2197d973589497399834167ce",
    ),
    (
        "twins",
        ("duration", "shift", 3, 8),
        {"frames": 20, "onset": (1, 3)},
        "e663c3a85c5731e96081570da529beb6fcc40322c40e3579c7d65275402072db",
    ),
    (
        "twins",
        ("event", "shift", 4, 9),
        {"start": 6},
        "abc825ec617d5b560f9dfe08fe9b89099c929f3273a170e3a4e257c96e41e477",
    ),
]


@pytest.mark.parametrize(("function", "arguments", "options", "sha256"), FROZEN)
def test_the_bytes_of_these_calls_never_change(function, arguments, options, sha256):
    x, y = getattr(seqlib, function)(*arguments, **options)
    assert hashlib.sha256(x.tobytes() + y.astype("<i8").tobytes()).hexdigest() == sha256


def same(drawn, others):
    return all(np.array_equal(a, b) for a, b in zip(drawn, others, strict=True))


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("options", [{}, {"noise": 0, "frames": 9, "resolution": 25}])
def test_any_slice_made_alone_is_the_slice_of_the_whole(task, options):
    options = enough_frames(task, options)
    x, y = seqlib.clips(task, 70, 3, **options)
    for start, n in [(0, 1), (1, 1), (5, 40), (17, 16), (33, 37), (69, 1)]:
        assert same(seqlib.clips(task, n, 3, start=start, **options), (x[start : start + n], y[start : start + n]))


@pytest.mark.parametrize("task", TASKS)
def test_the_last_clip_of_all_can_be_drawn(task):
    x, _ = seqlib.clips(task, 1, 2**32 - 1, start=2**32 - 1)
    assert same(seqlib.clips(task, 2, 2**32 - 1, start=2**32 - 2)[0][1:], x)


@pytest.mark.parametrize("task", TASKS)
def test_no_two_clips_of_a_seed_or_of_other_seeds_or_tasks_are_the_same(task):
    seeds = (0, 1, 2, 2**16, 2**31, 2**32 - 1)
    drawn = [seqlib.clips(task, 100, seed, noise=0)[0] for seed in seeds]
    other = [seqlib.clips(name, 100, 0, noise=0)[0] for name in TASKS if name != task]
    shown = [clip.tobytes() for x in drawn + other for clip in x if clip.max() > BACKGROUND]
    names = [task] * len(seeds) + [name for name in TASKS if name != task]
    assert len(shown) == sum(100 * (lengths(name) > 0).mean() for name in names)  # the others are blank
    assert len(set(shown)) == len(shown)


@pytest.mark.parametrize("task", TASKS)
def test_other_seeds_order_the_labels_otherwise(task):
    orders = {seqlib.clips(task, 64, seed, noise=0)[1].tobytes() for seed in range(20)}
    assert len(orders) == 20


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("seed", [0, 1, 2**32 - 1])
def test_every_aligned_run_of_labels_holds_each_class_once(task, seed):
    classes = len(seqlib.TASKS[task].classes)
    labels = seqlib.clips(task, 60 * classes, seed, start=2 * classes, resolution=22, noise=0)[1]
    runs = np.sort(labels.reshape(-1, classes), axis=1)
    assert np.array_equal(runs, np.tile(np.arange(classes), (60, 1)))


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("options", [{}, {"frames": 9, "resolution": 23}, {"noise": 0}])
def test_types_and_shapes(task, options):
    options = enough_frames(task, options)
    x, y = seqlib.clips(task, 5, **options)
    frames, side = options.get("frames", 16), options.get("resolution", 32)
    assert x.dtype == np.uint8
    assert y.dtype == np.int64
    assert x.shape == (5, frames, side, side, 1)
    assert y.shape == (5,)


def test_numpy_numbers_are_numbers():
    """A loop variable, an element of an array: they mean what the Python number means."""
    plain = seqlib.clips("order", 3, 4, start=5, frames=12, resolution=20, size=6, speed=2, block=2, gap=3, onset=4)
    numpy = seqlib.clips(
        "order",
        np.int64(3),
        np.uint32(4),
        start=np.int32(5),
        frames=np.int16(12),
        resolution=np.uint8(20),
        size=np.int64(6),
        speed=np.float32(2),
        noise=np.float64(8),
        block=np.int8(2),
        gap=np.uint64(3),
        onset=(np.int64(4), np.int64(4)),
    )
    assert same(plain, numpy)


@pytest.mark.parametrize("task", TASKS)
def test_a_task_object_is_as_good_as_its_name(task):
    assert same(seqlib.clips(seqlib.TASKS[task], 4), seqlib.clips(task, 4))


def test_chance_is_one_over_the_number_of_classes():
    assert [seqlib.TASKS[name].chance for name in OURS] == [0.25, 0.25, 0.5, 0.5, 0.25]
    assert all(task.chance == 1 / len(task.classes) for task in seqlib.TASKS.values())


# Noise and grey levels


@pytest.mark.parametrize("task", TASKS)
def test_nothing_reaches_black_or_white_at_the_largest_noise(task):
    x, _ = seqlib.clips(task, 500, 2, noise=18)
    assert x.min() > 0
    assert x.max() < 255


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("noise", [1, 8, 18])
def test_noise_has_the_stated_deviation_and_mean(task, noise):
    """A noisy clip less the clean one is the noise alone, for nothing clips.

    Standard errors over N pixels are s / sqrt(N) and, as its kurtosis is below 3, at most s / sqrt(2 N); four of them
    are allowed. Rounding to grey levels adds 1/12 to the variance.
    """
    noisy, clean = (seqlib.clips(task, 60, 5, noise=level)[0].astype(int) for level in (noise, 0))
    difference = noisy - clean
    deviation = math.sqrt(noise**2 + 1 / 12)
    error = deviation / math.sqrt(difference.size)
    assert abs(difference.mean()) < 4 * error
    assert abs(difference.std() - deviation) < 4 * error / math.sqrt(2) + 0.002 * noise
    assert abs(difference).max() <= 3.46 * noise + 1


def test_each_frame_of_each_clip_has_noise_of_its_own_and_pixels_are_independent():
    """Correlations of N independent pixels deviate from 0 by 1 / sqrt(N); the worst of 11,000 pairs stays below 5."""
    x = seqlib.clips("direction", 10, 6)[0].astype(float) - seqlib.clips("direction", 10, 6, noise=0)[0]
    frames = x.reshape(160, 1024)
    correlation = np.corrcoef(frames)
    assert np.abs(correlation[~np.eye(160, dtype=bool)]).max() < 5 / math.sqrt(1024)
    field = x[..., 0]
    for axis in (1, 2, 3):  # neighbours in time, in height, in width
        here, there = np.delete(field, 0, axis), np.delete(field, -1, axis)
        assert abs(np.corrcoef(here.ravel(), there.ravel())[0, 1]) < 4 / math.sqrt(here.size)


def test_noise_does_not_depend_on_what_is_drawn():
    """So that a clip and its clean or slower version differ in one thing only."""
    noises = [
        seqlib.clips("shape", 4, 1, speed=speed)[0].astype(int) - seqlib.clips("shape", 4, 1, speed=speed, noise=0)[0]
        for speed in (1, 2)
    ]
    assert np.array_equal(*noises)


@pytest.mark.parametrize("task", OURS)
@pytest.mark.parametrize("brightness", [None, 65, (120, 127)])
def test_background_is_64_and_a_shape_is_as_bright_as_told(task, brightness):
    """Where a shape covers a whole pixel; from size 5 on it does, wherever it stands."""
    default = (88, 112) if task == "event" else (128, 191)
    low, high = default if brightness is None else (brightness, brightness) if brightness == 65 else brightness
    x, _ = seqlib.clips(task, 3000, 1, noise=0, frames=8, **({} if brightness is None else {"brightness": brightness}))
    assert x.min() == BACKGROUND
    if task == "order":  # two shapes, each with a brightness of its own
        peaks = x.max((2, 3, 4))
        assert set(np.unique(peaks)) == {BACKGROUND, *range(low, high + 1)}
        lit = np.sort(peaks, axis=1)[:, -2:]
        assert low == high or (lit[:, 0] != lit[:, 1]).mean() > 0.8
    else:
        nothing = {BACKGROUND} if task == "event" else set()
        assert set(np.unique(x.max((1, 2, 3, 4)))) == nothing | set(range(low, high + 1))


def areas(clips):
    """The area in pixels of the shape in each frame of clean clips; 0 where it is blank."""
    above = clips[..., 0].astype(float) - BACKGROUND
    return above.sum((-2, -1)) / np.maximum(above.max((-2, -1)), 1)


def test_the_number_of_sizes_is_bounded_and_not_how_large_they_are(monkeypatch):
    """To what fits into an atlas; none is made here, as it would take 268 MB."""
    monkeypatch.setattr(rendering, "render", lambda *_: None)
    for size, resolution in [(16, 128), ((8, 11), 256), ((8, 15), 181), (256, 512)]:
        seqlib.clips("shape", 4, size=size, resolution=resolution)
    for size, resolution, most in [((8, 12), 256, 4), ((8, 16), 181, 8), ((8, 9), 512, 1)]:
        with pytest.raises(ValueError, match=rf"\Asize must span at most {most} size"):
            seqlib.clips("shape", 4, size=size, resolution=resolution)


@pytest.mark.parametrize(("size", "sizes"), [((8, 11), {8, 9, 10, 11}), (9, {9}), ((12, 16), {12, 13, 14, 15, 16})])
def test_sizes_are_sides_of_squares_of_equal_area_whatever_the_shape(size, sizes):
    x, y = seqlib.clips("shape", 400, 3, size=size, frames=1, noise=0)
    side = np.sqrt(areas(x)[:, 0])
    assert np.abs(side - side.round()).max() < 0.05
    for kind in range(4):
        assert set(side[y == kind].round().astype(int)) == sizes


@pytest.mark.parametrize("task", ["shape", "direction", "order"])
def test_mean_brightness_is_the_same_for_all_classes(task):
    """Class means of n clips of deviation s differ by no more than 4.5 s sqrt(2 / n)."""
    x, y = seqlib.clips(task, 4000, 8, noise=0)
    brightness = x.mean((1, 2, 3, 4))
    classes = len(seqlib.TASKS[task].classes)
    means = [brightness[y == label].mean() for label in range(classes)]
    assert max(means) - min(means) < 4.5 * brightness.std() * math.sqrt(2 * classes / 4000)


def test_an_unknown_task_is_called_one():
    with pytest.raises(ValueError, match=r"\Atask must be one of"):
        seqlib.clips("motion", 4)


# Motion


def displacements(clips):
    """How far the shape moves from frame to frame of clean clips, in pixels down and right, (n, T - 1, 2).

    From the phase of the first harmonic: a shift by d pixels turns it by 2 pi d / W. Exact but for rounded grey levels.
    """
    above = clips[..., 0].astype(float) - BACKGROUND
    found = []
    for axis in (-1, -2):  # sum over columns to see motion down, over rows to see motion to the right
        profile = above.sum(axis)
        harmonic = np.fft.fft(profile)[..., 1]
        turn = np.angle(harmonic[:, 1:] * np.conj(harmonic[:, :-1]))
        found.append(-turn * profile.shape[-1] / (2 * math.pi))
    return np.stack(found, -1)


def heading(label):
    name = seqlib.TASKS["direction"].classes[label]
    return np.array([DOWN.get(name, 0), RIGHT.get(name, 0)])


@pytest.mark.parametrize("speed", [1, 2, 5])
@pytest.mark.parametrize("resolution", [32, 25])
def test_at_a_whole_speed_every_frame_is_the_first_one_rolled_the_way_of_its_label(speed, resolution):
    x, y = seqlib.clips("direction", 12, 4, frames=40, speed=speed, resolution=resolution, noise=0)
    assert set(y) == {0, 1, 2, 3}
    for clip, label in zip(x, y, strict=True):
        for t, frame in enumerate(clip):
            assert np.array_equal(frame, np.roll(clip[0], t * speed * heading(label), (0, 1)))


@pytest.mark.parametrize("eighths", [1, 2, 4, 12])
def test_at_a_speed_in_eighths_frames_repeat_rolled_after_whole_pixels_and_differ_between(eighths):
    x, y = seqlib.clips("direction", 8, 4, frames=18, speed=eighths / 8, noise=0)
    period = 8 // math.gcd(8, eighths)
    for clip, label in zip(x, y, strict=True):
        pixels = period * eighths // 8 * heading(label)
        for t in range(period, 18):
            assert np.array_equal(clip[t], np.roll(clip[t - period], pixels, (0, 1)))
        assert len({clip[t].tobytes() for t in range(period)}) == period


@pytest.mark.parametrize("speed", [(1, 2), (0.125, 0.5), 1.375, (2.5, 6)])
def test_speeds_are_in_the_range_in_eighths_and_straight_and_steady(speed):
    low, high = speed if isinstance(speed, tuple) else (speed, speed)
    x, y = seqlib.clips("direction", 400, 9, frames=6, speed=speed, noise=0)
    moved = displacements(x)
    along = (moved * np.array([heading(label) for label in y])[:, None]).sum(-1)
    across = np.abs(moved).min(-1)
    assert across.max() < 0.06
    assert np.abs(along - along.mean(1, keepdims=True)).max() < 0.06
    eighths = along.mean(1) * 8
    assert np.abs(eighths - eighths.round()).max() < 0.3
    assert set(eighths.round().astype(int)) == set(range(int(8 * low), int(8 * high) + 1))


@pytest.mark.parametrize("task", ["shape", "direction"])
def test_a_moving_shape_keeps_its_light_also_across_borders(task):
    """Rounding moves each rim pixel by half a grey level at most, to and fro: 20 levels in all are ample."""
    x, _ = seqlib.clips(task, 60, 3, noise=0, frames=40)
    light = (x[..., 0].astype(int) - BACKGROUND).sum((-2, -1))
    assert np.abs(light - light.mean(1, keepdims=True)).max() <= 20
    borders = np.concatenate([x[:, :, 0], x[:, :, -1], x[:, :, :, 0], x[:, :, :, -1]], axis=2)
    assert (borders > BACKGROUND).any((1, 2, 3)).all()  # each clip did cross a border in 40 frames


@pytest.mark.parametrize("task", ["shape", "order"])
def test_what_is_not_asked_varies_freely(task):
    """Every direction is met with every class, and the middle of the shape falls into every ninth of the frame."""
    blocks = {"gap": 2, "block": 2} if task == "order" else {}
    x, y = seqlib.clips(task, 600, 12, noise=0, frames=8, **blocks)
    lit = (x > BACKGROUND).any((2, 3, 4))
    first = lit.argmax(1)
    pair = np.stack([x[np.arange(600), first], x[np.arange(600), first + 1]], 1)
    moved = displacements(pair)[:, 0].round()
    headings = np.sign(moved).astype(int) @ [3, 1]
    for label in set(y):
        assert set(headings[y == label]) == {3, -3, 1, -1}
    above = pair[:, 0, ..., 0].astype(float) - BACKGROUND
    third = 2 * math.pi / 3
    where = [(np.angle(np.fft.ifft(above.sum(axis))[:, 1]) + 0.01) % (3 * third) // third for axis in (-1, -2)]
    counts = np.bincount((3 * where[0] + where[1]).astype(int), minlength=9)
    assert np.abs(counts - 600 / 9).max() < 5 * math.sqrt(600 / 9)


def test_the_middle_of_a_shape_may_be_any_eighth_of_any_pixel(monkeypatch):
    """Of 10,000 that stand still, one of 128 places is taken by none with a chance of exp(-78) * 128."""
    kept = []
    monkeypatch.setattr(rendering, "render", lambda table, *_: kept.append(table))
    _, label = seqlib.clips("event", 20_000, 3, speed=0, resolution=16, size=4)
    for position in (kept[0].y, kept[0].x):
        assert (position == position[:, :1]).all()
        assert set(np.unique(position[label == 1] % (16 * rendering.SUBPIXELS))) == set(range(16 * 8))


# When something is seen


def runs(lit):
    """Lengths of the runs of one clip's lit and blank frames, as [(lit, length), ...]."""
    cuts = np.flatnonzero(np.diff(lit)) + 1
    return [(bool(part[0]), len(part)) for part in np.split(lit, cuts)]


@pytest.mark.parametrize("task", ["shape", "direction"])
@pytest.mark.parametrize("frames", [2, 7, 16])
def test_by_default_a_single_shape_is_seen_in_every_frame(task, frames):
    x, _ = seqlib.clips(task, 60, frames=frames, noise=0)
    assert (x.max((2, 3, 4)) >= 128).all()


@pytest.mark.parametrize("frames", [8, 16, 24, 32])
def test_order_shows_two_blocks_with_a_gap_and_blank_first_middle_and_last_frames(frames):
    x, _ = seqlib.clips("order", 300, 2, frames=frames, noise=0)
    lit = (x > BACKGROUND).any((2, 3, 4))
    assert not lit[:, [0, frames // 2, -1]].any()
    onsets = set()
    for clip in lit:
        (_, before), (_, first), (_, gap), (_, second), (_, after) = runs(clip)
        onsets.add(before)
        assert (first, gap, second) == (frames // 8, 3 * frames // 8, frames // 8)
        assert min(before, after) >= 1
    assert onsets == set(range(1, frames - 2 * (frames // 8) - 3 * frames // 8))


@pytest.mark.parametrize(
    ("frames", "block", "gap", "onset"), [(12, 3, 4, 0), (12, 3, 4, 2), (20, 1, 1, 17), (9, 4, 1, 0)]
)
def test_order_keeps_to_the_block_gap_and_onset_it_is_given(frames, block, gap, onset):
    x, _ = seqlib.clips("order", 20, frames=frames, block=block, gap=gap, onset=onset, noise=0)
    expected = np.zeros(frames, bool)
    expected[onset : onset + block] = expected[onset + block + gap : onset + 2 * block + gap] = True
    assert ((x > BACKGROUND).any((2, 3, 4)) == expected).all()


@pytest.mark.parametrize("task", ["shape", "direction"])
@pytest.mark.parametrize(
    ("block", "onset", "allowed"), [(5, (2, 9), range(2, 10)), (4, None, range(1, 12)), (15, None, (0, 1))]
)
def test_a_block_is_seen_for_its_length_and_begins_in_its_range(task, block, onset, allowed):
    x, _ = seqlib.clips(task, 300, 3, block=block, onset=onset, noise=0)
    lit = (x > BACKGROUND).any((2, 3, 4))
    assert (lit.sum(1) == block).all()
    begins = lit.argmax(1)
    assert all(lit[i, begin : begin + block].all() for i, begin in enumerate(begins))
    assert set(begins) == set(allowed)


@pytest.mark.parametrize("frames", [1, 2, 3, 4, 16, 33])
@pytest.mark.parametrize("options", [{}, {"brightness": 65, "speed": 0}, {"onset": 0}])
def test_event_is_one_frame_with_a_shape_or_none(frames, options):
    x, y = seqlib.clips("event", 40 * frames, 3, frames=frames, noise=0, **options)
    lit = (x > BACKGROUND).any((2, 3, 4))
    assert np.array_equal(lit.sum(1), y)
    at_either_end = {0} if "onset" in options else {0, frames - 1}  # where a blank frame fits on both sides, none is
    assert set(lit[y == 1].argmax(1)) == (
        at_either_end if frames < 3 or "onset" in options else set(range(1, frames - 1))
    )


@pytest.mark.parametrize("frames", [8, 16, 24, 32])
@pytest.mark.parametrize("options", [{}, {"speed": 0, "brightness": 65}, {"onset": (0, 1)}])
def test_duration_is_one_three_five_or_seven_eighths_of_the_frames_in_one_piece(frames, options):
    x, y = seqlib.clips("duration", 1600, 4, frames=frames, resolution=22, noise=0, **options)
    lit = (x > BACKGROUND).any((2, 3, 4))
    assert np.array_equal(8 * lit.sum(1), frames * np.array([1, 3, 5, 7])[y])
    assert not lit.all(1).any()
    for label, eighths in enumerate((1, 3, 5, 7)):
        length, begins = frames * eighths // 8, lit[y == label].argmax(1)
        assert all(clip[begin : begin + length].all() for clip, begin in zip(lit[y == label], begins, strict=True))
        last = frames - length
        margin = 1 if last > 1 else 0  # a blank frame at either end, if there is room for two
        assert set(begins) == ({0, 1} if "onset" in options else set(range(margin, last - margin + 1)))


@pytest.mark.parametrize("frames", [9, 12, 15])
def test_duration_rounds_down_where_eighths_are_not_whole_and_stays_four_different_numbers(frames):
    x, y = seqlib.clips("duration", 40, 4, frames=frames, noise=0)
    lit = (x > BACKGROUND).any((2, 3, 4)).sum(1)
    lengths = [set(lit[y == label]) for label in range(4)]
    assert lengths == [{frames * eighths // 8} for eighths in (1, 3, 5, 7)]
    assert 1 <= min(lit) < max(lit) < frames


@pytest.mark.parametrize("task", ["event", "duration"])
def test_at_speed_0_a_shape_stands_still(task):
    x, y = seqlib.clips(task, 40, 5, frames=16, speed=0, noise=0)
    for clip, label in zip(x, y, strict=True):
        distinct = {frame.tobytes() for frame in clip}
        assert len(distinct) == (1 if task == "event" and label == 0 else 2)


def test_blank_frames_are_background_and_noise():
    clean, noisy = (seqlib.clips("order", 40, 1, onset=3, noise=noise)[0] for noise in (0, 8))
    assert (clean[:, :3] == BACKGROUND).all()
    assert (clean[:, 5:11] == BACKGROUND).all()
    assert (clean[:, 13:] == BACKGROUND).all()
    blank = noisy[:, :3].astype(float)
    assert abs(blank.mean() - BACKGROUND) < 4 * 8 / math.sqrt(blank.size)
    assert abs(blank.std() - 8) < 4 * 8 / math.sqrt(2 * blank.size) + 0.02


def silhouettes(frame):
    """Say which shape a clean frame holds by trying every kind, size and place, byte for byte."""
    contrast = int(frame.max()) - BACKGROUND
    held = set()
    for kind, name in enumerate(rendering.KINDS):
        for size in range(8, 12):
            for phase in np.ndindex(8, 8):
                tile = rendering.atlas((8, 11), 32)[(kind, size - 8, *phase)][:32, :32]
                drawn = BACKGROUND + (tile.astype(int) * contrast + 32) // 64
                if drawn.sum() != frame.sum():
                    continue
                spectrum = np.conj(np.fft.rfft2(drawn - BACKGROUND)) * np.fft.rfft2(frame.astype(int) - BACKGROUND)
                place = np.unravel_index(np.fft.irfft2(spectrum).argmax(), (32, 32))
                if np.array_equal(np.roll(drawn, place, (0, 1)), frame):
                    held.add(name)
    return held


def test_shape_labels_are_the_shapes_in_every_clip():
    x, y = seqlib.clips("shape", 24, 6, noise=0)
    for clip, label in zip(x, y, strict=True):
        assert silhouettes(clip[5, ..., 0]) == {seqlib.TASKS["shape"].classes[label]}


def test_order_labels_tell_which_shape_came_first():
    x, y = seqlib.clips("order", 24, 6, onset=1, noise=0)
    for clip, label in zip(x, y, strict=True):
        first, second = (
            ({"disc"}, {"cross"}) if seqlib.TASKS["order"].classes[label] == "disc first" else ({"cross"}, {"disc"})
        )
        assert silhouettes(clip[1, ..., 0]) == first
        assert silhouettes(clip[9, ..., 0]) == second
