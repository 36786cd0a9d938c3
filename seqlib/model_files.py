"""Models as files that hold data alone: layers as text, weights as arrays, and nothing that could run.

Keras' own files name the Python objects that loading them makes, so one from a stranger can run what its author likes.
Here a fixed list of layers is known, each with the settings that it may hold, and `load_model` builds them itself.
"""

from __future__ import annotations

import json
import math
import os
import re
import zipfile
from collections.abc import Iterable
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from .backend import keras, takes_lengths

__all__ = [
    "LARGEST_FILE",
    "LARGEST_OUTPUT",
    "LAYERS",
    "MOST_LAYERS",
    "OPERATIONS",
    "build",
    "describe",
    "load_model",
    "save_model",
]

MOST_LAYERS, LARGEST_FILE, LARGEST_OUTPUT = 200, 2**26, 2**24  # layers; bytes, unpacked; numbers in one layer's output

_CONVOLUTION = ("filters", "kernel_size", "strides", "padding", "dilation_rate", "groups", "activation", "use_bias")
_RECURRENT = ("units", "activation", "recurrent_activation", "use_bias", "return_sequences", "go_backwards")
_POOLING = ("pool_size", "strides", "padding")
_RANKS = ("1D", "2D", "3D")

LAYERS: dict[str, tuple[str, ...]] = {
    "InputLayer": ("shape", "dtype"),
    "Rescaling": ("scale", "offset"),
    "Dense": ("units", "activation", "use_bias"),
    "SimpleRNN": tuple(name for name in _RECURRENT if name != "recurrent_activation"),
    "GRU": (*_RECURRENT, "reset_after"),
    "LSTM": _RECURRENT,
    "ConvLSTM2D": tuple(name for name in (*_CONVOLUTION, *_RECURRENT) if name not in ("groups", "units")),
    "TimeDistributed": ("layer",),
    "Bidirectional": ("layer", "merge_mode"),
    "BatchNormalization": ("axis", "epsilon", "center", "scale"),
    "Dropout": ("rate",),
    "Activation": ("activation",),
    "ReLU": (),
    "Softmax": ("axis",),
    "Flatten": (),
    "Reshape": ("target_shape",),
    "Permute": ("dims",),
    "RepeatVector": ("n",),
    "Concatenate": ("axis",),
    "Dot": ("axes", "normalize"),
    **dict.fromkeys(("Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum"), ()),
    **{f"Conv{rank}": _CONVOLUTION for rank in _RANKS},
    **{f"{kind}Pooling{rank}": _POOLING for kind in ("Max", "Average") for rank in _RANKS},
    **{f"Global{kind}Pooling{rank}": ("keepdims",) for kind in ("Max", "Average") for rank in _RANKS},
    **{f"ZeroPadding{rank}": ("padding",) for rank in _RANKS},
    **{f"Cropping{rank}": ("cropping",) for rank in _RANKS},
}
"""The layers that a file may hold, and the settings that it may hold of each."""

OPERATIONS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("get_item", "ones_like", "multiply", "greater", "floor_divide", "where"), ()),
    "take_along_axis": ("axis",),
}
"""The functions of `keras.ops` (and ``x[...]``) that a file may hold, with their settings: what the families need."""


def save_model(model: keras.Model, path: str | os.PathLike[str]) -> None:
    """Write a model to a file that `load_model` reads: its layers as text, its weights as arrays, no code.

    Parameters
    ----------
    model : keras.Model
        Functional or sequential; takes clips, or clips and lengths; has one output; made of the layers in
        ``seqlib.model_files.LAYERS`` and the operations in ``OPERATIONS``, each used once. All families are.
    path : str or Path
        Ends in ``.npz``.

    Raises
    ------
    ValueError
        If ``path`` does not end in ``.npz``; if the model has other inputs, several outputs, uses a layer twice, or
        holds one that is not in `LAYERS`, or is too large: what `load_model` would refuse. Keras' own files hold any
        model, ``model.save("model.keras")``; read such a file only if you trust whoever wrote it.

    Examples
    --------
    >>> import tempfile, seqlib
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_model(seqlib.models.conv3d(4), f"{folder}/model.npz")
    ...     again = load_model(f"{folder}/model.npz")
    >>> again.count_params() == seqlib.models.conv3d(4).count_params()
    True
    """
    if not str(path).endswith(".npz"):
        raise ValueError(f"path must end in .npz, not {path}")
    layers = describe(model)
    weights = {f"weights_{i}": array for i, array in enumerate(model.get_weights())}
    build(layers, weights.values())  # what cannot be read is not written
    np.savez_compressed(path, layers=np.frombuffer(json.dumps(layers).encode(), np.uint8), **weights)


