"""Which videos a folder holds, and which frames of each can be used: read from the containers, not from the pictures.

A damaged film is bad from some time on. A decoder is no protection: behind a fault it may return wrong pictures without
a warning. So what a container declares is compared with what it holds. Behind a fault, frames are used only from the
next keyframe on whose time is certain.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import numpy as np

from . import arguments, progress
from .video_frames import DamagedError, File, decoded, film_stream, opened, pyav

__all__ = ["Bad", "Index", "index", "recording"]

PICTURES = {".bmp", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp"}
NO_FILMS = {"concat", "dash", "hls", "tty"}  # text, or a list of other files
LITTER = {"desktop.ini", "thumbs.db"}  # what file managers leave
_WITHOUT_TIMES = 0x80  # FFmpeg's flag of a stream of pictures without a container
_SKIPPED = 64  # bytes between two packets, from which on something may have been skipped


class Bad(NamedTuple):
    """What cannot be used.

    Attributes
    ----------
    path : Path
    reason : str
    seconds : float or None
        The time at which the damage begins, if what comes before can be used; else None.
    """

    path: Path
    reason: str
    seconds: float | None


class Index(NamedTuple):
    """The videos of a folder, see `index`.

    Attributes
    ----------
    files : list of File
        Each video with at least one usable frame.
    bad : list of Bad
        Each file that cannot be used, and each damage in a file that can be used in part.
    classes : tuple of str
        The names of the classes, in alphabetical order: label i means ``classes[i]``.
    """

    files: list[File]
    bad: list[Bad]
    classes: tuple[str, ...]


class _Unusable(Exception):  # noqa: N818 (it says what the file is)
    """Why a file cannot be used at all."""


def recording(path: Path) -> str:
    """Return the source of a video by the default rule: the name of the folder or file, without its ending.

    Examples
    --------
    >>> recording(Path("videos/walk/anna_1.mp4"))
    'anna_1'
    """
    return path.stem if path.suffix and not path.is_dir() else path.name


def index(
    folder: str | os.PathLike[str],
    *,
    source: Callable[[Path], str] = recording,
    verify: bool = False,
    picture_rate: float = 25,
) -> Index:
    """List the videos in ``folder``, which has one folder per class, and say what of each video can be used.

    A class holds films, ``class/film.mp4``, and recordings as folders of frame pictures, ``class/recording/9.png``,
    ``10.png``. Folders within a class may be nested. Pictures are sorted by number. Hidden files are ignored.

    Only the container and one picture of each film are read, which finds what is missing. Damage within pictures shows
    only when they are decoded; ``verify`` decodes every frame now. Behind a fault, frames are used again from the next
    keyframe on, unless the container only counts frames, as AVI does. Frames that decode without an error can still be
    wrong, because a codec has no checksum: look at your films.

    Parameters
    ----------
    folder : str or path
    source : callable
        Path -> str: the recording that a video belongs to. The default is its name.
    verify : bool
        Whether to decode every frame.
    picture_rate : float
        Frames per second of the pictures in folders, which have no times.

    Returns
    -------
    Index
        ``files``, ``bad``, ``classes``.

    Raises
    ------
    TypeError
        If ``source`` cannot be called or returns no str, or another argument is not of its type.
    ValueError
        If ``folder`` is not a folder, or holds no folder.
    """
    top = Path(folder)
    verify = arguments.flag("verify", verify)
    picture_rate = arguments.number("picture_rate", picture_rate, 1e-3, 1e5)
    if not callable(source):
        raise TypeError(f"source must be a function of a path, not {source!r}: give lambda path: path.stem")
    if not top.is_dir():
        raise ValueError(f"folder must be a folder with one folder per class, not {str(folder)!r}, which is no folder")
    if not any(path.is_dir() for path in top.iterdir()):
        raise ValueError(
            f"folder must be a folder with one folder per class, not {str(folder)!r}, which holds no folder: "
            "move the films of each class into a folder with the name of the class"
        )
    bad: list[Bad] = []
    places = list(_places(top, bad))
    files = []
    for path, class_name, pictures in progress.counted(places, len(places), "videos indexed"):
        faults: list[Bad] = []
        try:
            file = _recording(path, pictures, picture_rate, faults) if pictures else _film(path, faults)
            file = _decodable(file, verify, faults)
        except _Unusable as problem:
            bad.append(Bad(path, str(problem), None))
            continue
        bad += faults
        files.append(replace(file, class_name=class_name, source=_named(source, path)))
    classes = tuple(sorted({file.class_name for file in files}))
    files = [replace(file, label=classes.index(file.class_name)) for file in files]
    return Index(files, sorted(bad, key=lambda row: (_natural(str(row.path)), row.seconds or 0)), classes)


def _named(source, path):
    name = source(path)
    if not isinstance(name, str):
        raise TypeError(f"source must return a str, not {name!r} for {path}: return str(...)")
    return name


# Which files there are


def _natural(name):
    """Sort 2 before 10."""
    return [int(part) if part.isdecimal() else part for part in re.split(r"(\d+)", name)], name


def _listed(folder, bad):
    """List what a folder holds, sorted as numbers, without hidden files; what cannot be listed is bad."""
    try:
        names = sorted(os.listdir(folder), key=_natural)
    except OSError as error:
        bad.append(Bad(folder, f"a folder that cannot be read: {error.strerror}", None))
        return []
    found = [folder / name for name in names if not name.startswith(".") and name.lower() not in LITTER]
    if not found:
        bad.append(Bad(folder, "an empty folder", None))
    return found


def _places(top, bad):
    """Yield (path, name of the class, names of the pictures) of all that may be a video; a film has no pictures."""
    for folder in _listed(top, bad):
        if folder.is_dir():
            yield from _within(folder, folder.name, True, {folder.resolve()}, bad)
        else:
            bad.append(Bad(folder, "it is outside of the folders of the classes", None))


def _within(folder, class_name, is_class, parents, bad):
    listed = _listed(folder, bad)
    pictures = [path.name for path in listed if path.suffix.lower() in PICTURES and not path.is_dir()]
    if pictures and is_class:
        count = f"{len(pictures)} picture{'s' * (len(pictures) > 1)}"
        why = f"{count} in the folder of a class itself: each recording needs its own folder"
        bad.append(Bad(folder, why, None))
    elif pictures:
        yield folder, class_name, tuple(pictures)
    for path in listed:
        if path.name in pictures:
            continue
        if not path.is_dir():
            yield path, class_name, ()
        elif path.resolve() in parents:
            bad.append(Bad(path, "a link to a folder that contains it", None))
        else:
            yield from _within(path, class_name, False, parents | {path.resolve()}, bad)


# What a film's container holds


class _Packet(NamedTuple):
    """What a container says of one frame, before it is decoded; times in ticks, place in bytes."""

    shown: int | None
    decoded: int | None
    lasts: int
    place: int
    is_key: bool
    is_torn: bool


class _Content(NamedTuple):
    """What a container holds."""

    packets: list[_Packet]  # of the film
    hidden: int  # packets of the film besides, that are decoded and not shown, as the container says
    led_in: bool  # whether such packets come first
    extents: list[tuple[int, int]]  # first byte and end of the packets of all streams
    start: float  # of the first packet of all, in seconds
    end: float  # of the last one
    stopped: str | None  # what ended the reading before the end


def _film(path, bad):
    """Read a film's container, and return what can be used of it if no picture is damaged."""
    _check_file(path)
    try:
        container = opened(path)
    except pyav().error.FFmpegError as error:
        raise _Unusable(f"no film that can be read: {error.strerror}") from None
    with container:
        stream = film_stream(container)
        kind = container.format.name
        if stream is None or kind in NO_FILMS:
            raise _Unusable("no film: it holds no video")
        if stream.codec_context is None:
            raise _Unusable("there is no decoder for its codec")
        if container.format.flags & _WITHOUT_TIMES:
            raise _Unusable(f"no container that gives times, only bare {kind}; or the beginning of one is damaged")
        content = _content(container, stream)
        if not content.packets:
            raise _Unusable("no usable frame: the container holds none")
        file, order = _all_frames(path, stream, kind, content)
        faults = _faults(container, stream, content, file, order, bad)
    for packet, why in sorted(faults.items(), reverse=True):  # from the end, so that indices stay right
        first = int(order[packet:].min())
        keys = (int(order[later]) for later in range(packet + 1, len(order)) if content.packets[later].is_key)
        end = file.frames if file.counted else next(keys, file.frames)
        file = _without(file, first, max(first + 1, end), why, bad)
    if not len(file.keys) or file.keys[0]:
        end = int(file.keys[0]) if len(file.keys) else file.frames
        file = _without(file, 0, end, "it does not begin with a keyframe", bad)
    return file


