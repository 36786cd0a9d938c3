"""How long one frame takes, and whether memory grows: ``python -m benchmarks.stream``.

Three families answer for all frames since a reset, 64 x 64 pixels each, on one core. Five ways: the model itself on the
last T frames, the step as plain Keras, `seqlib.stream.Stream`, which compiles the step, and the step's files in ONNX
Runtime and LiteRT. The ways take turns, so that a slow minute of the machine meets all of them. The files need
``make .venv/export``.
"""

import argparse
import os
import resource
import sys
import tempfile
import time
from pathlib import Path

if hasattr(os, "sched_setaffinity"):
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})  # before anything counts the cores

import numpy as np

from seqlib import export, models
from seqlib.backend import tf
from seqlib.stream import Stream
from seqlib.stream_steps import since_reset

CLIP, TURN = (16, 64, 64, 1), 50  # (T, H, W, C); frames in a row
MODELS = {
    "CNN + GRU": lambda: models.cnn_rnn(4, CLIP),
    "average pooling": lambda: models.average_pooling(4, CLIP),
    "causal 3D": lambda: models.conv3d(4, CLIP, padding="causal"),
}


def by_model(model, _):
    """Call the model anew on the last T frames."""
    clip = np.zeros((1, *CLIP), np.uint8)

    def push(frame):
        clip[:, :-1] = clip[:, 1:]
        clip[:, -1] = frame
        return model(clip, training=False).numpy()

    return push


def keeping(step, start):
    """Feed a step what it gave for the frame before; ``step`` takes arguments by name and returns a dict."""
    kept = dict(start)

    def push(frame):
        answer = step(frame=frame[None], **kept)
        kept.update((name, answer[f"next_{name}"]) for name in kept)
        return answer["logits"]

    return push


def by_plain_step(model, _):
    """Call the step's network as it is."""
    step = since_reset(model)
    return keeping(lambda **given: step.network(tf.nest.map_structure(tf.constant, given), training=False), step.start)


def by_stream(model, _):
    """Push frames into a `Stream`."""
    return Stream(model, since_reset=True).push


def by_onnx(model, folder):
    """Run the step's file in ONNX Runtime."""
    import onnxruntime

    step, options = since_reset(model), onnxruntime.SessionOptions()
    export.onnx(step, folder / "step.onnx")
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(folder / "step.onnx", options, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return keeping(lambda **given: dict(zip(names, session.run(names, given), strict=True)), step.start)


def by_litert(model, folder):
    """Run the step's file in LiteRT."""
    from ai_edge_litert.interpreter import Interpreter

    step = since_reset(model)
    export.litert(step, folder / "step.tflite")
    return keeping(Interpreter(str(folder / "step.tflite"), num_threads=1).get_signature_runner(), step.start)


WAYS = {
    "model(clip)": by_model,
    "plain step": by_plain_step,
    "Stream": by_stream,
    "ONNX Runtime": by_onnx,
    "LiteRT": by_litert,
}


def milliseconds(ways, frames, count):
    """Time each frame by each way; a dict of way to float64 array (count,)."""
    taken = {name: [] for name in ways}
    for begin in range(0, count + TURN, TURN):  # the first turn warms up
        for name, push in ways.items():
            for frame in range(begin, begin + TURN):
                began = time.perf_counter()
                push(frames[frame % len(frames)])
                taken[name].append(1000 * (time.perf_counter() - began))
    return {name: np.array(times[TURN:]) for name, times in taken.items()}


def growth(push, frames, count):
    """Push so many frames; return by how many megabytes the process has grown at most after the first 1,000."""
    for number in range(1000):
        push(frames[number % len(frames)])
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for number in range(count):
        push(frames[number % len(frames)])
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return (after - before) / (2**20 if sys.platform == "darwin" else 2**10)


def main():
    """Print one row for each family and way."""
    parser = argparse.ArgumentParser("python -m benchmarks.stream", description=__doc__.partition("\n")[0])
    parser.add_argument("--frames", type=int, default=1000, help="how many to time (%(default)s)")
    parser.add_argument("--memory", type=int, default=100_000, help="how many to watch the memory over (%(default)s)")
    options = parser.parse_args()
    frames = np.random.default_rng(0).integers(0, 256, (64, *CLIP[1:]), np.uint8)
    print(f"| family, {CLIP[1]} x {CLIP[2]} | by | p50, ms | p99, ms | MB grown in {options.memory:,} frames |")
    print("|---|---|---|---|---|")
    for family, build in MODELS.items():
        with tempfile.TemporaryDirectory() as folder:
            model = build()
            ways = {name: way(model, Path(folder)) for name, way in WAYS.items()}
            times = milliseconds(ways, frames, options.frames)
            for name, push in ways.items():
                half, most = np.percentile(times[name], (50, 99))
                grown = "" if name in ("model(clip)", "plain step") else f"{growth(push, frames, options.memory):.1f}"
                print(f"| {family} | {name} | {half:.2f} | {most:.2f} | {grown} |", flush=True)


if __name__ == "__main__":
    main()
