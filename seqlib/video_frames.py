"""Frames of one video: which frames a file holds, and the pixels of those that are wanted.

PyAV decodes; it is imported when it is used. Each decoded frame is compared with the times that `File` has noted, so
that no frame is taken for another one.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from . import arguments

__all__ = [
    "COLOURS",
    "DamagedError",
    "File",
    "Look",
    "decoded",
    "decoder",
    "film_stream",
    "look",
    "opened",
    "pixels",
    "pyav",
    "read",
    "shown",
]

COLOURS = {"rgb": 3, "grey": 1, "rgba": 4}
"""What the pixels can be, and how many channels that takes."""

_FORMATS = {"rgb": "rgb24", "grey": "gray", "rgba": "rgba"}  # as FFmpeg calls them
_WORTH_A_SEEK = 16  # frames to be decoded for nothing, from which on a seek is quicker


@dataclass(frozen=True)
class File:
    """One video: a film, or a folder of frame pictures. Only its usable frames count.

    Attributes
    ----------
    path : Path
        The film, or the folder of the pictures.
    class_name : str
    label : int
        The place of ``class_name`` in `Index.classes`.
    source : str
        The recording. `split` never puts one source into two parts.
    frames : int
        How many frames can be used.
    seconds : float
        How long these are shown.
    rate : float
        Frames per second, on average.
    width, height : int
        In pixels, as it is shown: after the rotation.
    rotation : int
        Degrees by which a stored frame is turned counter-clockwise to be shown: 0, 90, 180 or 270.
    moments : int64 array (frames,)
        When each frame is shown, in ticks of the container.
    tick : Fraction
        In seconds.
    origin : int
        When the film's first frame is shown, usable or not, in ticks.
    last : int
        How many ticks the last frame is shown.
    keys : int64 array
        Indices of the frames at which decoding can begin; only 0 if frames are counted.
    breaks : int64 array
        Indices of the frames that follow a gap of unusable frames; 0 if the gap is at the beginning of the film.
    counted : bool
        Whether the container counts its frames instead of giving each its time, as AVI does.
    pictures : tuple of str
        The names of the pictures in a folder; empty for a film.
    """

    path: Path
    class_name: str
    label: int
    source: str
    frames: int
    seconds: float
    rate: float
    width: int
    height: int
    rotation: int
    moments: NDArray[np.int64] = field(repr=False, compare=False)
    tick: Fraction = field(repr=False)
    origin: int = field(repr=False)
    last: int = field(repr=False)
    keys: NDArray[np.int64] = field(repr=False, compare=False)
    breaks: NDArray[np.int64] = field(repr=False, compare=False)
    counted: bool = field(repr=False)
    pictures: tuple[str, ...] = field(repr=False)

    @property
    def times(self) -> np.ndarray:
        """When each frame is shown, in seconds after the film's first one; float64 (frames,)."""
        return np.multiply(self.moments - self.origin, float(self.tick), dtype=np.float64)

    @property
    def ends(self) -> np.ndarray:
        """When each frame ends if the usable frames are shown one after another, in ticks; int64 (frames,)."""
        shown = np.append(np.diff(self.moments), self.last)
        shown[self.breaks[self.breaks > 0] - 1] = self.last
        return np.cumsum(shown)


class DamagedError(ValueError):
    """A frame that cannot be decoded, with its file and the time at which it would be shown.

    Attributes
    ----------
    index : int
        Of the frame, among the usable frames of the file.
    why : str
    """

    def __init__(self, file: File, index: int, why: str) -> None:
        self.index, self.why = index, why
        hint = "seqlib.video.index(folder, verify=True) finds the frames that can be used"
        super().__init__(f"{file.path} is damaged from {file.times[index]:.3f} s on: {why}; {hint}")


def pyav() -> Any:
    """Import PyAV, or say how to install it.

    Raises
    ------
    ImportError
        If it is not installed.
    """
    try:
        import av
    except ImportError as error:
        raise ImportError("seqlib.video reads films with PyAV, which is not installed: pip install av") from error
    return av


def opened(film: Path | BinaryIO) -> Any:
    """Open a film for reading, an `av.container.InputContainer`; a film in an open file need not be seekable.

    A file that only points to others, such as a playlist, gets no access to the network.
    """
    options = {"protocol_whitelist": "file"}
    file = str(film.absolute()) if isinstance(film, Path) else film
    return pyav().open(file, container_options=options, metadata_errors="replace")


def film_stream(container: Any) -> Any:
    """Return the first stream of pictures that is no cover of an album; None if there is none."""
    cover = pyav().stream.Disposition.attached_pic
    return next((stream for stream in container.streams.video if not stream.disposition & cover), None)


