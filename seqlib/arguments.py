"""Checks of arguments: every error names the argument, what was given and what is allowed."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterable, Sequence
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "ModelInput",
    "choice",
    "clip_array",
    "clip_shape",
    "clips_and_lengths",
    "flag",
    "integer",
    "labels",
    "number",
    "rank",
    "same_shape",
    "scale",
    "span",
]

ModelInput = NDArray[np.uint8] | tuple[NDArray[np.uint8], NDArray[np.integer]]
"""What a model is fed: clips (B, T, H, W, C), or for a model with lengths (clips, lengths), the second (B,)."""


def integer(name: str, value: Any, low: int, high: int | None = None) -> int:
    """Return ``value`` as an int, or say why it is not an integer from ``low`` to ``high``.

    Examples
    --------
    >>> integer("n", 3, 1)
    3
    >>> integer("n", 0, 1)
    Traceback (most recent call last):
        ...
    ValueError: n must be an integer of at least 1, not 0
    """
    allowed = f"an integer of at least {low}" if high is None else f"an integer from {low} to {high}"
    if not _is_a(Integral, value):
        raise TypeError(f"{name} must be {allowed}, not {value!r}")
    if value < low or (high is not None and value > high):
        raise ValueError(f"{name} must be {allowed}, not {value!r}")
    return int(value)


def number(name: str, value: Any, low: float, high: float) -> float:
    """Return ``value`` as a float, or say why it is not a number from ``low`` to ``high``.

    Examples
    --------
    >>> number("noise", float("nan"), 0, 18)
    Traceback (most recent call last):
        ...
    ValueError: noise must be a number from 0 to 18, not nan
    """
    allowed = f"a number from {low:g} to {high:g}"
    if not _is_a(Real, value):
        raise TypeError(f"{name} must be {allowed}, not {value!r}")
    if not low <= value <= high:  # NaN is not
        raise ValueError(f"{name} must be {allowed}, not {value!r}")
    return float(value)


def span(name: str, value: Any, low: float, high: float, *, step: float = 1) -> tuple[int, int]:
    """Return ``value``, one number or a (lowest, highest) pair, as two multiples of ``step``.

    The two are returned as integers that count steps.

    Examples
    --------
    >>> span("speed", (1, 1.5), 0, 8, step=0.125)
    (8, 12)
    >>> span("size", 9, 3, 16)
    (9, 9)
    """
    unit = "integer" if step == 1 else f"multiple of {step:g}"
    allowed = f"one {unit} or a (lowest, highest) pair, from {low:g} to {high:g}"
    pair = value if isinstance(value, (tuple, list)) else (value, value)
    if len(pair) != 2 or not all(_is_a(Real, end) for end in pair):
        raise TypeError(f"{name} must be {allowed}, not {value!r}")
    first, last = pair
    if not low <= first <= last <= high:  # NaN is not
        raise ValueError(f"{name} must be {allowed}, not {value!r}")
    if first % step or last % step:
        raise ValueError(f"{name} must be {allowed}, not {value!r}")
    return int(first / step), int(last / step)


def _is_a(kind, value):
    """Tell whether a value is a number of this kind; True and False are not."""
    return isinstance(value, kind) and not isinstance(value, (bool, np.bool_))


def flag(name: str, value: Any) -> bool:
    """Return ``value``, or say why it is not True or False.

    Examples
    --------
    >>> flag("positions", "no")
    Traceback (most recent call last):
        ...
    TypeError: positions must be True or False, not 'no'
    """
    if not isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{name} must be True or False, not {value!r}")
    return bool(value)


def choice(name: str, value: Any, allowed: Iterable[str]) -> str:
    """Return ``value`` if it is one of ``allowed``, or say what is.

    Examples
    --------
    >>> choice("kind", "mirror", ("middle", "reverse"))
    Traceback (most recent call last):
        ...
    ValueError: kind must be one of 'middle', 'reverse', not 'mirror'
    """
    allowed = tuple(allowed)
    if not isinstance(value, str):
        raise TypeError(f"{name} must be one of {', '.join(map(repr, allowed))}, not {value!r}")
    if value not in allowed:
        raise ValueError(f"{name} must be one of {', '.join(map(repr, allowed))}, not {value!r}")
    return value


def clip_array(name: str, value: Any, rank: int = 5, *, rescaled: bool = True) -> NDArray[np.uint8]:
    """Return ``value`` if it is a uint8 array of clips with ``rank`` axes, the last four of them (T, H, W, C).

    Parameters
    ----------
    name : str
        What an error calls it.
    value : anything
    rank : int
        4, 5 or 6.
    rescaled : bool
        Whether the model that they are for rescales them; if not, an error adds that it must.

    Raises
    ------
    TypeError
        If it is not an array, or not of uint8; the error says how to make it one.
    ValueError
        If it does not have these axes, or is empty.

    Warns
    -----
    UserWarning
        If the largest value is 1: then somebody has probably turned pixels from 0 to 1 into integers.

    Examples
    --------
    >>> clip_array("x", np.full((2, 16, 32, 32, 1), 0.5))
    Traceback (most recent call last):
        ...
    TypeError: x must be uint8, not float64 from 0.5 to 0.5: give np.round(x * 255).astype(np.uint8)
    """
    axes = {4: "(T, H, W, C)", 5: "(B, T, H, W, C)", 6: "(k, n, T, H, W, C)"}[rank]
    allowed = f"{name} must be a uint8 array of shape {axes}"
    x = name if name.isidentifier() else "x"  # in a line that mends it
    if not isinstance(value, np.ndarray):
        raise TypeError(f"{allowed}, not {type(value).__name__}{_as_array(x, value)}")
    if value.dtype.kind == "f" and value.ndim <= 3 < rank:
        raise TypeError(
            f"{allowed}, not {value.dtype} of shape {value.shape}: "
            "these are features and not clips; train a model of features with Keras' own model.compile and model.fit"
        )
    if value.dtype != np.uint8:
        hint = _as_uint8(x, value)
        if not rescaled and value.dtype.kind in "biuf":
            hint += ", and begin the model with keras.layers.Rescaling(1 / 255), because it has no layer that rescales"
        raise TypeError(f"{name} must be uint8, not {value.dtype}{hint}")
    if value.ndim != rank or 0 in value.shape:
        hint = ""
        if value.ndim == rank - 1 and 0 not in value.shape:
            one = "[None]" if value.shape[-1] in (1, 3, 4) else "[..., None]"
            hint = f": give {x}{one}"
        raise ValueError(f"{allowed}, not {value.shape}{hint}")
    if value.max() == 1:
        warnings.warn(
            f"{name} holds only the values 0 and 1, but uint8 pixels reach 255: if they were floats from 0 to 1, "
            f"multiply by 255 before they become uint8, np.round({x} * 255).astype(np.uint8)",
            stacklevel=_frames_within() + 1,
        )
    return value


def _frames_within():
    """Count the calls from here up to the first one of a module that is not seqlib's."""
    frame, count = sys._getframe(1), 0
    while frame is not None and frame.f_globals.get("__name__", "").partition(".")[0] == "seqlib":
        frame, count = frame.f_back, count + 1
    return count


