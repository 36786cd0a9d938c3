"""Ask a few of the course's questions of real pictures (``make real``), to see whether its conclusions survive.

The pictures are scikit-learn's: handwritten digits (E. Alpaydin and C. Kaynak, CC BY 4.0), and two photographs
(danielbuechele and vultilion, CC BY 2.0). Handwriting moves in the place of shapes, and a window moves over the
photographs. The test clips show digits that were not in training, and other strips of the photographs.
"""

import sys
from functools import cache

import numpy as np
from PIL import Image

from tools import study

SEEDS = range(3)
BUDGET = {"clips": 2048, "epochs": 12, "learning_rate": 2e-3}
STOP_AT = 0.995  # of 512 validation clips
COLUMNS = ("single frame", "average pooling", "max pooling", "3D CNN", "CNN + GRU")
PICTURES = ("handwriting", "photographs")
TASKS = {  # frames, height and width, standard deviation of the noise
    "direction": {"frames": 16, "side": 32, "noise": 8},
    "order": {"frames": 20, "side": 32, "noise": 8},
    "event": {"frames": 64, "side": 16, "noise": 12},
}
CHANCE = {"direction": 0.25, "order": 0.5, "event": 0.5}
BLOCK, GAP, ONSETS = 2, 4, (4, 8)  # of `order`: frames that show a picture, blank ones between, first frames
BACKGROUND, BRIGHTEST = 64, (64, 127)  # a digit's ink is so much brighter than the background at most
FLASH = (40, 60)  # and in `event`
PLAIN, TRIES = 20, 64  # grey levels: a window with a smaller standard deviation shows no motion; windows drawn for one
STRIPS = 4  # that a photograph is cut into, in turn for training and for testing
STEP_Y, STEP_X = np.array([0, 0, 1, -1]), np.array([1, -1, 0, 0])  # right, left, down, up: as in seqlib


@cache
def digits(testing):
    """Return handwriting, float (n, 8, 8) from 0 to 1, and which digit each is (n,); the last third is for testing."""
    from sklearn.datasets import load_digits

    data = load_digits()
    third = len(data.target) * 2 // 3
    part = slice(third, None) if testing else slice(third)
    return data.images[part] / 16, data.target[part]


@cache
def strips(testing):
    """Return strips of the two photographs, half as large and grey: uint8 (2, strips, H, W)."""
    from sklearn.datasets import load_sample_images

    grey = [Image.fromarray(photograph).convert("L") for photograph in load_sample_images().images]
    halves = np.stack([np.asarray(image.resize((320, 212), Image.Resampling.BOX)) for image in grey])
    return np.stack(np.split(halves, STRIPS, axis=2), axis=1)[:, int(testing) :: 2]


def enlarged(images, side):
    """Enlarge handwriting (n, 8, 8) to ``side`` pixels; float (n, side, side)."""
    sized = [Image.fromarray(np.float32(image)).resize((side, side), Image.Resampling.BILINEAR) for image in images]
    return np.stack([np.asarray(image) for image in sized])


def cut(pictures, which, y, x, side):
    """Cut windows out of pictures (m, H, W), which go on beyond their borders: (n, T) places to (n, T, side, side)."""
    _, height, width = pictures.shape
    rows, columns = (start[..., None] + np.arange(side) for start in (y, x))
    return pictures[which[:, None, None, None], (rows % height)[..., None], (columns % width)[:, :, None]]


def scenes(kind, n, side, random, testing, wanted=None):
    """Draw a picture for each clip, with one place: grey (m, H, W), which (n,), y (n,), x (n,).

    ``wanted``, 0 or 1 for each clip, says which digit, or which photograph.
    """
    if kind == "photographs":
        pictures = strips(testing)
        which = random.integers(0, 2, n) if wanted is None else wanted
        count = pictures.shape[1]
        pictures = pictures.reshape(-1, *pictures.shape[2:])
        tries = TRIES, n
        which = which * count + random.integers(0, count, tries)
        y, x = (random.integers(16, length - side - 15, tries) for length in pictures.shape[1:])
        places = zip(which, y[..., None], x[..., None], strict=True)
        contrast = np.stack([cut(pictures, *place, side).std((2, 3)) for place in places])
        first = (contrast[..., 0] >= PLAIN).argmax(0), np.arange(n)  # the first window that shows more than sky
        return pictures, which[first], y[first], x[first]
    images, names = digits(testing)
    choices = random.integers(0, len(images), n)
    for name in () if wanted is None else (0, 1):
        choices[wanted == name] = random.choice(np.flatnonzero(names == name), (wanted == name).sum())
    canvas = np.full((n, side, side), BACKGROUND)
    ink = enlarged(images[choices], 16) * random.integers(*BRIGHTEST, n)[:, None, None]
    canvas[:, 8:24, 8:24] += np.rint(ink).astype(int)
    y, x = random.integers(0, side, (2, n))
    return canvas, np.arange(n), y, x


def noisy(frames, sd, random):
    """Add noise to frames (n, T, H, W), each its own; uint8 (n, T, H, W, 1)."""
    noise = random.normal(0, sd, frames.shape)
    return np.clip(np.rint(frames + noise), 0, 255).astype(np.uint8)[..., None]


