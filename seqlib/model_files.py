"""Models as files that hold data alone: layers as text, weights as arrays, and nothing that could run.

Keras' own files name the Python objects that loading them makes, so one from a stranger can run what its author likes.
Here a fixed list of layers is known, each with the settings that may be told, and `load_model` builds them itself.
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

from .backend import keras

__all__ = [
    "LARGEST_FILE",
    "LARGEST_OUTPUT",
    "LAYERS",
    "MOST_LAYERS",
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
    "InputLayer": ("shape",),
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


def save_model(model: keras.Model, path: str | os.PathLike[str]) -> None:
    """Write a model to a file that `load_model` reads: its layers as text, its weights as arrays, no code.

    Parameters
    ----------
    model : keras.Model
        Functional or sequential, with one input and one output, made of the layers in
        ``seqlib.model_files.LAYERS``, each used once.
    path : str or Path
        Ends in ``.npz``.

    Raises
    ------
    ValueError
        If ``path`` does not end in ``.npz``; if the model has several inputs or outputs, uses a layer twice, or holds
        one that is not in `LAYERS`, or is too large: what `load_model` would refuse.

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
        raise ValueError(f"file must be one that save_model wrote: {error}") from None
    return build(layers, weights)


def describe(model: keras.Model) -> list[dict[str, Any]]:
    """List a model's layers, in an order in which they can be built, as what JSON can hold.

    Raises
    ------
    ValueError
        If the model has several inputs or outputs, uses a layer twice, or holds one that is not in `LAYERS`.
    """
    if len(model.inputs) != 1 or len(model.outputs) != 1:
        raise ValueError("model must have one input and one output")
    config = keras.Model(model.inputs, model.outputs).get_config()
    layers = []
    for one in config["layers"]:
        calls = one["inbound_nodes"]
        if len(calls) > 1:
            raise ValueError(f"model must use each layer once, and uses {one['config']['name']!r} {len(calls)} times")
        described = _described(one["class_name"], one["config"])
        layers.append(described | {"name": one["config"]["name"], "inputs": list(_sources(calls))})
    output = np.ravel(np.array(config["output_layers"], object))[0]
    return sorted(
        layers, key=lambda layer: layer["name"] == output
    )  # the last is the output; the rest stay as they are


def _described(kind, config):
    if kind == "InputLayer":
        return {"class": kind, "settings": {"shape": config["batch_shape"][1:]}}
    if kind not in LAYERS:
        raise ValueError(
            f"model must be made of the layers in seqlib.model_files.LAYERS, and {config.get('name')!r} is a {kind}"
        )
    settings = {name: config[name] for name in LAYERS[kind] if name in config}
    if "layer" in settings:
        settings["layer"] = _described(settings["layer"]["class_name"], settings["layer"]["config"])
    return {"class": kind, "settings": settings}


def _sources(calls):
    """Yield the names of the layers whose outputs a layer is called on."""
    for part in calls if isinstance(calls, (list, tuple)) else calls.values() if isinstance(calls, dict) else ():
        if isinstance(part, dict) and "keras_history" in part:
            yield part["keras_history"][0]
        else:
            yield from _sources(part)


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
    try:
        for layer in layers:
            name, inputs = layer["name"], [outputs[source] for source in layer["inputs"]]
            if not re.fullmatch(r"\w{1,64}", name) or name in outputs:
                raise ValueError(f"a layer's name must be one word, and its own, not {name!r:.80}")
            if layer["class"] == "InputLayer":
                first = keras.Input([_whole(length) for length in layer["settings"]["shape"]], name=name)
                outputs[name] = first
            else:
                outputs[name] = _layer(layer, name)(inputs if len(inputs) > 1 else inputs[0])
            if math.prod(length or 1 for length in outputs[name].shape) > LARGEST_OUTPUT:
                raise ValueError(f"layer {name!r} has more than {LARGEST_OUTPUT:,} outputs")
        model = keras.Model(first, outputs[name])
        weights = [np.asarray(array) for array in weights]
        if not all(array.dtype == np.float32 and np.isfinite(array).all() for array in weights):
            raise ValueError("weights must be finite float32 numbers")
        model.set_weights(weights)
    except (KeyError, IndexError, TypeError, AttributeError, NameError, OverflowError, RecursionError) as error:
        raise ValueError(f"layers do not make a model: {type(error).__name__}: {error}") from None
    return model


def _layer(one, name=None):
    """Make one layer from its class and settings."""
    kind, settings = one["class"], dict(one["settings"])
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