def _check_file(path):
    """Say why a file cannot be read, before FFmpeg tries."""
    try:
        state = path.stat()
        if not stat.S_ISREG(state.st_mode):
            raise _Unusable("not a file, but a device, a pipe or a socket")
        with path.open("rb"):
            pass
    except OSError as error:
        nowhere = path.is_symlink() and not path.exists()
        raise _Unusable("a link that leads nowhere" if nowhere else f"cannot be opened: {error.strerror}") from None
    if not state.st_size:
        raise _Unusable("an empty file")


def _content(container, stream):
    """Read all packets of a container."""
    packets, extents, start, end, stopped = [], [], np.inf, 0.0, None
    hidden, led_in = 0, False
    try:
        for packet in container.demux():
            if not packet.size:
                continue
            lasts, place = packet.duration or 0, -1 if packet.pos is None else packet.pos
            if place >= 0:
                extents.append((place, place + packet.size))
            if packet.pts is not None:
                start = min(start, float(packet.pts * packet.time_base))
                end = max(end, float((packet.pts + lasts) * packet.time_base))
            if packet.stream_index != stream.index:
                continue
            if packet.is_discard:
                hidden, led_in = hidden + 1, led_in or not packets
            else:
                packets.append(_Packet(packet.pts, packet.dts, lasts, place, packet.is_keyframe, packet.is_corrupt))
    except pyav().error.FFmpegError as error:
        stopped = error.strerror
    return _Content(packets, hidden, led_in, extents, start, end, stopped)


