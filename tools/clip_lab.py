"""Train the small models of the clip lab (``make cliplab``), and write their rounded weights for the reader's browser.

For each task there is one script, book/_static/lab/TASK.js. It holds the weights of five families, rounded to one byte
each, and what these rounded models reach on new clips. A model that has been trained is kept in _build/clip_lab, so a
run that was stopped goes on.
"""

import base64
import json
import re
import sys
from pathlib import Path

import numpy as np

import seqlib

ROOT = Path(__file__).resolve().parents[1]
SCRIPTS = ROOT / "book" / "_static" / "lab"
TRAINED = ROOT / "_build" / "clip_lab"
WIDTH = 0.5
FAMILIES = {  # by the names that the scripts know them by
    "single_frame": ("single_frame", {}),
    "average_pooling": ("average_pooling", {}),
    "conv3d": ("conv3d", {}),
    "cnn_rnn": ("cnn_rnn", {}),
    "cnn_rnn_pooled": ("cnn_rnn", {"features": "pooled"}),
}
BUDGET = {"learning_rate": 2e-3, "stop_at": 0.99}
EPOCHS, LONGER = 12, {"duration": 30}  # at most; average pooling and the 3D CNN learn ``duration`` slowly
CLIPS = 1024  # with the task's own noise, and as many without any
NEW = 1000  # clips that the accuracy is measured on
LARGEST = 16  # logit, so that float32 keeps five places behind its point


def build(task, family, frames=16):
    """Build one of the lab's models, untrained, for clips of so many frames."""
    name, settings = FAMILIES[family]
    shape = (frames, 32, 32, 1)
    return getattr(seqlib.models, name)(seqlib.TASKS[task], shape, width=WIDTH, **settings)


def clips(task, n, seed):
    """Draw clips with the task's own noise, and as many without any."""
    parts = [seqlib.clips(task, n, seed, noise=noise) for noise in (None, 0)]
    return tuple(map(np.concatenate, zip(*parts, strict=True)))


def train(task, family):
    """Train a model on clips with and without noise; return its weights, a list of arrays."""
    model = build(task, family)
    seqlib.training.fit(model, clips(task, CLIPS, 0), clips(task, 250, 1), epochs=LONGER.get(task, EPOCHS), **BUDGET)
    return model.get_weights()


def calmed(model, x):
    """Return a model's weights, the last layer divided so that no logit of clips ``x`` is beyond `LARGEST`.

    That changes no answer.
    """
    *before, kernel, bias = model.get_weights()
    scale = max(1, np.abs(seqlib.measure.logits(model, x)).max() / LARGEST)
    return [*before, kernel / scale, bias / scale]


def trained(task, family):
    """Return the weights of a trained model, from _build/clip_lab if it was trained before."""
    file = TRAINED / f"{task}-{family}.npz"
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        part = file.with_suffix(".part.npz")
        np.savez(part, *train(task, family))
        part.rename(file)
    with np.load(file) as stored:
        return [stored[name] for name in stored.files]


def rounded(weight):
    """Round a kernel (..., units) to multiples of 1/127 of the largest weight of each unit.

    Returns
    -------
    float32 array (units,)
        What one step is.
    int8 array (..., units)
        How many steps each weight is.
    """
    step = np.abs(weight).max(tuple(range(weight.ndim - 1))) / np.float32(127)
    step[step == 0] = 1
    return step.astype(np.float32), np.rint(weight / step).astype(np.int8)


def pack(weights):
    """Write weights as bytes: of a kernel the steps and then how many, of a bias its float32."""
    written = b""
    for weight in weights:
        step, steps = rounded(weight) if is_kernel(weight.shape) else (weight, np.zeros(0, np.int8))
        written += step.astype("<f4").tobytes() + steps.tobytes()
    return written


def is_kernel(shape):
    """Tell a kernel from a bias; that of a GRU has two axes, (2, 3 * units)."""
    return len(shape) > 2 or (len(shape) == 2 and shape[0] != 2)


def unpack(data, shapes):
    """Read what `pack` wrote; a list of float32 arrays."""
    weights, place = [], 0
    for shape in map(tuple, shapes):
        steps = np.prod(shape, dtype=int)
        floats = shape[-1] if is_kernel(shape) else steps
        value = np.frombuffer(data, "<f4", floats, place)
        place += 4 * floats
        if is_kernel(shape):
            value = value * np.frombuffer(data, np.int8, steps, place).reshape(shape).astype(np.float32)
            place += steps
        weights.append(value.reshape(shape).astype(np.float32))
    return weights


def write(task):
    """Train what is missing of a task, and write its script."""
    families = {}
    for family in FAMILIES:
        model = build(task, family)
        model.set_weights(trained(task, family))
        weights = calmed(model, clips(task, 250, 1)[0])
        shapes = [list(weight.shape) for weight in weights]
        data = pack(weights)
        model.set_weights(unpack(data, shapes))
        accuracy = seqlib.measure.accuracy(model, *seqlib.clips(task, NEW, 2))
        print(f"{task}, {family}: {accuracy.value:.1%}", flush=True)
        families[family] = {
            "right": accuracy.right,
            "of": accuracy.total,
            "shapes": shapes,
            "data": base64.b64encode(data).decode(),
        }
    described = {"classes": seqlib.TASKS[task].classes, "families": families}
    SCRIPTS.mkdir(exist_ok=True)
    (SCRIPTS / f"{task}.js").write_text(f'ClipLab.learned("{task}", {json.dumps(described)});\n', "utf-8")


def read(task):
    """Return what a script holds: {family: {right, of, weights}}, the weights as the browser has them."""
    script = (SCRIPTS / f"{task}.js").read_text("utf-8")
    described = json.loads(re.search(r"(?s)\{.*\}", script)[0])
    return {
        family: {
            "right": entry["right"],
            "of": entry["of"],
            "weights": unpack(base64.b64decode(entry["data"]), entry["shapes"]),
        }
        for family, entry in described["families"].items()
    }


def main(tasks):
    """Write the scripts of these tasks, of all if none is named."""
    for task in tasks or seqlib.TASKS:
        write(task)


if __name__ == "__main__":
    main(sys.argv[1:])
