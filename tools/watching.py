"""Let each family watch the machine (``make watching``): which faults are found, and how many alarms are false.

For each seed, a watcher is trained. Twelve hours in which nothing is wrong give its threshold, the highest score; three
other such hours give its false alarms; and a run with fifty faults of each kind tells how many it finds. The twin of
that run tells how many it would seem to find if nothing was wrong. No frame is used twice.
"""

import math
import multiprocessing
import os
import sys
import time
from functools import lru_cache

import numpy as np

from seqlib import machine
from tools import study

SEEDS = range(5)
BUDGET = {"windows": 4800, "epochs": 8, "learning_rate": 2e-3, "hours": 12, "test_hours": 3, "events": 50}
QUICK = {"windows": 96, "epochs": 1, "hours": 0.01, "test_hours": 0.01, "events": 1}
TRAINING, THRESHOLD, NORMAL, FAULTY = 10, 100, 200, 300  # seeds of the machine; a run's own seed is added
EVENTS_IN_TRAINING = 60  # of each fault
BETWEEN = 5  # cycles from a fault to the next, 12 s at least
AT_ONCE = 1000  # cycles

COLUMNS = {  # T, and how many frames apart those of a window are
    "single frame": {"family": "single_frame", "settings": {}, "frames": 1, "every": 1},
    "average pooling": {"family": "average_pooling", "settings": {}, "frames": 16, "every": 1},
    "max pooling": {"family": "max_pooling", "settings": {}, "frames": 16, "every": 1},
    "3D CNN": {"family": "conv3d", "settings": {"padding": "valid"}, "frames": 16, "every": 1},
    "CNN + GRU": {"family": "cnn_rnn", "settings": {"cell": "gru"}, "frames": 16, "every": 1},
    "CNN + GRU, every third frame": {"family": "cnn_rnn", "settings": {"cell": "gru"}, "frames": 16, "every": 3},
    "reconstruction error": {"family": "reconstruction", "settings": {}, "frames": 1, "every": 1},
    "prediction error": {"family": "prediction", "settings": {}, "frames": 16, "every": 1},
}


def plan():
    """Plan the study: watchers x seeds, the seeds outermost."""
    return [
        {"row": "machine", "column": column, "seed": seed, **BUDGET, **settings}
        for seed in SEEDS
        for column, settings in COLUMNS.items()
    ]


def schedule(each, between, faults=tuple(machine.FAULTS)):
    """Plan so many of each fault, with normal cycles between them; returns {cycle: fault} and how many cycles."""
    at, cycle = {}, between
    for _ in range(each):
        for fault in faults:
            at[cycle] = fault
            cycle += machine.CYCLES[fault] + between
    return at, cycle


@lru_cache(maxsize=2)  # all watchers of a seed see the same hours
def normal_hours(seed, hours):
    """Draw so many hours in which nothing is wrong, or a little more: a list of frames (N, 32, 32, 1)."""
    films, cycles = [], min(AT_ONCE, math.ceil(1200 * hours))
    while sum(map(len, films)) < hours * 3600 * machine.RATE:
        films.append(machine.run(cycles, seed, start=cycles * len(films)).frames)
    return films


@lru_cache(maxsize=2)
def faulty_run(seed, each, between, twin=False):
    """Draw a run with so many of each fault, or its twin."""
    at, cycles = schedule(each, between)
    return machine.run(cycles, seed, at, twin=twin)


def score(model, frames, every=1):
    """Score each frame of a film: how sure a classifier is that it is wrong, or how large an error is; float (N,).

    Before the first window is complete, the score is the lowest there is.
    """
    from seqlib.stream import scan

    answers = np.full((len(frames), model.output.shape[-1]), np.nan, np.float32)
    before = every * (model.inputs[0].shape[1] - 1)
    for phase in range(every):
        answers[before + phase :: every] = scan(model, frames[phase::every])
    scores = answers[:, 1] - answers[:, 0] if answers.shape[1] == 2 else answers[:, 0]
    return np.where(np.isnan(scores), np.nanmin(scores), scores)


def train(run):
    """Train a watcher; returns it, and its accuracy on what it was trained on (None of one that classifies nothing)."""
    from seqlib import measure, models, training

    given = run["frames"], run["seed"]
    faulty = faulty_run(TRAINING + run["seed"], EVENTS_IN_TRAINING, 1)
    if run["family"] in ERRORS:
        normal = machine.run(EVENTS_IN_TRAINING * 10, TRAINING + run["seed"], start=AT_ONCE)
        model = ERRORS[run["family"]](*given)
        fit_error(model, machine.windows(normal, run["windows"], *given)[0], run)
        return model, None
    x, y = machine.windows(faulty, run["windows"], *given, every=run["every"])
    model = getattr(models, run["family"])(2, x.shape[1:], run["seed"], **run["settings"])
    training.fit(model, (x, y), epochs=run["epochs"], learning_rate=run["learning_rate"], seed=run["seed"])
    return model, measure.accuracy(model, x, y).value


def fit_error(model, x, run):
    """Train a model whose output is its error: the less the better."""
    from seqlib.backend import keras

    model.compile(keras.optimizers.Adam(run["learning_rate"]), loss=lambda _, error: keras.ops.mean(error))
    model.fit(x, np.zeros(len(x)), epochs=run["epochs"], verbose=0)