def decoder(container: Any, threads: int) -> Any:
    """Set up the decoder of the first video stream, and return the stream: as strict as it can be, on several cores."""
    stream = film_stream(container)
    stream.thread_type = "AUTO"
    stream.codec_context.thread_count = threads
    stream.codec_context.options = {"err_detect": "explode"}  # errors, and not pictures that were guessed
    return stream


def _key_before(file, index):
    """Return the index of the last frame up to ``index`` at which decoding can begin."""
    return int(file.keys[np.searchsorted(file.keys, index, "right") - 1])


def decoded(file: File, wanted: NDArray[np.int64], *, threads: int = 0) -> Iterator[tuple[int, Any]]:
    """Decode frames of a video; yields (index, `av.VideoFrame`), as they are stored: not turned, not scaled.

    Parameters
    ----------
    file : File
    wanted : int array
        Indices, sorted, each once.
    threads : int
        For the decoder; 0 is one for each core.

    Raises
    ------
    DamagedError
        If a wanted frame, or one before it that it rests on, cannot be decoded or has another time than was noted.
    """
    if file.pictures:
        yield from _loaded(file, wanted)
        return
    for start, part in _stretches(file, wanted):
        yield from _decoded(file, start, part, threads)


def _decoded(file, start, wanted, threads):
    """Decode from one keyframe on, with a decoder of its own: after a fault, or a seek, no old one is exact."""
    av, position, needed = pyav(), start, set(wanted.tolist())
    with opened(file.path) as container:
        frames = _frames_from(container, decoder(container, threads), file, start)
        while position <= wanted[-1]:
            try:
                frame = next(frames)
            except StopIteration:
                raise DamagedError(file, position, "the file ends before this frame") from None
            except av.error.FFmpegError as error:
                raise DamagedError(file, position, f"it cannot be decoded, {error.strerror}") from error
            if not file.counted:
                if frame.pts is None or frame.pts < file.moments[position]:
                    continue  # of the time before the keyframe, which it would need
                if frame.pts > file.moments[position]:
                    raise DamagedError(file, position, "the decoder leaves this frame out")
            if position in needed:
                yield position, frame
            position += 1


def _stretches(file, wanted):
    """Divide the wanted frames into stretches to decode in one go; pairs (where to begin, the wanted frames)."""
    start = position = _key_before(file, wanted[0])
    part = []
    for index in wanted:
        key = _key_before(file, index)
        broken = ((file.breaks > position) & (file.breaks <= index)).any()
        if part and key > position and (broken or key - position > _WORTH_A_SEEK):
            yield start, np.array(part)
            start, part = key, []
        part.append(index)
        position = int(index)
    yield start, np.array(part)


def _frames_from(container, stream, file, start):
    """Decode from one keyframe on. Whether a seek was exact tells the keyframe's time; if not, read up to there."""
    from_the_top = start == 0 and 0 not in file.breaks
    packets = container.demux(stream) if from_the_top else _packets_from(container, stream, int(file.moments[start]))
    for packet in packets:
        yield from packet.decode()


def _packets_from(container, stream, moment):
    """Read from the keyframe of this moment on, without decoding what lies before it."""
    for seek in (lambda: container.seek(moment, stream=stream), lambda: container.seek(0)):
        with suppress(pyav().error.FFmpegError):
            seek()
        packets = container.demux(stream)
        for packet in packets:
            if packet.is_keyframe and packet.pts == moment:
                yield packet
                yield from packets
                return
            if packet.is_keyframe and packet.pts is not None and packet.pts > moment:
                break  # the seek went too far


class Look(NamedTuple):
    """How frames shall look: height and width, the length of the shorter side before that is cut out, the colours."""

    height: int
    width: int
    short_side: int | None
    colour: str

    @property
    def shape(self) -> tuple[int, int, int]:
        """Of a frame, (H, W, C)."""
        return self.height, self.width, COLOURS[self.colour]


def look(size: int | tuple[int, int], short_side: int | None, colour: str) -> Look:
    """Check the options of `read`, and put them into one tuple.

    Raises
    ------
    TypeError, ValueError
        If one of them is not what `read` allows.
    """
    pair = size if isinstance(size, (tuple, list)) else (size, size)
    if len(pair) != 2:
        raise TypeError(f"size must be one integer or a pair (height, width), not {size!r}")
    height, width = (arguments.integer("size", side, 1, 8192) for side in pair)
    if short_side is not None:
        short_side = arguments.integer("short_side", short_side, max(height, width), 8192)
    return Look(height, width, short_side, arguments.choice("colour", colour, COLOURS))


