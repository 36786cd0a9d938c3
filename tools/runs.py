"""What one run of the study does: it builds a model, trains it and tests it. The models that only the study has.

A plan names a family by a function of `seqlib.models` or of FAMILIES here; "frozen" is an experiment of its own. The
plan `remedies` has its own runs, in `tools.remedies`.
"""

import time
from functools import lru_cache, partial

import numpy as np

import seqlib
from seqlib import measure, models, training
from seqlib.backend import keras

STOP_AT = 0.995  # of the validation clips
TRAINING, VALIDATION, TEST, TWINS = 10, 1, 2, 3  # seeds of clips; a run trains on TRAINING + its own seed
CHECKED, NEW, SETS = 2048, 2000, 500  # clips of the validation, clips of the test, sets of twins

layers = keras.layers


def carry_out(run):
    """Train and test one model; returns what was measured."""
    keras.backend.clear_session()
    return frozen(run) if run["family"] == "frozen" else end_to_end(run)


def end_to_end(run):
    """Train and test a whole network on clips."""
    task, options = seqlib.TASKS[run["task"]], run["options"]
    x, y = seqlib.clips(task, run["clips"], TRAINING + run["seed"], **options)
    train = np.concatenate([x] * run["repeats"]), np.concatenate([y] * run["repeats"])
    family = FAMILIES.get(run["family"]) or getattr(models, run["family"])
    model = family(task, x.shape[1:], run["seed"], **run["settings"])
    fitted = training.fit(
        model,
        train,
        seqlib.clips(task, CHECKED, VALIDATION, **options),
        epochs=run["epochs"],
        learning_rate=run["learning_rate"],
        seed=run["seed"],
        stop_at=STOP_AT,
    )
    if fitted.interrupted:
        raise KeyboardInterrupt
    twins = {
        kind: measure.twin_agreement(model, *seqlib.twins(task, kind, SETS, TWINS, **options))
        for kind in task.twins
        if kind != "shift"
    }
    return {
        **of_training(model, fitted.history, fitted.seconds),
        "train_accuracy": measure.accuracy(model, x, y).value,
        **measure.accuracy(model, *seqlib.clips(task, NEW, TEST, **options))._asdict(),
        "twins": {
            kind: {
                **report.accuracy._asdict(),
                "sets": report.sets,
                "same_answer": report.same_answer,
                "most_right": report.most_right,
            }
            for kind, report in twins.items()
        },
    }


def of_training(model, history, seconds):
    """Say what is kept of a training: its length, the model's size, and the curves of accuracy, (epochs,) each."""
    return {
        "epochs_done": len(history["loss"]),
        "seconds": round(seconds, 1),
        "parameters": measure.parameters(model),
        "history": {
            name: [round(value, 4) for value in history[name]]
            for name in ("accuracy", "val_accuracy")
            if name in history
        },
    }


# Heads against families: one of four bodies of convolutions, behind it one of four heads, dense layers, and the logits.
def cut(build, layer, *given):
    """Return the input and one layer's output of a family."""
    model = build(*given)
    return model.input, model.get_layer(layer).output


def listing(task, clip_shape, seed, depth=3):
    """Build the convolutions of the 3D listing, kernels ``depth`` frames deep; input and (B, T, H, W, 64)."""
    keras.utils.set_random_seed(seed)
    clip = keras.Input(clip_shape)
    x = layers.Rescaling(1 / 64, offset=-1)(clip)
    for filters in (32, 64):
        x = layers.Conv3D(filters, (depth, 3, 3), activation="relu")(x)
        x = layers.MaxPooling3D(2)(x)
    return clip, x


def read_in_order(x):
    """Let a GRU read what is there of each frame, flattened: (B, T, H, W, C) to (B, 32)."""
    return layers.GRU(32)(layers.Reshape((x.shape[1], -1))(x))


BODIES = {
    "3D CNN": partial(cut, models.conv3d, "conv3"),
    "CNN per frame": partial(cut, models.cnn_rnn, "pool"),
    "listing": listing,
    "listing, one frame deep": partial(listing, depth=1),
}
HEADS = {
    "maximum": lambda x: layers.GlobalMaxPooling3D()(x),
    "flat": lambda x: layers.Flatten()(x),
    "GRU, flat": read_in_order,
    "GRU, maximum over space": lambda x: read_in_order(layers.MaxPooling3D((1, *x.shape[2:4]))(x)),
}


