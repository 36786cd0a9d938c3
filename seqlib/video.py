"""Your own videos: from a folder of films, or of frame pictures, to clips (B, T, H, W, C) and labels.

`index` lists the files and says what can be used, and `split` divides them by recording. `uniform`, `strided` and
`segments` choose frames. `clips` reads clips into arrays, and `dataset` serves those that do not fit into memory.
"""

from __future__ import annotations

import hashlib
import itertools
import os
import re
import threading
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from . import arguments, progress, rendering
from .video_augmentation import Augmentation, augment, augmentation, augmented_strip
from .video_files import Bad, Index, index, recording
from .video_frames import DamagedError, File, Look, look, read, shown
from .video_sampling import PADDING, Draw, Sampling, frame_indices, segments, strided, uniform

if TYPE_CHECKING:
    from .training import Dataset

__all__ = [
    "Augmentation",
    "Bad",
    "DamagedError",
    "Draw",
    "File",
    "Index",
    "Sampling",
    "augment",
    "augmentation",
    "augmented_strip",
    "average_logits",
    "clips",
    "dataset",
    "frame_indices",
    "index",
    "read",
    "recording",
    "segments",
    "split",
    "strided",
    "uniform",
]

Size = int | tuple[int, int]
_CACHE = 1  # raise it if what a cached file holds changes


def split(files: Iterable[File], parts: Sequence[float] = (0.7, 0.15, 0.15), seed: int = 0) -> tuple[list[File], ...]:
    """Divide videos into parts, as for training, validation and testing, so that no recording is in two of them.

    Each class is divided separately, as near to these fractions as its sources allow, and has a source in every part.
    The parts depend on the names of the sources and on the seed, but not on the order of the files or on the machine.

    Parameters
    ----------
    files : iterable of File
    parts : sequence of float
        Fractions of the videos, which add up to 1.
    seed : int
        From 0 to 2**32 - 1.

    Returns
    -------
    tuple of lists of File
        A list for each part, sorted by class and path.

    Raises
    ------
    TypeError
        If an argument is not of its type.
    ValueError
        If there are no files; if the fractions do not add up to 1; if a class has fewer sources than there are parts.

    Examples
    --------
    With films in ``films/walk/anna.mp4`` and so on::

        train, test = split(index("films").files, (0.8, 0.2))
    """
    videos = _checked(files)
    seed = arguments.integer("seed", seed, 0, 2**32 - 1)
    shares = [arguments.number("parts", share, 0, 1) for share in parts]
    if len(shares) < 2 or 0 in shares or abs(sum(shares) - 1) > 1e-6:
        raise ValueError(
            f"parts must be two or more fractions above 0 that add up to 1, not {tuple(parts)}: give (0.75, 0.25)"
        )
    counts: dict[str, dict[str, int]] = {}  # of the files, by class and source
    for file in videos:
        of_class = counts.setdefault(file.class_name, {})
        of_class[file.source] = of_class.get(file.source, 0) + 1
    part_of: dict[str, int] = {}
    for class_name in sorted(counts, key=lambda name: (len(counts[name]), name)):  # those with few sources choose first
        _divide(class_name, counts[class_name], shares, seed, part_of)
    divided: tuple[list[File], ...] = tuple([] for _ in shares)
    for file in sorted(videos, key=lambda file: (file.class_name, str(file.path))):
        divided[part_of[file.source]].append(file)
    return divided


def _divide(class_name, counts, shares, seed, part_of):
    """Put each source of a class into the part that lacks most, and one into every part; extends ``part_of``."""
    total = sum(counts.values())
    held = [0] * len(shares)
    for source in counts.keys() & part_of.keys():
        held[part_of[source]] += counts[source]
    free = sorted(counts.keys() - part_of.keys(), key=lambda name: (_word(seed, name), name))
    for left in range(len(free), -1, -1):
        empty = [part for part, files in enumerate(held) if not files]
        if left < len(empty):
            raise ValueError(
                f"files must have a source of each class for each of the {len(shares)} parts, and the class "
                f"{class_name!r} has {len(counts)}: {', '.join(map(repr, sorted(counts)[:5]))}"
                + (", some of which other classes share" if len(counts) >= len(shares) else "")
                + "; give fewer parts, or films of more sources"
            )
        if left:
            source = free[-left]
            allowed = empty if left == len(empty) else range(len(shares))
            part = max(allowed, key=lambda part: shares[part] * total - held[part])
            part_of[source] = part
            held[part] += counts[source]