def reconstruction(frames, seed):
    """Build an autoencoder of single frames; its output is its mean squared error, (B, 1)."""
    from seqlib.backend import keras

    layers = keras.layers
    keras.utils.set_random_seed(seed)
    clip = keras.Input((frames, machine.SIZE, machine.SIZE, 1), dtype="uint8")
    frame = layers.Rescaling(1 / 64, offset=-1)(clip)[:, -1]
    x = layers.Conv2D(16, 3, 2, padding="same", activation="relu")(frame)
    x = layers.Conv2D(16, 3, 2, padding="same", activation="relu")(x)
    x = layers.Dense(16)(layers.Flatten()(x))
    x = layers.Reshape((8, 8, 16))(layers.Dense(1024, activation="relu")(x))
    x = layers.Conv2DTranspose(16, 4, 2, padding="same", activation="relu")(x)
    guess = layers.Conv2DTranspose(1, 4, 2, padding="same")(x)
    return keras.Model(clip, squared_error(frame, guess), name="reconstruction")


def prediction(frames, seed):
    """Build a network that predicts the last frame from those before; its output is its mean squared error, (B, 1)."""
    from seqlib.backend import keras

    layers = keras.layers
    keras.utils.set_random_seed(seed)
    clip = keras.Input((frames, machine.SIZE, machine.SIZE, 1), dtype="uint8")
    scaled = layers.Rescaling(1 / 64, offset=-1)(clip)
    before = keras.ops.moveaxis(scaled[:, :-1, ..., 0], 1, -1)  # the frames are channels
    x = layers.Conv2D(16, 5, 2, padding="same", activation="relu")(before)
    x = layers.Conv2D(32, 3, padding="same", activation="relu")(x)
    change = layers.Conv2DTranspose(1, 4, 2, padding="same")(x)
    return keras.Model(clip, squared_error(scaled[:, -1], scaled[:, -2] + change), name="prediction")


def squared_error(frame, guess):
    """Compare two batches of frames, (B, H, W, 1); the mean over each frame, (B, 1)."""
    from seqlib.backend import keras

    return keras.ops.mean((frame - guess) ** 2, axis=(1, 2))


ERRORS = {"reconstruction": reconstruction, "prediction": prediction}  # trained on normal windows alone


def carry_out(run):
    """Train a watcher, find its threshold and test it; returns what was measured."""
    from seqlib import alarms
    from seqlib.backend import keras

    keras.backend.clear_session()
    began = time.perf_counter()
    model, train_accuracy = train(run)
    seconds = time.perf_counter() - began

    def scores(film):
        return score(model, film, run["every"])

    threshold = max(float(scores(film).max()) for film in normal_hours(THRESHOLD + run["seed"], run["hours"]))
    hours = [scores(film) for film in normal_hours(NORMAL + run["seed"], run["test_hours"])]
    frames = sum(map(len, hours))
    false = sum(len(alarms.begin(film, threshold)) for film in hours)
    faulty, twin = (faulty_run(FAULTY + run["seed"], run["events"], BETWEEN, twin=twin) for twin in (False, True))
    by_run = [scores(film.frames) for film in (faulty, twin)]
    begins = [alarms.begin(film, threshold) for film in by_run]
    spans = {fault: [event[1:] for event in faulty.events if event.fault == fault] for fault in machine.FAULTS}
    everything = [event[1:] for event in faulty.events]
    counted = alarms.report(begins[0], everything, len(faulty.frames))
    return {
        "seconds": round(seconds, 1),
        "train_accuracy": train_accuracy,
        "threshold": threshold,
        "tested_hours": round(frames / 3600 / machine.RATE, 4),
        "false": false,
        "false_between": counted.false,
        "right": counted.found.right,
        "total": counted.found.total,
        "faults": {fault: compare(*by_run, *begins, events) for fault, events in spans.items()},
    }


def compare(scores, twin_scores, begins, twin_begins, events):
    """Count what is found of some events, and what would be found in their twins, and compare the highest scores."""
    from seqlib import alarms

    found, twin = (alarms.report(alarm, events, len(scores)) for alarm in (begins, twin_begins))
    highest = np.array(
        [[film[first : last + machine.RATE + 1].max() for first, last in events] for film in (scores, twin_scores)]
    )
    higher = np.sign(highest[0][:, None] - highest[1])  # every event with every twin
    return {
        "found": found.found.right,
        "total": found.found.total,
        "delays": found.delays,
        "twin_found": twin.found.right,
        "above_twins": float((1 + higher.mean()) / 2),  # the probability that a fault's highest score is above a twin's
        "most_apart": float(np.abs(highest[0] - highest[1]).max()),  # of a fault and its own twin
    }


def main():
    """Carry out the plan, or a quick sample of it (QUICK=1)."""
    quick = bool(os.environ.get("QUICK"))
    path = study.ROOT / ("_build/quick" if quick else "book") / "machine.json"
    with multiprocessing.get_context("spawn").Pool(os.cpu_count(), study.train_beside_others) as pool:
        planned = [run | QUICK for run in plan() if not run["seed"]] if quick else plan()
        study.study(planned, path, carry_out, pool.imap)


if __name__ == "__main__":
    sys.exit(main())
