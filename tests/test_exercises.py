"""The checks are checked: stubs fail, what is right passes, and every typical mistake gets a hint of its own.

The table holds for each exercise another right answer than the solution that readers see, and wrong answers, each
beside words of its hint. The solutions themselves stand on the pages and in the notebook, and pass where they stand.
"""

import re
import subprocess
import sys
from collections.abc import Callable
from typing import NamedTuple

import nbformat
import numpy as np
import pytest
from any_task import OURS
from numpy.lib.stride_tricks import sliding_window_view

import seqlib
from seqlib import alarms, exercises, puzzles
from tools.notebooks import ROOT

EXERCISES = exercises.EXERCISES | puzzles.EXERCISES
NOTEBOOK = nbformat.read(ROOT / "notebooks" / "puzzles.ipynb", 4)


class Built(NamedTuple):
    """An answer that is a model, built when it is needed."""

    build: Callable


def stub(*_):
    return ...


def loops(form, body):
    """An answer written in plain loops: slow, and as right as any other."""
    names = {"np": np}
    exec(f"def {form}:\n    {body}", names)
    return names[form[: form.index("(")]]


# Models for the exercises that ask for one.


def frame_network(side=64, kernel=5, pools=(True, True), convolutions=3, frame=8):
    """Like the network of chapter 2; ``frame`` None reads all frames as channels."""
    import keras
    from keras import layers

    keras.utils.set_random_seed(0)
    clip = keras.Input((16, side, side, 1))
    x = layers.Rescaling(1 / 64, offset=-1)(clip)
    x = x[:, frame] if frame is not None else layers.Reshape((side, side, 16))(x)
    for i in range(convolutions):
        x = layers.Conv2D(16, kernel, padding="same", activation="relu")(x)
        if i < len(pools) and pools[i]:
            x = layers.MaxPooling2D()(x)
    x = layers.Dense(64, activation="relu")(layers.GlobalMaxPooling2D()(x))
    return keras.Model(clip, layers.Dense(4)(x), name="network")


def small(**changes):
    return frame_network(**{"side": 32, "kernel": 3, "pools": (True,), "convolutions": 2} | changes)


def trained(model, task):
    """Train a model for six epochs, or until it classifies 97% of other clips correctly."""
    train, validation = seqlib.clips(task, n=2048, seed=0), seqlib.clips(task, n=400, seed=1)
    seqlib.training.fit(model, train, validation, epochs=6, learning_rate=4e-3, stop_at=0.97)
    return model


def deep(*kernels, filters=16, **settings):
    """Convolutions with these kernels over clips, the last with 16 filters."""
    import keras
    from keras import layers

    clip = x = keras.Input((16, 32, 32, 1))
    for i, kernel in enumerate(kernels):
        count = filters if i == len(kernels) - 1 else 16
        x = layers.Conv3D(count, kernel, padding="same", **settings)(x)
    return keras.Model(clip, x)


def early_and_late(weigh, classes=2, extra=0):
    """Average pooling of features that ``weigh`` has seen before, for exercise 5.7."""
    import keras
    from keras import layers, ops

    base = seqlib.models.average_pooling(2)
    x = ops.mean(weigh(base.get_layer("features").output), axis=1)
    x = layers.Dense(64 + extra, activation="relu")(x)
    return keras.Model(base.input, layers.Dense(classes)(x), name="early_and_late")


def fused(first, second, stride=2, classes=4, mean=False):
    """A small network with the frames as channels, or their average as the only one, for exercise 6.5."""
    import keras
    from keras import layers, ops

    keras.utils.set_random_seed(0)
    clip = keras.Input((16, 32, 32, 1))
    x = layers.Rescaling(1 / 64, offset=-1)(clip)
    x = ops.mean(x, axis=1) if mean else layers.Reshape((32, 32, 16))(layers.Permute((2, 3, 1, 4))(x))
    for filters in (first, second):
        x = layers.Conv2D(filters, 3, stride, padding="same", activation="relu")(x)
    x = layers.Dense(32, activation="relu")(layers.GlobalMaxPooling2D()(x))
    return keras.Model(clip, layers.Dense(classes)(x), name="fused")


def growing(**changes):
    """An answer to exercise 6.2, right but for the changes."""
    shared = dict.fromkeys(("average_pooling", "conv3d", "cnn_rnn"), (1, 2))
    return {"early_fusion": (1.08, 1.5), **shared, **changes}


FALLING = np.linspace(1, -1, 16, dtype="float32")[:, None]
HALVES = np.repeat([[1.0], [-1.0]], 8, axis=0).astype("float32")


def looks(change=12, frames=20, tell=lambda change, first: change - first):
    """A function for exercise 3.3; ``tell`` is its last step."""

    def looks_ahead(network):
        clip = np.zeros((1, frames, 5, 5, 1), "float32")
        later = clip.copy()
        later[:, change:] = 1
        differs = (np.array(network(clip)) != np.array(network(later))).any((0, 2, 3, 4))
        return tell(change, int(differs.argmax()))

    return looks_ahead


def sees(network):
    """All frames that one output depends on: the whole receptive field in time."""
    clip = np.zeros((1, 20, 5, 5, 1), "float32")
    changed = [np.where(np.arange(20)[:, None, None, None] == t, 1, clip).astype("float32") for t in range(20)]
    before = np.array(network(clip))[0, 10]
    return sum(bool((np.array(network(later))[0, 10] != before).any()) for later in changed)


GOES_ON = np.random.default_rng(0)  # does not begin anew at each call


def drawn(group, share, seed):
    """A split by recording, for exercise 1.5."""
    names = np.unique(group)
    chosen = set(np.random.default_rng(seed).permutation(names)[: int(share * len(names) + 0.5)])
    return np.array([recording in chosen for recording in group])


def gru(x, h, weights, *, z_first=True, keep=True, both=True, inside=False, tanh=np.tanh):
    """One step of a GRU for exercise 4.7, gate by gate."""
    W, U, bias = weights  # noqa: N806
    n = h.shape[-1]
    b, c = bias if both else (bias[0], 0 * bias[1])

    def part(i, state):
        where = slice(i * n, (i + 1) * n)
        return x @ W[:, where] + b[where], state @ U[:, where] + c[where]

    gates = [1 / (1 + np.exp(-sum(part(i, h)))) for i in (0, 1)]
    z, r = gates if z_first else gates[::-1]
    from_x, from_h = part(2, r * h) if inside else part(2, h)
    proposal = tanh(from_x + (from_h if inside else r * from_h))
    return z * h + (1 - z) * proposal if keep else (1 - z) * h + z * proposal


def raised(bias, by, first=0, last=1, row=slice(0, 1), sign=1):
    """Biases for exercise 4.5, with thirds from ``first`` to ``last`` raised."""
    opened, n = bias.copy(), bias.shape[1] // 3
    opened[row, first * n : last * n] += sign * by
    return opened


SHAPES = [(30, 32, 24, 8), (15, 16, 12, 8), (13, 14, 10, 16)]


def shapes(layer, wrong):
    return [wrong if i == layer else shape for i, shape in enumerate(SHAPES)]


