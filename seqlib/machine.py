"""A synthetic machine to watch: thousands of normal frames, rare faults, and for each fault its normal twin.

A cycle begins with the belt, which brings the next part. Then the arm swings out and back, and the press goes down and
up. Between these steps the machine rests, always in the same pose. How long it rests is drawn for each cycle, and so
is the light. All is integer arithmetic and hashed bytes, as in `seqlib.rendering`: cycle i of a seed has the same
bytes on every machine.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from . import arguments
from .rendering import BACKGROUND, KINDS, SUBPIXELS, hash32, noise_of, shape_cells

__all__ = ["CYCLES", "FAULTS", "RATE", "SIZE", "Event", "Run", "run", "windows"]

RATE = 30  # frames per second
SIZE = 32  # pixels, height and width
NOISE = 6  # grey levels, standard deviation
FRAMES_AT_ONCE = 256  # what is drawn at once stays in the processor's cache
LIGHT = 12  # the light of a cycle is up to so many grey levels darker or brighter

BELT, STEP, PAUSE = 8, 10, 4  # frames: the belt moves, the arm or the press does, and between these two
BEFORE = (18, 24)  # frames that the machine rests before the arm moves: the stated tolerance
AFTER = (18, 60)  # and after the press has, until the next part comes
REST = 15  # what a window of 16 frames can hold of a rest at most, if it holds anything else
LATE = REST  # frames that a late press is late by
DRIFT, GROWTH = 8, 3  # cycles of a drift, and by how many frames the rest before the arm grows with each
HELD = 3  # frames that a stuttering arm stands still

THERE_AND_BACK = np.array([1, 2, 3, 4, 5, 5, 4, 3, 2, 1])  # the poses of a step; 0 is that of rest
BELT_Y, PART_Y, PART_X, PITCH = 28, 23, (8, 24, 40), 16  # pixels: where parts rest, and how far they are apart
PART_SIZE, PART_BOX = 6, 10  # pixels: the side of the square of equal area, and of the square that holds the part
ARM_Y, ARM_X, ARM_WIDTH = 5, 4, 3  # pixels: the joint
ARM_TIPS = ((0, 88), (23, 85), (44, 76), (62, 62), (76, 44), (85, 23))  # (y, x) from the joint, subpixels; 15° apart
PRESS_Y, PRESS_X, PRESS_STEP = 6, (20, 29), 2  # pixels: its lower edge at rest, its sides, how far it moves in a frame
GREY = {"belt": 40, "part": 90, "arm": 110, "press": 100}  # levels above the background
GOOD, MISSING, TURNED = range(3)  # parts
VALUES = (PITCH, len(ARM_TIPS), len(ARM_TIPS), 3, 3, 3)  # how many values the first six fields of `_Poses` have

FAULTS = {
    "part missing": "No part lies where one should.",
    "part turned": "A part lies upside down.",
    "steps exchanged": "The press moves first, and then the arm.",
    "arm stutters": f"The arm stands still for {HELD} frames on its way out.",
    "press late": f"The press moves {LATE} frames late.",
    "drift": f"The rest before the arm moves grows from cycle to cycle, beyond {BEFORE[1]} frames.",
}
"""What can go wrong: the faults' names, and a sentence about each."""

CYCLES = {fault: {"part missing": 3, "part turned": 3, "drift": DRIFT}.get(fault, 1) for fault in FAULTS}
"""How many cycles each fault takes."""

PARTS = {"part missing": MISSING, "part turned": TURNED}


class _Poses(NamedTuple):
    """What each frame shows; integer arrays (N,)."""

    belt: NDArray[np.integer]  # pixels that the belt has yet to move
    arm: NDArray[np.integer]  # from 0, at rest, to 5
    press: NDArray[np.integer]
    left: NDArray[np.integer]  # the parts: GOOD, MISSING or TURNED
    right: NDArray[np.integer]
    leaving: NDArray[np.integer]
    light: NDArray[np.integer]  # grey levels
    key: NDArray[np.integer]  # uint32: of the frame's noise


class Event(NamedTuple):
    """A fault in a run."""

    fault: str
    """One of `FAULTS`."""
    first: int
    """The first frame that is wrong, see `Run.wrong`."""
    last: int
    """The last one."""


