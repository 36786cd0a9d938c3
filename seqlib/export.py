"""Models as files that other programs run without Keras: ONNX, and LiteRT (once TensorFlow Lite).

A file takes one clip, or one frame with what is kept of the frames before it. Feed and read it by name. Beside a step's
file lies one that ends in ``.json``. It says after how many ``frames`` the logits are an answer, and what to ``start``
with, as arguments of `numpy.full`. Another program needs no more than this::

    about = json.loads(open("step.json").read())
    kept = {name: numpy.full(**value) for name, value in about["start"].items()}
    step = ai_edge_litert.interpreter.Interpreter("step.tflite").get_signature_runner()
    for frame in frames:
        answer = step(frame=frame[None], **kept)
        kept = {name: answer["next_" + name] for name in kept}

With ONNX Runtime, ``names`` are those of ``session.get_outputs()``, and the answer is
``dict(zip(names, session.run(names, {"frame": frame[None], **kept})))``.
"""

from __future__ import annotations

import json
import os
import tempfile
import warnings
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from .backend import classifier, keras, takes_lengths, tf
from .stream_steps import Step

__all__ = ["litert", "onnx"]

layers, ops = keras.layers, keras.ops

LARGEST_DIFFERENCE = 1e-4  # between a file's answer and Keras'; relative to numbers above 1
POOLING = {layers.MaxPooling3D: layers.MaxPooling2D, layers.AveragePooling3D: layers.AveragePooling2D}


def onnx(model: keras.Model | Step, path: str | os.PathLike[str]) -> None:
    """Write a model, or a step, to an ONNX file, whose answers are compared with those of Keras.

    Parameters
    ----------
    model : keras.Model or Step
        Clips, alone or with lengths, to logits; of known T, H, W and C. Its file takes ``clip`` (1, T, H, W, C), uint8,
        and ``lengths`` (1, 1), int32, if the model does, and gives ``logits`` (1, classes), or (1, T, classes) of a
        model that answers at every frame. Or a step of it, see `seqlib.stream_steps`: the file has the inputs and
        outputs of its network, and B is 1.
    path : str or Path
        Ends in ``.onnx``. An old file is replaced once the new one has been compared.

    Raises
    ------
    ImportError
        If the extra ``export`` is not installed.
    TypeError
        If ``model`` is neither a functional or sequential model nor a step.
    ValueError
        If it takes clips of any length or size, or ``path`` has another ending.
    RuntimeError
        If the format has no means for what the model does, or the file's answers are not those of Keras.

    Examples
    --------
    The whole model, and the step that answers about the last T frames::

        model = seqlib.models.cnn_rnn(4)
        onnx(model, "model.onnx")
        onnx(seqlib.stream_steps.last_frames(model), "step.onnx")
    """
    _export(model, path, ".onnx", ("tf2onnx", "onnxruntime"), _write_onnx, _load_onnx)


def litert(model: keras.Model | Step, path: str | os.PathLike[str]) -> None:
    """Write a model, or a step, to a LiteRT file, as `onnx` does; ``path`` ends in ``.tflite``.

    LiteRT has no 3D pooling. Pooling over (1, h, w) becomes pooling of each frame over (h, w), in the file only.

    Examples
    --------
    The step that answers about all frames since a reset::

        litert(seqlib.stream_steps.since_reset(seqlib.models.cnn_rnn(4)), "step.tflite")
    """
    _export(model, path, ".tflite", ("ai_edge_litert",), _write_litert, _load_litert)


def _export(model, path, ending, packages, write, load):
    path = Path(path)
    if path.suffix != ending:
        raise ValueError(f"path must end in {ending}, not {str(path)!r}")
    for package in packages:
        if find_spec(package) is None:
            hint = f'{package}, which is not installed: in the folder of the course, pip install ".[export]"'
            raise ImportError(f"seqlib.export writes {ending} files with {hint}")
    step = model if isinstance(model, Step) else _whole(model)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.name}.") as folder:
        file, about = Path(folder, path.name), Path(folder, "about.json")
        try:
            write(step.network, file)
            _compare(step, load(str(file)))
        except Exception as error:  # of each converter and runtime, its own
            why = str(error).strip().partition("\n")[0]
            raise RuntimeError(f"model cannot be written as {path.name}: {why}") from error
        if isinstance(model, Step):
            about.write_text(json.dumps({"frames": step.frames, "start": _start(step)}), "utf-8")
            about.replace(path.with_suffix(".json"))
        file.replace(path)


