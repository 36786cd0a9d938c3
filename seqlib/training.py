"""Training: clips as a `tf.data.Dataset`, and one function that trains, shows progress and can be interrupted."""

from __future__ import annotations

import inspect
import time
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from . import arguments, tasks
from .arguments import ModelInput
from .backend import classifier, ends_in, keras, rescales, takes_lengths, tf
from .progress import Line
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
        ``loss`` and ``accuracy`` (and ``val_loss``, ``val_accuracy``) after each whole epoch; empty lists if training
        was stopped before the first one's end.
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
        served = served.shuffle(len(y), seed=0, reshuffle_each_iteration=True)
    return served.batch(batch).prefetch(tf.data.AUTOTUNE)


def fit(
    model: keras.Model,
    train: tuple[ModelInput, NDArray[np.integer]] | Dataset,
    validation: tuple[ModelInput, NDArray[np.integer]] | Dataset | None = None,
    *,
    epochs: int = 10,
    learning_rate: float = 1e-3,
    seed: int = 0,
    stop_at: float | None = None,
    batch: int = 32,
) -> Run:
    """Train a model: Adam on the cross-entropy of its logits.

    A model that answers at every frame is trained on labels for every frame; those after a clip's end do not count.

    Sets the seeds of Python, NumPy and TensorFlow. On one CPU, with one number of threads, the same initial weights,
    clips and seed end in the same weights, bit for bit. A GPU sums in whatever order is quickest; where you need the
    repeat there, too, call ``tf.config.experimental.enable_op_determinism()`` first. It holds for the whole process,
    and `fit` leaves it as it is. A Dataset brings an order of its own and goes on with it in its next pass: for a
    repeat, make it anew.

    Shows one line of progress. Interrupt it (Ctrl-C, or Jupyter's stop button) and it keeps what it has.

    Parameters
    ----------
    model : keras.Model
        From (B, T, H, W, C) to logits, or to the probabilities of a softmax, (B, classes), or (B, T, classes) with an
        answer at every frame. It is compiled here, and trained in place. A `keras.Sequential` without an Input is built
        for these clips.
    train, validation : (x, y) or tf.data.Dataset
        As from `seqlib.clips` or `dataset`; of a model with lengths, ((clips, lengths), y); of a model that answers at
        every frame, y is (n, T). A pair is served in batches, in training shuffled.
    epochs : int
        At least 1.
    learning_rate : float
        From 0 to 1.
    seed : int
        From 0 to 2**32 - 1.
    stop_at : float, optional
        Stop after the first epoch whose validation accuracy, from 0 to 1, reaches this; it takes ``validation``.
    batch : int
        How many clips of a pair are served at a time, at least 1; a Dataset has batches of its own.

    Returns
    -------
    Run
        ``history``, ``seconds``, ``interrupted``.

    Raises
    ------
    TypeError
        If ``model`` is not a functional or sequential model that answers in float32; if ``train`` or ``validation`` is
        neither a pair nor a Dataset of pairs, such as ``x`` alone; if clips are not uint8 or labels not integers; if
        another argument is not of its type.
    ValueError
        If ``model`` does not take clips (or clips and lengths) and give them one score per class; if clips do not have
        the shape that it takes; if lengths are not from 1 to T; if labels are not one for each answer, or not below the
        number of classes (of a Dataset this is seen when the batch comes); if a Dataset repeats for ever, or a pass of
        it is empty; if ``stop_at`` is given without ``validation``; if a number is out of its range.

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
    if stop_at is not None:
        stop_at = arguments.number("stop_at", stop_at, 0, 1)
        if validation is None:
            raise ValueError(f"validation must be given if stop_at is, which is {stop_at:g}: give validation=(x, y)")
    batch = arguments.integer("batch", batch, 1)
    given = train.element_spec if isinstance(train, tf.data.Dataset) else train
    if not isinstance(given, (tuple, list)) or not given:
        given = (None,)
    every_frame = arguments.rank(given[-1]) != 1  # or unknown
    model = classifier(model, arguments.clip_shape(given[0]), every_frame=every_frame)
    if ends_in(model) == "sigmoid":
        raise ValueError(
            "model must end in logits or a softmax, not in a sigmoid: end it in keras.layers.Dense(classes)"
        )
    problems: list[Exception] = []
    progress = _Progress(model.name, epochs, stop_at, validation is not None)
    began = time.perf_counter()
    interrupted = False
    try:
        train = _served("train", train, model, problems, batch, shuffle=True)
        if validation is not None:
            validation = _served("validation", validation, model, problems, batch, shuffle=False)
        model.compile(
            keras.optimizers.Adam(learning_rate),
            keras.losses.SparseCategoricalCrossentropy(
                from_logits=ends_in(model) != "softmax", reduction="mean_with_sample_weight"
            ),
            weighted_metrics=[keras.metrics.SparseCategoricalAccuracy("accuracy")],
            jit_compile=False,  # XLA is no faster on these small models, and slow to compile
        )
        model.optimizer.build(model.trainable_variables)  # a step that has to make variables is traced twice
        model.fit(train, validation_data=validation, epochs=epochs, shuffle=False, verbose=0, callbacks=[progress])
    except KeyboardInterrupt:
        interrupted = True
    except tf.errors.OpError:
        if problems:  # what was found in a batch, without TensorFlow's pages about where
            raise problems[0] from None
        raise
    seconds = time.perf_counter() - began
    progress.end(seconds, interrupted)
    return Run(progress.history, seconds, interrupted)


def _served(name, data, model, problems, batch, shuffle):
    """Return ``data`` as a Dataset, or say what is wrong with it before an epoch is spent on it."""
    return _present_alone(_batched(name, data, model, problems, batch, shuffle), model)


def _batched(name, data, model, problems, batch, shuffle):
    if isinstance(data, tf.data.Dataset):
        _check_spec(name, data, model)
        return _checked(name, data, model, problems)
    if not isinstance(data, (tuple, list)) or len(data) != 2:
        raise TypeError(f"{name} must be a pair (x, y) or a tf.data.Dataset, not {_not_a_pair(name, data, model)}")
    x, y = data
    _check_pair((f"{name}[0]", f"{name}[1]"), x, y, model)
    return _batches(tuple(x) if takes_lengths(model) else x, y, batch, shuffle)


def _present_alone(data, model):
    """Give answers at the frames after a clip's end the weight 0."""
    if len(model.outputs[0].shape) == 2 or not takes_lengths(model):
        return data
    frames = model.inputs[0].shape[1]
    return data.map(lambda x, y: (x, y, tf.sequence_mask(x[1], frames, tf.float32)))


