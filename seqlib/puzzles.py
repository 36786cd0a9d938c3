"""Clip puzzles: one line of NumPy each. What is right, what is typically wrong, and a small example to draw.

The puzzles' texts stand in notebooks/puzzles.ipynb. Grey clips have no channel axis here: (T, H, W).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from . import arguments
from .checks import Exercise, function

__all__ = ["EXERCISES", "PUZZLES", "Puzzle", "example"]


class Puzzle(NamedTuple):
    """One puzzle.

    Attributes
    ----------
    exercise : Exercise
    arrays : callable
        () -> dict of title to small array: what the code is given and what it should give.
    """

    exercise: Exercise
    arrays: Callable[[], dict[str, NDArray[Any]]]


def example(number: str) -> dict[str, NDArray[Any]]:
    """Return a puzzle's example, for `show.arrays` to draw.

    Parameters
    ----------
    number : str
        Such as ``"P.1"``.

    Returns
    -------
    dict of str to array
        What the code is given and what it should give.

    Raises
    ------
    TypeError, ValueError
        If ``number`` is not a str, or there is no puzzle of this number.

    Examples
    --------
    >>> {title: array.tolist() for title, array in example("P.20").items()}
    {'lengths, (3,)': [3, 1, 4], 'mask(lengths, 5), (3, 5)': [[True, True, True, False, False], ...]}
    """
    return PUZZLES[arguments.choice("number", number, PUZZLES)].arrays()


def _counted(*shape):
    """Return an array that holds 0, 1, 2, ...: one sees where each number goes."""
    return np.arange(np.prod(shape)).reshape(shape)


def _bytes(random, *shape):
    return random.integers(0, 256, shape, dtype=np.uint8)


def _size(random, low=4):
    return int(random.integers(low, low + 3))


def _clip(random):
    return (_bytes(random, _size(random), 7, 8),)


def _moving():
    """Draw a bright pixel on its way: four frames of 2 x 3."""
    clip = np.zeros((4, 2, 3), int)
    for t, (row, column) in enumerate(((0, 0), (0, 1), (0, 2), (1, 2))):
        clip[t, row, column] = 9
    return clip


def _puzzle(form, inputs, right, *mistakes, given=None, arrays=None):
    """Make a puzzle; its example is the arguments ``given``, a dict, and what is right for them, or else ``arrays``."""

    def from_given():
        call, shown = form, {}
        for name, argument in given.items():
            if np.ndim(argument):
                shown[name] = argument
            else:
                call = re.sub(rf"\b{name}\b", str(argument), call)
        shown[call] = np.asarray(right(*given.values()))
        return {f"{name}, {array.shape}" if array.ndim else name: array for name, array in shown.items()}

    return Puzzle(function(form, inputs, right, *mistakes), arrays or from_given)


def _places(n, kernel, stride):
    """Mark on which of n frames a kernel lies, one row for each place."""
    starts = range(0, n - kernel + 1, stride)
    return np.array([[int(start <= t < start + kernel) for t in range(n)] for start in starts])


def _overhanging(random):
    """Return n, kernel and stride such that the last place is not at the end."""
    kernel, stride, steps = (int(random.integers(low, high)) for low, high in ((6, 9), (2, 5), (4, 9)))
    return kernel + stride * steps + int(random.integers(1, stride)), kernel, stride


def _field(kernels, strides):
    field, step = 1, 1
    for kernel, stride in zip(kernels, strides, strict=True):
        field, step = field + (kernel - 1) * step, step * stride
    return field


def _stride_first(kernels, strides):
    field, step = 1, 1
    for kernel, stride in zip(kernels, strides, strict=True):
        step *= stride
        field += (kernel - 1) * step
    return field


def _seen():
    """Which frames one unit of the second layer sees, through which units of the first."""
    return {
        "the second layer, one unit": np.array([0, 0, 1, 0, 0]),
        "the first layer, what it sees": np.array([0, 1, 1, 1, 0]),
        "the clip, what these see": np.array([1, 1, 1, 1, 1]),
    }


def _softmax(scores, axis=1):
    powers = np.exp(scores - scores.max(axis, keepdims=True))
    return powers / powers.sum(axis, keepdims=True)


def _shift(x, n, wrap=False, flip=False):
    y = np.zeros_like(x)
    after, before = slice(0, n), slice(n, 2 * n)
    if flip:
        after, before = before, after
    y[:-1, after], y[1:, before] = x[1:, after], x[:-1, before]
    if wrap:
        y[-1, after], y[0, before] = x[0, after], x[-1, before]
    y[:, 2 * n :] = x[:, 2 * n :]
    return y


def _swapped(clip, first, second, block, careless=False):
    y = clip.copy()
    y[first : first + block] = clip[second : second + block]
    y[second : second + block] = (y if careless else clip)[first : first + block]
    return y


def _boxes(clip, t, h, w):
    frames, height, width = clip.shape
    boxes = clip.reshape(frames // t, t, height // h, h, width // w, w)
    return boxes.transpose(0, 2, 4, 1, 3, 5).reshape(-1, t * h * w)


def _ragged(random):
    frames = _size(random, 5)
    return random.integers(1, frames, 3), frames


def _mask(lengths, frames):
    return np.arange(frames) < lengths[:, None]


def _masked(random):
    lengths, frames = _ragged(random)
    return random.normal(size=(3, frames, 4)), _mask(lengths, frames)


def _scored(random):
    answers = random.integers(0, 2, (2, 40))
    return answers, np.stack([np.zeros(40, int), np.ones(40, int)])


PUZZLES = {
    # Time is an axis.
    "P.1": _puzzle(
        "reverse(clip)",
        _clip,
        lambda clip: clip[::-1],
        (lambda clip: clip[:, ::-1], "this turns every frame upside down; time is the first axis of a clip"),
        (
            lambda clip: clip[..., ::-1],
            "this mirrors every frame, so left and right are swapped; time is the first axis of a clip",
        ),
        (lambda clip: clip[::-1, ::-1, ::-1], "this reverses rows and columns, too; only time should run backwards"),
        (lambda clip: clip[:0:-1], "frame 0 is missing: leave the stop of the slice empty"),
        given={"clip": _moving()},
    ),
    "P.2": _puzzle(
        "faster(clip)",
        lambda random: (_bytes(random, 6 + 2 * _size(random), 7, 8),),
        lambda clip: clip[::2],
        (lambda clip: clip[1::2], "this is off by one: begin with frame 0"),
        (lambda clip: clip[:, ::2], "this leaves out every second row; time is the first axis"),
        (lambda clip: clip[: len(clip) // 2], "this is the first half of the clip at the old speed"),
        given={"clip": _counted(6, 1, 2)},
    ),
    "P.3": _puzzle(
        "middle(clips)",
        lambda random: (_bytes(random, 3, 2 * _size(random), 7, 8),),
        lambda clips: clips[:, clips.shape[1] // 2],
        (
            lambda clips: clips[len(clips) // 2],
            "this is the middle clip of the batch: the batch comes first, then time",
        ),
        (
            lambda clips: clips[:, clips.shape[1] // 2 - 1],
            "this is off by one: frames are counted from 0, so frame T // 2 of four frames is frame 2",
        ),
        (
            lambda clips: clips[:, len(clips) // 2],
            "this divides the length of the batch by 2, not the number of frames",
        ),
        given={"clips": _counted(2, 4, 1, 2)},
    ),
    "P.4": _puzzle(
        "brightness(clip)",
        _clip,
        lambda clip: clip.mean((1, 2)),
        (lambda clip: clip.mean(0), "this averages over time and leaves a frame: a long exposure"),
        (lambda clip: clip.mean(), "this is one number for the whole clip; return one number per frame"),
        (lambda clip: clip.sum((1, 2)), "this is the sum; divide by the number of pixels"),
        (lambda clip: clip.mean(1), "this averages over rows alone; average over columns, too"),
        given={"clip": np.array([[[1, 3], [5, 7]], [[2, 2], [2, 6]], [[0, 0], [0, 4]]])},
    ),
    "P.5": _puzzle(
        "differences(clip)",
        _clip,
        lambda clip: clip[1:].astype(int) - clip[:-1],
        (lambda clip: clip[1:] - clip[:-1], "bytes know no -1: 3 - 5 is 254. Convert them to a type with a sign first"),
        (
            lambda clip: clip[:-1].astype(int) - clip[1:],
            "the sign is reversed: subtract the frame before from the frame",
        ),
        (
            lambda clip: np.abs(clip[1:].astype(int) - clip[:-1]),
            "without its sign, a difference no longer shows a direction",
        ),
        (lambda clip: np.diff(clip.astype(int)), "`np.diff` uses the last axis, columns, unless you pass `axis=0`"),
        (lambda clip: clip - clip[:1].astype(int), "this is the difference from frame 0; subtract the frame before"),
        given={"clip": _moving()},
    ),
    # Axes move.
    "P.6": _puzzle(
        "stack(clip)",
        _clip,
        lambda clip: np.moveaxis(clip, 0, -1),
        (
            lambda clip: clip.reshape(*clip.shape[1:], -1),
            "`reshape` keeps the order in memory: each channel is a comb through all frames",
        ),
        (lambda clip: clip.T, "this swaps rows and columns, too: (W, H, T)"),
        (lambda clip: clip.swapaxes(0, 1), "time is now in the middle; channels come last"),
        arrays=lambda: {"clip": _moving(), "stack(clip)[:, :, t], one channel after the other": _moving()},
    ),
    "P.7": _puzzle(
        "fold(clips)",
        lambda random: (_bytes(random, 3, _size(random), 7, 8),),
        lambda clips: clips.reshape(-1, *clips.shape[2:]),
        (
            lambda clips: clips.swapaxes(0, 1).reshape(-1, *clips.shape[2:]),
            "frame 0 of every clip now comes first; put one clip after the other",
        ),
        (
            lambda clips: clips.reshape(len(clips), -1, clips.shape[3]),
            "the frames of a clip now form one tall image; keep them apart",
        ),
        (lambda clips: clips.mean(0), "this averages over the clips; keep them all"),
        given={"clips": _counted(2, 3, 1, 2)},
    ),
    "P.8": _puzzle(
        "unfold(images, frames)",
        lambda random: (_bytes(random, 3 * (frames := _size(random)), 7, 8), frames),
        lambda images, frames: images.reshape(-1, frames, *images.shape[1:]),
        (
            lambda images, frames: images.reshape(frames, -1, *images.shape[1:]),
            "this makes `frames` clips; each clip should have `frames` frames",
        ),
        (
            lambda images, frames: images.reshape(frames, -1, *images.shape[1:]).swapaxes(0, 1),
            "the shape is right, but each clip has frames of all the others: the first `frames` images are clip 0",
        ),
        (lambda images, frames: images[:frames], "this is only the first clip; all are wanted"),
        given={"images": _counted(6, 1, 2), "frames": 3},
    ),
    "P.9": _puzzle(
        "early(clip)",
        lambda random: (_bytes(random, _size(random), 7, 8, 3),),
        lambda clip: np.moveaxis(clip, 0, 2).reshape(*clip.shape[1:3], -1),
        (
            lambda clip: np.moveaxis(clip, 0, -1).reshape(*clip.shape[1:3], -1),
            "the reds of all frames now come first; all colours of frame 0 should come first",
        ),
        (
            lambda clip: clip.reshape(*clip.shape[1:3], -1),
            "`reshape` keeps the order in memory: move time beside the channels first",
        ),
        (lambda clip: clip.mean(0), "this averages the frames; put one after the other"),
        arrays=lambda: {
            "clip[:, 0, 0], the three colours of one pixel in two frames": 1 + _counted(2, 3),
            "early(clip)[0, 0], that pixel's channels": 1 + _counted(6),
        },
    ),
    # Pooling.
    "P.10": _puzzle(
        "halve(clip)",
        lambda random: (_bytes(random, _size(random), 6, 8),),
        lambda clip: clip.reshape(len(clip), clip.shape[1] // 2, 2, clip.shape[2] // 2, 2).max((2, 4)),
        (
            lambda clip: clip.reshape(len(clip), clip.shape[1] // 2, 2, clip.shape[2] // 2, 2).mean((2, 4)),
            "this is the average of the four pixels; take the largest",
        ),
        (lambda clip: clip[:, ::2, ::2], "this takes the first of the four pixels; take the largest"),
        (
            lambda clip: clip.reshape(len(clip), 2, clip.shape[1] // 2, 2, clip.shape[2] // 2).max((1, 3)),
            "this compares pixels that are half a frame apart: put the 2 after the half",
        ),
        (lambda clip: clip.max((1, 2)), "one number per frame is too few: return one for each two by two pixels"),
        given={"clip": np.array([[[1, 0, 2, 2], [4, 3, 2, 5]], [[6, 0, 0, 0], [0, 0, 0, 7]]])},
    ),
    "P.11": _puzzle(
        "pairs(clip)",
        lambda random: (_bytes(random, 2 * _size(random), 7, 8),),
        lambda clip: np.maximum(clip[::2], clip[1::2]),
        (lambda clip: np.maximum(clip[:-1], clip[1:]), "these windows overlap; the second should begin with frame 2"),
        (
            lambda clip: np.maximum(clip[: len(clip) // 2], clip[len(clip) // 2 :]),
            "this compares frames that are half a clip apart; compare neighbours",
        ),
        (
            lambda clip: (clip[::2].astype(float) + clip[1::2]) / 2,
            "this is the average of the two frames; take the larger",
        ),
        (lambda clip: clip[::2], "this takes the first of the two frames; take the larger"),
        given={"clip": _moving()},
    ),
    "P.12": _puzzle(
        "weights(scores)",
        lambda random: (random.normal(size=(3, _size(random))),),
        _softmax,
        (
            lambda scores: _softmax(scores, 0),
            "the weights of one frame add up to 1 over the clips; those of one clip should add up to 1",
        ),
        (
            lambda scores: _softmax(_softmax(scores)),
            "this is softmax twice: it turns weights into weights again, which makes them nearly equal",
        ),
        (lambda scores: np.exp(scores), "all are positive; now divide by their sum over time"),
        (
            lambda scores: np.exp(scores) / np.exp(scores).sum(),
            "this is the sum over all clips; each clip needs a sum of its own, with `keepdims=True`",
        ),
        (
            lambda scores: scores / scores.sum(1, keepdims=True),
            "without `np.exp` a negative score becomes a negative weight",
        ),
        (lambda scores: 1 / (1 + np.exp(-scores)), "this is the sigmoid, which looks at one score at a time"),
        given={"scores": np.array([[0.0, 0.0, 0.0, 0.0], [0.0, 3.0, 0.0, 1.0]])},
    ),
    "P.13": _puzzle(
        "attend(features, weights)",
        lambda random: (
            random.normal(size=(3, (frames := _size(random, 6)), 4)),
            _softmax(random.normal(size=(3, frames))),
        ),
        lambda features, weights: (features * weights[..., None]).sum(1),
        (
            lambda features, weights: (features * weights[..., None]).mean(1),
            "the weights already add up to 1; the mean divides by T once more",
        ),
        (lambda features, weights: features.mean(1), "this is the plain average: the weights are not used"),
        (lambda features, weights: features * weights[..., None], "this is weighted, but not yet added up over time"),
        (
            lambda features, weights: (features * weights[..., None]).sum(-1),
            "this adds up the features of each frame; add up over time",
        ),
        given={"features": np.array([[[4, 0], [0, 8], [2, 2]]]), "weights": np.array([[0.5, 0.25, 0.25]])},
    ),
    # Windows.
    "P.14": _puzzle(
        "windows(clip, size)",
        lambda random: (_bytes(random, _size(random, 9), 7, 8), _size(random, 2)),
        lambda clip, size: np.stack([clip[t : t + size] for t in range(len(clip) - size + 1)]),
        (
            lambda clip, size: np.stack([clip[t : t + size] for t in range(len(clip) - size)]),
            "this is off by one: the last window is missing, which ends with the last frame",
        ),
        (
            lambda clip, size: np.stack([clip[t : t + size] for t in range(0, len(clip) - size + 1, size)]),
            "these windows do not overlap: a window should begin in every frame that leaves room for it",
        ),
        (
            lambda clip, size: sliding_window_view(clip, size, axis=0),
            "`sliding_window_view` puts the new axis last; move it to place 1",
        ),
        given={"clip": _counted(5, 1, 2), "size": 3},
    ),
    "P.15": _puzzle(
        "slide(clip, kernel)",
        lambda random: (random.normal(size=(_size(random, 7), 5, 6)), random.normal(size=3)),
        lambda clip, kernel: np.einsum("thwk,k->thw", sliding_window_view(clip, len(kernel), 0), kernel),
        (
            lambda clip, kernel: np.einsum("thwk,k->thw", sliding_window_view(clip, len(kernel), 0), kernel[::-1]),
            "the kernel runs backwards. Mathematicians call that a convolution; networks do not reverse it",
        ),
        (
            lambda clip, kernel: np.einsum(
                "thwk,k->thw", sliding_window_view(np.pad(clip, ((1, 1), (0, 0), (0, 0))), 3, 0), kernel
            ),
            "there are as many frames as before, because of zeros at both ends. Here nothing is padded",
        ),
        (
            lambda clip, kernel: sliding_window_view(clip, len(kernel), 0).sum(-1),
            "each frame counts the same: use the kernel's weights",
        ),
        given={"clip": np.array([[[0]], [[0]], [[5]], [[0]], [[1]]]), "kernel": np.array([-1, 0, 1])},
    ),
    "P.16": _puzzle(
        "places(n, kernel, stride)",
        _overhanging,
        lambda n, kernel, stride: (n - kernel) // stride + 1,
        (lambda n, kernel, stride: (n - kernel) // stride, "this is off by one: the first place, at 0, counts, too"),
        (lambda n, kernel, stride: n - kernel + 1, "the stride is not used yet"),
        (lambda n, kernel, stride: -(-n // stride), 'this is what "same" padding leaves; here nothing is padded'),
        (
            lambda n, kernel, stride: -(-(n - kernel) // stride) + 1,
            "this is rounded up, so the last window goes beyond the end",
        ),
        arrays=lambda: {
            "8 frames": np.arange(8),
            "where a kernel of 3 lies, with a stride of 2: 3 places": _places(8, 3, 2),
        },
    ),
    "P.17": _puzzle(
        "parameters(kernel, channels, filters)",
        lambda random: (
            tuple(int(k) for k in random.integers(2, 5, 3)),
            int(random.integers(2, 5)),
            int(random.integers(5, 9)),
        ),
        lambda kernel, channels, filters: int(np.prod(kernel)) * channels * filters + filters,
        (lambda kernel, channels, filters: int(np.prod(kernel)) * channels * filters, "each filter has a bias, too"),
        (
            lambda kernel, channels, filters: int(np.prod(kernel)) * filters + filters,
            "a kernel has weights for each channel of its input",
        ),
        (
            lambda kernel, channels, filters: (int(np.prod(kernel)) + 1) * channels * filters,
            "there is one bias per filter, not one for each channel that it reads",
        ),
        (
            lambda kernel, channels, filters: int(np.prod(kernel[1:])) * channels * filters + filters,
            "these are the weights of one frame; the kernel is deep in time, too",
        ),
        arrays=lambda: {
            "two kernels of (2, 1, 3) over one channel, their weights counted": 1 + _counted(2, 2, 1, 3),
            "and two biases: 14 parameters": np.array([13, 14]),
        },
    ),
    "P.18": _puzzle(
        "field(kernels, strides)",
        lambda random: ([int(k) for k in random.integers(2, 6, 3)], [2, 1, 3] if random.random() < 0.5 else [3, 2, 2]),
        _field,
        (_stride_first, "a stride widens the steps of the layers after it, not the layer's own step"),
        (
            lambda kernels, strides: _field(kernels, [1] * len(kernels)),
            "the strides are not used yet: after a stride of 2, each step is two frames",
        ),
        (lambda kernels, strides: sum(kernels), "neighbouring windows overlap: a kernel of k adds k - 1 steps"),
        (
            lambda kernels, strides: _field(kernels, strides) - 1,
            "this is off by one: start with a field of one frame",
        ),
        arrays=_seen,
    ),
    "P.19": _puzzle(
        "causal(clip, kernel)",
        lambda random: (1 + random.random(size=(_size(random), 5, 6)), int(random.integers(3, 6))),
        lambda clip, kernel: np.pad(clip, ((kernel - 1, 0), (0, 0), (0, 0))),
        (
            lambda clip, kernel: np.pad(clip, ((0, kernel - 1), (0, 0), (0, 0))),
            "blank frames after the clip open the future: put them in front",
        ),
        (
            lambda clip, kernel: np.pad(clip, ((kernel, 0), (0, 0), (0, 0))),
            "this is off by one: the frame itself is the last of the kernel's frames",
        ),
        (
            lambda clip, kernel: np.pad(clip, (((kernel - 1) // 2, kernel // 2), (0, 0), (0, 0))),
            'half in front and half behind is "same" padding, which looks ahead',
        ),
        (
            lambda clip, kernel: np.pad(clip, ((kernel - 1, 0), (0, 0), (0, 0)), mode="edge"),
            "this is frame 0 repeated; pad with blank frames",
        ),
        (
            lambda clip, kernel: np.pad(clip, kernel - 1),
            "this pads all axes at both ends; pad only the front of time",
        ),
        given={"clip": 1 + _counted(3, 1, 2), "kernel": 3},
    ),
    # Clips of different length.
    "P.20": _puzzle(
        "mask(lengths, frames)",
        _ragged,
        _mask,
        (
            lambda lengths, frames: np.arange(frames) <= lengths[:, None],
            "this is off by one: a clip of three frames has the frames 0, 1 and 2",
        ),
        (
            lambda lengths, frames: np.arange(frames) >= lengths[:, None],
            "this is reversed: True means that the frame is there",
        ),
        (
            lambda lengths, frames: np.arange(frames)[:, None] < lengths,
            "the axes are swapped: each row should be a clip and each column a frame",
        ),
        given={"lengths": np.array([3, 1, 4]), "frames": 5},
    ),
    "P.21": _puzzle(
        "average(features, mask)",
        _masked,
        lambda features, mask: (features * mask[..., None]).sum(1) / mask.sum(1)[:, None],
        (lambda features, mask: features.mean(1), "the mask is not used: the padding is averaged, too"),
        (
            lambda features, mask: (features * mask[..., None]).mean(1),
            "this divides by T, so short clips come out too small. Divide by the number of frames that are there",
        ),
        (
            lambda features, mask: (features * mask[..., None]).sum(1),
            "this is added up, but not yet divided by the number of frames that are there",
        ),
        (
            lambda features, mask: features[mask].mean(0),
            "one average over all clips: `features[mask]` forgets whose frames they were",
        ),
        given={
            "features": np.array([[[2], [4], [6], [9]], [[8], [9], [9], [9]]]),
            "mask": _mask(np.array([3, 1]), 4),
        },
    ),
    "P.22": _puzzle(
        "last(states, lengths)",
        lambda random: (
            random.normal(size=(4, (frames := _size(random, 6)), 3)),
            random.permutation(frames - 1)[:4] + 1,
        ),
        lambda states, lengths: states[np.arange(len(states)), lengths - 1],
        (
            lambda states, lengths: states[np.arange(len(states)), lengths],
            "this is off by one: the last of three frames is frame 2",
        ),
        (lambda states, lengths: states[:, -1], "this is the state after the padding, as if it were part of the clip"),
        (
            lambda states, lengths: states[:, lengths - 1],
            "this takes every length from every clip; pair them: put `np.arange(B)` before the lengths",
        ),
        (lambda states, lengths: states[0, lengths - 1], "all of these come from clip 0"),
        given={"states": _counted(2, 4, 2), "lengths": np.array([3, 1])},
    ),
    # Tricks of the trade.
    "P.23": _puzzle(
        "shift(x, n)",
        lambda random: (random.normal(size=(_size(random), 7)), int(random.integers(1, 4))),
        _shift,
        (
            lambda x, n: _shift(x, n, wrap=True),
            "what leaves at one end comes in at the other: `np.roll` goes round; put zeros there",
        ),
        (
            lambda x, n: _shift(x, n, flip=True),
            "these are swapped: the first n channels come from the frame after, the next n from the frame before",
        ),
        (
            lambda x, n: np.concatenate([_shift(x, n)[:, :n], x[:, n:]], 1),
            "the first n channels are right; the next n should come from the frame before",
        ),
        (lambda x, n: np.concatenate([x[1:], 0 * x[:1]]), "this shifts all channels; most should stay"),
        given={"x": np.arange(1, 5)[:, None] * np.ones(3, int), "n": 1},
    ),
    "P.24": _puzzle(
        "tubelets(clip, t, h, w)",
        lambda random: (_bytes(random, 6, 8, 6), int(random.integers(2, 4)), 4, 2),
        _boxes,
        (
            lambda clip, t, h, w: clip.reshape(-1, t * h * w),
            "`reshape` cuts the clip into strips of memory, not into boxes: split the axes, then move them",
        ),
        (
            lambda clip, t, h, w: _boxes(clip, t, h, w).T,
            "there is one box per column; return one per row",
        ),
        (
            lambda clip, t, h, w: _boxes(clip, t, h, w).reshape(-1, t, h * w).mean(1),
            "the frames of a box are averaged; keep all its numbers",
        ),
        (
            lambda clip, t, h, w: _boxes(clip, 1, h, w),
            "these are patches of single frames; a tubelet is t frames long",
        ),
        given={"clip": _counted(2, 2, 4), "t": 2, "h": 2, "w": 2},
    ),
    "P.25": _puzzle(
        "inflate(kernel, depth)",
        lambda random: (random.normal(size=(3, 4)), int(random.integers(2, 6))),
        lambda kernel, depth: np.repeat(kernel[None], depth, axis=0) / depth,
        (
            lambda kernel, depth: np.repeat(kernel[None], depth, axis=0),
            "on a frozen clip the answer is now `depth` times too large",
        ),
        (
            lambda kernel, depth: np.repeat(kernel, depth, axis=0) / depth,
            "the rows are repeated; add an axis of time first",
        ),
        (
            lambda kernel, depth: np.repeat(kernel[..., None], depth, axis=-1) / depth,
            "time is the first axis of a kernel, as of a clip",
        ),
        given={"kernel": np.array([[3, 0, 9], [0, 6, 0]]), "depth": 3},
    ),
    "P.26": _puzzle(
        "swap(clip, first, second, block)",
        lambda random: (_bytes(random, 12, 5, 6), 1, int(random.integers(6, 9)), int(random.integers(2, 4))),
        _swapped,
        (
            lambda clip, first, second, block: _swapped(clip, first, second, block, careless=True),
            "the second block is there twice, because the first was written over before it was read. Copy it first",
        ),
        (
            lambda clip, first, second, block: clip[::-1],
            "this reverses the whole clip; only the blocks should change places",
        ),
        (
            lambda clip, first, second, block: _swapped(clip, first, second, 1),
            "one frame of each block has changed places; a block has `block` frames",
        ),
        given={"clip": np.array([0, 5, 6, 0, 0, 8, 9, 0])[:, None, None], "first": 1, "second": 5, "block": 2},
    ),
    "P.27": _puzzle(
        "both(answers, labels)",
        _scored,
        lambda answers, labels: (answers == labels).all(0).mean(),
        (
            lambda answers, labels: (answers == labels).mean(),
            "this is the share of right clips; a pair counts if both of its members are right",
        ),
        (
            lambda answers, labels: (answers == labels).any(0).mean(),
            "this counts sets with one right answer; both should be right",
        ),
        (lambda answers, labels: (answers == labels).all(0).sum(), "this is their number; return the share"),
        (
            lambda answers, labels: (answers == labels).all(1).mean(),
            "this asks whether each member is right in every set; ask about each set: the members are axis 0",
        ),
        given={"answers": np.array([[0, 0, 1, 0], [0, 1, 1, 1]]), "labels": np.array([[0, 0, 0, 0], [1, 1, 1, 1]])},
    ),
}

EXERCISES = {number: puzzle.exercise for number, puzzle in PUZZLES.items()}