def read(
    file: File,
    indices: NDArray[np.int64],
    size: int | tuple[int, int] = 112,
    *,
    short_side: int | None = None,
    colour: str = "rgb",
    threads: int = 0,
) -> NDArray[np.uint8]:
    """Read frames of a video: turned upright, scaled, cropped to their centre, and in the colours that you choose.

    Parameters
    ----------
    file : File
    indices : int array (n,)
        The frames, in any order. A frame that is named twice is decoded once.
    size : int or (int, int)
        Height and width. The frame is scaled without distortion so that it just covers this, and what is left over on
        two sides is cut off.
    short_side : int, optional
        Scale the shorter side to this length before ``size`` is cut out. It is at least the larger one of ``size``.
    colour : str
        ``"rgb"``, ``"grey"`` or ``"rgba"``. If a video has no alpha, it is 255; if you do not ask for alpha, it is
        dropped.
    threads : int
        Threads of the decoder; 0 means one per core.

    Returns
    -------
    uint8 array (n, H, W, C)

    Raises
    ------
    TypeError
        If an argument is not of its type.
    ValueError
        If an index is not that of a frame; if ``colour`` or a size is not among those above.
    DamagedError
        If one of the frames cannot be decoded. It is also a ValueError.
    """
    how = look(size, short_side, colour)
    wanted, place = np.unique(indices, return_inverse=True)
    if len(wanted) and not 0 <= wanted[0] <= wanted[-1] < file.frames:
        raise ValueError(f"indices must be from 0 to {file.frames - 1} in {file.path}, not {wanted[0]} to {wanted[-1]}")
    found = np.zeros((len(wanted), *how.shape), np.uint8)
    for row, pixels in zip(found, shown(file, wanted, how, threads=threads), strict=True):
        row[:] = pixels
    return found if np.array_equal(place, np.arange(len(wanted))) else found[place]


def shown(file: File, wanted: NDArray[np.int64], how: Look, *, threads: int = 0) -> Iterator[NDArray[np.uint8]]:
    """Yield frames as `read` returns them, one after another; the arguments are those of `decoded`, and a `Look`."""
    reformatter = pyav().video.reformatter.VideoReformatter()  # one for all: each has tables that take long to make
    for _, frame in decoded(file, wanted, threads=threads) if len(wanted) else ():
        yield pixels(frame, file.rotation, how, reformatter)


def _loaded(file, wanted):
    """Load pictures; yields (index, `av.VideoFrame`)."""
    for index in wanted.tolist():
        try:
            with Image.open(file.path / file.pictures[index]) as picture:
                array, layout = _upright(picture)
        except (OSError, SyntaxError, ValueError) as error:  # what Pillow raises, file by file
            raise DamagedError(file, index, f"{file.pictures[index]}, {error}") from error
        yield index, pyav().VideoFrame.from_ndarray(array, format=layout)


def _upright(picture):
    """Return a picture's pixels, turned as its camera says, in 8 bits, and what FFmpeg calls their layout."""
    picture = ImageOps.exif_transpose(picture)
    if picture.mode.startswith("I"):  # 16 bits
        return (np.asarray(picture) // 257).astype(np.uint8), "gray"
    if picture.mode in ("1", "L"):
        return np.asarray(picture.convert("L")), "gray"
    has_alpha = picture.mode in ("LA", "PA", "RGBA") or "transparency" in picture.info
    return np.asarray(picture.convert("RGBA" if has_alpha else "RGB")), "rgba" if has_alpha else "rgb24"


def pixels(frame: Any, rotation: int, how: Look, reformatter: Any) -> NDArray[np.uint8]:
    """Scale a frame so that it covers what is wanted, turn it, and cut out its centre; uint8 (H, W, C)."""
    tall, wide = _scaled(frame.height, frame.width, rotation % 180 == 90, how)
    scaled = reformatter.reformat(frame, wide, tall, _FORMATS[how.colour]).to_ndarray()
    if rotation:
        scaled = np.rot90(scaled, rotation // 90)
    top, left = (scaled.shape[0] - how.height) // 2, (scaled.shape[1] - how.width) // 2
    return scaled[top : top + how.height, left : left + how.width].reshape(how.height, how.width, -1)


@lru_cache
def _scaled(height, width, turned, how):
    """Return the height and width to which a stored frame is scaled."""
    least = (how.width, how.height) if turned else (how.height, how.width)
    scale = max(Fraction(least[0], height), Fraction(least[1], width))
    if how.short_side is not None:
        scale = max(scale, Fraction(how.short_side, min(height, width)))
    return max(least[0], round(height * scale)), max(least[1], round(width * scale))
