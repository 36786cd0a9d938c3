"""The listings' CNN for each frame: as written, with `TimeDistributed`, and as the course writes it."""

import json

import numpy as np

from benchmarks import families
from benchmarks.compare import interleaved, row
from seqlib.backend import keras
from tools import study

LESSON = study.ROOT / "notebooks" / "06_choosing_an_architecture.ipynb"
BATCH = 16


def rows(quick):
    """Compare a training step, 16 clips, of the pooling listing and of the CNN + LSTM."""
    lesson = {}
    cells = json.loads(LESSON.read_text("utf-8"))["cells"]
    source = next("".join(cell["source"]) for cell in cells if cell["id"] == "listings")
    exec(source.partition("LISTINGS =")[0], lesson)  # the functions alone, as lesson 6 shows them
    rounds = 3 if quick else 7
    at_once = {"pooling": lesson["repaired_pooling"], "CNN + LSTM": lambda: lesson["lstm_at_once"](project=False)}
    as_written = {"pooling": pooling_as_written, "CNN + LSTM": lesson["listed_lstm"]}
    goals = {"pooling": 0.25, "CNN + LSTM": 0.4}
    return [compared(name, at_once[name](), as_written[name](), goals[name], rounds) for name in goals]


def pooling_as_written():
    """Write the pooling listing for clips with the listings' own means, `TimeDistributed`."""
    layers, each = keras.layers, keras.layers.TimeDistributed
    clip = keras.Input((16, 64, 64, 3))
    x = each(layers.Conv2D(32, 3, activation="relu"))(clip)
    x = each(layers.MaxPooling2D())(x)
    x = each(layers.Conv2D(64, 3, activation="relu"))(x)
    x = each(layers.MaxPooling2D())(x)
    x = layers.GlobalAveragePooling1D()(each(layers.Flatten())(x))
    return keras.Model(clip, layers.Dense(10)(x))


def compared(name, at_once, as_written, goal, rounds):
    """Compare a step of the two, which have the same weights and, but for rounding, the same answers."""
    pairs = zip(as_written.get_weights(), at_once.get_weights(), strict=True)
    at_once.set_weights([written.reshape(kernel.shape) for written, kernel in pairs])
    random = np.random.default_rng(0)
    clips, labels = random.random((BATCH, 16, 64, 64, 3), np.float32), random.integers(0, 10, BATCH)
    answers = [model(clips[:2], training=False).numpy() for model in (at_once, as_written)]
    assert np.abs(answers[0] - answers[1]).max() < 1e-4, name
    models = {"course": families.compiled(at_once), "as written": families.compiled(as_written)}
    calls = {who: lambda model=model: model.train_on_batch(clips, labels) for who, model in models.items()}
    return row(name, interleaved(calls, rounds), "course", {"as written": goal})