def clips_and_lengths(
    name: str, value: Any, with_lengths: bool, rank: int = 5, *, rescaled: bool = True
) -> tuple[NDArray[np.uint8], NDArray[np.integer] | None]:
    """Take apart what a model is fed: clips, and lengths if it takes them, else None; or say what is wrong with it.

    Lengths are integers from 1 to T, one for each clip: how many of its frames are its own, before the padding.

    Examples
    --------
    >>> x, lengths = np.zeros((2, 16, 32, 32, 1), np.uint8), np.array([16, 17])
    >>> clips_and_lengths("x", (x, lengths), True)
    Traceback (most recent call last):
        ...
    ValueError: x[1] must be integer lengths from 1 to 16, shape (2,), not 16 to 17
    >>> clips_and_lengths("x", x, True)
    Traceback (most recent call last):
        ...
    TypeError: x must be (clips, lengths), because the model takes lengths, not ndarray: ...
    """
    pair = isinstance(value, (tuple, list)) and len(value) == 2
    if not with_lengths:
        if pair and [getattr(part, "ndim", None) for part in value] == [rank, rank - 4]:
            raise TypeError(
                f"{name} must be a uint8 array, not {type(value).__name__} of 2: give the clips alone; to give their "
                "lengths, too, build the model with lengths=True"
            )
        return clip_array(name, value, rank, rescaled=rescaled), None
    if not pair:
        hint = ""
        if isinstance(value, np.ndarray) and value.ndim == rank:
            full = f"np.full({value.shape[: rank - 4]}, {value.shape[rank - 4]})"
            hint = f": if no clip is padded, give ({name}, {full})"
        raise TypeError(
            f"{name} must be (clips, lengths), because the model takes lengths, not {type(value).__name__}{hint}"
        )
    clips = clip_array(f"{name}[0]", value[0], rank, rescaled=rescaled)
    return clips, _lengths(f"{name}[1]", value[1], clips.shape[: rank - 4], clips.shape[rank - 4])


