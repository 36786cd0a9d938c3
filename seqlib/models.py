"""The families: one readable function each, returning a plain, uncompiled `keras.Model` that ends in logits.

Every model takes clips (B, T, H, W, C) as uint8 and rescales them in its first layer, so that the background is 0.
Keras takes pixels on any other scale without a word, and answers wrongly; `training` and `measure` refuse them.
"""

from __future__ import annotations

import numpy as np

from . import arguments
from .backend import keras
from .rendering import BACKGROUND
from .tasks import Task

__all__ = [
    "CELLS",
    "Shape",
    "attention_pooling",
    "average_pooling",
    "cnn_rnn",
    "conv2plus1d",
    "conv3d",
    "conv_lstm",
    "early_fusion",
    "max_pooling",
    "single_frame",
]

layers, ops = keras.layers, keras.ops

Shape = tuple[int, int, int, int]
"""The shape of a clip, (T, H, W, C)."""

CELLS = {"simple": layers.SimpleRNN, "gru": layers.GRU, "lstm": layers.LSTM}


def single_frame(
    task: Task | int,
    clip_shape: Shape = (16, 32, 32, 1),
    seed: int = 0,
    *,
    width: float = 1,
    lengths: bool = False,
) -> keras.Model:
    """Build a 2D CNN that reads one frame of the clip, frame T // 2, and never sees another.

    Parameters
    ----------
    task : Task or int
        A task, or a number of classes, at least 2.
    clip_shape : (int, int, int, int)
        (T, H, W, C); H and W are at least 8.
    seed : int
        Seeds the initial weights, and all that is random in Keras afterwards; from 0 to 2**32 - 1.
    width : float
        Multiplies the filters and units of each layer but the last, rounded, 1 at least; from 1/16 to 16.
    lengths : bool
        Whether clips are of different length, padded to T frames: the model then takes the pair (clips, lengths), the
        second int32 (B,) from 1 to T, and answers as if nothing came after a clip's end.

    Returns
    -------
    keras.Model
        Clips (B, T, H, W, C), uint8, to logits (B, classes), float32; not compiled.

    Raises
    ------
    TypeError
        If an argument has another type: a task's name, a length or a seed that is not an integer.
    ValueError
        If a value is not among those above: fewer than 2 classes, frames smaller than 8 x 8, a negative seed.

    Examples
    --------
    >>> single_frame(4).output_shape
    (None, 4)
    """
    inputs, x, classes, present, wide = _begin(task, clip_shape, seed, width, lengths)
    x = x[:, clip_shape[0] // 2] if present is None else _frame(x, inputs[1] // 2)
    return keras.Model(inputs, _image_network(x, classes, wide), name="single_frame")


def early_fusion(
    task: Task | int,
    clip_shape: Shape = (16, 32, 32, 1),
    seed: int = 0,
    *,
    width: float = 1,
    lengths: bool = False,
) -> keras.Model:
    """Build a 2D CNN that reads all frames at once, stacked as channels: each frame has filters of its own.

    Parameters
    ----------
    task : Task or int
        A task, or a number of classes, at least 2.
    clip_shape : (int, int, int, int)
        (T, H, W, C); H and W are at least 8.
    seed : int
        Seeds the initial weights, and all that is random in Keras afterwards; from 0 to 2**32 - 1.
    width : float
        Multiplies the filters and units of each layer but the last, rounded, 1 at least; from 1/16 to 16.
    lengths : bool
        Refused: its first convolution has weights for exactly T frames, so there is no model of a shorter clip.

    Returns
    -------
    keras.Model
        Clips (B, T, H, W, C), uint8, to logits (B, classes), float32; not compiled.

    Raises
    ------
    TypeError
        If an argument has another type: a task's name, a length or a seed that is not an integer.
    ValueError
        If a value is not among those above: fewer than 2 classes, frames smaller than 8 x 8, a negative seed.

    Examples
    --------
    >>> early_fusion(4).get_layer("stack").output.shape
    (None, 32, 32, 16)
    """
    if arguments.flag("lengths", lengths):
        raise ValueError(
            "lengths must be False for early fusion, not True: its first convolution has weights for exactly T frames, "
            "so it cannot leave out padded ones; bring all clips to one length, or choose another family"
        )
    inputs, x, classes, _, wide = _begin(task, clip_shape, seed, width)
    frames, height, width, channels = clip_shape
    x = layers.Permute((2, 3, 1, 4), name="time_last")(x)
    x = layers.Reshape((height, width, frames * channels), name="stack")(x)
    return keras.Model(inputs, _image_network(x, classes, wide), name="early_fusion")


def average_pooling(
    task: Task | int,
    clip_shape: Shape = (16, 32, 32, 1),
    seed: int = 0,
    *,
    width: float = 1,
    lengths: bool = False,
) -> keras.Model:
    """Build a 2D CNN for every frame by itself, and average the frames' features over time.

    Parameters
    ----------
    task : Task or int
        A task, or a number of classes, at least 2.
    clip_shape : (int, int, int, int)
        (T, H, W, C); H and W are at least 8.
    seed : int
        Seeds the initial weights, and all that is random in Keras afterwards; from 0 to 2**32 - 1.
    width : float
        Multiplies the filters and units of each layer but the last, rounded, 1 at least; from 1/16 to 16.
    lengths : bool
        Whether clips are of different length, padded to T frames: the model then takes the pair (clips, lengths), the
        second int32 (B,) from 1 to T, and answers as if nothing came after a clip's end.

    Returns
    -------
    keras.Model
        Clips (B, T, H, W, C), uint8, to logits (B, classes), float32; not compiled.

    Raises
    ------
    TypeError
        If an argument has another type: a task's name, a length or a seed that is not an integer.
    ValueError
        If a value is not among those above: fewer than 2 classes, frames smaller than 8 x 8, a negative seed.

    Examples
    --------
    >>> model = average_pooling(4)
    >>> model.get_layer("features").output.shape, model.get_layer("average").output.shape
    ((None, 16, 256), (None, 256))
    """
    inputs, x, classes, present, wide = _begin(task, clip_shape, seed, width, lengths)
    x = _frame_features(x, wide)
    x = _masked(layers.GlobalAveragePooling1D(name="average"), present, x)
    return keras.Model(inputs, _head(x, classes, wide), name="average_pooling")


def max_pooling(
    task: Task | int,
    clip_shape: Shape = (16, 32, 32, 1),
    seed: int = 0,
    *,
    width: float = 1,
    lengths: bool = False,
) -> keras.Model:
    """Build a 2D CNN for every frame by itself, and keep the largest of each feature over time.

    Parameters
    ----------
    task : Task or int
        A task, or a number of classes, at least 2.
    clip_shape : (int, int, int, int)
        (T, H, W, C); H and W are at least 8.
    seed : int
        Seeds the initial weights, and all that is random in Keras afterwards; from 0 to 2**32 - 1.
    width : float
        Multiplies the filters and units of each layer but the last, rounded, 1 at least; from 1/16 to 16.
    lengths : bool
        Whether clips are of different length, padded to T frames: the model then takes the pair (clips, lengths), the
        second int32 (B,) from 1 to T, and answers as if nothing came after a clip's end.

    Returns
    -------
    keras.Model
        Clips (B, T, H, W, C), uint8, to logits (B, classes), float32; not compiled.

    Raises
    ------
    TypeError
        If an argument has another type: a task's name, a length or a seed that is not an integer.
    ValueError
        If a value is not among those above: fewer than 2 classes, frames smaller than 8 x 8, a negative seed.

    Examples
    --------
    >>> max_pooling(4).get_layer("maximum").output.shape
    (None, 256)
    """
    inputs, x, classes, present, wide = _begin(task, clip_shape, seed, width, lengths)
    x = _frame_features(x, wide)
    x = layers.GlobalMaxPooling1D(name="maximum")(_only(present, x))
    return keras.Model(inputs, _head(x, classes, wide), name="max_pooling")


def attention_pooling(
    task: Task | int,
    clip_shape: Shape = (16, 32, 32, 1),
    seed: int = 0,
    *,
    width: float = 1,
    positions: bool = False,
    lengths: bool = False,
) -> keras.Model:
    """Build a 2D CNN for every frame by itself, and average the frames' features with weights that it learns.

    Parameters
    ----------
    task : Task or int
        A task, or a number of classes, at least 2.
    clip_shape : (int, int, int, int)
        (T, H, W, C); H and W are at least 8.
    seed : int
        Seeds the initial weights, and all that is random in Keras afterwards; from 0 to 2**32 - 1.
    width : float
        Multiplies the filters and units of each layer but the last, rounded, 1 at least; from 1/16 to 16.
    positions : bool
        Whether each frame's features carry its number, as a one-hot vector of length T.
    lengths : bool
        Whether clips are of different length, padded to T frames: the model then takes the pair (clips, lengths), the
        second int32 (B,) from 1 to T, and answers as if nothing came after a clip's end.

    Returns
    -------
    keras.Model
        Clips (B, T, H, W, C), uint8, to logits (B, classes), float32; not compiled.

    Raises
    ------
    TypeError
        If an argument has another type: a task's name, a length or a seed that is not an integer.
    ValueError
        If a value is not among those above: fewer than 2 classes, frames smaller than 8 x 8, a negative seed.

    Examples
    --------
    >>> attention_pooling(4).get_layer("weights").output.shape
    (None, 16, 1)
    >>> attention_pooling(4, positions=True).get_layer("attention").output.shape
    (None, 272)
    """
    inputs, x, classes, present, wide = _begin(task, clip_shape, seed, width, lengths)
    x = _frame_features(x, wide)
    if arguments.flag("positions", positions):
        frames = clip_shape[0]
        number = ops.ones_like(x[:, :, :1]) * np.eye(frames, dtype="float32")
        x = layers.Concatenate(name="with_positions")([x, number])
    score = layers.Dense(wide(32), activation="tanh", name="query")(x)
    score = layers.Dense(1, name="score")(score)
    weights = _masked(layers.Softmax(axis=1, name="weights"), _along(present, score), score)
    x = layers.Dot(axes=1, name="sum")([weights, x])
    x = layers.Flatten(name="attention")(x)
    return keras.Model(inputs, _head(x, classes, wide), name="attention_pooling")


def conv3d(
    task: Task | int,
    clip_shape: Shape = (16, 32, 32, 1),
    seed: int = 0,
    *,
    width: float = 1,
    padding: str = "same",
    lengths: bool = False,
    every_frame: bool = False,
) -> keras.Model:
    """Build a 3D CNN: two convolutions see three frames each, so that a unit of the last layer sees five.

    Parameters
    ----------
    task : Task or int
        A task, or a number of classes, at least 2.
    clip_shape : (int, int, int, int)
        (T, H, W, C); H and W are at least 8.
    seed : int
        Seeds the initial weights, and all that is random in Keras afterwards; from 0 to 2**32 - 1.
    width : float
        Multiplies the filters and units of each layer but the last, rounded, 1 at least; from 1/16 to 16.
    padding : {"same", "causal", "valid"}
        What the kernels see beyond the clip's ends in time: zeros at both; zeros before the first frame alone, so that
        no map depends on a later frame; or nothing, so that T must be 5 at least, and a clip has T - 4 maps.
    lengths : bool
        Whether clips are of different length, padded to T frames: the model then takes the pair (clips, lengths), the
        second int32 (B,) from 1 to T, and answers as if nothing came after a clip's end.
    every_frame : bool
        Whether the model answers at every frame about the frames up to that one, with logits (B, T, classes); it takes
        ``padding="causal"``.

    Returns
    -------
    keras.Model
        Clips (B, T, H, W, C), uint8, to logits (B, classes), float32; not compiled.

    Raises
    ------
    TypeError
        If an argument has another type: a task's name, a length or a seed that is not an integer.
    ValueError
        If a value is not among those above: fewer than 2 classes, frames smaller than 8 x 8, a negative seed; if
        there are fewer than 5 frames, or lengths, with ``padding="valid"``; if there is to be an answer at every frame
        with another padding than "causal".

    Examples
    --------
    >>> from seqlib.measure import receptive_field
    >>> receptive_field(conv3d(4), "conv3")
    (5, 15, 15)
    """
    inputs, x, classes, present, wide = _begin(task, clip_shape, seed, width, lengths)
    _pads(padding, clip_shape, lengths, every_frame)
    x = _only(present, x)
    x = _over_time(x, wide(16), (3, 3, 3), (1, 2, 2), padding, name="conv1")
    x = _only(present, x)
    x = _over_time(x, wide(32), (3, 3, 3), (1, 2, 2), padding, name="conv2")
    x = layers.Conv3D(wide(32), (1, 3, 3), (1, 2, 2), padding="same", activation="relu", name="conv3")(x)
    x = _only(present, x)
    x = _largest_so_far(x) if every_frame else layers.GlobalMaxPooling3D(name="global_max")(x)
    return keras.Model(inputs, _head(x, classes, wide), name="conv3d")


def conv2plus1d(
    task: Task | int,
    clip_shape: Shape = (16, 32, 32, 1),
    seed: int = 0,
    *,
    width: float = 1,
    padding: str = "same",
    lengths: bool = False,
    every_frame: bool = False,
) -> keras.Model:
    """Build the 3D CNN with each 3 x 3 x 3 convolution split in two, one in space and one in time.

    Parameters
    ----------
    task : Task or int
        A task, or a number of classes, at least 2.
    clip_shape : (int, int, int, int)
        (T, H, W, C); H and W are at least 8.
    seed : int
        Seeds the initial weights, and all that is random in Keras afterwards; from 0 to 2**32 - 1.
    width : float
        Multiplies the filters and units of each layer but the last, rounded, 1 at least; from 1/16 to 16.
    padding : {"same", "causal", "valid"}
        What the kernels see beyond the clip's ends in time: zeros at both; zeros before the first frame alone, so that
        no map depends on a later frame; or nothing, so that T must be 5 at least, and a clip has T - 4 maps.
    lengths : bool
        Whether clips are of different length, padded to T frames: the model then takes the pair (clips, lengths), the
        second int32 (B,) from 1 to T, and answers as if nothing came after a clip's end.
    every_frame : bool
        Whether the model answers at every frame about the frames up to that one, with logits (B, T, classes); it takes
        ``padding="causal"``.

    Returns
    -------
    keras.Model
        Clips (B, T, H, W, C), uint8, to logits (B, classes), float32; not compiled.

    Raises
    ------
    TypeError
        If an argument has another type: a task's name, a length or a seed that is not an integer.
    ValueError
        If a value is not among those above: fewer than 2 classes, frames smaller than 8 x 8, a negative seed; if
        there are fewer than 5 frames, or lengths, with ``padding="valid"``; if there is to be an answer at every frame
        with another padding than "causal".

    Examples
    --------
    >>> from seqlib.measure import receptive_field
    >>> receptive_field(conv2plus1d(4), "conv3")
    (5, 15, 15)
    """
    inputs, x, classes, present, wide = _begin(task, clip_shape, seed, width, lengths)
    _pads(padding, clip_shape, lengths, every_frame)
    x = layers.Conv3D(wide(16), (1, 3, 3), (1, 2, 2), padding="same", activation="relu", name="space1")(x)
    x = _only(present, x)
    x = _over_time(x, wide(16), (3, 1, 1), (1, 1, 1), padding, name="time1")
    x = layers.Conv3D(wide(32), (1, 3, 3), (1, 2, 2), padding="same", activation="relu", name="space2")(x)
    x = _only(present, x)
    x = _over_time(x, wide(32), (3, 1, 1), (1, 1, 1), padding, name="time2")
    x = layers.Conv3D(wide(32), (1, 3, 3), (1, 2, 2), padding="same", activation="relu", name="conv3")(x)
    x = _only(present, x)
    x = _largest_so_far(x) if every_frame else layers.GlobalMaxPooling3D(name="global_max")(x)
    return keras.Model(inputs, _head(x, classes, wide), name="conv2plus1d")


def cnn_rnn(
    task: Task | int,
    clip_shape: Shape = (16, 32, 32, 1),
    seed: int = 0,
    *,
    width: float = 1,
    cell: str = "gru",
    features: str = "flat",
    lengths: bool = False,
    every_frame: bool = False,
) -> keras.Model:
    """Build a 2D CNN for every frame by itself, and a recurrent layer that reads the frames' features in order.

    Parameters
    ----------
    task : Task or int
        A task, or a number of classes, at least 2.
    clip_shape : (int, int, int, int)
        (T, H, W, C); H and W are at least 8.
    seed : int
        Seeds the initial weights, and all that is random in Keras afterwards; from 0 to 2**32 - 1.
    width : float
        Multiplies the filters and units of each layer but the last, rounded, 1 at least; from 1/16 to 16.
    cell : {"simple", "gru", "lstm"}
        The recurrent layer's cell, with 32 units.
    features : {"flat", "pooled"}
        What is kept of a frame's feature map: all of it, or each channel's average over space.
    lengths : bool
        Whether clips are of different length, padded to T frames: the model then takes the pair (clips, lengths), the
        second int32 (B,) from 1 to T, and answers as if nothing came after a clip's end.
    every_frame : bool
        Whether the model answers at every frame about the frames up to that one, with logits (B, T, classes).

    Returns
    -------
    keras.Model
        Clips (B, T, H, W, C), uint8, to logits (B, classes), float32; not compiled.

    Raises
    ------
    TypeError
        If an argument has another type: a task's name, a length or a seed that is not an integer.
    ValueError
        If a value is not among those above: fewer than 2 classes, frames smaller than 8 x 8, a negative seed.

    Examples
    --------
    >>> cnn_rnn(4, cell="lstm", features="pooled").get_layer("features").output.shape
    (None, 16, 16)
    >>> cnn_rnn(4, every_frame=True).output_shape
    (None, 16, 4)
    """
    inputs, x, classes, present, wide = _begin(task, clip_shape, seed, width, lengths)
    arguments.choice("features", features, ("flat", "pooled"))
    recurrent = CELLS[arguments.choice("cell", cell, CELLS)]
    sequences = arguments.flag("every_frame", every_frame)
    x = _frame_features(x, wide, pooled=features == "pooled")
    x = _masked(recurrent(wide(32), return_sequences=sequences, name=cell), present, x)
    return keras.Model(inputs, _head(x, classes, wide), name="cnn_rnn")


def conv_lstm(
    task: Task | int,
    clip_shape: Shape = (16, 32, 32, 1),
    seed: int = 0,
    *,
    width: float = 1,
    lengths: bool = False,
    every_frame: bool = False,
) -> keras.Model:
    """Build a CNN whose last convolution is an LSTM: its state is a feature map, updated frame by frame.

    Parameters
    ----------
    task : Task or int
        A task, or a number of classes, at least 2.
    clip_shape : (int, int, int, int)
        (T, H, W, C); H and W are at least 8.
    seed : int
        Seeds the initial weights, and all that is random in Keras afterwards; from 0 to 2**32 - 1.
    width : float
        Multiplies the filters and units of each layer but the last, rounded, 1 at least; from 1/16 to 16.
    lengths : bool
        Whether clips are of different length, padded to T frames: the model then takes the pair (clips, lengths), the
        second int32 (B,) from 1 to T, and answers as if nothing came after a clip's end.
    every_frame : bool
        Whether the model answers at every frame about the frames up to that one, with logits (B, T, classes).

    Returns
    -------
    keras.Model
        Clips (B, T, H, W, C), uint8, to logits (B, classes), float32; not compiled.

    Raises
    ------
    TypeError
        If an argument has another type: a task's name, a length or a seed that is not an integer.
    ValueError
        If a value is not among those above: fewer than 2 classes, frames smaller than 8 x 8, a negative seed.

    Examples
    --------
    >>> conv_lstm(4).get_layer("conv_lstm").output.shape
    (None, 8, 8, 16)
    """
    inputs, x, classes, present, wide = _begin(task, clip_shape, seed, width, lengths)
    x = layers.Conv3D(wide(8), (1, 3, 3), (1, 2, 2), padding="same", activation="relu", name="conv1")(x)
    x = layers.Conv3D(wide(16), (1, 3, 3), (1, 2, 2), padding="same", activation="relu", name="conv2")(x)
    sequences = arguments.flag("every_frame", every_frame)
    layer = layers.ConvLSTM2D(wide(16), 3, padding="same", return_sequences=sequences, name="conv_lstm")
    x = _masked(layer, _along(present, x), x)
    x = _largest_in_space(_only(present, x)) if every_frame else layers.GlobalMaxPooling2D(name="global_max")(x)
    return keras.Model(inputs, _head(x, classes, wide), name="conv_lstm")


def _image_network(x, classes, wide):
    """Apply the 2D CNN of `single_frame` and `early_fusion`: images (B, H, W, C) to logits (B, classes)."""
    x = layers.Conv2D(wide(16), 3, padding="same", activation="relu", name="conv1")(x)
    x = layers.MaxPooling2D(name="pool1")(x)
    x = layers.Conv2D(wide(32), 3, padding="same", activation="relu", name="conv2")(x)
    x = layers.MaxPooling2D(name="pool2")(x)
    x = layers.Conv2D(wide(64), 3, padding="same", activation="relu", name="conv3")(x)
    x = layers.GlobalMaxPooling2D(name="global_max")(x)
    return _head(x, classes, wide)


def _frame_features(x, wide, pooled=False):
    """Apply one 2D CNN to every frame by itself: clips (B, T, H, W, C) to features (B, T, F).

    A kernel one frame deep is a 2D convolution of each frame.
    """
    x = layers.Conv3D(wide(16), (1, 3, 3), (1, 2, 2), padding="same", activation="relu", name="conv1")(x)
    x = layers.Conv3D(wide(32), (1, 3, 3), (1, 2, 2), padding="same", activation="relu", name="conv2")(x)
    x = layers.Conv3D(wide(16), (1, 3, 3), padding="same", activation="relu", name="conv3")(x)
    x = layers.MaxPooling3D((1, 2, 2), name="pool")(x)
    if pooled:
        x = layers.AveragePooling3D((1, *x.shape[2:4]), name="over_space")(x)
    return layers.Reshape((x.shape[1], -1), name="features")(x)


def _largest_in_space(x):
    """Keep the largest number of each map of each frame: (B, T, H, W, F) to (B, T, F)."""
    x = layers.MaxPooling3D((1, *x.shape[2:4]), name="global_max")(x)
    return layers.Reshape((x.shape[1], x.shape[-1]))(x)


def _largest_so_far(x):
    """Keep the largest number of each map of all frames up to each one: (B, T, H, W, F), after ReLU, to (B, T, F)."""
    x = _largest_in_space(x)
    frames = x.shape[1]
    x = layers.ZeroPadding1D((frames - 1, 0), name="so_far_pad")(x)
    return layers.MaxPooling1D(frames, 1, name="so_far")(x)


def _pads(padding, clip_shape, lengths, every_frame):
    """Check how a 3D CNN pads in time."""
    arguments.choice("padding", padding, ("same", "causal", "valid"))
    if arguments.flag("every_frame", every_frame) and padding != "causal":
        raise ValueError(
            f"padding must be 'causal' for an answer at every frame, not {padding!r}: otherwise the answer depends on "
            "two later frames"
        )
    if padding != "valid":
        return
    arguments.integer("clip_shape[0], with padding='valid',", clip_shape[0], 5)
    if lengths:
        raise ValueError(
            "lengths must be False with padding='valid', not True: a clip of fewer than five frames has no map; take "
            "padding='causal'"
        )


def _over_time(x, filters, kernel, strides, padding, name):
    """Convolve over time, and space; ``padding`` is of time, and in space it is always as with ``same``."""
    if padding == "same":
        return layers.Conv3D(filters, kernel, strides, padding="same", activation="relu", name=name)(x)
    before = kernel[0] - 1 if padding == "causal" else 0
    in_space = (_same_pads(*axis) for axis in zip(x.shape[2:4], kernel[1:], strides[1:], strict=True))
    x = layers.ZeroPadding3D(((before, 0), *in_space), name=f"{name}_pad")(x)
    return layers.Conv3D(filters, kernel, strides, activation="relu", name=name)(x)


def _same_pads(size, kernel, stride):
    """How many zeros stand before and after an axis with ``same``: the output has ceil(size / stride) places."""
    zeros = max((-(-size // stride) - 1) * stride + kernel - size, 0)
    return zeros // 2, zeros - zeros // 2


def _head(x, classes, wide):
    """Turn features (B, F) into logits (B, classes), or those at every frame, (B, T, F), into (B, T, classes)."""
    x = layers.Dense(wide(64), activation="relu", name="dense")(x)
    return layers.Dense(classes, name="logits")(x)


def _begin(task, clip_shape, seed, width, lengths=False):
    """Check what every family is given, and seed Keras.

    Returns the model's inputs, the rescaled clips, the number of classes, with ``lengths`` which frames are present, a
    bool tensor (B, T), else None, and a function that multiplies a number of filters or units by ``width``.
    """
    classes, clip_shape = _classes(task), _clip_shape(clip_shape)
    width = arguments.number("width", width, 1 / 16, 16)
    keras.utils.set_random_seed(arguments.integer("seed", seed, 0, 2**32 - 1))
    clip = keras.Input(clip_shape, name="clip")
    x = layers.Rescaling(1 / BACKGROUND, offset=-1, name="rescaling")(clip)

    def wide(number):
        return max(1, round(number * width))

    if not arguments.flag("lengths", lengths):
        return clip, x, classes, None, wide
    length = keras.Input((1,), dtype="int32", name="lengths")
    return (clip, length), x, classes, length > np.arange(clip_shape[0]), wide


def _along(present, x):
    """Give ``present`` (B, T) as many axes as ``x`` (B, T, ...) has; None stays None."""
    return None if present is None else layers.Reshape((x.shape[1], *(1 for _ in x.shape[2:])))(present)


def _masked(layer, present, x):
    """Call a layer that knows masks on ``x`` (B, T, ...); it passes over the frames that are not present."""
    return layer(x) if present is None else layer(x, mask=present)


def _only(present, x):
    """Set ``x`` (B, T, ...) to 0 where no frame is present.

    To a convolution that is what lies beyond the clip's end, and to a maximum of features after ReLU it is nothing.
    """
    return x if present is None else ops.where(_along(present, x), x, 0.0)


def _frame(x, number):
    """Take one frame of each clip: (B, T, H, W, C) and numbers (B, 1) to (B, H, W, C)."""
    number = layers.Reshape((1, 1, 1, 1))(number)
    return layers.Reshape(x.shape[2:])(ops.take_along_axis(x, number, axis=1))


def _classes(task):
    if isinstance(task, Task):
        return len(task.classes)
    if isinstance(task, str):
        raise TypeError(
            f"task must be a Task, such as seqlib.TASKS['shape'], or an integer of at least 2, not {task!r}"
        )
    return arguments.integer("task", task, 2)


def _clip_shape(shape):
    if not isinstance(shape, (tuple, list)) or len(shape) != 4:
        raise ValueError(f"clip_shape must be four integers (T, H, W, C), not {shape!r}")
    least = (1, 8, 8, 1)  # height and width are halved three times
    return tuple(arguments.integer(f"clip_shape[{i}]", shape[i], least[i]) for i in range(4))
