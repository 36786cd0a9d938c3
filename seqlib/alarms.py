"""Alarms: where a score becomes one, which faults they find, how many are false, and what one may conclude."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import arguments

if TYPE_CHECKING:  # `measure` needs TensorFlow, and the book shows alarms without it
    from .measure import Accuracy

__all__ = ["Report", "begin", "poisson_interval", "report", "states"]


class Report(NamedTuple):
    """What the alarms of a run are worth.

    Examples
    --------
    >>> from seqlib.measure import Accuracy
    >>> print(Report(found=Accuracy(45, 50), false=2, hours=3.0, delays=[4, 9, 30]))
    found 90.0% (45 of 50, 95% interval 78.6% to 95.7%)
    delay: 9 frames or less for half of them
    2 false alarms in 3 h: 0.67 an hour, 95% interval 0.08 to 2.41
    """

    found: Accuracy
    """How many of the faults were found."""
    false: int
    """How many alarms found none."""
    hours: float
    """How long the machine ran."""
    delays: list[int]
    """For each fault that was found, how many frames after its first one the alarm came."""

    def __str__(self) -> str:
        within = f"\ndelay: {np.median(self.delays):.0f} frames or less for half of them" if self.delays else ""
        low, high = (count / self.hours for count in poisson_interval(self.false))
        alarms = "alarm" if self.false == 1 else "alarms"
        found = f"found {self.found}{within}" if self.found.total else "no faults to be found"
        return (
            f"{found}\n{self.false} false {alarms} in {self.hours:.3g} h: "
            f"{self.false / self.hours:.2f} an hour, 95% interval {low:.2f} to {high:.2f}"
        )


def begin(scores: ArrayLike, threshold: float, apart: int = 30) -> NDArray[np.intp]:
    """Find the frames at which alarms begin: where the score rises above the threshold.

    Parameters
    ----------
    scores : float array (N,)
        One per frame.
    threshold : float
    apart : int
        If the score rises again fewer than so many frames after it was last above the threshold, that is the same
        alarm; at least 1. The default is one second.

    Returns
    -------
    int array (alarms,)

    Raises
    ------
    TypeError, ValueError
        If an argument is not as above.

    Examples
    --------
    >>> begin([0, 3, 3, 0, 3, 0, 0, 0, 3], 2, apart=3)
    array([1, 8])
    """
    scores = np.asarray(scores)
    if scores.ndim != 1 or not np.isfinite(scores).all():
        raise ValueError(f"scores must be finite numbers (N,), one per frame, not an array of shape {scores.shape}")
    above = np.flatnonzero(scores > threshold)
    apart = arguments.integer("apart", apart, 1)
    return above[np.diff(above, prepend=-apart) >= apart]


def report(
    alarms: Sequence[int] | NDArray[np.integer],
    events: Sequence[tuple[int, int]],
    frames: int,
    *,
    rate: float = 30,
    grace: float = 1,
) -> Report:
    """Count the faults that alarms find, and the alarms that find none.

    An alarm finds a fault if it begins between the fault's first frame and ``grace`` seconds after its last.

    Parameters
    ----------
    alarms : int array
        The frames at which they begin, see `begin`.
    events : sequence of (int, int)
        The first and the last frame of each fault.
    frames : int
        How many frames the run has.
    rate : float
        Frames per second.
    grace : float
        Seconds.

    Returns
    -------
    Report

    Raises
    ------
    TypeError, ValueError
        If an argument is not as above.

    Examples
    --------
    >>> counted = report([5, 70, 300], [(60, 65), (200, 210)], 3000)
    >>> counted.found.right, counted.false, counted.delays
    (1, 2, [10])
    """
    from .measure import Accuracy

    alarms = np.asarray(alarms, np.int64)
    rate = arguments.number("rate", rate, 1e-3, 1e6)
    after = round(rate * arguments.number("grace", grace, 0, 3600))
    finds = [alarms[(first <= alarms) & (alarms <= last + after)] for first, last in events]
    delays = [int(found[0]) - first for found, (first, _) in zip(finds, events, strict=True) if len(found)]
    useful = np.unique(np.concatenate([np.zeros(0, np.int64), *finds]))
    hours = arguments.integer("frames", frames, 1) / rate / 3600
    return Report(Accuracy(len(delays), len(events)), len(alarms) - len(useful), hours, delays)


def states(
    scores: ArrayLike, threshold: float, events: Sequence[tuple[int, int]], *, rate: float = 30, grace: float = 1
) -> list[tuple[int, str]]:
    """Say from which frame on a watcher gives an alarm and how late, gives none, or has missed a fault.

    An alarm lasts until the score has been at the threshold or below for one second.

    Parameters
    ----------
    scores : float array (N,)
        One per frame.
    threshold : float
    events : sequence of (int, int)
        The first and the last frame of each fault.
    rate : float
        Frames per second.
    grace : float
        Seconds after a fault's last frame in which an alarm still finds it, as in `report`.

    Returns
    -------
    list of (int, str)
        In the order of their frames; the first is from frame 0.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as above.

    Examples
    --------
    >>> states([0, 0, 3, 0, 0, 0, 0, 0, 0], 2, [(1, 3), (5, 6)], rate=2)
    [(0, 'no alarm'), (2, 'alarm after 1 frame'), (4, 'no alarm')]
    """
    scores = np.asarray(scores)
    rate = arguments.number("rate", rate, 1e-3, 1e6)
    apart, after = max(1, round(rate)), round(rate * arguments.number("grace", grace, 0, 3600))
    begins = begin(scores, threshold, apart)
    above = np.flatnonzero(scores > threshold)
    said = {0: "no alarm"}
    for first, last in events:
        if not np.any((first <= begins) & (begins <= last + after)):
            said[last + after + 1] = "missed"
    for start, following in pairwise([*begins, len(scores)]):
        late = [int(start) - first for first, last in events if first <= start <= last + after]
        said[int(above[above < following][-1]) + apart] = "no alarm"
        said[int(start)] = f"alarm after {late[0]} frame{'s' * (late[0] != 1)}" if late else "false alarm"
    return [(frame, words) for frame, words in sorted(said.items()) if frame < len(scores)]


def poisson_interval(count: int, level: float = 0.95) -> tuple[float, float]:
    """Compute the exact interval for the mean number of events, when so many were counted.

    The lower end is the mean with which so many or more are counted with probability (1 - level) / 2, and the upper one
    that with which so many or fewer are (F. Garwood, 1936, "Fiducial limits for the Poisson distribution").

    Parameters
    ----------
    count : int
        From 0.
    level : float
        Between 0 and 1.

    Returns
    -------
    (float, float)

    Raises
    ------
    TypeError, ValueError
        If an argument is not as above.

    Examples
    --------
    >>> [round(end, 3) for end in poisson_interval(0)], [round(end, 2) for end in poisson_interval(3)]
    ([0.0, 3.689], [0.62, 8.77])
    """
    count = arguments.integer("count", count, 0)
    tail = (1 - arguments.number("level", level, 0, 1)) / 2
    low = _mean_where(lambda mean: _at_most(count - 1, mean) > 1 - tail, count) if count else 0.0
    return low, _mean_where(lambda mean: _at_most(count, mean) > tail, count)


def _at_most(count, mean):
    """Compute the probability of so many events or fewer."""
    return sum(math.exp(n * math.log(mean) - mean - math.lgamma(n + 1)) for n in range(count + 1))


def _mean_where(is_low, count):
    """Bisect for the mean up to which ``is_low`` holds."""
    low, high = 1e-12, 10.0 + 4 * count
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if is_low(middle) else (low, middle)
    return low