def _lengths(name, value, shape, frames):
    allowed = f"integer lengths from 1 to {frames}, shape {tuple(shape)}"
    if not isinstance(value, np.ndarray):
        hint = f": give np.asarray({name})" if isinstance(value, (list, tuple)) else ""
        raise TypeError(f"{name} must be {allowed}, not {type(value).__name__}{hint}")
    if value.dtype.kind not in "iu":
        raise TypeError(f"{name} must be {allowed}, not {value.dtype}")
    if value.shape != tuple(shape):
        hint = f": give {name}.sum(axis=-1)" if value.shape == (*shape, frames) else ""
        raise ValueError(f"{name} must be {allowed}, not shape {value.shape}{hint}")
    if value.min() < 1 or value.max() > frames:
        raise ValueError(f"{name} must be {allowed}, not {value.min()} to {value.max()}")
    return value


def clip_shape(value: Any, rank: int = 5) -> tuple[int | None, ...] | None:
    """Return the shape (T, H, W, C) of clips with ``rank`` axes, alone or with lengths; None of anything else."""
    if isinstance(value, (tuple, list)) and len(value) == 2:
        value = value[0]
    shape = getattr(value, "shape", ())
    known = getattr(shape, "rank", 0) is not None and len(shape) == rank
    return tuple(shape[rank - 4 :]) if known else None


def rank(value: Any) -> int | None:
    """Return how many axes an array, or what a Dataset says of one, has; None if that is unknown.

    Examples
    --------
    >>> rank(np.zeros((8, 16)))
    2
    """
    shape = getattr(value, "shape", None)
    return len(shape) if isinstance(shape, tuple) else getattr(shape, "rank", None)


def _as_array(name, value):
    """Say how to make an array of what is none, if that is known."""
    if hasattr(value, "element_spec"):
        return f": give np.concatenate([clips for clips, labels in {name}])"
    if hasattr(value, "numpy"):
        return f": give {name}.numpy()"
    if isinstance(value, (list, tuple)):
        shapes = {getattr(clip, "shape", None) for clip in value}
        if len(shapes) > 1:
            return ": bring all clips to one shape, and give np.stack(clips)"
        return f": give np.array({name}, np.uint8) if its values are from 0 to 255"
    return f": give np.asarray({name})" if hasattr(value, "__array__") else ""


def scale(value: NDArray[Any], pixels: str = "x") -> str | None:
    """Return a formula that brings ``pixels`` with these values to 0 to 255; None if no formula is known.

    Examples
    --------
    >>> scale(np.array([-1.0, 1.0])), scale(np.array([0.0, 0.9])), scale(np.array([0.0, 200.0]))
    ('(x + 1) * 127.5', 'x * 255', 'x')
    """
    if value.dtype.kind not in "biuf" or not value.size:
        return None
    low, high = float(value.min()), float(value.max())
    if value.dtype == np.uint16 and high > 255:
        return f"{pixels} / 257"
    if low >= 0 and high <= 1:
        return f"{pixels} * 255"
    if low >= 0 and high <= 255:
        return pixels
    return f"({pixels} + 1) * 127.5" if low >= -1 and high <= 1 else None


