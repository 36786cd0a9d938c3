"""Train four models that fail, each in its own way (``make failures``); keep their curves in seqlib/failures.json.

Chapter 6 shows them side by side. Each trains with Keras' own `fit`, as `seqlib.training.fit` would refuse the last.
"""

import numpy as np

import seqlib
from seqlib import measure, models
from seqlib.backend import keras
from tools import study

FLASH = study.TASKS["event, 1 frame of 128"]["options"]
RECORDINGS = {"frames": 32, "speed": 0}


def flashes(clips=2048):
    """Draw clips of `event` in which one frame of 128 flashes: for training, for validation, and new ones."""
    return [seqlib.clips("event", n, seed, **FLASH) for n, seed in ((clips, 10), (512, 1), (512, 2))]


def overheard(recordings=256):
    """Cut recordings in two, whose labels mean nothing: one half for training, the other for validation."""
    x, _ = seqlib.clips("shape", 2 * recordings, 10, **RECORDINGS)
    labels = np.random.default_rng(0).integers(0, 2, len(x))
    known, new = slice(None, recordings), slice(recordings, None)
    return [
        (x[known, :16], labels[known]),
        (x[known, 16:], labels[known]),
        (x[new, 16:], labels[new]),
    ]


def rescaled_once_more(clips=2048):
    """Draw clips of `direction`; all but those for training are divided by 255, before the model rescales them."""
    (x, y), *others = [seqlib.clips("direction", n, seed) for n, seed in ((clips, 10), (512, 1), (512, 2))]
    return [(x, y), *((other / np.float32(255), labels) for other, labels in others)]


FAILURES = {  # how it fails: what it is trained on, the family, the epochs, chance
    "collapsed": (flashes, "cnn_rnn", 12, 1 / 2),
    "memorised": (flashes, "early_fusion", 12, 1 / 2),
    "leaking": (overheard, "early_fusion", 24, 1 / 2),
    "wrong scale": (rescaled_once_more, "conv3d", 12, 1 / 4),
}


def fail(name, epochs=None, **sizes):
    """Train one of them; its accuracies after each epoch, and in the end on new clips."""
    draw, family, planned, chance = FAILURES[name]
    (x, y), validation, new = draw(**sizes)
    keras.backend.clear_session()
    model = getattr(models, family)(round(1 / chance), x.shape[1:], seed=0)
    model.compile(
        keras.optimizers.Adam(study.BUDGET["learning_rate"]),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
        jit_compile=False,
    )
    history = model.fit(x, y, validation_data=validation, epochs=epochs or planned, verbose=0).history
    answers = model.predict(new[0], verbose=0).argmax(-1)
    return {
        "failure": name,
        "family": family,
        "chance": chance,
        "accuracy": [round(value, 4) for value in history["accuracy"]],
        "val_accuracy": [round(value, 4) for value in history["val_accuracy"]],
        "own": measure.accuracy(model, x, y).value,
        "new": float((answers == new[1]).mean()),
    }


def main():
    """Train all four."""
    runs = []
    for name in FAILURES:
        runs.append(fail(name))
        print(f"{name}: own clips {runs[-1]['own']:.1%}, validation {runs[-1]['val_accuracy'][-1]:.1%}", flush=True)
    study.write(study.ROOT / "seqlib" / "failures.json", {"made": study.provenance(), "runs": runs})


if __name__ == "__main__":
    main()