def direction(kind, labels, random, testing):
    """Move a picture steadily; where it is in the middle frame does not depend on the label."""
    options, n = TASKS["direction"], len(labels)
    pictures, which, y, x = scenes(kind, n, options["side"], random, testing)
    travelled = random.integers(1, 3, n)[:, None] * (np.arange(options["frames"]) - options["frames"] // 2)
    y, x = (  # what moves to the right is seen by a window that moves to the left
        place[:, None] - step[labels][:, None] * travelled for place, step in ((y, STEP_Y), (x, STEP_X))
    )
    return noisy(cut(pictures, which, y, x, options["side"]), options["noise"], random)


def order(kind, labels, random, testing):
    """Show two pictures one after the other, a zero and a one or the two photographs, with blank frames between."""
    options, n = TASKS["order"], len(labels)
    time = np.arange(options["frames"])
    frames = np.full((n, options["frames"], options["side"], options["side"]), BACKGROUND)
    onset = random.integers(ONSETS[0], ONSETS[1] + 1, n)
    for first, wanted in ((onset, labels), (onset + BLOCK + GAP, 1 - labels)):
        pictures, which, y, x = scenes(kind, n, options["side"], random, testing, wanted)
        shown = cut(pictures, which, y[:, None], x[:, None], options["side"])
        there = (first[:, None] <= time) & (time < first[:, None] + BLOCK)
        frames = np.where(there[..., None, None], shown, frames)
    return noisy(frames, options["noise"], random), onset


def event(kind, labels, random, testing):
    """Let a digit flash in one frame, or in none: on a blank background, or in front of a photograph."""
    options, n = TASKS["event"], len(labels)
    side = options["side"]
    frames = np.full((n, options["frames"], side, side), BACKGROUND)
    if kind == "photographs":
        pictures, which, y, x = scenes(kind, n, side, random, testing)
        frames[:] = cut(pictures, which, y[:, None], x[:, None], side)
    images, _ = digits(testing)
    ink = images[random.integers(0, len(images), n)] * random.integers(*FLASH, n)[:, None, None]
    moments = random.integers(1, options["frames"] - 1, n)
    places = random.integers(0, side - 7, (2, n))
    for clip in np.flatnonzero(labels):
        y, x = places[:, clip]
        frames[clip, moments[clip], y : y + 8, x : x + 8] += np.rint(ink[clip]).astype(int)
    return noisy(frames, options["noise"], random)


def clips(task, kind, n, seed, testing=False):
    """Draw labelled clips: uint8 (n, T, H, W, 1) and int64 (n,)."""
    random = np.random.default_rng([seed, testing])
    labels = random.permutation(np.arange(n) % round(1 / CHANCE[task]))
    if task == "order":
        return order(kind, labels, random, testing)[0], labels
    return {"direction": direction, "event": event}[task](kind, labels, random, testing), labels


def twins(task, kind, n, seed):
    """Draw the twin sets of a task, {name: (x (k, n, T, H, W, 1), y (k, n))}, of pictures for testing."""
    random = np.random.default_rng([seed, 2])
    if task == "order":
        labels = random.permutation(np.arange(n) % 2)
        x, onset = order(kind, labels, random, True)
        time = np.arange(x.shape[1])
        since, apart = time - onset[:, None], BLOCK + GAP
        in_first, in_second = (since >= 0) & (since < BLOCK), (apart <= since) & (since < apart + BLOCK)
        exchanged = (time + apart * in_first - apart * in_second)[:, :, None, None, None]
        return {"swap": (np.stack([x, np.take_along_axis(x, exchanged, 1)]), np.stack([labels, 1 - labels]))}
    if task == "event":
        return {}
    labels = np.arange(4)[:, None] * np.ones(n, int)
    alike = [direction(kind, label, np.random.default_rng([seed, 3]), True) for label in labels]
    label = random.permutation(np.arange(n) % 4)
    x = direction(kind, label, random, True)
    return {"middle": (np.stack(alike), labels), "reverse": (np.stack([x, x[:, ::-1]]), np.stack([label, label ^ 1]))}


def plan():
    """Plan the study: pictures x tasks x families x seeds, the seeds outermost."""
    return [
        {"row": f"{task}, {kind}", "task": task, "pictures": kind, "column": column, "seed": seed, **BUDGET}
        | study.FAMILIES[column]
        | TASKS[task]
        for seed in SEEDS
        for task in TASKS
        for kind in PICTURES
        for column in COLUMNS
    ]


def carry_out(run):
    """Train and test one model; returns what was measured."""
    from seqlib import measure, models, training
    from seqlib.backend import keras

    task, kind = run["task"], run["pictures"]
    train = clips(task, kind, run["clips"], 10 + run["seed"])
    keras.backend.clear_session()
    model = getattr(models, run["family"])(round(1 / CHANCE[task]), train[0].shape[1:], run["seed"], **run["settings"])
    fitted = training.fit(
        model,
        train,
        clips(task, kind, 512, 1),
        epochs=run["epochs"],
        learning_rate=run["learning_rate"],
        seed=run["seed"],
        stop_at=STOP_AT,
    )
    if fitted.interrupted:
        raise KeyboardInterrupt
    accuracy = measure.accuracy(model, *clips(task, kind, 1000, 2, testing=True))
    reports = {name: measure.twin_agreement(model, *sets) for name, sets in twins(task, kind, 250, 3).items()}
    return {
        "epochs_done": len(fitted.history["loss"]),
        "seconds": round(fitted.seconds, 1),
        "train_accuracy": measure.accuracy(model, *train).value,
        "right": accuracy.right,
        "total": accuracy.total,
        "twins": {
            name: {
                "right": report.accuracy.right,
                "total": report.accuracy.total,
                "sets": report.sets,
                "same_answer": report.same_answer,
                "most_right": report.most_right,
            }
            for name, report in reports.items()
        },
    }


def main():
    """Carry out the plan."""
    study.conduct(plan(), study.ROOT / "seqlib" / "real.json", carry_out)


if __name__ == "__main__":
    sys.exit(main())
