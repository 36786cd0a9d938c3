"""Training: clips as a `tf.data.Dataset`, and one function that trains, shows progress and can be interrupted."""

from __future__ import annotations

import shutil
import sys
import time
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from . import arguments, tasks
from .backend import keras, tf
from .tasks import Task

__all__ = ["Dataset", "Run", "dataset", "fit"]


class Dataset(Protocol):
    """A `tf.data.Dataset` for type checkers, which do not know TensorFlow's: what it has and an array has not."""

    @property
    def element_spec(self) -> Any:
        """Shapes and types of what it serves."""


class Run(NamedTuple):
    """What `fit` returns.

    Attributes
    ----------
    history : dict of str to list of float
        ``loss`` and ``accuracy`` (and ``val_loss``, ``val_accuracy``) after each whole epoch.
    seconds : float
        Wall time, compilation included.
    interrupted : bool
        True if training was stopped by hand; the model keeps the weights it had then.
    """

    history: dict[str, list[float]]
    seconds: float
    interrupted: bool


def dataset(
    task: str | Task,
    n: int,
    seed: int = 0,
    *,
    batch: int = 32,
    start: int = 0,
    frames: int | None = None,
    resolution: int | None = None,
    size: int | tuple[int, int] | None = None,
    speed: float | tuple[float, float] | None = None,
    brightness: int | tuple[int, int] | None = None,
    noise: float | None = None,
    block: int | None = None,
    gap: int | None = None,
    onset: int | tuple[int, int] | None = None,
) -> tf.data.Dataset:
    """Draw clips and serve them in shuffled batches.

    Parameters
    ----------
    task : str or Task
        A key of `TASKS`, or a task of your own.
    n : int
        How many clips.
    seed, start : int
        As in `clips`.
    batch : int
        Clips in a batch, B.
    frames, resolution, size, speed, brightness, noise, block, gap, onset
        As in `clips`; an option that is None has the default named there.

    Returns
    -------
    tf.data.Dataset
        Of (x, y): uint8 (B, T, H, W, C) and int64 (B,), prefetched. Every pass is in another order; the orders
        depend on TensorFlow's global seed at the time of this call.

    Raises
    ------
    TypeError
        If ``batch`` is not an integer, or for an argument that `clips` refuses with one.
    ValueError
        If ``batch`` is less than 1, or for an argument that `clips` refuses with one.

    Examples
    --------
    >>> x, y = next(iter(dataset("shape", n=64, batch=8)))
    >>> x.shape, x.dtype
    (TensorShape([8, 16, 32, 32, 1]), tf.uint8)
    """
    batch = arguments.integer("batch", batch, 1)
    x, y = tasks.clips(
        task,
        n,
        seed,
        start=start,
        frames=frames,
        resolution=resolution,
        size=size,
        speed=speed,
        brightness=brightness,
        noise=noise,
        block=block,
        gap=gap,
        onset=onset,
    )
    return _batches(x, y, batch)


def _batches(x, y, batch=32, shuffle=True):
    served = tf.data.Dataset.from_tensor_slices((x, y))
    if shuffle:
        served = served.shuffle(len(x), seed=0, reshuffle_each_iteration=True)
    return served.batch(batch).prefetch(tf.data.AUTOTUNE)


def fit(
    model: keras.Model,
    train: tuple[NDArray[np.uint8], NDArray[np.integer]] | Dataset,
    validation: tuple[NDArray[np.uint8], NDArray[np.integer]] | Dataset | None = None,
    *,
    epochs: int = 10,
    learning_rate: float = 1e-3,
    seed: int = 0,
    stop_at: float | None = None,
) -> Run:
    """Train a model: Adam on the cross-entropy of its logits.

    Sets the seeds of Python, NumPy and TensorFlow and asks for deterministic operations: on one machine, with one
    number of threads, the same initial weights, clips and seed end in the same weights. (A Dataset brings an order of
    its own, and goes on with it in its next pass; for a repeat, make it anew.) Shows one line of progress. Interrupt
    it (Ctrl-C, or Jupyter's stop button) and it keeps what it has.

    Parameters
    ----------
    model : keras.Model
        From (B, T, H, W, C) to logits (B, classes). It is compiled here, and trained in place.
    train, validation : (x, y) or tf.data.Dataset
        As from `seqlib.clips` or `dataset`. A pair is served in batches of 32, in training shuffled.
    epochs : int
        At least 1.
    learning_rate : float
        From 0 to 1.
    seed : int
        From 0 to 2**32 - 1.
    stop_at : float, optional
        Stop after the first epoch whose validation accuracy, from 0 to 1, reaches this; it takes ``validation``.

    Returns
    -------
    Run
        ``history``, ``seconds``, ``interrupted``.

    Raises
    ------
    TypeError
        If ``train`` or ``validation`` is neither a pair nor a Dataset of pairs, such as ``x`` alone; if clips are not
        uint8 or labels not integers; if another argument is not of its type.
    ValueError
        If clips do not have the shape that the model takes; if labels are not one for each clip, or not below the
        number of classes; if ``stop_at`` is given without ``validation``; if a number is out of its range.

    Examples
    --------
    >>> import seqlib
    >>> model = seqlib.models.single_frame(seqlib.TASKS["shape"])
    >>> run = fit(model, seqlib.clips("shape", n=32), epochs=2)
    single_frame: 2 epochs, ... s, loss ..., accuracy ...%
    >>> len(run.history["loss"])
    2
    """
    epochs = arguments.integer("epochs", epochs, 1)
    learning_rate = arguments.number("learning_rate", learning_rate, 0, 1)
    seed = arguments.integer("seed", seed, 0, 2**32 - 1)
    keras.utils.set_random_seed(seed)  # before the clips are shuffled
    tf.config.experimental.enable_op_determinism()
    if stop_at is not None:
        stop_at = arguments.number("stop_at", stop_at, 0, 1)
        if validation is None:
            raise ValueError(f"validation must be given where stop_at is, {stop_at:g}")
    progress = _Progress(model.name, epochs, stop_at)
    began = time.perf_counter()
    interrupted = False
    try:
        train = _served("train", train, model, shuffle=True)
        validation = None if validation is None else _served("validation", validation, model, shuffle=False)
        model.compile(
            keras.optimizers.Adam(learning_rate),
            keras.losses.SparseCategoricalCrossentropy(from_logits=True),
            metrics=[keras.metrics.SparseCategoricalAccuracy("accuracy")],
            jit_compile=False,  # XLA is no faster on these small models, and slow to compile
        )
        model.optimizer.build(model.trainable_variables)  # a step that has to make variables is traced twice
        model.fit(train, validation_data=validation, epochs=epochs, shuffle=False, verbose=0, callbacks=[progress])
    except KeyboardInterrupt:
        interrupted = True
    seconds = time.perf_counter() - began
    progress.end(seconds, interrupted)
    return Run(progress.history, seconds, interrupted)


