"""Frames one at a time: any family answers as they come, and keeps no more of them than it needs.

There are two answers to choose from. About the *last T frames*: what the model says of exactly those; any model has it.
Or about all frames *since the last reset*: what the same model, built for so many frames, would say; for families that
bring a few numbers up to date with each frame. A maximum since a reset never falls again, so to watch for alarms, take
the last T frames. `scan` gives a recorded film's answers about its last T frames in batches, all at once.
"""

from __future__ import annotations

import hashlib
import weakref
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from . import arguments, stream_steps
from .backend import keras, takes_clips, takes_lengths, tf
from .stream_steps import OVER_TIME, family_of, padding_of

__all__ = ["Stream", "scan"]

CLIPS_AT_ONCE = 256  # in a scan
STEPS = {True: stream_steps.since_reset, False: stream_steps.last_frames}


class Stream:
    """Feed frames to a model, one at a time.

    Parameters
    ----------
    model : keras.Model
        Clips (B, T, H, W, C), uint8, to logits, of which those at the last frame count if it answers at every frame.
        Its weights may change while it is used, its layers may not.
    since_reset : bool
        Whether an answer is about all frames since the last reset, and not about the last T. Average, maximum and
        attention pooling, CNN + RNN, ConvLSTM, and 3D CNNs with ``padding="causal"`` can do so.
    interval : float, optional
        Seconds from one frame to the next. Each frame is then pushed with its time, and a gap is noticed.
    bridge : int
        How many missing frames in a row are replaced by the frame before them, and counted; after more, the stream is
        reset.

    Attributes
    ----------
    frames : int
        How many frames have come since the last reset, bridged ones included.
    bridged, resets : int
        How many missing frames have been replaced, and how often a longer gap has reset the stream, since it was made.

    Examples
    --------
    >>> import seqlib
    >>> x, _ = seqlib.clips("direction", n=1)
    >>> stream = Stream(seqlib.models.conv3d(4))
    >>> answers = stream.feed(x[0])
    >>> answers[:15] == [None] * 15, answers[15].shape
    (True, (4,))
    """

    def __init__(
        self, model: keras.Model, *, since_reset: bool = False, interval: float | None = None, bridge: int = 0
    ) -> None:
        """Make the step that is taken with each frame.

        Raises
        ------
        TypeError
            If ``model`` is not a functional or sequential model, or another argument has another type.
        ValueError
            If ``model`` has no such answer, ``interval`` is not positive, or ``bridge`` is negative or has no interval.
        """
        step = STEPS[arguments.flag("since_reset", since_reset)](model)
        if interval is not None:
            interval = arguments.number("interval", interval, 1e-6, 1e6)
        self.interval, self.bridge = interval, arguments.integer("bridge", bridge, 0)
        if self.bridge and interval is None:
            raise ValueError(f"bridge must be 0 without an interval, not {bridge}: a gap is seen by the frames' times")
        self.model, self._step = model, step
        self._answer = _compiled(step)
        self.bridged = self.resets = 0
        self.reset()

    def reset(self) -> None:
        """Forget all frames, and their times."""
        self.frames = 0
        self._time: float | None = None
        self._last: NDArray[np.uint8] | None = None
        self._kept = {name: tf.constant(value) for name, value in self._step.start.items()}

    def push(self, frame: NDArray[np.uint8], time: float | None = None) -> NDArray[np.float32] | None:
        """Take one frame more, and answer.

        Parameters
        ----------
        frame : uint8 array (H, W, C)
        time : float, optional
            When it was taken, in seconds; needed if, and only if, the stream has an interval.

        Returns
        -------
        float32 array (classes,), or None
            The logits; None before there are T frames to answer about.

        Raises
        ------
        TypeError
            If ``frame`` is not a uint8 array, or ``time`` is missing, not expected, or not a number.
        ValueError
            If ``frame`` has another shape, or ``time`` is not finite, or not later than the last one by half an
            interval at least. The stream is then as it was before.
        """
        frame = self._checked(frame)
        missing = self._missing(time)
        if missing > self.bridge:
            self.reset()
            self.resets += 1
        elif missing:
            self.bridged += missing
            for _ in range(missing):
                self._take(self._last)
        answer = self._take(frame)
        self._time, self._last = time, frame.copy()
        return answer.numpy()[0] if self.frames >= self._step.frames else None

    def feed(
        self, frames: Iterable[NDArray[np.uint8]], times: Iterable[float] | None = None
    ) -> list[NDArray[np.float32] | None]:
        """Push one frame after the other; a clip (T, H, W, C) is T frames. Returns the answers."""
        if times is None:
            return [self.push(frame) for frame in frames]
        return [self.push(frame, time) for frame, time in zip(frames, times, strict=True)]

    def state(self) -> dict[str, NDArray[Any]]:
        """Copy all that the stream knows, as arrays: ``numpy.savez(path, **stream.state())`` stores it."""
        counts = {name: np.array(getattr(self, name)) for name in ("frames", "bridged", "resets")}
        time = np.array(np.nan if self._time is None else self._time)
        last = np.zeros((0,), np.uint8) if self._last is None else self._last.copy()
        kept = {f"kept_{name}": value.numpy() for name, value in self._kept.items()}
        return {"model": np.array(self._fingerprint()), "time": time, "last": last, **counts, **kept}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Go on from a `state` of a stream of the same kind and the same weights, perhaps of another process.

        Raises
        ------
        ValueError
            If the state is one of another stream, or of a model with other weights.
        """
        known = self.state()
        if set(state) != set(known):
            raise ValueError(f"state must have the arrays {', '.join(sorted(known))}, not {', '.join(sorted(state))}")
        if str(state["model"]) != str(known["model"]):
            raise ValueError("state must come from a stream of the same kind, whose model had the same weights")
        self.frames, self.bridged, self.resets = (int(state[name]) for name in ("frames", "bridged", "resets"))
        self._time = None if np.isnan(state["time"]) else float(state["time"])
        self._last = np.array(state["last"]) if state["last"].size else None
        self._kept = {name: tf.constant(state[f"kept_{name}"]) for name in self._step.start}

    def _take(self, frame):
        outputs = self._answer(tf.constant(frame[None]), self._kept)
        self._kept = {name: outputs[f"next_{name}"] for name in self._step.start}
        self.frames += 1
        return outputs["logits"]

    def _checked(self, frame):
        shape = tuple(self._step.network.input["frame"].shape[1:])
        if not isinstance(frame, np.ndarray) or frame.dtype != np.uint8:
            given = f"{frame.dtype} array" if isinstance(frame, np.ndarray) else type(frame).__name__
            raise TypeError(f"frame must be a uint8 array {shape}, pixels from 0 to 255, not {given}")
        if frame.shape != shape:
            hint = ": give frame[..., None]" if (*frame.shape, 1) == shape else ""
            raise ValueError(f"frame must have the shape {shape} that the model takes, not {frame.shape}{hint}")
        return frame

    def _missing(self, time):
        """How many frames are missing between the last one and this one."""
        if self.interval is None:
            if time is not None:
                raise TypeError("time must be left out: give the stream its interval, Stream(model, interval=1 / 30)")
            return 0
        if time is None:
            raise TypeError("time must be given with each frame, in seconds, since the stream has an interval")
        time = arguments.number("time", time, -1e15, 1e15)
        if self._time is None:
            return 0
        steps = (time - self._time) / self.interval
        if steps < 0.5:
            raise ValueError(
                f"time must be later than the last frame's, {self._time} s, by half an interval ({self.interval} s) at "
                f"least, not {time}: leave the frame out, or begin anew with reset()"
            )
        return round(steps) - 1

    def _fingerprint(self):
        """Name the kind of stream and the model's weights in 64 characters."""
        digest = hashlib.sha256(repr((self._step.frames, sorted(self._step.start))).encode())
        for weight in self._step.network.weights:
            digest.update(repr(weight.shape).encode() + weight.numpy().tobytes())
        return digest.hexdigest()


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
    arguments.integer("len(frames)", len(frames), length)
    if model not in _parts:
        _parts[model] = [(part.output.shape[1], _compute(part)) for part in _split(model)]
    *before, (_, answer) = _parts[model]
    windows = _windows(frames, length)
    for instants, features in before:
        windows = _windows(_joined(features, windows, instants), instants)
    answers = answer(windows)
    return answers[:, -1] if answers.ndim == 3 else answers


