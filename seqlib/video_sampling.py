"""Which frames of a video make a clip: uniform, strided (dense) and segment sampling, by the times of the frames."""

from __future__ import annotations

from typing import NamedTuple
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from . import arguments, rendering
from .video_frames import File

__all__ = ["PADDING", "SHORT", "Draw", "Sampling", "frame_indices", "segments", "strided", "uniform"]

SHORT = ("repeat", "loop", "lengths")
"""What fills a clip if a video is too short: the last frame again, the video again, or blank frames."""

PADDING = -1
"""Stands for a blank frame, in place of an index."""


class Sampling(NamedTuple):
    """How frames are chosen; made by `uniform`, `strided` or `segments`.

    Attributes
    ----------
    kind : str
    frames : int
        Frames in a clip, T.
    clips : int
        Clips from each video.
    short : str
        One of `SHORT`.
    every : int or None
        Frames from one to the next, in strided sampling by frames.
    seconds : float or None
        Seconds from one to the next, in strided sampling by times.
    """

    kind: str
    frames: int
    clips: int
    short: str
    every: int | None = None
    seconds: float | None = None


class Draw(NamedTuple):
    """Where random numbers come from: each is a hash of these, the video and the place, the same on every machine."""

    seed: int
    epoch: int = 0

    def __call__(self, file: File, what: str, *places: NDArray[np.int64] | int) -> NDArray[np.int64]:
        """Return a random number from 0 to 2**32 - 1 for each of the places, int64."""
        name = f"{file.class_name}/{file.path.name}".encode("utf-8", "surrogateescape")
        return np.asarray(rendering.hash32(self.seed, self.epoch, crc32(what.encode()), crc32(name), *places), np.int64)


def _sampling(kind, frames, clips, short, **more):
    frames = arguments.integer("frames", frames, 1, 4096)
    clips = arguments.integer("clips", clips, 1, 1024)
    return Sampling(kind, frames, clips, arguments.choice("short", short, SHORT), **more)


def uniform(frames: int = 16, *, clips: int = 1, short: str = "repeat") -> Sampling:
    """Take frames evenly over the whole video: the middle of each of T equal parts of its time.

    Parameters
    ----------
    frames : int
        In a clip, T.
    clips : int
        From each video. With several, each is a little later than the one before.
    short : str
        What fills the clip if a video has fewer frames: ``"repeat"`` its last frame, ``"loop"`` begins the video again,
        and ``"lengths"`` leaves blank frames and returns the number of real ones beside the clips.

    Returns
    -------
    Sampling

    Raises
    ------
    TypeError, ValueError
        If an argument is not among those above.

    Examples
    --------
    >>> uniform(8).frames
    8
    """
    return _sampling("uniform", frames, clips, short)


def strided(
    frames: int = 16, *, every: int | None = None, seconds: float | None = None, clips: int = 1, short: str = "repeat"
) -> Sampling:
    """Take frames at a fixed distance from a window of the video, which is also called dense sampling.

    In training the window begins at a random place. In testing it is in the centre, and several windows are spread
    evenly. No window contains a gap of missing frames.

    Parameters
    ----------
    frames : int
        In a clip, T.
    every : int, optional
        Take every n-th frame; 1 if ``seconds`` is not given either.
    seconds : float, optional
        The time from one frame to the next, whatever the frame rate is.
    clips : int
        From each video.
    short : str
        As in `uniform`.

    Returns
    -------
    Sampling

    Raises
    ------
    TypeError, ValueError
        If an argument is not among those above; if both ``every`` and ``seconds`` are given.

    Examples
    --------
    >>> strided(16, seconds=0.1).seconds
    0.1
    """
    if every is not None and seconds is not None:
        raise ValueError(f"every or seconds must be left out, not {every!r} and {seconds!r}: give only one of them")
    if seconds is None:
        return _sampling(
            "strided", frames, clips, short, every=arguments.integer("every", 1 if every is None else every, 1, 2**20)
        )
    return _sampling("strided", frames, clips, short, seconds=arguments.number("seconds", seconds, 1e-6, 86400))


