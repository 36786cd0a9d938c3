"""One run of the plan `remedies`: a 3D CNN, 64 clips, and what is said to help where so few clips are overfitted.

Nothing but the 64 clips trains the network or decides when to stop. What is measured on new clips is only looked at.
"""

import json
import time
from functools import lru_cache

import numpy as np

import seqlib
from seqlib import measure, training
from seqlib.backend import keras
from tools import runs

BODY, LAST = "3D CNN", "conv3"  # the convolutions, and the last of them
SOURCE, SOURCE_CLIPS, SOURCE_EPOCHS = "shape", 2048, 12  # what frozen convolutions were trained on
PATIENCE = 20  # epochs without a better validation loss; an epoch is all clips once


def carry_out(run):
    """Train and test one model; returns what was measured."""
    keras.backend.clear_session()
    task, options, seed, settings = seqlib.TASKS[run["task"]], run["options"], run["seed"], run["settings"]
    x, y = seqlib.clips(task, run["clips"], runs.TRAINING + seed, **options)
    new = seqlib.clips(task, runs.NEW, runs.TEST, **options)
    shape = {name: settings[name] for name in ("head", "units", "dropout")}
    model = runs.headed(task, x.shape[1:], seed, body=BODY, **shape)
    if settings["frozen"]:
        freeze(model, convolutions(seed, json.dumps(options)))
    held_out = len(x) - settings["held_out"]
    train, validation = (x[:held_out], y[:held_out]), (x[held_out:], y[held_out:])
    stopping = keras.callbacks.EarlyStopping("val_loss", patience=PATIENCE, restore_best_weights=True)
    model.compile(
        keras.optimizers.Adam(run["learning_rate"]),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
        jit_compile=False,
    )
    keras.utils.set_random_seed(seed)
    began = time.perf_counter()
    history = model.fit(
        *repeated(*train, run["repeats"], seed if settings["shifted"] else None),
        validation_data=validation if settings["held_out"] else new,
        callbacks=[stopping] if settings["held_out"] else [],
        epochs=run["epochs"],
        verbose=0,
    ).history
    seconds = time.perf_counter() - began
    losses = [] if settings["held_out"] else history["val_loss"][:-1]
    loss, _ = model.evaluate(*new, verbose=0)
    return {
        "epochs_done": len(history["loss"]),
        "seconds": round(seconds, 1),
        "trained_parameters": sum(int(np.prod(weight.shape)) for weight in model.trainable_weights),
        "loss": [round(value, 4) for value in (*losses, loss)],  # on new clips after each epoch, or at the end alone
        "train_accuracy": measure.accuracy(model, *train).value,
        **measure.accuracy(model, *new)._asdict(),
    }


def repeated(x, y, repeats, seed):
    """Say clips several times over; with a seed, each time at another place, all frames of a clip alike.

    What leaves the frame on one side comes back on the other, as in the clips themselves.
    """
    if seed is None:
        return np.concatenate([x] * repeats), np.concatenate([y] * repeats)
    random = np.random.default_rng(seed)
    places = random.integers(0, x.shape[2:4], (repeats, len(x), 2))
    moved = [np.roll(clip, place, (1, 2)) for row in places for clip, place in zip(x, row, strict=True)]
    return np.stack(moved), np.concatenate([y] * repeats)


@lru_cache(maxsize=1)  # all tasks of a seed take the same convolutions
def convolutions(seed, options):
    """Train the same convolutions on many clips of another task; returns the weights of each of their layers.

    ``options`` are JSON, which `lru_cache` can compare.
    """
    task = seqlib.TASKS[SOURCE]
    clips = seqlib.clips(task, SOURCE_CLIPS, runs.TRAINING + seed, **json.loads(options))
    model = runs.headed(task, clips[0].shape[1:], seed, body=BODY, head="maximum", units=(64,))
    training.fit(model, clips, epochs=SOURCE_EPOCHS, learning_rate=2e-3, seed=seed)
    return [layer.get_weights() for layer in body(model)]


def body(model):
    """Return the layers of a model up to the last convolution."""
    names = [layer.name for layer in model.layers]
    return model.layers[: names.index(LAST) + 1]


def freeze(model, weights):
    """Give a model's convolutions these weights, which then stay as they are."""
    for layer, values in zip(body(model), weights, strict=True):
        layer.set_weights(values)
        layer.trainable = False
