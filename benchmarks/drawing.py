"""Drawing clips, clean and noisy, of 32 and of 64 pixels: `seqlib.clips`, and how others draw a moving shape."""

import cv2
import numpy as np

import seqlib
from benchmarks.compare import interleaved, row
from benchmarks.peers import moving_shapes
from seqlib.rendering import BACKGROUND

CLIPS, NOISE = 512, 8
GOALS = {"TensorFlow Datasets": 0.1, "OpenCV": 0.5, "Pillow": 0.2}


def rows(quick):
    """Compare how long 512 clips of 16 frames take."""
    cv2.setNumThreads(1)
    cases = [(32, 0)] if quick else [(32, 0), (32, NOISE), (64, 0), (64, NOISE)]
    return [compared(side, noise, rounds=5 if quick else 9) for side, noise in cases]


def compared(side, noise, rounds):
    """Compare the drawing of clips of one size; clean ones also with a copy of as many bytes."""
    clips = seqlib.clips("direction", CLIPS, resolution=side, noise=noise)[0]
    contestants = {
        "course": lambda: seqlib.clips("direction", CLIPS, resolution=side, noise=noise),
        "TensorFlow Datasets": moving_shapes.by_tensorflow_datasets(CLIPS, side, noise),
        "OpenCV": lambda: moving_shapes.by_opencv(CLIPS, side, noise),
        "Pillow": lambda: moving_shapes.by_pillow(CLIPS, side, noise),
        "a copy": clips.copy,
    }
    for who in GOALS:
        other = contestants[who]()
        assert other.size == clips.size and other.dtype == np.uint8, who
        assert abs(grain(other) - grain(clips)) <= 1, (who, grain(other), grain(clips))
    name = f"{'noisy' if noise else 'clean'}, {side} pixels"
    goals = GOALS | {"a copy": None if noise else 5.0}
    return row(name, interleaved(contestants, rounds), "course", goals, clips=CLIPS)


def grain(clips):
    """Return how far a typical pixel, which is of the background, lies from its grey level; float."""
    return float(np.median(np.abs(clips[:16].astype(np.int16) - BACKGROUND)))
