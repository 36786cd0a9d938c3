"""Tasks: what is asked of a clip, the clips that ask it, and the twins that a blind model cannot tell apart."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from . import arguments, rendering
from .rendering import KINDS, SUBPIXELS, FrameTable

__all__ = ["DEFAULTS", "DIRECTIONS", "TASKS", "Draw", "Options", "Task", "clips", "find", "twins", "visible"]

DIRECTIONS = ("right", "left", "down", "up")  # neighbours are opposites: direction ^ 1 is the way back
STEP_Y, STEP_X = np.array([0, 0, 1, -1]), np.array([1, -1, 0, 0])


class Options(NamedTuple):
    """How clips are drawn: the options of `clips`, checked, with every default filled in."""

    frames: int
    resolution: int
    size: tuple[int, int]  # pixels, (lowest, highest)
    speed: tuple[int, int]  # 1/SUBPIXELS pixel a frame, (lowest, highest)
    brightness: tuple[int, int]  # grey levels, (lowest, highest)
    noise: float
    block: tuple[int, ...]  # frames, one number for each class
    gap: int | None
    onset: tuple[int, int] | None  # frames, (first, last); None: wherever there is room

    def length(self, block: Any) -> Any:
        """From the first frame that shows something to the last, in frames, for blocks of ``block``."""
        return block if self.gap is None else 2 * block + self.gap

    def span_of_onsets(self, block: Any) -> tuple[Any, Any]:
        """First and last frame at which blocks of ``block`` may begin; with a blank frame at either end, if it fits."""
        room = self.frames - self.length(block)
        margin = np.minimum(1, room // 2)
        return self.onset or (margin, room - margin)


@dataclass(frozen=True)
class Draw:
    """The random numbers of clips ``index`` of a task: each a hash of (task, seed, what it is for, index), no state."""

    task: str
    seed: int
    index: NDArray[np.int64]
    options: Options

    def _word(self, name, *more):
        return rendering.hash32(crc32(self.task.encode()), self.seed, crc32(name.encode()), *more)

    def __call__(self, name: str, low: Any, high: Any) -> NDArray[np.int64]:
        """One integer from ``low`` to ``high`` (each a number or (n,)) for each clip, int64; a fresh draw a name."""
        return low + self._word(name, self.index).astype(np.int64) % (high - low + 1)

    def labels(self, classes: int) -> NDArray[np.int64]:
        """Labels, int64 (n,), such that every aligned run of ``classes`` clips holds each class once."""
        return (self.index + self._word("label", self.index // classes).astype(np.int64)) % classes

    def appearance(
        self,
        name: str,
        start: NDArray[np.int64],
        length: NDArray[np.int64],
        kind: NDArray[np.int64] | None = None,
        direction: NDArray[np.int64] | None = None,
    ) -> FrameTable:
        """One shape, seen for ``length`` (n,) frames from frame ``start`` (n,) on, drifting steadily; a frame table.

        Brightness, size, speed and the position in frame T // 2 are drawn; so are kind and direction if not given.
        """
        frames, resolution = self.options.frames, self.options.resolution
        time = np.arange(frames)
        kind = self(f"{name} kind", 0, len(KINDS) - 1) if kind is None else kind
        direction = self(f"{name} direction", 0, len(DIRECTIONS) - 1) if direction is None else direction
        travelled = self(f"{name} speed", *self.options.speed)[:, None] * (time - frames // 2)
        y, x = (self(f"{name} {axis}", 0, resolution * SUBPIXELS - 1)[:, None] for axis in "yx")
        contrast = self(f"{name} brightness", *self.options.brightness)[:, None] - rendering.BACKGROUND
        since = time - start[:, None]
        moment = rendering.hash32(time)  # not the bare number: clips with nearly equal hashes would share their noise
        every_frame = np.ones_like(since)
        return FrameTable(
            kind=kind[:, None] * every_frame,
            size=self(f"{name} size", *self.options.size)[:, None] * every_frame,
            y=y + STEP_Y[direction][:, None] * travelled,
            x=x + STEP_X[direction][:, None] * travelled,
            contrast=np.where((since >= 0) & (since < length[:, None]), contrast, 0),
            noise=self._word("noise", self.index[:, None], moment),
        )


@dataclass(frozen=True)
class Task:
    """A question about clips.

    Attributes
    ----------
    name : str
    question : str
    classes : tuple of str
        The answers; label i means ``classes[i]``.
    twins : tuple of str
        The kinds of `twins` that exist for it.
    table : callable
        (Draw, labels, onsets, blocks), the last three int (n,), -> FrameTable: what each frame shows.
    layout : callable
        Number of frames -> (block, gap): for how many frames a shape is seen, one number or one for each class; and
        how many blank frames lie between two blocks, None for a task that has one.
    defaults : dict
        Options of `clips` whose defaults differ for this task.
    least_frames : int
        With fewer frames the question makes no sense.
    least_block : int
        With fewer frames in a block the question makes no sense.
    needs_motion : bool
        Whether the answer lies in the motion: then nothing stands still.
    """

    name: str
    question: str
    classes: tuple[str, ...]
    twins: tuple[str, ...]
    table: Callable[..., FrameTable]
    layout: Callable[[int], tuple[int | tuple[int, ...], int | None]]
    defaults: dict[str, Any] = field(default_factory=dict)
    least_frames: int = 1
    least_block: int = 1
    needs_motion: bool = False

    @property
    def chance(self) -> float:
        """Accuracy of a model that cannot see what is asked, one over the number of classes."""
        return 1 / len(self.classes)


def _whole_clip(frames):
    return frames, None


def _two_blocks(frames):
    return max(1, frames // 8), max(1, 3 * frames // 8)


def _flash(frames):
    return (0, 1), None


def _four_durations(frames):
    return tuple(eighths * frames // 8 for eighths in (1, 3, 5, 7)), None


def _shape(draw, label, onset, block):
    return draw.appearance("shape", onset, block, kind=label)


def _direction(draw, label, onset, block):
    return draw.appearance("shape", onset, block, direction=label)


def _anything(draw, label, onset, block):
    return draw.appearance("shape", onset, block)


DISC, CROSS = KINDS.index("disc"), KINDS.index("cross")


def _order(draw, label, onset, block):
    first = draw.appearance("first", onset, block, kind=np.where(label == 0, DISC, CROSS))
    later = onset + block + draw.options.gap
    second = draw.appearance("second", later, block, kind=np.where(label == 0, CROSS, DISC))
    return FrameTable(*(np.where(second.contrast > 0, b, a) for a, b in zip(first, second, strict=True)))


TASKS: dict[str, Task] = {
    task.name: task
    for task in (
        Task(
            name="shape",
            question="Which of four shapes is it?",
            classes=KINDS,
            twins=("shift",),
            table=_shape,
            layout=_whole_clip,
        ),
        Task(
            name="direction",
            question="Which way does it move?",
            classes=DIRECTIONS,
            twins=("middle", "reverse", "shift"),
            table=_direction,
            layout=_whole_clip,
            least_frames=2,
            least_block=2,
            needs_motion=True,
        ),
        Task(
            name="order",
            question="Which of two shapes came first?",
            classes=("disc first", "cross first"),
            twins=("swap", "shift"),
            table=_order,
            layout=_two_blocks,
            least_frames=3,
        ),
        Task(
            name="event",
            question="Did something flash, in one single frame?",
            classes=("nothing", "a flash"),
            twins=("shift",),
            table=_anything,
            layout=_flash,
            defaults={"size": (5, 8), "brightness": (88, 112), "noise": 12},
        ),
        Task(
            name="duration",
            question="For what part of the clip was it there?",
            classes=("one eighth", "three eighths", "five eighths", "seven eighths"),
            twins=("stretch", "shift"),
            table=_anything,
            layout=_four_durations,
            defaults={"speed": (0, 0.5)},
            least_frames=8,
        ),
    )
}
"""The tasks by name, ``"shape"``, ``"direction"``, ``"order"``, ``"event"`` and ``"duration"``; each is a `Task`."""

DEFAULTS: dict[str, Any] = {
    "frames": 16,
    "resolution": 32,
    "size": (8, 11),
    "speed": (1, 2),
    "brightness": rendering.BRIGHTNESS,
    "noise": 8,
    "block": None,
    "gap": None,
    "onset": None,
}
"""The options of `clips` and their defaults; a task's own ones come first. None depends on the task and the frames."""

