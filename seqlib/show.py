"""Pictures: film strips, animations and learning curves, each a PNG that carries its own alternative text.

A picture's text is made from what it shows: `describe` looks at the pixels, `learning_curves` at the numbers.
"""

from __future__ import annotations

import gzip
import io
import textwrap
from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib.pyplot as plt
import numpy as np
from IPython.display import Image as IPythonImage
from IPython.display import display
from matplotlib import get_data_path
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import ArrayLike, NDArray
from PIL import Image, ImageDraw, ImageFont

from . import alarms, arguments, rendering

__all__ = [
    "ACROSS",
    "CELLS",
    "FAMILIES",
    "MARK",
    "STYLE",
    "Family",
    "Picture",
    "animation",
    "arrays",
    "confusion_matrix",
    "describe",
    "film_strip",
    "frame_image",
    "glue",
    "learning_curves",
    "matrix",
    "picture",
    "png",
    "watching",
]


class Family(NamedTuple):
    """A row of `FAMILIES`: how a family is drawn, everywhere in the course, and how it can be built.

    Attributes
    ----------
    colour, marker, dashes : str
        As Matplotlib takes them.
    settings : tuple of dict
        What its function in `seqlib.models` can be given besides, by keyword; each is a model that is tested.
    """

    colour: str
    marker: str
    dashes: str
    settings: tuple[dict[str, Any], ...] = ({},)


# The table of families, by the names of their functions in `seqlib.models`. Each colour has a contrast of 3 : 1 or
# more on white and on the book's dark page. The first nine are at least 24 apart (CIE76) for normal sight and for each
# of the three kinds of colour blindness. There is no tenth such colour: any other is at least 18 away from them.
# Kin have kindred colours.
FAMILIES: dict[str, Family] = {
    "single_frame": Family("#745d51", "o", "-"),
    "early_fusion": Family("#e87400", "s", "-"),
    "average_pooling": Family("#68a25d", "^", "--"),
    "max_pooling": Family("#c580a2", "v", "--"),
    "attention_pooling": Family("#a280dc", "D", "--", ({}, {"positions": True})),
    "conv3d": Family("#5151d1", "P", "-"),
    "conv2plus1d": Family("#8204ff", "X", "-"),
    "cnn_rnn": Family("#c50c17", "<", "-.", ({}, {"cell": "simple"}, {"cell": "lstm"}, {"features": "pooled"})),
    "conv_lstm": Family("#a4308b", ">", "-."),
}
"""The families by the names of their functions in `seqlib.models`: a `Family` for each, which says how it is drawn."""

# The cells of `cnn_rnn`, in colours kin to its red. Only a dark green is 18 away from all of the nine colours above.
# These two are at least 16 away from each of them, and 36 from each other. Their markers are no family's.
CELLS: dict[str, Family] = {
    "simple": Family("#985678", "p", "--"),
    "gru": FAMILIES["cnn_rnn"],
    "lstm": Family("#fa4c4c", "d", "-"),
}
"""How the cells of the family ``cnn_rnn`` are drawn where they are compared; by the names that it takes as ``cell``."""

# The words of `measure.outcome`, and how each is marked in `matrix`: by its form, in the colour of the cell's text.
OUTCOMES: dict[str, dict[str, Any]] = {
    "solved": {"marker": "o", "markersize": 6},
    "hard": {"marker": "o", "markersize": 6, "fillstyle": "bottom", "markerfacecoloralt": "none"},
    "memorised": {"marker": "s", "markersize": 5.5, "markerfacecolor": "none"},
    "collapsed": {"marker": "x", "markersize": 5.5, "markeredgewidth": 1.6},
}

MARK = "#e87400"
INK = "#2B2B33"
MOST_FRAMES = 128  # of a clip in a film strip, unless more are asked for
MOST_CELLS = 2000  # of one array that is drawn number by number
MOST_PIXELS = 2_000_000  # of an animation, over all frames, unless a scale is asked for
ACROSS = 0.11, 0.985
"""Where the time of a picture of `watching` begins and ends, in shares of its width."""

STYLE = Path(__file__).with_name("seqlib.mplstyle")
"""The file with the Matplotlib style of all pictures, for ``plt.style.context(STYLE)``."""

_WARM = LinearSegmentedColormap.from_list("warm", ["#F4F4F1", "#F0A050"])
_SHADES = LinearSegmentedColormap.from_list("shades", ["#F4F4F1", "#7C7CE0", "#2F2FA8"])


class Picture(IPythonImage):
    """A PNG for notebooks that says in words what it shows: in its metadata, and wherever it is printed.

    Attributes
    ----------
    svg : str
        The same as SVG, which a notebook then stores and shows besides; or "".
    """

    svg = ""

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> Any:
        data, metadata = super()._repr_mimebundle_(include, exclude)
        if self.svg:
            data, metadata = data | {"image/svg+xml": self.svg}, metadata | {"image/svg+xml": metadata["image/png"]}
        return data, metadata

    def __repr__(self) -> str:
        return self.metadata["alt"]


def describe(clip: NDArray[np.uint8]) -> str:
    """Say in words what a clip of the course shows, from its pixels alone.

    Each frame is compared with all shapes of size 4 or more at all places (by a matched filter); below size 6 it may
    misname them, and under the strongest noise, 18, it overlooks about 6 in 100 flashes of the task ``event``, small
    and dim ones. It leaves out a way back of less than a pixel, and a way to the side that is less than a third of the
    whole.

    Shapes are looked for only where they can be: in grey square frames of 8 to 64 pixels, on the course's background
    and its noise. Of any other clip only the number and the size of the frames are told, and whether it is in colour.

    Parameters
    ----------
    clip : uint8 array (T, H, W, C)

    Returns
    -------
    str

    Raises
    ------
    TypeError, ValueError
        If ``clip`` is not a uint8 array, or does not have four axes.

    Examples
    --------
    >>> import seqlib
    >>> x, y = seqlib.clips("direction", n=4, seed=7)
    >>> describe(x[0])
    'square moves down, 16 frames'
    >>> x, y = seqlib.clips("order", n=1, seed=7)
    >>> describe(x[0])
    'blank, 2 frames; cross moves up, 2 frames; blank, 6 frames; disc moves right, 2 frames; blank, 4 frames'
    >>> describe(np.zeros((128, 240, 320, 3), np.uint8))
    'clip, 128 frames of 240 x 320 pixels'
    """
    arguments.clip_array("clip", clip, rank=4)
    height, width = clip.shape[1:3]
    coloured = bool((_thinned(clip) != _thinned(clip)[..., :1]).any())
    if coloured or height != width or not 8 <= height <= 64 or not _on_our_ground(clip.mean(-1)):
        return f"{_frames(len(clip), 'clip')} of {height} x {width} pixels{', colour' * coloured}"
    kinds, rows, columns = _found(clip.mean(-1) - rendering.BACKGROUND)
    parts, start = [], 0
    for end in range(1, len(kinds) + 1):
        if end == len(kinds) or min(kinds[end], 0) != min(kinds[start], 0):
            parts.append(_part(kinds[start:end], rows[start:end], columns[start:end], height))
            start = end
    return "; ".join(parts)


