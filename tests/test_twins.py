"""Twins, byte for byte: what each kind shares, what it exchanges, and that nothing else differs."""

from itertools import combinations, pairwise

import numpy as np
import pytest
from any_task import ALL_LABELS, EVERY_KIND, OURS, enough_frames, lengths, members

import seqlib
from seqlib import show

SEEDS = (0, 7, 2**32 - 1)
OUR_KINDS = [(task, kind) for task, kind in EVERY_KIND if task in OURS]
CLIP_OPTIONS = [
    {},
    {"noise": 0},
    {"noise": 18, "frames": 9, "resolution": 25},
    {"noise": 0, "frames": 24, "size": (4, 12), "speed": (0.5, 3)},
]


def frame_bytes(clip):
    return [frame.tobytes() for frame in clip]


def lit(clean):
    """Which frames of clean clips hold a shape."""
    return (clean > 64).any((-3, -2, -1))


def same(drawn, others):
    return all(np.array_equal(a, b) for a, b in zip(drawn, others, strict=True))


def test_these_are_all_the_kinds_of_our_tasks():
    assert OUR_KINDS == [
        ("shape", "shift"),
        ("direction", "middle"),
        ("direction", "reverse"),
        ("direction", "shift"),
        ("order", "swap"),
        ("order", "shift"),
        ("event", "shift"),
        ("duration", "stretch"),
        ("duration", "shift"),
    ]


@pytest.mark.parametrize(("task", "kind"), EVERY_KIND)
@pytest.mark.parametrize("options", CLIP_OPTIONS)
def test_types_shapes_and_purity(task, kind, options):
    options = enough_frames(task, options)
    x, y = seqlib.twins(task, kind, 21, 3, **options)
    side, frames = options.get("resolution", 32), options.get("frames", 16)
    assert (x.dtype, x.shape) == (np.uint8, (members(task, kind), 21, frames, side, side, 1))
    assert (y.dtype, y.shape) == (np.int64, (members(task, kind), 21))
    for start, n in [(0, 1), (4, 17), (20, 1)]:
        piece = seqlib.twins(task, kind, n, 3, start=start, **options)
        assert same(piece, (x[:, start : start + n], y[:, start : start + n]))
    assert not np.array_equal(seqlib.twins(task, kind, 21, 4, **options)[0], x)


@pytest.mark.parametrize(("task", "kind"), EVERY_KIND)
def test_members_of_a_set_differ(task, kind):
    x, y = seqlib.twins(task, kind, 20, 1, noise=0)
    something = lengths(task)[y] > 0  # a clip in which nothing flashes is blank
    for a, b in combinations(range(len(x)), 2):
        assert np.array_equal((x[a] != x[b]).any((1, 2, 3, 4)), something[a] | something[b])


