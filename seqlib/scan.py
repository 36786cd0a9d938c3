"""A recorded film at once: the answers of a `seqlib.stream.Stream`, computed in batches."""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from . import arguments
from .backend import keras, takes_clips, takes_lengths, tf
from .stream_steps import family_of, padding_of

__all__ = ["scan"]

AT_ONCE = 256  # clips


def scan(model: keras.Model, frames: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Answer about the last T frames, at every frame of a film that has T - 1 before it.

    What a model computes of each frame by itself is computed once, and not again for each of the T windows that show
    the frame. A 3D CNN with ``padding="valid"`` computes its maps once, too. Other models read each window anew.

    Parameters
    ----------
    model : keras.Model
        Clips (B, T, H, W, C), uint8, to (B, K): logits, or anything else that is said of a clip; or to (B, T, K), of
        which the last is taken.
    frames : uint8 array (N, H, W, C)

    Returns
    -------
    float32 array (N - T + 1, K)
        The first is about frames 0 to T - 1.

    Raises
    ------
    TypeError
        If ``model`` is not a functional or sequential model, or ``frames`` not a uint8 array.
    ValueError
        If ``model`` takes lengths, or ``frames`` are fewer than T or have another shape than it takes.

    Examples
    --------
    >>> import seqlib
    >>> x, _ = seqlib.clips("direction", n=2)
    >>> scan(seqlib.models.average_pooling(4), x.reshape(32, 32, 32, 1)).shape
    (17, 4)
    """
    model = takes_clips(model)
    if takes_lengths(model):
        raise ValueError("model must take clips alone, not (clips, lengths): build it with lengths=False")
    frames = arguments.clip_array("frames", frames, rank=4)
    length = model.inputs[0].shape[1]
    arguments.same_shape("frames", frames.shape[1:], model.inputs[0].shape[2:])
    arguments.integer(f"the number of frames, of which the model takes {length},", len(frames), length)
    split = _split(model)
    if split is None:
        answers = _compute(model, _windows(frames, length))
        return answers[:, -1] if answers.ndim == 3 else answers
    by_instant, by_clip = split
    instants = by_clip.input.shape[1]
    starts = np.append(np.arange(0, len(frames) - length, instants), len(frames) - length)
    computed = _compute(by_instant, _windows(frames, length)[starts])
    features = np.empty((len(frames) - length + instants, computed.shape[-1]), np.float32)
    for start, part in zip(starts, computed, strict=True):
        features[start : start + instants] = part
    return _compute(by_clip, _windows(features, instants))


def _split(model):
    """Split a model in two, if it can be: clips to features of each instant, (B, instants, F), and these to answers."""
    family = family_of(model)
    if len(model.output.shape) == 3 or family in (None, "conv_lstm"):
        return None
    if family in ("conv3d", "conv2plus1d"):
        if padding_of(model) != "valid":
            return None
        largest = keras.ops.max(model.get_layer("conv3").output, axis=(2, 3))
        instants = keras.Input(largest.shape[1:])
        rest = keras.Model(model.get_layer("global_max").output, model.output)
        return keras.Model(model.input, largest), keras.Model(
            instants, rest(keras.layers.GlobalMaxPooling1D()(instants))
        )
    features = model.get_layer("features").output
    return keras.Model(model.input, features), keras.Model(features, model.output)


def _windows(frames, length):
    """View every run of so many frames, (N - length + 1, length, ...)."""
    return np.moveaxis(sliding_window_view(frames, length, axis=0), -1, 1)


def _compute(model, clips):
    """Compute a model's outputs in batches."""
    signature = tf.TensorSpec(model.inputs[0].shape, model.inputs[0].dtype)
    answer = tf.function(lambda clips: model(clips, training=False), input_signature=[signature])
    return np.concatenate([answer(clips[i : i + AT_ONCE]).numpy() for i in range(0, len(clips), AT_ONCE)])