def _as_uint8(name, value):
    """Say between which values an array lies, and how to bring them to bytes."""
    if value.dtype.kind == "O":
        return ": bring all clips to one shape, and give np.stack(clips)"
    if value.dtype.kind not in "biuf" or not value.size:
        return ": pixels are numbers from 0 to 255"
    if not np.isfinite(value).all():
        return " with values that are infinite or NaN: replace these first"
    formula = scale(value, name)
    given = "" if value.dtype.kind == "b" else f" from {value.min():.4g} to {value.max():.4g}"
    return (
        f"{given}: give np.round({formula}).astype(np.uint8)"
        if formula
        else f"{given}: convert them to values from 0 to 255 first"
    )


def same_shape(name: str, given: Sequence[int | None], taken: Sequence[int | None]) -> None:
    """Say so if clips of shape ``given`` (T, H, W, C) do not fit a model that takes ``taken`` (None fits any)."""
    if not _fits(given, taken):
        moved = "" if not (len(given) == 4 and _fits((*given[1:], given[0]), taken)) else "np.moveaxis({0}, 1, -1)"
        if len(given) == 4 and not moved and _fits((given[0], *given[2:], given[1]), taken):
            moved = "np.moveaxis({0}, 2, -1)"
        hint = (
            f": its channels are not the last axis; give {moved.format(name if name.isidentifier() else 'x')}"
            if moved
            else ""
        )
        raise ValueError(
            f"{name} must hold clips of the shape that the model takes, {tuple(taken)}, not {tuple(given)}{hint}"
        )


def _fits(given, taken):
    return len(given) == len(taken) and all(t is None or g is None or g == t for g, t in zip(given, taken, strict=True))


def labels(name: str, value: Any, shape: Sequence[int], classes: int) -> NDArray[np.integer]:
    """Return ``value`` if it is an integer array of ``shape`` with labels below ``classes``.

    Examples
    --------
    >>> labels("y", np.array([1, 2, 3, 4]), (4,), 4)
    Traceback (most recent call last):
        ...
    ValueError: y must be integer labels from 0 to 3, shape (4,), not 1 to 4: labels count from 0, so give y - 1
    """
    allowed = f"integer labels from 0 to {classes - 1}, shape {tuple(shape)}"
    if not isinstance(value, np.ndarray):
        hint = ": give y.numpy()" if hasattr(value, "numpy") else ""
        hint = ": give np.asarray(y)" if isinstance(value, (list, tuple)) else hint
        raise TypeError(f"{name} must be {allowed}, not {type(value).__name__}{hint}")
    if value.dtype.kind not in "iu":
        raise TypeError(f"{name} must be {allowed}, not {value.dtype}{_as_labels(value, shape, classes)}")
    if value.shape != tuple(shape):
        raise ValueError(f"{name} must be {allowed}, not shape {value.shape}{_as_labels(value, shape, classes)}")
    low, high = value.min(), value.max()
    if low < 0 or high >= classes:
        if (low, high) == (1, classes):
            hint = ": labels count from 0, so give y - 1"
        else:
            hint = f": the model has {classes} classes, and these labels need {high + 1}" if low >= 0 else ""
        raise ValueError(f"{name} must be {allowed}, not {low} to {high}{hint}")
    return value


def _as_labels(value, shape, classes):
    """Say how to make labels of one-hot rows, floats, words or truth values."""
    rows = value.shape[len(shape) :]
    if value.shape[: len(shape)] == tuple(shape) and len(rows) == 1:
        if rows == (classes,) and value.dtype.kind in "biuf" and (value.sum(-1) == 1).all():
            return ", one-hot: give y.argmax(-1)"
        if rows == (1,):
            return f" of shape {value.shape}: give y[..., 0].astype(np.int64)"
        return (
            f": give one label per clip, not {rows[0]}, such as one per frame; for those, build a model that answers "
            "at every frame, every_frame=True"
        )
    if len(shape) == 2 and value.shape == tuple(shape[:1]):
        return (
            f": the model answers at every frame; for the same label at each, give np.repeat(y[:, None], {shape[1]}, 1)"
        )
    if value.dtype.kind in "bf":
        return ": give y.astype(np.int64)"
    return ": give np.unique(y, return_inverse=True)[1]" if value.dtype.kind in "OSU" else ""
