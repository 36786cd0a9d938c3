"""How a training step, one answer and the memory of a step grow with frames, with their size and with the batch.

In the same run a large matrix product is timed. The multiply-adds of a step, about three times those of the answers,
then tell which share of the processor's speed a family reaches.
"""

import multiprocessing
import statistics

import numpy as np

from benchmarks import families
from benchmarks.compare import interleaved, spread
from seqlib import measure
from seqlib.backend import tf
from tools import study

NAMES = ("average pooling", "attention", "3D CNN", "(2+1)D", "CNN + GRU", "CNN + LSTM", "ConvLSTM")
START = {"frames": 32, "size": 32, "batch": 8}
AXES = {"frames": (8, 32, 128), "size": (16, 32, 64, 128), "batch": (1, 8, 32)}
MATRIX = 1024


def rows(quick):
    """Measure how a few families grow, each along three axes from one start."""
    names = NAMES[:1] if quick else NAMES
    points = sorted({tuple((START | {axis: value}).values()) for axis, values in AXES.items() for value in values})
    grows = {name: {point: memory(name, point) for point in points} for name in names}  # first: see `memory`
    return [grown(name, grows[name], rounds=3 if quick else 5) for name in names]


def grown(name, grows, rounds):
    """Measure one family at all points, of which ``grows`` has the memory, in turns with the matrix product."""
    points = list(grows)
    matrix = tf.random.normal((MATRIX, MATRIX))
    calls, macs = {"matrix": lambda: tf.matmul(matrix, matrix).numpy()}, {}
    for frames, size, batch in points:
        point = frames, size, batch
        model = families.compiled(families.ours(name, (frames, size, size, 1)))
        clips = np.random.default_rng(0).integers(0, 256, (batch, frames, size, size, 1), np.uint8)
        labels = np.arange(batch) % families.CLASSES
        step, macs[point] = step_of(model, clips, labels), measure.multiply_adds(model)
        calls["step", point] = step
        calls["answer", point] = answer_of(model, clips[:1])
    taken = interleaved(calls, rounds, at_least=0.02)
    speed = MATRIX**3 / statistics.median(taken["matrix"])
    found = []
    for point in points:
        step = statistics.median(taken["step", point])
        found.append(
            dict(zip(START, point, strict=True))
            | {"multiply_adds": macs[point], "step": spread(taken["step", point]), "memory": grows[point]}
            | {"answer": spread(taken["answer", point]), "share": round(3 * macs[point] * point[2] / step / speed, 3)}
        )
    matrix = spread(taken["matrix"])
    return {"row": name, **study.FAMILIES[name], "matrix": matrix, "points": found, "against": []}


def step_of(model, clips, labels):
    """Return a function that trains a model for one step."""
    return lambda: model.train_on_batch(clips, labels)


def answer_of(model, clip):
    """Return a function that answers about one clip, compiled."""
    graph = tf.function(lambda clip: model(clip, training=False))
    clip = tf.constant(clip)
    return lambda: graph(clip).numpy()


def memory(name, point):
    """Return by how many bytes a process grows at its peak in training steps, after a step of one clip; int.

    It is a fork of this one, which has imported TensorFlow, but must not have run it. For one clip it is None.
    """
    if point[-1] == 1:
        return None
    with multiprocessing.get_context("fork").Pool(1) as pool:
        return pool.apply(_memory, (name, *point))


def _memory(name, frames, size, batch):
    model = families.ours(name, (frames, size, size, 1))
    return measure._growth(model.to_json(), batch)  # as `measure.peak_memory` does in a new process, import by import