def _check_pair(names, x, y, model):
    shape, classes = model.inputs[0].shape, model.outputs[0].shape[-1]
    clips, _ = arguments.clips_and_lengths(names[0], x, takes_lengths(model), rescaled=rescales(model))
    arguments.same_shape(names[0], clips.shape[1:], shape[1:])
    arguments.labels(names[1], y, clips.shape[: len(model.outputs[0].shape) - 1], classes)


def _not_a_pair(name, data, model):
    """Name what was given in place of a pair or a Dataset, and the line that makes one of it."""
    kind = type(data).__name__
    shape = f"tf.TensorSpec({tuple(model.inputs[0].shape)}, tf.uint8), tf.TensorSpec((None,), tf.int64)"
    dataset = f"tf.data.Dataset.from_generator({{}}, output_signature=({shape}))"
    if isinstance(data, (tuple, list)) and len(data) == 3:
        return f"{kind} of 3: leave sample weights out, or train with Keras' own model.compile and model.fit"
    if isinstance(data, keras.utils.PyDataset):
        return f"{kind}: give {dataset.format(f'lambda: ({name}[i] for i in range(len({name})))')}"
    if inspect.isroutine(data):
        return f"{kind}: if it makes a generator of batches (x, y), give {dataset.format(data.__name__)}"
    if inspect.isgenerator(data):
        return f"{kind}, which can be read only once: give {dataset.format('f')}, where f() makes a new one"
    if isinstance(data, np.ndarray):
        return f"{kind}: give clips and labels together, fit(model, (x, y))"
    if isinstance(data, float):
        return f"{kind}: divide the clips yourself, fit(model, (x[n:], y[n:]), (x[:n], y[:n]))"
    if hasattr(data, "__iter__") and not isinstance(data, (str, bytes, dict, list, tuple, set)):
        return f"{kind}: if it serves batches (x, y) of arrays, give {dataset.format(f'lambda: iter({name})')}"
    return kind