def _served(name, data, model, shuffle):
    """Return ``data`` as a Dataset, or say what is wrong with it before an epoch is spent on it."""
    if isinstance(data, tf.data.Dataset):
        spec = data.element_spec
        if not (isinstance(spec, tuple) and [type(part) for part in spec] == [tf.TensorSpec, tf.TensorSpec]):
            raise TypeError(f"{name} must be a dataset of (x, y), not of {spec}")
        x, y = spec
        if not y.dtype.is_integer:
            raise TypeError(f"{name} must hold integer labels, not {y.dtype.name}")
        if x.dtype != tf.uint8:
            raise TypeError(f"{name} must hold uint8 clips, not {x.dtype.name}: pass uint8; the model rescales")
        arguments.same_shape(name, tuple(x.shape[1:]), model.input_shape[1:])
        return data
    if not isinstance(data, (tuple, list)) or len(data) != 2:
        raise TypeError(f"{name} must be a pair (x, y) or a tf.data.Dataset, not {type(data).__name__}")
    x, y = data
    arguments.clip_array(f"{name}[0]", x)
    arguments.same_shape(f"{name}[0]", x.shape[1:], model.input_shape[1:])
    arguments.labels(f"{name}[1]", y, x.shape[:1], model.output_shape[-1])
    return _batches(x, y, shuffle=shuffle)


class _Progress(keras.callbacks.Callback):
    """Keeps the history, and one line that says how far training is."""

    def __init__(self, name, epochs, stop_at):
        super().__init__()
        self.name, self.epochs, self.stop_at, self.history, self.line = name, epochs, stop_at, {}, _Line()
        self.shown = 0.0

    def on_train_batch_end(self, batch, logs=None):
        if time.perf_counter() - self.shown > 0.5:
            self.shown = time.perf_counter()
            steps = self.params["steps"]
            done = len(self.history.get("loss", ())) + (0 if steps is None else (batch + 1) / steps)
            bar = ("#" * round(20 * done / self.epochs)).ljust(20, ".")
            self.line.show(
                f"{self.name} [{bar}] epoch {min(int(done) + 1, self.epochs)} of {self.epochs}, {_scores(logs)}"
            )

    def on_epoch_end(self, epoch, logs=None):
        for key, value in logs.items():
            self.history.setdefault(key, []).append(float(value))
        if self.stop_at is not None and logs["val_accuracy"] >= self.stop_at:
            self.model.stop_training = True

    def end(self, seconds, interrupted):
        done = len(self.history.get("loss", ()))
        epochs = (
            f"interrupted after {done} of {self.epochs} epochs" if interrupted else f"{done} epoch{'s' * (done > 1)}"
        )
        last = {key: values[-1] for key, values in self.history.items()}
        self.line.end(f"{self.name}: {epochs}, {seconds:.1f} s" + (f", {_scores(last)}" if last else ""))


def _scores(logs):
    named = (("loss", ".3f"), ("accuracy", ".1%"), ("val_accuracy", ".1%"))
    return ", ".join(f"{key.replace('val_', 'validation ')} {logs[key]:{form}}" for key, form in named if key in logs)


class _Line:
    """One line that is rewritten in place: in a notebook, in a terminal; elsewhere only its end is printed."""

    def __init__(self):
        self.handle, self.width = None, 0
        shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
        self.notebook = getattr(shell, "kernel", None) is not None

    def show(self, text):
        if self.notebook:
            from IPython.display import display

            data = {"text/plain": text}
            if self.handle is None:
                self.handle = display(data, raw=True, display_id=True)
            else:
                self.handle.update(data, raw=True)
        elif sys.stdout.isatty():
            text = text[: shutil.get_terminal_size().columns - 1]  # a line that wraps could not be rewritten
            print("\r" + text.ljust(self.width), end="", flush=True)
            self.width = len(text)

    def end(self, text):
        self.show(text)
        if not self.notebook:
            print() if sys.stdout.isatty() else print(text)
