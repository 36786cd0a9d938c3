"""Augmentation of clips: each change is drawn once per clip and applied to all of its frames."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from . import arguments, rendering

__all__ = ["Augmentation", "augment", "augmentation", "augmented_strip"]


_DRAWN = ("jitter", "top", "left", "flip", "saturation", "contrast", "brightness")  # once for each clip
_NAMES = np.array([crc32(name.encode()) for name in _DRAWN])


class Augmentation(NamedTuple):
    """What may be done to a clip; made by `augmentation`."""

    flip: tuple[tuple[int, int], ...] | None
    crop: tuple[int, int] | None
    brightness: float
    contrast: float
    saturation: float
    jitter: int


def augmentation(
    *,
    flip: bool | Mapping[int, int] = False,
    crop: int | tuple[int, int] | None = None,
    brightness: float = 0,
    contrast: float = 0,
    saturation: float = 0,
    jitter: int = 0,
) -> Augmentation:
    """Say what `augment` may do to a clip.

    Parameters
    ----------
    flip : bool or mapping
        Whether to mirror a clip, left to right, with a probability of one half. True says that no label changes. If
        labels change, as *left* and *right* do, give a mapping from each to its mirror image: ``{0: 1, 1: 0}``.
    crop : int or (int, int), optional
        Cut out this height and width, at a random place that is the same in all frames.
    brightness : float
        Add or subtract up to this many grey levels, from 0 to 128.
    contrast, saturation : float
        Strengthen or weaken these by up to this factor, from 0 to 1. A grey picture has no saturation.
    jitter : int
        Move the clip in time by up to this many frames. Its first or last frame fills the gap.

    Returns
    -------
    Augmentation

    Raises
    ------
    TypeError, ValueError
        If an argument is not among those above; if a mapping does not map each mirror image back to its label.

    Examples
    --------
    >>> augmentation(flip={0: 1, 1: 0}, crop=96, brightness=20).crop
    (96, 96)
    """
    pairs: tuple[tuple[int, int], ...] | None = None
    if isinstance(flip, Mapping):
        if any(flip.get(new) != old for old, new in flip.items()):
            raise ValueError(f"flip must map each mirror image back to its label, as {{0: 1, 1: 0}} does, not {flip!r}")
        pairs = tuple(
            (arguments.integer("flip", old, 0), arguments.integer("flip", new, 0)) for old, new in flip.items()
        )
    elif arguments.flag("flip", flip):
        pairs = ()
    sides = crop if crop is None or isinstance(crop, (tuple, list)) else (crop, crop)
    if sides is not None and len(sides) != 2:
        raise TypeError(f"crop must be one integer or a pair (height, width), not {crop!r}")
    return Augmentation(
        pairs,
        None if sides is None else (arguments.integer("crop", sides[0], 1), arguments.integer("crop", sides[1], 1)),
        arguments.number("brightness", brightness, 0, 128),
        arguments.number("contrast", contrast, 0, 1),
        arguments.number("saturation", saturation, 0, 1),
        arguments.integer("jitter", jitter, 0),
    )


def augment(
    x: NDArray[np.uint8],
    y: NDArray[np.integer],
    how: Augmentation,
    seed: int = 0,
    *,
    start: int = 0,
    lengths: NDArray[np.integer] | None = None,
) -> tuple[NDArray[np.uint8], NDArray[np.integer]]:
    """Change clips at random, all frames of a clip alike. How clip i is changed depends only on the seed and i.

    Parameters
    ----------
    x : uint8 array (B, T, H, W, C)
    y : int array (B,)
    how : Augmentation
    seed : int
        From 0 to 2**32 - 1. Give another one in each epoch.
    start : int
        The index of the first clip.
    lengths : int array (B,), optional
        How many frames of each clip are real; blank frames behind them stay blank.

    Returns
    -------
    x : uint8 array (B, T, h, w, C)
    y : int array (B,)

    Raises
    ------
    TypeError
        If ``x`` is not a uint8 array, or another argument is not of its type.
    ValueError
        If ``x`` does not have five axes; if there is not one label per clip; if the crop is larger than a frame.

    Examples
    --------
    >>> import seqlib
    >>> x, y = seqlib.clips("direction", 4)
    >>> augment(x, y, augmentation(flip={0: 1, 1: 0}, crop=28))[0].shape
    (4, 16, 28, 28, 1)
    """
    arguments.clip_array("x", x)
    y = np.asarray(y)
    if y.shape != x.shape[:1]:
        raise ValueError(f"y must have one label per clip, shape {x.shape[:1]}, not {y.shape}")
    if how.crop is not None and (how.crop[0] > x.shape[2] or how.crop[1] > x.shape[3]):
        raise ValueError(f"crop must be at most the size of a frame, {x.shape[2:4]}, not {how.crop}")
    seed = arguments.integer("seed", seed, 0, 2**32 - 1)
    real = np.full(len(x), x.shape[1]) if lengths is None else np.asarray(lengths)
    changed = [_augmented(x[i], int(y[i]), how, (seed, start + i), int(real[i])) for i in range(len(x))]
    return np.stack([clip for clip, _ in changed]), np.array([label for _, label in changed], y.dtype)


def _augmented(clip, label, how, words, real):
    """Change one clip, (T, H, W, C), of which the first ``real`` frames are no padding."""
    numbers = dict(zip(_DRAWN, rendering.hash32(*words, _NAMES).tolist(), strict=True))

    def drawn(name, low, high):
        """Draw an integer from ``low`` to ``high``."""
        return low + numbers[name] % (high - low + 1)

    def factor(name, most):
        return 1 + most * drawn(name, -1000, 1000) / 1000

    if how.jitter:
        moved = np.arange(real) + drawn("jitter", -how.jitter, how.jitter)
        clip = np.concatenate([clip[np.clip(moved, 0, real - 1)], clip[real:]])
    if how.crop is not None:
        height, width = how.crop
        top, left = drawn("top", 0, clip.shape[1] - height), drawn("left", 0, clip.shape[2] - width)
        clip = clip[:, top : top + height, left : left + width]
    if how.flip is not None and drawn("flip", 0, 1):
        clip, label = clip[:, :, ::-1], dict(how.flip).get(label, label)
    if how.brightness or how.contrast or how.saturation:
        clip = np.concatenate([_coloured(clip[:real], how, drawn, factor), clip[real:]])
    return clip, label


def _coloured(clip, how, drawn, factor):
    colours = clip[..., :3]
    if how.saturation and clip.shape[-1] >= 3:
        grey = np.einsum("...c->...", colours, dtype=np.float32)[..., None] / np.float32(3)  # mean(-1) is slower
        colours = _to_bytes(grey + factor("saturation", how.saturation) * (colours - grey))
    middle, levels = colours.mean(), np.arange(256)
    levels = middle + factor("contrast", how.contrast) * (levels - middle)
    levels = levels + how.brightness * drawn("brightness", -1000, 1000) / 1000
    return np.concatenate([_to_bytes(levels)[colours], clip[..., 3:]], -1)


def _to_bytes(levels):
    return np.clip(np.rint(levels), 0, 255).astype(np.uint8)


def augmented_strip(clip: NDArray[np.uint8], how: Augmentation, seed: int = 0, **options: Any) -> Any:
    """Show a clip, the clip augmented, and the clip with each frame augmented separately, which destroys the motion.

    Parameters
    ----------
    clip : uint8 array (T, H, W, C)
    how : Augmentation
    seed : int
        From 0 to 2**32 - 1.
    options
        As `show.film_strip` takes them.

    Returns
    -------
    show.Picture

    Raises
    ------
    TypeError, ValueError
        If an argument is not what `augment` or `show.film_strip` allows.
    """
    from . import show

    arguments.clip_array("clip", clip, rank=4)
    label = np.zeros(1, np.int64)
    alike, _ = augment(clip[None], label, how, seed)
    by_itself, _ = augment(clip[:, None], np.zeros(len(clip), np.int64), how, seed)
    shape = alike.shape[2:4]
    top, left = (clip.shape[1] - shape[0]) // 2, (clip.shape[2] - shape[1]) // 2
    centre = clip[:, top : top + shape[0], left : left + shape[1]]
    names = ["the clip", "all frames alike", "each frame by itself"]
    alt = (
        f"Three rows of {len(clip)} frames: the clip; the clip with one change that is the same in all frames; "
        "and with a change drawn anew for each frame, so that it jumps, flips or flickers from frame to frame."
    )
    return show.film_strip(np.stack([centre, alike[0], by_itself[:, 0]]), names, **({"alt": alt} | options))
