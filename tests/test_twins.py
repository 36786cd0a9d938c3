"""Twins, byte for byte: what each kind shares, what it exchanges, and that nothing else differs."""

from itertools import pairwise

import numpy as np
import pytest

import seqlib
from seqlib import show

SEEDS = (0, 7, 2**32 - 1)
EVERY_KIND = [(task.name, kind) for task in seqlib.TASKS.values() for kind in task.twins]
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


def same(one, other):
    return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def test_these_are_all_the_kinds():
    assert EVERY_KIND == [
        ("shape", "shift"),
        ("direction", "middle"),
        ("direction", "reverse"),
        ("direction", "shift"),
        ("order", "swap"),
        ("order", "shift"),
    ]


@pytest.mark.parametrize(("task", "kind"), EVERY_KIND)
@pytest.mark.parametrize("options", CLIP_OPTIONS)
def test_types_shapes_and_purity(task, kind, options):
    x, y = seqlib.twins(task, kind, 21, 3, **options)
    members = 4 if kind == "middle" else 2
    side, frames = options.get("resolution", 32), options.get("frames", 16)
    assert (x.dtype, x.shape) == (np.uint8, (members, 21, frames, side, side, 1))
    assert (y.dtype, y.shape) == (np.int64, (members, 21))
    for start, n in [(0, 1), (4, 17), (20, 1)]:
        piece = seqlib.twins(task, kind, n, 3, start=start, **options)
        assert same(piece, (x[:, start : start + n], y[:, start : start + n]))
    assert not np.array_equal(seqlib.twins(task, kind, 21, 4, **options)[0], x)


@pytest.mark.parametrize(("task", "kind"), EVERY_KIND)
def test_members_of_a_set_differ(task, kind):
    x, _ = seqlib.twins(task, kind, 20, 1, noise=0)
    for member in range(1, len(x)):
        assert (x[member] != x[0]).any((1, 2, 3, 4)).all()


@pytest.mark.parametrize(("task", "kind"), [pair for pair in EVERY_KIND if pair[1] != "shift"])
def test_the_first_labels_of_n_sets_are_balanced(task, kind):
    _, y = seqlib.twins(task, kind, 40, 5)
    classes = len(seqlib.TASKS[task].classes)
    for member in y:
        assert kind == "middle" or np.bincount(member, minlength=classes).tolist() == [40 // classes] * classes


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
        one, other = x[:, i]
        seen = np.flatnonzero(shown[0, i])
        first, second = np.split(seen, 2)
        assert (np.diff(first) == 1).all()
        assert (np.diff(second) == 1).all()
        assert second[0] > first[-1] + 1
        rest = ~shown[0, i]
        assert np.array_equal(other[rest], one[rest])
        assert np.array_equal(other[first], one[second])
        assert np.array_equal(other[second], one[first])
        assert sorted(frame_bytes(one)) == sorted(frame_bytes(other))


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
    for one, other in zip(*x, strict=True):
        assert sorted(frame_bytes(one)) == sorted(frame_bytes(other))


def test_shift_blocks_are_half_the_clip_by_default_and_as_long_as_told_otherwise():
    for options, length in [({}, 8), ({"frames": 9}, 4), ({"block": 3}, 3), ({"block": 15, "onset": (0, 1)}, 15)]:
        x, _ = seqlib.twins("direction", "shift", 5, noise=0, **options)
        assert (lit(x).sum(-1) == length).all()


# Twins are clips


def test_what_is_seen_in_each_member_is_what_its_label_says():
    for task, kind in EVERY_KIND:
        x, y = seqlib.twins(task, kind, 5, 4)
        for member, labels in zip(x, y, strict=True):
            for clip, label in zip(member, labels, strict=True):
                name, seen = seqlib.TASKS[task].classes[label], show.describe(clip)
                words = [part for part in seen.split("; ") if not part.startswith("blank")]
                if task == "shape":
                    assert [word.split()[0] for word in words] == [name]
                elif task == "direction":
                    assert [word.split()[2] for word in words] == [f"{name},"]
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