def _word(seed, name):
    return int(rendering.hash32(seed, crc32(name.encode("utf-8", "surrogateescape"))))


def _checked(files):
    files = list(files)
    for file in files:
        if not isinstance(file, File):
            raise TypeError(
                f"files must be videos that index has found, not {type(file).__name__}: "
                "give seqlib.video.index(folder).files"
            )
    if not files:
        raise ValueError(
            "files must hold at least one video, not 0: seqlib.video.index(folder).bad says what cannot be used"
        )
    return files


class _Job(NamedTuple):
    """How clips are made from videos: the options of `clips` and `dataset`, checked."""

    sampling: Sampling
    look: Look
    training: bool
    seed: int
    augmentation: Augmentation | None
    cache: Path | None

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """Of a clip, (T, H, W, C)."""
        height, width, channels = self.look.shape
        if self.augmentation is not None and self.augmentation.crop is not None:
            height, width = self.augmentation.crop
        return self.sampling.frames, height, width, channels


def _job(sampling, size, short_side, colour, training, seed, how, cache):
    if not isinstance(sampling, Sampling):
        raise TypeError(
            f"sampling must be made by uniform, strided or segments, not {sampling!r}: give seqlib.video.uniform(16)"
        )
    if how is not None and not isinstance(how, Augmentation):
        raise TypeError(
            f"augment must be made by augmentation, not {how!r}: give seqlib.video.augmentation(brightness=20)"
        )
    looks = look(size, short_side, colour)
    if how is not None and how.crop is not None and (how.crop[0] > looks.height or how.crop[1] > looks.width):
        raise ValueError(f"size must be at least the crop, {how.crop}, not {looks[:2]}: give size={how.crop}")
    if cache is not None:
        cache = Path(cache)
        cache.mkdir(parents=True, exist_ok=True)
    seed = arguments.integer("seed", seed, 0, 2**32 - 1)
    return _Job(sampling, looks, arguments.flag("training", training), seed, how, cache)


def clips(
    files: Iterable[File],
    sampling: Sampling = uniform(),  # noqa: B008 (a tuple of constants)
    *,
    size: Size = 112,
    short_side: int | None = None,
    colour: str = "rgb",
    training: bool = False,
    seed: int = 0,
    augment: Augmentation | None = None,
    cache: str | os.PathLike[str] | None = None,
) -> tuple[Any, ...]:
    """Read clips of videos into arrays, for those that fit into memory.

    Parameters
    ----------
    files : iterable of File
        From `index` or `split`.
    sampling : Sampling
        Made by `uniform`, `strided` or `segments`.
    size, short_side, colour
        As in `read`.
    training : bool
        Whether frames are chosen at random, if the sampling allows it.
    seed : int
        From 0 to 2**32 - 1.
    augment : Augmentation, optional
        Made by `augmentation`.
    cache : path, optional
        A folder for the frames that were read; see `dataset`.

    Returns
    -------
    x : uint8 array (B, T, H, W, C)
        B is the number of videos times the number of clips from each. Clips of one video are together.
    y : int64 array (B,)
        Labels.
    lengths : int32 array (B,)
        The number of real frames of each clip; only if ``sampling`` was made with ``short="lengths"``.

    Raises
    ------
    TypeError
        If an argument is not of its type.
    ValueError
        If there are no files; if an option is not what `read` allows; if a crop is larger than ``size``.
    DamagedError
        If a frame cannot be decoded. The error names the file and the time.

    Examples
    --------
    With films in ``films/walk/anna.mp4`` and so on::

        x, y = clips(index("films").files, strided(16, seconds=0.1), size=64)
    """
    videos = _checked(files)
    job = _job(sampling, size, short_side, colour, training, seed, augment, cache)
    several = job.sampling.clips
    x = np.zeros((len(videos) * several, *job.shape), np.uint8)
    y, lengths = np.zeros(len(x), np.int64), np.zeros(len(x), np.int32)
    needed = [_needed(file, job) for file in videos]
    stored = [_cache_file(file, which, job) for file, which in zip(videos, needed, strict=True)]

    def fill(place):
        rows = slice(place * several, (place + 1) * several)
        x[rows], lengths[rows], y[rows] = _clips_of(videos[place], needed[place], stored[place], job, 0, place)

    _in_parallel(fill, len(videos), "videos read")
    return (x, y, lengths) if job.sampling.short == "lengths" else (x, y)


