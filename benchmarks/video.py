"""Reading clips of films: 16 frames of each, scaled, and cut to their centre; by the course and by what it stands on.

The films are written here, with moving shapes on a rough background. Each is read through to the last frame that is
wanted. imageio starts a process of ffmpeg for each film, whose processor time counts.
"""

import contextlib
import io
import tempfile
from pathlib import Path

import av
import cv2
import imageio.v3 as imageio
import numpy as np
from PIL import Image

from benchmarks.compare import interleaved, row
from seqlib import video

FILMS, FRAMES, HEIGHT, WIDTH = 4, 150, 240, 320
WANTED, SIDE = 16, 112
CODECS = {"H.264": ("libx264", "mp4"), "VP9": ("libvpx-vp9", "webm")}


def rows(quick):
    """Compare the reading of a clip from each of some films, in two codecs."""
    cv2.setNumThreads(1)
    return [compared(codec, rounds=3 if quick else 7) for codec in CODECS]


def compared(codec, rounds):
    """Compare the reading of films in one codec."""
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stderr(io.StringIO()):  # lines of progress
        paths = [Path(folder, "a", f"{number}.{CODECS[codec][1]}") for number in range(FILMS)]
        paths[0].parent.mkdir()
        for number, path in enumerate(paths):
            write(path, CODECS[codec][0], number)
        files = video.index(folder).files
        read = {
            "course": lambda: video.clips(files, video.uniform(WANTED), size=SIDE)[0],
            "PyAV": lambda: np.stack([by_pyav(path) for path in paths]),
            "OpenCV": lambda: np.stack([by_opencv(path) for path in paths]),
            "imageio": lambda: np.stack([by_imageio(path) for path in paths]),
        }
        clips = {who: call().astype(np.int16) for who, call in read.items()}
        differences = {who: float(np.abs(other - clips["course"]).mean()) for who, other in clips.items()}
        assert max(differences.values()) < 8, differences  # scaled otherwise, but the same frames
        taken = interleaved(read, rounds)
    goals = dict.fromkeys(("PyAV", "OpenCV", "imageio"), 1.2)
    return row(codec, taken, "course", goals, differences={who: round(d, 2) for who, d in differences.items()})


def write(path, codec, seed):
    """Write a film: a disc that moves over noise that stands still."""
    ground = cv2.GaussianBlur(np.random.default_rng(seed).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8), (0, 0), 3)
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=30)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for number in range(FRAMES):
            picture = cv2.circle(ground.copy(), (2 * number + 10, 120 + 5 * seed), 20, (240, 200, 40), -1)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, "rgb24")))
        container.mux(stream.encode())


def wanted():
    """Return which frames make the clip: the middle ones of 16 equal parts."""
    return {(2 * part + 1) * FRAMES // (2 * WANTED): part for part in range(WANTED)}


def centre(picture):
    """Cut out the centre, SIDE x SIDE."""
    top, left = (picture.shape[0] - SIDE) // 2, (picture.shape[1] - SIDE) // 2
    return picture[top : top + SIDE, left : left + SIDE]


SCALED = SIDE, round(WIDTH * SIDE / HEIGHT)  # height and width


def by_pyav(path):
    """Decode with PyAV, and let it scale the wanted frames."""
    which, clip = wanted(), np.empty((WANTED, SIDE, SIDE, 3), np.uint8)
    with av.open(str(path)) as container:
        container.streams.video[0].thread_count = 1
        for number, frame in enumerate(container.decode(video=0)):
            if number in which:
                clip[which[number]] = centre(frame.reformat(SCALED[1], SCALED[0], "rgb24").to_ndarray())
            if number == max(which):
                return clip


def by_opencv(path):
    """Decode with OpenCV; a frame that is not wanted is grabbed, and not converted."""
    which, clip = wanted(), np.empty((WANTED, SIDE, SIDE, 3), np.uint8)
    film = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG, [cv2.CAP_PROP_N_THREADS, 1])
    for number in range(max(which) + 1):
        film.grab()
        if number in which:
            picture = cv2.resize(film.retrieve()[1], SCALED[::-1], interpolation=cv2.INTER_AREA)
            clip[which[number]] = cv2.cvtColor(centre(picture), cv2.COLOR_BGR2RGB)
    film.release()
    return clip


def by_imageio(path):
    """Decode with imageio's ffmpeg, and scale the wanted frames with Pillow."""
    which, clip = wanted(), np.empty((WANTED, SIDE, SIDE, 3), np.uint8)
    for number, picture in enumerate(imageio.imiter(path, plugin="FFMPEG", input_params=["-threads", "1"])):
        if number in which:
            scaled = Image.fromarray(picture).resize(SCALED[::-1], Image.Resampling.BICUBIC)
            clip[which[number]] = centre(np.asarray(scaled))
    return clip
