"""One frame at a time, as Keras models: a frame and what is kept of the frames before it, to logits and what is kept.

Each is made of the layers of the model that it steps through, so it has that model's weights, later changes included.
Sums over many frames are compensated (Kahan, 1965, "Further remarks on reducing truncation errors"): a plain float32
sum drifts by some 1e-5 of itself in 100,000 frames.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .backend import classifier, keras, takes_lengths
from .models import CELLS

__all__ = ["OVER_TIME", "SINCE_RESET", "Step", "family_of", "last_frames", "padding_of", "since_reset"]

layers, ops = keras.layers, keras.ops

PER_FRAME = ("rescaling", "conv1", "conv2", "conv3", "pool", "over_space")  # of pooling families and CNN + RNN
OVER_TIME = {  # what a 3D CNN does before its first convolution over time, that one, and so on
    "conv3d": (("rescaling",), "conv1", (), "conv2", ("conv3",)),
    "conv2plus1d": (("rescaling", "space1"), "time1", ("space2",), "time2", ("conv3",)),
}
LOWEST = -1e30  # what is less than any feature and any score


class Step(NamedTuple):
    """A model that takes one frame, and what to begin with.

    Examples
    --------
    >>> from seqlib import models
    >>> step = since_reset(models.max_pooling(4))
    >>> {name: value.shape for name, value in step.start.items()}, step.frames
    ({'largest': (1, 256)}, 1)
    >>> sorted(step.network.input), sorted(step.network.output)
    (['frame', 'largest'], ['logits', 'next_largest'])
    """

    network: keras.Model
    """``frame`` (B, H, W, C), uint8, and arrays as in ``start``, to ``logits`` (B, classes) and ``next_`` arrays."""
    start: dict[str, NDArray[Any]]
    """What is kept when no frame has come yet; the first axis is that of B, and has length 1."""
    frames: int
    """With how many frames the logits become an answer."""


def since_reset(model: keras.Model) -> Step:
    """Make the step whose logits are the model's for all frames since the start, however many there were.

    Parameters
    ----------
    model : keras.Model
        One of `SINCE_RESET`; a 3D CNN with ``padding="causal"``, attention without positions.

    Returns
    -------
    Step

    Raises
    ------
    TypeError
        If ``model`` is not a functional or sequential model.
    ValueError
        If it is none of these.
    """
    family = family_of(model := classifier(model, every_frame=True))
    if family not in SINCE_RESET:
        raise ValueError(
            f"model must be one of {', '.join(SINCE_RESET)} to answer for all frames since a reset, "
            f"not {model.name!r}; let it answer for its last T frames: seqlib.stream.Stream(model)"
        )
    return SINCE_RESET[family](model)


def last_frames(model: keras.Model) -> Step:
    """Make the step whose logits, once T frames have come, are the model's for exactly the last T.

    Of a CNN for every frame, the features of T - 1 frames are kept, and pooled anew or read anew by the RNN. (A sum to
    which the newest is added and from which the oldest is subtracted drifts.) Of a 3D CNN with ``padding="valid"``, the
    largest of each map at each instant is kept. Of any other model, T - 1 frames are: the maps of a padded one at a
    window's ends are not those of a longer film.

    Parameters
    ----------
    model : keras.Model
        Clips (B, T, H, W, C), uint8, alone or with lengths, to logits; of known T, H, W and C. If it answers at every
        frame, the step gives the answer at the last one.

    Returns
    -------
    Step

    Raises
    ------
    TypeError
        If ``model`` is not a functional or sequential model.
    ValueError
        If it has other inputs or outputs, or takes clips of any length or size.
    """
    model = classifier(model, every_frame=True)
    if None in model.inputs[0].shape[1:]:
        raise ValueError(f"model must say T, H, W and C, not take clips of shape {model.inputs[0].shape[1:]}")
    family = family_of(model)
    if family in OVER_TIME and padding_of(model) == "valid":
        return _window_of_maxima(model)
    if family in SINCE_RESET and family not in OVER_TIME:
        return _window_of_features(model, "conv2" if family == "conv_lstm" else "features")
    return _window_of_frames(model)


def family_of(model: keras.Model) -> str | None:
    """Name a model's family by its layers, whatever the model is called; None if it is built otherwise.

    What is not a layer, such as a difference of frames, has no name: beside what lengths and positions need, there may
    be none.
    """
    frame = ("rescaling", "conv1", "conv2", "conv3", "pool", "features")
    known = {
        "average_pooling": (*frame, "average"),
        "max_pooling": (*frame, "maximum"),
        "attention_pooling": (*frame, "query", "score", "weights", "sum", "attention"),
        "conv3d": ("rescaling", "conv1", "conv2", "conv3", "global_max"),
        "conv2plus1d": ("rescaling", "space1", "time1", "space2", "time2", "conv3", "global_max"),
        "cnn_rnn": (*frame, "recurrent"),
        "conv_lstm": ("rescaling", "conv1", "conv2", "conv_lstm", "global_max"),
    }
    optional = (
        *("over_space", "with_positions", "conv1_pad", "conv2_pad", "time1_pad", "time2_pad"),
        *("so_far_pad", "so_far"),  # of an answer at every frame
    )
    names = [
        "recurrent" if isinstance(layer, layers.RNN) and layer.name in CELLS else layer.name
        for layer in model.layers
        if not isinstance(layer, (layers.InputLayer, layers.Reshape)) or layer.name == "features"
    ]
    needed = {"Greater", "Where"} if takes_lengths(model) else set()
    if "with_positions" in names:
        needed |= {"GetItem", "OnesLike", "Multiply"}
    operations = getattr(model, "operations", model.layers)  # of a sequential model all are layers
    other = {type(operation).__name__ for operation in operations if operation not in model.layers}
    rest = tuple(name for name in names if name not in optional)
    for family, begin in known.items():
        if rest == (*begin, "dense", "logits") and other <= needed and _one_frame_deep(model, family):
            return family
    return None


def _one_frame_deep(model, family):
    """Tell whether no kernel spans several frames, and no stride skips any, but a 3D CNN's own kernels."""
    over_time = OVER_TIME.get(family, ())[1::2]
    convolutions = [layer for layer in model.layers if isinstance(layer, layers.Conv3D)]
    return all(
        layer.kernel_size[0] == (3 if layer.name in over_time else 1) and layer.strides[0] == 1
        for layer in convolutions
    )