def _thinned(clip):
    """Keep every so many rows and columns of a large clip, about 64 of each."""
    return clip[:, :: max(1, clip.shape[1] // 64), :: max(1, clip.shape[2] // 64)]


def _on_our_ground(grey):
    """Tell whether most pixels of frames (T, H, W) are the course's background, with noise that no pixels share.

    The sum of four neighbours varies as much as their crosswise difference if they are noise, and more in a picture.
    In frames of less than 20 pixels a shape covers too much to tell.
    """
    a, b, c, d = grey[:, :-1, :-1], grey[:, 1:, :-1], grey[:, :-1, 1:], grey[:, 1:, 1:]
    shared = grey.shape[-1] >= 20 and _spread(a + b + c + d) > 1.8 * _spread(a - b - c + d) + 2
    return abs(np.median(grey) - rendering.BACKGROUND) <= 8 and not shared


def _spread(values):
    return np.median(np.abs(values - np.median(values)))


_NO_SHAPE = {-1: "blank", -2: "no shape to be made out", -3: "several shapes"}
_BLANK, _UNKNOWN, _SEVERAL = _NO_SHAPE


@lru_cache(maxsize=128)
def _template(kind, size, side):
    """Transform a shape in a frame of side x side for a matched filter; complex (side, side // 2 + 1)."""
    cells = rendering.shape_cells(kind, size, side * rendering.SUBPIXELS)
    template = cells.reshape(side, rendering.SUBPIXELS, side, rendering.SUBPIXELS).mean((1, 3))
    template /= np.sqrt((template**2).sum())
    return np.conj(np.fft.rfft2(template))


def _found(grey):
    """For each frame, its kind of shape (or one of _NO_SHAPE) and the row and column of its middle; arrays (T,)."""
    side, frames = grey.shape[-1], np.arange(len(grey))
    spectra = np.fft.rfft2(grey)
    templates = list(product(range(len(rendering.KINDS)), range(4, side // 2 + 1)))
    peaks = []
    for kind, size in templates:
        match = np.fft.irfft2(spectra * _template(kind, size, side), s=(side, side))
        row, column = np.divmod(match.reshape(len(grey), -1).argmax(-1), side)
        above, below = match[frames, row - 1, column], match[frames, (row + 1) % side, column]
        left, right = match[frames, row, column - 1], match[frames, row, (column + 1) % side]
        peak = match[frames, row, column]
        # The top of a parabola through the peak and its neighbours; the clip is flat where all three are equal.
        row = row + (below - above) / np.maximum(4 * peak - 2 * (above + below), 1e-9)
        column = column + (right - left) / np.maximum(4 * peak - 2 * (left + right), 1e-9)
        peaks.append((peak, row, column))
    peak, row, column = np.array(peaks).transpose(1, 0, 2)
    best = peak.argmax(0), frames
    peak, row, column = peak[best], row[best], column[best]
    kind, size = np.array(templates)[best[0]].T
    spread = _spread(grey)
    noise = 1.48 * spread  # a matched filter's answer to noise varies as much
    least = np.maximum(7 * noise, 8 * size)
    seen = peak > least
    found = np.where(seen, kind, _BLANK)
    whole = (grey**2).sum((1, 2))
    energy = whole - np.where(seen, peak**2, 0)
    for t in np.flatnonzero(seen):
        match = np.fft.irfft2(spectra[t] * _template(kind[t], size[t], side), s=(side, side))
        others = _peaks(match, 1.5 * size[t], max(least[t], peak[t] / 2))[1:]
        if others:
            found[t] = _SEVERAL
            energy[t] -= np.square(others).sum()
    explained = energy < (1.4 * rendering.MAX_NOISE * side) ** 2  # what is left may be noise
    # Of what is not noise the shapes must explain two thirds. Of a comb of pixels they explain less. The noise is known
    # to half a grey level, and its energy varies.
    own_noise = (1.48 * (spread + 0.5)) ** 2 * side * (side + 8)
    explained &= ~seen | (energy - own_noise < (whole - energy) / 2)
    return np.where(explained, found, _UNKNOWN), row, column


def _peaks(match, apart, least):
    """List the peaks above ``least``, highest first, that are at least ``apart`` pixels apart; frames are periodic."""
    match, side, peaks = match.copy(), len(match), []
    while (peak := match.max()) > least:
        peaks.append(peak)
        place = np.divmod(match.argmax(), side)
        down, right = (np.abs((np.arange(side) - at + side // 2) % side - side // 2) for at in place)
        match[(down[:, None] < apart) & (right < apart)] = 0
    return peaks


def _part(kinds, rows, columns, side):
    """Describe consecutive frames that are all blank, all unknown, or all hold a shape."""
    if kinds[0] < 0:
        return _frames(len(kinds), _NO_SHAPE[kinds[0]])
    name = _name(kinds)
    if len(kinds) == 1:
        return _frames(1, name)
    steps = ((np.diff(at) + side / 2) % side - side / 2 for at in (rows, columns))
    return _frames(len(kinds), f"{name} {_motion(*steps)}")


def _name(kinds):
    """Name the shape of consecutive frames; it changes if most are in runs of one kind, and those kinds differ."""
    runs = np.split(kinds, np.flatnonzero(np.diff(kinds)) + 1)
    lasting = [run for run in runs if len(run) >= min(3, max(2, len(kinds) / 2))]
    if len({run[0] for run in lasting}) > 1 and sum(map(len, lasting)) >= 0.75 * len(kinds):
        return "changing shape"
    return rendering.KINDS[np.bincount(kinds).argmax()]  # the others are misnamed


def _motion(down, right):
    """Say which way a shape moves, from its steps in pixels; both ways if it turns back once."""
    if max(down.std(), right.std()) > 1.5 and max(_spike(down), _spike(right)) > 2:
        return "jumps about"
    far_down, far_right = (max(map(abs, _legs(steps)), default=0) for steps in (down, right))
    vertical = ["down" if leg > 0 else "up" for leg in _legs(down) if far_down > far_right / 3]
    horizontal = ["right" if leg > 0 else "left" for leg in _legs(right) if far_right > far_down / 3]
    if len(vertical) == len(horizontal) == 1:
        return f"moves {horizontal[0]} and {vertical[0]}"
    if (vertical and horizontal) or len(vertical + horizontal) > 2:
        return "moves about"
    if vertical or horizontal:
        return f"moves {', then '.join(vertical + horizontal)}"
    moved_down, moved_right = down.sum(), right.sum()
    if max(abs(moved_down), abs(moved_right)) < 0.5:
        return "stands still"
    if abs(moved_right) >= abs(moved_down):
        return f"moves {'right' if moved_right > 0 else 'left'}"
    return f"moves {'down' if moved_down > 0 else 'up'}"


def _spike(steps):
    """Find by how much one step differs at most from the steps before and after it."""
    around = np.median(sliding_window_view(np.pad(steps, 1, "edge"), 3), axis=-1)
    return np.abs(steps - around).max()


def _legs(steps):
    """Sum up the steps that go one way, up to where the shape has turned back by more than a pixel; list of float."""
    legs, back = [0.0], 0.0
    for step in steps:
        back += step
        if back * legs[-1] >= 0:  # not back: further on
            legs[-1] += back
            back = 0.0
        elif abs(back) > 1:
            legs.append(back)
            back = 0.0
    return [leg for leg in legs if abs(leg) > 1]


def _frames(count, what):
    return f"{what}, {count} frame{'s' if count > 1 else ''}"


def _several(clips, names, alt):
    """Return clips as (k, T, H, W, C), their names and what to say of them: ``alt``, or else what is seen."""
    clips = np.asarray(clips)
    clips = arguments.clip_array("clips", clips[None] if clips.ndim == 4 else clips, rank=4 if clips.ndim < 4 else 5)
    if clips.shape[-1] not in (1, 3):
        raise ValueError(f"clips must have 1 channel or 3, not {clips.shape[-1]}")
    if isinstance(names, str):
        raise TypeError(f"names must be a sequence of str, one for each clip, not the str {names!r}")
    names = [""] * len(clips) if names is None else [str(name) for name in names]
    if len(names) != len(clips):
        raise ValueError(f"names must be {len(clips)} names, one for each clip, not {len(names)}")
    if alt is not None:
        return clips, names, _text("alt", alt)
    words = [f"{name}: {describe(clip)}" if name else describe(clip) for name, clip in zip(names, clips, strict=True)]
    return clips, names, " | ".join(words)


def _text(name, value):
    """Return ``value`` if it is a str."""
    if not isinstance(value, str):
        raise TypeError(f"{name} must be a str, not {value!r}")
    return value


def film_strip(
    clips: NDArray[np.uint8],
    names: Sequence[str] | None = None,
    *,
    every: int | None = None,
    mark: int | None = None,
    below: Sequence[str] | None = None,
    alt: str | None = None,
) -> Picture:
    """Lay the frames of one clip, or of several one below the other, side by side in time.

    Up to 24 frames stand in one row, more in rows of 16. Large frames are made smaller.

    Parameters
    ----------
    clips : uint8 array (T, H, W, C) or (k, T, H, W, C)
        One clip, or several, such as a twin set ``x[:, i]``.
    names : sequence of str, optional
        One for each clip.
    every : int, optional
        Show every so many frames; above 1, the picture and its text say so. Default: all frames, unless these are more
        than 128; then so many as keep to 128.
    mark : int, optional
        Outline this frame, one of those shown.
    below : sequence of str, optional
        What to write below the frames shown, one short text for each. Default: their numbers.
    alt : str, optional
        The alternative text, for what are not clips of the course. Default: what `describe` says of each.

    Returns
    -------
    Picture

    Raises
    ------
    TypeError
        If ``clips`` are not uint8, ``names`` or ``below`` is a single str, ``every`` or ``mark`` is not an integer, or
        ``alt`` not a str.
    ValueError
        If ``clips`` do not have four axes or five, or have neither one channel nor three; if ``names`` are not as many
        as the clips, or ``below`` not as many as the frames shown; if ``every`` is less than 1, or frame ``mark`` is
        not shown.

    Examples
    --------
    >>> import seqlib
    >>> x, y = seqlib.clips("direction", n=1, seed=7)
    >>> film_strip(x[0]).metadata["alt"]
    'Film strip. square moves down, 16 frames'
    >>> film_strip(np.zeros((300, 240, 320, 3), np.uint8)).metadata["alt"]
    'Film strip. clip, 300 frames of 240 x 320 pixels | shown: 100 of 300 frames, every 3rd'
    """
    clips, names, words = _several(clips, names, alt)
    frames = clips.shape[1]
    every = -(-frames // MOST_FRAMES) if every is None else arguments.integer("every", every, 1)
    shown = range(0, frames, every)
    if mark is not None and arguments.integer("mark", mark, 0) not in shown:
        raise ValueError(f"mark must be one of the frames shown, {list(shown)}, not {mark}")
    note = "" if every == 1 else f"shown: {len(shown)} of {frames} frames, every {_ordinal(every)}"
    if isinstance(below, str):
        raise TypeError(f"below must be a sequence of str, one for each frame shown, not the str {below!r}")
    labels = [str(label) for label in (shown if below is None else below)]
    if len(labels) != len(shown):
        raise ValueError(f"below must be {len(shown)} texts, one for each frame shown, not {len(labels)}")
    parts = [
        f"Film strip. {words}" if alt is None else words,
        "" if below is None or alt is not None else f"below the frames: {', '.join(labels)}",
        note,
        "" if mark is None else f"frame {mark} is outlined",
    ]
    drawn, width = _strip(clips, names, dict(zip(shown, labels, strict=True)), mark, note)
    colours = 64 if drawn.getcolors(64) or clips.shape[-1] == 1 else 256
    data = png(drawn.quantize(colours, dither=Image.Dither.NONE))
    return Picture(data, format="png", width=width, metadata={"alt": " | ".join(filter(None, parts))})


def _ordinal(number):
    ending = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"


def _strip(clips, names, shown, mark, note):
    """Draw the frames ``shown`` of each clip, {frame: text below it}; a PIL image and its width on a page."""
    count, _, height, width, _ = clips.shape
    across = min(len(shown), 16 if len(shown) > 24 else 24)
    room = min(1.2, 9.6 / across)  # inches, with a gap; 16 frames fill a page
    frame_width, frame_height = _fitted(width, height, room * 144 - 4)
    step = frame_width + 4
    unit = across * step / (across * room * 96)  # pixels of the picture for one of the page
    number_font, name_font, note_font = (_font(unit * size, bold) for size, bold in ((12, 0), (14.5, 1), (13, 0)))
    head, foot, gap = (round(unit * part) for part in (25 * any(names), 18, 4))
    rows = [list(shown)[start : start + across] for start in range(0, len(shown), across)]
    numbered = [
        k == count - 1 or len(rows) > 1 for k in range(count)
    ]  # one row a clip: numbers below the last are enough
    top = round(unit * 22) if note else 0
    tall = top + sum(head + len(rows) * (frame_height + gap + foot * below) for below in numbered)
    wide = max(
        [across * step, *(round(name_font.getlength(name)) + 8 for name in names), round(note_font.getlength(note))]
    )
    image = Image.new("RGB", (wide, tall), "#FFFFFF")
    draw = ImageDraw.Draw(image)
    draw.text((2, 0), note, INK, note_font)
    for clip, name, below in zip(clips, names, numbered, strict=True):
        draw.text((2, top + head // 8), name, INK, name_font)
        top += head
        for row in rows:
            for column, t in enumerate(row):
                left = column * step + 2
                image.paste(_enlarged(clip[t], frame_width, frame_height), (left, top + 2))
                if t == mark:
                    edge = left - 2, top, left + frame_width + 1, top + frame_height + 3
                    draw.rectangle(edge, outline=MARK, width=max(4, round(3 * unit)))
                if below:
                    place = left + frame_width / 2, top + frame_height + gap
                    draw.text(place, shown[t], INK, number_font, anchor="ma")
            top += frame_height + gap + foot * below
    return image, round(wide / unit)


def _fitted(width, height, room):
    """Choose the size, (width, height), of frames that have this room across, and twice as much down."""
    factor = min(room / width, 2 * room / height)
    factor = round(factor) if factor >= 1 else factor
    return max(1, round(width * factor)), max(1, round(height * factor))


def _enlarged(frame, width, height):
    """Make a PIL image of a frame (H, W, C), as large as that; its pixels stay squares, or are averaged."""
    image = Image.fromarray(np.broadcast_to(frame, (*frame.shape[:2], 3)).copy())
    larger = width >= image.width and height >= image.height
    return image.resize((width, height), Image.Resampling.NEAREST if larger else Image.Resampling.BOX)


@lru_cache(maxsize=16)
def _font(size, bold=False):
    """Load the font of Matplotlib's pictures, in pixels."""
    return ImageFont.truetype(Path(get_data_path(), "fonts", "ttf", f"DejaVuSans{'-Bold' * bold}.ttf"), size)


def animation(
    clips: NDArray[np.uint8],
    names: Sequence[str] | None = None,
    *,
    scale: int | None = None,
    frames_per_second: float = 8,
    alt: str | None = None,
) -> Picture:
    """Play one clip, or several side by side, as a small animated PNG.

    Parameters
    ----------
    clips : uint8 array (T, H, W, C) or (k, T, H, W, C)
    names : sequence of str, optional
        One for each clip, written above it.
    scale : int, optional
        Screen pixels a pixel, from 1 to 32. Default: 4, or less for large or many frames, which are made smaller.
    frames_per_second : float
        From 0.5 to 50.
    alt : str, optional
        The alternative text. Default: what `describe` says of each clip.

    Returns
    -------
    Picture
        It plays as many times as fit into five seconds, once at least, and then rests on its last frame.

    Raises
    ------
    TypeError
        If ``clips`` are not uint8, ``names`` is a single str, ``scale`` or ``frames_per_second`` is not a number, or
        ``alt`` not a str.
    ValueError
        If ``clips`` do not have four axes or five, or have neither one channel nor three; if ``names`` are not as many
        as the clips; if ``scale`` or ``frames_per_second`` is out of its range.

    Examples
    --------
    >>> import seqlib
    >>> x, y = seqlib.clips("direction", n=1, seed=7)
    >>> animation(x[0]).metadata["alt"]
    'Animation. square moves down, 16 frames'
    """
    clips, names, words = _several(clips, names, alt)
    count, length, height, width, _ = clips.shape
    pixels = count * length * height * width
    factor = min(4.0, 480 / width, (MOST_PIXELS / pixels) ** 0.5)
    factor = int(factor) if factor >= 1 else factor
    if scale is not None:
        factor = arguments.integer("scale", scale, 1, 32)
    milliseconds = 1000 / arguments.number("frames_per_second", frames_per_second, 0.5, 50)
    frames = [frame_image(clips, names, t, factor) for t in range(length)]
    loops = max(1, int(5000 / (milliseconds * length)))
    data = png(frames[0], save_all=True, append_images=frames[1:], duration=milliseconds, loop=loops)
    return Picture(data, format="png", metadata={"alt": f"Animation. {words}" if alt is None else words})


def frame_image(clips: NDArray[np.uint8], names: Sequence[str], t: int, scale: float) -> Image.Image:
    """Set frame ``t`` of clips (k, T, H, W, C) side by side, under their names, enlarged by ``scale``; a PIL image."""
    height, width = (max(1, round(side * scale)) for side in clips.shape[2:4])
    gap, head, font = max(2, round(2 * scale)), 20 if any(names) else 0, ImageFont.load_default(13)
    steps = [max(width, round(font.getlength(name))) + gap for name in names]
    image = Image.new("RGB", (sum(steps) - gap, height + head), "#FFFFFF")
    left = 0
    for clip, name, step in zip(clips, names, steps, strict=True):
        image.paste(_enlarged(clip[t], width, height), (left, head))
        ImageDraw.Draw(image).text((left, 2), name, INK, font)
        left += step
    return image


def png(image: Image.Image, **options: Any) -> bytes:
    """Encode a PIL image; bytes. Options are those of Pillow's PNG writer."""
    data = io.BytesIO()
    image.save(data, "PNG", optimize=True, **options)
    return data.getvalue()


def learning_curves(
    history: dict[str, list[float]],
    *,
    title: str = "",
    family: str = "single_frame",
    chance: float | None = None,
    alt: str | None = None,
) -> Picture:
    """Draw accuracy over epochs, in training and in validation.

    Parameters
    ----------
    history : dict
        As in ``training.fit(...).history``.
    title : str
    family : str
        Whose colour to draw in: a key of `FAMILIES`.
    chance : float, optional
        Drawn as a dotted line; from 0 to 1.
    alt : str, optional
        The alternative text. Default: where each curve begins and ends.

    Returns
    -------
    Picture

    Raises
    ------
    TypeError
        If ``history`` is not a dict, ``family`` or ``alt`` not a str, or ``chance`` not a number.
    ValueError
        If ``history`` has no accuracy of a single epoch; if there is no such ``family``, or ``chance`` is out of range.

    Examples
    --------
    >>> learning_curves({"accuracy": [0.4, 0.9], "val_accuracy": [0.5, 0.8]}).metadata["alt"]
    'Learning curves over 2 epochs: accuracy in training goes from 40% to 90%, in validation from 50% to 80%.'
    """
    look = FAMILIES[arguments.choice("family", family, FAMILIES)]
    chance = None if chance is None else arguments.number("chance", chance, 0, 1)
    if not isinstance(history, dict):
        raise TypeError(f"history must be a dict, as in training.fit(...).history, not {type(history).__name__}")
    given = (("training", history.get("accuracy"), "--"), ("validation", history.get("val_accuracy"), "-"))
    curves = [(name, list(values), dashes) for name, values, dashes in given if values is not None and len(values)]
    if not curves:
        raise ValueError(f"history must hold 'accuracy' or 'val_accuracy' of at least one epoch, not {sorted(history)}")
    epochs = np.arange(1, len(curves[0][1]) + 1)
    with plt.style.context(STYLE):
        figure, axis = plt.subplots()
        for name, values, dashes in curves:
            fill = "white" if name == "training" else look.colour
            axis.plot(epochs, values, dashes, color=look.colour, marker=look.marker, markerfacecolor=fill, label=name)
        if chance is not None:
            axis.axhline(chance, color="#5B5B66", linewidth=1.2, linestyle=(0, (1, 2)), label="chance")
        figure.legend(loc="outside lower center", ncols=3, handlelength=2.4, columnspacing=1.4)
        axis.set(xlabel="epoch", ylabel="accuracy", ylim=(0, 1.03), title=title)
        axis.yaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
        axis.xaxis.get_major_locator().set_params(integer=True)
    courses = ", in ".join(
        f"{name} {'goes ' * (not i)}from {v[0]:.0%} to {v[-1]:.0%}" for i, (name, v, _) in enumerate(curves)
    )
    words = f"Learning curves over {len(epochs)} epoch{'s' * (len(epochs) > 1)}: accuracy in {courses}."
    return picture(figure, words if alt is None else alt)


def matrix(
    runs: Sequence[Mapping[str, Any]], ceilings: Mapping[tuple[str, str], float], *, alt: str | None = None
) -> Picture:
    """Draw what a study measured: families down, tasks across; the mean accuracy, and the range of several runs.

    A cell is the darker, the further its mean lies above chance. One with a ceiling is framed and says so: its runs
    are to be counted on twins. Where runs tell their outcome, a cell without a ceiling that not all of them solved has
    a mark for each.

    Parameters
    ----------
    runs : list of dict
        Each with ``column`` (the family), ``row`` (the task), ``chance``, and ``right`` of ``total``; several of one
        row and column are repetitions. ``outcome`` may be there, too, a word as from `seqlib.measure.outcome`.
    ceilings : dict of (str, str) to float
        Of (row, column) to the accuracy that is provably not exceeded on twins.
    alt : str, optional
        The alternative text. Default: each family's accuracy on each task.

    Returns
    -------
    Picture

    Raises
    ------
    TypeError
        If ``alt`` is not a str.
    KeyError
        If a run lacks one of these entries.
    ValueError
        If an outcome is none of those words.

    Examples
    --------
    >>> runs = [{"row": "order", "column": "average", "chance": 0.5, "right": r, "total": 100} for r in (48, 52)]
    >>> print(matrix(runs, {("order", "average"): 0.5}))
    Accuracy by family and task. average: order 50% (blind, at most 50%).
    >>> print(matrix([run | {"outcome": "collapsed"} for run in runs], {}))
    Accuracy by family and task. average: order 50% (2 collapsed).
    """
    rows, columns = (list(dict.fromkeys(run[axis] for run in runs)) for axis in ("row", "column"))
    reached: dict[tuple[str, str], list[float]] = {(row, column): [] for row in rows for column in columns}
    chance = {run["row"]: run["chance"] for run in runs}
    outcomes: dict[tuple[str, str], list[str]] = {cell: [] for cell in reached}
    for run in runs:
        cell = run["row"], run["column"]
        reached[cell].append(run["right"] / run["total"])
        if "outcome" in run and cell not in ceilings:
            outcomes[cell].append(arguments.choice("outcome", run["outcome"], OUTCOMES))
    outcomes = {cell: words for cell, words in outcomes.items() if set(words) - {"solved"}}
    with plt.style.context(STYLE):
        margin, height = (1.7, 0.65) if outcomes else (1.2, 0.52)  # below there is a legend
        figure, axis = plt.subplots(figsize=(1.6 + 1.05 * len(rows), margin + height * len(columns)))
        for (row, column), values in reached.items():
            if not values:
                continue
            x, y, mean = rows.index(row), columns.index(column), float(np.mean(values))
            shade = max(0.0, (mean - chance[row]) / (1 - chance[row]))
            axis.add_patch(plt.Rectangle((x - 0.48, y - 0.46), 0.96, 0.92, color=_SHADES(shade)))
            ink = _ink(shade)
            words = sorted(outcomes.get((row, column), ()), key=list(OUTCOMES).index)
            above = 0.13 if words else 0  # room for the marks
            for i, word in enumerate(words):
                left = x + min(0.16, 0.8 / len(words)) * (i - (len(words) - 1) / 2)
                axis.plot(left, y + 0.3, color=ink, markeredgecolor=ink, **OUTCOMES[word])
            spread = f"{100 * min(values):.1f} to {100 * max(values):.1f}" if len(values) > 1 else ""
            if (row, column) in ceilings:
                spread = f"twins: ≤ {ceilings[row, column]:.0%}"
                frame = plt.Rectangle((x - 0.45, y - 0.42), 0.9, 0.84, fill=False, edgecolor=MARK, linewidth=2)
                axis.add_patch(frame)
            axis.text(x, y - 0.13 * bool(spread) - above, f"{mean:.1%}", ha="center", va="center", color=ink)
            axis.text(x, y + 0.22 - 1.4 * above, spread, ha="center", va="center", color=ink, fontsize=8)
        if outcomes:
            named = {word for words in outcomes.values() for word in words}
            for word in OUTCOMES:
                if word in named:
                    axis.plot([], [], color=INK, label=word, linestyle="none", **OUTCOMES[word])
            figure.legend(loc="outside lower center", ncols=min(4, len(rows)), title="a mark for each training")
        axis.set(xlim=(-0.5, len(rows) - 0.5), ylim=(len(columns) - 0.5, -0.5))
        axis.set_xticks(range(len(rows)), [textwrap.fill(row, 12) for row in rows])
        axis.set_yticks(range(len(columns)), columns)
        axis.tick_params(length=0, top=True, labeltop=True, bottom=False, labelbottom=False)
        axis.grid(False)
        axis.spines[:].set_visible(False)
    lines = (
        f"{column}: "
        + ", ".join(
            f"{row} {np.mean(reached[row, column]):.0%}"
            + (f" (blind, at most {ceilings[row, column]:.0%})" if (row, column) in ceilings else "")
            + (f" ({_counted(outcomes[row, column])})" if (row, column) in outcomes else "")
            for row in rows
            if reached[row, column]
        )
        for column in columns
    )
    return picture(figure, f"Accuracy by family and task. {'; '.join(lines)}." if alt is None else alt)


def _counted(words):
    """Count outcomes: "4 collapsed, 1 solved"."""
    return ", ".join(f"{words.count(word)} {word}" for word in OUTCOMES if word in words)


def arrays(drawn: Mapping[str, ArrayLike], *, alt: str | None = None) -> Picture:
    """Draw small arrays as cells with numbers, one below the other; the last is what the others should become.

    Of an array with three axes or four, the last two make a panel, and the panels stand side by side.

    Parameters
    ----------
    drawn : dict of str to array
        Title to array, of four axes at most.
    alt : str, optional
        The alternative text. Default: all numbers.

    Returns
    -------
    Picture

    Raises
    ------
    TypeError
        If ``alt`` is not a str.
    ValueError
        If an array is empty, or has more than four axes or more than 2000 numbers.

    Examples
    --------
    >>> arrays({"clip": np.array([[[1, 2]], [[3, 4]]]), "reverse(clip)": np.array([[[3, 4]], [[1, 2]]])})
    clip: [[[1, 2]], [[3, 4]]]. After an arrow, reverse(clip): [[[3, 4]], [[1, 2]]].
    """
    titled = {title: np.asarray(array) for title, array in drawn.items()}
    for title, array in titled.items():
        if array.size > MOST_CELLS:
            raise ValueError(f"drawn must hold arrays of at most {MOST_CELLS} numbers, not {title!r} of {array.size}")
        if array.ndim > 4 or not array.size:
            raise ValueError(f"drawn must hold arrays of one to four axes, not {title!r} of shape {array.shape}")
    strongest = max(1e-9, *(float(np.abs(array.astype(float)).max()) for array in titled.values()))
    side, gap, head, foot = 0.38, 0.3, 0.75, 0.5  # inches, and the rest in cells
    laid = [array.reshape((1,) * (4 - array.ndim) + array.shape) for array in titled.values()]
    sizes = [(n * (h + foot * (m > 1)), m * (w + gap)) for n, m, h, w in (array.shape for array in laid)]
    width = max(8.0, *(0.27 * len(title) for title in drawn), *(across for _, across in sizes))
    height = sum(down + head + 0.3 for down, _ in sizes) + 0.8
    with plt.style.context(STYLE):
        figure = plt.figure(figsize=(width * side, height * side), layout="none")
        axis = figure.add_axes((0, 0, 1, 1), xlim=(0, width), ylim=(height, 0))
        axis.axis("off")
        top = 0.0
        for i, (title, panels, (down, _)) in enumerate(zip(drawn, laid, sizes, strict=True)):
            if i and i == len(laid) - 1:
                arrow = {"arrowstyle": "-|>", "color": MARK, "linewidth": 2}
                axis.annotate("", (0.5, top + 0.75), (0.5, top + 0.05), arrowprops=arrow)
                top += 0.8
            axis.text(0.05, top + 0.4, title, va="center", fontsize=10, fontweight="bold")
            top += head
            for (row, column, y, x), value in np.ndenumerate(panels):
                left = 0.05 + column * (panels.shape[3] + gap) + x
                _cell(axis, left, top + row * (panels.shape[2] + foot * (panels.shape[1] > 1)) + y, value, strongest)
            if panels.shape[1] > 1:
                for row, column in np.ndindex(panels.shape[:2]):
                    middle = 0.05 + column * (panels.shape[3] + gap) + panels.shape[3] / 2
                    below = top + row * (panels.shape[2] + foot) + panels.shape[2] + 0.24
                    axis.text(middle, below, str(column), ha="center", va="center", fontsize=8, color="#5B5B66")
            top += down + 0.3
    *given, wanted = (f"{title}: {_rounded(array)}" for title, array in titled.items())
    words = f"{'; '.join(given)}. After an arrow, {wanted}." if given else f"{wanted}."
    return picture(figure, words if alt is None else alt)


def _rounded(array):
    return (np.round(array, 2) if array.dtype.kind == "f" else array).tolist()


def _cell(axis, left, top, value, strongest):
    """Draw one number of an array: the darker, the larger, and warm where it is negative; a tick for True."""
    shade = abs(float(value)) / (1 if isinstance(value, np.bool_) else strongest)
    colour = _SHADES(shade) if value >= 0 else _WARM(shade)
    axis.add_patch(plt.Rectangle((left, top), 1, 1, facecolor=colour, edgecolor="white", linewidth=1.5))
    if isinstance(value, np.bool_):
        number = "\N{CHECK MARK}" if value else ""
    else:
        number = f"{value:.2g}" if isinstance(value, np.floating) else str(value)
    ink = _ink(shade if value >= 0 else 0)  # warm shades are all light
    axis.text(left + 0.5, top + 0.52, number, ha="center", va="center", fontsize=9, color=ink)


def _ink(shade):
    """Choose what can be read on one of _SHADES; where it changes, either has a contrast of 4.5."""
    return "white" if shade > 0.62 else "black"


def picture(figure: Figure, alt: str) -> Picture:
    """Turn a Matplotlib figure into a picture with alternative text, and close the figure.

    If SVG is smaller than a PNG of twice the resolution, as it is of lines and words, there is SVG besides the PNG.
    Otherwise there is that large PNG alone. The book can turn the colours of SVG over for a dark page.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
    alt : str
        What a sighted reader would see.

    Returns
    -------
    Picture
    """
    _text("alt", alt)
    lines = io.StringIO()
    with plt.rc_context({"svg.fonttype": "none", "svg.hashsalt": "seqlib"}):  # words stay words; the same in each run
        without = dict.fromkeys(("Creator", "Date", "Format", "Type"))
        figure.savefig(lines, format="svg", dpi=192, metadata=without)  # the dots are those of images in it
    svg, pixels = lines.getvalue(), _rendered(figure, 192)
    if len(gzip.compress(svg.encode())) > len(pixels):
        svg = ""
    else:
        pixels = _rendered(figure, 96)
    plt.close(figure)
    shown = Picture(pixels, format="png", width=round(figure.get_size_inches()[0] * 96), metadata={"alt": alt})
    shown.svg = svg
    return shown


def _rendered(figure, dpi):
    """Render a Matplotlib figure as PNG, with few colours: half the bytes."""
    data = io.BytesIO()
    figure.savefig(data, format="png", dpi=dpi)
    drawn = Image.open(data).convert("RGB")
    # The octree keeps the colours of small marks, which a median cut mixes with others.
    return png(drawn.quantize(256, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE))


def glue(**numbers: float | str | np.generic) -> None:
    """Store numbers under their names in this notebook, for the book's prose to quote; a notebook shows nothing.

    Writes the same records as `myst_nb.glue`, which is not there on Colab.

    Examples
    --------
    >>> glue(accuracy=0.25)  # outside a notebook it prints the record
    {'application/papermill.record/text/plain': '0.25'}
    """
    for name, value in numbers.items():
        plain = value if isinstance(value, str) else value.item() if isinstance(value, np.generic) else value
        record = "application/papermill.record/"
        display(
            {f"{record}text/plain": repr(plain)},
            metadata={"scrapbook": {"name": name, "mime_prefix": record}},
            raw=True,
        )


def watching(
    frames: NDArray[np.uint8],
    watchers: Mapping[str, tuple[ArrayLike, float]],
    events: Sequence[tuple[str, int, int]] = (),
    *,
    rate: float = 30,
    alt: str | None = None,
) -> Picture:
    """Draw what watchers say of a film: below a film strip each watcher's score, its threshold and its alarms.

    Faults are shaded. `seqlib.widgets.watching` plays the same.

    Parameters
    ----------
    frames : uint8 array (N, H, W, C)
    watchers : mapping from str to (float array (N,), float)
        For each watcher's name, its scores, one per frame, and its threshold.
    events : sequence of (str, int, int)
        The faults: name, first and last frame, as in `seqlib.machine.Run.events`.
    rate : float
        Frames per second.
    alt : str, optional
        The alternative text. Default: the faults, and from which frame on each watcher says what.

    Returns
    -------
    Picture

    Raises
    ------
    TypeError, ValueError
        If an argument is not as above; a watcher's scores must be as many as the frames.

    Examples
    --------
    >>> frames = np.zeros((90, 32, 32, 1), np.uint8)
    >>> watching(frames, {"GRU": (np.arange(90) >= 42, 0.5)}, [("late", 40, 60)])
    Film of 90 frames, 30 per second. Faults: late, frames 40 to 60. GRU: no alarm; from frame 42 alarm after 2 frames.
    """
    frames = arguments.clip_array("frames", frames, rank=4)
    rate = arguments.number("rate", rate, 1e-3, 1e6)
    for fault, first, last in events:
        if not 0 <= first <= last < len(frames):
            raise ValueError(f"events must lie in frames 0 to {len(frames) - 1}, not {fault!r} in {first} to {last}")
    spans = [(first, last) for _, first, last in events]
    told = {}
    for name, (scores, threshold) in watchers.items():
        if np.shape(scores) != (len(frames),):
            raise ValueError(
                f"scores of {name!r} must be {len(frames)}, one per frame, not of shape {np.shape(scores)}"
            )
        told[name] = alarms.states(scores, threshold, spans, rate=rate)
    if not told:
        raise ValueError("watchers must hold at least one, {name: (scores, threshold)}")
    inches = 8.0, 1.45 + 1.05 * len(watchers)
    strip, panel = 0.62, 0.62  # inches, the height of each
    left, right = ACROSS

    def axes(top, height):
        place = left, 1 - (top + height) / inches[1], right - left, height / inches[1]
        return figure.add_axes(place, xlim=(0, len(frames)))

    with plt.style.context(STYLE):
        figure = plt.figure(figsize=inches, layout="none")
        _draw_strip(axes(0.05, strip), frames, inches[0] * (right - left) / strip)
        names = axes(strip + 0.1, 0.22)
        names.axis("off")
        for fault, first, last in events:
            names.axvspan(first, last + 1, color=MARK, alpha=0.25, linewidth=0)
            names.text(first, 0.5, f" {fault}", va="center", fontsize=10)
        for row, (name, (scores, threshold)) in enumerate(watchers.items()):
            axis = axes(strip + 0.65 + 1.05 * row, panel)
            _draw_score(axis, np.asarray(scores, float), threshold, spans, told[name])
            axis.set_title(name, fontsize=11)
            axis.tick_params(labelbottom=row == len(watchers) - 1)
        axis.set_xlabel(f"frame ({rate:g} per second)")
    return picture(figure, _watching_words(len(frames), rate, events, told) if alt is None else alt)


def _draw_strip(axis, frames, squares):
    """Lay so many frames side by side as fit into a row that is ``squares`` times as long as high."""
    axis.axis("off")
    _, height, width, _ = frames.shape
    count = min(len(frames), max(1, int(squares * height / (1.06 * width))))
    step = len(frames) / count
    for k in range(count):
        frame = frames[int((k + 0.5) * step)]
        extent = (k + 0.03) * step, (k + 0.97) * step, 0, 1
        axis.imshow(np.broadcast_to(frame, (height, width, 3)), extent=extent, aspect="auto")
    axis.set(xlim=(0, len(frames)), ylim=(0, 1))


def _draw_score(axis, scores, threshold, spans, states):
    """Draw a watcher's score; where it says that there is an alarm, a mark and the words."""
    for first, last in spans:
        axis.axvspan(first, last + 1, color=MARK, alpha=0.25, linewidth=0)
    axis.axhline(threshold, color="#5B5B66", linewidth=1, linestyle=(0, (4, 3)))
    axis.plot(np.arange(len(scores)) + 0.5, scores, color=INK, linewidth=1.3)
    low, high = min(scores.min(), threshold), max(scores.max(), threshold)
    room = 0.12 * (high - low) or 1
    axis.set(ylim=(low - room, high + room), yticks=[threshold], yticklabels=["threshold"])
    axis.tick_params(axis="y", labelsize=9, length=0)
    axis.grid(visible=False)
    for frame, words in states:
        if words != "no alarm":
            axis.text(frame + 0.5, 1.08, words, transform=axis.get_xaxis_transform(), fontsize=9)
        if words.startswith(("alarm", "false")):
            axis.axvline(frame + 0.5, color=INK, linewidth=2.5)


def _watching_words(frames, rate, events, told):
    """Say what `watching` shows."""
    faults = "; ".join(f"{fault}, frames {first} to {last}" for fault, first, last in events)
    parts = [f"Film of {frames} frames, {rate:g} per second", *([f"Faults: {faults}"] if events else [])]
    for name, ((_, before), *later) in told.items():
        parts.append(f"{name}: {'; from '.join([before, *(f'frame {frame} {words}' for frame, words in later)])}")
    return ". ".join(parts) + "."


def confusion_matrix(confusion: Sequence[Sequence[int]], classes: Sequence[str], *, alt: str | None = None) -> Picture:
    """Draw a confusion matrix: labels down, answers across; a cell is the darker, the larger its share of the row.

    Parameters
    ----------
    confusion : sequence of sequences of int
        ``confusion[label][answer]`` clips, as in a `seqlib.measure.ClassificationReport`.
    classes : sequence of str
        The classes' names, one for each row.
    alt : str, optional
        The alternative text. Default: the counts of each row.

    Returns
    -------
    Picture

    Raises
    ------
    TypeError
        If ``classes`` is a single str, or ``alt`` is not a str.
    ValueError
        If ``confusion`` is not a square of counts, or ``classes`` are not as many as its rows.

    Examples
    --------
    >>> confusion_matrix([[95, 0], [4, 1]], ["normal", "fall"])
    Confusion matrix. Of 95 normal: 95 normal. Of 5 fall: 4 normal, 1 fall.
    """
    counts = np.asarray(confusion)
    if counts.ndim != 2 or counts.shape[0] != counts.shape[1] or counts.dtype.kind not in "iu" or (counts < 0).any():
        raise ValueError(f"confusion must be a square of counts, a row for each class, not {confusion!r}")
    if isinstance(classes, str):
        raise TypeError(f"classes must be a sequence of str, one for each row, not the str {classes!r}")
    if len(classes) != len(counts):
        raise ValueError(f"classes must be {len(counts)} names, one for each row, not {len(classes)}")
    totals = counts.sum(1)
    shares = counts / np.maximum(totals, 1)[:, None]
    with plt.style.context(STYLE):
        figure, axis = plt.subplots(figsize=(2.2 + 0.8 * len(counts), 1.4 + 0.6 * len(counts)))
        for (row, column), share in np.ndenumerate(shares):
            axis.add_patch(plt.Rectangle((column - 0.48, row - 0.46), 0.96, 0.92, color=_SHADES(share)))
            axis.text(column, row, f"{counts[row, column]:,}", ha="center", va="center", color=_ink(share))
        edges = -0.5, len(counts) - 0.5
        axis.set(xlabel="answer", ylabel="label", xlim=edges, ylim=edges[::-1])
        axis.set_xticks(range(len(counts)), [textwrap.fill(name, 12) for name in classes])
        axis.set_yticks(
            range(len(counts)), [f"{name} ({total:,})" for name, total in zip(classes, totals, strict=True)]
        )
        axis.tick_params(length=0, top=True, labeltop=True, bottom=False, labelbottom=False)
        axis.xaxis.set_label_position("top")
        axis.grid(False)
        axis.spines[:].set_visible(False)
    rows = (
        f"Of {total:,} {name}: "
        + ", ".join(f"{count:,} {answer}" for count, answer in zip(row, classes, strict=True) if count)
        for name, total, row in zip(classes, totals, counts, strict=True)
        if total
    )
    return picture(figure, f"Confusion matrix. {'. '.join(rows)}." if alt is None else alt)