def load_model(file: str | os.PathLike[str] | BinaryIO) -> keras.Model:
    """Read a model from a file that `save_model` wrote, be it from somebody you do not trust.

    Parameters
    ----------
    file : str, Path or binary file
        What `save_model` wrote.

    Returns
    -------
    keras.Model

    Raises
    ------
    ValueError
        If there is no such file, or `save_model` has not written it.
    """
    try:
        with zipfile.ZipFile(file) as archive:
            if sum(member.file_size for member in archive.infolist()) > LARGEST_FILE:
                raise ValueError(f"file must hold at most {LARGEST_FILE:,} bytes")
        with np.load(file, allow_pickle=False) as arrays:
            layers = json.loads(bytes(arrays["layers"]))
            weights = [arrays[f"weights_{i}"] for i in range(len(arrays.files) - 1)]
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, RecursionError) as error:
        raise ValueError(f"file must be one that save_model wrote, and this one cannot be read: {error}") from None
    return build(layers, weights)


def describe(model: keras.Model) -> list[dict[str, Any]]:
    """List a model's layers, in an order in which they can be built, as what JSON can hold.

    Raises
    ------
    ValueError
        If the model has other inputs than clips, or clips and lengths, or several outputs; if it uses a layer twice,
        or holds one that is not in `LAYERS` or `OPERATIONS`.
    """
    if len(model.outputs) != 1 or not (len(model.inputs) == 1 or takes_lengths(model)):
        raise ValueError(f"model must take clips, or (clips, lengths), and have one output{_ELSE}")
    config = keras.Model(model.inputs, model.outputs).get_config()
    layers = []
    for layer in config["layers"]:
        calls = layer["inbound_nodes"]
        if len(calls) > 1:
            raise ValueError(
                f"model must use each layer once, but it uses {layer['config']['name']!r} {len(calls)} times{_ELSE}"
            )
        described = _described(_kind(layer), layer["config"]) | {"name": layer["config"]["name"], "inputs": []}
        for call in calls:
            given = dict(call["kwargs"])
            mask = given.pop("mask", None)
            inputs = _written(call["args"] or [given.pop(next(iter(given)))])  # the first argument, by whatever name
            described["inputs"] = inputs[0] if isinstance(inputs[0], list) else inputs
            if mask:
                described["mask"] = _written(mask)
            other = [argument for argument, value in given.items() if not isinstance(value, (bool, type(None)))]
            if other:
                raise ValueError(f"model must call {described['name']!r} without {', '.join(other)}{_ELSE}")
        layers.append(described)
    names = [tensor.name for tensor in model.inputs]
    ends = [*names, *(layer["name"] for layer in layers if layer["name"] not in names)]
    ends.append(ends.pop(ends.index(model.outputs[0]._keras_history.operation.name)))
    return sorted(layers, key=lambda layer: ends.index(layer["name"]))  # inputs first, the output last


_ELSE = '; save any other model with Keras itself, model.save("model.keras")'


def _kind(layer):
    """Name a layer by its class, and an operation, whose class may have the name of a layer's, by its function."""
    kind = layer["class_name"]
    is_operation = (layer["module"] or "").startswith("keras.src.ops")
    return re.sub("(?<=[a-z])(?=[A-Z])", "_", kind).lower() if is_operation else kind


def _described(kind, config):
    if kind == "InputLayer":
        return {"class": kind, "settings": {"shape": config["batch_shape"][1:], "dtype": config["dtype"]}}
    if kind not in LAYERS | OPERATIONS:
        raise ValueError(
            "model must consist of the layers in seqlib.model_files.LAYERS and the operations in OPERATIONS, but "
            f"{config.get('name')!r} is a {kind}{_ELSE}"
        )
    settings = {name: config[name] for name in (LAYERS | OPERATIONS)[kind] if name in config}
    if "layer" in settings:
        settings["layer"] = _described(settings["layer"]["class_name"], settings["layer"]["config"])
    return {"class": kind, "settings": settings}


def _written(argument):
    """Turn what Keras says of an argument of a call into what a file says; `_argument` turns it back."""
    if isinstance(argument, (list, tuple)):
        return [_written(part) for part in argument]
    if not isinstance(argument, dict):
        return argument
    config = argument["config"]
    if argument["class_name"] == "__keras_tensor__":
        return config["keras_history"][0]
    if argument["class_name"] == "__slice__":
        return {"slice": [config["start"], config["stop"], config["step"]]}
    if argument["class_name"] == "__numpy__":
        return {"array": config["value"], "dtype": config["dtype"]}
    raise ValueError(f"model must be called on tensors and numbers, not on a {argument['class_name']}{_ELSE}")


