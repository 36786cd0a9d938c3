"""Clips of one moving shape, drawn by other packages, each as its users would do it who want it fast.

All draw clips of 16 frames: a disc, square, triangle or cross of a random size and brightness, on a straight line, on a
grey background, as the course's clips are; with ``noise``, every pixel of every frame has noise of its own. They do not
repeat from run to run, nor do shapes go through the border, as the course's do.
"""

import cv2
import numpy as np
import tensorflow as tf
from PIL import Image, ImageDraw
from tensorflow_datasets.video import moving_sequence

from seqlib.rendering import BACKGROUND, BRIGHTNESS, KINDS, SUBPIXELS, shape_cells

FRAMES, SIZES, SPEEDS = 16, (8, 12), (1.0, 2.0)
SHIFT = 3  # bits of a coordinate behind the point, in OpenCV: eighths of a pixel


def drawn(n, side):
    """Draw at random what n clips show: kinds, half sizes, places (n, T, 2) and brightness."""
    random = np.random.default_rng(0)
    kinds, half = random.integers(0, len(KINDS), n), random.integers(*SIZES, n) / 2
    angle, speed = random.uniform(0, 2 * np.pi, n), random.uniform(*SPEEDS, n)
    velocity = speed[:, None] * np.stack([np.cos(angle), np.sin(angle)], 1)
    places = random.uniform(0, side, (n, 1, 2)) + np.arange(FRAMES)[:, None] * velocity[:, None]
    return kinds, half, places % side, random.integers(*BRIGHTNESS, n)


CORNERS = {  # of the convex parts of each shape that is no disc, in half sizes
    "square": np.array([[[-1, -1], [1, -1], [1, 1], [-1, 1]]]),
    "triangle": np.array([[[0, -1], [1, 1], [-1, 1]]]),
    "cross": np.array([[[-1, -1], [1, -1], [1, 1], [-1, 1]]]) * np.array([[[1, 1 / 3]], [[1 / 3, 1]]]),
}


def by_opencv(n, side, noise):
    """Draw with OpenCV, antialiased, at eighths of a pixel; noise for a whole clip at once."""
    clips = np.full((n, FRAMES, side, side), BACKGROUND, np.uint8)
    grain = np.empty((FRAMES * side, side), np.int16)
    for clip, kind, half, places, level in zip(clips, *drawn(n, side), strict=True):
        kind, level = KINDS[kind], int(level)
        if kind == "disc":
            radius = round(half * 8)
            for frame, centre in zip(clip, np.round(places * 8).astype(int).tolist(), strict=True):
                cv2.circle(frame, centre, radius, level, -1, cv2.LINE_AA, SHIFT)
        else:
            corners = np.round((CORNERS[kind] * half + places[:, None, None]) * 8).astype(np.int32)
            for frame, parts in zip(clip, corners, strict=True):
                for part in parts:
                    cv2.fillConvexPoly(frame, part, level, cv2.LINE_AA, SHIFT)
        if noise:
            cv2.randn(grain, 0, noise)
            flat = clip.reshape(FRAMES * side, side)
            cv2.add(flat, grain, dst=flat, dtype=cv2.CV_8U)
    return clips


def by_pillow(n, side, noise):
    """Draw with Pillow, whose edges are not smooth; noise by NumPy, for a whole clip at once."""
    clips, random = np.empty((n, FRAMES, side, side), np.uint8), np.random.default_rng(0)
    for clip, kind, half, places, level in zip(clips, *drawn(n, side), strict=True):
        kind, level = KINDS[kind], int(level)
        if kind == "disc":
            outlines = np.concatenate([places - half, places + half], 1)[:, None].tolist()
        else:
            corners = CORNERS[kind] * half + places[:, None, None]
            outlines = corners.reshape(*corners.shape[:2], -1).tolist()
        for frame, parts in zip(clip, outlines, strict=True):
            picture = Image.new("L", (side, side), BACKGROUND)
            draw = ImageDraw.Draw(picture)
            for part in parts:
                (draw.ellipse if kind == "disc" else draw.polygon)(part, fill=level)
            frame[...] = picture
        if noise:
            grain = random.standard_normal(clip.shape, np.float32)
            grain *= noise
            grain += clip
            np.clip(np.rint(grain, out=grain), 0, 255, out=grain)
            clip[...] = grain
    return clips


def by_tensorflow_datasets(n, side, noise):
    """Return a function that lets TensorFlow Datasets move a picture of a shape, clip by clip in a compiled graph."""
    cells = np.stack([shape_cells(kind, 10, 16 * SUBPIXELS) for kind in range(4)])
    covered = cells.reshape(4, 16, SUBPIXELS, 16, SUBPIXELS).mean((2, 4))
    pictures = tf.constant((covered * (BRIGHTNESS[1] - BACKGROUND)).astype(np.uint8)[..., None])

    def clip(index):
        moved = moving_sequence.image_as_moving_sequence(
            pictures[index % 4], sequence_length=FRAMES, output_size=(side, side), velocity=0.1
        )
        frames = moved.image_sequence + np.uint8(BACKGROUND)
        if noise:
            grain = tf.random.normal(frames.shape, stddev=noise)
            frames = tf.saturate_cast(tf.round(tf.cast(frames, tf.float32) + grain), tf.uint8)
        return frames

    served = tf.data.Dataset.range(n).map(clip).batch(n)
    return lambda: next(iter(served)).numpy()