class _Builder:
    """Collects what a step takes and gives."""

    def __init__(self, model):
        self.model = model
        self.frame = keras.Input(model.inputs[0].shape[2:], dtype="uint8", name="frame")
        self.inputs, self.outputs, self.start = {"frame": self.frame}, {}, {}

    def kept(self, name, shape, start=0, dtype="float32"):
        """Take what was kept under this name, (B, *shape)."""
        self.start[name] = np.full((1, *shape), start, dtype)
        self.inputs[name] = keras.Input(shape, dtype=dtype, name=name)
        return self.inputs[name]

    def keep(self, name, value):
        """Give this to the next step, under the same name."""
        self.outputs[f"next_{name}"] = value

    def joined(self, name, newest, count, start=0):
        """Keep the last ``count`` of what comes under this name; return them and the newest, (B, count + 1, ...)."""
        before = self.kept(name, (count, *newest.shape[1:]), start, newest.dtype)
        after = layers.Concatenate(axis=1)([before, layers.Reshape((1, *newest.shape[1:]))(newest)])
        self.keep(name, after[:, 1:])
        return after

    def summed(self, name, value, scale=None):
        """Add to the sum of this name, which is multiplied by ``scale`` before; return it."""
        total, lost = self.kept(name, value.shape[1:]), self.kept(f"{name}_lost", value.shape[1:])
        if scale is not None:
            total, lost = total * scale, lost * scale
        added = value - lost
        after = total + added
        self.keep(name, after)
        self.keep(f"{name}_lost", (after - total) - added)
        return after

    def layer(self, name):
        return self.model.get_layer(name)

    def per_frame(self, x, names):
        """Apply those of these layers that the model has; they treat every frame alike."""
        for layer in self.model.layers:
            if layer.name in names:
                x = layer(x)
        return x

    def as_clip(self):
        return layers.Reshape((1, *self.frame.shape[1:]))(ops.cast(self.frame, "float32"))

    def features(self):
        """Compute the features of this frame, (B, F)."""
        return layers.Flatten()(self.per_frame(self.as_clip(), PER_FRAME))

    def rest(self, name, x, frames):
        """Apply what comes after a layer in the model to that layer's output, whose ``frames`` are all present."""
        begin, end = self.layer(name).output, self.model.output
        if not takes_lengths(self.model):
            return keras.Model(begin, end)(x)
        return keras.Model([begin, self.model.inputs[1]], end)([x, _all_present(x, frames)])

    def logits(self, x):
        """Turn the features of the clip so far, (B, F), into logits."""
        return self.per_frame(x, ("dense", "logits"))

    def step(self, logits, frames=1):
        if len(logits.shape) == 3:  # at every frame: this one's are the last
            logits = logits[:, -1]
        return Step(keras.Model(self.inputs, {"logits": logits, **self.outputs}), self.start, frames)


def _all_present(x, frames):
    """Make lengths (B, 1) that say that each clip has all of its frames."""
    return ops.full_like(ops.cast(layers.Flatten()(x)[:, :1], "int32"), frames)


def _average(model):
    build = _Builder(model)
    total = build.summed("sum", build.features())
    count = build.kept("count", (1,), dtype="int32") + 1
    build.keep("count", count)
    return build.step(build.logits(total / ops.cast(count, "float32")))


