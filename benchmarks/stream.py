"""How long one frame takes, and whether a stream stays as it was: ``python -m benchmarks.stream [FAMILY ...]``.

Frames have 64 x 64 pixels, and there is one core. Four ways: the model itself on the last T frames,
`seqlib.stream.Stream`, and the step's files in ONNX Runtime and LiteRT. The ways take turns, so that a slow minute of
the machine meets all of them. ``--long`` pushes very many frames instead, and asks how much the process has grown and
whether the last answer is still the model's. Both are written into the results, of which chapter 4 shows the times. The
files need ``make .venv/export``.
"""

import argparse
import os
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

if __name__ == "__main__" and hasattr(os, "sched_setaffinity"):
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})  # before anything counts the cores

import numpy as np
import psutil

from seqlib import export, measure, models
from seqlib.stream import Stream
from seqlib.stream_steps import last_frames, since_reset
from tools import study

RESULTS = study.ROOT / "book" / "stream_costs.json"
FRAMES, SIZE, TURN = 16, (64, 64, 1), 50  # T; (H, W, C); frames in a row
PERIOD, CYCLES, SMALL = 50, 10, (16, 16, 1)  # of a long run: what is repeated; cycles of its model's clip; (H, W, C)
RESETS = {
    "average pooling": (models.average_pooling, {}),
    "max pooling": (models.max_pooling, {}),
    "attention pooling": (models.attention_pooling, {}),
    "3D CNN, causal": (models.conv3d, {"padding": "causal"}),
    "(2+1)D, causal": (models.conv2plus1d, {"padding": "causal"}),
    **{f"CNN + {name}": (models.cnn_rnn, {"cell": cell}) for name, cell in [("GRU", "gru"), ("LSTM", "lstm")]},
    "ConvLSTM": (models.conv_lstm, {}),
}  # these answer for all frames since a reset, the others for the last T
WINDOWS = {
    "max pooling, window": (models.max_pooling, {}),
    "CNN + GRU, window": (models.cnn_rnn, {}),
    "single frame": (models.single_frame, {}),
    "early fusion": (models.early_fusion, {}),
    "3D CNN, same": (models.conv3d, {}),
    "3D CNN, valid": (models.conv3d, {"padding": "valid"}),
}


def built(family, frames=FRAMES, size=SIZE):
    """Build an untrained model of four classes for clips of so many frames."""
    build, settings = (RESETS | WINDOWS)[family]
    return build(4, (frames, *size), **settings)


def by_model(model, _step, _folder):
    """Call the model anew on the last T frames."""
    clip = np.zeros((1, *model.input_shape[1:]), np.uint8)

    def push(frame):
        clip[:, :-1] = clip[:, 1:]
        clip[:, -1] = frame
        return model(clip, training=False).numpy()[0]

    return push


def keeping(step, start):
    """Feed a step what it gave for the frame before; ``step`` takes arguments by name and returns a dict."""
    kept = dict(start)

    def push(frame):
        answer = step(frame=frame[None], **kept)
        kept.update((name, answer[f"next_{name}"]) for name in kept)
        return np.asarray(answer["logits"])[0]

    return push


def by_stream(model, step, _folder):
    """Push frames into a `Stream`."""
    return Stream(model, since_reset=step.frames == 1).push