def _in_parallel(do, count, what):
    """Do something with each place, on all cores, and show progress; the first error ends it."""
    with ThreadPoolExecutor(os.cpu_count()) as workers:
        waiting = (workers.submit(do, place) for place in range(count))
        try:
            for done in progress.counted(list(waiting), count, what):
                done.result()
        except BaseException:
            workers.shutdown(cancel_futures=True)
            raise


def _needed(file, job):
    """Return the indices of all frames that the sampling may choose, sorted."""
    if job.training and job.sampling.kind != "uniform":
        return np.arange(file.frames)
    indices, _ = frame_indices(file, job.sampling)
    return np.unique(indices[indices != PADDING])


def _clips_of(file, needed, stored, job, epoch, place):
    """Make the clips of one video: uint8 (k, T, H, W, C), lengths int32 (k,), labels int64 (k,)."""
    draw = Draw(job.seed, epoch) if job.training else None
    indices, lengths = frame_indices(file, job.sampling, draw)
    real = indices != PADDING
    x = np.zeros((*indices.shape, *job.look.shape), np.uint8)
    if stored is None:
        how = job.look
        x[real] = read(file, indices[real], how[:2], short_side=how.short_side, colour=how.colour, threads=1)
    else:
        x[real] = _from_cache(file, needed, stored, job)[np.searchsorted(needed, indices[real])]
    y = np.full(len(x), file.label)
    if job.augmentation is not None:
        seed = int(rendering.hash32(job.seed, epoch))
        x, y = augment(x, y, job.augmentation, seed, start=place * len(x), lengths=lengths)
    return x, lengths, y.astype(np.int64)


def average_logits(scores: NDArray[np.floating], clips: int) -> NDArray[np.floating]:
    """Average the scores of the clips of each video, for one answer per video at test time.

    Parameters
    ----------
    scores : float array (B, classes)
        A model's scores of the clips from `clips`, where those of one video are together.
    clips : int
        The number of clips from each video.

    Returns
    -------
    float array (B // clips, classes)

    Raises
    ------
    TypeError, ValueError
        If ``clips`` is not an integer of at least 1; if ``scores`` do not have two axes; if B is no multiple of
        ``clips``.

    Examples
    --------
    >>> average_logits(np.array([[0.0, 1.0], [2.0, 1.0]]), clips=2)
    array([[1., 1.]])
    """
    clips = arguments.integer("clips", clips, 1)
    scores = np.asarray(scores)
    if scores.ndim != 2 or len(scores) % clips:
        raise ValueError(f"scores must have shape (B, classes), B a multiple of clips, {clips}, not {scores.shape}")
    return scores.reshape(-1, clips, scores.shape[1]).mean(1)


# Cache: one file for each video, written beside and renamed, so that no half of a file is ever read


def _cache_file(file, needed, job):
    """Return where the frames of a video are kept: its name has a digest of all that they depend on."""
    if job.cache is None:
        return None
    states = [path.stat() for path in ([file.path / name for name in file.pictures] or [file.path])]
    depends = (
        _CACHE,
        str(file.path.absolute()).encode("utf-8", "surrogateescape"),
        [(state.st_size, state.st_mtime_ns) for state in states],
        file.pictures,
        file.moments.tobytes(),
        file.rotation,
        needed.tobytes(),
        tuple(job.look),
    )
    digest = hashlib.sha256(repr(depends).encode("utf-8", "surrogateescape")).hexdigest()[:20]
    name = re.sub(r"[^A-Za-z0-9]+", "_", file.path.stem)[:40]
    return job.cache / f"{name}-{digest}.npy"


def _from_cache(file, needed, stored, job):
    """Return the needed frames of a video, uint8 (n, H, W, C), mapped into memory; read and keep them first."""
    shape = (len(needed), *job.look.shape)
    for _ in range(2):
        try:
            frames = np.load(stored, mmap_mode="r")
            if frames.shape == shape and frames.dtype == np.uint8:
                return frames
        except (OSError, ValueError):
            pass  # none, or one that the file system has not kept whole
        _keep(shown(file, needed, job.look, threads=1), shape, stored)
    raise OSError(f"cache must be a folder that keeps what is written; {stored} cannot be read: give another folder")


def _keep(frames, shape, stored):
    """Write frames into a file as they come, so that a long video does not have to fit into memory."""
    beside = stored.with_suffix(f".{os.getpid()}-{threading.get_ident()}.part")
    try:
        with beside.open("wb") as output:
            np.lib.format.write_array_header_1_0(output, {"descr": "|u1", "fortran_order": False, "shape": shape})
            for frame in frames:
                output.write(frame.tobytes())
        beside.replace(stored)
    finally:
        beside.unlink(missing_ok=True)


