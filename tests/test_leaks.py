"""No label can be read off what should not carry it.

Linear probes (ridge regression on one-hot labels, NumPy only) learn from 4,000 clips and answer for 4,000 others. What
cannot be known is guessed right by a binomial share of them: its 99.9 % interval is chance and 3.29 standard
deviations either way.
"""

import math

import numpy as np
import pytest

import seqlib

N = 4000
SEEDS = (0, 2**32 - 1)
SEED_PAIRS = [SEEDS, SEEDS[::-1]]  # to learn from, to answer for

pytestmark = pytest.mark.slow  # its probes learn from thousands of clips


def with_products(features):
    standard = (features - features.mean(0)) / features.std(0)
    i, j = np.triu_indices(features.shape[1])
    return np.concatenate([standard, standard[:, i] * standard[:, j]], 1)


def contents(x):
    """What probes are shown of clips (n, T, H, W, 1)."""
    pixels = x.reshape(*x.shape[:2], -1)
    brightness = pixels.mean(2, dtype=np.float32)
    average = pixels.mean(1, dtype=np.float32)
    across = np.fft.rfft(average.reshape(x.shape[0], *x.shape[2:4]))[..., :8]
    spectrum = np.log(np.abs(np.fft.fft(across, axis=-2)[:, :8]) + 1)
    bits = pixels[:, ::4, :16, None] >> np.arange(3, dtype=np.uint8) & 1
    return {
        "each frame's mean brightness": brightness,
        "mean brightness and its products": with_products(brightness),
        "the first frame": pixels[:, 0].astype(np.float32),
        "the time-averaged frame": average,
        "the time-averaged frame's power spectrum": spectrum.reshape(len(x), -1),
        "the lowest bits of a few pixels": bits.reshape(len(x), -1).astype(np.float32),
    }


def probe(features, labels, other_features, other_labels):
    """Learn on the first and answer for the others.

    Returns the share of right answers, and by how many standard errors the true label's score exceeds the mean score.
    """
    centre, scale = features.mean(0), features.std(0) + 1e-6
    a, b = (np.c_[(f - centre) / scale, np.ones(len(f), np.float32)] for f in (features, other_features))
    one_hot = np.eye(labels.max() + 1, dtype=np.float32)
    targets, truth = (one_hot[y] - one_hot.mean() for y in (labels, other_labels))
    ridge = np.float32(0.01 * len(a)) * np.eye(a.shape[1], dtype=np.float32)
    scores = b @ np.linalg.solve(a.T @ a + ridge, a.T @ targets)
    gain = (scores * truth).sum(1, dtype=float)
    return (scores.argmax(1) == other_labels).mean(), gain.mean() / gain.std() * math.sqrt(len(gain))


def half_interval(chance):
    return 3.29 * math.sqrt(chance * (1 - chance) / N)


MAY_TELL = {  # which of these statistics show what the task asks, and so may tell the label
    "shape": {"the time-averaged frame's power spectrum"},
    "direction": set(),
    "order": set(),
}


@pytest.mark.parametrize("task", MAY_TELL)
def test_statistics_that_should_not_tell_the_label_do_not(task):
    drawn = {seed: seqlib.clips(task, N, seed) for seed in SEEDS}
    drawn = {seed: (contents(x), y) for seed, (x, y) in drawn.items()}
    chance = seqlib.TASKS[task].chance
    for seed, other_seed in SEED_PAIRS:
        (shown, labels), (other_shown, other_labels) = drawn[seed], drawn[other_seed]
        for content in (content for content in shown if content not in MAY_TELL[task]):
            right, gain = probe(shown[content], labels, other_shown[content], other_labels)
            low, high = chance - half_interval(chance), chance + half_interval(chance)
            if content.startswith("the time-averaged frame") and task == "direction":
                high = 0.5 + half_interval(0.5)  # the streak shows the axis; which of its ends came first is not in it
            elif content.endswith("frame") and task == "shape":
                # The frame does show the shape. A probe that learned mere noise learned it with the covariance of
                # each class, and so varies more on that class: 26.6 % right (of 20,000), with no gain in the mean.
                high += 0.02
                assert abs(gain) < 3.29, (content, seed, gain)
            else:
                assert abs(gain) < 3.29, (content, seed, gain)
            assert low < right < high, (content, seed, right)


def ends(task, seed):
    """Clips of their first and last frames, and the labels."""
    x, y = seqlib.clips(task, N, seed)
    return x[:, [0, -1]], y


def onsets(task, seed):
    """Clips of the first frame that shows something, and the labels."""
    x, y = seqlib.clips(task, N, seed)
    shown = (seqlib.clips(task, N, seed, noise=0)[0] > 64).any((2, 3, 4))
    return x[np.arange(N), shown.argmax(1)][:, None], y


@pytest.mark.parametrize(("task", "frames"), [("event", ends), ("duration", ends), ("duration", onsets)])
def test_event_and_duration_are_not_told_by_blank_ends_or_by_what_it_is_that_is_seen(task, frames):
    """How much is seen, and so brightness, is the answer; which shape, how large, how bright and where is not.

    In `event`, there is nothing to see in one of the two classes: only the blank frames can be compared.
    """
    drawn = {seed: frames(task, seed) for seed in SEEDS}
    drawn = {seed: (contents(x), y) for seed, (x, y) in drawn.items()}
    chance = seqlib.TASKS[task].chance
    for seed, other_seed in SEED_PAIRS:
        (shown, labels), (other_shown, other_labels) = drawn[seed], drawn[other_seed]
        for content in shown:
            right, gain = probe(shown[content], labels, other_shown[content], other_labels)
            assert abs(right - chance) < half_interval(chance), (content, seed, right)
            assert abs(gain) < 3.29, (content, seed, gain)


@pytest.mark.parametrize("task", ["event", "duration"])
def test_event_and_duration_are_told_by_each_frames_brightness_in_whatever_order(task):
    """So the answer is there to be found; a small flash shows only faintly in the mean of its frame."""
    (brightness, labels), (other, other_labels) = (
        (np.sort(contents(x)["each frame's mean brightness"], 1), y)
        for x, y in (seqlib.clips(task, 2000, seed) for seed in (5, 6))
    )
    assert probe(brightness, labels, other, other_labels)[0] > {"event": 0.75, "duration": 0.9}[task]


def test_the_time_averaged_frame_does_tell_the_axis_of_motion():
    """So the bound of one half above is one that can be reached."""
    (shown, labels), (other_shown, other_labels) = (
        (contents(x)["the time-averaged frame's power spectrum"], y)
        for x, y in (seqlib.clips("direction", 2000, seed) for seed in (5, 6))
    )
    assert probe(shown, labels // 2, other_shown, other_labels // 2)[0] > 0.9


@pytest.mark.parametrize(
    ("content", "where", "levels"),
    [
        ("each frame's mean brightness", np.s_[:], 2),
        ("the first frame", np.s_[:, 0, 3, 5], 12),
        ("the time-averaged frame", np.s_[:], 2),
    ],
)
def test_the_probe_finds_a_label_that_is_there(content, where, levels):
    """Else the first test could not fail: here one class is made a little brighter, or one pixel of it."""
    found = []
    for seed in (7, 8):
        x, y = seqlib.clips("direction", 2000, seed)
        marked = x[y == 2]
        marked[where] += levels
        x[y == 2] = marked
        found += [contents(x)[content], y]
    right, gain = probe(*found)
    assert right > 0.25 + half_interval(0.25)
    assert gain > 3.29