def headed(task, clip_shape, seed, *, body, head, units, dropout=0):
    """Build one of BODIES under one of HEADS, with dense layers of so many units, and a dropout, before the logits."""
    clip, x = BODIES[body](task, clip_shape, seed)
    x = HEADS[head](x)
    for width in units:
        x = layers.Dense(width, activation="relu")(x)
    if dropout:
        x = layers.Dropout(dropout)(x)
    return keras.Model(clip, layers.Dense(len(task.classes))(x), name="headed")


# Open gates: recurrent layers that keep more of their state at the start.
def open_gate(layer, bias):
    """Let the gate that keeps a built GRU's or LSTM's state start at sigmoid(``bias``), but for what it reads.

    In Keras the update gate's bias starts at 0, the forget gate's at 1. A GRU adds two biases.
    """
    *weights, biases = layer.get_weights()
    if isinstance(layer, layers.GRU):
        biases[:, : layer.units] = bias / 2  # its gates are z, r, h
    else:
        biases[layer.units : 2 * layer.units] = bias  # i, f, c, o
    layer.set_weights([*weights, biases])


def gated(task, clip_shape, seed, *, cell, gate):
    """Build `cnn_rnn` with an open gate."""
    model = models.cnn_rnn(task, clip_shape, seed, cell=cell)
    open_gate(model.get_layer(cell), gate)
    return model


FAMILIES = {"headed": headed, "gated": gated}


def frozen(run):
    """Train and test a recurrent layer on features of a frozen CNN, as lesson 4 does."""
    seed, settings = run["seed"], run["settings"]
    (x, y), (x_new, y_new), (x_twins, y_twins) = frozen_features(seed, run["clips"], tuple(run["options"].items()))
    keras.utils.set_random_seed(seed)
    clip = keras.Input(x.shape[1:])
    layer = models.CELLS[settings["cell"]](32)
    hidden = layers.Dense(64, activation="relu")(layer(clip))
    model = keras.Model(clip, layers.Dense(2)(hidden))
    if settings["gate"] is not None:
        open_gate(layer, settings["gate"])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(run["learning_rate"]), loss, metrics=["accuracy"], jit_compile=False)
    began = time.perf_counter()
    history = model.fit(x, y, epochs=run["epochs"], verbose=0).history
    seconds = time.perf_counter() - began

    def answers(features):
        return model(features).numpy().argmax(-1)

    same = np.array([answers(member) for member in x_twins])  # (2, n)
    right = same == y_twins
    return {
        **of_training(model, history, seconds),
        "train_accuracy": float((answers(x) == y).mean()),
        "right": int((answers(x_new) == y_new).sum()),
        "total": len(y_new),
        "twins": {
            "swap": {
                "right": int(right.sum()),
                "total": right.size,
                "sets": right.shape[1],
                "same_answer": int((same[0] == same[1]).sum()),
                "most_right": int(right.sum(0).max()),
            }
        },
    }


@lru_cache(maxsize=1)  # all cells of a seed read the same features
def frozen_features(seed, count, options):
    """Train a CNN on images of `shape`, and look at clips of `order` with it.

    Returns training clips, new ones and swap twins, each as features (..., n, T, 16), the maximum of each channel over
    the frame, and labels (..., n).
    """
    options = dict(options)
    task, image_shape = seqlib.TASKS["shape"], (1, 32, 32, 1)
    images = headed(task, image_shape, seed, body="CNN per frame", head="maximum", units=(64,))
    training.fit(
        images,
        seqlib.clips(task, 2 * count, TRAINING + seed, frames=1),
        epochs=8,
        learning_rate=5e-3,
        seed=seed,
    )
    maximum = next(layer for layer in images.layers if isinstance(layer, layers.GlobalMaxPooling3D))
    backbone = keras.Model(images.input, maximum.output)

    def look(clips):
        frames = clips.reshape(-1, *image_shape)
        features = [backbone(frames[i : i + 1024]).numpy() for i in range(0, len(frames), 1024)]
        return np.concatenate(features).reshape(*clips.shape[:-3], -1)

    drawn = (
        seqlib.clips("order", count, TRAINING + seed, **options),
        seqlib.clips("order", NEW, TEST, **options),
        seqlib.twins("order", "swap", SETS, TWINS, **options),
    )
    return [(look(clips), labels) for clips, labels in drawn]
