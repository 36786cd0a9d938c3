"""Pixels: an integer hash, an atlas of four shapes, and the function that turns a frame table into clips.

Integer arithmetic only, so that the same arguments give the same bytes on every machine and in every version of
NumPy, and so that forty lines of JavaScript could draw the same clips.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import ArrayLike, NDArray

__all__ = [
    "BACKGROUND",
    "BRIGHTNESS",
    "KINDS",
    "MAX_NOISE",
    "SUBPIXELS",
    "FrameTable",
    "atlas",
    "hash32",
    "noise_levels",
    "noise_of",
    "render",
    "shape_cells",
]

KINDS = ("disc", "square", "triangle", "cross")
SUBPIXELS = 8  # positions and speeds count eighths of a pixel
BACKGROUND = 64
BRIGHTNESS = (128, 191)  # a shape's grey level is drawn from here
MAX_NOISE = 18  # the noise ends at 3.45 standard deviations; up to here it never reaches 0 or 255
PIXELS_AT_ONCE = 2**18  # what is drawn at once stays in the processor's cache


class FrameTable(NamedTuple):
    """What each frame of each clip shows; every field is an integer array of shape (n, T).

    A frame holds at most one shape. Permuting a table along its second axis moves whole frames, noise included:
    that is how all twins but ``middle`` are made.
    """

    kind: NDArray[np.integer]  # index into KINDS
    size: NDArray[np.integer]  # pixels: the side of the square of equal area
    y: NDArray[np.integer]  # the centre, in 1/SUBPIXELS pixel, any integer (borders are periodic)
    x: NDArray[np.integer]
    contrast: NDArray[np.integer]  # grey levels above BACKGROUND; 0 is a blank frame
    noise: NDArray[np.integer]  # uint32: the key of the frame's noise

    def permuted(self, order: NDArray[np.integer]) -> FrameTable:
        """Put the frames in another order: frame t of the result is frame ``order[:, t]``; (n, T) indices."""
        return FrameTable(*(np.take_along_axis(field, order, axis=1) for field in self))


def _mix(h):
    """Scramble 32-bit words (the finalizer of MurmurHash3, A. Appleby, public domain)."""
    h = h ^ (h >> np.uint32(16))  # a new array, changed in place from here on
    h *= np.uint32(0x85EBCA6B)
    h ^= h >> np.uint32(13)
    h *= np.uint32(0xC2B2AE35)
    h ^= h >> np.uint32(16)
    return h


def hash32(*words: ArrayLike) -> NDArray[np.uint32] | np.uint32:
    """Hash integers (arrays broadcast) to uint32; the order of the words matters.

    Examples
    --------
    >>> int(hash32(1, 2)), int(hash32(2, 1))
    (2522733193, 1818196105)
    """
    h = np.zeros(1, np.uint32)
    for word in words:
        h = _mix((h ^ np.asarray(word, np.uint32)) + np.uint32(0x9E3779B9))
    return h if np.broadcast_shapes(*map(np.shape, words)) else h[0]


def shape_cells(kind: int, size: int, cells: int) -> NDArray[np.bool_]:
    """Draw one shape, centred, on a grid of ``cells`` x ``cells`` subpixels; bool (cells, cells).

    Every shape is the set of the (SUBPIXELS * size)**2 subpixels that its own distance ranks nearest, so all shapes
    of one size have exactly the same area.

    Examples
    --------
    >>> [int(shape_cells(kind, 8, 160).sum()) for kind in range(4)]
    [4096, 4096, 4096, 4096]
    """
    u = np.arange(cells, dtype=np.int32) * 2 + 1 - cells  # odd numbers, so that the centre lies between subpixels
    u, v = np.abs(u)[None, :], u[:, None]
    if KINDS[kind] == "disc":
        distance = u**2 + v**2
    elif KINDS[kind] == "square":
        distance = np.maximum(u, np.abs(v))
    elif KINDS[kind] == "triangle":  # equilateral, tip up; 26/15 is the square root of 3 to 0.1 %
        distance = np.maximum(30 * v, 26 * u - 15 * v)
    else:  # a cross of two bars, three times as long as wide
        distance = np.minimum(np.maximum(u, 3 * np.abs(v)), np.maximum(3 * u, np.abs(v)))
    distance = distance.ravel()
    area = (SUBPIXELS * size) ** 2
    rim = np.partition(distance, area - 1)[area - 1]
    inside = distance < rim
    inside[np.flatnonzero(distance == rim)[: area - inside.sum()]] = True
    return inside.reshape(cells, cells)


@lru_cache(maxsize=2)
def atlas(sizes: tuple[int, int], resolution: int) -> NDArray[np.uint8]:
    """All shapes at all subpixel phases, each in the middle of a periodic canvas.

    Returns a read-only uint8 array (kind, size, phase y, phase x, 2 * resolution, 2 * resolution) of coverages from 0
    to SUBPIXELS**2. Canvases are tiled twice each way, so that a moving shape is a moving window.
    """
    low, high = sizes
    tiles = np.empty((len(KINDS), high - low + 1, SUBPIXELS, SUBPIXELS, resolution, resolution), np.uint8)
    for kind in range(len(KINDS)):
        for size in range(low, high + 1):
            cells = np.pad(shape_cells(kind, size, resolution * SUBPIXELS), ((SUBPIXELS, 0), (SUBPIXELS, 0)), "wrap")
            area = cells.cumsum(0, dtype=np.int32).cumsum(1)  # a summed-area table: any pixel is four look-ups
            step = SUBPIXELS
            pixels = area[step:, step:] - area[:-step, step:] - area[step:, :-step] + area[:-step, :-step]
            pixels = pixels.reshape(resolution, step, resolution, step)[:, ::-1, :, ::-1]
            tiles[kind, size - low] = pixels.transpose(1, 3, 0, 2)
    tiles = np.tile(tiles, (2, 2))
    tiles.flags.writeable = False
    return tiles


def noise_levels(noise: float, sums: NDArray[np.int32]) -> NDArray[np.int16]:
    """Turn sums of four random bytes into grey levels, int16, with a standard deviation of ``noise``.

    Four uniform bytes have mean 510 and variance 4 (256**2 - 1) / 12, a standard deviation of 147.8.
    """
    scale = round(noise * 65536 / 147.80166)  # one multiplication, rounded: the same integer everywhere
    return (((sums - 510) * scale + 32768) >> 16).astype(np.int16)


def noise_of(keys: NDArray[np.integer], resolution: int, noise: float) -> NDArray[np.int16]:
    """Draw the noise of frames from their keys.

    Parameters
    ----------
    keys : uint32 array
        One for each frame.
    resolution : int
        Height and width of a frame, in pixels.
    noise : float
        Its standard deviation, in grey levels.

    Returns
    -------
    int16 array (..., resolution, resolution)
        One for each key.

    Examples
    --------
    >>> noise_of(np.uint32([1, 2]), 2, 8).tolist()
    [[[-7, 8], [-2, -4]], [[-1, -3], [-11, -4]]]
    """
    pixel = np.arange(resolution**2, dtype=np.uint32).reshape(resolution, resolution)
    word = _mix(keys[..., None, None] + pixel * np.uint32(0x9E3779B9))
    word = (word & np.uint32(0x00FF00FF)) + ((word >> np.uint32(8)) & np.uint32(0x00FF00FF))
    four_bytes = (word + (word >> np.uint32(16))) & np.uint32(0xFFFF)
    return noise_levels(noise, four_bytes.astype(np.int32))


def render(table: FrameTable, sizes: tuple[int, int], resolution: int, noise: float) -> NDArray[np.uint8]:
    """Draw a frame table; returns uint8 (n, T, resolution, resolution, 1).

    Parameters
    ----------
    table : FrameTable
        Fields of shape (n, T).
    sizes : (int, int)
        Smallest and largest size in the table, in pixels.
    resolution : int
        Height and width of a frame, in pixels.
    noise : float
        Standard deviation of the noise, in grey levels.
    """
    windows = sliding_window_view(atlas(sizes, resolution), (resolution, resolution), axis=(-2, -1))
    clips = np.empty((*table.kind.shape, resolution, resolution, 1), np.uint8)
    at_once = max(1, PIXELS_AT_ONCE // max(1, clips[:1].size))
    for start in range(0, len(clips), at_once):
        part = FrameTable(*(field[start : start + at_once] for field in table))
        shift_y, shift_x = (part.y - resolution * SUBPIXELS // 2, part.x - resolution * SUBPIXELS // 2)
        covered = windows[
            part.kind,
            part.size - sizes[0],
            shift_y % SUBPIXELS,
            shift_x % SUBPIXELS,
            -(shift_y // SUBPIXELS) % resolution,
            -(shift_x // SUBPIXELS) % resolution,
        ]
        grey = covered * part.contrast.astype(np.int16)[:, :, None, None]  # at most 127 * 64: fits
        grey += SUBPIXELS**2 // 2  # so that the division rounds
        grey //= SUBPIXELS**2
        grey += BACKGROUND
        if noise:
            grey += noise_of(part.noise, resolution, noise)
        clips[start : start + at_once, ..., 0] = grey
    return clips