def _all_frames(path, stream, kind, content):
    """Return a `File` with every frame of the container, and the index of the frame that each packet holds."""
    packets, tick = content.packets, stream.time_base
    moments = [packet.shown for packet in packets]
    counted = kind == "avi" or None in moments or len(set(moments)) < len(moments)
    if counted:
        moments = [packet.decoded for packet in packets]
        if None in moments or len(set(moments)) < len(moments):
            moments, tick = range(len(packets)), 1 / Fraction(stream.average_rate or stream.guessed_rate or 25)
    moments = np.array(moments, np.int64)
    order = np.argsort(np.argsort(moments))
    keys = [0] if counted else np.unique([0] * content.led_in + [*order[[packet.is_key for packet in packets]]])
    lasts = packets[int(moments.argmax())].lasts
    moments.sort()
    return _all_of(path, moments, tick, lasts or _interval(moments), keys, counted), order


def _all_of(path, moments, tick, last, keys, counted=False, pictures=()):
    """Return a `File` with all frames; whose it is and how it looks comes later."""
    file = File(
        path=path,
        class_name="",
        label=-1,
        source="",
        frames=0,
        seconds=0.0,
        rate=0.0,
        width=0,
        height=0,
        rotation=0,
        moments=moments,
        tick=tick,
        origin=int(moments[0]),
        last=int(last),
        keys=np.array(keys, np.int64),
        breaks=np.zeros(0, np.int64),
        counted=counted,
        pictures=pictures,
    )
    return _with_length(file)


def _with_length(file):
    seconds = float(file.ends[-1] * file.tick)
    return replace(file, frames=len(file.moments), seconds=seconds, rate=len(file.moments) / seconds)


def _interval(moments):
    """Return the usual distance of two frames, in ticks."""
    return int(np.median(np.diff(moments))) if len(moments) > 1 else 1


# What of it is damaged


def _faults(container, stream, content, file, order, bad):
    """Compare what a container declares with what it holds; {the first doubtful packet: what is wrong}.

    The packet before a loss is doubtful, as the damage may begin within it.
    """
    kind, last = container.format.name, len(content.packets) - 1
    tick, interval = float(file.tick), _interval(file.moments)
    held, declared = len(content.packets) + content.hidden, 0
    faults = {k: "a packet is torn" for k, packet in enumerate(content.packets) if packet.is_torn}
    if kind == "avi":
        declared = stream.frames
        held = max(held, int(file.moments[-1]) + 1)  # a frame may be left out, to show the one before for longer
        lost = [k for k, _ in _skipped(content)] if held < declared else []
        if held < declared and _begins_late(content, container.name):
            lost = [0]
        for k in lost[:1]:
            faults[k] = f"packets are missing: the container declares {declared} frames and holds {held}"
    elif kind.startswith("mov"):
        declared = len(stream.index_entries)
    elif kind.startswith("matroska"):
        for k, skipped in _skipped(content):
            gap = int(file.moments[order[k + 1 :].min()] - file.moments[order[: k + 1].max()])
            if gap > 1.5 * interval:
                faults[k] = f"packets are missing: {skipped} bytes are skipped, and {gap * tick:.3f} s"
        if content.start > 1.5 * interval * tick:
            bad.append(Bad(file.path, f"it begins at {content.start:.3f} s, and what was before that is missing", 0.0))
        whole = (container.duration or 0) / 1e6
        if content.end < whole - 1.5 * interval * tick:
            faults[last] = f"it ends early: the container declares {whole:.3f} s and ends at {content.end:.3f} s"
    if held < declared and not faults:
        faults[last] = f"it ends early: the container declares {declared} frames and holds {held}"
    if content.stopped:
        faults[last] = f"it cannot be read any further: {content.stopped}"
    if kind == "gif" and not _ends_with(container.name, b";"):
        faults[last] = "it ends early"
    return faults