def _check_spec(name, data, model):
    """Check what a Dataset says of itself: its form, its types, its shapes, and that it ends."""
    spec, taken = data.element_spec, model.inputs[0].shape
    form, given = _LENGTHS if takes_lengths(model) else _PLAIN, _form(spec)
    if given != form:
        hint = f": leave sample weights out, {name}.map(lambda x, y, weight: (x, y))" if given == _WEIGHED else ""
        if isinstance(spec, dict):
            hint = f': give {name}.map(lambda batch: (batch["x"], batch["y"])), with its own keys {list(spec)}'
        if (form, given) == (_LENGTHS, _PLAIN):
            full = f"tf.fill(tf.shape(y), {taken[1]})"
            hint = f": if no clip is padded, give {name}.map(lambda x, y: ((x, {full}), y))"
        if (form, given) == (_PLAIN, _LENGTHS):
            hint = ": the model takes no lengths; build one with lengths=True"
        raise TypeError(f"{name} must be a dataset of {form}, not of {spec}{hint}")
    if data.cardinality() == tf.data.INFINITE_CARDINALITY:
        raise ValueError(f"{name} must end, but it repeats for ever: leave repeat() out, or give {name}.take(100)")
    if data.cardinality() == 0:
        raise ValueError(
            f"{name} must hold at least one batch, not 0: batch(n, drop_remainder=True) drops up to n - 1 clips"
        )
    x, *lengths, y = tf.nest.flatten(spec)
    if x.shape.rank == 4 and y.shape.rank == 0:
        arguments.same_shape(name, tuple(x.shape), taken[1:])
        raise ValueError(
            f"{name} must hold batches of clips, {tuple(taken)}, not {tuple(x.shape)}: give {name}.batch(32)"
        )
    if x.dtype != tf.uint8:
        clips = next(iter(data.take(1)), (np.zeros(0),))[0]
        formula = arguments.scale(np.asarray(clips), "x")
        to_bytes = f": give {name}.map(lambda x, y: (tf.cast(tf.round({formula}), tf.uint8), y))" if formula else ""
        raise TypeError(f"{name} must hold uint8 clips, not {x.dtype.name}{to_bytes}")
    if lengths and not lengths[0].dtype.is_integer:
        raise TypeError(f"{name} must hold integer lengths, not {lengths[0].dtype.name}")
    if x.shape.rank is not None:
        arguments.same_shape(name, tuple(x.shape[1:]), taken[1:])
    labelled = model.outputs[0].shape[:-1]
    if not y.shape.is_compatible_with(labelled):
        one_hot = y.shape.rank == len(labelled) + 1 and y.shape[-1] == model.outputs[0].shape[-1]
        hint = f": if they are one-hot, give {name}.map(lambda x, y: (x, tf.argmax(y, -1)))" if one_hot else ""
        per = "clip" if len(labelled) == 1 else "frame"
        raise ValueError(f"{name} must hold one label per {per}, shape {tuple(labelled)}, not {tuple(y.shape)}{hint}")
    if not y.dtype.is_integer:
        hint = (
            f": give {name}.map(lambda x, y: (x, tf.cast(y, tf.int64)))"
            if y.dtype.is_floating or y.dtype.is_bool
            else ""
        )
        raise TypeError(f"{name} must hold integer labels, not {y.dtype.name}{hint}")