class Run(NamedTuple):
    """Frames of the machine, one after another."""

    frames: NDArray[np.uint8]
    """(N, 32, 32, 1), 30 per second."""
    wrong: NDArray[np.bool_]
    """(N,): whether the frame's picture, but for its noise, is not the one that the normal run has at that moment."""
    events: list[Event]
    """Its faults, in the order of their first frames."""


def run(
    cycles: int,
    seed: int = 0,
    faults: Mapping[int, str] | None = None,
    *,
    start: int = 0,
    twin: bool = False,
    noise: float = NOISE,
) -> Run:
    """Let the machine run.

    A cycle takes 74 to 116 frames. A fault is in one cycle, but for a drift, which is in 8, and a wrong part, which is
    in view for two.

    Parameters
    ----------
    cycles : int
        How many.
    seed : int
        Of rests, light and noise; from 0 to 2**32 - 1.
    faults : mapping from int to str, optional
        For a cycle, counted from ``start``, its fault, one of `FAULTS`.
    start : int
        The first cycle's number in the endless run of this seed, from 0.
    twin : bool
        Whether to return the normal run in place of the faulty one; its ``events`` are those of the faulty run. If
        steps are exchanged, the press is late, or in a drift, the twin has the same frames, byte for byte, in
        another order. Other faults change frames, and their twin is the run without them.
    noise : float
        Standard deviation of each frame's noise, in grey levels, from 0 to 12.

    Returns
    -------
    Run

    Raises
    ------
    TypeError
        If an argument has another type.
    ValueError
        If a value is not among those above, or two faults share a cycle.

    Examples
    --------
    >>> normal = run(2)
    >>> normal.frames.shape[1:], normal.frames.dtype, normal.events
    ((32, 32, 1), dtype('uint8'), [])
    >>> faulty, twin = run(2, faults={1: "steps exchanged"}), run(2, faults={1: "steps exchanged"}, twin=True)
    >>> faulty.frames.shape == twin.frames.shape, (faulty.frames == twin.frames).all()
    (True, np.False_)
    >>> first, last = faulty.events[0][1:]
    >>> block = slice(first - 15, last + 16)
    >>> (faulty.frames[block] == twin.frames[block][::-1]).all()
    np.True_
    """
    arguments.integer("cycles", cycles, 1)
    arguments.integer("seed", seed, 0, 2**32 - 1)
    arguments.integer("start", start, 0)
    arguments.flag("twin", twin)
    arguments.number("noise", noise, 0, 2 * NOISE)
    at = _by_cycle(faults or {}, cycles)
    drawn = [_cycle(seed, start + cycle, *at.get(cycle, ("", 0))) for cycle in range(cycles)]
    ends = np.cumsum([len(poses.belt) for poses, _ in drawn])
    usual, shown = (_Poses(*map(np.concatenate, zip(*poses, strict=True))) for poses in zip(*drawn, strict=True))
    shown = _with_wrong_parts(shown, at, ends)
    wrong = _differ(usual, shown)
    return Run(_draw(usual if twin else shown, noise), wrong, _events(at, ends, wrong))