def _argument(written, outputs):
    """Turn what a file says of an argument of a call into it: an output, a slice, an array, a number, or a list."""
    if isinstance(written, str):
        return outputs[written]
    if isinstance(written, list):
        return [_argument(part, outputs) for part in written]
    if not isinstance(written, dict):
        return _plain(written)
    if "slice" in written:
        return slice(*map(_plain, written["slice"]))
    if written["dtype"] not in ("int32", "int64", "float32"):
        raise ValueError(f"an array must be of int32, int64 or float32, not {written['dtype']!r:.80}")
    return np.array(written["array"], written["dtype"])


def build(layers: list[dict[str, Any]], weights: Iterable[NDArray[np.float32]]) -> keras.Model:
    """Build a model from what `describe` returns, and give it its weights; whoever made them up.

    Raises
    ------
    ValueError
        If a layer or a setting is not in `LAYERS`, if layers or weights do not fit together, or if there are too many.
    """
    if not isinstance(layers, list) or not 2 <= len(layers) <= MOST_LAYERS:
        raise ValueError(f"layers must be a list of 2 to {MOST_LAYERS}")
    outputs: dict[str, Any] = {}
    inputs: list[Any] = []
    try:
        for layer in layers:
            name, mask = layer["name"], _argument(layer.get("mask"), outputs)
            if not re.fullmatch(r"\w{1,64}", name) or name in outputs:
                raise ValueError(f"a layer's name must be one word, and its own, not {name!r:.80}")
            if layer["class"] == "InputLayer":
                outputs[name] = _input(name, **layer["settings"])
                inputs.append(outputs[name])
            else:
                arguments = _argument(layer["inputs"], outputs)
                if layer["class"] in LAYERS and len(arguments) > 1:
                    arguments = [arguments]  # a layer takes several inputs as one list
                outputs[name] = _call(layer, name)(*arguments, **({} if mask is None else {"mask": mask}))
            if math.prod(length or 1 for length in outputs[name].shape) > LARGEST_OUTPUT:
                raise ValueError(f"layer {name!r} has more than {LARGEST_OUTPUT:,} outputs")
        model = keras.Model(inputs[0] if len(inputs) == 1 else tuple(inputs), outputs[name])
        weights = [np.asarray(array) for array in weights]
        if not all(array.dtype == np.float32 and np.isfinite(array).all() for array in weights):
            raise ValueError("weights must be finite float32 numbers")
        model.set_weights(weights)
    except (KeyError, IndexError, TypeError, AttributeError, NameError, OverflowError, RecursionError) as error:
        raise ValueError(f"layers do not make a model: {type(error).__name__}: {error}") from None
    return model


def _input(name, shape, dtype="float32"):
    if dtype not in ("float32", "int32"):
        raise ValueError(f"dtype must be float32 or int32, not {dtype!r:.80}")
    return keras.Input([_whole(length) for length in shape], name=name, dtype=dtype)


def _call(description, name):
    """Make one layer or operation from its class and settings; what is returned can be called."""
    kind, settings = description["class"], description["settings"]
    if kind == "get_item":
        return lambda x, key: x[tuple(key)]
    if kind in OPERATIONS and set(settings) <= set(OPERATIONS[kind]):
        plain = {key: _plain(value) for key, value in settings.items()}
        return lambda *arguments: getattr(keras.ops, kind)(*arguments, **plain)
    return _layer(description, name)


def _layer(description, name=None):
    """Make one layer from its class and settings."""
    kind, settings = description["class"], dict(description["settings"])
    if kind not in LAYERS or kind == "InputLayer" or not set(settings) <= set(LAYERS[kind]):
        raise ValueError(
            f"layer must be one of seqlib.model_files.LAYERS, with the settings named there, not {kind!r:.80}"
        )
    for setting, value in settings.items():
        settings[setting] = _layer(value) if setting == "layer" else _plain(value)
    return getattr(keras.layers, kind)(**settings, **({"name": name} if name else {}))


def _plain(value):
    """Return a setting that is a number, a word, or a list of such, or say that it is not."""
    if isinstance(value, (list, tuple)) and len(value) <= 8:
        return tuple(map(_plain, value))
    if value is None or isinstance(value, bool) or (isinstance(value, str) and re.fullmatch(r"\w{1,32}", value)):
        return value
    if isinstance(value, (int, float)) and abs(value) <= 2**16:  # NaN is not
        return value
    raise ValueError(f"a setting must be a number of at most {2**16:,}, a word or a list of these, not {value!r:.80}")


def _whole(length):
    if isinstance(length, bool) or not isinstance(length, int) or not 1 <= length <= 4096:
        raise ValueError(f"shape must be integers from 1 to 4096, not {length!r:.80}")
    return length