def by_onnx(_model, step, folder):
    """Run the step's file in ONNX Runtime."""
    import onnxruntime

    export.onnx(step, folder / "step.onnx")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(folder / "step.onnx", options, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return keeping(lambda **given: dict(zip(names, session.run(names, given), strict=True)), step.start)


def by_litert(_model, step, folder):
    """Run the step's file in LiteRT."""
    from ai_edge_litert.interpreter import Interpreter

    export.litert(step, folder / "step.tflite")
    return keeping(Interpreter(str(folder / "step.tflite"), num_threads=1).get_signature_runner(), step.start)


WAYS = {"model": by_model, "Stream": by_stream, "ONNX Runtime": by_onnx, "LiteRT": by_litert}


def milliseconds(ways, frames, count):
    """Time each frame by each way; a dict of way to (p50, p99)."""
    taken = {name: [] for name in ways}
    for begin in range(0, count + TURN, TURN):  # the first turn warms up
        for name, push in ways.items():
            for frame in range(begin, begin + TURN):
                began = time.perf_counter()
                push(frames[frame % len(frames)])
                taken[name].append(1000 * (time.perf_counter() - began))
    return {name: np.percentile(times[TURN:], (50, 99)).round(3).tolist() for name, times in taken.items()}


def timed(family, count):
    """Time one frame of a family, by each way."""
    frames = np.random.default_rng(0).integers(0, 256, (64, *SIZE), np.uint8)
    model = built(family)
    step = since_reset(model) if family in RESETS else last_frames(model)
    with tempfile.TemporaryDirectory() as folder:
        ways = {name: way(model, step, Path(folder)) for name, way in WAYS.items()}
        return {"timed": count, "milliseconds": milliseconds(ways, frames, count)}


def pushed(push, frames, count):
    """Push so many frames; return the last answer, and by how many megabytes the process grew after the first 1,000."""
    process = psutil.Process()
    for number in range(count):
        if number == 1000:
            before = process.memory_info().rss
        answer = push(frames[number % len(frames)])
    return answer, (process.memory_info().rss - before) / 2**20


def long_run(family, count):
    """Push very many small frames by each way that keeps something, and compare the last answer with the model's.

    The frames repeat. So the model's answer for all of them is that for a few whole cycles: averages and maxima are
    equal, and a state, which the ways are compared in, has forgotten what was before.
    """
    assert count % PERIOD == 0, f"the frames must be a multiple of {PERIOD}, not {count}"
    frames = np.random.default_rng(0).integers(0, 256, (PERIOD, *SMALL), np.uint8)
    model = built(family, size=SMALL)
    step, clip = last_frames(model), frames[None, -FRAMES:]
    if family in RESETS:
        step, clip = since_reset(model), np.tile(frames[None], (1, CYCLES, 1, 1, 1))
    whole = built(family, clip.shape[1], SMALL)
    whole.set_weights(model.get_weights())
    wanted, results = measure.logits(whole, clip)[0], {}
    with tempfile.TemporaryDirectory() as folder:
        for name in list(WAYS)[1:]:
            answer, grown = pushed(WAYS[name](model, step, Path(folder)), frames, count)
            results[name] = {"megabytes": round(grown, 2), "difference": float(np.abs(answer - wanted).max())}
    return {"frames": count, "after": results}


def main():
    """Measure the families that are named, or all, and write their rows anew."""
    parser = argparse.ArgumentParser("python -m benchmarks.stream", description=__doc__.partition("\n")[0])
    parser.add_argument("families", nargs="*", metavar="FAMILY", help=f"of {', '.join(RESETS | WINDOWS)} (all)")
    parser.add_argument("--frames", type=int, default=1000, help="how many to time (%(default)s)")
    parser.add_argument("--long", type=int, metavar="FRAMES", help="push so many, such as 100000, and time nothing")
    options = parser.parse_args()
    if unknown := set(options.families) - set(RESETS | WINDOWS):
        parser.error(f"FAMILY must be one of {', '.join(RESETS | WINDOWS)}, not {', '.join(sorted(unknown))}")
    for family in options.families or RESETS | WINDOWS:
        row = long_run(family, options.long) if options.long else timed(family, options.frames)
        print(family, row, flush=True)
        stored = study.read(RESULTS)["runs"]
        rows = {
            name: {"column": name, "family": build.__name__, "since_reset": name in RESETS}
            for name, (build, _) in (RESETS | WINDOWS).items()
        }
        for known in [*stored, {"column": family, **row}]:
            rows[known["column"]].update(known)
        packages = {name: version(name) for name in ("onnxruntime", "ai-edge-litert")}
        study.write(RESULTS, {"made": study.provenance() | packages, "runs": list(rows.values())})


if __name__ == "__main__":
    main()
