"""Keras and TensorFlow, set up alike on every machine, without the log lines that TensorFlow writes past Python.

Numbers are float32 and are multiplied as such, on a GPU too: no mixed precision, no TensorFloat-32. Channels are the
last axis, whatever a machine's keras.json says. And the one place where models are checked.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # set it to 0 to read the log all the same
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")  # on many CPUs it is off, and training slower


def _import_quietly():
    if os.environ["TF_CPP_MIN_LOG_LEVEL"] != "3":
        import tensorflow

        return
    kept = os.dup(2)
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 2)
    try:
        import tensorflow  # noqa: F401
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(silence)


_import_quietly()

import keras  # noqa: E402
import tensorflow as tf  # noqa: E402

keras.config.set_floatx("float32")
keras.config.set_dtype_policy("float32")
keras.config.set_image_data_format("channels_last")
tf.config.experimental.enable_tensor_float_32_execution(False)


def _uses_onednn():
    """Ask TensorFlow, not the environment: it may have been imported before this module, with other settings."""
    try:
        from tensorflow.python.util._pywrap_util_port import IsMklEnabled
    except ImportError:  # a later TensorFlow: promise less
        return False
    return IsMklEnabled()


# With oneDNN, on x86 processors, TensorFlow sums alike at every place and instant; its other kernels do not.
SUMS_ALIKE = _uses_onednn() and platform.machine().lower() in ("x86_64", "amd64")

__all__ = [
    "SUMS_ALIKE",
    "before_softmax",
    "classifier",
    "ends_in",
    "keras",
    "rescales",
    "running_on",
    "takes_clips",
    "takes_lengths",
    "tf",
]

SQUASHING = ("softmax", "sigmoid")  # what turns scores of any size into numbers from 0 to 1


def running_on() -> str:
    """Say in one line on what models are trained here, and with which versions; str.

    Examples
    --------
    >>> running_on()
    'Run on the CPU, ... cores; TensorFlow ..., Keras ...'
    """
    details = tf.config.experimental.get_device_details
    gpus = [details(gpu).get("device_name", gpu.name) for gpu in tf.config.get_visible_devices("GPU")]
    place = f"the GPU {', '.join(gpus)}, answers counted on the CPU" if gpus else f"the CPU, {os.cpu_count()} cores"
    return f"Run on {place}; TensorFlow {tf.__version__}, Keras {keras.__version__}"


def takes_clips(model: Any, clip_shape: Sequence[int | None] | None = None) -> keras.Model:
    """Return ``model`` if it takes clips, or clips and lengths, or say why it cannot be used here.

    A `keras.Sequential` that does not know its input yet is built for clips of ``clip_shape``, if that is given.

    Raises
    ------
    TypeError
        If it is no model, or a class of its own, which does not say what it takes.
    ValueError
        If it has other inputs, or does not know its input.
    RuntimeError
        If Keras runs on another backend than TensorFlow.
    """
    if keras.config.backend() != "tensorflow":
        raise RuntimeError(
            f"training and measuring need Keras on TensorFlow, not on {keras.config.backend()}: "
            "start Python with KERAS_BACKEND=tensorflow"
        )
    if not isinstance(model, keras.Model):
        hint = ": call the function first, as in seqlib.models.conv3d(4)" if callable(model) else ""
        raise TypeError(f"model must be a keras.Model, not {type(model).__name__}{hint}")
    if isinstance(model, keras.Sequential) and not model.built:
        if clip_shape is None:
            raise ValueError("model must have a known input shape: begin it with keras.Input((T, H, W, C))")
        model.build((None, *clip_shape))
    if not hasattr(model, "inputs"):
        raise TypeError(
            f"model must be a functional or a Sequential model, not of the class {type(model).__name__}: "
            "give keras.Sequential([keras.Input((T, H, W, C)), model])"
        )
    if len(model.inputs) != 1 and not takes_lengths(model):
        names = ", ".join(repr(tensor.name) for tensor in model.inputs)
        raise ValueError(
            f"model must take clips alone, or (clips, lengths), not {len(model.inputs)} inputs: {names}; "
            'the input for lengths is keras.Input((1,), dtype="int32", name="lengths")'
        )
    return model


def takes_lengths(model: keras.Model) -> bool:
    """Tell whether a model has a second input for the clips' lengths, as the families have with ``lengths=True``."""
    if len(model.inputs) != 2:
        return False
    lengths = model.inputs[1]
    return lengths.name == "lengths" and lengths.shape in ((None,), (None, 1)) and "int" in lengths.dtype