_PLAIN, _LENGTHS, _WEIGHED = "(x, y)", "((x, lengths), y)", "(x, y, weights)"


def _form(spec):
    """Name the form of what a Dataset serves; "" if it is another."""
    forms = {_PLAIN: (0, 0), _LENGTHS: ((0, 0), 0), _WEIGHED: (0, 0, 0)}
    tensors = tf.nest.map_structure(lambda part: 0 if isinstance(part, tf.TensorSpec) else None, spec)
    return next((name for name, form in forms.items() if tensors == form), "")


def _checked(name, data, model, problems):
    """Serve a Dataset whose every batch is checked as a pair is; what is wrong is kept in ``problems``."""

    def check(*parts):
        *x, y = parts
        try:
            _check_pair((f"{name}'s clips", f"{name}'s labels"), x if len(x) > 1 else x[0], y, model)
        except (TypeError, ValueError, UserWarning) as problem:
            problems.append(problem)
            raise

    def serve(x, y):
        parts = tf.nest.flatten((x, y))
        with tf.control_dependencies([tf.numpy_function(check, parts, [])]):
            clips, *lengths, y = map(tf.identity, parts)
        clips = tf.ensure_shape(clips, model.inputs[0].shape)
        y = tf.ensure_shape(y, model.outputs[0].shape[:-1])
        return (clips, tf.ensure_shape(*lengths, (None,))) if lengths else clips, y

    return data.map(serve)


class _Progress(keras.callbacks.Callback):
    """Keeps the history, and one line that says how far training is."""

    def __init__(self, name, epochs, stop_at, validated):
        super().__init__()
        self.name, self.epochs, self.stop_at, self.line = name, epochs, stop_at, Line()
        scores = ("loss", "accuracy", "val_loss", "val_accuracy")[: 4 if validated else 2]
        self.history = {score: [] for score in scores}
        self.shown, self.batches = 0.0, 0

    def on_epoch_begin(self, epoch, logs=None):
        self.batches = 0

    def on_train_batch_end(self, batch, logs=None):
        self.batches += 1
        if time.perf_counter() - self.shown > 0.5:
            self.shown = time.perf_counter()
            steps = self.params["steps"]
            done = len(self.history["loss"]) + (0 if steps is None else (batch + 1) / steps)
            bar = ("#" * round(20 * done / self.epochs)).ljust(20, ".")
            at = f"epoch {min(int(done) + 1, self.epochs)} of {self.epochs}"
            if steps is None:  # so that one sees it if an epoch never ends
                at += f", batch {batch + 1:,}"
            self.line.show(f"{self.name} [{bar}] {at}, {_scores(logs)}")

    def on_epoch_end(self, epoch, logs=None):
        missing = "train" if not self.batches else "validation" if set(self.history) - set(logs) else None
        if missing:
            raise ValueError(
                f"{missing} must hold at least one batch in every epoch, not 0 in epoch {epoch + 1}: "
                "if it comes from a generator, each epoch must make a new generator"
            )
        for key, value in logs.items():
            self.history[key].append(float(value))
        if self.stop_at is not None and logs["val_accuracy"] >= self.stop_at:
            self.model.stop_training = True

    def end(self, seconds, interrupted):
        done = len(self.history["loss"])
        epochs = (
            f"interrupted after {done} of {self.epochs} epochs" if interrupted else f"{done} epoch{'s' * (done > 1)}"
        )
        last = {key: values[-1] for key, values in self.history.items() if values}
        self.line.end(f"{self.name}: {epochs}, {seconds:.1f} s" + (f", {_scores(last)}" if last else ""))


def _scores(logs):
    named = (("loss", ".3f"), ("accuracy", ".1%"), ("val_accuracy", ".1%"))
    return ", ".join(f"{key.replace('val_', 'validation ')} {logs[key]:{form}}" for key, form in named if key in logs)
