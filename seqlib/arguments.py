"""Checks of arguments: every error names the argument, what was given and what is allowed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["choice", "clip_array", "flag", "integer", "labels", "number", "same_shape", "span"]


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


def clip_array(name: str, value: Any, rank: int = 5) -> NDArray[np.uint8]:
    """Return ``value`` if it is a uint8 array of clips with ``rank`` axes, the last four of them (T, H, W, C)."""
    axes = {4: "(T, H, W, C)", 5: "(B, T, H, W, C)", 6: "(k, n, T, H, W, C)"}[rank]
    if not isinstance(value, np.ndarray):
        raise TypeError(f"{name} must be a uint8 array of shape {axes}, not {type(value).__name__}")
    if value.dtype != np.uint8:
        raise TypeError(f"{name} must be uint8, not {value.dtype}: pass uint8; the model rescales")
    if value.ndim != rank or 0 in value.shape:
        raise ValueError(f"{name} must be a uint8 array of shape {axes}, not {value.shape}")
    return value


def same_shape(name: str, given: Sequence[int | None], taken: Sequence[int | None]) -> None:
    """Say so if clips of shape ``given`` (T, H, W, C) do not fit a model that takes ``taken`` (None fits any)."""
    if len(given) != len(taken) or any(
        t is not None and g is not None and g != t for g, t in zip(given, taken, strict=False)
    ):
        raise ValueError(
            f"{name} must hold clips of the shape that the model takes, {tuple(taken)}, not {tuple(given)}"
        )


def labels(name: str, value: Any, shape: Sequence[int], classes: int) -> NDArray[np.integer]:
    """Return ``value`` if it is an integer array of ``shape`` with labels below ``classes``."""
    allowed = f"integer labels from 0 to {classes - 1}, shape {tuple(shape)}"
    if not isinstance(value, np.ndarray) or value.dtype.kind not in "iu":
        raise TypeError(f"{name} must be {allowed}, not {getattr(value, 'dtype', type(value).__name__)}")
    if value.shape != tuple(shape):
        raise ValueError(f"{name} must be {allowed}, not shape {value.shape}")
    if value.min() < 0 or value.max() >= classes:
        raise ValueError(f"{name} must be {allowed}, not {value.min()} to {value.max()}")
    return value
