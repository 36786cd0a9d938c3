"""An answer about one clip, and about one more frame of a stream: the course's ways, and PyTorch.

What the course recommends for another program is a file, of the model or of its step. Chapter 4 shows one in ONNX
Runtime, and says that LiteRT's is the fastest. So LiteRT's counts as the course's way here.
"""

import tempfile
from pathlib import Path

import numpy as np
import torch

from benchmarks import families, stream
from benchmarks.compare import interleaved, row
from seqlib import export
from seqlib.backend import tf
from seqlib.stream_steps import since_reset

FRAME = (16, 64, 64, 1)  # of a stream: T, H, W, C


def rows(quick):
    """Compare the answers of a few families, about a clip and about a frame."""
    rounds = 3 if quick else 9
    clips = [about_a_clip(name, rounds) for name in families.FEW]
    return clips + [about_a_frame(name, rounds) for name in ("average pooling", "CNN + GRU")]


def about_a_clip(name, rounds):
    """Compare the answers about one clip of 16 x 32 x 32."""
    clip = families.some_clips(1)[0]
    model = families.ours(name)
    graph = tf.function(lambda clip: model(clip, training=False))
    with tempfile.TemporaryDirectory() as folder:
        ways = {
            "course, LiteRT": litert(model, Path(folder)),
            "ONNX Runtime": onnx(model, Path(folder)),
            "compiled": lambda clip: graph(tf.constant(clip)).numpy(),
            "PyTorch, channels first": in_pytorch(families.in_pytorch(name, model)),
            "PyTorch, channels last": in_pytorch(families.in_pytorch(name, model, channels_last=True)),
            "PyTorch, compiled": in_pytorch(torch.compile(families.in_pytorch(name, model))),
        }
        given = {way: mirrored(clip) if way.startswith("PyTorch") else clip for way in ways}
        alike(way(given[who]) for who, way in ways.items())
        calls = {who: lambda way=way, who=who: way(given[who]) for who, way in ways.items()}
        taken = interleaved(calls, rounds)
    goals = dict.fromkeys(("ONNX Runtime", "compiled", "PyTorch"), 1.5)
    return row(f"one clip, {name}", taken, "course, LiteRT", goals)


def about_a_frame(name, rounds):
    """Compare the answers about one more frame of a stream of 64 x 64, since a reset."""
    frames = np.random.default_rng(0).integers(0, 256, (8, *FRAME[1:]), np.uint8)
    model = families.ours(name, FRAME)
    step = since_reset(model)
    with tempfile.TemporaryDirectory() as folder:
        ways = {
            "course, LiteRT": stream.by_litert(model, step, Path(folder)),
            "ONNX Runtime": stream.by_onnx(model, step, Path(folder)),
            "compiled": stream.by_stream(model, step, Path(folder)),
            "PyTorch, channels first": pushing(families.in_pytorch(name, model, FRAME)),
            "PyTorch, channels last": pushing(families.in_pytorch(name, model, FRAME, channels_last=True)),
        }
        given = {way: [mirrored(f[None])[0] for f in frames] if way.startswith("PyTorch") else frames for way in ways}
        for number in range(len(frames)):
            answers = [way(given[who][number]) for who, way in ways.items()]
        alike(answers)
        calls = {who: lambda way=way, who=who: way(given[who][0]) for who, way in ways.items()}
        taken = interleaved(calls, rounds)
    goals = dict.fromkeys(("ONNX Runtime", "compiled", "PyTorch"), 1.5)
    return row(f"one frame, {name}", taken, "course, LiteRT", goals)


def alike(answers):
    """Check that all give the same logits, but for rounding."""
    first, *others = (np.asarray(answer).ravel() for answer in answers)
    assert all(np.abs(other - first).max() < 1e-4 for other in others), (first, others)


def mirrored(clip):
    """Return what PyTorch's families are given, see `peers.torch_families`."""
    return torch.from_numpy(np.ascontiguousarray(clip[..., ::-1, ::-1, :]))


def onnx(model, folder):
    """Return a function that runs a model's file in ONNX Runtime."""
    import onnxruntime

    export.onnx(model, folder / "model.onnx")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(folder / "model.onnx", options, providers=["CPUExecutionProvider"])
    return lambda clip: session.run(["logits"], {"clip": clip})[0]


def litert(model, folder):
    """Return a function that runs a model's file in LiteRT."""
    from ai_edge_litert.interpreter import Interpreter

    export.litert(model, folder / "model.tflite")
    answer = Interpreter(str(folder / "model.tflite"), num_threads=1).get_signature_runner()
    return lambda clip: answer(clip=clip)["logits"]


def in_pytorch(family):
    """Return a function that runs a family in PyTorch."""
    family.eval()

    def answer(clip):
        with torch.inference_mode():
            return family(clip).numpy()

    return answer


def pushing(family):
    """Return a function that pushes a frame into a family of PyTorch, which keeps a sum or a state."""
    family.eval()
    kept = {"sum": 0.0, "frames": 0, "state": None}

    def push(frame):
        with torch.inference_mode():
            features = family.features(frame[None, None])
            if family.how == "average":
                kept["sum"], kept["frames"] = kept["sum"] + features[:, 0], kept["frames"] + 1
                x = kept["sum"] / kept["frames"]
            else:
                x, kept["state"] = family.recurrent(features, kept["state"])
                x = x[:, -1]
            return family.head(x)[0].numpy()

    return push