def windows(
    run: Run, n: int, length: int = 16, seed: int = 0, *, every: int = 1
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Draw windows of a run to train on: half end in a frame that is wrong, and as many of these in each fault.

    Without faults, none does. Windows may overlap, and be the same.

    Parameters
    ----------
    run : Run
    n : int
        How many.
    length : int
        T, in frames.
    seed : int
        From 0 to 2**32 - 1.
    every : int
        A window takes each frame, or each second one, and so on.

    Returns
    -------
    uint8 array (n, T, 32, 32, 1)
    int64 array (n,)
        1 if the last frame is wrong, else 0.

    Raises
    ------
    TypeError
        If an argument has another type.
    ValueError
        If a value is not among those above, or the run is shorter than a window.

    Examples
    --------
    >>> x, y = windows(run(9, faults={2: "press late", 5: "arm stutters"}), 8, 16)
    >>> x.shape, y.tolist()
    ((8, 16, 32, 32, 1), [0, 1, 0, 1, 0, 1, 0, 1])
    """
    arguments.integer("n", n, 1)
    arguments.integer("seed", seed, 0, 2**32 - 1)
    ages = arguments.integer("every", every, 1) * np.arange(arguments.integer("length", length, 1))[::-1]
    right, *wrong = _moments(run, int(ages[0]))
    if not len(right):
        raise ValueError(f"run must be longer than a window, {ages[0] + 1} frames, not {len(run.frames)}")
    turns = [moments for fault in wrong for moments in (right, fault)] or [right]
    taken = [turns[i % len(turns)] for i in range(n)]
    ends = np.array([moments[hash32(seed, i) % len(moments)] for i, moments in enumerate(taken)])
    return run.frames[ends[:, None] - ages], run.wrong[ends].astype(np.int64)


def _moments(run, first):
    """List the frames from ``first`` on that are right, and then for each kind of fault those that are wrong."""
    moments = [first + np.flatnonzero(~run.wrong[first:])]
    for fault in FAULTS:
        spans = [np.arange(max(event.first, first), event.last + 1) for event in run.events if event.fault == fault]
        if spans:
            frames = np.concatenate(spans)
            moments.append(frames[run.wrong[frames]])
    return moments


def _by_cycle(faults, cycles):
    """For each cycle with a fault, its name, and in which of the fault's cycles this is."""
    at = {}
    for cycle, fault in faults.items():
        arguments.choice("faults", fault, FAULTS)
        last = cycle + CYCLES[fault]
        if not 0 <= cycle < last <= cycles:
            raise ValueError(
                f"faults must be over before the run is: {fault!r} takes cycles {cycle} to {last - 1}, "
                f"and this run has cycles 0 to {cycles - 1}"
            )
        for taken in range(cycle, last):
            if taken in at:
                raise ValueError(f"faults must not share a cycle: {at[taken][0]!r} and {fault!r} are both in {taken}")
            at[taken] = fault, taken - cycle
    return at


def _drawn(seed, cycle, word, low, high):
    """Draw an integer from low to high, for a cycle; the one before the first is -1."""
    return low + int(hash32(seed, 0x6D616368, cycle + 1, word)) % (high - low + 1)


def _cycle(seed, cycle, fault, since):
    """Draw a cycle's poses, as it is usually and with its fault; parts are as they should be in both."""
    grown = GROWTH * (since + 1) if fault == "drift" else 0
    taken = {"press late": LATE, "arm stutters": HELD, "drift": grown}.get(fault, 0)  # from the rest after the press
    before = BEFORE[1] if fault == "drift" else _drawn(seed, cycle, 0, *BEFORE)
    after = _drawn(seed, cycle, 1, AFTER[0] + taken, AFTER[1])
    arm = BELT + before
    press = arm + STEP + PAUSE
    frames = np.arange(press + STEP + after)
    usual = {name: np.zeros(len(frames), np.int64) for name in _Poses._fields}
    usual["belt"][:BELT] = PITCH - PITCH // BELT * (1 + frames[:BELT])
    usual["arm"][arm : arm + STEP] = usual["press"][press : press + STEP] = THERE_AND_BACK
    old, new = (_drawn(seed, number, 2, -LIGHT, LIGHT) for number in (cycle - 1, cycle))
    usual["light"][:] = old + (new - old) * np.minimum(1 + frames, BELT) // BELT
    usual["key"][:] = hash32(seed, 0x6E6F6973, cycle, frames)
    usual = _Poses(**usual)
    order = frames.copy()
    if fault == "steps exchanged":
        block = slice(arm - REST, press + STEP + REST)
        order[block] = frames[block][::-1]
    elif fault in ("press late", "drift"):
        moment = press if fault == "press late" else arm
        order = np.concatenate([frames[:moment], frames[len(frames) - taken :], frames[moment : len(frames) - taken]])
    elif fault == "arm stutters":
        still = arm + STEP // 4
        moves = np.concatenate([frames[:still], np.full(HELD, still), frames[still : len(frames) - HELD]])
        return usual, usual._replace(arm=usual.arm[moves], press=usual.press[moves])
    return usual, _Poses(*(field[order] for field in usual))


def _with_wrong_parts(poses, at, ends):
    """Put wrong parts on the belt: each lies to the left in its own cycle, then to the right, then it leaves."""
    wrong = {cycle: PARTS[fault] for cycle, (fault, since) in at.items() if fault in PARTS and not since}
    left, right, leaving = (
        np.repeat([wrong.get(cycle - age, GOOD) for cycle in range(len(ends))], np.diff(ends, prepend=0))
        for age in range(3)
    )
    return poses._replace(left=left, right=right, leaving=leaving)


def _differ(poses, others):
    """Tell which frames differ in more than light and noise; (N,)."""
    pairs, which = np.unique(np.stack([_codes(poses), _codes(others)]), axis=1, return_inverse=True)
    return np.array([(_picture(a) != _picture(b)).any() for a, b in pairs.T])[which.ravel()]


def _events(at, ends, wrong):
    begins = np.concatenate([[0], ends])
    spans = {cycle: (fault, cycle + CYCLES[fault]) for cycle, (fault, since) in at.items() if not since}
    events = []
    for cycle, (fault, end) in sorted(spans.items()):
        frames = begins[cycle] + np.flatnonzero(wrong[begins[cycle] : begins[end]])
        events.append(Event(fault, int(frames[0]), int(frames[-1])))
    return events


def _codes(poses):
    """Give poses that look alike, but for light and noise, one number; (N,)."""
    return np.ravel_multi_index(poses[: len(VALUES)], VALUES)


def _draw(poses, noise):
    codes, which = np.unique(_codes(poses), return_inverse=True)
    pictures = np.stack([_picture(code) for code in codes])
    frames = np.empty((len(which), SIZE, SIZE, 1), np.uint8)
    for start in range(0, len(which), FRAMES_AT_ONCE):
        part = slice(start, start + FRAMES_AT_ONCE)
        grey = pictures[which[part]] + poses.light[part, None, None].astype(np.int16)
        frames[part, ..., 0] = grey + noise_of(poses.key[part], SIZE, noise) if noise else grey
    return frames


@cache
def _picture(code):
    """Draw a pose without light and noise, int16 (32, 32)."""
    belt, arm, press, *parts = np.unravel_index(code, VALUES)
    covered = np.zeros((SIZE, 2 * SIZE), np.int64)  # so wide that what leaves the picture can be drawn
    for part, x in zip(parts, PART_X, strict=True):
        if part != MISSING:
            y, x = PART_Y - PART_BOX // 2, SIZE // 2 + x - belt - PART_BOX // 2
            shape = _part()[::-1] if part == TURNED else _part()
            covered[y : y + PART_BOX, x : x + PART_BOX] = shape * GREY["part"]
    covered = covered[:, SIZE // 2 : SIZE // 2 + SIZE]
    covered[BELT_Y : BELT_Y + 2] = GREY["belt"] * SUBPIXELS**2
    covered = np.maximum(covered, _arm(arm) * GREY["arm"])
    covered[: PRESS_Y + PRESS_STEP * press, slice(*PRESS_X)] = GREY["press"] * SUBPIXELS**2
    return (BACKGROUND + (covered + SUBPIXELS**2 // 2) // SUBPIXELS**2).astype(np.int16)


def _part():
    """Draw a part, a triangle: how many subpixels of each pixel it covers, (PART_BOX, PART_BOX)."""
    return _covered(shape_cells(KINDS.index("triangle"), PART_SIZE, PART_BOX * SUBPIXELS))


def _arm(pose):
    """Draw the arm, a bar with round ends: how many subpixels of each pixel it covers, (32, 32)."""
    place = 2 * np.arange(SIZE * SUBPIXELS) + 1  # in half subpixels, so that the centres are integers
    y, x = place[:, None] - 2 * ARM_Y * SUBPIXELS, place[None] - 2 * ARM_X * SUBPIXELS
    tip_y, tip_x = (2 * length for length in ARM_TIPS[pose])
    length, half = tip_y**2 + tip_x**2, ARM_WIDTH * SUBPIXELS
    along, across = tip_y * y + tip_x * x, tip_y * x - tip_x * y
    beside = (along >= 0) & (along <= length) & (across**2 <= half**2 * length)
    round_ends = np.minimum(y**2 + x**2, (y - tip_y) ** 2 + (x - tip_x) ** 2) <= half**2
    return _covered(beside | round_ends)


def _covered(cells):
    """Count the subpixels of each pixel."""
    side = len(cells) // SUBPIXELS
    return cells.reshape(side, SUBPIXELS, side, SUBPIXELS).sum((1, 3))
