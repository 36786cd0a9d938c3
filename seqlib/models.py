"""The families: one readable function each, returning a plain, uncompiled `keras.Model` that ends in logits.

Every model takes clips (B, T, H, W, C) as uint8 and rescales them in its first layer.
"""

from . import arguments
from .backend import keras
from .tasks import Task

layers = keras.layers


def single_frame(task, clip_shape=(16, 32, 32, 1), seed=0):
    """Build a 2D CNN that reads one frame of the clip, frame T // 2, and never sees another.

    Parameters
    ----------
    task : Task or int
        A task, or its number of classes.
    clip_shape : (int, int, int, int)
        (T, H, W, C).
    seed : int
        Seeds the initial weights (and, as Keras has it, everything that is random in Keras afterwards).

    Returns
    -------
    keras.Model
        Clips (B, T, H, W, C) to logits (B, classes), float32.

    Raises
    ------
    TypeError, ValueError
        Naming the argument, what was given and what is allowed.

    Examples
    --------
    >>> single_frame(4).output_shape
    (None, 4)
    """
    clip, classes = _input(task, clip_shape, seed)
    x = layers.Rescaling(1 / 255, name="rescaling")(clip)
    x = x[:, clip_shape[0] // 2]
    return keras.Model(clip, _image_network(x, classes), name="single_frame")


def early_fusion(task, clip_shape=(16, 32, 32, 1), seed=0):
    """Build a 2D CNN that reads all frames at once, stacked as channels: each frame has filters of its own.

    Parameters
    ----------
    task, clip_shape, seed
        As in `single_frame`.

    Returns
    -------
    keras.Model
        Clips (B, T, H, W, C) to logits (B, classes), float32.

    Raises
    ------
    TypeError, ValueError
        Naming the argument, what was given and what is allowed.

    Examples
    --------
    >>> early_fusion(4).get_layer("stack").output.shape
    (None, 32, 32, 16)
    """
    clip, classes = _input(task, clip_shape, seed)
    frames, height, width, channels = clip_shape
    x = layers.Rescaling(1 / 255, name="rescaling")(clip)
    x = layers.Permute((2, 3, 1, 4), name="time_last")(x)
    x = layers.Reshape((height, width, frames * channels), name="stack")(x)
    return keras.Model(clip, _image_network(x, classes), name="early_fusion")


def _image_network(x, classes):
    """Apply the 2D CNN that the families share: images (B, H, W, C) to logits (B, classes)."""
    x = layers.Conv2D(16, 3, padding="same", activation="relu", name="conv1")(x)
    x = layers.MaxPooling2D(name="pool1")(x)
    x = layers.Conv2D(32, 3, padding="same", activation="relu", name="conv2")(x)
    x = layers.MaxPooling2D(name="pool2")(x)
    x = layers.Conv2D(64, 3, padding="same", activation="relu", name="conv3")(x)
    x = layers.GlobalMaxPooling2D(name="global_max")(x)
    x = layers.Dense(64, activation="relu", name="dense")(x)
    return layers.Dense(classes, name="logits")(x)


def _input(task, clip_shape, seed):
    """Check what every family is given, seed Keras, and return the input and the number of classes."""
    classes, clip_shape = _classes(task), _clip_shape(clip_shape)
    keras.utils.set_random_seed(arguments.integer("seed", seed, 0, 2**32 - 1))
    return keras.Input(clip_shape, name="clip"), classes


def _classes(task):
    return len(task.classes) if isinstance(task, Task) else arguments.integer("task", task, 2)


def _clip_shape(shape):
    if not isinstance(shape, (tuple, list)) or len(shape) != 4:
        raise ValueError(f"clip_shape must be four integers (T, H, W, C), not {shape!r}")
    least = (1, 4, 4, 1)  # two poolings halve height and width twice
    return tuple(arguments.integer(f"clip_shape[{i}]", shape[i], least[i]) for i in range(4))