def _whole(model):
    """Make a step of a whole clip, which keeps nothing."""
    model = classifier(model, every_frame=True)
    shape = model.inputs[0].shape[1:]
    if None in shape:
        raise ValueError(f"model must say T, H, W and C, not take clips of shape {shape}")
    inputs = {"clip": keras.Input(shape, dtype="uint8", name="clip")}
    clip = ops.cast(inputs["clip"], "float32")
    if takes_lengths(model):
        inputs["lengths"] = keras.Input(model.inputs[1].shape[1:], dtype="int32", name="lengths")
        clip = [clip, inputs["lengths"]]
    return Step(keras.Model(inputs, {"logits": model(clip)}), {}, shape[0])


def _start(step):
    """Say what to start with, as arguments of `numpy.full`: each array holds one number."""
    return {
        name: {"shape": array.shape, "fill_value": array.ravel()[:1].sum().item(), "dtype": str(array.dtype)}
        for name, array in step.start.items()
    }


def _compare(step, answer):
    """Compare a file's answers to two clips or frames of noise, one after the other, with those of Keras."""
    random, kept = np.random.default_rng(0), step.start
    taken = {name: (1, *x.shape[1:]) for name, x in step.network.input.items() if name not in kept}
    for _ in range(2):
        given = {name: random.integers(0, 256, shape, np.uint8) for name, shape in taken.items()}
        if "lengths" in taken:
            given["lengths"] = np.full(taken["lengths"], step.frames, np.int32)
        found, expected = answer({**given, **kept}), step.network({**given, **kept}, training=False)
        for name, value in expected.items():
            difference = np.abs(np.subtract(found[name], value, dtype=np.float64)) / np.maximum(1, np.abs(value))
            if not (difference <= LARGEST_DIFFERENCE).all():  # NaN is not
                raise ValueError(f"its {name} differ from those of Keras by {difference.max():.1g}")
        kept = {name: expected[f"next_{name}"].numpy() for name in kept}


def _signature(network):
    return [{name: tf.TensorSpec((1, *x.shape[1:]), x.dtype, name) for name, x in network.input.items()}]


def _write_onnx(network, file):
    with warnings.catch_warnings(action="ignore", category=FutureWarning):  # as Keras mends tf2onnx for NumPy 2
        network.export(file, format="onnx", verbose=False, input_signature=_signature(network))


def _load_onnx(file):
    import onnxruntime

    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return lambda given: dict(zip(names, session.run(names, given), strict=True))


def _write_litert(network, file):
    network = keras.models.clone_model(network, clone_function=_pooled_in_2d, recursive=True)
    with tempfile.TemporaryDirectory() as folder:
        network.export(folder, format="tf_saved_model", verbose=False, input_signature=_signature(network))
        converter = tf.lite.TFLiteConverter.from_saved_model(folder)
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]  # files with others fail when loaded
        file.write_bytes(converter.convert())


def _load_litert(file):
    from ai_edge_litert.interpreter import Interpreter

    step = Interpreter(file).get_signature_runner()
    return lambda given: step(**given)


def _pooled_in_2d(layer):
    """Return the layer, or if it pools over (1, h, w), one that pools each frame over (h, w)."""
    kind = POOLING.get(type(layer))
    if kind is None or layer.pool_size[0] != 1 or layer.strides[0] != 1:
        return layer
    pool = kind(layer.pool_size[1:], layer.strides[1:], layer.padding)

    def pooled(x):
        maps = pool(ops.reshape(x, (-1, *x.shape[2:])))
        return ops.reshape(maps, (-1, x.shape[1], *maps.shape[1:]))

    return layers.Lambda(pooled, name=layer.name)