@pytest.mark.parametrize(("task", "kind"), [pair for pair in EVERY_KIND if pair[1] != "shift"])
def test_the_first_labels_of_n_sets_are_balanced(task, kind):
    _, y = seqlib.twins(task, kind, 40, 5)
    classes = len(seqlib.TASKS[task].classes)
    for member in y:
        assert kind in ALL_LABELS or np.bincount(member, minlength=classes).tolist() == [40 // classes] * classes


def test_the_seed_is_0_unless_told_and_an_unknown_kind_is_called_one():
    assert same(seqlib.twins("shape", "shift", 3), seqlib.twins("shape", "shift", 3, seed=0))
    with pytest.raises(ValueError, match=r"\Akind must be one of"):
        seqlib.twins("shape", "mirror", 3)


# middle


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("options", CLIP_OPTIONS)
def test_middle_members_share_one_frame_and_are_the_four_directions(seed, options):
    x, y = seqlib.twins("direction", "middle", 20, seed, **options)
    middle = x.shape[2] // 2
    assert (x[:, :, middle] == x[0, :, middle]).all()
    assert np.array_equal(np.sort(y, axis=0), np.tile(np.arange(4)[:, None], 20))
    for a in range(4):
        for b in range(a):
            for beside in (middle - 1, middle + 1):
                assert (x[a][:, beside] != x[b][:, beside]).any((1, 2, 3)).all()


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("options", CLIP_OPTIONS[1::2])
def test_clean_middle_members_go_opposite_ways_through_the_shared_frame(seed, options):
    x, y = seqlib.twins("direction", "middle", 20, seed, **options)
    frames = x.shape[2]
    middle = frames // 2
    classes = seqlib.TASKS["direction"].classes
    for i in range(20):
        member = {classes[label]: x[k, i] for k, label in enumerate(y[:, i])}
        assert set(member) == {"right", "left", "down", "up"}
        for way, back in (("right", "left"), ("down", "up")):
            for j in range(frames - middle):
                assert np.array_equal(member[way][middle + j], member[back][middle - j])


def test_clean_middle_members_move_the_way_of_their_label_at_one_speed():
    x, y = seqlib.twins("direction", "middle", 20, 2, noise=0, speed=2)
    roll = {"right": (0, 2), "left": (0, -2), "down": (2, 0), "up": (-2, 0)}
    for k in range(4):
        for clip, label in zip(x[k], y[k], strict=True):
            step = roll[seqlib.TASKS["direction"].classes[label]]
            for before, after in pairwise(clip):
                assert np.array_equal(after, np.roll(before, step, (0, 1)))


def test_noise_is_the_same_in_all_middle_members():
    noisy, clean = (seqlib.twins("direction", "middle", 6, 3, noise=noise)[0].astype(int) for noise in (8, 0))
    assert (noisy - clean == (noisy - clean)[0]).all()


# reverse


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("options", CLIP_OPTIONS)
def test_reverse_is_the_clip_backwards_with_the_opposite_label(seed, options):
    x, y = seqlib.twins("direction", "reverse", 20, seed, **options)
    assert np.array_equal(x[1], x[0][:, ::-1])
    opposite = {"right": "left", "left": "right", "down": "up", "up": "down"}
    classes = seqlib.TASKS["direction"].classes
    assert [opposite[classes[label]] for label in y[0]] == [classes[label] for label in y[1]]
    assert np.array_equal(x[0].sum(1, dtype=int), x[1].sum(1, dtype=int))  # so every average over time agrees


# swap


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("options", [*CLIP_OPTIONS, {"block": 4, "gap": 1}, {"block": 2, "gap": 9, "onset": 0}])
def test_swap_exchanges_the_two_blocks_as_they_are_and_touches_nothing_else(seed, options):
    x, y = seqlib.twins("order", "swap", 20, seed, **options)
    shown = lit(seqlib.twins("order", "swap", 20, seed, **(options | {"noise": 0}))[0])
    assert np.array_equal(shown[0], shown[1])
    assert np.array_equal(y[1], 1 - y[0])
    for i in range(20):
        clip, twin = x[:, i]
        seen = np.flatnonzero(shown[0, i])
        first, second = np.split(seen, 2)
        assert (np.diff(first) == 1).all()
        assert (np.diff(second) == 1).all()
        assert second[0] > first[-1] + 1
        rest = ~shown[0, i]
        assert np.array_equal(twin[rest], clip[rest])
        assert np.array_equal(twin[first], clip[second])
        assert np.array_equal(twin[second], clip[first])
        assert sorted(frame_bytes(clip)) == sorted(frame_bytes(twin))


# stretch


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("options", [*CLIP_OPTIONS, {"frames": 8}, {"frames": 32, "onset": (0, 4)}, {"speed": 0}])
def test_stretch_is_one_shape_from_one_frame_on_for_four_durations(seed, options):
    x, y = seqlib.twins("duration", "stretch", 20, seed, **options)
    frames = x.shape[2]
    assert np.array_equal(y, np.tile(np.arange(4)[:, None], 20))
    shown = lit(seqlib.twins("duration", "stretch", 20, seed, **(options | {"noise": 0}))[0])
    onset = shown[0].argmax(-1)
    low, high = options.get("onset", (int(frames > 8), frames - 7 * frames // 8 - int(frames > 8)))
    assert set(onset) <= set(range(low, high + 1))
    since = np.arange(frames) - onset[:, None]
    for member, eighths in zip(shown, (1, 3, 5, 7), strict=True):
        assert np.array_equal(member, (since >= 0) & (since < frames * eighths // 8))
    for a, b in combinations(range(4), 2):  # members differ in the frames that hold the shape in one of them only
        assert np.array_equal((x[a] != x[b]).any((-3, -2, -1)), shown[a] != shown[b])


def distinct_frames(clip):
    return set(frame_bytes(clip))


def max_over_time(x):
    """Features of a small untrained network, frame by frame, then their maximum over time; in integers, so exactly."""
    weights = np.random.default_rng(0)
    hidden = x.reshape(*x.shape[:-3], -1) @ weights.integers(-9, 10, (x.shape[-3] * x.shape[-2], 12))
    return (np.maximum(hidden, 0) @ weights.integers(-9, 10, (12, 8))).max(-2)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("frames", [8, 16, 24, 32])
def test_still_and_clean_stretch_members_hold_the_same_two_frames_so_max_pooling_cannot_count(seed, frames):
    x, _ = seqlib.twins("duration", "stretch", 10, seed, frames=frames, speed=0, noise=0)
    for i in range(10):
        held = [distinct_frames(member) for member in x[:, i]]
        assert held == [held[0]] * 4
        assert len(held[0]) == 2
    features = max_over_time(x)
    assert (features == features[0]).all()
    assert len(np.unique(features[0], axis=0)) == 10  # blind to how long, not to what


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("frames", [8, 16, 24, 32])
@pytest.mark.parametrize(("speed", "noise"), [(0, 1), (0, 8), (0.5, 0), (1, 0), (1, 8)])
def test_noise_or_motion_lets_max_pooling_tell_stretch_members_apart(seed, frames, speed, noise):
    """A longer trail covers more places, and the highest of more draws is higher: that helps, from either side."""
    x, _ = seqlib.twins("duration", "stretch", 10, seed, frames=frames, speed=speed, noise=noise)
    for i in range(10):
        held = [distinct_frames(member) for member in x[:, i]]
        for shorter, longer in pairwise(held):
            assert longer - shorter
            assert noise or shorter < longer
    features = max_over_time(x)
    assert all((a != b).any(-1).any() for a, b in combinations(features, 2))


def test_a_trail_grows_until_the_shape_has_gone_round_and_no_longer():
    """At 4 pixels a frame it is back after 8 frames: 2 and 6 of 16 can be told apart by a maximum, 10 and 14 not."""
    x, _ = seqlib.twins("duration", "stretch", 10, 1, speed=4, noise=0)
    for i in range(10):
        held = [distinct_frames(member) for member in x[:, i]]
        assert held[0] < held[1] < held[2] == held[3]
    features = max_over_time(x)
    assert np.array_equal(features[2], features[3])
    assert (features[0] != features[1]).any()
    assert (features[1] != features[2]).any()


# shift


@pytest.mark.parametrize("task", ["shape", "direction", "order"])
@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(
    "options", [{}, {"noise": 0}, {"onset": (0, 5)}, {"noise": 0, "onset": (2, 3)}, {"frames": 31, "onset": (4, 12)}]
)
def test_shift_moves_the_block_and_leaves_the_label(task, seed, options):
    x, y = seqlib.twins(task, "shift", 12, seed, **options)
    frames = x.shape[2]
    clean = seqlib.twins(task, "shift", 12, seed, **(options | {"noise": 0}))[0]
    shown = lit(clean)
    assert np.array_equal(y[0], y[1])
    early, late = (np.flatnonzero(member[0]) for member in shown)
    assert (shown == shown[:, :1]).all()  # begun at the same frame in all sets
    if "onset" in options:
        assert (early[0], late[0]) == options["onset"]
    else:  # as far apart as blank frames at either end allow
        assert (early[0], late[-1]) == (1, frames - 2)
    later = late[0] - early[0]
    assert later > 0
    assert np.array_equal(late, early + later)
    span = slice(early[0], early[-1] + 1), slice(late[0], late[-1] + 1)
    assert np.array_equal(x[0][:, span[0]], x[1][:, span[1]])  # the block, gap and noise included, as it was
    assert (clean[~shown] == 64).all()
    for clip, twin in zip(*x, strict=True):
        assert sorted(frame_bytes(clip)) == sorted(frame_bytes(twin))


@pytest.mark.parametrize("task", ["event", "duration"])
@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(
    "options", [{}, {"noise": 0}, {"onset": (0, 1)}, {"frames": 31, "onset": (1, 3)}, {"frames": 8}]
)
def test_shift_moves_what_is_there_for_as_long_as_its_label_says(task, seed, options):
    x, y = seqlib.twins(task, "shift", 12, seed, **options)
    frames = x.shape[2]
    lengths = np.array({"event": [0, 1], "duration": [frames * eighths // 8 for eighths in (1, 3, 5, 7)]}[task])
    room = frames - lengths.max()
    margin = min(1, (room - 1) // 2)  # with room for one onset only there would be nothing to shift between
    early, late = options.get("onset", (margin, room - margin))
    assert early < late
    shown = lit(seqlib.twins(task, "shift", 12, seed, **(options | {"noise": 0}))[0])
    time, length = np.arange(frames), lengths[y[0]][:, None]
    assert np.array_equal(y[0], y[1])
    assert np.array_equal(shown[0], (time >= early) & (time < early + length))
    assert np.array_equal(shown[1], (time >= late) & (time < late + length))
    assert np.array_equal(x[1], np.roll(x[0], late - early, axis=1))  # noise included


@pytest.mark.parametrize(("block", "onsets"), [(12, (1, 3)), (13, (1, 2)), (14, (0, 2)), (15, (0, 1))])
def test_shift_keeps_a_blank_frame_at_either_end_if_there_are_two_places_then(block, onsets):
    x, _ = seqlib.twins("direction", "shift", 5, noise=0, block=block)
    assert (lit(x).argmax(-1) == np.array(onsets)[:, None]).all()


def test_shift_blocks_are_half_the_clip_by_default_and_as_long_as_told_otherwise():
    for options, length in [({}, 8), ({"frames": 9}, 4), ({"block": 3}, 3), ({"block": 15, "onset": (0, 1)}, 15)]:
        x, _ = seqlib.twins("direction", "shift", 5, noise=0, **options)
        assert (lit(x).sum(-1) == length).all()


# Twins are clips


def test_what_is_seen_in_each_member_is_what_its_label_says():
    for task, kind in OUR_KINDS:
        x, y = seqlib.twins(task, kind, 5, 4)
        for member, labels in zip(x, y, strict=True):
            for clip, label in zip(member, labels, strict=True):
                name, seen = seqlib.TASKS[task].classes[label], show.describe(clip)
                words = [part for part in seen.split("; ") if not part.startswith("blank")]
                if task == "shape":
                    assert [word.split()[0] for word in words] == [name]
                elif task == "direction":
                    assert [word.split()[2] for word in words] == [f"{name},"]
                elif task == "event":
                    assert [word.split(", ")[1] for word in words] == ["1 frame"] * label
                elif task == "duration":
                    assert [word.split(", ")[1] for word in words] == [f"{(2, 6, 10, 14)[label]} frames"]
                else:
                    assert [word.split()[0] for word in words] == {
                        "disc first": ["disc", "cross"],
                        "cross first": ["cross", "disc"],
                    }[name]


@pytest.mark.parametrize("kind", ["reverse", "swap"])
def test_the_first_member_is_the_clip_itself(kind):
    task = {"reverse": "direction", "swap": "order"}[kind]
    x, y = seqlib.twins(task, kind, 9, 5, start=3)
    assert same((x[0], y[0]), seqlib.clips(task, 9, 5, start=3))