ATLAS_PIXELS = 2**18  # sizes times pixels of a frame; the atlas takes 1,024 bytes for each


def _options(task, kind=None, *given):
    """Check the options of `clips`, in the order of DEFAULTS, and fill in the defaults where they are None.

    Some defaults depend on the task and on other options.
    """
    own = {name: value for name, value in zip(DEFAULTS, given, strict=False) if value is not None}
    frames, resolution, size, speed, brightness, noise, block, gap, onset = (DEFAULTS | task.defaults | own).values()

    frames = arguments.integer("frames", frames, task.least_frames, 4096)
    resolution = arguments.integer("resolution", resolution, 8, 512)
    size = arguments.span("size", size, 2, resolution)
    if 2 * size[1] > resolution:
        raise ValueError(f"resolution must be at least twice the largest size, {2 * size[1]}, not {resolution}")
    if (size[1] - size[0] + 1) * resolution**2 > ATLAS_PIXELS:
        most = max(1, ATLAS_PIXELS // resolution**2)
        raise ValueError(
            f"size must span at most {most} size{'s' * (most > 1)} at a resolution of {resolution}, not {size}"
        )
    slowest = 1 / SUBPIXELS if task.needs_motion else 0
    fastest = resolution / 2 - 1 / SUBPIXELS  # half a frame to the left is half a frame to the right
    speed = arguments.span("speed", speed, slowest, fastest, step=1 / SUBPIXELS)
    brightness = arguments.span("brightness", brightness, rendering.BACKGROUND + 1, rendering.BRIGHTNESS[1])
    noise = arguments.number("noise", noise, 0, rendering.MAX_NOISE)

    default_block, default_gap = task.layout(frames)
    if isinstance(default_block, tuple):
        if block is not None:
            raise ValueError(f"block must be left out, not {block!r}: in the task {task.name!r} it is the answer")
    else:
        if kind == "shift" and default_gap is None:
            default_block = max(task.least_block, frames // 2)  # a block that fills the clip could not be shifted
        block = arguments.integer("block", default_block if block is None else block, task.least_block, frames)
        default_block = (block,) * len(task.classes)
    if default_gap is None and gap is not None:
        raise ValueError(f"gap must be left out, not {gap!r}: the task {task.name!r} has one block")
    if default_gap is not None:
        gap = arguments.integer("gap", default_gap if gap is None else gap, 1, frames)
    options = Options(frames, resolution, size, speed, brightness, noise, default_block, gap, None)

    longest = options.length(max(default_block))
    room = frames - longest
    if room < 0:
        raise ValueError(f"frames must be at least {longest} for blocks of {block} and a gap of {gap}, not {frames}")
    if kind == "shift" and room == 0:
        raise ValueError(
            f"block must leave a blank frame, so that it can be shifted, but it takes {longest} of {frames} frames"
        )
    if kind == "shift" and onset is None:
        margin = min(1, (room - 1) // 2)
        onset = margin, room - margin
    if onset is not None:
        onset = arguments.span("onset", onset, 0, room)
    if kind == "shift" and onset[0] == onset[1]:
        raise ValueError(f"onset must be two different frames from 0 to {room} to shift between, not {onset}")
    return options._replace(onset=onset)


def find(task: str | Task) -> Task:
    """Return the `Task` of that name; a `Task` is returned as it is.

    Raises
    ------
    TypeError
        If ``task`` is neither a str nor a `Task`.
    ValueError
        If `TASKS` has no task of that name.
    """
    if isinstance(task, Task):
        return task
    return TASKS[arguments.choice("task", task, TASKS)]


def _draw(task, n, seed, start, options):
    """Check n, seed and start; return the random numbers of those clips."""
    n = arguments.integer("n", n, 1, 2**32)
    seed = arguments.integer("seed", seed, 0, 2**32 - 1)
    start = arguments.integer("start", start, 0, 2**32 - n)
    return Draw(task.name, seed, np.arange(start, start + n), options)


def _table(task, draw, label, onset=None):
    """Draw the frame table of clips with these labels, begun where they may or at ``onset`` (n,)."""
    block = np.array(draw.options.block)[label]
    if onset is None:
        onset = draw("onset", *draw.options.span_of_onsets(block))
    return task.table(draw, label, onset, block)


def clips(
    task: str | Task,
    n: int,
    seed: int = 0,
    *,
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
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Draw labelled clips of moving shapes.

    Clip i is a pure function of (task, options, seed, i): ``clips(task, 10, start=90)`` are the last ten of
    ``clips(task, 100)``, on any machine, byte for byte. An option that is None has the default named here.

    Parameters
    ----------
    task : str or Task
        A key of `TASKS`: ``"shape"``, ``"direction"``, ``"order"``, ``"event"`` or ``"duration"``.
    n : int
        How many clips.
    seed : int
        Clips of different seeds are unrelated: take one seed to train on and another to test on.
    start : int
        The index of the first clip.
    frames : int, default 16
        Frames in a clip, T.
    resolution : int, default 32
        Height and width of a frame, H = W, in pixels.
    size : int or (int, int), default (8, 11); for ``event`` (5, 8)
        Lowest and highest size of a shape: the side, in pixels, of the square of equal area.
    speed : float or (float, float), default (1, 2); for ``duration`` (0, 0.5)
        Lowest and highest speed in pixels a frame, in eighths, below half the resolution. Borders are periodic: what
        leaves on one side comes back on the other.
    brightness : int or (int, int), default (128, 191); for ``event`` (88, 112)
        Lowest and highest grey level of a shape, from 65 to 191; the background is 64.
    noise : float, default 8; for ``event`` 12
        Standard deviation of the noise in grey levels, at most 18. Each frame has noise of its own.
    block : int, default frames; for ``order`` frames // 8
        For how many frames a shape is seen. In ``event`` (none or one) and ``duration`` (1, 3, 5 or 7 eighths of the
        frames) it is the answer, and cannot be set.
    gap : int, default 3 * frames // 8
        Blank frames between the two blocks of ``order``. The other tasks have one block, and no gap.
    onset : int or (int, int), default anywhere
        First and last frame at which the first block may begin. By default a blank frame is left at either end, if
        there is room.

    Returns
    -------
    x : uint8 array (n, T, H, W, 1)
        Grey levels: a shape on a background of 64, and noise.
    y : int64 array (n,)
        Labels: ``TASKS[task].classes[y[i]]`` is the answer for clip i.

    Raises
    ------
    TypeError
        If an argument is not of its type: a number given as a str or a bool, 1.5 frames, three sizes.
    ValueError
        If there is no such task; if a number is outside its range, or a pair not in order; if ``resolution`` is less
        than twice the largest size, or too many sizes are asked for at a high one; if ``frames`` are too few for the
        blocks and the gap; if the task has no such option: ``block`` where it is the answer, ``gap`` with one block.

    Examples
    --------
    >>> x, y = clips("direction", n=8, seed=1)
    >>> x.shape, x.dtype, y.shape
    ((8, 16, 32, 32, 1), dtype('uint8'), (8,))
    >>> bool((clips("direction", n=2, seed=1, start=6)[0] == x[6:]).all())
    True
    """
    task = find(task)
    options = _options(task, None, frames, resolution, size, speed, brightness, noise, block, gap, onset)
    draw = _draw(task, n, seed, start, options)
    label = draw.labels(len(task.classes))
    table = _table(task, draw, label)
    return rendering.render(table, options.size, options.resolution, options.noise), label


def visible(
    task: str | Task,
    n: int,
    seed: int = 0,
    *,
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
) -> NDArray[np.int64]:
    """Say for each frame of the clips that `clips` draws with these arguments whether it shows a shape.

    Labels for every frame can be made from this, of whatever is asked at a frame about the frames up to it.

    Parameters
    ----------
    task, n, seed, start, frames, resolution, size, speed, brightness, noise, block, gap, onset
        As in `clips`.

    Returns
    -------
    int64 array (n, T)
        1 where a shape is seen, 0 where there is only background.

    Raises
    ------
    TypeError, ValueError
        If `clips` refuses these arguments.

    Examples
    --------
    Has there been a flash up to this frame?

    >>> flash = visible("event", n=2, frames=8)
    >>> np.maximum.accumulate(flash, axis=1).tolist()
    [[0, 0, 0, 0, 0, 0, 1, 1], [0, 0, 0, 0, 0, 0, 0, 0]]
    """
    task = find(task)
    options = _options(task, None, frames, resolution, size, speed, brightness, noise, block, gap, onset)
    draw = _draw(task, n, seed, start, options)
    return (_table(task, draw, draw.labels(len(task.classes))).contrast > 0).astype(np.int64)


def twins(
    task: str | Task,
    kind: str,
    n: int,
    seed: int = 0,
    *,
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
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Draw twin sets: clips that differ only in what the task asks about.

    ============ ============== = ==========================================================================
    kind         tasks          k the members of a set
    ============ ============== = ==========================================================================
    ``middle``   ``direction``  4 the four directions through one shared frame T // 2, noise included
    ``reverse``  ``direction``  2 a clip, and its frames in reverse order
    ``swap``     ``order``      2 a clip, and its two blocks of frames exchanged as they are
    ``stretch``  ``duration``   4 one shape, from one onset on, for each of the four durations
    ``shift``    all            2 a clip begun at frame ``onset[0]``, and the same frames begun at ``onset[1]``;
                                  same label: the answer must not change
    ============ ============== = ==========================================================================

    In ``reverse``, ``swap`` and ``shift`` the members hold the same frames, byte for byte, in another order. In
    ``stretch``, if ``speed`` and ``noise`` are 0, they hold the same two different frames, in other numbers.

    Parameters
    ----------
    task : str or Task
        A key of `TASKS`.
    kind : str
        One of ``TASKS[task].twins``.
    n : int
        How many twin sets.
    seed, start : int
        As in `clips`.
    frames, resolution, size, speed, brightness, noise, block, gap, onset
        As in `clips`, but for two defaults in ``shift``: ``block`` is frames // 2 where it would be the whole clip, and
        ``onset`` the first and the last frame that leave a blank one at either end, if there is room.

    Returns
    -------
    x : uint8 array (k, n, T, H, W, 1)
        ``x[:, i]`` is one twin set.
    y : int64 array (k, n)
        The labels.

    Raises
    ------
    TypeError
        If an argument is not of its type, as in `clips`.
    ValueError
        If the task has no twins of this kind, or anything that `clips` refuses; in ``shift``, if no blank frame is left
        to shift a block into, or ``onset`` is not two different frames.

    Examples
    --------
    >>> x, y = twins("direction", "middle", n=3)
    >>> x.shape, sorted(y[:, 0].tolist())
    ((4, 3, 16, 32, 32, 1), [0, 1, 2, 3])
    >>> bool((x[:, :, 8] == x[0, :, 8]).all())
    True
    """
    task = find(task)
    kind = arguments.choice("kind", kind, task.twins)
    options = _options(task, kind, frames, resolution, size, speed, brightness, noise, block, gap, onset)
    draw = _draw(task, n, seed, start, options)
    label = draw.labels(len(task.classes))
    time = np.arange(options.frames)
    if kind in ("middle", "stretch"):  # one scene, drawn for each label
        labels = np.arange(len(task.classes))[:, None] * np.ones_like(label)
        onsets = draw("onset", *options.span_of_onsets(max(options.block)))
        tables = [_table(task, draw, each, onsets) for each in labels]
    elif kind == "reverse":
        labels = np.stack([label, label ^ 1])
        table = _table(task, draw, label)
        tables = [table, table.permuted(np.tile(time[::-1], (len(label), 1)))]
    elif kind == "swap":
        labels = np.stack([label, 1 - label])
        length = options.block[0]
        onsets = draw("onset", *options.span_of_onsets(length))
        since, apart = time - onsets[:, None], length + options.gap
        in_first, in_second = (since >= 0) & (since < length), (apart <= since) & (since < apart + length)
        table = _table(task, draw, label, onsets)
        tables = [table, table.permuted(time + apart * in_first - apart * in_second)]
    else:  # shift: the frames go round, and what comes in from the end is blank
        labels = np.stack([label, label])
        first, last = options.onset
        table = _table(task, draw, label, np.full_like(label, first))
        tables = [table, table.permuted(np.tile(np.roll(time, last - first), (len(label), 1)))]
    x = [rendering.render(table, options.size, options.resolution, options.noise) for table in tables]
    return np.stack(x), labels