def _maximum(model):
    build = _Builder(model)
    features = build.features()
    largest = ops.maximum(build.kept("largest", features.shape[1:], LOWEST), features)
    build.keep("largest", largest)
    return build.step(build.logits(largest))


def _attention(model):
    """Compute a softmax over all frames from running sums, scaled to the largest score so far."""
    build = _Builder(model)
    features = build.features()
    if build.layer("query").kernel.shape[0] != features.shape[1]:
        raise ValueError(
            "model must be attention without positions to answer for all frames since a reset: it has weights for "
            "exactly T positions; let it answer for its last T frames: seqlib.stream.Stream(model)"
        )
    score = build.layer("score")(build.layer("query")(features))
    before = build.kept("largest_score", (1,), LOWEST)
    largest = ops.maximum(before, score)
    build.keep("largest_score", largest)
    weight, scale = ops.exp(score - largest), ops.exp(before - largest)
    weighted = build.summed("weighted_sum", weight * features, scale)
    weights = build.summed("sum_of_weights", weight, scale)
    return build.step(build.logits(weighted / weights))


def _recurrent(model):
    build = _Builder(model)
    return _with_state(
        build, build.features(), next(layer.name for layer in model.layers if isinstance(layer, layers.RNN))
    )


def _conv_lstm(model):
    build = _Builder(model)
    maps = build.per_frame(build.as_clip(), PER_FRAME)
    return _with_state(build, layers.Reshape(maps.shape[2:])(maps), "conv_lstm")


def _with_state(build, x, name):
    """Let a recurrent layer's cell read one frame more."""
    layer = build.layer(name)
    shape = (*x.shape[1:-1], layer.filters if name == "conv_lstm" else layer.units)
    names = ("state", "cell_state") if name in ("lstm", "conv_lstm") else ("state",)
    output, after = layer.cell(x, [build.kept(kept, shape) for kept in names])
    for kept, state in zip(names, after, strict=True):
        build.keep(kept, state)
    if name == "conv_lstm":
        output = layers.GlobalMaxPooling2D()(output)
    return build.step(build.logits(output))


def _causal(model):
    if (padding := padding_of(model)) != "causal":
        raise ValueError(
            f'model must have padding="causal" to answer for all frames since a reset, not {padding!r}: its maps '
            "depend on the next two frames; build it so, or let it answer for its last T frames: "
            "seqlib.stream.Stream(model)"
        )
    build = _Builder(model)
    newest = _newest_maximum(build)
    largest = ops.maximum(build.kept("largest", newest.shape[1:], LOWEST), newest)
    build.keep("largest", largest)
    return build.step(build.logits(largest))


def _window_of_maxima(model):
    build = _Builder(model)
    frames = model.inputs[0].shape[1]
    maxima = build.joined("maxima_before", _newest_maximum(build), frames - 5)
    return build.step(build.logits(layers.GlobalMaxPooling1D()(maxima)), frames)


def _newest_maximum(build):
    """Compute the largest number of each of the last maps of a 3D CNN that looks back alone, (B, F)."""
    first, *rest = OVER_TIME[family_of(build.model)]
    x = build.per_frame(build.as_clip(), first)
    for over_time, per_frame in zip(rest[::2], rest[1::2], strict=True):
        x = build.joined(f"before_{over_time}", layers.Reshape(x.shape[2:])(x), 2)
        in_space = build.layer(f"{over_time}_pad").padding[1:]
        x = build.layer(over_time)(layers.ZeroPadding3D(((0, 0), *in_space))(x))
        x = build.per_frame(x, per_frame)
    return layers.GlobalMaxPooling3D()(x)


def _window_of_features(model, last):
    build = _Builder(model)
    frames = model.inputs[0].shape[1]
    x = build.per_frame(build.as_clip(), PER_FRAME)
    x = layers.Flatten()(x) if last == "features" else layers.Reshape(x.shape[2:])(x)
    return build.step(build.rest(last, build.joined("features_before", x, frames - 1), frames), frames)


def _window_of_frames(model):
    build = _Builder(model)
    frames = model.inputs[0].shape[1]
    clip = ops.cast(build.joined("frames_before", build.frame, frames - 1), "float32")
    return build.step(model([clip, _all_present(clip, frames)] if takes_lengths(model) else clip), frames)


def padding_of(model: keras.Model) -> str:
    """How a 3D CNN of the course pads in time."""
    pads = [layer for layer in model.layers if layer.name in ("conv1_pad", "time1_pad")]
    if not pads:
        return "same"
    return "causal" if pads[0].padding[0][0] else "valid"


SINCE_RESET = {
    "average_pooling": _average,
    "max_pooling": _maximum,
    "attention_pooling": _attention,
    "conv3d": _causal,
    "conv2plus1d": _causal,
    "cnn_rnn": _recurrent,
    "conv_lstm": _conv_lstm,
}
"""The families that can answer for all frames since a reset."""