def _begins_late(content, name):
    """Tell whether bytes are skipped before the first packet of an AVI."""
    with open(name, "rb") as file:
        start = file.read(2**16).find(b"movi")
    return 0 < start < min(content.extents)[0] - _SKIPPED


def _ends_with(name, sign):
    """Tell whether a file ends with a sign, but for zeros."""
    with open(name, "rb") as file:
        file.seek(max(0, os.path.getsize(name) - 64))
        return file.read().rstrip(b"\0").endswith(sign)


def _skipped(content):
    """Find bytes that belong to no packet, more than is usual between two; [(the packet before them, how many)]."""
    if len(content.extents) < 2:
        return []
    extents = np.array(sorted(content.extents))
    between = extents[1:, 0] - extents[:-1, 1]
    places = np.array([packet.place for packet in content.packets])
    found = []
    for hole in np.flatnonzero(between > max(_SKIPPED, 4 * np.median(between))):
        before = np.flatnonzero(places < extents[hole, 1])
        if 0 < len(before) < len(places):
            found.append((int(before[-1]), int(between[hole])))
    return found


def _without(file, first, end, why, bad):
    """Take the frames from ``first`` up to ``end`` out of those that can be used, and say so."""
    lost, left = end - first, file.frames - end
    seconds = float(file.times[first])
    if lost == file.frames:
        raise _Unusable(f"no usable frame: {why}")
    again = f"; usable again from the keyframe at {file.times[end]:.3f} s on" if left else ""
    bad.append(Bad(file.path, f"{why}; {lost} frame{'s' * (lost > 1)} from there on cannot be used{again}", seconds))

    def kept(indices):
        return np.concatenate([indices[indices < first], indices[indices >= end] - lost])

    breaks = kept(file.breaks)
    if left and first not in breaks:
        breaks = np.sort(np.append(breaks, first))
    shorter = replace(
        file,
        moments=np.delete(file.moments, slice(first, end)),
        last=file.last if left else _interval(file.moments),
        keys=kept(file.keys),
        breaks=breaks,
        pictures=file.pictures[:first] + file.pictures[end:],
    )
    return _with_length(shorter)


def _decodable(file, verify, bad):
    """Decode the first frame, or every one; take out what cannot be decoded, and note how it looks."""
    start, size = 0, None
    while start < file.frames and (verify or not start):
        try:
            for _, frame in decoded(file, np.arange(start, file.frames if verify else 1)):
                size = size or (frame.width, frame.height, getattr(frame, "rotation", 0))
            break
        except DamagedError as damage:
            later = file.keys[file.keys > damage.index]
            end = int(later[0]) if len(later) else file.frames
            first = damage.index
            if not file.pictures:
                first = max(start, first - 1)  # the damage may begin within the frame before
            file, start = _without(file, first, end, damage.why, bad), first
    width, height, turn = size
    turn = round(turn / 90) % 4 * 90
    return replace(file, width=height if turn % 180 else width, height=width if turn % 180 else height, rotation=turn)


# Folders of pictures


def _recording(path, pictures, rate, bad):
    """Return the pictures of a folder as a `File`: each can be used by itself, and its number is its time."""
    numbers = _numbers(pictures)
    file = _all_of(path, numbers, 1 / Fraction(rate), 1, np.arange(len(pictures)), pictures=pictures)
    for gap in np.flatnonzero(np.diff(numbers) > 1):
        missing = int(numbers[gap + 1] - numbers[gap] - 1)
        why = f"{missing} picture{'s' * (missing > 1)} missing between {pictures[gap]} and {pictures[gap + 1]}"
        bad.append(Bad(path, why, float(file.times[gap + 1])))
        file = replace(file, breaks=np.append(file.breaks, gap + 1))
    return _with_length(file)


def _numbers(pictures):
    """Return the place of each picture in time, by the last number in its name if most follow at one distance."""
    found = [re.findall(r"\d+", Path(name).stem) for name in pictures]
    plain = np.arange(len(pictures))
    if len(pictures) < 3 or not all(number and len(number[-1]) < 18 for number in found):
        return plain
    numbers = np.array([int(number[-1]) for number in found], np.int64)
    steps = np.diff(numbers)
    usual = int(np.median(steps))
    if usual < 1 or (steps % usual).any() or (steps < 1).any():
        return plain
    return (numbers - numbers[0]) // usual