def padded(mode="edge", before=1, after=1, axis=1):
    widths = [(0, 0)] * 5
    widths[axis] = (before, after)
    return lambda clips: np.pad(clips, widths, mode=mode)


def last_frames(kept, features, count=4, keep=4, begin=4):
    """Exercise 4.9, in an array and a counter."""
    frames, seen = kept if kept is not None else (np.zeros((0, len(features))), 0)
    frames = np.concatenate([frames, features[None]])[-keep:]
    return (frames, seen + 1), frames[-count:].mean(0) if seen + 1 >= begin else None


def sliding_sum(kept, features):
    """Exercise 4.9, by adding the newest frame to a sum and subtracting the one before the last four."""
    total, frames = kept or (0, [])
    total, frames = total + features, [*frames, features]
    if len(frames) < 4:
        return (total, frames), None
    return (total - frames[0], frames[1:]), total / 4


NOTICED = {
    "slow arm, single frame": False,
    "two swings, maximum": False,
    "two swings, average": True,
    "no press, average": False,
    "no press, GRU": True,
    "long rest, GRU on every third frame": False,
}


TOLD_APART = {
    "average, reversed": False,
    "differences, reversed": True,
    "differences, middle": False,
    "GRU, middle": True,
    "GRU, moved": False,
}

# number: (another right answer, {words of the hint: a wrong answer})
TABLE = {
    "1.1": (
        lambda x: np.concatenate(list(x)),
        {
            "leave B before T": lambda x: np.concatenate([x[:, t] for t in range(x.shape[1])]),
            "early fusion": lambda x: np.concatenate([x[:, t] for t in range(x.shape[1])], -1),
            "tall image": lambda x: np.stack([np.concatenate(list(clip)) for clip in x]),
            "all are wanted": lambda x: x[:, x.shape[1] // 2],
            "should be": lambda x: x[:, 0, 0],
        },
    ),
    "1.3": (
        {"as good as swap": np.False_, "other label": np.True_},
        {
            "what came last": {"other label": False, "as good as swap": False},
            "does each shape drift": {"other label": True, "as good as swap": True},
            "one truth value": {"other label": True},
        },
    ),
    "1.4": (
        250,
        {
            "a quarter lies inside": 100,
            "about 200 are": 1000,
            "26% from chance": 8000,
            "whole numbers": 250.5,
        },
    ),
    "1.5": (
        drawn,
        {
            "draw recordings": lambda group, share, seed: np.random.default_rng(seed).random(len(group)) < share,
            "swapped": lambda group, share, seed: ~drawn(group, share, seed),
            "every seed": lambda group, share, seed: drawn(group, share, 0),
            "two ways": lambda group, share, seed: drawn(group, share, GOES_ON),
            "indices of frames": lambda group, share, seed: np.flatnonzero(drawn(group, share, seed)),
            "is 6, and 12": lambda group, share, seed: drawn(group, 2 * share, seed),
            "holds int64": lambda group, share, seed: drawn(group, share, seed).astype(int),
        },
    ),
    "2.1": (
        288.0,
        {
            "how many weights": 432,
            "with its biases": 448,
            "one more channel": 144,
            "biases do not double": 320,
            "times three": 55_432,
            "it is more": 100,
            "it is fewer": 1000,
        },
    ),
    "2.2": (
        Built(frame_network),
        {
            "cuts the field off": Built(lambda: frame_network(side=32)),
            "not 5 x 5 yet": Built(lambda: frame_network(kernel=3)),
            "has three": Built(lambda: frame_network(convolutions=2)),
            "pooling gone": Built(lambda: frame_network(pools=())),
            "it should see one": Built(lambda: frame_network(frame=None)),
        },
    ),
    "2.3": (
        Built(lambda: trained(small(), "shape")),
        {
            "third convolution": Built(lambda: small(convolutions=3)),
            "second pooling": Built(lambda: small(pools=(True, True))),
            "train it on": Built(small),
            "8 x 8": Built(lambda: small(pools=())),
            "it takes": Built(lambda: small(side=64)),
        },
    ),
    "2.4": (
        {"wiser": False, "one of four": np.False_},
        {
            "four places": {"one of four": True, "wiser": False},
            "looks the same": {"one of four": False, "wiser": True},
            "one truth value": {"one of": False, "wiser": False},
        },
    ),
    "2.5": (
        np.int64(0),
        {
            "one frame late": 1,
            "lies between": 4,
            "ten frames": 8,
        },
    ),
    "3.1": (
        [list(shape) for shape in SHAPES],
        {
            "first layer: this is for": shapes(0, (26, 31, 23, 8)),
            "stride is 2 in space only": shapes(0, (15, 32, 24, 8)),
            "every second row": shapes(0, (30, 64, 48, 8)),
            "filters, not": shapes(0, (30, 32, 24, 3)),
            "halves time, too": shapes(1, (30, 16, 12, 8)),
            "each channel by itself": shapes(1, (15, 16, 12, 4)),
            "loses k - 1": shapes(2, (15, 16, 12, 16)),
            "one too few": shapes(2, (12, 13, 9, 16)),
            "sixteen filters": shapes(2, (13, 14, 10, 8)),
            "does not give": shapes(2, (1, 2, 3, 4)),
            "three shapes": SHAPES[:2],
        },
    ),
    "3.2": (
        [7, 2],
        {
            "two frames apart": (5, 2),
            "not the layer's own": (9, 2),
            "R is not 6": (6, 2),
            "odd shift": (7, 1),
            "smaller shift": (7, 4),
            "two numbers": (7,),
        },
    ),
    "3.3": (
        looks(change=9, frames=16),
        {
            "sign is reversed": looks(tell=lambda change, first: first - change),
            "one too many": looks(tell=lambda change, first: change - first + 1),
            "how far before the change": looks(tell=lambda change, first: first),
            "how many frames": looks(tell=lambda change, first: first < change),
            "whole temporal receptive field": sees,
            "of every network": looks(tell=lambda change, first: 1),
            "it says 0, 2, 4": looks(tell=lambda change, first: 2 * (change - first)),
        },
    ),
    "3.4": (
        lambda clips: np.concatenate([clips[:, :1], clips, clips[:, -1:]], axis=1),
        {
            "out of nowhere": padded("constant"),
            "pad time alone": padded(axis=2),
            "uses up two": padded(after=0),
            "B, T + 2": lambda clips: padded(axis=0)(clips),
            "not all in it": lambda clips: np.repeat(clips[:, :1], 7, axis=1),
            "does not stay frozen": lambda clips: padded("constant")(clips) + 1,
        },
    ),
    "3.5": (
        {"swap": np.True_, "middle": np.False_, "reverse": np.True_},
        {
            "another order": {"reverse": False, "swap": True, "middle": False},
            "R - 1 is 0": {"reverse": True, "swap": False, "middle": False},
            "other fifteen": {"reverse": True, "swap": True, "middle": True},
            "for each of": {"reverse": True},
        },
    ),
    "3.6": (
        Built(lambda: deep((9, 3, 3))),
        {
            "and this has": Built(lambda: deep(*[(3, 3, 3)] * 4)),
            "sees 3 frames": Built(lambda: deep((3, 3, 3))),
            "more than nine": Built(lambda: deep((11, 3, 3))),
            "at least 3 x 3": Built(lambda: deep((9, 1, 1))),
            "16 feature maps": Built(lambda: deep((9, 3, 3), filters=4)),
            "stride in time": Built(lambda: deep((9, 3, 3), strides=(2, 1, 1))),
        },
    ),
    "4.1": (
        37_248.0,
        {
            "two biases": 37_056,
            "an LSTM": 49_408,
            "now the biases": 36_864,
            "state is read": 24_960,
            "simple layer": 12_352,
        },
    ),
    "4.2": (
        lambda output: np.hstack(np.split(output, 2, axis=1)[::-1]),
        {
            "nothing has changed": lambda output: output.copy(),
            "keep their order": lambda output: output[:, ::-1],
            "clips of the batch": lambda output: output[::-1],
            "sign": lambda output: -output,
        },
    ),
    "4.3": (
        {"reversed clip": np.False_, "order of states": True},
        {
            "states are added up": {"order of states": False, "reversed clip": False},
            "frames before it": {"order of states": True, "reversed clip": True},
            "one truth value": {"order of states": True},
        },
    ),
    "4.4": (
        lambda features, lengths: np.stack([clip[:n].max(0) for clip, n in zip(features, lengths, strict=True)]),
        {
            "after a clip's end": lambda features, lengths: features.max(1),
            "comes out as 0": lambda features, lengths: np.stack(
                [np.vstack([clip[:n], 0 * clip[n:]]).max(0) for clip, n in zip(features, lengths, strict=True)]
            ),
            "one frame too many": lambda features, lengths: np.stack(
                [clip[: n + 1].max(0) for clip, n in zip(features, lengths, strict=True)]
            ),
            "one frame too few": lambda features, lengths: np.stack(
                [clip[: n - 1].max(0) for clip, n in zip(features, lengths, strict=True)]
            ),
            "the last frame": lambda features, lengths: np.stack(
                [clip[n - 1] for clip, n in zip(features, lengths, strict=True)]
            ),
        },
    ),
    "4.5": (
        lambda bias, by: raised(bias, by, row=slice(1, 2)),
        {
            "twice as much": lambda bias, by: raised(bias, by, row=slice(0, 2)),
            "are all raised": lambda bias, by: raised(bias, by, last=3),
            "first third": lambda bias, by: raised(bias, by, first=1, last=2),
            "keeps it": lambda bias, by: raised(bias, by, sign=-1),
            "nothing else may": lambda bias, by: raised(bias, by / 4),
            "two biases for each": lambda bias, by: raised(bias, by)[0],
        },
    ),
    "4.6": (
        {"blind": np.False_, "same features": True},
        {
            "the three conditions": {"same features": False, "blind": False},
            "changes its sign": {"same features": True, "blind": True},
            "one truth value": {"blind": False},
        },
    ),
    "4.7": (
        gru,
        {
            "are swapped": lambda x, h, w: gru(x, h, w, keep=False),
            "and then r": lambda x, h, w: gru(x, h, w, z_first=False),
            "after the matrix": lambda x, h, w: gru(x, h, w, inside=True),
            "belongs to h U": lambda x, h, w: gru(x, h, w, both=False),
            "through tanh": lambda x, h, w: gru(x, h, w, tanh=lambda value: value),
        },
    ),
    "4.9": (
        last_frames,
        {
            "since the first": lambda kept, features: last_frames(kept, features, count=50, keep=50),
            "of three frames": lambda kept, features: last_frames(kept, features, count=3),
            "without a trace": sliding_sum,
            "grows with every frame": lambda kept, features: last_frames(kept, features, keep=50),
            "nothing to answer": lambda kept, features: last_frames(kept, features, begin=1),
            "answer to every frame": lambda kept, features: last_frames(kept, features, begin=5),
            "never answers": lambda kept, features: last_frames(kept, features, begin=50),
            "two things": lambda kept, features: features,
            "raises TypeError": lambda kept, features: ([*kept, features], None),
            "one day": lambda kept, features: ((frame for frame in [features]), None),
            "should be (": lambda kept, features: last_frames(kept, features[:4]),
        },
    ),
    "5.1": (
        lambda features: np.sqrt((features**2).mean(1) - features.mean(1) ** 2),
        {
            "variance": lambda features: features.var(axis=1),
            "keeps the frames": lambda features: features.std(axis=2),
            "clips of the batch": lambda features: features.std(axis=0),
            "not by T - 1": lambda features: features.std(axis=1, ddof=1),
            "does not care for change": lambda features: features.mean(axis=1),
        },
    ),
    "5.2": (
        lambda features: -np.partition(-features, 2, axis=1)[:, :3].mean(1),
        {
            "worst three": lambda features: np.partition(features, 2, axis=1)[:, :3].mean(1),
            "first three frames": lambda features: features[:, :3].mean(1),
            "divide by their number": lambda features: -np.partition(-features, 2, axis=1)[:, :3].sum(1),
            "third alone": lambda features: -np.partition(-features, 2, axis=1)[:, 2],
            "of each frame": lambda features: np.sort(features)[..., -3:].mean(-1),
        },
    ),
    "5.3": (
        {"shifted": np.True_, "plain": False},
        {
            "frames are added up": {"plain": True, "shifted": True},
            "new neighbours": {"plain": False, "shifted": False},
            "one truth value": {"plain": False, "shifted": True, "differences": True},
        },
    ),
    "5.4": (
        [3, np.int64(2)],
        {
            "8 of the 16 stay": (2, 2),
            "happens once": (5, 2),
            "some stay": (16, 2),
            "none of the 16": (3, 3),
            "half come from": (3, 1),
            "two numbers": (3,),
        },
    ),
    "5.5": (
        lambda x, r: np.logaddexp.reduce(r * x - np.log(len(x))) / r,
        {
            "take the mean": lambda x, r: np.logaddexp.reduce(r * x) / r,
            "divided by r": lambda x, r: np.log(np.exp(r * x).mean()),
            "inside of the exponential": lambda x, r: np.log(np.exp(x).mean()) / r,
            "logarithm": lambda x, r: np.exp(r * x).mean() / r,
        },
    ),
    "5.6": (
        {"with a ReLU": np.True_, "added": False},
        {
            "own average": {"added": True, "with a ReLU": True},
            "sum of ReLUs": {"added": False, "with a ReLU": False},
            "one truth value": {"with a ReLU": True},
        },
    ),
    "5.7": (
        Built(lambda: trained(early_and_late(lambda x: x * HALVES), "order")),
        {
            "with none": Built(lambda: seqlib.models.attention_pooling(2, positions=True)),
            "early from late": Built(lambda: seqlib.models.average_pooling(2)),
            "Train it on": Built(lambda: early_and_late(lambda x: x * FALLING)),
            "two answers": Built(lambda: early_and_late(lambda x: x * FALLING, classes=4)),
        },
    ),
    "6.2": (
        growing(early_fusion=[1.1, 1.52], conv3d=np.array([1, 2])),
        {
            "for each of": {"conv3d": (1, 2)},
            "the same weights": growing(conv3d=(2, 2)),
            "each frame costs": growing(cnn_rnn=(1, 1)),
            "reads twice as many": growing(early_fusion=(1, 2)),
            "nothing has changed": growing(early_fusion=(2, 2)),
        },
    ),
    "6.3": (
        {"backwards": {"shape", "event", "duration"}, "flip": ("duration", "shape", "order", "event")},
        {
            "two lists": {"flip": []},
            "there is no task": {"flip": ["shapes"], "backwards": []},
            "right into left": {"flip": list(OURS), "backwards": []},
            "moves down": {"flip": [], "backwards": list(OURS)},
            "comes last": {"flip": [], "backwards": ["order"]},
            "does not change": {"flip": ["shape"], "backwards": ["shape"]},
        },
    ),
    "6.4": (
        {"backwards": np.int64(7), "still": 8.0, "as before": 9},
        {
            "one number for each": {"still": 8},
            "every frame is kept": {"still": 8, "as before": 1, "backwards": 7},
            "14 of 16 pixels": {"still": 7, "as before": 9, "backwards": 8},
            "a smaller step": {"still": 16, "as before": 9, "backwards": 7},
        },
    ),
    "6.5": (
        Built(lambda: trained(fused(16, 8), "direction")),
        {
            "four answers": Built(lambda: fused(16, 8, classes=2)),
            "6,000 are allowed": Built(lambda: fused(32, 32)),
            "1,000,000 are allowed": Built(lambda: fused(16, 16, stride=1)),
            "blind to order": Built(lambda: fused(16, 8, mean=True)),
            "Train it on": Built(lambda: fused(16, 8)),
        },
    ),
    "7.1": (
        lambda length, frames: [int(length * (t + 0.5) / frames) for t in range(frames)],
        {
            "the first and the last": lambda length, frames: np.linspace(0, length - 1, frames).astype(int),
            "where each part begins, not": lambda length, frames: np.arange(frames) * length // frames,
            "the step is rounded:": lambda length, frames: np.arange(0, length, length // frames)[:frames],
            "divide last": lambda length, frames: length // frames // 2 + np.arange(frames) * (length // frames),
            "round down": lambda length, frames: (np.arange(frames) + 0.5) * length / frames,
            "the first frames": lambda length, frames: list(range(frames)),
        },
    ),
    "7.2": (
        np.int64(34),
        {
            "just short": 33,
            "once on average": 15,
            "do not add up": 14,
            "a segment has 15": 1,
            "it is fewer": 40,
            "it is more": 20,
        },
    ),
    "7.3": (
        {"mirrored": True, "halves": True, "people": False, "neighbours": True},
        {
            "the same light": {"halves": False, "people": False, "neighbours": True, "mirrored": True},
            "a face says nothing": {"halves": True, "people": True, "neighbours": True, "mirrored": True},
            "but the moment": {"halves": True, "people": False, "neighbours": False, "mirrored": True},
            "its answer was learned": {"halves": True, "people": False, "neighbours": True, "mirrored": False},
        },
    ),
    "7.4": (
        loops(
            "crop(clips, top, left, size)",
            "return [[f[y:y + size, x:x + size] for f in clip] for clip, y, x in zip(clips, top, left)]",
        ),
        {
            "`left` columns": lambda clips, top, left, size: [
                clip[:, y : y + size, x : x + size] for clip, x, y in zip(clips, top, left, strict=True)
            ],
            "where the first one is": lambda clips, top, left, size: clips[
                :, :, top[0] : top[0] + size, left[0] : left[0] + size
            ],
            "upper left corner": lambda clips, top, left, size: clips[:, :, :size, :size],
            "the centre": lambda clips, top, left, size: clips[:, :, 3:7, 4:8],
        },
    ),
    "7.5": (
        lambda numbers, clips_per_film: [int(number / clips_per_film) for number in numbers],
        {
            "the first clips of all films": lambda numbers, clips_per_film: numbers % clips_per_film,
            "integer division": lambda numbers, clips_per_film: numbers / clips_per_film,
            "in any order": lambda numbers, clips_per_film: np.arange(len(numbers)) // clips_per_film,
            "the films from 1": lambda numbers, clips_per_film: 1 + numbers // clips_per_film,
        },
    ),
    "7.7": (
        next(steps for steps in range(10_000) if 0.999**steps <= 0.01),
        {"just short": 4602, "more than a third": 1000, "of what is left": 990, "of 0.9;": 44, "of 0.99;": 459},
    ),
    "7.8": (
        TOLD_APART,
        {
            "order of its terms": TOLD_APART | {"average, reversed": True},
            "changes its sign": TOLD_APART | {"differences, reversed": False},
            "cancel": TOLD_APART | {"differences, middle": True},
            "has read every frame": TOLD_APART | {"GRU, middle": False},
            "no head can help": TOLD_APART | {"GRU, moved": True},
        },
    ),
    "7.9": (
        lambda features, lengths: np.stack(
            [np.diff(clip[:n], axis=0).mean(0) for clip, n in zip(features, lengths, strict=True)]
        ),
        {
            "after the end": lambda features, lengths: np.diff(features, axis=1).mean(1),
            "has 9 differences": lambda features, lengths: np.stack(
                [np.diff(clip[:n], axis=0).sum(0) / n for clip, n in zip(features, lengths, strict=True)]
            ),
            "the sum": lambda features, lengths: np.stack(
                [np.diff(clip[:n], axis=0).sum(0) for clip, n in zip(features, lengths, strict=True)]
            ),
            "in each clip": lambda features, lengths: np.stack(
                [np.diff(clip[:n], axis=0).sum(0) / (len(clip) - 1) for clip, n in zip(features, lengths, strict=True)]
            ),
            "the first frame minus the last": lambda features, lengths: np.stack(
                [-np.diff(clip[:n], axis=0).mean(0) for clip, n in zip(features, lengths, strict=True)]
            ),
        },
    ),
    "8.1": (
        loops(
            "begin(scores, threshold, apart)",
            "above = [t for t, score in enumerate(scores) if score > threshold]; "
            "return [t for i, t in enumerate(above) if not i or t - above[i - 1] >= apart]",
        ),
        {
            "an alarm is the first": lambda scores, threshold, apart: [
                t for t, s in enumerate(scores) if s > threshold
            ],
            "merge those": lambda scores, threshold, apart: [
                t for t in range(len(scores)) if scores[t] > threshold and (not t or scores[t - 1] <= threshold)
            ],
            "is not above it": lambda scores, threshold, apart: alarms.begin(scores, threshold - 0.5, apart),
            "from the last frame above": loops(
                "begin(scores, threshold, apart)",
                "begins = []; [begins.append(t) for t, s in enumerate(scores) "
                "if s > threshold and (not begins or t - begins[-1] >= apart)]; return begins",
            ),
            "exactly": lambda scores, threshold, apart: alarms.begin(scores, threshold, apart + 1),
            "the first frame begins": lambda scores, threshold, apart: alarms.begin(scores, threshold, apart)[1:],
            "how many alarms": lambda scores, threshold, apart: len(alarms.begin(scores, threshold, apart)),
        },
    ),
    "8.2": (
        lambda false, per_hour: alarms.poisson_interval(false, 0.9)[1] / per_hour,
        {
            "only 2.5%": lambda false, per_hour: alarms.poisson_interval(false)[1] / per_hour,
            "divide by": lambda false, per_hour: alarms.poisson_interval(false, 0.9)[1] * per_hour,
            "may have been lucky": lambda false, per_hour: false / per_hour,
            "at least": lambda false, per_hour: alarms.poisson_interval(false, 0.9)[0] / per_hour,
            "no false alarm at all": lambda false, per_hour: -np.log(0.05) / per_hour,
        },
    ),
    "8.3": (
        loops(
            "new_windows(normal, faulty, length)",
            "cut = lambda poses: [np.bincount(poses[t:t + length], minlength=9).tolist() "
            "for t in range(len(poses) - length + 1)]; return [w not in cut(normal) for w in cut(faulty)]",
        ),
        {
            "in their order": lambda normal, faulty, length: [
                tuple(window) not in set(map(tuple, sliding_window_view(normal, length)))
                for window in sliding_window_view(faulty, length)
            ],
            "what a maximum sees": lambda normal, faulty, length: [
                set(window) not in [set(other) for other in sliding_window_view(normal, length)]
                for window in sliding_window_view(faulty, length)
            ],
            "begins at every frame": lambda normal, faulty, length: [
                sorted(window) not in [sorted(other) for other in sliding_window_view(normal, length)[::length]]
                for window in sliding_window_view(faulty, length)[::length]
            ],
            "these are the others": lambda normal, faulty, length: [
                sorted(window) in [sorted(other) for other in sliding_window_view(normal, length)]
                for window in sliding_window_view(faulty, length)
            ],
            "the other way round": lambda normal, faulty, length: [
                sorted(window) not in [sorted(other) for other in sliding_window_view(faulty, length)]
                for window in sliding_window_view(normal, length)
            ],
            "how many": lambda normal, faulty, length: sum(
                sorted(window) not in [sorted(other) for other in sliding_window_view(normal, length)]
                for window in sliding_window_view(faulty, length)
            ),
        },
    ),
    "8.4": (
        NOTICED,
        {
            "does not pass anyway": NOTICED | {"slow arm, single frame": True},
            "does not count": NOTICED | {"two swings, maximum": True},
            "than one swing has": NOTICED | {"two swings, average": False},
            "the rest before the arm": NOTICED | {"no press, average": True},
            "reads the order": NOTICED | {"no press, GRU": False},
            "longer than the window": NOTICED | {"long rest, GRU on every third frame": True},
        },
    ),
    "P.1": (
        lambda clip: np.flip(clip, 0),
        {
            "upside down": lambda clip: np.flip(clip, 1),
            "left and right": lambda clip: np.flip(clip, 2),
            "only time": lambda clip: np.flip(clip),
            "frame 0 is missing": lambda clip: np.array([clip[t] for t in range(len(clip) - 1, 0, -1)]),
        },
    ),
    "P.2": (
        lambda clip: clip[np.arange(0, len(clip), 2)],
        {
            "begin with frame 0": lambda clip: clip[1::2],
            "second row": lambda clip: clip[:, ::2],
            "old speed": lambda clip: clip[: len(clip) // 2],
        },
    ),
    "P.3": (
        lambda clips: np.take(clips, clips.shape[1] // 2, axis=1),
        {
            "middle clip of the batch": lambda clips: clips[clips.shape[0] // 2],
            "off by one": lambda clips: clips[:, (clips.shape[1] - 1) // 2],
            "length of the batch": lambda clips: clips[:, clips.shape[0] // 2],
        },
    ),
    "P.4": (
        loops("brightness(clip)", "return [sum(frame.ravel().tolist()) / frame.size for frame in clip]"),
        {
            "long exposure": lambda clip: clip.mean(axis=0),
            "one number for the whole": lambda clip: clip.mean(),
            "divide by the number": lambda clip: clip.sum(axis=(1, 2)),
            "over columns, too": lambda clip: clip.mean(axis=1),
        },
    ),
    "P.5": (
        lambda clip: np.diff(clip.astype("int16"), axis=0),
        {
            "bytes know no -1": lambda clip: np.diff(clip, axis=0),
            "the sign is reversed": lambda clip: -np.diff(clip.astype(float), axis=0),
            "no longer shows": lambda clip: abs(np.diff(clip.astype(float), axis=0)),
            "unless you pass": lambda clip: np.diff(clip.astype(float)),
            "from frame 0": lambda clip: clip.astype(float) - clip[0],
        },
    ),
    "P.6": (
        lambda clip: np.stack(list(clip), axis=-1),
        {
            "comb": lambda clip: clip.reshape(clip.shape[1], clip.shape[2], len(clip)),
            "rows and columns, too": lambda clip: clip.T,
            "channels come last": lambda clip: clip.transpose(1, 0, 2),
            "should be": lambda clip: clip,
        },
    ),
    "P.7": (
        lambda clips: np.vstack(list(clips)),
        {
            "frame 0 of every clip": lambda clips: np.concatenate([clips[:, t] for t in range(clips.shape[1])]),
            "tall image": lambda clips: np.stack([np.concatenate(list(clip)) for clip in clips]),
            "keep them all": lambda clips: clips.mean(axis=0),
        },
    ),
    "P.8": (
        lambda images, frames: np.stack(np.split(images, len(images) // frames)),
        {
            "should have `frames` frames": lambda images, frames: images.reshape(frames, -1, *images.shape[1:]),
            "frames of all the others": lambda images, frames: np.stack(
                [images[i :: len(images) // frames] for i in range(len(images) // frames)]
            ),
            "only the first clip": lambda images, frames: images[:frames],
        },
    ),
    "P.9": (
        lambda clip: np.concatenate(list(clip), axis=-1),
        {
            "reds": lambda clip: np.concatenate([np.stack(list(clip[..., c]), -1) for c in range(3)], -1),
            "beside the channels first": lambda clip: clip.reshape(*clip.shape[1:3], -1),
            "averages": lambda clip: clip.mean(axis=0),
        },
    ),
    "P.10": (
        lambda clip: np.maximum.reduce([clip[:, i::2, j::2] for i in (0, 1) for j in (0, 1)]),
        {
            "average of the four": lambda clip: (
                sum(clip[:, i::2, j::2].astype(float) for i in (0, 1) for j in (0, 1)) / 4
            ),
            "first of the four": lambda clip: clip[:, ::2, ::2],
            "half a frame apart": lambda clip: np.maximum.reduce(
                [half for rows in np.split(clip, 2, 1) for half in np.split(rows, 2, 2)]
            ),
            "too few": lambda clip: clip.max(axis=(1, 2)),
        },
    ),
    "P.11": (
        lambda clip: clip.reshape(len(clip) // 2, 2, *clip.shape[1:]).max(1),
        {
            "overlap": lambda clip: sliding_window_view(clip, 2, axis=0).max(-1),
            "half a clip apart": lambda clip: clip.reshape(2, -1, *clip.shape[1:]).max(0),
            "average of the two": lambda clip: clip.reshape(len(clip) // 2, 2, *clip.shape[1:]).mean(1),
            "first of the two": lambda clip: clip[::2],
        },
    ),
    "P.12": (
        lambda scores: np.exp(scores - np.logaddexp.reduce(scores, axis=1)[:, None]),
        {
            "over the clips": lambda scores: np.exp(scores) / np.exp(scores).sum(0),
            "softmax twice": lambda scores: puzzles._softmax(np.exp(scores) / np.exp(scores).sum(1)[:, None]),
            "divide by their sum": lambda scores: np.exp(scores),
            "keepdims": lambda scores: np.exp(scores) / np.exp(scores).sum(),
            "negative weight": lambda scores: scores / scores.sum(1)[:, None],
            "sigmoid": lambda scores: 1 / (1 + np.exp(-scores)),
        },
    ),
    "P.13": (
        lambda features, weights: (weights[:, None] @ features)[:, 0],
        {
            "once more": lambda features, weights: (weights[:, None] @ features)[:, 0] / weights.shape[1],
            "plain average": lambda features, weights: features.mean(axis=1),
            "not yet added up": lambda features, weights: weights[..., None] * features,
            "of each frame": lambda features, weights: weights * features.sum(-1),
        },
    ),
    "P.14": (
        lambda clip, size: np.moveaxis(sliding_window_view(clip, size, axis=0), -1, 1),
        {
            "last window is missing": lambda clip, size: np.array(
                [clip[t : t + size] for t in range(0, len(clip) - size)]
            ),
            "do not overlap": lambda clip, size: clip[: len(clip) // size * size].reshape(-1, size, *clip.shape[1:]),
            "puts the new axis last": lambda clip, size: sliding_window_view(clip, size, axis=0),
        },
    ),
    "P.15": (
        lambda clip, kernel: np.apply_along_axis(np.convolve, 0, clip, kernel[::-1], "valid"),
        {
            "backwards": lambda clip, kernel: np.apply_along_axis(np.convolve, 0, clip, kernel, "valid"),
            "nothing is padded": lambda clip, kernel: np.apply_along_axis(np.convolve, 0, clip, kernel[::-1], "same"),
            "counts the same": lambda clip, kernel: clip[:-2] + clip[1:-1] + clip[2:],
        },
    ),
    "P.16": (
        lambda n, kernel, stride: len(range(0, n - kernel + 1, stride)),
        {
            "off by one": lambda n, kernel, stride: (n - kernel) // stride,
            "not used yet": lambda n, kernel, stride: n - kernel + 1,
            '"same"': lambda n, kernel, stride: int(np.ceil(n / stride)),
        },
    ),
    "P.17": (
        lambda kernel, channels, filters: filters * (1 + channels * kernel[0] * kernel[1] * kernel[2]),
        {
            "has a bias, too": lambda kernel, channels, filters: filters * channels * np.prod(kernel),
            "channel of its input": lambda kernel, channels, filters: filters * (1 + np.prod(kernel)),
            "each channel that it reads": lambda kernel, channels, filters: filters * channels * (1 + np.prod(kernel)),
            "of one frame": lambda kernel, channels, filters: filters * (1 + channels * kernel[1] * kernel[2]),
        },
    ),
    "P.18": (
        lambda kernels, strides: 1 + sum((k - 1) * int(np.prod(strides[:i])) for i, k in enumerate(kernels)),
        {
            "not the layer's own": lambda kernels, strides: (
                1 + sum((k - 1) * int(np.prod(strides[: i + 1])) for i, k in enumerate(kernels))
            ),
            "not used yet": lambda kernels, strides: 1 + sum(k - 1 for k in kernels),
            "overlap": lambda kernels, strides: sum(kernels),
            "off by one": lambda kernels, strides: sum(
                (k - 1) * int(np.prod(strides[:i])) for i, k in enumerate(kernels)
            ),
        },
    ),
    "P.19": (
        lambda clip, kernel: np.concatenate([np.zeros_like(clip[:1])] * (kernel - 1) + [clip]),
        {
            "open the future": lambda clip, kernel: np.concatenate([clip] + [np.zeros_like(clip[:1])] * (kernel - 1)),
            "off by one": lambda clip, kernel: np.concatenate([np.zeros_like(clip[:1])] * kernel + [clip]),
            "looks ahead": lambda clip, kernel: np.pad(clip, [((kernel - 1) // 2, kernel // 2), (0, 0), (0, 0)]),
            "frame 0 repeated": lambda clip, kernel: np.concatenate([clip[:1]] * (kernel - 1) + [clip]),
            "all axes": lambda clip, kernel: np.pad(clip, kernel - 1),
        },
    ),
    "P.20": (
        lambda lengths, frames: np.array([[t < length for t in range(frames)] for length in lengths]),
        {
            "the frames 0, 1 and 2": lambda lengths, frames: lengths[:, None] >= np.arange(frames),
            "this is reversed": lambda lengths, frames: lengths[:, None] <= np.arange(frames),
            "axes are swapped": lambda lengths, frames: lengths > np.arange(frames)[:, None],
            "should hold bool": lambda lengths, frames: (np.arange(frames) < lengths[:, None]).astype(int),
        },
    ),
    "P.21": (
        lambda features, mask: np.average(features, 1, np.broadcast_to(mask[..., None], features.shape)),
        {
            "mask is not used": lambda features, mask: features.mean(axis=1),
            "too small": lambda features, mask: np.where(mask[..., None], features, 0).mean(1),
            "not yet divided": lambda features, mask: np.where(mask[..., None], features, 0).sum(1),
            "whose frames": lambda features, mask: features[mask].mean(axis=0),
        },
    ),
    "P.22": (
        lambda states, lengths: np.stack([state[n - 1] for state, n in zip(states, lengths, strict=True)]),
        {
            "off by one": lambda states, lengths: np.stack(
                [state[n] for state, n in zip(states, lengths, strict=True)]
            ),
            "part of the clip": lambda states, lengths: states[:, -1],
            "pair them": lambda states, lengths: states[:, lengths - 1],
            "from clip 0": lambda states, lengths: states[0][lengths - 1],
        },
    ),
    "P.23": (
        lambda x, n: np.concatenate(
            [np.pad(x, ((0, 1), (0, 0)))[1:, :n], np.pad(x, ((1, 0), (0, 0)))[:-1, n : 2 * n], x[:, 2 * n :]], 1
        ),
        {
            "goes round": lambda x, n: np.concatenate(
                [np.roll(x, -1, 0)[:, :n], np.roll(x, 1, 0)[:, n : 2 * n], x[:, 2 * n :]], 1
            ),
            "these are swapped": lambda x, n: np.concatenate(
                [np.pad(x, ((1, 0), (0, 0)))[:-1, :n], np.pad(x, ((0, 1), (0, 0)))[1:, n : 2 * n], x[:, 2 * n :]], 1
            ),
            "the next n should": lambda x, n: np.concatenate([np.pad(x, ((0, 1), (0, 0)))[1:, :n], x[:, n:]], 1),
            "most should stay": lambda x, n: np.pad(x, ((0, 1), (0, 0)))[1:],
        },
    ),
    "P.24": (
        lambda clip, t, h, w: np.array(
            [
                clip[a : a + t, b : b + h, c : c + w].ravel()
                for a in range(0, clip.shape[0], t)
                for b in range(0, clip.shape[1], h)
                for c in range(0, clip.shape[2], w)
            ]
        ),
        {
            "strips of memory": lambda clip, t, h, w: clip.reshape(-1, t * h * w),
            "one box per column": lambda clip, t, h, w: puzzles._boxes(clip, t, h, w).T,
            "frames of a box": lambda clip, t, h, w: puzzles._boxes(clip, t, h, w).reshape(-1, t, h * w).mean(1),
            "single frames": lambda clip, t, h, w: np.concatenate([puzzles._boxes(f[None], 1, h, w) for f in clip]),
        },
    ),
    "P.25": (
        lambda kernel, depth: np.ones((depth, 1, 1)) * kernel / depth,
        {
            "times too large": lambda kernel, depth: np.stack([kernel] * depth),
            "axis of time first": lambda kernel, depth: (
                np.concatenate([np.stack([row] * depth) for row in kernel]) / depth
            ),
            "first axis of a kernel": lambda kernel, depth: np.stack([kernel] * depth, axis=-1) / depth,
        },
    ),
    "P.26": (
        lambda clip, first, second, block: np.concatenate(
            [
                clip[:first],
                clip[second : second + block],
                clip[first + block : second],
                clip[first : first + block],
                clip[second + block :],
            ]
        ),
        {
            "written over": loops(
                "swap(clip, first, second, block)",
                "a, b = slice(first, first + block), slice(second, second + block); clip = clip.copy(); "
                "clip[a], clip[b] = clip[b], clip[a]; return clip",
            ),
            "whole clip;": lambda clip, first, second, block: clip[::-1],
            "one frame of each": lambda clip, first, second, block: puzzles._swapped(clip, first, second, 1),
            "itself has changed": loops(
                "swap(clip, first, second, block)",
                "a, b = slice(first, first + block), slice(second, second + block); kept = clip[a].copy(); "
                "clip[a] = clip[b]; clip[b] = kept; return clip",
            ),
        },
    ),
    "P.27": (
        lambda answers, labels: np.prod(answers == labels, axis=0).mean(),
        {
            "share of right clips": lambda answers, labels: np.mean(answers == labels),
            "both should be right": lambda answers, labels: 1 - np.prod(answers != labels, axis=0).mean(),
            "return the share": lambda answers, labels: np.prod(answers == labels, axis=0).sum(),
            "members are axis 0": lambda answers, labels: np.prod(answers == labels, axis=1).mean(),
        },
    ),
}

WRONG = [(number, words) for number, (_, wrong) in TABLE.items() for words in wrong]


def ready(answer):
    return answer.build() if isinstance(answer, Built) else answer


def test_every_exercise_is_in_the_table():
    assert set(TABLE) == set(EXERCISES)
    for chapter in range(1, 6):
        assert sum(number.startswith(f"{chapter}.") for number in EXERCISES) >= 3
    assert sum(number.startswith("P.") for number in EXERCISES) >= 20
    assert all(len(wrong) >= 3 for _, wrong in TABLE.values())


@pytest.mark.parametrize("number", EXERCISES)
def test_a_stub_is_not_right_yet(number):
    answers = [..., None]
    if EXERCISES[number].kind == "a function":
        answers += [stub, lambda *_: None]
    for answer in answers:
        verdict = seqlib.check(number, answer)
        assert not verdict and repr(verdict).startswith(f"{number}: not yet. Nothing is there so far")


TRAINS = ("2.3", "5.7", "6.5")  # answers that train


@pytest.mark.parametrize(
    "number", [pytest.param(number, marks=pytest.mark.slow) if number in TRAINS else number for number in EXERCISES]
)
def test_another_right_answer_is_right(number):
    verdict = seqlib.check(number, ready(TABLE[number][0]))
    assert verdict, verdict
    assert repr(verdict) == f"{number}: right."


@pytest.mark.parametrize(("number", "words"), WRONG)
def test_a_typical_mistake_is_told_by_its_own_hint(number, words):
    verdict = seqlib.check(number, ready(TABLE[number][1][words]))
    assert not verdict and words.lower() in verdict.hint.lower(), verdict
    others = [other for other in TABLE[number][1] if other != words and other.lower() in verdict.hint.lower()]
    assert not others, f"the same hint as for {others}"


@pytest.mark.parametrize("number", [n for n, e in EXERCISES.items() if e.kind == "a function" and n != "3.3"])
def test_the_verdict_does_not_hang_on_what_was_drawn(number):
    right, wrong = TABLE[number]
    judge = EXERCISES[number].judge
    for seed in range(30):
        assert judge(right, np.random.default_rng(seed)) is None
        for answer in wrong.values():
            assert judge(answer, np.random.default_rng(seed)), seed


def folded():
    """Each puzzle's stub and solution, as the notebook has them: number, function's name, code and code."""
    for cell in NOTEBOOK.cells:
        if cell.id.endswith("-check"):
            number, name = re.search(r'seqlib\.check\("(P\.\d+)", (\w+)\)', cell.source).groups()
            below = NOTEBOOK.cells[NOTEBOOK.cells.index(cell) + 1].source
            yield number, name, cell.source, re.search(r"```python\n(.*?)```", below, re.S)[1]


def test_the_notebook_has_every_puzzle_once_with_a_picture_before_it():
    assert [number for number, *_ in folded()] == list(puzzles.PUZZLES)
    for number in puzzles.PUZZLES:
        text, picture, stub, solution = (
            next(cell for cell in NOTEBOOK.cells if cell.id == f"p{number[2:]}-{part}")
            for part in ("text", "picture", "check", "solution")
        )
        assert text.source.startswith(f"### {number} ") and f'example("{number}")' in picture.source
        places = [NOTEBOOK.cells.index(cell) for cell in (text, picture, stub, solution)]
        assert places == list(range(places[0], places[0] + 4))
        assert f"<summary>One solution of {number}</summary>" in solution.source


@pytest.mark.parametrize(("number", "name", "stub", "solution"), list(folded()), ids=lambda value: str(value)[:4])
def test_the_solution_of_a_puzzle_is_right_and_has_the_stubs_form(number, name, stub, solution):
    names = {"np": np, "seqlib": seqlib}
    exec(stub, names)
    assert not seqlib.check(number, names[name])
    exec(solution, names)
    assert seqlib.check(number, names[name])
    head = solution.splitlines()[0]
    assert stub.splitlines()[0] == head
    assert head == f"def {EXERCISES[number].form}:", "the form is what the error message shows"
    assert len(solution.splitlines()) <= 6


@pytest.mark.parametrize("number", exercises.EXERCISES)
def test_an_exercise_says_how_to_check_it_and_its_solution_passes(number):
    """That the solution does pass is seen where the page's code runs, in tests/test_prose.py."""
    chapter, count = map(int, number.split("."))
    page = next((ROOT / "book").glob(f"{chapter:02}_*.md")).read_text("utf-8")
    exercise = re.findall(r"^```\{exercise\}.*?^```$", page, re.M | re.S)[count - 1]
    solution = re.findall(r"^````\{solution\}.*?^````$", page, re.M | re.S)[count - 1]
    assert f'`seqlib.check("{number}", ' in exercise
    assert f'assert seqlib.check("{number}", ' in solution
    assert page.count(f'seqlib.check("{number}"') == 2


def test_an_exercise_without_a_check_says_so_and_so_does_check():
    without = []
    for page in sorted((ROOT / "book").glob("0*.md")):
        texts = re.findall(r"^```\{exercise\}.*?^```$", page.read_text("utf-8"), re.M | re.S)
        numbered = {f"{int(page.name[:2])}.{count}": text for count, text in enumerate(texts, 1)}
        without += [number for number in numbered if number not in EXERCISES]
        assert [number for number, text in numbered.items() if "(No check" in text] == [
            number for number in numbered if number not in EXERCISES
        ]
    assert tuple(without) == exercises.OPEN
    for number in without:
        with pytest.raises(ValueError, match=f"exercise {number} has no check: compare your answer with its solution"):
            seqlib.check(number, "an argument")


NO_ANSWERS = [
    ...,
    None,
    "yes",
    "",
    True,
    False,
    float("nan"),
    float("inf"),
    [],
    {},
    (..., ...),
    [None],
    b"7",
    7j,
    object(),
]


def emptied(value, part):
    """A right answer with each of its parts replaced: in a dict, a list, and what a function returns."""
    if isinstance(value, dict):
        return dict.fromkeys(value, part)
    if isinstance(value, (list, tuple)):
        return [part] * len(value)
    return (lambda *_: part) if callable(value) else part


@pytest.mark.parametrize("number", EXERCISES)
def test_what_is_no_answer_never_counts_and_is_never_met_by_a_raw_error(number):
    """Of another kind, it is refused by name; inside of the right kind, it is not right yet."""
    right, _ = TABLE[number]
    parts = [part for part in NO_ANSWERS if not isinstance(part, bool)]  # which may be right in a dict
    inside = [emptied(right, part) for part in parts] if not isinstance(right, Built) else []
    for answer in NO_ANSWERS + inside + [[[answer] * 4] * 3 for answer in NO_ANSWERS]:
        try:
            assert not seqlib.check(number, answer), answer
        except TypeError as error:
            assert str(error).startswith("answer must be a"), answer


@pytest.mark.parametrize("number", ["1.3", "2.4", "3.5", "4.3", "4.6", "5.3", "5.6"])
@pytest.mark.parametrize("part", [..., None, "yes", 1, 0, [], np.array([True, False])])
def test_a_statement_that_is_not_called_true_or_false_does_not_count(number, part):
    right, _ = TABLE[number]
    for name in right:
        assert not seqlib.check(number, right | {name: part})


@pytest.mark.parametrize(("n", "right"), [(199, False), *((n, True) for n in range(200, 401)), (401, False)])
def test_how_many_clips_does_not_depend_on_how_a_share_of_them_is_rounded(n, right):
    assert bool(seqlib.check("1.4", n)) == right


def test_the_counts_that_1_4_tells_are_those_of_the_interval():
    low = {n: seqlib.measure.Accuracy(31 * n // 100, n).low for n in (100, 200, 300)}
    assert low[100] < 0.25 < low[300]
    assert low[200] == pytest.approx(0.25, abs=1e-4)
    assert seqlib.measure.Accuracy(26 * 72, 7200).low == pytest.approx(0.25, abs=1e-4)


def test_a_function_that_fails_on_its_second_call_is_met_by_a_hint():
    def only_frozen(clips):
        return padded()(clips) if (clips == clips[:, :1]).all() else clips[:, :, 0] + [1, 2]

    assert "raises ValueError" in seqlib.check("3.4", only_frozen).hint


def test_every_check_that_a_page_names_is_there():
    for page in [*(ROOT / "book").glob("*.md"), *(ROOT / "notebooks").glob("*.ipynb")]:
        for number in re.findall(r'check\(\\?"([\w.]+)\\?"', page.read_text("utf-8")):
            assert number in EXERCISES, f"{number} in {page.name}"


@pytest.mark.parametrize("number", ["9.9", "P.0", "3.2.1", ""])
def test_a_number_that_is_none_is_refused_by_name(number):
    with pytest.raises(ValueError, match=r"number must be one of '1.1', .*'P.27'"):
        seqlib.check(number, 1)


def test_a_number_must_be_a_str():
    with pytest.raises(TypeError, match=r"number must be one of '1.1', .* not 3.2"):
        seqlib.check(3.2, (7, 2))


@pytest.mark.parametrize(
    ("number", "answer", "kind"),
    [
        ("P.1", np.zeros((4, 2, 2)), r"a function, reverse\(clip\), .* not ndarray"),
        ("P.1", "clip[::-1]", "a function, .* not str"),
        ("2.1", True, "a number, .* not bool"),
        ("2.1", [288], "a number, .* not list"),
        ("3.2", 7, r"a list, \(R, shift\), .* not int"),
        ("3.5", [True, True, False], "a dict, .* not list"),
        ("3.6", lambda clip: clip, "a model, .* not function"),
    ],
)
def test_an_answer_of_another_kind_is_refused_by_name(number, answer, kind):
    with pytest.raises(TypeError, match=f"answer must be {kind}"):
        seqlib.check(number, answer)


def test_what_a_function_raises_is_a_hint_and_no_crash():
    verdict = seqlib.check("P.1", lambda clip: clip[:, :, :, 0])
    assert not verdict and "raises IndexError" in verdict.hint
    assert "raises TypeError" in seqlib.check("P.1", lambda: 1).hint


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lambda clip: np.roll(clip[::-1], 1), "numbers differ, the first at index (0, 0, 0)"),
        (lambda clip: np.concatenate([clip[::-1][:-1], 0 * clip[:1] + 7]), "all is right but at index"),
        (lambda clip: clip[::-1].astype(float) * np.nan, "not finite"),
        (lambda clip: [clip, clip[0]], "different shapes"),
        (lambda clip: [[7]], "its shape is (1, 1)"),
        (lambda clip: np.full(clip.shape, "?"), "numbers or truth values, not text"),
        (lambda clip: clip.astype(object), "not ndarray of object"),
        (lambda clip: [1, None], "nothing is there so far"),
    ],
)
def test_what_nobody_has_foreseen_is_told_by_what_differs(answer, words):
    assert words in seqlib.check("P.1", answer).hint.lower()


def test_numbers_are_right_but_for_rounding():
    assert seqlib.check("P.4", lambda clip: clip.mean((1, 2), dtype="float32"))


def test_checking_functions_loads_no_tensorflow():
    numbers = [number for number, exercise in EXERCISES.items() if exercise.kind != "a model"]
    without = [number for number in numbers if number != "3.3"]  # is about networks
    program = f"import seqlib, sys\nfor n in {without}:\n    seqlib.check(n, ...)\n"
    program += "seqlib.check('P.1', lambda x: x[::-1]); seqlib.check('2.5', 0); seqlib.check('2.1', 288)\n"
    program += "assert 'tensorflow' not in sys.modules and 'matplotlib' not in sys.modules"
    subprocess.run([sys.executable, "-c", program], check=True)