def segments(frames: int = 16, *, clips: int = 1, short: str = "repeat") -> Sampling:
    """Take a frame from each of T segments of equal time, as TSN does: a random one in training, else the middle one.

    Parameters
    ----------
    frames : int
        In a clip, T, which is also the number of segments.
    clips : int
        From each video.
    short : str
        As in `uniform`.

    Returns
    -------
    Sampling

    Raises
    ------
    TypeError, ValueError
        If an argument is not among those above.

    Examples
    --------
    >>> segments(8, clips=3).kind
    'segments'
    """
    return _sampling("segments", frames, clips, short)


def frame_indices(
    file: File, sampling: Sampling, draw: Draw | None = None
) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Choose the frames of a video's clips.

    Parameters
    ----------
    file : File
    sampling : Sampling
    draw : Draw, optional
        For training. Without it, frames are chosen as in testing.

    Returns
    -------
    indices : int64 array (clips, T)
        Indices of usable frames, in order of time; `PADDING` stands for a blank frame.
    lengths : int32 array (clips,)
        How many frames of each clip are real: not padded, looped or repeated.

    Examples
    --------
    Of a film of 120 frames::

        frame_indices(film, uniform(4))  # [[15, 45, 75, 105]], [4]
    """
    choose = _window if sampling.kind == "strided" else _spread
    chosen = [choose(file, sampling, clip, draw) for clip in range(sampling.clips)]
    filled = [_filled(real, sampling) for real in chosen]
    return np.stack(filled), np.array([len(real) for real in chosen], np.int32)


def _filled(real, sampling):
    """Fill a clip up to its length."""
    place = np.arange(sampling.frames)
    if sampling.short == "loop":
        return real[place % len(real)]
    last = real[np.minimum(place, len(real) - 1)]
    return last if sampling.short == "repeat" else np.where(place < len(real), last, PADDING)


def _shown_at(ends, ticks):
    """Return the index of the frame that is shown at each of these times."""
    return np.minimum(np.searchsorted(ends, ticks, "right"), len(ends) - 1)


def _spread(file, sampling, clip, draw):
    """Choose a frame in each of T equal parts of the whole: at random, or at the same place of each."""
    if file.frames < sampling.frames:
        return np.arange(file.frames)
    ends, part = file.ends, np.arange(sampling.frames)
    total, frames = int(ends[-1]), sampling.frames
    if sampling.kind == "segments" and draw is not None:
        first = part * total // frames
        room = (part + 1) * total // frames - first
        return _shown_at(ends, first + draw(file, "segment", clip, part) % np.maximum(room, 1))
    slices = 2 * sampling.clips
    return _shown_at(ends, (slices * part + 2 * clip + 1) * total // (slices * frames))


def _window(file, sampling, clip, draw):
    """Choose frames at one distance, from a run of frames without a break: at random in training, else the longest."""
    borders = np.concatenate([[0], file.breaks[file.breaks > 0], [file.frames]])
    runs = list(zip(borders[:-1].tolist(), borders[1:].tolist(), strict=True))
    ends = file.ends
    starts = ends - np.diff(ends, prepend=0)
    if sampling.every is not None:  # frames are the unit of time
        starts = np.arange(file.frames)
        ends, step = starts + 1, sampling.every
    else:
        step = max(1, round(sampling.seconds / float(file.tick)))
    span = step * (sampling.frames - 1) + 1
    room = [max(0, int(ends[last - 1] - starts[first]) - span + 1) for first, last in runs]  # where it may begin
    if draw is None or not sum(room):
        first, last = max(runs, key=lambda run: int(ends[run[1] - 1] - starts[run[0]]))
        slack = max(0, int(ends[last - 1] - starts[first]) - span)
        begin = (2 * clip + 1) * slack // (2 * sampling.clips)
    else:
        begin = int(draw(file, "window", clip)) % sum(room)
        for (first, last), places in zip(runs, room, strict=True):  # noqa: B007
            if begin < places:
                break
            begin -= places
    ticks = starts[first] + begin + step * np.arange(sampling.frames)
    return _shown_at(ends, ticks[ticks < ends[last - 1]])