def classifier(model: Any, clip_shape: Sequence[int | None] | None = None, *, every_frame: bool = False) -> keras.Model:
    """Return ``model`` if it gives clips one score per class, or say what it does instead; see `takes_clips`.

    With ``every_frame`` it may also give one score per class at every frame, (B, T, classes).

    Raises
    ------
    TypeError
        If its scores are not float32 or float64, or it is not a model that can be used here.
    ValueError
        If it has other inputs, several outputs, or its output is not one score for each of 2 classes or more.
    """
    model = takes_clips(model, clip_shape)
    if len(model.outputs) != 1:
        raise ValueError(
            f"model must have one output, not {len(model.outputs)}: "
            "for the first one, give keras.Model(model.inputs, model.outputs[0])"
        )
    (scores,) = model.outputs
    shape = tuple(scores.shape)
    at_frames = len(shape) == 3 and shape[1] == model.inputs[0].shape[1]
    if len(shape) != 2 and not (every_frame and at_frames):
        hint = "; if it is to answer at every frame, give labels (B, T) in training and measuring" if at_frames else ""
        raise ValueError(
            f"model must end in one score per class, shape (None, classes), not {shape}: "
            f"pool or flatten before the last layer, for example with keras.layers.Flatten(){hint}"
        )
    if shape[-1] is None or shape[-1] < 2:
        raise ValueError(
            f"model must end in one score per class, shape (None, classes) with at least 2 classes, not {shape}: "
            "a yes-no question has two classes, so end it in keras.layers.Dense(2)"
        )
    if scores.dtype not in ("float32", "float64"):
        raise TypeError(
            f"model must give scores in float32, not {scores.dtype}, which rounds too much to compare them: "
            'give its last layer dtype="float32"'
        )
    if not isinstance(model, keras.Sequential) and any(
        isinstance(m, (list, dict)) for m in (model.input, model.output)
    ):
        inputs = tuple(model.inputs) if takes_lengths(model) else model.inputs[0]
        return keras.Model(inputs, model.outputs[0], name=model.name)  # the same layers, without the wrapping
    return model


def ends_in(model: keras.Model) -> str | None:
    """Return "softmax" or "sigmoid" if a model's last step is one of them, else None."""
    step = _last(model, "operations")
    names = (type(step).__name__, getattr(getattr(step, "activation", None), "__name__", ""))
    return next((name.lower() for name in names if name.lower() in SQUASHING), None)


def _last(model, steps):
    """Return a model's last layer, or operation, and that of the model within it."""
    while isinstance(model, keras.Model) and model.layers:
        model = getattr(model, steps, model.layers)[-1]
    return model


def before_softmax(model: keras.Model) -> keras.Model:
    """Return a model without the softmax or sigmoid of its last layer, sharing all weights before that; or itself."""
    last = _last(model, "layers")
    if ends_in(model) is None or not (isinstance(last, keras.layers.Softmax) or hasattr(last, "activation")):
        return model
    if isinstance(last, keras.layers.Softmax):
        linear = keras.layers.Lambda(lambda scores: scores)
    else:
        linear = type(last).from_config(last.get_config() | {"activation": "linear"})
    bare = keras.models.clone_model(
        model, clone_function=lambda layer: linear if layer is last else layer, recursive=True
    )
    if not linear.built:  # it stands in a class of its own, which cannot be taken apart
        return model
    linear.set_weights(last.get_weights())
    return bare


def rescales(model: keras.Model) -> bool:
    """Tell whether a model has a layer that brings pixels to another scale."""
    kinds = (keras.layers.Rescaling, keras.layers.Normalization, keras.layers.BatchNormalization)
    return any(isinstance(layer, kinds) for layer in model._flatten_layers())