_parts: weakref.WeakKeyDictionary[keras.Model, Any] = weakref.WeakKeyDictionary()  # of models that have scanned a film


def _split(model):
    """Split a model in two if it can be, clips to features of each instant, (B, instants, F), and these to answers."""
    family = family_of(model)
    looks_once = family in ("conv3d", "conv2plus1d") and padding_of(model) == "valid"
    if len(model.output.shape) == 3 or family in (None, "conv_lstm") or (family in OVER_TIME and not looks_once):
        return [keras.Model(model.input, model.output)]
    if not looks_once:
        features = model.get_layer("features").output
        return [keras.Model(model.input, features), keras.Model(features, model.output)]
    largest = keras.ops.max(model.get_layer("conv3").output, axis=(2, 3))
    instants = keras.Input(largest.shape[1:])
    head = keras.Model(model.get_layer("global_max").output, model.output)
    return [
        keras.Model(model.input, largest),
        keras.Model(instants, head(keras.layers.GlobalMaxPooling1D()(instants))),
    ]


def _compute(model):
    """Compile a model, and let it take any number of clips."""
    taken = tf.TensorSpec(model.inputs[0].shape, model.inputs[0].dtype)
    compiled = tf.function(lambda clips: model(clips, training=False), input_signature=[taken])
    answer = compiled.get_concrete_function()  # if calls traced it, TensorFlow would warn from the sixth model on

    def compute(clips):
        batches = (clips[i : i + CLIPS_AT_ONCE] for i in range(0, len(clips), CLIPS_AT_ONCE))
        return np.concatenate([answer(tf.constant(batch, taken.dtype)).numpy() for batch in batches])

    return compute


def _windows(frames, length):
    """View every run of so many frames, (N - length + 1, length, ...)."""
    return np.moveaxis(sliding_window_view(frames, length, axis=0), -1, 1)


def _joined(features, windows, instants):
    """Compute the features of all instants from few windows, which adjoin; (N, F)."""
    last = len(windows) - 1
    starts = np.append(np.arange(0, last, instants), last)
    computed = features(windows[starts])
    joined = np.empty((last + instants, computed.shape[-1]), np.float32)
    for start, part in zip(starts, computed, strict=True):
        joined[start : start + instants] = part
    return joined


def _compiled(step):
    """Compile a step: frames (1, H, W, C) and what is kept, to its outputs."""
    frame = step.network.input["frame"]
    kept = {name: tf.TensorSpec(value.shape, value.dtype) for name, value in step.start.items()}

    @tf.function(input_signature=[tf.TensorSpec((1, *frame.shape[1:]), tf.uint8), kept])
    def answer(frame, kept):
        return step.network({"frame": frame, **kept}, training=False)

    return answer.get_concrete_function()  # calling `answer` checks its signature anew with each frame
