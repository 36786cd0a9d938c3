"""Let a model watch a film, a pipe or a camera, one frame after another: ``python -m seqlib.watch MODEL FILE``.

MODEL is a file that `seqlib.model_files.save_model` wrote. FILE is a film, ``-`` for a film on standard input, or the
number of a camera, such as ``0``. The model answers about its last T frames. Alarms are lines on standard output: when,
in seconds; which class; its probability. In a terminal, standard error has one line that is rewritten with each frame.
::

    python -m seqlib.watch model.npz film.mp4 --classes walk,fall --alarm fall --threshold 0.8
    ffmpeg -i rtsp://camera -f matroska - | python -m seqlib.watch model.npz - --rate 8
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import arguments
from .backend import ends_in
from .model_files import load_model
from .stream import Stream
from .video_files import NO_FILMS
from .video_frames import COLOURS, Look, decoder, film_stream, look, opened, pixels, pyav

__all__ = ["Alarm", "frames", "main"]

BAR = 30  # characters
_Shown = tuple[float, Any, int]  # when, an `av.VideoFrame`, and by how many degrees it is to be turned


class Alarm:
    """Tells when the probability of a class rises to a threshold: once, until it has fallen below again.

    Parameters
    ----------
    labels : sequence of int
        The classes to watch for.
    threshold : float
        From 0 to 1.

    Examples
    --------
    >>> alarm = Alarm([1], 0.8)
    >>> [alarm(np.array([1 - p, p])) for p in (0.1, 0.8, 0.9, 0.7, 0.95)]
    [[], [1], [], [], [1]]
    """

    def __init__(self, labels: Sequence[int], threshold: float) -> None:
        self.labels, self.threshold = list(labels), threshold
        self.above: set[int] = set()

    def __call__(self, probabilities: NDArray[np.floating]) -> list[int]:
        """Take the probabilities (classes,) after one frame more, and return the labels that set off an alarm."""
        above = {label for label in self.labels if probabilities[label] >= self.threshold}
        new, self.above = sorted(above - self.above), above
        return new


def frames(source: str, how: Look, rate: float | None = None) -> Iterator[tuple[float, NDArray[np.uint8]]]:
    """Yield the frames of a film or a camera as they come.

    Parameters
    ----------
    source : str
        A film's path, ``"-"`` for a film on standard input, or a camera's number.
    how : Look
        How frames shall look: turned as they are to be shown, scaled, their centre cut out.
    rate : float, optional
        How many frames per second to take, from 0.001 to 1000: the first one in each 1 / rate seconds. The default is
        all.

    Yields
    ------
    float
        When it is shown, in seconds after the first frame.
    uint8 array (H, W, C)

    Raises
    ------
    ValueError
        If ``source`` is no film and no camera; if a frame of a film is damaged, after the frames before it. That a
        film merely ends early is not seen here; `seqlib.video.index` sees it.
    ImportError
        If PyAV is not installed, or OpenCV for a camera.

    Examples
    --------
    With a `Stream` of a model that takes grey frames of 64 x 64::

        for seconds, frame in frames("film.mp4", look(64, None, "grey")):
            answer = stream.push(frame)
    """
    if rate is not None:
        rate = arguments.number("rate", rate, 1e-3, 1e3)
    reformatter = pyav().video.reformatter.VideoReformatter()
    last = -1
    for seconds, frame, rotation in _camera(int(source)) if source.isdecimal() else _film(source):
        turn = last + 1 if rate is None else math.floor(seconds * rate + 1e-6)
        if turn > last:
            last = turn
            yield seconds, pixels(frame, rotation, how, reformatter)


def _film(source: str) -> Iterator[_Shown]:
    """Decode a film, which need not end and in which nothing can be looked for."""
    problem = f"FILE must be a film, - for standard input, or a camera's number, not {source!r}: "
    errors = pyav().error.FFmpegError
    try:
        container = opened(sys.stdin.buffer if source == "-" else Path(source))
    except errors as error:
        raise ValueError(f"{problem}{error.strerror}") from None
    with container:
        stream = film_stream(container)
        if stream is None or stream.codec_context is None or container.format.name in NO_FILMS:
            raise ValueError(f"{problem}it holds no video that can be decoded")
        decoder(container, int(source == "-"))  # with several threads, frames come late
        first, seconds = None, 0.0
        try:
            for number, frame in enumerate(container.decode(stream)):
                moment = number / float(stream.average_rate or 25) if frame.time is None else frame.time
                first = moment if first is None else first
                seconds = moment - first
                yield seconds, frame, round(frame.rotation / 90) % 4 * 90
        except errors as error:
            problem = f"FILE must be a whole film, and {source} is damaged after {seconds:.3f} s: {error.strerror}"
            raise ValueError(problem) from None


def _camera(number: int) -> Iterator[_Shown]:
    try:
        import cv2
    except ImportError as error:
        hint = "which is not installed: pip install opencv-python-headless"
        raise ImportError(f"seqlib.watch reads cameras with OpenCV, {hint}") from error
    camera = cv2.VideoCapture(number)
    try:
        if not camera.isOpened():
            raise ValueError(
                f"FILE must be the number of a camera that can be opened, not {number}; a film is ./{number}"
            )
        began = None
        while True:
            good, picture = camera.read()
            if not good:
                return
            now = time.monotonic()
            began = now if began is None else began
            yield now - began, pyav().VideoFrame.from_ndarray(picture, format="bgr24"), 0
    finally:
        camera.release()


def main(given: Iterable[str] | None = None) -> int:
    """Run the command with these arguments, those of the process if none are given; return its exit code.

    Examples
    --------
    ::

        main(["model.npz", "film.mp4", "--alarm", "1"])
    """
    options = _parser().parse_args(None if given is None else list(given))
    try:
        _watch(options)
    except KeyboardInterrupt:
        pass
    except (ImportError, TypeError, ValueError) as error:
        print(f"seqlib.watch: {error}", file=sys.stderr)
        return 1
    return 0


def _parser():
    parser = argparse.ArgumentParser("python -m seqlib.watch", description="Let a model watch a film or a camera.")
    parser.add_argument("model", metavar="MODEL", help="what seqlib.model_files.save_model wrote")
    parser.add_argument("file", metavar="FILE", help="a film, - for standard input, or a camera's number")
    parser.add_argument("--classes", metavar="NAME,NAME", help="what the classes are called (0,1,...)")
    parser.add_argument("--alarm", metavar="NAME", action="append", default=[], help="a class to watch for; repeatable")
    parser.add_argument("--threshold", type=float, default=0.9, help="least probability for an alarm (%(default)s)")
    parser.add_argument("--rate", type=float, help="frames per second to take, as the model learned (all)")
    return parser


def _watch(options):
    try:
        model = load_model(options.model)
    except ValueError as error:
        raise ValueError(f"MODEL cannot be loaded from {options.model!r}: {error}") from None
    stream = Stream(model)
    names = _names(options.classes, model.output_shape[-1])
    watched = [names.index(arguments.choice("--alarm", name, names)) for name in options.alarm]
    alarm = Alarm(watched, arguments.number("--threshold", options.threshold, 0, 1))
    least, *size, channels = model.inputs[0].shape[1:]
    colour = next((name for name, count in COLOURS.items() if count == channels), None)
    if colour is None:
        raise ValueError(f"MODEL must take frames of 1, 3 or 4 channels, not {channels}")
    line = ""
    try:
        for seconds, frame in frames(options.file, look(tuple(size), None, colour), options.rate):
            answer = stream.push(frame)
            if answer is None:
                continue
            probabilities = answer if ends_in(model) else _softmax(answer)
            for label in alarm(probabilities):
                print(f"{seconds:.3f} {names[label]} {probabilities[label]:.3f}", flush=True)
            best = max(watched or range(len(names)), key=lambda label: probabilities[label])
            line = _line(seconds, names[best], float(probabilities[best]))
            if sys.stderr.isatty():
                print(f"\r{line}\x1b[K", end="", file=sys.stderr, flush=True)
    finally:
        if line and sys.stderr.isatty():
            print(file=sys.stderr)
        elif line:
            print(line, file=sys.stderr)
    if stream.frames < least:
        raise ValueError(f"FILE must have {least} frames at least, as many as MODEL takes, not {stream.frames}")


def _names(given, classes):
    names = [str(label) for label in range(classes)] if given is None else given.split(",")
    if len(set(names)) != classes or len(names) != classes:
        raise ValueError(f"--classes must be {classes} different names, one for each class of MODEL, not {given!r}")
    return names


def _softmax(logits):
    weights = np.exp(logits - logits.max())
    return weights / weights.sum()


def _line(seconds, name, probability):
    return f"{seconds:8.1f} s  {name}  {'█' * round(BAR * probability):░<{BAR}} {probability:.2f}"


if __name__ == "__main__":
    sys.exit(main())