def dataset(
    files: Iterable[File],
    sampling: Sampling = uniform(),  # noqa: B008 (a tuple of constants)
    *,
    batch: int = 32,
    size: Size = 112,
    short_side: int | None = None,
    colour: str = "rgb",
    training: bool = True,
    seed: int = 0,
    augment: Augmentation | None = None,
    cache: str | os.PathLike[str] | None = None,
) -> Dataset:
    """Serve clips of videos that do not fit into memory.

    With ``cache``, all videos are decoded before this function returns, each into a file of that folder. A run that is
    interrupted continues where it stopped. In training with strided or segment sampling, every frame of a video may be
    chosen, so all frames are kept, scaled, with H x W x C bytes each. Otherwise only the chosen frames are kept. A file
    whose video or options have changed is not used; you can delete it, and what ends in ``.part``, at any time. Without
    ``cache``, videos are decoded in each epoch.

    Parameters
    ----------
    files : iterable of File
        From `index` or `split`.
    sampling : Sampling
        Made by `uniform`, `strided` or `segments`.
    batch : int
        Clips in a batch, B.
    size, short_side, colour
        As in `read`.
    training : bool
        Whether the order changes in each pass, and frames are chosen at random, if the sampling allows it.
    seed : int
        From 0 to 2**32 - 1.
    augment : Augmentation, optional
        Made by `augmentation`; drawn anew in each pass.
    cache : path, optional
        A folder for the decoded frames.

    Returns
    -------
    tf.data.Dataset
        Of (x, y): uint8 (B, T, H, W, C) and int64 (B,); of ((x, lengths), y) with int32 (B,) if ``sampling`` was made
        with ``short="lengths"``.

    Raises
    ------
    TypeError
        If an argument is not of its type.
    ValueError
        If there are no files; if an option is not what `read` allows; if a crop is larger than ``size``.
    DamagedError
        If a frame cannot be decoded. Without ``cache``, TensorFlow raises an error of its own with the same text.

    Examples
    --------
    With films in ``films/walk/anna.mp4`` and so on::

        train, test = split(index("films").files, (0.8, 0.2))
        data = dataset(train, segments(8), size=64, cache="decoded")
    """
    videos = _checked(files)
    batch = arguments.integer("batch", batch, 1)
    job = _job(sampling, size, short_side, colour, training, seed, augment, cache)
    needed = [_needed(file, job) for file in videos]
    stored = [_cache_file(file, which, job) for file, which in zip(videos, needed, strict=True)]
    if job.cache is not None:
        missing = [place for place, path in enumerate(stored) if not path.exists()]

        def fill(number):
            place = missing[number]
            _from_cache(videos[place], needed[place], stored[place], job)

        _in_parallel(fill, len(missing), "videos decoded")

    def load(place, epoch):
        return _clips_of(videos[place], needed[place], stored[place], job, int(epoch), int(place))

    return _served(load, len(videos), job, batch)


def _served(load, count, job, batch):
    """Serve what ``load(place, epoch)`` returns as batches."""
    from .backend import tf

    passes, several = itertools.count(), job.sampling.clips

    def order():
        epoch = next(passes)
        places = np.arange(count)
        if job.training:
            places = np.argsort(rendering.hash32(job.seed, epoch, crc32(b"order"), places), kind="stable")
        for place in places:
            yield place, epoch

    def clips_of(place, epoch):
        x, lengths, y = tf.numpy_function(load, [place, epoch], [tf.uint8, tf.int32, tf.int64])
        x, lengths, y = (
            tf.ensure_shape(x, (several, *job.shape)),
            tf.ensure_shape(lengths, (several,)),
            tf.ensure_shape(y, (several,)),
        )
        if several == 1:
            x, lengths, y = x[0], lengths[0], y[0]
        return ((x, lengths), y) if job.sampling.short == "lengths" else (x, y)

    number = tf.TensorSpec((), tf.int64)
    served = tf.data.Dataset.from_generator(order, output_signature=(number, number))
    served = served.apply(tf.data.experimental.assert_cardinality(count))
    served = served.map(clips_of, num_parallel_calls=os.cpu_count(), deterministic=True)
    if several > 1:
        served = served.unbatch().apply(tf.data.experimental.assert_cardinality(count * several))
    return served.batch(batch).prefetch(4)
